//! `[[alias]]`: other names for the texts of a column, such as `Company A` for a company's hash.
//!
//! Descriptions of segments show aliases instead of the texts. They are fitted once, on all rows of the table, and kept in
//! the model, so that a company has the same alias next month. The features are made from the texts themselves.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Fault, Result};
use crate::recipe::Recipe;
use crate::recipe::decode::{Section, Value};
use crate::recipe::fitted::weights_of;
use crate::recipe::rows::no_column;
use crate::table::{Column, Table, Values};

/// An `[[alias]]` section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alias {
    /// The line of the section in the recipe file, counted from 1.
    pub line: u64,
    /// The column whose texts get aliases.
    pub column: String,
    /// What decides which texts get a name of their own. Of equal texts the one that occurs first comes first.
    pub by: AliasOrder,
    /// The names, in the order in which they are given.
    pub names: Vec<String>,
    /// The name that all texts share for which there is none left.
    pub other: String,
    /// Texts that keep their own name.
    pub keep: Vec<String>,
}

/// In which order texts get the names of an [`Alias`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AliasOrder {
    /// By the number of rows; a row of weight w counts w times.
    #[default]
    Count,
    /// By the number of different values of this column. Rows of weight 0 are not counted.
    Distinct(String),
}

/// The aliases of a column's texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedAlias {
    /// The column.
    pub column: String,
    /// The alias of each text that has one of its own.
    pub names: BTreeMap<String, String>,
    /// The alias of all other texts.
    pub other: String,
    /// Texts that keep their own name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<String>,
}

/// The aliases of all columns that have some.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Aliases(pub Vec<FittedAlias>);

impl FittedAlias {
    /// What a text of the column is called.
    pub fn name<'a>(&'a self, text: &'a str) -> &'a str {
        if self.keep.iter().any(|keep| keep == text) {
            return text;
        }
        self.names.get(text).map_or(&self.other, String::as_str)
    }

    /// The column with aliases in place of its texts. Numbers count as the texts that they are written as.
    pub fn of_column(&self, column: &Column) -> Column {
        let (old, codes) = texts(&column.values);
        let mut levels: Vec<String> = Vec::new();
        let mut places: HashMap<&str, u32> = HashMap::new();
        let mut new = vec![None; old.len()];
        let mut code = |code: u32| {
            let place = new.get_mut(code as usize)?;
            if place.is_none() {
                let name = self.name(&old[code as usize]);
                *place = Some(*places.entry(name).or_insert_with(|| {
                    levels.push(name.to_string());
                    levels.len() as u32 - 1
                }));
            }
            *place
        };
        let codes = codes.into_iter().map(|c| code(c?)).collect();
        Column { name: column.name.clone(), values: Values::Text { levels, codes } }
    }
}

impl Aliases {
    /// Whether no column has aliases.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The aliases of a column's texts.
    pub fn of(&self, column: &str) -> Option<&FittedAlias> {
        self.0.iter().find(|alias| alias.column == column)
    }

    /// What a text of a column is called; `None` if the column has no aliases.
    pub fn name<'a>(&'a self, column: &str, text: &'a str) -> Option<&'a str> {
        self.of(column).map(|alias| alias.name(text))
    }

    /// The columns that have aliases, each with the alias of all texts that have none of their own.
    pub fn rest(&self) -> Vec<(String, String)> {
        self.0.iter().map(|alias| (alias.column.clone(), alias.other.clone())).collect()
    }

    /// Puts aliases in place of the texts of a table's columns. Whatever is computed from the table afterwards has never
    /// seen the texts.
    pub fn apply(&self, table: &mut Table) {
        for column in &mut table.columns {
            if let Some(alias) = self.of(&column.name) {
                table.number_formats.remove(&column.name);
                table.wide_integers.remove(&column.name);
                *column = alias.of_column(column);
            }
        }
    }
}

impl Recipe {
    /// Gives aliases to the texts of a table that [`Recipe::fit`] has prepared. Texts that have an alias in `before`, the
    /// aliases of an earlier model, keep it as long as the recipe has that name; columns that the recipe does not mention
    /// keep all of theirs.
    ///
    /// # Errors
    /// [`Error::Recipe`] if a column does not exist.
    pub fn fit_aliases(&self, table: &Table, before: &Aliases) -> Result<Aliases> {
        let mut faults = Vec::new();
        let mut fitted = Vec::new();
        let weights = self.features.options.weight.as_deref().and_then(|name| table.column(name));
        let weights = weights.map(|column| weights_of(table, column)).transpose()?;
        let counts = |row: usize| weights.as_ref().map_or(1, |w| w.steps().get(row).copied().unwrap_or(0));
        for (i, alias) in self.aliases.iter().enumerate() {
            let mut fault = |key: &str, name: &str| {
                let what = no_column(table, &[], name);
                faults.push(Fault::in_line(&self.source, alias.line, format!("alias[{i}].{key}"), what));
            };
            let column = table.column(&alias.column);
            if column.is_none() {
                fault("column", &alias.column);
            }
            let of = match &alias.by {
                AliasOrder::Count => None,
                AliasOrder::Distinct(of) => {
                    let found = table.column(of);
                    if found.is_none() {
                        fault("of", of);
                    }
                    found
                }
            };
            if let Some(column) = column {
                fitted.push(alias.fit(column, of, &counts, before.of(&alias.column)));
            }
        }
        if !faults.is_empty() {
            return Err(Error::recipe(faults));
        }
        let mentioned = |other: &&FittedAlias| !self.aliases.iter().any(|alias| alias.column == other.column);
        fitted.extend(before.0.iter().filter(mentioned).cloned());
        Ok(Aliases(fitted))
    }
}

impl Alias {
    /// Gives names to the texts of a column: first the names that they had before, then those that are left.
    fn fit(
        &self,
        column: &Column,
        of: Option<&Column>,
        weight: &dyn Fn(usize) -> u64,
        before: Option<&FittedAlias>,
    ) -> FittedAlias {
        let (levels, codes) = texts(&column.values);
        let mut counts = vec![0u128; levels.len()];
        let mut first = vec![usize::MAX; levels.len()];
        let counted = codes.iter().enumerate().filter_map(|(row, code)| Some((row, (*code)? as usize)));
        let counted = counted.filter(|(row, code)| *code < levels.len() && weight(*row) > 0);
        for (row, code) in counted.clone() {
            first[code] = first[code].min(row);
            counts[code] += u128::from(weight(row));
        }
        if let Some(of) = of {
            let values = keys(&of.values);
            let mut pairs: Vec<(usize, u64)> =
                counted.filter_map(|(row, code)| Some((code, values.get(row).copied()??))).collect();
            pairs.sort_unstable();
            pairs.dedup();
            counts.fill(0);
            pairs.into_iter().for_each(|(code, _)| counts[code] += 1);
        }
        let free = |level: &&String| !self.keep.contains(level);
        let known: HashSet<&String> = self.names.iter().collect();
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for (level, name) in before.iter().flat_map(|before| &before.names) {
            if known.contains(name) && free(&level) {
                names.insert(level.clone(), name.clone());
            }
        }
        let taken: HashSet<&String> = names.values().collect();
        let left: Vec<&String> = self.names.iter().filter(|name| !taken.contains(name)).collect();
        let mut order: Vec<usize> = (0..levels.len()).filter(|&code| first[code] < usize::MAX).collect();
        order.sort_unstable_by_key(|&code| (std::cmp::Reverse(counts[code]), first[code]));
        let unnamed = order.into_iter().map(|code| &levels[code]);
        let unnamed: Vec<&String> =
            unnamed.filter(|level| free(level) && !names.contains_key(*level)).collect();
        let given: Vec<(String, String)> =
            unnamed.into_iter().cloned().zip(left.into_iter().cloned()).collect();
        names.extend(given);
        FittedAlias { column: self.column.clone(), names, other: self.other.clone(), keep: self.keep.clone() }
    }

    /// Reads the `[[alias]]` sections.
    pub(super) fn decode_all(root: &Section<'_>) -> Vec<Alias> {
        let mut lines: BTreeMap<String, u64> = BTreeMap::new();
        let decoded = root.sections("alias").into_iter().filter_map(|section| decode(section, &mut lines));
        decoded.collect()
    }
}

fn decode(section: Section<'_>, lines: &mut BTreeMap<String, u64>) -> Option<Alias> {
    let line = section.line();
    let column = section.need("column", "the column whose texts get aliases").and_then(|v| {
        let column = v.text()?;
        match lines.get(&column) {
            Some(first) => v.fault(format!("{column:?} has two [[alias]], the first on line {first}")),
            None => drop(lines.insert(column.clone(), line)),
        }
        Some(column)
    });
    let (by, of) = (section.take("by"), section.take("of"));
    let distinct = by.as_ref().map(|v| v.word(&[("count", false), ("distinct", true)]));
    let by = match (distinct, &of) {
        (Some(None), _) => None,
        (Some(Some(true)), Some(of)) => of.text().map(AliasOrder::Distinct),
        (Some(Some(true)), None) => {
            section.fault("of is missing; expected the column whose different values are counted");
            None
        }
        (_, Some(of)) => {
            of.fault("of is for by = \"distinct\"; leave it out where rows are counted");
            None
        }
        (_, None) => Some(AliasOrder::Count),
    };
    let expected = "a pattern such as \"Company {A..Z}\", or a list of names";
    let given = section.need("names", expected);
    let names = given.as_ref().and_then(names);
    let other = section.take("other");
    let other_name = match &other {
        Some(v) => v.text().filter(|other| {
            if other.trim().is_empty() {
                v.fault("expected a name, found nothing");
            }
            !other.trim().is_empty()
        }),
        None => names.as_ref().and_then(|names| names.last()).map(|last| format!("{last}+")),
    };
    let keep = section.take("keep").map_or(Some(Vec::new()), |v| v.texts());
    if let (Some(value), Some(names)) = (&given, &names) {
        let mut seen = HashSet::new();
        let taken = keep.iter().flatten().chain(&other_name);
        if let Some(twice) = names.iter().chain(taken).find(|name| !seen.insert(*name)) {
            value.fault(format!(
                "{twice:?} is the name of two things; all of names, other and keep must differ"
            ));
        }
    }
    section.finish();
    Some(Alias { line, column: column?, by: by?, names: names?, other: other_name?, keep: keep? })
}

/// The most names that a pattern may stand for.
const MOST_NAMES: u64 = 10_000;

/// Names as a list, or as a pattern with a range of letters or whole numbers in braces.
fn names(value: &Value<'_>) -> Option<Vec<String>> {
    if !value.is_text() {
        let names = value.texts()?;
        if names.is_empty() || names.iter().any(|name| name.trim().is_empty()) {
            value.fault("expected at least one name, and none that is empty");
            return None;
        }
        return Some(names);
    }
    let pattern = value.text()?;
    let names = expand(&pattern);
    if names.is_none() {
        value.fault(format!(
            "expected one range in braces, {{A..Z}}, {{a..z}} or {{1..20}}, with at most {MOST_NAMES} names, found \
             {pattern:?}"
        ));
    }
    names
}

fn expand(pattern: &str) -> Option<Vec<String>> {
    let (before, rest) = pattern.split_once('{')?;
    let (range, after) = rest.split_once('}')?;
    let (first, last) = range.split_once("..")?;
    if after.contains(['{', '}']) || before.contains('}') {
        return None;
    }
    let name = |part: String| format!("{before}{part}{after}");
    let letter = |text: &str| text.parse::<char>().ok().filter(char::is_ascii_alphabetic);
    if let (Some(a), Some(b)) = (letter(first), letter(last)) {
        let fits = a <= b && a.is_ascii_uppercase() == b.is_ascii_uppercase();
        return fits.then(|| (a..=b).map(|letter| name(letter.into())).collect());
    }
    let (a, b) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?);
    (a <= b && b - a < MOST_NAMES).then(|| (a..=b).map(|number| name(number.to_string())).collect())
}

/// A column's cells as texts: the different texts in the order in which they occur, and the text of each row.
fn texts(values: &Values) -> (Vec<String>, Vec<Option<u32>>) {
    if let Values::Text { levels, codes } = values {
        return (levels.clone(), codes.clone());
    }
    let mut levels: Vec<String> = Vec::new();
    let mut places: HashMap<u64, u32> = HashMap::new();
    let code = |(row, key): (usize, Option<u64>)| {
        let key = key?;
        Some(*places.entry(key).or_insert_with(|| {
            levels.push(values.cell(row));
            levels.len() as u32 - 1
        }))
    };
    let codes = keys(values).into_iter().enumerate().map(code).collect();
    (levels, codes)
}

/// A number for each cell that is the same for equal cells and different for others; `None` where it is missing.
fn keys(values: &Values) -> Vec<Option<u64>> {
    let key = |row: usize| match values {
        Values::Text { codes, .. } => codes.get(row).copied().flatten().map(u64::from),
        Values::Bool(cells) => cells.get(row).copied().flatten().map(u64::from),
        // Adding 0.0 turns -0.0 into 0.0.
        _ => values.number(row).filter(|v| !v.is_nan()).map(|v| (v + 0.0).to_bits()),
    };
    (0..values.len()).map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn patterns_stand_for_names() {
        let letters = expand("Company {A..Z}").unwrap();
        assert_eq!(
            (letters.len(), letters[0].as_str(), letters[25].as_str()),
            (26, "Company A", "Company Z")
        );
        assert_eq!(expand("{8..11}.").unwrap(), ["8.", "9.", "10.", "11."]);
        assert_eq!(expand("x{q..q}").unwrap(), ["xq"]);
        for wrong in [
            "Company",
            "{A..}",
            "{Z..A}",
            "{a..Z}",
            "{A..z}",
            "{1..A}",
            "{5..1}",
            "{0..10000}",
            "{A..B}{A..B}",
            "}{A..B}",
            "{A-Z}",
            "{é..ü}",
        ] {
            assert_eq!(expand(wrong), None, "{wrong}");
        }
    }
}
