//! Box plots: the middle half of the values as a box, and the middle 90 % as whiskers.

use super::axis::{Area, Scale};
use super::legend::{Sign, legend};
use super::svg::{Anchor, Drawing, Element, line, path, rect};
use super::text::{widest, width};
use super::{Axis, Caption, Chart, DataTable, Datum, Key, Paint, Unit};

/// Box plots over one axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Boxes {
    /// What is measured, in the table's own units.
    pub axis: Axis,
    /// What a box stands for: `segment`.
    pub what: String,
    /// The boxes, from top to bottom.
    pub rows: Vec<BoxRow>,
}

/// One box.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BoxRow {
    /// Its name.
    pub label: String,
    /// Its colour.
    pub paint: Paint,
    /// How many values.
    pub count: u64,
    /// The 5 % quantile.
    pub low: f64,
    /// The lower quartile.
    pub q1: f64,
    /// The median.
    pub median: f64,
    /// The upper quartile.
    pub q3: f64,
    /// The 95 % quantile.
    pub high: f64,
    /// The mean, drawn as a small diamond if it lies within the axis; an axis spans the whiskers, not the means.
    pub mean: Option<f64>,
}

/// The height of a line, and of one with its name above the box.
const LINE: f64 = 30.0;
const NARROW_LINE: f64 = 46.0;
/// The height of a box.
const BOX: f64 = 16.0;
/// The widest that names may be.
const LABELS: f64 = 230.0;
/// The title of the numbers beside the boxes.
const MEDIAN: &str = "median";

impl BoxRow {
    fn quantiles(&self) -> [f64; 5] {
        [self.low, self.q1, self.median, self.q3, self.high]
    }

    /// The five quantiles, if all are numbers.
    fn finite(&self) -> Option<[f64; 5]> {
        Some(self.quantiles()).filter(|all| self.count > 0 && all.iter().all(|q| q.is_finite()))
    }

    fn tip(&self, axis: &Axis) -> String {
        let [low, q1, median, q3, high] = self.quantiles().map(|q| axis.unit.format(q));
        let mean = self.mean.map(|mean| format!("\nmean: {}", axis.unit.format(mean))).unwrap_or_default();
        format!(
            "{}\n{}, {} values\nmedian: {median}{mean}\nmiddle half: {q1} to {q3}\n5 % to 95 %: {low} to {high}",
            self.label,
            axis.name(),
            Unit::Count.format(self.count as f64),
        )
    }
}

impl Chart for Boxes {
    fn svg(&self, caption: &Caption<'_>) -> String {
        let mut drawing = Drawing::new(caption);
        if self.rows.iter().all(|row| row.finite().is_none()) {
            return drawing.nothing();
        }
        let entries = [
            (Sign::Square(Paint::Whole), "box: the middle half"),
            (Sign::Line(Paint::Whole), "whiskers: 5 % to 95 %"),
            (Sign::Mean, "diamond: mean"),
        ];
        let shown = if self.rows.iter().any(|row| row.mean.is_some()) { 3 } else { 2 };
        let top = legend(&mut drawing, 0.0, 0.0, &entries[..shown]) + 4.0;
        let labels = widest(self.rows.iter().map(|row| row.label.as_str()), LABELS);
        let medians = self.rows.iter().map(|row| width(&self.axis.unit.short(row.median)));
        let medians = medians.fold(width(MEDIAN), f64::max);
        let (whole, narrow) = (drawing.width(), drawing.narrow());
        let pitch = if narrow { NARROW_LINE } else { LINE };
        let left = if narrow { 8.0 } else { labels + 12.0 };
        let right = whole - 16.0 - medians;
        let numbers = self.rows.iter().filter_map(BoxRow::finite).flatten();
        let scale = Scale::across(&self.axis, numbers, left, right);
        let head = if narrow { top + 8.0 } else { top - 14.0 };
        drawing.write("axis-title", [whole, head], Anchor::End, whole, MEDIAN);
        let area = Area { left, right, top, bottom: top + pitch * self.rows.len() as f64 };
        let height = area.grid_across(&mut drawing, &scale, &self.axis.title);
        for (i, row) in self.rows.iter().enumerate() {
            let mut y = top + pitch * (i as f64 + 0.5);
            let hit = rect(left, y - pitch / 2.0, right - left, pitch).class("hit");
            if narrow {
                drawing.write("label over", [2.0, y - 12.0], Anchor::Start, right, &row.label);
                y += 9.0;
            } else {
                drawing.write("label", [labels, y], Anchor::End, LABELS, &row.label);
            }
            let Some(quantiles) = row.finite() else {
                drawing.write("note", [left + 6.0, y], Anchor::Start, whole, "no values");
                continue;
            };
            // What has no place on a logarithmic axis lies to the left of it.
            let [low, q1, median, q3, high] = quantiles.map(|q| scale.place(q).unwrap_or(left));
            let mut group = Element::new("g")
                .mark("mark", row.paint, &row.tip(&self.axis))
                .child(hit)
                .child(line(low, y, high, y).class("line"));
            for end in [low, high] {
                group = group.child(line(end, y - 5.0, end, y + 5.0).class("line"));
            }
            let shape = rect(q1, y - BOX / 2.0, (q3 - q1).max(2.0), BOX);
            group = drawing.fill_in(group, shape, row.paint);
            group = group.child(line(median, y - BOX / 2.0, median, y + BOX / 2.0).class("median"));
            if let Some(x) = row.mean.filter(|mean| scale.holds(*mean)).and_then(|mean| scale.place(mean)) {
                group = group.child(diamond(x, y).class("mean"));
            }
            drawing.put(group);
            drawing.write("value", [whole, y], Anchor::End, whole, &self.axis.unit.short(row.median));
        }
        drawing.finish(height)
    }

    fn table(&self) -> DataTable {
        let titles = ["values", "5 %", "lower quartile", "median", "upper quartile", "95 %", "mean"];
        let mut columns = vec![(self.what.clone(), false)];
        columns.extend(titles.map(|title| (title.to_string(), true)));
        let row = |row: &BoxRow| {
            let key = Key { label: row.label.clone(), paint: row.paint };
            let mut data = vec![Datum::key(&key), Unit::Count.datum(Some(row.count as f64))];
            data.extend(row.quantiles().map(|q| self.axis.unit.datum(Some(q))));
            data.push(self.axis.unit.datum(row.mean));
            data
        };
        DataTable { columns, rows: self.rows.iter().map(row).collect() }
    }
}

/// The sign of a mean.
pub(super) fn diamond(x: f64, y: f64) -> Element {
    path(&[[x, y - 5.0], [x + 5.0, y], [x, y + 5.0], [x - 5.0, y]], true)
}
