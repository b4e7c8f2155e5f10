//! Reductions as text for people.

use super::figures::{count, percent, plain, whole};
use super::profile::WIDTH;
use super::sheet::{Kind, Sheet, wrapped};
use crate::analysis::{Component, ForShare, PcaFound, Reduction, UmapFound};
use crate::embed::umap::UmapMetric;
use crate::evidence::embedding::EmbeddingQuality;

/// How many features of a component are named at most.
const NAMED: usize = 4;

/// Features are named whose loading is at least this share of the component's largest.
const LARGE: f64 = 0.5;

/// So many components are listed at most.
const LISTED: usize = 20;

/// A reduction of any method.
pub(super) fn text(reduction: &Reduction) -> String {
    match reduction {
        Reduction::Pca(found) => pca(found),
        Reduction::Umap(found) => umap(found),
    }
}

/// A layout, and how well it keeps neighbourhoods.
fn umap(found: &UmapFound) -> String {
    let UmapFound { name, features, components, rows, n_neighbors, parts, .. } = found;
    let by = match found.parameters.metric {
        UmapMetric::Euclidean => "",
        UmapMetric::Jaccard => ", compared by Jaccard's distance",
    };
    let mut text = format!(
        "layout {} (UMAP): {} of {} in {}, by {n_neighbors} neighbours{by}\n",
        plain(name),
        count(*rows, "distinct row"),
        count(*features, "feature"),
        count(components.len(), "dimension"),
    );
    if *parts > 1 {
        text.push_str(&format!(
            "the rows fall into {} that no neighbour connects; how far apart these lie in the layout means nothing\n",
            count(*parts, "part")
        ));
    }
    text = wrapped(&text, WIDTH);
    text.push_str(&quality(&found.quality));
    text
}

/// Principal components, and what they say about the features.
pub(super) fn pca(reduction: &PcaFound) -> String {
    let d = reduction.features.len();
    let features = if d == 1 { "1 feature".into() } else { format!("{d} features") };
    let mut sheet = Sheet::new(&[
        ("component", Kind::Name),
        ("variance", Kind::Number),
        ("together", Kind::Number),
        ("largest loadings", Kind::Prose),
    ]);
    let mut together = 0.0;
    for (component, share) in
        reduction.components.iter().zip(&reduction.explained_variance_ratio).take(LISTED)
    {
        together += share;
        sheet.row([component.name.clone(), percent(*share), percent(together), loadings(component)]);
    }
    let mut text = format!("principal components of {features}\n{}", sheet.to_text_within(WIDTH));
    let more = reduction.components.len().saturating_sub(LISTED);
    if more > 0 {
        text.push_str(&format!("and {more} more\n"));
    }
    text.push_str(&wrapped(&format!("{}\n", verdict(reduction)), WIDTH));
    text.extend(reduction.quality.as_ref().map(quality));
    text
}

/// How well components keep neighbourhoods.
fn quality(found: &EmbeddingQuality) -> String {
    let of = match found.evaluated == found.rows {
        true => count(found.rows, "row"),
        false => format!("{} of {}", whole(found.evaluated as u64), count(found.rows, "row")),
    };
    let text = format!(
        "neighbourhoods kept ({} nearest rows, over {of}): trustworthiness {:.3}, continuity {:.3}, {} of the neighbours are \
         the same\n",
        found.neighbors,
        found.trustworthiness,
        found.continuity,
        percent(found.neighbourhood_preservation)
    );
    wrapped(&text, WIDTH)
}

/// The features that say most about a component, with their loadings.
fn loadings(component: &Component) -> String {
    let mut loadings: Vec<&(String, f64)> = component.loadings.0.iter().collect();
    loadings.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    let largest = loadings.first().map_or(0.0, |(_, loading)| loading.abs());
    let large = loadings.iter().take_while(|(_, loading)| loading.abs() >= LARGE * largest);
    let count = large.clone().count();
    let named = large.take(NAMED).map(|(name, loading)| format!("{} {loading:+.2}", plain(name)));
    let mut named = named.collect::<Vec<_>>();
    if count > NAMED {
        named.push(format!("{} more", count - NAMED));
    }
    named.join(", ")
}

/// How many components explain how much, and what that means.
pub(super) fn verdict(reduction: &PcaFound) -> String {
    let d = reduction.features.len();
    let [first, rest @ ..] = &reduction.for_share[..] else { return String::new() };
    let pct = |share: &ForShare| format!("{:.0} %", 100.0 * share.share);
    let of = if first.components == 1 { "component explains" } else { "components explain" };
    let mut text = format!("{} of {d} {of} {} of the variance", first.components, pct(first));
    let rest: Vec<String> =
        rest.iter().map(|share| format!("{} explain {}", share.components, pct(share))).collect();
    if !rest.is_empty() {
        text.push_str(&format!("; {}", rest.join(", ")));
    }
    let &ForShare { components, if_uncorrelated, .. } = first;
    let meaning = match () {
        () if d == 1 => return format!("{text}."),
        () if components < if_uncorrelated => {
            let stand_ins = stand_ins(reduction, components);
            let instead = match stand_ins.len() == components && components < d {
                true => format!(
                    " To keep features instead of components, the ones with the largest loadings are {}.",
                    stand_ins.join(", ")
                ),
                false => String::new(),
            };
            format!(
                "If no two features were correlated, {} would take {if_uncorrelated} components, so features repeat each \
                 other.{instead}",
                pct(first)
            )
        }
        () => format!(
            "If no two features were correlated, {} would take as many components, so hardly any feature repeats \
             others.",
            pct(first)
        ),
    };
    format!("{text}. {meaning}")
}

/// For each of the first components the feature with the largest loading that does not stand for an earlier one already
/// (the method B4 of Jolliffe, 1972). Fewer if not so many components were kept.
fn stand_ins(reduction: &PcaFound, components: usize) -> Vec<String> {
    let mut chosen: Vec<usize> = Vec::new();
    for component in reduction.components.iter().take(components) {
        let size = |j: &usize| component.loadings.0[*j].1.abs();
        let free = (0..component.loadings.0.len()).filter(|j| !chosen.contains(j));
        chosen.extend(free.reduce(|best, j| if size(&j) > size(&best) { j } else { best }));
    }
    chosen.into_iter().map(|j| plain(&reduction.features[j])).collect()
}
