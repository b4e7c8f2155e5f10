//! Which answers a segment gives more often than everybody.

use super::inference::wilson;
use super::members::Members;
use super::numbers::Numbers;
use super::{Figures, Shares};
use crate::error::{Error, Result};
use crate::table::{Column, short_label};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How often a segment gives an answer, compared with all rows that have a segment. An answer is a column of 0 and 1, of true
/// and false, or of a text that is either there or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lift {
    /// The column.
    pub column: String,
    /// The column's name, cut to five words.
    pub label: String,
    /// What the column is about, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The share of all rows, of those that have a value, that give the answer.
    pub overall: f64,
    /// The same in the segment.
    pub share: f64,
    /// The lift: the share in the segment minus the overall share.
    pub lift: f64,
    /// The lower end of the share's 95 % interval by Wilson's method.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The weight of those who give an answer, and of all who have a value, by segment.
struct Given<'a> {
    column: &'a str,
    given: &'a [u128],
    totals: Vec<u128>,
    squares: Vec<f64>,
}

impl<'a> Given<'a> {
    /// Of a column, if it is an answer.
    fn of(column: &'a Column, figures: &'a Figures) -> Option<Self> {
        let column = column.name.as_str();
        match figures {
            Figures::Numbers(Numbers { ones, moments, .. }) => Some(Given {
                column,
                given: ones.as_ref()?,
                totals: moments.iter().map(|m| m.steps).collect(),
                squares: moments.iter().map(|m| m.step_squares).collect(),
            }),
            Figures::Shares(Shares { levels, counts, totals, squares, .. }) => {
                let is_box = levels.len() == 1 && levels[0] != "false";
                let truth = |level: &String| level == "true" || level == "false";
                let is_true = levels.len() == 2 && levels.iter().all(truth);
                let place = if is_box { Some(0) } else { levels.iter().position(|level| level == "true") };
                let given = counts.get(place.filter(|_| is_box || is_true)?)?;
                Some(Given { column, given, totals: totals.clone(), squares: squares.clone() })
            }
        }
    }
}

/// The answers of each segment with the largest lifts above 0, at most `most` of them. Of equal lifts, the one of the earlier
/// column comes first.
///
/// # Errors
/// None of the columns is an answer.
pub(super) fn lifts(
    columns: &[&Column],
    figures: &[Figures],
    members: &Members,
    topics: &BTreeMap<String, String>,
    most: usize,
) -> Result<Vec<Vec<Lift>>> {
    let answers: Vec<Given<'_>> =
        columns.iter().zip(figures).filter_map(|(column, figures)| Given::of(column, figures)).collect();
    if answers.is_empty() {
        let what =
            "lifts compare answers, and none of the columns that describe the segments holds 0 and 1 only";
        return Err(Error::data(what));
    }
    let of_segment = |s: usize| {
        let lift = |answer: &Given<'_>| {
            let (given, total) = (answer.given.get(s)?, answer.totals.get(s)?);
            let all: u128 = answer.totals.iter().sum();
            if *total == 0 || all == 0 {
                return None;
            }
            let share = *given as f64 / *total as f64;
            let overall = answer.given.iter().sum::<u128>() as f64 / all as f64;
            let (low, high) = wilson(share, members.worth(*total, answer.squares[s])).unwrap_or((0.0, 1.0));
            Some(Lift {
                column: answer.column.into(),
                label: short_label(answer.column),
                topic: topics.get(answer.column).cloned(),
                overall,
                share,
                lift: share - overall,
                low,
                high,
            })
        };
        let mut found: Vec<Lift> = answers.iter().filter_map(lift).filter(|one| one.lift > 0.0).collect();
        found.sort_by(|a, b| b.lift.total_cmp(&a.lift));
        found.truncate(most);
        found
    };
    Ok((0..members.k()).map(of_segment).collect())
}
