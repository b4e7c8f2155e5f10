//! The mean and the covariance of a matrix, from exact sums.
//!
//! Values are whole numbers of grid steps. From each the rounded mean of its feature is subtracted, which leaves a whole
//! number of at most 32 bits. It is split into two digits of 16 bits, `x = 2^16 a + b` with `b` from -2^15 to 2^15. Products
//! of digits and of their sums are at most 2^34, so f64 adds up 2^19 of them exactly, in any order, and as fast as the CPU
//! can multiply. Weights are whole numbers of steps, and their products are added in i128.

use crate::error::{Error, Result};
use crate::matrix::{Matrix, TILE};
use crate::weights::Weights;
use rayon::prelude::*;

/// Rows whose digits are multiplied at a time; they stay in the cache.
const STRIP: usize = 128;

/// Rows that one task adds up. Their sums of products stay far below 2^53.
const TASK: usize = 1 << 14;

/// Sums of products are added in so many lanes, which the compiler turns into vectors.
const LANES: usize = 4;

/// So many bits of a weight are multiplied at a time: a value has 32, so that a product of both and another value has 88,
/// which leaves room for 2^32 rows.
const WEIGHT_BITS: u32 = 24;

/// Mean and covariance.
pub(super) struct Moments {
    /// The mean of each feature, in the user's units.
    pub(super) mean: Vec<f64>,
    /// The d x d covariances with `ddof` 1, in the user's units.
    pub(super) covariance: Vec<f64>,
}

impl Moments {
    /// Of all rows of a matrix, each with as many copies as its weight says.
    ///
    /// # Errors
    /// The rows have fewer than two copies together.
    pub(super) fn of(matrix: &Matrix) -> Result<Moments> {
        let d = matrix.features();
        let weights = matrix.sample_weights();
        let total = matrix.total_copies();
        if total < 2.0 {
            return Err(Error::data("principal components need at least two rows that count"));
        }
        let steps = Steps::of(matrix);
        let sums = sums(matrix, &steps, weights);
        let all = weights.map_or(matrix.rows() as u128, Weights::total);
        // Rounded division: what is subtracted only has to be near the mean.
        let centre: Vec<i64> = sums.iter().map(|sum| nearest_quotient(*sum, all)).collect();
        let left: Vec<f64> = sums
            .iter()
            .zip(&centre)
            .map(|(sum, c)| copies(sum - i128::from(*c) * all as i128, weights))
            .collect();
        let products = match weights {
            None => products(matrix, &steps, &centre),
            Some(weights) => weighted_products(matrix, &steps, &centre, weights),
        };
        let step = |j: usize| matrix.grid().step(j);
        let mean = (0..d).map(|j| (centre[j] as f64 + left[j] / total) * step(j)).collect();
        let mut covariance = vec![0.0; d * d];
        let mut products = products.into_iter();
        for j in 0..d {
            for (k, product) in (j..d).zip(&mut products) {
                let value = (product - left[j] * (left[k] / total)) / (total - 1.0) * step(j) * step(k);
                let value = if j == k { value.max(0.0) } else { value };
                (covariance[j * d + k], covariance[k * d + j]) = (value, value);
            }
        }
        Ok(Moments { mean, covariance })
    }
}

/// Turns stored values into whole numbers of steps.
struct Steps(Vec<f64>);

impl Steps {
    fn of(matrix: &Matrix) -> Self {
        Steps((0..matrix.features()).map(|j| f64::from(matrix.steps_per_unit(j))).collect())
    }

    /// The whole number of steps of a value of feature `j`, exact in f64.
    fn whole(&self, j: usize, value: f32) -> f64 {
        f64::from(value) * self.0[j]
    }
}

/// A sum in steps of weights as copies of rows. Exact where the weights are whole numbers, so that a row of weight 2 counts
/// as two rows to the last bit.
fn copies(sum: i128, weights: Option<&Weights>) -> f64 {
    let Some(weights) = weights else { return sum as f64 };
    let unit = weights.as_copies(1);
    let whole = unit.fract() == 0.0 && unit < (1u64 << 62) as f64;
    match sum.checked_mul(unit as i128).filter(|_| whole) {
        Some(sum) => sum as f64,
        None => sum as f64 * unit,
    }
}

/// The whole number nearest to a quotient.
fn nearest_quotient(sum: i128, by: u128) -> i64 {
    let by = i128::try_from(by).unwrap_or(i128::MAX).max(1);
    ((sum + by / 2).div_euclid(by)) as i64
}

/// The sum of each feature over the rows, times their weights.
fn sums(matrix: &Matrix, steps: &Steps, weights: Option<&Weights>) -> Vec<i128> {
    let d = matrix.features();
    let tile_of = |mut sums: Vec<i128>, t: usize| {
        let there = TILE.min(matrix.rows() - t * TILE);
        for (j, (sum, lanes)) in sums.iter_mut().zip(matrix.tile(t)).enumerate() {
            let values = lanes[..there].iter().map(|&v| steps.whole(j, v) as i64);
            *sum += match weights {
                None => i128::from(values.sum::<i64>()),
                Some(w) => {
                    let weights = &w.steps()[t * TILE..];
                    values.zip(weights).map(|(v, w)| i128::from(v) * i128::from(*w)).sum()
                }
            };
        }
        sums
    };
    (0..matrix.tile_count())
        .into_par_iter()
        .fold(|| vec![0i128; d], tile_of)
        .reduce(|| vec![0i128; d], |a, b| a.iter().zip(&b).map(|(x, y)| x + y).collect())
}

/// The products of the digits of two features, added up: high times high, low times low, and both digits' sum times the
/// other's, from which the mixed products follow (Karatsuba's method).
type Digits = [f64; 3];

/// The sums of the products of each pair of centred features, the upper triangle row by row.
fn products(matrix: &Matrix, steps: &Steps, centre: &[i64]) -> Vec<f64> {
    let (d, rows) = (matrix.features(), matrix.rows());
    let pairs = d * (d + 1) / 2;
    let task = |b: usize| {
        let mut sums: Vec<Digits> = vec![[0.0; 3]; pairs];
        let mut strip = Strip::new(d);
        let end = rows.min((b + 1) * TASK);
        for from in (b * TASK..end).step_by(STRIP) {
            strip.fill(matrix, steps, centre, from..end.min(from + STRIP));
            strip.add_products(&mut sums);
        }
        let whole = |digits: Digits| {
            let [high, low, both] = digits.map(|sum| sum as i128);
            (high << 32) + ((both - high - low) << 16) + low
        };
        sums.into_iter().map(whole).collect::<Vec<i128>>()
    };
    let add = |a: Vec<i128>, b: Vec<i128>| a.iter().zip(&b).map(|(x, y)| x + y).collect();
    let sums = (0..rows.div_ceil(TASK)).into_par_iter().map(task).reduce(|| vec![0; pairs], add);
    sums.into_iter().map(|sum| sum as f64).collect()
}

/// The digits of a few rows, and the sums of the two, feature after feature.
struct Strip {
    planes: [Vec<f64>; 3],
}

impl Strip {
    fn new(features: usize) -> Self {
        Strip { planes: std::array::from_fn(|_| vec![0.0; features * STRIP]) }
    }

    /// Takes in at most [`STRIP`] rows, the first of which begins a tile; the rest is filled with zeros.
    fn fill(&mut self, matrix: &Matrix, steps: &Steps, centre: &[i64], rows: std::ops::Range<usize>) {
        self.planes.iter_mut().for_each(|plane| plane.fill(0.0));
        let [high, low, both] = &mut self.planes;
        for (place, t) in (rows.start / TILE..rows.end.div_ceil(TILE)).enumerate() {
            let there = TILE.min(rows.end - t * TILE);
            for (j, lanes) in matrix.tile(t).iter().enumerate() {
                let from = j * STRIP + place * TILE;
                for (i, &v) in (from..).zip(&lanes[..there]) {
                    let x = steps.whole(j, v) as i64 - centre[j];
                    let upper = (x + (1 << 15)) >> 16;
                    let lower = x - (upper << 16);
                    (high[i], low[i], both[i]) = (upper as f64, lower as f64, (upper + lower) as f64);
                }
            }
        }
    }

    fn feature(&self, j: usize) -> [&[f64]; 3] {
        [0, 1, 2].map(|p| &self.planes[p][j * STRIP..(j + 1) * STRIP])
    }

    fn add_products(&self, sums: &mut [Digits]) {
        let d = self.planes[0].len() / STRIP;
        let mut sums = sums.iter_mut();
        for j in 0..d {
            let own = self.feature(j);
            for (k, sum) in (j..d).zip(&mut sums) {
                let more = digits_of(own, self.feature(k));
                sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
            }
        }
    }
}

/// The products of two features over a strip.
fn digits_of(own: [&[f64]; 3], other: [&[f64]; 3]) -> Digits {
    let mut sums = [[0f64; LANES]; 3];
    let [a, b, c] = own.map(|plane| plane.chunks_exact(LANES));
    let [x, y, z] = other.map(|plane| plane.chunks_exact(LANES));
    for (((a, x), (b, y)), (c, z)) in a.zip(x).zip(b.zip(y)).zip(c.zip(z)) {
        for lane in 0..LANES {
            sums[0][lane] += a[lane] * x[lane];
            sums[1][lane] += b[lane] * y[lane];
            sums[2][lane] += c[lane] * z[lane];
        }
    }
    sums.map(|lanes| lanes.iter().sum())
}

/// As [`products`], times the weights of the rows.
fn weighted_products(matrix: &Matrix, steps: &Steps, centre: &[i64], weights: &Weights) -> Vec<f64> {
    let (d, rows) = (matrix.features(), matrix.rows());
    let pairs = d * (d + 1) / 2;
    let largest = weights.steps().iter().copied().max().unwrap_or(0);
    let digits = (u64::BITS - largest.leading_zeros()).div_ceil(WEIGHT_BITS).max(1);
    let digit = |digit: u32| {
        let task = |b: usize| {
            let mut sums = vec![0i128; pairs];
            let mut row = vec![0i64; d];
            for i in b * TASK..rows.min((b + 1) * TASK) {
                let weight = (weights.steps()[i] >> (digit * WEIGHT_BITS)) & ((1 << WEIGHT_BITS) - 1);
                if weight == 0 {
                    continue;
                }
                for (j, (x, v)) in row.iter_mut().zip(matrix.row(i)).enumerate() {
                    *x = steps.whole(j, v) as i64 - centre[j];
                }
                let mut sums = sums.iter_mut();
                for j in 0..d {
                    let own = i128::from(row[j] * weight as i64);
                    row[j..].iter().zip(&mut sums).for_each(|(x, sum)| *sum += own * i128::from(*x));
                }
            }
            sums
        };
        let add = |a: Vec<i128>, b: Vec<i128>| a.iter().zip(&b).map(|(x, y)| x + y).collect::<Vec<i128>>();
        (0..rows.div_ceil(TASK)).into_par_iter().map(task).reduce(|| vec![0; pairs], add)
    };
    let mut total = vec![0.0; pairs];
    for d in 0..digits {
        let scale = libm::ldexp(1.0, (d * WEIGHT_BITS) as i32);
        total.iter_mut().zip(digit(d)).for_each(|(total, sum)| *total += copies(sum, Some(weights)) * scale);
    }
    total
}
