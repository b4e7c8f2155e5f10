//! Compares each segment with the rest of the rows.

use super::Measure;
use super::inference::{cohens_d, cohens_h, mean_interval, same_share, welch, wilson};
use super::members::Members;
use super::numbers::{Moments, Numbers};
use super::ratio;

/// One segment compared with the rest.
pub(super) struct Comparison {
    pub(super) segment: usize,
    /// The category; `None` for numbers.
    pub(super) level: Option<usize>,
    pub(super) measure: Measure,
    pub(super) value: f64,
    pub(super) overall: f64,
    pub(super) effect: f64,
    pub(super) interval: Option<(f64, f64)>,
    pub(super) p: f64,
    /// Whether it says the same as the comparison of the column's only other category.
    pub(super) mirrored: bool,
}

/// For each place, the sum of all others, without subtracting anything from a total.
fn of_the_rest<T: Copy>(parts: &[T], zero: T, add: impl Fn(T, T) -> T) -> Vec<T> {
    let mut after: Vec<T> = Vec::with_capacity(parts.len());
    let mut sum = zero;
    for &part in parts.iter().rev() {
        after.push(sum);
        sum = add(part, sum);
    }
    after.reverse();
    let mut before = zero;
    for (rest, &part) in after.iter_mut().zip(parts) {
        *rest = add(before, *rest);
        before = add(before, part);
    }
    after
}

/// Compares the means of the segments.
pub(super) fn compare_means(numbers: &Numbers, members: &Members) -> Vec<Comparison> {
    if numbers.all.is_constant() {
        return Vec::new();
    }
    let rest = of_the_rest(&numbers.moments, Moments::default(), Moments::with);
    let one = |(segment, (own, rest)): (usize, (&Moments, &Moments))| {
        let (own, rest) = (own.sample(members), rest.sample(members));
        Some(Comparison {
            segment,
            level: None,
            measure: Measure::Mean,
            value: own.mean,
            overall: numbers.all.mean,
            effect: cohens_d(&own, &rest)?,
            interval: mean_interval(&own),
            p: welch(&own, &rest).filter(|p| !p.is_nan())?,
            mirrored: false,
        })
    };
    numbers.moments.iter().zip(&rest).enumerate().filter_map(one).collect()
}

/// Compares the shares of rows that count among the `totals` of the segments.
pub(super) fn compare_shares(
    level: Option<usize>,
    counts: &[u128],
    (totals, squares): (&[u128], &[f64]),
    members: &Members,
) -> Vec<Comparison> {
    let add = |a: u128, b: u128| a + b;
    let (other_counts, other_totals) = (of_the_rest(counts, 0, add), of_the_rest(totals, 0, add));
    let other_squares = of_the_rest(squares, 0.0, |a, b| a + b);
    let overall = ratio(counts.iter().sum(), totals.iter().sum());
    let one = |segment: usize| {
        let (value, other) =
            (ratio(counts[segment], totals[segment]), ratio(other_counts[segment], other_totals[segment]));
        let n = members.worth(totals[segment], squares[segment]);
        let m = members.worth(other_totals[segment], other_squares[segment]);
        Some(Comparison {
            segment,
            level,
            measure: Measure::Share,
            value,
            overall,
            effect: cohens_h(value, other),
            interval: wilson(value, n),
            p: same_share((value * n, n), (other * m, m)).filter(|p| !p.is_nan())?,
            mirrored: false,
        })
    };
    (0..counts.len()).filter_map(one).collect()
}
