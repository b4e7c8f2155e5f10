//! Rows on a coarse grid, for work that needs proportions and not the last bit.

use super::{Matrix, TILE};
use rayon::prelude::*;

/// A table is padded with rows of zeros to a multiple of this many tiles.
pub const GROUP: usize = 4;

/// Squared distances stay below 2^32, so no distance may reach this.
const LARGEST_DISTANCE: f64 = 65_535.0;

/// A mean squared distance of less than this, in squared steps and for each feature, is too small for the grid. At this
/// limit rounding adds 1/6 to 64, which is a quarter of a percent.
const LEAST_MEAN: u64 = 64;

/// One word for each of the 16 rows of a tile. In the table of values a word holds two features, the first of them in its
/// lower 16 bits.
#[repr(C, align(64))]
#[derive(Debug, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Pairs(pub [u32; TILE]);

/// The rows of a matrix, each value rounded to a 16-bit multiple of one step, which all features share.
///
/// The step is chosen so that the squared distance of any two rows, a whole number of squared steps, is below 2^32. So
/// sums over rows are exact and may be added in any order, on any device. Rows lie in tiles of 16 as they do in the
/// matrix, but two features share a word: pair `p` of row `i` is at `(i / 16 * pairs + p) * 16 + i % 16`. The rows are
/// padded with zeros to whole groups of [`GROUP`] tiles.
#[derive(Debug, Clone)]
pub struct CoarseRows {
    rows: usize,
    features: usize,
    tiles: Vec<Pairs>,
    /// For each row the sum of its squared values, modulo 2^32.
    norms: Vec<Pairs>,
    /// Each row's weight; together they are below 2^32. None if all are 1.
    weights: Option<Vec<Pairs>>,
    total_weight: u64,
}

/// One row of [`CoarseRows`] as a point that rows are compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoarsePoint {
    /// Its values, two features a word.
    pub pairs: Vec<u32>,
    /// The sum of its squared values, modulo 2^32.
    pub norm: u32,
}

impl CoarseRows {
    /// Rounds the rows of `matrix`. Its weights are kept as they are if they sum up to less than 2^32 steps, and otherwise
    /// rounded to whole multiples of about 2^-32 of their sum.
    pub fn new(matrix: &Matrix) -> Self {
        let (rows, features) = (matrix.rows(), matrix.features());
        let bounds: Vec<(f64, f64)> =
            matrix.bounds().into_iter().map(|(low, high)| (f64::from(low), f64::from(high))).collect();
        let diagonal = bounds.iter().map(|(low, high)| (high - low) * (high - low)).sum::<f64>().sqrt();
        // Rounding makes a difference of two values at most 1 larger, and so a distance at most sqrt(features) larger.
        let steps = LARGEST_DISTANCE - (features as f64).sqrt().ceil() - 1.0;
        let step = if diagonal > 0.0 { diagonal / steps } else { 1.0 };
        let centres: Vec<f64> = bounds.iter().map(|(low, high)| low + (high - low) / 2.0).collect();
        let pairs = features.div_ceil(2);
        let count = rows.div_ceil(TILE).next_multiple_of(GROUP);
        let mut tiles = vec![Pairs([0; TILE]); count * pairs];
        let mut norms = vec![Pairs([0; TILE]); count];
        let work = tiles.par_chunks_mut(pairs).zip(&mut norms).take(matrix.tile_count()).enumerate();
        work.with_min_len(64).for_each(|(t, (tile, norms))| {
            for (j, (lanes, centre)) in matrix.tile(t).iter().zip(&centres).enumerate() {
                let there = TILE.min(rows - t * TILE);
                let mut rounded = [0; TILE];
                for (rounded, &value) in rounded.iter_mut().zip(&lanes[..there]) {
                    *rounded = round_ties_even((f64::from(value) - centre) / step);
                }
                for ((pair, norm), rounded) in tile[j / 2].0.iter_mut().zip(&mut norms.0).zip(rounded) {
                    *pair |= (rounded as u32 & 0xffff) << (j % 2 * 16);
                    *norm = norm.wrapping_add(rounded.wrapping_mul(rounded) as u32);
                }
            }
        });
        let (weights, total_weight) = weights(matrix, count);
        CoarseRows { rows, features, tiles, norms, weights, total_weight }
    }

    /// How many rows there are, without the padding.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many features the rows have.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Words that a row takes.
    pub fn pairs(&self) -> usize {
        self.features.div_ceil(2)
    }

    /// All values, tile after tile.
    pub fn values(&self) -> &[Pairs] {
        &self.tiles
    }

    /// For each tile its rows' sums of squares, modulo 2^32.
    pub fn norms(&self) -> &[Pairs] {
        &self.norms
    }

    /// For each tile its rows' weights, with zeros in the padding; none if every row weighs 1.
    pub fn weights(&self) -> Option<&[Pairs]> {
        self.weights.as_deref()
    }

    /// The weight of row `i`.
    pub fn weight(&self, i: usize) -> u32 {
        self.weights.as_ref().map_or(1, |weights| weights[i / TILE].0[i % TILE])
    }

    /// The weight of all rows.
    pub fn total_weight(&self) -> u64 {
        self.total_weight
    }

    /// The row at `floor(draw * w / 2^64)`, where `w` is the weight of all rows, if the rows are laid end to end, each as long
    /// as its weight.
    pub fn row_at_weight(&self, draw: u64) -> usize {
        let mut left = scaled(draw, self.total_weight);
        match &self.weights {
            None => left as usize,
            Some(_) => (0..self.rows).find(|&i| take(&mut left, self.weight(i).into())).unwrap_or(0),
        }
    }

    /// Row `i`.
    pub fn point(&self, i: usize) -> CoarsePoint {
        let tile = &self.tiles[i / TILE * self.pairs()..][..self.pairs()];
        CoarsePoint {
            pairs: tile.iter().map(|lanes| lanes.0[i % TILE]).collect(),
            norm: self.norms[i / TILE].0[i % TILE],
        }
    }

    /// Sums of weight times squared distance below this are too small for the grid: rounding would distort them.
    pub fn least_potential(&self) -> u64 {
        LEAST_MEAN.saturating_mul(self.features as u64).saturating_mul(self.total_weight)
    }
}

/// `v.round_ties_even() as i32` for a magnitude below 2^31, in a form that compiles to vector code: adding `1.5 * 2^52` leaves
/// the rounded number in the low bits of the f64.
#[inline(always)]
pub(crate) fn round_ties_even(v: f64) -> i32 {
    (v + 6_755_399_441_055_744.0).to_bits() as i32
}

/// `floor(draw * total / 2^64)`.
pub(crate) fn scaled(draw: u64, total: u64) -> u64 {
    ((u128::from(draw) * u128::from(total)) >> 64) as u64
}

/// Whether `left` lies in the next `length` units; if not, these are taken off it.
pub(crate) fn take(left: &mut u64, length: u64) -> bool {
    let within = *left < length;
    if !within {
        *left -= length;
    }
    within
}

/// The rows' weights in `count` tiles, and their sum.
fn weights(matrix: &Matrix, count: usize) -> (Option<Vec<Pairs>>, u64) {
    let Some(steps) = matrix.weights() else { return (None, matrix.rows() as u64) };
    let most = u128::from(u32::MAX);
    let total: u128 = steps.iter().map(|&w| u128::from(w)).sum();
    let mut out = vec![Pairs([0; TILE]); count];
    let mut sum = 0u64;
    for (i, &w) in steps.iter().enumerate() {
        // Rounded down, so that the sum stays in its range.
        let w = if total <= most { u128::from(w) } else { u128::from(w) * most / total };
        out[i / TILE].0[i % TILE] = w as u32;
        sum += w as u64;
    }
    (Some(out), sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_matrix_up_to_the_step() {
        let value =
            |i: usize, j: usize| ((i * 7919 + j * 104_729 + i * i * j) % 1009) as f32 / (1 + j) as f32;
        for (rows, features) in [(1, 1), (70, 2), (200, 7), (50, 301)] {
            let columns = (0..features).map(|j| (0..rows).map(|i| value(i, j)).collect()).collect();
            let names = (0..features).map(|j| format!("f{j}")).collect();
            let matrix = Matrix::from_columns(names, columns).unwrap();
            let coarse = CoarseRows::new(&matrix);
            let pair = |word: u32| [word as i16, (word >> 16) as i16];
            let values = |i: usize| -> Vec<i64> {
                coarse.point(i).pairs.iter().flat_map(|&word| pair(word)).map(i64::from).collect()
            };
            let squared = |i: usize, j: usize| -> i64 {
                values(i).iter().zip(values(j)).map(|(a, b)| (a - b) * (a - b)).sum()
            };
            let own = |i: usize, j: usize| -> f64 {
                let pairs = matrix.row(i).zip(matrix.row(j));
                pairs.map(|(a, b)| (f64::from(a) - f64::from(b)).powi(2)).sum::<f64>().sqrt()
            };
            let bounds = matrix.bounds();
            let diagonal =
                bounds.iter().map(|(a, b)| (f64::from(*b) - f64::from(*a)).powi(2)).sum::<f64>().sqrt();
            let slack = 2.0 + (features as f64).sqrt();
            for i in 0..rows {
                let norm: i64 = values(i).iter().map(|v| v * v).sum();
                assert_eq!(coarse.point(i).norm, norm as u32);
                for j in [0, rows / 2, rows - 1] {
                    assert!(squared(i, j) < 1 << 32);
                    if diagonal > 0.0 {
                        let expected = own(i, j) / diagonal * (LARGEST_DISTANCE - slack);
                        assert!(
                            ((squared(i, j) as f64).sqrt() - expected).abs() <= slack,
                            "{rows} x {features}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn weights_keep_their_proportions() {
        let matrix = Matrix::from_columns(vec!["f".into()], vec![vec![1.0, 2.0, 3.0]]).unwrap();
        assert_eq!(CoarseRows::new(&matrix).total_weight(), 3);
        let small = CoarseRows::new(&matrix.clone().weighted(vec![2.0, 0.0, 5.0]).unwrap());
        assert_eq!((0..3).map(|i| small.weight(i)).collect::<Vec<_>>(), [2, 0, 5]);
        let large = (1u64 << 52) as f64;
        let large = CoarseRows::new(&matrix.weighted(vec![large + 1.0, large, 3.0 * large]).unwrap());
        assert!(large.total_weight() <= u64::from(u32::MAX));
        assert!((f64::from(large.weight(2)) / f64::from(large.weight(1)) - 3.0).abs() < 1e-8);
    }
}
