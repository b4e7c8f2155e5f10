//! The host's side of `shaders/lloyd.wgsl`: sets in batches, rows in passes, and what the filter left undecided.

mod labels;
#[cfg(test)]
mod tests;

use super::GpuRows;
use super::buffer::{Output, read_outputs, upload};
use super::kernel::{MAX_GROUPS, Pass, WORKGROUP, out, passes, whole};
use crate::backend::{Assigned, Memory};
use crate::canonical::{self, Centroids, Certificate};
use crate::error::Result;
use bytemuck::{Pod, Zeroable};
use labels::{Form, Labels, Last, Sums};
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

/// Sets that go together, and where their labels are.
struct Batch<'a> {
    sets: &'a [Centroids],
    lasts: Vec<Last>,
    /// For each whether it was assigned before.
    seen: Vec<bool>,
    labels: Arc<Labels>,
}

/// A batch as the shader wants it.
struct Uploaded {
    sets: Vec<Set>,
    packs: Vec<[f32; 4]>,
    ids: Vec<[u32; 4]>,
    centroids: usize,
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
        .map(|(s, set)| {
            let last = memories.get_mut(s).and_then(Memory::take::<Last>);
            last.filter(|last| last.sums.counts.len() == set.k())
        })
        .collect();
    let fresh = sets.iter().zip(&lasts).filter(|(_, last)| last.is_none()).map(|(set, _)| set);
    let form = Form::new(rows, fresh, !memories.is_empty());
    let mut out = Vec::with_capacity(sets.len());
    for range in batches(rows, sets, &lasts, form) {
        let mut batch = Batch::new(rows, &sets[range.clone()], &mut lasts[range.clone()], form);
        out.extend(assign(rows, &mut batch, want).await?);
        for (s, last) in range.zip(batch.lasts) {
            if let Some(memory) = memories.get_mut(s).filter(|_| batch.labels.stay()) {
                memory.keep(last);
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
            let fresh = || Last { labels: Arc::clone(&labels), place, slot: 0, sums: Sums::zero(set) };
            last.take().unwrap_or_else(fresh)
        });
        Batch { sets, lasts: lasts.collect(), seen, labels }
    }

    /// Packs, and slots for the labels: those of a set that was assigned before change places.
    fn for_device(&mut self, rows: &GpuRows<'_>) -> Uploaded {
        let d = rows.matrix.features();
        let mut to = Uploaded { sets: Vec::new(), packs: Vec::new(), ids: Vec::new(), centroids: 0 };
        for ((set, last), &seen) in self.sets.iter().zip(&mut self.lasts).zip(&self.seen) {
            let slots = self.labels.form.slots;
            let before = last.place * slots + last.slot;
            if seen {
                last.slot = 1 - last.slot;
            }
            let first = set.first_of_equals();
            let sent: Vec<u32> = (0..set.k() as u32).filter(|&c| first[c as usize]).collect();
            let Certificate { low, high, slack } = Certificate::for_values(rows.matrix, &set.values);
            to.sets.push(Set {
                first_pack: to.ids.len() as u32,
                packs: sent.len().div_ceil(4) as u32,
                first_sum: to.centroids as u32,
                centroids: set.k() as u32,
                certificate: [low, high, slack, 0.0],
                before: before as u32,
                after: (last.place * slots + last.slot) as u32,
                forget: if seen { 0 } else { u32::MAX },
                unused: 0,
            });
            for pack in sent.chunks(4) {
                let id = |i: usize| pack.get(i).copied();
                to.ids.push([0, 1, 2, 3].map(|i| id(i).unwrap_or(0)));
                // 2^124 away: farther than any row from any centroid, nearer than infinity.
                let far = |j: usize| if j == 0 { 2f32.powi(62) } else { 0.0 };
                let value = |i: usize, j: usize| id(i).map_or_else(|| far(j), |c| set.get(c as usize)[j]);
                to.packs.extend((0..d).map(|j| [0, 1, 2, 3].map(|i| value(i, j))));
            }
            to.centroids += set.k();
        }
        to
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
    let uploaded = batch.for_device(rows);
    let largest = batch.sets.iter().map(Centroids::k).max().unwrap_or(1);
    let shares = Shares::new(d, largest, weighted);
    let words = uploaded.centroids * shares.columns * LIMBS;
    let sums = Output::new(context, words);
    sums.clear(context, words);
    let set_buffer = upload(context, &uploaded.sets);
    let (packs, ids) = (upload(context, &uploaded.packs), upload(context, &uploaded.ids));
    let steps: Vec<f32> = (0..d).map(|j| matrix.steps_per_unit(j)).collect();
    let steps = upload(context, &steps);
    let passes: Vec<(Pass<'_>, &Output)> = rows
        .resident
        .chunks
        .iter()
        .zip(&batch.labels.chunks)
        .flat_map(|(chunk, labels)| {
            passes(context, std::slice::from_ref(chunk), sets).into_iter().map(move |pass| (pass, labels))
        })
        .collect();
    let room = 1 + passes.iter().map(|(pass, _)| pass.rows.len()).max().unwrap_or(0) * sets;
    let undecided = Output::new(context, room);

    let mut decided = Vec::new();
    let mut moved = Vec::new();
    for (p, (pass, labels)) in passes.iter().enumerate() {
        let count = pass.rows.len();
        // A thread loads its row once for all its sets; few rows spread their sets over more threads.
        let share = sets.div_ceil((BUSY / count).clamp(1, sets));
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
        undecided.clear(context, 1);
        let table = whole(1, &pass.chunk.buffer);
        let own = [out(3, labels), whole(4, &packs), whole(5, &ids), out(6, &undecided)];
        let bindings = [&[table, whole(2, &set_buffer)], &own[..]].concat();
        let groups = [count.div_ceil(WORKGROUP), sets.div_ceil(share), 1];
        kernels.assign(context, wide).dispatch(context, params, &bindings, groups);
        // Something has to be bound where there are no weights.
        let weights = pass.chunk.weights.as_ref().unwrap_or(&ids);
        let own = [whole(7, &pass.chunk.buffer), whole(8, weights), out(9, labels)];
        let bindings = [&[whole(2, &set_buffer)], &own[..], &[whole(10, &steps), out(11, &sums)]].concat();
        let groups = [count.div_ceil(block), shares.chunks, sets];
        kernels.accumulate(context, wide, weighted).dispatch(context, params, &bindings, groups);

        // The sums come with the last pass' list.
        let last = if p + 1 == passes.len() { words } else { 0 };
        let parts = [(&undecided, room.min(1 + FEW)), (&sums, last)];
        let mut read = read_outputs(context, &parts).await?;
        moved = read.pop().unwrap_or_default();
        let mut list = read.pop().unwrap_or_default();
        let count = list[0] as usize;
        if count > FEW {
            list = undecided.read(context, 1 + count).await?;
        }
        decided.extend(decide(rows, batch.sets, pass, &list[1..1 + count]));
    }

    let per_set = uploaded.sets.iter().map(|set| {
        let from = set.first_sum as usize * shares.columns * LIMBS;
        &moved[from..][..set.centroids as usize * shares.columns * LIMBS]
    });
    for (last, moved) in batch.lasts.iter_mut().zip(per_set) {
        last.sums.add(moved, shares.columns, d);
    }
    let mut done: Vec<Assigned> = batch.lasts.iter().map(|last| last.sums.assigned()).collect();
    if want {
        let labels = read_labels(rows, batch).await?;
        done.iter_mut().zip(labels).for_each(|(done, labels)| done.labels = Some(labels));
    }
    for row in decided {
        add_decided(rows, row, &mut done);
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
    /// Adds what moved: three limbs for each centroid and column, the features first.
    fn add(&mut self, moved: &[u32], columns: usize, features: usize) {
        for (c, values) in moved.chunks_exact(columns * LIMBS).enumerate() {
            let values = values.as_chunks::<LIMBS>().0;
            for (sum, &value) in self.steps[c * features..].iter_mut().zip(&values[..features]) {
                *sum += whole_number(value);
            }
            self.counts[c] += whole_number(values[features]);
            self.weights[c] += whole_number(values[columns - 1]);
        }
    }

    fn assigned(&self) -> Assigned {
        let whole = |values: &[i128]| values.iter().map(|&v| v as u64).collect();
        Assigned {
            sums: self.steps.clone(),
            counts: whole(&self.counts),
            weights: whole(&self.weights),
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
    done.weights[label] += u64::from(weight);
    done.undecided += 1;
    if let Some(labels) = &mut done.labels {
        labels[row] = label as u32;
    }
}
