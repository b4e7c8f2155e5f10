//! Text tables: one pass cuts the bytes into cells, then the columns are typed in parallel.

mod cells;
mod dictionary;
mod sniff;

use std::collections::HashSet;
use std::ops::Range;

use foldhash::fast::RandomState;
use memchr::memchr;
use rayon::prelude::*;

use crate::error::{Error, Place, Result};
use crate::memory::Budget;
use crate::table::{Column, ReadOptions, Table, Values, ids, must_have_rows, names};
use cells::Cells;

/// Reads a text table; the delimiter is sniffed where none is given.
pub(super) fn parse(
    bytes: &[u8],
    delimiter: Option<u8>,
    options: &ReadOptions,
    budget: &Budget,
) -> Result<Table> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    must_be_text(bytes)?;
    if delimiter.is_some_and(|d| !d.is_ascii() || matches!(d, b'"' | b'\r' | b'\n' | 0)) {
        return Err(Error::Usage(
            "the delimiter must be one ASCII character, no quote and no line end".into(),
        ));
    }
    let delimiter = delimiter.unwrap_or_else(|| sniff::delimiter(bytes));
    let mut cells = Cells::cut(bytes, delimiter, budget)?;
    let names = column_names(&cells)?;
    if cells.rows() == 0 {
        return Err(Error::data("a header but no rows"));
    }
    cells.skip(options.skip_rows);
    must_have_rows(cells.rows(), options)?;
    // A column's cells are typed in parts of eight bytes a cell, which stay until the column is put together.
    let threads = rayon::current_num_threads().min(names.len());
    budget.take(8 * cells.rows() as u64 * (names.len() + 2 * threads) as u64)?;
    let cell = |row, column| String::from_utf8_lossy(cells.get(row, column)).into_owned();
    let ids = ids(options, &names, cells.rows(), cell)?;
    let texts: HashSet<&String> = options.text.iter().collect();
    let readers: Vec<ColumnReader> = (names.iter().enumerate())
        .map(|(column, name)| {
            let (null, text) = (&options.null[..], texts.contains(name));
            ColumnReader { cells: &cells, column, null, text, hasher: RandomState::default() }
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
    let typed: Vec<Result<Values>> = by_column(parts, names.len())
        .into_par_iter()
        .zip(&readers)
        .zip(&names)
        .map(|((parts, reader), name)| {
            let values = reader.join(parts).map_err(|row| {
                let found = String::from_utf8_lossy(reader.trimmed(row)).into_owned();
                let place = Place::default().line(cells.line(bytes, row)).column(name.as_str());
                Error::at(place, format!("expected a finite number, found {found:?}"))
            })?;
            budget.take(values.level_bytes())?;
            Ok(values)
        })
        .collect();
    let mut columns = Vec::with_capacity(names.len());
    for (name, values) in names.into_iter().zip(typed) {
        columns.push(Column { name, values: values? });
    }
    Ok(Table { source: String::new(), rows: cells.rows(), columns, ids })
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
    names::must_differ(&names).map_err(|what| Error::at(Place::default().line(cells.header_line), what))?;
    Ok(names)
}

/// One column's cells, on their way to values.
struct ColumnReader<'a> {
    cells: &'a Cells<'a>,
    column: usize,
    null: &'a [String],
    /// Whether it is text whatever it looks like.
    text: bool,
    hasher: RandomState,
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
    /// A cell without the blanks about it.
    fn trimmed(&self, row: usize) -> &'a [u8] {
        self.cells.get(row, self.column).trim_ascii()
    }

    /// A trimmed cell; `None` is missing.
    fn get(&self, row: usize) -> Option<&'a [u8]> {
        let cell = self.trimmed(row);
        (!is_missing(cell, self.null)).then_some(cell)
    }

    fn part(&self, rows: Range<usize>) -> Part {
        if self.text {
            return Part::Text(self.hashes(rows));
        }
        let numbers = rows.clone().map(|row| self.get(row).map_or(Some(f64::NAN), number));
        if let Some(numbers) = numbers.collect() {
            return Part::Numbers(numbers);
        }
        let bools = rows.clone().map(|row| self.get(row).map_or(Some(None), |cell| boolean(cell).map(Some)));
        bools.collect::<Option<_>>().map_or_else(|| Part::Text(self.hashes(rows)), Part::Bools)
    }

    fn hashes(&self, rows: Range<usize>) -> Vec<dictionary::Hash> {
        rows.map(|row| dictionary::Hash::new(&self.hasher, self.get(row))).collect()
    }

    /// All rows, of the narrowest type that holds every cell, or the row of an infinity among numbers.
    fn join(&self, parts: Vec<Part>) -> std::result::Result<Values, usize> {
        let missing = |numbers: &[f64]| numbers.iter().all(|v| v.is_nan());
        if parts.iter().all(|p| matches!(p, Part::Numbers(_))) {
            let mut numbers = Vec::with_capacity(self.cells.rows());
            for part in &parts {
                if let Part::Numbers(part) = part {
                    numbers.extend_from_slice(part);
                }
            }
            return match numbers.iter().position(|v| v.is_infinite()) {
                Some(row) => Err(row),
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
}

/// A number, as `str::parse` has it.
fn number(cell: &[u8]) -> Option<f64> {
    let (digits, sign) = cell.strip_prefix(b"-").map_or((cell, 1.0), |digits| (digits, -1.0));
    // Up to 15 digits are exact.
    if (1..=15).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) {
        let whole = digits.iter().fold(0, |n, d| n * 10 + u64::from(d - b'0'));
        return Some(sign * whole as f64);
    }
    std::str::from_utf8(cell).ok()?.parse().ok()
}

/// Whether a trimmed cell means that there is no value.
fn is_missing(cell: &[u8], null: &[String]) -> bool {
    const WORDS: [&[u8]; 5] = [b"na", b"nan", b"null", b"-nan", b"+nan"];
    let marked = match cell {
        b"" | b"-" => true,
        [b'n' | b'N' | b'-' | b'+', ..] => WORDS.iter().any(|w| cell.eq_ignore_ascii_case(w)),
        _ => false,
    };
    marked || null.iter().any(|n| n.as_bytes().trim_ascii() == cell)
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
