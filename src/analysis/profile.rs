//! The last stage: describes the segments in the table's own columns.

use super::charts;
use super::compare::{Compared, check};
use super::memory::check_memory;
use super::notice::{Notice, Observer};
use super::prepare::Prepared;
use super::spec::Spec;
use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::model::{Assignment, LabelledTable, Model};
use crate::profile::{Context, Members, Options, Place, Profile, choose, profile};
use crate::table::{Column, Table};
use crate::weights::Weights;
use std::collections::BTreeMap;

/// Checks that a table has the columns that the profile is to describe and that charts show, and decides whether the table is
/// kept for it: not if there is neither a profile nor a question nor a chart, and not if memory is too short for both the table
/// and the matrix of its features.
///
/// # Errors
/// A column that the table does not have or that cannot be described or drawn.
pub(super) fn keeps_table(
    table: &Table,
    (features, components): (usize, &[String]),
    limit: u64,
    spec: &Spec,
    observer: &dyn Observer,
) -> Result<bool> {
    let id = table.ids.as_ref().map(|(name, _)| name.as_str());
    charts::check(&spec.charts, table, &spec.recipe.source, id)?;
    let written = !spec.output.table.is_empty();
    if written {
        check_memory(table, features, true, limit)?;
    }
    let described = spec.profile.is_some() || !spec.charts.is_empty();
    if spec.fit.is_none() || (!described && spec.questions.is_empty() && spec.comparisons.is_empty()) {
        return Ok(written);
    }
    check(table, &spec.comparisons)?;
    if let Some(options) = &spec.profile {
        let never = never(spec, id);
        choose(table, options, &[never, undescribed(options, components)].concat())?;
    }
    let fits = check_memory(table, features, true, limit).is_ok();
    if !fits && spec.profile.is_some() {
        let why = "there is not enough memory to keep the table beside its features, so the segments are not described";
        observer.notice(&Notice::Data(why.into()));
    }
    Ok(fits)
}

/// What the rows of a table are like that a saved model has labelled.
#[derive(Debug, Clone)]
pub struct Described {
    /// Number of rows of the table, or of groups if the model groups rows.
    pub rows: usize,
    /// How many of these have no segment.
    pub excluded: usize,
    /// The segments.
    pub profile: Profile,
    /// What a person should know, such as categories that the fit did not see.
    pub warnings: Vec<String>,
}

/// Labels a table's rows with a model and describes the segments by these rows. Besides the table's own columns there are
/// those that the model's recipe makes of them for its features.
///
/// # Errors
/// As [`Model::assign`] and [`profile`]; a table in which no row gets a segment.
pub fn describe(model: &Model, table: &Table, options: &Options, backend: &dyn Backend) -> Result<Described> {
    let in_table = |e: Error| e.in_file(&table.source);
    let LabelledTable { assignments, whole, weights, .. } = model.label(table, backend).map_err(in_table)?;
    let rows = &assignments.rows;
    let segments: Vec<Option<u32>> = rows.iter().map(|row| row.map(|row| row.segment)).collect();
    // The weights are those of the rows that have a segment.
    let weights = weights.map(|weights| {
        let mut own = weights.steps().iter();
        let steps = rows.iter().map(|row| row.and_then(|_| own.next().copied()).unwrap_or(0));
        weights.with_steps(steps.collect())
    });
    let members = Members::new(&segments, model.k(), weights.as_ref()).map_err(in_table)?;
    let mut columns: Vec<Column> = Vec::new();
    // Groups have only the columns that the model makes for them.
    if model.preparation.group.is_none() {
        let own = table.columns.iter().filter(|c| whole.column(&c.name).is_none());
        columns.extend(own.cloned());
    }
    columns.extend(whole.columns.iter().cloned());
    let ids = table.ids.iter().chain(&assignments.groups).map(|(name, _)| name.clone());
    let context = Context {
        names: model.names(),
        features: model.encoder.columns.iter().map(|c| c.column().to_string()).collect(),
        never: ids
            .chain(model.weight_column.clone())
            .chain(undescribed(options, &model.preparation.components()))
            .collect(),
        rest: model.aliases.rest(),
        topics: BTreeMap::new(),
    };
    let mut all = Table {
        source: table.source.clone(),
        rows: whole.rows,
        columns,
        wide_integers: table.wide_integers.clone(),
        ..Table::default()
    };
    model.aliases.apply(&mut all);
    let mut found = profile(&all, &members, options, &context).map_err(in_table)?;
    let seed = model.method.seed();
    found.learn_rules(&all, &segments, weights.as_ref(), (options, &context), seed).map_err(in_table)?;
    let ids = assignments.groups.as_ref().or(table.ids.as_ref());
    found.add_places(&members, &places(rows), options.typical, |row| name(ids, row));
    let excluded = rows.len() - rows.iter().flatten().count();
    Ok(Described { rows: rows.len(), excluded, profile: found, warnings: assignments.warnings })
}

/// Where rows lie.
fn places(rows: &[Option<Assignment>]) -> Vec<Option<Place>> {
    let place = |row: Assignment| Place { distance: row.distance, margin: row.margin };
    rows.iter().map(|row| row.map(place)).collect()
}

/// What a row is called: its id, or its number as in the assignments.
pub(super) fn name(ids: Option<&(String, Vec<String>)>, row: usize) -> String {
    let id = ids.and_then(|(_, cells)| cells.get(row).cloned());
    id.unwrap_or_else(|| (row + 1).to_string())
}

/// The columns that identify or weight the rows.
fn never(spec: &Spec, ids: Option<&str>) -> Vec<String> {
    ids.into_iter().map(String::from).chain(spec.recipe.features.options.weight.clone()).collect()
}

/// The components that do not describe segments: all of them, unless the columns that do are named. Mixtures of columns
/// tell people less than the columns themselves.
fn undescribed(options: &Options, components: &[String]) -> Vec<String> {
    if options.columns.is_empty() { components.to_vec() } else { Vec::new() }
}

impl Prepared {
    /// Describes the segments, `k` of them, if the table was kept. `rows` are those of the table.
    ///
    /// # Errors
    /// As [`profile`].
    pub(super) fn profile(
        &self,
        rows: &[Option<Assignment>],
        k: usize,
        names: &[Option<String>],
        spec: &Spec,
        ids: Option<&(String, Vec<String>)>,
    ) -> Result<Option<Profile>> {
        let segments: Vec<Option<u32>> = rows.iter().map(|row| row.map(|row| row.segment)).collect();
        self.profile_with(&segments, (k, names), spec, ids, |found, members, typical| {
            found.add_places(members, &places(rows), typical, |row| name(ids, row));
        })
    }

    /// Describes the segments of another labelling of the table's rows, if the table was kept.
    ///
    /// # Errors
    /// As [`profile`].
    pub(super) fn profile_of(
        &self,
        segments: &[Option<u32>],
        k: usize,
        spec: &Spec,
        ids: Option<&(String, Vec<String>)>,
    ) -> Result<Option<Profile>> {
        self.profile_with(segments, (k, &vec![None; k]), spec, ids, |_, _, _| {})
    }

    fn profile_with(
        &self,
        segments: &[Option<u32>],
        (k, names): (usize, &[Option<String>]),
        spec: &Spec,
        ids: Option<&(String, Vec<String>)>,
        add: impl FnOnce(&mut Profile, &Members, usize),
    ) -> Result<Option<Profile>> {
        let (Some(table), Some(options)) = (&self.table, &spec.profile) else { return Ok(None) };
        let weights = self.table_weights();
        let members = Members::new(segments, k, weights.as_ref())?;
        let context = Context {
            names: names.to_vec(),
            features: self.fitted.encoder.columns.iter().map(|c| c.column().to_string()).collect(),
            never: [
                never(spec, ids.map(|(name, _)| name.as_str())),
                undescribed(options, &self.fitted.preparation.components()),
            ]
            .concat(),
            rest: self.aliases.rest(),
            topics: self.topics.clone(),
        };
        let mut found = profile(table, &members, options, &context)?;
        found.learn_rules(table, segments, weights.as_ref(), (options, &context), spec.seed)?;
        add(&mut found, &members, options.typical);
        Ok(Some(found))
    }

    /// The weights of the table's rows, if they have any: those of the fit's rows, and 0 for all others.
    pub(super) fn table_weights(&self) -> Option<Weights> {
        self.weights.as_ref().map(|weights| match &self.kept {
            None => weights.clone(),
            Some(kept) => {
                let mut steps = vec![0; self.rows];
                kept.iter().zip(weights.steps()).for_each(|(&row, &step)| steps[row as usize] = step);
                weights.with_steps(steps)
            }
        })
    }

    /// Compares the segments with labellings by rules, if the table was kept.
    ///
    /// # Errors
    /// As [`super::Cross::compare`].
    pub(super) fn compare(
        &self,
        rows: &[Option<Assignment>],
        names: &[Option<String>],
        spec: &Spec,
    ) -> Result<Vec<Compared>> {
        let Some(table) = self.table.as_ref().filter(|_| !spec.comparisons.is_empty()) else {
            return Ok(Vec::new());
        };
        let segments: Vec<Option<u32>> = rows.iter().map(|row| row.map(|row| row.segment)).collect();
        let weights = self.table_weights();
        let compare = |cross: &super::Cross| cross.compare(table, &segments, names, weights.as_ref());
        spec.comparisons.iter().map(compare).collect()
    }
}
