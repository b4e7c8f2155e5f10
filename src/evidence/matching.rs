//! Pairs two sets of equally many things so that the pairs cost as little as possible together.

use pathfinding::kuhn_munkres::kuhn_munkres_min;
use pathfinding::matrix::Matrix;

/// Costs are rounded to this fraction of the largest one, because the method needs whole numbers.
const STEPS: f64 = (1u64 << 40) as f64;

/// For each row of a square matrix of costs the column that it is paired with, so that the sum of all costs is as small as
/// possible (the Hungarian method: Kuhn, 1955). Costs are finite numbers, 0 or more; they are rounded to one part in 10^12
/// of the largest. Matrices that are not square have no pairs.
pub fn cheapest_pairs(costs: &[Vec<f64>]) -> Vec<usize> {
    let k = costs.len();
    if k == 0 || costs.iter().any(|row| row.len() != k) {
        return Vec::new();
    }
    let largest = costs.iter().flatten().copied().fold(0.0, f64::max);
    let scale = if largest > 0.0 && largest.is_finite() { STEPS / largest } else { 0.0 };
    let (_, pairs) = kuhn_munkres_min(&Matrix::from_fn(k, k, |(r, c)| (costs[r][c] * scale).round() as i64));
    pairs
}
