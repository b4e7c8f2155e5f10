//! Locks on folders, which end with their process however it ends, and the removal of what dead runs left behind.

use super::super::interrupt::hold;
use super::{commit, new_temporary, write_error};
use segmenta::Error;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The file whose lock a run holds while it writes into a folder.
const NAME: &str = ".segmenta-lock";

/// How often a lock is asked for again whose file another run took away meanwhile.
const TRIES: usize = 100;

/// A folder that only this run writes into.
pub struct FolderLock {
    file: Option<File>,
    path: PathBuf,
}

impl FolderLock {
    /// Locks a folder that is there. A file system without locks is written without one.
    ///
    /// # Errors
    /// Another run holds the lock; the folder cannot be written.
    pub fn take(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(NAME);
        for _ in 0..TRIES {
            let mut unfinished = hold();
            let made = !path.exists();
            let file = File::options().read(true).write(true).create(true).truncate(false).open(&path);
            let file = file.map_err(|e| write_error(dir, e.kind().into()))?;
            match file.try_lock() {
                // The run that held it before may have removed the file: then the lock is nobody's.
                Ok(()) if !is_at(&file, &path) => {}
                Ok(()) => {
                    unfinished.push(path.clone());
                    return Ok(FolderLock { file: Some(file), path });
                }
                Err(TryLockError::WouldBlock) => return Err(busy(dir)),
                Err(TryLockError::Error(_)) => {
                    if made {
                        let _ = fs::remove_file(&path);
                    }
                    return Ok(FolderLock { file: None, path });
                }
            }
        }
        Err(busy(dir))
    }
}

fn busy(dir: &Path) -> Error {
    let what = format!(
        "another run of segmenta is writing into {}; wait until it has ended, or choose another folder with --out",
        dir.display()
    );
    Error::Usage(what)
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        let mut unfinished = hold();
        // Removed while it is held, so that nobody can hold a lock on a file that is about to go. Windows cannot
        // remove a file that others have open; there the empty file stays.
        if cfg!(unix) && self.file.is_some() {
            let _ = fs::remove_file(&self.path);
        }
        unfinished.retain(|p| *p != self.path);
    }
}

/// Whether this open file is still the one at `path`.
#[cfg(unix)]
pub fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Whether this open file is still the one at `path`.
#[cfg(not(unix))]
pub fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Removes the temporary files of dead runs from a folder: those whose own lock nobody holds. What a commit still
/// needs is left alone.
pub fn clear_leftovers(dir: &Path) {
    if commit::is_pending(dir) {
        return;
    }
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let ours = name.starts_with(".segmenta-") && (name.ends_with(".tmp") || name.ends_with(".old"));
        // A folder or anything else of that name is not ours.
        if !ours || !entry.file_type().is_ok_and(|t| t.is_file()) {
            continue;
        }
        let path = entry.path();
        let Ok(file) = File::options().write(true).open(&path) else { continue };
        // Removed while its lock is held: its maker, if there is one after all, sees that it is gone.
        if file.try_lock().is_ok() {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Makes a temporary file in a folder, locked for as long as it is open.
///
/// # Errors
/// The folder cannot be written.
pub fn locked_temporary(dir: &Path) -> io::Result<tempfile::NamedTempFile> {
    for _ in 0..TRIES {
        let file = new_temporary(dir)?;
        match file.as_file().try_lock() {
            Ok(()) if is_at(file.as_file(), file.path()) => return Ok(file),
            // Another run took it for a leftover before it was locked.
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(_)) => return Ok(file),
        }
    }
    Err(io::Error::other("temporary files disappear as soon as they are made"))
}
