//! Medoids: the rows that stand for their clusters (Kaufman and Rousseeuw, 1987).

use crate::backend::{BinaryMetric, BinaryRows, Labeling};
use crate::error::Result;
use crate::progress::Progress;

/// For each cluster the row whose distances to all rows of the cluster have the smallest sum; among several the one with the
/// lowest number. A cluster without rows has none.
///
/// Distances are those of [`BinaryRows::distance_sums`], so medoids are the same on every device.
///
/// # Errors
/// Labels that do not fit the rows; a device that failed; [`Error::Interrupted`](crate::Error::Interrupted).
pub fn binary_medoids(
    rows: &dyn BinaryRows,
    metric: BinaryMetric,
    labeling: Labeling<'_>,
    progress: Progress<'_>,
) -> Result<Vec<Option<usize>>> {
    let mut best: Vec<Option<(f64, usize)>> = vec![None; labeling.k];
    rows.distance_sums(metric, &[labeling], progress, &mut |range, sums| {
        for (i, sums) in range.zip(sums.chunks_exact(labeling.k.max(1))) {
            let own = labeling.labels[i] as usize;
            if best[own].is_none_or(|(least, _)| sums[own] < least) {
                best[own] = Some((sums[own], i));
            }
        }
        Ok(())
    })?;
    Ok(best.into_iter().map(|found| found.map(|(_, row)| row)).collect())
}
