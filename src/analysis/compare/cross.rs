//! `[[compare]]` in a recipe: the segments against a labelling by rules, which is the combination of some columns' values.

use super::CrossTable;
use crate::error::{Error, Place, Result};
use crate::evidence::agreement::{Agreement, Contingency};
use crate::labels::{self, Label};
use crate::recipe::decode::Section;
use crate::table::{Table, check_columns};
use crate::weights::Weights;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A labelling by rules, to be compared with the segments: rows that have the same values in some columns have the same
/// label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cross {
    /// What people call it.
    pub name: String,
    /// The columns, at least one. Columns that the recipe makes are among those that it can use.
    pub columns: Vec<String>,
}

/// The segments of a fit compared with a labelling by rules.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Compared {
    /// What people call it.
    pub name: String,
    /// The columns whose values it combines.
    pub columns: Vec<String>,
    /// How many rows have a segment. If the rows' weights are whole numbers, a row counts as often as its weight says.
    pub rows: u64,
    /// How well the segments agree with it. Homogeneity is 1 if each combination lies in one segment, and completeness
    /// is 1 if each segment has one combination.
    #[serde(flatten)]
    pub agreement: Agreement,
    /// The rows by segment (`a`) and combination (`b`).
    pub table: CrossTable,
}

/// The most combinations of values, which people can still read.
const MOST: usize = 100;

/// Reads the sections `[[compare]]` of a recipe.
pub(in crate::analysis) fn decode(root: &Section<'_>) -> Vec<Cross> {
    let mut found: Vec<Cross> = Vec::new();
    for section in root.sections("compare") {
        let columns = section.need("columns", "the columns whose values make the labels").and_then(|value| {
            let columns = value.texts()?;
            if columns.is_empty() {
                value.fault("expected at least one column, found none");
                return None;
            }
            if let Some(twice) = (1..columns.len()).find(|&i| columns[..i].contains(&columns[i])) {
                value.fault(format!("column {:?} is listed twice", columns[twice]));
                return None;
            }
            Some(columns)
        });
        let name = section.take("name").and_then(|value| {
            let name = value.text()?;
            if name.trim().is_empty() {
                value.fault("expected a name, found nothing");
            }
            if found.iter().any(|other| other.name == name) {
                value.fault(format!("another comparison is called {name:?} too"));
            }
            Some(name)
        });
        section.finish();
        if let Some(columns) = columns {
            let name = name.unwrap_or_else(|| columns.join(" and "));
            found.push(Cross { name, columns });
        }
    }
    found
}

/// A labelling of a table's rows by rules.
struct Combined {
    labels: Vec<Label>,
    rows: Vec<u32>,
}

/// Combines the values of columns. A missing value is a value of its own.
fn combine(table: &Table, cross: &Cross) -> Result<Combined> {
    let mut combined: Vec<u32> = vec![0; table.rows];
    // The values of each label, as their places in the columns' own order.
    let mut keys: Vec<Vec<u32>> = vec![Vec::new()];
    let mut texts: Vec<Vec<String>> = Vec::new();
    for name in &cross.columns {
        let column = table.column(name).ok_or_else(|| crate::table::missing_column(table, name))?;
        let (rows, mut values) = labels::of_values(&column.values);
        let too_many = |count: usize, what: &str| {
            let place = Place::file(table.source.as_str()).column(name.as_str());
            Error::at(
                place,
                format!(
                    "the comparison {:?} uses this column, {what} {count}, more than the {MOST} that it can show; make \
                     bands of it first (with the step cut or quantile_cut)",
                    cross.name
                ),
            )
        };
        if values.len() > MOST {
            return Err(too_many(values.len(), "whose number of different values is"));
        }
        let missing = values.len() as u32;
        values.push("missing".into());
        // A pair of an earlier label and a value is a new label if it occurs.
        let mut seen: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        for (label, value) in combined.iter_mut().zip(&rows) {
            let pair = (*label, value.unwrap_or(missing));
            let next = seen.len() as u32;
            *label = *seen.entry(pair).or_insert(next);
        }
        if seen.len() > MOST {
            return Err(too_many(seen.len(), "and the number of combinations up to it is"));
        }
        let mut next = vec![Vec::new(); seen.len()];
        for ((before, value), label) in seen {
            next[label as usize] = [&keys[before as usize][..], &[value]].concat();
        }
        keys = next;
        texts.push(values);
    }
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_unstable_by(|&x, &y| keys[x].cmp(&keys[y]));
    let mut place = vec![0; keys.len()];
    (0..).zip(&order).for_each(|(new, &old)| place[old] = new);
    combined.iter_mut().for_each(|label| *label = place[*label as usize]);
    let label = |key: &Vec<u32>| {
        let parts = key.iter().zip(&texts).map(|(&value, texts)| texts[value as usize].as_str());
        Label { label: parts.collect::<Vec<_>>().join(" / "), name: None }
    };
    Ok(Combined { labels: order.iter().map(|&old| label(&keys[old])).collect(), rows: combined })
}

/// Checks before the fit that a table has the columns of all comparisons, and that these have few values.
///
/// # Errors
/// A column that is not there, or has too many values.
pub(in crate::analysis) fn check(table: &Table, comparisons: &[Cross]) -> Result<()> {
    check_columns(table, comparisons.iter().flat_map(|c| &c.columns).map(String::as_str).collect())?;
    comparisons.iter().try_for_each(|cross| combine(table, cross).map(drop))
}

impl Cross {
    /// Compares the segments of a table's rows with this labelling. `segments` are numbers below the number of `names`.
    ///
    /// # Errors
    /// A column that is not there, or has too many values; weights that add up to more than 2^53.
    pub fn compare(
        &self,
        table: &Table,
        segments: &[Option<u32>],
        names: &[Option<String>],
        weights: Option<&Weights>,
    ) -> Result<Compared> {
        let combined = combine(table, self)?;
        let copies = |row: usize| match weights {
            None => 1,
            Some(weights) if weights.is_whole() => weights.copies(row) as u64,
            Some(weights) => u64::from(weights.counts_row(row)),
        };
        let shape = (names.len(), combined.labels.len());
        let counted = Contingency::weighted(shape, segments.len().min(combined.rows.len()), |row| {
            Some((segments[row]?, combined.rows[row], copies(row)))
        })?;
        let segment =
            |(i, name): (usize, &Option<String>)| Label { label: i.to_string(), name: name.clone() };
        let labels: Vec<Label> = names.iter().enumerate().map(segment).collect();
        Ok(Compared {
            name: self.name.clone(),
            columns: self.columns.clone(),
            rows: counted.total(),
            agreement: Agreement::of(&counted),
            table: CrossTable::new(&counted, &labels, &combined.labels),
        })
    }
}
