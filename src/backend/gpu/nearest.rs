//! The host's side of `shaders/nearest.wgsl`: the device tells for each query which blocks of reference rows may have the
//! nearest, and the host searches these by canonical distances.

use super::GpuRows;
use super::buffer::{Chunk, Output, Resident, read_outputs, upload};
use super::interface::{Binding, EntryPoint, shared_struct};
use super::kernel::{MAX_GROUPS, Pass, WORKGROUP, passes};
use super::pairs::{Pace, SPAN, THREADS};
use super::source::{MAX_ITERATIONS, chunk};
use crate::backend::host::neighbours::{excluded, nearest_among, nearest_row, neighbour};
use crate::backend::{Metric, Neighbour, SelfMatches};
use crate::canonical::{Certificate, Nearest};
use crate::error::Result;
use crate::matrix::{Matrix, TILE};
use rayon::prelude::*;
use std::time::Instant;

/// Blocks of a group, and the rows that a tile of the pair loop has of each.
const BLOCKS: usize = 16;
const ROWS_OF_A_TILE: usize = 8;

/// A block has rows of at most so many tiles, fewer if that gives less than [`GROUPS`] groups.
const TILES: usize = 16;
const GROUPS: usize = 64;

/// A workgroup takes more than one group if there are more workgroups than this.
const WORKGROUPS: usize = 2048;

/// So many pairs of rows times features, less than a second on a small GPU, are left to one dispatch.
const AT_ONCE: usize = 1 << 35;

/// What the device says of a query: how many blocks are in question, and the first of them.
const LISTED: usize = 16;

shared_struct! {
    struct Params {
        first_query: u32,
        queries: u32,
        query_tiles: u32,
        features: u32,
        chunks: u32,
        rows: u32,
        first_row: u32,
        tiles_per_block: u32,
        first_group: u32,
        end_group: u32,
        groups_per_slice: u32,
        first_block: u32,
        end_block: u32,
        low: f32,
        high: f32,
        slack: f32,
    }
}

const QUERIES: Binding = Binding::read::<[f32; 4]>(1, "queries");
const ROWS: Binding = Binding::read::<[f32; 4]>(2, "rows");
const EXCLUDED: Binding = Binding::read::<u32>(3, "excluded");
const LEAST: Binding = Binding::read_write::<[f32; 4]>(4, "least");
const LEAST_OF_QUERY: Binding = Binding::read::<f32>(5, "least_of_query");
const CHOSEN: Binding = Binding::read_write::<u32>(6, "chosen");

/// The entry points of `shaders/nearest.wgsl`.
pub(super) static NEAREST: EntryPoint = EntryPoint {
    file: "nearest",
    name: "nearest",
    threads: THREADS,
    params: Binding::uniform::<Params>(0, "params"),
    bindings: &[QUERIES, ROWS, EXCLUDED, LEAST],
    overrides: &[],
    constants: &[("TILE", TILE), ("SPAN", SPAN)],
};

pub(super) static CHOOSE: EntryPoint = EntryPoint {
    file: "nearest",
    name: "choose",
    threads: WORKGROUP,
    params: Binding::uniform::<Params>(0, "params"),
    bindings: &[LEAST_OF_QUERY, CHOSEN],
    overrides: &[],
    constants: &[("LISTED", LISTED), ("SPAN", SPAN)],
};

/// How the reference rows are divided.
pub(super) struct Blocks {
    /// Rows of a block.
    rows: usize,
    tiles: usize,
    /// Chunks of features.
    chunks: usize,
    /// For each chunk of rows, the number of its first block; then the number of all blocks.
    first: Vec<usize>,
}

impl Blocks {
    /// With rows of at most so many tiles in a block.
    pub(super) fn new(rows: &GpuRows<'_>, most_tiles: usize) -> Self {
        let matrix = rows.matrix;
        let chunk = chunk(matrix.features(), rows.context.adapter.workgroup_memory);
        let chunks = matrix.features().div_ceil(chunk);
        let wanted = matrix.rows() / (GROUPS * SPAN);
        let allowed = MAX_ITERATIONS / (chunks + 2);
        let mut tiles = TILES;
        while tiles > 1 && (tiles > wanted || tiles > allowed || tiles > most_tiles) {
            tiles /= 2;
        }
        // What a tile of queries has to say of all blocks fits into one binding.
        let most = rows.context.max_binding() as usize / (4 * SPAN);
        loop {
            let out = Blocks::of(&rows.resident.chunks, tiles, chunks);
            let fewer = out.count() > most && out.count() > rows.resident.chunks.len();
            if !fewer || 2 * tiles > allowed {
                return out;
            }
            tiles *= 2;
        }
    }

    fn of(table: &[Chunk], tiles: usize, chunks: usize) -> Self {
        let rows = ROWS_OF_A_TILE * tiles;
        let mut first = vec![0];
        let mut all = 0;
        for chunk in table {
            all += chunk.rows.div_ceil(rows);
            first.push(all);
        }
        Blocks { rows, tiles, chunks, first }
    }

    pub(super) fn count(&self) -> usize {
        self.first.last().copied().unwrap_or(0)
    }

    /// The rows of a block, by their numbers in the table, from the beginning of a tile on.
    pub(super) fn rows_of(&self, block: usize, chunks: &[Chunk]) -> std::ops::Range<usize> {
        let c = self.first.partition_point(|&first| first <= block).saturating_sub(1).min(chunks.len() - 1);
        let start = (block - self.first[c]) * self.rows;
        let end = chunks[c].rows.min(start + self.rows);
        chunks[c].first + start.min(end) / TILE * TILE..chunks[c].first + end
    }
}

pub(super) async fn nearest(
    rows: &GpuRows<'_>,
    queries: &Matrix,
    self_matches: SelfMatches<'_>,
    metric: Metric,
) -> Result<Vec<Neighbour>> {
    let (context, matrix) = (rows.context, rows.matrix);
    let resident = Resident::upload(context, queries)?;
    let blocks = Blocks::new(rows, TILES);
    let certificate = Certificate::for_rows(matrix, queries);
    let exact = certificate == Certificate::exact();
    let search = Search { rows, blocks: &blocks, queries, self_matches, exact };
    let mut out = Vec::with_capacity(queries.rows());
    let mut pace = Pace::new();
    let passes = passes(context, &resident.chunks, blocks.count());
    for pass in passes.iter().flat_map(of_one_dispatch) {
        let count = pass.rows.len();
        let least = search.least_of_blocks(&pass, &mut pace)?;
        let chosen = Output::new(context, LISTED * count);
        let bindings = [LEAST_OF_QUERY.to(&least), CHOSEN.to(&chosen)];
        let params = Params {
            queries: count as u32,
            end_block: blocks.count() as u32,
            // What f32 computes exactly is in question only if it is the smallest.
            low: if exact { 1.0 } else { certificate.low },
            high: if exact { 1.0 } else { certificate.high },
            slack: if exact { 0.0 } else { certificate.slack },
            ..bytemuck::Zeroable::zeroed()
        };
        rows.kernels.choose(context).dispatch(context, params, &bindings, [count, 1, 1]);
        let parts = [(&chosen, LISTED * count), (&least, 0)];
        let chosen = read_outputs(context, context.work(), &parts).await?.swap_remove(0);
        let decide = |(query, chosen): (usize, &[u32])| {
            let q = pass.numbers().start + query;
            neighbour(matrix, queries, q, search.nearest(q, chosen), metric)
        };
        out.par_extend(chosen.par_chunks_exact(LISTED).enumerate().map(decide));
    }
    Ok(out)
}

/// Cuts a pass so that each query can have a workgroup.
pub(super) fn of_one_dispatch<'a>(pass: &Pass<'a>) -> impl Iterator<Item = Pass<'a>> + use<'a> {
    let most = MAX_GROUPS / SPAN * SPAN;
    let (chunk, rows) = (pass.chunk, pass.rows.clone());
    let end = rows.end;
    rows.step_by(most).map(move |start| Pass { chunk, rows: start..end.min(start + most) })
}

/// What is searched, and where.
pub(super) struct Search<'a> {
    pub(super) rows: &'a GpuRows<'a>,
    pub(super) blocks: &'a Blocks,
    pub(super) queries: &'a Matrix,
    pub(super) self_matches: SelfMatches<'a>,
    /// Whether f32 computes these distances exactly.
    pub(super) exact: bool,
}

impl Search<'_> {
    /// Has the device compute the smallest squared distance of each query of a pass to each block: for each block those of the
    /// queries, whose number is rounded up to a multiple of [`SPAN`].
    pub(super) fn least_of_blocks(&self, pass: &Pass<'_>, pace: &mut Pace) -> Result<Output> {
        let (rows, blocks, context) = (self.rows, self.blocks, self.rows.context);
        let own = match self.self_matches {
            SelfMatches::Include => vec![u32::MAX; pass.chunk.rows],
            SelfMatches::Exclude(own) => own[pass.chunk.first..][..pass.chunk.rows].to_vec(),
        };
        let excluded_rows = upload(context, &own);
        let count = pass.rows.len();
        let least = Output::new(context, blocks.count() * count.next_multiple_of(SPAN));
        let all = Params {
            first_query: pass.rows.start as u32,
            queries: count as u32,
            query_tiles: pass.chunk.rows.div_ceil(TILE) as u32,
            features: rows.matrix.features() as u32,
            chunks: blocks.chunks as u32,
            tiles_per_block: blocks.tiles as u32,
            ..bytemuck::Zeroable::zeroed()
        };
        for (chunk, first) in rows.resident.chunks.iter().zip(blocks.first.windows(2)) {
            let bindings = [
                QUERIES.to(&pass.chunk.buffer),
                ROWS.to(&chunk.buffer),
                EXCLUDED.to(&excluded_rows),
                LEAST.to(&least),
            ];
            let groups = (first[1] - first[0]).div_ceil(BLOCKS);
            let query_tiles = count.div_ceil(SPAN);
            let work = query_tiles * SPAN * SPAN * blocks.tiles * rows.matrix.features();
            let mut next = 0;
            while next < groups {
                let large = work.saturating_mul(groups) > AT_ONCE;
                let step = if large { pace.steps(work).min(groups - next) } else { groups };
                let most = (MAX_ITERATIONS / (1 + blocks.tiles * (blocks.chunks + 1))).max(1);
                let per_slice = (query_tiles * step / WORKGROUPS).clamp(1, most);
                let params = Params {
                    rows: chunk.rows as u32,
                    first_row: chunk.first as u32,
                    first_group: next as u32,
                    end_group: (next + step) as u32,
                    groups_per_slice: per_slice as u32,
                    first_block: first[0] as u32,
                    end_block: first[1] as u32,
                    ..all
                };
                let start = Instant::now();
                let slices = step.div_ceil(per_slice);
                rows.kernels.nearest(context).dispatch(context, params, &bindings, [query_tiles, slices, 1]);
                if large {
                    pace.wait(context, work as f64 * step as f64, start)?;
                }
                next += step;
            }
        }
        Ok(least)
    }

    /// The nearest row of query `q`, for which the device chose some blocks, in the order of their rows.
    fn nearest(&self, q: usize, chosen: &[u32]) -> u32 {
        let (matrix, set) = (self.rows.matrix, self.rows.context.options.instruction_set);
        let count = chosen[0] as usize;
        let listed = &chosen[1..][..count.min(LISTED - 1)];
        // The first of several blocks at the same distance has the lowest row.
        let searched = &listed[..if self.exact { listed.len().min(1) } else { listed.len() }];
        let query: Vec<f32> = self.queries.row(q).collect();
        let mut nearest = Nearest::none();
        for &block in searched {
            let rows = self.blocks.rows_of(block as usize, &self.rows.resident.chunks);
            let own = nearest_among(set, matrix, &query, rows, excluded(self.self_matches, q));
            nearest.offer(own.label, own.best);
        }
        // Of many blocks only the first are listed. Nothing that follows is nearer than a distance of 0.
        if searched.is_empty() || (count > searched.len() && !self.exact && nearest.best > 0.0) {
            return nearest_row(set, matrix, self.queries, self.self_matches, q);
        }
        nearest.label
    }
}
