//! A labelling that is read from a file: which segment each row of a table is in.
//!
//! Any table will do, whoever wrote it. [`read`] finds the column of segments and the column of ids, and [`join()`] finds
//! the rows that two tables have in common.

mod join;
mod number;

pub use join::{By, Joined, Rows, join};

use crate::error::{Error, Place, Result};
use crate::table::{self, ReadOptions, Table, Values};
use std::path::Path;

/// The column of segments in the files that segmenta writes.
const SEGMENT: &str = "segment";

/// How a labelling is read from a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// The column of labels; `None`: the one called `segment`, or else the only one besides the ids.
    pub label: Option<String>,
    /// The id column; `None`: the first column, unless it holds the labels or is called `row`.
    pub id: Option<String>,
    /// Whether rows are identified by their position alone, even if the table has ids.
    pub by_position: bool,
    /// How a message tells the user to name the column of labels, such as `--label-a`.
    pub label_flag: &'static str,
    /// The format, the delimiter and so on of the file; its `id` is not used.
    pub read: ReadOptions,
}

/// A segment of a labelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The label as it is written in the file, such as `3` or `Beginners`.
    pub label: String,
    /// Its name, if the file has a column `name`, as segmenta's assignments have.
    pub name: Option<String>,
}

/// Which segment each row of a table is in.
#[derive(Debug, Clone, PartialEq)]
pub struct Labels {
    /// The file.
    pub source: String,
    /// The name of the column of labels.
    pub column: String,
    /// The different labels. Numbers are in ascending order and texts in alphabetical order.
    pub labels: Vec<Label>,
    /// For each row of the file, the index of its label in `labels`. `None`: the row is in no segment; the cell is missing,
    /// or it is -1 in a column without smaller numbers.
    pub rows: Vec<Option<u32>>,
    /// The id column's name and the ids as they are written.
    pub ids: Option<(String, Vec<String>)>,
    /// What a person should know about the file, one sentence each.
    pub notes: Vec<String>,
}

impl Labels {
    /// The number of different labels.
    pub fn k(&self) -> usize {
        self.labels.len()
    }

    /// The rows by their ids, for [`join()`].
    pub fn by_id(&self) -> Rows<'_> {
        Rows { source: &self.source, rows: self.rows.len(), ids: self.ids.as_ref() }
    }

    /// How many rows have a label.
    pub fn labelled(&self) -> usize {
        self.rows.iter().flatten().count()
    }
}

/// Reads a labelling from a file.
///
/// # Errors
/// As [`table::read`]; no such column; several columns that could hold the labels; labels that are not told apart.
pub fn read(path: &Path, options: &Options) -> Result<Labels> {
    let id = options.id.clone().filter(|_| !options.by_position);
    let read = ReadOptions { id, id_first: !options.by_position, id_optional: false, ..options.read.clone() };
    from_table(table::read(path, &read)?, options)
}

/// Takes a labelling out of a table. The ids are those that the table was read with.
///
/// # Errors
/// As [`read`], without those of reading a file.
pub fn from_table(mut table: Table, options: &Options) -> Result<Labels> {
    let chosen = label_column(&table, options)?;
    if table.ids.as_ref().is_some_and(|(id, _)| *id == table.columns[chosen].name) {
        if let Some(id) = &options.id {
            let what = format!("{id:?} cannot be both the column of labels and the id column");
            return Err(Error::at(Place::file(table.source.as_str()), what));
        }
        table.ids = None;
    }
    let column = table.columns[chosen].name.clone();
    if table.wide_integers.contains_key(&column) {
        let place = Place::file(table.source.as_str()).column(column);
        return Err(Error::at(place, "these numbers are too long for labels: they cannot be told apart"));
    }
    let names = table.columns.iter().find(|c| c.name == "name" && c.name != column);
    let (rows, texts) = number::number(&table.columns[chosen].values);
    let names = number::names(&rows, texts.len(), names.map(|names| &names.values));
    let labels = texts.into_iter().zip(names).map(|(label, name)| Label { label, name }).collect();
    let Table { source, ids, notes, .. } = table;
    Ok(Labels { source, column, labels, rows, ids, notes })
}

/// The index of the column of labels.
fn label_column(table: &Table, options: &Options) -> Result<usize> {
    let named = |name: &str| table.columns.iter().position(|c| c.name == name);
    if let Some(name) = &options.label {
        return named(name).ok_or_else(|| table::missing_column(table, name));
    }
    if let Some(segment) = named(SEGMENT) {
        return Ok(segment);
    }
    let id = table.ids.as_ref().map(|(id, _)| id.as_str());
    let others: Vec<usize> = (0..table.columns.len())
        .filter(|&i| Some(table.columns[i].name.as_str()) != id)
        .filter(|&i| table.columns.len() == 1 || table.columns[i].name != "row")
        .collect();
    match others[..] {
        [only] => Ok(only),
        _ => {
            let columns: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).take(12).collect();
            let more = if table.columns.len() > columns.len() { ", …" } else { "" };
            let flag = if options.label_flag.is_empty() { "label" } else { options.label_flag };
            let what = format!(
                "which column holds the segments? None is called {SEGMENT}; the columns are {}{more}. Name it with {flag}",
                columns.join(", ")
            );
            Err(Error::at(Place::file(table.source.as_str()), what))
        }
    }
}

/// The labels of a column that is already in memory, as [`read`] would find them: for each row the index of its label, and
/// the labels in order.
pub fn of_values(values: &Values) -> (Vec<Option<u32>>, Vec<String>) {
    number::number(values)
}
