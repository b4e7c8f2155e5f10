//! The layout: near rows pull each other, and random others push.
//!
//! Each vertex reads the coordinates of the last epoch and writes its own next ones, so vertices can be moved in any order
//! and on any number of threads. Steps are Adam's (Kingma and Ba, 2015), whose rate falls as `(1 - x)^2`.

use super::curve::Curve;
use super::draws::{Counter, Use};
use super::forces::{Forces, LANES};
use super::graph::{Firing, Graph};
use crate::error::Result;
use crate::progress::Progress;
use rayon::prelude::*;

/// So many vertices are moved together. There are few, because some have hundreds of neighbours.
const TOGETHER: usize = 64;

/// How many random vertices push for each neighbour that pulls.
pub(super) const PUSHES: usize = 5;

/// How fast the means of Adam forget.
const BETAS: (f32, f32) = (0.5, 0.9);

/// What keeps Adam from dividing by 0.
const EPSILON: f32 = 1e-7;

/// What a thread needs while it moves vertices.
struct Scratch {
    /// The neighbours that pull, then the vertices that push, each filled up with the vertex itself to whole lanes.
    pulling: Vec<u32>,
    pushing: Vec<u32>,
    sums: Vec<[f32; LANES]>,
    differences: Vec<[f32; LANES]>,
}

/// Moves the vertices of a graph, from coordinates that hold those of one vertex after the other.
pub(super) fn lay_out(
    graph: &Graph,
    start: Vec<f32>,
    (dims, epochs): (usize, usize),
    curve: Curve,
    seed: u64,
    progress: Progress<'_>,
) -> Result<Vec<f32>> {
    let work = Work {
        graph,
        firing: Firing::of(graph, seed),
        negatives: Counter::new(seed, Use::Negatives),
        forces: Forces::of(curve),
        epochs,
    };
    match dims {
        2 => work.run::<2>(start, dims, progress),
        3 => work.run::<3>(start, dims, progress),
        4 => work.run::<4>(start, dims, progress),
        _ => work.run::<0>(start, dims, progress),
    }
}

struct Work<'a> {
    graph: &'a Graph,
    firing: Firing,
    negatives: Counter,
    forces: Forces,
    epochs: usize,
}

impl Work<'_> {
    /// All epochs. `C` is the number of components, or 0 where only `dims` tells it.
    fn run<const C: usize>(&self, start: Vec<f32>, dims: usize, progress: Progress<'_>) -> Result<Vec<f32>> {
        let dims = if C == 0 { dims } else { C };
        let mut now = start;
        let mut next = now.clone();
        let mut means = vec![0f32; now.len()];
        let mut squares = vec![0f32; now.len()];
        let mut forgotten = (1f64, 1f64);
        for epoch in 0..self.epochs {
            progress.step("umap", epoch as u64, self.epochs as u64)?;
            forgotten = (forgotten.0 * f64::from(BETAS.0), forgotten.1 * f64::from(BETAS.1));
            let left = 1.0 - epoch as f64 / self.epochs as f64;
            let rate = (left * left / (1.0 - forgotten.0)) as f32;
            let unbiased = (1.0 / (1.0 - forgotten.1)) as f32;
            let negatives = self.negatives.at(epoch as u64);
            let size = TOGETHER * dims;
            let chunks = next.par_chunks_mut(size).zip(means.par_chunks_mut(size));
            chunks.zip(squares.par_chunks_mut(size)).enumerate().for_each_init(
                || Scratch::new(dims),
                |scratch, (chunk, ((next, means), squares))| {
                    let vertices = next.chunks_exact_mut(dims).zip(means.chunks_exact_mut(dims));
                    for (v, ((next, means), squares)) in
                        vertices.zip(squares.chunks_exact_mut(dims)).enumerate()
                    {
                        let i = chunk * TOGETHER + v;
                        self.gather(i, epoch as u32, negatives, scratch);
                        scratch.sums.fill([0.0; LANES]);
                        let Scratch { pulling, pushing, sums, differences } = &mut *scratch;
                        self.forces.pull::<C>(&now, i, pulling, sums, differences);
                        self.forces.push::<C>(&now, i, pushing, sums, differences);
                        let own = next.iter_mut().zip(means.iter_mut()).zip(squares.iter_mut());
                        for (k, ((next, mean), square)) in own.enumerate() {
                            let force = sum(&sums[k]);
                            *mean = BETAS.0 * *mean + (1.0 - BETAS.0) * force;
                            *square = BETAS.1 * *square + (1.0 - BETAS.1) * (force * force);
                            let length = (*square * unbiased).sqrt() + EPSILON;
                            *next = now[i * dims + k] + rate * *mean / length;
                        }
                    }
                },
            );
            std::mem::swap(&mut now, &mut next);
        }
        progress.step("umap", self.epochs as u64, self.epochs as u64)?;
        Ok(now)
    }

    /// Who pulls and who pushes vertex `i` in this epoch.
    #[inline(always)]
    fn gather(&self, i: usize, epoch: u32, negatives: Counter, scratch: &mut Scratch) {
        let Scratch { pulling, pushing, .. } = scratch;
        pulling.clear();
        pushing.clear();
        let count = self.graph.len() as u64;
        for slot in self.graph.starts[i]..self.graph.starts[i + 1] {
            if self.firing.fires(slot, epoch) {
                pulling.push(self.graph.columns[slot]);
                pushing.extend_from_slice(&negatives.at(slot as u64).five(count));
            }
        }
        for list in [pulling, pushing] {
            list.resize(list.len().next_multiple_of(LANES), i as u32);
        }
    }
}

impl Scratch {
    fn new(dims: usize) -> Self {
        Scratch {
            pulling: Vec::new(),
            pushing: Vec::new(),
            sums: vec![[0.0; LANES]; dims],
            differences: vec![[0.0; LANES]; dims],
        }
    }
}

/// The sum of the lanes, in a fixed order.
#[inline(always)]
fn sum(lanes: &[f32; LANES]) -> f32 {
    let halves = [0, 1, 2, 3].map(|l| lanes[l] + lanes[l + 4]);
    (halves[0] + halves[2]) + (halves[1] + halves[3])
}
