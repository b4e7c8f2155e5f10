//! Points in two dimensions.

use super::{Axis, Caption, Chart, DataTable, Paint};

/// A scatter plot.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scatter {
    /// The axis from left to right.
    pub x: Axis,
    /// The axis upwards.
    pub y: Axis,
    /// Whether one unit has the same length on both axes, as in a layout.
    pub equal: bool,
    /// Whether the axes have numbers; the axes of a layout by UMAP mean nothing.
    pub numbers: bool,
    /// The points.
    pub groups: Vec<PointGroup>,
    /// A straight line across the drawing, by two points of it, with a few words.
    pub boundary: Option<([f64; 2], [f64; 2], String)>,
}

/// Points of one colour.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PointGroup {
    /// Whose points they are.
    pub label: String,
    /// Their colour and shape.
    pub paint: Paint,
    /// How many rows the group has, of which the points may be a sample.
    pub rows: u64,
    /// The points.
    pub points: Vec<[f64; 2]>,
    /// The points' names, as many as points; empty where they have none.
    pub names: Vec<String>,
}

impl Chart for Scatter {
    fn svg(&self, caption: &Caption<'_>) -> String {
        format!("<svg id=\"{}\"></svg>", caption.id)
    }

    fn table(&self) -> DataTable {
        DataTable::default()
    }
}
