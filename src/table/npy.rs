//! Reads NumPy's `.npy` arrays of one or two dimensions.
//!
//! The most common large file, f32 in row order, is read straight into the memory layout of a matrix. All other arrays
//! are converted to columns of f64.

use ndarray::{Array2, ArrayD, Axis, Ix2, s};
use ndarray_npy::npy::header::Header;
use ndarray_npy::{ReadNpyExt, ReadableElement};
use rayon::prelude::*;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Place, Result};
use crate::matrix::RowMajor;
use crate::memory::Budget;
use crate::table::missing::Nulls;
use crate::table::{Column, ReadOptions, Table, Values, id_cells, must_have_rows, note_ids};

/// The longest accepted header in bytes; NumPy has the same limit for untrusted files.
const LONGEST_HEADER: usize = 10_000;

/// The memory in bytes to reserve for each column in addition to its numbers, for its name and the like.
const COLUMN: u64 = 128;

/// Reads an array that is in memory.
pub(super) fn parse(bytes: &[u8], options: &ReadOptions, budget: &Budget) -> Result<Table> {
    let (header, length) = header(bytes)?;
    let dtype = header.type_descriptor.to_string();
    // Ignore the byte order: '<f8' and '>f8' are both f8.
    let dtype = dtype.trim_matches('\'').trim_start_matches(['<', '>', '|', '=']);
    let size: usize = match dtype {
        "b1" | "i1" | "u1" => 1,
        "i2" | "u2" => 2,
        "f4" | "i4" | "u4" => 4,
        "f8" | "i8" | "u8" => 8,
        _ => {
            return Err(Error::data(format!(
                "expected an array of numbers or booleans, found dtype {dtype}"
            )));
        }
    };
    let shape = &header.shape;
    if shape.is_empty() || shape.len() > 2 {
        return Err(Error::data(format!("expected one or two dimensions, found {}", shape.len())));
    }
    if shape.contains(&0) {
        return Err(Error::data(format!("the array is empty: its shape is {shape:?}")));
    }
    // Check this before allocating anything, because the header may be wrong.
    let promised = shape.iter().try_fold(size, |all, &n| all.checked_mul(n));
    if promised != Some(length) {
        let promised = promised.map_or("more bytes than there can be".into(), |p| format!("{p} bytes"));
        let what = format!("the shape {shape:?} of {dtype} needs {promised}, the file has {length}");
        return Err(Error::data(what));
    }
    // The array itself and a copy of its numbers as f64, column by column.
    let cells = (length / size) as u64;
    let columns = shape.get(1).map_or(1, |&columns| columns) as u64;
    budget.take(length as u64 + cells * size_of::<f64>() as u64 + columns * COLUMN)?;
    match dtype {
        "f4" => table::<f32>(bytes, options),
        "f8" => table::<f64>(bytes, options),
        "i1" => table::<i8>(bytes, options),
        "i2" => table::<i16>(bytes, options),
        "i4" => table::<i32>(bytes, options),
        "i8" => table::<i64>(bytes, options),
        "u1" => table::<u8>(bytes, options),
        "u2" => table::<u16>(bytes, options),
        "u4" => table::<u32>(bytes, options),
        "u8" => table::<u64>(bytes, options),
        _ => table::<bool>(bytes, options),
    }
}

/// Reads a file of little-endian f32 values in row order straight into a block that a matrix can take over. Returns
/// `None` for any other kind of file.
pub(super) fn read_packed(path: &Path, options: &ReadOptions, budget: &Budget) -> Result<Option<Table>> {
    let failed = |source| Error::Read { path: path.to_path_buf(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut start = Vec::new();
    file.by_ref().take(LONGEST_HEADER as u64 + 12).read_to_end(&mut start).map_err(failed)?;
    let Ok((header, left)) = header(&start) else { return Ok(None) };
    let length = file.metadata().map_err(failed)?.len();
    let body = start.len() - left;
    let (rows, width) = match header.shape[..] {
        [rows] => (rows, 1),
        [rows, width] => (rows, width),
        _ => return Ok(None),
    };
    let plain = header.type_descriptor.to_string() == "'<f4'" && !header.layout.is_fortran();
    let bytes = rows.checked_mul(width).and_then(|n| n.checked_mul(4)).map(|n| n as u64 + body as u64);
    if !plain || cfg!(target_endian = "big") || bytes != Some(length) || rows * width == 0 {
        return Ok(None);
    }
    let skip = options.skip_rows.min(rows);
    let rows = rows - skip;
    must_have_rows(rows, options)?;
    // Rows are stored in tiles of 16.
    let bytes =
        (rows.div_ceil(16) as u64).saturating_mul(width as u64).saturating_mul(16 * size_of::<f32>() as u64);
    budget.take(bytes.saturating_add(width as u64 * COLUMN))?;
    let mut block = RowMajor::zeros(rows, width);
    file.seek(SeekFrom::Start((body + skip * width * 4) as u64)).map_err(failed)?;
    file.read_exact(bytemuck::cast_slice_mut(block.values_mut())).map_err(failed)?;
    let names: Vec<String> = (0..width).map(|j| format!("f{j}")).collect();
    if let Some((column, row)) = block.find(f32::is_infinite) {
        let found = block.get(row, column);
        let what = format!("row {}: expected a finite number, found {found}", skip + row + 1);
        return Err(Error::at(Place::default().column(names[column].as_str()), what));
    }
    let ids = id_cells(options, &names, rows, |row, column| block.get(row, column).to_string())?;
    let nulls = Nulls::new(options);
    if nulls.has_numbers() {
        block.replace(|_, v| if nulls.is_single(v) { f32::NAN } else { v });
    }
    let block = Arc::new(block);
    let columns = (names.into_iter().enumerate())
        .map(|(column, name)| {
            let missing = (0..rows).all(|row| block.get(row, column).is_nan());
            let packed = Values::Packed { block: Arc::clone(&block), column };
            Column { name, values: if missing { Values::Empty(rows) } else { packed } }
        })
        .collect();
    let mut table = Table { rows, columns, ids, ..Table::default() };
    note_ids(&mut table, options);
    Ok(Some(table))
}

/// Parses the header. Returns it and the number of bytes that follow it.
fn header(bytes: &[u8]) -> Result<(Header, usize)> {
    let broken = || Error::data("not a .npy file, or its header is broken");
    if !bytes.starts_with(b"\x93NUMPY") {
        return Err(broken());
    }
    let (long, at) = match bytes.get(6) {
        Some(1) => (bytes.get(8..10).map(|b| u16::from_le_bytes([b[0], b[1]]) as usize), 10),
        _ => (bytes.get(8..12).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize), 12),
    };
    let end = at + long.filter(|&n| n <= LONGEST_HEADER).ok_or_else(broken)?;
    let text = bytes.get(at..end).ok_or_else(broken)?;
    // The time of the header's parser grows exponentially with nested brackets. The header of a plain array has two.
    if text.iter().filter(|b| matches!(b, b'(' | b'[' | b'{')).count() > 6 {
        return Err(Error::data("expected an array of numbers or booleans, found records"));
    }
    let header = Header::from_reader(&mut &bytes[..end]).map_err(|_| broken())?;
    Ok((header, bytes.len() - end))
}

/// A type of array element that can become a cell.
trait Element: ReadableElement + Copy + Sync + ToString {
    /// The element as a number.
    fn number(self) -> f64;
    /// Whether the element is a mark for a missing value.
    fn is_null(self, nulls: &Nulls) -> bool {
        nulls.is_number(self.number())
    }
    /// Creates a column of this type from its numbers.
    fn values(numbers: Vec<f64>) -> Values {
        Values::Number(numbers)
    }
}

macro_rules! element {
    ($($t:ty),*) => {$(
        impl Element for $t {
            fn number(self) -> f64 {
                self as f64
            }
        }
    )*};
}
element!(f32, f64, i8, i16, i32, i64, u8, u16, u32, u64);

impl Element for bool {
    fn is_null(self, _: &Nulls) -> bool {
        false
    }
    fn number(self) -> f64 {
        f64::from(u8::from(self))
    }
    fn values(numbers: Vec<f64>) -> Values {
        Values::Bool(numbers.into_iter().map(|v| Some(v != 0.0)).collect())
    }
}

/// Creates the table of an array whose header has been checked.
fn table<T: Element>(bytes: &[u8], options: &ReadOptions) -> Result<Table> {
    let array = ArrayD::<T>::read_npy(bytes).map_err(|e| Error::data(e.to_string()))?;
    let array = if array.ndim() == 1 { array.insert_axis(Axis(1)) } else { array };
    let array: Array2<T> = array.into_dimensionality::<Ix2>().map_err(|e| Error::data(e.to_string()))?;
    let skip = options.skip_rows.min(array.nrows());
    let array = array.slice(s![skip.., ..]);
    must_have_rows(array.nrows(), options)?;
    let names: Vec<String> = (0..array.ncols()).map(|j| format!("f{j}")).collect();
    let ids = id_cells(options, &names, array.nrows(), |row, column| array[[row, column]].to_string())?;
    let nulls = Nulls::new(options);
    let columns: Vec<Vec<f64>> = (0..array.ncols())
        .into_par_iter()
        .map(|j| {
            array.column(j).iter().map(|v| if v.is_null(&nulls) { f64::NAN } else { v.number() }).collect()
        })
        .collect();
    let mut out = Vec::with_capacity(columns.len());
    for (name, numbers) in names.into_iter().zip(columns) {
        if let Some(row) = numbers.iter().position(|v| v.is_infinite()) {
            let found = numbers[row];
            let what = format!("row {}: expected a finite number, found {found}", skip + row + 1);
            return Err(Error::at(Place::default().column(name), what));
        }
        let values = if numbers.iter().all(|v| v.is_nan()) {
            Values::Empty(numbers.len())
        } else {
            T::values(numbers)
        };
        out.push(Column { name, values });
    }
    let mut table = Table { rows: array.nrows(), columns: out, ids, ..Table::default() };
    note_ids(&mut table, options);
    Ok(table)
}
