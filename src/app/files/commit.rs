//! Moves all files of a run to their places in one step, as far as a file system allows that.
//!
//! The files are written under temporary names, down to the disk. A journal in the folder then says which file goes
//! where; from that moment the commit is decided. A process that is killed before leaves the old set, one that is
//! killed later leaves the journal, and whoever opens the folder next finishes what it says. A rename that fails puts
//! the old files back.

use super::super::interrupt::{hold, interrupted};
use super::lock::{FolderLock, locked_temporary};
use super::{Pending, write_error};
use segmenta::Error;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The journal's name.
const JOURNAL: &str = ".segmenta-commit";

/// A file and where it goes; all names are the folder's own.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Line {
    /// The temporary name; none where an old file goes without a new one in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    temporary: Option<String>,
    /// The name that people know.
    name: String,
    /// Where an old file of that name is kept until all are in place.
    old: String,
}

/// The same with paths.
#[derive(Debug, Clone)]
struct Move {
    temporary: Option<PathBuf>,
    target: PathBuf,
    old: PathBuf,
}

impl Move {
    fn of(dir: &Path, line: &Line) -> Self {
        let temporary = line.temporary.as_ref().map(|t| dir.join(t));
        Move { temporary, target: dir.join(&line.name), old: dir.join(&line.old) }
    }

    /// Puts the new file in its place, and keeps the old one aside where others may yet fail. Done again, it does what
    /// is left.
    fn make(&self, replace: bool, keep_old: bool) -> io::Result<()> {
        let Some(temporary) = &self.temporary else {
            return if is_there(&self.target) { fs::rename(&self.target, &self.old) } else { Ok(()) };
        };
        if !is_there(temporary) {
            return Ok(());
        }
        if self.target.is_dir() {
            return Err(io::Error::new(ErrorKind::IsADirectory, "a folder is in the way"));
        }
        if !replace {
            return place_new(temporary, &self.target);
        }
        if keep_old && is_there(&self.target) && !is_there(&self.old) {
            // As a second name, so that there is a file in place at every moment.
            fs::hard_link(&self.target, &self.old).or_else(|_| fs::rename(&self.target, &self.old))?;
        }
        fs::rename(temporary, &self.target)
    }

    /// Takes the new file away again and puts the old one back.
    fn undo(&self) -> io::Result<()> {
        let placed = self.temporary.as_ref().is_none_or(|t| !is_there(t));
        if is_there(&self.old) {
            fs::rename(&self.old, &self.target)?;
            // Where both names are the same file, the rename leaves both.
            let _ = fs::remove_file(&self.old);
        } else if placed && self.temporary.is_some() {
            fs::remove_file(&self.target)?;
        }
        Ok(())
    }
}

/// Whether there is anything of that name, be it a link to nowhere.
fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Gives a file its name if nothing has that name.
fn place_new(temporary: &Path, target: &Path) -> io::Result<()> {
    match fs::hard_link(temporary, target) {
        Ok(()) => fs::remove_file(temporary),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Err(e),
        // A file system without hard links.
        Err(_) if is_there(target) => Err(ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(temporary, target),
    }
}

/// Puts `files` in their places and takes the `stale` ones away: all of it, or nothing. `journal` is the folder whose
/// lock this run holds, if it holds one.
///
/// # Errors
/// A full disk; without `replace` a file of such a name, which may have come since the work began; a rename that
/// failed. The old files are then as they were.
pub fn commit(
    journal: Option<&Path>,
    files: Vec<Pending>,
    stale: &[PathBuf],
    replace: bool,
) -> Result<(), Error> {
    let mut written = Vec::with_capacity(files.len());
    for file in files {
        written.push(file.into_written()?);
    }
    let mut unfinished = hold();
    if interrupted() {
        return Err(Error::Interrupted);
    }
    let moves: Vec<Move> = written
        .iter()
        .map(|(temporary, target)| {
            let temporary = temporary.path().to_path_buf();
            Move { old: temporary.with_extension("old"), temporary: Some(temporary), target: target.clone() }
        })
        .chain(stale.iter().filter(|path| is_there(path)).map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let old = path.with_file_name(format!(".segmenta-{name}.old"));
            Move { temporary: None, target: path.clone(), old }
        }))
        .collect();
    if let Some(found) = moves.iter().find(|m| !replace && is_there(&m.target)) {
        return Err(appeared(&found.target));
    }
    // One rename needs no journal: it is done or not.
    let journal = journal.filter(|_| moves.len() > 1);
    if let Some(dir) = journal {
        write_journal(dir, &moves).map_err(|e| write_error(dir, e))?;
    }
    let done = carry_out(&moves, replace);
    if let Some(dir) = journal {
        // From here on the old files are not needed, whichever way it went.
        let _ = fs::remove_file(dir.join(JOURNAL));
        sync_folder(dir);
    }
    for m in &moves {
        let _ = fs::remove_file(&m.old);
    }
    unfinished.retain(|path| !moves.iter().any(|m| m.temporary.as_ref() == Some(path)));
    drop(unfinished);
    done.map_err(|(target, e)| match e.kind() {
        ErrorKind::AlreadyExists => appeared(&target),
        _ => write_error(&target, e),
    })
}

fn appeared(path: &Path) -> Error {
    let what = format!(
        "{} appeared while this run was working and was left unchanged; use --force to replace it",
        path.display()
    );
    Error::Usage(what)
}

/// Makes all moves, or takes back those that were made.
fn carry_out(moves: &[Move], replace: bool) -> Result<(), (PathBuf, io::Error)> {
    for (i, one) in moves.iter().enumerate() {
        if let Err(e) = one.make(replace, moves.len() > 1) {
            for made in moves[..=i].iter().rev() {
                let _ = made.undo();
            }
            return Err((one.target.clone(), e));
        }
    }
    Ok(())
}

/// Writes the journal whole or not at all. Files that go elsewhere, such as `--features-out`, are not in it.
fn write_journal(dir: &Path, moves: &[Move]) -> io::Result<()> {
    let name = |path: &PathBuf| Some(path.file_name()?.to_str()?.to_string());
    let here = |m: &&Move| m.target.parent() == Some(dir);
    let line = |m: &Move| {
        let temporary =
            m.temporary.as_ref().map(|t| name(t).ok_or(ErrorKind::InvalidFilename)).transpose()?;
        let rest = name(&m.target).zip(name(&m.old)).ok_or(ErrorKind::InvalidFilename)?;
        Ok(Line { temporary, name: rest.0, old: rest.1 })
    };
    let lines: io::Result<Vec<Line>> = moves.iter().filter(here).map(line).collect();
    let mut file = locked_temporary(dir)?;
    file.write_all(&serde_json::to_vec(&lines?)?)?;
    sync(file.as_file())?;
    file.persist(dir.join(JOURNAL)).map_err(|e| e.error)?;
    sync_folder(dir);
    Ok(())
}

/// Brings a file's bytes to the disk, where the file system can do that.
pub fn sync(file: &File) -> io::Result<()> {
    match file.sync_all() {
        Err(e) if matches!(e.kind(), ErrorKind::Unsupported | ErrorKind::InvalidInput) => Ok(()),
        other => other,
    }
}

/// Brings a folder's names to the disk; not every system can.
fn sync_folder(dir: &Path) {
    if cfg!(unix)
        && let Ok(dir) = File::open(dir)
    {
        let _ = dir.sync_all();
    }
}

/// Whether a run was killed while it put its files in place, or is just doing so.
pub fn is_pending(dir: &Path) -> bool {
    is_there(&dir.join(JOURNAL))
}

/// Finishes what a killed run had begun in a folder whose lock this run holds.
///
/// # Errors
/// A rename that failed; the old files are then as they were.
pub fn heal(dir: &Path) -> Result<(), Error> {
    let journal = dir.join(JOURNAL);
    let Ok(text) = fs::read(&journal) else { return Ok(()) };
    let _end_later = hold();
    let lines: Vec<Line> = serde_json::from_slice(&text).unwrap_or_default();
    let plain = |name: &str| Path::new(name).file_name().is_some_and(|n| n == name);
    let sound =
        lines.iter().all(|l| plain(&l.name) && plain(&l.old) && l.temporary.as_deref().is_none_or(plain));
    // What is no journal of ours decides nothing.
    let moves: Vec<Move> =
        if sound { lines.iter().map(|line| Move::of(dir, line)).collect() } else { Vec::new() };
    let failed = carry_out(&moves, true);
    fs::remove_file(&journal).map_err(|e| write_error(dir, e))?;
    sync_folder(dir);
    for m in &moves {
        let _ = fs::remove_file(&m.old);
        if let Some(temporary) = &m.temporary {
            let _ = fs::remove_file(temporary);
        }
    }
    failed.map_err(|(target, e)| write_error(&target, e))
}

/// Finishes what a killed run had begun in the folder of `path`, before that file is read. Waits for a run that is
/// putting its files in place at this moment.
///
/// # Errors
/// The folder cannot be written.
pub fn heal_before_reading(path: &Path) -> Result<(), Error> {
    let dir = super::folder_of(path);
    for _ in 0..100 {
        if !is_pending(dir) {
            return Ok(());
        }
        match FolderLock::take(dir) {
            Ok(_lock) => return heal(dir),
            Err(Error::Usage(_)) => std::thread::sleep(Duration::from_millis(20)),
            Err(_) => break,
        }
    }
    let what = "a run was killed while it was moving its files into this folder, and that cannot be finished because the folder \
                is not writable";
    Err(Error::Read { path: path.to_path_buf(), source: io::Error::other(what) })
}
