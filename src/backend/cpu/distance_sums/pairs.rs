//! Sums of distances in which the distance of each pair of rows is computed once, for the sums of both rows.
//!
//! The rows are sorted by their joint labels, and each run is padded to whole tiles. Each block of rows is compared with
//! every other block once, on any thread and in any order. The order does not change the result: every part of a sum is
//! rounded to a whole multiple of one unit, and these are so small that f64 adds them without error.

use crate::backend::host::joint_labels::slots;
use crate::backend::simd::block::{Group, group_rows, store};
use crate::backend::simd::{InstructionSet, Vectorized, multiply_add};
use crate::backend::{Labeling, SumsSink};
use crate::error::{Error, Result};
use crate::matrix::{Lanes, Matrix, TILE};
use crate::progress::Progress;
use bytemuck::Zeroable;
use pulp::Simd;
use rayon::prelude::*;
use std::any::Any;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Runs of a block. Their sums stay in the second-level cache.
const RUNS: usize = 8;

/// One task compares a block with at most so many others.
const PARTNERS: usize = 16;

/// The sums may take so many times the memory of the rows, or [`SMALL`] bytes if that is more.
const ROOM: usize = 8;
const SMALL: usize = 256 << 20;

/// The sums of so many rows go to the sink at once.
const HANDED: usize = 512;

/// Rows of one joint label: at most four tiles.
struct Run {
    tiles: Range<usize>,
    /// How many of its rows are not padding.
    rows: usize,
    slots: Vec<u32>,
}

/// A few runs, which one thread works on.
struct Block {
    runs: Range<usize>,
    tiles: Range<usize>,
    mean: Vec<f32>,
    /// For each slot the sums of the block's rows, in stored units.
    sums: Mutex<Vec<f64>>,
}

/// A table sorted by joint labels.
pub(super) struct Pairs<'a> {
    matrix: &'a Matrix,
    sorted: Matrix,
    /// How many copies each row stands for; 0 for padding.
    copies: Vec<f32>,
    runs: Vec<Run>,
    blocks: Vec<Block>,
    /// For each row of the table its place in `sorted`.
    places: Vec<u32>,
    width: usize,
    /// Adding this number and subtracting it again rounds to the unit of the sums.
    round: f64,
}

impl<'a> Pairs<'a> {
    /// None if the padding or the sums would take too much memory.
    pub(super) fn new(
        matrix: &'a Matrix,
        labelings: &[Labeling<'_>],
        order: &[u32],
        cuts: &[Range<usize>],
    ) -> Option<Self> {
        let width: usize = labelings.iter().map(|l| l.k).sum();
        let tiles: usize = cuts.iter().map(|cut| cut.len().div_ceil(TILE)).sum();
        let own = 4 * matrix.rows() * matrix.features();
        let sums = 8 * tiles * TILE * width;
        if tiles > matrix.tile_count() * 5 / 4 + 4 || sums > (ROOM * own).max(SMALL) {
            return None;
        }
        let mut rows = Vec::with_capacity(tiles * TILE);
        let mut copies = Vec::with_capacity(tiles * TILE);
        let mut places = vec![0u32; matrix.rows()];
        let mut runs = Vec::with_capacity(cuts.len());
        for cut in cuts {
            let start = rows.len();
            for &i in &order[cut.clone()] {
                places[i as usize] = rows.len() as u32;
                rows.push(i as usize);
                copies.push(matrix.copies(i as usize) as f32);
            }
            // The padding repeats a row, so that it does not lie far from the others. Its distances are not used.
            rows.resize(rows.len().next_multiple_of(TILE), order[cut.start] as usize);
            copies.resize(rows.len(), 0.0);
            runs.push(Run {
                tiles: start / TILE..rows.len() / TILE,
                rows: cut.len(),
                slots: slots(labelings, order[cut.start] as usize).collect(),
            });
        }
        let blocks = (0..runs.len())
            .step_by(RUNS)
            .map(|r| {
                let runs_of = r..runs.len().min(r + RUNS);
                let tiles = runs[runs_of.start].tiles.start..runs[runs_of.end - 1].tiles.end;
                let mean = mean(matrix, &order[cuts[runs_of.start].start..cuts[runs_of.end - 1].end]);
                Block { sums: Mutex::new(vec![0.0; tiles.len() * TILE * width]), runs: runs_of, tiles, mean }
            })
            .collect();
        Some(Pairs {
            sorted: matrix.select(&rows),
            matrix,
            copies,
            runs,
            blocks,
            places,
            width,
            round: 1.5 * libm::ldexp(unit(matrix), 52),
        })
    }

    pub(super) fn distance_sums(
        mut self,
        set: InstructionSet,
        progress: Progress<'_>,
        sink: SumsSink<'_>,
    ) -> Result<()> {
        let blocks = self.blocks.len();
        let tasks: Vec<(usize, Range<usize>)> = (0..blocks)
            .flat_map(|b| {
                // The blocks form a circle. Each one is compared with itself and with the half of the others that follow it.
                let partners =
                    if blocks.is_multiple_of(2) && b >= blocks / 2 { blocks / 2 } else { blocks / 2 + 1 };
                (0..partners).step_by(PARTNERS).map(move |p| (b, p..partners.min(p + PARTNERS)))
            })
            .collect();
        let done = AtomicU64::new(0);
        tasks.par_iter().try_for_each(|(block, partners)| {
            set.run(Task { pairs: &self, block: *block, partners: partners.clone() })?;
            let done = done.fetch_add(1, Relaxed) + 1;
            progress.step("silhouette", done, tasks.len() as u64)
        })?;
        // The locks end here, before the next parallel loop: a thread that held one could take up a task that waits for it.
        let sums = std::mem::take(&mut self.blocks).into_iter().map(|b| Ok((b.tiles, into_inner(b.sums)?)));
        let sums = sums.collect::<Result<Vec<_>>>()?;
        self.hand_over(&sums, sink)
    }

    /// Gives the sums to the sink, in the order of the table. `blocks` has the tiles and the sums of each block.
    fn hand_over(&self, blocks: &[(Range<usize>, Vec<f64>)], sink: SumsSink<'_>) -> Result<()> {
        let mut block_of = vec![0u32; self.sorted.tile_count()];
        for (b, (tiles, _)) in blocks.iter().enumerate() {
            block_of[tiles.clone()].fill(b as u32);
        }
        let n = self.matrix.rows();
        let ranges: Vec<Range<usize>> = (0..n).step_by(HANDED).map(|s| s..n.min(s + HANDED)).collect();
        for wave in ranges.chunks(4 * rayon::current_num_threads()) {
            let outs: Vec<Vec<f64>> = wave
                .par_iter()
                .map(|rows| {
                    let mut out = Vec::with_capacity(rows.len() * self.width);
                    for &place in &self.places[rows.clone()] {
                        let b = block_of[place as usize / TILE] as usize;
                        let (tiles, sums) = &blocks[b];
                        let at = place as usize - tiles.start * TILE;
                        let own = sums[at..].iter().step_by(tiles.len() * TILE);
                        out.extend(own.map(|&v| self.matrix.to_user(v)));
                    }
                    out
                })
                .collect();
            for (rows, out) in wave.iter().zip(outs) {
                sink(rows.clone(), &out)?;
            }
        }
        Ok(())
    }
}

/// The mean of some rows.
fn mean(matrix: &Matrix, rows: &[u32]) -> Vec<f32> {
    let mut sums = vec![0f64; matrix.features()];
    for &i in rows {
        sums.iter_mut().zip(matrix.row(i as usize)).for_each(|(sum, value)| *sum += f64::from(value));
    }
    sums.into_iter().map(|sum| (sum / rows.len() as f64) as f32).collect()
}

impl Block {
    fn lock(&self) -> Result<std::sync::MutexGuard<'_, Vec<f64>>> {
        self.sums.lock().map_err(thread_failed)
    }
}

fn into_inner(sums: Mutex<Vec<f64>>) -> Result<Vec<f64>> {
    sums.into_inner().map_err(thread_failed)
}

fn thread_failed<T>(_: PoisonError<T>) -> Error {
    Error::Device("a thread failed".into())
}

/// The unit of all sums, so large that the sum of the distances to all rows stays below `2^52` of it.
fn unit(matrix: &Matrix) -> f64 {
    // At least 1,024, so that a single part of a sum, which has at most 64 distances, stays well below the whole.
    let most = matrix.largest_distance() * matrix.total_copies().max(1024.0);
    if most > 0.0 { libm::ldexp(1.0, libm::frexp(most).1 - 51) } else { 1.0 }
}

/// Compares a block with some of the others.
struct Task<'a> {
    pairs: &'a Pairs<'a>,
    block: usize,
    /// How many steps along the circle its partners are away.
    partners: Range<usize>,
}

impl Vectorized for Task<'_> {
    type Output = Result<()>;

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) -> Result<()> {
        let Task { pairs, block, partners } = self;
        let own = &pairs.blocks[block];
        let mut sums = vec![0f64; own.tiles.len() * TILE * pairs.width];
        let mut columns = vec![simd.splat_f32s(0.0); RUNS * 4 * TILE];
        let mut column_sums = [0f32; RUNS * 4 * TILE];
        let mut facing = Facing::default();
        for step in partners {
            let other = &pairs.blocks[(block + step) % pairs.blocks.len()];
            facing.centre(simd, &pairs.sorted, other.tiles.clone(), &own.mean);
            for run in &pairs.runs[own.runs.clone()] {
                columns.fill(simd.splat_f32s(0.0));
                let mut rows = Rows { pairs, sums: &mut sums, own };
                let start = run.tiles.start * TILE;
                match run.tiles.len() {
                    4 if S::F32_LANES == TILE => rows.meet::<S, 4>(simd, start, other, &facing, &mut columns),
                    3 if S::F32_LANES == TILE => rows.meet::<S, 3>(simd, start, other, &facing, &mut columns),
                    2 if S::F32_LANES == TILE => rows.meet::<S, 2>(simd, start, other, &facing, &mut columns),
                    1 if S::F32_LANES == TILE => rows.meet::<S, 1>(simd, start, other, &facing, &mut columns),
                    _ => {
                        for tile in run.tiles.clone() {
                            rows.meet::<S, V>(simd, tile * TILE, other, &facing, &mut columns);
                        }
                    }
                }
                if step > 0 {
                    for (to, &lanes) in column_sums.iter_mut().zip(&columns) {
                        *to = simd.reduce_sum_f32s(lanes);
                    }
                    let height = other.tiles.len() * TILE;
                    add(&mut other.lock()?, &run.slots, height, 0, &column_sums, pairs.round);
                }
            }
        }
        let mut to = own.lock()?;
        to.iter_mut().zip(sums).for_each(|(to, sum)| *to += sum);
        Ok(())
    }
}

/// Adds `values`, rounded to the unit, to the sums of the rows from `at` on, in each of the slots.
#[inline(always)]
fn add(sums: &mut [f64], slots: &[u32], height: usize, at: usize, values: &[f32], round: f64) {
    let count = values.len().min(height - at);
    for (part, values) in values[..count].chunks(TILE).enumerate() {
        let mut rounded = [0f64; TILE];
        for (to, &value) in rounded.iter_mut().zip(values) {
            *to = (f64::from(value) + round) - round;
        }
        for &slot in slots {
            let to = &mut sums[slot as usize * height + at + part * TILE..][..TILE];
            to.iter_mut().zip(&rounded).for_each(|(to, value)| *to += value);
        }
    }
}

/// The rows of a block, with sums of their own until the task is done.
struct Rows<'a> {
    pairs: &'a Pairs<'a>,
    own: &'a Block,
    sums: &'a mut [f64],
}

/// If a squared distance is below this share of the two rows' squared distances from the mean, computing it by a dot product
/// has lost too many of its bits.
const NEAR: f32 = 1.0 / 1024.0;

impl Rows<'_> {
    /// Compares the group of rows at `start`, which have one joint label, with the rows of another block. For each of these,
    /// `columns` gets the sum of the distances to the group, lane by lane.
    ///
    /// A squared distance is computed as `|x|^2 + |y|^2 - 2 x.y` relative to the mean of the group's block, which is half the
    /// arithmetic of `(x - y)^2`. If one of the pairs of four columns is too near for that, those columns are computed again
    /// directly. A group with many such pairs goes on with direct distances.
    #[inline(always)]
    fn meet<S: Simd, const V: usize>(
        &mut self,
        simd: S,
        start: usize,
        other: &Block,
        facing: &Facing,
        columns: &mut [S::f32s],
    ) {
        let Pairs { sorted, copies, runs, round, .. } = self.pairs;
        let lanes = group_rows::<S, V>();
        let height = self.sums.len() / self.pairs.width;
        let group = Group::<V>::new(sorted, start);
        let centred = Centred::<S, V>::new(simd, &group, &self.own.mean);
        let mut own = [simd.splat_f32s(0.0); V];
        own.copy_from_slice(&S::as_simd_f32s(&copies[start..]).0[..V]);
        let mut part = [0f32; 64];
        let (mut quarters, mut again) = (0, 0);
        for run in &runs[other.runs.clone()] {
            let mut total = [simd.splat_f32s(0.0); V];
            for quarter in 0..run.rows.div_ceil(4) {
                let tile = run.tiles.start + quarter / 4;
                let (points, norms, largest) = facing.tile(tile - other.tiles.start);
                let limit = (NEAR * (centred.largest + largest)).max(f32::MIN_POSITIVE);
                quarters += 1;
                let mut near = again > 8 + quarters / 8;
                let mut distances = [[simd.splat_f32s(0.0); V]; 4];
                if !near {
                    let squared = centred.distances_to_quarter(simd, points, norms, quarter);
                    near = any_below(simd, &squared, limit);
                    for c in 0..4 {
                        for v in 0..V {
                            distances[c][v] = root(simd, squared[c][v]);
                        }
                    }
                }
                if near {
                    again += 1;
                    let squared = group.distances_to_quarter::<S>(simd, sorted.tile(tile), quarter);
                    for c in 0..4 {
                        for v in 0..V {
                            distances[c][v] = simd.sqrt_f32s(squared[c][v]);
                        }
                    }
                }
                let place = tile * TILE + quarter % 4 * 4;
                let counts = &copies[place..][..4];
                let columns = &mut columns[place - other.tiles.start * TILE..][..4];
                for c in 0..4 {
                    let counts = simd.splat_f32s(counts[c]);
                    for v in 0..V {
                        total[v] = multiply_add(simd, distances[c][v], counts, total[v]);
                        columns[c] = multiply_add(simd, distances[c][v], own[v], columns[c]);
                    }
                }
            }
            store::<S, V>(total, &mut part);
            let at = start - self.own.tiles.start * TILE;
            add(self.sums, &run.slots, height, at, &part[..lanes], *round);
        }
    }
}

/// Square roots of normal numbers, with an error of one or two units in the last place.
///
/// With 26 features, AVX-512's square root costs about half as much as all multiply-adds of a pair. Its estimate of 14 bits
/// followed by one step of Newton's method costs a sixth.
#[inline(always)]
fn root<S: Simd>(simd: S, squared: S::f32s) -> S::f32s {
    match reciprocal_root(simd, squared) {
        Some(estimate) => {
            let root = simd.mul_f32s(squared, estimate);
            let error = simd.negate_mul_add_e_f32s(root, estimate, simd.splat_f32s(1.0));
            multiply_add(simd, simd.mul_f32s(root, simd.splat_f32s(0.5)), error, root)
        }
        None => simd.sqrt_f32s(squared),
    }
}

/// AVX-512's estimate of `1 / sqrt(x)`.
#[inline(always)]
fn reciprocal_root<S: Simd>(simd: S, x: S::f32s) -> Option<S::f32s> {
    #[cfg(target_arch = "x86_64")]
    {
        let simd = (&simd as &dyn Any).downcast_ref::<pulp::x86::V4>()?;
        let x: pulp::f32x16 = *(&x as &dyn Any).downcast_ref()?;
        let estimate: pulp::f32x16 = pulp::cast(simd.avx512f._mm512_rsqrt14_ps(pulp::cast(x)));
        (&estimate as &dyn Any).downcast_ref().copied()
    }
    #[cfg(not(target_arch = "x86_64"))]
    None
}

/// Whether a lane is below `limit`.
#[inline(always)]
fn any_below<S: Simd, const V: usize>(simd: S, values: &[[S::f32s; V]; 4], limit: f32) -> bool {
    let mut least = values[0];
    for values in &values[1..] {
        for (least, &value) in least.iter_mut().zip(values) {
            *least = simd.min_f32s(*least, value);
        }
    }
    let mut all = least[0];
    for &least in &least[1..] {
        all = simd.min_f32s(all, least);
    }
    simd.first_true_m32s(simd.less_than_f32s(all, simd.splat_f32s(limit))) < S::F32_LANES
}

/// A group of rows minus a mean and times -2, tile by tile and feature by feature, with the squared norms of the rows minus
/// the mean.
struct Centred<S: Simd, const V: usize> {
    rows: Vec<Lanes>,
    norms: [S::f32s; V],
    largest: f32,
}

impl<S: Simd, const V: usize> Centred<S, V> {
    #[inline(always)]
    fn new(simd: S, group: &Group<'_, V>, mean: &[f32]) -> Self {
        let mut norms = [simd.splat_f32s(0.0); V];
        let mut rows = vec![Lanes::zeroed(); mean.len() * Self::TILES];
        for ((j, &mean), rows) in mean.iter().enumerate().zip(rows.chunks_exact_mut(Self::TILES)) {
            let row = group.feature::<S>(j);
            let to = S::as_mut_simd_f32s(bytemuck::cast_slice_mut(rows)).0;
            for v in 0..V {
                let value = simd.sub_f32s(row[v], simd.splat_f32s(mean));
                norms[v] = multiply_add(simd, value, value, norms[v]);
                to[v] = simd.mul_f32s(value, simd.splat_f32s(-2.0));
            }
        }
        let largest = norms.iter().fold(0.0, |a: f32, &norms| a.max(simd.reduce_max_f32s(norms)));
        Centred { rows, norms, largest }
    }

    const TILES: usize = V * S::F32_LANES / TILE;

    /// The squared distances to four rows of a tile from which the same mean was subtracted: row `4 * quarter` and the next
    /// three.
    #[inline(always)]
    fn distances_to_quarter(
        &self,
        simd: S,
        points: &[Lanes],
        norms: &Lanes,
        quarter: usize,
    ) -> [[S::f32s; V]; 4] {
        let quarter = quarter % 4;
        let norms = &norms.0.as_chunks::<4>().0[quarter];
        let mut squared = [self.norms; 4];
        for (squared, &norm) in squared.iter_mut().zip(norms) {
            let norm = simd.splat_f32s(norm);
            for squared in squared {
                *squared = simd.add_f32s(*squared, norm);
            }
        }
        for (rows, points) in self.rows.chunks_exact(Self::TILES).zip(points) {
            let rows = S::as_simd_f32s(bytemuck::cast_slice(rows)).0;
            let points = &points.0.as_chunks::<4>().0[quarter];
            for c in 0..4 {
                let point = simd.splat_f32s(points[c]);
                for v in 0..V {
                    squared[c][v] = multiply_add(simd, rows[v], point, squared[c][v]);
                }
            }
        }
        squared
    }
}

/// The tiles of a block minus a mean, and the squared norms of these rows.
#[derive(Default)]
struct Facing {
    points: Vec<Lanes>,
    norms: Vec<Lanes>,
    largest: Vec<f32>,
}

impl Facing {
    #[inline(always)]
    fn centre<S: Simd>(&mut self, simd: S, matrix: &Matrix, tiles: Range<usize>, mean: &[f32]) {
        self.points.resize(tiles.len() * mean.len(), Lanes::zeroed());
        self.norms.clear();
        self.largest.clear();
        for (tile, points) in tiles.zip(self.points.chunks_exact_mut(mean.len())) {
            let mut sums = Lanes::zeroed();
            let norms = S::as_mut_simd_f32s(&mut sums.0).0;
            for ((values, &mean), points) in matrix.tile(tile).iter().zip(mean).zip(points) {
                let mean = simd.splat_f32s(mean);
                let points = S::as_mut_simd_f32s(&mut points.0).0;
                for ((&values, point), norm) in S::as_simd_f32s(values).0.iter().zip(points).zip(&mut *norms)
                {
                    *point = simd.sub_f32s(values, mean);
                    *norm = multiply_add(simd, *point, *point, *norm);
                }
            }
            self.largest.push(sums.0.into_iter().fold(0.0, f32::max));
            self.norms.push(sums);
        }
    }

    /// A tile's rows feature by feature, their squared norms, and the largest of the norms.
    #[inline(always)]
    fn tile(&self, tile: usize) -> (&[Lanes], &Lanes, f32) {
        let features = self.points.len() / self.norms.len();
        (&self.points[tile * features..][..features], &self.norms[tile], self.largest[tile])
    }
}
