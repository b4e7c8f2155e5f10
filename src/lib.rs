//! segmenta
#![deny(missing_docs)]
#![forbid(unsafe_code)]
pub mod backend;
pub mod canonical;
pub mod cluster;
pub mod error;
pub mod matrix;
pub mod metrics;
pub mod model;
pub mod progress;
pub mod random;
pub mod recipe;
pub mod synth;
pub mod table;
pub use error::{Error, Result};
pub use matrix::Matrix;
