//! Vector instructions: which ones a machine has, and how code is compiled for each of them.
//!
//! The CPU backend and the host's share of the work for any device ([`super::host`]) are built on this module. Nothing
//! outside it and them uses vector instructions.

pub(super) mod block;
mod pair_products;

pub(crate) use pair_products::PairProducts;
use pulp::Simd;
use std::fmt;

/// An instruction set that the code is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstructionSet {
    /// x86-64 with AVX-512 (F, BW, CD, DQ, VL).
    Avx512,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// AArch64.
    Neon,
    /// Any machine; the compiler's own vectors.
    Portable,
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InstructionSet::Avx512 => "AVX-512",
            InstructionSet::Avx2 => "AVX2",
            InstructionSet::Neon => "NEON",
            InstructionSet::Portable => "portable code",
        })
    }
}

impl Default for InstructionSet {
    fn default() -> Self {
        InstructionSet::detect()
    }
}

impl InstructionSet {
    /// All that this crate has code for, the widest first.
    pub const ALL: [InstructionSet; 4] =
        [InstructionSet::Avx512, InstructionSet::Avx2, InstructionSet::Neon, InstructionSet::Portable];

    /// The widest one that this machine has.
    pub fn detect() -> Self {
        Self::ALL.into_iter().find(|s| s.available()).unwrap_or(InstructionSet::Portable)
    }

    /// Whether this machine has it.
    pub fn available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => pulp::x86::V4::try_new().is_some(),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => pulp::x86::V3::try_new().is_some(),
            #[cfg(target_arch = "aarch64")]
            InstructionSet::Neon => pulp::aarch64::Neon::try_new().is_some(),
            InstructionSet::Portable => true,
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }

    /// Runs `code` with the vectors of this instruction set. A group has as many vectors of rows as the registers hold.
    /// A machine that lacks the instruction set runs the portable code.
    pub(crate) fn run<K: Vectorized>(self, code: K) -> K::Output {
        /// `code` with an instruction set, which is compiled for it where pulp calls `with_simd`.
        struct With<K, I, const V: usize>(K, I);
        impl<K: Vectorized, I: PairProducts, const V: usize> pulp::WithSimd for With<K, I, V> {
            type Output = K::Output;
            #[inline(always)]
            fn with_simd<S: Simd>(self, _: S) -> K::Output {
                self.0.run::<I, V>(self.1)
            }
        }
        match self {
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => {
                if let Some(simd) = pulp::x86::V4::try_new() {
                    return Simd::vectorize(simd, With::<K, _, 4>(code, simd));
                }
            }
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => {
                if let Some(simd) = pulp::x86::V3::try_new() {
                    return Simd::vectorize(simd, With::<K, _, 2>(code, simd));
                }
            }
            #[cfg(target_arch = "aarch64")]
            InstructionSet::Neon => {
                if let Some(simd) = pulp::aarch64::Neon::try_new() {
                    return Simd::vectorize(simd, With::<K, _, 4>(code, simd));
                }
            }
            _ => {}
        }
        Simd::vectorize(pulp::Scalar128b, With::<K, _, 4>(code, pulp::Scalar128b))
    }
}

/// Code that is compiled once for each instruction set, with `V` vectors of rows in a group.
///
/// `run` and every closure in it must be `#[inline(always)]`: a function that is not inlined is compiled without the
/// instruction set, and each vector instruction in it becomes a call.
pub(crate) trait Vectorized {
    type Output;
    fn run<S: PairProducts, const V: usize>(self, simd: S) -> Self::Output;
}

/// `a * b + c`, as one instruction where the machine has it. Elsewhere a fused one would be a library call for each number,
/// which is many times slower.
#[inline(always)]
pub(crate) fn multiply_add<S: Simd>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
    if cfg!(target_arch = "x86_64") && S::F32_LANES == 4 {
        simd.add_f32s(simd.mul_f32s(a, b), c)
    } else {
        simd.mul_add_e_f32s(a, b, c)
    }
}

/// `c - a * b`, as [`multiply_add`] does it.
#[inline(always)]
pub(crate) fn subtract_product<S: Simd>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
    if cfg!(target_arch = "x86_64") && S::F32_LANES == 4 {
        simd.sub_f32s(c, simd.mul_f32s(a, b))
    } else {
        simd.negate_mul_add_e_f32s(a, b, c)
    }
}
