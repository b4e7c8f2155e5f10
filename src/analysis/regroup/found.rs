//! What became of the segments of a fit, for its results.

use crate::model::{Becomes, FitCentroid};
use serde::{Deserialize, Serialize};

/// What became of the segments of a fit: part of `metrics.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegroupedFound {
    /// How many segments the fit has.
    pub k: usize,
    /// How many rows each segment of the fit has, by its number there.
    pub sizes: Vec<u64>,
    /// The segments that were merged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<Merged>,
    /// The segments that were split.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub split: Vec<SplitFound>,
    /// The segments that are as they were, with their new numbers.
    pub kept: Vec<Renumbered>,
}

/// Segments that became one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Merged {
    /// Their numbers in the fit.
    pub from: Vec<u32>,
    /// The number of the segment that they make.
    pub to: u32,
}

/// A segment that became several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitFound {
    /// Its number in the fit.
    pub from: u32,
    /// The column whose values split it; `None` if its rows were clustered again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The numbers of its parts.
    pub to: Vec<u32>,
    /// The value of each part, where a column split it; `None` is the part in which it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Option<String>>>,
}

/// A segment that only got another number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renumbered {
    /// Its number in the fit.
    pub from: u32,
    /// Its number now.
    pub to: u32,
}

impl RegroupedFound {
    /// What became of the segments of a fit. `numbers` are the numbers of the segments by their place in the partition.
    pub(in crate::analysis) fn new(centroids: &[FitCentroid], sizes: &[u64], numbers: &[u32]) -> Self {
        let number = |place: &u32| numbers.get(*place as usize).copied().unwrap_or(*place);
        let mut order: Vec<(&FitCentroid, u64)> = centroids.iter().zip(sizes.iter().copied()).collect();
        order.sort_by_key(|(c, _)| c.number);
        let mut found = RegroupedFound {
            k: centroids.len(),
            sizes: order.iter().map(|(_, size)| *size).collect(),
            merged: Vec::new(),
            split: Vec::new(),
            kept: Vec::new(),
        };
        for (centroid, _) in &order {
            let from = centroid.number;
            let to: Vec<u32> = centroid.becomes.segments().iter().map(number).collect();
            match &centroid.becomes {
                Becomes::Segment(place) => {
                    let together = order.iter().filter(|(c, _)| c.becomes == centroid.becomes);
                    let together: Vec<u32> = together.map(|(c, _)| c.number).collect();
                    if together.len() == 1 {
                        found.kept.push(Renumbered { from, to: number(place) });
                    } else if together.first() == Some(&from) {
                        found.merged.push(Merged { from: together, to: number(place) });
                    }
                }
                Becomes::Nearest(_) | Becomes::Likeliest(_) => {
                    found.split.push(SplitFound { from, by: None, to, values: None })
                }
                Becomes::By(by) => {
                    let values = by.values.iter().map(|value| value.value.clone()).collect();
                    let by = Some(by.column.clone());
                    found.split.push(SplitFound { from, by, to, values: Some(values) });
                }
            }
        }
        found
    }
}
