//! Folders that a run makes, which go again if it leaves nothing in them.

use super::super::interrupt::{finished, hold};
use super::write_error;
use segmenta::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folders that were made, outermost first. Unless they are kept, those that are empty at the end are removed.
#[derive(Default)]
pub struct MadeFolders(Vec<PathBuf>);

impl MadeFolders {
    /// Makes a folder and its parents, as far as they are missing.
    ///
    /// # Errors
    /// One of them cannot be made; those that were made before it are removed again.
    pub fn make(dir: &Path) -> Result<Self, Error> {
        let missing = dir.ancestors().take_while(|a| !a.as_os_str().is_empty() && !a.exists());
        let missing: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
        let mut made = MadeFolders::default();
        for new in missing.into_iter().rev() {
            let mut unfinished = hold();
            match fs::create_dir(&new) {
                Ok(()) => {
                    unfinished.push(new.clone());
                    made.0.push(new);
                }
                // Another run has just made it.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => {
                    // Removing what was made takes the same list.
                    drop(unfinished);
                    return Err(write_error(&new, e));
                }
            }
        }
        Ok(made)
    }

    /// Keeps the folders, whatever is in them.
    pub fn keep(&mut self) {
        for made in self.0.drain(..) {
            finished(&made);
        }
    }
}

impl Drop for MadeFolders {
    fn drop(&mut self) {
        for made in self.0.drain(..).rev() {
            let _ = fs::remove_dir(&made);
            finished(&made);
        }
    }
}
