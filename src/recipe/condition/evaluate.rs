//! Which rows of a table meet a condition.

use super::{Node, Operand, Operator, Test, print};
use crate::recipe::fitted_step::numbers_or;
use crate::recipe::rows::no_column;
use crate::table::{Table, Values};

impl Node {
    /// Says of each row whether it meets the condition.
    ///
    /// # Errors
    /// A sentence, for a column that does not exist and for a value of another type than the column's.
    pub(super) fn holds(&self, table: &Table) -> Result<Vec<bool>, String> {
        let joined = |nodes: &[Node], join: fn(&mut bool, bool)| {
            let mut nodes = nodes.iter();
            let mut rows = match nodes.next() {
                Some(first) => first.holds(table)?,
                None => vec![true; table.rows],
            };
            for node in nodes {
                rows.iter_mut().zip(node.holds(table)?).for_each(|(row, other)| join(row, other));
            }
            Ok(rows)
        };
        match self {
            Node::All(nodes) => joined(nodes, |row, other| *row &= other),
            Node::Any(nodes) => joined(nodes, |row, other| *row |= other),
            Node::Not(node) => {
                let mut rows = node.holds(table)?;
                rows.iter_mut().for_each(|row| *row = !*row);
                Ok(rows)
            }
            Node::Test { column, test } => {
                let values = &table.column(column).ok_or_else(|| no_column(table, &[], column))?.values;
                let mut rows = test.holds(column, values)?;
                // A table built by hand may have a column that is too short.
                rows.resize(table.rows, false);
                Ok(rows)
            }
        }
    }
}

impl Test {
    fn holds(&self, column: &str, values: &Values) -> Result<Vec<bool>, String> {
        let rows = 0..values.len();
        match self {
            Test::Missing(missing) => Ok(rows.map(|row| values.is_missing(row) == *missing).collect()),
            Test::Compare(operator, operand) => compare(column, values, *operator, operand),
            Test::In(is, operands) => {
                let mut found = vec![false; values.len()];
                for operand in operands {
                    let same = compare(column, values, Operator::Equal, operand)?;
                    found.iter_mut().zip(same).for_each(|(row, same)| *row |= same);
                }
                if !is {
                    found = rows.map(|row| !found[row] && !values.is_missing(row)).collect();
                }
                Ok(found)
            }
            Test::Contains(parts) => {
                let lower: Vec<String> = parts.iter().map(|part| part.to_lowercase()).collect();
                let has = |level: &str| {
                    let level = level.to_lowercase();
                    lower.iter().any(|part| level.contains(part))
                };
                match values {
                    Values::Text { .. } => Ok(levels_that(values, has)),
                    Values::Empty(rows) => Ok(vec![false; *rows]),
                    other => Err(format!(
                        "contains is for texts, and column {column} holds {}; the step text makes texts of it",
                        kind(other)
                    )),
                }
            }
        }
    }
}

/// Compares the cells of a column with a value.
fn compare(
    column: &str,
    values: &Values,
    operator: Operator,
    operand: &Operand,
) -> Result<Vec<bool>, String> {
    let other_type = |advice: String| {
        let value = print::operand(operand);
        Err(format!("column {column} holds {}, and cannot be compared with {value}{advice}", kind(values)))
    };
    if let (Values::Empty(rows), false) = (values, operand.is_learned()) {
        return Ok(vec![false; *rows]);
    }
    match (operand, values) {
        (Operand::Number(number), Values::Text { levels, .. }) => {
            let same = levels.iter().find(|level| level.parse() == Ok(*number));
            other_type(same.map_or_else(
                || "; a text is compared with a text in quotes".into(),
                |level| format!("; write {}", print::operand(&Operand::Text(level.clone()))),
            ))
        }
        (Operand::Number(number), _) => {
            let cells = numbers_or(values, || format!("column {column} has no numbers"))?;
            let number = *number;
            let by = |holds: fn(f64, f64) -> bool| cells.iter().map(|&cell| holds(cell, number)).collect();
            Ok(match operator {
                Operator::Equal => by(|cell, number| cell == number),
                Operator::NotEqual => by(|cell, number| cell != number && !cell.is_nan()),
                Operator::Less => by(|cell, number| cell < number),
                Operator::AtMost => by(|cell, number| cell <= number),
                Operator::Greater => by(|cell, number| cell > number),
                Operator::AtLeast => by(|cell, number| cell >= number),
            })
        }
        (Operand::Text(_), Values::Text { .. }) if operator.is_order() => {
            Err(format!("column {column} holds texts, which have no order; expected = or !="))
        }
        (Operand::Text(text), Values::Text { .. }) => {
            let equal = operator == Operator::Equal;
            Ok(levels_that(values, |level| (level == text) == equal))
        }
        (Operand::Text(text), Values::Bool(_)) if text == "true" || text == "false" => {
            other_type(format!("; write {text} without quotes"))
        }
        (Operand::Text(text), Values::Number(_) | Values::Packed { .. }) if text.parse::<f64>().is_ok() => {
            other_type("; write the number without quotes".into())
        }
        (Operand::Text(_), _) => other_type(String::new()),
        (Operand::Bool(_), Values::Bool(_)) if operator.is_order() => {
            Err(format!("column {column} holds true and false, which have no order; expected = or !="))
        }
        (Operand::Bool(value), Values::Bool(cells)) => {
            let holds =
                |cell: &Option<bool>| cell.is_some_and(|c| (c == *value) == (operator == Operator::Equal));
            Ok(cells.iter().map(holds).collect())
        }
        (Operand::Bool(value), Values::Text { .. }) => {
            other_type(format!("; the text is '{value}', in quotes"))
        }
        (Operand::Bool(value), _) => other_type(format!("; write {}", u8::from(*value))),
        (Operand::Quantile(_) | Operand::Median, _) => {
            Err(format!("{} of column {column} has not been computed", print::operand(operand)))
        }
    }
}

/// Of each cell of a text column, whether its text passes; a missing one does not.
fn levels_that(values: &Values, passes: impl Fn(&str) -> bool) -> Vec<bool> {
    let Values::Text { levels, codes } = values else { return vec![false; values.len()] };
    let passing: Vec<bool> = levels.iter().map(|level| passes(level)).collect();
    codes.iter().map(|code| code.is_some_and(|code| passing.get(code as usize) == Some(&true))).collect()
}

/// What a column holds, in words.
fn kind(values: &Values) -> &'static str {
    match values {
        Values::Number(_) | Values::Packed { .. } => "numbers",
        Values::Bool(_) => "true and false",
        Values::Text { .. } => "texts",
        Values::Empty(_) => "nothing",
    }
}
