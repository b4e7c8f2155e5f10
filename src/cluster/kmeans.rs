//! KMeans (Lloyd, 1982): all restarts and all k at once, the same answer on every device.

use super::method::Algorithm;
use super::partition::{Details, Diagnostics, Labels, Partition, Prototypes, Restarts};
use super::{seeding, wide};
use crate::backend::{Advanced, Assigned, Backend, End, LloydState, Passes, Renewed};
use crate::canonical::{self, Centroids};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::matrix::{Matrix, Repeats, block_sums};
use crate::progress::Progress;
use crate::random::{Draws, Purpose};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// How to fit; scikit-learn's names and defaults, but for `n_init`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Params {
    /// The seed of all draws. An analysis sets it to its own.
    pub seed: u64,
    /// How many k-means++ restarts; the one with the lowest inertia is kept.
    pub n_init: usize,
    /// If this is more than `n_init`: further batches of `n_init` restarts follow until [`ENOUGH`] of them agree, which is to
    /// say that their inertia is within 0.1 % of the lowest one, or until there are so many restarts.
    #[serde(skip_serializing_if = "is_zero")]
    pub max_init: usize,
    /// The most passes that a restart may take.
    pub max_iter: usize,
    /// A restart has converged when the total squared shift of its centroids in a pass is at most `tol` times the mean
    /// variance of the features; with 0, when no centroid moves.
    pub tol: f64,
}

impl Default for Params {
    fn default() -> Self {
        Params { n_init: 10, max_init: 0, max_iter: 300, tol: 1e-4, seed: 0 }
    }
}

impl Params {
    /// The default, but with up to 60 restarts, until three agree.
    pub fn auto() -> Self {
        Params { max_init: 60, ..Params::default() }
    }

    /// Whether restarts go on until some agree.
    pub fn is_auto(&self) -> bool {
        self.max_init > self.n_init
    }
}

/// How many restarts have to agree before there are enough of them.
pub const ENOUGH: usize = 3;

/// The inertia of restarts that agree is at most this much above the lowest one. Two that stop near the same optimum, because
/// `tol` stops them, differ by less; different optima that people would tell apart differ by more.
const AGREE: f64 = 1e-3;

fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl Algorithm for Params {
    fn partitions(
        &self,
        dataset: &Dataset<'_>,
        ks: &[usize],
        start: &Start,
        progress: Progress<'_>,
    ) -> Result<Vec<Partition>> {
        let fits = fit_many(dataset, ks, self, start, progress)?;
        Ok(fits.into_iter().map(Partition::from).collect())
    }

    /// Taking 25 passes for what a restart needs, and two batches of restarts where they go on until some agree.
    fn multiply_adds(&self, matrix: &Matrix, ks: &[usize]) -> f64 {
        let centroids: usize = ks.iter().sum();
        let pass = centroids as f64 * matrix.rows() as f64 * matrix.features() as f64;
        let batches = if Params::is_auto(self) { 2.0 } else { 1.0 };
        25.0 * batches * self.n_init as f64 * pass
    }

    fn n_init(&self) -> usize {
        self.n_init
    }

    fn set_n_init(&mut self, n_init: usize) {
        (self.n_init, self.max_init) = (n_init, 0);
    }

    fn is_auto(&self) -> bool {
        Params::is_auto(self)
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn set_seed(&mut self, seed: u64) {
        self.seed = seed;
    }

    fn takes_start(&self) -> bool {
        true
    }

    fn can_be_regrouped(&self) -> bool {
        true
    }
}

/// Where the restarts begin.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// With `n_init` draws of k-means++.
    KMeansPlusPlus,
    /// With one restart, from these centroids, in stored units.
    Given(Centroids),
}

/// A finished KMeans.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// How many clusters.
    pub k: usize,
    /// The centroids in the order of the fit, in stored units.
    pub centroids: Centroids,
    /// For each row its centroid: the nearest, lowest index on ties.
    pub labels: Vec<u32>,
    /// For each centroid the number of its rows in the matrix.
    pub sizes: Vec<u64>,
    /// For each centroid the weight of its rows, in steps of the matrix' weights; the sizes where it has none.
    pub weights: Vec<u128>,
    /// Sum of the squared distances of the rows to their centroids, each times the row's weight, in the user's units.
    pub inertia: f64,
    /// Passes that the best restart took.
    pub n_iter: usize,
    /// Whether it ended before `max_iter`.
    pub converged: bool,
    /// Which restart was the best.
    pub restart: usize,
    /// How many restarts there were, and how many of them reached the best.
    pub restarts: Restarts,
    /// Whether seeding looked at a sample of the rows.
    pub seeded_on_sample: bool,
    /// For each pass, over all restarts of all k of the call: how many (row, restart) pairs the f32 filter could not
    /// prove. The last entry is the final assignment. It depends on the device; nothing else here does.
    pub f64_fallbacks: Vec<u64>,
}

impl From<Fit> for Partition {
    fn from(fit: Fit) -> Self {
        Partition {
            k: fit.k,
            labels: Labels::new(fit.labels),
            sizes: fit.sizes,
            weights: fit.weights,
            prototypes: Prototypes::Centroids(fit.centroids),
            diagnostics: Diagnostics {
                seeding_rows: fit.seeded_on_sample.then_some(seeding::SEEDING_ROWS),
                inertia: fit.inertia,
                n_iter: Some(fit.n_iter),
                converged: Some(fit.converged),
            },
            details: Details::None,
            restarts: fit.restarts,
            f64_fallbacks: fit.f64_fallbacks,
        }
    }
}

/// One restart on its way.
struct Restart {
    k: usize,
    /// Which of the restarts of this k it is.
    number: usize,
    centroids: Centroids,
    n_iter: usize,
    converged: bool,
    /// How much less than the total sum of squares the inertia of the last pass was: the larger, the better.
    between_ss: f64,
    /// Whether the centroids changed after that pass.
    changed: bool,
    done: bool,
    /// What the device remembers of the last pass.
    state: LloydState,
}

/// Fits one k.
///
/// # Errors
/// As [`fit_many`].
pub fn fit(
    dataset: &Dataset<'_>,
    k: usize,
    params: &Params,
    start: &Start,
    progress: Progress<'_>,
) -> Result<Fit> {
    let mut fits = fit_many(dataset, &[k], params, start, progress)?;
    fits.pop().ok_or_else(|| Error::data("no k to fit"))
}

/// Fits every k of `ks`. All restarts of all k share each pass over the rows.
///
/// # Errors
/// No restart or no pass asked for; k = 0; more clusters than distinct rows; given centroids of another k; a device
/// that failed; [`Error::Interrupted`].
pub fn fit_many(
    dataset: &Dataset<'_>,
    ks: &[usize],
    params: &Params,
    start: &Start,
    progress: Progress<'_>,
) -> Result<Vec<Fit>> {
    let matrix = dataset.matrix();
    check(matrix, ks, params, start)?;
    let repeats = matrix.repeats();
    let learned = Learned { matrix, repeats: &repeats };
    let weight = learned.weight();
    let variance = learned.mean_variance(weight);
    let limit = params.tol * variance;
    let total_ss = variance * matrix.features() as f64 * weight;
    let (mut restarts, mut f64_fallbacks): (Vec<Restart>, Vec<u64>) = (Vec::new(), Vec::new());
    let mut open = ks.to_vec();
    while !open.is_empty() {
        let done = restarts.iter().filter(|r| r.k == open[0]).count();
        let numbers = done..(done + params.n_init).min(params.max_init.max(params.n_init));
        let mut batch = all_restarts(dataset.backend(), &learned, &open, (params, numbers), start, progress)?;
        while batch.iter().any(|r| !r.done) {
            let ends = (params.max_iter, limit);
            take_passes(dataset, &learned, &mut batch, ends, &mut f64_fallbacks, progress)?;
            progress.step("fit", done_share(&batch), 1000)?;
        }
        restarts.extend(batch);
        // With one restart for each k there is nothing to compare.
        if restarts.len() > ks.len() {
            rescore_moved(dataset, &mut restarts, (total_ss, weight), limit)?;
        }
        open.retain(|&k| {
            let Restarts { n, reached_best } = agreement(&restarts, k, total_ss);
            *start == Start::KMeansPlusPlus && n < params.max_init && reached_best < ENOUGH
        });
    }
    let best: Vec<&Restart> = ks
        .iter()
        .filter_map(|&k| {
            restarts
                .iter()
                .filter(|r| r.k == k)
                .reduce(|a, b| if b.between_ss.total_cmp(&a.between_ss).is_gt() { b } else { a })
        })
        .collect();
    let sets: Vec<Centroids> = best.iter().map(|r| r.centroids.clone()).collect();
    let finals = dataset.lloyd(&sets, true)?;
    f64_fallbacks.push(finals.iter().map(|p| p.f64_fallbacks).sum());
    best.iter()
        .zip(finals)
        .map(|(restart, last)| {
            let labels = last.labels.ok_or_else(|| Error::Device("the device returned no labels".into()))?;
            Ok(Fit {
                k: restart.k,
                inertia: learned.inertia(&restart.centroids, &labels),
                centroids: restart.centroids.clone(),
                labels,
                sizes: last.counts,
                weights: last.weights,
                n_iter: restart.n_iter,
                converged: restart.converged,
                restart: restart.number,
                restarts: agreement(&restarts, restart.k, total_ss),
                seeded_on_sample: matches!(start, Start::KMeansPlusPlus)
                    && learned.repeats.len() > seeding::SEEDING_ROWS,
                f64_fallbacks: f64_fallbacks.clone(),
            })
        })
        .collect()
}

fn check(matrix: &Matrix, ks: &[usize], params: &Params, start: &Start) -> Result<()> {
    if ks.is_empty() || ks.contains(&0) {
        return Err(Error::Usage("k must be at least 1".into()));
    }
    if params.n_init == 0 || params.max_iter == 0 {
        return Err(Error::Usage("n_init and max_iter must be at least 1".into()));
    }
    if !params.tol.is_finite() || params.tol < 0.0 {
        return Err(Error::Usage("tol must be a number, 0 or more".into()));
    }
    if let Start::Given(centroids) = start
        && ks.iter().any(|&k| k != centroids.k())
    {
        return Err(Error::data(format!("{} centroids to start from, but k = {}", centroids.k(), ks[0])));
    }
    enough_rows(matrix, ks)
}

/// The rows that a fit learns from: each distinct row once, with the weight of all its copies. All sums in f64 go over
/// these rows, in blocks of 4,096 and in the order in which each row first occurs. So three equal rows give the same result
/// as one row of weight 3.
struct Learned<'a> {
    matrix: &'a Matrix,
    repeats: &'a Repeats,
}

/// Checks that no k is above the number of distinct rows, which is cheap and worth knowing before a device is opened.
///
/// # Errors
/// One is; the message has both numbers.
pub fn enough_rows(matrix: &Matrix, ks: &[usize]) -> Result<()> {
    let largest = ks.iter().copied().max().unwrap_or(1);
    matrix.distinct_rows(largest).map_err(|distinct| {
        let rows = if distinct == 1 { "row" } else { "rows" };
        Error::data(format!("k = {largest}, but the table has only {distinct} distinct {rows}"))
    })
}

/// How many restarts of a k are done, and how many of them reached the best.
fn agreement(restarts: &[Restart], k: usize, total_ss: f64) -> Restarts {
    let inertias = || restarts.iter().filter(|r| r.k == k).map(|r| r.inertia(total_ss));
    // An inertia of 0 comes out as a rounding error of the sums that it is the difference of.
    let limit = inertias().fold(f64::INFINITY, f64::min) * (1.0 + AGREE) + 1e-12 * total_ss;
    Restarts { n: inertias().count(), reached_best: inertias().filter(|inertia| *inertia <= limit).count() }
}

/// The restarts with these numbers of all k, in order of k and number.
fn all_restarts(
    backend: &dyn Backend,
    learned: &Learned<'_>,
    ks: &[usize],
    (params, numbers): (&Params, Range<usize>),
    start: &Start,
    progress: Progress<'_>,
) -> Result<Vec<Restart>> {
    let new = |k, number, centroids| Restart {
        k,
        number,
        centroids,
        n_iter: 0,
        converged: false,
        between_ss: f64::NEG_INFINITY,
        changed: true,
        done: false,
        state: LloydState::default(),
    };
    if let Start::Given(centroids) = start {
        return Ok(vec![new(centroids.k(), 0, centroids.clone())]);
    }
    let sample = seeding::sample(learned.matrix, learned.repeats, params.seed);
    let draws = Draws::new(params.seed, Purpose::Seeding);
    let wanted: Vec<(usize, usize)> =
        ks.iter().flat_map(|&k| numbers.clone().map(move |number| (k, number))).collect();
    let streams = wanted.iter().map(|&(k, r)| (k, draws.at((k as u64) << 32 | r as u64))).collect();
    let centroids = seeding::kmeans_plus_plus(backend, &sample, streams, progress)?;
    Ok(wanted.into_iter().zip(centroids).map(|((k, number), c)| new(k, number, c)).collect())
}

/// Scores restarts whose centroids still moved in their last pass at the moved centroids, as scikit-learn does. Those that
/// cannot win are left out.
///
/// No centroid of a converged restart moved by more than `s = sqrt(limit)`, so no row came nearer to its centroid by more
/// than that, and by Minkowski's inequality the root of the inertia fell by at most `s sqrt(W)`, where `W` is the weight of
/// all rows. Inertia does not grow either, apart from what rounding the centroids to f32 adds. So if the root of a restart's
/// inertia, minus that fall, is above the root of the lowest inertia, the restart cannot win.
fn rescore_moved(
    dataset: &Dataset<'_>,
    restarts: &mut [Restart],
    (total_ss, weight): (f64, f64),
    limit: f64,
) -> Result<()> {
    let fall = (limit * weight).sqrt();
    let rounding = |magnitude: &f32| libm::ldexp(f64::from(*magnitude), -24);
    let growth =
        weight * dataset.matrix().magnitudes().iter().map(|m| rounding(m) * rounding(m)).sum::<f64>();
    // The sums of squares have rounding errors, by far smaller than this.
    let slack = 1e-6 * total_ss.sqrt();
    let inertias = |k: usize| restarts.iter().filter(move |r| r.k == k).map(|r| r.inertia(total_ss));
    let lowest = |k: usize| inertias(k).fold(f64::INFINITY, f64::min);
    let hopeless: Vec<bool> = restarts
        .iter()
        .map(|r| {
            let least = r.inertia(total_ss).sqrt() - fall - slack;
            r.changed && r.converged && least > (lowest(r.k) + growth).sqrt()
        })
        .collect();
    for (restart, hopeless) in restarts.iter_mut().zip(hopeless) {
        restart.changed &= !hopeless;
    }
    let mut moved: Vec<&mut Restart> = restarts.iter_mut().filter(|r| r.changed).collect();
    let sets: Vec<Centroids> = moved.iter().map(|r| r.centroids.clone()).collect();
    let mut states: Vec<LloydState> = moved.iter_mut().map(|r| std::mem::take(&mut r.state)).collect();
    for (restart, pass) in moved.into_iter().zip(dataset.lloyd_incremental(&sets, false, &mut states)?) {
        restart.between_ss = between_ss(dataset.matrix(), &pass, &restart.centroids);
        restart.changed = false;
    }
    Ok(())
}

/// Takes all restarts that are not done some passes further, as far as the device goes without the host. `f64_fallbacks`
/// counts the rows that f32 could not decide, pass by pass.
fn take_passes(
    dataset: &Dataset<'_>,
    learned: &Learned<'_>,
    restarts: &mut [Restart],
    (max_iter, limit): (usize, f64),
    f64_fallbacks: &mut Vec<u64>,
    progress: Progress<'_>,
) -> Result<()> {
    let done = restarts.iter().filter(|r| r.done).count();
    let mut active: Vec<&mut Restart> = restarts.iter_mut().filter(|r| !r.done).collect();
    let mut sets: Vec<Centroids> = active.iter().map(|r| r.centroids.clone()).collect();
    let mut states: Vec<LloydState> = active.iter_mut().map(|r| std::mem::take(&mut r.state)).collect();
    let before: Vec<usize> = active.iter().map(|r| r.n_iter).collect();
    let most: Vec<usize> = before.iter().map(|n_iter| max_iter - n_iter).collect();
    let report = |advanced: &[Advanced]| {
        let of = |(advanced, n_iter): (&Advanced, &usize)| match advanced.end {
            None | Some(End::Waiting(_)) => share(n_iter + advanced.f64_fallbacks.len()),
            _ => 1.0,
        };
        let shares: f64 = advanced.iter().zip(&before).map(of).sum();
        progress.step("fit", (1000.0 * (done as f64 + shares) / (done + before.len()) as f64) as u64, 1000)
    };
    let passes = Passes { most: &most, limit, report: &report };
    let advanced = dataset.lloyd_passes(&mut sets, &mut states, passes)?;
    let mut count = |pass: usize, fallbacks: u64| {
        f64_fallbacks.resize(f64_fallbacks.len().max(pass + 1), 0);
        f64_fallbacks[pass] += fallbacks;
    };
    for (((restart, advanced), set), state) in active.into_iter().zip(advanced).zip(sets).zip(states) {
        restart.centroids = set;
        for fallbacks in advanced.f64_fallbacks {
            count(restart.n_iter, fallbacks);
            restart.n_iter += 1;
        }
        match advanced.end {
            None | Some(End::Spent) => restart.changed = true,
            Some(End::Converged { changed, pass }) => {
                restart.between_ss = between_ss(learned.matrix, &pass, &restart.centroids);
                (restart.changed, restart.converged) = (changed, true);
            }
            Some(End::Waiting(pass)) => {
                count(restart.n_iter, pass.f64_fallbacks);
                restart.step(dataset, learned, pass, limit)?;
            }
        }
        restart.done = restart.converged || restart.n_iter >= max_iter;
        if !restart.done || restart.changed {
            restart.state = state;
        }
    }
    Ok(())
}

/// Which share of its work a restart has done after so many passes, if it takes about 25.
fn share(n_iter: usize) -> f64 {
    n_iter as f64 / (n_iter as f64 + 25.0)
}

/// How many thousandths of the work are done.
fn done_share(restarts: &[Restart]) -> u64 {
    let shares: f64 = restarts.iter().map(|r| if r.done { 1.0 } else { share(r.n_iter) }).sum();
    (1000.0 * shares / restarts.len() as f64) as u64
}

impl Restart {
    /// The inertia of the last pass in stored units, from the total sum of squares. It may have a rounding error of that.
    fn inertia(&self, total_ss: f64) -> f64 {
        (total_ss - self.between_ss).max(0.0)
    }

    /// Takes in a pass: new centroids, and whether that was the last.
    fn step(
        &mut self,
        dataset: &Dataset<'_>,
        learned: &Learned<'_>,
        mut pass: Assigned,
        limit: f64,
    ) -> Result<()> {
        self.between_ss = between_ss(learned.matrix, &pass, &self.centroids);
        if pass.weights.contains(&0) {
            self.fill_empty(dataset, learned, &mut pass)?;
        }
        let Renewed { changed, shift } = pass.renew(learned.matrix, &mut self.centroids);
        self.changed = changed;
        self.n_iter += 1;
        self.converged = !changed || shift <= limit;
        Ok(())
    }

    /// Gives each empty cluster the row that is farthest from its centroid (lowest index on ties), with all its copies,
    /// as scikit-learn does; a cluster's last row is never taken.
    fn fill_empty(&self, dataset: &Dataset<'_>, learned: &Learned<'_>, pass: &mut Assigned) -> Result<()> {
        let matrix = learned.matrix;
        let labels = dataset
            .lloyd(std::slice::from_ref(&self.centroids), true)?
            .pop()
            .and_then(|p| p.labels)
            .ok_or_else(|| Error::Device("the device returned no labels".into()))?;
        let mut far: Vec<(f64, u32)> = (0..learned.repeats.len())
            .into_par_iter()
            .map(|distinct| {
                let i = learned.repeats.first(distinct);
                let centroid = self.centroids.get(labels[i] as usize);
                (canonical::squared_distance(matrix.row(i), centroid), distinct as u32)
            })
            .collect();
        let empty: Vec<usize> = (0..self.k).filter(|&c| pass.weights[c] == 0).collect();
        far.par_sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut farthest = far.into_iter().map(|(_, i)| i as usize);
        for c in empty {
            let weight = |distinct: usize| u128::from(learned.repeats.steps(matrix, distinct));
            let label = |distinct: usize| labels[learned.repeats.first(distinct)] as usize;
            let spared = farthest.by_ref().find(|&row| pass.weights[label(row)] > weight(row));
            let Some(row) = spared else { return Ok(()) };
            let (from, weight) = (label(row), weight(row));
            pass.move_row(matrix, learned.repeats.first(row), weight, from, c);
        }
        Ok(())
    }
}

/// How far the inertia of a pass is below the total sum of squares. That is the between-cluster sum of squares about the
/// global mean, less what is lost because centroids are not yet at their rows' means. It is right up to a factor that all
/// restarts share, which is enough to compare them, and its numerators are exact.
fn between_ss(matrix: &Matrix, pass: &Assigned, centroids: &Centroids) -> f64 {
    let d = matrix.features();
    let total: u128 = pass.weights.iter().sum();
    let all: Vec<i128> = (0..d).map(|j| pass.sums.iter().skip(j).step_by(d).sum()).collect();
    let mut between_ss = 0.0;
    for (c, &weight) in pass.weights.iter().enumerate().filter(|(_, w)| **w > 0) {
        let mut squares = 0.0;
        for (j, &all) in all.iter().enumerate() {
            let (sum, step) = (pass.sums[c * d + j], matrix.stored_step(j));
            let numerator = wide::difference_of_products((sum, total), (all, weight));
            let between = numerator / total as f64 / weight as f64 * step;
            let away = sum as f64 / weight as f64 * step - f64::from(centroids.get(c)[j]);
            squares += between * between - away * away;
        }
        between_ss += squares * weight as f64;
    }
    between_ss
}

impl Learned<'_> {
    /// The weight of all rows, in steps.
    fn weight(&self) -> f64 {
        self.sums(1, |_, weight, sums| sums[0] += weight)[0]
    }

    /// The mean over the features of their variance (ddof 0), in stored units.
    fn mean_variance(&self, total: f64) -> f64 {
        let d = self.matrix.features();
        let means = self.sums(d, |row, weight, sums| {
            self.matrix.row(row).zip(sums).for_each(|(v, s)| *s += weight * f64::from(v));
        });
        let means: Vec<f64> = means.into_iter().map(|s| s / total).collect();
        let squares = self.sums(d, |row, weight, sums| {
            for ((v, s), mean) in self.matrix.row(row).zip(sums).zip(&means) {
                *s += weight * ((f64::from(v) - mean) * (f64::from(v) - mean));
            }
        });
        squares.iter().map(|s| s / total).sum::<f64>() / d as f64
    }

    /// The sum of the squared distances to the centroids, each times the row's weight as it was given, in the user's
    /// units.
    fn inertia(&self, centroids: &Centroids, labels: &[u32]) -> f64 {
        let sums = self.sums(1, |row, weight, sums| {
            let centroid = centroids.get(labels[row] as usize);
            sums[0] += canonical::squared_distance(self.matrix.row(row), centroid) * weight;
        });
        let stored = self.matrix.to_user(self.matrix.to_user(sums[0]));
        self.matrix.sample_weights().map_or(stored, |w| stored * w.as_given(1))
    }

    /// Sums of `width` numbers that `add(row, weight in steps, sums)` adds to, over the distinct rows.
    fn sums(&self, width: usize, add: impl Fn(usize, f64, &mut [f64]) + Sync) -> Vec<f64> {
        block_sums(self.repeats.len(), width, |i, sums| {
            add(self.repeats.first(i), self.repeats.steps(self.matrix, i) as f64, sums);
        })
    }
}
