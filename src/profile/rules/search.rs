//! Searches for the conditions that tell one segment from all others.
//!
//! A beam search: the best single conditions, then the best conditions to add to each of those, and so on. Whenever a
//! rule has several conditions, each is chosen anew beside the others, because the best first condition alone is not
//! the best one in company.

use super::bins::{Binned, Kind, MISSING};
use super::{MOST_CONDITIONS, PART_COST};
use rayon::prelude::*;

/// How many rules of each length are pursued.
const BEAM: usize = 8;

/// How often the conditions of a rule are chosen anew.
const ROUNDS: usize = 3;

/// With fewer rows of the segment among those that check rules, the rows that rules were learned from check them too,
/// and a part of a rule has to improve it by [`FEW_COST`], or by one row of the segment if that is more: with a handful
/// of rows, some range of some column always fits.
const FEW: u32 = 30;
const FEW_COST: f64 = 0.05;

/// What a condition asks of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// Codes of numbers from the first, included, up to the second.
    Range(u8, u8),
    Is(u8),
    IsNot(u8),
}

impl Mark {
    fn holds(self, code: u8) -> bool {
        match self {
            Mark::Range(low, high) => low <= code && code < high,
            Mark::Is(level) => code == level,
            Mark::IsNot(level) => code != level,
        }
    }
}

/// A condition: the place of its column among the binned ones, and what is asked.
pub(super) type Asked = (usize, Mark);

/// The rows of a search: those that are learned from, then those that check.
pub(super) struct Sample<'a> {
    pub columns: &'a [Binned],
    pub segments: &'a [u32],
    pub weights: &'a [u64],
    /// How many rows each counts as where it matters how many there are.
    pub copies: &'a [u32],
    /// How many rows are learned from.
    pub train: usize,
}

/// The weight of the rows that meet a rule, and of those among them that are in the segment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Hits {
    pub all: u64,
    pub own: u64,
}

impl Hits {
    /// The F-measure of a rule, the harmonic mean of its precision and coverage, if the segment has this weight. Both
    /// numbers of the quotient are below 2^53, so it is rounded only once.
    pub(super) fn f(self, segment: u64) -> f64 {
        let sum = self.all + segment;
        if sum == 0 { 0.0 } else { (2 * self.own) as f64 / sum as f64 }
    }

    fn add(&mut self, weight: u64, own: bool) {
        self.all += weight;
        self.own += if own { weight } else { 0 };
    }
}

/// A rule while it is searched for.
#[derive(Debug, Clone, PartialEq)]
struct Draft {
    asked: Vec<Asked>,
    hits: Hits,
    f: f64,
}

/// Searches for the rule of one segment; empty if no condition is worth having.
pub(super) fn search(sample: &Sample<'_>, segment: u32) -> Vec<Asked> {
    let search = Search::new(sample, segment);
    let mut level = vec![search.draft(Vec::new())];
    let mut all = Vec::new();
    for _ in 0..MOST_CONDITIONS {
        level = search.longer(&level);
        all.extend(level.iter().map(|draft| draft.asked.clone()));
    }
    search.choose(all)
}

struct Search<'a> {
    sample: &'a Sample<'a>,
    segment: u32,
    /// The segment's weight among the rows that are learned from.
    weight: u64,
}

impl<'a> Search<'a> {
    fn new(sample: &'a Sample<'a>, segment: u32) -> Self {
        let rows = sample.segments.iter().zip(sample.weights).take(sample.train);
        let weight = rows.filter(|(s, _)| **s == segment).map(|(_, w)| w).sum();
        Search { sample, segment, weight }
    }

    fn draft(&self, asked: Vec<Asked>) -> Draft {
        let hits = self.hits(&asked, 0..self.sample.train);
        Draft { f: hits.f(self.weight), asked, hits }
    }

    /// Counts the rows that meet all conditions.
    fn hits(&self, asked: &[Asked], rows: std::ops::Range<usize>) -> Hits {
        let mut hits = Hits::default();
        for row in rows {
            if self.meets(asked, row) {
                hits.add(self.sample.weights[row], self.sample.segments[row] == self.segment);
            }
        }
        hits
    }

    fn meets(&self, asked: &[Asked], row: usize) -> bool {
        asked.iter().all(|&(column, mark)| mark.holds(self.sample.columns[column].codes[row]))
    }

    /// The best rules with one condition more than those given.
    fn longer(&self, level: &[Draft]) -> Vec<Draft> {
        let from_one = |draft: &Draft| {
            let rows = self.rows(&draft.asked);
            let free = |column: &usize| {
                // Another range of the same numbers would only narrow the first, which is chosen anew anyway.
                !draft.asked.iter().any(|(c, mark)| c == column && matches!(mark, Mark::Range(..)))
            };
            let of_column = |column: usize| {
                let found = self.marks(column, &rows).into_iter();
                found.filter(|(_, hits)| hits.f(self.weight) > draft.f).map(move |(mark, hits)| {
                    let asked = [draft.asked.as_slice(), &[(column, mark)]].concat();
                    Draft { f: hits.f(self.weight), asked, hits }
                })
            };
            (0..self.sample.columns.len()).filter(free).flat_map(of_column).collect::<Vec<_>>()
        };
        let found: Vec<Draft> = level.par_iter().flat_map_iter(from_one).collect();
        let best = self.best(found);
        if best.iter().all(|draft| draft.asked.len() < 2) {
            return best;
        }
        self.best(best.into_par_iter().map(|draft| self.chosen_anew(draft)).collect())
    }

    /// The rows that are learned from and meet all conditions, each with its weight.
    fn rows(&self, asked: &[Asked]) -> Vec<(u32, Hits)> {
        let hits = |row: usize| {
            let mut hits = Hits::default();
            hits.add(self.sample.weights[row], self.sample.segments[row] == self.segment);
            (row as u32, hits)
        };
        (0..self.sample.train).filter(|&row| self.meets(asked, row)).map(hits).collect()
    }

    /// The best few of these rules. Of rules that the same rows meet, only the first is kept: one column may be
    /// computed from another.
    fn best(&self, mut drafts: Vec<Draft>) -> Vec<Draft> {
        let order = |a: &Draft, b: &Draft| {
            let parts = |d: &Draft| self.parts(&d.asked);
            b.f.total_cmp(&a.f).then_with(|| parts(a).cmp(&parts(b))).then_with(|| a.asked.cmp(&b.asked))
        };
        drafts.sort_unstable_by(order);
        let mut best: Vec<Draft> = Vec::new();
        for draft in drafts {
            if best.len() == BEAM {
                break;
            }
            if best.iter().all(|other| other.hits != draft.hits) {
                best.push(draft);
            }
        }
        best
    }

    /// The rule with each of its conditions replaced by the best one on the same column, given the others.
    fn chosen_anew(&self, mut draft: Draft) -> Draft {
        for _ in 0..ROUNDS {
            let before = draft.f;
            for i in 0..draft.asked.len() {
                let column = draft.asked[i].0;
                let mut others = draft.asked.clone();
                others.remove(i);
                for (mark, hits) in self.marks(column, &self.rows(&others)) {
                    if hits.f(self.weight) > draft.f {
                        draft.asked[i] = (column, mark);
                        (draft.hits, draft.f) = (hits, hits.f(self.weight));
                    }
                }
            }
            if draft.f == before {
                break;
            }
        }
        draft
    }

    /// The best conditions of each kind on a column, for rows that meet the rest of the rule.
    fn marks(&self, column: usize, rows: &[(u32, Hits)]) -> Vec<(Mark, Hits)> {
        let binned = &self.sample.columns[column];
        let mut bins = [Hits::default(); 256];
        for (row, hits) in rows {
            let bin = &mut bins[usize::from(binned.codes[*row as usize])];
            bin.all += hits.all;
            bin.own += hits.own;
        }
        let total = sum(&bins);
        let without = |hits: Hits| Hits { all: total.all - hits.all, own: total.own - hits.own };
        let mut found = Vec::new();
        match &binned.kind {
            Kind::Numbers(_) => found.extend(ranges(&bins[..binned.kind.bins()], self.weight)),
            Kind::Texts { .. } => {
                for (level, hits) in (0..=u8::MAX).zip(&bins[..binned.kind.bins()]) {
                    found.push((Mark::Is(level), *hits));
                    found.push((Mark::IsNot(level), without(*hits)));
                }
            }
        }
        let missing = bins[usize::from(MISSING)];
        if missing.all > 0 {
            found.push((Mark::Is(MISSING), missing));
            found.push((Mark::IsNot(MISSING), without(missing)));
        }
        // A condition that all rows meet, or none, is none.
        found.retain(|(_, hits)| hits.all > 0 && hits.all < total.all);
        found.sort_by(|a, b| b.1.f(self.weight).total_cmp(&a.1.f(self.weight)).then(a.0.cmp(&b.0)));
        found.truncate(3);
        found
    }

    /// How many parts a rule has: a range with two bounds has two, any other condition one.
    fn parts(&self, asked: &[Asked]) -> usize {
        asked.iter().map(|asked| 1 + usize::from(self.is_two_sided(asked))).sum()
    }

    fn is_two_sided(&self, &(column, mark): &Asked) -> bool {
        matches!(mark, Mark::Range(low, high) if low > 0 && usize::from(high) < self.sample.columns[column].kind.bins())
    }

    /// The best rule on the rows that check rules, where each part costs a little, and without the parts that are not
    /// worth their cost.
    fn choose(&self, drafts: Vec<Vec<Asked>>) -> Vec<Asked> {
        let check = self.sample.train..self.sample.segments.len();
        let own = |rows: std::ops::Range<usize>| {
            let rows = rows.filter(|&row| self.sample.segments[row] == self.segment);
            rows.fold((0u32, 0), |(n, weight), row| {
                (n.saturating_add(self.sample.copies[row]), weight + self.sample.weights[row])
            })
        };
        let few = own(check.clone()).0 < FEW;
        let rows = if few { 0..check.end } else { check };
        let (n, weight) = own(rows.clone());
        let cost = if few { FEW_COST.max(1.0 / f64::from(n)) } else { PART_COST };
        let score =
            |asked: &Vec<Asked>| self.hits(asked, rows.clone()).f(weight) - cost * self.parts(asked) as f64;
        // The first of equally good ones: the earlier drafts are shorter.
        let best = |drafts: Vec<Vec<Asked>>| {
            let scored: Vec<(f64, Vec<Asked>)> = drafts.into_par_iter().map(|d| (score(&d), d)).collect();
            scored.into_iter().reduce(|a, b| if b.0 > a.0 { b } else { a })
        };
        let Some(mut kept) = best([vec![Vec::new()], drafts].concat()) else { return Vec::new() };
        while let Some(less) = best(self.shortened(&kept.1)).filter(|less| less.0 >= kept.0) {
            kept = less;
        }
        kept.1
    }

    /// The rule without one of its parts, for each of them.
    fn shortened(&self, asked: &[Asked]) -> Vec<Vec<Asked>> {
        let mut shorter = Vec::new();
        for i in 0..asked.len() {
            let mut without = asked.to_vec();
            let (column, mark) = without.remove(i);
            shorter.push(without);
            if let (Mark::Range(low, high), true) = (mark, self.is_two_sided(&asked[i])) {
                let bins = self.sample.columns[column].kind.bins() as u8;
                for mark in [Mark::Range(low, bins), Mark::Range(0, high)] {
                    let mut one_sided = asked.to_vec();
                    one_sided[i] = (column, mark);
                    shorter.push(one_sided);
                }
            }
        }
        shorter
    }
}

fn sum(bins: &[Hits]) -> Hits {
    bins.iter().fold(Hits::default(), |a, b| Hits { all: a.all + b.all, own: a.own + b.own })
}

/// The best lower bound, the best upper bound and the best range of a column's bins, where the segment has this weight.
fn ranges(bins: &[Hits], segment: u64) -> Vec<(Mark, Hits)> {
    let end = bins.len();
    let total = sum(bins);
    let (mut at_least, mut below) = ((0, total), (end, total));
    let mut before = Hits::default();
    for (i, bin) in bins.iter().enumerate().take(end.saturating_sub(1)) {
        before = sum(&[before, *bin]);
        let after = Hits { all: total.all - before.all, own: total.own - before.own };
        if after.f(segment) > at_least.1.f(segment) {
            at_least = (i + 1, after);
        }
        if before.f(segment) > below.1.f(segment) {
            below = (i + 1, before);
        }
    }
    let mut found = vec![
        (Mark::Range(at_least.0 as u8, end as u8), at_least.1),
        (Mark::Range(0, below.0 as u8), below.1),
    ];
    let best = if at_least.1.f(segment) >= below.1.f(segment) {
        (at_least.0..end, at_least.1)
    } else {
        (0..below.0, below.1)
    };
    let (range, hits) = best_range(bins, segment, best);
    found.push((Mark::Range(range.start as u8, range.end as u8), hits));
    // The whole range says only that the number is not missing.
    found.retain(|(mark, _)| *mark != Mark::Range(0, end as u8));
    found.dedup_by_key(|(mark, _)| *mark);
    found
}

/// The range of bins with the highest F-measure, found as Dinkelbach (1967) maximises a quotient: as long as some range
/// makes `2 own - f (all + segment)` positive for the best `f` so far, it is better.
fn best_range(
    bins: &[Hits],
    segment: u64,
    mut best: (std::ops::Range<usize>, Hits),
) -> (std::ops::Range<usize>, Hits) {
    loop {
        let (over, under) = (i128::from(2 * best.1.own), i128::from(best.1.all + segment));
        let (mut most, mut range) = (0i128, 0..0);
        let (mut run, mut start) = (0i128, 0);
        for (i, bin) in bins.iter().enumerate() {
            if run <= 0 {
                (run, start) = (0, i);
            }
            run += i128::from(2 * bin.own) * under - i128::from(bin.all) * over;
            if run > most {
                (most, range) = (run, start..i + 1);
            }
        }
        if most <= over * i128::from(segment) {
            return best;
        }
        let hits = sum(&bins[range.clone()]);
        best = (range, hits);
    }
}
