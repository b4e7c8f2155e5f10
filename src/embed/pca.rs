//! Principal components analysis (PCA): the directions along which the rows of a table vary most.
//!
//! The covariance matrix is computed from whole numbers of grid steps, whose products are added exactly, so it is the same
//! for any number of threads and any order of the rows. Its eigenvectors come from Jacobi's method, which has a fixed order
//! too.

mod products;

use crate::error::{Error, Result};
use crate::linear::{Eigen, symmetric_eigen};
use crate::matrix::{BLOCK, Matrix};
use products::Moments;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Two loadings whose sizes differ by less than this share count as equally large where the sign of a component is fixed,
/// so that rounding does not decide which one comes first.
const SAME_SIZE: f64 = 1e-9;

/// A sum of shares that falls short by less than this reaches a limit, because the shares of all components need not add up
/// to exactly 1.
const ROUNDING: f64 = 1e-12;

/// How many components are kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum NComponents {
    /// So many.
    Count(usize),
    /// As many as it takes to explain this share of the variance, above 0 and up to 1.
    Share(f64),
}

/// A principal components analysis of a matrix of d features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pca {
    /// The mean of each feature, in the units of the features.
    pub mean: Vec<f64>,
    /// The variance of each feature, with `ddof` 1.
    pub variances: Vec<f64>,
    /// The variance along each of the d principal components, in descending order, with `ddof` 1. There are as many as
    /// features, also where fewer components are kept.
    pub explained_variance: Vec<f64>,
    /// The components that are kept: of each its loadings, one for each feature. They are orthogonal, and the squares of
    /// one component's loadings add up to 1. The loading of the largest size is positive, and the first of equally large
    /// ones, as in scikit-learn.
    pub components: Vec<Vec<f64>>,
}

impl Pca {
    /// The principal components of the rows of a matrix. A row of weight w counts as w copies of itself.
    ///
    /// Where columns are copies or sums of others, or there are fewer rows than features, the last components have a
    /// variance of 0; their directions are arbitrary, but always the same.
    ///
    /// # Errors
    /// [`Error::Data`] for fewer than two rows, for features that are all constant, and for more components than features;
    /// [`Error::Usage`] for no component, or a share that is not above 0 and up to 1.
    pub fn fit(matrix: &Matrix, keep: NComponents) -> Result<Pca> {
        let d = matrix.features();
        check(keep, d)?;
        let Moments { mean, covariance } = Moments::of(matrix)?;
        let variances: Vec<f64> = (0..d).map(|j| covariance[j * d + j]).collect();
        if variances.iter().all(|v| *v == 0.0) {
            return Err(Error::data("every feature is the same in all rows, so there is nothing to reduce"));
        }
        let Eigen { values, vectors } = symmetric_eigen(covariance, d);
        let explained_variance = values.into_iter().map(|value| value.max(0.0)).collect();
        let components = vectors.chunks_exact(d).map(|vector| with_fixed_sign(vector.to_vec())).collect();
        let mut pca = Pca { mean, variances, explained_variance, components };
        let kept = match keep {
            NComponents::Count(n) => n,
            NComponents::Share(share) => pca.components_for(share),
        };
        pca.components.truncate(kept);
        Ok(pca)
    }

    /// The number of features.
    pub fn features(&self) -> usize {
        self.mean.len()
    }

    /// The share of the variance along each of the d principal components, in descending order. They add up to 1.
    pub fn explained_variance_ratio(&self) -> Vec<f64> {
        shares(&self.explained_variance)
    }

    /// How many of the principal components explain this share of the variance.
    pub fn components_for(&self, share: f64) -> usize {
        needed(&self.explained_variance_ratio(), share)
    }

    /// How many would explain this share if no two features were correlated: then each feature would be a component of its
    /// own.
    pub fn components_for_if_uncorrelated(&self, share: f64) -> usize {
        let mut shares = shares(&self.variances);
        shares.sort_by(|a, b| b.total_cmp(a));
        needed(&shares, share)
    }

    /// The coordinates of rows along the kept components, one vector for each component. `columns` holds the features, each
    /// with one value a row, in the same units as those of the fit. The result of a row depends on no other row.
    pub fn project(&self, columns: &[Vec<f32>]) -> Vec<Vec<f64>> {
        let rows = columns.first().map_or(0, Vec::len);
        let project = |component: &Vec<f64>| {
            let mut out = vec![0.0; rows];
            out.par_chunks_mut(BLOCK).enumerate().for_each(|(b, out)| {
                for ((column, mean), loading) in columns.iter().zip(&self.mean).zip(component) {
                    let values = column.get(b * BLOCK..).unwrap_or(&[]);
                    for (sum, &v) in out.iter_mut().zip(values) {
                        *sum += (f64::from(v) - mean) * loading;
                    }
                }
            });
            out
        };
        self.components.iter().map(project).collect()
    }

    /// Whether its numbers make sense for this number of features. They come from a model file, which someone may have
    /// edited by hand.
    pub(crate) fn is_sound(&self, features: usize) -> bool {
        let finite = |values: &[f64]| values.len() == features && values.iter().all(|v| v.is_finite());
        let positive = |values: &[f64]| finite(values) && values.iter().all(|v| *v >= 0.0);
        finite(&self.mean)
            && positive(&self.variances)
            && positive(&self.explained_variance)
            && self.explained_variance.iter().sum::<f64>() > 0.0
            && (1..=features).contains(&self.components.len())
            && self.components.iter().all(|component| finite(component))
    }
}

/// Checks a number of components against the number of features.
fn check(keep: NComponents, features: usize) -> Result<()> {
    match keep {
        NComponents::Count(0) => Err(Error::Usage("expected at least one component".into())),
        NComponents::Count(n) if n > features => {
            let of = if features == 1 { "1 feature has".into() } else { format!("{features} features have") };
            Err(Error::data(format!("{n} components are asked for, and {of} no more than {features}")))
        }
        NComponents::Share(share) if !(share > 0.0 && share <= 1.0) => {
            Err(Error::Usage(format!("expected a share of the variance above 0, up to 1, found {share}")))
        }
        _ => Ok(()),
    }
}

/// What each value has of their sum.
fn shares(values: &[f64]) -> Vec<f64> {
    let total: f64 = values.iter().sum();
    values.iter().map(|value| value / total).collect()
}

/// How many of these shares, in descending order, it takes to reach one; all if they do not.
fn needed(shares: &[f64], share: f64) -> usize {
    let mut sum = 0.0;
    let reached = shares.iter().position(|own| {
        sum += own;
        sum >= share - ROUNDING
    });
    reached.map_or(shares.len(), |last| last + 1)
}

/// The vector, or its opposite, so that the largest value is positive.
fn with_fixed_sign(mut vector: Vec<f64>) -> Vec<f64> {
    let largest = vector.iter().fold(0f64, |m, v| m.max(v.abs()));
    let first = vector.iter().find(|v| v.abs() >= largest * (1.0 - SAME_SIZE));
    if first.is_some_and(|v| *v < 0.0) {
        vector.iter_mut().for_each(|v| *v = -*v);
    }
    // Adding zero turns -0.0 into 0.0.
    vector.iter_mut().for_each(|v| *v += 0.0);
    vector
}
