//! The contract on numbers: KMeans and Hopkins give the same bits on every backend.

use crate::{cases, devices};
use segmenta::Dataset;
use segmenta::Matrix;
use segmenta::cluster::{Fit, Params, Start, fit_many};
use segmenta::evidence::hopkins::{Hopkins, hopkins};
use segmenta::progress::Progress;

/// A fit without the numbers that depend on the device.
fn bits(fit: &Fit) -> Fit {
    Fit { f64_fallbacks: Vec::new(), ..fit.clone() }
}

fn same_everywhere<T: PartialEq + std::fmt::Debug + Send>(
    what: &str,
    work: impl Fn(&dyn segmenta::backend::Backend) -> T + Sync,
) -> T {
    let mut setups = devices::all().iter();
    let first = setups.next().unwrap();
    let expected = first.run(&work);
    for setup in setups {
        let got = setup.run(&work);
        assert!(expected == got, "{what}: {} and {} differ:\n{expected:?}\n{got:?}", first.name, setup.name);
    }
    expected
}

#[test]
fn kmeans_is_bit_identical_everywhere() {
    for case in cases::all() {
        let ks: Vec<usize> =
            [1, 2, 3, 5, 8].into_iter().filter(|&k| case.matrix.distinct_rows(k).is_ok()).collect();
        for tol in [1e-4, 0.0] {
            let params = Params { n_init: 2, seed: 11, tol, ..Params::default() };
            same_everywhere(&case.name, |backend| {
                let rows = Dataset::load(backend, &case.matrix).unwrap();
                let start = Start::KMeansPlusPlus;
                let fits = fit_many(&rows, &ks, &params, &start, Progress::none()).unwrap();
                fits.iter().map(bits).collect::<Vec<_>>()
            });
        }
    }
}

/// So few rows that a single undecided one ends the use of dot products, when some sets have stopped and others have not.
#[test]
fn sets_that_stopped_before_the_form_changes_stay_stopped() {
    for (rows, seed) in [(200, 0), (200, 1), (150, 2), (120, 3)] {
        let columns = segmenta::synth::blobs(rows, 3, 4, seed).columns;
        let matrix = Matrix::from_columns((0..3).map(|j| format!("f{j}")).collect(), columns).unwrap();
        let ks: Vec<usize> = (2..=10).collect();
        let params = Params { n_init: 2, ..Params::default() };
        same_everywhere("blobs", |backend| {
            let rows = Dataset::load(backend, &matrix).unwrap();
            let fits = fit_many(&rows, &ks, &params, &Start::KMeansPlusPlus, Progress::none()).unwrap();
            fits.iter().map(bits).collect::<Vec<_>>()
        });
    }
}

#[test]
fn weighted_kmeans_is_bit_identical_everywhere() {
    for case in cases::all().into_iter().filter(|c| c.matrix.rows() > 60) {
        let weights: Vec<u16> = (0..case.matrix.rows()).map(|i| (i * 7919 % 5000) as u16).collect();
        let matrix = case.matrix.weighted(weights).unwrap();
        let ks: Vec<usize> = [1, 4].into_iter().filter(|&k| matrix.distinct_rows(k).is_ok()).collect();
        let params = Params { n_init: 2, seed: 3, ..Params::default() };
        same_everywhere(&case.name, |backend| {
            let rows = Dataset::load(backend, &matrix).unwrap();
            let start = Start::KMeansPlusPlus;
            let fits = fit_many(&rows, &ks, &params, &start, Progress::none()).unwrap();
            fits.iter().map(bits).collect::<Vec<_>>()
        });
    }
}

#[test]
fn hopkins_is_bit_identical_everywhere() {
    for case in cases::all().into_iter().filter(|c| c.matrix.rows() >= 100) {
        let probes = case.matrix.rows() / 10;
        same_everywhere(&case.name, |backend| -> Hopkins {
            let rows = Dataset::load(backend, &case.matrix).unwrap();
            hopkins(&rows, probes, 5, Progress::none()).unwrap()
        });
    }
}

#[test]
fn the_filter_is_right_about_what_it_cannot_prove() {
    // 0/1 data against its own rows is exact in f32: nothing is left to the host. Planted ties are.
    for case in cases::all() {
        for setup in devices::all() {
            let passes =
                setup.run(|b| Dataset::load(b, &case.matrix).unwrap().lloyd(&case.sets, false).unwrap());
            match case.name.as_str() {
                "0/1" => assert_eq!(passes[1].f64_fallbacks + passes[3].f64_fallbacks, 0, "{}", setup.name),
                "near ties" => assert!(passes.last().unwrap().f64_fallbacks >= 190, "{}", setup.name),
                "normal 1100 x 7" => {
                    let f64_fallbacks: u64 = passes.iter().map(|p| p.f64_fallbacks).sum();
                    assert!(f64_fallbacks < 20, "{}: {f64_fallbacks} fallbacks", setup.name);
                }
                _ => {}
            }
        }
    }
}

/// A table that is larger than lavapipe's largest binding, 128 MiB.
#[test]
fn a_table_larger_than_one_binding() {
    let (n, d) = (1_400_000, 26);
    let columns = segmenta::synth::blobs(n, d, 4, 9).columns;
    let names = (0..d).map(|j| format!("f{j}")).collect();
    let matrix = Matrix::from_columns(names, columns).unwrap();
    let centroids = segmenta::canonical::Centroids {
        values: (0..3).flat_map(|i| matrix.row(i * 7).collect::<Vec<_>>()).collect(),
        features: d,
    };
    let mut setups = devices::all().iter().filter(|s| !s.name.contains("in pieces"));
    let work = |backend: &dyn segmenta::backend::Backend| {
        let mut passes =
            Dataset::load(backend, &matrix).unwrap().lloyd(std::slice::from_ref(&centroids), true).unwrap();
        passes[0].f64_fallbacks = 0;
        passes
    };
    let expected = setups.next().unwrap().run(work);
    assert_eq!(expected[0].counts.iter().sum::<u64>(), n as u64);
    for setup in setups {
        assert!(expected == setup.run(work), "{} differs", setup.name);
    }
}
