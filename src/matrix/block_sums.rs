//! Sums over rows that are the same for any number of threads.

use super::BLOCK;
use rayon::prelude::*;

/// Sums of `width` numbers that `add(i, sums)` adds to for each `i` below `rows`: in order within each block of 4,096 rows, the
/// blocks' sums then in order.
pub(crate) fn block_sums(rows: usize, width: usize, add: impl Fn(usize, &mut [f64]) + Sync) -> Vec<f64> {
    let blocks: Vec<Vec<f64>> = (0..rows.div_ceil(BLOCK))
        .into_par_iter()
        .map(|b| {
            let mut sums = vec![0.0; width];
            (b * BLOCK..rows.min((b + 1) * BLOCK)).for_each(|i| add(i, &mut sums));
            sums
        })
        .collect();
    let mut total = vec![0.0; width];
    for block in &blocks {
        total.iter_mut().zip(block).for_each(|(total, sum)| *total += sum);
    }
    total
}
