//! The host's side of `shaders/nearest.wgsl`: slices of reference rows, merged in order.

use super::GpuRows;
use super::buffer::{Output, Resident, upload};
use super::kernel::{MOST_TURNS, WORKGROUP, out, passes, turns, whole};
use crate::backend::cpu::{decide, neighbour};
use crate::backend::{Metric, Neighbour, Rule};
use crate::canonical::Certificate;
use crate::error::Result;
use crate::matrix::{Matrix, TILE};
use bytemuck::{Pod, Zeroable};
use rayon::prelude::*;

/// Tiles of reference rows that one thread goes through at most.
const SLICE: usize = 128;

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    first_query: u32,
    queries: u32,
    features: u32,
    rows: u32,
    first_row: u32,
    slice: u32,
    unused: [u32; 2],
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Found {
    best: f32,
    second: f32,
    row: u32,
    unused: u32,
}

pub(super) async fn nearest(
    rows: &GpuRows<'_>,
    queries: &Matrix,
    rule: Rule<'_>,
    metric: Metric,
) -> Result<Vec<Neighbour>> {
    let (context, matrix) = (rows.context, rows.matrix);
    let resident = Resident::upload(context, queries)?;
    // A tile is four packs.
    let per_slice = (MOST_TURNS / (2 + turns(4, matrix.features()))).clamp(1, SLICE);
    let mut best = vec![Found { best: f32::MAX, second: f32::MAX, row: u32::MAX, unused: 0 }; queries.rows()];
    let largest =
        rows.resident.chunks.iter().map(|c| c.rows.div_ceil(TILE).div_ceil(per_slice)).max().unwrap_or(1);
    for pass in passes(context, &resident.chunks, 4 * largest) {
        let own: Vec<u32> = match rule {
            Rule::Any => vec![u32::MAX; pass.chunk.rows],
            Rule::ExcludeSelf(own) => own[pass.chunk.first..][..pass.chunk.rows].to_vec(),
        };
        let own = upload(context, &own);
        let count = pass.rows.len();
        let found = Output::new(context, 4 * largest * count);
        for chunk in &rows.resident.chunks {
            let slices = chunk.rows.div_ceil(TILE).div_ceil(per_slice);
            let params = Params {
                first_query: pass.rows.start as u32,
                queries: count as u32,
                features: matrix.features() as u32,
                rows: chunk.rows as u32,
                first_row: chunk.first as u32,
                slice: per_slice as u32,
                unused: [0; 2],
            };
            let bindings =
                [whole(1, &pass.chunk.buffer), whole(2, &chunk.buffer), whole(3, &own), out(4, &found)];
            rows.kernels.nearest(context).dispatch(
                context,
                params,
                &bindings,
                [count.div_ceil(WORKGROUP), slices, 1],
            );
            let found: Vec<Found> = found.read(context, slices * count).await?;
            for slice in found.chunks_exact(count) {
                best[pass.numbers()].iter_mut().zip(slice).for_each(|(best, slice)| merge(best, slice));
            }
        }
    }
    let certificate = Certificate::for_values(matrix, queries.values());
    Ok(best
        .par_iter()
        .enumerate()
        .map(|(q, found)| {
            let row = if certificate.holds(found.best, found.second) {
                found.row
            } else {
                decide(matrix, queries, rule, q)
            };
            neighbour(matrix, queries, q, row, metric)
        })
        .collect())
}

/// Takes in a later slice's winner; the earlier one, of lower row numbers, stays on ties.
fn merge(state: &mut Found, later: &Found) {
    let second = state.second.min(later.second).min(state.best.max(later.best));
    if later.best < state.best {
        *state = *later;
    }
    state.second = second;
}
