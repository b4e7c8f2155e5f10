//! One binary for all integration tests: it links once.

mod analysis;
mod bounds;
mod cases;
#[cfg(feature = "cli")]
mod cli;
mod contract;
mod devices;
#[cfg(feature = "cli")]
mod documents;
mod goldens;
mod house;
mod kmeans;
#[cfg(feature = "parquet")]
mod limited;
mod matrix;
mod memory;
mod metrics;
mod model;
mod oracle;
mod prepared;
mod primitives;
#[cfg(feature = "cli")]
mod real;
mod recipe;
mod synth;
mod table;
mod threads;
mod weights;
