//! The third and fourth stages: opening the device, and computing.

use super::changes::figures_of;
use super::choose_k::{default_ks, is_cut_short};
use super::compare_methods::OwnFit;
use super::init::Before;
use super::memory::{check_fit, check_method, check_refits};
use super::method_found::MethodFound;
use super::migration::{Migration, follow};
use super::notice::{Notice, Observer};
use super::outcome::{DeviceUsed, Labelled, Numbered};
use super::prepare::{Prepared, Weightless};
use super::previous::Found;
use super::reduction::Reduction;
use super::regroup::{Regrouped, RegroupedFound, Regrouper};
use super::running::{Running, seeded_method};
use super::stability::Subject;
use super::work::{Plan, Planned, all_pairs};
use super::{Compute, Outcome, Spec};
use crate::backend::cpu::Cpu;
use crate::backend::{self, Expected, Opening, Shape, Work};
use crate::cluster::kmeans::enough_rows;
use crate::cluster::{Method, Partition};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::evidence::agreement::Contingency;
use crate::evidence::hopkins::{default_probes, population};
use crate::model::{Assignment, LeftOut, Model, assignments};
use crate::stability::RESTART_ROWS;
use crate::sweep::SweepRow;
use crate::sweep::gap::GapParams;
use crate::sweep::stability::StabilityParams;
use std::collections::BTreeMap;
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
        let finds_k = spec.method.finds_k();
        let k = spec.fit.as_ref().and_then(|fit| fit.k.or(started)).filter(|_| !finds_k);
        let sweep = match (&spec.sweep, &spec.fit) {
            _ if finds_k => None,
            (Some(sweep), _) => Some((sweep.k.as_ref().map(|k| k.to_vec()), sweep.n_init)),
            (None, Some(_)) if k.is_none() => Some((None, None)),
            (None, _) => None,
        };
        let sweep = match sweep {
            None => None,
            Some((ks, restarts)) => {
                let asked = ks.is_some();
                let ks = ks.map_or_else(
                    || default_ks(matrix, spec.choose_k.min_k).map_err(|e| named(self.in_population(e))),
                    Ok,
                )?;
                if !asked && spec.fit.is_none() && is_cut_short(&ks) {
                    observer.notice(&Notice::SweepCutShort(ks.clone()));
                }
                Some((ks, restarts.map(|n| n as usize)))
            }
        };
        let swept = sweep.as_ref().map_or(&[][..], |(ks, _)| ks);
        let all: Vec<usize> = swept.iter().copied().chain(k).collect();
        if !all.is_empty() {
            enough_rows(matrix, &all).map_err(|e| named(self.in_population(e)))?;
            check_fit(matrix, &self.source, &all, n_init, self.limit)?;
        }
        if finds_k || !all.is_empty() {
            check_method(matrix, &self.source, &spec.method, &all, self.limit)?;
            if spec.stability.is_some() && spec.fit.is_some() {
                check_refits(matrix, &self.source, self.limit)?;
            }
        }
        let others = spec.compare_methods.iter().filter(|_| spec.fit.is_some());
        for other in others {
            other.check(matrix, k).map_err(|e| named(self.in_population(e)))?;
            check_method(matrix, &self.source, &other.method, &other.ks(k), self.limit)?;
        }
        if !self.regroup.is_empty() && !spec.method.can_be_regrouped() {
            let what = format!(
                "the model that this starts from has merged or split segments, which {} cannot keep; start from another \
                 model, or use the method kmeans or gmm",
                spec.method.title()
            );
            return Err(Error::Usage(what));
        }
        if !spec.method.takes_start() && self.init.as_ref().is_some_and(|init| init.before.is_none()) {
            let title = spec.method.title();
            let what = format!(
                "{title} does not start from centroids; start from an earlier model.json, whose segments' \
                                numbers and names it keeps, or use the method kmeans"
            );
            return Err(Error::Usage(what));
        }
        if let Some(k) = k {
            self.regroup.check(k, &spec.recipe.source)?;
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
        let chosen = match self.chosen.take() {
            Some(chosen) => chosen,
            None => opening.unwrap_or_else(begin).choose(&work, shape).map_err(named)?,
        };
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

    /// Adds to an error about too few rows that there are more outside the population.
    fn in_population(&self, error: Error) -> Error {
        match error {
            Error::Data { place, what } if !self.outside.is_empty() => {
                let outside = self.outside.len();
                let rows = if outside == 1 { "row" } else { "rows" };
                Error::Data { place, what: format!("{what}; [population] leaves {outside} {rows} outside") }
            }
            other => other,
        }
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
            let (n_init, auto) = (method.n_init(), method.is_auto());
            steps.push(Planned::Fit { method: method.title(), ks: ks.to_vec(), n_init, auto });
        };
        if let Some((ks, restarts)) = sweep {
            fit(ks, *restarts);
        }
        if let Some(k) = k {
            fit(&[k], self.init.as_ref().filter(|_| spec.method.takes_start()).map(|_| 1));
        } else if spec.method.finds_k() && spec.fit.is_some() {
            fit(&[], None);
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
            if spec.with_gap(rows) {
                refit(gap.n_init, gap.references + 1, 1.0);
                steps.push(Planned::Gap(gap.references));
            }
            if spec.with_stability(rows) {
                refit(stability.n_init, stability.samples, (stability.rows as f64 / rows as f64).min(1.0));
                steps.push(Planned::Stability(stability.samples));
            }
        }
        if let Some(stability) = spec.stability.as_ref().filter(|_| spec.fit.is_some()) {
            // Two in three rows are drawn at least once. Where the sweep chooses k, its mean is taken.
            let ks = sweep.map_or(&[][..], |(ks, _)| ks);
            let k = k.unwrap_or_else(|| ks.iter().sum::<usize>() / ks.len().max(1)).max(1);
            let (mut method, samples) = (spec.method.clone(), stability.samples as usize);
            if stability.cohort.is_some() {
                work.fit += method.multiply_adds(matrix, &[k]);
            }
            method.set_n_init(1);
            let drawn = 2.0 / 3.0 * matrix.rows() as f64;
            let restarts = 1.0 + f64::from(stability.n_init) * (RESTART_ROWS as f64 / drawn).min(1.0);
            work.fit += method.multiply_adds(matrix, &[k]) * samples as f64 * 2.0 / 3.0 * restarts;
            steps.extend((samples > 0).then_some(Planned::Bootstrap(samples)));
            steps.extend(stability.cohort.clone().map(Planned::Cohorts));
        }
        for other in spec.compare_methods.iter().filter(|_| spec.fit.is_some()) {
            let (ks, method) = (other.ks(k), &other.method);
            work.fit += method.multiply_adds(matrix, &ks);
            steps.push(Planned::Fit {
                method: method.title(),
                ks,
                n_init: method.n_init(),
                auto: method.is_auto(),
            });
            work.pairs = all_pairs(matrix, spec.choose_k.sample);
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
        let (pca, reductions) = Reduction::all(&self.fitted.preparation);
        Outcome {
            pca,
            reductions,
            rows: self.rows,
            distinct_rows: self.merged.as_ref().map(|_| self.matrix.rows()),
            weightless,
            excluded: (excluded > 0).then_some(excluded),
            dropped: self.dropped,
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
        outcome.outside = (!prepared.outside.is_empty()).then_some(prepared.outside.len());
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
            swept = running.sweep(ks, *n_init).map_err(|e| e.in_file(&prepared.source))?;
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
            Some(k) => Some(k),
            None if self.spec.method.finds_k() => None,
            None => Some(running.choose(&swept)?),
        };
        k.map_or(Ok(()), |k| prepared.regroup.check(k, &self.spec.recipe.source))?;
        // A fit with the same number of restarts would repeat the sweep's.
        let own = Some(self.spec.method.n_init()).filter(|_| !self.spec.method.is_auto());
        let same = self.sweep.as_ref().is_some_and(|(_, n_init)| n_init.is_none() || *n_init == own);
        let swept =
            swept.into_iter().find(|row| same && prepared.init.is_none() && Some(row.partition.k) == k);
        let mut method = seeded_method(self.spec);
        let SweepRow { partition, scores } = match swept {
            Some(row) => row,
            None => running
                .fit(k, fit, &mut method, prepared.init.as_ref())
                .map_err(|e| e.in_file(&prepared.source))?,
        };
        running.outcome.silhouette = scores.silhouette;
        if self.spec.structure {
            let k = if k.is_none() { Some(partition.k) } else { self.k };
            running.structure(&prepared.fitted.encoder, k)?;
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
        let prepared = &self.prepared;
        let matrix = &prepared.matrix;
        // The partition may be of the distinct rows only.
        let all_rows = prepared.of_all_rows(&partition);
        let regrouped = self.regrouped(&mut running, &partition, &all_rows)?;
        let all_rows = match &regrouped {
            None => all_rows,
            Some(regrouped) => prepared.of_all_rows(&regrouped.partition),
        };
        let all_rows = &*all_rows;
        let numbered = self.numbered(all_rows);
        running.outcome.add_fit(all_rows, &numbered, matrix, &prepared.fitted.encoder);
        running.outcome.method = Some(method.name().into());
        let own_ids = ids.as_ref().map(|(_, ids)| &ids[..]);
        running.outcome.found =
            MethodFound::new(&all_rows.details, &numbered.numbers, |row| prepared.table_row(row), own_ids)
                .of_fit(&numbered.names);
        let Numbered { numbers, names, personas, migration } = numbered;
        if let Some(options) = &self.spec.stability {
            // Fits of samples find segments as the fit did, before any were merged or split.
            let of_fit = regrouped.is_some().then(|| self.fit_numbers(&prepared.of_all_rows(&partition)));
            let (labels, centroids) = (&partition.labels, partition.prototypes.centroids());
            let (own, named): (&[u32], &[Option<String>]) = match &of_fit {
                None => (&numbers, &names),
                Some(of_fit) => (of_fit, &[]),
            };
            let subject = Subject::new((labels, centroids), own, named, &prepared.fitted.encoder);
            let subject = subject.with_cohorts(prepared.cohort.as_ref(), matrix, prepared.members());
            running.hold(&subject, options, &method.settled(&partition.details))?;
            if let Some(found) = &mut running.outcome.stability {
                found.before_regrouping = of_fit.is_some();
            }
        }
        let start = Instant::now();
        let own = regrouped.as_ref().map_or(&partition, |regrouped| &regrouped.partition);
        if running.outcome.silhouette.is_some() && running.outcome.silhouette_sample.is_none() {
            running.outcome.silhouette_jaccard =
                running.on_device(|_, this| prepared.silhouette_of_answers(this, own))?;
        }
        let own = OwnFit { method, partition: own, numbers: &numbers };
        let compared = prepared.compare_methods(&mut running, &own, self.spec, ids.as_ref())?;
        running.outcome.seconds.compare_methods = compared.as_ref().map(|_| start.elapsed().as_secs_f64());
        running.outcome.compare_methods = compared;
        let start = Instant::now();
        let measured = match &regrouped {
            None => running.on_device(|dataset, _| {
                assignments(dataset, &partition.prototypes, &partition.labels, &numbers)
            })?,
            Some(Regrouped { rows, .. }) => {
                let numbered =
                    |row: &Assignment| Assignment { segment: numbers[row.segment as usize], ..*row };
                rows.iter().map(|row| Some(numbered(row))).collect()
            }
        };
        let mut rows = prepared.of_table(measured);
        running.outcome.found.measure(&rows);
        let mut model = Model::new(all_rows, matrix, prepared.fitted.clone(), method)
            .with_reference(prepared.reference.clone(), &rows, prepared.weights.as_ref())
            .with_id(ids.as_ref().map(|(name, _)| name.clone()));
        if let Some(Regrouped { centroids, mixture, sizes, .. }) = &regrouped {
            running.outcome.regrouped = Some(RegroupedFound::new(centroids, sizes, &numbers));
            model.regroup(centroids.clone(), mixture.clone());
        }
        model.renumber(&numbers, &names);
        model.describe(&personas);
        model.aliases.clone_from(&prepared.aliases);
        model.weight_column.clone_from(&prepared.weight_column);
        if let Some(Weightless { rows: unweighted, columns }) = &prepared.weightless {
            let splits = model.assigner.regrouped().into_iter().flat_map(|regrouped| regrouped.by_columns());
            let choices: Vec<Vec<u32>> = splits.filter_map(|by| prepared.choices(by, unweighted)).collect();
            let label = |dataset: &Dataset<'_>| {
                model.label_features(columns.clone(), &choices, None, dataset.backend())
            };
            let (labelled, _) = running.on_device(|dataset, _| label(dataset))?;
            unweighted.iter().zip(labelled).for_each(|(&row, labelled)| rows[row as usize] = labelled);
        }
        if self.spec.output.responsibilities.is_some() {
            running.outcome.responsibilities = prepared.responsibilities(&running, &model)?;
        }
        let mut left_out = LeftOut {
            outliers: prepared.outliers.clone(),
            outside: prepared.outside.clone(),
            ..LeftOut::default()
        }
        .with_noise(&rows, prepared.kept.as_deref());
        if !matches!(method, Method::KMeans(_)) {
            running.outcome.noise = Some(left_out.noise.len() as u64);
        }
        let weightless = prepared.weightless.iter().flat_map(|weightless| &weightless.rows);
        left_out.noise.extend(weightless.filter(|&&row| rows[row as usize].is_none()));
        left_out.noise.sort_unstable();
        let mut outcome = running.outcome;
        outcome.seconds.write = Some(start.elapsed().as_secs_f64());
        let start = Instant::now();
        outcome.profile = prepared.profile(&rows, all_rows.k, &names, self.spec, ids.as_ref())?;
        outcome.comparisons =
            prepared.compare(&rows, &names, self.spec).map_err(|e| e.in_file(&prepared.source))?;
        outcome.seconds.profile = outcome.profile.as_ref().map(|_| start.elapsed().as_secs_f64());
        let start = Instant::now();
        outcome.questions = prepared.answers(&rows, &names, self.spec, self.observer)?;
        outcome.seconds.questions = (!outcome.questions.is_empty()).then(|| start.elapsed().as_secs_f64());
        model.figures = outcome.profile.as_ref().map_or_else(Vec::new, figures_of);
        model.identify();
        outcome.add_pictures(prepared, &rows, self.spec, ids.as_ref(), self.observer);
        let mut labelled = Labelled { ids, rows, left_out, names, followed: None };
        if let Some(before) = prepared.init.as_ref().and_then(|init| init.before.as_ref()) {
            outcome.migration = self.migration(before, migration, &mut labelled, all_rows.k);
            outcome.add_changes(before, &model, &labelled.names);
        }
        outcome.add_reported(self.spec, &prepared.source);
        outcome.model = Some(model);
        outcome.labelled = Some(labelled);
        outcome.seconds.total = prepared.began.elapsed().as_secs_f64();
        Ok(outcome)
    }

    /// Merges and splits segments, if that is asked for. `all_rows` is the partition of all rows of the fit.
    fn regrouped(
        &self,
        running: &mut Running<'_>,
        partition: &Partition,
        all_rows: &Partition,
    ) -> Result<Option<Regrouped>> {
        let prepared = &self.prepared;
        if prepared.regroup.is_empty() {
            return Ok(None);
        }
        let none = BTreeMap::new();
        let regrouper = Regrouper {
            regroup: &prepared.regroup,
            numbers: &self.fit_numbers(all_rows),
            columns: &prepared.split_columns,
            kept: prepared.kept.as_deref(),
            starts: prepared.init.as_ref().map_or(&none, |init| &init.parts),
            source: &self.spec.recipe.source,
            observer: self.observer,
        };
        let method = seeded_method(self.spec);
        let regrouped = running.on_device(|dataset, _| regrouper.regroup(dataset, partition, &method))?;
        // The one that there is so far is that of the fit's segments.
        if running.outcome.silhouette.take().is_some() {
            running.outcome.silhouette = running.silhouette(regrouped.partition.clone())?;
        }
        Ok(Some(Regrouped { sizes: all_rows.sizes.clone(), ..regrouped }))
    }

    /// The numbers of the fit's segments before merges and splits: by size, or as in the fit of an earlier model.
    fn fit_numbers(&self, partition: &Partition) -> Vec<u32> {
        let before = self.prepared.init.as_ref().and_then(|init| init.before.as_ref());
        match before.map(|before| before.fit_labels.as_ref().unwrap_or(&before.labels)) {
            None => partition.segments(),
            Some(labels) => {
                let k = partition.k;
                matched(&Contingency::of(labels, &self.labels_of_table(partition), (k, k)))
            }
        }
    }

    /// The labels of the table's rows.
    fn labels_of_table(&self, partition: &Partition) -> Vec<Option<u32>> {
        let Some(kept) = &self.prepared.kept else { return partition.labels.iter().collect() };
        let mut rows = vec![None; self.prepared.rows];
        kept.iter().zip(partition.labels.iter()).for_each(|(&row, label)| rows[row as usize] = label);
        rows
    }

    /// Who moved since last time, by ids if last time's assignments are at hand; otherwise what `relabelled` says.
    fn migration(
        &self,
        before: &Before,
        relabelled: Option<Migration>,
        labelled: &mut Labelled,
        k: usize,
    ) -> Option<Migration> {
        let why = match (&before.found, &labelled.ids) {
            (Found::Previous(previous), Some((id, ids))) => {
                let followed = follow((&previous.ids, &previous.states), before.names.clone(), (id, ids));
                let (from, file) = (before.path.display().to_string(), previous.path.display().to_string());
                let migration = Migration::followed(from, file, &followed, &labelled.states(), k);
                let shown = previous.named || !followed.nothing_changed(&labelled.states());
                labelled.followed = shown.then_some(followed);
                return Some(migration);
            }
            (Found::Nothing { why, surprise }, _) => {
                if *surprise {
                    self.observer.notice(&Notice::Data(format!("nobody is followed by id: {why}")));
                }
                why.clone()
            }
            (Found::Previous(_), None) => "the table has no id column; name one with --id".into(),
        };
        relabelled.map(|found| Migration { not_followed: Some(why), ..found })
    }

    /// Numbers the segments, and names them as the earlier model and the recipe do.
    fn numbered(&self, partition: &Partition) -> Numbered {
        let (prepared, k) = (&self.prepared, partition.k);
        let before = prepared.init.as_ref().and_then(|init| init.before.as_ref());
        let (numbers, mut names, mut personas, migration) = match before {
            Some(before) if before.k != k => {
                self.observer.notice(&Notice::OtherSegments { before: before.k, k });
                (partition.segments(), Vec::new(), Vec::new(), None)
            }
            None => (partition.segments(), Vec::new(), Vec::new(), None),
            Some(before) => {
                let now = self.labels_of_table(partition);
                let table = Contingency::of(&before.labels, &now, (k, k));
                let old_of = matched(&table);
                let mut rows = vec![vec![0; k]; k];
                for (to, from) in rows.iter_mut().zip(table.to_rows()) {
                    old_of.iter().zip(from).for_each(|(&segment, count)| to[segment as usize] = count);
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

/// For each new segment the old one that it is matched with, of as many.
fn matched(table: &Contingency) -> Vec<u32> {
    // In a square table every segment has a counterpart. Too many to be matched keep their order.
    let old_of = table.matched().map(|old_of| old_of.into_iter().flatten().collect());
    old_of.unwrap_or_else(|| (0..table.to_rows().len() as u32).collect())
}
