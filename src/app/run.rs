//! `segmenta run` and `demo`: a recipe, followed from the raw table to the files.

use super::analyse::{Plan, carry_out, file_names, print};
use super::console::{Console, count};
use super::document::{Document, Seconds};
use super::features::FeaturesFile;
use super::hints::not_a_recipe;
use super::init::Init;
use super::input::{Aim, prepare_table, read_path};
use super::memory;
use super::output::{Folder, Pending};
use super::set_up;
use crate::app::cli::{AssignmentsArg, Choosing, Demo, FeaturesOut, Gates, KMeans, RuleArg, RunRecipe};
use segmenta::Error;
use segmenta::backend::cpu::Cpu;
use segmenta::recipe::{Recipe, Synth};
use segmenta::table::{KnownColumns, ReadOptions, Table};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// `segmenta run`.
pub fn run(args: &RunRecipe) -> anyhow::Result<()> {
    follow(args, set_up(&args.run)?)
}

fn follow(args: &RunRecipe, cpu: Cpu) -> anyhow::Result<()> {
    let began = Instant::now();
    let console = Console::new(&args.run.talk);
    let recipe = read_recipe(args)?;
    let analysis = &recipe.analysis;
    let mut plan = Plan {
        command: "run",
        tendency: analysis.tendency.then_some(analysis.probes),
        sweep: None,
        k: args.k.map(|k| k as usize).or(analysis.k.filter(|_| args.init.is_none())),
        init: None,
        names: recipe.names.clone(),
        kmeans: KMeans {
            n_init: args.n_init.or(analysis.n_init).unwrap_or(10),
            max_iter: analysis.max_iter.unwrap_or(300),
            tol: analysis.tol.unwrap_or(1e-4),
        },
        choosing: Choosing {
            rule: RuleArg::Silhouette,
            min_k: analysis.min_k.unwrap_or(3),
            sample: analysis.sample,
        },
        silhouette: analysis.silhouette,
        assignments: Some(args.assignments),
        full_precision: args.full_precision,
        dry_run: args.dry_run,
        gates: &args.gates,
        run: args.run.clone(),
    };
    plan.run.seed = args.run.seed.or(analysis.seed);
    let starts = args.n_init.or(analysis.sweep_n_init).unwrap_or(plan.kmeans.n_init);
    // A call that says how many segments needs no sweep.
    if args.k.is_none() && args.init.is_none() {
        plan.sweep = analysis.sweep.clone().map(|ks| (ks, starts));
    }
    let init = args.init.as_deref().or(analysis.init.as_deref());
    if init.is_none() {
        plan.check()?;
    }
    let out = args.out.clone().or_else(|| recipe.output.folder.clone());
    let out = out.unwrap_or_else(|| PathBuf::from("segmenta-out"));
    let folder = if args.no_fit { None } else { Some(Folder::open(&out, &plan.file_names()?, args.force)?) };
    let features = args.features_out.features_out.as_deref().or(recipe.output.features.as_deref());
    let mut features = FeaturesFile::open(features, args.force)?;
    if let Some(path) = init {
        plan.init = Some(Init::read(path)?);
        plan.check()?;
    }
    let mut seconds = Seconds::default();
    let known = plan.init.as_ref().map_or_else(KnownColumns::default, Init::known_columns);
    let table = table(args, &recipe, (plan.run.seed(), known), &console, &mut seconds)?;
    let aim = if args.no_fit { Aim::Figures } else { Aim::Model(plan.init.as_ref()) };
    let prepared = prepare_table(table, &recipe, aim, &console, &mut seconds)?;
    features.write(&prepared)?;
    let Some(folder) = folder else {
        features.into_file().map_or(Ok(()), Pending::keep)?;
        let mut document = Document::new("run", &prepared, plan.run.seed());
        document.seconds = Seconds { total: began.elapsed().as_secs_f64(), ..seconds };
        return print(&document, &args.run.talk, &console);
    };
    carry_out(&plan, &prepared, folder, features, &console, (began, cpu, seconds))
}

/// Reads the recipe; a file that is something else says what it is.
fn read_recipe(args: &RunRecipe) -> anyhow::Result<Recipe> {
    if let Some(e) = not_a_recipe(&args.recipe, false) {
        return Err(e.into());
    }
    let recipe = Recipe::read(&args.recipe, &args.set.iter().cloned().collect());
    Ok(recipe.map_err(|e| not_a_recipe(&args.recipe, true).unwrap_or(e))?)
}

/// The table that a recipe names, or the call.
fn table(
    args: &RunRecipe,
    recipe: &Recipe,
    (seed, known): (u64, KnownColumns),
    console: &Console,
    seconds: &mut Seconds,
) -> anyhow::Result<Table> {
    let input = &recipe.input;
    if args.input.is_none()
        && let Some(synth) = input.synth
    {
        let began = Instant::now();
        let mut table = console.during("make", || made(synth, input.rows, seed));
        if let Some(id) = recipe.id() {
            let column = table.columns.iter().find(|c| c.name == id);
            let column = column.ok_or_else(|| Error::data(format!("no column {id:?} to name the rows")))?;
            let cells = (0..table.rows).map(|row| column.values.cell(row)).collect();
            table.ids = Some((id.to_string(), cells));
        }
        seconds.load = Some(began.elapsed().as_secs_f64());
        return Ok(table);
    }
    let path = args.input.as_deref().or(input.path.as_deref()).ok_or_else(|| {
        let what =
            format!("{}: [input] names no table (path or synth); --input FILE names one", recipe.source);
        Error::Usage(what)
    })?;
    let options = ReadOptions {
        format: input.format,
        delimiter: input.delimiter,
        null: input.null.clone(),
        keep_null: input.keep_null.clone(),
        decimal: input.decimal,
        id: recipe.id().map(String::from),
        id_optional: false,
        text: known.text.into_iter().chain(recipe.text_columns()).collect(),
        numbers: known.numbers,
        skip_lines: input.skip_lines,
        no_header: input.no_header,
        skip_rows: input.skip_rows,
        max_memory: Some(memory::limit()),
    };
    read_path(path, &options, console, seconds)
}

fn made(synth: Synth, rows: Option<usize>, seed: u64) -> Table {
    use segmenta::synth;
    match synth {
        Synth::Learners => synth::learners(rows.unwrap_or(205_843), seed).table(),
        Synth::FirstDay => synth::first_day(rows.unwrap_or(20_000), seed).table(),
        Synth::Survey => synth::survey(rows.unwrap_or(20_000), seed).table(),
        Synth::Enthusiasts => synth::enthusiasts(rows.unwrap_or(72), seed).table(),
    }
}

/// The recipe of the demo.
const LEARNERS: &str = include_str!("../../recipes/learners.toml");

/// `segmenta demo`: as published for a tech-learning platform, but exact on all rows.
pub fn demo(args: &Demo) -> anyhow::Result<()> {
    const ROWS: usize = 205_843;
    let cpu = set_up(&args.run)?;
    let console = Console::new(&args.run.talk);
    let mut folder = Folder::open(&args.out, &file_names(Some(AssignmentsArg::Csv)), args.force)?;
    let table = args.out.join("learners.csv");
    let recipe = args.out.join("learners.toml");
    let mut files = [Pending::open(&table, args.force)?, Pending::open(&recipe, args.force)?];
    console.note(&format!("making {}: {}, {}", count(ROWS, "learner"), table.display(), recipe.display()));
    let learners = segmenta::synth::learners(ROWS, args.run.seed());
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
        input: None,
        set: Vec::new(),
        out: Some(args.out.clone()),
        force: args.force,
        assignments: AssignmentsArg::Csv,
        full_precision: false,
        features_out: FeaturesOut { features_out: None },
        no_fit: false,
        dry_run: false,
        gates: Gates { strict: false, min_segment_pct: 0.0 },
        run: args.run.clone(),
    };
    follow(&args, cpu)?;
    let out = Path::new(&recipe).parent().unwrap_or(Path::new("")).display();
    console.note(&format!(
        "the same again:   segmenta run {} --force\n\
         label other rows: segmenta assign {out}/model.json OTHER.csv --out other",
        recipe.display(),
    ));
    Ok(())
}
