//! The principal components of packed rows, to a few digits.

use super::UmapMetric;
use super::draws::Counter;
use super::eigen::{Effort, Operator, SIDE, Vectors, eigenvectors};
use super::rows::PackedRows;
use crate::error::Result;
use crate::matrix::BLOCK;
use crate::progress::Progress;
use rayon::prelude::*;

const EFFORT: Effort = Effort { degree: 6, rounds: 6, tolerance: 1e-3 };

/// The scatter matrix of the rows, divided by the number of rows.
struct Scatter<'a> {
    rows: &'a PackedRows,
    mean: Vec<f64>,
}

/// Calls `f` with each feature of a row that is not 0, and its value.
#[inline(always)]
fn each_value(rows: &PackedRows, i: usize, mut f: impl FnMut(usize, f64)) {
    match rows.metric {
        UmapMetric::Euclidean => {
            rows.row(i).iter().enumerate().for_each(|(j, &word)| f(j, f64::from(f32::from_bits(word))));
        }
        UmapMetric::Jaccard => {
            for (w, &word) in rows.row(i).iter().enumerate() {
                let mut left = word;
                while left != 0 {
                    f(w * 32 + left.trailing_zeros() as usize, 1.0);
                    left &= left - 1;
                }
            }
        }
    }
}

/// The sum over blocks of rows of what `block` returns, in the order of the blocks.
fn over_blocks(
    rows: usize,
    size: usize,
    block: impl Fn(std::ops::Range<usize>) -> Vec<f64> + Sync,
) -> Vec<f64> {
    let range = |b: usize| b * BLOCK..rows.min((b + 1) * BLOCK);
    let sums: Vec<Vec<f64>> = (0..rows.div_ceil(BLOCK)).into_par_iter().map(|b| block(range(b))).collect();
    let mut total = vec![0.0; size];
    for sums in sums {
        total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
    }
    total
}

impl<'a> Scatter<'a> {
    fn of(rows: &'a PackedRows) -> Self {
        let mut mean = over_blocks(rows.len(), rows.features, |range| {
            let mut sums = vec![0.0; rows.features];
            range.for_each(|i| each_value(rows, i, |j, v| sums[j] += v));
            sums
        });
        mean.iter_mut().for_each(|sum| *sum /= rows.len() as f64);
        Scatter { rows, mean }
    }

    /// The scores of a row along these vectors, whose scores of the mean are given.
    #[inline(always)]
    fn scores(&self, i: usize, vectors: &Vectors, mean: &[f64], out: &mut [f64]) {
        out.iter_mut().zip(mean).for_each(|(score, mean)| *score = -mean);
        each_value(self.rows, i, |j, v| {
            for (score, x) in out.iter_mut().zip(vectors.at(j).as_flattened()) {
                *score += v * x;
            }
        });
    }

    /// The scores of the mean along these vectors.
    fn of_mean(&self, vectors: &Vectors) -> Vec<f64> {
        let mut scores = vec![0.0; vectors.wide * SIDE];
        for (j, mean) in self.mean.iter().enumerate() {
            scores.iter_mut().zip(vectors.at(j).as_flattened()).for_each(|(score, x)| *score += mean * x);
        }
        scores
    }
}

impl Operator for Scatter<'_> {
    fn len(&self) -> usize {
        self.rows.features
    }

    fn lower(&self) -> f64 {
        0.0
    }

    fn apply(&self, x: &Vectors) -> Vectors {
        let (wide, side) = (x.wide, x.wide * SIDE);
        let of_mean = self.of_mean(x);
        let size = self.rows.features * side;
        // The sums of scores times values, and at last the sums of the scores.
        let sums = over_blocks(self.rows.len(), size + side, |range| {
            let mut sums = vec![0.0; size + side];
            let mut scores = vec![0.0; side];
            for i in range {
                self.scores(i, x, &of_mean, &mut scores);
                let (products, plain) = sums.split_at_mut(size);
                plain.iter_mut().zip(&scores).for_each(|(sum, score)| *sum += score);
                each_value(self.rows, i, |j, v| {
                    let own = &mut products[j * side..][..side];
                    own.iter_mut().zip(&scores).for_each(|(sum, score)| *sum += v * score);
                });
            }
            sums
        });
        let (products, plain) = sums.split_at(size);
        let mut out = Vectors::zeros(self.rows.features, wide);
        let count = self.rows.len() as f64;
        for (j, mean) in self.mean.iter().enumerate() {
            let own = out.values[j * wide..][..wide].as_flattened_mut();
            for ((value, product), plain) in own.iter_mut().zip(&products[j * side..]).zip(plain) {
                *value = (product - mean * plain) / count;
            }
        }
        out
    }
}

/// The rows' coordinates along the first `count` components, one vector for each. Where there are fewer, the others are 0.
pub(super) fn scores(
    rows: &PackedRows,
    count: usize,
    draws: Counter,
    progress: Progress<'_>,
) -> Result<Vec<Vec<f64>>> {
    let scatter = Scatter::of(rows);
    let components = eigenvectors(&scatter, count, draws, EFFORT, progress)?;
    let wide = count.div_ceil(SIDE);
    let mut vectors = Vectors::zeros(rows.features, wide);
    for (k, component) in components.iter().enumerate() {
        for (j, value) in component.iter().enumerate() {
            vectors.values[j * wide + k / SIDE][k % SIDE] = *value;
        }
    }
    let of_mean = scatter.of_mean(&vectors);
    let mut scores = vec![0.0; rows.len() * wide * SIDE];
    scores.par_chunks_mut(wide * SIDE).enumerate().with_min_len(256).for_each(|(i, out)| {
        scatter.scores(i, &vectors, &of_mean, out);
    });
    Ok((0..count).map(|k| scores.iter().skip(k).step_by(wide * SIDE).copied().collect()).collect())
}
