//! Whether the segments are the same in every cohort.

use super::parts::{axis, chart, plain, table};
use crate::analysis::{CohortFound, StabilityFound};
use crate::report::chart::{Bar, Bars, Datum, Form, Key, Paint, Stacked, StackedRow, Unit};
use crate::report::figures::{count, whole};
use crate::report::page::content::{Block, Figure, Section};
use crate::report::page::facts::Facts;
use crate::report::stability::tables::largest_move;

/// How many cohorts are drawn.
const MOST: usize = 40;

/// The section, if cohorts were fitted.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let found = facts.outcome.stability.as_ref()?;
    let column = found.cohort.as_ref()?;
    if found.cohorts.is_empty() {
        return None;
    }
    let mut blocks = Vec::new();
    if found.before_regrouping {
        blocks
            .push(Block::Text("These are the segments of the fit, before any were merged or split.".into()));
    }
    blocks.extend(shares(facts, found, column));
    blocks.extend(scores(found, column));
    let row = |one: &CohortFound| {
        let moved = one.note.clone().unwrap_or_else(|| largest_move(one));
        vec![
            Datum::text(name(one)),
            Datum::number(one.rows as f64, whole(one.rows as u64)),
            Datum::text(moved),
        ]
    };
    let columns = [(column.as_str(), false), ("rows", true), ("what moved most", false)];
    let rows = found.cohorts.iter().take(MOST).map(row).collect();
    blocks.push(table("cohort-moves", "What is different in each cohort", &columns, rows));
    blocks.push(Block::Note(
        "The percentage is how far the middle of the segment lies from its usual place, on the way to the nearest other \
         segment: near 0 it is the same segment, and near 100 % it is rather the other one."
            .into(),
    ));
    let hidden = found.cohorts.len().saturating_sub(MOST);
    if found.cohorts_left_out + hidden > 0 {
        let text = match hidden {
            0 => format!("{} were not fitted.", count(found.cohorts_left_out, "smaller cohort")),
            _ => format!("{} are in metrics.json only.", count(hidden, "cohort")),
        };
        blocks.push(Block::Note(text));
    }
    if found.cohort_is_feature {
        let text = format!("The segments were made from {column} too; what moved is measured without it.");
        blocks.push(Block::Note(text));
    }
    Some(Section {
        id: "cohorts".into(),
        title: format!("Are the segments the same in every {column}?"),
        lead: Some(
            "Each group of rows was segmented on its own, and the result compared with that of all rows."
                .into(),
        ),
        paint: None,
        blocks,
    })
}

fn name(of: &CohortFound) -> String {
    of.cohort.clone().unwrap_or_else(|| "no value".into())
}

/// How large each segment is in each cohort.
fn shares(facts: &Facts<'_>, found: &StabilityFound, column: &str) -> Option<Block> {
    let fitted = || found.cohorts.iter().filter(|one| !one.segments.is_empty()).take(MOST);
    let mut numbers: Vec<u32> = fitted().flat_map(|one| one.segments.iter().map(|s| s.segment)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.is_empty() {
        return None;
    }
    let key = |&segment: &u32| -> Key {
        match found.before_regrouping {
            false => facts.segment(segment),
            true => plain(format!("segment {segment} of the fit")),
        }
    };
    let keys: Vec<Key> = numbers.iter().map(key).collect();
    let share = |one: &CohortFound, segment: u32| -> f64 {
        one.segments.iter().filter(|s| s.segment == segment).map(|s| s.share).sum()
    };
    let row = |one: &CohortFound| StackedRow {
        label: name(one),
        paint: Paint::Plain,
        count: one.rows as u64,
        shares: numbers.iter().map(|&segment| share(one, segment)).collect(),
    };
    let stacked = Stacked {
        what: column.into(),
        parts: keys.iter().map(|key| key.label.clone()).collect(),
        paints: match found.before_regrouping {
            false => keys.iter().map(|key| key.paint).collect(),
            true => Vec::new(),
        },
        ordered: false,
        rows: fitted().map(row).collect(),
    };
    let desc = "A bar for each cohort, divided by its own segments.";
    let figure = Figure::new("cohort-shares", "How large is each segment?", desc, &stacked);
    Some(chart(figure, "Bars that are divided alike mean that the segments have the same sizes everywhere."))
}

/// How far the cohorts' own segments are those of all rows.
fn scores(found: &StabilityFound, column: &str) -> Vec<Block> {
    let bars = |unit: Unit, title: &str, form: Form, of: &dyn Fn(&CohortFound) -> Option<f64>| Bars {
        axis: axis(title, unit),
        form,
        what: column.into(),
        bars: found
            .cohorts
            .iter()
            .take(MOST)
            .map(|one| Bar {
                label: name(one),
                paint: Paint::Plain,
                value: of(one),
                interval: None,
                reference: None,
                note: None,
            })
            .collect(),
        ..Bars::default()
    };
    if found.cohorts.iter().all(|one| one.agreement.is_none() && one.ari.is_none()) {
        return Vec::new();
    }
    let agreement = bars(Unit::Share, "rows in the same segment", Form::Bars, &|one| one.agreement);
    let ari = bars(Unit::Score, "adjusted Rand index", Form::Dots, &|one| one.ari);
    let charts = vec![
        Figure::new("cohort-agreement", "Rows in the same segment", "A bar for each cohort.", &agreement),
        Figure::new("cohort-ari", "The same, corrected for chance", "A dot for each cohort.", &ari),
    ];
    vec![
        Block::Charts(charts),
        Block::Note(
            "Near 100 % and near 1 (adjusted Rand index) the cohort has the segments of all rows; near 0 it has others.".into(),
        ),
    ]
}
