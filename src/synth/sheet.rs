//! Columns that are computed cell by cell, with two outputs: a text file and a typed table.
//!
//! All made-up tables share this, so that the file and the table agree.

use std::io::{self, Write};

use rayon::prelude::*;

use crate::table::{Column, Table, Values};

/// The number of rows that a thread formats at a time, and the number of such pieces kept in memory before they are
/// written.
const PIECE: usize = 1 << 12;
const PIECES: usize = 32;

/// A function that appends the text of a code.
type Text<'a> = Box<dyn Fn(u32, &mut String) + Sync + 'a>;

/// The function that computes the cells of a column from the row number.
pub(super) enum Cells<'a> {
    /// Integers; `None` is a missing cell.
    Number(Box<dyn Fn(usize) -> Option<i64> + Sync + 'a>),
    /// Text, given as codes.
    Text {
        /// The code in a row; `None` is a missing cell. Codes count from 0 without large gaps.
        code: Box<dyn Fn(usize) -> Option<u32> + Sync + 'a>,
        /// Appends the text of a code. Each code has a different text, which must not look like a number or a missing
        /// value, and must not begin or end with whitespace.
        text: Text<'a>,
    },
}

impl<'a> Cells<'a> {
    pub(super) fn number(of: impl Fn(usize) -> Option<i64> + Sync + 'a) -> Self {
        Cells::Number(Box::new(of))
    }

    pub(super) fn text(
        code: impl Fn(usize) -> Option<u32> + Sync + 'a,
        text: impl Fn(u32, &mut String) + Sync + 'a,
    ) -> Self {
        Cells::Text { code: Box::new(code), text: Box::new(text) }
    }

    /// The column that a reader of the written file would get.
    fn values(&self, rows: usize) -> Values {
        let values = match self {
            Cells::Number(of) => {
                let number = |row| of(row).map_or(f64::NAN, |n| n as f64);
                Values::Number((0..rows).into_par_iter().with_min_len(PIECE).map(number).collect())
            }
            Cells::Text { code, text } => {
                let written: Vec<Option<u32>> =
                    (0..rows).into_par_iter().with_min_len(PIECE).map(code).collect();
                let (codes, kept) = by_first_appearance(written);
                let level = |&code: &u32| {
                    let mut level = String::new();
                    text(code, &mut level);
                    level
                };
                Values::Text { levels: kept.par_iter().with_min_len(64).map(level).collect(), codes }
            }
        };
        if values.missing() == rows { Values::Empty(rows) } else { values }
    }
}

/// Renumbers codes in order of first appearance. Returns the new codes and, for each new code, the old one.
fn by_first_appearance(mut codes: Vec<Option<u32>>) -> (Vec<Option<u32>>, Vec<u32>) {
    const UNSEEN: u32 = u32::MAX;
    let largest = codes.iter().flatten().max().map_or(0, |&c| c as usize + 1);
    let (mut places, mut kept) = (vec![UNSEEN; largest], Vec::new());
    for code in codes.iter_mut().flatten() {
        let place = &mut places[*code as usize];
        if *place == UNSEEN {
            *place = kept.len() as u32;
            kept.push(*code);
        }
        *code = *place;
    }
    (codes, kept)
}

/// Named columns with the same number of rows.
pub(super) struct Sheet<'a> {
    pub(super) rows: usize,
    pub(super) columns: Vec<(&'a str, Cells<'a>)>,
}

impl Sheet<'_> {
    /// The table that reading the written text would give, with an empty `source`. A column without a name is named
    /// after its position.
    pub(super) fn table(&self) -> Table {
        let column = |(i, (name, cells)): (usize, &(&str, Cells))| Column {
            name: if name.is_empty() { format!("unnamed_{}", i + 1) } else { name.to_string() },
            values: cells.values(self.rows),
        };
        let columns = self.columns.par_iter().enumerate().map(column).collect();
        Table { rows: self.rows, columns, ..Table::default() }
    }

    /// Writes a header, the text in `below_header` (complete lines), and the rows.
    pub(super) fn write(
        &self,
        out: &mut impl Write,
        delimiter: char,
        missing: &str,
        below_header: &str,
    ) -> io::Result<()> {
        let mut header = String::new();
        let names = self.columns.iter().map(|(name, _)| *name);
        line(&mut header, delimiter, names, |text, name| text.push_str(name));
        out.write_all(header.as_bytes())?;
        out.write_all(below_header.as_bytes())?;
        for start in (0..self.rows).step_by(PIECE * PIECES) {
            let pieces: Vec<String> = (start..self.rows.min(start + PIECE * PIECES))
                .into_par_iter()
                .step_by(PIECE)
                .map(|begin| {
                    let mut text = String::with_capacity(PIECE * self.columns.len() * 8);
                    for row in begin..self.rows.min(begin + PIECE) {
                        let cells = self.columns.iter().map(|(_, cells)| cells);
                        line(&mut text, delimiter, cells, |text, cells| cell(text, cells, row, missing));
                    }
                    text
                })
                .collect();
            for piece in pieces {
                out.write_all(piece.as_bytes())?;
            }
        }
        out.flush()
    }
}

/// Appends the text of a cell without quotes.
fn cell(text: &mut String, cells: &Cells, row: usize, missing: &str) {
    match cells {
        Cells::Number(of) => match of(row) {
            Some(n) => decimal(text, n),
            None => text.push_str(missing),
        },
        Cells::Text { code, text: write } => match code(row) {
            Some(code) => write(code, text),
            None => text.push_str(missing),
        },
    }
}

/// Appends a line of cells, in quotes if necessary.
pub(super) fn line<T>(
    text: &mut String,
    delimiter: char,
    cells: impl Iterator<Item = T>,
    write: impl Fn(&mut String, T),
) {
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            text.push(delimiter);
        }
        let start = text.len();
        write(text, cell);
        if text[start..].contains([delimiter, '"', '\n', '\r']) {
            let quoted = text[start..].replace('"', "\"\"");
            text.truncate(start);
            text.extend(["\"", &quoted, "\""]);
        }
    }
    text.push('\n');
}

/// Appends a decimal number; several times as fast as the standard formatting.
fn decimal(text: &mut String, n: i64) {
    let mut digits = [0u8; 20];
    let (mut at, mut rest) = (digits.len(), n.unsigned_abs());
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if n < 0 {
        at -= 1;
        digits[at] = b'-';
    }
    ascii(text, &digits[at..]);
}

/// Appends ASCII characters all at once, which is several times as fast as one by one.
pub(super) fn ascii(text: &mut String, characters: &[u8]) {
    text.push_str(std::str::from_utf8(characters).unwrap_or_default());
}
