//! New centroids: the mean of each cluster, rounded once as f64 and once as f32.

use crate::backend::Assigned;
use crate::canonical::Centroids;
use crate::matrix::Matrix;

/// What a pass did to the centroids of a set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Renewed {
    /// Whether any of them changed.
    pub(crate) changed: bool,
    /// The sum of their squared shifts.
    pub(crate) shift: f64,
}

impl Assigned {
    /// Moves each centroid to the mean of its rows. A centroid without rows stays where it is.
    pub(crate) fn renew(&self, matrix: &Matrix, centroids: &mut Centroids) -> Renewed {
        let d = matrix.features();
        let mut renewed = Renewed { changed: false, shift: 0.0 };
        for (c, &weight) in self.weights.iter().enumerate().filter(|(_, weight)| **weight > 0) {
            for j in 0..d {
                let mean = self.sums[c * d + j] as f64 / weight as f64 * matrix.stored_step(j);
                let old = &mut centroids.values[c * d + j];
                let new = mean as f32 + 0.0;
                let moved = f64::from(new) - f64::from(*old);
                renewed.shift += moved * moved;
                renewed.changed |= new != *old;
                *old = new;
            }
        }
        renewed
    }
}
