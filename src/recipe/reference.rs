//! Summaries of the columns at the fit, kept in the model so that a later table can be compared with them.
//!
//! Each column's rows are counted in bins: tenths of the numbers, or the categories of a text. Drift is then measured
//! as the difference between the shares of the bins at the fit and in the later table.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::recipe::encode::{BinaryCategories, ColumnEncoder, Encoder};
use crate::recipe::rows::{count, pick};
use crate::recipe::statistics::{Copies, count as count_of, quantiles, sum};
use crate::table::{Table, Values};
use crate::weights::Weights;

/// The distribution, at the fit, of a column that features are made from. Shares are of the rows of the fit (of their
/// weights, if it was weighted), before missing values were replaced; together with `missing` they add up to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ColumnReference {
    /// A column of numbers.
    Number {
        /// The column's name.
        column: String,
        /// The share of missing values.
        missing: f64,
        /// The smallest value; `None` if every value is missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<f64>,
        /// The largest value; `None` if every value is missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<f64>,
        /// The median; `None` if every value is missing, and in models of older versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        median: Option<f64>,
        /// The edges between bins: the deciles 0.1 to 0.9, ascending and without repetitions. If two deciles are the
        /// same value, this value is so common that it gets a bin of its own: the column's next smaller value is an
        /// edge, too.
        edges: Vec<f64>,
        /// The share of each bin, one more than there are edges: up to and including the first edge, from there up to
        /// and including the second, and so on; the last bin is above the last edge.
        shares: Vec<f64>,
    },
    /// A column of true and false.
    Bool {
        /// The column's name.
        column: String,
        /// The share of missing values.
        missing: f64,
        /// The share of false.
        #[serde(rename = "false")]
        no: f64,
        /// The share of true.
        #[serde(rename = "true")]
        yes: f64,
    },
    /// A column of texts, also if it becomes a single feature because there are only two.
    OneHot {
        /// The column's name.
        column: String,
        /// The share of missing values.
        missing: f64,
        /// The share of each category that has a feature, by the category's text.
        levels: BTreeMap<String, f64>,
        /// The share of all rarer categories together; `None` if there are none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        other: Option<f64>,
    },
}

/// How many rows of a table fall into each bin of a reference.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BinCounts {
    /// The number of rows in each bin, or the sum of their weights, in the order of [`ColumnReference::shares`].
    bins: Vec<f64>,
    /// The number of rows with a number below the smallest of the fit.
    below: usize,
    /// The number of rows with a number above the largest of the fit.
    above: usize,
    /// The median of a column of numbers.
    pub(crate) median: Option<f64>,
}

impl BinCounts {
    /// The share of the rows in each bin; all 0 if there are no rows.
    pub(crate) fn shares(&self) -> Vec<f64> {
        let rows = self.bins.iter().sum::<f64>();
        self.bins.iter().map(|n| if rows > 0.0 { (n / rows).min(1.0) } else { 0.0 }).collect()
    }

    /// The share of missing values.
    pub(crate) fn missing(&self) -> f64 {
        self.shares().iter().rev().nth(1).copied().unwrap_or(0.0)
    }
}

impl Encoder {
    /// Summarizes the columns that features are made from, in the order of the encoder. `kept` lists the rows of the
    /// fit, counted from 0 and ascending, with `None` for all; `weights` has one weight for each of these rows.
    ///
    /// A column that does not exist, or has another type than at the fit, counts as missing in every row. The result
    /// does not depend on the number of threads.
    pub fn reference(
        &self,
        table: &Table,
        kept: Option<&[u32]>,
        weights: Option<&Weights>,
    ) -> Vec<ColumnReference> {
        let nothing = Values::Empty(table.rows);
        let by_name = table.by_name();
        let values = |name: &str| by_name.get(name).map_or(&nothing, |c| &c.values);
        let copies = weights.map(Weights::all_copies);
        let rows = Rows { kept, copies: copies.as_deref() };
        self.columns.par_iter().map(|c| ColumnReference::fit(c, values(c.column()), rows)).collect()
    }

    /// Counts how many rows of a table fall into each bin of the references, which are in the order of the encoder's
    /// columns. `copies` has one weight for each row in `kept`.
    pub(crate) fn count(
        &self,
        references: &[ColumnReference],
        table: &Table,
        kept: Option<&[u32]>,
        copies: Option<&[f64]>,
    ) -> Vec<BinCounts> {
        let nothing = Values::Empty(table.rows);
        let by_name = table.by_name();
        let values = |name: &str| by_name.get(name).map_or(&nothing, |c| &c.values);
        (self.columns.par_iter().zip(references))
            .map(|(c, reference)| reference.count(c, values(c.column()), Rows { kept, copies }))
            .collect()
    }
}

/// The rows to count, with their weights.
#[derive(Clone, Copy)]
struct Rows<'a> {
    /// The row numbers, ascending; `None` means all rows.
    kept: Option<&'a [u32]>,
    /// The weight of each of these rows.
    copies: Copies<'a>,
}

impl Rows<'_> {
    /// The number of rows in a column, or the sum of their weights.
    fn count(self, values: &Values) -> f64 {
        let rows = self.kept.map_or(values.len(), <[u32]>::len) as f64;
        self.copies.map_or(rows, |copies| sum(copies, None))
    }

    /// The weight of the i-th of these rows.
    fn copies(self, i: usize) -> f64 {
        self.copies.map_or(1.0, |copies| copies[i])
    }
}

impl ColumnReference {
    /// Summarizes a column.
    fn fit(encoder: &ColumnEncoder, values: &Values, rows: Rows<'_>) -> Self {
        let column = encoder.column().to_string();
        match encoder {
            ColumnEncoder::Number { .. } => number(column, values, rows),
            ColumnEncoder::Bool { texts: Some(BinaryCategories { no, yes }), .. } => {
                let levels = [no, yes].map(|level| (level.clone(), 0.0)).into();
                let found = ColumnReference::OneHot { column, missing: 0.0, levels, other: None };
                found.filled(encoder, values, rows)
            }
            ColumnEncoder::Bool { .. } => {
                let found = ColumnReference::Bool { column, missing: 0.0, no: 0.0, yes: 0.0 };
                found.filled(encoder, values, rows)
            }
            ColumnEncoder::OneHot { levels, other, .. } => {
                let levels = levels.iter().map(|level| (level.clone(), 0.0)).collect();
                let other = (!other.is_empty()).then_some(0.0);
                let found = ColumnReference::OneHot { column, missing: 0.0, levels, other };
                found.filled(encoder, values, rows)
            }
        }
    }

    /// Fills in the shares, which are 0 so far, by counting the rows of a column.
    fn filled(mut self, encoder: &ColumnEncoder, values: &Values, rows: Rows<'_>) -> Self {
        let counted = self.count(encoder, values, rows);
        let mut found = counted.shares().into_iter();
        let mut next = || found.next().unwrap_or(0.0);
        match &mut self {
            ColumnReference::Number { .. } => {}
            ColumnReference::Bool { no, yes, missing, .. } => {
                (*no, *yes, *missing) = (next(), next(), next())
            }
            ColumnReference::OneHot { levels, other, missing, .. } => {
                levels.values_mut().for_each(|share| *share = next());
                let rest = next();
                other.iter_mut().for_each(|share| *share = rest);
                *missing = next();
            }
        }
        self
    }

    /// The column's name.
    pub fn column(&self) -> &str {
        match self {
            ColumnReference::Number { column, .. }
            | ColumnReference::Bool { column, .. }
            | ColumnReference::OneHot { column, .. } => column,
        }
    }

    /// The share of missing values.
    pub fn missing(&self) -> f64 {
        match self {
            ColumnReference::Number { missing, .. }
            | ColumnReference::Bool { missing, .. }
            | ColumnReference::OneHot { missing, .. } => *missing,
        }
    }

    /// The share of each bin. First the bins of the numbers, or false and true, or the categories in alphabetical order
    /// and `other`; then missing values; last texts that the fit did not see, whose share is 0.
    pub fn shares(&self) -> Vec<f64> {
        let mut shares = match self {
            ColumnReference::Number { shares, .. } => shares.clone(),
            ColumnReference::Bool { no, yes, .. } => vec![*no, *yes],
            ColumnReference::OneHot { levels, other, .. } => {
                levels.values().copied().chain([other.unwrap_or(0.0)]).collect()
            }
        };
        shares.extend([self.missing(), 0.0]);
        shares
    }

    /// What the bins of [`ColumnReference::shares`] are called, if it is a column of texts.
    pub(crate) fn levels(&self) -> Option<Vec<&str>> {
        let ColumnReference::OneHot { levels, .. } = self else { return None };
        let others = ["(rarer ones)", "(missing)", "(not in the fit)"];
        Some(levels.keys().map(String::as_str).chain(others).collect())
    }

    /// Counts how many rows of a column fall into each bin.
    fn count(&self, encoder: &ColumnEncoder, values: &Values, rows: Rows<'_>) -> BinCounts {
        let (mut below, mut above, mut median) = (0, 0, None);
        // Texts that the fit did not see are the last bin, after the missing values.
        let (mut bins, unseen) = match self {
            ColumnReference::Number { min, max, edges, .. } => {
                let (mut there, copies) = there(values, rows);
                let beyond = |is: &dyn Fn(f64) -> bool| there.iter().filter(|v| is(**v)).count();
                below = min.map_or(0, |min| beyond(&|v| v < min));
                above = max.map_or(0, |max| beyond(&|v| v > max));
                let bins = rows_between(&there, edges, copies.as_deref());
                median = quantiles(&mut there, &[0.5], copies.as_deref()).first().copied();
                (bins, 0.0)
            }
            ColumnReference::Bool { .. } => {
                let found = match values {
                    Values::Bool(v) => pick(v.len(), rows.kept, |row| v[row]),
                    _ => Vec::new(),
                };
                let mut bins = vec![0.0; 2];
                for (i, value) in found.into_iter().enumerate() {
                    if let Some(value) = value {
                        bins[usize::from(value)] += rows.copies(i);
                    }
                }
                (bins, 0.0)
            }
            ColumnReference::OneHot { levels, .. } => {
                let mut bins = levels_of(encoder, levels, values, rows);
                let unseen = bins.pop().unwrap_or(0.0);
                (bins, unseen)
            }
        };
        // With weights, rounding may leave a tiny rest even if no value is missing.
        let all = rows.count(values);
        let missing = all - unseen - bins.iter().sum::<f64>();
        bins.extend([if missing > all * 1e-12 { missing } else { 0.0 }, unseen]);
        BinCounts { bins, below, above, median }
    }

    /// A note about numbers outside the range that the fit saw, if there are any.
    pub(crate) fn outside(&self, counted: &BinCounts) -> Option<String> {
        let ColumnReference::Number { column, min: Some(min), max: Some(max), .. } = self else {
            return None;
        };
        let (min, max) = (short(*min), short(*max));
        let below =
            (counted.below > 0).then(|| format!("{} below the fit's smallest {min}", count(counted.below)));
        let above =
            (counted.above > 0).then(|| format!("{} above the fit's largest {max}", count(counted.above)));
        let parts: Vec<String> = below.into_iter().chain(above).collect();
        (!parts.is_empty()).then(|| format!("{column}: {}", parts.join(" and ")))
    }

    /// Whether it matches its encoder and its numbers make sense. They come from a model file, which someone may have
    /// edited by hand.
    pub(crate) fn is_sound(&self, encoder: &ColumnEncoder) -> bool {
        let kind = match (self, encoder) {
            (
                ColumnReference::Number { min, max, median, edges, shares, .. },
                ColumnEncoder::Number { .. },
            ) => {
                let finite = min.iter().chain(max).chain(median).chain(edges).all(|v| v.is_finite());
                finite && edges.is_sorted_by(|a, b| a < b) && shares.len() == edges.len() + 1
            }
            (ColumnReference::Bool { .. }, ColumnEncoder::Bool { texts: None, .. }) => true,
            (ColumnReference::OneHot { levels, .. }, ColumnEncoder::Bool { texts: Some(texts), .. }) => {
                levels.len() == 2 && [&texts.no, &texts.yes].iter().all(|level| levels.contains_key(*level))
            }
            (ColumnReference::OneHot { levels, .. }, ColumnEncoder::OneHot { levels: own, .. }) => {
                levels.len() == own.len() && own.iter().all(|level| levels.contains_key(level))
            }
            _ => false,
        };
        let share = |s: &f64| (0.0..=1.0).contains(s);
        kind && self.column() == encoder.column() && self.shares().iter().all(share)
    }
}

/// The numbers in a column's rows that are not missing, and their weights.
fn there(values: &Values, rows: Rows<'_>) -> (Vec<f64>, Option<Vec<f64>>) {
    let mut there = match rows.kept {
        None => values.numbers().map_or_else(Vec::new, Cow::into_owned),
        Some(_) => pick(values.len(), rows.kept, |row| values.number(row).unwrap_or(f64::NAN)),
    };
    let copies = rows.copies.map(|copies| {
        there.iter().zip(copies).filter(|(v, _)| !v.is_nan()).map(|(_, copies)| *copies).collect()
    });
    there.retain(|v| !v.is_nan());
    // Adding zero turns -0.0 into 0.0.
    there.iter_mut().for_each(|v| *v += 0.0);
    (there, copies)
}

/// Summarizes a column of numbers.
fn number(column: String, values: &Values, rows: Rows<'_>) -> ColumnReference {
    let (mut there, copies) = there(values, rows);
    let copies = copies.as_deref();
    let all = rows.count(values);
    let share = |n: f64| if all > 0.0 { (n / all).min(1.0) } else { 0.0 };
    let missing = share((all - count_of(&there, copies)).max(0.0));
    let (min, max) = (there.iter().copied().reduce(f64::min), there.iter().copied().reduce(f64::max));
    let deciles = quantiles(&mut there, &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], copies);
    let below = |edge: f64| there.iter().copied().filter(|v| *v < edge).reduce(f64::max);
    let common = deciles.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
    let mut common: Vec<f64> = common.collect();
    common.dedup();
    let mut edges: Vec<f64> = deciles.iter().copied().chain(common.into_iter().filter_map(below)).collect();
    edges.retain(|v| v.is_finite());
    edges.sort_unstable_by(f64::total_cmp);
    edges.dedup();
    ColumnReference::Number {
        column,
        missing,
        min,
        max,
        median: deciles.get(4).copied(),
        shares: rows_between(&there, &edges, copies).into_iter().map(share).collect(),
        edges,
    }
}

/// How many values, or copies of values, there are up to the first edge, from there up to the second, and so on. A
/// value equal to an edge is below it.
fn rows_between(values: &[f64], edges: &[f64], copies: Copies<'_>) -> Vec<f64> {
    let Some(copies) = copies else {
        let mut before = 0;
        let up_to = edges.iter().map(|edge| values.iter().filter(|v| *v <= edge).count());
        let between = up_to.chain([values.len()]).map(|n| n - std::mem::replace(&mut before, n));
        return between.map(|n| n as f64).collect();
    };
    let mut bins = vec![0.0; edges.len() + 1];
    for (value, copies) in values.iter().zip(copies) {
        bins[edges.partition_point(|edge| edge < value)] += copies;
    }
    bins
}

/// Counts the rows of each category, then those of all rarer ones together, then those with a text that the fit did not
/// see.
fn levels_of(
    encoder: &ColumnEncoder,
    levels: &BTreeMap<String, f64>,
    values: &Values,
    rows: Rows<'_>,
) -> Vec<f64> {
    let (other, unseen) = (levels.len(), levels.len() + 1);
    let mut places: HashMap<&str, usize> = levels.keys().enumerate().map(|(i, l)| (l.as_str(), i)).collect();
    if let ColumnEncoder::OneHot { other: rarer, .. } = encoder {
        places.extend(rarer.iter().map(|level| (level.as_str(), other)));
    }
    let mut bins = vec![0.0; unseen + 1];
    if let Values::Text { levels, codes } = values {
        let of: Vec<usize> =
            levels.iter().map(|l| places.get(l.as_str()).copied().unwrap_or(unseen)).collect();
        let codes = pick(codes.len(), rows.kept, |row| codes[row]);
        for (i, code) in codes.into_iter().enumerate() {
            if let Some(place) = code.and_then(|code| of.get(code as usize)) {
                bins[*place] += rows.copies(i);
            }
        }
    }
    bins
}

/// A number for a message: one with a fraction has six significant digits.
fn short(value: f64) -> f64 {
    if value.fract() == 0.0 { value } else { format!("{value:.5e}").parse().unwrap_or(value) }
}
