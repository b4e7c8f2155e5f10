//! The recipe's questions and their answers.

use super::parts::{axis, capital, chart};
use crate::profile::inference::t_quantile;
use crate::questions::{Answer, Cell, Lines, SEGMENT};
use crate::report::chart::{Bar, Bars, DataTable, Datum, Form, Key, Paint, Unit};
use crate::report::figures::{brief, percent};
use crate::report::page::content::{Block, Figure, Section, Table};
use crate::report::page::facts::Facts;
use crate::report::questions::{heading, integer, notes, sentence, value};

/// The most bars of a chart.
const BARS: usize = 20;
/// The most lines of a table.
const LINES: usize = 200;
/// The figures that are worth a chart, the one that is drawn first.
const DRAWN: [&str; 7] = ["rate", "share", "median", "mean", "sum", "distinct", "count"];

/// The section, if the recipe asks any.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let asked = facts.outcome.questions.iter().enumerate().filter(|(_, answer)| answer.answers.is_none());
    let blocks: Vec<Block> = asked.flat_map(|(i, answer)| question(facts, i + 1, answer)).collect();
    if blocks.is_empty() {
        return None;
    }
    Some(Section {
        id: "questions".into(),
        title: "Questions and answers".into(),
        lead: Some("What the recipe asks about the rows, each with its answer.".into()),
        paint: None,
        blocks,
    })
}

fn question(facts: &Facts<'_>, place: usize, answer: &Answer) -> Vec<Block> {
    let said = format!("{}.", capital(&sentence(answer)));
    let mut blocks = vec![Block::Heading(answer.name.clone()), Block::Text(said)];
    if answer.rows != Cell::Count(0) {
        blocks.extend(bars(facts, place, answer));
        if !answer.table.rows.is_empty() {
            blocks.push(lines(facts, format!("question-{place}"), &answer.name, &answer.table));
        }
        blocks.extend(difference(answer));
        let more = answer.table.rows.len().saturating_sub(LINES);
        let left = notes(&answer.table, more);
        if !left.trim().is_empty() {
            blocks.push(Block::Note(format!("{}.", capital(left.trim()))));
        }
    }
    if let Some(list) = answer.list.as_ref().filter(|list| !list.rows.is_empty()) {
        blocks.push(lines(facts, format!("question-{place}-rows"), "Some of these rows", list));
    }
    blocks
}

/// How far the first of two groups lies above the second.
fn difference(answer: &Answer) -> Option<Block> {
    let found = answer.difference.as_ref()?;
    let figures = answer.table.columns.iter().skip(answer.table.keys);
    let one = |name: &String| match found.get(name) {
        None | Some(Cell::Missing) => None,
        Some(cell) => Some(format!("{name} {}", written(name, cell))),
    };
    let all: Vec<String> = figures.filter_map(one).collect();
    let interval = interval(&answer.table).map_or_else(String::new, |[low, high]| {
        let chance =
            if low <= 0.0 && high >= 0.0 { ", so the difference of the means may be chance" } else { "" };
        format!(
            " The 95 % interval of the difference of the means is {} to {}{chance}.",
            brief(low),
            brief(high)
        )
    });
    let text = format!("The first group less the second: {}.{interval}", all.join(", "));
    (!all.is_empty()).then_some(Block::Text(text))
}

/// The 95 % interval of the difference of two means (Welch, 1947), where the answer has what it takes.
fn interval(table: &Lines) -> Option<[f64; 2]> {
    let place = |name: &str| table.columns.iter().position(|own| own == name);
    let (count, mean, std) = (place("count")?, place("mean")?, place("std")?);
    let [first, second] = &table.rows[..] else { return None };
    let of = |row: &[Cell]| {
        let value = |place: usize| row.get(place).and_then(number);
        let n = value(count).filter(|n| *n >= 2.0)?;
        Some((value(mean)?, value(std)?.powi(2) / n, n))
    };
    let ((a, a_error, a_n), (b, b_error, b_n)) = (of(first)?, of(second)?);
    let error = a_error + b_error;
    let freedom = error.powi(2) / (a_error.powi(2) / (a_n - 1.0) + b_error.powi(2) / (b_n - 1.0));
    let half = t_quantile(freedom)? * libm::sqrt(error);
    Some([a - b - half, a - b + half]).filter(|ends| ends.iter().all(|end| end.is_finite()))
}

fn written(name: &str, cell: &Cell) -> String {
    match cell {
        Cell::Number(share) if matches!(name, "share" | "rate") => percent(*share),
        Cell::Number(whole) if whole.fract() == 0.0 && whole.abs() < 1e15 => integer(*whole),
        other => value(other),
    }
}

fn number(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Number(value) => Some(*value).filter(|value| value.is_finite()),
        Cell::Count(n) => Some(*n as f64),
        Cell::Missing | Cell::Flag(_) | Cell::Text(_) => None,
    }
}

/// What a line is about.
fn key(facts: &Facts<'_>, column: &str, cell: &Cell) -> Key {
    let plain = |label: String| Key { label, paint: Paint::Plain };
    match cell {
        Cell::Count(n) if column == SEGMENT => {
            u32::try_from(*n).map_or_else(|_| plain(value(cell)), |segment| facts.segment(segment))
        }
        Cell::Missing if column == SEGMENT => plain("no segment".into()),
        Cell::Missing => plain("no value".into()),
        Cell::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => plain(integer(*number)),
        other => plain(value(other)),
    }
}

fn lines(facts: &Facts<'_>, id: String, caption: &str, found: &Lines) -> Block {
    let is_key = |column: usize| column < found.keys;
    let cell = |column: usize, cell: &Cell| -> Datum {
        let name = found.columns.get(column).map_or("", String::as_str);
        if name == SEGMENT {
            return Datum::key(&key(facts, name, cell));
        }
        match number(cell) {
            Some(number) if is_key(column) => Datum::number(number, key(facts, name, cell).label),
            Some(number) => Datum::number(number, written(name, cell)),
            None if is_key(column) => Datum::text(key(facts, name, cell).label),
            None if *cell == Cell::Missing => Datum::missing(),
            None => Datum::text(value(cell)),
        }
    };
    let of = |row: &Vec<Cell>| row.iter().enumerate().map(|(i, one)| cell(i, one)).collect::<Vec<Datum>>();
    let rows: Vec<Vec<Datum>> = found.rows.iter().take(LINES).map(of).collect();
    let numeric = |column: usize| {
        let mut values =
            rows.iter().filter_map(|row| row.get(column)).filter(|one| **one != Datum::missing());
        found.columns.get(column).is_none_or(|name| name != SEGMENT) && values.all(|one| one.value.is_some())
    };
    let columns = found
        .columns
        .iter()
        .enumerate()
        .map(|(i, name)| (heading(name, found).to_string(), numeric(i)))
        .collect();
    let data = DataTable { columns, rows };
    Block::Table(Table { id, caption: caption.into(), note: None, data })
}

/// A bar for each group, if there are few groups of one kind.
fn bars(facts: &Facts<'_>, place: usize, answer: &Answer) -> Option<Block> {
    let found = &answer.table;
    if found.keys != 1 || !(2..=BARS).contains(&found.rows.len()) {
        return None;
    }
    let column = |name: &str| found.columns.iter().skip(1).position(|own| own == name).map(|i| i + 1);
    let (name, place_of) = DRAWN.iter().find_map(|name| Some((*name, column(name)?)))?;
    let by = found.columns.first().map_or("", String::as_str);
    let bar = |row: &Vec<Cell>| -> Option<Bar> {
        let key = key(facts, by, row.first()?);
        Some(Bar {
            label: key.label,
            paint: key.paint,
            value: row.get(place_of).and_then(number),
            interval: None,
            reference: None,
            note: None,
        })
    };
    let bars: Vec<Bar> = found.rows.iter().filter_map(bar).collect();
    if bars.iter().filter(|bar| bar.value.is_some()).count() < 2 {
        return None;
    }
    let unit = match name {
        "rate" | "share" => Unit::Share,
        "count" | "distinct" => Unit::Count,
        _ => Unit::Number,
    };
    let title = match (name, &answer.of[..]) {
        ("count", _) => "rows".into(),
        ("rate", _) if by == SEGMENT => "share of the segment".into(),
        (name, [one]) => format!("{name} of {one}"),
        (name, _) => name.to_string(),
    };
    let bars =
        Bars { axis: axis(title.as_str(), unit), form: Form::Bars, what: by.into(), bars, ..Bars::default() };
    let figure = Figure::new(
        format!("question-{place}-chart"),
        capital(&title),
        &format!("A bar for each {by}."),
        &bars,
    );
    Some(chart(figure, "A longer bar is a higher figure; the table below has all figures."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_difference_is_that_of_welch() {
        let line = |n: u64, mean: f64, std: f64| {
            vec![Cell::Text("a".into()), Cell::Count(n), Cell::Number(mean), Cell::Number(std)]
        };
        let table = Lines {
            keys: 1,
            columns: ["group", "count", "mean", "std"].map(String::from).to_vec(),
            rows: vec![line(10, 5.0, 2.0), line(15, 3.0, 1.0)],
            ..Lines::default()
        };
        // By SciPy: 12.035088 degrees of freedom, whose 0.975 quantile is 2.178109, times the error of 0.683130.
        let [low, high] = interval(&table).unwrap();
        assert!(
            (low - (2.0 - 1.487_931)).abs() < 1e-4 && (high - (2.0 + 1.487_931)).abs() < 1e-4,
            "{low} {high}"
        );
        let bare = Lines { columns: table.columns[..3].to_vec(), ..table };
        assert_eq!(interval(&bare), None);
    }
}
