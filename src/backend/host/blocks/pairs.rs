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
pub(super) fn squared_distances_to<S: Simd>(simd: S, point: &[f32], tile: &[Lanes], out: &mut [f32; TILE]) {
    // Four sums for each vector of rows, so that no addition waits for the one before it.
    const CHAINS: usize = 4;
    let zero = simd.splat_f32s(0.0);
    let mut sums = [[zero; CHAINS]; TILE / 4];
    let vectors = TILE / S::F32_LANES;
    macro_rules! add {
        ($lanes:expr, $value:expr, $chain:expr) => {{
            let value = simd.splat_f32s($value);
            for v in 0..vectors {
                let difference = simd.sub_f32s(S::as_simd_f32s(&$lanes.0).0[v], value);
                sums[v][$chain] = multiply_add(simd, difference, difference, sums[v][$chain]);
            }
        }};
    }
    let (fours, rest) = tile.as_chunks::<CHAINS>();
    let (values, values_rest) = point.as_chunks::<CHAINS>();
    for (lanes, values) in fours.iter().zip(values) {
        for chain in 0..CHAINS {
            add!(lanes[chain], values[chain], chain);
        }
    }
    for (chain, (lanes, &value)) in rest.iter().zip(values_rest).enumerate() {
        add!(lanes, value, chain);
    }
    for (to, [a, b, c, d]) in S::as_mut_simd_f32s(out).0.iter_mut().zip(sums) {
        *to = simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d));
    }
}

/// Whether one of a tile's rows may be as near to a point of a box as its limit says, by squared distances in f32.
#[inline(always)]
pub(super) fn any_within<S: Simd>(simd: S, tile: &[Lanes], bounds: &[f32], limits: &[f32; TILE]) -> bool {
    // Two sums for each vector of rows, so that an addition seldom waits for the one before it.
    let zero = simd.splat_f32s(0.0);
    let mut sums = [[zero; 2]; TILE / 4];
    let vectors = TILE / S::F32_LANES;
    let (low, high) = bounds.split_at(bounds.len() / 2);
    macro_rules! add {
        ($lanes:expr, $j:expr, $chain:expr) => {{
            let (low, high) = (simd.splat_f32s(low[$j]), simd.splat_f32s(high[$j]));
            for v in 0..vectors {
                let row = S::as_simd_f32s(&$lanes.0).0[v];
                let apart = simd.max_f32s(simd.sub_f32s(low, row), simd.sub_f32s(row, high));
                let apart = simd.max_f32s(apart, zero);
                sums[v][$chain] = multiply_add(simd, apart, apart, sums[v][$chain]);
            }
        }};
    }
    let (twos, rest) = tile.as_chunks::<2>();
    for (i, [a, b]) in twos.iter().enumerate() {
        add!(a, 2 * i, 0);
        add!(b, 2 * i + 1, 1);
    }
    for lanes in rest {
        add!(lanes, tile.len() - 1, 0);
    }
    let mut gaps = [0f32; TILE];
    for (to, [a, b]) in S::as_mut_simd_f32s(&mut gaps).0.iter_mut().zip(sums) {
        *to = simd.add_f32s(a, b);
    }
    gaps.iter().zip(limits).fold(false, |any, (gap, limit)| any | (gap <= limit))
}

/// The square of the smallest distance that two points of two boxes can have, in f32.
#[inline(always)]
pub(super) fn gap<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    let zero = simd.splat_f32s(0.0);
    each_feature(
        simd,
        a,
        b,
        #[inline(always)]
        |(a_low, a_high), (b_low, b_high)| {
            let apart = simd.max_f32s(simd.sub_f32s(a_low, b_high), simd.sub_f32s(b_low, a_high));
            simd.max_f32s(apart, zero)
        },
    )
}

/// The square of the largest distance that two points of two boxes can have, in f32.
#[inline(always)]
pub(super) fn span<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    each_feature(
        simd,
        a,
        b,
        #[inline(always)]
        |(a_low, a_high), (b_low, b_high)| {
            simd.max_f32s(simd.sub_f32s(a_high, b_low), simd.sub_f32s(b_high, a_low))
        },
    )
}

/// The sum of the squares of what `side` makes of each feature's lowest and highest values in two boxes.
#[inline(always)]
fn each_feature<S: Simd>(
    simd: S,
    a: &[f32],
    b: &[f32],
    side: impl Fn((S::f32s, S::f32s), (S::f32s, S::f32s)) -> S::f32s,
) -> f32 {
    let (a_low, a_high) = a.split_at(a.len() / 2);
    let (b_low, b_high) = b.split_at(b.len() / 2);
    let a = S::as_simd_f32s(a_low).0.iter().zip(S::as_simd_f32s(a_high).0);
    let b = S::as_simd_f32s(b_low).0.iter().zip(S::as_simd_f32s(b_high).0);
    let mut sum = simd.splat_f32s(0.0);
    for ((&a_low, &a_high), (&b_low, &b_high)) in a.zip(b) {
        let side = side((a_low, a_high), (b_low, b_high));
        sum = multiply_add(simd, side, side, sum);
    }
    simd.reduce_sum_f32s(sum)
}
