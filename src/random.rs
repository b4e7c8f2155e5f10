//! Counter-based random numbers: each draw depends only on the seed, its purpose and an index.
//!
//! The order in which draws are requested does not matter, so results are the same with any number of threads, and a
//! new use of random numbers does not change the existing ones.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What random numbers are used for. Each purpose has random streams of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Initial centroids by k-means++; the index is `k << 32 | restart`.
    Seeding = 1,
    /// The sample of rows that k-means++ considers if there are too many to consider all.
    SeedingSample = 2,
    /// Hopkins statistic: which rows are probes.
    HopkinsRows = 3,
    /// Hopkins statistic: the uniform random probes, one stream per probe.
    HopkinsUniform = 4,
    /// The rows of which the silhouette is computed, if it is computed on a sample.
    SilhouetteSample = 5,
    /// Reference tables of the gap statistic; the index is `table << 32 | row`.
    GapReference = 6,
    /// Bootstrap samples of the stability of segments: the sampled rows, then one stream a sample.
    Stability = 7,
    /// The seeds of the KMeans that a Gaussian mixture's restarts begin with; the index is the restart.
    MixtureStart = 8,
    /// Which rows a segment's rule is learned from and which it is tested on.
    RuleParts = 12,
    /// The rows that the verdict on structure looks at.
    StructureSample = 32,
    /// Tables like the user's but without gaps; the index is the table.
    StructureTwin = 33,
    /// Tables of permuted columns; the index is the table.
    StructurePermutation = 34,
    /// Random halves of a table; the index is the split.
    StructureHalves = 35,
    /// What breaks ties of affinity propagation; the index is the point.
    AffinityTies = 40,
    /// The noise of the coordinates that a UMAP layout begins at; the index is the row.
    UmapStart = 41,
    /// The keys of the numbers that UMAP draws by counter; the index is what they are drawn for.
    UmapCounters = 42,
    /// The rows of which a layout's quality is computed, if there are many.
    EmbeddingSample = 50,
    /// The rows that a report draws as points; the index is the row.
    Picture = 51,
    /// Made-up tables; the index is the row.
    SynthRow = 16,
    /// Made-up tables: companies, one stream per company.
    SynthCompany = 17,
    /// Made-up tables: everything that is drawn once per table.
    SynthTable = 18,
    /// Made-up first days of users; the index is the row.
    SynthFirstDay = 19,
    /// Made-up answers to a survey; the index is the row.
    SynthSurvey = 20,
    /// Made-up sign-ups for a course; the index is the row.
    SynthEnthusiasts = 21,
}

/// The random streams of one seed and purpose.
#[derive(Debug, Clone)]
pub struct Draws {
    key: [u8; 32],
}

impl Draws {
    /// The streams of `purpose` under `seed`.
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
        Draws { key }
    }

    /// The stream with the number `index`. Each call starts it from the beginning.
    pub fn at(&self, index: u64) -> Stream {
        let mut rng = ChaCha8Rng::from_seed(self.key);
        rng.set_stream(index);
        Stream(rng)
    }
}

/// The uniform number in `[0, 1)` that 64 random bits stand for. It has 53 of them.
pub(crate) fn uniform(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// A sequence of random numbers.
#[derive(Debug, Clone)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// A uniform number in `[0, 1)` with 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        uniform(self.0.next_u64())
    }

    /// A uniform integer in `0..n`; `n` must not be 0. For `n` below 2^32 the bias is less than 2^-32 and can be
    /// ignored.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// A standard normal number (Box and Muller, 1958). It uses `libm`, so that every platform draws the same number.
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.uniform()));
        radius * libm::cos(2.0 * std::f64::consts::PI * self.uniform())
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// `m` distinct integers from `0..n` in increasing order (Floyd's algorithm). `m` must not exceed `n`.
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
