//! The one definition of distance: `sum over j, in order, of (f64(x_j) - f64(c_j))^2`, in f64.
//!
//! Every label and every neighbour is the lowest index that minimises it. Devices only filter in f32 and hand
//! back what their filter cannot prove ([`Certificate`]). Rust never contracts `a * b + c`, and the lanes of a
//! tile are different rows, so every instruction set computes the same bits here.

use crate::matrix::{Matrix, TILE, unit_exponent};
use pulp::Simd;

/// A centroid set in stored units: `k` rows of `d` values.
#[derive(Debug, Clone, PartialEq)]
pub struct Centroids {
    /// `k * d` values, row by row.
    pub values: Vec<f32>,
    /// How many features.
    pub features: usize,
}

impl Centroids {
    /// How many centroids.
    pub fn k(&self) -> usize {
        self.values.len() / self.features.max(1)
    }

    /// Centroid `c`.
    pub fn get(&self, c: usize) -> &[f32] {
        &self.values[c * self.features..(c + 1) * self.features]
    }

    /// The centroids in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.features)
    }

    /// For each centroid whether it equals no earlier one: only these can be anyone's nearest.
    pub fn first_of_equals(&self) -> Vec<bool> {
        let mut seen = std::collections::HashSet::new();
        self.iter().map(|c| seen.insert(c.iter().map(|v| (v + 0.0).to_bits()).collect::<Vec<_>>())).collect()
    }
}

/// The canonical squared distance, in stored units.
pub fn squared_distance(row: impl Iterator<Item = f32>, centroid: &[f32]) -> f64 {
    let mut sum = 0.0;
    for (x, &c) in row.zip(centroid) {
        let difference = f64::from(x) - f64::from(c);
        sum += difference * difference;
    }
    sum
}

/// The canonical squared distances of vector `v` of a tile's rows to `C` points, both in f64, feature by feature. Lanes
/// are rows, and nothing is fused: the same bits on every machine.
#[inline(always)]
pub(crate) fn tile_squared_distances<S: Simd, const C: usize>(
    simd: S,
    tile: &[[f64; TILE]],
    v: usize,
    points: &[[f64; C]],
) -> [S::f64s; C] {
    let mut squared = [simd.splat_f64s(0.0); C];
    for (lanes, points) in tile.iter().zip(points) {
        let x = S::as_simd_f64s(lanes).0[v];
        for c in 0..C {
            let difference = simd.sub_f64s(x, simd.splat_f64s(points[c]));
            squared[c] = simd.add_f64s(squared[c], simd.mul_f64s(difference, difference));
        }
    }
    squared
}

/// The nearest centroid (lowest index on ties) and its squared distance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nearest {
    /// Index of the nearest.
    pub label: u32,
    /// Its squared distance.
    pub best: f64,
}

/// The canonical label of row `i`.
pub fn label(matrix: &Matrix, i: usize, centroids: &Centroids) -> Nearest {
    let mut out = Nearest::none();
    for (c, centroid) in centroids.iter().enumerate() {
        out.offer(c as u32, squared_distance(matrix.row(i), centroid));
    }
    out
}

impl Nearest {
    /// Before the first candidate.
    pub fn none() -> Self {
        Nearest { label: 0, best: f64::INFINITY }
    }

    /// Takes in candidate `c`; candidates come in increasing order.
    #[inline(always)]
    pub fn offer(&mut self, c: u32, distance: f64) {
        if distance < self.best {
            *self = Nearest { label: c, best: distance };
        }
    }
}

/// When an f32 winner is the canonical one: where `second * low - slack > best * high + slack`.
///
/// A device's f32 sum of `d` squares is within `1 ± (d + 4) * 2^-23` of the true one: each operation errs by at
/// most `2^-23` (WGSL lets it round either way, fuse and reassociate); two roundings of the difference count twice
/// in the square; flushed subnormals of `x` and `c` add at most `2^-23` each or less than `slack`. Evaluating the
/// two sides costs three roundings more, so `e = (d + 8) * 2^-23` covers everything while `d < 7,000`; beyond that
/// the second-order term `d^2 * 2^-46` is added. Squares that underflow are covered by `slack = d * 2^-100`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Certificate {
    /// `1 - e`.
    pub low: f32,
    /// `1 + e`.
    pub high: f32,
    /// `d * 2^-100`.
    pub slack: f32,
}

impl Certificate {
    /// For `d` features.
    pub fn new(d: usize) -> Self {
        let e = ((d + 8) as f64 + (d as f64 / 2896.0).powi(2)) / f64::from(1u32 << 23);
        Certificate {
            low: (1.0 - e) as f32,
            high: (1.0 + e) as f32,
            slack: (d as f64 * libm::ldexp(1.0, -100)) as f32,
        }
    }

    /// For distances that f32 computes without any error: the winner is always the canonical one.
    pub fn exact() -> Self {
        // best <= second always; the lowest index wins ties on the device too.
        Certificate { low: 1.0, high: 0.0, slack: -f32::MIN_POSITIVE }
    }

    /// The certificate for the distances between these rows and centroids: exact where every value is a whole
    /// multiple of one power of two and the squares' sum stays a whole number below `2^24` of its square.
    pub fn for_values(matrix: &Matrix, others: &[f32]) -> Self {
        let unit = others.iter().fold(matrix.unit(), |u, &v| u.min(unit_exponent(v)));
        if unit == i32::MAX {
            return Certificate::exact();
        }
        let d = matrix.features();
        let scale = libm::ldexp(1.0, -unit);
        let sum: f64 = (0..d)
            .map(|j| {
                let reach = others.iter().skip(j).step_by(d).fold(0f32, |m, v| m.max(v.abs()));
                let difference = (f64::from(matrix.magnitudes()[j]) + f64::from(reach)) * scale;
                difference * difference
            })
            .sum();
        // The square of a unit must not be subnormal either.
        if sum <= f64::from(1u32 << 24) && unit > -60 { Certificate::exact() } else { Certificate::new(d) }
    }

    /// What f32 makes of a distance of at most `distance`, or `distance` of what f32 made of it, is at most this.
    #[inline(always)]
    pub(crate) fn above(&self, distance: f64) -> f64 {
        // Twice the excess: 1 / (1 - e) is below 1 + 2 e.
        distance * (2.0 * f64::from(self.high) - 1.0) + 2.0 * f64::from(self.slack)
    }

    /// Whether the filter proves the winner.
    #[inline(always)]
    pub fn holds(&self, best: f32, second: f32) -> bool {
        second * self.low - self.slack > best * self.high + self.slack
    }
}

/// Lower bounds of `|c|^2 / 2 - x.c`, which orders points `c` as their distances from a row `x` do, in half the
/// arithmetic of the distance.
///
/// Computed as `start - x.c + norm(x) * slope` in f32, with or without fused multiply-adds. With `m = |x||c| + |c|^2 / 2`
/// and `u` a [`Rounding`], its `d + 2` roundings err by at most `(d + 2) u m`, and by `(d / 1600)^2 u m` in second order. Start
/// and slope take off `gamma m`, `gamma = (d + 10 + (d / 800)^2) u`, and up to `4 u m` in being rounded, so that what
/// comes out is a bound from below, and the true value less than `(2 d + 17) u m` above it; `width = 2.2 gamma` covers
/// that and its own evaluation. Underflow adds less than `d * 2^-100`; the f64 roundings of the canonical distance less
/// than `2^-20 * gamma * |x|^2`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DotProductBound {
    /// The share of `m` that is taken off.
    pub gamma: f64,
    /// At most this share of `m` the bound is below the true value.
    pub width: f32,
    /// `d * 2^-100`.
    pub slack: f32,
}

/// How a device rounds f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest, by at most `2^-24`: a CPU.
    Nearest,
    /// To either side, by at most `2^-23`: WGSL. What a flushed subnormal takes away, `2^-126 |x|` for each feature, is
    /// less than what `|x|^2` or underflow is allowed.
    Either,
}

/// What [`DotProductBound`] wants of a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DotProductTerms {
    /// `|c|^2 / 2`, less its share of the error.
    pub start: f32,
    /// The rest of the error, for each unit of the row's norm; negative.
    pub slope: f32,
    /// At least `|c|`.
    pub radius: f32,
}

impl DotProductBound {
    /// For rows of `d` features.
    pub fn new(d: usize, rounding: Rounding) -> Self {
        let bits = match rounding {
            Rounding::Nearest => 24,
            Rounding::Either => 23,
        };
        let gamma = ((d + 10) as f64 + (d as f64 / 800.0).powi(2)) * libm::ldexp(1.0, -bits);
        DotProductBound { gamma, width: (2.2 * gamma) as f32, slack: Certificate::new(d).slack }
    }

    /// A point's terms.
    pub fn point(&self, values: impl Iterator<Item = f32>) -> DotProductTerms {
        let squared: f64 = values.map(|v| f64::from(v) * f64::from(v)).sum();
        DotProductTerms {
            start: ((squared / 2.0 * (1.0 - self.gamma)) as f32).next_down(),
            slope: -((self.gamma * squared.sqrt()) as f32).next_up(),
            radius: (squared.sqrt() as f32).next_up(),
        }
    }
}
