//! The tree of a hierarchical clustering: drawn for a terminal, and as a file.

#[cfg(feature = "cli")]
use super::figures::{number, percent, whole};
#[cfg(feature = "cli")]
use super::profile::WIDTH;
#[cfg(feature = "cli")]
use super::sheet::{shortened, wrapped};
#[cfg(feature = "cli")]
use crate::analysis::{LinkageFound, TreeNode};
use crate::cluster::Linkage;
use ndarray_npy::WriteNpyExt;
use std::io::{self, Write};

/// Writes all merges as SciPy's matrix `Z`, a NumPy array of n - 1 rows and 4 columns of f64.
///
/// # Errors
/// Those of `out`.
pub fn write_npy(linkage: &Linkage, out: &mut dyn Write) -> io::Result<()> {
    let z = linkage.to_z();
    let shape = (z.len(), 4);
    let array = ndarray::Array2::from_shape_vec(shape, z.into_flattened()).map_err(io::Error::other)?;
    array.write_npy(out).map_err(|e| match e {
        ndarray_npy::WriteNpyError::Io(e) => e,
        other => io::Error::other(other),
    })
}

/// Columns of the drawing itself.
#[cfg(feature = "cli")]
const COLUMNS: usize = 40;

/// The drawing has at most so many lines.
#[cfg(feature = "cli")]
const LINES: usize = 24;

/// Columns of the labels beside the drawing.
#[cfg(feature = "cli")]
const LABEL: usize = 36;

/// The tree down to the segments, and where it can be cut to have them.
#[cfg(feature = "cli")]
pub(super) fn text(found: &LinkageFound) -> String {
    let said = wrapped(&format!("{}\n", sentences(found)), WIDTH);
    format!("tree of merges\n{}{said}", drawing(&found.tree))
}

/// Where the tree can be cut, and how many rows are nearer to another segment.
#[cfg(feature = "cli")]
pub(super) fn sentences(found: &LinkageFound) -> String {
    let k = found.tree.count_segments();
    let segments = if k == 1 { "this 1 segment".into() } else { format!("these {k} segments") };
    let from = number(found.cut.from);
    let place = match found.cut.below {
        Some(below) => format!("between the heights {from} and {}", number(below)),
        None => format!("at height {from} or above"),
    };
    let mut said = format!("A cut {place} gives {segments}.");
    if let Some(nearer) = found.nearer_to_others.filter(|nearer| *nearer > 0) {
        let rows = found.tree.size;
        let share = percent(nearer as f64 / rows.max(1) as f64);
        said.push_str(&format!(
            " {} of {} rows ({share}) are nearer to the centroid of another segment than to that of their own; a new row gets \
             the segment of the nearest centroid.",
            whole(nearer),
            whole(rows)
        ));
    }
    said
}

/// A tree with its leaves on the left, one a line, and heights to the right.
#[cfg(feature = "cli")]
fn drawing(tree: &TreeNode) -> String {
    let tree = truncated(tree);
    let mut sketch = Sketch { top: tree.height, lines: Vec::new() };
    let (line, column) = sketch.add(&tree);
    // Nothing goes on from the top.
    if let Some(corner) = sketch.lines[line].1.get_mut(column) {
        *corner = if *corner == '┬' { '┐' } else { '┤' };
    }
    let labels: Vec<usize> = sketch.lines.iter().map(|(label, _)| label.chars().count()).collect();
    let width = labels.into_iter().max().unwrap_or(0);
    let mut text = String::new();
    for (label, cells) in &sketch.lines {
        let drawn: String = cells.iter().collect();
        text.push_str(format!("{label:width$} {drawn}").trim_end());
        text.push('\n');
    }
    let top = number(tree.height);
    if tree.height > 0.0 {
        text.push_str(&format!("{:width$} 0{top:>COLUMNS$}  height\n", ""));
    }
    text
}

/// The same tree, of which the lowest clusters' parts are left out until it fits.
#[cfg(feature = "cli")]
fn truncated(tree: &TreeNode) -> TreeNode {
    let mut heights = Vec::new();
    inner_heights(tree, &mut heights);
    heights.sort_by(|a, b| b.total_cmp(a));
    // Clusters below this height are drawn as leaves.
    let limit = heights.get(LINES - 2).copied().unwrap_or(f64::NEG_INFINITY);
    let mut left = LINES - 1;
    cut_below(tree, limit, &mut left)
}

#[cfg(feature = "cli")]
fn inner_heights(node: &TreeNode, heights: &mut Vec<f64>) {
    if !node.children.is_empty() {
        heights.push(node.height);
    }
    node.children.iter().for_each(|child| inner_heights(child, heights));
}

#[cfg(feature = "cli")]
fn cut_below(node: &TreeNode, limit: f64, left: &mut usize) -> TreeNode {
    let mut out = TreeNode { children: Vec::new(), ..node.clone() };
    if !node.children.is_empty() {
        if node.height >= limit && *left > 0 {
            *left -= 1;
            out.children = node.children.iter().map(|child| cut_below(child, limit, left)).collect();
        } else {
            out.segments = Some(node.count_segments());
        }
    }
    out
}

/// Lines of a drawing: a label and the cells beside it.
#[cfg(feature = "cli")]
struct Sketch {
    top: f64,
    lines: Vec<(String, Vec<char>)>,
}

#[cfg(feature = "cli")]
impl Sketch {
    /// Draws a cluster, and returns the line and the column that it ends at.
    fn add(&mut self, node: &TreeNode) -> (usize, usize) {
        let parts: Vec<(usize, usize)> = node.children.iter().map(|child| self.add(child)).collect();
        let [(first, a), (last, b)] = parts[..] else {
            let label = shortened(&label(node), LABEL);
            self.lines.push((label, Vec::new()));
            return (self.lines.len() - 1, 0);
        };
        let share = if self.top > 0.0 { node.height / self.top } else { 1.0 };
        let column = ((share * COLUMNS as f64) as usize).max(a.max(b) + 1);
        self.across(first, a, column);
        self.across(last, b, column);
        let middle = (first + last) / 2;
        for line in first..=last {
            let corner = match line {
                _ if line == first && line == middle => '┬',
                _ if line == first => '┐',
                _ if line == last => '┘',
                _ if line == middle => '├',
                _ => '│',
            };
            self.put(line, column, corner);
        }
        (middle, column)
    }

    /// A line from one column to the next corner.
    fn across(&mut self, line: usize, from: usize, to: usize) {
        let start = if from == 0 { 0 } else { from + 1 };
        (start..to).for_each(|column| self.put(line, column, '─'));
    }

    fn put(&mut self, line: usize, column: usize, what: char) {
        let cells = &mut self.lines[line].1;
        if cells.len() <= column {
            cells.resize(column + 1, ' ');
        }
        cells[column] = what;
    }
}

#[cfg(feature = "cli")]
fn label(node: &TreeNode) -> String {
    let size = whole(node.size);
    let rows = if node.size == 1 { "row" } else { "rows" };
    match (node.segment, &node.name, node.segments) {
        (Some(segment), Some(name), _) => format!("{segment} {name}: {size} {rows}"),
        (Some(segment), None, _) => format!("{segment}: {size} {rows}"),
        (None, _, Some(segments)) => format!("{segments} segments: {size} {rows}"),
        (None, _, None) => format!("{size} {rows}"),
    }
}
