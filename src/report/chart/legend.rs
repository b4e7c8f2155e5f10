//! Legends: what colours and signs mean, above the drawing.

use super::boxes::diamond;
use super::svg::{Anchor, Drawing, Element, line, rect};
use super::text::{shorten, width};
use super::{Paint, palette};

/// What stands before a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// A filled square, as bars have.
    Square(Paint),
    /// A step of the sequential scale, from 0 to 8.
    Step(usize),
    /// A line.
    Line(Paint),
    /// A point in the paint's own shape.
    Point(Paint),
    /// A short upright line, as references have.
    Tick,
    /// A line with ends, as intervals have.
    Interval,
    /// An upright line with ends, as errors have.
    Error,
    /// A line without a colour of its own, as the outline of a distribution.
    Outline,
    /// The diamond of a mean.
    Mean,
    /// Nothing: the words are a note.
    None,
}

/// The height of a line of a legend.
const HEIGHT: f64 = 20.0;
/// The widest a name may be.
const WIDEST: f64 = 300.0;

/// Draws a legend from `top` down in as many lines as it takes, between `left` and the drawing's right edge. Returns where it
/// ends, which is `top` without entries.
pub(super) fn legend(drawing: &mut Drawing<'_>, left: f64, top: f64, entries: &[(Sign, &str)]) -> f64 {
    if entries.is_empty() {
        return top;
    }
    let (mut x, mut y) = (left, top + HEIGHT / 2.0);
    for (sign, name) in entries {
        let room = WIDEST.min(drawing.width() - left - 20.0);
        let sign_width = if *sign == Sign::None { 0.0 } else { 20.0 };
        let wide = sign_width + width(&shorten(name, room));
        if x > left && x + wide > drawing.width() {
            (x, y) = (left, y + HEIGHT);
        }
        draw(drawing, *sign, x, y);
        drawing.write("legend", [x + sign_width, y], Anchor::Start, room, name);
        x += wide + 14.0;
    }
    y + HEIGHT / 2.0 + 4.0
}

/// Draws a sign with its left edge at `x` and its middle at `y`.
pub(super) fn draw(drawing: &mut Drawing<'_>, sign: Sign, x: f64, y: f64) {
    match sign {
        Sign::Square(paint) => drawing.fill(rect(x, y - 6.0, 12.0, 12.0), paint, ""),
        Sign::Step(step) => drawing.put(rect(x, y - 6.0, 12.0, 12.0).class(&format!("mark q{step}"))),
        Sign::Line(paint) => drawing.put(line(x, y, x + 14.0, y).mark("mark line", paint, "")),
        Sign::Point(paint) => {
            drawing.put(palette::Shape::of(paint).at(x + 6.0, y, 5.0).mark("mark", paint, ""));
        }
        Sign::Interval => {
            let group = Element::new("g").class("whisker").child(line(x, y, x + 14.0, y));
            let group = [x, x + 14.0].into_iter().fold(group, |g, x| g.child(line(x, y - 4.0, x, y + 4.0)));
            drawing.put(group);
        }
        Sign::Error => {
            let group = Element::new("g").class("whisker").child(line(x + 6.0, y - 6.0, x + 6.0, y + 6.0));
            let ends = [y - 6.0, y + 6.0].map(|y| line(x + 2.0, y, x + 10.0, y));
            drawing.put(ends.into_iter().fold(group, Element::child));
        }
        Sign::Outline => drawing.put(line(x, y, x + 14.0, y).class("outline")),
        Sign::Mean => drawing.put(diamond(x + 6.0, y).class("mean")),
        Sign::None => {}
        Sign::Tick => drawing.put(line(x + 6.0, y - 7.0, x + 6.0, y + 7.0).class("reference")),
    }
}
