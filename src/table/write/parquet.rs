//! Writes Parquet files, a batch of rows at a time.

use std::io::{self, ErrorKind, Write};
use std::ops::Range;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::Compression;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use arrow_array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use arrow_schema::{ArrowError, DataType, Field, Schema};

use super::Cells;

/// The number of rows in a row group.
const GROUP: usize = 1 << 20;

/// The number of rows that are converted to arrays at a time.
const BATCH: usize = 1 << 16;

/// Writes a table as Parquet; see [`super::write_table_with`].
pub(super) fn write(
    metadata: &[(&str, &str)],
    rows: usize,
    names: &[&str],
    columns: &[Cells<'_>],
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    let fields: Vec<Field> =
        names.iter().zip(columns).map(|(name, cells)| Field::new(*name, cells.data_type(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let key_values = metadata.iter().map(|&(key, value)| KeyValue::new(key.into(), value.to_string()));
    let key_values = Some(key_values.collect::<Vec<_>>()).filter(|k| !k.is_empty());
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(GROUP))
        .set_created_by(concat!("segmenta version ", env!("CARGO_PKG_VERSION")).into())
        .set_key_value_metadata(key_values)
        .build();
    let mut writer = ArrowWriter::try_new(out, schema.clone(), Some(properties)).map_err(failed)?;
    for first in (0..rows).step_by(BATCH) {
        let batch = first..rows.min(first + BATCH);
        let arrays = columns.iter().map(|cells| cells.array(batch.clone())).collect();
        let invalid = |e: ArrowError| io::Error::new(ErrorKind::InvalidInput, e);
        let batch = RecordBatch::try_new(schema.clone(), arrays).map_err(invalid)?;
        writer.write(&batch).map_err(failed)?;
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

impl Cells<'_> {
    fn data_type(&self) -> DataType {
        match self {
            Cells::F32(_) => DataType::Float32,
            Cells::F64(_) | Cells::Rounded(_) => DataType::Float64,
            Cells::I32(_) => DataType::Int32,
            Cells::I64(_) => DataType::Int64,
            Cells::Text(_) => DataType::Utf8,
            Cells::Bool(_) => DataType::Boolean,
        }
    }

    fn array(&self, rows: Range<usize>) -> ArrayRef {
        match self {
            Cells::F32(get) => Arc::new(rows.map(get).collect::<Float32Array>()),
            Cells::F64(get) | Cells::Rounded(get) => Arc::new(rows.map(get).collect::<Float64Array>()),
            Cells::I32(get) => Arc::new(rows.map(get).collect::<Int32Array>()),
            Cells::I64(get) => Arc::new(rows.map(get).collect::<Int64Array>()),
            Cells::Text(get) => Arc::new(rows.map(get).collect::<StringArray>()),
            Cells::Bool(get) => Arc::new(rows.map(get).collect::<BooleanArray>()),
        }
    }
}
