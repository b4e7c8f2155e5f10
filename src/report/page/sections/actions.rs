//! What to do for each segment, by team.

use crate::report::page::content::Section;
use crate::report::page::facts::Facts;

/// The section, if anybody wrote down actions.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let _ = facts;
    None
}
