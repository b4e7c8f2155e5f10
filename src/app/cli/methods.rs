//! Flags that choose the clustering method and its parameters.

use super::groups::{Restarts, restarts};
use clap::Args;
use clap::builder::PossibleValuesParser;
use segmenta::Error;
use segmenta::analysis::Spec;
use segmenta::cluster::{Method, Params};

/// The clustering method and how it runs.
#[derive(Debug, Clone, Args)]
pub struct MethodFlags {
    /// Clustering method
    #[arg(long, value_name = "METHOD", value_parser = PossibleValuesParser::new(Method::NAMES), default_value = Method::NAMES[0],
          help_heading = "Method")]
    pub method: String,
    #[command(flatten)]
    pub kmeans: KMeansFlags,
}

/// How KMeans runs.
#[derive(Debug, Clone, Args)]
pub struct KMeansFlags {
    /// Number of k-means++ restarts; the one with the lowest inertia is kept. With auto, there are 10, and 10 more until
    /// three agree on the best inertia to 0.1 %, at most 60 [default: auto]
    #[arg(long, value_name = "N|auto", value_parser = restarts, help_heading = "KMeans")]
    pub n_init: Option<Restarts>,
    /// The most passes over the rows that a restart may take [default: 300]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "KMeans")]
    pub max_iter: Option<u32>,
    /// A restart has converged when its centroids' total squared shift in a pass is at most T times the mean variance of
    /// the features; with 0, when no centroid moves [default: 0.0001]
    #[arg(long, value_name = "T", value_parser = super::tolerance, help_heading = "KMeans")]
    pub tol: Option<f64>,
}

impl MethodFlags {
    /// Sets the method of an analysis to these flags.
    ///
    /// # Errors
    /// A flag that the method does not have.
    pub fn apply(&self, spec: &mut Spec) -> Result<(), Error> {
        spec.method = Method::named(&self.method).unwrap_or_default();
        let given = self.given();
        let mut known: Vec<&str> = Vec::new();
        match &mut spec.method {
            Method::KMeans(params) => {
                known.extend(["--n-init", "--max-iter", "--tol"]);
                *params = Params {
                    max_iter: self.kmeans.max_iter.map_or(params.max_iter, |n| n as usize),
                    tol: self.kmeans.tol.unwrap_or(params.tol),
                    ..Params::auto()
                };
            }
        }
        if let Some(n_init) = self.kmeans.n_init {
            n_init.apply(spec);
        }
        match given.iter().find(|flag| !known.contains(flag)) {
            None => Ok(()),
            Some(flag) => {
                let (method, known) = (&self.method, known.join(", "));
                let own = if known.is_empty() {
                    "which has no flags of its own".into()
                } else {
                    format!("whose flags are {known}")
                };
                Err(Error::Usage(format!("{flag} is not a flag of --method {method}, {own}")))
            }
        }
    }

    /// The flags of any method that the user gave.
    fn given(&self) -> Vec<&'static str> {
        let kmeans = &self.kmeans;
        let all = [
            ("--n-init", kmeans.n_init.is_some()),
            ("--max-iter", kmeans.max_iter.is_some()),
            ("--tol", kmeans.tol.is_some()),
        ];
        all.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag).collect()
    }
}
