//! Paired bars: how common each answer is among all on the left, and how much commoner in the segment on the right.

use super::axis::{Area, Scale};
use super::legend::{Sign, legend};
use super::svg::{Anchor, Drawing, line, rect};
use super::text::{widest, width};
use super::{Axis, Caption, Chart, DataTable, Datum, Key, Paint, Unit};

/// Paired bars.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Paired {
    /// The title of the left bars: `all respondents`.
    pub left: String,
    /// The title of the right bars: `lift in segment 3`.
    pub right: String,
    /// The lines, from top to bottom.
    pub lines: Vec<PairedLine>,
    /// The names of the groups that colour the lines, for the legend; empty without groups.
    pub groups: Vec<String>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PairedLine {
    /// The answer.
    pub label: String,
    /// Its colour, that of its group.
    pub paint: Paint,
    /// The share of all, from 0 to 1.
    pub overall: f64,
    /// The share in the segment.
    pub share: f64,
}

/// The height of a line, and of one with its answer above the bars.
const LINE: f64 = 26.0;
const NARROW_LINE: f64 = 42.0;
/// The height of a bar.
const BAR: f64 = 16.0;
/// The widest that answers may be.
const LABELS: f64 = 240.0;
/// Between the two panels.
const GAP: f64 = 18.0;

impl PairedLine {
    fn lift(&self) -> f64 {
        self.share - self.overall
    }

    fn tip(&self, pair: &Paired) -> String {
        let group = match self.paint {
            Paint::Group(group) => pair.groups.get(group).map(|name| format!("\n{name}")),
            Paint::Segment(_) | Paint::Plain | Paint::Whole => None,
        };
        format!(
            "{}{}\n{}: {}\nin the segment: {}\ndifference: {} percentage points",
            self.label,
            group.unwrap_or_default(),
            pair.left,
            Unit::Share.format(self.overall),
            Unit::Share.format(self.share),
            Unit::Points.format(self.lift()),
        )
    }
}

impl Paired {
    /// Writes the title of a panel, in two lines where one has no room for it.
    fn head(drawing: &mut Drawing<'_>, area: &Area, title: &str) {
        let room = area.right - area.left;
        let lines = two_lines(title, room);
        for (i, line) in lines.iter().rev().enumerate() {
            let y = area.top - 12.0 - 17.0 * i as f64;
            drawing.write("label strong", [area.left, y], Anchor::Start, room, line);
        }
    }
}

/// How much wider bold letters are than others.
const BOLD: f64 = 1.08;

/// A title in one line or two: the first has the words that there is room for.
fn two_lines(title: &str, room: f64) -> Vec<&str> {
    let fits = |text: &str| BOLD * width(text) <= room;
    let spaces = || title.match_indices(' ').map(|(at, _)| at);
    match spaces().rfind(|at| fits(&title[..*at])) {
        Some(at) if !fits(title) => vec![&title[..at], &title[at + 1..]],
        _ => vec![title],
    }
}

impl Chart for Paired {
    fn svg(&self, caption: &Caption<'_>) -> String {
        let mut drawing = Drawing::new(caption);
        if self.lines.is_empty() {
            return drawing.nothing();
        }
        let entries: Vec<(Sign, &str)> = self
            .groups
            .iter()
            .enumerate()
            .map(|(i, name)| (Sign::Square(Paint::Group(i)), name.as_str()))
            .collect();
        let (whole, narrow) = (drawing.width(), drawing.narrow());
        let top = legend(&mut drawing, 0.0, 0.0, &entries) + if narrow { 43.0 } else { 26.0 };
        let pitch = if narrow { NARROW_LINE } else { LINE };
        let bottom = top + pitch * self.lines.len() as f64;
        let labels = widest(self.lines.iter().map(|line| line.label.as_str()), LABELS);
        let beside = if narrow { 0.0 } else { labels + 12.0 };
        let half = (whole - beside - GAP) / 2.0;
        let left = Area { left: beside, right: beside + half, top, bottom };
        let right = Area { left: left.right + GAP, right: whole, top, bottom };
        Paired::head(&mut drawing, &left, &self.left);
        Paired::head(&mut drawing, &right, &self.right);

        // Values stand at the ends of bars, so scales leave room for them.
        let widest_of = |unit: Unit, number: fn(&PairedLine) -> f64| {
            self.lines.iter().map(|line| width(&unit.format(number(line)))).fold(0.0, f64::max) + 8.0
        };
        let percents = widest_of(Unit::Share, |line| line.overall);
        let points = widest_of(Unit::Points, PairedLine::lift);
        let axis = |unit: Unit| Axis { unit, zero: true, ..Axis::default() };
        let numbers = self.lines.iter().map(|line| line.overall);
        let overall = Scale::across(&axis(Unit::Share), numbers, left.left, left.right - percents);
        let lifts: Vec<f64> = self.lines.iter().map(PairedLine::lift).collect();
        let falls = lifts.iter().any(|lift| *lift < 0.0);
        let from = right.left + if falls { points } else { 0.0 };
        let lift = Scale::across(&axis(Unit::Points), lifts.iter().copied(), from, right.right - points);
        left.grid_across(&mut drawing, &overall, "share");
        let height = right.grid_across(&mut drawing, &lift, "percentage points");

        for (i, row) in self.lines.iter().enumerate() {
            let mut y = top + pitch * (i as f64 + 0.5);
            let tip = row.tip(self);
            if narrow {
                drawing.write("label over", [0.0, y - 11.0], Anchor::Start, whole, &row.label);
                y += 8.0;
            } else {
                drawing.write("label", [labels, y], Anchor::End, LABELS, &row.label);
            }
            if let Some(place) = overall.place(row.overall) {
                let base = overall.base();
                let (from, to) = (place.min(base), place.max(base));
                drawing.fill(rect(from, y - BAR / 2.0, (to - from).max(1.0), BAR), Paint::Whole, &tip);
                let text = Unit::Share.format(row.overall);
                drawing.write("value", [to + 6.0, y], Anchor::Start, whole, &text);
            }
            if overall.place(row.overall).is_none() {
                drawing.write("note", [overall.base() + 6.0, y], Anchor::Start, whole, "no value");
            }
            if let Some(place) = lift.place(row.lift()) {
                let base = lift.base();
                let (from, to) = (place.min(base), place.max(base));
                drawing.fill(rect(from, y - BAR / 2.0, (to - from).max(1.0), BAR), row.paint, &tip);
                let (x, anchor) =
                    if place < base { (from - 6.0, Anchor::End) } else { (to + 6.0, Anchor::Start) };
                drawing.write("value", [x, y], anchor, whole, &Unit::Points.format(row.lift()));
            } else {
                drawing.write("note", [lift.base() + 6.0, y], Anchor::Start, whole, "no value");
            }
        }
        for scale in [&overall, &lift] {
            drawing.put(line(scale.base(), top, scale.base(), bottom).class("axis"));
        }
        drawing.finish(height)
    }

    fn table(&self) -> DataTable {
        let groups = !self.groups.is_empty();
        let mut columns = vec![("answer".to_string(), false)];
        if groups {
            columns.push(("group".into(), false));
        }
        let titles = [self.left.as_str(), "in the segment", "difference in percentage points"];
        columns.extend(titles.map(|title| (title.to_string(), true)));
        let row = |line: &PairedLine| {
            let mut row = vec![Datum::key(&Key { label: line.label.clone(), paint: line.paint })];
            if groups {
                let name = match line.paint {
                    Paint::Group(group) => self.groups.get(group).cloned(),
                    Paint::Segment(_) | Paint::Plain | Paint::Whole => None,
                };
                row.push(Datum::text(name.unwrap_or_default()));
            }
            row.extend([line.overall, line.share].map(|share| Unit::Share.datum(Some(share))));
            let lift = line.lift();
            row.push(if lift.is_finite() {
                Datum::number(100.0 * lift, Unit::Points.format(lift))
            } else {
                Datum::missing()
            });
            row
        };
        DataTable { columns, rows: self.lines.iter().map(row).collect() }
    }
}
