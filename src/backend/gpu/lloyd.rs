//! The host's side of `shaders/lloyd.wgsl` and what goes with it: the sets are done in batches and the rows in passes.

mod chain;
pub(super) mod decide;
mod labels;
mod pass;
mod points;
pub(super) mod products;
pub(super) mod renew;
#[cfg(test)]
mod tests;

use super::GpuRows;
use super::buffer::{WEIGHT_DIGIT, read_outputs};
use super::interface::{Binding, EntryPoint, shared_struct};
use super::kernel::{MAX_GROUPS, WORKGROUP};
use crate::backend::{Assigned, LloydState};
use crate::canonical::Centroids;
use crate::error::Result;
use crate::matrix::TILE;
pub(super) use chain::lloyd_passes;
use labels::{LabelLayout, Labels, SetState, Sums};
use pass::OnDevice;
use points::Points;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Words of the table in which a workgroup of `accumulate` adds up.
const TABLE: usize = 2048;

/// Rows that such a workgroup looks at in one round, four for each of its threads.
const ROUND: usize = 1024;

/// The most rows that such a workgroup may add up, so that no piece of a sum overflows.
const MOST_ROWS: usize = 1 << 14;

/// About so many workgroups of `accumulate` keep a large GPU busy.
const BUSY_GROUPS: usize = 1 << 11;

/// About so many threads of `assign` by distances keep a large GPU busy.
const BUSY_THREADS: usize = 1 << 18;

/// 32-bit limbs of a sum.
const LIMBS: usize = 3;

shared_struct! {
    struct Params {
        first: u32,
        rows: u32,
        features: u32,
        columns: u32,
        sets: u32,
        sets_per_thread: u32,
        slot_words: u32,
        block_rows: u32,
        chunk_columns: u32,
        chunk_centroids: u32,
        unused: [u32; 2],
    }
}

shared_struct! {
    struct Set {
        first_pack: u32,
        packs: u32,
        first_sum: u32,
        centroids: u32,
        certificate: [f32; 4],
        old_slot: u32,
        new_slot: u32,
        ignore_old: u32,
        stopped: u32,
    }
}

const PARAMS: Binding = Binding::uniform::<Params>(0, "params");
const SETS: Binding = Binding::read::<Set>(2, "sets");
// `assign`.
const ROWS: Binding = Binding::read::<f32>(1, "rows");
const LABELS: Binding = Binding::read_write::<u32>(3, "labels");
const PACKS: Binding = Binding::read::<[f32; 4]>(4, "packs");
// `accumulate`.
const ROW_QUADS: Binding = Binding::read::<[f32; 4]>(7, "row_quads");
const WEIGHTS: Binding = Binding::read::<[u32; 4]>(8, "weights");
const ASSIGNED: Binding = Binding::read::<u32>(9, "assigned");
const STEPS_PER_UNIT: Binding = Binding::read::<f32>(10, "steps_per_unit");
const SUMS: Binding = Binding::read_write::<u32>(11, "sums");

/// Labels rows by distances.
pub(super) static ASSIGN: EntryPoint = EntryPoint {
    file: "lloyd",
    name: "assign",
    threads: WORKGROUP,
    params: PARAMS,
    bindings: &[ROWS, SETS, LABELS, PACKS],
    overrides: &["wide"],
    constants: &[("TILE", TILE), ("NONE", u32::MAX as usize)],
};

/// Adds up the rows whose label has changed.
pub(super) static ACCUMULATE: EntryPoint = EntryPoint {
    file: "lloyd",
    name: "accumulate",
    threads: ROUND / 4,
    params: PARAMS,
    bindings: &[SETS, ROW_QUADS, WEIGHTS, ASSIGNED, STEPS_PER_UNIT, SUMS],
    overrides: &["wide", "weighted"],
    constants: &[("TABLE", TABLE), ("THREADS", ROUND / 4)],
};

/// If more than one row in this many is unproved, dot products are given up for distances.
const TOO_MANY: usize = 256;

/// Sets that are done together, and where their labels are.
struct Batch<'a> {
    sets: &'a [Centroids],
    set_states: Vec<SetState>,
    /// For each set whether it has been assigned before.
    seen: Vec<bool>,
    labels: Arc<Labels>,
}

pub(super) async fn lloyd(
    rows: &GpuRows<'_>,
    sets: &[Centroids],
    want: bool,
    states: &mut [LloydState],
) -> Result<Vec<Assigned>> {
    let mut set_states: Vec<Option<SetState>> = sets
        .iter()
        .enumerate()
        .map(|(s, set)| states.get_mut(s).and_then(|state| state.take(rows.id, set.k())))
        .collect();
    let fresh = sets.iter().zip(&set_states).filter(|(_, last)| last.is_none()).map(|(set, _)| set);
    let layout = LabelLayout::new(rows, fresh, !states.is_empty());
    let mut out = Vec::with_capacity(sets.len());
    for range in batches(rows, sets, &set_states, layout) {
        let own = &sets[range.clone()];
        let (labels, set_states, seen) = take_up(rows, own, &mut set_states[range.clone()], layout);
        let mut batch = Batch { sets: own, set_states, seen, labels };
        out.extend(assign(rows, &mut batch, want).await?);
        for (s, last) in range.zip(batch.set_states) {
            if let Some(state) = states.get_mut(s).filter(|_| batch.labels.stay()) {
                state.keep(rows.id, sets[s].k(), last);
            }
        }
    }
    Ok(out)
}

/// Cuts the sets into batches. The packs of a batch fit into a binding, and so do its sums; its labels are in the same
/// buffers.
fn batches(
    rows: &GpuRows<'_>,
    sets: &[Centroids],
    set_states: &[Option<SetState>],
    layout: LabelLayout,
) -> Vec<Range<usize>> {
    let limit = rows.context.max_binding() as usize / 4;
    let columns = rows.matrix.features() + 2;
    let place = |s: usize| set_states[s].as_ref().map(|last| Arc::as_ptr(&last.labels));
    let mut batches = Vec::new();
    let (mut start, mut words) = (0, 0);
    for (s, set) in sets.iter().enumerate() {
        let own = set.k().next_multiple_of(4) * columns * LIMBS;
        let most = if set_states[s].is_some() { MAX_GROUPS } else { layout.most.min(MAX_GROUPS) };
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

/// The labels of a batch, the states of its sets, and which of them have been assigned before.
fn take_up(
    rows: &GpuRows<'_>,
    sets: &[Centroids],
    set_states: &mut [Option<SetState>],
    layout: LabelLayout,
) -> (Arc<Labels>, Vec<SetState>, Vec<bool>) {
    let labels = match set_states.first() {
        Some(Some(last)) => Arc::clone(&last.labels),
        _ => Arc::new(Labels::new(rows, layout, sets.len())),
    };
    let seen: Vec<bool> = set_states.iter().map(Option::is_some).collect();
    // A new set is tried on a few rows.
    let serves: Vec<bool> = seen
        .par_iter()
        .zip(sets)
        .map(|(&seen, set)| !seen && points::dot_product_serves(rows.matrix, set))
        .collect();
    let states = set_states.iter_mut().zip(sets).enumerate().map(|(place, (last, set))| {
        last.take().unwrap_or_else(|| SetState {
            labels: Arc::clone(&labels),
            place,
            slot: 0,
            sums: Sums::zero(set),
            dot_product: serves[place],
        })
    });
    let states = states.collect();
    (labels, states, seen)
}

impl Batch<'_> {
    /// The sets as the shaders need them. If a set has been assigned before, its two slots swap places: the labels of the
    /// last pass become the old ones.
    fn sets(&mut self, points: &Points) -> Vec<Set> {
        let slots = self.labels.layout.slots;
        let mut centroids = 0;
        let sets = self.sets.iter().zip(&mut self.set_states).zip(&self.seen).zip(&points.sets);
        let sets = sets.map(|(((set, last), &seen), points)| {
            let old_slot = last.place * slots + last.slot;
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
                old_slot: old_slot as u32,
                new_slot: (last.place * slots + last.slot) as u32,
                ignore_old: if seen { 0 } else { u32::MAX },
                stopped: 0,
            }
        });
        sets.collect()
    }
}

async fn assign(rows: &GpuRows<'_>, batch: &mut Batch<'_>, want: bool) -> Result<Vec<Assigned>> {
    let (context, matrix) = (rows.context, rows.matrix);
    // Where f32 is exact, `assign` decides everything by distances, ties included; dot products could not.
    let exact = batch.sets.par_iter().any(|set| points::exact(matrix, set));
    let dot_product = !exact && batch.set_states.iter().all(|last| last.dot_product);
    let points = Points::new(matrix, batch.sets, dot_product);
    let device_sets = batch.sets(&points);
    let on_device = OnDevice::new(rows, batch.sets, &device_sets, &points, None)?;

    let mut work = context.work();
    on_device.sums.iter().for_each(|sums| sums.clear_in(&mut work, on_device.words));
    on_device.record(rows, &batch.labels, &mut work.pass(context), dot_product);
    let mut parts = vec![(&on_device.undecided, batch.sets.len())];
    parts.extend(on_device.sums.iter().map(|sums| (sums, on_device.words)));
    let read = read_outputs(context, work, &parts).await?;

    for (digit, moved) in read[1..].iter().enumerate() {
        for (last, set) in batch.set_states.iter_mut().zip(&device_sets) {
            let from = set.first_sum as usize * on_device.columns * LIMBS;
            let moved = &moved[from..][..set.centroids as usize * on_device.columns * LIMBS];
            last.sums.add(moved, on_device.columns, matrix.features(), digit);
        }
    }
    let assigned = |(last, &undecided): (&SetState, &u32)| last.sums.assigned(undecided.into());
    let mut done: Vec<Assigned> = batch.set_states.iter().zip(&read[0]).map(assigned).collect();
    if want {
        let labels = read_labels(rows, batch).await?;
        done.iter_mut().zip(labels).for_each(|(done, labels)| done.labels = Some(labels));
    }
    for (last, done) in batch.set_states.iter_mut().zip(&done).filter(|_| dot_product) {
        last.dot_product = done.f64_fallbacks <= (matrix.rows() / TOO_MANY) as u64;
    }
    Ok(done)
}

/// For each set the device's labels of all rows.
async fn read_labels(rows: &GpuRows<'_>, batch: &Batch<'_>) -> Result<Vec<Vec<u32>>> {
    let layout = batch.labels.layout;
    let mut labels = vec![Vec::with_capacity(rows.matrix.rows()); batch.sets.len()];
    for (chunk, output) in rows.resident.chunks.iter().zip(&batch.labels.chunks) {
        let last =
            batch.set_states.iter().map(|last| last.place * layout.slots + last.slot).max().unwrap_or(0);
        let words: Vec<u32> = output.read(rows.context, layout.words(chunk) * (last + 1)).await?;
        for (labels, last) in labels.iter_mut().zip(&batch.set_states) {
            labels.extend(batch.labels.unpack(chunk, &words, last.place * layout.slots + last.slot));
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

    /// Three limbs for each centroid, and for each of its features, the number of its rows, and their weight if rows have
    /// weights.
    fn limbs(&self, weighted: bool) -> Vec<u32> {
        let features = self.steps.len() / self.counts.len().max(1);
        let all = self.steps.chunks(features).zip(&self.counts).zip(&self.weights);
        all.flat_map(|((steps, count), weight)| steps.iter().chain([count]).chain(weighted.then_some(weight)))
            .flat_map(|sum| [*sum as u32, (sum >> 32) as u32, (sum >> 64) as u32])
            .collect()
    }

    /// A pass in which f32 could not decide so many rows.
    fn assigned(&self, f64_fallbacks: u64) -> Assigned {
        Assigned {
            sums: self.steps.clone(),
            counts: self.counts.iter().map(|&count| count as u64).collect(),
            weights: self.weights.iter().map(|&weight| weight as u128).collect(),
            labels: None,
            f64_fallbacks,
        }
    }
}

/// Three limbs, lowest first, in two's complement.
fn whole_number([low, mid, high]: [u32; LIMBS]) -> i128 {
    i128::from(high as i32) << 64 | i128::from(mid) << 32 | i128::from(low)
}
