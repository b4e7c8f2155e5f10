//! Columns as small codes, so that a search counts rows in tables of 256 places.

use super::parts::Entry;
use crate::table::{Column, Values};
use std::collections::HashMap;

/// The code of a missing cell.
pub(super) const MISSING: u8 = 255;

/// The most numbers or texts that get a code of their own.
const MOST: usize = 254;

/// How many quantiles divide a column of more numbers.
const QUANTILES: usize = 240;

/// A column of the rows that a search looks at.
#[derive(Debug)]
pub(super) struct Binned {
    /// The column's place in the table.
    pub column: usize,
    pub kind: Kind,
    /// One code for each row.
    pub codes: Vec<u8>,
}

/// What the codes stand for.
#[derive(Debug)]
pub(super) enum Kind {
    /// Code `i` is a number from `edges[i - 1]`, included, up to `edges[i]`.
    Numbers(Numbers),
    /// Code `i` is the text `levels[i]`; all rarer texts have the code after the last.
    Texts { levels: Vec<String> },
}

/// A column of numbers.
#[derive(Debug)]
pub(super) struct Numbers {
    /// Where the bins meet, in ascending order; each number belongs to the bin above it.
    pub edges: Vec<f64>,
    /// The smallest number.
    pub least: f64,
    /// Whether each number has a code of its own.
    pub exact: bool,
    /// Whether the column holds whole numbers only.
    pub whole: bool,
}

impl Kind {
    /// The number of codes that a condition can name.
    pub(super) fn bins(&self) -> usize {
        match self {
            Kind::Numbers(numbers) => numbers.edges.len() + 1,
            Kind::Texts { levels } => levels.len(),
        }
    }
}

impl Binned {
    /// Codes a column; `None` if it says nothing about the rows because all its cells are alike.
    pub(super) fn new(place: usize, column: &Column, rows: &[Entry]) -> Option<Binned> {
        let (kind, codes) = match &column.values {
            Values::Number(_) | Values::Packed { .. } => numbers(&column.values, rows),
            Values::Bool(cells) => {
                let levels = vec!["false".to_string(), "true".to_string()];
                let code = |e: &Entry| cells.get(e.row as usize).copied().flatten().map_or(MISSING, u8::from);
                (Kind::Texts { levels }, rows.iter().map(code).collect())
            }
            Values::Text { levels, codes } => texts(levels, codes, rows),
            Values::Empty(_) => return None,
        };
        let varied = codes.iter().any(|code| Some(code) != codes.first());
        varied.then_some(Binned { column: place, kind, codes })
    }
}

fn numbers(values: &Values, rows: &[Entry]) -> (Kind, Vec<u8>) {
    let cells: Vec<f64> =
        rows.iter().map(|e| values.number(e.row as usize).unwrap_or(f64::NAN) + 0.0).collect();
    let mut sorted: Vec<f64> = cells.iter().copied().filter(|v| !v.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut distinct = sorted.clone();
    distinct.dedup();
    let exact = distinct.len() <= MOST;
    let least = distinct.first().copied().unwrap_or(0.0);
    let edges = if exact { distinct.split_off(distinct.len().min(1)) } else { quantiles(&sorted, &distinct) };
    let code = |&v: &f64| if v.is_nan() { MISSING } else { edges.partition_point(|edge| *edge <= v) as u8 };
    let codes = cells.iter().map(code).collect();
    let whole = match values {
        Values::Number(all) => all.iter().all(|v| v.is_nan() || v.fract() == 0.0),
        _ => (0..values.len()).all(|row| values.number(row).is_none_or(|v| v.is_nan() || v.fract() == 0.0)),
    };
    (Kind::Numbers(Numbers { edges, least, exact, whole }), codes)
}

/// Quantiles as edges. A number that takes up several of them gets a code of its own.
fn quantiles(sorted: &[f64], distinct: &[f64]) -> Vec<f64> {
    let picked: Vec<f64> = (1..QUANTILES).map(|q| sorted[q * sorted.len() / QUANTILES]).collect();
    let next = |v: f64| distinct.get(distinct.partition_point(|d| *d <= v)).copied();
    let after = picked.windows(2).filter(|pair| pair[0] == pair[1]).filter_map(|pair| next(pair[0]));
    let mut edges: Vec<f64> = picked.iter().copied().chain(after).collect();
    edges.sort_unstable_by(f64::total_cmp);
    edges.dedup();
    // Nothing is below the smallest number.
    edges.retain(|edge| Some(edge) != distinct.first());
    edges
}

fn texts(levels: &[String], codes: &[Option<u32>], rows: &[Entry]) -> (Kind, Vec<u8>) {
    let level =
        |e: &Entry| codes.get(e.row as usize).copied().flatten().filter(|&c| (c as usize) < levels.len());
    let mut counts: HashMap<u32, u64> = HashMap::new();
    for entry in rows {
        if let Some(code) = level(entry) {
            *counts.entry(code).or_default() += entry.weight;
        }
    }
    let mut found: Vec<(u32, u64)> = counts.into_iter().collect();
    let name = |code: u32| levels[code as usize].as_str();
    found.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| name(a.0).cmp(name(b.0))));
    found.truncate(MOST);
    let place: HashMap<u32, u8> = found.iter().enumerate().map(|(i, (code, _))| (*code, i as u8)).collect();
    let other = found.len() as u8;
    let code = |e: &Entry| level(e).map_or(MISSING, |code| place.get(&code).copied().unwrap_or(other));
    let kind = Kind::Texts { levels: found.iter().map(|(code, _)| name(*code).to_string()).collect() };
    (kind, rows.iter().map(code).collect())
}

#[cfg(test)]
mod tests {
    use super::{Binned, Kind, MISSING, Numbers};
    use crate::profile::rules::parts::Entry;
    use crate::table::{Column, Values};

    fn binned(values: Values) -> Option<Binned> {
        let entry = |row| Entry { row, segment: 0, weight: 1, hash: 0, copies: 1 };
        let rows: Vec<Entry> = (0..values.len() as u32).map(entry).collect();
        Binned::new(0, &Column { name: "x".into(), values }, &rows)
    }

    #[test]
    fn each_of_a_few_numbers_has_a_code() {
        let found = binned(Values::Number(vec![3.0, -0.0, f64::NAN, 7.5, 0.0])).unwrap();
        assert_eq!(found.codes, [1, 0, MISSING, 2, 0]);
        let Kind::Numbers(Numbers { edges, exact: true, whole: false, .. }) = found.kind else { panic!() };
        assert_eq!(edges, [3.0, 7.5]);
        assert!(binned(Values::Number(vec![2.0; 9])).is_none());
        assert!(binned(Values::Number(vec![f64::NAN; 9])).is_none());
        assert!(binned(Values::Empty(9)).is_none());
        assert!(binned(Values::Number(vec![2.0, f64::NAN])).is_some(), "missing is a difference");
    }

    #[test]
    fn many_numbers_share_codes_and_a_common_one_does_not() {
        // Half of the cells are 0, and the others all differ.
        let value = |row: u32| if row.is_multiple_of(2) { 0.0 } else { f64::from(row) };
        let cells: Vec<f64> = (0..10_000).map(value).collect();
        let found = binned(Values::Number(cells.clone())).unwrap();
        let Kind::Numbers(Numbers { edges, exact: false, whole: true, .. }) = &found.kind else { panic!() };
        assert!(edges.is_sorted_by(|a, b| a < b) && (100..=240).contains(&edges.len()));
        let zeros = cells.iter().zip(&found.codes).filter(|(v, c)| (**v == 0.0) != (**c == 0)).count();
        assert_eq!(zeros, 0, "code 0 is the number 0 and nothing else");
        for (v, code) in cells.iter().zip(&found.codes) {
            let code = usize::from(*code);
            assert!((code == 0 || edges[code - 1] <= *v) && edges.get(code).is_none_or(|edge| v < edge));
        }
    }

    #[test]
    fn the_commonest_texts_have_codes() {
        let levels: Vec<String> = (0..400).map(|level| format!("t{level}")).collect();
        // The text t399 occurs most often, t0 once.
        let codes: Vec<Option<u32>> =
            (0..400).flat_map(|level| vec![Some(level); level as usize + 1]).collect();
        let found = binned(Values::Text { levels, codes }).unwrap();
        let Kind::Texts { levels } = &found.kind else { panic!() };
        assert!(levels.len() == 254 && levels[0] == "t399" && levels[253] == "t146");
        assert_eq!((found.codes[0], *found.codes.last().unwrap()), (254, 0));
        let flags = binned(Values::Bool(vec![Some(true), None, Some(false)])).unwrap();
        assert_eq!(flags.codes, [1, MISSING, 0]);
    }
}
