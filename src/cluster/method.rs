//! The clustering methods by name, and what they have in common.
//!
//! To add a method: write `cluster/NAME.rs` with a parameter type that implements [`Algorithm`], and add its line to
//! the registry at the end of this file. The command line, recipes, `model.json` and the conformance test take it from
//! there. A method that labels new rows in a way of its own also needs an arm in [`crate::model::Assigner`].

use super::affinity;
use super::dbscan;
use super::gmm;
use super::kmeans::{self, Start};
use super::partition::{Details, Partition};
use super::{agglomerative, ward};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::matrix::Matrix;
use crate::progress::Progress;
use serde::{Deserialize, Serialize};

/// What every clustering method can do. It is implemented by the type that holds the method's parameters.
pub trait Algorithm {
    /// Splits the rows, once for each k of `ks`, in their order. A method that finds the number of clusters by itself
    /// takes no notice of `ks` and returns one partition.
    ///
    /// # Errors
    /// Parameters that cannot be used; more clusters than distinct rows; start centroids that do not fit; a device that
    /// failed; [`crate::Error::Interrupted`].
    fn partitions(
        &self,
        dataset: &Dataset<'_>,
        ks: &[usize],
        start: &Start,
        progress: Progress<'_>,
    ) -> Result<Vec<Partition>>;

    /// About how many multiply-adds that takes, by which a device is chosen and the time is estimated.
    fn multiply_adds(&self, matrix: &Matrix, ks: &[usize]) -> f64;

    /// How many bytes that takes beside the matrix and the labels of its rows, as far as it grows with the rows. An analysis
    /// refuses to begin what does not fit.
    fn bytes(&self, _matrix: &Matrix, _ks: &[usize]) -> u64 {
        0
    }

    /// Whether the method finds the number of clusters by itself, so that nobody chooses a k.
    fn finds_k(&self) -> bool {
        false
    }

    /// Whether the method can begin with given centroids ([`Start::Given`]). The others take no notice of them.
    fn takes_start(&self) -> bool {
        false
    }

    /// Whether its clusters can be merged and split afterwards.
    fn can_be_regrouped(&self) -> bool {
        false
    }

    /// How many restarts it does for each k.
    fn n_init(&self) -> usize {
        1
    }

    /// Whether more restarts follow until some agree.
    fn is_auto(&self) -> bool {
        false
    }

    /// Sets the restarts to exactly so many, where the method has any.
    fn set_n_init(&mut self, _n_init: usize) {}

    /// The seed of its random draws; 0 where the method has none.
    fn seed(&self) -> u64 {
        0
    }

    /// Sets the seed of its random draws, where the method has any.
    fn set_seed(&mut self, _seed: u64) {}
}

/// Makes [`Method`] from the registry: one line a method, with its name in files and its parameters.
macro_rules! registry {
    ($($(#[$doc:meta])* $name:literal => $method:ident($parameters:ty),)+) => {
        /// A clustering method and its parameters.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "method")]
        pub enum Method {
            $($(#[$doc])* #[serde(rename = $name)] $method($parameters),)+
        }

        impl Method {
            /// The names of all methods.
            pub const NAMES: &[&str] = &[$($name),+];

            /// Every method with its default parameters.
            pub fn all() -> Vec<Method> {
                vec![$(Method::$method(<$parameters>::default())),+]
            }

            /// The method of that name with its default parameters.
            pub fn named(name: &str) -> Option<Method> {
                Self::all().into_iter().find(|method| method.name() == name)
            }

            /// The method's name on the command line and in files.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Method::$method(_) => $name,)+
                }
            }
        }

        impl std::ops::Deref for Method {
            type Target = dyn Algorithm;

            fn deref(&self) -> &Self::Target {
                match self {
                    $(Method::$method(parameters) => parameters,)+
                }
            }
        }

        impl std::ops::DerefMut for Method {
            fn deref_mut(&mut self) -> &mut Self::Target {
                match self {
                    $(Method::$method(parameters) => parameters,)+
                }
            }
        }
    };
}

registry! {
    /// KMeans (Lloyd, 1982).
    "kmeans" => KMeans(kmeans::Params),
    /// Ward's method (Ward, 1963).
    "ward" => Ward(ward::Params),
    /// Complete linkage.
    "complete" => Complete(agglomerative::Complete),
    /// Average linkage.
    "average" => Average(agglomerative::Average),
    /// DBSCAN (Ester, Kriegel, Sander and Xu, 1996).
    "dbscan" => Dbscan(dbscan::Params),
    /// Gaussian mixtures (Dempster, Laird and Rubin, 1977).
    "gmm" => Gmm(gmm::Params),
    /// Affinity propagation (Frey and Dueck, 2007).
    "affinity" => Affinity(affinity::Params),
}

impl Method {
    /// What people call the method in a sentence.
    pub fn title(&self) -> &'static str {
        match self {
            Method::KMeans(_) => "KMeans",
            Method::Ward(_) => "Ward's method",
            Method::Complete(_) => "complete linkage",
            Method::Average(_) => "average linkage",
            Method::Dbscan(_) => "DBSCAN",
            Method::Gmm(_) => "Gaussian mixture",
            Method::Affinity(_) => "affinity propagation",
        }
    }

    /// The method with the parameters that a fit has settled on, where it tried several.
    pub fn settled(&self, details: &Details) -> Method {
        match (self, details) {
            (Method::Dbscan(_), Details::Dbscan(found)) => Method::Dbscan(found.params()),
            _ => self.clone(),
        }
    }
}

/// KMeans, with restarts until three agree.
impl Default for Method {
    fn default() -> Self {
        Method::KMeans(kmeans::Params::auto())
    }
}
