//! Writes Parquet files, a batch of rows at a time.

use std::io::{self, Write};

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::Compression;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;

use super::Cells;
use super::arrow::{batches, schema};

/// The number of rows in a row group.
const GROUP: usize = 1 << 20;

/// Writes a table as Parquet; see [`super::write_table_with`].
pub(super) fn write(
    metadata: &[(&str, &str)],
    rows: usize,
    names: &[&str],
    columns: &[Cells<'_>],
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    let schema = schema(names, columns);
    let key_values = metadata.iter().map(|&(key, value)| KeyValue::new(key.into(), value.to_string()));
    let key_values = Some(key_values.collect::<Vec<_>>()).filter(|k| !k.is_empty());
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(GROUP))
        .set_created_by(concat!("segmenta version ", env!("CARGO_PKG_VERSION")).into())
        .set_key_value_metadata(key_values)
        .build();
    let mut writer = ArrowWriter::try_new(out, schema.clone(), Some(properties)).map_err(failed)?;
    for batch in batches(&schema, rows, columns) {
        writer.write(&batch?).map_err(failed)?;
    }
    writer.close().map(drop).map_err(failed)
}

/// Extracts the operating system's error from the writer's error, if it contains one.
fn failed(e: ParquetError) -> io::Error {
    match e {
        ParquetError::External(e) => match e.downcast::<io::Error>() {
            Ok(e) => *e,
            Err(e) => io::Error::other(e),
        },
        other => io::Error::other(other),
    }
}
