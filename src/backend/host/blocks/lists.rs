//! The nearest rows of many points.

use super::pairs::{Squared, any_within, gap, squared_distances};
use super::{Blocks, NO_ROW};
use crate::backend::simd::Vectorized;
use crate::canonical::Certificate;
use crate::error::Result;
use crate::matrix::{Repeats, TILE};
use crate::progress::Progress;
use pulp::Simd;
use rayon::prelude::*;
use std::ops::Range;

/// Tiles of a task.
const TASK: usize = 4;

/// Between two progress reports a thread does between [`FEWEST`] and [`MOST`] tasks: as many as compare so many pairs of tiles,
/// times the features, if boxes rule out nothing.
const PAIRS: usize = 1 << 24;
const FEWEST: usize = 4;
const MOST: usize = 128;

/// Once no point of a tile was near enough to a box, so many further boxes are compared with its points one by one; later
/// only one of [`SELDOM`].
const TRIES: usize = 16;
const SELDOM: usize = 8;

/// Below every squared distance: nothing is within.
const NOTHING: f32 = -1.0;

/// The rows of a table that are equal, by the distinct row that they are copies of.
pub(crate) struct Copies {
    /// Where the copies of each distinct row begin; then where the last ones end. None if every row is distinct.
    starts: Option<Vec<u32>>,
    /// The copies' numbers, in increasing order for each distinct row.
    rows: Vec<u32>,
}

impl Copies {
    /// `repeats` counts every row of the table.
    pub(crate) fn new(repeats: &Repeats) -> Self {
        if repeats.is_trivial() {
            return Copies { starts: None, rows: (0..repeats.rows() as u32).collect() };
        }
        let of = |row: u32| repeats.of_row(row as usize).unwrap_or(0);
        let mut starts = vec![0u32; repeats.len() + 1];
        for row in 0..repeats.rows() as u32 {
            starts[of(row) + 1] += 1;
        }
        for distinct in 0..repeats.len() {
            starts[distinct + 1] += starts[distinct];
        }
        let mut next = starts.clone();
        let mut rows = vec![0u32; repeats.rows()];
        for row in 0..repeats.rows() as u32 {
            let place = &mut next[of(row)];
            rows[*place as usize] = row;
            *place += 1;
        }
        Copies { starts: Some(starts), rows }
    }

    /// The copies of a distinct row.
    #[inline(always)]
    pub(crate) fn of(&self, distinct: u32) -> &[u32] {
        let distinct = distinct as usize;
        match &self.starts {
            None => &self.rows[distinct..=distinct],
            Some(starts) => &self.rows[starts[distinct] as usize..starts[distinct + 1] as usize],
        }
    }
}

/// Passes each point's `count` nearest rows to `take`, with their canonical squared distances: the nearest first, equally near
/// ones by number. The points come in any order.
///
/// The blocks hold distinct rows, which `copies` takes to the rows of a table. There are at least `count` of these.
pub(crate) fn nearest_lists(
    blocks: &Blocks,
    copies: &Copies,
    points: &Blocks,
    count: usize,
    progress: Progress<'_>,
    mut take: impl FnMut(u32, &[(f64, u32)]),
) -> Result<()> {
    let tiles = points.tile_count();
    let tasks = PAIRS / (TASK * blocks.tile_count() * blocks.features);
    let wave = TASK * tasks.clamp(FEWEST, MOST) * rayon::current_num_threads();
    for first in (0..tiles).step_by(wave) {
        progress.step("neighbours", first as u64, tiles as u64)?;
        let end = tiles.min(first + wave);
        let found: Vec<Vec<(f64, u32)>> = (first..end)
            .into_par_iter()
            .step_by(TASK)
            .map(|t| points.set.run(Near { blocks, copies, points, count, tiles: t..end.min(t + TASK) }))
            .collect();
        let order = points.order[first * TILE..end * TILE].iter().filter(|point| **point != NO_ROW);
        let lists = found.iter().flat_map(|lists| lists.chunks_exact(count));
        order.zip(lists).for_each(|(&point, list)| take(point, list));
    }
    progress.step("neighbours", tiles as u64, tiles as u64)
}

/// Finds the rows near the points of some tiles.
struct Near<'a> {
    blocks: &'a Blocks,
    copies: &'a Copies,
    points: &'a Blocks,
    count: usize,
    tiles: Range<usize>,
}

impl Vectorized for Near<'_> {
    /// The points' lists, one after the other.
    type Output = Vec<(f64, u32)>;

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) -> Vec<(f64, u32)> {
        let mut out = Vec::with_capacity(self.tiles.len() * TILE * self.count);
        let mut lists = Lists::new(self.count);
        for t in self.tiles.clone() {
            let there = self.points.rows_of(t);
            lists.begin(there);
            self.around_tile(simd, t, &mut lists);
            lists.found[..there].iter().for_each(|list| out.extend_from_slice(list));
        }
        out
    }
}

/// The nearest rows so far of the points of a tile.
struct Lists {
    count: usize,
    found: [Vec<(f64, u32)>; TILE],
    /// Rows beyond these squared distances in f32 do not matter.
    limits: [f32; TILE],
}

impl Lists {
    fn new(count: usize) -> Self {
        let found = std::array::from_fn(|_| Vec::with_capacity(count + 1));
        Lists { count, found, limits: [NOTHING; TILE] }
    }

    /// Empties the lists, of which the first `there` are in use.
    fn begin(&mut self, there: usize) {
        self.found.iter_mut().for_each(Vec::clear);
        self.limits = [NOTHING; TILE];
        self.limits[..there].fill(f32::MAX);
    }

    /// The largest of the limits.
    #[inline(always)]
    fn limit(&self) -> f32 {
        self.limits.iter().fold(NOTHING, |most, &limit| most.max(limit))
    }

    /// Takes rows at the same distance into account, given in the order of their numbers.
    #[inline(always)]
    fn offer(&mut self, lane: usize, squared: f64, rows: &[u32], limit: impl Fn(f64) -> f32) {
        let list = &mut self.found[lane];
        for &row in rows {
            if list.len() == self.count {
                let last = list[self.count - 1];
                if (squared, row) >= last {
                    return;
                }
                list.pop();
            }
            let at = list.partition_point(|&entry| entry < (squared, row));
            list.insert(at, (squared, row));
        }
        if list.len() == self.count {
            // No other distinct row is at distance 0.
            let last = list[self.count - 1].0;
            self.limits[lane] = if last > 0.0 { limit(last) } else { NOTHING };
        }
    }
}

impl Near<'_> {
    /// Compares the points of a tile with the rows that may be near them, the nearest box first.
    #[inline(always)]
    fn around_tile<S: Simd>(&self, simd: S, t: usize, lists: &mut Lists) {
        let (blocks, points) = (self.blocks, self.points);
        let exact = blocks.certificate == Certificate::exact();
        let (tile, own_box) = (points.tile(t), points.box_of(points.leaves[t]));
        let mut stack: Vec<(u32, f32)> = Vec::with_capacity(64);
        stack.push((0, 0.0));
        let mut squared: Squared = [0.0; TILE * TILE];
        let (mut leaves, mut tries) = (0usize, TRIES);
        while let Some((n, apart)) = stack.pop() {
            if apart > lists.limit() {
                continue;
            }
            let node = blocks.nodes[n as usize];
            if !node.is_tile() {
                let halves = [n + 1, node.right];
                // `map` would not be inlined, and so be compiled without vector instructions.
                let gaps = [
                    gap(simd, own_box, blocks.box_of(halves[0])),
                    gap(simd, own_box, blocks.box_of(halves[1])),
                ];
                // If the points are the table's own rows, a tile's own half is looked at first.
                let in_right = t >= blocks.nodes[node.right as usize].first as usize;
                let right_first = gaps[1] < gaps[0] || (gaps[1] == gaps[0] && in_right);
                let limit = lists.limit();
                for half in if right_first { [0, 1] } else { [1, 0] } {
                    if gaps[half] <= limit {
                        stack.push((halves[half], gaps[half]));
                    }
                }
                continue;
            }
            // A box that no single point is near enough to costs an eighth of a comparison of tiles. Where that has not been
            // found lately, it is tried for few boxes.
            leaves += 1;
            if tries > 0 || leaves % SELDOM == 0 {
                if !any_within(simd, tile, blocks.box_of(n), &lists.limits) {
                    tries = TRIES;
                    continue;
                }
                tries = tries.saturating_sub(1);
            }
            let other = node.first as usize;
            squared_distances(simd, tile, blocks.tile(other), &mut squared);
            for (p, squared) in squared.as_chunks::<TILE>().0[..blocks.rows_of(other)].iter().enumerate() {
                let near =
                    squared.iter().zip(&lists.limits).fold(false, |any, (s, limit)| any | (s <= limit));
                if !near {
                    continue;
                }
                let place = other * TILE + p;
                let rows = self.copies.of(blocks.order[place]);
                for (lane, &squared) in squared.iter().enumerate() {
                    if squared <= lists.limits[lane] {
                        let squared = if exact {
                            f64::from(squared)
                        } else {
                            canonical(points, t * TILE + lane, blocks, place)
                        };
                        lists.offer(lane, squared, rows, |squared| blocks.outer(squared));
                    }
                }
            }
        }
    }
}

/// The canonical squared distance of a point and a row, by their places.
#[inline(always)]
fn canonical(points: &Blocks, point: usize, blocks: &Blocks, row: usize) -> f64 {
    let mut sum = 0.0;
    for (x, y) in points.values(point).zip(blocks.values(row)) {
        let difference = f64::from(x) - f64::from(y);
        sum += difference * difference;
    }
    sum
}
