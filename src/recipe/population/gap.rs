//! `[population] gap`: the rows on one side of the widest gap along some columns, such as the components of a layout in which
//! two groups lie far apart.

use serde::{Deserialize, Serialize};

use crate::recipe::condition::FittedCondition;
use crate::recipe::decode::Section;
use crate::recipe::drops::RowStatus;
use crate::recipe::fitted_step::numbers_or;
use crate::recipe::preparation::matches;
use crate::recipe::rows::no_column;
use crate::table::Table;
use crate::weights::Weights;

/// Which columns are looked at, and which side of the gap is the population.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The name of a column, or a glob that stands for several. The gap that is widest in the columns' own units is taken.
    pub columns: String,
    /// The side.
    pub keep: GapSide,
}

/// A side of a gap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GapSide {
    /// The side with more rows; if both have as many, the one below.
    #[default]
    Larger,
    /// The other side.
    Smaller,
    /// The rows above the gap.
    Above,
    /// The rows below it.
    Below,
}

/// A gap must leave this share of the rows on each side, so that a few outliers do not make one.
const LEAST_SHARE: f64 = 0.01;

/// The gap between two neighbouring values of a column.
struct Found<'a> {
    column: &'a str,
    low: f64,
    high: f64,
    /// The column's smallest and largest value.
    range: f64,
    /// The weight of the rows below the gap, and of all.
    below: f64,
    all: f64,
}

impl Gap {
    /// Reads the keys `gap` and `keep`. `None`: there are none; `Some(None)`: they are wrong.
    pub(super) fn decode(section: &Section<'_>) -> Option<Option<Gap>> {
        let keep = section.take("keep");
        let Some(value) = section.take("gap") else {
            return keep.map(|keep| {
                keep.fault("keep chooses a side of a gap, so it needs the key gap");
                None
            });
        };
        let words = [
            ("larger", GapSide::Larger),
            ("smaller", GapSide::Smaller),
            ("above", GapSide::Above),
            ("below", GapSide::Below),
        ];
        let keep = keep.map_or(Some(GapSide::default()), |keep| keep.word(&words));
        Some(value.text().zip(keep).map(|(columns, keep)| Gap { columns, keep }))
    }

    /// The condition that the rows on the chosen side of the widest gap meet, and a sentence about the gap.
    ///
    /// # Errors
    /// A sentence: no such column, a column of texts, or no gap.
    pub(super) fn fit(
        &self,
        table: &Table,
        weights: Option<&Weights>,
        statuses: &[RowStatus],
    ) -> std::result::Result<(FittedCondition, String), String> {
        let columns: Vec<_> = table.columns.iter().filter(|c| matches(&self.columns, &c.name)).collect();
        if columns.is_empty() {
            return Err(no_column(table, &[], &self.columns));
        }
        let mut widest: Option<Found<'_>> = None;
        for column in columns {
            let numbers =
                numbers_or(&column.values, || format!("a gap needs numbers, and {} has none", column.name))?;
            let copies = |row: usize| weights.map_or(1.0, |weights| weights.copies(row));
            let rows = numbers
                .iter()
                .enumerate()
                .filter(|(row, v)| v.is_finite() && statuses[*row] == RowStatus::Kept);
            let mut values: Vec<(f64, f64)> = rows.map(|(row, v)| (*v, copies(row))).collect();
            values.sort_by(|a, b| a.0.total_cmp(&b.0));
            let found = widest_gap(&column.name, &values);
            let wider = |best: &Found<'_>, own: &Found<'_>| own.high - own.low > best.high - best.low;
            widest = match (widest, found) {
                (Some(best), Some(own)) if !wider(&best, &own) => Some(best),
                (best, own) => own.or(best),
            };
        }
        let found = widest.ok_or_else(|| {
            format!(
                "{} has no gap that leaves at least {:.0} % of the rows on each side",
                self.columns,
                100.0 * LEAST_SHARE
            )
        })?;
        let limit = limit(found.low, found.high);
        let above = match self.keep {
            GapSide::Above => true,
            GapSide::Below => false,
            GapSide::Larger => 2.0 * found.below < found.all,
            GapSide::Smaller => 2.0 * found.below >= found.all,
        };
        let share = 100.0 * (found.high - found.low) / found.range;
        let note = format!(
            "population: the widest gap is along {}, from {:.4} to {:.4}, {share:.0} % of its range",
            found.column, found.low, found.high
        );
        Ok((FittedCondition::beyond(found.column, above, limit), note))
    }
}

/// The widest gap between values in ascending order, each with its weight.
fn widest_gap<'a>(column: &'a str, values: &[(f64, f64)]) -> Option<Found<'a>> {
    let all: f64 = values.iter().map(|(_, copies)| copies).sum();
    let (first, last) = (values.first()?.0, values.last()?.0);
    let least = LEAST_SHARE * all;
    let (mut below, mut best): (f64, Option<Found<'a>>) = (0.0, None);
    for pair in values.windows(2) {
        let ((low, copies), (high, _)) = (pair[0], pair[1]);
        below += copies;
        let wider = best.as_ref().is_none_or(|best| high - low > best.high - best.low);
        if high > low && below >= least && all - below >= least && wider {
            best = Some(Found { column, low, high, range: last - first, below, all });
        }
    }
    best
}

/// A number in the middle half of a gap, with as few decimals as that allows.
fn limit(low: f64, high: f64) -> f64 {
    let middle = low + (high - low) / 2.0;
    let near = |v: f64| (v - middle).abs() <= (high - low) / 4.0;
    let rounded = (0..=9).map(|digits| {
        let unit = 10f64.powi(digits);
        (middle * unit).round() / unit
    });
    rounded.into_iter().find(|v| near(*v)).unwrap_or(middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_short_and_lies_in_the_gap() {
        assert_eq!(limit(3.0, 9.0), 6.0);
        assert_eq!(limit(3.1, 3.5), 3.3);
        assert_eq!(limit(0.123_4, 0.123_6), 0.123_5);
        let next = 1f64.next_up();
        assert!((1.0..=next).contains(&limit(1.0, next)));
    }
}
