//! The charts and the tables of a report as files of their own, in a folder.

use super::made::MadeFolders;
use super::{Pending, clear_leftovers};
use segmenta::Error;
use segmenta::report::page::Page;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder for the charts, if somebody wants them.
pub struct ChartsFolder {
    folder: Option<PathBuf>,
    force: bool,
    files: Vec<Pending>,
    /// The folders that were made for it; they go after the files in them.
    made: MadeFolders,
}

impl ChartsFolder {
    /// Makes the folder if necessary, and checks that it is free and can be written, before any work.
    ///
    /// # Errors
    /// It has charts or tables already and `force` is not given; it is the folder of the results, whose files have some of the
    /// same names; it cannot be written; a file of this name.
    pub fn open(folder: Option<&Path>, results: &Path, force: bool) -> Result<Self, Error> {
        let mut made = MadeFolders::default();
        if let Some(folder) = folder {
            if folder.exists() && !folder.is_dir() {
                let what = format!("--charts needs a folder, and {} is a file", folder.display());
                return Err(Error::Usage(what));
            }
            let place = |folder: &Path| fs::canonicalize(folder).ok();
            if place(folder).is_some_and(|place_of_charts| Some(place_of_charts) == place(results)) {
                let what = format!(
                    "the charts need a folder of their own, and {} is that of the results; {} would do",
                    folder.display(),
                    folder.join("charts").display()
                );
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
            made = MadeFolders::make(folder)?;
            clear_leftovers(folder);
            // Whether it can be written shows in any file.
            drop(Pending::open_in(folder, &folder.join("sizes.svg"), force)?);
        }
        Ok(ChartsFolder { folder: folder.map(Path::to_path_buf), force, files: Vec::new(), made })
    }

    /// Writes the files of a page under temporary names.
    ///
    /// # Errors
    /// A full disk, and what else a disk can say.
    pub fn write(&mut self, page: &Page) -> Result<(), Error> {
        let Some(folder) = &self.folder else { return Ok(()) };
        for (name, contents) in page.charts()? {
            let mut file = Pending::open(&folder.join(name), self.force)?;
            file.write(|out| out.write_all(&contents))?;
            self.files.push(file);
        }
        Ok(())
    }

    /// The folder, and how many files it gets; `None` if there are none.
    pub fn written(&self) -> Option<(&Path, usize)> {
        self.folder.as_deref().map(|folder| (folder, self.files.len())).filter(|(_, files)| *files > 0)
    }

    /// The files, to be put in their places.
    pub fn take_files(&mut self) -> Vec<Pending> {
        std::mem::take(&mut self.files)
    }

    /// Keeps the folder, once the files are in their places.
    pub fn keep(mut self) {
        self.made.keep();
    }
}
