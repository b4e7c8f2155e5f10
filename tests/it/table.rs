//! NumberFormat tables: types, missing marks, ids, and every way in which a file can be wrong.

mod budget;
#[cfg(feature = "parquet")]
mod damaged;
mod npy;
#[cfg(feature = "parquet")]
mod parquet;
mod top;
mod write;
mod written;

use std::io::Write as _;

use proptest::prelude::*;
use segmenta::error::Error;
use segmenta::table::{Format, ReadOptions, Table, Values, read, read_bytes};

fn table(name: &str, text: impl AsRef<[u8]>) -> Table {
    read_bytes(name, text.as_ref().to_vec(), &ReadOptions::default()).unwrap()
}

fn error(name: &str, text: impl AsRef<[u8]>) -> String {
    let e = read_bytes(name, text.as_ref().to_vec(), &ReadOptions::default()).unwrap_err();
    assert!(matches!(e, Error::Data { .. }), "{e:?}");
    e.to_string()
}

fn read_with(text: &str, options: &ReadOptions) -> Table {
    read_bytes("t.csv", text.as_bytes().to_vec(), options).unwrap()
}

/// The error of a table that is read with options.
fn one_error(text: &str, options: &ReadOptions) -> String {
    read_bytes("t.csv", text.as_bytes().to_vec(), options).unwrap_err().to_string()
}

fn with_id(text: &str, id: &str) -> Result<Table, Error> {
    let options = ReadOptions { id: Some(id.into()), ..ReadOptions::default() };
    read_bytes("t.csv", text.as_bytes().to_vec(), &options)
}

fn values<'a>(table: &'a Table, name: &str) -> &'a Values {
    &table.column(name).unwrap().values
}

/// Numbers with missing as `None`, so that they can be compared.
fn numbers(table: &Table, name: &str) -> Vec<Option<f64>> {
    match values(table, name) {
        Values::Number(v) => v.iter().map(|v| (!v.is_nan()).then_some(*v)).collect(),
        other => panic!("{name} is {}", other.kind()),
    }
}

/// Texts with missing as `None`.
fn texts(table: &Table, name: &str) -> Vec<Option<String>> {
    match values(table, name) {
        Values::Text { levels, codes } => {
            codes.iter().map(|c| c.map(|c| levels[c as usize].clone())).collect()
        }
        other => panic!("{name} is {}", other.kind()),
    }
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|t| Some(t.to_string())).collect()
}

fn names(table: &Table) -> Vec<&str> {
    table.columns.iter().map(|c| c.name.as_str()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[test]
fn types_are_those_of_the_whole_column() {
    let t = table("t.csv", "n,b,t,e,m\n1,true,x,,1\n-2.5e1,FALSE,y,NA,2\n,,x,-,three\n");
    assert_eq!((t.rows, t.source.as_str()), (3, "t.csv"));
    assert_eq!(numbers(&t, "n"), [Some(1.0), Some(-25.0), None]);
    assert_eq!(values(&t, "b"), &Values::Bool(vec![Some(true), Some(false), None]));
    assert_eq!(
        values(&t, "t"),
        &Values::Text { levels: vec!["x".into(), "y".into()], codes: vec![Some(0), Some(1), Some(0)] }
    );
    assert_eq!(values(&t, "e"), &Values::Empty(3));
    assert_eq!(texts(&t, "m"), some(&["1", "2", "three"]), "one text makes the column text");
    let kinds: Vec<_> = t.columns.iter().map(|c| c.values.kind()).collect();
    assert_eq!(kinds, ["number", "boolean", "text", "empty", "text"]);
    let counts: Vec<_> = t.columns.iter().map(|c| (c.values.missing(), c.values.distinct())).collect();
    assert_eq!(counts, [(1, 2), (1, 2), (0, 2), (3, 0), (0, 3)]);
}

#[test]
fn types_are_those_of_the_whole_column_however_late_they_show() {
    const ROWS: usize = 20_000;
    let column = |cell: fn(usize) -> &'static str| {
        let text = (0..ROWS).fold("c,one\n".to_string(), |all, i| all + cell(i) + ",1\n");
        read_bytes("t.csv", text.into_bytes(), &ReadOptions::default())
    };
    let late = |i: usize| i + 1 == ROWS;
    let some = |text: &str| Some(text.to_string());

    let t = column(|i| if i + 1 == ROWS { "x" } else { "7" }).unwrap();
    let found = texts(&t, "c");
    assert!((0..ROWS).all(|i| found[i] == if late(i) { some("x") } else { some("7") }));
    assert_eq!(t.columns[0].values.distinct(), 2);

    let t = column(|i| if i < 9_000 { "" } else { "True" }).unwrap();
    let expected = (0..ROWS).map(|i| (i >= 9_000).then_some(true)).collect();
    assert_eq!(values(&t, "c"), &Values::Bool(expected));

    let t = column(|i| if i < 9_000 { "true" } else { "1" }).unwrap();
    let found = texts(&t, "c");
    assert!((0..ROWS).all(|i| found[i] == if i < 9_000 { some("true") } else { some("1") }));

    let t = column(|i| if i + 1 == ROWS { "2.5" } else { "na" }).unwrap();
    assert!(numbers(&t, "c").iter().enumerate().all(|(i, v)| *v == late(i).then_some(2.5)));

    let e = column(|i| if i == 12_345 { "inf" } else { "0" }).unwrap_err().to_string();
    assert_eq!(e, "t.csv, line 12347, column c: expected a finite number, found \"inf\"");
}

#[test]
fn distinct_numbers_are_counted_however_many() {
    for (rows, modulus) in [(50_000, 7), (50_000, 16_384), (50_000, 16_385), (50_000, 49_999)] {
        let text = (0..rows).fold("n\n".to_string(), |all, i| all + &(i * 31 % modulus).to_string() + "\n");
        assert_eq!(values(&table("t.csv", text), "n").distinct(), modulus, "of {modulus}");
    }
}

#[test]
fn negative_zero_is_not_a_second_value() {
    assert!(
        matches!(values(&table("t.csv", "a\n-0\n1\n"), "a"), Values::Number(v) if v[0].is_sign_negative())
    );
    assert_eq!(values(&table("t.csv", "a\n0\n-0.0\n"), "a").distinct(), 1);
}

#[test]
fn missing_marks_in_any_case_and_with_blanks_around() {
    let t = table("t.csv", "a,b\n1, x \n na ,NULL\nNaN, - \n nUll,nan\n-,NA\n\t 7 ,\"\"\n-nan,x\n");
    assert_eq!(numbers(&t, "a"), [Some(1.0), None, None, None, None, Some(7.0), None]);
    let x = Some("x".to_string());
    assert_eq!(texts(&t, "b"), [x.clone(), None, None, None, None, None, x]);
    // A mark must be the whole cell.
    assert_eq!(texts(&table("t.csv", "a\nNAB\nn.a.\n--\n"), "a"), some(&["NAB", "n.a.", "--"]));
}

#[test]
fn further_missing_marks_are_taken_literally() {
    let options = ReadOptions { null: vec!["-999".into(), " n.a. ".into()], ..ReadOptions::default() };
    let t = read_bytes("t.csv", b"a,b\n-999,n.a.\n3,N.A.\n".to_vec(), &options).unwrap();
    assert_eq!(numbers(&t, "a"), [None, Some(3.0)]);
    assert_eq!(texts(&t, "b"), [None, Some("N.A.".into())]);
}

#[test]
fn a_column_can_be_kept_as_text() {
    let options = ReadOptions { text: vec!["code".into(), "void".into()], ..ReadOptions::default() };
    let t = read_bytes("t.csv", b"code,n,void\n01,1,\ntrue,2,\n".to_vec(), &options).unwrap();
    assert_eq!(texts(&t, "code"), some(&["01", "true"]));
    assert_eq!(numbers(&t, "n"), [Some(1.0), Some(2.0)]);
    assert_eq!(values(&t, "void"), &Values::Empty(2));
}

/// The cells of a table of two columns, `None` where it is refused.
fn cells(text: &str) -> Option<Vec<[Option<String>; 2]>> {
    let options = ReadOptions { text: vec!["a".into(), "b".into()], ..ReadOptions::default() };
    let t = read_bytes("t.csv", text.as_bytes().to_vec(), &options).ok()?;
    let column = |name| match values(&t, name) {
        Values::Empty(rows) => vec![None; *rows],
        _ => texts(&t, name),
    };
    Some(column("a").into_iter().zip(column("b")).map(|(a, b)| [a, b]).collect())
}

fn cells_of_the_csv_crate(text: &str) -> Option<Vec<[Option<String>; 2]>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cell = |r: &csv::StringRecord, j| r.get(j).filter(|c| !c.is_empty()).map(String::from);
    let whole = !rows.is_empty() && rows.iter().all(|r| r.len() == 2);
    whole.then(|| rows.iter().map(|r| [cell(r, 0), cell(r, 1)]).collect())
}

#[test]
fn plain_tables_are_cut_in_pieces() {
    let text = "a,b\n".to_string() + &"1,x\r\n\n,yy\r,\nlong cell,\r\n".repeat(150_000);
    assert!(text.len() > 3 << 20);
    assert!(cells(&text) == cells_of_the_csv_crate(&text));
}

#[test]
fn rows_after_the_header_can_be_skipped() {
    let options = |skip_rows| ReadOptions { skip_rows, id: Some("id".into()), ..ReadOptions::default() };
    let text = "id,q1\nWho are you?,\"How old,\nin years?\"\n007,31\n008,-\n009,inf\n";
    let read = |skip| read_bytes("t.csv", text.as_bytes().to_vec(), &options(skip));
    let e = read(1).unwrap_err().to_string();
    assert_eq!(e, "t.csv, line 6, column q1: expected a finite number, found \"inf\"");
    let t = read_bytes("t.csv", text.replace("inf", "5").into_bytes(), &options(1)).unwrap();
    assert_eq!((t.rows, numbers(&t, "q1")), (3, vec![Some(31.0), None, Some(5.0)]));
    assert_eq!(t.ids, Some(("id".into(), ["007", "008", "009"].map(String::from).to_vec())));
    assert_eq!(texts(&read(0).unwrap(), "q1")[0].as_deref(), Some("How old,\nin years?"));
    for skip in [4, 5, usize::MAX] {
        let e = read(skip).unwrap_err().to_string();
        assert_eq!(e, format!("t.csv: no rows after the {skip} that are skipped"));
    }
    let plain = "id,q1\nWho?,How old?\n1,31\n2\n";
    let e = read_bytes("t.csv", plain.as_bytes().to_vec(), &options(1)).unwrap_err().to_string();
    assert!(e.starts_with("t.csv, line 4: expected 2 fields, found 1"), "{e}");
}

#[test]
fn levels_are_in_order_of_first_appearance_in_large_tables_too() {
    let text = |i: usize| format!("x{}", i * i % 40_009);
    let t = table("t.csv", (0..100_000).fold("t\n".to_string(), |all, i| all + &text(i) + "\n"));
    let mut levels: Vec<String> = Vec::new();
    let mut known = std::collections::HashMap::new();
    let codes = (0..100_000).map(|i| {
        Some(*known.entry(text(i)).or_insert_with(|| {
            levels.push(text(i));
            levels.len() as u32 - 1
        }))
    });
    let codes = codes.collect();
    assert_eq!(values(&t, "t"), &Values::Text { levels, codes });
}

#[test]
fn bom_crlf_quotes_and_unicode_names() {
    let t = table("t.csv", "\u{feff}größe,\"a \"\"b\"\"\", c \r\n1,\"x,\r\ny\",\" z \"\r\n2,q,z\r\n");
    assert_eq!(names(&t), ["größe", "a \"b\"", "c"]);
    assert_eq!(numbers(&t, "größe"), [Some(1.0), Some(2.0)]);
    assert_eq!(texts(&t, "a \"b\""), some(&["x,\r\ny", "q"]));
    assert_eq!(texts(&t, "c"), some(&["z", "z"]));
}

#[test]
fn the_last_line_needs_no_end_and_blank_lines_are_skipped() {
    let t = table("t.csv", "\n\na,b\n\n1,2\n\n\n3,4");
    assert_eq!(numbers(&t, "b"), [Some(2.0), Some(4.0)]);
}

#[test]
fn delimiters_are_found() {
    for d in [",", ";", "\t", "|"] {
        let text = format!("a{d}b{d}c\n1{d}2{d}3\n");
        assert_eq!(names(&table("t.csv", &text)), ["a", "b", "c"], "{d:?}");
        assert_eq!(names(&table("t.txt", &text)), ["a", "b", "c"], "{d:?}");
    }
    // Decimal commas below, and commas inside quotes, decide nothing.
    let t = table("t.csv", "a;b;\"c,d,e,f\"\n1,5;2,5;3\n1,5;2,5;4\n");
    assert_eq!(names(&t), ["a", "b", "c,d,e,f"]);
    // The header has more bars, but only semicolons fit the rows.
    assert_eq!(names(&table("t.csv", "a|b|c;d\n1;2\n3;4\n")), ["a|b|c", "d"]);
    assert_eq!(names(&table("t.csv", "only\n1\n")), ["only"]);
    // Beyond what is looked at, the last record is cut off; it must not count.
    let long = format!("a,b\n1,2\nx,{};2\n", "x".repeat(70_000));
    assert_eq!(names(&table("t.csv", long)), ["a", "b"]);
}

#[test]
fn tsv_means_tab_and_a_given_delimiter_wins() {
    assert_eq!(names(&table("t.tsv", "a,b\tc\n1,1\t2\n")), ["a,b", "c"]);
    let given = |name: &str, d: u8, text: &str| {
        let options = ReadOptions { delimiter: Some(d), ..ReadOptions::default() };
        read_bytes(name, text.as_bytes().to_vec(), &options)
    };
    assert_eq!(names(&given("t.csv", b':', "a:b,c\n1:2\n").unwrap()), ["a", "b,c"]);
    assert_eq!(names(&given("t.tsv", b';', "a;b\n1;2\n").unwrap()), ["a", "b"]);
    for bad in [b'"', b'\n', 0xe9] {
        assert!(matches!(given("t.csv", bad, "a,b\n1,2\n"), Err(Error::Usage(_))), "{bad}");
    }
}

#[test]
fn ids_stay_letter_for_letter() {
    let t = with_id("id,v\n1e3,1\n 2 ,2\n,3\n\"NA\",4\n", "id").unwrap();
    let ids = ["1e3", " 2 ", "", "NA"].map(String::from).to_vec();
    assert_eq!(t.ids, Some(("id".into(), ids)));
    assert_eq!(numbers(&t, "id"), [Some(1000.0), Some(2.0), None, None], "the id column is in the table too");
    assert_eq!(table("t.csv", "id\n1\n").ids, None);
}

#[test]
fn an_unknown_id_column_names_what_comes_close() {
    let e = with_id("id_student,gender,age\n1,M,3\n", "student_id").unwrap_err().to_string();
    assert_eq!(e, "t.csv: no column is called \"student_id\"; the columns are id_student, gender, age");
    let e = with_id("id_student,gender,age\n1,M,3\n", "Id_Studnet").unwrap_err().to_string();
    assert_eq!(e, "t.csv: no column is called \"Id_Studnet\"; did you mean id_student?");
}

#[test]
fn files_that_hold_no_table() {
    assert_eq!(error("t.csv", ""), "t.csv: the file is empty");
    assert_eq!(error("t.csv", "\u{feff}\n\r\n"), "t.csv: the file is empty");
    assert_eq!(error("t.csv", "a,b\n"), "t.csv: the table has a header but no rows below it");
    assert_eq!(error("t.csv", b"a,b\n1,\x002\n"), "t.csv: this does not look like a text table");
    assert_eq!(error("t.csv", b"\x01\x90\xf3\xfe\x88,\x02\n"), "t.csv: this does not look like a text table");
    assert_eq!(
        error("t.csv", b"a,b\n1,2\ncaf\xe9,3\n"),
        "t.csv, line 3: not UTF-8 text; save the table as UTF-8"
    );
    assert_eq!(error("t.csv", b"\xff\xfea\0,\0b\0"), "t.csv: this looks like UTF-16 text; save it as UTF-8");
    assert_eq!(
        error("t.csv", b"\x93NUMPY\x01\x00v\x00{'descr'"),
        "t.csv: this does not look like a text table"
    );
}

#[test]
fn names_that_are_empty_or_used_twice() {
    assert_eq!(names(&table("t.csv", ",a,\n0,1,2\n")), ["unnamed_1", "a", "unnamed_3"]);
    let e = error("t.csv", "a,b, a \n1,2,3\n");
    assert_eq!(e, "t.csv, line 1: the name \"a\" is used twice, by columns 1 and 3");
    let e = error("t.csv", "\n,unnamed_1\n1,2\n");
    assert_eq!(e, "t.csv, line 2: the name \"unnamed_1\" is used twice, by columns 1 and 2");
}

#[test]
fn lines_are_those_of_the_file() {
    let few = |line: u64| format!("t.csv, line {line}: expected 2 fields, found 1");
    // What to try comes behind it.
    let error = |name: &str, text: &str| error(name, text).split("; ").next().unwrap().to_string();
    assert_eq!(error("t.csv", "a,b\n1,2\n3\n"), few(3));
    assert_eq!(error("t.csv", "a,b\r\n1,2\r\n3\r\n"), few(3));
    assert_eq!(error("t.csv", "a,b\r1,2\r3\r"), few(3));
    assert_eq!(error("t.csv", "\u{feff}a,b\n1,\"x\ny\nz\"\n3\n4,5\n"), few(5), "after a quoted newline");
    assert_eq!(error("t.csv", "a,b\r\n1,\"x\r\ny\"\r\n\r\n\r\n3\r\n"), few(6), "after blank lines");
    assert_eq!(error("t.csv", "a,b\n1,2\n3,4,5\n"), "t.csv, line 3: expected 2 fields, found 3");
    assert_eq!(error("t.csv", "a\n1\n3,4\n"), "t.csv, line 3: expected 1 field, found 2");
    let infinite = |line: u64, found: &str| {
        format!("t.csv, line {line}, column b: expected a finite number, found {found:?}")
    };
    assert_eq!(error("t.csv", "a,b\n\"x\ny\",1\nz, -inf \n"), infinite(4, "-inf"));
    assert_eq!(error("t.csv", "a,b\r\nx,1\r\n\r\nz,Infinity\r\n"), infinite(4, "Infinity"));
    assert_eq!(error("t.csv", "a,b\nx,1e999\n"), infinite(2, "1e999"));
    assert_eq!(texts(&table("t.csv", "a\ninf\nlow\n"), "a"), some(&["inf", "low"]), "text may say inf");
}

#[test]
fn a_quote_that_is_never_closed() {
    let open = |line: u64| format!("t.csv, line {line}: a quote is opened here and never closed");
    assert_eq!(error("t.csv", "a,b\n1,2\n3,\"x\n4,5\n6,7\n"), open(3), "the right number of fields");
    assert_eq!(error("t.csv", "a,b\n1,2\n\"3,x\n4,5\n"), open(3), "too few");
    assert_eq!(error("t.csv", "a,\"b\n1,2\n"), open(1));
    // A quote inside a field opens nothing.
    assert_eq!(texts(&table("t.csv", "a,b\n1,5\" disk"), "b"), some(&["5\" disk"]));
    assert_eq!(texts(&table("t.csv", "a,b\n1,\"x\""), "b"), some(&["x"]));
}

#[test]
fn gzip_is_told_by_its_bytes() {
    let packed = gzip(b"a,b\n1,2\n");
    assert_eq!(names(&table("t.csv.gz", &packed)), ["a", "b"]);
    assert_eq!(names(&table("T.CSV", &packed)), ["a", "b"]);
    assert_eq!(names(&table("t.csv.gz", "a,b\n1,2\n")), ["a", "b"]);
    assert_eq!(names(&table("t.tsv.gz", gzip(b"a,b\tc\n1\t2\n"))), ["a,b", "c"]);
    let cut = &packed[..packed.len() - 6];
    assert_eq!(error("t.csv.gz", cut), "t.csv.gz: the gzip data ends too early: the file is truncated");
    let mut wrong = packed.clone();
    let crc = wrong.len() - 7;
    wrong[crc] ^= 1;
    assert!(error("t.csv.gz", wrong).starts_with("t.csv.gz: not valid gzip"));
    assert_eq!(error("t.csv.gz", gzip(b"")), "t.csv.gz: the file is empty");
}

#[test]
fn the_format_comes_from_the_name_or_the_options() {
    for name in ["t.xlsx", "t", "t.gz", "-"] {
        let e = read_bytes(name, b"a\n1\n".to_vec(), &ReadOptions::default()).unwrap_err();
        assert!(matches!(&e, Error::Usage(what) if what.contains(".csv, .tsv, .txt or .npy")), "{e:?}");
    }
    // Parquet and Arrow pack themselves.
    for name in ["t.parquet.gz", "t.arrow.gz"] {
        assert!(matches!(read_bytes(name, vec![1], &ReadOptions::default()), Err(Error::Usage(_))), "{name}");
    }
    let options = ReadOptions { format: Some(Format::Tsv), ..ReadOptions::default() };
    assert_eq!(names(&read_bytes("t", b"a,b\tc\n1\t2\n".to_vec(), &options).unwrap()), ["a,b", "c"]);
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_build_without_parquet_says_so() {
    for name in ["t.parquet", "t.arrow", "t.feather", "t.ipc"] {
        let from_memory = read_bytes(name, b"PAR1".to_vec(), &ReadOptions::default());
        for e in [from_memory.unwrap_err(), read(name.as_ref(), &ReadOptions::default()).unwrap_err()] {
            assert!(
                matches!(&e, Error::Usage(what) if what.starts_with("this build has no Parquet")),
                "{e:?}"
            );
        }
    }
}

#[test]
fn files_are_read_and_their_absence_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let options = ReadOptions::default();
    let e = read(&path, &options).unwrap_err();
    assert!(matches!(&e, Error::Read { path: p, source }
        if *p == path && source.kind() == std::io::ErrorKind::NotFound));
    std::fs::create_dir(&path).unwrap();
    assert!(read(&path, &options).unwrap_err().to_string().ends_with("this is a directory, not a file"));
    let path = folder.path().join("u.csv.gz");
    std::fs::write(&path, gzip(b"a\n1\n")).unwrap();
    let t = read(&path, &options).unwrap();
    assert_eq!((t.rows, t.source), (1, path.display().to_string()));
    let e = read("-".as_ref(), &options).unwrap_err();
    assert!(matches!(&e, Error::Usage(what) if what.contains("stdin needs the format")), "{e:?}");
}

proptest! {
    /// Whatever is written comes back, quotes, delimiters and newlines included.
    #[test]
    fn text_survives(cells in proptest::collection::vec("[a-z,;\"\n\r|é]{1,8}", 1..20)) {
        let mut text = "n,cell\n".to_string();
        for (i, cell) in cells.iter().enumerate() {
            text += &format!("{i},\"x{}x\"\n", cell.replace('"', "\"\""));
        }
        let expected: Vec<_> = cells.iter().map(|c| Some(format!("x{c}x"))).collect();
        prop_assert_eq!(texts(&table("t.csv", text), "cell"), expected);
    }

    /// Numbers come back to the last bit.
    #[test]
    fn numbers_survive(numbers_in in proptest::collection::vec(proptest::num::f64::NORMAL, 1..20)) {
        let text: String = "n\n".chars().chain(numbers_in.iter().flat_map(|v| format!("{v:?}\n").chars().collect::<Vec<_>>())).collect();
        let expected: Vec<_> = numbers_in.into_iter().map(Some).collect();
        prop_assert_eq!(numbers(&table("t.csv", text), "n"), expected);
    }

    /// Without quotes the reader finds cells by itself: as the csv crate does, whatever ends the lines.
    #[test]
    fn plain_cells_are_those_of_the_csv_crate(body in "[a,\r\n]{0,40}") {
        let text = format!("a,b\n{body}");
        prop_assert_eq!(cells(&text), cells_of_the_csv_crate(&text));
    }

    /// No bytes make the reader panic.
    #[test]
    fn any_bytes_are_a_table_or_an_error(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        start in 0..4usize,
        name in prop_oneof![Just("t.csv"), Just("t.tsv"), Just("t.npy")],
    ) {
        let starts: [&[u8]; 4] = [b"", b"a,b\n1,\"2", b"\x93NUMPY\x01\x00", b"\x1f\x8b\x08\x00"];
        let bytes = [starts[start], bytes.as_slice()].concat();
        if let Ok(t) = read_bytes(name, bytes, &ReadOptions::default()) {
            prop_assert!(t.rows > 0 && t.columns.iter().all(|c| c.values.len() == t.rows));
        }
    }
}
