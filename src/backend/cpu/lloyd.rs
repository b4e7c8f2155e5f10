//! CPU twin of `shaders/lloyd.wgsl`: many centroid sets past each tile of rows, whole-number sums of rows that moved.
//!
//! Rows are held to `|c|^2 / 2 - x.c` with an error bound a centroid ([`DotProductBound`]), or to the squared distances where
//! that leaves too many in doubt; a row in doubt is held to the canonical distances.

mod labels;
mod sums;

use super::CpuRows;
use super::block::{
    Best, Group, InstructionSet, Kernel, MAX_GROUP, Points, group_rows, multiply_add, store, store_u32,
};
use crate::backend::{Assigned, LloydState};
use crate::canonical::{Centroids, Certificate, DotProductBound, DotProductTerms, Rounding};
use crate::matrix::{Matrix, TILE};
use labels::Labels;
use pulp::Simd;
use rayon::prelude::*;
use std::ops::Range;
use sums::{Adder, Move, Sums, is_heavy};

/// Rows that all sets pass before the next ones: their tiles and grid steps stay in the first-level cache.
const CHUNK: usize = 256;

/// Rows after which i64 partial sums go to i128: 2^31 grid steps x 2^16 weight steps x 2^13 rows < 2^63.
const FLUSH: usize = 8192;

/// A row that was in no cluster.
const NONE: u32 = u32::MAX;

/// What the CPU remembers of a set's last pass.
struct Last {
    labels: Labels,
    sums: Sums,
}

/// A set as the inner loop wants it.
struct Set<'a> {
    centroids: &'a Centroids,
    /// Those that equal no earlier one; the others can never win.
    points: Points,
    /// Which centroid each point is.
    ids: Vec<u32>,
    certificate: Certificate,
    /// Feature by feature 16 centroids, as the canonical distance wants them; infinite where there is none.
    tiles: Vec<[f64; TILE]>,
    /// The points as the product form wants them; none where f32 is exact.
    product: Option<Product>,
    /// Where its sums start among all sets' sums, in centroids.
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
    let mut lasts: Vec<Last> = sets
        .iter()
        .enumerate()
        .map(|(s, c)| {
            let kept = states.get_mut(s).and_then(|state| state.take(rows.id, c.k()));
            kept.unwrap_or_else(|| Last::none(n, c, remember || want))
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
    let (moved, f64_fallbacks) = pass(rows, &prepared, total);
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

/// A set's points, negated, for the product form.
struct Product {
    form: DotProductBound,
    negated: Points,
    terms: Vec<DotProductTerms>,
}

/// One pass of all sets over all rows: what moved adds up to, and how many rows were not proved.
fn pass(rows: &CpuRows<'_>, sets: &[Set], total: usize) -> (Sums, Vec<u64>) {
    let (set, matrix, norms): (InstructionSet, &Matrix, &[f32]) = (rows.set, rows.matrix, &rows.norms);
    let empty = || (Sums::zero(total, matrix.features()), vec![0; sets.len()]);
    // A few parts for each thread: parts cost a copy of the sums.
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

impl Last {
    fn none(rows: usize, centroids: &Centroids, labels: bool) -> Self {
        Last {
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
        let form = DotProductBound::new(centroids.features, Rounding::Nearest);
        Set {
            centroids,
            points: Points::new(centroids.features, sent()),
            product: (certificate != Certificate::exact()).then(|| Product {
                form,
                negated: Points::new(centroids.features, sent().map(|c| c.map(|v| -v))),
                terms: sent().map(|c| form.point(c)).collect(),
            }),
            certificate,
            tiles: (0..centroids.k().div_ceil(TILE))
                .flat_map(|t| (0..centroids.features).map(move |j| (t, j)))
                .map(|(t, j)| {
                    let value = |c| centroids.values.get(c * centroids.features + j).copied();
                    std::array::from_fn(|i| value(t * TILE + i).map_or(f64::INFINITY, f64::from))
                })
                .collect(),
            ids,
            offset,
            labels,
        }
    }
}

/// A part of the rows for all sets.
struct Part<'a> {
    matrix: &'a Matrix,
    norms: &'a [f32],
    heavy: bool,
    sets: &'a [Set<'a>],
    rows: Range<usize>,
    sums: &'a mut Sums,
    f64_fallbacks: &'a mut [u64],
}

impl Kernel for Part<'_> {
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
                    let limits = match &set.product {
                        Some(product) if doubts[s] * MOST_DOUBTS < rows_before(&rows, group) => {
                            by_product::<S, V>(simd, matrix, &norms[group..], group, set, product, chosen)
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

/// Where more than one row in this many is in doubt, the product form costs more than it saves.
const MOST_DOUBTS: usize = 32;

/// The rows of a part that are done, and some for a start.
fn rows_before(part: &Range<usize>, group: usize) -> usize {
    group - part.start + 16 * MOST_DOUBTS
}

/// For each of a group's rows the runner-up's least value and the winner's largest: the winner is proved where the
/// first is above the second.
struct Limits<S: Simd, const V: usize> {
    second: [S::f32s; V],
    best: [S::f32s; V],
}

/// The winners of a group's rows by the product form.
#[inline(always)]
fn by_product<S: Simd, const V: usize>(
    simd: S,
    matrix: &Matrix,
    row_norms: &[f32],
    group: usize,
    set: &Set,
    product: &Product,
    chosen: &mut [u32],
) -> Limits<S, V> {
    let mut norms = [simd.splat_f32s(0.0); V];
    norms.copy_from_slice(&S::as_simd_f32s(row_norms).0[..V]);
    let mut best = Best::<S, V>::new(simd);
    let mut radius = norms;
    product.negated.for_each_product(
        simd,
        Group::<V>::new(matrix, group),
        #[inline(always)]
        |p| [simd.splat_f32s(product.terms[p].start); V],
        #[inline(always)]
        |p, mut bounds| {
            let slope = simd.splat_f32s(product.terms[p].slope);
            for v in 0..V {
                bounds[v] = multiply_add(simd, norms[v], slope, bounds[v]);
            }
            let closer = best.offer(simd, set.ids[p], bounds);
            for v in 0..V {
                let own = simd.splat_f32s(product.terms[p].radius);
                radius[v] = simd.select_f32s(closer[v], own, radius[v]);
            }
        },
    );
    store_u32::<S, V>(best.index, chosen);
    let (width, slack) = (simd.splat_f32s(product.form.width), simd.splat_f32s(product.form.slack));
    let (tiny, half) = (simd.splat_f32s(1.0 / (1 << 20) as f32), simd.splat_f32s(0.5));
    let mut limits = Limits { second: best.second, best: best.best };
    for v in 0..V {
        // best + width * (norm * radius + radius^2 / 2 + norm^2 / 2^20) + slack
        let mixed = simd.mul_f32s(norms[v], multiply_add(simd, norms[v], tiny, radius[v]));
        let error = multiply_add(simd, simd.mul_f32s(radius[v], half), radius[v], mixed);
        limits.best[v] = multiply_add(simd, width, error, simd.add_f32s(best.best[v], slack));
    }
    limits
}

/// The winners of a group's rows by the squared distances.
#[inline(always)]
fn by_distance<S: Simd, const V: usize>(
    simd: S,
    matrix: &Matrix,
    group: usize,
    set: &Set,
    chosen: &mut [u32],
) -> Limits<S, V> {
    let mut best = Best::<S, V>::new(simd);
    set.points.for_each(
        simd,
        Group::<V>::new(matrix, group),
        #[inline(always)]
        |p, distances| {
            best.offer(simd, set.ids[p], distances);
        },
    );
    store_u32::<S, V>(best.index, chosen);
    let Certificate { low, high, slack } = set.certificate;
    let mut limits = Limits { second: best.second, best: best.best };
    for v in 0..V {
        limits.second[v] = multiply_add(simd, best.second[v], simd.splat_f32s(low), simd.splat_f32s(-slack));
        limits.best[v] = multiply_add(simd, best.best[v], simd.splat_f32s(high), simd.splat_f32s(slack));
    }
    limits
}

/// Labels the rows that are not proved by the canonical distance; says how many.
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
    let d = matrix.features();
    let mut doubtful = 0;
    for (r, label) in chosen.iter_mut().enumerate().filter(|(r, _)| second[*r] <= best[*r]) {
        doubtful += 1;
        let mut nearest = f64::INFINITY;
        for (t, tile) in set.tiles.chunks_exact(d).enumerate() {
            let mut squared = [0f64; TILE];
            for (lanes, x) in tile.iter().zip(matrix.row(group + r)) {
                for (sum, &c) in squared.iter_mut().zip(lanes) {
                    let difference = f64::from(x) - c;
                    *sum += difference * difference;
                }
            }
            for (c, squared) in squared.into_iter().enumerate() {
                if squared < nearest {
                    nearest = squared;
                    *label = (t * TILE + c) as u32;
                }
            }
        }
    }
    doubtful
}
