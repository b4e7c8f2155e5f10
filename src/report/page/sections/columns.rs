//! The columns: how they are distributed and correlated.

mod correlations;
mod described;
mod distributions;

use super::wished;
use crate::report::page::content::{Block, Section};
use crate::report::page::facts::Facts;

/// The section, if there is something to draw.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let mut blocks: Vec<Block> = wished::figures(facts, false).into_iter().map(Block::Chart).collect();
    blocks.extend(wished::left(facts));
    blocks.extend(distributions::blocks(facts));
    blocks.extend(correlations::blocks(facts.outcome));
    blocks.extend(described::blocks(facts));
    if blocks.is_empty() {
        return None;
    }
    Some(Section {
        id: "columns".into(),
        title: "What is in the columns".into(),
        lead: Some("How the values are spread, which columns go together, and what is missing.".into()),
        paint: None,
        blocks,
    })
}
