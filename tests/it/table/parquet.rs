//! Parquet and Arrow: every type, nulls, row groups, ids, and damaged files.

use std::io::Write as _;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringDictionaryBuilder};
use arrow_array::types::Int32Type;
use arrow_array::*;
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::{Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;
use segmenta::error::Error;
use segmenta::table::{Format, ReadOptions, Table, Values, read, read_bytes};

use super::{names, numbers, some, texts, values};

pub fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<Field> =
        columns.iter().map(|(n, a)| Field::new(*n, a.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

pub fn parquet_with(batch: &RecordBatch, group: usize, compression: Compression) -> Vec<u8> {
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(group))
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn parquet(batch: &RecordBatch) -> Vec<u8> {
    parquet_with(batch, 2, Compression::SNAPPY)
}

fn arrow(batches: &[RecordBatch]) -> Vec<u8> {
    arrow_with(batches, None)
}

pub fn arrow_with(batches: &[RecordBatch], compression: Option<CompressionType>) -> Vec<u8> {
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

pub fn stream(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

/// The batch read back from a Parquet file, an Arrow file and an Arrow stream.
fn everywhere(batch: &RecordBatch, options: &ReadOptions) -> Vec<Result<Table, Error>> {
    vec![
        read_bytes("t.parquet", parquet(batch), options),
        read_bytes("t.arrow", arrow(std::slice::from_ref(batch)), options),
        read_bytes("t.feather", stream(batch), options),
    ]
}

fn tables(batch: &RecordBatch, options: &ReadOptions) -> Vec<Table> {
    everywhere(batch, options).into_iter().map(Result::unwrap).collect()
}

fn errors(batch: &RecordBatch, options: &ReadOptions) -> Vec<String> {
    everywhere(batch, options).into_iter().map(|t| t.unwrap_err().to_string()).collect()
}

#[test]
fn every_integer_and_float_is_a_number() {
    macro_rules! column {
        ($array:ident, $values:expr) => {
            (stringify!($array), Arc::new($array::from($values)) as ArrayRef)
        };
    }
    let half = Float16Array::from_iter([Some(1.0f32), None, Some(7.0)].map(|v| v.map(half)));
    let batch = batch(vec![
        column!(Int8Array, vec![Some(1), None, Some(7)]),
        column!(Int16Array, vec![Some(1), None, Some(7)]),
        column!(Int32Array, vec![Some(1), None, Some(7)]),
        column!(Int64Array, vec![Some(1), None, Some(7)]),
        column!(UInt8Array, vec![Some(1), None, Some(7)]),
        column!(UInt16Array, vec![Some(1), None, Some(7)]),
        column!(UInt32Array, vec![Some(1), None, Some(7)]),
        column!(UInt64Array, vec![Some(1), None, Some(7)]),
        ("Float16Array", Arc::new(half)),
        column!(Float32Array, vec![Some(1.0), Some(f32::NAN), Some(7.0)]),
        column!(Float64Array, vec![Some(1.0), None, Some(7.0)]),
    ]);
    for t in tables(&batch, &ReadOptions::default()) {
        assert_eq!((t.rows, t.columns.len()), (3, 11));
        for column in &t.columns {
            assert_eq!(numbers(&t, &column.name), [Some(1.0), None, Some(7.0)], "{}", column.name);
        }
    }
}

/// Named through arrow's own type, as the crate of that type is no dependency.
fn half(v: f32) -> <types::Float16Type as ArrowPrimitiveType>::Native {
    <types::Float16Type as ArrowPrimitiveType>::Native::from_f32(v)
}

#[test]
fn texts_stay_texts() {
    let words = [Some("007"), None, Some("NA"), Some(""), Some("007"), Some("true")];
    let mut coded = StringDictionaryBuilder::<Int32Type>::new();
    // A level that no row has first: codes are those of the rows.
    coded.append_value("true");
    words.iter().for_each(|w| coded.append_option(*w));
    let coded = coded.finish().slice(1, 6);
    let batch = batch(vec![
        ("utf8", Arc::new(StringArray::from_iter(words))),
        ("large", Arc::new(LargeStringArray::from_iter(words))),
        ("view", Arc::new(StringViewArray::from_iter(words))),
        ("coded", Arc::new(coded)),
    ]);
    let expected = Values::Text {
        levels: ["007", "NA", "", "true"].map(String::from).to_vec(),
        codes: vec![Some(0), None, Some(1), Some(2), Some(0), Some(3)],
    };
    for t in tables(&batch, &ReadOptions::default()) {
        for column in &t.columns {
            assert_eq!(column.values, expected, "{}", column.name);
        }
    }
    let options = ReadOptions { null: vec!["NA".into()], ..ReadOptions::default() };
    for t in tables(&batch, &options) {
        assert_eq!(values(&t, "utf8").missing(), 2);
    }
}

#[test]
fn booleans_dates_decimals_and_what_is_left_out() {
    let mut lists = ListBuilder::new(Int32Array::builder(3));
    (0..3).for_each(|i| lists.append_value([Some(i)]));
    let day = 86_400_000_000_000i64;
    let decimals = Decimal128Array::from(vec![Some(-12_345), None, Some(10)]);
    let batch = batch(vec![
        ("yes", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("day", Arc::new(Date32Array::from(vec![Some(-1), None, Some(1)]))),
        ("ns", Arc::new(TimestampNanosecondArray::from(vec![Some(-day), None, Some(day + 500_000_000)]))),
        ("us", Arc::new(TimestampMicrosecondArray::from(vec![-day / 1000, 0, 1]).with_timezone("UTC"))),
        ("ms", Arc::new(TimestampMillisecondArray::from(vec![Some(1), None, Some(2_000)]))),
        ("decimal", Arc::new(decimals.with_precision_and_scale(10, 2).unwrap())),
        ("time", Arc::new(Time64MicrosecondArray::from(vec![Some(1_500_000), None, None]))),
        ("list", Arc::new(lists.finish())),
        ("binary", Arc::new(BinaryArray::from_vec(vec![b"a", b"b", b"c"]))),
        ("void", Arc::new(Float64Array::from(vec![None, Some(f64::NAN), None]))),
        ("never", Arc::new(BooleanArray::from(vec![None; 3]))),
        ("silent", Arc::new(StringArray::new_null(3))),
    ]);
    for t in tables(&batch, &ReadOptions::default()) {
        assert_eq!(values(&t, "yes"), &Values::Bool(vec![Some(true), None, Some(false)]));
        assert_eq!(numbers(&t, "day"), [Some(-86_400.0), None, Some(86_400.0)]);
        assert_eq!(numbers(&t, "ns"), [Some(-86_400.0), None, Some(86_400.5)]);
        assert_eq!(numbers(&t, "us"), [Some(-86_400.0), Some(0.0), Some(1e-6)]);
        assert_eq!(numbers(&t, "ms"), [Some(0.001), None, Some(2.0)]);
        assert_eq!(numbers(&t, "decimal"), [Some(-123.45), None, Some(0.1)]);
        assert_eq!(numbers(&t, "time"), [Some(1.5), None, None]);
        for name in ["list", "binary", "void", "never", "silent"] {
            assert_eq!(values(&t, name), &Values::Empty(3), "{name}");
        }
    }
    let id = ReadOptions { id: Some("list".into()), ..ReadOptions::default() };
    for e in errors(&batch, &id) {
        assert!(e.contains("column list: the type List") && e.ends_with("cannot be an id"), "{e}");
    }
}

#[test]
fn ids_keep_every_digit_and_numbers_can_be_kept_as_text() {
    let batch = batch(vec![
        ("n", Arc::new(UInt64Array::from(vec![Some(9_007_199_254_740_993), None, Some(u64::MAX)]))),
        ("t", Arc::new(StringArray::from(vec!["001", " x ", "y"]))),
        ("b", Arc::new(BooleanArray::from(vec![true, false, true]))),
    ]);
    let id = |name: &str| ReadOptions { id: Some(name.into()), ..ReadOptions::default() };
    let ids = |name: &str, cells: [&str; 3]| Some((name.to_string(), cells.map(String::from).to_vec()));
    for t in tables(&batch, &id("n")) {
        assert_eq!(t.ids, ids("n", ["9007199254740993", "", "18446744073709551615"]));
    }
    for t in tables(&batch, &id("t")) {
        assert_eq!(t.ids, ids("t", ["001", " x ", "y"]));
    }
    for e in errors(&batch, &id("nn")) {
        assert!(
            e.ends_with("no column is called \"nn\"; did you mean n?") || e.contains("the columns are"),
            "{e}"
        );
    }
    let options = ReadOptions { text: vec!["n".into(), "b".into()], ..ReadOptions::default() };
    for t in tables(&batch, &options) {
        let n = ["9007199254740993", "18446744073709551615"].map(String::from);
        assert_eq!(texts(&t, "n"), [Some(n[0].clone()), None, Some(n[1].clone())]);
        assert_eq!(texts(&t, "b"), some(&["true", "false", "true"]));
    }
}

/// 1,000 rows in batches of 7 and row groups of 64.
fn long() -> RecordBatch {
    batch(vec![
        ("i", Arc::new(Int64Array::from_iter_values(0..1_000))),
        (
            "t",
            Arc::new(StringArray::from_iter(
                (0..1_000).map(|i| (i % 7 > 0).then(|| format!("x{}", i * i % 101))),
            )),
        ),
        ("b", Arc::new(BooleanArray::from_iter((0..1_000).map(|i| Some(i % 3 == 0))))),
    ])
}

#[test]
fn row_groups_come_in_order_and_rows_can_be_skipped() {
    let all = long();
    let batches: Vec<RecordBatch> = (0..1_000).step_by(7).map(|i| all.slice(i, 7.min(1_000 - i))).collect();
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::LZ4_RAW,
    ] {
        for skip_rows in [0, 1, 64, 100, 999] {
            let options = ReadOptions { skip_rows, id: Some("i".into()), ..ReadOptions::default() };
            let csv: String = (skip_rows..1_000)
                .map(|i| {
                    let text = if i % 7 > 0 { format!("x{}", i * i % 101) } else { String::new() };
                    format!("{i},{text},{}\n", i % 3 == 0)
                })
                .collect();
            let plain = ReadOptions { skip_rows: 0, ..options.clone() };
            let expected = read_bytes(
                "t",
                format!("i,t,b\n{csv}").into_bytes(),
                &ReadOptions { format: Some(Format::Csv), ..plain },
            )
            .unwrap();
            for (format, bytes) in
                [(Format::Parquet, parquet_with(&all, 64, compression)), (Format::Arrow, arrow(&batches))]
            {
                let t =
                    read_bytes("t", bytes, &ReadOptions { format: Some(format), ..options.clone() }).unwrap();
                assert!(t == expected, "{format:?} without {skip_rows}");
            }
        }
    }
    let options = ReadOptions { skip_rows: 1_000, ..ReadOptions::default() };
    for e in errors(&all, &options) {
        assert!(e.ends_with(": no rows after the 1000 that are skipped"), "{e}");
    }
}

#[test]
fn files_are_read_where_they_lie() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in
        [("t.parquet", parquet(&long())), ("t.feather", arrow(&[long()])), ("t.ipc", stream(&long()))]
    {
        let path = folder.path().join(name);
        std::fs::File::create(&path).unwrap().write_all(&bytes).unwrap();
        let t = read(&path, &ReadOptions::default()).unwrap();
        assert_eq!((t.rows, t.source.as_str()), (1_000, path.to_str().unwrap()));
        assert_eq!(names(&t), ["i", "t", "b"]);
    }
    for name in ["none.parquet", "none.arrow"] {
        let e = read(&folder.path().join(name), &ReadOptions::default()).unwrap_err();
        assert!(matches!(e, Error::Read { .. }), "{e:?}");
    }
}

#[test]
fn infinities_names_and_empty_tables_are_errors() {
    let one = |name: &str, values: Vec<f64>| batch(vec![(name, Arc::new(Float64Array::from(values)))]);
    for e in errors(&one("a", vec![1.0, 2.0, 3.0, f64::NEG_INFINITY]), &ReadOptions::default()) {
        assert!(e.ends_with(", column a: row 4: expected a finite number, found -inf"), "{e}");
    }
    for t in tables(&one("", vec![1.0]), &ReadOptions::default()) {
        assert_eq!(names(&t), ["unnamed_1"]);
    }
    let twice =
        batch(vec![("a", Arc::new(Int32Array::from(vec![1]))), ("a", Arc::new(Int32Array::from(vec![1])))]);
    for e in errors(&twice, &ReadOptions::default()) {
        assert!(e.ends_with(": the name \"a\" is used twice, by columns 1 and 2"), "{e}");
    }
    for e in errors(&one("a", vec![]), &ReadOptions::default()) {
        assert!(e.ends_with(": the table has no rows"), "{e}");
    }
}

#[test]
fn what_is_no_such_file() {
    let read = |name: &str, bytes: &[u8]| {
        read_bytes(name, bytes.to_vec(), &ReadOptions::default()).unwrap_err().to_string()
    };
    assert!(
        read("t.parquet", b"a,b\n1,2\n").starts_with("t.parquet: not a Parquet file, or a damaged one: ")
    );
    assert_eq!(read("t.parquet", b""), "t.parquet: the file is empty");
    assert!(read("t.arrow", b"PAR1").starts_with("t.arrow: not an Arrow file, or a damaged one: "));
    assert_eq!(
        read("t.feather", b"FEA1...."),
        "t.feather: Feather version 1; write it as version 2, which is an Arrow file"
    );
}

/// A file that pyarrow or Polars compressed with zstd; without the codec the one word in the footer is enough.
#[test]
fn zstd_is_read_or_explained() {
    let all = long();
    if cfg!(feature = "zstd") {
        let bytes = parquet_with(&all, 64, Compression::ZSTD(ZstdLevel::default()));
        let arrow = arrow_with(std::slice::from_ref(&all), Some(CompressionType::ZSTD));
        let plain = read_bytes("t.parquet", parquet(&all), &ReadOptions::default()).unwrap().columns;
        for (name, bytes) in [("t.parquet", bytes), ("t.arrow", arrow)] {
            assert_eq!(read_bytes(name, bytes, &ReadOptions::default()).unwrap().columns, plain, "{name}");
        }
        return;
    }
    // The writer has no zstd either: the same footer with another codec's number in it.
    let bytes = parquet_with(&all.slice(0, 1), 64, Compression::SNAPPY);
    let bytes = with_codec(bytes, 6);
    let e = read_bytes("t.parquet", bytes, &ReadOptions::default()).unwrap_err().to_string();
    assert_eq!(
        e,
        "t.parquet: compressed with zstd, which this build cannot unpack; write it with snappy or lz4, or build \
         segmenta with the feature zstd"
    );
}

/// Sets the codec of the columns: in the footer's compact Thrift it is field 4 of a column's metadata, an i32 behind
/// the path list (field 3: one text, the name).
fn with_codec(mut bytes: Vec<u8>, codec: u8) -> Vec<u8> {
    let mut changed = 0;
    for name in [b"i", b"t", b"b"] {
        let path = [0x19, 0x18, 0x01, name[0], 0x15];
        for at in 0..bytes.len() - 6 {
            if bytes[at..].starts_with(&path) {
                bytes[at + 5] = codec * 2; // zigzag
                changed += 1;
            }
        }
    }
    assert_eq!(changed, 3);
    bytes
}

#[test]
fn a_null_that_is_a_number_is_the_value_in_every_type() {
    let options = |null: &str| ReadOptions { null: vec![null.into()], ..ReadOptions::default() };
    let whole = batch(vec![
        ("i8", Arc::new(Int8Array::from(vec![Some(-99), Some(1), None, Some(5)]))),
        ("i64", Arc::new(Int64Array::from(vec![Some(-99), Some(1 << 53), None, Some((1 << 53) + 1)]))),
        ("f32", Arc::new(Float32Array::from(vec![-99.0, 1.5, 0.1, -99.0]))),
        ("f64", Arc::new(Float64Array::from(vec![-99.0, 1.5, 0.1, -99.0]))),
        ("text", Arc::new(StringArray::from(vec!["-99", "-99.0", "x", "-990"]))),
        ("bool", Arc::new(BooleanArray::from(vec![true, false, true, false]))),
    ]);
    for t in tables(&whole, &options("-99")) {
        assert_eq!(numbers(&t, "i8"), [None, Some(1.0), None, Some(5.0)]);
        assert_eq!(numbers(&t, "i64")[..2], [None, Some(9_007_199_254_740_992.0)]);
        assert_eq!(t.wide_integers["i64"].distinct, 2);
        assert_eq!(numbers(&t, "f32")[3], None);
        assert_eq!(numbers(&t, "f64"), [None, Some(1.5), Some(0.1), None]);
        assert_eq!(texts(&t, "text"), [None, None, Some("x".into()), Some("-990".into())]);
        assert_eq!(values(&t, "bool").missing(), 0);
    }
    // 0.1 in 32 bits is another number in 64.
    for t in tables(&whole, &options("0.1")) {
        assert_eq!((numbers(&t, "f32")[2], numbers(&t, "f64")[2]), (None, None));
    }
}

#[test]
fn whole_numbers_beyond_two_to_the_53_are_counted_by_their_digits() {
    let first = 1_582_218_195_625_938_945_i64;
    let wide = |make: fn(i64) -> i64| {
        Int64Array::from((0..9).map(|i| 1_582_218_195_625_938_945 + make(i)).collect::<Vec<_>>())
    };
    let late = Int64Array::from(vec![
        Some(1),
        None,
        Some(3),
        Some(4),
        Some(5),
        Some(6),
        Some(7),
        Some(first),
        Some(first + 1),
    ]);
    let all = batch(vec![
        ("run", Arc::new(wide(|i| i))),
        ("key", Arc::new(wide(|i| i * 5 % 9))),
        ("late", Arc::new(late)),
        ("unsigned", Arc::new(UInt64Array::from((0..9).map(|i| u64::MAX - i % 2).collect::<Vec<_>>()))),
        ("small", Arc::new(Int64Array::from((0..9).collect::<Vec<_>>()))),
    ]);
    for t in tables(&all, &ReadOptions::default()) {
        let found: Vec<_> =
            t.wide_integers.iter().map(|(n, w)| (n.as_str(), w.distinct, w.running)).collect();
        assert_eq!(found, [("key", 9, false), ("late", 8, false), ("run", 9, true), ("unsigned", 2, false)]);
        assert_eq!(numbers(&t, "late")[..3], [Some(1.0), None, Some(3.0)]);
        assert_eq!(numbers(&t, "run")[0], Some(first as f64));
    }
}

#[test]
fn texts_are_numbers_where_a_model_read_them_so() {
    use segmenta::table::NumberFormat;
    let all = batch(vec![
        ("a", Arc::new(StringArray::from(vec!["1,234", "5"]))),
        ("b", Arc::new(StringArray::from(vec!["1,5", "x"]))),
    ]);
    let format = |name: &str| (name.to_string(), NumberFormat::with_decimal(','));
    for t in tables(&all, &ReadOptions { numbers: vec![format("a"), format("b")], ..ReadOptions::default() })
    {
        assert_eq!(numbers(&t, "a"), [Some(1.234), Some(5.0)]);
        assert_eq!(texts(&t, "b"), some(&["1,5", "x"]));
    }
    for t in tables(&all, &ReadOptions { id: Some("a".into()), ..ReadOptions::default() }) {
        assert_eq!(texts(&t, "a"), some(&["1,234", "5"]), "text is text in these formats");
    }
    let twice = batch(vec![
        ("id", Arc::new(StringArray::from(vec![Some("u"), None, Some("u")]))),
        ("x", Arc::new(Int8Array::from(vec![1, 2, 3]))),
    ]);
    for t in tables(&twice, &ReadOptions { id: Some("id".into()), ..ReadOptions::default() }) {
        assert_eq!(
            t.notes,
            [
                "id column id: 1 id is used twice or more (\"u\" on rows 1, 3), and 1 row is without an id (row 2)"
            ]
        );
    }
}
