//! What the sections of a page are made from.

use super::privacy::Withheld;
use crate::analysis::Outcome;
use crate::describe::Figures;
use crate::model::Model;
use crate::report::chart::palette::Palette;
use crate::report::chart::{Key, Paint, Unit};
use crate::report::json::Document;

/// The results of a run, without what is not to be shown.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The whole document.
    pub document: &'a Document,
    /// The results.
    pub outcome: &'a Outcome,
    /// The model.
    pub model: &'a Model,
    /// What was taken out.
    pub withheld: Withheld,
}

impl<'a> Facts<'a> {
    /// The facts of a run.
    pub fn new(document: &'a Document, model: &'a Model, withheld: Withheld) -> Self {
        Facts { document, outcome: &document.outcome, model, withheld }
    }

    /// The title of the page.
    pub fn title(&self) -> String {
        let source = self.outcome.source.as_ref();
        let made =
            || source.map_or_else(|| "Segments".into(), |source| format!("Segments of {}", source.table));
        self.outcome.report.title.clone().unwrap_or_else(made)
    }

    /// The colours of the segments, where people chose some.
    pub fn palette(&self) -> Palette {
        let colour = |segment: &crate::analysis::Segment| {
            segment
                .persona
                .as_ref()
                .and_then(|persona| persona.colour.as_ref())
                .map(|c| c.as_str().to_string())
        };
        Palette { segments: self.outcome.segments.iter().flatten().map(colour).collect() }
    }

    /// What a segment is called: `2 Large companies`, or `Segment 2` without a name. The number leads, so that charts and files
    /// speak of the same thing.
    pub fn segment(&self, segment: u32) -> Key {
        let of = self.outcome.segments.iter().flatten().find(|one| one.segment == segment);
        let label = match of.and_then(|one| one.name.as_ref()) {
            Some(name) => format!("{segment} {name}"),
            None => format!("Segment {segment}"),
        };
        Key { label, paint: Paint::Segment(segment) }
    }

    /// What the values of a column are measured in, as far as that shows in them.
    pub fn unit(&self, column: &str) -> Unit {
        let drawn = self.outcome.pictures.iter().flat_map(|pictures| &pictures.distributions);
        if let Some(quantiles) = drawn.filter(|one| one.column == column).find_map(|one| one.all.quantiles) {
            return Unit::of(&quantiles);
        }
        let described = self.outcome.description.iter().flat_map(|described| &described.columns);
        described
            .filter(|one| one.column == column)
            .find_map(|one| match &one.figures {
                Figures::Numbers(of) => Some([of.p1, of.p5, of.median, of.p95, of.p99]),
                _ => None,
            })
            .map_or(Unit::Number, |all| Unit::of(&all.into_iter().flatten().collect::<Vec<f64>>()))
    }

    /// The identifier of the section about a segment.
    pub fn section_of(segment: u32) -> String {
        format!("segment-{segment}")
    }
}
