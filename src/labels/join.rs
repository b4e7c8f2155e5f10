//! Finds the rows that two tables have in common.

use crate::error::{Error, Place, Result};
use foldhash::fast::RandomState;
use rayon::prelude::*;
use std::hash::BuildHasher as _;

/// The rows of a table, and what identifies them.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// The file, for messages.
    pub source: &'a str,
    /// How many rows there are.
    pub rows: usize,
    /// The id column's name and one id for each row; `None`: rows are identified by their position.
    pub ids: Option<&'a (String, Vec<String>)>,
}

/// What rows were matched by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Equal ids.
    Id,
    /// Their place in the table.
    Position,
}

/// The rows of two tables, `a` and `b`, that are the same, and those that only one of them has. Rows are numbered from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// What rows were matched by.
    pub by: By,
    /// The rows in both tables: the row of `a`, and the row of `b`, in the order of `b`.
    pub pairs: Vec<(u32, u32)>,
    /// The rows that only `a` has, in its order.
    pub only_a: Vec<u32>,
    /// The rows that only `b` has, in its order.
    pub only_b: Vec<u32>,
    /// How many rows of `a` and of `b` have an empty id. They are in none of the lists.
    pub without_id: (usize, usize),
}

/// Finds the rows that two tables have in common: those of the same id if both tables have ids, and otherwise those of the
/// same position. Spaces around an id do not count.
///
/// # Errors
/// An id that is used twice in one table; tables of different length without ids.
pub fn join(a: Rows<'_>, b: Rows<'_>) -> Result<Joined> {
    match (a.ids, b.ids) {
        (Some(ids_a), Some(ids_b)) => by_id((a.source, ids_a), (b.source, ids_b)),
        _ if a.rows == b.rows => Ok(Joined {
            by: By::Position,
            pairs: (0..b.rows as u32).map(|row| (row, row)).collect(),
            only_a: Vec::new(),
            only_b: Vec::new(),
            without_id: (0, 0),
        }),
        _ => {
            let without = [a, b].into_iter().filter(|rows| rows.ids.is_none());
            let without: Vec<&str> = without.map(|rows| rows.source).collect();
            let have = if without.len() == 1 { "has" } else { "have" };
            let what = format!(
                "this file has {} rows and {} has {}, so rows cannot be matched by their position; match them by an id \
                 column that both have ({} {have} none now)",
                b.rows,
                a.source,
                a.rows,
                without.join(" and "),
            );
            Err(Error::at(Place::file(b.source), what))
        }
    }
}

/// A table's rows with an id, each as its id's hash in the upper half and its number in the lower half, in ascending order.
fn hashed(ids: &[String], hasher: &RandomState) -> Vec<u64> {
    let mut hashed: Vec<u64> = (ids.par_iter().enumerate())
        .filter(|(_, id)| !id.trim().is_empty())
        .map(|(row, id)| (hasher.hash_one(id.trim()) << 32) | row as u64)
        .collect();
    hashed.par_sort_unstable();
    hashed
}

/// The rows of the same hash.
fn hash(entry: u64) -> u64 {
    entry >> 32
}

/// How many rows a task looks up.
const ROWS: usize = 1 << 16;

fn by_id(a: (&str, &(String, Vec<String>)), b: (&str, &(String, Vec<String>))) -> Result<Joined> {
    let hasher = RandomState::default();
    let (ids_a, ids_b) = (&a.1.1[..], &b.1.1[..]);
    let (of_a, of_b) = (hashed(ids_a, &hasher), hashed(ids_b, &hasher));
    for ((source, (name, ids)), entries) in [(a, &of_a), (b, &of_b)] {
        must_differ(source, name, ids, entries)?;
    }
    let id_a = |entry: u64| ids_a[entry as u32 as usize].trim();
    // The rows of `b` in the order of their hashes, some at a time beside the rows of `a` from the first such hash on.
    let some_of_b = |entries: &[u64]| -> Vec<(u32, u32)> {
        let first = of_a.partition_point(|&entry| hash(entry) < hash(entries[0]));
        let mut groups = of_a[first..].chunk_by(|x, y| hash(*x) == hash(*y)).peekable();
        let mut pairs = Vec::new();
        for &entry in entries {
            while groups.peek().is_some_and(|group| hash(group[0]) < hash(entry)) {
                groups.next();
            }
            let row = entry as u32;
            let group = groups.peek().filter(|group| hash(group[0]) == hash(entry));
            let id_b = ids_b[row as usize].trim();
            let same = group.and_then(|group| group.iter().find(|&&entry| id_a(entry) == id_b));
            pairs.extend(same.map(|&same| (same as u32, row)));
        }
        pairs
    };
    let found: Vec<Vec<(u32, u32)>> = of_b.par_chunks(ROWS).map(some_of_b).collect();
    let mut row_of: Vec<Option<u32>> = vec![None; ids_b.len()];
    let mut shared = vec![false; ids_a.len()];
    for (row_a, row_b) in found.into_iter().flatten() {
        row_of[row_b as usize] = Some(row_a);
        shared[row_a as usize] = true;
    }
    let without = (ids_a.len() - of_a.len(), ids_b.len() - of_b.len());
    let rows = |ids: &[String], taken: &dyn Fn(usize) -> bool| {
        let alone = |row: &u32| !taken(*row as usize) && !ids[*row as usize].trim().is_empty();
        (0..ids.len() as u32).filter(alone).collect::<Vec<u32>>()
    };
    Ok(Joined {
        by: By::Id,
        only_a: rows(ids_a, &|row| shared[row]),
        only_b: rows(ids_b, &|row| row_of[row].is_some()),
        pairs: (0..).zip(&row_of).filter_map(|(row, of)| Some(((*of)?, row))).collect(),
        without_id: without,
    })
}

/// Checks that no id is used twice.
fn must_differ(source: &str, name: &str, ids: &[String], entries: &[u64]) -> Result<()> {
    let mut repeated: Vec<(u32, u32)> = Vec::new();
    for same in entries.chunk_by(|x, y| hash(*x) == hash(*y)).filter(|same| same.len() > 1) {
        let mut of_hash: Vec<u32> = Vec::new();
        for row in same.iter().map(|&entry| entry as u32) {
            let id = ids[row as usize].trim();
            match of_hash.iter().find(|&&other| ids[other as usize].trim() == id) {
                Some(&first) => repeated.push((first, row)),
                None => of_hash.push(row),
            }
        }
    }
    if repeated.is_empty() {
        return Ok(());
    }
    repeated.sort_unstable();
    let mut shown: Vec<String> = Vec::new();
    for &(first, row) in repeated.iter().take(3) {
        let id = ids[row as usize].trim();
        shown.push(format!("{id:?} in rows {} and {}", u64::from(first) + 1, u64::from(row) + 1));
    }
    let more = if repeated.len() > shown.len() { "; …" } else { "" };
    let rows =
        if repeated.len() == 1 { "1 row repeats".into() } else { format!("{} rows repeat", repeated.len()) };
    let what = format!(
        "{rows} the id of an earlier row ({}{more}), so rows cannot be matched by id: remove the repetitions, name another \
         id column with --id, or match by position",
        shown.join("; ")
    );
    Err(Error::at(Place::file(source).column(name), what))
}
