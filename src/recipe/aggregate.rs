//! Figures by group, joined to each row.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::recipe::EncodingOptions;
use crate::recipe::fitted_step::{Scalar, as_text, numbers_or, text_of};
use crate::recipe::statistics::{Copies, constant, count, deviation, mean, median, sum, there};
use crate::table::Values;

/// A column that holds for each row a figure of its group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    /// Its line in the recipe.
    pub line: u64,
    /// Its name.
    pub name: String,
    /// The column whose values make the groups.
    pub by: String,
    /// The column that the figure is of; for counts, none counts rows.
    pub of: Option<String>,
    /// The figure.
    pub function: AggregateFunction,
    /// How it becomes a feature.
    pub encoding: EncodingOptions,
}

/// A figure of a group; missing values are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AggregateFunction {
    /// The mean.
    Mean,
    /// The middle, or the mean of the two middle ones.
    Median,
    /// How many rows have a value.
    Count,
    /// How many different values there are.
    Distinct,
    /// The sum; 0 where there is no value.
    Sum,
    /// The smallest number.
    Min,
    /// The largest number.
    Max,
    /// The standard deviation, with 1 taken off the number of values; missing where there is one value only.
    Std,
    /// The first value, in the order of the rows: a number or a text.
    First,
    /// The last value, in the order of the rows: a number or a text.
    Last,
}

impl AggregateFunction {
    /// Each by its name in a recipe.
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

    /// The names of all, as a sentence lists them.
    pub(super) fn listed() -> String {
        let names: Vec<&str> = Self::WORDS.iter().map(|(word, _)| *word).collect();
        let (last, first) = names.split_last().unwrap_or((&"", &[]));
        format!("{} or {last}", first.join(", "))
    }

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, function)| *function == self).map_or("", |(word, _)| word)
    }
}

/// The figure of each group by its text, and each row's; rows without a group belong to none.
///
/// # Errors
/// A sentence, where a figure of numbers is of a column that holds none.
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

/// The figure of each of `groups` groups, to which the rows belong by their codes.
///
/// # Errors
/// As [`figures`].
pub(super) fn of_groups(
    function: AggregateFunction,
    codes: &[Option<u32>],
    groups: usize,
    of: Option<&Values>,
    copies: Copies<'_>,
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
    // Rows sorted by group, in row order within each.
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

/// The code of each group's first or last text.
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

/// Each row's figure; missing where there is none.
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

/// The figure of a group's values, which are all there.
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
            // Not the rounding noise of equal values; and no deviation of a single one.
            if count(&values, copies) > 1.0 { 0.0 } else { f64::NAN }
        }
        AggregateFunction::Std => deviation(&values, mean(&values, copies), 1, copies),
        AggregateFunction::First => values[0],
        AggregateFunction::Last => values[values.len() - 1],
    }
}

/// Each row's figure, missing for a group that has none, and the number of rows with such a group.
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

/// A text column whose levels may repeat.
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
