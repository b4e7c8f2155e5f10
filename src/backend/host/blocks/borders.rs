//! The clusters of the rows that are near a core row without being one.

use super::connect::Components;
use super::search::{Skip, search};
use super::{Blocks, NO_ROW, Radius};
use crate::backend::simd::Vectorized;
use crate::error::Result;
use crate::matrix::TILE;
use crate::progress::Progress;
use pulp::Simd;
use rayon::prelude::*;

/// No cluster. All clusters have lower numbers.
const NONE: u32 = u32::MAX;

/// Places of a task.
const TASK: usize = 256;

impl Components<'_> {
    /// Gives every row that is not a core row the lowest cluster of the core rows within the radius, which is that of the last
    /// call of [`Components::link`]; or none, which is `u32::MAX`.
    ///
    /// `clusters` has each place's cluster if a core row stands there, and none otherwise. The answer has the core rows'
    /// clusters too.
    pub(crate) fn borders(
        &self,
        radius: Radius,
        clusters: &[u32],
        progress: Progress<'_>,
    ) -> Result<Vec<u32>> {
        let blocks = self.blocks;
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
        let wave = 64 * TASK * rayon::current_num_threads();
        let places = blocks.places() as u64;
        for (w, out) in out.chunks_mut(wave).enumerate() {
            let first = w * wave;
            out.par_chunks_mut(TASK).enumerate().for_each(|(t, out)| {
                let first = first + t * TASK;
                let (boxes, lowest) = (&self.boxes, &lowest);
                blocks.set.run(Borders { blocks, boxes, radius, clusters, lowest, first, out });
            });
            progress.step("dbscan: borders", (first + out.len()) as u64, places)?;
        }
        Ok(out)
    }
}

struct Borders<'a> {
    blocks: &'a Blocks,
    boxes: &'a [f32],
    radius: Radius,
    clusters: &'a [u32],
    /// For each node the lowest cluster of its core rows.
    lowest: &'a [u32],
    /// The first place.
    first: usize,
    out: &'a mut [u32],
}

impl Vectorized for Borders<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) {
        let Borders { blocks, boxes, radius, clusters, lowest, first, out } = self;
        let mut point = Vec::with_capacity(blocks.features);
        for (place, out) in (first..).zip(out.iter_mut()) {
            if *out != NONE || blocks.order[place] == NO_ROW {
                continue;
            }
            point.clear();
            point.extend(blocks.values(place));
            // The search skips nodes by the lowest cluster so far, which it changes.
            let best = std::cell::Cell::new(NONE);
            search(
                simd,
                blocks,
                boxes,
                &point,
                (radius.outer, -1.0),
                #[inline(always)]
                |n, _| if lowest[n as usize] >= best.get() { Skip::Node } else { Skip::No },
                #[inline(always)]
                |tile, squared| {
                    for (lane, &squared) in squared[..blocks.rows_of(tile)].iter().enumerate() {
                        let other = tile * TILE + lane;
                        if squared > radius.outer || clusters[other] >= best.get() {
                            continue;
                        }
                        if squared <= radius.inner || blocks.canonical(place, other) <= radius.squared {
                            best.set(clusters[other]);
                        }
                    }
                    radius.outer
                },
            );
            *out = best.get();
        }
    }
}
