//! Decides which columns of a table become features, and says why in a few words.
//!
//! Without a choice by the user, the rules leave out columns that hardly describe a row: keys and running numbers,
//! names, constants, columns that are mostly missing, texts with too many values. `segmenta inspect` shows the reasons.

use std::collections::HashMap;

use rayon::prelude::*;
use wildmatch::WildMatch;

use crate::error::{Error, Place, Result};
use crate::recipe::dates::advice;
use crate::recipe::encode::BinaryCategories;
use crate::recipe::statistics::constant;
use crate::recipe::{InferOptions, Missing, TOP_LEVELS};
use crate::table::{Column, InferredFormat, NumberFormat, Table, Values, key_word, missing_column};

/// In a table with more rows than this, whole numbers that are nearly all distinct are taken for keys.
const KEY_ROWS: usize = 1000;

/// From this many values on, texts that are nearly all distinct are taken for names.
const NAME_ROWS: usize = 5;

/// Whether one column becomes features, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnChoice {
    /// The column's name.
    pub column: String,
    /// Its type: `number`, `boolean`, `text` or `empty`.
    pub kind: &'static str,
    /// How many of its cells are missing.
    pub missing: usize,
    /// How many different values it has, not counting missing ones; `None` if all are missing.
    pub distinct: Option<usize>,
    /// How many features it becomes; 0 means that it is left out.
    pub features: usize,
    /// Why it is left out, or what kind of column it is, in a few words.
    pub reason: String,
}

/// How a list of names and globs refers to a column. A name counts for more than a glob.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    No,
    Glob,
    Exactly,
}

/// Decides for each column, in the order of the table, whether it becomes features, and why.
///
/// Columns in `options.features` are used even if the rules would leave them out. Some columns cannot be features at
/// all: the id and weight columns, an empty column, text with too many values. To name one of these exactly is an
/// error; if only a glob matches it, it is left out.
///
/// The numbers of features are for all rows of the table. If rows are left out later, [`crate::recipe::Encoder::fit`]
/// returns corrected ones.
///
/// # Errors
///
/// [`Error::Data`] for a name or glob that matches no column, for a named column that cannot be a feature, and for a
/// table without any feature.
pub fn infer(table: &Table, options: &InferOptions) -> Result<Vec<ColumnChoice>> {
    let asked = named(table, &options.features)?;
    let dropped = named(table, &options.drop)?;
    let facts: Vec<(usize, usize)> =
        table.columns.par_iter().map(|c| (c.values.missing(), distinct(table, c))).collect();
    let mut choices = Vec::with_capacity(table.columns.len());
    for (i, column) in table.columns.iter().enumerate() {
        let (missing, distinct) = facts[i];
        let candidate = Candidate { table, column, missing, distinct, options };
        let verdict = candidate.verdict(asked[i], dropped[i] != Named::No)?;
        let (features, reason) = match verdict {
            Ok(taken) => taken,
            Err(reason) => (0, reason),
        };
        choices.push(ColumnChoice {
            column: column.name.clone(),
            kind: column.values.kind(),
            missing,
            distinct: (missing < table.rows).then_some(distinct),
            features,
            reason,
        });
    }
    if choices.iter().all(|c| c.features == 0) {
        let why: Vec<String> =
            choices.iter().take(5).map(|c| format!("{}: {}", c.column, c.reason)).collect();
        let more = if choices.len() > why.len() { "; …" } else { "" };
        let what = format!("no column is left to be a feature ({}{more})", why.join("; "));
        return Err(Error::at(Place::file(table.source.as_str()), what));
    }
    Ok(choices)
}

/// How many different values a column has. Whole numbers too large for f64 are told apart to the last digit.
fn distinct(table: &Table, column: &Column) -> usize {
    table
        .wide_integers
        .get(&column.name)
        .map_or_else(|| column.values.distinct(), |wide_integers| wide_integers.distinct)
}

/// How `patterns` refer to each column. A pattern that matches no column is an error.
fn named(table: &Table, patterns: &[String]) -> Result<Vec<Named>> {
    let mut named = vec![Named::No; table.columns.len()];
    let places = table.columns.iter().enumerate().rev().map(|(i, column)| (column.name.as_str(), i));
    let places: HashMap<&str, usize> = places.collect();
    for pattern in patterns {
        // Try it as a plain name first, because a column's name may itself contain a `?` or `*`.
        if let Some(&i) = places.get(pattern.as_str()) {
            named[i] = Named::Exactly;
            continue;
        }
        let glob = WildMatch::new(pattern);
        let mut found = false;
        for (column, named) in table.columns.iter().zip(&mut named) {
            if glob.matches(&column.name) {
                *named = (*named).max(Named::Glob);
                found = true;
            }
        }
        if !found {
            return Err(missing_column(table, pattern));
        }
    }
    Ok(named)
}

/// A column that may become features, with what the rules need to know about it.
struct Candidate<'a> {
    table: &'a Table,
    column: &'a Column,
    missing: usize,
    distinct: usize,
    options: &'a InferOptions,
}

impl Candidate<'_> {
    /// Decides about the column: the number of features and a description, or (inner `Err`) the reason to leave it out.
    ///
    /// # Errors
    /// The column was named exactly, but cannot be a feature.
    fn verdict(&self, asked: Named, dropped: bool) -> Result<std::result::Result<(usize, String), String>> {
        if dropped {
            return Ok(Err("dropped by name".into()));
        }
        let (never, too_many) = (self.never(), self.too_many());
        if asked == Named::Exactly {
            let never = never.map(|reason| (reason, "leave it out of the features"));
            return match never.or(too_many) {
                None => Ok(Ok(self.taken())),
                Some((reason, advice)) => {
                    let place = Place::file(self.table.source.as_str()).column(self.column.name.as_str());
                    Err(Error::at(place, format!("cannot be a feature: {reason}; {advice}")))
                }
            };
        }
        let unasked = || match asked {
            _ if self.options.features.is_empty() => self.unlikely(),
            Named::No => Some("not asked for".into()),
            _ => None,
        };
        let against = never.or_else(unasked).or(too_many.map(|(reason, _)| reason));
        Ok(against.map_or_else(|| Ok(self.taken()), Err))
    }

    /// Why the column cannot be a feature, whatever the options say; `None` if it can.
    fn never(&self) -> Option<String> {
        if self.table.ids.as_ref().is_some_and(|(id, _)| *id == self.column.name) {
            return Some("the id column".into());
        }
        if self.options.weight.as_ref() == Some(&self.column.name) {
            return Some("the weight column".into());
        }
        (self.missing == self.table.rows).then(|| "all missing".into())
    }

    /// If a text column has too many values: a description of the problem, and advice.
    fn too_many(&self) -> Option<(String, &'static str)> {
        let most = self.options.max_categories;
        let Values::Text { levels, .. } = &self.column.values else { return None };
        if self.distinct <= most {
            return None;
        }
        if let Some(odd) = self.odd_text(10) {
            return Some((
                format!("numbers, but also texts such as {odd:?}"),
                "have such texts read as missing, or leave it out of the features",
            ));
        }
        let many = format!("{} distinct texts, more than {most}", self.distinct);
        match misread(levels) {
            Some(what) => Some((format!("{many}; {what}"), "or leave it out of the features")),
            None => Some((many, "raise max-categories or leave it out of the features")),
        }
    }

    /// The first text that is not a number, in a text column where at most one distinct value in `share` is not. A
    /// single stray mark or decimal comma turns a column of numbers into such a text column.
    fn odd_text(&self, share: usize) -> Option<&str> {
        let Values::Text { levels, .. } = &self.column.values else { return None };
        let mut odd = levels.iter().filter(|l| l.parse::<f64>().is_err());
        let first = odd.next()?;
        ((odd.count() + 1) * share <= levels.len()).then_some(first.as_str())
    }

    /// Why the column is left out unless the user asks for it; `None` if it is used.
    fn unlikely(&self) -> Option<String> {
        if let Some(word) = key_word(&self.column.name) {
            return Some(format!("{word} in its name"));
        }
        let rows = self.table.rows;
        if self.missing * 2 > rows {
            return Some(format!("{} missing", percent(self.missing, rows)));
        }
        // A text that is the same wherever it is present still tells rows apart if it is missing in some.
        let states = self.distinct + usize::from(self.missing_level());
        if states < 2 {
            return Some("constant".into());
        }
        let present = rows - self.missing;
        if let Values::Text { levels, .. } = &self.column.values
            && self.distinct > 2
            && self.odd_text(10).is_none()
            && present >= NAME_ROWS
            && self.distinct * 100 > present * 95
        {
            let what = misread(levels).map_or(String::new(), |what| format!("; {what}"));
            return Some(format!("text that differs in {}{what}", nearly_every(self.distinct, present)));
        }
        if let Some(wide_integers) = self.table.wide_integers.get(&self.column.name) {
            if wide_integers.running {
                return Some("running number".into());
            }
            let keys = rows > KEY_ROWS && wide_integers.distinct * 100 > present * 95;
            return keys
                .then(|| format!("{} distinct whole numbers", percent(wide_integers.distinct, present)));
        }
        let numbers = self.column.values.numbers()?;
        if constant(&numbers, None).is_some() {
            return Some("constant".into());
        }
        let whole = |v: &f64| v.is_nan() || v.trunc() == *v;
        if !numbers.iter().all(whole) {
            return None;
        }
        if rows > 2 && numbers.windows(2).all(|w| w[1] == w[0] + 1.0) {
            return Some("running number".into());
        }
        if rows > KEY_ROWS && self.distinct * 100 > present * 95 {
            return Some(format!("{} distinct whole numbers", percent(self.distinct, present)));
        }
        None
    }

    /// How many features the column becomes, and a description of it.
    fn taken(&self) -> (usize, String) {
        match self.column.values {
            Values::Number(_) | Values::Packed { .. } => (1, self.number()),
            Values::Bool(_) => (1, "true/false".into()),
            Values::Text { ref levels, .. } if levels.len() == 2 => {
                (1, BinaryCategories::of(&levels[0], &levels[1]).describe())
            }
            Values::Text { .. } | Values::Empty(_) => {
                let missing = self.missing_level();
                let mut reason = describe(self.distinct, TOP_LEVELS, missing);
                if let Some(odd) = self.odd_text(2) {
                    reason.push_str(&format!("; mostly numbers, but also {odd:?}"));
                } else if let Values::Text { levels, .. } = &self.column.values
                    && let Some(what) = misread(levels)
                {
                    reason.push_str(&format!("; {what}"));
                }
                (width(self.distinct, missing), reason)
            }
        }
    }

    /// Describes a column of numbers, with an example if they are written in an unusual way.
    fn number(&self) -> String {
        match self.table.number_formats.get(&self.column.name).map(|written| written.example.as_str()) {
            None | Some("") => "number".into(),
            Some(example) => format!("number, written like {example}"),
        }
    }

    /// Whether missing values get a 0/1 feature of their own.
    fn missing_level(&self) -> bool {
        // With two values, missing ones are replaced by the commoner value instead.
        let text = matches!(&self.column.values, Values::Text { levels, .. } if levels.len() != 2);
        text && self.missing > 0 && self.options.missing == Missing::Impute
    }
}

/// Advice for texts that look like something else: numbers in an unusual or ambiguous format, codes such as `007`, or
/// dates.
fn misread(levels: &[String]) -> Option<String> {
    match NumberFormat::infer(levels, None) {
        InferredFormat::Ambiguous(example) => {
            return Some(format!(
                "numbers such as {example:?}, of which the decimal sign could be , or . (say which: --decimal, or \
                 decimal in a recipe's [input], or the step number)"
            ));
        }
        InferredFormat::Number(written) => {
            let decimal = written.format.decimal;
            return Some(format!(
                "numbers written like {:?} (the step number = {{ decimal = \"{decimal}\" }} reads them)",
                written.example
            ));
        }
        InferredFormat::No => {}
    }
    let code = |level: &String| level.len() > 1 && level.starts_with('0');
    if levels.iter().any(code) && levels.iter().all(|level| level.bytes().all(|b| b.is_ascii_digit())) {
        return Some("codes, as some begin with 0 (the step number reads them as numbers)".into());
    }
    advice(levels)
}

/// `every row`, or `nearly every row (98 of 100)`.
fn nearly_every(distinct: usize, present: usize) -> String {
    if distinct == present {
        "every row".into()
    } else {
        format!("nearly every row ({distinct} of {present})")
    }
}

/// How many features a text column with this many categories becomes.
fn width(levels: usize, missing: bool) -> usize {
    levels.min(TOP_LEVELS) + usize::from(levels > TOP_LEVELS) + usize::from(missing)
}

/// Describes a text column in words: how many categories it has, and that only the `top` commonest of them have a
/// feature each.
pub(super) fn describe(levels: usize, top: usize, missing: bool) -> String {
    match (levels, missing) {
        (1, false) => "1 category".into(),
        (1, true) => "1 category and missing".into(),
        (n, false) if n <= top => format!("{n} categories"),
        (n, true) if n <= top => format!("{n} categories and missing"),
        (n, false) => format!("{top} commonest of {n} categories, and other"),
        (n, true) => format!("{top} commonest of {n} categories, other and missing"),
    }
}

/// A share as whole percent, such as `97 %`.
fn percent(part: usize, whole: usize) -> String {
    format!("{:.0} %", 100.0 * part as f64 / whole as f64)
}
