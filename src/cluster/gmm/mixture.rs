//! A mixture of normal distributions: its parameters, its densities, and the step that learns new parameters.

use super::Covariance;
use crate::backend::mixture::{self, Gaussians, Membership, Moments, Sums};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Components without rows keep this much weight times `f64::EPSILON`, as in scikit-learn, so that nothing is divided by 0.
const LEAST_WEIGHT: f64 = 10.0 * f64::EPSILON;

/// A variance below this is none: no density may overflow.
const LEAST_VARIANCE: f64 = 1e-150;

/// A mixture of normal distributions in the scaled feature space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mixture {
    /// What shape the components have.
    pub covariance: Covariance,
    /// How many features.
    pub features: usize,
    /// For each component its share; they add up to 1.
    pub weights: Vec<f64>,
    /// For each component its mean, one value a feature.
    pub means: Vec<f64>,
    /// A `d * d` covariance matrix for each component, row by row (full); one for all (tied); for each component a variance for
    /// each feature (diag); or for each component one variance (spherical).
    pub covariances: Vec<f64>,
}

/// A covariance that is not positive definite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Singular {
    /// The first component of which that is true.
    pub(super) component: usize,
    /// The first feature that has no variance of its own there.
    pub(super) feature: usize,
}

/// The scatter of all rows about their mean, which a tied covariance is computed from.
#[derive(Debug, Clone)]
pub(super) struct Scatter {
    /// The mean of all rows.
    pub(super) mean: Vec<f64>,
    /// The sums of products of the deviations from it: a `d * d` matrix of which the lower triangle counts.
    pub(super) products: Vec<f64>,
}

impl Mixture {
    /// How many components.
    pub fn k(&self) -> usize {
        self.weights.len()
    }

    /// The mean of component `c`.
    pub fn mean(&self, c: usize) -> &[f64] {
        &self.means[c * self.features..(c + 1) * self.features]
    }

    /// For each row of a dataset, whatever its weight, the component that it most likely comes from.
    ///
    /// # Errors
    /// A covariance that is not positive definite.
    pub fn memberships(&self, dataset: &Dataset<'_>) -> Result<Vec<Membership>> {
        let densities = self.densities(dataset)?;
        Ok(mixture::memberships(dataset.backend().instruction_set(), dataset.matrix(), &densities))
    }

    /// For each row of a dataset the responsibilities of all components, which add up to 1: n x k values, row by row.
    ///
    /// # Errors
    /// A covariance that is not positive definite.
    pub fn responsibilities(&self, dataset: &Dataset<'_>) -> Result<Vec<f32>> {
        let densities = self.densities(dataset)?;
        Ok(mixture::responsibilities(dataset.backend().instruction_set(), dataset.matrix(), &densities))
    }

    fn densities(&self, dataset: &Dataset<'_>) -> Result<Gaussians> {
        if self.features != dataset.matrix().features() {
            return Err(Error::data(format!(
                "a mixture in {} features cannot label these rows",
                self.features
            )));
        }
        self.gaussians(Moments::None).map_err(|Singular { component, .. }| {
            Error::data(format!("the covariance of component {} is not positive definite", component + 1))
        })
    }

    /// The densities, or the component and the feature that have no variance.
    pub(super) fn gaussians(&self, moments: Moments) -> std::result::Result<Gaussians, Singular> {
        let (k, d) = (self.k(), self.features);
        // The covariances' part of the logarithm of the density.
        let mut constants: Vec<f64> = Vec::with_capacity(k);
        let log_weights: Vec<f64> = self.weights.iter().map(|&w| libm::log(w)).collect();
        let half_log_2_pi = 0.5 * libm::log(2.0 * std::f64::consts::PI);
        let constant = |c: usize, log_det: f64| log_weights[c] + log_det - d as f64 * half_log_2_pi;
        let singular = |component| move |feature| Singular { component, feature };
        match self.covariance {
            Covariance::Full | Covariance::Tied => {
                let shared = self.covariance == Covariance::Tied;
                let mut factors = Vec::with_capacity(self.covariances.len());
                let mut log_dets = Vec::with_capacity(k);
                for (c, covariance) in self.covariances.chunks_exact(d * d).enumerate() {
                    let (factor, log_det) = precision_factor(covariance, d).map_err(singular(c))?;
                    factors.extend(factor);
                    log_dets.push(log_det);
                }
                constants.extend((0..k).map(|c| constant(c, log_dets[if shared { 0 } else { c }])));
                Ok(Gaussians::triangular((d, self.means.clone(), constants), &factors, shared, moments))
            }
            Covariance::Diag | Covariance::Spherical => {
                let mut factors = Vec::with_capacity(k * d);
                for c in 0..k {
                    let mut log_det = 0.0;
                    for j in 0..d {
                        let place = if self.covariance == Covariance::Diag { c * d + j } else { c };
                        let variance = self.covariances[place];
                        if variance.is_nan() || variance <= LEAST_VARIANCE {
                            return Err(Singular { component: c, feature: j });
                        }
                        let factor = 1.0 / variance.sqrt();
                        log_det += libm::log(factor);
                        factors.push(factor);
                    }
                    constants.push(constant(c, log_det));
                }
                Ok(Gaussians::diagonal((d, self.means.clone(), constants), factors, moments))
            }
        }
    }

    /// The mixture of highest likelihood for given responsibilities. `sums` are those of deviations from `means`.
    pub(super) fn learned(
        (covariance, reg_covar): (Covariance, f64),
        means: &[f64],
        sums: &Sums,
        scatter: Option<&Scatter>,
    ) -> Mixture {
        let k = sums.weights.len();
        let d = means.len() / k;
        let weights: Vec<f64> = sums.weights.iter().map(|w| w + LEAST_WEIGHT).collect();
        let total: f64 = weights.iter().sum();
        let shift = |c: usize, j: usize| sums.first[c * d + j] / weights[c];
        let means: Vec<f64> = means.iter().enumerate().map(|(i, mean)| mean + shift(i / d, i % d)).collect();
        let covariances = match (covariance, scatter) {
            (Covariance::Full, _) => {
                let mut out = vec![0.0; k * d * d];
                for c in 0..k {
                    for i in 0..d {
                        for j in 0..=i {
                            // The responsibilities' deviations from the new mean.
                            let products = sums.second[(c * d + i) * d + j];
                            let value = (products - shift(c, i) * sums.first[c * d + j]) / weights[c];
                            let value = if i == j { value.max(0.0) + reg_covar } else { value };
                            out[(c * d + i) * d + j] = value;
                            out[(c * d + j) * d + i] = value;
                        }
                    }
                }
                out
            }
            (Covariance::Tied, scatter) => {
                let mut out = vec![0.0; d * d];
                let Some(Scatter { mean, products }) = scatter else { return Mixture::none(covariance, d) };
                for i in 0..d {
                    for j in 0..=i {
                        let mut value = products[i * d + j];
                        for c in 0..k {
                            let away = |j: usize| means[c * d + j] - mean[j];
                            value -= weights[c] * away(i) * away(j);
                        }
                        let value = value / total;
                        let value = if i == j { value.max(0.0) + reg_covar } else { value };
                        (out[i * d + j], out[j * d + i]) = (value, value);
                    }
                }
                out
            }
            (Covariance::Diag | Covariance::Spherical, _) => {
                let variance = |i: usize| {
                    let (c, j) = (i / d, i % d);
                    ((sums.second[i] - shift(c, j) * sums.first[i]) / weights[c]).max(0.0) + reg_covar
                };
                let variances: Vec<f64> = (0..k * d).map(variance).collect();
                match covariance {
                    Covariance::Diag => variances,
                    _ => variances.chunks_exact(d).map(|v| v.iter().sum::<f64>() / d as f64).collect(),
                }
            }
        };
        let weights = weights.into_iter().map(|w| w / total).collect();
        Mixture { covariance, features: d, weights, means, covariances }
    }

    fn none(covariance: Covariance, features: usize) -> Mixture {
        Mixture { covariance, features, weights: vec![], means: vec![], covariances: vec![] }
    }

    /// Checks a mixture that was read from a file. The error says what is wrong.
    pub(crate) fn check(&self) -> std::result::Result<(), String> {
        let (k, d) = (self.k(), self.features);
        let fits = k > 0
            && d > 0
            && Some(self.means.len()) == k.checked_mul(d)
            && self.covariance.checked_values(k, d) == Some(self.covariances.len());
        if !fits {
            return Err("its mixture's parts do not fit together".into());
        }
        let largest = f64::from(f32::MAX);
        let weights = self.weights.iter().all(|w| *w > 0.0 && *w <= 1.0);
        if !weights || (self.weights.iter().sum::<f64>() - 1.0).abs() > 1e-6 {
            return Err("its mixture's weights are not positive numbers that add up to 1".into());
        }
        if !self.means.iter().all(|m| m.abs() <= largest)
            || !self.covariances.iter().all(|v| v.abs() <= 4.0 * largest * largest)
        {
            return Err("its mixture's means and covariances are not all finite".into());
        }
        match self.gaussians(Moments::None) {
            Ok(_) => Ok(()),
            Err(Singular { component, .. }) => Err(format!(
                "the covariance of its mixture's component {} is not positive definite",
                component + 1
            )),
        }
    }
}

impl Covariance {
    fn checked_values(self, k: usize, d: usize) -> Option<usize> {
        k.checked_mul(d)?.checked_mul(d)?;
        Some(self.values(k, d))
    }
}

/// The upper triangular `U` with `U U^T` the inverse of a covariance matrix, and the sum of the logarithms of its diagonal. The
/// error is the first feature that has no variance left when those before it are known.
fn precision_factor(covariance: &[f64], d: usize) -> std::result::Result<(Vec<f64>, f64), usize> {
    // Cholesky's factor L, with L L^T the covariance.
    let mut lower = vec![0.0; d * d];
    for i in 0..d {
        for j in 0..=i {
            let mut sum = covariance[i * d + j];
            for m in 0..j {
                sum -= lower[i * d + m] * lower[j * d + m];
            }
            if i == j {
                // What is left of a variance that depends on the others is the rounding error of the subtractions.
                let error = 2.0 * f64::EPSILON * (i + 1) as f64 * covariance[i * d + i];
                if sum.is_nan() || sum <= LEAST_VARIANCE || i > 0 && sum <= error {
                    return Err(i);
                }
                lower[i * d + i] = sum.sqrt();
            } else {
                lower[i * d + j] = sum / lower[j * d + j];
            }
        }
    }
    // Column by column of L^-1, which is U^T.
    let mut upper = vec![0.0; d * d];
    for c in 0..d {
        upper[c * d + c] = 1.0 / lower[c * d + c];
        for i in c + 1..d {
            let mut sum = 0.0;
            for m in c..i {
                sum -= lower[i * d + m] * upper[c * d + m];
            }
            upper[c * d + i] = sum / lower[i * d + i];
        }
    }
    let log_det = (0..d).map(|j| libm::log(upper[j * d + j])).sum();
    Ok((upper, log_det))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_inverts_the_covariance() {
        let covariance = [4.0, 1.0, -0.5, 1.0, 3.0, 0.25, -0.5, 0.25, 0.5];
        let (upper, log_det) = precision_factor(&covariance, 3).unwrap();
        let entry = |m: &dyn Fn(usize) -> f64| (0..3).map(m).sum::<f64>();
        let inverse = |i: usize, j: usize| entry(&|m| upper[i * 3 + m] * upper[j * 3 + m]);
        for i in 0..3 {
            for j in 0..3 {
                let product = entry(&|m| covariance[i * 3 + m] * inverse(m, j));
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-12, "{i} {j}: {product}");
            }
        }
        // The determinant by Sarrus' rule.
        let [a, b, c, d, e, f, g, h, i] = covariance;
        let det = a * e * i + b * f * g + c * d * h - c * e * g - b * d * i - a * f * h;
        assert!((log_det + 0.5 * libm::log(det)).abs() < 1e-12);
    }

    #[test]
    fn the_feature_without_variance_is_found() {
        assert_eq!(precision_factor(&[0.0], 1), Err(0));
        assert_eq!(precision_factor(&[1.0, 1.0, 1.0, 1.0], 2), Err(1));
        // The third feature is the sum of the first two.
        let covariance = [0.1, 0.0, 0.1, 0.0, 0.3, 0.3, 0.1, 0.3, 0.4];
        assert_eq!(precision_factor(&covariance, 3), Err(2));
        assert_eq!(precision_factor(&[1.0, f64::NAN, f64::NAN, 1.0], 2), Err(1));
    }
}
