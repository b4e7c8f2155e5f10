//! Shares of a column's categories in each segment.

use super::members::Members;
use crate::table::Values;
use serde::{Deserialize, Serialize};

/// The name of the entry for the texts beyond the commonest ones.
pub const OTHER: &str = "(other)";

/// How common a category is in a segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LevelShare {
    /// The category; [`OTHER`] for all that are not among the commonest.
    pub level: String,
    /// Its share of the segment's rows that have a value.
    pub share: f64,
    /// Its share of all rows that have a value.
    pub overall: f64,
    /// The lift: the share minus the overall share.
    pub lift: f64,
    /// The lower end of the share's 95 % interval by Wilson's method.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The rows of each category of a column, by segment, in steps of weight.
pub(super) struct Shares {
    /// The categories, the commonest first; then [`OTHER`], if there are more.
    pub(super) levels: Vec<String>,
    /// The weight of each category in each segment.
    pub(super) counts: Vec<Vec<u128>>,
    /// The weight that shares are shares of, by segment.
    pub(super) totals: Vec<u128>,
    /// The sum of the squared weights of the same rows.
    pub(super) squares: Vec<f64>,
    /// How many rows of each segment have no value.
    pub(super) missing: Vec<u64>,
    /// Whether the last of `levels` is [`OTHER`].
    pub(super) pooled: bool,
}

impl Shares {
    /// Of a column of texts or booleans; `None` if it has no value in any member, or is of another type. The rarer texts
    /// are put together so that at most `top` stay.
    pub(super) fn of(values: &Values, members: &Members, top: usize) -> Option<Self> {
        let (names, code) = coded(values)?;
        let k = members.k();
        let mut all = vec![0u128; names.len()];
        let each = |segment: usize, f: &mut dyn FnMut(Option<usize>, u64)| {
            let steps = members.steps(segment);
            for (i, &row) in members.of(segment).iter().enumerate() {
                f(code(row as usize), steps.map_or(1, |s| s[i]));
            }
        };
        for segment in 0..k {
            each(segment, &mut |code, step| {
                if let Some(count) = code.and_then(|c| all.get_mut(c)) {
                    *count += u128::from(step);
                }
            });
        }
        let mut order: Vec<usize> = (0..names.len()).filter(|&level| all[level] > 0).collect();
        if order.is_empty() {
            return None;
        }
        order.sort_by(|&a, &b| all[b].cmp(&all[a]).then_with(|| names[a].cmp(&names[b])));
        // To put one category together with none would only hide its name.
        let pooled = order.len() > top.max(1) + 1;
        let shown = if pooled { top.max(1) } else { order.len() };
        let mut place = vec![shown; names.len()];
        order.iter().take(shown).enumerate().for_each(|(at, &level)| place[level] = at);
        let mut levels: Vec<String> = order[..shown].iter().map(|&level| names[level].clone()).collect();
        if pooled {
            levels.push(OTHER.into());
        }
        let mut counts = vec![vec![0u128; k]; levels.len()];
        let (mut totals, mut squares, mut missing) = (vec![0u128; k], vec![0f64; k], vec![0u64; k]);
        // A text that is the same wherever there is one is a box to tick: what tells rows apart is whether it is there.
        let box_to_tick = order.len() == 1;
        for segment in 0..k {
            each(segment, &mut |code, step| {
                missing[segment] += u64::from(code.is_none());
                if code.is_some() || box_to_tick {
                    totals[segment] += u128::from(step);
                    squares[segment] += step as f64 * step as f64;
                }
                if let Some(count) = code.and_then(|c| counts.get_mut(place[c])) {
                    count[segment] += u128::from(step);
                }
            });
        }
        Some(Shares { levels, counts, totals, squares, missing, pooled })
    }
}

/// The names of a column's categories, and the category of each row.
#[expect(clippy::type_complexity, reason = "it is one pair, used in this file")]
pub(super) fn coded(
    values: &Values,
) -> Option<(Vec<String>, Box<dyn Fn(usize) -> Option<usize> + Sync + '_>)> {
    match values {
        Values::Text { levels, codes } => {
            let code = |row: usize| codes.get(row).copied().flatten().map(|code| code as usize);
            Some((levels.clone(), Box::new(code)))
        }
        Values::Bool(cells) => {
            let code = |row: usize| cells.get(row).copied().flatten().map(usize::from);
            Some((vec!["false".into(), "true".into()], Box::new(code)))
        }
        _ => None,
    }
}
