//! Reference tables: twins, which have the columns' distributions and their rank correlation but no gaps, and tables of
//! permuted columns, which have the distributions alone.

use super::margin::Margin;
use super::root::root;
use crate::random::{Draws, Purpose};
use rayon::prelude::*;
use std::ops::Range;

/// The rows that are looked at: for each feature its values.
pub(super) type Columns = Vec<Vec<f64>>;

/// How often the correlation is adjusted where it involves discrete columns.
const ADJUSTMENTS: usize = 3;

/// Each adjustment looks at about so many rows.
const ADJUSTING_ROWS: usize = 6000;

/// The streams of the tables that adjust the correlation begin here.
const ADJUSTING: u64 = 1 << 32;

/// A one-hot block: the latent normal number of each category plus its offset competes with the others', and the largest
/// wins.
struct OneHot {
    /// The categories' features.
    features: Range<usize>,
    /// For each category its offset.
    offsets: Vec<f64>,
    /// The offset of a row in which no category is set; none if every row has one.
    no_category: Option<f64>,
    /// For each category the feature's value and its score where it is not set, and where it is.
    off_on: Vec<[(f64, f64); 2]>,
}

/// What twins are drawn from.
pub(super) struct Twins<'a> {
    columns: &'a Columns,
    blocks: Vec<OneHot>,
    margins: Vec<Margin>,
    /// For each feature whether it belongs to a block.
    in_block: Vec<bool>,
    /// Turns independent normal numbers into correlated ones: for each of the former its share in each of the latter, `d * d`.
    root: Vec<f64>,
    draws: Draws,
    permutations: Draws,
}

impl<'a> Twins<'a> {
    /// Learns from the columns. Blocks that are not one-hot are taken for ordinary columns.
    pub(super) fn new(columns: &'a Columns, blocks: &[Range<usize>], seed: u64) -> Self {
        let d = columns.len();
        let (margins, scores): (Vec<Margin>, Vec<Vec<f64>>) =
            columns.par_iter().map(|c| Margin::new(c)).unzip();
        let blocks: Vec<OneHot> =
            blocks.iter().filter_map(|block| OneHot::new(columns, &margins, block.clone())).collect();
        let mut in_block = vec![false; d];
        blocks.iter().for_each(|b| in_block[b.features.clone()].fill(true));
        let mut twins = Twins {
            columns,
            blocks,
            margins,
            in_block,
            root: Vec::new(),
            draws: Draws::new(seed, Purpose::StructureTwin),
            permutations: Draws::new(seed, Purpose::StructurePermutation),
        };
        twins.learn_correlation(&scores);
        twins
    }

    fn learn_correlation(&mut self, scores: &[Vec<f64>]) {
        let d = self.columns.len();
        let wanted = correlation(scores);
        let mut r = wanted.clone();
        for block in &self.blocks {
            for (i, j) in pairs(block.features.clone()) {
                (r[i * d + j], r[j * d + i]) = (0.0, 0.0);
            }
        }
        self.root = transposed(&root(&r, d), d);
        let inexact: Vec<bool> = (0..d).map(|j| self.in_block[j] || self.margins[j].discrete).collect();
        if !inexact.contains(&true) {
            return;
        }
        let same_block = |i: usize, j: usize| {
            self.blocks.iter().any(|b| b.features.contains(&i) && b.features.contains(&j))
        };
        let free: Vec<(usize, usize)> = pairs(0..d)
            .filter(|&(i, j)| (inexact[i] || inexact[j]) && !same_block(i, j))
            .filter(|&(i, j)| wanted[i * d + i] > 0.0 && wanted[j * d + j] > 0.0)
            .collect();
        let tables = ADJUSTING_ROWS.div_ceil(self.columns[0].len()).min(16) as u64;
        for _ in 0..ADJUSTMENTS {
            let mut got = vec![0.0; d * d];
            for t in 0..tables {
                let (_, scores) = self.draw(ADJUSTING + t);
                got.iter_mut().zip(correlation(&scores)).for_each(|(g, c)| *g += c / tables as f64);
            }
            for &(i, j) in &free {
                let adjusted = (r[i * d + j] + wanted[i * d + j] - got[i * d + j]).clamp(-0.99, 0.99);
                (r[i * d + j], r[j * d + i]) = (adjusted, adjusted);
            }
            self.root = transposed(&root(&r, d), d);
        }
    }

    /// The twin with this number.
    pub(super) fn twin(&self, number: u64) -> Columns {
        self.draw(number).0
    }

    /// A twin's values and scores.
    fn draw(&self, number: u64) -> (Columns, Columns) {
        let (n, d) = (self.columns[0].len(), self.columns.len());
        let mut stream = self.draws.at(number);
        let mut latent = vec![vec![0.0; n]; d];
        let (mut independent, mut correlated) = (vec![0.0; d], vec![0.0; d]);
        let mut nothing = vec![vec![0.0; n]; self.blocks.len()];
        for i in 0..n {
            independent.iter_mut().for_each(|z| *z = stream.normal());
            // One independent number after the other, so that the inner loop is a vector's.
            correlated.fill(0.0);
            for (z, share) in independent.iter().zip(self.root.chunks_exact(d)) {
                correlated.iter_mut().zip(share).for_each(|(sum, a)| *sum += a * z);
            }
            latent.iter_mut().zip(&correlated).for_each(|(column, &z)| column[i] = z);
            nothing.iter_mut().for_each(|column| column[i] = stream.normal());
        }
        let mut values = vec![Vec::new(); d];
        let mut scores = vec![Vec::new(); d];
        for j in (0..d).filter(|&j| !self.in_block[j]) {
            let z = &latent[j];
            let mut order: Vec<usize> = (0..n).collect();
            order.sort_unstable_by(|&a, &b| z[a].total_cmp(&z[b]).then(a.cmp(&b)));
            (values[j], scores[j]) = (vec![0.0; n], vec![0.0; n]);
            for (rank, &i) in order.iter().enumerate() {
                values[j][i] = self.margins[j].values[rank];
                scores[j][i] = self.margins[j].scores[rank];
            }
        }
        for (block, nothing) in self.blocks.iter().zip(&nothing) {
            block.draw(&latent, nothing, &mut values, &mut scores);
        }
        (values, scores)
    }

    /// The table with this number in which each column is permuted on its own, and a one-hot block as a unit.
    pub(super) fn permuted(&self, number: u64) -> Columns {
        let n = self.columns[0].len();
        let mut stream = self.permutations.at(number);
        let mut out = vec![Vec::new(); self.columns.len()];
        let mut permute = |features: Range<usize>| {
            let order = permutation(n, || stream.bits());
            for j in features {
                out[j] = order.iter().map(|&i| self.columns[j][i]).collect();
            }
        };
        (0..self.columns.len()).filter(|&j| !self.in_block[j]).for_each(|j| permute(j..j + 1));
        self.blocks.iter().for_each(|block| permute(block.features.clone()));
        out
    }
}

fn transposed(a: &[f64], d: usize) -> Vec<f64> {
    (0..d * d).map(|at| a[at % d * d + at / d]).collect()
}

/// The numbers below n in random order.
pub(super) fn permutation(n: usize, mut bits: impl FnMut() -> u64) -> Vec<usize> {
    let mut keys: Vec<(u64, usize)> = (0..n).map(|i| (bits(), i)).collect();
    keys.sort_unstable();
    keys.into_iter().map(|(_, i)| i).collect()
}

impl OneHot {
    fn new(columns: &Columns, margins: &[Margin], features: Range<usize>) -> Option<Self> {
        if features.len() < 2 || features.end > columns.len() {
            return None;
        }
        let n = columns[0].len();
        let mut off_on = Vec::new();
        let mut counts = Vec::new();
        let mut set = vec![0usize; n];
        for j in features.clone() {
            let margin = &margins[j];
            let (off, on) = (margin.values[0], margin.values[n - 1]);
            if columns[j].iter().any(|&v| v != off && v != on) {
                return None;
            }
            off_on.push([(off, margin.scores[0]), (on, margin.scores[n - 1])]);
            let own = |v: f64| v == on && on > off;
            set.iter_mut().zip(&columns[j]).for_each(|(set, &v)| *set += usize::from(own(v)));
            counts.push(columns[j].iter().filter(|&&v| own(v)).count());
        }
        if set.iter().any(|&set| set > 1) {
            return None;
        }
        let without = set.iter().filter(|&&set| set == 0).count();
        let shares: Vec<f64> =
            counts.iter().chain([&without]).map(|&count| count as f64 / n as f64).collect();
        let mut offsets = offsets(&shares);
        let no_category = offsets.pop().filter(|_| without > 0);
        Some(OneHot { features, offsets, no_category, off_on })
    }

    /// Fills in the block's features: in each row the category with the largest latent number is set.
    fn draw(&self, latent: &Columns, nothing: &[f64], values: &mut Columns, scores: &mut Columns) {
        let winner = |i: usize| {
            let none = (self.no_category.map_or(f64::NEG_INFINITY, |offset| offset + nothing[i]), None);
            let own = self.features.clone().zip(&self.offsets);
            own.map(|(j, offset)| (offset + latent[j][i], Some(j)))
                .fold(none, |best, own| if own.0 > best.0 { own } else { best })
                .1
        };
        let winners: Vec<Option<usize>> = (0..nothing.len()).map(winner).collect();
        for (j, off_on) in self.features.clone().zip(&self.off_on) {
            let at = |winner: &Option<usize>| off_on[usize::from(*winner == Some(j))];
            values[j] = winners.iter().map(|w| at(w).0).collect();
            scores[j] = winners.iter().map(|w| at(w).1).collect();
        }
    }
}

/// Points at which the integral over a latent number is taken, from -8 to 8.
const POINTS: usize = 161;

/// Offsets with which each of several independent normal numbers is the largest with a given probability. A category without
/// rows gets minus infinity.
fn offsets(shares: &[f64]) -> Vec<f64> {
    let mut offsets: Vec<f64> =
        shares.iter().map(|&s| if s > 0.0 { 0.5 * libm::log(s) } else { f64::NEG_INFINITY }).collect();
    let below = |z: f64| 0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2);
    for _ in 0..60 {
        let top = offsets.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut wins = vec![0.0; shares.len()];
        for point in 0..POINTS {
            let t = top - 8.0 + 16.0 * point as f64 / (POINTS - 1) as f64;
            let lower: Vec<f64> = offsets.iter().map(|o| below(t - o).max(1e-300)).collect();
            let all: f64 = lower.iter().map(|&l| libm::log(l)).sum();
            for ((win, offset), lower) in wins.iter_mut().zip(&offsets).zip(&lower) {
                let density = libm::exp(-0.5 * (t - offset) * (t - offset));
                *win += density * libm::exp(all - libm::log(*lower));
            }
        }
        let total: f64 = wins.iter().sum();
        let mut worst: f64 = 0.0;
        for ((offset, win), &share) in offsets.iter_mut().zip(wins).zip(shares).filter(|(_, s)| **s > 0.0) {
            let step = libm::log(share / (win / total).max(1e-12));
            worst = worst.max(step.abs());
            *offset += 0.5 * step;
        }
        if worst < 1e-4 {
            break;
        }
    }
    offsets
}

/// The pairs i > j of some numbers.
fn pairs(of: Range<usize>) -> impl Iterator<Item = (usize, usize)> {
    of.clone().flat_map(move |i| (of.start..i).map(move |j| (i, j)))
}

/// The correlations of columns of scores, whose means need not be 0; the diagonal is 1. A constant column is correlated
/// with none.
fn correlation(scores: &[Vec<f64>]) -> Vec<f64> {
    let d = scores.len();
    let centred: Vec<Vec<f64>> = scores
        .iter()
        .map(|column| {
            let mean = column.iter().sum::<f64>() / column.len() as f64;
            let mut own: Vec<f64> = column.iter().map(|s| s - mean).collect();
            let norm = own.iter().map(|s| s * s).sum::<f64>().sqrt();
            let scale = if norm > 1e-9 { 1.0 / norm } else { 0.0 };
            own.iter_mut().for_each(|s| *s *= scale);
            own
        })
        .collect();
    let mut r = vec![0.0; d * d];
    for (i, j) in pairs(0..d) {
        let dot: f64 = centred[i].iter().zip(&centred[j]).map(|(a, b)| a * b).sum();
        (r[i * d + j], r[j * d + i]) = (dot, dot);
    }
    (0..d).for_each(|i| r[i * d + i] = 1.0);
    r
}

#[cfg(test)]
mod tests;
