//! Rows in the order of their joint labels, in tiles of places.

use crate::backend::Labeling;
use crate::backend::gpu::interface::shared_struct;
use crate::backend::gpu::pairs::{SPAN, Source};
use crate::backend::host::joint_labels::slots;
use crate::matrix::Matrix;
use std::ops::Range;

shared_struct! {
    /// The part of a run of one joint label that lies in one tile.
    pub(super) struct Segment {
        first: u32,
        end: u32,
        slots: u32,
        closes: u32,
    }
}

/// Tiles, as many as fit one binding.
#[derive(Default)]
pub(super) struct Tiles {
    pub(super) sources: Vec<Source>,
    /// For each tile its first segment, and the number of all segments.
    pub(super) first_segments: Vec<u32>,
    pub(super) segments: Vec<Segment>,
    /// For each run the slot of each labeling.
    pub(super) slots: Vec<u32>,
}

/// What fits.
pub(super) struct Room {
    pub(super) tiles: usize,
    pub(super) segments: usize,
    pub(super) slots: usize,
    pub(super) segments_of_a_tile: usize,
}

impl Tiles {
    pub(super) fn count(&self) -> usize {
        self.sources.len() / SPAN
    }

    /// The most segments that a tile has.
    pub(super) fn most_segments(&self) -> usize {
        self.first_segments.windows(2).map(|w| (w[1] - w[0]) as usize).max().unwrap_or(0)
    }

    /// Segments of the last tile so far.
    fn open_segments(&self) -> usize {
        self.segments.len() - self.first_segments.last().map_or(0, |&first| first as usize)
    }

    /// Fills up the last tile, and notes where the next one's segments begin.
    fn close_tile(&mut self) {
        self.sources.resize(self.sources.len().next_multiple_of(SPAN), Source::PADDING);
        self.first_segments.push(self.segments.len() as u32);
    }
}

/// Puts the rows into tiles. `order` has them sorted by their joint labels, `groups` are the rows of one joint label each.
pub(super) fn arrange(
    matrix: &Matrix,
    labelings: &[Labeling<'_>],
    order: &[u32],
    groups: &[Range<usize>],
    room: &Room,
) -> Vec<Tiles> {
    let mut done = Vec::new();
    let new = || Tiles { first_segments: vec![0], ..Tiles::default() };
    let mut now = new();
    for group in groups {
        let mut rest = group.clone();
        let mut own_slots = None;
        while !rest.is_empty() {
            let fill = now.sources.len() % SPAN;
            if now.open_segments() > 0 && (fill == 0 || now.open_segments() >= room.segments_of_a_tile) {
                now.close_tile();
            }
            let begins = now.sources.len().is_multiple_of(SPAN);
            let full = now.count() >= room.tiles
                || now.segments.len() + SPAN > room.segments
                || now.slots.len() + SPAN * labelings.len() > room.slots;
            if begins && full && !now.sources.is_empty() {
                done.push(std::mem::replace(&mut now, new()));
                own_slots = None;
            }
            let slots = *own_slots.get_or_insert_with(|| {
                let at = now.slots.len() as u32;
                now.slots.extend(slots(labelings, order[group.start] as usize));
                at
            });
            let first = now.sources.len() % SPAN;
            let count = rest.len().min(SPAN - first);
            let rows = &order[rest.start..rest.start + count];
            now.sources.extend(rows.iter().map(|&row| Source::new(matrix, row)));
            rest.start += count;
            now.segments.push(Segment {
                first: first as u32,
                end: (first + count) as u32,
                slots,
                closes: u32::from(rest.is_empty()),
            });
        }
    }
    now.close_tile();
    done.push(now);
    done
}
