//! How well each row fits its cluster.

use super::{tile_squared_distances, widen};
use crate::backend::Margin;
use crate::backend::simd::{InstructionSet, Vectorized};
use crate::canonical::Centroids;
use crate::matrix::{BLOCK, Matrix, TILE};
use pulp::Simd;
use rayon::prelude::*;

/// See [`crate::backend::Rows::margins`].
pub(in crate::backend) fn margins(
    set: InstructionSet,
    matrix: &Matrix,
    centroids: &Centroids,
    first: usize,
    labels: &[u32],
) -> Vec<Margin> {
    let packs: Vec<[f64; 4]> = (0..centroids.k().div_ceil(4))
        .flat_map(|p| (0..centroids.features).map(move |j| (p, j)))
        .map(|(p, j)| {
            let value = |c: usize| centroids.values.get(c * centroids.features + j).copied();
            // The points that fill up the last pack are infinitely far away and never the runner-up.
            std::array::from_fn(|c| value(4 * p + c).map_or(f64::INFINITY, f64::from))
        })
        .collect();
    let mut out = vec![Margin { distance: 0.0, margin: 0.0 }; labels.len()];
    out.par_chunks_mut(BLOCK).zip(labels.par_chunks(BLOCK)).enumerate().for_each(|(b, (out, labels))| {
        set.run(Block { matrix, packs: &packs, first: first + b * BLOCK, labels, out });
    });
    out
}

/// A block of rows; `first` is its first one.
struct Block<'a> {
    matrix: &'a Matrix,
    /// Four centroids each, feature by feature.
    packs: &'a [[f64; 4]],
    first: usize,
    labels: &'a [u32],
    out: &'a mut [Margin],
}

impl Vectorized for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) {
        let Block { matrix, packs, first, labels, out } = self;
        let d = matrix.features();
        let mut tile = vec![[0f64; TILE]; d];
        for (t, (labels, out)) in labels.chunks(TILE).zip(out.chunks_mut(TILE)).enumerate() {
            widen(matrix.tile(first / TILE + t), &mut tile);
            let mut own_centroids = [0f64; TILE];
            for (to, &label) in own_centroids.iter_mut().zip(labels) {
                *to = f64::from(label);
            }
            let (mut own, mut second) = ([0f64; TILE], [0f64; TILE]);
            for v in 0..TILE / S::F64_LANES {
                let label = S::as_simd_f64s(&own_centroids).0[v];
                let infinite = simd.splat_f64s(f64::INFINITY);
                let (mut own_v, mut second_v) = (simd.splat_f64s(0.0), infinite);
                for (p, pack) in packs.chunks_exact(d).enumerate() {
                    let squared = tile_squared_distances::<S, 4>(simd, &tile, v, pack);
                    for (c, squared) in squared.into_iter().enumerate() {
                        let is_own = simd.equal_f64s(label, simd.splat_f64s((4 * p + c) as f64));
                        own_v = simd.select_f64s(is_own, squared, own_v);
                        second_v = simd.min_f64s(second_v, simd.select_f64s(is_own, infinite, squared));
                    }
                }
                S::as_mut_simd_f64s(&mut own).0[v] = own_v;
                S::as_mut_simd_f64s(&mut second).0[v] = second_v;
            }
            for ((out, own), second) in out.iter_mut().zip(&own).zip(&second) {
                let distance = matrix.to_user(own.sqrt());
                *out = Margin { distance, margin: matrix.to_user(second.sqrt()) - distance };
            }
        }
    }
}
