//! The rows that everything is computed on: n x d values, each rounded once to the grid of its feature.
//!
//! A grid has steps of a power of two. Each value is a whole number of steps, so sums of values are sums of integers and
//! do not depend on the order of the rows. Values are stored multiplied by one more power of two, `2^shift`, the same for
//! all features. It is chosen so that no squared distance overflows, and none loses bits on a device that flushes
//! subnormal numbers to zero; see ARCHITECTURE.md, "Numbers".

pub mod binary;
mod block_sums;
pub mod coarse;
mod repeats;
mod row_major;

use crate::error::{Error, Result};
use crate::weights::Weights;
pub use binary::BinaryMatrix;
pub(crate) use block_sums::block_sums;
use bytemuck::{Pod, Zeroable};
use ndarray::ArrayView2;
use rayon::prelude::*;
pub use repeats::Repeats;
pub use row_major::RowMajor;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Rows of a tile. The values of its 16 rows lie side by side, feature after feature.
pub const TILE: usize = 16;

/// Rows of a block. Every f64 sum over rows is computed in blocks of this many rows, so that it is the same for any number
/// of threads.
pub const BLOCK: usize = 4096;

/// How many bits a value of a feature's largest magnitude has.
const GRID_BITS: i32 = 31;

/// Squared distances between rows stay below 2 to this power. Squared distances between rows and centroids may be up to
/// `2^100`, so start centroids may lie 32 times further out than any row.
const LARGEST_EXPONENT: i32 = 90;

/// The grid of each feature: its values are whole numbers of steps of `2^exponent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grid {
    exponents: Vec<i32>,
}

impl Grid {
    /// The grid for features of these largest magnitudes (finite, not negative); `shift` as in [`Matrix`].
    fn fit(magnitudes: &[f32], shift: i32) -> Self {
        // A step below 2^-126 would be subnormal on a device, so a feature that is 2^111 times smaller than the largest one
        // gets coarser steps.
        let floor = -126 - shift;
        let exponents = magnitudes
            .iter()
            .map(|&m| if m == 0.0 { 0 } else { (exponent_above(m) - GRID_BITS).max(floor) })
            .collect();
        Grid { exponents }
    }

    /// Whether every step is one that a table of f32 values can need.
    pub(crate) fn is_sound(&self) -> bool {
        self.exponents.iter().all(|e| (-180..=128).contains(e))
    }

    /// How many features it is for.
    pub fn features(&self) -> usize {
        self.exponents.len()
    }

    /// The step of feature `j`, `2^exponent`.
    pub fn step(&self, j: usize) -> f64 {
        pow2(self.exponents[j])
    }
}

/// `2^e` for every exponent that a grid can have.
pub(crate) fn pow2(e: i32) -> f64 {
    libm::ldexp(1.0, e)
}

/// The smallest `e` with `m < 2^e`, for a positive finite `m`.
fn exponent_above(m: f32) -> i32 {
    libm::frexp(f64::from(m)).1
}

/// The shift for `d` features whose largest magnitude is `m`.
fn shift_for(m: f32, d: usize) -> i32 {
    if m == 0.0 {
        return 0;
    }
    // d * (2m)^2 * 2^(2 shift) < 2^LARGEST_EXPONENT
    let log2_d = (usize::BITS - d.leading_zeros()) as i32;
    (LARGEST_EXPONENT - log2_d - 2).div_euclid(2) - exponent_above(m)
}

/// One feature of a tile, on its own cache line.
#[repr(C, align(64))]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub(crate) struct Lanes(pub(crate) [f32; TILE]);

/// Rounds values to a grid, and multiplies them by `2^shift`.
struct Snap {
    grid: Grid,
    shift: i32,
    /// For each feature two factors: the first turns a value into steps, the second turns steps into a stored value.
    factors: Vec<(f64, f64)>,
}

impl Snap {
    /// For features of these largest magnitudes, and centroids with values of magnitude `max_abs_centroid` at most. Without a
    /// given grid one is fitted to the magnitudes.
    fn new(magnitudes: &[f32], grid: Option<Grid>, max_abs_centroid: f32) -> Self {
        let largest = magnitudes.iter().fold(max_abs_centroid, |m, &v| m.max(v));
        let shift = shift_for(largest, magnitudes.len());
        let grid = grid.unwrap_or_else(|| Grid::fit(magnitudes, shift));
        let factors = grid.exponents.iter().map(|&e| (pow2(-e), pow2(e + shift))).collect();
        Snap { grid, shift, factors }
    }

    /// The stored value. Rounding to a whole number of steps is the only rounding.
    #[inline(always)]
    fn value(&self, feature: usize, v: f32) -> f32 {
        /// Adding this to a number leaves no bits for a fraction, so it rounds to the nearest whole number, ties to even.
        /// An f32 of 2^51 or more is whole anyway.
        const WHOLE: f64 = 1.5 * (1u64 << 52) as f64;
        let (steps, scale) = self.factors[feature];
        let value = f64::from(v) * steps;
        let rounded = if value.abs() < (1u64 << 51) as f64 { (value + WHOLE) - WHOLE } else { value };
        (rounded * scale) as f32
    }
}

/// A table of features, ready to be computed on.
///
/// `values()` are in tiles: row `i`, feature `j` is at `(i / 16 * d + j) * 16 + i % 16`, times `2^shift`; the
/// last tile is padded with zero rows.
#[derive(Debug, Clone)]
pub struct Matrix {
    rows: usize,
    features: usize,
    tiles: Vec<Lanes>,
    grid: Grid,
    shift: i32,
    names: Vec<String>,
    weights: Option<Weights>,
    repeats: Option<Repeats>,
    magnitudes: Vec<f32>,
    unit: i32,
}

impl Matrix {
    /// A matrix of feature columns, each with one finite value a row, on a grid fitted to them.
    ///
    /// # Errors
    /// Columns of different lengths or none, no rows, a value that is not finite.
    pub fn from_columns(names: Vec<String>, columns: Vec<Vec<f32>>) -> Result<Self> {
        Self::build(names, columns, None, 0.0)
    }

    /// As [`Matrix::from_columns`], but scaled so that start centroids with values of up to `max_abs_centroid`, in the
    /// user's units, can be represented too.
    ///
    /// # Errors
    /// As [`Matrix::from_columns`].
    pub fn with_room_for(names: Vec<String>, columns: Vec<Vec<f32>>, max_abs_centroid: f32) -> Result<Self> {
        Self::build(names, columns, None, max_abs_centroid)
    }

    /// New rows on the grid of an earlier fit, scaled so that its centroids, of magnitude `max_abs_centroid` at most, can be
    /// represented too.
    ///
    /// # Errors
    /// As [`Matrix::from_columns`]; a grid of another number of features.
    pub fn on_grid(
        names: Vec<String>,
        columns: Vec<Vec<f32>>,
        grid: &Grid,
        max_abs_centroid: f32,
    ) -> Result<Self> {
        if grid.features() != columns.len() {
            return Err(Error::data(format!(
                "the grid is for {} features, the table has {}",
                grid.features(),
                columns.len()
            )));
        }
        Self::build(names, columns, Some(grid.clone()), max_abs_centroid)
    }

    /// A matrix from a row-major array, features named `f0`, `f1`, …
    ///
    /// # Errors
    /// As [`Matrix::from_columns`].
    pub fn from_array(array: ArrayView2<'_, f32>) -> Result<Self> {
        let columns = array.columns().into_iter().map(|c| c.to_vec()).collect();
        Self::from_columns((0..array.ncols()).map(|j| format!("f{j}")).collect(), columns)
    }

    fn build(
        names: Vec<String>,
        columns: Vec<Vec<f32>>,
        grid: Option<Grid>,
        max_abs_centroid: f32,
    ) -> Result<Self> {
        let features = columns.len();
        let rows = columns.first().map_or(0, Vec::len);
        if features == 0 || names.len() != features || columns.iter().any(|c| c.len() != rows) {
            return Err(Error::data("a matrix needs named columns of equal length"));
        }
        if rows == 0 {
            return Err(Error::data("there are no rows"));
        }
        if rows > u32::MAX as usize - TILE {
            return Err(Error::data(format!("{rows} rows: at most 2^32 - 17 are possible")));
        }
        let infinite = |j: usize| columns[j].iter().position(|v| !v.is_finite()).map(|i| (i, j));
        if let Some((i, j)) = (0..features).into_par_iter().find_map_first(infinite) {
            let (name, value) = (&names[j], columns[j][i]);
            return Err(Error::data(format!("feature {name}, row {}: {value} is not finite", i + 1)));
        }
        if !max_abs_centroid.is_finite() {
            return Err(Error::data("a centroid is not finite"));
        }
        let magnitudes: Vec<f32> =
            columns.par_iter().map(|c| c.iter().fold(0f32, |m, v| m.max(v.abs()))).collect();
        let snap = Snap::new(&magnitudes, grid, max_abs_centroid);
        let mut tiles = vec![Lanes::zeroed(); rows.div_ceil(TILE) * features];
        tiles.par_chunks_mut(features).enumerate().for_each(|(t, tile)| {
            for (j, Lanes(lanes)) in tile.iter_mut().enumerate() {
                let from = &columns[j][t * TILE..rows.min((t + 1) * TILE)];
                for (lane, &v) in lanes.iter_mut().zip(from) {
                    *lane = snap.value(j, v);
                }
            }
        });
        drop(columns);
        Self::snapped(rows, tiles, snap, names)
    }

    /// A matrix of rows that were read, which takes over their memory. `max_abs_centroid` is explained at
    /// [`Matrix::with_room_for`].
    ///
    /// # Errors
    /// As [`Matrix::from_columns`].
    pub fn from_row_major(names: Vec<String>, block: RowMajor, max_abs_centroid: f32) -> Result<Self> {
        let (rows, features) = (block.rows(), block.features());
        if names.len() != features || features == 0 || rows == 0 || rows > u32::MAX as usize - TILE {
            return Err(Error::data("a matrix needs named columns, and between 1 and 2^32 - 17 rows"));
        }
        if let Some((j, i)) = block.find(|v| !v.is_finite()) {
            let what = format!("feature {}, row {}: {} is not finite", names[j], i + 1, block.get(i, j));
            return Err(Error::data(what));
        }
        if !max_abs_centroid.is_finite() {
            return Err(Error::data("a centroid is not finite"));
        }
        let larger = |mut largest: Vec<f32>, row: &[f32]| {
            largest.iter_mut().zip(row).for_each(|(m, v)| *m = m.max(v.abs()));
            largest
        };
        let magnitudes = block
            .values()
            .par_chunks(features)
            .fold(|| vec![0f32; features], larger)
            .reduce(|| vec![0f32; features], |a, b| larger(a, &b));
        let snap = Snap::new(&magnitudes, None, max_abs_centroid);
        let mut tiles = block.tiles;
        tiles.par_chunks_mut(features).for_each_init(
            || vec![Lanes::zeroed(); features],
            |own, tile| {
                // The 16 rows that belong to this tile lie in the same bytes as the tile.
                own.copy_from_slice(tile);
                let rows: &[f32] = bytemuck::cast_slice(own);
                for (j, Lanes(lanes)) in tile.iter_mut().enumerate() {
                    for (lane, row) in lanes.iter_mut().zip(rows.chunks_exact(features)) {
                        *lane = snap.value(j, row[j]);
                    }
                }
            },
        );
        Self::snapped(rows, tiles, snap, names)
    }

    fn snapped(rows: usize, tiles: Vec<Lanes>, snap: Snap, names: Vec<String>) -> Result<Self> {
        let out = Self::from_tiles(rows, names.len(), tiles, snap.grid, snap.shift, names);
        match out.magnitudes.iter().position(|&m| m > out.max_abs_centroid()) {
            Some(j) => {
                Err(Error::data(format!("feature {}: the grid is too coarse for its values", out.names[j])))
            }
            None => Ok(out),
        }
    }

    fn from_tiles(
        rows: usize,
        features: usize,
        tiles: Vec<Lanes>,
        grid: Grid,
        shift: i32,
        names: Vec<String>,
    ) -> Self {
        // No value can have a finer unit than the finest step, so the search can stop there.
        let finest = grid.exponents.iter().fold(i32::MAX, |e, &own| e.min(own + shift));
        let (magnitudes, unit) = tiles
            .par_chunks(features)
            .fold(
                || (vec![0f32; features], i32::MAX),
                |(mut largest, mut unit), tile| {
                    for (m, Lanes(lanes)) in largest.iter_mut().zip(tile) {
                        *m = lanes.iter().fold(*m, |m, v| m.max(v.abs()));
                        if unit > finest {
                            unit = lanes.iter().fold(unit, |unit, &v| unit.min(unit_exponent(v)));
                        }
                    }
                    (largest, unit)
                },
            )
            .reduce(
                || (vec![0f32; features], i32::MAX),
                |(a, u), (b, v)| (a.iter().zip(&b).map(|(x, y)| x.max(*y)).collect(), u.min(v)),
            );
        Matrix { rows, features, tiles, grid, shift, names, weights: None, repeats: None, magnitudes, unit }
    }

    /// The same rows with sample weights. A row of weight 2 counts as two rows, and one of weight 0 as none.
    ///
    /// # Errors
    /// Not one weight a row, and those of [`Weights::new`].
    pub fn weighted<W: Into<f64>>(self, weights: Vec<W>) -> Result<Self> {
        let given: Vec<f64> = weights.into_iter().map(Into::into).collect();
        self.with_weights(Weights::new(&given)?)
    }

    /// As [`Matrix::weighted`], with weights that are ready to use.
    ///
    /// # Errors
    /// Not one weight a row.
    pub fn with_weights(mut self, weights: Weights) -> Result<Self> {
        if weights.len() != self.rows {
            return Err(Error::data(format!("{} weights for {} rows", weights.len(), self.rows)));
        }
        self.weights = Some(weights);
        self.repeats = None;
        Ok(self)
    }

    /// The same rows, with a record of which of them are equal, so that fits and scores need not find it out each time.
    pub fn with_repeats(mut self) -> Self {
        self.repeats = Some(Repeats::of(&self));
        self
    }

    /// The same rows, if no two of them are equal and all have a weight above 0, so that nobody needs to find it out.
    pub(crate) fn with_distinct_rows(mut self) -> Self {
        self.repeats = Some(Repeats::none(self.rows));
        self
    }

    /// Which rows are equal: the record of [`Matrix::with_repeats`], or a new one.
    pub fn repeats(&self) -> Cow<'_, Repeats> {
        self.repeats.as_ref().map_or_else(|| Cow::Owned(Repeats::of(self)), Cow::Borrowed)
    }

    /// How many copies row `i` counts as: 1 if rows have no weights.
    pub fn copies(&self, i: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |w| w.copies(i))
    }

    /// How many copies all rows count as together.
    pub fn total_copies(&self) -> f64 {
        self.weights.as_ref().map_or(self.rows as f64, |w| w.as_copies(w.total()))
    }

    /// The rows with these numbers, in this order, on the same grid and with the same shift.
    pub fn select(&self, rows: &[usize]) -> Matrix {
        let mut out = self.gather(rows);
        out.weights = self.weights.as_ref().map(|w| w.select(rows.iter().copied()));
        out
    }

    /// The rows with these numbers and other weights, in steps of this matrix's weights, or in copies if it has none.
    pub(crate) fn select_weighted(&self, rows: &[usize], steps: Vec<u64>) -> Matrix {
        let mut out = self.gather(rows);
        out.weights = Some(match &self.weights {
            Some(weights) => weights.with_steps(steps),
            None => Weights::counts(steps),
        });
        out
    }

    fn gather(&self, rows: &[usize]) -> Matrix {
        let mut tiles = vec![Lanes::zeroed(); rows.len().div_ceil(TILE) * self.features];
        tiles.par_chunks_mut(self.features).zip(rows.par_chunks(TILE)).for_each(|(tile, rows)| {
            for (lane, &i) in rows.iter().enumerate() {
                for (j, v) in self.row(i).enumerate() {
                    tile[j].0[lane] = v;
                }
            }
        });
        Self::from_tiles(rows.len(), self.features, tiles, self.grid.clone(), self.shift, self.names.clone())
    }

    /// `rows` other rows on the grid and with the shift of this matrix; `value(i, j)` gives their values in the user's units.
    pub fn beside(&self, rows: usize, value: impl Fn(usize, usize) -> f64 + Sync) -> Matrix {
        let mut tiles = vec![Lanes::zeroed(); rows.div_ceil(TILE) * self.features];
        tiles.par_chunks_mut(self.features).enumerate().for_each(|(t, tile)| {
            for i in t * TILE..rows.min((t + 1) * TILE) {
                for (j, Lanes(lanes)) in tile.iter_mut().enumerate() {
                    let (step, scale) = (self.grid.step(j), pow2(self.grid.exponents[j] + self.shift));
                    let rounded = f64::from(value(i, j) as f32);
                    lanes[i % TILE] = ((rounded / step).round_ties_even() * scale + 0.0) as f32;
                }
            }
        });
        Self::from_tiles(rows, self.features, tiles, self.grid.clone(), self.shift, self.names.clone())
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many features.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The features' names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The grid of the values.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Stored values are the user's values times `2^shift`.
    pub fn shift(&self) -> i32 {
        self.shift
    }

    /// Each row's weight as a whole number of weight steps, if rows have weights.
    pub fn weights(&self) -> Option<&[u64]> {
        self.weights.as_ref().map(Weights::steps)
    }

    /// The rows' weights, if they have any.
    pub fn sample_weights(&self) -> Option<&Weights> {
        self.weights.as_ref()
    }

    /// The stored values, tile after tile.
    pub fn values(&self) -> &[f32] {
        bytemuck::cast_slice(&self.tiles)
    }

    /// The largest magnitude of each feature, in stored units.
    pub fn magnitudes(&self) -> &[f32] {
        &self.magnitudes
    }

    /// An upper bound for the distance between any two rows, in stored units.
    pub(crate) fn largest_distance(&self) -> f64 {
        self.magnitudes.iter().map(|&m| 4.0 * f64::from(m) * f64::from(m)).sum::<f64>().sqrt()
    }

    /// All stored values are whole multiples of `2^unit`.
    pub(crate) fn unit(&self) -> i32 {
        self.unit
    }

    /// Tile `t`: for each feature, the values of 16 rows.
    pub fn tile(&self, t: usize) -> &[[f32; TILE]] {
        bytemuck::cast_slice(&self.tiles[t * self.features..(t + 1) * self.features])
    }

    /// How many tiles.
    pub fn tile_count(&self) -> usize {
        self.rows.div_ceil(TILE)
    }

    /// The smallest and the largest stored value of each feature.
    pub(crate) fn bounds(&self) -> Vec<(f32, f32)> {
        let none = || vec![(f32::INFINITY, f32::NEG_INFINITY); self.features];
        let within = |a: (f32, f32), b: (f32, f32)| (a.0.min(b.0), a.1.max(b.1));
        (0..self.tile_count())
            .into_par_iter()
            .fold(none, |mut bounds, t| {
                let there = TILE.min(self.rows - t * TILE);
                for (bound, lanes) in bounds.iter_mut().zip(self.tile(t)) {
                    *bound = lanes[..there].iter().fold(*bound, |bound, &v| within(bound, (v, v)));
                }
                bounds
            })
            .reduce(none, |a, b| a.into_iter().zip(b).map(|(a, b)| within(a, b)).collect())
    }

    /// For each row an upper bound of its Euclidean norm in stored units, at most one f32 rounding above it; padded with
    /// zeros to a multiple of 64 rows. This is a parallel pass over the table, so callers do it once, before any parallel
    /// work of their own.
    pub(crate) fn norms(&self) -> Vec<f32> {
        let mut norms = vec![0f32; self.rows.next_multiple_of(64)];
        norms.par_chunks_mut(TILE).take(self.tile_count()).enumerate().for_each(|(t, norms)| {
            let mut squares = [0f64; TILE];
            for lanes in self.tile(t) {
                for (sum, &v) in squares.iter_mut().zip(lanes) {
                    *sum += f64::from(v) * f64::from(v);
                }
            }
            for (norm, squared) in norms.iter_mut().zip(squares) {
                *norm = (squared.sqrt() as f32).next_up();
            }
        });
        norms
    }

    /// Row `i`'s stored values.
    pub fn row(&self, i: usize) -> impl Iterator<Item = f32> + '_ {
        self.tile(i / TILE).iter().map(move |lanes| lanes[i % TILE])
    }

    /// The stored value of feature `j` in row `i`.
    pub fn value(&self, i: usize, j: usize) -> f32 {
        self.tile(i / TILE)[j][i % TILE]
    }

    /// What a stored value of feature `j` is multiplied by to give its whole number of grid steps.
    pub fn steps_per_unit(&self, j: usize) -> f32 {
        // Between 2^-16 and 2^126: a normal f32.
        pow2(-(self.grid.exponents[j] + self.shift)) as f32
    }

    /// The grid step of feature `j` in stored units.
    pub fn stored_step(&self, j: usize) -> f64 {
        pow2(self.stored_step_exponent(j))
    }

    /// The logarithm of [`Matrix::stored_step`] to base 2.
    pub(crate) fn stored_step_exponent(&self, j: usize) -> i32 {
        self.grid.exponents[j] + self.shift
    }

    /// A stored value, centroid or distance in the user's units.
    pub fn to_user(&self, stored: f64) -> f64 {
        stored * pow2(-self.shift)
    }

    /// A user's value in stored units, not rounded to the grid; infinite if it is out of range.
    pub fn to_stored(&self, user: f64) -> f32 {
        (user * pow2(self.shift)) as f32 + 0.0
    }

    /// The largest magnitude that a value of a centroid may have, in stored units.
    pub fn max_abs_centroid(&self) -> f32 {
        // d * (2 max_abs_centroid)^2 < 2^100
        let log2_d = (usize::BITS - self.features.leading_zeros()) as i32;
        pow2((100 - log2_d - 2).div_euclid(2)) as f32
    }

    /// Whether there are at least `k` distinct rows of a weight above 0. If not, the error is how many there are.
    pub fn distinct_rows(&self, k: usize) -> std::result::Result<(), usize> {
        if let Some(repeats) = &self.repeats {
            return if repeats.len() >= k { Ok(()) } else { Err(repeats.len()) };
        }
        let mut seen = std::collections::HashSet::new();
        for i in (0..self.rows).filter(|&i| self.weights().is_none_or(|w| w[i] > 0)) {
            if seen.len() >= k {
                return Ok(());
            }
            seen.insert(self.row(i).map(|v| (v + 0.0).to_bits()).collect::<Vec<_>>());
        }
        if seen.len() >= k { Ok(()) } else { Err(seen.len()) }
    }
}

/// The largest `e` for which `v` is a whole multiple of `2^e`.
pub(crate) fn unit_exponent(v: f32) -> i32 {
    if v == 0.0 {
        return i32::MAX;
    }
    let bits = v.to_bits();
    let exponent = ((bits >> 23) & 0xff) as i32;
    let (mantissa, exponent) = match exponent {
        0 => (bits & 0x7f_ffff, -149),
        e => ((bits & 0x7f_ffff) | 0x80_0000, e - 150),
    };
    exponent + mantissa.trailing_zeros() as i32
}
