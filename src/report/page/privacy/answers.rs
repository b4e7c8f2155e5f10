//! Takes out of the answers to a recipe's questions what must not be shown.

use super::HIDDEN;
use super::cells::hidden;
use super::judge::Judge;
use crate::questions::{Answer, AnswerLine, AnswerShares, Cell, Lines, SEGMENT};

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
    if !single_rows && judge.guards() {
        of_ends(answer, judge);
    }
    if !judge.shows_quantile(0.5, rows as u64) {
        let medians = answer.figures.iter_mut().filter(|(name, _)| is(name, "median"));
        medians.for_each(|(_, cell)| *cell = Cell::Text(HIDDEN.into()));
    }
    let hides_median = answer.table.rows.iter().flatten().any(|cell| *cell == Cell::Text(HIDDEN.into()));
    if let Some(difference) = answer.difference.as_mut().filter(|_| hides_median) {
        difference.retain(|name, _| !is(name, "median"));
    }
    of_counts(answer, judge);
    let Some(answers) = &mut answer.answers else { return };
    of_shares(answers, judge);
}

/// Takes out the smallest and the largest values, which are those of single rows.
fn of_ends(answer: &mut Answer, judge: &mut Judge) {
    let ends = |name: &str| is(name, "min") || is(name, "max");
    let keys = answer.table.keys;
    let places: Vec<usize> =
        (keys..answer.table.columns.len()).filter(|&place| ends(&answer.table.columns[place])).collect();
    let figures = answer.figures.iter_mut().filter(|(name, _)| ends(name)).map(|(_, cell)| cell);
    let cells = answer
        .table
        .rows
        .iter_mut()
        .flat_map(|line| line.iter_mut().enumerate())
        .filter_map(|(place, cell)| places.contains(&place).then_some(cell));
    let mut any = false;
    for cell in figures.chain(cells).filter(|cell| **cell != Cell::Missing) {
        *cell = Cell::Text(HIDDEN.into());
        any = true;
    }
    if let Some(difference) = &mut answer.difference {
        difference.retain(|name, _| !ends(name));
    }
    if any {
        judge.extreme();
    }
}

/// Whether a figure is of a kind: `max`, or `max pay` where there are several columns.
fn is(name: &str, figure: &str) -> bool {
    name.strip_prefix(figure).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// Says of counts of few rows only that they are.
fn of_counts(answer: &mut Answer, judge: &Judge) {
    let few = |cell: &Cell| number(cell).is_some_and(|rows| judge.is_cell(rows));
    if few(&answer.rows) || few(&answer.among) {
        answer.share = f64::NAN;
    }
    let unknown = answer.expect.as_mut().map(|expect| &mut expect.unknown);
    for cell in [&mut answer.rows, &mut answer.among].into_iter().chain(unknown) {
        if few(cell) {
            *cell = Cell::Text(format!("fewer than {}", judge.least()));
        }
    }
}

fn of_shares(answers: &mut AnswerShares, judge: &mut Judge) {
    answers.lines.retain(|line| {
        let rows = number(&line.count).unwrap_or(0.0);
        match answers.columns.as_slice() {
            [column] => !judge.hides(column, &line.answer, rows),
            _ => !judge.is_rare(rows),
        }
    });
    let count = |line: &AnswerLine, place: usize| line.counts.get(place).and_then(number).unwrap_or(0.0);
    let segments = answers.segments.len();
    let counts: Vec<Vec<f64>> =
        answers.lines.iter().map(|line| (0..segments).map(|place| count(line, place)).collect()).collect();
    // Where a row gives one answer, a segment's answers add up to its rows.
    let cells = hidden(&counts, !answers.multiple, judge);
    let few: Vec<bool> =
        answers.segments.iter().map(|segment| judge.is_rare(number(&segment.rows).unwrap_or(0.0))).collect();
    for (line, cells) in answers.lines.iter_mut().zip(&cells) {
        for place in 0..segments {
            if few[place] || cells[place] {
                for of in [&mut line.counts, &mut line.shares, &mut line.lifts] {
                    of.iter_mut().skip(place).take(1).for_each(|cell| *cell = Cell::Missing);
                }
            }
            if cells[place] {
                judge.small();
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
    let cell = |line: &[Cell], place: Option<usize>| number(line.get(place?)?);
    let counted = |line: &[Cell]| cell(line, count).or_else(|| Some(cell(line, share)? * all));
    let rows = |line: &Vec<Cell>, judge: &Judge| {
        counted(line).unwrap_or_else(|| match line.first() {
            Some(Cell::Text(text)) if whole && keys == 1 => judge.rows_of(&columns[0], text),
            Some(Cell::Count(segment)) if whole && keys == 1 && columns[0] == SEGMENT => judge.size(*segment),
            // Each line is about one row at least.
            _ => 1.0,
        })
    };
    let sizes: Vec<f64> = lines.rows.iter().map(|line| rows(line, judge)).collect();
    let mut hide: Vec<bool> = sizes.iter().map(|&rows| judge.is_rare(rows)).collect();
    // The total less the lines that are shown is that of the others, which must be of enough rows too. A mere count of rows tells
    // nothing of what they have.
    let figures = columns.iter().skip(keys).any(|name| !matches!(name.as_str(), "count" | "share" | "rate"));
    let known = lines.rows.iter().all(|line| counted(line).is_some());
    let left = |hide: &[bool]| {
        let sum =
            |of: bool| sizes.iter().zip(hide).filter(|(_, hide)| **hide == of).map(|(n, _)| n).sum::<f64>();
        if known { all - sum(false) } else { sum(true) + (lines.small + lines.more) as f64 }
    };
    while figures && judge.is_cell(left(&hide)) {
        let shown = (0..sizes.len()).filter(|&place| !hide[place] && sizes[place] > 0.0);
        let Some(smallest) = shown.min_by(|&a, &b| sizes[a].total_cmp(&sizes[b])) else { break };
        hide[smallest] = true;
        judge.small();
    }
    let medians: Vec<usize> = (keys..columns.len()).filter(|&place| is(&columns[place], "median")).collect();
    let mut place = 0..;
    lines.rows.retain_mut(|line| {
        let place = place.next().unwrap_or(0);
        if hide[place] {
            return false;
        }
        for median in line.iter_mut().enumerate().filter(|(i, _)| medians.contains(i)).map(|(_, cell)| cell) {
            if *median != Cell::Missing && !judge.shows_quantile(0.5, sizes[place] as u64) {
                *median = Cell::Text(HIDDEN.into());
            }
        }
        for (column, cell) in columns.iter().zip(line).take(keys) {
            if !theirs && text(cell).is_some_and(|written| judge.hides(column, &written, sizes[place])) {
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
