//! Rows by group, and the figures and the order of groups.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::{Cell, Figure, Hidden, Question};
use crate::recipe::{AggregateFunction, figures_of_groups};
use crate::table::{Table, Values};
use crate::weights::Weights;

/// A number for each row that is the same for equal cells; `None` where the cell is missing. Also the cell that each
/// number stands for.
pub(super) fn codes(values: &Values) -> (Vec<Option<u32>>, Vec<Cell>) {
    match values {
        Values::Text { levels, codes } => {
            (codes.clone(), levels.iter().map(|level| Cell::Text(level.clone())).collect())
        }
        Values::Bool(cells) => {
            let codes = cells.iter().map(|cell| cell.map(u32::from)).collect();
            (codes, vec![Cell::Flag(false), Cell::Flag(true)])
        }
        _ => {
            let mut cells = Vec::new();
            let mut places: HashMap<u64, u32, foldhash::fast::RandomState> = HashMap::default();
            let code = |row: usize| {
                // Adding zero turns -0.0 into 0.0.
                let value = values.number(row).filter(|v| !v.is_nan())? + 0.0;
                Some(*places.entry(value.to_bits()).or_insert_with(|| {
                    cells.push(number(value));
                    cells.len() as u32 - 1
                }))
            };
            ((0..values.len()).map(code).collect(), cells)
        }
    }
}

/// A number as a cell; one that is not finite is missing, because JSON has no word for it.
pub(super) fn number(value: f64) -> Cell {
    if value.is_finite() { Cell::Number(value + 0.0) } else { Cell::Missing }
}

/// The cell of a column in a row.
pub(crate) fn cell(values: &Values, row: usize) -> Cell {
    match values {
        _ if values.is_missing(row) => Cell::Missing,
        Values::Bool(cells) => cells.get(row).copied().flatten().map_or(Cell::Missing, Cell::Flag),
        Values::Text { .. } => Cell::Text(values.cell(row)),
        _ => values.number(row).map_or(Cell::Missing, number),
    }
}

/// Orders cells: numbers, then texts by the alphabet, and missing ones last.
pub(super) fn compare(a: &Cell, b: &Cell) -> Ordering {
    let value = |cell: &Cell| match cell {
        Cell::Count(n) => Some(*n as f64),
        Cell::Number(v) => Some(*v),
        Cell::Flag(flag) => Some(f64::from(u8::from(*flag))),
        Cell::Missing | Cell::Text(_) => None,
    };
    match (a, b) {
        (Cell::Missing, Cell::Missing) => Ordering::Equal,
        (Cell::Missing, _) => Ordering::Greater,
        (_, Cell::Missing) => Ordering::Less,
        (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
        (Cell::Text(_), _) => Ordering::Greater,
        (_, Cell::Text(_)) => Ordering::Less,
        (a, b) => value(a).unwrap_or(0.0).total_cmp(&value(b).unwrap_or(0.0)),
    }
}

/// The same in the other direction, with missing ones still last.
pub(super) fn compare_down(a: &Cell, b: &Cell) -> Ordering {
    match (a, b) {
        (Cell::Missing, _) | (_, Cell::Missing) => compare(a, b),
        _ => compare(b, a),
    }
}

/// Rows by group.
pub(super) struct Groups {
    /// The group of each row; `None` for rows that are not asked about.
    pub(super) of_rows: Vec<Option<u32>>,
    /// What each group is called: one cell for each column that it is made from.
    pub(super) keys: Vec<Vec<Cell>>,
}

impl Groups {
    /// All rows that are asked about as one group.
    pub(super) fn single(rows: &[bool]) -> Groups {
        Groups { of_rows: rows.iter().map(|row| row.then_some(0)).collect(), keys: vec![Vec::new()] }
    }

    /// The rows that are asked about, by the values of these columns. A missing value makes a group too.
    pub(super) fn new(rows: &[bool], columns: &[&Values]) -> Groups {
        let mut groups = Groups::single(rows);
        for values in columns {
            let (codes, cells) = codes(values);
            let mut keys: Vec<Vec<Cell>> = Vec::new();
            let mut places: HashMap<(u32, Option<u32>), u32, foldhash::fast::RandomState> =
                HashMap::default();
            for (row, group) in groups.of_rows.iter_mut().enumerate() {
                let Some(before) = *group else { continue };
                let code = codes.get(row).copied().flatten();
                *group = Some(*places.entry((before, code)).or_insert_with(|| {
                    let cell =
                        code.and_then(|code| cells.get(code as usize).cloned()).unwrap_or(Cell::Missing);
                    let mut key = groups.keys.get(before as usize).cloned().unwrap_or_default();
                    key.push(cell);
                    keys.push(key);
                    keys.len() as u32 - 1
                }));
            }
            groups.keys = keys;
        }
        groups
    }

    /// The weight of each group in steps.
    pub(super) fn weights(&self, weights: Option<&Weights>) -> Vec<u128> {
        let mut sums = vec![0u128; self.keys.len()];
        for (row, group) in self.of_rows.iter().enumerate() {
            if let Some(sum) = group.and_then(|group| sums.get_mut(group as usize)) {
                *sum += steps(weights, row);
            }
        }
        sums
    }

    /// The figures of each group: one list for each figure of the question.
    pub(super) fn figures(
        &self,
        question: &Question,
        table: &Table,
        hidden: &Hidden,
        (weights, copies): (Option<&Weights>, Option<&[f64]>),
    ) -> Vec<Vec<Cell>> {
        let sums = self.weights(weights);
        let total: u128 = sums.iter().sum();
        let figure = |(_, figure, of): (String, Figure, Option<&str>)| -> Vec<Cell> {
            let function = match figure {
                Figure::Count => return sums.iter().map(|&sum| count(weights, sum)).collect(),
                Figure::Share => return sums.iter().map(|&sum| number(share(sum, total))).collect(),
                Figure::Mean => AggregateFunction::Mean,
                Figure::Median => AggregateFunction::Median,
                Figure::Min => AggregateFunction::Min,
                Figure::Max => AggregateFunction::Max,
                Figure::Sum => AggregateFunction::Sum,
                Figure::Std => AggregateFunction::Std,
                Figure::Distinct => AggregateFunction::Distinct,
            };
            let own = |of: &str| table.column(of).map(|column| &column.values);
            let of =
                of.and_then(|of| hidden.of(of).filter(|_| figure == Figure::Distinct).or_else(|| own(of)));
            // Numbers that are too large for a figure leave it missing.
            let found = figures_of_groups(function, &self.of_rows, self.keys.len(), of, copies);
            let found = found.unwrap_or(Values::Empty(self.keys.len()));
            let cell = |group: usize| match (figure, found.number(group)) {
                (Figure::Distinct, Some(n)) if n >= 0.0 => Cell::Count(n as u64),
                (_, Some(value)) => number(value),
                (_, None) => Cell::Missing,
            };
            (0..self.keys.len()).map(cell).collect()
        };
        question.figures().into_iter().map(figure).collect()
    }
}

/// The weight of a row in steps.
pub(super) fn steps(weights: Option<&Weights>, row: usize) -> u128 {
    weights.map_or(1, |weights| weights.steps().get(row).copied().unwrap_or(0).into())
}

/// How many rows a number of steps comes to.
pub(super) fn count(weights: Option<&Weights>, steps: u128) -> Cell {
    let Some(weights) = weights else { return Cell::Count(u64::try_from(steps).unwrap_or(u64::MAX)) };
    let copies = weights.as_copies(steps);
    // A u64 holds every whole number that f64 tells apart from its neighbours.
    if copies.fract() == 0.0 && copies < 9e15 { Cell::Count(copies as u64) } else { number(copies) }
}

/// The share of a part; 0 of nothing.
pub(super) fn share(part: u128, whole: u128) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
