//! Thousands of points in few bytes: one path for many of them, in which each point takes about ten characters.
//!
//! A ring is an arc that ends beside its start. A disc is a line without length and with round ends, a square or a diamond one with square ends; crosses are strokes, and
//! triangles are filled. All coordinates are relative to the point before, in tenths of a pixel.

use super::palette::Shape;
use super::svg::Element;
use std::fmt::Write;

/// How points of one shape and size are written.
struct Pen {
    /// From the point's place to where its drawing begins, in tenths of a pixel.
    start: [i32; 2],
    /// What is drawn from there.
    strokes: String,
    /// From the beginning of the drawing to its end.
    end: [i32; 2],
    /// The width of strokes in pixels, and the form of their ends; `None` for filled shapes.
    line: Option<(f64, &'static str)>,
}

impl Pen {
    /// A pen for points that are about as large as a disc of this radius in pixels.
    fn new(shape: Shape, radius: f64) -> Self {
        // Strokes of whole pixels take fewer characters.
        let tenths = |of_radius: f64| 10 * (radius * of_radius).round().max(1.0) as i32;
        let moves = |steps: &[(char, &[i32])]| {
            let mut d = String::new();
            steps.iter().for_each(|(command, numbers)| put(&mut d, *command, numbers));
            d
        };
        match shape {
            Shape::Disc => {
                Pen { start: [0, 0], strokes: "h0".into(), end: [0, 0], line: Some((2.0 * radius, "round")) }
            }
            Shape::Ring => {
                let r = (10.0 * radius).round().max(1.0) as i32;
                // The numbers of an arc that are no lengths are written as lengths are.
                let arc: [i32; 7] = [r, r, 0, 10, 0, 1, 0];
                Pen {
                    start: [0, -r],
                    strokes: moves(&[('a', &arc), ('z', &[])]),
                    end: [0, 0],
                    line: Some((1.2, "butt")),
                }
            }
            Shape::Square => Pen {
                start: [0, 0],
                strokes: "h0".into(),
                end: [0, 0],
                line: Some((1.76 * radius, "square")),
            },
            // A square's ends on a line that is slanted.
            Shape::Diamond => Pen {
                start: [-1, -1],
                strokes: moves(&[('l', &[2, 2])]),
                end: [2, 2],
                line: Some((1.76 * radius, "square")),
            },
            Shape::TriangleUp => Pen {
                start: [0, -tenths(1.2)],
                strokes: moves(&[
                    ('l', &[tenths(1.15), tenths(2.05)]),
                    ('h', &[-2 * tenths(1.15)]),
                    ('z', &[]),
                ]),
                end: [0, 0],
                line: None,
            },
            Shape::TriangleDown => Pen {
                start: [0, tenths(1.2)],
                strokes: moves(&[
                    ('l', &[tenths(1.15), -tenths(2.05)]),
                    ('h', &[-2 * tenths(1.15)]),
                    ('z', &[]),
                ]),
                end: [0, 0],
                line: None,
            },
            Shape::Plus => {
                let arm = tenths(1.2);
                Pen {
                    start: [-arm, 0],
                    strokes: moves(&[('h', &[2 * arm]), ('m', &[-arm, -arm]), ('v', &[2 * arm])]),
                    end: [arm, arm],
                    line: Some((0.8 * radius, "butt")),
                }
            }
            Shape::Cross => {
                let arm = tenths(0.95);
                Pen {
                    start: [-arm, -arm],
                    strokes: moves(&[
                        ('l', &[2 * arm, 2 * arm]),
                        ('m', &[0, -2 * arm]),
                        ('l', &[-2 * arm, 2 * arm]),
                    ]),
                    end: [0, 2 * arm],
                    line: Some((0.8 * radius, "butt")),
                }
            }
        }
    }
}

/// The points as a path. It has neither classes nor a tip yet; the second value is the kind of mark that it is.
pub(super) fn path(points: &[[f64; 2]], shape: Shape, radius: f64) -> (Element, &'static str) {
    let pen = Pen::new(shape, radius);
    let mut d = String::with_capacity(12 * points.len());
    let mut at: Option<[i32; 2]> = None;
    for place in along_bands(points) {
        let next = [place[0] + pen.start[0], place[1] + pen.start[1]];
        match at {
            None => put(&mut d, 'M', &next),
            Some(at) => put(&mut d, 'm', &[next[0] - at[0], next[1] - at[1]]),
        }
        d += &pen.strokes;
        at = Some([next[0] + pen.end[0], next[1] + pen.end[1]]);
    }
    let path = Element::new("path").set("d", &d);
    match pen.line {
        None => (path, "mark dots solid"),
        Some((width, ends)) => (path.at("stroke-width", width).set("stroke-linecap", ends), "mark dots"),
    }
}

/// The points in tenths of a pixel, each once, in an order in which the next is near: from left to right in one band and back
/// in the next.
fn along_bands(points: &[[f64; 2]]) -> Vec<[i32; 2]> {
    const BAND: i32 = 150;
    let mut places: Vec<[i32; 2]> = points.iter().map(|p| p.map(|v| (10.0 * v).round() as i32)).collect();
    places.sort_unstable_by_key(|&[x, y]| {
        let band = y.div_euclid(BAND);
        (band, if band % 2 == 0 { x } else { -x }, y)
    });
    places.dedup();
    places
}

/// Appends a command and its numbers, which are tenths, with no more characters than they need.
fn put(d: &mut String, command: char, numbers: &[i32]) {
    d.push(command);
    for (i, &number) in numbers.iter().enumerate() {
        if i > 0 && number >= 0 {
            d.push(' ');
        }
        let (whole, tenth) = (number.abs() / 10, number.abs() % 10);
        if number < 0 {
            d.push('-');
        }
        // Writing to a string does not fail.
        let _ = match (whole, tenth) {
            (_, 0) => write!(d, "{whole}"),
            (0, _) => write!(d, ".{tenth}"),
            _ => write!(d, "{whole}.{tenth}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Follows a path of `M m h v l z` as a renderer does. Returns the middle of the box around each subpath, in tenths.
    fn middles(d: &str) -> BTreeSet<[i64; 2]> {
        let mut commands: Vec<(char, Vec<f64>)> = Vec::new();
        let mut number = String::new();
        for c in d.chars().chain(['\0']) {
            let begins = matches!(c, '-' | ' ' | '\0') || c.is_ascii_alphabetic();
            if begins && !number.is_empty() {
                commands.last_mut().unwrap().1.push(number.parse().unwrap());
                number.clear();
            }
            match c {
                c if c.is_ascii_alphabetic() => commands.push((c, Vec::new())),
                ' ' | '\0' => {}
                c => number.push(c),
            }
        }
        let (mut at, mut from) = ([0.0, 0.0], [0.0, 0.0]);
        let mut boxes: Vec<[f64; 4]> = Vec::new();
        for (command, n) in commands {
            at = match command {
                'M' => [n[0], n[1]],
                'm' | 'l' => [at[0] + n[0], at[1] + n[1]],
                'h' => [at[0] + n[0], at[1]],
                'v' => [at[0], at[1] + n[0]],
                // A circle around what lies a radius below its start.
                'a' => {
                    boxes.last_mut().unwrap().clone_from(&[
                        at[0] - n[0],
                        at[0] + n[0],
                        at[1],
                        at[1] + 2.0 * n[1],
                    ]);
                    at
                }
                'z' => from,
                _ => panic!("{command}"),
            };
            if command == 'M' || command == 'm' {
                from = at;
                boxes.push([at[0], at[0], at[1], at[1]]);
            }
            let b = boxes.last_mut().unwrap();
            *b = [b[0].min(at[0]), b[1].max(at[0]), b[2].min(at[1]), b[3].max(at[1])];
        }
        boxes.iter().map(|b| [5.0 * (b[0] + b[1]), 5.0 * (b[2] + b[3])].map(|v| v.round() as i64)).collect()
    }

    #[test]
    fn a_renderer_finds_the_points_where_they_were_put() {
        let points: [[f64; 2]; 6] =
            [[10.0, 10.0], [200.3, 11.7], [0.4, 300.0], [10.0, 10.0], [77.7, 155.5], [3.0, 2.9]];
        let expected: BTreeSet<[i64; 2]> =
            points.iter().map(|p| p.map(|v| (10.0_f64 * v).round() as i64)).collect();
        // The middle of a triangle's box is a little above or below its place.
        for shape in [Shape::Disc, Shape::Ring, Shape::Square, Shape::Diamond, Shape::Plus, Shape::Cross] {
            assert_eq!(middles(&d_of(&points, shape)), expected, "{shape:?}");
        }
        for shape in [Shape::TriangleUp, Shape::TriangleDown] {
            let across: BTreeSet<i64> = middles(&d_of(&points, shape)).iter().map(|m| m[0]).collect();
            assert_eq!(across, expected.iter().map(|m| m[0]).collect(), "{shape:?}");
        }
    }

    fn d_of(points: &[[f64; 2]], shape: Shape) -> String {
        let text = path(points, shape, 3.0).0.finish();
        text.split('"').nth(1).unwrap().to_string()
    }

    #[test]
    fn a_point_takes_few_characters() {
        let points: Vec<[f64; 2]> = (0..600)
            .map(|i| [f64::from(i * 7919 % 4700) / 10.0, f64::from(i * 104_729 % 4400) / 10.0])
            .collect();
        assert!(d_of(&points, Shape::Disc).len() < 12 * points.len());
        assert!(d_of(&points, Shape::TriangleUp).len() < 20 * points.len());
    }
}
