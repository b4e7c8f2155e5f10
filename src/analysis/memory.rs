//! How much memory an analysis may take, and whether what it is about to do fits.

use crate::error::Result;
use crate::matrix::Matrix;
use crate::memory::{available, too_much};
use crate::table::{Column, Table, Values};

/// The memory in bytes that an analysis may take where nobody says: four fifths of what the system has left.
pub fn default_limit() -> u64 {
    available().map_or(u64::MAX, |bytes| bytes / 5 * 4)
}

/// Checks that a table can become a matrix of so many features, and its rows be labelled, before any of it is made.
/// `stays` says whether the table is still there when the matrix is.
///
/// # Errors
/// What it would take, and what there is.
pub fn check_memory(table: &Table, features: usize, stays: bool, limit: u64) -> Result<()> {
    // The features and the matrix that they become are both in f32, and the matrix is in tiles of 16 rows.
    let rows = table.rows.div_ceil(16) as u64 * 16;
    let matrix = rows.saturating_mul(features as u64 * size_of::<f32>() as u64);
    let packed = |column: &Column| matches!(column.values, Values::Packed { .. });
    let wanted = if stays {
        table.bytes().saturating_add(matrix.saturating_mul(2))
    } else if features == table.columns.len() && table.columns.iter().all(packed) {
        // These become the matrix where they lie.
        table.bytes().max(matrix)
    } else {
        table.bytes().saturating_add(matrix).max(matrix.saturating_mul(2))
    };
    check_bytes(wanted.saturating_add(rows.saturating_mul(ROW)), &table.source, limit)
}

/// Checks that a matrix can be fitted with so many restarts for each k, all of which run together.
///
/// # Errors
/// What it would take, and what there is.
pub(super) fn check_fit(
    matrix: &Matrix,
    source: &str,
    ks: &[usize],
    n_init: usize,
    limit: u64,
) -> Result<()> {
    let (rows, features, starts) = (matrix.rows() as u64, matrix.features() as u64, n_init as u64);
    // Each start remembers the labels of its last pass.
    let labels: u64 = ks.iter().map(|&k| if k <= 255 { 1 } else { 4 }).sum::<u64>().saturating_mul(starts);
    // A centroid has a value in f32 for each feature, and twice a sum in 128 bits.
    let centroids = ks.iter().map(|&k| k as u64).sum::<u64>().saturating_mul(starts);
    let wanted = [
        rows.saturating_mul(features * size_of::<f32>() as u64),
        rows.saturating_mul(labels.saturating_add(ROW)),
        centroids.saturating_mul(features * 36),
    ];
    check_bytes(wanted.into_iter().fold(0, u64::saturating_add), source, limit)
}

/// What a row's segment, distance and margin take, which are there twice where rows were left out.
const ROW: u64 = 80;

fn check_bytes(wanted: u64, source: &str, limit: u64) -> Result<()> {
    if wanted > limit { Err(too_much(wanted, limit).in_file(source)) } else { Ok(()) }
}
