//! One binary for all integration tests: it links once.

mod analysis;
mod bounds;
mod cases;
mod cli;
mod contract;
mod describe;
mod devices;
mod documents;
mod goldens;
mod gpu;
mod house;
mod how_many;
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
mod profile;
mod real;
mod recipe;
mod rules;
mod seeding;
mod structure;
mod synth;
mod table;
mod threads;
mod weights;
