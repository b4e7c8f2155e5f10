//! Random numbers by counter, for what is drawn too often for a stream of its own.

use crate::random::{Draws, Purpose};

/// Numbers that depend on a seed and on what they are drawn for, and on nothing else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counter(u64);

/// What the numbers are drawn for.
#[derive(Debug, Clone, Copy)]
#[repr(u64)]
pub(super) enum Use {
    /// When an edge of the graph pulls for the first time.
    Phases = 1,
    /// The points that push in the layout.
    Negatives = 2,
    /// The points that push new rows.
    NewRows = 3,
    /// The vectors that the eigenvectors are searched from.
    Vectors = 4,
    /// Places where nothing tells a better one.
    Places = 5,
}

impl Counter {
    pub fn new(seed: u64, what: Use) -> Self {
        Counter(Draws::new(seed, Purpose::UmapCounters).at(what as u64).bits())
    }

    /// The numbers with the number `index`.
    pub fn at(self, index: u64) -> Counter {
        Counter(mix(self.0.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15))))
    }

    /// 64 random bits: the number `number` of these.
    pub fn bits(self, number: u64) -> u64 {
        mix(self.0 ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03))
    }

    /// Five of `n` things: those with the number `index`. `n` must be below 2^32.
    #[inline(always)]
    pub fn five(self, index: u64, n: u64) -> [u32; 5] {
        let own = self.0.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (a, b, c) = (mix(own), mix(own ^ 0xd1b5_4a32_d192_ed03), mix(own ^ 0x8cb9_2ba7_2f3d_8dd7));
        let below = |bits: u64| (((bits & 0xffff_ffff) * n) >> 32) as u32;
        [below(a), below(a >> 32), below(b), below(b >> 32), below(c)]
    }

    /// A uniform number in `[-1, 1)`.
    pub fn symmetric(self, number: u64) -> f64 {
        2.0 * crate::random::uniform(self.bits(number)) - 1.0
    }
}

/// Mixes 64 bits so that each depends on all (the finalizer of `SplitMix64`: Steele, Lea and Flood, 2014).
#[inline(always)]
fn mix(mut z: u64) -> u64 {
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}
