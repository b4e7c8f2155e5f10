//! The answers to a recipe's questions, as text for people.

use super::figures::{count, number, percent, plain, whole};
use super::profile::WIDTH;
use super::sheet::{Kind, Sheet, wrapped};
use crate::analysis::{Outcome, Segment};
use crate::questions::{Answer, Cell, Lines, SEGMENT};
use crate::table::short_label;

/// How many lines of an answer are shown; `metrics.json` has all of them.
const SHOWN: usize = 12;

/// All answers, each with its question, a sentence and a table.
pub fn answers(outcome: &Outcome) -> String {
    let segments = outcome.segments.as_deref().unwrap_or_default();
    let texts = outcome.questions.iter().enumerate().map(|(i, answer)| one(i + 1, answer, segments));
    texts.collect::<Vec<_>>().join("\n")
}

fn one(place: usize, answer: &Answer, segments: &[Segment]) -> String {
    let mut text = wrapped(&format!("question {place}: {}\n", plain(&answer.name)), WIDTH);
    text.push_str(&wrapped(&plain_line(&sentence(answer)), WIDTH));
    if let Some(found) = answer.answers.as_ref().filter(|_| answer.rows != Cell::Count(0)) {
        text.push_str(&super::answers::text(found));
    }
    // Without rows, a table would be all zeros.
    if answer.rows != Cell::Count(0) {
        text.push_str(&table(answer, segments));
    }
    if let Some(list) = answer.list.as_ref().filter(|list| !list.rows.is_empty()) {
        text.push_str(&format!("{} of these rows\n", whole(list.rows.len() as u64)));
        text.push_str(&lines(list, segments));
    }
    text
}

/// A sentence with its control characters escaped, on a line of its own.
fn plain_line(sentence: &str) -> String {
    format!("{}\n", plain(sentence))
}

/// How many rows it is about, and what they have in common.
pub(super) fn sentence(answer: &Answer) -> String {
    let (rows, among) = (value(&answer.rows), value(&answer.among));
    let of = match &answer.within {
        Some(within) if within.group == Cell::Missing => format!("; no row has a {}", within.column),
        Some(within) => {
            format!(", those of {}, the largest {}", value(&within.group), within.column)
        }
        None => String::new(),
    };
    let condition = answer.condition.as_ref();
    let noun = if answer.rows == Cell::Count(1) && answer.among == Cell::Count(1) { "row" } else { "rows" };
    let mut text = match &answer.expect {
        Some(expect) => {
            let among = match answer.among {
                Cell::Count(1) => "the 1 row".into(),
                _ => format!("{among} rows"),
            };
            let mut text = format!(
                "{rows} of {among}{of} with {}{} do not have {}",
                expect.premise,
                share(answer),
                expect.conclusion
            );
            if let Some(condition) = condition {
                text.push_str(&format!("; looked at where {condition}"));
            }
            if expect.unknown != Cell::Count(0) {
                text.push_str(&format!(
                    "; {} more cannot be judged, because a value is missing",
                    value(&expect.unknown)
                ));
            }
            text
        }
        None if answer.answers.is_some() => {
            let condition = condition.map_or(String::new(), |condition| format!(": {condition}"));
            format!("{rows} of {among} {noun} with a segment{of} have an answer{condition}")
        }
        None => match condition {
            Some(condition) => {
                format!("{rows} of {among} {noun}{}{of}: {condition}", share(answer))
            }
            None => format!("{rows} {noun}{of}"),
        },
    };
    let named = |name: &&String| !matches!(name.as_str(), "count" | "share" | "rate");
    let figure = |name: &String| match answer.figures.get(name) {
        None | Some(Cell::Missing) => None,
        Some(Cell::Number(value)) if value.fract() == 0.0 && value.abs() < 1e15 => {
            Some(format!("{name} {}", integer(*value)))
        }
        Some(cell) => Some(format!("{name} {}", value(cell))),
    };
    let figures: Vec<String> =
        answer.table.columns.iter().skip(answer.table.keys).filter(named).filter_map(figure).collect();
    if !figures.is_empty() {
        let of = if let [one] = &answer.of[..] { format!("{one}: ") } else { String::new() };
        text.push_str(&format!("; {of}{}", figures.join(", ")));
    }
    text
}

/// The share of the rows in brackets, where it is known.
fn share(answer: &Answer) -> String {
    if answer.share.is_finite() { format!(" ({})", percent(answer.share)) } else { String::new() }
}

fn table(answer: &Answer, segments: &[Segment]) -> String {
    if answer.table.rows.is_empty() {
        return match answer.table.small {
            0 => String::new(),
            _ => notes(&answer.table, 0),
        };
    }
    let mut table = answer.table.clone();
    let hidden = table.rows.len().saturating_sub(SHOWN);
    table.rows.truncate(SHOWN);
    if let Some(difference) = &answer.difference {
        let mut line = vec![Cell::Text("difference".into())];
        line.extend(
            table.columns.iter().skip(1).map(|name| difference.get(name).cloned().unwrap_or(Cell::Missing)),
        );
        table.rows.push(line);
    }
    lines(&table, segments) + &notes(&answer.table, hidden)
}

/// What the table does not show.
pub(super) fn notes(table: &Lines, hidden: usize) -> String {
    let mut notes = Vec::new();
    if hidden > 0 {
        notes.push(format!("{} more in metrics.json", whole(hidden as u64)));
    }
    if table.more > 0 {
        notes.push(format!("{} further groups left out", whole(table.more as u64)));
    }
    if table.small > 0 {
        notes.push(format!("{} too small to be shown", count(table.small, "group")));
    }
    if notes.is_empty() { String::new() } else { format!("{}\n", notes.join(", ")) }
}

fn lines(lines: &Lines, segments: &[Segment]) -> String {
    let kind = |column: usize| {
        let cells = lines.rows.iter().filter_map(|row| row.get(column));
        let text = lines.columns.get(column).is_some_and(|name| name == SEGMENT)
            || cells.clone().any(|cell| matches!(cell, Cell::Text(_) | Cell::Flag(_)));
        if text { Kind::Name } else { Kind::Number }
    };
    let header: Vec<(&str, Kind)> =
        lines.columns.iter().enumerate().map(|(i, name)| (heading(name, lines), kind(i))).collect();
    let mut sheet = Sheet::new(&header).keyed_by(lines.keys.max(1));
    let is_whole = |cell: &Cell| match cell {
        Cell::Number(value) => value.fract() == 0.0 && value.abs() < 1e15,
        _ => true,
    };
    let whole_columns: Vec<bool> = (0..lines.columns.len())
        .map(|column| lines.rows.iter().filter_map(|row| row.get(column)).all(is_whole))
        .collect();
    for row in &lines.rows {
        sheet.row(row.iter().enumerate().map(|(i, cell)| {
            let is_key = i < lines.keys;
            match lines.columns.get(i).map_or("", String::as_str) {
                SEGMENT => segment(cell, segments),
                "share" | "rate" if !is_key => match cell {
                    Cell::Number(share) => percent(*share),
                    other => value(other),
                },
                _ if is_key && *cell == Cell::Missing => "(missing)".into(),
                _ => match cell {
                    Cell::Number(value) if whole_columns[i] => integer(*value),
                    other => value(other),
                },
            }
        }));
    }
    sheet.to_text_within(WIDTH)
}

/// What a column is called.
pub(super) fn heading<'a>(name: &'a str, lines: &Lines) -> &'a str {
    match name {
        "rate" if lines.columns.first().is_some_and(|first| first == SEGMENT) => "of segment",
        name => name,
    }
}

/// The number and the name of a segment.
fn segment(cell: &Cell, segments: &[Segment]) -> String {
    match cell {
        Cell::Count(number) => {
            let found = segments.iter().find(|s| u64::from(s.segment) == *number);
            let name = found.and_then(|segment| segment.name.as_deref());
            name.map_or_else(|| number.to_string(), |name| format!("{number} {name}"))
        }
        _ => "none".into(),
    }
}

pub(super) fn value(cell: &Cell) -> String {
    match cell {
        Cell::Missing => "-".into(),
        Cell::Count(n) => whole(*n),
        Cell::Number(value) => number(*value),
        Cell::Flag(flag) => flag.to_string(),
        Cell::Text(text) => short_label(text),
    }
}

/// A whole number; from 10,000 on it has separators, so that years have none.
pub(super) fn integer(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    let size = value.abs() as u64;
    if size < 10_000 { format!("{sign}{size}") } else { format!("{sign}{}", whole(size)) }
}
