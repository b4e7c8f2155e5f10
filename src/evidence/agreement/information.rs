//! Mutual information of two labellings, and what they would share by chance.

use super::Contingency;
use rayon::prelude::*;

/// The labels that occur.
fn used(sums: &[u64]) -> usize {
    sums.iter().filter(|&&n| n > 0).count()
}

/// Whether each label of a side has all its rows in a single cell.
fn decides(table: &Contingency, sums: &[u64]) -> bool {
    table.cells().len() == used(sums)
}

/// Sums that end an ulp beyond their limits would be scores beyond 0 and 1.
fn share(part: f64, whole: f64) -> f64 {
    (part / whole).clamp(0.0, 1.0)
}

/// `-sum p ln p`, in nats.
fn entropy(sums: &[u64], total: u64) -> f64 {
    let n = total as f64;
    let term = |&size: &u64| -(size as f64 / n) * libm::log(size as f64 / n);
    if used(sums) < 2 { 0.0 } else { sums.iter().filter(|&&size| size > 0).map(term).sum() }
}

/// `count / n * ln(n count / (a b))`: what one pair of labels adds to the mutual information.
fn information(count: f64, a: f64, b: f64, n: f64) -> f64 {
    count / n * libm::log(count / a * (n / b))
}

/// The mutual information, in nats.
fn mutual(table: &Contingency) -> f64 {
    let (a_sums, b_sums) = (table.a_sums(), table.b_sums());
    if used(a_sums) < 2 || used(b_sums) < 2 {
        return 0.0;
    }
    let n = table.total() as f64;
    let term = |cell: &super::Cell| {
        let (a, b) = (a_sums[cell.a as usize] as f64, b_sums[cell.b as usize] as f64);
        let term = information(cell.count as f64, a, b, n);
        if term.abs() < f64::EPSILON { 0.0 } else { term }
    };
    table.cells().iter().map(term).sum::<f64>().max(0.0)
}

/// Homogeneity and completeness.
pub(super) fn homogeneity_completeness(table: &Contingency) -> (f64, f64) {
    let shared = mutual(table);
    let score = |own: &[u64], other: &[u64]| {
        let entropy = entropy(own, table.total());
        if entropy == 0.0 || decides(table, other) { 1.0 } else { share(shared, entropy) }
    };
    (score(table.a_sums(), table.b_sums()), score(table.b_sums(), table.a_sums()))
}

/// The adjusted and the normalized mutual information, both by the arithmetic mean of the entropies.
pub(super) fn adjusted_and_normalized(table: &Contingency) -> (f64, f64) {
    let (a_sums, b_sums, total) = (table.a_sums(), table.b_sums(), table.total());
    match (used(a_sums), used(b_sums)) {
        (0, _) | (1, 1) => return (1.0, 1.0),
        (1, _) | (_, 1) => return (0.0, 0.0),
        _ => {}
    }
    if decides(table, a_sums) && decides(table, b_sums) {
        return (1.0, 1.0);
    }
    let shared = mutual(table);
    let mean = f64::midpoint(entropy(a_sums, total), entropy(b_sums, total));
    let normalized = if shared == 0.0 { 0.0 } else { share(shared, mean) };
    let expected = expected(a_sums, b_sums, total);
    // As in scikit-learn, neither difference is nearer to 0 than rounding can tell.
    let apart = |d: f64| if d < 0.0 { d.min(-f64::EPSILON) } else { d.max(f64::EPSILON) };
    (apart(shared - expected) / apart(mean - expected), normalized)
}

/// The different sizes of labels, and how many labels have each.
fn sizes(sums: &[u64]) -> Vec<(u64, f64)> {
    let mut sums: Vec<u64> = sums.iter().copied().filter(|&n| n > 0).collect();
    sums.sort_unstable();
    sums.chunk_by(|x, y| x == y).map(|same| (same[0], same.len() as f64)).collect()
}

/// The mean of the mutual information over all labellings whose labels have these sizes (Vinh, Epps and Bailey 2010).
fn expected(a_sums: &[u64], b_sums: &[u64], n: u64) -> f64 {
    let (a_sizes, b_sizes) = (sizes(a_sums), sizes(b_sums));
    let of_a = |&(a, times_a): &(u64, f64)| -> f64 {
        let of_b = |&(b, times_b): &(u64, f64)| times_a * times_b * expected_of_pair(a, b, n);
        b_sizes.iter().map(of_b).sum()
    };
    let parts: Vec<f64> = a_sizes.par_iter().map(of_a).collect();
    parts.iter().sum()
}

/// What is left out of a hypergeometric distribution, as a share of it. A term adds at most `min(a, b) / n * ln n` to the
/// information, so all terms that are left out add less than `2^-60 * ln n * min(k_a, k_b)`.
const LEFT_OUT: f64 = 1.0 / (1u64 << 61) as f64;

/// The mean information of a pair of labels of `a` and `b` rows: the number of rows that have both is hypergeometric.
///
/// Its probabilities are computed relative to that of the mode, each from the one before, and divided by their sum in the
/// end. So there are no factorials, whose logarithms would cancel to few digits for many rows. From the mode on, each ratio
/// of neighbours is smaller than the one before, which bounds the tail by a geometric series.
fn expected_of_pair(a: u64, b: u64, n: u64) -> f64 {
    let (least, most) = ((a + b).saturating_sub(n), a.min(b));
    let mode = (u128::from(a + 1) * u128::from(b + 1) / u128::from(n + 2)) as u64;
    let mode = mode.clamp(least, most);
    let [fa, fb, fn_] = [a, b, n].map(|x| x as f64);
    let neither = fn_ - fa - fb;
    let gain = |count: u64| if count == 0 { 0.0 } else { information(count as f64, fa, fb, fn_) };
    let (mut sum, mut gained) = (1.0, gain(mode));
    let mut side = |limit: u64, next: fn(u64) -> u64, ratio: &dyn Fn(f64) -> f64| {
        let (mut count, mut term) = (mode, 1.0);
        while count != limit {
            let ratio = ratio(count as f64);
            term *= ratio;
            count = next(count);
            sum += term;
            gained += term * gain(count);
            if ratio < 1.0 && term / (1.0 - ratio) < LEFT_OUT * sum {
                break;
            }
        }
    };
    side(most, |c| c + 1, &|c| (fa - c) / (c + 1.0) * ((fb - c) / (neither + c + 1.0)));
    side(least, |c| c - 1, &|c| c / (fa - c + 1.0) * ((neither + c) / (fb - c + 1.0)));
    gained / sum
}
