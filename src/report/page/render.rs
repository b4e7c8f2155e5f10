//! Turns a page into HTML.

use super::Page;
use super::content::Section;
use super::shorten::{LEVELS, MOST_BYTES, shortened};
use crate::error::{Error, Result};
use crate::report::chart::{Paint, palette};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use serde::Serialize;

/// The templates by name. A name that ends in `.html` makes every text in it safe.
const TEMPLATES: [(&str, &str); 2] = [
    ("page.html", include_str!("template/page.html")),
    ("blocks.html", include_str!("template/blocks.html")),
];
const STYLE: &str = include_str!("template/page.css");
const SCRIPT: &str = include_str!("template/page.js");

fn fault(e: minijinja::Error) -> Error {
    Error::data(format!("the page could not be written: {e:#}"))
}

/// A line of the list of contents.
#[derive(Debug, Serialize)]
struct Link {
    id: String,
    title: String,
    paint: Option<Paint>,
}

impl Page {
    /// The page as one file that needs no other, and that is shortened if it would have more than [`MOST_BYTES`].
    ///
    /// # Errors
    /// A template that cannot be filled in, which is a fault of the program.
    pub fn html(&self) -> Result<String> {
        let mut templates = Environment::new();
        let lines = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        templates.set_syntax(lines.map_err(fault)?);
        for (name, text) in TEMPLATES {
            templates.add_template(name, text).map_err(fault)?;
        }
        templates.add_filter("shade", palette::diverging);
        let whole = self.render(&templates, &self.sections)?;
        if whole.len() <= MOST_BYTES {
            return Ok(whole);
        }
        let mut page = whole;
        for level in LEVELS {
            page = self.render(&templates, &shortened(&self.sections, level))?;
            if page.len() <= MOST_BYTES {
                break;
            }
        }
        Ok(page)
    }

    fn render(&self, templates: &Environment<'_>, sections: &[Section]) -> Result<String> {
        let link = |section: &Section| Link {
            id: section.id.clone(),
            title: section.title.clone(),
            paint: section.paint,
        };
        let links: Vec<Link> = sections.iter().map(link).collect();
        let page = templates.get_template("page.html").map_err(fault)?;
        page.render(context! {
            title => self.title.as_str(),
            sections => Value::from(Serde(sections)),
            links => Value::from(Serde(&links)),
            style => format!("{}{STYLE}", self.palette.css()),
            script => SCRIPT,
        })
        .map_err(fault)
    }
}
