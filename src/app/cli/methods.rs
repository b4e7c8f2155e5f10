//! Flags that choose the clustering method and its parameters.

use super::groups::{Restarts, restarts};
use clap::Args;
use clap::builder::PossibleValuesParser;
use segmenta::Error;
use segmenta::analysis::Spec;
use segmenta::cluster::agglomerative::{Average, Complete};
use segmenta::cluster::gmm::{self, Covariance};
use segmenta::cluster::{Algorithm as _, Method, Params, affinity, dbscan, ward};

/// The clustering method and how it runs.
#[derive(Debug, Clone, Args)]
pub struct MethodFlags {
    /// Clustering method
    #[arg(long, value_name = "METHOD", value_parser = PossibleValuesParser::new(Method::NAMES), default_value = Method::NAMES[0],
          help_heading = "Method")]
    pub method: String,
    #[command(flatten)]
    pub parameters: MethodParameters,
}

/// The parameters of all methods.
#[derive(Debug, Clone, Args)]
pub struct MethodParameters {
    #[command(flatten)]
    pub kmeans: KMeansFlags,
    /// Cut the tree at this height instead of into K segments, as the height is in linkage.npy; ward, complete and average
    #[arg(long, value_name = "H", value_parser = super::tolerance, help_heading = "Hierarchical methods")]
    pub cut_height: Option<f64>,
    #[command(flatten)]
    pub dbscan: DbscanFlags,
    #[command(flatten)]
    pub gmm: GmmFlags,
    #[command(flatten)]
    pub affinity: AffinityFlags,
}

/// What is dense for DBSCAN.
#[derive(Debug, Clone, Args)]
pub struct DbscanFlags {
    /// How near two rows must be to be neighbours, in the scaled feature space; several radii, separated by commas, are tried
    /// one by one and make a table [default: the knee of the k-distance curve]
    #[arg(long, value_name = "E[,E...]", value_delimiter = ',', value_parser = radius, help_heading = "DBSCAN")]
    pub eps: Option<Vec<f64>>,
    /// How many rows within --eps, itself included, make a row a core point; several numbers, separated by commas, are tried
    /// with each radius [default: 5]
    #[arg(long, value_name = "N[,N...]", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..),
          help_heading = "DBSCAN")]
    pub min_samples: Option<Vec<u32>>,
}

impl DbscanFlags {
    /// The parameters of DBSCAN.
    fn params(&self) -> dbscan::Params {
        let default = dbscan::Params::default();
        dbscan::Params {
            eps: self.eps.clone().unwrap_or(default.eps),
            min_samples: self.min_samples.clone().unwrap_or(default.min_samples),
        }
    }
}

/// A positive number.
fn radius(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(eps) if eps > 0.0 && eps.is_finite() => Ok(eps),
        _ => Err("expected a positive number".into()),
    }
}

/// How Gaussian mixtures are fitted, beside the flags that they share with KMeans.
#[derive(Debug, Clone, Args)]
pub struct GmmFlags {
    /// Shape of the components: full (each has a covariance matrix of its own), tied (one matrix for all), diag (a variance
    /// for each feature; also diagonal), spherical (one variance) [default: full]
    #[arg(long, value_name = "SHAPE", value_parser = covariance, help_heading = "Gaussian mixtures")]
    pub covariance: Option<Covariance>,
    /// Added to each variance, in squared units of the scaled features; it keeps a component alive that sits on one point,
    /// or in which features depend on each other [default: 0.000001]
    #[arg(long, value_name = "V", value_parser = super::tolerance, help_heading = "Gaussian mixtures")]
    pub reg_covar: Option<f64>,
}

/// Reads the shape of components.
fn covariance(text: &str) -> Result<Covariance, String> {
    let found = Covariance::WORDS.iter().find(|(word, _)| *word == text);
    found.map(|(_, covariance)| *covariance).ok_or_else(|| "expected full, tied, diag or spherical".into())
}

/// How KMeans runs.
#[derive(Debug, Clone, Args)]
pub struct KMeansFlags {
    /// Number of k-means++ restarts; the one with the lowest inertia is kept. With auto, there are 10, and 10 more until
    /// three agree on the best inertia to 0.1 %, at most 60. With gmm: number of KMeans fits to start from; the mixture with the
    /// highest likelihood is kept, and auto is 1 [default: auto]
    #[arg(long, value_name = "N|auto", value_parser = restarts, help_heading = "KMeans and Gaussian mixtures")]
    pub n_init: Option<Restarts>,
    /// The most passes over the rows that a restart may take [default: 300; with gmm 100], or the most iterations of affinity
    /// propagation [default: 200]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "KMeans and Gaussian mixtures")]
    pub max_iter: Option<u32>,
    /// A restart has converged when its centroids' total squared shift in a pass is at most T times the mean variance of
    /// the features; with 0, when no centroid moves. With gmm: when the mean log-likelihood of a row changes by less than T
    /// [default: 0.0001; with gmm 0.001]
    #[arg(long, value_name = "T", value_parser = super::tolerance, help_heading = "KMeans and Gaussian mixtures")]
    pub tol: Option<f64>,
}

/// How affinity propagation runs. It also has `--max-iter`.
#[derive(Debug, Clone, Args)]
pub struct AffinityFlags {
    /// How much of its old value each message keeps in an iteration, from 0.5 to below 1. Higher values settle exemplars
    /// that keep changing, and take more iterations [default: 0.5, and 0.9 if the exemplars do not settle]
    #[arg(long, value_name = "D", value_parser = damping, help_heading = "Affinity propagation")]
    pub damping: Option<f64>,
    /// The similarity of each row to itself, in squared units of the scaled features; others have minus their squared
    /// distance. Lower values make fewer segments [default: the median of all similarities]
    #[arg(long, value_name = "P", value_parser = finite, allow_negative_numbers = true, help_heading = "Affinity propagation")]
    pub preference: Option<f64>,
    /// In how many iterations the exemplars must stay the same for the fit to have converged [default: 15]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Affinity propagation")]
    pub convergence_iter: Option<u32>,
}

impl AffinityFlags {
    /// The parameters of affinity propagation.
    fn params(&self, max_iter: Option<u32>) -> affinity::Params {
        let default = affinity::Params::default();
        affinity::Params {
            damping: self.damping,
            preference: self.preference,
            max_iter: max_iter.map_or(default.max_iter, |n| n as usize),
            convergence_iter: self.convergence_iter.map_or(default.convergence_iter, |n| n as usize),
            ..default
        }
    }
}

fn damping(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(d) if (0.5..1.0).contains(&d) => Ok(d),
        _ => Err("expected a number of at least 0.5 and below 1".into()),
    }
}

fn finite(text: &str) -> Result<f64, String> {
    text.parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(|| "expected a number".into())
}

impl MethodFlags {
    /// Sets the method of an analysis to these flags.
    ///
    /// # Errors
    /// A flag that the method does not have.
    pub fn apply(&self, spec: &mut Spec) -> Result<(), Error> {
        let methods = self.parameters.methods(&[self.method.as_str()])?;
        spec.method = methods.into_iter().next().unwrap_or_default();
        Ok(())
    }
}

impl MethodParameters {
    /// The methods of these names with these parameters.
    ///
    /// # Errors
    /// A flag that none of the methods has.
    pub fn methods(&self, names: &[&str]) -> Result<Vec<Method>, Error> {
        let mut known: Vec<&str> = Vec::new();
        let methods = names.iter().map(|name| self.method(name, &mut known)).collect();
        match self.given().into_iter().find(|flag| !known.contains(flag)) {
            None => Ok(methods),
            Some(flag) => {
                let (names, word) = (names.join(", "), if names.len() == 1 { "method" } else { "methods" });
                let own = match known.join(", ") {
                    flags if flags.is_empty() => "which has no flags of its own".into(),
                    flags => format!("whose flags are {flags}"),
                };
                Err(Error::Usage(format!("{flag} is not a flag of the {word} {names}, {own}")))
            }
        }
    }

    /// The method of that name, and the flags that it knows.
    fn method(&self, name: &str, known: &mut Vec<&'static str>) -> Method {
        let mut method = Method::named(name).unwrap_or_default();
        match &mut method {
            Method::Dbscan(params) => {
                known.extend(["--eps", "--min-samples"]);
                *params = self.dbscan.params();
            }
            Method::KMeans(params) => {
                known.extend(["--n-init", "--max-iter", "--tol"]);
                *params = self.kmeans.params();
            }
            Method::Ward(ward::Params { cut_height })
            | Method::Complete(Complete { cut_height })
            | Method::Average(Average { cut_height }) => {
                known.push("--cut-height");
                *cut_height = self.cut_height;
            }
            Method::Gmm(params) => {
                known.extend(["--covariance", "--reg-covar", "--n-init", "--max-iter", "--tol"]);
                self.gmm.set(params);
                self.kmeans.set_mixture(params);
            }
            Method::Affinity(params) => {
                known.extend(["--damping", "--preference", "--convergence-iter", "--max-iter"]);
                *params = self.affinity.params(self.kmeans.max_iter);
            }
        }
        method
    }

    /// The flags that the user gave.
    fn given(&self) -> Vec<&'static str> {
        let (kmeans, affinity) = (&self.kmeans, &self.affinity);
        let all = [
            ("--n-init", kmeans.n_init.is_some()),
            ("--max-iter", kmeans.max_iter.is_some()),
            ("--tol", kmeans.tol.is_some()),
            ("--cut-height", self.cut_height.is_some()),
            ("--eps", self.dbscan.eps.is_some()),
            ("--min-samples", self.dbscan.min_samples.is_some()),
            ("--covariance", self.gmm.covariance.is_some()),
            ("--reg-covar", self.gmm.reg_covar.is_some()),
            ("--damping", affinity.damping.is_some()),
            ("--preference", affinity.preference.is_some()),
            ("--convergence-iter", affinity.convergence_iter.is_some()),
        ];
        all.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag).collect()
    }
}

impl GmmFlags {
    fn set(&self, params: &mut gmm::Params) {
        params.covariance = self.covariance.unwrap_or(params.covariance);
        params.reg_covar = self.reg_covar.unwrap_or(params.reg_covar);
    }
}

impl KMeansFlags {
    /// Sets the parameters that a Gaussian mixture shares with KMeans, where they are given.
    fn set_mixture(&self, params: &mut gmm::Params) {
        if let Some(Restarts::Exactly(n_init)) = self.n_init {
            params.n_init = n_init;
        }
        params.max_iter = self.max_iter.map_or(params.max_iter, |n| n as usize);
        params.tol = self.tol.unwrap_or(params.tol);
    }

    /// The parameters of KMeans.
    fn params(&self) -> Params {
        let default = Params::auto();
        let mut params = Params {
            max_iter: self.max_iter.map_or(default.max_iter, |n| n as usize),
            tol: self.tol.unwrap_or(default.tol),
            ..default
        };
        if let Some(Restarts::Exactly(n_init)) = self.n_init {
            params.set_n_init(n_init);
        }
        params
    }
}
