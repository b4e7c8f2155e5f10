//! What a page consists of, as plain data that knows nothing of HTML. Texts are as they are; whoever writes them escapes them.

use crate::report::chart::{Caption, Chart, DataTable, Key, Paint};
use serde::Serialize;

/// A part of the page with a heading, which the list of contents names.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Section {
    /// An identifier of lower-case letters, digits and hyphens, which no other section has: `answer`, `segment-3`.
    pub id: String,
    /// The heading.
    pub title: String,
    /// What the section says, in a sentence or two that stand on their own.
    pub lead: Option<String>,
    /// The colour of a mark before the heading, for the section of one segment.
    pub paint: Option<Paint>,
    /// What follows.
    pub blocks: Vec<Block>,
}

impl Section {
    /// Calls a function with every table of the section, those behind charts too.
    pub fn each_table(&mut self, of: &mut dyn FnMut(&mut DataTable)) {
        each_table(&mut self.blocks, of);
    }
}

fn each_table(blocks: &mut [Block], of: &mut dyn FnMut(&mut DataTable)) {
    for block in blocks {
        match block {
            Block::Chart(figure) => of(&mut figure.table),
            Block::Charts(figures) => figures.iter_mut().for_each(|figure| of(&mut figure.table)),
            Block::Table(table) => of(&mut table.data),
            Block::Details(_, blocks) => each_table(blocks, of),
            Block::Heading(_)
            | Block::Text(_)
            | Block::Note(_)
            | Block::Warning(_)
            | Block::Facts(_)
            | Block::Cards(_)
            | Block::List(_)
            | Block::Code(_) => {}
        }
    }
}

/// A piece of a section.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", content = "of", rename_all = "snake_case")]
pub enum Block {
    /// A heading within the section.
    Heading(String),
    /// A paragraph.
    Text(String),
    /// How to read what stands before it: a sentence in small print.
    Note(String),
    /// Something to beware of.
    Warning(String),
    /// Names and values side by side.
    Facts(Vec<Fact>),
    /// The segments at a glance.
    Cards(Vec<Card>),
    /// A chart and the table behind it.
    Chart(Figure),
    /// Small charts side by side.
    Charts(Vec<Figure>),
    /// A table.
    Table(Table),
    /// A list.
    List(Vec<String>),
    /// A command or a file, as it is typed.
    Code(String),
    /// What only some readers want, folded under a line.
    Details(String, Vec<Block>),
}

/// A name with a value.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Fact {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
    /// How to read it.
    pub note: Option<String>,
}

/// A segment at a glance.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Card {
    /// Its name and colour.
    pub key: Key,
    /// The identifier of the section about it.
    pub section: String,
    /// Its share of the rows, from 0 to 1.
    pub share: f64,
    /// How large it is: `83,587 of 205,843 learners`.
    pub size: String,
    /// A sentence about it.
    pub summary: Option<String>,
    /// What sets it apart, a few words each.
    pub traits: Vec<String>,
    /// Its rule in words, and how far the rule can be relied on.
    pub rule: Option<String>,
}

/// A chart with what is said about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// An identifier that nothing else on the page has.
    pub id: String,
    /// The title above it.
    pub title: String,
    /// How to read it, in a sentence below it.
    pub note: Option<String>,
    /// The drawing.
    pub svg: String,
    /// The drawing for a phone and for charts side by side, if the chart can be read so.
    pub narrow: Option<String>,
    /// The numbers behind it.
    pub table: DataTable,
}

impl Figure {
    /// Draws a chart. `desc` says what is in it, for somebody who cannot see it.
    pub fn new(id: impl Into<String>, title: impl Into<String>, desc: &str, chart: &dyn Chart) -> Self {
        let (id, title) = (id.into(), title.into());
        let svg = chart.svg(&Caption { id: &id, title: &title, desc, narrow: false });
        let small = format!("{id}-narrow");
        let caption = Caption { id: &small, title: &title, desc, narrow: true };
        let narrow = chart.can_be_narrow().then(|| chart.svg(&caption));
        Figure { table: chart.table(), note: None, id, title, svg, narrow }
    }

    /// The same with a sentence on how to read it.
    #[must_use]
    pub fn with_note(self, note: impl Into<String>) -> Self {
        Figure { note: Some(note.into()), ..self }
    }
}

/// A table with its caption.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Table {
    /// An identifier that nothing else on the page has; its CSV file is called after it.
    pub id: String,
    /// What it shows.
    pub caption: String,
    /// What is left out of it, or how to read it.
    pub note: Option<String>,
    /// The figures.
    pub data: DataTable,
}
