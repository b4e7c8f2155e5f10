//! How many rows have each pair of labels.

use crate::error::{Error, Result};
use rayon::prelude::*;

/// The rows that have one label in `a` and one in `b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The label in `a`.
    pub a: u32,
    /// The label in `b`.
    pub b: u32,
    /// The number of rows, at least 1.
    pub count: u64,
}

/// How many rows have each pair of labels of two labellings, `a` and `b`. Rows that lack one of them are not counted.
///
/// Only pairs that occur are kept, so thousands of labels on either side take no more memory than the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contingency {
    /// By `a`, then by `b`; no count is 0.
    cells: Vec<Cell>,
    a_sums: Vec<u64>,
    b_sums: Vec<u64>,
    total: u64,
}

/// Weights may add up to this, so that every sum is a whole number that f64 can hold.
const MOST: u128 = 1 << 53;

impl Contingency {
    /// Counts the rows of two labellings with `shape.0` and `shape.1` labels. A label at or above its number of labels, and
    /// a row that only one of them has, is not counted.
    pub fn of(a: &[Option<u32>], b: &[Option<u32>], shape: (usize, usize)) -> Self {
        Self::count(shape, a.len().min(b.len()), |row| Some((a[row]?, b[row]?)))
    }

    /// Counts `rows` rows, of which `labels(row)` tells the two labels, in parallel.
    pub fn count(
        shape: (usize, usize),
        rows: usize,
        labels: impl Fn(usize) -> Option<(u32, u32)> + Sync,
    ) -> Self {
        let counted = |row| labels(row).map(|(a, b)| (a, b, 1));
        Self::sum(shape, rows, counted)
    }

    /// The same for rows that stand for several copies each: `labels(row)` tells the labels and the number of copies.
    ///
    /// # Errors
    /// More than 2^53 copies.
    pub fn weighted(
        shape: (usize, usize),
        rows: usize,
        labels: impl Fn(usize) -> Option<(u32, u32, u64)> + Sync,
    ) -> Result<Self> {
        let copies = |row| labels(row).map_or(0, |(_, _, copies)| u128::from(copies));
        if (0..rows).into_par_iter().map(copies).sum::<u128>() > MOST {
            return Err(Error::data("the weights add up to more than 2^53 rows, too many to be counted"));
        }
        Ok(Self::sum(shape, rows, labels))
    }

    fn sum(
        shape: (usize, usize),
        rows: usize,
        labels: impl Fn(usize) -> Option<(u32, u32, u64)> + Sync,
    ) -> Self {
        let (k_a, k_b) = shape;
        let labels = |row| labels(row).filter(|&(a, b, n)| (a as usize) < k_a && (b as usize) < k_b && n > 0);
        let parts = rayon::current_num_threads().min(rows.div_ceil(1 << 14)).max(1);
        let each = rows.div_ceil(parts);
        let part = |part: usize| part * each..rows.min((part + 1) * each);
        let cells = k_a.saturating_mul(k_b);
        // A count for each pair of labels takes less memory than an entry for each row, or little.
        if cells <= 1 << 16 || cells.saturating_mul(parts) <= 2 * rows {
            let counted = (0..parts).into_par_iter().map(|p| {
                let mut counts = vec![0u64; cells];
                for (a, b, n) in part(p).filter_map(labels) {
                    counts[a as usize * k_b + b as usize] += n;
                }
                counts
            });
            let counts = counted.reduce(
                || vec![0; cells],
                |mut all, some| {
                    all.iter_mut().zip(&some).for_each(|(all, some)| *all += some);
                    all
                },
            );
            let cell = |(i, &count): (usize, &u64)| {
                let (a, b) = ((i / k_b) as u32, (i % k_b) as u32);
                (count > 0).then_some(Cell { a, b, count })
            };
            return Self::from_sorted(shape, counts.iter().enumerate().filter_map(cell).collect());
        }
        let mut all: Vec<Cell> = (0..parts)
            .into_par_iter()
            .flat_map_iter(|p| part(p).filter_map(labels))
            .map(|(a, b, count)| Cell { a, b, count })
            .collect();
        all.par_sort_unstable_by_key(|cell| (cell.a, cell.b));
        all.dedup_by(|next, cell| {
            let same = (next.a, next.b) == (cell.a, cell.b);
            cell.count += if same { next.count } else { 0 };
            same
        });
        Self::from_sorted(shape, all)
    }

    fn from_sorted((k_a, k_b): (usize, usize), mut cells: Vec<Cell>) -> Self {
        cells.shrink_to_fit();
        let (mut a_sums, mut b_sums, mut total) = (vec![0; k_a], vec![0; k_b], 0);
        for cell in &cells {
            a_sums[cell.a as usize] += cell.count;
            b_sums[cell.b as usize] += cell.count;
            total += cell.count;
        }
        Contingency { cells, a_sums, b_sums, total }
    }

    /// The pairs of labels that occur, by their label in `a`, then by that in `b`.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// How many rows have each label in `a`, of those that have one in `b` too.
    pub fn a_sums(&self) -> &[u64] {
        &self.a_sums
    }

    /// How many rows have each label in `b`, of those that have one in `a` too.
    pub fn b_sums(&self) -> &[u64] {
        &self.b_sums
    }

    /// How many rows have a label in both.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many labels there are in `a` and in `b`.
    pub fn shape(&self) -> (usize, usize) {
        (self.a_sums.len(), self.b_sums.len())
    }

    /// How many rows have these two labels.
    pub fn get(&self, a: u32, b: u32) -> u64 {
        let found = self.cells.binary_search_by_key(&(a, b), |cell| (cell.a, cell.b));
        found.map_or(0, |place| self.cells[place].count)
    }

    /// All counts, by the label in `a` (outer) and in `b` (inner).
    pub fn to_rows(&self) -> Vec<Vec<u64>> {
        let mut rows = vec![vec![0; self.b_sums.len()]; self.a_sums.len()];
        self.cells.iter().for_each(|cell| rows[cell.a as usize][cell.b as usize] = cell.count);
        rows
    }

    /// The Jaccard index of a label of `a` and one of `b`: the rows that have both, divided by those that have at least one.
    /// 0 if there are none.
    pub fn jaccard(&self, a: u32, b: u32) -> f64 {
        let sum = |of: &[u64], label: u32| of.get(label as usize).copied().unwrap_or(0);
        let both = self.get(a, b);
        let either = sum(&self.a_sums, a) + sum(&self.b_sums, b) - both;
        if either == 0 { 0.0 } else { both as f64 / either as f64 }
    }
}
