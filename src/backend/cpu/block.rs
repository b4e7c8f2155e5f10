//! The piece that every primitive is made of: squared distances of a group of rows to a few points, in registers.

use crate::canonical::Certificate;
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
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
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
pub(super) trait Kernel {
    type Output;
    fn run<S: Simd, const V: usize>(self, simd: S) -> Self::Output;
}

/// Points side by side: entry `j` holds feature `j` of `C` points.
pub(super) type Pack<const C: usize> = [[f32; C]];

/// `V` vectors of rows, each with the tile it lies in and its first lane there.
#[derive(Clone, Copy)]
pub(super) struct Group<'a, const V: usize> {
    tiles: [&'a [[f32; TILE]]; V],
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
    pub(super) fn new<S: Simd>(matrix: &'a Matrix, start: usize) -> Self {
        let last = matrix.tile_count() - 1;
        let mut tiles = [matrix.tile(last); V];
        for (v, tile) in tiles.iter_mut().enumerate() {
            *tile = matrix.tile(((start + v * S::F32_LANES) / TILE).min(last));
        }
        Group { tiles }
    }

    /// The squared distances of the group's rows to the pack's points, in f32.
    #[inline(always)]
    pub(super) fn squared_distances<S: Simd, const C: usize>(
        &self,
        simd: S,
        pack: &Pack<C>,
    ) -> [[S::f32s; V]; C] {
        let d = pack.len();
        let mut tiles = self.tiles;
        for tile in &mut tiles {
            *tile = &tile[..d];
        }
        let mut sums = [[simd.splat_f32s(0.0); V]; C];
        for (j, points) in pack.iter().enumerate() {
            for v in 0..V {
                let x = S::as_simd_f32s(&tiles[v][j]).0[v * S::F32_LANES % TILE / S::F32_LANES];
                for c in 0..C {
                    let difference = simd.sub_f32s(x, simd.splat_f32s(points[c]));
                    sums[c][v] = simd.mul_add_e_f32s(difference, difference, sums[c][v]);
                }
            }
        }
        sums
    }
}

/// Points packed four to a pack, and those that are left over.
pub(super) struct Points {
    packs: Vec<[f32; 4]>,
    rest: Vec<f32>,
    features: usize,
    count: usize,
}

impl Points {
    /// Packs `points`, each of `features` values.
    pub(super) fn new<I: Iterator<Item = f32>>(features: usize, points: impl Iterator<Item = I>) -> Self {
        let points: Vec<Vec<f32>> = points.map(Iterator::collect).collect();
        let (fours, rest) = points.as_chunks::<4>();
        let packs = fours
            .iter()
            .flat_map(|p| (0..features).map(move |j| [p[0][j], p[1][j], p[2][j], p[3][j]]))
            .collect();
        let rest_flat = (0..features).flat_map(|j| rest.iter().map(move |p| p[j])).collect();
        Points { packs, rest: rest_flat, features, count: points.len() }
    }

    /// How many points.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Hands the squared distances to each point, in order, to `take(point, distances)`.
    #[inline(always)]
    pub(super) fn for_each<S: Simd, const V: usize>(
        &self,
        simd: S,
        group: Group<'_, V>,
        mut take: impl FnMut(usize, [S::f32s; V]),
    ) {
        let mut done = 0;
        for pack in self.packs.chunks_exact(self.features) {
            for distances in group.squared_distances::<S, 4>(simd, pack) {
                take(done, distances);
                done += 1;
            }
        }
        match self.count - done {
            0 => {}
            1 => {
                for distances in group.squared_distances::<S, 1>(simd, self.rest.as_chunks().0) {
                    take(done, distances);
                }
            }
            2 => {
                for (c, distances) in
                    group.squared_distances::<S, 2>(simd, self.rest.as_chunks().0).into_iter().enumerate()
                {
                    take(done + c, distances);
                }
            }
            _ => {
                for (c, distances) in
                    group.squared_distances::<S, 3>(simd, self.rest.as_chunks().0).into_iter().enumerate()
                {
                    take(done + c, distances);
                }
            }
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

    /// Takes in a candidate; the first of equals stays the best.
    #[inline(always)]
    pub(super) fn offer(&mut self, simd: S, index: u32, distances: [S::f32s; V]) {
        let index = simd.splat_u32s(index);
        for (v, distance) in distances.into_iter().enumerate() {
            let closer = simd.less_than_f32s(distance, self.best[v]);
            self.second[v] = simd.min_f32s(self.second[v], simd.max_f32s(self.best[v], distance));
            self.best[v] = simd.min_f32s(self.best[v], distance);
            self.index[v] = simd.select_u32s(closer, index, self.index[v]);
        }
    }

    /// Whether the certificate holds in every lane.
    #[inline(always)]
    pub(super) fn proved(&self, simd: S, certificate: &Certificate) -> bool {
        let (low, high) = (simd.splat_f32s(certificate.low), simd.splat_f32s(certificate.high));
        let (plus, minus) = (simd.splat_f32s(certificate.slack), simd.splat_f32s(-certificate.slack));
        let mut proved = true;
        for v in 0..V {
            let least = simd.mul_add_e_f32s(self.second[v], low, minus);
            let most = simd.mul_add_e_f32s(self.best[v], high, plus);
            let doubtful = simd.less_than_or_equal_f32s(least, most);
            proved &= simd.first_true_m32s(doubtful) == S::F32_LANES;
        }
        proved
    }
}
