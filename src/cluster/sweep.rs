//! A sweep over k: [`fit_many`](super::fit_many) fits all k and all restarts together, [`score`] takes the
//! silhouettes of all k in one pass over the pairs, [`choose`] chooses.

use super::kmeans::Fit;
use crate::backend::Labeling;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::evidence::silhouette::silhouette_scores;
use crate::progress::Progress;

/// Scores that differ by less are taken for equal: devices agree on a silhouette to 1e-5.
const SAME_SCORE: f64 = 2e-5;

/// One k of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepRow {
    /// The best start of this k.
    pub fit: Fit,
    /// Mean silhouette of all rows (or of the sample asked for); none for k = 1.
    pub silhouette: Option<f64>,
}

impl SweepRow {
    /// The smallest segment's share of the rows' weight, in per cent.
    pub fn min_segment_pct(&self) -> f64 {
        let weights = &self.fit.weights;
        100.0 * weights.iter().copied().min().unwrap_or(0) as f64 / weights.iter().sum::<u128>() as f64
    }
}

/// How k is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The highest silhouette; of scores within 2e-5 the smaller k.
    Silhouette,
}

/// What was chosen, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The k.
    pub k: usize,
    /// The rule in words.
    pub rule: String,
    /// The best k below the smallest that could be chosen, where its score is higher.
    pub passed_over: Option<usize>,
}

/// The silhouettes of several fits in one pass over all pairs of rows.
///
/// # Errors
/// A device that failed; [`Error::Interrupted`].
pub fn score(dataset: &Dataset<'_>, fits: Vec<Fit>, progress: Progress<'_>) -> Result<Vec<SweepRow>> {
    let scored: Vec<bool> = fits.iter().map(|f| f.weights.iter().filter(|&&s| s > 0).count() > 1).collect();
    let labelings: Vec<Labeling<'_>> = fits
        .iter()
        .zip(&scored)
        .filter(|(_, scored)| **scored)
        .map(|(f, _)| Labeling { k: f.k, labels: &f.labels })
        .collect();
    let mut scores = silhouette_scores(dataset, &labelings, progress)?.into_iter();
    Ok(fits
        .into_iter()
        .zip(scored)
        .map(|(fit, scored)| SweepRow { silhouette: if scored { scores.next() } else { None }, fit })
        .collect())
}

/// The k that `rule` chooses among those of at least `min_k`.
///
/// # Errors
/// No k of the sweep is at least `min_k`, or none has a score.
pub fn choose(rows: &[SweepRow], rule: Rule, min_k: usize) -> Result<Choice> {
    let Rule::Silhouette = rule;
    let best_of = |allowed: &dyn Fn(usize) -> bool| {
        let scored: Vec<(usize, f64)> = rows
            .iter()
            .filter(|r| allowed(r.fit.k))
            .filter_map(|r| r.silhouette.map(|s| (r.fit.k, s)))
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
