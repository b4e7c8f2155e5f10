//! One pass of expectation and maximisation over a table's rows, for any number of Gaussian mixtures at once.
//!
//! All of it is f64, and the same bits on every device, with every instruction set and for any number of threads: nothing is
//! fused, each row has its own lane while its densities are computed, and sums go over eight lanes whatever the width of a
//! vector. The lanes of a block of rows are added up at its end, and the blocks' sums in their order.

mod elementary;
mod pass;

use crate::backend::simd::InstructionSet;
use crate::error::Result;
use crate::matrix::{BLOCK, Matrix, Repeats, TILE};
use pass::{Pass, Scratch, Task};
use rayon::prelude::*;

/// Rows that are worked on at once, so that their values stay in the fastest cache.
const GROUP: usize = 128;
/// Lanes of the sums.
const LANES: usize = 8;

/// A mixture as a pass needs it: densities that can be evaluated at once. In the user's units.
#[derive(Debug, Clone)]
pub(crate) struct Gaussians {
    features: usize,
    /// For each component its mean.
    means: Vec<f64>,
    factors: Factors,
    /// For each component the logarithm of its weight and of its density's factor.
    constants: Vec<f64>,
    /// Which sums a pass collects.
    moments: Moments,
}

/// What turns the deviation from a component's mean into independent standard deviations.
#[derive(Debug, Clone)]
enum Factors {
    /// An upper triangular matrix for each component, or one for all, two columns at a time: for each pair of columns the rows
    /// from the first down to the pair's last.
    Triangular { values: Vec<[f64; 2]>, shared: bool },
    /// For each component and feature the reciprocal of the standard deviation.
    Diagonal(Vec<f64>),
}

/// Which sums a pass collects beside the log-likelihood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moments {
    /// None.
    None,
    /// Responsibilities, and deviations from the means.
    First,
    /// Also their squares.
    Squares,
    /// Also all their products.
    Products,
}

/// The sums of one mixture over all rows. Deviations are those from the means that the pass was given.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sums {
    /// The sum over the rows of the logarithm of the mixture's density.
    pub(crate) log_likelihood: f64,
    /// For each component the sum of its responsibilities.
    pub(crate) weights: Vec<f64>,
    /// For each component and feature the sum of the deviations, each times the responsibility.
    pub(crate) first: Vec<f64>,
    /// For each component the sums of their squares or products, as [`Moments`] says. Products lie row by row in the lower
    /// triangle of a square.
    pub(crate) second: Vec<f64>,
}

/// The rows that a mixture learns from: each distinct row once, with the number of its copies.
#[derive(Clone, Copy)]
pub(crate) struct Learned<'a> {
    matrix: &'a Matrix,
    repeats: &'a Repeats,
}

/// Which component of a mixture a row most likely comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Membership {
    /// The component with the largest responsibility, the lowest index on ties.
    pub component: u32,
    /// How likely that is: the responsibility, between 0 and 1.
    pub probability: f32,
}

impl Gaussians {
    /// Mixtures with a covariance matrix for each component, or one for all if `shared`. `factors` has for each matrix the
    /// upper triangular `d * d` factor `U`, row by row, where `U U^T` is the inverse.
    pub(crate) fn triangular(
        (features, means, constants): (usize, Vec<f64>, Vec<f64>),
        factors: &[f64],
        shared: bool,
        moments: Moments,
    ) -> Self {
        let d = features;
        let mut values = Vec::new();
        for matrix in factors.chunks_exact(d * d) {
            for j in (0..d).step_by(2) {
                for i in 0..d.min(j + 2) {
                    let second = if j + 1 < d { matrix[i * d + j + 1] } else { 0.0 };
                    values.push([if i <= j { matrix[i * d + j] } else { 0.0 }, second]);
                }
            }
        }
        Gaussians { features, means, factors: Factors::Triangular { values, shared }, constants, moments }
    }

    /// Mixtures with a variance for each component and feature. `factors` has the reciprocals of the standard deviations.
    pub(crate) fn diagonal(
        (features, means, constants): (usize, Vec<f64>, Vec<f64>),
        factors: Vec<f64>,
        moments: Moments,
    ) -> Self {
        Gaussians { features, means, factors: Factors::Diagonal(factors), constants, moments }
    }

    /// `k` means without densities, for a pass over rows of known labels.
    pub(crate) fn of_means(means: Vec<f64>, k: usize, moments: Moments) -> Self {
        let features = means.len() / k;
        let factors = Factors::Diagonal(Vec::new());
        Gaussians { features, means, factors, constants: vec![0.0; k], moments }
    }

    /// How many components.
    fn k(&self) -> usize {
        self.constants.len()
    }

    /// How many pairs of values the factor of one component takes.
    fn factor_len(&self) -> usize {
        (0..self.features).step_by(2).map(|j| self.features.min(j + 2)).sum()
    }
}

impl<'a> Learned<'a> {
    pub(crate) fn new(matrix: &'a Matrix, repeats: &'a Repeats) -> Self {
        Learned { matrix, repeats }
    }

    /// How many distinct rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.repeats.len()
    }

    /// How many copies a distinct row stands for.
    pub(crate) fn copies(&self, distinct: usize) -> f64 {
        let steps = self.repeats.steps(self.matrix, distinct);
        self.matrix.sample_weights().map_or(steps as f64, |w| w.as_copies(u128::from(steps)))
    }

    /// Puts the rows from `first` up to `end`, at most a group of them, and their copies into `scratch`. The rest of the group
    /// is zeros of no weight.
    fn load(&self, first: usize, end: usize, scratch: &mut Scratch) {
        for (i, copies) in scratch.copies.iter_mut().enumerate() {
            *copies = if first + i < end { self.copies(first + i) } else { 0.0 };
        }
        if self.repeats.is_trivial() {
            return load_tiles(self.matrix, first, scratch);
        }
        for (i, distinct) in (first..end.min(first + GROUP)).enumerate() {
            for (j, value) in self.matrix.row(self.repeats.first(distinct)).enumerate() {
                scratch.x[j * GROUP + i] = self.matrix.to_user(f64::from(value));
            }
        }
    }
}

/// Puts a group's rows of the table into `scratch`.
fn load_tiles(matrix: &Matrix, first: usize, scratch: &mut Scratch) {
    let unit = matrix.to_user(1.0);
    for (t, tile) in (first / TILE..matrix.tile_count()).take(GROUP / TILE).enumerate() {
        for (j, lanes) in matrix.tile(tile).iter().enumerate() {
            let to = &mut scratch.x[j * GROUP + t * TILE..][..TILE];
            to.iter_mut().zip(lanes).for_each(|(to, &value)| *to = f64::from(value) * unit);
        }
    }
}

/// How many blocks of rows are worked on before their sums are added to the others', for each thread.
const WAVE: usize = 8;

/// The sums of every mixture over all rows. Where labels of the table's rows are given, each row belongs to its label's
/// component alone, and there is no log-likelihood. `alive` is called now and then; its error ends the work.
pub(crate) fn sums(
    set: InstructionSet,
    learned: Learned<'_>,
    mixtures: &[(&Gaussians, Option<&[u32]>)],
    alive: &dyn Fn() -> Result<()>,
) -> Result<Vec<Sums>> {
    let blocks: Vec<usize> = (0..learned.rows().div_ceil(BLOCK)).collect();
    let mut totals: Vec<Sums> = mixtures.iter().map(|(mixture, _)| Sums::none(mixture)).collect();
    for wave in blocks.chunks(WAVE * rayon::current_num_threads()) {
        alive()?;
        let found: Vec<Vec<Sums>> = wave
            .par_iter()
            .map_init(Scratch::default, |scratch, &block| {
                let of = |&mixture: &_| block_sums(set, learned, mixture, block, scratch);
                mixtures.iter().map(of).collect()
            })
            .collect();
        for block in found {
            totals.iter_mut().zip(block).for_each(|(total, sums)| total.add(&sums));
        }
    }
    Ok(totals)
}

fn block_sums(
    set: InstructionSet,
    learned: Learned<'_>,
    (mixture, labels): (&Gaussians, Option<&[u32]>),
    block: usize,
    scratch: &mut Scratch,
) -> Sums {
    scratch.fit(mixture);
    let end = learned.rows().min((block + 1) * BLOCK);
    for first in (block * BLOCK..end).step_by(GROUP) {
        learned.load(first, end, scratch);
        let task = if labels.is_some() { Task::LearnLabels } else { Task::Learn };
        if let Some(labels) = labels {
            for i in first..end.min(first + GROUP) {
                scratch.labels[i - first] = labels[learned.repeats.first(i)];
            }
        }
        set.run(Pass { mixture, scratch, task });
    }
    scratch.sums(mixture)
}

/// Calls `take` for each group of the matrix' rows with their responsibilities, component by component, and with their place in
/// `out`, where each row has `width` entries.
fn each_group<T: Send>(
    set: InstructionSet,
    matrix: &Matrix,
    mixture: &Gaussians,
    out: &mut [T],
    width: usize,
    take: impl Fn(&[f64], &mut [T]) + Sync,
) {
    out.par_chunks_mut(BLOCK * width).enumerate().for_each_init(Scratch::default, |scratch, (block, out)| {
        scratch.fit(mixture);
        scratch.copies.fill(1.0);
        for (group, out) in out.chunks_mut(GROUP * width).enumerate() {
            load_tiles(matrix, block * BLOCK + group * GROUP, scratch);
            set.run(Pass { mixture, scratch, task: Task::Respond });
            take(&scratch.logs, out);
        }
    });
}

/// For each row of the matrix, whatever its weight, the component that it most likely comes from.
pub(crate) fn memberships(set: InstructionSet, matrix: &Matrix, mixture: &Gaussians) -> Vec<Membership> {
    let mut out = vec![Membership { component: 0, probability: 0.0 }; matrix.rows()];
    each_group(set, matrix, mixture, &mut out, 1, |responsibilities, out| {
        for (i, row) in out.iter_mut().enumerate() {
            let mut best = (0, f64::NEG_INFINITY);
            for c in 0..mixture.k() {
                let own = responsibilities[c * GROUP + i];
                if own > best.1 {
                    best = (c, own);
                }
            }
            *row = Membership { component: best.0 as u32, probability: best.1 as f32 };
        }
    });
    out
}

/// For each row of the matrix the responsibilities of all components.
pub(crate) fn responsibilities(set: InstructionSet, matrix: &Matrix, mixture: &Gaussians) -> Vec<f32> {
    let k = mixture.k();
    let mut out = vec![0f32; matrix.rows() * k];
    each_group(set, matrix, mixture, &mut out, k, |responsibilities, out| {
        for (i, row) in out.chunks_mut(k).enumerate() {
            row.iter_mut().enumerate().for_each(|(c, out)| *out = responsibilities[c * GROUP + i] as f32);
        }
    });
    out
}

impl Sums {
    fn none(mixture: &Gaussians) -> Self {
        let (k, d) = (mixture.k(), mixture.features);
        let (first, second) = match mixture.moments {
            Moments::None => (0, 0),
            Moments::First => (d, 0),
            Moments::Squares => (d, d),
            Moments::Products => (d, d * d),
        };
        Sums {
            log_likelihood: 0.0,
            weights: vec![0.0; k],
            first: vec![0.0; k * first],
            second: vec![0.0; k * second],
        }
    }

    fn add(&mut self, other: &Sums) {
        self.log_likelihood += other.log_likelihood;
        let pairs = [
            (&mut self.weights, &other.weights),
            (&mut self.first, &other.first),
            (&mut self.second, &other.second),
        ];
        for (to, from) in pairs {
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
    }
}
