//! Whether two labellings of the same rows agree.
//!
//! A [`Contingency`] counts the rows of each pair of labels. All else is computed from it: the scores of an [`Agreement`],
//! each as scikit-learn 1.9 defines it, and which label of one corresponds to which of the other
//! ([`Contingency::matched`]). Counts are whole numbers, so they are the same on every device and for any number of threads.

mod contingency;
mod information;
mod matching;

pub use contingency::{Cell, Contingency};

use serde::{Deserialize, Serialize};

/// How well two labellings, `a` and `b`, agree. Every score is 1 for labellings that are equal but for the names of their
/// labels. The order of the two matters only for `homogeneity` and `completeness`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// The adjusted Rand index (Hubert and Arabie 1985), at most 1: of all pairs of rows, how many are together in both or
    /// apart in both, corrected so that 0 is what labellings have by chance.
    pub ari: f64,
    /// The adjusted mutual information (Vinh, Epps and Bailey 2010), with the arithmetic mean of the entropies: the
    /// information that the labellings share, corrected so that 0 is what they share by chance.
    pub ami: f64,
    /// The mutual information divided by the arithmetic mean of the entropies, from 0 to 1. It grows with the number of
    /// labels, even of random ones.
    pub nmi: f64,
    /// From 0 to 1; 1 if the rows of each label of `b` have one label of `a` (Rosenberg and Hirschberg 2007).
    pub homogeneity: f64,
    /// From 0 to 1; 1 if the rows of each label of `a` have one label of `b`.
    pub completeness: f64,
    /// The harmonic mean of homogeneity and completeness, which equals `nmi`.
    pub v_measure: f64,
}

impl Agreement {
    /// The scores of two labellings. Without any rows, and if each has a single label, all are 1.
    pub fn of(table: &Contingency) -> Self {
        let (ami, nmi) = information::adjusted_and_normalized(table);
        let (homogeneity, completeness) = information::homogeneity_completeness(table);
        let sum = homogeneity + completeness;
        let v_measure = if sum == 0.0 { 0.0 } else { 2.0 * homogeneity * completeness / sum };
        Agreement { ari: adjusted_rand(table), ami, nmi, homogeneity, completeness, v_measure }
    }
}

/// The adjusted Rand index, in whole numbers up to the last division as long as there are fewer than 2^32 rows.
fn adjusted_rand(table: &Contingency) -> f64 {
    let pairs = |n: u64| u128::from(n) * u128::from(n.saturating_sub(1)) / 2;
    let all = pairs(table.total());
    let together: u128 = table.cells().iter().map(|cell| pairs(cell.count)).sum();
    let in_a: u128 = table.a_sums().iter().map(|&n| pairs(n)).sum();
    let in_b: u128 = table.b_sums().iter().map(|&n| pairs(n)).sum();
    if together == in_a && together == in_b {
        return 1.0;
    }
    if table.total() >> 32 == 0 {
        // Fewer than 2^63 pairs, so that each product is below 2^127.
        let above = (together * all) as i128 - (in_a * in_b) as i128;
        let below = (in_a * (all - in_b)) + (in_b * (all - in_a));
        return 2.0 * (above as f64 / below as f64);
    }
    let [together, in_a, in_b] = [together, in_a, in_b].map(|n| n as f64 / all as f64);
    2.0 * (together - in_a * in_b) / (in_a * (1.0 - in_b) + in_b * (1.0 - in_a))
}
