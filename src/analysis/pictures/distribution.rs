//! Distributions of columns of numbers, for histograms and box plots.

use super::super::prepare::Prepared;
use super::{Distribution, Shape};
use crate::describe::is_key;
use crate::model::Assignment;
use crate::profile::Profile;
use crate::table::Values;
use crate::weights::Weights;
use rayon::prelude::*;

/// So many columns are drawn at most.
const COLUMNS: usize = 24;
/// So many bins a histogram has at most.
const BINS: usize = 30;
/// The quantiles of a box plot.
const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];
/// The quantiles that a histogram reaches from and to.
const ENDS: [f64; 2] = [0.01, 0.99];

/// A row's value, its segment, and how many copies of the row there are in steps of weight.
pub(super) type Entry = (f64, u32, u64);

impl Prepared {
    /// The distributions of the columns that a profile describes, beginning with the features that tell most segments apart.
    pub(super) fn distributions(
        &self,
        rows: &[Option<Assignment>],
        k: usize,
        profile: &Profile,
    ) -> Vec<Distribution> {
        let Some(table) = &self.table else { return Vec::new() };
        let weights = self.table_weights();
        let mut columns: Vec<(&str, bool)> =
            profile.separation.iter().map(|one| (one.column.as_str(), one.feature)).collect();
        columns.sort_by_key(|(_, feature)| !feature);
        let numbers = columns.into_iter().filter(|(column, _)| profile.overall.get(column).is_some());
        // One column after the other, so that only one needs memory.
        let found = numbers.filter_map(|(name, feature)| {
            let column = table.columns.iter().find(|column| column.name == name)?;
            let segment = |row: usize| rows[row].as_ref().map(|found| found.segment);
            let in_range = |segment: &u32| (*segment as usize) < k;
            let entries = entries(&column.values, weights.as_ref(), |row| segment(row).filter(in_range));
            // A histogram of ids tells nothing. What segments were made from is a measurement.
            if !feature && is_key(table, column, entries.iter().map(|entry| entry.0)) {
                return None;
            }
            distribution(entries, (name, feature), k, weights.as_ref().map_or(1.0, |w| w.as_copies(1)))
        });
        found.take(COLUMNS).collect()
    }
}

/// The values of the rows that have a group, each with its group and its weight in steps, in ascending order.
pub(super) fn entries(
    values: &Values,
    weights: Option<&Weights>,
    group: impl Fn(usize) -> Option<u32>,
) -> Vec<Entry> {
    let entry = |row: usize| -> Option<Entry> {
        let value = values.number(row).filter(|value| value.is_finite())?;
        let step = weights.map_or(1, |weights| weights.steps().get(row).copied().unwrap_or(0));
        (step > 0).then_some((value, group(row)?, step))
    };
    let mut entries: Vec<Entry> = (0..values.len()).filter_map(entry).collect();
    // Entries that are equal in all are the same, so any order of them gives the same sums.
    entries.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    entries
}

/// The distribution of one column of sorted values; `None` if it has fewer than three different ones. A step of weight is
/// `copies` rows.
fn distribution(
    entries: Vec<Entry>,
    (column, feature): (&str, bool),
    k: usize,
    copies: f64,
) -> Option<Distribution> {
    let different = 1 + entries.windows(2).filter(|pair| pair[0].0 < pair[1].0).take(2).count();
    if different < 3 {
        return None;
    }
    let whole = entries.iter().all(|entry| entry.0.fract() == 0.0);
    let all = Sorted::new(&entries, copies);
    let ends = ENDS.map(|q| all.quantile(q));
    let log = all.is_skewed() && (!whole || narrowest(ends) >= 1.0);
    let edges = edges(ends, whole && !log, log)?;
    let (first, last) = (edges.first().copied()?, edges.last().copied()?);
    let beyond = |outside: &dyn Fn(f64) -> bool| {
        let out = entries.iter().filter(|entry| outside(entry.0)).map(|entry| u128::from(entry.2));
        rounded(out.sum::<u128>() as f64 / all.steps() as f64)
    };
    let segments = (0..k as u32).map(|segment| {
        let own: Vec<Entry> = entries.iter().filter(|entry| entry.1 == segment).copied().collect();
        Sorted::new(&own, copies).shape(&edges)
    });
    Some(Distribution {
        column: column.into(),
        feature,
        log,
        beyond: (beyond(&|value| value < first), beyond(&|value| value > last)),
        all: all.shape(&edges),
        segments: segments.collect(),
        edges,
    })
}

/// Sorted values with their weights.
pub(super) struct Sorted<'a> {
    entries: &'a [Entry],
    /// The steps of weight up to and with each entry.
    reach: Vec<u128>,
    /// How many copies of a row a step is.
    copies: f64,
}

impl<'a> Sorted<'a> {
    pub(super) fn new(entries: &'a [Entry], copies: f64) -> Self {
        let mut sum = 0u128;
        let reach = entries.iter().map(|entry| {
            sum += u128::from(entry.2);
            sum
        });
        Sorted { entries, reach: reach.collect(), copies }
    }

    /// The total weight in steps.
    fn steps(&self) -> u128 {
        self.reach.last().copied().unwrap_or(0)
    }

    /// A quantile of the values, each written out as often as it has copies, interpolated linearly as in NumPy. Where copies are not
    /// whole numbers, the value at a position is the first for which the sum of copies reaches the position.
    pub(super) fn quantile(&self, q: f64) -> f64 {
        let all = self.steps() as f64 * self.copies;
        // Copies that are not whole are products with rounding errors.
        let slack = all * 1e-12;
        let at = |position: f64| {
            let index = self.reach.partition_point(|&steps| steps as f64 * self.copies < position - slack);
            self.entries.get(index).or(self.entries.last()).map_or(f64::NAN, |entry| entry.0)
        };
        let place = (all - 1.0).max(0.0) * q;
        let below = libm::floor(place);
        let (low, high) = (at(below + 1.0), at(below + 2.0));
        low + (high - low) * (place - below)
    }

    /// Whether numbers above 0 spread over orders of magnitude, with a tail towards the large ones.
    fn is_skewed(&self) -> bool {
        let [low, middle, high] = [0.05, 0.5, 0.95].map(|q| self.quantile(q));
        let positive = self.entries.first().is_some_and(|entry| entry.0 > 0.0);
        positive && high > 20.0 * low && high - middle > 4.0 * (middle - low)
    }

    /// How the values are distributed over bins, of which there may be none. A value on an edge is in the bin above it; the
    /// last bin has both of its edges.
    pub(super) fn shape(&self, edges: &[f64]) -> Shape {
        let bins = edges.len().saturating_sub(1);
        let mut counts = vec![0u128; bins];
        let total = self.steps();
        if total == 0 {
            return Shape { shares: vec![0.0; bins], ..Shape::default() };
        }
        let binned = if bins == 0 { &[][..] } else { self.entries };
        for &(value, _, step) in binned {
            let bin = match edges.partition_point(|&edge| edge <= value) {
                0 => continue,
                above if above <= bins => above - 1,
                _ if value == edges[bins] => bins - 1,
                _ => continue,
            };
            counts[bin] += u128::from(step);
        }
        let sum: f64 = self.entries.iter().map(|entry| entry.0 * entry.2 as f64).sum();
        Shape {
            count: self.entries.len() as u64,
            mean: Some(sum / total as f64),
            quantiles: Some(QUANTILES.map(|q| self.quantile(q))),
            shares: counts.into_iter().map(|count| rounded(count as f64 / total as f64)).collect(),
        }
    }
}

/// The width of the narrowest bin on a logarithmic scale. Whole numbers need a width of 1, or some bins could hold none of them.
fn narrowest([low, high]: [f64; 2]) -> f64 {
    low * (libm::exp((libm::log(high) - libm::log(low)) / BINS as f64) - 1.0)
}

/// The edges of the bins between two ends.
fn edges([low, high]: [f64; 2], whole: bool, log: bool) -> Option<Vec<f64>> {
    let bins = BINS as f64;
    if whole {
        // Each bin holds the same number of whole numbers, which lie between its edges.
        let (low, high) = (low.floor(), high.ceil());
        let width = ((high - low + 1.0) / bins).ceil().max(1.0);
        let count = ((high - low + 1.0) / width).ceil().max(1.0) as usize;
        let edges: Vec<f64> = (0..=count).map(|i| low - 0.5 + width * i as f64).collect();
        return edges.is_sorted_by(|a, b| a < b).then_some(edges);
    }
    let at = |i: usize| {
        let share = i as f64 / bins;
        match log {
            true => libm::exp(libm::log(low) + share * (libm::log(high) - libm::log(low))),
            false => low + share * (high - low),
        }
    };
    let mut edges: Vec<f64> = (0..=BINS).map(at).collect();
    (edges[0], edges[BINS]) = (low, high);
    let sound = edges.iter().all(|edge| edge.is_finite()) && edges.is_sorted_by(|a, b| a < b);
    sound.then_some(edges)
}

/// A share with the digits that a drawing can show.
fn rounded(share: f64) -> f64 {
    (share * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::{Entry, Sorted, distribution, edges};

    fn entries(values: &[(f64, u64)]) -> Vec<Entry> {
        values.iter().map(|&(value, step)| (value, 0, step)).collect()
    }

    #[test]
    fn quantiles_are_those_of_the_rows_written_out() {
        let copies = entries(&[(1.0, 1), (1.0, 1), (4.0, 1), (9.0, 1), (9.0, 1), (9.0, 1), (11.0, 1)]);
        let copies = Sorted::new(&copies, 1.0);
        let weighted = entries(&[(1.0, 2), (4.0, 1), (9.0, 3), (11.0, 1)]);
        // Twice the steps of half a copy each are the same rows.
        let halves = entries(&[(1.0, 4), (4.0, 2), (9.0, 6), (11.0, 2)]);
        for q in [0.0, 0.05, 0.25, 0.4, 0.5, 0.75, 0.95, 1.0] {
            for other in [Sorted::new(&weighted, 1.0), Sorted::new(&halves, 0.5)] {
                assert_eq!(other.quantile(q).to_bits(), copies.quantile(q).to_bits(), "{q}");
            }
        }
        assert_eq!((copies.quantile(0.5), copies.quantile(1.0)), (9.0, 11.0));
        assert_eq!(copies.quantile(0.25), 2.5, "halfway between the second and the third");
        // Every row twice: fourteen rows, whose quarter lies at position 3.25 of 1, 1, 1, 1, 4, ...
        let twice = Sorted::new(&weighted, 2.0);
        assert_eq!(twice.quantile(0.25), 1.75);
    }

    #[test]
    fn whole_numbers_have_bins_of_their_own() {
        assert_eq!(edges([2.0, 4.0], true, false).unwrap(), [1.5, 2.5, 3.5, 4.5]);
        let wide = edges([0.0, 100.0], true, false).unwrap();
        assert!(wide.len() <= 31 && wide.windows(2).all(|pair| pair[1] - pair[0] == 4.0), "{wide:?}");
        assert!(*wide.last().unwrap() > 100.0);
    }

    #[test]
    fn edges_on_a_logarithmic_scale_have_equal_ratios() {
        let edges = edges([0.1, 1000.0], false, true).unwrap();
        assert_eq!((edges[0], edges[30]), (0.1, 1000.0));
        let ratio = edges[1] / edges[0];
        assert!(edges.windows(2).all(|pair| (pair[1] / pair[0] / ratio - 1.0).abs() < 1e-9));
    }

    #[test]
    fn whole_numbers_have_a_logarithmic_scale_only_if_every_bin_can_hold_some() {
        // A long tail from 1 on, and the same a thousand times as large.
        let tail = |unit: f64| -> Vec<Entry> {
            (0..1000).map(|i| ((unit * 1.01f64.powi(i)).round(), 0, 1)).collect()
        };
        let is_log = |unit: f64| distribution(tail(unit), ("pay", true), 1, 1.0).unwrap().log;
        assert!(!is_log(1.0));
        assert!(is_log(1000.0));
    }

    #[test]
    fn each_value_is_in_one_bin() {
        let values = entries(&[(-1.0, 1), (0.0, 1), (1.0, 2), (2.0, 4), (3.0, 2)]);
        let found = Sorted::new(&values, 1.0).shape(&[0.0, 1.0, 2.0]);
        assert_eq!(found.shares, [0.1, 0.6]);
        assert_eq!((found.count, found.mean), (5, Some(1.5)));
    }

    #[test]
    fn equal_ends_have_no_bins() {
        assert_eq!(edges([0.5, 0.5], false, false), None);
        assert!(edges([3.0, 3.0], true, false).is_some());
    }
}
