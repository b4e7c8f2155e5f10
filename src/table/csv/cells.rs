//! The cells of a text table, found in one pass; where the file has no quotes they stay where they are.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;

use ::csv::{ByteRecord, Reader, ReaderBuilder};
use memchr::{memchr, memchr_iter, memchr3_iter};
use rayon::prelude::*;

use super::top::{Advice, Top};
use crate::error::{Error, Place, Result};
use crate::memory::{Budget, too_much};

/// A header and the cells below it.
pub(super) struct Cells<'a> {
    /// The header's cells, trimmed.
    pub(super) header: Vec<String>,
    /// The header's line.
    pub(super) header_line: u64,
    /// Each row's cells lie where the row lies in the file, a byte between any two.
    text: Cow<'a, [u8]>,
    /// Where each row begins.
    rows: Vec<usize>,
    /// Where each cell ends, from its row's beginning.
    ends: Vec<u32>,
}

impl<'a> Cells<'a> {
    /// Cuts a file from its header on; every row must have as many cells as that. Without a header the first row says
    /// how many, and the columns are called `f0`, `f1` and so on.
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

    /// Leaves out the first rows.
    pub(super) fn skip(&mut self, rows: usize) {
        let rows = rows.min(self.rows());
        self.rows.drain(..rows);
        self.ends.drain(..rows * self.header.len());
    }

    /// How many rows.
    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// A cell's bytes.
    pub(super) fn get(&self, row: usize, column: usize) -> &[u8] {
        let ends = &self.ends[row * self.header.len()..];
        let begin = if column == 0 { 0 } else { ends[column - 1] as usize + 1 };
        let base = self.rows[row];
        &self.text[base + begin..base + ends[column] as usize]
    }

    /// The line on which a row begins, in the bytes it was cut from.
    pub(super) fn line(&self, bytes: &[u8], row: usize) -> u64 {
        line_at(bytes, self.rows[row])
    }
}

/// What a column's name and all that is kept for the column take, beside its cells.
const NAME: u64 = 256;

/// Bytes of a piece: small enough for all threads to have some, large enough to be worth a task.
const PIECE: usize = 1 << 20;

/// The bytes from `body` on in pieces of whole rows: wherever a line ends, as there are no quotes.
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

/// How a row's fields are separated, and how many there must be.
struct Fields<'a> {
    delimiter: u8,
    count: usize,
    advice: &'a Advice,
    budget: &'a Budget,
}

/// The cells of a piece of a file, as in [`Cells`].
#[derive(Default)]
struct Piece {
    rows: Vec<usize>,
    ends: Vec<u32>,
}

impl Piece {
    /// Cuts a piece without quotes: delimiters and line ends are all there is to find.
    fn cut(bytes: &[u8], piece: Range<usize>, fields: &Fields<'_>) -> Result<Self> {
        let (delimiter, budget) = (fields.delimiter, fields.budget);
        let mut out = Piece::default();
        if piece.len() > 4 * PIECE {
            // A row of that length is hardly one: count its cells before there is room made for them.
            let cells = memchr_iter(delimiter, &bytes[piece.clone()]).count() as u64;
            budget.take(2 * cells * size_of::<u32>() as u64)?;
        }
        let (mut row, first) = (piece.start, piece.start);
        // The last line may have no end.
        let found = memchr3_iter(delimiter, b'\n', b'\r', &bytes[piece.clone()]).map(|at| first + at);
        for at in found.chain([piece.end]) {
            let ends_field = bytes.get(at) == Some(&delimiter) && at < piece.end;
            if !ends_field && at == row {
                row = at + 1; // a blank line, or the second half of a line end
                continue;
            }
            // A row that is too long is an error below; until then its ends may be anything.
            out.ends.push((at - row) as u32);
            if ends_field {
                continue;
            }
            out.end_row(bytes, row, at - row, fields)?;
            row = at + 1;
        }
        // All pieces become one, for which there is room made while they are still there.
        budget.take(2 * out.bytes()).map_err(|_| {
            let all = out.bytes() as f64 / piece.len() as f64 * bytes.len() as f64;
            too_much((bytes.len() as u64).saturating_add(2 * all as u64), budget.limit())
        })?;
        Ok(out)
    }

    /// What it takes.
    fn bytes(&self) -> u64 {
        (size_of_val(&self.rows[..]) + size_of_val(&self.ends[..])) as u64
    }

    /// Cuts all from `body` on; the cells go to `text` without their quotes, never further on than they were.
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

    /// Takes the cells that were pushed since the last row as one of `bytes`' rows.
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

/// A reader that leaves the header and the number of fields to its caller.
pub(super) fn reader<R: Read>(source: R, delimiter: u8) -> Reader<R> {
    let mut builder = ReaderBuilder::new();
    builder.delimiter(delimiter).has_headers(false).flexible(true).buffer_capacity(1 << 16);
    builder.from_reader(source)
}

/// The next record, `false` at the end.
fn next<R: Read>(reader: &mut Reader<R>, record: &mut ByteRecord) -> Result<bool> {
    reader.read_byte_record(record).map_err(|e| Error::data(e.to_string()))
}

/// Where a record begins; line ends before it may be counted in.
pub(super) fn start(record: &ByteRecord) -> usize {
    record.position().map_or(0, |p| p.byte() as usize)
}

/// The physical line of the first character at or after `offset` that ends no line.
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

/// An error where a quote opened in the record at `offset` is never closed and swallows the rest of the file.
fn must_close(bytes: &[u8], delimiter: u8, offset: usize) -> Result<()> {
    let rest = &bytes[offset.min(bytes.len())..];
    if memchr(b'"', rest).is_none() {
        return Ok(());
    }
    // A line put after the end is a record of its own unless a quote is still open there.
    let mut reader = reader(rest.chain(b"\nx".as_slice()), delimiter);
    let mut record = ByteRecord::new();
    if next(&mut reader, &mut record)? && next(&mut reader, &mut record)? {
        return Ok(());
    }
    Err(Error::at(Place::default().line(line_at(bytes, offset)), "a quote is opened here and never closed"))
}
