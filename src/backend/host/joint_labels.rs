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

/// The row numbers sorted by joint label, and the ranges of that order that have one joint label each.
pub(in crate::backend) fn groups(rows: usize, labelings: &[Labeling<'_>]) -> (Vec<u32>, Vec<Range<usize>>) {
    // A joint label that fits 32 bits is sorted as one number, together with the row's.
    let different = labelings.iter().try_fold(1u32, |all, l| all.checked_mul(l.k as u32));
    if different.is_some() {
        let number = |i| {
            let label = labelings.iter().fold(0u32, |all, l| all * l.k as u32 + l.labels[i as usize]);
            u64::from(label) << 32 | u64::from(i)
        };
        let mut keys: Vec<u64> = (0..rows as u32).into_par_iter().map(number).collect();
        keys.par_sort_unstable();
        let groups = equal_ranges(rows, |a, b| keys[a] >> 32 == keys[b] >> 32);
        return (keys.into_iter().map(|key| key as u32).collect(), groups);
    }
    let joint = |i: u32| labelings.iter().map(move |l| l.labels[i as usize]);
    let mut order: Vec<u32> = (0..rows as u32).collect();
    order.par_sort_unstable_by(|&a, &b| joint(a).cmp(joint(b)).then(a.cmp(&b)));
    let groups = equal_ranges(rows, |a, b| joint(order[a]).eq(joint(order[b])));
    (order, groups)
}

/// Cuts `0..count` where an element differs from the one before it.
fn equal_ranges(count: usize, equal: impl Fn(usize, usize) -> bool) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    for end in 1..=count {
        if end == count || !equal(end - 1, end) {
            ranges.push(start..end);
            start = end;
        }
    }
    ranges
}

/// As [`groups`], cut into runs of at most [`RUN`] rows.
pub(in crate::backend) fn runs(rows: usize, labelings: &[Labeling<'_>]) -> (Vec<u32>, Vec<Range<usize>>) {
    let (order, groups) = groups(rows, labelings);
    let cut = |g: &Range<usize>| {
        let end = g.end;
        g.clone().step_by(RUN).map(move |start| start..end.min(start + RUN))
    };
    let runs = groups.iter().flat_map(cut).collect();
    (order, runs)
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
