//! `segmenta assign`, and the assignments' file.

use super::console::{Console, csv_error, result, stream};
use super::document::{self, DeviceUsed, Seconds};
use super::input;
use super::output::Folder;
use super::set_up;
use crate::cli::Assign;
use segmenta::backend;
use segmenta::model::{Assignment, Model};
use serde::Serialize;
use std::io::Write;
use std::time::Instant;

/// Writes one line a row: id (or row number), segment, status, distance, margin.
///
/// # Errors
/// What `out` says.
pub fn write_assignments(
    out: &mut dyn Write,
    ids: Option<&(String, Vec<String>)>,
    rows: &[Option<Assignment>],
    outliers: &[u32],
) -> std::io::Result<()> {
    let mut writer = csv::WriterBuilder::new().buffer_capacity(1 << 18).from_writer(out);
    let name = ids.map_or("row", |(name, _)| name.as_str());
    let mut write = |id: &str, rest: [&str; 4]| {
        writer.write_field(id).and_then(|()| writer.write_record(rest)).map_err(csv_error)
    };
    write(name, ["segment", "status", "distance", "margin"])?;
    for (i, row) in rows.iter().enumerate() {
        let number = (i + 1).to_string();
        let id = ids.map_or(number.as_str(), |(_, cells)| cells[i].as_str());
        match row {
            Some(row) => {
                let margin = if row.margin.is_finite() { row.margin.to_string() } else { String::new() };
                let (segment, distance) = (row.segment.to_string(), row.distance.to_string());
                write(id, [&segment, "assigned", &distance, &margin])?;
            }
            None => {
                let outlier = outliers.binary_search(&(i as u32)).is_ok();
                write(id, ["-1", if outlier { "outlier" } else { "excluded" }, "", ""])?;
            }
        }
    }
    writer.flush()
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
    let names: &[&str] = if to_stdout { &[] } else { &["assignments.csv"] };
    let mut folder = if to_stdout { None } else { Some(Folder::open(&args.out.out, names, args.out.force)?) };
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
    match &mut folder {
        Some(folder) => folder
            .write(0, |out| write_assignments(out, table.ids.as_ref(), &assigned.rows, &assigned.outliers))?,
        None => stream(|out| write_assignments(out, table.ids.as_ref(), &assigned.rows, &assigned.outliers))?,
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
        console.note(&format!("wrote assignments.csv into {}", args.out.out.display()));
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
