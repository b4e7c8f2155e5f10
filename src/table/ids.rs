//! Checks that ids identify the rows: every row has one, and no two rows have the same.
//!
//! A violation is not an error, because the clustering does not depend on ids; the user gets a note.

use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use rayon::prelude::*;

/// The most ids that a note shows, and the most places of each.
const SHOWN: usize = 3;

/// A note about empty or repeated ids, if there are any. `place(row)` is the number under which the user finds the row,
/// and `unit` says what it counts: `line` or `row`.
pub(super) fn note(name: &str, ids: &[String], unit: &str, place: impl Fn(usize) -> u64) -> Option<String> {
    let is_empty = |row: usize| ids[row].trim().is_empty();
    let empty: Vec<usize> = (0..ids.len()).filter(|&row| is_empty(row)).collect();
    let repeated = repeated(ids);
    let places = |rows: &[usize]| {
        let shown: Vec<String> = rows.iter().take(SHOWN).map(|&row| place(row).to_string()).collect();
        let more = if rows.len() > SHOWN { ", …" } else { "" };
        format!("{unit}{} {}{more}", if rows.len() == 1 { "" } else { "s" }, shown.join(", "))
    };
    let mut parts = Vec::new();
    if !repeated.is_empty() {
        let shown: Vec<String> = (repeated.iter().take(SHOWN))
            .map(|rows| format!("{:?} on {}", ids[rows[0]], places(rows)))
            .collect();
        let more = if repeated.len() > SHOWN { "; …" } else { "" };
        let (count, is) = if repeated.len() == 1 { ("1 id", "is") } else { ("", "are") };
        let count = if count.is_empty() { format!("{} ids", repeated.len()) } else { count.to_string() };
        parts.push(format!("{count} {is} used twice or more ({}{more})", shown.join("; ")));
    }
    if !empty.is_empty() {
        let rows = if empty.len() == 1 { "1 row is".into() } else { format!("{} rows are", empty.len()) };
        parts.push(format!("{rows} without an id ({})", places(&empty)));
    }
    (!parts.is_empty()).then(|| format!("id column {name}: {}", parts.join(", and ")))
}

/// The groups of rows that share an id, ordered by the first row of each group. Empty ids are not included.
fn repeated(ids: &[String]) -> Vec<Vec<usize>> {
    let hasher = RandomState::default();
    let mut hashes: Vec<(u64, u32)> =
        ids.par_iter().enumerate().map(|(row, id)| (hasher.hash_one(id), row as u32)).collect();
    hashes.par_sort_unstable();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for same in hashes.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
        // Different ids may have the same hash, so compare the ids themselves.
        let mut of_hash: Vec<Vec<usize>> = Vec::new();
        for row in same.iter().map(|(_, row)| *row as usize) {
            match of_hash.iter_mut().find(|rows| ids[rows[0]] == ids[row]) {
                Some(rows) => rows.push(row),
                None => of_hash.push(vec![row]),
            }
        }
        groups.extend(of_hash.into_iter().filter(|rows| rows.len() > 1 && !ids[rows[0]].trim().is_empty()));
    }
    groups.sort_unstable_by_key(|rows| rows[0]);
    groups
}
