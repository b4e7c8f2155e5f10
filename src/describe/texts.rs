//! The commonest values of a column of texts.

use serde::{Deserialize, Serialize};

/// What a column's texts are like.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TextFigures {
    /// How many characters the longest text has; 0 if there is none.
    pub longest: usize,
    /// The commonest texts, the most frequent first, and equally frequent ones in the order of the alphabet. Empty for
    /// keys: their values are nobody's business.
    pub top: Vec<Common>,
}

/// A text and how often it occurs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Common {
    /// The text.
    pub value: String,
    /// In how many rows.
    pub count: usize,
    /// Their share of the rows that have a text.
    pub share: f64,
}

/// The figures, the number of texts, and how many of them are different.
pub(super) fn figures(levels: &[String], codes: &[Option<u32>], top: usize) -> (TextFigures, usize, usize) {
    let mut counts = vec![0usize; levels.len()];
    for code in codes.iter().flatten() {
        if let Some(count) = counts.get_mut(*code as usize) {
            *count += 1;
        }
    }
    let all: usize = counts.iter().sum();
    // A step of a recipe may have left levels that no row has.
    let mut used: Vec<(usize, &String)> =
        counts.iter().copied().zip(levels).filter(|(count, _)| *count > 0).collect();
    let distinct = used.len();
    let longest = used.iter().map(|(_, level)| level.chars().count()).max().unwrap_or(0);
    let order = |a: &(usize, &String), b: &(usize, &String)| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1));
    if top < used.len() {
        if top > 0 {
            used.select_nth_unstable_by(top - 1, order);
        }
        used.truncate(top);
    }
    used.sort_unstable_by(order);
    let common = |(count, level): (usize, &String)| Common {
        value: level.clone(),
        count,
        share: count as f64 / all as f64,
    };
    (TextFigures { longest, top: used.into_iter().map(common).collect() }, all, distinct)
}
