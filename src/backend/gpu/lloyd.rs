//! The host's side of `shaders/lloyd.wgsl`: sets in batches, rows in passes, and what the filter left undecided.

mod labels;
mod points;
#[cfg(test)]
mod tests;

use super::GpuRows;
use super::buffer::{Output, WEIGHT_DIGIT, read_outputs, upload};
use super::kernel::{MAX_GROUPS, MOST_TURNS, Pass, WORKGROUP, out, passes, turns, whole};
use crate::backend::{Assigned, Memory};
use crate::canonical::{self, Centroids};
use crate::error::Result;
use bytemuck::{Pod, Zeroable};
use labels::{Form, Labels, Last, Sums};
use points::Points;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Words of the table in which a workgroup of `accumulate` adds up (as in the shader).
const TABLE: usize = 2048;

/// Rows that such a workgroup looks at in one round, and the most it may add up.
const ROUND: usize = 1024;
const MOST_ROWS: usize = 1 << 14;

/// Workgroups and threads that keep a large GPU busy.
const BUSY_GROUPS: usize = 1 << 11;
const BUSY: usize = 1 << 18;

/// Limbs of a sum.
const LIMBS: usize = 3;

/// Undecided rows that come back with the sums; where there are more, another round trip brings them.
const FEW: usize = 1023;

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    first: u32,
    rows: u32,
    features: u32,
    columns: u32,
    sets: u32,
    share: u32,
    slot: u32,
    block: u32,
    width: u32,
    held: u32,
    unused: [u32; 2],
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Set {
    first_pack: u32,
    packs: u32,
    first_sum: u32,
    centroids: u32,
    certificate: [f32; 4],
    before: u32,
    after: u32,
    forget: u32,
    unused: u32,
}

/// One undecided row in this many is too many for the product form.
const TOO_MANY: usize = 256;

/// Sets that go together, and where their labels are.
struct Batch<'a> {
    sets: &'a [Centroids],
    lasts: Vec<Last>,
    /// For each whether it was assigned before.
    seen: Vec<bool>,
    labels: Arc<Labels>,
}

/// A row that the filter could not decide, and its canonical label.
struct Decided {
    set: usize,
    row: usize,
    label: usize,
}

pub(super) async fn lloyd(
    rows: &GpuRows<'_>,
    sets: &[Centroids],
    want: bool,
    memories: &mut [Memory],
) -> Result<Vec<Assigned>> {
    let mut lasts: Vec<Option<Last>> = sets
        .iter()
        .enumerate()
        .map(|(s, set)| memories.get_mut(s).and_then(|memory| memory.take(rows.id, set.k())))
        .collect();
    let fresh = sets.iter().zip(&lasts).filter(|(_, last)| last.is_none()).map(|(set, _)| set);
    let form = Form::new(rows, fresh, !memories.is_empty());
    let mut out = Vec::with_capacity(sets.len());
    for range in batches(rows, sets, &lasts, form) {
        let mut batch = Batch::new(rows, &sets[range.clone()], &mut lasts[range.clone()], form);
        out.extend(assign(rows, &mut batch, want).await?);
        for (s, last) in range.zip(batch.lasts) {
            if let Some(memory) = memories.get_mut(s).filter(|_| batch.labels.stay()) {
                memory.keep(rows.id, sets[s].k(), last);
            }
        }
    }
    Ok(out)
}

/// Sets that go together: their packs fit a binding, as do their sums, and their labels are in the same buffers.
fn batches(rows: &GpuRows<'_>, sets: &[Centroids], lasts: &[Option<Last>], form: Form) -> Vec<Range<usize>> {
    let limit = rows.context.max_binding() as usize / 4;
    let columns = rows.matrix.features() + 2;
    let place = |s: usize| lasts[s].as_ref().map(|last| Arc::as_ptr(&last.labels));
    let mut batches = Vec::new();
    let (mut start, mut words) = (0, 0);
    for (s, set) in sets.iter().enumerate() {
        let own = set.k().next_multiple_of(4) * columns * LIMBS;
        let most = if lasts[s].is_some() { MAX_GROUPS } else { form.most.min(MAX_GROUPS) };
        let full = words + own > limit || s - start >= most.min(limit / 64) || place(s) != place(start);
        if full && s > start {
            batches.push(start..s);
            (start, words) = (s, 0);
        }
        words += own;
    }
    if start < sets.len() {
        batches.push(start..sets.len());
    }
    batches
}

impl<'a> Batch<'a> {
    fn new(rows: &GpuRows<'_>, sets: &'a [Centroids], lasts: &mut [Option<Last>], form: Form) -> Self {
        let labels = match lasts.first() {
            Some(Some(last)) => Arc::clone(&last.labels),
            _ => Arc::new(Labels::new(rows, form, sets.len())),
        };
        let seen = lasts.iter().map(Option::is_some).collect();
        let lasts = lasts.iter_mut().zip(sets).enumerate().map(|(place, (last, set))| {
            last.take().unwrap_or_else(|| Last {
                labels: Arc::clone(&labels),
                place,
                slot: 0,
                sums: Sums::zero(set),
                product: points::product_serves(rows.matrix, set),
            })
        });
        Batch { sets, lasts: lasts.collect(), seen, labels }
    }

    /// The sets as the shader wants them, and how many centroids they have. The slots of a set that was assigned
    /// before change places.
    fn sets(&mut self, points: &Points) -> (Vec<Set>, usize) {
        let slots = self.labels.form.slots;
        let mut centroids = 0;
        let sets = self.sets.iter().zip(&mut self.lasts).zip(&self.seen).zip(&points.sets);
        let sets = sets.map(|(((set, last), &seen), points)| {
            let before = last.place * slots + last.slot;
            if seen {
                last.slot = 1 - last.slot;
            }
            let first_sum = centroids as u32;
            centroids += set.k();
            Set {
                first_pack: points.packs.start as u32,
                packs: points.packs.len() as u32,
                first_sum,
                centroids: set.k() as u32,
                certificate: points.certificate,
                before: before as u32,
                after: (last.place * slots + last.slot) as u32,
                forget: if seen { 0 } else { u32::MAX },
                unused: 0,
            }
        });
        (sets.collect(), centroids)
    }
}

/// How `accumulate` shares its work out.
struct Shares {
    /// Features, count, and weight where rows have one.
    columns: usize,
    width: usize,
    held: usize,
    /// Chunks of columns x chunks of centroids.
    chunks: usize,
}

impl Shares {
    fn new(features: usize, largest: usize, weighted: bool) -> Self {
        let (columns, pieces) = if weighted { (features + 2, 3) } else { (features + 1, 2) };
        let entries = TABLE / pieces;
        let widest = (entries / largest).clamp(1, columns.min(256));
        let width = columns.div_ceil(columns.div_ceil(widest));
        let held = (entries / width).min(largest);
        Shares { columns, width, held, chunks: columns.div_ceil(width) * largest.div_ceil(held) }
    }

    /// Rows of a workgroup: few enough that there are workgroups for all of a GPU, else as many as may be.
    fn block(&self, rows: usize, sets: usize) -> usize {
        let blocks = (BUSY_GROUPS / (self.chunks * sets)).max(1);
        rows.div_ceil(blocks).next_multiple_of(ROUND).min(MOST_ROWS)
    }
}

async fn assign(rows: &GpuRows<'_>, batch: &mut Batch<'_>, want: bool) -> Result<Vec<Assigned>> {
    let (context, matrix, kernels) = (rows.context, rows.matrix, &rows.kernels);
    let (d, sets) = (matrix.features(), batch.sets.len());
    let weighted = matrix.weights().is_some();
    let wide = batch.labels.form.wide;
    // Where f32 is exact the distances decide ties too.
    let exact = batch.sets.iter().any(|set| points::exact(matrix, set));
    let product = !exact && batch.lasts.iter().all(|last| last.product);
    let points = Points::new(matrix, batch.sets, product);
    let (device_sets, centroids) = batch.sets(&points);
    let largest = batch.sets.iter().map(Centroids::k).max().unwrap_or(1);
    if context.adapter.software && turns(largest.div_ceil(4), d) > 2 * MOST_TURNS - 16 {
        let what =
            format!("a software driver cannot go through {largest} centroids of {d} features; use the CPU");
        return Err(context.failed(what));
    }
    let shares = Shares::new(d, largest, weighted);
    let words = centroids * shares.columns * LIMBS;
    // Rows are added up once for each digit of the weights; without weights once.
    let digits = rows.resident.chunks.first().map_or(1, |chunk| chunk.weights.len().max(1));
    let sums: Vec<Output> = (0..digits).map(|_| Output::new(context, words)).collect();
    let set_buffer = upload(context, &device_sets);
    let (packs, ids) = (upload(context, &points.packs), upload(context, &points.ids));
    let steps: Vec<f32> = (0..d).map(|j| matrix.steps_per_unit(j)).collect();
    let steps = upload(context, &steps);
    let passes: Vec<(Pass<'_>, &Output, &wgpu::Buffer)> = rows
        .resident
        .chunks
        .iter()
        .zip(&batch.labels.chunks)
        .zip(&rows.norms)
        .flat_map(|((chunk, labels), norms)| {
            let passes = passes(context, std::slice::from_ref(chunk), sets);
            passes.into_iter().map(move |pass| (pass, labels, norms))
        })
        .collect();
    let room = 1 + passes.iter().map(|(pass, ..)| pass.rows.len()).max().unwrap_or(0) * sets;
    let undecided = Output::new(context, room);

    let mut decided = Vec::new();
    let mut moved: Vec<Vec<u32>> = Vec::new();
    for (p, (pass, labels, norms)) in passes.iter().enumerate() {
        let count = pass.rows.len();
        // A thread loads its row once for all its sets; few rows spread their sets over more threads.
        let share = sets.div_ceil((BUSY / count).clamp(1, sets));
        let share = share.min(MOST_TURNS / turns(largest.div_ceil(4), d)).max(1);
        let block = shares.block(count, sets);
        let params = Params {
            first: pass.rows.start as u32,
            rows: count as u32,
            features: d as u32,
            columns: shares.columns as u32,
            sets: sets as u32,
            share: share as u32,
            slot: batch.labels.form.words(pass.chunk) as u32,
            block: block as u32,
            width: shares.width as u32,
            held: shares.held as u32,
            unused: [0; 2],
        };
        let mut work = context.work();
        if p == 0 {
            sums.iter().for_each(|sums| sums.clear_in(&mut work, words));
        }
        undecided.clear_in(&mut work, 1);
        let table = whole(1, &pass.chunk.buffer);
        let own = [out(3, labels), whole(4, &packs), whole(5, &ids), out(6, &undecided), whole(12, norms)];
        let bindings = [&[table, whole(2, &set_buffer)], &own[..]].concat();
        let groups = [count.div_ceil(WORKGROUP), sets.div_ceil(share), 1];
        kernels.assign(context, wide, product).record(context, &mut work, params, &bindings, groups);
        let groups = [count.div_ceil(block), shares.chunks, sets];
        for (digit, sums) in sums.iter().enumerate() {
            // Something has to be bound where there are no weights.
            let weights = pass.chunk.weights.get(digit).unwrap_or(&ids);
            let own = [whole(7, &pass.chunk.buffer), whole(8, weights), out(9, labels)];
            let bindings = [&[whole(2, &set_buffer)], &own[..], &[whole(10, &steps), out(11, sums)]].concat();
            kernels.accumulate(context, wide, weighted).record(context, &mut work, params, &bindings, groups);
        }

        // The sums come with the last pass' list.
        let last = if p + 1 == passes.len() { words } else { 0 };
        let mut parts = vec![(&undecided, room.min(1 + FEW))];
        parts.extend(sums.iter().map(|sums| (sums, last)));
        let mut read = read_outputs(context, work, &parts).await?;
        let mut list = std::mem::take(&mut read[0]);
        moved = read.split_off(1);
        let count = list[0] as usize;
        if count > FEW {
            list = undecided.read(context, 1 + count).await?;
        }
        decided.extend(decide(rows, batch.sets, pass, &list[1..1 + count]));
    }

    for (digit, moved) in moved.iter().enumerate() {
        for (last, set) in batch.lasts.iter_mut().zip(&device_sets) {
            let from = set.first_sum as usize * shares.columns * LIMBS;
            let moved = &moved[from..][..set.centroids as usize * shares.columns * LIMBS];
            last.sums.add(moved, shares.columns, d, digit);
        }
    }
    let mut done: Vec<Assigned> = batch.lasts.iter().map(|last| last.sums.assigned()).collect();
    if want {
        let labels = read_labels(rows, batch).await?;
        done.iter_mut().zip(labels).for_each(|(done, labels)| done.labels = Some(labels));
    }
    for row in decided {
        add_decided(rows, row, &mut done);
    }
    for (last, done) in batch.lasts.iter_mut().zip(&done).filter(|_| product) {
        last.product = done.undecided <= (matrix.rows() / TOO_MANY) as u64;
    }
    Ok(done)
}

/// For each set the device's labels of all rows.
async fn read_labels(rows: &GpuRows<'_>, batch: &Batch<'_>) -> Result<Vec<Vec<u32>>> {
    let form = batch.labels.form;
    let mut labels = vec![Vec::with_capacity(rows.matrix.rows()); batch.sets.len()];
    for (chunk, output) in rows.resident.chunks.iter().zip(&batch.labels.chunks) {
        let last = batch.lasts.iter().map(|last| last.place * form.slots + last.slot).max().unwrap_or(0);
        let words: Vec<u32> = output.read(rows.context, form.words(chunk) * (last + 1)).await?;
        for (labels, last) in labels.iter_mut().zip(&batch.lasts) {
            labels.extend(batch.labels.unpack(chunk, &words, last.place * form.slots + last.slot));
        }
    }
    Ok(labels)
}

impl Sums {
    /// Adds what moved by one digit of the weights: three limbs for each centroid and column, the features first.
    fn add(&mut self, moved: &[u32], columns: usize, features: usize, digit: usize) {
        let shift = WEIGHT_DIGIT * digit;
        for (c, values) in moved.chunks_exact(columns * LIMBS).enumerate() {
            let values = values.as_chunks::<LIMBS>().0;
            for (sum, &value) in self.steps[c * features..].iter_mut().zip(&values[..features]) {
                *sum += whole_number(value) << shift;
            }
            if digit == 0 {
                self.counts[c] += whole_number(values[features]);
            }
            self.weights[c] += whole_number(values[columns - 1]) << shift;
        }
    }

    fn assigned(&self) -> Assigned {
        Assigned {
            sums: self.steps.clone(),
            counts: self.counts.iter().map(|&count| count as u64).collect(),
            weights: self.weights.iter().map(|&weight| weight as u128).collect(),
            labels: None,
            undecided: 0,
        }
    }
}

/// Three limbs, lowest first, in two's complement.
fn whole_number([low, mid, high]: [u32; LIMBS]) -> i128 {
    i128::from(high as i32) << 64 | i128::from(mid) << 32 | i128::from(low)
}

/// Labels what the filter could not prove.
fn decide(rows: &GpuRows<'_>, sets: &[Centroids], pass: &Pass<'_>, list: &[u32]) -> Vec<Decided> {
    list.par_iter()
        .map(|&at| {
            let set = at as usize / pass.rows.len();
            let row = pass.numbers().start + at as usize % pass.rows.len();
            Decided { set, row, label: canonical::label(rows.matrix, row, &sets[set]).label as usize }
        })
        .collect()
}

/// Adds such a row where it belongs.
fn add_decided(rows: &GpuRows<'_>, Decided { set, row, label }: Decided, done: &mut [Assigned]) {
    let (matrix, done) = (rows.matrix, &mut done[set]);
    let weight = matrix.weights().map_or(1, |w| w[row]);
    let sums = &mut done.sums[label * matrix.features()..];
    for ((j, v), sum) in matrix.row(row).enumerate().zip(sums) {
        *sum += (v * matrix.steps_per_unit(j)) as i128 * i128::from(weight);
    }
    done.counts[label] += 1;
    done.weights[label] += u128::from(weight);
    done.undecided += 1;
    if let Some(labels) = &mut done.labels {
        labels[row] = label as u32;
    }
}
