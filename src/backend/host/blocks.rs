//! Rows in small blocks of neighbours, for questions about what lies within a radius.
//!
//! The rows are split at the median of one feature, each half again, and so on (a k-d tree; Bentley, 1975), down to tiles of
//! 16 rows. Every node of the tree knows the box that its rows lie in, so most pairs of distant rows are never compared:
//! their boxes are farther apart than the radius. The rows of two tiles are compared in vector code in f32. The canonical
//! distance decides where f32 cannot tell ([`Radius`]), so the answers do not depend on the tree, the instruction set or
//! the number of threads.

mod borders;
mod connect;
mod count;
mod pairs;
mod search;

pub(crate) use borders::borders;
pub(crate) use connect::Components;
pub(crate) use count::count;
pub(crate) use search::{distances_to_copies, nearest_within};

use crate::backend::simd::InstructionSet;
use crate::canonical::Certificate;
use crate::matrix::{Lanes, TILE};
use rayon::prelude::*;

/// Nodes with more rows than this are split by two threads.
const PARALLEL: usize = 4096;

/// So many rows of a node say along which feature it is split.
const SAMPLE: usize = 64;

/// Fills the last tile: so far away that the square of its distance to any row is infinite in f32.
const FAR: f32 = f32::MAX;

/// Rows in blocks.
pub(crate) struct Blocks {
    set: InstructionSet,
    features: usize,
    /// The features rounded up to whole vectors.
    width: usize,
    certificate: Certificate,
    /// For each place the row that stands there.
    order: Vec<u32>,
    tiles: Vec<Lanes>,
    /// The nodes, each before its descendants; the left half follows its parent at once.
    nodes: Vec<Node>,
    /// For each tile its node.
    leaves: Vec<u32>,
    /// For each node the smallest values of its rows, then the largest, each `width` long.
    boxes: Vec<f32>,
}

/// A node of the tree.
#[derive(Debug, Clone, Copy, Default)]
struct Node {
    /// Its first tile and its number of tiles.
    first: u32,
    tiles: u32,
    /// The right half; 0 for a single tile.
    right: u32,
}

impl Node {
    #[inline(always)]
    fn is_tile(self) -> bool {
        self.right == 0
    }
}

/// A radius in stored units, for comparisons with squared distances in f32.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Radius {
    /// The square, which a canonical distance is compared with.
    squared: f64,
    /// Up to here a squared distance in f32 proves that the canonical one is at most `squared`.
    inner: f32,
    /// Beyond this it proves the opposite.
    outer: f32,
}

impl Radius {
    /// `stored` is in stored units, 0 or more.
    pub(crate) fn new(stored: f64, certificate: Certificate) -> Self {
        let squared = stored * stored;
        let outer = outer(squared, certificate);
        if certificate == Certificate::exact() {
            return Radius { squared, inner: outer, outer };
        }
        // The largest f32 that `above` takes to `squared` at most, or nearly that.
        let share = 2.0 * f64::from(certificate.high) - 1.0;
        let inner = (squared - 2.0 * f64::from(certificate.slack)) / share * (1.0 - 1e-9);
        let inner = if inner > 0.0 { (inner.min(f64::from(f32::MAX)) as f32).next_down() } else { -1.0 };
        Radius { squared, inner, outer }
    }
}

/// Beyond this an f32 squared distance proves that the canonical one is greater than `squared`.
fn outer(squared: f64, certificate: Certificate) -> f32 {
    let outer = if certificate == Certificate::exact() {
        let rounded = squared as f32;
        if f64::from(rounded) > squared { rounded.next_down() } else { rounded }
    } else {
        (certificate.above(squared) as f32).next_up()
    };
    outer.min(f32::MAX)
}

impl Blocks {
    /// Of rows of `features` values each, one row after the other, in stored units. `certificate` is that of the distances
    /// that will be asked for. There is at least one row.
    pub(crate) fn new(
        set: InstructionSet,
        features: usize,
        rows: &[f32],
        certificate: Certificate,
    ) -> Self {
        let count = rows.len() / features;
        let tile_count = count.div_ceil(TILE);
        let mut order: Vec<u32> = (0..count as u32).collect();
        let mut nodes = vec![Node::default(); 2 * tile_count - 1];
        split(rows, features, &mut order, &mut nodes, Place { node: 0, tile: 0 });
        let mut tiles = vec![Lanes([FAR; TILE]); tile_count * features];
        tiles.par_chunks_mut(features).zip(order.par_chunks(TILE)).for_each(|(tile, order)| {
            for (lane, &row) in order.iter().enumerate() {
                let values = &rows[row as usize * features..][..features];
                tile.iter_mut().zip(values).for_each(|(lanes, &v)| lanes.0[lane] = v);
            }
        });
        let width = features.next_multiple_of(TILE);
        let leaves = (0u32..).zip(&nodes).filter(|(_, node)| node.is_tile()).map(|(n, _)| n).collect();
        let boxes = Vec::new();
        let mut out = Blocks { set, features, width, certificate, order, tiles, nodes, leaves, boxes };
        out.boxes = out.all_boxes();
        out
    }

    fn all_boxes(&self) -> Vec<f32> {
        let size = 2 * self.width;
        let mut boxes = vec![0f32; self.nodes.len() * size];
        for (n, node) in self.nodes.iter().enumerate().rev() {
            let (own, later) = boxes[n * size..].split_at_mut(size);
            let (low, high) = own.split_at_mut(self.width);
            if node.is_tile() {
                let there = self.rows_of(node.first as usize);
                for ((low, high), lanes) in low.iter_mut().zip(high).zip(self.tile(node.first as usize)) {
                    *low = lanes.0[..there].iter().fold(f32::INFINITY, |m, &v| m.min(v));
                    *high = lanes.0[..there].iter().fold(f32::NEG_INFINITY, |m, &v| m.max(v));
                }
            } else {
                let left = &later[..size];
                let right = &later[(node.right as usize - n - 1) * size..][..size];
                for (j, (low, high)) in low.iter_mut().zip(high).enumerate() {
                    *low = left[j].min(right[j]);
                    *high = left[self.width + j].max(right[self.width + j]);
                }
            }
        }
        boxes
    }

    /// How many bytes the blocks of so many rows take.
    pub(crate) fn bytes(rows: usize, features: usize) -> u64 {
        let tiles = rows.div_ceil(TILE) as u64;
        let values = tiles * (TILE * features * size_of::<f32>()) as u64;
        let boxes = 2 * tiles * (2 * features.next_multiple_of(TILE) * size_of::<f32>()) as u64;
        // While the blocks are made, the rows lie beside them once more.
        2 * values + boxes + rows as u64 * size_of::<u32>() as u64
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// A radius given in stored units.
    pub(crate) fn radius(&self, stored: f64) -> Radius {
        Radius::new(stored, self.certificate)
    }

    fn outer(&self, squared: f64) -> f32 {
        outer(squared, self.certificate)
    }

    /// For each place the row that stands there.
    pub(crate) fn order(&self) -> &[u32] {
        &self.order
    }

    fn tile_count(&self) -> usize {
        self.order.len().div_ceil(TILE)
    }

    #[inline(always)]
    fn tile(&self, t: usize) -> &[Lanes] {
        &self.tiles[t * self.features..(t + 1) * self.features]
    }

    /// How many rows tile `t` has: 16, or fewer in the last one.
    #[inline(always)]
    fn rows_of(&self, t: usize) -> usize {
        TILE.min(self.order.len() - t * TILE)
    }

    #[inline(always)]
    fn box_of(&self, node: u32) -> &[f32] {
        &self.boxes[node as usize * 2 * self.width..][..2 * self.width]
    }

    /// The values of the row at a place.
    fn values(&self, place: usize) -> impl Iterator<Item = f32> + '_ {
        self.tile(place / TILE).iter().map(move |lanes| lanes.0[place % TILE])
    }

    /// The canonical squared distance of the rows at two places.
    #[cold]
    #[inline(never)]
    fn canonical(&self, a: usize, b: usize) -> f64 {
        let mut sum = 0.0;
        for (x, y) in self.values(a).zip(self.values(b)) {
            let difference = f64::from(x) - f64::from(y);
            sum += difference * difference;
        }
        sum
    }

    /// The nodes by their depth, the root's first.
    fn by_depth(&self) -> Vec<Vec<u32>> {
        let mut depths = Vec::new();
        let mut level = vec![0u32];
        while !level.is_empty() {
            let inner = level.iter().filter(|&&n| !self.nodes[n as usize].is_tile());
            let next = inner.flat_map(|&n| [n + 1, self.nodes[n as usize].right]).collect();
            depths.push(std::mem::replace(&mut level, next));
        }
        depths
    }
}

/// Where a node's own entry and its first tile are.
#[derive(Clone, Copy)]
struct Place {
    node: usize,
    tile: usize,
}

/// Orders the rows of a node so that those of its halves lie together, and theirs, and writes the nodes.
fn split(rows: &[f32], features: usize, order: &mut [u32], nodes: &mut [Node], at: Place) {
    let tiles = order.len().div_ceil(TILE);
    let left = tiles / 2;
    let right = if tiles == 1 { 0 } else { (at.node + 2 * left) as u32 };
    nodes[0] = Node { first: at.tile as u32, tiles: tiles as u32, right };
    if tiles == 1 {
        return;
    }
    let feature = widest(rows, features, order);
    let value = |row: u32| rows[row as usize * features + feature];
    // Rows with the same value are ordered by number, so that the tree is always the same.
    order.select_nth_unstable_by(left * TILE, |&a, &b| value(a).total_cmp(&value(b)).then(a.cmp(&b)));
    let parallel = order.len() > PARALLEL;
    let (low, high) = order.split_at_mut(left * TILE);
    let (low_nodes, high_nodes) = nodes[1..].split_at_mut(2 * left - 1);
    let low_at = Place { node: at.node + 1, tile: at.tile };
    let high_at = Place { node: right as usize, tile: at.tile + left };
    if parallel {
        rayon::join(
            || split(rows, features, low, low_nodes, low_at),
            || split(rows, features, high, high_nodes, high_at),
        );
    } else {
        split(rows, features, low, low_nodes, low_at);
        split(rows, features, high, high_nodes, high_at);
    }
}

/// The feature in which a few of the rows vary most.
fn widest(rows: &[f32], features: usize, order: &[u32]) -> usize {
    let step = order.len().div_ceil(SAMPLE);
    let mut sums = vec![(0f64, 0f64); features];
    let mut count = 0f64;
    for &row in order.iter().step_by(step) {
        let values = &rows[row as usize * features..][..features];
        for (sum, &v) in sums.iter_mut().zip(values) {
            *sum = (sum.0 + f64::from(v), sum.1 + f64::from(v) * f64::from(v));
        }
        count += 1.0;
    }
    let variance = |&(sum, squares): &(f64, f64)| squares - sum * sum / count;
    let mut best = (f64::NEG_INFINITY, 0);
    for (j, sum) in sums.iter().enumerate() {
        let own = variance(sum);
        if own > best.0 {
            best = (own, j);
        }
    }
    best.1
}
