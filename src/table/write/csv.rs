//! Writes CSV. Blocks of rows are formatted in parallel and then written in order.

use std::io::{self, Write};
use std::ops::Range;

use rayon::prelude::*;

use super::Cells;
use super::digits::push_six;

/// The number of cells in a block, which is formatted by one thread: a few hundred kilobytes of text.
const CELLS: usize = 1 << 15;

/// Writes `rows` rows as CSV; see [`super::write_table`].
///
/// # Errors
/// Errors of `out`.
pub fn write_csv(rows: usize, names: &[&str], columns: &[Cells<'_>], mut out: impl Write) -> io::Result<()> {
    let mut header = Vec::new();
    for (i, name) in names.iter().enumerate() {
        separate(&mut header, i);
        push_text(&mut header, name, names.len() == 1);
    }
    header.push(b'\n');
    out.write_all(&header)?;
    // Several blocks per thread, so that threads rarely wait for the slowest one.
    let round = 4 * rayon::current_num_threads();
    let block = (CELLS / columns.len().max(1)).max(1);
    let mut texts: Vec<Vec<u8>> = vec![Vec::new(); round.min(rows.div_ceil(block))];
    for first in (0..rows).step_by(round * block) {
        texts.par_iter_mut().enumerate().for_each(|(i, text)| {
            let begin = rows.min(first + i * block);
            text.clear();
            push_rows(text, columns, begin..rows.min(begin + block));
        });
        for text in &texts {
            out.write_all(text)?;
        }
    }
    out.flush()
}

fn separate(out: &mut Vec<u8>, column: usize) {
    if column > 0 {
        out.push(b',');
    }
}

fn push_rows(out: &mut Vec<u8>, columns: &[Cells<'_>], rows: Range<usize>) {
    for row in rows {
        for (i, column) in columns.iter().enumerate() {
            separate(out, i);
            let begin = out.len();
            push_cell(out, column, row);
            // Readers skip an empty line, so an empty cell in a table of one column is written as `""`.
            if columns.len() == 1 && out.len() == begin {
                out.extend_from_slice(b"\"\"");
            }
        }
        out.push(b'\n');
    }
}

fn push_cell(out: &mut Vec<u8>, column: &Cells<'_>, row: usize) {
    let mut whole = itoa::Buffer::new();
    match column {
        // Written as f64, because the text then reads back as exactly the same f64.
        Cells::F32(get) => push_shown(out, get(row).map(f64::from)),
        Cells::F64(get) => push_shown(out, get(row)),
        Cells::Rounded(get) => {
            if let Some(value) = get(row) {
                push_six(out, value);
            }
        }
        Cells::I32(get) => out.extend_from_slice(get(row).map_or("", |v| whole.format(v)).as_bytes()),
        Cells::I64(get) => out.extend_from_slice(get(row).map_or("", |v| whole.format(v)).as_bytes()),
        Cells::Bool(get) => push_shown(out, get(row)),
        Cells::Text(get) => {
            if let Some(text) = get(row) {
                push_text(out, &text, false);
            }
        }
    }
}

fn push_shown(out: &mut Vec<u8>, value: Option<impl std::fmt::Display>) {
    if let Some(value) = value {
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{value}");
    }
}

/// Appends a text, in quotes if it contains a special character. `alone` means that it is the only cell of its line,
/// where an empty text also needs quotes.
fn push_text(out: &mut Vec<u8>, text: &str, alone: bool) {
    let bytes = text.as_bytes();
    let special = |b: &u8| matches!(b, b',' | b'"' | b'\n' | b'\r');
    let quoted = bytes.iter().any(special) || (alone && bytes.is_empty());
    if !quoted {
        out.extend_from_slice(bytes);
        return;
    }
    out.push(b'"');
    for part in bytes.split_inclusive(|&b| b == b'"') {
        out.extend_from_slice(part);
        if part.ends_with(b"\"") {
            out.push(b'"');
        }
    }
    out.push(b'"');
}
