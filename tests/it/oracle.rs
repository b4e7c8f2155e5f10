//! Naive answers in f64, and comparisons that say what differs. Nothing here is shared with the code under test.

use ndarray::{Array1, Array2};
use segmenta::Matrix;
use segmenta::backend::{Assigned, Neighbour};
use segmenta::canonical::Centroids;
use segmenta::random::Stream;

/// The snapped values, times the matrix's power of two, row by row.
pub fn stored(matrix: &Matrix) -> Array2<f64> {
    let values: Vec<f64> = (0..matrix.rows()).flat_map(|i| matrix.row(i).map(f64::from)).collect();
    Array2::from_shape_vec((matrix.rows(), matrix.features()), values).unwrap()
}

/// All squared distances.
pub fn squared(a: &Array2<f64>, b: &Array2<f64>) -> Array2<f64> {
    Array2::from_shape_fn((a.nrows(), b.nrows()), |(i, k)| {
        let difference: Array1<f64> = &a.row(i) - &b.row(k);
        difference.iter().fold(0.0, |sum, v| sum + v.powi(2))
    })
}

/// The first column that holds each row's least value.
pub fn argmin(distances: &Array2<f64>) -> Vec<u32> {
    let first_least = |row: ndarray::ArrayView1<f64>| {
        let least = row.iter().copied().reduce(f64::min).unwrap();
        row.iter().position(|&v| v == least).unwrap() as u32
    };
    distances.rows().into_iter().map(first_least).collect()
}

/// What one `lloyd` pass has to give for a set.
pub fn lloyd(matrix: &Matrix, set: &Centroids) -> Assigned {
    let rows = stored(matrix);
    let (d, k) = (matrix.features(), set.k());
    let centroids = Array2::from_shape_fn((k, d), |(c, j)| f64::from(set.values[c * d + j]));
    let labels = argmin(&squared(&rows, &centroids));
    let mut sums = vec![0i128; k * d];
    let (mut counts, mut weights) = (vec![0u64; k], vec![0u128; k]);
    for (i, &label) in labels.iter().enumerate() {
        let weight = matrix.weights().map_or(1, |w| i128::from(w[i]));
        for j in 0..d {
            let steps = rows[[i, j]] / (matrix.grid().step(j) * 2f64.powi(matrix.shift()));
            assert_eq!(steps, steps.trunc(), "row {i}, feature {j} is off the grid");
            assert!(steps.abs() < 2147483648.0, "row {i}, feature {j} needs more than 31 bits");
            sums[label as usize * d + j] += weight * steps as i128;
        }
        counts[label as usize] += 1;
        weights[label as usize] += weight as u128;
    }
    Assigned { sums, counts, weights, labels: Some(labels), f64_fallbacks: 0 }
}

/// Bit for bit, but for how many rows the device labelled in f64.
pub fn same_assigned(expected: &Assigned, got: &Assigned) -> Result<(), String> {
    if expected.labels != got.labels {
        return Err(format!("labels differ: {:?} and {:?}", expected.labels, got.labels));
    }
    if expected.counts != got.counts || expected.weights != got.weights {
        return Err(format!("counts differ: {:?} and {:?}", expected.counts, got.counts));
    }
    match expected.sums.iter().zip(&got.sums).position(|(a, b)| a != b) {
        Some(at) => Err(format!("sum {at} is {}, expected {}", got.sums[at], expected.sums[at])),
        None if expected.sums.len() != got.sums.len() => Err("another number of sums".into()),
        None => Ok(()),
    }
}

/// For each query its nearest row of `matrix` but `own[q]`.
pub fn nearest(matrix: &Matrix, queries: &Matrix, own: Option<&[u32]>) -> Vec<u32> {
    let mut distances = squared(&stored(queries), &stored(matrix));
    for (q, &row) in own.unwrap_or_default().iter().enumerate() {
        distances[[q, row as usize]] = f64::INFINITY;
    }
    argmin(&distances)
}

/// The same rows, at the distance that the oracle computes.
pub fn same_neighbours(
    expected: &[u32],
    got: &[Neighbour],
    matrix: &Matrix,
    queries: &Matrix,
) -> Result<(), String> {
    let rows: Vec<u32> = got.iter().map(|n| n.row).collect();
    if expected != rows {
        return Err(format!("neighbours differ: {expected:?} and {rows:?}"));
    }
    let distances = squared(&stored(queries), &stored(matrix));
    for (q, n) in got.iter().enumerate() {
        let expected = matrix.to_user(distances[[q, n.row as usize]].sqrt());
        if n.distance != expected {
            return Err(format!("query {q}: distance {}, expected {expected}", n.distance));
        }
    }
    Ok(())
}

/// Within `relative` of the expected value, or `absolute` where that is tiny.
pub fn close(expected: f64, got: f64, relative: f64, absolute: f64) -> Result<(), String> {
    let error = (expected - got).abs();
    if error <= relative * expected.abs() || error <= absolute {
        return Ok(());
    }
    Err(format!("{got}, expected {expected}"))
}

/// Sums of distances of each row to each slot, naively.
pub fn distance_sums(matrix: &Matrix, labelings: &[(usize, Vec<u32>)]) -> Array2<f64> {
    let rows = stored(matrix);
    let distances = squared(&rows, &rows).mapv(f64::sqrt);
    let width: usize = labelings.iter().map(|(k, _)| k).sum();
    let mut sums = Array2::zeros((matrix.rows(), width));
    for ((i, j), distance) in distances.indexed_iter() {
        let mut offset = 0;
        for (k, labels) in labelings {
            sums[[i, offset + labels[j] as usize]] += matrix.to_user(*distance);
            offset += k;
        }
    }
    sums
}

/// Silhouettes by the definition.
pub fn silhouettes(matrix: &Matrix, k: usize, labels: &[u32]) -> Vec<f64> {
    let sums = distance_sums(matrix, &[(k, labels.to_vec())]);
    let size = |c: usize| labels.iter().filter(|&&l| l as usize == c).count() as f64;
    (0..matrix.rows())
        .map(|i| {
            let own = labels[i] as usize;
            if size(own) <= 1.0 {
                return 0.0;
            }
            let a = sums[[i, own]] / (size(own) - 1.0);
            let others = (0..k).filter(|&c| c != own && size(c) > 0.0);
            let b = others.map(|c| sums[[i, c]] / size(c)).fold(f64::INFINITY, f64::min);
            if a.max(b) == 0.0 { 0.0 } else { (b - a) / a.max(b) }
        })
        .collect()
}

#[test]
fn the_comparisons_notice_wrong_answers() {
    let case = super::cases::all().remove(4);
    let right = lloyd(&case.matrix, &case.sets[3]);
    assert!(same_assigned(&right, &right).is_ok());
    let mut wrong = right.clone();
    wrong.sums[7] += 1;
    assert!(same_assigned(&right, &wrong).is_err());
    let mut wrong = right.clone();
    wrong.counts[0] += 1;
    assert!(same_assigned(&right, &wrong).is_err());
    let mut wrong = right.clone();
    if let Some(labels) = &mut wrong.labels {
        labels[3] ^= 1;
    }
    assert!(same_assigned(&right, &wrong).is_err());

    let rows = nearest(&case.matrix, &case.matrix, None);
    let exact: Vec<Neighbour> = rows.iter().map(|&row| Neighbour { row, distance: 0.0 }).collect();
    assert!(same_neighbours(&rows, &exact, &case.matrix, &case.matrix).is_ok());
    let mut wrong = exact.clone();
    wrong[5].distance = 1e-9;
    assert!(same_neighbours(&rows, &wrong, &case.matrix, &case.matrix).is_err());
    wrong[5] = Neighbour { row: wrong[5].row ^ 1, distance: 0.0 };
    assert!(same_neighbours(&rows, &wrong, &case.matrix, &case.matrix).is_err());
    assert!(close(1.0, 1.0 + 2e-5, 1e-5, 0.0).is_err() && close(1.0, 1.0 + 5e-6, 1e-5, 0.0).is_ok());
}

/// The rows of a matrix on the coarse grid of seeding: whole multiples of one step, about the middle of each feature.
pub fn coarse(matrix: &Matrix) -> Array2<i64> {
    let values = stored(matrix);
    let bound = |column: ndarray::ArrayView1<'_, f64>, worse: fn(f64, f64) -> f64| {
        column.iter().copied().reduce(worse).unwrap()
    };
    let low: Vec<f64> = values.columns().into_iter().map(|c| bound(c, f64::min)).collect();
    let high: Vec<f64> = values.columns().into_iter().map(|c| bound(c, f64::max)).collect();
    let diagonal = low.iter().zip(&high).map(|(a, b)| (b - a).powi(2)).sum::<f64>().sqrt();
    let most = 65_534.0 - (values.ncols() as f64).sqrt().ceil();
    let step = if diagonal > 0.0 { diagonal / most } else { 1.0 };
    let centre = |j: usize| low[j] + (high[j] - low[j]) / 2.0;
    Array2::from_shape_fn(values.dim(), |(i, j)| {
        ((values[[i, j]] - centre(j)) / step).round_ties_even() as i64
    })
}

/// Greedy k-means++ as the literature has it, on the coarse grid. The matrix has weights of less than 2^32 together, or none.
/// The centres are as many as the grid serves for.
pub fn kmeans_plus_plus(matrix: &Matrix, k: usize, draws: &mut Stream) -> Vec<usize> {
    let coarse = coarse(matrix);
    let weight = |i: usize| matrix.weights().map_or(1, |w| u128::from(w[i]));
    let squared = |i: usize, c: usize| -> u128 {
        coarse.row(i).iter().zip(coarse.row(c)).map(|(a, b)| (a - b).pow(2) as u128).sum()
    };
    let potential = |centres: &[usize]| -> Vec<u128> {
        let nearest = |i: usize| centres.iter().map(|&c| squared(i, c)).min();
        (0..matrix.rows()).map(|i| weight(i) * nearest(i).unwrap_or(1)).collect()
    };
    let draw = |lengths: &[u128], draws: &mut Stream| -> usize {
        let mut left = (u128::from(draws.bits()) * lengths.iter().sum::<u128>()) >> 64;
        let within = |&length: &u128| {
            let found = left < length;
            left = left.saturating_sub(length);
            found
        };
        lengths.iter().position(within).unwrap()
    };
    let least = 64 * matrix.features() as u128 * potential(&[]).iter().sum::<u128>();
    let mut centres = vec![draw(&potential(&[]), draws)];
    while centres.len() < k {
        let now = potential(&centres);
        if now.iter().sum::<u128>() < least {
            break;
        }
        let trials = 2 + libm::log(k as f64) as usize;
        let candidates: Vec<usize> = (0..trials).map(|_| draw(&now, draws)).collect();
        let with = |&c: &usize| potential(&[&centres[..], &[c]].concat()).iter().sum::<u128>();
        centres.push(*candidates.iter().min_by_key(|&c| with(c)).unwrap());
    }
    centres
}
