//! Any vendor's GPU through wgpu. The rows stay on the device; only results come back.
//!
//! The functions inside are async. This file is the edge where [`pollster`] waits for them.

mod buffer;
mod ceiling;
mod context;
mod distance_sums;
#[cfg(test)]
mod exact_tests;
mod interface;
mod kernel;
mod lloyd;
mod nearest;
mod pool;
mod source;
mod work;

use crate::backend::{
    Advanced, Assigned, Backend, Description, Labeling, LloydState, Margin, Metric, Neighbour, Passes, Rows,
    RowsId, SelfMatches, SumsSink, check_labelings, check_labels, check_queries, check_sets, host, one_pass,
    simd::InstructionSet,
};
use crate::canonical::Centroids;
use crate::error::Result;
use crate::matrix::Matrix;
use crate::progress::Progress;
use buffer::{Buffer, Resident, upload};
use context::Context;
pub use context::{Adapter, Counts, Options};
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

/// The kernels for one number of features. Each is compiled when it is first needed.
#[derive(Default)]
struct Kernels {
    features: usize,
    /// By whether a label takes a whole word, and whether dot products are used.
    assign: [[OnceLock<Kernel>; 2]; 2],
    /// By whether a label takes a whole word.
    decide: [OnceLock<Kernel>; 2],
    /// By whether a label takes a whole word, and whether rows have weights.
    accumulate: [[OnceLock<Kernel>; 2]; 2],
    /// By whether dot products are used.
    means: [OnceLock<Kernel>; 2],
    renew: OnceLock<Kernel>,
    nearest: OnceLock<Kernel>,
    distance_sums: OnceLock<Kernel>,
}

/// Every entry point of every shader, for the test that compares them with the WGSL.
#[cfg(test)]
static ENTRY_POINTS: [&interface::EntryPoint; 10] = [
    &lloyd::ASSIGN,
    &lloyd::ACCUMULATE,
    &lloyd::decide::DECIDE,
    &lloyd::renew::MEANS,
    &lloyd::renew::RENEW,
    &nearest::NEAREST,
    &distance_sums::DISTANCE_SUMS,
    &ceiling::READ_ALL,
    &ceiling::MULTIPLY_ADD,
    &exact_tests::EXACT_OPERATIONS,
];

impl Kernels {
    fn assign(&self, context: &Context, wide: bool, dot_product: bool) -> &Kernel {
        let overrides = [("wide", wide), ("dot_product", dot_product)];
        self.assign[usize::from(wide)][usize::from(dot_product)]
            .get_or_init(|| Kernel::with(context, &lloyd::ASSIGN, self.features, &overrides))
    }

    fn decide(&self, context: &Context, wide: bool) -> &Kernel {
        self.decide[usize::from(wide)]
            .get_or_init(|| Kernel::with(context, &lloyd::decide::DECIDE, self.features, &[("wide", wide)]))
    }

    fn accumulate(&self, context: &Context, wide: bool, weighted: bool) -> &Kernel {
        let overrides = [("wide", wide), ("weighted", weighted)];
        self.accumulate[usize::from(wide)][usize::from(weighted)]
            .get_or_init(|| Kernel::with(context, &lloyd::ACCUMULATE, self.features, &overrides))
    }

    fn means(&self, context: &Context, dot_product: bool) -> &Kernel {
        let overrides = [("dot_product", dot_product)];
        self.means[usize::from(dot_product)]
            .get_or_init(|| Kernel::with(context, &lloyd::renew::MEANS, self.features, &overrides))
    }

    fn renew(&self, context: &Context) -> &Kernel {
        self.renew.get_or_init(|| Kernel::new(context, &lloyd::renew::RENEW, self.features))
    }

    fn nearest(&self, context: &Context) -> &Kernel {
        self.nearest.get_or_init(|| Kernel::new(context, &nearest::NEAREST, self.features))
    }

    fn distance_sums(&self, context: &Context) -> &Kernel {
        let compile = || Kernel::new(context, &distance_sums::DISTANCE_SUMS, self.features);
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

    /// What the device has been asked to do since it was opened.
    pub fn counts(&self) -> Counts {
        self.context.counters.now()
    }
}

impl Backend for Gpu {
    fn describe(&self) -> Description {
        Description { backend: "gpu", name: self.context.adapter.to_string() }
    }

    fn instruction_set(&self) -> InstructionSet {
        self.context.options.instruction_set
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

/// A table on the device, in as many buffers as the size of the largest binding requires.
struct GpuRows<'a> {
    context: &'a Context,
    kernels: Arc<Kernels>,
    matrix: &'a Matrix,
    resident: Resident,
    /// For each chunk the norms of its rows, see [`Matrix::norms`].
    norms: Vec<Buffer>,
    id: RowsId,
}

impl Rows for GpuRows<'_> {
    fn lloyd_incremental(
        &self,
        sets: &[Centroids],
        labels: bool,
        states: &mut [LloydState],
    ) -> Result<Vec<Assigned>> {
        check_sets(self.matrix, sets)?;
        pollster::block_on(lloyd::lloyd(self, sets, labels, states))
    }

    fn lloyd_passes(
        &self,
        sets: &mut [Centroids],
        states: &mut [LloydState],
        passes: Passes<'_>,
    ) -> Result<Vec<Advanced>> {
        check_sets(self.matrix, sets)?;
        match pollster::block_on(lloyd::lloyd_passes(self, sets, states, passes))? {
            Some(advanced) => Ok(advanced),
            None => one_pass(self, sets, states),
        }
    }

    fn nearest(
        &self,
        queries: &Matrix,
        self_matches: SelfMatches<'_>,
        metric: Metric,
    ) -> Result<Vec<Neighbour>> {
        check_queries(self.matrix, queries, self_matches)?;
        pollster::block_on(nearest::nearest(self, queries, self_matches, metric))
    }

    fn margins(&self, centroids: &Centroids, first: usize, labels: &[u32]) -> Result<Vec<Margin>> {
        check_labels(self.matrix, centroids, first, labels)?;
        Ok(host::margins::margins(
            self.context.options.instruction_set,
            self.matrix,
            centroids,
            first,
            labels,
        ))
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
