//! The feature matrix as a file, for people who go on with another tool.

use super::input::Prepared;
use super::output::Pending;
use super::tools::{write_columns, write_npy};
use segmenta::Error;
use std::path::Path;

/// Where the features go, if they are wanted.
pub struct FeaturesFile(Option<(Pending, bool)>);

impl FeaturesFile {
    /// Opens the file.
    ///
    /// # Errors
    /// An ending that is no format, and those of [`Pending::open`].
    pub fn open(path: Option<&Path>, force: bool) -> Result<Self, Error> {
        let Some(path) = path else { return Ok(FeaturesFile(None)) };
        let npy = match path.extension().and_then(|e| e.to_str()) {
            Some(e) if e.eq_ignore_ascii_case("npy") => true,
            Some(e) if e.eq_ignore_ascii_case("csv") => false,
            _ => {
                let what = format!("--features-out {}: expected .csv or .npy", path.display());
                return Err(Error::Usage(what));
            }
        };
        Ok(FeaturesFile(Some((Pending::open(path, force)?, npy))))
    }

    /// Writes the features, each row that was kept a row.
    ///
    /// # Errors
    /// A full disk, and what else a disk can say.
    pub fn write(&mut self, prepared: &Prepared) -> Result<(), Error> {
        let Some((file, npy)) = &mut self.0 else { return Ok(()) };
        let (matrix, encoder) = (&prepared.matrix, &prepared.fitted.encoder);
        let shift: Vec<f64> = (0..matrix.features()).map(|j| encoder.to_user(j, 0.0)).collect();
        let mut columns = vec![Vec::with_capacity(matrix.rows()); matrix.features()];
        for row in 0..matrix.rows() {
            for ((column, value), shift) in columns.iter_mut().zip(matrix.row(row)).zip(&shift) {
                column.push((matrix.to_user(f64::from(value)) + shift) as f32);
            }
        }
        file.write(
            |out| {
                if *npy { write_npy(out, &columns) } else { write_columns(out, matrix.names(), &columns) }
            },
        )
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// As [`Pending::keep`].
    pub fn keep(self) -> Result<(), Error> {
        self.0.map_or(Ok(()), |(file, _)| file.keep())
    }
}
