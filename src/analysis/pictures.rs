//! What a report draws besides an outcome's other figures: a sample of the rows on the maps, distributions of columns, and the
//! charts that a recipe asks for.

mod chart;
mod distribution;
mod map;
mod members;
mod sample;

use super::memory::default_limit;
use super::notice::{Notice, Observer};
use super::outcome::Outcome;
use super::prepare::Prepared;
use super::profile::name;
use super::spec::Spec;
use crate::model::Assignment;
use crate::questions::Cell;
use serde::{Deserialize, Serialize, Serializer};

/// At most so many rows are drawn as points.
pub const MOST_POINTS: usize = 10_000;

/// What points of rows that were left out as outliers are called.
pub const OUTLIERS: &str = "outliers";

/// The most memory that drawing takes for each row, in bytes, without the features.
const ROW: u64 = 128;

/// What a report draws besides.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Pictures {
    /// Rows laid out in two or more dimensions; the first is the map of the segments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub maps: Vec<MapFound>,
    /// How the values of columns of numbers are distributed, beginning with the column that tells most segments apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub distributions: Vec<Distribution>,
    /// The first map again for each other method, by its clusters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<MethodMap>,
    /// The rows that are most typical of each segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Members>,
    /// The charts that the recipe asks for, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charts: Vec<ChartFound>,
}

impl Outcome {
    /// Adds what a report draws of the segments; `rows` are those of the table.
    pub(super) fn add_pictures(
        &mut self,
        prepared: &Prepared,
        rows: &[Option<Assignment>],
        spec: &Spec,
        ids: Option<&(String, Vec<String>)>,
        observer: &dyn Observer,
    ) {
        let Some(k) = self.k else { return };
        if !prepared.can_be_drawn(spec) {
            let why = "there is not enough memory to draw the rows, so the report has no map, no distributions and no charts of \
                       the recipe";
            observer.notice(&Notice::Data(why.into()));
            return;
        }
        let name = |row: usize| name(ids, row);
        let names = spec.report.ids.then_some(&name as &dyn Fn(usize) -> String);
        let distributions = |profile| prepared.distributions(rows, k, profile);
        let methods = self.compare_methods.as_ref().map_or(&[][..], |compared| &compared.methods);
        let (maps, methods) = prepared.maps(rows, k, methods, (spec, names));
        let pictures = Pictures {
            maps,
            methods,
            members: self.profile.as_ref().and_then(|profile| prepared.nearest_members(rows, k, profile)),
            distributions: self.profile.as_ref().map_or_else(Vec::new, distributions),
            charts: prepared.charts(rows, k, (spec, names), observer),
        };
        self.pictures = (pictures != Pictures::default()).then_some(pictures);
    }
}

impl Prepared {
    /// Whether there is memory for the coordinates of a map, or for one column with the segments of its rows, beside the table and
    /// the matrix.
    fn can_be_drawn(&self, spec: &Spec) -> bool {
        let features = 4 * self.matrix.features() as u64;
        let beside = (self.rows as u64).saturating_mul(ROW.saturating_add(features));
        let matrix = (self.matrix.rows() as u64).saturating_mul(features);
        let table = self.table.as_ref().map_or(0, |table| table.bytes());
        let limit = spec.max_memory.unwrap_or_else(default_limit);
        table.saturating_add(matrix).saturating_add(beside) <= limit
    }
}

/// Rows laid out by a reduction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MapFound {
    /// The reduction's name in the recipe; empty for principal components that were computed for the map alone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// `pca` or `umap`.
    pub method: String,
    /// The components, as many as each point has coordinates.
    pub axes: Vec<MapAxis>,
    /// How many rows there are, of which the points are a sample.
    pub rows: u64,
    /// The points by segment, and those of rows without one by the reason.
    pub groups: Vec<Points>,
    /// Where the population ends, if one of the first two components decides about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boundary: Option<Boundary>,
}

/// Rows laid out by a reduction, in the clusters of a method that the fit is compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodMap {
    /// What people call the method.
    pub method: String,
    /// The rows, in the first two components of a layout.
    pub map: MapFound,
}

/// The rows that are most typical of each segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Members {
    /// The columns that are shown, those that tell most segments apart.
    pub columns: Vec<String>,
    /// The rows, by segment.
    pub rows: Vec<Member>,
}

/// A row that is typical of its segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// The segment.
    pub segment: u32,
    /// The row's values in the columns.
    #[serde(serialize_with = "on_one_line")]
    pub cells: Vec<Cell>,
}

/// A component of a layout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MapAxis {
    /// The column that holds it.
    pub column: String,
    /// Its share of the variance, for a principal component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variance_ratio: Option<f64>,
}

/// A straight line between the rows of the population and the others, in the units of the axes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Boundary {
    /// A point of the line.
    pub from: [f64; 2],
    /// Another point of it.
    pub to: [f64; 2],
}

/// A sample of rows as points, in an order that makes every beginning of the list a sample too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Points {
    /// Their segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<u32>,
    /// What they are called, where they are not a segment's: a category, `outliers`, `outside the population`. `None` for rows that
    /// lack a category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// How many rows there are.
    pub rows: u64,
    /// The points' coordinates, rounded to four digits of the axis.
    #[serde(serialize_with = "on_one_line")]
    pub points: Vec<Vec<f64>>,
    /// The points' names, if the recipe lets them be shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// The distribution of one column of numbers, in its own units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// The column.
    pub column: String,
    /// Whether the segments were made from it.
    pub feature: bool,
    /// Whether the bins are equally wide on a logarithmic scale.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub log: bool,
    /// The edges of the bins, one more than there are bins. They reach from about the 1 % to the 99 % quantile.
    #[serde(serialize_with = "on_one_line")]
    pub edges: Vec<f64>,
    /// The share of the values below the first edge, and that above the last one.
    pub beyond: (f64, f64),
    /// All rows of the segments together.
    pub all: Shape,
    /// The segments, by number.
    pub segments: Vec<Shape>,
}

/// How some rows' values are distributed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Shape {
    /// How many rows have a value.
    pub count: u64,
    /// Their mean.
    pub mean: Option<f64>,
    /// The quantiles at 5, 25, 50, 75 and 95 %; `None` where no row has a value.
    #[serde(serialize_with = "on_one_line")]
    pub quantiles: Option<[f64; 5]>,
    /// The share of the values in each bin.
    #[serde(serialize_with = "on_one_line")]
    pub shares: Vec<f64>,
}

/// A chart that the recipe asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChartFound {
    /// What the recipe calls it.
    pub title: String,
    /// What it shows.
    #[serde(flatten)]
    pub shows: ChartShows,
}

/// What a chart of the recipe shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ChartShows {
    /// Rows by two columns.
    Scatter {
        /// The column from left to right.
        x: String,
        /// The column upwards.
        y: String,
        /// The column that colours the points; `None` for the segments.
        #[serde(skip_serializing_if = "Option::is_none")]
        colour: Option<String>,
        /// The method of the layout whose components the columns are, if they are: `pca` or `umap`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        layout: Option<String>,
        /// Where the population ends, if one of the columns decides about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        boundary: Option<Boundary>,
        /// How many rows lie beyond the axes, which end at the quantile that the recipe names.
        beyond: u64,
        /// The points.
        groups: Vec<Points>,
    },
    /// The values of one column by the categories of another.
    Boxes {
        /// The column of numbers.
        of: String,
        /// The column of categories.
        by: String,
        /// The categories, in the order in which they are drawn.
        boxes: Vec<(String, Shape)>,
    },
    /// The mean of a column at each value of another.
    Curve {
        /// The column from left to right.
        x: String,
        /// The column upwards.
        y: String,
        /// The places of the curve, in ascending order.
        #[serde(serialize_with = "on_one_line")]
        points: Vec<[f64; 2]>,
    },
}

/// Writes a list on one line of an otherwise indented document.
fn on_one_line<T: Serialize, S: Serializer>(list: &T, to: S) -> Result<S::Ok, S::Error> {
    let text = serde_json::to_string(list).map_err(serde::ser::Error::custom)?;
    serde_json::value::RawValue::from_string(text).map_err(serde::ser::Error::custom)?.serialize(to)
}
