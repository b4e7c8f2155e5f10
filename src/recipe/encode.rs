//! The [`Encoder`], which turns a table's columns into the feature matrix that distances are computed on.
//!
//! A number becomes one scaled feature, a column of two values one feature of 0 and 1 (scaled too), and any other text
//! one 0/1 feature per category. What this needs was learned at the fit and is stored in the model. The module also
//! converts single feature values back to the column's units, so that centroids can be shown as hours or euros.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Place, Result};
use crate::matrix::RowMajor;
use crate::recipe::preparation::{ColumnType, same_kind};
use crate::recipe::rows::{check_lengths, count, kept_rows, pick};
use crate::recipe::{Missing, Scale};
use crate::table::{Column, Table, Values, check_columns, missing_column};

/// How one column becomes features. The values of features are said to be in the scaled space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ColumnEncoder {
    /// A column of numbers: one feature, `(value - centre) / scale`.
    Number {
        /// The column's name.
        column: String,
        /// The number that replaces a missing value.
        median: f64,
        /// The number that is subtracted.
        centre: f64,
        /// The number that the difference is divided by. The feature's weight is part of it: a weight of 2 halves it.
        scale: f64,
        /// Whether this column is only centred, although the encoder's default is to scale.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unscaled: bool,
    },
    /// A column of two values: one feature, `(value - centre) / scale * weight`, where value is 0 or 1.
    Bool {
        /// The column's name.
        column: String,
        /// The value that replaces a missing one.
        fill: bool,
        /// What the feature is multiplied by.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        weight: f64,
        /// The number that is subtracted. Absent (0) in older models, which did not scale columns of two values.
        #[serde(default, skip_serializing_if = "is_zero")]
        centre: f64,
        /// The number that the difference is divided by.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        scale: f64,
        /// Which text is 0 and which is 1, if the column holds texts and not booleans.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        texts: Option<BinaryCategories>,
    },
    /// A text column: one feature per category, which is 1 in the rows of this category and 0 elsewhere.
    OneHot {
        /// The column's name.
        column: String,
        /// The categories with a feature each, in the order of their features: commonest first, or alphabetical if the
        /// recipe says so.
        levels: Vec<String>,
        /// The rarer categories, which share one feature called `other`. If there are none, there is no such feature.
        other: Vec<String>,
        /// Whether missing values have a feature of their own.
        missing: bool,
        /// What the features are multiplied by.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        weight: f64,
    },
}

/// The two texts of a text column that has only two, such as `no` and `yes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinaryCategories {
    /// The text that becomes 0.
    pub no: String,
    /// The text that becomes 1.
    pub yes: String,
}

/// Words for yes in several languages, in lower case.
const YES: [&str; 11] = ["yes", "y", "true", "t", "1", "on", "ja", "j", "oui", "si", "sí"];

impl BinaryCategories {
    /// Decides which of two texts becomes 1: the one that is a word for yes, otherwise the later one in the alphabet.
    pub(super) fn of(a: &str, b: &str) -> Self {
        let says_yes = |text: &str| YES.contains(&text.to_lowercase().as_str());
        let swapped = if says_yes(a) == says_yes(b) { a > b } else { says_yes(a) };
        let (no, yes) = if swapped { (b, a) } else { (a, b) };
        BinaryCategories { no: no.into(), yes: yes.into() }
    }

    /// The two texts that occur in these codes; `None` unless there are exactly two.
    pub(super) fn in_rows(levels: &[String], codes: impl Iterator<Item = Option<u32>>) -> Option<Self> {
        let mut found: Vec<u32> = Vec::new();
        for code in codes.flatten() {
            if !found.contains(&code) {
                if found.len() == 2 {
                    return None;
                }
                found.push(code);
            }
        }
        let text = |code: &u32| levels.get(*code as usize).map(String::as_str);
        match found[..] {
            [a, b] => Some(BinaryCategories::of(text(&a)?, text(&b)?)),
            _ => None,
        }
    }

    /// Whether a text is the one for yes; `None` if it is neither of the two.
    pub(super) fn side(&self, text: &str) -> Option<bool> {
        if text == self.yes { Some(true) } else { (text == self.no).then_some(false) }
    }

    /// Describes the encoding in words.
    pub(super) fn describe(&self) -> String {
        format!("two values: {} is 1, {} is 0", self.yes, self.no)
    }
}

fn one() -> f64 {
    1.0
}

// serde passes a reference to this function.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_one(weight: &f64) -> bool {
    *weight == 1.0
}

// serde passes a reference to this function.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(centre: &f64) -> bool {
    *centre == 0.0
}

impl ColumnEncoder {
    /// The name of the column that is encoded.
    pub fn column(&self) -> &str {
        match self {
            ColumnEncoder::Number { column, .. }
            | ColumnEncoder::Bool { column, .. }
            | ColumnEncoder::OneHot { column, .. } => column,
        }
    }

    /// How many features the column becomes.
    pub fn width(&self) -> usize {
        match self {
            ColumnEncoder::Number { .. } | ColumnEncoder::Bool { .. } => 1,
            ColumnEncoder::OneHot { levels, other, missing, .. } => {
                levels.len() + usize::from(!other.is_empty()) + usize::from(*missing)
            }
        }
    }

    /// Converts a feature's value to the units of the column. For categories and columns of two values the result runs
    /// from 0 to 1: in a centroid, it is the share of rows with the category.
    pub fn to_original(&self, scaled: f64) -> f64 {
        match self {
            ColumnEncoder::Number { centre, scale, .. } => scaled * scale + centre,
            ColumnEncoder::Bool { weight, centre, scale, .. } => scaled / weight * scale + centre,
            ColumnEncoder::OneHot { weight, .. } => scaled / weight,
        }
    }

    /// The inverse of [`ColumnEncoder::to_original`]: converts a value in the units of the column to the scaled space.
    pub fn from_original(&self, value: f64) -> f64 {
        match self {
            ColumnEncoder::Number { centre, scale, .. } => (value - centre) / scale,
            ColumnEncoder::Bool { weight, centre, scale, .. } => (value - centre) / scale * weight,
            ColumnEncoder::OneHot { weight, .. } => value * weight,
        }
    }

    /// Whether its features stand for categories of a text column.
    pub fn is_level(&self) -> bool {
        matches!(self, ColumnEncoder::OneHot { .. } | ColumnEncoder::Bool { texts: Some(_), .. })
    }

    /// Converts a feature's value as users see it to the scaled space, see [`Encoder::from_user`]. `of` is
    /// [`Encoder::scale`].
    pub fn from_user(&self, of: Scale, value: f64) -> f64 {
        match self {
            ColumnEncoder::Number { centre, scale, unscaled, .. } if *unscaled || of == Scale::None => {
                value - centre / scale
            }
            _ => value,
        }
    }
}

/// Turns columns into features. It is made by [`Encoder::fit`], stored in the model, and applied to every later table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Encoder {
    /// How numbers are scaled by default; single columns may deviate.
    pub scale: Scale,
    /// What is done with missing values.
    pub missing: Missing,
    /// The encoded columns, in the order of their features.
    pub columns: Vec<ColumnEncoder>,
}

/// A table's features.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// The feature matrix by columns: one vector per feature, each with one value per kept row.
    pub columns: Vec<Vec<f32>>,
    /// The table's rows that were kept, counted from 0 and ascending; `None` means all.
    pub kept: Option<Vec<u32>>,
    /// What the table has and the fit did not see, such as new categories; one sentence each.
    pub warnings: Vec<String>,
}

impl Encoder {
    /// The features' names: the column's name, or `column=category` for the feature of a category. All names differ; a
    /// repeated one gets a number at its end.
    pub fn feature_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for encoder in &self.columns {
            match encoder {
                ColumnEncoder::Bool { column, texts: Some(texts), .. } => {
                    names.push(format!("{column}={}", texts.yes));
                }
                ColumnEncoder::Number { column, .. } | ColumnEncoder::Bool { column, .. } => {
                    names.push(column.clone());
                }
                ColumnEncoder::OneHot { column, levels, other, missing, .. } => {
                    names.extend(levels.iter().map(|level| format!("{column}={level}")));
                    names.extend((!other.is_empty()).then(|| format!("{column}=other")));
                    names.extend(missing.then(|| format!("{column}=missing")));
                }
            }
        }
        // Names can clash if a category is itself called `other`, or a column `a=b`.
        let mut taken: HashSet<String> = HashSet::new();
        for name in &mut names {
            let plain = name.clone();
            let mut copy = 2;
            while !taken.insert(name.clone()) {
                *name = format!("{plain}_{copy}");
                copy += 1;
            }
        }
        names
    }

    /// Whether its numbers make sense. They come from a model file, which someone may have edited by hand.
    pub(crate) fn is_sound(&self) -> bool {
        self.columns.iter().all(|column| match column {
            ColumnEncoder::Number { median, centre, scale, .. } => {
                median.is_finite() && centre.is_finite() && scale.is_finite() && *scale > 0.0
            }
            ColumnEncoder::Bool { weight, centre, scale, .. } => {
                let positive = |v: f64| v.is_finite() && v > 0.0;
                positive(*weight) && positive(*scale) && centre.is_finite()
            }
            ColumnEncoder::OneHot { weight, .. } => weight.is_finite() && *weight > 0.0,
        })
    }

    /// How many features there are.
    pub fn feature_count(&self) -> usize {
        self.columns.iter().map(ColumnEncoder::width).sum()
    }

    /// The columns of later tables that have to be read as text, for [`crate::table::ReadOptions::text`].
    pub fn text_columns(&self) -> Vec<String> {
        let text = |c: &&ColumnEncoder| {
            matches!(c, ColumnEncoder::OneHot { .. } | ColumnEncoder::Bool { texts: Some(_), .. })
        };
        self.columns.iter().filter(text).map(|c| c.column().to_string()).collect()
    }

    /// Turns a table's columns into features.
    ///
    /// Missing values are treated as at the fit. A category that the fit did not see counts as `other` if there is such
    /// a feature, and otherwise the row is 0 in all of the column's features. The same happens to a missing text if the
    /// fit saw none. In a column of two texts, a new one counts as missing. [`Encoded::warnings`] says in how many rows
    /// each of these occurs. Columns that the encoder does not use are ignored.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] for a column that does not exist or has another type than at the fit, for a missing value under
    /// [`Missing::Error`], and for a value too large for f32 once scaled.
    pub fn apply(&self, table: &Table) -> Result<Encoded> {
        self.apply_rows(table, None)
    }

    /// Does the same as [`Encoder::apply`] for some rows: `kept` lists them, counted from 0 and ascending; `None` means
    /// all.
    ///
    /// # Errors
    /// Those of [`Encoder::apply`].
    pub fn apply_to(&self, table: &Table, kept: Option<&[u32]>) -> Result<Encoded> {
        self.apply_rows(table, kept.map(<[u32]>::to_vec))
    }

    /// The same as [`Encoder::apply_to`], for a list that the caller no longer needs.
    pub(super) fn apply_rows(&self, table: &Table, among: Option<Vec<u32>>) -> Result<Encoded> {
        check_lengths(table)?;
        check_columns(table, self.columns.iter().map(ColumnEncoder::column).collect())?;
        let mut columns = Vec::with_capacity(self.columns.len());
        let by_name = table.by_name();
        for encoder in &self.columns {
            let column = by_name.get(encoder.column()).copied();
            let column = column.ok_or_else(|| missing_column(table, encoder.column()))?;
            check_type(encoder, column).map_err(|e| e.in_file(&table.source))?;
            columns.push(column);
        }
        let kept = kept_rows(table, &columns, self.missing, among)?;
        let encoded: Vec<Result<Features>> = (self.columns.par_iter().zip(&columns))
            .map(|(encoder, column)| {
                encode(encoder, column, kept.as_deref()).map_err(|e| e.in_file(&table.source))
            })
            .collect();
        let mut out =
            Encoded { columns: Vec::with_capacity(self.feature_count()), kept, warnings: Vec::new() };
        for features in encoded {
            let (values, warnings) = features?;
            out.columns.extend(values);
            out.warnings.extend(warnings);
        }
        Ok(out)
    }

    /// Converts a feature's value to the units of its column, see [`ColumnEncoder::to_original`]. `feature` counts from
    /// 0; if there is no such feature, the value is returned unchanged. For many features, [`Encoder::by_feature`] is
    /// faster.
    pub fn to_original(&self, feature: usize, scaled: f64) -> f64 {
        self.encoder_of(feature).map_or(scaled, |encoder| encoder.to_original(scaled))
    }

    /// The inverse of [`Encoder::to_original`]: converts a value in the units of a feature's column to the scaled
    /// space.
    pub fn from_original(&self, feature: usize, value: f64) -> f64 {
        self.encoder_of(feature).map_or(value, |encoder| encoder.from_original(value))
    }

    /// Whether a feature stands for a category of a text column.
    pub fn is_level(&self, feature: usize) -> bool {
        self.encoder_of(feature).is_some_and(ColumnEncoder::is_level)
    }

    /// Converts a feature's value as users see it, such as a centroid in a CSV file, to the scaled space of
    /// [`Encoder::apply`]. The two differ only for unscaled numbers: [`Scale::None`] centres them internally, and users
    /// see them without this centring.
    pub fn from_user(&self, feature: usize, value: f64) -> f64 {
        self.encoder_of(feature).map_or(value, |encoder| encoder.from_user(self.scale, value))
    }

    /// The inverse of [`Encoder::from_user`].
    pub fn to_user(&self, feature: usize, value: f64) -> f64 {
        value - self.from_user(feature, 0.0)
    }

    /// For each feature, in order, the encoder of its column.
    pub fn by_feature(&self) -> Vec<&ColumnEncoder> {
        self.columns.iter().flat_map(|column| std::iter::repeat_n(column, column.width())).collect()
    }

    /// Encodes a table in place, without a second copy of the data in memory. This works if all columns are packed in
    /// one block ([`Values::Packed`]), are numbers that become one feature each in the same order, and no row is left
    /// out. The table then loses its columns. For any other table, returns `None` and changes nothing.
    ///
    /// # Errors
    /// [`Error::Data`] for a value that is too large for f32 once scaled.
    pub fn apply_in_place(&self, table: &mut Table) -> Option<Result<RowMajor>> {
        let fits = |(i, (column, encoder)): (usize, (&Column, &ColumnEncoder))| {
            let Values::Packed { block, column: own } = &column.values else { return false };
            let ColumnEncoder::Number { column: name, .. } = encoder else { return false };
            *own == i && *name == column.name && Arc::strong_count(block) == table.columns.len()
        };
        let whole = |block: &RowMajor| {
            block.features() == self.columns.len()
                && (self.missing == Missing::Impute || block.find(f32::is_nan).is_none())
        };
        let first = table.columns.first()?;
        let Values::Packed { block, .. } = &first.values else { return None };
        if table.columns.len() != self.columns.len()
            || !table.columns.iter().zip(&self.columns).enumerate().all(fits)
            || !whole(block)
        {
            return None;
        }
        let block = Arc::clone(block);
        table.columns.clear();
        let mut block = Arc::into_inner(block)?;
        let numbers: Vec<(f64, f64, f64)> = self
            .columns
            .iter()
            .filter_map(|c| match c {
                ColumnEncoder::Number { median, centre, scale, .. } => Some((*median, *centre, *scale)),
                _ => None,
            })
            .collect();
        block.replace(|j, v| {
            let (median, centre, scale) = numbers[j];
            scaled(f64::from(v), median, centre, scale)
        });
        Some(match block.find(|v| !v.is_finite()) {
            None => Ok(block),
            Some((j, row)) => {
                let what = format!("row {}: the value is too large for f32 once scaled", row + 1);
                Err(Error::at(Place::default().column(self.columns[j].column()), what))
            }
        })
    }

    /// The encoder of the column that a feature belongs to.
    fn encoder_of(&self, feature: usize) -> Option<&ColumnEncoder> {
        let mut end = 0;
        self.columns.iter().find(|c| {
            end += c.width();
            feature < end
        })
    }
}

/// Encodes a number; NaN counts as missing.
fn scaled(value: f64, median: f64, centre: f64, scale: f64) -> f32 {
    let value = if value.is_nan() { median } else { value };
    // Adding zero turns -0.0 into 0.0.
    ((value - centre) / scale) as f32 + 0.0
}

/// One column's features, with one value per kept row each, and warnings.
type Features = (Vec<Vec<f32>>, Vec<String>);

/// Encodes the kept rows of a column, whose type has been checked.
fn encode(encoder: &ColumnEncoder, column: &Column, kept: Option<&[u32]>) -> Result<Features> {
    let rows = column.values.len();
    match encoder {
        ColumnEncoder::Number { median, centre, scale, .. } => {
            let value =
                |row: usize| scaled(column.values.number(row).unwrap_or(f64::NAN), *median, *centre, *scale);
            let values = pick(rows, kept, value);
            if let Some(i) = values.iter().position(|v| !v.is_finite()) {
                let row = kept.map_or(i, |kept| kept[i] as usize);
                let what = format!("row {}: the value is too large for f32 once scaled", row + 1);
                return Err(Error::at(Place::default().column(column.name.as_str()), what));
            }
            Ok((vec![values], Vec::new()))
        }
        ColumnEncoder::Bool { fill, weight, centre, scale, texts, .. } => {
            let (sides, warnings) = sides(column, kept, texts.as_ref());
            let of = |side: bool| {
                let value = f64::from(u8::from(side));
                // Dividing by `scale / weight` gives the same bits as a column of the numbers 0 and 1 would. Adding
                // zero turns -0.0 into 0.0.
                ((value - centre) / (scale / weight)) as f32 + 0.0
            };
            let (yes, no) = (of(true), of(false));
            let as_number = |row: usize| {
                if sides.get(row).copied().flatten().unwrap_or(*fill) { yes } else { no }
            };
            Ok((vec![pick(rows, kept, as_number)], warnings))
        }
        ColumnEncoder::OneHot { levels, other, missing, weight, .. } => {
            let (mut features, warnings) = one_hot(column, kept, levels, other, *missing, encoder.width());
            if *weight != 1.0 {
                features.iter_mut().flatten().for_each(|v| *v *= *weight as f32);
            }
            Ok((features, warnings))
        }
    }
}

/// Which of its two values each row of a column has, and warnings about texts that the fit did not see. Both these and
/// missing values are `None`.
fn sides<'a>(
    column: &'a Column,
    kept: Option<&[u32]>,
    texts: Option<&BinaryCategories>,
) -> (Cow<'a, [Option<bool>]>, Vec<String>) {
    match (&column.values, texts) {
        (Values::Bool(v), None) => (Cow::Borrowed(v), Vec::new()),
        (Values::Text { levels, codes }, Some(sides)) => {
            let of: Vec<Option<bool>> = levels.iter().map(|level| sides.side(level)).collect();
            let side = |code: &Option<u32>| code.and_then(|c| of.get(c as usize).copied().flatten());
            let mut unseen = vec![0usize; levels.len()];
            for code in pick(codes.len(), kept, |row| codes[row]).into_iter().flatten() {
                if let Some(None) = of.get(code as usize) {
                    unseen[code as usize] += 1;
                }
            }
            let warning = unseen_levels(&column.name, levels, unseen, "counted as missing");
            (codes.iter().map(side).collect(), warning.into_iter().collect())
        }
        _ => (Cow::Borrowed(&[]), Vec::new()),
    }
}

/// A warning about texts that the fit did not see. `rows` says how many rows have each of the column's `texts`, 0 if it
/// is known; `outcome` says how these rows are treated.
fn unseen_levels(name: &str, texts: &[String], rows: Vec<usize>, outcome: &str) -> Option<String> {
    let new: Vec<(&str, usize)> =
        texts.iter().zip(rows).filter(|(_, n)| *n > 0).map(|(t, n)| (t.as_str(), n)).collect();
    if new.is_empty() {
        return None;
    }
    let listed: Vec<String> =
        new.iter().take(3).map(|(text, n)| format!("{text:?} in {}", count(*n))).collect();
    let more = if new.len() > 3 { format!(" and {} more", new.len() - 3) } else { String::new() };
    let total = count(new.iter().map(|(_, n)| n).sum());
    let listed = listed.join(", ");
    Some(format!("{name}: categories that the fit did not see, in {total}, {outcome}: {listed}{more}"))
}

/// Encodes a text column with one 0/1 feature per category.
fn one_hot(
    column: &Column,
    kept: Option<&[u32]>,
    levels: &[String],
    other: &[String],
    missing: bool,
    width: usize,
) -> Features {
    let other_slot = (!other.is_empty()).then_some(levels.len());
    let missing_slot = missing.then(|| width - 1);
    let mut slots: HashMap<&str, usize> = HashMap::new();
    slots.extend(levels.iter().enumerate().map(|(slot, level)| (level.as_str(), slot)));
    slots.extend(other.iter().map(|level| (level.as_str(), levels.len())));
    let (texts, codes): (&[String], &[Option<u32>]) = match &column.values {
        Values::Text { levels, codes } => (levels, codes),
        _ => (&[], &[]),
    };
    let known: Vec<Option<usize>> = texts.iter().map(|text| slots.get(text.as_str()).copied()).collect();
    let mut unseen = vec![0usize; texts.len()];
    let mut unexpected = 0;

    let rows = pick(column.values.len(), kept, |row| row);
    let mut out = vec![vec![0.0; rows.len()]; width];
    for (i, row) in rows.into_iter().enumerate() {
        let code = codes.get(row).copied().flatten().map(|c| c as usize).filter(|&c| c < texts.len());
        let slot = match code {
            Some(code) => known[code].or_else(|| {
                unseen[code] += 1;
                other_slot
            }),
            None => {
                unexpected += usize::from(missing_slot.is_none());
                missing_slot
            }
        };
        if let Some(slot) = slot {
            out[slot][i] = 1.0;
        }
    }

    let mut warnings = Vec::new();
    let name = &column.name;
    let outcome = if other_slot.is_some() { "counted as other" } else { "0 in all its features" };
    warnings.extend(unseen_levels(name, texts, unseen, outcome));
    if unexpected > 0 {
        let rows = count(unexpected);
        warnings.push(format!(
            "{name}: missing in {rows}, although none was missing at the fit: 0 in all its features"
        ));
    }
    (out, warnings)
}

/// Checks that a column has the type that it had at the fit. A column in which every value is missing suits any type.
fn check_type(encoder: &ColumnEncoder, column: &Column) -> Result<()> {
    let kind = match encoder {
        ColumnEncoder::Number { .. } => ColumnType::Number,
        ColumnEncoder::Bool { texts: None, .. } => ColumnType::Boolean,
        ColumnEncoder::Bool { .. } | ColumnEncoder::OneHot { .. } => ColumnType::Text,
    };
    let place = || Place::default().column(column.name.as_str());
    same_kind(Some(kind), &column.values).map_err(|what| Error::at(place(), what))
}
