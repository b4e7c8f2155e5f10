//! Rows of bits side by side, and the counts of the bits that queries share with them.

use crate::backend::simd::{InstructionSet, PairProducts, Vectorized};
use crate::matrix::BinaryMatrix;
use rayon::prelude::*;

/// Rows of a tile: the words of one vector of AVX-512.
pub(super) const TILE: usize = 16;

/// Queries that go past a tile together.
pub(super) const TOGETHER: usize = 4;

/// Rows in tiles. The last tile is padded with rows without ones.
pub(super) struct Tiles {
    /// How many rows there are without the padding.
    pub(super) rows: usize,
    /// Words of a row.
    width: usize,
    /// Word `w` of the rows of tile `t` is `words[t * width + w]`.
    words: Vec<[u32; TILE]>,
    /// For each tile how many ones its rows have.
    ones: Vec<[u32; TILE]>,
}

impl Tiles {
    /// Tiles of `rows` rows of a table; `row_at` says which one is at a place.
    pub(super) fn new(table: &BinaryMatrix, rows: usize, row_at: impl Fn(usize) -> usize + Sync) -> Self {
        let (width, count) = (table.width(), rows.div_ceil(TILE));
        let mut words = vec![[0; TILE]; count * width];
        let mut ones = vec![[0; TILE]; count];
        words.par_chunks_mut(width).zip(&mut ones).enumerate().for_each(|(t, (words, ones))| {
            for (lane, at) in (t * TILE..rows.min((t + 1) * TILE)).enumerate() {
                let row = row_at(at);
                words.iter_mut().zip(table.row(row)).for_each(|(tile, word)| tile[lane] = *word);
                ones[lane] = table.ones(row);
            }
        });
        Tiles { rows, width, words, ones }
    }

    /// How many tiles there are.
    pub(super) fn count(&self) -> usize {
        self.ones.len()
    }

    /// Bytes of a tile.
    pub(super) fn tile_bytes(&self) -> usize {
        4 * TILE * (self.width + 1)
    }

    /// The numbers of ones of a tile's rows.
    #[inline(always)]
    pub(super) fn ones(&self, tile: usize) -> &[u32; TILE] {
        &self.ones[tile]
    }

    /// For each of a group of queries and each row of a tile, how many ones they share. With `BYTES` the ones of bytes are
    /// counted first: the compiler's vectors then look them up in a table, where no instruction counts those of a word.
    #[inline(always)]
    pub(super) fn shared<const BYTES: bool>(
        &self,
        tile: usize,
        queries: &[[u32; TOGETHER]],
    ) -> [[u32; TILE]; TOGETHER] {
        let words = &self.words[tile * self.width..][..self.width];
        // An array for each query, and loops over its lanes alone, are what the compiler keeps in vectors.
        let (mut a, mut b, mut c, mut d) = ([0; TILE], [0; TILE], [0; TILE], [0; TILE]);
        if !BYTES {
            for (words, query) in words.iter().zip(queries) {
                add(&mut a, words, query[0]);
                add(&mut b, words, query[1]);
                add(&mut c, words, query[2]);
                add(&mut d, words, query[3]);
            }
            return [a, b, c, d];
        }
        for (words, queries) in words.chunks(WORDS_OF_BYTES).zip(queries.chunks(WORDS_OF_BYTES)) {
            let (mut e, mut f, mut g, mut h) =
                ([0; BYTES_OF_A_TILE], [0; BYTES_OF_A_TILE], [0; BYTES_OF_A_TILE], [0; BYTES_OF_A_TILE]);
            for (words, query) in words.iter().zip(queries) {
                add_bytes(&mut e, words, query[0]);
                add_bytes(&mut f, words, query[1]);
                add_bytes(&mut g, words, query[2]);
                add_bytes(&mut h, words, query[3]);
            }
            widen(&mut a, e);
            widen(&mut b, f);
            widen(&mut c, g);
            widen(&mut d, h);
        }
        [a, b, c, d]
    }
}

/// Bytes of a word of each row of a tile.
const BYTES_OF_A_TILE: usize = 4 * TILE;

/// A byte counts the ones of so many bytes without overflow.
const WORDS_OF_BYTES: usize = 31;

#[inline(always)]
fn add(counts: &mut [u32; TILE], words: &[u32; TILE], query: u32) {
    for (count, word) in counts.iter_mut().zip(words) {
        *count += (word & query).count_ones();
    }
}

#[inline(always)]
fn add_bytes(counts: &mut [u8; BYTES_OF_A_TILE], words: &[u32; TILE], query: u32) {
    let bytes: [u8; BYTES_OF_A_TILE] = bytemuck::cast(words.map(|word| word & query));
    for (count, byte) in counts.iter_mut().zip(bytes) {
        *count += byte.count_ones() as u8;
    }
}

#[inline(always)]
fn widen(counts: &mut [u32; TILE], bytes: [u8; BYTES_OF_A_TILE]) {
    let words: [u32; TILE] = bytemuck::cast(bytes);
    for (count, word) in counts.iter_mut().zip(words) {
        *count += (word & 0xff) + (word >> 8 & 0xff) + (word >> 16 & 0xff) + (word >> 24);
    }
}

/// Some rows as queries, in groups of [`TOGETHER`] with the words of a group side by side. The last group is padded with
/// rows without ones.
pub(super) fn grouped(
    table: &BinaryMatrix,
    rows: impl ExactSizeIterator<Item = usize>,
) -> Vec<[u32; TOGETHER]> {
    let width = table.width();
    let mut words = vec![[0; TOGETHER]; rows.len().div_ceil(TOGETHER) * width];
    for (at, row) in rows.enumerate() {
        let group = &mut words[at / TOGETHER * width..][..width];
        group.iter_mut().zip(table.row(row)).for_each(|(group, word)| group[at % TOGETHER] = *word);
    }
    words
}

/// Code that counts bits. It is compiled for each instruction set, so `run` must be `#[inline(always)]`.
/// It hands `BYTES` on to [`Tiles::shared`].
pub(super) trait Counting {
    type Output;
    fn run<const BYTES: bool>(self) -> Self::Output;
}

/// Runs `code` with an instruction set.
pub(super) fn run<K: Counting>(set: InstructionSet, code: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if set == InstructionSet::Avx512 && set.available() && vpopcnt::available() {
        return vpopcnt::run(code);
    }
    struct Plain<K>(K);
    impl<K: Counting> Vectorized for Plain<K> {
        type Output = K::Output;
        #[inline(always)]
        fn run<S: PairProducts, const V: usize>(self, _: S) -> K::Output {
            self.0.run::<true>()
        }
    }
    set.run(Plain(code))
}

/// AVX-512 with its instruction that counts the bits of 16 words, which pulp's instruction set does not have.
#[cfg(target_arch = "x86_64")]
mod vpopcnt {
    use super::Counting;

    /// Whether this machine has everything that [`compiled`] is compiled for.
    pub(super) fn available() -> bool {
        std::arch::is_x86_feature_detected!("avx512vpopcntdq")
            && std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512bw")
            && std::arch::is_x86_feature_detected!("avx512dq")
            && std::arch::is_x86_feature_detected!("avx512vl")
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq")]
    fn compiled<K: Counting>(code: K) -> K::Output {
        code.run::<false>()
    }

    /// Runs code on a machine for which [`available`] holds; elsewhere the program would end, so it is asked again.
    #[allow(unsafe_code)]
    pub(super) fn run<K: Counting>(code: K) -> K::Output {
        if !available() {
            return code.run::<true>();
        }
        // SAFETY: the machine has the instructions that the function is compiled for, which is all that the call requires.
        // The function itself is safe code.
        unsafe { compiled(code) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Count<'a>(&'a Tiles, &'a [[u32; TOGETHER]]);

    impl Counting for Count<'_> {
        type Output = Vec<[[u32; TILE]; TOGETHER]>;
        #[inline(always)]
        fn run<const BYTES: bool>(self) -> Self::Output {
            (0..self.0.count()).map(|t| self.0.shared::<BYTES>(t, self.1)).collect()
        }
    }

    #[test]
    fn every_instruction_set_counts_bits() {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(0x915f_77f5).wrapping_add(12345);
            state ^ state >> 15
        };
        let table = BinaryMatrix::from_words(37, 96, (0..37 * 3).map(|_| next()).collect()).unwrap();
        let tiles = Tiles::new(&table, 37, |at| 36 - at);
        let queries = grouped(&table, [5usize, 7, 36].into_iter());
        for set in InstructionSet::ALL.into_iter().filter(|set| set.available()) {
            let counted = run(set, Count(&tiles, &queries));
            for at in 0..48 {
                for (q, query) in [5, 7, 36].into_iter().enumerate() {
                    let mut both = 0;
                    for j in 0..96 {
                        let has = |row: usize| table.row(row)[j / 32] >> (j % 32) & 1 == 1;
                        both += u32::from(at < 37 && has(36 - at) && has(query));
                    }
                    assert_eq!(counted[at / TILE][q][at % TILE], both, "{set}, place {at}, query {query}");
                }
                assert_eq!(counted[at / TILE][3][at % TILE], 0);
            }
        }
    }
}
