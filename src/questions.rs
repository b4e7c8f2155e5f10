//! Questions to a table and its segments, written in a recipe: how many rows meet a condition, what the groups of a
//! column are like, how one group differs from the others, and which rows contradict an expectation.
//!
//! [`check`] finds mistakes in questions before anything is computed; [`answer()`] answers them. Rows that the fit left out
//! are asked too: they have no segment. A row of weight w counts as w rows. Everything that is counted is counted in whole
//! numbers, so answers do not depend on the number of threads.

mod answer;
mod decode;
mod groups;
mod shares;

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Fault, Result};
use crate::recipe::{Aliases, Condition};
use crate::table::{Table, Values};
use crate::weights::Weights;

pub(crate) use groups::cell;
pub use shares::{AnswerLine, AnswerShares, Answering, Answers};

/// The column that holds the row's segment. A table's own column of this name is hidden by it.
pub const SEGMENT: &str = "segment";

/// How many groups an answer has unless the question says otherwise.
pub const TOP: usize = 1000;

/// A question.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Question {
    /// The line of the section in the recipe file, counted from 1.
    pub line: u64,
    /// What the question is called, in words.
    pub name: String,
    /// Which rows are asked about; `None`: all.
    #[serde(rename = "where")]
    pub condition: Option<Condition>,
    /// Only the rows of one group are asked about, the largest.
    pub within: Option<Within>,
    /// The columns whose values make the lines of the answer. Without them, the lines are the segments.
    pub by: Vec<String>,
    /// The columns that figures are computed from.
    pub of: Vec<String>,
    /// The figures of each line.
    pub compute: Vec<Figure>,
    /// The figure or the column that the lines are sorted by, or with `list` the column that the rows are.
    pub order: Option<String>,
    /// Whether the smallest comes first; `None`: if the lines are sorted by one of the columns in `by`.
    pub ascending: Option<bool>,
    /// How many lines the answer has at most; `None`: [`TOP`].
    pub top: Option<usize>,
    /// Groups of fewer rows are counted, but not shown.
    pub least: u64,
    /// The rows for which this holds are compared with the others.
    pub against: Option<Condition>,
    /// Rows that contradict this are counted instead.
    pub expect: Option<Expectation>,
    /// How many rows are shown.
    pub list: usize,
    /// What is shown of each of these rows.
    pub columns: Vec<String>,
    /// The answers to a question of a survey are shown by segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answers>,
}

/// The largest group of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Within {
    /// The column whose values make the groups.
    pub largest: String,
    /// The largest group is the one with the most different values of this column; `None`: with the most rows.
    #[serde(default)]
    pub distinct: Option<String>,
    /// Which rows are looked at to find it; `None`: all.
    #[serde(default, rename = "where")]
    pub condition: Option<Condition>,
}

/// What is expected of rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The rows that something is expected of.
    #[serde(rename = "if")]
    pub premise: Condition,
    /// What is expected of them.
    #[serde(rename = "then")]
    pub conclusion: Condition,
}

/// A figure of a group of rows, as pandas computes it. Missing values are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Figure {
    /// How many rows.
    Count,
    /// Their share of the rows of the answer, from 0 to 1.
    Share,
    /// The mean.
    Mean,
    /// The middle value, or the mean of the two middle values.
    Median,
    /// The smallest number.
    Min,
    /// The largest number.
    Max,
    /// The sum.
    Sum,
    /// The standard deviation, which divides by n - 1.
    Std,
    /// How many different values there are.
    Distinct,
}

impl Figure {
    /// The names used in a recipe.
    pub const WORDS: [(&'static str, Figure); 9] = [
        ("count", Figure::Count),
        ("share", Figure::Share),
        ("mean", Figure::Mean),
        ("median", Figure::Median),
        ("min", Figure::Min),
        ("max", Figure::Max),
        ("sum", Figure::Sum),
        ("std", Figure::Std),
        ("distinct", Figure::Distinct),
    ];

    /// Its name in a recipe and in answers.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, figure)| *figure == self).map_or("", |(word, _)| word)
    }

    /// Whether it is of the rows and not of a column's values.
    pub fn of_rows(self) -> bool {
        matches!(self, Figure::Count | Figure::Share)
    }
}

/// What a question needs besides the table.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The name of the recipe file, for messages.
    pub source: &'a str,
    /// Each row's segment; `None` for rows that have none.
    pub segments: &'a [Option<u32>],
    /// The segments' names, by their numbers.
    pub names: &'a [Option<String>],
    /// The rows' weights.
    pub weights: Option<&'a Weights>,
    /// The texts that the table's aliases stand for.
    pub hidden: &'a Hidden,
    /// What columns are about, by name.
    pub topics: &'a BTreeMap<String, String>,
}

/// For columns whose texts have aliases, which rows have the same text. Different texts may have the same alias, and are
/// still counted as different ones.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hidden(BTreeMap<String, Values>);

impl Hidden {
    /// Remembers the columns of a table whose texts are about to get aliases.
    pub fn new(table: &Table, aliases: &Aliases) -> Hidden {
        let columns = aliases.0.iter().filter_map(|alias| table.column(&alias.column));
        let codes = |values: &Values| Values::Text { levels: Vec::new(), codes: groups::codes(values).0 };
        Hidden(columns.map(|column| (column.name.clone(), codes(&column.values))).collect())
    }

    fn of(&self, column: &str) -> Option<&Values> {
        self.0.get(column)
    }
}

/// A cell of an answer. In JSON it is null, a number, true or false, or a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// A missing value, or a figure that the rows do not have.
    Missing,
    /// A count of rows or values, or the number of a segment.
    Count(u64),
    /// A number.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// A text.
    Text(String),
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// What the question is called.
    pub name: String,
    /// Which rows are asked about, with numbers in place of quantiles.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The group that the rows are of, if the question is about the largest one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Largest>,
    /// What is expected of the rows, if the question is about rows that contradict it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expected>,
    /// How many rows the answer is about.
    pub rows: Cell,
    /// How many rows it was looked for among.
    pub among: Cell,
    /// `rows` divided by `among`; 0 if there are none.
    pub share: f64,
    /// The columns that figures are computed from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<String>,
    /// The figures of all these rows together.
    pub figures: BTreeMap<String, Cell>,
    /// The lines of the answer.
    pub table: Lines,
    /// How far the first line's figures lie above those of the second, if two groups are compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<BTreeMap<String, Cell>>,
    /// The answers to a question of a survey by segment, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<AnswerShares>,
    /// Rows, if the question asks for some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list: Option<Lines>,
}

/// The largest group of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Largest {
    /// The column.
    pub column: String,
    /// The group: its text or number.
    pub group: Cell,
    /// How many rows it has.
    pub rows: Cell,
}

/// An expectation, with numbers in place of quantiles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// The rows that something is expected of.
    #[serde(rename = "if")]
    pub premise: String,
    /// What is expected of them.
    #[serde(rename = "then")]
    pub conclusion: String,
    /// How many rows meet the premise, but cannot be judged because a value is missing.
    pub unknown: Cell,
}

/// A table of an answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Lines {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The lines, each with one cell for each column.
    pub rows: Vec<Vec<Cell>>,
    /// How many of the first columns say what the line is about.
    #[serde(skip)]
    pub keys: usize,
    /// How many lines more there are than shown.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: usize,
    /// How many groups have too few rows to be shown.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub small: usize,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl Question {
    /// The names of the figures in an answer, in their order, each with the column that it is of.
    pub(crate) fn figures(&self) -> Vec<(String, Figure, Option<&str>)> {
        let mut figures: Vec<(String, Figure, Option<&str>)> = Vec::new();
        for figure in self.compute.iter().copied() {
            if figure.of_rows() {
                figures.push((figure.word().to_string(), figure, None));
            }
            for of in self.of.iter().filter(|_| !figure.of_rows()) {
                let name =
                    if self.of.len() == 1 { figure.word().into() } else { format!("{} {of}", figure.word()) };
                figures.push((name, figure, Some(of)));
            }
        }
        figures
    }

    /// All conditions, each with its key in the recipe.
    fn conditions(&self) -> Vec<(&'static str, &Condition)> {
        let expect = self.expect.as_ref();
        let all = [
            ("where", self.condition.as_ref()),
            ("within.where", self.within.as_ref().and_then(|within| within.condition.as_ref())),
            ("against", self.against.as_ref()),
            ("expect.if", expect.map(|expect| &expect.premise)),
            ("expect.then", expect.map(|expect| &expect.conclusion)),
        ];
        all.into_iter().filter_map(|(key, condition)| Some((key, condition?))).collect()
    }

    /// All columns that are named, each with its key in the recipe.
    fn named_columns(&self) -> Vec<(&'static str, &str)> {
        let conditions = self.conditions();
        let mut columns: Vec<(&'static str, &str)> = Vec::new();
        for (key, condition) in conditions {
            columns.extend(condition.columns().into_iter().map(|column| (key, column)));
        }
        if let Some(within) = &self.within {
            columns.push(("within.largest", &within.largest));
            columns.extend(within.distinct.iter().map(|column| ("within.distinct", column.as_str())));
        }
        for (key, names) in [("by", &self.by), ("of", &self.of), ("columns", &self.columns)] {
            columns.extend(names.iter().map(|name| (key, name.as_str())));
        }
        if self.list > 0 {
            columns.extend(self.order.iter().map(|order| ("order", order.as_str())));
        }
        columns
    }
}

/// Checks questions against the table that they will be asked of, before it has segments. `source` is the recipe's name,
/// `id` the column that names the rows.
///
/// # Errors
/// [`Error::Recipe`] with all mistakes: columns that do not exist or do not suit what is asked of them.
pub fn check(questions: &[Question], table: &Table, source: &str, id: Option<&str>) -> Result<()> {
    let mut faults = Vec::new();
    for (i, question) in questions.iter().enumerate() {
        for (key, what) in answer::mistakes(question, table, id) {
            faults.push(Fault::in_line(source, question.line, format!("question[{i}].{key}"), what));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::recipe(faults)) }
}

/// Answers questions about a table whose rows have segments.
///
/// # Errors
/// Those of [`check`]; [`Error::Data`] for another number of segments or weights than of rows.
pub fn answer(questions: &[Question], table: &Table, context: &Context<'_>) -> Result<Vec<Answer>> {
    let rows = table.rows;
    let weights = context.weights.map_or(rows, Weights::len);
    if context.segments.len() != rows || weights != rows {
        let segments = context.segments.len();
        return Err(Error::data(format!("{rows} rows have {segments} segments and {weights} weights")));
    }
    let answers = questions.iter().filter_map(|question| question.answers.as_ref());
    let answers: Vec<&str> =
        answers.flat_map(|answers| answers.matching(table).unwrap_or_default()).collect();
    let named = questions.iter().flat_map(|q| q.named_columns()).map(|(_, column)| column);
    let named: BTreeSet<&str> = named.chain(answers).collect();
    let asked = answer::Asked::new(table, &named, context);
    let mut answers = Vec::new();
    for (i, question) in questions.iter().enumerate() {
        let fault = |(key, what): (&str, String)| {
            Error::recipe(vec![Fault::in_line(
                context.source,
                question.line,
                format!("question[{i}].{key}"),
                what,
            )])
        };
        answers.push(asked.answer(question).map_err(fault)?);
    }
    Ok(answers)
}
