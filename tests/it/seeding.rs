//! k-means++ on each backend: the same centres as the oracle's, and what happens where the coarse grid does not serve.

use crate::{cases, devices, oracle};
use segmenta::Matrix;
use segmenta::backend::SeedingRun;
use segmenta::cluster::{Params, Start, fit};
use segmenta::matrix::coarse::CoarseRows;
use segmenta::progress::Progress;
use segmenta::random::{Draws, Purpose, Stream};
use segmenta::{Dataset, Result};

/// The draws of restart `r`.
fn draws(k: usize, r: usize) -> Stream {
    Draws::new(7, Purpose::Seeding).at((k * 100 + r) as u64)
}

fn run(k: usize, r: usize) -> SeedingRun {
    let trials = 2 + libm::log(k as f64) as usize;
    let mut stream = draws(k, r);
    SeedingRun { k, trials, draws: (0..1 + (k - 1) * trials).map(|_| stream.bits()).collect() }
}

/// The restarts of a test: several k, so that some finish before others.
const RUNS: [(usize, usize); 5] = [(5, 0), (1, 0), (13, 0), (2, 1), (5, 1)];

/// Compares all backends with the oracle, and returns how many of the restarts the grid served to the end.
fn compare(name: &str, matrix: &Matrix) -> usize {
    let runs = RUNS.map(|(k, r)| run(k, r));
    let expected = RUNS.map(|(k, r)| oracle::kmeans_plus_plus(matrix, k, &mut draws(k, r)));
    let rows = CoarseRows::new(matrix);
    for setup in devices::all() {
        let got = setup.run(|backend| backend.kmeans_plus_plus(&rows, &runs, Progress::none())).unwrap();
        assert!(got == expected, "{name} on {}: {got:?}, expected {expected:?}", setup.name);
    }
    RUNS.iter().zip(&expected).filter(|((k, _), centres)| *k == centres.len()).count()
}

#[test]
fn centres_are_those_of_the_oracle() {
    let mut served = 0;
    for case in cases::all() {
        served += compare(&case.name.to_string(), &case.matrix);
        let mut draws = Draws::new(1, Purpose::SynthTable).at(2);
        let weights =
            (0..case.matrix.rows()).map(|i| if i % 5 == 2 { 0 } else { draws.below(5000) as u32 + 1 });
        let weighted = case.matrix.clone().weighted(weights.collect()).unwrap();
        served += compare(&format!("{}, weighted", case.name), &weighted);
    }
    assert!(served > 100, "the grid served {served} times");
}

#[test]
fn centres_of_more_than_a_block_are_those_of_the_oracle() {
    for (rows, features) in [(4096, 3), (4097, 2), (9000, 5)] {
        let matrix = Matrix::from_array(cases::normal(rows, features, 71).view()).unwrap();
        assert_eq!(compare(&format!("{rows} x {features}"), &matrix), RUNS.len());
    }
}

/// Two rows are so far out that all others share one point of the grid. Canonical distances must tell these apart.
#[test]
fn far_outliers_do_not_hide_the_other_rows() -> Result<()> {
    let mut values = cases::normal(600, 2, 72);
    for (i, mut row) in values.rows_mut().into_iter().enumerate() {
        row[0] += [0.0, 100.0, 200.0][i % 3];
    }
    values[[5, 0]] = 1e9;
    values[[9, 1]] = -1e9;
    let matrix = Matrix::from_array(values.view())?;
    let coarse = CoarseRows::new(&matrix);
    let params = Params { n_init: 4, ..Params::default() };
    let mut answers = Vec::new();
    for setup in devices::all() {
        let few = setup.run(|backend| backend.kmeans_plus_plus(&coarse, &[run(5, 0)], Progress::none()))?;
        assert!(few[0].len() < 5, "{}: the grid served for {:?}", setup.name, few);
        answers.push(setup.run(|backend| {
            let rows = Dataset::load(backend, &matrix)?;
            fit(&rows, 5, &params, &Start::KMeansPlusPlus, Progress::none())
        })?);
    }
    for fit in &answers {
        let mut sizes = fit.sizes.clone();
        sizes.sort_unstable();
        assert_eq!(sizes, [1, 1, 199, 199, 200]);
        assert_eq!(
            (&fit.labels, &fit.centroids, fit.inertia),
            (&answers[0].labels, &answers[0].centroids, answers[0].inertia)
        );
    }
    Ok(())
}

/// Weights of more than 2^32 together are rounded for seeding; a constant factor changes nothing.
#[test]
fn heavy_weights_are_drawn_in_proportion() {
    let matrix = Matrix::from_array(cases::normal(500, 3, 73).view()).unwrap();
    let mut draws = Draws::new(2, Purpose::SynthTable).at(3);
    let weights: Vec<f64> = (0..500).map(|_| libm::exp(9.0 * draws.uniform())).collect();
    let tenfold = weights.iter().map(|w| w * 1024.0).collect();
    let [a, b] = [weights.clone(), tenfold].map(|w| matrix.clone().weighted(w).unwrap());
    let runs: Vec<SeedingRun> = (0..400).map(|r| run(1, r)).collect();
    let (a, b) = (CoarseRows::new(&a), CoarseRows::new(&b));
    assert!(a.total_weight() < 1 << 32);
    let heavy: f64 = weights.iter().filter(|w| **w > 1000.0).sum::<f64>() / weights.iter().sum::<f64>();
    for setup in devices::all() {
        let centres =
            |rows| setup.run(|backend| backend.kmeans_plus_plus(rows, &runs, Progress::none())).unwrap();
        let drawn = centres(&a);
        assert_eq!(drawn, centres(&b));
        let share = drawn.iter().filter(|c| weights[c[0]] > 1000.0).count() as f64 / 400.0;
        assert!((share - heavy).abs() < 0.08, "{}: {share} of the draws, {heavy} of the weight", setup.name);
    }
}
