//! CPU twin of `shaders/lloyd.wgsl`: each tile of rows is compared with many centroid sets, and the rows whose label has
//! changed are added up in whole numbers.
//!
//! Rows are compared by dot products with proven error bounds ([`DotProductBound`]). A set for which these leave too many
//! rows in doubt goes on with squared distances. A row in doubt gets its label by canonical distances.

mod labels;
mod sums;

use super::CpuRows;
use crate::backend::host::labels::CentroidTiles;
use crate::backend::simd::block::{Group, MAX_GROUP, Points, group_rows, store, store_u32};
use crate::backend::simd::{InstructionSet, Vectorized, multiply_add};
use crate::backend::{Assigned, LloydState};
use crate::canonical::{Centroids, Certificate, DotProductBound, DotProductError, Rounding};
use crate::matrix::Matrix;
use labels::Labels;
use pulp::Simd;
use rayon::prelude::*;
use std::ops::Range;
use sums::{Adder, Move, Sums, is_heavy};

/// So many rows are compared with all sets before the next rows: their tiles and grid steps stay in the first-level cache.
const CHUNK: usize = 256;

/// After so many rows the partial sums in i64 are added to the i128 sums, before they can overflow: 2^31 grid steps
/// x 2^16 weight steps x 2^13 rows < 2^63.
const FLUSH: usize = 8192;

/// The label of a row that was in no cluster.
const NONE: u32 = u32::MAX;

/// What the CPU remembers of a set's last pass.
struct SetState {
    labels: Labels,
    sums: Sums,
}

/// A set as the inner loop needs it.
struct Set<'a> {
    centroids: &'a Centroids,
    /// The centroids that equal no earlier one. The others can never be the nearest.
    points: Points,
    /// For each point the number of its centroid.
    ids: Vec<u32>,
    /// What the sums of the points' distances start from.
    zeros: Vec<f32>,
    certificate: Certificate,
    /// The centroids for the canonical distance.
    tiles: CentroidTiles,
    /// The points for dot products; none if f32 computes exact distances.
    dot_products: Option<DotProducts>,
    /// The number of its first centroid among the centroids of all sets.
    offset: usize,
    labels: &'a Labels,
}

pub(super) fn lloyd(
    rows: &CpuRows<'_>,
    sets: &[Centroids],
    want: bool,
    states: &mut [LloydState],
) -> Vec<Assigned> {
    let matrix = rows.matrix;
    let (n, d) = (matrix.rows(), matrix.features());
    let remember = !states.is_empty();
    let mut set_states: Vec<SetState> = sets
        .iter()
        .enumerate()
        .map(|(s, c)| {
            let kept = states.get_mut(s).and_then(|state| state.take(rows.id, c.k()));
            kept.unwrap_or_else(|| SetState::none(n, c, remember || want))
        })
        .collect();
    let mut total = 0;
    let prepared: Vec<Set> = sets
        .iter()
        .zip(&set_states)
        .map(|(centroids, last)| {
            let offset = total;
            total += centroids.k();
            Set::new(matrix, centroids, offset, &last.labels)
        })
        .collect();
    let (moved, f64_fallbacks) = pass(rows, &prepared, total);
    drop(prepared);

    let mut out = Vec::with_capacity(sets.len());
    let mut start = 0;
    for (s, (centroids, mut last)) in sets.iter().zip(set_states.drain(..)).enumerate() {
        let own = start..start + centroids.k();
        start = own.end;
        last.sums.add(&Sums {
            steps: moved.steps[own.start * d..own.end * d].to_vec(),
            counts: moved.counts[own.clone()].to_vec(),
            weights: moved.weights[own].to_vec(),
        });
        out.push(Assigned {
            sums: last.sums.steps.clone(),
            counts: last.sums.counts.iter().map(|&count| count as u64).collect(),
            weights: last.sums.weights.iter().map(|&weight| weight as u128).collect(),
            labels: want.then(|| last.labels.to_vec(n)),
            f64_fallbacks: f64_fallbacks[s],
        });
        if let Some(state) = states.get_mut(s) {
            state.keep(rows.id, centroids.k(), last);
        }
    }
    out
}

/// A set's points for dot products, with their sign turned.
struct DotProducts {
    negated: Points,
    /// What the sums start from.
    starts: Vec<f32>,
    error: DotProductError,
}

/// One pass of all sets over all rows. Returns what the rows with a new label add to the sums, and for each set how many
/// rows were in doubt.
fn pass(rows: &CpuRows<'_>, sets: &[Set], total: usize) -> (Sums, Vec<u64>) {
    let (set, matrix, norms): (InstructionSet, &Matrix, &[f32]) = (rows.set, rows.matrix, &rows.norms);
    let empty = || (Sums::zero(total, matrix.features()), vec![0; sets.len()]);
    // Only a few tasks for each thread, because every task needs its own copy of the sums.
    let heavy = is_heavy(matrix);
    let parts = matrix.rows().div_ceil(FLUSH);
    let least = parts.div_ceil(4 * rayon::current_num_threads());
    (0..parts)
        .into_par_iter()
        .with_min_len(least)
        .fold(empty, |(mut sums, mut f64_fallbacks), p| {
            let rows = p * FLUSH..matrix.rows().min((p + 1) * FLUSH);
            set.run(Part {
                matrix,
                norms,
                heavy,
                sets,
                rows,
                sums: &mut sums,
                f64_fallbacks: &mut f64_fallbacks,
            });
            (sums, f64_fallbacks)
        })
        .reduce(empty, |(mut sums, mut f64_fallbacks), (more, others)| {
            sums.add(&more);
            f64_fallbacks.iter_mut().zip(others).for_each(|(a, b)| *a += b);
            (sums, f64_fallbacks)
        })
}

impl SetState {
    fn none(rows: usize, centroids: &Centroids, labels: bool) -> Self {
        SetState {
            labels: Labels::none(if labels { rows } else { 0 }, centroids.k()),
            sums: Sums::zero(centroids.k(), centroids.features),
        }
    }
}

impl<'a> Set<'a> {
    fn new(matrix: &Matrix, centroids: &'a Centroids, offset: usize, labels: &'a Labels) -> Self {
        let first = centroids.first_of_equals();
        let ids: Vec<u32> = (0..centroids.k() as u32).filter(|&c| first[c as usize]).collect();
        let sent = || ids.iter().map(|&c| centroids.get(c as usize).iter().copied());
        let certificate = Certificate::for_values(matrix, &centroids.values);
        let bound = DotProductBound::new(centroids.features, Rounding::Nearest);
        Set {
            centroids,
            points: Points::new(centroids.features, sent()),
            dot_products: (certificate != Certificate::exact()).then(|| {
                let terms: Vec<_> = sent().map(|c| bound.point(c)).collect();
                DotProducts {
                    negated: Points::new(centroids.features, sent().map(|c| c.map(|v| -v))),
                    starts: terms.iter().map(|t| t.start).collect(),
                    error: bound.error(terms.iter().fold(0.0, |largest, t| t.radius.max(largest))),
                }
            }),
            certificate,
            zeros: vec![0.0; ids.len()],
            tiles: CentroidTiles::new(centroids),
            ids,
            offset,
            labels,
        }
    }
}

/// A part of the rows, for all sets.
struct Part<'a> {
    matrix: &'a Matrix,
    norms: &'a [f32],
    heavy: bool,
    sets: &'a [Set<'a>],
    rows: Range<usize>,
    sums: &'a mut Sums,
    f64_fallbacks: &'a mut [u64],
}

impl Vectorized for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) {
        let Part { matrix, norms, heavy, sets, rows, sums, f64_fallbacks } = self;
        let lanes = group_rows::<S, V>();
        let mut adder = Adder::new(matrix, sums.counts.len(), heavy);
        let mut doubts = vec![0; sets.len()];
        let mut moves = [Move::default(); CHUNK];
        for start in rows.clone().step_by(CHUNK) {
            let end = rows.end.min(start + CHUNK);
            adder.start(start);
            for (s, set) in sets.iter().enumerate() {
                let mut chosen = [NONE; CHUNK];
                for group in (start..end).step_by(lanes) {
                    let chosen = &mut chosen[group - start..][..lanes];
                    let alive = lanes.min(end - group);
                    let limits = match &set.dot_products {
                        Some(dot_products) if doubts[s] * MOST_DOUBTS < rows_before(&rows, group) => {
                            by_dot_product::<S, V>(
                                simd,
                                matrix,
                                &norms[group..],
                                group,
                                set,
                                dot_products,
                                chosen,
                            )
                        }
                        _ => by_distance::<S, V>(simd, matrix, group, set, chosen),
                    };
                    let doubtful = decide::<S, V>(simd, matrix, group, set, limits, &mut chosen[..alive]);
                    doubts[s] += doubtful;
                    f64_fallbacks[s] += doubtful as u64;
                    chosen[alive..].fill(NONE);
                }
                let mut count = 0;
                set.labels.replace(
                    start,
                    &chosen,
                    #[inline(always)]
                    |row, from, to| {
                        moves[count] = Move { row: row as u8, from, to };
                        count += 1;
                    },
                );
                if count > 0 {
                    adder.add(&moves[..count], set.offset, set.centroids.k(), sums);
                }
            }
        }
        adder.finish(sums);
    }
}

/// If more than one row in this many is in doubt, dot products cost more than they save.
const MOST_DOUBTS: usize = 32;

/// How many rows of a part are done, plus some, so that a few doubtful rows at the start do not decide.
fn rows_before(part: &Range<usize>, group: usize) -> usize {
    group - part.start + 16 * MOST_DOUBTS
}

/// For each row of a group the smallest value that the runner-up can have, and the largest that the best can have. The best
/// is proved if the first is above the second.
struct Limits<S: Simd, const V: usize> {
    second: [S::f32s; V],
    best: [S::f32s; V],
}

/// The nearest centroids of a group's rows by dot products.
#[inline(always)]
fn by_dot_product<S: Simd, const V: usize>(
    simd: S,
    matrix: &Matrix,
    norms: &[f32],
    group: usize,
    set: &Set,
    dot_products: &DotProducts,
    chosen: &mut [u32],
) -> Limits<S, V> {
    let rows = Group::<V>::new(matrix, group);
    let found = dot_products.negated.two_smallest::<S, V, true>(simd, rows, &dot_products.starts, &set.ids);
    store_u32::<S, V>(found.id, chosen);
    let DotProductError { quadratic, linear, constant } = dot_products.error;
    let mut limits = Limits { second: found.second, best: found.first };
    let norms: &[S::f32s; V] =
        S::as_simd_f32s(norms).0.first_chunk().expect("norms are padded to whole groups");
    for ((best, &first), &norm) in limits.best.iter_mut().zip(&found.first).zip(norms) {
        let slope = multiply_add(simd, norm, simd.splat_f32s(quadratic), simd.splat_f32s(linear));
        let error = multiply_add(simd, norm, slope, simd.splat_f32s(constant));
        *best = simd.add_f32s(first, error);
    }
    limits
}

/// The nearest centroids of a group's rows by squared distances.
#[inline(always)]
fn by_distance<S: Simd, const V: usize>(
    simd: S,
    matrix: &Matrix,
    group: usize,
    set: &Set,
    chosen: &mut [u32],
) -> Limits<S, V> {
    let rows = Group::<V>::new(matrix, group);
    let found = set.points.two_smallest::<S, V, false>(simd, rows, &set.zeros, &set.ids);
    store_u32::<S, V>(found.id, chosen);
    let Certificate { low, high, slack } = set.certificate;
    let mut limits = Limits { second: found.second, best: found.first };
    for v in 0..V {
        limits.second[v] = multiply_add(simd, found.second[v], simd.splat_f32s(low), simd.splat_f32s(-slack));
        limits.best[v] = multiply_add(simd, found.first[v], simd.splat_f32s(high), simd.splat_f32s(slack));
    }
    limits
}

/// Labels the rows that are in doubt by canonical distances, and returns how many they are.
#[inline(always)]
fn decide<S: Simd, const V: usize>(
    simd: S,
    matrix: &Matrix,
    group: usize,
    set: &Set,
    limits: Limits<S, V>,
    chosen: &mut [u32],
) -> usize {
    let mut proved = true;
    for v in 0..V {
        let doubtful = simd.less_than_or_equal_f32s(limits.second[v], limits.best[v]);
        proved &= simd.first_true_m32s(doubtful) == S::F32_LANES;
    }
    if proved {
        return 0;
    }
    let (mut second, mut best) = ([0f32; MAX_GROUP], [0f32; MAX_GROUP]);
    store::<S, V>(limits.second, &mut second);
    store::<S, V>(limits.best, &mut best);
    let mut doubtful = 0;
    for (r, label) in chosen.iter_mut().enumerate().filter(|(r, _)| second[*r] <= best[*r]) {
        doubtful += 1;
        *label = set.tiles.label(matrix, group + r);
    }
    doubtful
}
