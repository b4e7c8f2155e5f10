//! The messages of affinity propagation (Frey and Dueck, 2007), for [`crate::cluster::affinity`].
//!
//! Each iteration reads and writes both matrices of messages once. The availabilities need the sums of all
//! responsibilities, so they are brought up to date when their row is next read: row by row, first its availabilities, then
//! its responsibilities while it still lies in the cache. The sums go over fixed blocks of rows and then over the blocks in
//! order, and the lanes of a vector are different columns, so any number of threads and every instruction set gives the same
//! bits.

use super::{tile_squared_distances, widen};
use crate::backend::simd::{InstructionSet, Vectorized};
use crate::matrix::{Matrix, TILE};
use pulp::Simd;
use rayon::prelude::*;

/// How many rows a block has. Each block has a row of sums of its own.
const BLOCK: usize = 64;

/// How many columns are summed up at once.
const COLUMNS: usize = 512;

/// Tables of at most so many features have their similarities computed anew in each iteration. That takes no longer than
/// reading them from memory.
const FEW_FEATURES: usize = 8;

/// Points in f64, tile after tile, for the distances from each of them to all.
pub(crate) struct Points {
    set: InstructionSet,
    tiles: Vec<[f64; TILE]>,
    rows: usize,
    features: usize,
}

impl Points {
    /// The rows of a matrix.
    pub(crate) fn new(set: InstructionSet, matrix: &Matrix) -> Self {
        let features = matrix.features();
        let mut tiles = vec![[0.0; TILE]; matrix.tile_count() * features];
        tiles.par_chunks_mut(features).enumerate().for_each(|(t, tile)| widen(matrix.tile(t), tile));
        Points { set, tiles, rows: matrix.rows(), features }
    }

    /// The instruction set that computes distances.
    pub(crate) fn instruction_set(&self) -> InstructionSet {
        self.set
    }

    /// How many points.
    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// How many distances [`Points::squared_distances`] writes: one a point, in whole tiles.
    pub(crate) fn stride(&self) -> usize {
        self.rows.next_multiple_of(TILE)
    }

    /// The canonical squared distances from point `i` to all points, in squared stored units. The last ones, past the
    /// number of points, mean nothing.
    pub(crate) fn squared_distances(&self, i: usize, out: &mut [f64]) {
        self.set.run(Distances { points: self, i, out });
    }

    fn value(&self, i: usize, feature: usize) -> f64 {
        self.tiles[i / TILE * self.features + feature][i % TILE]
    }
}

/// From one point to all.
struct Distances<'a> {
    points: &'a Points,
    i: usize,
    out: &'a mut [f64],
}

impl Vectorized for Distances<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) {
        let Distances { points, i, out } = self;
        let point: Vec<[f64; 1]> = (0..points.features).map(|j| [points.value(i, j)]).collect();
        for (out, tile) in out.chunks_exact_mut(TILE).zip(points.tiles.chunks_exact(points.features)) {
            let out = S::as_mut_simd_f64s(out).0;
            for (v, out) in out.iter_mut().enumerate() {
                let [squared] = tile_squared_distances::<S, 1>(simd, tile, v, &point);
                *out = squared;
            }
        }
    }
}

/// What each point says to itself: its own entries of the two matrices.
#[derive(Debug, Clone, Copy, Default)]
struct Own {
    responsibility: f64,
    availability: f64,
}

/// The messages between points.
pub(crate) struct Messages<'a> {
    points: &'a Points,
    /// How many copies each point stands for; none if each stands for itself.
    copies: Option<&'a [f64]>,
    /// The similarity of each point to itself.
    preferences: &'a [f64],
    damping: f64,
    /// All similarities, unless they are computed anew in each iteration.
    similarities: Option<Vec<f64>>,
    responsibilities: Vec<f64>,
    availabilities: Vec<f64>,
    own: Vec<Own>,
    /// For each point the sum of the positive responsibilities of the others for it, and its own.
    totals: Vec<f64>,
    /// These sums, block by block.
    sums: Vec<f64>,
}

impl<'a> Messages<'a> {
    /// About how many bytes the messages between so many points take.
    pub(crate) fn bytes(points: usize, features: usize) -> u64 {
        let stride = points.next_multiple_of(TILE) as u64;
        let matrices = if features <= FEW_FEATURES { 2 } else { 3 };
        8 * stride * (matrices * points as u64 + points.div_ceil(BLOCK) as u64 + features as u64 + 8)
    }

    /// No messages yet. The similarity of point `i` to another is minus their squared distance, times `copies[i]`; that to
    /// itself is `preferences[i]`.
    pub(crate) fn new(
        points: &'a Points,
        copies: Option<&'a [f64]>,
        preferences: &'a [f64],
        damping: f64,
    ) -> Self {
        let (rows, stride) = (points.len(), points.stride());
        let mut out = Messages {
            points,
            copies,
            preferences,
            damping,
            similarities: None,
            responsibilities: vec![0.0; rows * stride],
            availabilities: vec![0.0; rows * stride],
            own: vec![Own::default(); rows],
            // Nothing is subtracted from infinite totals, so the first availabilities are 0.
            totals: vec![f64::INFINITY; stride],
            sums: vec![0.0; rows.div_ceil(BLOCK) * stride],
        };
        if points.features > FEW_FEATURES {
            let mut similarities = vec![0.0; rows * stride];
            similarities.par_chunks_mut(stride).enumerate().for_each(|(i, row)| out.similarities_of(i, row));
            out.similarities = Some(similarities);
        }
        out
    }

    /// The similarities of point `i` to the others. Nothing is similar to what lies past the points, and its own place is
    /// empty as well.
    fn similarities_of(&self, i: usize, out: &mut [f64]) {
        self.points.squared_distances(i, out);
        let factor = -self.copies.map_or(1.0, |copies| copies[i]);
        out.iter_mut().for_each(|s| *s *= factor);
        out[self.points.len()..].fill(f64::NEG_INFINITY);
        out[i] = f64::NEG_INFINITY;
    }

    /// Sends every message once more.
    pub(crate) fn step(&mut self) {
        let stride = self.points.stride();
        let mut responsibilities = std::mem::take(&mut self.responsibilities);
        let mut availabilities = std::mem::take(&mut self.availabilities);
        let (mut own, mut sums) = (std::mem::take(&mut self.own), std::mem::take(&mut self.sums));
        let this = &*self;
        responsibilities
            .par_chunks_mut(BLOCK * stride)
            .zip(availabilities.par_chunks_mut(BLOCK * stride))
            .zip(sums.par_chunks_mut(stride).zip(own.par_chunks_mut(BLOCK)))
            .enumerate()
            .for_each(|(b, ((responsibilities, availabilities), (sums, own)))| {
                sums.fill(0.0);
                let mut computed = vec![0.0; if this.similarities.is_none() { stride } else { 0 }];
                for (at, own) in own.iter_mut().enumerate() {
                    let i = b * BLOCK + at;
                    let similarities = match &this.similarities {
                        Some(all) => &all[i * stride..][..stride],
                        None => {
                            this.similarities_of(i, &mut computed);
                            &computed
                        }
                    };
                    let row = Row {
                        similarities,
                        responsibilities: &mut responsibilities[at * stride..][..stride],
                        availabilities: &mut availabilities[at * stride..][..stride],
                        totals: &this.totals,
                        sums,
                        damping: this.damping,
                        to_itself: own.availability + this.preferences[i],
                    };
                    let best = this.points.set.run(row);
                    own.responsibility = this.damp(own.responsibility, this.preferences[i] - best);
                }
            });
        let mut totals = vec![0.0; stride];
        totals.par_chunks_mut(COLUMNS).enumerate().for_each(|(c, totals)| {
            for sums in sums.chunks_exact(stride) {
                totals.iter_mut().zip(&sums[c * COLUMNS..]).for_each(|(total, sum)| *total += sum);
            }
        });
        for (own, total) in own.iter_mut().zip(&mut totals) {
            own.availability = self.damp(own.availability, *total);
            *total += own.responsibility;
        }
        self.responsibilities = responsibilities;
        self.availabilities = availabilities;
        (self.own, self.sums, self.totals) = (own, sums, totals);
    }

    fn damp(&self, old: f64, new: f64) -> f64 {
        self.damping * old + (1.0 - self.damping) * new
    }

    /// For each point whether it is an exemplar by now.
    pub(crate) fn exemplars(&self) -> impl ExactSizeIterator<Item = bool> {
        self.own.iter().map(|own| own.responsibility + own.availability > 0.0)
    }
}

/// One row of both matrices. Returns the largest sum of availability and similarity among the other points.
struct Row<'a> {
    similarities: &'a [f64],
    responsibilities: &'a mut [f64],
    availabilities: &'a mut [f64],
    totals: &'a [f64],
    sums: &'a mut [f64],
    damping: f64,
    /// The row's availability for itself plus its preference.
    to_itself: f64,
}

impl Vectorized for Row<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) -> f64 {
        let similarities = S::as_simd_f64s(self.similarities).0;
        let responsibilities = S::as_mut_simd_f64s(self.responsibilities).0;
        let availabilities = S::as_mut_simd_f64s(self.availabilities).0;
        let (totals, sums) = (S::as_simd_f64s(self.totals).0, S::as_mut_simd_f64s(self.sums).0);
        let (old, new) = (simd.splat_f64s(self.damping), simd.splat_f64s(1.0 - self.damping));
        let (zero, none) = (simd.splat_f64s(0.0), simd.splat_f64s(f64::NEG_INFINITY));
        let (mut best, mut second) = (none, none);
        let columns = similarities.iter().zip(availabilities.iter_mut()).zip(&*responsibilities).zip(totals);
        for (((&s, a), &r), &total) in columns {
            let available = simd.min_f64s(simd.sub_f64s(total, simd.max_f64s(r, zero)), zero);
            *a = simd.add_f64s(simd.mul_f64s(old, *a), simd.mul_f64s(new, available));
            let sum = simd.add_f64s(*a, s);
            second = simd.max_f64s(second, simd.min_f64s(best, sum));
            best = simd.max_f64s(best, sum);
        }
        let (best, second) = largest_two::<S>(best, second);
        let among_others = best;
        let second = second.max(best.min(self.to_itself));
        let best = best.max(self.to_itself);
        let (best, second) = (simd.splat_f64s(best), simd.splat_f64s(second));
        let columns = similarities.iter().zip(&*availabilities).zip(responsibilities).zip(sums);
        for (((&s, &a), r), sum) in columns {
            // Where two sums are the largest, the second one equals the best.
            let is_best = simd.equal_f64s(simd.add_f64s(a, s), best);
            let rival = simd.select_f64s(is_best, second, best);
            *r = simd.add_f64s(simd.mul_f64s(old, *r), simd.mul_f64s(new, simd.sub_f64s(s, rival)));
            *sum = simd.add_f64s(*sum, simd.max_f64s(*r, zero));
        }
        among_others
    }
}

/// The largest two numbers of which each lane has its own largest two.
#[inline(always)]
fn largest_two<S: Simd>(best: S::f64s, second: S::f64s) -> (f64, f64) {
    let (best, second): (&[f64], &[f64]) =
        (bytemuck::cast_slice(std::slice::from_ref(&best)), bytemuck::cast_slice(std::slice::from_ref(&second)));
    let mut out = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    for &value in best.iter().chain(second) {
        out = (out.0.max(value), out.1.max(out.0.min(value)));
    }
    out
}
