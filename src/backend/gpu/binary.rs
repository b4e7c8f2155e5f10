//! Tables of 0 and 1 on the GPU.

use crate::backend::{
    BinaryMetric, BinaryRows, Labeling, NeighbourLists, SelfMatches, SumsSink, check_knn, host,
};
use crate::error::{Error, Result};
use crate::matrix::BinaryMatrix;
use crate::progress::Progress;

/// A table of 0 and 1.
pub(super) struct GpuBinaryRows<'a> {
    pub(super) table: &'a BinaryMatrix,
}

impl BinaryRows for GpuBinaryRows<'_> {
    fn knn(
        &self,
        queries: &BinaryMatrix,
        self_matches: SelfMatches<'_>,
        metric: BinaryMetric,
        k: usize,
        progress: Progress<'_>,
    ) -> Result<NeighbourLists> {
        if queries.features() != self.table.features() {
            return Err(Error::data(
                "the queries must have the features of the table that they are compared with",
            ));
        }
        check_knn(self.table.rows(), queries.rows(), self_matches, k)?;
        host::knn::binary(self.table, queries, self_matches, metric, k, progress)
    }

    fn distance_sums(
        &self,
        metric: BinaryMetric,
        labelings: &[Labeling<'_>],
        progress: Progress<'_>,
        sink: SumsSink<'_>,
    ) -> Result<()> {
        host::knn::distance_sums(self.table, metric, labelings, progress, sink)
    }
}
