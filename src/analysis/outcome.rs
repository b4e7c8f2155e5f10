//! What an analysis found out: everything that a writer of results needs.

use crate::backend::Description;
use crate::cluster::{Partition, SweepRow};
use crate::evidence::hopkins::Hopkins;
use crate::matrix::Matrix;
use crate::model::{Assignment, Model};
use crate::recipe::Encoder;
use serde::Serialize;

/// What an analysis found out. Serialised, it is the body of `metrics.json`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Outcome {
    /// Rows of the table, or of its groups where the recipe brings rows together.
    pub rows: usize,
    /// How many of the fit's rows are distinct, where each of these was computed once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distinct_rows: Option<usize>,
    /// Rows of weight 0: labelled, but nothing is learned from them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weightless: Option<usize>,
    /// Rows that the fit does not have, outliers among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excluded: Option<usize>,
    /// Rows left out as outliers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outliers: Option<usize>,
    /// The features' names.
    pub features: Vec<String>,
    /// Hopkins' statistic, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hopkins: Option<Tendency>,
    /// One for each k of the sweep, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Vec<SweepLine>>,
    /// The k that the sweep chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Chosen>,
    /// How many segments the fit has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<usize>,
    /// Sum of the squared distances of the rows to their centroids, in the scaled feature space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inertia: Option<f64>,
    /// Passes of the best restart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_iter: Option<usize>,
    /// Whether the best restart converged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub converged: Option<bool>,
    /// The segments' sizes, by their numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sizes: Option<Vec<u64>>,
    /// The mean silhouette of the fit, where it was computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silhouette: Option<f64>,
    /// Rows that silhouettes were computed on, where not on all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silhouette_sample: Option<usize>,
    /// The segments, by their numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segments: Option<Vec<Segment>>,
    /// Who moved since the model that the fit started from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration: Option<Migration>,
    /// The seed of all draws.
    pub seed: u64,
    /// The device, where one was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceUsed>,
    /// For each pass of the sweep or the fit, the (row, restart) pairs that f32 could not prove and f64 decided.
    #[serde(rename = "undecided", skip_serializing_if = "Vec::is_empty")]
    pub f64_fallbacks: Vec<u64>,
    /// How long each stage took.
    pub seconds: Seconds,
    /// That a smaller k scores higher than the chosen one.
    #[serde(skip)]
    pub passed_over: Option<PassedOver>,
    /// The model of the fit.
    #[serde(skip)]
    pub model: Option<Model>,
    /// The table's rows and their segments.
    #[serde(skip)]
    pub labelled: Option<Labelled>,
}

/// A table's rows and their segments.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// The id column's name and cells; `None`: rows are numbered.
    pub ids: Option<(String, Vec<String>)>,
    /// For each row its segment; none where the fit does not have the row.
    pub rows: Vec<Option<Assignment>>,
    /// Which rows were left out as outliers, ascending.
    pub outliers: Vec<u32>,
    /// The segments' names, by their numbers.
    pub names: Vec<Option<String>>,
}

/// Seconds of each stage that there was.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Seconds {
    /// Reading the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<f64>,
    /// From columns to the matrix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prepare: Option<f64>,
    /// Hopkins' statistic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tendency: Option<f64>,
    /// FitReport, of the sweep too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fit: Option<f64>,
    /// Silhouettes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silhouette: Option<f64>,
    /// Labelling all rows and writing files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write: Option<f64>,
    /// All of it.
    pub total: f64,
}

/// The device and why it was taken.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceUsed {
    /// `cpu` or `gpu`.
    pub backend: &'static str,
    /// Threads and instruction set, or the adapter and its driver.
    pub name: String,
    /// Why this one.
    pub reason: String,
}

impl DeviceUsed {
    /// From a backend's description.
    pub fn new(description: Description, reason: &str) -> Self {
        DeviceUsed { backend: description.backend, name: description.name, reason: reason.into() }
    }
}

/// A segment of a fit.
#[derive(Debug, Clone, Serialize)]
pub struct Segment {
    /// Its number: 0 is the largest, unless an earlier model said otherwise.
    pub segment: u32,
    /// Its name, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many rows.
    pub size: u64,
    /// The weight of its rows, where rows have weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// Its share of the rows, or of their weight.
    pub share: f64,
    /// A value for each feature, in the table's own units.
    pub centroid: Vec<f64>,
}

/// One k of a sweep.
#[derive(Debug, Clone, Serialize)]
pub struct SweepLine {
    /// The k.
    pub k: usize,
    /// The inertia of the best restart.
    pub inertia: f64,
    /// The mean silhouette; none for k = 1.
    pub silhouette: Option<f64>,
    /// The share of the smallest segment, in per cent.
    pub min_segment_pct: f64,
    /// Passes of the best restart.
    pub n_iter: usize,
}

impl From<&SweepRow> for SweepLine {
    fn from(row: &SweepRow) -> Self {
        let partition = &row.partition;
        SweepLine {
            k: partition.k,
            inertia: partition.diagnostics.inertia,
            silhouette: row.silhouette,
            min_segment_pct: partition.min_segment_pct(),
            n_iter: partition.diagnostics.n_iter,
        }
    }
}

/// The chosen k.
#[derive(Debug, Clone, Serialize)]
pub struct Chosen {
    /// The k.
    pub k: usize,
    /// Why, in words.
    pub rule: String,
}

/// A k below the smallest allowed one scores higher than the chosen k.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PassedOver {
    /// The k that was passed over, and its score.
    pub better: (usize, f64),
    /// The chosen k, and its score.
    pub chosen: (usize, f64),
}

/// Hopkins' statistic.
#[derive(Debug, Clone, Serialize)]
pub struct Tendency {
    /// With exponent 1, as notebooks compute it.
    pub exponent_1: f64,
    /// With exponent d, the number of features, as the literature defines it.
    pub exponent_d: f64,
    /// The chance that a uniform table has an `exponent_d` this high.
    pub p_value: f64,
    /// Probes of each kind.
    pub probes: usize,
}

impl From<&Hopkins> for Tendency {
    fn from(h: &Hopkins) -> Self {
        Tendency { exponent_1: h.exponent_1, exponent_d: h.exponent_d, p_value: h.p_value, probes: h.probes }
    }
}

/// Who moved from which segment of an earlier model to which segment of this one.
#[derive(Debug, Clone, Serialize)]
pub struct Migration {
    /// The earlier model.
    pub from: String,
    /// Rows by old segment and new, in the order of their numbers.
    pub rows: Vec<Vec<u64>>,
    /// Rows that have both and whose segment changed.
    pub moved: u64,
    /// Their share of the rows that have both.
    pub share: f64,
}

impl Migration {
    /// From counts by old and new segment.
    pub fn new(from: String, rows: Vec<Vec<u64>>) -> Self {
        let all: u64 = rows.iter().flatten().sum();
        let stayed: u64 = rows.iter().enumerate().map(|(s, row)| row[s]).sum();
        Migration { from, rows, moved: all - stayed, share: (all - stayed) as f64 / all.max(1) as f64 }
    }
}

impl Outcome {
    /// Takes in a sweep.
    pub(super) fn add_sweep(&mut self, rows: &[SweepRow]) {
        self.sweep = Some(rows.iter().map(SweepLine::from).collect());
        self.f64_fallbacks = rows.first().map_or_else(Vec::new, |r| r.partition.f64_fallbacks.clone());
    }

    /// Takes in the final partition. `numbers` are the segments' numbers in the order of the labels; `names` are by
    /// number.
    pub(super) fn add_fit(
        &mut self,
        partition: &Partition,
        numbers: &[u32],
        names: &[Option<String>],
        matrix: &Matrix,
        encoder: &Encoder,
    ) {
        let centroids = partition.prototypes.centroids();
        let encoders = encoder.by_feature();
        let total: u128 = partition.weights.iter().sum();
        let weights = matrix.sample_weights().filter(|w| !w.is_count());
        let mut segments: Vec<Segment> = numbers
            .iter()
            .copied()
            .zip(partition.sizes.iter().zip(&partition.weights))
            .zip(centroids.iter())
            .map(|((segment, (&size, &weight)), values)| Segment {
                segment,
                name: names.get(segment as usize).cloned().flatten(),
                size,
                weight: weights.map(|w| w.as_given(weight)),
                share: weight as f64 / total as f64,
                centroid: values
                    .iter()
                    .zip(&encoders)
                    .map(|(&v, encoder)| encoder.to_original(matrix.to_user(f64::from(v))))
                    .collect(),
            })
            .collect();
        segments.sort_by_key(|s| s.segment);
        self.k = Some(partition.k);
        self.inertia = Some(partition.diagnostics.inertia);
        self.n_iter = Some(partition.diagnostics.n_iter);
        self.converged = Some(partition.diagnostics.converged);
        self.sizes = Some(segments.iter().map(|s| s.size).collect());
        self.segments = Some(segments);
        self.f64_fallbacks.clone_from(&partition.f64_fallbacks);
    }

    /// What does not meet the gates, each as a sentence.
    pub fn missed(&self, gates: &super::Gates) -> Vec<String> {
        let shares = self.segments.iter().flatten().map(|segment| segment.share);
        let pct = 100.0 * shares.fold(1.0, f64::min);
        let mut missed = Vec::new();
        if self.converged == Some(false) {
            let passes = self.n_iter.unwrap_or(0);
            let word = if passes == 1 { "pass" } else { "passes" };
            missed.push(format!("not converged after {passes} {word}"));
        }
        if pct < gates.min_segment_pct {
            missed.push(format!("the smallest segment has {pct:.3} %, under {} %", gates.min_segment_pct));
        }
        missed
    }
}
