//! Whether segments reappear when the rows are drawn again: Jaccard's index over bootstrap samples (Hennig, 2007).
//!
//! Each bootstrap draws as many rows as there are, with replacement, and fits them. Each segment of the whole fit is compared
//! with the segment of the new fit that it is most like, over the rows that were drawn: the rows that both have, as a share of
//! the rows that either has. 1 is a segment that always reappears; below 0.6 a segment should not be trusted.

use crate::cluster::{Params, Start, fit_many};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::matrix::Matrix;
use crate::progress::Progress;
use crate::random::{Draws, Purpose};

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
    let matrix = dataset.matrix();
    let draws = Draws::new(params.seed, Purpose::Stability);
    let all = matrix.rows();
    let whole: Vec<usize> = match all > params.rows {
        true => draws.at(0).sample(params.rows, all),
        false => (0..all).collect(),
    };
    let fit = Params { n_init: params.n_init, seed: params.seed, ..Params::default() };
    let mut totals: Vec<Vec<(f64, u32)>> = labelings.iter().map(|(k, _)| vec![(0.0, 0); *k]).collect();
    for sample in 0..params.samples {
        progress.step("stability", sample as u64, params.samples as u64)?;
        let (rows, counts) = resample(matrix, &whole, &draws, sample as u64 + 1);
        let drawn = matrix.select(&rows).weighted(counts.clone())?;
        // A sample has fewer distinct rows than the table.
        let most = drawn.distinct_rows(labelings.iter().map(|(k, _)| *k).max().unwrap_or(1));
        let fitted: Vec<usize> = (0..labelings.len())
            .filter(|&l| most.is_ok() || most.is_err_and(|distinct| labelings[l].0 <= distinct))
            .collect();
        let ks: Vec<usize> = fitted.iter().map(|&l| labelings[l].0).collect();
        if ks.is_empty() {
            continue;
        }
        let drawn = Dataset::load(dataset.backend(), &drawn)?;
        let fits = fit_many(&drawn, &ks, &fit, &Start::KMeansPlusPlus, Progress::none())?;
        for (&l, fit) in fitted.iter().zip(&fits) {
            let (k, labels) = labelings[l];
            let before = rows.iter().map(|&row| labels[row]);
            let found = jaccard(k, before.zip(fit.labels.iter().copied()).zip(counts.iter().copied()));
            for ((total, count), found) in totals[l].iter_mut().zip(found) {
                if let Some(found) = found {
                    (*total, *count) = (*total + found, *count + 1);
                }
            }
        }
    }
    progress.step("stability", params.samples as u64, params.samples as u64)?;
    let mean = |(total, count): (f64, u32)| (count > 0).then(|| total / f64::from(count));
    Ok(totals.into_iter().map(|segments| segments.into_iter().map(mean).collect()).collect())
}

/// Draws as many rows as there are, with replacement, each with a chance in proportion to its weight. Returns the rows that
/// were drawn, in order, and how often.
fn resample(matrix: &Matrix, whole: &[usize], draws: &Draws, sample: u64) -> (Vec<usize>, Vec<u32>) {
    let mut ends = Vec::with_capacity(whole.len());
    let mut end = 0u128;
    for &row in whole {
        end += matrix.weights().map_or(1, |w| u128::from(w[row]));
        ends.push(end);
    }
    let mut counts = vec![0u32; whole.len()];
    let mut stream = draws.at(sample);
    for _ in whole {
        // Weights are below 2^62 and rows below 2^32, so the end is below 2^94. The upper bits of the product decide.
        let (bits, low, high) = (u128::from(stream.bits()), end & u128::from(u64::MAX), end >> 64);
        let at = (bits * high) + ((bits * low) >> 64);
        let i = ends.partition_point(|&end| end <= at).min(whole.len() - 1);
        counts[i] += 1;
    }
    let drawn = (0..whole.len()).filter(|&i| counts[i] > 0);
    drawn.map(|i| (whole[i], counts[i])).unzip()
}

/// For each segment before, the highest Jaccard index with a segment after. `rows` has each row's segment before and after,
/// and how often it counts.
fn jaccard(k: usize, rows: impl Iterator<Item = ((u32, u32), u32)>) -> Vec<Option<f64>> {
    let mut common = vec![0u64; k * k];
    for ((before, after), count) in rows {
        common[before as usize * k + after as usize] += u64::from(count);
    }
    let after: Vec<u64> = (0..k).map(|c| common.iter().skip(c).step_by(k).sum()).collect();
    common
        .chunks_exact(k)
        .map(|common| {
            let before: u64 = common.iter().sum();
            let index = |(&both, &after): (&u64, &u64)| both as f64 / (before + after - both) as f64;
            (before > 0).then(|| common.iter().zip(&after).map(index).fold(0.0, f64::max))
        })
        .collect()
}
