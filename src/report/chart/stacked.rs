//! Stacked bars: how the rows of each segment share out among answers.

use super::axis::{Area, Scale};
use super::legend::{Sign, draw, legend};
use super::palette::STEPS;
use super::svg::{Anchor, Drawing, Element, rect, words};
use super::text::{widest, width};
use super::{Axis, Caption, Chart, DataTable, Datum, Key, Paint, Unit};

/// Stacked bars that each add up to 100 %.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stacked {
    /// What a bar stands for: `segment`.
    pub what: String,
    /// The parts' names, from left to right.
    pub parts: Vec<String>,
    /// The parts' colours if each is a segment; empty where they have colours of a scale (`ordered`) or of groups.
    pub paints: Vec<Paint>,
    /// Whether the parts have an order, so that their colours go from light to dark.
    pub ordered: bool,
    /// The bars, from top to bottom.
    pub rows: Vec<StackedRow>,
}

/// One bar.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StackedRow {
    /// Its name.
    pub label: String,
    /// The colour of the mark beside its name.
    pub paint: Paint,
    /// How many rows it stands for.
    pub count: u64,
    /// The share of each part, from 0 to 1.
    pub shares: Vec<f64>,
}

/// The height of a line, and of one with its name above the bar.
const LINE: f64 = 32.0;
const NARROW_LINE: f64 = 50.0;
/// The height of a bar.
const BAR: f64 = 24.0;
/// The widest that names may be.
const LABELS: f64 = 210.0;
/// The title of the counts beside the bars.
const ROWS: &str = "rows";

impl StackedRow {
    /// The shares of all parts, which add up to 1 at most.
    fn sound(&self, parts: usize) -> Vec<f64> {
        let shares: Vec<f64> = (0..parts)
            .map(|i| self.shares.get(i).copied().filter(|share| share.is_finite()).unwrap_or_default())
            .map(|share| share.clamp(0.0, 1.0))
            .collect();
        let sum: f64 = shares.iter().sum();
        shares.iter().map(|share| if sum > 1.0 { share / sum } else { *share }).collect()
    }
}

impl Stacked {
    /// The sign of a part, which has its colour.
    fn sign(&self, part: usize) -> Sign {
        match self.paints.get(part) {
            Some(paint) => Sign::Square(*paint),
            None if self.ordered => {
                // From the second step on: the first hardly differs from the background.
                let last = self.parts.len().saturating_sub(1).max(1) as f64;
                Sign::Step(1 + (part as f64 / last * (STEPS - 2) as f64).round() as usize)
            }
            None => Sign::Square(Paint::Group(part)),
        }
    }

    /// Draws one part of a bar, with its share inside if that fits.
    fn draw(
        &self,
        drawing: &mut Drawing<'_>,
        row: &StackedRow,
        part: usize,
        [x, y, wide]: [f64; 3],
        share: f64,
    ) {
        let text = Unit::Share.format(share);
        let tip = format!("{}\n{}\n{text}", row.label, self.parts[part]);
        let shape = rect(x, y - BAR / 2.0, wide, BAR).class("cell");
        let mut group = match self.sign(part) {
            Sign::Step(step) => {
                let group = Element::new("g").class(&format!("mark q{step}")).set("data-tip", &tip);
                group.child(shape)
            }
            Sign::Square(paint) => drawing.fill_in(Element::new("g").mark("mark", paint, &tip), shape, paint),
            _ => return,
        };
        let brief = format!("{:.0} %", 100.0 * share);
        if width(&brief) + 6.0 <= wide {
            group = group.child(words("inside", [x + wide / 2.0, y], Anchor::Middle).text(&brief));
        }
        drawing.put(group);
    }
}

impl Chart for Stacked {
    fn svg(&self, caption: &Caption<'_>) -> String {
        let mut drawing = Drawing::new(caption);
        if self.rows.is_empty() || self.parts.is_empty() {
            return drawing.nothing();
        }
        let entries: Vec<(Sign, &str)> =
            self.parts.iter().enumerate().map(|(i, name)| (self.sign(i), name.as_str())).collect();
        let top = legend(&mut drawing, 0.0, 0.0, &entries) + 22.0;
        let painted = self.rows.iter().any(|row| row.paint != Paint::Plain);
        let labels = widest(self.rows.iter().map(|row| row.label.as_str()), LABELS);
        let marks = if painted { 18.0 } else { 0.0 };
        let counts = self.rows.iter().map(|row| width(&Unit::Count.short(row.count as f64)));
        let counts = counts.fold(width(ROWS), f64::max);
        let (whole, narrow) = (drawing.width(), drawing.narrow());
        let pitch = if narrow { NARROW_LINE } else { LINE };
        let area = Area {
            left: if narrow { 0.0 } else { labels + marks + 12.0 },
            right: if narrow { whole } else { whole - counts - 22.0 },
            top,
            bottom: top + pitch * self.rows.len() as f64,
        };
        let axis = Axis { unit: Unit::Share, zero: true, ..Axis::default() };
        let scale = Scale::across(&axis, [0.0, 1.0], area.left, area.right);
        let height = area.grid_across(&mut drawing, &scale, "");
        drawing.write("axis-title", [whole, top - 12.0], Anchor::End, whole, ROWS);
        for (i, row) in self.rows.iter().enumerate() {
            let mut y = top + pitch * (i as f64 + 0.5);
            let beside = if narrow { y - 14.0 } else { y };
            let (from, anchor, room) = match narrow {
                true => (if painted { 18.0 } else { 0.0 }, Anchor::Start, whole - counts - 30.0),
                false => (labels, Anchor::End, LABELS),
            };
            drawing.write("label over", [from, beside], anchor, room, &row.label);
            if row.paint != Paint::Plain {
                let sign = if narrow { 0.0 } else { labels + 8.0 };
                draw(&mut drawing, Sign::Square(row.paint), sign, beside);
            }
            let count = Unit::Count.short(row.count as f64);
            drawing.write("value", [whole, beside], Anchor::End, whole, &count);
            if narrow {
                y += 9.0;
            }
            let full = area.right - area.left;
            let mut x = area.left;
            for (part, share) in row.sound(self.parts.len()).into_iter().enumerate() {
                if share > 0.0 {
                    self.draw(&mut drawing, row, part, [x, y, full * share], share);
                    x += full * share;
                }
            }
        }
        drawing.finish(height)
    }

    fn table(&self) -> DataTable {
        let mut columns = vec![(self.what.clone(), false), (ROWS.to_string(), true)];
        columns.extend(self.parts.iter().map(|part| (part.clone(), true)));
        let row = |row: &StackedRow| {
            let key = Key { label: row.label.clone(), paint: row.paint };
            let mut data = vec![Datum::key(&key), Unit::Count.datum(Some(row.count as f64))];
            data.extend((0..self.parts.len()).map(|i| Unit::Share.datum(row.shares.get(i).copied())));
            data
        };
        DataTable { columns, rows: self.rows.iter().map(row).collect() }
    }
}
