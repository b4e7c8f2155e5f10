//! Labels on the device, and what is remembered of the last pass of a set.

use super::super::GpuRows;
use super::super::buffer::{Chunk, Output};
use crate::canonical::Centroids;
use std::sync::Arc;

/// So many bytes of labels may stay on the device between passes, or as many as the rows take if that is more.
const REMEMBERED: u64 = 512 << 20;

/// "No label". In 8 bits it is 255.
const NONE: u32 = u32::MAX;

/// The labels of a batch of sets, in one buffer for each chunk of the rows.
pub(super) struct Labels {
    pub(super) chunks: Vec<Output>,
    pub(super) layout: LabelLayout,
}

/// How labels lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LabelLayout {
    /// Whether a label takes a word, as it must if k is above 255. Otherwise four rows share a word.
    pub(super) wide: bool,
    /// How many slots a set has. With two, the labels of the last pass stay while the next ones are written.
    pub(super) slots: usize,
    /// How many sets fit into a binding and into the memory for labels.
    pub(super) most: usize,
}

/// What is remembered of a set's last pass.
pub(super) struct SetState {
    pub(super) labels: Arc<Labels>,
    /// Its place in the batch, and which of its slots has the labels.
    pub(super) place: usize,
    pub(super) slot: usize,
    pub(super) sums: Sums,
    /// Whether dot products prove enough labels.
    pub(super) dot_product: bool,
}

/// Whole-number sums of the rows of each centroid.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    pub(super) steps: Vec<i128>,
    pub(super) counts: Vec<i128>,
    pub(super) weights: Vec<i128>,
}

impl LabelLayout {
    /// For sets that have no labels yet.
    pub(super) fn new<'a>(
        rows: &GpuRows<'_>,
        sets: impl Iterator<Item = &'a Centroids> + Clone,
        remember: bool,
    ) -> Self {
        let wide = sets.clone().any(|set| set.k() > usize::from(u8::MAX));
        let bytes = if wide { 4 } else { 1 };
        let largest = rows.resident.chunks.iter().map(|c| c.rows.next_multiple_of(4)).max().unwrap_or(4);
        let all = rows.matrix.rows().next_multiple_of(4) as u64 * bytes;
        let budget = REMEMBERED.max(4 * rows.matrix.values().len() as u64);
        let fit = (rows.context.max_binding() / (largest as u64 * bytes)).min(budget / all) as usize;
        // Either the labels of all sets are remembered, or all batches use the same memory in turn.
        let total = 2 * sets.count() as u64 * all;
        let slots = if remember && fit >= 2 && total <= budget { 2 } else { 1 };
        LabelLayout { wide, slots, most: (fit / slots).max(1) }
    }

    /// How many words the labels of a chunk's rows take in one slot.
    pub(super) fn words(&self, chunk: &Chunk) -> usize {
        if self.wide { chunk.rows.next_multiple_of(4) } else { chunk.rows.div_ceil(4) }
    }
}

impl Labels {
    pub(super) fn new(rows: &GpuRows<'_>, layout: LabelLayout, sets: usize) -> Self {
        let words = |chunk| layout.words(chunk) * layout.slots * sets;
        let chunks = rows.resident.chunks.iter().map(|c| Output::new(rows.context, words(c))).collect();
        Labels { chunks, layout }
    }

    /// Whether labels outlive the pass.
    pub(super) fn stay(&self) -> bool {
        self.layout.slots == 2
    }

    /// The labels of a chunk's rows in slot `slot`, from all words of the chunk's buffer.
    pub(super) fn unpack(&self, chunk: &Chunk, words: &[u32], slot: usize) -> impl Iterator<Item = u32> {
        let own = self.layout.words(chunk);
        let per_word = if self.layout.wide { 1 } else { 4 };
        words[slot * own..][..own]
            .iter()
            .flat_map(move |&word| {
                let bytes = word.to_le_bytes().map(|b| if b == u8::MAX { NONE } else { b.into() });
                if per_word == 1 { [word, NONE, NONE, NONE] } else { bytes }.into_iter().take(per_word)
            })
            .take(chunk.rows)
    }
}

impl Sums {
    pub(super) fn zero(set: &Centroids) -> Self {
        Sums { steps: vec![0; set.values.len()], counts: vec![0; set.k()], weights: vec![0; set.k()] }
    }
}
