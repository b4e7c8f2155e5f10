//! Writes the matrix of scaled features to a file, for use with other tools.

use super::Pending;
use rayon::prelude::*;
use segmenta::analysis::Prepared;
use segmenta::recipe::ColumnEncoder;
use segmenta::table::write::{Cells, OutputFormat, write_table};
use segmenta::{Error, Matrix};
use std::path::{Path, PathBuf};

/// The files that the features are written to, if the user asked for some.
pub struct FeaturesFiles(Vec<(Pending, OutputFormat)>);

impl FeaturesFiles {
    /// Opens the files.
    ///
    /// # Errors
    /// An ending that is no format, a format that this build cannot write, two files of one name, and those of
    /// [`Pending::open`].
    pub fn open(paths: &[PathBuf], force: bool) -> Result<Self, Error> {
        if let Some((_, twice)) = paths.iter().enumerate().find(|(i, path)| paths[..*i].contains(path)) {
            return Err(Error::Usage(format!("--features-out {} is given twice", twice.display())));
        }
        let files = paths.iter().map(|path| open(path, "--features-out", force));
        Ok(FeaturesFiles(files.collect::<Result<_, _>>()?))
    }

    /// Writes the features, each row that was kept a row: f32, or f64 where a centre was taken off a column, which is
    /// added back. The components of reductions that are no features follow them. A `.npy` has one type for all: f64 where f32 cannot hold what is known of the values.
    ///
    /// # Errors
    /// A full disk, and what else a disk can say.
    pub fn write(&mut self, prepared: &Prepared) -> Result<(), Error> {
        self.0.iter_mut().try_for_each(|(file, format)| write(file, *format, prepared))
    }

    /// The files, to be put in their places.
    pub fn into_files(self) -> impl Iterator<Item = Pending> {
        self.0.into_iter().map(|(file, _)| file)
    }
}

fn write(file: &mut Pending, format: OutputFormat, prepared: &Prepared) -> Result<(), Error> {
    let matrix = &prepared.matrix;
    let encoder = &prepared.fitted.encoder;
    let centre = |of: &ColumnEncoder| 0.0 - of.from_user(encoder.scale, 0.0);
    let encoders = encoder.by_feature().into_iter().enumerate();
    let features: Vec<Feature<'_>> =
        encoders.map(|(j, of)| Feature { matrix, j, centre: centre(of) }).collect();
    let row = |i: usize| prepared.matrix_row(i);
    let wide = format == OutputFormat::Npy && features.par_iter().any(Feature::needs_f64);
    let narrow = |f: &Feature<'_>| if format == OutputFormat::Npy { !wide } else { f.centre == 0.0 };
    let mut columns: Vec<Cells<'_>> = features
        .iter()
        .map(|feature| match narrow(feature) {
            true => Cells::F32(Box::new(move |i| Some(feature.value(row(i)) as f32))),
            false => Cells::F64(Box::new(move |i| Some(feature.value(row(i))))),
        })
        .collect();
    let mut names: Vec<&str> = matrix.names().iter().map(String::as_str).collect();
    for (name, value) in prepared.components() {
        let value = move |i: usize| Some(value(i)).filter(|v| !v.is_nan());
        names.push(name);
        columns.push(match format == OutputFormat::Npy && !wide {
            true => Cells::F32(Box::new(move |i| value(i).map(|v| v as f32))),
            false => Cells::F64(Box::new(value)),
        });
    }
    file.write(|out| write_table(format, prepared.fit_rows(), &names, &columns, out))
}

/// Opens a file of numbers, whose name says its format.
pub(super) fn open(path: &Path, flag: &str, force: bool) -> Result<(Pending, OutputFormat), Error> {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    let format = match ending.as_str() {
        "npy" => OutputFormat::Npy,
        "csv" => OutputFormat::Csv,
        "parquet" => OutputFormat::Parquet,
        "arrow" | "feather" => OutputFormat::Arrow,
        _ => {
            let what = format!(
                "{flag} {}: expected a name that ends in .csv, .npy, .parquet, .arrow or .feather",
                path.display()
            );
            return Err(Error::Usage(what));
        }
    };
    format.must_be_there()?;
    Ok((Pending::open(path, force)?, format))
}

/// One feature as a user reads it.
struct Feature<'a> {
    matrix: &'a Matrix,
    j: usize,
    /// What the fit took off, so that f32 has digits for what is left.
    centre: f64,
}

impl Feature<'_> {
    /// The value of a row; with a centre the shortest decimal that is the same feature once the centre is off again, so
    /// that what came in as 20 goes out as 20.
    fn value(&self, row: usize) -> f64 {
        let (left, sum) = self.parts(row);
        if self.centre == 0.0 { sum } else { shortest_within(sum, self.known_to(left, sum)) }
    }

    /// What the matrix holds, and the sum of it and the centre.
    fn parts(&self, row: usize) -> (f64, f64) {
        let left = self.matrix.to_user(f64::from(self.matrix.value(row, self.j)));
        (left, left + self.centre)
    }

    /// Twice what rounding to f32, to the grid and, for the sum, to f64 may have changed.
    fn known_to(&self, left: f64, sum: f64) -> f64 {
        let last_bit = |x: f64| f64::from_bits(x.abs().to_bits() >> 52 << 52);
        let (of_f32, of_f64) = (f64::from(f32::EPSILON), f64::EPSILON);
        last_bit(left) * of_f32 + self.matrix.grid().step(self.j) + last_bit(sum) * of_f64
    }

    /// Whether f32 would lose something of what is known of a value.
    fn needs_f64(&self) -> bool {
        self.centre != 0.0
            && (0..self.matrix.rows()).any(|row| {
                let (left, sum) = self.parts(row);
                let known_to = self.known_to(left, sum);
                let value = shortest_within(sum, known_to);
                (f64::from(value as f32) - value).abs() > known_to / 2.0
            })
    }
}

/// A decimal with few digits that is no farther from `value` than half of `unit`; `value` itself where none is.
fn shortest_within(value: f64, unit: f64) -> f64 {
    // Near log10 of the unit: the exponent of two times log10(2).
    let two = (unit.to_bits() >> 52) as i32 - 1023;
    let ten = ((two * 1233) >> 12) + 1;
    for places in -(ten + 1)..=2 - ten {
        // Powers up to these are exact.
        if !(-19..=19).contains(&places) {
            break;
        }
        let power = 10u64.pow(places.unsigned_abs()) as f64;
        let rounded = if places < 0 {
            (value / power).round_ties_even() * power
        } else {
            (value * power).round_ties_even() / power
        };
        if (rounded - value).abs() <= unit / 2.0 {
            return rounded;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::shortest_within;

    #[test]
    fn decimals_come_back() {
        for (value, unit, expected) in [
            (20.000_000_763, 1.9e-6, 20.0),
            (41.349_999_7, 1e-6, 41.35),
            (1_700_000_000_007.000_2, 0.001, 1_700_000_000_007.0),
            (0.123_456_789, 1e-9, 0.123_456_789),
            (123_456.4, 1.0, 123_456.0),
            (-7.999_999_9, 5e-7, -8.0),
            (0.0, 1e-9, 0.0),
            (1e300, 1e284, 1e300),
        ] {
            assert_eq!(shortest_within(value, unit), expected, "{value}");
        }
        // Whatever comes out is nearer than half of the unit, so that different values stay different.
        for i in 0..10_000 {
            let (value, unit) = (f64::from(i) * 1.234_567e-3, 1.1e-5 * f64::from(1 + i % 90));
            assert!((shortest_within(value, unit) - value).abs() <= unit / 2.0, "{value} {unit}");
        }
    }
}
