//! What DBSCAN found for each pair of its parameters.

use crate::report::page::content::Section;
use crate::report::page::facts::Facts;

/// The section, if DBSCAN was run.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let _ = facts;
    None
}
