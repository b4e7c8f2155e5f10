//! tendency, sweep, fit and demo: one chain, of which each verb takes its part.

use super::assign::write_assignments;
use super::console::{Console, result, stream};
use super::document::{Chosen, DeviceUsed, Document, Seconds};
use super::input::{Prepared, prepare, prepare_table, read_init};
use super::output::{Folder, Pending};
use super::{Gate, console, set_up};
use crate::cli::{
    Choosing, Demo, Features, Fit, Gates, KMeans, MissingArg, RuleArg, Run, ScaleArg, Sweep, Talk, Tendency,
};
use segmenta::backend::cpu::Cpu;
use segmenta::backend::{self, Backend, Labeling};
use segmenta::canonical::Centroids;
use segmenta::cluster::kmeans::enough_rows;
use segmenta::cluster::sweep::{Rule, SweepRow, choose, score};
use segmenta::cluster::{Params, Start, fit_many};
use segmenta::matrix::RowMajor;
use segmenta::metrics::hopkins::{default_probes, hopkins};
use segmenta::metrics::silhouette::silhouette_scores;
use segmenta::model::{Model, assignments};
use segmenta::progress::Progress;
use segmenta::random::{Draws, Purpose};
use segmenta::table::{Column, Table, Values};
use segmenta::{Error, Matrix, cluster};
use std::ops::RangeInclusive;
use std::sync::Arc;
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
        let mut document = Document::new(command, &prepared.matrix, prepared.rows, run.seed);
        let device = DeviceUsed::new(chosen.backend.describe(), &chosen.reason);
        console.detail(&format!("on {}: {} ({})", device.backend, device.name, device.reason));
        document.device = Some(device);
        document.seconds = seconds;
        Ok(Analysis { matrix: &prepared.matrix, backend: chosen.backend, console, document, seed: run.seed })
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

    /// Fits every k, scores each, and chooses.
    fn sweep(
        &mut self,
        ks: &[usize],
        kmeans: &KMeans,
        choosing: &Choosing,
    ) -> anyhow::Result<(Vec<SweepRow>, usize)> {
        let rows = self.fits(ks, &params(kmeans, self.seed), &Start::KMeansPlusPlus)?;
        let start = Instant::now();
        let rows = self.score(rows, choosing.sample)?;
        self.document.seconds.silhouette = Some(start.elapsed().as_secs_f64());
        self.document.add_sweep(&rows);
        let RuleArg::Silhouette = choosing.rule;
        let chosen = choose(&rows, Rule::Silhouette, choosing.min_k)?;
        let k = chosen.k;
        self.document.chosen = Some(Chosen { k, rule: chosen.rule });
        Ok((rows, k))
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
fn print(document: &Document, talk: &Talk, console: &Console) -> anyhow::Result<()> {
    console.clear();
    result(&if talk.json { document.to_json() } else { document.to_text() })
}

/// `segmenta tendency`.
pub fn tendency(args: &Tendency) -> anyhow::Result<()> {
    let (began, cpu) = (Instant::now(), set_up(&args.run)?);
    let console = Console::new(&args.run.talk);
    let mut seconds = Seconds::default();
    let prepared = prepare(&args.input, &args.features, None, &console, &mut seconds)?;
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
    let prepared = prepare(&args.input, &args.features, None, &console, &mut seconds)?;
    let matrix = &prepared.matrix;
    enough_rows(matrix, ks).map_err(|e| e.in_file(&prepared.source))?;
    let work = fit_work(matrix, ks, args.kmeans.n_init) + pair_work(matrix, args.choosing.sample);
    let mut analysis = Analysis::new("sweep", &prepared, (&args.run, cpu), work, &console, seconds)?;
    analysis.sweep(ks, &args.kmeans, &args.choosing)?;
    analysis.document.seconds.total = began.elapsed().as_secs_f64();
    print(&analysis.document, &args.run.talk, &console)
}

/// The files of a fit, in the order in which they are opened.
const FILES: [&str; 3] = ["model.json", "metrics.json", "assignments.csv"];

/// `segmenta fit`.
pub fn fit(args: &Fit) -> anyhow::Result<()> {
    let (began, cpu) = (Instant::now(), set_up(&args.run)?);
    let console = Console::new(&args.run.talk);
    if args.k.is_none() && args.init.is_none() && args.choosing.min_k > *DEFAULT_KS.end() {
        let (low, high) = (DEFAULT_KS.start(), DEFAULT_KS.end());
        let what = format!("--min-k {}: without --k the sweep is {low}..{high}", args.choosing.min_k);
        return Err(Error::Usage(what).into());
    }
    if args.silhouette && args.k == Some(1) {
        return Err(Error::Usage("--silhouette wants at least two segments, and --k is 1".into()).into());
    }
    let to_stdout = args.labels.is_some();
    let names = if to_stdout { &FILES[..2] } else { &FILES[..] };
    let folder = Folder::open(&args.out.out, names, args.out.force)?;
    let init = args.init.as_deref().map(read_init).transpose()?;
    if let (Some(init), Some(k)) = (&init, args.k)
        && init.len() != k as usize
    {
        let what = format!("--k {k}, but --init has {} centroids", init.len());
        return Err(Error::Usage(what).into());
    }
    let mut seconds = Seconds::default();
    let given = args.init.as_deref().zip(init.as_deref());
    let prepared = prepare(&args.input, &args.features, given, &console, &mut seconds)?;
    let named = |e: Error| e.in_file(&prepared.source);
    let matrix = &prepared.matrix;
    let ks: Vec<usize> = match (args.k, &init) {
        (Some(k), _) => vec![k as usize],
        (None, Some(init)) => vec![init.len()],
        (None, None) => default_ks(matrix, args.choosing.min_k).map_err(named)?,
    };
    enough_rows(matrix, &ks).map_err(named)?;
    let scored = args.silhouette || ks.len() > 1;
    let pairs = if scored { pair_work(matrix, args.choosing.sample) } else { 0.0 };
    let work = fit_work(matrix, &ks, args.kmeans.n_init) + pairs;
    let mut analysis = Analysis::new("fit", &prepared, (&args.run, cpu), work, &console, seconds)?;
    if args.dry_run {
        console.note(&format!("dry run: would write {} into {}", names.join(", "), folder.path().display()));
        return Ok(());
    }
    let mut params = params(&args.kmeans, args.run.seed);
    let fit = if ks.len() > 1 {
        console.note(&format!("no --k: sweeping {}..{} first", ks[0], ks[ks.len() - 1]));
        let (rows, k) = analysis.sweep(&ks, &args.kmeans, &args.choosing)?;
        take(rows, k, &mut analysis)?
    } else {
        let start = match &init {
            Some(rows) => {
                params.n_init = 1;
                Start::Given(start_centroids(rows, &prepared))
            }
            None => Start::KMeansPlusPlus,
        };
        let fits = analysis.fits(&ks, &params, &start)?;
        if args.silhouette {
            let started = Instant::now();
            let rows = analysis.score(fits, args.choosing.sample)?;
            analysis.document.seconds.silhouette = Some(started.elapsed().as_secs_f64());
            take(rows, ks[0], &mut analysis)?
        } else {
            only(fits)?
        }
    };
    let sizes = finish_fit(&mut analysis, &fit, &prepared, &params, folder, (to_stdout, began))?;
    if !to_stdout {
        print(&analysis.document, &args.run.talk, &console)?;
        console.note(&format!("wrote {} into {}", names.join(", "), args.out.out.display()));
    }
    gates(&args.gates, &analysis.document, &sizes, &console)
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

/// The fit of `k` among a sweep's.
fn take(rows: Vec<SweepRow>, k: usize, analysis: &mut Analysis<'_>) -> anyhow::Result<cluster::Fit> {
    let row = rows.into_iter().find(|r| r.fit.k == k);
    analysis.document.silhouette = row.as_ref().and_then(|r| r.silhouette);
    only(row.map(|r| r.fit).into_iter().collect())
}

fn only(mut fits: Vec<cluster::Fit>) -> anyhow::Result<cluster::Fit> {
    fits.pop().ok_or_else(|| anyhow::anyhow!("no fit came back"))
}

/// Start centroids, from the user's scaled feature space to stored units.
fn start_centroids(rows: &[Vec<f64>], prepared: &Prepared) -> Centroids {
    let stored = |(j, &v): (usize, &f64)| {
        let value = prepared.encoder.from_user(j, v) as f32;
        prepared.matrix.to_stored(f64::from(value))
    };
    Centroids {
        values: rows.iter().flat_map(|row| row.iter().enumerate().map(stored)).collect(),
        features: prepared.matrix.features(),
    }
}

/// Writes a fit's files; returns the segments' sizes, largest first.
fn finish_fit(
    analysis: &mut Analysis<'_>,
    fit: &cluster::Fit,
    prepared: &Prepared,
    params: &Params,
    mut folder: Folder,
    (to_stdout, began): (bool, Instant),
) -> anyhow::Result<Vec<u64>> {
    let start = Instant::now();
    let matrix = &prepared.matrix;
    analysis.document.add_fit(fit, matrix, &prepared.encoder);
    let model = Model::new(fit, matrix, prepared.encoder.clone(), params);
    let kept = prepared.kept.as_deref().map(|kept| (kept, prepared.rows));
    let rows = assignments(matrix, &fit.centroids, &fit.labels, &fit.segments(), kept);
    folder.write(0, |out| out.write_all(model.to_json().as_bytes()))?;
    folder.write(2, |out| write_assignments(out, prepared.ids.as_ref(), &rows))?;
    let document = &mut analysis.document;
    document.seconds.write = Some(start.elapsed().as_secs_f64());
    document.seconds.total = began.elapsed().as_secs_f64();
    let json = document.to_json();
    folder.write(1, |out| out.write_all(json.as_bytes()))?;
    folder.keep()?;
    if to_stdout {
        // After the files: a reader that stops early must not cost the model.
        stream(|out| write_assignments(out, prepared.ids.as_ref(), &rows))?;
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

/// `segmenta demo`: as published for a tech-learning platform, but exact on all rows.
pub fn demo(args: &Demo) -> anyhow::Result<()> {
    const ROWS: usize = 205_843;
    const YEAR: i32 = 2026;
    let (began, cpu) = (Instant::now(), set_up(&args.run)?);
    let console = Console::new(&args.run.talk);
    let mut folder = Folder::open(&args.out, &FILES, args.force)?;
    let raw = args.out.join("learners.csv");
    let features = args.out.join("features.csv");
    let mut files = [Pending::open(&raw, args.force)?, Pending::open(&features, args.force)?];
    console.note(&format!("making {ROWS} learners: {}, {}", raw.display(), features.display()));
    let made = {
        let learners = segmenta::synth::learners(ROWS, args.run.seed);
        files[0].write(|mut out| learners.write_csv(&mut out))?;
        segmenta::synth::prepare(&learners, YEAR)
    };
    files[1].write(|out| super::tools::write_columns(out, &made.names, &made.columns))?;
    for file in files {
        file.keep()?;
    }
    folder.keep_folder();
    // As features.csv would be read back: its numbers are these to the last digit.
    let d = made.columns.len();
    let mut block = RowMajor::zeros(ROWS, d);
    for (j, values) in made.columns.into_iter().enumerate() {
        block.values_mut().iter_mut().skip(j).step_by(d).zip(values).for_each(|(to, v)| *to = v);
    }
    let block = Arc::new(block);
    let column = |(column, name): (usize, String)| Column {
        name,
        values: Values::Packed { block: Arc::clone(&block), column },
    };
    let columns = made.names.into_iter().enumerate().map(column).collect();
    drop(block);
    let table = Table { source: features.display().to_string(), rows: ROWS, columns, ids: None };

    let choice = Features {
        features: vec!["*".into()],
        drop: Vec::new(),
        scale: ScaleArg::None,
        missing: MissingArg::Error,
        max_categories: 50,
    };
    let mut seconds = Seconds::default();
    let quiet = Console::new(&Talk { quiet: true, ..args.run.talk.clone() });
    let prepared = prepare_table(table, &choice, None, &quiet, &mut seconds)?;
    let matrix = &prepared.matrix;
    console.note(&format!(
        "{} rows, {} features; tendency, sweep 2..10, fit",
        matrix.rows(),
        matrix.features()
    ));
    let ks: Vec<usize> = DEFAULT_KS.collect();
    let (sweep, last) = (20, 30);
    let work = fit_work(matrix, &ks, sweep) + pair_work(matrix, None);
    let mut analysis = Analysis::new("demo", &prepared, (&args.run, cpu), work, &console, seconds)?;
    analysis.tendency(None)?;
    let kmeans = |n_init| KMeans { n_init, max_iter: 300, tol: 1e-4 };
    let choosing = Choosing { rule: RuleArg::Silhouette, min_k: 3, sample: None };
    let (rows, k) = analysis.sweep(&ks, &kmeans(sweep), &choosing)?;
    drop(rows);
    let params = params(&kmeans(last), args.run.seed);
    let fit = only(analysis.fits(&[k], &params, &Start::KMeansPlusPlus)?)?;
    finish_fit(&mut analysis, &fit, &prepared, &params, folder, (false, began))?;
    print(&analysis.document, &args.run.talk, &console)?;
    let out = args.out.display();
    console.note(&format!(
        "{:.1} s; wrote {} into {out}\n\
         the last step again: segmenta fit {out}/features.csv --features '*' --scale none --missing error --k {k} --n-init {last}\n\
         label other rows:    segmenta assign {out}/model.json OTHER.csv --out other",
        analysis.document.seconds.total,
        FILES.join(", "),
    ));
    Ok(())
}
