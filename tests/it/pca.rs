//! Principal components: as scikit-learn computes them, and the same bits however rows are cut, weighted or ordered.

use crate::goldens::{Shape, real};
use crate::prepared::prepare;
use segmenta::Matrix;
use segmenta::embed::pca::{NComponents, Pca};
use segmenta::recipe::Scale;
use serde::Deserialize;

/// tests/peers/pca.py makes it.
#[derive(Deserialize)]
struct Goldens {
    made: Vec<Golden>,
    real: Vec<Golden>,
}

#[derive(Deserialize)]
struct Golden {
    name: String,
    #[serde(flatten)]
    shape: Option<Shape>,
    mean: Vec<f64>,
    explained_variance: Vec<f64>,
    explained_variance_ratio: Vec<f64>,
    components: Vec<Vec<f64>>,
    projected: Vec<Vec<f64>>,
    for_share: Vec<(f64, usize)>,
}

fn goldens() -> Goldens {
    serde_json::from_str(include_str!("../peers/pca.json")).unwrap()
}

fn close(name: &str, what: &str, found: &[f64], expected: &[f64], scale: f64) {
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= 1e-6 * scale.max(e.abs()), "{name}, {what} {i}: {f}, expected {e}");
    }
}

fn whole(pca: NComponents) -> impl Fn(&Matrix) -> Pca {
    move |matrix| Pca::fit(matrix, pca).unwrap()
}

/// The columns of a matrix in the user's units.
fn columns(matrix: &Matrix) -> Vec<Vec<f32>> {
    let value = |i: usize, j: usize| matrix.to_user(f64::from(matrix.value(i, j))) as f32;
    (0..matrix.features()).map(|j| (0..matrix.rows()).map(|i| value(i, j)).collect()).collect()
}

fn as_expected(golden: &Golden, matrix: &Matrix) {
    let name = &golden.name;
    let pca = whole(NComponents::Count(matrix.features()))(matrix);
    let largest = golden.explained_variance[0];
    close(name, "mean", &pca.mean, &golden.mean, 1.0);
    // scikit-learn has as many components as the smaller of rows and features.
    let there = golden.explained_variance.len();
    close(name, "variance", &pca.explained_variance, &golden.explained_variance, largest);
    assert!(pca.explained_variance[there..].iter().all(|v| *v <= 1e-12 * largest), "{name}");
    close(name, "ratio", &pca.explained_variance_ratio(), &golden.explained_variance_ratio, 1.0);
    assert!((pca.explained_variance_ratio().iter().sum::<f64>() - 1.0).abs() < 1e-12);
    for (i, (found, expected)) in pca.components.iter().zip(&golden.components).enumerate() {
        close(name, &format!("component {i}"), found, expected, 1.0);
    }
    let projected = pca.project(&columns(matrix));
    for (row, expected) in golden.projected.iter().enumerate() {
        let found: Vec<f64> = projected.iter().map(|column| column[row]).collect();
        close(name, &format!("row {row}"), &found, expected, 10.0);
    }
    for &(share, components) in &golden.for_share {
        assert_eq!(pca.components_for(share), components, "{name}: {share}");
        assert_eq!(whole(NComponents::Share(share))(matrix).components.len(), components, "{name}: {share}");
    }
}

#[test]
fn made_tables_as_in_scikit_learn() {
    for golden in goldens().made {
        as_expected(&golden, &golden.shape.as_ref().unwrap().matrix());
    }
}

/// The order of the features in the reference results; the encoder has that of the table.
const OULAD: &str = "studied_credits num_of_prev_attempts date_registration n_assessments mean_score mean_days_early \
                     weight_done weighted_points";

/// The same features in another order.
fn ordered(matrix: &Matrix, names: &str) -> Matrix {
    let names: Vec<String> = names.split_whitespace().map(String::from).collect();
    let own = columns(matrix);
    let column = |name: &String| own[matrix.names().iter().position(|n| n == name).unwrap()].clone();
    let columns = names.iter().map(column).collect();
    Matrix::from_columns(names, columns).unwrap()
}

#[test]
fn real_tables_as_in_scikit_learn() {
    for golden in goldens().real {
        let name = golden.name.as_str();
        let scale = if ["iris", "digits"].contains(&name) { Scale::None } else { Scale::Standard };
        let matrix = match name {
            "learners" => {
                let prepared = prepare(&segmenta::synth::learners(205_843, 0), 2026);
                Some(Matrix::from_columns(prepared.names, prepared.columns).unwrap())
            }
            _ => real(name, scale),
        };
        let Some(matrix) = matrix else { continue };
        let matrix = if name == "oulad" { ordered(&matrix, OULAD) } else { matrix };
        // Without scaling, features are centred, so only the mean differs.
        let golden = match scale {
            Scale::None => Golden { mean: Vec::new(), ..golden },
            _ => golden,
        };
        as_expected(&golden, &matrix);
    }
}

/// A table with columns that are copies, sums and constants, whose values need all 31 bits of the grid.
fn table(rows: usize) -> Vec<Vec<f32>> {
    let mut draws = 88_172_645_463_325_252u64;
    let mut next = || {
        draws ^= draws << 13;
        draws ^= draws >> 7;
        draws ^= draws << 17;
        (draws >> 40) as f32 / 8_388_608.0 - 0.7
    };
    let a: Vec<f32> = (0..rows).map(|_| next() * 1e3).collect();
    let b: Vec<f32> = (0..rows).map(|i| next() * next() * 1e-3 + if i == 7 { 5.0 } else { 0.0 }).collect();
    let both = a.iter().zip(&b).map(|(a, b)| a / 1024.0 + b).collect();
    vec![a.clone(), b, both, vec![3.5; rows], a]
}

fn matrix(columns: Vec<Vec<f32>>) -> Matrix {
    Matrix::from_columns((0..columns.len()).map(|j| format!("f{j}")).collect(), columns).unwrap()
}

/// The same rows in another order.
fn reordered(columns: &[Vec<f32>], order: &[usize]) -> Vec<Vec<f32>> {
    columns.iter().map(|c| order.iter().map(|&i| c[i]).collect()).collect()
}

fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

#[test]
fn threads_and_the_order_of_rows_change_no_bit() {
    // More rows than one task takes, and a number that is no multiple of anything.
    let columns = table(40_007);
    let fit = whole(NComponents::Count(5));
    let expected = with_threads(1, || fit(&matrix(columns.clone())));
    let projected = with_threads(1, || expected.project(&columns));
    for threads in [2, 3, 7] {
        with_threads(threads, || {
            assert_eq!(fit(&matrix(columns.clone())), expected, "{threads} threads");
            assert_eq!(expected.project(&columns), projected, "{threads} threads");
        });
    }
    let order: Vec<usize> = (0..40_007).map(|i| i * 12_345 % 40_007).collect();
    assert_eq!(fit(&matrix(reordered(&columns, &order))), expected);
    // Each row alone is projected to the same point.
    for i in [0, 1, 20_000, 40_006] {
        let alone: Vec<f64> = expected.project(&reordered(&columns, &[i])).concat();
        let expected: Vec<f64> = projected.iter().map(|c| c[i]).collect();
        assert_eq!(alone, expected);
    }
}

#[test]
fn a_weight_is_a_number_of_copies() {
    let columns = table(500);
    let fit = whole(NComponents::Count(5));
    let weights: Vec<u32> = (0..500).map(|i| [1, 0, 3, 1, 6][i * i % 5] * 2).collect();
    let copies: Vec<usize> = (0..500).flat_map(|i| vec![i; weights[i] as usize]).collect();
    let weighted = matrix(columns.clone()).weighted(weights.clone()).unwrap();
    assert_eq!(fit(&weighted), fit(&matrix(reordered(&columns, &copies))));
    // Weights of more than 24 bits are multiplied in several parts; a constant factor changes variances only by the copy
    // that `ddof` takes off.
    let huge: Vec<f64> = weights.iter().map(|w| f64::from(*w) * 3.0 + 2f64.powi(40)).collect();
    let huge = fit(&matrix(columns.clone()).weighted(huge).unwrap());
    let even = fit(&matrix(columns));
    for (h, e) in huge.explained_variance.iter().zip(&even.explained_variance) {
        assert!((h - e * 499.0 / 500.0).abs() <= 1e-9 * even.explained_variance[0], "{h} {e}");
    }
}

/// Against sums in f64, a row and a pair of features at a time.
#[test]
fn the_variance_along_a_component_is_that_of_the_projection() {
    let columns = table(3_000);
    let pca = whole(NComponents::Count(5))(&matrix(columns.clone()));
    let projected = pca.project(&columns);
    let total: f64 = pca.explained_variance.iter().sum();
    let moment = |x: &[f64], y: &[f64]| {
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let (mx, my) = (mean(x), mean(y));
        x.iter().zip(y).map(|(a, b)| (a - mx) * (b - my)).sum::<f64>() / (x.len() - 1) as f64
    };
    for (i, x) in projected.iter().enumerate() {
        for (j, y) in projected.iter().enumerate() {
            let expected = if i == j { pca.explained_variance[i] } else { 0.0 };
            assert!((moment(x, y) - expected).abs() < 1e-9 * total, "{i} {j}: {}", moment(x, y));
        }
    }
    for (j, column) in columns.iter().enumerate() {
        let column: Vec<f64> = column.iter().map(|v| f64::from(*v)).collect();
        let expected = moment(&column, &column);
        assert!((pca.variances[j] - expected).abs() <= 1e-9 * expected, "{j}");
    }
    // Two of the five columns say nothing that the others do not, and one says nothing.
    assert!(pca.explained_variance[2..].iter().all(|v| *v < 1e-9 * total));
}

#[test]
fn signs_are_those_of_the_largest_loading() {
    let up: Vec<f32> = (0..9).map(|i| i as f32).collect();
    let down: Vec<f32> = up.iter().map(|v| -v).collect();
    // Equally large: the first one decides.
    let pca = whole(NComponents::Count(1))(&matrix(vec![up.clone(), down.clone()]));
    let half = 0.5f64.sqrt();
    close("signs", "loading", &pca.components[0], &[half, -half], 1.0);
    let pca = whole(NComponents::Count(1))(&matrix(vec![down, up.iter().map(|v| 2.0 * v).collect()]));
    assert!(pca.components[0][1] > 0.0 && pca.components[0][0] < 0.0);
    // A feature that says nothing has a loading of 0, and not of -0.
    let pca = whole(NComponents::Count(2))(&matrix(vec![up, vec![1.0; 9]]));
    assert_eq!(pca.components, [[1.0, 0.0], [0.0, 1.0]]);
    assert!(pca.components.iter().flatten().all(|v| v.is_sign_positive()));
}

#[test]
fn what_cannot_be_reduced_is_said() {
    let one = |columns: Vec<Vec<f32>>, n| Pca::fit(&matrix(columns), n).unwrap_err().to_string();
    assert!(one(vec![vec![1.0], vec![2.0]], NComponents::Count(1)).contains("at least two rows"));
    assert!(one(vec![vec![1.0; 5]; 2], NComponents::Count(1)).contains("the same in all rows"));
    assert!(one(vec![vec![1.0, 2.0]; 2], NComponents::Count(3)).contains("2 features have no more than 2"));
    assert!(one(vec![vec![1.0, 2.0]], NComponents::Count(0)).contains("at least one"));
    for share in [0.0, 1.5, f64::NAN] {
        assert!(one(vec![vec![1.0, 2.0]], NComponents::Share(share)).contains("above 0"), "{share}");
    }
    // Fewer rows than features are no fault.
    let pca = whole(NComponents::Share(1.0))(&matrix(vec![vec![1.0, 2.0], vec![5.0, 3.0], vec![0.0, 9.0]]));
    assert_eq!(pca.components.len(), 1);
}
