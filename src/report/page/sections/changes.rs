//! What changed since the last fit.

use super::parts::{CELLS, axis, capital, chart, datum, plain, table};
use crate::analysis::{DriftSince, Migration, SegmentChange, State};
use crate::evidence::psi::{Change, MAJOR, MODERATE};
use crate::model::Middle;
use crate::report::changes::{answers, matters};
use crate::report::chart::{Bar, Bars, Datum, Heatmap, Paint, Shading, Unit};
use crate::report::figures::whole;
use crate::report::page::content::{Block, Fact, Figure, Section};
use crate::report::page::facts::Facts;

/// How many columns have a bar.
const COLUMNS: usize = 25;
/// How many changes are listed of each segment.
const NAMED: usize = 3;

/// The section, if the fit started from an earlier model.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let outcome = facts.outcome;
    if outcome.migration.is_none() && outcome.changes.is_empty() && outcome.drift.is_none() {
        return None;
    }
    let mut blocks = Vec::new();
    let sentences = answers(outcome.migration.as_ref(), &outcome.changes, &names(facts));
    if !sentences.is_empty() {
        let one = |line: &String| {
            let text = capital(line);
            if text.ends_with('.') { text } else { format!("{text}.") }
        };
        blocks.push(Block::List(sentences.iter().map(one).collect()));
    }
    if let Some(found) = &outcome.migration {
        blocks.extend(moves(facts, found));
    }
    blocks.extend(segments(facts, &outcome.changes));
    if let Some(found) = outcome.drift.as_ref().filter(|found| !found.columns.is_empty()) {
        blocks.extend(drift(found));
    }
    let from = outcome.migration.as_ref().map(|found| found.from.as_str()).filter(|from| !from.is_empty());
    let lead = from
        .map(|from| format!("The fit started from the segments of {from}, so that numbers mean the same."));
    Some(Section {
        id: "changes".into(),
        title: "What changed since last time".into(),
        lead,
        paint: None,
        blocks,
    })
}

/// The segments' names by number.
fn names(facts: &Facts<'_>) -> Vec<Option<String>> {
    let segments = facts.outcome.segments.as_deref().unwrap_or_default();
    let mut names = Vec::new();
    for one in segments {
        let place = one.segment as usize;
        if names.len() <= place && place <= segments.len() {
            names.resize(place + 1, None);
        }
        if let Some(name) = names.get_mut(place) {
            name.clone_from(&one.name);
        }
    }
    names
}

fn moves(facts: &Facts<'_>, found: &Migration) -> Vec<Block> {
    let fact = |name: &str, value: Option<u64>, note: &str| {
        value.map(|value| Fact { name: name.into(), value: whole(value), note: Some(note.into()) })
    };
    let all = [
        fact("Stayed", Some(found.stayed), "rows that are where they were"),
        fact("Moved", Some(found.moved), "rows that are in another segment now"),
        fact("Came", found.came, "rows that were not there last time"),
        fact("Left", found.left, "rows that are no longer there"),
    ];
    let mut blocks = vec![
        Block::Heading("Who moved between segments?".into()),
        Block::Facts(all.into_iter().flatten().collect()),
    ];
    let lines = found.rows.len();
    if lines == 0 || found.rows.iter().flatten().all(|&rows| rows == 0) {
        return blocks;
    }
    // Rows that are or were in no segment have moved too.
    let others = [State::Outlier, State::Outside, State::Noise, State::Excluded];
    let between = |from: State, to: State| match (from.segment(), to.segment()) {
        (Some(from), Some(to)) => {
            found.rows.get(from as usize).and_then(|line| line.get(to as usize)).copied().unwrap_or(0)
        }
        _ => found.moves.iter().filter(|one| (one.from, one.to) == (from, to)).map(|one| one.rows).sum(),
    };
    let columns = found.rows.iter().map(Vec::len).max().unwrap_or(0).min(CELLS);
    let sides = |segments: usize, moved: &dyn Fn(State) -> bool| -> Vec<State> {
        let segments = (0..segments).map(|place| State::Segment(u32::try_from(place).unwrap_or(u32::MAX)));
        segments.chain(others.into_iter().filter(|other| moved(*other))).collect()
    };
    let then = sides(lines.min(CELLS), &|state| found.moves.iter().any(|one| one.from == state));
    let now = sides(columns, &|state| found.moves.iter().any(|one| one.to == state));
    let key = |state: &State| match state {
        State::Segment(segment) => facts.segment(*segment),
        State::Outlier => plain("left out as outliers"),
        State::Outside => plain("outside the population"),
        State::Noise => plain("in no segment"),
        State::Excluded => plain("left out"),
    };
    let shares = |from: &State| -> Vec<Option<f64>> {
        let counts: Vec<u64> = now.iter().map(|to| between(*from, *to)).collect();
        let total: u64 = counts.iter().sum();
        counts.iter().map(|&n| (total > 0).then(|| n as f64 / total as f64)).collect()
    };
    let heatmap = Heatmap {
        rows_are: "segment last time".into(),
        columns_are: "segment now".into(),
        rows: then.iter().map(key).collect(),
        columns: now.iter().map(key).collect(),
        values: then.iter().map(shares).collect(),
        unit: Unit::Share,
        shading: Shading::Sequential(1.0),
    };
    let desc = "A line for each segment of last time: the shares of its rows by their segment now.";
    let figure = Figure::new("moves", "Where the rows of each segment are now", desc, &heatmap);
    blocks.push(chart(
        figure,
        "Each line is the rows of then that are still there, and adds up to 100 %. Strong colours where a segment meets itself mean that people stayed; elsewhere they are moves.",
    ));
    blocks
}

/// How large the segments are and were, and what is different in them.
fn segments(facts: &Facts<'_>, changes: &[SegmentChange]) -> Vec<Block> {
    if changes.is_empty() {
        return Vec::new();
    }
    let size = |one: &SegmentChange| {
        vec![
            Datum::key(&facts.segment(one.segment)),
            datum(Some(one.previous_size as f64), &Unit::Count),
            datum(Some(one.size as f64), &Unit::Count),
            datum(Some(one.previous_share), &Unit::Share),
            datum(Some(one.share), &Unit::Share),
            datum(Some(one.difference / 100.0), &Unit::Points),
            Datum::text(one.change.to_string()),
        ]
    };
    let columns = [
        ("segment", false),
        ("rows then", true),
        ("rows now", true),
        ("share then", true),
        ("share now", true),
        ("points", true),
        ("change", false),
    ];
    let sizes = table("sizes-then", "Sizes then and now", &columns, changes.iter().map(size).collect());
    let mut blocks = vec![
        Block::Heading("Which segments grew and which shrank?".into()),
        sizes,
        Block::Note(
            "Stable: too small a change to matter, even where it is not chance. Within chance: so few rows would move as much by \
             chance alone. Moderate and major changes deserve a look."
                .into(),
        ),
    ];
    let mut rows = Vec::new();
    for one in changes {
        for column in one.columns.iter().filter(|column| matters(column)).take(NAMED) {
            let (unit, middle) = match column.middle {
                Middle::Share => (Unit::Share, "share"),
                Middle::Median => (Unit::Number, "median"),
            };
            rows.push(vec![
                Datum::key(&facts.segment(one.segment)),
                Datum::text(column.column.as_str()),
                Datum::text(middle),
                datum(Some(column.previous), &unit),
                datum(Some(column.now), &unit),
            ]);
        }
    }
    if !rows.is_empty() {
        let columns =
            [("segment", false), ("column", false), ("figure", false), ("then", true), ("now", true)];
        blocks.push(table("inside", "What is different inside the segments", &columns, rows));
        blocks.push(Block::Note(format!(
            "At most {NAMED} columns of each segment, only those that changed more than chance explains."
        )));
    }
    blocks
}

/// Which columns are distributed otherwise than at the last fit.
fn drift(found: &DriftSince) -> Vec<Block> {
    let bar = |one: &crate::analysis::ColumnDriftSince| Bar {
        label: one.column.clone(),
        paint: Paint::Plain,
        value: Some(one.psi),
        interval: None,
        reference: None,
        note: Some(format!("{}: {}", one.change, one.direction.words())),
    };
    let bars = Bars {
        axis: axis("population stability index (PSI)", Unit::Score),
        what: "column".into(),
        bars: found.columns.iter().take(COLUMNS).map(bar).collect(),
        limits: vec![(MODERATE, "moderate".into()), (MAJOR, "major".into())],
        ..Bars::default()
    };
    let text = match found.change {
        Change::Stable => "No column changed in a way that matters.",
        Change::Chance => "Columns moved no more than chance alone would move them in so few rows.",
        Change::Moderate => "Some columns changed moderately.",
        Change::Major => "Some columns changed so much that the segments may no longer fit.",
    };
    let left = match found.columns.len().saturating_sub(COLUMNS) {
        0 => String::new(),
        n => format!(" {} columns that changed less are left out.", whole(n as u64)),
    };
    let desc = "A bar for each column, the one that changed most first.";
    let figure = Figure::new("drift", "How far each column moved", desc, &bars);
    let note = format!(
        "PSI compares how values are spread then and now: below {MODERATE} a column is stable, and above {MAJOR} it has changed a lot.{left}"
    );
    vec![
        Block::Heading("Are the rows themselves different?".into()),
        Block::Text(text.into()),
        chart(figure, &note),
    ]
}
