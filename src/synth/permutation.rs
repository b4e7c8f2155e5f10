//! A keyed shuffle of `0..n` that needs no memory.
//!
//! Each position is computed on its own, so threads can generate any rows of a table independently.

use crate::random::Stream;

/// A bijection of `0..n`: a balanced Feistel network over an even number of bits, applied repeatedly until the result
/// lies in `0..n` (Black and Rogaway, 2002).
#[derive(Debug, Clone)]
pub(super) struct Permutation {
    n: u64,
    half: u32,
    keys: [u64; 4],
}

impl Permutation {
    /// A permutation of `0..n` with keys from `stream`; `n` must be below 2^62.
    pub(super) fn new(n: u64, stream: &mut Stream) -> Self {
        let bits = u64::BITS - n.saturating_sub(1).leading_zeros();
        Permutation { n, half: bits.div_ceil(2).max(1), keys: std::array::from_fn(|_| stream.bits()) }
    }

    /// The position to which `i` is moved; `i` must be below `n`.
    pub(super) fn at(&self, i: u64) -> u64 {
        let mask = (1 << self.half) - 1;
        let mut x = i;
        loop {
            let (mut left, mut right) = (x >> self.half, x & mask);
            for key in self.keys {
                (left, right) = (right, left ^ (mix(right ^ key) & mask));
            }
            x = left << self.half | right;
            if x < self.n {
                return x;
            }
        }
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Draws, Purpose};

    #[test]
    fn hits_every_place_once() {
        for n in [1, 2, 3, 4, 5, 16, 17, 1000] {
            let p = Permutation::new(n, &mut Draws::new(7, Purpose::SynthTable).at(0));
            let mut seen: Vec<u64> = (0..n).map(|i| p.at(i)).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..n).collect::<Vec<_>>(), "n = {n}");
        }
    }
}
