//! A recipe fitted to a table, and applied to others.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use crate::error::{Error, Fault, Place, Result};
use crate::recipe::drops::{Fate, FittedDrop};
use crate::recipe::encode::{ColumnEncoder, Encoded, Encoder};
use crate::recipe::infer::Choice;
use crate::recipe::preparation::{Kind, MadeColumn, Preparation, fit_columns, matches, needed, with_made};
use crate::recipe::rows::no_column;
use crate::recipe::{Features, Recipe};
use crate::table::{Reading, Table, Written, check_columns};

/// All that a recipe learned: from a table to its features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fitted {
    /// Columns made and rows left out.
    pub preparation: Preparation,
    /// From columns to features.
    pub encoder: Encoder,
}

/// What applying it gives.
pub(crate) struct Applied<'a> {
    pub(crate) encoded: Encoded,
    /// The rows that are left out as outliers, ascending.
    pub(crate) outliers: Vec<u32>,
    /// The columns that the features are made of.
    pub(crate) table: Cow<'a, Table>,
}

/// What fitting a recipe gives beside what it learned.
#[derive(Debug, Clone)]
pub struct Fitting {
    /// What was learned.
    pub fitted: Fitted,
    /// What became of each column, and why.
    pub choices: Vec<Choice>,
    /// What a person should know.
    pub notes: Vec<String>,
    /// The rows that are left out as outliers, ascending.
    pub outliers: Vec<u32>,
    /// How many rows [`Drop`]s leave out, outliers among them.
    pub dropped: usize,
    /// The rows that the features have, where not all.
    pub kept: Option<Vec<u32>>,
}

impl Recipe {
    /// Makes the recipe's columns in `table`, chooses its features, and learns all that they need.
    ///
    /// Columns learn from all rows; features only from those that are kept.
    ///
    /// # Errors
    /// Columns that are not there, chains that do not fit their columns, and those of [`Encoder::fit`].
    pub fn fit(&self, table: &mut Table) -> Result<Fitting> {
        let columns = fit_columns(self, table)?;
        let written = table.readings.clone();
        for made in columns.made {
            match table.columns.iter_mut().find(|c| c.name == made.name) {
                Some(own) => {
                    table.readings.remove(&made.name);
                    table.wholes.remove(&made.name);
                    *own = made;
                }
                None => table.columns.push(made),
            }
        }
        in_order(table, &self.features);
        let mut notes = Vec::new();
        let (drops, fates) = fit_drops(self, table, &mut notes)?;
        let dropped = fates.iter().flatten().filter(|f| **f != Fate::Kept).count();
        let kept = fates.as_deref().and_then(kept);
        let (encoder, choices, encoded) =
            Encoder::fit_rows(table, &self.features, &columns.treatments, kept)?;
        let used: HashSet<&str> = encoder
            .columns
            .iter()
            .map(|c| c.column())
            .chain(drops.iter().flat_map(FittedDrop::columns))
            .collect();
        let columns = needed(columns.columns, &used);
        let readings = readings(&written, &columns, &used);
        let preparation = Preparation { columns, drops, readings };
        let outliers = fates.as_deref().map_or_else(Vec::new, outliers);
        Ok(Fitting {
            fitted: Fitted { preparation, encoder },
            choices,
            notes,
            outliers,
            dropped,
            kept: encoded,
        })
    }
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
    notes: &mut Vec<String>,
) -> Result<(Vec<FittedDrop>, Option<Vec<Fate>>)> {
    let mut faults = Vec::new();
    let mut fault =
        |line: u64, key: String, what| faults.push(Fault::in_line(&recipe.source, line, key, what));
    let mut drops = Vec::new();
    for (i, drop) in recipe.drops.iter().enumerate() {
        match drop.fit(table) {
            Ok(fitted) => drops.push(fitted),
            Err(what) => fault(drop.line, format!("drop[{i}].columns"), what),
        }
    }
    let Features { line, options, .. } = &recipe.features;
    let lists = [("features.columns", &options.features), ("features.drop", &options.drop)];
    for (key, patterns) in lists.iter().filter(|_| *line > 0) {
        for pattern in patterns.iter().filter(|p| !table.columns.iter().any(|c| matches(p, &c.name))) {
            fault(*line, (*key).to_string(), no_column(table, &[], pattern));
        }
    }
    if !faults.is_empty() {
        return Err(Error::recipe(faults));
    }
    if drops.is_empty() {
        return Ok((Vec::new(), None));
    }
    let mut fates = vec![Fate::Kept; table.rows];
    for drop in &drops {
        let marked = drop.mark(table, &mut fates)?;
        notes.push(format!("left out: {}, {}", crate::recipe::rows::count(marked), drop.describe()));
    }
    if !fates.contains(&Fate::Kept) {
        let what = "every row is left out by [[drop]], so none is left";
        return Err(Error::at(Place::file(table.source.as_str()), what));
    }
    Ok((drops, Some(fates)))
}

fn kept(fates: &[Fate]) -> Option<Vec<u32>> {
    let rows: Vec<u32> = rows_of(fates, |f| f == Fate::Kept);
    (rows.len() < fates.len()).then_some(rows)
}

fn outliers(fates: &[Fate]) -> Vec<u32> {
    rows_of(fates, |f| f == Fate::Outlier)
}

fn rows_of(fates: &[Fate], is: impl Fn(Fate) -> bool) -> Vec<u32> {
    fates.iter().enumerate().filter(|(_, f)| is(**f)).map(|(row, _)| row as u32).collect()
}

/// How numbers are written in the table's columns that are used.
fn readings(
    written: &BTreeMap<String, Written>,
    made: &[MadeColumn],
    used: &HashSet<&str>,
) -> BTreeMap<String, Reading> {
    let read: HashSet<&str> =
        made.iter().filter(|c| c.read == Some(Kind::Number)).map(|c| c.from.as_str()).collect();
    let names: HashSet<&str> = made.iter().map(|c| c.name.as_str()).collect();
    let own = |name: &str| used.contains(name) && !names.contains(name);
    let needed = written.iter().filter(|(name, _)| read.contains(name.as_str()) || own(name));
    needed.map(|(name, written)| (name.clone(), written.reading.clone())).collect()
}

impl From<Encoder> for Fitted {
    fn from(encoder: Encoder) -> Self {
        Fitted { preparation: Preparation::default(), encoder }
    }
}

impl Fitted {
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
    ) -> Result<Applied<'a>> {
        if !preparation.has_work() {
            let encoded = encoder.apply(table)?;
            return Ok(Applied { encoded, outliers: Vec::new(), table: Cow::Borrowed(table) });
        }
        let names: HashSet<&str> = encoder.columns.iter().map(|c| c.column()).collect();
        check_columns(table, preparation.reads(&names))?;
        let prepared = preparation.apply(table)?;
        let whole = with_made(table, &prepared.made, &names);
        let fates = prepared.fates.as_deref();
        let mut encoded = encoder.apply_rows(&whole, fates.and_then(kept))?;
        encoded.warnings.splice(0..0, prepared.notes);
        let outliers = fates.map_or_else(Vec::new, outliers);
        Ok(Applied { encoded, outliers, table: Cow::Owned(whole) })
    }

    /// The columns that new tables must be read as numbers, and how these are written.
    pub(crate) fn numbers(preparation: &Preparation, encoder: &Encoder) -> Vec<(String, Reading)> {
        let made: HashSet<&str> = preparation.columns.iter().map(|c| c.name.as_str()).collect();
        let number = |c: &&ColumnEncoder| matches!(c, ColumnEncoder::Number { .. });
        let own = encoder.columns.iter().filter(number).map(ColumnEncoder::column);
        let read = preparation.columns.iter().filter(|c| c.read == Some(Kind::Number));
        let plain = own.filter(|c| !made.contains(c)).chain(read.map(|c| c.from.as_str()));
        let mut numbers: BTreeMap<String, Reading> =
            plain.map(|column| (column.to_string(), Reading::default())).collect();
        numbers.extend(preparation.readings.clone());
        numbers.into_iter().collect()
    }

    /// The columns that new tables must be read as text.
    pub(crate) fn texts(preparation: &Preparation, encoder: &Encoder) -> Vec<String> {
        let made: HashSet<&str> = preparation.columns.iter().map(|c| c.name.as_str()).collect();
        let own = encoder.text_columns().into_iter().filter(|c| !made.contains(c.as_str()));
        own.chain(preparation.text_columns().map(String::from)).collect()
    }
}
