//! Which rows belong to which segment, and what each counts.

use crate::error::{Error, Result};
use crate::weights::Weights;

/// The rows of a table by segment. Rows without a segment and rows of weight 0 are not members of any.
#[derive(Debug, Clone)]
pub struct Members {
    /// The row numbers: those of segment 0 first, ascending within each segment.
    rows: Vec<u32>,
    /// Where each segment begins in `rows`, and where the last one ends.
    starts: Vec<usize>,
    /// The weight of each of `rows` in steps; `None` if every row counts once.
    steps: Option<Vec<u64>>,
    /// The number of copies that a step stands for.
    step: f64,
    /// Whether weights are numbers of copies, and not only proportions.
    whole: bool,
    /// How many rows the table has.
    table_rows: usize,
}

impl Members {
    /// From the segment of each row of a table, a number below `k`, and the rows' weights, if they have any.
    ///
    /// # Errors
    /// A segment of `k` or more; another number of weights than of rows; no row with a segment.
    pub fn new(segments: &[Option<u32>], k: usize, weights: Option<&Weights>) -> Result<Self> {
        if let Some(weights) = weights.filter(|w| w.len() != segments.len()) {
            let (rows, weights) = (segments.len(), weights.len());
            return Err(Error::data(format!("a profile of {rows} rows needs {rows} weights, not {weights}")));
        }
        let counts = |row: usize| weights.is_none_or(|w| w.counts_row(row));
        let of = |row: usize| segments[row].filter(|_| counts(row)).map(|segment| segment as usize);
        let mut starts = vec![0; k + 1];
        for segment in (0..segments.len()).filter_map(of) {
            match starts.get_mut(segment + 1) {
                Some(count) => *count += 1,
                None => return Err(Error::data(format!("there is no segment {segment} among {k}"))),
            }
        }
        (0..k).for_each(|s| starts[s + 1] += starts[s]);
        if starts[k] == 0 {
            return Err(Error::data("no row has a segment, so there is nothing to describe"));
        }
        let (mut rows, mut next) = (vec![0; starts[k]], starts.clone());
        for row in 0..segments.len() {
            if let Some(segment) = of(row) {
                rows[next[segment]] = row as u32;
                next[segment] += 1;
            }
        }
        let steps = weights.map(|w| rows.iter().map(|&row| w.steps()[row as usize]).collect());
        let step = weights.map_or(1.0, |w| w.as_copies(1));
        let whole = weights.is_none_or(Weights::is_whole);
        Ok(Members { rows, starts, steps, step, whole, table_rows: segments.len() })
    }

    /// How many segments there are.
    pub fn k(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many rows have a segment and a weight.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// How many rows the table has.
    pub(super) fn table_rows(&self) -> usize {
        self.table_rows
    }

    /// The rows of a segment, ascending.
    pub fn of(&self, segment: usize) -> &[u32] {
        &self.rows[self.starts[segment]..self.starts[segment + 1]]
    }

    /// The weights of a segment's rows, in steps.
    pub(super) fn steps(&self, segment: usize) -> Option<&[u64]> {
        self.steps.as_ref().map(|steps| &steps[self.starts[segment]..self.starts[segment + 1]])
    }

    /// All rows with a segment, those of segment 0 first.
    pub(super) fn all(&self) -> &[u32] {
        &self.rows
    }

    /// The segment of the row at a place of [`Members::all`].
    pub(super) fn segment_at(&self, place: usize) -> usize {
        self.starts.partition_point(|&start| start <= place) - 1
    }

    /// The weight of a segment in steps.
    pub(super) fn weight(&self, segment: usize) -> u128 {
        match self.steps(segment) {
            None => self.of(segment).len() as u128,
            Some(steps) => steps.iter().map(|&s| u128::from(s)).sum(),
        }
    }

    /// The number of copies that a number of steps stands for.
    pub(super) fn copies(&self, steps: u128) -> f64 {
        steps as f64 * self.step
    }

    /// How many independent rows a set of rows is worth: their copies, or Kish's effective size if weights are only
    /// proportions. `squares` is the sum of the squared steps.
    pub(super) fn worth(&self, steps: u128, squares: f64) -> f64 {
        match self.whole {
            true => self.copies(steps),
            false if squares > 0.0 => (steps as f64) * (steps as f64) / squares,
            false => 0.0,
        }
    }
}
