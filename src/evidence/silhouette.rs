//! Silhouettes (Rousseeuw, 1987): exact, on every row, for any number of labelings in one pass over the pairs.

use crate::backend::{BinaryMetric, BinaryRows, Labeling, SumsSink};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::matrix::{BLOCK, Matrix};
use crate::progress::Progress;
use crate::weights::Weights;
use rayon::prelude::*;

/// The mean silhouette of each labeling, Euclidean, over all rows.
///
/// A row of weight w counts as w rows: its copies are at distance 0 from it, and its silhouette counts w times. If
/// weights are not whole numbers, a row is compared only with the other rows, as if it had no copies.
///
/// # Errors
/// A labeling with fewer than two clusters that have rows; a device that failed; [`Error::Interrupted`].
pub fn silhouette_scores(
    dataset: &Dataset<'_>,
    labelings: &[Labeling<'_>],
    progress: Progress<'_>,
) -> Result<Vec<f64>> {
    let matrix = dataset.matrix();
    let sums = |sink: SumsSink<'_>| dataset.distance_sums(labelings, progress, sink);
    means(&copies(matrix, &|i| matrix.copies(i)), matrix.total_copies(), labelings, sums)
}

/// The silhouette of every row under one labeling: `(b - a) / max(a, b)`, 0 for the only row of a cluster.
///
/// # Errors
/// As [`silhouette_scores`].
pub fn silhouette_samples(
    dataset: &Dataset<'_>,
    labeling: Labeling<'_>,
    progress: Progress<'_>,
) -> Result<Vec<f64>> {
    let sums = |sink: SumsSink<'_>| dataset.distance_sums(&[labeling], progress, sink);
    let matrix = dataset.matrix();
    samples(&copies(matrix, &|i| matrix.copies(i)), labeling, sums)
}

/// As [`silhouette_scores`], for rows of 0 and 1 in Jaccard's or Hamming's distance. The same bits on every device.
///
/// # Errors
/// As [`silhouette_scores`].
pub fn binary_silhouette_scores(
    rows: &dyn BinaryRows,
    metric: BinaryMetric,
    labelings: &[Labeling<'_>],
    progress: Progress<'_>,
) -> Result<Vec<f64>> {
    let total = labelings.first().map_or(0, |labeling| labeling.labels.len());
    let sums = |sink: SumsSink<'_>| rows.distance_sums(metric, labelings, progress, sink);
    means(&ONE_OF_EACH, total as f64, labelings, sums)
}

/// As [`silhouette_samples`], for rows of 0 and 1 in Jaccard's or Hamming's distance. The same bits on every device.
///
/// # Errors
/// As [`silhouette_scores`].
pub fn binary_silhouette_samples(
    rows: &dyn BinaryRows,
    metric: BinaryMetric,
    labeling: Labeling<'_>,
    progress: Progress<'_>,
) -> Result<Vec<f64>> {
    let sums = |sink: SumsSink<'_>| rows.distance_sums(metric, &[labeling], progress, sink);
    samples(&ONE_OF_EACH, labeling, sums)
}

/// How often rows count.
struct Copies<'a> {
    /// The copies of a row.
    of: &'a (dyn Fn(usize) -> f64 + Sync),
    /// Whether copies are rows, one of which is the row itself. Otherwise the whole weight is the row itself.
    whole: bool,
}

fn copies<'a>(matrix: &Matrix, of: &'a (dyn Fn(usize) -> f64 + Sync)) -> Copies<'a> {
    Copies { of, whole: matrix.sample_weights().is_none_or(Weights::is_whole) }
}

/// Rows without weights.
const ONE_OF_EACH: Copies<'static> = Copies { of: &|_| 1.0, whole: true };

/// The mean of all rows' silhouettes for each labeling.
fn means(
    copies: &Copies<'_>,
    total: f64,
    labelings: &[Labeling<'_>],
    distance_sums: impl FnOnce(SumsSink<'_>) -> Result<()>,
) -> Result<Vec<f64>> {
    let mut totals = vec![0.0; labelings.len()];
    let mut block = vec![0.0; labelings.len()];
    each_row(copies, labelings, distance_sums, &mut |i, scores| {
        if i % BLOCK == 0 {
            totals.iter_mut().zip(&mut block).for_each(|(t, b)| *t += std::mem::take(b));
        }
        let copies = (copies.of)(i);
        block.iter_mut().zip(scores).for_each(|(b, s)| *b += copies * s);
    })?;
    Ok(totals.iter().zip(&block).map(|(t, b)| (t + b) / total).collect())
}

fn samples(
    copies: &Copies<'_>,
    labeling: Labeling<'_>,
    distance_sums: impl FnOnce(SumsSink<'_>) -> Result<()>,
) -> Result<Vec<f64>> {
    let mut out = Vec::with_capacity(labeling.labels.len());
    each_row(copies, &[labeling], distance_sums, &mut |_, scores| out.extend_from_slice(scores))?;
    Ok(out)
}

/// Passes each row's silhouettes, one for each labeling, to `take`, in the order of the rows.
fn each_row(
    copies: &Copies<'_>,
    labelings: &[Labeling<'_>],
    distance_sums: impl FnOnce(SumsSink<'_>) -> Result<()>,
    take: &mut dyn FnMut(usize, &[f64]),
) -> Result<()> {
    if labelings.is_empty() {
        return Ok(());
    }
    let sizes: Vec<Vec<f64>> = labelings
        .iter()
        .map(|l| {
            let mut sizes = vec![0.0; l.k];
            for (i, &label) in l.labels.iter().enumerate() {
                if let Some(size) = sizes.get_mut(label as usize) {
                    *size += (copies.of)(i);
                }
            }
            sizes
        })
        .collect();
    if sizes.iter().any(|s| s.iter().filter(|&&n| n > 0.0).count() < 2) {
        return Err(Error::data("a silhouette needs at least two clusters that have rows"));
    }
    let width: usize = labelings.iter().map(|l| l.k).sum();
    let mut scores = Vec::new();
    distance_sums(&mut |range, sums| {
        scores.resize(range.len() * labelings.len(), 0.0);
        let rows = scores.par_chunks_exact_mut(labelings.len()).zip(sums.par_chunks_exact(width));
        rows.zip(range.clone()).with_min_len(256).for_each(|((scores, sums), i)| {
            let mut rest = sums;
            for ((score, labeling), sizes) in scores.iter_mut().zip(labelings).zip(&sizes) {
                let (own, others) = rest.split_at(labeling.k);
                let itself = if copies.whole { 1.0 } else { (copies.of)(i) };
                *score = silhouette(own, sizes, labeling.labels[i] as usize, itself);
                rest = others;
            }
        });
        range.zip(scores.chunks_exact(labelings.len())).for_each(|(i, scores)| take(i, scores));
        Ok(())
    })
}

/// One row's silhouette from the sums of its distances to every cluster; `itself` is the part of its own cluster's size
/// that it is not compared with.
fn silhouette(sums: &[f64], sizes: &[f64], own: usize, itself: f64) -> f64 {
    // Sums of fractional weights leave a rounding error.
    let others = sizes[own] - itself;
    if others <= 1e-12 * sizes[own] {
        return 0.0;
    }
    let within = sums[own] / others;
    let nearest = sums
        .iter()
        .zip(sizes)
        .enumerate()
        .filter(|(c, (_, size))| *c != own && **size > 0.0)
        .map(|(_, (sum, &size))| sum / size)
        .fold(f64::INFINITY, f64::min);
    let larger = within.max(nearest);
    if larger > 0.0 { (nearest - within) / larger } else { 0.0 }
}
