//! Divides the rows into those that rules are learned from, those that choose among rules, and those that rules are
//! tested on.

use super::Segmented;
use crate::random::{Draws, Purpose};
use crate::table::Values;
use rayon::prelude::*;
use std::cmp::Ordering;

/// Rows that are equal in all columns and in the segment, as far as they are in one part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Entry {
    /// The first of these rows.
    pub row: u32,
    pub segment: u32,
    /// The sum of their weights, in units of [`Parts::unit`].
    pub weight: u64,
    /// A hash of their cells, the segment and the seed.
    pub hash: u64,
    /// How many rows they count as where it matters how many there are: the copies of a row that is so common that it is
    /// in all parts, and 1 for any other.
    pub copies: u32,
}

/// The rows of each part: half of them, a sixth and a third.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// The rows from which conditions are learned.
    pub train: Vec<Entry>,
    /// The rows that decide which rule is kept.
    pub check: Vec<Entry>,
    /// The rows on which the rule is tested.
    pub test: Vec<Entry>,
    /// How much one unit of weight is on the scale of the given weights.
    pub unit: f64,
}

/// Sums of weights stay below this, so that f64 holds each of them exactly, also where a row stands for others.
const MOST: u128 = 1 << 48;

/// Rows that are equal go to one part together, so that no rule is tested on copies of what it was learned from. If they
/// are more than this part of their segment, their copies are dealt out, because the parts would differ too much.
const COMMON: u128 = 50;

/// Rows that are hashed together, so that their hashes stay in the cache.
const BLOCK: usize = 4096;

/// Which part each sixth of the rows belongs to. Copies that are dealt out go through this list from a place that their
/// hash says.
#[derive(Clone, Copy)]
enum Part {
    Train,
    Check,
    Test,
}
const SIXTHS: [Part; 6] = [Part::Train, Part::Test, Part::Train, Part::Check, Part::Test, Part::Train];

impl Parts {
    /// Divides the rows that have a segment and a weight above 0. Where a row goes depends on the seed and on its cells
    /// alone: not on its position, nor on whether equal rows are written out or counted by a weight.
    pub(super) fn new(input: &Segmented<'_>, seed: u64) -> Parts {
        // Whole weights are copies; others are steps that say what a row counts beside another.
        let whole = input.weights.is_none_or(|w| w.is_whole());
        let factor = input.weights.filter(|_| whole).map_or(1, |w| w.as_copies(1) as u128);
        let amount = |row: usize| match input.weights {
            None => 1,
            Some(weights) => weights.steps().get(row).map_or(0, |&steps| u128::from(steps) * factor),
        };
        let rows = hashed(input, seed, |row| amount(row) > 0);
        let segment = |row: u32| input.segments[row as usize].unwrap_or(0);
        let mut segments = vec![0u128; input.k];
        rows.iter().for_each(|&(_, row)| segments[segment(row) as usize] += amount(row as usize));
        let total: u128 = segments.iter().sum();
        let shift = (0..).find(|shift| total >> shift < MOST).unwrap_or(0);
        let step = input.weights.filter(|_| !whole).map_or(1.0, |w| w.as_given(1));
        let mut parts = Parts { unit: step * (1u128 << shift) as f64, ..Parts::default() };
        for group in rows.chunk_by(|a, b| a.0 == b.0 && segment(a.1) == segment(b.1)) {
            let (hash, row) = group[0];
            let sum: u128 = group.iter().map(|&(_, row)| amount(row as usize)).sum();
            let count = if whole { sum } else { group.len() as u128 };
            let common = count > 1 && sum * COMMON > segments[segment(row) as usize];
            let count = if common { count } else { 1 };
            for (part, weight) in dealt(sum, count, hash).into_iter().enumerate() {
                let copies =
                    if weight == sum { count } else { (weight as f64 / sum as f64 * count as f64) as u128 };
                let copies = u32::try_from(copies).unwrap_or(u32::MAX).max(1);
                let weight = (weight >> shift) as u64;
                let list = [&mut parts.train, &mut parts.check, &mut parts.test].into_iter().nth(part);
                if let Some(list) = list.filter(|_| weight > 0) {
                    list.push(Entry { row, segment: segment(row), weight, hash, copies });
                }
            }
        }
        parts
    }
}

/// How much of a weight goes to each part, if it is that of `count` copies.
fn dealt(weight: u128, count: u128, hash: u64) -> [u128; 3] {
    let mut parts = [0; 3];
    let mut left = weight;
    for i in (0..6u128).rev() {
        let copies = count / 6 + u128::from(i < count % 6);
        // The first place takes what rounding leaves. Whole weights are their own number of copies and leave nothing.
        let share = match i {
            0 => left,
            _ if weight == count => copies,
            _ => weight * copies / count,
        };
        left -= share;
        parts[SIXTHS[((hash % 6) as usize + i as usize) % 6] as usize] += share;
    }
    parts
}

/// The rows that count, each with the hash of its cells, so that equal rows are neighbours.
fn hashed(input: &Segmented<'_>, seed: u64, counts: impl Fn(usize) -> bool + Sync) -> Vec<(u64, u32)> {
    let start = Draws::new(seed, Purpose::RuleParts).at(0).bits();
    let levels: Vec<Vec<u64>> = input.columns.par_iter().map(|c| level_hashes(&c.values)).collect();
    let k = input.k;
    let of_block = |block: usize| {
        let from = block * BLOCK;
        let segments = &input.segments[from..(from + BLOCK).min(input.segments.len())];
        let mut hashes = vec![start; segments.len()];
        for (column, levels) in input.columns.iter().zip(&levels) {
            mix_column(&mut hashes, from, &column.values, levels);
        }
        let rows = (from..).zip(segments).zip(hashes).filter_map(|((row, segment), hash)| {
            let segment = (*segment)?;
            ((segment as usize) < k && counts(row))
                .then(|| (finish(mix(hash, u64::from(segment))), row as u32))
        });
        rows.collect::<Vec<_>>()
    };
    let blocks: Vec<Vec<(u64, u32)>> =
        (0..input.segments.len().div_ceil(BLOCK)).into_par_iter().map(of_block).collect();
    let mut rows = blocks.concat();
    let by_hash = |a: &(u64, u32), b: &(u64, u32)| -> Ordering {
        // Should two different rows have one hash, those of a segment are still together.
        let segment = |row: u32| input.segments[row as usize];
        a.0.cmp(&b.0).then_with(|| segment(a.1).cmp(&segment(b.1))).then(a.1.cmp(&b.1))
    };
    rows.par_sort_unstable_by(by_hash);
    rows
}

/// The hash of each text of a column; other columns have none.
fn level_hashes(values: &Values) -> Vec<u64> {
    let Values::Text { levels, .. } = values else { return Vec::new() };
    let hash = |level: &String| {
        level.as_bytes().chunks(8).fold(level.len() as u64, |hash, chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            mix(hash, u64::from_le_bytes(word))
        })
    };
    levels.iter().map(hash).collect()
}

/// What stands for a missing cell.
const NOTHING: u64 = u64::MAX;

/// Mixes a block of a column's cells into the hashes of their rows, which begin at row `from`.
fn mix_column(hashes: &mut [u64], from: usize, values: &Values, levels: &[u64]) {
    // Adding 0.0 turns -0.0 into 0.0, so that the two are one value.
    let bits = |v: f64| if v.is_nan() { NOTHING } else { (v + 0.0).to_bits() };
    let rows = from..from + hashes.len();
    let all = hashes.iter_mut().zip(rows);
    match values {
        Values::Number(cells) => {
            all.for_each(|(h, row)| *h = mix(*h, cells.get(row).map_or(NOTHING, |&v| bits(v))))
        }
        Values::Packed { .. } => {
            all.for_each(|(h, row)| *h = mix(*h, values.number(row).map_or(NOTHING, bits)));
        }
        Values::Bool(cells) => {
            all.for_each(|(h, row)| {
                *h = mix(*h, cells.get(row).copied().flatten().map_or(NOTHING, u64::from));
            });
        }
        Values::Text { codes, .. } => all.for_each(|(h, row)| {
            let code = codes.get(row).copied().flatten();
            *h = mix(*h, code.and_then(|code| levels.get(code as usize).copied()).unwrap_or(NOTHING));
        }),
        Values::Empty(_) => {}
    }
}

/// Mixes a word into a hash: the two halves of a product, as in wyhash.
fn mix(hash: u64, word: u64) -> u64 {
    let product = u128::from(hash ^ 0x9e37_79b9_7f4a_7c15) * u128::from(word ^ 0xd1b5_4a32_d192_ed03);
    (product as u64) ^ ((product >> 64) as u64) ^ hash.rotate_left(29)
}

/// Spreads the bits of a hash evenly (the last steps of SplitMix64).
fn finish(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Parts, dealt};
    use crate::profile::rules::Segmented;
    use crate::table::{Column, Values};
    use crate::weights::Weights;

    fn column(values: Values) -> Column {
        Column { name: "x".into(), values }
    }

    #[test]
    fn distinct_rows_are_divided_by_half_a_sixth_and_a_third() {
        let numbers = column(Values::Number((0..60_000).map(f64::from).collect()));
        let segments = vec![Some(0); 60_000];
        let input = Segmented { columns: &[&numbers], segments: &segments, k: 1, weights: None };
        let parts = Parts::new(&input, 7);
        // A binomial's standard deviation is 122 rows at most.
        for (part, expected) in [(&parts.train, 30_000), (&parts.check, 10_000), (&parts.test, 20_000)] {
            assert!(part.len().abs_diff(expected) < 600, "{} {expected}", part.len());
        }
        let other = Parts::new(&input, 8);
        assert_ne!(parts.train, other.train, "the seed draws the parts");
    }

    #[test]
    fn no_row_is_in_two_parts_but_the_commonest() {
        let texts = |row: usize| Some(if row.is_multiple_of(2) { 0 } else { 1 + (row / 2 % 5000) as u32 });
        let levels = (0..5001).map(|level| format!("level {level}")).collect();
        let column = column(Values::Text { levels, codes: (0..20_000).map(texts).collect() });
        let segments = vec![Some(0); 20_000];
        let input = Segmented { columns: &[&column], segments: &segments, k: 1, weights: None };
        let parts = Parts::new(&input, 0);
        let lists = [&parts.train, &parts.check, &parts.test];
        assert!(
            lists.iter().all(|list| list.iter().all(|e| e.copies == 1 || u64::from(e.copies) == e.weight))
        );
        let common = lists.map(|list| list.iter().filter(|e| e.copies > 1).map(|e| e.weight).sum::<u64>());
        assert!(common[0].abs_diff(5000) < 3 && common[1].abs_diff(1667) < 3 && common[2].abs_diff(3333) < 3);
        let mut hashes: Vec<u64> =
            lists.iter().flat_map(|l| l.iter()).filter(|e| e.copies == 1).map(|e| e.hash).collect();
        assert!(
            hashes.len() == 5000
                && lists.iter().flat_map(|l| l.iter()).all(|e| e.copies > 1 || e.weight == 2)
        );
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 5000);
    }

    #[test]
    fn dealing_keeps_the_whole_weight() {
        for count in [1u128, 2, 5, 6, 7, 1 << 31, 1 << 90] {
            for hash in 0..12 {
                assert_eq!(dealt(count, count, hash).iter().sum::<u128>(), count);
                let fractional = (1 << 90) - 1;
                assert_eq!(dealt(fractional, count.min(1 << 32), hash).iter().sum::<u128>(), fractional);
            }
        }
        assert_eq!(dealt(600, 600, 3), [300, 100, 200]);
    }

    #[test]
    fn weights_are_counted_in_what_f64_holds() {
        let numbers = column(Values::Number((0..100).map(f64::from).collect()));
        let segments = vec![Some(0); 100];
        let given: Vec<f64> = (0..100).map(|i| if i == 7 { 0.0 } else { 1e15 + f64::from(i) }).collect();
        let weights = Weights::new(&given).unwrap();
        let input = Segmented { columns: &[&numbers], segments: &segments, k: 1, weights: Some(&weights) };
        let parts = Parts::new(&input, 0);
        let all = [&parts.train, &parts.check, &parts.test].into_iter().flatten();
        let (rows, sum) = all.fold((0, 0), |(n, sum), e| (n + 1, sum + e.weight));
        assert!(rows == 99 && sum < 1 << 48);
        let expected: f64 = given.iter().sum();
        assert!((sum as f64 * parts.unit / expected - 1.0).abs() < 1e-9);
    }
}
