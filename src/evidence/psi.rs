//! The population stability index: how far the shares of a table's bins have moved.
//!
//! `sum over the bins of (a - e) * ln(a / e)`, with the share `e` then and `a` now: the divergence of Jeffreys, "An invariant
//! form for the prior probability in estimation problems" (1946), under the name that Lewis, "An Introduction to Credit
//! Scoring" (1994), gave it. The words for its size are those of Siddiqi, "Credit Risk Scorecards" (2006). Where nothing
//! changed, its mean is about `(bins - 1) * (1 / n + 1 / m)` for tables of `n` and `m` rows (Yurdakul and Naranjo,
//! "Statistical properties of the population stability index", 2020), so few rows reach 0.1 by chance.

use super::shift::{LEVEL, MAJOR_POINTS, MODERATE_POINTS};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Smaller shares are taken as this one, because an empty bin would make the index infinite.
pub const LEAST_SHARE: f64 = 1e-4;

/// Below this, no change that matters.
pub const MODERATE: f64 = 0.1;

/// Above this, the tables differ.
pub const MAJOR: f64 = 0.25;

/// The index of the shares now against those then, bin by bin; 0 if they are equal. Swapping the two gives the same
/// value. Bins that only one of them has count as empty in the other.
pub fn psi(then: &[f64], now: &[f64]) -> f64 {
    let share = |of: &[f64], bin: usize| of.get(bin).copied().unwrap_or(0.0).max(LEAST_SHARE);
    (0..then.len().max(now.len()))
        .map(|bin| (share(then, bin), share(now, bin)))
        .map(|(e, a)| (a - e) * (libm::log(a) - libm::log(e)))
        .sum()
}

/// The mean of the index if nothing changed.
pub fn by_chance(bins: usize, then: usize, now: usize) -> f64 {
    bins.saturating_sub(1) as f64 * (1.0 / then.max(1) as f64 + 1.0 / now.max(1) as f64)
}

/// The size of a change as a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// An index below 0.1, and no share that moved by 5 points.
    Stable,
    /// More than that, but so few rows that chance alone may have done it.
    Chance,
    /// An index from 0.1 to 0.25, or a share that moved by 5 to 10 points.
    Moderate,
    /// More.
    Major,
}

impl Change {
    /// The word for an index alone.
    pub fn of(psi: f64) -> Self {
        if psi < MODERATE {
            Change::Stable
        } else if psi <= MAJOR {
            Change::Moderate
        } else {
            Change::Major
        }
    }

    /// The word for a change of so many percentage points, either way.
    pub fn of_points(points: f64) -> Self {
        match points.abs() {
            p if p < MODERATE_POINTS => Change::Stable,
            p if p < MAJOR_POINTS => Change::Moderate,
            _ => Change::Major,
        }
    }

    /// The word for a change with this index, whose largest part is so many points. `p_value` is the probability that chance
    /// alone changes as much, corrected for all comparisons.
    pub fn judge(psi: f64, points: f64, p_value: f64) -> Self {
        match Change::of(psi).max(Change::of_points(points)) {
            Change::Stable => Change::Stable,
            _ if p_value >= LEVEL => Change::Chance,
            change => change,
        }
    }

    /// Whether it matters: moderate or major.
    pub fn matters(self) -> bool {
        self >= Change::Moderate
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Change::Stable => "stable",
            Change::Chance => "within chance",
            Change::Moderate => "moderate",
            Change::Major => "major",
        })
    }
}
