//! The labels of a set's last pass, in little memory, so that they can be kept for every restart.

use super::{CHUNK, NONE};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How many words the labels of a chunk take, at 8 bits each.
const WORDS: usize = CHUNK / 8;
const _: () = assert!(WORDS == 32, "one bit of a u32 for each word");

/// One label a row, of 8 or 32 bits, in words that several threads may write at the same time.
pub(super) struct Labels {
    words: Vec<AtomicU64>,
    /// Whether a label has 32 bits. 8 bits are enough for up to 255 clusters.
    wide: bool,
}

impl Labels {
    pub(super) fn none(rows: usize, k: usize) -> Self {
        let wide = k > usize::from(u8::MAX);
        let per_word = if wide { 2 } else { 8 };
        // Whole chunks are compared. The labels past the last row never change.
        let words = rows.next_multiple_of(CHUNK) / per_word;
        Labels { words: (0..words).map(|_| AtomicU64::new(u64::MAX)).collect(), wide }
    }

    pub(super) fn to_vec(&self, rows: usize) -> Vec<u32> {
        let mut out = Vec::with_capacity(rows + 8);
        for word in &self.words {
            let word = word.load(Relaxed);
            if self.wide {
                out.extend([word as u32, (word >> 32) as u32]);
            } else {
                out.extend(word.to_le_bytes().map(u32::from));
            }
        }
        out.truncate(rows);
        out
    }

    /// Stores the labels of a chunk's rows, and calls `moved(row of the chunk, old, new)` for each one that has changed.
    #[inline(always)]
    pub(super) fn replace(
        &self,
        start: usize,
        chosen: &[u32; CHUNK],
        mut moved: impl FnMut(usize, u32, u32),
    ) {
        if self.words.is_empty() {
            for (r, &new) in chosen.iter().enumerate().filter(|(_, new)| **new != NONE) {
                moved(r, NONE, new);
            }
        } else if self.wide {
            for (at, (new, word)) in
                chosen.as_chunks::<2>().0.iter().zip(&self.words[start / 2..]).enumerate()
            {
                let packed = u64::from(new[0]) | u64::from(new[1]) << 32;
                let old = word.load(Relaxed);
                if packed != old {
                    word.store(packed, Relaxed);
                    for (r, (old, &new)) in [old as u32, (old >> 32) as u32].into_iter().zip(new).enumerate()
                    {
                        if old != new {
                            moved(at * 2 + r, old, new);
                        }
                    }
                }
            }
        } else {
            // NONE becomes 255, which is not a label. All bytes are made first, because that compiles to vector code.
            let mut bytes = [0u8; CHUNK];
            for (byte, &label) in bytes.iter_mut().zip(chosen) {
                *byte = label as u8;
            }
            let words = &self.words[start / 8..][..WORDS];
            let mut packed = [0u64; WORDS];
            // A bit for each word that has changed, found without a branch that depends on the labels.
            let mut changed = 0u32;
            for (w, (new, word)) in bytes.as_chunks::<8>().0.iter().zip(words).enumerate() {
                packed[w] = u64::from_le_bytes(*new);
                changed |= u32::from(packed[w] != word.load(Relaxed)) << w;
            }
            while changed != 0 {
                let w = changed.trailing_zeros() as usize % WORDS;
                changed &= changed - 1;
                let (new, old) = (packed[w], words[w].load(Relaxed));
                words[w].store(new, Relaxed);
                let mut different = new ^ old;
                while different != 0 {
                    let r = different.trailing_zeros() / 8;
                    different &= !(0xff << (8 * r));
                    let [old, new] = [old, new].map(|labels| (labels >> (8 * r)) as u8);
                    let old = if old == u8::MAX { NONE } else { u32::from(old) };
                    moved(w * 8 + r as usize, old, u32::from(new));
                }
            }
        }
    }
}
