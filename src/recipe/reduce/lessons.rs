//! Fits the reductions of a recipe.

use std::collections::HashMap;
use std::ops::Range;

use super::fitted::on_device;
use super::{FitOptions, FittedMethod, FittedReduction, ReduceMethod, ReduceSpec};
use crate::embed::pca::Pca;
use crate::embed::umap::{self, Umap};
use crate::error::{Error, Fault, Place, Result};
use crate::matrix::Matrix;
use crate::memory::too_much;
use crate::recipe::encode::{ColumnEncoder, Encoder};
use crate::recipe::preparation::matches;
use crate::recipe::statistics::Copies;
use crate::recipe::{EncodingOptions, Features, InferOptions, Recipe, Scale};
use crate::table::Table;
use crate::weights::Weights;

/// What the reductions of a recipe learn from, besides the table.
pub(in crate::recipe) struct Lessons<'a> {
    pub(in crate::recipe) recipe: &'a Recipe,
    pub(in crate::recipe) encodings: &'a HashMap<String, EncodingOptions>,
    /// The rows that no `[[drop]]` leaves out; `None` means all.
    pub(in crate::recipe) kept: Option<&'a [u32]>,
    pub(in crate::recipe) weights: Option<&'a Weights>,
    pub(in crate::recipe) copies: Copies<'a>,
    pub(in crate::recipe) options: FitOptions<'a>,
}

impl Lessons<'_> {
    /// Fits some of the recipe's reductions one after another, and adds the components of each to the table. `fitted` has
    /// those before them and gets the new ones.
    ///
    /// # Errors
    /// [`Error::Recipe`] for columns that do not exist or cannot be reduced, for components that would be called like a
    /// column, and for more components than features.
    pub(in crate::recipe) fn fit(
        &self,
        which: Range<usize>,
        table: &mut Table,
        fitted: &mut Vec<FittedReduction>,
        notes: &mut Vec<String>,
    ) -> Result<()> {
        for (i, spec) in which.clone().zip(&self.recipe.reductions[which]) {
            // What flags ask for stands in no recipe.
            let of_flags = spec.line == 0;
            let fault = |key: &str, what: String| {
                let key = format!("reduce[{i}].{key}");
                Error::recipe(vec![Fault::in_line(&self.recipe.source, spec.line, key, what)])
            };
            let made: Vec<String> = fitted.iter().flat_map(FittedReduction::names).collect();
            let one = self.fit_one(spec, table, made, notes).map_err(|e| match e {
                Error::Data { place, what } if !of_flags => {
                    let column = place.column.map_or_else(String::new, |c| format!("column {c}: "));
                    fault("columns", format!("{column}{what}"))
                }
                other => other,
            })?;
            if let Some(name) = one.names().into_iter().find(|name| table.column(name).is_some()) {
                if of_flags {
                    let what = format!(
                        "a component is called {name:?}, like this column; give the column another name"
                    );
                    return Err(Error::at(Place::default().column(name.as_str()), what));
                }
                let what = format!(
                    "its component {name:?} would be called like another column; choose another name"
                );
                return Err(fault("name", what));
            }
            let columns =
                one.apply(table, self.kept.map(<[u32]>::to_vec), self.options.computing, &mut Vec::new())?;
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
        if spec.method.needs_answers() {
            features.options.scale = Scale::None;
        }
        // Names that only a later stage makes mean nothing here.
        features.options.drop.retain(|pattern| table.columns.iter().any(|c| matches(pattern, &c.name)));
        let learned =
            Encoder::fit_rows(table, &features, self.encodings, self.kept.map(<[u32]>::to_vec), self.copies)?;
        let mut encoder = learned.encoder;
        if spec.method.needs_answers() {
            as_answers(&mut encoder)?;
        }
        if let Some(before) = self.options.before.iter().find(|before| spec.is_done_by(before, &encoder)) {
            notes.push(format!("{}: its components are those of the earlier model", spec.name));
            return Ok(before.clone());
        }
        let rows = learned.kept.as_deref();
        let columns = encoder.apply_to(table, rows)?.columns;
        let method = match spec.method {
            ReduceMethod::Pca { components } => {
                let matrix = self.weighted(Matrix::from_columns(encoder.feature_names(), columns)?, rows)?;
                FittedMethod::Pca(Pca::fit(&matrix, components)?)
            }
            ReduceMethod::Umap(params) => {
                let (names, params) =
                    (encoder.feature_names(), umap::Params { seed: self.options.seed, ..params });
                self.check_memory(&names, &columns, &params)?;
                FittedMethod::Umap(on_device(self.options.computing, &spec.name, notes, |computing| {
                    Umap::fit(&names, &columns, &params, computing.backend, computing.progress)
                })?)
            }
        };
        Ok(FittedReduction { name: spec.name.clone(), encoder, method })
    }

    /// Checks that there is enough memory for a layout. How many rows are distinct is counted only where it matters.
    fn check_memory(&self, names: &[String], columns: &[Vec<f32>], params: &umap::Params) -> Result<()> {
        let (rows, features) = (columns.first().map_or(0, Vec::len), columns.len());
        let Some(limit) = self.options.max_memory else { return Ok(()) };
        if params.bytes(rows, features, rows) <= limit {
            return Ok(());
        }
        let distinct = Umap::distinct_rows(names, columns, params.metric)?;
        let wanted = params.bytes(rows, features, distinct);
        if wanted > limit { Err(too_much(wanted, limit)) } else { Ok(()) }
    }

    /// The matrix with the weights of its rows, which are `rows` of the table.
    fn weighted(&self, matrix: Matrix, rows: Option<&[u32]>) -> Result<Matrix> {
        match (self.weights, rows) {
            (None, _) => Ok(matrix),
            (Some(weights), None) => matrix.with_weights(weights.clone()),
            (Some(weights), Some(rows)) => {
                matrix.with_weights(weights.select(rows.iter().map(|row| *row as usize)))
            }
        }
    }
}

/// Makes an encoder leave numbers of 0 and 1 as they are: unscaled numbers are still moved close to 0 otherwise.
///
/// # Errors
/// A column that has a weight of its own.
fn as_answers(encoder: &mut Encoder) -> Result<()> {
    for column in &mut encoder.columns {
        let weight = match column {
            ColumnEncoder::Number { centre, scale, .. } => {
                *centre = 0.0;
                1.0 / *scale
            }
            ColumnEncoder::Bool { weight, .. } | ColumnEncoder::OneHot { weight, .. } => *weight,
        };
        if weight != 1.0 {
            let what =
                "its recipe gives it a weight or a scale of its own, which answers of 0 and 1 cannot have";
            return Err(Error::at(Place::default().column(column.column()), what));
        }
    }
    Ok(())
}
