//! The connected components of the core rows: two are linked if they are within the radius of each other.
//!
//! Tiles are linked with their nearest tiles first, after which most rows are in their final component. Then one row is chosen
//! in the largest component, and every other row is compared with all rows that it may be linked to, until it is in the chosen
//! row's component. In the end each row has either been compared with all others or is in that one component, so no
//! link between two components is left (the idea is that of Afforest; Sutton, Ben-Nun and Barak, 2018).

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

/// With so many tiles a tile is compared at first.
const NEAREST: usize = 8;

/// Tiles of a task.
const TASK: usize = 16;

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
        self.renew();
        let tiles = self.blocks.tile_count() as u64;
        self.each_task(
            |tiles| self.blocks.set.run(Near { components: self, radius, tiles }),
            |done| progress.step("dbscan: clusters", done, 2 * tiles),
        )?;
        self.renew();
        let Some(chosen) = self.in_largest() else { return Ok(()) };
        self.each_task(
            |tiles| self.blocks.set.run(Rest { components: self, radius, chosen, tiles }),
            |done| progress.step("dbscan: clusters", tiles + done, 2 * tiles),
        )
    }

    /// Brings the states of all nodes up to date.
    fn renew(&self) {
        // Children come after their parents.
        for n in (0..self.nodes.len() as u32).rev() {
            self.state(n);
        }
    }

    /// Does `work` for a few tiles after the other, in parallel, and reports how many are done.
    fn each_task(
        &self,
        work: impl Fn(Range<usize>) + Sync,
        report: impl Fn(u64) -> Result<()>,
    ) -> Result<()> {
        let tiles = self.blocks.tile_count();
        let wave = TASK * 32 * rayon::current_num_threads();
        for first in (0..tiles).step_by(wave) {
            let end = tiles.min(first + wave);
            (first..end).into_par_iter().step_by(TASK).for_each(|t| work(t..end.min(t + TASK)));
            report(end as u64)?;
        }
        Ok(())
    }

    /// A row of the component that has the most rows.
    fn in_largest(&self) -> Option<u32> {
        let mut sizes = vec![0u32; self.core.len()];
        let core = (0u32..).zip(&self.core).filter(|(_, core)| **core);
        core.for_each(|(place, _)| sizes[self.root(place) as usize] += 1);
        let largest = (0u32..).zip(&sizes).max_by_key(|(place, size)| (**size, std::cmp::Reverse(*place)))?;
        (*largest.1 > 0).then_some(largest.0)
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
}

/// What holds for two sets of core rows together.
fn united(a: u32, b: u32) -> u32 {
    match (a, b) {
        (NONE, other) | (other, NONE) => other,
        _ if a == b => a,
        _ => MIXED,
    }
}

/// Links the core rows of tiles among themselves and with those of the nearest tiles.
struct Near<'a> {
    components: &'a Components<'a>,
    radius: Radius,
    tiles: Range<usize>,
}

impl Vectorized for Near<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) {
        let Near { components, radius, tiles } = self;
        let blocks = components.blocks;
        let mut stack: Vec<u32> = Vec::with_capacity(64);
        let mut squared: Squared = [0.0; TILE * TILE];
        for t in tiles {
            let leaf = blocks.leaves[t];
            let own_box = blocks.box_in(&components.boxes, leaf);
            let mut looks = 0;
            stack.clear();
            stack.push(0);
            while let Some(n) = stack.pop() {
                let (own, other) = (components.state(leaf), components.state(n));
                if own == NONE || looks == NEAREST {
                    break;
                }
                if other == NONE || (own == other && own != MIXED) {
                    continue;
                }
                let node = blocks.nodes[n as usize];
                if node.is_tile() {
                    looks += 1;
                    let other = node.first as usize;
                    squared_distances(simd, blocks.tile(t), blocks.tile(other), &mut squared);
                    components.link_tiles(radius, t, other, &squared);
                    continue;
                }
                let halves = [n + 1, node.right];
                let gaps = halves.map(
                    #[inline(always)]
                    |half| gap(simd, own_box, blocks.box_in(&components.boxes, half)),
                );
                // The tile's own half is looked at first, then the nearer one.
                let in_right = t >= blocks.nodes[node.right as usize].first as usize;
                let right_first = gaps[1] < gaps[0] || (gaps[1] == gaps[0] && in_right);
                for half in if right_first { [0, 1] } else { [1, 0] } {
                    if gaps[half] <= radius.outer {
                        stack.push(halves[half]);
                    }
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
