//! `segmenta tendency`, `sweep` and `fit`: each verb runs a part of the same analysis.

use super::super::again::again;
use super::super::console::{Console, count, result, tell};
use super::super::files::{
    ChartsFolder, FeaturesFiles, Folder, ResponsibilitiesFile, TableFiles, heal_before_reading,
};
use super::super::hints::expect_table;
use super::super::{Gate, set_up};
use crate::app::cli::{CompareMethods, Features, Fit, InputFlags, Sweep, Talk, Tendency};
use segmenta::Error;
use segmenta::analysis::{
    self, Compute, LINKAGE, Loaded, OtherMethod, Outcome, Prepared, Source, Spec, load,
};
use segmenta::cluster::Method;
use segmenta::report::assignments::{LabelledRows, file_name};
use segmenta::report::json::{Document, Written};
use segmenta::report::linkage::write_npy;
use segmenta::report::methods::{METHODS, write as write_methods};
use segmenta::report::movers::{MOVERS, write as write_movers};
use segmenta::report::page::{Page, REPORT};
use segmenta::report::text::{passed_over, text};
use segmenta::table::write::OutputFormat;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// `segmenta tendency`.
pub fn tendency(args: &Tendency) -> anyhow::Result<()> {
    let mut spec = args.input.spec();
    spec.seed = args.run.seed();
    spec.fit = None;
    spec.tendency = Some(analysis::Tendency { probes: args.probes });
    figures("tendency", spec, (&args.input, &args.features), &args.run)
}

/// `segmenta sweep`.
pub fn sweep(args: &Sweep) -> anyhow::Result<()> {
    let mut spec = args.input.spec();
    spec.seed = args.run.seed();
    spec.fit = None;
    spec.sweep = Some(analysis::Sweep { k: args.k.clone(), n_init: None });
    spec.choose_k = args.choosing.spec();
    spec.structure = !args.choosing.no_structure;
    args.method.apply(&mut spec)?;
    spec.check(None)?;
    figures("sweep", spec, (&args.input, &args.features), &args.run)
}

/// `segmenta compare-methods`.
pub fn compare_methods(args: &CompareMethods) -> anyhow::Result<()> {
    let names: Vec<&str> = args.methods.iter().map(String::as_str).collect();
    if let Some(twice) = (1..names.len()).find(|&i| names[..i].contains(&names[i])) {
        return Err(Error::Usage(format!("--methods lists {} twice", names[twice])).into());
    }
    let [_, _, ..] = names[..] else {
        let what = "--methods needs at least two methods to compare, such as kmeans,ward";
        return Err(Error::Usage(what.into()).into());
    };
    let mut methods = args.parameters.methods(&names)?.into_iter();
    let mut spec = args.input.spec();
    spec.seed = args.run.seed();
    spec.method = methods.next().unwrap_or_default();
    let k = args.k.map(|k| k as usize);
    let of_fit = k.filter(|_| !spec.method.finds_k());
    spec.fit = Some(analysis::Fit { k: of_fit, ..analysis::Fit::default() });
    let other = |method: Method| OtherMethod {
        name: method.name().into(),
        k: k.filter(|_| !method.finds_k()),
        method,
        unscaled: false,
        profile: false,
    };
    spec.compare_methods = methods.map(other).collect();
    (spec.choose_k, spec.structure, spec.profile) = (args.choosing.spec(), false, None);
    spec.check(None)?;
    figures("compare-methods", spec, (&args.input, &args.features), &args.run)
}

/// Runs an analysis that only prints its results and writes no files.
fn figures(
    command: &str,
    mut spec: Spec,
    (input, features): (&InputFlags, &Features),
    run: &crate::app::cli::Run,
) -> anyhow::Result<()> {
    let (compute, console) = (set_up(run)?, Console::new(&run.talk));
    let loaded = loaded(&mut spec, input, Some(features), (&compute, &console))?;
    let outcome = loaded.prepare(&spec, &compute, &console)?.begin(&spec, &compute, &console)?.run()?;
    print(command, &outcome, None, &run.talk, &console)
}

/// Reads the table that flags name, and the lists of columns in the flags.
pub fn loaded(
    spec: &mut Spec,
    input: &InputFlags,
    features: Option<&Features>,
    (compute, console): (&Compute, &Console),
) -> anyhow::Result<Loaded> {
    input.check()?;
    expect_table(&input.input, input.format)?;
    spec.max_memory = Some(super::super::memory_limit());
    let loaded = load(spec, Source::Spec, compute, console)?;
    if let Some(features) = features {
        spec.recipe.features.options = features.options(&loaded.table)?;
    }
    Ok(loaded)
}

/// `segmenta fit`.
pub fn fit(args: &Fit) -> anyhow::Result<()> {
    let began = Instant::now();
    let (compute, console) = (set_up(&args.run)?, Console::new(&args.run.talk));
    let mut spec = args.input.spec();
    spec.seed = args.run.seed();
    spec.fit = Some(analysis::Fit {
        k: args.k.map(|k| k as usize),
        init: args.init.clone(),
        previous: args.previous.clone(),
        silhouette: args.silhouette,
    });
    spec.choose_k = args.choosing.spec();
    spec.structure = !args.choosing.no_structure;
    spec.stability = args.holding.spec();
    spec.gates = args.gates.spec();
    args.method.apply(&mut spec)?;
    spec.output.responsibilities.clone_from(&args.features_out.responsibilities_out);
    if args.init.is_none() {
        spec.check(None)?;
    }
    let mut files = Files::open(Wanted {
        folder: &args.out.out,
        force: args.out.force,
        assignments: args.labels.is_none().then_some(args.out.rows.assignments),
        features: &args.features_out.features_out,
        table: &[],
        responsibilities: args.features_out.responsibilities_out.as_deref(),
        full_precision: args.out.rows.full_precision,
        linkage: has_linkage(&spec),
        movers: args.init.is_some(),
        methods: false,
        report: !args.report.no_report,
        charts: args.report.charts.clone(),
    })?;
    if let Some(init) = &args.init {
        heal_before_reading(init)?;
    }
    let loaded = loaded(&mut spec, &args.input, Some(&args.features), (&compute, &console))?;
    if let Some(what) = loaded.init.as_ref().and_then(analysis::Init::made_by_recipe) {
        return Err(needs_its_recipe(args, &what).into());
    }
    let prepared = loaded.prepare(&spec, &compute, &console)?;
    files.features.write(&prepared)?;
    let job = Job { command: "fit", spec: &spec, dry_run: args.dry_run, strict: args.gates.strict };
    job.finish(prepared, files, (&compute, &args.run.talk), &console, began)
}

/// The error for a model that a fit can only start from together with the recipe that made it.
fn needs_its_recipe(args: &Fit, what: &str) -> Error {
    let model = args.init.as_ref().map_or(String::new(), |path| path.display().to_string());
    let table = args.input.input.display();
    Error::Usage(format!(
        "{model} was fitted by a recipe that {what}; run that recipe again: segmenta run RECIPE.toml --input {table} \
         --init {model}"
    ))
}

/// Which files a fit is to write, and where.
pub struct Wanted<'a> {
    pub folder: &'a std::path::Path,
    pub force: bool,
    /// The format of the assignments' file; `None`: they go to stdout.
    pub assignments: Option<OutputFormat>,
    pub features: &'a [PathBuf],
    /// Where the prepared table goes, relative to the folder.
    pub table: &'a [PathBuf],
    /// Where the responsibilities of a Gaussian mixture go.
    pub responsibilities: Option<&'a std::path::Path>,
    /// Whether distances and margins are written with all their digits.
    pub full_precision: bool,
    /// Whether the method makes a tree of merges, which gets a file.
    pub linkage: bool,
    /// Whether there may be a file of movers.
    pub movers: bool,
    /// Whether there is a file with the segments of other methods.
    pub methods: bool,
    /// Whether there is a page for people to read.
    pub report: bool,
    /// The folder for the charts of the page.
    pub charts: Option<PathBuf>,
}

/// The files of a fit, opened before any work, so that a folder that is not writable is reported at once.
pub struct Files {
    pub features: FeaturesFiles,
    pub table: TableFiles,
    charts: ChartsFolder,
    report: bool,
    responsibilities: ResponsibilitiesFile,
    assignments: Option<OutputFormat>,
    full_precision: bool,
    /// After the files in it: it is dropped last, and removed if it was made for nothing.
    folder: Folder,
}

impl Files {
    /// Opens them.
    ///
    /// # Errors
    /// Files that already exist, unless they may be replaced; a folder that is not writable; a format that this build
    /// does not support.
    pub fn open(wanted: Wanted<'_>) -> anyhow::Result<Self> {
        wanted.assignments.map_or(Ok(()), OutputFormat::must_be_there)?;
        let mut names = file_names(wanted.assignments);
        names.extend(wanted.linkage.then_some(LINKAGE));
        names.extend(wanted.methods.then_some(METHODS));
        names.extend(wanted.movers.then_some(MOVERS));
        let folder = Folder::open(wanted.folder, &names, wanted.force)?;
        let features = FeaturesFiles::open(wanted.features, wanted.force)?;
        let table: Vec<PathBuf> = wanted.table.iter().map(|path| wanted.folder.join(path)).collect();
        let table = TableFiles::open(&table, wanted.force)?;
        let responsibilities = ResponsibilitiesFile::open(wanted.responsibilities, wanted.force)?;
        let charts = ChartsFolder::open(wanted.charts.as_deref(), wanted.folder, wanted.force)?;
        let Wanted { assignments, full_precision, report, .. } = wanted;
        Ok(Files { folder, features, table, charts, report, responsibilities, assignments, full_precision })
    }
}

/// Whether the method of an analysis makes a tree of merges.
pub fn has_linkage(spec: &Spec) -> bool {
    matches!(spec.method, Method::Ward(_) | Method::Complete(_) | Method::Average(_))
}

/// The names of a fit's files, in the order in which they are opened. Assignments that go to stdout have no file.
pub fn file_names(assignments: Option<OutputFormat>) -> Vec<&'static str> {
    ["model.json", "metrics.json", REPORT].into_iter().chain(assignments.map(file_name)).collect()
}

/// A fit, and what to do with its outcome.
pub struct Job<'a> {
    pub command: &'a str,
    pub spec: &'a Spec,
    pub dry_run: bool,
    pub strict: bool,
}

impl Job<'_> {
    /// Computes, writes the files, prints the results, and reports gates that were not met.
    pub fn finish(
        &self,
        prepared: Prepared,
        files: Files,
        (compute, talk): (&Compute, &Talk),
        console: &Console,
        began: Instant,
    ) -> anyhow::Result<()> {
        let ready = prepared.begin(self.spec, compute, console)?;
        let out = files.folder.path().display().to_string();
        if self.dry_run {
            let mut names = files.folder.names();
            names.retain(|name| name != MOVERS && (files.report || name != REPORT));
            console.note(&format!("dry run: would write {} into {out}", names.join(", ")));
            return Ok(());
        }
        let mut outcome = ready.run()?;
        outcome.source.iter_mut().for_each(|source| source.again = Some(again()));
        let to_file = files.assignments.is_some();
        let Wrote { assignments, names, charts } = self.write(&mut outcome, files, console, began)?;
        if to_file {
            print(self.command, &outcome, assignments.as_ref(), talk, console)?;
            console.note(&format!("wrote {} into {out}", names.join(", ")));
            charts.iter().for_each(|charts| console.note(charts));
            if names.iter().any(|name| name == REPORT) {
                console.note(&format!("to read the results: open {out}/{REPORT} in a browser"));
            }
        } else if let Some(found) = &outcome.passed_over {
            console.note(&passed_over(found, self.command == "run"));
        }
        gates(self.strict, &outcome, console)
    }

    /// Writes a fit's files; assignments that have no file go to stdout.
    fn write(
        &self,
        outcome: &mut Outcome,
        files: Files,
        console: &Console,
        began: Instant,
    ) -> anyhow::Result<Wrote> {
        let start = Instant::now();
        let Files { mut folder, features, table, mut charts, .. } = files;
        let Files { report, mut responsibilities, assignments, full_precision, .. } = files;
        let nothing = || anyhow::anyhow!("the fit produced no model");
        let model = outcome.model.as_ref().ok_or_else(nothing)?;
        folder.write("model.json", |out| out.write_all(model.to_json().as_bytes()))?;
        let labelled = outcome.labelled.as_ref().ok_or_else(nothing)?;
        let rows = LabelledRows {
            full_precision,
            run: model.run.as_deref(),
            ids: labelled.ids.as_ref(),
            rows: &labelled.rows,
            left_out: &labelled.left_out,
            names: &labelled.names,
            probabilities: model.assigner.has_probabilities(),
            followed: labelled.followed.as_ref(),
        };
        note_renamed_id(&rows, console);
        if let Some(merges) = outcome.found.linkage.as_ref().and_then(|found| found.merges.as_ref()) {
            console.during("write", || folder.write(LINKAGE, |out| write_npy(merges, out)))?;
        }
        let mut written = None;
        if let Some(format) = assignments {
            let write = || folder.write_digested(file_name(format), |out| rows.write(format, out));
            let sha256 = console.during("write", write)?;
            written = Some(Written { file: file_name(format).into(), sha256 });
        }
        match (&labelled.followed, &labelled.ids) {
            (Some(followed), Some((_, ids))) => {
                let (states, now) = (labelled.states(), &labelled.names);
                folder.write(MOVERS, |out| write_movers(followed, ids, &states, now, out))?;
            }
            _ => folder.leave_out(MOVERS),
        }
        if let Some(compared) = &outcome.compare_methods {
            folder.write(METHODS, |out| write_methods(compared, labelled.ids.as_ref(), out))?;
        }
        if let Some(found) = &outcome.responsibilities {
            responsibilities.write(found)?;
        }
        let seconds = &mut outcome.seconds;
        seconds.write = Some(seconds.write.unwrap_or(0.0) + start.elapsed().as_secs_f64());
        seconds.total = began.elapsed().as_secs_f64();
        let json = Document::new(self.command, outcome, written.as_ref()).to_json();
        folder.write("metrics.json", |out| out.write_all(json.as_bytes()))?;
        let page = Document::from_json(&json).map(|document| Page::new(document, model));
        match page.and_then(|page| Ok((page.html()?, page))) {
            Ok((html, page)) => {
                match report {
                    true => folder.write(REPORT, |out| out.write_all(html.as_bytes()))?,
                    false => folder.leave_out(REPORT),
                }
                charts.write(&page)?;
            }
            // The results themselves must not be lost with the page.
            Err(e) => {
                folder.leave_out(REPORT);
                console.note(&format!("note: there is no {REPORT}: {e}"));
            }
        }
        let names = folder.names();
        let of_charts = charts.written().map(|(folder, files)| wrote_charts(folder, files));
        let beside = features.into_files().chain(table.into_files()).chain(responsibilities.into_file());
        folder.keep_with(beside.chain(charts.take_files()))?;
        charts.keep();
        if assignments.is_none() {
            // After the files, so that the model is safe even if the reader of the pipe stops early.
            super::super::console::stream(|out| rows.write_csv(out))?;
        }
        Ok(Wrote { assignments: written, names, charts: of_charts })
    }
}

/// What a fit wrote.
struct Wrote {
    /// The file of the assignments, if they have one.
    assignments: Option<Written>,
    /// The names of the files in the folder.
    names: Vec<String>,
    /// A sentence about the charts, if they were asked for.
    charts: Option<String>,
}

/// What is said of the charts once they are written.
pub fn wrote_charts(folder: &Path, files: usize) -> String {
    format!("wrote the charts and tables of the report, {}, into {}", count(files, "file"), folder.display())
}

/// Tells the user if the id column has another name in the assignments.
pub fn note_renamed_id(rows: &LabelledRows<'_>, console: &Console) {
    if let Some((name, other)) = rows.renamed_id() {
        console.note(&format!(
            "note: the id column {name} is called {other} in the assignments, because they already have a column {}",
            name.to_lowercase()
        ));
    }
}

/// Prints an outcome as text or JSON, and then a note if a smaller k has a higher silhouette.
pub fn print(
    command: &str,
    outcome: &Outcome,
    assignments: Option<&Written>,
    talk: &Talk,
    console: &Console,
) -> anyhow::Result<()> {
    console.clear();
    match talk.json {
        true => result(&Document::new(command, outcome, assignments).to_json())?,
        false => tell(&text(outcome))?,
    }
    if let Some(found) = &outcome.passed_over {
        console.note(&passed_over(found, command == "run"));
    }
    Ok(())
}

/// Fails a strict run whose outcome misses a gate; otherwise only prints a note.
fn gates(strict: bool, outcome: &Outcome, console: &Console) -> anyhow::Result<()> {
    let missed = outcome.missed();
    if strict && !missed.is_empty() {
        return Err(Gate(format!("gate not met: {}", missed.join("; "))).into());
    }
    missed.iter().for_each(|what| console.note(&format!("note: {what}")));
    Ok(())
}
