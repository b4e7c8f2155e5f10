//! Arithmetic between a column and another one, row by row.

use serde::{Deserialize, Serialize};

use crate::recipe::decode::Value;
use crate::recipe::rule::{Rule, numbers_or};
use crate::table::Values;

/// What is done to a column's number x with the number y of another column in the same row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `x + y`.
    Add,
    /// `x - y`.
    Subtract,
    /// `y - x`.
    SubtractFrom,
    /// `x * y`.
    Multiply,
    /// `x / y`; missing where y is 0.
    Divide,
}

impl Operation {
    /// Its name in a recipe.
    pub(super) fn name(self) -> &'static str {
        match self {
            Operation::Add => "add",
            Operation::Subtract => "subtract",
            Operation::SubtractFrom => "subtract_from",
            Operation::Multiply => "multiply",
            Operation::Divide => "divide",
        }
    }

    /// The key that names the other column in a recipe: one divides by a column, and adds a column.
    fn key(self) -> &'static str {
        match self {
            Operation::Multiply | Operation::Divide => "by",
            _ => "column",
        }
    }

    /// Reads `{ by = "column" }` or `{ column = "column" }`.
    pub(super) fn decode(self, argument: &Value<'_>) -> Option<Rule> {
        let section = argument.section()?;
        let column = section.take(self.key());
        if section.is_empty() {
            section.fault(format!("expected a number, or {{ {} = \"the other column\" }}", self.key()));
        }
        section.finish();
        Some(Rule::Arithmetic { operation: self, column: column?.text()? })
    }

    /// What it makes of a column; missing where either number is.
    ///
    /// # Errors
    /// A sentence, where one of the columns holds no numbers.
    pub(super) fn apply(self, values: &Values, name: &str, other: &Values) -> Result<Values, String> {
        let own = numbers_or(values, || format!("{} wants numbers", self.name()))?;
        let other = numbers_or(other, || format!("{} wants numbers in column {name}", self.name()))?;
        let of = |x: f64, y: f64| match self {
            Operation::Add => x + y,
            Operation::Subtract => x - y,
            Operation::SubtractFrom => y - x,
            Operation::Multiply => x * y,
            Operation::Divide if y == 0.0 => f64::NAN,
            Operation::Divide => x / y,
        };
        Ok(Values::Number(own.iter().zip(other.iter()).map(|(&x, &y)| of(x, y)).collect()))
    }
}
