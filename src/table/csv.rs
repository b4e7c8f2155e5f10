//! Reads text tables: CSV, TSV and the like.
//!
//! One pass splits the bytes into cells. The types of the columns are then inferred in parallel, each from all cells of
//! its column, so that no type is guessed from a sample of the rows.

mod cells;
mod dictionary;
mod sniff;
mod top;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use foldhash::fast::RandomState;
use memchr::memchr;
use rayon::prelude::*;

use crate::error::{Error, Place, Result};
use crate::memory::Budget;
use crate::table::ids::note as id_note;
use crate::table::missing::Nulls;
use crate::table::number_format::{DetectedFormat, InferredFormat, NumberFormat};
use crate::table::wide_integers::{WIDE, WideIntegers};
use crate::table::{Column, ReadOptions, Table, Values, id_cells, must_have_rows, names};
use cells::Cells;
use top::Top;

/// Whether a byte can be a delimiter: any ASCII character except quotes, line ends and NUL.
fn can_separate(byte: u8) -> bool {
    byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | 0)
}

/// Reads a text table. The delimiter is detected if `delimiter` is `None`.
pub(super) fn parse(
    bytes: &[u8],
    delimiter: Option<u8>,
    options: &ReadOptions,
    budget: &Budget,
) -> Result<Table> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    must_be_text(bytes)?;
    if delimiter.is_some_and(|d| !can_separate(d)) {
        return Err(Error::Usage(
            "the delimiter must be one ASCII character, no quote and no line end".into(),
        ));
    }
    let mut top = Top::find(bytes, delimiter, options)?;
    let mut cells = Cells::cut(bytes, &top, !options.no_header, budget)?;
    let names = column_names(&cells)?;
    if cells.rows() == 0 {
        return Err(Error::data("the table has a header but no rows below it"));
    }
    cells.skip(options.skip_rows);
    must_have_rows(cells.rows(), options)?;
    // Each cell is parsed into a value of eight bytes. The values stay in memory until their column is assembled.
    let threads = rayon::current_num_threads().min(names.len());
    budget.take(8 * cells.rows() as u64 * (names.len() + 2 * threads) as u64)?;
    let mut notes = std::mem::take(&mut top.notes);
    if !options.no_header && all_numbers(&cells.header) {
        let shown = cells.header.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
        let more = if cells.header.len() > 3 { ", …" } else { "" };
        notes.push(format!("the header is all numbers ({shown}{more}); {NO_HEADER}"));
    }
    let cell = |row, column| String::from_utf8_lossy(cells.get(row, column)).into_owned();
    let ids = id_cells(options, &names, cells.rows(), cell)?;
    if let Some((name, ids)) = ids.as_ref().filter(|_| !options.id_first) {
        notes.extend(id_note(name, ids, "line", |row| cells.line(bytes, row)));
    }
    let nulls = Nulls::new(options);
    let texts: HashSet<&String> = options.text.iter().collect();
    let numbers: HashMap<&String, &NumberFormat> =
        options.numbers.iter().rev().map(|(c, r)| (c, r)).collect();
    let readers: Vec<ColumnReader> = (names.iter().enumerate())
        .map(|(column, name)| {
            let known = (texts.contains(name), numbers.get(name).copied());
            ColumnReader::new(&cells, column, &nulls, options, known)
        })
        .collect();
    // Parse all columns of a few rows before going on to the next rows, because their bytes lie side by side.
    let parts: Vec<Vec<Part>> = (0..cells.rows().div_ceil(ROWS))
        .into_par_iter()
        .map(|part| {
            let rows = part * ROWS..cells.rows().min((part + 1) * ROWS);
            readers.par_iter().map(|reader| reader.part(rows.clone())).collect()
        })
        .collect();
    let typed: Vec<Result<Typed>> = by_column(parts, names.len())
        .into_par_iter()
        .zip(&readers)
        .zip(&names)
        .map(|((parts, reader), name)| {
            let typed = reader.join(parts).and_then(|values| reader.finish(values));
            let typed = typed.map_err(|(row, expected)| {
                let found = String::from_utf8_lossy(reader.trimmed(row)).into_owned();
                let place = Place::default().line(cells.line(bytes, row)).column(name.as_str());
                Error::at(place, format!("expected {expected}, found {found:?}"))
            })?;
            budget.take(typed.values.level_bytes())?;
            Ok(typed)
        })
        .collect();
    let mut table = Table { rows: cells.rows(), ids, notes, ..Table::default() };
    for (name, typed) in names.into_iter().zip(typed) {
        let Typed { values, written, wide_integers } = typed?;
        table.number_formats.extend(written.map(|written| (name.clone(), written)));
        table.wide_integers.extend(wide_integers.map(|wide_integers| (name.clone(), wide_integers)));
        table.columns.push(Column { name, values });
    }
    Ok(table)
}

/// The advice for a first line that is apparently not a header.
const NO_HEADER: &str = "if the table has no header, say --no-header (header = false in a recipe)";

/// Whether every name in the header is a number, which suggests that the file has no header.
fn all_numbers(header: &[String]) -> bool {
    header.iter().all(|name| number(name.as_bytes(), true).is_some_and(|v| !v.is_nan()))
}

/// Fails if the bytes are not UTF-8 text, and names the likeliest reason.
fn must_be_text(bytes: &[u8]) -> Result<()> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Error::data("this looks like UTF-16 text; save it as UTF-8"));
    }
    let no_table = || Err(Error::data("this does not look like a text table"));
    if memchr(0, bytes).is_some() {
        return no_table();
    }
    let Err(e) = std::str::from_utf8(bytes) else { return Ok(()) };
    let control = |b: &u8| *b < 0x20 && !b.is_ascii_whitespace();
    if bytes.iter().take(8192).any(control) {
        return no_table();
    }
    let line = cells::line_at(bytes, e.valid_up_to());
    Err(Error::at(Place::default().line(line), "not UTF-8 text; save the table as UTF-8"))
}

/// The names of the columns from the header; fails if a name occurs twice.
fn column_names(cells: &Cells) -> Result<Vec<String>> {
    let names = names::complete(cells.header.iter().cloned());
    names::must_differ(&names).map_err(|what| {
        let advice = if all_numbers(&cells.header) { format!("; {NO_HEADER}") } else { String::new() };
        Error::at(Place::default().line(cells.header_line), what + &advice)
    })?;
    Ok(names)
}

/// Parses the cells of one column into values.
struct ColumnReader<'a> {
    cells: &'a Cells<'a>,
    column: usize,
    nulls: &'a Nulls,
    /// Whether the column must be read as text even if it looks like something else.
    text: bool,
    /// How the numbers of the column are written, if the caller specified it or a fitted model knows it.
    format: Option<&'a NumberFormat>,
    /// The decimal sign of all columns, if the caller specified one.
    decimal: Option<char>,
    hasher: RandomState,
}

/// The values of a column, and what was found out about its numbers.
struct Typed {
    values: Values,
    written: Option<DetectedFormat>,
    wide_integers: Option<WideIntegers>,
}

/// Rows per part, chosen so that their bytes fit the second-level cache.
const ROWS: usize = 1 << 13;

/// Some rows of a column, as the most specific type that fits all of them: numbers, else booleans, else text.
enum Part {
    /// Numbers; NaN is missing.
    Numbers(Vec<f64>),
    Bools(Vec<Option<bool>>),
    Text(Vec<dictionary::Hash>),
}

/// Regroups the parts, from one list per block of rows to one list per column.
fn by_column(parts: Vec<Vec<Part>>, columns: usize) -> Vec<Vec<Part>> {
    let mut by_column: Vec<Vec<Part>> = (0..columns).map(|_| Vec::with_capacity(parts.len())).collect();
    for row in parts {
        by_column.iter_mut().zip(row).for_each(|(column, part)| column.push(part));
    }
    by_column
}

impl<'a> ColumnReader<'a> {
    fn new(
        cells: &'a Cells<'a>,
        column: usize,
        nulls: &'a Nulls,
        options: &'a ReadOptions,
        (text, format): (bool, Option<&'a NumberFormat>),
    ) -> Self {
        let format = format.filter(|_| !text);
        // A known number format brings its own decimal sign.
        let decimal = options.decimal.filter(|_| format.is_none());
        ColumnReader { cells, column, nulls, text, format, decimal, hasher: RandomState::default() }
    }

    /// A cell without the whitespace around it.
    fn trimmed(&self, row: usize) -> &'a [u8] {
        self.cells.get(row, self.column).trim_ascii()
    }

    /// A trimmed cell; `None` if it is missing.
    fn get(&self, row: usize) -> Option<&'a [u8]> {
        let cell = self.trimmed(row);
        (!self.nulls.is_mark(cell) && !self.nulls.is_written_number(cell)).then_some(cell)
    }

    /// Whether the decimal sign is a comma, so that a point cannot be one.
    fn is_comma(&self) -> bool {
        self.format.map(|r| r.decimal).or(self.decimal) == Some(',')
    }

    /// The numbers in some rows, NaN where one is missing. `None` if a cell is not a number in plain notation.
    fn numbers(&self, rows: Range<usize>) -> Option<Vec<f64>> {
        let (codes, comma) = (self.format.is_some(), self.is_comma());
        let plain = |row: usize| {
            let cell = self.trimmed(row);
            if self.nulls.is_mark(cell) {
                return Some(f64::NAN);
            }
            if comma && memchr(b'.', cell).is_some() { None } else { number(cell, codes) }
        };
        let mut numbers: Vec<f64> = rows.map(plain).collect::<Option<_>>()?;
        if self.nulls.has_numbers() {
            numbers.iter_mut().filter(|v| self.nulls.is_number(**v)).for_each(|v| *v = f64::NAN);
        }
        Some(numbers)
    }

    /// Parses some rows as the most specific type that fits all of them.
    fn part(&self, rows: Range<usize>) -> Part {
        if self.text {
            return Part::Text(self.hashes(rows));
        }
        if let Some(numbers) = self.numbers(rows.clone()) {
            return Part::Numbers(numbers);
        }
        let bools = rows.clone().map(|row| self.get(row).map_or(Some(None), |cell| boolean(cell).map(Some)));
        bools.collect::<Option<_>>().map_or_else(|| Part::Text(self.hashes(rows)), Part::Bools)
    }

    /// The hashes of the texts in some rows, for [`dictionary::encode`].
    fn hashes(&self, rows: Range<usize>) -> Vec<dictionary::Hash> {
        rows.map(|row| dictionary::Hash::new(&self.hasher, self.get(row))).collect()
    }

    /// Joins the parts into one column of the most specific type that fits every cell. If a column of numbers contains
    /// an infinity, the error holds its row and what was expected there.
    fn join(&self, parts: Vec<Part>) -> std::result::Result<Values, (usize, String)> {
        let missing = |numbers: &[f64]| numbers.iter().all(|v| v.is_nan());
        if parts.iter().all(|p| matches!(p, Part::Numbers(_))) {
            let mut numbers = Vec::with_capacity(self.cells.rows());
            for part in &parts {
                if let Part::Numbers(part) = part {
                    numbers.extend_from_slice(part);
                }
            }
            return match numbers.iter().position(|v| v.is_infinite()) {
                Some(row) => Err((row, "a finite number".into())),
                None if missing(&numbers) => Ok(Values::Empty(numbers.len())),
                None => Ok(Values::Number(numbers)),
            };
        }
        let bools: Option<Vec<Vec<Option<bool>>>> = (parts.iter())
            .map(|part| match part {
                Part::Bools(bools) => Some(bools.clone()),
                Part::Numbers(numbers) if missing(numbers) => Some(vec![None; numbers.len()]),
                _ => None,
            })
            .collect();
        if let Some(bools) = bools {
            return Ok(Values::Bool(bools.concat()));
        }
        let mut hashes = Vec::with_capacity(self.cells.rows());
        for part in parts {
            match part {
                Part::Text(part) => hashes.extend(part),
                Part::Numbers(_) | Part::Bools(_) => {
                    let rows = hashes.len()..self.cells.rows().min(hashes.len() + ROWS);
                    hashes.extend(self.hashes(rows));
                }
            }
        }
        Ok(dictionary::encode(&hashes, |row| self.get(row)))
    }

    /// Converts text that consists of formatted numbers (such as `1.234,50`) into numbers, and examines integers that
    /// are too large for f64.
    fn finish(&self, values: Values) -> std::result::Result<Typed, (usize, String)> {
        let plain = |values| Typed { values, written: None, wide_integers: None };
        match values {
            Values::Text { levels, codes } if !self.text => self.written(levels, codes),
            Values::Number(numbers) => {
                let wide = numbers.iter().any(|v| v.abs() >= WIDE);
                let wide_integers =
                    wide.then(|| WideIntegers::of(numbers.len(), |row| self.whole(row))).flatten();
                // Only integers were seen, but later rows may contain a decimal comma, so the format is recorded.
                let written = self.is_comma().then(|| {
                    let format = self.format.cloned().unwrap_or_else(|| NumberFormat::with_decimal(','));
                    DetectedFormat { format, example: String::new() }
                });
                Ok(Typed { values: Values::Number(numbers), written, wide_integers })
            }
            values => Ok(plain(values)),
        }
    }

    /// The values of a column of text: numbers if one number format fits all texts, otherwise the text itself.
    fn written(
        &self,
        levels: Vec<String>,
        codes: Vec<Option<u32>>,
    ) -> std::result::Result<Typed, (usize, String)> {
        let written = match self.format {
            Some(format) if format.is_plain() => None,
            Some(format) => {
                if let Some(odd) = levels.iter().position(|level| format.parse(level).is_none()) {
                    let row = codes.iter().position(|code| *code == Some(odd as u32)).unwrap_or(0);
                    return Err((row, format!("a number written like {} as at the fit", format.example())));
                }
                Some(DetectedFormat { format: format.clone(), example: String::new() })
            }
            None => match NumberFormat::infer(&levels, self.decimal) {
                InferredFormat::Number(written) => Some(written),
                InferredFormat::No | InferredFormat::Ambiguous(_) => None,
            },
        };
        let values = match &written {
            None => Values::Text { levels, codes },
            Some(written) => written.format.numbers(&levels, &codes, self.nulls),
        };
        Ok(Typed { values, written, wide_integers: None })
    }

    /// A cell as an integer: `Ok(None)` if it is missing, `Err` if it is not an integer.
    fn whole(&self, row: usize) -> std::result::Result<Option<i128>, ()> {
        let Some(cell) = self.get(row) else { return Ok(None) };
        let text = std::str::from_utf8(cell).map_err(|_| ())?;
        text.parse().map(Some).map_err(|_| ())
    }
}

/// Parses a number in the notation that `str::parse` accepts. Digits with a leading zero, such as `007`, are usually
/// codes; they are parsed only if `codes` is true.
#[inline]
fn number(cell: &[u8], codes: bool) -> Option<f64> {
    let (digits, sign) = cell.strip_prefix(b"-").map_or((cell, 1.0), |digits| (digits, -1.0));
    if let [b'0', b'0'..=b'9', ..] = digits
        && !codes
        && !digits.contains(&b'.')
    {
        return None;
    }
    // A fast path: f64 represents every integer of up to 15 digits exactly.
    if (1..=15).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) {
        let whole = digits.iter().fold(0, |n, d| n * 10 + u64::from(d - b'0'));
        return Some(sign * whole as f64);
    }
    std::str::from_utf8(cell).ok()?.parse().ok()
}

/// Parses `true` or `false` in any case.
fn boolean(cell: &[u8]) -> Option<bool> {
    if cell.eq_ignore_ascii_case(b"true") {
        Some(true)
    } else if cell.eq_ignore_ascii_case(b"false") {
        Some(false)
    } else {
        None
    }
}
