//! What a machine can do at most: how fast it reads memory, and how many multiply-adds it does. `segmenta bench` compares
//! the rates of the primitives with these ceilings. They are measured, not looked up. This file measures the CPU;
//! `Gpu::ceilings` measures an adapter in the same way.

use super::simd::{InstructionSet, Vectorized, multiply_add};
use pulp::Simd;
use rayon::prelude::*;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The best rates that a device reached while it did nothing else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ceilings {
    /// Bytes read from memory a second.
    pub read: f64,
    /// f32 operations a second, where a multiply-add counts as two.
    pub multiply_add: f64,
}

/// A measurement takes at least this long, so that the overhead of starting and stopping it hardly counts.
pub(crate) const LEAST: Duration = Duration::from_millis(20);

/// How many measurements are taken. The best one counts, because disturbances only make them slower.
pub(crate) const TIMES: usize = 5;

/// How many bytes are read: more than the caches hold.
const READ_BYTES: usize = 256 << 20;

/// Measures the CPU with this instruction set, on all threads of the rayon pool that it is called from. This takes about
/// half a second and 256 MiB.
pub fn cpu(set: InstructionSet) -> Ceilings {
    let values = vec![1f32; READ_BYTES / 4];
    let part = values.len().div_ceil(rayon::current_num_threads());
    let pass = || {
        let sums: Vec<f32> = values.par_chunks(part).map(|part| set.run(Read(part))).collect();
        black_box(sums);
    };
    let read = best_rate(|rounds| (0..rounds).for_each(|_| pass())) * READ_BYTES as f64;
    drop(values);
    let mut operations = 0;
    let adds = best_rate(|rounds| {
        let done = rayon::broadcast(|_| match set {
            InstructionSet::Avx512 | InstructionSet::Neon => set.run(MultiplyAdd::<24> { rounds }),
            _ => set.run(MultiplyAdd::<12> { rounds }),
        });
        operations = done.iter().sum::<u64>() / rounds;
    });
    Ceilings { read, multiply_add: adds * operations as f64 }
}

/// The best rate, in rounds a second, of `work`, which does as many rounds as it is told.
fn best_rate(mut work: impl FnMut(u64)) -> f64 {
    let mut seconds = |rounds| {
        let start = Instant::now();
        work(rounds);
        start.elapsed()
    };
    let mut rounds = 1;
    while seconds(rounds) < LEAST && rounds < 1 << 40 {
        rounds *= 2;
    }
    let best = (0..TIMES).map(|_| seconds(rounds)).min().unwrap_or(LEAST);
    rounds as f64 / best.as_secs_f64().max(1e-9)
}

struct Read<'a>(&'a [f32]);

impl Vectorized for Read<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) -> f32 {
        let mut sums = [simd.splat_f32s(0.0); 8];
        for vectors in S::as_simd_f32s(self.0).0.as_chunks::<8>().0 {
            for (sum, &vector) in sums.iter_mut().zip(vectors) {
                *sum = simd.add_f32s(*sum, vector);
            }
        }
        sums.into_iter()
            .map(
                #[inline(always)]
                |sum| simd.reduce_sum_f32s(sum),
            )
            .sum()
    }
}

/// `CHAINS` sums that do not depend on each other: enough of them to hide the latency of an instruction, and no more than
/// there are registers.
struct MultiplyAdd<const CHAINS: usize> {
    rounds: u64,
}

impl<const CHAINS: usize> Vectorized for MultiplyAdd<CHAINS> {
    /// The number of operations done.
    type Output = u64;

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) -> u64 {
        const STEPS: u64 = 1024;
        let (by, plus) = (simd.splat_f32s(black_box(0.5)), simd.splat_f32s(black_box(1.0)));
        let mut sums = [simd.splat_f32s(black_box(1.0)); CHAINS];
        for _ in 0..self.rounds * STEPS {
            for sum in &mut sums {
                *sum = multiply_add(simd, *sum, by, plus);
            }
        }
        for sum in sums {
            black_box(simd.reduce_sum_f32s(sum));
        }
        self.rounds * STEPS * (2 * CHAINS * S::F32_LANES) as u64
    }
}
