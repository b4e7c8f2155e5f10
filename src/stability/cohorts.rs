//! Fits parts of the rows on their own, such as the users who signed up in one week, and compares them with the fit of all.

use crate::canonical::{Centroids, squared_distance};
use crate::cluster::kmeans::Start;
use crate::cluster::{Labels, Method};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::evidence::matching::cheapest_pairs;
use crate::matrix::Matrix;
use crate::progress::Progress;

/// The fit of a part of the rows beside that of all rows. Segments are in the order of the fit of all rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Refit {
    /// The share of the rows that have the same segment in both fits.
    pub agreement: f64,
    /// The adjusted Rand index of the two labelings (Hubert and Arabie, 1985): 1 where they are the same, near 0 for chance.
    pub ari: f64,
    /// For each segment the share of the rows that the new fit puts into it.
    pub shares: Vec<f64>,
    /// The centroids of the new fit, in stored units.
    pub centroids: Centroids,
    /// For each segment the distance of its new centroid to its old one, as a share of the distance from the old one to the
    /// nearest other; `None` where there is no other.
    pub moved: Vec<Option<f64>>,
}

/// Why the fit of a part is not compared with that of all rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmatched {
    /// The part has fewer distinct rows than there are segments.
    TooFewRows {
        /// How many it has.
        distinct: usize,
    },
    /// The method, which finds the number of segments by itself, found another one.
    OtherNumber {
        /// How many it found.
        segments: usize,
    },
}

/// The segments of the fit of all rows.
#[derive(Debug, Clone, Copy)]
pub struct Whole<'a> {
    /// Each row's segment, in the rows of the dataset.
    pub labels: &'a Labels,
    /// The segments' centroids, in stored units.
    pub centroids: &'a Centroids,
    /// For each feature whether it counts in the distances of centroids. One that says which part a row is in should not.
    pub counted: &'a [bool],
}

/// Fits each part of the rows on its own, and matches its centroids to those of all rows so that the distances of the pairs
/// are as small as possible together. A part is a list of rows without repeats and their weights, in steps of the dataset's
/// weights, or in copies if it has none. `Err` says why a part has no such fit.
///
/// # Errors
/// As [`Method::partitions`](crate::cluster::Algorithm::partitions).
pub fn cohorts(
    dataset: &Dataset<'_>,
    whole: Whole<'_>,
    parts: &[Vec<(u32, u64)>],
    method: &Method,
    progress: Progress<'_>,
) -> Result<Vec<std::result::Result<Refit, Unmatched>>> {
    let k = whole.centroids.k();
    let all: usize = parts.iter().map(Vec::len).sum();
    let (mut done, mut refits) = (0, Vec::with_capacity(parts.len()));
    for part in parts {
        progress.step("cohorts", done as u64, all as u64)?;
        done += part.len();
        let part: Vec<(u32, u64)> = part.iter().copied().filter(|(_, steps)| *steps > 0).collect();
        if part.is_empty() {
            refits.push(Err(Unmatched::TooFewRows { distinct: 0 }));
            continue;
        }
        let rows: Vec<usize> = part.iter().map(|&(row, _)| row as usize).collect();
        let steps: Vec<u64> = part.iter().map(|&(_, steps)| steps).collect();
        let matrix = dataset.matrix().select_weighted(&rows, steps.clone()).with_repeats();
        if let Err(distinct) = matrix.distinct_rows(k) {
            refits.push(Err(Unmatched::TooFewRows { distinct }));
            continue;
        }
        let own = Dataset::load(dataset.backend(), &matrix)?;
        let found = method.partitions(&own, &[k], &Start::KMeansPlusPlus, Progress::none())?.pop();
        let found = found.ok_or_else(|| Error::Device("the method returned no partition".into()))?;
        if found.k != k {
            refits.push(Err(Unmatched::OtherNumber { segments: found.k }));
            continue;
        }
        let now = found.prototypes.centroids();
        let pairs = cheapest_pairs(&distances((whole.centroids, now), whole.counted));
        let mut segment_of = vec![k; k + 1];
        pairs.iter().enumerate().for_each(|(segment, &cluster)| segment_of[cluster] = segment);
        let after = found.labels.iter().map(|label| segment_of[label.map_or(k, |l| l as usize)]);
        let before = rows.iter().map(|&row| whole.labels.get(row).map_or(k, |label| label as usize));
        let counts = count(k, before.zip(after).zip(&steps), &matrix);
        let values = pairs.iter().flat_map(|&cluster| now.get(cluster)).copied().collect();
        let centroids = Centroids { values, features: now.features };
        refits.push(Ok(Refit {
            agreement: agreement(&counts),
            ari: ari(&counts),
            shares: shares(&counts)[..k].to_vec(),
            moved: moved((whole.centroids, &centroids), whole.counted),
            centroids,
        }));
    }
    progress.step("cohorts", all as u64, all as u64)?;
    Ok(refits)
}

/// The distance of each centroid of one set to each of another, over the features that count.
fn distances((from, to): (&Centroids, &Centroids), counted: &[bool]) -> Vec<Vec<f64>> {
    let only = |c: &[f32]| -> Vec<f32> {
        c.iter().zip(counted).map(|(&v, &counted)| if counted { v } else { 0.0 }).collect()
    };
    let one = |a: &[f32], b: &[f32]| squared_distance(only(a).into_iter(), &only(b)).sqrt();
    from.iter().map(|a| to.iter().map(|b| one(a, b)).collect()).collect()
}

/// How far each centroid moved, as a share of its distance to the nearest other one.
fn moved((before, after): (&Centroids, &Centroids), counted: &[bool]) -> Vec<Option<f64>> {
    let own = distances((before, before), counted);
    let new = distances((before, after), counted);
    (0..before.k())
        .map(|c| {
            let others = own[c].iter().enumerate().filter(|(other, _)| *other != c).map(|(_, d)| *d);
            let nearest = others.fold(f64::INFINITY, f64::min);
            (nearest.is_finite() && nearest > 0.0).then(|| new[c][c] / nearest)
        })
        .collect()
}

/// How many copies of rows have each segment before (outer) and after (inner); the last of each is none.
fn count<'a>(
    k: usize,
    rows: impl Iterator<Item = ((usize, usize), &'a u64)>,
    matrix: &Matrix,
) -> Vec<Vec<f64>> {
    let mut steps = vec![vec![0u128; k + 1]; k + 1];
    rows.for_each(|((before, after), &n)| steps[before][after] += u128::from(n));
    let copies = |steps: u128| matrix.sample_weights().map_or(steps as f64, |w| w.as_copies(steps));
    steps.into_iter().map(|row| row.into_iter().map(copies).collect()).collect()
}

/// The share on the diagonal, which leaves out the rows that have no segment.
fn agreement(counts: &[Vec<f64>]) -> f64 {
    let all: f64 = counts.iter().flatten().sum();
    let same: f64 = (0..counts.len() - 1).map(|c| counts[c][c]).sum();
    same / all
}

/// The shares of the columns.
fn shares(counts: &[Vec<f64>]) -> Vec<f64> {
    let all: f64 = counts.iter().flatten().sum();
    (0..counts.len()).map(|c| counts.iter().map(|row| row[c]).sum::<f64>() / all).collect()
}

/// The adjusted Rand index of a contingency table.
fn ari(counts: &[Vec<f64>]) -> f64 {
    let pairs = |n: f64| n * (n - 1.0) / 2.0;
    let all: f64 = counts.iter().flatten().sum();
    let both: f64 = counts.iter().flatten().copied().map(pairs).sum();
    let rows: f64 = counts.iter().map(|row| pairs(row.iter().sum())).sum();
    let columns: f64 = (0..counts.len()).map(|c| pairs(counts.iter().map(|row| row[c]).sum())).sum();
    let expected = rows * columns / pairs(all).max(1.0);
    let most = (rows + columns) / 2.0;
    // Both put all rows into one segment, or each row into one of its own.
    if most - expected == 0.0 { 1.0 } else { (both - expected) / (most - expected) }
}
