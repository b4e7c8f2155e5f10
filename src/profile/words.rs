//! A segment in one line, made from its strongest traits.

use super::{Measure, Trait};

/// How many traits a description names.
pub const NAMED: usize = 3;

/// Describes a segment by its strongest traits: `high pay, low experience, mostly city = Pune`.
pub fn describe(traits: &[Trait]) -> String {
    if traits.is_empty() {
        return "close to the average in every column".into();
    }
    strongest(traits, NAMED).into_iter().map(phrase).collect::<Vec<_>>().join(", ")
}

/// The first `n` of sorted traits, each of another column: a further category of the same column says less.
pub fn strongest(traits: &[Trait], n: usize) -> Vec<&Trait> {
    let mut named: Vec<&Trait> = Vec::new();
    for one in traits {
        if named.len() < n && named.iter().all(|other| other.column != one.column) {
            // What a segment is says more than what it is not.
            let positive = |other: &&Trait| {
                other.column == one.column && other.effect > 0.0 && 2.0 * other.effect >= one.effect.abs()
            };
            named.push(traits.iter().find(positive).unwrap_or(one));
        }
    }
    named
}

/// A trait in words.
pub fn phrase(one: &Trait) -> String {
    let Trait { column, level, value, effect, .. } = one;
    if one.measure == Measure::Mean {
        let degree = match effect.abs() {
            size if size >= 1.5 => "very ",
            size if size >= 0.5 => "",
            _ => "rather ",
        };
        let way = if *effect > 0.0 { "high" } else { "low" };
        return format!("{degree}{way} {column}");
    }
    let how = match (*effect > 0.0, *value) {
        (true, 1.0) => "always",
        (true, share) if share >= 0.95 => "nearly always",
        (true, share) if share >= 0.5 => "mostly",
        (true, _) => "more often",
        (false, 0.0) => "never",
        (false, share) if share <= 0.05 => "hardly ever",
        (false, _) => "less often",
    };
    match level {
        None => format!("{how} {column}"),
        // The column's name is the statement that is true.
        Some(level) if level == "true" => format!("{how} {column}"),
        Some(level) => format!("{how} {column} = {level}"),
    }
}
