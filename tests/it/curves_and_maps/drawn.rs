//! Reads a chart back as a strict XML parser and a renderer would: elements, attributes, and where their geometry lies.

use std::collections::BTreeMap;

/// An element with the points of its geometry, in the coordinates of the whole drawing.
#[derive(Debug, Clone, Default)]
pub struct Element {
    pub tag: String,
    pub attributes: BTreeMap<String, String>,
    /// The text directly inside.
    pub text: String,
    /// The corners of what it draws, without the width of strokes.
    pub points: Vec<[f64; 2]>,
}

impl Element {
    pub fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    pub fn number(&self, name: &str) -> f64 {
        self.get(name).parse().unwrap_or_else(|_| panic!("{name}={:?} of {self:?}", self.get(name)))
    }

    pub fn has_class(&self, class: &str) -> bool {
        self.get("class").split(' ').any(|c| c == class)
    }
}

/// The elements of a document, in order. Panics where it is not well-formed.
pub fn elements(svg: &str) -> Vec<Element> {
    let mut all: Vec<Element> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut rest = svg;
    while !rest.is_empty() {
        if let Some(tag) = rest.strip_prefix("</") {
            let (name, after) = tag.split_once('>').expect("an end tag ends");
            let at = open.pop().expect("something is open");
            assert_eq!(all[at].tag, name);
            rest = after;
        } else if let Some(tag) = rest.strip_prefix('<') {
            let (element, closed, after) = start_tag(tag);
            assert!(!open.is_empty() || all.is_empty(), "one root");
            all.push(element);
            if !closed {
                open.push(all.len() - 1);
            }
            rest = after;
        } else {
            let end = rest.find('<').expect("text is inside the root");
            let inside = *open.last().expect("text is inside the root");
            all[inside].text += &decoded(&rest[..end]);
            rest = &rest[end..];
        }
    }
    assert!(open.is_empty(), "all is closed");
    for element in &mut all {
        element.points = geometry(element);
    }
    all
}

fn start_tag(tag: &str) -> (Element, bool, &str) {
    let end = tag.find(|c: char| !c.is_ascii_alphabetic()).expect("a start tag ends");
    let mut element = Element { tag: tag[..end].into(), ..Element::default() };
    let mut rest = &tag[end..];
    loop {
        if let Some(after) = rest.strip_prefix("/>") {
            return (element, true, after);
        }
        if let Some(after) = rest.strip_prefix('>') {
            return (element, false, after);
        }
        let attribute = rest.strip_prefix(' ').expect("a space before an attribute");
        let (name, after) = attribute.split_once("=\"").expect("an attribute has a value");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{name:?}");
        let (value, after) = after.split_once('"').expect("a value ends");
        assert!(!value.contains('<'), "{value}");
        let before = element.attributes.insert(name.into(), decoded(value));
        assert!(before.is_none(), "{name} twice");
        rest = after;
    }
}

/// A text with its entities resolved; panics at characters that XML does not have.
fn decoded(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out += &rest[..at];
        let (entity, after) = rest[at + 1..].split_once(';').expect("an entity ends");
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            _ => {
                let code = entity.strip_prefix('#').and_then(|digits| digits.parse().ok());
                char::from_u32(code.expect("a known entity")).expect("a character")
            }
        });
        rest = after;
    }
    out += rest;
    assert!(out.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'), "{out:?}");
    out
}

fn geometry(element: &Element) -> Vec<[f64; 2]> {
    let n = |name: &str| element.number(name);
    let corners = |x: f64, y: f64, w: f64, h: f64| vec![[x, y], [x + w, y + h]];
    let points = match element.tag.as_str() {
        "rect" if element.attributes.contains_key("x") => corners(n("x"), n("y"), n("width"), n("height")),
        "line" => vec![[n("x1"), n("y1")], [n("x2"), n("y2")]],
        "circle" => corners(n("cx") - n("r"), n("cy") - n("r"), 2.0 * n("r"), 2.0 * n("r")),
        "text" => vec![[n("x"), n("y")]],
        "path" => subpaths(element.get("d")).concat(),
        _ => Vec::new(),
    };
    points.into_iter().map(|point| moved(element.get("transform"), point)).collect()
}

/// A point after `translate(x y) rotate(degrees)`.
fn moved(transform: &str, [x, y]: [f64; 2]) -> [f64; 2] {
    let argument = |name: &str| -> Option<Vec<f64>> {
        let (inside, _) = transform.split_once(&format!("{name}("))?.1.split_once(')')?;
        inside.split(' ').map(|n| n.parse().ok()).collect()
    };
    let Some(shift) = argument("translate") else { return [x, y] };
    let angle = argument("rotate").map_or(0.0, |a| a[0]).to_radians();
    let (sin, cos) = (libm::sin(angle), libm::cos(angle));
    [shift[0] + x * cos - y * sin, shift[1] + x * sin + y * cos]
}

/// The corners of each subpath of a path of straight lines, and the ends of its arcs.
pub fn subpaths(d: &str) -> Vec<Vec<[f64; 2]>> {
    let mut out: Vec<Vec<[f64; 2]>> = Vec::new();
    let mut at = [0.0, 0.0];
    let mut rest = d;
    while let Some(command) = rest.chars().next() {
        let end = rest[1..].find(|c: char| c.is_ascii_alphabetic()).map_or(rest.len(), |i| i + 1);
        let n = numbers(&rest[1..end]);
        at = match (command, n.as_slice()) {
            ('M' | 'L', [x, y]) => [*x, *y],
            ('m' | 'l', [x, y]) => [at[0] + x, at[1] + y],
            ('H', [x]) => [*x, at[1]],
            ('h', [x]) => [at[0] + x, at[1]],
            ('V', [y]) => [at[0], *y],
            ('v', [y]) => [at[0], at[1] + y],
            ('a', [_, _, _, _, _, x, y]) => [at[0] + x, at[1] + y],
            ('Z' | 'z', []) => out.last().expect("a subpath")[0],
            _ => panic!("{command} {n:?} in {d:?}"),
        };
        if matches!(command, 'M' | 'm') {
            out.push(Vec::new());
        }
        out.last_mut().expect("a path begins with a move").push(at);
        rest = &rest[end..];
    }
    out
}

/// Numbers that are apart by a space or by the sign of the second.
fn numbers(text: &str) -> Vec<f64> {
    let mut out = Vec::new();
    let mut from = 0;
    for (i, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if matches!(c, ' ' | '-') && i > from {
            out.push(text[from..i].trim().parse().unwrap_or_else(|_| panic!("{text:?}")));
            from = i;
        }
    }
    out
}

/// The width and height of a drawing, all of whose geometry is finite and inside; panics otherwise.
pub fn within(all: &[Element]) -> [f64; 2] {
    let view: Vec<f64> = all[0].get("viewBox").split(' ').map(|n| n.parse().unwrap()).collect();
    let [0.0, 0.0, width, height] = view[..] else { panic!("{view:?}") };
    assert!([340.0, 720.0].contains(&width) && height > 0.0 && height.is_finite());
    for element in all {
        for [x, y] in &element.points {
            let inside = (-0.05..=width + 0.05).contains(x) && (-0.05..=height + 0.05).contains(y);
            assert!(inside, "[{x}, {y}] of {element:?} in {width} x {height}");
        }
    }
    [width, height]
}
