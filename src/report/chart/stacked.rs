//! Stacked bars: how the rows of each segment share out among answers.

use super::{Caption, Chart, DataTable, Paint};

/// Stacked bars that each add up to 100 %.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stacked {
    /// What a bar stands for: `segment`.
    pub what: String,
    /// The parts' names, from left to right.
    pub parts: Vec<String>,
    /// The parts' colours if each is a segment; empty where they have colours of a scale (`ordered`) or of groups.
    pub paints: Vec<Paint>,
    /// Whether the parts have an order, so that their colours go from light to dark.
    pub ordered: bool,
    /// The bars, from top to bottom.
    pub rows: Vec<StackedRow>,
}

/// One bar.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StackedRow {
    /// Its name.
    pub label: String,
    /// The colour of the mark beside its name.
    pub paint: Paint,
    /// How many rows it stands for.
    pub count: u64,
    /// The share of each part, from 0 to 1.
    pub shares: Vec<f64>,
}

impl Chart for Stacked {
    fn svg(&self, caption: &Caption<'_>) -> String {
        format!("<svg id=\"{}\"></svg>", caption.id)
    }

    fn table(&self) -> DataTable {
        DataTable::default()
    }
}
