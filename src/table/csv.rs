//! Text tables: one pass cuts the bytes into cells, then the columns are typed in parallel.

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

/// Whether a byte can stand between fields.
fn can_separate(byte: u8) -> bool {
    byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | 0)
}

/// Reads a text table; the delimiter is sniffed where none is given.
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
    // A column's cells are typed in parts of eight bytes a cell, which stay until the column is put together.
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
    if let Some((name, ids)) = &ids {
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
    // A few rows of all columns after the other, as their bytes lie side by side.
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

/// What to do about a header that is none.
const NO_HEADER: &str = "if the table has no header, say --no-header (header = false in a recipe)";

fn all_numbers(header: &[String]) -> bool {
    header.iter().all(|name| number(name.as_bytes(), true).is_some_and(|v| !v.is_nan()))
}

/// Refuses what is not UTF-8 text, with the likeliest reason.
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

/// The header's names.
fn column_names(cells: &Cells) -> Result<Vec<String>> {
    let names = names::complete(cells.header.iter().cloned());
    names::must_differ(&names).map_err(|what| {
        let advice = if all_numbers(&cells.header) { format!("; {NO_HEADER}") } else { String::new() };
        Error::at(Place::default().line(cells.header_line), what + &advice)
    })?;
    Ok(names)
}

/// One column's cells, on their way to values.
struct ColumnReader<'a> {
    cells: &'a Cells<'a>,
    column: usize,
    nulls: &'a Nulls,
    /// Whether it is text whatever it looks like.
    text: bool,
    /// How its numbers are written, where somebody said so or a model saw it.
    format: Option<&'a NumberFormat>,
    /// The decimal sign of all columns, where somebody said it.
    decimal: Option<char>,
    hasher: RandomState,
}

/// A column's values, and what was found out about its numbers.
struct Typed {
    values: Values,
    written: Option<DetectedFormat>,
    wide_integers: Option<WideIntegers>,
}

/// Rows of a part: their bytes stay in the second-level cache.
const ROWS: usize = 1 << 13;

/// Some rows of a column, of the narrowest type that holds these.
enum Part {
    /// Numbers, NaN for missing ones.
    Numbers(Vec<f64>),
    Bools(Vec<Option<bool>>),
    Text(Vec<dictionary::Hash>),
}

/// The parts of each column, from those of each few rows.
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
        // A column whose reading is known has its own decimal sign.
        let decimal = options.decimal.filter(|_| format.is_none());
        ColumnReader { cells, column, nulls, text, format, decimal, hasher: RandomState::default() }
    }

    /// A cell without the blanks about it.
    fn trimmed(&self, row: usize) -> &'a [u8] {
        self.cells.get(row, self.column).trim_ascii()
    }

    /// A trimmed cell; `None` is missing.
    fn get(&self, row: usize) -> Option<&'a [u8]> {
        let cell = self.trimmed(row);
        (!self.nulls.is_mark(cell) && !self.nulls.is_written_number(cell)).then_some(cell)
    }

    /// Whether points are no decimal points here.
    fn is_comma(&self) -> bool {
        self.format.map(|r| r.decimal).or(self.decimal) == Some(',')
    }

    /// The numbers of some rows, NaN where one is missing; `None` where a cell is no plain number.
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

    fn hashes(&self, rows: Range<usize>) -> Vec<dictionary::Hash> {
        rows.map(|row| dictionary::Hash::new(&self.hasher, self.get(row))).collect()
    }

    /// All rows, of the narrowest type that holds every cell, or the row of an infinity among numbers and what was
    /// expected in its place.
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

    /// Turns text that is numbers as people write them into numbers, and looks at whole numbers that f64 cannot hold.
    fn finish(&self, values: Values) -> std::result::Result<Typed, (usize, String)> {
        let plain = |values| Typed { values, written: None, wide_integers: None };
        match values {
            Values::Text { levels, codes } if !self.text => self.written(levels, codes),
            Values::Number(numbers) => {
                let wide = numbers.iter().any(|v| v.abs() >= WIDE);
                let wide_integers =
                    wide.then(|| WideIntegers::of(numbers.len(), |row| self.whole(row))).flatten();
                // Where only whole numbers were seen, later ones may still have a comma.
                let written = self.is_comma().then(|| {
                    let format = self.format.cloned().unwrap_or_else(|| NumberFormat::with_decimal(','));
                    DetectedFormat { format, example: String::new() }
                });
                Ok(Typed { values: Values::Number(numbers), written, wide_integers })
            }
            values => Ok(plain(values)),
        }
    }

    /// A column of texts, as numbers where all of them are numbers under one reading.
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

    /// A cell as a whole number; none where it is missing, `Err` where it is no whole number.
    fn whole(&self, row: usize) -> std::result::Result<Option<i128>, ()> {
        let Some(cell) = self.get(row) else { return Ok(None) };
        let text = std::str::from_utf8(cell).map_err(|_| ())?;
        text.parse().map(Some).map_err(|_| ())
    }
}

/// A number, as `str::parse` has it. Digits with a leading zero, such as `007`, are a code: numbers only where `codes`
/// says so.
#[inline]
fn number(cell: &[u8], codes: bool) -> Option<f64> {
    let (digits, sign) = cell.strip_prefix(b"-").map_or((cell, 1.0), |digits| (digits, -1.0));
    if let [b'0', b'0'..=b'9', ..] = digits
        && !codes
        && !digits.contains(&b'.')
    {
        return None;
    }
    // Up to 15 digits are exact.
    if (1..=15).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) {
        let whole = digits.iter().fold(0, |n, d| n * 10 + u64::from(d - b'0'));
        return Some(sign * whole as f64);
    }
    std::str::from_utf8(cell).ok()?.parse().ok()
}

/// `true` or `false` in any case.
fn boolean(cell: &[u8]) -> Option<bool> {
    if cell.eq_ignore_ascii_case(b"true") {
        Some(true)
    } else if cell.eq_ignore_ascii_case(b"false") {
        Some(false)
    } else {
        None
    }
}
