//! How much weight lies around each row, as far as it matters.

use super::pairs::{Squared, gap, squared_distances};
use super::{Blocks, Radius};
use crate::backend::simd::Vectorized;
use crate::error::Result;
use crate::matrix::TILE;
use crate::progress::Progress;
use pulp::Simd;
use rayon::prelude::*;

/// Tiles of a task.
const TASK: usize = 16;

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
    let rows = blocks.len();
    let most = thresholds.last().copied().unwrap_or(0);
    let mut levels = vec![0u8; radii.len() * rows];
    let tiles = blocks.tile_count();
    let wave = TASK * 8 * rayon::current_num_threads();
    for first in (0..tiles).step_by(wave) {
        let there = wave.min(tiles - first);
        let found: Vec<Vec<u8>> = (first..first + there)
            .into_par_iter()
            .step_by(TASK)
            .map(|t| {
                let tiles = t..(t + TASK).min(first + there);
                // A tile adds at most 16 times the last threshold to a count that is at most as large.
                match u64::try_from(most) {
                    Ok(most) if most <= u64::MAX / 32 => {
                        blocks.set.run(Count { blocks, radii, thresholds, weights, most, tiles })
                    }
                    _ => blocks.set.run(Count { blocks, radii, thresholds, weights, most, tiles }),
                }
            })
            .collect();
        for (t, found) in (first..).step_by(TASK).zip(found) {
            let start = t * TILE;
            let count = found.len() / radii.len().max(1);
            for (r, found) in found.chunks_exact(count.max(1)).enumerate() {
                levels[r * rows + start..][..count].copy_from_slice(found);
            }
        }
        progress.step("dbscan", (first + there) as u64, 2 * tiles as u64)?;
    }
    Ok(Levels { rows, levels })
}

struct Count<'a, C> {
    blocks: &'a Blocks,
    radii: &'a [Radius],
    thresholds: &'a [u128],
    weights: Option<&'a [u64]>,
    most: C,
    tiles: std::ops::Range<usize>,
}

/// A whole number that weight is counted in.
trait Whole: Copy + Ord + From<u64> + Into<u128> + std::ops::AddAssign {}

impl Whole for u64 {}
impl Whole for u128 {}

impl<C: Whole> Vectorized for Count<'_, C> {
    /// For each radius the levels of the tiles' rows.
    type Output = Vec<u8>;

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) -> Vec<u8> {
        let Count { blocks, radii, thresholds, weights, most, tiles } = self;
        let start = tiles.start * TILE;
        let rows = blocks.len().min(tiles.end * TILE) - start;
        let mut levels = vec![0u8; rows * radii.len()];
        let (zero, one) = (C::from(0), C::from(1));
        let weight_at = |place: usize| weights.map_or(one, |w| C::from(w[place]).min(most));
        let mut counts = vec![[zero; TILE]; radii.len()];
        let mut stack: Vec<u32> = Vec::with_capacity(64);
        let mut squared: Squared = [0.0; TILE * TILE];
        for t in tiles.clone() {
            let own = blocks.tile(t);
            let there = blocks.rows_of(t);
            counts.fill([zero; TILE]);
            // The radii below this one are not done with.
            let mut open = radii.len();
            let own_box = blocks.box_of(blocks.leaves[t]);
            stack.clear();
            stack.push(0);
            while let Some(n) = stack.pop() {
                let node = blocks.nodes[n as usize];
                if !node.is_tile() {
                    let limit = radii[open - 1].outer;
                    let halves = [n + 1, node.right];
                    let gaps = halves.map(
                        #[inline(always)]
                        |half| gap(simd, own_box, blocks.box_of(half)),
                    );
                    // The tile's own half is looked at first, then the nearer one.
                    let middle = blocks.nodes[node.right as usize].first as usize;
                    let right_first = gaps[1] < gaps[0] || gaps[1] == gaps[0] && t >= middle;
                    let order = if right_first { [0, 1] } else { [1, 0] };
                    for half in order {
                        if gaps[half] <= limit {
                            stack.push(halves[half]);
                        }
                    }
                    continue;
                }
                let other = node.first as usize;
                squared_distances(simd, own, blocks.tile(other), &mut squared);
                for (radius, counts) in radii[..open].iter().zip(&mut counts) {
                    let mut unclear = false;
                    for (p, squared) in squared.as_chunks::<TILE>().0.iter().enumerate() {
                        // The last tile is filled up with rows that are too far away to count.
                        let weight = weight_at((other * TILE + p).min(blocks.len() - 1));
                        for (count, &squared) in counts.iter_mut().zip(squared) {
                            *count += if squared <= radius.inner { weight } else { zero };
                            unclear |= (squared > radius.inner) & (squared <= radius.outer);
                        }
                    }
                    if unclear {
                        for (at, &squared) in squared.iter().enumerate() {
                            if squared > radius.inner && squared <= radius.outer && at % TILE < there {
                                let other = other * TILE + at / TILE;
                                let canonical = blocks.canonical(t * TILE + at % TILE, other);
                                if canonical <= radius.squared {
                                    counts[at % TILE] += weight_at(other);
                                }
                            }
                        }
                    }
                }
                while open > 0 && counts[open - 1][..there].iter().all(|&c| c >= most) {
                    open -= 1;
                }
                if open == 0 {
                    break;
                }
                for counts in &mut counts[..open] {
                    counts.iter_mut().for_each(|c| *c = (*c).min(most));
                }
            }
            for (r, counts) in counts.iter().enumerate() {
                for (lane, &count) in counts[..there].iter().enumerate() {
                    let level = thresholds.iter().take_while(|&&least| count.into() >= least).count();
                    levels[r * rows + t * TILE - start + lane] = level as u8;
                }
            }
        }
        levels
    }
}
