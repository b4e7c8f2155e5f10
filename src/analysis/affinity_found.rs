//! The exemplars of affinity propagation, as an outcome has them.

use crate::cluster::affinity;
use serde::{Deserialize, Serialize};

/// The exemplars that affinity propagation found, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AffinityFound {
    /// The exemplar of each segment, by the segments' numbers.
    pub exemplars: Vec<Exemplar>,
    /// Whether the exemplars stayed the same for long enough.
    pub converged: bool,
    /// How many iterations there were.
    pub n_iter: usize,
    /// The damping with which these were found.
    pub damping: f64,
    /// The similarity of each row to itself, in squared units of the scaled features.
    pub preference: f64,
    /// Whether micro-clusters stood for the rows, because there were too many of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub approximate: bool,
    /// How many micro-clusters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micro_clusters: Option<usize>,
}

/// A row that is the exemplar of a segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Exemplar {
    /// The row's id, if the table has an id column.
    Id(String),
    /// The row's number, counted from 1, as `assignments.csv` has it.
    Row(usize),
}

impl AffinityFound {
    /// `numbers[label]` is the segment of a label, `row_of` returns the row of the table for a row of the fit's matrix, and `ids`
    /// are the table's ids, if it has any.
    pub(super) fn new(
        found: &affinity::Found,
        numbers: &[u32],
        row_of: impl Fn(usize) -> usize,
        ids: Option<&[String]>,
    ) -> Self {
        let exemplar = |row: usize| match ids.and_then(|ids| ids.get(row)) {
            Some(id) => Exemplar::Id(id.clone()),
            None => Exemplar::Row(row + 1),
        };
        let rows = numbers.iter().zip(&found.exemplars);
        let mut by_segment: Vec<(u32, usize)> = rows.map(|(&segment, &row)| (segment, row_of(row))).collect();
        by_segment.sort_unstable();
        AffinityFound {
            exemplars: by_segment.into_iter().map(|(_, row)| exemplar(row)).collect(),
            converged: found.converged,
            n_iter: found.n_iter,
            damping: found.damping,
            preference: found.preference,
            approximate: found.micro_clusters.is_some(),
            micro_clusters: found.micro_clusters,
        }
    }
}
