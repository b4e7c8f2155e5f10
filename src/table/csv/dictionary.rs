//! A column of texts as codes, in order of first appearance, by all threads at once.

use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use foldhash::fast::RandomState;
use rayon::prelude::*;

use crate::table::Values;
use crate::table::texts::{NONE, Seen};

/// Rows of one task.
const ROWS: usize = 1 << 14;

/// The column whose cell in each row is `cell(row)`; `None` is missing.
pub(super) fn encode<'a>(rows: usize, cell: impl Fn(usize) -> Option<&'a [u8]> + Sync) -> Values {
    let hasher = RandomState::default();
    let hash = |row| cell(row).map(|text| hasher.hash_one(text));
    let hashes: Vec<Option<u64>> = (0..rows).into_par_iter().with_min_len(ROWS).map(hash).collect();
    // For each row the first with the same text. Equal texts meet in one shard; shards share no row.
    let firsts: Vec<AtomicU32> = (0..rows).map(|_| AtomicU32::new(NONE)).collect();
    let shards = if rows > ROWS { rayon::current_num_threads() as u64 } else { 1 };
    (0..shards).into_par_iter().for_each(|shard| {
        let mut seen = Seen::default();
        for (row, &hash) in hashes.iter().enumerate() {
            let Some(hash) = hash.filter(|h| (h >> 48) % shards == shard) else { continue };
            let first = seen.first(row as u32, hash as u32, |other| cell(row) == cell(other as usize));
            firsts[row].store(first, Relaxed);
        }
    });
    let mut starts: Vec<u32> = Vec::new();
    let mut codes: Vec<Option<u32>> = Vec::with_capacity(rows);
    for (row, first) in firsts.into_iter().enumerate() {
        let code = match first.into_inner() {
            NONE => None,
            first if first as usize == row => {
                starts.push(first);
                Some(starts.len() as u32 - 1)
            }
            first => codes[first as usize],
        };
        codes.push(code);
    }
    if starts.is_empty() {
        return Values::Empty(rows);
    }
    let level = |&row: &u32| String::from_utf8_lossy(cell(row as usize).unwrap_or_default()).into_owned();
    let levels = starts.par_iter().with_min_len(ROWS / 16).map(level).collect();
    Values::Text { levels, codes }
}
