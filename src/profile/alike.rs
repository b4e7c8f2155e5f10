//! Finds columns that say the same thing, such as a price and its logarithm, so that a description names only one.

use super::members::Members;
use super::shares::coded;
use crate::table::{Column, Values};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Columns are compared on this many rows.
const SAMPLE: usize = 4096;

/// Columns that are associated at least this strongly say the same.
const SAME: f64 = 0.9;

/// Numbers have to be associated this strongly within the segments too. Two columns that only differ between the same
/// segments, such as age and pay of pupils and their teachers, do not say the same.
const SAME_WITHIN: f64 = 0.8;

/// Numbers with no more different values than this are also compared as categories.
const FEW: usize = 50;

/// A column that says the same as an earlier one, and is therefore not among the traits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alike {
    /// The column.
    pub column: String,
    /// The earlier one.
    pub like: String,
}

/// The sampled cells of a column.
struct Cells {
    /// The ranks of numbers.
    ranks: Option<Ranks>,
    /// Categories from 0, missing values among them, and how many there are.
    codes: Option<(Vec<usize>, usize)>,
    /// If there are two categories: one bit for each row, and how many are set.
    bits: Option<(Vec<u64>, u32)>,
}

/// For each column, the earlier column that says the same; `first` gives the order in which columns are earlier.
pub(super) fn alike(columns: &[&Column], first: &[usize], members: &Members) -> Vec<Option<usize>> {
    let all = members.all();
    let m = all.len().min(SAMPLE);
    let places: Vec<usize> = (0..m).map(|i| i * all.len() / m).collect();
    let sample = Sample {
        rows: places.iter().map(|&place| all[place] as usize).collect(),
        segments: places.iter().map(|&place| members.segment_at(place)).collect(),
        k: members.k(),
    };
    let cells: Vec<Cells> = columns.par_iter().map(|column| Cells::of(&column.values, &sample)).collect();
    let mut kept: Vec<usize> = Vec::new();
    let mut like = vec![None; columns.len()];
    for &own in first {
        let same = kept.par_iter().find_first(|&&other| say_the_same(&cells[own], &cells[other], &sample));
        match same {
            Some(&other) => like[own] = Some(other),
            None => kept.push(own),
        }
    }
    like
}

/// The ranks of numbers. Missing values are 0.
struct Ranks {
    /// Centred, and of length 1.
    overall: Vec<f64>,
    /// Centred within each segment, and of length 1; all 0 if the numbers are the same within each.
    within: Vec<f64>,
}

/// The sampled rows, and their segments.
struct Sample {
    rows: Vec<usize>,
    segments: Vec<usize>,
    k: usize,
}

impl Cells {
    fn of(values: &Values, sample: &Sample) -> Self {
        let rows = &sample.rows;
        if let Some((_, code)) = coded(values) {
            let cells = rows.iter().map(|&row| code(row).map_or(u64::MAX, |code| code as u64));
            return Cells::new(None, Some(renumbered(cells)));
        }
        let numbers: Vec<f64> = rows.iter().map(|&row| values.number(row).unwrap_or(f64::NAN)).collect();
        // Adding 0.0 turns -0.0 into 0.0, so that the two count as one value.
        let codes = renumbered(numbers.iter().map(|v| (v + 0.0).to_bits()));
        Cells::new(Some(Ranks::of(&numbers, sample)), Some(codes).filter(|codes| codes.1 <= FEW))
    }

    fn new(ranks: Option<Ranks>, codes: Option<(Vec<usize>, usize)>) -> Self {
        let bits = codes.as_ref().filter(|(_, levels)| *levels == 2).map(|(codes, _)| {
            let word = |codes: &[usize]| codes.iter().rev().fold(0u64, |word, &code| word << 1 | code as u64);
            let words: Vec<u64> = codes.chunks(64).map(word).collect();
            let set = words.iter().map(|word| word.count_ones()).sum();
            (words, set)
        });
        Cells { ranks, codes, bits }
    }
}

/// Cells as numbers from 0, in the order of their first appearance.
fn renumbered(cells: impl Iterator<Item = u64>) -> (Vec<usize>, usize) {
    let mut known = HashMap::new();
    let codes = cells.map(|cell| {
        let next = known.len();
        *known.entry(cell).or_insert(next)
    });
    let codes = codes.collect();
    (codes, known.len())
}

impl Ranks {
    fn of(numbers: &[f64], sample: &Sample) -> Self {
        let mut order: Vec<usize> = (0..numbers.len()).filter(|&i| !numbers[i].is_nan()).collect();
        order.sort_by(|&i, &j| numbers[i].total_cmp(&numbers[j]));
        let mut ranks = vec![0.0; numbers.len()];
        let mut start = 0;
        while start < order.len() {
            let end = start + order[start..].partition_point(|&i| numbers[i] <= numbers[order[start]]);
            let rank = (start + end - 1) as f64 / 2.0;
            order[start..end].iter().for_each(|&i| ranks[i] = rank);
            start = end.max(start + 1);
        }
        let centred = |groups: usize, group: &dyn Fn(usize) -> usize| {
            let mut sums = vec![(0.0, 0.0); groups];
            for &i in &order {
                sums[group(i)].0 += ranks[i];
                sums[group(i)].1 += 1.0;
            }
            let mut centred = vec![0.0; numbers.len()];
            for &i in &order {
                let (sum, n) = sums[group(i)];
                centred[i] = ranks[i] - sum / n;
            }
            let length = libm::sqrt(centred.iter().map(|r| r * r).sum());
            // What is left of ranks that are all the same is rounding.
            let least = 1e-9 * numbers.len() as f64;
            centred.iter_mut().for_each(|r| *r = if length > least { *r / length } else { 0.0 });
            centred
        };
        Ranks { overall: centred(1, &|_| 0), within: centred(sample.k, &|i| sample.segments[i]) }
    }
}

/// Whether two columns say the same: they are associated, and numbers also within segments. Categories are compared by
/// Tschuprow's T, which is 1 only if each of the two determines the other, numbers by Spearman's correlation regardless of
/// its sign, and numbers with categories by the correlation ratio.
fn say_the_same(a: &Cells, b: &Cells, sample: &Sample) -> bool {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>().abs();
    match (a, b) {
        (Cells { bits: Some(a), .. }, Cells { bits: Some(b), .. }) => phi(a, b, sample.rows.len()) >= SAME,
        (Cells { ranks: Some(a), .. }, Cells { ranks: Some(b), .. }) => {
            dot(&a.overall, &b.overall) >= SAME && dot(&a.within, &b.within) >= SAME_WITHIN
        }
        (Cells { codes: Some(a), .. }, Cells { codes: Some(b), .. }) => tschuprow(a, b) >= SAME,
        (Cells { ranks: Some(ranks), .. }, Cells { codes: Some((codes, levels)), .. })
        | (Cells { codes: Some((codes, levels)), .. }, Cells { ranks: Some(ranks), .. }) => {
            let inner = |i: usize| sample.segments[i] * levels + codes[i];
            ratio(&ranks.overall, *levels, |i| codes[i]) >= SAME
                && ratio(&ranks.within, levels * sample.k, inner) >= SAME_WITHIN
        }
        _ => false,
    }
}

/// The correlation of two columns of bits regardless of its sign, which is what T and Spearman's correlation are there.
fn phi((a, of_a): &(Vec<u64>, u32), (b, of_b): &(Vec<u64>, u32), rows: usize) -> f64 {
    let both: u32 = a.iter().zip(b).map(|(a, b)| (a & b).count_ones()).sum();
    let (n, of_a, of_b) = (rows as f64, f64::from(*of_a), f64::from(*of_b));
    let spread = of_a * (n - of_a) * of_b * (n - of_b);
    if spread > 0.0 { (n * f64::from(both) - of_a * of_b).abs() / libm::sqrt(spread) } else { 0.0 }
}

/// The share of the ranks' length that lies between groups.
fn ratio(ranks: &[f64], groups: usize, group: impl Fn(usize) -> usize) -> f64 {
    if groups > 1 << 20 {
        return 0.0;
    }
    let mut sums = vec![(0.0, 0.0); groups];
    for (i, rank) in ranks.iter().enumerate() {
        sums[group(i)].0 += rank;
        sums[group(i)].1 += 1.0;
    }
    libm::sqrt(sums.iter().filter(|(_, n)| *n > 0.0).map(|(sum, n)| sum * sum / n).sum())
}

fn tschuprow((a, p): &(Vec<usize>, usize), (b, q): &(Vec<usize>, usize)) -> f64 {
    if *p < 2 || *q < 2 || p * q > 1 << 20 {
        return 0.0;
    }
    let mut counts = vec![0.0; p * q];
    let (mut of_a, mut of_b) = (vec![0.0; *p], vec![0.0; *q]);
    for (&i, &j) in a.iter().zip(b) {
        counts[i * q + j] += 1.0;
        of_a[i] += 1.0;
        of_b[j] += 1.0;
    }
    let mut chi2 = -1.0;
    for (i, of_i) in of_a.iter().enumerate() {
        for (j, of_j) in of_b.iter().enumerate() {
            chi2 += counts[i * q + j] * counts[i * q + j] / (of_i * of_j);
        }
    }
    libm::sqrt((chi2 / libm::sqrt(((p - 1) * (q - 1)) as f64)).max(0.0))
}
