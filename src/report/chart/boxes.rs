//! Box plots: the middle half of the values as a box, and the middle 90 % as whiskers.

use super::{Axis, Caption, Chart, DataTable, Paint};

/// Box plots over one axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Boxes {
    /// What is measured, in the table's own units.
    pub axis: Axis,
    /// What a box stands for: `segment`.
    pub what: String,
    /// The boxes, from top to bottom.
    pub rows: Vec<BoxRow>,
}

/// One box.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BoxRow {
    /// Its name.
    pub label: String,
    /// Its colour.
    pub paint: Paint,
    /// How many values.
    pub count: u64,
    /// The 5 % quantile.
    pub low: f64,
    /// The lower quartile.
    pub q1: f64,
    /// The median.
    pub median: f64,
    /// The upper quartile.
    pub q3: f64,
    /// The 95 % quantile.
    pub high: f64,
    /// The mean, drawn as a small diamond if it lies within the axis; an axis spans the whiskers, not the means.
    pub mean: Option<f64>,
}

impl Chart for Boxes {
    fn svg(&self, caption: &Caption<'_>) -> String {
        format!("<svg id=\"{}\"></svg>", caption.id)
    }

    fn table(&self) -> DataTable {
        DataTable::default()
    }
}
