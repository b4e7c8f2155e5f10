//! Tables whose cells are shaded by their values: correlations, crossed labellings, moves between segments.

use super::{Caption, Chart, DataTable, Key, Unit};

/// How cells are shaded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shading {
    /// From 0 to this value.
    Sequential(f64),
    /// From minus this value through 0 to this value, in two colours.
    Diverging(f64),
}

/// A heat map.
#[derive(Debug, Clone, PartialEq)]
pub struct Heatmap {
    /// What the lines are: `segment`.
    pub rows_are: String,
    /// What the columns are: `rule segment`; may be empty where it is the same.
    pub columns_are: String,
    /// The lines' names.
    pub rows: Vec<Key>,
    /// The columns' names.
    pub columns: Vec<Key>,
    /// The values, by line; `None` stays empty.
    pub values: Vec<Vec<Option<f64>>>,
    /// How the values read. They are written into the cells where these are large enough.
    pub unit: Unit,
    /// How cells are shaded.
    pub shading: Shading,
}

impl Chart for Heatmap {
    fn svg(&self, caption: &Caption<'_>) -> String {
        format!("<svg id=\"{}\"></svg>", caption.id)
    }

    fn table(&self) -> DataTable {
        DataTable::default()
    }
}
