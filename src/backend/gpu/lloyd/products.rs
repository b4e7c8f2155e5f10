//! The host's side of `assign` by dot products: `shaders/few_features.wgsl` and `shaders/many_features.wgsl`.

use super::super::context::{Adapter, Context};
use super::super::interface::{Binding, EntryPoint, shared_struct};
use super::super::source::MAX_ITERATIONS;
use super::Set;
use super::points::point_quads;
use crate::error::Result;
use crate::matrix::TILE;

/// Threads of a workgroup, with four rows each.
const THREADS: usize = 128;

/// vec4s of points in the workgroup memory of `assign_few_features`.
const STAGED: usize = 1024;

/// Points that `assign_many_features` compares together, and their vec4s in workgroup memory at a time.
const TOGETHER: usize = 16;
const DEPTH: usize = 16;

/// From so many points on a set is compared in fours.
const LARGE: usize = 256;

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

/// Labels rows of few features.
pub(in crate::backend::gpu) static FEW_FEATURES: EntryPoint = EntryPoint {
    file: "few_features",
    name: "assign_few_features",
    threads: THREADS,
    params: PARAMS,
    bindings: &[SETS, ROW_QUADS, NORMS, POINTS, RADII, LABELS],
    overrides: &["wide"],
    constants: &[
        ("TILE", TILE),
        ("NONE", u32::MAX as usize),
        ("THREADS", THREADS),
        ("STAGED", STAGED),
        ("LARGE", LARGE),
    ],
};

/// Labels rows of many features.
pub(in crate::backend::gpu) static MANY_FEATURES: EntryPoint = EntryPoint {
    file: "many_features",
    name: "assign_many_features",
    threads: THREADS,
    params: PARAMS,
    bindings: &[SETS, ROW_QUADS, NORMS, POINTS, RADII, LABELS],
    overrides: &["wide"],
    constants: &[
        ("TILE", TILE),
        ("NONE", u32::MAX as usize),
        ("THREADS", THREADS),
        ("TOGETHER", TOGETHER),
        ("DEPTH", DEPTH),
    ],
};

/// Whether four rows of `features` features fit a thread's registers.
fn few(adapter: &Adapter, features: usize) -> bool {
    // Software drivers keep registers in memory anyway, and so show that the kernel is right.
    let many_registers = adapter.nvidia || adapter.software;
    features <= if many_registers { MOST_FEATURES_OF_NVIDIA } else { MOST_FEATURES }
}

/// The kernel for rows of `features` features.
pub(in crate::backend::gpu) fn entry_point(adapter: &Adapter, features: usize) -> &'static EntryPoint {
    if few(adapter, features) { &FEW_FEATURES } else { &MANY_FEATURES }
}

/// How many iterations a thread needs at most for a set of `k` centroids.
fn iterations(adapter: &Adapter, k: usize, features: usize) -> usize {
    let quads = point_quads(features);
    if few(adapter, features) {
        // The fours, those that a load to workgroup memory cuts off, the loads, and the fours that are computed again.
        let loads = k.div_ceil(STAGED / quads) + 1;
        k / 4 + loads * (STAGED / THREADS + 5) + if k >= LARGE { 4 * (quads + 1) } else { 0 } + 4
    } else {
        // A set may share its first and its last points with others.
        let loads = (TOGETHER * DEPTH / THREADS + 1) * quads.div_ceil(DEPTH);
        (k.div_ceil(TOGETHER) + 1) * (quads + loads + TOGETHER + 1) + 1
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
            room: (STAGED / point_quads(features)) as u32,
        }
    }

    /// The workgroups of the dispatch.
    pub(super) fn groups(&self) -> [usize; 3] {
        let rows = (self.rows as usize).div_ceil(4 * THREADS);
        [rows, self.sets.div_ceil(self.sets_per_thread) as usize, 1]
    }
}
