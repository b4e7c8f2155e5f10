//! Arrow's IPC format: a file (Feather version 2 is one) or a stream, told by the first bytes.

use std::io::{Read, Seek};

use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, Schema};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::table::{ReadOptions, Table};

/// Reads a file or a stream.
pub(super) fn read<R: Read + Seek>(mut source: R, options: &ReadOptions) -> Result<Table> {
    let mut start = Vec::new();
    source.by_ref().take(6).read_to_end(&mut start).map_err(damaged)?;
    source.rewind().map_err(damaged)?;
    if start.starts_with(b"FEA1") {
        return Err(Error::data("Feather version 1; write it as version 2, which is an Arrow file"));
    }
    if start == b"ARROW1" {
        let reader = FileReader::try_new(source, None).map_err(damaged)?;
        return batches(&reader.schema(), reader, options);
    }
    if start.starts_with(&[0xff; 4]) {
        let reader = StreamReader::try_new(source, None).map_err(damaged)?;
        return batches(&reader.schema(), reader, options);
    }
    Err(damaged("it begins otherwise"))
}

/// Puts batches away, one after another, their columns side by side.
fn batches(
    schema: &Schema,
    reader: impl Iterator<Item = std::result::Result<RecordBatch, ArrowError>>,
    options: &ReadOptions,
) -> Result<Table> {
    let mut columns = super::gathers(schema, options)?;
    for batch in reader {
        let batch = batch.map_err(damaged)?;
        if batch.num_columns() != columns.len() {
            return Err(damaged("a batch with other columns"));
        }
        let pushed: Vec<Result<()>> =
            columns.par_iter_mut().zip(batch.columns()).map(|(column, array)| column.push(array)).collect();
        pushed.into_iter().collect::<Result<()>>()?;
    }
    super::table(columns, options)
}

fn damaged(e: impl std::fmt::Display) -> Error {
    super::damaged("an Arrow file", e)
}
