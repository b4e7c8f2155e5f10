//! One section for each segment.

use crate::report::page::content::Section;
use crate::report::page::facts::Facts;

/// The sections, by the segments' numbers.
pub fn sections(facts: &Facts<'_>) -> Vec<Section> {
    let _ = facts;
    Vec::new()
}
