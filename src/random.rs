//! Counter-based random draws: each depends on (seed, purpose, index) alone, never on who asks first.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What draws are for; each purpose has streams of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// The k-means++ starts; the index is `k << 32 | restart`.
    Seeding = 1,
    /// The rows that seeding looks at where there are too many to look at all.
    SeedingSample = 2,
    /// Hopkins: which rows are probes.
    HopkinsRows = 3,
    /// Hopkins: the uniform probes, one stream each.
    HopkinsUniform = 4,
    /// The rows a silhouette is computed on where a sample is asked for.
    SilhouetteSample = 5,
    /// Made tables; the index is the row.
    SynthRow = 16,
    /// Made tables: companies, one stream each.
    SynthCompany = 17,
    /// Made tables: everything that is drawn once.
    SynthTable = 18,
    /// What users do on their first day; the index is the row.
    SynthFirstDay = 19,
    /// The answers to a survey; the index is the row.
    SynthSurvey = 20,
    /// Who signs up for a course; the index is the row.
    SynthEnthusiasts = 21,
}

/// The draws of one (seed, purpose).
#[derive(Debug, Clone)]
pub struct Draws {
    key: [u8; 32],
}

impl Draws {
    /// All draws of `purpose` under `seed`.
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
        Draws { key }
    }

    /// The stream of item `index`.
    pub fn at(&self, index: u64) -> Stream {
        let mut rng = ChaCha8Rng::from_seed(self.key);
        rng.set_stream(index);
        Stream(rng)
    }
}

/// One item's sequence of draws.
#[derive(Debug, Clone)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// Uniform in `[0, 1)`, 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in `0..n`, without bias that anyone could see (`n` below 2^32: under 2^-32). `n` must not be 0.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// Standard normal (Box and Muller, 1958), through `libm` so that every platform draws the same.
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.uniform()));
        radius * libm::cos(2.0 * std::f64::consts::PI * self.uniform())
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// `m` distinct numbers of `0..n` in increasing order (Floyd's method). `m` must not exceed `n`.
    pub fn sample(&mut self, m: usize, n: usize) -> Vec<usize> {
        let mut taken = std::collections::BTreeSet::new();
        for top in n - m..n {
            let t = self.below(top as u64 + 1) as usize;
            if !taken.insert(t) {
                taken.insert(top);
            }
        }
        taken.into_iter().collect()
    }
}
