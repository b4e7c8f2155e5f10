//! What a report must not show: ids, e-mail addresses, hashes, free text, categories that few rows have. A report goes to
//! people who may not see the table, so all of this is taken out of the results before any section is made of them.
//!
//! What people wrote themselves stays: names, summaries, questions, the recipe. So do the names of columns.

mod judge;
mod look;
#[cfg(test)]
mod tests;

use crate::analysis::{ChartShows, MethodFound, Outcome, Pictures, Shape};
use crate::describe::Figures;
use crate::model::{Direction, Model};
use crate::profile::rules::{Rule, Test};
use crate::profile::{LevelShare, NumericFigures, OTHER, Profile, describe};
use crate::questions::{Answer, Cell, Lines};
use crate::report::json::Document;
use judge::Judge;

/// What stands in the place of a text that is not shown.
pub(super) const HIDDEN: &str = "(not shown)";

/// How much was taken out, for the small print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Withheld {
    /// Categories that fewer rows have than may be shown.
    pub rare: usize,
    /// Texts that look like an id, an e-mail address or a hash.
    pub ids: usize,
    /// Lists of single rows.
    pub lists: usize,
}

/// Takes out of the results what the report must not show, by the settings in [`Report`](crate::analysis::Report).
pub fn withhold(mut document: Document, model: &Model) -> (Document, Withheld) {
    let mut judge = Judge::new(&document.outcome, &model.aliases);
    let outcome = &mut document.outcome;
    if let Some(profile) = &mut outcome.profile {
        of_profile(profile, outcome.report.ids, &mut judge);
    }
    of_method(&mut outcome.found);
    for other in outcome.compare_methods.iter_mut().flat_map(|compared| &mut compared.methods) {
        of_method(&mut other.found);
        if let Some(profile) = &mut other.profile {
            of_profile(profile, false, &mut judge);
        }
    }
    of_description(outcome, &mut judge);
    let single_rows = outcome.report.rows;
    outcome.questions.iter_mut().for_each(|answer| of_answer(answer, single_rows, &mut judge));
    of_cohorts(outcome, &mut judge);
    of_tables(outcome, &mut judge);
    if let Some(pictures) = &mut outcome.pictures {
        of_pictures(pictures, outcome.report.ids, &mut judge);
    }
    let categories = outcome.drift.iter_mut().flat_map(|drift| &mut drift.columns);
    for column in categories {
        if let Direction::Categories { grew, shrank } = &mut column.direction {
            for one in [grew, shrank] {
                // How many rows have it is not known here, only its share of them.
                let rows = one.as_ref().map_or(0.0, |one| one.share.min(one.fitted_share) * judge.rows());
                if one.as_ref().is_some_and(|one| judge.hides(&column.column, &one.level, rows)) {
                    *one = None;
                }
            }
        }
    }
    if let Some(migration) = &mut outcome.migration {
        migration.from = file_name(&migration.from);
        migration.previous = migration.previous.as_deref().map(file_name);
    }
    (document, judge.withheld())
}

/// The name of a file without its folder, whichever system wrote it.
fn file_name(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or(path).to_string()
}

fn of_method(found: &mut MethodFound) {
    // Exemplars are single rows.
    if let Some(affinity) = &mut found.affinity {
        affinity.exemplars.clear();
    }
}

fn of_profile(profile: &mut Profile, ids: bool, judge: &mut Judge) {
    let sizes: Vec<u64> = profile.segments.iter().map(|segment| segment.size).collect();
    let total: u64 = sizes.iter().sum();
    for segment in &mut profile.segments {
        if !ids {
            segment.typical.clear();
        }
        let before = segment.traits.len();
        segment.traits.retain(|one| {
            let rows = one.overall * total as f64;
            !one.level.as_ref().is_some_and(|level| judge.hides(&one.column, level, rows))
        });
        if segment.traits.len() < before {
            segment.description = match segment.traits.is_empty() {
                true => "what sets it apart is not shown here".into(),
                false => describe(&segment.traits),
            };
        }
        segment.lifts.retain(|lift| !judge.is_rare(lift.overall * total as f64));
        for (column, levels) in &mut segment.levels.0 {
            let missing = segment.missing.get(column).copied().unwrap_or(0);
            *levels = merged(column, std::mem::take(levels), total.saturating_sub(missing), judge);
        }
        if judge.is_few(segment.size) {
            segment.numeric.0.iter_mut().for_each(|(_, figures)| *figures = NumericFigures::default());
        }
        if segment.rule.as_ref().is_some_and(|rule| names_hidden(rule, judge)) {
            segment.rule = None;
            segment.no_rule = Some("the rule names values that are not shown here".into());
        }
    }
}

/// The categories that may be shown, and the others put together.
fn merged(column: &str, levels: Vec<LevelShare>, rows: u64, judge: &mut Judge) -> Vec<LevelShare> {
    let hidden = |level: &LevelShare, judge: &mut Judge| {
        level.level != OTHER && judge.hides(column, &level.level, level.overall * rows as f64)
    };
    let (mut shown, mut rest): (Vec<LevelShare>, Vec<LevelShare>) = (Vec::new(), Vec::new());
    for level in levels {
        if level.level == OTHER || hidden(&level, judge) { rest.push(level) } else { shown.push(level) }
    }
    if let Some(first) = rest.first() {
        let sum = |of: fn(&LevelShare) -> f64| rest.iter().map(of).sum::<f64>();
        let (share, overall) = (sum(|l| l.share), sum(|l| l.overall));
        let lone = rest.len() == 1;
        let (low, high) = if lone { (first.low, first.high) } else { (share, share) };
        shown.push(LevelShare { level: OTHER.into(), share, overall, lift: share - overall, low, high });
    }
    shown
}

/// Whether a rule has a condition on a text that is not shown.
fn names_hidden(rule: &Rule, judge: &mut Judge) -> bool {
    rule.conditions.iter().any(|condition| match &condition.test {
        Test::Is(text) | Test::IsNot(text) => judge.hides_unknown(&condition.column, text),
        Test::Range(_) | Test::Missing(_) => false,
    })
}

fn of_description(outcome: &mut Outcome, judge: &mut Judge) {
    let Some(description) = &mut outcome.description else { return };
    for column in &mut description.columns {
        if let Figures::Texts(texts) = &mut column.figures {
            texts.top.retain(|one| !judge.hides(&column.column, &one.value, one.count as f64));
        }
    }
}

fn of_answer(answer: &mut Answer, single_rows: bool, judge: &mut Judge) {
    if !single_rows && answer.list.take().is_some() {
        judge.list();
    }
    if let Some(within) = &mut answer.within {
        let rows = number(&within.rows).unwrap_or(0.0);
        if text(&within.group).is_some_and(|group| judge.hides(&within.column, &group, rows)) {
            within.group = Cell::Text(HIDDEN.into());
        }
    }
    if number(&answer.rows).is_some_and(|rows| judge.is_rare(rows)) {
        answer.figures.clear();
        answer.difference = None;
        answer.table.small += answer.table.rows.len();
        answer.table.rows.clear();
    }
    of_lines(&mut answer.table, judge);
    if let Some(answers) = &mut answer.answers {
        answers.lines.retain(|line| {
            let rows = number(&line.count).unwrap_or(0.0);
            match answers.columns.as_slice() {
                [column] => !judge.hides(column, &line.answer, rows),
                _ => !judge.is_rare(rows),
            }
        });
    }
}

/// Takes out the lines about groups of few rows, and hides texts that look like ids.
fn of_lines(lines: &mut Lines, judge: &mut Judge) {
    let count = lines.columns.iter().position(|column| column == "count");
    let before = lines.rows.len();
    let columns = lines.columns.clone();
    lines.rows.retain_mut(|line| {
        let rows = count.and_then(|place| number(line.get(place)?));
        if rows.is_some_and(|rows| judge.is_rare(rows)) {
            return false;
        }
        for (column, cell) in columns.iter().zip(line) {
            let Some(written) = text(cell) else { continue };
            let hidden = match rows {
                Some(rows) => judge.hides(column, &written, rows),
                None => judge.hides_unknown(column, &written),
            };
            if hidden {
                *cell = Cell::Text(HIDDEN.into());
            }
        }
        true
    });
    lines.small += before - lines.rows.len();
}

fn of_cohorts(outcome: &mut Outcome, judge: &mut Judge) {
    let Some(stability) = &mut outcome.stability else { return };
    let column = stability.cohort.clone().unwrap_or_default();
    for one in &mut stability.cohorts {
        if one.cohort.as_ref().is_some_and(|cohort| judge.hides(&column, cohort, one.rows as f64)) {
            one.cohort = Some(HIDDEN.into());
        }
    }
}

fn of_tables(outcome: &mut Outcome, judge: &mut Judge) {
    for compared in &mut outcome.comparisons {
        let columns = compared.columns.clone();
        let table = &mut compared.table;
        for (place, label) in table.b.iter_mut().enumerate() {
            let of = |counts: &Vec<Vec<u64>>| counts.iter().filter_map(|line| line.get(place)).sum::<u64>();
            let rows = table.counts.as_ref().map_or(0.0, |counts| of(counts) as f64);
            if columns.iter().any(|column| judge.hides(column, label, rows)) {
                *label = HIDDEN.into();
            }
        }
    }
}

fn of_pictures(pictures: &mut Pictures, ids: bool, judge: &mut Judge) {
    for map in &mut pictures.maps {
        let column = map.colour.clone();
        for group in &mut map.groups {
            if !ids {
                group.names.clear();
            }
            if let (Some(column), Some(label)) = (&column, &mut group.label) {
                if judge.hides(column, label, group.rows as f64) {
                    *label = HIDDEN.into();
                }
            }
        }
    }
    for one in &mut pictures.distributions {
        one.segments.iter_mut().for_each(|shape| few(shape, judge));
    }
    for chart in &mut pictures.charts {
        match &mut chart.shows {
            ChartShows::Scatter { colour, groups, .. } => {
                for group in groups {
                    if !ids {
                        group.names.clear();
                    }
                    if let (Some(column), Some(label)) = (&colour, &mut group.label) {
                        if judge.hides(column, label, group.rows as f64) {
                            *label = HIDDEN.into();
                        }
                    }
                }
            }
            ChartShows::Boxes { by, boxes, .. } => {
                boxes.retain(|(label, shape)| !judge.hides(by, label, shape.count as f64));
            }
            ChartShows::Curve { .. } => {}
        }
    }
}

/// Empties the distribution of a few rows, which would be that of single people.
fn few(shape: &mut Shape, judge: &Judge) {
    if judge.is_few(shape.count) {
        shape.mean = None;
        shape.quantiles = None;
        shape.shares.iter_mut().for_each(|share| *share = 0.0);
    }
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
