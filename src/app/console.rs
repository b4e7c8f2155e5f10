//! stderr and stdout: notes, progress, results.

use super::interrupt::interrupted;
use crate::app::cli::{ProgressMode, Talk};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use segmenta::analysis::{Notice, Observer};
use segmenta::progress::ProgressUpdate;
pub use segmenta::report::figures::count;
use segmenta::report::figures::{duration, plain_lines};
use segmenta::report::notices::{Level, in_words};
use segmenta::report::sheet::{stderr_width, stdout_width, wrapped};
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// Writes a line to stderr, broken at spaces if a terminal is narrower. A closed stderr is not an error.
pub fn complain(line: &str) {
    let line = plain_lines(line);
    let line = stderr_width().map_or_else(|| line.clone(), |width| wrapped(&line, width));
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Writes a text for people to stdout. Lines are broken at spaces if a terminal is narrower.
///
/// # Errors
/// As [`stream`].
pub fn tell(text: &str) -> anyhow::Result<()> {
    match stdout_width() {
        Some(width) => result(&wrapped(text, width)),
        None => result(text),
    }
}

/// Writes results to stdout in one go.
///
/// # Errors
/// As [`stream`].
pub fn result(text: &str) -> anyhow::Result<()> {
    stream(|out| out.write_all(text.as_bytes()))
}

/// Writes results to stdout as they are produced.
///
/// # Errors
/// A closed pipe, as an [`io::Error`]: the reader has seen enough. A full disk, as [`segmenta::Error::Write`].
pub fn stream(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let mut out = io::BufWriter::with_capacity(1 << 18, io::stdout());
    write(&mut out).and_then(|()| out.flush()).map_err(|e| match e.kind() {
        io::ErrorKind::BrokenPipe => e.into(),
        _ => segmenta::Error::Write { path: "stdout".into(), source: e }.into(),
    })
}

/// A stage that takes less than this gets no line in a log.
const WORTH_A_LINE: Duration = Duration::from_secs(1);

/// After this time a log gets a line about the progress of a stage, and again each time that the time has doubled.
const FIRST_NEWS: Duration = Duration::from_secs(30);

/// What the user sees while a job runs: progress bars on a terminal, and in a log a line for each stage that takes a
/// while.
pub struct Console {
    quiet: bool,
    verbose: bool,
    bars: bool,
    stage: Mutex<Option<Stage>>,
}

/// The stage that is running.
struct Stage {
    name: String,
    began: Instant,
    bar: Option<ProgressBar>,
    /// Keeps the bar moving for a stage that cannot report its progress; it stops when this is dropped.
    _ticker: Option<Sender<()>>,
    /// When a log gets the next line about it.
    news: Duration,
}

impl Console {
    /// The console of one job.
    pub fn new(talk: &Talk) -> Self {
        let bars = talk.progress == ProgressMode::Auto && !talk.quiet && std::io::stderr().is_terminal();
        Console { quiet: talk.quiet, verbose: talk.verbose, bars, stage: Mutex::new(None) }
    }

    /// Prints something that is not a result to stderr.
    pub fn note(&self, line: &str) {
        if !self.quiet {
            self.clear();
            complain(line);
        }
    }

    /// Prints something that only users of `-v` want to see.
    pub fn detail(&self, line: &str) {
        if self.verbose {
            self.note(line);
        }
    }

    /// Runs `work` as a stage that cannot report its progress.
    pub fn during<T>(&self, name: &str, work: impl FnOnce() -> T) -> T {
        self.enter(name, None);
        let done = work();
        self.clear();
        done
    }

    /// Begins a stage, unless it is already the current one.
    fn enter(&self, name: &str, total: Option<u64>) {
        let Ok(mut stage) = self.stage.lock() else { return };
        if stage.as_ref().is_some_and(|stage| stage.name == name) {
            return;
        }
        self.end(stage.take());
        let bar = self.bars.then(|| new_bar(name, total));
        let ticker = bar.as_ref().filter(|_| total.is_none()).map(ticker);
        *stage =
            Some(Stage { name: name.into(), began: Instant::now(), bar, _ticker: ticker, news: FIRST_NEWS });
    }

    /// Ends the current stage and removes its bar.
    pub fn clear(&self) {
        if let Ok(mut stage) = self.stage.lock() {
            self.end(stage.take());
        }
    }

    fn end(&self, stage: Option<Stage>) {
        let Some(Stage { name, began, bar, .. }) = stage else { return };
        match bar {
            Some(bar) => bar.finish_and_clear(),
            None if !self.quiet && began.elapsed() >= WORTH_A_LINE => {
                complain(&format!("{name}: {}", duration(began.elapsed().as_secs_f64())));
            }
            None => {}
        }
    }
}

impl Observer for Console {
    fn step(&self, step: ProgressUpdate<'_>) -> bool {
        self.enter(step.stage, Some(step.total));
        if let Ok(mut stage) = self.stage.lock()
            && let Some(stage) = stage.as_mut()
        {
            match &stage.bar {
                Some(bar) => bar.set_position(step.done),
                None if !self.quiet => stage.tell(&step),
                None => {}
            }
        }
        !interrupted()
    }

    fn stopped(&self) -> bool {
        interrupted()
    }

    fn stage(&self, name: Option<&str>) {
        match name {
            Some(name) => self.enter(name, None),
            None => self.clear(),
        }
    }

    fn notice(&self, notice: &Notice) {
        match in_words(notice) {
            Some((Level::Normal, text)) => self.note(&text),
            Some((Level::Detail, text)) => self.detail(&text),
            None => {}
        }
    }
}

impl Stage {
    /// Writes its progress to a log, at ever longer intervals.
    fn tell(&mut self, step: &ProgressUpdate<'_>) {
        let taken = self.began.elapsed();
        if taken < self.news || step.done == 0 || step.done >= step.total {
            return;
        }
        self.news = 2 * taken;
        let share = step.done as f64 / step.total as f64;
        let left = duration(taken.as_secs_f64() * (1.0 - share) / share);
        let taken = duration(taken.as_secs_f64());
        complain(&format!("{}: {:.0} % after {taken}, about {left} left", self.name, 100.0 * share));
    }
}

fn new_bar(stage: &str, total: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(10));
    let length = stderr_width().map_or(32, |width| width.saturating_sub(31).clamp(4, 32));
    let template = match total {
        Some(_) => format!("{{msg:<11}} [{{bar:{length}}}] {{percent:>3}} %  {{eta}} left"),
        None => "{msg:<11} {elapsed}".into(),
    };
    // Nothing is drawn yet, so that a stage of a few milliseconds does not flash up.
    let bar = bar.with_message(stage.to_string());
    match ProgressStyle::with_template(&template) {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

/// Redraws a bar twice a second, starting after half a second.
fn ticker(bar: &ProgressBar) -> Sender<()> {
    let (stop, stopped) = std::sync::mpsc::channel();
    let bar = bar.clone();
    std::thread::spawn(move || {
        while stopped.recv_timeout(Duration::from_millis(500)) == Err(RecvTimeoutError::Timeout) {
            bar.tick();
        }
    });
    stop
}
