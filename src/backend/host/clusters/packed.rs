//! Clusters in an order in which neighbours lie near each other, 64 to a group, with a box around each group.

use super::NONE;
use rayon::prelude::*;

/// Clusters of a group.
pub(super) const GROUP: usize = 64;

/// Groups whose boxes are compared at once.
pub(super) const BOXES: usize = 16;

/// The clusters' centroids as the search needs them. A place without a cluster has a value of [`f32::MAX`] in `halves` and
/// `extras`, so that nothing finds it.
pub(super) struct Packed {
    features: usize,
    /// For each place its cluster, or [`NONE`].
    pub(super) clusters: Vec<u32>,
    /// For each group and feature the values of its 64 clusters.
    pub(super) values: Vec<f32>,
    /// For each place half of the centroid's squared norm.
    pub(super) halves: Vec<f32>,
    /// 0 for each place that has a cluster.
    pub(super) extras: Vec<f32>,
    /// For each 16 groups, feature by feature, the smallest values and the largest ones.
    pub(super) lows: Vec<f32>,
    pub(super) highs: Vec<f32>,
    /// For each group at least the largest squared norm, and at least the largest inverse of a weight.
    pub(super) norms: Vec<f64>,
    pub(super) inverses: Vec<f64>,
    /// For each cluster its place, or [`NONE`].
    places: Vec<u32>,
    /// For each cluster its rank in an order in which near ones follow each other. A merged cluster keeps its first part's.
    ranks: Vec<u32>,
    /// How many clusters there are, how many when they were last ranked, and how many places are in use.
    count: usize,
    ranked: usize,
    used: usize,
}

impl Packed {
    /// For so many clusters.
    pub(super) fn new(count: usize, features: usize) -> Self {
        Packed {
            features,
            clusters: Vec::new(),
            values: Vec::new(),
            halves: Vec::new(),
            extras: Vec::new(),
            lows: Vec::new(),
            highs: Vec::new(),
            norms: Vec::new(),
            inverses: Vec::new(),
            places: vec![NONE; count],
            ranks: vec![0; count],
            count: 0,
            ranked: usize::MAX,
            used: 0,
        }
    }

    /// How many groups.
    pub(super) fn groups(&self) -> usize {
        self.norms.len()
    }

    /// Where a cluster is.
    pub(super) fn place(&self, cluster: u32) -> u32 {
        self.places[cluster as usize]
    }

    /// Takes a cluster out.
    pub(super) fn remove(&mut self, cluster: u32) {
        let place = std::mem::replace(&mut self.places[cluster as usize], NONE) as usize;
        self.clusters[place] = NONE;
        self.halves[place] = f32::MAX;
        self.extras[place] = f32::MAX;
        self.count -= 1;
    }

    /// Takes clusters in, and packs all anew once half of the places are empty.
    pub(super) fn add(&mut self, near: &[f32], weights: &[f64], mut clusters: Vec<u32>) {
        let places = self.groups() * GROUP + clusters.len();
        if places > 2 * (self.count + clusters.len()) + 16 * GROUP {
            clusters.extend(self.clusters.iter().filter(|&&cluster| cluster != NONE));
            return self.rebuild(near, weights, clusters);
        }
        self.sort(weights, &mut clusters);
        // A few fill up the last group; many begin groups of their own, whose boxes are smaller.
        let free = self.groups() * GROUP - self.used;
        let (last, rest) =
            clusters.split_at(if clusters.len() < GROUP { free.min(clusters.len()) } else { 0 });
        for &cluster in last {
            let place = self.used;
            self.used += 1;
            self.put(near, weights, cluster, place);
        }
        self.append(near, weights, rest);
        self.count += clusters.len();
    }

    /// Packs these clusters and no others.
    pub(super) fn rebuild(&mut self, near: &[f32], weights: &[f64], mut clusters: Vec<u32>) {
        let d = self.features;
        if clusters.len() < self.ranked / 2 {
            self.ranked = clusters.len();
            rank(near, d, &mut clusters);
            clusters.iter().zip(0..).for_each(|(&cluster, rank)| self.ranks[cluster as usize] = rank);
        }
        self.sort(weights, &mut clusters);
        self.count = clusters.len();
        for values in [&mut self.values, &mut self.halves, &mut self.extras] {
            values.clear();
        }
        for bounds in [&mut self.lows, &mut self.highs] {
            bounds.clear();
        }
        self.clusters.clear();
        self.norms.clear();
        self.inverses.clear();
        self.append(near, weights, &clusters);
    }

    /// Sorts clusters so that those of like weight follow each other, and among these such as are near each other. The
    /// smallest weight of a group is then not much smaller than the others.
    fn sort(&self, weights: &[f64], clusters: &mut [u32]) {
        let key = |&cluster: &u32| {
            // The exponent of the weight.
            let class = (weights[cluster as usize].to_bits() >> 52) as u32;
            (class, self.ranks[cluster as usize])
        };
        clusters.par_sort_unstable_by_key(key);
    }

    /// Adds groups of these clusters.
    fn append(&mut self, near: &[f32], weights: &[f64], clusters: &[u32]) {
        let (d, first) = (self.features, self.groups());
        let groups = first + clusters.len().div_ceil(GROUP);
        self.clusters.resize(groups * GROUP, NONE);
        self.values.resize(groups * GROUP * d, 0.0);
        self.halves.resize(groups * GROUP, f32::MAX);
        self.extras.resize(groups * GROUP, f32::MAX);
        self.lows.resize(groups.next_multiple_of(BOXES) * d, f32::MAX);
        self.highs.resize(groups.next_multiple_of(BOXES) * d, -f32::MAX);
        self.norms.resize(groups, 0.0);
        self.inverses.resize(groups, 0.0);
        for (i, &cluster) in clusters.iter().enumerate() {
            self.put(near, weights, cluster, first * GROUP + i);
        }
        if !clusters.is_empty() {
            self.used = first * GROUP + clusters.len();
        }
    }

    /// Puts a cluster into an empty place, and widens its group's box.
    fn put(&mut self, near: &[f32], weights: &[f64], cluster: u32, place: usize) {
        let (d, group, lane) = (self.features, place / GROUP, place % GROUP);
        self.places[cluster as usize] = place as u32;
        self.clusters[place] = cluster;
        let (tile, column) = (group / BOXES * d * BOXES, group % BOXES);
        let mut squared = 0f64;
        for (j, &v) in near[cluster as usize * d..][..d].iter().enumerate() {
            self.values[(group * d + j) * GROUP + lane] = v;
            let low = &mut self.lows[tile + j * BOXES + column];
            *low = low.min(v);
            let high = &mut self.highs[tile + j * BOXES + column];
            *high = high.max(v);
            squared += f64::from(v) * f64::from(v);
        }
        self.halves[place] = (squared / 2.0) as f32;
        self.extras[place] = 0.0;
        self.norms[group] = self.norms[group].max(squared);
        self.inverses[group] = self.inverses[group].max(1.0 / weights[cluster as usize]);
    }
}

/// Orders points so that each run of 64 of them lies in a small box: halves them again and again, by the feature that varies
/// most. Whatever the order, the search finds the same; it only takes longer.
fn rank(near: &[f32], d: usize, points: &mut [u32]) {
    if points.len() <= GROUP {
        return;
    }
    let (mut sums, mut squares) = (vec![0f32; d], vec![0f32; d]);
    // Of many points some are enough to see which feature varies most.
    let step = points.len().div_ceil(4096);
    for &point in points.iter().step_by(step) {
        for (j, &v) in near[point as usize * d..][..d].iter().enumerate() {
            sums[j] += v;
            squares[j] += v * v;
        }
    }
    let looked_at = points.len().div_ceil(step) as f32;
    let variance = |j: usize| squares[j] - sums[j] * sums[j] / looked_at;
    let widest = (0..d).max_by(|&a, &b| variance(a).total_cmp(&variance(b))).unwrap_or(0);
    let middle = (points.len() / 2).next_multiple_of(GROUP).min(points.len() - 1);
    let value = |point: &u32| near[*point as usize * d + widest];
    points.select_nth_unstable_by(middle, |a, b| value(a).total_cmp(&value(b)));
    let (lower, upper) = points.split_at_mut(middle);
    rayon::join(|| rank(near, d, lower), || rank(near, d, upper));
}
