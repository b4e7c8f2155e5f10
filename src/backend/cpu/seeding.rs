//! Greedy k-means++ in whole numbers, several restarts at a time; see [`crate::backend::Backend::kmeans_plus_plus`].
//!
//! The squared distance of two rows is `|x|^2 + |c|^2 - 2 x.c`. Each term may be above 2^32, but the result is below it, so
//! arithmetic modulo 2^32 gives it exactly.

use crate::backend::SeedingRun;
use crate::backend::simd::{InstructionSet, PairProducts, Vectorized};
use crate::error::Result;
use crate::matrix::coarse::{CoarsePoint, CoarseRows, GROUP, Pairs, scaled, take};
use crate::matrix::{BLOCK, TILE};
use crate::progress::Progress;
use rayon::prelude::*;

/// Tiles of a block.
const BLOCK_TILES: usize = BLOCK / TILE;

/// The numbers of a group of tiles, one for each row.
type GroupValues = [Pairs; GROUP];

/// A restart on its way.
struct Restart<'a> {
    run: &'a SeedingRun,
    /// The centres so far, as row numbers.
    centres: Vec<usize>,
    /// The newest centre, which the potential does not count yet, and after it the candidates for the next one. Empty once
    /// the restart is finished.
    points: Vec<CoarsePoint>,
    /// The row numbers of the candidates.
    candidates: Vec<usize>,
    /// The sum of the potential in each block of rows, and over all.
    blocks: Vec<u64>,
    total: u64,
}

pub(in crate::backend) fn kmeans_plus_plus(
    set: InstructionSet,
    rows: &CoarseRows,
    runs: &[SeedingRun],
    progress: Progress<'_>,
) -> Result<Vec<Vec<usize>>> {
    let all: usize = runs.iter().map(|run| run.k).sum();
    let mut done = 0;
    let mut out = Vec::with_capacity(runs.len());
    // The potentials take at most half of the memory of the matrix, or what eight restarts take.
    for runs in runs.chunks(rows.pairs().clamp(8, 64)) {
        let mut restarts: Vec<Restart<'_>> = runs.iter().map(|run| Restart::new(rows, run)).collect();
        let mut potentials = Potentials::new(set, rows, restarts.len());
        while restarts.iter().any(|restart| !restart.points.is_empty()) {
            let sums = potentials.measure(&restarts);
            let parts = restarts.par_iter_mut().enumerate().filter(|(_, restart)| !restart.points.is_empty());
            parts.for_each(|(r, restart)| {
                restart.choose(rows, sums.iter().map(|block| &block[r][..]));
                restart.draw(rows, &potentials, r);
            });
            let now: usize = restarts.iter().map(Restart::progress).sum();
            progress.step("seeding", (done + now) as u64, all as u64)?;
        }
        done += runs.iter().map(|run| run.k).sum::<usize>();
        out.extend(restarts.into_iter().map(|restart| restart.centres));
    }
    Ok(out)
}

impl<'a> Restart<'a> {
    /// A restart whose first centre is drawn by the rows' weights. It is the only candidate.
    fn new(rows: &CoarseRows, run: &'a SeedingRun) -> Self {
        let first = rows.row_at_weight(run.draws[0]);
        let point = rows.point(first);
        Restart {
            run,
            centres: Vec::with_capacity(run.k),
            points: vec![point.clone(), point],
            candidates: vec![first],
            blocks: Vec::new(),
            total: 0,
        }
    }

    /// How many of its k centres are done, for the progress line.
    fn progress(&self) -> usize {
        if self.points.is_empty() { self.run.k } else { self.centres.len() }
    }

    /// Makes the best candidate the next centre, the first one on ties. `sums` has, for each block of rows, the sum of the
    /// potential that each candidate would leave.
    fn choose<'s>(&mut self, rows: &CoarseRows, sums: impl Iterator<Item = &'s [u64]> + Clone) {
        let total = |c: usize| sums.clone().map(|block| block[c]).sum::<u64>();
        let totals: Vec<u64> = (0..self.candidates.len()).map(total).collect();
        let best = (0..totals.len()).min_by_key(|&c| totals[c]).unwrap_or(0);
        self.total = totals[best];
        self.blocks = sums.map(|block| block[best]).collect();
        self.centres.push(self.candidates[best]);
        self.points = vec![rows.point(self.candidates[best])];
    }

    /// Draws the candidates for the next centre, if there is to be one.
    fn draw(&mut self, rows: &CoarseRows, potentials: &Potentials<'_>, own: usize) {
        self.candidates.clear();
        if self.centres.len() == self.run.k || self.total < rows.least_potential() {
            self.points.clear();
            return;
        }
        let used = 1 + (self.centres.len() - 1) * self.run.trials;
        for &draw in &self.run.draws[used..][..self.run.trials] {
            let mut left = scaled(draw, self.total);
            let block = self.blocks.iter().position(|&sum| take(&mut left, sum)).unwrap_or(0);
            let row = potentials.row_at(own, &self.points[0], block, left);
            self.candidates.push(row);
            self.points.push(rows.point(row));
        }
    }
}

/// For each restart and row the squared distance to the nearest centre but for the newest. What that one changes is worked
/// out when the row is next read anyway.
struct Potentials<'a> {
    set: InstructionSet,
    rows: &'a CoarseRows,
    restarts: usize,
    /// For each block of rows and each restart [`BLOCK_TILES`] tiles, fewer in the last block.
    values: Vec<Pairs>,
}

impl<'a> Potentials<'a> {
    fn new(set: InstructionSet, rows: &'a CoarseRows, restarts: usize) -> Self {
        let mut values = vec![Pairs([u32::MAX; TILE]); rows.norms().len() * restarts];
        // The padding at the end of the last block has no potential.
        let rest = rows.rows() % BLOCK;
        let first = (rows.rows() - rest) / TILE * restarts;
        let tiles = rest.div_ceil(TILE).next_multiple_of(GROUP).max(1);
        for values in values[first..].chunks_exact_mut(tiles) {
            bytemuck::cast_slice_mut::<Pairs, u32>(values)[rest..].fill(0);
        }
        Potentials { set, rows, restarts, values }
    }

    /// Takes the newest centre of each unfinished restart into its potential. Returns, for each block of rows, each restart
    /// and each of its candidates, the sum of the potential that is left with that candidate as a further centre.
    fn measure(&mut self, restarts: &[Restart<'_>]) -> Vec<Vec<Vec<u64>>> {
        let (set, rows) = (self.set, self.rows);
        let blocks = self.values.par_chunks_mut(BLOCK_TILES * self.restarts).enumerate();
        let sums = blocks.map(|(block, values)| {
            let tiles = values.len() / restarts.len();
            let tasks = values.chunks_exact_mut(tiles).zip(restarts);
            let mut tasks: Vec<Task<'_>> = tasks
                .map(|(values, restart)| Task {
                    values,
                    points: &restart.points,
                    sums: vec![[0; TILE / 2]; restart.candidates.len()],
                })
                .collect();
            set.run(Measure { rows, first_tile: block * BLOCK_TILES, tasks: &mut tasks });
            let sum = |lanes: &[u64; TILE / 2]| lanes.iter().sum();
            tasks.iter().map(|task| task.sums.iter().map(sum).collect()).collect()
        });
        sums.collect()
    }

    /// The row of a block at `left`, if its rows are laid end to end, each as long as its potential.
    fn row_at(&self, restart: usize, newest: &CoarsePoint, block: usize, left: u64) -> usize {
        let first_tile = block * BLOCK_TILES;
        let tiles = BLOCK_TILES.min(self.rows.norms().len() - first_tile);
        let values = &self.values[first_tile * self.restarts + restart * tiles..][..tiles];
        self.set.run(Find { rows: self.rows, first_tile, values, newest, left })
    }
}

/// One restart in a block of rows.
struct Task<'a> {
    values: &'a mut [Pairs],
    points: &'a [CoarsePoint],
    /// For each candidate the sum of the potential, in lanes.
    sums: Vec<[u64; TILE / 2]>,
}

/// A block of rows for all restarts, so that the rows are read from memory once.
struct Measure<'a, 't> {
    rows: &'a CoarseRows,
    first_tile: usize,
    tasks: &'a mut [Task<'t>],
}

impl Vectorized for Measure<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: PairProducts, const V: usize>(self, simd: S) {
        let Measure { rows, first_tile, tasks } = self;
        let tiles = tasks.first().map_or(0, |task| task.values.len());
        for group in (0..tiles).step_by(GROUP) {
            for Task { values, points, sums } in &mut *tasks {
                let Some((newest, candidates)) = points.split_first() else { continue };
                let values = &mut values[group..][..GROUP];
                let squared = squared_distances(simd, rows, first_tile + group, newest);
                for (value, squared) in values.iter_mut().zip(&squared) {
                    lower(value, squared);
                }
                for (candidate, sums) in candidates.iter().zip(sums) {
                    let mut left = squared_distances(simd, rows, first_tile + group, candidate);
                    for (t, (left, value)) in left.iter_mut().zip(&*values).enumerate() {
                        lower(left, value);
                        add(sums, left, rows.weights().map(|weights| &weights[first_tile + group + t]));
                    }
                }
            }
        }
    }
}

/// Finds a row by its potential; see [`Potentials::row_at`].
struct Find<'a> {
    rows: &'a CoarseRows,
    first_tile: usize,
    values: &'a [Pairs],
    newest: &'a CoarsePoint,
    left: u64,
}

impl Vectorized for Find<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<S: PairProducts, const V: usize>(self, simd: S) -> usize {
        let Find { rows, first_tile, values, newest, mut left } = self;
        for group in (0..values.len()).step_by(GROUP) {
            let mut potential = squared_distances(simd, rows, first_tile + group, newest);
            for (t, potential) in potential.iter_mut().enumerate() {
                let tile = first_tile + group + t;
                lower(potential, &values[group + t]);
                let mut sums = [0; TILE / 2];
                add(&mut sums, potential, rows.weights().map(|weights| &weights[tile]));
                if !take(&mut left, sums.iter().sum()) {
                    continue;
                }
                let lane = potential.0.iter().enumerate().position(|(lane, &squared)| {
                    let weight = rows.weights().map_or(1, |weights| weights[tile].0[lane]);
                    take(&mut left, u64::from(squared) * u64::from(weight))
                });
                return tile * TILE + lane.unwrap_or(0);
            }
        }
        first_tile * TILE
    }
}

/// The squared distances of the rows of a group of tiles to a point.
#[inline(always)]
fn squared_distances<S: PairProducts>(
    simd: S,
    rows: &CoarseRows,
    first_tile: usize,
    point: &CoarsePoint,
) -> GroupValues {
    let pairs = rows.pairs();
    let tiles = &rows.values()[first_tile * pairs..][..GROUP * pairs];
    let (a, rest) = tiles.split_at(pairs);
    let (b, rest) = rest.split_at(pairs);
    let (c, d) = rest.split_at(pairs);
    let norms = &rows.norms()[first_tile..][..GROUP];
    let mut out = [Pairs([0; TILE]); GROUP];
    for v in 0..TILE / S::U32_LANES {
        let mut products = [simd.splat_u32s(0); GROUP];
        for ((((&pair, a), b), c), d) in point.pairs.iter().zip(a).zip(b).zip(c).zip(d) {
            let pair = simd.splat_u32s(pair);
            for (sum, lanes) in products.iter_mut().zip([a, b, c, d]) {
                *sum = simd.add_pair_products(*sum, S::as_simd_u32s(&lanes.0).0[v], pair);
            }
        }
        for ((out, products), norm) in out.iter_mut().zip(products).zip(norms) {
            let norms = simd.add_u32s(S::as_simd_u32s(&norm.0).0[v], simd.splat_u32s(point.norm));
            let twice = simd.add_u32s(products, products);
            S::as_mut_simd_u32s(&mut out.0).0[v] = simd.sub_u32s(norms, twice);
        }
    }
    out
}

/// Lowers values to those of `other` where these are smaller.
#[inline(always)]
fn lower(values: &mut Pairs, other: &Pairs) {
    for (value, &other) in values.0.iter_mut().zip(&other.0) {
        *value = (*value).min(other);
    }
}

/// Adds the values of a tile, each times its row's weight, to sums in lanes.
#[inline(always)]
fn add(sums: &mut [u64; TILE / 2], values: &Pairs, weights: Option<&Pairs>) {
    const LOW: u64 = u32::MAX as u64;
    let values: &[u64; TILE / 2] = bytemuck::cast_ref(values);
    match weights {
        None => {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += (value & LOW) + (value >> 32);
            }
        }
        Some(weights) => {
            let weights: &[u64; TILE / 2] = bytemuck::cast_ref(weights);
            for ((sum, value), weight) in sums.iter_mut().zip(values).zip(weights) {
                *sum += (value & LOW) * (weight & LOW) + (value >> 32) * (weight >> 32);
            }
        }
    }
}
