//! What an analysis is going to compute, and roughly how long that takes: its number of multiply-adds, divided by a
//! typical speed of the device. The estimate is right within a factor of two or so, so messages say "about".

use crate::backend::Description;
use crate::matrix::Matrix;
use crate::table::Format;
use std::path::Path;

/// What is about to be computed, and where.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many rows are computed; only distinct rows, if equal ones were merged.
    pub rows: usize,
    /// Whether equal rows were merged.
    pub distinct: bool,
    /// How many features.
    pub features: usize,
    /// The steps, in order.
    pub steps: Vec<Planned>,
    /// The total work.
    pub work: Work,
    /// The device.
    pub device: Description,
}

/// A part of an analysis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// Hopkins' statistic with this many probes of each kind.
    Hopkins(usize),
    /// A fit of these k with this many restarts each.
    Fit(Vec<usize>, usize),
    /// Silhouettes.
    Silhouettes,
}

/// Multiply-adds of fits, of all pairs of rows, and of a search for neighbours.
#[derive(Debug, Clone, Copy, Default)]
pub struct Work {
    /// Of all fits.
    pub fit: f64,
    /// Of all pairs of rows.
    pub pairs: f64,
    /// Of a search for nearest neighbours.
    pub nearest: f64,
}

impl Work {
    /// The sum of all work.
    pub fn total(&self) -> f64 {
        self.fit + self.pairs + self.nearest
    }

    /// About how many seconds it takes on a device. In these speeds a pair whose distance is computed once for both of its
    /// rows counts twice.
    pub fn seconds(&self, device: &Description) -> f64 {
        let threads = rayon::current_num_threads() as f64;
        let (fit, pairs) = match (device.backend, device.name.as_str()) {
            ("cpu", name) if name.contains("AVX-512") => (1e10 * threads, 4.3e10 * threads),
            ("cpu", name) if name.contains("AVX2") => (5e9 * threads, 2.2e10 * threads),
            ("cpu", name) if name.contains("NEON") => (3e9 * threads, 1.2e10 * threads),
            ("cpu", _) => (1e9 * threads, 4e9 * threads),
            _ => (3e11, 1e12),
        };
        // Seeding takes about a third of what the passes take.
        1.3 * self.fit / fit + (self.pairs + self.nearest) / pairs
    }
}

/// Multiply-adds of all pairs of rows, or of all pairs of a sample.
pub(super) fn all_pairs(matrix: &Matrix, sample: Option<u32>) -> f64 {
    let rows = sample.map_or(matrix.rows(), |s| matrix.rows().min(s as usize)) as f64;
    rows * rows * matrix.features() as f64
}

/// A file's size in bytes, and about how many seconds it takes to read.
pub(super) fn reading(path: &Path, format: Option<Format>) -> Option<(f64, f64)> {
    let bytes = std::fs::metadata(path).ok()?.len() as f64;
    let name = path.to_string_lossy().to_lowercase();
    let threads = rayon::current_num_threads().min(8) as f64;
    let binary = matches!(format, Some(Format::Npy | Format::Parquet | Format::Arrow))
        || [".npy", ".parquet", ".arrow", ".feather", ".ipc"].iter().any(|ending| name.ends_with(ending));
    // Decompression uses one thread, and typed files are limited by the disk.
    let rate = match () {
        () if name.ends_with(".gz") => 5e7,
        () if binary => 5e8,
        () => 1e8 * threads,
    };
    Some((bytes, bytes / rate))
}
