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

    /// Whether the chart can be read as a narrow drawing.
    fn can_be_narrow(&self) -> bool {
        true
    }

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
    /// Whether the drawing is half as wide, for a phone and for charts side by side.
    pub narrow: bool,
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

impl DataTable {
    /// Drops the columns in which no line has a figure or a word. The first column, which says what a line is about, stays.
    pub fn drop_empty_columns(&mut self) {
        let told =
            |column: usize| self.rows.iter().any(|row| row.get(column).is_some_and(|one| !one.is_empty()));
        let kept: Vec<bool> = (0..self.columns.len()).map(|column| column == 0 || told(column)).collect();
        if self.rows.is_empty() || kept.iter().all(|kept| *kept) {
            return;
        }
        let mut of_columns = kept.iter();
        self.columns.retain(|_| of_columns.next().is_some_and(|kept| *kept));
        for row in &mut self.rows {
            let mut of_cells = kept.iter();
            row.retain(|_| of_cells.next().is_some_and(|kept| *kept));
        }
    }
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

    /// Whether it says nothing.
    fn is_empty(&self) -> bool {
        self.value.is_none() && (self.text.is_empty() || *self == Datum::missing())
    }

    /// A figure that there is not.
    pub fn missing() -> Self {
        Datum::text("\u{2013}")
    }
}
