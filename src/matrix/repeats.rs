//! Which rows of a table are equal.
//!
//! Algorithms learn from each distinct row once, with the weight of all its copies. That is the same as learning from all
//! rows, because a weight is a number of copies, and it makes the result independent of how copies are written down:
//! as equal rows, or as one row with a weight.

use super::{Matrix, TILE};
use crate::weights::MOST_STEPS;
use rayon::prelude::*;
use std::borrow::Cow;

/// Marks a row that is not a copy of any distinct row: it has weight 0 and equals no row that counts.
const NONE: u32 = u32::MAX;

/// The distinct rows of a table that have a weight above 0, in the order of their first copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeats {
    /// None if every row is distinct and counts.
    merged: Option<Merged>,
    rows: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Merged {
    /// For each distinct row the number of its first copy.
    first: Vec<u32>,
    /// For each distinct row the weight of all its copies in steps, or their number if rows have no weights.
    steps: Vec<u64>,
    /// For each row of the table its distinct row, or [`NONE`].
    of: Vec<u32>,
}

impl Repeats {
    /// Finds the equal rows of a table: one pass over the values and a sort of one hash a row.
    pub fn of(matrix: &Matrix) -> Self {
        Self::with_weights(matrix, matrix.weights())
    }

    /// Of the table's rows as if they had no weights: every row counts.
    pub(crate) fn without_weights(matrix: &Matrix) -> Cow<'_, Repeats> {
        if matrix.weights().is_none() {
            matrix.repeats()
        } else {
            Cow::Owned(Self::with_weights(matrix, None))
        }
    }

    fn with_weights(matrix: &Matrix, weights: Option<&[u64]>) -> Self {
        let rows = matrix.rows();
        let counts = |row: usize| weights.is_none_or(|w| w[row] > 0);
        let mut keys = keys(matrix);
        keys.par_sort_unstable();
        let hash = |key: u64| key >> 32;
        let all_count = weights.is_none_or(|weights| !weights.contains(&0));
        if all_count && !any_equal(matrix, keys.chunk_by(|a, b| hash(*a) == hash(*b))) {
            return Repeats { merged: None, rows };
        }
        let mut of = vec![NONE; rows];
        let mut first = Vec::new();
        for run in keys.chunk_by(|a, b| hash(*a) == hash(*b)) {
            if let [key] = *run {
                let row = key as u32;
                if counts(row as usize) {
                    first.push(row);
                    of[row as usize] = row;
                }
                continue;
            }
            // The distinct rows with this hash: nearly always one, because the hashes of different rows are seldom equal.
            let mut seen: Vec<u32> = Vec::with_capacity(1);
            // Rows that count are looked at first, so that every distinct row is one that counts.
            let (counted, others): (Vec<u32>, Vec<u32>) =
                run.iter().map(|key| *key as u32).partition(|row| counts(*row as usize));
            for row in counted {
                match seen.iter().find(|other| same(matrix, row, **other)) {
                    Some(&other) => of[row as usize] = other,
                    None => {
                        seen.push(row);
                        first.push(row);
                        of[row as usize] = row;
                    }
                }
            }
            for row in others {
                if let Some(&other) = seen.iter().find(|other| same(matrix, row, **other)) {
                    of[row as usize] = other;
                }
            }
        }
        drop(keys);
        first.par_sort_unstable();
        if first.len() == rows {
            return Repeats { merged: None, rows };
        }
        let mut place = vec![NONE; rows];
        first.iter().zip(0u32..).for_each(|(&row, distinct)| place[row as usize] = distinct);
        let mut steps = vec![0u64; first.len()];
        for (row, of) in of.iter_mut().enumerate().filter(|(_, of)| **of != NONE) {
            *of = place[*of as usize];
            let own = weights.map_or(1, |w| w[row]);
            match steps[*of as usize].checked_add(own).filter(|steps| *steps <= MOST_STEPS) {
                Some(sum) => steps[*of as usize] = sum,
                None => return Repeats::apart(matrix),
            }
        }
        Repeats { merged: Some(Merged { first, steps, of }), rows }
    }

    /// Of a table of so many rows that are all distinct and count.
    pub(super) fn none(rows: usize) -> Self {
        Repeats { merged: None, rows }
    }

    /// Treats every row that counts as distinct, because the copies of some row weigh more together than one weight can.
    fn apart(matrix: &Matrix) -> Self {
        let rows = matrix.rows();
        let weight = |row: usize| matrix.weights().map_or(1, |w| w[row]);
        let first: Vec<u32> = (0..rows as u32).filter(|&row| weight(row as usize) > 0).collect();
        if first.len() == rows {
            return Repeats { merged: None, rows };
        }
        let mut of = vec![NONE; rows];
        first.iter().zip(0u32..).for_each(|(&row, distinct)| of[row as usize] = distinct);
        let steps = first.iter().map(|&row| weight(row as usize)).collect();
        Repeats { merged: Some(Merged { first, steps, of }), rows }
    }

    /// How many distinct rows count.
    pub fn len(&self) -> usize {
        self.merged.as_ref().map_or(self.rows, |m| m.first.len())
    }

    /// How many rows the table has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether no row counts.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether every row of the table is distinct and counts.
    pub fn is_trivial(&self) -> bool {
        self.merged.is_none()
    }

    /// The number of a distinct row's first copy.
    pub fn first(&self, distinct: usize) -> usize {
        self.merged.as_ref().map_or(distinct, |m| m.first[distinct] as usize)
    }

    /// The distinct row that a row of the table is a copy of; none for a row of weight 0 that equals no row that counts.
    pub fn of_row(&self, row: usize) -> Option<usize> {
        match &self.merged {
            None => Some(row),
            Some(m) => Some(m.of[row]).filter(|of| *of != NONE).map(|of| of as usize),
        }
    }

    /// The weight of all copies of a distinct row of `matrix`, in steps.
    pub(crate) fn steps(&self, matrix: &Matrix, distinct: usize) -> u64 {
        match &self.merged {
            None => matrix.weights().map_or(1, |w| w[distinct]),
            Some(m) => m.steps[distinct],
        }
    }

    /// The table of the distinct rows alone, each with the weight of its copies; none if that would be the same table.
    pub fn merge(&self, matrix: &Matrix) -> Option<Matrix> {
        let merged = self.merged.as_ref()?;
        let rows: Vec<usize> = merged.first.iter().map(|&row| row as usize).collect();
        Some(matrix.select_weighted(&rows, merged.steps.clone()))
    }
}

/// Whether any two rows with the same hash have the same values. Hashes of 32 bits are equal for a few pairs of 10^5 different
/// rows.
fn any_equal<'k>(matrix: &Matrix, runs: impl Iterator<Item = &'k [u64]>) -> bool {
    let pair_of = |run: &[u64]| {
        (1..run.len()).any(|i| run[..i].iter().any(|key| same(matrix, *key as u32, run[i] as u32)))
    };
    runs.into_iter().any(pair_of)
}

/// Whether two rows have the same values.
fn same(matrix: &Matrix, a: u32, b: u32) -> bool {
    // Compare values, not bits, because there are two zeros.
    matrix.row(a as usize).eq(matrix.row(b as usize))
}

/// For each row a key: a 32-bit hash of its values, and in the lower half the row's number. Once they are sorted, equal rows
/// are neighbours, in the order of their numbers.
fn keys(matrix: &Matrix) -> Vec<u64> {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut out = vec![0u64; matrix.rows()];
    out.par_chunks_mut(TILE).enumerate().with_min_len(64).for_each(|(t, out)| {
        let mut hash = [0u64; TILE];
        for lanes in matrix.tile(t) {
            for (hash, &v) in hash.iter_mut().zip(lanes) {
                // Adding zero makes -0.0 and 0.0 one value.
                *hash = (hash.rotate_left(29) ^ u64::from((v + 0.0).to_bits())).wrapping_mul(FACTOR);
            }
        }
        for (row, (out, hash)) in out.iter_mut().zip(hash).enumerate() {
            let hash = (hash ^ hash >> 29).wrapping_mul(FACTOR) >> 32;
            *out = hash << 32 | (t * TILE + row) as u64;
        }
    });
    out
}
