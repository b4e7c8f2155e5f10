//! What a report must not show: ids, e-mail addresses, hashes, free text, categories that few rows have. A report goes to
//! people who may not see the table, so all of this is taken out of the results before any section is made of them.
//!
//! What people wrote themselves stays: names, summaries, questions, the recipe. So do the names of columns.

mod answers;
mod judge;
mod look;
mod names;
#[cfg(test)]
mod tests;

use crate::analysis::{ChartShows, MethodFound, Outcome, Pictures, Shape};
use crate::describe::Figures;
use crate::model::{Direction, Model};
use crate::profile::rules::{Rule, Test};
use crate::profile::{LevelShare, NumericFigures, OTHER, Profile, SegmentProfile, describe};
use crate::questions::Cell;
use crate::report::json::Document;
use judge::{Judge, with_value};
use names::{file_name, without_folders};
use std::collections::HashSet;

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
    outcome.questions.iter_mut().for_each(|answer| answers::of_answer(answer, single_rows, &mut judge));
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
    of_segments(outcome, &judge);
    if let Some(source) = &mut outcome.source {
        source.table = file_name(&source.table);
        source.recipe = source.recipe.as_deref().map(file_name);
        source.again = source.again.as_deref().map(without_folders);
    }
    (document, judge.withheld())
}

/// Takes the figures out of what is said about segments of few rows, then or now, and the values that split them off.
fn of_segments(outcome: &mut Outcome, judge: &Judge) {
    for segment in outcome.segments.iter_mut().flatten().filter(|one| judge.is_few(one.size)) {
        segment.centroid.clear();
    }
    for change in &mut outcome.changes {
        if judge.is_few(change.size) || judge.is_few(change.previous_size) {
            change.columns.clear();
        }
    }
    let segments = outcome.segments.as_deref().unwrap_or_default();
    let size = |number: u32| segments.iter().find(|one| one.segment == number).map_or(0, |one| one.size);
    for split in outcome.regrouped.iter_mut().flat_map(|found| &mut found.split) {
        for (value, to) in split.values.iter_mut().flatten().zip(&split.to) {
            if judge.is_few(size(*to)) {
                *value = value.as_ref().map(|_| HIDDEN.into());
            }
        }
    }
}

fn of_method(found: &mut MethodFound) {
    // Exemplars are single rows.
    if let Some(affinity) = &mut found.affinity {
        affinity.exemplars.clear();
    }
}

fn of_profile(profile: &mut Profile, ids: bool, judge: &mut Judge) {
    let there = with_value(profile);
    // A share is of the rows that have a value.
    let rows = |column: &str, share: f64| share * there.get(column).copied().unwrap_or(0) as f64;
    for segment in &mut profile.segments {
        if !ids {
            segment.typical.clear();
        }
        if judge.is_few(segment.size) {
            of_few(segment);
            continue;
        }
        let thin = thin(segment, judge);
        let before = segment.traits.len();
        segment.traits.retain(|one| {
            let rows = rows(&one.column, one.overall);
            !thin.contains(&one.column)
                && !one.level.as_ref().is_some_and(|level| judge.hides(&one.column, level, rows))
        });
        if segment.traits.len() < before {
            segment.description = match segment.traits.is_empty() {
                true => "what sets it apart is not shown here".into(),
                false => describe(&segment.traits),
            };
        }
        segment
            .lifts
            .retain(|lift| !thin.contains(&lift.column) && !judge.is_rare(rows(&lift.column, lift.overall)));
        for (column, levels) in &mut segment.levels.0 {
            let all = std::mem::take(levels);
            if !thin.contains(column) {
                *levels = merged(column, all, rows(column, 1.0), judge);
            }
        }
        for (_, figures) in segment.numeric.0.iter_mut().filter(|(column, _)| thin.contains(column)) {
            *figures = NumericFigures { missing: figures.missing, ..NumericFigures::default() };
        }
        if segment.rule.as_ref().is_some_and(|rule| names_hidden(rule, judge)) {
            segment.rule = None;
            segment.no_rule = Some("the rule names values that are not shown here".into());
        }
    }
}

/// Leaves of a segment of few rows only how large it is.
fn of_few(segment: &mut SegmentProfile) {
    segment.description = "it has too few rows to be described here".into();
    segment.no_rule = segment.rule.take().map(|_| "it has too few rows for a rule to be shown here".into());
    segment.traits.clear();
    segment.lifts.clear();
    segment.levels.0.clear();
    segment.missing.0.clear();
    segment.in_doubt = None;
    segment.numeric.0.iter_mut().for_each(|(_, figures)| *figures = NumericFigures::default());
}

/// The columns in which so few rows of a segment have a value that its figures would be those of single people.
fn thin(segment: &SegmentProfile, judge: &Judge) -> HashSet<String> {
    let numbers = segment.numeric.0.iter().map(|(column, figures)| (column, figures.missing));
    let texts = segment.missing.0.iter().map(|(column, missing)| (column, *missing));
    let few = numbers.chain(texts).filter(|(_, missing)| judge.is_few(segment.size.saturating_sub(*missing)));
    few.map(|(column, _)| column.clone()).collect()
}

/// The categories that may be shown, and the others put together.
fn merged(column: &str, levels: Vec<LevelShare>, rows: f64, judge: &mut Judge) -> Vec<LevelShare> {
    let hidden = |level: &LevelShare, judge: &mut Judge| {
        level.level != OTHER && judge.hides(column, &level.level, level.overall * rows)
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
        match &mut column.figures {
            Figures::Texts(texts) => {
                texts.top.retain(|one| !judge.hides(&column.column, &one.value, one.count as f64));
            }
            // The values of a key are ids.
            Figures::Numbers(numbers) if column.key => {
                **numbers = crate::describe::NumericFigures { whole: numbers.whole, ..Default::default() };
            }
            Figures::Numbers(_) | Figures::Booleans { .. } | Figures::Empty {} => {}
        }
    }
}

fn of_cohorts(outcome: &mut Outcome, judge: &mut Judge) {
    let Some(stability) = &mut outcome.stability else { return };
    let column = stability.cohort.clone().unwrap_or_default();
    for one in &mut stability.cohorts {
        if one.cohort.as_ref().is_some_and(|cohort| judge.hides(&column, cohort, one.rows as f64)) {
            one.cohort = Some(HIDDEN.into());
        }
        if judge.is_few(one.rows as u64) {
            one.segments.clear();
            (one.agreement, one.ari) = (None, None);
            one.note = Some("too few rows to be shown here".into());
        }
        for segment in &mut one.segments {
            if judge.is_few((segment.share * one.rows as f64).round() as u64) {
                segment.features.clear();
            }
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
        map.groups.iter_mut().filter(|_| !ids).for_each(|group| group.names.clear());
    }
    if let Some(members) = &mut pictures.members {
        let columns = members.columns.clone();
        members.rows.retain(|member| !judge.is_few_of(member.segment));
        for member in &mut members.rows {
            for (column, cell) in columns.iter().zip(&mut member.cells) {
                if matches!(cell, Cell::Text(text) if judge.hides_unknown(column, text)) {
                    *cell = Cell::Text(HIDDEN.into());
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
                    if let (Some(column), Some(label)) = (&colour, &mut group.label)
                        && judge.hides(column, label, group.rows as f64)
                    {
                        *label = HIDDEN.into();
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
