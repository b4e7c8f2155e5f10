//! The columns: how they are distributed and correlated.

use crate::report::page::content::Section;
use crate::report::page::facts::Facts;

/// The section, if there is something to draw.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let _ = facts;
    None
}
