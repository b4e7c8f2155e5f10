//! How the values of columns are spread, in all rows and in each segment.

use crate::analysis::{Distribution, Shape};
use crate::report::chart::{Axis, Histogram, Key, Layer, Paint};
use crate::report::page::content::{Block, Figure};
use crate::report::page::facts::Facts;
use crate::report::page::sections::parts::plain;

/// How many columns are in the open.
const OPEN: usize = 8;
/// How many columns are drawn.
const MOST: usize = 40;
/// How many segments have a layer of their own.
const SEGMENTS: usize = 12;

/// The charts, if there are distributions.
pub(super) fn blocks(facts: &Facts<'_>) -> Vec<Block> {
    let all = facts.outcome.pictures.as_ref().map_or(&[][..], |pictures| &pictures.distributions);
    if all.is_empty() {
        return Vec::new();
    }
    let figures: Vec<Figure> =
        all.iter().take(MOST).enumerate().filter_map(|(i, one)| figure(facts, one, i + 1)).collect();
    let mut open = figures;
    let folded = open.split_off(open.len().min(OPEN));
    let mut blocks = vec![Block::Heading("How are the values spread?".into())];
    blocks.extend(open.into_iter().map(Block::Chart));
    blocks.push(Block::Note(
        "The grey outline is all rows. Where a segment's bars leave it, the segment differs from everybody in this column."
            .into(),
    ));
    if !folded.is_empty() {
        let title = format!("{} further columns", folded.len());
        blocks.push(Block::Details(title, folded.into_iter().map(Block::Chart).collect()));
    }
    if all.len() > MOST {
        blocks.push(Block::Note(format!("{} more columns are in metrics.json only.", all.len() - MOST)));
    }
    blocks
}

/// Which segments have no bars because their values lie beyond the axis.
fn out_of_sight(facts: &Facts<'_>, found: &Distribution) -> String {
    let (Some(first), Some(last)) = (found.edges.first(), found.edges.last()) else { return String::new() };
    let segments = found.segments.iter().enumerate().take(SEGMENTS);
    let side = |beyond: &dyn Fn(&[f64; 5]) -> bool, word: &str| {
        let there = segments.clone().filter(|(_, shape)| shape.quantiles.as_ref().is_some_and(beyond));
        let names: Vec<String> =
            there.map(|(i, _)| facts.segment(u32::try_from(i).unwrap_or(u32::MAX)).label).collect();
        match names.is_empty() {
            true => String::new(),
            false => format!(" Nearly all values of {} lie {word} the axis.", names.join(", ")),
        }
    };
    // The 5 % and the 95 % quantile.
    side(&|quantiles| quantiles[0] > *last, "above") + &side(&|quantiles| quantiles[4] < *first, "below")
}

fn figure(facts: &Facts<'_>, found: &Distribution, place: usize) -> Option<Figure> {
    let bins = found.edges.len().checked_sub(1).filter(|&bins| bins > 0)?;
    if found.all.shares.len() != bins {
        return None;
    }
    let layer = |key: Key, shape: &Shape| Layer {
        label: key.label,
        paint: key.paint,
        count: shape.count,
        shares: shape.shares.clone(),
    };
    let segments = facts.outcome.segments.as_deref().unwrap_or_default();
    let of = |(i, shape): (usize, &Shape)| {
        let number = segments.get(i).map_or_else(|| u32::try_from(i).unwrap_or(u32::MAX), |one| one.segment);
        (shape.count > 0 && shape.shares.len() == bins).then(|| layer(facts.segment(number), shape))
    };
    let whole = layer(Key { paint: Paint::Whole, ..plain("all rows") }, &found.all);
    let layers: Vec<Layer> = std::iter::once(whole)
        .chain(found.segments.iter().enumerate().filter_map(of).take(SEGMENTS))
        .collect();
    let histogram = Histogram {
        axis: Axis {
            title: found.column.clone(),
            unit: facts.unit(&found.column),
            log: found.log,
            zero: false,
        },
        edges: found.edges.clone(),
        layers,
        beyond: found.beyond,
    };
    let desc = "The share of the values in each bin, for all rows and for each segment.";
    let figure = Figure::new(format!("values-{place}"), found.column.as_str(), desc, &histogram);
    let note = match (found.feature, found.log) {
        (true, false) => "",
        (true, true) => "The axis is logarithmic.",
        (false, false) => "The segments were not made from this column.",
        (false, true) => "The axis is logarithmic. The segments were not made from this column.",
    };
    let left = match found.segments.len() > SEGMENTS {
        true => format!(" The first {SEGMENTS} segments are drawn."),
        false => String::new(),
    };
    let note = format!("{note}{left}{}", out_of_sight(facts, found));
    Some(if note.is_empty() { figure } else { figure.with_note(note.trim()) })
}
