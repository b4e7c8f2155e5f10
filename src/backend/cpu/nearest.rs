//! CPU twin of `shaders/nearest.wgsl`: each query's nearest reference row.
//!
//! For each query and block of rows a lower bound of `|y|^2 / 2 - q.y` over the block's rows `y` ([`DotProductBound`]), one
//! multiply-add a feature. The canonical search then goes through the few blocks that may hold the nearest.

use super::CpuRows;
use super::block::{Group, InstructionSet, Kernel, Points, group_rows, multiply_add, store};
use crate::backend::{Metric, Neighbour, SelfMatches};
use crate::canonical::{self, Certificate, DotProductBound, Nearest, Rounding};
use crate::matrix::Matrix;
use pulp::Simd;
use rayon::prelude::*;
use std::ops::Range;

/// Queries that go past a group of rows together: their packs stay in the first-level cache.
const QUERIES: usize = 256;

/// Queries whose bounds are kept at once.
const KEPT: usize = 8192;

/// Queries whose blocks one thread searches in one go.
const TOGETHER: usize = 16;

/// Least rows of a block, and the most blocks: a query searches one or two blocks row by row.
const ROWS: usize = 256;
const BLOCKS: usize = 1024;

/// Blocks of a task: their rows stay in the second-level cache while all queries pass.
const TASK: usize = 8;

pub(super) fn nearest(
    resident: &CpuRows<'_>,
    queries: &Matrix,
    self_matches: SelfMatches<'_>,
    metric: Metric,
) -> Vec<Neighbour> {
    let (set, matrix) = (resident.set, resident.matrix);
    let bounds = Bounds::new(matrix, queries);
    let rows = matrix.rows().div_ceil(BLOCKS).next_multiple_of(ROWS);
    let blocks = matrix.rows().div_ceil(rows);
    let mut out = Vec::with_capacity(queries.rows());
    for first in (0..queries.rows()).step_by(KEPT) {
        let count = KEPT.min(queries.rows() - first);
        let batches: Vec<Batch> = (first..first + count)
            .step_by(QUERIES)
            .map(|q| Batch::new(&bounds, queries, first, q..(q + QUERIES).min(first + count)))
            .collect();
        // Block after block, a bound for each query.
        let mut least = vec![0f32; blocks * count];
        least.par_chunks_mut(TASK * count).enumerate().for_each(|(t, least)| {
            set.run(Filter {
                matrix,
                norms: &resident.norms,
                bounds: &bounds,
                batches: &batches,
                first: t * TASK * rows,
                rows,
                least,
            });
        });
        let found = (first..first + count).into_par_iter().step_by(TOGETHER).flat_map_iter(|few| {
            let few = few..(first + count).min(few + TOGETHER);
            // A line of the cache holds the bounds of these queries for one block: each is read once.
            let mut own = vec![0f32; few.len() * blocks];
            for (b, least) in least.chunks_exact(count).enumerate() {
                for (i, &least) in least[few.start - first..][..few.len()].iter().enumerate() {
                    own[i * blocks + b] = least;
                }
            }
            let bounds = &bounds;
            few.enumerate().map(move |(i, q)| {
                let query: Vec<f32> = queries.row(q).collect();
                let least = &own[i * blocks..][..blocks];
                let row = search(set, matrix, &query, own_row(self_matches, q), bounds, rows, least);
                neighbour(matrix, queries, q, row, metric)
            })
        });
        out.par_extend(found);
    }
    out
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
fn own_row(self_matches: SelfMatches<'_>, q: usize) -> Option<usize> {
    match self_matches {
        SelfMatches::Include => None,
        SelfMatches::Exclude(rows) => Some(rows[q] as usize),
    }
}

/// The canonical nearest row of one query, whatever a filter made of it.
#[cfg(feature = "gpu")]
pub(crate) fn decide(matrix: &Matrix, queries: &Matrix, self_matches: SelfMatches<'_>, q: usize) -> u32 {
    let query: Vec<f32> = queries.row(q).collect();
    let search = Search { matrix, query: &query, rows: 0..matrix.rows(), own: own_row(self_matches, q) };
    InstructionSet::detect().run(search).label
}

/// How a product is turned into a lower bound.
struct Bounds {
    form: DotProductBound,
    /// Whether f32 makes no error here.
    exact: bool,
    /// A row's squared norm, in f32, times this is at most half of it, less its share of the error.
    half: f32,
}

impl Bounds {
    fn new(matrix: &Matrix, queries: &Matrix) -> Self {
        let form = DotProductBound::new(matrix.features(), Rounding::Nearest);
        let exact = Certificate::for_values(matrix, queries.values()) == Certificate::exact();
        let half = if exact { 0.5 } else { (0.5 - 1.5 * form.gamma) as f32 };
        Bounds { form, exact, half }
    }

    /// What is taken off for each unit of a row's norm.
    fn slope(&self, query: impl Iterator<Item = f32>) -> f32 {
        if self.exact { 0.0 } else { self.form.point(query).slope }
    }

    /// A lower bound of the canonical distances of a query of this squared norm to a block's rows.
    fn distance(&self, squared_norm: f64, bound: f32) -> f64 {
        let squared = squared_norm + 2.0 * f64::from(bound);
        if self.exact {
            return squared;
        }
        // The f64 roundings, here and in the canonical distance.
        let error = self.form.gamma * libm::ldexp(1.0, -24);
        squared - error * (squared_norm + squared.abs()) - 3.0 * f64::from(self.form.slack)
    }
}

/// Queries that go past the rows together.
struct Batch {
    /// Among the queries that are kept.
    first: usize,
    negated: Points,
    slopes: Vec<f32>,
}

impl Batch {
    fn new(bounds: &Bounds, queries: &Matrix, kept: usize, own: Range<usize>) -> Self {
        Batch {
            first: own.start - kept,
            negated: Points::new(queries.features(), own.clone().map(|q| queries.row(q).map(|v| -v))),
            slopes: own.map(|q| bounds.slope(queries.row(q))).collect(),
        }
    }
}

/// A few blocks of rows past all queries that are kept.
struct Filter<'a> {
    matrix: &'a Matrix,
    norms: &'a [f32],
    bounds: &'a Bounds,
    batches: &'a [Batch],
    /// First row, and rows of a block.
    first: usize,
    rows: usize,
    /// Block after block, a bound for each query.
    least: &'a mut [f32],
}

impl Kernel for Filter<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) {
        let Filter { matrix, norms: row_norms, bounds, batches, first, rows, least } = self;
        let kept = batches.iter().map(|b| b.slopes.len()).sum();
        let mut state = [simd.splat_f32s(f32::MAX); QUERIES];
        for batch in batches {
            let count = batch.slopes.len();
            for (b, least) in least.chunks_exact_mut(kept).enumerate() {
                let start = first + b * rows;
                state[..count].fill(simd.splat_f32s(f32::MAX));
                for start in (start..matrix.rows().min(start + rows)).step_by(group_rows::<S, V>()) {
                    let group = Group::<V>::new(matrix, start);
                    let mut norms = [simd.splat_f32s(0.0); V];
                    norms.copy_from_slice(&S::as_simd_f32s(&row_norms[start..]).0[..V]);
                    let mut halves = group.squared_norms(simd);
                    for half in &mut halves {
                        *half = simd.mul_f32s(*half, simd.splat_f32s(bounds.half));
                    }
                    batch.negated.for_each_product(
                        simd,
                        group,
                        #[inline(always)]
                        |_| halves,
                        #[inline(always)]
                        |q, sums| {
                            let slope = simd.splat_f32s(batch.slopes[q]);
                            let mut least = state[q];
                            for v in 0..V {
                                least = simd.min_f32s(least, multiply_add(simd, norms[v], slope, sums[v]));
                            }
                            state[q] = least;
                        },
                    );
                }
                for (to, &state) in least[batch.first..].iter_mut().zip(&state[..count]) {
                    *to = simd.reduce_min_f32s(state);
                }
            }
        }
    }
}

/// The canonical nearest row of query `q`: `least` is a bound for each block of `rows` rows.
fn search(
    set: InstructionSet,
    matrix: &Matrix,
    query: &[f32],
    own: Option<usize>,
    bounds: &Bounds,
    rows: usize,
    least: &[f32],
) -> u32 {
    let squared_norm = query.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
    let look = |block: usize, nearest: &mut Nearest| {
        let rows = block * rows..matrix.rows().min((block + 1) * rows);
        let found = set.run(Search { matrix, query, rows, own });
        if found.best < nearest.best || (found.best == nearest.best && found.label < nearest.label) {
            *nearest = found;
        }
    };
    let mut nearest = Nearest::none();
    let first = least.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(block, _)| block);
    look(first, &mut nearest);
    for (block, &bound) in least.iter().enumerate() {
        let bound = bounds.distance(squared_norm, bound);
        // Of equals the lowest row is wanted, so an earlier block may still matter.
        let later = block * rows > nearest.label as usize;
        let hopeless = bound > nearest.best || (later && (bound == nearest.best || nearest.best == 0.0));
        if block != first && !hopeless {
            look(block, &mut nearest);
        }
    }
    nearest.label
}

/// The canonical nearest of some rows, the lowest of equals.
struct Search<'a> {
    matrix: &'a Matrix,
    query: &'a [f32],
    rows: Range<usize>,
    /// A row that does not count.
    own: Option<usize>,
}

impl Kernel for Search<'_> {
    type Output = Nearest;

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) -> Nearest {
        let Search { matrix, query, rows, own } = self;
        let certificate = Certificate::new(matrix.features());
        let mut nearest = Nearest::none();
        let mut squared = [f32::MAX; ROWS];
        for start in rows.clone().step_by(ROWS) {
            let piece = start..rows.end.min(start + ROWS);
            let lanes = group_rows::<S, V>();
            for (start, to) in piece.clone().step_by(lanes).zip(squared.chunks_exact_mut(lanes)) {
                store::<S, V>(Group::<V>::new(matrix, start).distances_to(simd, query), to);
            }
            squared[piece.len()..].fill(f32::MAX);
            if let Some(own) = own.filter(|own| piece.contains(own)) {
                squared[own - start] = f32::MAX;
            }
            let mut least = simd.splat_f32s(f32::MAX);
            for &squared in S::as_simd_f32s(&squared).0 {
                least = simd.min_f32s(least, squared);
            }
            // Of the few rows that may be the nearest the canonical distance decides.
            let least = certificate.above(certificate.above(f64::from(simd.reduce_min_f32s(least))));
            let limit = (certificate.above(nearest.best).min(least) as f32).next_up();
            for (row, &squared) in piece.zip(&squared) {
                if squared <= limit && own != Some(row) {
                    nearest.offer(row as u32, canonical::squared_distance(matrix.row(row), query));
                }
            }
        }
        nearest
    }
}
