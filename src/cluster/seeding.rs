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
struct Potential {
    rows: Vec<f64>,
    blocks: Vec<f64>,
    total: f64,
}

impl Potential {
    /// The potential before the first centre: the weights.
    fn of_weights(matrix: &Matrix) -> Self {
        let weight = |i: usize| matrix.weights().map_or(1.0, |w| f64::from(w[i]));
        Self::new((0..matrix.rows()).map(weight).collect())
    }

    fn new(rows: Vec<f64>) -> Self {
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
    let first = Potential::of_weights(matrix).row_at(draws.uniform());
    values.extend(matrix.row(first));
    let mut potential = Potential::new(closest(matrix, first, None));
    for _ in 1..k {
        let mut best: Option<(usize, Potential)> = None;
        for _ in 0..trials {
            let part = draws.uniform();
            // Nothing left to gain (fewer distinct rows here than k): any row; it will be moved when it stays empty.
            let row = if potential.total > 0.0 {
                potential.row_at(part)
            } else {
                (part * matrix.rows() as f64) as usize
            };
            let next = Potential::new(closest(matrix, row, Some(&potential.rows)));
            if best.as_ref().is_none_or(|(_, b)| next.total < b.total) {
                best = Some((row, next));
            }
        }
        if let Some((row, next)) = best {
            values.extend(matrix.row(row));
            potential = next;
        }
    }
    Centroids { values, features: matrix.features() }
}

/// The rows' weighted squared distances to row `centre`, or those of `so_far` where they are less.
fn closest(matrix: &Matrix, centre: usize, so_far: Option<&[f64]>) -> Vec<f64> {
    let centre: Vec<f32> = matrix.row(centre).collect();
    let mut out = vec![0f64; matrix.rows()];
    pulp::Arch::new().dispatch(|| {
        for (t, out) in out.chunks_mut(TILE).enumerate() {
            let squared = tile_squared_distances(matrix.tile(t), &centre);
            for (lane, (out, &s)) in out.iter_mut().zip(&squared).enumerate() {
                let i = t * TILE + lane;
                let weighted = matrix.weights().map_or(s, |w| s * f64::from(w[i]));
                *out = so_far.map_or(weighted, |c| weighted.min(c[i]));
            }
        }
    });
    out
}
