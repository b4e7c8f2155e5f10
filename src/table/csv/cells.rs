//! The cells of a text table, unquoted, back to back in one buffer.

use std::io::Read;
use std::ops::Range;

use ::csv::{ByteRecord, Reader, ReaderBuilder};
use rayon::prelude::*;

use crate::error::{Error, Place, Result};

/// A header and the cells below it.
pub(super) struct Cells {
    /// The header's cells, trimmed.
    pub(super) header: Vec<String>,
    /// The header's line.
    pub(super) header_line: u64,
    /// All cells' bytes.
    data: Vec<u8>,
    /// Where each row begins in `data`, and in the file.
    rows: Vec<(usize, usize)>,
    /// Where each cell ends, from its row's beginning.
    ends: Vec<u32>,
}

impl Cells {
    /// Cuts a whole file; every row must have as many cells as the header.
    pub(super) fn cut(bytes: &[u8], delimiter: u8) -> Result<Self> {
        let mut reader = reader(bytes, delimiter);
        let mut record = ByteRecord::new();
        if !next(&mut reader, &mut record)? {
            return Err(Error::data("the file is empty"));
        }
        must_close(bytes, delimiter, start(&record))?;
        let header: Vec<String> =
            record.iter().map(|c| String::from_utf8_lossy(c.trim_ascii()).into_owned()).collect();
        let header_line = line_at(bytes, start(&record));
        let body = reader.position().byte() as usize;
        // Unquoted a piece is never longer than it was: each has room where its bytes lie in the file.
        let mut data = vec![0u8; bytes.len()];
        let mut rest = &mut data[body.min(bytes.len())..];
        let mut tasks = Vec::new();
        for piece in pieces(bytes, body) {
            let (room, others) = std::mem::take(&mut rest).split_at_mut(piece.len());
            rest = others;
            tasks.push((piece, room));
        }
        let cut: Vec<Result<Piece>> = tasks
            .into_par_iter()
            .map(|(piece, room)| Piece::cut(bytes, piece, delimiter, header.len(), room))
            .collect();
        let (mut rows, mut ends) = (Vec::new(), Vec::new());
        for piece in cut {
            let piece = piece?;
            rows.extend(piece.rows);
            ends.extend(piece.ends);
        }
        if let Some(&(_, last)) = rows.last() {
            must_close(bytes, delimiter, last)?;
        }
        Ok(Cells { header, header_line, data, rows, ends })
    }

    /// How many rows.
    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// A cell's bytes.
    pub(super) fn get(&self, row: usize, column: usize) -> &[u8] {
        let ends = &self.ends[row * self.header.len()..];
        let begin = if column == 0 { 0 } else { ends[column - 1] as usize };
        let base = self.rows[row].0;
        &self.data[base + begin..base + ends[column] as usize]
    }

    /// The line on which a row begins, in the bytes it was cut from.
    pub(super) fn line(&self, bytes: &[u8], row: usize) -> u64 {
        line_at(bytes, self.rows[row].1)
    }
}

/// Bytes of a piece: small enough for all threads to have some, large enough to be worth a task.
const PIECE: usize = 1 << 20;

/// The bytes from `body` on in pieces of whole rows: wherever a line ends, unless a quote might hold that line end.
fn pieces(bytes: &[u8], body: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = body.min(bytes.len());
    if !bytes.contains(&b'"') {
        while bytes.len() - start > 2 * PIECE {
            let Some(end) = bytes[start + PIECE..].iter().position(|&b| b == b'\n') else { break };
            pieces.push(start..start + PIECE + end + 1);
            start += PIECE + end + 1;
        }
    }
    pieces.push(start..bytes.len());
    pieces
}

/// The cells of a piece of a file, as in [`Cells`].
#[derive(Default)]
struct Piece {
    rows: Vec<(usize, usize)>,
    ends: Vec<u32>,
}

impl Piece {
    /// Cuts a piece; the cells go to `room`, which lies where the piece does.
    fn cut(bytes: &[u8], piece: Range<usize>, delimiter: u8, fields: usize, room: &mut [u8]) -> Result<Self> {
        let mut reader = reader(&bytes[piece.clone()], delimiter);
        let mut record = ByteRecord::new();
        let (mut out, mut used) = (Piece::default(), 0);
        while next(&mut reader, &mut record)? {
            let start = piece.start + start(&record);
            let at = |what| Error::at(Place::default().line(line_at(bytes, start)), what);
            if record.len() != fields {
                must_close(bytes, delimiter, start)?;
                let plural = if fields == 1 { "field" } else { "fields" };
                return Err(at(format!("expected {fields} {plural}, found {}", record.len())));
            }
            if u32::try_from(record.as_slice().len()).is_err() {
                return Err(at("a row of more than 4 GiB".into()));
            }
            out.rows.push((piece.start + used, start));
            let cells = record.as_slice();
            room[used..used + cells.len()].copy_from_slice(cells);
            used += cells.len();
            out.ends.extend((0..record.len()).map(|i| record.range(i).map_or(0, |r| r.end) as u32));
        }
        Ok(out)
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
fn start(record: &ByteRecord) -> usize {
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
    if !rest.contains(&b'"') {
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
