//! Complete and average linkage from the distances of all pairs, by chains of nearest neighbours.

use super::linkage::{Joined, Linkage};
use crate::canonical::squared_distance;
use crate::error::{Error, Result};
use crate::matrix::{Matrix, Repeats};
use crate::progress::Progress;
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// How far two clusters are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Criterion {
    /// As far as their farthest rows.
    Complete,
    /// As far as their rows are on average.
    Average,
}

impl Criterion {
    /// The distance to a cluster that two others of these weights were merged into, from the distances to the two.
    fn merged(self, (a, weight_a): (f64, f64), (b, weight_b): (f64, f64)) -> f64 {
        match self {
            Criterion::Complete => a.max(b),
            Criterion::Average => (weight_a * a + weight_b * b) / (weight_a + weight_b),
        }
    }
}

/// The linkage of the distinct rows. A weight is a number of copies.
///
/// A chain goes from each cluster to its nearest one, until two are each other's nearest; these merge (Benzécri, 1982). Both
/// criteria are reducible, so this gives the tree that merges the nearest pair of all each time. Of equally near clusters the
/// one before in the chain counts, and then the lowest number.
pub(super) fn linkage(
    matrix: &Matrix,
    repeats: &Repeats,
    criterion: Criterion,
    progress: Progress<'_>,
) -> Result<Linkage> {
    let n = repeats.len();
    if n > 1 << 31 {
        return Err(Error::data(format!("{n} rows: a linkage can have at most 2^31")));
    }
    let mut distances = Distances::new(matrix, repeats, progress)?;
    let mut weights: Vec<f64> = (0..n).map(|i| repeats.steps(matrix, i) as f64).collect();
    let mut heights = vec![0f64; n];
    let mut alive: Vec<u32> = (0..n as u32).collect();
    let mut joined = Vec::with_capacity(n.saturating_sub(1));
    let mut chain: Vec<u32> = Vec::new();
    while alive.len() > 1 {
        let last = *chain.last().unwrap_or(&alive[0]);
        if chain.is_empty() {
            chain.push(last);
        }
        let before = chain.len().checked_sub(2).map(|i| chain[i]);
        let mut nearest = before.map_or((f64::INFINITY, last), |b| (distances.get(last, b), b));
        for &other in &alive {
            if other != last && (distances.get(last, other) < nearest.0 || nearest.1 == last) {
                nearest = (distances.get(last, other), other);
            }
        }
        let (distance, other) = nearest;
        if before != Some(other) {
            chain.push(other);
            continue;
        }
        chain.truncate(chain.len() - 2);
        let (a, b) = (last.min(other) as usize, last.max(other) as usize);
        let height = distance.max(heights[a]).max(heights[b]);
        heights[a] = height;
        joined.push(Joined { leaves: [a as u32, b as u32], height });
        if let Ok(place) = alive.binary_search(&(b as u32)) {
            alive.remove(place);
        }
        for &third in alive.iter().filter(|&&third| third != a as u32) {
            let to_a = (distances.get(a as u32, third), weights[a]);
            let to_b = (distances.get(b as u32, third), weights[b]);
            distances.set(a as u32, third, criterion.merged(to_a, to_b));
        }
        weights[a] += weights[b];
        progress.step("fit", (n + joined.len()) as u64, 2 * n as u64)?;
    }
    Ok(Linkage::new(n, joined))
}

/// For each cluster its distances to those of lower numbers, in the user's units.
struct Distances(Vec<Vec<f64>>);

impl Distances {
    fn new(matrix: &Matrix, repeats: &Repeats, progress: Progress<'_>) -> Result<Self> {
        let n = repeats.len();
        let done = AtomicUsize::new(0);
        let rows = (0..n).into_par_iter().map(|i| {
            let own: Vec<f32> = matrix.row(repeats.first(i)).collect();
            let distance =
                |j: usize| matrix.to_user(squared_distance(matrix.row(repeats.first(j)), &own).sqrt());
            let distances = (0..i).map(distance).collect();
            progress.step("fit", done.fetch_add(1, Relaxed) as u64, 2 * n as u64)?;
            Ok(distances)
        });
        Ok(Distances(rows.collect::<Result<_>>()?))
    }

    fn get(&self, a: u32, b: u32) -> f64 {
        self.0[a.max(b) as usize][a.min(b) as usize]
    }

    fn set(&mut self, a: u32, b: u32, distance: f64) {
        self.0[a.max(b) as usize][a.min(b) as usize] = distance;
    }
}
