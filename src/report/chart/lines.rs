//! Curves: a score for each number of segments, the variance of each component.

use super::axis::{Area, Scale, TITLE, widest};
use super::legend::{Sign, legend};
use super::palette::Shape;
use super::svg::{Anchor, Drawing, Element, circle, coordinate, line, rect};
use super::text::{SIZE, shorten, width};
use super::{Axis, Caption, Chart, DataTable, Datum, Paint};
use crate::report::figures::plain;

/// Curves over one axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lines {
    /// The axis from left to right.
    pub x: Axis,
    /// The axis upwards.
    pub y: Axis,
    /// The curves.
    pub series: Vec<Series>,
    /// Places on the x axis that are marked, with a few words each: 5 `chosen`.
    pub marks: Vec<Mark>,
}

/// One curve.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// Its name. A single curve needs no legend.
    pub label: String,
    /// Its colour.
    pub paint: Paint,
    /// Its points; a `None` interrupts the curve.
    pub points: Vec<(f64, Option<f64>)>,
    /// The standard error at each point, which a bar reaches up and down; as many as points, or empty without bars.
    pub errors: Vec<Option<f64>>,
    /// Whether it is drawn as a curve without dots, as a function with many points is.
    pub smooth: bool,
}

/// A place on the x axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mark {
    /// The place.
    pub x: f64,
    /// What is there.
    pub label: String,
    /// Whether this is the one that was chosen, which stands out.
    pub chosen: bool,
}

/// The height of the area that curves lie in, without the lines of words above them.
const HEIGHT: f64 = 240.0;
const NARROW_HEIGHT: f64 = 180.0;
/// The height of a line of words.
const LINE: f64 = 18.0;
/// The widest name at the end of a curve.
const NAME: f64 = 150.0;
/// The radius of a dot.
const DOT: f64 = 4.0;
/// With more curves than this, the band alone shows what was chosen.
const MOST_RINGS: usize = 6;
/// Curves with more points than this are drawn without dots.
const MOST_DOTS: usize = 200;

impl Series {
    /// The points that have a place.
    fn drawn<'a>(
        &'a self,
        x: &'a Scale,
        y: &'a Scale,
    ) -> impl Iterator<Item = (usize, Option<[f64; 2]>)> + 'a {
        let place = |(i, (at, value)): (usize, &(f64, Option<f64>))| {
            (i, x.place(*at).zip(value.and_then(|v| y.place(v))).map(|(x, y)| [x, y]))
        };
        self.points.iter().enumerate().map(place)
    }

    fn error(&self, point: usize) -> Option<f64> {
        self.errors.get(point).copied().flatten().filter(|e| e.is_finite()).map(f64::abs)
    }

    fn dotted(&self) -> bool {
        !self.smooth && self.points.len() <= MOST_DOTS
    }

    /// The value at a place.
    fn at(&self, x: f64) -> Option<f64> {
        self.points.iter().find(|(at, _)| *at == x).and_then(|(_, value)| *value)
    }
}

impl Lines {
    /// The places of the points that are drawn, and their values with the ends of their bars.
    fn extent(&self) -> (Vec<f64>, Vec<f64>) {
        let (mut xs, mut ys) = (Vec::new(), Vec::new());
        let fits = |axis: &Axis, v: f64| v.is_finite() && (!axis.log || v > 0.0);
        for series in &self.series {
            for (i, (x, y)) in series.points.iter().enumerate() {
                if let Some(y) = y.filter(|y| fits(&self.x, *x) && fits(&self.y, *y)) {
                    xs.push(*x);
                    ys.push(y);
                    let error = series.error(i).unwrap_or(0.0);
                    ys.extend([y - error, y + error].into_iter().filter(|end| fits(&self.y, *end)));
                }
            }
        }
        (xs, ys)
    }

    /// The scale from left to right. Numbers of segments and the like are all labelled, and have room around them.
    fn across(&self, xs: &[f64], from: f64, to: f64) -> Scale {
        let marks = self.marks.iter().map(|m| m.x).filter(|x| x.is_finite());
        let scale = Scale::across(&self.x, xs.iter().copied().chain(marks.clone()), from, to);
        let whole = |x: &f64| x.fract() == 0.0 && x.abs() < 1e6;
        if self.x.log || self.series.iter().any(|s| s.smooth) || !xs.iter().all(whole) {
            return scale;
        }
        let all = || xs.iter().copied().chain(marks.clone());
        let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
        if high - low > 60.0 {
            return scale;
        }
        let label = |x: f64| self.x.unit.format(x);
        let room = (to - from) / (high - low + 1.0);
        let widest = [low.ceil(), high.floor()].map(|x| width(&label(x))).into_iter().fold(0.0, f64::max);
        let every =
            [1, 2, 5, 10, 20].into_iter().find(|&n| f64::from(n) * room >= widest + 8.0).unwrap_or(60);
        let mut scale = scale.between(low - 0.5, high + 0.5);
        let ticks = (low.ceil() as i64..=high.floor() as i64).filter(|k| k.rem_euclid(every.into()) == 0);
        scale.ticks = ticks.map(|k| (k as f64, label(k as f64))).collect();
        scale
    }

    /// How far the longest bar of an error reaches up, in pixels.
    fn highest_bar(&self, y: &Scale) -> Option<f64> {
        let of = |series: &Series, i: usize| {
            let (value, error) = (series.points[i].1?, series.error(i)?);
            Some((y.place(value)? - y.place(value + error)?).abs())
        };
        let dotted = self.series.iter().filter(|series| series.dotted());
        let all = dotted.flat_map(|series| (0..series.points.len()).filter_map(move |i| of(series, i)));
        all.reduce(f64::max)
    }

    /// What a point's tip says.
    fn tip(&self, series: &Series, point: usize) -> String {
        let (x, y) = series.points[point];
        let mut lines = Vec::new();
        if self.series.len() > 1 {
            lines.push(plain(&series.label));
        }
        lines.push(format!("{}: {}", plain(&self.x.title), self.x.unit.format(x)));
        let error =
            series.error(point).map_or(String::new(), |e| format!(" \u{b1} {}", self.y.unit.format(e)));
        let value = y.map_or(String::new(), |y| self.y.unit.format(y));
        lines.push(format!("{}: {value}{error}", plain(&self.y.title)));
        lines.join("\n")
    }

    /// The words of a mark: what is there; which place this is, unless a tick says it; and the value, of a single curve.
    fn words(&self, mark: &Mark, x: &Scale) -> String {
        let ticked = x.ticks.iter().any(|(value, _)| *value == mark.x);
        let place = if ticked { String::new() } else { format!(" at {}", self.x.unit.format(mark.x)) };
        let value = match &self.series[..] {
            [only] if only.dotted() => only.at(mark.x).filter(|v| v.is_finite()),
            _ => None,
        };
        let value = value.map_or(String::new(), |v| format!(": {}", self.y.unit.short(v)));
        format!("{}{place}{value}", mark.label)
    }

    /// Draws the marks' bands and lines, with their words in the area's upper part.
    fn draw_marks(&self, drawing: &mut Drawing<'_>, area: &Area, x: &Scale, words: &[Words]) {
        let spacing = (x.place(1.0).zip(x.place(0.0))).map_or(0.0, |(a, b)| (a - b).abs());
        let smooth = self.series.iter().any(|series| series.smooth);
        for Words { mark, at, left, line: row, text } in words {
            // A place on a smooth curve is no number of its own that a band could surround.
            let class = if mark.chosen && !smooth {
                let half = (spacing * 0.35).clamp(5.0, 18.0);
                let (from, to) = ((at - half).max(area.left), (at + half).min(area.right));
                drawing.put(rect(from, area.top, to - from, area.bottom - area.top).class("band"));
                "label strong over"
            } else {
                let top = area.top + (*row as f64 + 1.0) * LINE;
                drawing.put(line(*at, top, *at, area.bottom).class("limit"));
                if mark.chosen { "label strong over" } else { "tick over" }
            };
            let y = area.top + (*row as f64 + 0.5) * LINE;
            drawing.write(class, [*left, y], Anchor::Start, area.right - area.left, text);
        }
    }

    /// Where the words of the marks go: each centred on its place, in the first line with room.
    fn place_words<'a>(&'a self, area: &Area, x: &Scale) -> Vec<Words<'a>> {
        let mut ends: Vec<f64> = Vec::new();
        let mut marks: Vec<&Mark> = self.marks.iter().collect();
        marks.sort_by(|a, b| a.x.total_cmp(&b.x));
        let placed = marks.into_iter().filter_map(|mark| {
            let at = x.place(mark.x)?;
            let text = shorten(&self.words(mark, x), area.right - area.left);
            let wide = width(&text);
            let left = (at - wide / 2.0).min(area.right - wide).max(area.left);
            let line = ends.iter().position(|end| *end < left).unwrap_or(ends.len());
            ends.resize(ends.len().max(line + 1), 0.0);
            ends[line] = left + wide + 10.0;
            Some(Words { mark, at, left, line, text })
        });
        placed.collect()
    }

    fn draw_series(&self, drawing: &mut Drawing<'_>, series: &Series, x: &Scale, y: &Scale) {
        if series.dotted() {
            for (i, place) in series.drawn(x, y) {
                if let Some(([px, _], error)) = place.zip(series.error(i)) {
                    let Some(value) = series.points[i].1 else { continue };
                    let ends = [value - error, value + error].map(|end| y.place(end).unwrap_or(y.base()));
                    let d = format!(
                        "M{0} {2}V{3}M{1} {2}h8M{1} {3}h8",
                        coordinate(px),
                        coordinate(px - 4.0),
                        coordinate(ends[0]),
                        coordinate(ends[1])
                    );
                    drawing.put(Element::new("path").set("d", &d).mark("mark line thin", series.paint, ""));
                }
            }
        }
        let (d, alone) = curve(series, x, y);
        if !d.is_empty() {
            let tip = if self.series.len() > 1 { plain(&series.label) } else { String::new() };
            drawing.put(Element::new("path").set("d", &d).mark("mark line", series.paint, &tip));
        }
        let shape = if self.series.len() > 1 { Shape::of(series.paint) } else { Shape::Disc };
        for (i, place) in series.drawn(x, y) {
            let Some([px, py]) = place.filter(|_| series.dotted() || alone.contains(&i)) else { continue };
            drawing.put(shape.at(px, py, DOT).mark("mark pin", series.paint, &self.tip(series, i)));
            let chosen = self.marks.iter().any(|m| m.chosen && m.x == series.points[i].0);
            if chosen && self.series.len() <= MOST_RINGS {
                drawing.put(circle(px, py, 7.5).class("ring"));
            }
        }
    }

    /// The curves' names at their ends, moved apart where they would overlap.
    fn draw_names(&self, drawing: &mut Drawing<'_>, area: &Area, x: &Scale, y: &Scale) {
        let last = |series: &'_ Series| series.drawn(x, y).filter_map(|(_, place)| place).last();
        let mut ends: Vec<(&Series, [f64; 2])> =
            self.series.iter().filter_map(|s| Some((s, last(s)?))).collect();
        ends.sort_by(|a, b| a.1[1].total_cmp(&b.1[1]));
        let ys = apart(&ends.iter().map(|(_, [_, y])| *y).collect::<Vec<_>>(), area.top, area.bottom);
        for ((series, [px, py]), label) in ends.iter().zip(ys) {
            let left = area.right + 14.0;
            if (label - py).abs() > 2.0 || left - px > 26.0 {
                drawing.put(line(px + 6.0, *py, left - 4.0, label).class("leader"));
            }
            if series.dotted() {
                drawing.put(Shape::of(series.paint).at(left + 4.0, label, 4.0).mark(
                    "mark",
                    series.paint,
                    "",
                ));
            } else {
                drawing.put(line(left - 2.0, label, left + 10.0, label).mark("mark line", series.paint, ""));
            }
            drawing.write("label", [left + 14.0, label], Anchor::Start, NAME, &series.label);
        }
    }
}

/// The words of a mark and where they stand.
struct Words<'a> {
    mark: &'a Mark,
    at: f64,
    left: f64,
    line: usize,
    text: String,
}

/// The path of a curve, without points that would not be seen to move it; and the points without a neighbour, which a path
/// does not show.
fn curve(series: &Series, x: &Scale, y: &Scale) -> (String, Vec<usize>) {
    let (mut d, mut alone) = (String::new(), Vec::new());
    let mut stretch: Vec<(usize, [f64; 2])> = Vec::new();
    let mut close = |stretch: &mut Vec<(usize, [f64; 2])>| {
        if let [(i, _)] = stretch[..] {
            alone.push(i);
        } else {
            let mut before: Option<[f64; 2]> = None;
            for (n, (_, [px, py])) in stretch.iter().enumerate() {
                let near = |b: [f64; 2]| (b[0] - px).abs() < 0.4 && (b[1] - py).abs() < 0.4;
                if n + 1 < stretch.len() && before.is_some_and(near) {
                    continue;
                }
                let command = if before.is_none() { 'M' } else { 'L' };
                d += &format!("{command}{} {}", coordinate(*px), coordinate(*py));
                before = Some([*px, *py]);
            }
        }
        stretch.clear();
    };
    for (i, place) in series.drawn(x, y) {
        match place {
            Some(place) => stretch.push((i, place)),
            None => close(&mut stretch),
        }
    }
    close(&mut stretch);
    (d, alone)
}

/// Heights for lines of text at these heights, which ascend: as near as they can be without overlapping, between the ends.
fn apart(wanted: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    let step = LINE.min((bottom - top) / wanted.len().max(1) as f64);
    let mut out = Vec::with_capacity(wanted.len());
    let mut next = top + SIZE / 2.0;
    for w in wanted {
        out.push(w.max(next));
        next = w.max(next) + step;
    }
    let mut most = bottom;
    for y in out.iter_mut().rev() {
        *y = y.min(most);
        most = *y - step;
    }
    out
}

impl Chart for Lines {
    fn svg(&self, caption: &Caption<'_>) -> String {
        let mut drawing = Drawing::new(caption);
        let (xs, ys) = self.extent();
        if xs.is_empty() {
            return drawing.nothing();
        }
        let several = self.series.len() > 1;
        let (whole, narrow) = (drawing.width(), drawing.narrow());
        let tall = if narrow { NARROW_HEIGHT } else { HEIGHT };
        let named = several && !narrow && self.series.len() as f64 * LINE <= HEIGHT;
        let mut entries: Vec<(Sign, &str)> = Vec::new();
        if several && !named {
            let sign = |s: &Series| if s.dotted() { Sign::Point(s.paint) } else { Sign::Line(s.paint) };
            entries.extend(self.series.iter().map(|s| (sign(s), s.label.as_str())));
        }
        let trial = Scale::upward(&self.y, ys.iter().copied(), tall, 0.0);
        match self.highest_bar(&trial) {
            None => {}
            Some(height) if height > DOT => {
                entries.push((Sign::Error, "bar: one standard error up and down"))
            }
            Some(_) => entries.push((Sign::None, "standard errors are smaller than the dots")),
        }
        let top = legend(&mut drawing, 2.0, 0.0, &entries);
        let names = self.series.iter().map(|s| width(&s.label).min(NAME)).fold(0.0, f64::max);
        let margin = if named { names + 34.0 } else { 12.0 };
        let area = Area {
            left: widest(&trial) + 10.0,
            right: whole - margin,
            top: top + if self.y.title.is_empty() { SIZE / 2.0 } else { TITLE },
            bottom: 0.0,
        };
        let x = self.across(&xs, area.left, area.right);
        let words = self.place_words(&area, &x);
        let head = words.iter().map(|w| (w.line + 1) as f64 * LINE).fold(0.0, f64::max);
        let area = Area { bottom: area.top + head + tall, ..area };
        let y = Scale::upward(&self.y, ys, area.bottom, area.top + head);
        self.draw_marks(&mut drawing, &area, &x, &words);
        area.grid_upward(&mut drawing, &y, &self.y.title);
        let below = area.bottom + 4.0 + SIZE / 2.0;
        for (value, label) in &x.ticks {
            if let Some(at) = x.place(*value) {
                drawing.put(line(at, area.bottom, at, area.bottom + 4.0).class("axis"));
                drawing.write("tick", [at, below + 2.0], Anchor::Middle, whole, label);
            }
        }
        drawing.put(line(area.left, area.bottom, area.right, area.bottom).class("axis"));
        let middle = (area.left + area.right) / 2.0;
        drawing.write("axis-title", [middle, below + SIZE + 7.0], Anchor::Middle, whole, &self.x.title);
        for series in &self.series {
            self.draw_series(&mut drawing, series, &x, &y);
        }
        if named {
            self.draw_names(&mut drawing, &area, &x, &y);
        }
        drawing.finish(below + 2.0 * SIZE + 8.0)
    }

    fn table(&self) -> DataTable {
        let mut xs: Vec<f64> = self.series.iter().flat_map(|s| s.points.iter().map(|p| p.0)).collect();
        xs.sort_by(f64::total_cmp);
        xs.dedup_by(|a, b| a.total_cmp(b).is_eq());
        let marked = !self.marks.is_empty();
        let mut columns = vec![(self.x.name().to_string(), true)];
        for (i, series) in self.series.iter().enumerate() {
            let name = match series.label.as_str() {
                _ if self.series.len() == 1 => self.y.name().to_string(),
                "" => format!("curve {}", i + 1),
                label => label.to_string(),
            };
            columns.push((name.clone(), true));
            if !series.errors.is_empty() {
                columns.push((format!("\u{b1} {name}"), true));
            }
        }
        if marked {
            columns.push(("note".into(), false));
        }
        let line = |x: &f64| {
            let mut row = vec![self.x.unit.datum(Some(*x))];
            for series in &self.series {
                let point = series.points.iter().position(|p| p.0.total_cmp(x).is_eq());
                row.push(self.y.unit.datum(point.and_then(|i| series.points[i].1)));
                if !series.errors.is_empty() {
                    let error = point.and_then(|i| series.errors.get(i).copied().flatten());
                    row.push(self.y.unit.datum(error));
                }
            }
            if marked {
                let notes: Vec<&str> =
                    self.marks.iter().filter(|m| m.x == *x).map(|m| m.label.as_str()).collect();
                row.push(Datum::text(notes.join(", ")));
            }
            row
        };
        DataTable { rows: xs.iter().map(line).collect(), columns }
    }
}
