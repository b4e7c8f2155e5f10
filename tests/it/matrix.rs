//! The matrix: snapping, the shift, and rows made from rows.

use crate::cases;
use ndarray::Array2;
use proptest::prelude::*;
use segmenta::{Error, Matrix};

fn names(d: usize) -> Vec<String> {
    (0..d).map(|j| format!("column {j}")).collect()
}

fn matrix(columns: &[Vec<f32>]) -> Matrix {
    Matrix::from_columns(names(columns.len()), columns.to_vec()).unwrap()
}

fn of(columns: &[&[f32]]) -> Matrix {
    matrix(&columns.iter().map(|c| c.to_vec()).collect::<Vec<_>>())
}

/// Row `i` in the user's units.
fn user(matrix: &Matrix, i: usize) -> Vec<f64> {
    matrix.row(i).map(|v| matrix.to_user(f64::from(v))).collect()
}

/// The least power of two that is above `m / 2^31`, found by trying; `finest` is the least that may be used.
fn step(m: f32, finest: f64) -> f64 {
    if m == 0.0 {
        return 1.0;
    }
    let mut step = 2f64.powi(-300);
    while f64::from(m) >= step * 2147483648.0 || step < finest {
        step *= 2.0;
    }
    step
}

/// The nearest whole number of steps, the even one of two.
fn snapped(v: f32, step: f64) -> f64 {
    let steps = f64::from(v) / step;
    let (below, part) = (steps.floor(), steps - steps.floor());
    let up = part > 0.5 || (part == 0.5 && below % 2.0 != 0.0);
    (below + f64::from(u8::from(up))) * step
}

fn check(columns: &[Vec<f32>]) -> Result<(), TestCaseError> {
    let (matrix, d) = (matrix(columns), columns.len());
    let finest = 2f64.powi(-126) * 2f64.powi(-matrix.shift());
    let largest = columns.iter().flatten().fold(0f64, |m, v| m.max(f64::from(v.abs())));
    for (j, column) in columns.iter().enumerate() {
        let magnitude = column.iter().fold(0f32, |m, v| m.max(v.abs()));
        let step = step(magnitude, finest);
        prop_assert_eq!(matrix.grid().step(j), step, "the step of column {}", j);
        for (i, &v) in column.iter().enumerate() {
            let stored = matrix.row(i).nth(j).unwrap();
            let expected = snapped(v, step);
            prop_assert_eq!(matrix.to_user(f64::from(stored)), expected, "row {}, column {}: {:e}", i, j, v);
            prop_assert!(stored != 0.0 || stored.is_sign_positive(), "-0");
            prop_assert!((expected / step).abs() <= 2147483648.0);
            prop_assert!(expected.abs() > f64::from(f32::MAX) || f64::from(expected as f32) == expected);
            let steps = if magnitude == 0.0 { 0.0 } else { stored * matrix.steps_per_unit(j) };
            prop_assert_eq!(f64::from(steps), expected / step);
        }
    }
    // Squared distances stay below 2^100 with room for far centroids, but no bits are given away.
    let farthest = d as f64 * (2.0 * largest * 2f64.powi(matrix.shift())).powi(2);
    prop_assert!(farthest < 2f64.powi(100), "{}", farthest);
    prop_assert!(largest == 0.0 || farthest > 2f64.powi(82), "{}", farthest);
    prop_assert!(d as f64 * (2.0 * f64::from(matrix.max_abs_centroid())).powi(2) < 2f64.powi(100));
    prop_assert!(largest * 2f64.powi(matrix.shift()) * 16.0 <= f64::from(matrix.max_abs_centroid()));
    Ok(())
}

#[test]
fn values_are_snapped_to_31_bits() {
    let columns: [&[f32]; 8] = [
        &[1.0, 1e-9, -1e-9, 4.7e-10, -3.3],
        &[0.1, 0.3, -0.2, 1e-30, 0.7],
        &[0.0, -0.0, 0.0, 0.0, -0.0],
        &[2.0, 1.9999999, -2.0, 1e-8, -0.0],
        &[1e-20, 1e-21, -1e-20, 0.0, 3e-22],
        &[16777216.0, 1.0, 0.001, 0.0078125, -0.00390625],
        &[5.0, 5.0, 5.0, 5.0, 5.0],
        &[1e-44, 1e-45, 0.0, -1e-44, 1e-40],
    ];
    for column in columns {
        check(&[column.to_vec()]).unwrap();
    }
    check(&columns.map(<[f32]>::to_vec)).unwrap();
    for value in [f32::MAX, f32::MIN_POSITIVE, f32::from_bits(1), 1.0, 3.0, 1e38] {
        check(&[vec![value, -value, 0.0], vec![0.0, value / 3.0, value / 1e5]]).unwrap();
        check(&vec![vec![value, 0.0]; 700]).unwrap();
    }
    for case in cases::all() {
        let d = case.matrix.features();
        let columns =
            (0..d).map(|j| (0..case.matrix.rows()).map(|i| user(&case.matrix, i)[j] as f32).collect());
        check(&columns.collect::<Vec<_>>()).unwrap();
    }
}

#[test]
fn a_step_in_numbers() {
    // 1 is below 2^1, so a step is 2^(1 - 31).
    let m = of(&[&[1.0, 2f32.powi(-30), 2f32.powi(-31), 1.5 * 2f32.powi(-30)], &[0.0; 4]]);
    assert_eq!((m.grid().step(0), m.grid().step(1)), (2f64.powi(-30), 1.0));
    let expected = [1.0, 2f64.powi(-30), 0.0, 2f64.powi(-29)];
    assert_eq!([0, 1, 2, 3].map(|i| user(&m, i)[0]), expected);
}

#[test]
fn what_is_no_table_is_an_error() {
    let refused = |names: Vec<String>, columns: Vec<Vec<f32>>| {
        let e = Matrix::from_columns(names, columns).unwrap_err();
        assert!(matches!(e, Error::Data { .. }), "{e:?}");
        e.to_string()
    };
    refused(vec![], vec![]);
    assert!(refused(names(2), vec![vec![], vec![]]).contains("no rows"));
    refused(names(1), vec![vec![1.0], vec![1.0]]);
    refused(names(3), vec![vec![1.0], vec![1.0]]);
    assert!(refused(names(2), vec![vec![1.0, 2.0], vec![1.0]]).contains("equal length"));
    for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let message = refused(names(2), vec![vec![1.0, 2.0, 3.0], vec![1.0, 2.0, odd]]);
        assert!(message.contains("column 1, row 3") && message.contains("not finite"), "{message}");
    }
    assert!(Matrix::from_array(Array2::zeros((0, 3)).view()).is_err());
    assert!(Matrix::from_array(Array2::zeros((3, 0)).view()).is_err());
    for reach in [f32::NAN, f32::INFINITY] {
        assert!(Matrix::with_room_for(names(1), vec![vec![1.0]], reach).is_err(), "reach {reach}");
    }
    let m = of(&[&[1.0, 2.0]]);
    let message = Matrix::on_grid(names(2), vec![vec![1.0]; 2], m.grid(), 0.0).unwrap_err().to_string();
    assert!(message.contains("1 features") && message.contains("has 2"), "{message}");
    assert!(m.clone().weighted(vec![1]).unwrap_err().to_string().contains("1 weights for 2 rows"));
    assert!(m.clone().weighted(vec![0, 0]).unwrap_err().to_string().contains("zero"));
}

#[test]
fn an_array_and_its_columns_are_one_matrix() {
    let array = cases::normal(37, 3, 70);
    let m = Matrix::from_array(array.view()).unwrap();
    assert_eq!((m.rows(), m.features(), m.tile_count()), (37, 3, 3));
    assert_eq!(m.names(), ["f0", "f1", "f2"]);
    assert_eq!(m.values().len(), 3 * 3 * 16);
    let columns: Vec<Vec<f32>> = array.columns().into_iter().map(|c| c.to_vec()).collect();
    assert_eq!(matrix(&columns).values(), m.values());
    for i in 0..37 {
        for (j, v) in m.row(i).enumerate() {
            assert_eq!((m.tile(i / 16)[j][i % 16], m.values()[(i / 16 * 3 + j) * 16 + i % 16]), (v, v));
            assert!(v.abs() <= m.magnitudes()[j]);
        }
    }
    assert!((37..48).all(|i| (0..3).all(|j| m.tile(2)[j][i % 16] == 0.0)), "padding is zero");
}

#[test]
fn rows_are_selected_in_any_order() {
    let m = Matrix::from_array(cases::normal(50, 4, 71).view()).unwrap();
    let m = m.weighted((0..50).collect()).unwrap();
    let order = [49, 0, 0, 17, 3, 3, 3, 16, 15, 31, 32, 5, 6, 7, 8, 9, 10, 11];
    let s = m.select(&order);
    assert_eq!((s.rows(), s.shift(), s.grid(), s.names()), (18, m.shift(), m.grid(), m.names()));
    for (at, &i) in order.iter().enumerate() {
        assert!(s.row(at).eq(m.row(i)));
        assert_eq!(s.weights().unwrap()[at], i as u64);
    }
    for j in 0..4 {
        let largest = (0..18).map(|i| s.row(i).nth(j).unwrap().abs()).fold(0.0, f32::max);
        assert_eq!(s.magnitudes()[j], largest);
    }
    assert_eq!(m.select(&[]).rows(), 0);
}

#[test]
fn rows_made_beside_lie_on_the_same_grid() {
    let m = Matrix::from_array(cases::normal(50, 2, 72).view()).unwrap();
    let value = |i: usize, j: usize| (i as f64 - 10.0) / (3.0 + j as f64);
    let b = m.beside(20, value);
    assert_eq!((b.rows(), b.shift(), b.grid(), b.weights()), (20, m.shift(), m.grid(), None));
    for i in 0..20 {
        for (j, v) in user(&b, i).into_iter().enumerate() {
            assert_eq!(v, snapped(value(i, j) as f32, m.grid().step(j)));
        }
    }
    assert!(b.row(10).all(|v| v == 0.0 && v.is_sign_positive()));
    // What is on the grid already comes back as it was.
    let same = m.beside(50, |i, j| user(&m, i)[j]);
    assert_eq!(same.values(), m.values());
}

#[test]
fn new_rows_are_snapped_to_the_grid_of_the_fit() {
    let m = Matrix::from_array(cases::normal(50, 2, 73).view()).unwrap();
    let new = vec![vec![0.3, 1e6, -0.0, 1e-12], vec![-1e-3, 0.0, 7.7, 1e30]];
    let on = Matrix::on_grid(names(2), new.clone(), m.grid(), 50.0).unwrap();
    assert_eq!(on.grid(), m.grid());
    for i in 0..4 {
        for (j, (v, column)) in user(&on, i).into_iter().zip(&new).enumerate() {
            assert_eq!(v, snapped(column[i], m.grid().step(j)), "row {i}, column {j}");
        }
    }
    let rows: Vec<Vec<f32>> = (0..2).map(|j| (0..50).map(|i| user(&m, i)[j] as f32).collect()).collect();
    let again = Matrix::on_grid(names(2), rows, m.grid(), 0.0).unwrap();
    assert_eq!((again.values(), again.shift()), (m.values(), m.shift()));
}

#[test]
fn reach_makes_room_for_far_centroids() {
    for reach in [0.0f32, 1.0, 1e6, 1e30, f32::MAX] {
        let m = Matrix::with_room_for(names(3), vec![vec![1.0, -0.5]; 3], reach).unwrap();
        assert!(m.to_stored(f64::from(reach)).abs() <= m.max_abs_centroid(), "{reach}");
        assert_eq!(user(&m, 0), [1.0; 3], "{reach}");
        assert_eq!(m.to_user(f64::from(m.to_stored(f64::from(reach)))), f64::from(reach));
    }
    let m = of(&[&[1.0]]);
    assert!(m.to_stored(1e300).is_infinite() && m.to_stored(-0.0).is_sign_positive());
}

#[test]
fn distinct_rows_are_counted_up_to_k() {
    let m = of(&[&[1.0, 1.0, 2.0, -0.0, 0.0, 1.0], &[1.0, 1.0, 1.0, 0.0, -0.0, 2.0]]);
    assert_eq!((m.distinct_rows(0), m.distinct_rows(3), m.distinct_rows(4)), (Ok(()), Ok(()), Ok(())));
    assert_eq!((m.distinct_rows(5), m.distinct_rows(usize::MAX)), (Err(4), Err(4)));
    // Rows that differ by less than a step are one row.
    assert_eq!(of(&[&[1.0, 1e-12, 0.0]]).distinct_rows(3), Err(2));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn values_on_a_coarse_grid_survive(
        steps in prop::collection::vec(-(1i32 << 20)..(1 << 20), 1..60),
        power in -100i32..100,
        other in -100i32..100,
    ) {
        let at = |power: i32| steps.iter().map(|&s| s as f32 * 2f32.powi(power)).collect::<Vec<f32>>();
        // The finer column stays within what the shift leaves it.
        let other = other.max(power - 80).min(power + 80);
        let columns = [at(power), at(other)];
        let m = matrix(&columns);
        for (i, (&a, &b)) in columns[0].iter().zip(&columns[1]).enumerate() {
            prop_assert_eq!(user(&m, i), [f64::from(a), f64::from(b)]);
        }
    }

    #[test]
    fn any_values_are_snapped(
        bits in prop::collection::vec(any::<u32>().prop_map(f32::from_bits).prop_filter("finite", |v| v.is_finite()), 2..40),
    ) {
        let half = bits.len() / 2;
        check(&[bits[..half].to_vec(), bits[half..2 * half].to_vec()])?;
    }
}
