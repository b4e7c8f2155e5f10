//! The answer: the segments at a glance.

use super::parts::capital;
use super::segment::{rule_in_words, trait_in_words};
use super::small_print::left_out;
use super::trust::SURE;
use crate::profile::{NAMED, SegmentProfile, strongest};
use crate::report::chart::{Axis, Bar, Bars, Unit};
use crate::report::figures::{count, percent, whole};
use crate::report::page::content::{Block, Card, Figure, Section};
use crate::report::page::facts::Facts;
use crate::report::regrouped::changed;

/// The section.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let segments = facts.outcome.segments.as_ref().filter(|segments| !segments.is_empty())?;
    let total: u64 = segments.iter().map(|one| one.size).sum();
    let cards = segments.iter().map(|one| {
        let profile = profile_of(facts, one.segment);
        let traits = profile.map_or_else(Vec::new, |of| {
            strongest(&of.traits, NAMED).into_iter().map(|one| trait_in_words(facts, one)).collect()
        });
        let described = || profile.map(|of| format!("Compared with the others: {}.", of.description));
        Card {
            key: facts.segment(one.segment),
            section: Facts::section_of(one.segment),
            share: one.share,
            size: format!("{}: {} of {} rows", percent(one.share), whole(one.size), whole(total)),
            summary: one.persona.as_ref().and_then(|persona| persona.summary.clone()).or_else(described),
            traits,
            rule: profile.and_then(|of| rule_in_words(facts, of)),
        }
    });
    let bars = segments.iter().map(|one| {
        let key = facts.segment(one.segment);
        let note = Some(format!("({})", whole(one.size)));
        Bar { label: key.label, paint: key.paint, value: Some(one.share), note, ..Bar::default() }
    });
    let sizes = Bars {
        axis: Axis { title: "share of the rows".into(), unit: Unit::Share, zero: true, ..Axis::default() },
        what: "segment".into(),
        bars: bars.collect(),
        ..Bars::default()
    };
    let desc = format!(
        "A bar for each of the {}, as long as its share of the rows.",
        count(segments.len(), "segment")
    );
    let figure = Figure::new("sizes", "How large each segment is", &desc, &sizes);
    Some(Section {
        id: "answer".into(),
        title: "The segments".into(),
        lead: Some(lead(facts, total)),
        paint: None,
        blocks: doubts(facts)
            .into_iter()
            .chain([Block::Cards(cards.collect()), Block::Chart(figure)])
            .collect(),
    })
}

/// What a reader has to know before anything else: whether there are groups at all, and which conditions are not met.
fn doubts(facts: &Facts<'_>) -> Vec<Block> {
    let outcome = facts.outcome;
    let mut blocks = Vec::new();
    if let Some(found) = &outcome.structure {
        let text = format!("{} See \"{SURE}\" below.", capital(&found.meaning));
        let sound = found.verdict.as_deref() == Some("strong");
        blocks.push(if sound { Block::Text(text) } else { Block::Warning(text) });
    }
    if let Some(found) = &outcome.regrouped {
        let text = format!(
            "The fit found {} segments, and the recipe changed them: {}.",
            found.k,
            changed(found).join("; ")
        );
        blocks.push(Block::Text(text));
    }
    let missed = outcome.missed();
    if !missed.is_empty() {
        blocks.push(Block::Warning(format!(
            "The result does not meet {} that had been set for it: {}.",
            if missed.len() == 1 { "a condition" } else { "conditions" },
            missed.join("; ")
        )));
    }
    blocks
}

/// What the profile says about a segment.
pub(super) fn profile_of<'a>(facts: &Facts<'a>, segment: u32) -> Option<&'a SegmentProfile> {
    facts.outcome.profile.as_ref()?.segments.iter().find(|of| of.segment == segment)
}

/// How many rows fall into how many segments, and which is the largest.
fn lead(facts: &Facts<'_>, total: u64) -> String {
    let segments = facts.outcome.segments.as_deref().unwrap_or_default();
    let largest = segments.iter().max_by(|a, b| a.share.total_cmp(&b.share).then(b.segment.cmp(&a.segment)));
    let rows = count(usize::try_from(total).unwrap_or(usize::MAX), "row");
    let all = whole(facts.outcome.rows as u64);
    let rows =
        if whole(total) == all { format!("The {rows}") } else { format!("{} of {all} rows", whole(total)) };
    let mut text = match segments.len() {
        1 => format!("{rows} are one segment."),
        n => format!("{rows} fall into {n} segments."),
    };
    if let Some(largest) = largest.filter(|_| segments.len() > 1) {
        let name = facts.segment(largest.segment).label;
        text += &format!(" The largest is {name}, with {} of the rows.", percent(largest.share));
    }
    if let Some(noise) = facts.outcome.noise.filter(|&noise| noise > 0) {
        let noise = count(usize::try_from(noise).unwrap_or(usize::MAX), "row");
        text += &format!(" {noise} belong to no segment.");
    }
    if let Some(left_out) = left_out(facts.outcome) {
        text += &format!(" Left out: {left_out}.");
    }
    text
}
