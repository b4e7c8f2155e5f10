//! What a clustering method found beside its segments, as text for people.

use super::affinity;
use crate::analysis::MethodFound;

/// What a method found, as tables and sentences; empty if there is nothing to say.
pub fn text(found: &MethodFound) -> String {
    let MethodFound { affinity } = found;
    affinity.as_ref().map_or_else(String::new, affinity::text)
}
