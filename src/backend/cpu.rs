//! The CPU. Every primitive is written in vector code for several instruction sets, one of which is chosen at run time. The
//! work runs on the rayon pool that the call comes from.

mod binary;
mod distance_sums;
mod lloyd;
mod nearest;
pub(super) mod seeding;

pub use crate::backend::simd::InstructionSet;
use crate::backend::{
    Assigned, Backend, BinaryRows, Description, Labeling, LloydState, Margin, Metric, Neighbour,
    NeighbourLists, Rows, RowsId, SeedingRun, SelfMatches, SumsSink, check_knn, check_labelings,
    check_labels, check_queries, check_sets, host,
};
use crate::canonical::Centroids;
use crate::error::{Error, Result};
use crate::matrix::coarse::CoarseRows;
use crate::matrix::{BinaryMatrix, Matrix};
use crate::progress::Progress;

/// The CPU with one instruction set.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cpu {
    set: InstructionSet,
}

impl Cpu {
    /// The CPU with this instruction set.
    ///
    /// # Errors
    /// This machine does not have the instruction set.
    pub fn with(set: InstructionSet) -> Result<Self> {
        if !set.available() {
            return Err(Error::Device(format!("this CPU has no {set}")));
        }
        Ok(Cpu { set })
    }
}

impl Backend for Cpu {
    fn describe(&self) -> Description {
        let threads = rayon::current_num_threads();
        let plural = if threads == 1 { "" } else { "s" };
        Description { backend: "cpu", name: format!("{threads} thread{plural}, {}", self.set) }
    }

    fn instruction_set(&self) -> InstructionSet {
        self.set
    }

    fn kmeans_plus_plus(
        &self,
        rows: &CoarseRows,
        runs: &[SeedingRun],
        progress: Progress<'_>,
    ) -> Result<Vec<Vec<usize>>> {
        seeding::kmeans_plus_plus(self.set, rows, runs, progress)
    }

    fn load<'a>(&'a self, matrix: &'a Matrix) -> Result<Box<dyn Rows + 'a>> {
        Ok(Box::new(CpuRows { set: self.set, matrix, norms: matrix.norms(), id: RowsId::new() }))
    }

    fn load_binary<'a>(&'a self, table: &'a BinaryMatrix) -> Result<Box<dyn BinaryRows + 'a>> {
        Ok(Box::new(binary::CpuBinaryRows::new(self.set, table)))
    }
}

/// A table on the CPU, which works on the matrix where it is.
struct CpuRows<'a> {
    set: InstructionSet,
    matrix: &'a Matrix,
    /// See [`Matrix::norms`]. They are computed when the table is loaded. If a parallel loop computed them on demand, by
    /// another parallel loop, it could come to wait for itself.
    norms: Vec<f32>,
    id: RowsId,
}

impl Rows for CpuRows<'_> {
    fn lloyd_incremental(
        &self,
        sets: &[Centroids],
        labels: bool,
        states: &mut [LloydState],
    ) -> Result<Vec<Assigned>> {
        check_sets(self.matrix, sets)?;
        Ok(lloyd::lloyd(self, sets, labels, states))
    }

    fn nearest(
        &self,
        queries: &Matrix,
        self_matches: SelfMatches<'_>,
        metric: Metric,
    ) -> Result<Vec<Neighbour>> {
        check_queries(self.matrix, queries, self_matches)?;
        Ok(nearest::nearest(self, queries, self_matches, metric))
    }

    fn knn(
        &self,
        queries: &Matrix,
        self_matches: SelfMatches<'_>,
        k: usize,
        progress: Progress<'_>,
    ) -> Result<NeighbourLists> {
        check_queries(self.matrix, queries, self_matches)?;
        check_knn(self.matrix.rows(), queries.rows(), self_matches, k)?;
        host::neighbour_lists::euclidean(self.set, self.matrix, queries, self_matches, k, progress)
    }

    fn margins(&self, centroids: &Centroids, first: usize, labels: &[u32]) -> Result<Vec<Margin>> {
        check_labels(self.matrix, centroids, first, labels)?;
        Ok(host::margins::margins(self.set, self.matrix, centroids, first, labels))
    }

    fn distance_sums(
        &self,
        labelings: &[Labeling<'_>],
        progress: Progress<'_>,
        sink: SumsSink<'_>,
    ) -> Result<()> {
        check_labelings(self.matrix, labelings)?;
        distance_sums::distance_sums(self.set, self.matrix, labelings, progress, sink)
    }
}
