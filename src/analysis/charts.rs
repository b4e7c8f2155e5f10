//! The charts that a recipe asks for, which stand in the report beside those that every report has.

use crate::error::{Error, Fault, Result};
use crate::questions::SEGMENT;
use crate::recipe::no_column;
use crate::table::{Column, Table, Values};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Colours are for so many categories at most; the rows of all others have one colour.
pub const MOST_COLOURS: usize = 8;
/// So many categories have a box, unless the recipe says otherwise.
pub const BOXES: usize = 20;

/// A chart of the recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChartSpec {
    /// The line of the section in the recipe file, counted from 1.
    pub line: u64,
    /// What it is called; `None` makes a title from the names of the columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it shows.
    #[serde(flatten)]
    pub kind: ChartKind,
}

/// What a chart of the recipe shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ChartKind {
    /// A sample of the rows as points.
    Scatter {
        /// The column of numbers from left to right.
        x: String,
        /// The column of numbers upwards.
        y: String,
        /// The column of categories that colours the points; `None` for the segments.
        colour: Option<String>,
        /// Both axes end at this quantile of their columns, so that a few extreme rows do not press all others together.
        cut: Option<f64>,
    },
    /// A box plot for each category.
    Boxes {
        /// The column of numbers.
        of: String,
        /// The column of categories.
        by: String,
        /// How many categories there are at most, those with the most rows.
        top: usize,
    },
    /// The mean of one column at each value of another.
    Curve {
        /// The column of numbers from left to right.
        x: String,
        /// The column of numbers upwards.
        y: String,
    },
}

/// What a chart needs a column for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Numbers,
    Categories,
}

impl ChartSpec {
    /// Its title, or one that is made from the names of its columns.
    pub fn title(&self) -> String {
        self.title.clone().unwrap_or_else(|| match &self.kind {
            ChartKind::Scatter { x, y, colour: None, .. } => format!("{y} against {x}"),
            ChartKind::Scatter { x, y, colour: Some(colour), .. } => format!("{y} against {x}, by {colour}"),
            ChartKind::Boxes { of, by, .. } => format!("{of} by {by}"),
            ChartKind::Curve { x, y } => format!("Mean of {y} by {x}"),
        })
    }

    /// The columns that it looks at, each with its key in the recipe.
    fn columns(&self) -> Vec<(&'static str, &str, Needs)> {
        match &self.kind {
            ChartKind::Scatter { x, y, colour, .. } => {
                let colour = colour.as_deref().map(|colour| ("colour", colour, Needs::Categories));
                let axes = [("x", x.as_str(), Needs::Numbers), ("y", y.as_str(), Needs::Numbers)];
                axes.into_iter().chain(colour).collect()
            }
            ChartKind::Boxes { of, by, .. } => {
                vec![("of", of, Needs::Numbers), ("by", by, Needs::Categories)]
            }
            ChartKind::Curve { x, y } => vec![("x", x, Needs::Numbers), ("y", y, Needs::Numbers)],
        }
    }
}

/// Checks that a table has the columns that charts show. `source` is the recipe's name, `id` the column that names the rows.
///
/// # Errors
/// [`Error::Recipe`] with all mistakes.
pub(super) fn check(charts: &[ChartSpec], table: &Table, source: &str, id: Option<&str>) -> Result<()> {
    let mut faults = Vec::new();
    for (i, chart) in charts.iter().enumerate() {
        for (key, name, needs) in chart.columns() {
            let what = match table.column(name) {
                Some(column) => unfit(column, needs),
                None if name == SEGMENT => Some(of_segment(needs).to_string()),
                None if id == Some(name) => Some(format!(
                    "{name} is the id column, which names the rows; a chart of it shows nothing"
                )),
                None => Some(no_column(table, &[], name)),
            };
            let key = format!("chart[{i}].{key}");
            faults.extend(what.map(|what| Fault::in_line(source, chart.line, key, what)));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::recipe(faults)) }
}

fn of_segment(needs: Needs) -> &'static str {
    match needs {
        Needs::Numbers => "a segment's number is only a name; expected a column of numbers",
        Needs::Categories => {
            "every report colours points by segment and draws the values of a column by segment; leave colour out, or name \
             another column"
        }
    }
}

/// Why a column does not suit a chart.
fn unfit(column: &Column, needs: Needs) -> Option<String> {
    let name = &column.name;
    match (needs, &column.values) {
        (_, Values::Empty(_)) => Some(format!("{name} has no values")),
        (Needs::Numbers, Values::Text { .. }) => {
            Some(format!("{name} is a column of texts; expected one of numbers"))
        }
        (Needs::Numbers, Values::Bool(_)) => {
            Some(format!("{name} is a column of true and false; expected one of numbers"))
        }
        (Needs::Categories, values @ (Values::Number(_) | Values::Packed { .. })) => {
            let mut seen = HashSet::new();
            let numbers = (0..values.len()).filter_map(|row| values.number(row)).filter(|v| !v.is_nan());
            let many = numbers.map(|v| (v + 0.0).to_bits()).any(|v| seen.insert(v) && seen.len() > BOXES);
            let what = format!(
                "{name} has more than {BOXES} different numbers; expected categories, such as bands that the step cut makes of \
                 the numbers"
            );
            many.then_some(what)
        }
        _ => None,
    }
}
