//! A square root of a correlation matrix, so that independent normal numbers become correlated ones.

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

/// The most sweeps of Jacobi's method. It converges quadratically, so that 6 to 10 are enough.
const SWEEPS: usize = 20;

/// Eigenvectors times the square roots of the eigenvalues, of which negative ones count as 0.
fn clipped_root(r: &[f64], d: usize) -> Vec<f64> {
    let (mut a, mut vectors) = (r.to_vec(), vec![0.0; d * d]);
    (0..d).for_each(|i| vectors[i * d + i] = 1.0);
    for _ in 0..SWEEPS {
        let off: f64 =
            (0..d).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i * d + j] * a[i * d + j]).sum();
        if off < 1e-16 * d as f64 {
            break;
        }
        for p in 0..d {
            for q in p + 1..d {
                rotate(&mut a, &mut vectors, d, p, q);
            }
        }
    }
    // `vectors` has one eigenvector in each row.
    let mut out = vec![0.0; d * d];
    for i in 0..d {
        let row = &mut out[i * d..(i + 1) * d];
        for (k, value) in row.iter_mut().enumerate() {
            *value = vectors[k * d + i] * a[k * d + k].max(0.0).sqrt();
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

/// Jacobi's rotation that makes `a[p][q]` zero.
fn rotate(a: &mut [f64], vectors: &mut [f64], d: usize, p: usize, q: usize) {
    let apq = a[p * d + q];
    if apq.abs() < 1e-15 {
        return;
    }
    let theta = (a[q * d + q] - a[p * d + p]) / (2.0 * apq);
    let t = if theta >= 0.0 { 1.0 } else { -1.0 } / (theta.abs() + (theta * theta + 1.0).sqrt());
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    // The matrix is symmetric, so the rows p and q are computed and then copied into the columns.
    let (app, aqq) = (a[p * d + p], a[q * d + q]);
    for k in 0..d {
        let (akp, akq) = (a[p * d + k], a[q * d + k]);
        a[p * d + k] = c * akp - s * akq;
        a[q * d + k] = s * akp + c * akq;
    }
    for k in 0..d {
        a[k * d + p] = a[p * d + k];
        a[k * d + q] = a[q * d + k];
    }
    a[p * d + p] = app - t * apq;
    a[q * d + q] = aqq + t * apq;
    a[p * d + q] = 0.0;
    a[q * d + p] = 0.0;
    for k in 0..d {
        let (vp, vq) = (vectors[p * d + k], vectors[q * d + k]);
        vectors[p * d + k] = c * vp - s * vq;
        vectors[q * d + k] = s * vp + c * vq;
    }
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
