//! KMeans: what holds for every table, what is refused, and the reference results for the real tables.

use crate::cases;
use crate::goldens::real;
use crate::oracle;
use proptest::prelude::*;
use segmenta::Dataset;
use segmenta::backend::Labeling;
use segmenta::backend::cpu::Cpu;
use segmenta::canonical::Centroids;
use segmenta::cluster::{Fit, Params, Partition, Restarts, Start, fit, fit_many};
use segmenta::evidence::silhouette::silhouette_scores;
use segmenta::progress::Progress;
use segmenta::random::{Draws, Purpose};
use segmenta::recipe::Scale;
use segmenta::{Error, Matrix, Result};

fn try_fit(matrix: &Matrix, k: usize, params: &Params, start: &Start, progress: Progress<'_>) -> Result<Fit> {
    let cpu = Cpu::default();
    let rows = Dataset::load(&cpu, matrix)?;
    fit(&rows, k, params, start, progress)
}

fn run(matrix: &Matrix, k: usize, params: &Params, start: &Start) -> Fit {
    try_fit(matrix, k, params, start, Progress::none()).unwrap()
}

fn exact(n_init: usize) -> Params {
    Params { n_init, tol: 0.0, ..Params::default() }
}

fn matrix(columns: &[Vec<f32>]) -> Matrix {
    Matrix::from_columns((0..columns.len()).map(|j| format!("f{j}")).collect(), columns.to_vec()).unwrap()
}

/// The rows of these numbers as centroids.
fn rows(matrix: &Matrix, rows: impl IntoIterator<Item = usize>) -> Centroids {
    let values = rows.into_iter().flat_map(|i| matrix.row(i).collect::<Vec<_>>()).collect();
    Centroids { values, features: matrix.features() }
}

fn picked(columns: &[Vec<f32>], rows: &[usize]) -> Vec<Vec<f32>> {
    columns.iter().map(|c| rows.iter().map(|&i| c[i]).collect()).collect()
}

/// Inertia, silhouette and sizes as scikit-learn's best of 10 starts has them.
type Reference = (&'static str, Scale, usize, f64, Option<f64>, &'static [u64]);

const REFERENCES: [Reference; 10] = [
    ("iris", Scale::None, 3, 78.8514, Some(0.5528), &[62, 50, 38]),
    ("iris", Scale::Standard, 3, 139.8205, Some(0.4599), &[53, 50, 47]),
    ("wine", Scale::Standard, 3, 1277.9285, Some(0.2849), &[65, 62, 51]),
    ("breast_cancer", Scale::Standard, 2, 11595.5266, Some(0.3434), &[375, 194]),
    ("digits", Scale::None, 10, 1165256.2995, Some(0.1824), &[]),
    ("oulad", Scale::Standard, 3, 141026.2877, None, &[12010, 8566, 5239]),
    ("oulad", Scale::Standard, 4, 126225.1706, None, &[11035, 7544, 4873, 2363]),
    ("oulad", Scale::Standard, 5, 114391.0399, None, &[7882, 6534, 4743, 4369, 2287]),
    ("cdnow", Scale::Standard, 3, 19588.4351, None, &[13427, 6731, 3412]),
    ("cdnow", Scale::Standard, 4, 15803.0528, None, &[9007, 7357, 4837, 2369]),
];

#[test]
fn the_references_are_reached() {
    for (name, scale, k, inertia, silhouette, sizes) in REFERENCES {
        let Some(matrix) = real(name, scale) else { continue };
        let name = format!("{name}, {scale:?}, k = {k}");
        let fit = run(&matrix, k, &exact(60), &Start::KMeansPlusPlus);
        assert!(fit.converged, "{name}");
        assert!(fit.inertia <= inertia * (1.0 + 1e-6), "{name}: inertia {}, expected {inertia}", fit.inertia);
        if fit.inertia < inertia * (1.0 - 1e-6) {
            continue; // a better optimum than scikit-learn's, with sizes of its own
        }
        let mut got = fit.sizes.clone();
        got.sort_by(|a, b| b.cmp(a));
        for (&expected, &got) in sizes.iter().zip(&got) {
            oracle::close(expected as f64, got as f64, 0.02, 0.0)
                .unwrap_or_else(|why| panic!("{name}: {why}"));
        }
        let Some(expected) = silhouette else { continue };
        let cpu = Cpu::default();
        let labeling = Labeling { k, labels: &fit.labels };
        let rows = Dataset::load(&cpu, &matrix).unwrap();
        let got = silhouette_scores(&rows, &[labeling], Progress::none()).unwrap()[0];
        oracle::close(expected, got, 0.0, 1e-3).unwrap_or_else(|why| panic!("{name}: silhouette {why}"));
    }
}

#[test]
fn the_best_of_the_starts_is_kept() {
    let matrix = Matrix::from_array(cases::normal(300, 3, 90).view()).unwrap();
    let mut kept = std::collections::HashSet::new();
    for k in [2, 5, 9] {
        let params = Params { seed: 4, ..exact(8) };
        let draws = Draws::new(4, Purpose::Seeding);
        let alone: Vec<Fit> = (0..8)
            .map(|r| {
                let start =
                    rows(&matrix, oracle::kmeans_plus_plus(&matrix, k, &mut draws.at((k as u64) << 32 | r)));
                run(&matrix, k, &exact(1), &Start::Given(start))
            })
            .collect();
        for n_init in 1..=8 {
            let best = run(&matrix, k, &Params { n_init, ..params.clone() }, &Start::KMeansPlusPlus);
            for other in &alone[..n_init] {
                assert!(best.inertia <= other.inertia * (1.0 + 1e-9), "k = {k}, {n_init} starts");
            }
            let same = &alone[best.restart];
            assert!(best.restart < n_init);
            assert_eq!((&best.labels, &best.centroids), (&same.labels, &same.centroids), "k = {k}, {n_init}");
            assert_eq!((best.inertia, best.n_iter), (same.inertia, same.n_iter));
            kept.insert((k, best.restart));
        }
    }
    assert!(kept.len() > 4, "the choice is tried: {kept:?}");
}

/// Where `max_iter` ends the starts, the centroids still move after the last pass's sums.
#[test]
fn the_best_of_unfinished_starts_is_kept() {
    let matrix = Matrix::from_array(cases::normal(200, 3, 512).view()).unwrap();
    let params = Params { seed: 12, max_iter: 2, ..exact(8) };
    let best = run(&matrix, 5, &params, &Start::KMeansPlusPlus);
    let draws = Draws::new(12, Purpose::Seeding);
    for r in 0..8 {
        let start = rows(&matrix, oracle::kmeans_plus_plus(&matrix, 5, &mut draws.at(5 << 32 | r)));
        let alone = run(&matrix, 5, &params, &Start::Given(start)).inertia;
        assert!(best.inertia <= alone * (1.0 + 1e-9), "start {r} has {alone}, kept was {}", best.inertia);
    }
}

#[test]
fn restarts_go_on_until_three_agree() {
    let mut blobs = cases::normal(300, 3, 76);
    blobs
        .rows_mut()
        .into_iter()
        .enumerate()
        .for_each(|(i, mut row)| row[i % 4 % 3] += 30.0 * (1 + i % 4) as f32);
    let easy = Matrix::from_array(blobs.view()).unwrap();
    let found = run(&easy, 4, &Params::auto(), &Start::KMeansPlusPlus);
    assert_eq!(found.restarts.n, 10, "{:?}", found.restarts);
    assert!(found.restarts.reached_best >= 3, "{:?}", found.restarts);
    // Many optima of nearly the same inertia, some of which only one restart in dozens finds.
    let hard = Matrix::from_array(cases::normal(400, 6, 75).view()).unwrap();
    let mut counts = Vec::new();
    for k in [2, 9, 30] {
        let found = run(&hard, k, &Params::auto(), &Start::KMeansPlusPlus);
        let n = found.restarts.n;
        assert!(
            n.is_multiple_of(10) && (n == 60 || found.restarts.reached_best >= 3),
            "k = {k}: {:?}",
            found.restarts
        );
        let same = run(&hard, k, &Params { n_init: n, ..Params::default() }, &Start::KMeansPlusPlus);
        assert_eq!((&found.labels, &found.centroids), (&same.labels, &same.centroids), "k = {k}");
        assert_eq!((found.restart, found.restarts), (same.restart, same.restarts), "k = {k}");
        counts.push(n);
    }
    assert!(counts[0] < counts[2], "{counts:?}");
    let cpu = Cpu::default();
    let dataset = Dataset::load(&cpu, &hard).unwrap();
    let together =
        fit_many(&dataset, &[2, 9, 30], &Params::auto(), &Start::KMeansPlusPlus, Progress::none()).unwrap();
    assert_eq!(together.iter().map(|fit| fit.restarts.n).collect::<Vec<_>>(), counts);
    // Start centroids are one restart.
    let start = Start::Given(rows(&easy, [0, 1, 2]));
    assert_eq!(run(&easy, 3, &Params::auto(), &start).restarts, Restarts { n: 1, reached_best: 1 });
    let copies = Matrix::from_columns(vec!["f".into()], vec![vec![1.0, 2.0, 1.0, 2.0]]).unwrap();
    assert_eq!(
        run(&copies, 2, &Params::auto(), &Start::KMeansPlusPlus).restarts,
        Restarts { n: 10, reached_best: 10 }
    );
}

#[test]
fn k_of_several_at_once_are_those_alone() {
    let matrix = Matrix::from_array(cases::normal(200, 4, 91).view()).unwrap();
    let cpu = Cpu::default();
    let loaded = Dataset::load(&cpu, &matrix).unwrap();
    let ks = [7, 2, 4];
    let many = fit_many(&loaded, &ks, &exact(3), &Start::KMeansPlusPlus, Progress::none()).unwrap();
    for (&k, fit) in ks.iter().zip(many) {
        let alone = run(&matrix, k, &exact(3), &Start::KMeansPlusPlus);
        assert_eq!((fit.k, &fit.labels, &fit.centroids), (k, &alone.labels, &alone.centroids));
        assert_eq!((fit.inertia, fit.n_iter, fit.restart), (alone.inertia, alone.n_iter, alone.restart));
    }
}

#[test]
fn one_cluster_a_row_leaves_no_inertia() {
    for n in [1, 2, 17, 70] {
        let matrix = Matrix::from_array(cases::normal(n, 3, 92).view()).unwrap();
        let fit = run(&matrix, n, &exact(2), &Start::KMeansPlusPlus);
        assert_eq!((fit.inertia, fit.converged), (0.0, true), "{n} rows");
        assert_eq!(fit.sizes, vec![1; n]);
        assert_eq!(
            fit.centroids,
            rows(
                &matrix,
                fit.labels.iter().enumerate().fold(vec![0; n], |mut at, (i, &l)| {
                    at[l as usize] = i;
                    at
                })
            )
        );
    }
}

#[test]
fn what_cannot_be_fitted_is_an_error() {
    let columns = vec![vec![1.0, 2.0, 2.0, 4.0, 1.0], vec![0.5, 0.0, 0.0, 1.0, 0.5]];
    let matrix = matrix(&columns);
    let refused = |k, params: &Params, start: &Start| {
        try_fit(&matrix, k, params, start, Progress::none()).unwrap_err().to_string()
    };
    let start = &Start::KMeansPlusPlus;
    let good = Params::default();
    assert!(refused(0, &good, start).contains("at least 1"));
    let message = refused(4, &good, start);
    assert!(message.contains("k = 4") && message.contains("3 distinct rows"), "{message}");
    assert!(refused(2, &Params { n_init: 0, ..good.clone() }, start).contains("n_init"));
    assert!(refused(2, &Params { max_iter: 0, ..good.clone() }, start).contains("max_iter"));
    for tol in [f64::NAN, -1e-9] {
        assert!(refused(2, &Params { tol, ..good.clone() }, start).contains("tol"));
    }
    let given = |values: Vec<f32>, features| Start::Given(Centroids { values, features });
    assert!(refused(2, &good, &given(vec![0.0; 6], 2)).contains("3 centroids to start from, but k = 2"));
    refused(2, &good, &given(vec![0.0; 6], 3)); // another width
    refused(2, &good, &given(vec![0.0; 5], 2)); // half a centroid
    for odd in [f32::NAN, f32::INFINITY, f32::MAX, matrix.max_abs_centroid().next_up()] {
        refused(2, &good, &given(vec![0.0, 1.0, odd, 0.0], 2));
    }
    let edge = given(vec![0.0, 1.0, matrix.max_abs_centroid(), 0.0], 2);
    assert!(run(&matrix, 2, &good, &edge).inertia.is_finite());
    let cpu = Cpu::default();
    let loaded = Dataset::load(&cpu, &matrix).unwrap();
    assert!(fit_many(&loaded, &[], &good, start, Progress::none()).is_err());
    assert!(fit_many(&loaded, &[2, 0], &good, start, Progress::none()).is_err());
}

#[test]
fn start_centroids_without_features_are_an_error() {
    let matrix = matrix(&[vec![1.0, 2.0]]);
    let start = Start::Given(Centroids { values: Vec::new(), features: 0 });
    assert!(try_fit(&matrix, 1, &Params::default(), &start, Progress::none()).is_err());
}

#[test]
fn a_callback_stops_the_work() {
    let matrix = Matrix::from_array(cases::normal(100, 2, 93).view()).unwrap();
    for stop in ["seeding", "fit"] {
        let callback = |step: segmenta::progress::ProgressUpdate<'_>| step.stage != stop;
        let progress = Progress::new(&callback);
        let out = try_fit(&matrix, 3, &Params::default(), &Start::KMeansPlusPlus, progress);
        assert!(matches!(out, Err(Error::Interrupted)), "{stop}: {out:?}");
    }
}

#[test]
fn the_end_of_a_start() {
    let matrix = Matrix::from_array(cases::normal(300, 2, 94).view()).unwrap();
    let start = Start::Given(rows(&matrix, 0..4));
    let one = run(&matrix, 4, &Params { max_iter: 1, ..exact(1) }, &start);
    assert_eq!((one.n_iter, one.converged), (1, false));
    let all = run(&matrix, 4, &exact(1), &start);
    assert!(all.converged && all.n_iter > 3);
    // From its own centroids one pass more shows that nothing moves.
    let again = run(&matrix, 4, &exact(1), &Start::Given(all.centroids.clone()));
    assert_eq!((again.n_iter, again.converged, again.centroids), (1, true, all.centroids));
    let loose = run(&matrix, 4, &Params { tol: 1e9, ..exact(1) }, &start);
    assert_eq!((loose.n_iter, loose.converged), (1, true));
}

#[test]
fn segments_are_numbered_by_size_then_by_centroid() {
    let columns = vec![vec![5.0, 5.1, -3.0, -3.1, 0.0, 0.1, 0.2]];
    let matrix = matrix(&columns);
    let fit = run(&matrix, 3, &exact(1), &Start::Given(rows(&matrix, [0, 2, 4])));
    assert_eq!((&fit.sizes[..], Partition::from(fit.clone()).segments()), (&[2, 2, 3][..], vec![2, 1, 0]));
}

/// Columns of 12 to 40 values with six bits after the point.
fn columns() -> impl Strategy<Value = Vec<Vec<f32>>> {
    (1usize..5, 12usize..40).prop_flat_map(|(d, n)| {
        let value = (-4000i32..4000).prop_map(|v| v as f32 / 64.0);
        prop::collection::vec(prop::collection::vec(value, n), d)
    })
}

/// The first `k` rows, where they differ.
fn first_rows(matrix: &Matrix, k: usize) -> std::result::Result<Centroids, TestCaseError> {
    let start = rows(matrix, 0..k);
    prop_assume!(start.first_of_equals().iter().all(|first| *first));
    Ok(start)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn every_row_twice_doubles_counts_and_sums(columns in columns(), k in 1usize..6) {
        let (single, twice) = (matrix(&columns), picked(&columns, &(0..columns[0].len()).flat_map(|i| [i, i]).collect::<Vec<_>>()));
        let twice = matrix(&twice);
        let sets = [rows(&single, 0..k)];
        let cpu = Cpu::default();
        let a = Dataset::load(&cpu, &single).unwrap().lloyd(&sets, true).unwrap().remove(0);
        let b = Dataset::load(&cpu, &twice).unwrap().lloyd(&sets, true).unwrap().remove(0);
        prop_assert_eq!(a.sums.iter().map(|s| 2 * s).collect::<Vec<_>>(), b.sums);
        prop_assert_eq!(a.counts.iter().map(|s| 2 * s).collect::<Vec<_>>(), b.counts);
        prop_assert_eq!(a.weights.iter().map(|s| 2 * s).collect::<Vec<_>>(), b.weights);
        let labels: Vec<u32> = a.labels.unwrap().iter().flat_map(|&l| [l, l]).collect();
        prop_assert_eq!(Some(labels), b.labels);
    }

    #[test]
    fn a_power_of_two_changes_nothing_but_scale(columns in columns(), k in 1usize..6, power in -90i32..90) {
        let scaled: Vec<Vec<f32>> =
            columns.iter().map(|c| c.iter().map(|v| v * 2f32.powi(power)).collect()).collect();
        let (plain, scaled) = (matrix(&columns), matrix(&scaled));
        prop_assume!(plain.distinct_rows(k).is_ok());
        let params = Params { n_init: 2, ..Params::default() };
        let a = run(&plain, k, &params, &Start::KMeansPlusPlus);
        let b = run(&scaled, k, &params, &Start::KMeansPlusPlus);
        prop_assert_eq!((&a.labels, &a.sizes, a.n_iter), (&b.labels, &b.sizes, b.n_iter));
        let user = |m: &Matrix, f: &Fit| f.centroids.values.iter().map(|&v| m.to_user(f64::from(v))).collect::<Vec<_>>();
        let factor = 2f64.powi(power);
        prop_assert_eq!(user(&plain, &a).iter().map(|v| v * factor).collect::<Vec<_>>(), user(&scaled, &b));
        prop_assert_eq!(a.inertia * factor * factor, b.inertia);
    }

    #[test]
    fn a_pass_never_raises_inertia(columns in columns(), k in 1usize..6) {
        let matrix = matrix(&columns);
        let start = Start::Given(first_rows(&matrix, k)?);
        let largest = columns.iter().flatten().fold(0f64, |m, v| m.max(f64::from(v.abs())));
        // What rounding the centroids to f32 may add.
        let rounding = (columns.len() * columns[0].len()) as f64 * (largest / f64::from(1 << 24)).powi(2);
        let mut before = f64::INFINITY;
        for max_iter in 1..12 {
            let fit = run(&matrix, k, &Params { max_iter, ..exact(1) }, &start);
            prop_assert!(fit.inertia <= before * (1.0 + 1e-13) + rounding, "pass {}: {} after {}", max_iter, fit.inertia, before);
            before = fit.inertia;
        }
    }

    #[test]
    fn permuted_rows_have_permuted_labels(
        (columns, order) in columns().prop_flat_map(|c| {
            let order: Vec<usize> = (0..c[0].len()).collect();
            (Just(c), Just(order).prop_shuffle())
        }),
        k in 1usize..6,
    ) {
        let (plain, shuffled) = (matrix(&columns), matrix(&picked(&columns, &order)));
        let start = Start::Given(first_rows(&plain, k)?);
        let a = run(&plain, k, &exact(1), &start);
        let b = run(&shuffled, k, &exact(1), &start);
        prop_assert_eq!(order.iter().map(|&i| a.labels[i]).collect::<Vec<_>>(), b.labels);
        prop_assert_eq!((a.centroids, a.sizes, a.n_iter), (b.centroids, b.sizes, b.n_iter));
        prop_assert!(oracle::close(a.inertia, b.inertia, 1e-13, 0.0).is_ok());
    }

    #[test]
    fn a_weight_is_the_row_that_many_times(columns in columns(), k in 1usize..6, seed in 0usize..1000) {
        let n = columns[0].len();
        let weights: Vec<u16> = (0..n).map(|i| ((i * 31 + seed) % 6) as u16).collect();
        let repeated: Vec<usize> = (0..n).flat_map(|i| vec![i; weights[i].into()]).collect();
        prop_assume!(!repeated.is_empty());
        // The rows of weight 0 reach no further, so that both tables have one grid.
        let within = repeated[0];
        let columns: Vec<Vec<f32>> = columns
            .iter()
            .map(|c| (0..n).map(|i| if weights[i] == 0 { c[within] } else { c[i] }).collect())
            .collect();
        let weighted = matrix(&columns).weighted(weights.clone()).unwrap();
        let written_out = matrix(&picked(&columns, &repeated));
        prop_assume!(weighted.distinct_rows(k).is_ok());
        for tol in [1e-4, 0.0] {
            let params = Params { n_init: 3, seed: seed as u64, tol, ..Params::default() };
            let a = run(&weighted, k, &params, &Start::KMeansPlusPlus);
            let b = run(&written_out, k, &params, &Start::KMeansPlusPlus);
            prop_assert_eq!(&repeated.iter().map(|&i| a.labels[i]).collect::<Vec<_>>(), &b.labels);
            prop_assert_eq!((&a.centroids, a.n_iter, a.restart), (&b.centroids, b.n_iter, b.restart));
            prop_assert!(oracle::close(b.inertia, a.inertia, 1e-13, 0.0).is_ok());
            prop_assert_eq!(Partition::from(a).segments(), Partition::from(b).segments());
        }
    }

    #[test]
    fn a_constant_factor_of_all_weights_changes_no_label(
        columns in columns(), k in 1usize..6, seed in 0usize..1000, factor in 1e-6f64..1e6,
    ) {
        let n = columns[0].len();
        for given in [
            (0..n).map(|i| ((i * 31 + seed) % 6) as f64).collect::<Vec<_>>(),
            (0..n).map(|i| 0.1 + libm::exp(((i * 37 + seed) % 20) as f64)).collect(),
        ] {
            prop_assume!(given.iter().any(|w| *w > 0.0));
            let plain = matrix(&columns).weighted(given.clone()).unwrap();
            let scaled = matrix(&columns).weighted(given.iter().map(|w| w * factor).collect()).unwrap();
            prop_assume!(plain.distinct_rows(k).is_ok());
            let params = Params { n_init: 3, seed: seed as u64, ..Params::default() };
            let a = run(&plain, k, &params, &Start::KMeansPlusPlus);
            let b = run(&scaled, k, &params, &Start::KMeansPlusPlus);
            prop_assert_eq!(&a.labels, &b.labels);
            prop_assert!(oracle::close(a.inertia * factor, b.inertia, 1e-6, 1e-9 * factor).is_ok());
        }
    }

    #[test]
    fn merged_copies_give_the_fit_of_all_rows(columns in columns(), k in 1usize..6, seed in 0usize..1000) {
        let n = columns[0].len();
        let rows: Vec<usize> = (0..2 * n).map(|i| (i * i + seed) % n).collect();
        let all = matrix(&picked(&columns, &rows));
        prop_assume!(all.distinct_rows(k).is_ok());
        let repeats = all.repeats().into_owned();
        let merged = repeats.merge(&all).unwrap();
        let params = Params { n_init: 3, seed: seed as u64, ..Params::default() };
        let a = run(&all, k, &params, &Start::KMeansPlusPlus);
        let b = Partition::from(run(&merged, k, &params, &Start::KMeansPlusPlus)).of_all_rows(&repeats);
        let a = Partition { f64_fallbacks: Vec::new(), ..a.into() };
        prop_assert_eq!(a, Partition { f64_fallbacks: Vec::new(), ..b });
    }
}
