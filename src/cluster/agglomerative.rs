//! Hierarchical methods: one tree of merges, cut where it has as many clusters as are asked for, or at a height.
//!
//! [`Ward`](super::ward::Params)'s method needs memory that grows with the rows. [`Complete`] and [`Average`] linkage keep the
//! distances of all pairs, so they are for tables of some ten thousand distinct rows.

use super::chain::{Criterion, linkage};
use super::kmeans::{Start, enough_rows};
use super::linkage::Linkage;
use super::method::Algorithm;
use super::partition::{Details, Partition};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::matrix::{Matrix, Repeats};
use crate::progress::Progress;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A cut at a height may leave at most so many clusters.
const MOST: usize = 10_000;

/// Complete linkage: two clusters are as far apart as their farthest rows.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Complete {
    /// The distance at which the tree is cut, in the user's units; `None`: it is cut into k clusters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_height: Option<f64>,
}

/// Average linkage (UPGMA): two clusters are as far apart as their rows are on average.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Average {
    /// The distance at which the tree is cut, in the user's units; `None`: it is cut into k clusters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_height: Option<f64>,
}

macro_rules! of_all_pairs {
    ($parameters:ty, $criterion:expr) => {
        impl Algorithm for $parameters {
            fn partitions(
                &self,
                dataset: &Dataset<'_>,
                ks: &[usize],
                _start: &Start,
                progress: Progress<'_>,
            ) -> Result<Vec<Partition>> {
                cut(dataset.matrix(), ks, self.cut_height, |matrix, repeats| {
                    linkage(matrix, repeats, $criterion, progress)
                })
            }

            fn multiply_adds(&self, matrix: &Matrix, _ks: &[usize]) -> f64 {
                // The distances, and then the merges, of which each looks at about three rows of them.
                let n = matrix.rows() as f64;
                n * n * (matrix.features() as f64 / 2.0 + 16.0)
            }

            fn bytes(&self, matrix: &Matrix, _ks: &[usize]) -> u64 {
                let n = matrix.repeats().len() as u64;
                n.saturating_mul(n.saturating_sub(1)).saturating_mul(4)
            }

            fn finds_k(&self) -> bool {
                self.cut_height.is_some()
            }
        }
    };
}

of_all_pairs!(Complete, Criterion::Complete);
of_all_pairs!(Average, Criterion::Average);

/// Finds the linkage of a matrix' distinct rows, and cuts it for each k of `ks`, or once at a height.
///
/// # Errors
/// A k of 0 or above the number of distinct rows; a height that is no number, is negative, or leaves too many clusters; the
/// error of `find`.
pub(super) fn cut(
    matrix: &Matrix,
    ks: &[usize],
    height: Option<f64>,
    find: impl FnOnce(&Matrix, &Repeats) -> Result<Linkage>,
) -> Result<Vec<Partition>> {
    match height {
        Some(height) if !height.is_finite() || height < 0.0 => {
            return Err(Error::Usage("the height of a cut must be a number, 0 or more".into()));
        }
        Some(_) => {}
        None if ks.is_empty() || ks.contains(&0) => {
            return Err(Error::Usage("k must be at least 1".into()));
        }
        None => enough_rows(matrix, ks)?,
    }
    let repeats = matrix.repeats();
    if repeats.is_empty() {
        return Err(Error::data("there are no rows of a weight above 0"));
    }
    let linkage = find(matrix, &repeats)?;
    let ks = match height {
        None => ks.to_vec(),
        Some(height) => {
            let k = linkage.clusters_at(height);
            if k > MOST {
                let (lowest, _) = linkage.heights_around(MOST);
                return Err(Error::Usage(format!(
                    "a cut at height {height} leaves {k} clusters, and at most {MOST} are possible; cut at {lowest} or \
                     higher"
                )));
            }
            vec![k]
        }
    };
    let labels: Vec<_> = ks.iter().map(|&k| (k, linkage.labels(k, &repeats))).collect();
    let of_rows = if repeats.is_trivial() { linkage } else { linkage.of_all_rows(&repeats) };
    let details = Details::Linkage(Arc::new(of_rows));
    let partition = |(k, labels)| {
        let mut partition = Partition::of_labels(matrix, k, labels);
        partition.details = details.clone();
        partition
    };
    Ok(labels.into_iter().map(partition).collect())
}
