//! Parquet and Arrow files: typed columns, decoded column by column.

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

/// Reads a Parquet file without having all of it in memory.
pub(super) fn read_parquet(path: &Path, options: &ReadOptions, budget: &Budget) -> Result<Table> {
    // Each reader needs a file of its own: clones of one share where they read.
    guarded(|| parquet::read(|| open(path), options, budget))
}

/// Reads a Parquet file in memory.
pub(super) fn parse_parquet(bytes: Vec<u8>, options: &ReadOptions, budget: &Budget) -> Result<Table> {
    let bytes = Bytes::from(bytes);
    guarded(|| parquet::read(|| Ok(bytes.clone()), options, budget))
}

/// Reads an Arrow file batch by batch.
pub(super) fn read_arrow(path: &Path, options: &ReadOptions, budget: &Budget) -> Result<Table> {
    guarded(|| ipc::read(BufReader::new(open(path)?), options, budget))
}

/// Reads an Arrow file in memory.
pub(super) fn parse_arrow(bytes: &[u8], options: &ReadOptions, budget: &Budget) -> Result<Table> {
    guarded(|| ipc::read(Cursor::new(bytes), options, budget))
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|source| Error::Read { path: path.to_path_buf(), source })
}

/// How many reads there are whose panics are caught.
static GUARDED: AtomicUsize = AtomicUsize::new(0);

/// Whether there are any.
pub(super) fn is_guarded() -> bool {
    GUARDED.load(SeqCst) > 0
}

/// The readers panic on some damaged files; to the user that is one more way for a file to be wrong.
fn guarded(read: impl FnOnce() -> Result<Table>) -> Result<Table> {
    GUARDED.fetch_add(1, SeqCst);
    let outcome = catch_unwind(AssertUnwindSafe(read));
    GUARDED.fetch_sub(1, SeqCst);
    outcome.unwrap_or_else(|_| Err(Error::data("the file is damaged: it contradicts itself")))
}

/// An error of a reader's, in the words of `format`.
fn damaged(format: &str, e: impl std::fmt::Display) -> Error {
    let why = e.to_string();
    if !cfg!(feature = "zstd") && why.to_lowercase().contains("zstd") {
        return cannot_unpack("zstd");
    }
    // Some decoders tell a whole trace; its first line says what is wrong.
    let why = why.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    Error::data(format!("not {format}, or a damaged one: {why}"))
}

/// What to do about a compression that is not compiled in.
fn cannot_unpack(codec: &str) -> Error {
    let or = if codec == "zstd" { ", or build segmenta with the feature zstd" } else { "" };
    Error::data(format!(
        "compressed with {codec}, which this build cannot unpack; write it with snappy or lz4{or}"
    ))
}

/// Empty columns of a schema, ready to be filled.
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
    let gather = |(name, of)| {
        let text = texts.contains(&name);
        Gather::new(name, of, text, options, budget)
    };
    names.into_iter().zip(types).map(gather).collect()
}

/// A column of texts as numbers, where a model read such texts as numbers; as it is where one is no number.
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

/// The table of columns that were filled.
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
    note_ids(&mut table, options.skip_rows);
    Ok(table)
}
