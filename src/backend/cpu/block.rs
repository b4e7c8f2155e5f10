//! The piece that every primitive is made of: squared distances of a group of rows to a few points, in registers.

use crate::matrix::{Matrix, TILE};
use pulp::Simd;
use std::fmt;

/// The instruction sets that there is code for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstructionSet {
    /// x86-64 with AVX-512 (F, BW, CD, DQ, VL).
    Avx512,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// AArch64.
    Neon,
    /// Any machine; the compiler's own vectors.
    Portable,
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InstructionSet::Avx512 => "AVX-512",
            InstructionSet::Avx2 => "AVX2",
            InstructionSet::Neon => "NEON",
            InstructionSet::Portable => "portable code",
        })
    }
}

impl InstructionSet {
    /// All that this crate knows, widest first.
    pub const ALL: [InstructionSet; 4] =
        [InstructionSet::Avx512, InstructionSet::Avx2, InstructionSet::Neon, InstructionSet::Portable];

    /// The widest that this machine has.
    pub fn detect() -> Self {
        Self::ALL.into_iter().find(|s| s.available()).unwrap_or(InstructionSet::Portable)
    }

    /// Whether this machine has it.
    pub fn available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => pulp::x86::V4::try_new().is_some(),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => pulp::x86::V3::try_new().is_some(),
            #[cfg(target_arch = "aarch64")]
            InstructionSet::Neon => pulp::aarch64::Neon::try_new().is_some(),
            InstructionSet::Portable => true,
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }

    /// Runs `kernel` with this instruction set's vectors, as many a group as its registers hold.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        struct With<K, const V: usize>(K);
        impl<K: Kernel, const V: usize> pulp::WithSimd for With<K, V> {
            type Output = K::Output;
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) -> K::Output {
                self.0.run::<S, V>(simd)
            }
        }
        match self {
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => {
                if let Some(simd) = pulp::x86::V4::try_new() {
                    return Simd::vectorize(simd, With::<K, 4>(kernel));
                }
            }
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => {
                if let Some(simd) = pulp::x86::V3::try_new() {
                    return Simd::vectorize(simd, With::<K, 2>(kernel));
                }
            }
            #[cfg(target_arch = "aarch64")]
            InstructionSet::Neon => {
                if let Some(simd) = pulp::aarch64::Neon::try_new() {
                    return Simd::vectorize(simd, With::<K, 4>(kernel));
                }
            }
            _ => {}
        }
        Simd::vectorize(pulp::Scalar128b, With::<K, 4>(kernel))
    }
}

/// Code that is compiled once for each instruction set; `V` vectors of rows make a group.
pub(crate) trait Kernel {
    type Output;
    fn run<S: Simd, const V: usize>(self, simd: S) -> Self::Output;
}

/// `a * b + c`, fused where the machine does that itself: a call to a library for each number would be many times slower.
#[inline(always)]
pub(crate) fn multiply_add<S: Simd>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
    if cfg!(target_arch = "x86_64") && S::F32_LANES == 4 {
        simd.add_f32s(simd.mul_f32s(a, b), c)
    } else {
        simd.mul_add_e_f32s(a, b, c)
    }
}

/// `V` vectors of rows.
#[derive(Clone, Copy)]
pub(super) struct Group<'a, const V: usize> {
    matrix: &'a Matrix,
    start: usize,
}

/// The most rows that a group can have.
pub(super) const MAX_GROUP: usize = 64;

/// How many rows a group of `V` vectors has: a whole number of tiles.
#[inline(always)]
pub(super) const fn group_rows<S: Simd, const V: usize>() -> usize {
    V * S::F32_LANES
}

impl<'a, const V: usize> Group<'a, V> {
    /// The group that starts at row `start`, a multiple of the group's size. Past the end the last tile stands in.
    #[inline(always)]
    pub(super) fn new(matrix: &'a Matrix, start: usize) -> Self {
        Group { matrix, start }
    }

    /// Adds to `sums`, for each of the group's rows `x` and a pack's points `p` (feature by feature), the sum over the features of
    /// `(x - p)^2`, or of `x * p` if `PRODUCT`, in f32.
    #[inline(always)]
    fn add<'p, S: Simd, const C: usize, const PRODUCT: bool>(
        &self,
        simd: S,
        pack: impl ExactSizeIterator<Item = &'p [f32; C]>,
        mut sums: [[S::f32s; V]; C],
    ) -> [[S::f32s; V]; C] {
        // Looked up for each pack: addresses that live longer are spilled, and read back for every feature.
        let last = self.matrix.tile_count() - 1;
        let mut tiles = [&self.matrix.tile(last)[..pack.len()]; V];
        for (v, tile) in tiles.iter_mut().enumerate() {
            *tile = &self.matrix.tile(((self.start + v * S::F32_LANES) / TILE).min(last))[..pack.len()];
        }
        for (j, points) in pack.enumerate() {
            let mut row = [sums[0][0]; V];
            for v in 0..V {
                row[v] = S::as_simd_f32s(&tiles[v][j]).0[v * S::F32_LANES % TILE / S::F32_LANES];
            }
            for c in 0..C {
                let point = simd.splat_f32s(points[c]);
                for v in 0..V {
                    sums[c][v] = if PRODUCT {
                        multiply_add(simd, row[v], point, sums[c][v])
                    } else {
                        let difference = simd.sub_f32s(row[v], point);
                        multiply_add(simd, difference, difference, sums[c][v])
                    };
                }
            }
        }
        sums
    }

    /// Feature `j` of the group's rows.
    #[inline(always)]
    pub(super) fn feature<S: Simd>(&self, j: usize) -> [S::f32s; V] {
        let last = self.matrix.tile_count() - 1;
        std::array::from_fn(
            #[inline(always)]
            |v| {
                let row = self.start + v * S::F32_LANES;
                S::as_simd_f32s(&self.matrix.tile((row / TILE).min(last))[j]).0[row % TILE / S::F32_LANES]
            },
        )
    }

    /// The squared norms of the group's rows, in f32.
    #[inline(always)]
    pub(super) fn squared_norms<S: Simd>(&self, simd: S) -> [S::f32s; V] {
        let origin = (0..self.matrix.features()).map(
            #[inline(always)]
            |_| &[0f32],
        );
        self.add::<S, 1, false>(simd, origin, [[simd.splat_f32s(0.0); V]])[0]
    }

    /// The squared distances of the group's rows to a point.
    #[inline(always)]
    pub(super) fn distances_to<S: Simd>(&self, simd: S, point: &[f32]) -> [S::f32s; V] {
        self.add::<S, 1, false>(simd, point.as_chunks().0.iter(), [[simd.splat_f32s(0.0); V]])[0]
    }

    /// The squared distances of the group's rows to rows `4 * quarter` and the next three of a tile.
    #[inline(always)]
    pub(super) fn distances_to_quarter<S: Simd>(
        &self,
        simd: S,
        tile: &[[f32; TILE]],
        quarter: usize,
    ) -> [[S::f32s; V]; 4] {
        let points = tile.iter().map(
            #[inline(always)]
            |lanes| &lanes.as_chunks::<4>().0[quarter % 4],
        );
        self.add::<S, 4, false>(simd, points, [[simd.splat_f32s(0.0); V]; 4])
    }
}

/// Points in packs of nearly one size, feature by feature within a pack.
pub(super) struct Points {
    values: Vec<f32>,
    features: usize,
    count: usize,
    /// Points of the smaller packs, and how many packs have one more; those come first.
    least: usize,
    larger: usize,
}

/// The most points of a pack.
const PACK: usize = 6;

impl Points {
    /// Packs `points`, each of `features` values.
    pub(super) fn new<I: Iterator<Item = f32>>(features: usize, points: impl Iterator<Item = I>) -> Self {
        let points: Vec<Vec<f32>> = points.map(Iterator::collect).collect();
        let packs = points.len().div_ceil(PACK).max(1);
        let (least, larger) = (points.len() / packs, points.len() % packs);
        let mut values = Vec::with_capacity(points.len() * features);
        let mut rest = &points[..];
        for p in 0..packs {
            let (pack, others) = rest.split_at(least + usize::from(p < larger));
            rest = others;
            for j in 0..features {
                values.extend(pack.iter().map(|point| point[j]));
            }
        }
        Points { values, features, count: points.len(), least, larger }
    }

    /// Hands the squared distances to each point, in order, to `take(point, distances)`.
    #[inline(always)]
    pub(super) fn for_each<S: Simd, const V: usize>(
        &self,
        simd: S,
        group: Group<'_, V>,
        take: impl FnMut(usize, [S::f32s; V]),
    ) {
        let zero = [simd.splat_f32s(0.0); V];
        self.each::<S, V, false>(
            simd,
            group,
            #[inline(always)]
            |_| zero,
            take,
        );
    }

    /// Hands `start(point) + x * point` for the group's rows `x` and each point, in order, to `take(point, sums)`.
    #[inline(always)]
    pub(super) fn for_each_product<S: Simd, const V: usize>(
        &self,
        simd: S,
        group: Group<'_, V>,
        start: impl Fn(usize) -> [S::f32s; V],
        take: impl FnMut(usize, [S::f32s; V]),
    ) {
        self.each::<S, V, true>(simd, group, start, take);
    }

    #[inline(always)]
    fn each<S: Simd, const V: usize, const PRODUCT: bool>(
        &self,
        simd: S,
        group: Group<'_, V>,
        start: impl Fn(usize) -> [S::f32s; V],
        mut take: impl FnMut(usize, [S::f32s; V]),
    ) {
        let mut done = 0;
        let mut values = &self.values[..];
        while done < self.count {
            let size = self.least + usize::from(done < self.larger * (self.least + 1));
            let (pack, others) = values.split_at(size * self.features);
            values = others;
            macro_rules! pack {
                ($c:literal) => {{
                    let mut sums = [[simd.splat_f32s(0.0); V]; $c];
                    for c in 0..$c {
                        sums[c] = start(done + c);
                    }
                    let sums = group.add::<S, $c, PRODUCT>(simd, pack.as_chunks().0.iter(), sums);
                    for c in 0..$c {
                        take(done + c, sums[c]);
                    }
                }};
            }
            match size {
                1 => pack!(1),
                2 => pack!(2),
                3 => pack!(3),
                4 => pack!(4),
                5 => pack!(5),
                _ => pack!(6),
            }
            done += size;
        }
    }
}

/// The lanes of `vectors` in `out`, in row order.
#[inline(always)]
pub(super) fn store<S: Simd, const V: usize>(vectors: [S::f32s; V], out: &mut [f32]) {
    for (to, from) in S::as_mut_simd_f32s(out).0.iter_mut().zip(vectors) {
        *to = from;
    }
}

/// The lanes of `vectors` in `out`, in row order.
#[inline(always)]
pub(super) fn store_u32<S: Simd, const V: usize>(vectors: [S::u32s; V], out: &mut [u32]) {
    for (to, from) in S::as_mut_simd_u32s(out).0.iter_mut().zip(vectors) {
        *to = from;
    }
}

/// The best and the second best of a stream of candidates, lane by lane.
#[derive(Clone, Copy)]
pub(super) struct Best<S: Simd, const V: usize> {
    pub(super) best: [S::f32s; V],
    pub(super) second: [S::f32s; V],
    pub(super) index: [S::u32s; V],
}

impl<S: Simd, const V: usize> Best<S, V> {
    #[inline(always)]
    pub(super) fn new(simd: S) -> Self {
        let far = [simd.splat_f32s(f32::MAX); V];
        Best { best: far, second: far, index: [simd.splat_u32s(0); V] }
    }

    /// Takes in a candidate, and says where it is the best; the first of equals stays the best.
    #[inline(always)]
    pub(super) fn offer(&mut self, simd: S, index: u32, distances: [S::f32s; V]) -> [S::m32s; V] {
        let index = simd.splat_u32s(index);
        let mut closer_than = [simd.less_than_f32s(self.best[0], self.best[0]); V];
        for (v, distance) in distances.into_iter().enumerate() {
            let closer = simd.less_than_f32s(distance, self.best[v]);
            closer_than[v] = closer;
            self.second[v] = simd.min_f32s(self.second[v], simd.max_f32s(self.best[v], distance));
            self.best[v] = simd.min_f32s(self.best[v], distance);
            self.index[v] = simd.select_u32s(closer, index, self.index[v]);
        }
        closer_than
    }
}
