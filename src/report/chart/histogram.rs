//! Distributions of one column: the segments below each other over the same axis, each beside that of all rows.

use super::{Axis, Caption, Chart, DataTable, Paint};

/// Histograms over one axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// What is measured, in the table's own units.
    pub axis: Axis,
    /// The edges of the bins, one more than there are bins.
    pub edges: Vec<f64>,
    /// The first layer is that of all rows; it is repeated as an outline behind each of the others.
    pub layers: Vec<Layer>,
    /// How many of the values lie below the first and above the last edge, as a share of all.
    pub beyond: (f64, f64),
}

/// One distribution.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Layer {
    /// Whose it is.
    pub label: String,
    /// Its colour.
    pub paint: Paint,
    /// How many values.
    pub count: u64,
    /// The share of its values in each bin, from 0 to 1.
    pub shares: Vec<f64>,
}

impl Chart for Histogram {
    fn svg(&self, caption: &Caption<'_>) -> String {
        format!("<svg id=\"{}\"></svg>", caption.id)
    }

    fn table(&self) -> DataTable {
        DataTable::default()
    }
}
