//! The rows that are most typical of each segment, in the table's own columns and without a name.

use super::super::prepare::Prepared;
use super::{Member, Members};
use crate::model::Assignment;
use crate::profile::Profile;
use crate::questions::{Cell, cell};

/// So many rows of each segment are shown.
const ROWS: usize = 3;
/// In so many columns, those that tell most segments apart.
const COLUMNS: usize = 8;
/// With more segments there are none.
const MOST_SEGMENTS: usize = 40;

impl Prepared {
    /// The rows nearest to the middle of each segment, the first one on ties; `None` if the table was not kept.
    pub(super) fn nearest_members(
        &self,
        rows: &[Option<Assignment>],
        k: usize,
        profile: &Profile,
    ) -> Option<Members> {
        let table = self.table.as_ref().filter(|_| k <= MOST_SEGMENTS)?;
        let named = profile.separation.iter().filter_map(|one| table.column(&one.column));
        let columns: Vec<_> = named.take(COLUMNS).collect();
        let mut nearest: Vec<Vec<(f64, usize)>> = vec![Vec::new(); k];
        for (row, found) in rows.iter().enumerate() {
            let Some(found) = found else { continue };
            let Some(own) = nearest.get_mut(found.segment as usize) else { continue };
            // Rows come in order, so that a row as near as one that is there already comes after it.
            let place = own.partition_point(|(distance, _)| *distance <= found.distance);
            if place < ROWS {
                own.insert(place, (found.distance, row));
                own.truncate(ROWS);
            }
        }
        let cells =
            |row: usize| -> Vec<Cell> { columns.iter().map(|column| cell(&column.values, row)).collect() };
        let of = |(segment, own): (u32, Vec<(f64, usize)>)| {
            own.into_iter().map(move |(_, row)| (segment, row)).collect::<Vec<_>>()
        };
        let rows = (0..).zip(nearest).flat_map(of);
        let rows: Vec<Member> = rows.map(|(segment, row)| Member { segment, cells: cells(row) }).collect();
        let names = columns.iter().map(|column| column.name.clone()).collect();
        (!columns.is_empty() && !rows.is_empty()).then_some(Members { columns: names, rows })
    }
}
