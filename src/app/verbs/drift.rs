//! `segmenta drift`: checks whether a table still resembles the one that a model was fitted to.

use super::super::console::{Console, result, tell};
use super::super::files::heal_before_reading;
use super::super::hints::read_model;
use super::super::{Gate, set_up};
use super::assign::{new_rows, on_device};
use crate::app::cli;
use segmenta::analysis::{DeviceUsed, Seconds};
use segmenta::model::Drift;
use segmenta::report::drift::DriftFound;
use segmenta::report::figures::{number, plain};
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
    let past = past(&drift, args.max_psi);
    seconds.total = began.elapsed().as_secs_f64();
    let device = DeviceUsed::new(chosen.backend.describe(), &chosen.reason);
    let found = DriftFound::new(&model, drift, device, seconds)?;
    if args.run.talk.json {
        result(&pretty(&found))?;
    } else {
        tell(&found.to_text())?;
    }
    if args.strict && !past.is_empty() {
        let what = format!("gate not met: the PSI is above {}: {}", args.max_psi, past.join(", "));
        return Err(Gate(what).into());
    }
    Ok(())
}

/// The columns, and the segments' shares, whose PSI is too high.
fn past(drift: &Drift, max_psi: f64) -> Vec<String> {
    let columns = drift.columns.iter().map(|c| (c.column.as_str(), c.psi));
    let all = columns.chain([("the segments' shares", drift.segments_psi)]);
    all.filter(|(_, psi)| *psi > max_psi)
        .map(|(name, psi)| format!("{} {}", plain(name), number(psi)))
        .collect()
}
