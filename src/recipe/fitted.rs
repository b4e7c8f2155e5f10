//! A recipe fitted to a table, and applied to others.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use crate::error::{Error, Fault, Place, Result};
use crate::recipe::columns::{ColumnPlan, Node, needed};
use crate::recipe::drops::{FittedDrop, RowStatus};
use crate::recipe::encode::{ColumnEncoder, Encoded, Encoder};
use crate::recipe::fit::FittedEncoder;
use crate::recipe::fitted_step::numbers_or;
use crate::recipe::group::Group;
use crate::recipe::infer::ColumnChoice;
use crate::recipe::preparation::{Preparation, matches, with_made};
use crate::recipe::rows::{kept_rows, no_column, renumbered, select};
use crate::recipe::statistics::Copies;
use crate::recipe::{Features, Recipe};
use crate::table::{Column, DetectedFormat, NumberFormat, Table, check_columns, missing_column};
use crate::weights::Weights;

/// All that a recipe learned: from a table to its features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedRecipe {
    /// Columns made and rows left out.
    pub preparation: Preparation,
    /// From columns to features.
    pub encoder: Encoder,
}

/// What applying it gives.
pub(crate) struct AppliedRecipe<'a> {
    pub(crate) encoded: Encoded,
    /// The rows that are left out as outliers, ascending.
    pub(crate) outliers: Vec<u32>,
    /// The columns that the features are made of. Where rows were brought together, it has the groups as ids.
    pub(crate) table: Cow<'a, Table>,
}

/// What report a recipe gives beside what it learned.
#[derive(Debug, Clone)]
pub struct FitReport {
    /// What was learned.
    pub fitted: FittedRecipe,
    /// What became of each column, and why.
    pub choices: Vec<ColumnChoice>,
    /// What a person should know.
    pub notes: Vec<String>,
    /// The rows that are left out as outliers, ascending.
    pub outliers: Vec<u32>,
    /// How many rows [`DropSpec`]s leave out, outliers among them.
    pub dropped: usize,
    /// The rows that the features have, where not all. Rows of weight 0 are not among them.
    pub kept: Option<Vec<u32>>,
    /// The weights of the rows that the features have, where there are such. All are above 0.
    pub weights: Option<Weights>,
    /// The rows that get a segment but are no rows of the fit, because their weight is 0; ascending.
    pub unweighted: Vec<u32>,
}

/// What the rows that count teach.
struct Learned {
    preparation: Preparation,
    encoder: FittedEncoder,
    notes: Vec<String>,
    statuses: Option<Vec<RowStatus>>,
}

impl Recipe {
    /// Makes the recipe's columns in `table`, chooses its features, and learns all that they need. With `[group]`, the
    /// table becomes that of the groups.
    ///
    /// Columns learn from all rows; features only from those that are kept. A weight is a number of copies in all that
    /// is learned, and a row of weight 0 is none: it only gets its columns, as any other table's rows would.
    ///
    /// # Errors
    /// Columns that are not there, chains that do not fit their columns, weights that cannot be used, and those of
    /// [`Encoder::fit`].
    pub fn fit(&self, table: &mut Table) -> Result<FitReport> {
        let plan = ColumnPlan::new(self, table)?;
        let mut notes = Vec::new();
        let mut grouping = None;
        // Those of the table, before columns are made of its own names.
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
        // The rows of a weight above 0, where not all are.
        let counted = weights.as_ref().map(|weights| {
            (0..table.rows as u32).filter(|row| weights.counts_row(*row as usize)).collect::<Vec<u32>>()
        });
        let counted = counted.filter(|counted| counted.len() < table.rows);
        let mut report = if let Some(counted) = counted {
            let own = weights.as_ref().map(|w| w.select(counted.iter().map(|row| *row as usize)));
            let learned = self
                .learn(&plan, nodes, &mut select(table, &counted), own.as_ref())
                .map_err(|e| renumbered(e, &counted))?;
            self.with_the_rest(learned, &counted, table, &mut notes)?
        } else {
            let learned = self.learn(&plan, nodes, table, weights.as_ref())?;
            notes.extend(learned.notes);
            let statuses = learned.statuses.as_deref();
            FitReport {
                notes: Vec::new(),
                outliers: statuses.map_or_else(Vec::new, outliers),
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

    /// The rows' weights, where a column has them. One that is made is made of rows that all count once.
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

    /// Makes the columns of a table whose rows all count, and learns from them.
    fn learn<'a>(
        &'a self,
        plan: &ColumnPlan<'a>,
        nodes: &[Node<'a>],
        table: &mut Table,
        weights: Option<&Weights>,
    ) -> Result<Learned> {
        let copies: Option<Vec<f64>> = weights.map(Weights::all_copies);
        let copies = copies.as_deref().filter(|copies| copies.iter().any(|c| *c != 1.0));
        let (columns, made) = plan.make(nodes, table, copies)?;
        put(table, made);
        in_order(table, &self.features);
        let mut notes = Vec::new();
        let (drops, statuses) = fit_drops(self, table, copies, &mut notes)?;
        let kept = statuses.as_deref().and_then(kept);
        let encoder = Encoder::fit_rows(table, &self.features, &plan.encodings, kept, copies)?;
        let used: HashSet<&str> = encoder
            .encoder
            .columns
            .iter()
            .map(|c| c.column())
            .chain(drops.iter().flat_map(FittedDrop::columns))
            .collect();
        let columns = needed(columns, &used);
        let preparation = Preparation { group: None, columns, drops, number_formats: BTreeMap::new() };
        notes.extend(encoder.notes.iter().cloned());
        Ok(Learned { preparation, encoder, notes, statuses })
    }

    /// A fit to the rows that count, for the whole table: the other rows get their columns too, and their status.
    fn with_the_rest(
        &self,
        learned: Learned,
        counted: &[u32],
        table: &mut Table,
        notes: &mut Vec<String>,
    ) -> Result<FitReport> {
        let Learned { preparation, encoder: FittedEncoder { encoder, choices, kept, notes: said }, .. } =
            learned;
        let prepared = preparation.apply(table)?;
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
            dropped: dropped(statuses),
            kept: Some(kept),
            choices,
            fitted: FittedRecipe { preparation, encoder },
            weights: None,
            unweighted,
        })
    }
}

/// The weights that a column of a table holds.
///
/// # Errors
/// Those of [`Weights::new`], and a column without numbers.
fn weights_of(table: &Table, column: &Column) -> Result<Weights> {
    let place = || Place::file(table.source.as_str()).column(column.name.as_str());
    let numbers = numbers_or(&column.values, || "expected weights that are numbers".into());
    let numbers = numbers.map_err(|what| Error::at(place(), what))?;
    Weights::new(&numbers).map_err(|e| {
        let row = e.row.map_or_else(String::new, |row| format!("row {}: ", row + 1));
        Error::at(place(), format!("{row}{}", e.what))
    })
}

/// Puts columns that were made into a table, in the place of its own of the same names.
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

/// How many rows are left out.
fn dropped(statuses: Option<&[RowStatus]>) -> usize {
    statuses.iter().copied().flatten().filter(|f| **f != RowStatus::Kept).count()
}

/// Puts the columns that a recipe names in its order, before all others.
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

/// Fits what leaves rows out. Columns of `[features]` that are not there are faults of the recipe as well.
fn fit_drops(
    recipe: &Recipe,
    table: &Table,
    copies: Copies<'_>,
    notes: &mut Vec<String>,
) -> Result<(Vec<FittedDrop>, Option<Vec<RowStatus>>)> {
    let mut faults = Vec::new();
    let grouped = |what: String| match &recipe.group {
        None => what,
        Some(Group { by, .. }) => {
            format!("{what}; with [group] the columns are those of an [[aggregate]] by {by:?}")
        }
    };
    let mut fault =
        |line: u64, key: String, what| faults.push(Fault::in_line(&recipe.source, line, key, what));
    let mut drops = Vec::new();
    for (i, drop) in recipe.drops.iter().enumerate() {
        match drop.fit(table, copies).map_err(grouped) {
            Ok(fitted) => drops.push(fitted),
            Err(what) => fault(drop.line, format!("drop[{i}].columns"), what),
        }
    }
    let Features { line, options, .. } = &recipe.features;
    let lists = [("features.columns", &options.features), ("features.drop", &options.drop)];
    for (key, patterns) in lists.iter().filter(|_| *line > 0) {
        for pattern in patterns.iter().filter(|p| !table.columns.iter().any(|c| matches(p, &c.name))) {
            fault(*line, (*key).to_string(), grouped(no_column(table, &[], pattern)));
        }
    }
    if !faults.is_empty() {
        return Err(Error::recipe(faults));
    }
    if drops.is_empty() {
        return Ok((Vec::new(), None));
    }
    let mut statuses = vec![RowStatus::Kept; table.rows];
    for drop in &drops {
        let marked = drop.mark(table, &mut statuses)?;
        notes.push(format!("left out: {}, {}", crate::recipe::rows::count(marked), drop.describe()));
    }
    if !statuses.contains(&RowStatus::Kept) {
        let what = "every row is left out by [[drop]], so none is left";
        return Err(Error::at(Place::file(table.source.as_str()), what));
    }
    Ok((drops, Some(statuses)))
}

fn kept(statuses: &[RowStatus]) -> Option<Vec<u32>> {
    let rows: Vec<u32> = rows_of(statuses, |f| f == RowStatus::Kept);
    (rows.len() < statuses.len()).then_some(rows)
}

fn outliers(statuses: &[RowStatus]) -> Vec<u32> {
    rows_of(statuses, |f| f == RowStatus::Outlier)
}

fn rows_of(statuses: &[RowStatus], is: impl Fn(RowStatus) -> bool) -> Vec<u32> {
    statuses.iter().enumerate().filter(|(_, f)| is(**f)).map(|(row, _)| row as u32).collect()
}

/// How numbers are written in the table's columns that are used as numbers.
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
    /// A table's features, and the rows that are left out as outliers.
    ///
    /// # Errors
    /// As [`Encoder::apply`], and for the columns that others are made of.
    pub fn apply(&self, table: &Table) -> Result<(Encoded, Vec<u32>)> {
        let applied = Self::features(&self.preparation, &self.encoder, table)?;
        Ok((applied.encoded, applied.outliers))
    }

    /// The same for parts that a model holds.
    pub(crate) fn features<'a>(
        preparation: &Preparation,
        encoder: &Encoder,
        table: &'a Table,
    ) -> Result<AppliedRecipe<'a>> {
        if !preparation.has_work() {
            let encoded = encoder.apply(table)?;
            return Ok(AppliedRecipe { encoded, outliers: Vec::new(), table: Cow::Borrowed(table) });
        }
        let names: HashSet<&str> = encoder.columns.iter().map(|c| c.column()).collect();
        check_columns(table, preparation.reads(&names))?;
        let prepared = preparation.apply(table)?;
        let mut grouped = prepared.grouped;
        let ids = grouped.as_mut().and_then(|grouped| grouped.ids.take());
        let whole = with_made(grouped.as_ref().unwrap_or(table), &prepared.made, &names);
        let whole = Table { ids, ..whole };
        let statuses = prepared.statuses.as_deref();
        let mut encoded = encoder.apply_rows(&whole, statuses.and_then(kept))?;
        encoded.warnings.splice(0..0, prepared.notes);
        let outliers = statuses.map_or_else(Vec::new, outliers);
        Ok(AppliedRecipe { encoded, outliers, table: Cow::Owned(whole) })
    }

    /// The columns that new tables must be read as numbers, and how these are written.
    pub(crate) fn numbers(preparation: &Preparation, encoder: &Encoder) -> Vec<(String, NumberFormat)> {
        let made: HashSet<&str> = preparation.columns.iter().map(|c| c.name.as_str()).collect();
        let number = |c: &&ColumnEncoder| matches!(c, ColumnEncoder::Number { .. });
        let own = encoder.columns.iter().filter(number).map(ColumnEncoder::column);
        let own = own.filter(|c| preparation.group.is_none() && !made.contains(c));
        let plain = own.chain(preparation.number_columns());
        let mut numbers: BTreeMap<String, NumberFormat> =
            plain.map(|column| (column.to_string(), NumberFormat::default())).collect();
        numbers.extend(preparation.number_formats.clone());
        numbers.into_iter().collect()
    }

    /// The columns that new tables must be read as text.
    pub(crate) fn texts(preparation: &Preparation, encoder: &Encoder) -> Vec<String> {
        let read = preparation.text_columns().into_iter().map(String::from);
        if preparation.group.is_some() {
            return read.collect();
        }
        let made: HashSet<&str> = preparation.columns.iter().map(|c| c.name.as_str()).collect();
        let own = encoder.text_columns().into_iter().filter(|c| !made.contains(c.as_str()));
        own.chain(read).collect()
    }
}
