//! `segmenta drift`: whether a table is still like the one that was fitted.

use super::console::{Console, result};
use super::document::{self, DeviceUsed, Seconds};
use super::{Gate, input, set_up};
use crate::cli;
use comfy_table::CellAlignment;
use segmenta::backend;
use segmenta::metrics::psi::Change;
use segmenta::model::{Drift, Model};
use serde::Serialize;
use std::time::Instant;

/// What `drift` found out.
#[derive(Serialize)]
struct Found {
    version: &'static str,
    command: &'static str,
    rows: usize,
    excluded: usize,
    k: usize,
    columns: Vec<Column>,
    segments: Vec<Segment>,
    segments_psi: f64,
    segments_change: Change,
    distances: Distances,
    warnings: Vec<String>,
    device: DeviceUsed,
    seconds: Seconds,
}

#[derive(Serialize)]
struct Column {
    column: String,
    psi: f64,
    change: Change,
    /// The share of the rows without a value.
    missing: f64,
    fitted_missing: f64,
}

#[derive(Serialize)]
struct Segment {
    segment: u32,
    size: u64,
    share: f64,
    fitted_share: f64,
    /// Of the shares, in points of per cent.
    difference: f64,
}

/// Of the rows to their centroids, in the scaled feature space.
#[derive(Serialize)]
struct Distances {
    median: f64,
    fitted_median: f64,
    p95: f64,
    fitted_p95: f64,
}

/// `segmenta drift`.
pub fn drift(args: &cli::Drift) -> anyhow::Result<()> {
    let (began, cpu) = (Instant::now(), set_up(&args.run)?);
    let console = Console::new(&args.run.talk);
    let model = Model::read(&args.model)?;
    let reference = model.reference().map_err(|e| e.in_file(&args.model.display().to_string()))?;
    let mut seconds = Seconds::default();
    let table = input::read(&args.input, model.text_columns(), &mut seconds)?;
    let start = Instant::now();
    let work = table.rows as f64 * (model.centroids.len() * model.features.len()) as f64;
    let chosen = backend::choose(args.run.device, cpu, work)?;
    let drift = model.drift(&table, chosen.backend.as_ref()).map_err(|e| e.in_file(&table.source))?;
    seconds.fit = Some(start.elapsed().as_secs_f64());
    for warning in &drift.warnings {
        console.note(&format!("note: {warning}"));
    }
    let past = past(&drift, args.max_psi);
    let (median, p95) = (10, 19);
    let distance = |of: &[f64], part: usize| of.get(part).copied().unwrap_or(0.0);
    let distances = Distances {
        median: distance(&drift.distances, median),
        fitted_median: distance(&reference.distances, median),
        p95: distance(&drift.distances, p95),
        fitted_p95: distance(&reference.distances, p95),
    };
    seconds.total = began.elapsed().as_secs_f64();
    let device = DeviceUsed::new(chosen.backend.describe(), &chosen.reason);
    let found = Found::new(&model, drift, distances, (device, seconds));
    if args.run.talk.json {
        let mut text = serde_json::to_string_pretty(&found)?;
        text.push('\n');
        result(&text)?;
    } else {
        result(&found.to_text())?;
    }
    if args.strict && !past.is_empty() {
        let what = format!("gate not met: PSI above {}: {}", args.max_psi, past.join(", "));
        return Err(Gate(what).into());
    }
    Ok(())
}

/// What moved further than it may: columns, and the segments' shares.
fn past(drift: &Drift, max_psi: f64) -> Vec<String> {
    let columns = drift.columns.iter().map(|c| (c.column.as_str(), c.psi));
    let all = columns.chain([("the segments' shares", drift.segments_psi)]);
    all.filter(|(_, psi)| *psi > max_psi).map(|(name, psi)| format!("{name} {psi:.4}")).collect()
}

impl Found {
    fn new(
        model: &Model,
        drift: Drift,
        distances: Distances,
        (device, seconds): (DeviceUsed, Seconds),
    ) -> Self {
        let column = |c: segmenta::model::ColumnDrift| Column {
            column: c.column,
            psi: c.psi,
            change: Change::of(c.psi),
            missing: c.missing,
            fitted_missing: c.fitted_missing,
        };
        let segment = |s: segmenta::model::SegmentDrift| Segment {
            segment: s.segment,
            size: s.size,
            share: s.share,
            fitted_share: s.fitted_share,
            difference: 100.0 * (s.share - s.fitted_share),
        };
        Found {
            version: env!("CARGO_PKG_VERSION"),
            command: "drift",
            rows: drift.rows,
            excluded: drift.rows - drift.labelled,
            k: model.centroids.len(),
            columns: drift.columns.into_iter().map(column).collect(),
            segments: drift.segments.into_iter().map(segment).collect(),
            segments_psi: drift.segments_psi,
            segments_change: Change::of(drift.segments_psi),
            distances,
            warnings: drift.warnings,
            device,
            seconds,
        }
    }

    /// For people.
    fn to_text(&self) -> String {
        let per_cent = |share: f64| format!("{:.2} %", 100.0 * share);
        let mut columns = document::table(["column", "PSI", "", "missing", "at the fit"]);
        for c in &self.columns {
            columns.add_row([
                c.column.clone(),
                format!("{:.4}", c.psi),
                c.change.to_string(),
                per_cent(c.missing),
                per_cent(c.fitted_missing),
            ]);
        }
        for left in [0, 2] {
            if let Some(column) = columns.column_mut(left) {
                column.set_cell_alignment(CellAlignment::Left);
            }
        }
        let mut segments = document::table(["segment", "rows", "share", "in the fit", "points"]);
        for s in &self.segments {
            segments.add_row([
                s.segment.to_string(),
                s.size.to_string(),
                per_cent(s.share),
                per_cent(s.fitted_share),
                format!("{:+.2}", s.difference),
            ]);
        }
        let d = &self.distances;
        let mut distances = document::table(["distance to the centroid", "now", "at the fit"]);
        for (name, now, then) in [("median", d.median, d.fitted_median), ("95 %", d.p95, d.fitted_p95)] {
            distances.add_row([name.to_string(), format!("{now:.4}"), format!("{then:.4}")]);
        }
        format!(
            "{}\n{}PSI of the shares {:.4}, {}\n\n{}",
            document::finish(columns),
            document::finish(segments),
            self.segments_psi,
            self.segments_change,
            document::finish(distances)
        )
    }
}
