//! Writes the components of a reduction.

use super::Pending;
use super::features::open;
use segmenta::Error;
use segmenta::analysis::Prepared;
use segmenta::table::write::{Cells, OutputFormat, write_table};
use std::borrow::Cow;
use std::path::Path;

/// The file that the components are written to, if the user asked for it.
pub struct EmbeddingFile(Option<(Pending, OutputFormat)>);

impl EmbeddingFile {
    /// Opens the file.
    ///
    /// # Errors
    /// An ending that is no format, a format that this build cannot write, and those of [`Pending::open`].
    pub fn open(path: Option<&Path>, force: bool) -> Result<Self, Error> {
        let file = path.map(|path| open(path, "--embedding-out", force));
        Ok(EmbeddingFile(file.transpose()?))
    }

    /// Writes a line for each row of the table: its id, if there are ids and the format has names, and its components, which
    /// are missing where the row was left out. Text has six significant digits of them, the other formats all.
    ///
    /// # Errors
    /// A full disk, and what else a disk can say.
    pub fn write(&mut self, prepared: &Prepared) -> Result<(), Error> {
        let Some((file, format)) = &mut self.0 else { return Ok(()) };
        let components = prepared.all_components();
        let (mut names, mut columns): (Vec<&str>, Vec<Cells<'_>>) = (Vec::new(), Vec::new());
        if let Some((name, ids)) = prepared.ids.as_ref().filter(|_| *format != OutputFormat::Npy) {
            names.push(name);
            columns.push(Cells::Text(Box::new(|row| ids.get(row).map(|id| Cow::Borrowed(id.as_str())))));
        }
        for column in components {
            names.push(&column.name);
            let values = &column.values;
            let value = |row: usize| values.number(row).filter(|v| !v.is_nan());
            columns.push(match *format {
                OutputFormat::Npy => Cells::F64(Box::new(value)),
                _ => Cells::Rounded(Box::new(value)),
            });
        }
        file.write(|out| write_table(*format, prepared.rows, &names, &columns, out))
    }

    /// The file, to be put in its place.
    pub fn into_file(self) -> Option<Pending> {
        self.0.map(|(file, _)| file)
    }
}
