//! A square root of a correlation matrix, so that independent normal numbers become correlated ones.

use crate::linear::{Eigen, symmetric_eigen};

/// A `d * d` matrix `A`, row by row, with rows of length 1 and `A A'` equal to the correlation matrix `r`; or, where `r` is
/// no correlation matrix because it has negative eigenvalues, close to it.
pub(super) fn root(r: &[f64], d: usize) -> Vec<f64> {
    cholesky(r, d).unwrap_or_else(|| clipped_root(r, d))
}

/// The Cholesky factor; none if `r` is not safely positive definite.
fn cholesky(r: &[f64], d: usize) -> Option<Vec<f64>> {
    let mut a = vec![0.0; d * d];
    for i in 0..d {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| a[i * d + k] * a[j * d + k]).sum();
            let rest = r[i * d + j] - dot;
            if i == j {
                if rest < 1e-10 {
                    return None;
                }
                a[i * d + i] = rest.sqrt();
            } else {
                a[i * d + j] = rest / a[j * d + j];
            }
        }
    }
    Some(a)
}

/// Eigenvectors times the square roots of the eigenvalues, of which negative ones count as 0.
fn clipped_root(r: &[f64], d: usize) -> Vec<f64> {
    let Eigen { values, vectors } = symmetric_eigen(r.to_vec(), d);
    let mut out = vec![0.0; d * d];
    for i in 0..d {
        let row = &mut out[i * d..(i + 1) * d];
        for (k, value) in row.iter_mut().enumerate() {
            *value = vectors[k * d + i] * values[k].max(0.0).sqrt();
        }
        let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt();
        if norm > 1e-6 {
            row.iter_mut().for_each(|v| *v /= norm);
        } else {
            row.fill(0.0);
            row[i] = 1.0;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(a: &[f64], d: usize) -> Vec<f64> {
        let dot = |i: usize, j: usize| (0..d).map(|k| a[i * d + k] * a[j * d + k]).sum();
        (0..d * d).map(|at| dot(at / d, at % d)).collect()
    }

    #[test]
    fn the_root_gives_the_matrix_back() {
        let r = [1.0, 0.5, 0.2, 0.5, 1.0, -0.3, 0.2, -0.3, 1.0];
        for a in [cholesky(&r, 3).unwrap(), clipped_root(&r, 3)] {
            assert!(product(&a, 3).iter().zip(r).all(|(got, want)| (got - want).abs() < 1e-12), "{a:?}");
        }
        // Two columns that are equal.
        let equal = [1.0, 1.0, 1.0, 1.0];
        assert!(product(&root(&equal, 2), 2).iter().all(|got| (got - 1.0).abs() < 1e-7));
    }

    #[test]
    fn what_is_no_correlation_matrix_becomes_the_closest_of_its_eigenvectors() {
        // Its eigenvalues are 1.9, 1.9 and -0.8.
        let r = [1.0, 0.9, -0.9, 0.9, 1.0, 0.9, -0.9, 0.9, 1.0];
        let got = product(&root(&r, 3), 3);
        assert!((0..3).all(|i| (got[i * 4] - 1.0).abs() < 1e-12));
        assert!((got[1] - 0.5).abs() < 1e-12 && (got[2] + 0.5).abs() < 1e-12, "{got:?}");
    }
}
