//! The CPU: every primitive in SIMD, chosen at run time, on the rayon pool it is called from.

mod block;
mod distance_sums;
mod lloyd;
mod nearest;

use crate::backend::{
    Assigned, Backend, Description, Labeling, LloydState, Metric, Neighbour, Rows, RowsId, SelfMatches,
    SumsSink, check_labelings, check_queries, check_sets,
};
use crate::canonical::Centroids;
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::progress::Progress;
pub use block::InstructionSet;
pub(crate) use block::{Kernel, multiply_add};
#[cfg(feature = "gpu")]
pub(crate) use {
    distance_sums::{runs, slots},
    nearest::{decide, neighbour},
};

/// The CPU with one instruction set.
#[derive(Debug, Clone, Copy)]
pub struct Cpu {
    set: InstructionSet,
}

impl Default for Cpu {
    fn default() -> Self {
        Cpu { set: InstructionSet::detect() }
    }
}

impl Cpu {
    /// The CPU held to `set`.
    ///
    /// # Errors
    /// This machine does not have it.
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

    fn load<'a>(&'a self, matrix: &'a Matrix) -> Result<Box<dyn Rows + 'a>> {
        Ok(Box::new(CpuRows { set: self.set, matrix, norms: matrix.norms(), id: RowsId::new() }))
    }
}

/// The CPU works on the matrix as it lies in memory.
struct CpuRows<'a> {
    set: InstructionSet,
    matrix: &'a Matrix,
    /// As [`Matrix::norms`]. They are computed here, because a lazy value that a parallel loop initialises by a parallel
    /// loop of its own can wait for itself.
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
