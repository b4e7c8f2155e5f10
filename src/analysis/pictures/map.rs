//! Maps: a sample of the rows in the coordinates of a layout.

use super::super::prepare::Prepared;
use super::{MOST_POINTS, MapAxis, MapFound, Points};
use crate::embed::pca::{NComponents, Pca};
use crate::model::Assignment;
use crate::random::{Draws, Purpose};
use crate::recipe::{FittedMethod, FittedReduction};

/// A segment has so many points at least, if it has as many rows.
const LEAST_POINTS: usize = 30;
/// Layouts have at most so many components on a map.
const MOST_AXES: usize = 4;
/// With more segments there is no map.
const MOST_SEGMENTS: usize = 100;

/// The coordinates of all rows of a table, by component.
struct Layout {
    name: String,
    method: &'static str,
    axes: Vec<MapAxis>,
    columns: Vec<Vec<f64>>,
}

impl Prepared {
    /// The maps of the segments, the one in two dimensions first; `rows` are those of the table.
    pub(super) fn maps(&self, rows: &[Option<Assignment>], k: usize, seed: u64) -> Vec<MapFound> {
        if k > MOST_SEGMENTS {
            return Vec::new();
        }
        let reductions = self.fitted.preparation.reductions.iter();
        let mut layouts: Vec<Layout> = reductions.filter_map(|one| self.layout_of(one)).collect();
        if layouts.is_empty() {
            layouts.extend(self.principal_components());
        }
        // People read a layout by neighbours in two dimensions most easily, then principal components.
        layouts.sort_by_key(|layout| (layout.axes.len() > 2, layout.method != "umap"));
        layouts.iter().filter_map(|layout| map(layout, rows, k, seed)).collect()
    }

    /// The rows in the coordinates of one of the recipe's reductions, if these are at hand.
    fn layout_of(&self, reduction: &FittedReduction) -> Option<Layout> {
        let (method, ratios) = match &reduction.method {
            FittedMethod::Pca(pca) => ("pca", pca.explained_variance_ratio()),
            FittedMethod::Umap(_) => ("umap", Vec::new()),
        };
        let names: Vec<String> = reduction.names().into_iter().take(MOST_AXES).collect();
        let values = |name: &String| {
            let column = self.component(name)?;
            Some((0..self.rows).map(|row| column.values.number(row).unwrap_or(f64::NAN)).collect())
        };
        let columns: Option<Vec<Vec<f64>>> = names.iter().map(values).collect();
        let axis =
            |(place, column): (usize, String)| MapAxis { column, variance_ratio: ratios.get(place).copied() };
        let axes: Vec<MapAxis> = names.into_iter().enumerate().map(axis).collect();
        let columns = columns.filter(|columns| columns.len() > 1)?;
        Some(Layout { name: reduction.name.clone(), method, axes, columns })
    }

    /// The first two principal components of the features, where the recipe has no layout.
    fn principal_components(&self) -> Option<Layout> {
        let matrix = &self.matrix;
        if matrix.features() < 2 {
            return None;
        }
        let pca = Pca::fit(matrix, NComponents::Count(2)).ok()?;
        let value = |row: usize, feature: usize| matrix.to_user(f64::from(matrix.value(row, feature))) as f32;
        let column = |feature: usize| (0..matrix.rows()).map(|row| value(row, feature)).collect();
        let features: Vec<Vec<f32>> = (0..matrix.features()).map(column).collect();
        let of_table = |component: Vec<f64>| {
            let places = self.of_table(component.into_iter().map(Some).collect());
            places.into_iter().map(|place| place.unwrap_or(f64::NAN)).collect()
        };
        let columns: Vec<Vec<f64>> = pca.project(&features).into_iter().map(of_table).collect();
        let axes = pca.explained_variance_ratio().into_iter().take(2).enumerate();
        let axes = axes.map(|(place, ratio)| MapAxis {
            column: format!("component {}", place + 1),
            variance_ratio: Some(ratio),
        });
        Some(Layout { name: String::new(), method: "pca", axes: axes.collect(), columns })
    }
}

/// The map of a layout; `None` if no row has a place in it.
fn map(layout: &Layout, rows: &[Option<Assignment>], k: usize, seed: u64) -> Option<MapFound> {
    let there =
        |row: &usize| layout.columns.iter().all(|column| column.get(*row).is_some_and(|v| v.is_finite()));
    // Rows without a segment come last.
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); k + 1];
    for row in (0..rows.len()).filter(there) {
        let group = rows[row].map_or(k, |found| (found.segment as usize).min(k));
        groups[group].push(row);
    }
    let total: usize = groups.iter().map(Vec::len).sum();
    if total == 0 {
        return None;
    }
    let draws = Draws::new(seed, Purpose::Picture);
    let scales: Vec<f64> = layout.columns.iter().map(|column| scale(column)).collect();
    let points = |(group, mut rows): (usize, Vec<usize>)| {
        let count = rows.len();
        if count == 0 {
            return None;
        }
        rows.sort_by_cached_key(|&row| (draws.at(row as u64).bits(), row));
        rows.truncate(quota(count, total, k + 1));
        let place = |row: usize| {
            let axes = layout.columns.iter().zip(&scales);
            axes.map(|(column, scale)| (column[row] * scale).round() / scale).collect()
        };
        let segment = (group < k).then_some(group as u32);
        Some(Points {
            segment,
            label: segment.is_none().then(|| "in no segment".into()),
            rows: count as u64,
            points: rows.into_iter().map(place).collect(),
            names: Vec::new(),
        })
    };
    Some(MapFound {
        name: layout.name.clone(),
        method: layout.method.into(),
        axes: layout.axes.clone(),
        colour: None,
        rows: total as u64,
        groups: groups.into_iter().enumerate().filter_map(points).collect(),
        boundary: None,
    })
}

/// How many points a group of `count` of all `total` rows has, of `groups` groups.
fn quota(count: usize, total: usize, groups: usize) -> usize {
    if total <= MOST_POINTS {
        return count;
    }
    let shared = MOST_POINTS.saturating_sub(LEAST_POINTS * groups) as u128;
    let own = (count as u128 * shared / total as u128) as usize;
    (own + LEAST_POINTS).min(count)
}

/// What values of a column are multiplied with so that their whole parts keep four digits of the column's range.
fn scale(column: &[f64]) -> f64 {
    let finite = column.iter().filter(|value| value.is_finite());
    let (low, high) = finite.fold((f64::MAX, f64::MIN), |(low, high), &v| (low.min(v), high.max(v)));
    let digits = (0..300).find(|&digits| (high - low) * 10f64.powi(digits) >= 1000.0);
    // All in one place need no more digits than they have.
    10f64.powi(digits.unwrap_or(15))
}

#[cfg(test)]
mod tests {
    use super::{LEAST_POINTS, MOST_POINTS, quota};

    #[test]
    fn small_segments_are_seen_and_all_points_fit() {
        let sizes = [900_000, 99_000, 900, 70, 25, 5];
        let total: usize = sizes.iter().sum();
        let points: Vec<usize> = sizes.iter().map(|&size| quota(size, total, sizes.len())).collect();
        assert!(points.iter().sum::<usize>() <= MOST_POINTS, "{points:?}");
        assert!(points.iter().zip(sizes).all(|(&n, size)| n >= size.min(LEAST_POINTS)), "{points:?}");
        assert!(points[0] > 8_000, "large segments have their share");
        assert_eq!(quota(7, MOST_POINTS, 3), 7, "all rows, if these are few");
    }
}
