//! Conditions on the rows of a table, written as text: `experience >= 8 and pay <= quantile(0.25)`.
//!
//! A [`Condition`] is what was written. [`Condition::fit`] checks it against a table and turns quantiles into numbers; the
//! result, a [`FittedCondition`], says of any later table which rows meet it. Both read and write themselves as text, in
//! a recipe and in a model alike.
//!
//! A comparison with a missing value does not hold, whichever way it is made: neither `pay > 5` nor `pay != 5` is true
//! where pay is missing. `not` turns a condition round as a whole, so `not pay > 5` is true there.

mod evaluate;
mod parse;
mod print;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Place, Result};
use crate::recipe::decode::Value;
use crate::recipe::fitted_step::numbers_or;
use crate::recipe::rows::no_column;
use crate::recipe::statistics::{Copies, median, quantiles};
use crate::table::Table;
use crate::weights::Weights;

/// A condition as it was written, with the numbers of `$parameters` filled in.
///
/// ```
/// use segmenta::recipe::Condition;
///
/// let condition: Condition = "pay>=8 AND (role = \"Analyst\" or role is missing)".parse()?;
/// assert_eq!(condition.to_string(), "pay >= 8 and (role = 'Analyst' or role is missing)");
/// assert_eq!(condition.columns(), ["pay", "role"]);
/// # Ok::<(), segmenta::recipe::ConditionError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Condition(Node);

/// A condition whose quantiles have become numbers, so that it means the same for every table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FittedCondition(Node);

/// What is wrong with the text of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionError {
    /// Where in the text, in bytes counted from 0.
    pub at: usize,
    /// The same in characters counted from 1.
    pub character: usize,
    /// What was expected and what was found.
    pub what: String,
}

impl fmt::Display for ConditionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at character {} of the condition)", self.what, self.character)
    }
}

impl std::error::Error for ConditionError {}

/// A condition, or several of them joined.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    /// All of them hold; there are at least two.
    All(Vec<Node>),
    /// At least one of them holds; there are at least two.
    Any(Vec<Node>),
    /// It does not hold.
    Not(Box<Node>),
    /// A test of one column.
    Test { column: String, test: Test },
}

/// What is asked of a cell.
#[derive(Debug, Clone, PartialEq)]
enum Test {
    Compare(Operator, Operand),
    /// It is one of these (`true`), or it is there and none of them (`false`).
    In(bool, Vec<Operand>),
    /// A text that contains one of these, whatever the case.
    Contains(Vec<String>),
    /// It is missing (`true`), or it is not (`false`).
    Missing(bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Operator {
    const WORDS: [(&'static str, Operator); 6] = [
        ("=", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<", Operator::Less),
        ("<=", Operator::AtMost),
        (">", Operator::Greater),
        (">=", Operator::AtLeast),
    ];

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, operator)| *operator == self).map_or("", |(word, _)| word)
    }

    /// The operator that says the same with its two sides exchanged.
    fn turned(self) -> Operator {
        match self {
            Operator::Less => Operator::Greater,
            Operator::AtMost => Operator::AtLeast,
            Operator::Greater => Operator::Less,
            Operator::AtLeast => Operator::AtMost,
            same => same,
        }
    }

    fn is_order(self) -> bool {
        !matches!(self, Operator::Equal | Operator::NotEqual)
    }
}

/// What a cell is compared with.
#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Number(f64),
    Text(String),
    Bool(bool),
    /// A quantile of the column itself, from 0 to 1.
    Quantile(f64),
    Median,
}

impl Condition {
    /// Parses a condition in which `$name` stands for the number of a parameter.
    ///
    /// # Errors
    /// The first mistake, and where it is.
    pub fn parse(
        text: &str,
        parameters: &BTreeMap<String, f64>,
    ) -> std::result::Result<Condition, ConditionError> {
        parse::parse(text, parameters).map(Condition)
    }

    /// Reads a condition from a recipe. A mistake in it is a fault at its own place in the file.
    pub(crate) fn decode(value: &Value<'_>) -> Option<Condition> {
        let text = value.text()?;
        match Condition::parse(&text, &value.document.parameters()) {
            Ok(condition) => Some(condition),
            Err(error) => {
                if !value.fault_within(&text, error.at, &error.what) {
                    value.fault(error.to_string());
                }
                None
            }
        }
    }

    /// The columns that it looks at, each once, in the order of the text.
    pub fn columns(&self) -> Vec<&str> {
        self.0.columns()
    }

    /// The columns whose values it compares, each once; those of which it only asks whether they are missing are left out.
    pub fn compared_columns(&self) -> Vec<&str> {
        let mut columns = Vec::new();
        self.0.each_test(&mut |column, test| {
            if !matches!(test, Test::Missing(_)) && !columns.contains(&column) {
                columns.push(column);
            }
        });
        columns
    }

    /// The same condition with other columns: `rename` is called with the name of each column and with whether it is
    /// compared with texts.
    pub(crate) fn renamed(&self, rename: &dyn Fn(&str, bool) -> String) -> Condition {
        let mut node = self.0.clone();
        node.rename(rename);
        Condition(node)
    }

    /// Checks the condition against a table and learns its quantiles and medians there, from all rows that have a value.
    ///
    /// # Errors
    /// [`Error::Data`] for a column that does not exist, values of another type than the column's, and a quantile of a
    /// column without values.
    pub fn fit(&self, table: &Table) -> Result<FittedCondition> {
        self.fit_weighted(table, None)
    }

    /// The same for rows with weights: a row of weight w counts as w copies of it.
    ///
    /// # Errors
    /// Those of [`Condition::fit`]; another number of weights than of rows.
    pub fn fit_weighted(&self, table: &Table, weights: Option<&Weights>) -> Result<FittedCondition> {
        self.fit_or(table, weights).map_err(|what| Error::at(Place::file(table.source.as_str()), what))
    }

    /// The same with errors that are bare sentences.
    pub(crate) fn fit_or(
        &self,
        table: &Table,
        weights: Option<&Weights>,
    ) -> std::result::Result<FittedCondition, String> {
        let rows = table.rows;
        let copies = weights.map(Weights::all_copies);
        if let Some(copies) = copies.as_ref().filter(|copies| copies.len() != rows) {
            return Err(format!("a table of {rows} rows needs {rows} weights, not {}", copies.len()));
        }
        let fitted = FittedCondition(self.0.fitted(table, copies.as_deref())?);
        fitted.holds_or(table)?;
        Ok(fitted)
    }
}

impl FittedCondition {
    /// The rows in which a column is above a number, or below it.
    pub(crate) fn beyond(column: &str, above: bool, number: f64) -> FittedCondition {
        let operator = if above { Operator::Greater } else { Operator::Less };
        let test = Test::Compare(operator, Operand::Number(number));
        FittedCondition(Node::Test { column: column.to_string(), test })
    }

    /// The column and the number, if it only asks whether the one is above or below the other.
    pub(crate) fn limit(&self) -> Option<(&str, f64)> {
        match &self.0 {
            Node::Test { column, test: Test::Compare(operator, Operand::Number(number)) }
                if operator.is_order() =>
            {
                Some((column, *number))
            }
            _ => None,
        }
    }

    /// The columns that it looks at, each once, in the order of the text.
    pub fn columns(&self) -> Vec<&str> {
        self.0.columns()
    }

    /// Says of each row of a table whether it meets the condition.
    ///
    /// # Errors
    /// [`Error::Data`] for a column that does not exist, and for values of another type than the column's.
    pub fn holds(&self, table: &Table) -> Result<Vec<bool>> {
        self.holds_or(table).map_err(|what| Error::at(Place::file(table.source.as_str()), what))
    }

    /// The same with errors that are bare sentences.
    pub(crate) fn holds_or(&self, table: &Table) -> std::result::Result<Vec<bool>, String> {
        self.0.holds(table)
    }
}

impl Node {
    /// Calls `each` with the column and the test of every comparison.
    fn each_test<'a>(&'a self, each: &mut dyn FnMut(&'a str, &'a Test)) {
        match self {
            Node::All(nodes) | Node::Any(nodes) => nodes.iter().for_each(|node| node.each_test(each)),
            Node::Not(node) => node.each_test(each),
            Node::Test { column, test } => each(column, test),
        }
    }

    /// How deep conditions are nested in it; 0 for a single test.
    fn depth(&self) -> usize {
        match self {
            Node::All(nodes) | Node::Any(nodes) => 1 + nodes.iter().map(Node::depth).max().unwrap_or(0),
            Node::Not(node) => 1 + node.depth(),
            Node::Test { .. } => 0,
        }
    }

    fn columns(&self) -> Vec<&str> {
        let mut columns = Vec::new();
        self.each_test(&mut |column, _| {
            if !columns.contains(&column) {
                columns.push(column);
            }
        });
        columns
    }

    fn rename(&mut self, rename: &dyn Fn(&str, bool) -> String) {
        match self {
            Node::All(nodes) | Node::Any(nodes) => nodes.iter_mut().for_each(|node| node.rename(rename)),
            Node::Not(node) => node.rename(rename),
            Node::Test { column, test } => {
                let text = |operand: &Operand| matches!(operand, Operand::Text(_));
                let texts = match test {
                    Test::Compare(_, operand) => text(operand),
                    Test::In(_, operands) => operands.iter().any(text),
                    Test::Contains(_) => true,
                    Test::Missing(_) => false,
                };
                *column = rename(column, texts);
            }
        }
    }

    /// The same with numbers in place of quantiles.
    fn fitted(&self, table: &Table, copies: Copies<'_>) -> std::result::Result<Node, String> {
        let all = |nodes: &[Node]| -> std::result::Result<Vec<Node>, String> {
            nodes.iter().map(|node| node.fitted(table, copies)).collect()
        };
        Ok(match self {
            Node::All(nodes) => Node::All(all(nodes)?),
            Node::Any(nodes) => Node::Any(all(nodes)?),
            Node::Not(node) => Node::Not(Box::new(node.fitted(table, copies)?)),
            Node::Test { column, test: Test::Compare(operator, operand) } if operand.is_learned() => {
                let number = learned(table, column, operand, copies)?;
                let test = Test::Compare(*operator, Operand::Number(number));
                Node::Test { column: column.clone(), test }
            }
            same => same.clone(),
        })
    }

    /// Whether a part of it has to be learned from a table.
    fn is_learned(&self) -> bool {
        let mut found = false;
        self.each_test(&mut |_, test| {
            found |= matches!(test, Test::Compare(_, operand) if operand.is_learned());
        });
        found
    }
}

impl Operand {
    fn is_learned(&self) -> bool {
        matches!(self, Operand::Quantile(_) | Operand::Median)
    }
}

/// The quantile or the median of a column.
fn learned(
    table: &Table,
    column: &str,
    operand: &Operand,
    copies: Copies<'_>,
) -> std::result::Result<f64, String> {
    let values = &table.column(column).ok_or_else(|| no_column(table, &[], column))?.values;
    let numbers = numbers_or(values, || format!("{} of {column} needs numbers", print::operand(operand)))?;
    let counts = |row: usize| copies.is_none_or(|copies| copies.get(row).is_some_and(|c| *c > 0.0));
    let rows: Vec<usize> = (0..numbers.len()).filter(|&row| !numbers[row].is_nan() && counts(row)).collect();
    let mut there: Vec<f64> = rows.iter().map(|&row| numbers[row]).collect();
    let own: Option<Vec<f64>> = copies.map(|copies| rows.iter().map(|&row| copies[row]).collect());
    if there.is_empty() {
        return Err(format!("column {column} has no values, so it has no {}", print::operand(operand)));
    }
    let found = match operand {
        Operand::Quantile(q) => quantiles(&mut there, &[*q], own.as_deref()).first().copied(),
        _ => Some(median(&there, own.as_deref())),
    };
    // Adding zero turns -0.0 into 0.0.
    found.filter(|v| v.is_finite()).map(|v| v + 0.0).ok_or_else(|| {
        format!("the numbers of column {column} are too large for {}", print::operand(operand))
    })
}

impl FromStr for Condition {
    type Err = ConditionError;

    /// Parses a condition without parameters.
    fn from_str(text: &str) -> std::result::Result<Self, ConditionError> {
        Condition::parse(text, &BTreeMap::new())
    }
}

impl TryFrom<String> for Condition {
    type Error = ConditionError;

    fn try_from(text: String) -> std::result::Result<Self, ConditionError> {
        text.parse()
    }
}

impl TryFrom<String> for FittedCondition {
    type Error = ConditionError;

    fn try_from(text: String) -> std::result::Result<Self, ConditionError> {
        let Condition(node) = text.parse()?;
        if node.is_learned() {
            let what = "expected numbers, found a quantile or a median that was not computed".to_string();
            return Err(ConditionError { at: 0, character: 1, what });
        }
        Ok(FittedCondition(node))
    }
}

impl From<Condition> for String {
    fn from(condition: Condition) -> String {
        condition.to_string()
    }
}

impl From<FittedCondition> for String {
    fn from(condition: FittedCondition) -> String {
        condition.to_string()
    }
}

impl fmt::Display for Condition {
    /// The condition in its normal form, which parses to the same condition.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::node(&self.0, f)
    }
}

impl fmt::Display for FittedCondition {
    /// The condition in its normal form, with all digits of its numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::node(&self.0, f)
    }
}
