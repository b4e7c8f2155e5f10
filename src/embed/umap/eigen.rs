//! The first eigenvectors of large symmetric operators, to a few digits, in the same bits for any number of threads.

use super::draws::Counter;
use crate::error::Result;
use crate::linear::{Eigen, symmetric_eigen};
use crate::matrix::BLOCK;
use crate::progress::Progress;
use rayon::prelude::*;

/// So many vectors lie side by side.
pub(super) const SIDE: usize = 8;

/// More vectors are iterated than are asked for, because the last ones of a block converge slowly.
const MORE: usize = 4;

/// Several vectors: eight times `wide` of them, with the values of one place side by side.
#[derive(Debug, Clone)]
pub(super) struct Vectors {
    pub wide: usize,
    pub values: Vec<[f64; SIDE]>,
}

impl Vectors {
    pub fn zeros(len: usize, wide: usize) -> Self {
        Vectors { wide, values: vec![[0.0; SIDE]; len * wide] }
    }

    /// How many vectors.
    fn count(&self) -> usize {
        self.wide * SIDE
    }

    /// The values of place `i`, one for each vector.
    pub fn at(&self, i: usize) -> &[[f64; SIDE]] {
        &self.values[i * self.wide..][..self.wide]
    }

    /// The products of each of these vectors with each of the others.
    fn products(&self, other: &Vectors) -> Vec<f64> {
        let s = self.count();
        let block = |(x, y): (&[[f64; SIDE]], &[[f64; SIDE]])| {
            let mut sums = vec![0.0; s * s];
            for (x, y) in x.chunks_exact(self.wide).zip(y.chunks_exact(self.wide)) {
                for (sums, x) in sums.chunks_exact_mut(s).zip(x.as_flattened()) {
                    for (sum, y) in sums.iter_mut().zip(y.as_flattened()) {
                        *sum += x * y;
                    }
                }
            }
            sums
        };
        let size = BLOCK * self.wide;
        let sums: Vec<Vec<f64>> =
            self.values.par_chunks(size).zip(other.values.par_chunks(size)).map(block).collect();
        let mut total = vec![0.0; s * s];
        for sums in sums {
            total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
        }
        total
    }

    /// Replaces the vectors by their combinations: new vector `k` is the sum of `factors[k * s + j]` times vector `j`.
    fn combine(&mut self, factors: &[f64]) {
        let s = self.count();
        self.values.par_chunks_mut(BLOCK * self.wide).for_each(|block| {
            let mut own = vec![0.0; s];
            for values in block.chunks_exact_mut(self.wide) {
                own.copy_from_slice(values.as_flattened());
                for (value, factors) in values.as_flattened_mut().iter_mut().zip(factors.chunks_exact(s)) {
                    *value = factors.iter().zip(&own).map(|(f, v)| f * v).sum();
                }
            }
        });
    }

    /// Makes the vectors orthogonal and of length 1. A vector that says nothing new becomes 0.
    fn orthonormalise(&mut self) {
        let s = self.count();
        let products = self.products(self);
        let inverse = |square: f64| if square > 0.0 { 1.0 / square.sqrt() } else { 0.0 };
        let scale: Vec<f64> = (0..s).map(|i| inverse(products[i * s + i])).collect();
        let scaled = (0..s * s).map(|ij| products[ij] * scale[ij / s] * scale[ij % s]).collect();
        let Eigen { values, vectors } = symmetric_eigen(scaled, s);
        let length = |k: usize| if values[k] > 1e-13 { inverse(values[k]) } else { 0.0 };
        let factors: Vec<f64> = (0..s * s).map(|kj| vectors[kj] * scale[kj % s] * length(kj / s)).collect();
        self.combine(&factors);
    }

    /// One of the vectors.
    fn column(&self, k: usize) -> Vec<f64> {
        self.values.as_flattened().iter().skip(k).step_by(self.count()).copied().collect()
    }
}

/// A symmetric matrix of which only the products with vectors are known.
pub(super) trait Operator: Sync {
    /// The length of its vectors.
    fn len(&self) -> usize;

    /// A lower bound of its eigenvalues.
    fn lower(&self) -> f64;

    /// Its product with each vector.
    fn apply(&self, x: &Vectors) -> Vectors;

    /// Takes from the vectors what they have of eigenvectors that are known already.
    fn deflate(&self, _x: &mut Vectors) {}
}

/// How precisely eigenvectors are computed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// The degree of the polynomial that one round applies to the operator.
    pub degree: usize,
    /// The most rounds.
    pub rounds: usize,
    /// The error `|A x - l x|` that suffices, as a share of the largest eigenvalue.
    pub tolerance: f64,
}

/// The eigenvectors of the `count` largest eigenvalues that are not deflated, each of length 1 with a positive largest
/// value. An operator of a low rank may have fewer, and the others are 0. An error is that of `progress`.
///
/// Subspace iteration with Chebyshev polynomials, which damp the eigenvalues below the smallest of the block (Zhou, Saad,
/// Tiago and Chelikowsky, 2006).
pub(super) fn eigenvectors(
    operator: &dyn Operator,
    count: usize,
    draws: Counter,
    effort: Effort,
    progress: Progress<'_>,
) -> Result<Vec<Vec<f64>>> {
    let wide = (count + MORE).div_ceil(SIDE);
    let s = wide * SIDE;
    let mut x = Vectors::zeros(operator.len(), wide);
    x.values.par_iter_mut().enumerate().for_each(|(i, values)| {
        let own = draws.at(i as u64);
        values.iter_mut().zip(0..).for_each(|(value, number)| *value = own.symmetric(number));
    });
    operator.deflate(&mut x);
    x = operator.apply(&x);
    for round in 0..=effort.rounds {
        progress.step("umap start", round as u64, effort.rounds as u64)?;
        operator.deflate(&mut x);
        x.orthonormalise();
        let mut image = operator.apply(&x);
        let products = x.products(&image);
        let Eigen { values, vectors } = symmetric_eigen(symmetric(&products, s), s);
        x.combine(&vectors);
        image.combine(&vectors);
        let largest = values[0] - operator.lower();
        if largest <= 0.0
            || round == effort.rounds
            || error(&x, &image, &values, count) <= effort.tolerance * largest
        {
            break;
        }
        // A block's smallest value tells what must be damped; a floor keeps the polynomial from growing too fast.
        let upper = values[s - 1].max(operator.lower() + 0.05 * largest);
        x = filtered(operator, x, image, upper, effort.degree);
    }
    Ok((0..count).map(|k| with_fixed_sign(x.column(k))).collect())
}

/// The mean of a matrix and its transpose, which differ by rounding.
fn symmetric(a: &[f64], s: usize) -> Vec<f64> {
    (0..s * s).map(|ij| 0.5 * (a[ij] + a[ij % s * s + ij / s])).collect()
}

/// The largest length of `A x - l x` among the first vectors.
fn error(x: &Vectors, image: &Vectors, values: &[f64], count: usize) -> f64 {
    let mut rest = image.clone();
    rest.values.par_chunks_mut(x.wide).zip(x.values.par_chunks(x.wide)).for_each(|(rest, x)| {
        for ((rest, x), value) in rest.as_flattened_mut().iter_mut().zip(x.as_flattened()).zip(values) {
            *rest -= value * x;
        }
    });
    let products = rest.products(&rest);
    (0..count).map(|k| products[k * x.count() + k].sqrt()).fold(0.0, f64::max)
}

/// A Chebyshev polynomial of the operator times each vector. Between the lower bound and `upper` it stays within 1, and
/// above it grows fast. `image` is the operator's product with `x`.
fn filtered(operator: &dyn Operator, x: Vectors, image: Vectors, upper: f64, degree: usize) -> Vectors {
    let centre = 0.5 * (operator.lower() + upper);
    let half = 0.5 * (upper - operator.lower());
    // factor * (image - centre * now) - before
    let step = |mut image: Vectors, now: &Vectors, before: Option<&Vectors>, factor: f64| {
        image.values.par_iter_mut().zip(&now.values).enumerate().with_min_len(512).for_each(
            |(i, (image, now))| {
                for (lane, (value, now)) in image.iter_mut().zip(now).enumerate() {
                    let before = before.map_or(0.0, |before| before.values[i][lane]);
                    *value = factor * (*value - centre * now) - before;
                }
            },
        );
        image
    };
    let mut now = step(image, &x, None, 1.0 / half);
    let mut before = x;
    for _ in 1..degree {
        let next = step(operator.apply(&now), &now, Some(&before), 2.0 / half);
        before = std::mem::replace(&mut now, next);
    }
    now
}

/// The vector, or its opposite, so that the value of the largest size is positive.
pub(super) fn with_fixed_sign(mut vector: Vec<f64>) -> Vec<f64> {
    let largest = vector.iter().fold(0f64, |m, v| if v.abs() > m.abs() { *v } else { m });
    if largest < 0.0 {
        vector.iter_mut().for_each(|v| *v = -*v);
    }
    vector
}
