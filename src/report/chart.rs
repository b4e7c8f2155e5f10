//! Charts, drawn as SVG. Each chart is a plain struct of labels and numbers; [`Chart::svg`] draws it and [`Chart::table`]
//! has the numbers behind it. A chart computes nothing but positions.
//!
//! Nothing here names a colour. Marks carry classes (`s3` for segment 3, `g1` for the second of other groups), and a style
//! sheet from [`palette`] gives them colours for light and for dark, so that one drawing serves both themes. What a mark stands
//! for is in its attribute `data-tip`, and the segment that it belongs to in `data-s`.

mod axis;
mod bars;
mod boxes;
mod dendrogram;
mod heatmap;
mod histogram;
mod legend;
mod lines;
mod paired;
pub mod palette;
mod points;
mod scatter;
mod stacked;
mod stand_alone;
pub mod svg;
#[cfg(test)]
mod tests;
mod text;

pub use axis::{Axis, Unit};
pub use bars::{Bar, Bars, Form};
pub use boxes::{BoxRow, Boxes};
pub use dendrogram::{Dendrogram, Node};
pub use heatmap::{Heatmap, Shading};
pub use histogram::{Histogram, Layer};
pub use lines::{Lines, Mark, Series};
pub use paired::{Paired, PairedLine};
pub use scatter::{PointGroup, Scatter};
pub use stacked::{Stacked, StackedRow};

use serde::{Serialize, Serializer};

/// A chart.
pub trait Chart {
    /// The chart as an `svg` element with the `title` and `desc` of its caption, in viewBox units that are CSS pixels at full
    /// width. It has no `width` or `height`, so that it takes the width of its place.
    fn svg(&self, caption: &Caption<'_>) -> String;

    /// The numbers behind the chart.
    fn table(&self) -> DataTable;
}

/// What a chart is called.
#[derive(Debug, Clone, Copy)]
pub struct Caption<'a> {
    /// An identifier that no other chart of the page has, of lower-case letters, digits and hyphens. Ids within the drawing
    /// begin with it.
    pub id: &'a str,
    /// What the chart shows, in a few words.
    pub title: &'a str,
    /// What a reader would see in it, as one or two sentences for somebody who cannot see it.
    pub desc: &'a str,
}

/// The colour and shape of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paint {
    /// Those of a segment.
    Segment(u32),
    /// Those of another group, counted from 0: a topic of answers, a tier, a series of a line chart.
    Group(usize),
    /// No group: the colour of ordinary marks.
    #[default]
    Plain,
    /// All rows, as the background of other marks.
    Whole,
}

impl Paint {
    /// The class that a style sheet gives colours to: `s3`, `g0`, `plain` or `whole`.
    pub fn class(self) -> String {
        match self {
            Paint::Segment(segment) => format!("s{segment}"),
            Paint::Group(group) => format!("g{group}"),
            Paint::Plain => "plain".into(),
            Paint::Whole => "whole".into(),
        }
    }

    /// The segment, if it is one.
    pub fn segment(self) -> Option<u32> {
        match self {
            Paint::Segment(segment) => Some(segment),
            Paint::Group(_) | Paint::Plain | Paint::Whole => None,
        }
    }
}

/// In what a template reads, a paint is its class.
impl Serialize for Paint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.class())
    }
}

/// A name with a colour: a line of a heat map or a table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Key {
    /// The name.
    pub label: String,
    /// The colour.
    pub paint: Paint,
}

/// A table of figures, as a page and a CSV file show it.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct DataTable {
    /// The columns' titles; whether they hold numbers.
    pub columns: Vec<(String, bool)>,
    /// The lines, each with one datum for each column.
    pub rows: Vec<Vec<Datum>>,
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Datum {
    /// What a person reads.
    pub text: String,
    /// The number, which sorts the column and goes into CSV; `None` for texts.
    pub value: Option<f64>,
    /// The colour of a mark before the text.
    pub paint: Option<Paint>,
    /// How strongly the cell is shaded, from -1 to 1.
    pub shade: Option<f64>,
}

impl Datum {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Datum { text: text.into(), ..Datum::default() }
    }

    /// A number, as it is written for people.
    pub fn number(value: f64, text: impl Into<String>) -> Self {
        Datum { text: text.into(), value: Some(value), ..Datum::default() }
    }

    /// A name with its colour.
    pub fn key(key: &Key) -> Self {
        Datum { text: key.label.clone(), paint: Some(key.paint), ..Datum::default() }
    }

    /// A figure that there is not.
    pub fn missing() -> Self {
        Datum::text("\u{2013}")
    }
}
