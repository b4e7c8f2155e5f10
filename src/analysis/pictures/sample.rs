//! A sample of the rows as points, in which small groups are seen.

use super::Points;
use crate::random::{Draws, Purpose};

/// A group has so many points at least, if it has as many rows.
const LEAST_POINTS: usize = 30;
/// With more rows than this, points have no names.
const MOST_NAMED: usize = 400;

/// Whose points they are.
pub(super) type Label = (Option<u32>, Option<String>);

/// What points are called.
pub(super) type Names<'a> = Option<&'a dyn Fn(usize) -> String>;

/// The rows of each group as points, at most `most` in all, in an order that makes every beginning of a list a sample too.
/// Groups without rows are left out.
pub(super) fn sample(
    columns: &[Vec<f64>],
    groups: Vec<(Label, Vec<usize>)>,
    most: usize,
    seed: u64,
    names: Names<'_>,
) -> Vec<Points> {
    let total: usize = groups.iter().map(|(_, rows)| rows.len()).sum();
    let count = groups.iter().filter(|(_, rows)| !rows.is_empty()).count();
    let draws = Draws::new(seed, Purpose::Picture);
    let of = |rows: &[usize], column: &[f64]| scale(rows.iter().map(|&row| column[row]));
    let all: Vec<usize> = groups.iter().flat_map(|(_, rows)| rows.iter().copied()).collect();
    let scales: Vec<f64> = columns.iter().map(|column| of(&all, column)).collect();
    let names = names.filter(|_| total <= MOST_NAMED);
    let points = |((segment, label), mut rows): (Label, Vec<usize>)| {
        let own = rows.len();
        if own == 0 {
            return None;
        }
        rows.sort_by_cached_key(|&row| (draws.at(row as u64).bits(), row));
        rows.truncate(quota(own, total, count, most));
        let place = |row: &usize| {
            let axes = columns.iter().zip(&scales);
            axes.map(|(column, scale)| (column[*row] * scale).round() / scale).collect()
        };
        Some(Points {
            segment,
            label,
            rows: own as u64,
            points: rows.iter().map(place).collect(),
            names: names.map_or_else(Vec::new, |name| rows.iter().map(|&row| name(row)).collect()),
        })
    };
    groups.into_iter().filter_map(points).collect()
}

/// How many points a group of `count` of all `total` rows has, of `groups` groups.
fn quota(count: usize, total: usize, groups: usize, most: usize) -> usize {
    if total <= most {
        return count;
    }
    let least = LEAST_POINTS.min(most / (2 * groups.max(1)));
    let shared = most.saturating_sub(least * groups) as u128;
    let own = (count as u128 * shared / total as u128) as usize;
    (own + least).min(count)
}

/// What values are multiplied with so that their whole parts keep four digits of their range.
fn scale(values: impl Iterator<Item = f64>) -> f64 {
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
    let digits = (0..300).find(|&digits| (high - low) * 10f64.powi(digits) >= 1000.0);
    // All in one place need no more digits than they have.
    10f64.powi(digits.unwrap_or(15))
}

#[cfg(test)]
mod tests {
    use super::{LEAST_POINTS, quota};

    #[test]
    fn small_groups_are_seen_and_all_points_fit() {
        let most = 10_000;
        let sizes = [900_000, 99_000, 900, 70, 25, 5];
        let total: usize = sizes.iter().sum();
        let points: Vec<usize> = sizes.iter().map(|&size| quota(size, total, sizes.len(), most)).collect();
        assert!(points.iter().sum::<usize>() <= most, "{points:?}");
        assert!(points.iter().zip(sizes).all(|(&n, size)| n >= size.min(LEAST_POINTS)), "{points:?}");
        assert!(points[0] > 8_000, "large groups have their share");
        assert_eq!(quota(7, most, 3, most), 7, "all rows, if these are few");
        let many = (0..500).map(|_| quota(1_000, 500_000, 500, most)).sum::<usize>();
        assert!((5_000..=most).contains(&many), "{many}");
    }
}
