//! The steps that bench measures, and the table that it measures them on.

use super::super::super::interrupt::interrupted;
use crate::app::cli::STEPS;
use segmenta::backend::{Assigned, Labeling, Metric, Neighbour, SelfMatches};
use segmenta::canonical::Centroids;
use segmenta::cluster::{Params, Partition, Start, fit, fit_many};
use segmenta::evidence::hopkins::{Hopkins, default_probes, hopkins};
use segmenta::progress::{Progress, ProgressUpdate};
use segmenta::random::{Draws, Purpose};
use segmenta::sweep::{SweepRow, score};
use segmenta::{Dataset, Matrix, Result, synth};

/// The k of the sweep.
const KS: std::ops::RangeInclusive<usize> = 2..=10;

/// The size of the work.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub rows: usize,
    pub features: usize,
    pub k: usize,
    pub n_init: usize,
    pub seed: u64,
}

impl Size {
    /// About how many bytes the largest steps need, in f64 so that nothing overflows.
    pub fn bytes(&self, threads: usize) -> f64 {
        let [rows, features, k, n_init] = [self.rows, self.features, self.k, self.n_init].map(|v| v as f64);
        let probes = default_probes(self.rows) as f64;
        let centroids = n_init * KS.sum::<usize>().max(self.k) as f64;
        let ceiling = f64::from(256 << 20);
        // The columns and the tiles; queries and probes; start centroids, their sums and each thread's part of them; the
        // labels of all restarts, and a distance for each during seeding; and two sets of answers to compare.
        let table = 4.0 * features * (2.0 * rows + 2.0 * probes);
        let fits = centroids * features * (40.0 + 16.0 * threads as f64)
            + rows * (8.0 * n_init * KS.count() as f64 + 16.0 * threads as f64);
        let answers = 2.0 * (8.0 * rows * k);
        ceiling + table + fits + answers
    }
}

/// A table, and the inputs of all steps.
pub struct Trial {
    pub matrix: Matrix,
    size: Size,
    /// Sets of start centroids, one for each restart.
    sets: Vec<Centroids>,
    /// The rows whose nearest other row is searched.
    own: Vec<u32>,
    probes: Matrix,
    labels: Vec<u32>,
}

impl Trial {
    /// A table of blobs, one for each segment.
    ///
    /// # Errors
    /// None for sizes that the flags allow.
    pub fn new(size: Size) -> Result<Self> {
        let Size { rows, features, k, n_init, seed } = size;
        let blobs = synth::blobs(rows, features, k, seed);
        let names = (0..features).map(|j| format!("f{j}")).collect();
        let matrix = Matrix::from_columns(names, blobs.columns)?;
        let draws = Draws::new(seed, Purpose::Seeding);
        let set = |s: usize| {
            let chosen = draws.at(s as u64).sample(k, rows);
            Centroids { values: chosen.into_iter().flat_map(|i| matrix.row(i)).collect(), features }
        };
        let chosen = Draws::new(seed, Purpose::HopkinsRows).at(0).sample(default_probes(rows), rows);
        Ok(Trial {
            sets: (0..n_init).map(set).collect(),
            own: chosen.iter().map(|&i| i as u32).collect(),
            probes: matrix.select(&chosen),
            labels: blobs.labels,
            size,
            matrix,
        })
    }
}

/// The result of a step.
pub enum Answer {
    Lloyd(Vec<Assigned>),
    Nearest(Vec<Neighbour>),
    /// The number of clusters, and for each row the sum of its distances to each cluster.
    DistanceSums(usize, Vec<f64>),
    Fit(Box<Partition>),
    Sweep(Vec<SweepRow>),
    Hopkins(Hopkins),
}

/// A step that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Lloyd,
    Nearest,
    DistanceSums,
    Fit,
    Sweep,
    Hopkins,
}

impl Work {
    pub const ALL: [Work; 6] =
        [Work::Lloyd, Work::Nearest, Work::DistanceSums, Work::Fit, Work::Sweep, Work::Hopkins];

    pub fn name(self) -> &'static str {
        STEPS[Self::ALL.iter().position(|work| *work == self).unwrap_or(0)]
    }

    /// Multiply-adds of all pairs of rows, each pair counted twice, if that is what the step spends its time on.
    pub fn pairs(self, rows: usize, features: usize) -> Option<f64> {
        let rows = rows as f64;
        matches!(self, Work::DistanceSums | Work::Sweep).then_some(rows * rows * features as f64)
    }

    /// Three operations for each feature of each pair; `None` for whole jobs, whose number of passes depends on the data.
    pub fn flops(self, trial: &Trial) -> Option<f64> {
        let rows = trial.matrix.rows() as f64;
        let others = match self {
            Work::Lloyd => trial.sets.iter().map(|set| set.k() as f64).sum(),
            Work::Nearest => trial.probes.rows() as f64,
            // Each pair of rows counts once, even if a device computes it twice.
            Work::DistanceSums => (rows - 1.0) / 2.0,
            Work::Fit | Work::Sweep | Work::Hopkins => return None,
        };
        Some(3.0 * trial.matrix.features() as f64 * rows * others)
    }

    /// How many bytes of results a device returns; `None` for whole jobs, which return many results.
    pub fn result_bytes(self, trial: &Trial) -> Option<u64> {
        let (rows, features) = (trial.matrix.rows(), trial.matrix.features());
        let bytes = match self {
            // Three limbs a sum, and the count.
            Work::Lloyd => trial.sets.iter().map(|set| set.k() * (12 * features + 4)).sum(),
            Work::Nearest => 12 * trial.probes.rows(),
            Work::DistanceSums => 8 * rows * trial.size.k,
            Work::Fit | Work::Sweep | Work::Hopkins => return None,
        };
        Some(bytes as u64)
    }

    /// Runs the step once; whole jobs load the table themselves. `labels`: whether `lloyd` returns labels too, which the
    /// passes of a fit do not need.
    ///
    /// # Errors
    /// A device that failed; an interrupt.
    pub fn run(self, dataset: &Dataset<'_>, trial: &Trial, labels: bool) -> Result<Answer> {
        let Trial { matrix, size, .. } = trial;
        let go_on = |_: ProgressUpdate<'_>| !interrupted();
        let progress = Progress::new(&go_on);
        let params = Params { n_init: size.n_init, seed: size.seed, ..Params::default() };
        Ok(match self {
            Work::Lloyd => Answer::Lloyd(dataset.lloyd(&trial.sets, labels)?),
            Work::Nearest => Answer::Nearest(dataset.nearest(
                &trial.probes,
                SelfMatches::Exclude(&trial.own),
                Metric::Euclidean,
            )?),
            Work::DistanceSums => {
                let labeling = Labeling { k: size.k, labels: &trial.labels };
                let mut all = Vec::with_capacity(size.rows * size.k);
                dataset.distance_sums(&[labeling], progress, &mut |_, sums| {
                    all.extend_from_slice(sums);
                    Ok(())
                })?;
                Answer::DistanceSums(size.k, all)
            }
            Work::Fit => {
                let dataset = Dataset::load(dataset.backend(), matrix)?;
                let fit = fit(&dataset, size.k, &params, &Start::KMeansPlusPlus, progress)?;
                Answer::Fit(Box::new(fit.into()))
            }
            Work::Sweep => {
                let dataset = Dataset::load(dataset.backend(), matrix)?;
                let ks: Vec<usize> = KS.collect();
                let fits = fit_many(&dataset, &ks, &params, &Start::KMeansPlusPlus, progress)?;
                let partitions = fits.into_iter().map(Partition::from).collect();
                Answer::Sweep(score(&dataset, partitions, progress)?)
            }
            Work::Hopkins => {
                let dataset = Dataset::load(dataset.backend(), matrix)?;
                Answer::Hopkins(hopkins(&dataset, trial.own.len(), size.seed, progress)?)
            }
        })
    }
}
