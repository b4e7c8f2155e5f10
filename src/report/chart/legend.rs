//! Legends: what colours and signs mean, above the drawing.

use super::svg::{Anchor, Drawing, WIDTH, line, rect};
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
        let room = WIDEST.min(WIDTH - left - 20.0);
        let wide = 20.0 + width(&shorten(name, room));
        if x > left && x + wide > WIDTH {
            (x, y) = (left, y + HEIGHT);
        }
        draw(drawing, *sign, x, y);
        drawing.write("legend", [x + 18.0, y], Anchor::Start, room, name);
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
        Sign::Tick => drawing.put(line(x + 6.0, y - 7.0, x + 6.0, y + 7.0).class("reference")),
    }
}
