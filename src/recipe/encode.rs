//! The fitted encoder, and applying it.

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

/// How one column becomes features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ColumnEncoder {
    /// `(value - centre) / scale`, one feature.
    Number {
        /// The column's name.
        column: String,
        /// What stands in for a missing value.
        median: f64,
        /// What is taken away.
        centre: f64,
        /// What is divided by.
        scale: f64,
        /// Whether it is only centred, where others are scaled.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unscaled: bool,
    },
    /// A column of two values, one feature: `(value - centre) / scale` of 0 or 1, times the weight.
    Bool {
        /// The column's name.
        column: String,
        /// What stands in for a missing value.
        fill: bool,
        /// What the feature is multiplied by.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        weight: f64,
        /// What is taken away; older models scaled no flags.
        #[serde(default, skip_serializing_if = "is_zero")]
        centre: f64,
        /// What is divided by.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        scale: f64,
        /// The two texts, where the column holds texts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        texts: Option<BinaryCategories>,
    },
    /// One feature a level, 1 in the rows that have it and 0 elsewhere.
    OneHot {
        /// The column's name.
        column: String,
        /// The levels with a feature each, the commonest first.
        levels: Vec<String>,
        /// The rarer levels, which share one feature called `other`; without any there is no such feature.
        other: Vec<String>,
        /// Whether missing has a feature of its own.
        missing: bool,
        /// What the features are multiplied by.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        weight: f64,
    },
}

/// The two texts of a column that has no others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinaryCategories {
    /// The text that is 0.
    pub no: String,
    /// The text that is 1.
    pub yes: String,
}

/// Words for yes, in lower case.
const YES: [&str; 11] = ["yes", "y", "true", "t", "1", "on", "ja", "j", "oui", "si", "sí"];

impl BinaryCategories {
    /// Two texts: a word for yes is 1, else the later one in the order of the alphabet.
    pub(super) fn of(a: &str, b: &str) -> Self {
        let says_yes = |text: &str| YES.contains(&text.to_lowercase().as_str());
        let swapped = if says_yes(a) == says_yes(b) { a > b } else { says_yes(a) };
        let (no, yes) = if swapped { (b, a) } else { (a, b) };
        BinaryCategories { no: no.into(), yes: yes.into() }
    }

    /// The two texts of a column in which the rows kept have exactly two.
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

    /// Which of the two a text is.
    pub(super) fn side(&self, text: &str) -> Option<bool> {
        if text == self.yes { Some(true) } else { (text == self.no).then_some(false) }
    }

    /// What becomes of the column, in words.
    pub(super) fn describe(&self) -> String {
        format!("two values: {} is 1, {} is 0", self.yes, self.no)
    }
}

fn one() -> f64 {
    1.0
}

// serde hands out references.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_one(weight: &f64) -> bool {
    *weight == 1.0
}

// serde hands out references.
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

    /// A feature's value in the units of the column: 0 to 1 for one of two values and for levels.
    pub fn to_original(&self, scaled: f64) -> f64 {
        match self {
            ColumnEncoder::Number { centre, scale, .. } => scaled * scale + centre,
            ColumnEncoder::Bool { weight, centre, scale, .. } => scaled / weight * scale + centre,
            ColumnEncoder::OneHot { weight, .. } => scaled / weight,
        }
    }

    /// The other way: a value in the units of the column, in the scaled space.
    pub fn from_original(&self, value: f64) -> f64 {
        match self {
            ColumnEncoder::Number { centre, scale, .. } => (value - centre) / scale,
            ColumnEncoder::Bool { weight, centre, scale, .. } => (value - centre) / scale * weight,
            ColumnEncoder::OneHot { weight, .. } => value * weight,
        }
    }

    /// Whether its features stand for levels of a text.
    pub fn is_level(&self) -> bool {
        matches!(self, ColumnEncoder::OneHot { .. } | ColumnEncoder::Bool { texts: Some(_), .. })
    }

    /// A feature's value as a user writes it, in the scaled space; see [`Encoder::from_user`]. `of` is how the
    /// encoder scales numbers.
    pub fn from_user(&self, of: Scale, value: f64) -> f64 {
        match self {
            ColumnEncoder::Number { centre, scale, unscaled, .. } if *unscaled || of == Scale::None => {
                value - centre / scale
            }
            _ => value,
        }
    }
}

/// Columns to features: made by [`Encoder::fit`], kept in the model, applied to every table since.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Encoder {
    /// How numbers were scaled.
    pub scale: Scale,
    /// What becomes of missing values.
    pub missing: Missing,
    /// The columns, in the order of their features.
    pub columns: Vec<ColumnEncoder>,
}

/// A table's features.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// One column a feature, one value a kept row.
    pub columns: Vec<Vec<f32>>,
    /// The rows kept, counted from 0 and ascending; `None` means all.
    pub kept: Option<Vec<u32>>,
    /// What the table had that the fit had not, one sentence each.
    pub warnings: Vec<String>,
}

impl Encoder {
    /// The features' names, all different: the column's, or `column=level`.
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
        // A level may itself be called `other`, or a column `a=b`.
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

    /// Whether its numbers can be computed with; a person may have edited them.
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

    /// The columns that new tables must be read as text, for [`crate::table::ReadOptions::text`].
    pub fn text_columns(&self) -> Vec<String> {
        let text = |c: &&ColumnEncoder| {
            matches!(c, ColumnEncoder::OneHot { .. } | ColumnEncoder::Bool { texts: Some(_), .. })
        };
        self.columns.iter().filter(text).map(|c| c.column().to_string()).collect()
    }

    /// Turns a table's columns into features.
    ///
    /// Missing values are treated as at the fit. A category that the fit did not see becomes `other` where that
    /// is a feature and is 0 in all its features elsewhere, as is a missing text where the fit saw none; both
    /// are counted in the warnings. Columns that the encoder does not name are ignored.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] for a column that is not there or has another type, a missing value under
    /// [`Missing::Error`], no row left under [`Missing::Drop`], and a value too large for f32 once scaled.
    pub fn apply(&self, table: &Table) -> Result<Encoded> {
        self.apply_rows(table, None)
    }

    /// The same for the rows that a fit kept.
    ///
    /// # Errors
    /// As [`Encoder::apply`].
    pub fn apply_to(&self, table: &Table, kept: Option<&[u32]>) -> Result<Encoded> {
        self.apply_rows(table, kept.map(<[u32]>::to_vec))
    }

    /// The same for some rows.
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

    /// A feature's value in the units of its column: 0 to 1 for one of two values and for levels. Features that are
    /// not there come back as they are. For many features, see [`Encoder::by_feature`].
    pub fn to_original(&self, feature: usize, scaled: f64) -> f64 {
        self.encoder_of(feature).map_or(scaled, |encoder| encoder.to_original(scaled))
    }

    /// The other way: a value in the units of a feature's column, in the scaled space.
    pub fn from_original(&self, feature: usize, value: f64) -> f64 {
        self.encoder_of(feature).map_or(value, |encoder| encoder.from_original(value))
    }

    /// Whether a feature stands for a level of a text.
    pub fn is_level(&self, feature: usize) -> bool {
        self.encoder_of(feature).is_some_and(ColumnEncoder::is_level)
    }

    /// A feature's value as a user writes it, in the scaled space, as [`Encoder::apply`] would have it. The two
    /// differ under [`Scale::None`], whose centring a user does not see.
    pub fn from_user(&self, feature: usize, value: f64) -> f64 {
        self.encoder_of(feature).map_or(value, |encoder| encoder.from_user(self.scale, value))
    }

    /// The other way: a feature's value in the scaled space as a user writes it.
    pub fn to_user(&self, feature: usize, value: f64) -> f64 {
        value - self.from_user(feature, 0.0)
    }

    /// For each feature the encoder of its column.
    pub fn by_feature(&self) -> Vec<&ColumnEncoder> {
        self.columns.iter().flat_map(|column| std::iter::repeat_n(column, column.width())).collect()
    }

    /// Turns a table whose columns lie packed and become one feature each, in order, into those features where they
    /// lie, and takes the columns out of it. `None`, and nothing changed, for any other table.
    ///
    /// # Errors
    /// A value that is too large for f32 once scaled.
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

    /// The column encoder that makes a feature.
    fn encoder_of(&self, feature: usize) -> Option<&ColumnEncoder> {
        let mut end = 0;
        self.columns.iter().find(|c| {
            end += c.width();
            feature < end
        })
    }
}

/// A number as its feature.
fn scaled(value: f64, median: f64, centre: f64, scale: f64) -> f32 {
    let value = if value.is_nan() { median } else { value };
    // Adding zero makes -0.0 plain.
    ((value - centre) / scale) as f32 + 0.0
}

/// One column's features, and what to warn of.
type Features = (Vec<Vec<f32>>, Vec<String>);

/// Encodes the kept rows of a column whose type fits.
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
                // Adding zero makes -0.0 plain. As numbers of 0 and 1 are scaled, to the last bit.
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

/// Which of its two values each row of a column has, where one is there.
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

/// A warning of texts that the fit did not see: how many rows have each, and what becomes of these.
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

/// Encodes a text column.
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

/// Whether the column still has the type of the fit; one that is missing throughout has any.
fn check_type(encoder: &ColumnEncoder, column: &Column) -> Result<()> {
    let kind = match encoder {
        ColumnEncoder::Number { .. } => ColumnType::Number,
        ColumnEncoder::Bool { texts: None, .. } => ColumnType::Boolean,
        ColumnEncoder::Bool { .. } | ColumnEncoder::OneHot { .. } => ColumnType::Text,
    };
    let place = || Place::default().column(column.name.as_str());
    same_kind(Some(kind), &column.values).map_err(|what| Error::at(place(), what))
}
