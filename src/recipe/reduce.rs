//! `[[reduce]]`: turns many columns into a few new ones that say nearly the same, such as principal components.
//!
//! A reduction sees its columns as features: missing values are filled, texts become 0/1 features and numbers are scaled,
//! by an [`Encoder`] of its own. It learns from the rows that no `[[drop]]` leaves out, and is kept in the model; all rows,
//! and those of later tables, get its components.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::embed::pca::{NComponents, Pca};
use crate::error::{Error, Fault, Result};
use crate::matrix::Matrix;
use crate::recipe::decode::{Section, Value};
use crate::recipe::encode::Encoder;
use crate::recipe::infer::ColumnChoice;
use crate::recipe::preparation::matches;
use crate::recipe::rows::kept_rows;
use crate::recipe::statistics::Copies;
use crate::recipe::{EncodingOptions, Features, InferOptions, Missing, Recipe, Scale};
use crate::table::{Column, Table, Values};
use crate::weights::Weights;

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
}

/// A reduction with everything that it learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedReduction {
    /// Its name. The components are columns called `name_1`, `name_2` and so on.
    pub name: String,
    /// Turns columns into the features that are reduced.
    pub encoder: Encoder,
    /// What the method learned from these features.
    #[serde(flatten)]
    pub method: FittedMethod,
}

/// What the method of a reduction learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "lowercase")]
pub enum FittedMethod {
    /// Principal components.
    Pca(Pca),
}

/// How many components a reduction has unless the recipe says otherwise: as many as a drawing can show.
const DEFAULT_COMPONENTS: usize = 2;

/// More components than any reduction has, so that a name such as `pc_12` can be told from other names before it is known
/// how many components there are.
const MOST_COMPONENTS: usize = 100_000;

impl ReduceSpec {
    /// Reads all `[[reduce]]` sections. `features` is the section `[features]`.
    pub(super) fn decode_all(root: &Section<'_>, features: &Features) -> Vec<ReduceSpec> {
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
        let default = ReduceMethod::Pca { components: NComponents::Count(DEFAULT_COMPONENTS) };
        let method = section.need("method", "\"pca\"").and_then(|v| v.word(&[("pca", default)]));
        let components = section.take("components").and_then(|v| n_components(&v));
        let columns = section.take("columns").and_then(|value| {
            let columns = value.texts()?;
            if columns.is_empty() {
                value.fault(
                    "expected at least one name or glob; leave columns out to reduce those of [features]",
                );
            }
            Some(columns)
        });
        let scale = section.take("scale").and_then(|v| v.word(&Scale::WORDS));
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
        let ReduceMethod::Pca { components: default } = method?;
        let method = ReduceMethod::Pca { components: components.unwrap_or(default) };
        Some(ReduceSpec {
            line,
            name: name?,
            method,
            columns: columns.unwrap_or_default(),
            scale,
            features_out,
        })
    }

    /// Whether a name or glob can mean one of its components.
    pub(super) fn can_be(&self, pattern: &str) -> bool {
        is_or_matches_component(&self.name, pattern)
    }

    /// Whether a reduction that was fitted earlier does what this one says, with these columns.
    fn is_done_by(&self, fitted: &FittedReduction, encoder: &Encoder) -> bool {
        let columns =
            |encoder: &Encoder| encoder.columns.iter().map(|c| c.column().to_string()).collect::<Vec<_>>();
        let (ReduceMethod::Pca { components }, FittedMethod::Pca(pca)) = (&self.method, &fitted.method);
        let as_many = match components {
            NComponents::Count(n) => *n == pca.components.len(),
            NComponents::Share(share) => pca.components_for(*share) == pca.components.len(),
        };
        as_many
            && self.name == fitted.name
            && encoder.scale == fitted.encoder.scale
            && encoder.missing == fitted.encoder.missing
            && columns(encoder) == columns(&fitted.encoder)
    }
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

/// Whether a pattern is the name of a component, or a glob that matches some.
fn is_or_matches_component(name: &str, pattern: &str) -> bool {
    let number = pattern.strip_prefix(name).and_then(|rest| rest.strip_prefix('_'));
    number.is_some_and(|n| n.parse::<usize>().is_ok_and(|n| n > 0)) || matches(pattern, &component(name, 0))
}

/// The name of a component, which is counted from 0 here.
fn component(name: &str, i: usize) -> String {
    format!("{name}_{}", i + 1)
}

impl FittedReduction {
    /// How many components it has.
    pub fn components(&self) -> usize {
        let FittedMethod::Pca(pca) = &self.method;
        pca.components.len()
    }

    /// The names of the components' columns.
    pub fn names(&self) -> Vec<String> {
        (0..self.components()).map(|i| component(&self.name, i)).collect()
    }

    /// The components of a table's rows, as columns. A row that lacks a value under [`Missing::Drop`] has none. `among`
    /// are the rows that no `[[drop]]` leaves out; `None` means all.
    ///
    /// # Errors
    /// Those of [`Encoder::apply`]; under [`Missing::Error`], a missing value in one of the rows `among`.
    pub(super) fn apply(
        &self,
        table: &Table,
        among: Option<Vec<u32>>,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Column>> {
        let columns: Vec<&Column> =
            self.encoder.columns.iter().filter_map(|c| table.column(c.column())).collect();
        if self.encoder.missing == Missing::Error {
            kept_rows(table, &columns, Missing::Error, among)?;
        }
        let missing = if self.encoder.missing == Missing::Impute { Missing::Impute } else { Missing::Drop };
        let encoder = Encoder { missing, ..self.encoder.clone() };
        let encoded = encoder.apply(table)?;
        notes.extend(encoded.warnings);
        let FittedMethod::Pca(pca) = &self.method;
        let column = |(name, values): (String, Vec<f64>)| {
            let values = match &encoded.kept {
                None => values,
                Some(kept) => {
                    let mut all = vec![f64::NAN; table.rows];
                    kept.iter().zip(values).for_each(|(&row, value)| all[row as usize] = value);
                    all
                }
            };
            let none = values.iter().all(|v| v.is_nan());
            Column { name, values: if none { Values::Empty(table.rows) } else { Values::Number(values) } }
        };
        Ok(self.names().into_iter().zip(pca.project(&encoded.columns)).map(column).collect())
    }

    /// Whether its numbers make sense. They come from a model file, which someone may have edited by hand.
    pub(super) fn is_sound(&self) -> bool {
        let FittedMethod::Pca(pca) = &self.method;
        self.encoder.is_sound() && pca.is_sound(self.encoder.feature_count())
    }
}

/// What the reductions of a recipe learn from, besides the table.
pub(super) struct Lessons<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) encodings: &'a HashMap<String, EncodingOptions>,
    /// The rows that no `[[drop]]` leaves out; `None` means all.
    pub(super) kept: Option<&'a [u32]>,
    pub(super) weights: Option<&'a Weights>,
    pub(super) copies: Copies<'a>,
    /// Reductions of an earlier model, which are used again where the recipe asks for the same.
    pub(super) before: &'a [FittedReduction],
}

impl Lessons<'_> {
    /// Fits some of the recipe's reductions one after another, and adds the components of each to the table. `fitted` has
    /// those before them and gets the new ones.
    ///
    /// # Errors
    /// [`Error::Recipe`] for columns that do not exist or cannot be reduced, for components that would be called like a
    /// column, and for more components than features.
    pub(super) fn fit(
        &self,
        which: Range<usize>,
        table: &mut Table,
        fitted: &mut Vec<FittedReduction>,
        notes: &mut Vec<String>,
    ) -> Result<()> {
        for (i, spec) in which.clone().zip(&self.recipe.reductions[which]) {
            let fault = |key: &str, what: String| {
                let key = format!("reduce[{i}].{key}");
                Error::recipe(vec![Fault::in_line(&self.recipe.source, spec.line, key, what)])
            };
            let made: Vec<String> = fitted.iter().flat_map(FittedReduction::names).collect();
            let one = self.fit_one(spec, table, made, notes).map_err(|e| match e {
                Error::Data { place, what } => {
                    let column = place.column.map_or_else(String::new, |c| format!("column {c}: "));
                    fault("columns", format!("{column}{what}"))
                }
                other => other,
            })?;
            if let Some(name) = one.names().into_iter().find(|name| table.column(name).is_some()) {
                let what = format!(
                    "its component {name:?} would be called like another column; choose another name"
                );
                return Err(fault("name", what));
            }
            let columns = one.apply(table, self.kept.map(<[u32]>::to_vec), &mut Vec::new())?;
            table.columns.extend(columns);
            fitted.push(one);
        }
        Ok(())
    }

    /// Fits one reduction; `made` are the components of those before it.
    fn fit_one(
        &self,
        spec: &ReduceSpec,
        table: &Table,
        made: Vec<String>,
        notes: &mut Vec<String>,
    ) -> Result<FittedReduction> {
        let mut features = self.recipe.features.clone();
        if !spec.columns.is_empty() {
            let InferOptions { max_categories, scale, missing, weight, .. } = features.options;
            let columns = spec.columns.clone();
            let options =
                InferOptions { features: columns, drop: Vec::new(), max_categories, scale, missing, weight };
            features = Features { options, drop_correlated: None, ..features };
        } else if features.options.features.is_empty() {
            features.options.drop.extend(made);
        }
        if let Some(scale) = spec.scale {
            features.options.scale = scale;
        }
        // Names that only a later stage makes mean nothing here.
        features.options.drop.retain(|pattern| table.columns.iter().any(|c| matches(pattern, &c.name)));
        let learned =
            Encoder::fit_rows(table, &features, self.encodings, self.kept.map(<[u32]>::to_vec), self.copies)?;
        let encoder = learned.encoder;
        if let Some(before) = self.before.iter().find(|before| spec.is_done_by(before, &encoder)) {
            notes.push(format!("{}: its components are those of the earlier model", spec.name));
            return Ok(before.clone());
        }
        let rows = learned.kept.as_deref();
        let matrix = Matrix::from_columns(encoder.feature_names(), encoder.apply_to(table, rows)?.columns)?;
        let matrix = match (self.weights, rows) {
            (None, _) => matrix,
            (Some(weights), None) => matrix.with_weights(weights.clone())?,
            (Some(weights), Some(rows)) => {
                matrix.with_weights(weights.select(rows.iter().map(|row| *row as usize)))?
            }
        };
        let ReduceMethod::Pca { components } = spec.method;
        let method = FittedMethod::Pca(Pca::fit(&matrix, components)?);
        Ok(FittedReduction { name: spec.name.clone(), encoder, method })
    }
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
