//! A sweep over k: several numbers of clusters, what speaks for each, and the choice of one.
//!
//! A [`Method`](crate::cluster::Method) fits all k and all restarts together; [`score`] computes the silhouettes of all k in
//! one pass over the pairs of rows; [`gap`] compares the fits with fits of tables without clusters; [`stability`] fits samples
//! of the rows again; and [`choose`] picks a k.

mod choice;
pub mod gap;
pub mod stability;

pub use choice::{Choice, Rule, RunnerUp, choose, elbow_of};

use crate::backend::Labeling;
use crate::cluster::{Details, Partition};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::evidence::dispersion::Dispersion;
use crate::evidence::silhouette::silhouette_scores;
use crate::progress::Progress;
use gap::Gap;

/// Scores that differ by less than this count as equal, because devices compute a silhouette to 1e-5 only.
const SAME_SCORE: f64 = 2e-5;

/// The result for one k of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepRow {
    /// The partition of the best restart.
    pub partition: Partition,
    /// What speaks for this k.
    pub scores: Scores,
}

/// What speaks for a k. A score that was not computed, or is undefined, is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Scores {
    /// The mean silhouette of all rows, or of a sample if one was requested.
    pub silhouette: Option<f64>,
    /// The score of Calinski and Harabasz; higher is better.
    pub calinski_harabasz: Option<f64>,
    /// The score of Davies and Bouldin; lower is better.
    pub davies_bouldin: Option<f64>,
    /// The gap statistic.
    pub gap: Option<Gap>,
    /// How far the weakest segment reappears when a sample is fitted: see [`stability`].
    pub stability: Option<f64>,
    /// Schwarz' criterion of a Gaussian mixture; lower is better.
    pub bic: Option<f64>,
    /// Akaike's criterion of a Gaussian mixture; lower is better.
    pub aic: Option<f64>,
}

impl Scores {
    /// What the method itself says about a partition.
    fn of(partition: &Partition) -> Self {
        match &partition.details {
            Details::Gmm(found) => Scores { bic: Some(found.bic), aic: Some(found.aic), ..Scores::default() },
            _ => Scores::default(),
        }
    }
}

impl SweepRow {
    /// A row that has no scores yet.
    pub fn new(partition: Partition) -> Self {
        SweepRow { scores: Scores::of(&partition), partition }
    }
}

/// Adds the scores of Calinski and Harabasz, and of Davies and Bouldin.
pub fn score_dispersion(dataset: &Dataset<'_>, rows: &mut [SweepRow]) {
    for SweepRow { partition, scores } in rows {
        if let Some(labels) = partition.labels.complete() {
            let dispersion = Dispersion::of(dataset.matrix(), Labeling { k: partition.k, labels });
            scores.calinski_harabasz = dispersion.calinski_harabasz();
            scores.davies_bouldin = dispersion.davies_bouldin();
        }
    }
}

/// Computes the mean silhouettes of several partitions in one pass over all pairs of rows. The result has one entry per
/// partition, in the same order. Rows without a label (noise) do not take part, so a partition that has some costs a pass of its
/// own.
///
/// # Errors
/// The device failed, or [`Error::Interrupted`](crate::Error::Interrupted) if the caller stopped the work.
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
    let mut rows = Vec::with_capacity(partitions.len());
    for (partition, scored) in partitions.into_iter().zip(scored) {
        let silhouette = match scored {
            true => scores.next(),
            false => silhouette_without_noise(dataset, &partition, progress)?,
        };
        rows.push(SweepRow { scores: Scores { silhouette, ..Scores::of(&partition) }, partition });
    }
    Ok(rows)
}

/// The mean silhouette of the rows that have a label; `None` if all have one, or if fewer than two clusters have rows.
fn silhouette_without_noise(
    dataset: &Dataset<'_>,
    partition: &Partition,
    progress: Progress<'_>,
) -> Result<Option<f64>> {
    let several = partition.weights.iter().filter(|&&w| w > 0).count() > 1;
    if !several || partition.labels.complete().is_some() {
        return Ok(None);
    }
    let labelled = partition.labels.iter().enumerate().filter_map(|(row, label)| Some((row, label?)));
    let (rows, labels): (Vec<usize>, Vec<u32>) = labelled.unzip();
    let matrix = dataset.matrix().select(&rows);
    let dataset = Dataset::load(dataset.backend(), &matrix)?;
    let labeling = Labeling { k: partition.k, labels: &labels };
    Ok(silhouette_scores(&dataset, &[labeling], progress)?.pop())
}
