//! What is in a table, column by column, before anything is made of it: counts, moments, quantiles, the commonest texts,
//! rows that repeat, and how the columns are correlated.
//!
//! Every row counts once, whatever its weight: a description is about the table as it is. Nothing is sampled. Sums go over
//! fixed blocks of rows in the order of the table, so the figures are the same for any number of threads.
//!
//! ```
//! use segmenta::describe::{Options, Room, describe};
//! use segmenta::synth::Example;
//!
//! let table = Example::Learners.table(2_000, 0);
//! let found = describe(&table, &Options::default(), Room::Enough)?;
//! let pay = found.columns.iter().find(|c| c.column == "ctc").unwrap();
//! assert_eq!(pay.missing, 0);
//! # Ok::<(), segmenta::Error>(())
//! ```

mod correlations;
mod duplicates;
mod numbers;
mod texts;

pub use correlations::{Correlations, MOST_CORRELATED, Pair};
pub use duplicates::{Apart, Duplicates, Repeated};
pub use numbers::NumericFigures;
pub use texts::{Common, TextFigures};

use crate::error::Result;
use crate::table::{Column, Table, Values, key_word, missing_column};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashSet;
use wildmatch::WildMatch;

/// What is described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Names or globs (`*`, `?`) of the columns to describe, in this order; empty: all columns.
    pub columns: Vec<String>,
    /// How many of a text's commonest values are listed, and how many of the most correlated pairs of columns.
    pub top: usize,
    /// Whether to compute the matrix of correlations.
    pub correlations: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { columns: Vec::new(), top: 12, correlations: true }
    }
}

/// How much memory a description may use besides the table. Only correlations need a copy of the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// As much as it needs.
    Enough,
    /// This many bytes. If correlations need more, they are left out.
    Bytes(u64),
}

/// What is in a table. Serialised, its parts are called `describe`, `duplicates` and `correlations`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableDescription {
    /// The number of rows.
    #[serde(skip)]
    pub rows: usize,
    /// The columns, in the order in which they were asked for.
    #[serde(rename = "describe")]
    pub columns: Vec<ColumnDescription>,
    /// Rows and keys that repeat.
    pub duplicates: Duplicates,
    /// Correlations of the columns of numbers and of true and false; `None` if there are none, with the reason in
    /// `not_correlated`.
    pub correlations: Option<Correlations>,
    /// Why there are no correlations although they were asked for, in a few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_correlated: Option<String>,
}

/// What is in one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnDescription {
    /// The column's name.
    pub column: String,
    /// Its type: `number`, `boolean`, `text` or `empty`.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// How many cells have a value.
    pub count: usize,
    /// How many cells are missing.
    pub missing: usize,
    /// The share of the rows whose cell is missing.
    pub missing_share: f64,
    /// How many different values there are.
    pub distinct: usize,
    /// Whether the column looks like a key, which tells rows apart and describes nothing. The values of keys are not listed,
    /// and keys are not correlated.
    pub key: bool,
    /// What depends on the type.
    #[serde(flatten)]
    pub figures: Figures,
}

/// What is in a column of one type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Figures {
    /// Numbers.
    Numbers(Box<NumericFigures>),
    /// Texts.
    Texts(TextFigures),
    /// True and false.
    Booleans {
        /// The share of true among the cells that have a value; `None` if no cell has one.
        // Without a function of its own, a missing key would be read as null, and every column would be one of booleans.
        #[serde(deserialize_with = "Option::deserialize")]
        true_share: Option<f64>,
    },
    /// Nothing: all cells are missing.
    Empty {},
}

/// Describes a table.
///
/// # Errors
/// A name or glob in the options that matches no column.
pub fn describe(table: &Table, options: &Options, room: Room) -> Result<TableDescription> {
    let chosen = chosen(table, &options.columns)?;
    let columns: Vec<ColumnDescription> =
        chosen.par_iter().map(|column| one(table, column, options.top)).collect();
    let correlated: Vec<&Column> = chosen
        .iter()
        .zip(&columns)
        .filter(|(column, found)| !found.key && correlations::has_numbers(&column.values))
        .map(|(column, _)| *column)
        .collect();
    let why_not =
        options.correlations.then(|| correlations::why_not(table.rows, correlated.len(), room)).flatten();
    let correlations = (options.correlations && why_not.is_none())
        .then(|| correlations::correlations(table.rows, &correlated, options.top));
    let duplicates = duplicates::duplicates(table, &chosen, &columns);
    Ok(TableDescription { rows: table.rows, columns, duplicates, correlations, not_correlated: why_not })
}

/// Checks that the options name columns of this table.
///
/// # Errors
/// A name or glob that matches no column.
pub fn check(table: &Table, options: &Options) -> Result<()> {
    chosen(table, &options.columns).map(|_| ())
}

/// The columns that the names and globs mean, each once.
fn chosen<'a>(table: &'a Table, patterns: &[String]) -> Result<Vec<&'a Column>> {
    let mut chosen: Vec<&Column> = Vec::new();
    if patterns.is_empty() {
        chosen.extend(&table.columns);
    }
    for pattern in patterns {
        // A column's name may itself contain a `?` or `*`.
        if let Some(column) = table.column(pattern) {
            chosen.push(column);
            continue;
        }
        let (glob, before) = (WildMatch::new(pattern), chosen.len());
        chosen.extend(table.columns.iter().filter(|column| glob.matches(&column.name)));
        if chosen.len() == before {
            return Err(missing_column(table, pattern));
        }
    }
    let mut seen = HashSet::new();
    chosen.retain(|column| seen.insert(column.name.as_str()));
    Ok(chosen)
}

fn one(table: &Table, column: &Column, top: usize) -> ColumnDescription {
    let rows = column.values.len();
    let (figures, count, distinct, whole) = match &column.values {
        Values::Number(_) | Values::Packed { .. } => {
            let (figures, count, distinct) = numbers::figures(&column.values);
            let whole = figures.whole;
            (Figures::Numbers(Box::new(figures)), count, distinct, whole)
        }
        Values::Bool(cells) => {
            let count = cells.iter().flatten().count();
            let yes = cells.iter().flatten().filter(|&&cell| cell).count();
            let true_share = (count > 0).then(|| yes as f64 / count as f64);
            let distinct = usize::from(yes > 0) + usize::from(yes < count);
            (Figures::Booleans { true_share }, count, distinct, false)
        }
        Values::Text { levels, codes } => {
            let (figures, count, distinct) = texts::figures(levels, codes, top);
            (Figures::Texts(figures), count, distinct, false)
        }
        Values::Empty(_) => (Figures::Empty {}, 0, 0, false),
    };
    let wide = table.wide_integers.get(&column.name);
    let distinct = wide.map_or(distinct, |wide| wide.distinct);
    let facts = Facts { count, distinct, whole, wide: wide.is_some() };
    let key = facts.is_key(table, column);
    let figures = match figures {
        Figures::Texts(texts) if key => Figures::Texts(TextFigures { top: Vec::new(), ..texts }),
        other => other,
    };
    ColumnDescription {
        column: column.name.clone(),
        kind: column.values.kind().into(),
        count,
        missing: rows - count,
        missing_share: if rows == 0 { 0.0 } else { (rows - count) as f64 / rows as f64 },
        distinct,
        key,
        figures,
    }
}

/// What tells whether a column is a key.
struct Facts {
    count: usize,
    distinct: usize,
    /// Whether all values are whole numbers.
    whole: bool,
    /// Whether some are too large for f64.
    wide: bool,
}

/// In a column of more values than this, whole numbers that are nearly all different are taken for keys.
const KEY_ROWS: usize = 1000;

/// In a column of so many values, whole numbers that are all different and as long as telephone numbers are taken for keys.
const LONG_ROWS: usize = 100;

/// So many digits a telephone number has, if all have equally many.
const LONG: usize = 7;

/// From so many digits on, the numbers of one column may have up to two digits more.
const VERY_LONG: usize = 9;

/// A column with at most this many different values is no key, whatever its name.
const FEW: usize = 50;

impl Facts {
    /// Whether the column looks like a key.
    fn is_key(&self, table: &Table, column: &Column) -> bool {
        let Facts { count, distinct, whole, wide } = *self;
        if wide || table.ids.as_ref().is_some_and(|(id, _)| *id == column.name) {
            return true;
        }
        let named = distinct > FEW && key_word(&column.name).is_some();
        match &column.values {
            Values::Text { .. } => named || (distinct > 2 && 2 * distinct > count),
            Values::Number(_) | Values::Packed { .. } => {
                let many = count > KEY_ROWS && distinct * 100 > count * 95;
                let long = count >= LONG_ROWS && distinct == count && are_long(&column.values);
                whole && (named || many || long || runs(&column.values))
            }
            _ => false,
        }
    }
}

/// Whether the column looks like a key, by its finite numbers in ascending order.
pub(crate) fn is_key(table: &Table, column: &Column, sorted: impl Iterator<Item = f64>) -> bool {
    let (mut count, mut distinct, mut whole, mut last) = (0, 0, true, f64::NAN);
    for value in sorted {
        count += 1;
        distinct += usize::from(value != last);
        whole &= value.fract() == 0.0;
        last = value;
    }
    let wide = table.wide_integers.contains_key(&column.name);
    Facts { count, distinct, whole, wide }.is_key(table, column)
}

/// Whether numbers all have so many digits as telephone numbers have: nearly always the same number of them.
fn are_long(values: &Values) -> bool {
    let numbers = (0..values.len()).filter_map(|row| values.number(row)).filter(|number| number.is_finite());
    let (low, high) = numbers.fold((f64::INFINITY, 0.0_f64), |(low, high), number| {
        (low.min(number.abs()), high.max(number.abs()))
    });
    let digits = |number: f64| format!("{number:.0}").len();
    let (fewest, most) = (digits(low), digits(high));
    fewest >= LONG && (fewest == most || (fewest >= VERY_LONG && most <= fewest + 2))
}

/// Whether numbers go up by one from row to row.
fn runs(values: &Values) -> bool {
    let number = |row| values.number(row).unwrap_or(f64::NAN);
    values.len() > 2 && (1..values.len()).all(|row| number(row) == number(row - 1) + 1.0)
}
