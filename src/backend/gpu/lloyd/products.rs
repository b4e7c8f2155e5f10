//! The host's side of `shaders/products.wgsl`, `assign` by dot products: which of its two kernels labels a table's rows.

pub(in crate::backend::gpu) mod few_features;
pub(in crate::backend::gpu) mod many_features;

use super::super::context::{Adapter, Context};
use super::super::interface::{Binding, shared_struct};
use super::super::source::MAX_ITERATIONS;
use super::Set;
use super::points::point_quads;
use crate::error::Result;

/// Threads of a workgroup, with four rows each.
const THREADS: usize = 128;

/// If a pass has fewer threads than this, its sets are divided among more. An H100 has room for about a third of them at
/// once; in the trial, three workgroups for each 512 rows were the quickest for 205,843 rows and 30 sets.
const BUSY_THREADS: usize = 1 << 17;

/// A thread of `assign_few_features` takes four registers a feature, and some 60 more. NVIDIA's have up to 255. AMD's compiler
/// stops at 132 for some chips and keeps what is above in memory, and on others no second wave fits beside the first.
const MOST_FEATURES: usize = 16;
const MOST_FEATURES_OF_NVIDIA: usize = 48;

shared_struct! {
    pub(super) struct Params {
        first: u32,
        rows: u32,
        features: u32,
        sets: u32,
        sets_per_thread: u32,
        slot_words: u32,
        point_quads: u32,
        room: u32,
    }
}

const PARAMS: Binding = Binding::uniform::<Params>(0, "params");
pub(super) const SETS: Binding = Binding::read::<Set>(1, "sets");
pub(super) const ROW_QUADS: Binding = Binding::read::<[f32; 4]>(2, "row_quads");
pub(super) const NORMS: Binding = Binding::read::<[f32; 4]>(3, "norms");
pub(super) const POINTS: Binding = Binding::read::<[f32; 4]>(4, "points");
pub(super) const RADII: Binding = Binding::read::<f32>(5, "radii");
pub(super) const LABELS: Binding = Binding::read_write::<u32>(6, "labels");

/// Whether four rows of `features` features fit a thread's registers, so that `assign_few_features` is the better kernel.
pub(in crate::backend::gpu) fn few(adapter: &Adapter, features: usize) -> bool {
    // Software drivers keep registers in memory anyway, and so show that the kernel is right.
    let many_registers = adapter.nvidia || adapter.software;
    features <= if many_registers { MOST_FEATURES_OF_NVIDIA } else { MOST_FEATURES }
}

/// How many iterations a thread needs at most for a set of `k` centroids.
fn iterations(adapter: &Adapter, k: usize, features: usize) -> usize {
    if few(adapter, features) {
        few_features::iterations(k, features)
    } else {
        many_features::iterations(k, features)
    }
}

/// Whether a software driver can go through a set of `k` centroids.
///
/// # Errors
/// It cannot: it leaves loops after a while.
pub(super) fn check_iterations(context: &Context, k: usize, features: usize) -> Result<()> {
    if context.adapter.software && iterations(&context.adapter, k, features) > 2 * MAX_ITERATIONS - 16 {
        let what = format!("a software driver cannot go through {k} centroids of {features} features");
        return Err(context.failed(format!("{what}; use the CPU")));
    }
    Ok(())
}

impl Params {
    /// For `count` rows from row `first` of a chunk, and `sets` sets of at most `largest` centroids.
    pub(super) fn new(
        adapter: &Adapter,
        (first, count, features): (usize, usize, usize),
        (sets, largest): (usize, usize),
        slot_words: usize,
    ) -> Self {
        // A thread loads its rows once for all its sets. If there are few rows, their sets are spread over more threads.
        let groups = BUSY_THREADS.div_ceil(count.div_ceil(4)).clamp(1, sets);
        let most = MAX_ITERATIONS / iterations(adapter, largest, features);
        Params {
            first: first as u32,
            rows: count as u32,
            features: features as u32,
            sets: sets as u32,
            sets_per_thread: sets.div_ceil(groups).min(most).max(1) as u32,
            slot_words: slot_words as u32,
            point_quads: point_quads(features) as u32,
            room: few_features::room(features) as u32,
        }
    }

    /// The workgroups of the dispatch.
    pub(super) fn groups(&self) -> [usize; 3] {
        let rows = (self.rows as usize).div_ceil(4 * THREADS);
        [rows, self.sets.div_ceil(self.sets_per_thread) as usize, 1]
    }
}
