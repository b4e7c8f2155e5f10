//! `segmenta assign`, and the assignments' file.

use super::console::{Console, result, stream};
use super::document::{self, DeviceUsed, Seconds};
use super::input;
use super::output::Folder;
use super::set_up;
use crate::cli::{Assign, AssignmentsArg};
use segmenta::backend;
use segmenta::model::{Assignment, Model};
use segmenta::table::write::{Cells, Format, write_csv, write_table};
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
pub fn format(asked: AssignmentsArg) -> Format {
    match asked {
        AssignmentsArg::Csv => Format::Csv,
        AssignmentsArg::Parquet => Format::Parquet,
    }
}

/// A table's rows with their segments.
pub struct Labelled<'a> {
    /// The id column's name and cells; none: rows are numbered.
    pub ids: Option<&'a (String, Vec<String>)>,
    /// The segments; none where a row has none.
    pub rows: &'a [Option<Assignment>],
    /// Which of these are outliers, ascending.
    pub outliers: &'a [u32],
}

impl<'a> Labelled<'a> {
    /// Writes one row a row: id (or row number), segment, status, distance, margin.
    ///
    /// # Errors
    /// What `out` says.
    pub fn write(&self, file: AssignmentsArg, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
        let (names, columns) = self.columns();
        write_table(format(file), self.rows.len(), &names, &columns, out)
    }

    /// The same as CSV, to stdout.
    ///
    /// # Errors
    /// What stdout says.
    pub fn stream(&self) -> anyhow::Result<()> {
        let (names, columns) = self.columns();
        stream(|out| write_csv(self.rows.len(), &names, &columns, out))
    }

    fn columns(&self) -> ([&'a str; 5], [Cells<'a>; 5]) {
        let Labelled { ids, rows, outliers } = *self;
        let id = move |i: usize| match ids {
            Some((_, cells)) => Cow::from(cells[i].as_str()),
            None => Cow::from((i + 1).to_string()),
        };
        let names = [ids.map_or("row", |(name, _)| name.as_str()), "segment", "status", "distance", "margin"];
        let status = move |i: usize| match rows[i] {
            Some(_) => "assigned",
            None if outliers.binary_search(&(i as u32)).is_ok() => "outlier",
            None => "excluded",
        };
        let cells = [
            Cells::Text(Box::new(move |i| Some(id(i)))),
            Cells::I32(Box::new(move |i| Some(rows[i].as_ref().map_or(-1, |row| row.segment as i32)))),
            Cells::Text(Box::new(move |i| Some(status(i).into()))),
            Cells::F64(Box::new(move |i| rows[i].as_ref().map(|row| row.distance))),
            // One segment alone has no runner-up.
            Cells::F64(Box::new(move |i| rows[i].as_ref().map(|row| row.margin).filter(|m| m.is_finite()))),
        ];
        (names, cells)
    }
}

/// What `assign` found out.
#[derive(Serialize)]
struct Assigned {
    version: &'static str,
    command: &'static str,
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
    let model = Model::read(&args.model)?;
    let mut seconds = Seconds::default();
    let table = input::read(&args.input, model.text_columns(), &mut seconds)?;
    let start = Instant::now();
    let work = table.rows as f64 * (model.centroids.len() * model.features.len()) as f64;
    let chosen = backend::choose(args.run.device, cpu, work)?;
    let assigned = model.assign(&table, chosen.backend.as_ref()).map_err(|e| e.in_file(&table.source))?;
    seconds.fit = Some(start.elapsed().as_secs_f64());
    for warning in &assigned.warnings {
        console.note(&format!("note: {warning}"));
    }
    let start = Instant::now();
    let ids = assigned.groups.as_ref().or(table.ids.as_ref());
    let labelled = Labelled { ids, rows: &assigned.rows, outliers: &assigned.outliers };
    match &mut folder {
        Some(folder) => folder.write(0, |out| labelled.write(args.out.assignments, out))?,
        None => labelled.stream()?,
    }
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
            result(&text(&found))?;
        }
        console.note(&format!("wrote {name} into {}", args.out.out.display()));
    }
    Ok(())
}

fn summary(
    model: &Model,
    rows: Vec<Option<Assignment>>,
    warnings: Vec<String>,
    chosen: backend::Chosen,
    seconds: Seconds,
) -> Assigned {
    let mut segments: Vec<Share> = model
        .centroids
        .iter()
        .map(|c| Share {
            segment: c.segment,
            size: 0,
            share: 0.0,
            fitted_share: c.size as f64 / model.rows as f64,
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
    let mut table = document::table(["segment", "rows", "share", "in the fit"]);
    for s in &found.segments {
        table.add_row([
            s.segment.to_string(),
            s.size.to_string(),
            format!("{:.2} %", 100.0 * s.share),
            format!("{:.2} %", 100.0 * s.fitted_share),
        ]);
    }
    document::finish(table)
}
