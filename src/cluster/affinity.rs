//! Affinity propagation (Frey and Dueck, 2007): rows exchange messages until some of them are the exemplars of all others.
//!
//! The similarity of two rows is minus their squared Euclidean distance, as in scikit-learn, and the preference is every
//! row's similarity to itself: the higher it is, the more exemplars there are. The number of clusters follows from it.
//! Messages go between all pairs of rows, in f64 on the CPU whatever the device, so an exact fit takes up to 24 bytes for
//! each pair ([`Algorithm::bytes`]) and ends at [`MOST_EXACT`] rows. Beyond that the rows are first gathered
//! into [`MICRO_CLUSTERS`] micro-clusters by KMeans, and the centres of these exchange messages.
//!
//! **Copies.** A weight is a number of copies. Where whole-number copies are fewer than a quarter of the table, each copy
//! sends messages of its own, as rows that repeat do in scikit-learn. Where there are more, copies would compete for being the
//! exemplar of the same rows for a long time, often without an end. There each distinct row sends messages once: its
//! similarity to others counts as often as it has copies, and its preference once. This is the same problem, since only one
//! copy is worth being an exemplar (Zhang, Furtlehner and Sebag, 2008), and the messages settle sooner. In both cases the fit
//! depends on the distinct rows and their copies alone, and equal rows share a cluster.
//!
//! **Ties.** Where several sets of exemplars are equally good the messages may not settle. scikit-learn adds random noise to
//! the similarities; here each preference is changed by a few units in the last place that depend on the seed and the row.

mod found;
mod median;
mod micro;

use super::kmeans::Start;
use super::method::Algorithm;
use super::partition::{Details, Labels, Partition, Prototypes};
use crate::backend::{Messages, Points};
use crate::canonical::Centroids;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::matrix::{Matrix, Repeats, pow2};
use crate::progress::Progress;
use crate::random::{Draws, Purpose};
pub use found::Found;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The most points that exchange messages.
pub const MOST_EXACT: usize = 20_000;

/// How many micro-clusters a larger table becomes.
pub const MICRO_CLUSTERS: usize = 4_096;

/// The dampings that are tried where none is given: scikit-learn's default, and one that settles nearly everything.
pub const DAMPINGS: [f64; 2] = [0.5, 0.9];

/// How to fit; scikit-learn's names and defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Params {
    /// The seed of the few units in the last place that break ties. An analysis sets it to its own.
    pub seed: u64,
    /// How much of its old value each message keeps in an iteration: at least 0.5 and below 1. Higher values settle what
    /// swings, and take longer. Without one it is each of [`DAMPINGS`] in turn, until the fit converges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damping: Option<f64>,
    /// Each row's similarity to itself, in squared units of the scaled features. Without one it is the median of the
    /// similarities of all pairs of rows, each row with itself included. If there are more than [`MOST_EXACT`] rows, the median
    /// is multiplied by the mean number of rows that a point stands for, so that there are about as many clusters as in a
    /// sample of as many rows as there are points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preference: Option<f64>,
    /// The most iterations.
    pub max_iter: usize,
    /// The fit has converged when the exemplars were the same in so many iterations.
    pub convergence_iter: usize,
}

impl Default for Params {
    fn default() -> Self {
        Params { seed: 0, damping: None, preference: None, max_iter: 200, convergence_iter: 15 }
    }
}

impl Params {
    /// Checks the parameters.
    ///
    /// # Errors
    /// Which of them cannot be used.
    pub fn check(&self) -> Result<()> {
        if let Some(damping) = self.damping.filter(|damping| !(0.5..1.0).contains(damping)) {
            return Err(Error::Usage(format!("damping must be at least 0.5 and below 1, not {damping}")));
        }
        if self.preference.is_some_and(|p| !p.is_finite()) {
            return Err(Error::Usage("the preference must be a finite number".into()));
        }
        if self.max_iter == 0 || self.convergence_iter == 0 {
            return Err(Error::Usage("max_iter and convergence_iter must be at least 1".into()));
        }
        Ok(())
    }
}

impl Algorithm for Params {
    fn partitions(
        &self,
        dataset: &Dataset<'_>,
        _ks: &[usize],
        _start: &Start,
        progress: Progress<'_>,
    ) -> Result<Vec<Partition>> {
        Ok(vec![fit(dataset, self, progress)?])
    }

    /// An iteration costs about as much as ten multiply-adds for each pair. None of it is done on a GPU.
    fn multiply_adds(&self, matrix: &Matrix, _ks: &[usize]) -> f64 {
        let points = matrix.rows().min(MOST_EXACT) as f64;
        let iterations = self.max_iter.min(60) as f64;
        points * points * (10.0 * iterations + matrix.features() as f64)
    }

    fn bytes(&self, matrix: &Matrix, _ks: &[usize]) -> u64 {
        let repeats = matrix.repeats();
        match Kind::of(matrix, &repeats) {
            Kind::Copies(points) | Kind::Distinct(points) => Messages::bytes(points, matrix.features()),
            Kind::Micro => Messages::bytes(MICRO_CLUSTERS, matrix.features()),
        }
    }

    fn finds_k(&self) -> bool {
        true
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn set_seed(&mut self, seed: u64) {
        self.seed = seed;
    }
}

/// What the points are that exchange messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// So many copies of rows.
    Copies(usize),
    /// So many distinct rows, each with the weight of its copies.
    Distinct(usize),
    /// The centres of micro-clusters.
    Micro,
}

impl Kind {
    fn of(matrix: &Matrix, repeats: &Repeats) -> Kind {
        let distinct = repeats.len();
        let copies = (0..distinct).map(|i| copies(matrix, repeats, i)).sum::<f64>();
        let whole = matrix.sample_weights().is_none_or(|w| w.is_whole());
        if whole && copies <= MOST_EXACT as f64 && 3.0 * copies <= 4.0 * distinct as f64 {
            Kind::Copies(copies as usize)
        } else if distinct <= MOST_EXACT {
            Kind::Distinct(distinct)
        } else {
            Kind::Micro
        }
    }
}

/// How many copies a distinct row has.
fn copies(matrix: &Matrix, repeats: &Repeats, distinct: usize) -> f64 {
    let steps = repeats.steps(matrix, distinct);
    matrix.sample_weights().map_or(steps as f64, |w| w.as_copies(u128::from(steps)))
}

/// The points that exchange messages.
struct Sample<'a> {
    matrix: Cow<'a, Matrix>,
    /// How many copies each stands for; none if each stands for itself.
    copies: Option<Vec<f64>>,
    /// For each point a row of the table: the first copy of the point's row, or the row nearest to a centre.
    rows: Vec<usize>,
    /// Whether the points are centres of micro-clusters.
    approximate: bool,
}

impl<'a> Sample<'a> {
    fn of(dataset: &Dataset<'a>, repeats: &Repeats, seed: u64, progress: Progress<'_>) -> Result<Self> {
        let matrix = dataset.matrix();
        let own = |i: usize| copies(matrix, repeats, i);
        let (rows, weighted) = match Kind::of(matrix, repeats) {
            Kind::Copies(_) => {
                let repeat = |i: usize| std::iter::repeat_n(repeats.first(i), own(i) as usize);
                ((0..repeats.len()).flat_map(repeat).collect(), None)
            }
            Kind::Distinct(n) => {
                ((0..n).map(|i| repeats.first(i)).collect::<Vec<_>>(), Some((0..n).map(own).collect()))
            }
            Kind::Micro => return micro::clusters(dataset, repeats, seed, progress),
        };
        let in_order = rows.len() == matrix.rows() && rows.iter().enumerate().all(|(i, &row)| i == row);
        let matrix = if in_order { Cow::Borrowed(matrix) } else { Cow::Owned(matrix.select(&rows)) };
        Ok(Sample { matrix, copies: weighted, rows, approximate: false })
    }
}

/// Fits once.
///
/// # Errors
/// Parameters that cannot be used; a table without rows that count; messages that end without an exemplar; a device that
/// failed; [`Error::Interrupted`].
pub fn fit(dataset: &Dataset<'_>, params: &Params, progress: Progress<'_>) -> Result<Partition> {
    params.check()?;
    let matrix = dataset.matrix();
    let repeats = matrix.repeats();
    if repeats.is_empty() {
        return Err(Error::data("no row has a weight above 0"));
    }
    let sample = Sample::of(dataset, &repeats, params.seed, progress)?;
    let points = Points::new(dataset.backend().instruction_set(), &sample.matrix);
    // Squared distances are in stored units, and below 2^90. Beyond 2^600 a preference is as good as infinite.
    let (unit, limit) = (pow2(2 * matrix.shift()), pow2(600));
    let preference = match params.preference {
        Some(preference) => (preference * unit).clamp(-limit, limit),
        None => default_preference(&sample, &points, progress)?,
    };
    let settled = if let Some(exemplars) = without_messages(&sample, &points, preference) {
        Settled { exemplars, converged: true, n_iter: 0, damping: params.damping.unwrap_or(DAMPINGS[0]) }
    } else {
        settle(&sample, &points, preference, params, progress)?
    };
    let exemplars = refine(&sample, &points, settled.exemplars, progress)?;
    // Copies of one row may all have become exemplars. They are one exemplar.
    let mut rows: Vec<usize> = exemplars.into_iter().map(|point| sample.rows[point]).collect();
    rows.sort_unstable();
    rows.dedup();
    let values = rows.iter().flat_map(|&row| matrix.row(row)).collect();
    let exemplars = Centroids { values, features: matrix.features() };
    let pass = dataset.lloyd(std::slice::from_ref(&exemplars), true)?.pop();
    let pass = pass.ok_or_else(|| Error::Device("the device returned no labels".into()))?;
    let labels = pass.labels.ok_or_else(|| Error::Device("the device returned no labels".into()))?;
    let mut partition = Partition::of_labels(matrix, rows.len(), Labels::new(labels));
    partition.prototypes = Prototypes::Exemplars(exemplars);
    partition.diagnostics.n_iter = Some(settled.n_iter);
    partition.diagnostics.converged = Some(settled.converged);
    partition.f64_fallbacks = vec![pass.f64_fallbacks];
    partition.details = Details::Affinity(Found {
        exemplars: rows,
        converged: settled.converged,
        n_iter: settled.n_iter,
        damping: settled.damping,
        preference: params.preference.unwrap_or(preference / unit),
        micro_clusters: sample.approximate.then_some(sample.rows.len()),
    });
    Ok(partition)
}

/// See [`Params::preference`]. In squared stored units.
fn default_preference(sample: &Sample<'_>, points: &Points, progress: Progress<'_>) -> Result<f64> {
    let median = median::squared_distance(points, sample.copies.as_deref(), progress)?;
    let copies = sample.copies.as_ref().map_or(points.len() as f64, |copies| copies.iter().sum());
    let each = if copies > MOST_EXACT as f64 { (copies / points.len() as f64).max(1.0) } else { 1.0 };
    Ok(-median * each)
}

/// The exemplars where nothing distinguishes the points: a single one, or points whose similarities are all equal. Then
/// either every point is an exemplar, or one is enough; the first will do. scikit-learn decides these cases in the same way.
fn without_messages(sample: &Sample<'_>, points: &Points, preference: f64) -> Option<Vec<usize>> {
    let n = points.len();
    if n == 1 {
        return Some(vec![0]);
    }
    let mut similarities = vec![0.0; points.stride()];
    let mut first = None;
    for i in 0..n {
        points.squared_distances(i, &mut similarities);
        let copies = sample.copies.as_ref().map_or(1.0, |copies| copies[i]);
        for k in (0..n).filter(|&k| k != i) {
            let similarity = -similarities[k] * copies;
            if *first.get_or_insert(similarity) != similarity {
                return None;
            }
        }
    }
    first.map(|similarity| if preference > similarity { (0..n).collect() } else { vec![0] })
}

/// Where the messages have come to.
struct Settled {
    /// In ascending order.
    exemplars: Vec<usize>,
    converged: bool,
    n_iter: usize,
    damping: f64,
}

/// Sends messages until the exemplars have settled, with one damping after the other where none is given.
fn settle(
    sample: &Sample<'_>,
    points: &Points,
    preference: f64,
    params: &Params,
    progress: Progress<'_>,
) -> Result<Settled> {
    let preferences = slightly_different(preference, points, params.seed);
    let dampings = params.damping.map_or(DAMPINGS.to_vec(), |damping| vec![damping]);
    let mut last: Option<Settled> = None;
    for damping in dampings {
        let messages = Messages::new(points, sample.copies.as_deref(), &preferences, damping);
        last = settle_with(messages, damping, preference, params, progress)?.or(last);
        if last.as_ref().is_some_and(|settled| settled.converged) {
            break;
        }
    }
    let iterations = if params.max_iter == 1 { "iteration" } else { "iterations" };
    last.ok_or_else(|| {
        Error::data(format!(
            "affinity propagation has found no exemplar in {} {iterations}: a higher damping (0.9) settles messages that \
             swing, more iterations let slow ones settle, and a higher preference makes more exemplars",
            params.max_iter
        ))
    })
}

/// Sends messages with one damping. There may be no exemplar when the iterations are used up.
fn settle_with(
    mut messages: Messages<'_>,
    damping: f64,
    preference: f64,
    params: &Params,
    progress: Progress<'_>,
) -> Result<Option<Settled>> {
    // At first every point may be its own exemplar for a while. That is no result where one would rather belong to another.
    let all_are_too_many = preference < messages.most_similar();
    let mut exemplars: Vec<bool> = Vec::new();
    // How many iterations have had the same exemplars.
    let mut same = 0;
    for n_iter in 1..=params.max_iter {
        messages.step();
        let now: Vec<bool> = messages.exemplars().collect();
        same = if now == exemplars { same + 1 } else { 1 };
        exemplars = now;
        let any = exemplars.contains(&true);
        let plausible = any && (exemplars.contains(&false) || !all_are_too_many);
        progress.step("fit", n_iter as u64, params.max_iter as u64)?;
        let converged = plausible && n_iter > params.convergence_iter && same >= params.convergence_iter;
        if converged || (any && n_iter == params.max_iter) {
            let exemplars = (0..exemplars.len()).filter(|&i| exemplars[i]).collect();
            return Ok(Some(Settled { exemplars, converged, n_iter, damping }));
        }
    }
    Ok(None)
}

/// The same preference for every point, but for a few units in the last place, which break ties.
fn slightly_different(preference: f64, points: &Points, seed: u64) -> Vec<f64> {
    let draws = Draws::new(seed, Purpose::AffinityTies);
    let unit = preference.abs() * f64::EPSILON;
    (0..points.len() as u64)
        .into_par_iter()
        .map(|i| preference + unit * (4.0 * draws.at(i).uniform() - 2.0))
        .collect()
}

/// Makes that point of each cluster its exemplar which is most similar to all its points together, the lowest on ties. As in
/// scikit-learn this is done once.
fn refine(
    sample: &Sample<'_>,
    points: &Points,
    mut exemplars: Vec<usize>,
    progress: Progress<'_>,
) -> Result<Vec<usize>> {
    let mut clusters: Vec<Vec<usize>> = vec![Vec::new(); exemplars.len()];
    for (point, cluster) in nearest(points, &exemplars).into_iter().enumerate() {
        clusters[cluster].push(point);
    }
    for (done, (exemplar, cluster)) in exemplars.iter_mut().zip(&clusters).enumerate() {
        if cluster.len() > 2 || sample.copies.is_some() {
            let own = Points::new(points.instruction_set(), &sample.matrix.select(cluster));
            let costs = (0..cluster.len()).into_par_iter().map_init(
                || vec![0.0; own.stride()],
                |squared, i| {
                    own.squared_distances(i, squared);
                    let copies = |at: usize| sample.copies.as_ref().map_or(1.0, |copies| copies[cluster[at]]);
                    squared[..own.len()].iter().enumerate().map(|(at, s)| s * copies(at)).sum::<f64>()
                },
            );
            let costs: Vec<f64> = costs.collect();
            let least = (1..costs.len()).fold(0, |least, i| if costs[i] < costs[least] { i } else { least });
            *exemplar = cluster[least];
        } else {
            // The sums of two points are equal.
            *exemplar = cluster.first().copied().unwrap_or(*exemplar);
        }
        progress.step("refine", done as u64 + 1, clusters.len() as u64)?;
    }
    Ok(exemplars)
}

/// For each point the exemplar that is most similar to it, the first on ties; that of an exemplar is itself.
fn nearest(points: &Points, exemplars: &[usize]) -> Vec<usize> {
    let mut out = vec![(f64::INFINITY, 0); points.len()];
    let mut squared = vec![0.0; points.stride()];
    for (cluster, &exemplar) in exemplars.iter().enumerate() {
        points.squared_distances(exemplar, &mut squared);
        for (best, &squared) in out.iter_mut().zip(&squared) {
            if squared < best.0 {
                *best = (squared, cluster);
            }
        }
        out[exemplar] = (f64::NEG_INFINITY, cluster);
    }
    out.into_iter().map(|(_, cluster)| cluster).collect()
}
