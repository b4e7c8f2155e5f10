//! What a report must not show: ids, e-mail addresses, hashes, free text, and figures of so few rows that they are those of
//! single people. A report goes to people who may not see the table, so all of this is taken out of the results before any
//! section is made of them.
//!
//! What people wrote themselves stays: names, summaries, questions, and the recipe without its comments. So do the names of
//! columns.

mod answers;
mod blunt;
mod cells;
mod groups;
mod judge;
mod look;
mod names;
mod pictures;
mod profile;
mod recipe;
mod rounded;
#[cfg(test)]
mod tests;

pub(super) use rounded::round;

use crate::analysis::{MethodFound, Outcome};
use crate::describe::{Figures, NumericFigures};
use crate::model::{Direction, Middle, Model};
use crate::report::figures::whole;
use crate::report::json::Document;
use judge::Judge;
use names::{file_name, without_folders};

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
    /// Questions for the smallest or the largest value.
    pub extremes: usize,
    /// Rows whose points are not drawn.
    pub points: u64,
}

impl Withheld {
    /// What is not shown, in a sentence without its full stop. `least` is the number of rows that may be spoken of.
    pub fn in_words(&self, least: u64) -> Option<String> {
        let left = |times: usize, what: String| {
            (times > 0).then(|| format!("{what} ({} left out)", whole(times as u64)))
        };
        let points = match self.points {
            0 => None,
            1 => Some("1 row on the map, whose group is as small".to_string()),
            rows => Some(format!("{} rows on the map, whose groups are as small", whole(rows))),
        };
        let all = [
            left(self.rare, format!("values of fewer than {least} rows")),
            points,
            left(self.extremes, "smallest and largest values, which are those of single rows".into()),
            left(self.ids, "texts that look like ids, addresses or hashes".into()),
            left(self.lists, "lists of single rows".into()),
        ];
        let some: Vec<String> = all.into_iter().flatten().collect();
        (!some.is_empty()).then(|| some.join("; "))
    }
}

/// Takes out of the results what the report must not show, by the settings in [`Report`](crate::analysis::Report).
pub fn withhold(mut document: Document, model: &Model) -> (Document, Withheld) {
    let mut judge = Judge::new(&document.outcome, &model.aliases);
    let outcome = &mut document.outcome;
    if let Some(profile) = &mut outcome.profile {
        profile::of_profile(profile, outcome.report.ids, &mut judge);
    }
    of_method(&mut outcome.found);
    for other in outcome.compare_methods.iter_mut().flat_map(|compared| &mut compared.methods) {
        of_method(&mut other.found);
        if let Some(profile) = &mut other.profile {
            profile::of_profile(profile, false, &mut judge);
        }
    }
    of_description(outcome, &mut judge);
    let single_rows = outcome.report.rows;
    outcome.questions.iter_mut().for_each(|answer| answers::of_answer(answer, single_rows, &mut judge));
    groups::of_cohorts(outcome, &mut judge);
    outcome.comparisons.iter_mut().for_each(|compared| groups::of_table(compared, &mut judge));
    if let Some(pictures) = &mut outcome.pictures {
        pictures::of_pictures(pictures, outcome.profile.as_ref(), outcome.report.ids, &mut judge);
    }
    if let Some(drift) = &mut outcome.drift {
        drift.columns.retain(|column| !judge.is_key(&column.column));
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
        groups::of_moves(migration, &mut judge);
        migration.from = file_name(&migration.from);
        migration.previous = migration.previous.as_deref().map(file_name);
    }
    of_segments(outcome, &judge);
    if let Some(source) = &mut outcome.source {
        source.table = file_name(&source.table);
        source.recipe = source.recipe.as_deref().map(file_name);
        source.again = source.again.as_deref().map(without_folders);
        source.recipe_text = source.recipe_text.as_deref().map(|text| recipe::shown(text, &judge));
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
        let sizes = [change.size, change.previous_size];
        change.columns.retain(|column| match column.middle {
            Middle::Median => sizes.iter().all(|&rows| judge.shows_quantile(0.5, rows)),
            Middle::Share => {
                let shares = [column.now, column.previous];
                !shares.iter().zip(sizes).any(|(share, rows)| judge.is_cell(share * rows as f64))
            }
        });
        change.columns.retain(|column| !judge.is_key(&column.column));
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

fn of_description(outcome: &mut Outcome, judge: &mut Judge) {
    let Some(description) = &mut outcome.description else { return };
    for column in &mut description.columns {
        match &mut column.figures {
            Figures::Texts(texts) => {
                texts.top.retain(|one| !judge.hides(&column.column, &one.value, one.count as f64));
            }
            // The values of a key are ids.
            Figures::Numbers(numbers) if column.key => {
                **numbers = NumericFigures { whole: numbers.whole, ..NumericFigures::default() };
            }
            Figures::Numbers(numbers) => of_numbers(numbers, column.count as u64, judge),
            Figures::Booleans { true_share } => {
                let rows = column.count as f64;
                *true_share = true_share.filter(|share| !judge.is_cell(share * rows));
            }
            Figures::Empty {} => {}
        }
    }
}

/// Takes out the ends of a column's values and the quantiles that few of its rows lie beyond.
fn of_numbers(numbers: &mut NumericFigures, rows: u64, judge: &Judge) {
    if judge.guards() {
        (numbers.min, numbers.max) = (None, None);
    }
    if judge.tells_the_rest() {
        let spread = numbers.p75.zip(numbers.p25).map(|(high, low)| high - low).filter(|range| *range > 0.0);
        let unit = blunt::unit(spread.or(numbers.sd).unwrap_or(0.0) / 10.0);
        numbers.mean = numbers.mean.map(|mean| blunt::to_unit(mean, unit));
    }
    let quantiles = [
        (0.01, &mut numbers.p1),
        (0.05, &mut numbers.p5),
        (0.25, &mut numbers.p25),
        (0.5, &mut numbers.median),
        (0.75, &mut numbers.p75),
        (0.95, &mut numbers.p95),
        (0.99, &mut numbers.p99),
    ];
    for (q, value) in quantiles {
        *value = value.filter(|_| judge.shows_quantile(q, rows));
    }
}
