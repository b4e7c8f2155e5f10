//! The messages of affinity propagation (Frey and Dueck, 2007), for [`crate::cluster::affinity`].
//!
//! Each iteration passes over the matrices once, row by row: first the row's availabilities, which need the sums of all
//! responsibilities of the iteration before, then its responsibilities while the row still lies in the cache. The sums go over
//! fixed blocks of rows and then over the blocks in order, and the lanes of a vector are different columns, so any number of
//! threads and every instruction set gives the same bits.
//!
//! **Plain tiles.** Most messages say nothing about their pair. As long as the responsibility of a row for a candidate is not
//! positive, its availability is what the candidate tells every such row, one number a column. And as long as the candidate is
//! not the row's best, its responsibility is the similarity less what the row's best offers: `share * similarity - best`, where
//! `share` and the damped `best` are one number for all columns. So 16 columns of a row that have only such messages are
//! neither stored nor read; one byte says so. A tile is stored from the iteration on in which one of its messages differs.

use super::{tile_squared_distances, widen};
use crate::backend::simd::{InstructionSet, Vectorized};
use crate::matrix::{Matrix, TILE};
use pulp::Simd;
use rayon::prelude::*;

/// How many rows a block has. Each block has a row of sums of its own.
const BLOCK: usize = 64;

/// How many columns are summed up at once.
const COLUMNS: usize = 512;

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

    /// How much room the distances to all points take, in whole tiles.
    pub(crate) fn stride(&self) -> usize {
        self.rows.next_multiple_of(TILE)
    }

    /// The canonical squared distances from point `i` to all points, or as many as `out` has room for, in squared stored
    /// units. `out` is for whole tiles; what lies past the points means nothing.
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

/// What each point says to itself, and about all others.
#[derive(Debug, Clone, Copy, Default)]
struct Own {
    /// Its own entries of the two matrices.
    responsibility: f64,
    availability: f64,
    /// The damped sum of availability and similarity of its best candidate.
    best: f64,
}

/// The messages between points.
pub(crate) struct Messages<'a> {
    points: &'a Points,
    /// The similarity of each point to itself.
    preferences: &'a [f64],
    damping: f64,
    /// The similarities of all pairs. A point's own place is empty, and so are those past the points: minus infinity.
    similarities: Vec<f64>,
    /// For each row and tile of columns whether its messages are stored.
    stored: Vec<bool>,
    responsibilities: Vec<f64>,
    availabilities: Vec<f64>,
    own: Vec<Own>,
    /// The share of a similarity in a damped responsibility: 1 after many iterations.
    share: f64,
    /// For each point the sum of the positive responsibilities of the others for it, and its own.
    totals: Vec<f64>,
    /// These sums, block by block.
    sums: Vec<f64>,
    /// For each point its availability to all who are not positively responsible for it.
    to_all: Vec<f64>,
}

impl<'a> Messages<'a> {
    /// The most bytes that the messages between so many points take.
    pub(crate) fn bytes(points: usize, features: usize) -> u64 {
        let (rows, stride) = (points as u64, points.next_multiple_of(TILE) as u64);
        8 * stride * (3 * rows + rows.div_ceil(BLOCK as u64) + features as u64 + 8)
            + rows * stride / TILE as u64
    }

    /// No messages yet. The similarity of point `i` to another is minus their squared distance, times `copies[i]` if there are
    /// any; that to itself is `preferences[i]`.
    pub(crate) fn new(
        points: &'a Points,
        copies: Option<&[f64]>,
        preferences: &'a [f64],
        damping: f64,
    ) -> Self {
        let (rows, stride) = (points.len(), points.stride());
        let mut similarities = vec![0.0; rows * stride];
        similarities.par_chunks_mut(stride).enumerate().for_each(|(i, row)| {
            points.squared_distances(i, row);
            let factor = -copies.map_or(1.0, |copies| copies[i]);
            row.iter_mut().for_each(|s| *s *= factor);
            row[rows..].fill(f64::NEG_INFINITY);
            row[i] = f64::NEG_INFINITY;
        });
        Messages {
            points,
            preferences,
            damping,
            similarities,
            stored: vec![false; rows * (stride / TILE)],
            // The system gives out memory when it is first written.
            responsibilities: vec![0.0; rows * stride],
            availabilities: vec![0.0; rows * stride],
            own: vec![Own::default(); rows],
            share: 0.0,
            totals: vec![0.0; stride],
            sums: vec![0.0; rows.div_ceil(BLOCK) * stride],
            to_all: vec![0.0; stride],
        }
    }

    /// The largest similarity of two different points.
    pub(crate) fn most_similar(&self) -> f64 {
        self.similarities.par_iter().copied().reduce(|| f64::NEG_INFINITY, f64::max)
    }

    /// Sends every message once more.
    pub(crate) fn step(&mut self) {
        let stride = self.points.stride();
        let (set, damping, preferences) = (self.points.set, self.damping, self.preferences);
        self.share = damped(damping, self.share, 1.0);
        let (share, totals, to_all) = (self.share, &self.totals, &self.to_all);
        self.responsibilities
            .par_chunks_mut(BLOCK * stride)
            .zip(self.availabilities.par_chunks_mut(BLOCK * stride))
            .zip(self.stored.par_chunks_mut(BLOCK * (stride / TILE)))
            .zip(self.sums.par_chunks_mut(stride).zip(self.own.par_chunks_mut(BLOCK)))
            .zip(self.similarities.par_chunks(BLOCK * stride))
            .enumerate()
            .for_each(
                |(block, ((((responsibilities, availabilities), stored), (sums, own)), similarities))| {
                    sums.fill(0.0);
                    let rows = responsibilities
                        .chunks_exact_mut(stride)
                        .zip(availabilities.chunks_exact_mut(stride))
                        .zip(stored.chunks_exact_mut(stride / TILE))
                        .zip(similarities.chunks_exact(stride))
                        .zip(&mut *own);
                    for (i, ((((responsibilities, availabilities), stored), similarities), own)) in
                        rows.enumerate()
                    {
                        let preference = preferences[block * BLOCK + i];
                        let to_itself = own.availability + preference;
                        let row = Row {
                            similarities,
                            responsibilities,
                            availabilities,
                            stored,
                            totals,
                            to_all,
                            sums,
                            damping,
                            share,
                            to_itself,
                            best: own.best,
                        };
                        let of_others = set.run(row);
                        own.responsibility = damped(damping, own.responsibility, preference - of_others);
                        own.best = damped(damping, own.best, of_others.max(to_itself));
                    }
                },
            );
        let (sums, own) = (&self.sums, &mut self.own);
        self.totals.par_chunks_mut(COLUMNS).enumerate().for_each(|(c, totals)| {
            totals.fill(0.0);
            for sums in sums.chunks_exact(stride) {
                totals.iter_mut().zip(&sums[c * COLUMNS..]).for_each(|(total, sum)| *total += sum);
            }
        });
        for ((own, total), to_all) in own.iter_mut().zip(&mut self.totals).zip(&mut self.to_all) {
            own.availability = damped(damping, own.availability, *total);
            *total += own.responsibility;
            *to_all = damped(damping, *to_all, total.min(0.0));
        }
    }

    /// For each point whether it is an exemplar by now.
    pub(crate) fn exemplars(&self) -> impl ExactSizeIterator<Item = bool> {
        self.own.iter().map(|own| own.responsibility + own.availability > 0.0)
    }
}

/// A message that keeps a part of its old value.
fn damped(damping: f64, old: f64, new: f64) -> f64 {
    damping * old + (1.0 - damping) * new
}

/// One row of both matrices. Its run returns the largest sum of availability and similarity among the other points.
struct Row<'a> {
    similarities: &'a [f64],
    responsibilities: &'a mut [f64],
    availabilities: &'a mut [f64],
    stored: &'a mut [bool],
    totals: &'a [f64],
    to_all: &'a [f64],
    sums: &'a mut [f64],
    damping: f64,
    share: f64,
    /// The row's availability for itself plus its preference.
    to_itself: f64,
    /// See [`Own::best`], before this iteration.
    best: f64,
}

impl Vectorized for Row<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) -> f64 {
        let similarities = S::as_simd_f64s(self.similarities).0;
        let responsibilities = S::as_mut_simd_f64s(self.responsibilities).0;
        let availabilities = S::as_mut_simd_f64s(self.availabilities).0;
        let (totals, to_all) = (S::as_simd_f64s(self.totals).0, S::as_simd_f64s(self.to_all).0);
        let sums = S::as_mut_simd_f64s(self.sums).0;
        let (old, new) = (simd.splat_f64s(self.damping), simd.splat_f64s(1.0 - self.damping));
        let (zero, none) = (simd.splat_f64s(0.0), simd.splat_f64s(f64::NEG_INFINITY));
        let vectors = TILE / S::F64_LANES;
        let (mut best, mut second) = (none, none);
        for (t, &stored) in self.stored.iter().enumerate() {
            for v in t * vectors..(t + 1) * vectors {
                let available = if stored {
                    let responsible = simd.max_f64s(responsibilities[v], zero);
                    let available = simd.min_f64s(simd.sub_f64s(totals[v], responsible), zero);
                    availabilities[v] =
                        simd.add_f64s(simd.mul_f64s(old, availabilities[v]), simd.mul_f64s(new, available));
                    availabilities[v]
                } else {
                    to_all[v]
                };
                let sum = simd.add_f64s(available, similarities[v]);
                second = simd.max_f64s(second, simd.min_f64s(best, sum));
                best = simd.max_f64s(best, sum);
            }
        }
        let (of_others, second) = largest_two::<S>(best, second);
        let second = second.max(of_others.min(self.to_itself));
        let best = of_others.max(self.to_itself);
        let damped_best = simd.splat_f64s(damped(self.damping, self.best, best));
        let damped_second = simd.splat_f64s(damped(self.damping, self.best, second));
        let (best, second, share) =
            (simd.splat_f64s(best), simd.splat_f64s(second), simd.splat_f64s(self.share));
        // Where two sums are the largest, the second one equals the best.
        for (t, stored) in self.stored.iter_mut().enumerate() {
            let tile = t * vectors..(t + 1) * vectors;
            if *stored {
                for v in tile {
                    let is_best = simd.equal_f64s(simd.add_f64s(availabilities[v], similarities[v]), best);
                    let rival = simd.select_f64s(is_best, second, best);
                    let responsible = simd.mul_f64s(new, simd.sub_f64s(similarities[v], rival));
                    let r = simd.add_f64s(simd.mul_f64s(old, responsibilities[v]), responsible);
                    responsibilities[v] = r;
                    sums[v] = simd.add_f64s(sums[v], simd.max_f64s(r, zero));
                }
                continue;
            }
            let mut differs = false;
            for v in tile.clone() {
                let is_best = simd.equal_f64s(simd.add_f64s(to_all[v], similarities[v]), best);
                let r = simd.sub_f64s(simd.mul_f64s(share, similarities[v]), damped_best);
                let differ = simd.or_m64s(is_best, simd.greater_than_f64s(r, zero));
                differs |= simd.first_true_m64s(differ) < S::F64_LANES;
            }
            if differs {
                *stored = true;
                for v in tile {
                    let is_best = simd.equal_f64s(simd.add_f64s(to_all[v], similarities[v]), best);
                    let rival = simd.select_f64s(is_best, damped_second, damped_best);
                    let r = simd.sub_f64s(simd.mul_f64s(share, similarities[v]), rival);
                    responsibilities[v] = r;
                    availabilities[v] = to_all[v];
                    sums[v] = simd.add_f64s(sums[v], simd.max_f64s(r, zero));
                }
            }
        }
        of_others
    }
}

/// The largest two numbers of which each lane has its own largest two.
#[inline(always)]
fn largest_two<S: Simd>(best: S::f64s, second: S::f64s) -> (f64, f64) {
    let best: &[f64] = bytemuck::cast_slice(std::slice::from_ref(&best));
    let second: &[f64] = bytemuck::cast_slice(std::slice::from_ref(&second));
    let mut out = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    for &value in best.iter().chain(second) {
        out = (out.0.max(value), out.1.max(out.0.min(value)));
    }
    out
}
