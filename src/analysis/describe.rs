//! Describes the prepared table, if a recipe asks for it.

use super::memory::check_memory;
use super::notice::{Notice, Observer};
use super::spec::Spec;
use crate::describe::{Room, TableDescription, check, describe};
use crate::error::Result;
use crate::table::Table;

/// Whether the table is kept to be described: if the specification asks for it, and memory suffices for the table beside
/// its features.
///
/// # Errors
/// A column that the table does not have.
pub(super) fn keeps_to_describe(
    table: &Table,
    features: usize,
    limit: u64,
    spec: &Spec,
    observer: &dyn Observer,
) -> Result<bool> {
    let Some(options) = &spec.describe else { return Ok(false) };
    check(table, options)?;
    let fits = check_memory(table, features, true, limit).is_ok();
    if !fits {
        let why = "there is not enough memory to keep the table beside its features, so it is not described";
        observer.notice(&Notice::Data(why.into()));
    }
    Ok(fits)
}

/// Describes the table. `features` are in memory beside it.
///
/// # Errors
/// As [`describe`].
pub(super) fn describe_prepared(
    table: &Table,
    features: usize,
    limit: u64,
    spec: &Spec,
) -> Result<Option<TableDescription>> {
    let Some(options) = &spec.describe else { return Ok(None) };
    let matrix = 4 * (table.rows as u64).saturating_mul(features as u64);
    let left = limit.saturating_sub(table.bytes()).saturating_sub(matrix);
    describe(table, options, Room::Bytes(left)).map(Some)
}
