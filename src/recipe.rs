//! From columns to features: which columns are taken, and the encoder that is fitted once and then applied.
//!
//! [`infer()`] says what would become of each column and why; [`Encoder::fit`] learns medians, means,
//! deviations and category levels; [`Encoder::apply`] turns any table with those columns into features.

mod encode;
mod fit;
mod infer;
mod rows;

use serde::{Deserialize, Serialize};

pub use encode::{ColumnEncoder, Encoded, Encoder};
pub use infer::{Choice, infer};

/// How many levels of a text column get a feature each; the rest share one.
pub const TOP_LEVELS: usize = 15;

/// How numbers are scaled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Centred on the mean and divided by the deviation (ddof 0); a constant column is divided by 1.
    #[default]
    Standard,
    /// Only centred, on the mean rounded to a multiple of the largest power of two that is at most the
    /// deviation. Distances do not change, whole numbers stay whole where the deviation is 1 or more, and a
    /// large mean costs no digits. A constant column is centred on its value.
    None,
}

/// What becomes of missing values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// The median for numbers, the commoner value for booleans, a level of its own for text.
    #[default]
    Impute,
    /// Rows with a missing value in a chosen column are left out.
    Drop,
    /// A missing value in a chosen column is an error.
    Error,
}

/// Which columns become features, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct InferOptions {
    /// Names or globs (`*`, `?`) of the columns to take, whatever they look like; empty: choose by the rules.
    pub features: Vec<String>,
    /// Names or globs of columns to leave out, even where `features` takes them.
    pub drop: Vec<String>,
    /// A text column with more distinct values than this is no feature.
    pub max_categories: usize,
    /// How numbers are scaled.
    pub scale: Scale,
    /// What becomes of missing values.
    pub missing: Missing,
}

impl Default for InferOptions {
    fn default() -> Self {
        InferOptions {
            features: Vec::new(),
            drop: Vec::new(),
            max_categories: 50,
            scale: Scale::default(),
            missing: Missing::default(),
        }
    }
}
