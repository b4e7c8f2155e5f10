//! The cohorts of a table: the rows of each value of a column.

use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::table::Table;
use std::cmp::Ordering;
use std::collections::HashMap;

/// A column whose values are cohorts.
pub(in super::super) struct CohortColumn {
    pub(super) name: String,
    /// The values in order: by size if all are numbers, otherwise by their letters. Missing comes last.
    values: Vec<Option<String>>,
    /// For each row of the table the index of its value.
    codes: Vec<u32>,
}

impl CohortColumn {
    /// The column of this name.
    ///
    /// # Errors
    /// There is none, or it is the id column.
    pub(in super::super) fn of(table: &Table, name: &str) -> Result<Self> {
        if table.ids.as_ref().is_some_and(|(id, _)| id == name) {
            let what = format!("the cohort column {name:?} is the id column, which differs in each row");
            return Err(Error::data(what));
        }
        let column = table.column(name);
        let column =
            column.ok_or_else(|| Error::data(format!("there is no column {name:?} to take cohorts from")))?;
        let mut seen: HashMap<String, u32> = HashMap::new();
        let mut codes: Vec<u32> = Vec::with_capacity(table.rows);
        for row in 0..table.rows {
            let next = seen.len() as u32;
            codes.push(*seen.entry(column.values.cell(row)).or_insert(next));
        }
        let mut order: Vec<(String, u32)> = seen.into_iter().collect();
        let numbers = order.iter().all(|(value, _)| value.is_empty() || value.parse::<f64>().is_ok());
        order.sort_by(|(a, _), (b, _)| {
            // An empty cell is a missing one.
            a.is_empty()
                .cmp(&b.is_empty())
                .then_with(|| match (a.parse::<f64>(), b.parse::<f64>()) {
                    (Ok(a), Ok(b)) if numbers => a.total_cmp(&b),
                    _ => Ordering::Equal,
                })
                .then_with(|| a.cmp(b))
        });
        let mut place = vec![0; order.len()];
        order.iter().zip(0u32..).for_each(|((_, code), at)| place[*code as usize] = at);
        codes.iter_mut().for_each(|code| *code = place[*code as usize]);
        let values = order.into_iter().map(|(value, _)| Some(value).filter(|v| !v.is_empty())).collect();
        Ok(CohortColumn { name: name.to_string(), values, codes })
    }

    /// How many rows the table has.
    pub(super) fn rows(&self) -> usize {
        self.codes.len()
    }
}

/// The rows of one cohort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// The column's value; `None` where it is missing.
    pub(super) value: Option<String>,
    /// How many rows of the fit.
    pub(super) rows: usize,
    /// The distinct rows of the matrix among them, each with the weight of all its copies in the cohort.
    pub(super) members: Vec<(u32, u64)>,
}

/// The cohorts that have rows in the fit. `rows` are all rows of the fit: the row of the table, the row of the matrix, and the
/// weight in steps.
pub(super) fn parts(
    column: &CohortColumn,
    matrix: &Matrix,
    rows: impl Iterator<Item = (usize, usize, u64)>,
) -> Vec<Part> {
    let repeats = matrix.repeats();
    let mut counts = vec![0usize; column.values.len()];
    let mut members: Vec<(u32, u32, u64)> = Vec::new();
    for (row, of_matrix, steps) in rows {
        let code = column.codes[row];
        counts[code as usize] += 1;
        if let Some(distinct) = repeats.of_row(of_matrix).filter(|_| steps > 0) {
            members.push((code, repeats.first(distinct) as u32, steps));
        }
    }
    members.sort_unstable();
    let mut parts: Vec<Part> = column
        .values
        .iter()
        .zip(counts)
        .map(|(value, rows)| Part { value: value.clone(), rows, members: Vec::new() })
        .collect();
    for (code, row, steps) in members {
        let members = &mut parts[code as usize].members;
        match members.last_mut() {
            Some((last, sum)) if *last == row => *sum = sum.saturating_add(steps),
            _ => members.push((row, steps)),
        }
    }
    parts.retain(|part| part.rows > 0);
    parts
}

/// The `most` largest cohorts, in their order.
pub(super) fn largest(parts: &[Part], most: usize) -> Vec<&Part> {
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|&a, &b| parts[b].rows.cmp(&parts[a].rows).then(a.cmp(&b)));
    order.truncate(most);
    order.sort_unstable();
    order.into_iter().map(|i| &parts[i]).collect()
}
