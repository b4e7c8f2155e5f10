//! Flags that choose the clustering method and its parameters.

use super::groups::{Restarts, restarts};
use clap::Args;
use clap::builder::PossibleValuesParser;
use segmenta::Error;
use segmenta::analysis::Spec;
use segmenta::cluster::{Algorithm as _, Method, Params, affinity};

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
    #[command(flatten)]
    pub affinity: AffinityFlags,
}

/// How KMeans runs.
#[derive(Debug, Clone, Args)]
pub struct KMeansFlags {
    /// Number of k-means++ restarts; the one with the lowest inertia is kept. With auto, there are 10, and 10 more until
    /// three agree on the best inertia to 0.1 %, at most 60 [default: auto]
    #[arg(long, value_name = "N|auto", value_parser = restarts, help_heading = "KMeans")]
    pub n_init: Option<Restarts>,
    /// The most passes over the rows that a restart may take [default: 300], or the most iterations of affinity
    /// propagation [default: 200]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "KMeans")]
    pub max_iter: Option<u32>,
    /// A restart has converged when its centroids' total squared shift in a pass is at most T times the mean variance of
    /// the features; with 0, when no centroid moves [default: 0.0001]
    #[arg(long, value_name = "T", value_parser = super::tolerance, help_heading = "KMeans")]
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
            Method::KMeans(params) => {
                known.extend(["--n-init", "--max-iter", "--tol"]);
                *params = self.kmeans.params();
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
            ("--damping", affinity.damping.is_some()),
            ("--preference", affinity.preference.is_some()),
            ("--convergence-iter", affinity.convergence_iter.is_some()),
        ];
        all.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag).collect()
    }
}

impl KMeansFlags {
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
