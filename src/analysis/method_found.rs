//! What a clustering method found beside its segments.

use super::affinity_found::AffinityFound;
use super::linkage_found::LinkageFound;
use crate::cluster::{Details, dbscan, gmm};
use crate::model::Assignment;
use serde::{Deserialize, Serialize};

/// What a clustering method found beside its segments, as `metrics.json` has it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MethodFound {
    /// Of a hierarchical method.
    #[serde(flatten)]
    pub linkage: Option<LinkageFound>,
    /// What DBSCAN found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dbscan: Option<dbscan::Found>,
    /// How well a Gaussian mixture describes the rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gmm: Option<gmm::Found>,
    /// The exemplars of affinity propagation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<AffinityFound>,
}

impl MethodFound {
    /// From the details of a partition, and the segments' numbers in the order of its clusters. `row_of` returns the row of the
    /// table for a row of the fit's matrix, and `ids` are the table's ids, if it has any.
    pub(super) fn new(
        details: &Details,
        numbers: &[u32],
        row_of: impl Fn(usize) -> usize,
        ids: Option<&[String]>,
    ) -> Self {
        match details {
            Details::None => MethodFound::default(),
            Details::Linkage(merges) => {
                MethodFound { linkage: Some(LinkageFound::new(merges, numbers)), ..MethodFound::default() }
            }
            Details::Gmm(found) => MethodFound { gmm: Some(found.clone()), ..MethodFound::default() },
            Details::Affinity(found) => MethodFound {
                affinity: Some(AffinityFound::new(found, numbers, row_of, ids)),
                ..MethodFound::default()
            },
            Details::Dbscan(found) => MethodFound { dbscan: Some(found.clone()), ..MethodFound::default() },
        }
    }

    /// The same for the fit itself, whose segments have these names.
    pub(super) fn of_fit(self, names: &[Option<String>]) -> Self {
        MethodFound { linkage: self.linkage.map(|found| found.of_fit(names)), ..self }
    }

    /// Adds what only the rows' distances to all centroids tell.
    pub(super) fn measure(&mut self, rows: &[Option<Assignment>]) {
        if let Some(linkage) = &mut self.linkage {
            linkage.measure(rows);
        }
    }
}
