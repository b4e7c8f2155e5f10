//! `segmenta drift`: whether a table is still like the one that was fitted.

use super::console::{Console, result, tell};
use super::document::{DeviceUsed, Seconds};
use super::figures::{number, percent, plain, score, whole};
use super::hints::read_model;
use super::output::heal_before_reading;
use super::sheet::{Kind, Sheet};
use super::{Gate, input, memory, set_up};
use crate::app::cli;
use segmenta::backend;
use segmenta::evidence::psi::Change;
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
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
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
    heal_before_reading(&args.model)?;
    let model = read_model(&args.model, "drift")?;
    let reference = model.reference().map_err(|e| e.in_file(&args.model.display().to_string()))?;
    let mut seconds = Seconds::default();
    let table = input::read_for(&model, &args.input, &console, &mut seconds)?;
    memory::check(&table, model.features.len(), true)?;
    let start = Instant::now();
    let work = table.rows as f64 * (model.centroids.len() * model.features.len()) as f64;
    let chosen = backend::choose(args.run.device, cpu, work)?;
    let drift = console.during("drift", || model.drift(&table, chosen.backend.as_ref()));
    let mut drift = drift.map_err(|e| e.in_file(&table.source))?;
    seconds.fit = Some(start.elapsed().as_secs_f64());
    drift.warnings.splice(0..0, table.notes.iter().cloned());
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
        tell(&found.to_text())?;
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
    all.filter(|(_, psi)| *psi > max_psi)
        .map(|(name, psi)| format!("{} {}", plain(name), number(psi)))
        .collect()
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
        let names = model.names();
        let segment = |s: segmenta::model::SegmentDrift| Segment {
            name: names.get(s.segment as usize).cloned().flatten(),
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
        let mut columns = Sheet::new(&[
            ("column", Kind::Name),
            ("PSI", Kind::Number),
            ("", Kind::Name),
            ("missing", Kind::Number),
            ("at the fit", Kind::Number),
        ]);
        for c in &self.columns {
            columns.row([
                c.column.clone(),
                score(c.psi),
                c.change.to_string(),
                percent(c.missing),
                percent(c.fitted_missing),
            ]);
        }
        let named = self.segments.iter().any(|s| s.name.is_some());
        let mut segments = Sheet::new(&[
            ("segment", Kind::Number),
            ("rows", Kind::Number),
            ("share", Kind::Number),
            ("in the fit", Kind::Number),
            ("points", Kind::Number),
            (if named { "name" } else { "" }, Kind::Prose),
        ]);
        for s in &self.segments {
            segments.row([
                s.segment.to_string(),
                whole(s.size),
                percent(s.share),
                percent(s.fitted_share),
                format!("{:+.1}", (10.0 * s.difference).round() / 10.0 + 0.0),
                s.name.clone().unwrap_or_default(),
            ]);
        }
        let d = &self.distances;
        let mut distances = Sheet::new(&[
            ("distance to the centroid", Kind::Prose),
            ("now", Kind::Number),
            ("at the fit", Kind::Number),
        ]);
        for (name, now, then) in [("median", d.median, d.fitted_median), ("95 %", d.p95, d.fitted_p95)] {
            distances.row([name.to_string(), number(now), number(then)]);
        }
        format!(
            "{}\n{}PSI of the shares {}, {}\n\n{}",
            columns.to_text(),
            segments.to_text(),
            score(self.segments_psi),
            self.segments_change,
            distances.to_text()
        )
    }
}
