//! The tree of a hierarchical method.

use crate::report::page::content::Section;
use crate::report::page::facts::Facts;

/// The section, if there is a tree.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let _ = facts;
    None
}
