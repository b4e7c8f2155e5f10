//! The top of a text table: where the header is, and what separates the fields.

use std::collections::HashSet;

use super::cells::line_at;
use super::sniff::{self, Sample, is_figure};
use crate::error::{Error, Place, Result};
use crate::table::ReadOptions;

/// What was found at the top of a text table.
pub(super) struct Top {
    /// Where the header begins, or the first row of a table without one.
    pub(super) start: usize,
    pub(super) delimiter: u8,
    /// What to try where a row has another number of fields than the header.
    pub(super) advice: Advice,
    pub(super) notes: Vec<String>,
}

/// What to try where a row has another number of fields than the header.
#[derive(Debug, Clone)]
pub(super) struct Advice {
    delimiter: u8,
    /// Most lines have so many fields, and the first of them is on this line; where the header's number is another.
    other: Option<(usize, u64)>,
}

impl Advice {
    /// The end of a sentence that says how many fields were expected and how many found.
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
    /// Looks at the first lines; `delimiter` is what somebody said.
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

/// The delimiter of a first line `sep=;`, which Excel reads and writes, and where the line ends.
fn separator_line(bytes: &[u8]) -> Option<(u8, usize)> {
    let end = after_lines(bytes, 1);
    let line = bytes[..end].trim_ascii_end();
    // A tab is what it would trim.
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

/// Where the line after so many begins; the end of the bytes where there are fewer.
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

/// Where the lines end that begin with `#`, and blank ones among them. The last of them may be the header, if it has
/// as many fields as the lines below it.
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

/// Whether words are separated by blanks, the one after `#` aside.
fn has_blank(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"#").unwrap_or(line).trim_ascii();
    line.windows(3).any(|w| w[0].is_ascii_alphanumeric() && w[1] == b' ' && w[2].is_ascii_alphanumeric())
}

/// Refuses a title above the header that has as many fields as the header: the line below it reads like names, and
/// is the only one that has no number in a column of numbers.
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
