//! What a clustering method found beside its segments, as text for people.

use crate::analysis::{MethodFound, Outcome};

/// What the method of a fit found, as tables and sentences; empty if there is nothing to say.
pub fn text(outcome: &Outcome) -> String {
    let MethodFound {} = &outcome.found;
    String::new()
}
