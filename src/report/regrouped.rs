//! What merges and splits made of the segments of a fit, as text for people.

use super::figures::whole;
use super::sheet::{Kind, Sheet};
use crate::analysis::RegroupedFound;

/// A line for each segment of the fit: its number there, its rows, and what it is now.
pub fn text(found: &RegroupedFound) -> String {
    let mut sheet = Sheet::new(&[("in the fit", Kind::Number), ("rows", Kind::Number), ("now", Kind::Prose)]);
    for (number, size) in (0..).zip(&found.sizes) {
        sheet.row([number.to_string(), whole(*size), now(found, number)]);
    }
    format!(
        "the {} segments of the fit, by their numbers before merges and splits\n{}",
        found.k,
        sheet.to_text()
    )
}

/// What became of a segment of the fit.
fn now(found: &RegroupedFound, number: u32) -> String {
    if let Some(merged) = found.merged.iter().find(|merged| merged.from.contains(&number)) {
        let others = merged.from.iter().filter(|other| **other != number);
        return format!("segment {}, merged with {}", merged.to, joined(others.map(u32::to_string)));
    }
    if let Some(split) = found.split.iter().find(|split| split.from == number) {
        let Some((by, values)) = split.by.as_ref().zip(split.values.as_ref()) else {
            return format!("split into segments {}", joined(split.to.iter().map(u32::to_string)));
        };
        let parts = split.to.iter().zip(values).map(|(to, value)| match value {
            Some(value) => format!("{to} ({by} = {value})"),
            None => format!("{to} ({by} is missing)"),
        });
        return format!("split into segments {}", joined(parts));
    }
    let kept = found.kept.iter().find(|kept| kept.from == number);
    kept.map_or(String::new(), |kept| format!("segment {}", kept.to))
}

/// What merges and splits did, in words: `8 and 9 became segment 3`, `7 became segments 8 and 9`.
pub(super) fn changed(found: &RegroupedFound) -> Vec<String> {
    let merged = found.merged.iter().map(|merged| {
        format!(
            "its {} were put together as segment {}",
            joined(merged.from.iter().map(u32::to_string)),
            merged.to
        )
    });
    let split = found.split.iter().map(|split| {
        let by = split.by.as_ref().map_or_else(String::new, |by| format!(" by {by}"));
        format!(
            "its {} was split{by} into segments {}",
            split.from,
            joined(split.to.iter().map(u32::to_string))
        )
    });
    merged.chain(split).collect()
}

/// `8`, `8 and 9`, `7, 8 and 9`.
fn joined(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    match &words[..] {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
