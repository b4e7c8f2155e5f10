//! Isotropic Gaussian blobs, like scikit-learn's `make_blobs`.
//!
//! Their true clusters are known and any size is possible, which makes them suitable for benchmarks.

use rayon::prelude::*;

use crate::random::{Draws, Purpose, Stream};

/// The number of rows that one task generates.
const BLOCK: usize = 4_096;
/// The coordinates of the centres lie between -`BOX` and `BOX`.
const BOX: f64 = 10.0;

/// Points scattered around centres, and the centre that each belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Blobs {
    /// One vector per feature, with one value per row.
    pub columns: Vec<Vec<f32>>,
    /// The blob of each row.
    pub labels: Vec<u32>,
}

/// Generates `rows` points with standard deviation 1 around `centers` centres (at least one), which are uniform in
/// `[-10, 10]^features`.
///
/// Row `r` belongs to blob `r % centers`, so all blobs have about the same size. Its values depend only on `seed`, `r`,
/// `features` and `centers`: a longer table begins with the shorter one.
pub fn blobs(rows: usize, features: usize, centers: usize, seed: u64) -> Blobs {
    let centers = centers.max(1);
    let corners = Draws::new(seed, Purpose::SynthTable);
    let centre = |c: usize| -> Vec<f64> {
        let mut stream = corners.at(c as u64);
        (0..features).map(|_| BOX * (2.0 * stream.uniform() - 1.0)).collect()
    };
    let centre: Vec<Vec<f64>> = (0..centers.min(rows)).map(centre).collect();
    let points = Draws::new(seed, Purpose::SynthRow);

    let mut columns = vec![vec![0.0; rows]; features];
    let mut blocks: Vec<Vec<&mut [f32]>> =
        (0..rows.div_ceil(BLOCK)).map(|_| Vec::with_capacity(features)).collect();
    for column in &mut columns {
        for (block, piece) in blocks.iter_mut().zip(column.chunks_mut(BLOCK)) {
            block.push(piece);
        }
    }
    blocks.par_iter_mut().enumerate().for_each(|(b, block)| {
        for i in 0..BLOCK.min(rows - b * BLOCK) {
            let r = b * BLOCK + i;
            let mut stream = points.at(r as u64);
            for (pair, at) in block.chunks_mut(2).zip(centre[r % centers].chunks(2)) {
                for ((piece, at), z) in pair.iter_mut().zip(at).zip(normals(&mut stream)) {
                    piece[i] = (at + z) as f32;
                }
            }
        }
    });
    Blobs { columns, labels: (0..rows).map(|r| (r % centers) as u32).collect() }
}

/// Two independent standard normal numbers (Box and Muller, 1958). [`Stream::normal`] returns only one of them.
fn normals(stream: &mut Stream) -> [f64; 2] {
    let radius = (-2.0 * libm::log(1.0 - stream.uniform())).sqrt();
    let (sin, cos) = libm::sincos(2.0 * std::f64::consts::PI * stream.uniform());
    [radius * cos, radius * sin]
}
