//! Takes out of the profile of the segments what would tell about a few rows.

use super::blunt::{to_unit, unit_among};
use super::judge::{Judge, with_value};
use crate::profile::rules::{Rule, Test};
use crate::profile::{LevelShare, Measure, NumericFigures, OTHER, Profile, SegmentProfile, describe};
use std::collections::HashSet;

pub(super) fn of_profile(profile: &mut Profile, ids: bool, judge: &mut Judge) {
    let there = with_value(profile);
    // A share is of the rows that have a value.
    let rows = |column: &str, share: f64| share * there.get(column).copied().unwrap_or(0) as f64;
    // The mean of a column of 0 and 1 is the share of those who say yes.
    let yes_or_no: HashSet<String> = profile
        .separation
        .iter()
        .filter(|one| one.measure == Measure::Share)
        .map(|one| one.column.clone())
        .collect();
    for (column, figures) in &mut profile.overall.0 {
        of_numbers(figures, there.get(column).copied().unwrap_or(0), yes_or_no.contains(column), judge);
        if judge.is_key(column) {
            *figures = NumericFigures { missing: figures.missing, ..NumericFigures::default() };
        }
    }
    for segment in &mut profile.segments {
        if !ids {
            segment.typical.clear();
        }
        if judge.is_few(segment.size) {
            of_few(segment);
            continue;
        }
        let thin = thin(segment, judge);
        // How many rows of the segment a share of them is.
        let own: Vec<(String, u64)> = of_segment(segment);
        let here = |column: &str, share: f64| {
            let there = own.iter().find(|(name, _)| name == column).map_or(segment.size, |(_, rows)| *rows);
            share * there as f64
        };
        let before = segment.traits.len();
        segment.traits.retain(|one| {
            let all = rows(&one.column, one.overall);
            let hidden = thin.contains(&one.column)
                || (one.measure == Measure::Share && judge.is_rare(here(&one.column, one.value)))
                || one.level.as_ref().is_some_and(|level| judge.hides(&one.column, level, all));
            !hidden
        });
        if segment.traits.len() < before {
            segment.description = match segment.traits.is_empty() {
                true => "what sets it apart is not shown here".into(),
                false => describe(&segment.traits),
            };
        }
        segment.lifts.retain(|lift| {
            !thin.contains(&lift.column)
                && !judge.is_rare(rows(&lift.column, lift.overall))
                && !judge.is_rare(here(&lift.column, lift.share))
        });
        for (column, levels) in &mut segment.levels.0 {
            let all = std::mem::take(levels);
            if !thin.contains(column) {
                *levels = merged(column, all, (rows(column, 1.0), here(column, 1.0)), judge);
            }
        }
        let size = segment.size;
        for (column, figures) in &mut segment.numeric.0 {
            if thin.contains(column) {
                *figures = NumericFigures { missing: figures.missing, ..NumericFigures::default() };
            } else {
                let rows = size.saturating_sub(figures.missing);
                of_numbers(figures, rows, yes_or_no.contains(column), judge);
            }
        }
        if segment.in_doubt.is_some_and(|rows| judge.is_cell(rows as f64)) {
            segment.in_doubt = None;
        }
        of_rule(segment, judge);
    }
    if judge.tells_the_rest() {
        blunt(profile);
    }
}

/// Rounds means. The mean of all rows less those of the segments that are shown would be the mean of the few rows that are not.
fn blunt(profile: &mut Profile) {
    for (column, all) in &mut profile.overall.0 {
        let unit = unit_among(all);
        let round = |value: &mut Option<f64>| *value = value.map(|value| to_unit(value, unit));
        round(&mut all.mean);
        for segment in &mut profile.segments {
            let own = segment.numeric.0.iter_mut().filter(|(name, _)| name == column);
            own.for_each(|(_, figures)| {
                [&mut figures.mean, &mut figures.low, &mut figures.high].into_iter().for_each(round)
            });
            let means =
                segment.traits.iter_mut().filter(|one| one.column == *column && one.measure == Measure::Mean);
            for one in means {
                (one.value, one.overall) = (to_unit(one.value, unit), to_unit(one.overall, unit));
                [&mut one.low, &mut one.high].into_iter().for_each(round);
            }
        }
    }
}

/// How many rows of a segment have a value in each column.
fn of_segment(segment: &SegmentProfile) -> Vec<(String, u64)> {
    let numbers = segment.numeric.0.iter().map(|(column, figures)| (column, figures.missing));
    let texts = segment.missing.0.iter().map(|(column, missing)| (column, *missing));
    numbers
        .chain(texts)
        .map(|(column, missing)| (column.clone(), segment.size.saturating_sub(missing)))
        .collect()
}

/// Takes out the quantiles that few of so many rows lie beyond, and the share of a few rows.
fn of_numbers(figures: &mut NumericFigures, rows: u64, yes_or_no: bool, judge: &Judge) {
    if yes_or_no && figures.mean.is_some_and(|share| judge.is_cell(share * rows as f64)) {
        (figures.mean, figures.sd, figures.low, figures.high) = (None, None, None, None);
    }
    for (q, value) in [(0.25, &mut figures.q1), (0.5, &mut figures.median), (0.75, &mut figures.q3)] {
        *value = value.filter(|_| judge.shows_quantile(q, rows));
    }
}

fn of_rule(segment: &mut SegmentProfile, judge: &mut Judge) {
    let Some(rule) = &segment.rule else { return };
    let tested = rule.tested;
    let why = if names_hidden(rule, judge) {
        "the rule names values that are not shown here"
    } else if [tested.segment, tested.met, tested.both].iter().any(|&rows| judge.is_cell(rows)) {
        "too few rows meet the rule for it to be shown here"
    } else {
        return;
    };
    segment.rule = None;
    segment.no_rule = Some(why.into());
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

/// The columns that a segment has no figures of: keys, and those in which so few of its rows have a value that the figures would
/// be those of single people.
fn thin(segment: &SegmentProfile, judge: &Judge) -> HashSet<String> {
    let columns = of_segment(segment);
    let few = columns.iter().filter(|(_, rows)| judge.is_few(*rows)).map(|(column, _)| column);
    let named =
        segment.levels.0.iter().map(|(column, _)| column).chain(segment.traits.iter().map(|one| &one.column));
    let all = columns.iter().map(|(column, _)| column).chain(named);
    few.chain(all.filter(|column| judge.is_key(column))).cloned().collect()
}

/// The categories that may be shown, and the others put together. `rows` and `here` are the rows of the table and of the segment
/// that have a value.
fn merged(
    column: &str,
    levels: Vec<LevelShare>,
    (rows, here): (f64, f64),
    judge: &mut Judge,
) -> Vec<LevelShare> {
    let hidden = |level: &LevelShare, judge: &mut Judge| {
        judge.hides(column, &level.level, level.overall * rows)
            || (!judge.is_to_be_shown(column) && judge.is_rare(level.share * here))
    };
    let (mut shown, mut rest): (Vec<LevelShare>, Vec<LevelShare>) = (Vec::new(), Vec::new());
    for level in levels {
        if level.level == OTHER || hidden(&level, judge) { rest.push(level) } else { shown.push(level) }
    }
    if let Some(first) = rest.first() {
        let sum = |of: fn(&LevelShare) -> f64| rest.iter().map(of).sum::<f64>();
        let (share, overall) = (sum(|l| l.share), sum(|l| l.overall));
        // What is put together may still be a few rows.
        if !judge.is_rare(share * here) && !judge.is_rare(overall * rows) {
            let lone = rest.len() == 1;
            let (low, high) = if lone { (first.low, first.high) } else { (share, share) };
            shown.push(LevelShare { level: OTHER.into(), share, overall, lift: share - overall, low, high });
        }
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
