//! Horizontal bars, or dots with intervals: one line for each thing that is measured.

use super::{Axis, Caption, Chart, DataTable, Paint};

/// How a value is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// A bar from 0.
    #[default]
    Bars,
    /// A dot at the value; for scores, and for means whose interval matters more than their distance from 0.
    Dots,
}

/// Horizontal bars.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bars {
    /// What is measured.
    pub axis: Axis,
    /// How.
    pub form: Form,
    /// What a bar stands for: `segment`.
    pub what: String,
    /// The lines, from top to bottom.
    pub bars: Vec<Bar>,
    /// What each bar's reference is: `all learners`. It appears in the legend.
    pub reference: Option<String>,
    /// Values that are marked across all bars, with a word for each: 0.75 `stable`.
    pub limits: Vec<(f64, String)>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bar {
    /// Its name.
    pub label: String,
    /// Its colour.
    pub paint: Paint,
    /// The value; `None` where there is none, which is said in its place.
    pub value: Option<f64>,
    /// The ends of the value's interval.
    pub interval: Option<(f64, f64)>,
    /// The value that it is compared with, drawn as a tick.
    pub reference: Option<f64>,
    /// A few words after the value.
    pub note: Option<String>,
}

impl Chart for Bars {
    fn svg(&self, caption: &Caption<'_>) -> String {
        format!("<svg id=\"{}\"></svg>", caption.id)
    }

    fn table(&self) -> DataTable {
        DataTable::default()
    }
}
