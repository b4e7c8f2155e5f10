//! How a model labels a new row.

use crate::backend::Margin;
use crate::canonical::Centroids;
use crate::cluster::{Labels, Partition, Prototypes};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use serde::{Deserialize, Serialize};

/// How new rows get their segments: the kind, which is the key in `model.json`, and what this kind needs to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assigner {
    /// A row belongs to the segment of the nearest centroid. They are in the order of the fit, which decides ties: the
    /// first of equally near centroids wins.
    Centroids(Vec<Centroid>),
}

/// A segment of the fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Its number: 0 is the largest segment.
    #[serde(rename = "segment")]
    pub number: u32,
    /// Its name, where a person gave it one; a refit that starts from this model keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many rows of the fit it has.
    pub size: u64,
    /// The weight of these rows, where rows have weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
}

/// A centroid and its segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Centroid {
    /// The segment.
    #[serde(flatten)]
    pub segment: Segment,
    /// A value for each feature, in the scaled feature space.
    pub values: Vec<f64>,
}

/// A labelled row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assignment {
    /// The segment's number.
    pub segment: u32,
    /// Euclidean distance to the segment's centroid, in the scaled feature space.
    pub distance: f64,
    /// How much farther away the runner-up is; infinite where there is only one segment.
    pub margin: f64,
}

impl Assigner {
    /// What labels new rows as a partition labels its own. `matrix` is the one that was partitioned; it may hold the
    /// distinct rows alone.
    pub(super) fn new(partition: &Partition, matrix: &Matrix) -> Self {
        let weights = matrix.sample_weights().filter(|w| !w.is_count());
        let segments = partition.segments().into_iter().zip(&partition.sizes).zip(&partition.weights).map(
            |((number, &size), &weight)| Segment {
                number,
                name: None,
                size,
                weight: weights.map(|w| w.as_given(weight)),
            },
        );
        let Prototypes::Centroids(centroids) = &partition.prototypes;
        let in_user_units =
            |values: &[f32]| values.iter().map(|&v| matrix.to_user(f64::from(v))).collect::<Vec<f64>>();
        let centroids = segments
            .zip(centroids.iter())
            .map(|(segment, values)| Centroid { segment, values: in_user_units(values) });
        Assigner::Centroids(centroids.collect())
    }

    /// A point for each segment, in the order of the fit.
    pub fn centroids(&self) -> &[Centroid] {
        match self {
            Assigner::Centroids(centroids) => centroids,
        }
    }

    /// The segments, in the order of the fit.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = &Segment> {
        let Assigner::Centroids(centroids) = self;
        centroids.iter().map(|c| &c.segment)
    }

    /// The segments, in the order of the fit, to be numbered and named.
    pub fn segments_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Segment> {
        let Assigner::Centroids(centroids) = self;
        centroids.iter_mut().map(|c| &mut c.segment)
    }

    /// The largest magnitude among the values that rows are compared with, in the scaled feature space.
    pub(super) fn max_abs(&self) -> f32 {
        let Assigner::Centroids(centroids) = self;
        centroids.iter().flat_map(|c| &c.values).fold(0f64, |max, v| max.max(v.abs())) as f32
    }

    /// Labels the rows of a dataset.
    ///
    /// # Errors
    /// A device that failed.
    pub(super) fn label(&self, dataset: &Dataset<'_>) -> Result<Vec<Option<Assignment>>> {
        let Assigner::Centroids(centroids) = self;
        let matrix = dataset.matrix();
        let values = centroids.iter().flat_map(|c| &c.values).map(|&v| matrix.to_stored(v)).collect();
        let own = Centroids { values, features: matrix.features() };
        let labels = dataset
            .lloyd(std::slice::from_ref(&own), true)?
            .pop()
            .and_then(|pass| pass.labels)
            .ok_or_else(|| Error::Device("the device returned no labels".into()))?;
        let numbers: Vec<u32> = self.segments().map(|s| s.number).collect();
        assignments(dataset, &Prototypes::Centroids(own), &Labels::new(labels), &numbers)
    }

    /// What is wrong with it, for tables of `d` features.
    pub(super) fn check(&self, d: usize) -> std::result::Result<(), String> {
        let Assigner::Centroids(centroids) = self;
        let value = |v: &f64| v.abs() <= f64::from(f32::MAX);
        let k = centroids.len();
        if k == 0 || !centroids.iter().all(|c| c.values.len() == d && c.values.iter().all(value)) {
            return Err(format!("its parts do not fit together: each centroid wants {d} finite values"));
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

/// What the rows of a table got, from what the rows of a fit got: `kept` are the numbers of these rows, and how many rows
/// the table has, where it has more.
pub fn of_table<T: Copy>(rows: Vec<Option<T>>, kept: Option<(&[u32], usize)>) -> Vec<Option<T>> {
    let Some((kept, count)) = kept else { return rows };
    let mut all = vec![None; count];
    kept.iter().zip(rows).for_each(|(&row, found)| all[row as usize] = found);
    all
}

/// Each row's segment, how far the row is from what stands for the segment, and how much farther the runner-up is.
/// `numbers` are the segments' numbers in the order of the labels; a row without a label gets nothing.
///
/// # Errors
/// A device that failed.
pub fn assignments(
    dataset: &Dataset<'_>,
    prototypes: &Prototypes,
    labels: &Labels,
    numbers: &[u32],
) -> Result<Vec<Option<Assignment>>> {
    let Prototypes::Centroids(centroids) = prototypes;
    let Some(labels) = labels.complete() else {
        return Err(Error::data("every row has a nearest centroid, and some of these have no label"));
    };
    let margins = dataset.margins(centroids, labels)?;
    let assignment = |(&label, own): (&u32, Margin)| Assignment {
        segment: numbers[label as usize],
        distance: own.distance,
        margin: own.margin,
    };
    Ok(labels.iter().zip(margins).map(|row| Some(assignment(row))).collect())
}
