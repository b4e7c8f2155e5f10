//! What the segments of a fit were like, kept so that a later table can be compared with them.

use serde::{Deserialize, Serialize};

/// A column of the table in each segment of a fit, in the column's own units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnFigures {
    /// The column's name.
    pub column: String,
    /// Which figure stands for a segment.
    pub middle: Middle,
    /// The spread of the column in all rows, the unit in which changes of it are compared with those of other columns: the
    /// interquartile range divided by 1.349, which is the standard deviation of a normal distribution; the standard
    /// deviation where half of the rows are equal. `None` for shares, and for a column without spread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
    /// The same spread within each segment, by its number, which tells how far chance moves a median. Empty for shares.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<Option<f64>>,
    /// The figure of each segment, by its number; `None` if no row of the segment has a value.
    pub segments: Vec<Option<f64>>,
}

/// Which figure of a column stands for a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Middle {
    /// The median of a column of numbers.
    Median,
    /// The share of true, or of ones in a column of 0 and 1, among the rows that have a value.
    Share,
}

impl ColumnFigures {
    /// Whether it can be a column of a model with `k` segments.
    pub(super) fn is_sound(&self, k: usize) -> bool {
        let sound = |value: &f64| match self.middle {
            Middle::Median => value.is_finite(),
            Middle::Share => (0.0..=1.0).contains(value),
        };
        self.segments.len() == k
            && (self.within.is_empty() || self.within.len() == k)
            && self.within.iter().flatten().all(|spread| spread.is_finite() && *spread > 0.0)
            && self.segments.iter().flatten().all(sound)
            && self.spread.is_none_or(|spread| spread.is_finite() && spread > 0.0)
    }
}
