//! What the fit saw, kept to tell whether later tables are like it.

use super::{Assignment, Model};
use crate::error::{Error, Result};
use crate::recipe::{ColumnReference, quantiles};
use crate::weights::Weights;
use serde::{Deserialize, Serialize};

/// Distances are kept at quantiles this far apart, 0 and 1 included.
const PARTS: usize = 20;

/// What the fit saw: its columns, and how far its rows lie from their centroids. Shares of the segments are the
/// centroids' sizes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// One for each column of the encoder, in its order.
    pub columns: Vec<ColumnReference>,
    /// The quantiles 0, 0.05, 0.1 and so on up to 1 of the rows' distances to their centroids, in the scaled feature
    /// space.
    pub distances: Vec<f64>,
}

impl Reference {
    /// Of the columns of a fit, and of its rows, each with its distance. `weights` are those of the rows that have a
    /// segment, in their order.
    pub fn new(
        columns: Vec<ColumnReference>,
        rows: &[Option<Assignment>],
        weights: Option<&Weights>,
    ) -> Self {
        Reference { columns, distances: distances(rows, weights) }
    }

    /// Whether it fits a model's encoder, and can be computed with.
    pub(super) fn is_sound(&self, model: &Model) -> bool {
        let encoders = &model.encoder.columns;
        let sound = self.columns.iter().zip(encoders).all(|(reference, encoder)| reference.is_sound(encoder));
        sound
            && self.columns.len() == encoders.len()
            && self.distances.len() == PARTS + 1
            && self.distances.is_sorted()
            && self.distances.iter().all(|v| v.is_finite() && *v >= 0.0)
    }
}

impl Model {
    /// What the fit saw.
    ///
    /// # Errors
    /// The model is of an older program, which did not keep it.
    pub fn reference(&self) -> Result<&Reference> {
        self.reference.as_ref().ok_or_else(|| {
            Error::data(
                "this model does not hold what its fit saw, an older segmenta made it: fit again to compare",
            )
        })
    }
}

/// The quantiles of the distances of the rows that have a segment.
pub(super) fn distances(rows: &[Option<Assignment>], weights: Option<&Weights>) -> Vec<f64> {
    let at: Vec<f64> = (0..=PARTS).map(|part| part as f64 / PARTS as f64).collect();
    let mut distances: Vec<f64> = rows.iter().flatten().map(|row| row.distance).collect();
    quantiles(&mut distances, &at, weights.map(Weights::all_copies).as_deref())
}
