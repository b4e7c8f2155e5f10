//! Writes files so that they appear complete or not at all, and replace older ones only if the user asks for it.
//!
//! Each is written under a temporary name beside its own. [`commit`](commit()) puts all files of a run in their places
//! together; [`lock`] keeps two runs from writing into one folder, and tells the leftovers of dead runs from the files
//! of living ones.

mod charts;
mod commit;
mod embedding;
mod features;
mod lock;
mod made;
mod responsibilities;
mod table;

use super::interrupt::{finished, hold, interrupted};
use lock::{clear_leftovers, locked_temporary};
use made::MadeFolders;
use segmenta::Error;
use segmenta::analysis::LINKAGE;
use segmenta::report::methods::METHODS;
use segmenta::report::movers::MOVERS;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

pub use charts::ChartsFolder;
pub use commit::heal_before_reading;
pub use embedding::EmbeddingFile;
pub use features::FeaturesFiles;
pub use lock::FolderLock;
pub use responsibilities::ResponsibilitiesFile;
pub use table::TableFiles;

/// Files that not every run writes: the assignments have one of two names, and only some runs know who moved, make a tree of
/// merges, or compare methods.
const SOMETIMES: [&str; 5] = ["assignments.csv", "assignments.parquet", LINKAGE, MOVERS, METHODS];

/// A file under a temporary name beside its own; it takes its place in [`Pending::keep`] or [`Folder::keep`].
pub struct Pending {
    writer: BufWriter<Stoppable>,
    path: PathBuf,
    force: bool,
}

/// A temporary file; writing to it fails once the user interrupts.
struct Stoppable {
    file: NamedTempFile,
    /// The digest of what was written, if it will be needed.
    digest: Option<Sha256>,
}

impl Write for Stoppable {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if interrupted() {
            // Not of the kind `Interrupted`, after which writers try again.
            return Err(io::Error::other(Error::Interrupted));
        }
        // Write to the file itself, because errors of its wrapper show the temporary name.
        let written = self.file.as_file_mut().write(bytes)?;
        if let Some(digest) = &mut self.digest {
            digest.update(&bytes[..written]);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

impl Drop for Stoppable {
    fn drop(&mut self) {
        finished(self.file.path());
    }
}

impl Stoppable {
    fn path(&self) -> &Path {
        self.file.path()
    }
}

/// Keeps other runs out of the folder of a file that is read and then written again.
///
/// # Errors
/// As [`FolderLock::take`].
pub fn lock_beside(path: &Path) -> Result<FolderLock, Error> {
    FolderLock::take(folder_of(path))
}

/// The folder that a file lies in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    }
}

/// An empty temporary file.
fn new_temporary(dir: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".segmenta-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The same permissions as any new file, less the umask.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(dir)
}

impl Pending {
    /// Opens `path` for writing, which shows early whether that can work at all.
    ///
    /// # Errors
    /// There is such a file and `force` is not given; the folder cannot be written.
    pub fn open(path: &Path, force: bool) -> Result<Self, Error> {
        free(path, force)?;
        let folder = folder_of(path);
        if !folder.is_dir() {
            let what = format!("the folder {} does not exist", folder.display());
            return Err(write_error(path, io::Error::new(io::ErrorKind::NotFound, what)));
        }
        clear_leftovers(folder);
        Self::open_in(folder, path, force)
    }

    fn open_in(folder: &Path, path: &Path, force: bool) -> Result<Self, Error> {
        let mut unfinished = hold();
        // Keep only the kind of error, as its text has the temporary name.
        let file = locked_temporary(folder).map_err(|e| write_error(path, e.kind().into()))?;
        unfinished.push(file.path().to_path_buf());
        let file = Stoppable { file, digest: None };
        Ok(Pending { writer: BufWriter::with_capacity(1 << 20, file), path: path.to_path_buf(), force })
    }

    /// Writes all of it through `write`.
    ///
    /// # Errors
    /// A full disk, or another error from the file system.
    pub fn write(
        &mut self,
        write: impl FnOnce(&mut (dyn Write + Send)) -> std::io::Result<()>,
    ) -> Result<(), Error> {
        write(&mut self.writer).and_then(|()| self.writer.flush()).map_err(|e| write_error(&self.path, e))
    }

    /// Moves the file to its place.
    ///
    /// # Errors
    /// As [`Pending::keep_all`].
    pub fn keep(self) -> Result<(), Error> {
        Self::keep_all(vec![self])
    }

    /// Moves several files to their places: all of them or none.
    ///
    /// # Errors
    /// A file of that name has appeared in the meantime and `force` was not given; a file could not be renamed.
    pub fn keep_all(files: Vec<Self>) -> Result<(), Error> {
        let force = files.iter().all(|file| file.force);
        commit::commit(None, files, &[], force)
    }

    /// The temporary file with all of its bytes on the disk, and the path where it belongs.
    fn into_written(self) -> Result<(Stoppable, PathBuf), Error> {
        let path = self.path;
        let file = self.writer.into_inner().map_err(|e| write_error(&path, e.into_error()))?;
        commit::sync(file.file.as_file()).map_err(|e| write_error(&path, e))?;
        Ok((file, path))
    }
}

/// Refuses a name that is already taken.
fn free(path: &Path, force: bool) -> Result<(), Error> {
    if path.exists() && !force {
        let what = format!("{} already exists; use --force to replace it", path.display());
        return Err(Error::Usage(what));
    }
    if path.is_dir() {
        return Err(Error::Usage(format!("{} is a folder, not a file", path.display())));
    }
    Ok(())
}

fn write_error(path: &Path, e: io::Error) -> Error {
    if interrupted() {
        return Error::Interrupted;
    }
    Error::Write { path: path.to_path_buf(), source: e }
}

/// A folder of results, locked for this run, all of its files opened before the work.
pub struct Folder {
    dir: PathBuf,
    lock: Option<FolderLock>,
    files: Vec<Pending>,
    /// Older files that must not remain beside the new ones.
    stale: Vec<PathBuf>,
    force: bool,
    /// The folders that were made for it; they go after the files in them.
    made: MadeFolders,
}

impl Folder {
    /// Opens `names` in `dir`, which is created if necessary. What a killed run left there is finished or removed.
    /// Files of an earlier run that this one does not write count as taken too; with `force` they are removed.
    ///
    /// # Errors
    /// As [`Pending::open`]; another run is writing into the folder.
    pub fn open(dir: &Path, names: &[&str], force: bool) -> Result<Self, Error> {
        if dir.exists() && !dir.is_dir() {
            return Err(Error::Usage(format!("{} is not a folder", dir.display())));
        }
        let (stale, files) = (Vec::new(), Vec::new());
        let made = MadeFolders::make(dir)?;
        let mut folder = Folder { dir: dir.to_path_buf(), lock: None, files, stale, force, made };
        let lock = FolderLock::take(dir)?;
        commit::heal(dir)?;
        clear_leftovers(dir);
        folder.lock = Some(lock);
        for name in names {
            let path = dir.join(name);
            free(&path, force)?;
            folder.files.push(Pending::open_in(dir, &path, force)?);
        }
        for name in SOMETIMES.iter().filter(|name| !names.contains(name)) {
            let path = dir.join(name);
            free(&path, force)?;
            folder.stale.push(path);
        }
        Ok(folder)
    }

    /// The place of a file among those that were opened.
    fn place(&self, name: &str) -> Option<usize> {
        self.files.iter().position(|file| file.path.file_name().is_some_and(|own| own == name))
    }

    /// Writes a file that was opened.
    ///
    /// # Errors
    /// As [`Pending::write`].
    pub fn write(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
    ) -> Result<(), Error> {
        match self.place(name) {
            Some(place) => self.files[place].write(write),
            None => Ok(()),
        }
    }

    /// Goes without a file that was opened. An older one of its name is removed with `force`.
    pub fn leave_out(&mut self, name: &str) {
        if let Some(place) = self.place(name) {
            let file = self.files.remove(place);
            self.stale.push(file.path.clone());
        }
    }

    /// The names of the files that are written.
    pub fn names(&self) -> Vec<String> {
        let name = |file: &Pending| file.path.file_name().map(|name| name.to_string_lossy().into_owned());
        self.files.iter().filter_map(name).collect()
    }

    /// As [`Folder::write`], and gives the SHA-256 of the bytes, in hexadecimal digits.
    ///
    /// # Errors
    /// As [`Pending::write`].
    pub fn write_digested(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
    ) -> Result<String, Error> {
        let Some(place) = self.place(name) else { return Ok(String::new()) };
        let file = &mut self.files[place];
        file.writer.get_mut().digest = Some(Sha256::new());
        file.write(write)?;
        let digest = file.writer.get_mut().digest.take().unwrap_or_default().finalize();
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Moves all files to their places in one step, and removes stale ones.
    ///
    /// # Errors
    /// As [`Pending::keep_all`].
    pub fn keep(self) -> Result<(), Error> {
        self.keep_with(None)
    }

    /// The same with more files of the run, which may be in other folders.
    ///
    /// # Errors
    /// As [`Pending::keep_all`].
    pub fn keep_with(mut self, beside: impl IntoIterator<Item = Pending>) -> Result<(), Error> {
        let files = beside.into_iter().chain(std::mem::take(&mut self.files)).collect();
        commit::commit(Some(&self.dir), files, &self.stale, self.force)?;
        self.keep_folder();
        Ok(())
    }

    /// Keeps the folder from now on, even if the remaining files are never written.
    pub fn keep_folder(&mut self) {
        self.made.keep();
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.files.clear();
        self.lock = None;
    }
}
