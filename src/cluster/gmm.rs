//! Gaussian mixtures (Dempster, Laird and Rubin, 1977): each segment is a normal distribution with a shape of its own, and
//! each row belongs to all of them, to each with a probability.
//!
//! Names and defaults are those of scikit-learn's `GaussianMixture`. All of the arithmetic is f64 on the host, so that the result
//! is the same bits on every device and for any number of threads; a device only finds where to start, by KMeans. A row of
//! weight 3, three equal rows, and one row that stands for three give the same bits too.

mod em;
mod mixture;

use super::kmeans::{self, Start};
use super::method::Algorithm;
use super::partition::Partition;
pub use crate::backend::mixture::Membership;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::progress::Progress;
pub use em::{Fit, fit_from_labels, fit_many};
pub use mixture::Mixture;
use serde::{Deserialize, Serialize};

/// What shape a component may have; scikit-learn's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Covariance {
    /// Any: each component has a covariance matrix of its own.
    #[default]
    Full,
    /// Any, but the same for all components.
    Tied,
    /// Each component has a variance for each feature, and features are independent within it.
    #[serde(alias = "diagonal")]
    Diag,
    /// Each component has one variance for all features.
    Spherical,
}

impl Covariance {
    /// The name of each shape, and another word for it.
    pub const WORDS: &[(&str, Covariance)] = &[
        ("full", Covariance::Full),
        ("tied", Covariance::Tied),
        ("diag", Covariance::Diag),
        ("diagonal", Covariance::Diag),
        ("spherical", Covariance::Spherical),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Covariance::Full => "full",
            Covariance::Tied => "tied",
            Covariance::Diag => "diag",
            Covariance::Spherical => "spherical",
        }
    }

    /// How many numbers describe the covariances of `k` components in `d` features, of which some may be equal by symmetry.
    pub fn values(self, k: usize, d: usize) -> usize {
        match self {
            Covariance::Full => k * d * d,
            Covariance::Tied => d * d,
            Covariance::Diag => k * d,
            Covariance::Spherical => k,
        }
    }

    /// How many free parameters a mixture of `k` components in `d` features has.
    pub fn parameters(self, k: usize, d: usize) -> usize {
        let covariances = match self {
            Covariance::Full => k * d * (d + 1) / 2,
            Covariance::Tied => d * (d + 1) / 2,
            Covariance::Diag => k * d,
            Covariance::Spherical => k,
        };
        covariances + k * d + (k - 1)
    }
}

/// How to fit; scikit-learn's names and defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Params {
    /// What shape the components may have.
    pub covariance: Covariance,
    /// What is added to each variance, in squared units of the scaled features. It keeps a component alive that sits on one
    /// point, or in which features depend on each other.
    pub reg_covar: f64,
    /// How many restarts, each from a KMeans of its own; the one with the highest likelihood is kept.
    pub n_init: usize,
    /// The most passes that a restart may take.
    pub max_iter: usize,
    /// A restart has converged when the mean log-likelihood of a row changes by less than this in a pass.
    pub tol: f64,
    /// The seed of the KMeans that it starts from. An analysis sets it to its own.
    pub seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        Params { covariance: Covariance::Full, reg_covar: 1e-6, n_init: 1, max_iter: 100, tol: 1e-3, seed: 0 }
    }
}

/// What a mixture says about a table, beside its labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// What shape the components may have.
    pub covariance: Covariance,
    /// The log-likelihood of all rows, each times its copies.
    pub log_likelihood: f64,
    /// The same for the mean row; scikit-learn's `score`.
    pub mean_log_likelihood: f64,
    /// Schwarz' criterion, `parameters ln(n) - 2 log_likelihood`; lower is better.
    pub bic: f64,
    /// Akaike's criterion, `2 parameters - 2 log_likelihood`; lower is better.
    pub aic: f64,
    /// How many free parameters the mixture has.
    pub parameters: usize,
    /// Whether the best restart converged before `max_iter`.
    pub converged: bool,
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
        Ok(fits.into_iter().map(|fit| fit.into_partition(dataset.matrix())).collect())
    }

    /// Only the KMeans that it starts from is computed on a device.
    fn multiply_adds(&self, matrix: &Matrix, ks: &[usize]) -> f64 {
        kmeans_of(0).multiply_adds(matrix, ks) * self.n_init as f64
    }

    fn n_init(&self) -> usize {
        self.n_init
    }

    fn set_n_init(&mut self, n_init: usize) {
        self.n_init = n_init;
    }

    /// Each row's label at the start of each restart.
    fn bytes(&self, matrix: &Matrix, ks: &[usize]) -> u64 {
        4 * (matrix.rows() as u64).saturating_mul((self.n_init as u64).saturating_mul(ks.len() as u64))
    }

    fn takes_start(&self) -> bool {
        true
    }

    fn can_be_regrouped(&self) -> bool {
        true
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn set_seed(&mut self, seed: u64) {
        self.seed = seed;
    }
}

/// The KMeans that a restart begins with: scikit-learn's, with one restart.
fn kmeans_of(seed: u64) -> kmeans::Params {
    kmeans::Params { seed, n_init: 1, ..kmeans::Params::default() }
}

fn check(matrix: &Matrix, ks: &[usize], params: &Params) -> Result<()> {
    if ks.is_empty() || ks.contains(&0) {
        return Err(Error::Usage("k must be at least 1".into()));
    }
    if params.n_init == 0 || params.max_iter == 0 {
        return Err(Error::Usage("n_init and max_iter must be at least 1".into()));
    }
    for (name, value) in [("tol", params.tol), ("reg_covar", params.reg_covar)] {
        if !value.is_finite() || value < 0.0 {
            return Err(Error::Usage(format!("{name} must be a number, 0 or more")));
        }
    }
    kmeans::enough_rows(matrix, ks)
}
