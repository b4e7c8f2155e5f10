//! Greedy k-means++ (Arthur and Vassilvitskii, 2007; `2 + ln k` trials a centroid, as scikit-learn does it), in
//! canonical f64 distances.
//!
//! Several starts go over the rows together, so that a block of rows is read once for all of them. A start keeps one
//! number a row: what the last centre changed there is found out when the row is next looked at.

use crate::canonical::{Centroids, tile_squared_distances};
use crate::error::Result;
use crate::matrix::{BLOCK, Matrix, Repeats, TILE};
use crate::progress::Progress;
use crate::random::{Draws, Purpose, Stream};
use pulp::Simd;
use rayon::prelude::*;
use std::borrow::Cow;

/// Tables of more distinct rows are seeded on a sample of this many.
pub const SEEDING_ROWS: usize = 1 << 18;

/// The rows that seeding looks at: distinct ones, each with the weight of its copies.
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

/// Rows of `matrix` as start centroids: `k` for each `(k, draws)`.
///
/// # Errors
/// Whatever `progress` returns.
pub(super) fn kmeans_plus_plus(
    matrix: &Matrix,
    wanted: Vec<(usize, Stream)>,
    progress: Progress<'_>,
) -> Result<Vec<Centroids>> {
    let total: usize = wanted.iter().map(|(k, _)| k).sum();
    let mut starts: Vec<Start> = wanted.into_iter().map(|(k, draws)| Start::new(matrix, k, draws)).collect();
    let weights: Vec<f64> = (0..matrix.rows().div_ceil(BLOCK))
        .map(|b| (b * BLOCK..matrix.rows().min((b + 1) * BLOCK)).map(|i| weight(matrix, i)).sum())
        .collect();
    // Their potentials take at most half the rows' own memory, or what four starts take.
    let together = (matrix.features() / 4).clamp(4, 64);
    let mut done = 0;
    for starts in starts.chunks_mut(together) {
        let mut nearest = vec![f64::INFINITY; weights.len() * starts.len() * BLOCK];
        for start in &mut *starts {
            start.draw_first(matrix, &weights);
        }
        while starts.iter().any(|s| !s.candidates.is_empty()) {
            let sums = pass(matrix, starts, &mut nearest);
            let count = starts.len();
            for (s, start) in starts.iter_mut().enumerate() {
                done += usize::from(!start.candidates.is_empty());
                start.choose(matrix, sums.iter().map(|block| &block[s][..]));
                start.draw(matrix, &mut nearest, |b| (b * count + s) * BLOCK);
            }
            progress.step("seeding", done as u64, total as u64)?;
        }
    }
    Ok(starts.into_iter().map(|s| Centroids { values: s.values, features: matrix.features() }).collect())
}

/// A row's weight in the potential.
fn weight(matrix: &Matrix, i: usize) -> f64 {
    matrix.weights().map_or(1.0, |w| w[i] as f64)
}

/// A start on its way. Its potential, for each row the weighted squared distance to the nearest centre so far, lies
/// elsewhere, without what the last centre changed.
struct Start {
    k: usize,
    draws: Stream,
    trials: usize,
    values: Vec<f32>,
    /// The last centre.
    last: usize,
    candidates: Vec<usize>,
    /// The potential's sums, block by block, and over all.
    blocks: Vec<f64>,
    total: f64,
}

impl Start {
    fn new(matrix: &Matrix, k: usize, draws: Stream) -> Self {
        Start {
            k,
            draws,
            trials: 2 + libm::log(k as f64) as usize,
            values: Vec::with_capacity(k * matrix.features()),
            last: 0,
            candidates: Vec::new(),
            blocks: Vec::new(),
            total: 0.0,
        }
    }

    /// Draws the first centre; before it the potential is the weights.
    fn draw_first(&mut self, matrix: &Matrix, weights: &[f64]) {
        let part = self.draws.uniform() * weights.iter().sum::<f64>();
        self.last = row_at(weights, part, |b, take| {
            take(&mut (b * BLOCK..matrix.rows().min((b + 1) * BLOCK)).map(|i| weight(matrix, i)))
        });
        self.candidates = vec![self.last];
    }

    /// Draws the candidates for the next centre, if one is wanted; the potential of block `b` starts at `at(b)`.
    fn draw(&mut self, matrix: &Matrix, nearest: &mut [f64], at: impl Fn(usize) -> usize) {
        self.candidates.clear();
        if self.values.len() == self.k * matrix.features() {
            return;
        }
        for _ in 0..self.trials {
            let part = self.draws.uniform();
            // Nothing left to gain (fewer distinct rows here than k): any row; it will be moved when it stays empty.
            let row = if self.total > 0.0 {
                row_at(&self.blocks, part * self.total, |b, take| {
                    let potential = &mut nearest[at(b)..][..BLOCK];
                    let packs = [pack(matrix, self.last, &[])];
                    let mut task = Task { potential, packs: &packs, sums: vec![[[0.0; TILE]; MOST]] };
                    let tasks = std::slice::from_mut(&mut task);
                    pulp::Arch::new().dispatch(Block { matrix, block: b, tasks });
                    let rows = matrix.rows().min((b + 1) * BLOCK) - b * BLOCK;
                    take(&mut potential[..rows].iter().copied())
                })
            } else {
                (part * matrix.rows() as f64) as usize
            };
            self.candidates.push(row);
        }
    }

    /// Takes the best candidate, the first of equals; `sums` has for each block the potential's sum for each.
    fn choose<'s>(&mut self, matrix: &Matrix, sums: impl Iterator<Item = &'s [f64]> + Clone) {
        let total = |c: usize| sums.clone().map(|block| block[c]).sum::<f64>();
        let totals: Vec<f64> = (0..self.candidates.len()).map(total).collect();
        let Some(best) = (0..totals.len()).reduce(|a, b| if totals[b] < totals[a] { b } else { a }) else {
            return;
        };
        self.last = self.candidates[best];
        self.total = totals[best];
        self.blocks = sums.map(|block| block[best]).collect();
        self.values.extend(matrix.row(self.last));
    }
}

/// The row in whose share of a potential `left` falls: `blocks` are the potential's sums, and `rows(b, take)` hands
/// the rows of block `b` to `take`.
fn row_at(
    blocks: &[f64],
    mut left: f64,
    mut rows: impl FnMut(usize, &mut dyn FnMut(&mut dyn Iterator<Item = f64>)),
) -> usize {
    let mut at = 0;
    for (b, &block) in blocks.iter().enumerate() {
        if left >= block {
            left -= block;
            continue;
        }
        rows(b, &mut |potential| {
            for (i, row) in potential.enumerate() {
                if row > 0.0 {
                    at = b * BLOCK + i;
                    if left < row {
                        return;
                    }
                }
                left -= row;
            }
        });
        return at;
    }
    // Rounding carried `left` past the end: the last row that has a share.
    if let Some(b) = blocks.iter().rposition(|&block| block > 0.0) {
        rows(b, &mut |potential| {
            for (i, _) in potential.enumerate().filter(|(_, row)| *row > 0.0) {
                at = b * BLOCK + i;
            }
        });
    }
    at
}

/// For each block of rows, start and candidate the sum of the potential that the candidate would leave.
fn pass(matrix: &Matrix, starts: &[Start], nearest: &mut [f64]) -> Vec<Vec<Vec<f64>>> {
    let centres: Vec<Vec<usize>> =
        starts.iter().map(|s| [s.last].iter().chain(&s.candidates).copied().collect()).collect();
    let packs: Vec<Vec<Vec<f64>>> = centres
        .iter()
        .map(|centres| {
            // Five candidates at a time at most, in parts of about one size.
            let parts = (centres.len() - 1).div_ceil(MOST - 1);
            let part = (centres.len() - 1).div_ceil(parts.max(1)).max(1);
            centres[1..].chunks(part).map(|few| pack(matrix, centres[0], few)).collect()
        })
        .collect();
    nearest
        .par_chunks_mut(starts.len() * BLOCK)
        .enumerate()
        .map(|(b, nearest)| {
            let mut sums: Vec<Vec<f64>> = vec![Vec::new(); starts.len()];
            let mut tasks = Vec::new();
            for (potential, packs) in nearest.chunks_exact_mut(BLOCK).zip(&packs) {
                tasks.push(Task { potential, packs, sums: vec![[[0.0; TILE]; MOST]; packs.len()] });
            }
            pulp::Arch::new().dispatch(Block { matrix, block: b, tasks: &mut tasks });
            for ((task, sums), start) in tasks.iter().zip(&mut sums).zip(starts) {
                for (pack, lanes) in task.packs.iter().zip(&task.sums) {
                    let count = pack.len() / matrix.features();
                    sums.extend(lanes[1..count].iter().map(|lanes| lanes.iter().sum::<f64>()));
                }
                debug_assert_eq!(sums.len(), start.candidates.len());
            }
            sums
        })
        .collect()
}

/// The most centres of a pack: their sums stay in registers.
const MOST: usize = 6;

/// Feature by feature the values of a start's last centre and of a few candidates.
fn pack(matrix: &Matrix, last: usize, candidates: &[usize]) -> Vec<f64> {
    let mut points: Vec<_> = [last].iter().chain(candidates).map(|&i| matrix.row(i)).collect();
    (0..matrix.features())
        .flat_map(|_| points.iter_mut().map(|p| p.next().map_or(0.0, f64::from)).collect::<Vec<_>>())
        .collect()
}

/// One start in a block.
struct Task<'a> {
    /// The block's part of the start's potential; gets what the first centre of the packs changes.
    potential: &'a mut [f64],
    packs: &'a [Vec<f64>],
    /// For each pack and centre the sum of the potential with it, in 16 lanes, each in row order.
    sums: Vec<[[f64; TILE]; MOST]>,
}

/// A block of rows for all starts, in the widest vectors of the machine: the same bits in all of them.
struct Block<'a, 't> {
    matrix: &'a Matrix,
    block: usize,
    tasks: &'a mut [Task<'t>],
}

impl pulp::WithSimd for Block<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Block { matrix, block, tasks } = self;
        let d = matrix.features();
        let mut tile = vec![[0f64; TILE]; d];
        let rows = block * BLOCK..matrix.rows().min((block + 1) * BLOCK);
        for start in rows.clone().step_by(TILE) {
            for (to, from) in tile.iter_mut().zip(matrix.tile(start / TILE)) {
                *to = from.map(f64::from);
            }
            let mut weights = [0f64; TILE];
            for (i, w) in (start..rows.end).zip(&mut weights) {
                *w = weight(matrix, i);
            }
            for Task { potential, packs, sums } in &mut *tasks {
                let potential = &mut potential[start - rows.start..][..TILE];
                for (pack, sums) in packs.iter().zip(sums) {
                    match pack.len() / d {
                        1 => add::<S, 1>(simd, &tile, &weights, pack, potential, sums),
                        2 => add::<S, 2>(simd, &tile, &weights, pack, potential, sums),
                        3 => add::<S, 3>(simd, &tile, &weights, pack, potential, sums),
                        4 => add::<S, 4>(simd, &tile, &weights, pack, potential, sums),
                        5 => add::<S, 5>(simd, &tile, &weights, pack, potential, sums),
                        _ => add::<S, 6>(simd, &tile, &weights, pack, potential, sums),
                    }
                }
            }
        }
    }
}

/// One tile against one pack.
#[inline(always)]
fn add<S: Simd, const C: usize>(
    simd: S,
    tile: &[[f64; TILE]],
    weights: &[f64; TILE],
    pack: &[f64],
    potential: &mut [f64],
    sums: &mut [[f64; TILE]; MOST],
) {
    let potential = S::as_mut_simd_f64s(potential).0;
    let weights = S::as_simd_f64s(weights).0;
    for v in 0..TILE / S::F64_LANES {
        let squared = tile_squared_distances::<S, C>(simd, tile, v, pack.as_chunks().0);
        // Lanes past the last row weigh nothing.
        let own = simd.min_f64s(potential[v], simd.mul_f64s(squared[0], weights[v]));
        potential[v] = own;
        for c in 0..C {
            let sum = &mut S::as_mut_simd_f64s(&mut sums[c]).0[v];
            *sum = simd.add_f64s(*sum, simd.min_f64s(own, simd.mul_f64s(squared[c], weights[v])));
        }
    }
}
