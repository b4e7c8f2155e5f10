//! Reads Parquet files in parallel: different columns at once, and within each column as many row groups at once as
//! there are threads.

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

/// The number of cells that are decoded before they are appended to their columns.
const BATCH: usize = 1 << 16;

/// The approximate limit on the number of readers. In a file with many more columns than this, several columns share
/// one.
const READERS: usize = 512;

/// A row group of the file.
struct Group {
    index: usize,
    /// The index of its first row among all rows of the file.
    first: usize,
    rows: usize,
}

/// Where to find a column of the table in the file: `root` is its index among the top-level columns, `leaf` the index
/// of its first stored column. A struct is one top-level column but has several stored columns.
#[derive(Clone, Copy)]
struct Place {
    root: usize,
    leaf: usize,
}

/// The value that a file's metadata has for a key.
pub(super) fn metadata<R: ChunkReader + 'static>(file: &R, key: &str) -> Result<Option<String>> {
    check_footer(file)?;
    let plain = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let meta = ArrowReaderMetadata::load(file, plain).map_err(damaged)?;
    let all = meta.metadata().file_metadata().key_value_metadata();
    let found = all.into_iter().flatten().find(|pair| pair.key == key);
    Ok(found.and_then(|pair| pair.value.clone()))
}

/// Reads a file; each call of `open` returns a new handle to it.
pub(super) fn read<R: ChunkReader + 'static>(
    open: impl Fn() -> Result<R> + Sync,
    options: &ReadOptions,
    budget: &Budget,
) -> Result<Table> {
    check_footer(&open()?)?;
    // Parquet's own schema is sufficient. The Arrow schema that some writers add could contradict it.
    let plain = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let meta = ArrowReaderMetadata::load(&open()?, plain).map_err(damaged)?;
    let mut columns = super::gathers(meta.schema(), options, budget)?;
    if meta.parquet_schema().root_schema().get_fields().len() != columns.len() {
        return Err(damaged("its schema has groups without columns"));
    }
    let groups = groups(&meta)?;
    let rows: usize = groups.iter().map(|g| g.rows).sum();
    // The memory of the columns and, temporarily, of the parts that are about to be appended to them.
    let wave = groups.iter().map(|g| g.rows).max().unwrap_or(0) * rayon::current_num_threads();
    let moment: u64 = columns.iter().map(|column| column.bytes(rows.min(wave))).sum();
    budget.take(columns.iter().map(|column| column.bytes(rows)).sum::<u64>() + moment)?;
    columns.iter_mut().try_for_each(|column| column.reserve(rows))?;
    let schema = meta.parquet_schema();
    let mut leaves = vec![0; columns.len()];
    (0..schema.num_columns()).rev().for_each(|leaf| leaves[schema.get_column_root_idx(leaf)] = leaf);
    let places: Vec<Place> =
        leaves.into_iter().enumerate().map(|(root, leaf)| Place { root, leaf }).collect();
    // Creating a reader takes time proportional to the number of columns, so in files with many columns several columns
    // share a reader.
    let shared = (columns.len() / READERS).max(1);
    let file = Open { open, meta: &meta, budget };
    let read: Vec<Result<()>> = columns
        .par_chunks_mut(shared)
        .zip(places.par_chunks(shared))
        .map(|(columns, places)| {
            let (mut taken, left): (Vec<_>, Vec<_>) =
                columns.iter_mut().zip(places).partition(|(column, _)| !column.is_left_out());
            left.into_iter().for_each(|(column, _)| column.leave_out(rows - options.skip_rows.min(rows)));
            if taken.is_empty() {
                return Ok(());
            }
            for wave in groups.chunks(rayon::current_num_threads()) {
                let parts =
                    |group: &Group| taken.iter().map(|(all, at)| (all.part(group.first), **at)).collect();
                let parts: Vec<Result<Vec<Gather>>> =
                    wave.par_iter().map(|group| file.read_group(group, parts(group))).collect();
                for part in parts {
                    taken.iter_mut().zip(part?).for_each(|((all, _), part)| all.append(part));
                }
            }
            Ok(())
        })
        .collect();
    read.into_iter().collect::<Result<()>>()?;
    budget.give_back(moment);
    super::table(columns, options)
}

/// Lists the row groups. Fails before any other work if a compression codec is not supported.
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

/// An open file and what is needed to read any part of it.
struct Open<'a, F> {
    open: F,
    meta: &'a ArrowReaderMetadata,
    budget: &'a Budget,
}

impl<R: ChunkReader + 'static, F: Fn() -> Result<R>> Open<'_, F> {
    /// Reads one row group into the given parts of columns.
    fn read_group<'a>(&self, group: &Group, parts: Vec<(Gather<'a>, Place)>) -> Result<Vec<Gather<'a>>> {
        let (mut parts, places): (Vec<Gather>, Vec<Place>) = parts.into_iter().unzip();
        let mut batch = (BATCH / parts.len()).clamp(1, group.rows.max(1));
        let mut bytes = 0;
        for (part, place) in parts.iter_mut().zip(&places) {
            let chunk = self.meta.metadata().row_group(group.index).columns().get(place.leaf);
            let chunk = chunk.ok_or_else(|| damaged("a column is missing"))?;
            let bounds = check_chunk((self.open)()?, chunk, group.rows, batch, self.budget)?;
            batch = bounds.batch;
            bytes += bounds.bytes;
            part.reserve(group.rows)?;
        }
        self.budget.take(bytes)?;
        let roots = places.iter().map(|place| place.root);
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata((self.open)()?, self.meta.clone())
            .with_projection(ProjectionMask::roots(self.meta.parquet_schema(), roots))
            .with_row_groups(vec![group.index])
            .with_batch_size(batch)
            .build()
            .map_err(damaged)?;
        for batch in reader {
            let batch = batch.map_err(damaged)?;
            if batch.num_columns() != parts.len() {
                return Err(damaged("a column is missing"));
            }
            parts.iter_mut().zip(batch.columns()).try_for_each(|(part, array)| part.push(array))?;
        }
        if parts.iter().any(|part| part.seen() != group.first + group.rows) {
            return Err(damaged(format!("row group {} is not as long as it says", group.index + 1)));
        }
        self.budget.give_back(bytes);
        Ok(parts)
    }
}

pub(super) fn damaged(e: impl std::fmt::Display) -> Error {
    super::damaged("a Parquet file", e)
}
