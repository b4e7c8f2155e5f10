//! Paired bars: how common each answer is among all on the left, and how much commoner in the segment on the right.

use super::{Caption, Chart, DataTable, Paint};

/// Paired bars.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Paired {
    /// The title of the left bars: `all respondents`.
    pub left: String,
    /// The title of the right bars: `lift in segment 3`.
    pub right: String,
    /// The lines, from top to bottom.
    pub lines: Vec<PairedLine>,
    /// The names of the groups that colour the lines, for the legend; empty without groups.
    pub groups: Vec<String>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PairedLine {
    /// The answer.
    pub label: String,
    /// Its colour, that of its group.
    pub paint: Paint,
    /// The share of all, from 0 to 1.
    pub overall: f64,
    /// The share in the segment.
    pub share: f64,
}

impl Chart for Paired {
    fn svg(&self, caption: &Caption<'_>) -> String {
        format!("<svg id=\"{}\"></svg>", caption.id)
    }

    fn table(&self) -> DataTable {
        DataTable::default()
    }
}
