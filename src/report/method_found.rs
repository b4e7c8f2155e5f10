//! What a clustering method found beside its segments, as text for people.

use super::affinity;
use crate::analysis::{MethodFound, Outcome};

/// What the method of a fit found, as tables and sentences; empty if there is nothing to say.
pub fn text(outcome: &Outcome) -> String {
    let MethodFound { affinity } = &outcome.found;
    affinity.as_ref().map_or_else(String::new, |found| affinity::text(outcome, found))
}
