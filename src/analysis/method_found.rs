//! What a clustering method found beside its segments.

use crate::cluster::{Details, dbscan};
use serde::Serialize;

/// What a clustering method found beside its segments, as `metrics.json` has it.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct MethodFound {
    /// What DBSCAN found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dbscan: Option<dbscan::Found>,
}

impl MethodFound {
    /// From the details of a partition.
    pub(super) fn new(details: &Details) -> Self {
        match details {
            Details::None => MethodFound::default(),
            Details::Dbscan(found) => MethodFound { dbscan: Some(found.clone()) },
        }
    }
}
