//! What changed since the last fit.

use crate::report::page::content::Section;
use crate::report::page::facts::Facts;

/// The section, if the fit started from an earlier model.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let _ = facts;
    None
}
