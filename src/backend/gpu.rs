//! Any vendor's GPU through wgpu. The rows stay on the device; only results come back.
//!
//! The functions inside are async. This file is the edge where [`pollster`] waits for them.

mod binary;
mod buffer;
mod cache;
mod ceiling;
mod context;
mod distance_sums;
#[cfg(test)]
mod exact_tests;
mod interface;
mod kernel;
mod knn;
mod lloyd;
mod nearest;
mod pairs;
mod pool;
mod seeding;
mod source;
mod timer;
mod work;

use crate::backend::{
    Advanced, Assigned, Backend, BinaryRows, Description, Expected, Labeling, LloydState, Margin, Metric,
    Neighbour, NeighbourLists, Passes, Rows, RowsId, SeedingRun, SelfMatches, Shape, SumsSink, check_knn,
    check_labelings, check_labels, check_queries, check_sets, host, host_kmeans_plus_plus, one_pass,
    simd::InstructionSet,
};
use crate::canonical::Centroids;
use crate::error::Result;
use crate::matrix::coarse::CoarseRows;
use crate::matrix::{BinaryMatrix, Matrix, TILE};
use crate::progress::Progress;
use buffer::{Buffer, Resident, upload};
use context::Context;
pub use context::{Adapter, Counts, Options};
use kernel::Kernel;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

/// The adapters of this machine, in the order in which [`Gpu::open`] counts them.
pub fn adapters() -> Vec<Adapter> {
    context::adapters()
}

/// An opened GPU, and the kernels that were compiled for it so far.
pub struct Gpu {
    context: Arc<Context>,
    kernels: Mutex<HashMap<usize, Arc<Kernels>>>,
    shared: Arc<SharedKernels>,
    /// Threads that compile kernels which will be needed.
    compiling: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Gpu {
    fn drop(&mut self) {
        let compiling = self.compiling.get_mut().map(std::mem::take);
        // A kernel that could not be compiled is missed where it is needed.
        compiling.into_iter().flatten().for_each(|thread| drop(thread.join()));
    }
}

/// The kernels for one number of features. Each is compiled when it is first needed.
#[derive(Default)]
struct Kernels {
    features: usize,
    shared: Arc<SharedKernels>,
    /// By distances, and by dot products, each by whether a label takes a whole word.
    assign: [OnceLock<Kernel>; 2],
    assign_few_features: [OnceLock<Kernel>; 2],
    /// By whether a label takes a whole word, and whether rows have weights.
    accumulate: [[OnceLock<Kernel>; 2]; 2],
    nearest: OnceLock<Kernel>,
    choose: OnceLock<Kernel>,
    /// By whether differences are used, and whether each pair is measured once.
    distance_sums: [[OnceLock<Kernel>; 2]; 2],
    gather: OnceLock<Kernel>,
    collect: OnceLock<Kernel>,
}

/// The kernels whose code is the same for any number of features.
#[derive(Default)]
struct SharedKernels {
    /// By whether a label takes a whole word.
    assign_many_features: [OnceLock<Kernel>; 2],
    decide: [OnceLock<Kernel>; 2],
    /// By whether dot products are used.
    means: [OnceLock<Kernel>; 2],
    renew: OnceLock<Kernel>,
    /// By whether rows have weights.
    measure: [OnceLock<Kernel>; 2],
    draw: [OnceLock<Kernel>; 2],
    list_blocks: OnceLock<Kernel>,
    binary_knn: OnceLock<Kernel>,
    binary_sums: OnceLock<Kernel>,
}

/// Every entry point of every shader, for the test that compares them with the WGSL.
#[cfg(test)]
static ENTRY_POINTS: [&interface::EntryPoint; 20] = [
    &lloyd::ASSIGN,
    &lloyd::products::few_features::ASSIGN_FEW_FEATURES,
    &lloyd::products::many_features::ASSIGN_MANY_FEATURES,
    &lloyd::ACCUMULATE,
    &lloyd::decide::DECIDE,
    &lloyd::renew::MEANS,
    &lloyd::renew::RENEW,
    &nearest::NEAREST,
    &nearest::CHOOSE,
    &knn::LIST_BLOCKS,
    &distance_sums::DISTANCE_SUMS,
    &distance_sums::GATHER,
    &distance_sums::COLLECT,
    &seeding::MEASURE,
    &seeding::DRAW,
    &binary::BINARY_KNN,
    &binary::sums::BINARY_SUMS,
    &ceiling::READ_ALL,
    &ceiling::MULTIPLY_ADD,
    &exact_tests::EXACT_OPERATIONS,
];

impl Kernels {
    fn assign(&self, context: &Context, wide: bool, dot_product: bool) -> &Kernel {
        let few = lloyd::products::few(&context.adapter, self.features);
        let (entry, kernel) = match (dot_product, few) {
            (false, _) => (&lloyd::ASSIGN, &self.assign),
            (true, true) => (&lloyd::products::few_features::ASSIGN_FEW_FEATURES, &self.assign_few_features),
            (true, false) => {
                (&lloyd::products::many_features::ASSIGN_MANY_FEATURES, &self.shared.assign_many_features)
            }
        };
        kernel[usize::from(wide)]
            .get_or_init(|| Kernel::with(context, entry, self.features, &[("wide", wide)]))
    }

    fn decide(&self, context: &Context, wide: bool) -> &Kernel {
        self.shared.decide[usize::from(wide)]
            .get_or_init(|| Kernel::with(context, &lloyd::decide::DECIDE, self.features, &[("wide", wide)]))
    }

    fn accumulate(&self, context: &Context, wide: bool, weighted: bool) -> &Kernel {
        let overrides = [("wide", wide), ("weighted", weighted)];
        self.accumulate[usize::from(wide)][usize::from(weighted)]
            .get_or_init(|| Kernel::with(context, &lloyd::ACCUMULATE, self.features, &overrides))
    }

    fn means(&self, context: &Context, dot_product: bool) -> &Kernel {
        let overrides = [("dot_product", dot_product)];
        self.shared.means[usize::from(dot_product)]
            .get_or_init(|| Kernel::with(context, &lloyd::renew::MEANS, self.features, &overrides))
    }

    fn renew(&self, context: &Context) -> &Kernel {
        self.shared.renew.get_or_init(|| Kernel::new(context, &lloyd::renew::RENEW, self.features))
    }

    fn nearest(&self, context: &Context) -> &Kernel {
        self.nearest.get_or_init(|| Kernel::new(context, &nearest::NEAREST, self.features))
    }

    fn choose(&self, context: &Context) -> &Kernel {
        self.choose.get_or_init(|| Kernel::new(context, &nearest::CHOOSE, self.features))
    }

    fn list_blocks(&self, context: &Context) -> &Kernel {
        self.shared.list_blocks.get_or_init(|| Kernel::new(context, &knn::LIST_BLOCKS, self.features))
    }

    fn distance_sums(&self, context: &Context, direct: bool, once: bool) -> &Kernel {
        let overrides = [("direct", direct), ("once", once)];
        self.distance_sums[usize::from(direct)][usize::from(once)]
            .get_or_init(|| Kernel::with(context, &distance_sums::DISTANCE_SUMS, self.features, &overrides))
    }

    fn gather(&self, context: &Context) -> &Kernel {
        self.gather.get_or_init(|| Kernel::new(context, &distance_sums::GATHER, self.features))
    }

    fn collect(&self, context: &Context) -> &Kernel {
        self.collect.get_or_init(|| Kernel::new(context, &distance_sums::COLLECT, self.features))
    }

    fn measure(&self, context: &Context, weighted: bool) -> &Kernel {
        let compile = || Kernel::with(context, &seeding::MEASURE, self.features, &[("weighted", weighted)]);
        self.shared.measure[usize::from(weighted)].get_or_init(compile)
    }

    fn draw(&self, context: &Context, weighted: bool) -> &Kernel {
        let compile = || Kernel::with(context, &seeding::DRAW, self.features, &[("weighted", weighted)]);
        self.shared.draw[usize::from(weighted)].get_or_init(compile)
    }
}

impl SharedKernels {
    fn binary_knn(&self, context: &Context) -> &Kernel {
        self.binary_knn.get_or_init(|| Kernel::new(context, &binary::BINARY_KNN, 1))
    }

    fn binary_sums(&self, context: &Context) -> &Kernel {
        self.binary_sums.get_or_init(|| Kernel::new(context, &binary::sums::BINARY_SUMS, 1))
    }
}

type Compile = Box<dyn FnOnce(&Kernels, &Context) + Send>;

/// What compiles the kernels for this work, each on its own.
fn kernels_for(expected: &Expected) -> Vec<Compile> {
    let &Expected { weighted, largest_k, .. } = expected;
    let wide = largest_k > usize::from(u8::MAX);
    let mut all: Vec<Compile> = Vec::new();
    if largest_k > 0 {
        for dot_product in [true, false] {
            all.push(Box::new(move |kernels, context| _ = kernels.assign(context, wide, dot_product)));
        }
        all.push(Box::new(move |kernels, context| _ = kernels.decide(context, wide)));
        all.push(Box::new(move |kernels, context| _ = kernels.accumulate(context, wide, weighted)));
        for dot_product in [true, false] {
            all.push(Box::new(move |kernels, context| _ = kernels.means(context, dot_product)));
        }
        all.push(Box::new(|kernels, context| _ = kernels.renew(context)));
        all.push(Box::new(move |kernels, context| _ = kernels.measure(context, weighted)));
        all.push(Box::new(move |kernels, context| _ = kernels.draw(context, weighted)));
    }
    if expected.distance_sums {
        // The usual form: products, and each pair once.
        all.push(Box::new(|kernels, context| _ = kernels.distance_sums(context, false, true)));
        all.push(Box::new(|kernels, context| _ = kernels.gather(context)));
        all.push(Box::new(|kernels, context| _ = kernels.collect(context)));
    }
    if expected.nearest {
        all.push(Box::new(|kernels, context| _ = kernels.nearest(context)));
        all.push(Box::new(|kernels, context| _ = kernels.choose(context)));
    }
    all
}

impl Gpu {
    /// Opens adapter `index`.
    ///
    /// # Errors
    /// There is no such adapter, or it cannot be opened.
    pub fn open(index: usize, options: Options) -> Result<Self> {
        let context = Arc::new(pollster::block_on(Context::open(index, options))?);
        Ok(Gpu { context, kernels: Mutex::default(), shared: Arc::default(), compiling: Mutex::default() })
    }

    /// The kernels for tables of `features` features.
    fn kernels(&self, features: usize) -> Result<Arc<Kernels>> {
        let mut all = self.kernels.lock().map_err(|_| self.context.failed("a thread failed"))?;
        let shared = Arc::clone(&self.shared);
        let new = || Arc::new(Kernels { features, shared, ..Kernels::default() });
        Ok(Arc::clone(all.entry(features).or_insert_with(new)))
    }

    /// The adapter that was opened.
    pub fn adapter(&self) -> &Adapter {
        &self.context.adapter
    }

    /// Does `work`, and measures for how long the device itself is busy with it; `None` if it cannot tell.
    ///
    /// # Errors
    /// Those of `work`; the device failed.
    pub fn busy<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<(T, Option<Duration>)> {
        self.context.timer.start(&self.context);
        let done = work();
        let busy = self.context.timer.stop(&self.context);
        Ok((done?, busy?))
    }

    /// What the device has been asked to do since it was opened.
    pub fn counts(&self) -> Counts {
        self.context.counts()
    }
}

impl Backend for Gpu {
    fn describe(&self) -> Description {
        Description { backend: "gpu", name: self.context.adapter.to_string() }
    }

    fn instruction_set(&self) -> InstructionSet {
        self.context.options.instruction_set
    }

    fn kmeans_plus_plus(
        &self,
        rows: &CoarseRows,
        runs: &[SeedingRun],
        progress: Progress<'_>,
    ) -> Result<Vec<Vec<usize>>> {
        match pollster::block_on(seeding::kmeans_plus_plus(self, rows, runs, progress))? {
            Some(centres) => Ok(centres),
            None => host_kmeans_plus_plus(self.instruction_set(), rows, runs, progress),
        }
    }

    fn expect(&self, expected: &Expected) {
        let Ok(kernels) = self.kernels(expected.features) else { return };
        let Ok(mut compiling) = self.compiling.lock() else { return };
        for compile in kernels_for(expected) {
            let (kernels, context) = (Arc::clone(&kernels), Arc::clone(&self.context));
            let work = move || compile(&kernels, &context);
            // Without a thread, a kernel is compiled where it is needed.
            compiling.extend(std::thread::Builder::new().name("compile".into()).spawn(work));
        }
    }

    fn load<'a>(&'a self, matrix: &'a Matrix) -> Result<Box<dyn Rows + 'a>> {
        let shape = Shape { rows: matrix.rows(), features: matrix.features() };
        shape.check_memory(self.context.options.max_memory)?;
        let resident = Resident::upload(&self.context, matrix)?;
        let kernels = self.kernels(matrix.features())?;
        let all = matrix.norms();
        let own = resident.chunks.iter().map(|c| &all[c.first..c.first + c.rows.next_multiple_of(TILE)]);
        let norms = own.map(|norms| upload(&self.context, norms)).collect();
        let id = RowsId::new();
        Ok(Box::new(GpuRows { context: &self.context, kernels, matrix, resident, norms, id }))
    }

    fn load_binary<'a>(&'a self, table: &'a BinaryMatrix) -> Result<Box<dyn BinaryRows + 'a>> {
        Ok(Box::new(binary::GpuBinaryRows::load(self, table)?))
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

    fn knn(
        &self,
        queries: &Matrix,
        self_matches: SelfMatches<'_>,
        k: usize,
        progress: Progress<'_>,
    ) -> Result<NeighbourLists> {
        check_queries(self.matrix, queries, self_matches)?;
        check_knn(self.matrix.rows(), queries.rows(), self_matches, k)?;
        pollster::block_on(knn::knn(self, queries, self_matches, k, progress))
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
