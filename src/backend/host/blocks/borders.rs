//! The clusters of the rows that are near a core row without being one.

use super::pairs::{Squared, gap, squared_distances};
use super::{Blocks, Radius};
use crate::backend::simd::Vectorized;
use crate::error::Result;
use crate::matrix::TILE;
use crate::progress::Progress;
use pulp::Simd;
use rayon::prelude::*;

/// No cluster. All clusters have lower numbers.
pub(crate) const NONE: u32 = u32::MAX;

/// Tiles of a task.
const TASK: usize = 16;

/// Gives every row that is not a core row the lowest cluster of the core rows within its radius, or [`NONE`].
///
/// `clusters` has each place's cluster if a core row stands there, and [`NONE`] otherwise. The answer has the core rows' clusters
/// too.
pub(crate) fn borders(
    blocks: &Blocks,
    radius: Radius,
    clusters: &[u32],
    progress: Progress<'_>,
) -> Result<Vec<u32>> {
    // For each node the lowest cluster of its core rows.
    let mut lowest = vec![NONE; blocks.nodes.len()];
    for (n, node) in blocks.nodes.iter().enumerate().rev() {
        lowest[n] = if node.is_tile() {
            let first = node.first as usize * TILE;
            let own = &clusters[first..first + blocks.rows_of(node.first as usize)];
            own.iter().copied().fold(NONE, u32::min)
        } else {
            lowest[n + 1].min(lowest[node.right as usize])
        };
    }
    let mut out = clusters.to_vec();
    let tiles = blocks.tile_count();
    let wave = TASK * 8 * rayon::current_num_threads();
    for (w, out) in out.chunks_mut(wave * TILE).enumerate() {
        out.par_chunks_mut(TASK * TILE).enumerate().for_each(|(t, out)| {
            let first = w * wave + t * TASK;
            blocks.set.run(Borders { blocks, radius, clusters, lowest: &lowest, first, out });
        });
        progress.step("dbscan", (2 * tiles) as u64, (2 * tiles) as u64)?;
    }
    Ok(out)
}

struct Borders<'a> {
    blocks: &'a Blocks,
    radius: Radius,
    clusters: &'a [u32],
    lowest: &'a [u32],
    /// The first tile.
    first: usize,
    out: &'a mut [u32],
}

impl Vectorized for Borders<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) {
        let Borders { blocks, radius, clusters, lowest, first, out } = self;
        let mut stack: Vec<u32> = Vec::with_capacity(64);
        let mut squared: Squared = [0.0; TILE * TILE];
        for (t, out) in (first..).zip(out.chunks_mut(TILE)) {
            let own = &clusters[t * TILE..][..out.len()];
            if !own.contains(&NONE) {
                continue;
            }
            let own_box = blocks.box_of(blocks.leaves[t]);
            stack.clear();
            stack.push(0);
            while let Some(n) = stack.pop() {
                // The highest cluster of this tile's rows that a lower one may replace.
                let open = out.iter().zip(own).filter(|(_, own)| **own == NONE);
                let worst = open.map(|(found, _)| *found).max().unwrap_or(0);
                if lowest[n as usize] >= worst {
                    continue;
                }
                let node = blocks.nodes[n as usize];
                if !node.is_tile() {
                    for half in [n + 1, node.right] {
                        if gap(simd, own_box, blocks.box_of(half)) <= radius.outer {
                            stack.push(half);
                        }
                    }
                    continue;
                }
                let other = node.first as usize;
                squared_distances(simd, blocks.tile(t), blocks.tile(other), &mut squared);
                let there = blocks.rows_of(other);
                for (p, squared) in squared.as_chunks::<TILE>().0[..there].iter().enumerate() {
                    let cluster = clusters[other * TILE + p];
                    for (lane, (out, &squared)) in out.iter_mut().zip(squared).enumerate() {
                        // Core rows keep their cluster.
                        if own[lane] != NONE || cluster >= *out || squared > radius.outer {
                            continue;
                        }
                        let canonical = || blocks.canonical(t * TILE + lane, other * TILE + p);
                        if squared <= radius.inner || canonical() <= radius.squared {
                            *out = cluster;
                        }
                    }
                }
            }
        }
    }
}
