//! Figures by group, joined to each row.

use std::collections::HashMap;

use crate::recipe::Treatment;
use crate::recipe::rule::{as_text, numbers_or};
use crate::recipe::statistics::{mean, median};
use crate::table::Values;

/// A column that holds for each row a figure of its group.
#[derive(Debug, Clone, PartialEq)]
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
    pub figure: Figure,
    /// How it becomes a feature.
    pub treatment: Treatment,
}

/// A figure of a group; missing values are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// The mean.
    Mean,
    /// The middle, or the mean of the two middle ones.
    Median,
    /// How many rows have a value.
    Count,
    /// How many different values there are.
    Distinct,
}

/// The figure of each group by its text, and each row's; rows without a group belong to none.
///
/// # Errors
/// A sentence, where a mean or median is of a column that is no number.
pub(super) fn figures(
    figure: Figure,
    by: &Values,
    of: Option<&Values>,
) -> Result<(HashMap<String, f64>, Values), String> {
    let by = as_text(by)?;
    let Values::Text { levels, codes } = &*by else { return Ok((HashMap::new(), Values::Empty(by.len()))) };
    let values: Vec<f64> = match (figure, of) {
        (Figure::Mean | Figure::Median, Some(of)) => {
            numbers_or(of, || "a mean or median wants numbers".into())?.into_owned()
        }
        (Figure::Distinct, Some(of)) => match &*as_text(of)? {
            Values::Text { codes, .. } => codes.iter().map(|c| c.map_or(f64::NAN, f64::from)).collect(),
            _ => vec![f64::NAN; codes.len()],
        },
        (_, Some(of)) => (0..of.len()).map(|row| if of.is_missing(row) { f64::NAN } else { 1.0 }).collect(),
        (_, None) => vec![1.0; codes.len()],
    };
    // Rows sorted by group, in row order within each.
    let mut ends = vec![0usize; levels.len() + 1];
    codes.iter().flatten().for_each(|&c| ends[c as usize + 1] += 1);
    for c in 1..ends.len() {
        ends[c] += ends[c - 1];
    }
    let mut next = ends.clone();
    let mut sorted = vec![f64::NAN; ends[levels.len()]];
    for (&value, code) in values.iter().zip(codes) {
        if let Some(code) = code {
            sorted[next[*code as usize]] = value;
            next[*code as usize] += 1;
        }
    }
    let group = |ends: &[usize]| {
        let there = sorted[ends[0]..ends[1]].iter().copied().filter(|v| !v.is_nan()).collect();
        of_group(figure, there)
    };
    let figures: Vec<f64> = ends.windows(2).map(group).collect();
    let there = levels.iter().zip(&figures).filter(|(_, v)| !v.is_nan());
    let groups = there.map(|(level, &figure)| (level.clone(), figure)).collect();
    Ok((groups, Values::Number(of_rows(codes, &figures))))
}

/// Each row's figure; missing where there is none.
fn of_rows(codes: &[Option<u32>], figures: &[f64]) -> Vec<f64> {
    codes.iter().map(|code| code.map_or(f64::NAN, |code| figures[code as usize])).collect()
}

fn of_group(figure: Figure, mut values: Vec<f64>) -> f64 {
    match figure {
        Figure::Count => values.len() as f64,
        Figure::Distinct => {
            values.sort_unstable_by(f64::total_cmp);
            values.dedup();
            values.len() as f64
        }
        _ if values.is_empty() => f64::NAN,
        Figure::Mean => mean(&values),
        Figure::Median => median(&values),
    }
}

/// Each row's figure, missing for a group that has none, and the number of rows with such a group.
pub(super) fn join(by: &Values, groups: &HashMap<String, f64>) -> Result<(Values, usize), String> {
    let by = as_text(by)?;
    let Values::Text { levels, codes } = &*by else { return Ok((Values::Empty(by.len()), 0)) };
    let figures: Vec<f64> = levels.iter().map(|l| groups.get(l).copied().unwrap_or(f64::NAN)).collect();
    let new = codes.iter().flatten().filter(|code| figures[**code as usize].is_nan()).count();
    Ok((Values::Number(of_rows(codes, &figures)), new))
}
