//! What a clustering method found beside its segments.

use crate::cluster::{Details, gmm};
use serde::Serialize;

/// What a clustering method found beside its segments, as `metrics.json` has it.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct MethodFound {
    /// How well a Gaussian mixture describes the rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gmm: Option<gmm::Found>,
}

impl MethodFound {
    /// From the details of a partition.
    pub(super) fn new(details: &Details) -> Self {
        match details {
            Details::None => MethodFound::default(),
            Details::Gmm(found) => MethodFound { gmm: Some(found.clone()) },
        }
    }
}
