//! What an analysis is going to compute, and roughly how long that takes. The estimate is right within a factor of two or
//! so, so messages say "about".

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
    /// About how many seconds it takes.
    pub seconds: f64,
    /// The device.
    pub device: Description,
}

/// A part of an analysis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// Hopkins' statistic with this many probes of each kind.
    Hopkins(usize),
    /// A fit.
    Fit {
        /// What the method is called.
        method: &'static str,
        /// For each of these k; empty for methods that find one by themselves.
        ks: Vec<usize>,
        /// The number of restarts for each k.
        n_init: usize,
        /// Whether more restarts follow until some agree.
        auto: bool,
    },
    /// Silhouettes.
    Silhouettes,
    /// The gap statistic with this many reference tables.
    Gap(usize),
    /// Stability with this many bootstrap samples.
    Stability(usize),
    /// Fits of this many bootstrap samples of all rows, to see if the segments hold.
    Bootstrap(usize),
    /// A fit for each value of this column.
    Cohorts(String),
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
