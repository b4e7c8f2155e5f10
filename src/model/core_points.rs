//! Assigning new rows to the segments of their nearest core points.

use super::assigner::{Centroid, in_user_units};
use crate::cluster::{self, Labels, dbscan};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::matrix::Matrix;
use crate::progress::Progress;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A row belongs to the segment of its nearest core point if that is near enough, and is noise otherwise. If several core
/// points are equally near, the first segment wins; the segments are therefore kept in the order of the fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorePoints {
    /// How far away a core point may be, in the scaled feature space.
    pub eps: f64,
    /// The segments, with the means of their rows.
    pub segments: Vec<Centroid>,
    /// For each segment its distinct core points in the scaled feature space, one after the other.
    pub points: Vec<Points>,
}

/// Numbers that are kept as one text: base64 of their little-endian bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Points(pub Vec<f32>);

impl Serialize for Points {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|v| v.to_le_bytes()).collect();
        serializer.serialize_str(&STANDARD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Points {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        use serde::de::Error;
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let bytes =
            STANDARD.decode(text.as_bytes()).map_err(|e| D::Error::custom(format!("core points: {e}")))?;
        let (values, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(D::Error::custom("core points: expected numbers of four bytes each"));
        }
        Ok(Points(values.iter().map(|v| f32::from_le_bytes(*v)).collect()))
    }
}

impl CorePoints {
    /// Of the core points of a fit of `matrix` and its segments.
    pub(super) fn new(core: &cluster::CorePoints, segments: Vec<Centroid>, matrix: &Matrix) -> Self {
        let points = |values: &Vec<f32>| {
            // In the fit's own units each value is again a number of f32.
            Points(in_user_units(values, matrix).into_iter().map(|v| v as f32).collect())
        };
        CorePoints { eps: core.eps, segments, points: core.points.iter().map(points).collect() }
    }

    /// Each row's label: the place of its segment, or none.
    ///
    /// # Errors
    /// None but those of progress reports, of which there are none.
    pub(super) fn label(&self, dataset: &Dataset<'_>) -> Result<Labels> {
        let matrix = dataset.matrix();
        let stored = |points: &Points| points.0.iter().map(|&v| matrix.to_stored(f64::from(v))).collect();
        let points: Vec<Vec<f32>> = self.points.iter().map(stored).collect();
        let set = dataset.backend().instruction_set();
        dbscan::nearest_clusters(set, matrix, &points, self.eps, Progress::none())
    }

    /// All values of the core points.
    pub(super) fn values(&self) -> impl Iterator<Item = f64> {
        self.points.iter().flat_map(|points| &points.0).map(|&v| f64::from(v))
    }

    /// Checks what was read from a file, for tables of `d` features. The error says what is wrong.
    pub(super) fn check(&self, d: usize) -> std::result::Result<(), String> {
        if !(self.eps > 0.0 && self.eps.is_finite()) {
            return Err("its eps is not a positive number".into());
        }
        let fits = |points: &Points| {
            let values = &points.0;
            !values.is_empty() && values.len().is_multiple_of(d) && values.iter().all(|v| v.is_finite())
        };
        if self.points.len() != self.segments.len() || !self.points.iter().all(fits) {
            return Err(format!(
                "its parts do not fit together: each segment needs core points of {d} finite values"
            ));
        }
        let count: usize = self.points.iter().map(|points| points.0.len() / d).sum();
        if count > u32::MAX as usize / 2 {
            return Err("it has too many core points".into());
        }
        Ok(())
    }
}
