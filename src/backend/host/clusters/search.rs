//! The search for the nearest cluster.
//!
//! What proves that a cluster `c` cannot be the nearest of a query `q` whose best cost so far is `best`: let `D = |q - c|` be
//! their distance, and `s = best (1 / w_q + 1 / w_c)`. The cost of `c` is `D^2 / (1 / w_q + 1 / w_c)`, and its value in f64 has a
//! relative error below `2^-40`. So `c` is farther than the best one if `D^2 > s (1 + 2^-40)`.
//!
//! The search knows the centroids minus the mean as `q'` and `c'` in f32. Each of their values has a relative error of `2^-24`,
//! and a little more by f64, so `|q' - c'|` differs from `D` by at most `e = 2^-23.9 (|q'| + |c'|)`. With
//! `(x + e)^2 <= x^2 (1 + 2^-19) + e^2 (1 + 2^19)` it is enough that `|q' - c'|^2` is above
//!
//! `L = s (1 + 2^-18) + 2^-24 (|q'|^2 + |c'|^2)`.
//!
//! A squared distance of differences, or to a box around `c'`, has the relative error of a [`Certificate`]. The shorter form
//! `|c'|^2 / 2 - q'.c'` needs one multiply-add for a feature; its `d + 2` roundings add up to at most
//! `(d + 4) 2^-24 (|q'||c'| + |c'|^2 / 2)`, so twice the value is off by at most `(d + 4) 2^-23 (|q'|^2 + |c'|^2)`, of which twice as
//! much is allowed for. Where that is much against `L`, differences are used. For a whole group, the largest norm is put in for
//! that of `c`.

use super::packed::{BOXES, GROUP};
use super::{BATCH, Clusters, NONE, NearestCluster};
use crate::backend::simd::{PairProducts, Vectorized, multiply_add};
use crate::canonical::Certificate;
use pulp::Simd;

/// The most queries that are compared with a group at once.
const PACK: usize = 6;

/// How many points a pack of so many queries has.
#[inline(always)]
fn width(queries: usize) -> usize {
    match queries {
        1 | 2 => queries,
        3 | 4 => 4,
        _ => PACK,
    }
}

/// Finds the nearest cluster of up to 64 queries that lie near each other.
pub(super) struct Search<'a> {
    pub(super) clusters: &'a Clusters,
    pub(super) queries: &'a [u32],
    pub(super) hints: &'a [u32],
}

/// The queries, and what is known of them so far.
struct Batch<'a> {
    clusters: &'a Clusters,
    queries: &'a [u32],
    /// Feature by feature.
    values: Vec<f32>,
    /// The queries that were gathered last, and their negated values.
    gathered: Vec<usize>,
    points: Vec<f32>,
    norms: [f64; BATCH],
    inverses: [f64; BATCH],
    best: [NearestCluster; BATCH],
    certificate: Certificate,
    /// The error of the dot products, for each unit of the two squared norms.
    product_error: f64,
}

impl Vectorized for Search<'_> {
    type Output = Vec<NearestCluster>;

    #[inline(always)]
    fn run<S: PairProducts, const V: usize>(self, simd: S) -> Vec<NearestCluster> {
        let Search { clusters, queries, hints } = self;
        let packed = &clusters.packed;
        let mut batch = Batch::new(clusters, queries, hints);
        let mut bounds = vec![0f32; packed.groups().next_multiple_of(BOXES)];
        batch.box_distances(simd, &mut bounds);
        // First the queries' own groups, which are likely to have near clusters.
        let mut left: Vec<(f32, u32)> =
            queries.iter().map(|&query| (0.0, packed.place(query) / GROUP as u32)).collect();
        left.dedup();
        let mut survivors = Vec::with_capacity(BATCH);
        for own in [true, false] {
            let mut reach = batch.reach();
            if !own {
                // Then all others that the boxes do not rule out, the nearest ones first.
                left.iter().for_each(|&(_, group)| bounds[group as usize] = f32::INFINITY);
                let others = bounds[..packed.groups()].iter().copied().zip(0u32..);
                let near =
                    |&(bound, group): &(f32, u32)| bound < f32::INFINITY && batch.within(reach, bound, group);
                left = others.filter(near).collect();
                left.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
            }
            for &(bound, group) in &left {
                if !batch.within(reach, bound, group) {
                    continue;
                }
                batch.survivors(simd, group as usize, &mut survivors);
                if batch.visit::<S, V>(simd, group as usize, &survivors) {
                    reach = batch.reach();
                }
            }
        }
        batch.best[..queries.len()].to_vec()
    }
}

/// What a group has to be within for any query of a batch to be near it.
#[derive(Clone, Copy)]
struct Reach {
    best: f64,
    best_times_inverse: f64,
    norm: f64,
}

impl<'a> Batch<'a> {
    fn new(clusters: &'a Clusters, queries: &'a [u32], hints: &[u32]) -> Self {
        let d = clusters.features;
        let mut batch = Batch {
            clusters,
            queries,
            values: vec![0.0; d * BATCH],
            gathered: Vec::with_capacity(BATCH),
            points: Vec::new(),
            norms: [0.0; BATCH],
            inverses: [0.0; BATCH],
            best: [NearestCluster::NOBODY; BATCH],
            certificate: Certificate::new(d),
            product_error: (d as f64 + 8.0 + (d as f64 / 800.0) * (d as f64 / 800.0)) * libm::ldexp(1.0, -22),
        };
        for i in 0..BATCH {
            // A batch that is not full repeats its last query, so that its box stays small.
            let query = queries[i.min(queries.len() - 1)] as usize;
            let values = &clusters.near[query * d..][..d];
            values.iter().enumerate().for_each(|(j, &v)| batch.values[j * BATCH + i] = v);
            batch.norms[i] = values.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
            batch.inverses[i] = 1.0 / clusters.weights[query];
        }
        for (i, (&query, &hint)) in queries.iter().zip(hints).enumerate() {
            if hint != NONE && hint != query {
                batch.best[i] = NearestCluster { cost: clusters.cost(query, hint), cluster: hint };
            }
        }
        batch
    }

    /// `L` for a query and a group.
    #[inline(always)]
    fn limit(&self, i: usize, group: usize) -> f64 {
        let packed = &self.clusters.packed;
        limit(
            self.best[i].cost,
            self.best[i].cost * self.inverses[i],
            packed.inverses[group],
            self.norms[i] + packed.norms[group],
        )
    }

    fn reach(&self) -> Reach {
        let mut reach = Reach { best: 0.0, best_times_inverse: 0.0, norm: 0.0 };
        for i in 0..self.queries.len() {
            reach.best = reach.best.max(self.best[i].cost);
            reach.best_times_inverse = reach.best_times_inverse.max(self.best[i].cost * self.inverses[i]);
            reach.norm = reach.norm.max(self.norms[i]);
        }
        reach
    }

    /// Whether a group at this squared distance, box to box, may matter to any query.
    #[inline(always)]
    fn within(&self, reach: Reach, bound: f32, group: u32) -> bool {
        let packed = &self.clusters.packed;
        let group = group as usize;
        let norms = reach.norm + packed.norms[group];
        let limit = limit(reach.best, reach.best_times_inverse, packed.inverses[group], norms);
        f64::from(bound) <= self.certificate.above(limit)
    }

    /// For each group the squared distance of its box to the box around the queries.
    #[inline(always)]
    fn box_distances<S: Simd>(&self, simd: S, bounds: &mut [f32]) {
        let d = self.clusters.features;
        let packed = &self.clusters.packed;
        let own: Vec<(f32, f32)> = self
            .values
            .chunks_exact(BATCH)
            .map(|values| {
                values.iter().fold((f32::MAX, -f32::MAX), |(low, high), &v| (low.min(v), high.max(v)))
            })
            .collect();
        let zero = simd.splat_f32s(0.0);
        let vectors = BOXES / S::F32_LANES;
        let tiles = packed.lows.chunks_exact(d * BOXES).zip(packed.highs.chunks_exact(d * BOXES));
        for (bounds, (lows, highs)) in bounds.chunks_exact_mut(BOXES).zip(tiles) {
            let (lows, highs) = (S::as_simd_f32s(lows).0, S::as_simd_f32s(highs).0);
            let bounds = S::as_mut_simd_f32s(bounds).0;
            for (v, bound) in bounds.iter_mut().enumerate() {
                let mut sum = zero;
                for (j, &(low, high)) in own.iter().enumerate() {
                    let above = simd.sub_f32s(lows[j * vectors + v], simd.splat_f32s(high));
                    let below = simd.sub_f32s(simd.splat_f32s(low), highs[j * vectors + v]);
                    let gap = simd.max_f32s(simd.max_f32s(above, below), zero);
                    sum = multiply_add(simd, gap, gap, sum);
                }
                *bound = sum;
            }
        }
    }

    /// The queries that a group's box does not rule out.
    #[inline(always)]
    fn survivors<S: Simd>(&self, simd: S, group: usize, survivors: &mut Vec<usize>) {
        let d = self.clusters.features;
        let packed = &self.clusters.packed;
        let tile = group / BOXES * d * BOXES + group % BOXES;
        let zero = simd.splat_f32s(0.0);
        let vectors = BATCH / S::F32_LANES;
        let mut sums = [zero; BATCH];
        let values = S::as_simd_f32s(&self.values).0;
        for j in 0..d {
            let low = simd.splat_f32s(packed.lows[tile + j * BOXES]);
            let high = simd.splat_f32s(packed.highs[tile + j * BOXES]);
            for v in 0..vectors {
                let value = values[j * vectors + v];
                let gap = simd.max_f32s(simd.sub_f32s(low, value), simd.sub_f32s(value, high));
                let gap = simd.max_f32s(gap, zero);
                sums[v] = multiply_add(simd, gap, gap, sums[v]);
            }
        }
        let mut squared = [0f32; BATCH];
        for (to, sum) in S::as_mut_simd_f32s(&mut squared).0.iter_mut().zip(sums) {
            *to = sum;
        }
        survivors.clear();
        for (i, &squared) in squared.iter().enumerate().take(self.queries.len()) {
            if f64::from(squared) <= self.certificate.above(self.limit(i, group)) {
                survivors.push(i);
            }
        }
    }

    /// Compares queries with all clusters of a group. Whether any of them found a nearer one.
    #[inline(always)]
    fn visit<S: Simd, const V: usize>(&mut self, simd: S, group: usize, queries: &[usize]) -> bool {
        self.gather(queries);
        let (mut found, mut first) = (false, 0);
        for pack in queries.chunks(PACK) {
            found |= match width(pack.len()) {
                1 => self.meet::<S, V, 1>(simd, group, pack, first),
                2 => self.meet::<S, V, 2>(simd, group, pack, first),
                4 => self.meet::<S, V, 4>(simd, group, pack, first),
                _ => self.meet::<S, V, PACK>(simd, group, pack, first),
            };
            first += width(pack.len()) * self.clusters.features;
        }
        found
    }

    /// Gathers the negated values of queries, pack by pack and feature by feature. Often they are the same queries as for
    /// the last group.
    fn gather(&mut self, queries: &[usize]) {
        if self.gathered == queries {
            return;
        }
        self.gathered.clear();
        self.gathered.extend_from_slice(queries);
        let d = self.clusters.features;
        self.points.clear();
        for pack in queries.chunks(PACK) {
            let (width, first) = (width(pack.len()), self.points.len());
            self.points.resize(first + width * d, 0.0);
            for c in 0..width {
                // A pack that is not full repeats its last query.
                let query = self.queries[pack[c.min(pack.len() - 1)]] as usize;
                let values = &self.clusters.near[query * d..][..d];
                let points = self.points[first + c..].iter_mut().step_by(width);
                points.zip(values).for_each(|(point, &value)| *point = -value);
            }
        }
    }

    /// Compares up to `C` queries with a group.
    #[inline(always)]
    fn meet<S: Simd, const V: usize, const C: usize>(
        &mut self,
        simd: S,
        group: usize,
        pack: &[usize],
        first: usize,
    ) -> bool {
        let packed = &self.clusters.packed;
        // What `L` has beside `s` times a constant, and the error of dot products, may be more than is worth while.
        let products = pack.iter().all(|&i| {
            let limit = self.limit(i, group);
            self.product_error * (self.norms[i] + packed.norms[group]) <= 0.25 * limit
        });
        if products {
            self.compare::<S, V, C, true>(simd, group, pack, first)
        } else {
            self.compare::<S, V, C, false>(simd, group, pack, first)
        }
    }

    /// What a value of the filter must not be above for a cluster of the group to matter.
    #[inline(always)]
    fn threshold<const PRODUCT: bool>(&self, i: usize, group: usize) -> Threshold {
        let (best, norms) = (self.best[i].cost, self.norms[i] + self.clusters.packed.norms[group]);
        if best == f64::INFINITY {
            return Threshold { constant: f64::from(f32::MAX), slope: 0.0 };
        }
        let constant = best * self.inverses[i] * GROW + SMALL * norms;
        let slack = 2.0 * f64::from(self.certificate.slack);
        if PRODUCT {
            let constant = (constant + self.product_error * norms - self.norms[i]) / 2.0 + slack;
            Threshold { constant, slope: best * GROW / 2.0 }
        } else {
            // What `Certificate::above` multiplies by.
            let factor = 2.0 * f64::from(self.certificate.high) - 1.0;
            Threshold { constant: constant * factor + slack, slope: best * GROW * factor }
        }
    }

    #[inline(always)]
    fn compare<S: Simd, const V: usize, const C: usize, const PRODUCT: bool>(
        &mut self,
        simd: S,
        group: usize,
        pack: &[usize],
        first: usize,
    ) -> bool {
        let d = self.clusters.features;
        let clusters = self.clusters;
        let packed = &clusters.packed;
        let starts = if PRODUCT { &packed.halves } else { &packed.extras };
        let starts = S::as_simd_f32s(&starts[group * GROUP..][..GROUP]).0;
        let inverses = S::as_simd_f32s(&packed.own_inverses[group * GROUP..][..GROUP]).0;
        let values = S::as_simd_f32s(&packed.values[group * d * GROUP..][..d * GROUP]).0;
        let vectors = GROUP / S::F32_LANES;
        let mut found = false;
        for part in (0..vectors).step_by(V) {
            let mut sums = [[simd.splat_f32s(0.0); V]; C];
            for sums in &mut sums {
                sums.copy_from_slice(&starts[part..part + V]);
            }
            let points = self.points[first..first + C * d].as_chunks::<C>().0;
            for (row, point) in values.chunks_exact(vectors).zip(points) {
                let row = &row[part..part + V];
                for c in 0..C {
                    let negated = simd.splat_f32s(point[c]);
                    for v in 0..V {
                        sums[c][v] = if PRODUCT {
                            multiply_add(simd, row[v], negated, sums[c][v])
                        } else {
                            let difference = simd.add_f32s(row[v], negated);
                            multiply_add(simd, difference, difference, sums[c][v])
                        };
                    }
                }
            }
            for (c, &i) in pack.iter().enumerate() {
                let (constant, slope) = self.threshold::<PRODUCT>(i, group).rounded(packed.inverses[group]);
                let (constant, slope) = (simd.splat_f32s(constant), simd.splat_f32s(slope));
                let mut near = simd
                    .less_than_or_equal_f32s(sums[c][0], multiply_add(simd, inverses[part], slope, constant));
                for v in 1..V {
                    let limit = multiply_add(simd, inverses[part + v], slope, constant);
                    near = simd.or_m32s(near, simd.less_than_or_equal_f32s(sums[c][v], limit));
                }
                if simd.first_true_m32s(near) < S::F32_LANES {
                    let mut all = [0f32; GROUP];
                    for (to, &sum) in S::as_mut_simd_f32s(&mut all).0.iter_mut().zip(&sums[c]) {
                        *to = sum;
                    }
                    let first = group * GROUP + part * S::F32_LANES;
                    found |= self.look::<PRODUCT>(i, group, first, &all[..V * S::F32_LANES]);
                }
            }
        }
        found
    }

    /// Computes the costs of the clusters from place `first` on whose values the filter lets through.
    fn look<const PRODUCT: bool>(&mut self, i: usize, group: usize, first: usize, values: &[f32]) -> bool {
        let query = self.queries[i];
        let (clusters, packed) = (self.clusters, &self.clusters.packed);
        let mut threshold = self.threshold::<PRODUCT>(i, group);
        let there = |place: &usize| {
            let cluster = packed.clusters[*place];
            cluster != query && cluster != NONE
        };
        let value = |place: usize| f64::from(values[place - first]);
        let places = first..first + values.len();
        // The least value comes first, because it rules out most of the others.
        let least = places.clone().filter(there).min_by(|&a, &b| value(a).total_cmp(&value(b)));
        let mut found = false;
        for place in least.into_iter().chain(places.filter(there)) {
            if value(place) <= threshold.of(f64::from(packed.own_inverses[place])) {
                let cluster = packed.clusters[place];
                let nearest = NearestCluster { cost: clusters.cost(query, cluster), cluster };
                if nearest.is_before(&self.best[i]) {
                    self.best[i] = nearest;
                    threshold = self.threshold::<PRODUCT>(i, group);
                    found = true;
                }
            }
        }
        found
    }
}

/// The largest value of the filter that matters: a constant and a multiple of the inverse of the cluster's weight.
#[derive(Clone, Copy)]
struct Threshold {
    constant: f64,
    slope: f64,
}

impl Threshold {
    #[inline(always)]
    fn of(&self, inverse: f64) -> f64 {
        self.constant + self.slope * inverse
    }

    /// Both in f32, so large that [`Threshold::of`] is not above what f32 makes of them for any inverse up to this one.
    #[inline(always)]
    fn rounded(&self, inverse: f64) -> (f32, f32) {
        const ROUNDING: f64 = 1.0 / (1u64 << 22) as f64;
        let error = ROUNDING * (self.constant.abs() + self.slope * inverse);
        ((self.constant + error) as f32, (self.slope as f32).next_up())
    }
}

/// What `s` is multiplied by in `L`, and the share of the squared norms.
const GROW: f64 = 1.0 + 1.0 / (1u64 << 18) as f64;
const SMALL: f64 = 1.0 / (1u64 << 24) as f64;

/// `L` of this best cost, and of that times `1 / w_q`; `norms` is the sum of the two squared norms.
#[inline(always)]
fn limit(best: f64, best_times_inverse: f64, inverse: f64, norms: f64) -> f64 {
    (best_times_inverse + best * inverse) * GROW + SMALL * norms
}
