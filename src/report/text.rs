//! The results of an analysis as text for people.

use super::changes::changed;
use super::figures::{count, number, percent, score, whole};
use super::profile::{MOST_SEGMENTS, WIDTH, left_out};
use super::sheet::{Kind, Sheet, wrapped};
use crate::analysis::{Chosen, Outcome, PassedOver, Segment, SweepLine};
use crate::cluster::Restarts;
use crate::sweep::RunnerUp;

/// A text of more lines than this says at its end again which segments there are.
const LONG: usize = 80;

/// An outcome as tables, with a line or two below each.
pub fn text(outcome: &Outcome) -> String {
    let mut text = String::new();
    if let Some(found) = &outcome.description {
        text.push_str(&super::describe::text(found));
    }
    if let Some(pca) = outcome.pca.as_ref().filter(|_| outcome.reductions.is_empty()) {
        separate(&mut text);
        text.push_str(&super::reductions::pca(pca));
    }
    for reduction in &outcome.reductions {
        separate(&mut text);
        text.push_str(&super::reductions::text(reduction));
    }
    if let Some(h) = &outcome.hopkins {
        separate(&mut text);
        let p = if h.p_value < 1e-300 { "< 1e-300".into() } else { p_value(h.p_value) };
        text.push_str(&format!(
                "Hopkins' statistic, {0} + {0} probes (near 0.5: like uniform noise, near 1: clustered, skewed or with outliers)\n\
                 {1:.4}  with exponent 1, as notebooks usually compute it\n\
                 {2:.4}  with exponent d = {3}, as the literature defines it; p-value {p} against uniform noise\n",
                whole(h.probes as u64),
                h.exponent_1,
                h.exponent_d,
                outcome.features.len(),
            ));
    }
    if let Some(lines) = &outcome.sweep {
        let chosen = outcome.chosen.as_ref().map(|chosen| chosen.k);
        let sheet = sweep(lines, chosen);
        separate(&mut text);
        text.push_str(&sheet.to_text());
        let over = outcome.silhouette_sample.map_or_else(
            || format!("silhouettes exact on {}", count(outcome.rows - outcome.excluded.unwrap_or(0), "row")),
            |n| format!("silhouettes on a sample of {}", count(n, "row")),
        );
        match &outcome.chosen {
            Some(Chosen { k, why, runner_up, .. }) => {
                text.push_str(&format!("k = {k}: {why}; {over}\n"));
                if let Some(RunnerUp { k, why }) = runner_up {
                    text.push_str(&format!("runner-up: k = {k}, {why}\n"));
                }
            }
            None => text.push_str(&format!("{over}\n")),
        }
    }
    if let Some(found) = &outcome.structure {
        separate(&mut text);
        let verdict = found
            .verdict
            .as_deref()
            .map_or("structure: not judged".into(), |verdict| format!("structure: {verdict}"));
        let close = if found.borderline { " It is close to another verdict." } else { "" };
        text.push_str(&wrapped(&format!("{verdict}. {}\n{}{close}\n", found.meaning, found.why), WIDTH));
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
        if let Some(inertia) = outcome.inertia {
            let end = match (outcome.n_iter, outcome.converged) {
                (Some(n_iter), Some(converged)) => {
                    let end = if converged { "converged" } else { "did not converge" };
                    let passes = if n_iter == 1 { "1 pass".into() } else { format!("{n_iter} passes") };
                    format!(", {end} after {passes}")
                }
                _ => String::new(),
            };
            let inertia = number(inertia);
            let best = match outcome.restarts {
                Some(Restarts { n, reached_best }) if n > 1 => {
                    format!("; best found by {reached_best} of {n} restarts")
                }
                _ => String::new(),
            };
            let of = if outcome.regrouped.is_some() { " before merges and splits" } else { "" };
            text.push_str(&format!("inertia {inertia}{of}{silhouette}{end}{best}\n"));
        }
        if let Some(found) = outcome.silhouette_jaccard {
            let note = format!(
                "silhouette among the answers themselves, in Jaccard's distance: {} (a layout pulls groups apart, so the figure above is higher)\n",
                score(found)
            );
            text.push_str(&wrapped(&note, WIDTH));
        }
        if let Some(noise) = outcome.noise.filter(|noise| *noise > 0) {
            let rows: u64 = noise + segments.iter().map(|segment| segment.size).sum::<u64>();
            let share = percent(noise as f64 / rows as f64);
            text.push_str(&format!(
                "noise: {} of {} ({share}) belong to no segment; the shares above are of the others\n",
                whole(noise),
                count(rows as usize, "row")
            ));
        }
        let found = super::method_found::text(&outcome.found);
        if !found.is_empty() {
            separate(&mut text);
            text.push_str(&found);
        }
    }
    if let (Some(outside), Some(_)) = (outcome.outside, &outcome.segments) {
        let (outside, rows) = (whole(outside as u64), count(outcome.rows, "row"));
        text.push_str(&format!("outside the population: {outside} of {rows}, which get no segment\n"));
    }
    if let Some(regrouped) = &outcome.regrouped {
        separate(&mut text);
        text.push_str(&super::regrouped::text(regrouped));
    }
    if let Some(profile) = &outcome.profile {
        text.push_str(&super::profile::traits(profile));
        text.push_str(&super::lifts::text(profile));
    }
    if let Some(found) = &outcome.stability {
        separate(&mut text);
        text.push_str(&super::stability::text(found));
    }
    text.push_str(&super::compare::comparisons(&outcome.comparisons));
    if let Some(compared) = &outcome.compare_methods {
        separate(&mut text);
        text.push_str(&super::compare_methods::text(compared));
    }
    if !outcome.questions.is_empty() {
        separate(&mut text);
        text.push_str(&super::questions::answers(outcome));
    }
    let names = outcome.segments.iter().flatten().map(|s| s.name.clone()).collect::<Vec<_>>();
    for part in changed(outcome.migration.as_ref(), &outcome.changes, &names) {
        separate(&mut text);
        text.push_str(&part);
    }
    if let Some(drift) = &outcome.drift {
        separate(&mut text);
        text.push_str(&super::changes::drifted(drift));
    }
    // Whoever comes back to the terminal sees its last lines.
    if let Some(segments) = outcome.segments.as_ref().filter(|_| text.lines().count() > LONG) {
        text.push_str("\nin short\n");
        text.push_str(&sizes(segments));
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
    for s in segments.iter().take(MOST_SEGMENTS) {
        let name = s.name.clone().unwrap_or_default();
        sheet.row([s.segment.to_string(), whole(s.size), percent(s.share), name]);
    }
    let sizes: Vec<u64> = segments.iter().map(|s| s.size).collect();
    sheet.to_text() + &left_out(&sizes)
}

/// A sweep as a table. Scores that no k has are left out.
fn sweep(lines: &[SweepLine], chosen: Option<usize>) -> Sheet {
    type Score = (&'static str, fn(&SweepLine) -> Option<String>);
    let scores: [Score; 7] = [
        ("silhouette", |line| line.silhouette.map(score)),
        ("gap", |line| line.gap.map(score)),
        ("Calinski-H.", |line| line.calinski_harabasz.map(number)),
        ("Davies-B.", |line| line.davies_bouldin.map(score)),
        ("stability", |line| line.stability.map(|index| format!("{index:.2}"))),
        ("BIC", |line| line.bic.map(number)),
        ("AIC", |line| line.aic.map(number)),
    ];
    let shown: Vec<&Score> = scores
        .iter()
        .filter(|(name, of)| *name == "silhouette" || lines.iter().any(|line| of(line).is_some()))
        .collect();
    let numbers = |names: &[&'static str]| names.iter().map(|name| (*name, Kind::Number)).collect::<Vec<_>>();
    let mut columns = numbers(&["k", "inertia"]);
    columns.extend(shown.iter().map(|(name, _)| (*name, Kind::Number)));
    columns.extend(numbers(&["smallest"]));
    let passes = lines.iter().any(|line| line.n_iter.is_some());
    columns.extend(passes.then_some(("passes", Kind::Number)));
    columns.push(("", Kind::Prose));
    let mut sheet = Sheet::new(&columns);
    for line in lines {
        let notes = match (chosen == Some(line.k), line.elbow) {
            (true, true) => "<- chosen, elbow",
            (true, false) => "<- chosen",
            (false, true) => "<- elbow",
            (false, false) => "",
        };
        let mut row = vec![line.k.to_string(), number(line.inertia)];
        row.extend(shown.iter().map(|(_, of)| of(line).unwrap_or_else(|| "-".into())));
        row.push(percent(line.min_segment_pct / 100.0));
        if passes {
            row.push(line.n_iter.map_or_else(|| "-".into(), |n_iter| n_iter.to_string()));
        }
        row.push(notes.to_string());
        sheet.row(row);
    }
    sheet
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

/// A p-value with the two digits that are enough to judge by.
fn p_value(p: f64) -> String {
    if p < 1e-3 { format!("{p:.1e}") } else { format!("{p:.2}") }
}

fn separate(text: &mut String) {
    if !text.is_empty() {
        text.push('\n');
    }
}
