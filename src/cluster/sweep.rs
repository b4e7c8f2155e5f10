//! A sweep over k: tries several numbers of clusters and chooses one of them.
//!
//! A [`Method`](super::Method) fits all k and all restarts together, [`score`] computes the silhouettes of all k in one
//! pass over the pairs of rows, and [`choose`] picks a k.

use super::partition::Partition;
use crate::backend::Labeling;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::evidence::silhouette::silhouette_scores;
use crate::progress::Progress;
use serde::{Deserialize, Serialize};

/// Scores that differ by less than this count as equal, because devices compute a silhouette to 1e-5 only.
const SAME_SCORE: f64 = 2e-5;

/// The result for one k of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepRow {
    /// The partition of the best restart.
    pub partition: Partition,
    /// The mean silhouette of all rows, or of a sample if one was requested. `None` if it is undefined, as for k = 1.
    pub silhouette: Option<f64>,
}

/// The rule by which k is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// The highest silhouette; among scores within 2e-5 of it, the smallest k.
    Silhouette,
}

impl Rule {
    /// The name of each rule.
    pub const WORDS: &[(&str, Rule)] = &[("silhouette", Rule::Silhouette)];
}

/// The chosen k, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The chosen k.
    pub k: usize,
    /// The rule in words.
    pub rule: String,
    /// The best k below the smallest one allowed, if its score is higher than that of the chosen k.
    pub passed_over: Option<usize>,
}

/// Computes the mean silhouettes of several partitions in one pass over all pairs of rows. The result has one entry per
/// partition, in the same order.
///
/// # Errors
/// The device failed, or [`Error::Interrupted`] if the caller stopped the work.
pub fn score(
    dataset: &Dataset<'_>,
    partitions: Vec<Partition>,
    progress: Progress<'_>,
) -> Result<Vec<SweepRow>> {
    let labeling = |p: &'_ Partition| {
        let several = p.weights.iter().filter(|&&w| w > 0).count() > 1;
        p.labels.complete().filter(|_| several).is_some()
    };
    let scored: Vec<bool> = partitions.iter().map(labeling).collect();
    let labelings: Vec<Labeling<'_>> = partitions
        .iter()
        .zip(&scored)
        .filter(|(_, scored)| **scored)
        .filter_map(|(p, _)| Some(Labeling { k: p.k, labels: p.labels.complete()? }))
        .collect();
    let mut scores = silhouette_scores(dataset, &labelings, progress)?.into_iter();
    Ok(partitions
        .into_iter()
        .zip(scored)
        .map(|(partition, scored)| SweepRow {
            silhouette: if scored { scores.next() } else { None },
            partition,
        })
        .collect())
}

/// Chooses a k of at least `min_k` by `rule`.
///
/// # Errors
/// [`Error::Usage`] if no k of the sweep is at least `min_k` and has a silhouette.
pub fn choose(rows: &[SweepRow], rule: Rule, min_k: usize) -> Result<Choice> {
    let Rule::Silhouette = rule;
    let best_of = |allowed: &dyn Fn(usize) -> bool| {
        let scored: Vec<(usize, f64)> = rows
            .iter()
            .filter(|r| allowed(r.partition.k))
            .filter_map(|r| r.silhouette.map(|s| (r.partition.k, s)))
            .collect();
        let best = scored.iter().map(|(_, s)| *s).fold(f64::NEG_INFINITY, f64::max);
        scored.into_iter().filter(|(_, s)| best - s < SAME_SCORE).min_by_key(|(k, _)| *k)
    };
    let (k, score) = best_of(&|k| k >= min_k)
        .ok_or_else(|| Error::Usage(format!("no k of the sweep is at least {min_k} and has a silhouette")))?;
    let below = best_of(&|k| k < min_k).filter(|(_, below)| below - score >= SAME_SCORE);
    Ok(Choice {
        k,
        rule: format!("highest silhouette among k >= {min_k}"),
        passed_over: below.map(|(k, _)| k),
    })
}
