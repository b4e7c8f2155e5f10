//! The feature matrix as a file, for people who go on with another tool.

use super::input::Prepared;
use super::output::Pending;
use segmenta::Error;
use segmenta::table::write::{Cells, Format, write_table};
use std::path::Path;

/// Where the features go, if they are wanted.
pub struct FeaturesFile(Option<(Pending, Format)>);

impl FeaturesFile {
    /// Opens the file.
    ///
    /// # Errors
    /// An ending that is no format, a format that this build cannot write, and those of [`Pending::open`].
    pub fn open(path: Option<&Path>, force: bool) -> Result<Self, Error> {
        let Some(path) = path else { return Ok(FeaturesFile(None)) };
        let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
        let format = match ending.as_str() {
            "npy" => Format::Npy,
            "csv" => Format::Csv,
            "parquet" => Format::Parquet,
            _ => {
                let what = format!("--features-out {}: expected .csv, .npy or .parquet", path.display());
                return Err(Error::Usage(what));
            }
        };
        format.must_be_there()?;
        Ok(FeaturesFile(Some((Pending::open(path, force)?, format))))
    }

    /// Writes the features, each row that was kept a row.
    ///
    /// # Errors
    /// A full disk, and what else a disk can say.
    pub fn write(&mut self, prepared: &Prepared) -> Result<(), Error> {
        let Some((file, format)) = &mut self.0 else { return Ok(()) };
        let (matrix, encoder) = (&prepared.matrix, &prepared.fitted.encoder);
        let unit = matrix.to_user(1.0);
        let encoders = encoder.by_feature();
        let column = |j: usize| {
            let shift = -encoders[j].from_user(encoder.scale, 0.0);
            let value =
                move |i: usize| (f64::from(matrix.value(prepared.matrix_row(i), j)) * unit + shift) as f32;
            Cells::F32(Box::new(move |i| Some(value(i))))
        };
        let columns: Vec<Cells<'_>> = (0..matrix.features()).map(column).collect();
        let names: Vec<&str> = matrix.names().iter().map(String::as_str).collect();
        file.write(|out| write_table(*format, prepared.fit_rows(), &names, &columns, out))
    }

    /// The file, to be put in its place.
    pub fn into_file(self) -> Option<Pending> {
        self.0.map(|(file, _)| file)
    }
}
