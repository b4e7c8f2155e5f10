//! Whole-number sums of the rows whose label has changed, chunk by chunk.

use super::{CHUNK, NONE};
use crate::matrix::coarse::round_ties_even;
use crate::matrix::{Matrix, TILE};

/// The sums of the rows of each centroid, as in [`crate::backend::Assigned`]. They are differences too, so they have a
/// sign.
#[derive(Clone, Default)]
pub(super) struct Sums {
    pub(super) steps: Vec<i128>,
    pub(super) counts: Vec<i64>,
    pub(super) weights: Vec<i128>,
}

impl Sums {
    pub(super) fn zero(centroids: usize, features: usize) -> Self {
        Sums { steps: vec![0; centroids * features], counts: vec![0; centroids], weights: vec![0; centroids] }
    }

    pub(super) fn add(&mut self, other: &Sums) {
        self.steps.iter_mut().zip(&other.steps).for_each(|(a, b)| *a += b);
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
        self.weights.iter_mut().zip(&other.weights).for_each(|(a, b)| *a += b);
    }
}

/// A row of the chunk whose label has changed.
#[derive(Clone, Copy, Default)]
pub(super) struct Move {
    pub(super) row: u8,
    /// `NONE` if it was in no cluster.
    pub(super) from: u32,
    pub(super) to: u32,
}

/// Whether a table has weights too heavy for i64 sums.
pub(super) fn is_heavy(matrix: &Matrix) -> bool {
    matrix.weights().is_some_and(|weights| weights.iter().any(|w| *w > LIGHT))
}

/// How many values the inner loop of the sums adds side by side.
const WIDTH: usize = 8;

/// With up to so many clusters, the moves of a chunk are sorted by cluster before they are added up.
const SORTED: usize = 64;

/// The largest weight, in weight steps, for which a part's sums fit into an i64: 2^31 grid steps x 2^16 x 2^13 rows < 2^63.
const LIGHT: u64 = 1 << 16;

/// Adds up the moves of one part of the rows. The sums are i64 here, because the caller keeps parts small enough for that.
/// With heavy weights they are i128 from the start.
pub(super) struct Adder<'a> {
    matrix: &'a Matrix,
    scales: Vec<f32>,
    /// The number of features, rounded up to whole vectors. The rest of a vector holds zeros.
    width: usize,
    /// The first row of the chunk, and the chunk's values in whole grid steps, row by row. A row's values are filled in when
    /// it first moves.
    start: usize,
    rows: Vec<i32>,
    ready: [bool; CHUNK],
    sums: Vec<i64>,
    heavy: bool,
}

impl<'a> Adder<'a> {
    /// For so many centroids of all sets together.
    pub(super) fn new(matrix: &'a Matrix, centroids: usize, heavy: bool) -> Self {
        let width = matrix.features().next_multiple_of(WIDTH);
        Adder {
            matrix,
            scales: (0..matrix.features()).map(|j| matrix.steps_per_unit(j)).collect(),
            width,
            start: 0,
            rows: vec![0; CHUNK * width],
            ready: [false; CHUNK],
            sums: vec![0; centroids * width],
            heavy,
        }
    }

    /// Goes on to the chunk that starts at row `start`.
    #[inline(always)]
    pub(super) fn start(&mut self, start: usize) {
        self.start = start;
        self.ready = [false; CHUNK];
    }

    /// Adds up the chunk's moves between the `k` clusters from `offset` on.
    #[inline(always)]
    pub(super) fn add(&mut self, moves: &[Move], offset: usize, k: usize, sums: &mut Sums) {
        for moved in moves {
            self.prepare(moved.row);
        }
        if k <= SORTED && moves.len() > 4 * k && self.matrix.weights().is_none() {
            self.add_sorted(moves, offset, k, sums);
            return;
        }
        for moved in moves {
            let weight = self.weight(moved.row);
            for (label, sign) in [(moved.to, 1), (moved.from, -1)] {
                if label != NONE {
                    let centroid = offset + label as usize;
                    sums.counts[centroid] += sign;
                    sums.weights[centroid] += i128::from(sign * weight);
                    if self.heavy {
                        self.add_heavy(moved.row, centroid, sign * weight, sums);
                    } else {
                        self.add_row(moved.row, centroid, sign * weight);
                    }
                }
            }
        }
    }

    /// Adds the rows of one cluster together, so that its sums stay in registers.
    #[inline(always)]
    fn add_sorted(&mut self, moves: &[Move], offset: usize, k: usize, counts: &mut Sums) {
        // Two lists of rows for each cluster: the rows that came and the rows that left.
        let mut ends = [0u16; 2 * SORTED];
        let list = |label: u32, left: bool| 2 * (label as usize % SORTED) + usize::from(left);
        for moved in moves {
            ends[list(moved.to, false)] += 1;
            if moved.from != NONE {
                ends[list(moved.from, true)] += 1;
            }
        }
        let mut end = 0;
        for e in &mut ends[..2 * k] {
            end += *e;
            *e = end - *e;
        }
        let mut rows = [0u8; 2 * CHUNK];
        let mut put = |list: usize, row: u8| {
            rows[usize::from(ends[list]) % (2 * CHUNK)] = row;
            ends[list] += 1;
        };
        for moved in moves {
            put(list(moved.to, false), moved.row);
            if moved.from != NONE {
                put(list(moved.from, true), moved.row);
            }
        }
        let mut start = 0;
        for (c, sums) in self.sums[offset * self.width..].chunks_exact_mut(self.width).take(k).enumerate() {
            let [middle, end] = [ends[2 * c], ends[2 * c + 1]].map(usize::from);
            let (came, left) = (&rows[start..middle], &rows[middle..end]);
            start = end;
            let more = came.len() as i64 - left.len() as i64;
            counts.counts[offset + c] += more;
            counts.weights[offset + c] += i128::from(more);
            if came.is_empty() && left.is_empty() {
                continue;
            }
            for (j, sums) in sums.as_chunks_mut::<WIDTH>().0.iter_mut().enumerate() {
                let values = &self.rows.as_chunks::<WIDTH>().0[j..];
                let stride = self.width / WIDTH;
                let mut total = *sums;
                for &r in came {
                    let row = &values[usize::from(r) * stride];
                    for i in 0..WIDTH {
                        total[i] += i64::from(row[i]);
                    }
                }
                for &r in left {
                    let row = &values[usize::from(r) * stride];
                    for i in 0..WIDTH {
                        total[i] -= i64::from(row[i]);
                    }
                }
                *sums = total;
            }
        }
    }

    /// Adds one row, times a weight.
    #[inline(always)]
    fn add_row(&mut self, row: u8, centroid: usize, weight: i64) {
        let row = &self.rows[usize::from(row) * self.width..][..self.width];
        let sums = &mut self.sums[centroid * self.width..][..self.width];
        match weight {
            1 => sums.iter_mut().zip(row).for_each(|(to, &q)| *to += i64::from(q)),
            -1 => sums.iter_mut().zip(row).for_each(|(to, &q)| *to -= i64::from(q)),
            _ => sums.iter_mut().zip(row).for_each(|(to, &q)| *to += i64::from(q) * weight),
        }
    }

    /// Adds one row, times a weight with which the sum may not fit into an i64.
    fn add_heavy(&self, row: u8, centroid: usize, weight: i64, sums: &mut Sums) {
        let d = self.matrix.features();
        let row = &self.rows[usize::from(row) * self.width..][..d];
        let sums = &mut sums.steps[centroid * d..][..d];
        sums.iter_mut().zip(row).for_each(|(to, &q)| *to += i128::from(q) * i128::from(weight));
    }

    /// At most 2^62.
    #[inline(always)]
    fn weight(&self, row: u8) -> i64 {
        self.matrix.weights().map_or(1, |w| w[self.start + usize::from(row)] as i64)
    }

    /// Makes sure that the values of a row of the chunk are there in grid steps.
    #[inline(always)]
    fn prepare(&mut self, row: u8) {
        let r = usize::from(row);
        if !self.ready[r] {
            self.ready[r] = true;
            let row = self.start + r;
            let tile = self.matrix.tile(row / TILE);
            for ((to, lanes), scale) in self.rows[r * self.width..].iter_mut().zip(tile).zip(&self.scales) {
                *to = round_ties_even(f64::from(lanes[row % TILE] * scale));
            }
        }
    }

    /// Adds the part's sums to `sums`.
    pub(super) fn finish(self, sums: &mut Sums) {
        let d = self.matrix.features();
        for (to, from) in sums.steps.chunks_exact_mut(d).zip(self.sums.chunks_exact(self.width)) {
            to.iter_mut().zip(from).for_each(|(to, &from)| *to += i128::from(from));
        }
    }
}
