//! Files that appear whole or not at all.

use segmenta::Error;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file under a temporary name beside its own; it takes its place in [`Pending::keep`].
pub struct Pending {
    writer: BufWriter<NamedTempFile>,
    path: PathBuf,
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
        let file = builder.tempfile_in(folder).map_err(|e| write_error(path, strip_path(e)))?;
        Ok(Pending { writer: BufWriter::with_capacity(1 << 20, file), path: path.to_path_buf() })
    }

    /// Writes all of it through `write`.
    ///
    /// # Errors
    /// A full disk, and what else a disk can say.
    pub fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), Error> {
        write(&mut self.writer).and_then(|()| self.writer.flush()).map_err(|e| write_error(&self.path, e))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// It could not be renamed.
    pub fn keep(self) -> Result<(), Error> {
        let path = self.path;
        let file = self.writer.into_inner().map_err(|e| write_error(&path, e.into_error()))?;
        file.persist(&path).map(drop).map_err(|e| write_error(&path, e.error))
    }
}

/// `tempfile` puts the temporary name into its errors; the reader knows the file by its own.
fn strip_path(e: std::io::Error) -> std::io::Error {
    std::io::Error::from(e.kind())
}

fn write_error(path: &Path, source: std::io::Error) -> Error {
    Error::Write { path: path.to_path_buf(), source }
}

/// A folder of results, all of them opened before the work.
pub struct Folder {
    dir: PathBuf,
    created: bool,
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
        let created = !dir.exists();
        if created {
            fs::create_dir_all(dir).map_err(|e| write_error(dir, e))?;
        }
        let mut folder = Folder { dir: dir.to_path_buf(), created, files: Vec::new() };
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
        write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
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
        self.created = false;
        for file in std::mem::take(&mut self.files) {
            file.keep()?;
        }
        Ok(())
    }

    /// From here on the folder stays, whatever becomes of the files that are still to come.
    pub fn keep_folder(&mut self) {
        self.created = false;
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.files.clear();
        if self.created {
            // Ours, and empty again.
            let _ = fs::remove_dir(&self.dir);
        }
    }
}
