//! What an encoder learns from a table.

use rayon::prelude::*;

use crate::error::{Error, Place, Result};
use crate::recipe::encode::{ColumnEncoder, Encoder};
use crate::recipe::infer::{Choice, describe, infer};
use crate::recipe::rows::{check_lengths, kept_rows, pick};
use crate::recipe::{InferOptions, Missing, Scale, TOP_LEVELS};
use crate::table::{Column, Table, Values};

/// Sums are taken in blocks of this many rows, so that they do not depend on who adds them up.
const BLOCK: usize = 4096;

impl Encoder {
    /// Chooses the columns as [`infer`] does and learns how to encode them.
    ///
    /// Medians, means, deviations and levels are those of the rows that `options.missing` keeps; means and
    /// deviations are taken after missing numbers are replaced by the median. The answer does not depend on
    /// the number of threads.
    ///
    /// # Errors
    ///
    /// Those of [`infer`]; [`Error::Data`] for a missing value under [`Missing::Error`], no row left under
    /// [`Missing::Drop`], and numbers too large for a mean or deviation.
    pub fn fit(table: &Table, options: &InferOptions) -> Result<(Encoder, Vec<Choice>)> {
        check_lengths(table)?;
        let mut choices = infer(table, options)?;
        let chosen: Vec<&Column> = table
            .columns
            .iter()
            .zip(&choices)
            .filter(|(_, choice)| choice.features > 0)
            .map(|(c, _)| c)
            .collect();
        let kept = kept_rows(table, &chosen, options.missing)?;
        if kept.as_ref().is_some_and(Vec::is_empty) {
            let what = "every row has a missing value in a chosen column, so none is left";
            return Err(Error::at(Place::file(table.source.as_str()), what));
        }
        let fitted: Vec<Result<ColumnEncoder>> = chosen
            .par_iter()
            .map(|column| fit_column(column, kept.as_deref(), options).map_err(|e| e.in_file(&table.source)))
            .collect();
        let columns = fitted.into_iter().collect::<Result<Vec<_>>>()?;
        for (choice, column) in choices.iter_mut().filter(|c| c.features > 0).zip(&columns) {
            let guessed = std::mem::replace(&mut choice.features, column.width());
            // Rows that were left out may have taken levels with them.
            if let ColumnEncoder::OneHot { levels, other, missing, .. } = column
                && guessed != choice.features
            {
                choice.reason = describe(levels.len() + other.len(), *missing);
            }
        }
        Ok((Encoder { scale: options.scale, missing: options.missing, columns }, choices))
    }
}

/// Learns one column from the rows kept.
fn fit_column(column: &Column, kept: Option<&[u32]>, options: &InferOptions) -> Result<ColumnEncoder> {
    let name = column.name.clone();
    match &column.values {
        numbers @ (Values::Number(_) | Values::Packed { .. }) => {
            let mut values = pick(numbers.len(), kept, |row| numbers.number(row).unwrap_or(f64::NAN));
            let median = median(&values);
            values.iter_mut().filter(|v| v.is_nan()).for_each(|v| *v = median);
            let (centre, scale) = centre_and_scale(&values, options.scale);
            if !(median.is_finite() && centre.is_finite() && scale.is_finite()) {
                let what = "the numbers are too large for a mean and a deviation";
                return Err(Error::at(Place::default().column(name), what));
            }
            Ok(ColumnEncoder::Number { column: name, median, centre, scale })
        }
        Values::Bool(v) => {
            let values = pick(v.len(), kept, |row| v[row]);
            let count = |wanted| values.iter().filter(|v| **v == Some(wanted)).count();
            Ok(ColumnEncoder::Bool { column: name, fill: count(true) > count(false) })
        }
        Values::Text { levels, codes } => {
            let codes = pick(codes.len(), kept, |row| codes[row]);
            let (levels, other) = rank(levels, &codes);
            let missing = options.missing == Missing::Impute && codes.iter().any(Option::is_none);
            Ok(ColumnEncoder::OneHot { column: name, levels, other, missing })
        }
        Values::Empty(_) => Err(Error::at(Place::default().column(name), "every value is missing")),
    }
}

/// The middle of the values that are there, or the mean of the two middle ones; 0 where there is none.
fn median(values: &[f64]) -> f64 {
    let mut there: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    if there.is_empty() {
        return 0.0;
    }
    let (even, middle) = (there.len().is_multiple_of(2), there.len() / 2);
    let (below, upper, _) = there.select_nth_unstable_by(middle, f64::total_cmp);
    if even { below.iter().copied().fold(f64::MIN, f64::max).midpoint(*upper) } else { *upper }
}

/// What is taken from a value and what it is then divided by; see [`Scale`].
fn centre_and_scale(values: &[f64], scale: Scale) -> (f64, f64) {
    let Some(&first) = values.first() else { return (0.0, 1.0) };
    // By comparison: the deviation of a constant can come out as rounding noise.
    if values.iter().all(|&v| v == first) {
        return (first, 1.0);
    }
    let n = values.len() as f64;
    let mean = blocked_sum(values, |v| v) / n;
    let deviation = libm::sqrt(blocked_sum(values, |v| (v - mean) * (v - mean)) / n);
    match scale {
        // Values that differ by less than f64 can square.
        _ if deviation == 0.0 => (mean, 1.0),
        Scale::Standard => (mean, deviation),
        Scale::None => {
            let step = libm::ldexp(1.0, libm::ilogb(deviation));
            // Adding zero makes -0.0 plain.
            (libm::round(mean / step) * step + 0.0, 1.0)
        }
    }
}

/// The sum of `term` over the values, block by block.
fn blocked_sum(values: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    values.chunks(BLOCK).map(|block| block.iter().map(|&v| term(v)).sum::<f64>()).sum()
}

/// The commonest levels, ties by text, and the rest by text; levels in no row are left out.
fn rank(levels: &[String], codes: &[Option<u32>]) -> (Vec<String>, Vec<String>) {
    let mut counts = vec![0usize; levels.len()];
    for code in codes.iter().flatten() {
        if let Some(count) = counts.get_mut(*code as usize) {
            *count += 1;
        }
    }
    let mut ranked: Vec<(usize, &String)> = counts.into_iter().zip(levels).filter(|(n, _)| *n > 0).collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let mut top: Vec<String> = ranked.into_iter().map(|(_, level)| level.clone()).collect();
    let mut rest = top.split_off(top.len().min(TOP_LEVELS));
    rest.sort();
    (top, rest)
}
