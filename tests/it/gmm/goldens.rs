//! Mixtures as scikit-learn fits them from the same labels.

use super::{close, from_labels};
use segmenta::backend::cpu::Cpu;
use segmenta::cluster::gmm::{Covariance, Params};
use segmenta::{Dataset, Matrix};
use serde::Deserialize;

/// tests/peers/gmm.py makes it.
#[derive(Deserialize)]
struct Goldens {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    k: usize,
    options: Options,
    start: String,
    rows: Vec<Vec<f32>>,
    fits: Vec<Expected>,
}

#[derive(Deserialize)]
struct Options {
    tol: Option<f64>,
    max_iter: Option<usize>,
    reg_covar: Option<f64>,
}

#[derive(Deserialize)]
struct Expected {
    covariance: Covariance,
    lower_bound: f64,
    n_iter: usize,
    converged: bool,
    score: f64,
    bic: f64,
    aic: f64,
    weights: Vec<f64>,
    means: Vec<f64>,
    covariances: Vec<f64>,
    labels: String,
    responsibilities: Vec<f64>,
}

fn labels(text: &str) -> Vec<u32> {
    text.chars().map(|c| c.to_digit(36).unwrap()).collect()
}

#[test]
fn mixtures_as_in_scikit_learn() {
    let goldens: Goldens = serde_json::from_str(include_str!("../../peers/gmm.json")).unwrap();
    for case in goldens.cases {
        let (rows, d) = (case.rows.len(), case.rows[0].len());
        let table = ndarray::Array2::from_shape_fn((rows, d), |(i, j)| case.rows[i][j]);
        let matrix = Matrix::from_array(table.view()).unwrap();
        let start = labels(&case.start);
        for expected in &case.fits {
            let default = Params::default();
            let params = Params {
                covariance: expected.covariance,
                tol: case.options.tol.unwrap_or(default.tol),
                max_iter: case.options.max_iter.unwrap_or(default.max_iter),
                reg_covar: case.options.reg_covar.unwrap_or(default.reg_covar),
                ..default
            };
            let what = format!("{}, {:?}", case.name, expected.covariance);
            let found = from_labels(&matrix, case.k, &start, &params).unwrap();
            close(
                &what,
                &[found.lower_bound, found.found.mean_log_likelihood],
                &[expected.lower_bound, expected.score],
                1e-7,
            );
            close(&what, &[found.found.bic, found.found.aic], &[expected.bic, expected.aic], 1e-7);
            assert_eq!(
                (found.n_iter, found.found.converged),
                (expected.n_iter, expected.converged),
                "{what}"
            );
            close(&format!("{what}: weights"), &found.mixture.weights, &expected.weights, 1e-5);
            close(&format!("{what}: means"), &found.mixture.means, &expected.means, 1e-5);
            close(&format!("{what}: covariances"), &found.mixture.covariances, &expected.covariances, 1e-5);
            assert_eq!(found.labels, labels(&expected.labels), "{what}");
            let cpu = Cpu::default();
            let shares = found.mixture.responsibilities(&Dataset::load(&cpu, &matrix).unwrap()).unwrap();
            let first: Vec<f64> = shares[..4 * case.k].iter().map(|&share| f64::from(share)).collect();
            close(&format!("{what}: responsibilities"), &first, &expected.responsibilities, 1e-5);
        }
    }
}
