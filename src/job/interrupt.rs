//! Interrupts: the first stops a job at its next step, a second one at once; neither leaves anything half-written.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Temporary files and new folders, outermost first.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// From here on an interrupt is a request, not an end.
pub fn listen() {
    // A second call of the same job keeps the first one's handler.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Relaxed) {
            abandon();
            std::process::exit(130);
        }
    });
}

/// Whether the user asked to stop.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Relaxed)
}

/// Something that must go if the job ends at once.
pub fn unfinished(path: &Path) {
    if let Ok(mut unfinished) = UNFINISHED.lock() {
        unfinished.push(path.to_path_buf());
    }
}

/// It is in its place, or gone.
pub fn finished(path: &Path) {
    if let Ok(mut unfinished) = UNFINISHED.lock() {
        unfinished.retain(|p| p != path);
    }
}

fn abandon() {
    if let Ok(unfinished) = UNFINISHED.lock() {
        for path in unfinished.iter().rev() {
            let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
        }
    }
}
