//! A question's answers by segment, as text for people.

use super::figures::{plain, signed, whole};
use super::profile::{MOST_SEGMENTS, WIDTH};
use super::sheet::{Kind, Sheet, wrapped};
use crate::questions::{AnswerShares, Cell};

/// A table with a line for each answer and a column for each segment, in percent or, for lifts, in percentage points.
pub(super) fn text(found: &AnswerShares) -> String {
    let shown = found.segments.len().min(MOST_SEGMENTS);
    let heads: Vec<String> = found.segments[..shown].iter().map(|s| s.segment.to_string()).collect();
    let mut header = vec![("answer", Kind::Name), ("all", Kind::Number)];
    header.extend(heads.iter().map(|head| (head.as_str(), Kind::Number)));
    let mut sheet = Sheet::new(&header);
    let percent = |cell: &Cell| match cell {
        Cell::Number(share) => format!("{:.1}", 100.0 * share),
        _ => "-".into(),
    };
    let points = |cell: &Cell| match cell {
        Cell::Number(lift) => signed(100.0 * lift),
        _ => "-".into(),
    };
    for line in &found.lines {
        let cells: Vec<String> = match found.lift {
            true => line.lifts.iter().take(shown).map(points).collect(),
            false => line.shares.iter().take(shown).map(percent).collect(),
        };
        sheet.row([line.label.clone(), percent(&line.overall)].into_iter().chain(cells));
    }
    let rows = |cell: &Cell| match cell {
        Cell::Count(rows) => whole(*rows),
        Cell::Number(rows) => format!("{rows:.1}"),
        _ => "-".into(),
    };
    let of_segments = found.segments[..shown].iter().map(|s| rows(&s.rows));
    sheet.row(["rows with an answer".into(), rows(&found.rows)].into_iter().chain(of_segments));
    let what = match (found.lift, found.multiple) {
        (true, _) => "percentage points above or below the share of all rows, which is in percent",
        (false, true) => "percent of the segment's rows that give the answer; a row may give several",
        (false, false) => "percent of the segment's rows; each column adds up to 100",
    };
    let sorted = found.sorted_by.as_ref().map_or(String::new(), |answer| {
        format!("; segments with the largest share of {answer:?} come first")
    });
    let mut text = wrapped(&plain_line(&format!("a column for each segment: {what}{sorted}")), WIDTH);
    text.push_str(&sheet.to_text_within(WIDTH));
    let names =
        found.segments[..shown].iter().filter_map(|s| Some(format!("{} {}", s.segment, s.name.as_ref()?)));
    let names: Vec<String> = names.collect();
    if !names.is_empty() {
        text.push_str(&wrapped(&plain_line(&format!("segments: {}", names.join(", "))), WIDTH));
    }
    if shown < found.segments.len() {
        text.push_str(&format!("{} more segments in metrics.json\n", found.segments.len() - shown));
    }
    text
}

/// A sentence with its control characters escaped, on a line of its own.
fn plain_line(sentence: &str) -> String {
    format!("{}\n", plain(sentence))
}
