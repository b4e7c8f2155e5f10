//! One section for each segment: who they are, what sets them apart, and in what figures.

use super::answer::profile_of;
use crate::analysis::Segment;
use crate::profile::rules::{Condition, Quality, Test};
use crate::profile::{LevelShare, Measure, NumericFigures, SegmentProfile, Separation, Trait};
use crate::questions::Cell;
use crate::report::chart::{Axis, BoxRow, Boxes, DataTable, Datum, Paint, Paired, PairedLine, Unit};
use crate::report::figures::{among, brief, percent, score, whole};
use crate::report::page::content::{Block, Fact, Figure, Section, Table};
use crate::report::page::facts::Facts;
use crate::table::short_label;
use std::collections::BTreeSet;

/// How many traits a segment's section lists.
const TRAITS: usize = 8;
/// How many categories of one column are among them.
const LEVELS_OF_A_TRAIT: usize = 2;
/// How many columns its table has before the rest is folded.
const COLUMNS: usize = 12;
/// How many columns its tables have at all.
const MOST_COLUMNS: usize = 60;
/// How many box plots it has.
const BOXES: usize = 4;
/// How many categories of a column are listed.
const LEVELS: usize = 5;
/// How many columns of categories are listed.
const CATEGORIES: usize = 6;
/// How many segments have a section.
const MOST_SEGMENTS: usize = 40;

/// The sections, by the segments' numbers.
pub fn sections(facts: &Facts<'_>) -> Vec<Section> {
    let segments = facts.outcome.segments.iter().flatten().take(MOST_SEGMENTS);
    segments.map(|segment| section(facts, segment)).collect()
}

fn section(facts: &Facts<'_>, segment: &Segment) -> Section {
    let key = facts.segment(segment.segment);
    let mut blocks = Vec::new();
    let profile = profile_of(facts, segment.segment);
    blocks.push(Block::Facts(figures(facts, segment, profile)));
    if let Some(profile) = profile {
        blocks.extend(traits(facts, profile));
        blocks.extend(lifts(facts, profile));
        blocks.extend(numbers(facts, profile));
        blocks.extend(boxes(facts, segment.segment));
        blocks.extend(typical(facts, segment.segment));
        blocks.extend(categories(profile));
    }
    let persona = segment.persona.as_ref();
    if let Some(actions) = persona.map(|persona| &persona.actions).filter(|actions| !actions.is_empty()) {
        blocks.push(Block::Heading("What to do for them".into()));
        blocks.push(Block::List(actions.clone()));
    }
    let described = || profile.map(|of| format!("Compared with the others: {}.", of.description));
    Section {
        id: Facts::section_of(segment.segment),
        title: key.label,
        lead: persona.and_then(|persona| persona.summary.clone()).or_else(described),
        paint: Some(key.paint),
        blocks,
    }
}

/// A trait as a few words with its figures: `ctc_lpa: 31.2 on average, 22.7 in all rows`, `role: Analyst for 12 %, 3 % of all rows`.
pub(super) fn trait_in_words(facts: &Facts<'_>, one: &Trait) -> String {
    let column = short_label(&one.column);
    match (&one.level, one.measure) {
        (Some(level), _) if level != "true" => {
            let (here, all) = (percent(one.value), percent(one.overall));
            format!("{column} = {}: {here} here, {all} of all rows", short_label(level))
        }
        (_, Measure::Share) => {
            format!("{column}: {} here, {} of all rows", percent(one.value), percent(one.overall))
        }
        (_, Measure::Mean) => {
            let (spread, unit) = (spread(facts, &one.column), facts.unit(&one.column));
            let written =
                |value: f64| if unit == Unit::Year { unit.format(value) } else { among(value, spread) };
            let (here, all) = (written(one.value), written(one.overall));
            format!("{column}: {here} on average, {all} in all rows")
        }
    }
}

/// A segment's rule and what its two shares mean; `None` without a rule that can be relied on.
pub(super) fn rule_in_words(facts: &Facts<'_>, profile: &SegmentProfile) -> Option<String> {
    let rule = profile.rule.as_ref()?;
    if rule.quality == Quality::Poor {
        return None;
    }
    let tested = match rule.quality {
        Quality::Untested => "; there are too few rows to test it on others than those it was learned from",
        _ => ", tested on rows it was not learned from",
    };
    let (coverage, precision) = (rule.coverage?, rule.precision?);
    let conditions: Vec<String> = rule.conditions.iter().map(|one| condition_in_words(facts, one)).collect();
    Some(format!(
        "The rule: {}. It finds {} of the segment, and {} of the rows it finds are in the segment{tested}.",
        conditions.join(", and "),
        percent(coverage),
        percent(precision)
    ))
}

/// A condition as people say it: `experience at least 10 and below 15`, `role is Analyst`, `uses Python: yes`.
fn condition_in_words(facts: &Facts<'_>, condition: &Condition) -> String {
    let column = &condition.column;
    let mut separation = facts.outcome.profile.iter().flat_map(|profile| &profile.separation);
    // A column of 0 and 1 is a question with yes or no.
    let flag = separation.any(|one| one.column == *column && one.measure == Measure::Share);
    match &condition.test {
        Test::Range(range) if flag => match range.at_least.is_some_and(|least| least > 0.0) {
            true => format!("{column}: yes"),
            false => format!("{column}: no"),
        },
        Test::Range(range) => match (range.at_least, range.below) {
            // Answers of 0 and 1 are cut halfway.
            (Some(least), None) => format!("{column} at least {}", brief(least)),
            (None, Some(below)) => format!("{column} below {}", brief(below)),
            (Some(least), Some(below)) => {
                format!("{column} at least {} and below {}", brief(least), brief(below))
            }
            (None, None) => format!("{column} has a value"),
        },
        Test::Is(text) => format!("{column} is {text}"),
        Test::IsNot(text) => format!("{column} is not {text}"),
        Test::Missing(true) => format!("{column} is missing"),
        Test::Missing(false) => format!("{column} has a value"),
    }
}

/// How far a column's numbers spread, which decides how many digits are shown.
fn spread(facts: &Facts<'_>, column: &str) -> f64 {
    let Some(figures) = facts.outcome.profile.as_ref().and_then(|p| p.overall.get(column)) else {
        return 0.0;
    };
    let quartiles = figures.q3.zip(figures.q1).map(|(q3, q1)| q3 - q1).filter(|range| *range > 0.0);
    quartiles.or(figures.sd).unwrap_or(0.0)
}

fn figures(facts: &Facts<'_>, segment: &Segment, profile: Option<&SegmentProfile>) -> Vec<Fact> {
    let fact = |name: &str, value: String, note: Option<&str>| Fact {
        name: name.into(),
        value,
        note: note.map(String::from),
    };
    let size = format!("{} rows, {} of all", whole(segment.size), percent(segment.share));
    let mut list = vec![fact("Size", size, None)];
    let held = facts.outcome.stability.as_ref();
    let held = held.and_then(|found| found.segments.iter().find(|one| one.segment == segment.segment));
    if let Some((jaccard, reading)) = held.and_then(|one| one.jaccard.zip(one.reading.as_ref())) {
        let note = "how much of it comes back, on average, when rows are drawn again; 1 is all of it";
        list.push(fact("Stability", format!("{reading} ({})", score(jaccard)), Some(note)));
    }
    let Some(profile) = profile else { return list };
    match (rule_in_words(facts, profile), &profile.no_rule) {
        (Some(rule), _) => list.push(fact("How to recognise them", rule, None)),
        (None, Some(why)) => list.push(fact("How to recognise them", format!("{why}."), None)),
        (None, None) if profile.rule.is_some() => {
            list.push(fact("How to recognise them", "No short rule tells them apart well.".into(), None));
        }
        (None, None) => {}
    }
    if let Some(in_doubt) = profile.in_doubt.filter(|&in_doubt| in_doubt > 0 && profile.size > 0) {
        let share = percent(in_doubt as f64 / profile.size as f64);
        list.push(fact("In doubt", format!("{share} lie nearly as near to another segment"), None));
    }
    list
}

fn traits(facts: &Facts<'_>, profile: &SegmentProfile) -> Vec<Block> {
    if profile.traits.is_empty() {
        return Vec::new();
    }
    let place = |i: usize| {
        profile.traits[..i].iter().filter(|other| other.column == profile.traits[i].column).count()
    };
    let few = |(i, _): &(usize, &Trait)| place(*i) < LEVELS_OF_A_TRAIT;
    let shown = profile.traits.iter().enumerate().filter(few).map(|(_, one)| one).take(TRAITS);
    let list = shown.map(|one| trait_in_words(facts, one)).collect();
    let note = "The strongest differences from the rest, the largest first. Differences that may be chance are left out.";
    vec![Block::Heading("What sets them apart".into()), Block::List(list), Block::Note(note.into())]
}

fn lifts(facts: &Facts<'_>, profile: &SegmentProfile) -> Option<Block> {
    if profile.lifts.is_empty() {
        return None;
    }
    let all = facts.outcome.profile.iter().flat_map(|p| &p.segments).flat_map(|s| &s.lifts);
    let groups: Vec<String> =
        all.filter_map(|lift| lift.topic.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let lines = profile.lifts.iter().map(|lift| {
        let group = lift.topic.as_ref().and_then(|topic| groups.iter().position(|one| one == topic));
        PairedLine {
            label: lift.label.clone(),
            paint: group.map_or(Paint::Plain, Paint::Group),
            overall: lift.overall,
            share: lift.share,
        }
    });
    let chart = Paired {
        left: "all rows".into(),
        right: "more or less in this segment".into(),
        lines: lines.collect(),
        groups: groups.clone(),
    };
    let id = format!("lifts-{}", profile.segment);
    let desc = "For each answer, the share of all rows that give it, and by how much that share is higher in this segment.";
    let figure = Figure::new(id, "Which answers they give more often than all", desc, &chart);
    let note = "Left: how common the answer is among all. Right: its lift, the share in the segment minus that share, in percentage points.";
    Some(Block::Chart(figure.with_note(note)))
}

fn numbers(facts: &Facts<'_>, profile: &SegmentProfile) -> Vec<Block> {
    let Some(all) = facts.outcome.profile.as_ref() else { return Vec::new() };
    let titles =
        ["column", "mean here", "95 % interval", "mean of all rows", "median here", "median of all rows"];
    let columns: Vec<(String, bool)> =
        titles.iter().enumerate().map(|(i, title)| ((*title).to_string(), i > 0)).collect();
    let line = |separation: &Separation| -> Option<Vec<Datum>> {
        let column = &separation.column;
        let (here, overall) = (profile.numeric.get(column)?, all.overall.get(column)?);
        // The mean of a column of 0 and 1 is the share of ones, and its median says nothing.
        let share = separation.measure == Measure::Share;
        let spread = spread(facts, column);
        let unit = facts.unit(column);
        let written = |value: f64| match unit {
            _ if share => percent(value),
            Unit::Year => unit.format(value),
            _ => among(value, spread),
        };
        let show = |value: Option<f64>| {
            value.map_or_else(Datum::missing, |value| Datum::number(value, written(value)))
        };
        let middle = |value: Option<f64>| show(value.filter(|_| !share));
        let interval = here.low.zip(here.high);
        let interval = interval.map_or_else(Datum::missing, |(low, high)| {
            Datum::text(format!("{} to {}", written(low), written(high)))
        });
        let NumericFigures { mean, median, .. } = *here;
        let name = Datum::text(short_label(column));
        Some(vec![name, show(mean), interval, show(overall.mean), middle(median), middle(overall.median)])
    };
    let lines: Vec<Vec<Datum>> = all.separation.iter().filter_map(line).take(MOST_COLUMNS).collect();
    if lines.is_empty() {
        return Vec::new();
    }
    let table = |id: String, caption: &str, rows: &[Vec<Datum>]| {
        let data = DataTable { columns: columns.clone(), rows: rows.to_vec() };
        Block::Table(Table { id, caption: caption.into(), note: None, data })
    };
    let (first, rest) = lines.split_at(lines.len().min(COLUMNS));
    let id = format!("numbers-{}", profile.segment);
    let caption =
        "Its numbers beside those of all rows; columns that differ most between segments come first";
    let mut blocks = vec![Block::Heading("In figures".into()), table(id.clone(), caption, first)];
    if !rest.is_empty() {
        let more = table(format!("{id}-more"), "More columns", rest);
        blocks.push(Block::Details(format!("{} more columns", rest.len()), vec![more]));
    }
    blocks
}

fn boxes(facts: &Facts<'_>, segment: u32) -> Option<Block> {
    let pictures = facts.outcome.pictures.as_ref()?;
    let figures = pictures.distributions.iter().take(BOXES).filter_map(|one| {
        let row = |label: String, paint: Paint, shape: &crate::analysis::Shape| {
            let [low, q1, median, q3, high] = shape.quantiles?;
            Some(BoxRow { label, paint, count: shape.count, low, q1, median, q3, high, mean: shape.mean })
        };
        let key = facts.segment(segment);
        let own = row(key.label, key.paint, one.segments.get(segment as usize)?)?;
        let all = row("all rows".into(), Paint::Whole, &one.all)?;
        let unit = facts.unit(&one.column);
        let axis = Axis { title: one.column.clone(), unit, log: one.log, ..Axis::default() };
        let chart = Boxes { axis, what: "rows".into(), rows: vec![own, all] };
        let place = pictures.distributions.iter().position(|other| other.column == one.column)?;
        let id = format!("boxes-{segment}-{place}");
        let desc = "Two box plots over the same axis: the values of this segment, and those of all rows.";
        Some(Figure::new(id, short_label(&one.column), desc, &chart))
    });
    let figures: Vec<Figure> = figures.collect();
    (!figures.is_empty()).then_some(Block::Charts(figures))
}

/// The rows nearest to the middle of the segment, without their ids.
fn typical(facts: &Facts<'_>, segment: u32) -> Vec<Block> {
    let Some(found) = facts.outcome.pictures.as_ref().and_then(|pictures| pictures.members.as_ref()) else {
        return Vec::new();
    };
    let written = |(column, cell): (&String, &Cell)| match cell {
        Cell::Missing => Datum::missing(),
        Cell::Number(value) if facts.unit(column) == Unit::Year => {
            Datum::number(*value, Unit::Year.format(*value))
        }
        Cell::Number(value) => Datum::number(*value, among(*value, spread(facts, column))),
        Cell::Count(n) => Datum::number(*n as f64, whole(*n)),
        Cell::Flag(flag) => Datum::text(if *flag { "yes" } else { "no" }),
        Cell::Text(text) => Datum::text(short_label(text)),
    };
    let own: Vec<_> = found.rows.iter().filter(|row| row.segment == segment).collect();
    if own.is_empty() {
        return Vec::new();
    }
    let line = |(place, column): (usize, &String)| {
        let cells = own
            .iter()
            .map(|row| row.cells.get(place).map_or_else(Datum::missing, |cell| written((column, cell))));
        std::iter::once(Datum::text(short_label(column))).chain(cells).collect::<Vec<Datum>>()
    };
    let rows: Vec<Vec<Datum>> = found.columns.iter().enumerate().map(line).collect();
    let members = (1..=own.len()).map(|n| (format!("member {n}"), true));
    let table = Table {
        id: format!("typical-{segment}"),
        caption: "Typical members: the rows nearest to the middle of the segment".into(),
        note: None,
        data: DataTable { columns: std::iter::once(("column".into(), false)).chain(members).collect(), rows },
    };
    vec![Block::Table(table)]
}

fn categories(profile: &SegmentProfile) -> Vec<Block> {
    let columns = [("column", false), ("value", false), ("share here", true), ("share of all rows", true)];
    let rows = profile.levels.0.iter().take(CATEGORIES).flat_map(|(column, levels)| {
        let mut largest: Vec<&LevelShare> = levels.iter().collect();
        largest.sort_by(|a, b| b.share.total_cmp(&a.share));
        let line = move |level: &LevelShare| {
            vec![
                Datum::text(short_label(column)),
                Datum::text(short_label(&level.level)),
                Datum::number(level.share, Unit::Share.format(level.share)),
                Datum::number(level.overall, Unit::Share.format(level.overall)),
            ]
        };
        largest.into_iter().take(LEVELS).map(line).collect::<Vec<_>>()
    });
    let rows: Vec<Vec<Datum>> = rows.collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let columns = columns.map(|(title, number)| (title.to_string(), number)).to_vec();
    let data = DataTable { columns, rows };
    let caption = format!("The {LEVELS} commonest values of each column of categories");
    let id = format!("categories-{}", profile.segment);
    vec![Block::Table(Table { id, caption, note: None, data })]
}
