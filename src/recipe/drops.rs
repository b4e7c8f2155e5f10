//! `[[drop]]`: leaves rows out, because too much of them is missing or because they are outliers.
//!
//! The limits are learned at the fit and then apply to later tables too. Rows that are left out are not lost: they are
//! counted in a note, and appear in the assignments with segment -1 and a status.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Place, Result};
use crate::recipe::fitted_step::numbers_or;
use crate::recipe::preparation::matches;
use crate::recipe::rows::no_column;
use crate::recipe::statistics::{Copies, Ranked};
use crate::table::{Column, Table, missing_column};

/// A `[[drop]]` section: which rows to leave out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DropSpec {
    /// The line of the section in the recipe file, counted from 1.
    pub line: u64,
    /// Names or globs of the columns to look at.
    pub columns: Vec<String>,
    /// Which rows to leave out.
    pub condition: DropCondition,
}

/// Which rows a `[[drop]]` section leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropCondition {
    /// Rows in which at least this share (above 0, up to 1) of the columns is missing. Their status is `excluded`.
    MissingShare(f64),
    /// Rows above this quantile (0 to 1) of any of the columns. Their status is `outlier`.
    AboveQuantile(f64),
    /// Rows below this quantile (0 to 1) of any of the columns. Their status is `outlier`.
    BelowQuantile(f64),
}

/// The fitted form of a `[[drop]]` section, with quantiles turned into numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FittedDrop {
    /// Leaves out rows in which at least this share of the columns is missing.
    MissingShare {
        /// The share, above 0 and up to 1.
        share: f64,
        /// The columns.
        columns: Vec<String>,
    },
    /// Leaves out rows with a value outside the bounds of any of these columns.
    Outside {
        /// The columns and their bounds.
        bounds: Vec<Bounds>,
    },
}

/// The bounds of a column's values. A value equal to a bound stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// The column's name.
    pub column: String,
    /// The smallest value that stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The largest value that stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

/// Whether a row is kept or left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowStatus {
    /// It gets a segment.
    Kept,
    /// Left out as an outlier.
    Outlier,
    /// Left out for missing values.
    Excluded,
    /// Not in the population.
    Outside,
}

impl DropSpec {
    /// Finds the columns and computes their bounds on the table of the fit. `copies` are the weights of its rows.
    ///
    /// # Errors
    /// A sentence, for a name or glob that matches no column, and for a quantile of a column that holds texts.
    pub(super) fn fit(&self, table: &Table, copies: Copies<'_>) -> std::result::Result<FittedDrop, String> {
        let columns = matching(table, &self.columns)?;
        let quantile = match self.condition {
            DropCondition::MissingShare(share) => {
                let columns = columns.iter().map(|c| c.name.clone()).collect();
                return Ok(FittedDrop::MissingShare { share, columns });
            }
            DropCondition::AboveQuantile(q) | DropCondition::BelowQuantile(q) => q,
        };
        let bounds = columns.iter().map(|column| {
            let numbers = numbers(column).map_err(|what| format!("column {}: {what}", column.name))?;
            let ranked = Ranked::new(&numbers, copies);
            let bound = (!ranked.is_empty()).then(|| ranked.quantile(quantile));
            let (min, max) = if matches!(self.condition, DropCondition::AboveQuantile(_)) {
                (None, bound)
            } else {
                (bound, None)
            };
            Ok(Bounds { column: column.name.clone(), min, max })
        });
        Ok(FittedDrop::Outside { bounds: bounds.collect::<std::result::Result<_, String>>()? })
    }
}

impl FittedDrop {
    /// Changes the status of the rows to leave out and returns their number. Rows that were already left out keep their
    /// status and do not count.
    pub(super) fn mark(&self, table: &Table, statuses: &mut [RowStatus]) -> Result<usize> {
        let column = |name: &str| table.column(name).ok_or_else(|| missing_column(table, name));
        let mut marked = 0;
        let mut mark = |status: &mut RowStatus, new: RowStatus| {
            if *status == RowStatus::Kept {
                (*status, marked) = (new, marked + 1);
            }
        };
        match self {
            FittedDrop::MissingShare { share, columns } => {
                let mut missing = vec![0usize; table.rows];
                for name in columns {
                    let values = &column(name)?.values;
                    for (row, missing) in missing.iter_mut().enumerate() {
                        *missing += usize::from(values.is_missing(row));
                    }
                }
                let most = share * columns.len() as f64;
                for (status, missing) in statuses.iter_mut().zip(missing) {
                    if missing as f64 >= most {
                        mark(status, RowStatus::Excluded);
                    }
                }
            }
            FittedDrop::Outside { bounds } => {
                for Bounds { column: name, min, max } in bounds {
                    let numbers = numbers(column(name)?)
                        .map_err(|what| Error::at(Place::default().column(name.as_str()), what))?;
                    for (status, value) in statuses.iter_mut().zip(numbers) {
                        if min.is_some_and(|min| value < min) || max.is_some_and(|max| value > max) {
                            mark(status, RowStatus::Outlier);
                        }
                    }
                }
            }
        }
        Ok(marked)
    }

    /// The names of the columns that it looks at.
    pub(super) fn columns(&self) -> Vec<&str> {
        match self {
            FittedDrop::MissingShare { columns, .. } => columns.iter().map(String::as_str).collect(),
            FittedDrop::Outside { bounds } => bounds.iter().map(|b| b.column.as_str()).collect(),
        }
    }

    /// Describes the rows that it leaves out, such as `age above 99`.
    pub(super) fn describe(&self) -> String {
        match self {
            FittedDrop::MissingShare { share, columns } if *share == 1.0 => {
                format!("missing all of {} columns", columns.len())
            }
            FittedDrop::MissingShare { share, columns } => {
                // Rounded so that 0.07 is shown as 7 % and not as 7.000000000000001 %.
                let percent = (share * 1e8).round() / 1e6;
                format!("missing {percent} % or more of {} columns", columns.len())
            }
            FittedDrop::Outside { bounds } => {
                let bound = |b: &Bounds| match (b.min, b.max) {
                    (Some(min), _) => format!("{} below {min}", b.column),
                    (_, Some(max)) => format!("{} above {max}", b.column),
                    _ => b.column.clone(),
                };
                let shown: Vec<String> = bounds.iter().take(4).map(bound).collect();
                format!("{}{}", shown.join(" or "), if bounds.len() > 4 { " or …" } else { "" })
            }
        }
    }
}

/// The column as numbers, with missing values as NaN.
fn numbers(column: &Column) -> std::result::Result<Vec<f64>, String> {
    numbers_or(&column.values, || "a quantile needs numbers".to_string()).map(std::borrow::Cow::into_owned)
}

/// The columns that match any of these names and globs, each once, in the order of the table.
///
/// # Errors
/// A sentence, for a name or glob that matches no column.
fn matching<'a>(table: &'a Table, patterns: &[String]) -> std::result::Result<Vec<&'a Column>, String> {
    let mut taken = vec![false; table.columns.len()];
    for pattern in patterns {
        let mut found = false;
        for (column, taken) in table.columns.iter().zip(&mut taken) {
            if matches(pattern, &column.name) {
                (*taken, found) = (true, true);
            }
        }
        if !found {
            return Err(no_column(table, &[], pattern));
        }
    }
    Ok(table.columns.iter().zip(taken).filter(|(_, taken)| *taken).map(|(c, _)| c).collect())
}
