//! Parquet: columns side by side, and of each column as many row groups at once as there are threads.

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use ::parquet::basic::Compression;
use ::parquet::file::reader::ChunkReader;
use rayon::prelude::*;

use super::gather::Gather;
use crate::error::{Error, Result};
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

/// Reads the file that `open` opens.
pub(super) fn read<R: ChunkReader + 'static>(
    open: impl Fn() -> Result<R> + Sync,
    options: &ReadOptions,
) -> Result<Table> {
    // Parquet's own schema says enough; the Arrow schema that some writers add could contradict it.
    let plain = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let meta = ArrowReaderMetadata::load(&open()?, plain).map_err(damaged)?;
    let empty = super::gathers(meta.schema(), options)?;
    if meta.parquet_schema().root_schema().get_fields().len() != empty.len() {
        return Err(damaged("its schema has groups without columns"));
    }
    let groups = groups(&meta)?;
    let columns: Vec<Result<Gather>> = empty
        .into_par_iter()
        .enumerate()
        .map(|(column, mut all)| {
            if all.is_left_out() {
                let rows: usize = groups.iter().map(|g| g.rows).sum();
                all.leave_out(rows - options.skip_rows.min(rows));
                return Ok(all);
            }
            for wave in groups.chunks(rayon::current_num_threads()) {
                let parts: Vec<Result<Gather>> = wave
                    .par_iter()
                    .map(|group| read_group(&open, &meta, column, group, all.part(group.first)))
                    .collect();
                for part in parts {
                    all.append(part?);
                }
            }
            Ok(all)
        })
        .collect();
    super::table(columns.into_iter().collect::<Result<_>>()?, options)
}

/// The row groups; refuses compressions that cannot be read, before any work.
fn groups(meta: &ArrowReaderMetadata) -> Result<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    for (index, group) in meta.metadata().row_groups().iter().enumerate() {
        for column in group.columns() {
            match column.compression() {
                Compression::ZSTD(_) if !cfg!(feature = "zstd") => return Err(super::cannot_unpack("zstd")),
                Compression::BROTLI(_) => return Err(super::cannot_unpack("brotli")),
                Compression::LZO => return Err(super::cannot_unpack("lzo")),
                _ => {}
            }
        }
        let first = groups.last().map_or(0, |g| g.first + g.rows);
        let rows = u32::try_from(group.num_rows()).map_err(|_| damaged("a row group of impossible size"))?;
        groups.push(Group { index, first, rows: rows as usize });
    }
    Ok(groups)
}

/// One column of a row group.
fn read_group<'a, R: ChunkReader + 'static>(
    open: impl Fn() -> Result<R>,
    meta: &ArrowReaderMetadata,
    column: usize,
    group: &Group,
    mut part: Gather<'a>,
) -> Result<Gather<'a>> {
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(open()?, meta.clone())
        .with_projection(ProjectionMask::roots(meta.parquet_schema(), [column]))
        .with_row_groups(vec![group.index])
        .with_batch_size(BATCH.min(group.rows.max(1)))
        .build()
        .map_err(damaged)?;
    for batch in reader {
        let batch = batch.map_err(damaged)?;
        part.push(batch.columns().first().ok_or_else(|| damaged("a column is missing"))?)?;
    }
    if part.seen() != group.first + group.rows {
        return Err(damaged(format!("row group {} is not as long as it says", group.index + 1)));
    }
    Ok(part)
}

fn damaged(e: impl std::fmt::Display) -> Error {
    super::damaged("a Parquet file", e)
}
