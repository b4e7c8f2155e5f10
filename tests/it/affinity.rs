//! Affinity propagation: scikit-learn's exemplars and labels, a naive twin, copies, degenerate tables, and the program.

mod program;

use crate::goldens::{Shape, real};
use crate::{cases, devices, oracle};
use ndarray::{Array2, ArrayView2};
use segmenta::backend::cpu::Cpu;
use segmenta::cluster::affinity::{Found, MICRO_CLUSTERS, MOST_EXACT, Params, fit};
use segmenta::cluster::{Algorithm, Details, Partition, Prototypes};
use segmenta::progress::Progress;
use segmenta::recipe::Scale;
use segmenta::synth::Example;
use segmenta::{Dataset, Error, Matrix};
use serde::Deserialize;

/// What tests/peers/affinity.py writes, but for the versions.
#[derive(Deserialize)]
struct Goldens {
    made: Vec<Made>,
    small: Vec<Small>,
    real: Vec<Real>,
    enthusiasts: Enthusiasts,
}

/// An answer of scikit-learn.
#[derive(Deserialize)]
struct Answer {
    damping: f64,
    preference: Option<f64>,
    exemplars: Vec<usize>,
    labels: Vec<u32>,
    n_iter: usize,
}

#[derive(Deserialize)]
struct Made {
    name: String,
    #[serde(flatten)]
    shape: Shape,
    #[serde(flatten)]
    answer: Answer,
}

#[derive(Deserialize)]
struct Small {
    rows: Vec<Vec<f32>>,
    #[serde(flatten)]
    answer: Answer,
}

#[derive(Deserialize)]
struct Real {
    name: String,
    standard: bool,
    #[serde(flatten)]
    answer: Answer,
}

#[derive(Deserialize)]
struct Enthusiasts {
    values: Vec<Vec<f32>>,
    fits: Vec<Answer>,
}

fn goldens() -> Goldens {
    serde_json::from_str(include_str!("../peers/affinity.json")).unwrap()
}

fn rows(values: &[Vec<f32>]) -> Matrix {
    let flat: Vec<f32> = values.concat();
    let view = ArrayView2::from_shape((values.len(), values[0].len()), &flat).unwrap();
    Matrix::from_array(view).unwrap()
}

fn fitted(matrix: &Matrix, params: &Params) -> Partition {
    let cpu = Cpu::default();
    fit(&Dataset::load(&cpu, matrix).unwrap(), params, Progress::none()).unwrap()
}

fn found(partition: &Partition) -> &Found {
    let Details::Affinity(found) = &partition.details else { panic!("{:?}", partition.details) };
    found
}

/// The labels of a fit of which each row has one.
fn labels(partition: &Partition) -> &[u32] {
    partition.labels.complete().unwrap()
}

fn check(name: &str, matrix: &Matrix, answer: &Answer) {
    let Answer { damping, preference, .. } = *answer;
    let params = Params { damping: Some(damping), preference, ..Params::default() };
    let partition = fitted(matrix, &params);
    let found = found(&partition);
    let name = format!("{name}, damping {damping}, preference {preference:?}");
    assert_eq!(found.exemplars, answer.exemplars, "{name}");
    assert_eq!(labels(&partition), answer.labels, "{name}");
    assert_eq!((found.n_iter, found.converged), (answer.n_iter, true), "{name}");
}

#[test]
fn the_exemplars_and_labels_of_scikit_learn_on_made_tables() {
    let goldens = goldens();
    assert!(goldens.made.len() > 30);
    for Made { name, shape, answer } in &goldens.made {
        check(name, &shape.matrix(), answer);
    }
}

#[test]
fn the_exemplars_and_labels_of_scikit_learn_on_small_and_degenerate_tables() {
    for Small { rows: values, answer } in &goldens().small {
        check(&format!("{values:?}"), &rows(values), answer);
    }
}

#[test]
fn the_exemplars_and_labels_of_scikit_learn_on_real_tables() {
    for Real { name, standard, answer } in &goldens().real {
        let scale = if *standard { Scale::Standard } else { Scale::None };
        let Some(matrix) = real(name, scale) else { continue };
        check(&format!("{name}, {scale:?}"), &matrix, answer);
    }
}

#[test]
fn the_enthusiasts_without_scaling_are_five() {
    let Enthusiasts { values, fits } = goldens().enthusiasts;
    let matrix = rows(&values);
    for answer in &fits {
        check("enthusiasts", &matrix, answer);
        if answer.preference.is_none() {
            assert_eq!((values.len(), answer.exemplars.len()), (72, 5));
        }
    }
}

/// Affinity propagation as the paper has it, one message after the other, without noise. Point `i` stands for `copies[i]`
/// equal points: its similarity to others counts as often.
fn naive(squared: &Array2<f64>, copies: &[f64], preference: f64, damping: f64) -> Vec<usize> {
    let n = squared.nrows();
    let s = |i: usize, k: usize| if i == k { preference } else { -squared[[i, k]] * copies[i] };
    let mut r = Array2::<f64>::zeros((n, n));
    let mut a = Array2::<f64>::zeros((n, n));
    let mut last: Vec<Vec<usize>> = Vec::new();
    for _ in 0..200 {
        let mut next = Array2::zeros((n, n));
        for i in 0..n {
            for k in 0..n {
                let rivals = (0..n).filter(|&other| other != k).map(|other| a[[i, other]] + s(i, other));
                next[[i, k]] = s(i, k) - rivals.fold(f64::NEG_INFINITY, f64::max);
            }
        }
        r = damping * r + (1.0 - damping) * next;
        let mut next = Array2::zeros((n, n));
        for k in 0..n {
            let support =
                |but: usize| (0..n).filter(|&i| i != but && i != k).map(|i| r[[i, k]].max(0.0)).sum::<f64>();
            for i in 0..n {
                next[[i, k]] = if i == k { support(k) } else { (r[[k, k]] + support(i)).min(0.0) };
            }
        }
        a = damping * a + (1.0 - damping) * next;
        last.push((0..n).filter(|&k| r[[k, k]] + a[[k, k]] > 0.0).collect());
        if last.len() > 15
            && last[last.len() - 15..].iter().all(|e| !e.is_empty() && *e == last[last.len() - 1])
        {
            break;
        }
    }
    last.pop().unwrap()
}

/// The exemplars of `naive`, each moved to the best point of its cluster.
fn refined(squared: &Array2<f64>, copies: &[f64], exemplars: &[usize]) -> Vec<usize> {
    let of_point = oracle::argmin(&squared.select(ndarray::Axis(1), exemplars));
    let best = |c: usize| {
        let members: Vec<usize> = (0..of_point.len()).filter(|&i| of_point[i] == c as u32).collect();
        let cost = |&k: &usize| members.iter().map(|&i| copies[i] * squared[[i, k]]).sum::<f64>();
        *members.iter().min_by(|x, y| cost(x).total_cmp(&cost(y))).unwrap()
    };
    let mut best: Vec<usize> = (0..exemplars.len()).map(best).collect();
    best.sort_unstable();
    best
}

#[test]
fn a_naive_twin_finds_the_same() {
    for (index, preference, damping) in [(70, -3.0, 0.6), (71, -8.0, 0.7), (72, -20.0, 0.8)] {
        let table = cases::normal(60, 3, index);
        for weighted in [false, true] {
            let copies: Vec<f64> =
                (0..60).map(|i| if weighted { f64::from(1 + i * 7 % 5) } else { 1.0 }).collect();
            let mut matrix = Matrix::from_array(table.view()).unwrap();
            let stored = oracle::stored(&matrix);
            let unit = matrix.to_user(matrix.to_user(1.0));
            let squared = oracle::squared(&stored, &stored) * unit;
            if weighted {
                matrix = matrix.weighted(copies.clone()).unwrap();
            }
            let partition = fitted(
                &matrix,
                &Params { damping: Some(damping), preference: Some(preference), ..Params::default() },
            );
            let exemplars = naive(&squared, &copies, preference, damping);
            let name = format!("{index}, weighted: {weighted}");
            assert!(exemplars.len() > 1, "{name}: {exemplars:?}");
            assert_eq!(found(&partition).exemplars, refined(&squared, &copies, &exemplars), "{name}");
        }
    }
}

/// Every thread count, instruction set and GPU gives the same bits.
#[test]
fn every_device_finds_the_same() {
    let table = cases::normal(700, 5, 44);
    let weights: Vec<f64> = (0..700).map(|i| 0.5 + f64::from(i % 9)).collect();
    let plain = Matrix::from_array(table.view()).unwrap();
    let weighted = plain.clone().weighted(weights).unwrap();
    let far = Some(-200.0);
    for (matrix, preference) in [(&plain, None), (&plain, far), (&weighted, far)] {
        let params = Params { damping: Some(0.7), preference, ..Params::default() };
        let mut first: Option<Partition> = None;
        for setup in devices::all() {
            let partition = setup.run(|backend| {
                fit(&Dataset::load(backend, matrix).unwrap(), &params, Progress::none()).unwrap()
            });
            let partition = Partition { f64_fallbacks: Vec::new(), ..partition };
            let first = first.get_or_insert_with(|| partition.clone());
            assert_eq!(*first, partition, "{}", setup.name);
        }
        assert!(first.is_some_and(|first| first.k > 2));
    }
}

/// A table with each row as often as `copies` says.
fn repeated(table: &Array2<f32>, copies: &[usize]) -> (Matrix, Vec<usize>) {
    let order: Vec<usize> = (0..table.nrows()).flat_map(|i| std::iter::repeat_n(i, copies[i])).collect();
    (Matrix::from_array(table.select(ndarray::Axis(0), &order).view()).unwrap(), order)
}

#[test]
fn a_weight_is_a_number_of_copies() {
    let table = cases::normal(90, 2, 19);
    // Few copies send messages of their own, many do not. Both ways of writing them down are the same.
    let few = |i: usize| if i % 9 == 4 { 2 } else { 1 };
    let many = |i: usize| i * 5 % 4;
    for (name, copies) in
        [("few", (0..90).map(few).collect::<Vec<_>>()), ("many", (0..90).map(many).collect())]
    {
        let weights: Vec<f64> = copies.iter().map(|&c| c as f64).collect();
        let weighted = Matrix::from_array(table.view()).unwrap().weighted(weights).unwrap();
        let (repeated, order) = repeated(&table, &copies);
        for preference in [None, Some(-9.0)] {
            let params = Params { damping: Some(0.8), preference, max_iter: 500, ..Params::default() };
            let (a, b) = (fitted(&weighted, &params), fitted(&repeated, &params));
            let name = format!("{name}, {preference:?}");
            assert!(a.k > 1 && a.k < 60, "{name}: {}", a.k);
            assert_eq!((&a.prototypes, &a.weights), (&b.prototypes, &b.weights), "{name}");
            let (x, y) = (found(&a), found(&b));
            assert_eq!(
                (x.n_iter, x.converged, x.preference),
                (y.n_iter, y.converged, y.preference),
                "{name}"
            );
            let of_rows: Vec<u32> = order.iter().map(|&row| labels(&a)[row]).collect();
            assert_eq!(of_rows, labels(&b), "{name}");
        }
    }
}

/// Weights that are no whole numbers only say how much one row counts relative to another.
#[test]
fn a_constant_factor_changes_nothing() {
    let table = cases::normal(80, 3, 27);
    let fit_with = |factor: f64| {
        let weights: Vec<f64> = (0..80).map(|i| factor * (0.25 + f64::from(i % 5))).collect();
        fitted(&Matrix::from_array(table.view()).unwrap().weighted(weights).unwrap(), &Params::default())
    };
    let (a, b) = (fit_with(1.0), fit_with(0.001));
    assert_eq!((a.labels, a.details), (b.labels, b.details));
    // Nor does the unit of the features: a power of two is exact.
    let doubled = table.mapv(|v| v * 1024.0);
    let (a, b) = (Matrix::from_array(table.view()).unwrap(), Matrix::from_array(doubled.view()).unwrap());
    let (a, b) = (fitted(&a, &Params::default()), fitted(&b, &Params::default()));
    assert_eq!(a.labels, b.labels);
    assert_eq!(found(&a).preference * 1024.0 * 1024.0, found(&b).preference);
}

#[test]
fn equal_rows_share_a_cluster_and_exemplars_are_rows() {
    // Thousands of copies of few rows, and a table of ties.
    let table = cases::binary(3_000, 4);
    let matrix = Matrix::from_array(table.view()).unwrap();
    for preference in [None, Some(-0.5), Some(-400.0), Some(3.0)] {
        let params = Params { preference, damping: Some(0.9), max_iter: 1_000, ..Params::default() };
        let partition = fitted(&matrix, &params);
        assert!(partition.k >= 1 && partition.k <= 16, "{preference:?}: {}", partition.k);
        let own = labels(&partition);
        let mut label_of = std::collections::HashMap::new();
        for (row, &label) in table.rows().into_iter().zip(own) {
            let bits: Vec<u32> = row.iter().map(|v| v.to_bits()).collect();
            assert_eq!(*label_of.entry(bits).or_insert(label), label);
        }
        let Prototypes::Exemplars(points) = &partition.prototypes else { panic!("exemplars") };
        for (c, &row) in found(&partition).exemplars.iter().enumerate() {
            assert_eq!(own[row], c as u32, "an exemplar belongs to its own cluster");
            assert!(matrix.row(row).eq(points.get(c).iter().copied()));
        }
        assert_eq!(own, oracle::lloyd(&matrix, points).labels.unwrap());
    }
}

/// The median of all similarities, each row with itself included, by sorting.
#[test]
fn the_default_preference_is_the_median() {
    for (rows, weighted) in [(7, false), (40, false), (41, true), (64, true)] {
        let table = cases::normal(rows, 3, rows as u64);
        let mut matrix = Matrix::from_array(table.view()).unwrap();
        let copies: Vec<usize> = (0..rows).map(|i| if weighted { 1 + i % 4 } else { 1 }).collect();
        let stored = oracle::stored(&matrix);
        let squared = oracle::squared(&stored, &stored) * matrix.to_user(matrix.to_user(1.0));
        let mut all = Vec::new();
        for ((i, k), value) in squared.indexed_iter() {
            all.extend(std::iter::repeat_n(-value, copies[i] * copies[k]));
        }
        all.sort_by(f64::total_cmp);
        let median = (all[(all.len() - 1) / 2] + all[all.len() / 2]) / 2.0;
        if weighted {
            matrix = matrix.weighted(copies.iter().map(|&c| c as f64).collect::<Vec<_>>()).unwrap();
        }
        let partition = fitted(&matrix, &Params { damping: Some(0.9), max_iter: 1_000, ..Params::default() });
        oracle::close(median, found(&partition).preference, 1e-12, 0.0).unwrap();
    }
}

#[test]
fn a_fit_that_does_not_converge_says_so() {
    let matrix = Matrix::from_array(cases::normal(120, 2, 31).view()).unwrap();
    let partition = fitted(&matrix, &Params { damping: Some(0.5), max_iter: 12, ..Params::default() });
    assert_eq!(partition.diagnostics.converged, Some(false));
    assert_eq!((found(&partition).converged, found(&partition).n_iter), (false, 12));
    assert_eq!(labels(&partition).len(), 120, "the rows are labelled all the same");
    // After a few iterations no row is an exemplar yet.
    let cpu = Cpu::default();
    let dataset = Dataset::load(&cpu, &matrix).unwrap();
    let params = Params { max_iter: 3, damping: Some(0.9), ..Params::default() };
    let error = fit(&dataset, &params, Progress::none()).unwrap_err().to_string();
    assert!(error.contains("damping") && error.contains("preference"), "{error}");
}

#[test]
fn parameters_that_cannot_be_used_are_told() {
    let matrix = Matrix::from_array(cases::normal(20, 2, 3).view()).unwrap();
    let cpu = Cpu::default();
    let dataset = Dataset::load(&cpu, &matrix).unwrap();
    let default = Params::default();
    for params in [
        Params { damping: Some(0.49), ..default.clone() },
        Params { damping: Some(1.0), ..default.clone() },
        Params { damping: Some(f64::NAN), ..default.clone() },
        Params { preference: Some(f64::INFINITY), ..default.clone() },
        Params { max_iter: 0, ..default.clone() },
        Params { convergence_iter: 0, ..default.clone() },
    ] {
        let refused = fit(&dataset, &params, Progress::none());
        assert!(matches!(refused, Err(Error::Usage(_))), "{params:?}: {refused:?}");
    }
    // Any finite preference ends in a partition or in a sentence.
    for preference in [f64::MAX, -f64::MAX, 1e300, -1e300, 1e-300, 0.0] {
        let params = Params { preference: Some(preference), ..default.clone() };
        match fit(&dataset, &params, Progress::none()) {
            Ok(partition) => assert_eq!(labels(&partition).len(), 20, "{preference}"),
            Err(error) => assert!(error.to_string().contains("exemplar"), "{preference}: {error}"),
        }
    }
    let stop = |_: segmenta::progress::ProgressUpdate<'_>| false;
    assert!(matches!(fit(&dataset, &default, Progress::new(&stop)), Err(Error::Interrupted)));
}

#[test]
fn memory_is_known_before_the_fit() {
    let params = Params::default();
    let small = Matrix::from_array(cases::normal(1_000, 3, 1).view()).unwrap();
    let bytes = params.bytes(&small, &[]);
    assert!((24_000_000..30_000_000).contains(&bytes), "three numbers of 8 bytes a pair: {bytes}");
    let large = Matrix::from_array(cases::normal(MOST_EXACT + 1, 2, 1).view()).unwrap();
    let most = 30 * (MICRO_CLUSTERS * MICRO_CLUSTERS) as u64;
    assert!(params.bytes(&large, &[]) < most, "micro-clusters take no more than this");
}

/// Six groups that are too many rows for an exact fit.
#[test]
fn large_tables_go_through_micro_clusters() {
    let rows = MOST_EXACT + 1_000;
    let mut table = cases::normal(rows, 2, 5);
    for (i, mut row) in table.rows_mut().into_iter().enumerate() {
        row[0] += 30.0 * (i % 3) as f32;
        row[1] += 30.0 * (i % 2) as f32;
    }
    let matrix = Matrix::from_array(table.view()).unwrap();
    let partition = fitted(&matrix, &Params::default());
    let found = found(&partition);
    assert_eq!((partition.k, found.converged, found.micro_clusters), (6, true, Some(MICRO_CLUSTERS)));
    // What does not settle with the first damping does with the second.
    assert_eq!(found.damping, 0.9);
    let mut group_of = [None; 6];
    for (i, &label) in labels(&partition).iter().enumerate() {
        assert_eq!(*group_of[label as usize].get_or_insert(i % 6), i % 6);
    }
    // Each exemplar is a row near the middle of its group.
    for &row in &found.exemplars {
        let (x, y) = (table[[row, 0]] - 30.0 * (row % 3) as f32, table[[row, 1]] - 30.0 * (row % 2) as f32);
        assert!(x.abs() < 0.2 && y.abs() < 0.2, "{x} {y}");
    }
}

/// At first every row may be its own exemplar for many iterations, where scikit-learn stops with as many clusters as rows.
#[test]
fn every_row_alone_is_no_result_where_rows_belong_together() {
    let matrix = Matrix::from_array(cases::normal(150, 2, 8).view()).unwrap();
    for preference in [-2_000.0, -20_000.0] {
        let params =
            Params { preference: Some(preference), damping: Some(0.9), max_iter: 2_000, ..Params::default() };
        let partition = fitted(&matrix, &params);
        assert!(!found(&partition).converged || partition.k < 5, "{preference}: {}", partition.k);
    }
    // Where every row is worth being one, it is a result.
    let partition = fitted(&matrix, &Params { preference: Some(1.0), ..Params::default() });
    assert_eq!((found(&partition).converged, partition.k), (true, 150));
}

/// A table of the program's own, whose rows are distinct, and the model of a fit.
fn analysed() -> segmenta::analysis::Outcome {
    use segmenta::analysis::{Compute, Fit, Silent, Spec, run};
    use segmenta::cluster::Method;
    let method =
        Method::Affinity(Params { damping: Some(0.8), preference: Some(-300.0), ..Params::default() });
    let spec = Spec { method, fit: Some(Fit::default()), ..Spec::default() };
    run(&spec, Example::Learners.table(400, 1).into(), &Compute::default(), &Silent).unwrap()
}

#[test]
fn a_model_labels_the_rows_of_the_fit_as_the_fit_did() {
    use segmenta::model::{Assigner, Model};
    let outcome = analysed();
    let model = outcome.model.unwrap();
    let json = model.to_json();
    crate::model::schema::check(&json);
    let back = Model::from_json(&json).unwrap();
    assert_eq!(back, model);
    let Assigner::Exemplars(exemplars) = &back.assigner else { panic!("{:?}", back.assigner) };
    assert_eq!(exemplars.len(), outcome.k.unwrap());
    let assigned = back.assign(&Example::Learners.table(400, 1), &Cpu::default()).unwrap();
    assert_eq!(assigned.rows, outcome.labelled.unwrap().rows);
    // What is read from a file is not believed.
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    type Change = fn(&mut serde_json::Value);
    let wrong: [(&str, Change); 5] = [
        ("no exemplar", |v| v["exemplars"] = serde_json::json!([])),
        ("too few values", |v| v["exemplars"][0]["values"] = serde_json::json!([1.0])),
        ("a value out of range", |v| v["exemplars"][0]["values"][0] = serde_json::json!(1e300)),
        ("two of a number", |v| v["exemplars"][0]["segment"] = v["exemplars"][1]["segment"].clone()),
        ("another size", |v| v["exemplars"][0]["size"] = serde_json::json!(1_000_000)),
    ];
    for (name, change) in wrong {
        let mut bad = value.clone();
        change(&mut bad);
        assert!(Model::from_json(&bad.to_string()).is_err(), "{name}");
    }
}
