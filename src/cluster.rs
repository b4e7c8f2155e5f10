//! Clustering algorithms, written once, against the [backend](crate::backend)'s primitives.

pub mod kmeans;
mod seeding;
pub mod sweep;
mod wide;

pub use kmeans::{Fit, Params, Start, fit, fit_many};
pub use seeding::SEEDING_ROWS;
pub use sweep::{Choice, Rule, SweepRow, choose, score};
