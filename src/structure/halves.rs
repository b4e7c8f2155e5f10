//! Do the segments reappear on rows that were held out, and are they separated there by sparse zones?

use super::dip::{dip, dip_p_value};
use super::twins::permutation;
use crate::backend::Backend;
use crate::canonical::Centroids;
use crate::cluster::{Fit, Params, Start, fit};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::progress::Progress;
use crate::random::{Draws, Purpose};

/// A dip counts as a gap where its p-value is below this.
const GAP_P: f64 = 0.01;

/// And the dip itself is at least this large, so that many rows do not make a gap of a shallow valley. Between the centroids of
/// two normal clouds that are 4 standard deviations apart the dip is about 0.065, and at 6 it is about 0.1.
const GAP_DIP: f64 = 0.045;

/// What a random split into two halves shows, the mean of both directions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Halves {
    /// Prediction strength (Tibshirani and Walther, 2005).
    pub(super) prediction_strength: f64,
    /// The share of rows in segments that a gap separates from the nearest segment.
    pub(super) separated: f64,
}

/// Fits both halves of a random split, and looks at each half with the other's centroids. A half with fewer distinct rows
/// than k shows nothing.
pub(super) fn halves(
    backend: &dyn Backend,
    matrix: &Matrix,
    k: usize,
    params: &Params,
    split: u64,
) -> Result<Halves> {
    let n = matrix.rows();
    let mut stream = Draws::new(params.seed, Purpose::StructureHalves).at(split);
    let order = permutation(n, || stream.bits());
    let sides = [matrix.select(&order[..n / 2]), matrix.select(&order[n / 2..])];
    let mut out = Halves { prediction_strength: 0.0, separated: 0.0 };
    if sides.iter().any(|side| side.distinct_rows(k).is_err()) {
        return Ok(out);
    }
    let datasets = [Dataset::load(backend, &sides[0])?, Dataset::load(backend, &sides[1])?];
    let of = |dataset: &Dataset<'_>| fit(dataset, k, params, &Start::KMeansPlusPlus, Progress::none());
    let fits = [of(&datasets[0])?, of(&datasets[1])?];
    for (own, other) in [(0, 1), (1, 0)] {
        let predicted = datasets[own]
            .lloyd(std::slice::from_ref(&fits[other].centroids), true)?
            .pop()
            .and_then(|pass| pass.labels)
            .ok_or_else(|| Error::Device("the device returned no labels".into()))?;
        out.prediction_strength += 0.5 * prediction_strength(&fits[own], &predicted, k);
        out.separated += 0.5 * separated(&sides[own], &fits[other].centroids, &predicted);
    }
    Ok(out)
}

/// Of the pairs of rows of a segment, the share that the other half's centroids keep together: the smallest of all segments.
fn prediction_strength(fit: &Fit, predicted: &[u32], k: usize) -> f64 {
    let mut together = vec![0u64; k * k];
    for (&own, &other) in fit.labels.iter().zip(predicted) {
        together[own as usize * k + other as usize] += 1;
    }
    let pairs = |count: u64| count * count.saturating_sub(1);
    let kept = together.chunks_exact(k).filter_map(|counts| {
        let all = pairs(counts.iter().sum());
        (all > 0).then(|| counts.iter().map(|&count| pairs(count)).sum::<u64>() as f64 / all as f64)
    });
    kept.fold(1.0, f64::min)
}

/// The share of rows in segments that have a gap between them and the nearest segment: along the line from one centroid to
/// the other, the rows between the two centroids have a dip.
///
/// Rows beyond the centroids are left out, because a scale that is bent piles up there: the projection of an arc onto its
/// chord is dense at both ends.
fn separated(matrix: &Matrix, centroids: &Centroids, labels: &[u32]) -> f64 {
    let mut rows = 0;
    for s in 0..centroids.k() {
        let own = centroids.get(s);
        let apart = |t: usize| -> f64 {
            own.iter().zip(centroids.get(t)).map(|(a, b)| f64::from(b - a) * f64::from(b - a)).sum()
        };
        let others = (0..centroids.k()).filter(|&t| t != s);
        let Some(nearest) = others.min_by(|&a, &b| apart(a).total_cmp(&apart(b))) else { continue };
        let line: Vec<f64> =
            own.iter().zip(centroids.get(nearest)).map(|(a, b)| f64::from(*b) - f64::from(*a)).collect();
        let project = |row: &mut dyn Iterator<Item = f32>| -> f64 {
            row.zip(&line).map(|(v, l)| f64::from(v) * l).sum()
        };
        let (from, to) =
            (project(&mut own.iter().copied()), project(&mut centroids.get(nearest).iter().copied()));
        let both = |label: u32| label as usize == s || label as usize == nearest;
        let mut along: Vec<f64> = (0..matrix.rows())
            .filter(|&i| both(labels[i]))
            .map(|i| project(&mut matrix.row(i)))
            .filter(|along| (from..=to).contains(along))
            .collect();
        along.sort_unstable_by(f64::total_cmp);
        let dip = dip(&along);
        if dip >= GAP_DIP && dip_p_value(dip, along.len()) < GAP_P {
            rows += labels.iter().filter(|&&label| label as usize == s).count();
        }
    }
    rows as f64 / labels.len() as f64
}
