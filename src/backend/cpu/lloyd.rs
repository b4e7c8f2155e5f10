//! CPU twin of `shaders/lloyd.wgsl`: many centroid sets past each tile of rows, integer sums.

use super::block::{Best, Group, InstructionSet, Kernel, MAX_GROUP, Points, group_rows, store, store_u32};
use crate::backend::Assigned;
use crate::canonical::{self, Centroids, Certificate};
use crate::matrix::{Matrix, TILE};
use pulp::Simd;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Rows whose whole-number values are laid out at once; they stay in the first-level cache for all sets.
const CHUNK: usize = 256;

/// Rows after which i64 partial sums go to i128: 2^31 steps x 2^16 weight steps x 2^13 rows < 2^63.
const FLUSH: usize = 8192;

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
}

/// What a part of the rows adds up to, for all sets.
#[derive(Clone)]
struct Partial {
    sums: Vec<i128>,
    counts: Vec<u64>,
    weights: Vec<u64>,
    undecided: Vec<u64>,
}

pub(super) fn lloyd(set: InstructionSet, matrix: &Matrix, sets: &[Centroids], labels: bool) -> Vec<Assigned> {
    let d = matrix.features();
    let mut total = 0;
    let prepared: Vec<Set> = sets
        .iter()
        .map(|centroids| {
            let ids: Vec<u32> = centroids
                .first_of_equals()
                .iter()
                .enumerate()
                .filter_map(|(c, first)| first.then_some(c as u32))
                .collect();
            let offset = total;
            total += centroids.k();
            Set {
                centroids,
                points: Points::new(d, ids.iter().map(|&c| centroids.get(c as usize).iter().copied())),
                ids,
                certificate: Certificate::for_values(matrix, &centroids.values),
                offset,
            }
        })
        .collect();
    let out: Vec<Vec<AtomicU32>> = if labels {
        sets.iter().map(|_| (0..matrix.rows()).map(|_| AtomicU32::new(0)).collect()).collect()
    } else {
        Vec::new()
    };
    let empty = Partial {
        sums: vec![0; total * d],
        counts: vec![0; total],
        weights: vec![0; if matrix.weights().is_some() { total } else { 0 }],
        undecided: vec![0; sets.len()],
    };
    // A few parts for each thread: parts cost a copy of the sums.
    let parts = matrix.rows().div_ceil(FLUSH);
    let least = parts.div_ceil(4 * rayon::current_num_threads());
    let sum = (0..parts)
        .into_par_iter()
        .with_min_len(least)
        .fold(
            || empty.clone(),
            |mut partial, p| {
                let rows = p * FLUSH..matrix.rows().min((p + 1) * FLUSH);
                set.run(Pass { matrix, sets: &prepared, labels: &out, rows, partial: &mut partial });
                partial
            },
        )
        .reduce(|| empty.clone(), Partial::add);

    let mut labels = out.into_iter().map(|l| l.into_iter().map(AtomicU32::into_inner).collect());
    prepared
        .iter()
        .zip(&sum.undecided)
        .map(|(s, &undecided)| {
            let own = s.offset..s.offset + s.centroids.k();
            let counts = sum.counts[own.clone()].to_vec();
            Assigned {
                sums: sum.sums[own.start * d..own.end * d].to_vec(),
                weights: sum.weights.get(own).map_or_else(|| counts.clone(), <[u64]>::to_vec),
                counts,
                labels: labels.next(),
                undecided,
            }
        })
        .collect()
}

impl Partial {
    fn add(mut self, other: Partial) -> Partial {
        fn each<T: Copy + std::ops::AddAssign>(to: &mut [T], from: &[T]) {
            to.iter_mut().zip(from).for_each(|(a, b)| *a += *b);
        }
        each(&mut self.sums, &other.sums);
        each(&mut self.counts, &other.counts);
        each(&mut self.weights, &other.weights);
        each(&mut self.undecided, &other.undecided);
        self
    }
}

/// One part of the rows for all sets.
struct Pass<'a> {
    matrix: &'a Matrix,
    sets: &'a [Set<'a>],
    labels: &'a [Vec<AtomicU32>],
    rows: Range<usize>,
    partial: &'a mut Partial,
}

impl Kernel for Pass<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) {
        let Pass { matrix, sets, labels, rows, partial } = self;
        let d = matrix.features();
        let mut sums = vec![0i64; partial.sums.len()];
        let mut steps = vec![0i32; CHUNK * d];
        let mut chosen = [0u32; CHUNK];
        for start in rows.clone().step_by(CHUNK) {
            let end = rows.end.min(start + CHUNK);
            whole_steps(matrix, start..end, &mut steps);
            for (s, set) in sets.iter().enumerate() {
                for group in (start..end).step_by(group_rows::<S, V>()) {
                    let chosen = &mut chosen[group - start..][..group_rows::<S, V>()];
                    let alive = (end - group).min(chosen.len());
                    partial.undecided[s] += assign::<S, V>(simd, matrix, group, set, &mut chosen[..], alive);
                }
                let sums = &mut sums[set.offset * d..][..set.centroids.k() * d];
                let counts = &mut partial.counts[set.offset..];
                for (r, (&label, steps)) in
                    chosen[..end - start].iter().zip(steps.chunks_exact(d)).enumerate()
                {
                    counts[label as usize] += 1;
                    let to = &mut sums[label as usize * d..][..d];
                    match matrix.weights() {
                        None => {
                            for (t, &q) in to.iter_mut().zip(steps) {
                                *t += i64::from(q);
                            }
                        }
                        Some(weights) => {
                            let w = weights[start + r];
                            partial.weights[set.offset + label as usize] += u64::from(w);
                            for (t, &q) in to.iter_mut().zip(steps) {
                                *t += i64::from(q) * i64::from(w);
                            }
                        }
                    }
                }
                if let Some(labels) = labels.get(s) {
                    for (to, &label) in labels[start..end].iter().zip(&chosen) {
                        to.store(label, Relaxed);
                    }
                }
            }
        }
        for (to, from) in partial.sums.iter_mut().zip(sums) {
            *to += i128::from(from);
        }
    }
}

/// The rows' values as whole grid steps, row by row.
#[inline(always)]
fn whole_steps(matrix: &Matrix, rows: Range<usize>, steps: &mut [i32]) {
    let d = matrix.features();
    for (t, steps) in (rows.start / TILE..rows.end.div_ceil(TILE)).zip(steps.chunks_mut(d * TILE)) {
        for (j, lanes) in matrix.tile(t).iter().enumerate() {
            let scale = matrix.steps_per_unit(j);
            for (lane, &v) in lanes.iter().enumerate() {
                steps[lane * d + j] = (v * scale) as i32;
            }
        }
    }
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
