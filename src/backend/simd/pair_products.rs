//! Products of whole numbers of 16 bits, two to a word, which pulp's common interface does not have.

use pulp::Simd;

/// An instruction set that multiplies pairs of 16-bit numbers.
pub(crate) trait PairProducts: Simd {
    /// For each word `sum + a0 * b0 + a1 * b1` modulo 2^32, where `a0` and `a1` are the lower and the upper half of `a` as
    /// signed numbers.
    fn add_pair_products(self, sum: Self::u32s, a: Self::u32s, b: Self::u32s) -> Self::u32s;
}

#[cfg(target_arch = "x86_64")]
impl PairProducts for pulp::x86::V4 {
    #[inline(always)]
    fn add_pair_products(self, sum: Self::u32s, a: Self::u32s, b: Self::u32s) -> Self::u32s {
        self.add_u32s(sum, pulp::cast(self.avx512bw._mm512_madd_epi16(pulp::cast(a), pulp::cast(b))))
    }
}

#[cfg(target_arch = "x86_64")]
impl PairProducts for pulp::x86::V3 {
    #[inline(always)]
    fn add_pair_products(self, sum: Self::u32s, a: Self::u32s, b: Self::u32s) -> Self::u32s {
        self.add_u32s(sum, pulp::cast(self.avx2._mm256_madd_epi16(pulp::cast(a), pulp::cast(b))))
    }
}

#[cfg(target_arch = "aarch64")]
impl PairProducts for pulp::aarch64::Neon {
    #[inline(always)]
    fn add_pair_products(self, sum: Self::u32s, a: Self::u32s, b: Self::u32s) -> Self::u32s {
        add_pair_products(sum, a, b)
    }
}

impl PairProducts for pulp::Scalar128b {
    #[inline(always)]
    fn add_pair_products(self, sum: Self::u32s, a: Self::u32s, b: Self::u32s) -> Self::u32s {
        add_pair_products(sum, a, b)
    }
}

/// [`PairProducts::add_pair_products`] without any particular instruction, for vectors of four words.
#[inline(always)]
fn add_pair_products(sum: pulp::u32x4, a: pulp::u32x4, b: pulp::u32x4) -> pulp::u32x4 {
    let [sum, a, b]: [[u32; 4]; 3] = [pulp::cast(sum), pulp::cast(a), pulp::cast(b)];
    let low = |word: u32| i32::from(word as i16);
    let high = |word: u32| word as i32 >> 16;
    let word = |i: usize| {
        let products = (low(a[i]) * low(b[i])).wrapping_add(high(a[i]) * high(b[i]));
        sum[i].wrapping_add(products as u32)
    };
    pulp::cast([word(0), word(1), word(2), word(3)])
}
