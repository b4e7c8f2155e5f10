//! DBSCAN: scikit-learn's clusters (tests/peers/dbscan.py), the definition taken literally, weights, and new rows.

use crate::{cases, devices, oracle};
use ndarray::Array2;
use segmenta::backend::Backend;
use segmenta::backend::cpu::{Cpu, InstructionSet};
use segmenta::cluster::dbscan::{Found, GridPoint, Params, nearest_clusters};
use segmenta::cluster::{Algorithm as _, Details, Partition, Prototypes, Start};
use segmenta::progress::Progress;
use segmenta::weights::Weights;
use segmenta::{Dataset, Error, Matrix, Result};
use serde::Deserialize;
use std::collections::VecDeque;

#[derive(Deserialize)]
struct Goldens {
    cases: Vec<Golden>,
}

#[derive(Deserialize)]
struct Golden {
    name: String,
    features: usize,
    /// In units of 2^-12.
    values: Vec<i32>,
    weights: Option<Vec<f64>>,
    repeat: Option<Vec<usize>>,
    fits: Vec<GoldenFit>,
    /// The largest and the smallest distance to the k-th nearest row, and the sum of all.
    k_distances: Option<[f64; 3]>,
}

#[derive(Deserialize)]
struct GoldenFit {
    eps: f64,
    min_samples: u32,
    labels: Vec<i64>,
}

impl Golden {
    fn matrix(&self) -> Matrix {
        let rows: Vec<Vec<f32>> = self
            .values
            .chunks(self.features)
            .map(|row| row.iter().map(|&v| v as f32 / 4096.0).collect())
            .collect();
        let table: Vec<f32> = match &self.repeat {
            None => rows.concat(),
            Some(repeat) => rows
                .iter()
                .zip(repeat)
                .flat_map(|(row, &n)| std::iter::repeat_n(row, n).flatten())
                .copied()
                .collect(),
        };
        let table = Array2::from_shape_vec((table.len() / self.features, self.features), table).unwrap();
        let matrix = Matrix::from_array(table.view()).unwrap();
        match &self.weights {
            Some(weights) => matrix.weighted(weights.clone()).unwrap(),
            None => matrix,
        }
    }
}

fn fit(backend: &dyn Backend, matrix: &Matrix, params: &Params) -> Result<Partition> {
    let dataset = Dataset::load(backend, matrix)?;
    let mut found = params.partitions(&dataset, &[], &Start::KMeansPlusPlus, Progress::none())?;
    assert_eq!(found.len(), 1);
    Ok(found.remove(0))
}

fn on_cpu(matrix: &Matrix, eps: &[f64], min_samples: &[u32]) -> Result<Partition> {
    fit(&Cpu::default(), matrix, &Params { eps: eps.to_vec(), min_samples: min_samples.to_vec() })
}

fn details(partition: &Partition) -> &Found {
    let Details::Dbscan(found) = &partition.details else { panic!("{:?}", partition.details) };
    found
}

fn labels(partition: &Partition) -> Vec<i64> {
    partition.labels.iter().map(|label| label.map_or(-1, i64::from)).collect()
}

/// The labels of a fit, in which no cluster is an error.
fn labels_or_noise(fit: Result<Partition>, rows: usize) -> Vec<i64> {
    match fit {
        Ok(partition) => labels(&partition),
        Err(error) => {
            assert!(error.to_string().contains("finds no cluster"), "{error}");
            vec![-1; rows]
        }
    }
}

/// The definition, with every distance at hand: clusters grow from the first core row that has none yet, and take what no
/// earlier cluster has taken.
fn by_definition(matrix: &Matrix, copies: &[f64], eps: f64, min_samples: u32) -> Vec<i64> {
    let rows = oracle::stored(matrix);
    let squared = oracle::squared(&rows, &rows);
    let radius = eps / matrix.to_user(1.0);
    let near =
        |i: usize| (0..rows.nrows()).filter(|&j| squared[[i, j]] <= radius * radius).collect::<Vec<_>>();
    let neighbours: Vec<Vec<usize>> = (0..rows.nrows()).map(near).collect();
    let is_core = |i: usize| {
        copies[i] > 0.0 && neighbours[i].iter().map(|&j| copies[j]).sum::<f64>() >= f64::from(min_samples)
    };
    let mut labels = vec![-1; rows.nrows()];
    let mut next = 0;
    for first in 0..rows.nrows() {
        if labels[first] >= 0 || !is_core(first) {
            continue;
        }
        let mut waiting = VecDeque::from([first]);
        labels[first] = next;
        while let Some(row) = waiting.pop_front() {
            for &other in neighbours[row].iter().filter(|_| is_core(row)) {
                if labels[other] < 0 {
                    labels[other] = next;
                    waiting.push_back(other);
                }
            }
        }
        next += 1;
    }
    labels
}

#[test]
fn clusters_are_scikit_learns() {
    let goldens: Goldens = serde_json::from_str(include_str!("../peers/dbscan.json")).unwrap();
    assert_eq!(goldens.cases.len(), 20);
    for golden in &goldens.cases {
        let matrix = golden.matrix();
        for setup in devices::all() {
            for own in &golden.fits {
                let params = Params { eps: vec![own.eps], min_samples: vec![own.min_samples] };
                let got = setup.run(|backend| labels_or_noise(fit(backend, &matrix, &params), matrix.rows()));
                assert_eq!(
                    got, own.labels,
                    "{}, eps {}, min_samples {} on {}",
                    golden.name, own.eps, own.min_samples, setup.name
                );
            }
        }
    }
}

#[test]
fn the_curve_of_k_distances_is_scikit_learns() {
    let goldens: Goldens = serde_json::from_str(include_str!("../peers/dbscan.json")).unwrap();
    let mut compared = 0;
    for golden in &goldens.cases {
        let Some([most, least, sum]) = golden.k_distances else { continue };
        let matrix = golden.matrix();
        let own = &golden.fits[0];
        let Ok(partition) = on_cpu(&matrix, &[own.eps, 1e6], &[own.min_samples]) else { continue };
        let curve = &details(&partition).k_distances;
        assert_eq!((curve.k, curve.sampled_rows.is_some()), (own.min_samples, false), "{}", golden.name);
        let distances = &curve.distances;
        assert_eq!(distances.len(), matrix.rows().min(201), "{}", golden.name);
        assert!(distances.is_sorted_by(|a, b| a >= b), "{}: {distances:?}", golden.name);
        let close = |expected: f64, got: f64| oracle::close(expected, got, 1e-6, 1e-9).unwrap();
        close(most, distances[0]);
        close(least, *distances.last().unwrap());
        if matrix.rows() <= 201 {
            close(sum, distances.iter().sum());
        }
        compared += 1;
    }
    assert!(compared > 15, "{compared}");
}

/// A name, a table, and radii and numbers of rows to try.
type Trial = (&'static str, Array2<f32>, Vec<f64>, Vec<u32>);

/// Tables with many equal distances, with none, with far clusters and with more features than a vector has lanes.
fn tables() -> Vec<Trial> {
    let lattice = cases::normal(500, 3, 4).mapv(|v| (2.0 * v).round());
    let halves = cases::normal(400, 2, 5).mapv(|v| (4.0 * v).round() / 4.0);
    let mut far = cases::normal(700, 5, 6);
    for (i, mut row) in far.rows_mut().into_iter().enumerate() {
        row[0] += (i % 4) as f32 * 100_000.0;
    }
    vec![
        ("one feature", cases::normal(333, 1, 1), vec![0.01, 0.02, 0.1], vec![2, 5, 20]),
        ("normal", cases::normal(600, 4, 2), vec![0.5, 0.8, 1.2], vec![1, 4, 12]),
        ("many features", cases::normal(200, 37, 3), vec![6.0, 7.0, 8.0], vec![3, 30]),
        ("lattice", lattice, vec![1.0, 2.0, 3.0], vec![3, 9, 40]),
        ("halves", halves, vec![0.25, 0.5], vec![3, 8]),
        ("far apart", far, vec![0.9, 1.4], vec![4, 10]),
    ]
}

#[test]
fn a_grid_has_the_clusters_of_the_definition() {
    for (name, table, eps, min_samples) in tables() {
        let matrix = Matrix::from_array(table.view()).unwrap();
        let copies = vec![1.0; matrix.rows()];
        let grid = details(&on_cpu(&matrix, &eps, &min_samples).unwrap()).grid.clone();
        let mut points = grid.iter();
        for &e in &eps {
            for &m in &min_samples {
                let expected = by_definition(&matrix, &copies, e, m);
                let alone = labels_or_noise(on_cpu(&matrix, &[e], &[m]), matrix.rows());
                assert_eq!(alone, expected, "{name}, eps {e}, min_samples {m}");
                let clusters = (expected.iter().max().unwrap() + 1) as usize;
                let share = |label: i64| {
                    expected.iter().filter(|own| **own == label).count() as f64 / expected.len() as f64
                };
                let largest_share = (0..clusters as i64).map(share).fold(0.0, f64::max);
                let point =
                    GridPoint { eps: e, min_samples: m, clusters, noise_share: share(-1), largest_share };
                assert_eq!(points.next(), Some(&point), "{name}");
            }
        }
        assert!(points.next().is_none());
    }
}

#[test]
fn threads_instruction_sets_and_devices_agree() {
    let table = cases::normal(5_000, 6, 9);
    let matrix = Matrix::from_array(table.view()).unwrap();
    let params = Params { eps: vec![0.7, 1.0], min_samples: vec![4, 10] };
    let expected = fit(&Cpu::default(), &matrix, &params).unwrap();
    assert!(details(&expected).k_distances.sampled_rows == Some(2_000), "a sample of rows");
    for setup in devices::all() {
        let got = setup.run(|backend| fit(backend, &matrix, &params)).unwrap();
        assert_eq!(got, expected, "{}", setup.name);
    }
}

#[test]
fn a_weight_is_a_number_of_copies() {
    for (name, table, eps, min_samples) in tables() {
        let rows = table.nrows();
        let copies: Vec<f64> = (0..rows).map(|row| [1.0, 0.0, 3.0, 1.0, 2.0][row % 5]).collect();
        let plain = Matrix::from_array(table.view()).unwrap();
        let weighted = plain.clone().with_weights(Weights::new(&copies).unwrap()).unwrap();
        let repeated: Vec<usize> =
            (0..rows).flat_map(|row| std::iter::repeat_n(row, copies[row] as usize)).collect();
        let by_copies = on_cpu(&plain.select(&repeated), &eps, &min_samples).unwrap();
        let by_weight = on_cpu(&weighted, &eps, &min_samples).unwrap();
        assert_eq!(details(&by_weight), details(&by_copies), "{name}");
        assert_eq!(by_weight.weights, by_copies.weights, "{name}");
        let of_copies: Vec<Option<u32>> = repeated.iter().map(|&row| by_weight.labels.get(row)).collect();
        assert_eq!(by_copies.labels, of_copies.into_iter().collect(), "{name}");
        assert_eq!(by_weight.prototypes, by_copies.prototypes, "{name}");
        let Found { eps, min_samples, .. } = details(&by_weight).clone();
        let expected = by_definition(&weighted, &copies, eps, min_samples);
        for (row, expected) in expected.into_iter().enumerate().filter(|(row, _)| copies[*row] > 0.0) {
            assert_eq!(by_weight.labels.get(row).map_or(-1, i64::from), expected, "{name}, row {row}");
        }
    }
}

/// Weights that are no whole numbers count relative to their mean, whatever their unit.
#[test]
fn a_constant_factor_of_fractional_weights_changes_nothing() {
    let table = cases::normal(300, 2, 12);
    let weights: Vec<f64> = (0..300).map(|row| 0.5 + f64::from(row % 7) / 3.0).collect();
    let plain = Matrix::from_array(table.view()).unwrap();
    let weighted = |factor: f64| {
        plain.clone().weighted(weights.iter().map(|w| w * factor).collect::<Vec<f64>>()).unwrap()
    };
    let expected = on_cpu(&weighted(1.0), &[0.3], &[5]).unwrap();
    assert!(expected.k > 0 && expected.labels.complete().is_none());
    for factor in [0.1, 7.0, 1e-12, 1e12] {
        assert_eq!(on_cpu(&weighted(factor), &[0.3], &[5]).unwrap().labels, expected.labels, "{factor}");
    }
    // Weights that are as far apart as weights can be, of which the heavy rows are core points all by themselves.
    let uneven: Vec<f64> = (0..300).map(|row| if row % 2 == 0 { 1e12 + 0.5 } else { 1.0 }).collect();
    let heavy = on_cpu(&plain.clone().weighted(uneven).unwrap(), &[1e-9], &[1]).unwrap();
    assert_eq!(heavy.k, 150);
    assert!((0..300).all(|row| heavy.labels.get(row).is_some() == (row % 2 == 0)));
}

#[test]
fn what_finds_no_cluster_says_what_to_change() {
    let matrix = Matrix::from_array(cases::normal(100, 3, 1).view()).unwrap();
    let said = |eps: &[f64], min_samples: &[u32]| on_cpu(&matrix, eps, min_samples).unwrap_err().to_string();
    let nothing = said(&[1e-6, 1e-7], &[5]);
    assert!(
        nothing.contains("Raise --eps (the knee") && nothing.contains("5 rows within eps 0.000001"),
        "{nothing}"
    );
    assert!(said(&[1.0], &[101]).contains("lower --min-samples"));
    assert!(said(&[], &[101]).contains("fewer than 101 rows"));
    let equal = Matrix::from_columns(vec!["x".into()], vec![vec![1.0; 30]]).unwrap();
    let equal = on_cpu(&equal, &[], &[5]).unwrap_err().to_string();
    assert!(equal.contains("30 copies") || equal.contains("say one with --eps"), "{equal}");
    for (eps, min_samples) in
        [(vec![0.0], 5), (vec![f64::NAN], 5), (vec![-1.0], 5), (vec![1.0], 0), (vec![1.0; 65], 5)]
    {
        let params = Params { eps, min_samples: vec![min_samples] };
        assert!(matches!(fit(&Cpu::default(), &matrix, &params), Err(Error::Usage(_))), "{params:?}");
    }
    // Radii at the ends of what numbers can be.
    assert!(on_cpu(&matrix, &[f64::MIN_POSITIVE], &[2]).is_err());
    assert_eq!(on_cpu(&matrix, &[f64::MAX], &[5]).unwrap().sizes, [100]);
}

/// The model is of the first pair that finds at least two clusters; without `eps`, of the suggested one.
#[test]
fn a_grid_settles_on_one_pair() {
    let table = cases::normal(600, 2, 21);
    let matrix = Matrix::from_array(table.view()).unwrap();
    let partition = on_cpu(&matrix, &[9.0, 0.001, 0.25, 0.2], &[5, 12]).unwrap();
    let found = details(&partition);
    assert_eq!(found.grid.len(), 8);
    assert_eq!((found.grid[0].clusters, found.grid[2].clusters), (1, 0));
    let first = found.grid.iter().find(|point| point.clusters > 1).unwrap();
    assert_eq!((found.eps, found.min_samples), (first.eps, first.min_samples));
    let alone = on_cpu(&matrix, &[first.eps], &[first.min_samples]).unwrap();
    assert_eq!(alone.labels, partition.labels);
    let suggested = on_cpu(&matrix, &[], &[5]).unwrap();
    assert_eq!(Some(details(&suggested).eps), found.suggested_eps);
    // With copies of everything, the k-th nearest row of a row is mostly itself.
    let repeated: Vec<usize> = (0..600).flat_map(|row| [row; 5]).collect();
    let repeated = on_cpu(&matrix.select(&repeated), &[0.25], &[5]).unwrap();
    assert_eq!(details(&repeated).suggested_eps, None);
}

#[test]
fn a_new_row_follows_its_nearest_core_point() {
    let table = cases::normal(500, 3, 30);
    let matrix = Matrix::from_array(table.view()).unwrap();
    let partition = on_cpu(&matrix, &[0.45], &[6]).unwrap();
    let Prototypes::CorePoints(core) = &partition.prototypes else { panic!("{:?}", partition.prototypes) };
    let new = Matrix::on_grid(
        vec!["a".into(), "b".into(), "c".into()],
        (0..3).map(|j| cases::normal(400, 3, 31).column(j).to_vec()).collect(),
        matrix.grid(),
        64.0,
    )
    .unwrap();
    let scale = (new.to_user(1.0) / matrix.to_user(1.0)).recip() as f32;
    let points: Vec<Vec<f32>> = core.points.iter().map(|p| p.iter().map(|v| v * scale).collect()).collect();
    let got = nearest_clusters(InstructionSet::default(), &new, &points, core.eps);
    let rows = oracle::stored(&new);
    let mut noise = 0;
    for (row, values) in rows.rows().into_iter().enumerate() {
        let mut best = (f64::INFINITY, None);
        for (cluster, points) in (0u32..).zip(&points) {
            for point in points.chunks(3) {
                let distance =
                    values.iter().zip(point).map(|(x, &p)| (x - f64::from(p)).powi(2)).sum::<f64>();
                if distance < best.0 {
                    best = (distance, Some(cluster));
                }
            }
        }
        let expected = best.1.filter(|_| new.to_user(best.0.sqrt()) <= core.eps);
        noise += usize::from(expected.is_none());
        assert_eq!(got.get(row), expected, "row {row}");
    }
    assert!(noise > 0 && noise < 400, "{noise}");
    // Core points of the fit get their own clusters again.
    let again = nearest_clusters(InstructionSet::default(), &matrix, &core.points, core.eps);
    for (row, label) in partition.labels.iter().enumerate() {
        if partition.k > 0 && label.is_some() {
            assert!(again.get(row).is_some(), "row {row} is near a core point");
        } else {
            assert_eq!(again.get(row), None, "row {row} is noise");
        }
    }
}

#[test]
fn progress_can_stop_it() {
    let matrix = Matrix::from_array(cases::normal(3_000, 4, 2).view()).unwrap();
    let cpu = Cpu::default();
    let dataset = Dataset::load(&cpu, &matrix).unwrap();
    let params = Params { eps: vec![0.6], min_samples: vec![5] };
    let steps = std::sync::atomic::AtomicUsize::new(0);
    let run = |most: usize| {
        steps.store(0, std::sync::atomic::Ordering::Relaxed);
        let step = |_: segmenta::progress::ProgressUpdate<'_>| {
            steps.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < most
        };
        params.partitions(&dataset, &[], &Start::KMeansPlusPlus, Progress::new(&step))
    };
    run(usize::MAX).unwrap();
    let all = steps.load(std::sync::atomic::Ordering::Relaxed);
    assert!(all > 4, "{all}");
    for most in 0..all {
        assert!(matches!(run(most), Err(Error::Interrupted)), "{most} of {all}");
    }
}
