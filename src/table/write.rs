//! Tables as they are written: named, typed columns to CSV, `.npy` or Parquet.
//!
//! A column is a function from row to cell, so that nothing is copied before it is written.

#[cfg(feature = "parquet")]
mod parquet;

use std::borrow::Cow;
use std::fmt::{Display, Write as _};
use std::io::{self, ErrorKind, Write};

use crate::error::{Error, Result};

/// What a table is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text with a header.
    Csv,
    /// NumPy's array of rows and columns, f32, without names.
    Npy,
    /// Apache Parquet, compressed by Snappy, 2^20 rows a row group.
    Parquet,
}

impl Format {
    /// Whether this build can write the format.
    ///
    /// # Errors
    /// [`Error::Usage`] where it cannot.
    pub fn must_be_there(self) -> Result<()> {
        if self == Format::Parquet && !cfg!(feature = "parquet") {
            let what = "this build has no Parquet: build it with the feature parquet, or write csv";
            return Err(Error::Usage(what.into()));
        }
        Ok(())
    }
}

/// The cell of a row; `None` is missing.
pub type Cell<'a, T> = Box<dyn Fn(usize) -> Option<T> + 'a>;

/// A column's cells by their type.
pub enum Cells<'a> {
    /// 32-bit floats.
    F32(Cell<'a, f32>),
    /// 64-bit floats.
    F64(Cell<'a, f64>),
    /// 32-bit integers.
    I32(Cell<'a, i32>),
    /// 64-bit integers.
    I64(Cell<'a, i64>),
    /// Texts.
    Text(Cell<'a, Cow<'a, str>>),
    /// Booleans.
    Bool(Cell<'a, bool>),
}

/// Writes `rows` rows of the columns `names`, `columns`, in any format.
///
/// CSV: missing is an empty cell; floats are the shortest digits that read back as the same f64. `.npy`: all columns
/// must be [`Cells::F32`], missing is NaN, names are not kept. Parquet: missing is null.
///
/// # Errors
/// What `out` says; [`ErrorKind::InvalidInput`] for columns that the format cannot hold, [`ErrorKind::Unsupported`]
/// for Parquet in a build without it.
pub fn write_table(
    format: Format,
    rows: usize,
    names: &[&str],
    columns: &[Cells<'_>],
    out: impl Write + Send,
) -> io::Result<()> {
    write_table_with(format, &[], rows, names, columns, out)
}

/// As [`write_table`], with texts that say what the table is, by key. Only Parquet can hold them, in its footer.
///
/// # Errors
/// As [`write_table`].
pub fn write_table_with(
    format: Format,
    metadata: &[(&str, &str)],
    rows: usize,
    names: &[&str],
    columns: &[Cells<'_>],
    mut out: impl Write + Send,
) -> io::Result<()> {
    match format {
        Format::Csv => write_csv(rows, names, columns, out),
        Format::Npy => write_npy(rows, columns, out),
        #[cfg(feature = "parquet")]
        Format::Parquet => parquet::write(metadata, rows, names, columns, &mut out),
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => {
            let _ = metadata;
            // Nothing is left of an output that cannot be.
            out.flush()?;
            Err(io::Error::new(ErrorKind::Unsupported, "this build has no Parquet"))
        }
    }
}

/// As [`write_table`], CSV.
///
/// # Errors
/// What `out` says.
pub fn write_csv(rows: usize, names: &[&str], columns: &[Cells<'_>], out: impl Write) -> io::Result<()> {
    fn shown<T: Display>(cell: &mut String, value: Option<T>) {
        if let Some(value) = value {
            // A String takes everything.
            let _ = write!(cell, "{value}");
        }
    }
    let mut writer = csv::WriterBuilder::new().buffer_capacity(1 << 18).from_writer(out);
    writer.write_record(names).map_err(csv_error)?;
    let mut cell = String::new();
    for row in 0..rows {
        for column in columns {
            cell.clear();
            match column {
                // Read back as f64 it is still the same number.
                Cells::F32(get) => shown(&mut cell, get(row).map(f64::from)),
                Cells::F64(get) => shown(&mut cell, get(row)),
                Cells::I32(get) => shown(&mut cell, get(row)),
                Cells::I64(get) => shown(&mut cell, get(row)),
                Cells::Bool(get) => shown(&mut cell, get(row)),
                Cells::Text(get) => cell.push_str(&get(row).unwrap_or_default()),
            }
            writer.write_field(&cell).map_err(csv_error)?;
        }
        writer.write_record(None::<&[u8]>).map_err(csv_error)?;
    }
    writer.flush()
}

/// The system's error in one of the csv writer's, which hides its kind.
fn csv_error(e: csv::Error) -> io::Error {
    match e.into_kind() {
        csv::ErrorKind::Io(e) => e,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// Row by row, as NumPy's format version 1.0 wants it.
fn write_npy(rows: usize, columns: &[Cells<'_>], mut out: impl Write) -> io::Result<()> {
    let floats: Option<Vec<&Cell<'_, f32>>> =
        columns.iter().map(|c| if let Cells::F32(get) = c { Some(get) } else { None }).collect();
    let Some(floats) = floats else {
        return Err(io::Error::new(ErrorKind::InvalidInput, ".npy holds only columns of f32"));
    };
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {}), }}", floats.len());
    // Ten bytes before it and the line end after it; the numbers begin at a multiple of 64.
    let padding = (64 - (10 + header.len() + 1) % 64) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&(header.len() as u16).to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    let mut line = Vec::with_capacity(4 * floats.len());
    for row in 0..rows {
        line.clear();
        floats.iter().for_each(|get| line.extend(get(row).unwrap_or(f32::NAN).to_le_bytes()));
        out.write_all(&line)?;
    }
    out.flush()
}
