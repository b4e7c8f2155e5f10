//! How likely rows belong to segments that were merged and split from the components of a Gaussian mixture.

use super::{Becomes, FitCentroid, SubMixture, UNSEEN};
use crate::cluster::gmm::Mixture;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::model::Assignment;

/// Sets the probability of each row's segment. `choices` has, for each split by a column in the order of the centroids, each
/// row's segment.
///
/// # Errors
/// A covariance that is not positive definite.
pub(super) fn set_probabilities(
    dataset: &Dataset<'_>,
    fit: (&[FitCentroid], &Mixture),
    choices: &[Vec<u32>],
    rows: &mut [Assignment],
) -> Result<()> {
    let segments = fit.0.iter().flat_map(|c| c.becomes.segments()).max().map_or(0, |last| last as usize + 1);
    let all = responsibilities(dataset, fit, choices, segments)?;
    for (row, own) in rows.iter_mut().zip(all.chunks_exact(segments)) {
        row.probability = own[row.segment as usize].min(1.0);
    }
    Ok(())
}

/// For each row how likely it belongs to each of so many segments: n x k values, row by row. A merged segment has the sum of
/// its components'; the parts of a split share that of their component. Where a column splits, the row's own part has all of
/// it.
///
/// # Errors
/// A covariance that is not positive definite.
pub(in crate::model) fn responsibilities(
    dataset: &Dataset<'_>,
    (centroids, mixture): (&[FitCentroid], &Mixture),
    choices: &[Vec<u32>],
    segments: usize,
) -> Result<Vec<f32>> {
    let (n, k) = (dataset.matrix().rows(), centroids.len());
    let of_components = mixture.responsibilities(dataset)?;
    let mut out = vec![0f32; n * segments];
    let mut splits = choices.iter();
    for (c, centroid) in centroids.iter().enumerate() {
        let own = of_components.chunks_exact(k).map(|row| row[c]);
        let rows = out.chunks_exact_mut(segments).zip(own);
        match &centroid.becomes {
            Becomes::Segment(segment) => rows.for_each(|(row, share)| row[*segment as usize] += share),
            Becomes::Nearest(parts) => {
                // A mixture's segments are fitted again by a mixture, so this does not occur.
                rows.for_each(|(row, share)| row[parts[0].segment as usize] += share);
            }
            Becomes::Likeliest(SubMixture { parts, components }) => {
                let of_parts = components.responsibilities(dataset)?;
                for ((row, share), of_parts) in rows.zip(of_parts.chunks_exact(parts.len())) {
                    parts
                        .iter()
                        .zip(of_parts)
                        .for_each(|(part, of)| row[part.segment as usize] += share * of);
                }
            }
            Becomes::By(by) => {
                let choices = splits.next();
                for (i, (row, share)) in rows.enumerate() {
                    let chosen = choices.and_then(|choices| choices.get(i)).copied();
                    let segment = chosen.filter(|segment| *segment != UNSEEN).unwrap_or(by.other);
                    row[segment as usize] += share;
                }
            }
        }
    }
    Ok(out)
}
