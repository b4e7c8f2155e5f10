//! Clusters that are merged one pair after another, and which other cluster each of them is nearest to by Ward's cost.
//!
//! The cost of merging `a` and `b` is `w_a w_b / (w_a + w_b) |a - b|^2`, by which the sum of squared distances to the
//! centroids grows. It is computed in f64 from the clusters' centroids, feature by feature; of equally near clusters the one
//! with the lowest number counts. An f32 filter, whose error is bounded, leaves a few candidates for each cluster, so the
//! result does not depend on the filter, the instruction set or the number of threads.

mod packed;
mod search;
#[cfg(test)]
mod tests;

use crate::backend::simd::InstructionSet;
use crate::error::Result;
use crate::matrix::{Matrix, Repeats, block_sums};
use packed::Packed;
use rayon::prelude::*;
use search::Search;

/// Stands for no cluster.
pub(crate) const NONE: u32 = u32::MAX;

/// Queries that are answered together.
const BATCH: usize = 64;

/// Clusters with their centroids, numbered by their lowest distinct row.
pub(crate) struct Clusters {
    set: InstructionSet,
    features: usize,
    /// For each cluster the sums of its rows in grid steps, each times its weight. They are exact up to 2^53, which is four
    /// million copies of the largest value; beyond, they are rounded, always in the same order.
    sums: Vec<f64>,
    /// For each cluster its centroid, in stored units.
    centroids: Vec<f64>,
    /// The centroids minus the mean of all rows, rounded to f32.
    near: Vec<f32>,
    weights: Vec<f64>,
    /// The grid step of each feature, and the mean of all rows, in stored units.
    steps: Vec<f64>,
    mean: Vec<f64>,
    packed: Packed,
}

/// The nearest cluster, and what merging with it costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NearestCluster {
    pub(crate) cost: f64,
    /// Its number, or [`NONE`] if there is no other cluster.
    pub(crate) cluster: u32,
}

impl NearestCluster {
    pub(crate) const NOBODY: NearestCluster = NearestCluster { cost: f64::INFINITY, cluster: NONE };

    /// Whether this one is nearer, or as near and has the lower number.
    pub(crate) fn is_before(&self, other: &NearestCluster) -> bool {
        self.cost < other.cost || (self.cost == other.cost && self.cluster < other.cluster)
    }
}

impl Clusters {
    /// The bytes that so many clusters of so many features take.
    pub(crate) fn bytes(rows: usize, features: usize) -> u64 {
        // Sums and centroids take 16 bytes a value, the two copies in f32 up to 12, boxes and numbers the rest.
        rows as u64 * (30 * features as u64 + 64)
    }

    /// Every distinct row as a cluster of its own.
    pub(crate) fn new(set: InstructionSet, matrix: &Matrix, repeats: &Repeats) -> Self {
        let (n, d) = (repeats.len(), matrix.features());
        let weights: Vec<f64> = (0..n).map(|i| repeats.steps(matrix, i) as f64).collect();
        let steps: Vec<f64> = (0..d).map(|j| matrix.stored_step(j)).collect();
        let mut centroids = vec![0f64; n * d];
        centroids.par_chunks_mut(d).enumerate().for_each(|(i, centroid)| {
            centroid.iter_mut().zip(matrix.row(repeats.first(i))).for_each(|(c, v)| *c = f64::from(v));
        });
        let mean: Vec<f64> = block_sums(n, d, |i, sums| {
            sums.iter_mut().zip(&centroids[i * d..]).for_each(|(sum, v)| *sum += v);
        });
        let mean: Vec<f64> = mean.into_iter().map(|sum| sum / n as f64).collect();
        let mut sums = vec![0f64; n * d];
        let mut near = vec![0f32; n * d];
        let parts = sums.par_chunks_mut(d).zip(near.par_chunks_mut(d)).zip(centroids.par_chunks(d));
        parts.zip(&weights).for_each(|(((sums, near), centroid), weight)| {
            for j in 0..d {
                sums[j] = centroid[j] / steps[j] * weight;
                near[j] = (centroid[j] - mean[j]) as f32;
            }
        });
        let mut out = Clusters {
            set,
            features: d,
            sums,
            centroids,
            near,
            weights,
            steps,
            mean,
            packed: Packed::new(n, d),
        };
        out.packed.rebuild(&out.near, &out.weights, (0..n as u32).collect());
        out
    }

    /// What merging two clusters costs.
    pub(crate) fn cost(&self, a: u32, b: u32) -> f64 {
        let (wa, wb) = (self.weights[a as usize], self.weights[b as usize]);
        let mut sum = 0.0;
        for (x, y) in self.centroid(a).iter().zip(self.centroid(b)) {
            sum += (x - y) * (x - y);
        }
        wa * wb / (wa + wb) * sum
    }

    fn centroid(&self, cluster: u32) -> &[f64] {
        &self.centroids[cluster as usize * self.features..][..self.features]
    }

    /// Merges pairs of clusters. A pair goes on under its first number, the lower one, and the second is no cluster any more.
    pub(crate) fn merge(&mut self, pairs: &[(u32, u32)]) {
        let d = self.features;
        for &(a, b) in pairs {
            let (a, b) = (a as usize, b as usize);
            self.weights[a] += self.weights[b];
            for j in 0..d {
                self.sums[a * d + j] += self.sums[b * d + j];
                let centroid = self.sums[a * d + j] / self.weights[a] * self.steps[j];
                self.centroids[a * d + j] = centroid;
                self.near[a * d + j] = (centroid - self.mean[j]) as f32;
            }
            self.packed.remove(a as u32);
            self.packed.remove(b as u32);
        }
        let merged = pairs.iter().map(|pair| pair.0).collect();
        self.packed.add(&self.near, &self.weights, merged);
    }

    /// For each of `queries` the nearest other cluster. A hint is a cluster that may well be near, or [`NONE`]. After each
    /// few queries `report` hears how many are done.
    ///
    /// # Errors
    /// One of `report`.
    pub(crate) fn nearest(
        &self,
        queries: &[u32],
        hints: &[u32],
        report: impl Fn(usize) -> Result<()> + Sync,
    ) -> Result<Vec<NearestCluster>> {
        use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
        // Queries that lie near each other are answered together.
        let mut order: Vec<u32> = (0..queries.len() as u32).collect();
        order.par_sort_unstable_by_key(|&q| self.packed.place(queries[q as usize]));
        let done = AtomicUsize::new(0);
        let found: Vec<Vec<NearestCluster>> = order
            .par_chunks(BATCH)
            .map(|batch| {
                let slots: Vec<u32> = batch.iter().map(|&q| queries[q as usize]).collect();
                let hints: Vec<u32> = batch.iter().map(|&q| hints[q as usize]).collect();
                let found = self.set.run(Search { clusters: self, queries: &slots, hints: &hints });
                report(done.fetch_add(batch.len(), Relaxed) + batch.len())?;
                Ok(found)
            })
            .collect::<Result<_>>()?;
        let mut out = vec![NearestCluster::NOBODY; queries.len()];
        order.iter().zip(found.into_iter().flatten()).for_each(|(&q, found)| out[q as usize] = found);
        Ok(out)
    }
}
