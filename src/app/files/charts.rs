//! The charts and the tables of a report as files of their own, in a folder.

use super::{Pending, write_error};
use segmenta::Error;
use segmenta::report::page::Page;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder for the charts, if somebody wants them.
pub struct ChartsFolder {
    folder: Option<PathBuf>,
    force: bool,
    files: Vec<Pending>,
}

impl ChartsFolder {
    /// Checks that the folder is free, before any work.
    ///
    /// # Errors
    /// It has charts or tables already and `force` is not given; a file of this name.
    pub fn open(folder: Option<&Path>, force: bool) -> Result<Self, Error> {
        if let Some(folder) = folder {
            if folder.exists() && !folder.is_dir() {
                let what = format!("--charts needs a folder, and {} is a file", folder.display());
                return Err(Error::Usage(what));
            }
            let ours =
                |name: &Path| name.extension().is_some_and(|ending| ending == "svg" || ending == "csv");
            let there = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
            if let Some(path) = there.filter(|path| !force && ours(path)).min() {
                let what = format!(
                    "{} already exists, so the charts have no room in {}; name another folder, or add --force to replace files",
                    path.display(),
                    folder.display()
                );
                return Err(Error::Usage(what));
            }
        }
        Ok(ChartsFolder { folder: folder.map(Path::to_path_buf), force, files: Vec::new() })
    }

    /// Writes the files of a page into the folder, which is created if necessary. They appear with [`Self::into_files`].
    ///
    /// # Errors
    /// A full disk, and what else a disk can say.
    pub fn write(&mut self, page: &Page) -> Result<(), Error> {
        let Some(folder) = &self.folder else { return Ok(()) };
        fs::create_dir_all(folder).map_err(|source| write_error(folder, source))?;
        for (name, contents) in page.charts()? {
            let mut file = Pending::open(&folder.join(name), self.force)?;
            file.write(|out| out.write_all(&contents))?;
            self.files.push(file);
        }
        Ok(())
    }

    /// The folder, and how many files it gets.
    pub fn written(&self) -> Option<(&Path, usize)> {
        self.folder.as_deref().map(|folder| (folder, self.files.len()))
    }

    /// The files, to be put in their places.
    pub fn into_files(self) -> impl Iterator<Item = Pending> {
        self.files.into_iter()
    }
}
