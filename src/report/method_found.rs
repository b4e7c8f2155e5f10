//! What a clustering method found beside its segments, as text for people.

use crate::analysis::MethodFound;

/// What a method found, as tables and sentences; empty if there is nothing to say.
pub fn text(found: &MethodFound) -> String {
    let MethodFound { gmm } = found;
    gmm.as_ref().map(super::gmm::text).unwrap_or_default()
}
