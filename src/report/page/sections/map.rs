//! The map: the rows in two dimensions.

use crate::report::page::content::Section;
use crate::report::page::facts::Facts;

/// The section, if there is a layout.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let _ = facts;
    None
}
