//! Curves: a score for each number of segments, the variance of each component.

use super::{Axis, Caption, Chart, DataTable, Paint};

/// Curves over one axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lines {
    /// The axis from left to right.
    pub x: Axis,
    /// The axis upwards.
    pub y: Axis,
    /// The curves.
    pub series: Vec<Series>,
    /// Places on the x axis that are marked, with a few words each: 5 `chosen`.
    pub marks: Vec<Mark>,
}

/// One curve.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// Its name. A single curve needs no legend.
    pub label: String,
    /// Its colour.
    pub paint: Paint,
    /// Its points; a `None` interrupts the curve.
    pub points: Vec<(f64, Option<f64>)>,
    /// Half the height of the bar at each point, as many as points; empty without bars.
    pub errors: Vec<Option<f64>>,
    /// Whether it is drawn as a curve without dots, as a function with many points is.
    pub smooth: bool,
}

/// A place on the x axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mark {
    /// The place.
    pub x: f64,
    /// What is there.
    pub label: String,
    /// Whether this is the one that was chosen, which stands out.
    pub chosen: bool,
}

impl Chart for Lines {
    fn svg(&self, caption: &Caption<'_>) -> String {
        format!("<svg id=\"{}\"></svg>", caption.id)
    }

    fn table(&self) -> DataTable {
        DataTable::default()
    }
}
