//! How much memory a job may take, and whether what it is about to do fits.

use crate::app::cli::Cli;
use segmenta::memory::{available, too_much};
use segmenta::table::{Column, Table, Values};
use segmenta::{Matrix, Result};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The limit in bytes; set once, when the job begins.
static LIMIT: AtomicU64 = AtomicU64::new(u64::MAX);

/// Takes the limit that the user gave, or else four fifths of what the system has left.
pub fn set_limit(cli: &Cli) {
    let left = || available().map_or(u64::MAX, |bytes| bytes / 5 * 4);
    LIMIT.store(cli.max_memory.unwrap_or_else(left), Relaxed);
}

/// How many bytes the job may take in all.
pub fn limit() -> u64 {
    LIMIT.load(Relaxed)
}

/// Checks that a table can become a matrix of so many features, and its rows be labelled, before any of it is made.
/// `stays` says whether the table is still there when the matrix is.
///
/// # Errors
/// What it would take, and what there is.
pub fn check(table: &Table, features: usize, stays: bool) -> Result<()> {
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
    check_bytes(wanted.saturating_add(rows.saturating_mul(ROW)), &table.source)
}

/// Checks that a matrix can be fitted with so many starts for each k, all of which are on their way at once.
///
/// # Errors
/// What it would take, and what there is.
pub fn check_fit(matrix: &Matrix, source: &str, ks: &[usize], starts: u32) -> Result<()> {
    let (rows, features, starts) = (matrix.rows() as u64, matrix.features() as u64, u64::from(starts));
    // Each start remembers the labels of its last pass.
    let labels: u64 = ks.iter().map(|&k| if k <= 255 { 1 } else { 4 }).sum::<u64>().saturating_mul(starts);
    // A centroid has a value in f32 for each feature, and twice a sum in 128 bits.
    let centroids = ks.iter().map(|&k| k as u64).sum::<u64>().saturating_mul(starts);
    let wanted = [
        rows.saturating_mul(features * size_of::<f32>() as u64),
        rows.saturating_mul(labels.saturating_add(ROW)),
        centroids.saturating_mul(features * 36),
    ];
    check_bytes(wanted.into_iter().fold(0, u64::saturating_add), source)
}

/// What a row's segment, distance and margin take, which are there twice where rows were left out.
const ROW: u64 = 80;

fn check_bytes(wanted: u64, source: &str) -> Result<()> {
    if wanted > limit() { Err(too_much(wanted, limit()).in_file(source)) } else { Ok(()) }
}
