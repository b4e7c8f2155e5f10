//! The potentials of k-means++ on the host.

use super::{tile_squared_distances, widen};
use crate::backend::simd::{InstructionSet, Vectorized};
use crate::backend::{Candidates, Potentials};
use crate::error::Result;
use crate::matrix::{BLOCK, Matrix, TILE};
use pulp::Simd;
use rayon::prelude::*;

/// The most points of a pack, so that their sums stay in registers.
const PACK: usize = 6;

/// The potentials of several restarts.
pub(in crate::backend) struct HostPotentials<'a> {
    set: InstructionSet,
    matrix: &'a Matrix,
    restarts: usize,
    /// For each block of rows and each restart [`BLOCK`] values: a row's weight times its squared distance to the nearest
    /// centre, not counting the newest centre. What that one changes is found out when the row is next read anyway.
    values: Vec<f64>,
}

impl<'a> HostPotentials<'a> {
    pub(in crate::backend) fn new(set: InstructionSet, matrix: &'a Matrix, restarts: usize) -> Self {
        let values = vec![f64::INFINITY; matrix.rows().div_ceil(BLOCK) * restarts * BLOCK];
        HostPotentials { set, matrix, restarts, values }
    }

    /// Feature by feature the values of the newest centre and of a few candidates.
    fn pack(&self, newest: usize, candidates: &[usize]) -> Vec<f64> {
        let mut points: Vec<_> = [newest].iter().chain(candidates).map(|&row| self.matrix.row(row)).collect();
        (0..self.matrix.features())
            .flat_map(|_| points.iter_mut().map(|p| p.next().map_or(0.0, f64::from)).collect::<Vec<_>>())
            .collect()
    }

    /// The packs of a restart: each has the newest centre, and some of the candidates.
    fn packs(&self, restart: &Candidates<'_>) -> Vec<Vec<f64>> {
        // As few packs as possible, of nearly equal size.
        let count = restart.candidates.len();
        let packs = count.div_ceil(PACK - 1);
        let size = count.div_ceil(packs.max(1)).max(1);
        restart.candidates.chunks(size).map(|few| self.pack(restart.newest, few)).collect()
    }
}

impl Potentials for HostPotentials<'_> {
    fn try_candidates(&mut self, restarts: &[Candidates<'_>]) -> Result<Vec<Vec<Vec<f64>>>> {
        let packs: Vec<Vec<Vec<f64>>> = restarts.iter().map(|restart| self.packs(restart)).collect();
        let (set, matrix) = (self.set, self.matrix);
        let blocks = self.values.par_chunks_mut(self.restarts * BLOCK).enumerate();
        let sums = blocks.map(|(block, values)| {
            let mut sums: Vec<Vec<f64>> = vec![Vec::new(); packs.len()];
            let mut tasks = Vec::new();
            for (values, packs) in values.chunks_exact_mut(BLOCK).zip(&packs) {
                tasks.push(Task { values, packs, sums: vec![[[0.0; TILE]; PACK]; packs.len()] });
            }
            set.run(Block { matrix, block, tasks: &mut tasks });
            for (task, sums) in tasks.iter().zip(&mut sums) {
                for (pack, lanes) in task.packs.iter().zip(&task.sums) {
                    let count = pack.len() / matrix.features();
                    sums.extend(lanes[1..count].iter().map(|lanes| lanes.iter().sum::<f64>()));
                }
            }
            sums
        });
        Ok(sums.collect())
    }

    fn block(&mut self, restart: usize, newest: usize, block: usize) -> Result<&[f64]> {
        let packs = [self.pack(newest, &[])];
        let start = (block * self.restarts + restart) * BLOCK;
        let values = &mut self.values[start..][..BLOCK];
        let mut task = Task { values, packs: &packs, sums: vec![[[0.0; TILE]; PACK]] };
        self.set.run(Block { matrix: self.matrix, block, tasks: std::slice::from_mut(&mut task) });
        let rows = self.matrix.rows().min((block + 1) * BLOCK) - block * BLOCK;
        Ok(&self.values[start..][..rows])
    }
}

/// One restart in a block of rows.
struct Task<'a> {
    /// The block's part of the restart's potential. The first point of each pack, the newest centre, is taken into it.
    values: &'a mut [f64],
    packs: &'a [Vec<f64>],
    /// For each pack and point the sum of the potential with that point as a further centre: in 16 lanes, each of which adds
    /// up every 16th row in order.
    sums: Vec<[[f64; TILE]; PACK]>,
}

/// A block of rows for all restarts, so that the rows are read from memory once.
struct Block<'a, 't> {
    matrix: &'a Matrix,
    block: usize,
    tasks: &'a mut [Task<'t>],
}

impl Vectorized for Block<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) {
        let Block { matrix, block, tasks } = self;
        let d = matrix.features();
        let mut tile = vec![[0f64; TILE]; d];
        let rows = block * BLOCK..matrix.rows().min((block + 1) * BLOCK);
        for start in rows.clone().step_by(TILE) {
            widen(matrix.tile(start / TILE), &mut tile);
            // Lanes past the last row weigh nothing.
            let mut weights = [0f64; TILE];
            for (i, w) in (start..rows.end).zip(&mut weights) {
                *w = matrix.weights().map_or(1.0, |weights| weights[i] as f64);
            }
            for Task { values, packs, sums } in &mut *tasks {
                let values = &mut values[start - rows.start..][..TILE];
                for (pack, sums) in packs.iter().zip(sums) {
                    match pack.len() / d {
                        1 => add::<S, 1>(simd, &tile, &weights, pack, values, sums),
                        2 => add::<S, 2>(simd, &tile, &weights, pack, values, sums),
                        3 => add::<S, 3>(simd, &tile, &weights, pack, values, sums),
                        4 => add::<S, 4>(simd, &tile, &weights, pack, values, sums),
                        5 => add::<S, 5>(simd, &tile, &weights, pack, values, sums),
                        _ => add::<S, 6>(simd, &tile, &weights, pack, values, sums),
                    }
                }
            }
        }
    }
}

/// One tile of rows and one pack.
#[inline(always)]
fn add<S: Simd, const C: usize>(
    simd: S,
    tile: &[[f64; TILE]],
    weights: &[f64; TILE],
    pack: &[f64],
    values: &mut [f64],
    sums: &mut [[f64; TILE]; PACK],
) {
    let values = S::as_mut_simd_f64s(values).0;
    let weights = S::as_simd_f64s(weights).0;
    for v in 0..TILE / S::F64_LANES {
        let squared = tile_squared_distances::<S, C>(simd, tile, v, pack.as_chunks().0);
        let own = simd.min_f64s(values[v], simd.mul_f64s(squared[0], weights[v]));
        values[v] = own;
        for c in 0..C {
            let sum = &mut S::as_mut_simd_f64s(&mut sums[c]).0[v];
            *sum = simd.add_f64s(*sum, simd.min_f64s(own, simd.mul_f64s(squared[c], weights[v])));
        }
    }
}
