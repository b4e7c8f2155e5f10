//! The nearest rows of single points.

use super::pairs::{gap, squared_distances_to};
use super::{Blocks, Radius};
use crate::backend::simd::Vectorized;
use crate::matrix::TILE;
use pulp::Simd;
use rayon::prelude::*;
use std::collections::BinaryHeap;

/// A row within the radius of a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Within {
    /// Its number.
    pub(crate) row: u32,
    /// Its canonical squared distance, in stored units.
    pub(crate) squared: f64,
}

/// For each point (`features` values each, in stored units) the nearest of some rows within the radius, the lowest one on ties.
/// `counts` says of a row whether it is one of them.
pub(crate) fn nearest_within(
    blocks: &Blocks,
    radius: Radius,
    points: &[f32],
    counts: impl Fn(u32) -> bool + Sync,
) -> Vec<Option<Within>> {
    points
        .par_chunks_exact(blocks.features)
        .map(|point| {
            let mut nearest: Option<Within> = None;
            blocks.set.run(Search {
                blocks,
                point,
                limit: radius.squared,
                take: |place: usize, squared: f64| {
                    let row = blocks.order[place];
                    let better = |n: Within| squared < n.squared || (squared == n.squared && row < n.row);
                    if squared <= radius.squared && counts(row) && nearest.is_none_or(better) {
                        nearest = Some(Within { row, squared });
                    }
                    nearest.map_or(radius.squared, |n| n.squared)
                },
            });
            nearest
        })
        .collect()
}

/// A distance that can be compared.
#[derive(PartialEq, PartialOrd)]
struct Distance(f64);

impl Eq for Distance {}

impl Ord for Distance {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// For the row at each of these places, the canonical squared distance within which rows of a weight of at least `least`
/// lie, the row itself included; infinite if all rows weigh less. `weights` is by place, in steps; without it each row
/// counts once.
pub(crate) fn distances_to_copies(
    blocks: &Blocks,
    places: &[usize],
    least: u128,
    weights: Option<&[u64]>,
) -> Vec<f64> {
    let weight = |place: usize| weights.map_or(1, |w| u128::from(w[place]));
    places
        .par_iter()
        .map(|&place| {
            let point: Vec<f32> = blocks.values(place).collect();
            // The nearest rows, of which no one could be left out: without the farthest they weigh less than `least`.
            let mut nearest: BinaryHeap<(Distance, usize)> = BinaryHeap::new();
            let mut total = 0u128;
            let limit = |nearest: &BinaryHeap<(Distance, usize)>, total: u128| match nearest.peek() {
                Some((farthest, _)) if total >= least => farthest.0,
                _ => f64::INFINITY,
            };
            blocks.set.run(Search {
                blocks,
                point: &point,
                limit: f64::INFINITY,
                take: |place: usize, squared: f64| {
                    if squared < limit(&nearest, total) {
                        nearest.push((Distance(squared), place));
                        total += weight(place);
                        while let Some((_, farthest)) = nearest.peek() {
                            let without = total - weight(*farthest);
                            if without < least {
                                break;
                            }
                            total = without;
                            nearest.pop();
                        }
                    }
                    limit(&nearest, total)
                },
            });
            limit(&nearest, total)
        })
        .collect()
}

/// Passes the rows near a point to `take`, with their places and canonical squared distances: all that are at most `limit`
/// away, which `take` returns anew each time, and perhaps others.
struct Search<'a, F> {
    blocks: &'a Blocks,
    point: &'a [f32],
    limit: f64,
    take: F,
}

impl<F: FnMut(usize, f64) -> f64> Vectorized for Search<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) {
        let Search { blocks, point, limit, mut take } = self;
        let mut own_box = vec![0f32; 2 * blocks.width];
        own_box[..point.len()].copy_from_slice(point);
        own_box[blocks.width..][..point.len()].copy_from_slice(point);
        // The stack has each node with its gap.
        let mut stack: Vec<(u32, f32)> = Vec::with_capacity(64);
        stack.push((0, 0.0));
        let mut squared = [0f32; TILE];
        let mut bound = blocks.outer(limit);
        while let Some((n, apart)) = stack.pop() {
            if apart > bound {
                continue;
            }
            let node = blocks.nodes[n as usize];
            if !node.is_tile() {
                let halves = [n + 1, node.right];
                let gaps = halves.map(
                    #[inline(always)]
                    |half| gap(simd, &own_box, blocks.box_of(half)),
                );
                let order = if gaps[1] < gaps[0] { [0, 1] } else { [1, 0] };
                for half in order {
                    if gaps[half] <= bound {
                        stack.push((halves[half], gaps[half]));
                    }
                }
                continue;
            }
            let tile = node.first as usize;
            squared_distances_to(simd, point, blocks.tile(tile), &mut squared);
            for (lane, &squared) in squared[..blocks.rows_of(tile)].iter().enumerate() {
                if squared <= bound {
                    let place = tile * TILE + lane;
                    let canonical = crate::canonical::squared_distance(blocks.values(place), point);
                    bound = blocks.outer(take(place, canonical));
                }
            }
        }
    }
}
