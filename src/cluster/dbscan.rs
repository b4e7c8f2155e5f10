//! DBSCAN (Ester, Kriegel, Sander and Xu, 1996): clusters are where rows lie densely, and rows in thin places are noise.
//!
//! A row is a *core point* if rows of a weight of at least `min_samples`, itself included, lie within the distance `eps` of
//! it. Core points within `eps` of each other are in one cluster, and so are all that such steps lead to. Any other row
//! within `eps` of a core point is on the *border* of that point's cluster; of several clusters it goes to the one whose
//! first core point comes first in the table, as in scikit-learn. All other rows are noise and have no label. Clusters
//! are numbered by their first core points.
//!
//! The labels are exact. No list of neighbours is ever made: rows lie in small blocks ([`crate::backend`]), of which most
//! pairs are too far apart to be looked at, a row's neighbours are only counted until they are enough, and core points that
//! are known to be in one cluster are not compared. So memory grows with the number of rows alone, however many neighbours they have.
//!
//! A weight is a number of copies. Rows of weight 0 take no part; afterwards such a row gets the cluster of its nearest core
//! point within `eps`, as any new row does.

mod grid;
mod k_distance;
mod neighbourhoods;

pub use k_distance::KDistances;

use super::partition::Labels;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// What DBSCAN is asked to do.
///
/// Several values of `eps` and `min_samples` make a grid, and every pair is fitted. The model is that of the first pair, in the order in which they
/// are given (`eps` first), that finds at least two clusters; if there is none, of the first that finds one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Params {
    /// The radii, in the unit of the scaled features; positive. If there are none, the suggested one is taken
    /// ([`Found::suggested_eps`]).
    pub eps: Vec<f64>,
    /// How many rows make a dense place, each row itself included; at least 1. If there are none, it is 5.
    pub min_samples: Vec<u32>,
}

/// scikit-learn's `min_samples`.
pub const MIN_SAMPLES: u32 = 5;

/// The most values that each of the two lists may have.
pub const MOST_VALUES: usize = 64;

impl Default for Params {
    fn default() -> Self {
        Params { eps: Vec::new(), min_samples: vec![MIN_SAMPLES] }
    }
}

impl Params {
    /// Whether the values can be used.
    ///
    /// # Errors
    /// A radius that is not a positive number; a `min_samples` of 0; more than [`MOST_VALUES`] values.
    pub fn check(&self) -> Result<()> {
        if let Some(eps) = self.eps.iter().find(|eps| !(eps.is_finite() && **eps > 0.0)) {
            return Err(Error::Usage(format!("eps must be a positive number, found {eps}")));
        }
        if self.min_samples.contains(&0) {
            return Err(Error::Usage("min_samples must be at least 1, because a row counts itself".into()));
        }
        for (name, count) in [("eps", self.eps.len()), ("min_samples", self.min_samples.len())] {
            if count > MOST_VALUES {
                return Err(Error::Usage(format!("{name} has {count} values; at most {MOST_VALUES} can be tried")));
            }
        }
        Ok(())
    }
}

/// What DBSCAN found beside the labels, as `metrics.json` has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// The radius of the model.
    pub eps: f64,
    /// The `min_samples` of the model.
    pub min_samples: u32,
    /// How many rows of the table are core points of the model.
    pub core_points: u64,
    /// A radius that is worth a try: the knee of the curve of k-distances. `None` if every distance in the curve is 0.
    pub suggested_eps: Option<f64>,
    /// For every pair of the parameters what it led to, in the order in which the values were given.
    pub grid: Vec<GridPoint>,
    /// The curve that `suggested_eps` comes from.
    pub k_distances: KDistances,
}

/// What one pair of parameters led to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct GridPoint {
    /// The radius.
    pub eps: f64,
    /// How many rows make a dense place.
    pub min_samples: u32,
    /// How many clusters there are.
    pub clusters: usize,
    /// The share of the rows' weight that is noise, from 0 to 1.
    pub noise_share: f64,
    /// The largest cluster's share of the rows' weight, from 0 to 1; 0 without clusters.
    pub largest_share: f64,
}

impl Params {
    /// Labels, and what was found beside them.
    pub fn trial(&self, dataset: &crate::dataset::Dataset<'_>, progress: crate::progress::Progress<'_>) -> Result<(usize, Labels, Found)> {
        let rows = neighbourhoods::Neighbourhoods::new(dataset.backend().instruction_set(), dataset.matrix());
        let (l, f) = grid::fit(&rows, self, progress)?;
        Ok((l.k, l.labels, f))
    }
}
