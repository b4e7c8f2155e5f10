//! Greedy k-means++ (Arthur and Vassilvitskii, 2007) with `2 + ln k` trials a centroid, as in scikit-learn.
//!
//! The first centre of a restart is drawn by the rows' weights. For every further one a few candidates are drawn, each row
//! with a probability in proportion to its potential (its weight times its squared distance to the nearest centre so far),
//! and the candidate that leaves the smallest total potential becomes the next centre. Several restarts share each pass
//! over the rows ([`Potentials`]).

use crate::backend::{Backend, Candidates, Potentials};
use crate::canonical::Centroids;
use crate::error::Result;
use crate::matrix::{BLOCK, Matrix, Repeats};
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
    let total: usize = wanted.iter().map(|(k, _)| k).sum();
    let mut restarts: Vec<Restart> =
        wanted.into_iter().map(|(k, draws)| Restart::new(matrix, k, draws)).collect();
    let weights: Vec<f64> =
        (0..matrix.rows().div_ceil(BLOCK)).map(|b| block_weights(matrix, b).iter().sum()).collect();
    // Their potentials take at most half of the rows' own memory, or what four restarts take.
    let together = (matrix.features() / 4).clamp(4, 64);
    let mut done = 0;
    for restarts in restarts.chunks_mut(together) {
        let mut potentials = backend.potentials(matrix, restarts.len());
        for restart in &mut *restarts {
            restart.draw_first(matrix, &weights)?;
        }
        while restarts.iter().any(|r| !r.candidates.is_empty()) {
            let tried: Vec<Candidates<'_>> =
                restarts.iter().map(|r| Candidates { newest: r.newest, candidates: &r.candidates }).collect();
            let sums = potentials.try_candidates(&tried)?;
            for (r, restart) in restarts.iter_mut().enumerate() {
                done += usize::from(!restart.candidates.is_empty());
                restart.choose(matrix, sums.iter().map(|block| &block[r][..]));
                restart.draw(matrix, &mut *potentials, r)?;
            }
            progress.step("seeding", done as u64, total as u64)?;
        }
    }
    Ok(restarts.into_iter().map(|r| Centroids { values: r.values, features: matrix.features() }).collect())
}

/// The weights of the rows of block `b`.
fn block_weights(matrix: &Matrix, b: usize) -> Vec<f64> {
    let rows = b * BLOCK..matrix.rows().min((b + 1) * BLOCK);
    rows.map(|i| matrix.weights().map_or(1.0, |w| w[i] as f64)).collect()
}

/// A restart that still gathers its centres.
struct Restart {
    k: usize,
    draws: Stream,
    trials: usize,
    /// The values of the centres so far.
    values: Vec<f32>,
    /// The newest centre, as a row number.
    newest: usize,
    /// The candidates for the next centre, as row numbers; empty once there are `k` centres.
    candidates: Vec<usize>,
    /// The sum of the potential, for each block of rows and over all.
    blocks: Vec<f64>,
    total: f64,
}

impl Restart {
    fn new(matrix: &Matrix, k: usize, draws: Stream) -> Self {
        Restart {
            k,
            draws,
            trials: 2 + libm::log(k as f64) as usize,
            values: Vec::with_capacity(k * matrix.features()),
            newest: 0,
            candidates: Vec::new(),
            blocks: Vec::new(),
            total: 0.0,
        }
    }

    /// Draws the first centre by the rows' weights; `weights` are their sums, block by block. It is the only candidate.
    fn draw_first(&mut self, matrix: &Matrix, weights: &[f64]) -> Result<()> {
        let part = self.draws.uniform() * weights.iter().sum::<f64>();
        self.newest = row_at(weights, part, |b| Ok(block_weights(matrix, b)))?;
        self.candidates = vec![self.newest];
        Ok(())
    }

    /// Draws the candidates for the next centre if there is to be one; this is restart number `own` of `potentials`.
    fn draw(&mut self, matrix: &Matrix, potentials: &mut dyn Potentials, own: usize) -> Result<()> {
        self.candidates.clear();
        if self.values.len() == self.k * matrix.features() {
            return Ok(());
        }
        for _ in 0..self.trials {
            let part = self.draws.uniform();
            let row = if self.total > 0.0 {
                row_at(&self.blocks, part * self.total, |b| {
                    Ok(potentials.block(own, self.newest, b)?.to_vec())
                })?
            } else {
                // Every row equals a centre, since there are fewer distinct rows than centres. Any row will do: its cluster
                // stays empty and gets another row later.
                (part * matrix.rows() as f64) as usize
            };
            self.candidates.push(row);
        }
        Ok(())
    }

    /// Makes the best candidate the next centre, the first one on ties. `sums` has, for each block of rows, the sum of the
    /// potential that each candidate would leave.
    fn choose<'s>(&mut self, matrix: &Matrix, sums: impl Iterator<Item = &'s [f64]> + Clone) {
        let total = |c: usize| sums.clone().map(|block| block[c]).sum::<f64>();
        let totals: Vec<f64> = (0..self.candidates.len()).map(total).collect();
        let Some(best) = (0..totals.len()).reduce(|a, b| if totals[b] < totals[a] { b } else { a }) else {
            return;
        };
        self.newest = self.candidates[best];
        self.total = totals[best];
        self.blocks = sums.map(|block| block[best]).collect();
        self.values.extend(matrix.row(self.newest));
    }
}

/// Finds the row at `left` if the rows are laid end to end, each as long as its share of the potential. `blocks` has the
/// sums of the blocks, and `shares(b)` returns the shares of the rows of block `b`.
fn row_at(blocks: &[f64], mut left: f64, mut shares: impl FnMut(usize) -> Result<Vec<f64>>) -> Result<usize> {
    let mut at = 0;
    for (b, &block) in blocks.iter().enumerate() {
        if left >= block {
            left -= block;
            continue;
        }
        for (i, share) in shares(b)?.into_iter().enumerate() {
            if share > 0.0 {
                at = b * BLOCK + i;
                if left < share {
                    break;
                }
            }
            left -= share;
        }
        return Ok(at);
    }
    // Rounding carried `left` past the end: take the last row that has a share.
    if let Some(b) = blocks.iter().rposition(|&block| block > 0.0) {
        let last = shares(b)?.iter().rposition(|&share| share > 0.0);
        at = b * BLOCK + last.unwrap_or(0);
    }
    Ok(at)
}
