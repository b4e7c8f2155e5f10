//! tendency, sweep and fit: one chain, of which each verb takes its part.

use super::assign::{self, Labelled};
use super::console::{Console, result};
use super::document::{Chosen, DeviceUsed, Document, Migration, Seconds};
use super::features::FeaturesFile;
use super::init::Init;
use super::input::{Aim, Prepared, prepare};
use super::output::Folder;
use super::{Gate, console, set_up};
use crate::cli::{AssignmentsArg, Choosing, Fit, Gates, KMeans, RuleArg, Run, Sweep, Talk, Tendency};
use segmenta::backend::cpu::Cpu;
use segmenta::backend::{self, Backend, Labeling};
use segmenta::canonical::Centroids;
use segmenta::cluster::kmeans::enough_rows;
use segmenta::cluster::matching::{contingency, matched};
use segmenta::cluster::sweep::{Rule, SweepRow, choose, score};
use segmenta::cluster::{Params, Start, fit_many};
use segmenta::metrics::hopkins::{default_probes, hopkins};
use segmenta::metrics::silhouette::silhouette_scores;
use segmenta::model::{Model, assignments};
use segmenta::progress::Progress;
use segmenta::random::{Draws, Purpose};
use segmenta::{Error, Matrix, cluster};
use std::ops::RangeInclusive;
use std::time::Instant;

/// The k of a sweep that nobody named.
const DEFAULT_KS: RangeInclusive<usize> = 2..=10;

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
    seed: u64,
}

impl<'a> Analysis<'a> {
    fn new(
        command: &'static str,
        prepared: &'a Prepared,
        (run, cpu): (&Run, Cpu),
        work: f64,
        console: &'a Console,
        seconds: Seconds,
    ) -> anyhow::Result<Self> {
        let chosen = backend::choose(run.device, cpu, work)?;
        let mut document = Document::new(command, &prepared.matrix, prepared.rows, run.seed());
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
            seed: run.seed(),
        })
    }

    fn tendency(&mut self, probes: Option<u32>) -> anyhow::Result<()> {
        let start = Instant::now();
        let step = |s: segmenta::progress::Step<'_>| self.console.step(s);
        let probes = probes.map_or_else(|| default_probes(self.matrix.rows()), |p| p as usize);
        let rows = self.backend.load(self.matrix)?;
        let found = hopkins(&*rows, self.matrix, probes, self.seed, Progress::new(&step))?;
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
        self.document.chosen = Some(Chosen { k, rule: chosen.rule });
        Ok(k)
    }

    fn fits(&mut self, ks: &[usize], params: &Params, start: &Start) -> anyhow::Result<Vec<cluster::Fit>> {
        let began = Instant::now();
        let step = |s: segmenta::progress::Step<'_>| self.console.step(s);
        let rows = self.backend.load(self.matrix)?;
        let fits = fit_many(&*rows, self.matrix, ks, params, start, Progress::new(&step))?;
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
        let step = |s: segmenta::progress::Step<'_>| self.console.step(s);
        let progress = Progress::new(&step);
        let sample = sample.map(|s| s as usize).filter(|&s| s < self.matrix.rows());
        let Some(sample) = sample else {
            return Ok(score(&*self.backend.load(self.matrix)?, self.matrix, fits, progress)?);
        };
        self.document.silhouette_sample = Some(sample);
        let chosen =
            Draws::new(self.seed, Purpose::SilhouetteSample).at(0).sample(sample, self.matrix.rows());
        let matrix = self.matrix.select(&chosen);
        let rows = self.backend.load(&matrix)?;
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
                    if several { silhouette_scores(&*rows, &matrix, &[labeling], progress)? } else { vec![] };
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
    result(&if talk.json { document.to_json() } else { document.to_text() })
}

/// `segmenta tendency`.
pub fn tendency(args: &Tendency) -> anyhow::Result<()> {
    let (began, cpu) = (Instant::now(), set_up(&args.run)?);
    let console = Console::new(&args.run.talk);
    let mut seconds = Seconds::default();
    let prepared = prepare(&args.input, &args.features, Aim::Figures, &console, &mut seconds)?;
    let probes = args.probes.map_or_else(|| default_probes(prepared.matrix.rows()), |p| p as usize);
    let work = 2.0 * probes as f64 * prepared.matrix.rows() as f64 * prepared.matrix.features() as f64;
    let mut analysis = Analysis::new("tendency", &prepared, (&args.run, cpu), work, &console, seconds)?;
    analysis.tendency(args.probes).map_err(|e| named(e, &prepared.source))?;
    analysis.document.seconds.total = began.elapsed().as_secs_f64();
    print(&analysis.document, &args.run.talk, &console)
}

/// `segmenta sweep`.
pub fn sweep(args: &Sweep) -> anyhow::Result<()> {
    let (began, cpu) = (Instant::now(), set_up(&args.run)?);
    let console = Console::new(&args.run.talk);
    let ks = &args.k.0;
    if !ks.iter().any(|&k| k >= args.choosing.min_k.max(2)) {
        let what = format!("no k of the sweep is at least {}; see --min-k", args.choosing.min_k.max(2));
        return Err(Error::Usage(what).into());
    }
    let mut seconds = Seconds::default();
    let prepared = prepare(&args.input, &args.features, Aim::Figures, &console, &mut seconds)?;
    let matrix = &prepared.matrix;
    enough_rows(matrix, ks).map_err(|e| e.in_file(&prepared.source))?;
    let work = fit_work(matrix, ks, args.kmeans.n_init) + pair_work(matrix, args.choosing.sample);
    let mut analysis = Analysis::new("sweep", &prepared, (&args.run, cpu), work, &console, seconds)?;
    let rows = analysis.sweep(ks, &args.kmeans, &args.choosing)?;
    analysis.choose(&rows, &args.choosing)?;
    analysis.document.seconds.total = began.elapsed().as_secs_f64();
    print(&analysis.document, &args.run.talk, &console)
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
    pub(super) kmeans: KMeans,
    pub(super) choosing: Choosing,
    pub(super) silhouette: bool,
    /// What the assignments' file is; by default they go to stdout.
    pub(super) assignments: Option<AssignmentsArg>,
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
        let min_k = self.choosing.min_k.max(2);
        if self.k.is_none() && self.init.is_none() {
            match &self.sweep {
                None if self.choosing.min_k > *DEFAULT_KS.end() => {
                    let (low, high) = (DEFAULT_KS.start(), DEFAULT_KS.end());
                    return usage(format!(
                        "--min-k {}: without --k the sweep is {low}..{high}",
                        self.choosing.min_k
                    ));
                }
                Some((ks, _)) if !ks.iter().any(|&k| k >= min_k) => {
                    return usage(format!("no k of the sweep is at least {min_k}; see --min-k"));
                }
                _ => {}
            }
        }
        if self.silhouette && self.k == Some(1) {
            return usage("--silhouette wants at least two segments, and --k is 1".into());
        }
        match (&self.init, self.k) {
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
        kmeans: args.kmeans.clone(),
        choosing: args.choosing.clone(),
        silhouette: args.silhouette,
        assignments: args.labels.is_none().then_some(args.out.assignments),
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
        plan.init = Some(Init::read(path)?);
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
    let pairs =
        if plan.silhouette || sweep.is_some() { pair_work(matrix, plan.choosing.sample) } else { 0.0 };
    let work = fit_work(matrix, &all, n_init) + pairs;
    let mut analysis = Analysis::new(plan.command, prepared, (&plan.run, cpu), work, console, seconds)?;
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
    let sizes = finish_fit(&mut analysis, &fit, prepared, &params, folder, (plan.assignments, began))?;
    features.keep()?;
    if plan.assignments.is_some() {
        print(&analysis.document, &plan.run.talk, console)?;
        console.note(&format!("wrote {} into {out}", names.join(", ")));
    }
    gates(plan.gates, &analysis.document, &sizes, console)
}

/// The k of a sweep that nobody asked for: 2..10, less where the table has fewer distinct rows.
fn default_ks(matrix: &Matrix, min_k: usize) -> Result<Vec<usize>, Error> {
    let distinct = matrix.distinct_rows(*DEFAULT_KS.end()).err().unwrap_or(*DEFAULT_KS.end());
    let ks: Vec<usize> = DEFAULT_KS.filter(|&k| k <= distinct).collect();
    if ks.iter().any(|&k| k >= min_k) {
        return Ok(ks);
    }
    let rows = console::count(distinct, "distinct row");
    Err(Error::data(format!("{rows}: no k from {min_k} on to choose (--min-k); --k names one")))
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

/// Writes a fit's files, the assignments to stdout where they get none; returns the segments' sizes, largest first.
fn finish_fit(
    analysis: &mut Analysis<'_>,
    fit: &cluster::Fit,
    prepared: &Prepared,
    params: &Params,
    mut folder: Folder,
    (file, began): (Option<AssignmentsArg>, Instant),
) -> anyhow::Result<Vec<u64>> {
    let start = Instant::now();
    let matrix = &prepared.matrix;
    let (numbers, names, migration) = numbers(fit, prepared);
    analysis.document.add_fit(fit, &numbers, &names, matrix, &prepared.fitted.encoder);
    analysis.document.migration = migration;
    let kept = prepared.kept.as_deref().map(|kept| (kept, prepared.rows));
    let rows = assignments(matrix, &fit.centroids, &fit.labels, &numbers, kept);
    let mut model = Model::new(fit, matrix, prepared.fitted.clone(), params).with_reference(
        prepared.reference.clone(),
        &rows,
        prepared.weights.as_ref(),
    );
    model.renumber(&numbers, &names);
    folder.write(0, |out| out.write_all(model.to_json().as_bytes()))?;
    let labelled = Labelled { ids: prepared.ids.as_ref(), rows: &rows, outliers: &prepared.outliers };
    if let Some(file) = file {
        folder.write(2, |out| labelled.write(file, out))?;
    }
    let document = &mut analysis.document;
    document.seconds.write = Some(start.elapsed().as_secs_f64());
    document.seconds.total = began.elapsed().as_secs_f64();
    let json = document.to_json();
    folder.write(1, |out| out.write_all(json.as_bytes()))?;
    folder.keep()?;
    if file.is_none() {
        // After the files: a reader that stops early must not cost the model.
        labelled.stream()?;
    }
    Ok(document.sizes.clone().unwrap_or_default())
}

fn gates(gates: &Gates, document: &Document, sizes: &[u64], console: &Console) -> anyhow::Result<()> {
    let rows: u64 = sizes.iter().sum();
    let smallest = sizes.iter().copied().min().unwrap_or(0);
    let pct = 100.0 * smallest as f64 / rows.max(1) as f64;
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
