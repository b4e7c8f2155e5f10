//! Parquet: columns side by side, and of each column as many row groups at once as there are threads.

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use ::parquet::basic::Compression;
use ::parquet::file::reader::ChunkReader;
use rayon::prelude::*;

use super::gather::Gather;
use super::pages::{check_chunk, check_footer};
use crate::error::{Error, Result};
use crate::memory::Budget;
use crate::table::{ReadOptions, Table};

/// Rows that are decoded before they are put away.
const BATCH: usize = 1 << 16;

/// A row group.
struct Group {
    index: usize,
    /// Its rows' first, of all rows in the file.
    first: usize,
    rows: usize,
}

/// A column of the table: its place among these, and the first of its values among all that the file keeps; a struct
/// has several of those.
#[derive(Clone, Copy)]
struct Place {
    root: usize,
    leaf: usize,
}

/// Reads the file that `open` opens.
pub(super) fn read<R: ChunkReader + 'static>(
    open: impl Fn() -> Result<R> + Sync,
    options: &ReadOptions,
    budget: &Budget,
) -> Result<Table> {
    check_footer(&open()?)?;
    // Parquet's own schema says enough; the Arrow schema that some writers add could contradict it.
    let plain = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let meta = ArrowReaderMetadata::load(&open()?, plain).map_err(damaged)?;
    let mut empty = super::gathers(meta.schema(), options, budget)?;
    if meta.parquet_schema().root_schema().get_fields().len() != empty.len() {
        return Err(damaged("its schema has groups without columns"));
    }
    let groups = groups(&meta)?;
    let rows: usize = groups.iter().map(|g| g.rows).sum();
    // The columns, and for a moment the parts that are about to be added to them.
    let wave = groups.iter().map(|g| g.rows).max().unwrap_or(0) * rayon::current_num_threads();
    let moment: u64 = empty.iter().map(|column| column.bytes(rows.min(wave))).sum();
    budget.take(empty.iter().map(|column| column.bytes(rows)).sum::<u64>() + moment)?;
    empty.iter_mut().try_for_each(|column| column.reserve(rows))?;
    let schema = meta.parquet_schema();
    let mut leaves = vec![0; empty.len()];
    (0..schema.num_columns()).rev().for_each(|leaf| leaves[schema.get_column_root_idx(leaf)] = leaf);
    let columns: Vec<Result<Gather>> = empty
        .into_par_iter()
        .zip(leaves)
        .enumerate()
        .map(|(root, (mut all, leaf))| {
            if all.is_left_out() {
                all.leave_out(rows - options.skip_rows.min(rows));
                return Ok(all);
            }
            for wave in groups.chunks(rayon::current_num_threads()) {
                let parts: Vec<Result<Gather>> = wave
                    .par_iter()
                    .map(|group| {
                        let part = all.part(group.first);
                        read_group(&open, &meta, Place { root, leaf }, group, part, budget)
                    })
                    .collect();
                for part in parts {
                    all.append(part?);
                }
            }
            Ok(all)
        })
        .collect();
    budget.give_back(moment);
    super::table(columns.into_iter().collect::<Result<_>>()?, options)
}

/// The row groups; refuses compressions that cannot be read, before any work.
fn groups(meta: &ArrowReaderMetadata) -> Result<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    for (index, group) in meta.metadata().row_groups().iter().enumerate() {
        let rows = u32::try_from(group.num_rows()).map_err(|_| damaged("a row group of impossible size"))?;
        for column in group.columns() {
            let flat = column.column_descr().max_rep_level() == 0;
            if flat && column.num_values() != i64::from(rows) {
                let values = column.num_values();
                return Err(damaged(format!("a column of {values} values in a row group of {rows} rows")));
            }
            match column.compression() {
                Compression::ZSTD(_) if !cfg!(feature = "zstd") => return Err(super::cannot_unpack("zstd")),
                Compression::BROTLI(_) => return Err(super::cannot_unpack("brotli")),
                Compression::LZO => return Err(super::cannot_unpack("lzo")),
                _ => {}
            }
        }
        let first = groups.last().map_or(0, |g| g.first + g.rows);
        groups.push(Group { index, first, rows: rows as usize });
    }
    Ok(groups)
}

/// One column of a row group.
fn read_group<'a, R: ChunkReader + 'static>(
    open: impl Fn() -> Result<R>,
    meta: &ArrowReaderMetadata,
    place: Place,
    group: &Group,
    mut part: Gather<'a>,
    budget: &Budget,
) -> Result<Gather<'a>> {
    let chunk = meta.metadata().row_group(group.index).columns().get(place.leaf);
    let chunk = chunk.ok_or_else(|| damaged("a column is missing"))?;
    let bounds = check_chunk(open()?, chunk, group.rows, BATCH.min(group.rows.max(1)), budget)?;
    budget.take(bounds.bytes)?;
    part.reserve(group.rows)?;
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(open()?, meta.clone())
        .with_projection(ProjectionMask::roots(meta.parquet_schema(), [place.root]))
        .with_row_groups(vec![group.index])
        .with_batch_size(bounds.batch)
        .build()
        .map_err(damaged)?;
    for batch in reader {
        let batch = batch.map_err(damaged)?;
        part.push(batch.columns().first().ok_or_else(|| damaged("a column is missing"))?)?;
    }
    if part.seen() != group.first + group.rows {
        return Err(damaged(format!("row group {} is not as long as it says", group.index + 1)));
    }
    budget.give_back(bounds.bytes);
    Ok(part)
}

pub(super) fn damaged(e: impl std::fmt::Display) -> Error {
    super::damaged("a Parquet file", e)
}
