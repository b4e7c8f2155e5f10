//! The second stage: turns a table into the matrix of its features.

use super::describe::{describe_prepared, keeps_to_describe};
use super::init::{Before, Init};
use super::load::Loaded;
use super::memory::check_memory;
use super::notice::{Notice, Observer, with_progress};
use super::profile::keeps_table;
use super::questions;
use super::regroup::{Regroup, SplitColumn};
use super::stability::CohortColumn;
use super::{Compute, Seconds, Spec};
use crate::backend::{Backend, Chosen, Opening, Shape, Work};
use crate::cluster::Partition;
use crate::describe::TableDescription;
use crate::error::{Error, Place, Result};
use crate::matrix::{Matrix, Repeats};
use crate::model::ByColumn;
use crate::questions::Hidden;
use crate::recipe::{
    Aliases, ColumnEncoder, ColumnReference, Computing, ExtraColumn, FitOptions, FitReport, FittedRecipe,
    Recipe, matches, no_column,
};
use crate::table::{Column, Table};
use crate::weights::Weights;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

/// A table that has been turned into features.
pub struct Prepared {
    /// The table's name, for messages.
    pub source: String,
    /// The rows of the fit. If many rows are equal, it holds each distinct row once; see `merged`.
    pub matrix: Matrix,
    /// Which of the fit's rows are equal, if the matrix holds each distinct row once.
    pub merged: Option<Repeats>,
    /// Rows of weight 0, which get a segment but do not influence the fit.
    pub weightless: Option<Weightless>,
    /// The recipe with everything that it learned from the table.
    pub fitted: FittedRecipe,
    /// The id column's name and cells, if one was asked for.
    pub ids: Option<(String, Vec<String>)>,
    /// Number of rows of the table; the fit may have fewer.
    pub rows: usize,
    /// Which rows of the table the fit uses; `None` means all.
    pub kept: Option<Vec<u32>>,
    /// Which rows were left out as outliers, in ascending order.
    pub outliers: Vec<u32>,
    /// Which rows are outside the population, in ascending order.
    pub outside: Vec<u32>,
    pub(super) init: Option<Start>,
    /// Which segments are merged and split: the specification's choice, or that of the model that the fit starts from.
    pub(super) regroup: Regroup,
    /// The columns that split segments, in the order of the splits.
    pub(super) split_columns: Vec<SplitColumn>,
    /// The table with the recipe's columns, if the segments are going to be described.
    pub(super) table: Option<Table>,
    /// What is in the table, if that was asked for.
    pub(super) description: Option<TableDescription>,
    /// The topics of the columns that have one.
    pub(super) topics: BTreeMap<String, String>,
    /// How many rows the recipe's `[[drop]]` left out, if it has any.
    pub(super) dropped: Option<usize>,
    /// The name of the weight column.
    pub(super) weight_column: Option<String>,
    /// The aliases of the columns' texts, for descriptions of the segments.
    pub aliases: Aliases,
    /// Which texts the aliases of the kept table stand for.
    pub(super) hidden: Hidden,
    /// The components of reductions that are no features, as columns of the table, if the table itself is not kept.
    components: Vec<Column>,
    /// The names of those components that are written into a file of features.
    written: HashSet<String>,
    /// The distributions of the columns, which the model keeps to detect drift.
    pub(super) reference: Vec<ColumnReference>,
    /// The column of the cohorts, if they are fitted on their own.
    pub(super) cohort: Option<CohortColumn>,
    /// The weights of the fit's rows before equal rows were merged, if rows have weights.
    pub(super) weights: Option<Weights>,
    /// The device, which may be opening.
    pub(super) opening: Option<Opening>,
    /// The GPU, if reductions have used it already.
    pub(super) chosen: Option<Chosen>,
    pub(super) began: Instant,
    pub(super) limit: u64,
    pub(super) seconds: Seconds,
}

/// The centroids that a fit starts from.
pub(super) struct Start {
    /// The centroids, in the scaled space.
    pub(super) centroids: Vec<Vec<f64>>,
    /// The centroids that splits start from, by the number of the segment.
    pub(super) parts: BTreeMap<u32, Vec<Vec<f64>>>,
    /// If the fit starts from a model, the labels that this model gives to the table's rows.
    pub(super) before: Option<Before>,
}

/// Rows of weight 0 and their features.
pub struct Weightless {
    /// Their row numbers in the table, in ascending order.
    pub rows: Vec<u32>,
    /// One column for each feature.
    pub columns: Vec<Vec<f32>>,
}

impl Prepared {
    /// How many rows the fit learns from; equal rows are all counted.
    pub fn fit_rows(&self) -> usize {
        self.merged.as_ref().map_or(self.matrix.rows(), Repeats::rows)
    }

    /// The row of the matrix that holds the values of the fit's row `i`.
    pub fn matrix_row(&self, i: usize) -> usize {
        self.merged.as_ref().map_or(i, |repeats| repeats.of_row(i).unwrap_or(0))
    }

    /// The row of the table whose values a row of the matrix has; the first of several that are equal.
    pub(super) fn table_row(&self, row: usize) -> usize {
        let of_fit = self.merged.as_ref().map_or(row, |repeats| repeats.first(row));
        self.kept.as_ref().map_or(of_fit, |kept| kept[of_fit] as usize)
    }

    /// For some rows of the table the segment of each by its value in a column that splits segments.
    pub(super) fn choices(&self, by: &ByColumn, rows: &[u32]) -> Option<Vec<u32>> {
        let column = self.split_columns.iter().find(|column| column.is(&by.column))?;
        Some(column.segments(by, Some(rows)))
    }

    /// The rows of the fit: for each its row in the table, its row in the matrix, and its weight in steps, 1 without weights.
    pub(super) fn members(&self) -> impl Iterator<Item = (usize, usize, u64)> {
        (0..self.fit_rows()).map(|i| {
            let row = self.kept.as_ref().map_or(i, |kept| kept[i] as usize);
            (row, self.matrix_row(i), self.weights.as_ref().map_or(1, |weights| weights.steps()[i]))
        })
    }

    /// The components of the recipe's reductions that are no features but belong into a file of features, for the rows of the
    /// fit: each component's name, and a function from the number of one of the fit's rows to its value, which is NaN where it has none.
    pub fn components(&self) -> Vec<(&str, impl Fn(usize) -> f64 + Sync + '_)> {
        let features: HashSet<&str> = self.fitted.encoder.columns.iter().map(ColumnEncoder::column).collect();
        let names = &self.written;
        let columns = self.table.iter().flat_map(|table| &table.columns).chain(&self.components);
        let others = columns.filter(|c| names.contains(&c.name) && !features.contains(c.name.as_str()));
        let value = |column: &'_ Column, i: usize| {
            let row = self.kept.as_ref().map_or(i, |kept| kept[i] as usize);
            column.values.number(row).unwrap_or(f64::NAN)
        };
        others.map(|column| (column.name.as_str(), move |i: usize| value(column, i))).collect()
    }

    /// The columns of the prepared table that match these names and globs, in their order and each once; all columns if there are
    /// none. It has them only if [`Output::table`](super::Output::table) names a file, or something describes the segments.
    ///
    /// # Errors
    /// A name that matches no column; a table that was not kept.
    pub fn columns_of_table(&self, patterns: &[String]) -> Result<Vec<&Column>> {
        let table = self.table.as_ref();
        let table = table.ok_or_else(|| Error::data("the table was not kept, so it cannot be written"))?;
        if let Some(pattern) = patterns.iter().find(|p| !table.columns.iter().any(|c| matches(p, &c.name))) {
            let what = no_column(table, &[], pattern);
            return Err(Error::at(
                Place::file(self.source.as_str()),
                format!("[output] table_columns: {what}"),
            ));
        }
        if patterns.is_empty() {
            return Ok(table.columns.iter().collect());
        }
        let mut columns: Vec<&Column> = Vec::new();
        for pattern in patterns {
            let there: HashSet<&str> = columns.iter().map(|c| c.name.as_str()).collect();
            let new = |c: &&Column| matches(pattern, &c.name) && !there.contains(c.name.as_str());
            columns.extend(table.columns.iter().filter(new));
        }
        Ok(columns)
    }

    /// The components of the recipe's reductions that are no features, for all rows of the table.
    pub fn all_components(&self) -> Vec<&Column> {
        let columns = self.table.iter().flat_map(|table| &table.columns).chain(&self.components);
        columns.filter(|c| self.written.contains(&c.name)).collect()
    }

    /// A component of one of the recipe's reductions, for all rows of the table, if it is at hand.
    pub(super) fn component(&self, name: &str) -> Option<&Column> {
        let mut columns = self.table.iter().flat_map(|table| &table.columns).chain(&self.components);
        columns.find(|column| column.name == name)
    }

    /// The partition of all rows of the fit, from one of the matrix' rows.
    pub(super) fn of_all_rows<'p>(&self, partition: &'p Partition) -> Cow<'p, Partition> {
        match &self.merged {
            None => Cow::Borrowed(partition),
            Some(repeats) => Cow::Owned(partition.clone().of_all_rows(repeats)),
        }
    }

    /// Maps results from the rows of the matrix to the rows of the table; rows that are not in the fit get `None`.
    pub fn of_table<T: Copy>(&self, of_matrix: Vec<Option<T>>) -> Vec<Option<T>> {
        if self.merged.is_none() && self.kept.is_none() {
            return of_matrix;
        }
        let mut rows = vec![None; self.rows];
        for i in 0..self.fit_rows() {
            let row = self.kept.as_ref().map_or(i, |kept| kept[i] as usize);
            rows[row] = of_matrix[self.matrix_row(i)];
        }
        rows
    }
}

impl Loaded {
    /// Chooses the features and makes the matrix.
    ///
    /// # Errors
    /// Mistakes in the recipe, its features or the start centroids; too little memory.
    pub fn prepare(self, spec: &Spec, compute: &Compute, observer: &dyn Observer) -> Result<Prepared> {
        let Loaded { mut table, init, opening, began: all_began, limit, mut seconds } = self;
        let (began, init) = (Instant::now(), init.as_ref());
        table.notes.iter().for_each(|note| observer.notice(&Notice::Data(note.clone())));
        let source = table.source.clone();
        let regroup = match spec.regroup.is_empty() || spec.fit.is_none() {
            true => init.map(Init::regroup).unwrap_or_default(),
            false => spec.regroup.clone(),
        };
        let mut recipe = spec.recipe.clone();
        recipe.extra.extend(regroup.columns().map(|(line, key, column)| ExtraColumn::new(line, key, column)));
        let recipe = &recipe;
        // Before the recipe makes columns that may replace the table's own.
        let mut before = init.map(|init| init.labels(&table, &compute.cpu)).transpose()?.flatten();
        let topics = recipe.topics(&table);
        let in_table = |e: Error| e.in_file(&source);
        let (opening, chosen) = device_for_neighbours(recipe, &table, opening, compute).map_err(in_table)?;
        if let Some(chosen) = &chosen {
            let reason = format!("for the neighbours in layouts; {}", chosen.reason);
            observer.notice(&Notice::Device(chosen.backend.describe(), reason));
        }
        let fitting = with_progress(observer, |progress| {
            let backend = chosen.as_ref().map_or(&compute.cpu as &dyn Backend, |chosen| &*chosen.backend);
            let computing = Computing { backend, progress };
            let before = init.map_or(&[][..], Init::reductions);
            recipe.fit_with(
                &mut table,
                FitOptions { before, seed: spec.seed, max_memory: Some(limit), computing },
            )
        });
        let FitReport { fitted, choices, notes, outliers, outside, dropped, kept, weights, unweighted } =
            fitting.map_err(in_table)?;
        if let Some(before) = before.as_ref().filter(|before| before.labels.len() != table.rows) {
            return Err(before.other_rows(recipe.group.as_ref().map(|group| group.by.as_str())));
        }
        if let Some(init) = init {
            let named = spec.fit.as_ref().and_then(|fit| fit.previous.as_deref());
            let id = table.ids.as_ref().map(|(name, _)| name.as_str());
            let found = init.previous(named, id, limit)?;
            if let Some(before) = &mut before {
                before.found = found;
            }
        }
        let aliases = recipe.fit_aliases(&table, init.map_or(&Aliases::default(), Init::aliases))?;
        let cohort = spec.stability.as_ref().filter(|_| spec.fit.is_some()).and_then(|s| s.cohort.as_deref());
        let cohort = cohort.map(|name| CohortColumn::of(&table, name)).transpose().map_err(in_table)?;
        notes.into_iter().for_each(|note| observer.notice(&Notice::Recipe(note)));
        observer.notice(&Notice::Features { choices, rows: table.rows });
        let names = fitted.encoder.feature_names();
        let encoder_width = names.len();
        check_memory(&table, names.len(), false, limit)?;
        let components = fitted.preparation.components();
        let reductions = recipe.reductions.iter().zip(&fitted.preparation.reductions);
        let written = reductions.filter(|(spec, _)| spec.features_out);
        let written: HashSet<String> = written.flat_map(|(_, fitted)| fitted.names()).collect();
        let keeps =
            keeps_table(&table, (names.len(), &components), limit, spec, observer).map_err(in_table)?;
        let describes = keeps_to_describe(&table, names.len(), limit, spec, observer).map_err(in_table)?;
        let init = init.map(|init| init.start(&fitted.encoder, before, observer)).transpose()?;
        let values =
            init.iter().flat_map(|init| init.centroids.iter().chain(init.parts.values().flatten())).flatten();
        let split_columns = SplitColumn::all(&regroup, &table, &recipe.source)?;
        let reach = values.fold(0f64, |reach, v| reach.max(v.abs())) as f32;
        // Computed before the table's columns become the matrix. Only a model needs it.
        let reference = match &spec.fit {
            None => Vec::new(),
            Some(_) => fitted.encoder.reference(&table, kept.as_deref(), weights.as_ref()),
        };
        let weightless = match unweighted.is_empty() {
            true => None,
            false => {
                let encoded = fitted.encoder.apply_to(&table, Some(&unweighted)).map_err(in_table)?;
                Some(Weightless { rows: unweighted, columns: encoded.columns })
            }
        };
        let components = match keeps {
            true => Vec::new(),
            false => take_components(&mut table, &components, &fitted),
        };
        let block = if kept.is_none() && !keeps && !describes {
            fitted.encoder.apply_in_place(&mut table)
        } else {
            None
        };
        let (ids, rows) = (table.ids.take(), table.rows);
        let mut kept_table = None;
        let matrix = match block {
            Some(block) => block.and_then(|block| Matrix::from_row_major(names, block, reach)),
            None => {
                let encoded = fitted.encoder.apply_to(&table, kept.as_deref()).map_err(in_table)?;
                kept_table = (keeps || describes).then_some(table);
                encoded.warnings.into_iter().for_each(|warning| observer.notice(&Notice::Data(warning)));
                Matrix::with_room_for(names, encoded.columns, reach)
            }
        };
        let hidden =
            questions::begin(&mut kept_table, &aliases, spec, ids.as_ref().map(|(name, _)| name.as_str()))?;
        let description = match &kept_table {
            Some(table) if describes => {
                describe_prepared(table, encoder_width, limit, spec).map_err(in_table)?
            }
            _ => None,
        };
        kept_table = kept_table.filter(|_| keeps);
        let matrix = matrix.map_err(in_table)?;
        let matrix = match &weights {
            None => matrix,
            Some(weights) => matrix.with_weights(weights.clone()).map_err(in_table)?,
        }
        .with_repeats();
        let all = matrix.rows();
        // Equal rows may have different values in a column that splits segments.
        let (matrix, merged) = if split_columns.is_empty() { merge_repeats(matrix) } else { (matrix, None) };
        if merged.is_some() {
            observer.notice(&Notice::Merged { rows: all, distinct: matrix.rows() });
        }
        let unweighted = weightless.as_ref().map_or(0, |w| w.rows.len());
        if unweighted > 0 {
            observer.notice(&Notice::WeightZero(unweighted));
        }
        if let Some(kept) = kept.as_ref().filter(|k| k.len() + dropped + unweighted < rows) {
            let missing = rows - kept.len() - dropped - unweighted;
            observer.notice(&Notice::LeftOut { missing, rows });
        }
        seconds.prepare = Some(began.elapsed().as_secs_f64());
        Ok(Prepared {
            source,
            matrix,
            merged,
            weightless,
            fitted,
            ids,
            rows,
            kept,
            topics,
            dropped: (!recipe.drops.is_empty()).then(|| dropped.saturating_sub(outside.len())),
            outliers,
            outside,
            init,
            regroup,
            split_columns,
            table: kept_table,
            description,
            weight_column: recipe.features.options.weight.clone(),
            aliases,
            hidden,
            components,
            written,
            reference,
            cohort,
            weights,
            opening,
            chosen: chosen.filter(|chosen| chosen.backend.describe().is_gpu()),
            began: all_began,
            limit,
            seconds,
        })
    }
}

/// The device that searches neighbours for the recipe's reductions, if any of them needs it; otherwise the device goes on
/// opening.
///
/// # Errors
/// The device asked for is unavailable.
fn device_for_neighbours(
    recipe: &Recipe,
    table: &Table,
    opening: Option<Opening>,
    compute: &Compute,
) -> Result<(Option<Opening>, Option<Chosen>)> {
    let searches = recipe.reductions.iter().filter(|reduction| reduction.method.needs_neighbours()).count();
    if searches == 0 {
        return Ok((opening, None));
    }
    let shape = Shape { rows: table.rows, features: table.columns.len() };
    let pairs = (shape.rows as f64).powi(2) * shape.features as f64;
    let work = Work { nearest: searches as f64 * pairs, ..Work::default() };
    let begin = || Opening::begin(compute.device, compute.cpu, &compute.gpu, false);
    Ok((None, Some(opening.unwrap_or_else(begin).choose(&work, shape)?)))
}

/// Takes the components that are no features out of a table that is not kept, so that they do not get in the way when its
/// features are made.
fn take_components(table: &mut Table, components: &[String], fitted: &FittedRecipe) -> Vec<Column> {
    let feature = |name: &str| fitted.encoder.columns.iter().any(|c| c.column() == name);
    let goes = |column: &mut Column| components.contains(&column.name) && !feature(&column.name);
    table.columns.extract_if(.., goes).collect()
}

/// A matrix that holds each distinct row once, and which rows these stand for, if that saves at least a quarter of the
/// rows.
fn merge_repeats(matrix: Matrix) -> (Matrix, Option<Repeats>) {
    let merged = {
        let repeats = matrix.repeats();
        let distinct = if 4 * repeats.len() > 3 * matrix.rows() { None } else { repeats.merge(&matrix) };
        distinct.map(|distinct| (distinct.with_repeats(), repeats.into_owned()))
    };
    merged.map_or((matrix, None), |(distinct, repeats)| (distinct, Some(repeats)))
}
