//! The third and fourth stages: opening the device, and computing.

use super::choose_k::{default_ks, is_cut_short};
use super::memory::check_fit;
use super::notice::{Notice, Observer};
use super::outcome::{DeviceUsed, Labelled, Migration, Numbered};
use super::prepare::{Prepared, Weightless};
use super::running::{Running, seeded_method};
use super::work::{Plan, Planned, all_pairs};
use super::{Compute, Outcome, Spec};
use crate::backend::cpu::Cpu;
use crate::backend::{self, Expected, Opening, Shape, Work};
use crate::cluster::kmeans::enough_rows;
use crate::cluster::{Method, Partition};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::evidence::agreement::{contingency, matched};
use crate::evidence::hopkins::{default_probes, population};
use crate::model::{Model, assignments};
use crate::sweep::SweepRow;
use crate::sweep::gap::GapParams;
use crate::sweep::stability::StabilityParams;
use std::time::Instant;

/// An analysis whose table, device and k are settled. Mistakes in any of them have been reported by now.
pub struct Ready<'a> {
    spec: &'a Spec,
    observer: &'a dyn Observer,
    prepared: Prepared,
    chosen: backend::Chosen,
    /// What goes on if a GPU fails.
    cpu: Cpu,
    /// Which k to sweep, and the number of restarts of each; `None`: those of the fit.
    sweep: Option<(Vec<usize>, Option<usize>)>,
    /// How many segments the fit has, unless the sweep chooses.
    k: Option<usize>,
}

impl Prepared {
    /// Settles which k are fitted, checks that the table has enough rows, and opens the device.
    ///
    /// # Errors
    /// More clusters than distinct rows, too little memory, or a device that is unavailable.
    pub fn begin<'a>(
        mut self,
        spec: &'a Spec,
        compute: &Compute,
        observer: &'a dyn Observer,
    ) -> Result<Ready<'a>> {
        let matrix = &self.matrix;
        let named = |e: Error| e.in_file(&self.source);
        let n_init = spec.method.n_init();
        let started = self.init.as_ref().map(|init| init.centroids.len());
        let k = spec.fit.as_ref().and_then(|fit| fit.k.or(started));
        let sweep = match (&spec.sweep, &spec.fit) {
            (Some(sweep), _) => Some((sweep.k.as_ref().map(|k| k.to_vec()), sweep.n_init)),
            (None, Some(_)) if k.is_none() => Some((None, None)),
            (None, _) => None,
        };
        let sweep = match sweep {
            None => None,
            Some((ks, restarts)) => {
                let asked = ks.is_some();
                let ks = ks.map_or_else(|| default_ks(matrix, spec.choose_k.min_k).map_err(named), Ok)?;
                if !asked && spec.fit.is_none() && is_cut_short(&ks) {
                    observer.notice(&Notice::SweepCutShort(ks.clone()));
                }
                Some((ks, restarts.map(|n| n as usize)))
            }
        };
        let swept = sweep.as_ref().map_or(&[][..], |(ks, _)| ks);
        let all: Vec<usize> = swept.iter().copied().chain(k).collect();
        if !all.is_empty() {
            enough_rows(matrix, &all).map_err(named)?;
            check_fit(matrix, &self.source, &all, n_init, self.limit)?;
        }
        let (steps, work) = self.steps(spec, sweep.as_ref(), k);
        let shape = Shape { rows: matrix.rows(), features: matrix.features() };
        let expected = Expected {
            features: shape.features,
            weighted: matrix.weights().is_some(),
            largest_k: all.iter().copied().max().unwrap_or(0),
            distance_sums: steps.contains(&Planned::Silhouettes),
            nearest: spec.tendency.is_some(),
        };
        let opening = self.opening.take();
        let begin = || Opening::begin(compute.device, compute.cpu, &compute.gpu, false);
        let chosen = opening.unwrap_or_else(begin).choose(&work, shape).map_err(named)?;
        chosen.backend.expect(&expected);
        let described = chosen.backend.describe();
        observer.notice(&Notice::Device(described.clone(), chosen.reason.clone()));
        if let Some(note) = &chosen.note {
            observer.notice(&Notice::DeviceMemory(note.clone()));
        }
        observer.notice(&Notice::Plan(Plan {
            rows: shape.rows,
            distinct: self.merged.is_some(),
            features: shape.features,
            steps,
            seconds: chosen.seconds,
            device: described,
        }));
        Ok(Ready { spec, observer, chosen, cpu: compute.cpu, sweep, k, prepared: self })
    }

    /// What is going to be computed, in order, and the work that it comes to.
    fn steps(
        &self,
        spec: &Spec,
        sweep: Option<&(Vec<usize>, Option<usize>)>,
        k: Option<usize>,
    ) -> (Vec<Planned>, Work) {
        let matrix = &self.matrix;
        let mut work = Work::default();
        let mut steps = Vec::new();
        let mut fit = |ks: &[usize], n_init: Option<usize>| {
            let mut method = spec.method.clone();
            n_init.into_iter().for_each(|n_init| method.set_n_init(n_init));
            let multiply_adds = method.multiply_adds(matrix, ks);
            work.fit += multiply_adds;
            let mean_k = ks.iter().sum::<usize>() as f64 / ks.len().max(1) as f64;
            work.labels += multiply_adds / (mean_k * matrix.features() as f64).max(1.0);
            steps.push(Planned::Fit(ks.to_vec(), method.n_init(), method.is_auto()));
        };
        if let Some((ks, restarts)) = sweep {
            fit(ks, *restarts);
        }
        if let Some(k) = k {
            fit(&[k], self.init.is_some().then_some(1));
        }
        if sweep.is_some() || spec.fit.as_ref().is_some_and(|fit| fit.silhouette) {
            work.pairs = all_pairs(matrix, spec.choose_k.sample);
            steps.push(Planned::Silhouettes);
        }
        if let Some((ks, _)) = sweep {
            let rows = matrix.rows();
            let gap = GapParams::default();
            let stability = StabilityParams::default();
            let mut refit = |n_init: usize, tables: usize, share: f64| {
                let mut method = spec.method.clone();
                method.set_n_init(n_init);
                work.fit += method.multiply_adds(matrix, ks) * tables as f64 * share;
            };
            if spec.choose_k.with_gap(rows) {
                refit(gap.n_init, gap.references + 1, 1.0);
                steps.push(Planned::Gap(gap.references));
            }
            if spec.choose_k.with_stability(rows) {
                refit(stability.n_init, stability.samples, (stability.rows as f64 / rows as f64).min(1.0));
                steps.push(Planned::Stability(stability.samples));
            }
        }
        if let Some(tendency) = spec.tendency.filter(|_| steps.is_empty()) {
            let probes = tendency.probes.map_or_else(|| default_probes(population(matrix)), |p| p as usize);
            work.nearest = 2.0 * probes as f64 * matrix.rows() as f64 * matrix.features() as f64;
            steps.push(Planned::Hopkins(probes));
        }
        (steps, work)
    }

    /// An outcome that describes the table and has no results yet.
    pub fn outcome(&self, spec: &Spec) -> Outcome {
        let weightless = self.weightless.as_ref().map(|w| w.rows.len());
        let excluded = self.rows - self.fit_rows() - weightless.unwrap_or(0);
        let mut seconds = self.seconds.clone();
        seconds.total = self.began.elapsed().as_secs_f64();
        Outcome {
            rows: self.rows,
            distinct_rows: self.merged.as_ref().map(|_| self.matrix.rows()),
            weightless,
            excluded: (excluded > 0).then_some(excluded),
            features: self.matrix.names().to_vec(),
            description: self.description.clone(),
            seed: spec.seed,
            seconds,
            ..Outcome::default()
        }
    }
}

impl Ready<'_> {
    /// Computes everything that the specification asks for.
    ///
    /// # Errors
    /// A device that failed, data on which a figure is undefined, [`Error::Interrupted`].
    pub fn run(mut self) -> Result<Outcome> {
        // They go into the outcome, and may be as large as the table.
        let ids = self.prepared.ids.take();
        let prepared = &self.prepared;
        let mut outcome = prepared.outcome(self.spec);
        outcome.outliers = (!prepared.outliers.is_empty()).then_some(prepared.outliers.len());
        outcome.device = Some(DeviceUsed::new(self.chosen.backend.describe(), &self.chosen.reason));
        let device = self.chosen.backend.describe();
        let (dataset, failure) = match Dataset::load(&*self.chosen.backend, &prepared.matrix) {
            Err(Error::Device(why)) if device.is_gpu() => {
                (Dataset::load(&self.cpu, &prepared.matrix)?, Some(why))
            }
            loaded => (loaded?, None),
        };
        let mut running =
            Running { spec: self.spec, observer: self.observer, dataset, cpu: &self.cpu, outcome };
        if let Some(why) = failure {
            running.device_failed(device, &why);
        }
        if self.spec.tendency.is_some() {
            running.tendency().map_err(|e| e.in_file(&prepared.source))?;
        }
        let mut swept = Vec::new();
        if let Some((ks, n_init)) = &self.sweep {
            if self.spec.sweep.is_none() {
                self.observer.notice(&Notice::DefaultSweep(ks.clone()));
            }
            swept = running.sweep(ks, *n_init)?;
        }
        let Some(fit) = &self.spec.fit else {
            if self.sweep.is_some() {
                running.choose(&swept)?;
                if self.spec.structure {
                    running.structure(&prepared.fitted.encoder, None)?;
                }
            }
            let mut outcome = running.outcome;
            outcome.seconds.total = prepared.began.elapsed().as_secs_f64();
            return Ok(outcome);
        };
        let k = match self.k {
            Some(k) => k,
            None => running.choose(&swept)?,
        };
        // A fit with the same number of restarts would repeat the sweep's.
        let own = Some(self.spec.method.n_init()).filter(|_| !self.spec.method.is_auto());
        let same = self.sweep.as_ref().is_some_and(|(_, n_init)| n_init.is_none() || *n_init == own);
        let swept = swept.into_iter().find(|row| same && prepared.init.is_none() && row.partition.k == k);
        let mut method = seeded_method(self.spec);
        let SweepRow { partition, scores } = match swept {
            Some(row) => row,
            None => running.fit(k, fit, &mut method, prepared.init.as_ref())?,
        };
        running.outcome.silhouette = scores.silhouette;
        if self.spec.structure {
            running.structure(&prepared.fitted.encoder, self.k)?;
        }
        method.set_n_init(partition.restarts.n);
        self.finish(running, partition, &method, ids)
    }

    /// Numbers and names the segments, labels all rows of the table, and makes the model.
    fn finish(
        &self,
        mut running: Running<'_>,
        partition: Partition,
        method: &Method,
        ids: Option<(String, Vec<String>)>,
    ) -> Result<Outcome> {
        let (prepared, start) = (&self.prepared, Instant::now());
        let matrix = &prepared.matrix;
        // The partition may be of the distinct rows only.
        let all_rows = prepared.merged.as_ref().map(|repeats| partition.clone().of_all_rows(repeats));
        let all_rows = all_rows.as_ref().unwrap_or(&partition);
        let numbered = self.numbered(all_rows);
        running.outcome.add_fit(all_rows, &numbered, matrix, &prepared.fitted.encoder);
        let Numbered { numbers, names, personas, migration } = numbered;
        running.outcome.migration = migration;
        let measured = running.on_device(|dataset, _| {
            assignments(dataset, &partition.prototypes, &partition.labels, &numbers)
        })?;
        let mut rows = prepared.of_table(measured);
        let mut model = Model::new(all_rows, matrix, prepared.fitted.clone(), method)
            .with_reference(prepared.reference.clone(), &rows, prepared.weights.as_ref())
            .with_id(ids.as_ref().map(|(name, _)| name.clone()));
        model.renumber(&numbers, &names);
        model.describe(&personas);
        model.aliases.clone_from(&prepared.aliases);
        model.weight_column.clone_from(&prepared.weight_column);
        if let Some(Weightless { rows: unweighted, columns }) = &prepared.weightless {
            let label =
                |dataset: &Dataset<'_>| model.label_features(columns.clone(), None, dataset.backend());
            let labelled = running.on_device(|dataset, _| label(dataset))?;
            unweighted.iter().zip(labelled).for_each(|(&row, labelled)| rows[row as usize] = labelled);
        }
        model.identify();
        let mut outcome = running.outcome;
        outcome.seconds.write = Some(start.elapsed().as_secs_f64());
        let start = Instant::now();
        outcome.profile = prepared.profile(&rows, partition.k, &names, self.spec, ids.as_ref())?;
        outcome.seconds.profile = outcome.profile.as_ref().map(|_| start.elapsed().as_secs_f64());
        outcome.model = Some(model);
        outcome.labelled = Some(Labelled { ids, rows, outliers: prepared.outliers.clone(), names });
        outcome.seconds.total = prepared.began.elapsed().as_secs_f64();
        Ok(outcome)
    }

    /// Numbers the segments, and names them as the earlier model and the recipe do.
    fn numbered(&self, partition: &Partition) -> Numbered {
        let (prepared, k) = (&self.prepared, partition.k);
        let before = prepared.init.as_ref().and_then(|init| init.before.as_ref());
        let (numbers, mut names, mut personas, migration) = match before {
            None => (partition.segments(), Vec::new(), Vec::new(), None),
            Some(before) => {
                let mut now = vec![None; prepared.rows];
                match &prepared.kept {
                    None => now = partition.labels.iter().collect(),
                    Some(kept) => {
                        kept.iter()
                            .zip(partition.labels.iter())
                            .for_each(|(&row, label)| now[row as usize] = label);
                    }
                }
                let counts = contingency(&before.labels, &now, k);
                let old_of = matched(&counts);
                let mut rows = vec![vec![0; k]; k];
                for (to, from) in rows.iter_mut().zip(&counts) {
                    old_of.iter().zip(from).for_each(|(&segment, &count)| to[segment as usize] = count);
                }
                let migration = Migration::new(before.path.display().to_string(), rows);
                (old_of, before.names.clone(), before.personas.clone(), Some(migration))
            }
        };
        names.resize(k, None);
        personas.resize(k, None);
        let unknown = |segment: u32, name: Option<&String>| {
            self.observer.notice(&Notice::NoSuchSegment { segment, name: name.cloned(), k });
        };
        for (&segment, name) in &self.spec.names {
            match names.get_mut(segment as usize) {
                Some(place) => *place = Some(name.clone()),
                None => unknown(segment, Some(name)),
            }
        }
        for (&segment, persona) in &self.spec.personas {
            match personas.get_mut(segment as usize) {
                Some(place) => *place = Some(persona.clone()),
                None if self.spec.names.contains_key(&segment) => {}
                None => unknown(segment, None),
            }
        }
        Numbered { numbers, names, personas, migration }
    }
}
