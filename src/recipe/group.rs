//! `[group]`: turns a table with many rows per group (a row per purchase) into one with a single row per group (a row
//! per customer).
//!
//! The new table's columns are figures of each group's rows, such as the sum of what a customer spent. The fitted form,
//! a [`Grouping`], does the same to later tables. It computes the figures afresh: what a customer spends is a fact of
//! that table, and nothing learned at the fit.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Place, Result};
use crate::recipe::aggregate::{AggregateFunction, of_groups};
use crate::recipe::columns::needed;
use crate::recipe::encode::{ColumnEncoder, Encoder};
use crate::recipe::fitted_step::as_text;
use crate::recipe::preparation::{ColumnType, FittedColumn, Preparation, make, read_as, same_kind};
use crate::recipe::rows::count;
use crate::table::{Column, Table, Values, missing_column};

/// The `[group]` section: the features describe groups of rows, and not the single rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The line of the section in the recipe file, counted from 1.
    pub line: u64,
    /// The column whose values make the groups. They also become the ids of the rows.
    pub by: String,
}

/// The fitted form of `[group]`: turns any table with the same columns into one with a row per group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grouping {
    /// The column whose values make the groups.
    pub by: String,
    /// The type of `by` at the fit if it is a column of the table; `None` if it is a computed column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<ColumnType>,
    /// The columns that are computed before the rows are grouped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<FittedColumn>,
    /// The columns of the new table, besides `by`.
    #[serde(rename = "figures")]
    pub aggregates: Vec<GroupAggregate>,
}

/// A column of the table of groups: one figure for each group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupAggregate {
    /// The column's name.
    pub name: String,
    /// Which figure.
    pub compute: AggregateFunction,
    /// The column that the figure is computed from. A count may do without one, and then counts rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The type of `of` at the fit if it is a column of the table; `None` if it is a computed column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<ColumnType>,
}

impl Grouping {
    /// Whether its parts fit together. They come from a model file, which someone may have edited by hand.
    pub(super) fn is_sound(&self) -> bool {
        let has_column = |f: &GroupAggregate| f.of.is_some() || f.compute == AggregateFunction::Count;
        self.columns.iter().all(FittedColumn::is_sound) && self.aggregates.iter().all(has_column)
    }

    /// Removes the columns that neither the later preparation nor the features need, so that later tables need not have
    /// them.
    pub(super) fn keep_needed(&mut self, preparation: &Preparation, encoder: &Encoder) {
        let names: HashSet<&str> = encoder.columns.iter().map(ColumnEncoder::column).collect();
        let read: HashSet<&str> = preparation.reads(&names).into_iter().collect();
        self.aggregates.retain(|figure| read.contains(figure.name.as_str()));
        let of = self.aggregates.iter().filter_map(|f| f.of.as_deref()).chain([self.by.as_str()]).collect();
        self.columns = needed(std::mem::take(&mut self.columns), &of);
    }

    /// The columns that a table has to have.
    pub(super) fn reads(&self) -> Vec<&str> {
        let made: HashSet<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
        let looked =
            std::iter::once(self.by.as_str()).chain(self.aggregates.iter().filter_map(|f| f.of.as_deref()));
        let own = self.columns.iter().flat_map(|c| c.reads(&made));
        own.chain(looked.filter(|name| !made.contains(name))).collect()
    }

    /// The columns of the table that it needs and that had this type at the fit.
    pub(super) fn columns_of(&self, kind: ColumnType) -> Vec<&str> {
        let is = |read: Option<ColumnType>| read == Some(kind);
        let of = self.aggregates.iter().filter(|f| is(f.read)).filter_map(|f| f.of.as_deref());
        read_as(&self.columns, kind).chain(of).chain(is(self.read).then_some(self.by.as_str())).collect()
    }

    /// Turns a table into one with a row per group. Notes for the user are added to `notes`.
    ///
    /// # Errors
    /// [`Error::Data`] for a column that does not exist or has another type than at the fit, and for a table in which
    /// no row has a group.
    pub(super) fn apply(&self, table: &Table, notes: &mut Vec<String>) -> Result<Table> {
        let made = make(&self.columns, table, notes)?;
        let find = |name: &str| {
            let made = made.iter().find(|c| c.name == name);
            made.or_else(|| table.column(name)).map(|c| &c.values)
        };
        let grouped = grouped(table, &self.by, &self.aggregates, &find, notes)?;
        let figures = grouped.figures.into_iter().zip(&self.aggregates).map(|(column, figure)| {
            let place = || {
                let column = figure.of.as_deref().unwrap_or(&figure.name);
                Place::file(table.source.as_str()).column(column)
            };
            column.map_err(|what| Error::at(place(), what))
        });
        let figures = figures.collect::<Result<Vec<Column>>>()?;
        Ok(table_of_groups(table, &self.by, grouped.names, figures))
    }
}

/// The groups of a table, with their figures.
pub(super) struct Grouped {
    /// The groups' values, in the order in which they first appear.
    pub(super) names: Vec<String>,
    /// For each figure, a column with a row per group, or a sentence that says why it cannot be computed.
    pub(super) figures: Vec<std::result::Result<Column, String>>,
}

/// Finds a table's groups and computes their figures. `find` returns the values of a column by name, computed columns
/// included. Rows without a group are left out, and a note says how many they are.
///
/// # Errors
/// [`Error::Data`] for a column that does not exist, and for a table in which no row has a group.
pub(super) fn grouped<'a>(
    table: &Table,
    by: &str,
    figures: &[GroupAggregate],
    find: &dyn Fn(&str) -> Option<&'a Values>,
    notes: &mut Vec<String>,
) -> Result<Grouped> {
    let column = |name: &str| find(name).ok_or_else(|| missing_column(table, name));
    let place = || Place::file(table.source.as_str()).column(by);
    let (names, codes) = groups(column(by)?).map_err(|what| Error::at(place(), what))?;
    if names.is_empty() {
        return Err(Error::at(place(), "every value is missing, so the rows cannot be grouped"));
    }
    let without = codes.iter().filter(|code| code.is_none()).count();
    if without > 0 {
        notes.push(format!("left out: {} without a value of {by}", count(without)));
    }
    let mut columns = Vec::with_capacity(figures.len());
    for figure in figures {
        let of = figure.of.as_deref().map(column).transpose()?;
        let same = of.map_or(Ok(()), |of| same_kind(figure.read, of));
        let values = same.and_then(|()| of_groups(figure.compute, &codes, names.len(), of, None));
        columns.push(values.map(|values| Column { name: figure.name.clone(), values }));
    }
    Ok(Grouped { names, figures: columns })
}

/// The groups' values in the order in which they first appear, and for each row the position of its group in them.
fn groups(by: &Values) -> std::result::Result<(Vec<String>, Vec<Option<u32>>), String> {
    let by = as_text(by)?;
    let Values::Text { levels, codes } = &*by else { return Ok((Vec::new(), vec![None; by.len()])) };
    let mut places: HashMap<u32, u32> = HashMap::new();
    let mut names = Vec::new();
    let codes = codes.iter().map(|code| {
        let code = (*code)?;
        Some(*places.entry(code).or_insert_with(|| {
            names.push(levels[code as usize].clone());
            names.len() as u32 - 1
        }))
    });
    let codes = codes.collect();
    Ok((names, codes))
}

/// Builds the table with a row per group from the groups' values, which become the rows' ids, and from their figures.
pub(super) fn table_of_groups(table: &Table, by: &str, names: Vec<String>, figures: Vec<Column>) -> Table {
    let codes = (0..names.len()).map(|code| Some(code as u32)).collect();
    let values = Values::Text { levels: names.clone(), codes };
    let rows = names.len();
    let columns = std::iter::once(Column { name: by.into(), values }).chain(figures).collect();
    Table { source: table.source.clone(), rows, columns, ids: Some((by.into(), names)), ..Table::default() }
}
