//! The answers to a question of a survey, by segment: of a question with one answer the shares of the answers, of a question
//! with several how many rows give each.

use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use super::answer::{Asked, SEGMENT_NAME, Wrong};
use super::groups::{codes, compare, count, number, share, steps};
use super::{Cell, SEGMENT};
use crate::recipe::no_column;
use crate::table::{Table, Values, short_label};

/// How many different answers a column may have.
const MOST_ANSWERS: usize = 100;

/// Which answers are shown, and how.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answers {
    /// Names or globs of the columns: one whose values are the answers, or columns of 0 and 1, each of which is an answer.
    pub columns: Vec<String>,
    /// The answers in their own order, all of them. If empty: numbers ascending, texts by how often they are given, and
    /// columns as they are named.
    pub order: Vec<String>,
    /// The answer whose share sorts the segments, the largest first. `None`: by their numbers.
    pub sort_by: Option<String>,
    /// Whether people are shown lifts instead of shares.
    pub lift: bool,
}

/// Answers by segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerShares {
    /// The columns that hold the answers.
    pub columns: Vec<String>,
    /// What these columns are about, if all have the same topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Whether a row may give several answers. Otherwise the shares of a segment add up to 1.
    pub multiple: bool,
    /// Whether people are shown lifts instead of shares.
    pub lift: bool,
    /// The answer whose share sorts the segments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sorted_by: Option<String>,
    /// How many rows of all segments have an answer.
    pub rows: Cell,
    /// The segments, in the order in which they are shown.
    pub segments: Vec<Answering>,
    /// The answers in their order.
    pub lines: Vec<AnswerLine>,
}

/// A segment that answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answering {
    /// Its number.
    pub segment: u32,
    /// Its name, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many of its rows have an answer.
    pub rows: Cell,
    /// How many have none.
    pub unanswered: Cell,
}

/// An answer. Its lists have a cell for each segment, in the order of [`AnswerShares::segments`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerLine {
    /// The answer.
    pub answer: String,
    /// The same, cut to five words.
    pub label: String,
    /// How many rows of all segments give it.
    pub count: Cell,
    /// Their share of the rows that have an answer.
    pub overall: Cell,
    /// How many rows of each segment give it.
    pub counts: Vec<Cell>,
    /// Their share of the segment's rows that have an answer.
    pub shares: Vec<Cell>,
    /// The lift: the share minus the overall share.
    pub lifts: Vec<Cell>,
}

/// An answer, with the weights in steps of those who give it and those who answer at all, by segment.
struct Line {
    answer: String,
    given: Vec<u128>,
    totals: Vec<u128>,
}

/// Which rows give an answer of a column that is one; `None` where there is no value.
type Ticks<'a> = Box<dyn Fn(usize) -> Option<bool> + 'a>;

impl Answers {
    /// The columns of a table that these names and globs stand for, each once.
    ///
    /// # Errors
    /// The name or glob that no column matches.
    pub(super) fn matching<'t>(&self, table: &'t Table) -> Result<Vec<&'t str>, String> {
        let mut found: Vec<&str> = Vec::new();
        for pattern in &self.columns {
            let glob = WildMatch::new(pattern);
            let exact = table.columns.iter().find(|c| c.name == *pattern);
            let all = table.columns.iter().filter(|c| exact.is_none() && glob.matches(&c.name));
            let all = all.filter(|c| c.name != SEGMENT && c.name != SEGMENT_NAME);
            let names: Vec<&str> = exact.into_iter().chain(all).map(|c| c.name.as_str()).collect();
            if names.is_empty() {
                return Err(no_column(table, &[], pattern));
            }
            let new: Vec<&str> = names.into_iter().filter(|name| !found.contains(name)).collect();
            found.extend(new);
        }
        Ok(found)
    }

    /// What is wrong with them for a table.
    pub(super) fn mistakes(&self, table: &Table, id: Option<&str>) -> Vec<Wrong> {
        let columns = match self.matching(table) {
            Ok(columns) => columns,
            Err(what) => return vec![("answers", what)],
        };
        if let Some(id) = columns.iter().find(|column| Some(**column) == id) {
            let what = format!("{id} names the rows, and answers show no single user; leave it out");
            return vec![("answers", what)];
        }
        let values = |name: &str| table.column(name).map(|c| &c.values);
        let known = match Kind::of(&columns, &values) {
            Ok(Kind::Multiple(answers)) => answers,
            Ok(Kind::Single(values)) => texts(values),
            Err(what) => return vec![("answers", what)],
        };
        let mut wrong = Vec::new();
        let unlisted = known.iter().find(|answer| !self.order.is_empty() && !self.order.contains(answer));
        if let Some(answer) = unlisted {
            wrong.push(("order", format!("{answer:?} is an answer too; list all of them in their order")));
        }
        if let Some(answer) = self.sort_by.as_ref().filter(|answer| !known.contains(answer)) {
            wrong.push((
                "sort_by",
                format!(
                    "nobody answers {answer:?}; expected an answer, such as {:?}",
                    known.first().map_or("", String::as_str)
                ),
            ));
        }
        wrong
    }
}

/// What kind of question the answers are to.
enum Kind<'t> {
    /// Each column is an answer, which is called so.
    Multiple(Vec<String>),
    /// The column's values are the answers.
    Single(&'t Values),
}

impl<'t> Kind<'t> {
    fn of(columns: &[&str], values: &dyn Fn(&str) -> Option<&'t Values>) -> Result<Self, String> {
        let all: Vec<&Values> = columns.iter().filter_map(|name| values(name)).collect();
        if let ([one], [name]) = (&all[..], columns)
            && ticks(one).is_none()
        {
            let different = codes(one).1.len();
            if different > MOST_ANSWERS {
                return Err(format!(
                    "{name} has {different} different values, and a question has at most {MOST_ANSWERS} answers; cut numbers \
                     into bands first"
                ));
            }
            return Ok(Kind::Single(one));
        }
        if let Some((name, _)) = columns.iter().zip(&all).find(|(_, values)| ticks(values).is_none()) {
            return Err(format!(
                "{name} does not hold 0 and 1 only; of several columns each has to be an answer that is given or not"
            ));
        }
        Ok(Kind::Multiple(of_one_question(columns)))
    }
}

/// The columns' names without the words up to a colon that all of them begin with.
fn of_one_question(columns: &[&str]) -> Vec<String> {
    let prefix = columns.first().and_then(|name| name.find(": ").map(|end| &name[..end + 2]));
    let prefix = prefix
        .filter(|prefix| columns.iter().all(|name| name.len() > prefix.len() && name.starts_with(prefix)));
    let cut = prefix.map_or(0, str::len);
    columns.iter().map(|name| name[cut..].to_string()).collect()
}

/// Which rows give the answer that a column is: one of 0 and 1, of true and false, or of one text that is there or not.
fn ticks(values: &Values) -> Option<Ticks<'_>> {
    match values {
        Values::Bool(cells) => Some(Box::new(|row| cells.get(row).copied().flatten())),
        Values::Text { levels, codes } if levels.len() == 1 => {
            Some(Box::new(|row| Some(codes.get(row).copied().flatten().is_some())))
        }
        Values::Text { .. } | Values::Empty(_) => None,
        _ => {
            let number = |row: usize| values.number(row).filter(|v| !v.is_nan());
            let flags = (0..values.len()).filter_map(number).all(|v| v == 0.0 || v == 1.0);
            flags.then(|| Box::new(move |row| number(row).map(|v| v == 1.0)) as Ticks<'_>)
        }
    }
}

/// The different answers of a column, as texts.
fn texts(values: &Values) -> Vec<String> {
    codes(values).1.iter().map(text).collect()
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Missing => String::new(),
        Cell::Count(n) => n.to_string(),
        Cell::Number(v) => v.to_string(),
        Cell::Flag(flag) => flag.to_string(),
        Cell::Text(text) => text.clone(),
    }
}

impl Asked<'_> {
    /// The answers by segment. Of `rows`, those stay that have a segment and an answer.
    ///
    /// # Errors
    /// Columns that do not exist or are no answers.
    pub(super) fn shares(
        &self,
        answers: &Answers,
        least: u64,
        rows: &mut [bool],
    ) -> Result<AnswerShares, Wrong> {
        let columns = answers.matching(&self.table).map_err(|what| ("answers", what))?;
        let values = |name: &str| self.table.column(name).map(|c| &c.values);
        let kind = Kind::of(&columns, &values).map_err(|what| ("answers", what))?;
        let segments = self.context.segments;
        let k = segments
            .iter()
            .flatten()
            .map(|&s| s as usize + 1)
            .max()
            .unwrap_or(0)
            .max(self.context.names.len());
        for (row, segment) in rows.iter_mut().zip(segments) {
            *row &= segment.is_some();
        }
        let asked = self.weight_by_segment(k, rows, |_| true);
        let multiple = matches!(kind, Kind::Multiple(_));
        let mut lines = match kind {
            Kind::Multiple(names) => self.of_columns(&columns, names, k, rows),
            Kind::Single(values) => self.of_values(values, k, rows),
        };
        if !answers.order.is_empty() {
            let place = |line: &Line| answers.order.iter().position(|answer| *answer == line.answer);
            let nobody = |answer: &&String| lines.iter().all(|line| line.answer != **answer);
            let answered = lines.first().map_or_else(|| vec![0; k], |line| line.totals.clone());
            let unused = answers.order.iter().filter(nobody).filter(|_| !multiple).cloned();
            let unused: Vec<Line> =
                unused.map(|answer| Line { answer, given: vec![0; k], totals: answered.clone() }).collect();
            lines.extend(unused);
            lines.sort_by_key(|line| place(line).unwrap_or(usize::MAX));
        }
        let answered = self.weight_by_segment(k, rows, |_| true);
        let mut order: Vec<usize> = (0..k).collect();
        if let Some(by) = answers.sort_by.as_ref().and_then(|by| lines.iter().find(|line| line.answer == *by))
        {
            let key = |s: usize| share(by.given[s], by.totals[s]);
            order.sort_by(|&a, &b| {
                // Segments without an answer come last.
                (by.totals[a] == 0).cmp(&(by.totals[b] == 0)).then_with(|| key(b).total_cmp(&key(a)))
            });
        }
        let weights = self.context.weights;
        let few: Vec<bool> = answered.iter().map(|&steps| self.fewer(steps, least)).collect();
        let line = |line: &Line| {
            let all = (line.given.iter().sum::<u128>(), line.totals.iter().sum::<u128>());
            let part = |(given, total): (u128, u128)| (total > 0).then(|| share(given, total));
            let overall = part(all);
            let of = |s: usize| part((line.given[s], line.totals[s])).filter(|_| !few[s]);
            let cell = |value: Option<f64>| value.map_or(Cell::Missing, number);
            AnswerLine {
                label: short_label(&line.answer),
                answer: line.answer.clone(),
                count: count(weights, all.0),
                overall: cell(overall),
                counts: order
                    .iter()
                    .map(|&s| if few[s] { Cell::Missing } else { count(weights, line.given[s]) })
                    .collect(),
                shares: order.iter().map(|&s| cell(of(s))).collect(),
                lifts: order.iter().map(|&s| cell(of(s).zip(overall).map(|(own, all)| own - all))).collect(),
            }
        };
        let topic = columns.first().and_then(|name| self.context.topics.get(*name));
        let topic =
            topic.filter(|topic| columns.iter().all(|name| self.context.topics.get(*name) == Some(topic)));
        Ok(AnswerShares {
            topic: topic.cloned(),
            multiple,
            lift: answers.lift,
            sorted_by: answers.sort_by.clone(),
            rows: count(weights, answered.iter().sum()),
            segments: order
                .iter()
                .map(|&s| Answering {
                    segment: s as u32,
                    name: self.context.names.get(s).cloned().flatten(),
                    rows: count(weights, answered[s]),
                    unanswered: count(weights, asked[s] - answered[s]),
                })
                .collect(),
            lines: lines.iter().map(line).collect(),
            columns: columns.into_iter().map(String::from).collect(),
        })
    }

    /// The weight in steps of some of the rows, by segment.
    fn weight_by_segment(&self, k: usize, rows: &[bool], holds: impl Fn(usize) -> bool) -> Vec<u128> {
        let mut sums = vec![0; k];
        for (row, segment) in self.context.segments.iter().enumerate() {
            if let Some(sum) =
                segment.and_then(|s| sums.get_mut(s as usize)).filter(|_| rows[row] && holds(row))
            {
                *sum += steps(self.context.weights, row);
            }
        }
        sums
    }

    /// A line for each column.
    fn of_columns(&self, columns: &[&str], names: Vec<String>, k: usize, rows: &mut [bool]) -> Vec<Line> {
        let mut answered = vec![false; rows.len()];
        let mut lines = Vec::new();
        for (column, answer) in columns.iter().zip(names) {
            let Some(tick) = self.table.column(column).and_then(|c| ticks(&c.values)) else { continue };
            answered.iter_mut().enumerate().for_each(|(row, there)| *there |= tick(row).is_some());
            lines.push(Line {
                answer,
                given: self.weight_by_segment(k, rows, |row| tick(row) == Some(true)),
                totals: self.weight_by_segment(k, rows, |row| tick(row).is_some()),
            });
        }
        rows.iter_mut().zip(answered).for_each(|(row, answered)| *row &= answered);
        lines
    }

    /// A line for each value that somebody has.
    fn of_values(&self, values: &Values, k: usize, rows: &mut [bool]) -> Vec<Line> {
        let (codes, cells) = codes(values);
        rows.iter_mut().zip(&codes).for_each(|(row, code)| *row &= code.is_some());
        let totals = self.weight_by_segment(k, rows, |_| true);
        let mut given = vec![vec![0u128; k]; cells.len()];
        let there = codes.iter().enumerate().filter(|(row, _)| rows[*row]);
        for (row, code) in there {
            let place = code.zip(self.context.segments[row]);
            if let Some((code, segment)) = place.filter(|(code, _)| (*code as usize) < given.len()) {
                given[code as usize][segment as usize] += steps(self.context.weights, row);
            }
        }
        let is_text = matches!(values, Values::Text { .. });
        let sum = |code: usize| given[code].iter().sum::<u128>();
        let mut order: Vec<usize> = (0..cells.len()).filter(|&code| sum(code) > 0).collect();
        order.sort_by(|&a, &b| {
            let by_count = if is_text { sum(b).cmp(&sum(a)) } else { std::cmp::Ordering::Equal };
            by_count.then_with(|| compare(&cells[a], &cells[b]))
        });
        let line = |code: usize| Line {
            answer: text(&cells[code]),
            given: given[code].clone(),
            totals: totals.clone(),
        };
        order.into_iter().map(line).collect()
    }
}
