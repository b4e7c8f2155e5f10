//! Reading tables from files: named, typed columns in which any cell can be missing.
//!
//! This is the first step of every analysis. [`read`] opens a file and returns a [`Table`]. CSV and TSV files (plain or
//! gzipped) carry no types, so a column's type is inferred from all of its cells. `.npy`, Parquet and Arrow files state
//! their types. The module [`mod@write`] writes such files.

#[cfg(feature = "parquet")]
mod columnar;
mod csv;
mod gzip;
mod ids;
mod missing;
mod names;
mod npy;
mod number_format;
mod texts;
mod wide_integers;
pub mod write;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Place, Result};
use crate::matrix::RowMajor;
use crate::memory::{self, Budget};

pub use names::short_label;
pub(crate) use names::{check_columns, closest, key_word, missing_column};
pub use number_format::{DetectedFormat, InferredFormat, NumberFormat};
pub use wide_integers::WideIntegers;

/// One column's values. Every variant holds one entry per row of the table.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Numbers. A missing number is NaN; infinities are rejected when the file is read.
    Number(Vec<f64>),
    /// 32-bit numbers in a matrix that all columns of the file share, so that a large `.npy` file is never copied
    /// column by column. A missing number is NaN; there are no infinities.
    Packed {
        /// The numbers of all columns.
        block: Arc<RowMajor>,
        /// The index of this column in `block`.
        column: usize,
    },
    /// Booleans; `None` is a missing cell.
    Bool(Vec<Option<bool>>),
    /// Text, stored as codes: indices into `levels`. `None` is a missing cell.
    Text {
        /// The distinct texts, in order of first appearance.
        levels: Vec<String>,
        /// For each row, the index of its text in `levels`.
        codes: Vec<Option<u32>>,
    },
    /// A column in which every cell is missing; the value is the number of rows.
    Empty(usize),
}

impl Values {
    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Values::Number(v) => v.len(),
            Values::Packed { block, .. } => block.rows(),
            Values::Bool(v) => v.len(),
            Values::Text { codes, .. } => codes.len(),
            Values::Empty(rows) => *rows,
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type as one word for messages: `number`, `boolean`, `text` or `empty`.
    pub fn kind(&self) -> &'static str {
        match self {
            Values::Number(_) | Values::Packed { .. } => "number",
            Values::Bool(_) => "boolean",
            Values::Text { .. } => "text",
            Values::Empty(_) => "empty",
        }
    }

    /// Whether the cell in `row` is missing. A row past the end counts as missing.
    pub fn is_missing(&self, row: usize) -> bool {
        match self {
            Values::Number(_) | Values::Packed { .. } => self.number(row).is_none_or(f64::is_nan),
            Values::Bool(v) => v.get(row).is_none_or(Option::is_none),
            Values::Text { codes, .. } => codes.get(row).is_none_or(Option::is_none),
            Values::Empty(_) => true,
        }
    }

    /// The number in `row`, NaN if it is missing. `None` if the row is past the end or the column does not hold
    /// numbers.
    pub fn number(&self, row: usize) -> Option<f64> {
        match self {
            Values::Number(v) => v.get(row).copied(),
            Values::Packed { block, column } => {
                (row < block.rows()).then(|| f64::from(block.get(row, *column)))
            }
            _ => None,
        }
    }

    /// All numbers, NaN where one is missing. `None` if the column does not hold numbers.
    pub fn numbers(&self) -> Option<Cow<'_, [f64]>> {
        match self {
            Values::Number(v) => Some(Cow::Borrowed(v)),
            Values::Packed { block, column } => {
                let column = block.values().iter().skip(*column).step_by(block.features());
                Some(Cow::Owned(column.map(|&v| f64::from(v)).collect()))
            }
            _ => None,
        }
    }

    /// The cell in `row` as text; an empty string if it is missing.
    pub fn cell(&self, row: usize) -> String {
        match self {
            Values::Bool(v) => v.get(row).copied().flatten().map(|b| b.to_string()).unwrap_or_default(),
            Values::Text { levels, codes } => {
                let level = codes.get(row).copied().flatten().and_then(|c| levels.get(c as usize));
                level.cloned().unwrap_or_default()
            }
            Values::Empty(_) => String::new(),
            _ => self.number(row).filter(|v| !v.is_nan()).map(|v| v.to_string()).unwrap_or_default(),
        }
    }

    /// The approximate memory in bytes of the texts in `levels`; 0 for columns that are not text.
    fn level_bytes(&self) -> u64 {
        let Values::Text { levels, .. } = self else { return 0 };
        levels.iter().map(|level| (size_of::<String>() + level.capacity()) as u64).sum()
    }

    /// The approximate memory of the column in bytes. The shared block of [`Values::Packed`] counts towards its first
    /// column only.
    fn bytes(&self) -> u64 {
        let cell = match self {
            Values::Number(_) => size_of::<f64>(),
            Values::Packed { block, column: 0 } => size_of::<f32>() * block.features(),
            Values::Bool(_) => size_of::<Option<bool>>(),
            Values::Text { .. } => size_of::<Option<u32>>(),
            Values::Packed { .. } | Values::Empty(_) => 0,
        };
        (cell * self.len()) as u64 + self.level_bytes()
    }

    /// The number of missing cells.
    pub fn missing(&self) -> usize {
        (0..self.len()).filter(|&row| self.is_missing(row)).count()
    }

    /// The number of different values, not counting missing cells.
    pub fn distinct(&self) -> usize {
        fn count<T: Copy + Ord + Hash>(values: impl Iterator<Item = T> + Clone) -> usize {
            /// Up to this many values, a hash set fits the CPU's cache and is faster than sorting.
            const FEW: usize = 1 << 14;
            let mut few = foldhash::HashSet::default();
            if values.clone().all(|value| !few.insert(value) || few.len() <= FEW) {
                return few.len();
            }
            let mut values: Vec<T> = values.collect();
            values.sort_unstable();
            values.dedup();
            values.len()
        }
        match self {
            // Adding 0.0 turns -0.0 into 0.0, so that the two count as one value.
            Values::Number(v) => count(v.iter().filter(|v| !v.is_nan()).map(|v| (v + 0.0).to_bits())),
            Values::Packed { block, column } => {
                let column = block.values().iter().skip(*column).step_by(block.features());
                count(column.filter(|v| !v.is_nan()).map(|v| (v + 0.0).to_bits()))
            }
            Values::Bool(v) => v.iter().flatten().collect::<HashSet<_>>().len(),
            Values::Text { levels, .. } => levels.len(),
            Values::Empty(_) => 0,
        }
    }
}

/// A named column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The name from the header, or `f0`, `f1`, … if the file has no header.
    pub name: String,
    /// The values.
    pub values: Values,
}

/// A table: columns that all have the same number of rows, and optionally the ids of the rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// The file name (or `stdin`) as the caller gave it, for use in messages.
    pub source: String,
    /// The number of rows.
    pub rows: usize,
    /// The columns in the order of the file, including the id column.
    pub columns: Vec<Column>,
    /// The name of the id column and its cells exactly as written, if [`ReadOptions::id`] asked for one. An id such as
    /// `007` keeps its zeros here.
    pub ids: Option<(String, Vec<String>)>,
    /// For columns whose numbers are not written in the plain form `1234.5`, the format that was detected, by column
    /// name.
    pub number_formats: BTreeMap<String, DetectedFormat>,
    /// Facts about columns that hold integers too large for f64 to represent exactly, by column name.
    pub wide_integers: BTreeMap<String, WideIntegers>,
    /// Remarks about the file that the user should see, one sentence each.
    pub notes: Vec<String>,
}

impl Table {
    /// The approximate memory of the table in bytes.
    pub fn bytes(&self) -> u64 {
        let ids =
            self.ids.iter().flat_map(|(_, ids)| ids).map(|id| (size_of::<String>() + id.capacity()) as u64);
        self.columns.iter().map(|column| column.values.bytes()).sum::<u64>() + ids.sum::<u64>()
    }

    /// An index of the columns by name, for callers that look up many. If a name occurs twice, the first column wins.
    pub(crate) fn by_name(&self) -> HashMap<&str, &Column> {
        self.columns.iter().rev().map(|column| (column.name.as_str(), column)).collect()
    }

    /// The first column with this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }
}

/// The format of a table file. CSV, TSV and `.npy` files may be gzipped; gzip is detected from the first bytes.
///
/// Reading Parquet and Arrow needs the feature `parquet`, which is on by default. These files state their types, and
/// the reader keeps to them:
///
/// - Text stays text even if it looks like numbers. A cell of text is missing if it is null or listed in
///   [`ReadOptions::null`]; the built-in marks such as `NA` do not apply.
/// - Integers, floats and decimals become numbers.
/// - Dates and timestamps become seconds since 1970: in UTC if the timestamp has a time zone, in local clock time
///   otherwise. Times of day and durations become seconds.
/// - Other types, such as lists, structs, maps, intervals and binary data, are left out: the column is missing in every
///   row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Text with a header. The delimiter is detected among comma, semicolon, tab and vertical bar.
    Csv,
    /// Text with a header, separated by tabs.
    Tsv,
    /// A NumPy array with one or two dimensions of numbers or booleans. It has no header.
    Npy,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow's IPC format, either a file (Feather version 2) or a stream.
    Arrow,
}

impl Format {
    /// The name of each format in a recipe.
    pub const WORDS: &[(&str, Format)] = &[
        ("csv", Format::Csv),
        ("tsv", Format::Tsv),
        ("npy", Format::Npy),
        ("parquet", Format::Parquet),
        ("arrow", Format::Arrow),
    ];
}

/// Columns whose types are known before the file is read, for example from a fitted model; see [`ReadOptions::text`]
/// and [`ReadOptions::numbers`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownColumns {
    /// The names of the columns that are text.
    pub text: Vec<String>,
    /// The names of the columns that are numbers, each with the way its numbers are written.
    pub numbers: Vec<(String, NumberFormat)>,
}

/// How to read a table. With the default options everything is detected from the file itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReadOptions {
    /// The format; `None` derives it from the file name's extension.
    pub format: Option<Format>,
    /// The delimiter of a text table, an ASCII character; `None` detects it.
    pub delimiter: Option<u8>,
    /// Extra marks for a missing cell, in addition to the built-in ones: the empty cell, `-`, `?`, `NA`, `N/A`, `#N/A`,
    /// `NaN` and `null` (in any case) and `None`. If a mark is a number, every cell with that value is missing, in
    /// every format and however it is written: `-999` also covers `-999.0`.
    pub null: Vec<String>,
    /// Built-in marks that are ordinary text in this table. For example, `NA` may be the country code of Namibia.
    pub keep_null: Vec<String>,
    /// The decimal sign of all columns of a text table, `.` or `,`. By default it is inferred for each column from its
    /// cells.
    pub decimal: Option<char>,
    /// The name of the id column, whose cells are kept as written in [`Table::ids`].
    pub id: Option<String>,
    /// Whether a table may lack the id column. If true, [`Table::ids`] is then `None`; if false, it is an error.
    #[serde(skip)]
    pub id_optional: bool,
    /// Whether the first column is the id column if [`ReadOptions::id`] names none, as in a file of assignments. It is not
    /// if it is the only column or is called `row`, as row numbers are. Repeated and empty ids are not noted then, because
    /// whoever joins by them checks them anyway.
    #[serde(skip)]
    pub id_first: bool,
    /// Columns whose number format is already known. New rows for a fitted encoder need this because a single cell can
    /// be ambiguous: `1,234` is a different number depending on what the comma means.
    #[serde(skip)]
    pub numbers: Vec<(String, NumberFormat)>,
    /// How many lines at the top of a text table to skip before its header. With `None`, comment lines (`#`) are
    /// skipped, and a line that looks like a title above the header is an error.
    pub skip_lines: Option<usize>,
    /// Whether a text table has no header. Its columns are then called `f0`, `f1` and so on.
    pub no_header: bool,
    /// Columns to read as text whatever their cells look like. New rows for a fitted encoder need this: if all codes in
    /// a batch happened to be digits, the column would otherwise be read as numbers.
    #[serde(skip)]
    pub text: Vec<String>,
    /// How many rows directly below the header to ignore. For example, the second line of a survey often holds the full
    /// questions. Line numbers in messages still count these rows.
    pub skip_rows: usize,
    /// The memory limit in bytes, during and after reading; `None` sets no limit. A table that would need more fails
    /// with [`Error::Data`] before the memory is allocated.
    #[serde(skip)]
    pub max_memory: Option<u64>,
}

impl ReadOptions {
    /// The name of the id column of a table whose columns have these names.
    fn id_among<'a>(&'a self, names: &'a [String]) -> Option<&'a str> {
        let first = || names.first().filter(|name| self.id_first && names.len() > 1 && *name != "row");
        self.id.as_ref().or_else(first).map(String::as_str)
    }
}

/// Reads the table at `path`. The path `-` stands for standard input and requires `options.format`.
///
/// Cells are trimmed of ASCII whitespace, except ids. The type of a column in a text table follows from its non-missing
/// cells:
///
/// - It is numeric if every cell is a number. Digits with a leading zero (`007`) are codes and count as text.
/// - It is boolean if every cell is `true` or `false`, in any case.
/// - It is also numeric if one [`NumberFormat`] fits every cell, such as `1.234,50 €`; [`Table::number_formats`]
///   records the format.
/// - Otherwise it is text.
///
/// Blank lines are skipped. A column without a name is called `unnamed_N`, where N is its position, counted from 1.
///
/// # Errors
///
/// [`Error::Usage`] if the format is unknown or this build cannot read it, [`Error::Read`] if the file cannot be read,
/// and [`Error::Data`] if its contents are invalid, with the file, line and column as far as they are known.
pub fn read(path: &Path, options: &ReadOptions) -> Result<Table> {
    let failed = |source| Error::Read { path: path.to_path_buf(), source };
    if path == Path::new("-") {
        if options.format.is_none() {
            return Err(Error::Usage(
                "reading from stdin needs the format: csv, tsv, npy, parquet or arrow".into(),
            ));
        }
        let bytes = read_whole(io::stdin().lock(), None, options).map_err(failed)?;
        let bytes = bytes.map_err(|e| e.in_file("stdin"))?;
        return read_bytes("stdin", bytes, options);
    }
    let name = path.display().to_string();
    let format = format_of(&name, options)?;
    if path.is_dir() {
        return Err(failed(io::Error::new(io::ErrorKind::IsADirectory, "this is a directory, not a file")));
    }
    let budget = Budget::new(options.max_memory);
    let columns = match format {
        Format::Parquet => Some(columnar::read_parquet(path, options, &budget)),
        Format::Arrow => Some(columnar::read_arrow(path, options, &budget)),
        _ => None,
    };
    if let Some(table) = columns {
        return finish(table.map_err(|e| e.in_file(&name))?, &name);
    }
    if format == Format::Npy
        && let Some(table) = npy::read_packed(path, options, &budget).map_err(|e| e.in_file(&name))?
    {
        return finish(table, &name);
    }
    let file = std::fs::File::open(path).map_err(failed)?;
    let length = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|m| m.len());
    let bytes = read_whole(file, length, options).map_err(failed)?.map_err(|e| e.in_file(&name))?;
    read_bytes(&name, bytes, options)
}

/// The name of the fit that a Parquet file of assignments carries; `None` for any other file. See
/// [`Model::run`](crate::model::Model::run).
pub(crate) fn run_of_parquet(path: &Path) -> Option<String> {
    let format = format_of(&path.display().to_string(), &ReadOptions::default()).ok()?;
    if format == Format::Parquet { columnar::parquet_metadata(path, RUN) } else { None }
}

/// The key under which a Parquet file has the name of the fit that it belongs to.
pub const RUN: &str = "segmenta.run";

/// Reads a source to its end. `length` is its size in bytes if known. The inner result is an error if the bytes exceed
/// the memory limit.
fn read_whole(
    source: impl io::Read,
    length: Option<u64>,
    options: &ReadOptions,
) -> io::Result<Result<Vec<u8>>> {
    let limit = options.max_memory.unwrap_or(u64::MAX);
    if let Some(length) = length
        && length > limit
    {
        return Ok(Err(memory::too_much(length, limit)));
    }
    let mut bytes = Vec::new();
    if bytes.try_reserve_exact(length.unwrap_or(0) as usize).is_err() {
        return Ok(Err(memory::refused(length.unwrap_or(0))));
    }
    source.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Ok(Err(memory::too_much(bytes.len() as u64, limit)));
    }
    Ok(Ok(bytes))
}

/// Reads a table from `bytes` in memory. `name` stands for the file in messages, and its extension determines the
/// format if `options.format` is `None`. Everything else is as in [`read`].
///
/// # Errors
///
/// As for [`read`], except that no file has to be opened.
pub fn read_bytes(name: &str, bytes: Vec<u8>, options: &ReadOptions) -> Result<Table> {
    let format = format_of(name, options)?;
    let budget = Budget::new(options.max_memory);
    let zipped = matches!(format, Format::Csv | Format::Tsv | Format::Npy);
    let bytes = budget.take(bytes.len() as u64).map(|()| bytes);
    let bytes = bytes.and_then(|bytes| if zipped { gzip::unpack(bytes, &budget) } else { Ok(bytes) });
    let table = bytes.and_then(|bytes| {
        if bytes.is_empty() {
            return Err(Error::data("the file is empty"));
        }
        match format {
            Format::Parquet => columnar::parse_parquet(bytes, options, &budget),
            Format::Arrow => columnar::parse_arrow(&bytes, options, &budget),
            Format::Npy => npy::parse(&bytes, options, &budget),
            Format::Csv => csv::parse(&bytes, options.delimiter, options, &budget),
            Format::Tsv => csv::parse(&bytes, options.delimiter.or(Some(b'\t')), options, &budget),
        }
    });
    finish(table.map_err(|e| e.in_file(name))?, name)
}

/// Whether a file is currently being read by a decoder whose panics are caught and turned into errors.
///
/// A program can check this in its panic hook and print nothing: on a damaged file such a decoder may panic, and the
/// caller gets an error that explains the problem.
pub fn panics_are_caught() -> bool {
    columnar::is_guarded()
}

/// Sets the table's source to `name` and checks that it does not have too many rows.
fn finish(mut table: Table, name: &str) -> Result<Table> {
    table.source = name.to_string();
    // Row numbers and text codes are stored in 32 bits.
    if u32::try_from(table.rows).is_err() {
        let what = format!("{} rows, more than the {} that a table can have", table.rows, u32::MAX);
        return Err(Error::at(Place::file(name), what));
    }
    Ok(table)
}

/// The format that the options ask for, or else the one that the file name's extension implies.
fn format_of(name: &str, options: &ReadOptions) -> Result<Format> {
    if let Some(format) = options.format {
        return Ok(format);
    }
    let lower = name.to_ascii_lowercase();
    let stem = lower.strip_suffix(".gz").unwrap_or(&lower);
    match Path::new(stem).extension().and_then(|e| e.to_str()) {
        Some("csv" | "txt") => Ok(Format::Csv),
        Some("tsv") => Ok(Format::Tsv),
        Some("npy") => Ok(Format::Npy),
        Some("parquet") if stem == lower => Ok(Format::Parquet),
        Some("arrow" | "feather" | "ipc") if stem == lower => Ok(Format::Arrow),
        _ => Err(Error::Usage(format!(
            "{name}: cannot tell the format from the name; name it .csv, .tsv, .txt or .npy (each also with \
             .gz), .parquet, .arrow or .feather, or say the format: csv, tsv, npy, parquet or arrow"
        ))),
    }
}

/// Fails if the table has no rows, or none after the rows that are skipped.
fn must_have_rows(rows: usize, options: &ReadOptions) -> Result<()> {
    match options.skip_rows {
        _ if rows > 0 => Ok(()),
        0 => Err(Error::data("the table has no rows")),
        skipped => Err(Error::data(format!("no rows after the {skipped} that are skipped"))),
    }
}

/// Replaces the Parquet and Arrow readers in a build without the feature `parquet`: every function returns an error.
#[cfg(not(feature = "parquet"))]
mod columnar {
    use std::path::Path;

    use super::{ReadOptions, Table};
    use crate::error::{Error, Result};
    use crate::memory::Budget;

    /// The error that tells the user how to get Parquet and Arrow support.
    pub(super) fn missing() -> Error {
        Error::Usage(
            "this build has no Parquet and no Arrow: build it with the feature parquet, or use .csv".into(),
        )
    }

    pub(super) fn is_guarded() -> bool {
        false
    }

    pub(super) fn parquet_metadata(_: &Path, _: &str) -> Option<String> {
        None
    }

    pub(super) fn read_parquet(_: &Path, _: &ReadOptions, _: &Budget) -> Result<Table> {
        Err(missing())
    }

    pub(super) fn read_arrow(_: &Path, _: &ReadOptions, _: &Budget) -> Result<Table> {
        Err(missing())
    }

    pub(super) fn parse_parquet(_: Vec<u8>, _: &ReadOptions, _: &Budget) -> Result<Table> {
        Err(missing())
    }

    pub(super) fn parse_arrow(_: &[u8], _: &ReadOptions, _: &Budget) -> Result<Table> {
        Err(missing())
    }
}

/// Adds notes about repeated or empty ids to a table whose messages count rows, not lines. The options tell
/// how many rows were left out before the first one.
fn note_ids(table: &mut Table, options: &ReadOptions) {
    let (check, skipped) = (!options.id_first, options.skip_rows);
    if let Some((name, cells)) = table.ids.as_ref().filter(|_| check) {
        table.notes.extend(ids::note(name, cells, "row", |row| (skipped + row + 1) as u64));
    }
}

/// The name and cells of the id column, if the options ask for one. `cell(row, column)` returns a cell as it is
/// written.
fn id_cells(
    options: &ReadOptions,
    names: &[String],
    rows: usize,
    cell: impl Fn(usize, usize) -> String,
) -> Result<Option<(String, Vec<String>)>> {
    let Some(id) = options.id_among(names) else { return Ok(None) };
    let Some(column) = names.iter().position(|n| n == id) else {
        if options.id_optional {
            return Ok(None);
        }
        return Err(Error::data(names::no_column(id, names.iter().map(String::as_str))));
    };
    Ok(Some((id.to_string(), (0..rows).map(|row| cell(row, column)).collect())))
}
