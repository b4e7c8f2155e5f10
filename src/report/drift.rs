//! The results of comparing a table with the one that a model was fitted to, for people and for programs.

use crate::analysis::{DeviceUsed, Seconds};
use crate::error::Result;
use crate::evidence::psi::Change;
use crate::model::{Drift, Model};
use serde::Serialize;

/// The results of `drift`.
#[derive(Debug, Serialize)]
pub struct DriftFound {
    version: &'static str,
    command: &'static str,
    rows: usize,
    excluded: usize,
    k: usize,
    columns: Vec<Column>,
    segments: Vec<Segment>,
    segments_psi: f64,
    segments_change: Change,
    distances: Distances,
    warnings: Vec<String>,
    device: DeviceUsed,
    seconds: Seconds,
}

#[derive(Debug, Serialize)]
struct Column {
    column: String,
    psi: f64,
    change: Change,
    /// The share of the rows that have no value.
    missing: f64,
    fitted_missing: f64,
}

#[derive(Debug, Serialize)]
struct Segment {
    segment: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    size: u64,
    share: f64,
    fitted_share: f64,
    /// The difference of the shares in percentage points.
    difference: f64,
}

/// Distances of the rows to their centroids, in the scaled feature space.
#[derive(Debug, Serialize)]
struct Distances {
    median: f64,
    fitted_median: f64,
    p95: f64,
    fitted_p95: f64,
}

impl DriftFound {
    /// Adds the names of segments, and words for the sizes of changes, to a comparison.
    ///
    /// # Errors
    /// The model contains nothing to compare with.
    pub fn new(model: &Model, drift: Drift, device: DeviceUsed, seconds: Seconds) -> Result<Self> {
        let reference = model.reference()?;
        let (median, p95) = (10, 19);
        let distance = |of: &[f64], part: usize| of.get(part).copied().unwrap_or(0.0);
        let distances = Distances {
            median: distance(&drift.distances, median),
            fitted_median: distance(&reference.distances, median),
            p95: distance(&drift.distances, p95),
            fitted_p95: distance(&reference.distances, p95),
        };
        let column = |c: crate::model::ColumnDrift| Column {
            column: c.column,
            psi: c.psi,
            change: Change::of(c.psi),
            missing: c.missing,
            fitted_missing: c.fitted_missing,
        };
        let names = model.names();
        let segment = |s: crate::model::SegmentDrift| Segment {
            name: names.get(s.segment as usize).cloned().flatten(),
            segment: s.segment,
            size: s.size,
            share: s.share,
            fitted_share: s.fitted_share,
            difference: 100.0 * (s.share - s.fitted_share),
        };
        Ok(DriftFound {
            version: env!("CARGO_PKG_VERSION"),
            command: "drift",
            rows: drift.rows,
            excluded: drift.rows - drift.labelled,
            k: model.k(),
            columns: drift.columns.into_iter().map(column).collect(),
            segments: drift.segments.into_iter().map(segment).collect(),
            segments_psi: drift.segments_psi,
            segments_change: Change::of(drift.segments_psi),
            distances,
            warnings: drift.warnings,
            device,
            seconds,
        })
    }

    /// The results as tables for people.
    #[cfg(feature = "cli")]
    pub fn to_text(&self) -> String {
        use super::figures::{number, percent, score, whole};
        use super::sheet::{Kind, Sheet};

        let mut columns = Sheet::new(&[
            ("column", Kind::Name),
            ("PSI", Kind::Number),
            ("", Kind::Name),
            ("missing", Kind::Number),
            ("at the fit", Kind::Number),
        ]);
        for c in &self.columns {
            columns.row([
                c.column.clone(),
                score(c.psi),
                c.change.to_string(),
                percent(c.missing),
                percent(c.fitted_missing),
            ]);
        }
        let named = self.segments.iter().any(|s| s.name.is_some());
        let mut segments = Sheet::new(&[
            ("segment", Kind::Number),
            ("rows", Kind::Number),
            ("share", Kind::Number),
            ("in the fit", Kind::Number),
            ("points", Kind::Number),
            (if named { "name" } else { "" }, Kind::Prose),
        ]);
        for s in &self.segments {
            segments.row([
                s.segment.to_string(),
                whole(s.size),
                percent(s.share),
                percent(s.fitted_share),
                format!("{:+.1}", (10.0 * s.difference).round() / 10.0 + 0.0),
                s.name.clone().unwrap_or_default(),
            ]);
        }
        let d = &self.distances;
        let mut distances = Sheet::new(&[
            ("distance to the centroid", Kind::Prose),
            ("now", Kind::Number),
            ("at the fit", Kind::Number),
        ]);
        for (name, now, then) in [("median", d.median, d.fitted_median), ("95 %", d.p95, d.fitted_p95)] {
            distances.row([name.to_string(), number(now), number(then)]);
        }
        format!(
            "{}\n{}PSI of the segments' shares: {}, {}\n\n{}",
            columns.to_text(),
            segments.to_text(),
            score(self.segments_psi),
            self.segments_change,
            distances.to_text()
        )
    }
}
