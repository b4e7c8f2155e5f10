//! Reads `[[reduce]]` sections.

use std::collections::BTreeMap;

use super::{MOST_COMPONENTS, ReduceMethod, ReduceSpec, is_or_matches_component};
use crate::embed::pca::NComponents;
use crate::embed::umap::{self, UmapInit, UmapMetric};
use crate::recipe::decode::{Section, Value};
use crate::recipe::{Features, SIZE, Scale};

/// How many components a reduction has unless the recipe says otherwise: as many as a drawing can show.
const DEFAULT_COMPONENTS: usize = 2;

/// The keys of UMAP alone.
const UMAP_KEYS: [&str; 5] = ["metric", "n_neighbors", "min_dist", "n_epochs", "init"];

impl ReduceSpec {
    /// Reads all `[[reduce]]` sections. `features` is the section `[features]`.
    pub(in crate::recipe) fn decode_all(root: &Section<'_>, features: &Features) -> Vec<ReduceSpec> {
        // The line of each name.
        let mut names: BTreeMap<String, u64> = BTreeMap::new();
        root.sections("reduce").into_iter().filter_map(|s| Self::decode(s, features, &mut names)).collect()
    }

    fn decode(
        section: Section<'_>,
        features: &Features,
        names: &mut BTreeMap<String, u64>,
    ) -> Option<ReduceSpec> {
        let name = section.need("name", "a name such as \"pc\", for columns pc_1, pc_2 and so on");
        let name = name.and_then(|value| {
            let name = value.text()?;
            if name.trim().is_empty() {
                value.fault("expected a name, found nothing");
            } else if let Some(first) = names.get(&name) {
                value.fault(format!("{name:?} is the name of two reductions, the first on line {first}"));
            } else {
                names.insert(name.clone(), value.line());
            }
            Some(name)
        });
        let words = [("pca", false), ("umap", true)];
        let method = section.need("method", "\"pca\" or \"umap\"").and_then(|v| v.word(&words));
        let components = section.take("components");
        let method = match method {
            Some(true) => Some(umap(&section, components.as_ref())),
            Some(false) => {
                for key in UMAP_KEYS {
                    if let Some(value) = section.take(key) {
                        value.fault("this belongs to the method umap; pca has no such key");
                    }
                }
                let components = components.and_then(|v| n_components(&v));
                Some(ReduceMethod::Pca {
                    components: components.unwrap_or(NComponents::Count(DEFAULT_COMPONENTS)),
                })
            }
            None => {
                UMAP_KEYS.into_iter().for_each(|key| drop(section.take(key)));
                None
            }
        };
        let columns = section.take("columns").and_then(|value| {
            let columns = value.texts()?;
            if columns.is_empty() {
                value.fault(
                    "expected at least one name or glob; leave columns out to reduce those of [features]",
                );
            }
            Some(columns)
        });
        let scale = section.take("scale").and_then(|value| {
            let scale = value.word(&Scale::WORDS)?;
            if scale != Scale::None && method.is_some_and(|method| method.needs_answers()) {
                value.fault(
                    "answers of 0 and 1 are compared as they are with the metric jaccard; leave scale out",
                );
            }
            Some(scale)
        });
        let features_out = section.take("features_out").and_then(|v| v.boolean()).unwrap_or(true);
        let line = section.line();
        if let (None, Some(name)) = (&columns, &name)
            && let Some(own) = features.options.features.iter().find(|p| is_or_matches_component(name, p))
        {
            section.fault(format!(
                "it has no columns, so it reduces those of [features]; but there {own:?} stands for its own components; \
                 name the columns to reduce"
            ));
        }
        section.finish();
        let (method, columns) = (method?, columns.unwrap_or_default());
        Some(ReduceSpec { line, name: name?, method, columns, scale, features_out })
    }
}

/// The keys of UMAP.
fn umap(section: &Section<'_>, components: Option<&Value<'_>>) -> ReduceMethod {
    let mut params = umap::Params { n_components: DEFAULT_COMPONENTS, ..umap::Params::default() };
    if let Some(n) = components.and_then(|v| v.whole(1..=umap::MOST_COMPONENTS as u64)) {
        params.n_components = n as usize;
    }
    let metrics = [("euclidean", UmapMetric::Euclidean), ("jaccard", UmapMetric::Jaccard)];
    if let Some(metric) = section.take("metric").and_then(|v| v.word(&metrics)) {
        params.metric = metric;
    }
    let most = umap::MOST_NEIGHBORS as u64;
    if let Some(n) = section.take("n_neighbors").and_then(|v| v.whole(2..=most)) {
        params.n_neighbors = n as usize;
    }
    let near = |d: f64| (0.0..=1.0).contains(&d);
    if let Some(d) = section.take("min_dist").and_then(|v| v.number_where("a number from 0 to 1", near)) {
        params.min_dist = d;
    }
    params.n_epochs = section.take("n_epochs").and_then(|v| v.whole(SIZE)).map(|n| n as usize);
    let starts = [("spectral", UmapInit::Spectral), ("pca", UmapInit::Pca)];
    if let Some(init) = section.take("init").and_then(|v| v.word(&starts)) {
        params.init = init;
    }
    ReduceMethod::Umap(params)
}

/// A number of components, or a share of the variance.
fn n_components(value: &Value<'_>) -> Option<NComponents> {
    let number = value.number()?;
    if number > 0.0 && number < 1.0 {
        return Some(NComponents::Share(number));
    }
    if number.fract() == 0.0 && number >= 1.0 && number <= MOST_COMPONENTS as f64 {
        return Some(NComponents::Count(number as usize));
    }
    value.wrong("a number of components such as 2, or a share of the variance between 0 and 1 such as 0.8")
}
