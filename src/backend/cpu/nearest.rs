//! CPU twin of `shaders/nearest.wgsl`: each query's nearest reference row.
//!
//! For each query `q` and block of rows, the filter computes a lower bound of `|y|^2 / 2 - q.y` over the block's rows `y`
//! ([`DotProductBound`]), with one multiply-add a feature. Only the few blocks that may have the nearest row are then
//! searched by canonical distances.

use super::CpuRows;
use crate::backend::host::neighbours::{excluded, nearest_among, neighbour};
use crate::backend::simd::block::{Group, Points, group_rows};
use crate::backend::simd::{InstructionSet, Vectorized, multiply_add};
use crate::backend::{Metric, Neighbour, SelfMatches};
use crate::canonical::{Certificate, DotProductBound, Nearest, Rounding};
use crate::matrix::Matrix;
use pulp::Simd;
use rayon::prelude::*;
use std::ops::Range;

/// So many queries are compared with a group of rows together; their packs stay in the first-level cache.
const QUERIES: usize = 256;

/// The bounds of so many queries are in memory at once.
const KEPT: usize = 8192;

/// A thread searches the blocks of so many queries in one go.
const TOGETHER: usize = 16;

/// The fewest rows of a block, and the most blocks. A query usually searches one or two blocks row by row.
const ROWS: usize = 256;
const BLOCKS: usize = 1024;

/// Blocks of a task. Their rows stay in the second-level cache while all queries are compared with them.
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
        // For each block a bound for each query.
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
            // The bounds of these queries for one block lie on one cache line, which is read once for all of them.
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
                let row = search(set, matrix, &query, excluded(self_matches, q), bounds, rows, least);
                neighbour(matrix, queries, q, row, metric)
            })
        });
        out.par_extend(found);
    }
    out
}

/// How a dot product becomes a lower bound.
struct Bounds {
    dot_products: DotProductBound,
    /// Whether f32 makes no rounding errors here.
    exact: bool,
    /// A row's squared norm in f32 times this is at most half of the norm, minus its share of the error.
    half: f32,
}

impl Bounds {
    fn new(matrix: &Matrix, queries: &Matrix) -> Self {
        let dot_products = DotProductBound::new(matrix.features(), Rounding::Nearest);
        let exact = Certificate::for_rows(matrix, queries) == Certificate::exact();
        let half = if exact { 0.5 } else { (0.5 - 1.5 * dot_products.gamma) as f32 };
        Bounds { dot_products, exact, half }
    }

    /// What is subtracted for each unit of a row's norm.
    fn slope(&self, query: impl Iterator<Item = f32>) -> f32 {
        if self.exact { 0.0 } else { self.dot_products.point(query).slope }
    }

    /// A lower bound of the canonical distances of a query of this squared norm to a block's rows.
    fn distance(&self, squared_norm: f64, bound: f32) -> f64 {
        let squared = squared_norm + 2.0 * f64::from(bound);
        if self.exact {
            return squared;
        }
        // This covers the f64 roundings, here and in the canonical distance.
        let error = self.dot_products.gamma * libm::ldexp(1.0, -24);
        squared - error * (squared_norm + squared.abs()) - 3.0 * f64::from(self.dot_products.slack)
    }
}

/// Queries that are compared with the rows together.
struct Batch {
    /// The first one's place among the queries whose bounds are in memory.
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

/// Computes the bounds of a few blocks of rows for all queries whose bounds are in memory.
struct Filter<'a> {
    matrix: &'a Matrix,
    norms: &'a [f32],
    bounds: &'a Bounds,
    batches: &'a [Batch],
    /// The first row, and the number of rows of a block.
    first: usize,
    rows: usize,
    /// For each block a bound for each query.
    least: &'a mut [f32],
}

impl Vectorized for Filter<'_> {
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

/// The canonical nearest row of a query. `least` has a bound for each block of `rows` rows.
fn search(
    set: InstructionSet,
    matrix: &Matrix,
    query: &[f32],
    excluded: Option<usize>,
    bounds: &Bounds,
    rows: usize,
    least: &[f32],
) -> u32 {
    let squared_norm = query.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
    let look = |block: usize, nearest: &mut Nearest| {
        let rows = block * rows..matrix.rows().min((block + 1) * rows);
        let found = nearest_among(set, matrix, query, rows, excluded);
        if found.best < nearest.best || (found.best == nearest.best && found.label < nearest.label) {
            *nearest = found;
        }
    };
    let mut nearest = Nearest::none();
    let first = least.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(block, _)| block);
    look(first, &mut nearest);
    for (block, &bound) in least.iter().enumerate() {
        let bound = bounds.distance(squared_norm, bound);
        // On a tie the lowest row counts, so an earlier block with an equal bound may still matter.
        let later = block * rows > nearest.label as usize;
        let hopeless = bound > nearest.best || (later && (bound == nearest.best || nearest.best == 0.0));
        if block != first && !hopeless {
            look(block, &mut nearest);
        }
    }
    nearest.label
}
