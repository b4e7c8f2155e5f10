//! What clustering methods have in common.

use crate::cases;
use segmenta::Matrix;
use segmenta::cluster::{Labels, Params, Partition, Start, fit};
use segmenta::progress::Progress;
use segmenta::weights::Weights;

/// A labelling of the rows of a matrix by any rule: some labels, and some rows without one.
fn striped(rows: usize, k: u32) -> Labels {
    (0..rows as u32).map(|row| Some(row % (k + 1)).filter(|&label| label < k)).collect()
}

#[test]
fn a_labelling_becomes_a_partition_with_the_means_of_its_rows() {
    let (rows, d, k) = (500, 4, 3);
    let table = cases::normal(rows, d, 3);
    let matrix = Matrix::from_array(table.view()).unwrap();
    let labels = striped(rows, k as u32);
    let found = Partition::of_labels(&matrix, k, labels.clone());
    assert_eq!(found.labels, labels);
    let (mut means, mut sizes) = (vec![vec![0f64; d]; k], vec![0u64; k]);
    for (row, label) in labels.iter().enumerate() {
        let Some(label) = label else { continue };
        sizes[label as usize] += 1;
        (0..d).for_each(|j| means[label as usize][j] += f64::from(table[[row, j]]));
    }
    assert_eq!(found.sizes, sizes);
    assert_eq!(found.weights, sizes.iter().map(|&n| u128::from(n)).collect::<Vec<_>>());
    let mut inertia = 0.0;
    for (row, label) in labels.iter().enumerate() {
        let Some(label) = label else { continue };
        let mean = |j: usize| means[label as usize][j] / sizes[label as usize] as f64;
        inertia += (0..d).map(|j| (f64::from(table[[row, j]]) - mean(j)).powi(2)).sum::<f64>();
    }
    assert!((found.diagnostics.inertia / inertia - 1.0).abs() < 1e-6);
    for (c, mean) in means.iter().enumerate() {
        for (j, sum) in mean.iter().enumerate() {
            let got = matrix.to_user(f64::from(found.prototypes.centroids().get(c)[j]));
            assert!((got - sum / sizes[c] as f64).abs() < 1e-6);
        }
    }
}

/// KMeans ends where each centroid is the mean of its rows.
#[test]
fn the_labels_of_a_converged_fit_give_its_centroids() {
    let matrix = Matrix::from_array(cases::normal(400, 3, 8).view()).unwrap();
    let cpu = segmenta::backend::cpu::Cpu::default();
    let params = Params { tol: 0.0, ..Params::default() };
    let dataset = segmenta::Dataset::load(&cpu, &matrix).unwrap();
    let fit = fit(&dataset, 5, &params, &Start::KMeansPlusPlus, Progress::none()).unwrap();
    let fit = Partition::from(fit);
    let found = Partition::of_labels(&matrix, 5, fit.labels.clone());
    assert_eq!((&found.sizes, &found.weights), (&fit.sizes, &fit.weights));
    assert_eq!(found.prototypes, fit.prototypes);
    assert!((found.diagnostics.inertia / fit.diagnostics.inertia - 1.0).abs() < 1e-12);
}

/// A weight is a number of copies.
#[test]
fn copies_count_as_rows() {
    let table = cases::normal(60, 2, 5);
    let copies: Vec<f64> = (0..60).map(|row| f64::from(row % 4)).collect();
    let plain = Matrix::from_array(table.view()).unwrap();
    let weighted = plain.clone().with_weights(Weights::new(&copies).unwrap()).unwrap();
    let repeated: Vec<usize> =
        (0..60).flat_map(|row| std::iter::repeat_n(row, copies[row] as usize)).collect();
    let labels = striped(60, 3);
    let own: Labels = repeated.iter().map(|&row| labels.get(row)).collect();
    let by_weight = Partition::of_labels(&weighted, 3, labels);
    let by_copies = Partition::of_labels(&plain.select(&repeated), 3, own);
    assert_eq!(by_weight.weights, by_copies.weights);
    assert_eq!(by_weight.prototypes, by_copies.prototypes);
    assert!((by_weight.diagnostics.inertia / by_copies.diagnostics.inertia - 1.0).abs() < 1e-12);
}
