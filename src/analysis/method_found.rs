//! What a clustering method found beside its segments.

use crate::cluster::Details;
use serde::Serialize;

/// What a clustering method found beside its segments, as `metrics.json` has it.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct MethodFound {}

impl MethodFound {
    /// From the details of a partition.
    pub(super) fn new(details: &Details) -> Self {
        match details {
            Details::None => MethodFound::default(),
        }
    }
}
