//! Answers to the questions of a survey, by segment.

use crate::report::page::content::Section;
use crate::report::page::facts::Facts;

/// The section, if the recipe asks for such answers.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let _ = facts;
    None
}
