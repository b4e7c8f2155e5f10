//! How well layouts keep neighbourhoods: as scikit-learn finds it, and as a sort of all distances finds it where some are equal.

use crate::goldens::Shape;
use crate::{cases, devices};
use segmenta::backend::BinaryMetric;
use segmenta::evidence::embedding::{EVERY_ROW, EmbeddingQuality, SAMPLE, Space, embedding_quality};
use segmenta::matrix::BinaryMatrix;
use segmenta::progress::Progress;
use segmenta::random::{Draws, Purpose};
use segmenta::{Error, Matrix};
use serde::Deserialize;

/// tests/peers/embedding.py makes it.
#[derive(Deserialize)]
struct Goldens {
    cases: Vec<Golden>,
}

#[derive(Deserialize)]
struct Golden {
    #[serde(flatten)]
    shape: Shape,
    layout: String,
    scores: Vec<Scores>,
}

#[derive(Deserialize)]
struct Scores {
    neighbors: usize,
    trustworthiness: f64,
    continuity: f64,
    neighbourhood_preservation: f64,
}

/// The layouts of tests/peers/embedding.py.
fn layout(golden: &Golden) -> Vec<Vec<f64>> {
    let columns = |shape: &Shape| -> Vec<Vec<f64>> {
        let matrix = shape.matrix();
        let value = |i: usize, j: usize| matrix.to_user(f64::from(matrix.value(i, j)));
        (0..matrix.features()).map(|j| (0..matrix.rows()).map(|i| value(i, j)).collect()).collect()
    };
    if golden.layout == "unrelated" {
        return columns(&golden.shape.like(2, 1, 0.25, 100));
    }
    let table = columns(&golden.shape);
    let sum = |a: &[f64], b: &[f64], share: f64| a.iter().zip(b).map(|(a, b)| a + b * share).collect();
    vec![sum(&table[0], &table[2], 0.125), sum(&table[1], &table[3], -0.25)]
}

#[test]
fn scores_are_those_of_scikit_learn() {
    let goldens: Goldens = serde_json::from_str(include_str!("../peers/embedding.json")).unwrap();
    for golden in &goldens.cases {
        let matrix = golden.shape.matrix();
        let layout = layout(golden);
        for expected in &golden.scores {
            let k = expected.neighbors;
            let found =
                embedding_quality(Space::Euclidean(&matrix), &layout, k, 0, Progress::none()).unwrap();
            assert_eq!((found.rows, found.evaluated, found.neighbors), (matrix.rows(), matrix.rows(), k));
            for (name, found, expected) in [
                ("trustworthiness", found.trustworthiness, expected.trustworthiness),
                ("continuity", found.continuity, expected.continuity),
                ("preservation", found.neighbourhood_preservation, expected.neighbourhood_preservation),
            ] {
                let what =
                    format!("{name} of the {} layout of {} rows, k = {k}", golden.layout, matrix.rows());
                assert!((found - expected).abs() <= 1e-12, "{what}: {found}, expected {expected}");
            }
        }
    }
}

/// By sorting everything: for each of the rows all others in the order of their distances.
fn by_sorting(
    rows: usize,
    chosen: &[usize],
    k: usize,
    table: impl Fn(usize, usize) -> f64,
    layout: impl Fn(usize, usize) -> f64,
) -> EmbeddingQuality {
    let order = |distance: &dyn Fn(usize, usize) -> f64, i: usize| -> Vec<usize> {
        let mut all: Vec<(f64, usize)> = (0..rows).filter(|&j| j != i).map(|j| (distance(i, j), j)).collect();
        all.sort_by(|a, b| a.partial_cmp(b).unwrap());
        all.into_iter().map(|(_, j)| j).collect()
    };
    let (mut trust, mut cont, mut same) = (0, 0, 0);
    for &i in chosen {
        let (a, b) = (order(&table, i), order(&layout, i));
        for &j in &b[..k] {
            trust += (a.iter().position(|&other| other == j).unwrap() + 1).saturating_sub(k);
            same += usize::from(a[..k].contains(&j));
        }
        for &j in &a[..k] {
            cont += (b.iter().position(|&other| other == j).unwrap() + 1).saturating_sub(k);
        }
    }
    let score =
        |sum: usize| 1.0 - 2.0 * sum as f64 / ((chosen.len() * k) as f64 * (2 * rows - 3 * k - 1) as f64);
    EmbeddingQuality {
        neighbors: k,
        rows,
        evaluated: chosen.len(),
        trustworthiness: score(trust),
        continuity: score(cont),
        neighbourhood_preservation: same as f64 / (chosen.len() * k) as f64,
    }
}

/// Components of small whole numbers, so that many distances are equal.
fn coarse(rows: usize, components: usize, index: u64) -> Vec<Vec<f64>> {
    let table = cases::normal(rows, components, index);
    table.columns().into_iter().map(|c| c.iter().map(|v| f64::from((v * 3.0).round())).collect()).collect()
}

fn between(columns: &[Vec<f64>], i: usize, j: usize) -> f64 {
    columns.iter().map(|c| (c[i] - c[j]).powi(2)).sum()
}

/// Packs a table of 0 and 1.
fn packed(table: &ndarray::Array2<f32>) -> BinaryMatrix {
    let names: Vec<String> = (0..table.ncols()).map(|j| format!("q{j}")).collect();
    let columns: Vec<Vec<f32>> = table.columns().into_iter().map(|c| c.to_vec()).collect();
    BinaryMatrix::from_columns(&names, &columns).unwrap()
}

#[test]
fn equal_distances_are_ordered_by_number() {
    for (rows, features, components, k) in
        [(3, 1, 1, 1), (40, 2, 1, 7), (333, 3, 2, 5), (2_500, 4, 4, 15), (333, 40, 2, 60)]
    {
        let table = coarse(rows, features, 501);
        let floats = table.iter().map(|c| c.iter().map(|&v| v as f32).collect()).collect();
        let matrix = Matrix::from_columns((0..features).map(|j| format!("f{j}")).collect(), floats).unwrap();
        let layout = coarse(rows, components, 502);
        let all: Vec<usize> = (0..rows).collect();
        let expected = by_sorting(rows, &all, k, |i, j| between(&table, i, j), |i, j| between(&layout, i, j));
        for setup in &devices::all()[..3] {
            let space = Space::Euclidean(&matrix);
            let found = setup.run(|_| embedding_quality(space, &layout, k, 9, Progress::none()).unwrap());
            assert_eq!(found, expected, "{rows} x {features}, {}", setup.name);
        }
    }
}

#[test]
fn answers_are_compared_by_their_metric() {
    for (rows, features) in [(150, 9), (400, 70)] {
        let answers = cases::binary(rows, features);
        let table = packed(&answers);
        let layout = coarse(rows, 2, 503);
        let all: Vec<usize> = (0..rows).collect();
        let shares = |i: usize, j: usize| {
            let pairs: Vec<(bool, bool)> =
                answers.row(i).iter().zip(answers.row(j)).map(|(a, b)| (*a > 0.5, *b > 0.5)).collect();
            let differ = pairs.iter().filter(|(a, b)| a != b).count() as f64;
            let any = pairs.iter().filter(|(a, b)| *a || *b).count() as f64;
            (if any > 0.0 { differ / any } else { 0.0 }, differ)
        };
        let near = |i: usize, j: usize| between(&layout, i, j);
        let jaccard = by_sorting(rows, &all, 15, |i, j| shares(i, j).0, near);
        let hamming = by_sorting(rows, &all, 15, |i, j| shares(i, j).1, near);
        for (metric, expected) in [(BinaryMetric::Jaccard, jaccard), (BinaryMetric::Hamming, hamming)] {
            let space = Space::Binary(&table, metric);
            let found = embedding_quality(space, &layout, 15, 0, Progress::none()).unwrap();
            assert_eq!(found, expected, "{rows} x {features} by {metric:?}");
        }
    }
}

#[test]
fn many_rows_are_sampled() {
    let rows = EVERY_ROW + 77;
    let table = cases::normal(rows, 3, 504);
    let matrix = Matrix::from_array(table.view()).unwrap();
    let layout: Vec<Vec<f64>> =
        (0..2).map(|j| table.column(j).iter().map(|&v| f64::from(v)).collect()).collect();
    let chosen = Draws::new(4, Purpose::EmbeddingSample).at(0).sample(SAMPLE, rows);
    let stored = |i: usize, j: usize| {
        matrix.row(i).zip(matrix.row(j)).map(|(a, b)| (f64::from(a) - f64::from(b)).powi(2)).sum()
    };
    let expected = by_sorting(rows, &chosen, 6, stored, |i, j| between(&layout, i, j));
    let found = embedding_quality(Space::Euclidean(&matrix), &layout, 6, 4, Progress::none()).unwrap();
    assert_eq!(found, expected);
    let other = embedding_quality(Space::Euclidean(&matrix), &layout, 6, 5, Progress::none()).unwrap();
    assert!(other != found && (other.trustworthiness - found.trustworthiness).abs() < 0.02);
}

#[test]
fn what_cannot_be_judged_is_an_error() {
    let matrix = Matrix::from_array(cases::normal(30, 3, 505).view()).unwrap();
    let good = coarse(30, 2, 506);
    let run = |layout: &[Vec<f64>], k| {
        embedding_quality(Space::Euclidean(&matrix), layout, k, 0, Progress::none()).map(|_| ())
    };
    assert!(run(&good, 14).is_ok());
    for k in [0, 15, usize::MAX] {
        assert!(run(&good, k).unwrap_err().to_string().contains("fewer than half of the rows"));
    }
    let mut infinite = good.clone();
    infinite[1][7] = f64::INFINITY;
    assert!(run(&infinite, 5).unwrap_err().to_string().contains("not finite"));
    assert!(run(&[], 5).is_err() && run(&[good[0][1..].to_vec()], 5).is_err());
    // Distances that overflow are all the same, and no reason to fail.
    let vast = vec![(0..30).map(|i| if i % 2 == 0 { 1e300 } else { -1e300 }).collect()];
    assert!(run(&vast, 5).is_ok());
    let stopped = Progress::new(&|_| false);
    let result = embedding_quality(Space::Euclidean(&matrix), &good, 5, 0, stopped);
    assert!(matches!(result, Err(Error::Interrupted)));
}
