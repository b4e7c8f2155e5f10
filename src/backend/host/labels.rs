//! Labels by the canonical distance, for the rows whose label f32 does not prove.

use crate::canonical::Centroids;
use crate::matrix::{Matrix, TILE};

/// Centroids in tiles of 16, feature by feature, so that a row is compared with 16 of them at a time.
pub(in crate::backend) struct CentroidTiles {
    /// Where a tile has no centroid, the values are infinite.
    tiles: Vec<[f64; TILE]>,
    features: usize,
}

impl CentroidTiles {
    pub(in crate::backend) fn new(centroids: &Centroids) -> Self {
        let features = centroids.features;
        let tiles = (0..centroids.k().div_ceil(TILE))
            .flat_map(|t| (0..features).map(move |j| (t, j)))
            .map(|(t, j)| {
                let value = |c| centroids.values.get(c * features + j).copied();
                std::array::from_fn(|i| value(t * TILE + i).map_or(f64::INFINITY, f64::from))
            })
            .collect();
        CentroidTiles { tiles, features }
    }

    /// The canonical label of row `i`: its nearest centroid, the lowest index on ties.
    #[inline(always)]
    pub(in crate::backend) fn label(&self, matrix: &Matrix, i: usize) -> u32 {
        let (mut label, mut nearest) = (0, f64::INFINITY);
        for (t, tile) in self.tiles.chunks_exact(self.features).enumerate() {
            let mut squared = [0f64; TILE];
            for (lanes, x) in tile.iter().zip(matrix.row(i)) {
                for (sum, &c) in squared.iter_mut().zip(lanes) {
                    let difference = f64::from(x) - c;
                    *sum += difference * difference;
                }
            }
            for (c, squared) in squared.into_iter().enumerate() {
                if squared < nearest {
                    nearest = squared;
                    label = (t * TILE + c) as u32;
                }
            }
        }
        label
    }
}
