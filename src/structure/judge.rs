//! The figures: fits of the table and of its reference tables.

use super::chain::persistence;
use super::halves::{Halves, halves};
use super::tail::tail;
use super::twins::{Columns, Twins};
use super::verdict::{groups_matter, nearly_beats_twins};
use super::{Compared, Excess, Figures, OneHotBlock, Persistence};
use crate::backend::Labeling;
use crate::backend::cpu::Cpu;
use crate::cluster::{Fit, Params, Start, fit_many};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::evidence::silhouette::silhouette_scores;
use crate::matrix::Matrix;
use crate::progress::Progress;
use rayon::prelude::*;
use std::ops::Range;

/// How many twins there are, and how many permuted tables.
const TABLES: usize = 20;

/// Random splits of the table into halves.
const SPLITS: usize = 3;

/// Twins that are split too, once each.
const SPLIT_TWINS: usize = 8;

/// A standard deviation below this counts as this, so that a ratio to it stays finite.
const LEAST_SD: f64 = 1e-4;

/// Restarts of a fit.
const RESTARTS: usize = 3;

/// The rows that are looked at, and how.
pub(super) struct Judge<'a> {
    pub(super) cpu: Cpu,
    pub(super) columns: &'a Columns,
    pub(super) all: &'a Matrix,
    /// The columns as a matrix.
    pub(super) own: Matrix,
    /// The k that are tried, each at least 2 and at most the number of distinct rows.
    pub(super) ks: Vec<usize>,
    pub(super) seed: u64,
    /// Which pass over the table it is, 0 or 1.
    pub(super) number: usize,
    pub(super) progress: Progress<'a>,
}

/// A matrix of columns.
pub(super) fn table(columns: &Columns) -> Result<Matrix> {
    let names = (0..columns.len()).map(|j| format!("f{j}")).collect();
    let columns = columns.iter().map(|c| c.iter().map(|&v| v as f32).collect()).collect();
    Ok(Matrix::from_columns(names, columns)?.with_repeats())
}

/// What a table's segments show at one k.
struct Shown {
    silhouette: f64,
    /// The share of the variance that they explain.
    explained: f64,
}

impl Judge<'_> {
    /// The figures, and for each block the share of the separation that it carries.
    pub(super) fn figures(&self, blocks: &[OneHotBlock]) -> Result<(Figures, Vec<f64>)> {
        let total = 2 * TABLES + SPLITS + SPLIT_TWINS;
        let step = |done: usize| {
            self.progress.step("structure", (self.number * total + done) as u64, (2 * total) as u64)
        };
        step(0)?;
        let fits = self.fits(&self.own, &self.ks)?;
        let own = self.shown(&self.own, &self.ks, &fits)?;
        let best = (0..own.len())
            .reduce(|a, b| if own[b].silhouette > own[a].silhouette { b } else { a })
            .unwrap_or(0);
        let (k, fit) = (self.ks[best], &fits[best]);

        let ranges: Vec<Range<usize>> = blocks.iter().map(|b| b.features.clone()).collect();
        let twins = Twins::new(self.columns, &ranges, self.seed);
        let of_twins = self.each(TABLES, &step, 0, |t| {
            let matrix = table(&twins.twin(t))?;
            self.shown(&matrix, &self.ks, &self.fits(&matrix, &self.ks)?)
        })?;
        let of_permuted = self.each(TABLES, &step, TABLES, |t| {
            let matrix = table(&twins.permuted(t))?;
            Ok(self.explained(&matrix, &self.fits(&matrix, &[k])?))
        })?;
        let highest = |shown: &[Shown]| shown.iter().map(|s| s.silhouette).fold(f64::NEG_INFINITY, f64::max);
        let shares = self.separation(fit);
        let of_block = |block: &OneHotBlock| shares[block.features.clone()].iter().sum::<f64>();
        let of_blocks: Vec<f64> = blocks.iter().map(of_block).collect();
        let mean = |c: usize| of_twins.iter().map(|t| t[c].silhouette).sum::<f64>() / TABLES as f64;
        let compared = (0..self.ks.len()).map(|c| Compared {
            k: self.ks[c],
            silhouette: own[c].silhouette,
            twin_silhouette: mean(c),
        });
        let explained = own[best].explained;
        let mut figures = Figures {
            k,
            silhouette: own[best].silhouette,
            silhouette_excess: Excess::new(own[best].silhouette, of_twins.iter().map(|t| highest(t))),
            explained,
            explained_excess: Excess::new(explained, of_twins.iter().map(|t| t[best].explained)),
            dependence: Excess::new(explained, of_permuted.iter().map(|p| p[0])),
            smallest: fit.sizes.iter().copied().min().unwrap_or(0) as f64 / self.own.rows() as f64,
            prediction_strength: None,
            separated: None,
            persistence: None,
            tail: tail(self.all, &self.measured()),
            one_hot: of_blocks.iter().fold(0.0, |sum, share| sum + share),
            compared: compared.collect(),
        };
        if nearly_beats_twins(&figures) {
            let params = self.params();
            let own = self
                .each(SPLITS, &step, 2 * TABLES, |split| halves(&self.cpu, &self.own, k, &params, split))?;
            let null = self.each(SPLIT_TWINS, &step, 2 * TABLES + SPLITS, |t| {
                halves(&self.cpu, &table(&twins.twin(t))?, k, &params, 0)
            })?;
            let mean =
                |of: &[Halves], what: fn(&Halves) -> f64| of.iter().map(what).sum::<f64>() / of.len() as f64;
            figures.prediction_strength = Some(mean(&own, |h| h.prediction_strength));
            figures.separated = Some(mean(&own, |h| h.separated) - mean(&null, |h| h.separated));
            if groups_matter(&figures) {
                let of_twins =
                    self.each(SPLIT_TWINS, &step, 2 * TABLES + SPLITS, |t| Ok(persistence(&twins.twin(t))))?;
                let highest_of_twins = of_twins.into_iter().fold(0.0, f64::max);
                figures.persistence =
                    Some(Persistence { figure: persistence(self.columns), highest_of_twins });
            }
        }
        step(total)?;
        Ok((figures, of_blocks))
    }

    /// Calls `of` with each number below `count`, in parallel, and reports progress from `before` on.
    fn each<T: Send>(
        &self,
        count: usize,
        step: &dyn Fn(usize) -> Result<()>,
        before: usize,
        of: impl Fn(u64) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let mut out = Vec::with_capacity(count);
        let all: Vec<u64> = (0..count as u64).collect();
        for some in all.chunks(2 * rayon::current_num_threads()) {
            step(before + out.len())?;
            let done: Result<Vec<T>> = some.par_iter().map(|&number| of(number)).collect();
            out.extend(done?);
        }
        Ok(out)
    }

    /// For each feature whether it has more than two values, so that it can have a tail.
    fn measured(&self) -> Vec<bool> {
        let two = |column: &Vec<f64>| {
            let other = column.iter().find(|v| **v != column[0]).unwrap_or(&column[0]);
            column.iter().all(|v| *v == column[0] || v == other)
        };
        self.columns.iter().map(|column| !two(column)).collect()
    }

    fn params(&self) -> Params {
        Params { n_init: RESTARTS, max_iter: 100, seed: self.seed, ..Params::default() }
    }

    /// The fits of a table. A k that is above the number of its distinct rows has none.
    fn fits(&self, matrix: &Matrix, ks: &[usize]) -> Result<Vec<Fit>> {
        let possible: Vec<usize> = ks.iter().copied().filter(|&k| matrix.distinct_rows(k).is_ok()).collect();
        if possible.is_empty() {
            return Ok(Vec::new());
        }
        let dataset = Dataset::load(&self.cpu, matrix)?;
        fit_many(&dataset, &possible, &self.params(), &Start::KMeansPlusPlus, Progress::none())
    }

    /// For each k what its fit shows. Where there are fewer distinct rows than k, each distinct row would be a segment.
    fn shown(&self, matrix: &Matrix, ks: &[usize], fits: &[Fit]) -> Result<Vec<Shown>> {
        let dataset = Dataset::load(&self.cpu, matrix)?;
        let labelings: Vec<Labeling<'_>> =
            fits.iter().map(|fit| Labeling { k: fit.k, labels: &fit.labels }).collect();
        let scores = silhouette_scores(&dataset, &labelings, Progress::none())?;
        let explained = self.explained(matrix, fits);
        Ok(ks
            .iter()
            .map(|&k| match fits.iter().position(|fit| fit.k == k) {
                Some(f) => Shown { silhouette: scores[f], explained: explained[f] },
                None => Shown { silhouette: 1.0, explained: 1.0 },
            })
            .collect())
    }

    /// For each fit the share of the variance that it explains; at least one entry.
    fn explained(&self, matrix: &Matrix, fits: &[Fit]) -> Vec<f64> {
        let total: f64 = (0..matrix.features())
            .map(|j| {
                let values = || (0..matrix.rows()).map(|i| matrix.to_user(f64::from(matrix.value(i, j))));
                let mean = values().sum::<f64>() / matrix.rows() as f64;
                values().map(|v| (v - mean) * (v - mean)).sum::<f64>()
            })
            .sum();
        if fits.is_empty() {
            return vec![1.0];
        }
        fits.iter().map(|fit| if total > 0.0 { 1.0 - fit.inertia / total } else { 1.0 }).collect()
    }

    /// For each feature its share of the between-cluster sum of squares.
    fn separation(&self, fit: &Fit) -> Vec<f64> {
        let between: Vec<f64> = self
            .columns
            .iter()
            .map(|column| {
                let mut sums = vec![0.0; fit.k];
                fit.labels.iter().zip(column).for_each(|(&label, v)| sums[label as usize] += v);
                let mean = sums.iter().sum::<f64>() / column.len() as f64;
                let of = |(sum, &size): (&f64, &u64)| {
                    let away = sum / size as f64 - mean;
                    if size > 0 { size as f64 * away * away } else { 0.0 }
                };
                sums.iter().zip(&fit.sizes).map(of).sum()
            })
            .collect();
        let total: f64 = between.iter().sum();
        between.iter().map(|b| if total > 0.0 { b / total } else { 0.0 }).collect()
    }
}

impl Excess {
    /// Compares a figure with those of reference tables.
    fn new(figure: f64, reference: impl Iterator<Item = f64>) -> Self {
        let all: Vec<f64> = reference.collect();
        let n = all.len() as f64;
        let mean = all.iter().sum::<f64>() / n;
        let sd = (all.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0)).sqrt();
        Excess {
            mean,
            difference: figure - mean,
            z: (figure - mean) / sd.max(LEAST_SD),
            lowest: all.iter().copied().fold(f64::INFINITY, f64::min),
            highest: all.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        }
    }

    fn average(&mut self, other: &Excess) {
        self.mean = (self.mean + other.mean) / 2.0;
        self.difference = (self.difference + other.difference) / 2.0;
        self.z = (self.z + other.z) / 2.0;
        self.lowest = self.lowest.min(other.lowest);
        self.highest = self.highest.max(other.highest);
    }
}

impl Figures {
    /// Takes in the figures of a second sample. Its k, silhouettes and smallest segment do not count.
    pub(super) fn average(&mut self, other: &Figures) {
        self.silhouette_excess.average(&other.silhouette_excess);
        self.explained_excess.average(&other.explained_excess);
        self.dependence.average(&other.dependence);
        let mean = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| (a + b) / 2.0).or(a).or(b);
        self.prediction_strength = mean(self.prediction_strength, other.prediction_strength);
        self.separated = mean(self.separated, other.separated);
        self.persistence = self
            .persistence
            .zip(other.persistence)
            .map(|(a, b)| Persistence {
                figure: (a.figure + b.figure) / 2.0,
                highest_of_twins: a.highest_of_twins.max(b.highest_of_twins),
            })
            .or(self.persistence)
            .or(other.persistence);
    }
}
