//! Segments a whole platform's users: exact on every row, and the same answer to the last bit on every device.
//!
//! A table goes through these rooms, from left to right; a file imports only from rooms to its left:
//!
//! ```text
//! error, weights, matrix, canonical  ->  backend  ->  cluster, evidence  ->  model  ->  (binary: job, cli, main)
//! error, memory, matrix     ->  table    ->  recipe            ->  model
//! ```
//!
//! - [`table`] reads typed columns; [`recipe`] chooses features and turns columns into them;
//! - [`matrix`] snaps them to a grid, so that sums are whole numbers; [`canonical`] defines distance;
//! - [`backend`] has the primitives, each a WGSL shader and a SIMD twin; [`ceiling`] what a device can do at most;
//! - [`cluster`] and [`evidence`] are algorithms, written once against the primitives;
//! - [`model`] is what is saved, and labels new rows; [`synth`] makes tables to try things on.
//!
//! ```
//! use segmenta::Dataset;
//! use segmenta::backend::cpu::Cpu;
//! use segmenta::cluster::{Params, Start, fit};
//! use segmenta::progress::Progress;
//!
//! let blobs = segmenta::synth::blobs(1_000, 4, 3, 0);
//! let names = (0..4).map(|j| format!("f{j}")).collect();
//! let matrix = segmenta::Matrix::from_columns(names, blobs.columns)?;
//! let cpu = Cpu::default();
//! let dataset = Dataset::load(&cpu, &matrix)?;
//! let fit = fit(&dataset, 3, &Params::default(), &Start::KMeansPlusPlus, Progress::none())?;
//! assert_eq!(fit.sizes.iter().sum::<u64>(), 1_000);
//! # Ok::<(), segmenta::Error>(())
//! ```
//!
//! ARCHITECTURE.md, in the repository, tells why things are as they are.

#![deny(missing_docs)]
#![deny(unsafe_code)]

pub mod backend;
pub mod canonical;
pub mod ceiling;
pub mod cluster;
pub mod dataset;
pub mod error;
pub mod evidence;
pub mod matrix;
pub mod memory;
pub mod model;
pub mod progress;
pub mod random;
pub mod recipe;
pub mod synth;
pub mod table;
pub mod weights;

pub use dataset::Dataset;
pub use error::{Error, Result};
pub use matrix::Matrix;
