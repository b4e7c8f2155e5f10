//! Tables whose structure is known: the generators of the benchmark and of the test.

use segmenta::Matrix;
use segmenta::random::{Draws, Purpose, Stream};
use segmenta::structure::OneHotBlock;
use std::ops::Range;

/// A made-up table of scaled features.
pub struct Table {
    pub columns: Vec<Vec<f64>>,
    pub blocks: Vec<Range<usize>>,
}

impl Table {
    fn new(columns: Vec<Vec<f64>>) -> Self {
        Table { columns, blocks: Vec::new() }
    }

    /// Its features with mean 0 and standard deviation 1.
    pub fn scaled(&self) -> (Matrix, Vec<OneHotBlock>) {
        let columns: Vec<Vec<f32>> = self.columns.iter().map(|c| scaled(c)).collect();
        let names = (0..columns.len()).map(|j| format!("f{j}")).collect();
        let blocks = self.blocks.iter().enumerate();
        let blocks =
            blocks.map(|(b, features)| OneHotBlock { name: format!("b{b}"), features: features.clone() });
        (Matrix::from_columns(names, columns).unwrap(), blocks.collect())
    }
}

pub fn scaled(column: &[f64]) -> Vec<f32> {
    let n = column.len() as f64;
    let mean = column.iter().sum::<f64>() / n;
    let sd = (column.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt();
    column.iter().map(|v| if sd > 0.0 { ((v - mean) / sd) as f32 } else { 0.0 }).collect()
}

/// The stream of a table.
fn stream(seed: u64) -> Stream {
    Draws::new(seed, Purpose::SynthTable).at(1 << 40)
}

/// `d` columns of independent values.
fn independent(n: usize, d: usize, mut value: impl FnMut() -> f64) -> Table {
    Table::new((0..d).map(|_| (0..n).map(|_| value()).collect()).collect())
}

pub fn gaussian(n: usize, d: usize, seed: u64) -> Table {
    let mut s = stream(seed);
    independent(n, d, || s.normal())
}

pub fn uniform(n: usize, d: usize, seed: u64) -> Table {
    let mut s = stream(seed);
    independent(n, d, || s.uniform())
}

pub fn exponential(n: usize, d: usize, seed: u64) -> Table {
    let mut s = stream(seed);
    independent(n, d, || -libm::log(1.0 - s.uniform()))
}

pub fn lognormal(n: usize, d: usize, seed: u64) -> Table {
    let mut s = stream(seed);
    independent(n, d, || libm::exp(s.normal()))
}

/// Independent answers of 0 and 1, each with its own share of ones, from 20 to 80 %.
pub fn binary(n: usize, d: usize, seed: u64) -> Table {
    let mut s = stream(seed);
    let column = |s: &mut Stream| {
        let share = 0.2 + 0.6 * s.uniform();
        (0..n).map(|_| f64::from(u8::from(s.uniform() < share))).collect()
    };
    Table::new((0..d).map(|_| column(&mut s)).collect())
}

/// The one-hot columns of three independent categories of 3, 3 and 2 levels and more for more features.
pub fn one_hot(n: usize, d: usize, seed: u64) -> Table {
    let mut s = stream(seed);
    let mut table = Table::new(Vec::new());
    while table.columns.len() < d {
        let levels = 3.min(d - table.columns.len());
        let weights: Vec<f64> = (0..levels).map(|_| 0.3 + s.uniform()).collect();
        let total: f64 = weights.iter().sum();
        let start = table.columns.len();
        table.columns.resize(start + levels, vec![0.0; n]);
        table.blocks.push(start..start + levels);
        for i in 0..n {
            let mut rest = s.uniform() * total;
            let mut level = 0;
            while level + 1 < levels && rest >= weights[level] {
                rest -= weights[level];
                level += 1;
            }
            table.columns[start + level][i] = 1.0;
        }
    }
    table
}

/// Independent counts: Poisson's, with means from 1 to 5.
pub fn counts(n: usize, d: usize, seed: u64) -> Table {
    let mut s = stream(seed);
    let mut poisson = move |mean: f64| {
        let (limit, mut product, mut count) = (libm::exp(-mean), s.uniform(), 0.0);
        while product > limit {
            product *= s.uniform();
            count += 1.0;
        }
        count
    };
    Table::new((0..d).map(|j| (0..n).map(|_| poisson(1.0 + 4.0 * j as f64 / d as f64)).collect()).collect())
}

/// `factors` independent normal factors with strong loadings, and noise: elongated, without gaps.
pub fn factors(n: usize, d: usize, factors: usize, seed: u64) -> Table {
    let mut s = stream(seed);
    let mut columns = vec![vec![0.0; n]; d];
    for i in 0..n {
        let f: Vec<f64> = (0..factors).map(|_| s.normal()).collect();
        for (j, column) in columns.iter_mut().enumerate() {
            column[i] = 0.85 * f[j % factors] + 0.5 * s.normal();
        }
    }
    Table::new(columns)
}

/// Normal clouds with standard deviation 1 whose centres are `apart` from each other, with these shares of the rows. The
/// centres are the corners of a simplex that is turned at random; if there are more than `d` centres, they are random
/// directions instead.
pub fn clouds(n: usize, d: usize, shares: &[f64], apart: f64, seed: u64) -> Table {
    let mut s = stream(seed);
    let mut directions: Vec<Vec<f64>> = Vec::new();
    for _ in shares {
        let mut own: Vec<f64> = (0..d).map(|_| s.normal()).collect();
        for other in directions.iter().take(if directions.len() < d { d } else { 0 }) {
            let dot: f64 = own.iter().zip(other).map(|(a, b)| a * b).sum();
            own.iter_mut().zip(other).for_each(|(a, b)| *a -= dot * b);
        }
        let norm = own.iter().map(|a| a * a).sum::<f64>().sqrt();
        own.iter_mut().for_each(|a| *a /= norm);
        directions.push(own);
    }
    let mut columns = vec![vec![0.0; n]; d];
    let ends: Vec<f64> =
        shares.iter().scan(0.0, |sum, share| Some(std::mem::replace(sum, *sum + share) + share)).collect();
    for i in 0..n {
        let at = (i as f64 + 0.5) / n as f64;
        let cloud = ends.iter().position(|&end| at < end).unwrap_or(shares.len() - 1);
        for (column, direction) in columns.iter_mut().zip(&directions[cloud]) {
            column[i] = direction * apart / std::f64::consts::SQRT_2 + s.normal();
        }
    }
    Table::new(columns)
}

/// `count` clouds of equal shares.
pub fn blobs(n: usize, d: usize, count: usize, apart: f64, seed: u64) -> Table {
    clouds(n, d, &vec![1.0 / count as f64; count], apart, seed)
}

/// Two interleaved half circles of radius 1 with normal noise, as scikit-learn's `make_moons`.
pub fn moons(n: usize, noise: f64, seed: u64) -> Table {
    let mut s = stream(seed);
    let mut columns = vec![Vec::new(); 2];
    for i in 0..n {
        let angle = std::f64::consts::PI * s.uniform();
        let (x, y) = (libm::cos(angle), libm::sin(angle));
        let (x, y) = if i % 2 == 0 { (x, y) } else { (1.0 - x, 0.5 - y) };
        columns[0].push(x + noise * s.normal());
        columns[1].push(y + noise * s.normal());
    }
    Table::new(columns)
}

/// A half circle in `d` dimensions: a scale that is bent.
pub fn curve(n: usize, d: usize, seed: u64) -> Table {
    let mut s = stream(seed);
    let mut columns = vec![vec![0.0; n]; d];
    for i in 0..n {
        let angle = std::f64::consts::PI * s.uniform();
        for (j, column) in columns.iter_mut().enumerate() {
            let phase = std::f64::consts::PI * j as f64 / d as f64;
            column[i] = libm::cos(angle + phase) + 0.2 * s.normal();
        }
    }
    Table::new(columns)
}

/// A gap of 6 standard deviations in one of `d` columns; the others are independent and normal.
pub fn one_gap(n: usize, d: usize, seed: u64) -> Table {
    let mut table = gaussian(n, d, seed);
    table.columns[0].iter_mut().enumerate().for_each(|(i, v)| *v += if i % 2 == 0 { 6.0 } else { 0.0 });
    table
}

/// Two kinds of people who answer `d` questions with 0 or 1: each says yes to one half of the questions with a probability of
/// 85 %, and to the others with 15 %.
pub fn latent_classes(n: usize, d: usize, seed: u64) -> Table {
    let mut s = stream(seed);
    let mut columns = vec![vec![0.0; n]; d];
    for i in 0..n {
        for (j, column) in columns.iter_mut().enumerate() {
            let share = if (i + j) % 2 == 0 { 0.85 } else { 0.15 };
            column[i] = f64::from(u8::from(s.uniform() < share));
        }
    }
    Table::new(columns)
}
