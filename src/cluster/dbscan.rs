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

use super::kmeans::Start;
use super::method::Algorithm;
use super::partition::{CorePoints, Details, Labels, Partition, Prototypes};
use crate::backend::blocks::{self, Blocks};
use crate::backend::cpu::InstructionSet;
use crate::canonical::Certificate;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::matrix::{BLOCK, Matrix};
use crate::progress::Progress;
use neighbourhoods::Neighbourhoods;
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
                return Err(Error::Usage(format!(
                    "{name} has {count} values; at most {MOST_VALUES} can be tried"
                )));
            }
        }
        Ok(())
    }
}

/// What DBSCAN found beside the labels, as `metrics.json` has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The radius of the model.
    pub eps: f64,
    /// The `min_samples` of the model.
    pub min_samples: u32,
    /// The core points' share of the rows' weight, from 0 to 1.
    pub core_share: f64,
    /// A radius that is worth a try: the knee of the curve of k-distances. `None` if every distance in the curve is 0.
    pub suggested_eps: Option<f64>,
    /// For every pair of the parameters what it led to, in the order in which the values were given.
    pub grid: Vec<GridPoint>,
    /// The curve that `suggested_eps` comes from.
    pub k_distances: KDistances,
}

/// What one pair of parameters led to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
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

impl Found {
    /// The parameters of the model alone.
    pub fn params(&self) -> Params {
        Params { eps: vec![self.eps], min_samples: vec![self.min_samples] }
    }
}

impl Algorithm for Params {
    /// One partition, whatever `ks` says.
    ///
    /// # Errors
    /// Those of [`Params::check`]; no pair that finds a cluster; no `eps` where none can be suggested;
    /// [`Error::Interrupted`].
    fn partitions(
        &self,
        dataset: &Dataset<'_>,
        _ks: &[usize],
        _start: &Start,
        progress: Progress<'_>,
    ) -> Result<Vec<Partition>> {
        let matrix = dataset.matrix();
        let rows = Neighbourhoods::new(dataset.backend().instruction_set(), matrix);
        let (grid::Labelled { k, labels, points }, found) = grid::fit(&rows, self, progress)?;
        drop(rows);
        let partition = Partition::of_labels(matrix, k, labels);
        let centroids = partition.prototypes.centroids().clone();
        let prototypes = Prototypes::CorePoints(CorePoints { centroids, eps: found.eps, points });
        Ok(vec![Partition { prototypes, details: Details::Dbscan(found), ..partition }])
    }

    fn multiply_adds(&self, matrix: &Matrix, _ks: &[usize]) -> f64 {
        // A row is compared with some thousands of others.
        4096.0 * matrix.rows() as f64 * matrix.features() as f64
    }

    fn bytes(&self, matrix: &Matrix, _ks: &[usize]) -> u64 {
        let (rows, radii) = (matrix.rows() as u64, self.eps.len().max(1) as u64);
        let points = rows * (matrix.features() * size_of::<f32>()) as u64;
        // For each row its weight, level, component and labels, and copies of some of them.
        Blocks::bytes(matrix.rows(), matrix.features()) + points + rows * (radii + 48)
    }

    fn finds_k(&self) -> bool {
        true
    }
}

/// The cluster of each row of a matrix by its nearest core point (the lowest cluster on ties), or none if that is farther
/// than `eps` (in the user's units) away. `points` has each cluster's core points in the matrix' stored units.
pub fn nearest_clusters(set: InstructionSet, matrix: &Matrix, points: &[Vec<f32>], eps: f64) -> Labels {
    let d = matrix.features();
    let mut clusters: Vec<u32> = Vec::new();
    for (cluster, points) in (0u32..).zip(points) {
        clusters.resize(clusters.len() + points.len() / d, cluster);
    }
    let core: Vec<f32> = points.concat();
    if core.is_empty() {
        return (0..matrix.rows()).map(|_| None).collect();
    }
    let blocks = Blocks::new(set, d, &core, Certificate::for_values(matrix, &core));
    let radius = blocks.radius(libm::ldexp(eps, matrix.shift()));
    let mut labels: Vec<Option<u32>> = Vec::with_capacity(matrix.rows());
    let mut rows: Vec<f32> = Vec::new();
    for first in (0..matrix.rows()).step_by(BLOCK) {
        rows.clear();
        (first..matrix.rows().min(first + BLOCK)).for_each(|row| rows.extend(matrix.row(row)));
        let cluster = |point: u32| Some(clusters[point as usize]);
        labels.extend(blocks::nearest_clusters(&blocks, radius, &rows, cluster));
    }
    labels.into_iter().collect()
}
