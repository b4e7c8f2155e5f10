//! One binary for all integration tests: it links once.

mod cases;
mod contract;
mod devices;
mod house;
mod kmeans;
mod matrix;
mod metrics;
mod oracle;
mod primitives;
mod recipe;
mod synth;
mod table;
