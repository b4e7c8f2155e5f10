//! `segmenta drift`: checks whether a table still resembles the one that a model was fitted to.

use super::super::console::{Console, result, tell};
use super::super::files::heal_before_reading;
use super::super::hints::read_model;
use super::super::{Gate, set_up};
use super::assign::{new_rows, on_device};
use crate::app::cli;
use segmenta::analysis::{DeviceUsed, Seconds};
use segmenta::evidence::shift::LEVEL;
use segmenta::model::{Drift, SegmentDrift};
use segmenta::report::drift::DriftFound;
use segmenta::report::figures::{number, plain, signed};
use segmenta::report::json::pretty;
use std::time::Instant;

/// `segmenta drift`.
pub fn drift(args: &cli::Drift) -> anyhow::Result<()> {
    let (began, compute) = (Instant::now(), set_up(&args.run)?);
    let console = Console::new(&args.run.talk);
    heal_before_reading(&args.model)?;
    let model = read_model(&args.model, "drift")?;
    model.reference().map_err(|e| e.in_file(&args.model.display().to_string()))?;
    let mut seconds = Seconds::default();
    let (table, mut chosen) = new_rows(&model, &args.input, &compute, &console, &mut seconds)?;
    let start = Instant::now();
    let drift = console.during("drift", || on_device(&mut chosen, &console, |b| model.drift(&table, b)));
    let mut drift = drift.map_err(|e| e.in_file(&table.source))?;
    seconds.fit = Some(start.elapsed().as_secs_f64());
    drift.warnings.splice(0..0, table.notes.iter().cloned());
    for warning in &drift.warnings {
        console.note(&format!("note: {warning}"));
    }
    let missed = missed(&drift, args.max_psi, args.max_shift);
    seconds.total = began.elapsed().as_secs_f64();
    let device = DeviceUsed::new(chosen.backend.describe(), &chosen.reason);
    let found = DriftFound::new(&model, drift, device, seconds)?;
    if args.run.talk.json {
        result(&pretty(&found))?;
    } else {
        tell(&found.to_text())?;
    }
    if args.strict && !missed.is_empty() {
        return Err(Gate(format!("gate not met: {}", missed.join("; "))).into());
    }
    Ok(())
}

/// The gates that are not met, each as a part of a sentence.
fn missed(drift: &Drift, max_psi: f64, max_shift: Option<f64>) -> Vec<String> {
    let psi = past(drift, max_psi);
    let moved = max_shift.map_or_else(Vec::new, |points| shifted(drift, points));
    let psi = (!psi.is_empty()).then(|| format!("the PSI is above {max_psi}: {}", psi.join(", ")));
    let points = max_shift.unwrap_or(0.0);
    let moved =
        (!moved.is_empty()).then(|| format!("moved by more than {points} points: {}", moved.join(", ")));
    psi.into_iter().chain(moved).collect()
}

/// The columns and segments of which a share has moved by more points, unless chance alone explains it.
fn shifted(drift: &Drift, most: f64) -> Vec<String> {
    let past = |points: f64, p_value: f64| points > most && p_value < LEVEL;
    let columns = drift.columns.iter().filter(|c| past(c.points, c.p_value));
    let columns = columns.map(|c| format!("{} by {:.1}", plain(&c.column), c.points));
    let points = |s: &SegmentDrift| 100.0 * (s.share - s.fitted_share);
    let segments = drift.segments.iter().filter(|s| past(points(s).abs(), s.p_value));
    columns.chain(segments.map(|s| format!("segment {} by {}", s.segment, signed(points(s))))).collect()
}

/// The columns, and the segments' shares, whose PSI is too high.
fn past(drift: &Drift, max_psi: f64) -> Vec<String> {
    let columns = drift.columns.iter().map(|c| (c.column.as_str(), c.psi));
    let all = columns.chain([("the segments' shares", drift.segments_psi)]);
    all.filter(|(_, psi)| *psi > max_psi)
        .map(|(name, psi)| format!("{} {}", plain(name), number(psi)))
        .collect()
}
