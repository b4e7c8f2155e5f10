//! Rows of 0 and 1 by comparing each with every other, where there are too many features for a GPU's kernels.

use super::neighbours::excluded;
use crate::backend::knn::{units, user_sum};
use crate::backend::{BinaryMetric, Labeling, NeighbourLists, SelfMatches, SumsSink};
use crate::error::Result;
use crate::matrix::BinaryMatrix;
use crate::progress::Progress;
use rayon::prelude::*;

/// So many queries are searched between two progress reports.
const TOGETHER: usize = 1024;

/// The `k` nearest rows of 0 and 1. Two different fractions of whole numbers below 2^26 have different quotients, so
/// comparing the quotients compares the fractions.
pub(in crate::backend) fn binary(
    table: &BinaryMatrix,
    queries: &BinaryMatrix,
    self_matches: SelfMatches<'_>,
    metric: BinaryMetric,
    k: usize,
    progress: Progress<'_>,
) -> Result<NeighbourLists> {
    let distance = |q: usize, row: usize| binary_distance(table, queries, metric, q, row);
    search((table.rows(), queries.rows()), self_matches, k, progress, distance)
}

/// The distance of query `q` and a row of the table.
pub(in crate::backend) fn binary_distance(
    table: &BinaryMatrix,
    queries: &BinaryMatrix,
    metric: BinaryMetric,
    q: usize,
    row: usize,
) -> f64 {
    let both = queries.row(q).iter().zip(table.row(row)).map(|(a, b)| (a & b).count_ones()).sum();
    let (above, below) = metric.fraction(table.features(), both, queries.ones(q), table.ones(row));
    f64::from(above) / f64::from(below)
}

fn search(
    (rows, queries): (usize, usize),
    self_matches: SelfMatches<'_>,
    k: usize,
    progress: Progress<'_>,
    distance: impl Fn(usize, usize) -> f64 + Sync,
) -> Result<NeighbourLists> {
    let mut lists = NeighbourLists { k, rows: Vec::new(), distances: Vec::new() };
    for first in (0..queries).step_by(TOGETHER) {
        progress.step("neighbours", first as u64, queries as u64)?;
        let found: Vec<Vec<(f64, u32)>> = (first..queries.min(first + TOGETHER))
            .into_par_iter()
            .map(|q| {
                let own = excluded(self_matches, q);
                let others = (0..rows).filter(|row| Some(*row) != own);
                let mut all: Vec<(f64, u32)> = others.map(|row| (distance(q, row), row as u32)).collect();
                all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                all.truncate(k);
                all
            })
            .collect();
        for (distance, row) in found.into_iter().flatten() {
            lists.rows.push(row);
            lists.distances.push(distance);
        }
    }
    Ok(lists)
}

/// For each row of 0 and 1 the sums of its distances to the clusters' rows.
pub(in crate::backend) fn distance_sums(
    table: &BinaryMatrix,
    metric: BinaryMetric,
    labelings: &[Labeling<'_>],
    progress: Progress<'_>,
    sink: SumsSink<'_>,
) -> Result<()> {
    let slots: usize = labelings.iter().map(|labeling| labeling.k).sum();
    let rows = table.rows();
    for first in (0..rows).step_by(TOGETHER) {
        progress.step("silhouette", first as u64, rows as u64)?;
        let range = first..rows.min(first + TOGETHER);
        let sums: Vec<f64> = range
            .clone()
            .into_par_iter()
            .flat_map_iter(|q| {
                let mut sums = vec![0u64; slots];
                for row in 0..rows {
                    let both =
                        table.row(q).iter().zip(table.row(row)).map(|(a, b)| (a & b).count_ones()).sum();
                    let fraction = metric.fraction(table.features(), both, table.ones(q), table.ones(row));
                    let distance = units(fraction);
                    let mut before = 0;
                    for labeling in labelings {
                        sums[before + labeling.labels[row] as usize] += distance;
                        before += labeling.k;
                    }
                }
                sums.into_iter().map(user_sum)
            })
            .collect();
        sink(range, &sums)?;
    }
    Ok(())
}
