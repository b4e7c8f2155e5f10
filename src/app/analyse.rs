//! tendency, sweep and fit: one chain, of which each verb takes its part.

use super::assign::{self, Labelled};
use super::choosing::{check_ks, cut_short, default_ks, passed_over};
use super::console::{Console, result, tell};
use super::document::{Chosen, DeviceUsed, Document, Migration, Seconds, Written};
use super::estimate::{Work, starts};
use super::features::FeaturesFile;
use super::init::Init;
use super::input::{Aim, Prepared, Weightless, prepare};
use super::output::Folder;
use super::{Gate, console, memory, set_up};
use crate::app::cli::{AssignmentsArg, Choosing, Fit, Gates, KMeans, RuleArg, Run, Sweep, Talk, Tendency};
use segmenta::backend::cpu::Cpu;
use segmenta::backend::{self, Backend, Labeling};
use segmenta::canonical::Centroids;
use segmenta::cluster::kmeans::enough_rows;
use segmenta::cluster::sweep::{Rule, SweepRow, choose, score};
use segmenta::cluster::{Params, Start, fit_many};
use segmenta::evidence::agreement::{contingency, matched};
use segmenta::evidence::hopkins::{default_probes, hopkins, population};
use segmenta::evidence::silhouette::silhouette_scores;
use segmenta::model::{Model, assignments};
use segmenta::progress::Progress;
use segmenta::random::{Draws, Purpose};
use segmenta::{Dataset, Error, Matrix, cluster};
use std::collections::BTreeMap;
use std::time::Instant;

/// Multiply-adds of a fit, taking 25 passes a start.
fn fit_work(matrix: &Matrix, ks: &[usize], n_init: u32) -> f64 {
    let centroids: usize = ks.iter().sum();
    25.0 * f64::from(n_init) * centroids as f64 * matrix.rows() as f64 * matrix.features() as f64
}

/// Multiply-adds of all pairs of rows.
fn pair_work(matrix: &Matrix, sample: Option<u32>) -> f64 {
    let rows = sample.map_or(matrix.rows(), |s| matrix.rows().min(s as usize)) as f64;
    rows * rows * matrix.features() as f64
}

/// One analysis on its way: the matrix, the device, and what was found so far.
struct Analysis<'a> {
    matrix: &'a Matrix,
    backend: Box<dyn Backend>,
    console: &'a Console,
    document: Document,
    work: Work,
    /// That a smaller k scores higher than the chosen one, and how to take it.
    passed_over: Option<String>,
    seed: u64,
}

impl<'a> Analysis<'a> {
    fn new(
        command: &'static str,
        prepared: &'a Prepared,
        (run, cpu): (&Run, Cpu),
        work: Work,
        console: &'a Console,
        seconds: Seconds,
    ) -> anyhow::Result<Self> {
        let chosen = backend::choose(run.device, cpu, work.total())?;
        let mut document = Document::new(command, prepared, run.seed());
        document.outliers = (!prepared.outliers.is_empty()).then_some(prepared.outliers.len());
        let device = DeviceUsed::new(chosen.backend.describe(), &chosen.reason);
        console.detail(&format!("on {}: {} ({})", device.backend, device.name, device.reason));
        document.device = Some(device);
        document.seconds = seconds;
        Ok(Analysis {
            matrix: &prepared.matrix,
            backend: chosen.backend,
            console,
            document,
            work,
            passed_over: None,
            seed: run.seed(),
        })
    }

    /// Says what is going to be done, where that takes long.
    fn announce(&self, what: &str) {
        let rows = match self.document.distinct_rows {
            Some(distinct) => console::count(distinct, "distinct row"),
            None => console::count(self.matrix.rows(), "row"),
        };
        let table = format!("{rows} x {}", console::count(self.matrix.features(), "feature"));
        self.work.announce(self.console, &table, what, &self.backend.describe());
    }

    /// Prints what was found, and after it what a reader of the sweep should know.
    fn print(&self, talk: &Talk) -> anyhow::Result<()> {
        print(&self.document, talk, self.console)?;
        self.passed_over.iter().for_each(|note| self.console.note(note));
        Ok(())
    }

    fn tendency(&mut self, probes: Option<u32>) -> anyhow::Result<()> {
        let start = Instant::now();
        let step = |s: segmenta::progress::ProgressUpdate<'_>| self.console.step(s);
        let probes = probes.map_or_else(|| default_probes(population(self.matrix)), |p| p as usize);
        let dataset = Dataset::load(&*self.backend, self.matrix)?;
        let found = hopkins(&dataset, probes, self.seed, Progress::new(&step))?;
        self.document.hopkins = Some((&found).into());
        self.document.seconds.tendency = Some(start.elapsed().as_secs_f64());
        Ok(())
    }

    /// Fits every k and scores each.
    fn sweep(&mut self, ks: &[usize], kmeans: &KMeans, choosing: &Choosing) -> anyhow::Result<Vec<SweepRow>> {
        let fits = self.fits(ks, &params(kmeans, self.seed), &Start::KMeansPlusPlus)?;
        let rows = self.score(fits, choosing.sample)?;
        self.document.add_sweep(&rows);
        Ok(rows)
    }

    /// Chooses a k of a sweep.
    fn choose(&mut self, rows: &[SweepRow], choosing: &Choosing) -> anyhow::Result<usize> {
        let RuleArg::Silhouette = choosing.rule;
        let chosen = choose(rows, Rule::Silhouette, choosing.min_k)?;
        let k = chosen.k;
        self.passed_over = passed_over(&chosen, rows, self.document.command);
        self.document.chosen = Some(Chosen { k, rule: chosen.rule });
        Ok(k)
    }

    fn fits(&mut self, ks: &[usize], params: &Params, start: &Start) -> anyhow::Result<Vec<cluster::Fit>> {
        let began = Instant::now();
        let step = |s: segmenta::progress::ProgressUpdate<'_>| self.console.step(s);
        let dataset = Dataset::load(&*self.backend, self.matrix)?;
        let fits = fit_many(&dataset, ks, params, start, Progress::new(&step))?;
        let seconds = self.document.seconds.fit.unwrap_or(0.0) + began.elapsed().as_secs_f64();
        self.document.seconds.fit = Some(seconds);
        if let Some(fit) = fits.first() {
            let shown: Vec<String> = fit.undecided.iter().map(u64::to_string).collect();
            self.console.detail(&format!("pairs decided in f64, pass by pass: {}", shown.join(" ")));
        }
        Ok(fits)
    }

    /// The silhouettes of fits, on all rows or on a sample.
    fn score(&mut self, fits: Vec<cluster::Fit>, sample: Option<u32>) -> anyhow::Result<Vec<SweepRow>> {
        let start = Instant::now();
        let rows = self.scores(fits, sample)?;
        let seconds = self.document.seconds.silhouette.unwrap_or(0.0) + start.elapsed().as_secs_f64();
        self.document.seconds.silhouette = Some(seconds);
        Ok(rows)
    }

    fn scores(&mut self, fits: Vec<cluster::Fit>, sample: Option<u32>) -> anyhow::Result<Vec<SweepRow>> {
        let step = |s: segmenta::progress::ProgressUpdate<'_>| self.console.step(s);
        let progress = Progress::new(&step);
        let sample = sample.map(|s| s as usize).filter(|&s| s < self.matrix.rows());
        let Some(sample) = sample else {
            return Ok(score(&Dataset::load(&*self.backend, self.matrix)?, fits, progress)?);
        };
        self.document.silhouette_sample = Some(sample);
        let chosen =
            Draws::new(self.seed, Purpose::SilhouetteSample).at(0).sample(sample, self.matrix.rows());
        let matrix = self.matrix.select(&chosen);
        let dataset = Dataset::load(&*self.backend, &matrix)?;
        fits.into_iter()
            .map(|fit| {
                let labels: Vec<u32> = chosen.iter().map(|&i| fit.labels[i]).collect();
                let seen: std::collections::HashSet<u32> = labels.iter().copied().collect();
                if seen.len() < fit.k {
                    let unseen = console::count(fit.k - seen.len(), "segment");
                    self.console.note(&format!("note: k = {}: the sample has no row of {unseen}", fit.k));
                }
                let several = seen.len() > 1;
                let labeling = Labeling { k: fit.k, labels: &labels };
                let scores =
                    if several { silhouette_scores(&dataset, &[labeling], progress)? } else { vec![] };
                Ok(SweepRow { silhouette: scores.first().copied(), fit })
            })
            .collect()
    }
}

fn params(kmeans: &KMeans, seed: u64) -> Params {
    Params { n_init: kmeans.n_init as usize, max_iter: kmeans.max_iter as usize, tol: kmeans.tol, seed }
}

/// Puts the table's name into an error that has none.
fn named(e: anyhow::Error, source: &str) -> anyhow::Error {
    e.downcast::<Error>().map_or_else(|e| e, |e| e.in_file(source).into())
}

/// Prints the document as the user wants it.
pub(super) fn print(document: &Document, talk: &Talk, console: &Console) -> anyhow::Result<()> {
    console.clear();
    if talk.json { result(&document.to_json()) } else { tell(&document.to_text()) }
}

/// `segmenta tendency`.
pub fn tendency(args: &Tendency) -> anyhow::Result<()> {
    let (began, cpu) = (Instant::now(), set_up(&args.run)?);
    let console = Console::new(&args.run.talk);
    let mut seconds = Seconds::default();
    let prepared = prepare(&args.input, &args.features, Aim::Figures, &console, &mut seconds)?;
    let probes = args.probes.map_or_else(|| default_probes(population(&prepared.matrix)), |p| p as usize);
    let nearest = 2.0 * probes as f64 * prepared.matrix.rows() as f64 * prepared.matrix.features() as f64;
    let work = Work { nearest, ..Work::default() };
    let mut analysis = Analysis::new("tendency", &prepared, (&args.run, cpu), work, &console, seconds)?;
    analysis.announce(&format!("Hopkins' statistic with {} of each kind", console::count(probes, "probe")));
    analysis.tendency(args.probes).map_err(|e| named(e, &prepared.source))?;
    analysis.document.seconds.total = began.elapsed().as_secs_f64();
    print(&analysis.document, &args.run.talk, &console)
}

/// `segmenta sweep`.
pub fn sweep(args: &Sweep) -> anyhow::Result<()> {
    let (began, cpu) = (Instant::now(), set_up(&args.run)?);
    let console = Console::new(&args.run.talk);
    check_ks(args.k.as_ref().map(|ks| &ks.0[..]), args.choosing.min_k)?;
    let mut seconds = Seconds::default();
    let prepared = prepare(&args.input, &args.features, Aim::Figures, &console, &mut seconds)?;
    let matrix = &prepared.matrix;
    let named = |e: Error| e.in_file(&prepared.source);
    let ks = match &args.k {
        Some(ks) => ks.0.clone(),
        None => default_ks(matrix, args.choosing.min_k).map_err(named)?,
    };
    let ks = &ks[..];
    enough_rows(matrix, ks).map_err(named)?;
    memory::check_fit(matrix, &prepared.source, ks, args.kmeans.n_init)?;
    if let Some(note) = cut_short(ks).filter(|_| args.k.is_none()) {
        console.note(&note);
    }
    let work = Work {
        fit: fit_work(matrix, ks, args.kmeans.n_init),
        pairs: pair_work(matrix, args.choosing.sample),
        nearest: 0.0,
    };
    let mut analysis = Analysis::new("sweep", &prepared, (&args.run, cpu), work, &console, seconds)?;
    analysis.announce(&format!("{}, and their silhouettes", starts(ks, args.kmeans.n_init)));
    let rows = analysis.sweep(ks, &args.kmeans, &args.choosing)?;
    analysis.choose(&rows, &args.choosing)?;
    analysis.document.seconds.total = began.elapsed().as_secs_f64();
    analysis.print(&args.run.talk)
}

/// The files of a fit, in the order in which they are opened; assignments that go to stdout get none.
pub(super) fn file_names(assignments: Option<AssignmentsArg>) -> Vec<&'static str> {
    ["model.json", "metrics.json"].into_iter().chain(assignments.map(assign::file_name)).collect()
}

/// What a fit is to do, whoever asks for it.
pub(super) struct Plan<'a> {
    pub(super) command: &'static str,
    /// Hopkins' statistic first, with so many probes.
    pub(super) tendency: Option<Option<u32>>,
    /// The k to sweep, and the starts of each.
    pub(super) sweep: Option<(Vec<usize>, u32)>,
    /// How many segments; by default the sweep chooses.
    pub(super) k: Option<usize>,
    /// Start centroids.
    pub(super) init: Option<Init>,
    /// Names of segments, by their numbers.
    pub(super) names: BTreeMap<u32, String>,
    pub(super) kmeans: KMeans,
    pub(super) choosing: Choosing,
    pub(super) silhouette: bool,
    /// What the assignments' file is; by default they go to stdout.
    pub(super) assignments: Option<AssignmentsArg>,
    /// Whether they have all digits.
    pub(super) full_precision: bool,
    pub(super) dry_run: bool,
    pub(super) gates: &'a Gates,
    pub(super) run: Run,
}

impl Plan<'_> {
    /// The files of the fit.
    ///
    /// # Errors
    /// One that this build cannot write.
    pub(super) fn file_names(&self) -> Result<Vec<&'static str>, Error> {
        self.assignments.map_or(Ok(()), |a| assign::format(a).must_be_there())?;
        Ok(file_names(self.assignments))
    }

    /// Checks what can be checked without a table.
    pub(super) fn check(&self) -> Result<(), Error> {
        let usage = |what: String| Err(Error::Usage(what));
        if self.k.is_none() && self.init.is_none() {
            check_ks(self.sweep.as_ref().map(|(ks, _)| &ks[..]), self.choosing.min_k)?;
        }
        if self.silhouette && self.k == Some(1) {
            return usage("--silhouette wants at least two segments, and --k is 1".into());
        }
        match (&self.init, self.k) {
            (Some(init), Some(k)) if init.k() != k && self.command == "run" => usage(format!(
                "the recipe and the call ask for k = {k}, but to start from {} means {} centroids",
                init.path().display(),
                init.k()
            )),
            (Some(init), Some(k)) if init.k() != k => {
                usage(format!("--k {k}, but --init has {} centroids", init.k()))
            }
            _ => Ok(()),
        }
    }
}

/// `segmenta fit`.
pub fn fit(args: &Fit) -> anyhow::Result<()> {
    let (began, cpu) = (Instant::now(), set_up(&args.run)?);
    let console = Console::new(&args.run.talk);
    let mut plan = Plan {
        command: "fit",
        tendency: None,
        sweep: None,
        k: args.k.map(|k| k as usize),
        init: None,
        names: BTreeMap::new(),
        kmeans: args.kmeans.clone(),
        choosing: args.choosing.clone(),
        silhouette: args.silhouette,
        assignments: args.labels.is_none().then_some(args.out.assignments),
        full_precision: args.out.full_precision,
        dry_run: args.dry_run,
        gates: &args.gates,
        run: args.run.clone(),
    };
    if args.init.is_none() {
        plan.check()?;
    }
    let folder = Folder::open(&args.out.out, &plan.file_names()?, args.out.force)?;
    let mut features = FeaturesFile::open(args.features_out.features_out.as_deref(), args.out.force)?;
    if let Some(path) = args.init.as_deref() {
        let init = Init::read(path)?;
        init.needs_no_recipe(&args.input.input)?;
        plan.init = Some(init);
        plan.check()?;
    }
    let mut seconds = Seconds::default();
    let aim = Aim::Model(plan.init.as_ref());
    let prepared = prepare(&args.input, &args.features, aim, &console, &mut seconds)?;
    features.write(&prepared)?;
    carry_out(&plan, &prepared, folder, features, &console, (began, cpu, seconds))
}

/// Sweeps, fits and writes, as the plan says.
pub(super) fn carry_out(
    plan: &Plan<'_>,
    prepared: &Prepared,
    folder: Folder,
    features: FeaturesFile,
    console: &Console,
    (began, cpu, seconds): (Instant, Cpu, Seconds),
) -> anyhow::Result<()> {
    let named = |e: Error| e.in_file(&prepared.source);
    let matrix = &prepared.matrix;
    let n_init = plan.kmeans.n_init;
    let sweep = match (&plan.sweep, plan.k, &plan.init) {
        (Some((ks, starts)), _, _) => Some((ks.clone(), *starts)),
        (None, None, None) => Some((default_ks(matrix, plan.choosing.min_k).map_err(named)?, n_init)),
        _ => None,
    };
    let k = plan.k.or(plan.init.as_ref().map(Init::k));
    let swept = sweep.as_ref().map_or(&[][..], |(ks, _)| ks);
    let all: Vec<usize> = swept.iter().copied().chain(k).collect();
    enough_rows(matrix, &all).map_err(named)?;
    memory::check_fit(matrix, &prepared.source, &all, n_init)?;
    let pairs =
        if plan.silhouette || sweep.is_some() { pair_work(matrix, plan.choosing.sample) } else { 0.0 };
    let swept_work = sweep.as_ref().map_or(0.0, |(ks, starts)| fit_work(matrix, ks, *starts));
    let fit = swept_work + fit_work(matrix, &k.into_iter().collect::<Vec<_>>(), n_init);
    let work = Work { fit, pairs, nearest: 0.0 };
    let mut analysis = Analysis::new(plan.command, prepared, (&plan.run, cpu), work, console, seconds)?;
    let mut what: Vec<String> = sweep.iter().map(|(ks, n)| starts(ks, *n)).collect();
    what.extend(k.map(|k| starts(&[k], if plan.init.is_some() { 1 } else { n_init })));
    if pairs > 0.0 {
        what.push("silhouettes".into());
    }
    analysis.announce(&what.join(", "));
    let names = file_names(plan.assignments);
    if plan.dry_run {
        console.note(&format!("dry run: would write {} into {}", names.join(", "), folder.path().display()));
        return Ok(());
    }
    if let Some(probes) = plan.tendency {
        analysis.tendency(probes).map_err(|e| self::named(e, &prepared.source))?;
    }
    let mut params = params(&plan.kmeans, plan.run.seed());
    let mut k = k;
    let mut fitted = None;
    if let Some((ks, starts)) = &sweep {
        if plan.sweep.is_none() {
            console.note(&format!("no --k: sweeping {}..{} first", ks[0], ks[ks.len() - 1]));
        }
        let kmeans = KMeans { n_init: *starts, ..plan.kmeans.clone() };
        let rows = analysis.sweep(ks, &kmeans, &plan.choosing)?;
        if k.is_none() {
            k = Some(analysis.choose(&rows, &plan.choosing)?);
        }
        // A fit with as many starts would be the sweep's own.
        if *starts == n_init && plan.init.is_none() {
            fitted = rows.into_iter().find(|r| Some(r.fit.k) == k);
        }
    }
    let k = k.ok_or_else(|| anyhow::anyhow!("no k was chosen"))?;
    let SweepRow { fit, silhouette } = match fitted {
        Some(row) => row,
        None => {
            let start = match &prepared.start {
                Some(rows) => {
                    params.n_init = 1;
                    Start::Given(start_centroids(rows, matrix))
                }
                None => Start::KMeansPlusPlus,
            };
            let fits = analysis.fits(&[k], &params, &start)?;
            let rows = if plan.silhouette {
                analysis.score(fits, plan.choosing.sample)?
            } else {
                fits.into_iter().map(|fit| SweepRow { fit, silhouette: None }).collect()
            };
            rows.into_iter().next().ok_or_else(|| anyhow::anyhow!("no fit came back"))?
        }
    };
    analysis.document.silhouette = silhouette;
    let out = folder.path().display().to_string();
    let files = (folder, features);
    finish_fit(&mut analysis, &fit, prepared, (plan, &params), files, began)?;
    if plan.assignments.is_none() {
        analysis.passed_over.iter().for_each(|note| console.note(note));
    } else {
        analysis.print(&plan.run.talk)?;
        console.note(&format!("wrote {} into {out}", names.join(", ")));
    }
    gates(plan.gates, &analysis.document, console)
}

/// Start centroids, from the scaled space to stored units.
fn start_centroids(rows: &[Vec<f64>], matrix: &Matrix) -> Centroids {
    let stored = |&v: &f64| matrix.to_stored(f64::from(v as f32));
    Centroids { values: rows.iter().flatten().map(stored).collect(), features: matrix.features() }
}

/// The segments' numbers in the order of the centroids, by size or as an earlier model had them, and their names.
fn numbers(fit: &cluster::Fit, prepared: &Prepared) -> (Vec<u32>, Vec<Option<String>>, Option<Migration>) {
    let Some(before) = &prepared.before else { return (fit.segments(), Vec::new(), None) };
    let mut now = vec![None; prepared.rows];
    match &prepared.kept {
        None => now = fit.labels.iter().copied().map(Some).collect(),
        Some(kept) => kept.iter().zip(&fit.labels).for_each(|(&row, &label)| now[row as usize] = Some(label)),
    }
    let counts = contingency(&before.labels, &now, fit.k);
    let old_of = matched(&counts);
    let mut rows = vec![vec![0; fit.k]; fit.k];
    for (to, from) in rows.iter_mut().zip(&counts) {
        old_of.iter().zip(from).for_each(|(&segment, &count)| to[segment as usize] = count);
    }
    (old_of, before.names.clone(), Some(Migration::new(before.path.display().to_string(), rows)))
}

/// Writes a fit's files, the assignments to stdout where they get none.
fn finish_fit(
    analysis: &mut Analysis<'_>,
    fit: &cluster::Fit,
    prepared: &Prepared,
    (plan, params): (&Plan<'_>, &Params),
    (mut folder, features): (Folder, FeaturesFile),
    began: Instant,
) -> anyhow::Result<()> {
    let start = Instant::now();
    let file = plan.assignments;
    let matrix = &prepared.matrix;
    // The fit of the matrix may be one of distinct rows.
    let all_rows = prepared.merged.as_ref().map(|repeats| fit.clone().of_all_rows(repeats));
    let all_rows = all_rows.as_ref().unwrap_or(fit);
    let (numbers, mut names, migration) = numbers(all_rows, prepared);
    names.resize(fit.k, None);
    for (&segment, name) in &plan.names {
        match names.get_mut(segment as usize) {
            Some(place) => *place = Some(name.clone()),
            None => analysis.console.note(&format!(
                "note: the recipe names segment {segment} {name:?}, but the segments are 0 to {}",
                fit.k - 1
            )),
        }
    }
    analysis.document.add_fit(all_rows, &numbers, &names, matrix, &prepared.fitted.encoder);
    analysis.document.migration = migration;
    let measured = assignments(matrix, &fit.centroids, &fit.labels, &numbers, None);
    let mut rows = prepared.of_table(measured);
    let mut model = Model::new(all_rows, matrix, prepared.fitted.clone(), params)
        .with_reference(prepared.reference.clone(), &rows, prepared.weights.as_ref())
        .with_id(prepared.ids.as_ref().map(|(name, _)| name.clone()));
    model.renumber(&numbers, &names);
    model.weight_column.clone_from(&prepared.weight_column);
    if let Some(Weightless { rows: unweighted, columns }) = &prepared.weightless {
        let labelled = model.label_features(columns.clone(), None, analysis.backend.as_ref())?;
        unweighted.iter().zip(labelled).for_each(|(&row, labelled)| rows[row as usize] = labelled);
    }
    model.identify();
    folder.write(0, |out| out.write_all(model.to_json().as_bytes()))?;
    let labelled = Labelled {
        full_precision: plan.full_precision,
        run: model.run.as_deref(),
        ids: prepared.ids.as_ref(),
        rows: &rows,
        outliers: &prepared.outliers,
        names: &names,
    };
    labelled.note(analysis.console);
    if let Some(file) = file {
        let write = || folder.write_digested(2, |out| labelled.write(file, out));
        let sha256 = analysis.console.during("write", write)?;
        analysis.document.assignments = Some(Written { file: assign::file_name(file), sha256 });
    }
    let document = &mut analysis.document;
    document.run.clone_from(&model.run);
    document.seconds.write = Some(start.elapsed().as_secs_f64());
    document.seconds.total = began.elapsed().as_secs_f64();
    let json = document.to_json();
    folder.write(1, |out| out.write_all(json.as_bytes()))?;
    folder.keep_with(features.into_file())?;
    if file.is_none() {
        // After the files: a reader that stops early must not cost the model.
        labelled.stream()?;
    }
    Ok(())
}

fn gates(gates: &Gates, document: &Document, console: &Console) -> anyhow::Result<()> {
    let shares = document.segments.iter().flatten().map(|segment| segment.share);
    let pct = 100.0 * shares.fold(1.0, f64::min);
    let mut missed = Vec::new();
    if document.converged == Some(false) {
        let passes = document.n_iter.unwrap_or(0);
        missed.push(format!("not converged after {passes} {}", if passes == 1 { "pass" } else { "passes" }));
    }
    if pct < gates.min_segment_pct {
        missed.push(format!("the smallest segment has {pct:.3} %, under {} %", gates.min_segment_pct));
    }
    if gates.strict && !missed.is_empty() {
        return Err(Gate(format!("gate not met: {}", missed.join("; "))).into());
    }
    for what in missed {
        console.note(&format!("note: {what}"));
    }
    Ok(())
}
