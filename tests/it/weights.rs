//! Weights of every size on every backend: on a device they go in digits, on the CPU in wider sums.

use crate::{cases, devices, oracle};
use segmenta::Dataset;
use segmenta::Matrix;
use segmenta::cluster::{Fit, Params, Start, fit_many};
use segmenta::progress::Progress;
use segmenta::random::{Draws, Purpose};

/// Whole weights of up to 53 bits, 0 among them; weights that are not whole, 10^12 apart.
fn weightings(matrix: &Matrix) -> [Matrix; 2] {
    let mut draws = Draws::new(8, Purpose::SynthTable).at(1);
    let rows = matrix.rows();
    let mut whole: Vec<f64> =
        (0..rows).map(|i| if i % 7 == 3 { 0.0 } else { draws.below(1 << (1 + i % 53)) as f64 }).collect();
    whole[0] = (1u64 << 53) as f64;
    let apart: Vec<f64> = (0..rows).map(|i| libm::exp((i * 31 % 28) as f64 + draws.uniform())).collect();
    [whole, apart].map(|weights| matrix.clone().weighted(weights).unwrap())
}

#[test]
fn sums_of_heavy_weights_are_exact() {
    for case in cases::all() {
        for matrix in weightings(&case.matrix) {
            let sets = &case.sets[3..5];
            let expected: Vec<_> = sets.iter().map(|set| oracle::lloyd(&matrix, set)).collect();
            for setup in devices::all() {
                let got =
                    setup.run(|backend| Dataset::load(backend, &matrix).unwrap().lloyd(sets, true).unwrap());
                for (expected, got) in expected.iter().zip(&got) {
                    if let Err(why) = oracle::same_assigned(expected, got) {
                        panic!("{} on {}: {why}", case.name, setup.name);
                    }
                }
            }
        }
    }
}

#[test]
fn fits_with_heavy_weights_are_bit_identical() {
    for case in cases::all().into_iter().filter(|c| c.matrix.rows() > 200) {
        for matrix in weightings(&case.matrix) {
            let ks: Vec<usize> = [1, 4].into_iter().filter(|&k| matrix.distinct_rows(k).is_ok()).collect();
            let params = Params { n_init: 2, seed: 3, ..Params::default() };
            let fits = |backend: &dyn segmenta::backend::Backend| -> Vec<Fit> {
                let rows = Dataset::load(backend, &matrix).unwrap();
                let start = Start::KMeansPlusPlus;
                let fits = fit_many(&rows, &ks, &params, &start, Progress::none()).unwrap();
                fits.into_iter().map(|fit| Fit { f64_fallbacks: Vec::new(), ..fit }).collect()
            };
            let mut setups = devices::all().iter();
            let expected = setups.next().unwrap().run(fits);
            for setup in setups {
                assert!(expected == setup.run(fits), "{} on {}", case.name, setup.name);
            }
        }
    }
}
