//! What a clustering method found beside its segments, as text for people.

use super::affinity;
use super::linkage;
use crate::analysis::MethodFound;

/// What a method found, as tables and sentences; empty if there is nothing to say.
pub fn text(found: &MethodFound) -> String {
    let MethodFound { linkage, dbscan, gmm, affinity } = found;
    let parts = [
        linkage.as_ref().map(linkage::text),
        dbscan.as_ref().map(super::dbscan::text),
        gmm.as_ref().map(super::gmm::text),
        affinity.as_ref().map(affinity::text),
    ];
    parts.into_iter().flatten().collect()
}
