//! How far the segments of each k reappear in bootstrap samples, for the choice of k: see [`crate::stability`]. A large table is
//! represented by some of its rows.

use crate::cluster::{Labels, Params, Start, fit_many};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::progress::Progress;
use crate::random::{Draws, Purpose};
use crate::stability::{Urn, recur};

/// How stability is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StabilityParams {
    /// How many bootstrap samples.
    pub samples: usize,
    /// A larger table is represented by this many rows, drawn at random.
    pub rows: usize,
    /// How many restarts each fit has.
    pub n_init: usize,
    /// The seed of the samples and of the fits.
    pub seed: u64,
}

impl Default for StabilityParams {
    fn default() -> Self {
        StabilityParams { samples: 20, rows: 20_000, n_init: 3, seed: 0 }
    }
}

/// For each labeling (k, and one label a row) the mean Jaccard index of each of its segments, over the samples in which the
/// segment has rows; `None` for a segment that was in no sample.
///
/// # Errors
/// A device that failed; [`Error::Interrupted`](crate::Error::Interrupted).
pub fn stability(
    dataset: &Dataset<'_>,
    labelings: &[(usize, &[u32])],
    params: StabilityParams,
    progress: Progress<'_>,
) -> Result<Vec<Vec<Option<f64>>>> {
    let draws = Draws::new(params.seed, Purpose::Stability);
    let all = dataset.matrix().rows();
    let whole: Vec<usize> = match all > params.rows {
        true => draws.at(0).sample(params.rows, all),
        false => (0..all).collect(),
    };
    let fit = Params { n_init: params.n_init, seed: params.seed, ..Params::default() };
    let refit = |drawn: &Dataset<'_>, ks: &[usize], _| {
        let fits = fit_many(drawn, ks, &fit, &Start::KMeansPlusPlus, Progress::none())?;
        Ok(fits.into_iter().map(|fit| (fit.k, Labels::new(fit.labels))).collect())
    };
    let urn = Urn::of(dataset.matrix(), whole);
    let found = recur(dataset, &urn, labelings, (&draws, params.samples), refit, progress)?;
    Ok(found.iter().map(|segments| segments.iter().map(|segment| segment.jaccard()).collect()).collect())
}
