//! The primitives that algorithms are built on. Each computes distances between pairs of rows and reduces them at once, so
//! that no table of distances is ever stored.
//!
//! [`Backend`] is a device, and [`Rows`] a table that is resident on it. `lloyd`, `nearest` and `margins` give the same
//! bits on every device; `distance_sums` agrees within 1e-5.

use crate::canonical::Centroids;
use crate::error::{Error, Result};
use crate::matrix::coarse::CoarseRows;
use crate::matrix::{BinaryMatrix, Matrix, TILE};
use crate::progress::Progress;
use std::ops::Range;

pub mod ceiling;
mod choose;
pub mod cpu;
#[cfg(feature = "gpu")]
pub mod gpu;
mod host;
mod knn;
mod simd;

pub use choose::{Chosen, Device, GpuUse, Opening, Shape, Work, choose, example};
#[cfg(feature = "gpu")]
pub(in crate::backend) use cpu::seeding::kmeans_plus_plus as host_kmeans_plus_plus;
pub(crate) use host::blocks;
pub(crate) use host::clusters::{Clusters, NONE as NO_CLUSTER, NearestCluster};
pub(crate) use host::messages::{Messages, Points};
pub(crate) use host::mixture;
pub use host::potentials::CanonicalPotential;
pub(crate) use host::ranks;
pub(crate) use host::renew::Renewed;
pub use knn::{BinaryMetric, BinaryRows, MOST_NEIGHBOURS, NeighbourLists};
pub(crate) use knn::{check_binary_labelings, check_binary_queries, check_knn};
use simd::InstructionSet;

/// How distances are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// `sqrt(sum (x - y)^2)`.
    Euclidean,
    /// `sum (x - y)^2`.
    SqEuclidean,
}

/// Whether a query that is itself a row of the table may be its own neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelfMatches<'a> {
    /// All rows of the table count.
    Include,
    /// Query `q` is row `rows[q]` of the table, and that row does not count for it. Other rows with the same values do.
    Exclude(&'a [u32]),
}

/// A query's nearest reference row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// Its row number: the lowest, if several rows are equally near.
    pub row: u32,
    /// Its canonical distance in the metric asked for, in the user's units.
    pub distance: f64,
}

/// The result of a `lloyd` pass for one set of centroids.
#[derive(Debug, Clone, PartialEq)]
pub struct Assigned {
    /// For each centroid and feature the weighted sum of the centroid's rows: `k * d` values, in grid steps times weight
    /// steps.
    pub sums: Vec<i128>,
    /// For each centroid the number of its rows.
    pub counts: Vec<u64>,
    /// For each centroid the weight of its rows in weight steps, or the counts if rows have no weights.
    pub weights: Vec<u128>,
    /// For each row its centroid, if labels were asked for.
    pub labels: Option<Vec<u32>>,
    /// How many rows f32 could not decide, so that the canonical distance was computed in f64.
    pub f64_fallbacks: u64,
}

impl Assigned {
    /// Moves a row from one cluster to another: its values and weight in the sums. `weight`, in weight steps, may be that of
    /// several copies of the row. The labels and the numbers of rows stay as they are.
    pub(crate) fn move_row(&mut self, matrix: &Matrix, row: usize, weight: u128, from: usize, to: usize) {
        let d = matrix.features();
        for (j, value) in matrix.row(row).enumerate() {
            let steps = (value * matrix.steps_per_unit(j)) as i128 * weight as i128;
            self.sums[from * d + j] -= steps;
            self.sums[to * d + j] += steps;
        }
        self.weights[from] -= weight;
        self.weights[to] += weight;
    }
}

/// What a device remembers of the last pass of a centroid set over a resident table. It is empty before the first pass.
///
/// It is only used for the same table and for sets of the same k. For any other table or k it counts as empty, and the
/// pass starts from nothing.
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

    /// Keeps `what` for the next pass over the same table.
    pub(crate) fn keep<T: Send + Sync + 'static>(&mut self, rows: RowsId, k: usize, what: T) {
        self.0 = Some(Kept { rows, k, what: Box::new(what) });
    }
}

/// How far [`Rows::lloyd_passes`] may go.
#[derive(Clone, Copy)]
pub struct Passes<'a> {
    /// For each set the most passes that it may take, at least 1.
    pub most: &'a [usize],
    /// A set has converged when the squared shifts of its centroids in a pass add up to at most this.
    pub limit: f64,
    /// Is told now and then how far the sets have come. An error ends the work.
    pub report: &'a dyn Fn(&[Advanced]) -> Result<()>,
}

/// What [`Rows::lloyd_passes`] did with a set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Advanced {
    /// For each pass after which the device moved the centroids: how many rows f32 could not decide.
    pub f64_fallbacks: Vec<u64>,
    /// Why the set stopped. If there is no reason, it goes on.
    pub end: Option<End>,
}

/// Why a set stopped.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// It has converged.
    Converged {
        /// Whether its last pass changed a centroid.
        changed: bool,
        /// The last pass. It is that of the centroids before they changed.
        pass: Assigned,
    },
    /// It has taken as many passes as it may, and the last of them changed centroids.
    Spent,
    /// The device has made one more pass, and leaves it to the host to move the centroids.
    Waiting(Assigned),
}

impl Advanced {
    /// Whether the set goes on.
    pub fn goes_on(&self) -> bool {
        self.end.is_none()
    }
}

/// [`Rows::lloyd_passes`] for a device that leaves all centroids to the host.
fn one_pass<R: Rows + ?Sized>(
    rows: &R,
    sets: &[Centroids],
    states: &mut [LloydState],
) -> Result<Vec<Advanced>> {
    let passes = rows.lloyd_incremental(sets, false, states)?;
    let waiting = |pass| Advanced { f64_fallbacks: Vec::new(), end: Some(End::Waiting(pass)) };
    Ok(passes.into_iter().map(waiting).collect())
}

/// Identifies a resident table. No two tables have the same number while the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowsId(u64);

impl RowsId {
    /// A new number.
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

/// How well a row fits its cluster, in the user's units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Margin {
    /// The canonical Euclidean distance to the centroid of the row's own cluster.
    pub distance: f64,
    /// How much farther the nearest of the other centroids is; infinite if there is no other.
    pub margin: f64,
}

/// A restart of greedy k-means++, and the random numbers that it may use.
#[derive(Debug, Clone)]
pub struct SeedingRun {
    /// How many centres it chooses.
    pub k: usize,
    /// How many candidates it draws for each centre but the first.
    pub trials: usize,
    /// Random numbers of 64 bits: one for the first centre, then `trials` for each further one.
    pub draws: Vec<u64>,
}

/// Takes the finished sums of a range of rows, in the user's units: `sums[(r * slots) + s]` is the sum of the distances from
/// row `r` of the range to slot `s`. The slots are the clusters of the first labeling, then those of the second, and so on.
/// The ranges come in order. An error ends the pass.
pub type SumsSink<'a> = &'a mut dyn FnMut(Range<usize>, &[f64]) -> Result<()>;

/// A device that computes.
pub trait Backend: Send + Sync {
    /// What it is, for people to read and for JSON.
    fn describe(&self) -> Description;

    /// The instruction set for the work that is done on the host.
    fn instruction_set(&self) -> InstructionSet;

    /// Makes a table resident.
    ///
    /// # Errors
    /// The device has too little memory, or it failed.
    fn load<'a>(&'a self, matrix: &'a Matrix) -> Result<Box<dyn Rows + 'a>>;

    /// Makes a table of 0 and 1 resident.
    ///
    /// # Errors
    /// The device has too little memory, or it failed.
    fn load_binary<'a>(&'a self, table: &'a BinaryMatrix) -> Result<Box<dyn BinaryRows + 'a>>;

    /// Hears what is about to be done with a table, so that a device can compile its kernels meanwhile.
    fn expect(&self, _expected: &Expected) {}

    /// Chooses centres for several restarts of greedy k-means++ (Arthur and Vassilvitskii, 2007) among the rows of a table
    /// that need not be resident anywhere: for each restart the row numbers of its centres, in order. They are the same
    /// on every device.
    ///
    /// A row's potential is its weight times its squared distance to the nearest centre so far, and `T` the sum over all
    /// rows. If rows are laid end to end in their order, each as long as its potential (for the first centre, its weight),
    /// then a draw `u` takes the row at `floor(u * T / 2^64)`. Of the candidates the one that leaves the smallest sum
    /// becomes the next centre, the first one on ties.
    ///
    /// A restart ends early, with fewer than k centres, once `T` is below [`CoarseRows::least_potential`]: what then is
    /// left is too small for the coarse grid.
    ///
    /// # Errors
    /// A device that failed; whatever `progress` returns.
    fn kmeans_plus_plus(
        &self,
        rows: &CoarseRows,
        runs: &[SeedingRun],
        progress: Progress<'_>,
    ) -> Result<Vec<Vec<usize>>>;
}

/// What is about to be done with a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expected {
    /// How many features it has.
    pub features: usize,
    /// Whether its rows have weights.
    pub weighted: bool,
    /// The largest k of any fit; 0 if nothing is fitted.
    pub largest_k: usize,
    /// Whether silhouettes are computed.
    pub distance_sums: bool,
    /// Whether neighbours are searched.
    pub nearest: bool,
}

/// A backend in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// `cpu` or `gpu`.
    pub backend: &'static str,
    /// Threads and instruction set, or the adapter's name and driver.
    pub name: String,
}

/// A table resident on a device.
pub trait Rows {
    /// Assigns every row to the nearest centroid of each set, and sums the rows of each centroid.
    ///
    /// A tie goes to the lowest index. All sets are done in one pass over the rows; they may differ in k.
    ///
    /// # Errors
    /// A set without centroids, of another number of features, or with a value beyond [`Matrix::max_abs_centroid`]; a
    /// device that failed.
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

    /// Takes passes of Lloyd's algorithm: as [`Rows::lloyd_incremental`], and after each pass every centroid moves to the mean
    /// of its rows. It returns when a set needs the host, or when all have stopped. Every set has then taken a pass at least.
    ///
    /// A device may leave all centroids to the host, which then sees every pass.
    ///
    /// # Errors
    /// As [`Rows::lloyd`]; an error of `report`.
    fn lloyd_passes(
        &self,
        sets: &mut [Centroids],
        states: &mut [LloydState],
        _passes: Passes<'_>,
    ) -> Result<Vec<Advanced>> {
        one_pass(self, sets, states)
    }

    /// For each row of `queries` the nearest row of this table. The queries must have the table's grid and shift; they come
    /// from [`Matrix::select`] or [`Matrix::beside`].
    ///
    /// # Errors
    /// No row is left for a query; queries with other features or another shift; a device that failed.
    fn nearest(
        &self,
        queries: &Matrix,
        self_matches: SelfMatches<'_>,
        metric: Metric,
    ) -> Result<Vec<Neighbour>>;

    /// For each row of `queries` the `k` nearest rows of this table by the canonical Euclidean distance, in the user's units.
    ///
    /// # Errors
    /// As [`Rows::nearest`]; `k` is 0, above [`MOST_NEIGHBOURS`], or more than there are rows; [`Error::Interrupted`].
    fn knn(
        &self,
        queries: &Matrix,
        self_matches: SelfMatches<'_>,
        k: usize,
        progress: Progress<'_>,
    ) -> Result<NeighbourLists>;

    /// For each of the rows from `first` on, how far it is from the centroid of its label and how much farther the
    /// runner-up is.
    ///
    /// `first` is a multiple of 16; `labels` has one label below k for each of these rows.
    ///
    /// # Errors
    /// As [`Rows::lloyd`]; labels that do not fit the rows.
    fn margins(&self, centroids: &Centroids, first: usize, labels: &[u32]) -> Result<Vec<Margin>>;

    /// For each row the sums of its Euclidean distances to the rows of every cluster of every labeling. A distance counts as
    /// often as the other row has copies. `sink` takes the sums, perhaps all of them at the end; `progress` is told the share
    /// of the pairs that are done, as stage `silhouette`.
    ///
    /// # Errors
    /// Labels that do not fit the rows; an error of `sink` or `progress`; a device that failed.
    fn distance_sums(
        &self,
        labelings: &[Labeling<'_>],
        progress: Progress<'_>,
        sink: SumsSink<'_>,
    ) -> Result<()>;
}

/// Checks what every backend requires of centroid sets.
pub(crate) fn check_sets(matrix: &Matrix, sets: &[Centroids]) -> Result<()> {
    for set in sets {
        if set.features != matrix.features() || set.values.len() % set.features != 0 || set.values.is_empty()
        {
            return Err(Error::data(format!("a centroid set needs rows of {} features", matrix.features())));
        }
        if let Some(v) = set.values.iter().find(|v| v.is_nan() || v.abs() > matrix.max_abs_centroid()) {
            return Err(Error::data(format!("a centroid's value {v:e} is too large for the table's scale")));
        }
    }
    Ok(())
}

/// Checks what every backend requires of queries.
pub(crate) fn check_queries(matrix: &Matrix, queries: &Matrix, self_matches: SelfMatches<'_>) -> Result<()> {
    if queries.features() != matrix.features() || queries.shift() != matrix.shift() {
        return Err(Error::data(
            "the queries must have the features and the shift of the table that they are compared with",
        ));
    }
    if let SelfMatches::Exclude(rows) = self_matches {
        if rows.len() != queries.rows() || rows.iter().any(|&r| r as usize >= matrix.rows()) {
            return Err(Error::data("a row to be excluded is not a row of the table"));
        }
        if matrix.rows() < 2 {
            return Err(Error::data("a table of one row has no other row that could be the nearest"));
        }
    }
    Ok(())
}

/// Checks what every backend requires of the labels for `margins`.
pub(crate) fn check_labels(
    matrix: &Matrix,
    centroids: &Centroids,
    first: usize,
    labels: &[u32],
) -> Result<()> {
    check_sets(matrix, std::slice::from_ref(centroids))?;
    let fit = first.is_multiple_of(TILE) && first + labels.len() <= matrix.rows();
    if !fit || labels.iter().any(|&label| label as usize >= centroids.k()) {
        return Err(Error::data("labels must be those of rows from a multiple of 16 on, each below k"));
    }
    Ok(())
}

/// Checks what every backend requires of labelings.
pub(crate) fn check_labelings(matrix: &Matrix, labelings: &[Labeling<'_>]) -> Result<()> {
    for labeling in labelings {
        if labeling.labels.len() != matrix.rows() || labeling.labels.iter().any(|&l| l as usize >= labeling.k)
        {
            return Err(Error::data("a labeling needs one label below k for each row"));
        }
    }
    Ok(())
}
