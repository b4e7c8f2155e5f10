//! Reads Arrow's IPC format: a file (Feather version 2 is the same) or a stream. The first bytes tell which one it is.

use std::io::{Read, Seek};

use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, Schema};
use rayon::prelude::*;

use super::messages::{check_file, check_stream};
use crate::error::{Error, Result};
use crate::memory::Budget;
use crate::table::{ReadOptions, Table};

/// Reads a file or a stream.
pub(super) fn read<R: Read + Seek>(mut source: R, options: &ReadOptions, budget: &Budget) -> Result<Table> {
    let mut start = Vec::new();
    source.by_ref().take(6).read_to_end(&mut start).map_err(damaged)?;
    source.rewind().map_err(damaged)?;
    if start.starts_with(b"FEA1") {
        return Err(Error::data("Feather version 1; write it as version 2, which is an Arrow file"));
    }
    let is_file = start == b"ARROW1";
    if !is_file && !start.starts_with(&[0xff; 4]) {
        return Err(damaged("it begins otherwise"));
    }
    let claims = if is_file { check_file(&mut source) } else { check_stream(&mut source) }?;
    budget.take(claims.bytes())?;
    source.rewind().map_err(damaged)?;
    let table = if is_file {
        let reader = FileReader::try_new(source, None).map_err(damaged)?;
        batches(&reader.schema(), reader, options, budget)
    } else {
        let reader = StreamReader::try_new(source, None).map_err(damaged)?;
        batches(&reader.schema(), reader, options, budget)
    };
    budget.give_back(claims.bytes());
    table
}

/// Appends the batches one after another; the columns of a batch are processed in parallel.
fn batches(
    schema: &Schema,
    reader: impl Iterator<Item = std::result::Result<RecordBatch, ArrowError>>,
    options: &ReadOptions,
    budget: &Budget,
) -> Result<Table> {
    let mut columns = super::gathers(schema, options, budget)?;
    for batch in reader {
        let batch = batch.map_err(damaged)?;
        if batch.num_columns() != columns.len() {
            return Err(damaged("a batch with other columns"));
        }
        budget.take(columns.iter().map(|column| column.bytes(batch.num_rows())).sum())?;
        let pushed: Vec<Result<()>> =
            columns.par_iter_mut().zip(batch.columns()).map(|(column, array)| column.push(array)).collect();
        pushed.into_iter().collect::<Result<()>>()?;
    }
    super::table(columns, options)
}

pub(super) fn damaged(e: impl std::fmt::Display) -> Error {
    super::damaged("an Arrow file", e)
}
