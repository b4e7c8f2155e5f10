//! The results of comparing a table with the one that a model was fitted to, for people and for programs.

use super::figures::{brief, count, percent, plain};
use crate::analysis::{DeviceUsed, Seconds};
use crate::error::Result;
use crate::evidence::psi::{Change, MODERATE};
use crate::evidence::shift::MODERATE_POINTS;
use crate::model::{CategoryDrift, Direction, Drift, Model};
use serde::Serialize;

/// The results of `drift`.
#[derive(Debug, Serialize)]
pub struct DriftFound {
    version: &'static str,
    command: &'static str,
    rows: usize,
    excluded: usize,
    k: usize,
    /// The largest change of a column or of the segments' shares.
    change: Change,
    /// What changed, in sentences.
    verdict: String,
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
    /// The most that a share of the column's rows has moved, in percentage points.
    points: f64,
    /// The probability that chance alone changes as much, corrected for the number of columns.
    p_value: f64,
    #[serde(flatten)]
    direction: Direction,
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
    /// The probability that chance alone changes the share as much, corrected for the number of segments.
    p_value: f64,
    change: Change,
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
            change: c.change,
            points: c.points,
            p_value: c.p_value,
            direction: c.direction,
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
            p_value: s.p_value,
            change: s.change,
        };
        let columns: Vec<Column> = drift.columns.into_iter().map(column).collect();
        let segments: Vec<Segment> = drift.segments.into_iter().map(segment).collect();
        let changes = columns.iter().map(|c| c.change).chain(segments.iter().map(|s| s.change));
        let change = changes.fold(drift.segments_change, Change::max);
        Ok(DriftFound {
            version: env!("CARGO_PKG_VERSION"),
            command: "drift",
            rows: drift.rows,
            excluded: drift.rows - drift.labelled,
            k: model.k(),
            change,
            verdict: verdict(change, drift.segments_change, &columns, &segments),
            columns,
            segments,
            segments_psi: drift.segments_psi,
            segments_change: drift.segments_change,
            distances,
            warnings: drift.warnings,
            device,
            seconds,
        })
    }

    /// The results as tables for people.
    #[cfg(feature = "cli")]
    pub fn to_text(&self) -> String {
        use super::figures::{number, score, signed, whole};
        use super::profile::WIDTH;
        use super::sheet::{Kind, Sheet, wrapped};

        let mut columns = Sheet::new(&[
            ("column", Kind::Name),
            ("PSI", Kind::Number),
            ("points", Kind::Number),
            ("", Kind::Name),
            ("at the fit -> now", Kind::Prose),
            ("missing", Kind::Number),
            ("at the fit", Kind::Number),
        ]);
        for c in &self.columns {
            columns.row([
                c.column.clone(),
                score(c.psi),
                format!("{:.1}", c.points),
                c.change.to_string(),
                c.direction.words(),
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
            ("", Kind::Name),
            (if named { "name" } else { "" }, Kind::Prose),
        ]);
        for s in &self.segments {
            segments.row([
                s.segment.to_string(),
                whole(s.size),
                percent(s.share),
                percent(s.fitted_share),
                signed(s.difference),
                s.change.to_string(),
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
            "{}\n\n{}\n{}PSI of the segments' shares: {}, {}\n\n{}",
            wrapped(&self.verdict, WIDTH),
            columns.to_text(),
            segments.to_text(),
            score(self.segments_psi),
            self.segments_change,
            distances.to_text()
        )
    }
}

impl Direction {
    /// The change in a few words, such as `12.5 -> 14.0`.
    pub(super) fn words(&self) -> String {
        match self {
            Direction::Median { median: Some(now), fitted_median: Some(then), at_most } if now == then => {
                // Where the median stays, the share that moved most says which way it went.
                let moved = at_most.as_ref().filter(|b| (b.share - b.fitted_share).abs() >= 0.01);
                moved.map_or_else(
                    || format!("median {} as before", brief(*now)),
                    |b| {
                        let (then, now) = (percent(b.fitted_share), percent(b.share));
                        format!("{} or less: {then} -> {now}", brief(b.value))
                    },
                )
            }
            Direction::Median { median: Some(now), fitted_median: Some(then), .. } => {
                format!("median {} -> {}", brief(*then), brief(*now))
            }
            Direction::Median { median: Some(now), .. } => format!("median now {}", brief(*now)),
            Direction::Median { .. } => "no values".into(),
            Direction::Truth { true_share, fitted_true_share } => {
                format!("true {} -> {}", percent(*fitted_true_share), percent(*true_share))
            }
            Direction::Categories { grew, shrank } => {
                let one = |c: &CategoryDrift| {
                    format!("{} {} -> {}", plain(&c.level), percent(c.fitted_share), percent(c.share))
                };
                let parts: Vec<String> = grew.iter().chain(shrank).map(one).collect();
                if parts.is_empty() { "the same shares".into() } else { parts.join("; ") }
            }
        }
    }
}

/// The sentences that a reader needs first: whether anything changed, and what.
fn verdict(all: Change, shares: Change, columns: &[Column], segments: &[Segment]) -> String {
    if !all.matters() {
        let changes = columns.iter().map(|c| c.change).chain(segments.iter().map(|s| s.change));
        if changes.chain([shares]).any(|change| change == Change::Chance) {
            return "No change that counts: in so few rows, chance alone would move as much as moved here."
                .into();
        }
        return format!(
            "Stable: no column's PSI reaches {MODERATE}, and no share has moved by {MODERATE_POINTS} points or more."
        );
    }
    let mut sentences = vec![format!("There is a {all} change.")];
    let mut moved: Vec<&Segment> = segments.iter().filter(|s| s.change.matters()).collect();
    moved.sort_by(|a, b| b.difference.abs().total_cmp(&a.difference.abs()));
    let one = |s: &&Segment| {
        let name = s.name.as_ref().map_or_else(String::new, |name| format!(" {}", plain(name)));
        let word = if s.difference > 0.0 { "grew" } else { "shrank" };
        let (then, now) = (percent(s.fitted_share), percent(s.share));
        format!("segment {}{name} {word} by {:.1} points ({then} -> {now})", s.segment, s.difference.abs())
    };
    match moved.split_first() {
        None if shares.matters() => sentences
            .push(format!("The segments' shares changed, each by less than {MODERATE_POINTS} points.")),
        None => {
            sentences.push(format!("No segment's share moved by {MODERATE_POINTS} points beyond chance."))
        }
        Some(_) => {
            let all: Vec<String> = moved.iter().take(NAMED).map(one).collect();
            let mut text = all.join(", ");
            text.replace_range(..1, "S");
            sentences.push(format!("{text}{}.", and_more(moved.len())));
        }
    }
    let mut changed: Vec<&Column> = columns.iter().filter(|c| c.change.matters()).collect();
    changed.sort_by(|a, b| b.change.cmp(&a.change).then(b.points.total_cmp(&a.points)));
    if changed.is_empty() {
        sentences.push("No column changed beyond chance.".into());
    } else {
        let one = |c: &&Column| format!("{} ({})", plain(&c.column), c.direction.words());
        let named: Vec<String> = changed.iter().take(NAMED).map(one).collect();
        sentences.push(format!(
            "{} of {} changed: {}{}.",
            changed.len(),
            count(columns.len(), "column"),
            named.join(", "),
            and_more(changed.len())
        ));
    }
    sentences.join(" ")
}

/// How many segments and columns a verdict names.
const NAMED: usize = 3;

fn and_more(all: usize) -> String {
    if all > NAMED { format!(" and {} more", all - NAMED) } else { String::new() }
}
