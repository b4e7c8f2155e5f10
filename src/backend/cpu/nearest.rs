//! CPU twin of `shaders/nearest.wgsl`: each query's nearest reference row.

use super::block::{Best, Group, InstructionSet, Kernel, Points, group_rows, store, store_u32};
use crate::backend::{Metric, Neighbour, Rule};
use crate::canonical::{self, Certificate};
use crate::matrix::Matrix;
use pulp::Simd;
use rayon::prelude::*;
use std::ops::Range;

/// Queries that go past the reference rows together.
const QUERIES: usize = 64;

/// Bytes of reference rows that stay in the second-level cache while all queries of a batch pass.
const CHUNK_BYTES: usize = 512 << 10;

pub(super) fn nearest(
    set: InstructionSet,
    matrix: &Matrix,
    queries: &Matrix,
    rule: Rule<'_>,
    metric: Metric,
) -> Vec<Neighbour> {
    let certificate = Certificate::for_values(matrix, queries.values());
    let batches = queries.rows().div_ceil(QUERIES);
    let mut filtered: Vec<Filtered> = (0..batches)
        .into_par_iter()
        .flat_map_iter(|b| {
            let batch = b * QUERIES..queries.rows().min((b + 1) * QUERIES);
            set.run(Filter { matrix, queries, batch, rule })
        })
        .collect();
    filtered.par_iter_mut().enumerate().for_each(|(q, found)| {
        if !certificate.holds(found.best, found.second) {
            let query: Vec<f32> = queries.row(q).collect();
            let most = found.best * certificate.high + certificate.slack;
            found.row =
                set.run(Decide { matrix, query: &query, excluded: own_row(rule, q), certificate, most });
        }
    });
    filtered.iter().enumerate().map(|(q, f)| neighbour(matrix, queries, q, f.row, metric)).collect()
}

/// The neighbour `row` of query `q`, with its canonical distance.
pub(crate) fn neighbour(matrix: &Matrix, queries: &Matrix, q: usize, row: u32, metric: Metric) -> Neighbour {
    let reference: Vec<f32> = matrix.row(row as usize).collect();
    let squared = canonical::squared_distance(queries.row(q), &reference);
    let distance = match metric {
        Metric::Euclidean => matrix.to_user(squared.sqrt()),
        Metric::SqEuclidean => matrix.to_user(matrix.to_user(squared)),
    };
    Neighbour { row, distance }
}

/// The reference row that does not count for query `q`.
fn own_row(rule: Rule<'_>, q: usize) -> Option<usize> {
    match rule {
        Rule::Any => None,
        Rule::ExcludeSelf(rows) => Some(rows[q] as usize),
    }
}

/// The canonical nearest row of one query, on the CPU whatever the device: what a filter could not prove.
/// `best` is the filter's least squared distance.
#[cfg(feature = "gpu")]
pub(crate) fn decide(
    matrix: &Matrix,
    queries: &Matrix,
    rule: Rule<'_>,
    q: usize,
    best: f32,
    certificate: Certificate,
) -> u32 {
    let query: Vec<f32> = queries.row(q).collect();
    let most = best * certificate.high + certificate.slack;
    InstructionSet::detect().run(Decide {
        matrix,
        query: &query,
        excluded: own_row(rule, q),
        certificate,
        most,
    })
}

/// What the filter found for a query: the winner and the two least squared distances.
#[derive(Clone, Copy)]
struct Filtered {
    row: u32,
    best: f32,
    second: f32,
}

/// A batch of queries against all reference rows.
struct Filter<'a> {
    matrix: &'a Matrix,
    queries: &'a Matrix,
    batch: Range<usize>,
    rule: Rule<'a>,
}

impl Kernel for Filter<'_> {
    type Output = Vec<Filtered>;

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) -> Vec<Filtered> {
        let Filter { matrix, queries, batch, rule } = self;
        let points = Points::new(matrix.features(), batch.clone().map(|q| queries.row(q)));
        let mut states = vec![Best::<S, V>::new(simd); points.len()];
        let rows = group_rows::<S, V>();
        let groups = matrix.rows().div_ceil(rows);
        let chunk = (CHUNK_BYTES / (rows * matrix.features() * 4)).max(1);
        for first in (0..groups).step_by(chunk) {
            for g in first..groups.min(first + chunk) {
                let start = g * rows;
                points.for_each(
                    simd,
                    Group::<V>::new(matrix, start),
                    #[inline(always)]
                    |p, mut distances| {
                        leave_out::<S, V>(
                            start,
                            matrix.rows(),
                            own_row(rule, batch.start + p),
                            &mut distances,
                        );
                        states[p].offer(simd, g as u32, distances);
                    },
                );
            }
        }
        states.iter().map(reduce).collect()
    }
}

/// Puts rows that do not count (past the end, or the query itself) out of reach.
#[inline(always)]
fn leave_out<S: Simd, const V: usize>(
    start: usize,
    rows: usize,
    own: Option<usize>,
    distances: &mut [S::f32s; V],
) {
    let lanes = group_rows::<S, V>();
    let own = own.filter(|o| (start..start + lanes).contains(o));
    if own.is_some() || start + lanes > rows {
        let lanes: &mut [f32] = bytemuck::cast_slice_mut(distances);
        for (row, lane) in (start..).zip(lanes) {
            if row >= rows || own == Some(row) {
                *lane = f32::MAX;
            }
        }
    }
}

/// The winner among a state's lanes.
#[inline(always)]
fn reduce<S: Simd, const V: usize>(state: &Best<S, V>) -> Filtered {
    let rows = group_rows::<S, V>();
    let (mut best, mut second, mut index) = ([0f32; 64], [0f32; 64], [0u32; 64]);
    store::<S, V>(state.best, &mut best);
    store::<S, V>(state.second, &mut second);
    store_u32::<S, V>(state.index, &mut index);
    let mut out = Filtered { row: u32::MAX, best: f32::MAX, second: f32::MAX };
    for lane in 0..rows {
        let row = index[lane] * rows as u32 + lane as u32;
        if best[lane] < out.best || (best[lane] == out.best && row < out.row) {
            out = Filtered { row, best: best[lane], second: out.best.min(out.second) };
        } else {
            out.second = out.second.min(best[lane]);
        }
        out.second = out.second.min(second[lane]);
    }
    out
}

/// All rows that could be a query's nearest, held against each other canonically.
struct Decide<'a> {
    matrix: &'a Matrix,
    query: &'a [f32],
    excluded: Option<usize>,
    certificate: Certificate,
    /// A row whose squared distance is provably above this is not the nearest.
    most: f32,
}

impl Kernel for Decide<'_> {
    type Output = u32;

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) -> u32 {
        let Decide { matrix, query, excluded, certificate, most } = self;
        let points = Points::new(matrix.features(), std::iter::once(query.iter().copied()));
        let lanes = group_rows::<S, V>();
        let mut squared = [0f32; 64];
        let mut nearest = canonical::Nearest { label: 0, best: f64::INFINITY, second: f64::INFINITY };
        let (low, most_v) = (simd.splat_f32s(certificate.low), simd.splat_f32s(most));
        let minus = simd.splat_f32s(-certificate.slack);
        for start in (0..matrix.rows()).step_by(lanes) {
            let mut any = false;
            points.for_each(
                simd,
                Group::<V>::new(matrix, start),
                #[inline(always)]
                |_, mut distances| {
                    leave_out::<S, V>(start, matrix.rows(), excluded, &mut distances);
                    for distance in distances {
                        let least = simd.mul_add_e_f32s(distance, low, minus);
                        let possible = simd.less_than_or_equal_f32s(least, most_v);
                        any |= simd.first_true_m32s(possible) < S::F32_LANES;
                    }
                    store::<S, V>(distances, &mut squared);
                },
            );
            // Nearly all groups end here.
            if !any {
                continue;
            }
            for (lane, &s) in squared[..lanes].iter().enumerate() {
                let possible = s * certificate.low - certificate.slack <= most;
                if possible && s < f32::MAX {
                    let row = start + lane;
                    nearest.offer(row as u32, canonical::squared_distance(matrix.row(row), query));
                }
            }
        }
        nearest.label
    }
}
