//! The report: one HTML file that people open, understand and show.
//!
//! A page is made from `metrics.json` and `model.json` alone. [`privacy`] first takes out what would name somebody. Each
//! section of the page is then a function of what is left ([`sections`]) and returns plain data ([`content`]): texts, charts,
//! tables. [`render`] turns that into HTML, as far as
//! [`shorten`] lets it, and [`files`] writes the charts and the tables as files of their own.

pub mod content;
pub mod facts;
pub mod files;
pub mod privacy;
pub mod render;
pub mod sections;
pub mod shorten;

use super::chart::DataTable;
use super::chart::palette::Palette;
use super::json::Document;
use crate::model::Model;
use content::Section;
use facts::Facts;

/// The name of the file.
pub const REPORT: &str = "report.html";

/// A page before it becomes HTML.
#[derive(Debug, Clone)]
pub struct Page {
    /// The title.
    pub title: String,
    /// The sections in the order in which they are read.
    pub sections: Vec<Section>,
    /// The colours.
    pub palette: Palette,
}

impl Page {
    /// The page of a run.
    pub fn new(document: Document, model: &Model) -> Self {
        let (document, withheld) = privacy::withhold(document, model);
        let facts = Facts::new(&document, model, withheld);
        let mut sections = sections::all(&facts);
        // Columns without a figure or a word tell nothing.
        sections.iter_mut().for_each(|section| section.each_table(&mut DataTable::drop_empty_columns));
        if document.outcome.report.min_rows > 1 {
            privacy::round(&mut sections);
        }
        Page { title: facts.title(), sections, palette: facts.palette() }
    }
}
