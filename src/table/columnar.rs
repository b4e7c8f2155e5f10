//! Reads Parquet and Arrow files, whose columns have declared types.
//!
//! The decoding itself is done by the `parquet` and `arrow` crates. This module converts their arrays into the columns
//! of a [`Table`] and protects against damaged files: sizes are checked before the decoders allocate memory, and panics
//! of the decoders become errors.

mod arrays;
mod gather;
mod ipc;
mod messages;
mod pages;
mod parquet;
mod thrift;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufReader, Cursor};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use arrow_schema::Schema;
use bytes::Bytes;

use crate::error::{Error, Result};
use crate::memory::Budget;
use crate::table::missing::Nulls;
use crate::table::number_format::NumberFormat;
use crate::table::{Column, ReadOptions, Table, Values, must_have_rows, names, note_ids};
use gather::{Filled, Gather};

/// Reads a Parquet file from disk, piece by piece.
pub(super) fn read_parquet(path: &Path, options: &ReadOptions, budget: &Budget) -> Result<Table> {
    // Each reader opens the file anew, because cloned file handles share one read position.
    guarded(|| parquet::read(|| open(path), options, budget))
}

/// The value that a Parquet file's metadata has for a key.
pub(super) fn parquet_metadata(path: &Path, key: &str) -> Option<String> {
    guarded(|| parquet::metadata(&open(path)?, key)).ok().flatten()
}

/// Reads a Parquet file that is in memory.
pub(super) fn parse_parquet(bytes: Vec<u8>, options: &ReadOptions, budget: &Budget) -> Result<Table> {
    let bytes = Bytes::from(bytes);
    guarded(|| parquet::read(|| Ok(bytes.clone()), options, budget))
}

/// Reads an Arrow file from disk, batch by batch.
pub(super) fn read_arrow(path: &Path, options: &ReadOptions, budget: &Budget) -> Result<Table> {
    guarded(|| ipc::read(BufReader::new(open(path)?), options, budget))
}

/// Reads an Arrow file that is in memory.
pub(super) fn parse_arrow(bytes: &[u8], options: &ReadOptions, budget: &Budget) -> Result<Table> {
    guarded(|| ipc::read(Cursor::new(bytes), options, budget))
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|source| Error::Read { path: path.to_path_buf(), source })
}

/// The number of reads in progress whose panics are caught.
static GUARDED: AtomicUsize = AtomicUsize::new(0);

/// Whether any read is in progress whose panics are caught.
pub(super) fn is_guarded() -> bool {
    GUARDED.load(SeqCst) > 0
}

/// Runs `read` and turns a panic into an error. The decoders panic on some damaged files; for the user, that is simply
/// an invalid file.
fn guarded<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    GUARDED.fetch_add(1, SeqCst);
    let outcome = catch_unwind(AssertUnwindSafe(read));
    GUARDED.fetch_sub(1, SeqCst);
    outcome.unwrap_or_else(|_| Err(Error::data("the file is damaged: it contradicts itself")))
}

/// Turns a decoder's error into one of ours; `format` names the file's kind, such as "a Parquet file".
fn damaged(format: &str, e: impl std::fmt::Display) -> Error {
    let why = e.to_string();
    if !cfg!(feature = "zstd") && why.to_lowercase().contains("zstd") {
        return cannot_unpack("zstd");
    }
    // Some decoders include a whole backtrace; its first line says what is wrong.
    let why = why.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    Error::data(format!("not {format}, or a damaged one: {why}"))
}

/// The error for a compression codec that is not compiled in, with advice.
fn cannot_unpack(codec: &str) -> Error {
    let or = if codec == "zstd" { ", or build segmenta with the feature zstd" } else { "" };
    Error::data(format!(
        "compressed with {codec}, which this build cannot unpack; write it with snappy or lz4{or}"
    ))
}

/// Creates an empty column for each field of a schema.
fn gathers<'a>(schema: &Schema, options: &'a ReadOptions, budget: &'a Budget) -> Result<Vec<Gather<'a>>> {
    if schema.fields().is_empty() {
        return Err(Error::data("the table has no columns"));
    }
    let names = names::complete(schema.fields().iter().map(|f| f.name().clone()));
    names::must_differ(&names).map_err(Error::data)?;
    if let Some(id) = &options.id
        && !options.id_optional
        && !names.contains(id)
    {
        return Err(Error::data(names::no_column(id, names.iter().map(String::as_str))));
    }
    let types = schema.fields().iter().map(|f| f.data_type());
    let texts: HashSet<&String> = options.text.iter().collect();
    let id = options.id_among(&names).map(String::from);
    let gather = |(name, of)| {
        let as_what = (texts.contains(&name), id.as_ref() == Some(&name));
        Gather::new(name, of, as_what, options, budget)
    };
    names.into_iter().zip(types).map(gather).collect()
}

/// Converts a text column to numbers if a model knows its number format and all of its texts fit. Otherwise returns it
/// unchanged.
fn with_number_format(values: Values, format: Option<&NumberFormat>, nulls: &Nulls) -> Values {
    match (&values, format) {
        (Values::Text { levels, codes }, Some(format))
            if levels.iter().all(|level| format.parse(level).is_some()) =>
        {
            format.numbers(levels, codes, nulls)
        }
        _ => values,
    }
}

/// Assembles the table from its completed columns.
fn table(columns: Vec<Gather<'_>>, options: &ReadOptions) -> Result<Table> {
    let mut table = Table { columns: Vec::with_capacity(columns.len()), ..Table::default() };
    let nulls = Nulls::new(options);
    let number_formats: HashMap<&String, &NumberFormat> =
        options.numbers.iter().rev().map(|(c, r)| (c, r)).collect();
    for (i, column) in columns.into_iter().enumerate() {
        let Filled { name, values, ids, wide_integers } = column.finish();
        let values = with_number_format(values, number_formats.get(&name).copied(), &nulls);
        table.wide_integers.extend(wide_integers.map(|wide_integers| (name.clone(), wide_integers)));
        if i > 0 && values.len() != table.rows {
            let what = format!("the file is damaged: columns of {} and of {} rows", table.rows, values.len());
            return Err(Error::data(what));
        }
        table.rows = values.len();
        table.ids = table.ids.or(ids.map(|ids| (name.clone(), ids)));
        table.columns.push(Column { name, values });
    }
    must_have_rows(table.rows, options)?;
    note_ids(&mut table, options);
    Ok(table)
}
