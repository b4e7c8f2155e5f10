//! The potential of k-means++ in canonical distances, for tables on which the coarse grid does not serve.

use super::{tile_squared_distances, widen};
use crate::backend::simd::{InstructionSet, Vectorized};
use crate::matrix::{BLOCK, Matrix, TILE};
use pulp::Simd;
use rayon::prelude::*;

/// The most points of a pack, so that their sums stay in registers.
const PACK: usize = 6;

/// For each row its weight (in steps) times its canonical squared distance to the nearest centre, in squared stored units.
pub struct CanonicalPotential<'a> {
    set: InstructionSet,
    matrix: &'a Matrix,
    /// In whole blocks of [`BLOCK`] rows, without the newest centre. What that one changes is worked out when the row is next
    /// read anyway.
    values: Vec<f64>,
}

impl<'a> CanonicalPotential<'a> {
    /// The potential of the rows of `matrix` without any centre: infinite.
    pub fn new(set: InstructionSet, matrix: &'a Matrix) -> Self {
        CanonicalPotential { set, matrix, values: vec![f64::INFINITY; matrix.rows().next_multiple_of(BLOCK)] }
    }

    /// For each block of rows and each candidate, the sum of the potential that is left if row `candidate` becomes a
    /// centre after row `newest`. Row `newest` is a centre from now on.
    pub fn try_candidates(&mut self, newest: usize, candidates: &[usize]) -> Vec<Vec<f64>> {
        let packs = self.packs(newest, candidates);
        let (set, matrix) = (self.set, self.matrix);
        let blocks = self.values.par_chunks_mut(BLOCK).enumerate();
        let sums = blocks.map(|(block, values)| {
            let mut sums = vec![[[0.0; TILE]; PACK]; packs.len()];
            set.run(Block { matrix, block, values, packs: &packs, sums: &mut sums });
            let count = |pack: &[f64]| pack.len() / matrix.features();
            let lanes = packs.iter().zip(&sums).flat_map(|(pack, lanes)| &lanes[1..count(pack)]);
            lanes.map(|lanes| lanes.iter().sum::<f64>()).collect()
        });
        sums.collect()
    }

    /// The potential of each row of one block, with row `newest` as a centre.
    pub fn block(&mut self, newest: usize, block: usize) -> &[f64] {
        let packs = [self.pack(newest, &[])];
        let rows = block * BLOCK..self.matrix.rows().min((block + 1) * BLOCK);
        let values = &mut self.values[block * BLOCK..][..BLOCK];
        let mut sums = [[[0.0; TILE]; PACK]];
        self.set.run(Block { matrix: self.matrix, block, values, packs: &packs, sums: &mut sums });
        &values[..rows.len()]
    }

    /// Feature by feature the values of the newest centre and of a few candidates.
    fn pack(&self, newest: usize, candidates: &[usize]) -> Vec<f64> {
        let mut points: Vec<_> = [newest].iter().chain(candidates).map(|&row| self.matrix.row(row)).collect();
        (0..self.matrix.features())
            .flat_map(|_| points.iter_mut().map(|p| p.next().map_or(0.0, f64::from)).collect::<Vec<_>>())
            .collect()
    }

    /// As few packs as possible, of nearly equal size: each has the newest centre and some of the candidates.
    fn packs(&self, newest: usize, candidates: &[usize]) -> Vec<Vec<f64>> {
        let packs = candidates.len().div_ceil(PACK - 1);
        let size = candidates.len().div_ceil(packs.max(1)).max(1);
        candidates.chunks(size).map(|few| self.pack(newest, few)).collect()
    }
}

/// A block of rows.
struct Block<'a> {
    matrix: &'a Matrix,
    block: usize,
    /// The block's part of the potential. The first point of each pack, the newest centre, is taken into it.
    values: &'a mut [f64],
    packs: &'a [Vec<f64>],
    /// For each pack and point the sum of the potential with that point as a further centre: in 16 lanes, each of which adds
    /// up every 16th row in order.
    sums: &'a mut [[[f64; TILE]; PACK]],
}

impl Vectorized for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) {
        let Block { matrix, block, values, packs, sums } = self;
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
            let values = &mut values[start - rows.start..][..TILE];
            for (pack, sums) in packs.iter().zip(&mut *sums) {
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
