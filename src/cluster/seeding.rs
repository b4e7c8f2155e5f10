//! Greedy k-means++ (Arthur and Vassilvitskii, 2007; `2 + ln k` trials a centroid, as scikit-learn does it), in
//! canonical f64 distances.

use crate::canonical::{Centroids, tile_squared_distances};
use crate::matrix::{BLOCK, Matrix, TILE};
use crate::random::{Draws, Purpose, Stream};
use std::borrow::Cow;

/// Tables of more rows are seeded on a sample of this many.
pub const SEEDING_ROWS: usize = 1 << 18;

/// The rows that seeding looks at.
pub(super) fn sample(matrix: &Matrix, seed: u64) -> Cow<'_, Matrix> {
    if matrix.rows() <= SEEDING_ROWS {
        return Cow::Borrowed(matrix);
    }
    let rows = Draws::new(seed, Purpose::SeedingSample).at(0).sample(SEEDING_ROWS, matrix.rows());
    Cow::Owned(matrix.select(&rows))
}

/// For each row its weighted squared distance to the nearest centre so far, and the sums of blocks of rows.
#[derive(Clone)]
struct Potential {
    rows: Vec<f64>,
    blocks: Vec<f64>,
    total: f64,
}

impl Potential {
    /// The potential before the first centre: the weights.
    fn of_weights(matrix: &Matrix) -> Self {
        let weight = |i: usize| matrix.weights().map_or(1.0, |w| f64::from(w[i]));
        let rows: Vec<f64> = (0..matrix.rows()).map(weight).collect();
        let blocks: Vec<f64> = rows.chunks(BLOCK).map(|b| b.iter().sum()).collect();
        Potential { total: blocks.iter().sum(), rows, blocks }
    }

    /// The row in whose share of the total `part` (of 0..1) falls.
    fn row_at(&self, part: f64) -> usize {
        let mut left = part * self.total;
        let mut last = 0;
        for (b, &block) in self.blocks.iter().enumerate() {
            if left >= block {
                left -= block;
                continue;
            }
            for (i, &row) in self.rows[b * BLOCK..].iter().take(BLOCK).enumerate() {
                if row > 0.0 {
                    last = b * BLOCK + i;
                    if left < row {
                        return last;
                    }
                }
                left -= row;
            }
            return last;
        }
        // Rounding carried `part` past the end: the last row that has a share.
        self.rows.iter().rposition(|&r| r > 0.0).unwrap_or(self.rows.len() - 1)
    }
}

/// `k` rows of `matrix` as start centroids.
pub(super) fn kmeans_plus_plus(matrix: &Matrix, k: usize, draws: &mut Stream) -> Centroids {
    let trials = 2 + libm::log(k as f64) as usize;
    let mut values = Vec::with_capacity(k * matrix.features());
    let mut potential = Potential::of_weights(matrix);
    let first = potential.row_at(draws.uniform());
    values.extend(matrix.row(first));
    let mut offers = vec![potential.clone(); trials];
    potential.rows.fill(f64::INFINITY);
    closest::<1>(matrix, &[first], &potential.rows, &mut offers[..1]);
    std::mem::swap(&mut potential, &mut offers[0]);
    for _ in 1..k {
        let candidates: Vec<usize> = (0..trials)
            .map(|_| {
                let part = draws.uniform();
                // Nothing left to gain (fewer distinct rows here than k): any row; it will be moved when it stays
                // empty.
                if potential.total > 0.0 {
                    potential.row_at(part)
                } else {
                    (part * matrix.rows() as f64) as usize
                }
            })
            .collect();
        for (few, offers) in candidates.chunks(4).zip(offers.chunks_mut(4)) {
            match few.len() {
                1 => closest::<1>(matrix, few, &potential.rows, offers),
                2 => closest::<2>(matrix, few, &potential.rows, offers),
                3 => closest::<3>(matrix, few, &potential.rows, offers),
                _ => closest::<4>(matrix, few, &potential.rows, offers),
            }
        }
        // The first of equals, as everywhere.
        let best = (1..trials).fold(0, |best, c| if offers[c].total < offers[best].total { c } else { best });
        values.extend(matrix.row(candidates[best]));
        std::mem::swap(&mut potential, &mut offers[best]);
    }
    Centroids { values, features: matrix.features() }
}

/// For each of `C` rows as a new centre, the rows' weighted squared distances to it, or those of `so_far` where they
/// are less.
fn closest<const C: usize>(matrix: &Matrix, centres: &[usize], so_far: &[f64], offers: &mut [Potential]) {
    let mut points: Vec<_> = centres.iter().map(|&i| matrix.row(i)).collect();
    let pack: Vec<[f32; C]> = (0..matrix.features())
        .map(|_| std::array::from_fn(|c| points.get_mut(c).and_then(Iterator::next).unwrap_or(0.0)))
        .collect();
    pulp::Arch::new().dispatch(Closest { matrix, pack: &pack, so_far, offers });
    for offer in offers {
        offer.total = offer.blocks.iter().sum();
    }
}

/// The loop of [`closest`], compiled for the widest vectors of the machine: the same bits in all of them.
struct Closest<'a, const C: usize> {
    matrix: &'a Matrix,
    pack: &'a [[f32; C]],
    so_far: &'a [f64],
    offers: &'a mut [Potential],
}

impl<const C: usize> pulp::WithSimd for Closest<'_, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Closest { matrix, pack, so_far, offers } = self;
        for (b, block) in so_far.chunks(BLOCK).enumerate() {
            // A block's sum is that of 16 lanes, each in row order.
            let mut sums = [[0f64; TILE]; C];
            for (t, so_far) in block.chunks(TILE).enumerate() {
                let start = b * BLOCK + t * TILE;
                let mut squared = tile_squared_distances(matrix.tile(start / TILE), pack);
                if let Some(weights) = matrix.weights() {
                    for squared in &mut squared {
                        for (s, &w) in squared.iter_mut().zip(&weights[start..]) {
                            *s *= f64::from(w);
                        }
                    }
                }
                for ((squared, sums), offer) in squared.iter().zip(&mut sums).zip(offers.iter_mut()) {
                    let out = &mut offer.rows[start..];
                    for (((to, &new), &old), sum) in out.iter_mut().zip(squared).zip(so_far).zip(sums) {
                        *to = if new < old { new } else { old };
                        *sum += *to;
                    }
                }
            }
            for (sums, offer) in sums.iter().zip(offers.iter_mut()) {
                offer.blocks[b] = sums.iter().sum();
            }
        }
    }
}
