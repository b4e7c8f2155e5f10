//! No reader takes more memory than it may.

use std::io::Write as _;

use segmenta::error::Error;
use segmenta::table::write::{Cells, OutputFormat, write_table};
use segmenta::table::{ReadOptions, read, read_bytes};

const ROWS: usize = 20_000;

/// The same table in every format: a column of numbers and one of texts, where there can be texts.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let columns = || {
        [
            Cells::F32(Box::new(|row| Some((row * row % 1_009) as f32))),
            Cells::Text(Box::new(|row| Some(format!("text {row}").into()))),
        ]
    };
    let written = |format| {
        let mut bytes = Vec::new();
        let (names, columns) = (["n", "t"], columns());
        let count = if format == OutputFormat::Npy { 1 } else { 2 };
        write_table(format, ROWS, &names[..count], &columns[..count], &mut bytes).unwrap();
        bytes
    };
    let csv = written(OutputFormat::Csv);
    let zip = |bytes: &[u8]| {
        let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        zip.write_all(bytes).unwrap();
        zip.finish().unwrap()
    };
    let quoted = [b"\"n\",\"t\"\n".as_slice(), &csv[4..]].concat();
    let mut files = vec![
        ("t.csv.gz", zip(&csv)),
        ("t.npy.gz", zip(&written(OutputFormat::Npy))),
        ("quoted.csv", quoted),
        ("t.csv", csv),
        ("t.npy", written(OutputFormat::Npy)),
    ];
    if cfg!(feature = "parquet") {
        files.push(("t.parquet", written(OutputFormat::Parquet)));
        #[cfg(feature = "parquet")]
        files.push(("t.arrow", super::damaged::numbers_as_arrow(ROWS)));
    }
    files
}

fn limited(limit: u64) -> ReadOptions {
    ReadOptions { max_memory: Some(limit), ..ReadOptions::default() }
}

#[test]
fn what_does_not_fit_is_an_error_that_says_what_it_takes() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files() {
        let path = folder.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        for limit in [100, 60_000] {
            for e in [
                read_bytes(name, bytes.clone(), &limited(limit)).unwrap_err(),
                read(&path, &limited(limit)).unwrap_err(),
            ] {
                assert!(matches!(e, Error::Data { .. }), "{e:?}");
                let e = e.to_string();
                let right = e.contains(name) && e.contains("of memory, and the limit is ");
                assert!(right && e.contains("--max-memory"), "{name} in {limit}: {e}");
            }
        }
        // It is no more than a few times what the table takes in the end.
        let table = read(&path, &ReadOptions::default()).unwrap();
        let fits = limited(bytes.len() as u64 + 8 * table.bytes());
        assert!(read(&path, &fits).unwrap() == table, "{name}");
        let free = read_bytes(name, bytes.clone(), &ReadOptions::default()).unwrap();
        assert!(read_bytes(name, bytes, &fits).unwrap() == free, "{name}");
    }
}

/// A limit to the byte is no trap for a packed table: what fits exactly is read.
#[test]
fn a_gzipped_table_needs_no_more_than_it_unpacks_to() {
    let csv = format!("a,b\n{}", "1,2\n".repeat(5_000));
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    zip.write_all(csv.as_bytes()).unwrap();
    let zipped = zip.finish().unwrap();
    let least = |bytes: &[u8], name: &str| {
        let fits = |limit: u64| read_bytes(name, bytes.to_vec(), &limited(limit)).is_ok();
        (0..1u64 << 21).step_by(1 << 10).find(|&limit| fits(limit)).unwrap()
    };
    let (packed, plain) = (least(&zipped, "t.csv.gz"), least(csv.as_bytes(), "t.csv"));
    assert!(packed.abs_diff(plain) <= 2 << 10, "{packed} and {plain}");
}

#[test]
fn the_error_tells_about_how_much_a_packed_table_needs() {
    let megabytes = 40;
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..megabytes * 1_000 {
        zip.write_all("1,2,3,45\n".repeat(111).as_bytes()).unwrap();
    }
    let e = read_bytes("t.csv.gz", zip.finish().unwrap(), &limited(10_000_000)).unwrap_err().to_string();
    let needed = e.split("needs about ").nth(1).and_then(|rest| rest.split(" MB").next());
    let needed: f64 = needed.unwrap_or(&e).parse().unwrap();
    assert!((30.0..60.0).contains(&needed), "{e}");
}
