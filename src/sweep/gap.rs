//! The gap statistic (Tibshirani, Walther and Hastie, 2001): how much lower the inertia is than that of tables of the same
//! extent that have no clusters.
//!
//! `gap(k) = mean log W*(k) - log W(k)`, where `W` is the inertia of the table and `W*` that of a reference table, whose rows
//! are drawn uniformly in the box of the table's principal components. `W` is a mean over rows here, which changes nothing as
//! long as both tables have the same number of rows. The standard error is the standard deviation of `log W*` over the
//! reference tables times `sqrt(1 + 1/B)`, as in `cluster::clusGap` of R.

use crate::cluster::{Params, Start, fit_many};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::evidence::hopkins::population;
use crate::linear::{Eigen, symmetric_eigen};
use crate::matrix::{Matrix, block_sums};
use crate::progress::Progress;
use crate::random::{Draws, Purpose};
use rayon::prelude::*;

/// The gap statistic of one k.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// The gap.
    pub gap: f64,
    /// Its standard error.
    pub se: f64,
}

/// How the gap statistic is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GapParams {
    /// How many reference tables.
    pub references: usize,
    /// How many restarts each fit has, of the table as of the reference tables.
    pub n_init: usize,
    /// The seed of the reference tables and of the fits.
    pub seed: u64,
}

impl Default for GapParams {
    fn default() -> Self {
        GapParams { references: 20, n_init: 3, seed: 0 }
    }
}

/// A table that weighs more than its rows, because they stand for many copies, has reference tables of at most this many rows.
const MOST_COPIES: usize = 1 << 18;

/// The gap statistic of each k; `None` where a table has no inertia left. All k and restarts of a table are fitted together.
///
/// # Errors
/// As [`fit_many`]; a device that failed.
pub fn gaps(
    dataset: &Dataset<'_>,
    ks: &[usize],
    params: GapParams,
    progress: Progress<'_>,
) -> Result<Vec<Option<Gap>>> {
    let GapParams { references, n_init, seed } = params;
    let matrix = dataset.matrix();
    let fit = Params { n_init, seed, ..Params::default() };
    let logs = |dataset: &Dataset<'_>, fit: &Params| -> Result<Vec<f64>> {
        let weight = dataset.matrix().total_copies();
        let fits = fit_many(dataset, ks, fit, &Start::KMeansPlusPlus, Progress::none())?;
        Ok(fits.iter().map(|fit| libm::log(fit.inertia / weight)).collect())
    };
    let total = references as u64 + 1;
    progress.step("gap", 0, total)?;
    let own = logs(dataset, &fit)?;
    let components = Components::of(matrix);
    let mut drawn = Vec::with_capacity(references);
    for reference in 0..references {
        progress.step("gap", reference as u64 + 1, total)?;
        let table = components.reference(seed, reference)?;
        drawn.push(logs(&Dataset::load(dataset.backend(), &table)?, &fit)?);
    }
    progress.step("gap", total, total)?;
    let count = references as f64;
    let gap = |(i, own): (usize, f64)| {
        let mean = drawn.iter().map(|logs| logs[i]).sum::<f64>() / count;
        let squares: f64 = drawn.iter().map(|logs| (logs[i] - mean) * (logs[i] - mean)).sum();
        let se = (squares / (count - 1.0).max(1.0) * (1.0 + 1.0 / count)).sqrt();
        Some(Gap { gap: mean - own, se }).filter(|gap| gap.gap.is_finite() && gap.se.is_finite())
    };
    Ok(own.into_iter().enumerate().map(gap).collect())
}

/// The principal components of a table, in the user's units: its mean, its axes, and its extent along each.
struct Components {
    names: Vec<String>,
    rows: usize,
    mean: Vec<f64>,
    /// One axis after the other.
    axes: Vec<f64>,
    ranges: Vec<(f64, f64)>,
}

impl Components {
    fn of(matrix: &Matrix) -> Self {
        let (d, rows) = (matrix.features(), matrix.rows());
        let user = |v: f32| matrix.to_user(f64::from(v));
        let total = matrix.total_copies();
        let sums = block_sums(rows, d, |i, sums| {
            let copies = matrix.copies(i);
            matrix.row(i).zip(sums).for_each(|(v, sum)| *sum += copies * user(v));
        });
        let mean: Vec<f64> = sums.iter().map(|sum| sum / total).collect();
        let centred = |i: usize| matrix.row(i).zip(&mean).map(|(v, m)| user(v) - m).collect::<Vec<f64>>();
        let covariance = block_sums(rows, d * d, |i, sums| {
            let (row, copies) = (centred(i), matrix.copies(i));
            for (sums, a) in sums.chunks_exact_mut(d).zip(&row) {
                sums.iter_mut().zip(&row).for_each(|(sum, b)| *sum += copies * a * b);
            }
        });
        let Eigen { vectors: axes, .. } = symmetric_eigen(covariance, d);
        let none = || vec![(f64::INFINITY, f64::NEG_INFINITY); d];
        let ranges = (0..rows)
            .into_par_iter()
            .filter(|&i| matrix.copies(i) > 0.0)
            .fold(none, |mut ranges, i| {
                let row = centred(i);
                for ((low, high), axis) in ranges.iter_mut().zip(axes.chunks_exact(d)) {
                    let along: f64 = row.iter().zip(axis).map(|(v, a)| v * a).sum();
                    (*low, *high) = (low.min(along), high.max(along));
                }
                ranges
            })
            .reduce(none, |a, b| a.iter().zip(b).map(|(a, b)| (a.0.min(b.0), a.1.max(b.1))).collect());
        let rows = population(matrix).min(rows.max(MOST_COPIES));
        Components { names: matrix.names().to_vec(), rows, mean, axes, ranges }
    }

    /// A table of rows that are uniform in the box.
    fn reference(&self, seed: u64, reference: usize) -> Result<Matrix> {
        let d = self.mean.len();
        let draws = Draws::new(seed, Purpose::GapReference);
        let mut rows = vec![0f32; self.rows * d];
        rows.par_chunks_exact_mut(d).enumerate().with_min_len(256).for_each(|(i, out)| {
            let mut draws = draws.at((reference as u64) << 32 | i as u64);
            let mut row = self.mean.clone();
            for (&(low, high), axis) in self.ranges.iter().zip(self.axes.chunks_exact(d)) {
                let along = low + (high - low) * draws.uniform();
                row.iter_mut().zip(axis).for_each(|(v, a)| *v += along * a);
            }
            out.iter_mut().zip(row).for_each(|(out, v)| *out = v as f32);
        });
        let columns = (0..d).into_par_iter().map(|j| rows.iter().skip(j).step_by(d).copied().collect());
        Matrix::from_columns(self.names.clone(), columns.collect())
    }
}
