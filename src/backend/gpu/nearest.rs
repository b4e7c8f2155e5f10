//! The host's side of `shaders/nearest.wgsl`: one dispatch for each chunk of reference rows, whose slices are then merged
//! in the order of the rows.

use super::GpuRows;
use super::buffer::{Output, Resident, upload};
use super::interface::{Binding, EntryPoint, shared_struct};
use super::kernel::{WORKGROUP, passes};
use super::source::{MAX_ITERATIONS, iterations};
use crate::backend::cpu::{decide, neighbour};
use crate::backend::{Metric, Neighbour, SelfMatches};
use crate::canonical::Certificate;
use crate::error::Result;
use crate::matrix::{Matrix, TILE};
use rayon::prelude::*;

/// One thread goes through at most this many tiles of reference rows.
const SLICE: usize = 128;

shared_struct! {
    struct Params {
        first_query: u32,
        queries: u32,
        features: u32,
        rows: u32,
        first_row: u32,
        tiles_per_slice: u32,
        unused: [u32; 2],
    }
}

shared_struct! {
    struct Found {
        best: f32,
        second: f32,
        row: u32,
        unused: u32,
    }
}

const QUERIES: Binding = Binding::read::<f32>(1, "queries");
const ROWS: Binding = Binding::read::<[f32; 4]>(2, "rows");
const EXCLUDED: Binding = Binding::read::<u32>(3, "excluded");
const FOUND: Binding = Binding::read_write::<Found>(4, "found");

/// The entry point of `shaders/nearest.wgsl`.
pub(super) static NEAREST: EntryPoint = EntryPoint {
    file: "nearest",
    name: "nearest",
    threads: WORKGROUP,
    params: Binding::uniform::<Params>(0, "params"),
    bindings: &[QUERIES, ROWS, EXCLUDED, FOUND],
    overrides: &[],
    constants: &[("TILE", TILE), ("NONE", u32::MAX as usize)],
};

pub(super) async fn nearest(
    rows: &GpuRows<'_>,
    queries: &Matrix,
    self_matches: SelfMatches<'_>,
    metric: Metric,
) -> Result<Vec<Neighbour>> {
    let (context, matrix) = (rows.context, rows.matrix);
    let resident = Resident::upload(context, queries)?;
    // A tile is four packs of points.
    let per_slice = (MAX_ITERATIONS / (2 + iterations(4, matrix.features()))).clamp(1, SLICE);
    let mut best = vec![Found { best: f32::MAX, second: f32::MAX, row: u32::MAX, unused: 0 }; queries.rows()];
    let largest =
        rows.resident.chunks.iter().map(|c| c.rows.div_ceil(TILE).div_ceil(per_slice)).max().unwrap_or(1);
    for pass in passes(context, &resident.chunks, 4 * largest) {
        let excluded: Vec<u32> = match self_matches {
            SelfMatches::Include => vec![u32::MAX; pass.chunk.rows],
            SelfMatches::Exclude(own) => own[pass.chunk.first..][..pass.chunk.rows].to_vec(),
        };
        let excluded = upload(context, &excluded);
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
                tiles_per_slice: per_slice as u32,
                unused: [0; 2],
            };
            let bindings = [
                QUERIES.to(&pass.chunk.buffer),
                ROWS.to(&chunk.buffer),
                EXCLUDED.to(&excluded),
                FOUND.to(&found),
            ];
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
                decide(matrix, queries, self_matches, q)
            };
            neighbour(matrix, queries, q, row, metric)
        })
        .collect())
}

/// Merges the result of a later slice into `state`. On a tie the earlier one stays, which has the lower row numbers.
fn merge(state: &mut Found, later: &Found) {
    let second = state.second.min(later.second).min(state.best.max(later.best));
    if later.best < state.best {
        *state = *later;
    }
    state.second = second;
}
