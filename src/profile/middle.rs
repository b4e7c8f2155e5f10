//! The figures of one column in each segment, without a whole profile.

use super::members::Members;
use super::numbers::{Numbers, NumericFigures};
use crate::table::Values;
use std::borrow::Cow;

/// The figures of a column of numbers, or of true and false as 1 and 0, in each segment. `None` for other columns, and for
/// numbers too large for a mean and a deviation.
pub fn numeric_figures(values: &Values, members: &Members) -> Option<Vec<NumericFigures>> {
    let numbers = match values {
        // Where there is no false, a missing value stands for it, as in the shares of a profile.
        Values::Bool(cells) => {
            let any_false = members.all().iter().any(|&row| cells.get(row as usize) == Some(&Some(false)));
            let missing = if any_false { f64::NAN } else { 0.0 };
            let number = |cell: &Option<bool>| cell.map_or(missing, |truth| f64::from(u8::from(truth)));
            Cow::Owned(cells.iter().map(number).collect())
        }
        other => other.numbers()?,
    };
    if numbers.len() != members.table_rows() {
        return None;
    }
    Numbers::of(&numbers, members).map(|numbers| numbers.figures)
}
