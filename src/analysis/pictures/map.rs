//! Maps: a sample of the rows in the coordinates of a layout.

use super::super::prepare::Prepared;
use super::super::spec::Spec;
use super::sample::{Label, Names, sample};
use super::{Boundary, MOST_POINTS, MapAxis, MapFound, MethodMap, OUTLIERS};
use crate::analysis::MethodResult;
use crate::cluster::Method;
use crate::embed::pca::{NComponents, Pca};
use crate::model::Assignment;
use crate::recipe::{FittedMethod, FittedReduction};

/// Layouts have at most so many components on a map.
const MOST_AXES: usize = 4;
/// So many other methods have a map.
const MOST_METHODS: usize = 6;
/// Each of these has so many points at most.
const MOST_METHOD_POINTS: usize = 2_000;
/// So many clusters of another method have a colour of their own.
const MOST_CLUSTERS: usize = 12;
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
    /// The layouts of the rows, the one in two dimensions first.
    fn layouts(&self) -> Vec<Layout> {
        let reductions = self.fitted.preparation.reductions.iter();
        let mut layouts: Vec<Layout> = reductions.filter_map(|one| self.layout_of(one)).collect();
        if layouts.is_empty() {
            layouts.extend(self.principal_components());
        }
        // People read a layout by neighbours in two dimensions most easily, then principal components.
        layouts.sort_by_key(|layout| (layout.axes.len() > 2, layout.method != "umap"));
        layouts
    }

    /// The maps of the segments, the one in two dimensions first, and the first one again for each other method; `rows` are those
    /// of the table, and the first of `methods` is the fit's own.
    pub(super) fn maps(
        &self,
        rows: &[Option<Assignment>],
        k: usize,
        methods: &[MethodResult],
        (spec, names): (&Spec, Names<'_>),
    ) -> (Vec<MapFound>, Vec<MethodMap>) {
        let drawn = k <= MOST_SEGMENTS;
        if !drawn && methods.len() < 2 {
            return (Vec::new(), Vec::new());
        }
        let layouts = self.layouts();
        let of_methods =
            layouts.first().map_or_else(Vec::new, |layout| maps_of_methods(layout, methods, spec));
        let layouts = layouts.into_iter().filter(|_| drawn);
        (layouts.filter_map(|layout| self.map(layout, rows, k, (spec, names))).collect(), of_methods)
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

    /// The map of a layout; `None` if no row has a place in it.
    fn map(
        &self,
        layout: Layout,
        rows: &[Option<Assignment>],
        k: usize,
        (spec, names): (&Spec, Names<'_>),
    ) -> Option<MapFound> {
        let Layout { name, method, axes, columns } = layout;
        let there =
            |row: &usize| columns.iter().all(|column| column.get(*row).is_some_and(|v| v.is_finite()));
        let groups = self.by_segment((0..rows.len()).filter(there), rows, k, &spec.method);
        let groups = sample(&columns, groups, MOST_POINTS, spec.seed, names);
        let rows = groups.iter().map(|group| group.rows).sum();
        let boundary = match &axes[..] {
            [x, y, ..] => self.boundary(&x.column, &y.column),
            _ => None,
        };
        (rows > 0).then(|| MapFound { name, method: method.into(), axes, rows, groups, boundary })
    }

    /// Rows of the table by segment, and those without one by the reason.
    pub(super) fn by_segment(
        &self,
        drawn: impl Iterator<Item = usize>,
        rows: &[Option<Assignment>],
        k: usize,
        method: &Method,
    ) -> Vec<(Label, Vec<usize>)> {
        let rest = if matches!(method, Method::Dbscan(_)) { "noise" } else { "in no segment" };
        let others = [OUTLIERS, "outside the population", rest];
        let label = |group: usize| match group.checked_sub(k) {
            None => (Some(group as u32), None),
            Some(other) => (None, Some(others[other].to_string())),
        };
        let mut groups: Vec<(Label, Vec<usize>)> =
            (0..k + others.len()).map(|g| (label(g), Vec::new())).collect();
        let among =
            |list: &[u32], row: usize| u32::try_from(row).is_ok_and(|row| list.binary_search(&row).is_ok());
        for row in drawn {
            let group = match rows.get(row).copied().flatten() {
                Some(found) => (found.segment as usize).min(k + 2),
                None if among(&self.outliers, row) => k,
                None if among(&self.outside, row) => k + 1,
                None => k + 2,
            };
            groups[group].1.push(row);
        }
        groups
    }

    /// The line in a drawing by two columns at which the population ends, if one of the columns decides about it by one limit.
    pub(super) fn boundary(&self, x: &str, y: &str) -> Option<Boundary> {
        let (column, limit) = self.fitted.preparation.population.as_ref()?.limit()?;
        match () {
            () if column == x => Some(Boundary { from: [limit, 0.0], to: [limit, 1.0] }),
            () if column == y => Some(Boundary { from: [0.0, limit], to: [1.0, limit] }),
            () => None,
        }
    }
}

/// The first two components of a layout for each method but the fit's own, by its clusters.
fn maps_of_methods(layout: &Layout, methods: &[MethodResult], spec: &Spec) -> Vec<MethodMap> {
    let Layout { name, method, axes, columns } = layout;
    let (axes, columns) = (&axes[..axes.len().min(2)], &columns[..columns.len().min(2)]);
    let map = |of: &MethodResult| {
        let shown = of.sizes.len().min(MOST_CLUSTERS);
        let label = |cluster: usize| match cluster {
            cluster if cluster < shown => format!("cluster {cluster}"),
            cluster if cluster == shown => "other clusters".into(),
            _ => "in no cluster".into(),
        };
        let mut groups: Vec<(Label, Vec<usize>)> =
            (0..shown + 2).map(|cluster| ((None, Some(label(cluster))), Vec::new())).collect();
        for (row, found) in of.rows.iter().enumerate() {
            let placed = columns.iter().all(|column| column.get(row).is_some_and(|v| v.is_finite()));
            let Some(found) = found.filter(|_| placed) else { continue };
            groups[usize::try_from(found).map_or(shown + 1, |cluster| cluster.min(shown))].1.push(row);
        }
        let groups = sample(columns, groups, MOST_METHOD_POINTS, spec.seed, None);
        let rows = groups.iter().map(|group| group.rows).sum();
        let (name, axes) = (name.clone(), axes.to_vec());
        let map = MapFound { name, method: (*method).into(), axes, rows, groups, boundary: None };
        (rows > 0).then(|| MethodMap { method: of.name.clone(), map })
    };
    methods.iter().skip(1).take(MOST_METHODS).filter_map(map).collect()
}
