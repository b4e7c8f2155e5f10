//! Tables as they are read: named, typed columns with missing values.
//!
//! [`read`] takes CSV, TSV (plain or gzip), where types are inferred over the whole column, and `.npy`, Parquet and
//! Arrow, which know their types; [`mod@write`] makes such files.

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

pub(crate) use names::{check_columns, closest, missing_column};
pub use number_format::{DetectedFormat, InferredFormat, NumberFormat};
pub use wide_integers::WideIntegers;

/// One column's values. Every variant has one entry a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Numbers; missing is NaN. Infinities never get in.
    Number(Vec<f64>),
    /// Numbers that lie among those of other columns, as their file has them; missing is NaN, no infinities.
    Packed {
        /// All columns' numbers.
        block: Arc<RowMajor>,
        /// Which of its features.
        column: usize,
    },
    /// `true`/`false`; missing is `None`.
    Bool(Vec<Option<bool>>),
    /// Text as codes into `levels` (in order of first appearance); missing is `None`.
    Text {
        /// The distinct texts.
        levels: Vec<String>,
        /// One code a row.
        codes: Vec<Option<u32>>,
    },
    /// Missing in every row.
    Empty(usize),
}

impl Values {
    /// How many rows.
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

    /// The type in one word: `number`, `boolean`, `text` or `empty`.
    pub fn kind(&self) -> &'static str {
        match self {
            Values::Number(_) | Values::Packed { .. } => "number",
            Values::Bool(_) => "boolean",
            Values::Text { .. } => "text",
            Values::Empty(_) => "empty",
        }
    }

    /// Whether the cell of a row is missing; a row past the end is.
    pub fn is_missing(&self, row: usize) -> bool {
        match self {
            Values::Number(_) | Values::Packed { .. } => self.number(row).is_none_or(f64::is_nan),
            Values::Bool(v) => v.get(row).is_none_or(Option::is_none),
            Values::Text { codes, .. } => codes.get(row).is_none_or(Option::is_none),
            Values::Empty(_) => true,
        }
    }

    /// The number in a row, NaN where it is missing; none past the end, or in a column of another type.
    pub fn number(&self, row: usize) -> Option<f64> {
        match self {
            Values::Number(v) => v.get(row).copied(),
            Values::Packed { block, column } => {
                (row < block.rows()).then(|| f64::from(block.get(row, *column)))
            }
            _ => None,
        }
    }

    /// All numbers, NaN where one is missing, if these are numbers.
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

    /// The cell of a row as text, empty where it is missing.
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

    /// About how many bytes the texts of the levels take.
    fn level_bytes(&self) -> u64 {
        let Values::Text { levels, .. } = self else { return 0 };
        levels.iter().map(|level| (size_of::<String>() + level.capacity()) as u64).sum()
    }

    /// About how many bytes the column takes; what columns share counts for the first of them.
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

    /// How many cells are missing.
    pub fn missing(&self) -> usize {
        (0..self.len()).filter(|&row| self.is_missing(row)).count()
    }

    /// How many different values there are, the missing ones aside.
    pub fn distinct(&self) -> usize {
        fn count<T: Copy + Ord + Hash>(values: impl Iterator<Item = T> + Clone) -> usize {
            /// So many stay in the cache.
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
            // Adding zero makes -0.0 and 0.0 one value.
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
    /// The name in the header (or `f0`, `f1`, … where there is none).
    pub name: String,
    /// The values.
    pub values: Values,
}

/// A table: columns of one length, and the ids as they were written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// What the reader was given, for messages.
    pub source: String,
    /// How many rows.
    pub rows: usize,
    /// The columns in file order, the id column included.
    pub columns: Vec<Column>,
    /// The id column's name and its cells letter for letter, where one was asked for.
    pub ids: Option<(String, Vec<String>)>,
    /// How numbers are written in the columns where that is not as programs write them, by the columns' names.
    pub number_formats: BTreeMap<String, DetectedFormat>,
    /// Columns of whole numbers that f64 cannot tell apart, by their names.
    pub wide_integers: BTreeMap<String, WideIntegers>,
    /// What a person should know of the file, one sentence each.
    pub notes: Vec<String>,
}

impl Table {
    /// About how many bytes of memory it takes.
    pub fn bytes(&self) -> u64 {
        let ids =
            self.ids.iter().flat_map(|(_, ids)| ids).map(|id| (size_of::<String>() + id.capacity()) as u64);
        self.columns.iter().map(|column| column.values.bytes()).sum::<u64>() + ids.sum::<u64>()
    }

    /// The columns by their names; of equal names the first. For whoever looks for many of them.
    pub(crate) fn by_name(&self) -> HashMap<&str, &Column> {
        self.columns.iter().rev().map(|column| (column.name.as_str(), column)).collect()
    }

    /// The column of a name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }
}

/// The format of a table's bytes. The first three may be gzipped; that is seen from the bytes.
///
/// Parquet and Arrow are read where the feature `parquet` is compiled in, as it is by default. There types are those
/// of the file: text stays text whatever it looks like, and beside null only [`ReadOptions::null`] means missing in
/// it. Integers, floats and decimals are numbers. So are dates and timestamps, as seconds since 1970 (in UTC where a
/// timestamp has a zone, else as on its clock), and times of day and durations, as seconds. What is no single value
/// (lists, structs, maps, intervals) or no text (binary) is left out: missing in every row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Text with a header; the delimiter is found among comma, semicolon, tab and bar.
    Csv,
    /// Text with a header, separated by tabs.
    Tsv,
    /// NumPy's array format: one or two dimensions of numbers or booleans, no header.
    Npy,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow's IPC format, as a file (Feather version 2) or as a stream.
    Arrow,
}

impl Format {
    /// Each by its name in a recipe.
    pub const WORDS: &[(&str, Format)] = &[
        ("csv", Format::Csv),
        ("tsv", Format::Tsv),
        ("npy", Format::Npy),
        ("parquet", Format::Parquet),
        ("arrow", Format::Arrow),
    ];
}

/// Columns of which somebody, such as a fitted model, knows what they hold: see [`ReadOptions`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownColumns {
    /// Columns that are text.
    pub text: Vec<String>,
    /// Columns that are numbers, and how these are written.
    pub numbers: Vec<(String, NumberFormat)>,
}

/// How to read a table; the default takes everything from the file itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReadOptions {
    /// The format; by default the file's extension says it.
    pub format: Option<Format>,
    /// The delimiter of a text table, an ASCII character; found by itself where `None`.
    pub delimiter: Option<u8>,
    /// What means missing, beside the empty cell, `-`, `?`, `NA`, `N/A`, `#N/A`, `NaN` and `null` (in any case) and
    /// `None`. A number stands for the value, however it is written and in every format.
    pub null: Vec<String>,
    /// Which of these marks are texts in this table: `NA` may be Namibia.
    pub keep_null: Vec<String>,
    /// The decimal sign of all columns of a text table, `.` or `,`; by default it is told from each column's cells.
    pub decimal: Option<char>,
    /// The column whose cells are kept as written in [`Table::ids`].
    pub id: Option<String>,
    /// Whether a table without that column is read all the same, with no [`Table::ids`]; otherwise it is an error.
    #[serde(skip)]
    pub id_optional: bool,
    /// Columns that are numbers, and how these are written. New rows for a fitted encoder need it: `1,234` alone
    /// could mean two numbers.
    #[serde(skip)]
    pub numbers: Vec<(String, NumberFormat)>,
    /// How many lines at the top of a text table come before its header. `None`: comments (`#`) are skipped, and what
    /// looks like a title is an error.
    pub skip_lines: Option<usize>,
    /// Whether a text table has no header, so that its columns are called `f0`, `f1` and so on.
    pub no_header: bool,
    /// Columns to read as text whatever they look like. New rows for a fitted encoder need it: a batch
    /// whose codes happen to be all digits would come out as numbers otherwise.
    #[serde(skip)]
    pub text: Vec<String>,
    /// How many rows right after the header are skipped, as if they were not there; the second line of a survey
    /// often holds the questions. Lines in messages stay those of the file.
    pub skip_rows: usize,
    /// How many bytes of memory the table may take, while it is read and afterwards; `None` sets no limit. What would
    /// take more is [`Error::Data`], said before the memory is taken.
    #[serde(skip)]
    pub max_memory: Option<u64>,
}

/// Reads the table at `path`, or from stdin where that is `-` (which needs `options.format`).
///
/// Cells are trimmed of ASCII whitespace, except ids. A column is numbers if every cell that is not missing
/// is one, booleans if all are `true` or `false` in any case, text otherwise. Digits with a leading zero (`007`) are
/// codes, which are text. Text whose every value is a number under one [`NumberFormat`] is numbers, as
/// [`Table::number_formats`] says. Blank lines are skipped; a column without a name is called `unnamed_N` by its position,
/// counted from 1.
///
/// # Errors
///
/// [`Error::Usage`] for a format that cannot be told, [`Error::Read`] for a file that cannot be read,
/// [`Error::Data`] with file, line and column for everything wrong with the contents.
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

/// All bytes of a source, of which `length` may be known, as long as they fit the memory that there may be.
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

/// Reads a table from memory; `name` stands for it in messages, and its extension says the format where
/// `options.format` does not. See [`read`].
///
/// # Errors
///
/// As [`read`], without the file's own.
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

/// Whether a file is being read by a decoder whose panics become errors. A program's panic hook can be silent then:
/// what a damaged file does to such a decoder is told by the error.
pub fn panics_are_caught() -> bool {
    columnar::is_guarded()
}

/// Gives a table its name, and checks its size.
fn finish(mut table: Table, name: &str) -> Result<Table> {
    table.source = name.to_string();
    // Codes and kept rows are 32 bits.
    if u32::try_from(table.rows).is_err() {
        let what = format!("{} rows, more than the {} that a table can have", table.rows, u32::MAX);
        return Err(Error::at(Place::file(name), what));
    }
    Ok(table)
}

/// The format asked for, or that of the extension.
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

/// Refuses a table of which nothing is left.
fn must_have_rows(rows: usize, options: &ReadOptions) -> Result<()> {
    match options.skip_rows {
        _ if rows > 0 => Ok(()),
        0 => Err(Error::data("the table has no rows")),
        skipped => Err(Error::data(format!("no rows after the {skipped} that are skipped"))),
    }
}

/// A build without the feature `parquet` says so.
#[cfg(not(feature = "parquet"))]
mod columnar {
    use std::path::Path;

    use super::{ReadOptions, Table};
    use crate::error::{Error, Result};
    use crate::memory::Budget;

    /// What to do without.
    pub(super) fn missing() -> Error {
        Error::Usage(
            "this build has no Parquet and no Arrow: build it with the feature parquet, or use .csv".into(),
        )
    }

    pub(super) fn is_guarded() -> bool {
        false
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

/// Notes on the ids of a table whose rows are counted; `skipped` are those before the first.
fn note_ids(table: &mut Table, skipped: usize) {
    if let Some((name, cells)) = &table.ids {
        table.notes.extend(ids::note(name, cells, "row", |row| (skipped + row + 1) as u64));
    }
}

/// The id column asked for, its cells as written.
fn id_cells(
    options: &ReadOptions,
    names: &[String],
    rows: usize,
    cell: impl Fn(usize, usize) -> String,
) -> Result<Option<(String, Vec<String>)>> {
    let Some(id) = &options.id else { return Ok(None) };
    let Some(column) = names.iter().position(|n| n == id) else {
        if options.id_optional {
            return Ok(None);
        }
        return Err(Error::data(names::no_column(id, names.iter().map(String::as_str))));
    };
    Ok(Some((id.clone(), (0..rows).map(|row| cell(row, column)).collect())))
}
