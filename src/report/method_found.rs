//! What a clustering method found beside its segments, as text for people.

use super::linkage;
use crate::analysis::{MethodFound, Outcome};

/// What the method of a fit found, as tables and sentences; empty if there is nothing to say.
pub fn text(outcome: &Outcome) -> String {
    let MethodFound { linkage } = &outcome.found;
    linkage.as_ref().map_or_else(String::new, |found| linkage::text(found, outcome))
}
