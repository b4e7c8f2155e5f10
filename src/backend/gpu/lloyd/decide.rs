//! The host's side of `shaders/decide.wgsl`: how many threads share a row, and how many rows a workgroup looks at.

use super::super::context::Context;
use super::super::interface::{Binding, EntryPoint, shared_struct};
use super::super::kernel::MAX_GROUPS;
use super::super::source::MAX_ITERATIONS;
use super::{BUSY_GROUPS, Set};
use crate::error::Result;
use crate::matrix::TILE;

/// Threads of a workgroup.
const THREADS: usize = 256;

/// Rows that a workgroup looks at in one round.
const ROUND: usize = 1024;

shared_struct! {
    pub(super) struct Params {
        pub(super) first: u32,
        pub(super) rows: u32,
        pub(super) features: u32,
        pub(super) slot_words: u32,
        pub(super) block_rows: u32,
        pub(super) lanes: u32,
        pub(super) low: f32,
        pub(super) high: f32,
        pub(super) slack: f32,
        pub(super) unused: [u32; 3],
    }
}

const PARAMS: Binding = Binding::uniform::<Params>(0, "params");
pub(super) const SETS: Binding = Binding::read::<Set>(1, "sets");
pub(super) const ROW_BITS: Binding = Binding::read::<u32>(2, "row_bits");
pub(super) const CENTROID_BITS: Binding = Binding::read::<u32>(3, "centroid_bits");
pub(super) const LABELS: Binding = Binding::read_write::<u32>(4, "labels");
pub(super) const UNDECIDED: Binding = Binding::read_write::<u32>(5, "undecided");

/// Labels the rows that `assign` left without a label.
pub(in crate::backend::gpu) static DECIDE: EntryPoint = EntryPoint {
    file: "decide",
    name: "decide",
    threads: THREADS,
    params: PARAMS,
    bindings: &[SETS, ROW_BITS, CENTROID_BITS, LABELS, UNDECIDED],
    overrides: &["wide"],
    constants: &[("THREADS", THREADS), ("ROUND", ROUND), ("TILE", TILE), ("NONE", u32::MAX as usize)],
};

/// How the rows are divided among threads and workgroups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Threads that share a row.
    pub(super) lanes: usize,
    /// A workgroup looks at no more rows than this.
    most_rows: usize,
}

impl Shape {
    /// For sets of at most `k` centroids.
    ///
    /// # Errors
    /// A software driver, which leaves loops after a while, could not go through so many centroids.
    pub(super) fn new(context: &Context, k: usize, features: usize) -> Result<Self> {
        let lanes = k.next_power_of_two().clamp(4, THREADS / 2);
        if !context.adapter.software {
            return Ok(Shape { lanes, most_rows: 1 << 14 });
        }
        // The worst case: no row has a label, and every centroid's canonical distance is needed.
        let row = k.div_ceil(lanes) * (3 * features + 4) + 12;
        let together = THREADS / lanes;
        let most_rows = (MAX_ITERATIONS / row * together).min(ROUND) / 4 * 4;
        if most_rows == 0 && 4usize.div_ceil(together) * row > 2 * MAX_ITERATIONS - 16 {
            let what = format!("a software driver cannot decide among {k} centroids of {features} features");
            return Err(context.failed(format!("{what}; use the CPU")));
        }
        Ok(Shape { lanes, most_rows: most_rows.max(4) })
    }

    /// The most rows of a dispatch.
    pub(super) fn rows_of_a_dispatch(&self) -> usize {
        self.most_rows * MAX_GROUPS
    }

    /// Rows of a workgroup: few enough to give all of a GPU something to do.
    pub(super) fn block_rows(&self, rows: usize, sets: usize) -> usize {
        let blocks = (BUSY_GROUPS / sets).max(1);
        rows.div_ceil(blocks).next_multiple_of(ROUND).min(self.most_rows)
    }
}
