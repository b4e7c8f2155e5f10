//! Columns that a model needs although they are no features: those that decide the population or split a segment.

use serde::{Deserialize, Serialize};

use crate::recipe::preparation::ColumnType;
use crate::table::Table;

/// A column that an analysis needs besides the features, and where the recipe file names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraColumn {
    /// The line in the recipe file, counted from 1.
    pub line: u64,
    /// The key that names the column.
    pub key: String,
    /// The column: one of the table's, or a computed one.
    pub column: String,
}

impl ExtraColumn {
    /// A column that the recipe names on this line, under this key.
    pub fn new(line: u64, key: String, column: &str) -> Self {
        ExtraColumn { line, key, column: column.into() }
    }
}

/// A column that a model needs besides the features.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FittedExtra {
    /// Its name.
    pub column: String,
    /// Its type at the fit if it is a column of the table, so that later tables are read alike; `None` if it is computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<ColumnType>,
}

impl FittedExtra {
    /// Of these columns of the table, each once. `made` tells which ones are computed.
    pub(super) fn all<'a>(
        names: impl Iterator<Item = &'a str>,
        table: &Table,
        made: impl Fn(&str) -> bool,
    ) -> Vec<FittedExtra> {
        let mut extra: Vec<FittedExtra> = Vec::new();
        for name in names {
            if extra.iter().all(|known| known.column != name) {
                let own = table.column(name).filter(|_| !made(name));
                let read = own.map(|column| ColumnType::of(&column.values));
                extra.push(FittedExtra { column: name.into(), read });
            }
        }
        extra
    }
}
