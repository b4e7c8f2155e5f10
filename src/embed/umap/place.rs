//! New rows in a finished layout, each alone.

use super::draws::Counter;
use super::forces::Forces;
use super::graph::{fires, membership, step, width};
use super::layout::PUSHES;

/// The rate at which a new row begins to move; it falls to 0.
const RATE: f32 = 0.25;

/// How new rows are placed.
pub(super) struct Placing<'a> {
    /// The coordinates of the rows of the fit, those of one row after the other.
    pub embedding: &'a [f32],
    pub dims: usize,
    pub forces: Forces,
    pub epochs: u32,
    pub draws: Counter,
}

impl Placing<'_> {
    /// The place of a row with these neighbours, the nearest first, and their distances. It depends on nothing else.
    pub fn place(&self, neighbours: &[(u32, f64)]) -> Vec<f32> {
        let at = |row: u32| &self.embedding[row as usize * self.dims..][..self.dims];
        // The logarithm of 1 is 0, which a sum of memberships never is.
        let sigma = width(neighbours.iter().map(|n| n.1), 0.0, neighbours.len().max(2));
        let mean = neighbours.iter().map(|n| n.1).sum::<f64>() / neighbours.len() as f64;
        let sigma = sigma.max(1e-3 * mean);
        // The nearest weighs 1; only the proportions count.
        let nearest = neighbours.iter().fold(f64::INFINITY, |m, n| m.min(n.1));
        let weights: Vec<f64> = neighbours.iter().map(|n| membership(n.1, nearest, sigma)).collect();
        let total: f64 = weights.iter().sum();
        let coordinate = |k: usize| {
            let sum: f64 = neighbours.iter().zip(&weights).map(|(n, w)| f64::from(at(n.0)[k]) * w).sum();
            (sum / total) as f32
        };
        let mut point: Vec<f32> = (0..self.dims).map(coordinate).collect();
        let count = (self.embedding.len() / self.dims) as u64;
        let least = 1.0 / f64::from(self.epochs);
        for epoch in 0..self.epochs {
            let rate = RATE * (1.0 - epoch as f32 / self.epochs as f32);
            let own = self.draws.at(u64::from(epoch));
            for (slot, (&(row, _), &weight)) in (0u64..).zip(neighbours.iter().zip(&weights)) {
                let phase = (self.draws.bits(slot) >> 32) as u32;
                if weight < least || !fires(step(weight as f32, 1.0), phase, epoch) {
                    continue;
                }
                self.forces.step(&mut point, at(row), rate, true);
                let pushing: [u32; PUSHES] = own.five(slot, count);
                for other in pushing {
                    self.forces.step(&mut point, at(other), rate, false);
                }
            }
        }
        point
    }
}
