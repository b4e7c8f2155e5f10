//! What the segments were like last time and what they are like now, in the table's own columns and units.

use super::init::Before;
use super::migration::{Followed, Migration, State, follow};
use super::outcome::Outcome;
use super::previous::Found;
use crate::backend::Backend;
use crate::error::Result;
use crate::evidence::psi::Change;
use crate::evidence::shift::{LEVEL, p_value};
use crate::model::{Assignment, Assignments, ColumnFigures, LabelledTable, Middle, Model, segment_change};
use crate::profile::inference::{cohens_h, normal_two_sided};
use crate::profile::{Measure, Members, NumericFigures, Profile, numeric_figures};
use crate::table::Table;
use crate::weights::Weights;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::f64::consts::FRAC_PI_2;
use std::path::Path;

/// A segment, then and now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentChange {
    /// Its number.
    pub segment: u32,
    /// Its name, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many rows it has.
    pub size: u64,
    /// How many it had last time.
    pub previous_size: u64,
    /// Its share of the rows, or of their weight.
    pub share: f64,
    /// The same last time.
    pub previous_share: f64,
    /// The difference of the shares in percentage points.
    pub difference: f64,
    /// The probability that chance alone changes the share as much, corrected for the number of segments.
    pub p_value: f64,
    /// What kind of change that is.
    pub change: Change,
    /// Its columns, the one that changed most first.
    pub columns: Vec<ColumnChange>,
}

/// A column in a segment, then and now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnChange {
    /// The column.
    pub column: String,
    /// Which figure stands for the segment.
    pub middle: Middle,
    /// The figure now, in the column's own units.
    pub now: f64,
    /// The same last time.
    pub previous: f64,
    /// The size of the change: of medians in the column's spread at the last fit ([`ColumnFigures::spread`]), of shares
    /// Cohen's h. `None` if the column had no spread.
    pub effect: Option<f64>,
    /// Whether chance alone would rarely change as much, all columns and segments taken together.
    pub beyond_chance: bool,
}

/// The sizes and shares of a table's segments, by number.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sizes {
    /// How many rows each segment has.
    pub rows: Vec<u64>,
    /// Each segment's share of the rows, or of their weight.
    pub shares: Vec<f64>,
}

impl Sizes {
    /// Counts rows by their segments, which are below `k`.
    pub fn count(segments: impl Iterator<Item = u32>, k: usize) -> Self {
        let mut rows = vec![0u64; k];
        segments.for_each(|segment| rows.iter_mut().skip(segment as usize).take(1).for_each(|n| *n += 1));
        let all = rows.iter().sum::<u64>().max(1) as f64;
        Sizes { shares: rows.iter().map(|&n| n as f64 / all).collect(), rows }
    }

    /// Those of the fit that made a model.
    pub fn of_fit(model: &Model) -> Self {
        let mut rows = vec![0; model.k()];
        model.segments().for_each(|s| rows[s.number as usize] = s.size);
        Sizes { rows, shares: model.shares() }
    }
}

/// A table's segments: how many rows they have, and what they are like.
#[derive(Debug, Clone)]
struct Then<'a> {
    sizes: Cow<'a, Sizes>,
    /// The figures of each column.
    figures: &'a [ColumnFigures],
}

/// The segments of last time, of which `sizes` and `figures` are those of the fit: other rows may have been labelled since.
fn then<'a>(found: &Found, sizes: &'a Sizes, figures: &'a [ColumnFigures]) -> Then<'a> {
    let sizes = match found {
        Found::Previous(previous) if !previous.of_the_fit => {
            let segments = previous.states.iter().filter_map(|state| state.segment());
            Cow::Owned(Sizes::count(segments, sizes.rows.len()))
        }
        _ => Cow::Borrowed(sizes),
    };
    Then { sizes, figures }
}

/// Compares the segments of a table with those of last time. Segments of the same number are the same segment; columns that
/// only one of the tables has are left out.
fn segment_changes(then: Then<'_>, now: Then<'_>, names: &[Option<String>]) -> Vec<SegmentChange> {
    let (old, new) = (&*then.sizes, &*now.sizes);
    let k = new.rows.len().min(old.rows.len());
    let total = |sizes: &Sizes| sizes.rows.iter().sum::<u64>() as f64;
    let (n, m) = (total(old), total(new));
    let pairs = then.figures.iter().filter_map(|then| {
        let same = |now: &&ColumnFigures| now.column == then.column && now.middle == then.middle;
        Some((then, now.figures.iter().find(same)?))
    });
    let pairs: Vec<(&ColumnFigures, &ColumnFigures)> = pairs.collect();
    let comparisons = (pairs.len() * k) as f64;
    let one = |s: usize| {
        let rows = (old.rows[s] as f64, new.rows[s] as f64);
        let mut columns: Vec<ColumnChange> =
            pairs.iter().filter_map(|pair| ColumnChange::of(*pair, s, rows, comparisons)).collect();
        // What had no spread and changed all the same comes first.
        let size =
            |c: &ColumnChange| c.effect.map_or(if c.now == c.previous { 0.0 } else { f64::MAX }, f64::abs);
        columns.sort_by(|a, b| size(b).total_cmp(&size(a)));
        let (share, previous_share) = (new.shares[s], old.shares[s]);
        let (p_value, change) = segment_change((previous_share, n), (share, m), k);
        SegmentChange {
            segment: s as u32,
            name: names.get(s).cloned().flatten(),
            size: new.rows[s],
            previous_size: old.rows[s],
            share,
            previous_share,
            difference: 100.0 * (share - previous_share),
            p_value,
            change,
            columns,
        }
    };
    (0..k).map(one).collect()
}

impl Outcome {
    /// Adds how the segments and the columns changed since the model that the fit started from.
    pub(super) fn add_changes(&mut self, before: &Before, model: &Model, names: &[Option<String>]) {
        self.changes = before.changes(model, names);
        self.drift.clone_from(&before.drift);
    }
}

impl Before {
    /// The segments of last time beside those of a new fit, which has the same numbers.
    fn changes(&self, model: &Model, names: &[Option<String>]) -> Vec<SegmentChange> {
        let own = Sizes::of_fit(model);
        let now = Then { sizes: Cow::Borrowed(&own), figures: &model.figures };
        segment_changes(then(&self.found, &self.sizes, &self.figures), now, names)
    }
}

impl ColumnChange {
    /// Of a column then and now in one segment, which has so many rows then and now.
    fn of(
        (then, now): (&ColumnFigures, &ColumnFigures),
        segment: usize,
        (n, m): (f64, f64),
        comparisons: f64,
    ) -> Option<Self> {
        let (previous, value) = (then.segments.get(segment).copied()??, now.segments.get(segment).copied()??);
        let (effect, p) = match then.middle {
            Middle::Share => {
                let parts = |share: f64| [share, 1.0 - share];
                (Some(cohens_h(value, previous)), p_value((&parts(previous), n), (&parts(value), m)))
            }
            Middle::Median => {
                let effect = then.spread.map(|spread| (value - previous) / spread);
                let within = |of: &ColumnFigures| of.within.get(segment).copied().flatten().or(then.spread);
                let p = within(then).zip(within(now)).map_or(1.0, |(a, b)| {
                    // The standard error of the median of a normal distribution.
                    let error = libm::sqrt(FRAC_PI_2 * (a * a / n + b * b / m));
                    normal_two_sided((value - previous) / error)
                });
                (effect, if n.min(m) < LEAST_ROWS { 1.0 } else { p })
            }
        };
        let beyond_chance = value != previous && p * comparisons < LEVEL;
        let (column, middle) = (then.column.clone(), then.middle);
        Some(ColumnChange {
            column,
            middle,
            now: value,
            previous,
            effect: effect.filter(|e| e.is_finite()),
            beyond_chance,
        })
    }
}

/// In fewer rows the spread of a segment is too uncertain to tell how far chance moves its median.
const LEAST_ROWS: f64 = 30.0;

/// The spread of numbers: their interquartile range as a standard deviation; where half of them are equal, their standard
/// deviation. `None` if all are equal.
fn spread(of: &NumericFigures) -> Option<f64> {
    let quartiles = of.q1.zip(of.q3).map(|(q1, q3)| (q3 - q1) / QUARTILES);
    [quartiles, of.sd].into_iter().flatten().find(|s| s.is_finite() && *s > 0.0)
}

/// The ratio of the interquartile range of a normal distribution to its standard deviation.
const QUARTILES: f64 = 1.349;

/// What the segments of a profile are like, for a later comparison.
pub(super) fn figures_of(profile: &Profile) -> Vec<ColumnFigures> {
    let share =
        |column: &str| profile.separation.iter().any(|s| s.column == column && s.measure == Measure::Share);
    let numbers = profile.overall.0.iter().map(|(column, overall)| {
        let middle = if share(column) { Middle::Share } else { Middle::Median };
        let segments = profile.segments.iter().map(|s| {
            let own = s.numeric.get(column)?;
            if middle == Middle::Share { own.mean.map(|mean| mean.clamp(0.0, 1.0)) } else { own.median }
        });
        let segments = segments.collect();
        let numbers = middle == Middle::Median;
        let within = profile.segments.iter().filter(|_| numbers);
        let within = within.map(|s| s.numeric.get(column).and_then(spread)).collect();
        let spread = spread(overall).filter(|_| numbers);
        ColumnFigures { column: column.clone(), middle, spread, within, segments }
    });
    let first = profile.segments.first();
    let truths = first
        .into_iter()
        .flat_map(|s| &s.levels.0)
        .filter(|(_, levels)| levels.iter().all(|level| level.level == "true" || level.level == "false"));
    let truths = truths.map(|(column, _)| {
        let segments = profile.segments.iter().map(|s| {
            let levels = s.levels.get(column)?;
            let some = s.missing.get(column).is_none_or(|&missing| missing < s.size);
            let share = levels.iter().find(|level| level.level == "true").map_or(0.0, |level| level.share);
            some.then_some(share)
        });
        let (middle, spread, segments) = (Middle::Share, None, segments.collect());
        ColumnFigures { column: column.clone(), middle, spread, within: Vec::new(), segments }
    });
    let mut all: Vec<ColumnFigures> =
        numbers.chain(truths).filter(|column| column.segments.iter().any(Option::is_some)).collect();
    // The order of the table's columns is no part of a model.
    all.sort_by(|a, b| a.column.cmp(&b.column));
    all
}

/// A table that a saved model has labelled, and what its segments are like.
#[derive(Debug, Clone, PartialEq)]
pub struct Relabelled {
    /// Each row's segment.
    pub assignments: Assignments,
    /// The sizes of the segments.
    pub sizes: Sizes,
    /// The columns that the model remembers, as they are in this table.
    pub figures: Vec<ColumnFigures>,
}

/// Labels the rows of a table with a model, and computes the figures that the model remembers of its fit.
///
/// # Errors
/// As [`Model::assign`].
pub fn relabel(model: &Model, table: &Table, backend: &dyn Backend) -> Result<Relabelled> {
    let LabelledTable { assignments, whole, weights, .. } = model.label(table, backend)?;
    let segments: Vec<Option<u32>> = assignments.rows.iter().map(|row| row.map(|row| row.segment)).collect();
    let mut sizes = Sizes::count(segments.iter().flatten().copied(), model.k());
    let weights = weights.map(|weights| of_all_rows(&weights, &segments));
    if let Some(weights) = &weights {
        sizes.weigh(&segments, weights);
    }
    let grouped = model.preparation.group.is_some();
    let own = |name: &str| table.column(name).filter(|_| !grouped);
    let column = |name: &str| whole.column(name).or_else(|| own(name)).map(|column| &column.values);
    // A table none of whose rows gets a segment has no figures.
    let members = Members::new(&segments, model.k(), weights.as_ref()).ok();
    let figures = |then: &ColumnFigures| {
        let figures = numeric_figures(column(&then.column)?, members.as_ref()?)?;
        let middle = |of: &NumericFigures| match then.middle {
            Middle::Median => of.median,
            Middle::Share => of.mean.filter(|mean| (0.0..=1.0).contains(mean)),
        };
        let numbers = then.middle == Middle::Median;
        let within = figures.iter().filter(|_| numbers).map(spread).collect();
        Some(ColumnFigures { segments: figures.iter().map(middle).collect(), within, ..then.clone() })
    };
    let figures = model.figures.par_iter().filter_map(figures).collect();
    Ok(Relabelled { assignments, sizes, figures })
}

/// What changed since last time, for a table that a saved model has labelled.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Since {
    /// Where the rows were, if last time's assignments are at hand.
    pub followed: Option<Followed>,
    /// Where each row is; empty if nobody was followed.
    pub states: Vec<State>,
    /// Who moved.
    pub migration: Option<Migration>,
    /// What the segments were like at the fit, and what they are like now.
    pub changes: Vec<SegmentChange>,
}

impl Relabelled {
    /// Compares the table with last time's, as far as its assignments are at hand. `path` is the model's file, and `ids` are
    /// the ids of the table's rows.
    pub fn since(
        &self,
        model: &Model,
        path: &Path,
        found: &Found,
        ids: Option<&(String, Vec<String>)>,
    ) -> Since {
        let names = model.names();
        let now = Then { sizes: Cow::Borrowed(&self.sizes), figures: &self.figures };
        let changes = segment_changes(then(found, &Sizes::of_fit(model), &model.figures), now, &names);
        let (Found::Previous(previous), Some((id, ids))) = (found, ids) else {
            return Since { changes, ..Since::default() };
        };
        let Assignments { rows, left_out, .. } = &self.assignments;
        let state =
            |(row, found): (usize, &Option<Assignment>)| State::of(row, found.map(|f| f.segment), left_out);
        let states: Vec<State> = rows.iter().enumerate().map(state).collect();
        let followed = follow((&previous.ids, &previous.states), names, (id, ids));
        let (from, file) = (path.display().to_string(), previous.path.display().to_string());
        let migration = Some(Migration::followed(from, file, &followed, &states, model.k()));
        let shown = previous.named || !followed.nothing_changed(&states);
        Since { followed: shown.then_some(followed), states, migration, changes }
    }
}

/// Weights of the rows that have a segment as weights of all rows, in which the others count for nothing.
fn of_all_rows(weights: &Weights, segments: &[Option<u32>]) -> Weights {
    let mut own = weights.steps().iter();
    let steps = segments.iter().map(|s| s.and_then(|_| own.next().copied()).unwrap_or(0));
    weights.with_steps(steps.collect())
}

impl Sizes {
    /// Takes the shares of the weight instead of the rows.
    fn weigh(&mut self, segments: &[Option<u32>], weights: &Weights) {
        let mut steps = vec![0u128; self.rows.len()];
        for (segment, &step) in segments.iter().zip(weights.steps()) {
            if let Some(own) = segment.and_then(|s| steps.get_mut(s as usize)) {
                *own += u128::from(step);
            }
        }
        let all = steps.iter().sum::<u128>().max(1) as f64;
        self.shares = steps.iter().map(|&own| own as f64 / all).collect();
    }
}
