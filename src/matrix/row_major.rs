//! Rows as they lie in a file, in memory that a matrix can take over.

use super::{Lanes, TILE};
use bytemuck::Zeroable;
use rayon::prelude::*;

/// `rows x features` values, row after row, padded with zero rows to whole tiles. [`Matrix::from_row_major`] turns them into
/// tiles in place.
///
/// [`Matrix::from_row_major`]: super::Matrix::from_row_major
#[derive(Debug, Clone)]
pub struct RowMajor {
    pub(super) tiles: Vec<Lanes>,
    rows: usize,
    features: usize,
}

impl RowMajor {
    /// Zeros. Neither number may be 0.
    pub fn zeros(rows: usize, features: usize) -> Self {
        RowMajor { tiles: vec![Lanes::zeroed(); rows.div_ceil(TILE) * features], rows, features }
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many features.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The values, row after row.
    pub fn values(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.tiles)[..self.rows * self.features]
    }

    /// The values, row after row.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(&mut self.tiles)[..self.rows * self.features]
    }

    /// A value.
    pub fn get(&self, row: usize, feature: usize) -> f32 {
        self.values()[row * self.features + feature]
    }

    /// The first feature that has a value for which `is` returns true, and the first row in which it has one.
    pub fn find(&self, is: impl Fn(f32) -> bool + Sync) -> Option<(usize, usize)> {
        let found = self
            .values()
            .par_chunks(self.features)
            .enumerate()
            .filter_map(|(row, values)| values.iter().position(|&v| is(v)).map(|feature| (feature, row)));
        found.min()
    }

    /// Replaces every value by `value(feature, old)`.
    pub fn replace(&mut self, value: impl Fn(usize, f32) -> f32 + Sync) {
        let features = self.features;
        self.values_mut().par_chunks_mut(features).with_min_len(1024).for_each(|row| {
            for (j, v) in row.iter_mut().enumerate() {
                *v = value(j, *v);
            }
        });
    }
}

impl PartialEq for RowMajor {
    fn eq(&self, other: &Self) -> bool {
        self.features == other.features && self.values() == other.values()
    }
}
