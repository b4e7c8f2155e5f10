//! Whether segments hold: the method is fitted again to samples of the rows, and to parts of them.
//!
//! [`bootstrap`] draws as many rows as there are, with replacement, many times over, and fits each sample. Each segment is
//! compared with the segment of the new fit that it is most like, over the rows that were drawn: the rows that both have, as a
//! share of the rows that either has (Jaccard's index; Hennig, 2007). [`cohorts`] fits each part of the rows on its own and
//! matches the centroids with those of all rows.
//!
//! Everything is counted in whole numbers, so the results are the same bits on every device and for any number of threads.

pub mod cohorts;
mod urn;

use crate::cluster::kmeans::Start;
use crate::cluster::{Labels, Method};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::matrix::Matrix;
use crate::progress::Progress;
use crate::random::{Draws, Purpose, Stream};
pub(crate) use urn::Urn;

/// A segment whose Jaccard index in a sample is at most this has dissolved there (Hennig's limit).
pub const DISSOLVED: f64 = 0.5;

/// A segment whose Jaccard index in a sample is at least this has been recovered there (Hennig's limit).
pub const RECOVERED: f64 = 0.75;

/// How many restarts each fit of a sample has by default. With too few, a segment seems to dissolve where only a fit missed the
/// best solution.
pub const N_INIT: usize = 10;

/// The restarts of a sample with more than twice as many distinct rows look at so many of them, or at `ROWS_EACH` for each
/// segment. The best one goes on with all rows of the sample.
pub const RESTART_ROWS: usize = 20_000;

/// See [`RESTART_ROWS`].
const ROWS_EACH: usize = 200;

/// How many samples are drawn by default.
pub const SAMPLES: usize = 100;

/// How often a segment reappeared in samples.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Recurrence {
    /// The sum of its Jaccard indices.
    total: f64,
    /// How many samples had rows of it.
    pub samples: usize,
    /// In how many of them its Jaccard index was at most [`DISSOLVED`].
    pub dissolved: usize,
    /// In how many of them it was at least [`RECOVERED`].
    pub recovered: usize,
}

impl Recurrence {
    fn add(&mut self, jaccard: f64) {
        self.total += jaccard;
        self.samples += 1;
        self.dissolved += usize::from(jaccard <= DISSOLVED);
        self.recovered += usize::from(jaccard >= RECOVERED);
    }

    /// The mean Jaccard index over the samples that had rows of the segment; `None` if none had.
    pub fn jaccard(&self) -> Option<f64> {
        (self.samples > 0).then(|| self.total / self.samples as f64)
    }
}

/// What a mean Jaccard index says, in Hennig's words: below 0.6 a segment should not be trusted; up to 0.75 it shows a pattern
/// in the data, but which rows belong to it is doubtful; from 0.75 on it is stable, and from 0.85 on highly stable.
pub fn reading(jaccard: f64) -> &'static str {
    match jaccard {
        j if j >= 0.85 => "highly stable",
        j if j >= 0.75 => "stable",
        j if j >= 0.6 => "a pattern, but its borders are doubtful",
        _ => "not to be trusted",
    }
}

/// How far each of `k` segments reappears in `samples` bootstrap samples. `labels` has each row's segment, in the rows of the
/// dataset. Each sample is fitted by `method` with `n_init` restarts, which look at [`RESTART_ROWS`] rows if there are far more.
/// A sample with fewer distinct rows than `k` is left out.
///
/// As many rows are drawn as there are, each with a chance in proportion to its weight; a weight is a number of copies, so a
/// row of weight 3 counts as three. Of more than 10 million copies, 10 million are drawn. Rows are drawn from the distinct
/// rows in the order in which each first occurs, so equal rows, and one row with their weight, give the same samples.
///
/// # Errors
/// As [`Method::partitions`](crate::cluster::Algorithm::partitions).
pub fn bootstrap(
    dataset: &Dataset<'_>,
    (k, labels): (usize, &Labels),
    method: &Method,
    (samples, n_init, seed): (usize, usize, u64),
    progress: Progress<'_>,
) -> Result<Vec<Recurrence>> {
    let matrix = dataset.matrix();
    let draws = Draws::new(seed, Purpose::Stability);
    let urn = Urn::of_distinct(matrix);
    let labels: Vec<u32> = labels.iter().map(|label| label.unwrap_or(k as u32)).collect();
    let refit = |drawn: &Dataset<'_>, ks: &[usize], sample: u64| {
        let mut method = method.clone();
        method.set_n_init(n_init);
        // Seeding's draws are positions among the rows, so with one seed all samples would be seeded in the same places.
        let mut stream = draws.at(sample << 32);
        method.set_seed(stream.bits());
        let start = start(drawn, k, &method, stream)?;
        let found = method.partitions(drawn, ks, &start, Progress::none())?;
        Ok(found.into_iter().map(|partition| (partition.k, partition.labels)).collect())
    };
    let mut found = recur(dataset, &urn, &[(k, &labels)], (&draws, samples), refit, progress)?;
    Ok(found.pop().unwrap_or_default())
}

/// Where the fit of a large sample starts: from the best solution for some of its rows.
fn start(drawn: &Dataset<'_>, k: usize, method: &Method, mut stream: Stream) -> Result<Start> {
    let (matrix, some) = (drawn.matrix(), RESTART_ROWS.max(ROWS_EACH.saturating_mul(k)));
    if !method.takes_start() || matrix.rows() <= some.saturating_mul(2) {
        return Ok(Start::KMeansPlusPlus);
    }
    let some = matrix.select(&stream.sample(some, matrix.rows())).with_distinct_rows();
    let some = Dataset::load(drawn.backend(), &some)?;
    let found = method.partitions(&some, &[k], &Start::KMeansPlusPlus, Progress::none())?.pop();
    Ok(found.map_or(Start::KMeansPlusPlus, |found| Start::Given(found.prototypes.centroids().clone())))
}

/// Draws samples, has `refit` fit each with the k of all labelings, and compares them. A label of `k` is none. `refit` returns
/// for each k the number of segments that it found, and the labels of the sample's rows.
pub(crate) fn recur(
    dataset: &Dataset<'_>,
    urn: &Urn,
    labelings: &[(usize, &[u32])],
    (draws, samples): (&Draws, usize),
    refit: impl Fn(&Dataset<'_>, &[usize], u64) -> Result<Vec<(usize, Labels)>>,
    progress: Progress<'_>,
) -> Result<Vec<Vec<Recurrence>>> {
    let matrix = dataset.matrix();
    let mut found: Vec<Vec<Recurrence>> =
        labelings.iter().map(|(k, _)| vec![Recurrence::default(); *k]).collect();
    for sample in 0..samples {
        progress.step("stability", sample as u64, samples as u64)?;
        let (rows, counts) = urn.draw(draws.at(sample as u64 + 1));
        let drawn = sampled(matrix, &rows, &counts, urn.is_of_distinct_rows());
        // A sample has fewer distinct rows than the table.
        let most = drawn.distinct_rows(labelings.iter().map(|(k, _)| *k).max().unwrap_or(1));
        let fitted: Vec<usize> = (0..labelings.len())
            .filter(|&l| most.is_ok() || most.is_err_and(|distinct| labelings[l].0 <= distinct))
            .collect();
        let ks: Vec<usize> = fitted.iter().map(|&l| labelings[l].0).collect();
        if ks.is_empty() {
            continue;
        }
        let drawn = Dataset::load(dataset.backend(), &drawn)?;
        let after = refit(&drawn, &ks, sample as u64 + 1)?;
        for (&l, (k_after, after)) in fitted.iter().zip(&after) {
            let (k, labels) = labelings[l];
            let before = rows.iter().map(|&row| labels[row]);
            let after = after.iter().map(|label| label.unwrap_or(*k_after as u32));
            let indices = jaccard((k, *k_after), before.zip(after).zip(counts.iter().copied()));
            for (segment, index) in found[l].iter_mut().zip(indices) {
                index.into_iter().for_each(|index| segment.add(index));
            }
        }
    }
    progress.step("stability", samples as u64, samples as u64)?;
    Ok(found)
}

/// A table of rows that were drawn, each as often as it was.
fn sampled(matrix: &Matrix, rows: &[usize], counts: &[u32], distinct: bool) -> Matrix {
    let drawn = matrix.select_weighted(rows, counts.iter().map(|&n| u64::from(n)).collect());
    if distinct { drawn.with_distinct_rows() } else { drawn }
}

/// For each segment before, the highest Jaccard index with a segment after; `None` for a segment without rows. `rows` has each
/// row's segment before and after, and how often it counts. There are `k` segments before and `k_after` after; a segment of
/// that number is none.
fn jaccard((k, k_after): (usize, usize), rows: impl Iterator<Item = ((u32, u32), u32)>) -> Vec<Option<f64>> {
    let width = k_after + 1;
    let mut common = vec![0u64; (k + 1) * width];
    for ((before, after), count) in rows {
        common[before as usize * width + after as usize] += u64::from(count);
    }
    let after: Vec<u64> = (0..k_after).map(|c| common.iter().skip(c).step_by(width).sum()).collect();
    common
        .chunks_exact(width)
        .take(k)
        .map(|common| {
            let before: u64 = common.iter().sum();
            let index = |(&both, &after): (&u64, &u64)| both as f64 / (before + after - both) as f64;
            (before > 0).then(|| common.iter().zip(&after).map(index).fold(0.0, f64::max))
        })
        .collect()
}
