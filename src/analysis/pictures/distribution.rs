//! Distributions of columns of numbers, for histograms and box plots.

use super::super::prepare::Prepared;
use super::{Distribution, Shape};
use crate::model::Assignment;
use crate::profile::Profile;
use crate::table::Values;
use rayon::prelude::*;

/// So many columns are drawn at most.
const COLUMNS: usize = 24;
/// So many bins a histogram has at most.
const BINS: usize = 30;
/// The quantiles of a box plot.
const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];
/// The quantiles that a histogram reaches from and to.
const ENDS: [f64; 2] = [0.01, 0.99];

/// A row's value, how many copies of the row there are in steps of weight, and its segment.
type Entry = (f64, u64, u32);

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
        let steps = weights.as_ref().map(|weights| weights.steps());
        let mut columns: Vec<(&str, bool)> =
            profile.separation.iter().map(|one| (one.column.as_str(), one.feature)).collect();
        columns.sort_by_key(|(_, feature)| !feature);
        let numbers = columns.into_iter().filter(|(column, _)| profile.overall.get(column).is_some());
        let mut found = Vec::new();
        // In batches, so that columns of two values do not take the places of others.
        let numbers: Vec<(&str, bool)> = numbers.collect();
        for batch in numbers.chunks(COLUMNS) {
            let drawn: Vec<Option<Distribution>> = batch
                .par_iter()
                .map(|&(name, feature)| {
                    let column = table.columns.iter().find(|column| column.name == name)?;
                    distribution(&column.values, name, feature, (rows, k, steps))
                })
                .collect();
            found.extend(drawn.into_iter().flatten());
            if found.len() >= COLUMNS {
                break;
            }
        }
        found.truncate(COLUMNS);
        found
    }
}

/// The distribution of one column; `None` if it has fewer than three different values.
fn distribution(
    values: &Values,
    column: &str,
    feature: bool,
    (rows, k, steps): (&[Option<Assignment>], usize, Option<&[u64]>),
) -> Option<Distribution> {
    let entry = |(row, found): (usize, &Option<Assignment>)| -> Option<Entry> {
        let value = values.number(row).filter(|value| value.is_finite())?;
        let step = steps.map_or(1, |steps| steps.get(row).copied().unwrap_or(0));
        let segment = found.as_ref().map(|found| found.segment).filter(|&segment| (segment as usize) < k)?;
        (step > 0).then_some((value, step, segment))
    };
    let mut entries: Vec<Entry> = rows.iter().enumerate().filter_map(entry).collect();
    entries.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut different = entries.iter().map(|entry| entry.0).collect::<Vec<f64>>();
    different.dedup();
    if different.len() < 3 {
        return None;
    }
    let ends = ENDS.map(|q| quantile(&entries, q));
    let whole = different.iter().all(|value| value.fract() == 0.0);
    let log = !whole && is_skewed(&entries);
    let edges = edges(ends, whole, log)?;
    let shape = |of: &[Entry]| shape(of, &edges);
    let (first, last) = (edges.first().copied()?, edges.last().copied()?);
    let total = weight(&entries);
    let beyond = |outside: &dyn Fn(f64) -> bool| {
        let out: u128 =
            entries.iter().filter(|entry| outside(entry.0)).map(|entry| u128::from(entry.1)).sum();
        rounded(out as f64 / total as f64)
    };
    let segments = (0..k as u32).map(|segment| {
        let own: Vec<Entry> = entries.iter().filter(|entry| entry.2 == segment).copied().collect();
        shape(&own)
    });
    Some(Distribution {
        column: column.into(),
        feature,
        log,
        beyond: (beyond(&|value| value < first), beyond(&|value| value > last)),
        all: shape(&entries),
        segments: segments.collect(),
        edges,
    })
}

/// The total weight in steps.
fn weight(entries: &[Entry]) -> u128 {
    entries.iter().map(|entry| u128::from(entry.1)).sum()
}

/// A quantile of sorted values, each of which counts as often as its weight says, interpolated linearly as in NumPy.
fn quantile(entries: &[Entry], q: f64) -> f64 {
    let place = q * (weight(entries).saturating_sub(1)) as f64;
    let (below, above) = (place.floor(), place.ceil());
    let at = |place: f64| {
        let mut passed = 0u128;
        let found = entries.iter().find(|entry| {
            passed += u128::from(entry.1);
            passed as f64 > place
        });
        found.or(entries.last()).map_or(f64::NAN, |entry| entry.0)
    };
    let (low, high) = (at(below), at(above));
    low + (high - low) * (place - below)
}

/// Whether numbers above 0 spread over orders of magnitude, with a tail towards the large ones.
fn is_skewed(entries: &[Entry]) -> bool {
    let [low, middle, high] = [0.05, 0.5, 0.95].map(|q| quantile(entries, q));
    let positive = entries.first().is_some_and(|entry| entry.0 > 0.0);
    positive && high > 20.0 * low && high - middle > 4.0 * (middle - low)
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

/// How sorted values are distributed over bins. A value on an edge is in the bin above it; the last bin has both of its edges.
fn shape(entries: &[Entry], edges: &[f64]) -> Shape {
    let bins = edges.len() - 1;
    let mut counts = vec![0u128; bins];
    let total = weight(entries);
    if total == 0 {
        return Shape { shares: vec![0.0; bins], ..Shape::default() };
    }
    for &(value, step, _) in entries {
        let bin = match edges.partition_point(|&edge| edge <= value) {
            0 => continue,
            above if above <= bins => above - 1,
            _ if value == edges[bins] => bins - 1,
            _ => continue,
        };
        counts[bin] += u128::from(step);
    }
    let sum: f64 = entries.iter().map(|entry| entry.0 * entry.1 as f64).sum();
    Shape {
        count: entries.len() as u64,
        mean: Some(sum / total as f64),
        quantiles: Some(QUANTILES.map(|q| quantile(entries, q))),
        shares: counts.into_iter().map(|count| rounded(count as f64 / total as f64)).collect(),
    }
}

/// A share with the digits that a drawing can show.
fn rounded(share: f64) -> f64 {
    (share * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::{Entry, edges, quantile, shape};

    fn entries(values: &[(f64, u64)]) -> Vec<Entry> {
        values.iter().map(|&(value, step)| (value, step, 0)).collect()
    }

    #[test]
    fn quantiles_are_those_of_the_rows_written_out() {
        let weighted = entries(&[(1.0, 2), (4.0, 1), (9.0, 3), (11.0, 1)]);
        let copies = entries(&[(1.0, 1), (1.0, 1), (4.0, 1), (9.0, 1), (9.0, 1), (9.0, 1), (11.0, 1)]);
        for q in [0.0, 0.05, 0.25, 0.4, 0.5, 0.75, 0.95, 1.0] {
            assert_eq!(quantile(&weighted, q).to_bits(), quantile(&copies, q).to_bits(), "{q}");
        }
        assert_eq!(quantile(&copies, 0.5), 9.0);
        assert_eq!(quantile(&copies, 0.25), 2.5, "halfway between the second and the third");
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
    fn each_value_is_in_one_bin() {
        let found = shape(&entries(&[(-1.0, 1), (0.0, 1), (1.0, 2), (2.0, 4), (3.0, 2)]), &[0.0, 1.0, 2.0]);
        assert_eq!(found.shares, [0.1, 0.6]);
        assert_eq!((found.count, found.mean), (5, Some(1.5)));
    }

    #[test]
    fn equal_ends_have_no_bins() {
        assert_eq!(edges([0.5, 0.5], false, false), None);
        assert!(edges([3.0, 3.0], true, false).is_some());
    }
}
