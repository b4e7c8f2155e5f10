//! Merging and splitting the segments of a fit, as a recipe asks for it.

mod columns;
mod compute;
mod found;

pub(super) use columns::SplitColumn;
pub(super) use compute::{Regrouped, Regrouper};
pub use found::{Merged, RegroupedFound, Renumbered, SplitFound};

use crate::error::{Error, Fault, Result};
use crate::model::{Becomes, Model};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The most parts that a column may split a segment into.
pub const MOST_PARTS: usize = 50;

/// Which segments of a fit are merged and split. Segments are given by their numbers in the fit: 0 is the largest one
/// before merges and splits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Regroup {
    /// The segments to put together.
    pub merge: Vec<Merge>,
    /// The segments to split.
    pub split: Vec<Split>,
}

/// Segments that become one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merge {
    /// The line in the recipe file, counted from 1.
    pub line: u64,
    /// Their numbers.
    pub segments: Vec<u32>,
}

/// A segment that becomes several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// The line in the recipe file, counted from 1.
    pub line: u64,
    /// Its number.
    pub segment: u32,
    /// What splits it.
    pub by: SplitBy,
}

/// What splits a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitBy {
    /// Its rows are clustered again by the method of the fit, into so many parts.
    K(usize),
    /// The values of a column make the parts.
    Column(String),
}

impl Regroup {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.merge.is_empty() && self.split.is_empty()
    }

    /// The columns that split segments, each with the line and the key that name it.
    pub(super) fn columns(&self) -> impl Iterator<Item = (u64, String, &str)> {
        self.split.iter().enumerate().filter_map(|(i, split)| match &split.by {
            SplitBy::Column(column) => Some((split.line, format!("analysis.split[{i}].by"), column.as_str())),
            SplitBy::K(_) => None,
        })
    }

    /// How many segments there are in the end if the fit has `k`; `None` if the values of a column decide.
    pub(super) fn segments_of(&self, k: usize) -> Option<usize> {
        let less: usize = self.merge.iter().map(|merge| merge.segments.len().saturating_sub(1)).sum();
        let more = self.split.iter().map(|split| match split.by {
            SplitBy::K(parts) => Some(parts.saturating_sub(1)),
            SplitBy::Column(_) => None,
        });
        Some((k + more.sum::<Option<usize>>()?).saturating_sub(less))
    }

    /// Checks that each segment occurs once at most: `fault(line, key, what)` is called for each mistake.
    pub(super) fn check_numbers(&self, mut fault: impl FnMut(u64, String, String)) {
        let mut merged: HashMap<u32, usize> = HashMap::new();
        for (i, Merge { line, segments }) in self.merge.iter().enumerate() {
            let key = format!("analysis.merge[{i}]");
            if segments.len() < 2 {
                fault(*line, key.clone(), "expected at least two segments to merge".into());
            }
            for segment in segments {
                match merged.insert(*segment, i) {
                    Some(first) if first == i => {
                        fault(*line, key.clone(), format!("segment {segment} stands there twice"));
                    }
                    Some(_) => fault(
                        *line,
                        key.clone(),
                        format!(
                            "segment {segment} is in two merges; put all segments that become one into one list"
                        ),
                    ),
                    None => {}
                }
            }
        }
        let mut split = HashSet::new();
        for (i, Split { line, segment, .. }) in self.split.iter().enumerate() {
            let key = format!("analysis.split[{i}].segment");
            if merged.contains_key(segment) {
                let what =
                    format!("segment {segment} is merged too; a segment can be merged or split, not both");
                fault(*line, key, what);
            } else if !split.insert(*segment) {
                fault(*line, key, format!("segment {segment} is split twice"));
            }
        }
    }

    /// Checks it against a fit with `k` segments.
    ///
    /// # Errors
    /// [`Error::Recipe`] for segments that the fit does not have, for one that stands in two places, and if one segment
    /// would be left.
    pub(super) fn check(&self, k: usize, source: &str) -> Result<()> {
        let mut faults = Vec::new();
        let mut fault = |line, key: String, what| faults.push(Fault::in_line(source, line, key, what));
        self.check_numbers(&mut fault);
        let mut exists = |line: u64, key: String, segment: u32| {
            if segment as usize >= k {
                let what =
                    format!("there is no segment {segment}: the fit's segments are numbered 0 to {}", k - 1);
                fault(line, key, what);
            }
        };
        for (i, Merge { line, segments }) in self.merge.iter().enumerate() {
            segments.iter().for_each(|&segment| exists(*line, format!("analysis.merge[{i}]"), segment));
        }
        for (i, Split { line, segment, .. }) in self.split.iter().enumerate() {
            exists(*line, format!("analysis.split[{i}].segment"), *segment);
        }
        if faults.is_empty()
            && let (Some(0 | 1), Some(merge)) = (self.segments_of(k), self.merge.first())
        {
            let what = format!("this merges all {k} segments into one; leave out at least one of them");
            faults.push(Fault::in_line(source, merge.line, "analysis.merge", what));
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::recipe(faults)) }
    }

    /// The merges and splits of a saved model.
    pub(super) fn of_model(model: &Model) -> Regroup {
        let mut regroup = Regroup::default();
        let mut merges: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for centroid in model.assigner.regrouped().into_iter().flat_map(|regrouped| &regrouped.centroids) {
            let by = match &centroid.becomes {
                Becomes::Segment(segment) => {
                    merges.entry(*segment).or_default().push(centroid.number);
                    continue;
                }
                Becomes::Nearest(_) | Becomes::Likeliest(_) => SplitBy::K(centroid.becomes.parts().len()),
                Becomes::By(by) => SplitBy::Column(by.column.clone()),
            };
            regroup.split.push(Split { line: 0, segment: centroid.number, by });
        }
        regroup.split.sort_by_key(|split| split.segment);
        let merges = merges.into_values().filter(|segments| segments.len() > 1);
        regroup.merge = merges.map(|segments| Merge { line: 0, segments }).collect();
        regroup.merge.iter_mut().for_each(|merge| merge.segments.sort_unstable());
        regroup.merge.sort_by_key(|merge| merge.segments[0]);
        regroup
    }
}
