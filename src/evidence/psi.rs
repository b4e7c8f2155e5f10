//! The population stability index: how far the shares of a table's bins have moved.
//!
//! `sum over the bins of (a - e) * ln(a / e)`, with the share `e` then and `a` now: the divergence of Jeffreys, "An invariant
//! form for the prior probability in estimation problems" (1946), under the name that Lewis, "An Introduction to Credit
//! Scoring" (1994), gave it. The words for its size are those of Siddiqi, "Credit Risk Scorecards" (2006). Where nothing
//! changed, its mean is about `(bins - 1) * (1 / n + 1 / m)` for tables of `n` and `m` rows (Yurdakul and Naranjo,
//! "Statistical properties of the population stability index", 2020), so few rows reach 0.1 by chance.

use serde::Serialize;
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

/// The size of an index as a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Below 0.1.
    Stable,
    /// From 0.1 to 0.25.
    Moderate,
    /// Above 0.25.
    Major,
}

impl Change {
    /// The word for an index.
    pub fn of(psi: f64) -> Self {
        if psi < MODERATE {
            Change::Stable
        } else if psi <= MAJOR {
            Change::Moderate
        } else {
            Change::Major
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Change::Stable => "stable",
            Change::Moderate => "moderate",
            Change::Major => "major",
        })
    }
}
