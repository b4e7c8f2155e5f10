//! `[[reduce]]`: turns many columns into a few new ones that say nearly the same, such as principal components.
//!
//! A reduction sees its columns as features: missing values are filled, texts become 0/1 features and numbers are scaled,
//! by an [`Encoder`](crate::recipe::Encoder) of its own. It learns from the rows that no `[[drop]]` leaves out, and is kept
//! in the model; all rows, and those of later tables, get its components.

mod decode;
mod fitted;
mod lessons;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::backend::Backend;
use crate::embed::pca::NComponents;
use crate::embed::umap;
use crate::progress::Progress;
use crate::recipe::infer::ColumnChoice;
use crate::recipe::preparation::matches;
use crate::recipe::{EncodingOptions, Features, Scale};

pub use fitted::{FittedMethod, FittedReduction};
pub(super) use lessons::Lessons;

/// A `[[reduce]]` section: which columns are reduced, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReduceSpec {
    /// The line of the section in the recipe file, counted from 1.
    pub line: u64,
    /// Its name. The components are columns called `name_1`, `name_2` and so on.
    pub name: String,
    /// The method.
    pub method: ReduceMethod,
    /// Names or globs of the columns to reduce. If there are none, those that become features.
    pub columns: Vec<String>,
    /// How its columns are scaled. `None` means as in `[features]`.
    pub scale: Option<Scale>,
    /// Whether its components are written into a file of features even if they are none.
    pub features_out: bool,
}

/// The method of a reduction, as the recipe says it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "lowercase")]
pub enum ReduceMethod {
    /// Principal components.
    Pca {
        /// How many.
        components: NComponents,
    },
    /// UMAP. Its seed is that of the analysis.
    Umap(umap::Params),
}

/// What computes a reduction.
#[derive(Clone, Copy)]
pub struct Computing<'a> {
    /// The device that searches neighbours. If it is a GPU and fails, the CPU does it.
    pub backend: &'a dyn Backend,
    /// Hears how far the work has come, and may stop it.
    pub progress: Progress<'a>,
}

/// What the fit of a recipe is given besides the table.
#[derive(Clone, Copy)]
pub struct FitOptions<'a> {
    /// Reductions of an earlier model, which are used again where the recipe asks for the same ones. So the components mean
    /// what they meant, and centroids of the earlier model can be compared with rows of this table.
    pub before: &'a [FittedReduction],
    /// The seed of random draws.
    pub seed: u64,
    /// The most bytes of memory that a reduction may take; `None`: any number.
    pub max_memory: Option<u64>,
    /// What computes.
    pub computing: Computing<'a>,
}

/// More components than any reduction has, so that a name such as `pc_12` can be told from other names before it is known
/// how many components there are.
const MOST_COMPONENTS: usize = 100_000;

impl ReduceMethod {
    /// Its name in a recipe.
    pub fn name(&self) -> &'static str {
        match self {
            ReduceMethod::Pca { .. } => "pca",
            ReduceMethod::Umap(_) => "umap",
        }
    }

    /// Whether it searches the neighbours of all rows, which a GPU does faster.
    pub fn needs_neighbours(&self) -> bool {
        matches!(self, ReduceMethod::Umap(_))
    }

    /// Whether it compares rows by features of 0 and 1, which must not be scaled.
    fn needs_answers(&self) -> bool {
        matches!(self, ReduceMethod::Umap(params) if params.metric == umap::UmapMetric::Jaccard)
    }
}

impl ReduceSpec {
    /// Whether a name or glob can mean one of its components.
    pub(super) fn can_be(&self, pattern: &str) -> bool {
        is_or_matches_component(&self.name, pattern)
    }
}

/// Whether a pattern is the name of a component, or a glob that matches some.
fn is_or_matches_component(name: &str, pattern: &str) -> bool {
    let number = pattern.strip_prefix(name).and_then(|rest| rest.strip_prefix('_'));
    number.is_some_and(|n| n.parse::<usize>().is_ok_and(|n| n > 0)) || matches(pattern, &component(name, 0))
}

/// The name of a component, which is counted from 0 here.
fn component(name: &str, i: usize) -> String {
    format!("{name}_{}", i + 1)
}

/// The features of a recipe once it is known which columns are components. Components become features only where
/// `[features]` asks for them, and are not scaled again: their scale says how much of the variance they explain.
pub(super) fn with_components(
    features: &Features,
    encodings: &HashMap<String, EncodingOptions>,
    reductions: &[FittedReduction],
) -> (Features, HashMap<String, EncodingOptions>) {
    let (mut features, mut encodings) = (features.clone(), encodings.clone());
    let names: Vec<String> = reductions.iter().flat_map(FittedReduction::names).collect();
    if features.options.features.is_empty() {
        features.options.drop.extend(names.iter().cloned());
    }
    let unscaled = EncodingOptions { scale: Some(Scale::None), ..EncodingOptions::default() };
    encodings.extend(names.into_iter().map(|name| (name, unscaled.clone())));
    (features, encodings)
}

/// Says of components what they are, where it is not just that they were not asked for.
pub(super) fn explain(choices: &mut [ColumnChoice], reductions: &[FittedReduction]) {
    for reduction in reductions {
        let names = reduction.names();
        for choice in choices.iter_mut().filter(|c| names.contains(&c.column)) {
            if choice.features > 0 || choice.reason != "not asked for" {
                choice.reason = format!("a component of {}", reduction.name);
            }
        }
    }
}
