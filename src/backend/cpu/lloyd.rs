//! CPU twin of `shaders/lloyd.wgsl`: many centroid sets past each tile of rows, whole-number sums of rows that moved.

use super::block::{Best, Group, InstructionSet, Kernel, MAX_GROUP, Points, group_rows, store, store_u32};
use crate::backend::{Assigned, Memory};
use crate::canonical::{self, Centroids, Certificate};
use crate::matrix::{Matrix, TILE};
use pulp::Simd;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Rows that all sets pass before the next ones: their tiles and grid steps stay in the first-level cache.
const CHUNK: usize = 256;

/// Rows after which i64 partial sums go to i128: 2^31 steps x 2^16 weight steps x 2^13 rows < 2^63.
const FLUSH: usize = 8192;

/// A row that was in no cluster.
const NONE: u32 = u32::MAX;

/// What the CPU remembers of a set's last pass.
struct Last {
    labels: Labels,
    sums: Sums,
}

/// A label a row, 8 or 32 bits each, in words that threads may write side by side.
struct Labels {
    words: Vec<AtomicU64>,
    /// Whether a label takes 32 bits; 8 bits serve up to 255 clusters.
    wide: bool,
}

/// Sums of rows, by centroid.
#[derive(Clone, Default)]
struct Sums {
    steps: Vec<i128>,
    counts: Vec<i64>,
    weights: Vec<i64>,
}

/// A set as the inner loop wants it.
struct Set<'a> {
    centroids: &'a Centroids,
    /// Those that equal no earlier one; the others can never win.
    points: Points,
    /// Which centroid each point is.
    ids: Vec<u32>,
    certificate: Certificate,
    /// Where its sums start among all sets' sums, in centroids.
    offset: usize,
    labels: &'a Labels,
}

pub(super) fn lloyd(
    set: InstructionSet,
    matrix: &Matrix,
    sets: &[Centroids],
    want: bool,
    memories: &mut [Memory],
) -> Vec<Assigned> {
    let (n, d) = (matrix.rows(), matrix.features());
    let remember = !memories.is_empty();
    let mut lasts: Vec<Last> = sets
        .iter()
        .enumerate()
        .map(|(s, c)| {
            memories.get_mut(s).and_then(Memory::take).unwrap_or_else(|| Last::none(n, c, remember || want))
        })
        .collect();
    let mut total = 0;
    let prepared: Vec<Set> = sets
        .iter()
        .zip(&lasts)
        .map(|(centroids, last)| {
            let offset = total;
            total += centroids.k();
            Set::new(matrix, centroids, offset, &last.labels)
        })
        .collect();
    let (moved, undecided) = pass(set, matrix, &prepared, total);
    drop(prepared);

    let mut out = Vec::with_capacity(sets.len());
    let mut start = 0;
    for (s, (centroids, mut last)) in sets.iter().zip(lasts.drain(..)).enumerate() {
        let own = start..start + centroids.k();
        start = own.end;
        last.sums.add(&Sums {
            steps: moved.steps[own.start * d..own.end * d].to_vec(),
            counts: moved.counts[own.clone()].to_vec(),
            weights: moved.weights[own].to_vec(),
        });
        let whole = |values: &[i64]| values.iter().map(|&v| v as u64).collect();
        out.push(Assigned {
            sums: last.sums.steps.clone(),
            counts: whole(&last.sums.counts),
            weights: whole(&last.sums.weights),
            labels: want.then(|| last.labels.to_vec(n)),
            undecided: undecided[s],
        });
        if let Some(memory) = memories.get_mut(s) {
            memory.keep(last);
        }
    }
    out
}

/// One pass of all sets over all rows: what moved adds up to, and how many rows were not proved.
fn pass(set: InstructionSet, matrix: &Matrix, sets: &[Set], total: usize) -> (Sums, Vec<u64>) {
    let empty = || (Sums::zero(total, matrix.features()), vec![0; sets.len()]);
    // A few parts for each thread: parts cost a copy of the sums.
    let parts = matrix.rows().div_ceil(FLUSH);
    let least = parts.div_ceil(4 * rayon::current_num_threads());
    (0..parts)
        .into_par_iter()
        .with_min_len(least)
        .fold(empty, |(mut sums, mut undecided), p| {
            let rows = p * FLUSH..matrix.rows().min((p + 1) * FLUSH);
            set.run(Part { matrix, sets, rows, sums: &mut sums, undecided: &mut undecided });
            (sums, undecided)
        })
        .reduce(empty, |(mut sums, mut undecided), (more, others)| {
            sums.add(&more);
            undecided.iter_mut().zip(others).for_each(|(a, b)| *a += b);
            (sums, undecided)
        })
}

impl Last {
    fn none(rows: usize, centroids: &Centroids, labels: bool) -> Self {
        Last {
            labels: Labels::none(if labels { rows } else { 0 }, centroids.k()),
            sums: Sums::zero(centroids.k(), centroids.features),
        }
    }
}

impl Labels {
    fn none(rows: usize, k: usize) -> Self {
        let wide = k > usize::from(u8::MAX);
        let per_word = if wide { 2 } else { 8 };
        // Whole chunks are compared; past the end nothing ever moves.
        let words = rows.next_multiple_of(CHUNK) / per_word;
        Labels { words: (0..words).map(|_| AtomicU64::new(u64::MAX)).collect(), wide }
    }

    fn to_vec(&self, rows: usize) -> Vec<u32> {
        let mut out = Vec::with_capacity(rows + 8);
        for word in &self.words {
            let word = word.load(Relaxed);
            if self.wide {
                out.extend([word as u32, (word >> 32) as u32]);
            } else {
                out.extend(word.to_le_bytes().map(u32::from));
            }
        }
        out.truncate(rows);
        out
    }

    /// Puts in the labels of a chunk's rows; `moved(which of them, old, new)` hears of each that is new.
    #[inline(always)]
    fn replace(&self, start: usize, chosen: &[u32; CHUNK], mut moved: impl FnMut(usize, u32, u32)) {
        if self.words.is_empty() {
            for (r, &new) in chosen.iter().enumerate().filter(|(_, new)| **new != NONE) {
                moved(r, NONE, new);
            }
        } else if self.wide {
            for (at, (new, word)) in
                chosen.as_chunks::<2>().0.iter().zip(&self.words[start / 2..]).enumerate()
            {
                let packed = u64::from(new[0]) | u64::from(new[1]) << 32;
                let old = word.load(Relaxed);
                if packed != old {
                    word.store(packed, Relaxed);
                    for (r, (old, &new)) in [old as u32, (old >> 32) as u32].into_iter().zip(new).enumerate()
                    {
                        if old != new {
                            moved(at * 2 + r, old, new);
                        }
                    }
                }
            }
        } else {
            // NONE becomes 255, which is no label. All bytes first: that compiles to vectors.
            let mut bytes = [0u8; CHUNK];
            for (byte, &label) in bytes.iter_mut().zip(chosen) {
                *byte = label as u8;
            }
            for (at, (new, word)) in bytes.as_chunks::<8>().0.iter().zip(&self.words[start / 8..]).enumerate()
            {
                let old = word.load(Relaxed);
                let packed = u64::from_le_bytes(*new);
                if packed != old {
                    word.store(packed, Relaxed);
                    let mut different = packed ^ old;
                    while different != 0 {
                        let r = different.trailing_zeros() as usize / 8;
                        different &= !(0xff << (8 * r));
                        let old = (old >> (8 * r)) as u8;
                        let old = if old == u8::MAX { NONE } else { u32::from(old) };
                        moved(at * 8 + r, old, u32::from(new[r]));
                    }
                }
            }
        }
    }
}

impl Sums {
    fn zero(centroids: usize, features: usize) -> Self {
        Sums { steps: vec![0; centroids * features], counts: vec![0; centroids], weights: vec![0; centroids] }
    }

    fn add(&mut self, other: &Sums) {
        self.steps.iter_mut().zip(&other.steps).for_each(|(a, b)| *a += b);
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
        self.weights.iter_mut().zip(&other.weights).for_each(|(a, b)| *a += b);
    }
}

impl<'a> Set<'a> {
    fn new(matrix: &Matrix, centroids: &'a Centroids, offset: usize, labels: &'a Labels) -> Self {
        let first = centroids.first_of_equals();
        let ids: Vec<u32> = (0..centroids.k() as u32).filter(|&c| first[c as usize]).collect();
        let sent = ids.iter().map(|&c| centroids.get(c as usize).iter().copied());
        Set {
            centroids,
            points: Points::new(centroids.features, sent),
            certificate: Certificate::for_values(matrix, &centroids.values),
            ids,
            offset,
            labels,
        }
    }
}

/// A part of the rows for all sets.
struct Part<'a> {
    matrix: &'a Matrix,
    sets: &'a [Set<'a>],
    rows: Range<usize>,
    sums: &'a mut Sums,
    undecided: &'a mut [u64],
}

impl Kernel for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) {
        let Part { matrix, sets, rows, sums, undecided } = self;
        let d = matrix.features();
        let lanes = group_rows::<S, V>();
        let mut grid = GridSteps::new(matrix);
        let width = grid.width;
        let mut steps = vec![0i64; sums.counts.len() * width];
        for start in rows.clone().step_by(CHUNK) {
            let end = rows.end.min(start + CHUNK);
            grid.start(start);
            for (s, set) in sets.iter().enumerate() {
                let mut chosen = [NONE; CHUNK];
                for group in (start..end).step_by(lanes) {
                    let chosen = &mut chosen[group - start..][..lanes];
                    let alive = lanes.min(end - group);
                    undecided[s] += assign::<S, V>(simd, matrix, group, set, chosen, alive);
                    chosen[alive..].fill(NONE);
                }
                set.labels.replace(
                    start,
                    &chosen,
                    #[inline(always)]
                    |r, old, new| {
                        let row = grid.row(r);
                        let weight = matrix.weights().map_or(1, |w| i64::from(w[start + r]));
                        for (label, sign) in [(new, 1), (old, -1)] {
                            if label != NONE {
                                let label = set.offset + label as usize;
                                sums.counts[label] += sign;
                                sums.weights[label] += sign * weight;
                                add(&mut steps[label * width..][..width], row, sign * weight);
                            }
                        }
                    },
                );
            }
        }
        for (to, from) in sums.steps.chunks_exact_mut(d).zip(steps.chunks_exact(width)) {
            to.iter_mut().zip(from).for_each(|(to, &from)| *to += i128::from(from));
        }
    }
}

/// Adds a row's steps, times a weight; both are padded to whole vectors.
#[inline(always)]
fn add(to: &mut [i64], steps: &[i32], weight: i64) {
    let (to, steps) = (to.as_chunks_mut::<8>().0, steps.as_chunks::<8>().0);
    for (to, steps) in to.iter_mut().zip(steps) {
        match weight {
            1 => to.iter_mut().zip(steps).for_each(|(to, &q)| *to += i64::from(q)),
            -1 => to.iter_mut().zip(steps).for_each(|(to, &q)| *to -= i64::from(q)),
            _ => to.iter_mut().zip(steps).for_each(|(to, &q)| *to += i64::from(q) * weight),
        }
    }
}

/// A chunk's values as whole grid steps, row by row, each row when it first moves.
struct GridSteps<'a> {
    matrix: &'a Matrix,
    scales: Vec<f32>,
    /// A row's values, padded with zeros to whole vectors.
    width: usize,
    start: usize,
    steps: Vec<i32>,
    ready: [bool; CHUNK],
}

impl<'a> GridSteps<'a> {
    fn new(matrix: &'a Matrix) -> Self {
        let width = matrix.features().next_multiple_of(8);
        GridSteps {
            matrix,
            scales: (0..matrix.features()).map(|j| matrix.steps_per_unit(j)).collect(),
            width,
            start: 0,
            steps: vec![0; CHUNK * width],
            ready: [false; CHUNK],
        }
    }

    /// Goes on to the chunk that starts at row `start`.
    #[inline(always)]
    fn start(&mut self, start: usize) {
        self.start = start;
        self.ready = [false; CHUNK];
    }

    /// Row `r` of the chunk.
    #[inline(always)]
    fn row(&mut self, r: usize) -> &[i32] {
        let steps = &mut self.steps[r * self.width..][..self.width];
        if !self.ready[r] {
            self.ready[r] = true;
            let row = self.start + r;
            let tile = self.matrix.tile(row / TILE);
            for ((to, lanes), scale) in steps.iter_mut().zip(tile).zip(&self.scales) {
                *to = whole_number(lanes[row % TILE] * scale);
            }
        }
        steps
    }
}

/// `v as i32` for a whole number, in a form that compiles to vectors: adding `1.5 * 2^52` leaves it in the low bits.
#[inline(always)]
fn whole_number(v: f32) -> i32 {
    (f64::from(v) + 6_755_399_441_055_744.0).to_bits() as i32
}

/// Labels a group's rows: the f32 winners where they are proved. Returns how many of the `alive` rows were not.
#[inline(always)]
fn assign<S: Simd, const V: usize>(
    simd: S,
    matrix: &Matrix,
    group: usize,
    set: &Set,
    chosen: &mut [u32],
    alive: usize,
) -> u64 {
    let mut best = Best::<S, V>::new(simd);
    set.points.for_each(
        simd,
        Group::<V>::new::<S>(matrix, group),
        #[inline(always)]
        |p, distances| {
            best.offer(simd, set.ids[p], distances);
        },
    );
    store_u32::<S, V>(best.index, chosen);
    if best.proved(simd, &set.certificate) {
        return 0;
    }
    let (mut nearest, mut second) = ([0f32; MAX_GROUP], [0f32; MAX_GROUP]);
    store::<S, V>(best.best, &mut nearest);
    store::<S, V>(best.second, &mut second);
    decide(matrix, group, set, &nearest, &second, &mut chosen[..alive])
}

/// The canonical distance labels the rows whose filter proves nothing.
#[cold]
#[inline(never)]
fn decide(
    matrix: &Matrix,
    group: usize,
    set: &Set,
    nearest: &[f32],
    second: &[f32],
    chosen: &mut [u32],
) -> u64 {
    let mut undecided = 0;
    for (r, label) in chosen.iter_mut().enumerate() {
        if !set.certificate.holds(nearest[r], second[r]) {
            undecided += 1;
            *label = canonical::label(matrix, group + r, set.centroids).label;
        }
    }
    undecided
}
