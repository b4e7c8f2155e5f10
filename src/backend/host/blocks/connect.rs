//! The connected components of the core rows: two are linked if they are within the radius of each other.

use super::pairs::{Squared, gap, squared_distances};
use super::{Blocks, Radius};
use crate::backend::simd::Vectorized;
use crate::error::Result;
use crate::matrix::TILE;
use crate::progress::Progress;
use pulp::Simd;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A node whose core rows are in several components, and one without core rows. No place has such a number.
const MIXED: u32 = u32::MAX;
const NONE: u32 = u32::MAX - 1;

/// The halves of the tree's upper nodes are taken apart until there are so many pairs of nodes for each thread.
const PAIRS: usize = 64;

/// Pairs of nodes of a task.
const TASK: usize = 8;

/// Components of core rows, as a forest in which each row points to one with a lower place, or to itself. Threads link trees
/// in any order; in the end two rows are in one tree exactly if a chain of links joins them.
pub(crate) struct Components<'a> {
    pub(super) blocks: &'a Blocks,
    parents: Vec<AtomicU32>,
    core: Vec<bool>,
    /// The boxes of the nodes' core rows.
    pub(super) boxes: Vec<f32>,
    /// For each node a place in the component that all of its core rows are in, or [`MIXED`] or [`NONE`].
    nodes: Vec<AtomicU32>,
}

impl<'a> Components<'a> {
    /// Without any core row.
    pub(crate) fn new(blocks: &'a Blocks) -> Self {
        Components {
            blocks,
            parents: (0..blocks.places() as u32).map(AtomicU32::new).collect(),
            core: vec![false; blocks.places()],
            boxes: Vec::new(),
            nodes: blocks.nodes.iter().map(|_| AtomicU32::new(NONE)).collect(),
        }
    }

    /// Links the core rows that are within `radius` of each other. What was linked stays so: the core rows and the radius
    /// may only grow from call to call.
    pub(crate) fn link(
        &mut self,
        radius: Radius,
        core: impl Fn(usize) -> bool + Sync,
        progress: Progress<'_>,
    ) -> Result<()> {
        self.core.par_iter_mut().enumerate().for_each(|(place, is)| *is = core(place));
        self.boxes = self.blocks.all_boxes(|place| self.core[place]);
        self.nodes.par_iter().for_each(|node| node.store(MIXED, Relaxed));
        let depths = self.blocks.by_depth();
        let (mut done, total) = (0, self.blocks.nodes.len() as u64);
        for depth in depths.iter().rev() {
            // Each pair of rows is looked at in the smallest node that has both, when all smaller ones are finished.
            let pairs = depth.iter().map(|&n| match self.blocks.nodes[n as usize] {
                node if node.is_tile() => (n, n),
                node => (n + 1, node.right),
            });
            let mut pairs: Vec<(u32, u32)> = pairs.collect();
            let enough = PAIRS * rayon::current_num_threads();
            while pairs.len() < enough {
                let apart = self.blocks.set.run(Apart { components: self, radius, pairs: &pairs });
                if apart.len() == pairs.len() || apart.is_empty() {
                    pairs = apart;
                    break;
                }
                pairs = apart;
            }
            for wave in pairs.chunks(TASK * 32 * rayon::current_num_threads()) {
                wave.par_chunks(TASK).for_each(|pairs| {
                    self.blocks.set.run(Link { components: self, radius, pairs });
                });
                progress.step("dbscan: clusters", done, total)?;
            }
            depth.par_iter().for_each(|&n| {
                self.state(n);
            });
            done += depth.len() as u64;
        }
        Ok(())
    }

    /// The components of the core rows: for each place the lowest row of its component; none for other rows.
    pub(crate) fn lowest(&self) -> Vec<Option<u32>> {
        let rows = self.core.len();
        let mut lowest = vec![u32::MAX; rows];
        let roots: Vec<u32> = (0..rows as u32).into_par_iter().map(|place| self.root(place)).collect();
        for (place, &root) in roots.iter().enumerate() {
            let to = &mut lowest[root as usize];
            *to = (*to).min(self.blocks.order[place]);
        }
        let of = |(place, &root): (usize, &u32)| self.core[place].then(|| lowest[root as usize]);
        roots.iter().enumerate().map(of).collect()
    }

    /// The root of a row's tree. Paths become shorter on the way.
    #[inline]
    fn root(&self, mut place: u32) -> u32 {
        loop {
            let parent = self.parents[place as usize].load(Relaxed);
            if parent == place {
                return place;
            }
            let next = self.parents[parent as usize].load(Relaxed);
            if next != parent {
                let _ = self.parents[place as usize].compare_exchange(parent, next, Relaxed, Relaxed);
            }
            place = next;
        }
    }

    /// Makes one tree of two rows' trees and returns its root, which may have a parent by now.
    fn join(&self, a: u32, b: u32) -> u32 {
        loop {
            let (a, b) = (self.root(a), self.root(b));
            let (low, high) = (a.min(b), a.max(b));
            let parent = &self.parents[high as usize];
            if low == high || parent.compare_exchange(high, low, Relaxed, Relaxed).is_ok() {
                return low;
            }
        }
    }

    /// The root of all core rows of a node, or [`MIXED`] or [`NONE`]. Where the answer has become simpler since it was
    /// asked for last, it is kept.
    fn state(&self, n: u32) -> u32 {
        let known = self.nodes[n as usize].load(Relaxed);
        if known == NONE {
            return NONE;
        }
        if known != MIXED {
            return self.root(known);
        }
        let node = self.blocks.nodes[n as usize];
        let state = if node.is_tile() {
            let first = node.first as usize * TILE;
            let places = first..first + self.blocks.rows_of(node.first as usize);
            let roots = places.filter(|&place| self.core[place]).map(|place| self.root(place as u32));
            roots.fold(NONE, united)
        } else {
            let half = |n: u32| match self.nodes[n as usize].load(Relaxed) {
                special @ (MIXED | NONE) => special,
                place => self.root(place),
            };
            united(half(n + 1), half(node.right))
        };
        if state != MIXED {
            self.nodes[n as usize].store(state, Relaxed);
        }
        state
    }

    /// Whether no link of these nodes can change anything.
    #[inline(always)]
    fn is_settled(&self, a: u32, b: u32) -> bool {
        let (a, b) = (self.state(a), self.state(b));
        a == NONE || b == NONE || (a == b && a != MIXED)
    }

    /// The pairs of nodes that a pair consists of, without those whose boxes are farther apart than the radius; none for
    /// two tiles. Of two nodes the larger one is split.
    #[inline(always)]
    fn parts<S: Simd>(&self, simd: S, radius: Radius, (a, b): (u32, u32)) -> [Option<(u32, u32)>; 2] {
        let blocks = self.blocks;
        let (node_a, node_b) = (blocks.nodes[a as usize], blocks.nodes[b as usize]);
        let parts = if node_a.tiles > node_b.tiles {
            [(a + 1, b), (node_a.right, b)]
        } else {
            [(a, b + 1), (a, node_b.right)]
        };
        let gaps = parts.map(
            #[inline(always)]
            |(a, b)| gap(simd, blocks.box_in(&self.boxes, a), blocks.box_in(&self.boxes, b)),
        );
        // The nearer part is last, so that it is taken first from the end of a stack.
        let order = if gaps[0] < gaps[1] { [1, 0] } else { [0, 1] };
        order.map(
            #[inline(always)]
            |i| Some(parts[i]).filter(|_| gaps[i] <= radius.outer),
        )
    }
}

/// What holds for two sets of core rows together.
fn united(a: u32, b: u32) -> u32 {
    match (a, b) {
        (NONE, other) | (other, NONE) => other,
        _ if a == b => a,
        _ => MIXED,
    }
}

/// Takes pairs of nodes apart by one step.
struct Apart<'a> {
    components: &'a Components<'a>,
    radius: Radius,
    pairs: &'a [(u32, u32)],
}

impl Vectorized for Apart<'_> {
    type Output = Vec<(u32, u32)>;

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) -> Vec<(u32, u32)> {
        let Apart { components, radius, pairs } = self;
        let nodes = &components.blocks.nodes;
        let mut out = Vec::with_capacity(2 * pairs.len());
        for &(a, b) in pairs {
            if components.is_settled(a, b) {
                continue;
            }
            if nodes[a as usize].is_tile() && nodes[b as usize].is_tile() {
                out.push((a, b));
            } else {
                out.extend(components.parts(simd, radius, (a, b)).into_iter().flatten());
            }
        }
        out
    }
}

/// Links the rows of pairs of nodes.
struct Link<'a> {
    components: &'a Components<'a>,
    radius: Radius,
    pairs: &'a [(u32, u32)],
}

impl Vectorized for Link<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) {
        let Link { components, radius, pairs } = self;
        let nodes = &components.blocks.nodes;
        let mut stack = Vec::with_capacity(128);
        let mut squared: Squared = [0.0; TILE * TILE];
        for &pair in pairs {
            stack.push(pair);
            while let Some((a, b)) = stack.pop() {
                if components.is_settled(a, b) {
                    continue;
                }
                let (node_a, node_b) = (nodes[a as usize], nodes[b as usize]);
                if node_a.is_tile() && node_b.is_tile() {
                    let (a, b) = (node_a.first as usize, node_b.first as usize);
                    let blocks = components.blocks;
                    squared_distances(simd, blocks.tile(a), blocks.tile(b), &mut squared);
                    components.link_tiles(radius, a, b, &squared);
                } else {
                    stack.extend(components.parts(simd, radius, (a, b)).into_iter().flatten());
                }
            }
        }
    }
}

impl Components<'_> {
    /// Links the core rows of two tiles.
    #[inline(always)]
    fn link_tiles(&self, radius: Radius, a: usize, b: usize, squared: &Squared) {
        let mut roots_a = self.roots(a);
        let mut roots_b = self.roots(b);
        for (p, squared) in squared.as_chunks::<TILE>().0.iter().enumerate() {
            if roots_b[p] == NONE {
                continue;
            }
            for (lane, &squared) in squared.iter().enumerate() {
                let (from, to) = (roots_a[lane], roots_b[p]);
                if squared > radius.outer || from == NONE || from == to {
                    continue;
                }
                let (x, y) = (a * TILE + lane, b * TILE + p);
                if squared <= radius.inner || self.blocks.canonical(x, y) <= radius.squared {
                    let root = self.join(from, to);
                    for known in roots_a.iter_mut().chain(&mut roots_b) {
                        if *known == from || *known == to {
                            *known = root;
                        }
                    }
                }
            }
        }
    }

    /// The roots of a tile's core rows; [`NONE`] for other rows.
    #[inline(always)]
    fn roots(&self, tile: usize) -> [u32; TILE] {
        let mut roots = [NONE; TILE];
        let there = self.blocks.rows_of(tile);
        for (lane, root) in roots[..there].iter_mut().enumerate() {
            let place = tile * TILE + lane;
            if self.core[place] {
                *root = self.root(place as u32);
            }
        }
        roots
    }
}
