//! What a clustering method returns, whichever it is.

use crate::canonical::Centroids;
use crate::matrix::Repeats;
use serde::{Deserialize, Serialize};

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
}

impl Prototypes {
    /// A point for each cluster, in stored units.
    pub fn centroids(&self) -> &Centroids {
        match self {
            Prototypes::Centroids(centroids) => centroids,
        }
    }
}

/// How many restarts a method did, and how many of them found the best partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
    /// Sum of the squared distances of the rows to their centroids, in the scaled feature space.
    pub inertia: f64,
    /// Passes of the best restart.
    pub n_iter: usize,
    /// Whether the best restart converged before `max_iter`.
    pub converged: bool,
}

impl Partition {
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
        Partition { labels, sizes, ..self }
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
