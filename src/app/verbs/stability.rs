//! `segmenta stability`: checks whether the segments of a saved model hold.

use super::super::console::{Console, result, tell};
use super::super::files::heal_before_reading;
use super::super::hints::read_model;
use super::super::set_up;
use super::assign::{new_rows, on_device};
use crate::app::cli;
use segmenta::Error;
use segmenta::analysis::{DeviceUsed, Seconds, Stability, hold};
use segmenta::report::json::pretty;
use segmenta::report::stability::StabilityReport;
use std::time::Instant;

/// `segmenta stability`.
pub fn stability(args: &cli::Stability) -> anyhow::Result<()> {
    if args.samples == 0 && args.cohort.is_none() {
        return Err(Error::Usage("--samples 0 leaves nothing to do without --cohort".into()).into());
    }
    let (began, compute) = (Instant::now(), set_up(&args.run)?);
    let console = Console::new(&args.run.talk);
    heal_before_reading(&args.model)?;
    let model = read_model(&args.model, "stability")?;
    let mut seconds = Seconds::default();
    let (table, mut chosen) = new_rows(&model, &args.input, &compute, &console, &mut seconds)?;
    let start = Instant::now();
    let options = Stability { samples: args.samples, n_init: args.n_init, cohort: args.cohort.clone() };
    let seed = args.run.seed.unwrap_or(model.method.seed());
    let held = on_device(&mut chosen, &console, |b| hold(&model, &table, &options, seed, b, &console));
    let mut held = held?;
    console.clear();
    seconds.stability = Some(start.elapsed().as_secs_f64());
    held.warnings.splice(0..0, table.notes.iter().cloned());
    for warning in &held.warnings {
        console.note(&format!("note: {warning}"));
    }
    seconds.total = began.elapsed().as_secs_f64();
    let device = DeviceUsed::new(chosen.backend.describe(), &chosen.reason);
    let found = StabilityReport::new(&model, held, device, seconds);
    if args.run.talk.json {
        result(&pretty(&found))?;
    } else {
        tell(&found.to_text())?;
    }
    Ok(())
}
