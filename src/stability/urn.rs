//! Draws rows with replacement.

use crate::matrix::Matrix;
use crate::random::Stream;

/// No more rows than this are drawn for one sample, however many copies rows have.
const MOST_DRAWS: f64 = 1e7;

/// Rows to draw from, each with a chance in proportion to its weight.
pub(crate) struct Urn {
    rows: Vec<usize>,
    /// For each row the sum of its weight and those of the rows before it; none where all weights are 1.
    ends: Option<Vec<u128>>,
    /// How many rows a sample has.
    draws: usize,
    distinct: bool,
}

impl Urn {
    /// These rows of a matrix, each with its own weight; a sample has as many.
    pub(crate) fn of(matrix: &Matrix, rows: Vec<usize>) -> Self {
        let ends = matrix.weights().map(|weights| ends(rows.iter().map(|&row| weights[row])));
        Urn { draws: rows.len(), ends, rows, distinct: false }
    }

    /// The distinct rows of a matrix, each with the weight of all its copies; a sample has as many rows as there are copies.
    pub(crate) fn of_distinct(matrix: &Matrix) -> Self {
        let repeats = matrix.repeats();
        let rows: Vec<usize> = (0..repeats.len()).map(|distinct| repeats.first(distinct)).collect();
        let plain = repeats.is_trivial() && matrix.weights().is_none();
        let steps = (0..repeats.len()).map(|distinct| repeats.steps(matrix, distinct));
        let ends = (!plain).then(|| ends(steps));
        let draws = matrix.total_copies().round().clamp(1.0, MOST_DRAWS) as usize;
        Urn { rows, ends, draws, distinct: true }
    }

    /// Whether no two of the rows are equal.
    pub(crate) fn is_of_distinct_rows(&self) -> bool {
        self.distinct
    }

    /// A sample: the rows that were drawn, in their order, and how often. A draw of 64 random bits is the position
    /// `floor(bits * total / 2^64)` among the copies of all rows, one row's after the other's.
    pub(crate) fn draw(&self, mut stream: Stream) -> (Vec<usize>, Vec<u32>) {
        let mut counts = vec![0u32; self.rows.len()];
        for _ in 0..self.draws {
            let i = match &self.ends {
                None => stream.below(self.rows.len() as u64) as usize,
                Some(ends) => {
                    let end = ends.last().copied().unwrap_or(0);
                    // Weights are below 2^62 and rows below 2^32, so the end is below 2^94. The upper bits of the product
                    // decide.
                    let (bits, low, high) =
                        (u128::from(stream.bits()), end & u128::from(u64::MAX), end >> 64);
                    let at = (bits * high) + ((bits * low) >> 64);
                    ends.partition_point(|&end| end <= at).min(self.rows.len() - 1)
                }
            };
            counts[i] += 1;
        }
        let drawn = (0..self.rows.len()).filter(|&i| counts[i] > 0);
        drawn.map(|i| (self.rows[i], counts[i])).unzip()
    }
}

/// The sums of the weights up to each.
fn ends(weights: impl Iterator<Item = u64>) -> Vec<u128> {
    let mut end = 0u128;
    let add = |weight: u64| {
        end += u128::from(weight);
        end
    };
    weights.map(add).collect()
}
