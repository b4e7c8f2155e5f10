//! CPU twin of `shaders/distance_sums.wgsl`: sums of distances to every cluster of any number of labelings.
//!
//! Columns are sorted by their joint label, the tuple of their labels in every labeling. A run of columns of one
//! joint label adds to one register; at its end, and after 64 columns at most, the sum goes to every labeling. Where
//! joint labels are long enough, each pair of rows is measured once for both ([`Pairs`]).

mod pairs;

use super::block::{Group, InstructionSet, Kernel, Points, group_rows, multiply_add, store};
use crate::backend::{Labeling, SumsSink};
use crate::error::Result;
use crate::matrix::{Matrix, TILE};
use crate::progress::Progress;
use pairs::Pairs;
use pulp::Simd;
use rayon::prelude::*;
use std::ops::Range;

/// At most this many distances are summed in f32.
pub(crate) const RUN: usize = 64;

/// Rows whose sums are kept at once; their tiles and sums stay in the second-level cache.
const ROWS: usize = 512;

/// Columns of one joint label, and the slot that they add to in each labeling.
struct Segment {
    points: Points,
    /// The columns' copies.
    copies: Vec<f32>,
    slots: Vec<u32>,
}

/// The columns' order by joint label, and its cuts into runs of one joint label and at most [`RUN`] columns.
pub(crate) fn runs(rows: usize, labelings: &[Labeling<'_>]) -> (Vec<u32>, Vec<Range<usize>>) {
    let mut order: Vec<u32> = (0..rows as u32).collect();
    let joint = |i: u32| labelings.iter().map(move |l| l.labels[i as usize]);
    order.par_sort_unstable_by(|&a, &b| joint(a).cmp(joint(b)).then(a.cmp(&b)));
    let mut cuts = Vec::new();
    let mut start = 0;
    for end in 1..=rows {
        if end == rows || end - start == RUN || joint(order[start]).ne(joint(order[end])) {
            cuts.push(start..end);
            start = end;
        }
    }
    (order, cuts)
}

/// The slot of each labeling that row `i` adds to.
pub(crate) fn slots<'a>(labelings: &'a [Labeling<'_>], i: usize) -> impl Iterator<Item = u32> + 'a {
    labelings.iter().scan(0u32, move |offset, l| {
        let slot = *offset + l.labels[i];
        *offset += l.k as u32;
        Some(slot)
    })
}

pub(super) fn distance_sums(
    set: InstructionSet,
    matrix: &Matrix,
    labelings: &[Labeling<'_>],
    progress: Progress<'_>,
    sink: SumsSink<'_>,
) -> Result<()> {
    let (order, cuts) = runs(matrix.rows(), labelings);
    if let Some(pairs) = Pairs::new(matrix, labelings, &order, &cuts) {
        return pairs.distance_sums(set, progress, sink);
    }
    let segments: Vec<Segment> = cuts
        .into_par_iter()
        .map(|cut| Segment {
            slots: slots(labelings, order[cut.start] as usize).collect(),
            copies: order[cut.clone()].iter().map(|&i| matrix.copies(i as usize) as f32).collect(),
            points: Points::new(matrix.features(), order[cut].iter().map(|&i| matrix.row(i as usize))),
        })
        .collect();
    let width: usize = labelings.iter().map(|l| l.k).sum();
    let blocks: Vec<Range<usize>> =
        (0..matrix.rows()).step_by(ROWS).map(|s| s..matrix.rows().min(s + ROWS)).collect();
    for wave in blocks.chunks(4 * rayon::current_num_threads()) {
        let sums: Vec<Vec<f64>> = wave
            .par_iter()
            .map(|rows| set.run(Block { matrix, segments: &segments, width, rows: rows.clone() }))
            .collect();
        for (rows, sums) in wave.iter().zip(sums) {
            sink(rows.clone(), &sums)?;
            progress.step("silhouette", rows.end as u64, matrix.rows() as u64)?;
        }
    }
    Ok(())
}

/// A block of rows against all columns.
struct Block<'a> {
    matrix: &'a Matrix,
    segments: &'a [Segment],
    width: usize,
    rows: Range<usize>,
}

impl Kernel for Block<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) -> Vec<f64> {
        let Block { matrix, segments, width, rows } = self;
        // Whole groups are computed; a group is a whole number of tiles.
        let lanes = group_rows::<S, V>();
        let height = rows.len().next_multiple_of(lanes.max(TILE));
        let mut sums = vec![0f64; width * height];
        let mut part = [0f32; 64];
        for segment in segments {
            for group in (0..rows.len()).step_by(lanes) {
                let mut total = [simd.splat_f32s(0.0); V];
                segment.points.for_each(
                    simd,
                    Group::<V>::new(matrix, rows.start + group),
                    #[inline(always)]
                    |column, squared| {
                        let copies = simd.splat_f32s(segment.copies[column]);
                        for v in 0..V {
                            total[v] = multiply_add(simd, simd.sqrt_f32s(squared[v]), copies, total[v]);
                        }
                    },
                );
                store::<S, V>(total, &mut part);
                for &slot in &segment.slots {
                    let to = &mut sums[slot as usize * height + group..][..lanes];
                    for (to, &from) in to.iter_mut().zip(&part[..lanes]) {
                        *to += f64::from(from);
                    }
                }
            }
        }
        let mut out = vec![0f64; rows.len() * width];
        for (r, out) in out.chunks_exact_mut(width.max(1)).enumerate() {
            for (s, out) in out.iter_mut().enumerate() {
                *out = matrix.to_user(sums[s * height + r]);
            }
        }
        out
    }
}
