//! What to do for each segment, as the recipe says.

use crate::report::chart::{DataTable, Datum};
use crate::report::page::content::{Block, Section, Table};
use crate::report::page::facts::Facts;

/// The section, if anybody wrote down actions.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let segments = facts.outcome.segments.iter().flatten();
    let rows = segments.flat_map(|segment| {
        let actions = segment.persona.iter().flat_map(|persona| &persona.actions);
        let key = facts.segment(segment.segment);
        actions.map(move |action| vec![Datum::key(&key), Datum::text(action)]).collect::<Vec<_>>()
    });
    let rows: Vec<Vec<Datum>> = rows.collect();
    if rows.is_empty() {
        return None;
    }
    let columns = vec![("segment".into(), false), ("what to do".into(), false)];
    let table = Table {
        id: "actions".into(),
        caption: "What the team would do for each segment".into(),
        note: None,
        data: DataTable { columns, rows },
    };
    Some(Section {
        id: "actions".into(),
        title: "What to do".into(),
        lead: Some("These are the team's own words; nothing here was computed.".into()),
        paint: None,
        blocks: vec![Block::Table(table)],
    })
}
