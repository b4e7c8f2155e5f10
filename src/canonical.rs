//! The one definition of distance: `sum over j, in order, of (f64(x_j) - f64(c_j))^2`, in f64.
//!
//! Every label and every neighbour is the lowest index that minimises it. A device searches in f32, and a proven error
//! bound ([`Certificate`] or [`DotProductBound`]) tells where its result is certain. Only where it is not is the distance
//! computed in f64. Rust never fuses `a * b + c`, and vector code puts different rows into different lanes, so every
//! instruction set gives the same bits.

use crate::matrix::{Matrix, unit_exponent};

/// A set of centroids in stored units (see [`Matrix`]): `k` rows of `d` values.
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

    /// For each centroid whether no earlier one equals it. Only these can be the nearest of a row, since ties go to the
    /// lowest index.
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
    /// The state before the first candidate.
    pub fn none() -> Self {
        Nearest { label: 0, best: f64::INFINITY }
    }

    /// Takes candidate `c` into account. Candidates must come in increasing order.
    #[inline(always)]
    pub fn offer(&mut self, c: u32, distance: f64) {
        if distance < self.best {
            *self = Nearest { label: c, best: distance };
        }
    }
}

/// Tells when the nearest point by f32 distances is also the nearest by canonical distances: if
/// `second * low - slack > best * high + slack`, where `best` and `second` are the two smallest squared distances in f32.
///
/// The proof: a device's f32 sum of `d` squares is within a factor `1 ± (d + 4) * 2^-23` of the true one. Each operation has
/// a relative error of at most `2^-23` (WGSL allows rounding in either direction, fusing and reassociating). The rounding of
/// a difference counts twice in its square. Flushing subnormal `x` and `c` to zero adds at most `2^-23` each, or less than
/// `slack`. Evaluating the two sides takes three more roundings, so `e = (d + 8) * 2^-23` covers everything while
/// `d < 7,000`; for more features the second-order term `d^2 * 2^-46` is added. Squares that underflow are covered by
/// `slack = d * 2^-100`.
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

    /// For distances that f32 computes without any error: the nearest point is always the canonical one.
    pub fn exact() -> Self {
        // This holds for every best <= second, ties included: the lowest index wins those on the device too.
        Certificate { low: 1.0, high: 0.0, slack: -f32::MIN_POSITIVE }
    }

    /// The certificate for the distances between the rows of `matrix` and other points (`others`, row by row). It is exact
    /// if all values are whole multiples of one power of two, and so small that every sum of squares is a whole number of
    /// at most `2^24` times the square of that power. Tables of 0 and 1 are of this kind.
    pub fn for_values(matrix: &Matrix, others: &[f32]) -> Self {
        let d = matrix.features();
        let unit = others.iter().fold(i32::MAX, |u, &v| u.min(unit_exponent(v)));
        let largest = |j| others.iter().skip(j).step_by(d).fold(0f32, |m, v| m.max(v.abs()));
        Self::between(matrix, unit, largest)
    }

    /// The same for the distances between the rows of two matrices.
    pub fn for_rows(matrix: &Matrix, others: &Matrix) -> Self {
        Self::between(matrix, others.unit(), |j| others.magnitudes()[j])
    }

    /// For points whose values are whole multiples of `2^unit`, and at most `largest(j)` in feature `j`.
    fn between(matrix: &Matrix, unit: i32, largest: impl Fn(usize) -> f32) -> Self {
        let unit = matrix.unit().min(unit);
        if unit == i32::MAX {
            return Certificate::exact();
        }
        let d = matrix.features();
        let scale = libm::ldexp(1.0, -unit);
        let sum: f64 = (0..d)
            .map(|j| {
                let difference = (f64::from(matrix.magnitudes()[j]) + f64::from(largest(j))) * scale;
                difference * difference
            })
            .sum();
        // The square of the unit must not be subnormal.
        if sum <= f64::from(1u32 << 24) && unit > -60 { Certificate::exact() } else { Certificate::new(d) }
    }

    /// An upper bound for the f32 value of a squared distance that is at most `distance`. The other way round it is also an
    /// upper bound for a squared distance whose f32 value is at most `distance`.
    #[inline(always)]
    pub(crate) fn above(&self, distance: f64) -> f64 {
        // 1 + 2 e, because 1 / (1 - e) is below that.
        distance * (2.0 * f64::from(self.high) - 1.0) + 2.0 * f64::from(self.slack)
    }

    /// Whether these two smallest squared distances in f32 prove which point is the nearest.
    #[inline(always)]
    pub fn holds(&self, best: f32, second: f32) -> bool {
        second * self.low - self.slack > best * self.high + self.slack
    }
}

/// Lower bounds of `|c|^2 / 2 - x.c`, where `x.c` is the dot product of a row `x` and a point `c`.
///
/// For one row these values order the points as their distances do, because
/// `|x - c|^2 = |x|^2 + 2 (|c|^2 / 2 - x.c)`. They take half the arithmetic: one multiply-add a feature, where a distance
/// takes a subtraction as well. A point is proved to be the nearest if its value plus the largest possible error is
/// still below the bounds of all others.
///
/// The bound is computed as `start - x.c + norm(x) * slope` in f32, with or without fused multiply-adds. Let
/// `m = |x||c| + |c|^2 / 2`, and `u` the relative error of one operation ([`Rounding`]). The `d + 2` roundings add up to an
/// error of at most `(d + 2) u m`, and `(d / 1600)^2 u m` in second order. Start and slope subtract `gamma m` with
/// `gamma = (d + 10 + (d / 800)^2) u`, and up to `4 u m` more by being rounded. So the result is a lower bound, and the true
/// value is less than `(2 d + 17) u m` above it; `width = 2.2 gamma` covers that and its own evaluation. Underflow adds less
/// than `d * 2^-100`, and the f64 roundings of the canonical distance add less than `2^-20 * gamma * |x|^2`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DotProductBound {
    /// The share of `m` that is subtracted.
    pub gamma: f64,
    /// The true value is at most this share of `m` above the bound.
    pub width: f32,
    /// `d * 2^-100`.
    pub slack: f32,
}

/// For a set of points of one [`DotProductBound`]: how far apart the two smallest values of a row must be for the smallest
/// one to be proved the nearest point.
///
/// With the largest radius of the set for every point, all bounds lack the same `-norm(x) * slope`, so the values can be
/// compared without it. What it would have subtracted from the second value is added to the error of the first:
/// `(width + gamma) |x| radius + width (radius^2 / 2 + |x|^2 / 2^20) + slack`. That takes three operations for a row,
/// whatever the number of points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DotProductError {
    /// For each unit of the row's squared norm.
    pub quadratic: f32,
    /// For each unit of the row's norm.
    pub linear: f32,
    /// For every row.
    pub constant: f32,
}

/// How a device rounds f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest number, with an error of at most `2^-24`: a CPU.
    Nearest,
    /// In either direction, with an error of at most `2^-23`: WGSL. Flushing a subnormal to zero adds at most `2^-126 |x|`
    /// for each feature, which is less than what is allowed for `|x|^2` or underflow.
    Either,
}

/// The terms of a [`DotProductBound`] that depend on the point alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DotProductTerms {
    /// `|c|^2 / 2`, minus its share of the error.
    pub start: f32,
    /// The rest of the error for each unit of the row's norm, as a negative number.
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

    /// The error of the points whose largest radius this is.
    pub fn error(&self, radius: f32) -> DotProductError {
        let (radius, width) = (f64::from(radius), f64::from(self.width));
        DotProductError {
            quadratic: ((width * libm::ldexp(1.0, -20)) as f32).next_up(),
            linear: (((width + self.gamma) * radius) as f32).next_up(),
            constant: ((width * radius * radius / 2.0 + f64::from(self.slack)) as f32).next_up(),
        }
    }

    /// The terms of a point.
    pub fn point(&self, values: impl Iterator<Item = f32>) -> DotProductTerms {
        let squared: f64 = values.map(|v| f64::from(v) * f64::from(v)).sum();
        DotProductTerms {
            start: ((squared / 2.0 * (1.0 - self.gamma)) as f32).next_down(),
            slope: -((self.gamma * squared.sqrt()) as f32).next_up(),
            radius: (squared.sqrt() as f32).next_up(),
        }
    }
}
