//! The first stage: reads a file, or makes up an example, to get a [`Table`] in memory.

use super::init::Init;
use super::memory::default_limit;
use super::notice::{Notice, Observer, during};
use super::work::reading;
use super::{Compute, Seconds, Spec};
use crate::backend::Opening;
use crate::error::{Error, Result};
use crate::table::{KnownColumns, ReadOptions, Table};
use std::path::Path;
use std::time::Instant;

/// Where the table of an analysis comes from.
#[derive(Debug)]
pub enum Source {
    /// The file or example that [`Spec::input`] names.
    Spec,
    /// A table that is already in memory.
    Table(Box<Table>),
}

impl From<Table> for Source {
    fn from(table: Table) -> Self {
        Source::Table(Box::new(table))
    }
}

/// A table that has been read for an analysis.
pub struct Loaded {
    /// The table.
    pub table: Table,
    /// What the fit starts from, if [`super::Fit::init`] names a file.
    pub init: Option<Init>,
    /// The device, which may be opening.
    pub(super) opening: Option<Opening>,
    pub(super) began: Instant,
    pub(super) limit: u64,
    pub(super) seconds: Seconds,
}

/// Reads the table of an analysis, and the file that its fit starts from, if there is one. Where a GPU may be used for it, a
/// thread opens it meanwhile.
///
/// # Errors
/// No table is named; a file that cannot be read; whatever is wrong with its contents.
pub fn load(spec: &Spec, source: Source, compute: &Compute, observer: &dyn Observer) -> Result<Loaded> {
    let began = Instant::now();
    let opening = open_meanwhile(spec, &source, compute);
    let limit = spec.max_memory.unwrap_or_else(default_limit);
    let path = spec.fit.as_ref().and_then(|fit| fit.init.as_deref());
    let init = path.map(|path| Init::read(path, limit)).transpose()?;
    spec.check(init.as_ref())?;
    let mut seconds = Seconds::default();
    let start = Instant::now();
    let table = match source {
        Source::Table(table) => *table,
        Source::Spec => {
            let known = init.as_ref().map_or_else(KnownColumns::default, Init::known_columns);
            let id = init.as_ref().and_then(Init::id).filter(|_| spec.recipe.group.is_none());
            let table = read(spec, (known, id), limit, observer)?;
            seconds.load = Some(start.elapsed().as_secs_f64());
            table
        }
    };
    Ok(Loaded { table, init, opening, began, limit, seconds })
}

/// Begins to open the device, unless nothing is going to be computed.
fn open_meanwhile(spec: &Spec, source: &Source, compute: &Compute) -> Option<Opening> {
    if spec.fit.is_none() && spec.sweep.is_none() && spec.tendency.is_none() {
        return None;
    }
    let likely = match (source, &spec.input.path) {
        (Source::Table(table), _) => table.bytes() >= SIZEABLE,
        (Source::Spec, Some(path)) => sizeable(path),
        (Source::Spec, None) => spec
            .input
            .synth
            .is_some_and(|example| spec.input.rows.unwrap_or(example.rows()) as u64 >= SIZEABLE / 100),
    };
    Some(Opening::begin(compute.device, compute.cpu, &compute.gpu, likely))
}

/// A table of fewer bytes is rarely worth a GPU.
const SIZEABLE: u64 = 2_000_000;

/// Whether a file may have enough rows to be worth a GPU. Nobody knows of a pipe.
pub fn sizeable(path: &Path) -> bool {
    std::fs::metadata(path).map_or(path.as_os_str() == "-", |file| !file.is_file() || file.len() >= SIZEABLE)
}

/// Reads the table. `known` are the columns and the id column of the model that the fit starts from.
fn read(
    spec: &Spec,
    (known, id): (KnownColumns, Option<&str>),
    limit: u64,
    observer: &dyn Observer,
) -> Result<Table> {
    let input = &spec.input;
    if let (None, Some(example)) = (&input.path, input.synth) {
        let rows = input.rows.unwrap_or_else(|| example.rows());
        let with_truth = || example.table_with_truth(rows, spec.seed).filter(|_| input.truth);
        let make = || with_truth().unwrap_or_else(|| example.table(rows, spec.seed));
        let mut table = during(observer, "make", make);
        if let Some(id) = spec.id() {
            let column = table.columns.iter().find(|c| c.name == id);
            let column = column
                .ok_or_else(|| Error::data(format!("there is no column {id:?} to use as the id column")))?;
            let cells = (0..table.rows).map(|row| column.values.cell(row)).collect();
            table.ids = Some((id.to_string(), cells));
        }
        return Ok(table);
    }
    let path =
        input.path.as_deref().ok_or_else(|| Error::Usage("the analysis names no table to read".into()))?;
    let options = ReadOptions {
        id: spec.id().or(id).map(String::from),
        // A table may lack the model's id column, but not the one that the user names.
        id_optional: spec.id().is_none(),
        text: known.text.into_iter().chain(spec.recipe.text_columns()).collect(),
        numbers: known.numbers,
        ..input.read.clone()
    };
    read_table(path, options, limit, observer)
}

/// Reads the table at `path`, which may use `max_memory` bytes. Tells the observer beforehand how long it will take.
///
/// # Errors
/// As [`crate::table::read`]; [`Error::Interrupted`].
pub fn read_table(
    path: &Path,
    options: ReadOptions,
    max_memory: u64,
    observer: &dyn Observer,
) -> Result<Table> {
    if path.is_dir() {
        return Err(Error::data("this is a directory, not a table").in_file(&path.display().to_string()));
    }
    if let Some((bytes, seconds)) = reading(path, options.format) {
        observer.notice(&Notice::Reading { path: path.to_path_buf(), bytes, seconds });
    }
    let options = ReadOptions { max_memory: Some(max_memory), ..options };
    let table = during(observer, "load", || crate::table::read(path, &options))?;
    if observer.stopped() { Err(Error::Interrupted) } else { Ok(table) }
}
