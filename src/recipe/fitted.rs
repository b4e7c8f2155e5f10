//! Fitting a [`Recipe`] to a table, and applying the [`FittedRecipe`] to later tables.
//!
//! Here the parts come together, in this order: computed columns, one row per group (if asked for), rows to leave out,
//! and the encoding of columns as features. The fit learns from the rows with a weight above 0 only; the other rows
//! still get features and a segment, just like the rows of a later table.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use crate::backend::cpu::Cpu;
use crate::error::{Error, Fault, Place, Result};
use crate::progress::Progress;
use crate::recipe::columns::{ColumnPlan, Node, needed};
use crate::recipe::condition::FittedCondition;
use crate::recipe::drops::{FittedDrop, RowStatus};
use crate::recipe::encode::{ColumnEncoder, Encoded, Encoder};
use crate::recipe::extra::FittedExtra;
use crate::recipe::fit::FittedEncoder;
use crate::recipe::fitted_step::numbers_or;
use crate::recipe::group::Group;
use crate::recipe::infer::ColumnChoice;
use crate::recipe::preparation::{Preparation, kept, matches, with_made};
use crate::recipe::reduce::{
    Computing, FitOptions, FittedReduction, Lessons, ReduceSpec, explain, with_components,
};
use crate::recipe::rows::{kept_rows, no_column, renumbered, select};
use crate::recipe::statistics::Copies;
use crate::recipe::{Features, Recipe};
use crate::table::{Column, DetectedFormat, NumberFormat, Table, check_columns, missing_column};
use crate::weights::Weights;

/// Everything that a recipe learned from its table: enough to turn any table with the same columns into features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedRecipe {
    /// Computes columns, groups rows and leaves rows out.
    pub preparation: Preparation,
    /// Turns the resulting columns into features.
    pub encoder: Encoder,
}

/// What applying a fitted recipe to a table gives.
pub(crate) struct AppliedRecipe<'a> {
    pub(crate) encoded: Encoded,
    /// The rows left out as outliers, counted from 0 and ascending.
    pub(crate) outliers: Vec<u32>,
    /// The rows outside the population, counted from 0 and ascending.
    pub(crate) outside: Vec<u32>,
    /// The columns that the features were made from. If rows were grouped, it has one row per group, whose id is the
    /// group's value.
    pub(crate) table: Cow<'a, Table>,
}

/// What [`Recipe::fit`] learned, and what happened to the table's columns and rows. Rows are counted from 0; if the
/// recipe groups rows, they are the groups.
#[derive(Debug, Clone)]
pub struct FitReport {
    /// What was learned, to be applied to this table and to later ones.
    pub fitted: FittedRecipe,
    /// For each column, whether it became features, and why.
    pub choices: Vec<ColumnChoice>,
    /// Notes for the user, one sentence each.
    pub notes: Vec<String>,
    /// The rows left out as outliers, ascending.
    pub outliers: Vec<u32>,
    /// The rows outside the recipe's `[population]`, ascending.
    pub outside: Vec<u32>,
    /// How many rows the recipe's `[population]` and `[[drop]]` sections leave out, including the outliers.
    pub dropped: usize,
    /// The rows to fit the model to, ascending; `None` means all rows of the table. Rows with weight 0 are never among
    /// them.
    pub kept: Option<Vec<u32>>,
    /// The weights of the rows in `kept`, in the same order, all above 0; `None` if the recipe has no weights.
    pub weights: Option<Weights>,
    /// The rows with weight 0 that are not left out, ascending: they get a segment but do not influence the fit.
    pub unweighted: Vec<u32>,
}

/// What was learned from the rows with a weight above 0.
struct Learned {
    preparation: Preparation,
    encoder: FittedEncoder,
    notes: Vec<String>,
    statuses: Option<Vec<RowStatus>>,
}

impl Recipe {
    /// Adds the recipe's columns to `table`, chooses the features, and learns everything they need. With `[group]`,
    /// `table` is replaced by one with a row per group.
    ///
    /// Computed columns learn from all rows (the median of `impute`, the figures per group); the encoding of features
    /// learns only from the rows that no `[[drop]]` leaves out. A row of weight w counts like w copies of itself. A row
    /// of weight 0 teaches nothing: it only gets its columns, as a row of a later table would.
    ///
    /// # Errors
    /// [`Error::Recipe`] for columns that do not exist and for steps that do not suit their column; [`Error::Data`] for
    /// weights that cannot be used; and the errors of [`Encoder::fit`].
    pub fn fit(&self, table: &mut Table) -> Result<FitReport> {
        let computing = Computing { backend: &Cpu::default(), progress: Progress::none() };
        self.fit_with(table, FitOptions { before: &[], seed: 0, max_memory: None, computing })
    }

    /// Does the same as [`Recipe::fit`] with a seed and a device of the caller's choice, and with what an earlier model
    /// knows.
    ///
    /// # Errors
    /// Those of [`Recipe::fit`]; [`Error::Interrupted`].
    pub fn fit_with(&self, table: &mut Table, options: FitOptions<'_>) -> Result<FitReport> {
        let plan = ColumnPlan::new(self, table)?;
        let mut notes = Vec::new();
        let mut grouping = None;
        // Keep a copy: if a computed column replaces one of the table's, `put` removes how that was written.
        let written = table.number_formats.clone();
        if let Some(group) = &self.group {
            let (columns, made) = plan.make(&plan.of_rows, table, None)?;
            put(table, made);
            let (found, grouped, said) = plan.group(&group.by, table, columns)?;
            notes.extend(said);
            grouping = Some(found);
            *table = grouped;
        }
        let nodes = if grouping.is_some() { &plan.of_groups } else { &plan.of_rows };
        let weights = self.weights(&plan, nodes, table)?;
        // The rows with a weight above 0, if some rows have weight 0.
        let counted = weights.as_ref().map(|weights| {
            (0..table.rows as u32).filter(|row| weights.counts_row(*row as usize)).collect::<Vec<u32>>()
        });
        let counted = counted.filter(|counted| counted.len() < table.rows);
        let mut report = if let Some(counted) = counted {
            let own = weights.as_ref().map(|w| w.select(counted.iter().map(|row| *row as usize)));
            let learned = self
                .learn(&plan, nodes, &mut select(table, &counted), (own.as_ref(), options))
                .map_err(|e| renumbered(e, &counted))?;
            self.with_the_rest(learned, &counted, table, (&mut notes, options.computing))?
        } else {
            let learned = self.learn(&plan, nodes, table, (weights.as_ref(), options))?;
            notes.extend(learned.notes);
            let statuses = learned.statuses.as_deref();
            FitReport {
                notes: Vec::new(),
                outliers: statuses.map_or_else(Vec::new, outliers),
                outside: statuses.map_or_else(Vec::new, outside),
                dropped: dropped(statuses),
                kept: learned.encoder.kept,
                choices: learned.encoder.choices,
                fitted: FittedRecipe { preparation: learned.preparation, encoder: learned.encoder.encoder },
                weights: None,
                unweighted: Vec::new(),
            }
        };
        let FittedRecipe { preparation, encoder } = &mut report.fitted;
        if let Some(grouping) = &mut grouping {
            grouping.keep_needed(preparation, encoder);
        }
        preparation.group = grouping;
        preparation.number_formats = number_formats(&written, preparation, encoder);
        report.notes.splice(0..0, notes);
        report.weights = weights.map(|weights| match &report.kept {
            None => weights,
            Some(kept) => weights.select(kept.iter().map(|row| *row as usize)),
        });
        Ok(report)
    }

    /// The rows' weights, if the recipe names a weight column. If that column is computed, all rows count once while it
    /// is, because there are no weights yet.
    fn weights(&self, plan: &ColumnPlan<'_>, nodes: &[Node<'_>], table: &Table) -> Result<Option<Weights>> {
        let Some(name) = &self.features.options.weight else { return Ok(None) };
        let place = || Place::file(table.source.as_str()).column(name.as_str());
        let made = if ColumnPlan::makes(nodes, name) { plan.make(nodes, table, None)?.1 } else { Vec::new() };
        let column = made.iter().find(|c| c.name == *name).or_else(|| table.column(name));
        let column = column.ok_or_else(|| match &self.group {
            None => missing_column(table, name),
            Some(group) => Error::at(
                place(),
                format!(
                    "the weight has to be a column of the groups: make it with an [[aggregate]] by {:?}",
                    group.by
                ),
            ),
        })?;
        weights_of(table, column).map(Some)
    }

    /// How many reductions come before the population is decided, because its condition uses their components.
    fn reductions_before_population(&self) -> usize {
        let Some(population) = &self.population else { return 0 };
        let columns = population.columns();
        let used = |reduction: &ReduceSpec| columns.iter().any(|column| reduction.can_be(column));
        self.reductions.iter().rposition(used).map_or(0, |last| last + 1)
    }

    /// Computes the columns of a table in which every weight is above 0, and learns from all of its rows.
    fn learn<'a>(
        &'a self,
        plan: &ColumnPlan<'a>,
        nodes: &[Node<'a>],
        table: &mut Table,
        (weights, options): (Option<&Weights>, FitOptions<'_>),
    ) -> Result<Learned> {
        let copies: Option<Vec<f64>> = weights.map(Weights::all_copies);
        let copies = copies.as_deref().filter(|copies| copies.iter().any(|c| *c != 1.0));
        let (columns, made) = plan.make(nodes, table, copies)?;
        put(table, made);
        in_order(table, &self.features);
        let mut notes = Vec::new();
        // The population may depend on the components of the first reductions; then it is decided after them.
        let first = self.reductions_before_population();
        let LeftOut { mut population, drops, mut statuses } =
            leave_out(self, table, weights, first == 0, &mut notes)?;
        let mut reductions = Vec::new();
        let mut reduce =
            |which: Range<usize>, table: &mut Table, statuses: Option<&[RowStatus]>, notes: &mut _| {
                let kept = statuses.and_then(kept);
                let lessons = Lessons {
                    recipe: self,
                    encodings: &plan.encodings,
                    kept: kept.as_deref(),
                    weights: weights.filter(|_| copies.is_some()),
                    copies,
                    options,
                };
                lessons.fit(which, table, &mut reductions, notes)
            };
        if let Some(own) = self.population.as_ref().filter(|_| first > 0) {
            reduce(0..first, table, statuses.as_deref(), &mut notes)?;
            let statuses = statuses.get_or_insert_with(|| vec![RowStatus::Kept; table.rows]);
            let fault = |what| vec![Fault::in_line(&self.source, own.line, own.key(), what)];
            let fitted = own.fit(table, weights, statuses, &mut notes);
            population = Some(fitted.map_err(|what| Error::recipe(fault(what)))?);
        }
        reduce(first..self.reductions.len(), table, statuses.as_deref(), &mut notes)?;
        let kept = statuses.as_deref().and_then(kept);
        in_order(table, &self.features);
        let (features, encodings) = with_components(&self.features, &plan.encodings, &reductions);
        let mut encoder = Encoder::fit_rows(table, &features, &encodings, kept, copies)?;
        explain(&mut encoder.choices, &reductions);
        let reduced = reductions.iter().flat_map(|reduction| &reduction.encoder.columns);
        let extra = population.iter().flat_map(FittedCondition::columns);
        let extra = extra.chain(self.extra.iter().map(|extra| extra.column.as_str()));
        let extra: Vec<&str> = extra.collect();
        let used: HashSet<&str> = encoder
            .encoder
            .columns
            .iter()
            .chain(reduced)
            .map(|c| c.column())
            .chain(drops.iter().flat_map(FittedDrop::columns))
            .chain(extra.iter().copied())
            .collect();
        let columns = needed(columns, &used);
        let components: Vec<String> = reductions.iter().flat_map(FittedReduction::names).collect();
        let made = |name: &str| {
            self.group.is_some()
                || columns.iter().any(|c| c.name == name)
                || components.iter().any(|component| component == name)
        };
        let extra = FittedExtra::all(extra.into_iter(), table, made);
        let group = None;
        let number_formats = BTreeMap::new();
        let preparation =
            Preparation { group, columns, population, drops, reductions, extra, number_formats };
        notes.extend(encoder.notes.iter().cloned());
        Ok(Learned { preparation, encoder, notes, statuses })
    }

    /// Extends what was learned from the rows in `counted` to the whole table: the rows of weight 0 get their computed
    /// columns and their status, and row numbers become those of the whole table.
    fn with_the_rest(
        &self,
        learned: Learned,
        counted: &[u32],
        table: &mut Table,
        (notes, computing): (&mut Vec<String>, Computing<'_>),
    ) -> Result<FitReport> {
        let Learned { preparation, encoder: FittedEncoder { encoder, choices, kept, notes: said }, .. } =
            learned;
        let prepared = preparation.apply(table, computing)?;
        put(table, prepared.made);
        in_order(table, &self.features);
        let statuses = prepared.statuses.as_deref();
        let status = |row: u32| statuses.map_or(RowStatus::Kept, |statuses| statuses[row as usize]);
        let counts: HashSet<u32> = counted.iter().copied().collect();
        let rest =
            (0..table.rows as u32).filter(|row| !counts.contains(row) && status(*row) == RowStatus::Kept);
        let columns: Vec<&Column> = encoder.columns.iter().filter_map(|c| table.column(c.column())).collect();
        let rest: Vec<u32> = rest.collect();
        let unweighted = kept_rows(table, &columns, encoder.missing, Some(rest))?.unwrap_or_default();
        let kept = match kept {
            None => counted.to_vec(),
            Some(kept) => kept.iter().map(|&row| counted[row as usize]).collect(),
        };
        notes.extend(prepared.notes);
        Ok(FitReport {
            notes: said,
            outliers: statuses.map_or_else(Vec::new, outliers),
            outside: statuses.map_or_else(Vec::new, outside),
            dropped: dropped(statuses),
            kept: Some(kept),
            choices,
            fitted: FittedRecipe { preparation, encoder },
            weights: None,
            unweighted,
        })
    }
}

/// Reads the rows' weights from a column.
///
/// # Errors
/// [`Error::Data`] if the column does not hold numbers, or for the errors of [`Weights::new`].
pub(super) fn weights_of(table: &Table, column: &Column) -> Result<Weights> {
    let place = || Place::file(table.source.as_str()).column(column.name.as_str());
    let numbers = numbers_or(&column.values, || "expected weights that are numbers".into());
    let numbers = numbers.map_err(|what| Error::at(place(), what))?;
    Weights::new(&numbers).map_err(|e| {
        let row = e.row.map_or_else(String::new, |row| format!("row {}: ", row + 1));
        Error::at(place(), format!("{row}{}", e.what))
    })
}

/// Adds computed columns to a table. One with the name of an existing column replaces it.
fn put(table: &mut Table, made: Vec<Column>) {
    for made in made {
        match table.columns.iter_mut().find(|c| c.name == made.name) {
            Some(own) => {
                table.number_formats.remove(&made.name);
                table.wide_integers.remove(&made.name);
                *own = made;
            }
            None => table.columns.push(made),
        }
    }
}

/// How many rows are left out; none if there are no statuses.
fn dropped(statuses: Option<&[RowStatus]>) -> usize {
    statuses.iter().copied().flatten().filter(|f| **f != RowStatus::Kept).count()
}

/// Sorts the table's columns so that those in `[features]` come first, in the order given there. Features are made in
/// the order of the columns.
fn in_order(table: &mut Table, features: &Features) {
    if features.line == 0 {
        return;
    }
    let globs: Vec<(&String, WildMatch)> =
        features.options.features.iter().map(|p| (p, WildMatch::new(p))).collect();
    let place = |name: &String| {
        let exactly = globs.iter().position(|(pattern, _)| *pattern == name);
        exactly.or_else(|| globs.iter().position(|(_, glob)| glob.matches(name))).unwrap_or(globs.len())
    };
    table.columns.sort_by_cached_key(|c| place(&c.name));
}

/// What a recipe learned about the rows to leave out.
struct LeftOut {
    population: Option<FittedCondition>,
    drops: Vec<FittedDrop>,
    /// `None` if no section leaves rows out.
    statuses: Option<Vec<RowStatus>>,
}

/// Fits `[population]`, unless it comes later, and the `[[drop]]` sections, which learn from the rows of the population, and
/// marks the rows that they leave out. Names in `[features]` that match no column are checked here too, so that the user sees all such mistakes
/// at once.
fn leave_out(
    recipe: &Recipe,
    table: &Table,
    weights: Option<&Weights>,
    with_population: bool,
    notes: &mut Vec<String>,
) -> Result<LeftOut> {
    let mut faults = Vec::new();
    let grouped = |what: String| match &recipe.group {
        None => what,
        Some(Group { by, .. }) => {
            format!("{what}; with [group] the columns are those of an [[aggregate]] by {by:?}")
        }
    };
    let mut fault =
        |line: u64, key: String, what| faults.push(Fault::in_line(&recipe.source, line, key, what));
    let mut statuses = vec![RowStatus::Kept; table.rows];
    let mut population = None;
    if let Some(own) = recipe.population.as_ref().filter(|_| with_population) {
        match own.fit(table, weights, &mut statuses, notes).map_err(grouped) {
            Ok(fitted) => population = Some(fitted),
            Err(what) => fault(own.line, own.key().into(), what),
        }
    }
    // A row of weight 0 counts for nothing.
    let copies: Option<Vec<f64>> = match statuses.contains(&RowStatus::Outside) {
        false => weights.map(Weights::all_copies),
        true => {
            let copies = |(row, status): (usize, &RowStatus)| match status {
                RowStatus::Outside => 0.0,
                _ => weights.map_or(1.0, |weights| weights.copies(row)),
            };
            Some(statuses.iter().enumerate().map(copies).collect())
        }
    };
    let copies: Copies<'_> = copies.as_deref().filter(|copies| copies.iter().any(|c| *c != 1.0));
    let mut drops = Vec::new();
    for (i, drop) in recipe.drops.iter().enumerate() {
        match drop.fit(table, copies).map_err(grouped) {
            Ok(fitted) => drops.push(fitted),
            Err(what) => fault(drop.line, format!("drop[{i}].columns"), what),
        }
    }
    for extra in recipe.extra.iter().filter(|extra| table.column(&extra.column).is_none()) {
        fault(extra.line, extra.key.clone(), grouped(no_column(table, &[], &extra.column)));
    }
    let Features { line, options, .. } = &recipe.features;
    let lists = [("features.columns", &options.features), ("features.drop", &options.drop)];
    for (key, patterns) in lists.iter().filter(|_| *line > 0) {
        // The components of reductions are not there yet.
        let component = |p: &String| recipe.reductions.iter().any(|reduction| reduction.can_be(p));
        let nothing = |p: &&String| !component(p) && !table.columns.iter().any(|c| matches(p, &c.name));
        for pattern in patterns.iter().filter(nothing) {
            fault(*line, (*key).to_string(), grouped(no_column(table, &[], pattern)));
        }
    }
    if !faults.is_empty() {
        return Err(Error::recipe(faults));
    }
    if drops.is_empty() && population.is_none() {
        return Ok(LeftOut { population, drops, statuses: None });
    }
    for drop in &drops {
        let marked = drop.mark(table, &mut statuses)?;
        notes.push(format!("left out: {}, {}", crate::recipe::rows::count(marked), drop.describe()));
    }
    if !statuses.contains(&RowStatus::Kept) {
        let what = match population {
            None => "every row is left out by [[drop]], so none is left",
            Some(_) => "every row of the population is left out by [[drop]], so none is left",
        };
        return Err(Error::at(Place::file(table.source.as_str()), what));
    }
    Ok(LeftOut { population, drops, statuses: Some(statuses) })
}

fn outliers(statuses: &[RowStatus]) -> Vec<u32> {
    rows_of(statuses, |f| f == RowStatus::Outlier)
}

fn outside(statuses: &[RowStatus]) -> Vec<u32> {
    rows_of(statuses, |f| f == RowStatus::Outside)
}

fn rows_of(statuses: &[RowStatus], is: impl Fn(RowStatus) -> bool) -> Vec<u32> {
    statuses.iter().enumerate().filter(|(_, f)| is(**f)).map(|(row, _)| row as u32).collect()
}

/// How numbers were written in those columns of the table that are used as numbers. The model remembers it, so that
/// later tables are read alike.
fn number_formats(
    written: &BTreeMap<String, DetectedFormat>,
    preparation: &Preparation,
    encoder: &Encoder,
) -> BTreeMap<String, NumberFormat> {
    let names: HashSet<&str> = encoder.columns.iter().map(ColumnEncoder::column).collect();
    let read: HashSet<&str> = preparation.reads(&names).into_iter().collect();
    let texts = preparation.text_columns();
    let needed =
        written.iter().filter(|(name, _)| read.contains(name.as_str()) && !texts.contains(&name.as_str()));
    needed.map(|(name, written)| (name.clone(), written.format.clone())).collect()
}

impl From<Encoder> for FittedRecipe {
    fn from(encoder: Encoder) -> Self {
        FittedRecipe { preparation: Preparation::default(), encoder }
    }
}

impl FittedRecipe {
    /// Computes a table's features with what the fit learned. Also returns the rows left out as outliers, counted from
    /// 0 and ascending.
    ///
    /// # Errors
    /// Those of [`Encoder::apply`], also for the columns that computed columns need.
    pub fn apply(&self, table: &Table) -> Result<(Encoded, Vec<u32>)> {
        let computing = Computing { backend: &Cpu::default(), progress: Progress::none() };
        let applied = Self::features(&self.preparation, &self.encoder, table, computing)?;
        Ok((applied.encoded, applied.outliers))
    }

    /// Does the same as [`FittedRecipe::apply`] for the two parts as a model holds them, and also returns the table
    /// that the features were made from.
    pub(crate) fn features<'a>(
        preparation: &Preparation,
        encoder: &Encoder,
        table: &'a Table,
        computing: Computing<'_>,
    ) -> Result<AppliedRecipe<'a>> {
        if !preparation.has_work() {
            let encoded = encoder.apply(table)?;
            let (outliers, outside) = (Vec::new(), Vec::new());
            return Ok(AppliedRecipe { encoded, outliers, outside, table: Cow::Borrowed(table) });
        }
        let components = preparation.components();
        let features = encoder.columns.iter().map(|c| c.column());
        let names: HashSet<&str> = features.chain(preparation.extra_columns()).collect();
        check_columns(table, preparation.reads(&names))?;
        let names = names.into_iter().chain(components.iter().map(String::as_str)).collect();
        let prepared = preparation.apply(table, computing)?;
        let mut grouped = prepared.grouped;
        let ids = grouped.as_mut().and_then(|grouped| grouped.ids.take());
        let whole = with_made(grouped.as_ref().unwrap_or(table), &prepared.made, &names);
        let whole = Table { ids, ..whole };
        let statuses = prepared.statuses.as_deref();
        let mut encoded = encoder.apply_rows(&whole, statuses.and_then(kept))?;
        encoded.warnings.splice(0..0, prepared.notes);
        let outliers = statuses.map_or_else(Vec::new, outliers);
        let outside = statuses.map_or_else(Vec::new, outside);
        Ok(AppliedRecipe { encoded, outliers, outside, table: Cow::Owned(whole) })
    }

    /// The columns of later tables that have to be read as numbers, each with how its numbers are written.
    pub(crate) fn numbers(preparation: &Preparation, encoder: &Encoder) -> Vec<(String, NumberFormat)> {
        let made = made(preparation);
        let number = |c: &&ColumnEncoder| matches!(c, ColumnEncoder::Number { .. });
        let own =
            encoder.columns.iter().chain(preparation.reduced()).filter(number).map(ColumnEncoder::column);
        let own = own.filter(|c| preparation.group.is_none() && !made.contains(*c));
        let plain = own.chain(preparation.number_columns());
        let mut numbers: BTreeMap<String, NumberFormat> =
            plain.map(|column| (column.to_string(), NumberFormat::default())).collect();
        numbers.extend(preparation.number_formats.clone());
        numbers.into_iter().collect()
    }

    /// The columns of later tables that have to be read as text.
    pub(crate) fn texts(preparation: &Preparation, encoder: &Encoder) -> Vec<String> {
        let read = preparation.text_columns().into_iter().map(String::from);
        if preparation.group.is_some() {
            return read.collect();
        }
        let made = made(preparation);
        let reduced = preparation.reductions.iter().flat_map(|reduction| reduction.encoder.text_columns());
        let own = encoder.text_columns().into_iter().chain(reduced).filter(|c| !made.contains(c));
        own.chain(read).collect()
    }
}

/// The columns that a preparation makes.
fn made(preparation: &Preparation) -> HashSet<String> {
    let columns = preparation.columns.iter().map(|c| c.name.clone());
    columns.chain(preparation.components()).collect()
}
