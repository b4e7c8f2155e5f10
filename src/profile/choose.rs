//! Which columns a profile describes.

use crate::error::{Error, Place, Result};
use crate::table::{Column, Table, Values, missing_column};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use wildmatch::WildMatch;

/// What is described.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Names or globs (`*`, `?`) of the columns to describe, in this order. If empty: all columns of numbers and of true
    /// and false, and the texts of at most [`Options::top`] different values; but no running numbers.
    pub columns: Vec<String>,
    /// How many of a text's values are told apart. The rarer ones of a text that is named are put together.
    pub top: usize,
    /// How many typical rows of each segment are named by their ids: those nearest to its centroid.
    pub typical: usize,
    /// How many answers of each segment are listed by their lifts; see [`Lift`](super::Lift).
    pub lifts: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options { columns: Vec::new(), top: 50, typical: 0, lifts: 0 }
    }
}

/// A column that is not described, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The column.
    pub column: String,
    /// Why, in a few words.
    pub why: String,
}

/// Chooses the columns of a table. Those in `never` are not described: the ids and the weights of the rows.
///
/// # Errors
/// A name or glob that matches no column, or names one of `never`.
pub fn choose<'a>(
    table: &'a Table,
    options: &Options,
    never: &[String],
) -> Result<(Vec<&'a Column>, Vec<LeftOut>)> {
    let mut seen = HashSet::new();
    let columns: Vec<&Column> = table.columns.iter().filter(|c| seen.insert(c.name.as_str())).collect();
    if options.columns.is_empty() {
        let (mut chosen, mut left_out) = (Vec::new(), Vec::new());
        for column in columns.into_iter().filter(|c| !never.contains(&c.name)) {
            match unlikely(table, column, options.top) {
                None => chosen.push(column),
                Some(why) => left_out.push(LeftOut { column: column.name.clone(), why }),
            }
        }
        return Ok((chosen, left_out));
    }
    let mut chosen: Vec<&Column> = Vec::new();
    for pattern in &options.columns {
        if never.contains(pattern) {
            let place = Place::file(table.source.as_str()).column(pattern.as_str());
            return Err(Error::at(place, "cannot be described, because it identifies or weights the rows"));
        }
        if let Some(column) = columns.iter().find(|c| c.name == *pattern) {
            chosen.push(column);
            continue;
        }
        let glob = WildMatch::new(pattern);
        let found = columns.iter().filter(|c| glob.matches(&c.name) && !never.contains(&c.name));
        let before = chosen.len();
        chosen.extend(found);
        if chosen.len() == before {
            return Err(missing_column(table, pattern));
        }
    }
    let mut seen = HashSet::new();
    chosen.retain(|column| seen.insert(column.name.as_str()));
    Ok((chosen, Vec::new()))
}

/// Why a column is not described unless it is named.
fn unlikely(table: &Table, column: &Column, top: usize) -> Option<String> {
    if table.wide_integers.contains_key(&column.name) {
        return Some("whole numbers too large for arithmetic, as keys are".into());
    }
    match &column.values {
        Values::Text { levels, .. } if levels.len() > top => {
            let n = levels.len();
            Some(format!("{n} different texts, more than {top}; name it to see the commonest"))
        }
        // A free text or a name: to count it describes single rows and not segments.
        Values::Text { levels, codes }
            if levels.len() > 2 && 2 * levels.len() > codes.iter().flatten().count() =>
        {
            Some("text that differs in most rows".into())
        }
        Values::Number(numbers) => runs(numbers).then(|| "running number".into()),
        _ => None,
    }
}

/// Whether numbers go up by one from row to row.
fn runs(numbers: &[f64]) -> bool {
    numbers.len() > 2 && numbers.windows(2).all(|w| w[1] == w[0] + 1.0)
}
