//! The layout: near rows pull each other, and random others push.
//!
//! Each vertex reads the coordinates of the last epoch and writes its own next ones, so vertices can be moved in any order
//! and on any number of threads. Steps are Adam's (Kingma and Ba, 2015), whose rate falls as `(1 - x)^2`.

use super::curve::Curve;
use super::draws::{Counter, Use};
use super::forces::{Forces, LANES, cut_sum};
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
#[derive(Default)]
struct Scratch {
    /// The slots of the edges that pull.
    slots: Vec<u32>,
    /// The points that pull and then those that push, each filled up with the vertex itself, which has no force, to whole lanes.
    points: Vec<u32>,
    /// For each component the differences between the vertex and the points.
    differences: Vec<f32>,
    /// The squared distances of the points, then what the differences are multiplied by.
    coefficients: Vec<f32>,
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
                Scratch::default,
                |scratch, (chunk, ((next, means), squares))| {
                    let vertices = next.chunks_exact_mut(dims).zip(means.chunks_exact_mut(dims));
                    let vertices = vertices.zip(squares.chunks_exact_mut(dims));
                    for (v, ((next, means), squares)) in vertices.enumerate() {
                        let i = chunk * TOGETHER + v;
                        let pulling = self.gather(i, epoch as u32, negatives, scratch);
                        let count = scratch.points.len();
                        self.compare::<C>(&now, i, dims, pulling, scratch);
                        let (pulls, pushes) = scratch.coefficients.split_at(pulling);
                        let own = next.iter_mut().zip(means.iter_mut()).zip(squares.iter_mut());
                        for (k, ((next, mean), square)) in own.enumerate() {
                            let (near, far) = scratch.differences[k * count..][..count].split_at(pulling);
                            // A pull is doubled, since the other end of the edge does not move for it.
                            let force = 2.0 * cut_sum(pulls, near) + cut_sum(pushes, far);
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

    /// Who pulls and who pushes vertex `i` in this epoch. Returns how many points pull.
    #[inline(always)]
    fn gather(&self, i: usize, epoch: u32, negatives: Counter, scratch: &mut Scratch) -> usize {
        let Scratch { slots, points, .. } = scratch;
        let own = self.graph.starts[i]..self.graph.starts[i + 1];
        slots.resize(own.len().max(slots.len()), 0);
        points.clear();
        points.resize(own.len(), 0);
        let mut pulling = 0;
        for (slot, (fires, column)) in
            own.clone().zip(self.firing.of_slots(own.clone(), epoch).zip(&self.graph.columns[own]))
        {
            // Whether an edge fires is hard to foresee, so there is no branch.
            slots[pulling] = slot as u32;
            points[pulling] = *column;
            pulling += usize::from(fires);
        }
        points.truncate(pulling);
        points.resize(pulling.next_multiple_of(LANES), i as u32);
        let (first, pushing) = (points.len(), pulling * PUSHES);
        points.resize((first + pushing).next_multiple_of(LANES), i as u32);
        let count = self.graph.len() as u64;
        for (points, slot) in
            points[first..first + pushing].as_chunks_mut::<PUSHES>().0.iter_mut().zip(&*slots)
        {
            *points = negatives.five(u64::from(*slot), count);
        }
        first
    }

    /// The differences between vertex `i` and its points, and what they are multiplied by.
    #[inline(always)]
    fn compare<const C: usize>(
        &self,
        at: &[f32],
        i: usize,
        dims: usize,
        pulling: usize,
        scratch: &mut Scratch,
    ) {
        let Scratch { points, differences, coefficients, .. } = scratch;
        let dims = if C == 0 { dims } else { C };
        let count = points.len();
        differences.resize(count * dims, 0.0);
        coefficients.resize(count, 0.0);
        let own = &at[i * dims..][..dims];
        if C == 2 {
            let (own_x, own_y) = (own[0], own[1]);
            let (x, y) = differences.split_at_mut(count);
            for ((&point, x), y) in points.iter().zip(x).zip(y) {
                let other = &at[point as usize * 2..][..2];
                (*x, *y) = (own_x - other[0], own_y - other[1]);
            }
        } else {
            for (p, &point) in points.iter().enumerate() {
                let other = &at[point as usize * dims..][..dims];
                for k in 0..dims {
                    differences[k * count + p] = own[k] - other[k];
                }
            }
        }
        coefficients.fill(0.0);
        for k in 0..dims {
            for (sum, v) in coefficients.iter_mut().zip(&differences[k * count..][..count]) {
                *sum += v * v;
            }
        }
        self.forces.coefficients(coefficients, pulling);
    }
}
