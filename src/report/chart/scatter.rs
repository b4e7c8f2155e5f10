//! Points in two dimensions.

use super::axis::{Area, Scale, TITLE, Unit, widest};
use super::palette::Shape;
use super::svg::{Anchor, Drawing, Element, line, rect, words};
use super::text::{SIZE, shorten, width};
use super::{Axis, Caption, Chart, DataTable, Datum, Paint, points};
use crate::report::figures::{self, plain, whole};

/// A scatter plot.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scatter {
    /// The axis from left to right.
    pub x: Axis,
    /// The axis upwards.
    pub y: Axis,
    /// Whether one unit has the same length on both axes, as in a layout.
    pub equal: bool,
    /// Whether the axes have numbers; the axes of a layout by UMAP mean nothing.
    pub numbers: bool,
    /// The points.
    pub groups: Vec<PointGroup>,
    /// A straight line across the drawing, by two points of it, with a few words.
    pub boundary: Option<([f64; 2], [f64; 2], String)>,
}

/// Points of one colour.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PointGroup {
    /// Whose points they are.
    pub label: String,
    /// Their colour and shape.
    pub paint: Paint,
    /// How many rows the group has, of which the points may be a sample.
    pub rows: u64,
    /// The points.
    pub points: Vec<[f64; 2]>,
    /// The points' names, as many as points; empty where they have none.
    pub names: Vec<String>,
}

/// The tallest and the lowest drawing of points, and the tallest narrow one.
const TALLEST: f64 = 460.0;
const LOWEST: f64 = 240.0;
const NARROW_TALLEST: f64 = 330.0;
/// The widest legend beside it.
const LEGEND: f64 = 250.0;
/// The widest name of a point.
const NAME: f64 = 200.0;
/// The height of a line of the legend.
const LINE: f64 = 21.0;
/// How many points one path has, so that points of several paths show through each other; and the most paths of a group.
const BATCH: usize = 600;
const MOST_BATCHES: usize = 5;
/// The most points that have a mark of their own, with their name.
const MOST_NAMED: usize = 400;
/// Points further out than this are left out.
const FURTHEST: f64 = 1e300;

impl PointGroup {
    fn sampled(&self) -> bool {
        (self.points.len() as u64) < self.rows
    }

    /// The shape of its points: rings where they are the background of others, so that a colour cannot be mistaken for them.
    fn shape(&self) -> Shape {
        if self.paint == Paint::Whole { Shape::Ring } else { Shape::of(self.paint) }
    }

    /// One of two kinds of marks: that of filled or that of hollow points.
    fn kind(&self, filled: &'static str, hollow: &'static str) -> &'static str {
        if self.paint == Paint::Whole { hollow } else { filled }
    }

    /// `Learners`, and below it how many rows are drawn.
    fn tip(&self) -> String {
        if self.is_named() {
            return plain(&self.label);
        }
        let drawn = whole(self.points.len() as u64);
        let rows = whole(self.shown_rows());
        let rows =
            if self.sampled() { format!("{drawn} of {rows} rows drawn") } else { format!("{rows} rows") };
        if self.label.is_empty() { rows } else { format!("{}\n{rows}", plain(&self.label)) }
    }

    /// How many rows the group has, for the legend; points that have names are things of their own, whose number says nothing.
    fn count(&self) -> String {
        if self.is_named() { String::new() } else { whole(self.shown_rows()) }
    }

    fn is_named(&self) -> bool {
        (0..self.points.len()).any(|i| self.name(i).is_some())
    }

    /// How many rows the group has: no fewer than points.
    fn shown_rows(&self) -> u64 {
        self.rows.max(self.points.len() as u64)
    }

    fn name(&self, point: usize) -> Option<&str> {
        self.names.get(point).map(String::as_str).filter(|name| !name.is_empty())
    }
}

/// The scales of both axes, and the area that they span.
struct Plot {
    area: Area,
    x: Scale,
    y: Scale,
}

impl Plot {
    fn place(&self, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        if x.abs() > FURTHEST || y.abs() > FURTHEST {
            return None;
        }
        Some([self.x.place(x)?, self.y.place(y)?])
    }

    /// The part of the straight line through two points that lies in the area.
    fn across(&self, a: [f64; 2], b: [f64; 2]) -> Option<[[f64; 2]; 2]> {
        let at = |[x, y]: [f64; 2]| {
            let (x, y) = (self.x.share(x)?, self.y.share(y)?);
            let Area { left, right, top, bottom } = self.area;
            Some([left + x * (right - left), bottom + y * (top - bottom)])
        };
        let (a, b) = (at(a)?, at(b)?);
        let along = [b[0] - a[0], b[1] - a[1]];
        let (mut from, mut to) = (f64::NEG_INFINITY, f64::INFINITY);
        let sides = [[self.area.left, self.area.right], [self.area.top, self.area.bottom]];
        for axis in 0..2 {
            let [low, high] = sides[axis].map(|side| side - a[axis]);
            if along[axis] == 0.0 {
                if low > 0.0 || high < 0.0 {
                    return None;
                }
                continue;
            }
            let (p, q) = (low / along[axis], high / along[axis]);
            (from, to) = (from.max(p.min(q)), to.min(p.max(q)));
        }
        let point = |t: f64| [a[0] + t * along[0], a[1] + t * along[1]];
        let ends = [point(from), point(to)];
        (from < to && ends.iter().flatten().all(|v| v.is_finite())).then_some(ends)
    }
}

impl Scatter {
    /// The points that have a place on both axes.
    fn fitting(&self) -> impl Iterator<Item = [f64; 2]> + '_ {
        let fits = |axis: &Axis, v: f64| v.abs() <= FURTHEST && (!axis.log || v > 0.0);
        let points = self.groups.iter().flat_map(|g| &g.points).copied();
        points.filter(move |[x, y]| fits(&self.x, *x) && fits(&self.y, *y))
    }

    /// How wide a legend beside the points is; 0 where there is nothing for it to tell.
    fn legend_width(&self) -> f64 {
        if self.groups.len() < 2 && self.groups.iter().all(|g| g.label.is_empty()) {
            return 0.0;
        }
        let entry = |g: &PointGroup| 34.0 + width(&plain(&g.label)) + width(&g.count());
        let note = self.drawn_note().map_or(0.0, |note| width(&note));
        self.groups.iter().map(entry).fold(note, f64::max).clamp(110.0, LEGEND)
    }

    /// How many rows are drawn, if these are not all.
    fn drawn_note(&self) -> Option<String> {
        let drawn: u64 = self.groups.iter().map(|g| g.points.len() as u64).sum();
        let rows = self.groups.iter().map(PointGroup::shown_rows).fold(0, u64::saturating_add);
        (drawn < rows).then(|| format!("{} of {} rows drawn", whole(drawn), whole(rows)))
    }

    fn plot(&self, drawing: &Drawing<'_>) -> Option<Plot> {
        let points: Vec<[f64; 2]> = self.fitting().collect();
        if points.is_empty() {
            return None;
        }
        let column = |axis: usize| points.iter().map(move |p| p[axis]);
        let range = |axis: usize, from_0: bool| {
            let low = column(axis).fold(f64::INFINITY, f64::min);
            let high = column(axis).fold(f64::NEG_INFINITY, f64::max);
            let (low, high) = if from_0 { (low.min(0.0), high.max(0.0)) } else { (low, high) };
            let span = high - low;
            let span =
                if span > 1e-12 * low.abs().max(high.abs()) { span } else { 0.2 * low.abs().max(1e-9) };
            let around = 0.04 * span;
            let (below, above) = match (high > low, from_0) {
                (false, _) => (span, span),
                (true, true) => {
                    (if low == 0.0 { 0.0 } else { around }, if high == 0.0 { 0.0 } else { around })
                }
                (true, false) => (around, around),
            };
            [low - below, high + above]
        };
        let mut ranges = [range(0, self.x.zero && !self.equal), range(1, self.y.zero && !self.equal)];
        let legend = if drawing.narrow() { 0.0 } else { self.legend_width() };
        let tallest = if drawing.narrow() { NARROW_TALLEST } else { TALLEST };
        let right = drawing.width() - if legend > 0.0 { legend + 20.0 } else { 8.0 };
        let top = if self.y.title.is_empty() { SIZE / 2.0 } else { TITLE };
        let trial = Scale::upward(&self.y, ranges[1], 100.0, 0.0);
        let left = if self.numbers { widest(&trial) + 10.0 } else { 8.0 };
        let mut tall = 0.6 * (right - left);
        if self.equal && !self.x.log && !self.y.log {
            let [wide, high] = ranges.map(|[low, high]| high - low);
            let scale = ((right - left) / wide).min(tallest / high);
            tall = (high * scale).clamp(LOWEST, tallest);
            for (range, pixels) in ranges.iter_mut().zip([right - left, tall]) {
                let more = (pixels / scale - (range[1] - range[0])) / 2.0;
                if more.is_finite() && more > 0.0 {
                    *range = [range[0] - more, range[1] + more];
                }
            }
        }
        let area = Area { left, right, top, bottom: top + tall.clamp(LOWEST, tallest) };
        let values = |axis: &Axis, i: usize| if axis.log { column(i).collect() } else { ranges[i].to_vec() };
        let x = Scale::across(&self.x, values(&self.x, 0), area.left, area.right);
        let y = Scale::upward(&self.y, values(&self.y, 1), area.bottom, area.top);
        let [xs, ys] = ranges;
        Some(Plot { area, x: x.between(xs[0], xs[1]), y: y.between(ys[0], ys[1]) })
    }

    /// The groups' points in batches. The first batches are drawn first: of large groups, all but the last of which lie below
    /// the points of smaller ones.
    fn batches(&self, plot: &Plot) -> Vec<(&PointGroup, Vec<[f64; 2]>)> {
        let mut batches: Vec<(usize, usize, usize, Vec<[f64; 2]>)> = Vec::new();
        for (g, group) in self.groups.iter().enumerate() {
            let marked = |i: &usize| *i < MOST_NAMED && group.name(*i).is_some();
            let places = (0..group.points.len()).filter(|i| !marked(i));
            let places: Vec<[f64; 2]> = places.filter_map(|i| plot.place(group.points[i])).collect();
            let count = places.len().div_ceil(BATCH).min(MOST_BATCHES);
            for batch in 0..count {
                let points = places.iter().skip(batch).step_by(count).copied().collect();
                batches.push((count - batch, places.len(), g, points));
            }
        }
        batches.sort_by(|a, b| (b.0, b.1, a.2).cmp(&(a.0, a.1, b.2)));
        batches.into_iter().map(|(_, _, g, points)| (&self.groups[g], points)).collect()
    }

    /// Draws the points that have names, each as a mark of its own, and as many of the names as there is room for beside
    /// the boxes (left, right, top, bottom) that are taken.
    fn draw_named(&self, drawing: &mut Drawing<'_>, plot: &Plot, mut taken: Vec<[f64; 4]>) {
        let mut named: Vec<(&PointGroup, &str, [f64; 2], [f64; 2])> = Vec::new();
        for group in &self.groups {
            for (i, point) in group.points.iter().enumerate().take(MOST_NAMED) {
                if let Some((name, place)) = group.name(i).zip(plot.place(*point)) {
                    named.push((group, name, *point, place));
                }
            }
        }
        for (group, name, [x, y], [px, py]) in &named {
            let mut tip = plain(name);
            if !group.label.is_empty() && group.label != *name {
                tip += &format!("\n{}", plain(&group.label));
            }
            if self.numbers {
                for (axis, value) in [(&self.x, *x), (&self.y, *y)] {
                    tip += &format!("\n{}: {}", plain(&axis.title), axis.unit.format(value));
                }
            }
            drawing.put(group.shape().at(*px, *py, 4.5).mark(
                group.kind("mark pin", "mark hollow"),
                group.paint,
                &tip,
            ));
        }
        taken.extend(named.iter().map(|(_, _, _, [x, y])| [x - 5.0, x + 5.0, y - 5.0, y + 5.0]));
        for (_, name, _, [px, py]) in &named {
            let text = shorten(name, NAME);
            let wide = width(&text);
            let spots = [
                [px + 8.0, *py],
                [px - 8.0 - wide, *py],
                [px - wide / 2.0, py - 13.0],
                [px - wide / 2.0, py + 13.0],
            ];
            let around = |[left, y]: [f64; 2]| [left, left + wide, y - 7.0, y + 7.0];
            let free = |place: &[f64; 4]| {
                let Area { left, right, top, bottom } = plot.area;
                let inside = place[0] >= left && place[1] <= right && place[2] >= top && place[3] <= bottom;
                let apart =
                    |o: &[f64; 4]| place[1] < o[0] || o[1] < place[0] || place[3] < o[2] || o[3] < place[2];
                // The mark itself is next to its name, and does not touch it.
                inside && taken.iter().all(apart)
            };
            if let Some(spot) = spots.into_iter().find(|spot| free(&around(*spot))) {
                taken.push(around(spot));
                drawing.write("label over", spot, Anchor::Start, NAME, name);
            }
        }
    }

    /// Draws the boundary, with its words beside its upper end. Returns the box that the words take.
    fn draw_boundary(&self, drawing: &mut Drawing<'_>, plot: &Plot) -> Option<[f64; 4]> {
        let (a, b, label) = self.boundary.as_ref()?;
        let [from, to] = plot.across(*a, *b)?;
        drawing.put(line(from[0], from[1], to[0], to[1]).class("boundary"));
        let Area { left, right, top, bottom } = plot.area;
        let (upper, lower) = if from[1] < to[1] { (from, to) } else { (to, from) };
        let middle = (upper[1] - 10.0).clamp(top + 10.0, bottom - 10.0);
        // Where the line is furthest down beside the words.
        let down = (middle + 8.0).clamp(upper[1], lower[1]);
        let drop = lower[1] - upper[1];
        let share = if drop > 0.0 { (down - upper[1]) / drop } else { 0.0 };
        let there = upper[0] + share * (lower[0] - upper[0]);
        let (x, anchor, room) = if upper[0] > (left + right) / 2.0 {
            let x = upper[0].min(there) - 6.0;
            (x, Anchor::End, x - left - 4.0)
        } else {
            let x = upper[0].max(there) + 6.0;
            (x, Anchor::Start, right - 4.0 - x)
        };
        let wide = drawing.write("label over", [x, middle], anchor, room, label);
        let x = if anchor == Anchor::End { x - wide } else { x };
        Some([x, x + wide, middle - 8.0, middle + 8.0])
    }

    /// Draws the legend on the right, or below in a narrow drawing: shape, name and rows of each group, and how many rows are
    /// drawn. Returns where it ends.
    fn draw_legend(&self, drawing: &mut Drawing<'_>, top: f64) -> f64 {
        let whole = drawing.width();
        let wide = if drawing.narrow() { whole } else { self.legend_width() };
        let left = whole - wide;
        let mut y = top + 6.0;
        if !self.groups.iter().all(PointGroup::is_named) {
            drawing.write("tick", [whole - 2.0, y], Anchor::End, wide, "rows");
            y += LINE;
        }
        for group in &self.groups {
            let count = group.count();
            let room = wide - 22.0 - width(&count) - 10.0;
            let mut key = Element::new("g").class("key");
            if let Some(segment) = group.paint.segment() {
                key = key.set("data-s", &segment.to_string());
            }
            let target = rect(left, y - LINE / 2.0, wide, LINE).class("hit");
            let key = key
                .set("data-tip", &group.tip())
                .child(target)
                .child(group.shape().at(left + 8.0, y, 5.0).mark(
                    group.kind("mark", "mark hollow"),
                    group.paint,
                    "",
                ))
                .child(words("label", [left + 22.0, y], Anchor::Start).text(&shorten(&group.label, room)))
                .child(words("tick", [whole - 2.0, y], Anchor::End).text(&count));
            drawing.put(key);
            y += LINE;
        }
        if let Some(note) = self.drawn_note() {
            drawing.write("note", [left, y + 4.0], Anchor::Start, wide, &note);
            y += LINE + 4.0;
        }
        y - LINE / 2.0
    }
}

/// The value in the middle of the finite ones.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|v| v.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    values.get(values.len() / 2 - 1).map(|lower| lower / 2.0 + upper / 2.0)
}

impl Chart for Scatter {
    fn svg(&self, caption: &Caption<'_>) -> String {
        let mut drawing = Drawing::new(caption);
        let Some(plot) = self.plot(&drawing) else { return drawing.nothing() };
        let area = plot.area;
        let mut end = area.bottom + 8.0;
        if self.numbers {
            end = area.grid_across(&mut drawing, &plot.x, &self.x.title);
            area.grid_upward(&mut drawing, &plot.y, &self.y.title);
        } else {
            let middle = (area.left + area.right) / 2.0;
            let room = area.right - area.left;
            drawing.write("axis-title", [middle, area.bottom + 12.0], Anchor::Middle, room, &self.x.title);
            let above = area.top - TITLE / 2.0 - 4.0;
            drawing.write("axis-title", [area.left, above], Anchor::Start, drawing.width(), &self.y.title);
            end += SIZE;
        }
        drawing.put(rect(area.left, area.top, area.right - area.left, area.bottom - area.top).class("frame"));
        let count: usize = self.groups.iter().map(|g| g.points.len()).sum();
        let radius = match count {
            0..300 => 4.0,
            300..1500 => 3.2,
            1500..4000 => 2.6,
            _ => 2.2,
        };
        // As large in relation to the area.
        let radius = if drawing.narrow() { 0.8 * radius } else { radius };
        for (group, points) in self.batches(&plot) {
            let (path, kind) = points::path(&points, group.shape(), radius);
            drawing.put(path.mark(kind, group.paint, &group.tip()));
        }
        let taken = self.draw_boundary(&mut drawing, &plot);
        self.draw_named(&mut drawing, &plot, taken.into_iter().collect());
        if self.legend_width() > 0.0 {
            let top = if drawing.narrow() { end + 6.0 } else { area.top };
            end = end.max(self.draw_legend(&mut drawing, top));
        }
        drawing.finish(end)
    }

    fn table(&self) -> DataTable {
        let count = |n: u64| Unit::Count.datum(Some(n as f64));
        let group_of = |group: &PointGroup| Datum {
            text: group.label.clone(),
            paint: Some(group.paint),
            ..Datum::default()
        };
        let named = self.groups.iter().any(PointGroup::is_named);
        let mut columns = vec![("group".to_string(), false)];
        if named {
            columns.extend([
                ("point".into(), false),
                (self.x.name().into(), true),
                (self.y.name().into(), true),
            ]);
            let line = |group: &PointGroup, name: Datum, [x, y]: [Option<f64>; 2]| {
                vec![group_of(group), name, self.x.unit.datum(x), self.y.unit.datum(y)]
            };
            let lines = |group: &PointGroup| -> Vec<Vec<Datum>> {
                if !group.is_named() {
                    let middle = [0, 1].map(|axis| median(group.points.iter().map(|p| p[axis])));
                    let what = format!("median of {}", figures::count(group.points.len(), "point"));
                    return vec![line(group, Datum::text(what), middle)];
                }
                let point = |(i, place): (usize, &[f64; 2])| {
                    line(group, group.name(i).map_or_else(Datum::missing, Datum::text), place.map(Some))
                };
                group.points.iter().enumerate().map(point).collect()
            };
            return DataTable { columns, rows: self.groups.iter().flat_map(lines).collect() };
        }
        columns.extend([("rows".into(), true), ("points drawn".into(), true)]);
        if self.numbers {
            columns.extend(
                [&self.x, &self.y].map(|axis| (format!("{} (median of the points)", axis.name()), true)),
            );
        }
        let line = |group: &PointGroup| {
            let mut row = vec![group_of(group), count(group.shown_rows()), count(group.points.len() as u64)];
            if self.numbers {
                for (i, axis) in [&self.x, &self.y].into_iter().enumerate() {
                    row.push(axis.unit.datum(median(group.points.iter().map(|p| p[i]))));
                }
            }
            row
        };
        DataTable { columns, rows: self.groups.iter().map(line).collect() }
    }
}
