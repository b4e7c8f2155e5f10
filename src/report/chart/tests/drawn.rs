//! A small reader of XML, for drawings.

use std::collections::BTreeSet;

/// An element of a drawing.
pub struct Item {
    pub tag: String,
    attributes: Vec<(String, String)>,
    text: String,
    /// Whether it is a definition, such as a pattern, that is not drawn in its place.
    defined: bool,
}

impl Item {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Its text, as XML writes it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A number that it must have.
    pub fn number(&self, name: &str) -> f64 {
        let text = self.attribute(name).unwrap_or_else(|| panic!("a {} without {name}", self.tag));
        let number: f64 = text.parse().unwrap_or_else(|_| panic!("{name} is {text}"));
        assert!(number.is_finite(), "{name} is {text}");
        number
    }

    fn has_class(&self, class: &str) -> bool {
        self.attribute("class").is_some_and(|classes| classes.split(' ').any(|c| c == class))
    }

    /// The points that it spans.
    fn corners(&self) -> Vec<[f64; 2]> {
        let at = |x: &str, y: &str| [self.number(x), self.number(y)];
        match self.tag.as_str() {
            "rect" if self.has_class("paper") => Vec::new(),
            "rect" => {
                let [x, y] = at("x", "y");
                let [width, height] = at("width", "height");
                assert!(width >= 0.0 && height >= 0.0);
                vec![[x, y], [x + width, y + height]]
            }
            "line" => vec![at("x1", "y1"), at("x2", "y2")],
            "circle" => {
                let ([x, y], r) = (at("cx", "cy"), self.number("r"));
                vec![[x - r, y - r], [x + r, y + r]]
            }
            "text" => {
                let [x, y] = at("x", "y");
                // No letter is narrower than a fifth of its height.
                let width = 2.6 * self.text.chars().filter(char::is_ascii_alphabetic).count() as f64;
                match self.attribute("text-anchor") {
                    None => vec![[x, y], [x + width, y]],
                    Some("middle") => vec![[x - width / 2.0, y], [x + width / 2.0, y]],
                    Some("end") => vec![[x - width, y], [x, y]],
                    Some(other) => panic!("text-anchor {other}"),
                }
            }
            "path" => self.path(),
            _ => Vec::new(),
        }
    }

    fn path(&self) -> Vec<[f64; 2]> {
        let d = self.attribute("d").expect("a path without d");
        let mut at = [f64::NAN; 2];
        let mut points = Vec::new();
        let starts: Vec<usize> =
            d.char_indices().filter(|(_, c)| c.is_ascii_uppercase()).map(|(i, _)| i).collect();
        for (i, start) in starts.iter().enumerate() {
            let end = starts.get(i + 1).copied().unwrap_or(d.len());
            let numbers: Vec<f64> =
                d[start + 1..end].split_whitespace().map(|n| n.parse().expect(d)).collect();
            match (&d[*start..=*start], numbers.as_slice()) {
                ("M" | "L", [x, y]) => at = [*x, *y],
                ("H", [x]) => at[0] = *x,
                ("V", [y]) => at[1] = *y,
                ("Z", []) => {}
                other => panic!("{other:?} in {d}"),
            }
            points.push(at);
        }
        points
    }
}

/// A drawing that was read.
pub struct Drawn {
    items: Vec<Item>,
}

/// Reads a drawing; panics where it is not well-formed.
pub fn read(svg: &str) -> Drawn {
    let forbidden = |c: char| matches!(c, '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    assert!(!svg.contains(forbidden), "a character that XML does not have: {svg:?}");
    let mut items: Vec<Item> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut rest = svg;
    while let Some(at) = rest.find('<') {
        let before = &rest[..at];
        entities(before);
        if let Some(&parent) = open.last() {
            items[parent].text += before;
        } else {
            assert!(before.trim().is_empty(), "text outside of the root: {before}");
        }
        rest = &rest[at + 1..];
        if let Some(closing) = rest.strip_prefix('/') {
            let (tag, after) = closing.split_once('>').expect("an end tag without its end");
            let item = open.pop().expect("an end tag too many");
            assert_eq!(items[item].tag, tag);
            rest = after;
            continue;
        }
        let end = rest.find([' ', '>', '/']).expect("a tag without its end");
        let tag = rest[..end].to_string();
        assert!(tag.chars().all(|c| c.is_ascii_alphabetic()) && !tag.is_empty(), "{tag}");
        rest = &rest[end..];
        let mut attributes: Vec<(String, String)> = Vec::new();
        while let Some(more) = rest.strip_prefix(' ') {
            let (name, after) = more.split_once("=\"").expect("an attribute without a value");
            let (value, after) = after.split_once('"').expect("a value without its end");
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{name}");
            assert!(attributes.iter().all(|(other, _)| other != name), "{name} twice");
            assert!(!value.contains('<'), "{value}");
            entities(value);
            attributes.push((name.into(), value.into()));
            rest = after;
        }
        let defined = open.iter().any(|&i| items[i].tag == "defs");
        items.push(Item { tag, attributes, text: String::new(), defined });
        if let Some(after) = rest.strip_prefix("/>") {
            rest = after;
        } else {
            rest = rest.strip_prefix('>').expect("a start tag without its end");
            open.push(items.len() - 1);
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "the root ends at the end");
    Drawn { items }
}

/// Each `&` begins one of XML's entities or the number of a character.
fn entities(text: &str) {
    for (at, _) in text.match_indices('&') {
        let name = text[at + 1..].split(';').next().unwrap_or_default();
        let number = name.strip_prefix('#').is_some_and(|n| n.parse::<u32>().is_ok());
        assert!(number || ["amp", "lt", "gt", "quot"].contains(&name), "&{name}");
    }
}

impl Drawn {
    /// Marks that are this kind of element.
    pub fn marks(&self, tag: &str) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(move |item| item.tag == tag && item.has_class("mark"))
    }

    pub fn with_class(&self, class: &str) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(move |item| item.has_class(class))
    }

    /// The texts, as XML writes them.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.items.iter().filter(|item| item.tag == "text").map(|item| item.text.as_str())
    }

    /// Everything is inside the viewBox, ids are there once, and what refers to an id finds it.
    pub fn check(&self) {
        let root = &self.items[0];
        assert_eq!(root.tag, "svg");
        let size: Vec<f64> =
            root.attribute("viewBox").expect("a viewBox").split(' ').map(|n| n.parse().unwrap()).collect();
        let [_, _, width, height] = size[..] else { panic!("{size:?}") };
        for item in self.items.iter().filter(|item| !item.defined) {
            for [x, y] in item.corners() {
                // A tenth is what rounding may add.
                let inside = (-0.1..=width + 0.1).contains(&x) && (-0.1..=height + 0.1).contains(&y);
                assert!(inside, "{} at {x}, {y} of {width} x {height}: {:?}", item.tag, item.attributes);
            }
        }
        let ids: Vec<&str> = self.items.iter().filter_map(|item| item.attribute("id")).collect();
        let known: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), known.len(), "{ids:?}");
        let labelled = root.attribute("aria-labelledby").expect("labels").split(' ');
        let fills = self.items.iter().filter_map(|item| item.attribute("fill"));
        let patterns =
            fills.filter_map(|fill| fill.strip_prefix("url(#")).map(|fill| fill.trim_end_matches(')'));
        for id in labelled.chain(patterns) {
            assert!(known.contains(id), "{id} is not defined");
        }
    }
}
