//! Which rows the verdict looks at.

use crate::matrix::Matrix;
use crate::random::{Draws, Purpose};

/// At most `most` rows, drawn at random without replacement, as row numbers of the matrix. A copy of a row is a row.
///
/// Copies are counted in the order in which each distinct row first occurs, so that the sample is the same whether copies
/// are separate rows or one weighted row. Weights that are not whole numbers make a row likelier to be drawn, and then so
/// few rows are drawn that this matters: at most `(sum w)^2 / sum w^2`, which is their number if all weights are equal.
pub(super) fn sample(matrix: &Matrix, most: usize, seed: u64) -> Vec<usize> {
    let repeats = matrix.repeats();
    let draws = Draws::new(seed, Purpose::StructureSample);
    let copies = |distinct: usize| {
        let steps = u128::from(repeats.steps(matrix, distinct));
        matrix.sample_weights().map_or(steps as f64, |w| w.as_copies(steps))
    };
    if matrix.sample_weights().is_some_and(|w| !w.is_whole()) {
        let (sum, squares) = (0..repeats.len()).map(copies).fold((0.0, 0.0), |(s, q), w| (s + w, q + w * w));
        let count = ((sum * sum / squares) as usize).clamp(1, most.max(1));
        // Weighted sampling (Efraimidis and Spirakis, 2006): take the smallest -ln(u) / weight.
        let mut race: Vec<(f64, usize)> = (0..repeats.len())
            .map(|distinct| (-libm::log1p(-draws.at(distinct as u64).uniform()) / copies(distinct), distinct))
            .collect();
        race.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut rows: Vec<usize> = race.into_iter().take(count).map(|(_, distinct)| distinct).collect();
        rows.sort_unstable();
        return rows.into_iter().map(|distinct| repeats.first(distinct)).collect();
    }
    let ends: Vec<u64> = (0..repeats.len())
        .scan(0u64, |end, distinct| {
            *end = end.saturating_add(copies(distinct) as u64);
            Some(*end)
        })
        .collect();
    let total = ends.last().copied().unwrap_or(0) as usize;
    let chosen = if total <= most { (0..total).collect() } else { draws.at(0).sample(most, total) };
    let row = |copy: usize| repeats.first(ends.partition_point(|&end| end <= copy as u64));
    chosen.into_iter().map(row).collect()
}
