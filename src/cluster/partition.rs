//! What a clustering method returns, whichever it is.

use super::affinity;
use super::dbscan;
use super::gmm::{self, Mixture};
use super::linkage::Linkage;
use crate::canonical::{self, Centroids};
use crate::matrix::{Matrix, Repeats, block_sums};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How many rows are summed up at once.
const BLOCK: usize = 1 << 14;

/// The rows of a table, split into clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct Partition {
    /// How many clusters.
    pub k: usize,
    /// For each row its cluster, or none.
    pub labels: Labels,
    /// For each cluster the number of its rows.
    pub sizes: Vec<u64>,
    /// For each cluster the weight of its rows, in steps of the matrix' weights; the sizes where it has none.
    pub weights: Vec<u128>,
    /// What tells a new row's cluster.
    pub prototypes: Prototypes,
    /// How the method went.
    pub diagnostics: Diagnostics,
    /// What it found beside the clusters.
    pub details: Details,
    /// How many restarts there were.
    pub restarts: Restarts,
    /// For each pass over the rows, how many (row, restart) pairs the f32 filter could not prove, so that f64 decided.
    /// The only figure here that depends on the device.
    pub f64_fallbacks: Vec<u64>,
}

/// A cluster for each row, or none for a row that belongs to no cluster (noise).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels(Vec<u32>);

impl Labels {
    /// Stands for no cluster. Labels take four bytes a row, which an `Option<u32>` would double.
    const NONE: u32 = u32::MAX;

    /// Of labels of which every row has one.
    pub fn new(labels: Vec<u32>) -> Self {
        Labels(labels)
    }

    /// The label of a row.
    pub fn get(&self, row: usize) -> Option<u32> {
        self.0.get(row).copied().filter(|&label| label != Self::NONE)
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The labels in the order of the rows.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<u32>> {
        self.0.iter().map(|&label| Some(label).filter(|&label| label != Self::NONE))
    }

    /// The labels as plain numbers; `None` where some row has none.
    pub fn complete(&self) -> Option<&[u32]> {
        if self.0.contains(&Self::NONE) { None } else { Some(&self.0) }
    }
}

impl FromIterator<Option<u32>> for Labels {
    fn from_iter<I: IntoIterator<Item = Option<u32>>>(labels: I) -> Self {
        Labels(labels.into_iter().map(|label| label.unwrap_or(Self::NONE)).collect())
    }
}

/// What tells the cluster of a row that the method did not see.
#[derive(Debug, Clone, PartialEq)]
pub enum Prototypes {
    /// The nearest centroid's cluster. In stored units, in the order of the labels.
    Centroids(Centroids),
    /// The cluster of the nearest exemplar, which is a row of the table. In stored units, in the order of the labels.
    Exemplars(Centroids),
    /// The cluster of the nearest core point, if one is near enough; otherwise the row is noise.
    CorePoints(CorePoints),
    /// The component of a mixture that the row most likely comes from. The centroids are the means of the clusters' rows, in
    /// stored units.
    Mixture(Centroids, Mixture),
}

/// What tells a new row's cluster where a cluster is all that lies close to one of its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct CorePoints {
    /// The mean of each cluster's rows, in stored units. It decides nothing.
    pub centroids: Centroids,
    /// How far from a core point a row may lie, in the user's units.
    pub eps: f64,
    /// For each cluster its distinct core points in stored units, one after the other.
    pub points: Vec<Vec<f32>>,
}

impl Prototypes {
    /// A point for each cluster, in stored units.
    pub fn centroids(&self) -> &Centroids {
        match self {
            Prototypes::CorePoints(core) => &core.centroids,
            Prototypes::Centroids(points)
            | Prototypes::Exemplars(points)
            | Prototypes::Mixture(points, _) => points,
        }
    }
}

/// How many restarts a method did, and how many of them found the best partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restarts {
    /// How many there were.
    pub n: usize,
    /// How many of them reached the lowest inertia, to 0.1 %.
    pub reached_best: usize,
}

/// How a method went, as `model.json` and `metrics.json` have it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Diagnostics {
    /// How many rows seeding looked at, where not at all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeding_rows: Option<usize>,
    /// Sum of the squared distances of the rows to the means of their clusters, in the scaled feature space. Rows without a
    /// cluster do not count.
    pub inertia: f64,
    /// Passes or iterations of the best restart, for methods that have any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_iter: Option<usize>,
    /// Whether the best restart converged before `max_iter`, for methods that may not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub converged: Option<bool>,
}

/// What a method found beside the clusters.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Details {
    /// Nothing.
    #[default]
    None,
    /// The whole tree of merges that the clusters are a cut of. Its leaves are the rows of a weight above 0.
    Linkage(Arc<Linkage>),
    /// The grid of DBSCAN, and which of its pairs was taken.
    Dbscan(dbscan::Found),
    /// A Gaussian mixture: how well it describes the rows.
    Gmm(gmm::Found),
    /// Of affinity propagation.
    Affinity(affinity::Found),
}

impl Details {
    /// The details of a whole table, from those of its distinct rows.
    fn of_all_rows(self, repeats: &Repeats) -> Details {
        match self {
            Details::None | Details::Dbscan(_) | Details::Gmm(_) | Details::Affinity(_) => self,
            Details::Linkage(linkage) => Details::Linkage(Arc::new(linkage.of_all_rows(repeats))),
        }
    }
}

impl Partition {
    /// The partition of a matrix' rows into `k` clusters that some method found: its sizes, weights, inertia and centroids,
    /// which are the means of the clusters' rows. A cluster without weight lies at the origin. The result is the same for any
    /// number of threads.
    ///
    /// # Panics
    /// If there is not one label for each row, or a label is not below `k`.
    pub fn of_labels(matrix: &Matrix, k: usize, labels: Labels) -> Partition {
        assert_eq!(labels.len(), matrix.rows(), "each row needs a label, or none");
        let d = matrix.features();
        let weight = |row: usize| matrix.weights().map_or(1, |weights| u128::from(weights[row]));
        let (mut sizes, mut weights) = (vec![0u64; k], vec![0u128; k]);
        for (row, label) in labels.iter().enumerate() {
            if let Some(label) = label {
                sizes[label as usize] += 1;
                weights[label as usize] += weight(row);
            }
        }
        let steps: Vec<f32> = (0..d).map(|j| matrix.steps_per_unit(j)).collect();
        let sums = (0..matrix.rows().div_ceil(BLOCK))
            .into_par_iter()
            .fold(
                || vec![0i128; k * d],
                |mut sums, block| {
                    for row in block * BLOCK..((block + 1) * BLOCK).min(matrix.rows()) {
                        let Some(label) = labels.get(row) else { continue };
                        let own = &mut sums[label as usize * d..][..d];
                        let weight = weight(row) as i128;
                        for ((sum, value), steps) in own.iter_mut().zip(matrix.row(row)).zip(&steps) {
                            *sum += (value * steps) as i128 * weight;
                        }
                    }
                    sums
                },
            )
            .reduce(|| vec![0i128; k * d], |a, b| a.into_iter().zip(b).map(|(a, b)| a + b).collect());
        let mean = |(i, &sum): (usize, &i128)| match weights[i / d] {
            0 => 0.0,
            weight => (sum as f64 / weight as f64 / f64::from(steps[i % d])) as f32,
        };
        let centroids = Centroids { values: sums.iter().enumerate().map(mean).collect(), features: d };
        let inertia = block_sums(matrix.rows(), 1, |row, sum| {
            if let Some(label) = labels.get(row) {
                let centroid = centroids.get(label as usize);
                sum[0] += matrix.copies(row) * canonical::squared_distance(matrix.row(row), centroid);
            }
        });
        let inertia = matrix.to_user(matrix.to_user(inertia[0]));
        Partition {
            k,
            labels,
            sizes,
            weights,
            prototypes: Prototypes::Centroids(centroids),
            diagnostics: Diagnostics { inertia, ..Diagnostics::default() },
            details: Details::None,
            restarts: Restarts { n: 1, reached_best: 1 },
            f64_fallbacks: Vec::new(),
        }
    }

    /// The partition of a whole table, from the partition of its distinct rows ([`Repeats::merge`]). Rows of weight 0
    /// that equal no other row took no part; they get no label.
    pub fn of_all_rows(self, repeats: &Repeats) -> Partition {
        let mut sizes = vec![0; self.k];
        let labels = (0..repeats.rows())
            .map(|row| {
                let label = repeats.of_row(row).and_then(|distinct| self.labels.get(distinct));
                label.iter().for_each(|&label| sizes[label as usize] += 1);
                label
            })
            .collect();
        Partition { labels, sizes, details: self.details.of_all_rows(repeats), ..self }
    }

    /// For each cluster its segment number: 0 for the largest weight of rows, ties by the centroids' values.
    pub fn segments(&self) -> Vec<u32> {
        let centroids = self.prototypes.centroids();
        let mut order: Vec<usize> = (0..self.k).collect();
        order.sort_by(|&a, &b| {
            let by_value = || {
                let pairs = centroids.get(a).iter().zip(centroids.get(b));
                pairs.map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne()).unwrap_or(a.cmp(&b))
            };
            self.weights[b].cmp(&self.weights[a]).then_with(by_value)
        });
        let mut segments = vec![0; self.k];
        for (segment, &cluster) in order.iter().enumerate() {
            segments[cluster] = segment as u32;
        }
        segments
    }

    /// The smallest cluster's share of the rows' weight, in per cent.
    pub fn min_segment_pct(&self) -> f64 {
        let weights = &self.weights;
        100.0 * weights.iter().copied().min().unwrap_or(0) as f64 / weights.iter().sum::<u128>() as f64
    }
}
