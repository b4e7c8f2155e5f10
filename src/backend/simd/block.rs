//! The inner loop of the CPU primitives: a group of rows stays in registers while it is compared with one point after
//! another.

use super::multiply_add;
use crate::matrix::{Matrix, TILE};
use pulp::Simd;

/// A group of rows, as many as `V` vectors hold.
#[derive(Clone, Copy)]
pub(in crate::backend) struct Group<'a, const V: usize> {
    matrix: &'a Matrix,
    start: usize,
}

/// The most rows that a group can have.
pub(in crate::backend) const MAX_GROUP: usize = 64;

/// How many rows a group of `V` vectors has: the rows of one or several whole tiles.
#[inline(always)]
pub(in crate::backend) const fn group_rows<S: Simd, const V: usize>() -> usize {
    V * S::F32_LANES
}

impl<'a, const V: usize> Group<'a, V> {
    /// The group that starts at row `start`, a multiple of the group's size. If it extends past the end of the table, the
    /// last tile is read again instead; the caller ignores those rows.
    #[inline(always)]
    pub(in crate::backend) fn new(matrix: &'a Matrix, start: usize) -> Self {
        Group { matrix, start }
    }

    /// Adds to `sums`, for each row `x` of the group and each point `p` of a pack (which is given feature by feature), the
    /// squared distance of `x` and `p`, or their dot product if `PRODUCT`. In f32.
    #[inline(always)]
    fn add<'p, S: Simd, const C: usize, const PRODUCT: bool>(
        &self,
        simd: S,
        pack: impl ExactSizeIterator<Item = &'p [f32; C]>,
        mut sums: [[S::f32s; V]; C],
    ) -> [[S::f32s; V]; C] {
        // The addresses of the tiles are looked up anew for each pack. If they lived longer, the compiler would put them
        // on the stack and read them back for every feature.
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
    pub(in crate::backend) fn feature<S: Simd>(&self, j: usize) -> [S::f32s; V] {
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
    pub(in crate::backend) fn squared_norms<S: Simd>(&self, simd: S) -> [S::f32s; V] {
        let origin = (0..self.matrix.features()).map(
            #[inline(always)]
            |_| &[0f32],
        );
        self.add::<S, 1, false>(simd, origin, [[simd.splat_f32s(0.0); V]])[0]
    }

    /// The squared distances of the group's rows to a point.
    #[inline(always)]
    pub(in crate::backend) fn distances_to<S: Simd>(&self, simd: S, point: &[f32]) -> [S::f32s; V] {
        self.add::<S, 1, false>(simd, point.as_chunks().0.iter(), [[simd.splat_f32s(0.0); V]])[0]
    }

    /// The squared distances of the group's rows to rows `4 * quarter` and the next three of a tile.
    #[inline(always)]
    pub(in crate::backend) fn distances_to_quarter<S: Simd>(
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

/// Points in packs of nearly equal size. Within a pack the values lie feature by feature.
pub(in crate::backend) struct Points {
    values: Vec<f32>,
    features: usize,
    count: usize,
    /// How many points the smaller packs have, and how many packs have one point more. The larger packs come first.
    least: usize,
    larger: usize,
}

/// The most points of a pack.
const PACK: usize = 6;

/// Expands `$pack!(size)` for a size that is only known at run time.
macro_rules! each_size {
    ($size:expr, $pack:ident) => {
        match $size {
            1 => $pack!(1),
            2 => $pack!(2),
            3 => $pack!(3),
            4 => $pack!(4),
            5 => $pack!(5),
            _ => $pack!(6),
        }
    };
}

impl Points {
    /// Packs `points`, each of `features` values.
    pub(in crate::backend) fn new<I: Iterator<Item = f32>>(
        features: usize,
        points: impl Iterator<Item = I>,
    ) -> Self {
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

    /// Calls `take(point, distances)` with the squared distances of the group's rows to each point, in order.
    #[inline(always)]
    pub(in crate::backend) fn for_each<S: Simd, const V: usize>(
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

    /// Calls `take(point, sums)` with `start(point)` plus the dot products of the group's rows and each point, in order.
    #[inline(always)]
    pub(in crate::backend) fn for_each_product<S: Simd, const V: usize>(
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
        for (first, size, values) in self.packs() {
            macro_rules! pack {
                ($c:literal) => {{
                    let mut sums = [[simd.splat_f32s(0.0); V]; $c];
                    for c in 0..$c {
                        sums[c] = start(first + c);
                    }
                    let sums = group.add::<S, $c, PRODUCT>(simd, values.as_chunks().0.iter(), sums);
                    for c in 0..$c {
                        take(first + c, sums[c]);
                    }
                }};
            }
            each_size!(size, pack);
        }
    }

    /// The two smallest of `starts[p]` plus the dot product with point `p` if `PRODUCT`, or plus the squared distance to it,
    /// for each row of the group, and `ids[p]` of the smallest. There is at least one point.
    #[inline(always)]
    pub(in crate::backend) fn two_smallest<S: Simd, const V: usize, const PRODUCT: bool>(
        &self,
        simd: S,
        group: Group<'_, V>,
        starts: &[f32],
        ids: &[u32],
    ) -> TwoSmallest<S, V> {
        let far = [simd.splat_f32s(f32::MAX); V];
        let mut found = TwoSmallest { first: far, second: far, id: [simd.splat_u32s(0); V] };
        let mut packs = self.packs();
        macro_rules! sums {
            ($c:literal, $first:expr, $values:expr) => {{
                let mut sums = [far; $c];
                for c in 0..$c {
                    sums[c] = [simd.splat_f32s(starts[$first + c]); V];
                }
                group.add::<S, $c, PRODUCT>(simd, $values.as_chunks().0.iter(), sums)
            }};
        }
        // The first pack is apart from the others, because nothing needs to stay in registers while its sums are computed.
        if let Some((first, size, values)) = packs.next() {
            macro_rules! pack {
                ($c:literal) => {{
                    let sums = sums!($c, first, values);
                    found.first = sums[0];
                    found.id = [simd.splat_u32s(ids[0]); V];
                    for (c, &sums) in sums.iter().enumerate().skip(1) {
                        found.offer(simd, ids[c], sums);
                    }
                }};
            }
            each_size!(size, pack);
        }
        for (first, size, values) in packs {
            macro_rules! pack {
                ($c:literal) => {{
                    let sums = sums!($c, first, values);
                    for c in 0..$c {
                        found.offer(simd, ids[first + c], sums[c]);
                    }
                }};
            }
            each_size!(size, pack);
        }
        found
    }

    /// The packs in order: the number of a pack's first point, its number of points, and their values.
    #[inline(always)]
    fn packs(&self) -> impl Iterator<Item = (usize, usize, &[f32])> {
        let mut first = 0;
        let mut rest = &self.values[..];
        std::iter::from_fn(
            #[inline(always)]
            move || {
                if first == self.count {
                    return None;
                }
                let size = self.least + usize::from(first < self.larger * (self.least + 1));
                let (values, others) = rest.split_at(size * self.features);
                let pack = (first, size, values);
                (first, rest) = (first + size, others);
                Some(pack)
            },
        )
    }
}

/// Writes the lanes of `vectors` to `out`, in the order of the rows.
#[inline(always)]
pub(in crate::backend) fn store<S: Simd, const V: usize>(vectors: [S::f32s; V], out: &mut [f32]) {
    for (to, from) in S::as_mut_simd_f32s(out).0.iter_mut().zip(vectors) {
        *to = from;
    }
}

/// Writes the lanes of `vectors` to `out`, in the order of the rows.
#[inline(always)]
pub(in crate::backend) fn store_u32<S: Simd, const V: usize>(vectors: [S::u32s; V], out: &mut [u32]) {
    for (to, from) in S::as_mut_simd_u32s(out).0.iter_mut().zip(vectors) {
        *to = from;
    }
}

/// The smallest and the second smallest of some values, for each lane, and the id of the smallest.
#[derive(Clone, Copy)]
pub(in crate::backend) struct TwoSmallest<S: Simd, const V: usize> {
    pub(in crate::backend) first: [S::f32s; V],
    pub(in crate::backend) second: [S::f32s; V],
    pub(in crate::backend) id: [S::u32s; V],
}

impl<S: Simd, const V: usize> TwoSmallest<S, V> {
    /// Takes more values into account. Of equal values the first one stays the smallest.
    #[inline(always)]
    fn offer(&mut self, simd: S, id: u32, values: [S::f32s; V]) {
        let id = simd.splat_u32s(id);
        for (v, value) in values.into_iter().enumerate() {
            let smaller = simd.less_than_f32s(value, self.first[v]);
            self.second[v] = simd.min_f32s(self.second[v], simd.max_f32s(self.first[v], value));
            self.first[v] = simd.min_f32s(self.first[v], value);
            self.id[v] = simd.select_u32s(smaller, id, self.id[v]);
        }
    }
}
