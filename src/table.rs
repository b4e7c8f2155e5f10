//! Tables as they are read: named, typed columns with missing values.
//!
//! [`read`] takes CSV, TSV (plain or gzip) and `.npy`; types are inferred over the whole column.

/// One column's values. Every variant has one entry a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Numbers; missing is NaN. Infinities never get in.
    Number(Vec<f64>),
    /// `true`/`false`; missing is `None`.
    Bool(Vec<Option<bool>>),
    /// Text as codes into `levels` (in order of first appearance); missing is `None`.
    Text {
        /// The distinct texts.
        levels: Vec<String>,
        /// One code a row.
        codes: Vec<Option<u32>>,
    },
    /// Missing in every row.
    Empty(usize),
}

/// A named column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The name in the header (or `f0`, `f1`, … where there is none).
    pub name: String,
    /// The values.
    pub values: Values,
}

/// A table: columns of one length, and the ids as they were written.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What the reader was given, for messages.
    pub source: String,
    /// How many rows.
    pub rows: usize,
    /// The columns in file order, the id column included.
    pub columns: Vec<Column>,
    /// The id column's name and its cells letter for letter, where one was asked for.
    pub ids: Option<(String, Vec<String>)>,
}
