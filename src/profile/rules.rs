//! A rule in words for each segment: at most three conditions on columns of the table that tell its rows from all
//! others, such as `experience >= 15 and ctc_lpa < 40`, and how well the rule does on rows that it was not learned from.
//!
//! **Parts.** A hash of the seed and of a row's cells sends half of the rows to those that conditions are learned from, a
//! sixth to those that choose among rules, and a third to those that the chosen rule is tested on. Equal rows go
//! together, unless they are more than a fiftieth of their segment; then their copies are dealt out. So the order of
//! the rows does not matter, and a row of weight 3 is three equal rows.
//!
//! **Search.** What is maximised is the F-measure, the harmonic mean of precision (the share of the rows that meet the
//! rule and are in the segment) and coverage (the share of the segment that meets the rule; the literature calls it
//! recall). A beam search over columns in up to 256 bins finds the best rules of one, two and three conditions among up
//! to 50,000 rows, where a row of a large segment stands for several. On the sixth that chooses, each part of a rule has
//! to be worth 0.01 of the F-measure: each condition, and each of the two bounds of a range. If that sixth has fewer than
//! 30 rows of the segment, the half joins it, and a part has to be worth 0.05, or one row of the segment if that is more:
//! with a handful of rows, some range of some column always fits. Then each bound moves to its best place between two
//! values of all rows but those of the test. It becomes the number with the fewest digits there: in columns of up to 254
//! different numbers without any loss, and otherwise at a cost of at most 0.2 % of the F-measure.
//!
//! **Test.** [`Rule::coverage`] and [`Rule::precision`] are counted on all rows of the third that nothing was learned
//! from.
//!
//! Every count is a whole number, so a rule is the same to the last bit for any number of threads and on every device.

mod bins;
mod condition;
mod cut;
mod parts;
mod search;

use crate::table::{Column, Values};
use crate::weights::Weights;
use bins::{Binned, Kind, MISSING, Numbers};
use cut::Fitted;
use parts::{Entry, Parts};
use rayon::prelude::*;
use search::{Asked, Hits, Mark, Sample, search};
use serde::{Deserialize, Serialize};

pub use condition::{Condition, Range, Test};

/// The most conditions of a rule.
pub const MOST_CONDITIONS: usize = 3;

/// By how much a part of a rule has to raise the F-measure to be kept.
pub const PART_COST: f64 = 0.01;

/// About how many rows a search looks at.
const SAMPLE: usize = 50_000;

/// A table whose rows have segments.
#[derive(Debug, Clone, Copy)]
pub struct Segmented<'a> {
    /// The columns that rules may name, in the order in which equally good ones are preferred.
    pub columns: &'a [&'a Column],
    /// The segment of each row; `None` for rows that were left out. Numbers from `k` on count as `None`.
    pub segments: &'a [Option<u32>],
    /// The number of segments.
    pub k: usize,
    /// One weight for each row of the table; without them each row counts once.
    pub weights: Option<&'a Weights>,
}

/// The rule of one segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// The conditions in words, joined by `and`.
    pub text: String,
    /// The share of the segment's rows that meet the rule; `None` if the test has no row of the segment.
    pub coverage: Option<f64>,
    /// The share of the rows that meet the rule that are in the segment; `None` if no row of the test meets it.
    pub precision: Option<f64>,
    /// How far the rule can be relied on.
    pub quality: Quality,
    /// What the shares are counted from.
    pub tested: Tested,
    /// The conditions, all of which have to hold.
    pub conditions: Vec<Condition>,
}

/// The rows of the test, as sums of weights on the scale of the given ones, or as numbers of rows if there are none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// The rows of the segment.
    pub segment: f64,
    /// The rows that meet the rule.
    pub met: f64,
    /// The rows of the segment that meet the rule.
    pub both: f64,
}

/// How far a rule can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// Coverage and precision are both at least 80 %.
    Good,
    /// Both are at least 50 %.
    Fair,
    /// Coverage or precision is below 50 %: the rule does not describe the segment.
    Poor,
    /// The segment has fewer than ten rows in the test, so the shares say little. Equal rows count once, unless they are
    /// so common that they are in all parts.
    Untested,
}

/// Why a segment has no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoRule {
    /// All rows are in one segment.
    OneSegment,
    /// No row that rules are learned from is in the segment.
    NoRows,
    /// No condition on these columns tells the segment from the others well enough.
    NothingSeparates,
}

impl std::fmt::Display for NoRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            NoRule::OneSegment => "all rows are in one segment",
            NoRule::NoRows => "the segment has too few rows to learn a rule from",
            NoRule::NothingSeparates => "no simple rule tells this segment from the others",
        })
    }
}

impl Rule {
    /// Whether a row of a table meets the rule. A column that the table lacks counts as missing.
    pub fn holds<'a>(&self, column: impl Fn(&str) -> Option<&'a Values>, row: usize) -> bool {
        let nothing = Values::Empty(0);
        self.conditions.iter().all(|c| c.test.holds(column(&c.column).unwrap_or(&nothing), row))
    }

    /// The rule and its figures as a sentence: `experience >= 15 and ctc_lpa < 40: 92 % of segment 2, 88 % precise`.
    /// `segment` is what the segment is called.
    pub fn sentence(&self, segment: &str) -> String {
        let coverage = self.coverage.map(|share| format!("{} of {segment}", percent(share)));
        let precision = self.precision.map(|share| format!("{} precise", percent(share)));
        let figures: Vec<String> = coverage.into_iter().chain(precision).collect();
        let remark = match self.quality {
            Quality::Good | Quality::Fair => None,
            Quality::Poor => Some("a poor rule"),
            Quality::Untested => Some("too few rows to test it"),
        };
        let remarks: Vec<&str> = figures.iter().map(String::as_str).chain(remark).collect();
        format!("{}: {}", self.text, remarks.join(", "))
    }
}

/// `92 %`; only what is whole is 100 %, and only what is none is 0 %.
fn percent(share: f64) -> String {
    let rounded = format!("{:.0} %", 100.0 * share);
    match rounded.as_str() {
        "100 %" if share < 0.999 => format!("{:.1} %", 100.0 * share),
        "100 %" if share < 1.0 => "over 99.9 %".into(),
        "0 %" if share > 0.0 => "under 1 %".into(),
        _ => rounded,
    }
}

/// Learns a rule for each segment. The result has `k` entries.
pub fn learn(input: &Segmented<'_>, seed: u64) -> Vec<Result<Rule, NoRule>> {
    let parts = Parts::new(input, seed);
    let weights = |list: &[Entry]| {
        let mut weights = vec![0u64; input.k];
        list.iter().for_each(|e| weights[e.segment as usize] += e.weight);
        weights
    };
    let [train, check, test] = [&parts.train, &parts.check, &parts.test].map(|list| weights(list));
    let there = |segment: usize| train[segment] + check[segment] + test[segment] > 0;
    let occupied = (0..input.k).filter(|&segment| there(segment)).count();
    let mut rows = thinned(&parts.train, input.k, SAMPLE * 3 / 4);
    let learned_from = rows.len();
    rows.extend(thinned(&parts.check, input.k, SAMPLE / 4));
    let columns: Vec<Binned> = (input.columns.par_iter().enumerate())
        .filter_map(|(place, column)| Binned::new(place, column, &rows))
        .collect();
    let sample = Sample {
        columns: &columns,
        segments: &rows.iter().map(|e| e.segment).collect::<Vec<_>>(),
        weights: &rows.iter().map(|e| e.weight).collect::<Vec<_>>(),
        copies: &rows.iter().map(|e| e.copies).collect::<Vec<_>>(),
        train: learned_from,
    };
    let of_segment = |segment: usize| {
        if occupied < 2 {
            return Err(if there(segment) { NoRule::OneSegment } else { NoRule::NoRows });
        }
        if train[segment] == 0 {
            return Err(NoRule::NoRows);
        }
        let asked = search(&sample, segment as u32);
        if asked.is_empty() {
            return Err(NoRule::NothingSeparates);
        }
        let values: Vec<&Values> =
            asked.iter().map(|(c, _)| &input.columns[columns[*c].column].values).collect();
        let fitted = Fitted { parts: [&parts.train, &parts.check], segment: segment as u32, values: &values };
        let conditions = conditions(input, &columns, &asked, &fitted);
        Ok(tested(conditions, &values, &parts, segment as u32, test[segment]))
    };
    (0..input.k).into_par_iter().map(of_segment).collect()
}

/// A sample of rows in which no segment has many more rows than its share of `most`. A row that stands for others has
/// their weight. Which rows are taken depends on their hashes alone.
fn thinned(rows: &[Entry], k: usize, most: usize) -> Vec<Entry> {
    let mut counts = vec![0usize; k];
    rows.iter().filter(|e| e.copies == 1).for_each(|e| counts[e.segment as usize] += 1);
    let share = (most / counts.iter().filter(|n| **n > 0).count().max(1)).max(1);
    let stands_for =
        |e: &Entry| if e.copies > 1 { 1 } else { counts[e.segment as usize].div_ceil(share).max(1) as u64 };
    // The parts were chosen by the remainder of 6.
    let taken = rows.iter().filter(|e| (e.hash / 6).is_multiple_of(stands_for(e)));
    taken.map(|e| Entry { weight: e.weight * stands_for(e), ..*e }).collect()
}

/// The conditions that a search found, with their bounds moved to the best places.
fn conditions(
    input: &Segmented<'_>,
    columns: &[Binned],
    asked: &[Asked],
    fitted: &Fitted<'_>,
) -> Vec<Condition> {
    let condition = |&(column, mark): &Asked| {
        let binned = &columns[column];
        let test = match (&binned.kind, mark) {
            (Kind::Numbers(numbers), Mark::Range(low, high)) => {
                let edge = |i: u8| usize::from(i).checked_sub(1).and_then(|i| numbers.edges.get(i)).copied();
                Test::Range(Range { at_least: edge(low), below: edge(high), whole: numbers.whole })
            }
            (Kind::Texts { levels }, Mark::Is(level)) if level != MISSING => {
                Test::Is(levels[usize::from(level)].clone())
            }
            (Kind::Texts { levels }, Mark::IsNot(level)) if level != MISSING => {
                Test::IsNot(levels[usize::from(level)].clone())
            }
            (_, mark) => Test::Missing(mark == Mark::Is(MISSING)),
        };
        Condition { column: input.columns[binned.column].name.clone(), test }
    };
    let mut found: Vec<Condition> = asked.iter().map(condition).collect();
    let numbers = |&(column, _): &Asked| match &columns[column].kind {
        Kind::Numbers(numbers) => Some(numbers),
        Kind::Texts { .. } => None,
    };
    let numbers: Vec<Option<&Numbers>> = asked.iter().map(numbers).collect();
    fitted.refine(&mut found, &numbers);
    for (condition, numbers) in found.iter_mut().zip(numbers) {
        if let (Test::Range(range), Some(numbers)) = (&mut condition.test, numbers) {
            *range = single(*range, numbers);
        }
    }
    found
}

/// A count below 1 is 0, and a flag from 1 on is 1; then the range reads `x = 0` or `x = 1`.
fn single(range: Range, numbers: &Numbers) -> Range {
    let counts = numbers.whole && numbers.least == 0.0;
    let flag = counts && numbers.exact && numbers.edges == [1.0];
    match (range.at_least, range.below) {
        (None, Some(1.0)) if counts => Range { at_least: Some(0.0), ..range },
        (Some(1.0), None) if flag => Range { below: Some(2.0), ..range },
        _ => range,
    }
}

/// The rule with what the test says about it.
fn tested(conditions: Vec<Condition>, values: &[&Values], parts: &Parts, segment: u32, weight: u64) -> Rule {
    let holds = |row: usize| conditions.iter().zip(values).all(|(c, values)| c.test.holds(values, row));
    let mut hits = Hits::default();
    let mut rows = 0u32;
    for entry in &parts.test {
        rows = rows.saturating_add(if entry.segment == segment { entry.copies } else { 0 });
        if holds(entry.row as usize) {
            hits.all += entry.weight;
            hits.own += if entry.segment == segment { entry.weight } else { 0 };
        }
    }
    let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    let (coverage, precision) = (share(hits.own, weight), share(hits.own, hits.all));
    let least = coverage.unwrap_or(0.0).min(precision.unwrap_or(0.0));
    let quality = match () {
        () if rows < 10 => Quality::Untested,
        () if least >= 0.8 => Quality::Good,
        () if least >= 0.5 => Quality::Fair,
        () => Quality::Poor,
    };
    let given = |weight: u64| weight as f64 * parts.unit;
    Rule {
        text: conditions.iter().map(Condition::to_string).collect::<Vec<_>>().join(" and "),
        coverage,
        precision,
        quality,
        tested: Tested { segment: given(weight), met: given(hits.all), both: given(hits.own) },
        conditions,
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn only_all_is_a_hundred_percent() {
        for (share, expected) in [
            (1.0, "100 %"),
            (0.9996, "over 99.9 %"),
            (0.9986, "99.9 %"),
            (0.996, "99.6 %"),
            (0.994, "99 %"),
            (0.92, "92 %"),
            (0.004, "under 1 %"),
            (0.0, "0 %"),
        ] {
            assert_eq!(percent(share), expected);
        }
    }
}
