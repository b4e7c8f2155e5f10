//! The nearest rows of 0 and 1.

use super::CpuBinaryRows;
use super::bits::{Counting, TILE, TOGETHER, Tiles, grouped, run};
use crate::backend::host::neighbours::excluded;
use crate::backend::{BinaryMetric, NeighbourLists, SelfMatches};
use crate::error::Result;
use crate::matrix::BinaryMatrix;
use crate::progress::Progress;
use rayon::prelude::*;

/// Queries of a task.
const QUERIES: usize = 32;

/// So many bytes of tiles stay in a cache while all queries of a task go past them.
const BLOCK: usize = 128 << 10;

/// The numbers of a [`Limit`] fit 32 bits for up to so many features: the largest of them is twice the square.
const LIMITED: usize = 46_340;

pub(super) fn knn(
    resident: &CpuBinaryRows<'_>,
    queries: &BinaryMatrix,
    self_matches: SelfMatches<'_>,
    metric: BinaryMetric,
    k: usize,
    progress: Progress<'_>,
) -> Result<NeighbourLists> {
    let mut lists = NeighbourLists { k, rows: Vec::new(), distances: Vec::new() };
    let (all, step) = (queries.rows(), resident.queries_of_a_step(QUERIES));
    for first in (0..all).step_by(step) {
        progress.step("neighbours", first as u64, all as u64)?;
        let end = all.min(first + step);
        let tasks: Vec<usize> = (first..end).step_by(QUERIES).collect();
        let task = |&start: &usize| {
            let own = start..end.min(start + QUERIES);
            let mut wanted: Vec<Wanted> = own
                .clone()
                .map(|q| Wanted::new(resident.table, queries.ones(q), metric, k, excluded(self_matches, q)))
                .collect();
            wanted.resize_with(own.len().next_multiple_of(TOGETHER), Wanted::nothing);
            let words = grouped(queries, own.clone());
            let (tiles, width) = (&resident.tiles, queries.width());
            run(resident.set, Search { tiles, width, words: &words, wanted: &mut wanted });
            wanted.truncate(own.len());
            wanted
        };
        let found: Vec<Vec<Wanted>> = tasks.par_iter().map(task).collect();
        for Found { distance, row, .. } in found.into_iter().flatten().flat_map(|wanted| wanted.found) {
            lists.rows.push(row);
            lists.distances.push(distance);
        }
    }
    Ok(lists)
}

/// A row, and its distance as a quotient and as a fraction.
#[derive(Clone, Copy)]
struct Found {
    distance: f64,
    row: u32,
    above: u32,
    below: u32,
}

/// Which rows are nearer than the farthest one that was kept: those with
/// `both * shared + plus > ones * theirs + minus`, where `theirs` is the number of the row's ones and `shared` how many of
/// them the query has too.
#[derive(Clone, Copy)]
struct Limit {
    both: u32,
    plus: u32,
    ones: u32,
    minus: u32,
}

impl Limit {
    const ALL: Limit = Limit { both: 0, plus: 1, ones: 0, minus: 0 };
    const NONE: Limit = Limit { both: 0, plus: 0, ones: 0, minus: 0 };

    #[inline(always)]
    fn admits(self, shared: u32, theirs: u32) -> bool {
        let left = self.both.wrapping_mul(shared).wrapping_add(self.plus);
        left > self.ones.wrapping_mul(theirs).wrapping_add(self.minus)
    }
}

/// The nearest rows of a query so far.
struct Wanted {
    k: usize,
    metric: BinaryMetric,
    features: usize,
    /// How many ones the query has.
    ones: u32,
    /// The row that does not count.
    own: Option<usize>,
    /// The nearest first; among equally near rows the lowest number first.
    found: Vec<Found>,
    limit: Limit,
}

impl Wanted {
    fn new(table: &BinaryMatrix, ones: u32, metric: BinaryMetric, k: usize, own: Option<usize>) -> Self {
        let found = Vec::with_capacity(k + 1);
        Wanted { k, metric, features: table.features(), ones, own, found, limit: Limit::ALL }
    }

    /// A query that finds nothing.
    fn nothing() -> Self {
        let metric = BinaryMetric::Jaccard;
        Wanted { k: 0, metric, features: 1, ones: 0, own: None, found: Vec::new(), limit: Limit::NONE }
    }

    /// Takes the rows of a tile, of which some may be near enough. Tiles come in the order of their rows.
    fn offer(&mut self, first: usize, rows: usize, shared: &[u32; TILE], theirs: &[u32; TILE]) {
        for (lane, (&shared, &theirs)) in shared.iter().zip(theirs).enumerate().take(rows - first) {
            let row = first + lane;
            if !self.limit.admits(shared, theirs) || Some(row) == self.own {
                continue;
            }
            let (above, below) = self.metric.fraction(self.features, shared, self.ones, theirs);
            let distance = f64::from(above) / f64::from(below);
            let full = self.found.len() == self.k;
            if full && self.found.last().is_none_or(|last| last.distance <= distance) {
                continue;
            }
            if full {
                self.found.pop();
            }
            let at = self.found.partition_point(|other| other.distance <= distance);
            self.found.insert(at, Found { distance, row: row as u32, above, below });
            if self.found.len() == self.k && self.features <= LIMITED {
                self.limit = self.found.last().map_or(Limit::NONE, |last| self.nearer_than(last));
            }
        }
    }

    /// The rows that are nearer than this one, at a distance of P / Q. With `a` and `b` ones of which both rows have `x`,
    /// Jaccard's distance is smaller if `(a + b - 2 x) Q < P (a + b - x)`, so if `(2 Q - P) x > (Q - P) (a + b)`. Two rows
    /// without ones are at distance 0, and at distance 1 from all others.
    fn nearer_than(&self, &Found { above, below, .. }: &Found) -> Limit {
        match self.metric {
            BinaryMetric::Jaccard if self.ones == 0 => {
                Limit { both: 0, plus: above.min(1), ones: 1, minus: 0 }
            }
            BinaryMetric::Jaccard => {
                let ones = below - above;
                Limit { both: below + ones, plus: 0, ones, minus: ones * self.ones }
            }
            BinaryMetric::Hamming => Limit { both: 2, plus: above, ones: 1, minus: self.ones },
        }
    }
}

/// Compares the queries of a task with all rows.
struct Search<'a> {
    tiles: &'a Tiles,
    width: usize,
    words: &'a [[u32; TOGETHER]],
    wanted: &'a mut [Wanted],
}

impl Counting for Search<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const BYTES: bool>(self) {
        let Search { tiles, width, words, wanted } = self;
        let step = (BLOCK / tiles.tile_bytes()).max(1);
        for start in (0..tiles.count()).step_by(step) {
            for (words, wanted) in words.chunks_exact(width).zip(wanted.chunks_exact_mut(TOGETHER)) {
                for tile in start..tiles.count().min(start + step) {
                    let shared = tiles.shared::<BYTES>(tile, words);
                    let theirs = tiles.ones(tile);
                    for (shared, wanted) in shared.iter().zip(wanted.iter_mut()) {
                        let limit = wanted.limit;
                        let mut admitted = 0;
                        for (&shared, &theirs) in shared.iter().zip(theirs) {
                            admitted |= u32::from(limit.admits(shared, theirs));
                        }
                        if admitted != 0 {
                            wanted.offer(tile * TILE, tiles.rows, shared, theirs);
                        }
                    }
                }
            }
        }
    }
}
