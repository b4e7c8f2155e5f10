//! `segmenta assign`: labels the rows of a table with a saved model.

use super::super::console::{Console, result, stream, tell};
use super::super::files::{Folder, heal_before_reading};
use super::super::hints::{expect_table, read_model};
use super::super::{memory_limit, set_up};
use super::analyse::note_renamed_id;
use crate::app::cli::{Assign, InputFlags};
use segmenta::Error;
use segmenta::analysis::{
    Compute, DeviceUsed, Found, Notice, Observer as _, Search, Seconds, check_memory, find_previous,
    read_table, relabel, sizeable,
};
use segmenta::backend::{Backend, Chosen, Opening, Shape, Work};
use segmenta::model::Model;
use segmenta::report::assign::Assigned;
use segmenta::report::assignments::{LabelledRows, file_name};
use segmenta::report::json::pretty;
use segmenta::report::movers::{MOVERS, write as write_movers};
use segmenta::table::{ReadOptions, Table};
use std::time::Instant;

/// `segmenta assign`.
pub fn assign(args: &Assign) -> anyhow::Result<()> {
    let (began, compute) = (Instant::now(), set_up(&args.run)?);
    let console = Console::new(&args.run.talk);
    let to_stdout = args.labels.is_some();
    let name = file_name(args.out.rows.assignments);
    args.out.rows.assignments.must_be_there()?;
    let mut folder = match to_stdout {
        true => None,
        false => Some(Folder::open(&args.out.out, &[name, MOVERS], args.out.force)?),
    };
    heal_before_reading(&args.model)?;
    let model = read_model(&args.model, "assign")?;
    if let Some(folder) = &folder {
        check_model_beside(folder, &model)?;
    }
    let mut seconds = Seconds::default();
    let (table, mut chosen) = new_rows(&model, &args.input, &compute, &console, &mut seconds)?;
    let start = Instant::now();
    let assigned =
        console.during("assign", || on_device(&mut chosen, &console, |b| relabel(&model, &table, b)));
    let mut relabelled = assigned.map_err(|e| e.in_file(&table.source))?;
    seconds.fit = Some(start.elapsed().as_secs_f64());
    let assigned = &mut relabelled.assignments;
    assigned.warnings.splice(0..0, table.notes.iter().cloned());
    for warning in &assigned.warnings {
        console.note(&format!("note: {warning}"));
    }
    let ids = relabelled.assignments.groups.as_ref().or(table.ids.as_ref());
    let since = relabelled.since(&model, &args.model, &last_time(args, &model, ids, &console)?, ids);
    let assigned = &relabelled.assignments;
    let start = Instant::now();
    let names = model.names();
    let labelled = LabelledRows {
        full_precision: args.out.rows.full_precision,
        run: model.run.as_deref(),
        ids,
        rows: &assigned.rows,
        left_out: &assigned.left_out,
        names: &names,
        probabilities: model.assigner.has_probabilities(),
        followed: since.followed.as_ref(),
    };
    note_renamed_id(&labelled, &console);
    console.during("write", || match &mut folder {
        Some(folder) => Ok(folder.write(name, |out| labelled.write(args.out.rows.assignments, out))?),
        None => stream(|out| labelled.write_csv(out)),
    })?;
    if let Some(folder) = &mut folder {
        match (&since.followed, ids) {
            (Some(followed), Some((_, ids))) => {
                folder.write(MOVERS, |out| write_movers(followed, ids, &since.states, &names, out))?;
            }
            _ => folder.leave_out(MOVERS),
        }
    }
    seconds.write = Some(start.elapsed().as_secs_f64());
    seconds.total = began.elapsed().as_secs_f64();
    let device = DeviceUsed::new(chosen.backend.describe(), &chosen.reason);
    let moved = since.followed.is_some();
    let found = Assigned::new(&model, assigned, device, seconds).since(since.migration, since.changes);
    if let Some(folder) = folder {
        folder.keep()?;
        if args.run.talk.json {
            result(&pretty(&found))?;
        } else {
            tell(&found.to_text())?;
        }
        let movers = if moved { format!(", {MOVERS}") } else { String::new() };
        console.note(&format!("wrote {name}{movers} into {}", args.out.out.display()));
    }
    Ok(())
}

/// Last time's assignments, if there are any. The user hears of a file that looks as if it could be used but cannot.
fn last_time(
    args: &Assign,
    model: &Model,
    ids: Option<&(String, Vec<String>)>,
    console: &Console,
) -> Result<Found, Error> {
    // Rows that go through a pipe are often a few at a time, and their columns should stay the same.
    if args.labels.is_some() && args.previous.is_none() {
        return Ok(Found::Nothing { why: String::new(), surprise: false });
    }
    let id = ids.map(|(name, _)| name.as_str());
    let (named, max_memory) = (args.previous.as_deref(), memory_limit());
    let found = find_previous(&Search { model: &args.model, named, id, max_memory }, model)?;
    if let Found::Nothing { why, surprise: true } = &found {
        console.note(&format!("note: nobody is followed by id: {why}"));
    }
    Ok(found)
}

/// Refuses to write assignments beside the model of another fit, because a reader would think that they belong to it.
fn check_model_beside(folder: &Folder, model: &Model) -> Result<(), Error> {
    let beside = folder.path().join("model.json");
    // A file that is not a model is no reason to refuse.
    let Ok(mut other) = Model::read(&beside) else { return Ok(()) };
    let mut model = model.clone();
    for segment in other.assigner.segments_mut().chain(model.assigner.segments_mut()) {
        segment.name = None;
    }
    // Whether segments are described is no part of the fit.
    other.figures.clear();
    model.figures.clear();
    if other == model {
        return Ok(());
    }
    let what = format!(
        "{} comes from another fit than the model in use, so these assignments would not match it; choose another folder \
         with --out",
        beside.display()
    );
    Err(Error::Usage(what))
}

/// Reads a table of new rows for a model, and chooses the device that labels them.
///
/// # Errors
/// As [`read_table`]; too little memory; a device that is unavailable.
pub fn new_rows(
    model: &Model,
    input: &InputFlags,
    compute: &Compute,
    console: &Console,
    seconds: &mut Seconds,
) -> anyhow::Result<(Table, Chosen)> {
    let opening = Opening::begin(compute.device, compute.cpu, &compute.gpu, sizeable(&input.input));
    let table = read_for(model, input, console, seconds)?;
    check_memory(&table, model.features.len(), true, memory_limit())?;
    let shape = Shape { rows: table.rows, features: model.features.len() };
    let rows = table.rows as f64;
    let fit = rows * (model.k() * model.features.len()) as f64;
    let chosen = opening.choose(&Work { fit, labels: rows, ..Work::default() }, shape);
    let chosen = chosen.map_err(|e| e.in_file(&table.source))?;
    if let Some(note) = &chosen.note {
        console.note(&format!("note: {note}"));
    }
    Ok((table, chosen))
}

/// Does work on the chosen device. If that is a GPU and it fails, the user hears so, and the CPU does the work.
pub fn on_device<T>(
    chosen: &mut Chosen,
    console: &Console,
    work: impl Fn(&dyn Backend) -> Result<T, Error>,
) -> Result<T, Error> {
    let device = chosen.backend.describe();
    chosen.run(work, |why| console.notice(&Notice::DeviceFailed { device, why: why.into() }))
}

/// Reads a table of new rows for a model. Rows are identified by the model's id column unless a flag names another.
///
/// # Errors
/// As [`read_table`].
fn read_for(
    model: &Model,
    input: &InputFlags,
    console: &Console,
    seconds: &mut Seconds,
) -> anyhow::Result<Table> {
    let known = model.known_columns();
    let mut options = ReadOptions { text: known.text, numbers: known.numbers, ..input.read_options() };
    // Groups are identified by their own column.
    if options.id.is_none() && model.preparation.group.is_none() {
        options.id.clone_from(&model.id);
        options.id_optional = true;
    }
    input.check()?;
    expect_table(&input.input, input.format)?;
    let (start, id) = (Instant::now(), options.id.clone());
    let table = read_table(&input.input, options, memory_limit(), console)?;
    seconds.load = Some(start.elapsed().as_secs_f64());
    if let (Some(id), None) = (&id, &table.ids) {
        console.note(&format!(
            "note: this table has no column {id:?}, the id column of the fit, so its rows are numbered instead; use --id to \
             name another column"
        ));
    }
    Ok(table)
}
