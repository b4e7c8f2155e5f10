//! Encodes a column of text as codes, numbered in order of first appearance.
//!
//! All threads work on it at once. Equal texts have equal hashes, so each thread handles its own share of the hashes,
//! and the codes come out the same with any number of threads.

use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use foldhash::fast::RandomState;
use rayon::prelude::*;

use crate::table::Values;
use crate::table::texts::{NONE, Seen};

/// With more rows than this, the work is split into several tasks.
const ROWS: usize = 1 << 14;

/// The hash of a text; 0 stands for a missing cell.
#[derive(Clone, Copy)]
pub(super) struct Hash(u64);

impl Hash {
    pub(super) fn new(hasher: &RandomState, text: Option<&[u8]>) -> Self {
        Hash(text.map_or(0, |text| hasher.hash_one(text) | 1))
    }
}

/// Encodes the column whose text in each row is `cell(row)`; `None` is a missing cell.
pub(super) fn encode<'a>(hashes: &[Hash], cell: impl Fn(usize) -> Option<&'a [u8]> + Sync) -> Values {
    let rows = hashes.len();
    // For each row, the first row with the same text. Equal texts fall into the same shard, and no two shards have a
    // row in common.
    let firsts: Vec<AtomicU32> = (0..rows).map(|_| AtomicU32::new(NONE)).collect();
    let shards = if rows > ROWS { rayon::current_num_threads() as u64 } else { 1 };
    (0..shards).into_par_iter().for_each(|shard| {
        let mut seen = Seen::default();
        for (row, &Hash(hash)) in hashes.iter().enumerate() {
            if hash == 0 || (hash >> 48) % shards != shard {
                continue;
            }
            let first = seen.first(row as u32, (hash >> 1) as u32, |other| cell(row) == cell(other as usize));
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
    let level = |&row: &u32| text(cell(row as usize).unwrap_or_default());
    let levels = starts.par_iter().with_min_len(ROWS / 16).map(level).collect();
    Values::Text { levels, codes }
}

/// The text of a cell. The whole file has been checked to be UTF-8, so nothing is replaced in practice.
fn text(cell: &[u8]) -> String {
    let text = str::from_utf8(cell).map(String::from);
    text.unwrap_or_else(|_| String::from_utf8_lossy(cell).into_owned())
}
