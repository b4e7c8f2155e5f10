//! KMeans (Lloyd, 1982): all restarts and all k at once, the same answer on every device.

use super::seeding;
use crate::backend::{Assigned, Memory, Rows};
use crate::canonical::{self, Centroids, tile_squared_distances};
use crate::error::{Error, Result};
use crate::matrix::{BLOCK, Matrix, TILE};
use crate::progress::Progress;
use crate::random::{Draws, Purpose};
use rayon::prelude::*;

/// How to fit; scikit-learn's names and defaults, but for `n_init`.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    /// How many k-means++ starts; the best by inertia is kept.
    pub n_init: usize,
    /// Passes a start may take.
    pub max_iter: usize,
    /// A start ends when the squared shift of its centroids is at most `tol` times the features' mean variance.
    pub tol: f64,
    /// The seed of all draws.
    pub seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        Params { n_init: 10, max_iter: 300, tol: 1e-4, seed: 0 }
    }
}

/// Where the starts come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// `n_init` k-means++ starts.
    KMeansPlusPlus,
    /// One start from these centroids, in stored units.
    Given(Centroids),
}

/// A finished KMeans.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// How many clusters.
    pub k: usize,
    /// The centroids in the order of the fit, in stored units.
    pub centroids: Centroids,
    /// For each row its centroid: the nearest, lowest index on ties.
    pub labels: Vec<u32>,
    /// For each centroid the number of its rows.
    pub sizes: Vec<u64>,
    /// Sum of the (weighted) squared distances of the rows to their centroids, in the user's units.
    pub inertia: f64,
    /// Passes that the best start took.
    pub n_iter: usize,
    /// Whether it ended before `max_iter`.
    pub converged: bool,
    /// Which start was best.
    pub restart: usize,
    /// Whether seeding looked at a sample of the rows.
    pub seeded_on_sample: bool,
    /// For each pass, over all starts of all k of the call: how many (row, start) pairs the f32 filter could not
    /// prove. The last entry is the final assignment. It depends on the device; nothing else here does.
    pub undecided: Vec<u64>,
}

impl Fit {
    /// For each centroid its segment number: 0 for the most rows, ties by the centroids' values.
    pub fn segments(&self) -> Vec<u32> {
        let mut order: Vec<usize> = (0..self.k).collect();
        order.sort_by(|&a, &b| {
            let by_value = || {
                let pairs = self.centroids.get(a).iter().zip(self.centroids.get(b));
                pairs.map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne()).unwrap_or(a.cmp(&b))
            };
            self.sizes[b].cmp(&self.sizes[a]).then_with(by_value)
        });
        let mut segments = vec![0; self.k];
        for (segment, &c) in order.iter().enumerate() {
            segments[c] = segment as u32;
        }
        segments
    }
}

/// One start on its way.
struct Run {
    k: usize,
    restart: usize,
    centroids: Centroids,
    n_iter: usize,
    converged: bool,
    /// How much less than the total sum of squares the inertia of the last pass was: the larger, the better.
    gain: f64,
    /// Whether the centroids changed after that pass.
    changed: bool,
    done: bool,
    /// What the device remembers of the last pass.
    memory: Memory,
}

/// Fits one k.
///
/// # Errors
/// As [`fit_many`].
pub fn fit(
    rows: &dyn Rows,
    matrix: &Matrix,
    k: usize,
    params: &Params,
    start: &Start,
    progress: Progress<'_>,
) -> Result<Fit> {
    let mut fits = fit_many(rows, matrix, &[k], params, start, progress)?;
    fits.pop().ok_or_else(|| Error::data("no k to fit"))
}

/// Fits every k of `ks`: all starts of all k go over the rows together.
///
/// # Errors
/// No start or no pass asked for; k = 0; more clusters than distinct rows; given centroids of another k; a device
/// that failed; [`Error::Interrupted`].
pub fn fit_many(
    rows: &dyn Rows,
    matrix: &Matrix,
    ks: &[usize],
    params: &Params,
    start: &Start,
    progress: Progress<'_>,
) -> Result<Vec<Fit>> {
    check(matrix, ks, params, start)?;
    let mut runs = starts(matrix, ks, params, start, progress)?;
    let limit = params.tol * mean_variance(matrix);
    let mut undecided = Vec::new();
    for _ in 0..params.max_iter {
        let mut active: Vec<&mut Run> = runs.iter_mut().filter(|r| !r.done).collect();
        if active.is_empty() {
            break;
        }
        let sets: Vec<Centroids> = active.iter().map(|r| r.centroids.clone()).collect();
        let mut memories: Vec<Memory> = active.iter_mut().map(|r| std::mem::take(&mut r.memory)).collect();
        let passes = rows.lloyd_again(&sets, false, &mut memories)?;
        undecided.push(passes.iter().map(|p| p.undecided).sum());
        for ((run, pass), memory) in active.into_iter().zip(passes).zip(memories) {
            run.step(rows, matrix, pass, limit)?;
            if !run.done || run.changed {
                run.memory = memory;
            }
        }
        progress.step("fit", done_share(&runs), 1000)?;
    }

    // A start that has no rival needs no rank.
    if runs.len() > ks.len() {
        rank_again(rows, matrix, &mut runs)?;
    }
    let best: Vec<&Run> = ks
        .iter()
        .filter_map(|&k| {
            runs.iter()
                .filter(|r| r.k == k)
                .reduce(|a, b| if b.gain.total_cmp(&a.gain).is_gt() { b } else { a })
        })
        .collect();
    let sets: Vec<Centroids> = best.iter().map(|r| r.centroids.clone()).collect();
    let finals = rows.lloyd(&sets, true)?;
    undecided.push(finals.iter().map(|p| p.undecided).sum());
    best.into_iter()
        .zip(finals)
        .map(|(run, last)| {
            let labels = last.labels.ok_or_else(|| Error::Device("the device returned no labels".into()))?;
            Ok(Fit {
                k: run.k,
                inertia: inertia(matrix, &run.centroids, &labels),
                centroids: run.centroids.clone(),
                labels,
                sizes: last.counts,
                n_iter: run.n_iter,
                converged: run.converged,
                restart: run.restart,
                seeded_on_sample: matches!(start, Start::KMeansPlusPlus)
                    && matrix.rows() > seeding::SEEDING_ROWS,
                undecided: undecided.clone(),
            })
        })
        .collect()
}

fn check(matrix: &Matrix, ks: &[usize], params: &Params, start: &Start) -> Result<()> {
    if ks.is_empty() || ks.contains(&0) {
        return Err(Error::Usage("k must be at least 1".into()));
    }
    if params.n_init == 0 || params.max_iter == 0 {
        return Err(Error::Usage("n_init and max_iter must be at least 1".into()));
    }
    if !params.tol.is_finite() || params.tol < 0.0 {
        return Err(Error::Usage("tol must be a number, 0 or more".into()));
    }
    if let Start::Given(centroids) = start
        && ks.iter().any(|&k| k != centroids.k())
    {
        return Err(Error::data(format!("{} start centroids for k = {}", centroids.k(), ks[0])));
    }
    enough_rows(matrix, ks)
}

/// Checks that no k is above the number of distinct rows: cheap, and worth knowing before a device is opened.
///
/// # Errors
/// A k is; the message has both numbers.
pub fn enough_rows(matrix: &Matrix, ks: &[usize]) -> Result<()> {
    let largest = ks.iter().copied().max().unwrap_or(1);
    matrix.distinct_rows(largest).map_err(|distinct| {
        let rows = if distinct == 1 { "row" } else { "rows" };
        Error::data(format!("k = {largest}, but the table has only {distinct} distinct {rows}"))
    })
}

/// All starts of all k, in order of k and restart.
fn starts(
    matrix: &Matrix,
    ks: &[usize],
    params: &Params,
    start: &Start,
    progress: Progress<'_>,
) -> Result<Vec<Run>> {
    let run = |k, restart, centroids| Run {
        k,
        restart,
        centroids,
        n_iter: 0,
        converged: false,
        gain: f64::NEG_INFINITY,
        changed: true,
        done: false,
        memory: Memory::default(),
    };
    if let Start::Given(centroids) = start {
        return Ok(vec![run(centroids.k(), 0, centroids.clone())]);
    }
    let sample = seeding::sample(matrix, params.seed);
    let draws = Draws::new(params.seed, Purpose::Seeding);
    let wanted: Vec<(usize, usize)> =
        ks.iter().flat_map(|&k| (0..params.n_init).map(move |restart| (k, restart))).collect();
    let streams = wanted.iter().map(|&(k, r)| (k, draws.at((k as u64) << 32 | r as u64))).collect();
    let centroids = seeding::kmeans_plus_plus(&sample, streams, progress)?;
    Ok(wanted.into_iter().zip(centroids).map(|((k, restart), c)| run(k, restart, c)).collect())
}

/// A start that ended with its centroids on the move is held to where they went, as scikit-learn does it.
fn rank_again(rows: &dyn Rows, matrix: &Matrix, runs: &mut [Run]) -> Result<()> {
    let mut moved: Vec<&mut Run> = runs.iter_mut().filter(|r| r.changed).collect();
    let sets: Vec<Centroids> = moved.iter().map(|r| r.centroids.clone()).collect();
    let mut memories: Vec<Memory> = moved.iter_mut().map(|r| std::mem::take(&mut r.memory)).collect();
    for (run, pass) in moved.into_iter().zip(rows.lloyd_again(&sets, false, &mut memories)?) {
        run.gain = gain(matrix, &pass, &run.centroids);
    }
    Ok(())
}

/// Thousandths of the work that are done, taking about 25 passes for what a start needs.
fn done_share(runs: &[Run]) -> u64 {
    let share = |r: &Run| if r.done { 1.0 } else { r.n_iter as f64 / (r.n_iter as f64 + 25.0) };
    (1000.0 * runs.iter().map(share).sum::<f64>() / runs.len() as f64) as u64
}

impl Run {
    /// Takes in a pass: new centroids, and whether that was the last.
    fn step(&mut self, rows: &dyn Rows, matrix: &Matrix, mut pass: Assigned, limit: f64) -> Result<()> {
        self.gain = gain(matrix, &pass, &self.centroids);
        if pass.weights.contains(&0) {
            self.fill_empty(rows, matrix, &mut pass)?;
        }
        let d = matrix.features();
        let mut shift = 0.0;
        self.changed = false;
        for (c, &weight) in pass.weights.iter().enumerate() {
            if weight == 0 {
                continue; // only where no row can be spared: the centroid stays
            }
            for j in 0..d {
                let mean = pass.sums[c * d + j] as f64 / weight as f64 * matrix.stored_step(j);
                let old = &mut self.centroids.values[c * d + j];
                let new = mean as f32 + 0.0;
                let moved = f64::from(new) - f64::from(*old);
                shift += moved * moved;
                self.changed |= new != *old;
                *old = new;
            }
        }
        self.n_iter += 1;
        self.converged = !self.changed || shift <= limit;
        self.done = self.converged;
        Ok(())
    }

    /// Gives each empty cluster the row that is farthest from its centroid (lowest index on ties), as scikit-learn
    /// does; a cluster's last row is never taken.
    fn fill_empty(&self, rows: &dyn Rows, matrix: &Matrix, pass: &mut Assigned) -> Result<()> {
        let labels = rows
            .lloyd(std::slice::from_ref(&self.centroids), true)?
            .pop()
            .and_then(|p| p.labels)
            .ok_or_else(|| Error::Device("the device returned no labels".into()))?;
        let mut far: Vec<(f64, u32)> = (0..matrix.rows())
            .into_par_iter()
            .map(|i| {
                let centroid = self.centroids.get(labels[i] as usize);
                (canonical::squared_distance(matrix.row(i), centroid), i as u32)
            })
            .collect();
        let empty: Vec<usize> = (0..self.k).filter(|&c| pass.weights[c] == 0).collect();
        far.par_sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut farthest = far.into_iter().map(|(_, i)| i as usize);
        let d = matrix.features();
        for c in empty {
            let spared = farthest.by_ref().find(|&i| {
                let weight = matrix.weights().map_or(1, |w| u64::from(w[i]));
                weight > 0 && pass.weights[labels[i] as usize] > weight
            });
            let Some(i) = spared else { return Ok(()) };
            let weight = matrix.weights().map_or(1, |w| u64::from(w[i]));
            let from = labels[i] as usize;
            for (j, v) in matrix.row(i).enumerate() {
                let steps = (v * matrix.steps_per_unit(j)) as i128 * i128::from(weight);
                pass.sums[from * d + j] -= steps;
                pass.sums[c * d + j] = steps;
            }
            pass.weights[from] -= weight;
            pass.weights[c] = weight;
            pass.counts[from] -= 1;
            pass.counts[c] = 1;
        }
        Ok(())
    }
}

/// By how much the inertia of a pass is below the total sum of squares: the between-cluster sum of squares about the
/// global mean, less what the centroids are away from their rows' means. Up to a factor that all starts share. The
/// numerators are exact: sums are below `2^31 * weight`, and the total weight is below `2^48`.
fn gain(matrix: &Matrix, pass: &Assigned, centroids: &Centroids) -> f64 {
    let d = matrix.features();
    let total: u64 = pass.weights.iter().sum();
    let all: Vec<i128> = (0..d).map(|j| pass.sums.iter().skip(j).step_by(d).sum()).collect();
    let mut gain = 0.0;
    for (c, &weight) in pass.weights.iter().enumerate().filter(|(_, w)| **w > 0) {
        let mut squares = 0.0;
        for (j, all) in all.iter().enumerate() {
            let (sum, step) = (pass.sums[c * d + j], matrix.stored_step(j));
            let numerator = sum * i128::from(total) - all * i128::from(weight);
            let between = numerator as f64 / total as f64 / weight as f64 * step;
            let away = sum as f64 / weight as f64 * step - f64::from(centroids.get(c)[j]);
            squares += between * between - away * away;
        }
        gain += squares * weight as f64;
    }
    gain
}

/// The mean over the features of their variance (ddof 0), in stored units.
fn mean_variance(matrix: &Matrix) -> f64 {
    let (n, d) = (matrix.rows(), matrix.features());
    let means: Vec<f64> = row_sums(matrix, d, |row, sums| {
        row.zip(sums).for_each(|(v, s)| *s += f64::from(v));
    })
    .into_iter()
    .map(|s| s / n as f64)
    .collect();
    let squares = row_sums(matrix, d, |row, sums| {
        for ((v, s), mean) in row.zip(sums).zip(&means) {
            *s += (f64::from(v) - mean) * (f64::from(v) - mean);
        }
    });
    squares.iter().map(|s| s / n as f64).sum::<f64>() / d as f64
}

/// Sums over the rows in blocks of 4,096, the blocks' sums then in order: the same for any number of threads.
fn row_sums(
    matrix: &Matrix,
    width: usize,
    add: impl Fn(&mut dyn Iterator<Item = f32>, &mut [f64]) + Sync,
) -> Vec<f64> {
    let blocks: Vec<Vec<f64>> = (0..matrix.rows().div_ceil(BLOCK))
        .into_par_iter()
        .map(|b| {
            let mut sums = vec![0.0; width];
            for i in b * BLOCK..matrix.rows().min((b + 1) * BLOCK) {
                add(&mut matrix.row(i), &mut sums);
            }
            sums
        })
        .collect();
    let mut total = vec![0.0; width];
    for block in blocks {
        total.iter_mut().zip(block).for_each(|(t, b)| *t += b);
    }
    total
}

/// Inertia in the user's units: canonical distances, summed in blocks.
fn inertia(matrix: &Matrix, centroids: &Centroids, labels: &[u32]) -> f64 {
    let blocks: Vec<f64> = labels
        .par_chunks(BLOCK)
        .enumerate()
        .map(|(b, labels)| {
            let mut sum = 0.0;
            for (r, &label) in labels.iter().enumerate() {
                let i = b * BLOCK + r;
                let squared = canonical::squared_distance(matrix.row(i), centroids.get(label as usize));
                sum += squared * matrix.weights().map_or(1.0, |w| f64::from(w[i]));
            }
            sum
        })
        .collect();
    let stored: f64 = blocks.iter().sum();
    matrix.to_user(matrix.to_user(stored))
}

/// For each row of a block, the first of which is `first`, a multiple of 16, the Euclidean distance to its centroid and
/// how much farther the runner-up is (infinite for k = 1), in the user's units.
pub fn distances_and_margins(
    matrix: &Matrix,
    centroids: &Centroids,
    first: usize,
    labels: &[u32],
) -> Vec<(f64, f64)> {
    let packs: Vec<[f64; 4]> = (0..centroids.k().div_ceil(4))
        .flat_map(|p| (0..centroids.features).map(move |j| (p, j)))
        .map(|(p, j)| {
            let value = |c: usize| centroids.values.get(c * centroids.features + j).copied();
            // What stands for no centroid is no runner-up.
            std::array::from_fn(|c| value(4 * p + c).map_or(f64::INFINITY, f64::from))
        })
        .collect();
    pulp::Arch::new().dispatch(Measure { matrix, packs: &packs, first, labels })
}

/// The loop of [`distances_and_margins`], in the widest vectors of the machine: the same bits in all of them.
struct Measure<'a> {
    matrix: &'a Matrix,
    packs: &'a [[f64; 4]],
    first: usize,
    labels: &'a [u32],
}

impl pulp::WithSimd for Measure<'_> {
    type Output = Vec<(f64, f64)>;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) -> Vec<(f64, f64)> {
        let Measure { matrix, packs, first, labels } = self;
        let d = matrix.features();
        let mut tile = vec![[0f64; TILE]; d];
        let mut out = Vec::with_capacity(labels.len());
        for (t, labels) in labels.chunks(TILE).enumerate() {
            for (to, from) in tile.iter_mut().zip(matrix.tile(first / TILE + t)) {
                *to = from.map(f64::from);
            }
            let mut own_centroids = [0f64; TILE];
            for (to, &label) in own_centroids.iter_mut().zip(labels) {
                *to = f64::from(label);
            }
            let (mut own, mut second) = ([0f64; TILE], [0f64; TILE]);
            for v in 0..TILE / S::F64_LANES {
                let label = S::as_simd_f64s(&own_centroids).0[v];
                let infinite = simd.splat_f64s(f64::INFINITY);
                let (mut own_v, mut second_v) = (simd.splat_f64s(0.0), infinite);
                for (p, pack) in packs.chunks_exact(d).enumerate() {
                    let squared = tile_squared_distances::<S, 4>(simd, &tile, v, pack);
                    for (c, squared) in squared.into_iter().enumerate() {
                        let is_own = simd.equal_f64s(label, simd.splat_f64s((4 * p + c) as f64));
                        own_v = simd.select_f64s(is_own, squared, own_v);
                        second_v = simd.min_f64s(second_v, simd.select_f64s(is_own, infinite, squared));
                    }
                }
                S::as_mut_simd_f64s(&mut own).0[v] = own_v;
                S::as_mut_simd_f64s(&mut second).0[v] = second_v;
            }
            out.extend(own.iter().zip(&second).take(labels.len()).map(|(own, second)| {
                let own = matrix.to_user(own.sqrt());
                (own, matrix.to_user(second.sqrt()) - own)
            }));
        }
        out
    }
}
