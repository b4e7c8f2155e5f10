//! Columns that are computed cell by cell, and the two things to do with them: a text file and a typed table.

use std::io::{self, Write};

use rayon::prelude::*;

use crate::table::{Column, Table, Values};

/// Rows in a thread's piece of text, and pieces that are held before they are written.
const PIECE: usize = 1 << 12;
const PIECES: usize = 32;

/// Appends a code's text.
type Text<'a> = Box<dyn Fn(u32, &mut String) + Sync + 'a>;

/// What a column computes, by row.
pub(super) enum Cells<'a> {
    /// Whole numbers; `None` is missing.
    Number(Box<dyn Fn(usize) -> Option<i64> + Sync + 'a>),
    /// Texts that stand for codes.
    Text {
        /// The code in a row; `None` is missing. Codes count from 0 without large gaps.
        code: Box<dyn Fn(usize) -> Option<u32> + Sync + 'a>,
        /// Appends a code's text: its own, no number, none that means missing, no blanks around it.
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

    /// The values that a reader types the cells as.
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

/// Codes numbered anew in the order in which they come, and the old ones by the new ones.
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

/// Named columns of one length.
pub(super) struct Sheet<'a> {
    pub(super) rows: usize,
    pub(super) columns: Vec<(&'a str, Cells<'a>)>,
}

impl Sheet<'_> {
    /// The table that reading the written text gives, named after nothing; a column without a name is called by
    /// its position.
    pub(super) fn table(&self) -> Table {
        let column = |(i, (name, cells)): (usize, &(&str, Cells))| Column {
            name: if name.is_empty() { format!("unnamed_{}", i + 1) } else { name.to_string() },
            values: cells.values(self.rows),
        };
        let columns = self.columns.par_iter().enumerate().map(column).collect();
        Table { rows: self.rows, columns, ..Table::default() }
    }

    /// Writes a header, the lines in `below_header` (each with its end), and the rows.
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

/// Appends a cell's text as it is.
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

/// Appends a line of cells, quoted where they need it.
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

/// Appends a number in decimal: the formatting machinery takes four times as long.
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

/// Appends ASCII characters at once: one after another takes several times as long.
pub(super) fn ascii(text: &mut String, characters: &[u8]) {
    text.push_str(std::str::from_utf8(characters).unwrap_or_default());
}
