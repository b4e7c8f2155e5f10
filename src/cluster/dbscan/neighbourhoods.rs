//! The distinct rows of a table in blocks, with their weights.

use crate::backend::blocks::{Blocks, NO_ROW};
use crate::backend::cpu::InstructionSet;
use crate::canonical::Certificate;
use crate::matrix::{Matrix, Repeats};
use std::borrow::Cow;

/// What all pairs of parameters share.
pub(super) struct Neighbourhoods<'a> {
    pub(super) matrix: &'a Matrix,
    pub(super) repeats: Cow<'a, Repeats>,
    /// The distinct rows, in the order of their first copies.
    pub(super) blocks: Blocks,
    /// For each place of the blocks the weight of the row there, in steps; none if every row counts once.
    pub(super) weights: Option<Vec<u64>>,
    /// The weight of all rows, in steps.
    pub(super) total: u128,
}

impl<'a> Neighbourhoods<'a> {
    pub(super) fn new(set: InstructionSet, matrix: &'a Matrix) -> Self {
        let repeats = matrix.repeats();
        let rows: Vec<f32> = (0..repeats.len()).flat_map(|i| matrix.row(repeats.first(i))).collect();
        let certificate = Certificate::for_rows(matrix, matrix);
        let blocks = Blocks::new(set, matrix.features(), &rows, certificate);
        let steps = |row: u32| if row == NO_ROW { 0 } else { repeats.steps(matrix, row as usize) };
        let same = repeats.is_trivial() && matrix.weights().is_none();
        let weights = (!same).then(|| blocks.order().iter().map(|&row| steps(row)).collect::<Vec<u64>>());
        let total = match &weights {
            Some(weights) => weights.iter().map(|&w| u128::from(w)).sum(),
            None => blocks.rows() as u128,
        };
        Neighbourhoods { matrix, repeats, blocks, weights, total }
    }

    /// The smallest weight in steps that is at least so many copies. Weights that are no whole numbers are rounded, so a
    /// millionth of a millionth less is enough.
    pub(super) fn steps_for(&self, copies: u32) -> u128 {
        let Some(weights) = self.matrix.sample_weights() else { return u128::from(copies) };
        let enough = |steps: u128| weights.as_copies(steps) >= f64::from(copies) * (1.0 - 1e-12);
        // More steps are never fewer copies, so the range in which the answer lies can be halved.
        let (mut low, mut high) = (0u128, 1u128 << 126);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if enough(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        high
    }

    /// The weight at a place, in steps; 0 where no row stands.
    pub(super) fn weight(&self, place: usize) -> u64 {
        let one = || u64::from(self.blocks.order()[place] != NO_ROW);
        self.weights.as_ref().map_or_else(one, |w| w[place])
    }

    /// A user's distance in stored units. The factor is a power of two.
    pub(super) fn to_stored(&self, distance: f64) -> f64 {
        libm::ldexp(distance, self.matrix.shift())
    }
}
