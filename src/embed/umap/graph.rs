//! The fuzzy graph of neighbours (McInnes, Healy and Melville, 2018, section 3.1).

use super::Params;
use super::draws::{Counter, Use};
use crate::backend::NeighbourLists;
use rayon::prelude::*;

/// A bisection ends when it is this near, as in umap-learn.
const NEAR: f64 = 1e-5;

/// A width is at least this share of the mean distance of the neighbours.
const LEAST_WIDTH: f64 = 1e-3;

/// A symmetric sparse matrix without a diagonal.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Graph {
    /// Where each row's entries begin, and at last how many there are.
    pub starts: Vec<usize>,
    /// The columns of the entries, ascending within a row.
    pub columns: Vec<u32>,
    /// How strongly the two belong together, above 0 and up to 1: the same bits in both directions.
    pub weights: Vec<f32>,
}

/// How far neighbours reach: the width `sigma` at which `sum exp(-max(0, d - rho) / sigma)` is the base 2 logarithm of `k`.
pub(super) fn width(distances: impl Iterator<Item = f64> + Clone, rho: f64, k: usize) -> f64 {
    let target = libm::log2(k as f64);
    // A start of the size of the distances makes the result one in any unit.
    let (sum, count) = distances.clone().fold((0.0, 0.0), |(sum, count), d| (sum + d, count + 1.0));
    let start = if sum > 0.0 { sum / count } else { 1.0 };
    let (mut low, mut high, mut middle) = (0.0, f64::INFINITY, start);
    for _ in 0..64 {
        let sum: f64 = distances.clone().map(|d| membership(d, rho, middle)).sum();
        if (sum - target).abs() < NEAR {
            break;
        }
        if sum > target {
            high = middle;
            middle = 0.5 * (low + high);
        } else {
            low = middle;
            middle = if high == f64::INFINITY { 2.0 * middle } else { 0.5 * (low + high) };
        }
    }
    middle
}

/// How strongly a neighbour at this distance belongs to a row.
pub(super) fn membership(distance: f64, rho: f64, sigma: f64) -> f64 {
    if distance <= rho || sigma == 0.0 { 1.0 } else { libm::exp(-((distance - rho) / sigma)) }
}

/// The distances of a query's neighbours that count.
fn counting<'a>(
    lists: &'a NeighbourLists,
    params: &'a Params,
    i: usize,
) -> impl Iterator<Item = (u32, f64)> + Clone + 'a {
    let own = i * lists.k..(i + 1) * lists.k;
    let pairs = lists.rows[own.clone()].iter().copied().zip(lists.distances[own].iter().copied());
    pairs.filter(|(_, d)| params.links(*d))
}

/// For each row the memberships of its neighbours, in the order of the lists; 0 for those that do not count. `n_neighbors`
/// counts the row itself.
fn memberships(lists: &NeighbourLists, params: &Params, n_neighbors: usize) -> Vec<f64> {
    let rows = lists.rows.len() / lists.k;
    let mean_of = |distances: &[f64]| distances.iter().sum::<f64>() / distances.len().max(1) as f64;
    let means: Vec<f64> = lists.distances.par_chunks(lists.k).map(mean_of).collect();
    let mean = mean_of(&means);
    let of_row = |i: usize| {
        let distances = counting(lists, params, i).map(|(_, d)| d);
        let rho = distances.clone().find(|d| *d > 0.0).unwrap_or(0.0);
        let least = LEAST_WIDTH * if rho > 0.0 { means[i] } else { mean };
        let sigma = width(distances, rho, n_neighbors).max(least);
        let own = &lists.distances[i * lists.k..(i + 1) * lists.k];
        own.iter().map(move |&d| if params.links(d) { membership(d, rho, sigma) } else { 0.0 })
    };
    (0..rows).into_par_iter().flat_map_iter(of_row).collect()
}

impl Graph {
    /// The union of the fuzzy sets of all rows: `p + q - p q`, where `p` and `q` are the memberships in the two directions.
    /// Edges so light that they would not pull once in `epochs` are left out.
    pub fn of(lists: &NeighbourLists, params: &Params, n_neighbors: usize, epochs: usize) -> Graph {
        let rows = lists.rows.len() / lists.k;
        let directed = memberships(lists, params, n_neighbors);
        // Each edge is put into both of its rows, as (column, membership of this row, membership of the other).
        let mut starts = vec![0usize; rows + 1];
        for (slot, &other) in lists.rows.iter().enumerate() {
            starts[slot / lists.k + 1] += 1;
            starts[other as usize + 1] += 1;
        }
        (0..rows).for_each(|i| starts[i + 1] += starts[i]);
        let mut next = starts.clone();
        let mut entries = vec![(0u32, 0f64, 0f64); starts[rows]];
        for (slot, (&other, &p)) in lists.rows.iter().zip(&directed).enumerate() {
            let (i, j) = (slot / lists.k, other as usize);
            entries[next[i]] = (other, p, 0.0);
            entries[next[j]] = (i as u32, 0.0, p);
            next[i] += 1;
            next[j] += 1;
        }
        let merged: Vec<Vec<(u32, f32)>> = (0..rows)
            .into_par_iter()
            .map(|i| {
                let mut own = entries[starts[i]..starts[i + 1]].to_vec();
                own.sort_unstable_by_key(|entry| entry.0);
                let both = |run: &[(u32, f64, f64)]| {
                    let (p, q) = run.iter().fold((0.0, 0.0), |(p, q), entry| (p + entry.1, q + entry.2));
                    (run[0].0, ((p + q) - p * q) as f32)
                };
                own.chunk_by(|a, b| a.0 == b.0).map(both).collect()
            })
            .collect();
        drop(entries);
        let heaviest = merged.iter().flatten().fold(0f32, |most, entry| most.max(entry.1));
        let least = heaviest / epochs as f32;
        let mut graph = Graph { starts: vec![0], columns: Vec::new(), weights: Vec::new() };
        for row in merged {
            for (column, weight) in row.into_iter().filter(|(_, w)| *w > 0.0 && *w >= least) {
                graph.columns.push(column);
                graph.weights.push(weight);
            }
            graph.starts.push(graph.columns.len());
        }
        graph
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The entries of a row.
    pub fn row(&self, i: usize) -> impl ExactSizeIterator<Item = (u32, f32)> + '_ {
        let own = self.starts[i]..self.starts[i + 1];
        self.columns[own.clone()].iter().copied().zip(self.weights[own].iter().copied())
    }

    /// The rows of each connected part, ascending; the parts in the order of their first rows.
    pub fn parts(&self) -> Vec<Vec<u32>> {
        let mut part = vec![u32::MAX; self.len()];
        let mut count = 0;
        let mut waiting = Vec::new();
        for first in 0..self.len() {
            if part[first] != u32::MAX {
                continue;
            }
            part[first] = count;
            waiting.push(first);
            while let Some(i) = waiting.pop() {
                for (other, _) in self.row(i) {
                    if part[other as usize] == u32::MAX {
                        part[other as usize] = count;
                        waiting.push(other as usize);
                    }
                }
            }
            count += 1;
        }
        let mut parts = vec![Vec::new(); count as usize];
        part.iter().zip(0u32..).for_each(|(&part, row)| parts[part as usize].push(row));
        parts
    }

    /// The graph of these rows alone, which are ascending and have no edges to others.
    pub fn part(&self, rows: &[u32]) -> Graph {
        let mut graph = Graph { starts: vec![0], columns: Vec::new(), weights: Vec::new() };
        for &i in rows {
            for (column, weight) in self.row(i as usize) {
                if let Ok(place) = rows.binary_search(&column) {
                    graph.columns.push(place as u32);
                    graph.weights.push(weight);
                }
            }
            graph.starts.push(graph.columns.len());
        }
        graph
    }
}

/// When each edge pulls: one of weight `w` in a share `w / w_max` of the epochs.
#[derive(Debug, Clone)]
pub(super) struct Firing {
    /// The share as a number of 32 bits.
    steps: Vec<u32>,
    /// A random number for each edge, the same in both directions.
    phases: Vec<u32>,
}

impl Firing {
    pub fn of(graph: &Graph, seed: u64) -> Firing {
        let heaviest = graph.weights.iter().fold(0f32, |most, w| most.max(*w));
        let draws = Counter::new(seed, Use::Phases);
        let steps = graph.weights.iter().map(|&w| step(w, heaviest)).collect();
        let phases = (0..graph.len()).into_par_iter().flat_map_iter(|i| {
            graph.row(i).map(move |(j, _)| {
                let (low, high) = (j.min(i as u32), j.max(i as u32));
                (draws.bits(u64::from(low) << 32 | u64::from(high)) >> 32) as u32
            })
        });
        Firing { steps, phases: phases.collect() }
    }

    /// Whether the edges in these slots pull in this epoch.
    #[inline(always)]
    pub fn of_slots(&self, slots: std::ops::Range<usize>, epoch: u32) -> impl Iterator<Item = bool> + '_ {
        let own = self.steps[slots.clone()].iter().zip(&self.phases[slots]);
        own.map(move |(&step, &phase)| fires(step, phase, epoch))
    }
}

/// The share of the heaviest weight that a weight has, as a number of 32 bits.
pub(super) fn step(weight: f32, heaviest: f32) -> u32 {
    // The conversion saturates, so the heaviest misses one epoch in 2^32 at most.
    (f64::from(weight) / f64::from(heaviest) * 4_294_967_296.0).round() as u32
}

/// Whether `epoch * step + phase` passes a multiple of 2^32 before the next epoch.
#[inline(always)]
pub(super) fn fires(step: u32, phase: u32, epoch: u32) -> bool {
    epoch.wrapping_mul(step).wrapping_add(phase).overflowing_add(step).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    /// tests/peers/umap.py makes it.
    #[derive(Deserialize)]
    struct Golden {
        k: usize,
        rows: Vec<Vec<f64>>,
        edges: Vec<(u32, u32, f64)>,
    }

    fn lists(rows: &[Vec<f64>], k: usize) -> NeighbourLists {
        let mut lists = NeighbourLists { k, rows: Vec::new(), distances: Vec::new() };
        for (i, row) in rows.iter().enumerate() {
            let distance =
                |other: &Vec<f64>| row.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
            let others = rows.iter().zip(0u32..).filter(|(_, j)| *j as usize != i);
            let mut all: Vec<(f64, u32)> = others.map(|(row, j)| (distance(row), j)).collect();
            all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            lists.rows.extend(all[..k].iter().map(|pair| pair.1));
            lists.distances.extend(all[..k].iter().map(|pair| pair.0));
        }
        lists
    }

    #[test]
    fn the_graph_is_umap_learns() {
        let golden: Golden = serde_json::from_str(include_str!("../../../tests/peers/umap.json")).unwrap();
        let lists = lists(&golden.rows, golden.k - 1);
        let graph = Graph::of(&lists, &Params::default(), golden.k, 1 << 24);
        let found: Vec<(u32, u32, f32)> =
            (0..graph.len()).flat_map(|i| graph.row(i).map(move |(j, w)| (i as u32, j, w))).collect();
        assert_eq!(found.len(), golden.edges.len());
        for ((i, j, w), (p, q, expected)) in found.into_iter().zip(golden.edges) {
            assert_eq!((i, j), (p, q));
            // Its bisection ends 1e-5 from the goal, in f32.
            assert!((f64::from(w) - expected).abs() < 1e-4, "{i} {j}: {w}, expected {expected}");
            let back = graph.row(j as usize).find(|entry| entry.0 == i).unwrap();
            assert_eq!(back.1.to_bits(), w.to_bits());
        }
        // Light edges are left out where there are few epochs.
        let few = Graph::of(&lists, &Params::default(), golden.k, 4);
        let heavy =
            graph.weights.iter().filter(|w| **w >= 0.25 * graph.weights.iter().fold(0.0, |m, w| w.max(m)));
        assert_eq!(few.weights.len(), heavy.count());
    }

    #[test]
    fn an_edge_fires_as_often_as_it_weighs() {
        for (weight, epochs) in [(1.0f32, 500u32), (0.5, 500), (0.013, 500), (0.3, 50_000)] {
            for phase in [0, 1, 1 << 31, u32::MAX] {
                let count = (0..epochs).filter(|&e| fires(step(weight, 1.0), phase, e)).count() as f64;
                let expected = f64::from(weight) * f64::from(epochs);
                assert!((count - expected).abs() <= 1.0, "{weight} {phase}: {count}, expected {expected}");
            }
        }
    }

    #[test]
    fn parts_are_what_edges_connect() {
        // 0 - 3 - 5, 1 - 2, 4
        let starts = vec![0, 1, 2, 3, 5, 5, 6];
        let graph = Graph { starts, columns: vec![3, 2, 1, 0, 5, 3], weights: vec![0.5; 6] };
        assert_eq!(graph.parts(), [vec![0, 3, 5], vec![1, 2], vec![4]]);
        let part = graph.part(&[0, 3, 5]);
        assert_eq!(part.starts, [0, 1, 3, 4]);
        assert_eq!(part.columns, [1, 0, 2, 1]);
    }
}
