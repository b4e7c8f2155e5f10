//! Moves the bounds of a rule from the edges of bins to the best places between the table's values, and makes round
//! numbers of them.

use super::bins::Numbers;
use super::condition::{Condition, Range, Test};
use super::parts::Entry;
use super::search::Hits;
use crate::table::Values;

/// In a column of many different numbers, a bound may cost this part of the F-measure to become a rounder number.
const ROUNDING: f64 = 0.002;

/// The rows that a rule is fitted to.
pub(super) struct Fitted<'a> {
    pub parts: [&'a [Entry]; 2],
    pub segment: u32,
    /// The values of each condition's column.
    pub values: &'a [&'a Values],
}

impl Fitted<'_> {
    /// Moves each bound of the conditions in turn. `columns` are those of the conditions; `None` for texts.
    pub(super) fn refine(&self, conditions: &mut [Condition], columns: &[Option<&Numbers>]) {
        for i in 0..conditions.len() {
            let Some(bins) = columns[i] else { continue };
            for upper in [false, true] {
                let Test::Range(range) = conditions[i].test else { continue };
                let Some(bound) = (if upper { range.below } else { range.at_least }) else { continue };
                let moved = self.moved(conditions, i, upper, bound, bins);
                let range = match (upper, moved) {
                    (_, None) => continue,
                    (false, moved) => Range { at_least: moved, ..range },
                    (true, moved) => Range { below: moved, ..range },
                };
                if range.at_least.zip(range.below).is_none_or(|(low, high)| low < high) {
                    conditions[i].test = Test::Range(range);
                }
            }
        }
    }

    /// The best place of one bound, up to two bins away from where it is.
    fn moved(
        &self,
        conditions: &[Condition],
        i: usize,
        upper: bool,
        bound: f64,
        bins: &Numbers,
    ) -> Option<f64> {
        let at = bins.edges.partition_point(|edge| *edge < bound);
        let low = at.checked_sub(2).map_or(f64::NEG_INFINITY, |i| bins.edges[i]);
        let high = bins.edges.get(at + 2).copied().unwrap_or(f64::INFINITY);
        let Test::Range(range) = conditions[i].test else { return None };
        let beyond = if upper { Range { below: None, ..range } } else { Range { at_least: None, ..range } };
        // The rows near the bound, and the weight of those that are inside wherever the bound lies.
        let (mut near, mut inside, mut segment): (Vec<(f64, Hits)>, Hits, u64) = Default::default();
        let mut below = f64::NEG_INFINITY;
        for entry in self.parts.into_iter().flatten() {
            let own = entry.segment == self.segment;
            segment += if own { entry.weight } else { 0 };
            let row = entry.row as usize;
            let value = self.values[i].number(row).unwrap_or(f64::NAN) + 0.0;
            let others = conditions.iter().zip(self.values).enumerate().filter(|(j, _)| *j != i);
            if !beyond.contains(value)
                || !others.into_iter().all(|(_, (c, values))| c.test.holds(values, row))
            {
                continue;
            }
            let hit = Hits { all: entry.weight, own: if own { entry.weight } else { 0 } };
            if value >= low && value < high {
                near.push((value, hit));
            } else if (value < low) == upper {
                inside = Hits { all: inside.all + hit.all, own: inside.own + hit.own };
            }
            if value < low {
                below = below.max(value);
            }
        }
        near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let near = near.chunk_by(|a, b| a.0 == b.0).map(|same| {
            same.iter().fold((same[0].0, Hits::default()), |(v, sum), (_, hit)| {
                (v, Hits { all: sum.all + hit.all, own: sum.own + hit.own })
            })
        });
        let near: Vec<(f64, Hits)> = near.collect();
        let cost = if bins.exact { 0.0 } else { ROUNDING };
        let place = best_place(&near, inside, segment, upper, cost, high.is_finite())?;
        // No row that the other conditions leave may lie between the last value and the end of the bins that are looked at.
        let above = |place: usize| near.get(place).map_or(high, |(value, _)| *value);
        let beneath = |place: usize| place.checked_sub(1).map_or(below, |i| near[i].0);
        let (from, to) = (beneath(place.first), above(place.last));
        // Below every value, a bound would hold for all rows or for none.
        if from == f64::NEG_INFINITY {
            return None;
        }
        let middle = 0.5 * beneath(place.best).max(from) + 0.5 * above(place.best);
        roundest(from, to, middle, bins.whole).or(Some(to))
    }
}

/// Places of a bound: `i` is between the values `i - 1` and `i`.
struct Places {
    first: usize,
    best: usize,
    last: usize,
}

/// The place where the rule has the highest F-measure, and the places around it that cost no more than the given part. Only
/// with `more` may the bound lie above the last value.
fn best_place(
    near: &[(f64, Hits)],
    inside: Hits,
    segment: u64,
    upper: bool,
    cost: f64,
    more: bool,
) -> Option<Places> {
    let mut hits = inside;
    if !upper {
        near.iter().for_each(|(_, hit)| hits = Hits { all: hits.all + hit.all, own: hits.own + hit.own });
    }
    let mut scores = vec![hits.f(segment)];
    for (_, hit) in near {
        hits = match upper {
            true => Hits { all: hits.all + hit.all, own: hits.own + hit.own },
            false => Hits { all: hits.all - hit.all, own: hits.own - hit.own },
        };
        scores.push(hits.f(segment));
    }
    let best = (0..scores.len()).reduce(|a, b| if scores[b] > scores[a] { b } else { a })?;
    let enough = scores[best] * (1.0 - cost);
    let first = (0..=best).rev().take_while(|&i| scores[i] >= enough).last()?;
    let last = (best..scores.len()).take_while(|&i| scores[i] >= enough).last()?;
    let end = if more { near.len() } else { near.len().checked_sub(1)? };
    (best <= end).then_some(Places { first, best, last: last.min(end) })
}

/// The number with the fewest digits above `from` and not above `to`; of several, the one nearest to `near`. `None` if
/// there is none with up to 17 digits.
fn roundest(from: f64, to: f64, near: f64, whole: bool) -> Option<f64> {
    if from < 0.0 && to >= 0.0 {
        return Some(0.0);
    }
    let size = if from.is_finite() { from.abs().max(to.abs()) } else { to.abs() };
    if size == 0.0 || !size.is_finite() {
        return None;
    }
    let top = libm::floor(libm::log10(size)) as i32 + 1;
    let least = if whole { 0 } else { top - 17 };
    for exponent in (least..=top).rev() {
        // Parsing gives the number that the digits stand for, which a product of powers need not.
        let multiple = |units: f64| format!("{units:.0}e{exponent}").parse::<f64>().ok();
        let scaled = |value: f64| value / libm::exp10(f64::from(exponent));
        let units = libm::rint(scaled(if near.is_finite() { near } else { to }));
        let around = [units, units - 1.0, units + 1.0].into_iter();
        let ends = [libm::ceil(scaled(to)), libm::floor(scaled(to))].into_iter();
        let fits = around.chain(ends).filter_map(multiple).find(|v| *v > from && *v <= to);
        if fits.is_some() {
            return fits;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::roundest;

    #[test]
    fn bounds_are_the_roundest_numbers_that_divide_the_values() {
        for (from, to, whole, expected) in [
            (39.98, 40.07, false, Some(40.0)),
            (14.0, 15.0, true, Some(15.0)),
            (14.0, 18.0, true, Some(16.0)),
            (14.0, 22.0, true, Some(20.0)),
            (0.0, 1.0, true, Some(1.0)),
            (-3.5, 2.0, false, Some(0.0)),
            (-3.0, 0.0, true, Some(0.0)),
            (-8.4, -7.9, false, Some(-8.0)),
            (-1.0, -0.25, false, Some(-0.6)),
            (0.1, 0.100_000_001_490_116_12, false, Some(0.100_000_001)),
            (1.0, 1.0 + f64::EPSILON, false, Some(1.0 + f64::EPSILON)),
            (949_990.0, 950_020.0, true, Some(950_000.0)),
            (2.2e-9, 3.4e-9, false, Some(3e-9)),
            (9.0, 10.0, true, Some(10.0)),
            (0.0, 0.0, false, None),
            (5.0, f64::INFINITY, false, None),
        ] {
            assert_eq!(roundest(from, to, 0.5 * from + 0.5 * to, whole), expected, "{from} {to}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_round_number_divides_its_neighbours(from in -1e12..1e12f64, gap in 1e-9..1e6f64, near in 0.0..1.0f64) {
            let to = from + gap;
            proptest::prop_assume!(to > from);
            let found = roundest(from, to, from + near * gap, false);
            proptest::prop_assert!(found.is_none_or(|t| t > from && t <= to));
            // An interval that is wide beside its distance from 0 has a number of few digits.
            if let Some(t) = found {
                let digits = t.abs().to_string().trim_end_matches('0').replace('.', "").trim_start_matches('0').len();
                let needed = (libm::log10(to.abs().max(from.abs()) / gap).max(0.0) + 2.0) as usize;
                proptest::prop_assert!(digits <= needed, "{} {} {}", from, to, t);
            }
        }
    }
}
