//! Writes the table as a recipe has prepared it, for use with other tools.

use super::Pending;
use super::features::open;
use segmenta::Error;
use segmenta::analysis::Prepared;
use segmenta::table::write::{Cells, OutputFormat, write_table};
use segmenta::table::{Column, Values};
use std::borrow::Cow;
use std::path::PathBuf;

/// The files that the prepared table is written to, if a recipe asks for some.
pub struct TableFiles(Vec<(Pending, OutputFormat)>);

impl TableFiles {
    /// Opens the files.
    ///
    /// # Errors
    /// An ending that is no format, or one that holds numbers alone; a format that this build cannot write; and those of
    /// [`Pending::open`].
    pub fn open(paths: &[PathBuf], force: bool) -> Result<Self, Error> {
        let mut files = Vec::new();
        for path in paths {
            let (file, format) = open(path, "[output] table", force)?;
            if format == OutputFormat::Npy {
                let what = format!(
                    "[output] table {}: .npy holds numbers of one type alone; expected .csv, .parquet, .arrow or .feather",
                    path.display()
                );
                return Err(Error::Usage(what));
            }
            files.push((file, format));
        }
        Ok(TableFiles(files))
    }

    /// Writes every row of the table, its id first, and the columns that match these names and globs; all columns if there
    /// are none.
    ///
    /// # Errors
    /// A name that matches no column; a full disk, and what else a disk can say.
    pub fn write(&mut self, prepared: &Prepared, columns: &[String]) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let columns = prepared.columns_of_table(columns)?;
        let mut names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        names.splice(0..0, prepared.ids.iter().map(|(name, _)| name.as_str()));
        for (file, format) in &mut self.0 {
            let ids = prepared.ids.iter().map(|(_, ids)| {
                Cells::Text(Box::new(|row| ids.get(row).map(|id| Cow::Borrowed(id.as_str()))))
            });
            let cells: Vec<Cells<'_>> = ids.chain(columns.iter().map(|column| cells(column))).collect();
            file.write(|out| write_table(*format, prepared.rows, &names, &cells, out))?;
        }
        Ok(())
    }

    /// The files, to be put in their places.
    pub fn into_files(self) -> impl Iterator<Item = Pending> {
        self.0.into_iter().map(|(file, _)| file)
    }
}

/// The cells of a column: whole numbers of 32 bits where all are, such as answers of 0 and 1.
fn cells(column: &Column) -> Cells<'_> {
    let values = &column.values;
    match values {
        Values::Text { levels, codes } => Cells::Text(Box::new(|row| {
            let code = codes.get(row).copied().flatten()?;
            levels.get(code as usize).map(|level| Cow::Borrowed(level.as_str()))
        })),
        Values::Bool(values) => Cells::Bool(Box::new(|row| values.get(row).copied().flatten())),
        Values::Empty(_) => Cells::Text(Box::new(|_| None)),
        Values::Number(_) | Values::Packed { .. } => {
            let number = |row: usize| values.number(row).filter(|v| !v.is_nan());
            let whole = |v: f64| f64::from(v as i32) == v;
            match (0..values.len()).filter_map(number).all(whole) {
                true => Cells::I32(Box::new(move |row| number(row).map(|v| v as i32))),
                false => Cells::F64(Box::new(number)),
            }
        }
    }
}
