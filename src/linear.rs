//! Linear algebra of small symmetric matrices, in the same bits on every machine.

/// The most sweeps of Jacobi's method. It converges quadratically, so 6 to 10 are enough.
const SWEEPS: usize = 30;

/// Eigenvalues and eigenvectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Eigen {
    /// In descending order.
    pub values: Vec<f64>,
    /// One eigenvector of length 1 after the other, in the order of the values.
    pub vectors: Vec<f64>,
}

/// The eigenvalues and eigenvectors of a symmetric `d * d` matrix by cyclic Jacobi rotations (Golub and Van Loan, section
/// 8.5), which find small eigenvalues too. It takes about `10 d^3` multiply-adds for each of about 8 sweeps.
pub fn symmetric_eigen(mut a: Vec<f64>, d: usize) -> Eigen {
    let mut vectors = vec![0.0; d * d];
    (0..d).for_each(|i| vectors[i * d + i] = 1.0);
    let size: f64 = a.iter().map(|v| v * v).sum();
    for _ in 0..SWEEPS {
        let off: f64 =
            (0..d).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i * d + j].powi(2)).sum();
        if off <= 1e-30 * size {
            break;
        }
        for p in 0..d {
            for q in p + 1..d {
                rotate(&mut a, &mut vectors, d, p, q);
            }
        }
    }
    let mut order: Vec<usize> = (0..d).collect();
    order.sort_by(|&i, &j| a[j * d + j].total_cmp(&a[i * d + i]).then(i.cmp(&j)));
    Eigen {
        values: order.iter().map(|&i| a[i * d + i]).collect(),
        vectors: order.iter().flat_map(|&i| vectors[i * d..(i + 1) * d].iter().copied()).collect(),
    }
}

/// Rotates the axes `p` and `q` so that `a[p][q]` becomes 0.
fn rotate(a: &mut [f64], vectors: &mut [f64], d: usize, p: usize, q: usize) {
    let off = a[p * d + q];
    if off == 0.0 {
        return;
    }
    let theta = (a[q * d + q] - a[p * d + p]) / (2.0 * off);
    let tangent = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let sine = tangent * cosine;
    for i in 0..d {
        let (x, y) = (a[i * d + p], a[i * d + q]);
        (a[i * d + p], a[i * d + q]) = (cosine * x - sine * y, sine * x + cosine * y);
    }
    for (matrix, width) in [(a, d), (vectors, d)] {
        let (before, after) = matrix.split_at_mut(q * width);
        for (x, y) in before[p * width..(p + 1) * width].iter_mut().zip(&mut after[..width]) {
            (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Draws, Purpose};

    #[test]
    fn the_vectors_rebuild_the_matrix() {
        for d in [1, 2, 5, 40] {
            let mut draws = Draws::new(d as u64, Purpose::SynthTable).at(0);
            let mut a = vec![0.0; d * d];
            for i in 0..d {
                for j in 0..=i {
                    let value = draws.normal() * if i % 3 == 0 { 1e-6 } else { 1.0 };
                    (a[i * d + j], a[j * d + i]) = (value, value);
                }
            }
            let Eigen { values, vectors } = symmetric_eigen(a.clone(), d);
            assert!(values.is_sorted_by(|x, y| x >= y));
            for i in 0..d {
                for j in 0..d {
                    let rebuilt: f64 =
                        (0..d).map(|e| values[e] * vectors[e * d + i] * vectors[e * d + j]).sum();
                    assert!((rebuilt - a[i * d + j]).abs() < 1e-12 * d as f64, "d = {d}, {i}, {j}");
                    let product: f64 = (0..d).map(|e| vectors[i * d + e] * vectors[j * d + e]).sum();
                    assert!((product - f64::from(i == j)).abs() < 1e-13 * d as f64);
                }
            }
        }
    }

    #[test]
    fn a_matrix_of_zeros_has_the_axes() {
        let Eigen { values, vectors } = symmetric_eigen(vec![0.0; 9], 3);
        assert_eq!(values, [0.0; 3]);
        assert_eq!(vectors, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    }
}
