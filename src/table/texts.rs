//! Distinct texts, numbered as they come.

#[cfg(feature = "parquet")]
use {super::Values, foldhash::fast::RandomState, std::hash::BuildHasher as _};

/// Stands for no number.
pub(super) const NONE: u32 = u32::MAX;

/// A hash table that knows texts by a number alone; whoever asks compares the texts.
#[derive(Default)]
pub(super) struct Seen {
    /// Hash and number; how many slots there are is a power of two, and at most half of them are taken.
    slots: Vec<(u32, u32)>,
    taken: usize,
}

impl Seen {
    /// The number of an equal text that came before, or else `number`, which is this text's from now on; `same`
    /// compares with an earlier text.
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

    /// The slot that has the text, or the free one where it belongs.
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

/// A column of texts that grows.
#[cfg(feature = "parquet")]
#[derive(Default)]
pub(super) struct Texts {
    levels: Vec<String>,
    codes: Vec<Option<u32>>,
    seen: Seen,
    hasher: RandomState,
    /// What the levels take.
    bytes: u64,
}

#[cfg(feature = "parquet")]
impl Texts {
    /// Adds a row.
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

    /// Adds all rows of another column.
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

    /// What the levels take, counting their places in the hash table.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes the memory for so many rows.
    pub(super) fn try_reserve(&mut self, rows: usize) -> Result<(), std::collections::TryReserveError> {
        self.codes.try_reserve_exact(rows)
    }

    fn push_level(&mut self, level: String) {
        self.bytes += (level.len() + size_of::<String>() + 32) as u64;
        self.levels.push(level);
    }

    /// A text's number; one that is new is the next, and its level is still to be pushed.
    fn code(&mut self, text: &str) -> u32 {
        let hash = self.hasher.hash_one(text) as u32;
        self.seen.first(self.levels.len() as u32, hash, |other| self.levels[other as usize] == text)
    }

    /// The column.
    pub(super) fn finish(self) -> Values {
        let rows = self.codes.len();
        if self.levels.is_empty() {
            Values::Empty(rows)
        } else {
            Values::Text { levels: self.levels, codes: self.codes }
        }
    }
}
