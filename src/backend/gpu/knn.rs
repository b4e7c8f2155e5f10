//! The host's side of `shaders/knn.wgsl`: the device tells for each query which blocks of rows may have some of its nearest
//! rows, and the host searches these by canonical distances.

use super::GpuRows;
use super::binary::{SELECT_ITERATIONS, SELECT_NONE, SELECT_OFFERS, SELECT_THREADS};
use super::buffer::{Output, Resident, read_outputs};
use super::interface::{Binding, EntryPoint, shared_struct};
use super::kernel::passes;
use super::nearest::{Blocks, Search, of_one_dispatch};
use super::pairs::{Pace, SPAN};
use super::source::MAX_ITERATIONS;
use crate::backend::host::neighbour_lists::{Scan, euclidean};
use crate::backend::host::neighbours::excluded;
use crate::backend::{NeighbourLists, SelfMatches};
use crate::canonical::Certificate;
use crate::error::Result;
use crate::matrix::Matrix;
use crate::progress::Progress;
use rayon::prelude::*;
use std::ops::Range;

/// The `k` blocks that the host searches for a query have about so many rows together.
const ROWS: usize = 1024;

/// With fewer blocks for each neighbour than this, too many of them would be searched.
const BLOCKS: usize = 4;

/// For more blocks a thread of `list_blocks` would need too many iterations.
const MOST_BLOCKS: usize =
    MAX_ITERATIONS / (SELECT_ITERATIONS + SELECT_OFFERS + 2) * SELECT_THREADS * SELECT_OFFERS;

/// A query may have so many more blocks than neighbours.
const MORE: usize = 30;

shared_struct! {
    struct Params {
        stride: u32,
        blocks: u32,
        k: u32,
        words: u32,
        low: f32,
        high: f32,
        slack: f32,
        unused: u32,
    }
}

const LEAST: Binding = Binding::read::<f32>(1, "least");
const LISTED: Binding = Binding::read_write::<u32>(2, "listed");

/// The entry point of `shaders/knn.wgsl`.
pub(super) static LIST_BLOCKS: EntryPoint = EntryPoint {
    file: "knn",
    name: "list_blocks",
    threads: SELECT_THREADS,
    params: Binding::uniform::<Params>(0, "params"),
    bindings: &[LEAST, LISTED],
    overrides: &[],
    constants: &[
        ("SELECT_THREADS", SELECT_THREADS),
        ("SELECT_OFFERS", SELECT_OFFERS),
        ("SELECT_ITERATIONS", SELECT_ITERATIONS),
        ("SELECT_NONE", SELECT_NONE),
    ],
};

pub(super) async fn knn(
    rows: &GpuRows<'_>,
    queries: &Matrix,
    self_matches: SelfMatches<'_>,
    k: usize,
    progress: Progress<'_>,
) -> Result<NeighbourLists> {
    let (context, matrix) = (rows.context, rows.matrix);
    let set = context.options.instruction_set;
    let blocks = Blocks::new(rows, ROWS / 8 / k);
    if !(BLOCKS * k..=MOST_BLOCKS).contains(&blocks.count()) {
        return euclidean(set, matrix, queries, self_matches, k, progress);
    }
    let resident = Resident::upload(context, queries)?;
    let certificate = Certificate::for_rows(matrix, queries);
    let exact = certificate == Certificate::exact();
    let search = Search { rows, blocks: &blocks, queries, self_matches, exact };
    let words = k + MORE + 2;
    let params = Params {
        blocks: blocks.count() as u32,
        k: k as u32,
        words: words as u32,
        // What f32 computes exactly is in question only if it is not beyond the last distance.
        low: if exact { 1.0 } else { certificate.low },
        high: if exact { 1.0 } else { certificate.high },
        slack: if exact { 0.0 } else { certificate.slack },
        ..bytemuck::Zeroable::zeroed()
    };
    // For the host's own distances, which are compared with the canonical ones of a device's.
    let certificate = Certificate::new(matrix.features());
    let mut lists =
        NeighbourLists { k, rows: vec![0; queries.rows() * k], distances: vec![0.0; queries.rows() * k] };
    let mut write = |q: usize, found: &mut dyn Iterator<Item = (u32, f64)>| {
        let places = lists.rows[q * k..][..k].iter_mut().zip(&mut lists.distances[q * k..][..k]);
        places.zip(found).for_each(|((row, distance), found)| (*row, *distance) = found);
    };
    // The queries that the host searches from the beginning: rows with many copies, and the like.
    let mut rest: Vec<usize> = Vec::new();
    let mut pace = Pace::new();
    let passes = passes(context, &resident.chunks, blocks.count());
    for pass in passes.iter().flat_map(of_one_dispatch) {
        let numbers = pass.numbers();
        progress.step("neighbours", numbers.start as u64, queries.rows() as u64)?;
        let count = numbers.len();
        let least = search.least_of_blocks(&pass, &mut pace)?;
        let listed = Output::new(context, words * count);
        let params = Params { stride: count.next_multiple_of(SPAN) as u32, ..params };
        let bindings = [LEAST.to(&least), LISTED.to(&listed)];
        rows.kernels.list_blocks(context).dispatch(context, params, &bindings, [count, 1, 1]);
        let parts = [(&listed, words * count), (&least, 0)];
        let listed = read_outputs(context, context.work(), &parts).await?.swap_remove(0);
        let found: Vec<Option<Vec<(f64, u32)>>> = listed
            .par_chunks_exact(words)
            .zip(numbers.clone())
            .map(|(listed, q)| {
                let ranges = ranges(&blocks, rows, listed)?;
                // The last of `k` rows is not beyond this, so nothing that matters is beyond it twice over.
                let last = certificate.above(f64::from(f32::from_bits(listed[1])));
                let query: Vec<f32> = queries.row(q).collect();
                let scan = Scan {
                    matrix,
                    query: &query,
                    ranges: &ranges,
                    excluded: excluded(self_matches, q),
                    count: k,
                    limit: (certificate.above(last) as f32).next_up(),
                };
                Some(set.run(scan)).filter(|list| list.len() == k)
            })
            .collect();
        for (q, found) in numbers.zip(found) {
            match found {
                Some(list) => {
                    let distance = |squared: f64| matrix.to_user(squared.sqrt());
                    write(q, &mut list.iter().map(|&(squared, row)| (row, distance(squared))));
                }
                None => rest.push(q),
            }
        }
    }
    if !rest.is_empty() {
        let own: Option<Vec<u32>> = match self_matches {
            SelfMatches::Include => None,
            SelfMatches::Exclude(own) => Some(rest.iter().map(|&q| own[q]).collect()),
        };
        let own = own.as_deref().map_or(SelfMatches::Include, SelfMatches::Exclude);
        let found = euclidean(set, matrix, &queries.select(&rest), own, k, progress)?;
        rest.iter().enumerate().for_each(|(i, &q)| write(q, &mut found.of(i)));
    }
    progress.step("neighbours", queries.rows() as u64, queries.rows() as u64)?;
    Ok(lists)
}

/// The rows of the blocks that the device listed for a query, in order; none if there are too many blocks.
fn ranges(blocks: &Blocks, rows: &GpuRows<'_>, listed: &[u32]) -> Option<Vec<Range<usize>>> {
    let mut own = listed.get(2..2 + listed[0] as usize)?.to_vec();
    own.sort_unstable();
    let mut out: Vec<Range<usize>> = Vec::with_capacity(own.len());
    for block in own {
        // Blocks begin and end within tiles, whose rows all count.
        let range = blocks.rows_of(block as usize, &rows.resident.chunks);
        match out.last_mut().filter(|last| last.end >= range.start) {
            Some(last) => last.end = last.end.max(range.end),
            None => out.push(range),
        }
    }
    Some(out)
}
