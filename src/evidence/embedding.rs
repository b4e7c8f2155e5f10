//! How well few columns keep the neighbourhoods of a table: trustworthiness and continuity (Venna and Kaski, 2001), and how
//! many neighbours are the same.
//!
//! A row's neighbours in the table and in the layout are found by comparing it with every other row, and everything is
//! counted in whole numbers, so the results are the same bits on every machine and for any number of threads.

use crate::backend::BinaryMetric;
use crate::backend::cpu::InstructionSet;
use crate::backend::ranks::{Points, ranks, smallest};
use crate::error::{Error, Result};
use crate::matrix::{BinaryMatrix, Matrix};
use crate::progress::Progress;
use crate::random::{Draws, Purpose};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Up to so many rows, all are evaluated.
pub const EVERY_ROW: usize = 20_000;

/// Of more rows so many are drawn.
pub const SAMPLE: usize = 2_000;

/// Rows between two reports of progress.
const STEP: usize = 256;

/// The table that a layout was made of, and how its rows are compared.
#[derive(Clone, Copy)]
pub enum Space<'a> {
    /// By the Euclidean distance.
    Euclidean(&'a Matrix),
    /// By the share of answers that differ.
    Binary(&'a BinaryMatrix, BinaryMetric),
}

/// How well a layout keeps the neighbourhoods of a table. 1 is the best value of each of the three scores.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EmbeddingQuality {
    /// How many neighbours of a row count, the row itself not among them.
    pub neighbors: usize,
    /// How many rows the table has.
    pub rows: usize,
    /// Of how many rows the neighbourhoods were evaluated. Their ranks are exact among all rows of the table.
    pub evaluated: usize,
    /// Whether the neighbours in the layout are neighbours in the table. As in scikit-learn: 1 minus the sum of how far the
    /// neighbours in the layout lie beyond the `neighbors`-th rank in the table, as a share of the largest sum there could be.
    pub trustworthiness: f64,
    /// Whether the neighbours in the table are neighbours in the layout: the same with the two exchanged.
    pub continuity: f64,
    /// The mean share of a row's neighbours in the table that are also its neighbours in the layout.
    pub neighbourhood_preservation: f64,
}

/// Evaluates a layout. `embedding` holds its components, each with one value for each row of the table.
///
/// Neighbours and ranks are ordered by distance, and equal distances by the rows' numbers, in the table as in the layout. Of
/// more than [`EVERY_ROW`] rows, [`SAMPLE`] are drawn by `seed` and compared with all; the scores are then estimates.
///
/// # Errors
/// No components, or one of another length than the table; a value that is not finite; no neighbours, or not fewer than half
/// of the rows, for which the scores are not defined; [`Error::Interrupted`].
pub fn embedding_quality(
    space: Space<'_>,
    embedding: &[Vec<f64>],
    neighbors: usize,
    seed: u64,
    progress: Progress<'_>,
) -> Result<EmbeddingQuality> {
    let table = match space {
        Space::Euclidean(matrix) => Points::Rows(matrix),
        Space::Binary(table, metric) => Points::Binary(table, metric),
    };
    let rows = table.rows();
    if embedding.is_empty() || embedding.iter().any(|component| component.len() != rows) {
        return Err(Error::data(format!(
            "a layout of {rows} rows needs components with one value for each row"
        )));
    }
    if embedding.iter().flatten().any(|value| !value.is_finite()) {
        return Err(Error::data("a component of the layout has a value that is not finite"));
    }
    if neighbors == 0 || neighbors >= rows.div_ceil(2) {
        return Err(Error::data(format!(
            "{neighbors} neighbours in a table of {rows} rows: a layout is judged by at least one neighbour, and by \
             fewer than half of the rows"
        )));
    }
    let chosen = if rows <= EVERY_ROW {
        (0..rows).collect()
    } else {
        Draws::new(seed, Purpose::EmbeddingSample).at(0).sample(SAMPLE, rows)
    };
    let mut all = Counts::default();
    for (step, some) in chosen.chunks(STEP).enumerate() {
        progress.step("embedding quality", (step * STEP) as u64, chosen.len() as u64)?;
        let counts = some
            .par_iter()
            .map_init(
                || [vec![0.0; rows], vec![0.0; rows]],
                |buffers, &row| around_row(table, Points::Columns(embedding), row, neighbors, buffers),
            )
            .reduce(Counts::default, Counts::plus);
        all = all.plus(counts);
    }
    progress.step("embedding quality", chosen.len() as u64, chosen.len() as u64)?;
    let (k, n, evaluated) = (neighbors as u64, rows as u64, chosen.len() as u64);
    // The largest sum of ranks beyond k is evaluated * k * (2 n - 3 k - 1) / 2.
    let largest = (evaluated * k) as f64 * (2 * n - 3 * k - 1) as f64;
    Ok(EmbeddingQuality {
        neighbors,
        rows,
        evaluated: chosen.len(),
        trustworthiness: 1.0 - 2.0 * all.beyond_in_table as f64 / largest,
        continuity: 1.0 - 2.0 * all.beyond_in_layout as f64 / largest,
        neighbourhood_preservation: all.kept as f64 / (evaluated * k) as f64,
    })
}

/// What is counted.
#[derive(Clone, Copy, Default)]
struct Counts {
    /// How far the neighbours in the layout lie beyond the last rank that counts in the table.
    beyond_in_table: u64,
    /// The same for the neighbours in the table and the ranks in the layout.
    beyond_in_layout: u64,
    /// Neighbours in both.
    kept: u64,
}

impl Counts {
    fn plus(self, other: Counts) -> Counts {
        Counts {
            beyond_in_table: self.beyond_in_table + other.beyond_in_table,
            beyond_in_layout: self.beyond_in_layout + other.beyond_in_layout,
            kept: self.kept + other.kept,
        }
    }
}

/// Counts for one row. The buffers have a place for each row.
fn around_row(
    table: Points<'_>,
    layout: Points<'_>,
    row: usize,
    k: usize,
    [in_table, in_layout]: &mut [Vec<f64>; 2],
) -> Counts {
    let set = InstructionSet::default();
    table.distances_from(set, row, in_table);
    layout.distances_from(set, row, in_layout);
    let near =
        |distances: &[f64]| -> Vec<u32> { smallest(distances, k).iter().map(|&(_, row)| row).collect() };
    let (near_in_table, near_in_layout) = (near(in_table), near(in_layout));
    // Only neighbours that are not among the other ones have a rank beyond k.
    let lost = |of: &[u32], others: &[u32]| -> Vec<u32> {
        of.iter().copied().filter(|row| !others.contains(row)).collect()
    };
    let beyond = |distances: &[f64], rows: &[u32]| -> u64 {
        ranks(set, distances, rows).iter().map(|rank| rank - k as u64).sum()
    };
    let strangers = lost(&near_in_layout, &near_in_table);
    let missing = lost(&near_in_table, &near_in_layout);
    Counts {
        beyond_in_table: beyond(in_table, &strangers),
        beyond_in_layout: beyond(in_layout, &missing),
        kept: (k - missing.len()) as u64,
    }
}
