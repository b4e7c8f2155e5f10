//! Columns as Arrow's arrays, a batch of rows at a time, and Arrow IPC files made of them.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Write};
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema};

use super::Cells;

/// The number of rows that are converted to arrays at a time.
const BATCH: usize = 1 << 16;

/// The names and types of columns. Every cell may be missing.
pub(super) fn schema(names: &[&str], columns: &[Cells<'_>]) -> Arc<Schema> {
    let fields = names.iter().zip(columns).map(|(name, cells)| Field::new(*name, cells.data_type(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The rows of a table in batches, each made when it is asked for.
pub(super) fn batches<'a>(
    schema: &'a Arc<Schema>,
    rows: usize,
    columns: &'a [Cells<'_>],
) -> impl Iterator<Item = io::Result<RecordBatch>> + 'a {
    (0..rows).step_by(BATCH).map(move |first| {
        let batch = first..rows.min(first + BATCH);
        let arrays = columns.iter().map(|cells| cells.array(batch.clone())).collect();
        let invalid = |e: ArrowError| io::Error::new(ErrorKind::InvalidInput, e);
        RecordBatch::try_new(schema.clone(), arrays).map_err(invalid)
    })
}

/// Writes a table as an Arrow IPC file; see [`super::write_table_with`].
pub(super) fn write(
    metadata: &[(&str, &str)],
    rows: usize,
    names: &[&str],
    columns: &[Cells<'_>],
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    let described: HashMap<String, String> =
        metadata.iter().map(|&(key, value)| (key.into(), value.into())).collect();
    let schema = Arc::new(schema(names, columns).as_ref().clone().with_metadata(described));
    // As pyarrow does: answers of 0 and 1 shrink to a tenth.
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME));
    let options = options.map_err(failed)?;
    let mut writer = FileWriter::try_new_with_options(&mut *out, &schema, options).map_err(failed)?;
    for batch in batches(&schema, rows, columns) {
        writer.write(&batch?).map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    drop(writer);
    out.flush()
}

/// Extracts the operating system's error from the writer's error, if it contains one.
fn failed(e: ArrowError) -> io::Error {
    match e {
        ArrowError::IoError(_, e) => e,
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
