//! Nearest rows by the canonical distance.

use crate::backend::simd::block::{Group, group_rows, store};
use crate::backend::simd::{InstructionSet, Vectorized};
use crate::backend::{Metric, Neighbour, SelfMatches};
use crate::canonical::{self, Certificate, Nearest};
use crate::matrix::Matrix;
use pulp::Simd;
use std::ops::Range;

/// Rows whose f32 distances are computed before the exact ones of the few that matter.
const PIECE: usize = 256;

/// The neighbour `row` of query `q`, with its canonical distance.
pub(in crate::backend) fn neighbour(
    matrix: &Matrix,
    queries: &Matrix,
    q: usize,
    row: u32,
    metric: Metric,
) -> Neighbour {
    let reference: Vec<f32> = matrix.row(row as usize).collect();
    let squared = canonical::squared_distance(queries.row(q), &reference);
    let distance = match metric {
        Metric::Euclidean => matrix.to_user(squared.sqrt()),
        Metric::SqEuclidean => matrix.to_user(matrix.to_user(squared)),
    };
    Neighbour { row, distance }
}

/// The reference row that does not count for query `q`.
pub(in crate::backend) fn excluded(self_matches: SelfMatches<'_>, q: usize) -> Option<usize> {
    match self_matches {
        SelfMatches::Include => None,
        SelfMatches::Exclude(rows) => Some(rows[q] as usize),
    }
}

/// The canonical nearest row of query `q`, from all rows of the table.
#[cfg(feature = "gpu")]
pub(in crate::backend) fn nearest_row(
    set: InstructionSet,
    matrix: &Matrix,
    queries: &Matrix,
    self_matches: SelfMatches<'_>,
    q: usize,
) -> u32 {
    let query: Vec<f32> = queries.row(q).collect();
    nearest_among(set, matrix, &query, 0..matrix.rows(), excluded(self_matches, q)).label
}

/// The canonical nearest of some rows, the lowest row number on ties. Row `excluded` does not count.
pub(in crate::backend) fn nearest_among(
    set: InstructionSet,
    matrix: &Matrix,
    query: &[f32],
    rows: Range<usize>,
    excluded: Option<usize>,
) -> Nearest {
    set.run(Search { matrix, query, rows, excluded })
}

struct Search<'a> {
    matrix: &'a Matrix,
    query: &'a [f32],
    rows: Range<usize>,
    excluded: Option<usize>,
}

impl Vectorized for Search<'_> {
    type Output = Nearest;

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) -> Nearest {
        let Search { matrix, query, rows, excluded } = self;
        let certificate = Certificate::new(matrix.features());
        let mut nearest = Nearest::none();
        let mut squared = [f32::MAX; PIECE];
        for start in rows.clone().step_by(PIECE) {
            let piece = start..rows.end.min(start + PIECE);
            let lanes = group_rows::<S, V>();
            for (start, to) in piece.clone().step_by(lanes).zip(squared.chunks_exact_mut(lanes)) {
                store::<S, V>(Group::<V>::new(matrix, start).distances_to(simd, query), to);
            }
            squared[piece.len()..].fill(f32::MAX);
            if let Some(excluded) = excluded.filter(|excluded| piece.contains(excluded)) {
                squared[excluded - start] = f32::MAX;
            }
            let mut least = simd.splat_f32s(f32::MAX);
            for &squared in S::as_simd_f32s(&squared).0 {
                least = simd.min_f32s(least, squared);
            }
            // Only the few rows whose f32 distance may belong to the nearest get their canonical distance.
            let least = certificate.above(certificate.above(f64::from(simd.reduce_min_f32s(least))));
            let limit = (certificate.above(nearest.best).min(least) as f32).next_up();
            for (row, &squared) in piece.zip(&squared) {
                if squared <= limit && excluded != Some(row) {
                    nearest.offer(row as u32, canonical::squared_distance(matrix.row(row), query));
                }
            }
        }
        nearest
    }
}
