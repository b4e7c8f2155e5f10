//! Moments and quantiles of a column of numbers.

use crate::table::Values;
use serde::{Deserialize, Serialize};

/// Sums are taken in blocks of this many rows.
pub(super) const BLOCK: usize = 4096;

/// What a column's numbers are like, in the column's own units. Figures that need more values than there are, that are
/// undefined, or that are too large for f64 are `None`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct NumericFigures {
    /// The mean.
    pub mean: Option<f64>,
    /// The standard deviation of a sample, with divisor n - 1, as pandas computes it.
    pub sd: Option<f64>,
    /// The smallest value.
    pub min: Option<f64>,
    /// The 1 % quantile. Quantiles are interpolated linearly between neighbouring values, as in NumPy and pandas.
    pub p1: Option<f64>,
    /// The 5 % quantile.
    pub p5: Option<f64>,
    /// The lower quartile.
    pub p25: Option<f64>,
    /// The median.
    pub median: Option<f64>,
    /// The upper quartile.
    pub p75: Option<f64>,
    /// The 95 % quantile.
    pub p95: Option<f64>,
    /// The 99 % quantile.
    pub p99: Option<f64>,
    /// The largest value.
    pub max: Option<f64>,
    /// The skewness G1, corrected for bias, as pandas' `skew` (Joanes and Gill 1998). It takes three values that are not
    /// all equal.
    pub skewness: Option<f64>,
    /// The excess kurtosis G2, corrected for bias, as pandas' `kurt`; 0 for a normal distribution. It takes four values
    /// that are not all equal.
    pub kurtosis: Option<f64>,
    /// The share of zeros among the values.
    pub zeros: Option<f64>,
    /// Whether all values are whole numbers.
    pub whole: bool,
}

/// The figures, the number of values, and how many of them are different.
pub(super) fn figures(values: &Values) -> (NumericFigures, usize, usize) {
    let all = values.numbers().unwrap_or_default();
    // Adding 0.0 turns -0.0 into 0.0.
    let mut there: Vec<f64> = all.iter().filter(|v| !v.is_nan()).map(|v| v + 0.0).collect();
    let n = there.len();
    if n == 0 {
        return (NumericFigures::default(), 0, 0);
    }
    let Moments { mean, sd, skewness, kurtosis } = Moments::of(&there);
    there.sort_unstable_by(f64::total_cmp);
    let distinct = 1 + there.windows(2).filter(|w| w[0] != w[1]).count();
    let zeros = there.partition_point(|&v| v <= 0.0) - there.partition_point(|&v| v < 0.0);
    let at = |percent: u64| finite(quantile(&there, percent));
    let figures = NumericFigures {
        mean,
        sd,
        min: finite(there[0]),
        p1: at(1),
        p5: at(5),
        p25: at(25),
        median: at(50),
        p75: at(75),
        p95: at(95),
        p99: at(99),
        max: finite(there[n - 1]),
        skewness,
        kurtosis,
        zeros: Some(zeros as f64 / n as f64),
        whole: there.iter().all(|v| v.fract() == 0.0),
    };
    (figures, n, distinct)
}

pub(super) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// A quantile of sorted values, interpolated linearly.
fn quantile(sorted: &[f64], percent: u64) -> f64 {
    let steps = (sorted.len() as u128 - 1) * u128::from(percent);
    let (place, rest) = ((steps / 100) as usize, (steps % 100) as f64 / 100.0);
    let low = sorted[place];
    let Some(&high) = sorted.get(place + 1).filter(|&&high| rest > 0.0 && high != low) else { return low };
    // From the nearer end, so that rounding stays small; as products where the difference overflows.
    match high - low {
        gap if !gap.is_finite() => low * (1.0 - rest) + high * rest,
        gap if rest < 0.5 => low + gap * rest,
        gap => high - gap * (1.0 - rest),
    }
}

/// The power of two that brings the largest magnitude to between 1/2 and 1, so that no product overflows.
pub(super) fn scale(values: impl Iterator<Item = f64>) -> f64 {
    let largest = values.fold(0.0, |most: f64, v| most.max(v.abs()));
    // The exponent is kept where the power of two is a normal number.
    libm::ldexp(1.0, (-libm::frexp(largest).1).clamp(-1022, 1022))
}

/// Whether values spread by no more than the rounding of two of them: what is left is the rounding of equal numbers.
pub(super) fn flat(least: f64, most: f64) -> bool {
    most - least <= 2.0 * f64::EPSILON * least.abs().max(most.abs())
}

#[derive(Default)]
struct Moments {
    mean: Option<f64>,
    sd: Option<f64>,
    skewness: Option<f64>,
    kurtosis: Option<f64>,
}

impl Moments {
    /// Of at least one value. Sums of powers of distances to the mean, in a second pass over the values.
    fn of(values: &[f64]) -> Self {
        let (n, first) = (values.len() as f64, values[0]);
        let few = |least: usize| values.len() < least;
        let scale = scale(values.iter().copied());
        let (least, most) = values.iter().fold((first, first), |(a, b), &v| (a.min(v), b.max(v)));
        if least == most {
            return Moments { mean: finite(first), sd: (!few(2)).then_some(0.0), ..Moments::default() };
        }
        let rough = blocks(values, |v, [sum]| *sum += v * scale)[0] / n;
        let sums = blocks(values, |v, [s1, s2, s3, s4]| {
            let d = v * scale - rough;
            let square = d * d;
            *s1 += d;
            *s2 += square;
            *s3 += square * d;
            *s4 += square * square;
        });
        // The first mean was rounded; what it lacks moves the sums of powers.
        let [s1, s2, s3, s4] = sums;
        let lacks = s1 / n;
        let m2 = s2 - lacks * s1;
        let m3 = s3 - 3.0 * lacks * s2 + 2.0 * lacks * lacks * s1;
        let m4 = s4 - 4.0 * lacks * s3 + 6.0 * lacks * lacks * s2 - 3.0 * lacks * lacks * lacks * s1;
        let mut found = Moments { mean: finite((rough + lacks) / scale), ..Moments::default() };
        if m2 <= 0.0 {
            return found;
        }
        found.sd = (!few(2)).then(|| (m2 / (n - 1.0)).sqrt() / scale).and_then(finite);
        if flat(least, most) {
            return found;
        }
        if !few(3) {
            found.skewness = finite(n * (n - 1.0).sqrt() / (n - 2.0) * (m3 / (m2 * m2.sqrt())));
        }
        if !few(4) {
            let ratio = n * (n + 1.0) * (n - 1.0) / ((n - 2.0) * (n - 3.0)) * (m4 / (m2 * m2));
            found.kurtosis = finite(ratio - 3.0 * (n - 1.0) * (n - 1.0) / ((n - 2.0) * (n - 3.0)));
        }
        found
    }
}

/// Sums that `add` adds to for each value: in order within each block, the blocks' sums then in order.
fn blocks<const N: usize>(values: &[f64], add: impl Fn(f64, &mut [f64; N])) -> [f64; N] {
    let mut total = [0.0; N];
    for block in values.chunks(BLOCK) {
        let mut sums = [0.0; N];
        block.iter().for_each(|&v| add(v, &mut sums));
        total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
    }
    total
}
