//! Axes: what numbers are measured in, where ticks go, and how they read.

use super::Datum;
use super::svg::{Anchor, Drawing, line};
use super::text::{SIZE, width};
use crate::report::figures;

/// What numbers are measured in, which says how they read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Unit {
    /// Plain numbers with four significant digits.
    #[default]
    Number,
    /// Whole numbers: rows, segments.
    Count,
    /// Shares from 0 to 1, read as percent.
    Share,
    /// Differences of shares from -1 to 1, read as percentage points with a sign.
    Points,
    /// Scores such as silhouettes, with three decimals.
    Score,
    /// Years such as 2017, without a separator.
    Year,
}

impl Unit {
    /// That of numbers of which these are quantiles: years, if all are whole and of our time.
    pub fn of(quantiles: &[f64]) -> Unit {
        let year = |value: &f64| value.fract() == 0.0 && (1900.0..=2100.0).contains(value);
        if !quantiles.is_empty() && quantiles.iter().all(year) { Unit::Year } else { Unit::Number }
    }

    /// A value, as it stands in a table and in a tip; a dash where it is not a number.
    pub fn format(&self, value: f64) -> String {
        if !value.is_finite() {
            return "\u{2013}".into();
        }
        match self {
            Unit::Number => figures::brief(value),
            Unit::Count if value.abs() < 1e15 => whole(value.round()),
            Unit::Count => figures::brief(value),
            Unit::Share | Unit::Points if value.abs() >= 1e6 => figures::brief(100.0 * value),
            Unit::Share => figures::percent(value),
            Unit::Points => figures::signed(100.0 * value),
            Unit::Score if value.abs() < 1e6 => figures::score(value),
            Unit::Score => figures::brief(value),
            Unit::Year => figures::year(value),
        }
    }

    /// A value as it stands beside a mark, which is [`Unit::format`]'s text except for large numbers: `1.234 bn`.
    pub(super) fn short(&self, value: f64) -> String {
        match (self, large(value)) {
            (Unit::Number | Unit::Count | Unit::Score, Some((unit, word))) => {
                format!("{} {word}", figures::brief(value / unit))
            }
            _ => self.format(value),
        }
    }

    /// A cell of a table.
    pub(super) fn datum(&self, value: Option<f64>) -> Datum {
        match value {
            Some(value) if value.is_finite() => Datum::number(value, self.format(value)),
            _ => Datum::missing(),
        }
    }

    /// The value of a tick, with no more digits than ticks that are `step` apart need.
    fn tick(&self, value: f64, step: f64) -> String {
        let (value, step) = match self {
            Unit::Share | Unit::Points => (100.0 * value, 100.0 * step),
            Unit::Number | Unit::Count | Unit::Score | Unit::Year => (value, step),
        };
        let value = if value.abs() < step / 1e6 { 0.0 } else { value };
        let decimals = -libm::floor(libm::log10(step) + 1e-9);
        let text = if value == 0.0 {
            "0".into()
        } else if decimals > 8.0 || value.abs() >= 1e15 {
            exponent(value, step)
        } else if let Some((unit, word)) = large(value) {
            let decimals = -libm::floor(libm::log10(step / unit) + 1e-9);
            format!("{:.*} {word}", decimals.clamp(0.0, 9.0) as usize, value / unit)
        } else if decimals > 0.0 {
            format!("{value:.*}", decimals as usize)
        } else {
            whole(value.round())
        };
        match self {
            Unit::Share => format!("{text} %"),
            Unit::Year => text.replace(',', ""),
            Unit::Points if value > 0.0 => format!("+{text}"),
            _ => text,
        }
    }
}

/// The unit that a large number is told in, and its abbreviation.
fn large(value: f64) -> Option<(f64, &'static str)> {
    match value.abs() {
        size if (1e9..1e12).contains(&size) => Some((1e9, "bn")),
        size if (1e12..1e15).contains(&size) => Some((1e12, "tn")),
        _ => None,
    }
}

fn whole(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", figures::whole(value.abs() as u64))
}

/// `2e15`, `2.5e-9`, with the digits that tell it from numbers that are `step` away.
fn exponent(value: f64, step: f64) -> String {
    let digits = libm::floor(libm::log10(value.abs()) + 1e-9) - libm::floor(libm::log10(step) + 1e-9);
    format!("{value:.*e}", digits.clamp(0.0, 16.0) as usize)
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below this number.
fn nice(number: f64) -> f64 {
    let power = libm::floor(libm::log10(number)) as i32;
    let candidates = [(1, power), (2, power), (5, power), (1, power + 1)];
    let candidates = candidates.iter().filter_map(|(digit, power)| format!("{digit}e{power}").parse().ok());
    candidates.into_iter().find(|c: &f64| *c >= number * (1.0 - 1e-9)).unwrap_or(number)
}

/// An axis of a chart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Axis {
    /// What it measures, with its unit: `ctc_lpa`, `rows`, `PC 1 (21.4 % of the variance)`.
    pub title: String,
    /// How its numbers read.
    pub unit: Unit,
    /// Whether the axis is logarithmic; only for numbers above 0.
    pub log: bool,
    /// Whether the axis begins at 0 although all numbers are larger.
    pub zero: bool,
}

/// Where the numbers of an axis lie in a drawing.
#[derive(Debug, Clone)]
pub(super) struct Scale {
    /// The smallest and the largest number, or their logarithms.
    ends: [f64; 2],
    /// Where they lie.
    places: [f64; 2],
    log: bool,
    /// The ticks with their labels.
    pub(super) ticks: Vec<(f64, String)>,
}

/// The most ticks of an axis, or about.
const TICKS: usize = 6;

/// Numbers beyond this are taken as this, and those below one in this as 0.
const LARGEST: f64 = 1e300;

impl Axis {
    /// The title, or a word where there is none.
    pub(super) fn name(&self) -> &str {
        if self.title.is_empty() { "value" } else { &self.title }
    }
}

impl Scale {
    /// A scale from left to right.
    pub(super) fn across(axis: &Axis, values: impl IntoIterator<Item = f64>, from: f64, to: f64) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        let mut scale = Scale::new(axis, &values, [from, to], TICKS);
        let crowded = |scale: &Scale| {
            let widest = scale.ticks.iter().map(|(_, label)| width(label)).fold(0.0, f64::max);
            (widest + 14.0) * scale.ticks.len() as f64 > (to - from).abs()
        };
        // Ticks become fewer where their labels would touch; the ends stay.
        let mut most = TICKS;
        while crowded(&scale) && most > 1 {
            most -= 1;
            let [low, high] = scale.ends;
            let fewer = Scale::new(axis, &values, [from, to], most);
            let within = |tick: &f64| {
                let at = if scale.log { libm::log10(*tick) } else { *tick };
                let slack = 1e-9 * (high - low);
                (low - slack..=high + slack).contains(&at)
            };
            scale.ticks = fewer.ticks.into_iter().filter(|(tick, _)| within(tick)).collect();
        }
        scale
    }

    /// A scale upwards: `from` is the bottom, a larger number than `to`.
    pub(super) fn upward(axis: &Axis, values: impl IntoIterator<Item = f64>, from: f64, to: f64) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        Scale::new(axis, &values, [from, to], TICKS)
    }

    fn new(axis: &Axis, values: &[f64], places: [f64; 2], most: usize) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut low_above_0, mut high_above_0) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.iter().filter(|v| v.is_finite()) {
            let value = if value.abs() < 1.0 / LARGEST { 0.0 } else { value.clamp(-LARGEST, LARGEST) };
            (low, high) = (low.min(value), high.max(value));
            if value > 0.0 {
                (low_above_0, high_above_0) = (low_above_0.min(value), high_above_0.max(value));
            }
        }
        if axis.log && low_above_0 <= high_above_0 {
            return Scale::logarithmic(axis, low_above_0, high_above_0, places, most);
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if axis.zero {
            (low, high) = (low.min(0.0), high.max(0.0));
        }
        // Numbers that differ in their last digits alone count as equal.
        if high - low <= 1e-12 * high.abs().max(low.abs()) {
            let around = if low == 0.0 { 1.0 } else { 0.1 * low.abs().max(1.0 / LARGEST) };
            let around = match axis.unit {
                Unit::Count => around.max(1.0),
                Unit::Year => 5.0,
                _ => around,
            };
            (low, high) = if low == 0.0 { (0.0, around) } else { (low - around, high + around) };
        }
        let mut step = nice((high - low) / most.max(1) as f64);
        if matches!(axis.unit, Unit::Count | Unit::Year) {
            step = step.max(1.0);
        }
        let (first, last) = ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
        let tick = |i: usize| (first + i as f64) * step;
        let count = (last - first).clamp(1.0, 100.0) as usize;
        let ticks = (0..=count).map(|i| (tick(i), axis.unit.tick(tick(i), step))).collect();
        Scale { ends: [tick(0), tick(count)], places, log: false, ticks }
    }

    fn logarithmic(axis: &Axis, low: f64, high: f64, places: [f64; 2], most: usize) -> Self {
        // Ticks are 1, 2 and 5 times each power of ten, or some of the powers alone where there are many.
        let steps: Vec<f64> = (libm::floor(libm::log10(low)) as i32..=libm::ceil(libm::log10(high)) as i32)
            .flat_map(|power| ["1", "2", "5"].map(|digit| format!("{digit}e{power}")))
            .filter_map(|text| text.parse().ok())
            .collect();
        let first = steps.iter().rposition(|&s| s <= low * (1.0 + 1e-9)).unwrap_or(0);
        let last = steps.iter().position(|&s| s >= high * (1.0 - 1e-9)).unwrap_or(steps.len() - 1);
        let (first, last) = if first < last {
            (first, last)
        } else {
            (first.saturating_sub(1), (first + 1).min(steps.len() - 1))
        };
        let every = if last - first < most {
            1
        } else {
            3 * ((last - first) as f64 / 3.0 / most.max(1) as f64).ceil().max(1.0) as usize
        };
        let mut ticks: Vec<usize> = (first..=last).filter(|i| i % every == 0).collect();
        if ticks.is_empty() {
            ticks.push(first);
        }
        let ticks = ticks.into_iter().map(|i| (steps[i], axis.unit.tick(steps[i], steps[i]))).collect();
        Scale { ends: [libm::log10(steps[first]), libm::log10(steps[last])], places, log: true, ticks }
    }

    /// The numbers at both ends.
    pub(super) fn span(&self) -> [f64; 2] {
        self.ends.map(|end| if self.log { libm::pow(10.0, end) } else { end })
    }

    /// Where a number lies; one beyond an end lies at that end. `None` for what is not a number, or has no logarithm.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        if !value.is_finite() || (self.log && value <= 0.0) {
            return None;
        }
        let value = if self.log { libm::log10(value) } else { value };
        let [low, high] = self.ends;
        // Halves, so that the difference of two large numbers is finite.
        let share = ((value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0)).clamp(0.0, 1.0);
        Some(self.places[0] + share * (self.places[1] - self.places[0]))
    }

    /// The same scale between other ends, without the ticks beyond them. A logarithmic scale stays as it is.
    pub(super) fn between(mut self, low: f64, high: f64) -> Self {
        if !self.log && low < high && (high - low).is_finite() {
            self.ends = [low, high];
            let slack = (high - low) * 1e-9;
            self.ticks.retain(|(value, _)| (low - slack..=high + slack).contains(value));
        }
        self
    }

    /// How far a number lies between the ends, from 0 to 1, or outside of it for a number beyond an end.
    pub(super) fn share(&self, value: f64) -> Option<f64> {
        let value = if self.log { libm::log10(value) } else { value };
        let [low, high] = self.ends;
        let share = (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
        share.is_finite().then_some(share)
    }

    /// Where bars begin: at 0, or at the end that is nearest to it.
    pub(super) fn base(&self) -> f64 {
        self.place(0.0).unwrap_or(self.places[0])
    }

    /// Whether a number lies between the ends.
    pub(super) fn holds(&self, value: f64) -> bool {
        let [low, high] = self.span();
        (low..=high).contains(&value)
    }
}

/// The part of a drawing that marks lie in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Area {
    /// Draws the grid lines of a scale from left to right; their numbers and the axis' title come below, unless they have been
    /// drawn for another area. Returns where all of this ends.
    pub(super) fn grid_across(&self, drawing: &mut Drawing<'_>, scale: &Scale, title: &str) -> f64 {
        let mut below = self.bottom + 4.0 + SIZE / 2.0;
        for (value, label) in &scale.ticks {
            if let Some(x) = scale.place(*value) {
                drawing.put(line(x, self.top, x, self.bottom).class("grid"));
                drawing.write("tick", [x, below], Anchor::Middle, drawing.width(), label);
            }
        }
        if !title.is_empty() {
            below += SIZE + 5.0;
            let middle = (self.left + self.right) / 2.0;
            drawing.write("axis-title", [middle, below], Anchor::Middle, drawing.width(), title);
        }
        below + SIZE / 2.0 + 4.0
    }

    /// Draws the grid lines of a scale upwards, with their numbers on the left. The axis' title stands above them and takes
    /// [`TITLE`] pixels above the area.
    pub(super) fn grid_upward(&self, drawing: &mut Drawing<'_>, scale: &Scale, title: &str) {
        for (value, label) in &scale.ticks {
            if let Some(y) = scale.place(*value) {
                drawing.put(line(self.left, y, self.right, y).class("grid"));
                drawing.write("tick", [self.left - 6.0, y], Anchor::End, self.left, label);
            }
        }
        let left = self.left - 6.0 - widest(scale);
        let at = [left, self.top - TITLE / 2.0 - 4.0];
        drawing.write("axis-title", at, Anchor::Start, drawing.width(), title);
    }
}

/// How much the title of an upward axis takes above its area.
pub(super) const TITLE: f64 = 24.0;

/// How wide the numbers of a scale are, for the margin on their left.
pub(super) fn widest(scale: &Scale) -> f64 {
    scale.ticks.iter().map(|(_, label)| width(label)).fold(0.0, f64::max)
}
