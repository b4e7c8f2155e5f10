//! Examines the first lines of a text table: finds the header and the delimiter.
//!
//! Real files often start with comments, a title or Excel's `sep=;` line. This module skips what is clearly not the
//! header, and refuses to guess where a wrong guess would go unnoticed.

use std::collections::HashSet;

use super::cells::line_at;
use super::sniff::{self, Sample, is_figure};
use crate::error::{Error, Place, Result};
use crate::table::ReadOptions;

/// What was found at the top of a text table.
pub(super) struct Top {
    /// The offset of the header, or of the first row in a table without a header.
    pub(super) start: usize,
    pub(super) delimiter: u8,
    /// What to suggest if a row and the header have different numbers of fields.
    pub(super) advice: Advice,
    pub(super) notes: Vec<String>,
}

/// What to suggest to the user if a row and the header have different numbers of fields.
#[derive(Debug, Clone)]
pub(super) struct Advice {
    delimiter: u8,
    /// If most lines have another number of fields than the header: that number, and the line number of the first line
    /// that has it.
    other: Option<(usize, u64)>,
}

impl Advice {
    /// The text to append to "expected … fields, found …".
    pub(super) fn text(&self, expected: usize, found: usize) -> String {
        if let Some((width, line)) = self.other {
            let above = line - 1;
            return format!(
                "; most lines have {width}, from line {line} on: if that line is the header, skip what stands before \
                 it with --skip-lines {above} (skip_lines = {above} in a recipe)"
            );
        }
        let delimiter = match self.delimiter {
            b'\t' => "a tab".to_string(),
            other => format!("{:?}", char::from(other)),
        };
        if found > expected {
            return format!(
                "; a field that contains {delimiter} must be in quotes, and --delimiter says what separates the \
                 fields if {delimiter} does not"
            );
        }
        format!(
            "; the line may be cut short, or something other than {delimiter} separates the fields (--delimiter)"
        )
    }
}

impl Top {
    /// Examines the first lines. `delimiter` is the one that the caller specified, if any.
    pub(super) fn find(bytes: &[u8], delimiter: Option<u8>, options: &ReadOptions) -> Result<Self> {
        let mut notes = Vec::new();
        let (said, mut start) = separator_line(bytes).map_or((None, 0), |(d, end)| (Some(d), end));
        match options.skip_lines {
            Some(lines) => start = start.max(after_lines(bytes, lines)),
            None => {
                let rest = after_comments(&bytes[start..], delimiter.or(said));
                if rest > 0 {
                    let lines = line_at(bytes, start + rest) - line_at(bytes, start);
                    let lines = if lines == 1 { "1 line".into() } else { format!("{lines} lines") };
                    notes.push(format!(
                        "skipped {lines} of comments (#) above the header; --skip-lines 0 keeps them"
                    ));
                    start += rest;
                }
            }
        }
        let rest = &bytes[start..];
        let delimiter = delimiter.or(said).unwrap_or_else(|| sniff::delimiter(rest));
        let sample = Sample::new(rest, delimiter);
        let (width, count) = sample.width();
        let header = sample.records.first().map_or(0, ::csv::ByteRecord::len);
        let first = sample.records.iter().position(|r| r.len() == width).unwrap_or(0);
        let other = (width != header && count > 1 && 2 * count > sample.records.len() - first)
            .then(|| (width, line_at(bytes, start + sample.starts[first])));
        if options.skip_lines.is_none() && !options.no_header && options.skip_rows == 0 {
            no_title(bytes, start, &sample)?;
        }
        Ok(Top { start, delimiter, advice: Advice { delimiter, other }, notes })
    }
}

/// If the first line is of the form `sep=;`, which Excel reads and writes: the delimiter and the offset of the next
/// line.
fn separator_line(bytes: &[u8]) -> Option<(u8, usize)> {
    let end = after_lines(bytes, 1);
    let line = bytes[..end].trim_ascii_end();
    // Trimming would remove a tab, which can be the delimiter itself.
    let line = if bytes[..end].starts_with(b"sep=\t") { b"sep=\t" } else { line };
    let line = line.strip_prefix(b"\"").and_then(|l| l.strip_suffix(b"\"")).unwrap_or(line);
    match line {
        [s, e, p, b'=', delimiter]
            if [*s, *e, *p].eq_ignore_ascii_case(b"sep") && super::can_separate(*delimiter) =>
        {
            Some((*delimiter, end))
        }
        _ => None,
    }
}

/// The offset of the line that follows the first `lines` lines; the end of the bytes if there are fewer.
fn after_lines(bytes: &[u8], lines: usize) -> usize {
    let mut at = 0;
    for _ in 0..lines {
        match memchr::memchr2(b'\n', b'\r', &bytes[at..]) {
            None => return bytes.len(),
            Some(end) => {
                let end = at + end;
                at = if bytes[end..].starts_with(b"\r\n") { end + 2 } else { end + 1 };
            }
        }
    }
    at
}

/// The offset after the comment lines at the top, which begin with `#`; there may be blank lines between them. The last
/// comment line is taken for the header, and not skipped, if it has as many fields as the lines below it and no spaces
/// between words.
fn after_comments(bytes: &[u8], delimiter: Option<u8>) -> usize {
    let (mut end, mut last) = (0, 0);
    let mut at = 0;
    while at < bytes.len() {
        let next = at + after_lines(&bytes[at..], 1);
        let line = bytes[at..next].trim_ascii();
        if line.starts_with(b"#") {
            (last, end) = (at, next);
        } else if !line.is_empty() {
            break;
        }
        at = next;
    }
    if end == 0 {
        return 0;
    }
    let delimiter = delimiter.unwrap_or_else(|| sniff::delimiter(&bytes[end..]));
    let below = Sample::new(&bytes[end..], delimiter).width().0;
    let own = Sample::new(&bytes[last..end], delimiter).width().0;
    if below == 0 || own == below && !has_blank(bytes[last..end].trim_ascii()) { last } else { end }
}

/// Whether a line contains words separated by spaces; a space right after `#` does not count.
fn has_blank(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"#").unwrap_or(line).trim_ascii();
    line.windows(3).any(|w| w[0].is_ascii_alphanumeric() && w[1] == b' ' && w[2].is_ascii_alphanumeric())
}

/// Fails if the first line looks like a title that happens to have as many fields as the header below it. The sign of
/// this: the second line reads like column names, and in some column all lines below it hold numbers.
fn no_title(bytes: &[u8], start: usize, sample: &Sample) -> Result<()> {
    let [title, names, rows @ ..] = &sample.records[..] else { return Ok(()) };
    let width = names.len();
    if title.len() != width || rows.len() < 2 || rows.iter().any(|r| r.len() != width) {
        return Ok(());
    }
    let trimmed = |record: &::csv::ByteRecord| -> Vec<Vec<u8>> {
        record.iter().map(|cell| cell.trim_ascii().to_vec()).collect()
    };
    let (title, names) = (trimmed(title), trimmed(names));
    let length = |cells: &[Vec<u8>]| cells.iter().map(Vec::len).sum::<usize>();
    let odd = |cell: &Vec<u8>| cell.is_empty() || is_figure(cell) || has_blank(cell);
    let plain = |cell: &Vec<u8>| !cell.is_empty() && !is_figure(cell);
    let of_numbers = |column: usize| rows.iter().all(|r| is_figure(r[column].trim_ascii()));
    if title.iter().any(odd)
        && names.iter().all(plain)
        && names.iter().collect::<HashSet<_>>().len() == width
        && length(&names) < length(&title)
        && (0..width).any(of_numbers)
    {
        let line = |record: usize| line_at(bytes, start + sample.starts[record]);
        let (first, second) = (line(0), line(1));
        let shown: Vec<String> =
            names.iter().take(8).map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        let above = second - 1;
        let what = format!(
            "this looks like a title above the header, which would be line {second} ({}): skip it with --skip-lines \
             {above} (skip_lines = {above} in a recipe), or keep it as the header with --skip-lines {}",
            shown.join(", "),
            first - 1
        );
        return Err(Error::at(Place::default().line(first), what));
    }
    Ok(())
}
