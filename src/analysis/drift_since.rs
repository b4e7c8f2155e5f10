//! How the columns of a new table differ from those of the table that an earlier model was fitted to.

use crate::evidence::psi::Change;
use crate::model::Direction;
use serde::{Deserialize, Serialize};

/// How a table differs from that of the model that a fit started from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftSince {
    /// The largest change of a column.
    pub change: Change,
    /// The columns, the one that changed most first.
    pub columns: Vec<ColumnDriftSince>,
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
