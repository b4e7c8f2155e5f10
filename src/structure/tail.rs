//! Do a few far rows dominate all distances?

use crate::matrix::{BLOCK, Matrix, TILE};
use rayon::prelude::*;

/// The farthest rows are this share of all.
const FARTHEST: f64 = 0.01;

/// The share of the total sum of squares that the farthest 1 % of the rows carry. It is 0.01 where all are equally far from
/// the mean, and about 0.03 in 8 normal columns. Rows count as often as they have copies.
pub(super) fn tail(matrix: &Matrix) -> f64 {
    let d = matrix.features();
    let copies = matrix.total_copies();
    let sums = blocks(matrix, d, |i, sums| {
        let copies = matrix.copies(i);
        matrix.row(i).zip(sums).for_each(|(v, sum)| *sum += copies * f64::from(v));
    });
    let mean: Vec<f64> = sums.iter().map(|sum| sum / copies).collect();
    let mut far: Vec<(f64, f64)> = (0..matrix.rows())
        .into_par_iter()
        .with_min_len(64 * TILE)
        .map(|i| {
            let squared = |(v, mean): (f32, &f64)| (f64::from(v) - mean) * (f64::from(v) - mean);
            (matrix.row(i).zip(&mean).map(squared).sum(), matrix.copies(i))
        })
        .collect();
    far.par_sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1)));
    let total: f64 = far.iter().map(|(squared, copies)| squared * copies).sum();
    let mut left = FARTHEST * copies;
    let mut carried = 0.0;
    for (squared, copies) in far {
        carried += squared * copies.min(left);
        left -= copies;
        if left <= 0.0 {
            break;
        }
    }
    if total > 0.0 { carried / total } else { 0.0 }
}

/// Sums over rows of `width` numbers that `add` adds to, in blocks of 4,096 rows.
fn blocks(matrix: &Matrix, width: usize, add: impl Fn(usize, &mut [f64]) + Sync) -> Vec<f64> {
    let parts: Vec<Vec<f64>> = (0..matrix.rows().div_ceil(BLOCK))
        .into_par_iter()
        .map(|b| {
            let mut sums = vec![0.0; width];
            (b * BLOCK..matrix.rows().min((b + 1) * BLOCK)).for_each(|i| add(i, &mut sums));
            sums
        })
        .collect();
    let mut total = vec![0.0; width];
    parts.iter().for_each(|part| total.iter_mut().zip(part).for_each(|(t, p)| *t += p));
    total
}
