//! `[population]`: which rows the segments are for.
//!
//! Rows outside take no part in the fit, nor in the scaling of features. They are not lost: they are counted, and appear in
//! the assignments with segment -1 and the status `outside`.

mod gap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Place, Result};
use crate::recipe::condition::{Condition, FittedCondition};
use crate::recipe::decode::{Section, Value};
use crate::recipe::drops::RowStatus;
use crate::recipe::rows::count;
use crate::table::Table;
use crate::weights::Weights;

pub use gap::{Gap, GapSide};

/// The `[population]` section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Population {
    /// The line of the section in the recipe file, counted from 1.
    pub line: u64,
    /// Which rows belong to it.
    #[serde(flatten)]
    pub rule: PopulationRule,
}

/// What says whether a row belongs to the population.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PopulationRule {
    /// A condition.
    Where(Condition),
    /// Its side of a gap.
    Gap(Gap),
}

impl Population {
    /// Reads the section, if there is one. Mistakes are added to the document's list of faults.
    pub(super) fn decode(root: &Section<'_>) -> Option<Population> {
        let section = root.take("population").and_then(|v: Value<'_>| v.section())?;
        let line = section.line();
        let (condition, gap) = (section.take("where"), Gap::decode(&section));
        if condition.is_none() && gap.is_none() {
            section.fault(
                "expected where, a condition on the rows such as \"orders > 0\", or gap, the columns along which the widest gap \
                 is looked for, such as \"map_*\"",
            );
        }
        section.finish();
        let rule = match (condition, gap) {
            (Some(condition), None) => PopulationRule::Where(Condition::decode(&condition)?),
            (None, Some(gap)) => PopulationRule::Gap(gap?),
            (Some(_), Some(None)) => return None,
            (Some(condition), Some(Some(_))) => {
                condition
                    .fault("where and gap both say who belongs to the population; leave one of them out");
                return None;
            }
            (None, None) => return None,
        };
        Some(Population { line, rule })
    }

    /// The key that says who belongs to it.
    pub(super) fn key(&self) -> &'static str {
        match self.rule {
            PopulationRule::Where(_) => "population.where",
            PopulationRule::Gap(_) => "population.gap",
        }
    }

    /// The names, or globs, of the columns that it looks at.
    pub(super) fn columns(&self) -> Vec<&str> {
        match &self.rule {
            PopulationRule::Where(condition) => condition.columns(),
            PopulationRule::Gap(gap) => vec![&gap.columns],
        }
    }

    /// Fits the condition to a table and marks the rows that do not meet it. Notes for the user are added to `notes`.
    ///
    /// # Errors
    /// A sentence: what is wrong with the condition for this table, or that no row meets it.
    pub(super) fn fit(
        &self,
        table: &Table,
        weights: Option<&Weights>,
        statuses: &mut [RowStatus],
        notes: &mut Vec<String>,
    ) -> std::result::Result<FittedCondition, String> {
        let fitted = match &self.rule {
            PopulationRule::Where(condition) => condition.fit_or(table, weights)?,
            PopulationRule::Gap(gap) => {
                let (fitted, note) = gap.fit(table, weights, statuses)?;
                notes.push(note);
                fitted
            }
        };
        let outside = mark(&fitted.holds_or(table)?, statuses);
        let inside = statuses.iter().filter(|status| **status == RowStatus::Kept).count();
        match outside {
            _ if inside == 0 => {
                return Err(format!(
                    "no row meets the condition {fitted}, so there is nobody to find segments among (a comparison with a \
                     missing value does not hold)"
                ));
            }
            0 => notes.push(format!(
                "note: every row meets the condition of [population], {fitted}, so it leaves nobody out"
            )),
            _ => {
                notes.push(format!("population: {} with {fitted}; {} outside", count(inside), count(outside)))
            }
        }
        Ok(fitted)
    }
}

/// Marks the rows of a later table that do not meet the condition of the fit, and returns how many they are.
///
/// # Errors
/// A column that does not exist, or has another type than at the fit.
pub(super) fn mark_outside(
    condition: &FittedCondition,
    table: &Table,
    statuses: &mut [RowStatus],
) -> Result<usize> {
    let holds =
        condition.holds_or(table).map_err(|what| Error::at(Place::file(table.source.as_str()), what))?;
    Ok(mark(&holds, statuses))
}

/// Marks the rows of which the condition does not hold, among those that are not left out already, and returns how many they
/// are.
fn mark(holds: &[bool], statuses: &mut [RowStatus]) -> usize {
    let mut outside = 0;
    let others =
        statuses.iter_mut().zip(holds).filter(|(status, holds)| !**holds && **status == RowStatus::Kept);
    for (status, _) in others {
        (*status, outside) = (RowStatus::Outside, outside + 1);
    }
    outside
}
