//! From columns to features: what a [`Recipe`] says, or rules choose, is fitted once and then applied.
//!
//! A recipe makes columns of columns by chains of [`Step`]s, leaves rows out ([`DropSpec`]) and names its features;
//! [`Recipe::fit`] learns what that needs. [`infer()`] says what would become of each column and why; [`Encoder::fit`]
//! learns medians, means, deviations and category levels; [`FittedRecipe::apply`] turns any table with those columns into
//! features.

mod aggregate;
mod arithmetic;
mod columns;
mod dates;
pub(crate) mod decode;
mod drops;
mod encode;
mod file;
mod fit;
mod fitted;
mod fitted_step;
mod group;
mod infer;
mod preparation;
mod reference;
mod rows;
mod statistics;
mod step;

use serde::{Deserialize, Serialize};

pub use aggregate::{Aggregate, AggregateFunction};
pub use arithmetic::ArithmeticOperation;
pub use drops::{Bounds, DropCondition, DropSpec, FittedDrop};
pub use encode::{BinaryCategories, ColumnEncoder, Encoded, Encoder};
pub(crate) use file::SIZE;
pub(crate) use file::fit_for_a_name;
pub use file::{ColumnSpec, EncodingOptions, Features, Recipe};
pub(crate) use fitted::AppliedRecipe;
pub use fitted::{FitReport, FittedRecipe};
pub use fitted_step::{Comparison, FittedStep, Scalar};
pub use group::{Group, GroupAggregate, Grouping};
pub use infer::{ColumnChoice, infer};
pub use preparation::{ColumnType, FittedColumn, Preparation};
pub(crate) use reference::BinCounts;
pub use reference::ColumnReference;
pub(crate) use statistics::quantiles;
pub use step::{ImputeStatistic, Step};

/// How many levels of a text column get a feature each; the rest share one.
pub const TOP_LEVELS: usize = 15;

/// How numbers are scaled. A column whose values differ by no more than the rounding error of their mean is constant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Centred on the mean and divided by the deviation (ddof 0); a constant column is divided by 1.
    #[default]
    Standard,
    /// Centred on the median and divided by the distance of the quartiles; by 1 where that is 0.
    Robust,
    /// From 0 at the smallest to 1 at the largest; a constant column becomes 0.
    Minmax,
    /// Only centred, on the mean rounded to a multiple of the largest power of two that is at most the
    /// deviation. Distances do not change, whole numbers stay whole where the deviation is 1 or more, and a
    /// large mean costs no digits. A constant column is centred on its value.
    None,
}

impl Scale {
    /// Each by its name in a recipe; the last is no scaling.
    pub const WORDS: [(&str, Scale); 4] = [
        ("standard", Scale::Standard),
        ("robust", Scale::Robust),
        ("minmax", Scale::Minmax),
        ("none", Scale::None),
    ];
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

impl Missing {
    /// Each by its name in a recipe.
    pub const WORDS: [(&str, Missing); 3] =
        [("impute", Missing::Impute), ("drop", Missing::Drop), ("error", Missing::Error)];
}

/// Which columns become features, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
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
    /// The column with the rows' weights, which is no feature.
    pub weight: Option<String>,
}

impl Default for InferOptions {
    fn default() -> Self {
        InferOptions {
            features: Vec::new(),
            drop: Vec::new(),
            max_categories: 50,
            scale: Scale::default(),
            missing: Missing::default(),
            weight: None,
        }
    }
}
