//! Arithmetic between two columns, row by row: `{ divide = { by = "carat" } }`.

use serde::{Deserialize, Serialize};

use crate::recipe::decode::Value;
use crate::recipe::fitted_step::{FittedStep, numbers_or};
use crate::table::Values;

/// An operation on a column's number x and the number y that another column has in the same row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArithmeticOperation {
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

impl ArithmeticOperation {
    /// The operation's name in a recipe.
    pub(super) fn name(self) -> &'static str {
        match self {
            ArithmeticOperation::Add => "add",
            ArithmeticOperation::Subtract => "subtract",
            ArithmeticOperation::SubtractFrom => "subtract_from",
            ArithmeticOperation::Multiply => "multiply",
            ArithmeticOperation::Divide => "divide",
        }
    }

    /// The key that names the other column in a recipe, chosen to read well: divide *by* a column, add a *column*.
    fn key(self) -> &'static str {
        match self {
            ArithmeticOperation::Multiply | ArithmeticOperation::Divide => "by",
            _ => "column",
        }
    }

    /// Reads the argument, `{ by = "name" }` or `{ column = "name" }`. Mistakes are added to the document's faults.
    pub(super) fn decode(self, argument: &Value<'_>) -> Option<FittedStep> {
        let section = argument.section()?;
        let column = section.take(self.key());
        if section.is_empty() {
            section.fault(format!("expected a number, or {{ {} = \"the other column\" }}", self.key()));
        }
        section.finish();
        Some(FittedStep::Arithmetic { operation: self, column: column?.text()? })
    }

    /// Applies the operation to a column's `values` and those of the `other` column, which is called `name`. The result
    /// is missing where either number is.
    ///
    /// # Errors
    /// A sentence, if one of the columns holds texts.
    pub(super) fn apply(self, values: &Values, name: &str, other: &Values) -> Result<Values, String> {
        let own = numbers_or(values, || format!("{} needs numbers", self.name()))?;
        let other = numbers_or(other, || format!("{} needs numbers in column {name}", self.name()))?;
        let of = |x: f64, y: f64| match self {
            ArithmeticOperation::Add => x + y,
            ArithmeticOperation::Subtract => x - y,
            ArithmeticOperation::SubtractFrom => y - x,
            ArithmeticOperation::Multiply => x * y,
            ArithmeticOperation::Divide if y == 0.0 => f64::NAN,
            ArithmeticOperation::Divide => x / y,
        };
        Ok(Values::Number(own.iter().zip(other.iter()).map(|(&x, &y)| of(x, y)).collect()))
    }
}
