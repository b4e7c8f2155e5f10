//! A summary of the fit's data, kept in the model so that later tables can be compared with it.

use super::{Assignment, Model};
use crate::error::{Error, Result};
use crate::recipe::{ColumnReference, quantiles};
use crate::weights::Weights;
use serde::{Deserialize, Serialize};

/// Distances are kept at quantiles this far apart, 0 and 1 included.
const PARTS: usize = 20;

/// A summary of the fit's data: the distributions of its columns, and of its rows' distances to their centroids. The
/// shares of the segments follow from the sizes that the model has anyway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// One for each column of the encoder, in its order.
    pub columns: Vec<ColumnReference>,
    /// The quantiles 0, 0.05, 0.1 and so on up to 1 of the rows' distances to their centroids, in the scaled feature
    /// space.
    pub distances: Vec<f64>,
}

impl Reference {
    /// A summary of the columns and of the labelled rows of a fit. `weights` has a weight for each row that has a
    /// segment, in order.
    pub fn new(
        columns: Vec<ColumnReference>,
        rows: &[Option<Assignment>],
        weights: Option<&Weights>,
    ) -> Self {
        Reference { columns, distances: distances(rows, weights) }
    }

    /// Whether it matches a model's encoder and has usable numbers.
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
    /// The summary of the fit's data.
    ///
    /// # Errors
    /// The model was made by an older version, which did not keep one.
    pub fn reference(&self) -> Result<&Reference> {
        self.reference.as_ref().ok_or_else(|| {
            Error::data(
                "this model was made by an older version of segmenta and has no summary of its data to compare with; fit again to get one",
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
