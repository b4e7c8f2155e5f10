//! Intervals, tests and effect sizes: what the difference between a segment and the rest of the rows is worth.
//!
//! A test asks how often a difference of this size would arise if the segment were drawn from all rows by chance. A
//! segmentation is not drawn by chance: it was made to differ in the columns that were its features, so in these columns
//! small p-values are no evidence that the segments exist. They only say that a difference is larger than the noise of a
//! mean or a share.

use statrs::function::beta::{checked_beta_reg, inv_beta_reg};

/// The 0.975 quantile of the standard normal distribution, for intervals that cover 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// From this many degrees of freedom on, quantiles of Student's t are computed by an expansion around the normal
/// distribution. It gets better with the degrees of freedom, and the incomplete beta function gets worse.
const MANY: f64 = 200.0;

/// The same for the tails, whose expansion is as good only later.
const MANY_FOR_TAILS: f64 = 5000.0;

/// With an expected count below this, the chi-squared approximation is not used (Cochran's rule).
const LEAST_EXPECTED: f64 = 5.0;

/// Number of values, mean and spread of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// How many independent values the sample is worth. With weights that are numbers of copies this is their sum; with
    /// other weights it is Kish's effective size, `(sum w)^2 / sum w^2`.
    pub n: f64,
    /// The mean.
    pub mean: f64,
    /// The variance, with divisor n - 1; 0 if there is only one value.
    pub variance: f64,
}

/// The 95 % interval of a share that was observed as `share` of `n` rows, by Wilson's score method (Wilson 1927).
/// `None` without rows.
pub fn wilson(share: f64, n: f64) -> Option<(f64, f64)> {
    if n.is_nan() || n <= 0.0 {
        return None;
    }
    let z2 = Z * Z / n;
    let centre = (share + z2 / 2.0) / (1.0 + z2);
    let half = Z / (1.0 + z2) * libm::sqrt(share * (1.0 - share) / n + z2 / (4.0 * n));
    // Rounding must not leave the share itself out.
    Some(((centre - half).max(0.0).min(share), (centre + half).min(1.0).max(share)))
}

/// The 95 % interval of a mean, by Student's t. `None` for fewer than two values.
pub fn mean_interval(sample: &Sample) -> Option<(f64, f64)> {
    let half = t_quantile(sample.n - 1.0)? * libm::sqrt(sample.variance / sample.n);
    let (low, high) = (sample.mean - half, sample.mean + half);
    (low.is_finite() && high.is_finite()).then_some((low, high))
}

/// The 0.975 quantile of Student's t with `df` degrees of freedom; `None` below one degree.
pub fn t_quantile(df: f64) -> Option<f64> {
    if df.is_nan() || df < 1.0 {
        return None;
    }
    if df < MANY {
        let y = inv_beta_reg(df / 2.0, 0.5, 0.05);
        return Some(libm::sqrt(df * (1.0 - y) / y)).filter(|t| t.is_finite());
    }
    // Abramowitz and Stegun, 26.7.5.
    let (z, z2) = (Z, Z * Z);
    let terms = [
        z * (z2 + 1.0) / 4.0,
        z * ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0,
        z * (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0,
        z * ((((79.0 * z2 + 776.0) * z2 + 1482.0) * z2 - 1920.0) * z2 - 945.0) / 92_160.0,
    ];
    Some(z + terms.iter().rev().fold(0.0, |sum, term| (sum + term) / df))
}

/// The probability that Student's t with `df` degrees of freedom is at least as far from 0 as `t`.
pub fn t_two_sided(t: f64, df: f64) -> f64 {
    if !t.is_finite() {
        return if t.is_nan() { 1.0 } else { 0.0 };
    }
    let squared = t * t;
    if df < MANY_FOR_TAILS {
        return checked_beta_reg(df / 2.0, 0.5, df / (df + squared)).map_or(1.0, |p| p.clamp(0.0, 1.0));
    }
    // Hill (1970), Algorithm 395.
    let a = df - 0.5;
    let b = 48.0 * a * a;
    let y = a * libm::log1p(squared / df);
    let inner = ((-0.4 * y - 3.3) * y - 24.0) * y - 85.5;
    let z = ((inner / (0.8 * y * y + 100.0 + b) + y + 3.0) / b + 1.0) * libm::sqrt(y);
    normal_two_sided(z)
}

/// The probability that a standard normal number is at least as far from 0 as `z`.
pub fn normal_two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// The p-value of Welch's t-test that two samples have the same mean (Welch 1947).
///
/// A sample of one value has no variance of its own. It is then taken to have that of the other, which makes it Student's
/// test. Where neither sample varies, the p-value is the smallest that a permutation test could give, one over the number
/// of ways to divide the rows. `None` if there are too few values for any of these.
pub fn welch(a: &Sample, b: &Sample) -> Option<f64> {
    let spread = pooled_variance(a, b)?;
    if is_rounding(spread, a, b) {
        return Some(if a.mean == b.mean { 1.0 } else { least_of_permutations(a.n, b.n) });
    }
    let difference = a.mean - b.mean;
    if a.n < 2.0 || b.n < 2.0 {
        let error = libm::sqrt(spread) * libm::sqrt(1.0 / a.n + 1.0 / b.n);
        return Some(t_two_sided(difference / error, a.n + b.n - 2.0));
    }
    let (va, vb) = (a.variance / a.n, b.variance / b.n);
    // In shares, because the squares of very small and very large variances leave the range of f64.
    let share = va / (va + vb);
    let df = 1.0 / (share * share / (a.n - 1.0) + (1.0 - share) * (1.0 - share) / (b.n - 1.0));
    Some(t_two_sided(difference / libm::sqrt(va + vb), df))
}

/// Cohen's d of two samples: the difference of their means in pooled standard deviations, with divisors n - 1.
///
/// Where neither sample varies, it is in standard deviations of both samples together. `None` if there are too few values
/// to tell.
pub fn cohens_d(a: &Sample, b: &Sample) -> Option<f64> {
    let spread = pooled_variance(a, b)?;
    let difference = a.mean - b.mean;
    if difference == 0.0 {
        return Some(0.0);
    }
    if !is_rounding(spread, a, b) {
        return Some(difference / libm::sqrt(spread)).filter(|d| d.is_finite());
    }
    let n = a.n + b.n;
    // The variance of two values that occur a.n and b.n times, divided by the squared difference.
    Some(difference.signum() / libm::sqrt(a.n * b.n / (n * (n - 1.0))))
}

fn pooled_variance(a: &Sample, b: &Sample) -> Option<f64> {
    let over = |s: &Sample| (s.n - 1.0).max(0.0);
    let df = a.n + b.n - 2.0;
    // Both conditions: samples that are worth less than one value each cannot be pooled.
    (a.n > 0.0 && b.n > 0.0 && df >= 1.0 && over(a) + over(b) > 0.0)
        .then(|| (over(a) * a.variance + over(b) * b.variance) / (over(a) + over(b)))
        .filter(|v| v.is_finite())
}

/// Whether a spread is no more than the rounding error of the means.
fn is_rounding(variance: f64, a: &Sample, b: &Sample) -> bool {
    libm::sqrt(variance) <= 8.0 * f64::EPSILON * a.mean.abs().max(b.mean.abs())
}

/// One over the number of ways to divide `a + b` rows into `a` and `b`.
fn least_of_permutations(a: f64, b: f64) -> f64 {
    let ways = libm::lgamma(a + b + 1.0) - libm::lgamma(a + 1.0) - libm::lgamma(b + 1.0);
    libm::exp(-ways).clamp(0.0, 1.0)
}

/// Cohen's h of two shares, `2 asin(sqrt(a)) - 2 asin(sqrt(b))` (Cohen 1988). Like Cohen's d it is small at 0.2, medium at
/// 0.5 and large at 0.8.
pub fn cohens_h(a: f64, b: f64) -> f64 {
    let angle = |share: f64| 2.0 * libm::asin(libm::sqrt(share.clamp(0.0, 1.0)));
    angle(a) - angle(b)
}

/// The p-value of the test that `a` of `n` rows and `b` of `m` other rows have the same share.
///
/// It is Pearson's chi-squared test without a correction for continuity, which is the square of the two-proportion z
/// test. Where an expected count is below five it is Fisher's exact test, for which counts that are not whole (because
/// weights are not) are rounded. `None` if there are no rows on one side, or all rows are alike.
pub fn same_share((a, n): (f64, f64), (b, m): (f64, f64)) -> Option<f64> {
    let (all, hits) = (n + m, a + b);
    let misses = all - hits;
    if !(n > 0.0 && m > 0.0 && hits > 0.0 && misses > 0.0) {
        return None;
    }
    let least = n.min(m) * (hits.min(misses) / all);
    if least < LEAST_EXPECTED {
        let whole = libm::round;
        return Some(fisher(whole(a), whole(n), whole(hits), whole(all)));
    }
    let share = hits / all;
    let error = libm::sqrt(share * (1.0 - share) * (1.0 / n + 1.0 / m));
    Some(normal_two_sided((a / n - b / m) / error))
}

/// The two-sided p-value of Fisher's exact test: `a` of `n` rows are hits, and `hits` of all rows. It is the probability of
/// all tables with these margins that are no more probable than this one.
fn fisher(a: f64, n: f64, hits: f64, all: f64) -> f64 {
    let (low, high) = ((n + hits - all).max(0.0), n.min(hits));
    if low >= high {
        return 1.0;
    }
    let mode = libm::floor((n + 1.0) * (hits + 1.0) / (all + 2.0)).clamp(low, high);
    let up = |x: f64| (n - x) * (hits - x) / ((x + 1.0) * (all - n - hits + x + 1.0));
    // Probabilities relative to that of the mode, outwards from it until they vanish.
    let side = |from: f64, step: f64| {
        std::iter::successors(Some((from, 1.0)), move |&(x, weight)| {
            let next = x + step;
            let factor = if step > 0.0 { up(x) } else { 1.0 / up(next) };
            let weight = weight * factor;
            (next >= low && next <= high && weight > 0.0).then_some((next, weight))
        })
    };
    let own = side(mode, if a < mode { -1.0 } else { 1.0 }).find(|(x, _)| *x == a).map_or(0.0, |(_, w)| w);
    // Equally probable tables may differ by rounding.
    let limit = own * (1.0 + 1e-7);
    let (mut all, mut tail) = (0.0, 0.0);
    for (_, weight) in side(mode, -1.0).chain(side(mode, 1.0).skip(1)) {
        all += weight;
        tail += if weight <= limit { weight } else { 0.0 };
    }
    (tail / all).clamp(0.0, 1.0)
}

/// The q-values of p-values: the smallest rate of false discoveries at which each would be found (Benjamini and
/// Hochberg 1995), in the same order.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&i, &j| p[i].total_cmp(&p[j]));
    let mut q = vec![0.0; p.len()];
    let mut least = 1f64;
    for (rank, &i) in order.iter().enumerate().rev() {
        least = least.min(p[i] * p.len() as f64 / (rank + 1) as f64);
        q[i] = least;
    }
    q
}
