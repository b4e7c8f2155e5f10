//! CPU twin of `shaders/binary.wgsl`: tables of 0 and 1.
//!
//! Sixteen rows lie side by side, word by word, and four queries go past them at a time, so that one vector instruction
//! counts the bits that a query shares with 16 rows (`bits`). `search` keeps the nearest rows of each query, and `sums`
//! adds up distances.

mod bits;
mod search;
mod sums;

use crate::backend::simd::InstructionSet;
use crate::backend::{
    BinaryMetric, BinaryRows, Labeling, NeighbourLists, SelfMatches, SumsSink, check_binary_labelings,
    check_binary_queries, check_knn,
};
use crate::error::Result;
use crate::matrix::BinaryMatrix;
use crate::progress::Progress;
use bits::Tiles;

/// So many pairs of rows, times words, are compared between two progress reports: a fraction of a second.
const PAIRS_OF_A_STEP: usize = 1 << 32;

/// A table of 0 and 1.
pub(super) struct CpuBinaryRows<'a> {
    set: InstructionSet,
    table: &'a BinaryMatrix,
    /// The rows in their order.
    tiles: Tiles,
}

impl<'a> CpuBinaryRows<'a> {
    pub(super) fn new(set: InstructionSet, table: &'a BinaryMatrix) -> Self {
        CpuBinaryRows { set, table, tiles: Tiles::new(table, table.rows(), |at| at) }
    }

    /// How many queries are compared with all rows between two progress reports: a whole number of tasks.
    fn queries_of_a_step(&self, task: usize) -> usize {
        let one = task * self.table.rows().max(1) * self.table.width();
        (PAIRS_OF_A_STEP / one).max(rayon::current_num_threads()) * task
    }
}

impl BinaryRows for CpuBinaryRows<'_> {
    fn knn(
        &self,
        queries: &BinaryMatrix,
        self_matches: SelfMatches<'_>,
        metric: BinaryMetric,
        k: usize,
        progress: Progress<'_>,
    ) -> Result<NeighbourLists> {
        check_binary_queries(self.table, queries)?;
        check_knn(self.table.rows(), queries.rows(), self_matches, k)?;
        search::knn(self, queries, self_matches, metric, k, progress)
    }

    fn distance_sums(
        &self,
        metric: BinaryMetric,
        labelings: &[Labeling<'_>],
        progress: Progress<'_>,
        sink: SumsSink<'_>,
    ) -> Result<()> {
        check_binary_labelings(self.table, labelings)?;
        sums::distance_sums(self, metric, labelings, progress, sink)
    }
}
