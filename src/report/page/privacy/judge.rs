//! Decides which texts may be shown.

use super::{HIDDEN, Withheld, answers, look};
use crate::analysis::{ChartShows, Outcome, Points};
use crate::describe::Figures;
use crate::profile::{OTHER, Profile, SegmentProfile};
use crate::questions::{Cell, SEGMENT};
use crate::recipe::{Aliases, FittedAlias};
use std::collections::{BTreeMap, BTreeSet, HashSet};

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
    /// How many rows with a segment have a text, by the profile's shares, which are of weights where rows have weights.
    known: BTreeMap<(String, String), f64>,
    /// How many rows have a text, counted one by one.
    counted: BTreeMap<(String, String), f64>,
    /// How many rows each segment has.
    sizes: BTreeMap<u32, u64>,
    rare: HashSet<(String, String)>,
    ids: HashSet<(String, String)>,
    lists: usize,
    /// How many groups without a text were too small.
    small: usize,
    /// Columns whose values are ids.
    keys: HashSet<String>,
    /// How many questions for the smallest or the largest value were not answered.
    extremes: usize,
    /// How many rows are not drawn, on the map that lacks most.
    points: u64,
}

impl Judge {
    pub(super) fn new(outcome: &Outcome, aliases: &Aliases) -> Self {
        let names = |alias: &FittedAlias| {
            let names = alias.names.values().chain([&alias.other]).chain(&alias.keep);
            names.map(|name| (alias.column.clone(), name.clone())).collect::<Vec<_>>()
        };
        let made: HashSet<(String, String)> = aliases.0.iter().flat_map(names).collect();
        let mut known: BTreeMap<(String, String), f64> = BTreeMap::new();
        if let Some(profile) = &outcome.profile {
            let there = with_value(profile);
            // The overall shares are the same in every segment.
            for (column, levels) in profile.segments.first().into_iter().flat_map(|s| &s.levels.0) {
                let there = there.get(column).copied().unwrap_or(0) as f64;
                for one in levels {
                    known.insert((column.clone(), one.level.clone()), one.overall * there);
                }
            }
        }
        let mut counted: BTreeMap<(String, String), f64> = BTreeMap::new();
        for column in outcome.description.iter().flat_map(|found| &found.columns) {
            if let Figures::Texts(texts) = &column.figures {
                for one in &texts.top {
                    counted.insert((column.column.clone(), one.value.clone()), one.count as f64);
                }
            }
        }
        let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let seen = known.keys().chain(counted.keys()).cloned().chain(elsewhere(outcome));
        for (column, text) in seen.filter(|place| !made.contains(place) && place.1 != OTHER) {
            texts.entry(column).or_default().insert(text);
        }
        let codes =
            |texts: &BTreeSet<String>| look::are_codes(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        let opaque = texts.iter().filter(|(_, texts)| codes(texts)).map(|(column, _)| column.clone());
        let opaque = opaque.collect();
        // What segments were made from is a measurement, however many different values it has.
        let separation = outcome.profile.iter().flat_map(|profile| &profile.separation);
        let features: HashSet<&String> =
            separation.filter(|one| one.feature).map(|one| &one.column).collect();
        let described = outcome.description.iter().flat_map(|found| &found.columns);
        let keys = described.filter(|column| column.key && !features.contains(&column.column));
        let keys = keys.map(|column| column.column.clone()).collect();
        let sizes = outcome.segments.iter().flatten().map(|one| (one.segment, one.size)).collect();
        Judge {
            least: outcome.report.min_rows,
            rows: outcome.rows as f64,
            show: outcome.report.show.iter().cloned().collect(),
            made,
            opaque,
            known,
            counted,
            sizes,
            rare: HashSet::new(),
            ids: HashSet::new(),
            lists: 0,
            small: 0,
            keys,
            extremes: 0,
            points: 0,
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
        // The names of segments are people's words.
        let theirs = self.made.contains(&place) || column == SEGMENT;
        let code = !theirs && (self.opaque.contains(column) || look::is_id(text));
        if code {
            self.ids.insert(place);
            return true;
        }
        // A few rows of great weight would pass for many.
        let rows = self.counted.get(&place).map_or(rows, |counted| counted.min(rows));
        let rare = self.too_few(rows);
        if rare {
            self.rare.insert(place);
        }
        rare
    }

    /// The same where the number of rows does not stand beside the text. A text of which nothing is known counts as rare.
    pub(super) fn hides_unknown(&mut self, column: &str, text: &str) -> bool {
        let rows = self.rows_of(column, text);
        self.hides(column, text, rows)
    }

    /// How many rows of the table have a text at least: 1 where nobody counted them.
    pub(super) fn rows_of(&self, column: &str, text: &str) -> f64 {
        let place = (column.to_string(), text.to_string());
        self.known.get(&place).or_else(|| self.counted.get(&place)).copied().unwrap_or(1.0)
    }

    /// How many rows a segment has.
    pub(super) fn size(&self, segment: u64) -> f64 {
        u32::try_from(segment).ok().and_then(|number| self.sizes.get(&number)).map_or(0.0, |&n| n as f64)
    }

    /// Whether so many rows are too few to be spoken of. They are counted if they are. That there are none may be said.
    pub(super) fn is_rare(&mut self, rows: f64) -> bool {
        let rare = rows != 0.0 && self.too_few(rows);
        self.small += usize::from(rare);
        rare
    }

    /// Whether a group of so many rows is so small that its figures would be those of single people.
    pub(super) fn is_few(&self, rows: u64) -> bool {
        rows < self.least
    }

    /// Whether a cell of a table with so many rows is one of few rows. An empty cell tells of nobody.
    pub(super) fn is_cell(&self, rows: f64) -> bool {
        rows > 1e-6 && self.too_few(rows)
    }

    /// Whether anything is to be hidden.
    pub(super) fn guards(&self) -> bool {
        self.least > 1
    }

    /// The number of rows that may be spoken of.
    pub(super) fn least(&self) -> u64 {
        self.least
    }

    /// Whether enough of so many rows lie beyond a quantile, so that it is not the value of one of a few.
    pub(super) fn shows_quantile(&self, q: f64, rows: u64) -> bool {
        !self.guards() || !self.too_few(q.min(1.0 - q) * rows as f64)
    }

    /// Whether the segments that nothing is said about have few rows even together, so that the figures of all rows less those of
    /// the other segments tell theirs.
    pub(super) fn tells_the_rest(&self) -> bool {
        self.is_cell(self.sizes.values().filter(|&&rows| self.is_few(rows)).sum::<u64>() as f64)
    }

    /// Whether the values of a column are ids.
    pub(super) fn is_key(&self, column: &str) -> bool {
        self.guards() && self.keys.contains(column) && !self.is_to_be_shown(column)
    }

    /// Whether the recipe shows a column's texts whatever they are.
    pub(super) fn is_to_be_shown(&self, column: &str) -> bool {
        self.show.contains(column)
    }

    /// Notes that a group of few rows was taken out.
    pub(super) fn small(&mut self) {
        self.small += 1;
    }

    /// Notes that a smallest or largest value was taken out.
    pub(super) fn extreme(&mut self) {
        self.extremes += 1;
    }

    /// Notes that so many rows are not drawn on one of the maps.
    pub(super) fn undrawn(&mut self, rows: u64) {
        self.points = self.points.max(rows);
    }

    /// Notes that a list of rows was taken out.
    pub(super) fn list(&mut self) {
        self.lists += 1;
    }

    /// What was taken out.
    pub(super) fn withheld(&self) -> Withheld {
        Withheld {
            rare: self.rare.len() + self.small,
            ids: self.ids.len(),
            lists: self.lists,
            extremes: self.extremes,
            points: self.points,
        }
    }

    /// Counts are made from shares, so that a little less than a whole number is that number.
    fn too_few(&self, rows: f64) -> bool {
        // Not a number is too few as well.
        rows.is_nan() || rows + 1e-6 < self.least as f64
    }
}

/// How many rows have a value in each column that a profile describes, all segments together.
pub(super) fn with_value(profile: &Profile) -> BTreeMap<String, u64> {
    let missing = |segment: &SegmentProfile, column: &str| {
        let numbers = segment.numeric.get(column).map(|figures| figures.missing);
        numbers.or_else(|| segment.missing.get(column).copied()).unwrap_or(0)
    };
    let columns = profile.segments.iter().flat_map(|segment| {
        let numbers = segment.numeric.0.iter().map(|(column, _)| column);
        numbers.chain(segment.levels.0.iter().map(|(column, _)| column))
    });
    let columns: BTreeSet<&String> = columns.collect();
    let rows = |column: &String| {
        let there = |segment: &SegmentProfile| segment.size.saturating_sub(missing(segment, column));
        profile.segments.iter().map(there).sum()
    };
    columns.into_iter().map(|column| (column.clone(), rows(column))).collect()
}

/// The texts that stand outside the profile and the description, each with its column.
fn elsewhere(outcome: &Outcome) -> Vec<(String, String)> {
    let pair = |column: &str, text: &String| (column.to_string(), text.clone());
    let mut found: Vec<(String, String)> = outcome.questions.iter().flat_map(answers::texts).collect();
    if let Some(stability) = &outcome.stability {
        let column = stability.cohort.as_deref().unwrap_or_default();
        let cohorts = stability.cohorts.iter().filter_map(|one| one.cohort.as_ref());
        found.extend(cohorts.map(|text| pair(column, text)));
    }
    for compared in &outcome.comparisons {
        if let [column] = compared.columns.as_slice() {
            found.extend(compared.table.b.iter().map(|text| pair(column, text)));
        }
    }
    let groups = |column: &String, groups: &[Points]| {
        let labels = groups.iter().filter_map(|group| group.label.as_ref());
        labels.map(|text| pair(column, text)).collect::<Vec<_>>()
    };
    if let Some(pictures) = &outcome.pictures {
        if let Some(members) = &pictures.members {
            let pairs = |cells: &Vec<Cell>| {
                let texts = members.columns.iter().zip(cells);
                texts
                    .filter_map(|(column, cell)| match cell {
                        Cell::Text(text) => Some(pair(column, text)),
                        _ => None,
                    })
                    .collect::<Vec<_>>()
            };
            found.extend(members.rows.iter().flat_map(|member| pairs(&member.cells)));
        }
        for chart in &pictures.charts {
            match &chart.shows {
                ChartShows::Scatter { colour: Some(column), groups: points, .. } => {
                    found.extend(groups(column, points));
                }
                ChartShows::Boxes { by, boxes, .. } => {
                    found.extend(boxes.iter().map(|(text, _)| pair(by, text)));
                }
                ChartShows::Scatter { .. } | ChartShows::Curve { .. } => {}
            }
        }
    }
    found
}
