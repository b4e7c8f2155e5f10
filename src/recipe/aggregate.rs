//! Figures per group, such as the mean pay of each company, and giving each row the figure of its group.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::recipe::EncodingOptions;
use crate::recipe::fitted_step::{Scalar, as_text, numbers_or, text_of};
use crate::recipe::statistics::{Copies, constant, count, deviation, mean, median, sum, there};
use crate::table::Values;

/// An `[[aggregate]]` section: a column that holds, for each row, a figure of its group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    /// The line of the section in the recipe file, counted from 1.
    pub line: u64,
    /// The new column's name.
    pub name: String,
    /// The column whose values make the groups.
    pub by: String,
    /// The column that the figure is computed from. A count may do without one, and then counts rows.
    pub of: Option<String>,
    /// Which figure.
    pub function: AggregateFunction,
    /// How the column becomes features, if it is used as one.
    pub encoding: EncodingOptions,
}

/// A figure of a group, as pandas computes it. Missing values are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AggregateFunction {
    /// The mean.
    Mean,
    /// The middle value, or the mean of the two middle values.
    Median,
    /// How many rows have a value.
    Count,
    /// How many different values there are.
    Distinct,
    /// The sum; 0 if there is no value.
    Sum,
    /// The smallest number.
    Min,
    /// The largest number.
    Max,
    /// The standard deviation, which divides by n - 1; missing if there is only one value.
    Std,
    /// The first value, in the order of the rows: a number or a text.
    First,
    /// The last value, in the order of the rows: a number or a text.
    Last,
}

impl AggregateFunction {
    /// The names used in a recipe.
    pub(crate) const WORDS: [(&str, AggregateFunction); 10] = [
        ("mean", AggregateFunction::Mean),
        ("median", AggregateFunction::Median),
        ("count", AggregateFunction::Count),
        ("distinct", AggregateFunction::Distinct),
        ("sum", AggregateFunction::Sum),
        ("min", AggregateFunction::Min),
        ("max", AggregateFunction::Max),
        ("std", AggregateFunction::Std),
        ("first", AggregateFunction::First),
        ("last", AggregateFunction::Last),
    ];

    /// All names, as a message lists them: `mean, median, … or last`.
    pub(super) fn listed() -> String {
        let names: Vec<&str> = Self::WORDS.iter().map(|(word, _)| *word).collect();
        let (last, first) = names.split_last().unwrap_or((&"", &[]));
        format!("{} or {last}", first.join(", "))
    }

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, function)| *function == self).map_or("", |(word, _)| word)
    }
}

/// Computes the figure of each group, by the group's text in `by`, and the figure of each row's group. Rows without a
/// group get a missing value.
///
/// # Errors
/// A sentence, if the figure needs numbers and the column holds texts, or if the numbers are too large.
pub(super) fn figures(
    function: AggregateFunction,
    by: &Values,
    of: Option<&Values>,
    copies: Copies<'_>,
) -> Result<(HashMap<String, Scalar>, Values), String> {
    let by = as_text(by)?;
    let Values::Text { levels, codes } = &*by else { return Ok((HashMap::new(), Values::Empty(by.len()))) };
    let figures = of_groups(function, codes, levels.len(), of, copies)?;
    let groups = levels.iter().enumerate().filter_map(|(i, level)| {
        let value = match &figures {
            Values::Text { levels, codes } => Scalar::Text(levels[codes[i]? as usize].clone()),
            _ => Scalar::Number(figures.number(i).filter(|v| !v.is_nan())?),
        };
        Some((level.clone(), value))
    });
    Ok((groups.collect(), of_rows(codes, &figures)))
}

/// Computes a figure for each group, as a column with a row per group. `codes` says for each row which of the `groups`
/// groups it belongs to, counted from 0; `of` is the column that the figure is computed from.
///
/// # Errors
/// Those of [`figures`].
pub(crate) fn of_groups(
    function: AggregateFunction,
    codes: &[Option<u32>],
    groups: usize,
    of: Option<&Values>,
    copies: Option<&[f64]>,
) -> Result<Values, String> {
    let values: Vec<f64> = match (function, of) {
        (AggregateFunction::First | AggregateFunction::Last, Some(Values::Text { levels, codes: own })) => {
            let of = ends_of_texts(function, codes, groups, own);
            return Ok(text_of(levels.clone(), of));
        }
        (AggregateFunction::Distinct, Some(of)) => match &*as_text(of)? {
            Values::Text { codes, .. } => codes.iter().map(|c| c.map_or(f64::NAN, f64::from)).collect(),
            _ => vec![f64::NAN; codes.len()],
        },
        (AggregateFunction::Count, Some(of)) => {
            (0..of.len()).map(|row| if of.is_missing(row) { f64::NAN } else { 1.0 }).collect()
        }
        (_, Some(of)) => numbers_or(of, || format!("the {} needs numbers", function.word()))?.into_owned(),
        (_, None) => vec![1.0; codes.len()],
    };
    // Sort the values by group, keeping the order of the rows within each. Group g ends up in ends[g]..ends[g + 1].
    let mut ends = vec![0usize; groups + 1];
    codes.iter().flatten().for_each(|&c| ends[c as usize + 1] += 1);
    for c in 1..ends.len() {
        ends[c] += ends[c - 1];
    }
    let mut next = ends.clone();
    let mut sorted = vec![f64::NAN; ends[groups]];
    let mut sorted_copies = copies.map(|_| vec![0.0; ends[groups]]);
    for (row, (&value, code)) in values.iter().zip(codes).enumerate() {
        if let Some(code) = code {
            let place = &mut next[*code as usize];
            sorted[*place] = value;
            if let (Some(sorted), Some(copies)) = (&mut sorted_copies, copies) {
                sorted[*place] = copies[row];
            }
            *place += 1;
        }
    }
    let group = |ends: &[usize]| {
        let (values, copies) =
            there(&sorted[ends[0]..ends[1]], sorted_copies.as_ref().map(|c| &c[ends[0]..ends[1]]));
        of_group(function, values, copies.as_deref())
    };
    let figures: Vec<f64> = ends.windows(2).map(group).collect();
    if figures.iter().any(|v| v.is_infinite()) {
        return Err(format!("the numbers are too large for a {}", function.word()));
    }
    Ok(Values::Number(figures))
}

/// The code of each group's first or last text; `None` if the group has no text.
fn ends_of_texts(
    function: AggregateFunction,
    codes: &[Option<u32>],
    groups: usize,
    own: &[Option<u32>],
) -> Vec<Option<u32>> {
    let mut found = vec![None; groups];
    for (code, text) in codes.iter().zip(own) {
        if let (Some(code), Some(text)) = (code, text) {
            let found = &mut found[*code as usize];
            if function == AggregateFunction::Last || found.is_none() {
                *found = Some(*text);
            }
        }
    }
    found
}

/// Gives each row the figure of its group; missing if the row has no group or the group no figure.
fn of_rows(codes: &[Option<u32>], figures: &Values) -> Values {
    match figures {
        Values::Text { levels, codes: of } => {
            text_of(levels.clone(), codes.iter().map(|code| of[(*code)? as usize]).collect())
        }
        _ => {
            let figure = |code: &Option<u32>| code.and_then(|code| figures.number(code as usize));
            Values::Number(codes.iter().map(|code| figure(code).unwrap_or(f64::NAN)).collect())
        }
    }
}

/// The figure of one group. `values` holds no missing values.
fn of_group(function: AggregateFunction, mut values: Vec<f64>, copies: Copies<'_>) -> f64 {
    match function {
        AggregateFunction::Count => count(&values, copies),
        AggregateFunction::Distinct => {
            values.sort_unstable_by(f64::total_cmp);
            values.dedup();
            values.len() as f64
        }
        AggregateFunction::Sum => sum(&values, copies),
        _ if values.is_empty() => f64::NAN,
        AggregateFunction::Mean => mean(&values, copies),
        AggregateFunction::Median => median(&values, copies),
        AggregateFunction::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
        AggregateFunction::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        AggregateFunction::Std if constant(&values, copies).is_some() => {
            // Equal values have deviation 0 and not rounding noise; a single value has none.
            if count(&values, copies) > 1.0 { 0.0 } else { f64::NAN }
        }
        AggregateFunction::Std => deviation(&values, mean(&values, copies), 1, copies),
        AggregateFunction::First => values[0],
        AggregateFunction::Last => values[values.len() - 1],
    }
}

/// Gives each row of a later table the figure that its group had at the fit. A group without one, such as a new
/// company, gets a missing value. Also returns how many rows have such a group.
pub(super) fn join(by: &Values, groups: &HashMap<String, Scalar>) -> Result<(Values, usize), String> {
    let by = as_text(by)?;
    let Values::Text { levels, codes } = &*by else { return Ok((Values::Empty(by.len()), 0)) };
    let found: Vec<Option<&Scalar>> = levels.iter().map(|level| groups.get(level)).collect();
    let new = codes.iter().flatten().filter(|code| found[**code as usize].is_none()).count();
    let figures = if groups.values().any(|figure| matches!(figure, Scalar::Text(_))) {
        let mut texts = Vec::new();
        let codes = found.iter().map(|figure| match figure {
            Some(Scalar::Text(text)) => {
                texts.push(text.clone());
                Some(texts.len() as u32 - 1)
            }
            _ => None,
        });
        let codes = codes.collect();
        merged(&texts, codes)
    } else {
        let number = |figure: &Option<&Scalar>| match figure {
            Some(Scalar::Number(v)) => *v,
            _ => f64::NAN,
        };
        Values::Number(found.iter().map(number).collect())
    };
    Ok((of_rows(codes, &figures), new))
}

/// Builds a text column from `texts` that may contain the same text more than once.
fn merged(texts: &[String], codes: Vec<Option<u32>>) -> Values {
    let mut places: HashMap<&str, u32> = HashMap::new();
    let mut levels = Vec::new();
    let of: Vec<u32> = (texts.iter())
        .map(|text| {
            *places.entry(text).or_insert_with(|| {
                levels.push(text.clone());
                levels.len() as u32 - 1
            })
        })
        .collect();
    text_of(levels, codes.into_iter().map(|code| code.map(|code| of[code as usize])).collect())
}
