//! Ward's method (Ward, 1963): clusters are merged pair by pair, and each time the sum of the squared distances to the
//! centroids grows by as little as possible.
//!
//! It is exact for all rows, in memory that grows with the table and not with its square. Instead of looking for the cheapest
//! pair of all, each round merges every pair of clusters of which each is the other's nearest (Murtagh, 1983). That gives the
//! same tree, because Ward's cost is reducible: a merged cluster is never nearer to a third one than the nearer of its two
//! parts was (Sumengen et al., 2021). Hence a cluster whose nearest one was not merged keeps it, and few need to ask again.

use super::agglomerative::cut;
use super::kmeans::Start;
use super::linkage::{Joined, Linkage};
use super::method::Algorithm;
use super::partition::Partition;
use crate::backend::cpu::InstructionSet;
use crate::backend::{Clusters, NO_CLUSTER, NearestCluster};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::matrix::{Matrix, Repeats};
use crate::progress::Progress;
use serde::{Deserialize, Serialize};

/// The parameters of Ward's method.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Params {
    /// The height at which the tree is cut, as [`linkage`] has it; `None`: it is cut into k clusters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_height: Option<f64>,
}

impl Algorithm for Params {
    fn partitions(
        &self,
        dataset: &Dataset<'_>,
        ks: &[usize],
        _start: &Start,
        progress: Progress<'_>,
    ) -> Result<Vec<Partition>> {
        let set = dataset.backend().instruction_set();
        cut(dataset.matrix(), ks, self.cut_height, |matrix, repeats| linkage(matrix, repeats, set, progress))
    }

    fn multiply_adds(&self, matrix: &Matrix, _ks: &[usize]) -> f64 {
        // All pairs would be compared about twice, of which boxes rule out nine in ten on 205,843 x 26 learners.
        let n = matrix.rows() as f64;
        0.2 * n * n * matrix.features() as f64
    }

    fn bytes(&self, matrix: &Matrix, _ks: &[usize]) -> u64 {
        Clusters::bytes(matrix.rows(), matrix.features()).saturating_add(matrix.rows() as u64 * 120)
    }

    fn finds_k(&self) -> bool {
        self.cut_height.is_some()
    }
}

/// Ward's method's linkage of the distinct rows of a table that have a weight above 0. A weight is a number of copies.
///
/// Heights are SciPy's, `sqrt(2 c)` for a growth of `c`, in the user's units. Merges of equal height come in the order in
/// which they were found: round by round, and by their lowest rows. A height that rounding would put below those of its
/// parts is raised to theirs.
///
/// # Errors
/// [`Error::Interrupted`]; more than 2^31 rows.
pub fn linkage(
    matrix: &Matrix,
    repeats: &Repeats,
    set: InstructionSet,
    progress: Progress<'_>,
) -> Result<Linkage> {
    let n = repeats.len();
    if n > 1 << 31 {
        return Err(Error::data(format!("{n} rows: a linkage can have at most 2^31")));
    }
    let copies = matrix.sample_weights().map_or(1.0, |w| w.as_copies(1));
    let mut heights = vec![0f64; n];
    let mut joined = Vec::with_capacity(n.saturating_sub(1));
    let mut graph = Graph::new(n);
    let mut clusters = Clusters::new(set, matrix, repeats);
    let mut asking: Vec<u32> = (0..n as u32).collect();
    let mut hints = vec![NO_CLUSTER; n];
    while joined.len() + 1 < n {
        // Half of the work is about the first round, in which all rows ask.
        let merged = joined.len();
        let report = |asked: usize| {
            let done = if merged == 0 { asked } else { n + merged };
            progress.step("fit", done as u64, 2 * n as u64)
        };
        let found = clusters.nearest(&asking, &hints, report)?;
        let pairs = graph.answer(&asking, &found);
        for &(a, b) in &pairs {
            let (a, b) = (a as usize, b as usize);
            let cost = graph.nearest[a].cost * copies;
            let height = matrix.to_user((2.0 * cost).sqrt()).max(heights[a]).max(heights[b]);
            heights[a] = height;
            joined.push(Joined { leaves: [a as u32, b as u32], height });
        }
        clusters.merge(&pairs);
        (asking, hints) = graph.merge(&pairs);
    }
    Ok(Linkage::new(n, joined))
}

/// Which cluster each one takes for its nearest.
///
/// Of clusters at equal cost the lowest number is the nearest. Let a pair's key be its cost and then its two numbers. If
/// everybody's nearest is up to date, the pair of the least key is always reciprocal, so each round merges something. To be
/// sure of that in spite of rounding, by which a new cluster may come out nearer than reducibility allows or tie with the
/// one that is kept, whoever asks also offers itself to the answer, which takes it if it is nearer than what it has. So what a
/// cluster `b` has is at least as near as any `a` that has `b`; for the pair of the least key among all that anybody has,
/// this makes both equal.
struct Graph {
    nearest: Vec<NearestCluster>,
    /// For each cluster the first of those that take it for their nearest, and for each of these the next and the one before.
    first: Vec<u32>,
    next: Vec<u32>,
    before: Vec<u32>,
}

impl Graph {
    fn new(n: usize) -> Self {
        Graph {
            nearest: vec![NearestCluster::NOBODY; n],
            first: vec![NO_CLUSTER; n],
            next: vec![NO_CLUSTER; n],
            before: vec![NO_CLUSTER; n],
        }
    }

    /// Takes the answers, and returns the reciprocal pairs, the lower number first, sorted.
    fn answer(&mut self, asking: &[u32], found: &[NearestCluster]) -> Vec<(u32, u32)> {
        for (&a, &found) in asking.iter().zip(found) {
            self.set(a, found);
        }
        let mut changed = asking.to_vec();
        for (&a, found) in asking.iter().zip(found) {
            let b = found.cluster;
            let offer = NearestCluster { cost: found.cost, cluster: a };
            if offer.is_before(&self.nearest[b as usize]) {
                self.set(b, offer);
                changed.push(b);
            }
        }
        let nearest = |a: u32| self.nearest[a as usize].cluster;
        let mut pairs: Vec<(u32, u32)> = changed
            .into_iter()
            .filter(|&a| nearest(nearest(a)) == a)
            .map(|a| (a.min(nearest(a)), a.max(nearest(a))))
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }

    /// Merges pairs, and returns which clusters have to ask, with a cluster that may be near: those that are new, and those
    /// whose nearest was merged.
    fn merge(&mut self, pairs: &[(u32, u32)]) -> (Vec<u32>, Vec<u32>) {
        let mut asking = Vec::with_capacity(2 * pairs.len());
        for &(a, b) in pairs {
            self.unlink(a);
            self.unlink(b);
            asking.push((a, NO_CLUSTER));
            for part in [a, b] {
                let mut other = std::mem::replace(&mut self.first[part as usize], NO_CLUSTER);
                while other != NO_CLUSTER {
                    asking.push((other, a));
                    let next = std::mem::replace(&mut self.next[other as usize], NO_CLUSTER);
                    self.before[other as usize] = NO_CLUSTER;
                    self.nearest[other as usize] = NearestCluster::NOBODY;
                    other = next;
                }
            }
        }
        asking.sort_unstable();
        asking.into_iter().unzip()
    }

    fn set(&mut self, a: u32, nearest: NearestCluster) {
        self.unlink(a);
        self.nearest[a as usize] = nearest;
        if nearest.cluster != NO_CLUSTER {
            let next = std::mem::replace(&mut self.first[nearest.cluster as usize], a);
            self.next[a as usize] = next;
            if next != NO_CLUSTER {
                self.before[next as usize] = a;
            }
        }
    }

    fn unlink(&mut self, a: u32) {
        let old = std::mem::replace(&mut self.nearest[a as usize], NearestCluster::NOBODY);
        if old.cluster == NO_CLUSTER {
            return;
        }
        let next = std::mem::replace(&mut self.next[a as usize], NO_CLUSTER);
        let before = std::mem::replace(&mut self.before[a as usize], NO_CLUSTER);
        match before {
            NO_CLUSTER => self.first[old.cluster as usize] = next,
            before => self.next[before as usize] = next,
        }
        if next != NO_CLUSTER {
            self.before[next as usize] = before;
        }
    }
}
