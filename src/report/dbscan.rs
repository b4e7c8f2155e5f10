//! The grid of DBSCAN, as text for people.

use super::figures::{brief, count, number, percent};
use super::profile::WIDTH;
use super::sheet::{Kind, Sheet, wrapped};
use crate::cluster::dbscan::{Found, GridPoint};

/// Most rows are noise from this share on.
const MUCH: f64 = 0.5;

/// One cluster has nearly everything from this share on.
const NEARLY_ALL: f64 = 0.95;

/// The pairs as a table, and a sentence each on the model, on its noise and on how to choose.
pub fn text(found: &Found) -> String {
    let mut sheet = Sheet::new(&[
        ("eps", Kind::Number),
        ("min_samples", Kind::Number),
        ("clusters", Kind::Number),
        ("noise", Kind::Number),
        ("largest", Kind::Number),
        ("model", Kind::Name),
    ])
    .keyed_by(2);
    let is_model = |p: &GridPoint| (p.eps, p.min_samples) == (found.eps, found.min_samples);
    for point in &found.grid {
        sheet.row([
            brief(point.eps),
            point.min_samples.to_string(),
            point.clusters.to_string(),
            percent(point.noise_share),
            percent(point.largest_share),
            if is_model(point) { "this one".into() } else { String::new() },
        ]);
    }
    let mut lines = vec![format!(
        "{} of the rows are core points: at least {}, themselves included, lie within {} of them.",
        percent(found.core_share),
        count(found.min_samples as usize, "row"),
        brief(found.eps),
    )];
    if let Some(own) = found.grid.iter().find(|p| is_model(p)) {
        lines.push(advice(own).into());
    }
    if found.grid.len() > 1 {
        lines.push(
            "The model is of the first pair with at least two clusters. To choose another one, fit again with that pair alone."
                .into(),
        );
    }
    if let Some(eps) = found.suggested_eps {
        let k = found.k_distances.k;
        let of = found.k_distances.sampled_rows.map_or_else(
            || "all rows".into(),
            |n| format!("a sample of {} against all rows", count(n as usize, "row")),
        );
        lines.push(format!(
            "Suggested eps for min_samples {k}: {}, the knee of the distances to the k-th nearest row ({of}).",
            number(eps)
        ));
    }
    format!(
        "DBSCAN: every pair of eps and min_samples\n{}{}\n",
        sheet.to_text(),
        wrapped(&lines.join("\n"), WIDTH).trim_end()
    )
}

/// What the noise says, and what to change.
pub(super) fn advice(own: &GridPoint) -> &'static str {
    if own.noise_share >= MUCH {
        "Most rows are noise: with a larger eps or a smaller min_samples, more of them belong to clusters."
    } else if own.largest_share >= NEARLY_ALL {
        "Nearly all rows are in one cluster: a smaller eps or a larger min_samples may split it."
    } else {
        "Noise are the rows in thin places; a larger eps leaves fewer of them, and merges clusters."
    }
}
