//! Parquet and Arrow files that lie about themselves: no panic, no more memory than the file can stand for.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringDictionaryBuilder};
use arrow_array::types::Int32Type;
use arrow_array::*;
use arrow_ipc::CompressionType;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterVersion};
use segmenta::table::{ReadOptions, Table, read_bytes};

use super::parquet::{arrow_with, batch, parquet_with, stream};
use crate::limited;

/// A few rows of most kinds.
fn small() -> RecordBatch {
    let mut lists = ListBuilder::new(Int32Array::builder(3));
    (0..5).for_each(|i| lists.append_value([Some(i)]));
    let mut coded = StringDictionaryBuilder::<Int32Type>::new();
    ["x", "y", "x", "x", "z"].iter().for_each(|text| coded.append_value(text));
    batch(vec![
        ("i", Arc::new(Int64Array::from(vec![Some(1), None, Some(3), Some(4), Some(5)]))),
        ("t", Arc::new(StringArray::from(vec!["a", "b", "a", "c", "d"]))),
        ("b", Arc::new(BooleanArray::from(vec![true, false, true, true, true]))),
        ("l", Arc::new(lists.finish())),
        ("d", Arc::new(Date32Array::from(vec![1, 2, 3, 4, 5]))),
        ("c", Arc::new(coded.finish())),
    ])
}

/// Pages of version 2, their numbers and texts coded by differences.
fn delta(batch: &RecordBatch) -> Vec<u8> {
    let properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_dictionary_enabled(false)
        .set_column_encoding("i".into(), Encoding::DELTA_BINARY_PACKED)
        .set_column_encoding("t".into(), Encoding::DELTA_BYTE_ARRAY)
        .set_column_encoding("c".into(), Encoding::DELTA_LENGTH_BYTE_ARRAY)
        .build();
    written(batch, properties)
}

fn written(batch: &RecordBatch, properties: WriterProperties) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// Whatever comes of it is whole.
fn check(name: &str, bytes: Vec<u8>, options: &ReadOptions) -> Option<Table> {
    let table = read_bytes(name, bytes, options).ok()?;
    assert!(table.rows > 0 && table.columns.iter().all(|c| c.values.len() == table.rows));
    Some(table)
}

/// Reads a file cut short everywhere, and with every byte changed in three ways.
fn damage(name: &str, whole: &[u8]) {
    assert!(check(name, whole.to_vec(), &ReadOptions::default()).is_some_and(|t| t.rows == 5), "{name}");
    for length in 0..whole.len() {
        check(name, whole[..length].to_vec(), &ReadOptions::default());
    }
    for at in 0..whole.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = whole.to_vec();
            bytes[at] ^= flip;
            check(name, bytes, &ReadOptions::default());
        }
    }
}

/// What the process may have in all: the program itself, its threads, and a few times what the largest of these files
/// can unpack to.
const MEGABYTES: u64 = 400;

#[test]
fn damaged_parquet_files_are_tables_or_errors() {
    limited::to_megabytes(MEGABYTES, "table::damaged::damaged_parquet_files_are_tables_or_errors", || {
        damage("t.parquet", &parquet_with(&small(), 2, Compression::SNAPPY));
        damage("t.parquet", &delta(&small()));
    });
}

#[test]
fn damaged_packed_parquet_files_are_tables_or_errors() {
    limited::to_megabytes(
        MEGABYTES,
        "table::damaged::damaged_packed_parquet_files_are_tables_or_errors",
        || {
            let small = small().project(&[0, 1]).unwrap();
            damage("t.parquet", &parquet_with(&small, 5, Compression::UNCOMPRESSED));
            damage("t.parquet", &parquet_with(&small, 5, Compression::GZIP(GzipLevel::default())));
            damage("t.parquet", &parquet_with(&small, 5, Compression::LZ4_RAW));
            if cfg!(feature = "zstd") {
                damage("t.parquet", &parquet_with(&small, 5, Compression::ZSTD(ZstdLevel::default())));
            }
        },
    );
}

#[test]
fn damaged_arrow_files_are_tables_or_errors() {
    limited::to_megabytes(MEGABYTES, "table::damaged::damaged_arrow_files_are_tables_or_errors", || {
        damage("t.arrow", &arrow_with(&[small()], None));
        damage("t.ipc", &stream(&small()));
        damage("t.arrow", &arrow_with(&[small()], Some(CompressionType::LZ4_FRAME)));
        if cfg!(feature = "zstd") {
            damage("t.arrow", &arrow_with(&[small()], Some(CompressionType::ZSTD)));
        }
    });
}

/// Texts of a megabyte that a dictionary has once and 65,536 rows name.
#[test]
fn a_long_text_in_many_rows_is_there_once() {
    limited::to_megabytes(MEGABYTES, "table::damaged::a_long_text_in_many_rows_is_there_once", || {
        let long = "x".repeat(1 << 20);
        let mut coded = StringDictionaryBuilder::<Int32Type>::new();
        (0..1 << 16).for_each(|row| coded.append_value(if row % 2 == 0 { long.as_str() } else { "y" }));
        let batch = batch(vec![("t", Arc::new(coded.finish()))]);
        // Writers give up on a dictionary that is too large.
        let large = WriterProperties::builder().set_dictionary_page_size_limit(8 << 20).build();
        for (name, bytes) in [
            ("t.parquet", written(&batch, large)),
            ("t.arrow", arrow_with(std::slice::from_ref(&batch), None)),
        ] {
            let table = check(name, bytes, &ReadOptions::default()).unwrap();
            assert_eq!((table.rows, table.columns[0].values.distinct()), (1 << 16, 2), "{name}");
        }
    });
}

/// A file of a few kilobytes that stands for ten million rows: right, but too large for what there may be.
#[test]
fn rows_that_take_no_room_in_the_file_are_counted() {
    let rows = 10_000_000;
    let numbers = batch(vec![("n", Arc::new(Int64Array::from_value(7, rows)))]);
    let bytes = parquet_with(&numbers, rows, Compression::SNAPPY);
    drop(numbers);
    assert!(bytes.len() < 1 << 20, "{}", bytes.len());
    let options = ReadOptions { max_memory: Some(50_000_000), ..ReadOptions::default() };
    let e = read_bytes("t.parquet", bytes, &options).unwrap_err().to_string();
    assert!(e.starts_with("t.parquet: this table needs about ") && e.contains("the limit is 50 MB"), "{e}");
}

/// A table of numbers and texts, for tests of memory.
pub fn numbers_as_arrow(rows: usize) -> Vec<u8> {
    let numbers = Float64Array::from_iter_values((0..rows).map(|row| (row * row % 1_009) as f64));
    let texts = StringArray::from_iter_values((0..rows).map(|row| format!("text {row}")));
    arrow_with(&[batch(vec![("n", Arc::new(numbers)), ("t", Arc::new(texts))])], None)
}
