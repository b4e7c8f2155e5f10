//! Column names: checks on them, and helpful errors for names that do not exist.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Place, Result};
use crate::table::Table;

/// Replaces empty names by `unnamed_N`, where N is the column's position counted from 1.
pub(super) fn complete(names: impl Iterator<Item = String>) -> Vec<String> {
    let name = |(i, name): (usize, String)| if name.is_empty() { format!("unnamed_{}", i + 1) } else { name };
    names.enumerate().map(name).collect()
}

/// Checks that no two columns have the same name. The error is a sentence that names the two columns.
pub(super) fn must_differ(names: &[String]) -> std::result::Result<(), String> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (i, name) in names.iter().enumerate() {
        if let Some(first) = seen.insert(name, i) {
            return Err(format!("the name {name:?} is used twice, by columns {} and {}", first + 1, i + 1));
        }
    }
    Ok(())
}

/// The words that a label keeps.
const LABEL_WORDS: usize = 5;

/// A text cut to its first five words, for places where a long answer labels something: `Analyse data to influence
/// decisions` stays, and a sixth word would be an ellipsis. White space between words becomes a single space.
pub fn short_label(text: &str) -> String {
    let mut words = text.split_whitespace();
    let first: Vec<&str> = words.by_ref().take(LABEL_WORDS).collect();
    let cut = if words.next().is_some() { "…" } else { "" };
    format!("{}{cut}", first.join(" "))
}

/// The most names that a message lists.
const LISTED: usize = 8;

/// The error for a column that does not exist, with suggestions of similar names.
pub(crate) fn missing_column(table: &Table, name: &str) -> Error {
    let names = table.columns.iter().map(|c| c.name.as_str());
    Error::at(Place::file(table.source.as_str()), no_column(name, names))
}

/// Checks that the table has all these columns.
///
/// # Errors
/// One sentence that lists all missing columns.
pub(crate) fn check_columns(table: &Table, mut wanted: Vec<&str>) -> Result<()> {
    let there: HashSet<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
    let mut seen = HashSet::new();
    wanted.retain(|name| !there.contains(name) && seen.insert(*name));
    match &wanted[..] {
        [] => Ok(()),
        [one] => Err(missing_column(table, one)),
        several => {
            let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
            let quoted: Vec<String> = several.iter().map(|name| format!("{name:?}")).collect();
            let what =
                format!("no columns are called {}; the columns are {}", quoted.join(", "), listed(&names));
            Err(Error::at(Place::file(table.source.as_str()), what))
        }
    }
}

/// The first few names, separated by commas.
fn listed(names: &[&str]) -> String {
    let more = if names.len() > LISTED { ", …" } else { "" };
    format!("{}{more}", names[..names.len().min(LISTED)].join(", "))
}

/// The sentence that says that `name` is not among `names`, with suggestions.
pub(super) fn no_column<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let close = closest(name, &names);
    if !close.is_empty() {
        return format!("no column is called {name:?}; did you mean {}?", close.join(" or "));
    }
    format!("no column is called {name:?}; the columns are {}", listed(&names))
}

/// Up to three names similar to `name`, the most similar first. Case, spaces and punctuation are ignored.
pub(crate) fn closest<'a>(name: &str, names: &[&'a str]) -> Vec<&'a str> {
    let plain = |s: &str| -> Vec<char> { s.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect() };
    let wanted = plain(name);
    let mut scored: Vec<(usize, &str)> = names
        .iter()
        .map(|&n| (distance(&wanted, &plain(n)), n))
        .filter(|&(d, n)| d <= (wanted.len() / 3).max(1) && d < n.chars().count())
        .collect();
    scored.sort();
    scored.into_iter().take(3).map(|(_, n)| n).collect()
}

/// The Levenshtein distance: how many characters must be inserted, removed or replaced to turn `a` into `b`.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// A column with one of these words in its name is taken for a key: `user_id`, `emailHash`.
const KEY_WORDS: [&str; 4] = ["id", "hash", "uuid", "email"];

/// The first word in a column's name that says that the column is a key, if there is one.
pub(crate) fn key_word(name: &str) -> Option<&'static str> {
    words(name).iter().find_map(|word| KEY_WORDS.into_iter().find(|key| key == word))
}

/// Splits a name into words in lower case, at characters other than letters and digits and at capitals: `user_id`,
/// `userId` and `User ID` all give `user` and `id`.
fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (i, &c) in chars.iter().enumerate() {
        if !c.is_alphanumeric() {
            words.push(String::new());
            continue;
        }
        let before = i.checked_sub(1).map(|b| chars[b]);
        let after_lower = before.is_some_and(|b| b.is_lowercase() || b.is_numeric());
        // In `HTTPId`, the last capital starts a new word.
        let ends_acronym =
            before.is_some_and(char::is_uppercase) && chars.get(i + 1).is_some_and(|n| n.is_lowercase());
        if c.is_uppercase() && (after_lower || ends_acronym) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|w| !w.is_empty());
    words
}
