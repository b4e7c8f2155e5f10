//! Fitting an [`Encoder`]: chooses the columns that become features and learns how to turn each into numbers.
//!
//! For a number this is the median, centre and scale, for a text the list of its categories. Applying the result is in
//! the module `encode`.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::error::{Error, Place, Result};
use crate::recipe::encode::{BinaryCategories, ColumnEncoder, Encoder};
use crate::recipe::fitted_step::numbers_or;
use crate::recipe::infer::{ColumnChoice, describe, infer};
use crate::recipe::rows::{check_lengths, kept_rows, pick};
use crate::recipe::statistics::{Copies, centre_and_scale, constant, correlation, median, rank, tally};
use crate::recipe::{EncodingOptions, Features, InferOptions, Missing, Scale, TOP_LEVELS};
use crate::table::{Column, Table, Values, missing_column};

impl Encoder {
    /// Chooses the columns as [`infer`] does and learns how to encode them. Returns the encoder and, for each column of
    /// the table, whether it is used and why.
    ///
    /// Medians, means, standard deviations and categories are computed over the rows that `options.missing` keeps.
    /// Missing numbers are replaced by the median before means and standard deviations are taken. The result does not
    /// depend on the number of threads.
    ///
    /// # Errors
    ///
    /// The errors of [`infer`]; [`Error::Data`] for a missing value under [`Missing::Error`], for a table in which
    /// [`Missing::Drop`] leaves no row, and for numbers too large for a mean or standard deviation.
    pub fn fit(table: &Table, options: &InferOptions) -> Result<(Encoder, Vec<ColumnChoice>)> {
        let features = Features { options: options.clone(), ..Features::default() };
        let fitted = Self::fit_rows(table, &features, &HashMap::new(), None, None)?;
        Ok((fitted.encoder, fitted.choices))
    }

    /// Does the same as [`Encoder::fit`] for the rows in `among` (`None` for all), with the weights of the table's rows
    /// in `copies`, and with `encodings` for the columns, by name, that deviate from the defaults.
    pub(super) fn fit_rows(
        table: &Table,
        features: &Features,
        encodings: &HashMap<String, EncodingOptions>,
        among: Option<Vec<u32>>,
        copies: Copies<'_>,
    ) -> Result<FittedEncoder> {
        check_lengths(table)?;
        let options = &features.options;
        if let Some(weight) = &options.weight
            && table.column(weight).is_none()
        {
            return Err(missing_column(table, weight));
        }
        let mut choices = infer(table, options)?;
        let all: Vec<&Column> = table.columns.iter().collect();
        let taken = |choices: &[ColumnChoice]| -> Vec<&Column> {
            all.iter().zip(choices).filter(|(_, choice)| choice.features > 0).map(|(c, _)| *c).collect()
        };
        let kept = kept_rows(table, &taken(&choices), options.missing, among)?;
        if kept.as_ref().is_some_and(Vec::is_empty) {
            let what = "every row has a missing value in a chosen column, so none is left";
            return Err(Error::at(Place::file(table.source.as_str()), what));
        }
        if let Some(most) = features.drop_correlated {
            drop_correlated(&all, &mut choices, kept.as_deref(), most, copies);
        }
        let plain = EncodingOptions::default();
        let copies = copies.map(|copies| pick(table.rows, kept.as_deref(), |row| copies[row]));
        let fitted: Vec<Result<(ColumnEncoder, Option<String>)>> = taken(&choices)
            .par_iter()
            .map(|column| {
                let encoding = encodings.get(&column.name).unwrap_or(&plain);
                fit_column(column, kept.as_deref(), options, encoding, copies.as_deref())
                    .map_err(|e| e.in_file(&table.source))
            })
            .collect();
        let fitted = fitted.into_iter().collect::<Result<Vec<_>>>()?;
        let (columns, constants): (Vec<ColumnEncoder>, Vec<Option<String>>) = fitted.into_iter().unzip();
        let note = |(column, value): (&ColumnEncoder, Option<String>)| {
            let what = "a feature that is the same everywhere cannot tell rows apart";
            Some(format!("note: {} is {} in every row: {what}", column.column(), value?))
        };
        let notes = columns.iter().zip(constants).filter_map(note).collect();
        for (choice, column) in choices.iter_mut().filter(|c| c.features > 0).zip(&columns) {
            let guessed = std::mem::replace(&mut choice.features, column.width());
            // `infer` looked at all rows. If some were left out since, categories may be gone, so describe the rest.
            if let ColumnEncoder::Bool { texts: Some(texts), .. } = column {
                choice.reason = texts.describe();
            }
            let own = encodings.get(&choice.column).is_some_and(|t| t.top.is_some());
            if let ColumnEncoder::OneHot { levels, other, missing, .. } = column
                && (own || guessed != choice.features || choice.distinct == Some(2))
            {
                choice.reason = describe(levels.len() + other.len(), levels.len(), *missing);
            }
        }
        let encoder = Encoder { scale: options.scale, missing: options.missing, columns };
        Ok(FittedEncoder { encoder, choices, kept, notes })
    }
}

/// The result of fitting an encoder.
pub(super) struct FittedEncoder {
    pub(super) encoder: Encoder,
    /// For each column of the table, whether it became features, and why.
    pub(super) choices: Vec<ColumnChoice>,
    /// The rows that were kept, ascending; `None` if all were.
    pub(super) kept: Option<Vec<u32>>,
    /// Notes for the user, one sentence each.
    pub(super) notes: Vec<String>,
}

/// Of two columns whose correlation is above `most` or below `-most`, leaves out the later one. A column that was
/// already left out does not count against later ones.
fn drop_correlated(
    columns: &[&Column],
    choices: &mut [ColumnChoice],
    kept: Option<&[u32]>,
    most: f64,
    copies: Copies<'_>,
) {
    let copies = copies.map(|copies| pick(copies.len(), kept, |row| copies[row]));
    let values: Vec<Option<Vec<f64>>> = columns
        .par_iter()
        .zip(&*choices)
        .map(|(column, choice)| {
            let numbers = numbers_or(&column.values, String::new).ok().filter(|_| choice.features > 0)?;
            Some(pick(numbers.len(), kept, |row| numbers[row]))
        })
        .collect();
    for later in 0..columns.len() {
        let Some(own) = &values[later] else { continue };
        let found = (0..later).into_par_iter().find_map_first(|earlier| {
            let other = values[earlier].as_ref().filter(|_| choices[earlier].features > 0)?;
            let r = correlation(other, own, copies.as_deref());
            (r.abs() > most).then_some((earlier, r))
        });
        if let Some((earlier, r)) = found {
            choices[later].features = 0;
            choices[later].reason = format!("correlation {r:.3} with {}", choices[earlier].column);
        }
    }
}

/// Learns how to encode one column from the rows in `kept`, whose weights are `copies`. If the column is constant in
/// these rows, also returns its value, for a note to the user.
fn fit_column(
    column: &Column,
    kept: Option<&[u32]>,
    options: &InferOptions,
    encoding: &EncodingOptions,
    copies: Copies<'_>,
) -> Result<(ColumnEncoder, Option<String>)> {
    let name = column.name.clone();
    let weight = encoding.weight.unwrap_or(1.0);
    match &column.values {
        numbers @ (Values::Number(_) | Values::Packed { .. }) => {
            let mut values = pick(numbers.len(), kept, |row| numbers.number(row).unwrap_or(f64::NAN));
            let median = median(&values, copies);
            // A median halfway between 0 and 1 means equally many of both. Fill with 0 then, as `fit_flag` does.
            let flags = median == 0.5 && values.iter().all(|v| v.is_nan() || *v == 0.0 || *v == 1.0);
            let median = if flags { 0.0 } else { median };
            values.iter_mut().filter(|v| v.is_nan()).for_each(|v| *v = median);
            let how = encoding.scale.unwrap_or(options.scale);
            let constant = constant(&values, copies).map(|(value, _)| value.to_string());
            let (centre, scale) = centre_and_scale(&values, how, copies);
            let scale = scale / weight;
            if !(median.is_finite() && centre.is_finite() && scale.is_finite()) {
                let what = "the numbers are too large for a mean and a deviation";
                return Err(Error::at(Place::default().column(name), what));
            }
            let unscaled = how == Scale::None && options.scale != Scale::None;
            Ok((ColumnEncoder::Number { column: name, median, centre, scale, unscaled }, constant))
        }
        Values::Bool(v) => {
            let values = pick(v.len(), kept, |row| v[row]);
            let how = encoding.scale.unwrap_or(options.scale);
            Ok(fit_flag(name, &values, None, (how, weight), copies))
        }
        Values::Text { levels, codes } => {
            let codes = pick(codes.len(), kept, |row| codes[row]);
            // Rows with weight 0 do not count.
            let counts = |row: usize| copies.is_none_or(|copies| copies[row] > 0.0);
            let counted = codes.iter().enumerate().filter(|(row, _)| counts(*row)).map(|(_, code)| *code);
            if !encoding.one_hot
                && let Some(texts) = BinaryCategories::in_rows(levels, counted)
            {
                let of: Vec<Option<bool>> = levels.iter().map(|level| texts.side(level)).collect();
                let side = |code: &Option<u32>| code.and_then(|c| of.get(c as usize).copied().flatten());
                let values: Vec<Option<bool>> = codes.iter().map(side).collect();
                let how = encoding.scale.unwrap_or(options.scale);
                return Ok(fit_flag(name, &values, Some(texts), (how, weight), copies));
            }
            let (mut levels, other) = rank(levels, &codes, encoding.top.unwrap_or(TOP_LEVELS), copies);
            if encoding.alphabetical {
                levels.sort();
            }
            let missing = options.missing == Missing::Impute && codes.iter().any(Option::is_none);
            let constant = match &levels[..] {
                [one] if other.is_empty() && !missing => Some(format!("{one:?}")),
                _ => None,
            };
            Ok((ColumnEncoder::OneHot { column: name, levels, other, missing, weight }, constant))
        }
        Values::Empty(_) => Err(Error::at(Place::default().column(name), "every value is missing")),
    }
}

/// Learns how to encode a column of two values, in the same way as a column of the numbers 0 and 1. If the column is
/// constant, also returns its value.
fn fit_flag(
    column: String,
    values: &[Option<bool>],
    texts: Option<BinaryCategories>,
    (how, weight): (Scale, f64),
    copies: Copies<'_>,
) -> (ColumnEncoder, Option<String>) {
    let codes: Vec<Option<u32>> = values.iter().map(|v| v.map(u32::from)).collect();
    let counts = tally(2, &codes, copies);
    let fill = counts[1] > counts[0];
    let constant = (counts[0] == 0 || counts[1] == 0).then(|| match &texts {
        Some(texts) => format!("{:?}", if fill { &texts.yes } else { &texts.no }),
        None => fill.to_string(),
    });
    // Without scaling, zeros and ones need no centring either.
    let (centre, scale) = if how == Scale::None {
        (0.0, 1.0)
    } else {
        let numbers: Vec<f64> = values.iter().map(|v| f64::from(u8::from(v.unwrap_or(fill)))).collect();
        centre_and_scale(&numbers, how, copies)
    };
    (ColumnEncoder::Bool { column, fill, weight, centre, scale, texts }, constant)
}
