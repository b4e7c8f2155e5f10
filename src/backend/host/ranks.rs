//! The distances of one row to all others, and its neighbours' ranks among them.

use crate::backend::BinaryMetric;
use crate::backend::simd::{InstructionSet, PairProducts, Vectorized};
use crate::matrix::{BinaryMatrix, Matrix, TILE};

/// Points that are compared with each other.
#[derive(Clone, Copy)]
pub(crate) enum Points<'a> {
    /// By the canonical squared distance.
    Rows(&'a Matrix),
    /// By a distance of answers.
    Binary(&'a BinaryMatrix, BinaryMetric),
    /// By the squared Euclidean distance in f64, added up in the order of the columns.
    Columns(&'a [Vec<f64>]),
}

impl Points<'_> {
    /// How many points.
    pub(crate) fn rows(&self) -> usize {
        match self {
            Points::Rows(matrix) => matrix.rows(),
            Points::Binary(table, _) => table.rows(),
            Points::Columns(columns) => columns.first().map_or(0, Vec::len),
        }
    }

    /// The distances from point `own` to all points, squared or not. `out` has one place for each point; that of `own`
    /// becomes NaN, which is never smaller than anything.
    pub(crate) fn distances_from(&self, set: InstructionSet, own: usize, out: &mut [f64]) {
        set.run(From { points: *self, own, out: &mut *out });
        out[own] = f64::NAN;
    }
}

struct From<'a> {
    points: Points<'a>,
    own: usize,
    out: &'a mut [f64],
}

impl Vectorized for From<'_> {
    type Output = ();

    /// Plain loops: the compiler makes vectors of them, and never fuses or reorders.
    #[inline(always)]
    fn run<S: PairProducts, const V: usize>(self, _: S) {
        let From { points, own, out } = self;
        match points {
            Points::Rows(matrix) => {
                let point: Vec<f64> = matrix.row(own).map(f64::from).collect();
                for (t, out) in out.chunks_mut(TILE).enumerate() {
                    let mut sums = [0f64; TILE];
                    for (lanes, &value) in matrix.tile(t).iter().zip(&point) {
                        for lane in 0..TILE {
                            let difference = f64::from(lanes[lane]) - value;
                            sums[lane] += difference * difference;
                        }
                    }
                    out.copy_from_slice(&sums[..out.len()]);
                }
            }
            Points::Binary(table, metric) => {
                let (point, ones) = (table.row(own), table.ones(own));
                for (row, out) in out.iter_mut().enumerate() {
                    let mut both = 0;
                    for (a, b) in point.iter().zip(table.row(row)) {
                        both += (a & b).count_ones();
                    }
                    let (above, below) = metric.fraction(table.features(), both, ones, table.ones(row));
                    // Different fractions of numbers below 2^26 have different quotients.
                    *out = f64::from(above) / f64::from(below);
                }
            }
            Points::Columns(columns) => {
                out.fill(0.0);
                for column in columns {
                    let value = column[own];
                    for (out, &other) in out.iter_mut().zip(column) {
                        *out += (other - value) * (other - value);
                    }
                }
            }
        }
    }
}

/// The `k` smallest distances and their points, the smallest first and equal ones by number. NaN is left out.
pub(crate) fn smallest(distances: &[f64], k: usize) -> Vec<(f64, u32)> {
    let mut list: Vec<(f64, u32)> = Vec::with_capacity(k + 1);
    let mut limit = f64::INFINITY;
    for (row, &distance) in distances.iter().enumerate() {
        // A later point of an equal distance comes behind those that are there.
        if distance < limit || (list.len() < k && !distance.is_nan()) {
            let at = list.partition_point(|&(other, _)| other <= distance);
            list.insert(at, (distance, row as u32));
            list.truncate(k);
            if list.len() == k {
                limit = list[k - 1].0;
            }
        }
    }
    list
}

/// For each of some points its rank in the order of distances, in which equal ones come by number: 1 is the nearest.
pub(crate) fn ranks(set: InstructionSet, distances: &[f64], points: &[u32]) -> Vec<u64> {
    set.run(Ranks { distances, points })
}

struct Ranks<'a> {
    distances: &'a [f64],
    points: &'a [u32],
}

/// So many distances are compared with all points while they are in the first-level cache.
const PIECE: usize = 2048;

impl Vectorized for Ranks<'_> {
    type Output = Vec<u64>;

    #[inline(always)]
    fn run<S: PairProducts, const V: usize>(self, _: S) -> Vec<u64> {
        let Ranks { distances, points } = self;
        let mut ranks = vec![1u64; points.len()];
        for (p, piece) in distances.chunks(PIECE).enumerate() {
            for (rank, &point) in ranks.iter_mut().zip(points) {
                let limit = distances[point as usize];
                let (before, behind) =
                    piece.split_at((point as usize).saturating_sub(p * PIECE).min(piece.len()));
                let mut found = 0u64;
                for &distance in before {
                    found += u64::from(distance <= limit);
                }
                for &distance in behind {
                    found += u64::from(distance < limit);
                }
                *rank += found;
            }
        }
        ranks
    }
}
