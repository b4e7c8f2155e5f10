//! The rows of two tiles, and two boxes.

use crate::backend::simd::multiply_add;
use crate::matrix::{Lanes, TILE};
use pulp::Simd;

/// The squared distances of the rows of two tiles in f32: 16 of the rows of `a` for each row of `b`.
pub(super) type Squared = [f32; TILE * TILE];

/// Computes the distances of all pairs.
#[inline(always)]
pub(super) fn squared_distances<S: Simd>(simd: S, a: &[Lanes], b: &[Lanes], out: &mut Squared) {
    match S::F32_LANES {
        16 => some::<S, 1, 16>(simd, a, b, out),
        8 => some::<S, 2, 4>(simd, a, b, out),
        _ => some::<S, 4, 4>(simd, a, b, out),
    }
}

/// With a tile in `V` vectors, and `C` rows of `b` at a time.
#[inline(always)]
fn some<S: Simd, const V: usize, const C: usize>(simd: S, a: &[Lanes], b: &[Lanes], out: &mut Squared) {
    for first in (0..TILE).step_by(C) {
        let mut sums = [[simd.splat_f32s(0.0); V]; C];
        for (a, b) in a.iter().zip(b) {
            let rows = S::as_simd_f32s(&a.0).0;
            let points = &b.0[first..first + C];
            for c in 0..C {
                let point = simd.splat_f32s(points[c]);
                for v in 0..V {
                    let difference = simd.sub_f32s(rows[v], point);
                    sums[c][v] = multiply_add(simd, difference, difference, sums[c][v]);
                }
            }
        }
        let out = S::as_mut_simd_f32s(&mut out[first * TILE..(first + C) * TILE]).0;
        for c in 0..C {
            for v in 0..V {
                out[c * V + v] = sums[c][v];
            }
        }
    }
}

/// The squared distances of a point to the rows of a tile in f32.
#[inline(always)]
pub(super) fn squared_distances_to<S: Simd>(
    simd: S,
    point: &[f32],
    tile: &[Lanes],
    out: &mut [f32; TILE],
) {
    let mut sums = [simd.splat_f32s(0.0); TILE];
    let vectors = TILE / S::F32_LANES;
    for (lanes, &point) in tile.iter().zip(point) {
        let point = simd.splat_f32s(point);
        for v in 0..vectors {
            let difference = simd.sub_f32s(S::as_simd_f32s(&lanes.0).0[v], point);
            sums[v] = multiply_add(simd, difference, difference, sums[v]);
        }
    }
    for (to, from) in S::as_mut_simd_f32s(out).0.iter_mut().zip(sums) {
        *to = from;
    }
}

/// The square of the smallest distance that two points of two boxes can have, in f32.
#[inline(always)]
pub(super) fn gap<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    let (a_low, a_high) = a.split_at(a.len() / 2);
    let (b_low, b_high) = b.split_at(b.len() / 2);
    let a = S::as_simd_f32s(a_low).0.iter().zip(S::as_simd_f32s(a_high).0);
    let b = S::as_simd_f32s(b_low).0.iter().zip(S::as_simd_f32s(b_high).0);
    let zero = simd.splat_f32s(0.0);
    let mut sum = zero;
    for ((&a_low, &a_high), (&b_low, &b_high)) in a.zip(b) {
        let apart = simd.max_f32s(simd.sub_f32s(a_low, b_high), simd.sub_f32s(b_low, a_high));
        let apart = simd.max_f32s(apart, zero);
        sum = multiply_add(simd, apart, apart, sum);
    }
    simd.reduce_sum_f32s(sum)
}
