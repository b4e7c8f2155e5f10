//! The results of an analysis as text for people.

use super::figures::{count, number, percent, plain, score, whole};
use super::sheet::{Kind, Sheet};
use crate::analysis::{Migration, Outcome, PassedOver, Segment};

/// An outcome as tables, with a line or two below each.
pub fn text(outcome: &Outcome) -> String {
    let mut text = String::new();
    if let Some(h) = &outcome.hopkins {
        let p = if h.p_value < 1e-300 { "< 1e-300".into() } else { p_value(h.p_value) };
        text.push_str(&format!(
                "Hopkins' statistic, {0} + {0} probes (near 0.5: like uniform noise, near 1: clustered)\n\
                 {1:.4}  with exponent 1, as notebooks usually compute it\n\
                 {2:.4}  with exponent d = {3}, as the literature defines it; p-value {p} against uniform noise\n",
                whole(h.probes as u64),
                h.exponent_1,
                h.exponent_d,
                outcome.features.len(),
            ));
    }
    if let Some(sweep) = &outcome.sweep {
        let mut sheet = Sheet::new(&[
            ("k", Kind::Number),
            ("inertia", Kind::Number),
            ("silhouette", Kind::Number),
            ("smallest", Kind::Number),
            ("passes", Kind::Number),
            ("", Kind::Prose),
        ]);
        for line in sweep {
            let chosen = outcome.chosen.as_ref().is_some_and(|c| c.k == line.k);
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
        let over = outcome.silhouette_sample.map_or_else(
            || format!("silhouettes exact on {}", count(outcome.rows - outcome.excluded.unwrap_or(0), "row")),
            |n| format!("silhouettes on a sample of {}", count(n, "row")),
        );
        match &outcome.chosen {
            Some(c) => text.push_str(&format!("k = {}: {}; {over}\n", c.k, c.rule)),
            None => text.push_str(&format!("{over}\n")),
        }
    }
    if let Some(segments) = &outcome.segments {
        separate(&mut text);
        match &outcome.profile {
            Some(profile) => text.push_str(&super::profile::overview(profile)),
            None => text.push_str(&sizes(segments)),
        }
        let silhouette = match (outcome.silhouette, outcome.silhouette_sample) {
            (Some(s), None) => format!(", silhouette {}", score(s)),
            (Some(s), Some(n)) => {
                format!(", silhouette {} on a sample of {}", score(s), count(n, "row"))
            }
            (None, _) => String::new(),
        };
        if let (Some(inertia), Some(n_iter), Some(converged)) =
            (outcome.inertia, outcome.n_iter, outcome.converged)
        {
            let end = if converged { "converged" } else { "did not converge" };
            let passes = if n_iter == 1 { "1 pass".into() } else { format!("{n_iter} passes") };
            let inertia = number(inertia);
            text.push_str(&format!("inertia {inertia}{silhouette}, {end} after {passes}\n"));
        }
    }
    if let Some(profile) = &outcome.profile {
        text.push_str(&super::profile::traits(profile));
    }
    if let Some(migration) = &outcome.migration {
        separate(&mut text);
        let names = outcome.segments.iter().flatten().map(|s| s.name.clone()).collect::<Vec<_>>();
        text.push_str(&migration_text(migration, &names));
    }
    text
}

/// The segments' sizes and names.
fn sizes(segments: &[Segment]) -> String {
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
    sheet.to_text()
}

/// Says that a k below the smallest allowed one has a higher silhouette, and how to choose it; `with_recipe` tells
/// whether that is set in a recipe or by flags.
pub fn passed_over(found: &PassedOver, with_recipe: bool) -> String {
    let PassedOver { better: (better, better_score), chosen: (chosen, chosen_score) } = *found;
    let how = match with_recipe {
        true => format!(
            "to choose it, set min_k = {better} under [analysis] in the recipe, or run with --k {better}"
        ),
        false => format!("to choose it, use --min-k {better}"),
    };
    format!(
        "note: k = {better} has a higher silhouette ({better_score:.3}) than the chosen k = {chosen} \
         ({chosen_score:.3}); {how}"
    )
}

fn migration_text(migration: &Migration, names: &[Option<String>]) -> String {
    let header: Vec<String> = (0..migration.rows.len()).map(|s| format!("new {s}")).collect();
    let columns = header.iter().map(|name| (name.as_str(), Kind::Number));
    let columns: Vec<(&str, Kind)> = std::iter::once(("", Kind::Name)).chain(columns).collect();
    let mut sheet = Sheet::new(&columns);
    for (old, row) in migration.rows.iter().enumerate() {
        let name = names.get(old).and_then(Option::as_ref).map_or(String::new(), |n| format!(" {n}"));
        sheet.row(std::iter::once(format!("old {old}{name}")).chain(row.iter().map(|&n| whole(n))));
    }
    format!(
        "rows by old segment (from {3}) and new segment\n{0}{1} ({2}) moved to another segment\n",
        sheet.to_text(),
        count(migration.moved as usize, "row"),
        percent(migration.share),
        plain(&migration.from)
    )
}

/// A p-value with the two digits that are enough to judge by.
fn p_value(p: f64) -> String {
    if p < 1e-3 { format!("{p:.1e}") } else { format!("{p:.2}") }
}

fn separate(text: &mut String) {
    if !text.is_empty() {
        text.push('\n');
    }
}
