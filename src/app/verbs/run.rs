//! `segmenta run` and `demo`: follow a recipe from the raw table to the result files.

use super::super::console::{Console, count};
use super::super::files::{FeaturesFiles, Folder, Pending, heal_before_reading};
use super::super::hints::{expect_table, not_a_recipe};
use super::super::{memory_limit, set_up};
use super::analyse::{Files, Job, Wanted, file_names, has_linkage, print};
use crate::app::cli::{Demo, FeaturesOut, GateFlags, RowsOut, RunRecipe};
use segmenta::Error;
use segmenta::analysis::{Compute, DEFAULT_FOLDER, Fit, Source, Spec, load};
use segmenta::synth::Example;
use segmenta::table::write::OutputFormat;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// `segmenta run`.
pub fn run(args: &RunRecipe) -> anyhow::Result<()> {
    follow(args, &set_up(&args.run)?)
}

fn follow(args: &RunRecipe, compute: &Compute) -> anyhow::Result<()> {
    let began = Instant::now();
    let console = Console::new(&args.run.talk);
    let mut spec = read_recipe(args)?;
    args.apply(&mut spec);
    spec.max_memory = Some(memory_limit());
    let init = spec.fit.as_ref().and_then(|fit| fit.init.clone());
    if init.is_none() {
        spec.check(None)?;
    }
    let features = match args.features_out.features_out.is_empty() {
        true => spec.output.features.clone(),
        false => args.features_out.features_out.clone(),
    };
    if args.no_fit {
        return features_alone(&mut spec, args, &features, (compute, &console));
    }
    let folder = args.out.clone().or_else(|| spec.output.folder.clone());
    let folder = folder.unwrap_or_else(|| PathBuf::from(DEFAULT_FOLDER));
    let mut files = Files::open(Wanted {
        folder: &folder,
        force: args.force,
        assignments: Some(args.rows.assignments),
        features: &features,
        table: &spec.output.table,
        responsibilities: spec.output.responsibilities.as_deref(),
        full_precision: args.rows.full_precision,
        linkage: has_linkage(&spec),
        movers: init.is_some(),
        methods: !spec.compare_methods.is_empty(),
        report: spec.output.report.unwrap_or(true) && !args.report.no_report,
        charts: args.report.charts.clone().or_else(|| Some(folder.join(spec.output.charts.as_ref()?))),
    })?;
    if let Some(init) = &init {
        heal_before_reading(init)?;
    }
    check_input(&spec)?;
    let prepared = load(&spec, Source::Spec, compute, &console)?.prepare(&spec, compute, &console)?;
    files.features.write(&prepared)?;
    files.table.write(&prepared, &spec.output.table_columns)?;
    let job = Job { command: "run", spec: &spec, dry_run: args.dry_run, strict: args.gates.strict };
    job.finish(prepared, files, (compute, &args.run.talk), &console, began)
}

/// `--no-fit`: writes the features and stops.
fn features_alone(
    spec: &mut Spec,
    args: &RunRecipe,
    paths: &[PathBuf],
    (compute, console): (&Compute, &Console),
) -> anyhow::Result<()> {
    let mut features = FeaturesFiles::open(paths, args.force)?;
    spec.output.table.clear();
    spec.fit = None;
    spec.sweep = None;
    check_input(spec)?;
    let prepared = load(spec, Source::Spec, compute, console)?.prepare(spec, compute, console)?;
    features.write(&prepared)?;
    Pending::keep_all(features.into_files().collect())?;
    print("run", &prepared.outcome(spec), None, &args.run.talk, console)?;
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    if !paths.is_empty() {
        console.note(&format!("wrote the features to {}", paths.join(", ")));
    }
    Ok(())
}

/// Reads the recipe; the error for a file of another kind says what it is.
fn read_recipe(args: &RunRecipe) -> anyhow::Result<Spec> {
    if let Some(e) = not_a_recipe(&args.recipe, false) {
        return Err(e.into());
    }
    let spec = Spec::read(&args.recipe, &args.set.iter().cloned().collect());
    Ok(spec.map_err(|e| not_a_recipe(&args.recipe, true).unwrap_or(e))?)
}

/// Checks that there is a table to read, and that its file is not a recipe or a model.
fn check_input(spec: &Spec) -> anyhow::Result<()> {
    let input = &spec.input;
    let Some(path) = &input.path else {
        if input.synth.is_some() {
            return Ok(());
        }
        let recipe = &spec.recipe.source;
        let what = format!("{recipe}: [input] names no table; set path or synth there, or use --input FILE");
        return Err(Error::Usage(what).into());
    };
    Ok(expect_table(path, input.read.format)?)
}

impl RunRecipe {
    /// Overrides the recipe with the flags.
    fn apply(&self, spec: &mut Spec) {
        if let Some(seed) = self.run.seed {
            spec.seed = seed;
        }
        if let Some(input) = &self.input {
            spec.input.path = Some(input.clone());
        }
        if let Some(n_init) = self.n_init {
            n_init.apply(spec);
            spec.sweep.iter_mut().for_each(|sweep| sweep.n_init = None);
        }
        let fit = spec.fit.get_or_insert_with(Fit::default);
        if let Some(previous) = &self.previous {
            fit.previous = Some(previous.clone());
        }
        if let Some(init) = &self.init {
            fit.init = Some(init.clone());
            fit.k = None;
        }
        if let Some(k) = self.k {
            fit.k = Some(k as usize);
        }
        // If the flags settle the number of segments, no sweep is needed.
        if self.k.is_some() || self.init.is_some() {
            spec.sweep = None;
        }
        if let Some(path) = &self.features_out.responsibilities_out {
            spec.output.responsibilities = Some(path.clone());
        }
        spec.gates = self.gates.spec();
    }
}

/// The recipe of the demo.
const LEARNERS: &str = include_str!("../../../recipes/learners.toml");

/// `segmenta demo`: as published for a tech-learning platform, but exact on all rows.
pub fn demo(args: &Demo) -> anyhow::Result<()> {
    let rows = Example::Learners.rows();
    let compute = set_up(&args.run)?;
    let console = Console::new(&args.run.talk);
    let mut folder = Folder::open(&args.out, &file_names(Some(OutputFormat::Csv)), args.force)?;
    let table = args.out.join("learners.csv");
    let recipe = args.out.join("learners.toml");
    let mut files = [Pending::open(&table, args.force)?, Pending::open(&recipe, args.force)?];
    console.note(&format!("making {}: {}, {}", count(rows, "learner"), table.display(), recipe.display()));
    let learners = segmenta::synth::learners(rows, args.run.seed());
    files[0].write(|mut out| learners.write_csv(&mut out))?;
    drop(learners);
    let text = LEARNERS.replace("synth = \"learners\"", "path = \"learners.csv\"");
    files[1].write(|out| out.write_all(text.as_bytes()))?;
    Pending::keep_all(files.into())?;
    folder.keep_folder();
    drop(folder);
    let args = RunRecipe {
        recipe: recipe.clone(),
        k: None,
        n_init: None,
        init: None,
        previous: None,
        input: None,
        set: Vec::new(),
        out: Some(args.out.clone()),
        force: args.force,
        rows: RowsOut { assignments: OutputFormat::Csv, full_precision: false },
        features_out: FeaturesOut { features_out: Vec::new(), responsibilities_out: None },
        report: args.report.clone(),
        no_fit: false,
        dry_run: false,
        gates: GateFlags::default(),
        run: args.run.clone(),
    };
    follow(&args, &compute)?;
    let out = Path::new(&recipe).parent().unwrap_or(Path::new("")).display();
    console.note(&format!(
        "to run it again:     segmenta run {} --force\n\
         to label other rows: segmenta assign {out}/model.json OTHER.csv --out other",
        recipe.display(),
    ));
    Ok(())
}
