//! The small print: where the results come from, how they are computed, how to run it again.

use super::parts::called;
use crate::analysis::Outcome;
use crate::report::figures::{count, whole};
use crate::report::page::content::{Block, Fact, Section};
use crate::report::page::facts::Facts;

/// The section.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let outcome = facts.outcome;
    let mut list = Vec::new();
    let mut fact = |name: &str, value: Option<String>| {
        list.extend(value.map(|value| Fact { name: name.into(), value, note: None }));
    };
    let source = outcome.source.as_ref();
    fact("Table", source.map(|source| source.table.clone()));
    fact("Rows", Some(whole(outcome.rows as u64)));
    fact("Left out", left_out(outcome));
    fact("Method", outcome.method.as_ref().map(|method| called(method)));
    fact("Features", Some(count(outcome.features.len(), "feature")));
    fact("Recipe", source.and_then(|source| source.recipe.clone()));
    fact("Seed", Some(outcome.seed.to_string()));
    fact("Device", outcome.device.as_ref().map(|device| format!("{}: {}", device.backend, device.name)));
    fact("Version", Some(format!("segmenta {}", facts.document.version)));
    fact("Run", facts.document.run.clone());
    fact("Not shown", facts.withheld.in_words(outcome.report.min_rows));
    let mut blocks = vec![Block::Facts(list)];
    if let Some(again) = source.and_then(|source| source.again.clone()) {
        blocks.extend([Block::Heading("To run it again".into()), Block::Code(again)]);
    }
    blocks.extend([Block::Heading("How the figures are computed".into()), Block::List(formulas(facts))]);
    if let Some(text) = source.and_then(|source| source.recipe_text.clone()) {
        blocks.push(Block::Details("The recipe".into(), vec![Block::Code(text)]));
    }
    Some(Section {
        id: "small-print".into(),
        title: "The small print".into(),
        lead: Some("Where these results come from, and how to get them again to the last digit.".into()),
        paint: None,
        blocks,
    })
}

/// Which rows have no part in the segments, and why.
pub(super) fn left_out(outcome: &Outcome) -> Option<String> {
    // Rows that `[[drop]]` took out as outliers are among those that it left out.
    let dropped = outcome.dropped.map(|dropped| dropped.saturating_sub(outcome.outliers.unwrap_or(0)));
    let all = [
        (outcome.outliers, "as outliers"),
        (outcome.outside, "outside the population that the segments are for"),
        (outcome.weightless, "without influence, because their weight is 0"),
        (dropped, "by the recipe"),
    ];
    let some = all.iter().filter_map(|(rows, why)| {
        let rows = rows.filter(|&rows| rows > 0)?;
        Some(format!("{} {why}", count(rows, "row")))
    });
    let some: Vec<String> = some.collect();
    match (some.is_empty(), outcome.excluded) {
        (false, _) => Some(some.join("; ")),
        (true, Some(rows)) if rows > 0 => Some(count(rows, "row")),
        (true, _) => None,
    }
}

/// The formulas of what this run computed, with their sources.
fn formulas(facts: &Facts<'_>) -> Vec<String> {
    let outcome = facts.outcome;
    let mut list = Vec::new();
    let mut add = |used: bool, text: &str| list.extend(used.then(|| text.to_string()));
    let swept = outcome.sweep.is_some();
    add(
        outcome.inertia.is_some(),
        "Inertia: the sum of the squared distances of the rows to the mean of their segment, in the scaled features.",
    );
    add(
        outcome.silhouette.is_some() || swept,
        "Silhouette: (b - a) / max(a, b), with a the mean distance to the rows of the own segment and b that to the nearest other \
         segment; the mean over all rows (Rousseeuw, 1987).",
    );
    add(
        outcome.hopkins.is_some(),
        "Hopkins' statistic: how much farther random points are from their nearest rows than rows are from theirs (Hopkins and \
         Skellam, 1954).",
    );
    let gap = outcome.sweep.iter().flatten().any(|line| line.gap.is_some());
    add(
        gap,
        "Gap: how much tighter the rows lie than rows without structure would (Tibshirani, Walther and Hastie, 2001).",
    );
    add(
        outcome.stability.is_some(),
        "Stability: the mean Jaccard index of a segment with the most similar one in fits of bootstrap samples (Hennig, 2007).",
    );
    add(
        !outcome.comparisons.is_empty() || outcome.compare_methods.is_some(),
        "Adjusted Rand index: the agreement of two groupings, 1 where they are the same and about 0 by chance (Hubert and Arabie, \
         1985). In words: nearly the same from 0.9, largely from 0.8, partly from 0.65, and other groups below (Steinley, 2004).",
    );
    add(
        outcome.profile.is_some(),
        "What sets a segment apart: Welch's t-test for means and the chi-squared test for shares, corrected for all comparisons \
         (Benjamini and Hochberg, 1995); intervals are 95 %, by Wilson's method (1927) for shares.",
    );
    add(
        outcome.drift.is_some(),
        "Drift: the population stability index, the sum of (a - b) ln(a / b) over the shares of bins then and now.",
    );
    list
}
