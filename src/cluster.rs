//! Clustering methods, each written once against the [backend](crate::backend)'s primitives.
//!
//! Every method returns a [`Partition`]; [`Method`] is the registry of all of them.

pub mod affinity;
pub mod kmeans;
mod method;
mod partition;
mod seeding;
mod wide;

pub use kmeans::{Fit, Params, Start, fit, fit_many};
pub use method::{Algorithm, Method};
pub use partition::{Details, Diagnostics, Labels, Partition, Prototypes, Restarts};
pub use seeding::SEEDING_ROWS;
