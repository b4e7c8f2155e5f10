//! CPU twin of `shaders/pairwise.wgsl`: the explicit block of distances.

use super::block::{Group, InstructionSet, Kernel, Points, group_rows, store};
use crate::backend::Metric;
use crate::matrix::Matrix;
use ndarray::Array2;
use pulp::Simd;
use rayon::prelude::*;

/// Queries a task takes; each writes its own rows of the result.
const QUERIES: usize = 4;

pub(super) fn pairwise(
    set: InstructionSet,
    matrix: &Matrix,
    queries: &Matrix,
    metric: Metric,
) -> Array2<f32> {
    let n = matrix.rows();
    let mut out = Array2::zeros((queries.rows(), n));
    if let Some(flat) = out.as_slice_mut() {
        flat.par_chunks_mut(QUERIES * n).enumerate().for_each(|(b, out)| {
            set.run(Rows { matrix, queries, first: b * QUERIES, metric, out });
        });
    }
    out
}

struct Rows<'a> {
    matrix: &'a Matrix,
    queries: &'a Matrix,
    first: usize,
    metric: Metric,
    out: &'a mut [f32],
}

impl Kernel for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) {
        let Rows { matrix, queries, first, metric, out } = self;
        let n = matrix.rows();
        let points = Points::new(matrix.features(), (first..first + out.len() / n).map(|q| queries.row(q)));
        let mut lanes = [0f32; 64];
        for start in (0..n).step_by(group_rows::<S, V>()) {
            let alive = (n - start).min(group_rows::<S, V>());
            points.for_each(
                simd,
                Group::<V>::new(matrix, start),
                #[inline(always)]
                |q, mut distances| {
                    if metric == Metric::Euclidean {
                        for v in &mut distances {
                            *v = simd.sqrt_f32s(*v);
                        }
                    }
                    store::<S, V>(distances, &mut lanes);
                    for (to, &v) in out[q * n + start..][..alive].iter_mut().zip(&lanes) {
                        *to = in_user_units(matrix, metric, v);
                    }
                },
            );
        }
    }
}

/// A distance in stored units, as the user measures it.
#[inline(always)]
pub(crate) fn in_user_units(matrix: &Matrix, metric: Metric, distance: f32) -> f32 {
    let once = matrix.to_user(f64::from(distance));
    match metric {
        Metric::Euclidean => once as f32,
        Metric::SqEuclidean => matrix.to_user(once) as f32,
    }
}
