//! Writes tables: named, typed columns to CSV, `.npy`, Parquet or Arrow.
//!
//! A column is given as a function from row to cell, so the caller does not have to assemble it in memory before it is
//! written.

#[cfg(feature = "parquet")]
mod arrow;
mod csv;
mod digits;
#[cfg(feature = "parquet")]
mod parquet;

use std::borrow::Cow;
use std::io::{self, ErrorKind, Write};

use crate::error::{Error, Result};

pub use csv::write_csv;

/// The format of an output file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// Text with a header.
    Csv,
    /// A NumPy array of rows and columns, f32 or f64. It has no column names.
    Npy,
    /// Apache Parquet, compressed with Snappy, with 2^20 rows per row group.
    Parquet,
    /// An Arrow IPC file, which is Feather's version 2: not compressed, 2^16 rows a record batch.
    Arrow,
}

impl OutputFormat {
    /// Checks that this build can write the format.
    ///
    /// # Errors
    /// [`Error::Usage`] if it cannot.
    pub fn must_be_there(self) -> Result<()> {
        let name = match self {
            OutputFormat::Csv | OutputFormat::Npy => return Ok(()),
            OutputFormat::Parquet => "Parquet",
            OutputFormat::Arrow => "Arrow",
        };
        if cfg!(feature = "parquet") {
            return Ok(());
        }
        let what = format!("this build has no {name}: build it with the feature parquet, or write csv");
        Err(Error::Usage(what))
    }
}

/// A function that returns the cell of a row; `None` is a missing cell. It may be called from any thread.
pub type Cell<'a, T> = Box<dyn Fn(usize) -> Option<T> + Sync + 'a>;

/// The cells of a column and their type.
pub enum Cells<'a> {
    /// 32-bit floats.
    F32(Cell<'a, f32>),
    /// 64-bit floats.
    F64(Cell<'a, f64>),
    /// 64-bit floats that are written with six significant digits in text formats.
    Rounded(Cell<'a, f64>),
    /// 32-bit integers.
    I32(Cell<'a, i32>),
    /// 64-bit integers.
    I64(Cell<'a, i64>),
    /// Texts.
    Text(Cell<'a, Cow<'a, str>>),
    /// Booleans.
    Bool(Cell<'a, bool>),
}

/// Writes `rows` rows to `out`. `names` and `columns` have one entry per column.
///
/// - CSV: a missing cell is empty. Floats are written with the fewest digits that read back as the same f64, or with
///   six significant digits ([`Cells::Rounded`]).
/// - `.npy`: all columns must be [`Cells::F32`], or all [`Cells::F64`]. A missing cell is NaN, and names are not
///   written.
/// - Parquet and Arrow: a missing cell is null.
/// # Errors
/// Errors of `out`; [`ErrorKind::InvalidInput`] for columns that the format cannot hold; [`ErrorKind::Unsupported`] for
/// Parquet and Arrow in a build without them.
pub fn write_table(
    format: OutputFormat,
    rows: usize,
    names: &[&str],
    columns: &[Cells<'_>],
    out: impl Write + Send,
) -> io::Result<()> {
    write_table_with(format, &[], rows, names, columns, out)
}

/// Like [`write_table`], with key-value metadata that describes the table. Parquet stores it in the footer and Arrow in the
/// schema; other formats ignore it.
///
/// # Errors
/// As for [`write_table`].
pub fn write_table_with(
    format: OutputFormat,
    metadata: &[(&str, &str)],
    rows: usize,
    names: &[&str],
    columns: &[Cells<'_>],
    mut out: impl Write + Send,
) -> io::Result<()> {
    match format {
        OutputFormat::Csv => write_csv(rows, names, columns, out),
        OutputFormat::Npy => write_npy(rows, columns, out),
        #[cfg(feature = "parquet")]
        OutputFormat::Parquet => parquet::write(metadata, rows, names, columns, &mut out),
        #[cfg(feature = "parquet")]
        OutputFormat::Arrow => arrow::write(metadata, rows, names, columns, &mut out),
        #[cfg(not(feature = "parquet"))]
        OutputFormat::Parquet | OutputFormat::Arrow => {
            let _ = metadata;
            // Flush `out` although nothing was written to it, so that its own errors show first.
            out.flush()?;
            Err(io::Error::new(ErrorKind::Unsupported, "this build has neither Parquet nor Arrow"))
        }
    }
}

/// Writes NumPy's format version 1.0, in which all columns have the same type: all f32 or all f64.
fn write_npy(rows: usize, columns: &[Cells<'_>], out: impl Write) -> io::Result<()> {
    let narrow: Option<Vec<_>> =
        columns.iter().map(|c| if let Cells::F32(get) = c { Some(get) } else { None }).collect();
    if let Some(columns) = narrow {
        return write_array("<f4", rows, columns.len(), out, |line, row| {
            line.extend(columns.iter().flat_map(|get| get(row).unwrap_or(f32::NAN).to_le_bytes()));
        });
    }
    let wide: Option<Vec<_>> =
        columns.iter().map(|c| if let Cells::F64(get) = c { Some(get) } else { None }).collect();
    let Some(columns) = wide else {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            ".npy holds columns of f32 or of f64, all alike",
        ));
    };
    write_array("<f8", rows, columns.len(), out, |line, row| {
        line.extend(columns.iter().flat_map(|get| get(row).unwrap_or(f64::NAN).to_le_bytes()));
    })
}

/// Writes the header and the rows of an array; `push` appends the bytes of a row.
fn write_array(
    kind: &str,
    rows: usize,
    columns: usize,
    mut out: impl Write,
    push: impl Fn(&mut Vec<u8>, usize),
) -> io::Result<()> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    // Ten bytes precede the header and a line end closes it. NumPy wants the numbers to begin at a multiple of 64.
    let padding = (64 - (10 + header.len() + 1) % 64) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&(header.len() as u16).to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    let mut line = Vec::new();
    for row in 0..rows {
        line.clear();
        push(&mut line, row);
        out.write_all(&line)?;
    }
    out.flush()
}
