//! What the host computes whatever the device: the exact work in f64 that a device's f32 filter leaves to it.
//!
//! Both backends call these functions, so that their results are the same bits. Everything here takes the instruction set
//! to use, and gives the same bits with each of them: the lanes of a vector are different rows or different centroids, and
//! nothing is fused or reordered.

pub(crate) mod blocks;
pub(super) mod clusters;
pub(super) mod joint_labels;
#[cfg(feature = "gpu")]
pub(super) mod knn;
pub(super) mod labels;
pub(super) mod margins;
pub(super) mod messages;
pub(crate) mod mixture;
pub(super) mod neighbour_lists;
pub(super) mod neighbours;
pub(super) mod potentials;
pub(crate) mod ranks;
pub(super) mod renew;

use crate::matrix::TILE;
use pulp::Simd;

/// The canonical squared distances of vector `v` of a tile's rows to `C` points. Both are given in f64, feature by feature.
#[inline(always)]
fn tile_squared_distances<S: Simd, const C: usize>(
    simd: S,
    tile: &[[f64; TILE]],
    v: usize,
    points: &[[f64; C]],
) -> [S::f64s; C] {
    let mut squared = [simd.splat_f64s(0.0); C];
    for (lanes, points) in tile.iter().zip(points) {
        let x = S::as_simd_f64s(lanes).0[v];
        for c in 0..C {
            let difference = simd.sub_f64s(x, simd.splat_f64s(points[c]));
            squared[c] = simd.add_f64s(squared[c], simd.mul_f64s(difference, difference));
        }
    }
    squared
}

/// Copies a tile's values to f64.
#[inline(always)]
fn widen(tile: &[[f32; TILE]], out: &mut [[f64; TILE]]) {
    for (to, from) in out.iter_mut().zip(tile) {
        *to = from.map(f64::from);
    }
}
