//! Gaussian mixtures: as scikit-learn and a naive implementation fit them, and the same bits however they are computed.

mod goldens;
mod program;
mod saved;

use crate::{cases, devices};
use ndarray::Array2;
use segmenta::backend::Backend;
use segmenta::backend::cpu::Cpu;
use segmenta::canonical::Centroids;
use segmenta::cluster::gmm::{Covariance, Fit, Mixture, Params, fit_from_labels, fit_many};
use segmenta::cluster::{self, Algorithm as _, Details, Prototypes, Start};
use segmenta::evidence::agreement::{Agreement, Contingency};
use segmenta::progress::Progress;
use segmenta::random::{Draws, Purpose};
use segmenta::{Dataset, Error, Matrix};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const SHAPES: [Covariance; 4] = [Covariance::Full, Covariance::Tied, Covariance::Diag, Covariance::Spherical];

/// A fit on the CPU from given labels.
fn from_labels(matrix: &Matrix, k: usize, labels: &[u32], params: &Params) -> Result<Fit, Error> {
    let cpu = Cpu::default();
    fit_from_labels(&Dataset::load(&cpu, matrix)?, k, labels, params, Progress::none())
}

/// A fit of several k on a device, from KMeans.
fn fitted(backend: &dyn Backend, matrix: &Matrix, ks: &[usize], params: &Params) -> Result<Vec<Fit>, Error> {
    let dataset = Dataset::load(backend, matrix)?;
    fit_many(&dataset, ks, params, &Start::KMeansPlusPlus, Progress::none())
}

/// A mixture as textbooks write it: covariances about each pass' new means, inverses and determinants by Gauss and Jordan, and
/// densities that are multiplied out. `rows` are plain copies, without weights.
struct Naive {
    weights: Vec<f64>,
    means: Vec<Vec<f64>>,
    covariances: Vec<Vec<Vec<f64>>>,
}

impl Naive {
    fn learn(rows: &[Vec<f64>], shares: &[Vec<f64>], covariance: Covariance, reg_covar: f64) -> Naive {
        let (n, d, k) = (rows.len() as f64, rows[0].len(), shares[0].len());
        let (mut weights, mut means, mut covariances) = (vec![], vec![], vec![]);
        for c in 0..k {
            let own: f64 = shares.iter().map(|s| s[c]).sum();
            let mean: Vec<f64> = (0..d)
                .map(|j| rows.iter().zip(shares).map(|(x, s)| s[c] * x[j]).sum::<f64>() / own)
                .collect();
            let entry = |i: usize, j: usize| {
                let of = |(x, s): (&Vec<f64>, &Vec<f64>)| s[c] * (x[i] - mean[i]) * (x[j] - mean[j]);
                rows.iter().zip(shares).map(of).sum::<f64>() / own
            };
            covariances
                .push((0..d).map(|i| (0..d).map(|j| entry(i, j)).collect()).collect::<Vec<Vec<f64>>>());
            weights.push(own / n);
            means.push(mean);
        }
        if covariance == Covariance::Tied {
            let pooled = |i: usize, j: usize| (0..k).map(|c| weights[c] * covariances[c][i][j]).sum::<f64>();
            let tied: Vec<Vec<f64>> = (0..d).map(|i| (0..d).map(|j| pooled(i, j)).collect()).collect();
            covariances.fill(tied);
        }
        for matrix in &mut covariances {
            let mean = (0..d).map(|j| matrix[j][j]).sum::<f64>() / d as f64;
            for (i, row) in matrix.iter_mut().enumerate() {
                for (j, value) in row.iter_mut().enumerate() {
                    *value = match covariance {
                        Covariance::Full | Covariance::Tied => *value,
                        _ if i != j => 0.0,
                        Covariance::Diag => *value,
                        Covariance::Spherical => mean,
                    };
                }
                row[i] += reg_covar;
            }
        }
        Naive { weights, means, covariances }
    }

    /// For each row the weighted densities of all components.
    fn densities(&self, rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let inverted: Vec<(Vec<Vec<f64>>, f64)> =
            self.covariances.iter().map(|m| inverse(m.clone())).collect();
        let d = rows[0].len();
        let density = |x: &Vec<f64>, c: usize| {
            let (inverse, determinant) = &inverted[c];
            let away: Vec<f64> = x.iter().zip(&self.means[c]).map(|(x, m)| x - m).collect();
            let square: f64 = (0..d)
                .flat_map(|i| (0..d).map(move |j| (i, j)))
                .map(|(i, j)| away[i] * inverse[i][j] * away[j])
                .sum();
            let norm = (2.0 * std::f64::consts::PI).powi(d as i32) * determinant;
            self.weights[c] * libm::exp(-0.5 * square) / norm.sqrt()
        };
        rows.iter().map(|x| (0..self.weights.len()).map(|c| density(x, c)).collect()).collect()
    }

    /// After so many passes from labels: the mixture, and the mean log-likelihood of a row before the last pass and after it.
    fn fit(rows: &[Vec<f64>], k: usize, labels: &[u32], params: &Params) -> (Naive, f64, f64) {
        let share = |label: &u32| (0..k as u32).map(|c| f64::from(u8::from(c == *label))).collect();
        let shares: Vec<Vec<f64>> = labels.iter().map(share).collect();
        let mut mixture = Naive::learn(rows, &shares, params.covariance, params.reg_covar);
        let likelihood = |densities: &[Vec<f64>]| {
            densities.iter().map(|d| libm::log(d.iter().sum())).sum::<f64>() / rows.len() as f64
        };
        let mut before = 0.0;
        for _ in 0..params.max_iter {
            let densities = mixture.densities(rows);
            before = likelihood(&densities);
            let shares: Vec<Vec<f64>> =
                densities.iter().map(|d| d.iter().map(|v| v / d.iter().sum::<f64>()).collect()).collect();
            mixture = Naive::learn(rows, &shares, params.covariance, params.reg_covar);
        }
        let after = likelihood(&mixture.densities(rows));
        (mixture, before, after)
    }
}

/// The inverse of a matrix and its determinant, by Gauss and Jordan's eliminations with pivots.
fn inverse(mut a: Vec<Vec<f64>>) -> (Vec<Vec<f64>>, f64) {
    let d = a.len();
    a.iter_mut().enumerate().for_each(|(i, row)| row.extend((0..d).map(|j| f64::from(u8::from(i == j)))));
    let mut determinant = 1.0;
    for j in 0..d {
        let pivot = (j..d).max_by(|&x, &y| a[x][j].abs().total_cmp(&a[y][j].abs())).unwrap();
        if pivot != j {
            a.swap(pivot, j);
            determinant = -determinant;
        }
        let value = a[j][j];
        determinant *= value;
        a[j].iter_mut().for_each(|v| *v /= value);
        for i in (0..d).filter(|&i| i != j) {
            let (factor, pivot) = (a[i][j], a[j].clone());
            a[i].iter_mut().zip(&pivot).for_each(|(value, pivot)| *value -= factor * pivot);
        }
    }
    (a.into_iter().map(|row| row[d..].to_vec()).collect(), determinant)
}

fn rows_of(table: &Array2<f32>) -> Vec<Vec<f64>> {
    table.rows().into_iter().map(|row| row.iter().map(|&v| f64::from(v)).collect()).collect()
}

fn close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= tolerance * e.abs().max(1.0), "{what} {i}: {f}, expected {e}");
    }
}

#[test]
fn every_shape_is_fitted_as_a_naive_implementation_does() {
    for (rows, d, k, seed) in [(60, 1, 2, 1), (150, 2, 3, 2), (200, 5, 2, 3), (140, 7, 4, 4), (130, 3, 1, 5)]
    {
        let mut table = cases::normal(rows, d, 9000 + seed);
        let copies: Vec<u32> = (0..rows as u32).map(|i| i * 7 % 4).collect();
        for (i, mut row) in table.rows_mut().into_iter().enumerate() {
            row.iter_mut().for_each(|v| *v = (*v * 64.0).round() / 64.0 + (i % k) as f32);
        }
        let labels: Vec<u32> = (0..rows).map(|i| ((i + i / 9) % k) as u32).collect();
        let matrix = Matrix::from_array(table.view()).unwrap().weighted(copies.clone()).unwrap();
        let plain = rows_of(&table);
        let (mut repeated, mut own) = (vec![], vec![]);
        for ((row, label), &n) in plain.iter().zip(&labels).zip(&copies) {
            repeated.extend(std::iter::repeat_n(row.clone(), n as usize));
            own.extend(std::iter::repeat_n(*label, n as usize));
        }
        for covariance in SHAPES {
            let params = Params { covariance, max_iter: 7, tol: 0.0, reg_covar: 1e-4, ..Params::default() };
            let what = format!("{rows} x {d}, k = {k}, {covariance:?}");
            let found = from_labels(&matrix, k, &labels, &params).unwrap();
            let (naive, before, after) = Naive::fit(&repeated, k, &own, &params);
            close(&what, &[found.lower_bound, found.found.mean_log_likelihood], &[before, after], 1e-9);
            let Mixture { weights, means, covariances, .. } = &found.mixture;
            close(&format!("{what}: weights"), weights, &naive.weights, 1e-8);
            close(&format!("{what}: means"), means, &naive.means.concat(), 1e-8);
            let flat = |m: &Vec<Vec<f64>>| match covariance {
                Covariance::Full | Covariance::Tied => m.concat(),
                Covariance::Diag => (0..d).map(|j| m[j][j]).collect(),
                Covariance::Spherical => vec![m[0][0]],
            };
            let different = if covariance == Covariance::Tied { 1 } else { k };
            let expected: Vec<f64> = naive.covariances[..different].iter().flat_map(flat).collect();
            close(&format!("{what}: covariances"), covariances, &expected, 1e-8);
            // Each row's label is the component of the largest weighted density, unless two are equal but for rounding.
            for (row, densities) in naive.densities(&plain).iter().enumerate() {
                let own = densities[found.labels[row] as usize];
                assert!(densities.iter().all(|other| *other <= own * (1.0 + 1e-6)), "{what}: row {row}");
            }
        }
    }
}

/// The bits of everything that a fit found.
fn bits(fit: &Fit) -> (Vec<u64>, Vec<u32>, usize) {
    let Mixture { weights, means, covariances, .. } = &fit.mixture;
    let figures = [fit.lower_bound, fit.found.log_likelihood, fit.found.bic];
    let numbers = weights.iter().chain(means).chain(covariances).chain(&figures);
    (numbers.map(|v| v.to_bits()).collect(), fit.labels.clone(), fit.n_iter)
}

/// Devices, instruction sets and thread counts; several blocks of rows, and a last one that is not full.
#[test]
fn every_machine_gives_the_same_bits() {
    for (rows, d, ks) in [(9_001, 3, &[2, 5][..]), (4_099, 6, &[3])] {
        let matrix = Matrix::from_array(cases::normal(rows, d, 77).view()).unwrap();
        for covariance in SHAPES {
            let params = Params { covariance, n_init: 2, max_iter: 6, seed: 5, ..Params::default() };
            let fits = |backend: &dyn Backend| -> Vec<_> {
                fitted(backend, &matrix, ks, &params).unwrap().iter().map(bits).collect()
            };
            let expected = devices::all()[0].run(fits);
            for setup in &devices::all()[1..] {
                assert!(setup.run(fits) == expected, "{}: {rows} x {d}, {covariance:?}", setup.name);
            }
            let many = rayon::ThreadPoolBuilder::new().num_threads(64).build().unwrap();
            assert!(many.install(|| fits(&Cpu::default())) == expected, "64 threads, {covariance:?}");
        }
    }
}

#[test]
fn a_weight_is_a_number_of_copies_to_the_last_bit() {
    let table = cases::normal(700, 3, 31);
    let copies: Vec<u32> = (0..700).map(|i| 1 + i * 5 % 4).collect();
    let plain = Matrix::from_array(table.view()).unwrap();
    let rows: Vec<usize> = (0..700).flat_map(|i| std::iter::repeat_n(i, copies[i] as usize)).collect();
    let repeated = plain.select(&rows);
    let weighted = Matrix::from_array(table.view()).unwrap().weighted(copies.clone()).unwrap();
    let merged = repeated.repeats().merge(&repeated).unwrap();
    let tenfold: Vec<f64> = copies.iter().map(|&n| 0.1 * f64::from(n)).collect();
    let scaled = Matrix::from_array(table.view()).unwrap().weighted(tenfold).unwrap();
    for covariance in SHAPES {
        let params = Params { covariance, ..Params::default() };
        let fit = |matrix: &Matrix| fitted(&Cpu::default(), matrix, &[4], &params).unwrap().remove(0);
        let of_weights = fit(&weighted);
        let of_copies = fit(&repeated);
        assert_eq!(bits(&of_weights).0, bits(&of_copies).0, "{covariance:?}");
        assert_eq!(bits(&of_weights), bits(&fit(&merged)), "{covariance:?}");
        let labels: Vec<u32> = rows.iter().map(|&row| of_weights.labels[row]).collect();
        assert_eq!(labels, of_copies.labels, "{covariance:?}");
        // A constant factor changes no label, and the likelihood of the mean row only by rounding.
        let of_scaled = fit(&scaled);
        assert_eq!(of_scaled.labels, of_weights.labels, "{covariance:?}");
        assert!((of_scaled.lower_bound - of_weights.lower_bound).abs() < 1e-12);
    }
}

/// Three long groups that lie aslant, which KMeans cuts across.
#[test]
fn it_finds_groups_that_kmeans_cannot() {
    let centres = [[-9.0, -5.5], [2.0, 0.6], [-4.6, 0.0]];
    let truth: Vec<u32> = (0..600).map(|i| i % 3).collect();
    let mut draws = Draws::new(8, Purpose::SynthTable).at(0);
    let mut columns = vec![Vec::new(), Vec::new()];
    for &group in &truth {
        let [x, y] = centres[group as usize].map(|centre| centre + draws.normal());
        columns[0].push((0.6 * x - 0.4 * y) as f32);
        columns[1].push((-0.6 * x + 0.8 * y) as f32);
    }
    let matrix = Matrix::from_columns(vec!["x".into(), "y".into()], columns).unwrap();
    let some = |labels: &[u32]| -> Vec<Option<u32>> { labels.iter().copied().map(Some).collect() };
    let ari = |labels: &[u32]| Agreement::of(&Contingency::of(&some(&truth), &some(labels), (3, 3))).ari;
    let cpu = Cpu::default();
    let dataset = Dataset::load(&cpu, &matrix).unwrap();
    let kmeans = cluster::Params::default();
    let kmeans = cluster::fit(&dataset, 3, &kmeans, &Start::KMeansPlusPlus, Progress::none()).unwrap();
    let mixture = fitted(&cpu, &matrix, &[3], &Params::default()).unwrap().remove(0);
    let (by_kmeans, by_mixture) = (ari(&kmeans.labels), ari(&mixture.labels));
    assert!(by_kmeans < 0.75 && by_mixture > 0.97, "{by_kmeans} {by_mixture}");
    assert!(mixture.found.converged);
}

/// Whatever a table is like, all numbers are finite, and responsibilities add up to 1.
fn sound(matrix: &Matrix, fit: &Fit, what: &str) {
    let Mixture { weights, means, covariances, .. } = &fit.mixture;
    let figures = [
        fit.lower_bound,
        fit.found.log_likelihood,
        fit.found.bic,
        fit.found.aic,
        fit.found.mean_log_likelihood,
    ];
    assert!(weights.iter().chain(means).chain(covariances).chain(&figures).all(|v| v.is_finite()), "{what}");
    assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{what}");
    let cpu = Cpu::default();
    let shares = fit.mixture.responsibilities(&Dataset::load(&cpu, matrix).unwrap()).unwrap();
    for (row, &label) in shares.chunks(weights.len()).zip(&fit.labels) {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{what}: {row:?}");
        assert!(row.iter().all(|share| *share <= row[label as usize]), "{what}: {row:?}");
    }
}

#[test]
fn tables_that_are_hardly_any_end_well() {
    let columns = |columns: &[&[f32]]| {
        let names = (0..columns.len()).map(|j| format!("f{j}")).collect();
        Matrix::from_columns(names, columns.iter().map(|c| c.to_vec()).collect()).unwrap()
    };
    let spread: Vec<f32> = (0..300).map(|i| (i * 37 % 101) as f32 / 8.0).collect();
    let doubled: Vec<f32> = spread.iter().map(|v| 2.0 * v + 1.0).collect();
    let two: Vec<f32> = (0..4_500).map(|i| if i % 3 == 0 { 5.0 } else { -1.0 }).collect();
    let tables = [
        ("one row", columns(&[&[3.0], &[1.0]]), 1),
        ("two rows", columns(&[&[3.0, 4.0]]), 2),
        ("three rows", columns(&[&[3.0, 4.0, 9.0], &[0.0, 0.0, 1.0]]), 3),
        ("three rows in two segments", columns(&[&[3.0, 4.0, 9.0]]), 2),
        ("a constant column", columns(&[&spread, &[7.5; 300]]), 3),
        ("nothing but a constant", columns(&[&[7.5; 50]]), 1),
        ("a column that follows from another", columns(&[&spread, &doubled]), 4),
        ("two values, thousands of times", columns(&[&two]), 2),
        ("as many segments as distinct rows", columns(&[&two, &two]), 2),
        ("tiny values", columns(&[&spread.iter().map(|v| v * 1e-30).collect::<Vec<_>>()]), 3),
        ("large values", columns(&[&spread.iter().map(|v| v * 1e30).collect::<Vec<_>>()]), 3),
    ];
    for (what, matrix, k) in &tables {
        for covariance in SHAPES {
            let params = Params { covariance, ..Params::default() };
            let fit = fitted(&Cpu::default(), matrix, &[*k], &params);
            let fit = fit.unwrap_or_else(|e| panic!("{what}, {covariance:?}: {e}")).remove(0);
            sound(matrix, &fit, &format!("{what}, {covariance:?}"));
            let more = fitted(&Cpu::default(), matrix, &[*k, 400], &params).unwrap_err().to_string();
            assert!(more.contains("k = 400") && more.contains("distinct"), "{what}: {more}");
        }
    }
}

/// Without regularisation these have no density, and the user hears why.
#[test]
fn a_covariance_that_is_not_positive_definite_is_a_sentence() {
    let spread: Vec<f32> = (0..300).map(|i| (i * 37 % 101) as f32 / 8.0).collect();
    let other: Vec<f32> = (0..300).map(|i| (i * 53 % 89) as f32).collect();
    let sum: Vec<f32> = spread.iter().zip(&other).map(|(a, b)| a + b).collect();
    let fit = |last: Vec<f32>, covariance| {
        let names = ["age", "income", "last"].map(String::from).to_vec();
        let matrix = Matrix::from_columns(names, vec![spread.clone(), other.clone(), last]).unwrap();
        let params = Params { covariance, reg_covar: 0.0, ..Params::default() };
        fitted(&Cpu::default(), &matrix, &[3], &params)
    };
    let constant = vec![2.0; 300];
    for (last, shapes) in [(sum.clone(), &SHAPES[..2]), (constant, &SHAPES[..3])] {
        for &covariance in shapes {
            let message = fit(last.clone(), covariance).unwrap_err().to_string();
            for word in ["with 3 segments", "the feature last", "--reg-covar (it is 0)", "fewer segments"] {
                assert!(message.contains(word), "{covariance:?}: {message}");
            }
        }
    }
    // Shapes that do not mind get a fit.
    assert!(fit(sum, Covariance::Diag).is_ok());
    assert!(fit(vec![2.0; 300], Covariance::Spherical).is_ok());
}

#[test]
fn parameters_that_cannot_be_used_are_refused() {
    let matrix = Matrix::from_array(cases::normal(40, 2, 3).view()).unwrap();
    let default = Params::default;
    let wrong = [
        (Params { n_init: 0, ..default() }, "at least 1"),
        (Params { max_iter: 0, ..default() }, "at least 1"),
        (Params { tol: -1.0, ..default() }, "tol"),
        (Params { tol: f64::NAN, ..default() }, "tol"),
        (Params { reg_covar: f64::INFINITY, ..default() }, "reg_covar"),
    ];
    for (params, word) in wrong {
        let message = fitted(&Cpu::default(), &matrix, &[2], &params).unwrap_err().to_string();
        assert!(message.contains(word), "{message}");
    }
    for ks in [&[][..], &[0], &[2, 0]] {
        assert!(fitted(&Cpu::default(), &matrix, ks, &default()).is_err());
    }
    for labels in [vec![0; 39], vec![2; 40]] {
        assert!(from_labels(&matrix, 2, &labels, &default()).is_err());
    }
}

/// All k of a call, and each alone; the restart of the highest likelihood.
#[test]
fn restarts_of_all_k_share_passes_and_the_best_is_kept() {
    let matrix = Matrix::from_array(cases::normal(500, 3, 12).view()).unwrap();
    let cpu = Cpu::default();
    let params = Params { n_init: 5, seed: 3, ..Params::default() };
    let together = fitted(&cpu, &matrix, &[6, 2, 4], &params).unwrap();
    for (fit, k) in together.iter().zip([6, 2, 4]) {
        assert_eq!(fit.mixture.k(), k);
        assert_eq!(bits(fit), bits(&fitted(&cpu, &matrix, &[k], &params).unwrap()[0]));
        assert_eq!(fit.restarts.n, 5);
        let one = Params { n_init: 1, ..params.clone() };
        let first = fitted(&cpu, &matrix, &[k], &one).unwrap().remove(0);
        assert!(fit.lower_bound >= first.lower_bound, "k = {k}");
    }
    assert!(together[0].restarts.reached_best < 5, "six components have several optima");
}

#[test]
fn it_starts_from_centroids_and_stops_when_told() {
    let matrix = Matrix::from_array(cases::normal(400, 2, 21).view()).unwrap();
    let cpu = Cpu::default();
    let dataset = Dataset::load(&cpu, &matrix).unwrap();
    let centroids =
        Centroids { values: [-1.0, 0.0, 1.0, 0.5].map(|v| matrix.to_stored(v)).to_vec(), features: 2 };
    let nearest = dataset.lloyd(std::slice::from_ref(&centroids), true).unwrap().remove(0).labels.unwrap();
    let params = Params::default();
    let start = Start::Given(centroids);
    let given = fit_many(&dataset, &[2], &params, &start, Progress::none()).unwrap().remove(0);
    assert_eq!(bits(&given), bits(&from_labels(&matrix, 2, &nearest, &params).unwrap()));
    assert!(fit_many(&dataset, &[3], &params, &start, Progress::none()).is_err());
    let steps = AtomicUsize::new(0);
    let stop = |_: segmenta::progress::ProgressUpdate<'_>| steps.fetch_add(1, Relaxed) < 6;
    let endless = Params { tol: 0.0, max_iter: 1_000_000, ..params };
    let stopped = fit_many(&dataset, &[2], &endless, &start, Progress::new(&stop)).unwrap_err();
    assert!(matches!(stopped, Error::Interrupted), "{stopped}");
}

/// A partition has the rows of each component, their means, and what the mixture says about them.
#[test]
fn a_partition_has_all_that_an_analysis_needs() {
    let matrix = Matrix::from_array(cases::normal(300, 2, 14).view()).unwrap();
    let cpu = Cpu::default();
    let dataset = Dataset::load(&cpu, &matrix).unwrap();
    let params = Params::default();
    let found = params.partitions(&dataset, &[3, 1], &Start::KMeansPlusPlus, Progress::none()).unwrap();
    let fits = fitted(&cpu, &matrix, &[3, 1], &params).unwrap();
    for (partition, fit) in found.iter().zip(&fits) {
        assert_eq!(partition.labels.complete(), Some(&fit.labels[..]));
        assert_eq!(partition.details, Details::Gmm(fit.found.clone()));
        assert_eq!(partition.diagnostics.n_iter, Some(fit.n_iter));
        let Prototypes::Mixture(centroids, mixture) = &partition.prototypes else {
            panic!("another prototype")
        };
        assert_eq!(mixture, &fit.mixture);
        for (c, &size) in partition.sizes.iter().enumerate() {
            let own = (0..300).filter(|&i| fit.labels[i] == c as u32);
            assert_eq!(own.clone().count() as u64, size);
            let mean = own.map(|i| f64::from(matrix.value(i, 0))).sum::<f64>() / size as f64;
            assert!((f64::from(centroids.get(c)[0]) / mean - 1.0).abs() < 1e-5);
        }
    }
    // With one component the likelihood has a closed form, and so have the criteria.
    let Details::Gmm(one) = &found[1].details else { panic!("no details") };
    assert_eq!(one.parameters, 2 + 3);
    assert!((one.bic - (5.0 * libm::log(300.0) - 2.0 * one.log_likelihood)).abs() < 1e-9);
    assert!((one.aic - (10.0 - 2.0 * one.log_likelihood)).abs() < 1e-9);
}
