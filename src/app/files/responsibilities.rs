//! Writes how likely each row belongs to each segment of a Gaussian mixture.

use super::Pending;
use super::features::open;
use segmenta::Error;
use segmenta::analysis::Responsibilities;
use segmenta::table::write::{Cells, OutputFormat, write_table};
use std::path::Path;

/// The file that the responsibilities are written to, if the user asked for it.
pub struct ResponsibilitiesFile(Option<(Pending, OutputFormat)>);

impl ResponsibilitiesFile {
    /// Opens the file.
    ///
    /// # Errors
    /// An ending that is no format, a format that this build cannot write, and those of [`Pending::open`].
    pub fn open(path: Option<&Path>, force: bool) -> Result<Self, Error> {
        let file = path.map(|path| open(path, "--responsibilities-out", force));
        Ok(ResponsibilitiesFile(file.transpose()?))
    }

    /// Writes a line for each row of the table, with a number for each segment; they are missing where the row was left out.
    ///
    /// # Errors
    /// A full disk, and what else a disk can say.
    pub fn write(&mut self, found: &Responsibilities) -> Result<(), Error> {
        let Some((file, format)) = &mut self.0 else { return Ok(()) };
        let names: Vec<String> = (0..found.k()).map(|segment| format!("segment_{segment}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let column = |segment| Cells::F32(Box::new(move |row| found.get(row, segment)));
        let columns: Vec<Cells<'_>> = (0..found.k()).map(column).collect();
        file.write(|out| write_table(*format, found.rows(), &names, &columns, out))
    }

    /// The file, to be put in its place.
    pub fn into_file(self) -> Option<Pending> {
        self.0.map(|(file, _)| file)
    }
}
