//! SVG as text: elements whose attributes and texts are escaped, and a drawing that they are put on.

use super::palette::Hatch;
use super::text::{SIZE, shorten, width};
use super::{Caption, Paint};
use std::collections::BTreeSet;

pub use super::stand_alone::stand_alone;

/// The width of a chart that takes the whole width of the page.
const WIDTH: f64 = 720.0;
/// The width of a chart on a phone, or beside others.
const NARROW: f64 = 340.0;

/// An element that attributes and children are added to.
#[derive(Debug, Clone)]
pub(super) struct Element {
    tag: &'static str,
    text: String,
    /// Whether its start tag is closed, because it has content.
    filled: bool,
}

impl Element {
    pub(super) fn new(tag: &'static str) -> Self {
        Element { tag, text: format!("<{tag}"), filled: false }
    }

    /// Adds an attribute. Attributes come before any content.
    pub(super) fn set(mut self, name: &str, value: &str) -> Self {
        debug_assert!(!self.filled);
        self.text += &format!(" {name}=\"{}\"", escape(value));
        self
    }

    /// Adds an attribute that is a number of pixels.
    pub(super) fn at(self, name: &str, value: f64) -> Self {
        let value = coordinate(value);
        self.set(name, &value)
    }

    /// Adds classes.
    pub(super) fn class(self, class: &str) -> Self {
        self.set("class", class)
    }

    /// Makes it a mark: the kinds (`mark`, or `mark line` for one that is a line in its colour) and the paint become classes,
    /// a segment goes into `data-s`, and the tip, whose lines end with `\n`, into `data-tip`.
    pub(super) fn mark(self, kind: &str, paint: Paint, tip: &str) -> Self {
        let mut element = self.class(&format!("{kind} {}", paint.class()));
        if let Some(segment) = paint.segment() {
            element = element.set("data-s", &segment.to_string());
        }
        if tip.is_empty() { element } else { element.set("data-tip", tip) }
    }

    /// Adds text as content.
    pub(super) fn text(mut self, text: &str) -> Self {
        self.fill();
        self.text += &escape(text);
        self
    }

    /// Adds an element as content.
    pub(super) fn child(mut self, child: Element) -> Self {
        self.fill();
        self.text += &child.finish();
        self
    }

    /// A group of these classes with the element as its first.
    pub(super) fn into_group(self, class: &str) -> Element {
        Element::new("g").class(class).child(self)
    }

    fn fill(&mut self) {
        if !self.filled {
            self.text.push('>');
            self.filled = true;
        }
    }

    /// The element as text.
    pub(super) fn finish(mut self) -> String {
        if self.filled {
            self.text += &format!("</{}>", self.tag);
        } else {
            self.text += "/>";
        }
        self.text
    }
}

/// A rectangle; a side below 0 is 0.
pub(super) fn rect(x: f64, y: f64, width: f64, height: f64) -> Element {
    Element::new("rect").at("x", x).at("y", y).at("width", width.max(0.0)).at("height", height.max(0.0))
}

/// A straight line.
pub(super) fn line(x1: f64, y1: f64, x2: f64, y2: f64) -> Element {
    Element::new("line").at("x1", x1).at("y1", y1).at("x2", x2).at("y2", y2)
}

/// A disc.
pub(super) fn circle(x: f64, y: f64, r: f64) -> Element {
    Element::new("circle").at("cx", x).at("cy", y).at("r", r)
}

/// Straight lines through points; `closed` joins the last to the first.
pub(super) fn path(points: &[[f64; 2]], closed: bool) -> Element {
    let mut d = String::new();
    for (i, [x, y]) in points.iter().enumerate() {
        d += &format!("{}{} {}", if i == 0 { 'M' } else { 'L' }, coordinate(*x), coordinate(*y));
    }
    if closed {
        d.push('Z');
    }
    Element::new("path").set("d", &d)
}

/// Where a text lies relative to its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A text without its words, `at` its start, middle or end and the middle of its height.
pub(super) fn words(class: &str, at: [f64; 2], anchor: Anchor) -> Element {
    let text = Element::new("text").class(class).at("x", at[0]).at("y", at[1] + 0.35 * SIZE);
    match anchor {
        Anchor::Start => text,
        Anchor::Middle => text.set("text-anchor", "middle"),
        Anchor::End => text.set("text-anchor", "end"),
    }
}

/// The elements of one chart.
pub(super) struct Drawing<'a> {
    caption: Caption<'a>,
    width: f64,
    body: String,
    hatches: BTreeSet<Hatch>,
}

impl<'a> Drawing<'a> {
    pub(super) fn new(caption: &Caption<'a>) -> Self {
        let width = if caption.narrow { NARROW } else { WIDTH };
        Drawing { caption: *caption, width, body: String::new(), hatches: BTreeSet::new() }
    }

    /// How wide the drawing is.
    pub(super) fn width(&self) -> f64 {
        self.width
    }

    /// Whether the drawing is narrow, so that names stand above marks instead of beside them.
    pub(super) fn narrow(&self) -> bool {
        self.caption.narrow
    }

    /// Adds an element above the others.
    pub(super) fn put(&mut self, element: Element) {
        self.body += &element.finish();
    }

    /// Writes a text in one line, `at` its start, middle or end and the middle of its height. It is shortened to `room`
    /// pixels, with the whole of it as its tip, and moved where it would leave the drawing. Returns how wide it is.
    pub(super) fn write(&mut self, class: &str, at: [f64; 2], anchor: Anchor, room: f64, text: &str) -> f64 {
        if text.is_empty() {
            return 0.0;
        }
        let short = shorten(text, room.min(self.width));
        let wide = width(&short);
        let [mut x, y] = at;
        let left = match anchor {
            Anchor::Start => x,
            Anchor::Middle => x - wide / 2.0,
            Anchor::End => x - wide,
        };
        x += left.clamp(0.0, (self.width - wide).max(0.0)) - left;
        let mut element = words(class, [x, y], anchor);
        if short != text {
            element = element.set("data-tip", &crate::report::figures::plain(text));
        }
        self.put(element.text(&short));
        wide
    }

    /// Adds a filled shape in the paint's colour. Paints beyond the tenth have a pattern as well as a colour, which is a second
    /// shape above the first.
    pub(super) fn fill(&mut self, shape: Element, paint: Paint, tip: &str) {
        match self.pattern(&shape, paint) {
            None => self.put(shape.mark("mark", paint, tip)),
            Some(above) => self.put(Element::new("g").mark("mark", paint, tip).child(shape).child(above)),
        }
    }

    /// Adds a filled shape to a group that is a mark of this paint, with the paint's pattern.
    pub(super) fn fill_in(&mut self, group: Element, shape: Element, paint: Paint) -> Element {
        match self.pattern(&shape, paint) {
            None => group.child(shape),
            Some(above) => group.child(shape).child(above),
        }
    }

    /// The same shape with the paint's pattern, if it has one.
    fn pattern(&mut self, shape: &Element, paint: Paint) -> Option<Element> {
        let hatch = Hatch::of(paint)?;
        self.hatches.insert(hatch);
        Some(shape.clone().set("fill", &format!("url(#{}-{})", self.caption.id, hatch.name())))
    }

    /// A chart without anything to draw.
    pub(super) fn nothing(mut self) -> String {
        self.write("label", [self.width / 2.0, 30.0], Anchor::Middle, self.width, "nothing to draw");
        self.finish(60.0)
    }

    /// The whole chart, with its height.
    pub(super) fn finish(self, height: f64) -> String {
        let id = self.caption.id;
        let (title, desc) = (format!("{id}-t"), format!("{id}-d"));
        let mut svg = Element::new("svg")
            .class("chart")
            .set("viewBox", &format!("0 0 {} {}", coordinate(self.width), coordinate(height.ceil())))
            .set("role", "img")
            .set("aria-labelledby", &format!("{title} {desc}"))
            .child(Element::new("title").set("id", &title).text(self.caption.title))
            .child(Element::new("desc").set("id", &desc).text(self.caption.desc));
        if !self.hatches.is_empty() {
            let defs = Element::new("defs");
            svg = svg.child(self.hatches.iter().fold(defs, |defs, hatch| defs.child(hatch.pattern(id))));
        }
        svg.text += &self.body;
        svg.finish()
    }
}

/// A number of pixels with at most one decimal.
pub(super) fn coordinate(value: f64) -> String {
    let tenths = (10.0 * value).round();
    if !tenths.is_finite() || tenths == 0.0 {
        return "0".into();
    }
    format!("{}", tenths / 10.0)
}

/// A text or an attribute's value as XML writes it. Characters that XML does not have become `U+FFFD`.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            '\n' => out += "&#10;",
            '\t' => out += "&#9;",
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}
