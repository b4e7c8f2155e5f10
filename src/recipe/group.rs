//! One row for each group: the rows of a table that share a value, brought together.

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

/// That features are of groups, and not of the table's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its line in the recipe.
    pub line: u64,
    /// The column whose values make the groups.
    pub by: String,
}

/// The fitted form: from the rows of any table to its groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grouping {
    /// The column whose values make the groups.
    pub by: String,
    /// What that was at the fit, where it is the table's; none where it is itself made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<ColumnType>,
    /// Columns that are made before the rows are brought together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<FittedColumn>,
    /// The columns of the groups.
    #[serde(rename = "figures")]
    pub aggregates: Vec<GroupAggregate>,
}

/// A column of the groups: a figure of each group's rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupAggregate {
    /// Its name.
    pub name: String,
    /// The figure.
    pub compute: AggregateFunction,
    /// The column that it is of; a count without one is of all rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// What that was at the fit, where it is the table's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<ColumnType>,
}

impl Grouping {
    /// Whether it can be computed with; a person may have edited it.
    pub(super) fn is_sound(&self) -> bool {
        let has_column = |f: &GroupAggregate| f.of.is_some() || f.compute == AggregateFunction::Count;
        self.columns.iter().all(FittedColumn::is_sound) && self.aggregates.iter().all(has_column)
    }

    /// Leaves out what neither the columns after it nor the features need.
    pub(super) fn keep_needed(&mut self, preparation: &Preparation, encoder: &Encoder) {
        let names: HashSet<&str> = encoder.columns.iter().map(ColumnEncoder::column).collect();
        let read: HashSet<&str> = preparation.reads(&names).into_iter().collect();
        self.aggregates.retain(|figure| read.contains(figure.name.as_str()));
        let of = self.aggregates.iter().filter_map(|f| f.of.as_deref()).chain([self.by.as_str()]).collect();
        self.columns = needed(std::mem::take(&mut self.columns), &of);
    }

    /// The table's columns that it reads.
    pub(super) fn reads(&self) -> Vec<&str> {
        let made: HashSet<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
        let looked =
            std::iter::once(self.by.as_str()).chain(self.aggregates.iter().filter_map(|f| f.of.as_deref()));
        let own = self.columns.iter().flat_map(|c| c.reads(&made));
        own.chain(looked.filter(|name| !made.contains(name))).collect()
    }

    /// The table's columns that it reads as of a kind.
    pub(super) fn columns_of(&self, kind: ColumnType) -> Vec<&str> {
        let is = |read: Option<ColumnType>| read == Some(kind);
        let of = self.aggregates.iter().filter(|f| is(f.read)).filter_map(|f| f.of.as_deref());
        read_as(&self.columns, kind).chain(of).chain(is(self.read).then_some(self.by.as_str())).collect()
    }

    /// The table of a table's groups.
    ///
    /// # Errors
    /// Columns that are not there or have another type, and a table without a group.
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

/// A table's groups.
pub(super) struct Grouped {
    /// Their values, in the order in which they first appear.
    pub(super) names: Vec<String>,
    /// A column for each figure, or a sentence.
    pub(super) figures: Vec<std::result::Result<Column, String>>,
}

/// Brings a table's rows together, with `find` for the values of its columns and of those that were made. Says how many
/// rows have no group.
///
/// # Errors
/// A column that is not there; a table in which no row has a group.
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

/// The groups in the order in which they first appear, and each row's.
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

/// A table with a row for each group, whose value is the row's id.
pub(super) fn table_of_groups(table: &Table, by: &str, names: Vec<String>, figures: Vec<Column>) -> Table {
    let codes = (0..names.len()).map(|code| Some(code as u32)).collect();
    let values = Values::Text { levels: names.clone(), codes };
    let rows = names.len();
    let columns = std::iter::once(Column { name: by.into(), values }).chain(figures).collect();
    Table { source: table.source.clone(), rows, columns, ids: Some((by.into(), names)), ..Table::default() }
}
