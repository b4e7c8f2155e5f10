//! Lists of nearest rows: on every device the same as a sort of all distances gives.

use crate::{cases, devices};
use ndarray::{Array2, Axis};
use segmenta::backend::{MOST_NEIGHBOURS, NeighbourLists, SelfMatches};
use segmenta::progress::Progress;
use segmenta::random::{Draws, Purpose};
use segmenta::{Dataset, Error, Matrix};

/// By sorting all rows of the table for each query.
fn by_sorting(matrix: &Matrix, queries: &Matrix, own: Option<&[u32]>, k: usize) -> NeighbourLists {
    let stored =
        |m: &Matrix| -> Vec<Vec<f64>> { (0..m.rows()).map(|i| m.row(i).map(f64::from).collect()).collect() };
    let (rows, points) = (stored(matrix), stored(queries));
    let mut lists = NeighbourLists { k, rows: Vec::new(), distances: Vec::new() };
    for (q, point) in points.iter().enumerate() {
        let squared = |row: &Vec<f64>| {
            row.iter().zip(point).fold(0.0, |sum, (a, b)| {
                let apart = a - b;
                sum + apart * apart
            })
        };
        let mut all: Vec<(f64, u32)> = (0..).zip(&rows).map(|(i, row)| (squared(row), i)).collect();
        all.retain(|(_, row)| own.is_none_or(|own| own[q] != *row));
        all.sort_by(|a, b| a.partial_cmp(b).unwrap());
        lists.rows.extend(all[..k].iter().map(|&(_, row)| row));
        lists.distances.extend(all[..k].iter().map(|&(squared, _)| matrix.to_user(squared.sqrt())));
    }
    lists
}

fn compare(expected: &NeighbourLists, got: &NeighbourLists, what: &str) {
    assert_eq!(
        (got.k, got.rows.len(), got.distances.len()),
        (expected.k, expected.rows.len(), expected.rows.len())
    );
    if let Some(at) = (0..got.rows.len()).find(|&at| {
        got.rows[at] != expected.rows[at] || got.distances[at].to_bits() != expected.distances[at].to_bits()
    }) {
        let q = at / got.k;
        let (got, expected): (Vec<_>, Vec<_>) = (got.of(q).collect(), expected.of(q).collect());
        panic!("{what}, query {q}: {got:?}, expected {expected:?}");
    }
}

/// The queries of a table: all of its own rows, some of them in another order, and other points.
fn check(name: &str, table: &Array2<f32>, ks: &[usize]) {
    let matrix = Matrix::from_array(table.view()).unwrap();
    let n = matrix.rows();
    let all: Vec<u32> = (0..n as u32).collect();
    let some: Vec<u32> = all.iter().rev().step_by(3).copied().collect();
    let few: Vec<u32> = all.iter().rev().step_by(n.div_ceil(9)).copied().collect();
    let selected = |rows: &[u32]| matrix.select(&rows.iter().map(|&row| row as usize).collect::<Vec<_>>());
    let beside = |count: usize| {
        let spread: Vec<f64> = matrix.magnitudes().iter().map(|&m| matrix.to_user(f64::from(m))).collect();
        let draws = Draws::new(3, Purpose::SynthTable);
        matrix.beside(count, |i, j| spread[j] * draws.at((i * 1000 + j) as u64).normal() / 2.0)
    };
    let queries: [(&str, Matrix, Option<&[u32]>); 5] = [
        ("its rows, with themselves", selected(&all), None),
        ("some rows", selected(&some), Some(&some)),
        ("few rows", selected(&few), Some(&few)),
        ("other points", beside(70), None),
        ("a few other points", beside(5), None),
    ];
    for &k in ks {
        let exclude = |own: Option<&[u32]>| own.is_none_or(|_| k < n);
        let expected: Vec<Option<NeighbourLists>> = queries
            .iter()
            .map(|(_, queries, own)| exclude(*own).then(|| by_sorting(&matrix, queries, *own, k)))
            .collect();
        let of_itself = (k < n).then(|| by_sorting(&matrix, &matrix, Some(&all), k));
        for setup in devices::all() {
            setup.run(|backend| {
                let rows = Dataset::load(backend, &matrix).unwrap();
                let what = |queries: &str| {
                    format!("{name}, {n} x {}, k = {k}, {queries}, {}", table.ncols(), setup.name)
                };
                for ((queries, points, own), expected) in queries.iter().zip(&expected) {
                    let own = own.map_or(SelfMatches::Include, SelfMatches::Exclude);
                    let got = rows.knn(points, own, k, Progress::none());
                    match expected {
                        Some(expected) => compare(expected, &got.unwrap(), &what(queries)),
                        None => assert!(got.is_err(), "{}", what(queries)),
                    }
                }
                if let Some(expected) = &of_itself {
                    let got = rows.knn(&matrix, SelfMatches::Exclude(&all), k, Progress::none()).unwrap();
                    compare(expected, &got, &what("all its rows"));
                }
            });
        }
    }
}

/// Whole numbers below `values`, so that many distances are equal and many rows too.
fn whole(rows: usize, features: usize, values: u64, index: u64) -> Array2<f32> {
    let mut draws = Draws::new(7, Purpose::SynthTable).at(index);
    Array2::from_shape_simple_fn((rows, features), || draws.below(values) as f32)
}

#[test]
fn lists_of_random_rows_are_exact() {
    for (rows, features, k) in
        [(2, 1, 1), (3, 2, 2), (65, 1, 64), (65, 26, 15), (1_000, 2, 15), (1_000, 26, 3), (2_500, 5, 64)]
    {
        check("normal", &cases::normal(rows, features, 601), &[k]);
    }
    for (features, k) in [(64, 15), (128, 1), (300, 15)] {
        check("normal", &cases::normal(400, features, 602), &[k]);
    }
}

#[test]
fn lists_of_rows_in_groups_are_exact() {
    // Groups far apart, whose boxes rule each other out, about points that are no whole numbers.
    let mut table = cases::normal(1_500, 8, 603);
    for (i, mut row) in table.rows_mut().into_iter().enumerate() {
        row += ((i % 7) * (i % 7)) as f32 * 3.7;
    }
    check("groups", &table, &[1, 15]);
}

#[test]
fn equally_near_rows_come_by_number() {
    for (rows, features, values) in [(65, 1, 9), (1_000, 3, 4), (1_000, 12, 2), (600, 40, 3)] {
        check("whole numbers", &whole(rows, features, values, 604), &[1, 15, 64]);
    }
    // The same, where f32 makes rounding errors: distances that are equal, but not exact.
    let tenths = whole(900, 4, 4, 605).mapv(|v| v / 10.0 + 0.05);
    check("tenths", &tenths, &[1, 15]);
}

#[test]
fn lists_with_many_copies_are_exact() {
    let distinct = cases::normal(40, 5, 606);
    let mut draws = Draws::new(7, Purpose::SynthTable).at(607);
    let some: Vec<usize> = (0..1_200).map(|_| (draws.uniform() * draws.uniform() * 40.0) as usize).collect();
    check("copies", &distinct.select(Axis(0), &some), &[1, 15, 64]);
    // Copies of rows at the same distance from others, whose numbers alternate.
    let four: Vec<usize> = (0..200).map(|i| (i * i + i / 7) % 4).collect();
    let square = ndarray::array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
    check("a square", &square.mapv(|v: f32| v / 3.0).select(Axis(0), &four), &[1, 15, 64]);
    check("all equal", &Array2::from_elem((300, 3), 0.3), &[1, 15]);
}

#[test]
fn lists_of_uneven_features_are_exact() {
    let mut table = cases::normal(500, 6, 608);
    for (column, scale) in table.columns_mut().into_iter().zip([1.0, 1e-6, 1e6, 0.0, 1e-3, 1.0f32]) {
        let mut column = column;
        column.mapv_inplace(|v| v * scale);
    }
    check("scales", &table, &[15]);
    check("far from 0", &table.mapv(|v| v + 3e7), &[15]);
    let mut draws = Draws::new(7, Purpose::SynthTable).at(609);
    let wide = Array2::from_shape_simple_fn((300, 6), || {
        let sign = if draws.uniform() < 0.5 { -1.0 } else { 1.0 };
        (sign * libm::exp((draws.uniform() * 2.0 - 1.0) * 69.0)) as f32
    });
    check("1e-30 to 1e30", &wide, &[1, 15]);
}

#[test]
fn rows_of_weight_0_are_neighbours_too() {
    let table = whole(300, 3, 5, 610);
    let weights: Vec<u16> = (0..300).map(|i| (i % 3) as u16).collect();
    let matrix = Matrix::from_array(table.view()).unwrap().weighted(weights).unwrap();
    let all: Vec<u32> = (0..300).collect();
    let expected = by_sorting(&matrix, &matrix, Some(&all), 9);
    for setup in devices::all() {
        let got = setup.run(|backend| {
            let rows = Dataset::load(backend, &matrix).unwrap();
            rows.knn(&matrix, SelfMatches::Exclude(&all), 9, Progress::none()).unwrap()
        });
        compare(&expected, &got, &setup.name);
    }
}

#[test]
fn a_search_that_cannot_be_is_an_error() {
    let matrix = Matrix::from_array(cases::normal(100, 2, 611).view()).unwrap();
    let all: Vec<u32> = (0..100).collect();
    for setup in devices::all() {
        setup.run(|backend| {
            let rows = Dataset::load(backend, &matrix).unwrap();
            let knn = |k, progress| rows.knn(&matrix, SelfMatches::Exclude(&all), k, progress);
            assert!(knn(0, Progress::none()).is_err());
            assert!(knn(MOST_NEIGHBOURS + 1, Progress::none()).is_err());
            let stopped = knn(5, Progress::new(&|_| false));
            assert!(matches!(stopped, Err(Error::Interrupted)), "{}", setup.name);
            let some = rows.knn(&matrix.select(&[1, 2]), SelfMatches::Exclude(&[1]), 5, Progress::none());
            assert!(some.is_err(), "a row to be excluded is missing");
        });
    }
}
