//! The host's side of `shaders/binary.wgsl`: tables of 0 and 1.
//!
//! Distances have 32 fractional bits on the device, which tell apart quotients of numbers below 2^16. Tables with more
//! features are left to the host.

pub(super) mod sums;

use super::buffer::{Buffer, Output, read_outputs, upload};
use super::context::Context;
use super::interface::{Binding, EntryPoint, shared_struct};
use super::kernel::MAX_GROUPS;
use super::pairs::Pace;
use super::source::MAX_ITERATIONS;
use super::{Gpu, SharedKernels};
use crate::backend::{
    BinaryMetric, BinaryRows, Labeling, NeighbourLists, SelfMatches, SumsSink, check_binary_labelings,
    check_binary_queries, check_knn, host,
};
use crate::error::Result;
use crate::matrix::BinaryMatrix;
use crate::progress::Progress;
use rayon::prelude::*;
use std::time::Instant;

/// The device compares rows of at most so many features.
const MOST_FEATURES: usize = (1 << 16) - 1;

/// Threads of a workgroup that searches for neighbours (`shaders/select.wgsl`), and the rows that each looks at in a step.
pub(super) const SELECT_THREADS: usize = 256;
pub(super) const SELECT_OFFERS: usize = 2;

/// How often a thread goes through loops where it sorts what was found in a step.
pub(super) const SELECT_ITERATIONS: usize = 192;

/// No row.
pub(super) const SELECT_NONE: usize = u32::MAX as usize;

shared_struct! {
    struct Params {
        width: u32,
        features: u32,
        hamming: u32,
        k: u32,
        rows: u32,
        stride: u32,
        first_row: u32,
        first: u32,
        end: u32,
        quads_per_slice: u32,
        kept: u32,
        first_own: u32,
        own: u32,
        columns: u32,
        labelings: u32,
        unused: u32,
    }
}

const ROWS: Binding = Binding::read::<u32>(1, "rows");
const QUERIES: Binding = Binding::read::<u32>(2, "queries");
const EXCLUDED: Binding = Binding::read::<u32>(3, "excluded");
const LISTS: Binding = Binding::read_write::<[u32; 2]>(4, "lists");

/// An entry point of `shaders/binary.wgsl`.
pub(super) static BINARY_KNN: EntryPoint = EntryPoint {
    file: "binary",
    name: "binary_knn",
    threads: SELECT_THREADS,
    params: Binding::uniform::<Params>(0, "params"),
    bindings: &[ROWS, QUERIES, EXCLUDED, LISTS],
    overrides: &[],
    constants: &[
        ("SELECT_THREADS", SELECT_THREADS),
        ("SELECT_OFFERS", SELECT_OFFERS),
        ("SELECT_ITERATIONS", SELECT_ITERATIONS),
        ("SELECT_NONE", SELECT_NONE),
    ],
};

/// Rows on the device: word `w` of the `i`-th is at `w * rows + i`. Its last word is the number of its ones.
struct Chunk {
    buffer: Buffer,
    /// The number of its first row in the table.
    first: usize,
    rows: usize,
}

/// A table of 0 and 1 on the device.
pub(super) struct GpuBinaryRows<'a> {
    context: &'a Context,
    kernels: &'a SharedKernels,
    table: &'a BinaryMatrix,
    chunks: Vec<Chunk>,
}

impl<'a> GpuBinaryRows<'a> {
    pub(super) fn load(gpu: &'a Gpu, table: &'a BinaryMatrix) -> Result<Self> {
        let context = &*gpu.context;
        let words = table.width() + 1;
        let most = (context.max_binding() / (4 * words as u64)).max(1) as usize;
        let mut chunks = Vec::new();
        for first in (0..table.rows()).step_by(most).take_while(|_| table.features() <= MOST_FEATURES) {
            let rows = most.min(table.rows() - first);
            let mut values = vec![0u32; words * rows];
            values.par_chunks_mut(rows).enumerate().for_each(|(w, values)| {
                let word = |i| table.row(i).get(w).copied().unwrap_or_else(|| table.ones(i));
                values.iter_mut().zip(first..).for_each(|(value, i)| *value = word(i));
            });
            chunks.push(Chunk { buffer: upload(context, &values), first, rows });
        }
        context.check()?;
        Ok(GpuBinaryRows { context, kernels: &gpu.shared, table, chunks })
    }

    /// What all dispatches over a chunk have in common.
    fn params(&self, metric: BinaryMetric, chunk: &Chunk) -> Params {
        Params {
            width: self.table.width() as u32,
            features: self.table.features() as u32,
            hamming: u32::from(metric == BinaryMetric::Hamming),
            rows: chunk.rows as u32,
            stride: chunk.rows as u32,
            first_row: chunk.first as u32,
            ..bytemuck::Zeroable::zeroed()
        }
    }
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
        check_binary_queries(self.table, queries)?;
        check_knn(self.table.rows(), queries.rows(), self_matches, k)?;
        if self.table.features() > MOST_FEATURES {
            return host::knn::binary(self.table, queries, self_matches, metric, k, progress);
        }
        pollster::block_on(self.search(queries, self_matches, metric, k, progress))
    }

    fn distance_sums(
        &self,
        metric: BinaryMetric,
        labelings: &[Labeling<'_>],
        progress: Progress<'_>,
        sink: SumsSink<'_>,
    ) -> Result<()> {
        check_binary_labelings(self.table, labelings)?;
        if self.table.features() > MOST_FEATURES {
            return host::knn::distance_sums(self.table, metric, labelings, progress, sink);
        }
        pollster::block_on(self.add_distances(metric, labelings, progress, sink))
    }
}

impl GpuBinaryRows<'_> {
    async fn search(
        &self,
        queries: &BinaryMatrix,
        self_matches: SelfMatches<'_>,
        metric: BinaryMetric,
        k: usize,
        progress: Progress<'_>,
    ) -> Result<NeighbourLists> {
        let (context, table) = (self.context, self.table);
        let words = table.width() + 1;
        let fit = context.pass_bytes() as usize / (8 * k);
        let bound = context.max_binding() as usize / (4 * words);
        let together = fit.min(bound).clamp(1, MAX_GROUPS);
        let kernel = self.kernels.binary_knn(context);
        let mut lists = NeighbourLists { k, rows: Vec::new(), distances: Vec::new() };
        let mut pace = Pace::new();
        let step = SELECT_THREADS * SELECT_OFFERS;
        let most = MAX_ITERATIONS / (SELECT_ITERATIONS + SELECT_OFFERS * (words + 1));
        let total = (queries.rows() * table.rows()) as u64;
        let mut done = 0;
        for first in (0..queries.rows()).step_by(together) {
            let count = together.min(queries.rows() - first);
            let mut values = Vec::with_capacity(count * words);
            for q in first..first + count {
                values.extend_from_slice(queries.row(q));
                values.push(queries.ones(q));
            }
            let own = match self_matches {
                SelfMatches::Include => vec![u32::MAX; count],
                SelfMatches::Exclude(own) => own[first..][..count].to_vec(),
            };
            let (values, own) = (upload(context, &values), upload(context, &own));
            let found = Output::new(context, 2 * k * count);
            let mut kept = 0;
            for chunk in &self.chunks {
                let bindings =
                    [ROWS.to(&chunk.buffer), QUERIES.to(&values), EXCLUDED.to(&own), LISTS.to(&found)];
                let mut next = 0;
                while next < chunk.rows {
                    let work = count * step * words;
                    let steps = pace.steps(work).clamp(1, most.max(1));
                    let end = chunk.rows.min(next + steps * step);
                    let params = Params {
                        k: k as u32,
                        first: next as u32,
                        end: end as u32,
                        kept,
                        ..self.params(metric, chunk)
                    };
                    let start = Instant::now();
                    kernel.dispatch(context, params, &bindings, [count, 1, 1]);
                    pace.wait(context, (count * (end - next) * words) as f64, start)?;
                    done += (count * (end - next)) as u64;
                    progress.step("neighbours", done, total)?;
                    (kept, next) = (k as u32, end);
                }
            }
            let found =
                read_outputs(context, context.work(), &[(&found, 2 * k * count)]).await?.swap_remove(0);
            let rows: Vec<u32> = found.chunks_exact(2).map(|pair| pair[1]).collect();
            if rows.iter().any(|&row| row as usize >= table.rows()) {
                return Err(context.failed("the device found too few neighbours"));
            }
            let distance = |(at, &row): (usize, &u32)| {
                host::knn::binary_distance(table, queries, metric, first + at / k, row as usize)
            };
            lists.distances.par_extend(rows.par_iter().enumerate().with_min_len(1024).map(distance));
            lists.rows.extend(rows);
        }
        Ok(lists)
    }
}
