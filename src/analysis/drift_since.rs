//! How the columns of a new table differ from those of the table that an earlier model was fitted to.

use crate::evidence::psi::Change;
use crate::model::{Direction, LabelledTable, Model};
use serde::{Deserialize, Serialize};

/// How a table differs from that of the model that a fit started from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftSince {
    /// The largest change of a column.
    pub change: Change,
    /// The columns, the one that changed most first.
    pub columns: Vec<ColumnDriftSince>,
}

impl DriftSince {
    /// Of a table that the model has labelled; `None` if the model has nothing to compare it with, or no row got a segment.
    pub(super) fn of(model: &Model, labelled: &LabelledTable<'_>) -> Option<Self> {
        labelled.assignments.rows.iter().flatten().next()?;
        let columns = model.column_drift(labelled).ok()?.into_iter().map(|found| ColumnDriftSince {
            column: found.column,
            psi: found.psi,
            change: found.change,
            points: found.points,
            direction: found.direction,
        });
        let columns: Vec<ColumnDriftSince> = columns.collect();
        let change = columns.iter().map(|column| column.change).max()?;
        Some(DriftSince { change, columns })
    }
}

/// How one column differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnDriftSince {
    /// The column.
    pub column: String,
    /// The population stability index.
    pub psi: f64,
    /// What kind of change that is.
    pub change: Change,
    /// The most that a share of the column's rows has moved, in percentage points.
    pub points: f64,
    /// Which way the column went.
    #[serde(flatten)]
    pub direction: Direction,
}
