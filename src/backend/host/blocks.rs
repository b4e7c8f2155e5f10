//! Rows in small blocks of neighbours, for questions about what lies within a radius.
//!
//! The rows are split at a gap of one feature or at its median, each part again, and so on (a k-d tree; Bentley, 1975), down to
//! tiles of at most 16 rows. Every node of the tree knows the box that its rows lie in, so most pairs of distant rows are never compared:
//! their boxes are farther apart than the radius. The rows of two tiles are compared in vector code in f32. The canonical
//! distance decides where f32 cannot tell ([`Radius`]), so the answers do not depend on the tree, the instruction set or
//! the number of threads.

mod borders;
mod connect;
mod count;
mod lists;
mod pairs;
mod search;

pub(crate) use connect::Components;
pub(crate) use count::count;
pub(crate) use lists::{Copies, nearest_lists};
pub(crate) use search::{distances_to_copies, nearest_clusters};

use crate::backend::simd::InstructionSet;
use crate::canonical::Certificate;
use crate::matrix::{Lanes, TILE};
use rayon::prelude::*;

/// Nodes with more rows than this are split by two threads.
const PARALLEL: usize = 4096;

/// So many rows of a node say along which feature it is split.
const SAMPLE: usize = 64;

/// Nodes with more rows than this are never split into parts of less than an eighth.
const LARGE: usize = 256;

/// Tables with more rows are split at medians alone, so that every place has a number.
const MOST_ROWS: usize = 1 << 26;

/// Rows are split at a gap from this many standard deviations on.
const GAP: f64 = 1.5;

/// Where no row stands.
pub(crate) const NO_ROW: u32 = u32::MAX;

/// Fills the empty places of tiles: so far away that the square of its distance to any row is infinite in f32.
const FAR: f32 = f32::MAX;

/// Rows in blocks.
pub(crate) struct Blocks {
    set: InstructionSet,
    features: usize,
    /// The features rounded up to whole vectors.
    width: usize,
    certificate: Certificate,
    rows: usize,
    /// For each place the row that stands there, or [`NO_ROW`]. The 16 places of a tile are its lanes.
    order: Vec<u32>,
    tiles: Vec<Lanes>,
    /// For each tile the number of its rows, which come before its empty places.
    counts: Vec<u8>,
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
        self.tiles == 1
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
    pub(crate) fn new(set: InstructionSet, features: usize, rows: &[f32], certificate: Certificate) -> Self {
        let count = rows.len() / features;
        let mut sorted: Vec<u32> = (0..count as u32).collect();
        let Part { nodes, counts } = split(rows, features, &mut sorted);
        let mut order = vec![NO_ROW; counts.len() * TILE];
        let mut rest = &sorted[..];
        for (order, &count) in order.chunks_exact_mut(TILE).zip(&counts) {
            let (own, others) = rest.split_at(usize::from(count));
            order[..own.len()].copy_from_slice(own);
            rest = others;
        }
        let mut tiles = vec![Lanes([FAR; TILE]); counts.len() * features];
        tiles.par_chunks_mut(features).zip(order.par_chunks(TILE)).for_each(|(tile, order)| {
            for (lane, &row) in order.iter().enumerate().filter(|(_, row)| **row != NO_ROW) {
                let values = &rows[row as usize * features..][..features];
                tile.iter_mut().zip(values).for_each(|(lanes, &v)| lanes.0[lane] = v);
            }
        });
        let width = features.next_multiple_of(TILE);
        let leaves = (0u32..).zip(&nodes).filter(|(_, node)| node.is_tile()).map(|(n, _)| n).collect();
        let boxes = Vec::new();
        let mut out = Blocks {
            set,
            features,
            width,
            certificate,
            rows: count,
            order,
            tiles,
            counts,
            nodes,
            leaves,
            boxes,
        };
        out.boxes = out.all_boxes(|_| true);
        out
    }

    /// The boxes of the nodes' rows at places that count. A box without rows is infinitely far from any other.
    fn all_boxes(&self, counts: impl Fn(usize) -> bool) -> Vec<f32> {
        let size = 2 * self.width;
        let mut boxes = vec![0f32; self.nodes.len() * size];
        for (n, node) in self.nodes.iter().enumerate().rev() {
            let (own, later) = boxes[n * size..].split_at_mut(size);
            let (low, high) = own.split_at_mut(self.width);
            if node.is_tile() {
                let first = node.first as usize * TILE;
                low[..self.features].fill(f32::INFINITY);
                high[..self.features].fill(f32::NEG_INFINITY);
                for lane in (0..self.rows_of(node.first as usize)).filter(|lane| counts(first + lane)) {
                    let values = self.values(first + lane);
                    for ((low, high), value) in low.iter_mut().zip(high.iter_mut()).zip(values) {
                        (*low, *high) = (low.min(value), high.max(value));
                    }
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
        // Splits at gaps leave places empty: a tile for every four rows is more than tables need.
        let tiles = rows.div_ceil(4) as u64;
        let values = tiles * (TILE * features * size_of::<f32>()) as u64;
        let boxes = 2 * tiles * (2 * features.next_multiple_of(TILE) * size_of::<f32>()) as u64;
        values + boxes + tiles * (TILE * size_of::<u32>()) as u64
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// How many places there are: some are empty.
    pub(crate) fn places(&self) -> usize {
        self.order.len()
    }

    /// A radius given in stored units.
    pub(crate) fn radius(&self, stored: f64) -> Radius {
        Radius::new(stored, self.certificate)
    }

    fn outer(&self, squared: f64) -> f32 {
        outer(squared, self.certificate)
    }

    /// For each place the row that stands there, or [`NO_ROW`].
    pub(crate) fn order(&self) -> &[u32] {
        &self.order
    }

    fn tile_count(&self) -> usize {
        self.counts.len()
    }

    #[inline(always)]
    fn tile(&self, t: usize) -> &[Lanes] {
        &self.tiles[t * self.features..(t + 1) * self.features]
    }

    /// How many rows tile `t` has.
    #[inline(always)]
    fn rows_of(&self, t: usize) -> usize {
        usize::from(self.counts[t])
    }

    #[inline(always)]
    fn box_of(&self, node: u32) -> &[f32] {
        self.box_in(&self.boxes, node)
    }

    /// A node's box among others than the blocks' own.
    #[inline(always)]
    fn box_in<'b>(&self, boxes: &'b [f32], node: u32) -> &'b [f32] {
        &boxes[node as usize * 2 * self.width..][..2 * self.width]
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
}

/// A part of the tree while it grows: nodes and tiles are numbered from 0.
#[derive(Default)]
struct Part {
    nodes: Vec<Node>,
    /// For each tile the number of its rows.
    counts: Vec<u8>,
}

impl Part {
    /// Puts two halves below a new node.
    fn of_halves(low: Part, high: Part) -> Part {
        let (low_nodes, low_tiles) = (low.nodes.len() as u32, low.counts.len() as u32);
        let tiles = low_tiles + high.counts.len() as u32;
        let mut nodes = Vec::with_capacity(1 + low.nodes.len() + high.nodes.len());
        nodes.push(Node { first: 0, tiles, right: 1 + low_nodes });
        let moved = |node: Node, nodes: u32, tiles: u32| Node {
            first: node.first + tiles,
            right: if node.is_tile() { 0 } else { node.right + nodes },
            ..node
        };
        nodes.extend(low.nodes.into_iter().map(|node| moved(node, 1, 0)));
        nodes.extend(high.nodes.into_iter().map(|node| moved(node, 1 + low_nodes, low_tiles)));
        let mut counts = low.counts;
        counts.extend(high.counts);
        Part { nodes, counts }
    }
}

/// Orders rows so that those of each node lie together, and makes the nodes.
fn split(rows: &[f32], features: usize, order: &mut [u32]) -> Part {
    if order.len() <= TILE {
        let nodes = vec![Node { first: 0, tiles: 1, right: 0 }];
        return Part { nodes, counts: vec![order.len() as u8] };
    }
    let feature = widest(rows, features, order);
    let value = |row: u32| rows[row as usize * features + feature];
    let may_have_gaps = rows.len() / features <= MOST_ROWS;
    let at = match gap_in(order, value).filter(|_| may_have_gaps) {
        Some(limit) => {
            // Rows below the limit come first.
            let mut low = 0;
            for i in 0..order.len() {
                if value(order[i]) < limit {
                    order.swap(low, i);
                    low += 1;
                }
            }
            low
        }
        None => 0,
    };
    let least = if order.len() > LARGE { order.len() / 8 } else { 1 };
    let at = if at < least || order.len() - at < least {
        // Rows with the same value are ordered by number, so that the tree is always the same. The lower half fills its
        // tiles.
        let middle = order.len().div_ceil(TILE) / 2 * TILE;
        order.select_nth_unstable_by(middle, |&a, &b| value(a).total_cmp(&value(b)).then(a.cmp(&b)));
        middle
    } else {
        at
    };
    let parallel = order.len() > PARALLEL;
    let (low, high) = order.split_at_mut(at);
    let (low, high) = if parallel {
        rayon::join(|| split(rows, features, low), || split(rows, features, high))
    } else {
        (split(rows, features, low), split(rows, features, high))
    };
    Part::of_halves(low, high)
}

/// A value in the middle of the widest gap between the values of a few rows, if it is so wide that groups of rows lie on
/// both sides.
fn gap_in(order: &[u32], value: impl Fn(u32) -> f32) -> Option<f32> {
    let mut values: Vec<f32> =
        order.iter().step_by(order.len().div_ceil(SAMPLE)).map(|&row| value(row)).collect();
    values.sort_unstable_by(f32::total_cmp);
    let count = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let variance = values.iter().map(|&v| (f64::from(v) - mean) * (f64::from(v) - mean)).sum::<f64>() / count;
    let (gap, at) = values
        .windows(2)
        .enumerate()
        .map(|(i, pair)| (pair[1] - pair[0], i))
        .fold((0f32, 0), |best, own| if own.0 > best.0 { own } else { best });
    let wide = f64::from(gap) >= GAP * variance.sqrt() && gap > 0.0;
    // Half of the sum could be rounded down to the lower value, below which no row would be then.
    wide.then(|| values[at + 1].min((values[at] / 2.0 + values[at + 1] / 2.0).next_up()))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What f32 proves about a radius is what the canonical distance says, whichever way its error goes.
    #[test]
    fn a_radius_is_between_its_limits() {
        for d in [1, 3, 26, 300, 9_000] {
            let certificate = Certificate::new(d);
            for stored in [0.0, 1e-30, 0.3, 1.0, 1e6, 3e13, f64::MAX] {
                let Radius { squared, inner, outer } = Radius::new(stored, certificate);
                assert!(inner < outer && squared == stored * stored, "{d} {stored}");
                assert!(inner < 0.0 || certificate.above(f64::from(inner)) <= squared, "{d} {stored}");
                let next = f64::from(outer.next_up());
                assert!(outer == f32::MAX || next > certificate.above(squared), "{d} {stored}");
                if (1e-3..1e10).contains(&stored) {
                    let share = f64::from(outer - inner) / squared;
                    assert!(
                        share < 6.0 * (d + 9) as f64 / 8_388_608.0 * (1.0 + d as f64 / 700.0),
                        "{d} {stored} {share}"
                    );
                }
            }
        }
        let exact = Radius::new(2.5, Certificate::exact());
        assert_eq!((exact.inner, exact.outer), (6.25, 6.25));
        let third = Radius::new(1.0 / 3.0, Certificate::exact());
        assert!(f64::from(third.outer) <= third.squared && f64::from(third.outer.next_up()) > third.squared);
    }

    /// The tree has every row once, in a box that holds it.
    #[test]
    fn every_row_stands_in_one_place_of_its_box() {
        for (count, features) in [(1, 1), (2, 3), (16, 2), (17, 2), (500, 3), (5_000, 2)] {
            let value = |i: usize| {
                ((i * 7_919 + i / 3) % 101) as f32 + if i.is_multiple_of(5) { 1_000.0 } else { 0.0 }
            };
            let rows: Vec<f32> = (0..count * features).map(value).collect();
            let blocks = Blocks::new(InstructionSet::default(), features, &rows, Certificate::new(features));
            let mut seen: Vec<u32> = blocks.order.iter().copied().filter(|&row| row != NO_ROW).collect();
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..count as u32));
            assert_eq!(blocks.nodes.len(), 2 * blocks.tile_count() - 1);
            let mut tiles = 0;
            for (n, node) in (0u32..).zip(&blocks.nodes) {
                let first = node.first as usize;
                tiles += usize::from(node.is_tile());
                if !node.is_tile() {
                    let (left, right) = (blocks.nodes[n as usize + 1], blocks.nodes[node.right as usize]);
                    assert_eq!((left.first, right.first), (node.first, node.first + left.tiles));
                    assert_eq!(left.tiles + right.tiles, node.tiles);
                }
                let (low, high) = blocks.box_of(n).split_at(blocks.width);
                for place in
                    (first..first + node.tiles as usize).flat_map(|t| t * TILE..t * TILE + blocks.rows_of(t))
                {
                    let own = &rows[blocks.order[place] as usize * features..][..features];
                    assert!(blocks.values(place).eq(own.iter().copied()));
                    assert!((0..features).all(|j| low[j] <= own[j] && own[j] <= high[j]));
                }
            }
            assert_eq!(tiles, blocks.tile_count());
            assert!(tiles <= 1 + count / 2, "{tiles} tiles for {count} rows");
        }
    }
}
