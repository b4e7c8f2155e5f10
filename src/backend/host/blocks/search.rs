//! The rows near single points.

use super::pairs::{gap, span, squared_distances_to};
use super::{Blocks, Radius};
use crate::backend::simd::Vectorized;
use crate::canonical;
use crate::matrix::TILE;
use pulp::Simd;
use rayon::prelude::*;
use std::collections::BinaryHeap;

/// What becomes of a node in a search.
pub(super) enum Skip {
    /// It is looked into.
    No,
    /// It is left out.
    Node,
    /// Nothing more needs to be known of it, and this is the new bound.
    Now(f32),
}

/// Passes the tiles near a point to `take`, the nearest box first, with the point's squared distances to their rows in f32.
///
/// `bound` is the squared distance in f32 up to which rows matter. `take` returns it anew; below 0, the search ends.
/// `boxes` are those of the nodes, which may be smaller than the blocks' own; nodes that `skip` holds for are left out.
/// `skip` is also told whether all rows of the node are within `whole`, an f32 squared distance; below 0, none is.
#[inline(always)]
pub(super) fn search<S: Simd>(
    simd: S,
    blocks: &Blocks,
    boxes: &[f32],
    point: &[f32],
    (mut bound, whole): (f32, f32),
    mut skip: impl FnMut(u32, bool) -> Skip,
    mut take: impl FnMut(usize, &[f32; TILE]) -> f32,
) {
    let mut own_box = vec![0f32; 2 * blocks.width];
    own_box[..point.len()].copy_from_slice(point);
    own_box[blocks.width..][..point.len()].copy_from_slice(point);
    // The stack has each node with its gap.
    let mut stack: Vec<(u32, f32)> = Vec::with_capacity(64);
    stack.push((0, 0.0));
    let mut squared = [0f32; TILE];
    while let Some((n, apart)) = stack.pop() {
        if apart > bound {
            continue;
        }
        let node = blocks.nodes[n as usize];
        let is_whole =
            whole >= 0.0 && !node.is_tile() && span(simd, &own_box, blocks.box_in(boxes, n)) <= whole;
        match skip(n, is_whole) {
            Skip::No => {}
            Skip::Node => continue,
            Skip::Now(changed) => {
                bound = changed;
                continue;
            }
        }
        if node.is_tile() {
            let tile = node.first as usize;
            squared_distances_to(simd, point, blocks.tile(tile), &mut squared);
            bound = take(tile, &squared);
            continue;
        }
        let halves = [n + 1, node.right];
        // `map` would not be inlined, and so be compiled without vector instructions.
        let gaps = [
            gap(simd, &own_box, blocks.box_in(boxes, halves[0])),
            gap(simd, &own_box, blocks.box_in(boxes, halves[1])),
        ];
        for half in if gaps[1] < gaps[0] { [0, 1] } else { [1, 0] } {
            if gaps[half] <= bound {
                stack.push((halves[half], gaps[half]));
            }
        }
    }
}

/// For each point (`features` values each, in stored units) the cluster of the nearest row within the radius that has one;
/// the lowest cluster on ties.
pub(crate) fn nearest_clusters(
    blocks: &Blocks,
    radius: Radius,
    points: &[f32],
    cluster: impl Fn(u32) -> Option<u32> + Sync,
) -> Vec<Option<u32>> {
    let nearest = |point: &[f32]| {
        let mut found: Option<(f64, u32)> = None;
        let take = |place: usize, squared: f64| {
            if squared <= radius.squared
                && let Some(cluster) = cluster(blocks.order[place])
                && found.is_none_or(|found| squared < found.0 || (squared == found.0 && cluster < found.1))
            {
                found = Some((squared, cluster));
            }
            found.map_or(radius.squared, |found| found.0)
        };
        blocks.set.run(Nearest { blocks, point, limit: radius.squared, take });
        found.map(|found| found.1)
    };
    points.par_chunks_exact(blocks.features).map(nearest).collect()
}

/// A distance that can be compared.
#[derive(PartialEq)]
struct Distance(f64);

impl Eq for Distance {}

impl PartialOrd for Distance {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

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
    let distance = |&place: &usize| {
        let point: Vec<f32> = blocks.values(place).collect();
        // The nearest rows, none of which can be left out: without the farthest they weigh less than `least`.
        let mut nearest: BinaryHeap<(Distance, usize)> = BinaryHeap::new();
        let mut total = 0u128;
        let limit = |nearest: &BinaryHeap<(Distance, usize)>, total: u128| match nearest.peek() {
            Some((farthest, _)) if total >= least => farthest.0,
            _ => f64::INFINITY,
        };
        let take = |place: usize, squared: f64| {
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
        };
        blocks.set.run(Nearest { blocks, point: &point, limit: f64::INFINITY, take });
        limit(&nearest, total)
    };
    places.par_iter().map(distance).collect()
}

/// Passes the rows near a point to `take`, with their places and canonical squared distances: all that are at most `limit`
/// away, which `take` returns anew each time, and perhaps others.
struct Nearest<'a, F> {
    blocks: &'a Blocks,
    point: &'a [f32],
    limit: f64,
    take: F,
}

impl<F: FnMut(usize, f64) -> f64> Vectorized for Nearest<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) {
        let Nearest { blocks, point, limit, mut take } = self;
        let mut bound = blocks.outer(limit);
        search(
            simd,
            blocks,
            &blocks.boxes,
            point,
            (bound, -1.0),
            #[inline(always)]
            |_, _| Skip::No,
            #[inline(always)]
            |tile, squared| {
                for (lane, &squared) in squared[..blocks.rows_of(tile)].iter().enumerate() {
                    if squared <= bound {
                        let place = tile * TILE + lane;
                        let squared = canonical::squared_distance(blocks.values(place), point);
                        bound = blocks.outer(take(place, squared));
                    }
                }
                bound
            },
        );
    }
}
