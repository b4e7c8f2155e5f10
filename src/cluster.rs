//! Clustering methods, each written once against the [backend](crate::backend)'s primitives.
//!
//! Every method returns a [`Partition`]; [`Method`] is the registry of all of them.

pub mod affinity;
pub mod agglomerative;
mod chain;
pub mod dbscan;
pub mod gmm;
pub mod kmeans;
pub mod linkage;
mod method;
mod partition;
mod seeding;
pub mod ward;
mod wide;

pub use kmeans::{Fit, Params, Start, fit, fit_many};
pub use linkage::{Linkage, Merge};
pub use method::{Algorithm, Method};
pub use partition::{CorePoints, Details, Diagnostics, Labels, Partition, Prototypes, Restarts};
pub use seeding::SEEDING_ROWS;
