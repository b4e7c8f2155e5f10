//! Segments that a recipe made from those of a fit, by merging some of them and splitting others.

mod likeliest;

use super::assigner::{Assignment, Centroid, in_user_units, margins_of};
use crate::backend::Margin;
use crate::canonical::{Centroids, squared_distance};
use crate::cluster::gmm::Mixture;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::matrix::Matrix;
use crate::table::Values;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The segments after merges and splits, and how a row gets to its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Regrouped {
    /// The segments by their numbers, each with the mean of its rows.
    pub segments: Vec<Centroid>,
    /// The centroids of the fit, in its order. A row belongs to the nearest of them, the first of equally near ones, unless
    /// there is a mixture.
    pub centroids: Vec<FitCentroid>,
    /// Where the fit is a Gaussian mixture: its components, in the order of the centroids. A row belongs to the one that it
    /// most likely comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixture: Option<Mixture>,
}

/// A centroid of the fit, and the segments that its rows belong to now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FitCentroid {
    /// The number of its segment in the fit, before merges and splits. A recipe refers to it.
    pub number: u32,
    /// Where its rows belong.
    #[serde(flatten)]
    pub becomes: Becomes,
    /// The centroid's coordinates: one value per feature, in the scaled feature space.
    pub values: Vec<f64>,
}

/// Where the rows of a centroid of the fit belong. In `model.json` the variant's name is the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Becomes {
    /// All to this segment. Merged segments have several centroids.
    Segment(u32),
    /// Each to the segment of the nearest of these, the first of equally near ones.
    Nearest(Vec<SubCentroid>),
    /// Each to the segment of the component that it most likely comes from.
    Likeliest(SubMixture),
    /// Each to the segment of its value in a column.
    By(ByColumn),
}

/// A part of a segment that was fitted again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubCentroid {
    /// The part's segment.
    pub segment: u32,
    /// The coordinates of its centroid: one value per feature, in the scaled feature space.
    pub values: Vec<f64>,
}

/// A segment that was fitted again by a Gaussian mixture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubMixture {
    /// The parts, with the means of their rows, in the order of the components.
    pub parts: Vec<SubCentroid>,
    /// The components.
    pub components: Mixture,
}

/// The parts of a segment that was split by the values of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ByColumn {
    /// The column: one of the table's, or one that the recipe makes.
    pub column: String,
    /// The parts.
    pub values: Vec<ByValue>,
    /// The segment of values that no row of the fit's segment had: the largest part.
    pub other: u32,
}

/// A part of a segment that was split by the values of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ByValue {
    /// The value as text; `None` stands for a missing value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The part's segment.
    pub segment: u32,
}

/// Stands for a value that the fit did not see.
pub(crate) const UNSEEN: u32 = u32::MAX;

impl Becomes {
    /// Its segments, in order.
    pub fn segments(&self) -> Vec<u32> {
        match self {
            Becomes::Segment(segment) => vec![*segment],
            Becomes::Nearest(parts) | Becomes::Likeliest(SubMixture { parts, .. }) => {
                parts.iter().map(|part| part.segment).collect()
            }
            Becomes::By(by) => by.values.iter().map(|value| value.segment).collect(),
        }
    }

    /// The parts of a segment that was fitted again; none if it was not.
    pub fn parts(&self) -> &[SubCentroid] {
        match self {
            Becomes::Nearest(parts) | Becomes::Likeliest(SubMixture { parts, .. }) => parts,
            Becomes::Segment(_) | Becomes::By(_) => &[],
        }
    }

    /// Its segments, for changing their numbers.
    fn segments_mut(&mut self) -> Vec<&mut u32> {
        match self {
            Becomes::Segment(segment) => vec![segment],
            Becomes::Nearest(parts) | Becomes::Likeliest(SubMixture { parts, .. }) => {
                parts.iter_mut().map(|part| &mut part.segment).collect()
            }
            Becomes::By(by) => {
                let values = by.values.iter_mut().map(|value| &mut value.segment);
                values.chain([&mut by.other]).collect()
            }
        }
    }
}

impl ByColumn {
    /// For some rows of a column (all, where `kept` is `None`) the segment of each, or [`UNSEEN`].
    pub(crate) fn segments_of(&self, values: &Values, kept: Option<&[u32]>) -> Vec<u32> {
        let segment = |value: Option<&str>| {
            let found = self.values.iter().find(|v| v.value.as_deref() == value);
            found.map_or(UNSEEN, |v| v.segment)
        };
        let missing = segment(None);
        let of_levels: Option<Vec<u32>> = match values {
            Values::Text { levels, .. } => Some(levels.iter().map(|level| segment(Some(level))).collect()),
            _ => None,
        };
        let of_row = |row: usize| match (values, &of_levels) {
            (Values::Text { codes, .. }, Some(of_levels)) => match codes.get(row).copied().flatten() {
                Some(code) => of_levels.get(code as usize).copied().unwrap_or(UNSEEN),
                None => missing,
            },
            _ if values.is_missing(row) => missing,
            _ => segment(Some(&values.cell(row))),
        };
        match kept {
            None => (0..values.len()).into_par_iter().map(of_row).collect(),
            Some(kept) => kept.par_iter().map(|&row| of_row(row as usize)).collect(),
        }
    }
}

impl Regrouped {
    /// Gives the segments other numbers, `numbers[i]` to the i-th, and sorts them by these.
    pub(super) fn renumber(&mut self, numbers: &[u32]) {
        let pairs = self.segments.iter_mut().zip(numbers).map(|(own, &new)| {
            let old = std::mem::replace(&mut own.segment.number, new);
            (old, new)
        });
        let new_of: HashMap<u32, u32> = pairs.collect();
        for segment in self.centroids.iter_mut().flat_map(|c| c.becomes.segments_mut()) {
            *segment = new_of.get(segment).copied().unwrap_or(*segment);
        }
        self.segments.sort_by_key(|c| c.segment.number);
    }

    /// Whether all of it comes from a Gaussian mixture (`true`), or nothing does (`false`).
    pub(super) fn is_of(&self, mixture: bool) -> bool {
        let suits = |c: &FitCentroid| match c.becomes {
            Becomes::Segment(_) | Becomes::By(_) => true,
            Becomes::Nearest(_) => !mixture,
            Becomes::Likeliest(_) => mixture,
        };
        self.mixture.is_some() == mixture && self.centroids.iter().all(suits)
    }

    /// For each row of a dataset how likely it belongs to each segment, by their order: n x k values, row by row. `None`
    /// unless the fit is a Gaussian mixture. `choices` has, for each split by a column, each row's segment by its value there.
    ///
    /// # Errors
    /// A covariance that is not positive definite.
    pub(crate) fn responsibilities(
        &self,
        dataset: &Dataset<'_>,
        choices: &[Vec<u32>],
    ) -> Result<Option<Vec<f32>>> {
        let Some(mixture) = &self.mixture else { return Ok(None) };
        let fit = (&self.centroids[..], mixture);
        likeliest::responsibilities(dataset, fit, choices, self.segments.len()).map(Some)
    }

    /// The splits by a column, in the order of the centroids.
    pub(crate) fn by_columns(&self) -> impl Iterator<Item = &ByColumn> {
        by_columns(&self.centroids)
    }

    /// Checks the part of it that a plain list of segments does not have, for tables of `d` features. The error says what
    /// is wrong.
    pub(super) fn check(&self, d: usize) -> std::result::Result<(), String> {
        let fits =
            |values: &[f64]| values.len() == d && values.iter().all(|v| v.abs() <= f64::from(f32::MAX));
        let fitted = |c: &FitCentroid| {
            let parts = match &c.becomes {
                Becomes::Segment(_) => true,
                Becomes::Nearest(parts) => parts.iter().all(|part| fits(&part.values)),
                Becomes::Likeliest(SubMixture { parts, .. }) => parts.iter().all(|part| fits(&part.values)),
                Becomes::By(by) => by.values.iter().any(|value| value.segment == by.other),
            };
            parts && fits(&c.values) && !c.becomes.segments().is_empty()
        };
        if self.centroids.is_empty() || !self.centroids.iter().all(fitted) {
            return Err(format!("its parts do not fit together: each centroid needs {d} finite values"));
        }
        let of_mixture = self.mixture.iter().map(|mixture| (mixture, self.centroids.len()));
        let of_parts = self.centroids.iter().filter_map(|c| match &c.becomes {
            Becomes::Likeliest(SubMixture { parts, components }) => Some((components, parts.len())),
            _ => None,
        });
        for (mixture, k) in of_mixture.chain(of_parts) {
            mixture.check()?;
            if mixture.k() != k || mixture.features != d {
                return Err("its mixture has other segments or features than the model".into());
            }
        }
        let mut numbers: Vec<u32> = self.centroids.iter().map(|c| c.number).collect();
        numbers.sort_unstable();
        let mut reached: Vec<u32> = self.centroids.iter().flat_map(|c| c.becomes.segments()).collect();
        reached.sort_unstable();
        reached.dedup();
        if !numbers.into_iter().eq(0..self.centroids.len() as u32)
            || !reached.into_iter().eq(0..self.segments.len() as u32)
        {
            return Err(
                "its parts do not fit together: a merge or a split leads to a segment that it does not have"
                    .into(),
            );
        }
        Ok(())
    }
}

/// The splits by a column, in the order of the centroids.
fn by_columns(centroids: &[FitCentroid]) -> impl Iterator<Item = &ByColumn> {
    centroids.iter().filter_map(|c| match &c.becomes {
        Becomes::By(by) => Some(by),
        _ => None,
    })
}

/// The segments of rows, and how many of them had a value that the fit did not see.
pub(crate) struct Regrouping {
    /// One for each row.
    pub(crate) rows: Vec<Assignment>,
    /// For each split by a column, in the order of the centroids, how many rows went to its largest part for want of a
    /// better one.
    pub(crate) unseen: Vec<usize>,
}

/// What the rows of a fit belonged to before merges and splits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FitSegments<'a> {
    pub(crate) centroids: &'a [FitCentroid],
    /// The components, where the fit is a Gaussian mixture.
    pub(crate) mixture: Option<&'a Mixture>,
}

/// Where the rows of a dataset belong whose nearest centroids, as indices into `centroids`, are `labels`; with a mixture, the
/// components that they most likely come from. `choices` has, for
/// each split by a column in the order of the centroids, each row's segment ([`ByColumn::segments_of`]).
///
/// The distance is that to the centroid that decided: of the fit, or of the part of a split. The margin says how much
/// farther away the nearest one of another segment is; in a split, the closer of the two decisions counts.
///
/// # Errors
/// The device failed.
pub(crate) fn regroup(
    dataset: &Dataset<'_>,
    fit: FitSegments<'_>,
    labels: &[u32],
    choices: &[Vec<u32>],
) -> Result<Regrouping> {
    let (matrix, centroids) = (dataset.matrix(), fit.centroids);
    let own = stored(centroids.iter().map(|c| &c.values), matrix);
    let mut splits = 0;
    let ways: Vec<Way<'_>> = centroids
        .iter()
        .map(|c| match &c.becomes {
            Becomes::Segment(segment) => {
                let goes_here = |other: &FitCentroid| other.becomes == c.becomes;
                let rivals = (0..centroids.len()).filter(|&o| !goes_here(&centroids[o])).collect::<Vec<_>>();
                let merged = rivals.len() + 1 < centroids.len();
                Way::Segment { segment: *segment, rivals: merged.then_some(rivals) }
            }
            Becomes::Nearest(parts) => {
                let points = stored(parts.iter().map(|part| &part.values), matrix);
                Way::Nearest { parts, points }
            }
            Becomes::Likeliest(SubMixture { parts, components }) => {
                let points = stored(parts.iter().map(|part| &part.values), matrix);
                Way::Likeliest { parts, points, components }
            }
            Becomes::By(by) => {
                splits += 1;
                Way::By { by, split: splits - 1, choices: choices.get(splits - 1).map_or(&[], Vec::as_slice) }
            }
        })
        .collect();
    // For each centroid that a mixture splits, the parts' components that the rows most likely come from.
    let likeliest: Vec<Vec<u32>> = ways.iter().map(|way| way.likeliest(dataset)).collect::<Result<_>>()?;
    let mut rows = Vec::with_capacity(labels.len());
    margins_of(dataset, &own, labels, |first, labels, margins| {
        let decided = labels.par_iter().zip(&margins).enumerate().map(|(i, (&label, margin))| {
            let (way, row) = (&ways[label as usize], first + i);
            way.decide(matrix, &own, (row, likeliest[label as usize].get(row).copied()), *margin)
        });
        rows.par_extend(decided);
    })?;
    if let Some(mixture) = fit.mixture {
        likeliest::set_probabilities(dataset, (centroids, mixture), choices, &mut rows)?;
    }
    let mut unseen = vec![0; splits];
    for (label, way) in ways.iter().enumerate() {
        if let Way::By { split, choices, .. } = way {
            let lost = labels.iter().zip(*choices).filter(|(l, c)| **l as usize == label && **c == UNSEEN);
            unseen[*split] = lost.count();
        }
    }
    Ok(Regrouping { rows, unseen })
}

/// Points in the stored units of a matrix.
fn stored<'a>(points: impl Iterator<Item = &'a Vec<f64>>, matrix: &Matrix) -> Centroids {
    Centroids {
        values: points.flatten().map(|&v| matrix.to_stored(v)).collect(),
        features: matrix.features(),
    }
}

/// How the rows of a centroid get to their segments.
enum Way<'a> {
    Segment {
        segment: u32,
        /// The centroids of other segments, if the segment has more than one centroid.
        rivals: Option<Vec<usize>>,
    },
    Nearest {
        parts: &'a [SubCentroid],
        points: Centroids,
    },
    Likeliest {
        parts: &'a [SubCentroid],
        points: Centroids,
        components: &'a Mixture,
    },
    By {
        by: &'a ByColumn,
        split: usize,
        choices: &'a [u32],
    },
}

impl Way<'_> {
    /// For each row of a dataset the component that it most likely comes from, if a mixture makes the parts.
    fn likeliest(&self, dataset: &Dataset<'_>) -> Result<Vec<u32>> {
        let Way::Likeliest { components, .. } = self else { return Ok(Vec::new()) };
        Ok(components.memberships(dataset)?.into_iter().map(|found| found.component).collect())
    }

    /// The segment of row `i`, whose distance to its centroid and margin among all centroids are `found`. Where a mixture
    /// makes the parts, `part` is the row's.
    fn decide(
        &self,
        matrix: &Matrix,
        own: &Centroids,
        (i, part): (usize, Option<u32>),
        found: Margin,
    ) -> Assignment {
        let Margin { distance, margin } = found;
        let user = |squared: f64| matrix.to_user(squared.sqrt());
        match self {
            Way::Segment { segment, rivals: None } => {
                Assignment { segment: *segment, probability: 1.0, distance, margin }
            }
            Way::Segment { segment, rivals: Some(rivals) } => {
                let nearest = rivals
                    .iter()
                    .map(|&c| squared_distance(matrix.row(i), own.get(c)))
                    .fold(f64::INFINITY, f64::min);
                Assignment { segment: *segment, probability: 1.0, distance, margin: user(nearest) - distance }
            }
            Way::Nearest { parts, points } => {
                let (mut label, mut best, mut second) = (0, f64::INFINITY, f64::INFINITY);
                for (c, point) in points.iter().enumerate() {
                    let squared = squared_distance(matrix.row(i), point);
                    if squared < best {
                        (label, second, best) = (c, best, squared);
                    } else {
                        second = second.min(squared);
                    }
                }
                let distance = user(best);
                Assignment {
                    segment: parts[label].segment,
                    probability: 1.0,
                    distance,
                    margin: margin.min(user(second) - distance),
                }
            }
            Way::Likeliest { parts, points, .. } => {
                let label = part.unwrap_or(0) as usize;
                let squared: Vec<f64> =
                    points.iter().map(|point| squared_distance(matrix.row(i), point)).collect();
                let others = squared.iter().enumerate().filter(|(c, _)| *c != label);
                let second = others.map(|(_, squared)| *squared).fold(f64::INFINITY, f64::min);
                let distance = user(squared[label]);
                Assignment {
                    segment: parts[label].segment,
                    probability: 1.0,
                    distance,
                    margin: margin.min(user(second) - distance),
                }
            }
            Way::By { by, choices, .. } => {
                let chosen = choices.get(i).copied().filter(|&segment| segment != UNSEEN);
                Assignment { segment: chosen.unwrap_or(by.other), probability: 1.0, distance, margin }
            }
        }
    }
}

/// Points of a matrix in the user's units.
pub(crate) fn points_in_user_units(points: &Centroids, matrix: &Matrix) -> Vec<Vec<f64>> {
    points.iter().map(|values| in_user_units(values, matrix)).collect()
}
