//! How much weight lies around each row, as far as it matters.

use super::pairs::{Squared, gap, squared_distances};
use super::search::{Skip, search};
use super::{Blocks, Radius};
use crate::backend::simd::Vectorized;
use crate::error::Result;
use crate::matrix::TILE;
use crate::progress::Progress;
use pulp::Simd;
use rayon::prelude::*;
use std::ops::Range;

/// Tiles of a task.
const TASK: usize = 16;

/// The rows of a tile are compared with so many tiles together. What is then left of them is searched for row by row.
const TOGETHER: usize = 8;

/// Boxes rule out little if so large a share of all pairs of tiles may have rows within the radius. Then rows are not searched for
/// one by one: a tile that is loaded for 16 rows together costs hardly more than for a single one.
const NEARLY_ALL: f64 = 0.25;

/// That is judged by so many tiles at most, each with so many others.
const JUDGED: (usize, usize) = (32, 1024);

/// Thresholds beyond this are reached by whole nodes of the tree.
const MANY: u128 = 256;

/// For each radius and each place how many of the thresholds the weight within the radius reaches.
pub(crate) struct Levels {
    rows: usize,
    levels: Vec<u8>,
}

impl Levels {
    /// Whether the row at a place has at least `threshold` (counted from 0) around it, within radius `r`.
    pub(crate) fn reaches(&self, r: usize, place: usize, threshold: usize) -> bool {
        usize::from(self.levels[r * self.rows + place]) > threshold
    }
}

/// The weight of each node's rows, but at most `most`.
fn weights_of_nodes(blocks: &Blocks, weights: Option<&[u64]>, most: u128) -> Vec<u128> {
    let mut nodes = vec![0u128; blocks.nodes.len()];
    for (n, node) in blocks.nodes.iter().enumerate().rev() {
        let weight = if node.is_tile() {
            let first = node.first as usize * TILE;
            let places = first..first + blocks.rows_of(node.first as usize);
            places.map(|place| weights.map_or(1, |w| u128::from(w[place]))).sum()
        } else {
            nodes[n + 1] + nodes[node.right as usize]
        };
        nodes[n] = most.min(weight);
    }
    nodes
}

/// Counts the weight of the rows within each radius of every row, the row itself included.
///
/// `radii` ascend, and so do `thresholds`, of which there are at most 255. `weights` has each place's weight in steps; without
/// it each row counts once. A row is done with as soon as it has the last threshold's weight within the smallest radius.
pub(crate) fn count(
    blocks: &Blocks,
    radii: &[Radius],
    thresholds: &[u128],
    weights: Option<&[u64]>,
    progress: Progress<'_>,
) -> Result<Levels> {
    let rows = blocks.places();
    let most = thresholds.last().copied().unwrap_or(0);
    let mut levels = vec![0u8; radii.len() * rows];
    let tiles = blocks.tile_count();
    let wave = TASK * 32 * rayon::current_num_threads();
    let nodes = if most > MANY { weights_of_nodes(blocks, weights, most) } else { Vec::new() };
    let nodes = &nodes[..];
    let outer = radii.last().map_or(0.0, |radius| radius.outer);
    let together = match blocks.set.run(WithinReach { blocks, outer }) {
        share if share >= NEARLY_ALL => usize::MAX,
        _ => TOGETHER,
    };
    for first in (0..tiles).step_by(wave) {
        let there = wave.min(tiles - first);
        let found: Vec<Vec<u8>> = (first..first + there)
            .into_par_iter()
            .step_by(TASK)
            .map(|t| {
                let tiles = t..(t + TASK).min(first + there);
                // A tile adds at most 16 times the last threshold to a count that is at most as large.
                match u64::try_from(most) {
                    Ok(most) if most <= u64::MAX / 32 => blocks.set.run(Count {
                        blocks,
                        radii,
                        thresholds,
                        weights,
                        most,
                        nodes,
                        together,
                        tiles,
                    }),
                    _ => blocks.set.run(Count {
                        blocks,
                        radii,
                        thresholds,
                        weights,
                        most,
                        nodes,
                        together,
                        tiles,
                    }),
                }
            })
            .collect();
        for (t, found) in (first..).step_by(TASK).zip(found) {
            let count = found.len() / radii.len().max(1);
            for (r, found) in found.chunks_exact(count.max(1)).enumerate() {
                levels[r * rows + t * TILE..][..count].copy_from_slice(found);
            }
        }
        progress.step("dbscan: neighbours", (first + there) as u64, tiles as u64)?;
    }
    Ok(Levels { rows, levels })
}

/// Counts the weight around the rows of some tiles.
struct Count<'a, C> {
    blocks: &'a Blocks,
    radii: &'a [Radius],
    thresholds: &'a [u128],
    weights: Option<&'a [u64]>,
    /// The last threshold. Counts stop there.
    most: C,
    /// For each node the weight of its rows, as far as it counts; empty if it is not worth knowing.
    nodes: &'a [u128],
    /// The rows of a tile are compared with so many tiles together.
    together: usize,
    tiles: Range<usize>,
}

/// The share of the pairs of tiles that may have rows within a squared distance, by a few of them.
struct WithinReach<'a> {
    blocks: &'a Blocks,
    outer: f32,
}

impl Vectorized for WithinReach<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) -> f64 {
        let blocks = self.blocks;
        let tiles = blocks.tile_count();
        let some = |most: usize| (0..tiles).step_by(tiles.div_ceil(most).max(1));
        let (mut near, mut pairs) = (0u64, 0u64);
        for a in some(JUDGED.0) {
            for b in some(JUDGED.1).filter(|&b| b != a) {
                let apart = gap(simd, blocks.box_of(blocks.leaves[a]), blocks.box_of(blocks.leaves[b]));
                near += u64::from(apart <= self.outer);
                pairs += 1;
            }
        }
        near as f64 / pairs.max(1) as f64
    }
}

/// A whole number that weight is counted in.
trait Whole: Copy + Ord + From<u64> + Into<u128> + std::ops::AddAssign {
    /// The largest number if this one is too large.
    fn of(number: u128) -> Self;
}

impl Whole for u64 {
    fn of(number: u128) -> Self {
        u64::try_from(number).unwrap_or(u64::MAX)
    }
}

impl Whole for u128 {
    fn of(number: u128) -> Self {
        number
    }
}

impl<C: Whole> Vectorized for Count<'_, C> {
    /// For each radius the levels of the tiles' rows.
    type Output = Vec<u8>;

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) -> Vec<u8> {
        let start = self.tiles.start * TILE;
        let rows = self.tiles.len() * TILE;
        let mut levels = vec![0u8; rows * self.radii.len()];
        let mut counts = vec![[C::from(0); TILE]; self.radii.len()];
        let mut own = vec![C::from(0); self.radii.len()];
        let mut point = Vec::with_capacity(self.blocks.features);
        for t in self.tiles.clone() {
            counts.fill([C::from(0); TILE]);
            let complete = self.around_tile(simd, t, &mut counts);
            for lane in 0..self.blocks.rows_of(t) {
                for (own, counts) in own.iter_mut().zip(&counts) {
                    *own = counts[lane];
                }
                if !complete && own.first().is_some_and(|&count| count < self.most) {
                    point.clear();
                    point.extend(self.blocks.values(t * TILE + lane));
                    self.around_row(simd, t * TILE + lane, &point, &mut own);
                }
                for (r, &count) in own.iter().enumerate() {
                    let reached = self.thresholds.iter().take_while(|&&least| count.into() >= least);
                    levels[r * rows + t * TILE - start + lane] = reached.count() as u8;
                }
            }
        }
        levels
    }
}

impl<C: Whole> Count<'_, C> {
    /// The weight at a place, as far as it counts. Empty places are too far away to count.
    #[inline(always)]
    fn weight(&self, place: usize) -> C {
        match self.weights {
            Some(weights) => C::from(weights[place]).min(self.most),
            None => C::from(1),
        }
    }

    /// Compares the rows of a tile with those of the tiles around it: with all that matter, or with the nearest few.
    /// The answer says which; if they were not all, the counts of rows that miss the last threshold are too low.
    #[inline(always)]
    fn around_tile<S: Simd>(&self, simd: S, t: usize, counts: &mut [[C; TILE]]) -> bool {
        let (blocks, radii, most) = (self.blocks, self.radii, self.most);
        let own_box = blocks.box_of(blocks.leaves[t]);
        let there = blocks.rows_of(t);
        let mut stack: Vec<u32> = Vec::with_capacity(64);
        stack.push(0);
        let mut squared: Squared = [0.0; TILE * TILE];
        // The radii below this one are not done with.
        let mut open = radii.len();
        let mut looks = 0;
        while let Some(n) = stack.pop() {
            let node = blocks.nodes[n as usize];
            if !node.is_tile() {
                let halves = [n + 1, node.right];
                // `map` would not be inlined, and so be compiled without vector instructions.
                let gaps = [
                    gap(simd, own_box, blocks.box_of(halves[0])),
                    gap(simd, own_box, blocks.box_of(halves[1])),
                ];
                // The tile's own half is looked at first, then the nearer one.
                let in_right = t >= blocks.nodes[node.right as usize].first as usize;
                let right_first = gaps[1] < gaps[0] || (gaps[1] == gaps[0] && in_right);
                for half in if right_first { [0, 1] } else { [1, 0] } {
                    if gaps[half] <= radii[open - 1].outer {
                        stack.push(halves[half]);
                    }
                }
                continue;
            }
            if looks == self.together {
                return false;
            }
            looks += 1;
            let other = node.first as usize;
            squared_distances(simd, blocks.tile(t), blocks.tile(other), &mut squared);
            for (radius, counts) in radii[..open].iter().zip(counts.iter_mut()) {
                let mut unclear = false;
                for (p, squared) in squared.as_chunks::<TILE>().0.iter().enumerate() {
                    let weight = self.weight(other * TILE + p);
                    for (count, &squared) in counts.iter_mut().zip(squared) {
                        *count += if squared <= radius.inner { weight } else { C::from(0) };
                        unclear |= (squared > radius.inner) & (squared <= radius.outer);
                    }
                }
                let unclear = squared.iter().enumerate().filter(|_| unclear);
                for (at, &squared) in unclear {
                    let (own, other) = (t * TILE + at % TILE, other * TILE + at / TILE);
                    if at % TILE < there && self.is_within_by_canonical(radius, squared, own, other) {
                        counts[at % TILE] += self.weight(other);
                    }
                }
                counts.iter_mut().for_each(|count| *count = (*count).min(most));
            }
            while open > 0 && counts[open - 1][..there].iter().all(|&count| count >= most) {
                open -= 1;
            }
            if open == 0 {
                return true;
            }
        }
        true
    }

    /// Counts the weight around one row.
    #[inline(always)]
    fn around_row<S: Simd>(&self, simd: S, place: usize, point: &[f32], counts: &mut [C]) {
        let (blocks, radii, most) = (self.blocks, self.radii, self.most);
        counts.fill(C::from(0));
        let open = radii.len();
        let whole = if self.nodes.is_empty() { -1.0 } else { radii[0].inner };
        // The bound of the radii that are not done with.
        let bound = |counts: &mut &mut [C], open: &mut usize| {
            while *open > 0 && counts[*open - 1] >= most {
                *open -= 1;
            }
            if *open == 0 { -1.0 } else { radii[*open - 1].outer }
        };
        let state = std::cell::RefCell::new((counts, open));
        search(
            simd,
            blocks,
            &blocks.boxes,
            point,
            (radii[open - 1].outer, whole),
            // Nodes that lie within the smallest radius as a whole count as a whole.
            #[inline(always)]
            |n, is_whole| {
                if !is_whole {
                    return Skip::No;
                }
                let mut state = state.borrow_mut();
                let (counts, open) = &mut *state;
                for count in &mut counts[..*open] {
                    *count += C::of(self.nodes[n as usize]);
                    *count = (*count).min(most);
                }
                Skip::Now(bound(counts, open))
            },
            #[inline(always)]
            |tile, squared| {
                let mut state = state.borrow_mut();
                let (counts, open) = &mut *state;
                for (radius, count) in radii[..*open].iter().zip(counts.iter_mut()) {
                    for (lane, &squared) in squared[..blocks.rows_of(tile)].iter().enumerate() {
                        let other = tile * TILE + lane;
                        if squared <= radius.inner
                            || self.is_within_by_canonical(radius, squared, place, other)
                        {
                            *count += self.weight(other);
                        }
                    }
                    *count = (*count).min(most);
                }
                bound(counts, open)
            },
        );
    }

    /// Whether f32 cannot tell if two rows are within the radius, and the canonical distance says that they are.
    #[inline(always)]
    fn is_within_by_canonical(&self, radius: &Radius, squared: f32, a: usize, b: usize) -> bool {
        squared > radius.inner && squared <= radius.outer && self.blocks.canonical(a, b) <= radius.squared
    }
}
