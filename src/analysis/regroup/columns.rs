//! The columns whose values split segments.

use super::{MOST_PARTS, Regroup};
use crate::error::{Error, Fault, Result};
use crate::model::ByColumn;
use crate::table::{Table, Values};
use std::collections::HashMap;

/// The cells of a column that splits segments: their distinct values, and for each row the place of its own in them.
pub(in crate::analysis) struct SplitColumn {
    pub(super) column: String,
    pub(super) levels: Vec<String>,
    pub(super) codes: Vec<Option<u32>>,
}

impl SplitColumn {
    /// The columns of a table that split segments.
    ///
    /// # Errors
    /// A column that the table does not have, or one of numbers with very many different values.
    pub(in crate::analysis) fn all(
        regroup: &Regroup,
        table: &Table,
        source: &str,
    ) -> Result<Vec<SplitColumn>> {
        let column = |(line, key, name): (u64, String, &str)| {
            let values = table.column(name).map(|c| &c.values);
            let fault = |what| Error::recipe(vec![Fault::in_line(source, line, key, what)]);
            let values = values.ok_or_else(|| format!("no column is called {name:?}"));
            let (levels, codes) = values.and_then(|values| cells(name, values)).map_err(fault)?;
            Ok(SplitColumn { column: name.into(), levels, codes })
        };
        regroup.columns().map(column).collect()
    }

    /// Whether it is the column of that name.
    pub(in crate::analysis) fn is(&self, name: &str) -> bool {
        self.column == name
    }

    /// For some rows (all, where `kept` is `None`) the segment of each.
    pub(in crate::analysis) fn segments(&self, by: &ByColumn, kept: Option<&[u32]>) -> Vec<u32> {
        let values = Values::Text { levels: self.levels.clone(), codes: self.codes.clone() };
        by.segments_of(&values, kept)
    }
}

/// The most different numbers of a column of which a list is made.
const MOST_NUMBERS: usize = 10_000;

/// The distinct values of a column as texts, and each row's place in them.
fn cells(name: &str, values: &Values) -> std::result::Result<(Vec<String>, Vec<Option<u32>>), String> {
    if let Values::Text { levels, codes } = values {
        return Ok((levels.clone(), codes.clone()));
    }
    let mut places: HashMap<String, u32> = HashMap::new();
    let mut codes = Vec::with_capacity(values.len());
    for row in 0..values.len() {
        let code = (!values.is_missing(row)).then(|| {
            let next = places.len() as u32;
            *places.entry(values.cell(row)).or_insert(next)
        });
        codes.push(code);
        if places.len() > MOST_NUMBERS {
            return Err(too_many(name, "more than 10,000"));
        }
    }
    let mut levels = vec![String::new(); places.len()];
    places.into_iter().for_each(|(level, place)| levels[place as usize] = level);
    Ok((levels, codes))
}

/// The message for a column of which so many values were found.
pub(super) fn too_many(column: &str, found: &str) -> String {
    format!(
        "{column} has {found} values, and may split a segment into at most {MOST_PARTS} parts; make a column with fewer, \
         for numbers with the step cut, for texts with top"
    )
}
