//! Horizontal bars, or dots with intervals: one line for each thing that is measured.

use super::axis::{Area, Scale};
use super::legend::{Sign, legend};
use super::palette::Shape;
use super::svg::{Anchor, Drawing, Element, line, path, rect};
use super::text::{shorten, widest, width};
use super::{Axis, Caption, Chart, DataTable, Datum, Key, Paint, Unit};

/// How a value is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// A bar from 0.
    #[default]
    Bars,
    /// A dot at the value; for scores, and for means whose interval matters more than their distance from 0.
    Dots,
}

/// Horizontal bars.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bars {
    /// What is measured.
    pub axis: Axis,
    /// How.
    pub form: Form,
    /// What a bar stands for: `segment`.
    pub what: String,
    /// The lines, from top to bottom.
    pub bars: Vec<Bar>,
    /// What each bar's reference is: `all learners`. It appears in the legend.
    pub reference: Option<String>,
    /// What the intervals are: `95 % interval`. It appears in the legend.
    pub interval: Option<String>,
    /// Values that are marked across all bars, with a word for each: 0.75 `stable`.
    pub limits: Vec<(f64, String)>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bar {
    /// Its name.
    pub label: String,
    /// Its colour.
    pub paint: Paint,
    /// The value; `None` where there is none, which is said in its place.
    pub value: Option<f64>,
    /// The ends of the value's interval.
    pub interval: Option<(f64, f64)>,
    /// The value that it is compared with, drawn as a tick.
    pub reference: Option<f64>,
    /// A few words after the value.
    pub note: Option<String>,
}

/// The height of a line, and of one with its name above the bar.
const LINE: f64 = 28.0;
const NARROW_LINE: f64 = 46.0;
/// The height of a bar.
const BAR: f64 = 18.0;
/// Between names and the area.
const GAP: f64 = 14.0;
/// The widest that names and notes may be.
const LABELS: f64 = 230.0;
const NOTES: f64 = 150.0;
/// The narrowest that the area may become where notes need more room than that.
const AREA: f64 = 240.0;

impl Bar {
    fn finite(&self) -> Option<f64> {
        self.value.filter(|v| v.is_finite())
    }

    fn ends(&self) -> Option<(f64, f64)> {
        self.interval.filter(|(low, high)| low.is_finite() && high.is_finite())
    }
}

impl Bars {
    /// All numbers that the axis must hold.
    fn numbers(&self) -> Vec<f64> {
        let limits = self.limits.iter().map(|(limit, _)| *limit);
        let bars = self.bars.iter().flat_map(|bar| {
            let (low, high) = bar.ends().unzip();
            [bar.finite(), low, high, bar.reference].into_iter().flatten()
        });
        limits.chain(bars).collect()
    }

    /// The ends of the axis of scores and shares that lie between 0 and 1: it shows all of that range, since a part of it would
    /// make small differences look large.
    fn whole_range(&self) -> Vec<f64> {
        let known = self.form == Form::Dots && matches!(self.axis.unit, Unit::Score | Unit::Share);
        let inside = self.numbers().iter().all(|number| (0.0..=1.0).contains(number));
        if known && inside && !self.axis.log { vec![0.0, 1.0] } else { Vec::new() }
    }

    fn value(&self, bar: &Bar) -> String {
        bar.finite().map_or_else(|| "no value".into(), |value| self.axis.unit.short(value))
    }

    fn tip(&self, bar: &Bar) -> String {
        let unit = &self.axis.unit;
        let value = bar.finite().map_or_else(|| "no value".into(), |value| unit.format(value));
        let mut tip = format!("{}\n{}: {}", bar.label, self.axis.name(), value);
        if let Some((low, high)) = bar.ends() {
            let what = self.interval.as_deref().unwrap_or("interval");
            tip += &format!("\n{what}: {} to {}", unit.format(low), unit.format(high));
        }
        if let Some(reference) = bar.reference {
            let what = self.reference.as_deref().unwrap_or("reference");
            tip += &format!("\n{what}: {}", unit.format(reference));
        }
        if let Some(note) = &bar.note {
            tip += &format!("\n{note}");
        }
        tip
    }

    /// Draws one line around `y`.
    fn draw(&self, drawing: &mut Drawing<'_>, scale: &Scale, bar: &Bar, y: f64, notes: f64) {
        let tip = self.tip(bar);
        let base = scale.base();
        let text = self.value(bar);
        let note = bar.note.as_deref().filter(|_| !drawing.narrow());
        let note = note.map(|note| shorten(note, notes)).filter(|note| !note.is_empty());
        let whole = drawing.width();
        let Some(place) = bar.finite().and_then(|value| scale.place(value)) else {
            let text = note.map_or_else(|| text.clone(), |note| format!("{text}, {note}"));
            drawing.write("note", [base + 6.0, y], Anchor::Start, whole - base - 6.0, &text);
            return;
        };
        let (mut left, mut right) = (place, place);
        match self.form {
            Form::Bars => {
                (left, right) = (place.min(base), place.max(base));
                // A bar of nearly nothing can still be pointed at.
                let wide = (right - left).max(1.0);
                drawing.fill(rect(left, y - BAR / 2.0, wide, BAR), bar.paint, &tip);
            }
            Form::Dots => {}
        }
        let interval = bar.ends().and_then(|(low, high)| scale.place(low).zip(scale.place(high)));
        if let Some((low, high)) = interval {
            // The ground behind the lines sets them off from the bar.
            let kinds = if self.form == Form::Bars { ["halo", "whisker"] } else { ["halo", "line"] };
            let mut group = Element::new("g").mark("mark", bar.paint, &tip);
            for kind in kinds {
                let ends = [low, high].map(|end| line(end, y - 4.0, end, y + 4.0));
                let lines = ends.into_iter().fold(line(low, y, high, y).into_group(kind), Element::child);
                group = group.child(lines);
            }
            drawing.put(group);
            (left, right) = (left.min(low), right.max(high));
        }
        if self.form == Form::Dots {
            drawing.put(Shape::of(bar.paint).at(place, y, 5.5).mark("mark", bar.paint, &tip));
            (left, right) = (left - 6.0, right + 6.0);
        }
        let reference = bar.reference.and_then(|reference| scale.place(reference));
        if let Some(x) = reference {
            drawing.put(line(x, y - 11.0, x, y + 11.0).class("halo"));
            drawing.put(line(x, y - 11.0, x, y + 11.0).class("reference").set("data-tip", &tip));
        }
        if self.form == Form::Bars && place < base {
            // The value of a bar to the left stands on its left, and the words about it on the right.
            let wide = width(&text);
            let mut end = left - 6.0;
            if let Some(x) = reference.filter(|x| (end - wide - 4.0..=end + 6.0).contains(x)) {
                end = x - 6.0;
            }
            drawing.write("value", [end, y], Anchor::End, wide, &text);
            if let Some(note) = note {
                let start = reference.map_or(right, |x| right.max(x)) + 6.0;
                drawing.write("note", [start, y], Anchor::Start, notes, &note);
            }
            return;
        }
        let wide = width(&text) + note.as_deref().map_or(0.0, |note| 8.0 + width(note));
        let mut start = right + 6.0;
        if let Some(x) = reference.filter(|x| (start - 6.0..=start + wide + 4.0).contains(x)) {
            start = x + 6.0;
        }
        start += drawing.write("value", [start, y], Anchor::Start, whole, &text) + 8.0;
        if let Some(note) = note {
            drawing.write("note", [start, y], Anchor::Start, notes, &note);
        }
    }

    /// Writes a bar's name, and its note at the other end, in a line of their own.
    fn write_above(&self, drawing: &mut Drawing<'_>, bar: &Bar, [x, y]: [f64; 2]) {
        let whole = drawing.width();
        let note = bar.note.as_deref().filter(|note| !note.is_empty());
        let noted = note.map_or(0.0, |note| width(&shorten(note, NOTES)) + 10.0);
        drawing.write("label over", [x, y], Anchor::Start, whole - noted - x, &bar.label);
        if let Some(note) = note {
            drawing.write("note", [whole, y], Anchor::End, NOTES, note);
        }
    }

    /// Draws the limits and their words, which stand above the area in as many lines as they need.
    fn draw_limits(&self, drawing: &mut Drawing<'_>, scale: &Scale, area: &Area, lines: &[usize]) {
        for ((limit, word), level) in self.limits.iter().zip(lines) {
            let Some(x) = scale.place(*limit) else { continue };
            let y = area.top - 12.0 - 17.0 * *level as f64;
            drawing.put(path(&[[x, y + 9.0], [x, area.bottom]], false).class("limit"));
            drawing.write("limit-name", [x, y], Anchor::Middle, LABELS, word);
        }
    }

    /// The line above the area in which each limit's words stand, counted from the area upwards, so that none overlap.
    fn limit_lines(&self, scale: &Scale, whole: f64) -> Vec<usize> {
        let mut ends: Vec<Vec<[f64; 2]>> = Vec::new();
        let level = |(limit, word): &(f64, String)| {
            let half = width(&shorten(word, LABELS)) / 2.0 + 6.0;
            let x = scale.place(*limit).unwrap_or_default().clamp(half, (whole - half).max(half));
            let free = |taken: &Vec<[f64; 2]>| taken.iter().all(|[l, r]| x + half < *l || x - half > *r);
            let level = ends.iter().position(free).unwrap_or(ends.len());
            if level == ends.len() {
                ends.push(Vec::new());
            }
            ends[level].push([x - half, x + half]);
            level
        };
        self.limits.iter().map(level).collect()
    }
}

impl Chart for Bars {
    fn svg(&self, caption: &Caption<'_>) -> String {
        let mut drawing = Drawing::new(caption);
        if self.bars.is_empty() {
            return drawing.nothing();
        }
        let mut entries = Vec::new();
        if self.bars.iter().any(|bar| bar.reference.is_some()) {
            entries.extend(self.reference.as_deref().map(|name| (Sign::Tick, name)));
        }
        if self.bars.iter().any(|bar| bar.ends().is_some()) {
            entries.extend(self.interval.as_deref().map(|name| (Sign::Interval, name)));
        }
        let labels = widest(self.bars.iter().map(|bar| bar.label.as_str()), LABELS);
        let values = self.bars.iter().map(|bar| width(&self.value(bar))).fold(0.0, f64::max);
        let negative = self.form == Form::Bars
            && self.bars.iter().any(|bar| bar.finite().is_some_and(|value| value < 0.0) && !self.axis.log);
        let narrow = drawing.narrow();
        let beside = if narrow { 8.0 } else { labels + GAP };
        let most = (drawing.width() - beside - values - 22.0 - AREA).max(NOTES);
        let notes = widest(self.bars.iter().filter_map(|bar| bar.note.as_deref()), most);
        let notes = if narrow { 0.0 } else { notes };
        let left = if negative { beside + 8.0 + values } else { beside };
        let right = drawing.width() - 14.0 - values - if notes > 0.0 { 8.0 + notes } else { 0.0 };
        let pitch = if narrow { NARROW_LINE } else { LINE };
        let axis = Axis { zero: self.axis.zero || self.form == Form::Bars, ..self.axis.clone() };
        let scale = Scale::across(&axis, self.numbers().into_iter().chain(self.whole_range()), left, right);
        let lines = self.limit_lines(&scale, drawing.width());
        let above = lines.iter().max().map_or(4.0, |most| 22.0 + 17.0 * *most as f64);
        let top = legend(&mut drawing, 0.0, 0.0, &entries) + above;
        let area = Area { left, right, top, bottom: top + pitch * self.bars.len() as f64 };
        let height = area.grid_across(&mut drawing, &scale, &self.axis.title);
        if scale.holds(0.0) {
            drawing.put(line(scale.base(), top, scale.base(), area.bottom).class("axis"));
        }
        self.draw_limits(&mut drawing, &scale, &area, &lines);
        for (i, bar) in self.bars.iter().enumerate() {
            let mut y = top + pitch * (i as f64 + 0.5);
            if narrow {
                self.write_above(&mut drawing, bar, [if negative { 0.0 } else { left + 5.0 }, y - 12.0]);
                y += 9.0;
            } else {
                drawing.write("label", [labels, y], Anchor::End, LABELS, &bar.label);
            }
            self.draw(&mut drawing, &scale, bar, y, notes);
        }
        drawing.finish(height)
    }

    fn table(&self) -> DataTable {
        let unit = &self.axis.unit;
        let interval = self.bars.iter().any(|bar| bar.interval.is_some());
        let reference = self.bars.iter().any(|bar| bar.reference.is_some());
        let note = self.bars.iter().any(|bar| bar.note.is_some());
        let name = self.axis.name();
        let mut columns = vec![(self.what.clone(), false), (name.to_string(), true)];
        if interval {
            let what = self.interval.as_deref().unwrap_or("interval");
            columns.extend([(format!("{what}, from"), true), (format!("{what}, to"), true)]);
        }
        if reference {
            columns.push((self.reference.clone().unwrap_or_else(|| "reference".into()), true));
        }
        if note {
            columns.push(("note".into(), false));
        }
        let row = |bar: &Bar| {
            let key = Key { label: bar.label.clone(), paint: bar.paint };
            let mut row = vec![Datum::key(&key), unit.datum(bar.value)];
            if interval {
                row.extend([unit.datum(bar.interval.map(|i| i.0)), unit.datum(bar.interval.map(|i| i.1))]);
            }
            if reference {
                row.push(unit.datum(bar.reference));
            }
            if note {
                row.push(Datum::text(bar.note.clone().unwrap_or_default()));
            }
            row
        };
        DataTable { columns, rows: self.bars.iter().map(row).collect() }
    }
}
