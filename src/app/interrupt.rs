//! SIGINT and SIGTERM. The first one asks the job to stop at its next step. A job that has not ended by itself after a
//! short grace, because it is reading, parsing or waiting, is ended from here. A second signal ends it at once.
//! Either way the exit code is 130 and nothing half-written stays behind.

use super::console::complain;
use segmenta::Error;
use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

/// How long a job may take to stop by itself.
const GRACE: Duration = Duration::from_millis(400);

/// How long cleaning up may take: a disk that does not answer must not keep the process alive.
const CLEANING: Duration = Duration::from_millis(400);

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

static ANNOUNCED: AtomicBool = AtomicBool::new(false);

/// Temporary files, locks and new folders, outermost first. Whoever makes such a thing, or puts files in their places,
/// holds this lock meanwhile, so that ending the process never falls in between.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// From now on, an interrupt first asks the job to stop and soon after ends it.
pub fn listen() {
    // A second call of the same job keeps the first one's handler.
    let _ = ctrlc::set_handler(|| {
        let patience = if INTERRUPTED.swap(true, Relaxed) { Duration::ZERO } else { GRACE };
        let end_after = move || {
            thread::sleep(patience);
            end()
        };
        // In a thread of its own, so that a second signal is heard during the first one's grace.
        if thread::Builder::new().spawn(end_after).is_err() {
            end();
        }
    });
}

/// Whether the user has asked the job to stop.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Relaxed)
}

/// Prints that the job was interrupted, but only once, whichever thread ends it.
pub fn announce() {
    if !ANNOUNCED.swap(true, Relaxed) {
        complain(&format!("error: {}", Error::Interrupted));
    }
}

/// Keeps the process from ending by an interrupt until the guard is dropped, for at most [`CLEANING`]. The guarded list
/// holds what must go if the job ends at once.
pub fn hold() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Marks a path as finished: it is in its place, or has been removed.
pub fn finished(path: &Path) {
    hold().retain(|p| p != path);
}

/// Removes what is unfinished and ends the process.
fn end() {
    let (done, cleaned) = mpsc::channel();
    // Files and stderr may block, so a helper does the work and this thread only waits so long for it.
    let helper = thread::Builder::new().spawn(move || {
        let unfinished = hold();
        for path in unfinished.iter().rev() {
            let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
        }
        if std::io::stderr().is_terminal() {
            // Clears what is left of a progress bar.
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
        announce();
        let _ = done.send(());
        // Nothing new may be begun until the process is gone.
        loop {
            thread::park();
        }
    });
    if helper.is_ok() {
        let _ = cleaned.recv_timeout(CLEANING);
    }
    // Not `std::process::exit`: exit handlers of drivers are no match for threads that still compute.
    signal_hook::low_level::exit(130);
}
