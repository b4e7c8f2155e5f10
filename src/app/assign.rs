//! `segmenta assign`, and the assignments' file.

use super::console::{Console, result, stream, tell};
use super::document::{DeviceUsed, Seconds};
use super::figures::{percent, whole};
use super::hints::read_model;
use super::input;
use super::memory;
use super::output::{Folder, heal_before_reading};
use super::set_up;
use super::sheet::{Kind, Sheet};
use crate::app::cli::{Assign, AssignmentsArg};
use segmenta::model::{Assignment, Model};
use segmenta::table::write::{Cell, Cells, OutputFormat, write_csv, write_table_with};
use segmenta::{Error, backend};
use serde::Serialize;
use std::borrow::Cow;
use std::io::Write;
use std::time::Instant;

/// The name of the assignments' file.
pub fn file_name(format: AssignmentsArg) -> &'static str {
    match format {
        AssignmentsArg::Csv => "assignments.csv",
        AssignmentsArg::Parquet => "assignments.parquet",
    }
}

/// The format of the assignments' file.
pub fn format(asked: AssignmentsArg) -> OutputFormat {
    match asked {
        AssignmentsArg::Csv => OutputFormat::Csv,
        AssignmentsArg::Parquet => OutputFormat::Parquet,
    }
}

/// The columns of the assignments behind the id or the row's number.
const OWN_COLUMNS: [&str; 5] = ["segment", "status", "distance", "margin", "name"];

/// The id column's name in the assignments: `id_` is put before one that the assignments have themselves, in any case,
/// as many programs do not tell `Segment` from `segment`.
fn id_name(name: &str) -> Cow<'_, str> {
    let own = OWN_COLUMNS.iter().any(|own| own.eq_ignore_ascii_case(name));
    if own { Cow::Owned(format!("id_{name}")) } else { Cow::Borrowed(name) }
}

/// A table's rows with their segments.
pub struct Labelled<'a> {
    /// Whether a text has all digits of distances and margins, or six.
    pub full_precision: bool,
    /// The name of the fit whose segments these are.
    pub run: Option<&'a str>,
    /// The id column's name and cells; none: rows are numbered.
    pub ids: Option<&'a (String, Vec<String>)>,
    /// The segments; none where a row has none.
    pub rows: &'a [Option<Assignment>],
    /// Which of these are outliers, ascending.
    pub outliers: &'a [u32],
    /// The segments' names, by their numbers.
    pub names: &'a [Option<String>],
}

impl<'a> Labelled<'a> {
    /// Writes one row a row: id (or row number), segment, status, distance, margin, and the segment's name, empty where
    /// it has none.
    ///
    /// # Errors
    /// What `out` says.
    pub fn write(&self, file: AssignmentsArg, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
        let (names, columns) = self.columns();
        let names = names.each_ref().map(|name| &**name);
        let metadata = self.run.map(|run| ("segmenta.run", run));
        write_table_with(format(file), metadata.as_slice(), self.rows.len(), &names, &columns, out)
    }

    /// The same as CSV, to stdout.
    ///
    /// # Errors
    /// What stdout says.
    pub fn stream(&self) -> anyhow::Result<()> {
        let (names, columns) = self.columns();
        let names = names.each_ref().map(|name| &**name);
        stream(|out| write_csv(self.rows.len(), &names, &columns, out))
    }

    /// Says that the id column has another name in the file, where it has.
    pub fn note(&self, console: &Console) {
        if let Some((name, _)) = self.ids
            && let Cow::Owned(other) = id_name(name)
        {
            console.note(&format!(
                "note: the id column {name} is called {other} in the assignments, which have a column {} of their own",
                name.to_lowercase()
            ));
        }
    }

    fn columns(&self) -> ([Cow<'a, str>; 6], [Cells<'a>; 6]) {
        let Labelled { ids, rows, outliers, names: segments, full_precision, .. } = *self;
        let float = |get: Cell<'a, f64>| if full_precision { Cells::F64(get) } else { Cells::Rounded(get) };
        let id = move |i: usize| match ids {
            Some((_, cells)) => Cow::from(cells[i].as_str()),
            None => Cow::from((i + 1).to_string()),
        };
        let first = ids.map_or(Cow::Borrowed("row"), |(name, _)| id_name(name));
        let [segment, status, distance, margin, own_name] = OWN_COLUMNS.map(Cow::Borrowed);
        let names = [first, segment, status, distance, margin, own_name];
        let name = move |i: usize| {
            let segment = rows[i].as_ref()?.segment as usize;
            segments.get(segment).and_then(Option::as_deref).map(Cow::from)
        };
        let status = move |i: usize| match rows[i] {
            Some(_) => "assigned",
            None if outliers.binary_search(&(i as u32)).is_ok() => "outlier",
            None => "excluded",
        };
        let cells = [
            Cells::Text(Box::new(move |i| Some(id(i)))),
            Cells::I32(Box::new(move |i| Some(rows[i].as_ref().map_or(-1, |row| row.segment as i32)))),
            Cells::Text(Box::new(move |i| Some(status(i).into()))),
            float(Box::new(move |i| rows[i].as_ref().map(|row| row.distance))),
            // One segment alone has no runner-up.
            float(Box::new(move |i| rows[i].as_ref().map(|row| row.margin).filter(|m| m.is_finite()))),
            Cells::Text(Box::new(name)),
        ];
        (names, cells)
    }
}

/// What `assign` found out.
#[derive(Serialize)]
struct Assigned {
    version: &'static str,
    command: &'static str,
    /// The name of the fit whose model was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    rows: usize,
    excluded: usize,
    k: usize,
    segments: Vec<Share>,
    warnings: Vec<String>,
    device: DeviceUsed,
    seconds: Seconds,
}

#[derive(Serialize)]
struct Share {
    segment: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    size: u64,
    share: f64,
    /// The share in the rows of the fit.
    fitted_share: f64,
}

/// `segmenta assign`.
pub fn assign(args: &Assign) -> anyhow::Result<()> {
    let (began, cpu) = (Instant::now(), set_up(&args.run)?);
    let console = Console::new(&args.run.talk);
    let to_stdout = args.labels.is_some();
    let name = file_name(args.out.assignments);
    format(args.out.assignments).must_be_there()?;
    let mut folder =
        if to_stdout { None } else { Some(Folder::open(&args.out.out, &[name], args.out.force)?) };
    heal_before_reading(&args.model)?;
    let model = read_model(&args.model, "assign")?;
    if let Some(folder) = &folder {
        check_model_beside(folder, &model)?;
    }
    let mut seconds = Seconds::default();
    let table = input::read_for(&model, &args.input, &console, &mut seconds)?;
    memory::check(&table, model.features.len(), true)?;
    let start = Instant::now();
    let work = table.rows as f64 * (model.centroids.len() * model.features.len()) as f64;
    let chosen = backend::choose(args.run.device, cpu, work)?;
    let assigned = console.during("assign", || model.assign(&table, chosen.backend.as_ref()));
    let mut assigned = assigned.map_err(|e| e.in_file(&table.source))?;
    seconds.fit = Some(start.elapsed().as_secs_f64());
    assigned.warnings.splice(0..0, table.notes.iter().cloned());
    for warning in &assigned.warnings {
        console.note(&format!("note: {warning}"));
    }
    let start = Instant::now();
    let names = model.names();
    let labelled = Labelled {
        full_precision: args.out.full_precision,
        run: model.run.as_deref(),
        ids: assigned.groups.as_ref().or(table.ids.as_ref()),
        rows: &assigned.rows,
        outliers: &assigned.outliers,
        names: &names,
    };
    labelled.note(&console);
    console.during("write", || match &mut folder {
        Some(folder) => Ok(folder.write(0, |out| labelled.write(args.out.assignments, out))?),
        None => labelled.stream(),
    })?;
    seconds.write = Some(start.elapsed().as_secs_f64());
    seconds.total = began.elapsed().as_secs_f64();
    let found = summary(&model, assigned.rows, assigned.warnings, chosen, seconds);
    if let Some(folder) = folder {
        folder.keep()?;
        if args.run.talk.json {
            let mut text = serde_json::to_string_pretty(&found)?;
            text.push('\n');
            result(&text)?;
        } else {
            tell(&text(&found))?;
        }
        console.note(&format!("wrote {name} into {}", args.out.out.display()));
    }
    Ok(())
}

/// Refuses to write assignments beside the model of another fit: whoever reads the folder would take them for its.
fn check_model_beside(folder: &Folder, model: &Model) -> Result<(), Error> {
    let beside = folder.path().join("model.json");
    // What is no model decides nothing here.
    let Ok(mut other) = Model::read(&beside) else { return Ok(()) };
    let mut model = model.clone();
    for centroid in other.centroids.iter_mut().chain(&mut model.centroids) {
        centroid.name = None;
    }
    if other == model {
        return Ok(());
    }
    let what = format!(
        "{} is of another fit than the model that these assignments are made by: choose another folder with --out",
        beside.display()
    );
    Err(Error::Usage(what))
}

fn summary(
    model: &Model,
    rows: Vec<Option<Assignment>>,
    warnings: Vec<String>,
    chosen: backend::Chosen,
    seconds: Seconds,
) -> Assigned {
    let shares = model.shares();
    let mut segments: Vec<Share> = model
        .centroids
        .iter()
        .map(|c| Share {
            segment: c.segment,
            name: c.name.clone(),
            size: 0,
            share: 0.0,
            fitted_share: shares[c.segment as usize],
        })
        .collect();
    segments.sort_by_key(|s| s.segment);
    let mut labelled = 0u64;
    for row in rows.iter().flatten() {
        segments[row.segment as usize].size += 1;
        labelled += 1;
    }
    for s in &mut segments {
        s.share = s.size as f64 / labelled.max(1) as f64;
    }
    Assigned {
        version: env!("CARGO_PKG_VERSION"),
        command: "assign",
        run: model.run.clone(),
        rows: rows.len(),
        excluded: rows.len() - labelled as usize,
        k: segments.len(),
        segments,
        warnings,
        device: DeviceUsed::new(chosen.backend.describe(), &chosen.reason),
        seconds,
    }
}

fn text(found: &Assigned) -> String {
    let named = found.segments.iter().any(|s| s.name.is_some());
    let mut sheet = Sheet::new(&[
        ("segment", Kind::Number),
        ("rows", Kind::Number),
        ("share", Kind::Number),
        ("in the fit", Kind::Number),
        (if named { "name" } else { "" }, Kind::Prose),
    ]);
    for s in &found.segments {
        sheet.row([
            s.segment.to_string(),
            whole(s.size),
            percent(s.share),
            percent(s.fitted_share),
            s.name.clone().unwrap_or_default(),
        ]);
    }
    sheet.to_text()
}
