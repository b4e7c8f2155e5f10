//! Whether segments hold, for people and for programs.

use crate::analysis::{DeviceUsed, Held, Seconds, StabilityFound};
use crate::model::Model;
use serde::Serialize;

/// The results of `stability`.
#[derive(Debug, Serialize)]
pub struct StabilityReport {
    version: &'static str,
    command: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    rows: usize,
    excluded: usize,
    k: usize,
    stability: StabilityFound,
    warnings: Vec<String>,
    device: DeviceUsed,
    seconds: Seconds,
}

impl StabilityReport {
    /// The results for a model.
    pub fn new(model: &Model, held: Held, device: DeviceUsed, seconds: Seconds) -> Self {
        StabilityReport {
            version: env!("CARGO_PKG_VERSION"),
            command: "stability",
            run: model.run.clone(),
            rows: held.rows,
            excluded: held.excluded,
            k: model.k(),
            stability: held.found,
            warnings: held.warnings,
            device,
            seconds,
        }
    }

    /// The results as tables for people.
    #[cfg(feature = "cli")]
    pub fn to_text(&self) -> String {
        text(&self.stability)
    }
}

/// The results as tables, with how to read them below each.
#[cfg(feature = "cli")]
pub fn text(found: &StabilityFound) -> String {
    let mut text = String::new();
    if found.before_regrouping {
        text.push_str("the segments of the fit, before any were merged or split:\n");
    }
    if !found.segments.is_empty() {
        text.push_str(&tables::samples(found));
    }
    if let Some(column) = &found.cohort {
        if !found.segments.is_empty() {
            text.push('\n');
        }
        text.push_str(&tables::cohorts(found, column));
    }
    text
}

#[cfg(feature = "cli")]
pub(super) mod tables {
    use crate::analysis::{CohortFound, MovedFeature, StabilityFound};
    use crate::report::figures::{among, count, percent, plain, whole};
    use crate::report::profile::WIDTH;
    use crate::report::sheet::{Kind, Sheet, wrapped};

    const READING: &str = "\
Jaccard: the rows that a segment shares with the most similar segment of a sample's fit, of all rows in either; the mean \
over the samples. 0.85 and more is highly stable and 0.75 stable; from 0.6 to 0.75 there is a pattern, but its borders are \
doubtful; do not trust a segment below 0.6. Recovered: the share of the samples with 0.75 or more; dissolved: with 0.5 or \
less.\n";

    const COHORTS: &str = "\
agreement: the share of the rows that are in the same segment whether the cohort is fitted alone or with all rows; ARI: the \
same, corrected for chance (1 is perfect, 0 is chance). The largest move is that of a segment's centroid, in percent of the \
way to the nearest other segment.\n";

    /// How far each segment reappears in the samples.
    pub(in crate::report) fn samples(found: &StabilityFound) -> String {
        let named = found.segments.iter().any(|s| s.name.is_some());
        let mut sheet = Sheet::new(&[
            ("segment", Kind::Number),
            ("Jaccard", Kind::Number),
            ("recovered", Kind::Number),
            ("dissolved", Kind::Number),
            ("", Kind::Prose),
            (if named { "name" } else { "" }, Kind::Prose),
        ]);
        for s in &found.segments {
            let share = |share: Option<f64>| share.map_or_else(|| "-".into(), percent);
            sheet.row([
                s.segment.to_string(),
                s.jaccard.map_or_else(|| "-".into(), |j| format!("{j:.2}")),
                share(s.recovered),
                share(s.dissolved),
                s.reading.as_deref().unwrap_or("in no sample").to_string(),
                s.name.clone().unwrap_or_default(),
            ]);
        }
        let head = format!(
            "will the segments hold? {} of the rows, fitted with {} each\n",
            count(found.samples, "bootstrap sample"),
            count(found.n_init, "restart"),
        );
        format!("{}{}{}", wrapped(&head, WIDTH), sheet.to_text(), wrapped(READING, WIDTH))
    }

    /// The fit of each cohort beside that of all rows.
    pub(in crate::report) fn cohorts(found: &StabilityFound, column: &str) -> String {
        let mut sheet = Sheet::new(&[
            (column, Kind::Name),
            ("rows", Kind::Number),
            ("agreement", Kind::Number),
            ("ARI", Kind::Number),
            ("largest move", Kind::Prose),
        ]);
        for cohort in &found.cohorts {
            sheet.row([
                cohort.cohort.clone().unwrap_or_else(|| "(missing)".into()),
                whole(cohort.rows as u64),
                cohort.agreement.map_or_else(|| "-".into(), percent),
                cohort.ari.map_or_else(|| "-".into(), |ari| format!("{ari:.2}")),
                cohort.note.clone().unwrap_or_else(|| largest_move(cohort)),
            ]);
        }
        let left = match found.cohorts_left_out {
            0 => String::new(),
            n => format!(
                "the {} largest cohorts; {} more were not fitted\n",
                found.cohorts.len(),
                whole(n as u64)
            ),
        };
        let feature = match found.cohort_is_feature {
            true => format!("{} is a feature too; moves are measured without it\n", plain(column)),
            false => String::new(),
        };
        format!(
            "each {} fitted on its own, and matched with the segments of all rows\n{}{left}{feature}{}",
            plain(column),
            sheet.to_text(),
            wrapped(COHORTS, WIDTH)
        )
    }

    /// The segment whose centroid moved most, and the feature that did most of it.
    pub(in crate::report) fn largest_move(cohort: &CohortFound) -> String {
        let moved = |s: &&crate::analysis::CohortSegment| s.moved.unwrap_or(0.0);
        let Some(most) = cohort.segments.iter().max_by(|a, b| moved(a).total_cmp(&moved(b))) else {
            return String::new();
        };
        let features: Vec<String> = most.features.iter().take(1).map(feature).collect();
        match (most.moved, features.first()) {
            (Some(moved), Some(feature)) => {
                format!("segment {} by {}: {feature}", most.segment, percent(moved))
            }
            _ => "none".into(),
        }
    }

    fn feature(moved: &MovedFeature) -> String {
        // A tenth of the difference is enough.
        let spread = 10.0 * (moved.cohort - moved.whole).abs();
        let figure = |v: f64| among(v, spread);
        format!("{} {} instead of {}", plain(&moved.feature), figure(moved.cohort), figure(moved.whole))
    }
}
