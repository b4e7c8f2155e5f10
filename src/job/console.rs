//! stderr and stdout: notes, progress, results.

use super::interrupt::interrupted;
use crate::cli::{ProgressMode, Talk};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use segmenta::progress::Step;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;

/// Writes a line to stderr; a closed stderr is nobody's error.
pub fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Writes results to stdout, whole and at once.
///
/// # Errors
/// As [`stream`].
pub fn result(text: &str) -> anyhow::Result<()> {
    stream(|out| out.write_all(text.as_bytes()))
}

/// Writes results to stdout as they come.
///
/// # Errors
/// A closed pipe, as [`io::Error`]: whoever read has seen enough. A full disk, as [`segmenta::Error::Write`].
pub fn stream(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let mut out = io::BufWriter::with_capacity(1 << 18, io::stdout());
    write(&mut out).and_then(|()| out.flush()).map_err(|e| match e.kind() {
        io::ErrorKind::BrokenPipe => e.into(),
        _ => segmenta::Error::Write { path: "stdout".into(), source: e }.into(),
    })
}

/// `1 row`, `2 rows`.
pub fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// What the user hears while a job runs.
pub struct Console {
    quiet: bool,
    verbose: bool,
    bars: bool,
    bar: Mutex<Option<(String, ProgressBar)>>,
}

impl Console {
    /// For one job.
    pub fn new(talk: &Talk) -> Self {
        let bars = talk.progress == ProgressMode::Auto && !talk.quiet && std::io::stderr().is_terminal();
        Console { quiet: talk.quiet, verbose: talk.verbose, bars, bar: Mutex::new(None) }
    }

    /// Says something that is not a result.
    pub fn note(&self, line: &str) {
        if !self.quiet {
            self.clear();
            complain(line);
        }
    }

    /// Says something that only `-v` asks for.
    pub fn detail(&self, line: &str) {
        if self.verbose {
            self.note(line);
        }
    }

    /// Takes a step of long work; false asks it to stop.
    pub fn step(&self, step: Step<'_>) -> bool {
        if self.bars
            && let Ok(mut bar) = self.bar.lock()
        {
            if bar.as_ref().is_none_or(|(stage, _)| stage != step.stage) {
                if let Some((_, old)) = bar.take() {
                    old.finish_and_clear();
                }
                *bar = Some((step.stage.to_string(), new_bar(step.stage, step.total)));
            }
            if let Some((_, bar)) = bar.as_ref() {
                bar.set_position(step.done);
            }
        }
        !interrupted()
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if let Ok(mut bar) = self.bar.lock()
            && let Some((_, bar)) = bar.take()
        {
            bar.finish_and_clear();
        }
    }
}

fn new_bar(stage: &str, total: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
    if let Ok(style) = ProgressStyle::with_template("{msg:<11} [{bar:32}] {percent:>3} %  {eta} left") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(stage.to_string());
    bar
}
