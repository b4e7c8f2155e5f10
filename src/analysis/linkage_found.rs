//! The tree of a hierarchical clustering, as an outcome has it.

use crate::cluster::Linkage;
use crate::model::Assignment;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// The name of the file with the whole linkage.
pub const LINKAGE: &str = "linkage.npy";

/// So many of the highest merges are listed.
const HEIGHTS: usize = 1000;

/// The tree has at most so many leaves.
const LEAVES: usize = 50;

/// What a hierarchical clustering found beside its segments, as `metrics.json` has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkageFound {
    /// The file with all merges, as SciPy's matrix `Z`: a row for each with the numbers of the two clusters, the height, and
    /// the number of rows.
    /// None for a method that is only compared with the fit, whose merges are not written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linkage: Option<Cow<'static, str>>,
    /// The heights of the last merges, at most 1,000, in the order of `Z`.
    pub heights: Vec<f64>,
    /// Where the tree can be cut to have these segments.
    pub cut: Cut,
    /// How many rows are nearer to another segment's centroid than to that of their own. A new row with the same values would
    /// get that segment. `None` where it was not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearer_to_others: Option<u64>,
    /// The top of the tree, down to the segments, or to 50 clusters if there are more segments.
    pub tree: TreeNode,
    /// All merges; `None` in an outcome that was read from a file.
    #[serde(skip)]
    pub merges: Option<Arc<Linkage>>,
}

/// Heights at which a cut gives the segments.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    /// The lowest: that of the last merge within a segment.
    pub from: f64,
    /// Below the height of the first merge of two segments; none for one segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
}

/// A cluster of the tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TreeNode {
    /// The height at which its parts merged.
    pub height: f64,
    /// How many rows of the fit it has.
    pub size: u64,
    /// The segment, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<u32>,
    /// The segment's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many segments it has, for a cluster whose parts are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segments: Option<usize>,
    /// Its two parts, the larger first; empty if it is a segment, or if they are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<TreeNode>,
}

impl LinkageFound {
    /// Of a linkage that is cut into as many clusters as `numbers` has; those are the segments' numbers, in the order of the
    /// clusters' first rows.
    pub(super) fn new(merges: &Arc<Linkage>, numbers: &[u32]) -> Self {
        let all = merges.merges();
        let (from, below) = merges.heights_around(numbers.len());
        LinkageFound {
            linkage: None,
            heights: all[all.len().saturating_sub(HEIGHTS)..].iter().map(|merge| merge.height).collect(),
            cut: Cut { from, below: Some(below).filter(|below| below.is_finite()) },
            nearer_to_others: None,
            tree: tree(merges, numbers, LEAVES),
            merges: Some(merges.clone()),
        }
    }

    /// The same for the fit itself, whose segments have names and whose merges are written.
    pub(super) fn of_fit(mut self, names: &[Option<String>]) -> Self {
        self.linkage = Some(LINKAGE.into());
        self.tree.set_names(names);
        self
    }

    /// Counts the rows that are nearer to another segment.
    pub(super) fn measure(&mut self, rows: &[Option<Assignment>]) {
        let nearer = rows.iter().flatten().filter(|row| row.margin < 0.0).count();
        self.nearer_to_others = Some(nearer as u64);
    }
}

impl TreeNode {
    fn set_names(&mut self, names: &[Option<String>]) {
        let own = self.segment.and_then(|segment| names.get(segment as usize));
        self.name = own.cloned().flatten();
        self.children.iter_mut().for_each(|child| child.set_names(names));
    }

    /// How many segments it has.
    pub fn count_segments(&self) -> usize {
        match (self.children.is_empty(), self.segments) {
            (true, count) => count.unwrap_or(1),
            (false, _) => self.children.iter().map(TreeNode::count_segments).sum(),
        }
    }
}

/// The top of a linkage's tree with at most so many leaves.
fn tree(linkage: &Linkage, numbers: &[u32], most: usize) -> TreeNode {
    let (n, merges) = (linkage.leaves(), linkage.merges());
    let mut sizes = vec![1u64; n];
    // For each cluster its first leaf.
    let mut firsts: Vec<u32> = (0..n as u32).collect();
    for merge in merges {
        let [a, b] = merge.clusters.map(|c| c as usize);
        sizes.push(sizes[a] + sizes[b]);
        firsts.push(firsts[a].min(firsts[b]));
    }
    let labels = linkage.cut(numbers.len());
    let top = Top {
        linkage,
        sizes: &sizes,
        segment: &|cluster| numbers[labels[firsts[cluster] as usize] as usize],
        // Clusters from these numbers on have parts: of the drawn ones, and of the segments.
        drawn: 2 * n - numbers.len().min(most).max(1),
        cut: 2 * n - numbers.len().max(1),
    };
    top.node(n + merges.len() - 1)
}

struct Top<'a> {
    linkage: &'a Linkage,
    sizes: &'a [u64],
    segment: &'a dyn Fn(usize) -> u32,
    drawn: usize,
    cut: usize,
}

impl Top<'_> {
    fn node(&self, cluster: usize) -> TreeNode {
        let merge = cluster.checked_sub(self.linkage.leaves()).map(|m| &self.linkage.merges()[m]);
        let mut node = TreeNode {
            height: merge.map_or(0.0, |merge| merge.height),
            size: self.sizes[cluster],
            segment: None,
            name: None,
            segments: None,
            children: Vec::new(),
        };
        match merge {
            Some(merge) if cluster >= self.drawn => {
                let mut parts = merge.clusters.map(|c| c as usize);
                if self.sizes[parts[1]] > self.sizes[parts[0]] {
                    parts.swap(0, 1);
                }
                node.children = parts.map(|part| self.node(part)).into();
            }
            Some(_) if cluster >= self.cut => node.segments = Some(self.segments(cluster)),
            _ => node.segment = Some((self.segment)(cluster)),
        }
        node
    }

    /// How many segments a cluster has.
    fn segments(&self, cluster: usize) -> usize {
        let (mut left, mut count) = (vec![cluster], 0);
        while let Some(cluster) = left.pop() {
            match cluster.checked_sub(self.linkage.leaves()) {
                Some(merge) if cluster >= self.cut => {
                    left.extend(self.linkage.merges()[merge].clusters.map(|c| c as usize));
                }
                _ => count += 1,
            }
        }
        count
    }
}
