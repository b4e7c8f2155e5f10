//! Which columns become features, and why.

use std::collections::HashMap;

use rayon::prelude::*;
use wildmatch::WildMatch;

use crate::error::{Error, Place, Result};
use crate::recipe::dates::advice;
use crate::recipe::encode::BinaryCategories;
use crate::recipe::statistics::constant;
use crate::recipe::{InferOptions, Missing, TOP_LEVELS};
use crate::table::{Column, InferredFormat, NumberFormat, Table, Values, missing_column};

/// Whole numbers that are nearly all distinct are taken for keys from this many rows on.
const KEY_ROWS: usize = 1000;

/// Texts that are nearly all distinct are taken for names from this many values on.
const NAME_ROWS: usize = 5;

/// The words of a name that make its column a key.
const KEY_WORDS: [&str; 4] = ["id", "hash", "uuid", "email"];

/// What becomes of one column.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnChoice {
    /// The column's name.
    pub column: String,
    /// Its type: `number`, `boolean`, `text` or `empty`.
    pub kind: &'static str,
    /// How many of its cells are missing.
    pub missing: usize,
    /// How many different values it has, the missing ones aside; `None` where all are missing.
    pub distinct: Option<usize>,
    /// How many features it becomes; 0 means that it is left out.
    pub features: usize,
    /// Why, in a few words.
    pub reason: String,
}

/// How a column was named by a list of names and globs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    No,
    Glob,
    Exactly,
}

/// Says for each column, in file order, whether it becomes features, and why.
///
/// Columns in `options.features` are taken even where the rules would leave them out. What cannot be a feature
/// at all (the id column, an empty one, text with too many values) is an error where it is named exactly, and
/// left out where only a glob matches it. Counts of features are over all rows; [`crate::recipe::Encoder::fit`]
/// gives those of the rows that it keeps.
///
/// # Errors
///
/// [`Error::Data`] for a name or glob that matches no column, a named column that cannot be a feature, and a
/// table that has no feature at all.
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

/// How many different values a column has, to the last digit.
fn distinct(table: &Table, column: &Column) -> usize {
    table
        .wide_integers
        .get(&column.name)
        .map_or_else(|| column.values.distinct(), |wide_integers| wide_integers.distinct)
}

/// How each column is named by `patterns`, each of which must match one.
fn named(table: &Table, patterns: &[String]) -> Result<Vec<Named>> {
    let mut named = vec![Named::No; table.columns.len()];
    let places = table.columns.iter().enumerate().rev().map(|(i, column)| (column.name.as_str(), i));
    let places: HashMap<&str, usize> = places.collect();
    for pattern in patterns {
        // A name comes first: it may hold a `?` of its own.
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

/// A column on trial.
struct Candidate<'a> {
    table: &'a Table,
    column: &'a Column,
    missing: usize,
    distinct: usize,
    options: &'a InferOptions,
}

impl Candidate<'_> {
    /// The number of features and the reason, or the reason to leave the column out.
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

    /// Why the column can never be a feature.
    fn never(&self) -> Option<String> {
        if self.table.ids.as_ref().is_some_and(|(id, _)| *id == self.column.name) {
            return Some("the id column".into());
        }
        if self.options.weight.as_ref() == Some(&self.column.name) {
            return Some("the weight column".into());
        }
        (self.missing == self.table.rows).then(|| "all missing".into())
    }

    /// Whether a text column has too many values, and what to do.
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

    /// A text among numbers, where at most one distinct value in `share` is no number: a stray mark or a decimal
    /// comma turns a column of numbers into text.
    fn odd_text(&self, share: usize) -> Option<&str> {
        let Values::Text { levels, .. } = &self.column.values else { return None };
        let mut odd = levels.iter().filter(|l| l.parse::<f64>().is_err());
        let first = odd.next()?;
        ((odd.count() + 1) * share <= levels.len()).then_some(first.as_str())
    }

    /// Why the column is left out unless asked for.
    fn unlikely(&self) -> Option<String> {
        if let Some(word) = words(&self.column.name).into_iter().find(|w| KEY_WORDS.contains(&w.as_str())) {
            return Some(format!("{word} in its name"));
        }
        let rows = self.table.rows;
        if self.missing * 2 > rows {
            return Some(format!("{} missing", percent(self.missing, rows)));
        }
        // Text that is sometimes missing has two states: there or not.
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

    /// How many features the column becomes, and the word for it.
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

    /// What kind of number it is, in words.
    fn number(&self) -> String {
        match self.table.number_formats.get(&self.column.name).map(|written| written.example.as_str()) {
            None | Some("") => "number".into(),
            Some(example) => format!("number, written like {example}"),
        }
    }

    /// Whether missing gets a level of its own.
    fn missing_level(&self) -> bool {
        // In a column of two values the commoner one stands in for missing ones.
        let text = matches!(&self.column.values, Values::Text { levels, .. } if levels.len() != 2);
        text && self.missing > 0 && self.options.missing == Missing::Impute
    }
}

/// What to do about texts that look like something else, if they do: numbers of which nobody can tell how they are
/// written, codes, or dates.
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

/// `every row`, or how many in a hundred.
fn nearly_every(distinct: usize, present: usize) -> String {
    if distinct == present {
        "every row".into()
    } else {
        format!("nearly every row ({distinct} of {present})")
    }
}

/// How many features a text column becomes.
fn width(levels: usize, missing: bool) -> usize {
    levels.min(TOP_LEVELS) + usize::from(levels > TOP_LEVELS) + usize::from(missing)
}

/// What a text column becomes, in words: `top` of its levels have a feature each.
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

/// A share in whole percent.
fn percent(part: usize, whole: usize) -> String {
    format!("{:.0} %", 100.0 * part as f64 / whole as f64)
}

/// The words of a name, in lower case, split at what is no letter or digit and where `camelCase` turns.
fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (i, &c) in chars.iter().enumerate() {
        if !c.is_alphanumeric() {
            words.push(String::new());
            continue;
        }
        let before = i.checked_sub(1).map(|b| chars[b]);
        let after_lower = before.is_some_and(|b| b.is_lowercase() || b.is_numeric());
        // The last capital of `HTTPId` begins a word.
        let ends_acronym =
            before.is_some_and(char::is_uppercase) && chars.get(i + 1).is_some_and(|n| n.is_lowercase());
        if c.is_uppercase() && (after_lower || ends_acronym) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|w| !w.is_empty());
    words
}
