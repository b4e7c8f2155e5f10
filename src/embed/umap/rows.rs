//! The distinct rows of a table, as words that are compared and saved.

use super::{Params, UmapMetric};
use crate::backend::{Backend, BinaryMetric, NeighbourLists, SelfMatches};
use crate::dataset::Dataset;
use crate::error::{Error, Place, Result};
use crate::evidence::embedding::{EmbeddingQuality, Space, embedding_quality};
use crate::matrix::{BinaryMatrix, Matrix};
use crate::progress::Progress;
use rayon::prelude::*;

/// Rows side by side, each as words: the bits of its values as f32, or 32 answers of 0 and 1 in a word.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PackedRows {
    pub metric: UmapMetric,
    pub features: usize,
    pub words: Vec<u32>,
}

/// How many words a row takes.
pub(super) fn width(metric: UmapMetric, features: usize) -> usize {
    match metric {
        UmapMetric::Euclidean => features,
        UmapMetric::Jaccard => features.div_ceil(32),
    }
}

impl PackedRows {
    /// All rows of a table.
    pub fn of(metric: UmapMetric, names: &[String], columns: &[Vec<f32>]) -> Result<Self> {
        let features = columns.len();
        if metric == UmapMetric::Jaccard {
            let packed = BinaryMatrix::from_columns(names, columns)?;
            return Ok(PackedRows { metric, features, words: packed.words().to_vec() });
        }
        let rows = columns.first().map_or(0, Vec::len);
        if features == 0 || names.len() != features || columns.iter().any(|column| column.len() != rows) {
            return Err(Error::data("a layout needs named columns of equal length"));
        }
        let infinite = |j: usize| columns[j].iter().position(|v| !v.is_finite()).map(|i| (i, j));
        if let Some((i, j)) = (0..features).into_par_iter().find_map_first(infinite) {
            let what = format!("row {}: {} is not a finite number", i + 1, columns[j][i]);
            return Err(Error::at(Place::default().column(names[j].as_str()), what));
        }
        let mut words = vec![0u32; rows * features];
        words.par_chunks_mut(features).enumerate().for_each(|(i, row)| {
            for (word, column) in row.iter_mut().zip(columns) {
                // Adding zero makes -0.0 and 0.0 one value.
                *word = (column[i] + 0.0).to_bits();
            }
        });
        Ok(PackedRows { metric, features, words })
    }

    pub fn width(&self) -> usize {
        width(self.metric, self.features)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.words.len() / self.width().max(1)
    }

    pub fn row(&self, i: usize) -> &[u32] {
        &self.words[i * self.width()..][..self.width()]
    }

    /// The rows of these numbers.
    pub fn select(&self, rows: &[u32]) -> PackedRows {
        let words = rows.iter().flat_map(|&i| self.row(i as usize)).copied().collect();
        PackedRows { words, ..*self }
    }

    /// The value of feature `j` of row `i`.
    pub fn value(&self, i: usize, j: usize) -> f32 {
        match self.metric {
            UmapMetric::Euclidean => f32::from_bits(self.row(i)[j]),
            UmapMetric::Jaccard => (self.row(i)[j / 32] >> (j % 32) & 1) as f32,
        }
    }

    /// The rows' numbers sorted by a hash of the row, so that equal rows are near each other.
    fn by_hash(&self) -> Vec<(u64, u32)> {
        let mut keys: Vec<(u64, u32)> =
            (0..self.len()).into_par_iter().map(|i| (hash(self.row(i)), i as u32)).collect();
        keys.par_sort_unstable();
        keys
    }

    /// For each row the number of the first row that equals it.
    pub fn first_equal(&self) -> Vec<u32> {
        let mut first: Vec<u32> = (0..self.len() as u32).collect();
        for run in self.by_hash().chunk_by(|a, b| a.0 == b.0) {
            let mut seen: Vec<u32> = Vec::new();
            for &(_, i) in run {
                match seen.iter().find(|other| self.row(**other as usize) == self.row(i as usize)) {
                    Some(&other) => first[i as usize] = other,
                    None => seen.push(i),
                }
            }
        }
        first
    }

    /// The rows that no earlier row equals, in order.
    pub fn distinct(&self) -> Vec<u32> {
        let first = self.first_equal();
        (0..).zip(&first).filter(|(i, first)| i == *first).map(|(i, _)| i).collect()
    }

    /// For each row of `others` the first row of this table that equals it.
    pub fn find(&self, others: &PackedRows) -> Vec<Option<u32>> {
        let keys = self.by_hash();
        let find = |i: usize| {
            let own = hash(others.row(i));
            let from = keys.partition_point(|key| key.0 < own);
            let equal = |key: &&(u64, u32)| self.row(key.1 as usize) == others.row(i);
            keys[from..].iter().take_while(|key| key.0 == own).find(equal).map(|key| key.1)
        };
        (0..others.len()).into_par_iter().map(find).collect()
    }

    /// For each of these rows its `k` nearest others.
    pub fn neighbours(
        &self,
        names: &[String],
        k: usize,
        backend: &dyn Backend,
        progress: Progress<'_>,
    ) -> Result<NeighbourLists> {
        let own: Vec<u32> = (0..self.len() as u32).collect();
        let others = SelfMatches::Exclude(&own);
        match self.metric {
            UmapMetric::Euclidean => {
                let matrix = self.matrix(names)?;
                Dataset::load(backend, &matrix)?.knn(&matrix, others, k, progress)
            }
            UmapMetric::Jaccard => {
                let table = self.binary()?;
                backend.load_binary(&table)?.knn(&table, others, BinaryMetric::Jaccard, k, progress)
            }
        }
    }

    /// For each row of `others` its `k` nearest rows of this table.
    pub fn nearest_of(
        &self,
        names: &[String],
        others: &PackedRows,
        k: usize,
        backend: &dyn Backend,
        progress: Progress<'_>,
    ) -> Result<NeighbourLists> {
        match self.metric {
            UmapMetric::Euclidean => {
                let matrix = self.matrix(names)?;
                // Further out than that, a row would overflow; where its nearest rows lie hardly changes any more.
                let most = matrix.to_user(f64::from(matrix.max_abs_centroid()) / 2.0);
                let queries =
                    matrix.beside(others.len(), |i, j| f64::from(others.value(i, j)).clamp(-most, most));
                Dataset::load(backend, &matrix)?.knn(&queries, SelfMatches::Include, k, progress)
            }
            UmapMetric::Jaccard => {
                let (table, queries) = (self.binary()?, others.binary()?);
                let resident = backend.load_binary(&table)?;
                resident.knn(&queries, SelfMatches::Include, BinaryMetric::Jaccard, k, progress)
            }
        }
    }

    /// How well a layout keeps the neighbourhoods of these rows.
    pub fn quality(
        &self,
        names: &[String],
        components: &[Vec<f64>],
        neighbors: usize,
        seed: u64,
        progress: Progress<'_>,
    ) -> Result<EmbeddingQuality> {
        match self.metric {
            UmapMetric::Euclidean => {
                let matrix = self.matrix(names)?;
                embedding_quality(Space::Euclidean(&matrix), components, neighbors, seed, progress)
            }
            UmapMetric::Jaccard => {
                let table = self.binary()?;
                let space = Space::Binary(&table, BinaryMetric::Jaccard);
                embedding_quality(space, components, neighbors, seed, progress)
            }
        }
    }

    fn matrix(&self, names: &[String]) -> Result<Matrix> {
        let column = |j: usize| (0..self.len()).map(|i| self.value(i, j)).collect();
        Matrix::from_columns(names.to_vec(), (0..self.features).into_par_iter().map(column).collect())
    }

    fn binary(&self) -> Result<BinaryMatrix> {
        BinaryMatrix::from_words(self.len(), self.features, self.words.clone())
    }

    /// Whether these are rows of finite values, or of 0 and 1.
    pub fn is_sound(&self) -> bool {
        match self.metric {
            UmapMetric::Euclidean => {
                self.words.len().is_multiple_of(self.features)
                    && self.words.iter().all(|&word| f32::from_bits(word).is_finite())
            }
            UmapMetric::Jaccard => self.words.len().is_multiple_of(self.width()) && self.binary().is_ok(),
        }
    }
}

impl Params {
    /// Whether rows at this distance are neighbours at all: rows that share no answer are as far apart as rows can be.
    pub(super) fn links(&self, distance: f64) -> bool {
        self.metric != UmapMetric::Jaccard || distance < 1.0
    }
}

/// A hash of a row's words.
fn hash(row: &[u32]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let all = row.iter().fold(0u64, |h, &word| (h.rotate_left(29) ^ u64::from(word)).wrapping_mul(FACTOR));
    (all ^ all >> 29).wrapping_mul(FACTOR)
}
