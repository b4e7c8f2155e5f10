//! Writing tables: what is written is read back.

use std::io::ErrorKind;

use segmenta::table::write::{Cells, OutputFormat, write_table};
use segmenta::table::{self, ReadOptions, Values, read_bytes};

use super::{numbers, texts, values};

const NAMES: [&str; 7] = ["f32", "f64", "i32", "i64", "text", "bool", "rounded"];

/// Every type; each third row is missing.
fn columns() -> Vec<Cells<'static>> {
    fn some<T>(i: usize, value: T) -> Option<T> {
        (i % 3 != 2).then_some(value)
    }
    vec![
        Cells::F32(Box::new(|i| some(i, i as f32 / 10.0))),
        Cells::F64(Box::new(|i| some(i, i as f64 / 10.0))),
        Cells::I32(Box::new(|i| some(i, -(i as i32)))),
        Cells::I64(Box::new(|i| some(i, i as i64 * 1_000_000_000_000))),
        Cells::Text(Box::new(|i| some(i, format!("t{i}, \"ü\"").into()))),
        Cells::Bool(Box::new(|i| some(i, i % 2 == 0))),
        Cells::Rounded(Box::new(|i| some(i, i as f64 / 3.0))),
    ]
}

fn written(format: OutputFormat, rows: usize) -> Vec<u8> {
    let mut out = Vec::new();
    write_table(format, rows, &NAMES, &columns(), &mut out).unwrap();
    out
}

fn check(t: &table::Table, rows: usize) {
    let expected = |value: fn(usize) -> f64| -> Vec<Option<f64>> {
        (0..rows).map(|i| (i % 3 != 2).then(|| value(i))).collect()
    };
    assert_eq!(t.rows, rows);
    assert_eq!(numbers(t, "f32"), expected(|i| f64::from(i as f32 / 10.0)));
    assert_eq!(numbers(t, "f64"), expected(|i| i as f64 / 10.0));
    assert_eq!(numbers(t, "i32"), expected(|i| -(i as f64)));
    assert_eq!(numbers(t, "i64"), expected(|i| i as f64 * 1e12));
    let text = (0..rows).map(|i| (i % 3 != 2).then(|| format!("t{i}, \"ü\""))).collect::<Vec<_>>();
    assert_eq!(texts(t, "text"), text);
    let bools = (0..rows).map(|i| (i % 3 != 2).then_some(i % 2 == 0)).collect();
    assert_eq!(values(t, "bool"), &Values::Bool(bools));
}

#[test]
fn csv_comes_back() {
    let out = written(OutputFormat::Csv, 4);
    let text = "f32,f64,i32,i64,text,bool,rounded\n0,0,0,0,\"t0, \"\"ü\"\"\",true,0\n\
                0.10000000149011612,0.1,-1,1000000000000,\"t1, \"\"ü\"\"\",false,0.333333\n,,,,,,\n";
    assert!(String::from_utf8_lossy(&out).starts_with(text), "{}", String::from_utf8_lossy(&out));
    check(&read_bytes("t.csv", out, &ReadOptions::default()).unwrap(), 4);
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_comes_back() {
    for rows in [1, 4, 70_000] {
        check(
            &read_bytes("t.parquet", written(OutputFormat::Parquet, rows), &ReadOptions::default())
                .unwrap_or_else(|e| panic!("{e}")),
            rows,
        );
    }
    // A reader of a table needs rows; a file may have none.
    let e = read_bytes("t.parquet", written(OutputFormat::Parquet, 0), &ReadOptions::default()).unwrap_err();
    assert_eq!(e.to_string(), "t.parquet: the table has no rows");
}

#[cfg(feature = "parquet")]
#[test]
fn arrow_comes_back() {
    for rows in [1, 4, 70_000] {
        for name in ["t.arrow", "t.feather"] {
            let read = read_bytes(name, written(OutputFormat::Arrow, rows), &ReadOptions::default());
            check(&read.unwrap_or_else(|e| panic!("{e}")), rows);
        }
    }
    let e = read_bytes("t.arrow", written(OutputFormat::Arrow, 0), &ReadOptions::default()).unwrap_err();
    assert_eq!(e.to_string(), "t.arrow: the table has no rows");
}

#[cfg(feature = "parquet")]
#[test]
fn a_disk_that_is_full_is_told_as_it_is() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    for format in [OutputFormat::Csv, OutputFormat::Parquet, OutputFormat::Arrow] {
        let e = write_table(format, 4, &NAMES, &columns(), Full).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::StorageFull, "{format:?}: {e:?}");
    }
}

#[cfg(not(feature = "parquet"))]
#[test]
fn without_parquet_there_is_a_sentence() {
    assert!(
        OutputFormat::Parquet
            .must_be_there()
            .unwrap_err()
            .to_string()
            .starts_with("this build has no Parquet")
    );
    let e = write_table(OutputFormat::Parquet, 4, &NAMES, &columns(), Vec::new()).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Unsupported);
}

#[test]
fn npy_holds_floats_of_one_kind() {
    let columns = [
        Cells::F32(Box::new(|i| Some(i as f32 + 0.5))),
        Cells::F32(Box::new(|i| (i > 0).then_some(-(i as f32)))),
    ];
    let mut out = Vec::new();
    write_table(OutputFormat::Npy, 3, &["a", "b"], &columns, &mut out).unwrap();
    assert_eq!(out.len() % 64, 3 * 2 * 4, "the numbers begin at a multiple of 64");
    let t = read_bytes("t.npy", out, &ReadOptions::default()).unwrap();
    assert_eq!(numbers(&t, "f0"), [Some(0.5), Some(1.5), Some(2.5)]);
    assert_eq!(numbers(&t, "f1"), [None, Some(-1.0), Some(-2.0)]);
    // Milliseconds since 1970 are too large for f32.
    let wide = [Cells::F64(Box::new(|i| (i > 0).then_some(1_700_000_000_000.0 + i as f64)))];
    let mut out = Vec::new();
    write_table(OutputFormat::Npy, 3, &["a"], &wide, &mut out).unwrap();
    let t = read_bytes("t.npy", out, &ReadOptions::default()).unwrap();
    assert_eq!(numbers(&t, "f0"), [None, Some(1_700_000_000_001.0), Some(1_700_000_000_002.0)]);
    let mixed = [Cells::F64(Box::new(|_| Some(1.0))), Cells::F32(Box::new(|_| Some(1.0)))];
    let e = write_table(OutputFormat::Npy, 1, &["a", "b"], &mixed, Vec::new()).unwrap_err();
    assert_eq!(
        (e.kind(), e.to_string().as_str()),
        (ErrorKind::InvalidInput, ".npy holds columns of f32 or of f64, all alike")
    );
}
