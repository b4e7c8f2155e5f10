//! Numbers distinct texts in the order in which they appear.
//!
//! This is how a text column is stored: each distinct text once, and one number per row.

#[cfg(feature = "parquet")]
use {super::Values, foldhash::fast::RandomState, std::hash::BuildHasher as _};

/// Marks the absence of a number.
pub(super) const NONE: u32 = u32::MAX;

/// A hash table of texts that stores only their hashes and numbers. The texts are kept elsewhere; the caller compares
/// them.
#[derive(Default)]
pub(super) struct Seen {
    /// Pairs of hash and number. The number of slots is a power of two, and at most half of them are in use.
    slots: Vec<(u32, u32)>,
    taken: usize,
}

impl Seen {
    /// Returns the number of an equal text that was entered before. If there is none, enters this text as `number` and
    /// returns `number`. `same(other)` compares this text with the text numbered `other`.
    pub(super) fn first(&mut self, number: u32, hash: u32, same: impl Fn(u32) -> bool) -> u32 {
        if self.taken * 2 >= self.slots.len() {
            self.grow();
        }
        let slot = self.find(hash, same);
        if self.slots[slot].1 == NONE {
            self.slots[slot] = (hash, number);
            self.taken += 1;
        }
        self.slots[slot].1
    }

    /// The slot that contains the text, or the free slot where it belongs.
    fn find(&self, hash: u32, same: impl Fn(u32) -> bool) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let (other, number) = self.slots[slot];
            if number == NONE || other == hash && same(number) {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let larger = vec![(0, NONE); (self.slots.len() * 4).max(64)];
        let old = std::mem::replace(&mut self.slots, larger);
        for (hash, number) in old.into_iter().filter(|&(_, number)| number != NONE) {
            let slot = self.find(hash, |_| false);
            self.slots[slot] = (hash, number);
        }
    }
}

/// A column of text under construction.
#[cfg(feature = "parquet")]
#[derive(Default)]
pub(super) struct Texts {
    levels: Vec<String>,
    codes: Vec<Option<u32>>,
    seen: Seen,
    hasher: RandomState,
    /// The memory of the levels in bytes.
    bytes: u64,
}

#[cfg(feature = "parquet")]
impl Texts {
    /// Appends a row; `None` is a missing cell.
    pub(super) fn push(&mut self, text: Option<&str>) {
        let code = text.map(|text| {
            let code = self.code(text);
            if code as usize == self.levels.len() {
                self.push_level(text.to_string());
            }
            code
        });
        self.codes.push(code);
    }

    /// Appends all rows of another column.
    pub(super) fn append(&mut self, other: Texts) {
        let codes: Vec<u32> = (other.levels.into_iter())
            .map(|level| {
                let code = self.code(&level);
                if code as usize == self.levels.len() {
                    self.push_level(level);
                }
                code
            })
            .collect();
        self.codes.extend(other.codes.into_iter().map(|code| code.map(|code| codes[code as usize])));
    }

    /// The memory of the levels in bytes, including their slots in the hash table.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Allocates the memory for `rows` rows in advance.
    pub(super) fn try_reserve(&mut self, rows: usize) -> Result<(), std::collections::TryReserveError> {
        self.codes.try_reserve_exact(rows)
    }

    fn push_level(&mut self, level: String) {
        self.bytes += (level.len() + size_of::<String>() + 32) as u64;
        self.levels.push(level);
    }

    /// The number of a text. A new text gets the next number; the caller must then push its level.
    fn code(&mut self, text: &str) -> u32 {
        let hash = self.hasher.hash_one(text) as u32;
        self.seen.first(self.levels.len() as u32, hash, |other| self.levels[other as usize] == text)
    }

    /// Completes the column.
    pub(super) fn finish(self) -> Values {
        let rows = self.codes.len();
        if self.levels.is_empty() {
            Values::Empty(rows)
        } else {
            Values::Text { levels: self.levels, codes: self.codes }
        }
    }
}
