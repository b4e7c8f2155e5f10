//! A chart as a file of its own, for slides and documents.
//!
//! Browsers read the style sheet. Many other programs know neither custom properties nor themes, and some read no style sheet
//! at all, so each element also gets what the light theme would give it as attributes, which a style sheet overrides.

use super::svg::escape;
use std::collections::HashMap;

/// A chart as a file of its own: an SVG document with the style sheet inside. `svg` is what a chart has drawn, and `css` the
/// palette's style sheet.
pub fn stand_alone(svg: &str, css: &str) -> String {
    let sheet = Sheet::read(css);
    let size =
        svg.split_once("viewBox=\"0 0 ").and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default();
    let (width, height) = size.split_once(' ').unwrap_or(("720", "60"));
    let root = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"{FONT}\" \
         font-size=\"13\""
    );
    let paper = sheet.properties.get("--paper").map_or("#ffffff", String::as_str);
    let style = format!(
        "<style>@supports (color:var(--c)){{{}svg .paper{{fill:var(--paper)}}}}</style>",
        css.replace('&', "&amp;").replace('<', "&lt;")
    );
    let ground =
        format!("{style}<rect class=\"paper\" width=\"{width}\" height=\"{height}\" fill=\"{paper}\"/>");
    let styled = sheet.apply(svg);
    match (styled.strip_prefix("<svg"), styled.find("</desc>")) {
        (Some(_), Some(end)) => {
            let end = end + "</desc>".len();
            format!("{root}{}{ground}{}\n", &styled["<svg".len()..end], &styled[end..])
        }
        _ => styled,
    }
}

/// The font of programs that do not read the style sheet.
const FONT: &str = "system-ui, Segoe UI, Roboto, Helvetica, Arial, sans-serif";

/// The properties that are attributes as well.
const ATTRIBUTES: [&str; 13] = [
    "fill",
    "fill-opacity",
    "stroke",
    "stroke-opacity",
    "stroke-width",
    "stroke-dasharray",
    "stroke-linejoin",
    "opacity",
    "font-size",
    "font-weight",
    "paint-order",
    "pointer-events",
    "font-variant-numeric",
];

/// A style sheet, as far as attributes can say the same.
struct Sheet<'a> {
    /// The custom properties of the light theme.
    properties: HashMap<&'a str, String>,
    rules: Vec<Rule<'a>>,
}

/// A rule for elements by their own name and classes.
struct Rule<'a> {
    /// The name that an element must have.
    element: Option<&'a str>,
    /// The classes that it must have.
    classes: Vec<&'a str>,
    /// What it then has.
    declarations: Vec<(&'a str, &'a str)>,
}

impl<'a> Sheet<'a> {
    fn read(css: &'a str) -> Self {
        let mut sheet = Sheet { properties: HashMap::new(), rules: Vec::new() };
        let mut rest = css;
        while let Some((selectors, after)) = rest.split_once('{') {
            if selectors.contains('@') {
                // A group of rules for a medium or the other theme.
                rest = after.split_once("}}").map_or("", |(_, rest)| rest);
                continue;
            }
            let (body, after) = after.split_once('}').unwrap_or((after, ""));
            rest = after;
            let declarations: Vec<(&str, &str)> = body
                .split(';')
                .filter_map(|d| d.split_once(':'))
                .map(|(k, v)| (k.trim(), v.trim()))
                .collect();
            for selector in selectors.split(',').map(str::trim) {
                let selector = selector.strip_prefix(".chart ").unwrap_or(selector);
                if selector == ":root" {
                    sheet.properties.extend(declarations.iter().map(|(k, v)| (*k, v.to_string())));
                } else if !selector.contains([' ', '[', ':', '>']) {
                    let mut parts = selector.split('.');
                    let element = parts.next().filter(|element| !element.is_empty());
                    let declarations = declarations.clone();
                    sheet.rules.push(Rule { element, classes: parts.collect(), declarations });
                }
            }
        }
        sheet
    }

    /// Gives each element of a drawing its attributes.
    fn apply(&self, svg: &str) -> String {
        let mut out = String::with_capacity(2 * svg.len());
        // `--c` and `--k` of the elements that are open.
        let mut open: Vec<HashMap<&str, String>> = vec![HashMap::new()];
        let mut rest = svg;
        while let Some((before, after)) = rest.split_once('<') {
            // Texts and attributes have no `<` or `>` of their own: these are escaped.
            let (tag, after) = after.split_once('>').unwrap_or((after, ""));
            rest = after;
            out += before;
            out.push('<');
            if tag.starts_with('/') {
                open.pop();
                out += tag;
            } else {
                let mut own = open.last().cloned().unwrap_or_default();
                let (head, end) = tag.strip_suffix('/').map_or((tag, ""), |head| (head, "/"));
                out += head;
                for (name, value) in self.attributes(head, &mut own) {
                    out += &format!(" {name}=\"{}\"", escape(&value));
                }
                out += end;
                if end.is_empty() {
                    open.push(own);
                }
            }
            out.push('>');
        }
        out + rest
    }

    /// The attributes of an element by its start tag; `own` becomes its custom properties.
    fn attributes(&self, tag: &str, own: &mut HashMap<&'a str, String>) -> Vec<(&'a str, String)> {
        let element = tag.split(' ').next().unwrap_or_default();
        let classes =
            tag.split_once(" class=\"").and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default();
        let classes: Vec<&str> = classes.split(' ').collect();
        let rules = self.rules.iter().filter(|rule| {
            rule.element.is_none_or(|name| name == element)
                && rule.classes.iter().all(|class| classes.contains(class))
        });
        let mut found: Vec<(&str, &str)> = Vec::new();
        for (name, value) in rules.flat_map(|rule| &rule.declarations) {
            if name.starts_with("--") {
                if let Some(value) = self.value(value, own) {
                    own.insert(name, value);
                }
            } else if ATTRIBUTES.contains(name) && !tag.contains(&format!(" {name}=")) {
                found.retain(|(other, _)| other != name);
                found.push((name, value));
            }
        }
        found
            .into_iter()
            .filter_map(|(name, value)| {
                Some((name, self.value(value, own)?.trim_end_matches("px").to_string()))
            })
            .collect()
    }

    /// A value without variables.
    fn value(&self, value: &str, own: &HashMap<&str, String>) -> Option<String> {
        let Some(variable) = value.strip_prefix("var(").and_then(|v| v.strip_suffix(')')) else {
            return Some(value.to_string());
        };
        let (name, instead) = variable.split_once(',').map_or((variable, None), |(n, i)| (n, Some(i)));
        let known = own.get(name).or_else(|| self.properties.get(name)).cloned();
        known.or_else(|| instead.and_then(|instead| self.value(instead, own)))
    }
}
