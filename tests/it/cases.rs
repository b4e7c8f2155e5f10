//! The tables on which every primitive is tested on every backend; `benches` times the primitives on some of them.

use ndarray::Array2;
use segmenta::Matrix;
use segmenta::canonical::Centroids;
use segmenta::random::{Draws, Purpose, Stream};

/// A table and centroid sets for it.
pub struct Case {
    pub name: String,
    pub matrix: Matrix,
    pub sets: Vec<Centroids>,
}

fn stream(index: u64) -> Stream {
    Draws::new(7, Purpose::SynthTable).at(index)
}

/// Standard normal values.
pub fn normal(rows: usize, features: usize, index: u64) -> Array2<f32> {
    let mut draws = stream(index);
    Array2::from_shape_simple_fn((rows, features), || draws.normal() as f32)
}

/// 0 and 1, with very many exact ties.
pub fn binary(rows: usize, features: usize) -> Array2<f32> {
    let mut draws = stream(1000);
    Array2::from_shape_simple_fn((rows, features), || f32::from(u8::from(draws.uniform() < 0.4)))
}

/// Few distinct rows, each many times.
fn duplicates() -> Array2<f32> {
    let distinct = normal(9, 5, 1001);
    let mut draws = stream(1002);
    let rows: Vec<usize> = (0..200).map(|_| draws.below(9) as usize).collect();
    distinct.select(ndarray::Axis(0), &rows)
}

/// Values from 1e-30 to 1e30 in both signs.
fn wide() -> Array2<f32> {
    let mut draws = stream(1003);
    Array2::from_shape_simple_fn((120, 6), || {
        let sign = if draws.uniform() < 0.5 { -1.0 } else { 1.0 };
        (sign * libm::exp((draws.uniform() * 2.0 - 1.0) * 69.0)) as f32
    })
}

/// Each column of `normal` times `scales[j]`, plus `shifts[j]`.
fn scaled(rows: usize, scales: &[f32], shifts: &[f32], index: u64) -> Array2<f32> {
    let mut a = normal(rows, scales.len(), index);
    for ((mut column, scale), shift) in a.columns_mut().into_iter().zip(scales).zip(shifts) {
        column.mapv_inplace(|v| v * scale + shift);
    }
    a
}

/// Rows half way between two points, or one unit in the last place beside that.
fn near_ties() -> Array2<f32> {
    let mut draws = stream(1004);
    let mut a = Array2::zeros((256, 4));
    for (i, mut row) in a.rows_mut().into_iter().enumerate() {
        for v in row.iter_mut().skip(1) {
            *v = draws.normal() as f32;
        }
        let half = 0.5f32;
        row[0] = match i % 4 {
            0 => half,
            1 => half.next_up(),
            2 => half.next_down(),
            _ => draws.uniform() as f32,
        };
    }
    // the two points
    for j in 0..4 {
        a[[0, j]] = 0.0;
        a[[1, j]] = f32::from(u8::from(j == 0));
    }
    a
}

/// Some rows of the table as centroids, as they are or moved a little.
fn rows_as_centroids(matrix: &Matrix, k: usize, moved: f64, index: u64) -> Centroids {
    let mut draws = stream(index);
    let d = matrix.features();
    let mut values = Vec::new();
    for _ in 0..k {
        let row: Vec<f32> = matrix.row(draws.below(matrix.rows() as u64) as usize).collect();
        values.extend(row.iter().map(|v| (f64::from(*v) * (1.0 + moved * draws.normal())) as f32));
    }
    Centroids { values, features: d }
}

fn case(name: &str, rows: Array2<f32>) -> Case {
    let matrix = Matrix::from_array(rows.view()).unwrap();
    let mut sets: Vec<Centroids> = [(1, 0.0), (2, 0.0), (3, 0.3), (5, 0.0), (8, 1e-6), (13, 0.5), (70, 0.2)]
        .iter()
        .enumerate()
        .map(|(i, &(k, moved))| rows_as_centroids(&matrix, k, moved, 2000 + i as u64))
        .collect();
    // Duplicate centroids: the later ones never win.
    let mut twice = rows_as_centroids(&matrix, 3, 0.1, 2100);
    twice.values.extend_from_within(..);
    sets.push(twice);
    if name == "near ties" {
        let two = (0..2).flat_map(|i| matrix.row(i).collect::<Vec<_>>()).collect();
        sets.push(Centroids { values: two, features: 4 });
    }
    Case { name: name.into(), matrix, sets }
}

/// Shapes worth timing: rows, features, k. Few features, the field's 26, many centroids, more features than a GPU's
/// kernels unroll.
pub const TIMED: [(usize, usize, usize); 4] =
    [(30_000, 4, 3), (10_000, 26, 5), (10_000, 26, 50), (4_000, 129, 8)];

/// Standard normal rows, and ten sets of `k` of them.
pub fn timed((rows, features, k): (usize, usize, usize)) -> Case {
    let matrix = Matrix::from_array(normal(rows, features, 3000).view()).unwrap();
    let sets = (0..10).map(|s| rows_as_centroids(&matrix, k, 0.1, 3001 + s)).collect();
    Case { name: format!("timed {rows} x {features}, k = {k}"), matrix, sets }
}

/// All of them; of those that are timed, a few rows.
pub fn all() -> Vec<Case> {
    let mut all: Vec<Case> =
        [(1, 1), (2, 3), (63, 4), (64, 5), (65, 26), (255, 3), (257, 26), (130, 129), (1100, 7)]
            .iter()
            .map(|&(n, d)| case(&format!("normal {n} x {d}"), normal(n, d, (n * 1000 + d) as u64)))
            .collect();
    all.extend(TIMED.map(|(rows, features, k)| timed((rows.min(100), features, k))));
    all.push(case("0/1", binary(300, 8)));
    all.push(case("duplicate rows", duplicates()));
    all.push(case("near ties", near_ties()));
    all.push(case("1e-30 to 1e30", wide()));
    all.push(case("one feature 1e6 times another", scaled(200, &[1e6, 1.0, 1.0], &[0.0; 3], 1005)));
    all.push(case("mean 1e6, deviation 1", scaled(200, &[1.0; 3], &[1e6; 3], 1006)));
    all.push(case("constant columns", scaled(100, &[0.0, 1.0, 0.0], &[3.5, 0.0, 0.0], 1007)));
    all.push(case("all zero", Array2::zeros((40, 2))));
    all.push(case("1e38", scaled(100, &[3e37, 3e37], &[0.0; 2], 1008)));
    all.push(case("subnormal", scaled(100, &[1e-40, 1e-41], &[0.0; 2], 1009)));
    all.push(case("tiny beside large", scaled(100, &[1e20, 1e-18, 1.0], &[0.0; 3], 1010)));
    all
}
