//! The host's side of `shaders/lloyd.wgsl`: the sets are done in batches and the rows in passes; the host labels the rows
//! whose label the device could not prove.

mod labels;
mod points;
#[cfg(test)]
mod tests;

use super::GpuRows;
use super::buffer::{Buffer, Output, WEIGHT_DIGIT, read_outputs, upload};
use super::interface::{Binding, EntryPoint, shared_struct};
use super::kernel::{MAX_GROUPS, Pass, WORKGROUP, passes};
use super::source::{MAX_ITERATIONS, iterations};
use crate::backend::host::labels::CentroidTiles;
use crate::backend::{Assigned, LloydState};
use crate::canonical::Centroids;
use crate::error::Result;
use crate::matrix::TILE;
use labels::{LabelLayout, Labels, SetState, Sums};
use points::{Point, Points};
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

/// About so many threads of `assign` keep a large GPU busy.
const BUSY_THREADS: usize = 1 << 18;

/// 32-bit limbs of a sum.
const LIMBS: usize = 3;

/// So many unproved rows come back together with the sums. If there are more, a second round trip brings them.
const FEW: usize = 1023;

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
        unused: u32,
    }
}

const PARAMS: Binding = Binding::uniform::<Params>(0, "params");
const SETS: Binding = Binding::read::<Set>(2, "sets");
// `assign`.
const ROWS: Binding = Binding::read::<f32>(1, "rows");
const LABELS: Binding = Binding::read_write::<u32>(3, "labels");
const PACKS: Binding = Binding::read::<[f32; 4]>(4, "packs");
const POINTS: Binding = Binding::read::<Point>(5, "points");
const FALLBACKS: Binding = Binding::read_write::<u32>(6, "fallbacks");
const NORMS: Binding = Binding::read::<f32>(7, "norms");
// `accumulate`.
const ROW_QUADS: Binding = Binding::read::<[f32; 4]>(8, "row_quads");
const WEIGHTS: Binding = Binding::read::<[u32; 4]>(9, "weights");
const ASSIGNED: Binding = Binding::read::<u32>(10, "assigned");
const STEPS_PER_UNIT: Binding = Binding::read::<f32>(11, "steps_per_unit");
const SUMS: Binding = Binding::read_write::<u32>(12, "sums");

/// Labels rows.
pub(super) static ASSIGN: EntryPoint = EntryPoint {
    file: "lloyd",
    name: "assign",
    threads: WORKGROUP,
    params: PARAMS,
    bindings: &[ROWS, SETS, LABELS, PACKS, POINTS, FALLBACKS, NORMS],
    overrides: &["wide", "dot_product"],
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

/// About so many unproved rows are added up by one task.
const FALLBACKS_OF_A_TASK: usize = 256;

/// Sets that are done together, and where their labels are.
struct Batch<'a> {
    sets: &'a [Centroids],
    set_states: Vec<SetState>,
    /// For each set whether it has been assigned before.
    seen: Vec<bool>,
    labels: Arc<Labels>,
}

/// A row whose label the device could not prove, with its canonical label.
struct Fallback {
    set: usize,
    row: usize,
    label: usize,
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
        let mut batch = Batch::new(rows, &sets[range.clone()], &mut set_states[range.clone()], layout);
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

impl<'a> Batch<'a> {
    fn new(
        rows: &GpuRows<'_>,
        sets: &'a [Centroids],
        set_states: &mut [Option<SetState>],
        layout: LabelLayout,
    ) -> Self {
        let labels = match set_states.first() {
            Some(Some(last)) => Arc::clone(&last.labels),
            _ => Arc::new(Labels::new(rows, layout, sets.len())),
        };
        let seen = set_states.iter().map(Option::is_some).collect();
        // A new set is tried on a few rows.
        let serves: Vec<bool> = set_states
            .par_iter()
            .zip(sets)
            .map(|(last, set)| {
                last.as_ref().map_or_else(|| points::dot_product_serves(rows.matrix, set), |l| l.dot_product)
            })
            .collect();
        let set_states = set_states.iter_mut().zip(sets).enumerate().map(|(place, (last, set))| {
            last.take().unwrap_or_else(|| SetState {
                labels: Arc::clone(&labels),
                place,
                slot: 0,
                sums: Sums::zero(set),
                dot_product: serves[place],
            })
        });
        Batch { sets, set_states: set_states.collect(), seen, labels }
    }

    /// The sets as the shader needs them, and how many centroids they have together. If a set has been assigned before,
    /// its two slots swap places: the labels of the last pass become the old ones.
    fn sets(&mut self, points: &Points) -> (Vec<Set>, usize) {
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
                unused: 0,
            }
        });
        (sets.collect(), centroids)
    }
}

/// How the work of `accumulate` is divided among workgroups.
struct Division {
    /// The features, the number of rows, and their weight if rows have weights.
    columns: usize,
    chunk_columns: usize,
    chunk_centroids: usize,
    /// Chunks of columns x chunks of centroids.
    chunks: usize,
}

impl Division {
    fn new(features: usize, largest: usize, weighted: bool) -> Self {
        let (columns, pieces) = if weighted { (features + 2, 3) } else { (features + 1, 2) };
        let entries = TABLE / pieces;
        let widest = (entries / largest).clamp(1, columns.min(256));
        let chunk_columns = columns.div_ceil(columns.div_ceil(widest));
        let chunk_centroids = (entries / chunk_columns).min(largest);
        let chunks = columns.div_ceil(chunk_columns) * largest.div_ceil(chunk_centroids);
        Division { columns, chunk_columns, chunk_centroids, chunks }
    }

    /// Rows of a workgroup: few enough to give all of a GPU something to do, otherwise as many as are allowed.
    fn block_rows(&self, rows: usize, sets: usize) -> usize {
        let blocks = (BUSY_GROUPS / (self.chunks * sets)).max(1);
        rows.div_ceil(blocks).next_multiple_of(ROUND).min(MOST_ROWS)
    }
}

async fn assign(rows: &GpuRows<'_>, batch: &mut Batch<'_>, want: bool) -> Result<Vec<Assigned>> {
    let (context, matrix, kernels) = (rows.context, rows.matrix, &rows.kernels);
    let (d, sets) = (matrix.features(), batch.sets.len());
    let weighted = matrix.weights().is_some();
    let wide = batch.labels.layout.wide;
    // Where f32 is exact, the device decides everything by distances, ties included; dot products could not.
    let exact = batch.sets.par_iter().any(|set| points::exact(matrix, set));
    let dot_product = !exact && batch.set_states.iter().all(|last| last.dot_product);
    let points = Points::new(matrix, batch.sets, dot_product);
    let (device_sets, centroids) = batch.sets(&points);
    let largest = batch.sets.iter().map(Centroids::k).max().unwrap_or(1);
    if context.adapter.software && iterations(largest.div_ceil(4), d) > 2 * MAX_ITERATIONS - 16 {
        let what =
            format!("a software driver cannot go through {largest} centroids of {d} features; use the CPU");
        return Err(context.failed(what));
    }
    let division = Division::new(d, largest, weighted);
    let words = centroids * division.columns * LIMBS;
    // Rows are added up once for each digit of the weights; without weights once.
    let digits = rows.resident.chunks.first().map_or(1, |chunk| chunk.weights.len().max(1));
    let sums: Vec<Output> = (0..digits).map(|_| Output::new(context, words)).collect();
    let set_buffer = upload(context, &device_sets);
    let (packs, point_buffer) = (upload(context, &points.packs), upload(context, &points.points));
    let steps: Vec<f32> = (0..d).map(|j| matrix.steps_per_unit(j)).collect();
    let steps = upload(context, &steps);
    let passes: Vec<(Pass<'_>, &Output, &Buffer)> = rows
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
    let unproved = Output::new(context, room);

    let centroid_tiles: Vec<CentroidTiles> = batch.sets.par_iter().map(CentroidTiles::new).collect();
    let mut fallbacks = Vec::new();
    let mut moved: Vec<Vec<u32>> = Vec::new();
    for (p, (pass, labels, norms)) in passes.iter().enumerate() {
        let count = pass.rows.len();
        // A thread loads its row once for all its sets. If there are few rows, their sets are spread over more threads.
        let sets_per_thread = sets.div_ceil((BUSY_THREADS / count).clamp(1, sets));
        let sets_per_thread = sets_per_thread.min(MAX_ITERATIONS / iterations(largest.div_ceil(4), d)).max(1);
        let block_rows = division.block_rows(count, sets);
        let params = Params {
            first: pass.rows.start as u32,
            rows: count as u32,
            features: d as u32,
            columns: division.columns as u32,
            sets: sets as u32,
            sets_per_thread: sets_per_thread as u32,
            slot_words: batch.labels.layout.words(pass.chunk) as u32,
            block_rows: block_rows as u32,
            chunk_columns: division.chunk_columns as u32,
            chunk_centroids: division.chunk_centroids as u32,
            unused: [0; 2],
        };
        let mut work = context.work();
        if p == 0 {
            sums.iter().for_each(|sums| sums.clear_in(&mut work, words));
        }
        unproved.clear_in(&mut work, 1);
        let bindings = [
            ROWS.to(&pass.chunk.buffer),
            SETS.to(&set_buffer),
            LABELS.to(*labels),
            PACKS.to(&packs),
            POINTS.to(&point_buffer),
            FALLBACKS.to(&unproved),
            NORMS.to(*norms),
        ];
        let groups = [count.div_ceil(WORKGROUP), sets.div_ceil(sets_per_thread), 1];
        kernels.assign(context, wide, dot_product).record(context, &mut work, params, &bindings, groups);
        let groups = [count.div_ceil(block_rows), division.chunks, sets];
        for (digit, sums) in sums.iter().enumerate() {
            let bindings = [
                SETS.to(&set_buffer),
                ROW_QUADS.to(&pass.chunk.buffer),
                // Something must be bound even if there are no weights.
                WEIGHTS.to(pass.chunk.weights.get(digit).unwrap_or(&point_buffer)),
                ASSIGNED.to(*labels),
                STEPS_PER_UNIT.to(&steps),
                SUMS.to(sums),
            ];
            kernels.accumulate(context, wide, weighted).record(context, &mut work, params, &bindings, groups);
        }

        // The sums come back together with the last pass' list.
        let last = if p + 1 == passes.len() { words } else { 0 };
        let mut parts = vec![(&unproved, room.min(1 + FEW))];
        parts.extend(sums.iter().map(|sums| (sums, last)));
        let mut read = read_outputs(context, work, &parts).await?;
        let mut list = std::mem::take(&mut read[0]);
        moved = read.split_off(1);
        let count = list[0] as usize;
        if count > FEW {
            list = unproved.read(context, 1 + count).await?;
        }
        fallbacks.extend(label_unproved(rows, &centroid_tiles, pass, &list[1..1 + count]));
    }

    for (digit, moved) in moved.iter().enumerate() {
        for (last, set) in batch.set_states.iter_mut().zip(&device_sets) {
            let from = set.first_sum as usize * division.columns * LIMBS;
            let moved = &moved[from..][..set.centroids as usize * division.columns * LIMBS];
            last.sums.add(moved, division.columns, d, digit);
        }
    }
    let mut done: Vec<Assigned> = batch.set_states.iter().map(|last| last.sums.assigned()).collect();
    if want {
        let labels = read_labels(rows, batch).await?;
        done.iter_mut().zip(labels).for_each(|(done, labels)| done.labels = Some(labels));
    }
    add_fallbacks(rows, fallbacks, &mut done);
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

    fn assigned(&self) -> Assigned {
        Assigned {
            sums: self.steps.clone(),
            counts: self.counts.iter().map(|&count| count as u64).collect(),
            weights: self.weights.iter().map(|&weight| weight as u128).collect(),
            labels: None,
            f64_fallbacks: 0,
        }
    }
}

/// Three limbs, lowest first, in two's complement.
fn whole_number([low, mid, high]: [u32; LIMBS]) -> i128 {
    i128::from(high as i32) << 64 | i128::from(mid) << 32 | i128::from(low)
}

/// Labels the rows whose label the device could not prove; `list` has them as the shader writes them.
fn label_unproved(
    rows: &GpuRows<'_>,
    sets: &[CentroidTiles],
    pass: &Pass<'_>,
    list: &[u32],
) -> Vec<Fallback> {
    list.par_iter()
        .map(|&at| {
            let set = at as usize / pass.rows.len();
            let row = pass.numbers().start + at as usize % pass.rows.len();
            let label = sets[set].label_with(rows.context.options.instruction_set, rows.matrix, row);
            Fallback { set, row, label: label as usize }
        })
        .collect()
}

/// Adds such rows to their clusters: in parallel, since whole numbers can be added in any order. A task's rows lie cluster
/// by cluster, so it has one sum at a time.
fn add_fallbacks(rows: &GpuRows<'_>, mut fallbacks: Vec<Fallback>, done: &mut [Assigned]) {
    let (matrix, d) = (rows.matrix, rows.matrix.features());
    fallbacks.par_sort_unstable_by_key(|f| (f.set, f.label, f.row));
    let steps: Vec<f32> = (0..d).map(|j| matrix.steps_per_unit(j)).collect();
    let sum = |own: &[Fallback]| {
        let (mut sums, mut weights) = (vec![0i128; d], 0u128);
        for fallback in own {
            let weight = matrix.weights().map_or(1, |w| w[fallback.row]);
            for ((sum, v), &steps) in sums.iter_mut().zip(matrix.row(fallback.row)).zip(&steps) {
                *sum += (v * steps) as i128 * i128::from(weight);
            }
            weights += u128::from(weight);
        }
        (own[0].set, own[0].label, sums, own.len() as u64, weights)
    };
    let sums: Vec<_> = fallbacks
        .par_chunks(FALLBACKS_OF_A_TASK)
        .flat_map_iter(|task| task.chunk_by(|a, b| (a.set, a.label) == (b.set, b.label)).map(sum))
        .collect();
    for (set, label, sums, count, weight) in sums {
        let done = &mut done[set];
        done.sums[label * d..].iter_mut().zip(sums).for_each(|(sum, more)| *sum += more);
        done.counts[label] += count;
        done.weights[label] += weight;
        done.f64_fallbacks += count;
    }
    for Fallback { set, row, label } in fallbacks {
        if let Some(labels) = &mut done[set].labels {
            labels[row] = label as u32;
        }
    }
}
