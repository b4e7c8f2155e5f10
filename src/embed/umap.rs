//! UMAP (McInnes, Healy and Melville, 2018): few columns in which near rows stay near.
//!
//! The graph of neighbours is exact, and the layout is that of the distinct rows: a row that occurs twice is one point. Each
//! epoch moves all points at once, each by forces that depend on the seed, the epoch and the edge alone, so the layout is the
//! same bits on every device and for any number of threads. Powers are products of square roots, because `pow` differs
//! between machines.
//!
//! Beside the table itself, a fit takes about 80 bytes for each neighbour of each distinct row (1.2 kB a row with 15 neighbours):
//! the graph is as long as the lists of neighbours, and nothing is as large as the square of the rows.

mod curve;
mod draws;
mod eigen;
mod forces;
mod graph;
mod layout;
mod pca;
mod place;
mod rows;
mod spectral;
mod start;
mod text;

use crate::backend::{Backend, MOST_NEIGHBOURS};
use crate::error::{Error, Result};
use crate::evidence::embedding::EmbeddingQuality;
use crate::progress::Progress;
use curve::Curve;
use draws::{Counter, Use};
use forces::Forces;
use graph::Graph;
use place::Placing;
use rayon::prelude::*;
use rows::PackedRows;
use serde::{Deserialize, Serialize};

/// The fewest distinct rows that can be laid out.
pub const FEWEST_ROWS: usize = 3;

/// The most neighbours that can count, the row itself among them.
pub const MOST_NEIGHBORS: usize = MOST_NEIGHBOURS + 1;

/// The most components that a layout can have.
pub const MOST_COMPONENTS: usize = 64;

/// The most rows whose edges a number of 32 bits can count.
const MOST_ROWS: usize = u32::MAX as usize / (2 * MOST_NEIGHBORS);

/// The most passes that a layout can take.
pub const MOST_EPOCHS: usize = 100_000;

/// A layout of up to so many rows takes 500 passes unless a number is given, and one of more takes 200.
const FEW_ROWS: usize = 10_000;

/// No coordinate of a layout is further out: a step is at most 4 long, and steps become shorter.
const FURTHEST: f32 = 1e6;

/// How rows are compared before they are laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UmapMetric {
    /// `sqrt(sum (x - y)^2)`.
    #[default]
    Euclidean,
    /// For features of 0 and 1: the share that two rows do not have in common of the features that at least one of them has.
    Jaccard,
}

/// Where the layout begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UmapInit {
    /// At the eigenvectors of the neighbour graph.
    #[default]
    Spectral,
    /// At the principal components.
    Pca,
}

/// The parameters of UMAP, with umap-learn's names and defaults.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// How many columns come out, up to [`MOST_COMPONENTS`].
    pub n_components: usize,
    /// How many neighbours of a row count, the row itself among them as in umap-learn: from 2 to [`MOST_NEIGHBORS`]. Where
    /// there are no more distinct rows than that, one less than there are rows count.
    pub n_neighbors: usize,
    /// How close rows may come in the layout, from 0 to 1.
    pub min_dist: f64,
    /// How rows are compared.
    pub metric: UmapMetric,
    /// How many passes the layout takes, up to [`MOST_EPOCHS`]; `None`: 500 up to 10,000 distinct rows, else 200.
    pub n_epochs: Option<usize>,
    /// Where the layout begins.
    pub init: UmapInit,
    /// The seed of its random draws.
    pub seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        Params {
            n_components: 2,
            n_neighbors: 15,
            min_dist: 0.1,
            metric: UmapMetric::Euclidean,
            n_epochs: None,
            init: UmapInit::Spectral,
            seed: 0,
        }
    }
}

impl Params {
    /// # Errors
    /// [`Error::Usage`] that names the first parameter that is out of its range.
    pub fn check(&self) -> Result<()> {
        let in_range = |name: &str, value: usize, from: usize, to: usize| {
            if (from..=to).contains(&value) {
                return Ok(());
            }
            Err(Error::Usage(format!("{name}: expected a number from {from} to {to}, found {value}")))
        };
        in_range("n_components", self.n_components, 1, MOST_COMPONENTS)?;
        in_range("n_neighbors", self.n_neighbors, 2, MOST_NEIGHBORS)?;
        in_range("n_epochs", self.n_epochs.unwrap_or(1), 1, MOST_EPOCHS)?;
        if !(0.0..=1.0).contains(&self.min_dist) {
            return Err(Error::Usage(format!(
                "min_dist: expected a number from 0 to 1, found {}",
                self.min_dist
            )));
        }
        Ok(())
    }

    /// About how many bytes it takes to lay out a table of this many rows and features, of which so many rows are distinct.
    pub fn bytes(&self, rows: usize, features: usize, distinct: usize) -> u64 {
        let product = |a: usize, b: usize| (a as u64).saturating_mul(b as u64);
        // The columns and their packed rows; of a distinct row its packed copy, its edges in both directions, and what Adam
        // remembers.
        let packed = 4 * rows::width(self.metric, features);
        let of_row = packed + 80 * self.n_neighbors + 40 * self.n_components;
        product(rows, 4 * features + packed + 16).saturating_add(product(distinct, of_row))
    }

    /// How many passes a layout of so many rows takes.
    fn epochs(&self, rows: usize) -> usize {
        self.n_epochs.unwrap_or(if rows <= FEW_ROWS { 500 } else { 200 })
    }
}

/// A layout of the distinct rows of a table, and what it takes to add new rows to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Umap {
    /// The parameters of the fit.
    pub params: Params,
    /// How many neighbours of a row counted, the row itself among them: fewer than asked for where there were too few rows.
    pub n_neighbors: usize,
    /// How many distinct rows were laid out.
    pub rows: usize,
    /// How many parts the graph of neighbours has that no edge connects.
    pub parts: usize,
    /// How well the layout keeps the neighbourhoods of the distinct rows.
    pub quality: EmbeddingQuality,
    /// The constant `a` of the curve `1 / (1 + a d^2b)`.
    pub a: f64,
    /// The constant `b` of the curve, a multiple of an eighth.
    pub b: f64,
    /// The names of the features.
    names: Vec<String>,
    /// The distinct rows, in the order in which they first occur: for each the bits of its values as f32, or the bits of its
    /// answers, 32 to a word.
    #[serde(with = "text::words")]
    training: Vec<u32>,
    /// The coordinates of the distinct rows, those of one row after the other.
    #[serde(with = "text::floats")]
    embedding: Vec<f32>,
}

impl Umap {
    /// Lays out the distinct rows of a table. `columns` holds the features, each with one value a row, and `names` their names.
    /// How often a row occurs makes no difference.
    ///
    /// # Errors
    /// Values that the metric cannot compare; too few distinct rows; a device that failed; [`Error::Interrupted`].
    pub fn fit(
        names: &[String],
        columns: &[Vec<f32>],
        params: &Params,
        backend: &dyn Backend,
        progress: Progress<'_>,
    ) -> Result<Umap> {
        params.check()?;
        let all = PackedRows::of(params.metric, names, columns)?;
        if all.len() > MOST_ROWS {
            return Err(Error::data(format!("{} rows are too many to lay out", all.len())));
        }
        let distinct = all.distinct();
        if distinct.len() < FEWEST_ROWS {
            let (found, all) = (distinct.len(), all.len());
            return Err(Error::data(format!(
                "a layout needs at least {FEWEST_ROWS} distinct rows, found {found} among {all} rows"
            )));
        }
        let rows = all.select(&distinct);
        drop(all);
        let n_neighbors = params.n_neighbors.min(rows.len() - 1);
        let lists = rows.neighbours(names, n_neighbors - 1, backend, progress)?;
        let epochs = params.epochs(rows.len());
        let graph = Graph::of(&lists, params, n_neighbors, epochs);
        drop(lists);
        let parts = graph.parts();
        let start = start::start(&rows, &graph, &parts, params, progress)?;
        let curve = Curve::fit(params.min_dist);
        let shape = (params.n_components, epochs);
        let embedding = layout::lay_out(&graph, start, shape, curve, params.seed, progress)?;
        drop(graph);
        // The scores are defined for less than half of the rows.
        let judged = n_neighbors.min(rows.len().div_ceil(2) - 1);
        let components: Vec<Vec<f64>> = (0..params.n_components)
            .map(|k| embedding.iter().skip(k).step_by(params.n_components).map(|&v| f64::from(v)).collect())
            .collect();
        let quality = rows.quality(names, &components, judged, params.seed, progress)?;
        Ok(Umap {
            params: *params,
            n_neighbors,
            rows: rows.len(),
            parts: parts.len(),
            quality,
            a: curve.a,
            b: curve.b(),
            names: names.to_vec(),
            training: rows.words,
            embedding,
        })
    }

    /// How many of a table's rows are distinct, as [`Umap::fit`] counts them.
    ///
    /// # Errors
    /// Values that the metric cannot compare.
    pub fn distinct_rows(names: &[String], columns: &[Vec<f32>], metric: UmapMetric) -> Result<usize> {
        Ok(PackedRows::of(metric, names, columns)?.distinct().len())
    }

    /// The coordinates of rows, one vector for each component. A row that equals one of the fit gets the coordinates that it has in the
    /// layout. Any other is placed among its nearest rows of the fit, without moving them, and its place depends on no other
    /// new row. A row that shares no answer with any of the fit, under the metric of Jaccard, comes to the middle of the layout.
    ///
    /// # Errors
    /// As [`Umap::fit`].
    pub fn project(
        &self,
        columns: &[Vec<f32>],
        backend: &dyn Backend,
        progress: Progress<'_>,
    ) -> Result<Vec<Vec<f64>>> {
        let asked = PackedRows::of(self.params.metric, &self.names, columns)?;
        let dims = self.params.n_components;
        let training = self.training();
        let first = asked.first_equal();
        let mut known = training.find(&asked);
        let new: Vec<u32> = (0u32..)
            .zip(&first)
            .filter(|(i, f)| i == *f && known[*i as usize].is_none())
            .map(|(i, _)| i)
            .collect();
        let placed = self.place(&training, &asked.select(&new), backend, progress)?;
        // New rows get numbers after those of the fit.
        for (&i, number) in new.iter().zip(training.len() as u32..) {
            known[i as usize] = Some(number);
        }
        let coordinate = |i: usize, k: usize| {
            let number = known[first[i] as usize].map_or(0, |number| number as usize);
            let own = self.embedding.get(number * dims + k);
            let own = own.or_else(|| placed.get((number * dims + k).saturating_sub(self.embedding.len())));
            f64::from(own.copied().unwrap_or(0.0))
        };
        Ok((0..dims).map(|k| (0..asked.len()).map(|i| coordinate(i, k)).collect()).collect())
    }

    /// The coordinates of rows that are not rows of the fit, those of one row after the other.
    fn place(
        &self,
        training: &PackedRows,
        new: &PackedRows,
        backend: &dyn Backend,
        progress: Progress<'_>,
    ) -> Result<Vec<f32>> {
        let count = new.len();
        let curve = Curve::of(self.a, self.b);
        let (Some(curve), true) = (curve, count > 0) else { return Ok(Vec::new()) };
        let k = self.params.n_neighbors.min(training.len()).min(MOST_NEIGHBOURS);
        let lists = training.nearest_of(&self.names, new, k, backend, progress)?;
        let dims = self.params.n_components;
        let epochs = match self.params.n_epochs {
            Some(epochs) => (epochs / 3).max(1),
            None if training.len() <= FEW_ROWS => 100,
            None => 30,
        };
        let placing = Placing {
            embedding: &self.embedding,
            dims,
            forces: Forces::of(curve),
            epochs: epochs as u32,
            draws: Counter::new(self.params.seed, Use::NewRows),
        };
        let middle: Vec<f32> = (0..dims)
            .map(|k| {
                let sum: f64 = self.embedding.iter().skip(k).step_by(dims).map(|&v| f64::from(v)).sum();
                (sum / training.len() as f64) as f32
            })
            .collect();
        let mut out = vec![0f32; count * dims];
        for (block, out) in out.chunks_mut(4096 * dims).enumerate() {
            progress.step("umap", (block * 4096) as u64, count as u64)?;
            out.par_chunks_mut(dims).enumerate().for_each(|(q, out)| {
                let neighbours: Vec<(u32, f64)> =
                    lists.of(block * 4096 + q).filter(|(_, d)| self.params.links(*d)).collect();
                if neighbours.is_empty() {
                    out.copy_from_slice(&middle);
                } else {
                    out.copy_from_slice(&placing.place(&neighbours));
                }
            });
        }
        progress.step("umap", count as u64, count as u64)?;
        Ok(out)
    }

    fn training(&self) -> PackedRows {
        PackedRows { metric: self.params.metric, features: self.names.len(), words: self.training.clone() }
    }

    /// Whether its numbers make sense for this number of features. They come from a model file, which someone may have
    /// edited by hand.
    pub(crate) fn is_sound(&self, features: usize) -> bool {
        let fits = |words: usize, each: usize| self.rows.checked_mul(each) == Some(words);
        features > 0
            && self.names.len() == features
            && self.params.check().is_ok()
            && Curve::of(self.a, self.b).is_some()
            && (FEWEST_ROWS..=MOST_ROWS).contains(&self.rows)
            && (2..=self.params.n_neighbors).contains(&self.n_neighbors)
            && (1..=self.rows).contains(&self.parts)
            && fits(self.training.len(), rows::width(self.params.metric, features))
            && fits(self.embedding.len(), self.params.n_components)
            && self.embedding.iter().all(|v| v.abs() <= FURTHEST)
            && [
                self.quality.trustworthiness,
                self.quality.continuity,
                self.quality.neighbourhood_preservation,
            ]
            .iter()
            .all(|score| score.is_finite())
            && self.training().is_sound()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::cpu::Cpu;

    fn fitted(metric: UmapMetric) -> Umap {
        let columns: Vec<Vec<f32>> = match metric {
            UmapMetric::Euclidean => {
                (0..3).map(|j| (0..60).map(|i| (i * (j + 3) + i * i % 7) as f32).collect()).collect()
            }
            // Answers of six bits of the row's number.
            UmapMetric::Jaccard => (0..6).map(|j| (0..60).map(|i| (i >> j & 1) as f32).collect()).collect(),
        };
        let names: Vec<String> = (0..columns.len()).map(|j| format!("f{j}")).collect();
        let params = Params { metric, n_epochs: Some(5), n_neighbors: 5, ..Params::default() };
        Umap::fit(&names, &columns, &params, &Cpu::default(), Progress::none()).unwrap()
    }

    #[test]
    fn a_saved_layout_is_the_same_again() {
        for (metric, features) in [(UmapMetric::Euclidean, 3), (UmapMetric::Jaccard, 6)] {
            let umap = fitted(metric);
            assert!(umap.is_sound(features) && !umap.is_sound(features + 1));
            let text = serde_json::to_string(&umap).unwrap();
            let again: Umap = serde_json::from_str(&text).unwrap();
            assert_eq!(again, umap);
        }
    }

    #[test]
    fn edited_layouts_are_not_sound() {
        let edits: [fn(&mut Umap); 18] = [
            |u| u.params.n_components = 3,
            |u| u.params.n_components = 0,
            |u| u.params.n_components = usize::MAX,
            |u| u.params.n_neighbors = 0,
            |u| u.params.min_dist = f64::NAN,
            |u| u.params.n_epochs = Some(0),
            |u| u.n_neighbors = 1,
            |u| u.n_neighbors = 70,
            |u| u.rows = usize::MAX,
            |u| u.rows -= 1,
            |u| u.parts = 0,
            |u| u.a = f64::INFINITY,
            |u| u.b = 0.8,
            |u| u.names.push("more".into()),
            |u| u.training.truncate(1),
            |u| u.training[0] = f32::NAN.to_bits(),
            |u| u.embedding[0] = f32::NAN,
            |u| u.embedding[1] = 1e30,
        ];
        for metric in [UmapMetric::Euclidean, UmapMetric::Jaccard] {
            for (number, edit) in edits.iter().enumerate() {
                let mut umap = fitted(metric);
                let features = umap.names.len();
                edit(&mut umap);
                assert!(!umap.is_sound(features), "{metric:?}, edit {number}");
            }
        }
    }
}
