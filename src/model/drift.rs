//! Compares a table with the one that a model was fitted to.

use super::reference::distances;
use super::{LabelledTable, Model};
use crate::backend::Backend;
use crate::error::{Error, Place, Result};
use crate::evidence::psi::{Change, MODERATE, by_chance, psi};
use crate::evidence::shift::{LEVEL, largest, ordered, p_value};
use crate::recipe::{BinCounts, ColumnReference};
use crate::table::Table;
use serde::{Deserialize, Serialize};

/// How a table differs from the one that a model was fitted to.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// Number of rows of the table, or of groups if the model groups rows.
    pub rows: usize,
    /// Number of rows that got a segment; only these are compared.
    pub labelled: usize,
    /// One for each column that features are made from; the one that changed most comes first.
    pub columns: Vec<ColumnDrift>,
    /// One for each segment, by its number.
    pub segments: Vec<SegmentDrift>,
    /// The population stability index of the segments' shares.
    pub segments_psi: f64,
    /// What kind of change that is.
    pub segments_change: Change,
    /// The quantiles 0, 0.05 and so on up to 1 of the rows' distances to their centroids.
    pub distances: Vec<f64>,
    /// What a person should know, such as categories that the fit did not see.
    pub warnings: Vec<String>,
}

/// A column, now and in the fit.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDrift {
    /// The column's name.
    pub column: String,
    /// The population stability index over the bins of the reference.
    pub psi: f64,
    /// The most that a share has moved, in percentage points: of a category, of true, of missing values; of numbers the most
    /// that the share of the rows below an edge between bins has.
    pub points: f64,
    /// The probability that chance alone changes as much, corrected for the number of columns.
    pub p_value: f64,
    /// What kind of change that is.
    pub change: Change,
    /// Which way it went.
    pub direction: Direction,
    /// The share of the rows that have no value.
    pub missing: f64,
    /// The same share in the fit.
    pub fitted_missing: f64,
}

/// A segment, now and in the fit.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentDrift {
    /// The segment's number.
    pub segment: u32,
    /// Its number of rows.
    pub size: u64,
    /// Its share of the rows, or of their weight if both the fit and this table have weights.
    pub share: f64,
    /// The same share in the fit.
    pub fitted_share: f64,
    /// The probability that chance alone changes the share as much, corrected for the number of segments.
    pub p_value: f64,
    /// What kind of change that is.
    pub change: Change,
}

/// Which way a column went. Shares are of all rows that got a segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Direction {
    /// A column of numbers.
    Median {
        /// The median; `None` if every value is missing.
        median: Option<f64>,
        /// The same in the fit; `None` also for models that an older version made.
        fitted_median: Option<f64>,
        /// The edge between bins below which the share of the rows changed most; `None` if no share changed.
        at_most: Option<BelowDrift>,
    },
    /// A column of true and false.
    Truth {
        /// The share of true.
        true_share: f64,
        /// The same in the fit.
        fitted_true_share: f64,
    },
    /// A column of texts.
    Categories {
        /// The category that grew most; `None` if none did.
        grew: Option<CategoryDrift>,
        /// The category that shrank most; `None` if none did.
        shrank: Option<CategoryDrift>,
    },
}

/// The rows with a number up to a certain one, now and in the fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BelowDrift {
    /// The number.
    pub value: f64,
    /// The share of the rows with this number or a smaller one.
    pub share: f64,
    /// The same in the fit.
    pub fitted_share: f64,
}

/// A category, now and in the fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CategoryDrift {
    /// The category, or what is put together: rarer categories, missing values, and texts that the fit did not see.
    pub level: String,
    /// Its share of the rows.
    pub share: f64,
    /// The same in the fit.
    pub fitted_share: f64,
}

impl ColumnDrift {
    /// `n` and `m` are the numbers of rows then and now, and `comparisons` that of all comparisons.
    fn new(reference: &ColumnReference, counted: &BinCounts, (n, m): (f64, f64), comparisons: usize) -> Self {
        let (then, now) = (reference.shares(), counted.shares());
        let missing = (counted.missing(), reference.missing());
        let (mut points, mut at_most) = (largest(&then, &now).map_or(0.0, |(_, change)| change.abs()), None);
        if let ColumnReference::Number { edges, .. } = reference {
            let bins = |shares: &[f64]| shares[..shares.len().min(edges.len() + 1)].to_vec();
            let (old, new) = (bins(&then), bins(&now));
            let below = ordered(&old, &new).filter(|(_, change)| *change != 0.0);
            points = below.map_or(0.0, |(_, change)| change.abs()).max(f64::abs(missing.0 - missing.1));
            let up_to = |shares: &[f64], bin: usize| shares.iter().take(bin + 1).sum::<f64>().min(1.0);
            at_most = below.and_then(|(bin, _)| {
                let (share, fitted_share) = (up_to(&new, bin), up_to(&old, bin));
                edges.get(bin).map(|&value| BelowDrift { value, share, fitted_share })
            });
        }
        let (psi, points) = (psi(&then, &now), 100.0 * points);
        let p_value = (p_value((&then, n), (&now, m)) * comparisons as f64).min(1.0);
        let direction = match reference {
            ColumnReference::Number { median, .. } => {
                Direction::Median { median: counted.median, fitted_median: *median, at_most }
            }
            ColumnReference::Bool { yes, .. } => {
                Direction::Truth { true_share: now.get(1).copied().unwrap_or(0.0), fitted_true_share: *yes }
            }
            ColumnReference::OneHot { .. } => {
                categories(&reference.levels().unwrap_or_default(), &then, &now)
            }
        };
        ColumnDrift {
            column: reference.column().to_string(),
            psi,
            points,
            p_value,
            change: Change::judge(psi, points, p_value),
            direction,
            missing: missing.0,
            fitted_missing: missing.1,
        }
    }
}

/// The categories that grew and shrank most.
fn categories(levels: &[&str], then: &[f64], now: &[f64]) -> Direction {
    let all = levels.iter().zip(then).zip(now).map(|((level, &fitted_share), &share)| CategoryDrift {
        level: level.to_string(),
        share,
        fitted_share,
    });
    let (mut grew, mut shrank): (Option<CategoryDrift>, Option<CategoryDrift>) = (None, None);
    let change = |of: &Option<CategoryDrift>| of.as_ref().map_or(0.0, |c| c.share - c.fitted_share);
    for one in all {
        let own = one.share - one.fitted_share;
        if own > change(&grew) {
            grew = Some(one);
        } else if own < change(&shrank) {
            shrank = Some(one);
        }
    }
    Direction::Categories { grew, shrank }
}

impl Model {
    /// Compares the columns of a table that the model has labelled with those of the fit, the one that changed most first. Empty if
    /// no row got a segment.
    ///
    /// # Errors
    /// As [`Model::reference`].
    pub(crate) fn column_drift(&self, labelled: &LabelledTable<'_>) -> Result<Vec<ColumnDrift>> {
        let reference = self.reference()?;
        let rows = (self.rows as f64, labelled.assignments.rows.iter().flatten().count() as f64);
        // The segments' shares are one more comparison.
        let comparisons = reference.columns.len() + 1;
        let column = |(then, now)| ColumnDrift::new(then, now, rows, comparisons);
        let mut columns: Vec<ColumnDrift> =
            reference.columns.iter().zip(&labelled.counted).map(column).collect();
        columns.sort_by(|a, b| b.psi.total_cmp(&a.psi));
        Ok(columns)
    }

    /// Labels the rows of a table and compares them with the rows of the fit.
    ///
    /// # Errors
    /// As [`Model::assign`] and [`Model::reference`]; a table in which no row gets a segment.
    pub fn drift(&self, table: &Table, backend: &dyn Backend) -> Result<Drift> {
        let reference = self.reference()?;
        let labelled_table = self.label(table, backend)?;
        let columns = self.column_drift(&labelled_table)?;
        let LabelledTable { assignments: assigned, weights, .. } = labelled_table;
        let mut sizes = vec![0u64; self.k()];
        let mut copies = vec![0.0; self.k()];
        for (i, row) in assigned.rows.iter().flatten().enumerate() {
            sizes[row.segment as usize] += 1;
            copies[row.segment as usize] += weights.as_ref().map_or(1.0, |w| w.copies(i));
        }
        let all = copies.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let labelled = sizes.iter().sum::<u64>() as usize;
        if labelled == 0 {
            return Err(Error::at(
                Place::file(table.source.as_str()),
                "no row of this table gets a segment, so there is nothing to compare",
            ));
        }
        // The segments' shares are one more comparison.
        let comparisons = reference.columns.len() + 1;
        let rows = (self.rows as f64, labelled as f64);
        let shares: Vec<f64> = copies.iter().map(|own| own / all).collect();
        let fitted = self.shares();
        let segments: Vec<SegmentDrift> = (0..self.k())
            .map(|s| {
                let (p_value, change) = segment_change((fitted[s], rows.0), (shares[s], rows.1), self.k());
                let (size, share, fitted_share) = (sizes[s], shares[s], fitted[s]);
                SegmentDrift { segment: s as u32, size, share, fitted_share, p_value, change }
            })
            .collect();
        let segments_psi = psi(&fitted, &shares);
        let points = largest(&fitted, &shares).map_or(0.0, |(_, change)| 100.0 * change);
        let chance = (p_value((&fitted, rows.0), (&shares, rows.1)) * comparisons as f64).min(1.0);
        let segments_change = Change::judge(segments_psi, points, chance);
        let mut warnings = assigned.warnings;
        if let (Some(column), None) = (&self.weight_column, &weights) {
            warnings.push(format!(
                "the fit was weighted by column {column}, but this table has no usable weights there, so every row counts once"
            ));
        }
        let chance = by_chance(TENTHS, self.rows, labelled);
        if chance >= MODERATE / 2.0 {
            warnings
                .push(format!("there are so few rows that chance alone gives a PSI of about {chance:.2}"));
        }
        Ok(Drift {
            rows: assigned.rows.len(),
            labelled,
            columns,
            segments,
            segments_psi,
            segments_change,
            distances: distances(&assigned.rows, weights.as_ref()),
            warnings,
        })
    }
}

/// The change of a segment's share, one of `k`, between `n` rows then and `m` rows now: the probability that chance alone
/// changes one of the shares as much, and the word for the change.
pub fn segment_change((then, n): (f64, f64), (now, m): (f64, f64), k: usize) -> (f64, Change) {
    let p = p_value((&[then, 1.0 - then], n), (&[now, 1.0 - now], m)) * k as f64;
    let change = match Change::of_points(100.0 * (now - then)) {
        Change::Stable => Change::Stable,
        _ if p >= LEVEL => Change::Chance,
        change => change,
    };
    (p.min(1.0), change)
}

/// How many bins a column of numbers has, unless many rows share a value.
const TENTHS: usize = 10;
