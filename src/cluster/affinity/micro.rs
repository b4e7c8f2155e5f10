//! Micro-clusters: a few thousand points that stand for the rows of a table that is too large for messages between all of
//! them.

use super::{MICRO_CLUSTERS, Sample};
use crate::canonical;
use crate::cluster::kmeans::{self, Params, Start};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::matrix::Repeats;
use crate::progress::Progress;
use rayon::prelude::*;
use std::borrow::Cow;

/// The passes of KMeans. Micro-clusters only need to be small; more passes hardly make them smaller.
const PASSES: usize = 5;

/// Gathers the rows into [`MICRO_CLUSTERS`] clusters by one restart of KMeans. A point is the centre of one, and stands for the
/// copies of its rows.
pub(super) fn clusters<'a>(
    dataset: &Dataset<'a>,
    repeats: &Repeats,
    seed: u64,
    progress: Progress<'_>,
) -> Result<Sample<'a>> {
    let matrix = dataset.matrix();
    let params = Params { n_init: 1, max_init: 0, max_iter: PASSES, tol: 0.0, seed };
    let fit = kmeans::fit(dataset, MICRO_CLUSTERS, &params, &Start::KMeansPlusPlus, progress)?;
    let given = fit.centroids;
    // A cluster has lost all its rows only if the last pass moved its centroid away from them.
    let kept: Vec<usize> = (0..fit.k).filter(|&c| fit.weights[c] > 0).collect();
    let centres = matrix
        .beside(kept.len(), |c, j| matrix.to_user(f64::from(given.values[kept[c] * given.features + j])));
    let weights = matrix.sample_weights();
    let copies = kept.iter().map(|&c| {
        let steps = fit.weights[c];
        weights.map_or(steps as f64, |w| w.as_copies(steps))
    });
    let copies = copies.collect();
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); fit.k];
    for distinct in 0..repeats.len() {
        let row = repeats.first(distinct);
        members[fit.labels[row] as usize].push(row);
    }
    let nearest = |&c: &usize| {
        let distance = |&row: &usize| canonical::squared_distance(matrix.row(row), given.get(c));
        let by_distance = members[c].iter().map(|row| (distance(row), *row));
        by_distance.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))).map_or(0, |(_, row)| row)
    };
    let rows = kept.par_iter().map(nearest).collect();
    Ok(Sample { matrix: Cow::Owned(centres), copies: Some(copies), rows, approximate: true })
}
