//! Finds columns that say the same thing, such as a price and its logarithm, so that a description names only one.

use super::members::Members;
use super::shares::coded;
use crate::table::{Column, Values};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::HashMap;

/// Columns are compared on this many rows.
const SAMPLE: usize = 4096;

/// Columns that are associated at least this strongly say the same.
const SAME: f64 = 0.9;

/// Numbers with no more different values than this are also compared as categories.
const FEW: usize = 50;

/// A column that says the same as an earlier one, and is therefore not among the traits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alike {
    /// The column.
    pub column: String,
    /// The earlier one.
    pub like: String,
}

/// The sampled cells of a column.
struct Cells {
    /// The ranks of numbers, centred and of length 1; missing values are 0.
    ranks: Option<Vec<f64>>,
    /// Categories from 0, missing values among them, and how many there are.
    codes: Option<(Vec<usize>, usize)>,
    /// If there are two categories: one bit for each row, and how many are set.
    bits: Option<(Vec<u64>, u32)>,
    rows: usize,
}

/// For each column, the earlier column that says the same; `first` gives the order in which columns are earlier.
pub(super) fn alike(columns: &[&Column], first: &[usize], members: &Members) -> Vec<Option<usize>> {
    let all = members.all();
    let m = all.len().min(SAMPLE);
    let rows: Vec<usize> = (0..m).map(|i| all[i * all.len() / m] as usize).collect();
    let cells: Vec<Cells> = columns.par_iter().map(|column| Cells::of(&column.values, &rows)).collect();
    let mut kept: Vec<usize> = Vec::new();
    let mut like = vec![None; columns.len()];
    for &own in first {
        let same = kept.par_iter().find_first(|&&other| association(&cells[own], &cells[other]) >= SAME);
        match same {
            Some(&other) => like[own] = Some(other),
            None => kept.push(own),
        }
    }
    like
}

impl Cells {
    fn of(values: &Values, rows: &[usize]) -> Self {
        if let Some((_, code)) = coded(values) {
            let cells = rows.iter().map(|&row| code(row).map_or(u64::MAX, |code| code as u64));
            return Cells::new(None, Some(renumbered(cells)), rows.len());
        }
        let numbers: Vec<f64> = rows.iter().map(|&row| values.number(row).unwrap_or(f64::NAN)).collect();
        // Adding 0.0 turns -0.0 into 0.0, so that the two count as one value.
        let codes = renumbered(numbers.iter().map(|v| (v + 0.0).to_bits()));
        Cells::new(Some(ranks(&numbers)), Some(codes).filter(|codes| codes.1 <= FEW), rows.len())
    }

    fn new(ranks: Option<Vec<f64>>, codes: Option<(Vec<usize>, usize)>, rows: usize) -> Self {
        let bits = codes.as_ref().filter(|(_, levels)| *levels == 2).map(|(codes, _)| {
            let word = |codes: &[usize]| codes.iter().rev().fold(0u64, |word, &code| word << 1 | code as u64);
            let words: Vec<u64> = codes.chunks(64).map(word).collect();
            let set = words.iter().map(|word| word.count_ones()).sum();
            (words, set)
        });
        Cells { ranks, codes, bits, rows }
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

fn ranks(numbers: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..numbers.len()).filter(|&i| !numbers[i].is_nan()).collect();
    order.sort_by(|&i, &j| numbers[i].total_cmp(&numbers[j]));
    let middle = (order.len() as f64 - 1.0) / 2.0;
    let mut ranks = vec![0.0; numbers.len()];
    let mut start = 0;
    while start < order.len() {
        let end = start + order[start..].partition_point(|&i| numbers[i] <= numbers[order[start]]);
        let rank = (start + end - 1) as f64 / 2.0 - middle;
        order[start..end].iter().for_each(|&i| ranks[i] = rank);
        start = end.max(start + 1);
    }
    let length = libm::sqrt(ranks.iter().map(|r| r * r).sum());
    if length > 0.0 {
        ranks.iter_mut().for_each(|r| *r /= length);
    }
    ranks
}

/// How strongly two columns are associated, from 0 to 1: Tschuprow's T of categories, Spearman's correlation of numbers
/// regardless of its sign, and the correlation ratio of numbers by category. T is 1 only if each of the two determines the
/// other.
fn association(a: &Cells, b: &Cells) -> f64 {
    match (a, b) {
        (Cells { bits: Some(a), rows, .. }, Cells { bits: Some(b), .. }) => phi(a, b, *rows),
        (Cells { ranks: Some(a), .. }, Cells { ranks: Some(b), .. }) => {
            a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>().abs()
        }
        (Cells { codes: Some(a), .. }, Cells { codes: Some(b), .. }) => tschuprow(a, b),
        (Cells { ranks: Some(ranks), .. }, Cells { codes: Some(codes), .. })
        | (Cells { codes: Some(codes), .. }, Cells { ranks: Some(ranks), .. }) => ratio(ranks, codes),
        _ => 0.0,
    }
}

/// The correlation of two columns of bits regardless of its sign, which is what T and Spearman's correlation are there.
fn phi((a, of_a): &(Vec<u64>, u32), (b, of_b): &(Vec<u64>, u32), rows: usize) -> f64 {
    let both: u32 = a.iter().zip(b).map(|(a, b)| (a & b).count_ones()).sum();
    let (n, of_a, of_b) = (rows as f64, f64::from(*of_a), f64::from(*of_b));
    let spread = of_a * (n - of_a) * of_b * (n - of_b);
    if spread > 0.0 { (n * f64::from(both) - of_a * of_b).abs() / libm::sqrt(spread) } else { 0.0 }
}

fn ratio(ranks: &[f64], (codes, levels): &(Vec<usize>, usize)) -> f64 {
    let mut sums = vec![(0.0, 0.0); *levels];
    for (&code, rank) in codes.iter().zip(ranks) {
        sums[code].0 += rank;
        sums[code].1 += 1.0;
    }
    libm::sqrt(sums.iter().map(|(sum, n)| sum * sum / n).sum())
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
