//! Lists of nearest neighbours, and tables of 0 and 1 on a device.

use super::{Labeling, SelfMatches, SumsSink};
use crate::error::{Error, Result};
use crate::matrix::BinaryMatrix;
use crate::progress::Progress;

/// The most neighbours of a row that can be asked for.
pub const MOST_NEIGHBOURS: usize = 64;

/// For each query its nearest rows, the nearest first. Among equally near rows the one with the lowest number comes first,
/// so the lists are the same on every device.
#[derive(Debug, Clone, PartialEq)]
pub struct NeighbourLists {
    /// How many neighbours each query has.
    pub k: usize,
    /// The rows' numbers: those of query `q` are at `q * k` and after it.
    pub rows: Vec<u32>,
    /// Their distances, in the same places.
    pub distances: Vec<f64>,
}

impl NeighbourLists {
    /// The neighbours of query `q` and their distances, the nearest first.
    pub fn of(&self, q: usize) -> impl ExactSizeIterator<Item = (u32, f64)> + '_ {
        let own = q * self.k..(q + 1) * self.k;
        self.rows[own.clone()].iter().copied().zip(self.distances[own].iter().copied())
    }
}

/// How rows of 0 and 1 are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryMetric {
    /// The share that two rows do not have in common of the features that at least one of them has; 0 for two rows
    /// without any (Jaccard, 1901).
    Jaccard,
    /// The share of the features in which two rows differ (Hamming, 1950), as in scikit-learn.
    Hamming,
}

impl BinaryMetric {
    /// The distance of two rows as a fraction: numerator and denominator. The denominator is never 0.
    ///
    /// `both` is how many features both rows have; `a` and `b` are how many each has.
    pub fn fraction(self, features: usize, both: u32, a: u32, b: u32) -> (u32, u32) {
        match self {
            BinaryMetric::Jaccard => (a + b - 2 * both, (a + b - both).max(1)),
            BinaryMetric::Hamming => (a + b - 2 * both, features as u32),
        }
    }
}

/// A distance in units of 2^-32, rounded to the nearest, a half upwards.
pub(in crate::backend) fn units((above, below): (u32, u32)) -> u64 {
    ((u64::from(above) << 32) + u64::from(below) / 2) / u64::from(below)
}

/// A sum of distances that are multiples of 2^-32.
pub(in crate::backend) fn user_sum(units: u64) -> f64 {
    units as f64 / (1u64 << 32) as f64
}

/// A table of 0 and 1 that is resident on a device. Counts of features are whole numbers, and fractions are compared by
/// cross-multiplication, so every result is the same bits on every device.
pub trait BinaryRows {
    /// For each row of `queries` the `k` nearest rows of this table.
    ///
    /// # Errors
    /// `k` is 0, above [`MOST_NEIGHBOURS`], or more than there are rows; queries with another number of features; a device
    /// that failed; [`Error::Interrupted`].
    fn knn(
        &self,
        queries: &BinaryMatrix,
        self_matches: SelfMatches<'_>,
        metric: BinaryMetric,
        k: usize,
        progress: Progress<'_>,
    ) -> Result<NeighbourLists>;

    /// For each row the sums of its distances to the rows of every cluster of every labeling, as
    /// [`Rows::distance_sums`](super::Rows::distance_sums). Each distance is rounded to a multiple of 2^-32 first, so that the
    /// sums are exact.
    ///
    /// # Errors
    /// Labels that do not fit the rows; an error of `sink` or `progress`; a device that failed.
    fn distance_sums(
        &self,
        metric: BinaryMetric,
        labelings: &[Labeling<'_>],
        progress: Progress<'_>,
        sink: SumsSink<'_>,
    ) -> Result<()>;
}

/// Checks what every backend requires of queries to a table of 0 and 1.
pub(crate) fn check_binary_queries(table: &BinaryMatrix, queries: &BinaryMatrix) -> Result<()> {
    if queries.features() != table.features() {
        return Err(Error::data(
            "the queries must have the features of the table that they are compared with",
        ));
    }
    Ok(())
}

/// Checks what every backend requires of labelings of a table of 0 and 1.
pub(crate) fn check_binary_labelings(table: &BinaryMatrix, labelings: &[Labeling<'_>]) -> Result<()> {
    let fits = |labeling: &Labeling<'_>| {
        labeling.labels.len() == table.rows() && labeling.labels.iter().all(|&l| (l as usize) < labeling.k)
    };
    if !labelings.iter().all(fits) {
        return Err(Error::data("a labeling needs one label below k for each row"));
    }
    Ok(())
}

/// Checks what every backend requires of a search for `k` neighbours among `rows` rows.
pub(crate) fn check_knn(rows: usize, queries: usize, self_matches: SelfMatches<'_>, k: usize) -> Result<()> {
    let own = match self_matches {
        SelfMatches::Include => 0,
        SelfMatches::Exclude(own) if own.len() != queries || own.iter().any(|&r| r as usize >= rows) => {
            return Err(Error::data("a row to be excluded is not a row of the table"));
        }
        SelfMatches::Exclude(_) => 1,
    };
    if k == 0 || k > MOST_NEIGHBOURS {
        return Err(Error::Usage(format!("expected between 1 and {MOST_NEIGHBOURS} neighbours, found {k}")));
    }
    if k + own > rows {
        let others = if own == 1 { "other rows" } else { "rows" };
        return Err(Error::data(format!(
            "{k} neighbours are asked for, and there are only {} {others}",
            rows.saturating_sub(own)
        )));
    }
    Ok(())
}
