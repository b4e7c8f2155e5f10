//! Any vendor's GPU through wgpu: rows stay on the device, only what is asked for comes back.
//!
//! The functions inside are async; [`pollster`] blocks here and in [`adapters`], at the one edge.

mod buffer;
mod ceiling;
mod context;
mod distance_sums;
mod kernel;
mod lloyd;
mod nearest;

use crate::backend::{
    Assigned, Backend, Description, Labeling, Memory, Metric, Neighbour, Rows, RowsId, Rule, SumsSink,
    check_labelings, check_queries, check_sets,
};
use crate::canonical::Centroids;
use crate::error::Result;
use crate::matrix::Matrix;
use crate::progress::Progress;
use buffer::{Resident, upload};
use context::Context;
pub use context::{Adapter, Options};
use kernel::Kernel;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

/// The adapters of this machine, in the order in which [`Gpu::open`] counts them.
pub fn adapters() -> Vec<Adapter> {
    pollster::block_on(context::adapters())
}

/// An opened GPU, and the kernels that were compiled for it so far.
pub struct Gpu {
    context: Context,
    kernels: Mutex<HashMap<usize, Arc<Kernels>>>,
}

/// The kernels for one number of features, each compiled when it is first wanted.
#[derive(Default)]
struct Kernels {
    features: usize,
    /// By whether a label takes a whole word, and whether the product form serves.
    assign: [[OnceLock<Kernel>; 2]; 2],
    /// By whether a label takes a whole word, and whether rows have weights.
    accumulate: [[OnceLock<Kernel>; 2]; 2],
    nearest: OnceLock<Kernel>,
    distance_sums: OnceLock<Kernel>,
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

impl Kernels {
    fn assign(&self, context: &Context, wide: bool, product: bool) -> &Kernel {
        let constants = [("wide", f64::from(u8::from(wide))), ("product", f64::from(u8::from(product)))];
        let compile = || Kernel::with(context, shader!("lloyd"), "assign", self.features, &constants);
        self.assign[usize::from(wide)][usize::from(product)].get_or_init(compile)
    }

    fn accumulate(&self, context: &Context, wide: bool, weighted: bool) -> &Kernel {
        let constants = [("wide", f64::from(u8::from(wide))), ("weighted", f64::from(u8::from(weighted)))];
        let compile = || Kernel::with(context, shader!("lloyd"), "accumulate", self.features, &constants);
        self.accumulate[usize::from(wide)][usize::from(weighted)].get_or_init(compile)
    }

    fn nearest(&self, context: &Context) -> &Kernel {
        self.nearest.get_or_init(|| Kernel::new(context, shader!("nearest"), "nearest", self.features))
    }

    fn distance_sums(&self, context: &Context) -> &Kernel {
        let compile = || Kernel::new(context, shader!("distance_sums"), "distance_sums", self.features);
        self.distance_sums.get_or_init(compile)
    }
}

impl Gpu {
    /// Opens adapter `index`.
    ///
    /// # Errors
    /// There is no such adapter, or it cannot be opened.
    pub fn open(index: usize, options: Options) -> Result<Self> {
        let context = pollster::block_on(Context::open(index, options))?;
        Ok(Gpu { context, kernels: Mutex::default() })
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
        let features = matrix.features();
        let mut compiled = self.kernels.lock().map_err(|_| self.context.failed("a thread failed"))?;
        let new = || Arc::new(Kernels { features, ..Kernels::default() });
        let kernels = Arc::clone(compiled.entry(features).or_insert_with(new));
        drop(compiled);
        let all = matrix.norms();
        let own = resident.chunks.iter().map(|c| &all[c.first..c.first + c.rows]);
        let norms = own.map(|norms| upload(&self.context, norms)).collect();
        let id = RowsId::new();
        Ok(Box::new(GpuRows { context: &self.context, kernels, matrix, resident, norms, id }))
    }
}

/// A table whose tiles lie on the device, in as many buffers as the largest binding makes necessary.
struct GpuRows<'a> {
    context: &'a Context,
    kernels: Arc<Kernels>,
    matrix: &'a Matrix,
    resident: Resident,
    /// For each chunk its rows' norms, as [`Matrix::norms`].
    norms: Vec<wgpu::Buffer>,
    id: RowsId,
}

impl Rows for GpuRows<'_> {
    fn lloyd_again(
        &self,
        sets: &[Centroids],
        labels: bool,
        memories: &mut [Memory],
    ) -> Result<Vec<Assigned>> {
        check_sets(self.matrix, sets)?;
        pollster::block_on(lloyd::lloyd(self, sets, labels, memories))
    }

    fn nearest(&self, queries: &Matrix, rule: Rule<'_>, metric: Metric) -> Result<Vec<Neighbour>> {
        check_queries(self.matrix, queries, rule)?;
        pollster::block_on(nearest::nearest(self, queries, rule, metric))
    }

    fn distance_sums(
        &self,
        labelings: &[Labeling<'_>],
        progress: Progress<'_>,
        sink: SumsSink<'_>,
    ) -> Result<()> {
        check_labelings(self.matrix, labelings)?;
        pollster::block_on(distance_sums::distance_sums(self, labelings, progress, sink))
    }
}
