//! The charts and the tables of a page as files of their own.

use super::Page;
use super::content::{Block, Figure, Table};
use crate::error::{Error, Result};
use crate::report::chart::DataTable;
use crate::report::chart::svg::stand_alone;

impl Page {
    /// Every chart as a stand-alone SVG and every table as CSV: the names and the contents of the files.
    ///
    /// # Errors
    /// A table that cannot be written as CSV, which is a fault of the program.
    pub fn charts(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let css = self.palette.css();
        let mut files = Vec::new();
        for section in &self.sections {
            add(&section.blocks, &css, &mut files)?;
        }
        Ok(files)
    }
}

fn add(blocks: &[Block], css: &str, files: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    for block in blocks {
        match block {
            Block::Chart(figure) => add_figure(figure, css, files)?,
            Block::Charts(figures) => figures.iter().try_for_each(|one| add_figure(one, css, files))?,
            Block::Table(Table { id, data, .. }) => files.push((format!("{id}.csv"), csv(data)?)),
            Block::Details(_, blocks) => add(blocks, css, files)?,
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
    Ok(())
}

fn add_figure(figure: &Figure, css: &str, files: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    files.push((format!("{}.svg", figure.id), stand_alone(&figure.svg, css).into_bytes()));
    if !figure.table.rows.is_empty() {
        files.push((format!("{}.csv", figure.id), csv(&figure.table)?));
    }
    Ok(())
}

/// A table as CSV: numbers without separators or signs of units, texts as they are.
fn csv(table: &DataTable) -> Result<Vec<u8>> {
    let fault = |e: &dyn std::fmt::Display| Error::data(format!("a table could not be written as CSV: {e}"));
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(table.columns.iter().map(|(title, _)| title)).map_err(|e| fault(&e))?;
    for row in &table.rows {
        let cell = |one: &crate::report::chart::Datum| match one.value {
            Some(value) => value.to_string(),
            None => one.text.clone(),
        };
        out.write_record(row.iter().map(cell)).map_err(|e| fault(&e))?;
    }
    out.into_inner().map_err(|e| fault(&e))
}
