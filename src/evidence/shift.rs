//! How far the shares of a table's bins have moved, in percentage points, and whether chance explains it.
//!
//! The population stability index alone calls a segment stable that grew from 30 % to 43 % of the rows, because it was made
//! for tenths of a distribution: its limit of 0.1 is a change of about 16 points in a share of one half, and of 9 in a share
//! of a tenth. So a change is also judged by the points that the share itself has moved.

use statrs::function::gamma::checked_gamma_ur;

/// From this many points on a change is moderate: one row in twenty is no longer where it was.
pub const MODERATE_POINTS: f64 = 5.0;

/// From this many points on a change is major: one row in ten is no longer where it was.
pub const MAJOR_POINTS: f64 = 10.0;

/// A change counts only if chance gives one as large less often than this, all comparisons of a table taken together.
pub const LEVEL: f64 = 0.01;

/// The bin whose share changed most, and its change from `then` to `now`. The first one on ties; `None` without bins.
pub fn largest(then: &[f64], now: &[f64]) -> Option<(usize, f64)> {
    let changes = (0..then.len().max(now.len())).map(|bin| (bin, of(now, bin) - of(then, bin)));
    changes.reduce(|most, one| if one.1.abs() > most.1.abs() { one } else { most })
}

/// Kolmogorov and Smirnov's distance of two distributions over bins that are in order: the bin up to which the cumulative
/// share changed most, and its change from `then` to `now`. The first one on ties; `None` without bins.
pub fn ordered(then: &[f64], now: &[f64]) -> Option<(usize, f64)> {
    let cumulative = |shares: &[f64]| -> Vec<f64> {
        let sums = (0..then.len().max(now.len())).scan(0.0, |sum, bin| {
            *sum += of(shares, bin);
            Some(*sum)
        });
        sums.collect()
    };
    largest(&cumulative(then), &cumulative(now))
}

/// The probability that the shares of `n` rows then and `m` rows now differ so much if both are drawn from the same table:
/// Pearson's chi-squared test of homogeneity. 1 if there is nothing to compare.
pub fn p_value((then, n): (&[f64], f64), (now, m): (&[f64], f64)) -> f64 {
    let (mut sum, mut bins) = (0.0, 0u32);
    for bin in 0..then.len().max(now.len()) {
        let (p, q) = (of(then, bin), of(now, bin));
        let pooled = (n * p + m * q) / (n + m);
        if pooled > 0.0 {
            sum += (p - q) * (p - q) / pooled;
            bins += 1;
        }
    }
    let statistic = sum * n * m / (n + m);
    if bins < 2 || statistic.is_nan() || statistic <= 0.0 {
        return 1.0;
    }
    checked_gamma_ur(f64::from(bins - 1) / 2.0, statistic / 2.0).map_or(1.0, |p| p.clamp(0.0, 1.0))
}

fn of(shares: &[f64], bin: usize) -> f64 {
    shares.get(bin).copied().unwrap_or(0.0)
}
