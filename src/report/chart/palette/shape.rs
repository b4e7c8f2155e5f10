//! Shapes of points and patterns of filled marks, for those who cannot tell colours apart, and for more groups than there are
//! colours.

use crate::report::chart::Paint;
use crate::report::chart::svg::{Element, circle, path, rect};

/// The shape of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report::chart) enum Shape {
    Disc,
    /// A circle that is not filled, for rows that are in no group.
    Ring,
    Square,
    TriangleUp,
    Diamond,
    TriangleDown,
    Plus,
    Cross,
}

impl Shape {
    const ALL: [Shape; 7] = [
        Shape::Disc,
        Shape::Square,
        Shape::TriangleUp,
        Shape::Diamond,
        Shape::TriangleDown,
        Shape::Plus,
        Shape::Cross,
    ];

    /// The shape of the points of a paint. Of 70 segments no two have the same colour and the same shape.
    pub(in crate::report::chart) fn of(paint: Paint) -> Shape {
        match paint {
            Paint::Segment(segment) => Shape::ALL[segment as usize % Shape::ALL.len()],
            Paint::Group(group) => Shape::ALL[group % Shape::ALL.len()],
            Paint::Plain | Paint::Whole => Shape::Disc,
        }
    }

    /// Its corners around 0 for a radius of 1; a disc has none.
    fn corners(self) -> &'static [[f64; 2]] {
        match self {
            Shape::Disc | Shape::Ring => &[],
            Shape::Square => &[[-0.88, -0.88], [0.88, -0.88], [0.88, 0.88], [-0.88, 0.88]],
            Shape::TriangleUp => &[[0.0, -1.2], [1.15, 0.85], [-1.15, 0.85]],
            Shape::TriangleDown => &[[0.0, 1.2], [1.15, -0.85], [-1.15, -0.85]],
            Shape::Diamond => &[[0.0, -1.25], [1.25, 0.0], [0.0, 1.25], [-1.25, 0.0]],
            Shape::Plus => &[
                [-0.4, -1.2],
                [0.4, -1.2],
                [0.4, -0.4],
                [1.2, -0.4],
                [1.2, 0.4],
                [0.4, 0.4],
                [0.4, 1.2],
                [-0.4, 1.2],
                [-0.4, 0.4],
                [-1.2, 0.4],
                [-1.2, -0.4],
                [-0.4, -0.4],
            ],
            Shape::Cross => &[
                [0.0, -0.56],
                [0.62, -1.18],
                [1.18, -0.62],
                [0.56, 0.0],
                [1.18, 0.62],
                [0.62, 1.18],
                [0.0, 0.56],
                [-0.62, 1.18],
                [-1.18, 0.62],
                [-0.56, 0.0],
                [-1.18, -0.62],
                [-0.62, -1.18],
            ],
        }
    }

    /// The shape around a place, about as large as a disc of this radius.
    pub(in crate::report::chart) fn at(self, x: f64, y: f64, r: f64) -> Element {
        match self {
            Shape::Disc | Shape::Ring => circle(x, y, r),
            _ => {
                let corners: Vec<[f64; 2]> =
                    self.corners().iter().map(|[dx, dy]| [x + r * dx, y + r * dy]).collect();
                path(&corners, true)
            }
        }
    }
}

/// The pattern of a filled mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::report::chart) enum Hatch {
    Diagonals,
    Dots,
    Uprights,
}

impl Hatch {
    /// The pattern of a paint: none for the first ten, and then one for each ten.
    pub(in crate::report::chart) fn of(paint: Paint) -> Option<Hatch> {
        let number = match paint {
            Paint::Segment(segment) => segment as usize,
            Paint::Group(group) => group,
            Paint::Plain | Paint::Whole => 0,
        };
        match (number / 10) % 4 {
            0 => None,
            1 => Some(Hatch::Diagonals),
            2 => Some(Hatch::Dots),
            _ => Some(Hatch::Uprights),
        }
    }

    /// The end of its id.
    pub(in crate::report::chart) fn name(self) -> &'static str {
        match self {
            Hatch::Diagonals => "diagonals",
            Hatch::Dots => "dots",
            Hatch::Uprights => "uprights",
        }
    }

    /// Its definition, for a drawing with this id.
    pub(in crate::report::chart) fn pattern(self, id: &str) -> Element {
        let pattern = Element::new("pattern")
            .set("id", &format!("{id}-{}", self.name()))
            .set("width", "6")
            .set("height", "6")
            .set("patternUnits", "userSpaceOnUse");
        match self {
            Hatch::Diagonals => {
                pattern.set("patternTransform", "rotate(45)").child(rect(0.0, 0.0, 1.6, 6.0).class("hatch"))
            }
            Hatch::Dots => pattern.child(circle(3.0, 3.0, 1.5).class("hatch")),
            Hatch::Uprights => pattern.child(rect(0.0, 0.0, 1.6, 6.0).class("hatch")),
        }
    }
}
