//! Rows and keys that repeat earlier ones.

use super::ColumnDescription;
use crate::table::{Column, Table, Values};
use foldhash::fast::RandomState;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher as _, Hasher as _};

/// Rows and keys that repeat earlier ones. Missing cells count as equal, as in pandas' `duplicated`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Duplicates {
    /// How many rows equal an earlier row in all columns.
    pub rows: usize,
    /// The same without the columns that differ in every row, if there are some: a running number hides that rows repeat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apart_from: Option<Apart>,
    /// For each column that looks like a key, how many rows repeat a value of an earlier row.
    pub keys: Vec<Repeated>,
}

/// Rows that repeat in the other columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Apart {
    /// The columns that are not compared.
    pub columns: Vec<String>,
    /// How many rows equal an earlier row in the others.
    pub rows: usize,
}

/// How often the values of a key repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeated {
    /// The column.
    pub column: String,
    /// How many different values it has.
    pub distinct: usize,
    /// How many rows have a value that an earlier row has.
    pub repeated: usize,
}

pub(super) fn duplicates(table: &Table, columns: &[&Column], found: &[ColumnDescription]) -> Duplicates {
    let keys = found.iter().filter(|c| c.key);
    let keys: Vec<Repeated> = keys
        .map(|c| Repeated {
            column: c.column.clone(),
            distinct: c.distinct,
            repeated: c.count.saturating_sub(c.distinct),
        })
        .collect();
    let differs = |c: &ColumnDescription| table.rows > 1 && c.distinct == table.rows;
    let (unlike, others): (Vec<_>, Vec<_>) =
        columns.iter().copied().zip(found).partition(|(_, c)| differs(c));
    let others: Vec<&Column> = others.into_iter().map(|(column, _)| column).collect();
    if unlike.is_empty() {
        return Duplicates { rows: repeated_rows(table.rows, &others), apart_from: None, keys };
    }
    // What differs in every row by chance, such as a measurement, is no reason to compare without it.
    let apart = unlike.iter().all(|(_, c)| c.key) && !others.is_empty();
    let apart_from = apart.then(|| Apart {
        columns: unlike.iter().map(|(_, c)| c.column.clone()).collect(),
        rows: repeated_rows(table.rows, &others),
    });
    Duplicates { rows: 0, apart_from, keys }
}

/// How many rows equal an earlier row in all of the columns.
fn repeated_rows(rows: usize, columns: &[&Column]) -> usize {
    /// Rows that one task hashes.
    const ROWS: usize = 1 << 14;
    if columns.is_empty() {
        return 0;
    }
    let state = RandomState::default();
    let mut hashes: Vec<(u64, u32)> = vec![(0, 0); rows];
    hashes.par_chunks_mut(ROWS).enumerate().for_each(|(chunk, hashes)| {
        let first = chunk * ROWS;
        hashes.iter_mut().enumerate().for_each(|(i, hash)| hash.1 = (first + i) as u32);
        for column in columns {
            each_cell(&column.values, first..first + hashes.len(), |i, cell| {
                let mut hasher = state.build_hasher();
                hasher.write_u64(hashes[i].0);
                hasher.write_u64(cell);
                hashes[i].0 = hasher.finish();
            });
        }
    });
    hashes.par_sort_unstable();
    let same =
        |a: u32, b: u32| columns.iter().all(|c| cell(&c.values, a as usize) == cell(&c.values, b as usize));
    let groups: Vec<&[(u64, u32)]> =
        hashes.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1).collect();
    groups
        .into_par_iter()
        .map(|group| {
            // Different rows may have the same hash, so the rows themselves are compared.
            let mut distinct: Vec<u32> = Vec::new();
            for &(_, row) in group {
                if !distinct.iter().any(|&other| same(other, row)) {
                    distinct.push(row);
                }
            }
            group.len() - distinct.len()
        })
        .sum()
}

/// A number as bits that are equal exactly where the numbers are: zeros have no sign, and missing is one value.
fn bits(value: f64) -> u64 {
    if value.is_nan() { u64::MAX } else { (value + 0.0).to_bits() }
}

fn of_bool(cell: Option<bool>) -> u64 {
    cell.map_or(2, u64::from)
}

fn of_code(code: Option<u32>) -> u64 {
    code.map_or(u64::MAX, u64::from)
}

/// A cell as bits that are equal exactly where the cells of the column are.
fn cell(values: &Values, row: usize) -> u64 {
    match values {
        Values::Number(v) => v.get(row).map_or(u64::MAX, |&v| bits(v)),
        Values::Packed { .. } => values.number(row).map_or(u64::MAX, bits),
        Values::Bool(v) => of_bool(v.get(row).copied().flatten()),
        Values::Text { codes, .. } => of_code(codes.get(row).copied().flatten()),
        Values::Empty(_) => 0,
    }
}

/// Hands the cells of some rows to `take`, each with its place among these rows.
fn each_cell(values: &Values, rows: std::ops::Range<usize>, mut take: impl FnMut(usize, u64)) {
    match values {
        Values::Number(v) => v[rows].iter().enumerate().for_each(|(i, &v)| take(i, bits(v))),
        Values::Bool(v) => v[rows].iter().enumerate().for_each(|(i, &v)| take(i, of_bool(v))),
        Values::Text { codes, .. } => codes[rows].iter().enumerate().for_each(|(i, &c)| take(i, of_code(c))),
        Values::Packed { .. } => rows.enumerate().for_each(|(i, row)| take(i, cell(values, row))),
        Values::Empty(_) => {}
    }
}
