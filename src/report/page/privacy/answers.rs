//! Takes out of the answers to a recipe's questions what must not be shown.

use super::HIDDEN;
use super::judge::Judge;
use crate::questions::{Answer, Cell, Lines, SEGMENT};

/// The columns that an answer by segments begins with.
const BY_SEGMENT: [&str; 4] = [SEGMENT, "count", "share", "rate"];

pub(super) fn of_answer(answer: &mut Answer, single_rows: bool, judge: &mut Judge) {
    // The file does not say how many columns are keys.
    answer.table.keys = keys(answer);
    if !single_rows && answer.list.take().is_some() {
        judge.list();
    }
    if let Some(within) = &mut answer.within {
        let rows = number(&within.rows).unwrap_or(0.0);
        if text(&within.group).is_some_and(|group| judge.hides(&within.column, &group, rows)) {
            within.group = Cell::Text(HIDDEN.into());
        }
    }
    let rows = number(&answer.rows).unwrap_or(0.0);
    let whole = answer.condition.is_none() && answer.within.is_none() && answer.expect.is_none();
    // The lines of two groups that are compared are called by the recipe's words.
    let theirs = answer.difference.is_some();
    let before = answer.table.rows.len();
    if judge.is_rare(rows) {
        answer.figures.clear();
        answer.difference = None;
        answer.table.small += before;
        answer.table.rows.clear();
    }
    of_lines(&mut answer.table, rows, (whole, theirs), judge);
    if answer.table.rows.len() < before {
        // With the other group's figures, the difference would tell those of the group that is left out.
        answer.difference = None;
    }
    let Some(answers) = &mut answer.answers else { return };
    answers.lines.retain(|line| {
        let rows = number(&line.count).unwrap_or(0.0);
        match answers.columns.as_slice() {
            [column] => !judge.hides(column, &line.answer, rows),
            _ => !judge.is_rare(rows),
        }
    });
    for (place, segment) in answers.segments.iter().enumerate() {
        if judge.is_rare(number(&segment.rows).unwrap_or(0.0)) {
            for line in &mut answers.lines {
                for cells in [&mut line.counts, &mut line.shares, &mut line.lifts] {
                    cells.iter_mut().skip(place).take(1).for_each(|cell| *cell = Cell::Missing);
                }
            }
        }
    }
}

/// The texts of an answer, each with its column.
pub(super) fn texts(answer: &Answer) -> Vec<(String, String)> {
    let keys = keys(answer);
    let line = |line: &Vec<Cell>| {
        let keys = answer.table.columns.iter().take(keys).zip(line);
        keys.filter_map(|(column, cell)| Some((column.clone(), text(cell)?))).collect::<Vec<_>>()
    };
    let mut found: Vec<(String, String)> = answer.table.rows.iter().flat_map(line).collect();
    if let Some(answers) = &answer.answers
        && let [column] = answers.columns.as_slice()
    {
        found.extend(answers.lines.iter().map(|line| (column.clone(), line.answer.clone())));
    }
    found
}

/// How many of the first columns say what a line is about.
fn keys(answer: &Answer) -> usize {
    let columns = &answer.table.columns;
    if columns.len() >= BY_SEGMENT.len() && columns.iter().zip(BY_SEGMENT).all(|(own, name)| own == name) {
        return 1;
    }
    columns.len().saturating_sub(answer.figures.len())
}

/// Takes out the lines about groups of few rows, or of an unknown number of rows, and hides texts that look like ids. `all` is
/// the number of rows that the answer is about, `whole` says whether that is the whole table, and `theirs` whether the lines are
/// called by the recipe's words.
fn of_lines(lines: &mut Lines, all: f64, (whole, theirs): (bool, bool), judge: &mut Judge) {
    let keys = lines.keys;
    let columns = lines.columns.clone();
    let place = |name: &str| (keys..columns.len()).find(|&column| columns[column] == name);
    let (count, share) = (place("count"), place("share"));
    let before = lines.rows.len();
    lines.rows.retain_mut(|line| {
        let cell = |place: Option<usize>| number(line.get(place?)?);
        let counted = cell(count).or_else(|| Some(cell(share)? * all));
        let rows = counted.unwrap_or_else(|| match line.first() {
            Some(Cell::Text(text)) if whole && keys == 1 => judge.rows_of(&columns[0], text),
            Some(Cell::Count(segment)) if whole && keys == 1 && columns[0] == SEGMENT => judge.size(*segment),
            // Each line is about one row at least.
            _ => 1.0,
        });
        if judge.is_rare(rows) {
            return false;
        }
        for (column, cell) in columns.iter().zip(line).take(keys) {
            if !theirs && text(cell).is_some_and(|written| judge.hides(column, &written, rows)) {
                *cell = Cell::Text(HIDDEN.into());
            }
        }
        true
    });
    lines.small += before - lines.rows.len();
}

/// A cell as a number.
fn number(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Count(count) => Some(*count as f64),
        Cell::Number(number) => Some(*number),
        Cell::Missing | Cell::Flag(_) | Cell::Text(_) => None,
    }
}

/// A cell that is a text.
fn text(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Text(text) => Some(text.clone()),
        Cell::Missing | Cell::Flag(_) | Cell::Number(_) | Cell::Count(_) => None,
    }
}
