//! The connected components of the core rows: two are linked if they are within the radius of each other.
//!
//! Going up the tree, the rows of each node's halves are linked with each other, without those pairs of nodes that are in
//! one component already. Where few nodes are far apart, as with many features, that would look at nearly all pairs. So as
//! soon as most rows are in one component, each of the others is compared with all rows that it may be linked to, until it is in
//! that component too. In the end each row has been compared with all others or is in that one component, so no link
//! between two components is left (the idea is that of Afforest; Sutton, Ben-Nun and Barak, 2018).

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
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A node whose core rows are in several components, and one without core rows. No place has such a number.
const MIXED: u32 = u32::MAX;
const NONE: u32 = u32::MAX - 1;

/// The halves of the tree's upper nodes are taken apart until there are so many pairs of nodes for each thread.
const PAIRS: usize = 64;

/// Pairs of nodes of a task.
const TASK: usize = 8;

/// Most core rows are in one component from this share on.
const MOST: f64 = 0.75;

/// That is looked at above so many levels of the tree.
const UPPER: usize = 12;

/// Tiles of a task.
const TILES: usize = 16;

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
        let depths = self.by_depth();
        let (mut done, total) = (0, self.blocks.nodes.len() as u64);
        for (d, depth) in depths.iter().enumerate().rev() {
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
            // Only where the nodes are large does it save much.
            if d < UPPER
                && let Some(chosen) = self.in_most()
            {
                return self.link_rest(radius, chosen, |tiles| {
                    progress.step(
                        "dbscan: clusters",
                        done + (total - done) * tiles / self.blocks.tile_count() as u64,
                        total,
                    )
                });
            }
        }
        Ok(())
    }

    /// Compares the core rows outside the component of a chosen row with all others.
    fn link_rest(&self, radius: Radius, chosen: u32, report: impl Fn(u64) -> Result<()>) -> Result<()> {
        let tiles = self.blocks.tile_count();
        let wave = TILES * 32 * rayon::current_num_threads();
        for first in (0..tiles).step_by(wave) {
            let end = tiles.min(first + wave);
            (first..end).into_par_iter().step_by(TILES).for_each(|t| {
                let tiles = t..end.min(t + TILES);
                self.blocks.set.run(Rest { components: self, radius, chosen, tiles });
            });
            report(end as u64)?;
        }
        Ok(())
    }

    /// A row of the component that most core rows are in, if there is one.
    fn in_most(&self) -> Option<u32> {
        let mut sizes = vec![0u32; self.core.len()];
        let core = (0u32..).zip(&self.core).filter(|(_, core)| **core);
        core.for_each(|(place, _)| sizes[self.root(place) as usize] += 1);
        let all: u64 = sizes.iter().map(|&size| u64::from(size)).sum();
        let most = |size: u32| all > 0 && f64::from(size) >= MOST * all as f64;
        (0u32..).zip(sizes).find(|&(_, size)| most(size)).map(|(place, _)| place)
    }

    /// The nodes by their depth, the root's first.
    fn by_depth(&self) -> Vec<Vec<u32>> {
        let nodes = &self.blocks.nodes;
        let mut depths = Vec::new();
        let mut level = vec![0u32];
        while !level.is_empty() {
            let inner = level.iter().filter(|&&n| !nodes[n as usize].is_tile());
            let next = inner.flat_map(|&n| [n + 1, nodes[n as usize].right]).collect();
            depths.push(std::mem::replace(&mut level, next));
        }
        depths
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

/// Compares each core row with all others that it may be linked to, until it is in the component of a chosen row.
struct Rest<'a> {
    components: &'a Components<'a>,
    radius: Radius,
    chosen: u32,
    tiles: Range<usize>,
}

impl Vectorized for Rest<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) {
        let Rest { components, radius, chosen, tiles } = self;
        let blocks = components.blocks;
        let mut point = Vec::with_capacity(blocks.features);
        for place in tiles.start * TILE..tiles.end * TILE {
            let row = place as u32;
            if !components.core[place] || components.root(row) == components.root(chosen) {
                continue;
            }
            point.clear();
            point.extend(blocks.values(place));
            search(
                simd,
                blocks,
                &components.boxes,
                &point,
                (radius.outer, -1.0),
                #[inline(always)]
                |n, _| match components.state(n) {
                    NONE => Skip::Node,
                    state if state == components.root(row) => Skip::Node,
                    _ => Skip::No,
                },
                #[inline(always)]
                |tile, squared| {
                    for (lane, &squared) in squared[..blocks.rows_of(tile)].iter().enumerate() {
                        let other = tile * TILE + lane;
                        if squared <= radius.outer
                            && components.core[other]
                            && components.root(other as u32) != components.root(row)
                            && (squared <= radius.inner || blocks.canonical(place, other) <= radius.squared)
                        {
                            components.join(row, other as u32);
                        }
                    }
                    let is_done = components.root(row) == components.root(chosen);
                    if is_done { -1.0 } else { radius.outer }
                },
            );
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
