//! Turns a table's columns into numeric features, learned on one table and then applied unchanged to later ones.
//!
//! A [`Recipe`] says how: it computes new columns from existing ones with lists of [`Step`]s, leaves rows out
//! ([`DropSpec`]), and names the columns that become features. Without named features, [`infer()`] picks them by rules
//! and says why each column was taken or left out.
//!
//! [`Recipe::fit`] learns everything this needs from the first table, such as medians, means, standard deviations and
//! the list of categories. The result, a [`FittedRecipe`], is kept in the model. [`FittedRecipe::apply`] encodes any
//! later table with the same columns, using those learned values and never relearning them, so that its rows are
//! comparable with the rows of the fit. [`Encoder::fit`] does the last part alone, for a table that needs no
//! preparation.

mod aggregate;
mod alias;
mod arithmetic;
mod columns;
mod condition;
mod dates;
pub(crate) mod decode;
mod drops;
mod encode;
mod extra;
mod file;
mod fit;
mod fitted;
mod fitted_step;
mod group;
mod infer;
mod population;
mod preparation;
mod reduce;
mod reference;
mod rows;
mod statistics;
mod step;

use serde::{Deserialize, Serialize};

pub(crate) use aggregate::of_groups as figures_of_groups;
pub use aggregate::{Aggregate, AggregateFunction};
pub use alias::{Alias, AliasOrder, Aliases, FittedAlias};
pub use arithmetic::ArithmeticOperation;
pub use condition::{Condition, ConditionError, FittedCondition};
pub use drops::{Bounds, DropCondition, DropSpec, FittedDrop};
pub use encode::{BinaryCategories, ColumnEncoder, Encoded, Encoder};
pub use extra::{ExtraColumn, FittedExtra};
pub(crate) use file::SIZE;
pub(crate) use file::fit_for_a_name;
pub use file::{ColumnSpec, EncodingOptions, Features, Recipe};
pub(crate) use fitted::AppliedRecipe;
pub use fitted::{FitReport, FittedRecipe};
pub use fitted_step::{Comparison, FittedStep, Scalar};
pub use group::{Group, GroupAggregate, Grouping};
pub use infer::{ColumnChoice, infer};
pub use population::{Gap, GapSide, Population, PopulationRule};
pub(crate) use preparation::matches;
pub use preparation::{ColumnType, FittedColumn, Preparation};
pub use reduce::{Computing, FitOptions, FittedMethod, FittedReduction, ReduceMethod, ReduceSpec};
pub(crate) use reference::BinCounts;
pub use reference::ColumnReference;
pub(crate) use rows::no_column;
pub(crate) use statistics::quantiles;
pub use step::{ImputeStatistic, Step};

/// How many categories of a text column get a 0/1 feature each, unless the recipe says otherwise. The rarer ones share
/// the feature `other`.
pub const TOP_LEVELS: usize = 15;

/// How numbers are scaled. A column whose values differ by no more than the rounding error of their mean counts as
/// constant, because scaling it would only blow up rounding noise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Subtracts the mean and divides by the standard deviation (`ddof` 0). A constant column becomes 0.
    #[default]
    Standard,
    /// Subtracts the median and divides by the interquartile range, or by 1 if that is 0.
    Robust,
    /// Maps the smallest value to 0 and the largest to 1. A constant column becomes 0.
    Minmax,
    /// Keeps the column's units, but moves it close to 0 so that a large mean costs no digits in f32. What is
    /// subtracted is the mean, rounded to a multiple of the largest power of two that is not above the standard
    /// deviation. Distances between rows stay the same, and whole numbers stay whole if the standard deviation is at
    /// least 1. A constant column becomes 0.
    None,
}

impl Scale {
    /// The names used in a recipe. `none` has to stay last, because the step `scale` accepts all but the last.
    pub const WORDS: [(&str, Scale); 4] = [
        ("standard", Scale::Standard),
        ("robust", Scale::Robust),
        ("minmax", Scale::Minmax),
        ("none", Scale::None),
    ];
}

/// What is done with missing values in the columns that become features.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// Replaces a missing number by the median, and a missing value in a column of two values by the commoner one. In
    /// other text columns, missing becomes a 0/1 feature of its own.
    #[default]
    Impute,
    /// Leaves out the rows with a missing value in any of these columns.
    Drop,
    /// Stops with an error at the first missing value in any of these columns.
    Error,
}

impl Missing {
    /// The names used in a recipe.
    pub const WORDS: [(&str, Missing); 3] =
        [("impute", Missing::Impute), ("drop", Missing::Drop), ("error", Missing::Error)];
}

/// Which columns become features, and how they are encoded by default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct InferOptions {
    /// Names or globs (`*`, `?`) of the columns to use, even those that the rules would skip. If empty, the rules
    /// choose.
    pub features: Vec<String>,
    /// Names or globs of columns to leave out, even if `features` includes them.
    pub drop: Vec<String>,
    /// A text column with more distinct values than this cannot be a feature.
    pub max_categories: usize,
    /// How numbers and columns of two values are scaled.
    pub scale: Scale,
    /// What is done with missing values.
    pub missing: Missing,
    /// The column that holds the rows' weights. It never becomes a feature.
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
