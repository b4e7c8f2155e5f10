//! Sums of the distances of rows of 0 and 1.
//!
//! Every distance is a whole number of units of 2^-32, so sums are exact in any order. All rows of one joint label are next to
//! each other, so each row's distances to them are added up once for all labelings.

use super::CpuBinaryRows;
use super::bits::{Counting, TILE, TOGETHER, Tiles, grouped, run};
use crate::backend::host::joint_labels::{groups, slots};
use crate::backend::knn::{units, user_sum};
use crate::backend::{BinaryMetric, Labeling, SumsSink};
use crate::error::Result;
use crate::progress::Progress;
use rayon::prelude::*;
use std::ops::Range;

/// Rows of a task, which are compared with all rows.
const ROWS: usize = 16;

/// Up to so many features f64 rounds distances as whole numbers do. See [`units_of`].
const NARROW: usize = (1 << 16) - 1;

/// What a tile's lanes belong to if not to one joint label.
const MIXED: u32 = u32::MAX;

/// 2^52, whose unit in the last place is 1, and its bits.
const MAGIC: f64 = 4_503_599_627_370_496.0;
const MAGIC_BITS: u64 = MAGIC.to_bits();

pub(super) fn distance_sums(
    resident: &CpuBinaryRows<'_>,
    metric: BinaryMetric,
    labelings: &[Labeling<'_>],
    progress: Progress<'_>,
    sink: SumsSink<'_>,
) -> Result<()> {
    let table = resident.table;
    let (order, runs) = groups(table.rows(), labelings);
    let tiles = Tiles::new(table, table.rows(), |at| order[at] as usize);
    let labels = Joint::new(&runs, tiles.count());
    let of_run = |run: &Range<usize>| slots(labelings, order[run.start] as usize);
    let slots: Vec<u32> = runs.iter().flat_map(of_run).collect();
    let width: usize = labelings.iter().map(|labeling| labeling.k).sum();
    let (all, step) = (table.rows(), resident.queries_of_a_step(ROWS));
    for first in (0..all).step_by(step) {
        progress.step("silhouette", first as u64, all as u64)?;
        let end = all.min(first + step);
        let mut sums = vec![0f64; (end - first) * width];
        let task = |(t, sums): (usize, &mut [f64])| {
            let start = first + t * ROWS;
            let own = start..end.min(start + ROWS);
            let words = grouped(table, own.clone());
            for (g, sums) in sums.chunks_mut(TOGETHER * width).enumerate() {
                let mut ones = [0; TOGETHER];
                let members = own.clone().skip(g * TOGETHER);
                ones.iter_mut().zip(members).for_each(|(ones, row)| *ones = table.ones(row));
                let words = &words[g * table.width()..][..table.width()];
                let code =
                    Add { tiles: &tiles, labels: &labels, words, ones, metric, features: table.features() };
                let by_label = run(resident.set, code);
                for (sums, by_label) in sums.chunks_mut(width).zip(by_label.chunks(runs.len())) {
                    let mut whole = vec![0u64; width];
                    for (sum, slots) in by_label.iter().zip(slots.chunks(labelings.len())) {
                        slots.iter().for_each(|&slot| whole[slot as usize] += sum);
                    }
                    sums.iter_mut().zip(whole).for_each(|(sum, whole)| *sum = user_sum(whole));
                }
            }
        };
        // Without labelings there are no sums, and a chunk must have a size.
        sums.par_chunks_mut((ROWS * width).max(1)).enumerate().for_each(task);
        sink(first..end, &sums)?;
    }
    Ok(())
}

/// The joint labels of tiles of rows.
struct Joint {
    /// How many there are.
    count: usize,
    /// For each place its joint label; padding has none.
    of_place: Vec<u32>,
    /// For each tile the joint label of all its places, or [`MIXED`].
    of_tile: Vec<u32>,
}

impl Joint {
    fn new(runs: &[Range<usize>], tiles: usize) -> Self {
        let mut of_place = vec![MIXED; tiles * TILE];
        for (label, run) in runs.iter().enumerate() {
            of_place[run.clone()].fill(label as u32);
        }
        let one = |places: &[u32]| if places.iter().all(|p| *p == places[0]) { places[0] } else { MIXED };
        let of_tile = of_place.chunks(TILE).map(one).collect();
        Joint { count: runs.len(), of_place, of_tile }
    }
}

/// Adds up the distances of a group of rows to the rows of every joint label.
struct Add<'a> {
    tiles: &'a Tiles,
    labels: &'a Joint,
    words: &'a [[u32; TOGETHER]],
    /// How many ones the rows of the group have.
    ones: [u32; TOGETHER],
    metric: BinaryMetric,
    features: usize,
}

impl Counting for Add<'_> {
    /// For each row of the group a sum for each joint label.
    type Output = Vec<u64>;

    #[inline(always)]
    fn run<const BYTES: bool>(self) -> Vec<u64> {
        let Add { tiles, labels, words, ones, metric, features } = self;
        let count = labels.count;
        let mut sums = vec![0u64; TOGETHER * count];
        // The sums of each lane over tiles of one joint label, where every distance comes with MAGIC_BITS.
        let mut lanes = [[0u64; TILE]; TOGETHER];
        let (mut label, mut added) = (MIXED, 0u64);
        for tile in 0..tiles.count() {
            let shared = tiles.shared::<BYTES>(tile, words);
            let theirs = tiles.ones(tile);
            let of_tile = labels.of_tile[tile];
            if of_tile != label && added > 0 {
                flush(&mut lanes, &mut sums, count, label, added);
                added = 0;
            }
            label = of_tile;
            added += u64::from(label != MIXED);
            let places = &labels.of_place[tile * TILE..][..TILE];
            for (q, (shared, lanes)) in shared.iter().zip(&mut lanes).enumerate() {
                let distances = match features <= NARROW {
                    true => units_of(metric, features, ones[q], shared, theirs),
                    false => long_units_of(metric, features, ones[q], shared, theirs),
                };
                if label != MIXED {
                    for (sum, distance) in lanes.iter_mut().zip(distances) {
                        *sum = sum.wrapping_add(distance);
                    }
                    continue;
                }
                for (distance, &place) in distances.into_iter().zip(places) {
                    if place != MIXED {
                        sums[q * count + place as usize] += distance - MAGIC_BITS;
                    }
                }
            }
        }
        if added > 0 {
            flush(&mut lanes, &mut sums, count, label, added);
        }
        sums
    }
}

/// Moves the sums of lanes, of `added` distances each, to a joint label.
fn flush(lanes: &mut [[u64; TILE]; TOGETHER], sums: &mut [u64], count: usize, label: u32, added: u64) {
    for (lanes, sums) in lanes.iter_mut().zip(sums.chunks_mut(count)) {
        for lane in lanes {
            let own = std::mem::take(lane).wrapping_sub(added.wrapping_mul(MAGIC_BITS));
            sums[label as usize] += own;
        }
    }
}

/// The distances of a row to 16 others in units of 2^-32, each rounded to the nearest, plus MAGIC_BITS.
///
/// The quotient of a numerator times 2^32 and a denominator below 2^16 is no half of an odd number, and is at least 2^-17 away
/// from each. Its error in f64 is at most 2^-22. So adding 2^52 rounds it as exact arithmetic would.
#[inline(always)]
fn units_of(
    metric: BinaryMetric,
    features: usize,
    ones: u32,
    shared: &[u32; TILE],
    theirs: &[u32; TILE],
) -> [u64; TILE] {
    let mut out = [0; TILE];
    for (out, (&shared, &theirs)) in out.iter_mut().zip(shared.iter().zip(theirs)) {
        let above = ones + theirs - 2 * shared;
        let below = match metric {
            BinaryMetric::Jaccard => (ones + theirs - shared).max(1),
            BinaryMetric::Hamming => features as u32,
        };
        let quotient = f64::from(above as i32) * 4_294_967_296.0 / f64::from(below as i32);
        *out = (quotient + MAGIC).to_bits();
    }
    out
}

/// The same for any number of features.
#[inline(never)]
fn long_units_of(
    metric: BinaryMetric,
    features: usize,
    ones: u32,
    shared: &[u32; TILE],
    theirs: &[u32; TILE],
) -> [u64; TILE] {
    std::array::from_fn(|lane| {
        units(metric.fraction(features, shared[lane], ones, theirs[lane])) + MAGIC_BITS
    })
}
