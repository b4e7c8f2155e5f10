//! Matches the segments of two labelings of the same rows so that matched segments share as many rows as possible.

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

/// How many rows have old label `o` and new label `n`, at `[o][n]`; rows that lack one of them are not counted.
pub fn contingency(old: &[Option<u32>], new: &[Option<u32>], k: usize) -> Vec<Vec<u64>> {
    let mut counts = vec![vec![0; k]; k];
    for (old, new) in old.iter().zip(new) {
        if let (Some(old), Some(new)) = (old, new)
            && let Some(count) = counts.get_mut(*old as usize).and_then(|row| row.get_mut(*new as usize))
        {
            *count += 1;
        }
    }
    counts
}

/// For each new label the matching old one, by the Hungarian method (Kuhn 1955): matched labels share as many rows as
/// possible. `counts` is square, as [`contingency`] gives it.
pub fn matched(counts: &[Vec<u64>]) -> Vec<u32> {
    let k = counts.len();
    if k == 0 {
        return Vec::new();
    }
    let common = |(new, old): (usize, usize)| i64::try_from(counts[old][new]).unwrap_or(i64::MAX >> 8);
    let (_, old_of) = kuhn_munkres(&Matrix::from_fn(k, k, common));
    old_of.into_iter().map(|old| old as u32).collect()
}
