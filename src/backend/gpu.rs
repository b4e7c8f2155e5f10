//! Any vendor's GPU through wgpu: rows stay on the device, only what is asked for comes back.
//!
//! The functions inside are async; [`pollster`] blocks here and in [`adapters`], at the one edge.

mod buffer;
mod context;
mod distance_sums;
mod kernel;
mod lloyd;
mod nearest;
mod pairwise;

use crate::backend::{
    Assigned, Backend, Description, Labeling, Memory, Metric, Neighbour, Rows, Rule, SumsSink,
    check_labelings, check_queries, check_sets,
};
use crate::canonical::Centroids;
use crate::error::Result;
use crate::matrix::Matrix;
use buffer::Resident;
use context::Context;
pub use context::{Adapter, Options};
use ndarray::Array2;

/// The adapters of this machine, in the order in which [`Gpu::open`] counts them.
pub fn adapters() -> Vec<Adapter> {
    pollster::block_on(context::adapters())
}

/// An opened GPU with its compiled kernels.
pub struct Gpu {
    context: Context,
    kernels: Kernels,
}

struct Kernels {
    assign: kernel::Kernel,
    accumulate: kernel::Kernel,
    nearest: kernel::Kernel,
    pairwise: kernel::Kernel,
    distance_sums: kernel::Kernel,
}

macro_rules! shader {
    ($name:literal) => {
        // common last, so that line numbers in messages are the kernel's own
        concat!(
            include_str!(concat!("../../shaders/", $name, ".wgsl")),
            "\n",
            include_str!("../../shaders/common.wgsl")
        )
    };
}

impl Gpu {
    /// Opens adapter `index`.
    ///
    /// # Errors
    /// There is no such adapter, or it cannot run the kernels.
    pub fn open(index: usize, options: Options) -> Result<Self> {
        pollster::block_on(async {
            let context = Context::open(index, options).await?;
            let kernel = |source, entry| kernel::Kernel::new(&context, source, entry);
            let kernels = Kernels {
                assign: kernel(shader!("lloyd"), "assign"),
                accumulate: kernel(shader!("lloyd"), "accumulate"),
                nearest: kernel(shader!("nearest"), "nearest"),
                pairwise: kernel(shader!("pairwise"), "pairwise"),
                distance_sums: kernel(shader!("distance_sums"), "distance_sums"),
            };
            context.check()?;
            Ok(Gpu { context, kernels })
        })
    }

    /// The adapter that was opened.
    pub fn adapter(&self) -> &Adapter {
        &self.context.adapter
    }
}

impl Backend for Gpu {
    fn describe(&self) -> Description {
        Description { backend: "gpu", name: self.context.adapter.to_string() }
    }

    fn load<'a>(&'a self, matrix: &'a Matrix) -> Result<Box<dyn Rows + 'a>> {
        let resident = Resident::upload(&self.context, matrix)?;
        Ok(Box::new(GpuRows { gpu: self, matrix, resident }))
    }
}

/// A table whose tiles lie on the device, in as many buffers as the largest binding makes necessary.
struct GpuRows<'a> {
    gpu: &'a Gpu,
    matrix: &'a Matrix,
    resident: Resident,
}

impl Rows for GpuRows<'_> {
    fn lloyd_again(
        &self,
        sets: &[Centroids],
        labels: bool,
        _memories: &mut [Memory],
    ) -> Result<Vec<Assigned>> {
        check_sets(self.matrix, sets)?;
        pollster::block_on(lloyd::lloyd(self, sets, labels))
    }

    fn nearest(&self, queries: &Matrix, rule: Rule<'_>, metric: Metric) -> Result<Vec<Neighbour>> {
        check_queries(self.matrix, queries, rule)?;
        pollster::block_on(nearest::nearest(self, queries, rule, metric))
    }

    fn pairwise(&self, queries: &Matrix, metric: Metric) -> Result<Array2<f32>> {
        check_queries(self.matrix, queries, Rule::Any)?;
        pollster::block_on(pairwise::pairwise(self, queries, metric))
    }

    fn distance_sums(&self, labelings: &[Labeling<'_>], sink: SumsSink<'_>) -> Result<()> {
        check_labelings(self.matrix, labelings)?;
        pollster::block_on(distance_sums::distance_sums(self, labelings, sink))
    }
}
