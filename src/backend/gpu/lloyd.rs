//! The host's side of `shaders/lloyd.wgsl`: sets in batches, rows in passes, and what the filter left undecided.

use super::GpuRows;
use super::buffer::{Output, upload};
use super::kernel::{MAX_GROUPS, Pass, WORKGROUP, out, passes, whole};
use crate::backend::Assigned;
use crate::canonical::{self, Centroids, Certificate};
use crate::error::Result;
use bytemuck::{Pod, Zeroable};
use rayon::prelude::*;
use std::ops::Range;

/// Rows that a workgroup of `accumulate` adds up, and the centroids it holds at once (as in the shader).
const BLOCK: usize = 1024;
const HELD: usize = 16;

/// Threads that keep a large GPU busy.
const BUSY: usize = 1 << 18;

/// Limbs of a sum.
const LIMBS: usize = 3;

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    first: u32,
    rows: u32,
    features: u32,
    weighted: u32,
    columns: u32,
    sets: u32,
    share: u32,
    unused: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Set {
    first_pack: u32,
    points: u32,
    first_sum: u32,
    centroids: u32,
    certificate: [f32; 4],
}

/// A batch of sets as the shader wants it.
struct Batch {
    sets: Vec<Set>,
    packs: Vec<[f32; 4]>,
    ids: Vec<[u32; 4]>,
    centroids: usize,
}

pub(super) async fn lloyd(rows: &GpuRows<'_>, sets: &[Centroids], labels: bool) -> Result<Vec<Assigned>> {
    let mut out = Vec::with_capacity(sets.len());
    for batch in batches(rows, sets) {
        out.extend(assign_batch(rows, &sets[batch], labels).await?);
    }
    Ok(out)
}

/// Sets that go together: their packs fit a binding, as do their sums and one tile's labels.
fn batches(rows: &GpuRows<'_>, sets: &[Centroids]) -> Vec<Range<usize>> {
    let limit = rows.context.max_binding() as usize / 4;
    let columns = rows.matrix.features() + 2;
    let mut batches = Vec::new();
    let (mut start, mut words) = (0, 0);
    for (s, set) in sets.iter().enumerate() {
        let own = set.k().next_multiple_of(4) * columns * LIMBS;
        let full = words + own > limit || s - start == MAX_GROUPS.min(limit / 64);
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

impl Batch {
    fn new(rows: &GpuRows<'_>, sets: &[Centroids]) -> Self {
        let d = rows.matrix.features();
        let mut batch = Batch { sets: Vec::new(), packs: Vec::new(), ids: Vec::new(), centroids: 0 };
        for set in sets {
            let first = set.first_of_equals();
            let sent: Vec<u32> = (0..set.k() as u32).filter(|&c| first[c as usize]).collect();
            let Certificate { low, high, slack } = Certificate::for_values(rows.matrix, &set.values);
            batch.sets.push(Set {
                first_pack: batch.ids.len() as u32,
                points: sent.len() as u32,
                first_sum: batch.centroids as u32,
                centroids: set.k() as u32,
                certificate: [low, high, slack, 0.0],
            });
            for pack in sent.chunks(4) {
                let id = |i: usize| pack.get(i).copied().unwrap_or(pack[0]);
                batch.ids.push([0, 1, 2, 3].map(id));
                batch.packs.extend((0..d).map(|j| [0, 1, 2, 3].map(|i| set.get(id(i) as usize)[j])));
            }
            batch.centroids += set.k();
        }
        batch
    }
}

async fn assign_batch(rows: &GpuRows<'_>, sets: &[Centroids], want: bool) -> Result<Vec<Assigned>> {
    let (context, matrix, kernels) = (rows.context, rows.matrix, &rows.kernels);
    let d = matrix.features();
    let columns = d + 2;
    let batch = Batch::new(rows, sets);
    let largest = sets.iter().map(Centroids::k).max().unwrap_or(0);
    let words = batch.centroids * columns * LIMBS;
    let sums = Output::new(context, words);
    sums.clear(context, words);
    let passes = passes(context, &rows.resident.chunks, sets.len());
    let room = passes.iter().map(|p| p.rows.len()).max().unwrap_or(0) * sets.len();
    let (labels, undecided) = (Output::new(context, room), Output::new(context, 1 + room));
    let set_buffer = upload(context, &batch.sets);
    let packs = upload(context, &batch.packs);
    let ids = upload(context, &batch.ids);
    let steps: Vec<f32> = (0..d).map(|j| matrix.steps_per_unit(j)).collect();
    let steps = upload(context, &steps);
    let no_weights = upload(context, &[0u32]);

    let mut done: Vec<Assigned> = sets
        .iter()
        .map(|set| Assigned {
            sums: vec![0; set.k() * d],
            counts: vec![0; set.k()],
            weights: vec![0; set.k()],
            labels: want.then(|| vec![0; matrix.rows()]),
            undecided: 0,
        })
        .collect();
    for pass in &passes {
        let weights = matrix.weights().map(|w| {
            let all: Vec<u32> = w[pass.chunk.first..][..pass.chunk.rows].iter().map(|&w| w.into()).collect();
            upload(context, &all)
        });
        // A thread loads its row once for all its sets; few rows spread their sets over more threads.
        let share = sets.len().div_ceil((BUSY / pass.rows.len()).clamp(1, sets.len()));
        let params = Params {
            first: pass.rows.start as u32,
            rows: pass.rows.len() as u32,
            features: d as u32,
            weighted: u32::from(weights.is_some()),
            columns: columns as u32,
            sets: sets.len() as u32,
            share: share as u32,
            unused: 0,
        };
        undecided.clear(context, 1);
        let shared = [whole(1, &pass.chunk.buffer), whole(2, &set_buffer), out(3, &labels)];
        let own = [whole(4, &packs), whole(5, &ids), out(6, &undecided)];
        let bindings = [&shared[..], &own[..]].concat();
        let groups = [pass.rows.len().div_ceil(WORKGROUP), sets.len().div_ceil(share), 1];
        kernels.assign(context).dispatch(context, params, &bindings, groups);
        let weights = weights.as_ref().unwrap_or(&no_weights);
        let own = [whole(7, &steps), whole(8, weights), out(9, &sums)];
        let bindings = [&shared[..], &own[..]].concat();
        let chunks = columns.div_ceil(WORKGROUP) * largest.div_ceil(HELD);
        let groups = [pass.rows.len().div_ceil(BLOCK), chunks, sets.len()];
        kernels.accumulate(context).dispatch(context, params, &bindings, groups);

        if want {
            let read: Vec<u32> = labels.read(context, pass.rows.len() * sets.len()).await?;
            for (to, from) in done.iter_mut().zip(read.chunks_exact(pass.rows.len())) {
                if let Some(to) = &mut to.labels {
                    to[pass.numbers()].copy_from_slice(from);
                }
            }
        }
        let count = undecided.read::<u32>(context, 1).await?[0] as usize;
        if count > 0 {
            let list: Vec<u32> = undecided.read(context, 1 + count).await?;
            decide(rows, sets, pass, &list[1..], &mut done);
        }
    }

    let sums: Vec<u32> = sums.read(context, words).await?;
    for (set, done) in batch.sets.iter().zip(&mut done) {
        let from = set.first_sum as usize * columns * LIMBS;
        for (c, values) in sums[from..].chunks_exact(columns * LIMBS).take(set.centroids as usize).enumerate()
        {
            let value = |j: usize| whole_number([values[j * 3], values[j * 3 + 1], values[j * 3 + 2]]);
            for j in 0..d {
                done.sums[c * d + j] += value(j);
            }
            done.counts[c] += value(d) as u64;
            done.weights[c] += value(d + 1) as u64;
        }
    }
    Ok(done)
}

/// Three limbs, lowest first, in two's complement.
fn whole_number([low, mid, high]: [u32; LIMBS]) -> i128 {
    i128::from(high as i32) << 64 | i128::from(mid) << 32 | i128::from(low)
}

/// Labels what the filter could not prove, and adds those rows where they belong.
fn decide(rows: &GpuRows<'_>, sets: &[Centroids], pass: &Pass<'_>, list: &[u32], done: &mut [Assigned]) {
    let (matrix, d) = (rows.matrix, rows.matrix.features());
    let decided: Vec<(usize, usize, usize)> = list
        .par_iter()
        .map(|&at| {
            let s = at as usize / pass.rows.len();
            let i = pass.numbers().start + at as usize % pass.rows.len();
            (s, i, canonical::label(matrix, i, &sets[s]).label as usize)
        })
        .collect();
    for (s, i, label) in decided {
        let done = &mut done[s];
        let weight = matrix.weights().map_or(1, |w| w[i]);
        for (j, v) in matrix.row(i).enumerate() {
            done.sums[label * d + j] += (v * matrix.steps_per_unit(j)) as i128 * i128::from(weight);
        }
        done.counts[label] += 1;
        done.weights[label] += u64::from(weight);
        done.undecided += 1;
        if let Some(labels) = &mut done.labels {
            labels[i] = label as u32;
        }
    }
}
