//! Expectation and maximisation: all restarts of all k in one pass over the rows.

use super::mixture::{Mixture, Scatter, Singular};
use super::{Covariance, Found, Params, check, kmeans_of};
use crate::backend::mixture::{self, Gaussians, Learned, Moments, Sums};
use crate::cluster::kmeans::{self, Start};
use crate::cluster::partition::{Details, Labels, Partition, Prototypes, Restarts};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::progress::Progress;
use crate::random::{Draws, Purpose};

/// Restarts whose mean log-likelihood is at most this far below the best one's have reached it.
const AGREE: f64 = 1e-3;

/// A fitted mixture.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The mixture.
    pub mixture: Mixture,
    /// For each row the component with the largest responsibility, the lowest index on ties.
    pub labels: Vec<u32>,
    /// Passes that the best restart took.
    pub n_iter: usize,
    /// The mean log-likelihood of a row before the last of them; scikit-learn's `lower_bound_`.
    pub lower_bound: f64,
    /// What the mixture says about the rows.
    pub found: Found,
    /// How many restarts there were, and how many of them reached the best.
    pub restarts: Restarts,
}

/// One restart on its way.
struct Restart {
    k: usize,
    mixture: Mixture,
    /// The mixture's densities, unless it has none: then the restart failed.
    densities: std::result::Result<Gaussians, Singular>,
    n_iter: usize,
    lower_bound: f64,
    converged: bool,
    done: bool,
}

/// What every step needs.
struct Fitting<'a> {
    dataset: &'a Dataset<'a>,
    learned: Learned<'a>,
    params: &'a Params,
    /// What has to be known of the deviations from the means.
    moments: Moments,
    /// The scatter of all rows, where the covariance is tied.
    scatter: Option<Scatter>,
    /// How many copies all rows stand for.
    total: f64,
    progress: Progress<'a>,
}

/// A k and a label below it for each row.
type Labelling = (usize, Vec<u32>);

/// Fits every k of `ks`. All restarts of all k share each pass over the rows.
///
/// # Errors
/// Parameters that cannot be used; more components than distinct rows; a covariance that is not positive definite in every
/// restart of a k; a device that failed; [`Error::Interrupted`].
pub fn fit_many(
    dataset: &Dataset<'_>,
    ks: &[usize],
    params: &Params,
    start: &Start,
    progress: Progress<'_>,
) -> Result<Vec<Fit>> {
    check(dataset.matrix(), ks, params)?;
    let mut starts: Vec<Labelling> = Vec::new();
    match start {
        Start::Given(centroids) => {
            if let Some(k) = ks.iter().find(|k| **k != centroids.k()) {
                return Err(Error::data(format!("{} centroids to start from, but k = {k}", centroids.k())));
            }
            let pass = dataset.lloyd(std::slice::from_ref(centroids), true)?.pop();
            let labels = pass.and_then(|pass| pass.labels);
            let labels = labels.ok_or_else(|| Error::Device("the device returned no labels".into()))?;
            starts.push((centroids.k(), labels));
        }
        Start::KMeansPlusPlus => {
            let draws = Draws::new(params.seed, Purpose::MixtureStart);
            for restart in 0..params.n_init as u64 {
                // The first one starts from the KMeans that the seed itself gives.
                let seed = if restart == 0 { params.seed } else { draws.at(restart).bits() };
                let fits = kmeans::fit_many(dataset, ks, &kmeans_of(seed), start, progress)?;
                starts.extend(fits.into_iter().map(|fit| (fit.k, fit.labels)));
            }
        }
    }
    fit_starts(dataset, ks, params, starts, progress)
}

/// Fits one mixture of `k` components, of which each has the rows of one label to start with.
///
/// # Errors
/// As [`fit_many`]; not one label below `k` for each row.
pub fn fit_from_labels(
    dataset: &Dataset<'_>,
    k: usize,
    labels: &[u32],
    params: &Params,
    progress: Progress<'_>,
) -> Result<Fit> {
    check(dataset.matrix(), &[k], params)?;
    if labels.len() != dataset.matrix().rows() || labels.iter().any(|&label| label as usize >= k) {
        return Err(Error::data(format!("expected a label below {k} for each row")));
    }
    let mut fits = fit_starts(dataset, &[k], params, vec![(k, labels.to_vec())], progress)?;
    fits.pop().ok_or_else(|| Error::data("no k to fit"))
}

fn fit_starts(
    dataset: &Dataset<'_>,
    ks: &[usize],
    params: &Params,
    starts: Vec<Labelling>,
    progress: Progress<'_>,
) -> Result<Vec<Fit>> {
    let matrix = dataset.matrix();
    let repeats = matrix.repeats();
    let learned = Learned::new(matrix, &repeats);
    let moments = match params.covariance {
        Covariance::Full => Moments::Products,
        Covariance::Tied => Moments::First,
        Covariance::Diag | Covariance::Spherical => Moments::Squares,
    };
    let mut fitting = Fitting { dataset, learned, params, moments, scatter: None, total: 0.0, progress };
    fitting.measure()?;
    let mut restarts = fitting.begin(&starts)?;
    drop(starts);
    while restarts.iter().any(|restart| !restart.done) {
        fitting.pass(&mut restarts)?;
    }
    let best: Vec<(&Restart, &Gaussians)> =
        ks.iter().map(|&k| fitting.best(restarts.iter().filter(|r| r.k == k))).collect::<Result<_>>()?;
    let finals = fitting.sums(best.iter().map(|(_, densities)| (*densities, None)).collect(), 1000)?;
    best.into_iter().zip(finals).map(|(best, sums)| fitting.finished(best, &sums, &restarts)).collect()
}

impl Fitting<'_> {
    /// The sums of a pass, while so many thousandths of the work are done.
    fn sums(&self, mixtures: Vec<(&Gaussians, Option<&[u32]>)>, done: u64) -> Result<Vec<Sums>> {
        let set = self.dataset.backend().instruction_set();
        mixture::sums(set, self.learned, &mixtures, &|| self.progress.step("fit", done, 1000))
    }

    /// Counts the rows' copies, and measures the scatter of all rows where the covariance is tied.
    fn measure(&mut self) -> Result<()> {
        let d = self.dataset.matrix().features();
        let labels = vec![0; self.dataset.matrix().rows()];
        let origin = Gaussians::of_means(vec![0.0; d], 1, Moments::First);
        for sums in self.sums(vec![(&origin, Some(&labels))], 0)? {
            self.total = sums.weights[0];
            if self.params.covariance == Covariance::Tied {
                let mean: Vec<f64> = sums.first.iter().map(|sum| sum / self.total).collect();
                let about = Gaussians::of_means(mean.clone(), 1, Moments::Products);
                let scatter = self.sums(vec![(&about, Some(&labels))], 0)?.pop();
                self.scatter = scatter.map(|sums| Scatter { mean, products: sums.second });
            }
        }
        Ok(())
    }

    /// The restarts that begin with these labels.
    fn begin(&self, starts: &[Labelling]) -> Result<Vec<Restart>> {
        let d = self.dataset.matrix().features();
        let sums_about = |means: Vec<Vec<f64>>, moments| {
            let about = means.into_iter().zip(starts).map(|(m, (k, _))| Gaussians::of_means(m, *k, moments));
            let about: Vec<Gaussians> = about.collect();
            let labels = starts.iter().map(|(_, labels)| Some(&labels[..]));
            self.sums(about.iter().zip(labels).collect(), 0)
        };
        // The means come first, because the moments are taken about them.
        let sums = sums_about(starts.iter().map(|(k, _)| vec![0.0; k * d]).collect(), Moments::First)?;
        let mean = |sums: &Sums, i: usize| sums.first[i] / sums.weights[i / d].max(f64::MIN_POSITIVE);
        let means: Vec<Vec<f64>> =
            sums.iter().map(|sums| (0..sums.first.len()).map(|i| mean(sums, i)).collect()).collect();
        let sums = sums_about(means.clone(), self.moments)?;
        let begun = starts.iter().zip(means.iter().zip(&sums)).map(|((k, _), (means, sums))| {
            let mixture = self.learn(means, sums);
            let densities = mixture.gaussians(self.moments);
            let done = densities.is_err();
            let lower_bound = f64::NEG_INFINITY;
            Restart { k: *k, mixture, densities, n_iter: 0, lower_bound, converged: false, done }
        });
        Ok(begun.collect())
    }

    /// Takes all restarts that are not done one pass further.
    fn pass(&self, restarts: &mut [Restart]) -> Result<()> {
        let active = restarts.iter().filter(|restart| !restart.done);
        let mixtures = active.filter_map(|restart| Some((restart.densities.as_ref().ok()?, None))).collect();
        let found = self.sums(mixtures, done_share(restarts))?;
        for (restart, sums) in restarts.iter_mut().filter(|restart| !restart.done).zip(found) {
            let before = restart.lower_bound;
            restart.lower_bound = sums.log_likelihood / self.total;
            restart.n_iter += 1;
            restart.converged = (restart.lower_bound - before).abs() < self.params.tol;
            restart.done = restart.converged || restart.n_iter >= self.params.max_iter;
            restart.mixture = self.learn(&restart.mixture.means, &sums);
            // After the last pass only the likelihood is of interest.
            let moments = if restart.done { Moments::None } else { self.moments };
            restart.densities = restart.mixture.gaussians(moments);
            restart.done |= restart.densities.is_err();
        }
        self.progress.step("fit", done_share(restarts), 1000)
    }

    fn learn(&self, means: &[f64], sums: &Sums) -> Mixture {
        let shape = (self.params.covariance, self.params.reg_covar);
        Mixture::learned(shape, means, sums, self.scatter.as_ref())
    }

    /// The restart with the highest likelihood, the first of equals. Those that failed do not count, unless all did.
    fn best<'r>(&self, of_k: impl Iterator<Item = &'r Restart>) -> Result<(&'r Restart, &'r Gaussians)> {
        let mut best: Option<(&Restart, &Gaussians)> = None;
        let mut failed = None;
        for restart in of_k {
            match &restart.densities {
                Ok(found) if best.is_none_or(|(best, _)| restart.lower_bound > best.lower_bound) => {
                    best = Some((restart, found));
                }
                Ok(_) => {}
                Err(singular) => failed = failed.or(Some((restart, *singular))),
            }
        }
        best.ok_or_else(|| match failed {
            Some((restart, singular)) => self.error(&restart.mixture, singular),
            None => Error::data("no k to fit"),
        })
    }

    /// What to tell a user whose covariance is not positive definite.
    fn error(&self, mixture: &Mixture, Singular { component, feature }: Singular) -> Error {
        let (k, names) = (mixture.k(), self.dataset.matrix().names());
        let of = match mixture.covariance {
            Covariance::Tied => "the covariance that all segments share".to_string(),
            _ => {
                let rows = mixture.weights[component] * self.total;
                format!("the covariance of one of them, which has about {rows:.0} rows,")
            }
        };
        Error::data(format!(
            "with {k} segment{}, {of} is not positive definite: within it, the feature {} is constant, or follows from the              features before it. Raise --reg-covar (it is {}), ask for fewer segments, or leave that feature out",
            if k == 1 { "" } else { "s" },
            names.get(feature).map_or("", String::as_str),
            self.params.reg_covar,
        ))
    }

    /// The fit of a restart, whose mixture has the log-likelihood of `sums`.
    fn finished(
        &self,
        (best, densities): (&Restart, &Gaussians),
        sums: &Sums,
        restarts: &[Restart],
    ) -> Result<Fit> {
        if !sums.log_likelihood.is_finite() {
            return Err(Error::data(
                "the likelihood of the mixture is not a number: the features differ too much in scale",
            ));
        }
        let matrix = self.dataset.matrix();
        let rows = mixture::memberships(self.dataset.backend().instruction_set(), matrix, densities);
        let parameters = self.params.covariance.parameters(best.k, matrix.features());
        let free = parameters as f64;
        let found = Found {
            covariance: self.params.covariance,
            log_likelihood: sums.log_likelihood,
            mean_log_likelihood: sums.log_likelihood / self.total,
            bic: free * libm::log(self.total) - 2.0 * sums.log_likelihood,
            aic: 2.0 * free - 2.0 * sums.log_likelihood,
            parameters,
            converged: best.converged,
        };
        let of_k = || restarts.iter().filter(|r| r.k == best.k);
        let agrees = |r: &&Restart| r.densities.is_ok() && r.lower_bound >= best.lower_bound - AGREE;
        Ok(Fit {
            mixture: best.mixture.clone(),
            labels: rows.into_iter().map(|row| row.component).collect(),
            n_iter: best.n_iter,
            lower_bound: best.lower_bound,
            found,
            restarts: Restarts { n: of_k().count(), reached_best: of_k().filter(agrees).count() },
        })
    }
}

/// How many thousandths of the work are done, if a restart takes about 25 passes.
fn done_share(restarts: &[Restart]) -> u64 {
    let share = |r: &Restart| if r.done { 1.0 } else { r.n_iter as f64 / (r.n_iter as f64 + 25.0) };
    (1000.0 * restarts.iter().map(share).sum::<f64>() / restarts.len().max(1) as f64) as u64
}

impl Fit {
    /// The partition into the rows of each component.
    pub(super) fn into_partition(self, matrix: &Matrix) -> Partition {
        let Fit { mixture, labels, n_iter, found, restarts, .. } = self;
        let mut partition = Partition::of_labels(matrix, mixture.k(), Labels::new(labels));
        let mut centroids = partition.prototypes.centroids().clone();
        // A component from which no row comes most likely has its mean instead.
        for c in (0..mixture.k()).filter(|&c| partition.weights[c] == 0) {
            let own = &mut centroids.values[c * mixture.features..(c + 1) * mixture.features];
            own.iter_mut().zip(mixture.mean(c)).for_each(|(to, &mean)| *to = matrix.to_stored(mean));
        }
        partition.prototypes = Prototypes::Mixture(centroids, mixture);
        partition.diagnostics.n_iter = Some(n_iter);
        partition.diagnostics.converged = Some(found.converged);
        partition.details = Details::Gmm(found);
        Partition { restarts, ..partition }
    }
}
