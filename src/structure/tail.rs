//! Do a few far rows dominate all distances?

use crate::matrix::{Matrix, TILE, block_sums};
use rayon::prelude::*;

/// The farthest rows are this share of all.
const FARTHEST: f64 = 0.01;

/// The share of the total sum of squares that the farthest 1 % of the rows carry. It is 0.01 where all are equally far from
/// the mean, and about 0.03 in 8 normal columns. Rows count as often as they have copies. How far a row is goes by the
/// `measured` features alone; the total is that of all features.
pub(super) fn tail(matrix: &Matrix, measured: &[bool]) -> f64 {
    let repeats = matrix.repeats();
    let rows = repeats.len();
    let steps = |distinct: usize| u128::from(repeats.steps(matrix, distinct));
    let copies_of = |distinct: usize| {
        matrix.sample_weights().map_or(steps(distinct) as f64, |w| w.as_copies(steps(distinct)))
    };
    let values = |distinct: usize| matrix.row(repeats.first(distinct)).map(f64::from);
    let copies = block_sums(rows, 1, |i, sum| sum[0] += copies_of(i))[0];
    let sums = block_sums(rows, matrix.features(), |i, sums| {
        let copies = copies_of(i);
        values(i).zip(sums).for_each(|(v, sum)| *sum += copies * v);
    });
    let mean: Vec<f64> = sums.iter().map(|sum| sum / copies).collect();
    let apart = |i: usize| values(i).zip(&mean).map(|(v, mean)| (v - mean) * (v - mean));
    let total = block_sums(rows, 1, |i, sum| sum[0] += copies_of(i) * apart(i).sum::<f64>())[0];
    let far_of =
        |i: usize| apart(i).zip(measured).map(|(squared, &counts)| if counts { squared } else { 0.0 });
    let mut far: Vec<(f64, f64)> =
        (0..rows).into_par_iter().with_min_len(64 * TILE).map(|i| (far_of(i).sum(), copies_of(i))).collect();
    far.par_sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundredth_of_the_rows_carries_its_share() {
        // One of 100 rows is at 99, the others at -1: sums of squares of 9,801 and 99.
        let far: Vec<f32> = (0..100).map(|i| if i == 7 { 99.0 } else { -1.0 }).collect();
        let flag: Vec<f32> = (0..100).map(|i| if i % 2 == 0 { 10.0 } else { -10.0 }).collect();
        let matrix = Matrix::from_columns(vec!["a".into(), "b".into()], vec![far.clone(), flag]).unwrap();
        assert!((tail(&matrix, &[true, false]) - 9801.0 / 19_900.0).abs() < 1e-9);
        assert!((tail(&matrix, &[false, true]) - 100.0 / 19_900.0).abs() < 1e-9);
        let alone = |values| Matrix::from_columns(vec!["a".into()], vec![values]).unwrap();
        // As weights: one far row and 99 copies of the other.
        let weighted = alone(vec![99.0, -1.0]).weighted(vec![1.0, 99.0]).unwrap();
        assert!((tail(&weighted, &[true]) - 0.99).abs() < 1e-9);
        assert_eq!(tail(&alone(vec![2.0; 30]), &[true]), 0.0);
    }
}
