//! CPU twin of `shaders/distance_sums.wgsl`: sums of distances to every cluster of any number of labelings.
//!
//! The columns (the rows on the other side of each pair) are sorted by their joint label, see
//! [`joint_labels`](crate::backend::host::joint_labels). The distances to a run of columns of one joint label add up in one
//! register, and the sum then goes to one cluster of every labeling. If the runs are long enough, the distance of each pair
//! of rows is computed once for both rows ([`Pairs`]).

mod pairs;

use crate::backend::host::joint_labels::{runs, slots};
use crate::backend::simd::block::{Group, Points, group_rows, store};
use crate::backend::simd::{InstructionSet, Vectorized, multiply_add};
use crate::backend::{Labeling, SumsSink};
use crate::error::Result;
use crate::matrix::{Matrix, TILE};
use crate::progress::Progress;
use pairs::Pairs;
use pulp::Simd;
use rayon::prelude::*;
use std::ops::Range;

/// Rows of a task. Their tiles and sums stay in the second-level cache.
const ROWS: usize = 512;

/// Columns of one joint label, and the slot of each labeling that they add to.
struct Run {
    points: Points,
    /// How many copies each column stands for.
    copies: Vec<f32>,
    slots: Vec<u32>,
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
    let columns: Vec<Run> = cuts
        .into_par_iter()
        .map(|cut| Run {
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
            .map(|rows| set.run(Block { matrix, columns: &columns, width, rows: rows.clone() }))
            .collect();
        for (rows, sums) in wave.iter().zip(sums) {
            sink(rows.clone(), &sums)?;
            progress.step("silhouette", rows.end as u64, matrix.rows() as u64)?;
        }
    }
    Ok(())
}

/// A block of rows and all columns.
struct Block<'a> {
    matrix: &'a Matrix,
    columns: &'a [Run],
    width: usize,
    rows: Range<usize>,
}

impl Vectorized for Block<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) -> Vec<f64> {
        let Block { matrix, columns, width, rows } = self;
        // Whole groups are computed; a group is a whole number of tiles.
        let lanes = group_rows::<S, V>();
        let height = rows.len().next_multiple_of(lanes.max(TILE));
        let mut sums = vec![0f64; width * height];
        let mut part = [0f32; 64];
        for run in columns {
            for group in (0..rows.len()).step_by(lanes) {
                let mut total = [simd.splat_f32s(0.0); V];
                run.points.for_each(
                    simd,
                    Group::<V>::new(matrix, rows.start + group),
                    #[inline(always)]
                    |column, squared| {
                        let copies = simd.splat_f32s(run.copies[column]);
                        for v in 0..V {
                            total[v] = multiply_add(simd, simd.sqrt_f32s(squared[v]), copies, total[v]);
                        }
                    },
                );
                store::<S, V>(total, &mut part);
                for &slot in &run.slots {
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
