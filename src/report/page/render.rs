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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::{Bar, Bars, DataTable, Datum, Heatmap, Key, Shading, Unit};
    use crate::report::page::content::{Block, Figure, Table};

    fn html(blocks: Vec<Block>) -> String {
        let section =
            Section { id: "questions".into(), title: "Questions".into(), blocks, ..Section::default() };
        let page =
            Page { title: "A page".into(), sections: vec![section], palette: palette::Palette::default() };
        page.html().unwrap()
    }

    fn bars(id: &str) -> Figure {
        let bar = |value: f64| Bar { label: format!("{value}"), value: Some(value), ..Bar::default() };
        let bars = Bars { what: "group".into(), bars: [1.0, 2.0].map(bar).to_vec(), ..Bars::default() };
        Figure::new(id, "Rows", "A bar for each group.", &bars)
    }

    fn table(id: &str, caption: &str) -> Block {
        let data = DataTable { columns: vec![("group".into(), false)], rows: vec![vec![Datum::text("a")]] };
        Block::Table(Table { id: id.into(), caption: caption.into(), note: None, data })
    }

    #[test]
    fn numbers_that_follow_a_chart_are_not_folded_below_it_as_well() {
        let question = |table_id: &str, caption: &str| {
            let heading = Block::Heading("How many?".into());
            html(vec![heading, Block::Chart(bars("question-1-chart")), table(table_id, caption)])
        };
        let folds = |page: &str| page.matches("The numbers behind it").count();
        let unseen = |page: &str| page.matches("<caption class=\"unseen\"").count();
        let told = question("question-1", "How many?");
        assert_eq!((folds(&told), unseen(&told)), (0, 1), "the caption repeats the heading");
        let other = question("question-2", "How often?");
        assert_eq!((folds(&other), unseen(&other)), (1, 1), "a folded table's caption repeats its chart's");
        assert!(other.contains("<caption dir=\"auto\"><span>How often?</span></caption>"));
    }

    #[test]
    fn charts_side_by_side_are_narrow_and_others_have_both_drawings() {
        let drawings = |page: &str| {
            let of = |place: &str| page.matches(&format!("<div class=\"drawing {place}\"")).count();
            (of("wide"), of("small narrow"), of("small"), of("scroll"))
        };
        assert_eq!(drawings(&html(vec![Block::Chart(bars("a"))])), (1, 1, 0, 0));
        assert_eq!(drawings(&html(vec![Block::Charts(vec![bars("a"), bars("b")])])), (0, 0, 2, 0));
        let keys: Vec<Key> =
            (0..40).map(|i| Key { label: format!("column {i}"), ..Key::default() }).collect();
        let map = Heatmap {
            rows_are: String::new(),
            columns_are: String::new(),
            rows: keys.clone(),
            columns: keys,
            values: vec![vec![Some(0.5); 40]; 40],
            unit: Unit::Score,
            shading: Shading::Diverging(1.0),
        };
        let wide = Figure::new("c", "Correlations", "A cell for each pair.", &map);
        assert_eq!(drawings(&html(vec![Block::Chart(wide)])), (0, 0, 0, 1), "too many columns to be narrow");
    }
}
