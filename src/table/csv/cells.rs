//! The cells of a text table, unquoted, back to back in one buffer.

use std::io::Read;

use ::csv::{ByteRecord, Reader, ReaderBuilder};

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
        let mut data = Vec::with_capacity(bytes.len());
        let (mut rows, mut ends) = (Vec::new(), Vec::new());
        while next(&mut reader, &mut record)? {
            let at = |what| Error::at(Place::default().line(line_at(bytes, start(&record))), what);
            if record.len() != header.len() {
                must_close(bytes, delimiter, start(&record))?;
                let fields = if header.len() == 1 { "field" } else { "fields" };
                return Err(at(format!("expected {} {fields}, found {}", header.len(), record.len())));
            }
            if u32::try_from(record.as_slice().len()).is_err() {
                return Err(at("a row of more than 4 GiB".into()));
            }
            rows.push((data.len(), start(&record)));
            data.extend_from_slice(record.as_slice());
            ends.extend((0..record.len()).map(|i| record.range(i).map_or(0, |r| r.end) as u32));
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
