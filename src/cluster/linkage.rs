//! The tree of a hierarchical clustering: which clusters merge, in which order, and at which height.

use super::partition::Labels;
use crate::matrix::Repeats;

/// One merge. Cluster `i` below the number of leaves is leaf `i`; cluster `leaves + m` is what the `m`-th merge made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Merge {
    /// The two clusters, the lower number first.
    pub clusters: [u32; 2],
    /// How far apart they are, in the user's units. For Ward's method `sqrt(2 c)`, where `c` is by how much the sum of the
    /// squared distances to the centroids grows, as in SciPy.
    pub height: f64,
}

/// All merges, from the leaves to one cluster, sorted by height. Leaves are rows in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Linkage {
    leaves: usize,
    merges: Vec<Merge>,
}

/// A merge of the clusters that two leaves are in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Joined {
    /// A leaf of each.
    pub(crate) leaves: [u32; 2],
    /// Not lower than the heights at which the two were made.
    pub(crate) height: f64,
}

/// Finds the cluster that a leaf is in while clusters are merged.
struct Sets {
    parents: Vec<u32>,
}

impl Sets {
    fn new(leaves: usize) -> Self {
        Sets { parents: (0..leaves as u32).collect() }
    }

    /// The lowest leaf of the cluster that `leaf` is in.
    fn lowest(&mut self, mut leaf: u32) -> u32 {
        while self.parents[leaf as usize] != leaf {
            let above = self.parents[self.parents[leaf as usize] as usize];
            self.parents[leaf as usize] = above;
            leaf = above;
        }
        leaf
    }

    /// Merges the clusters of two leaves, and returns their lowest leaves.
    fn join(&mut self, [a, b]: [u32; 2]) -> (u32, u32) {
        let (a, b) = (self.lowest(a), self.lowest(b));
        self.parents[a.max(b) as usize] = a.min(b);
        (a, b)
    }
}

impl Linkage {
    /// The linkage of `leaves` rows from its merges in the order in which they were found. Merges of equal height stay in this
    /// order.
    pub(crate) fn new(leaves: usize, mut joined: Vec<Joined>) -> Self {
        joined.sort_by(|a, b| a.height.total_cmp(&b.height));
        let mut sets = Sets::new(leaves);
        // For each cluster its number, at the place of its lowest leaf.
        let mut numbers: Vec<u32> = (0..leaves as u32).collect();
        let merges = joined
            .into_iter()
            .zip(leaves as u32..)
            .map(|(joined, new)| {
                let (a, b) = sets.join(joined.leaves);
                let (x, y) = (numbers[a as usize], numbers[b as usize]);
                numbers[a.min(b) as usize] = new;
                Merge { clusters: [x.min(y), x.max(y)], height: joined.height }
            })
            .collect();
        Linkage { leaves, merges }
    }

    /// How many leaves there are: the rows of a weight above 0.
    pub fn leaves(&self) -> usize {
        self.leaves
    }

    /// The merges, sorted by height: one fewer than leaves.
    pub fn merges(&self) -> &[Merge] {
        &self.merges
    }

    /// The linkage of all rows of a table, from that of its distinct rows. Copies merge first, at height 0 and in the order of
    /// the rows. A row of weight 0 that equals no other row is no leaf.
    pub fn of_all_rows(&self, repeats: &Repeats) -> Linkage {
        if repeats.is_trivial() {
            return self.clone();
        }
        // For each distinct row the number of its first leaf.
        let mut firsts = vec![u32::MAX; repeats.len()];
        let mut joined = Vec::with_capacity(repeats.rows());
        let mut leaf = 0u32;
        for distinct in (0..repeats.rows()).filter_map(|row| repeats.of_row(row)) {
            let first = &mut firsts[distinct];
            if *first == u32::MAX {
                *first = leaf;
            } else {
                joined.push(Joined { leaves: [*first, leaf], height: 0.0 });
            }
            leaf += 1;
        }
        // For each cluster of distinct rows one of its leaves.
        let mut leaf_of = firsts;
        for merge in &self.merges {
            let leaves = merge.clusters.map(|c| leaf_of[c as usize]);
            joined.push(Joined { leaves, height: merge.height });
            leaf_of.push(leaves[0]);
        }
        Linkage::new(leaf as usize, joined)
    }

    /// SciPy's matrix `Z`, row by row: the numbers of the two clusters, the height, and how many leaves the merged cluster has.
    pub fn to_z(&self) -> Vec<[f64; 4]> {
        let mut z: Vec<[f64; 4]> = Vec::with_capacity(self.merges.len());
        for Merge { clusters, height } in &self.merges {
            let size = |c: u32| match (c as usize).checked_sub(self.leaves) {
                None => 1.0,
                Some(merge) => z[merge][3],
            };
            let sizes = size(clusters[0]) + size(clusters[1]);
            z.push([f64::from(clusters[0]), f64::from(clusters[1]), *height, sizes]);
        }
        z
    }

    /// How many clusters are left after all merges of at most this height, as SciPy's `fcluster` cuts by distance.
    pub fn clusters_at(&self, height: f64) -> usize {
        self.leaves - self.merges.partition_point(|merge| merge.height <= height)
    }

    /// The height at which `k` clusters become fewer, and the one at which they came about: a cut anywhere between gives
    /// them. Infinite and 0 where there is no such merge.
    pub fn heights_around(&self, k: usize) -> (f64, f64) {
        let merged = self.leaves.saturating_sub(k);
        let below = merged.checked_sub(1).and_then(|m| self.merges.get(m)).map_or(0.0, |m| m.height);
        (below, self.merges.get(merged).map_or(f64::INFINITY, |m| m.height))
    }

    /// The cluster of each leaf after all merges but the last `k - 1`. Clusters are numbered by their first leaves.
    pub fn cut(&self, k: usize) -> Vec<u32> {
        let merged = self.leaves.saturating_sub(k.max(1)).min(self.merges.len());
        let mut sets = Sets::new(self.leaves);
        let mut lowest: Vec<u32> = (0..self.leaves as u32).collect();
        for merge in &self.merges[..merged] {
            let (a, b) = sets.join(merge.clusters.map(|c| lowest[c as usize]));
            lowest.push(a.min(b));
        }
        let mut numbers = vec![u32::MAX; self.leaves];
        let mut next = 0;
        (0..self.leaves as u32)
            .map(|leaf| {
                let number = &mut numbers[sets.lowest(leaf) as usize];
                if *number == u32::MAX {
                    *number = next;
                    next += 1;
                }
                *number
            })
            .collect()
    }

    /// The labels of a table's rows if its distinct rows, which are the leaves, are cut into `k` clusters.
    pub(crate) fn labels(&self, k: usize, repeats: &Repeats) -> Labels {
        let cut = self.cut(k);
        (0..repeats.rows()).map(|row| repeats.of_row(row).map(|distinct| cut[distinct])).collect()
    }
}
