//! Helpers for subsets of a table's rows, and for messages about rows and columns.
//!
//! A subset is an ascending list of row numbers counted from 0; `None` stands for all rows, so that the common case
//! needs no list.

use crate::error::{Error, Fault, Place, Result};
use crate::recipe::Missing;
use crate::recipe::fitted_step::text_of;
use crate::table::{Column, Table, Values, closest};

/// A number of rows for a message: `1 row`, `2 rows`.
pub(super) fn count(rows: usize) -> String {
    if rows == 1 { "1 row".into() } else { format!("{rows} rows") }
}

/// Collects `value(row)` for each kept row of a table with so many `rows`.
pub(super) fn pick<T>(rows: usize, kept: Option<&[u32]>, value: impl Fn(usize) -> T) -> Vec<T> {
    match kept {
        None => (0..rows).map(value).collect(),
        Some(kept) => kept.iter().map(|&row| value(row as usize)).collect(),
    }
}

/// Applies the recipe's treatment of missing values: which of the rows in `among` are kept, given the columns that
/// become features. `None` stands for all rows, in `among` and in the result.
///
/// # Errors
/// [`Error::Data`] for a missing value under [`Missing::Error`].
pub(super) fn kept_rows(
    table: &Table,
    columns: &[&Column],
    missing: Missing,
    among: Option<Vec<u32>>,
) -> Result<Option<Vec<u32>>> {
    if missing == Missing::Impute {
        return Ok(among);
    }
    let incomplete = |row: usize| columns.iter().find(|c| c.values.is_missing(row));
    let rows = pick(table.rows, among.as_deref(), |row| row);
    if missing == Missing::Error {
        return match rows.iter().find_map(|&row| incomplete(row).map(|c| (row, c))) {
            None => Ok(among),
            Some((row, column)) => {
                let place = Place::file(table.source.as_str()).column(column.name.as_str());
                Err(Error::at(place, format!("row {}: the value is missing", row + 1)))
            }
        };
    }
    let kept: Vec<u32> =
        rows.into_iter().filter(|&row| incomplete(row).is_none()).map(|row| row as u32).collect();
    Ok((kept.len() < table.rows).then_some(kept))
}

/// Checks that every column has as many values as the table has rows. A table built by hand may not.
pub(super) fn check_lengths(table: &Table) -> Result<()> {
    match table.columns.iter().find(|c| c.values.len() != table.rows) {
        None => Ok(()),
        Some(c) => Err(Error::Usage(format!(
            "column {} has {} values in a table of {}",
            c.name,
            c.values.len(),
            count(table.rows)
        ))),
    }
}

/// The message for a name that is neither a column of the table nor one of the computed columns, with the closest names
/// as a suggestion.
pub(crate) fn no_column(table: &Table, made: &[&str], name: &str) -> String {
    let names = table.columns.iter().map(|c| c.name.as_str()).chain(made.iter().copied());
    // The name may belong to the very column that asks for it, which is no helpful suggestion.
    let mut names: Vec<&str> = names.filter(|n| *n != name).collect();
    names.sort_unstable();
    names.dedup();
    let close = closest(name, &names);
    if close.is_empty() {
        let more = if names.len() > 8 { ", …" } else { "" };
        let shown = names[..names.len().min(8)].join(", ");
        return format!(
            "no column is called {name:?}, neither in the table nor made by the recipe; there are {shown}{more}"
        );
    }
    format!(
        "no column is called {name:?}, neither in the table nor made by the recipe; did you mean {}?",
        close.join(" or ")
    )
}

/// Copies some rows of a table into a new table.
pub(super) fn select(table: &Table, rows: &[u32]) -> Table {
    let of = |values: &Values| match values {
        Values::Bool(v) => Values::Bool(pick(v.len(), Some(rows), |row| v[row])),
        Values::Text { levels, codes } => {
            text_of(levels.clone(), pick(codes.len(), Some(rows), |row| codes[row]))
        }
        Values::Empty(_) => Values::Empty(rows.len()),
        numbers => {
            let values = pick(numbers.len(), Some(rows), |row| numbers.number(row).unwrap_or(f64::NAN));
            if values.iter().all(|v| v.is_nan()) { Values::Empty(rows.len()) } else { Values::Number(values) }
        }
    };
    let columns = table.columns.iter().map(|c| Column { name: c.name.clone(), values: of(&c.values) });
    let columns = columns.collect();
    let ids = table.ids.as_ref().map(|(name, ids)| {
        (name.clone(), rows.iter().map(|&row| ids.get(row as usize).cloned().unwrap_or_default()).collect())
    });
    let (number_formats, wide_integers) = (table.number_formats.clone(), table.wide_integers.clone());
    Table {
        source: table.source.clone(),
        rows: rows.len(),
        columns,
        ids,
        number_formats,
        wide_integers,
        notes: Vec::new(),
    }
}

/// Corrects the row number in an error about a table made by [`select`] to the number that the row has in the whole
/// table. Such a message begins with `row N: `.
pub(super) fn renumbered(error: Error, rows: &[u32]) -> Error {
    let whole = |what: String| {
        let parts = what.strip_prefix("row ").and_then(|rest| rest.split_once(": "));
        let row = parts.and_then(|(row, rest)| Some((row.parse::<usize>().ok()?.checked_sub(1)?, rest)));
        match row.and_then(|(row, rest)| Some((rows.get(row)?, rest))) {
            Some((row, rest)) => format!("row {}: {rest}", row + 1),
            None => what,
        }
    };
    match error {
        Error::Data { place, what } => Error::Data { place, what: whole(what) },
        Error::Recipe(faults) => {
            Error::Recipe(faults.into_iter().map(|f| Fault { what: whole(f.what), ..f }).collect())
        }
        other => other,
    }
}
