//! Which delimiter a text table uses.

use ::csv::ByteRecord;

use super::cells::reader;

/// In order of preference where two serve equally well.
const CANDIDATES: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How much of the file is looked at.
const BYTES: usize = 1 << 16;
const RECORDS: usize = 32;

/// The delimiter by which most of the first rows have the header's number of fields, and the most of them;
/// a comma where no candidate is in the header.
pub(super) fn delimiter(bytes: &[u8]) -> u8 {
    let mut best = (0.0, 1, b',');
    for candidate in CANDIDATES {
        let widths = widths(bytes, candidate);
        let Some((&header, rows)) = widths.split_first() else { continue };
        let same = rows.iter().filter(|&&w| w == header).count();
        let share = if rows.is_empty() { 1.0 } else { same as f64 / rows.len() as f64 };
        if header > 1 && (share, header) > (best.0, best.1) {
            best = (share, header, candidate);
        }
    }
    best.2
}

/// The numbers of fields in the first records.
fn widths(bytes: &[u8], delimiter: u8) -> Vec<usize> {
    let head = &bytes[..bytes.len().min(BYTES)];
    let mut reader = reader(head, delimiter);
    let mut record = ByteRecord::new();
    let mut widths = Vec::new();
    while widths.len() < RECORDS && reader.read_byte_record(&mut record).unwrap_or(false) {
        widths.push(record.len());
    }
    // The last record may be cut off.
    if head.len() < bytes.len() && widths.len() > 1 && widths.len() < RECORDS {
        widths.pop();
    }
    widths
}
