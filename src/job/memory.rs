//! How much memory a job may take, and whether what it is about to do fits.

use crate::cli::Cli;
use segmenta::memory::{available, too_much};
use segmenta::table::Table;
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
///
/// # Errors
/// What it would take, and what there is.
pub fn check(table: &Table, features: usize) -> Result<()> {
    let (rows, features) = (table.rows as u64, features as u64);
    // A feature is made in f32 and then becomes part of the matrix, in f32 too, in tiles of 16 rows.
    let matrix = rows.div_ceil(16).saturating_mul(16 * features).saturating_mul(2 * size_of::<f32>() as u64);
    check_bytes(table.bytes().saturating_add(matrix).saturating_add(rows.saturating_mul(ROW)), &table.source)
}

/// Checks that the rows of a matrix can be fitted by `starts` starts, all of which are on their way at once, the one
/// with most centroids having `k`.
///
/// # Errors
/// What it would take, and what there is.
pub fn check_fit(matrix: &Matrix, source: &str, starts: usize, k: usize) -> Result<()> {
    let (rows, features) = (matrix.rows() as u64, matrix.features() as u64);
    // Each start remembers the labels of its last pass, and its centroids and their sums.
    let label = if k <= 255 { 1 } else { 4 };
    let labels = rows.saturating_mul(starts as u64 * label + ROW);
    let sums = (starts * k) as u64 * features * 2 * size_of::<i128>() as u64;
    let values = rows.saturating_mul(features * size_of::<f32>() as u64);
    check_bytes(values.saturating_add(labels).saturating_add(sums), source)
}

/// What a row's segment, distance and margin take, which are there twice where rows were left out.
const ROW: u64 = 80;

fn check_bytes(wanted: u64, source: &str) -> Result<()> {
    if wanted > limit() { Err(too_much(wanted, limit()).in_file(source)) } else { Ok(()) }
}
