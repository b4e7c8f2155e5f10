//! Against the world: what scikit-learn answers (tests/peers/goldens.py), on made tables and on real ones.

use crate::{devices, oracle};
use ndarray::Array2;
use segmenta::Dataset;
use segmenta::Matrix;
use segmenta::canonical::Centroids;
use segmenta::cluster::{Fit, Params, Restarts, Start, fit};
use segmenta::progress::Progress;
use segmenta::recipe::{ColumnEncoder, Encoder, InferOptions, Missing, Scale};
use segmenta::table::{Column, ReadOptions, Table, Values, read};
use serde::Deserialize;
use std::path::Path;

/// The whole file, but for the versions that it was made with.
#[derive(Deserialize)]
pub struct Goldens {
    scaler: Scaler,
    pub beta: Vec<Beta>,
    pub made: Vec<Made>,
    real: Vec<Real>,
}

/// The upper tail of Beta(m, m) at h.
#[derive(Deserialize)]
pub struct Beta {
    pub m: u32,
    pub h: f64,
    pub p: f64,
}

/// How a table is made.
#[derive(Deserialize)]
pub struct Shape {
    rows: usize,
    features: usize,
    blobs: usize,
    spread: f64,
    seed: u64,
}

#[derive(Deserialize)]
struct Scaler {
    #[serde(flatten)]
    shape: Shape,
    mean: Vec<f64>,
    scale: Vec<f64>,
    columns: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
pub struct Made {
    pub name: String,
    #[serde(flatten)]
    shape: Shape,
    start: Vec<Vec<f32>>,
    labels: String,
    inertia: f64,
    n_iter: usize,
    centroids: Vec<Vec<f64>>,
    pub silhouette: f64,
    pub silhouettes: Option<Vec<f64>>,
}

#[derive(Deserialize)]
struct Real {
    name: String,
    rows: usize,
    k: usize,
    start: Vec<usize>,
    labels: String,
    inertia: f64,
    n_iter: usize,
    sizes: Vec<u64>,
}

pub fn load() -> Goldens {
    serde_json::from_str(include_str!("../peers/goldens.json")).unwrap()
}

/// The columns that goldens.py makes: whole multiples of 2^-15, so that both sides have the same bits.
impl Shape {
    /// The table as it is, without scaling.
    pub fn matrix(&self) -> Matrix {
        let columns = made(self).into_iter().map(|c| c.into_iter().map(|v| v as f32).collect()).collect();
        named(columns, 0.0)
    }

    /// Another shape with as many rows.
    pub fn like(&self, features: usize, blobs: usize, spread: f64, more_seed: u64) -> Shape {
        Shape { rows: self.rows, features, blobs, spread, seed: self.seed + more_seed }
    }
}

fn made(shape: &Shape) -> Vec<Vec<f64>> {
    let mut columns = vec![Vec::new(); shape.features];
    let mut state = shape.seed;
    for i in 0..shape.rows {
        for (j, column) in columns.iter_mut().enumerate() {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let centre = ((i % shape.blobs) * (j + 3) % 7) as f64;
            column.push(centre + shape.spread * (state >> 48) as f64 / 4096.0);
        }
    }
    columns
}

fn named(columns: Vec<Vec<f32>>, reach: f32) -> Matrix {
    let names = (0..columns.len()).map(|j| format!("f{j}")).collect();
    Matrix::with_room_for(names, columns, reach).unwrap()
}

impl Made {
    pub fn matrix(&self) -> Matrix {
        let columns = made(&self.shape).into_iter().map(|c| c.into_iter().map(|v| v as f32).collect());
        named(columns.collect(), self.start.iter().flatten().fold(0.0, |m, v| v.abs().max(m)))
    }

    pub fn labels(&self) -> Vec<u32> {
        digits(&self.labels)
    }
}

fn digits(labels: &str) -> Vec<u32> {
    labels.chars().map(|c| c.to_digit(36).unwrap()).collect()
}

/// A real table, its columns and its scaling as the list of reference results has them; none without the data.
pub fn real(name: &str, scale: Scale) -> Option<Matrix> {
    let Some(data) = std::env::var_os("SEGMENTA_DATA") else {
        devices::skip(&format!("SEGMENTA_DATA is not set: {name} is not tried"));
        return None;
    };
    let (file, columns) = match name {
        "oulad" => (
            "oulad/learners.csv".into(),
            "studied_credits num_of_prev_attempts date_registration n_assessments mean_score mean_days_early \
             weight_done weighted_points",
        ),
        "cdnow" => ("cdnow/customers_rfm.csv".into(), "recency_days frequency monetary"),
        _ => (format!("classic/{name}.csv"), "*"),
    };
    let mut table = read(&Path::new(&data).join(file), &ReadOptions::default()).unwrap();
    if name == "cdnow" {
        for column in &mut table.columns {
            if let Values::Number(values) = &mut column.values {
                values.iter_mut().for_each(|v| *v = libm::log1p(*v));
            }
        }
    }
    let options = InferOptions {
        features: columns.split_whitespace().map(String::from).collect(),
        drop: if columns == "*" { vec!["target".into()] } else { Vec::new() },
        scale,
        missing: Missing::Drop,
        ..InferOptions::default()
    };
    let encoder = Encoder::fit(&table, &options).unwrap().0;
    Some(Matrix::from_columns(encoder.feature_names(), encoder.apply(&table).unwrap().columns).unwrap())
}

/// The same labels but where a row's two nearest centroids are within 1e-6 of each other; how many such rows differ.
fn same_labels(
    matrix: &Matrix,
    centroids: &Centroids,
    expected: &[u32],
    got: &[u32],
) -> Result<usize, String> {
    assert_eq!(expected.len(), got.len());
    let centroids =
        Array2::from_shape_fn((centroids.k(), matrix.features()), |(c, j)| centroids.get(c)[j].into());
    let distances = oracle::squared(&oracle::stored(matrix), &centroids).mapv(f64::sqrt);
    let mut ties = 0;
    for (i, (&e, &g)) in expected.iter().zip(got).enumerate().filter(|(_, (e, g))| e != g) {
        let mut sorted = distances.row(i).to_vec();
        sorted.sort_by(f64::total_cmp);
        let near = |label: u32| distances[[i, label as usize]] <= sorted[0] * (1.0 + 1e-6);
        if !near(e) || !near(g) {
            return Err(format!("row {i} has label {g}, expected {e}"));
        }
        ties += 1;
    }
    Ok(ties)
}

/// Labels numbered by their first rows: for comparisons that leave the clusters' order open.
fn by_first_row(labels: &[u32]) -> Vec<u32> {
    let mut order = Vec::new();
    for label in labels {
        if !order.contains(label) {
            order.push(*label);
        }
    }
    labels.iter().map(|l| order.iter().position(|o| o == l).unwrap() as u32).collect()
}

fn close(what: &str, expected: f64, got: f64, relative: f64) -> Result<(), String> {
    oracle::close(expected, got, relative, 1e-12).map_err(|why| format!("{what}: {why}"))
}

fn check_made(golden: &Made, matrix: &Matrix, fit: &Fit) -> Result<(), String> {
    close("inertia", golden.inertia, fit.inertia, 1e-6)?;
    // Which of two farthest rows goes to which empty cluster is open in scikit-learn.
    if golden.name.contains("two far") {
        let (expected, got) = (by_first_row(&golden.labels()), by_first_row(&fit.labels));
        return if expected == got { Ok(()) } else { Err(format!("labels {got:?}, expected {expected:?}")) };
    }
    let ties = same_labels(matrix, &fit.centroids, &golden.labels(), &fit.labels)?;
    if ties == 0 {
        if fit.n_iter != golden.n_iter {
            return Err(format!("{} passes, expected {}", fit.n_iter, golden.n_iter));
        }
        for (expected, got) in golden.centroids.iter().flatten().zip(&fit.centroids.values) {
            close("a centroid", *expected, matrix.to_user(f64::from(*got)), 1e-6)?;
        }
    }
    Ok(())
}

fn params() -> Params {
    Params { n_init: 1, max_init: 0, max_iter: 300, tol: 0.0, seed: 0 }
}

#[test]
fn kmeans_of_made_tables() {
    let goldens = load();
    assert_eq!(goldens.made.len(), 20);
    for golden in &goldens.made {
        let matrix = golden.matrix();
        let values = golden.start.iter().flatten().map(|&v| matrix.to_stored(f64::from(v))).collect();
        let start = Start::Given(Centroids { values, features: matrix.features() });
        for setup in devices::all() {
            let fit = setup.run(|backend| {
                let rows = Dataset::load(backend, &matrix).unwrap();
                fit(&rows, golden.start.len(), &params(), &start, Progress::none()).unwrap()
            });
            assert!(fit.converged);
            if let Err(why) = check_made(golden, &matrix, &fit) {
                panic!("{} on {}: {why}", golden.name, setup.name);
            }
        }
    }
}

#[test]
fn kmeans_of_real_tables() {
    for golden in load().real {
        let scale = if ["iris", "digits"].contains(&&*golden.name) { Scale::None } else { Scale::Standard };
        let Some(matrix) = real(&golden.name, scale) else { continue };
        assert_eq!(matrix.rows(), golden.rows, "{}", golden.name);
        let values = golden.start.iter().flat_map(|&i| matrix.row(i).collect::<Vec<_>>()).collect();
        let start = Start::Given(Centroids { values, features: matrix.features() });
        // One CPU and every GPU: the rest is for the tests of bit-identity.
        for setup in
            devices::all().iter().filter(|s| s.name == "cpu, 2 threads" || !s.name.starts_with("cpu"))
        {
            let fit = setup.run(|backend| {
                let rows = Dataset::load(backend, &matrix).unwrap();
                fit(&rows, golden.k, &params(), &start, Progress::none()).unwrap()
            });
            let name = format!("{} on {}", golden.name, setup.name);
            close(&name, golden.inertia, fit.inertia, 1e-6).unwrap();
            let ties = same_labels(&matrix, &fit.centroids, &digits(&golden.labels), &fit.labels);
            let ties = ties.unwrap_or_else(|why| panic!("{name}: {why}"));
            if ties == 0 {
                assert_eq!((fit.n_iter, &fit.sizes), (golden.n_iter, &golden.sizes), "{name}");
            }
        }
    }
}

#[test]
fn standard_scaling() {
    let golden = load().scaler;
    let columns = (made(&golden.shape).into_iter().enumerate())
        .map(|(j, values)| Column { name: format!("f{j}"), values: Values::Number(values) });
    let table = Table { source: "made".into(), rows: 50, columns: columns.collect(), ..Table::default() };
    let encoder = Encoder::fit(&table, &InferOptions::default()).unwrap().0;
    for (encoder, (mean, deviation)) in encoder.columns.iter().zip(golden.mean.iter().zip(&golden.scale)) {
        let ColumnEncoder::Number { centre, scale, .. } = encoder else { panic!("{encoder:?}") };
        close("mean", *mean, *centre, 1e-13).unwrap();
        close("deviation", *deviation, *scale, 1e-13).unwrap();
    }
    let encoded = encoder.apply(&table).unwrap().columns;
    assert_eq!(encoded.len(), golden.columns.len());
    for (expected, got) in golden.columns.iter().flatten().zip(encoded.iter().flatten()) {
        oracle::close(*expected, f64::from(*got), 6e-8, 1e-14).unwrap();
    }
}

#[test]
fn the_comparison_notices_wrong_answers() {
    let golden = load().made.remove(0);
    let matrix = golden.matrix();
    let values = golden.centroids.iter().flatten().map(|&v| matrix.to_stored(v)).collect();
    let right = Fit {
        k: golden.start.len(),
        centroids: Centroids { values, features: matrix.features() },
        labels: golden.labels(),
        sizes: Vec::new(),
        weights: Vec::new(),
        inertia: golden.inertia,
        n_iter: golden.n_iter,
        converged: true,
        restart: 0,
        restarts: Restarts { n: 1, reached_best: 1 },
        seeded_on_sample: false,
        f64_fallbacks: Vec::new(),
    };
    check_made(&golden, &matrix, &right).unwrap();
    let wrong = |change: &dyn Fn(&mut Fit)| {
        let mut fit = right.clone();
        change(&mut fit);
        assert!(check_made(&golden, &matrix, &fit).is_err());
    };
    wrong(&|fit| fit.labels[5] ^= 1);
    wrong(&|fit| fit.inertia *= 1.0 + 2e-6);
    wrong(&|fit| fit.n_iter += 1);
    wrong(&|fit| fit.centroids.values[3] *= 1.0 + 2e-6);
    assert_eq!(by_first_row(&[2, 2, 0, 1, 0]), [0, 0, 1, 2, 1]);
}
