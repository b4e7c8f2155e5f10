//! Rows sorted by their joint label: the tuple of their labels in several labelings.
//!
//! All rows of one joint label belong to the same cluster in each of the labelings. Their distances to some row can
//! therefore be added up once, and the sum goes to one cluster of each labeling. With two labelings of 3 and 4 clusters, for
//! example, there are at most 12 joint labels.

use crate::backend::Labeling;
use rayon::prelude::*;
use std::ops::Range;

/// The most rows of a run: so many distances are summed in f32.
pub(in crate::backend) const RUN: usize = 64;

/// The row numbers sorted by joint label, and the ranges of that order that make up the runs: rows of one joint label, at
/// most [`RUN`] of them.
pub(in crate::backend) fn runs(rows: usize, labelings: &[Labeling<'_>]) -> (Vec<u32>, Vec<Range<usize>>) {
    let mut order: Vec<u32> = (0..rows as u32).collect();
    let joint = |i: u32| labelings.iter().map(move |l| l.labels[i as usize]);
    order.par_sort_unstable_by(|&a, &b| joint(a).cmp(joint(b)).then(a.cmp(&b)));
    let mut cuts = Vec::new();
    let mut start = 0;
    for end in 1..=rows {
        if end == rows || end - start == RUN || joint(order[start]).ne(joint(order[end])) {
            cuts.push(start..end);
            start = end;
        }
    }
    (order, cuts)
}

/// For each labeling the slot of row `i`'s cluster. The slots are the clusters of the first labeling, then those of the
/// second, and so on.
pub(in crate::backend) fn slots<'a>(
    labelings: &'a [Labeling<'_>],
    i: usize,
) -> impl Iterator<Item = u32> + 'a {
    labelings.iter().scan(0u32, move |offset, l| {
        let slot = *offset + l.labels[i];
        *offset += l.k as u32;
        Some(slot)
    })
}
