//! What algorithms stand on: three primitives that compute pairwise distances and reduce them on the fly.
//!
//! [`Rows`] is a table made resident on a device; its methods give the same answer on every device where the
//! contract on numbers says so (`lloyd`, `nearest`), and within 1e-5 elsewhere (`distance_sums`).

use crate::canonical::Centroids;
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::progress::Progress;
use std::ops::Range;

pub mod cpu;
#[cfg(feature = "gpu")]
pub mod gpu;

/// How distances are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// `sqrt(sum (x - y)^2)`.
    Euclidean,
    /// `sum (x - y)^2`.
    SqEuclidean,
}

/// Which reference rows count for a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelfMatches<'a> {
    /// All of them.
    Include,
    /// All but one: query `q` is reference row `rows[q]` itself. Duplicates of it do count.
    Exclude(&'a [u32]),
}

/// A query's nearest reference row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// Its row number, the lowest where several are nearest.
    pub row: u32,
    /// Its canonical distance in the user's units, in the metric asked for.
    pub distance: f64,
}

/// One set's share of a `lloyd` pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Assigned {
    /// For each centroid and feature the (weighted) sum of its rows, in grid steps: `k * d` values.
    pub sums: Vec<i128>,
    /// For each centroid the number of its rows.
    pub counts: Vec<u64>,
    /// For each centroid the weight of its rows in weight steps; the counts where there are no weights.
    pub weights: Vec<u128>,
    /// For each row its centroid, where labels were asked for.
    pub labels: Option<Vec<u32>>,
    /// How many rows the f32 filter could not decide, so that the canonical distance had to.
    pub f64_fallbacks: u64,
}

/// What a device remembers of a centroid set's last pass over a resident table; empty before the first pass.
///
/// A memory serves the table that filled it, and sets of the same k. With any other table or k it counts as empty, so
/// that the pass starts afresh.
#[derive(Default)]
pub struct LloydState(Option<Kept>);

struct Kept {
    rows: RowsId,
    k: usize,
    what: Box<dyn std::any::Any + Send + Sync>,
}

impl LloydState {
    /// Takes out what was kept for this resident table and this many centroids.
    pub(crate) fn take<T: 'static>(&mut self, rows: RowsId, k: usize) -> Option<T> {
        let kept = self.0.take().filter(|kept| kept.rows == rows && kept.k == k)?;
        kept.what.downcast().ok().map(|what| *what)
    }

    /// Keeps something for the next pass over the same table.
    pub(crate) fn keep<T: Send + Sync + 'static>(&mut self, rows: RowsId, k: usize, what: T) {
        self.0 = Some(Kept { rows, k, what: Box::new(what) });
    }
}

/// Tells resident tables apart: no two have the same number while the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowsId(u64);

impl RowsId {
    /// A number that no other table has.
    pub(crate) fn new() -> Self {
        use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        RowsId(NEXT.fetch_add(1, Relaxed))
    }
}

/// One way to split the rows into `k` clusters.
#[derive(Debug, Clone, Copy)]
pub struct Labeling<'a> {
    /// How many clusters.
    pub k: usize,
    /// For each row its cluster, below `k`.
    pub labels: &'a [u32],
}

/// Takes the finished sums of a range of rows: `sums[(r * slots) + s]` is the sum of the distances from the range's
/// row `r` to slot `s`; the slots are the clusters of the first labeling, then those of the second, and so on.
/// In the user's units. Ranges come in order; an error ends the pass.
pub type SumsSink<'a> = &'a mut dyn FnMut(Range<usize>, &[f64]) -> Result<()>;

/// A place to compute on.
pub trait Backend: Send + Sync {
    /// What it is, for people and for JSON.
    fn describe(&self) -> Description;

    /// Makes a table resident.
    ///
    /// # Errors
    /// The device's memory does not suffice, or the device failed.
    fn load<'a>(&'a self, matrix: &'a Matrix) -> Result<Box<dyn Rows + 'a>>;
}

/// A backend in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// `cpu` or `gpu`.
    pub backend: &'static str,
    /// Threads and instruction set, or the adapter's name and driver.
    pub name: String,
}

/// Where the user wants the work done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// A real GPU where there is one and the work is worth it, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// A GPU, a real one before a software driver; or the adapter of this number.
    Gpu(Option<usize>),
}

impl std::str::FromStr for Device {
    type Err = String;

    fn from_str(s: &str) -> std::result::Result<Self, String> {
        match s {
            "auto" => Ok(Device::Auto),
            "cpu" => Ok(Device::Cpu),
            "gpu" => Ok(Device::Gpu(None)),
            _ => s
                .strip_prefix("gpu:")
                .and_then(|n| n.parse().ok())
                .map(|n| Device::Gpu(Some(n)))
                .ok_or_else(|| "expected auto, cpu, gpu or gpu:N".into()),
        }
    }
}

/// A backend, and why it.
pub struct Chosen {
    /// The backend.
    pub backend: Box<dyn Backend>,
    /// The reason in words.
    pub reason: String,
}

/// Multiply-adds a second that a CPU thread is taken to do where nothing was measured.
const CPU_RATE: f64 = 2e10;

/// Takes the device for work of about `work` multiply-adds.
///
/// # Errors
/// The device asked for is not to be had.
pub fn choose(device: Device, cpu: cpu::Cpu, work: f64) -> Result<Chosen> {
    let on_cpu = |reason: String| Ok(Chosen { backend: Box::new(cpu), reason });
    let seconds = work / CPU_RATE / rayon::current_num_threads() as f64;
    match device {
        Device::Cpu => on_cpu("as asked".into()),
        Device::Auto if seconds < 1.0 => on_cpu("the CPU does this in about a second or less".into()),
        Device::Auto => match real_gpu() {
            None => {
                on_cpu(if cfg!(feature = "gpu") { "no real GPU was found" } else { NO_GPU_SUPPORT }.into())
            }
            Some(index) => match open_gpu(index) {
                Ok(backend) => Ok(Chosen { backend, reason: "the first real GPU".into() }),
                Err(why) => on_cpu(format!("the GPU could not be used: {why}")),
            },
        },
        Device::Gpu(Some(index)) => Ok(Chosen { backend: open_gpu(index)?, reason: "as asked".into() }),
        Device::Gpu(None) => {
            let reason = if real_gpu().is_some() { "as asked" } else { "as asked; a software driver, slow" };
            Ok(Chosen { backend: open_gpu(real_gpu().unwrap_or(0))?, reason: reason.into() })
        }
    }
}

const NO_GPU_SUPPORT: &str = "this program was built without GPU support";

#[cfg(feature = "gpu")]
fn real_gpu() -> Option<usize> {
    gpu::adapters().iter().position(|a| !a.software)
}

#[cfg(feature = "gpu")]
fn open_gpu(index: usize) -> Result<Box<dyn Backend>> {
    Ok(Box::new(gpu::Gpu::open(index, gpu::Options::default())?))
}

#[cfg(not(feature = "gpu"))]
fn real_gpu() -> Option<usize> {
    None
}

#[cfg(not(feature = "gpu"))]
fn open_gpu(_index: usize) -> Result<Box<dyn Backend>> {
    Err(Error::Device(NO_GPU_SUPPORT.into()))
}

/// A table resident on a device.
pub trait Rows {
    /// Assigns every row to the nearest centroid of each set, and sums the rows of each centroid.
    ///
    /// Ties go to the lowest index. All sets are done in one pass over the rows; they may differ in k.
    ///
    /// # Errors
    /// A set without centroids, of another width, or out of the matrix' reach; a device that failed.
    fn lloyd(&self, sets: &[Centroids], labels: bool) -> Result<Vec<Assigned>> {
        self.lloyd_incremental(sets, labels, &mut [])
    }

    /// As [`Rows::lloyd`], with a memory for each set of its own last pass on these rows (or no states at all):
    /// a device that remembers a row's label need not add that row up again. Same bits, less work.
    ///
    /// # Errors
    /// As [`Rows::lloyd`].
    fn lloyd_incremental(
        &self,
        sets: &[Centroids],
        labels: bool,
        states: &mut [LloydState],
    ) -> Result<Vec<Assigned>>;

    /// For each row of `queries` (made beside or selected from this table) the nearest row of this table.
    ///
    /// # Errors
    /// No reference row left for a query; a device that failed.
    fn nearest(
        &self,
        queries: &Matrix,
        self_matches: SelfMatches<'_>,
        metric: Metric,
    ) -> Result<Vec<Neighbour>>;

    /// For each row the sums of its Euclidean distances to every cluster of every labeling, each distance as often as the
    /// other row has copies. `sink` may hear nothing before the end; `progress` hears of the share of the pairs that are done, as stage `silhouette`.
    ///
    /// # Errors
    /// Labels that do not fit the rows; whatever `sink` or `progress` returns; a device that failed.
    fn distance_sums(
        &self,
        labelings: &[Labeling<'_>],
        progress: Progress<'_>,
        sink: SumsSink<'_>,
    ) -> Result<()>;
}

/// Checks what every backend asks of centroid sets.
pub(crate) fn check_sets(matrix: &Matrix, sets: &[Centroids]) -> Result<()> {
    for set in sets {
        if set.features != matrix.features() || set.values.len() % set.features != 0 || set.values.is_empty()
        {
            return Err(Error::data(format!("a centroid set wants rows of {} features", matrix.features())));
        }
        if let Some(v) = set.values.iter().find(|v| v.is_nan() || v.abs() > matrix.max_abs_centroid()) {
            return Err(Error::data(format!("a centroid's value {v:e} is out of the table's reach")));
        }
    }
    Ok(())
}

/// Checks what every backend asks of queries.
pub(crate) fn check_queries(matrix: &Matrix, queries: &Matrix, self_matches: SelfMatches<'_>) -> Result<()> {
    if queries.features() != matrix.features() || queries.shift() != matrix.shift() {
        return Err(Error::data(
            "queries want the features and the shift of the table that they are held against",
        ));
    }
    if let SelfMatches::Exclude(rows) = self_matches {
        if rows.len() != queries.rows() || rows.iter().any(|&r| r as usize >= matrix.rows()) {
            return Err(Error::data("a query's own row is not a row of the table"));
        }
        if matrix.rows() < 2 {
            return Err(Error::data("with one row there is no other row to be nearest"));
        }
    }
    Ok(())
}

/// Checks what every backend asks of labelings.
pub(crate) fn check_labelings(matrix: &Matrix, labelings: &[Labeling<'_>]) -> Result<()> {
    for labeling in labelings {
        if labeling.labels.len() != matrix.rows() || labeling.labels.iter().any(|&l| l as usize >= labeling.k)
        {
            return Err(Error::data("a labeling wants one label below k for each row"));
        }
    }
    Ok(())
}
