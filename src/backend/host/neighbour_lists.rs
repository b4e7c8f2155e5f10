//! The `k` nearest rows of queries by the canonical distance.
//!
//! Equal rows are searched once. What is then left is laid out under a tree of boxes ([`Blocks`]), which rules out most of the
//! table where rows have a structure. A few queries are compared with every row instead, because the tree would not pay.

use super::blocks::{Blocks, Copies, nearest_lists};
use super::neighbours::excluded;
use crate::backend::simd::block::{Group, group_rows, store};
use crate::backend::simd::{InstructionSet, Vectorized};
use crate::backend::{NeighbourLists, SelfMatches};
use crate::canonical::{Certificate, squared_distance};
use crate::error::Result;
use crate::matrix::{Matrix, Repeats};
use crate::progress::Progress;
use pulp::Simd;
use rayon::prelude::*;
use std::ops::Range;

/// For so many queries no tree is made.
const FEW: usize = 48;

/// Rows whose f32 distances are computed before the exact ones of those that matter.
const PIECE: usize = 256;

/// The `k` nearest rows of every query.
pub(in crate::backend) fn euclidean(
    set: InstructionSet,
    matrix: &Matrix,
    queries: &Matrix,
    self_matches: SelfMatches<'_>,
    k: usize,
    progress: Progress<'_>,
) -> Result<NeighbourLists> {
    let mut lists =
        NeighbourLists { k, rows: vec![0; queries.rows() * k], distances: vec![0.0; queries.rows() * k] };
    // One of so many nearest rows may be the one that does not count.
    let count = k + usize::from(self_matches != SelfMatches::Include);
    let mut write = |q: usize, list: &[(f64, u32)]| {
        let own = excluded(self_matches, q).map(|row| row as u32);
        let places = lists.rows[q * k..][..k].iter_mut().zip(&mut lists.distances[q * k..][..k]);
        let others = list.iter().filter(|(_, row)| Some(*row) != own);
        for ((to_row, to_distance), &(squared, row)) in places.zip(others) {
            (*to_row, *to_distance) = (row, matrix.to_user(squared.sqrt()));
        }
    };
    if queries.rows() <= FEW {
        progress.step("neighbours", 0, queries.rows() as u64)?;
        let found: Vec<Vec<(f64, u32)>> = (0..queries.rows())
            .into_par_iter()
            .map(|q| {
                let query: Vec<f32> = queries.row(q).collect();
                let all = 0..matrix.rows();
                let ranges = std::slice::from_ref(&all);
                let excluded = excluded(self_matches, q);
                let limit = f32::INFINITY;
                set.run(Scan { matrix, query: &query, ranges, excluded, count: k, limit })
            })
            .collect();
        found.iter().enumerate().for_each(|(q, list)| write(q, list));
        progress.step("neighbours", queries.rows() as u64, queries.rows() as u64)?;
        return Ok(lists);
    }
    let certificate = Certificate::for_rows(matrix, queries);
    let repeats = Repeats::without_weights(matrix);
    let copies = Copies::new(&repeats);
    let blocks = in_blocks(set, matrix, &repeats, certificate);
    let others = (!std::ptr::eq(matrix, queries)).then(|| {
        let repeats = Repeats::without_weights(queries);
        (Copies::new(&repeats), in_blocks(set, queries, &repeats, certificate))
    });
    let (copies_of_queries, points) =
        others.as_ref().map_or((&copies, &blocks), |(copies, own)| (copies, own));
    nearest_lists(&blocks, &copies, points, count, progress, |point, list| {
        copies_of_queries.of(point).iter().for_each(|&q| write(q as usize, list));
    })?;
    Ok(lists)
}

/// A table's distinct rows in blocks.
fn in_blocks(set: InstructionSet, matrix: &Matrix, repeats: &Repeats, certificate: Certificate) -> Blocks {
    let features = matrix.features();
    let mut rows = vec![0f32; repeats.len() * features];
    rows.par_chunks_exact_mut(features).enumerate().for_each(|(distinct, row)| {
        row.iter_mut().zip(matrix.row(repeats.first(distinct))).for_each(|(to, v)| *to = v);
    });
    Blocks::new(set, features, &rows, certificate)
}

/// The `count` nearest rows of one query among some rows, or fewer if there are not so many within the limit. They come as in
/// [`NeighbourLists`], with their canonical squared distances.
pub(in crate::backend) struct Scan<'a> {
    pub(in crate::backend) matrix: &'a Matrix,
    pub(in crate::backend) query: &'a [f32],
    /// The rows, in order. Each range begins with a tile.
    pub(in crate::backend) ranges: &'a [Range<usize>],
    /// A row that does not count.
    pub(in crate::backend) excluded: Option<usize>,
    pub(in crate::backend) count: usize,
    /// Rows beyond this squared distance in f32 do not matter.
    pub(in crate::backend) limit: f32,
}

impl Vectorized for Scan<'_> {
    type Output = Vec<(f64, u32)>;

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) -> Vec<(f64, u32)> {
        let Scan { matrix, query, ranges, excluded, count, mut limit } = self;
        let certificate = Certificate::new(matrix.features());
        let mut list: Vec<(f64, u32)> = Vec::with_capacity(count + 1);
        let mut squared = [f32::MAX; PIECE];
        let lanes = group_rows::<S, V>();
        for range in ranges {
            for start in range.clone().step_by(PIECE) {
                let piece = start..range.end.min(start + PIECE);
                // A group may end behind the piece, and begins where a tile does.
                for (start, to) in piece.clone().step_by(lanes).zip(squared.chunks_exact_mut(lanes)) {
                    store::<S, V>(Group::<V>::new(matrix, start).distances_to(simd, query), to);
                }
                for (row, &squared) in piece.zip(&squared) {
                    if squared > limit || excluded == Some(row) {
                        continue;
                    }
                    // A later row at the same distance comes behind those that are there.
                    let squared = squared_distance(matrix.row(row), query);
                    let at = list.partition_point(|&(other, _)| other <= squared);
                    if at < count {
                        list.truncate(count - 1);
                        list.insert(at, (squared, row as u32));
                        if list.len() == count {
                            let last = (certificate.above(list[count - 1].0) as f32).next_up();
                            limit = limit.min(last);
                        }
                    }
                }
                if list.len() == count && list[count - 1].0 == 0.0 {
                    return list;
                }
            }
        }
        list
    }
}
