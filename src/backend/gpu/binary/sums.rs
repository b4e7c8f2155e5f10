//! Sums of distances: the table's rows side by side, compared with all rows in the order of their joint labels.

use super::{Chunk, GpuBinaryRows, Params, ROWS};
use crate::backend::gpu::buffer::{Buffer, Output, read_outputs, upload};
use crate::backend::gpu::interface::{Binding, EntryPoint};
use crate::backend::gpu::kernel::{Kernel, MAX_GROUPS, WORKGROUP};
use crate::backend::gpu::pairs::Pace;
use crate::backend::gpu::source::MAX_ITERATIONS;
use crate::backend::host::joint_labels::{groups, slots};
use crate::backend::knn::user_sum;
use crate::backend::{BinaryMetric, Labeling, SumsSink};
use crate::error::Result;
use crate::progress::Progress;
use rayon::prelude::*;
use std::ops::Range;
use std::time::Instant;

/// Columns that lie side by side.
const QUAD: usize = 4;

/// A dispatch is cut into about so many workgroups, at least.
const GROUPS: usize = 2048;

const COLUMNS: Binding = Binding::read::<[u32; 4]>(5, "columns");
const JOINT: Binding = Binding::read::<u32>(6, "joint");
const SLOTS: Binding = Binding::read::<u32>(7, "slots");
const SUMS: Binding = Binding::read_write::<u32>(8, "sums");

/// An entry point of `shaders/binary.wgsl`.
pub(in crate::backend::gpu) static BINARY_SUMS: EntryPoint = EntryPoint {
    file: "binary",
    name: "binary_sums",
    threads: WORKGROUP,
    params: Binding::uniform::<Params>(0, "params"),
    bindings: &[ROWS, COLUMNS, JOINT, SLOTS, SUMS],
    overrides: &[],
    constants: &[],
};

/// Some of the table's rows in the order of their joint labels.
struct Columns {
    words: Buffer,
    /// For each its joint label.
    joint: Buffer,
    count: usize,
}

impl GpuBinaryRows<'_> {
    fn columns(&self, order: &[u32], joint: &[u32]) -> Vec<Columns> {
        let (context, table) = (self.context, self.table);
        let words = table.width() + 1;
        let most = (context.max_binding() as usize / (4 * QUAD * words)).max(1) * QUAD;
        let part = |(order, joint): (&[u32], &[u32])| {
            let mut values = vec![[0u32; QUAD]; order.len().div_ceil(QUAD) * words];
            values.par_chunks_mut(words).zip(order.par_chunks(QUAD)).for_each(|(values, rows)| {
                for (place, row) in rows.iter().map(|&row| row as usize).enumerate() {
                    let ones = table.ones(row);
                    let all = table.row(row).iter().chain(std::iter::once(&ones));
                    values.iter_mut().zip(all).for_each(|(quad, word)| quad[place] = *word);
                }
            });
            Columns { words: upload(context, &values), joint: upload(context, joint), count: order.len() }
        };
        order.chunks(most).zip(joint.chunks(most)).map(part).collect()
    }

    pub(super) async fn add_distances(
        &self,
        metric: BinaryMetric,
        labelings: &[Labeling<'_>],
        progress: Progress<'_>,
        sink: SumsSink<'_>,
    ) -> Result<()> {
        let (context, table) = (self.context, self.table);
        let width: usize = labelings.iter().map(|labeling| labeling.k).sum();
        let (order, runs) = groups(table.rows(), labelings);
        let of_run = |(label, run): (usize, &Range<usize>)| std::iter::repeat_n(label as u32, run.len());
        let joint: Vec<u32> = runs.iter().enumerate().flat_map(of_run).collect();
        let of_label = |run: &Range<usize>| slots(labelings, order[run.start] as usize);
        let slots: Vec<u32> = runs.iter().flat_map(of_label).collect();
        let slots = upload(context, &slots);
        let columns = self.columns(&order, &joint);
        let fit = context.pass_bytes() as usize / (8 * width.max(1));
        let together = (fit / WORKGROUP).clamp(1, MAX_GROUPS) * WORKGROUP;
        let kernel = self.kernels.binary_sums(context);
        let mut job = Job {
            rows: self,
            kernel,
            metric,
            labelings: labelings.len(),
            width,
            columns: &columns,
            slots: &slots,
            pace: Pace::new(),
            progress,
            done: 0,
        };
        for chunk in &self.chunks {
            for first in (0..chunk.rows).step_by(together) {
                let own = first..chunk.rows.min(first + together);
                let sums = job.sums(chunk, own.clone())?;
                let parts = [(&sums, 2 * width * own.len())];
                let sums = read_outputs(context, context.work(), &parts).await?.swap_remove(0);
                let all: Vec<f64> = (0..own.len())
                    .into_par_iter()
                    .with_min_len(64)
                    .flat_map_iter(|i| {
                        let (sums, own) = (&sums, own.len());
                        (0..width).map(move |slot| {
                            let at = 2 * (slot * own + i);
                            user_sum(u64::from(sums[at]) | u64::from(sums[at + 1]) << 32)
                        })
                    })
                    .collect();
                sink(chunk.first + own.start..chunk.first + own.end, &all)?;
            }
        }
        Ok(())
    }
}

struct Job<'a> {
    rows: &'a GpuBinaryRows<'a>,
    kernel: &'a Kernel,
    metric: BinaryMetric,
    labelings: usize,
    width: usize,
    columns: &'a [Columns],
    slots: &'a Buffer,
    pace: Pace,
    progress: Progress<'a>,
    /// Pairs.
    done: u64,
}

impl Job<'_> {
    /// The sums of some rows of a chunk.
    fn sums(&mut self, chunk: &Chunk, own: Range<usize>) -> Result<Output> {
        let (context, table) = (self.rows.context, self.rows.table);
        let words = 2 * self.width * own.len();
        let sums = Output::new(context, words);
        sums.clear(context, words);
        let groups = own.len().div_ceil(WORKGROUP);
        let total = (table.rows() * table.rows()) as u64;
        // A thread has a loop over the words, and one over the four columns with one over the labelings in it.
        let most = (MAX_ITERATIONS / (table.width() + 1 + QUAD * (self.labelings + 1))).max(1);
        for columns in self.columns {
            let quads = columns.count.div_ceil(QUAD);
            let work = own.len() * QUAD * (table.width() + 1 + self.labelings);
            let mut next = 0;
            while next < quads {
                let steps = self.pace.steps(work).min(quads - next);
                let slices = GROUPS.div_ceil(groups).clamp(steps.div_ceil(most), MAX_GROUPS);
                let per_slice = steps.div_ceil(slices).min(most);
                let steps = steps.min(per_slice * MAX_GROUPS);
                let params = Params {
                    first: next as u32,
                    end: (next + steps) as u32,
                    quads_per_slice: per_slice as u32,
                    first_own: own.start as u32,
                    own: own.len() as u32,
                    columns: columns.count as u32,
                    labelings: self.labelings as u32,
                    ..self.rows.params(self.metric, chunk)
                };
                let bindings = [
                    ROWS.to(&chunk.buffer),
                    COLUMNS.to(&columns.words),
                    JOINT.to(&columns.joint),
                    SLOTS.to(self.slots),
                    SUMS.to(&sums),
                ];
                let start = Instant::now();
                self.kernel.dispatch(context, params, &bindings, [groups, steps.div_ceil(per_slice), 1]);
                self.pace.wait(context, (work * steps) as f64, start)?;
                next += steps;
                self.done += (own.len() * steps * QUAD) as u64;
                self.progress.step("silhouette", self.done.min(total), total)?;
            }
        }
        Ok(sums)
    }
}
