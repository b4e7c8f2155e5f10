//! Files that appear whole or not at all.

use super::interrupt::{finished, interrupted, unfinished};
use segmenta::Error;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file under a temporary name beside its own; it takes its place in [`Pending::keep`].
pub struct Pending {
    writer: BufWriter<Stoppable>,
    path: PathBuf,
}

/// A temporary file whose writing an interrupt ends.
struct Stoppable(NamedTempFile);

impl Write for Stoppable {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if interrupted() {
            // Not of the kind `Interrupted`, which writers try again.
            return Err(io::Error::other(Error::Interrupted));
        }
        // The file itself: errors of its wrapper show the temporary name.
        self.0.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_file_mut().flush()
    }
}

impl Drop for Stoppable {
    fn drop(&mut self) {
        finished(self.0.path());
    }
}

impl Pending {
    /// Opens `path` for writing, which shows early whether that can work at all.
    ///
    /// # Errors
    /// There is such a file and `force` is not given; the folder cannot be written.
    pub fn open(path: &Path, force: bool) -> Result<Self, Error> {
        if path.exists() && !force {
            let what = format!("{} is already there: --force replaces it", path.display());
            return Err(Error::Usage(what));
        }
        if path.is_dir() {
            return Err(Error::Usage(format!("{} is a folder", path.display())));
        }
        let folder = match path.parent() {
            Some(p) if !p.as_os_str().is_empty() => p,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".segmenta-").suffix(".tmp");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any new file: the umask takes its share.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        if !folder.is_dir() {
            let what = format!("there is no folder {}", folder.display());
            return Err(write_error(path, io::Error::new(io::ErrorKind::NotFound, what)));
        }
        // Only the kind: the text has the temporary name.
        let file = builder.tempfile_in(folder).map_err(|e| write_error(path, e.kind().into()))?;
        unfinished(file.path());
        Ok(Pending { writer: BufWriter::with_capacity(1 << 20, Stoppable(file)), path: path.to_path_buf() })
    }

    /// Writes all of it through `write`.
    ///
    /// # Errors
    /// A full disk, and what else a disk can say.
    pub fn write(
        &mut self,
        write: impl FnOnce(&mut (dyn Write + Send)) -> std::io::Result<()>,
    ) -> Result<(), Error> {
        write(&mut self.writer).and_then(|()| self.writer.flush()).map_err(|e| write_error(&self.path, e))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// It could not be renamed.
    pub fn keep(self) -> Result<(), Error> {
        let path = self.path;
        let file = self.writer.into_inner().map_err(|e| write_error(&path, e.into_error()))?;
        file.keep(&path).map_err(|e| write_error(&path, e))
    }
}

impl Stoppable {
    fn keep(self, path: &Path) -> io::Result<()> {
        let temporary = self.0.path().to_path_buf();
        fs::rename(&temporary, path)
    }
}

fn write_error(path: &Path, e: io::Error) -> Error {
    if interrupted() {
        return Error::Interrupted;
    }
    Error::Write { path: path.to_path_buf(), source: e }
}

/// A folder of results, all of them opened before the work.
pub struct Folder {
    dir: PathBuf,
    /// The folders that were made for it, outermost first.
    made: Vec<PathBuf>,
    files: Vec<Pending>,
}

impl Folder {
    /// Opens `names` in `dir`, which is made where it is not there.
    ///
    /// # Errors
    /// As [`Pending::open`].
    pub fn open(dir: &Path, names: &[&str], force: bool) -> Result<Self, Error> {
        if dir.exists() && !dir.is_dir() {
            return Err(Error::Usage(format!("{} is not a folder", dir.display())));
        }
        let mut folder = Folder { dir: dir.to_path_buf(), made: Vec::new(), files: Vec::new() };
        let missing = dir.ancestors().take_while(|a| !a.as_os_str().is_empty() && !a.exists());
        let missing: Vec<&Path> = missing.collect();
        for new in missing.into_iter().rev() {
            fs::create_dir(new).map_err(|e| write_error(new, e))?;
            unfinished(new);
            folder.made.push(new.to_path_buf());
        }
        for name in names {
            folder.files.push(Pending::open(&dir.join(name), force)?);
        }
        Ok(folder)
    }

    /// Writes the file that was opened as number `index`.
    ///
    /// # Errors
    /// As [`Pending::write`].
    pub fn write(
        &mut self,
        index: usize,
        write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
    ) -> Result<(), Error> {
        match self.files.get_mut(index) {
            Some(file) => file.write(write),
            None => Ok(()),
        }
    }

    /// Puts all files in their places.
    ///
    /// # Errors
    /// As [`Pending::keep`].
    pub fn keep(mut self) -> Result<(), Error> {
        self.keep_folder();
        for file in std::mem::take(&mut self.files) {
            file.keep()?;
        }
        Ok(())
    }

    /// From here on the folder stays, whatever becomes of the files that are still to come.
    pub fn keep_folder(&mut self) {
        for made in self.made.drain(..) {
            finished(&made);
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.files.clear();
        for made in self.made.drain(..).rev() {
            // Ours; it goes if nobody else put anything in.
            let _ = fs::remove_dir(&made);
            finished(&made);
        }
    }
}
