//! `segmenta profile`: describes the segments of a saved model by the rows of a table.

use super::super::console::{Console, result, tell};
use super::super::files::heal_before_reading;
use super::super::hints::read_model;
use super::super::set_up;
use super::assign::{new_rows, on_device};
use crate::app::cli::{self, names};
use segmenta::analysis::{DeviceUsed, Seconds, describe};
use segmenta::profile::Options;
use segmenta::report::json::pretty;
use segmenta::report::profile::ProfileFound;
use std::time::Instant;

/// `segmenta profile`.
pub fn profile(args: &cli::Profile) -> anyhow::Result<()> {
    let (began, compute) = (Instant::now(), set_up(&args.run)?);
    let console = Console::new(&args.run.talk);
    heal_before_reading(&args.model)?;
    let model = read_model(&args.model, "profile")?;
    let mut seconds = Seconds::default();
    let (table, mut chosen) = new_rows(&model, &args.input, &compute, &console, &mut seconds)?;
    let start = Instant::now();
    let (top, typical) = (args.top as usize, args.typical as usize);
    let options = Options { columns: names(&args.columns, &table)?, top, typical, lifts: 0 };
    let found = console
        .during("profile", || on_device(&mut chosen, &console, |b| describe(&model, &table, &options, b)));
    let mut found = found?;
    seconds.profile = Some(start.elapsed().as_secs_f64());
    found.warnings.splice(0..0, table.notes.iter().cloned());
    for warning in &found.warnings {
        console.note(&format!("note: {warning}"));
    }
    seconds.total = began.elapsed().as_secs_f64();
    let device = DeviceUsed::new(chosen.backend.describe(), &chosen.reason);
    let found = ProfileFound::new(&model, found, device, seconds);
    if args.run.talk.json {
        result(&pretty(&found))?;
    } else {
        tell(&found.to_text())?;
    }
    Ok(())
}
