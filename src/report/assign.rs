//! The results of labelling a table with a saved model.

use crate::analysis::{DeviceUsed, Migration, Seconds, SegmentChange};
use crate::cluster::Method;
use crate::model::{Assignments, Model};
use serde::Serialize;

/// The results of `assign`.
#[derive(Debug, Serialize)]
pub struct Assigned {
    version: &'static str,
    command: &'static str,
    /// The name of the fit whose model was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    rows: usize,
    excluded: usize,
    /// How many of the rows without a segment are outside the population that the segments are for.
    #[serde(skip_serializing_if = "Option::is_none")]
    outside: Option<usize>,
    /// How many of the rows without a segment belong to none by the rule of the model's method; `None` for KMeans.
    #[serde(skip_serializing_if = "Option::is_none")]
    noise: Option<usize>,
    k: usize,
    segments: Vec<Share>,
    /// Who moved since last time, if last time's assignments are at hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    migration: Option<Migration>,
    /// What the segments were like at the fit, and what they are like now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<SegmentChange>,
    warnings: Vec<String>,
    device: DeviceUsed,
    seconds: Seconds,
}

#[derive(Debug, Serialize)]
struct Share {
    segment: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    size: u64,
    share: f64,
    /// The segment's share of the rows of the fit.
    fitted_share: f64,
}

impl Assigned {
    /// Counts the labelled rows by segment.
    pub fn new(model: &Model, assigned: &Assignments, device: DeviceUsed, seconds: Seconds) -> Self {
        let (rows, outside) = (&assigned.rows, assigned.left_out.outside.len());
        let shares = model.shares();
        let mut segments: Vec<Share> = model
            .segments()
            .map(|s| Share {
                segment: s.number,
                name: s.name.clone(),
                size: 0,
                share: 0.0,
                fitted_share: shares[s.number as usize],
            })
            .collect();
        segments.sort_by_key(|s| s.segment);
        let mut labelled = 0u64;
        for row in rows.iter().flatten() {
            segments[row.segment as usize].size += 1;
            labelled += 1;
        }
        for s in &mut segments {
            s.share = s.size as f64 / labelled.max(1) as f64;
        }
        Assigned {
            version: env!("CARGO_PKG_VERSION"),
            command: "assign",
            run: model.run.clone(),
            rows: rows.len(),
            excluded: rows.len() - labelled as usize,
            outside: model.preparation.population.as_ref().map(|_| outside),
            noise: (!matches!(model.method, Method::KMeans(_))).then_some(assigned.left_out.noise.len()),
            k: segments.len(),
            segments,
            migration: None,
            changes: Vec::new(),
            warnings: assigned.warnings.clone(),
            device,
            seconds,
        }
    }

    /// The same with what changed since last time.
    pub fn since(self, migration: Option<Migration>, changes: Vec<SegmentChange>) -> Self {
        Assigned { migration, changes, ..self }
    }

    /// The results as a table for people.
    #[cfg(feature = "cli")]
    pub fn to_text(&self) -> String {
        use super::changes::changed;
        use super::figures::{count, percent, whole};
        use super::profile::{MOST_SEGMENTS, left_out};
        use super::sheet::{Kind, Sheet};

        let named = self.segments.iter().any(|s| s.name.is_some());
        let mut sheet = Sheet::new(&[
            ("segment", Kind::Number),
            ("rows", Kind::Number),
            ("share", Kind::Number),
            ("in the fit", Kind::Number),
            (if named { "name" } else { "" }, Kind::Prose),
        ]);
        for s in self.segments.iter().take(MOST_SEGMENTS) {
            sheet.row([
                s.segment.to_string(),
                whole(s.size),
                percent(s.share),
                percent(s.fitted_share),
                s.name.clone().unwrap_or_default(),
            ]);
        }
        let sizes: Vec<u64> = self.segments.iter().map(|s| s.size).collect();
        let mut text = sheet.to_text() + &left_out(&sizes);
        if let Some(outside) = self.outside.filter(|outside| *outside > 0) {
            let (outside, rows) = (whole(outside as u64), count(self.rows, "row"));
            text.push_str(&format!("outside the population: {outside} of {rows}, which get no segment\n"));
        }
        if let Some(noise) = self.noise.filter(|noise| *noise > 0) {
            let (noise, rows) = (whole(noise as u64), count(self.rows, "row"));
            text.push_str(&format!("noise: {noise} of {rows} belong to no segment\n"));
        }
        let names: Vec<Option<String>> = self.segments.iter().map(|s| s.name.clone()).collect();
        let parts = changed(self.migration.as_ref(), &self.changes, &names);
        std::iter::once(text).chain(parts).collect::<Vec<_>>().join("\n")
    }
}
