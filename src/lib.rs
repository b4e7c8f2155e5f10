//! Segments a whole platform's users: exact on every row, with the same answer to the last bit on every device.
//!
//! # A whole analysis
//!
//! An analysis reads a table, turns its columns into features, and finds segments. A [`Spec`](analysis::Spec) says what
//! to do; everything that it leaves out has a default. [`analysis::run`] does it and returns an
//! [`Outcome`](analysis::Outcome):
//!
//! ```
//! use segmenta::analysis::{Compute, Silent, Source, Spec, run};
//! use segmenta::report::{json::Document, assignments};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("learners.csv");
//! # segmenta::synth::learners(3_000, 0).write_csv(&mut std::fs::File::create(&path)?)?;
//! let mut spec = Spec::default();
//! spec.input.path = Some(path); // learners.csv
//! spec.choose_k.min_k = 4; // of the k from 2 to 10, take the best from 4 on
//! let outcome = run(&spec, Source::Spec, &Compute::default(), &Silent)?;
//! for segment in outcome.segments.iter().flatten() {
//!     println!("segment {}: {} rows, {:.1} %", segment.segment, segment.size, 100.0 * segment.share);
//! }
//! let model = outcome.model.as_ref().unwrap().to_json(); // labels next month's users
//! let metrics = Document::new("fit", &outcome, None).to_json();
//! # assert!(outcome.k.unwrap() >= 4 && metrics.contains("inertia") && model.contains("centroids"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A recipe file ([`Spec::read`](analysis::Spec::read)) says the same in TOML, and makes columns of others before they
//! become features.
//!
//! # Next month's users
//!
//! A saved [`Model`](model::Model) holds everything that is needed to label a new row, whatever machine it is read on:
//!
//! ```
//! # use segmenta::analysis::{Compute, Fit, Silent, Source, Spec, run};
//! # use segmenta::synth::Example;
//! # let spec = Spec { fit: Some(Fit { k: Some(3), ..Fit::default() }), ..Spec::default() };
//! # let outcome = run(&spec, Source::from(Example::Learners.table(2_000, 0)), &Compute::default(), &Silent)?;
//! # let json = outcome.model.unwrap().to_json();
//! use segmenta::{backend::cpu::Cpu, model::Model};
//!
//! let model = Model::from_json(&json)?; // or Model::read(path)
//! let next_month = Example::Learners.table(500, 1);
//! let assigned = model.assign(&next_month, &Cpu::default())?;
//! assert_eq!(assigned.rows.len(), 500);
//! let drift = model.drift(&next_month, &Cpu::default())?;
//! println!("population stability index of the segments' shares: {:.3}", drift.segments_psi);
//! # Ok::<(), segmenta::Error>(())
//! ```
//!
//! # The parts
//!
//! The algorithms can be used on their own. A [`Matrix`] snaps values to a grid, so that sums are whole numbers and do
//! not depend on the order of the rows; a [`Dataset`] is a matrix that is resident on a device:
//!
//! ```
//! use segmenta::cluster::{Params, Start, fit};
//! use segmenta::evidence::silhouette::silhouette_scores;
//! use segmenta::{Dataset, Matrix, backend::Labeling, backend::cpu::Cpu, progress::Progress};
//!
//! let blobs = segmenta::synth::blobs(1_000, 4, 3, 0);
//! let names = (0..4).map(|j| format!("f{j}")).collect();
//! let matrix = Matrix::from_columns(names, blobs.columns)?;
//! let cpu = Cpu::default();
//! let dataset = Dataset::load(&cpu, &matrix)?;
//! let fit = fit(&dataset, 3, &Params::default(), &Start::KMeansPlusPlus, Progress::none())?;
//! let labeling = Labeling { k: 3, labels: &fit.labels };
//! let silhouette = silhouette_scores(&dataset, &[labeling], Progress::none())?[0];
//! assert!(silhouette > 0.2);
//! # Ok::<(), segmenta::Error>(())
//! ```
//!
//! # Where things are
//!
//! Data flows one way, and a module imports only from modules to its left:
//!
//! ```text
//! error, random, progress, weights, matrix, canonical -> backend -> dataset -> cluster, evidence -> stability -> sweep, structure -> model
//! error, linear, evidence -> embed
//! error, memory, matrix, embed -> table -> labels, synth, describe, profile, recipe -> model, questions -> analysis -> report -> (the program)
//! ```
//!
//! - [`table`] reads typed columns; [`describe`] says what is in them; [`recipe`] chooses features and turns columns into them; [`synth`] makes up tables;
//! - [`matrix`] holds the features on their grid, [`weights`] the rows' weights; [`canonical`] defines distance;
//! - [`backend`] has the primitives (pairwise distances that are reduced on the fly), each as a WGSL compute shader and in
//!   SIMD on the CPU;
//! - [`cluster`], [`evidence`], [`stability`] and [`sweep`] are algorithms, written once against the primitives;
//! - [`structure`] tells structure from noise; [`questions`] asks a table and its segments what a recipe wants to know;
//! - [`labels`] reads a labelling of rows from a file, and finds the same rows in another;
//! - [`embed`] reduces many features to few columns: principal components, and layouts by UMAP;
//! - [`model`] is what is saved, and labels new rows;
//! - [`analysis`] puts all of this together; [`report`] writes what it found.
//!
//! # Features
//!
//! `gpu` (wgpu), `parquet` and `zstd` (Parquet and Arrow files), and `cli` (the program `segmenta` and its writers for a
//! terminal) are on by default. `--no-default-features` leaves a small library that computes on the CPU and reads CSV and
//! `.npy`.
//!
//! # What it does not do
//!
//! A table must fit into memory. The clustering method is KMeans. Silhouettes and Hopkins' statistic agree between devices
//! to 1e-5 and to the last bit, respectively; labels, centroids and inertia to the last bit.
//!
//! ARCHITECTURE.md, in the repository, tells why things are as they are.

#![deny(missing_docs)]
#![deny(unsafe_code)]

pub mod analysis;
pub mod backend;
pub mod canonical;
pub mod cluster;
pub mod dataset;
pub mod describe;
pub mod embed;
pub mod error;
pub mod evidence;
pub mod labels;
pub mod linear;
pub mod matrix;
pub mod memory;
pub mod model;
pub mod profile;
pub mod progress;
pub mod questions;
pub mod random;
pub mod recipe;
pub mod report;
pub mod stability;
pub mod structure;
pub mod sweep;
pub mod synth;
pub mod table;
pub mod weights;

pub use dataset::Dataset;
pub use error::{Error, Result};
pub use matrix::Matrix;
