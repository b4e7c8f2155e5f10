//! Splits a text table into cells in one pass.
//!
//! Only the positions of the cells are stored. In a file without quotes the cells themselves stay where they are; a
//! file with quotes is copied once, to remove them.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;

use ::csv::{ByteRecord, Reader, ReaderBuilder};
use memchr::{memchr, memchr_iter, memchr3_iter};
use rayon::prelude::*;

use super::top::{Advice, Top};
use crate::error::{Error, Place, Result};
use crate::memory::{Budget, too_much};

/// The header of a table and the cells below it.
pub(super) struct Cells<'a> {
    /// The names in the header, trimmed.
    pub(super) header: Vec<String>,
    /// The line number of the header.
    pub(super) header_line: u64,
    /// The text of the cells. A row starts at the same offset as in the file, and one byte separates neighbouring
    /// cells.
    text: Cow<'a, [u8]>,
    /// The offset in `text` at which each row begins.
    rows: Vec<usize>,
    /// The end of each cell, relative to the beginning of its row; row after row.
    ends: Vec<u32>,
}

impl<'a> Cells<'a> {
    /// Splits a file into cells, starting at its header. Every row must have as many cells as the header. Without a
    /// header the first row determines the number, and the columns are called `f0`, `f1` and so on.
    pub(super) fn cut(bytes: &'a [u8], top: &Top, has_header: bool, budget: &Budget) -> Result<Self> {
        let (from, delimiter) = (top.start, top.delimiter);
        let line = memchr(b'\n', &bytes[from..]).map_or(bytes.len(), |end| from + end);
        budget.take(memchr_iter(delimiter, &bytes[from..line]).count() as u64 * NAME)?;
        let mut reader = reader(&bytes[from..], delimiter);
        let mut record = ByteRecord::new();
        if !next(&mut reader, &mut record)? {
            let lines = line_at(bytes, from) - 1;
            let what = match lines {
                _ if from == 0 => "the file is empty".to_string(),
                1 => "nothing but the 1 line at the top that is skipped".into(),
                _ => format!("nothing but the {lines} lines at the top that are skipped"),
            };
            return Err(Error::data(what));
        }
        let begin = from + start(&record);
        must_close(bytes, delimiter, begin)?;
        let header_line = line_at(bytes, begin);
        let (header, body): (Vec<String>, usize) = if has_header {
            let names = record.iter().map(|c| String::from_utf8_lossy(c.trim_ascii()).into_owned());
            (names.collect(), (from + reader.position().byte() as usize).min(bytes.len()))
        } else {
            ((0..record.len()).map(|i| format!("f{i}")).collect(), begin)
        };
        let fields = Fields { delimiter, count: header.len(), advice: &top.advice, budget };
        let (text, pieces) = if memchr(b'"', &bytes[from..]).is_some() {
            budget.take(bytes.len() as u64)?;
            let mut text = vec![0; bytes.len()];
            let piece = Piece::unquote(bytes, body, &fields, &mut text)?;
            (Cow::Owned(text), vec![piece])
        } else {
            let pieces: Vec<Result<Piece>> = (pieces(bytes, body).into_par_iter())
                .map(|piece| Piece::cut(bytes, piece, &fields))
                .collect();
            (Cow::Borrowed(bytes), pieces.into_iter().collect::<Result<_>>()?)
        };
        let mut rows = Vec::with_capacity(pieces.iter().map(|p| p.rows.len()).sum());
        let mut ends = Vec::with_capacity(pieces.iter().map(|p| p.ends.len()).sum());
        let parts: u64 = pieces.iter().map(Piece::bytes).sum();
        for piece in pieces {
            rows.extend(piece.rows);
            ends.extend(piece.ends);
        }
        budget.give_back(parts);
        if let Some(&last) = rows.last() {
            must_close(bytes, delimiter, last)?;
        }
        Ok(Cells { header, header_line, text, rows, ends })
    }

    /// Drops the first `rows` rows.
    pub(super) fn skip(&mut self, rows: usize) {
        let rows = rows.min(self.rows());
        self.rows.drain(..rows);
        self.ends.drain(..rows * self.header.len());
    }

    /// The number of rows.
    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The bytes of a cell.
    pub(super) fn get(&self, row: usize, column: usize) -> &[u8] {
        let ends = &self.ends[row * self.header.len()..];
        let begin = if column == 0 { 0 } else { ends[column - 1] as usize + 1 };
        let base = self.rows[row];
        &self.text[base + begin..base + ends[column] as usize]
    }

    /// The line number at which a row begins; `bytes` is the file that the cells come from.
    pub(super) fn line(&self, bytes: &[u8], row: usize) -> u64 {
        line_at(bytes, self.rows[row])
    }
}

/// The memory in bytes to reserve for each column's name and bookkeeping, in addition to its cells.
const NAME: u64 = 256;

/// The size of a piece in bytes: small enough to give every thread some, large enough to be worth a task.
const PIECE: usize = 1 << 20;

/// Divides the bytes from `body` on into pieces of whole rows. Only for files without quotes, where every line end is
/// the end of a row.
fn pieces(bytes: &[u8], body: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = body;
    while bytes.len() - start > 2 * PIECE {
        let Some(end) = memchr(b'\n', &bytes[start + PIECE..]) else { break };
        pieces.push(start..start + PIECE + end + 1);
        start += PIECE + end + 1;
    }
    pieces.push(start..bytes.len());
    pieces
}

/// How the fields of a row are separated, and how many there must be.
struct Fields<'a> {
    delimiter: u8,
    count: usize,
    advice: &'a Advice,
    budget: &'a Budget,
}

/// The cells of one piece of a file; see [`Cells`] for the fields.
#[derive(Default)]
struct Piece {
    rows: Vec<usize>,
    ends: Vec<u32>,
}

impl Piece {
    /// Splits a piece without quotes, where only delimiters and line ends matter.
    fn cut(bytes: &[u8], piece: Range<usize>, fields: &Fields<'_>) -> Result<Self> {
        let (delimiter, budget) = (fields.delimiter, fields.budget);
        let mut out = Piece::default();
        if piece.len() > 4 * PIECE {
            // A piece this long contains a huge row, which probably is no row at all. Count its cells before allocating
            // memory for them.
            let cells = memchr_iter(delimiter, &bytes[piece.clone()]).count() as u64;
            budget.take(2 * cells * size_of::<u32>() as u64)?;
        }
        let (mut row, first) = (piece.start, piece.start);
        // The last line of a file may lack a line end.
        let found = memchr3_iter(delimiter, b'\n', b'\r', &bytes[piece.clone()]).map(|at| first + at);
        for at in found.chain([piece.end]) {
            let ends_field = bytes.get(at) == Some(&delimiter) && at < piece.end;
            if !ends_field && at == row {
                row = at + 1; // a blank line, or the second half of a line end
                continue;
            }
            // A row longer than `u32::MAX` wraps around here; `end_row` rejects it below.
            out.ends.push((at - row) as u32);
            if ends_field {
                continue;
            }
            out.end_row(bytes, row, at - row, fields)?;
            row = at + 1;
        }
        // The pieces are later copied into one while they still exist, hence twice the memory.
        budget.take(2 * out.bytes()).map_err(|_| {
            let all = out.bytes() as f64 / piece.len() as f64 * bytes.len() as f64;
            too_much((bytes.len() as u64).saturating_add(2 * all as u64), budget.limit())
        })?;
        Ok(out)
    }

    /// The memory of this piece in bytes.
    fn bytes(&self) -> u64 {
        (size_of_val(&self.rows[..]) + size_of_val(&self.ends[..])) as u64
    }

    /// Splits everything from `body` on and copies the cells to `text` without their quotes. Removing quotes only
    /// shortens a row, so a copied cell never reaches beyond its original position.
    fn unquote(bytes: &[u8], body: usize, fields: &Fields<'_>, text: &mut [u8]) -> Result<Self> {
        let (delimiter, budget) = (fields.delimiter, fields.budget);
        let mut reader = reader(&bytes[body..], delimiter);
        let mut record = ByteRecord::new();
        let (mut out, mut counted) = (Piece::default(), 0);
        while next(&mut reader, &mut record)? {
            let row = body + start(&record);
            let mut to = row;
            for cell in &record {
                text[to..to + cell.len()].copy_from_slice(cell);
                to += cell.len();
                out.ends.push((to - row) as u32);
                to += 1;
            }
            if record.len() != fields.count {
                must_close(bytes, delimiter, row)?;
            }
            out.end_row(bytes, row, to - row, fields)?;
            if out.bytes() - counted > PIECE as u64 {
                budget.take(2 * (out.bytes() - counted))?;
                counted = out.bytes();
            }
        }
        budget.take(2 * (out.bytes() - counted))?;
        Ok(out)
    }

    /// Ends a row: the cells added since the previous row belong to it. Fails if their number is wrong.
    fn end_row(&mut self, bytes: &[u8], row: usize, length: usize, fields: &Fields<'_>) -> Result<()> {
        let at = |what| Error::at(Place::default().line(line_at(bytes, row)), what);
        let (expected, found) = (fields.count, self.ends.len() - self.rows.len() * fields.count);
        if found != expected {
            let plural = if expected == 1 { "field" } else { "fields" };
            let advice = fields.advice.text(expected, found);
            return Err(at(format!("expected {expected} {plural}, found {found}{advice}")));
        }
        if u32::try_from(length).is_err() {
            return Err(at("a row of more than 4 GiB".into()));
        }
        self.rows.push(row);
        Ok(())
    }
}

/// A CSV reader that does not treat the first record specially and allows records of different lengths; its callers
/// check both.
pub(super) fn reader<R: Read>(source: R, delimiter: u8) -> Reader<R> {
    let mut builder = ReaderBuilder::new();
    builder.delimiter(delimiter).has_headers(false).flexible(true).buffer_capacity(1 << 16);
    builder.from_reader(source)
}

/// Reads the next record; `false` at the end of the file.
fn next<R: Read>(reader: &mut Reader<R>, record: &mut ByteRecord) -> Result<bool> {
    reader.read_byte_record(record).map_err(|e| Error::data(e.to_string()))
}

/// The offset at which a record begins. Line ends before the record may be included.
pub(super) fn start(record: &ByteRecord) -> usize {
    record.position().map_or(0, |p| p.byte() as usize)
}

/// The line number, counted from 1, of the first character at or after `offset` that is not part of a line end.
pub(super) fn line_at(bytes: &[u8], offset: usize) -> u64 {
    let offset = offset.min(bytes.len());
    let ends = bytes[offset..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    let is_end = |i: usize| match bytes[i] {
        b'\n' => true,
        b'\r' => bytes.get(i + 1) != Some(&b'\n'),
        _ => false,
    };
    1 + (0..offset + ends).filter(|&i| is_end(i)).count() as u64
}

/// Fails if a quote opened in the record at `offset` is never closed, so that it swallows the rest of the file.
fn must_close(bytes: &[u8], delimiter: u8, offset: usize) -> Result<()> {
    let rest = &bytes[offset.min(bytes.len())..];
    if memchr(b'"', rest).is_none() {
        return Ok(());
    }
    // Append a line to the file: it is parsed as a separate record unless a quote is still open.
    let mut reader = reader(rest.chain(b"\nx".as_slice()), delimiter);
    let mut record = ByteRecord::new();
    if next(&mut reader, &mut record)? && next(&mut reader, &mut record)? {
        return Ok(());
    }
    Err(Error::at(Place::default().line(line_at(bytes, offset)), "a quote is opened here and never closed"))
}
