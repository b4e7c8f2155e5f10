//! Parquet in and out, as a user has it.

use super::{Desk, FILES};
use segmenta::table::write::{Cells, OutputFormat, write_table};
use segmenta::table::{ReadOptions, Values, read};

#[test]
fn assignments_as_parquet_are_those_of_the_csv() {
    let desk = Desk::with_model();
    desk.run("fit t.csv --device cpu -q --k 3 --missing drop --full-precision --out c").quietly();
    desk.run("fit t.csv --device cpu -q --k 3 --missing drop --out p --assignments parquet").quietly();
    assert_eq!(desk.names("c"), FILES);
    assert_eq!(desk.names("p"), ["assignments.parquet", "metrics.json", "model.json", "report.html"]);
    assert_eq!(desk.read("c/model.json"), desk.read("p/model.json"));
    let table = |name: &str| {
        read(&desk.path(name), &ReadOptions { text: vec!["row".into()], ..ReadOptions::default() }).unwrap()
    };
    let (csv, parquet) = (table("c/assignments.csv"), table("p/assignments.parquet"));
    assert_eq!(csv.rows, parquet.rows);
    for (a, b) in csv.columns.iter().zip(&parquet.columns) {
        assert_eq!(a.name, b.name);
        match (&a.values, &b.values) {
            // NaN is not itself.
            (Values::Number(a), Values::Number(b)) => {
                assert!(a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()));
            }
            (x, y) => assert_eq!(x, y, "{}", a.name),
        }
    }

    // And a Parquet file is a table like any other.
    let said = desk.run("inspect p/assignments.parquet --json").out;
    assert!(said.contains("\"status\""), "{said}");
    desk.run("assign m.json t.csv -q --out q --assignments parquet").quietly();
    assert_eq!(desk.names("q"), ["assignments.parquet"]);
    let both = desk.run("assign m.json t.csv -q --labels - --assignments parquet");
    assert!(both.code == Some(2) && both.err.contains("--assignments"), "{both:?}");
    desk.fails("fit t.csv -q --k 3 --out q --assignments parquet", 2, &["q/assignments.parquet", "--force"]);
}

#[test]
fn a_parquet_table_is_read_from_a_file_and_from_stdin() {
    let desk = Desk::new();
    let columns = [
        Cells::Text(Box::new(|i| Some(format!("{i:05}").into()))),
        Cells::F64(Box::new(|i| Some((i % 3 * 50 + i % 5) as f64))),
    ];
    let mut bytes = Vec::new();
    write_table(OutputFormat::Parquet, 60, &["user_id", "age"], &columns, &mut bytes).unwrap();
    desk.put("t.parquet", &bytes);
    desk.run("fit t.parquet --device cpu -q --k 3 --id user_id --out a").quietly();
    let line = "fit - --format parquet --device cpu -q --k 3 --id user_id --out b";
    desk.run_with(line, bytes.as_slice()).quietly();
    assert_eq!(desk.read("a/assignments.csv"), desk.read("b/assignments.csv"));
    assert!(desk.read("a/assignments.csv").contains("\n00007,"), "an id is text as it stands in the file");
    desk.put("cut.parquet", &bytes[..bytes.len() - 9]);
    desk.fails("fit cut.parquet --device cpu -q --k 3 --out c", 3, &["cut.parquet", "damaged"]);
}

/// Decoders panic on some of these; the user sees one line.
#[test]
fn damaged_columns_are_told_in_one_line() {
    use arrow_array::{Int64Array, RecordBatch};
    let numbers = std::sync::Arc::new(Int64Array::from_iter_values((0..100).map(|i| i * i % 37)));
    let batch = RecordBatch::try_from_iter([("n", numbers as arrow_array::ArrayRef)]).unwrap();
    let mut writer = arrow_ipc::writer::FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    let whole = writer.into_inner().unwrap();
    let desk = Desk::new();
    desk.put("whole.arrow", &whole);
    assert_eq!(desk.run("inspect whole.arrow").code, Some(0));
    let mut refused = 0;
    for at in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        desk.put("t.arrow", bytes);
        let said = desk.run("inspect t.arrow -q");
        if said.code != Some(0) {
            desk.one_clear_line("inspect t.arrow -q", &said, 3, &["t.arrow"]);
            refused += 1;
        }
    }
    assert!(refused > 20, "{refused}");
}
