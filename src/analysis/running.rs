//! The stages of an analysis that compute on the device.

use super::choose_k::passed_over;
use super::notice::{Notice, Observer, with_progress};
use super::outcome::{Chosen, DeviceUsed};
use super::prepare::Start;
use super::stability::{Stability, Subject};
use super::{ChooseK, Fit, Outcome, Spec};
use crate::backend::cpu::Cpu;
use crate::backend::{Backend as _, Description, Labeling};
use crate::canonical::Centroids;
use crate::cluster::{Method, Partition, kmeans};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::evidence::hopkins::{default_probes, hopkins, population};
use crate::evidence::silhouette::silhouette_scores;
use crate::matrix::Matrix;
use crate::random::{Draws, Purpose};
use crate::recipe::Encoder;
use crate::structure::{self, OneHotBlock, structure};
use crate::sweep::gap::{GapParams, gaps};
use crate::sweep::stability::{StabilityParams, stability};
use crate::sweep::{Choice, SweepRow, choose, score, score_dispersion};
use std::collections::HashSet;
use std::time::Instant;

/// The verdict on structure looks at no larger k of a sweep, because it fits 40 reference tables for each.
const LARGEST_JUDGED_K: usize = 10;

/// An analysis that is running: the dataset, and the results so far.
pub(super) struct Running<'a> {
    pub(super) spec: &'a Spec,
    pub(super) observer: &'a dyn Observer,
    pub(super) dataset: Dataset<'a>,
    /// What goes on if a GPU fails.
    pub(super) cpu: &'a Cpu,
    pub(super) outcome: Outcome,
}

impl Running<'_> {
    /// Does a stage's work. If a GPU fails, the CPU does it again from its beginning, and everything after it: the results
    /// are the same.
    pub(super) fn on_device<T>(
        &mut self,
        mut work: impl FnMut(&Dataset<'_>, &Self) -> Result<T>,
    ) -> Result<T> {
        let device = self.dataset.backend().describe();
        match work(&self.dataset, self) {
            Err(Error::Device(why)) if device.is_gpu() => {
                self.dataset = Dataset::load(self.cpu, self.dataset.matrix())?;
                self.device_failed(device, &why);
                work(&self.dataset, self)
            }
            outcome => outcome,
        }
    }

    pub(super) fn device_failed(&mut self, device: Description, why: &str) {
        let reason = format!("{} failed", device.name);
        self.outcome.device = Some(DeviceUsed::new(self.cpu.describe(), &reason));
        self.observer.notice(&Notice::DeviceFailed { device, why: why.into() });
    }

    /// Computes Hopkins' statistic.
    pub(super) fn tendency(&mut self) -> Result<()> {
        let start = Instant::now();
        let probes = self.spec.tendency.and_then(|t| t.probes).map(|p| p as usize);
        let probes = probes.unwrap_or_else(|| default_probes(population(self.dataset.matrix())));
        let found = self.on_device(|dataset, this| {
            with_progress(this.observer, |p| hopkins(dataset, probes, this.spec.seed, p))
        })?;
        self.outcome.hopkins = Some((&found).into());
        self.outcome.seconds.tendency = Some(start.elapsed().as_secs_f64());
        Ok(())
    }

    /// Fits and scores every k.
    pub(super) fn sweep(&mut self, ks: &[usize], n_init: Option<usize>) -> Result<Vec<SweepRow>> {
        let mut method = seeded_method(self.spec);
        n_init.into_iter().for_each(|n_init| method.set_n_init(n_init));
        let partitions = self.partitions(&method, ks, &kmeans::Start::KMeansPlusPlus)?;
        let mut rows = self.score(partitions)?;
        score_dispersion(&self.dataset, &mut rows);
        if self.spec.with_gap(self.dataset.matrix().rows()) {
            self.gaps(&mut rows)?;
        }
        if self.spec.with_stability(self.dataset.matrix().rows()) {
            self.stability(&mut rows)?;
        }
        self.outcome.add_sweep(&rows);
        Ok(rows)
    }

    fn gaps(&mut self, rows: &mut [SweepRow]) -> Result<()> {
        let start = Instant::now();
        let ks: Vec<usize> = rows.iter().map(|row| row.partition.k).collect();
        let params = GapParams { seed: self.spec.seed, ..GapParams::default() };
        let found =
            self.on_device(|dataset, this| with_progress(this.observer, |p| gaps(dataset, &ks, params, p)))?;
        rows.iter_mut().zip(found).for_each(|(row, gap)| row.scores.gap = gap);
        self.outcome.seconds.gap = Some(start.elapsed().as_secs_f64());
        Ok(())
    }

    fn stability(&mut self, rows: &mut [SweepRow]) -> Result<()> {
        let start = Instant::now();
        let params = StabilityParams { seed: self.spec.seed, ..StabilityParams::default() };
        let labelings: Option<Vec<(usize, &[u32])>> =
            rows.iter().map(|row| Some((row.partition.k, row.partition.labels.complete()?))).collect();
        let Some(labelings) = labelings else { return Ok(()) };
        let found = self.on_device(|dataset, this| {
            with_progress(this.observer, |p| stability(dataset, &labelings, params, p))
        })?;
        for (row, segments) in rows.iter_mut().zip(found) {
            row.scores.stability = segments.into_iter().flatten().min_by(f64::total_cmp);
        }
        self.outcome.seconds.stability = Some(start.elapsed().as_secs_f64());
        Ok(())
    }

    /// Chooses a k of a sweep.
    pub(super) fn choose(&mut self, rows: &[SweepRow]) -> Result<usize> {
        let ChooseK { rule, min_k, .. } = self.spec.choose_k;
        let choice = choose(rows, rule, min_k, self.spec.gates.min_segment_pct)?;
        self.outcome.passed_over = passed_over(&choice, rows);
        let Choice { k, why, runner_up, .. } = choice;
        self.outcome.chosen = Some(Chosen { k, rule, why, runner_up });
        Ok(k)
    }

    /// Whether the table has structure at all, for this k, or for those of the sweep.
    pub(super) fn structure(&mut self, encoder: &Encoder, k: Option<usize>) -> Result<()> {
        let start = Instant::now();
        let swept = self.outcome.sweep.iter().flatten().map(|line| line.k);
        let ks: Vec<usize> = match k {
            Some(k) => vec![k],
            None => swept.filter(|k| (2..=LARGEST_JUDGED_K).contains(k)).collect(),
        };
        if ks.iter().all(|&k| k < 2) {
            return Ok(());
        }
        let options = structure::Options { ks, seed: self.spec.seed, ..structure::Options::default() };
        let blocks = one_hot_blocks(encoder);
        let found = with_progress(self.observer, |progress| {
            structure(self.dataset.matrix(), &blocks, &options, self.dataset.backend(), progress)
        })?;
        self.outcome.add_structure(&found);
        self.outcome.seconds.structure = Some(start.elapsed().as_secs_f64());
        Ok(())
    }

    /// Fits one k, from the given centroids or from k-means++, or finds a k if there is `None`. With given centroids, `method` is
    /// set to one restart.
    pub(super) fn fit(
        &mut self,
        k: Option<usize>,
        fit: &Fit,
        method: &mut Method,
        init: Option<&Start>,
    ) -> Result<SweepRow> {
        let start = match init {
            Some(init) if method.takes_start() => {
                method.set_n_init(1);
                kmeans::Start::Given(start_centroids(&init.centroids, self.dataset.matrix()))
            }
            _ => kmeans::Start::KMeansPlusPlus,
        };
        let partitions = self.partitions(method, k.as_slice(), &start)?;
        let rows = match fit.silhouette {
            true => self.score(partitions)?,
            false => partitions.into_iter().map(SweepRow::new).collect(),
        };
        rows.into_iter().next().ok_or_else(|| Error::Device("the method returned no partition".into()))
    }

    /// Fits samples and cohorts, to see if the segments hold.
    pub(super) fn hold(&mut self, subject: &Subject<'_>, options: &Stability, method: &Method) -> Result<()> {
        let start = Instant::now();
        let seed = self.spec.seed;
        let found = self.on_device(|dataset, this| {
            with_progress(this.observer, |p| subject.look(dataset, options, (method, seed), p))
        })?;
        self.outcome.stability = Some(found);
        let seconds = self.outcome.seconds.stability.unwrap_or(0.0) + start.elapsed().as_secs_f64();
        self.outcome.seconds.stability = Some(seconds);
        Ok(())
    }

    /// The partitions of a method.
    pub(super) fn fit_method(
        &mut self,
        method: &Method,
        ks: &[usize],
        start: &kmeans::Start,
    ) -> Result<Vec<Partition>> {
        self.on_device(|dataset, this| {
            with_progress(this.observer, |p| method.partitions(dataset, ks, start, p))
        })
    }

    fn partitions(&mut self, method: &Method, ks: &[usize], start: &kmeans::Start) -> Result<Vec<Partition>> {
        let began = Instant::now();
        let found = self.fit_method(method, ks, start)?;
        let seconds = self.outcome.seconds.fit.unwrap_or(0.0) + began.elapsed().as_secs_f64();
        self.outcome.seconds.fit = Some(seconds);
        if let Some(first) = found.first() {
            self.observer.notice(&Notice::F64Fallbacks(first.f64_fallbacks.clone()));
        }
        Ok(found)
    }

    /// The silhouette of a partition; `None` if it has no two segments with rows.
    pub(super) fn silhouette(&mut self, partition: Partition) -> Result<Option<f64>> {
        Ok(self.score(vec![partition])?.first().and_then(|row| row.scores.silhouette))
    }

    /// The silhouettes of partitions; `None` for one that has no two segments with rows.
    pub(super) fn silhouettes(&mut self, partitions: Vec<Partition>) -> Result<Vec<Option<f64>>> {
        Ok(self.score(partitions)?.iter().map(|row| row.scores.silhouette).collect())
    }

    /// The silhouettes of partitions, on all rows or on a sample.
    fn score(&mut self, partitions: Vec<Partition>) -> Result<Vec<SweepRow>> {
        let start = Instant::now();
        let rows = self.dataset.matrix().rows();
        let sample = self.spec.choose_k.sample.map(|s| s as usize).filter(|&s| s < rows);
        let mut partitions = Some(partitions);
        let scored = self.on_device(|dataset, this| {
            // The CPU is not followed by another device, so it may have them.
            let partitions = match dataset.backend().describe().is_gpu() {
                true => partitions.clone(),
                false => partitions.take(),
            };
            let partitions = partitions.unwrap_or_default();
            match sample {
                None => with_progress(this.observer, |p| score(dataset, partitions, p)),
                Some(sample) => this.score_on_sample(dataset, partitions, sample),
            }
        })?;
        self.outcome.silhouette_sample = sample.or(self.outcome.silhouette_sample);
        let seconds = self.outcome.seconds.silhouette.unwrap_or(0.0) + start.elapsed().as_secs_f64();
        self.outcome.seconds.silhouette = Some(seconds);
        Ok(scored)
    }

    fn score_on_sample(
        &self,
        dataset: &Dataset<'_>,
        partitions: Vec<Partition>,
        sample: usize,
    ) -> Result<Vec<SweepRow>> {
        let whole = dataset.matrix();
        let draws = Draws::new(self.spec.seed, Purpose::SilhouetteSample);
        let chosen = draws.at(0).sample(sample, whole.rows());
        let matrix = whole.select(&chosen);
        let dataset = Dataset::load(dataset.backend(), &matrix)?;
        let score = |partition: Partition| {
            let k = partition.k;
            let labels: Option<Vec<u32>> = chosen.iter().map(|&i| partition.labels.get(i)).collect();
            let Some(labels) = labels else { return Ok(SweepRow::new(partition)) };
            let seen: HashSet<u32> = labels.iter().copied().collect();
            if seen.len() < k {
                self.observer.notice(&Notice::SampleMisses { k, unseen: k - seen.len() });
            }
            let labeling = Labeling { k, labels: &labels };
            let scores = match seen.len() > 1 {
                true => with_progress(self.observer, |p| silhouette_scores(&dataset, &[labeling], p))?,
                false => Vec::new(),
            };
            let mut row = SweepRow::new(partition);
            row.scores.silhouette = scores.first().copied();
            Ok(row)
        };
        partitions.into_iter().map(score).collect()
    }
}

/// The method of an analysis, with the analysis' seed.
pub(super) fn seeded_method(spec: &Spec) -> Method {
    let mut method = spec.method.clone();
    method.set_seed(spec.seed);
    method
}

/// Converts start centroids from the scaled feature space to the units of the matrix.
pub(super) fn start_centroids(rows: &[Vec<f64>], matrix: &Matrix) -> Centroids {
    let stored = |&v: &f64| matrix.to_stored(f64::from(v as f32));
    Centroids { values: rows.iter().flatten().map(stored).collect(), features: matrix.features() }
}

/// The features that are categories of one column.
fn one_hot_blocks(encoder: &Encoder) -> Vec<OneHotBlock> {
    let mut first = 0;
    let blocks = encoder.columns.iter().map(|column| {
        let features = first..first + column.width();
        first = features.end;
        OneHotBlock { name: column.column().to_string(), features }
    });
    blocks.filter(|block| block.features.len() > 1).collect()
}
