//! How much memory an analysis may use, and whether its next step fits.

use crate::cluster::Method;
use crate::error::Result;
use crate::matrix::Matrix;
use crate::memory::{available, too_much};
use crate::table::{Column, Table, Values};

/// The default limit on an analysis' memory in bytes: four fifths of what is free on the system.
pub fn default_limit() -> u64 {
    available().map_or(u64::MAX, |bytes| bytes / 5 * 4)
}

/// Checks that there is enough memory to turn a table into a matrix of this many features and to label its rows, before
/// any of it is done. `stays` tells whether the table is kept while the matrix exists.
///
/// # Errors
/// How much memory that needs, and how much there is.
pub fn check_memory(table: &Table, features: usize, stays: bool, limit: u64) -> Result<()> {
    // The features and the matrix that they become are both in f32, and the matrix is in tiles of 16 rows.
    let rows = table.rows.div_ceil(16) as u64 * 16;
    let matrix = rows.saturating_mul(features as u64 * size_of::<f32>() as u64);
    let packed = |column: &Column| matches!(column.values, Values::Packed { .. });
    let wanted = if stays {
        table.bytes().saturating_add(matrix.saturating_mul(2))
    } else if features == table.columns.len() && table.columns.iter().all(packed) {
        // These columns become the matrix in place.
        table.bytes().max(matrix)
    } else {
        table.bytes().saturating_add(matrix).max(matrix.saturating_mul(2))
    };
    check_bytes(wanted.saturating_add(rows.saturating_mul(ROW)), &table.source, limit)
}

/// Checks that there is enough memory to fit a matrix with this many restarts for each k, all of which run together.
///
/// # Errors
/// How much memory that needs, and how much there is.
pub(super) fn check_fit(
    matrix: &Matrix,
    source: &str,
    ks: &[usize],
    n_init: usize,
    limit: u64,
) -> Result<()> {
    let (rows, features, restarts) = (matrix.rows() as u64, matrix.features() as u64, n_init as u64);
    // Each restart remembers the labels of its last pass.
    let labels: u64 = ks.iter().map(|&k| if k <= 255 { 1 } else { 4 }).sum::<u64>().saturating_mul(restarts);
    // For each feature a centroid has a value in f32 and two sums of 128 bits.
    let centroids = ks.iter().map(|&k| k as u64).sum::<u64>().saturating_mul(restarts);
    let wanted = [
        rows.saturating_mul(features * size_of::<f32>() as u64),
        rows.saturating_mul(labels.saturating_add(ROW)),
        centroids.saturating_mul(features * 36),
    ];
    check_bytes(wanted.into_iter().fold(0, u64::saturating_add), source, limit)
}

/// Checks that there is enough memory for what a method needs beside the matrix and the labels of its rows.
///
/// # Errors
/// How much memory that needs, and how much there is.
pub(super) fn check_method(
    matrix: &Matrix,
    source: &str,
    method: &Method,
    ks: &[usize],
    limit: u64,
) -> Result<()> {
    let own = method.bytes(matrix, ks);
    let values = (matrix.rows() as u64).saturating_mul(matrix.features() as u64 * size_of::<f32>() as u64);
    let rows = (matrix.rows() as u64).saturating_mul(ROW);
    check_bytes(own.saturating_add(values).saturating_add(rows), source, limit)
}

/// Checks that there is enough memory for a second matrix of the same rows beside the first, and for their draws, as fits of
/// samples need.
///
/// # Errors
/// How much memory that needs, and how much there is.
pub(super) fn check_refits(matrix: &Matrix, source: &str, limit: u64) -> Result<()> {
    let values = (matrix.rows() as u64).saturating_mul(matrix.features() as u64 * size_of::<f32>() as u64);
    let rows = (matrix.rows() as u64).saturating_mul(ROW);
    check_bytes(values.saturating_mul(2).saturating_add(rows), source, limit)
}

/// Bytes for a row's segment, distance and margin, which exist twice if rows were left out.
const ROW: u64 = 80;

fn check_bytes(wanted: u64, source: &str, limit: u64) -> Result<()> {
    if wanted > limit { Err(too_much(wanted, limit).in_file(source)) } else { Ok(()) }
}
