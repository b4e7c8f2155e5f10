//! Greedy k-means++ (Arthur and Vassilvitskii, 2007) with `2 + ln k` trials a centroid, as in scikit-learn.
//!
//! The first centre of a restart is drawn by the rows' weights. For every further one a few candidates are drawn, each row
//! with a probability in proportion to its potential (its weight times its squared distance to the nearest centre so far),
//! and the candidate that leaves the smallest total potential becomes the next centre.
//!
//! Proportions do not need exact distances, so the potentials are computed on a coarse grid in whole numbers
//! ([`CoarseRows`]), which is fast and gives the same sums on every device. The centres themselves are exact rows. Where all
//! rows are so near to a centre that the coarse grid would distort their proportions, the canonical distance goes on
//! ([`canonical`]).

mod canonical;

use crate::backend::{Backend, SeedingRun};
use crate::canonical::Centroids;
use crate::error::Result;
use crate::matrix::coarse::CoarseRows;
use crate::matrix::{Matrix, Repeats};
use crate::progress::Progress;
use crate::random::{Draws, Purpose, Stream};
use std::borrow::Cow;

/// A table with more distinct rows than this is seeded on a sample of so many of them.
pub const SEEDING_ROWS: usize = 1 << 18;

/// The rows that seeding looks at: the distinct ones or a sample of them, each with the weight of all its copies.
pub(super) fn sample<'a>(matrix: &'a Matrix, repeats: &Repeats, seed: u64) -> Cow<'a, Matrix> {
    let distinct = repeats.len();
    if distinct <= SEEDING_ROWS {
        return repeats.merge(matrix).map_or(Cow::Borrowed(matrix), Cow::Owned);
    }
    let chosen = Draws::new(seed, Purpose::SeedingSample).at(0).sample(SEEDING_ROWS, distinct);
    let rows: Vec<usize> = chosen.iter().map(|&i| repeats.first(i)).collect();
    if repeats.is_trivial() {
        return Cow::Owned(matrix.select(&rows));
    }
    let steps = chosen.iter().map(|&i| repeats.steps(matrix, i)).collect();
    Cow::Owned(matrix.select_weighted(&rows, steps))
}

/// Centroids to start from, each a row of `matrix`: for each `(k, draws)` a set of `k`.
///
/// # Errors
/// A device that failed; whatever `progress` returns.
pub(super) fn kmeans_plus_plus(
    backend: &dyn Backend,
    matrix: &Matrix,
    wanted: Vec<(usize, Stream)>,
    progress: Progress<'_>,
) -> Result<Vec<Centroids>> {
    let runs: Vec<SeedingRun> = wanted.into_iter().map(|(k, draws)| run(k, draws)).collect();
    let chosen = backend.kmeans_plus_plus(&CoarseRows::new(matrix), &runs, progress)?;
    let mut sets = Vec::with_capacity(runs.len());
    for (run, mut centres) in runs.iter().zip(chosen) {
        if centres.len() < run.k {
            canonical::finish(backend.instruction_set(), matrix, run, &mut centres, progress)?;
        }
        let values = centres.iter().flat_map(|&row| matrix.row(row)).collect();
        sets.push(Centroids { values, features: matrix.features() });
    }
    Ok(sets)
}

/// A restart with k centres, and all that it may draw.
fn run(k: usize, mut draws: Stream) -> SeedingRun {
    let trials = 2 + libm::log(k as f64) as usize;
    SeedingRun { k, trials, draws: (0..1 + (k - 1) * trials).map(|_| draws.bits()).collect() }
}
