//! The recipe's questions and their answers.

use crate::report::page::content::Section;
use crate::report::page::facts::Facts;

/// The section, if the recipe asks any.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let _ = facts;
    None
}
