//! The eigenvectors of a graph's normalised Laplacian that vary least over its edges (Ng, Jordan and Weiss, 2002).

use super::draws::Counter;
use super::eigen::{Effort, Operator, SIDE, Vectors, eigenvectors, with_fixed_sign};
use super::graph::Graph;
use crate::error::Result;
use crate::linear::symmetric_eigen;
use crate::matrix::BLOCK;
use crate::progress::Progress;
use rayon::prelude::*;

/// Graphs of up to so many rows are done whole.
const SMALL: usize = 48;

/// A start needs no more.
const EFFORT: Effort = Effort { degree: 16, rounds: 20, tolerance: 1e-4 };

/// `D^-1/2 W D^-1/2`, whose largest eigenvalue is 1.
struct Adjacency<'a> {
    graph: &'a Graph,
    /// The entries of the matrix, in the order of the graph's.
    values: Vec<f64>,
    /// The eigenvector of the eigenvalue 1.
    first: Vec<f64>,
}

impl<'a> Adjacency<'a> {
    fn of(graph: &'a Graph) -> Self {
        let degree = |i: usize| graph.row(i).map(|(_, w)| f64::from(w)).sum::<f64>();
        let degrees: Vec<f64> = (0..graph.len()).into_par_iter().map(degree).collect();
        let total: f64 = degrees.iter().sum();
        let entries = |i: usize| {
            let degrees = &degrees;
            graph.row(i).map(move |(j, w)| f64::from(w) / (degrees[i] * degrees[j as usize]).sqrt())
        };
        let values = (0..graph.len()).into_par_iter().flat_map_iter(entries).collect();
        Adjacency { graph, values, first: degrees.iter().map(|d| (d / total).sqrt()).collect() }
    }
}

impl Operator for Adjacency<'_> {
    fn len(&self) -> usize {
        self.graph.len()
    }

    fn lower(&self) -> f64 {
        -1.0
    }

    fn apply(&self, x: &Vectors) -> Vectors {
        let mut out = Vectors::zeros(self.len(), x.wide);
        out.values.par_chunks_mut(x.wide).enumerate().with_min_len(256).for_each(|(i, out)| {
            let own = self.graph.starts[i]..self.graph.starts[i + 1];
            for (&j, &value) in self.graph.columns[own.clone()].iter().zip(&self.values[own]) {
                for (out, x) in out.iter_mut().zip(x.at(j as usize)) {
                    for (out, x) in out.iter_mut().zip(x) {
                        *out += value * x;
                    }
                }
            }
        });
        out
    }

    fn deflate(&self, x: &mut Vectors) {
        let wide = x.wide;
        let shares: Vec<Vec<f64>> = (x.values.par_chunks(BLOCK * wide).zip(self.first.par_chunks(BLOCK)))
            .map(|(block, first)| {
                let mut sums = vec![0.0; wide * SIDE];
                for (values, first) in block.chunks_exact(wide).zip(first) {
                    sums.iter_mut().zip(values.as_flattened()).for_each(|(sum, v)| *sum += v * first);
                }
                sums
            })
            .collect();
        let mut share = vec![0.0; wide * SIDE];
        for sums in shares {
            share.iter_mut().zip(sums).for_each(|(share, sum)| *share += sum);
        }
        x.values.par_chunks_mut(wide).zip(&self.first).with_min_len(512).for_each(|(values, first)| {
            values.as_flattened_mut().iter_mut().zip(&share).for_each(|(v, share)| *v -= share * first);
        });
    }
}

/// The first `count` of the vectors, or as many as a connected graph of so few rows has.
pub(super) fn layout(
    graph: &Graph,
    count: usize,
    draws: Counter,
    progress: Progress<'_>,
) -> Result<Vec<Vec<f64>>> {
    let rows = graph.len();
    let adjacency = Adjacency::of(graph);
    if rows > SMALL.max(count + 2 * SIDE) {
        return eigenvectors(&adjacency, count, draws, EFFORT, progress);
    }
    let mut whole = vec![0.0; rows * rows];
    for i in 0..rows {
        let own = graph.starts[i]..graph.starts[i + 1];
        for (&j, &value) in graph.columns[own.clone()].iter().zip(&adjacency.values[own]) {
            whole[i * rows + j as usize] = value;
        }
    }
    let vectors = symmetric_eigen(whole, rows).vectors;
    Ok(vectors.chunks_exact(rows).skip(1).take(count).map(|v| with_fixed_sign(v.to_vec())).collect())
}

#[cfg(test)]
mod tests {
    use super::super::draws::Use;
    use super::*;

    /// A ring of rows, some of which know rows across it.
    fn ring(rows: usize) -> Graph {
        let mut weights = vec![std::collections::BTreeMap::new(); rows];
        let mut edge = |i: usize, j: usize, w: f32| {
            weights[i].insert(j as u32, w);
            weights[j].insert(i as u32, w);
        };
        for i in 0..rows {
            edge(i, (i + 1) % rows, 1.0);
            edge(i, (i + 2) % rows, 0.25 + 0.5 * (i * 7 % 11) as f32 / 11.0);
            if i % 60 == 0 {
                edge(i, (i + rows / 3) % rows, 0.4);
            }
        }
        let mut graph = Graph { starts: vec![0], columns: Vec::new(), weights: Vec::new() };
        for row in weights {
            graph.columns.extend(row.keys());
            graph.weights.extend(row.values());
            graph.starts.push(graph.columns.len());
        }
        graph
    }

    /// Jacobi's method on the whole matrix tells the eigenvalues.
    #[test]
    fn the_vectors_have_the_largest_eigenvalues() {
        for (rows, count) in [(300, 2), (300, 8), (400, 13), (40, 3)] {
            let graph = ring(rows);
            let mut whole = vec![0.0; rows * rows];
            let degree = |i: usize| graph.row(i).map(|e| f64::from(e.1)).sum::<f64>();
            for i in 0..rows {
                for (j, w) in graph.row(i) {
                    whole[i * rows + j as usize] = f64::from(w) / (degree(i) * degree(j as usize)).sqrt();
                }
            }
            let exact = symmetric_eigen(whole.clone(), rows).values;
            let found = layout(&graph, count, Counter::new(0, Use::Vectors), Progress::none()).unwrap();
            assert_eq!(found.len(), count);
            for (k, vector) in found.iter().enumerate() {
                let image = |i: usize| (0..rows).map(|j| whole[i * rows + j] * vector[j]).sum::<f64>();
                let length: f64 = vector.iter().map(|v| v * v).sum();
                let value: f64 = (0..rows).map(|i| image(i) * vector[i]).sum();
                assert!((length - 1.0).abs() < 1e-9, "{rows}, {k}: length {length}");
                assert!(
                    (value - exact[k + 1]).abs() < 1e-6,
                    "{rows}, {k}: {value}, expected {}",
                    exact[k + 1]
                );
                for other in &found[..k] {
                    let product: f64 = vector.iter().zip(other).map(|(a, b)| a * b).sum();
                    assert!(product.abs() < 1e-9, "{rows}, {k}: {product}");
                }
            }
        }
    }

    #[test]
    fn graphs_of_few_rows_have_few_vectors() {
        let pair = Graph { starts: vec![0, 1, 2], columns: vec![1, 0], weights: vec![1.0; 2] };
        let found = layout(&pair, 4, Counter::new(0, Use::Vectors), Progress::none()).unwrap();
        assert_eq!(found.len(), 1);
        assert!((found[0][0] + found[0][1]).abs() < 1e-12, "{:?}", found[0]);
    }
}
