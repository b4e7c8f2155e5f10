//! The filtered search finds what a search among all clusters finds.

use super::{Clusters, NONE, NearestCluster};
use crate::backend::simd::InstructionSet;
use crate::matrix::Matrix;
use crate::random::{Draws, Purpose, Stream};
use ndarray::Array2;

fn stream(index: u64) -> Stream {
    Draws::new(11, Purpose::SynthTable).at(index)
}

/// Compares every answer with the least cost of all, the lowest number on ties.
fn check(clusters: &Clusters, alive: &[u32], hints: &[u32], what: &str) {
    let found = clusters.nearest(alive, hints, |_| Ok(())).unwrap();
    for (&query, found) in alive.iter().zip(found) {
        let mut expected = NearestCluster::NOBODY;
        for &cluster in alive.iter().filter(|&&cluster| cluster != query) {
            let cost = clusters.cost(query, cluster);
            if cost < expected.cost || (cost == expected.cost && cluster < expected.cluster) {
                expected = NearestCluster { cost, cluster };
            }
        }
        assert_eq!(found, expected, "{what}: cluster {query}");
    }
}

#[test]
fn the_nearest_clusters_are_the_nearest_of_all() {
    let normal = |n: usize, d: usize, index: u64| {
        let mut draws = stream(index);
        Array2::from_shape_simple_fn((n, d), || draws.normal() as f32)
    };
    let mut clumps = normal(700, 4, 1);
    for (i, mut row) in clumps.rows_mut().into_iter().enumerate() {
        row.mapv_inplace(|v| v + (i % 4) as f32 * 3e5);
    }
    let mut draws = stream(2);
    let binary = Array2::from_shape_simple_fn((600, 9), || f32::from(u8::from(draws.uniform() < 0.5)));
    let tables = [
        ("normal", normal(900, 5, 3)),
        ("one feature", normal(400, 1, 4)),
        ("many features", normal(200, 70, 5)),
        ("clumps", clumps),
        ("0/1", binary),
        ("few", normal(3, 2, 6)),
    ];
    for (what, rows) in tables {
        let mut draws = stream(7);
        let weights: Vec<f64> = (0..rows.nrows()).map(|_| 1.0 + (draws.uniform() * 1e4).floor()).collect();
        let matrix = Matrix::from_array(rows.view()).unwrap().weighted(weights).unwrap();
        let repeats = matrix.repeats();
        for set in InstructionSet::ALL.into_iter().filter(|set| set.available()) {
            let mut clusters = Clusters::new(set, &matrix, &repeats);
            let mut alive: Vec<u32> = (0..repeats.len() as u32).collect();
            let mut draws = stream(8);
            while alive.len() > 2 {
                let mut hint = || match draws.uniform() < 0.5 {
                    true => NONE,
                    false => alive[draws.below(alive.len() as u64) as usize],
                };
                let hints: Vec<u32> = alive.iter().map(|_| hint()).collect();
                check(&clusters, &alive, &hints, what);
                // Any pairs: near ones, and such that nobody would merge.
                let pairs: Vec<(u32, u32)> =
                    alive.chunks_exact(2).filter(|pair| pair[0] % 3 != 1).map(|p| (p[0], p[1])).collect();
                let pairs = if pairs.is_empty() { vec![(alive[0], alive[1])] } else { pairs };
                clusters.merge(&pairs);
                alive.retain(|cluster| pairs.iter().all(|pair| pair.1 != *cluster));
            }
        }
    }
}
