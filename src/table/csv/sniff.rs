//! Detects the delimiter of a text table.
//!
//! Each candidate is tried on the first records. A good delimiter gives all of them the same number of fields, and
//! fields that look like numbers or dates.

use ::csv::ByteRecord;

use super::cells::{reader, start};

/// The delimiters that are tried, in order of preference if two of them work equally well.
const CANDIDATES: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How many bytes and records of the file are examined.
const BYTES: usize = 1 << 16;
const RECORDS: usize = 32;

/// The first records of a text table, split at one delimiter.
pub(super) struct Sample {
    /// The cells of each record.
    pub(super) records: Vec<ByteRecord>,
    /// The offset at which each record begins. Line ends before the record may be included.
    pub(super) starts: Vec<usize>,
}

impl Sample {
    /// Splits the first records of `bytes` at `delimiter`.
    pub(super) fn new(bytes: &[u8], delimiter: u8) -> Self {
        let head = &bytes[..bytes.len().min(BYTES)];
        let mut reader = reader(head, delimiter);
        let mut record = ByteRecord::new();
        let mut sample = Sample { records: Vec::new(), starts: Vec::new() };
        while sample.records.len() < RECORDS && reader.read_byte_record(&mut record).unwrap_or(false) {
            sample.starts.push(start(&record));
            sample.records.push(record.clone());
        }
        // The sample ends at a fixed number of bytes, which may cut off its last record.
        if head.len() < bytes.len() && sample.records.len() > 1 && sample.records.len() < RECORDS {
            sample.records.pop();
            sample.starts.pop();
        }
        sample
    }

    /// The most common number of fields and how many records have it. If two numbers are equally common, the larger one
    /// is returned.
    pub(super) fn width(&self) -> (usize, usize) {
        let count = |width: usize| self.records.iter().filter(|r| r.len() == width).count();
        let widths = self.records.iter().map(|r| (count(r.len()), r.len()));
        widths.max().map_or((0, 0), |(count, width)| (width, count))
    }

    /// How well the delimiter fits, together with the most common number of fields. `None` if that number is below 2.
    ///
    /// The score is the share of the records that have the most common number of fields, times 1 plus the share of
    /// their cells that are numbers, dates and the like; it is at most 2.
    fn quality(&self) -> Option<(f64, usize)> {
        let (width, count) = self.width();
        if width < 2 {
            return None;
        }
        let share = count as f64 / self.records.len() as f64;
        // The first record is the header, which says nothing about the cells.
        let rows = self.records.iter().filter(|r| r.len() == width).skip(1);
        let cells: Vec<&[u8]> = rows.flatten().map(<[u8]>::trim_ascii).filter(|c| !c.is_empty()).collect();
        let figures = cells.iter().filter(|cell| is_figure(cell)).count();
        Some((share * (1.0 + figures as f64 / cells.len().max(1) as f64), width))
    }
}

/// The candidate that fits the first records best; a comma if none of the candidates separates anything.
pub(super) fn delimiter(bytes: &[u8]) -> u8 {
    let mut best = (0.0, 1, b',');
    for candidate in CANDIDATES {
        if let Some((quality, width)) = Sample::new(bytes, candidate).quality()
            && (quality, width) > (best.0, best.1)
        {
            best = (quality, width, candidate);
        }
    }
    best.2
}

/// Whether a trimmed cell looks like a number, an amount, a date or a time.
pub(super) fn is_figure(cell: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(cell) else { return false };
    let usual = |c: char| c.is_ascii_digit() || "+-−.,:/%$€£¥ '’()eETZ\u{a0}\u{202f}\u{2009}".contains(c);
    text.bytes().any(|b| b.is_ascii_digit()) && text.chars().all(usual)
}
