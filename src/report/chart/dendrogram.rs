//! The tree of a hierarchical clustering, from its root down to the segments.

use super::{Axis, Caption, Chart, DataTable, Paint};

/// A dendrogram, with its root on the left.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dendrogram {
    /// The height at which clusters merge.
    pub axis: Axis,
    /// The whole tree.
    pub root: Node,
    /// The heights between which a cut gives the segments; the upper one may be missing.
    pub cut: Option<(f64, Option<f64>)>,
}

/// A cluster of the tree.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    /// The height at which its parts merged; leaves are drawn down to it.
    pub height: f64,
    /// How many rows.
    pub size: u64,
    /// Its name, for a leaf.
    pub label: String,
    /// Its colour, for a leaf.
    pub paint: Paint,
    /// Its parts.
    pub children: Vec<Node>,
}

impl Chart for Dendrogram {
    fn svg(&self, caption: &Caption<'_>) -> String {
        format!("<svg id=\"{}\"></svg>", caption.id)
    }

    fn table(&self) -> DataTable {
        DataTable::default()
    }
}
