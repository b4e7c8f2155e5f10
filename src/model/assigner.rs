//! The part of a model that assigns new rows to segments.
//!
//! It is saved in `model.json`, so it holds only what an assignment needs. It lives apart from the fit because new rows
//! arrive long after the fit's data is gone.

use super::core_points::CorePoints;
use super::regrouped::{FitSegments, Regrouped, Regrouping, regroup};
use crate::backend::Margin;
use crate::canonical::Centroids;
use crate::cluster::gmm::Mixture;
use crate::cluster::{Labels, Method, Partition, Prototypes};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::model::Persona;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// How new rows are assigned to segments. In `model.json` the variant's name is the key, and its data is the value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assigner {
    /// A row belongs to the segment of its nearest centroid. If several centroids are equally near, the first one wins;
    /// the centroids are therefore kept in the order of the fit.
    Centroids(Vec<Centroid>),
    /// A row belongs to the segment of its nearest core point, if that is near enough (DBSCAN).
    CorePoints(CorePoints),
    /// A row belongs to the segment of the component that it most likely comes from.
    Mixture(MixtureSegments),
    /// A row belongs to the segment of its nearest exemplar, which is a row of the fit. Everything else is as with
    /// centroids.
    Exemplars(Vec<Centroid>),
    /// The segments of the fit were merged and split: a row's nearest centroid, or likeliest component,
    /// leads to its segment.
    Regrouped(Regrouped),
}

/// The segments of a Gaussian mixture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MixtureSegments {
    /// The segments, in the order of the components, with the means of their rows.
    pub segments: Vec<Centroid>,
    /// The components.
    pub components: Mixture,
}

/// A segment of a fitted model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// The segment's number; 0 is the largest segment.
    #[serde(rename = "segment")]
    pub number: u32,
    /// The name, if a person gave it one. A refit that starts from this model keeps the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What else a person says about it. A refit keeps it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persona: Option<Persona>,
    /// The number of rows of the fit in this segment.
    pub size: u64,
    /// The total weight of these rows, if the rows have weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
}

/// A centroid and the segment that it represents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Centroid {
    /// The segment.
    #[serde(flatten)]
    pub segment: Segment,
    /// The centroid's coordinates: one value per feature, in the scaled feature space.
    pub values: Vec<f64>,
}

/// The segment of one row, and how clear the assignment is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assignment {
    /// The segment's number.
    pub segment: u32,
    /// How likely the row belongs to it, between 0 and 1, by a Gaussian mixture; 1 by every other method.
    pub probability: f32,
    /// Euclidean distance to the segment's centroid, in the scaled feature space. A segment that was merged has several
    /// centroids, of which the nearest counts.
    pub distance: f64,
    /// How much farther away the nearest centroid of another segment is, in the unit of `distance`; infinite if there is
    /// only one segment. Methods whose segments are not those of the nearest centroid also give negative margins.
    pub margin: f64,
}

impl Assigner {
    /// Creates the assigner that labels new rows in the way that `partition` labels its own. `matrix` is the matrix
    /// that was clustered; it may hold each distinct row only once.
    pub(super) fn new(partition: &Partition, matrix: &Matrix) -> Self {
        let weights = matrix.sample_weights().filter(|w| !w.is_count());
        let segments = partition.segments().into_iter().zip(&partition.sizes).zip(&partition.weights).map(
            |((number, &size), &weight)| Segment {
                number,
                name: None,
                persona: None,
                size,
                weight: weights.map(|w| w.as_given(weight)),
            },
        );
        let centroids = segments
            .zip(partition.prototypes.centroids().iter())
            .map(|(segment, values)| Centroid { segment, values: in_user_units(values, matrix) });
        let segments = centroids.collect();
        match &partition.prototypes {
            Prototypes::Centroids(_) => Assigner::Centroids(segments),
            Prototypes::Exemplars(_) => Assigner::Exemplars(segments),
            Prototypes::CorePoints(core) => Assigner::CorePoints(CorePoints::new(core, segments, matrix)),
            Prototypes::Mixture(_, components) => {
                Assigner::Mixture(MixtureSegments { segments, components: components.clone() })
            }
        }
    }

    /// The segments with their centroids, or exemplars: in the order of the fit, or by number if they were merged or split.
    pub fn centroids(&self) -> &[Centroid] {
        match self {
            Assigner::Centroids(centroids) | Assigner::Exemplars(centroids) => centroids,
            Assigner::CorePoints(core) => &core.segments,
            Assigner::Mixture(mixture) => &mixture.segments,
            Assigner::Regrouped(regrouped) => &regrouped.segments,
        }
    }

    fn centroids_mut(&mut self) -> &mut [Centroid] {
        match self {
            Assigner::Centroids(centroids) | Assigner::Exemplars(centroids) => centroids,
            Assigner::CorePoints(core) => &mut core.segments,
            Assigner::Mixture(mixture) => &mut mixture.segments,
            Assigner::Regrouped(regrouped) => &mut regrouped.segments,
        }
    }

    /// The centroids of the fit in its order, before merges and splits.
    pub fn fit_centroids(&self) -> Vec<&[f64]> {
        match self {
            Assigner::Centroids(_)
            | Assigner::Exemplars(_)
            | Assigner::CorePoints(_)
            | Assigner::Mixture(_) => self.centroids().iter().map(|c| &c.values[..]).collect(),
            Assigner::Regrouped(regrouped) => regrouped.centroids.iter().map(|c| &c.values[..]).collect(),
        }
    }

    /// Whether it is how models of a method label rows.
    pub(super) fn suits(&self, method: &Method) -> bool {
        match method {
            Method::Dbscan(_) => matches!(self, Assigner::CorePoints(_)),
            Method::Gmm(_) => match self {
                Assigner::Regrouped(regrouped) => regrouped.is_of(true),
                _ => matches!(self, Assigner::Mixture(_)),
            },
            Method::Affinity(_) => matches!(self, Assigner::Exemplars(_)),
            Method::KMeans(_) => match self {
                Assigner::Regrouped(regrouped) => regrouped.is_of(false),
                _ => matches!(self, Assigner::Centroids(_)),
            },
            Method::Ward(_) | Method::Complete(_) | Method::Average(_) => {
                matches!(self, Assigner::Centroids(_))
            }
        }
    }

    /// The merges and splits, if there were any.
    pub fn regrouped(&self) -> Option<&Regrouped> {
        match self {
            Assigner::Centroids(_)
            | Assigner::Exemplars(_)
            | Assigner::CorePoints(_)
            | Assigner::Mixture(_) => None,
            Assigner::Regrouped(regrouped) => Some(regrouped),
        }
    }

    /// Whether a row belongs to its segment with a probability, and to the others too.
    pub fn has_probabilities(&self) -> bool {
        match self {
            Assigner::Mixture(_) => true,
            Assigner::Regrouped(regrouped) => regrouped.mixture.is_some(),
            Assigner::Centroids(_) | Assigner::Exemplars(_) | Assigner::CorePoints(_) => false,
        }
    }

    /// The segments, in the order of [`Assigner::centroids`].
    pub fn segments(&self) -> impl ExactSizeIterator<Item = &Segment> {
        self.centroids().iter().map(|c| &c.segment)
    }

    /// The segments in the same order, for changing their names.
    pub fn segments_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Segment> {
        self.centroids_mut().iter_mut().map(|c| &mut c.segment)
    }

    /// Gives the segments other numbers: `numbers[i]` to the i-th.
    pub(super) fn renumber(&mut self, numbers: &[u32]) {
        match self {
            Assigner::Centroids(_)
            | Assigner::Exemplars(_)
            | Assigner::CorePoints(_)
            | Assigner::Mixture(_) => {
                self.centroids_mut()
                    .iter_mut()
                    .zip(numbers)
                    .for_each(|(c, &number)| c.segment.number = number);
            }
            Assigner::Regrouped(regrouped) => regrouped.renumber(numbers),
        }
    }

    /// The largest absolute value of any centroid coordinate, in the scaled feature space.
    pub(super) fn max_abs(&self) -> f32 {
        let parts = self.regrouped().into_iter().flat_map(|regrouped| &regrouped.centroids);
        let parts = parts.flat_map(|c| c.becomes.parts());
        let values = self.fit_centroids().into_iter().flatten().chain(parts.flat_map(|part| &part.values));
        let core = match self {
            Assigner::CorePoints(core) => Some(core.values()),
            _ => None,
        };
        values.copied().chain(core.into_iter().flatten()).fold(0f64, |max, v| max.max(v.abs())) as f32
    }

    /// Assigns each row of a dataset to a segment. `choices` has, for each split by a column, each row's segment by its value
    /// there.
    ///
    /// # Errors
    /// The device failed.
    pub(super) fn label(&self, dataset: &Dataset<'_>, choices: &[Vec<u32>]) -> Result<Labelled> {
        let matrix = dataset.matrix();
        let values = self.fit_centroids().into_iter().flatten().map(|&v| matrix.to_stored(v)).collect();
        let own = Centroids { values, features: matrix.features() };
        let numbers: Vec<u32> = self.segments().map(|s| s.number).collect();
        if let Assigner::CorePoints(core) = self {
            let labels = core.label(dataset);
            let rows = assignments(dataset, &Prototypes::Centroids(own), &labels, &numbers)?;
            return Ok(Labelled { rows, unseen: Vec::new() });
        }
        if let Assigner::Mixture(MixtureSegments { components, .. }) = self {
            let rows = mixture_assignments(dataset, &own, components, &numbers)?;
            return Ok(Labelled { rows, unseen: Vec::new() });
        }
        if let Assigner::Regrouped(Regrouped { mixture: Some(mixture), centroids, .. }) = self {
            let labels: Vec<u32> =
                mixture.memberships(dataset)?.into_iter().map(|found| found.component).collect();
            let fit = FitSegments { centroids, mixture: Some(mixture) };
            let Regrouping { rows, unseen } = regroup(dataset, fit, &labels, choices)?;
            return Ok(Labelled { rows: rows.into_iter().map(Some).collect(), unseen });
        }
        let labels = dataset
            .lloyd(std::slice::from_ref(&own), true)?
            .pop()
            .and_then(|pass| pass.labels)
            .ok_or_else(|| Error::Device("the device returned no labels".into()))?;
        if let Assigner::Regrouped(regrouped) = self {
            let Regrouping { rows, unseen } = regroup(
                dataset,
                FitSegments { centroids: &regrouped.centroids, mixture: None },
                &labels,
                choices,
            )?;
            return Ok(Labelled { rows: rows.into_iter().map(Some).collect(), unseen });
        }
        let rows = assignments(dataset, &Prototypes::Centroids(own), &Labels::new(labels), &numbers)?;
        Ok(Labelled { rows, unseen: Vec::new() })
    }

    /// Checks an assigner that was read from a file, for tables of `d` features. The error says what is wrong.
    pub(super) fn check(&self, d: usize) -> std::result::Result<(), String> {
        if let Assigner::Regrouped(regrouped) = self {
            regrouped.check(d)?;
        }
        if let Assigner::CorePoints(core) = self {
            core.check(d)?;
        }
        if let Assigner::Mixture(MixtureSegments { segments, components }) = self {
            if components.k() != segments.len() || components.features != d {
                return Err("its mixture has other segments or features than the model".into());
            }
            components.check()?;
        }
        let centroids = self.centroids();
        let value = |v: &f64| v.abs() <= f64::from(f32::MAX);
        let k = centroids.len();
        if k == 0 || !centroids.iter().all(|c| c.values.len() == d && c.values.iter().all(value)) {
            return Err(format!("its parts do not fit together: each centroid needs {d} finite values"));
        }
        let mut numbers: Vec<u32> = self.segments().map(|s| s.number).collect();
        numbers.sort_unstable();
        if !numbers.into_iter().eq(0..k as u32) {
            return Err(format!("its parts do not fit together: segments are numbered 0 to {}", k - 1));
        }
        let weights: Vec<f64> = self.segments().filter_map(|s| s.weight).collect();
        let numbers = weights.iter().all(|w| w.is_finite() && *w >= 0.0);
        if !numbers
            || ![0, k].contains(&weights.len())
            || weights.len() == k && weights.iter().sum::<f64>() <= 0.0
        {
            return Err("its segments' weights are not all positive numbers".into());
        }
        Ok(())
    }
}

/// Spreads results for some of a table's rows over all of its rows.
///
/// If some rows were left out, `kept` holds the row number of each entry of `rows` and the table's number of rows; the
/// rows left out get `None`. Without `kept`, `rows` is returned unchanged.
pub fn of_table<T: Copy>(rows: Vec<Option<T>>, kept: Option<(&[u32], usize)>) -> Vec<Option<T>> {
    let Some((kept, count)) = kept else { return rows };
    let mut all = vec![None; count];
    kept.iter().zip(rows).for_each(|(&row, found)| all[row as usize] = found);
    all
}

/// Rows with their segments.
pub(super) struct Labelled {
    pub(super) rows: Vec<Option<Assignment>>,
    /// For each split by a column how many rows have a value that the fit did not see.
    pub(super) unseen: Vec<usize>,
}

/// How many rows get their margins at once.
const PART: usize = 1 << 18;

/// The segment of each row, the row's distance to the segment's prototype, and the margin to the nearest other one, which is
/// negative where that is nearer. `numbers[label]` is the segment number of a label.
///
/// # Errors
/// The device failed.
pub fn assignments(
    dataset: &Dataset<'_>,
    prototypes: &Prototypes,
    labels: &Labels,
    numbers: &[u32],
) -> Result<Vec<Option<Assignment>>> {
    if let Prototypes::Mixture(centroids, mixture) = prototypes {
        return mixture_assignments(dataset, centroids, mixture, numbers);
    }
    let centroids = prototypes.centroids();
    // Rows without a label are measured too, and then forgotten.
    let complete: Cow<'_, [u32]> = match labels.complete() {
        Some(labels) => Cow::Borrowed(labels),
        None => Cow::Owned(labels.iter().map(|label| label.unwrap_or(0)).collect()),
    };
    let assignment = |(&label, own): (&u32, Margin)| Assignment {
        segment: numbers[label as usize],
        probability: 1.0,
        distance: own.distance,
        margin: own.margin,
    };
    let mut rows = Vec::with_capacity(labels.len());
    margins_of(dataset, centroids, &complete, |first, own, margins| {
        let row = |(i, row)| labels.get(first + i).map(|_| assignment(row));
        rows.extend(own.iter().zip(margins).enumerate().map(row));
    })?;
    Ok(rows)
}

/// The segment of each row by a mixture, and the row's distances to the means of the segments' rows.
fn mixture_assignments(
    dataset: &Dataset<'_>,
    centroids: &Centroids,
    mixture: &Mixture,
    numbers: &[u32],
) -> Result<Vec<Option<Assignment>>> {
    let found = mixture.memberships(dataset)?;
    let labels: Vec<u32> = found.iter().map(|row| row.component).collect();
    let mut rows = Vec::with_capacity(labels.len());
    margins_of(dataset, centroids, &labels, |first, own, margins| {
        let assignment = |(i, (&label, own)): (usize, (&u32, Margin))| Assignment {
            segment: numbers[label as usize],
            probability: found[first + i].probability,
            distance: own.distance,
            margin: own.margin,
        };
        rows.extend(own.iter().zip(margins).enumerate().map(|row| Some(assignment(row))));
    })?;
    Ok(rows)
}

/// Passes the rows' margins to `take`, part by part, so that those of all rows never lie beside their assignments: the first
/// row of the part, its labels and its margins.
///
/// # Errors
/// The device failed.
pub(super) fn margins_of(
    dataset: &Dataset<'_>,
    centroids: &Centroids,
    labels: &[u32],
    mut take: impl FnMut(usize, &[u32], Vec<Margin>),
) -> Result<()> {
    for (part, labels) in labels.chunks(PART).enumerate() {
        take(part * PART, labels, dataset.margins(centroids, part * PART, labels)?);
    }
    Ok(())
}

/// A point of a matrix in the user's units.
pub(super) fn in_user_units(values: &[f32], matrix: &Matrix) -> Vec<f64> {
    values.iter().map(|&v| matrix.to_user(f64::from(v))).collect()
}
