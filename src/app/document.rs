//! What a run found out: as one JSON document, or as a table for people.

use super::figures::{count, number, percent, plain, score, whole};
use super::input::Prepared;
use super::sheet::{Kind, Sheet};
use segmenta::backend::Description;
use segmenta::cluster::{Fit, SweepRow};
use segmenta::evidence::hopkins::Hopkins;
use segmenta::{Matrix, recipe::Encoder};
use serde::Serialize;

/// Seconds of each stage that there was.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Seconds {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prepare: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tendency: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fit: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silhouette: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write: Option<f64>,
    pub total: f64,
}

/// The device and why it.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceUsed {
    pub backend: &'static str,
    pub name: String,
    pub reason: String,
}

impl DeviceUsed {
    pub fn new(description: Description, reason: &str) -> Self {
        DeviceUsed { backend: description.backend, name: description.name, reason: reason.into() }
    }
}

/// A segment of a fit.
#[derive(Debug, Clone, Serialize)]
pub struct Segment {
    pub segment: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub size: u64,
    /// The weight of its rows, where rows have weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// Its share of the rows, or of their weight.
    pub share: f64,
    /// A value a feature, in the table's own units.
    pub centroid: Vec<f64>,
}

/// One k of a sweep.
#[derive(Debug, Clone, Serialize)]
pub struct SweepLine {
    pub k: usize,
    pub inertia: f64,
    pub silhouette: Option<f64>,
    pub min_segment_pct: f64,
    pub n_iter: usize,
}

/// The chosen k.
#[derive(Debug, Clone, Serialize)]
pub struct Chosen {
    pub k: usize,
    pub rule: String,
}

/// Hopkins' statistic.
#[derive(Debug, Clone, Serialize)]
pub struct Tendency {
    pub exponent_1: f64,
    pub exponent_d: f64,
    pub p_value: f64,
    pub probes: usize,
}

impl From<&Hopkins> for Tendency {
    fn from(h: &Hopkins) -> Self {
        Tendency { exponent_1: h.exponent_1, exponent_d: h.exponent_d, p_value: h.p_value, probes: h.probes }
    }
}

/// Who moved from which segment of an earlier model to which of this one.
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
    /// Of counts by old and new segment.
    pub fn new(from: String, rows: Vec<Vec<u64>>) -> Self {
        let all: u64 = rows.iter().flatten().sum();
        let stayed: u64 = rows.iter().enumerate().map(|(s, row)| row[s]).sum();
        Migration { from, rows, moved: all - stayed, share: (all - stayed) as f64 / all.max(1) as f64 }
    }
}

/// A file as it was written.
#[derive(Debug, Clone, Serialize)]
pub struct Written {
    /// Its name.
    pub file: &'static str,
    /// The SHA-256 of its bytes, as `sha256sum` prints it.
    pub sha256: String,
}

/// Everything that a run found out.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Document {
    pub version: &'static str,
    pub command: &'static str,
    /// The name that all files of the run carry; see [`segmenta::model::Model::run`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The assignments that belong to it, where they went into a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignments: Option<Written>,
    pub rows: usize,
    /// How many of the fit's rows are distinct, where each of these was computed once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distinct_rows: Option<usize>,
    /// Rows of weight 0: labelled, but nothing is learned from them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weightless: Option<usize>,
    /// Rows that the fit has not, outliers among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excluded: Option<usize>,
    /// Rows left out as outliers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outliers: Option<usize>,
    pub features: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hopkins: Option<Tendency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Vec<SweepLine>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Chosen>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inertia: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_iter: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub converged: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sizes: Option<Vec<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silhouette: Option<f64>,
    /// Rows that silhouettes were computed on, where not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silhouette_sample: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segments: Option<Vec<Segment>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration: Option<Migration>,
    pub seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceUsed>,
    /// For each pass the (row, start) pairs that f32 could not prove and f64 decided; of the sweep and of the fit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub undecided: Vec<u64>,
    pub seconds: Seconds,
}

impl Document {
    pub fn new(command: &'static str, prepared: &Prepared, seed: u64) -> Self {
        let weightless = prepared.weightless.as_ref().map(|w| w.rows.len());
        let excluded = prepared.rows - prepared.fit_rows() - weightless.unwrap_or(0);
        Document {
            version: env!("CARGO_PKG_VERSION"),
            command,
            rows: prepared.rows,
            distinct_rows: prepared.merged.as_ref().map(|_| prepared.matrix.rows()),
            weightless,
            excluded: (excluded > 0).then_some(excluded),
            features: prepared.matrix.names().to_vec(),
            seed,
            ..Document::default()
        }
    }

    /// Takes in a sweep.
    pub fn add_sweep(&mut self, rows: &[SweepRow]) {
        let line = |r: &SweepRow| SweepLine {
            k: r.fit.k,
            inertia: r.fit.inertia,
            silhouette: r.silhouette,
            min_segment_pct: r.min_segment_pct(),
            n_iter: r.fit.n_iter,
        };
        self.sweep = Some(rows.iter().map(line).collect());
        self.undecided = rows.first().map_or_else(Vec::new, |r| r.fit.undecided.clone());
    }

    /// Takes in the final fit.
    pub fn add_fit(
        &mut self,
        fit: &Fit,
        numbers: &[u32],
        names: &[Option<String>],
        matrix: &Matrix,
        encoder: &Encoder,
    ) {
        let encoders = encoder.by_feature();
        let total: u128 = fit.weights.iter().sum();
        let mut segments: Vec<Segment> = numbers
            .iter()
            .copied()
            .zip(fit.sizes.iter().zip(&fit.weights))
            .zip(fit.centroids.iter())
            .map(|((segment, (&size, &weight)), values)| Segment {
                segment,
                name: names.get(segment as usize).cloned().flatten(),
                size,
                weight: matrix.sample_weights().filter(|w| !w.is_count()).map(|w| w.as_given(weight)),
                share: weight as f64 / total as f64,
                centroid: values
                    .iter()
                    .zip(&encoders)
                    .map(|(&v, encoder)| encoder.to_original(matrix.to_user(f64::from(v))))
                    .collect(),
            })
            .collect();
        segments.sort_by_key(|s| s.segment);
        self.k = Some(fit.k);
        self.inertia = Some(fit.inertia);
        self.n_iter = Some(fit.n_iter);
        self.converged = Some(fit.converged);
        self.sizes = Some(segments.iter().map(|s| s.size).collect());
        self.segments = Some(segments);
        self.undecided.clone_from(&fit.undecided);
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        if let Some(h) = &self.hopkins {
            let p = if h.p_value < 1e-300 { "< 1e-300".into() } else { p_value(h.p_value) };
            text.push_str(&format!(
                "Hopkins' statistic, {0} + {0} probes (near 0.5 is no more clustered than uniform, near 1 is clustered)\n\
                 {1:.4}  exponent 1, as notebooks take it\n\
                 {2:.4}  exponent d = {3}, as the literature defines it; p-value {p} against uniform\n",
                whole(h.probes as u64),
                h.exponent_1,
                h.exponent_d,
                self.features.len(),
            ));
        }
        if let Some(sweep) = &self.sweep {
            let mut sheet = Sheet::new(&[
                ("k", Kind::Number),
                ("inertia", Kind::Number),
                ("silhouette", Kind::Number),
                ("smallest", Kind::Number),
                ("passes", Kind::Number),
                ("", Kind::Prose),
            ]);
            for line in sweep {
                let chosen = self.chosen.as_ref().is_some_and(|c| c.k == line.k);
                sheet.row([
                    line.k.to_string(),
                    number(line.inertia),
                    line.silhouette.map_or_else(|| "-".into(), score),
                    percent(line.min_segment_pct / 100.0),
                    line.n_iter.to_string(),
                    if chosen { "<- chosen".into() } else { String::new() },
                ]);
            }
            separate(&mut text);
            text.push_str(&sheet.to_text());
            let over = self.silhouette_sample.map_or_else(
                || format!("silhouettes exact on {}", count(self.rows - self.excluded.unwrap_or(0), "row")),
                |n| format!("silhouettes on a sample of {}", count(n, "row")),
            );
            match &self.chosen {
                Some(c) => text.push_str(&format!("k = {}: {}; {over}\n", c.k, c.rule)),
                None => text.push_str(&format!("{over}\n")),
            }
        }
        if let Some(segments) = &self.segments {
            let named = segments.iter().any(|s| s.name.is_some());
            let mut sheet = Sheet::new(&[
                ("segment", Kind::Number),
                ("rows", Kind::Number),
                ("share", Kind::Number),
                (if named { "name" } else { "" }, Kind::Prose),
            ]);
            for s in segments {
                let name = s.name.clone().unwrap_or_default();
                sheet.row([s.segment.to_string(), whole(s.size), percent(s.share), name]);
            }
            separate(&mut text);
            text.push_str(&sheet.to_text());
            let silhouette = match (self.silhouette, self.silhouette_sample) {
                (Some(s), None) => format!(", silhouette {}", score(s)),
                (Some(s), Some(n)) => {
                    format!(", silhouette {} on a sample of {}", score(s), count(n, "row"))
                }
                (None, _) => String::new(),
            };
            if let (Some(inertia), Some(n_iter), Some(converged)) =
                (self.inertia, self.n_iter, self.converged)
            {
                let end = if converged { "converged" } else { "did not converge" };
                let passes = if n_iter == 1 { "1 pass".into() } else { format!("{n_iter} passes") };
                let inertia = number(inertia);
                text.push_str(&format!("inertia {inertia}{silhouette}, {end} after {passes}\n"));
            }
        }
        if let Some(migration) = &self.migration {
            separate(&mut text);
            let names = self.segments.iter().flatten().map(|s| s.name.clone()).collect::<Vec<_>>();
            text.push_str(&migration.to_text(&names));
        }
        text
    }
}

impl Migration {
    fn to_text(&self, names: &[Option<String>]) -> String {
        let header: Vec<String> = (0..self.rows.len()).map(|s| format!("now {s}")).collect();
        let columns = header.iter().map(|name| (name.as_str(), Kind::Number));
        let columns: Vec<(&str, Kind)> = std::iter::once(("", Kind::Name)).chain(columns).collect();
        let mut sheet = Sheet::new(&columns);
        for (old, row) in self.rows.iter().enumerate() {
            let name = names.get(old).and_then(Option::as_ref).map_or(String::new(), |n| format!(" {n}"));
            sheet.row(std::iter::once(format!("was {old}{name}")).chain(row.iter().map(|&n| whole(n))));
        }
        format!(
            "{}{} ({}) changed their segment since {}\n",
            sheet.to_text(),
            count(self.moved as usize, "row"),
            percent(self.share),
            plain(&self.from)
        )
    }
}

/// Two digits are enough to judge by.
fn p_value(p: f64) -> String {
    if p < 1e-3 { format!("{p:.1e}") } else { format!("{p:.2}") }
}

fn separate(text: &mut String) {
    if !text.is_empty() {
        text.push('\n');
    }
}
