//! Decides which texts may be shown.

use super::{HIDDEN, Withheld, look};
use crate::analysis::Outcome;
use crate::describe::Figures;
use crate::profile::OTHER;
use crate::recipe::{Aliases, FittedAlias};
use std::collections::{BTreeMap, HashSet};

/// What is known of a table's texts, and what was decided.
pub(super) struct Judge {
    /// A text of fewer rows is not shown.
    least: u64,
    /// The number of rows.
    rows: f64,
    /// Columns whose texts are shown whatever they are.
    show: HashSet<String>,
    /// The names that the recipe gave to texts, by column.
    made: HashSet<(String, String)>,
    /// Columns most of whose texts look like codes that no person reads.
    opaque: HashSet<String>,
    /// How many rows have a text at most, where that is known.
    known: BTreeMap<(String, String), f64>,
    rare: HashSet<(String, String)>,
    ids: HashSet<(String, String)>,
    lists: usize,
    /// How many groups without a text were too small.
    small: usize,
}

impl Judge {
    pub(super) fn new(outcome: &Outcome, aliases: &Aliases) -> Self {
        let names = |alias: &FittedAlias| {
            let names = alias.names.values().chain([&alias.other]).chain(&alias.keep);
            names.map(|name| (alias.column.clone(), name.clone())).collect::<Vec<_>>()
        };
        let made: HashSet<(String, String)> = aliases.0.iter().flat_map(names).collect();
        let mut known: BTreeMap<(String, String), f64> = BTreeMap::new();
        let mut learn = |column: &str, text: &str, rows: f64| {
            let of = known.entry((column.into(), text.into())).or_insert(0.0);
            *of = of.max(rows);
        };
        for column in outcome.description.iter().flat_map(|found| &found.columns) {
            if let Figures::Texts(texts) = &column.figures {
                texts.top.iter().for_each(|one| learn(&column.column, &one.value, one.count as f64));
            }
        }
        if let Some(profile) = &outcome.profile {
            let total: u64 = profile.segments.iter().map(|segment| segment.size).sum();
            // The overall shares are the same in every segment.
            for (column, levels) in profile.segments.first().into_iter().flat_map(|s| &s.levels.0) {
                let missing =
                    |s: &crate::profile::SegmentProfile| s.missing.get(column).copied().unwrap_or(0);
                let there = total.saturating_sub(profile.segments.iter().map(missing).sum());
                levels.iter().for_each(|one| learn(column, &one.level, one.overall * there as f64));
            }
        }
        let mut texts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let found = known.keys().filter(|place| !made.contains(place));
        found.for_each(|(column, text)| texts.entry(column).or_default().push(text));
        let opaque =
            texts.iter().filter(|(_, texts)| look::are_codes(texts)).map(|(column, _)| (*column).into());
        let opaque = opaque.collect();
        Judge {
            least: outcome.report.min_rows,
            rows: outcome.rows as f64,
            show: outcome.report.show.iter().cloned().collect(),
            made,
            opaque,
            known,
            rare: HashSet::new(),
            ids: HashSet::new(),
            lists: 0,
            small: 0,
        }
    }

    /// How many rows the table has.
    pub(super) fn rows(&self) -> f64 {
        self.rows
    }

    /// Whether a text of a column that so many rows have is not shown. It is counted if it is not.
    pub(super) fn hides(&mut self, column: &str, text: &str, rows: f64) -> bool {
        if self.show.contains(column) || text == OTHER || text == HIDDEN || matches!(text, "true" | "false") {
            return false;
        }
        let place = (column.to_string(), text.to_string());
        let code = !self.made.contains(&place) && (self.opaque.contains(column) || look::is_id(text));
        if code {
            self.ids.insert(place);
            return true;
        }
        let rare = self.too_few(rows);
        if rare {
            self.rare.insert(place);
        }
        rare
    }

    /// The same where the number of rows does not stand beside the text. A text of which nothing is known counts as rare.
    pub(super) fn hides_unknown(&mut self, column: &str, text: &str) -> bool {
        let rows = self.known.get(&(column.to_string(), text.to_string())).copied().unwrap_or(0.0);
        self.hides(column, text, rows)
    }

    /// Whether so many rows are too few to be spoken of. They are counted if they are.
    pub(super) fn is_rare(&mut self, rows: f64) -> bool {
        let rare = self.too_few(rows);
        self.small += usize::from(rare);
        rare
    }

    /// Whether a group of so many rows is so small that its figures would be those of single people.
    pub(super) fn is_few(&self, rows: u64) -> bool {
        rows < self.least
    }

    /// Notes that a list of rows was taken out.
    pub(super) fn list(&mut self) {
        self.lists += 1;
    }

    /// What was taken out.
    pub(super) fn withheld(&self) -> Withheld {
        Withheld { rare: self.rare.len() + self.small, ids: self.ids.len(), lists: self.lists }
    }

    /// Counts are made from shares, so that a little less than a whole number is that number.
    fn too_few(&self, rows: f64) -> bool {
        // Not a number is too few as well.
        !(rows + 1e-6 >= self.least as f64)
    }
}
