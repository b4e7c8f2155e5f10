//! The verdict on structure: right on tables whose structure is known, and the same however it is computed.

#[allow(dead_code)]
mod tables;

use crate::devices::skip;
use segmenta::backend::cpu::Cpu;
use segmenta::progress::Progress;
use segmenta::structure::{FEWEST_ROWS, MOST_FEATURES, OneHotBlock, Options, Structure, Verdict, structure};
use segmenta::{Error, Matrix};
use std::path::PathBuf;
use tables::Table;

fn judge(matrix: &Matrix, blocks: &[OneHotBlock], options: &Options) -> Structure {
    structure(matrix, blocks, options, &Cpu::default(), Progress::none()).unwrap()
}

fn of(table: &Table, seed: u64) -> Structure {
    let (matrix, blocks) = table.scaled();
    judge(&matrix, &blocks, &Options { seed, ..Options::default() })
}

/// Rows and features of the tables.
const N: usize = 600;
const D: usize = 8;

/// Asserts that at least `most` of five seeds give one of these verdicts, and that none is strong unless `right` says so.
fn holds(name: &str, right: &[Verdict], least: usize, make: impl Fn(u64) -> Table) {
    let found: Vec<Verdict> = (100..105).map(|seed| of(&make(seed), seed).verdict).collect();
    let good = found.iter().filter(|verdict| right.contains(verdict)).count();
    assert!(good >= least, "{name}: {found:?}");
    if !right.contains(&Verdict::Strong) {
        assert!(!found.contains(&Verdict::Strong), "{name}: {found:?}");
    }
}

#[test]
fn noise_is_called_noise() {
    let none = &[Verdict::None];
    holds("gaussian", none, 5, |s| tables::gaussian(N, D, s));
    holds("uniform", none, 5, |s| tables::uniform(N, D, s));
    holds("uniform in two features", none, 5, |s| tables::uniform(N, 2, s));
    holds("exponential", none, 5, |s| tables::exponential(N, D, s));
    holds("0 and 1", none, 5, |s| tables::binary(N, D, s));
    holds("one-hot", none, 5, |s| tables::one_hot(N, D, s));
    holds("counts", none, 5, |s| tables::counts(N, D, s));
    holds("lognormal", &[Verdict::None, Verdict::Outliers], 5, |s| tables::lognormal(N, D, s));
    holds("clouds 1 sd apart", none, 5, |s| tables::blobs(N, D, 3, 1.0, s));
}

#[test]
fn a_scale_is_a_continuum() {
    holds("one factor", &[Verdict::Continuum], 5, |s| tables::factors(N, D, 1, s));
    holds("three factors", &[Verdict::Continuum], 5, |s| tables::factors(N, D, 3, s));
    holds("clouds 2 sd apart", &[Verdict::None, Verdict::Continuum], 5, |s| tables::blobs(N, D, 3, 2.0, s));
}

#[test]
fn structure_is_found() {
    let found = &[Verdict::Weak, Verdict::Strong];
    for clouds in [3, 5] {
        holds("clouds 3 sd apart", found, 4, |s| tables::blobs(N, D, clouds, 3.0, s));
        holds("clouds 6 sd apart", &[Verdict::Strong], 5, |s| tables::blobs(N, D, clouds, 6.0, s));
    }
    holds("moons", &[Verdict::Strong], 5, |s| tables::moons(N, 0.05, s));
    holds("90, 9 and 1 %", &[Verdict::Weak], 4, |s| tables::clouds(N, D, &[0.9, 0.09, 0.01], 6.0, s));
    holds("a curve", &[Verdict::Weak], 4, |s| tables::curve(N, D, s));
}

/// The numeric columns of a CSV file below `SEGMENTA_DATA`, as they are.
fn read(name: &str, wanted: impl Fn(&str) -> bool) -> Option<Vec<Vec<f64>>> {
    let Some(folder) = std::env::var_os("SEGMENTA_DATA").map(PathBuf::from) else {
        skip("SEGMENTA_DATA is not set: no verdict on real tables");
        return None;
    };
    let mut reader = csv::Reader::from_path(folder.join(name)).unwrap();
    let at: Vec<usize> =
        reader.headers().unwrap().iter().enumerate().filter(|(_, h)| wanted(h)).map(|(i, _)| i).collect();
    let mut columns = vec![Vec::new(); at.len()];
    for record in reader.records() {
        let record = record.unwrap();
        let row: Option<Vec<f64>> = at.iter().map(|&i| record[i].parse().ok()).collect();
        for (column, value) in columns.iter_mut().zip(row.into_iter().flatten()) {
            column.push(value);
        }
    }
    Some(columns)
}

/// How many of five seeds give one of these verdicts.
fn agree(columns: Vec<Vec<f64>>, right: &[Verdict]) -> usize {
    let table = Table { columns, blocks: Vec::new() };
    (0..5).filter(|&seed| right.contains(&of(&table, seed).verdict)).count()
}

#[test]
fn real_tables_are_what_they_are_known_to_be() {
    let features = |h: &str| h != "target";
    let Some(iris) = read("classic/iris.csv", features) else { return };
    assert_eq!(agree(iris, &[Verdict::Strong]), 5, "iris");
    let some = &[Verdict::Weak, Verdict::Strong];
    assert!(agree(read("classic/wine.csv", features).unwrap(), some) >= 4, "wine");
    assert!(agree(read("classic/digits.csv", features).unwrap(), some) >= 4, "digits");
    let cancer = read("classic/breast_cancer.csv", features).unwrap();
    assert!(agree(cancer, &[Verdict::Continuum]) >= 3, "breast cancer");
    let rfm = ["recency_days", "frequency", "monetary"];
    let mut cdnow = read("cdnow/customers_rfm.csv", |h| rfm.contains(&h)).unwrap();
    cdnow.iter_mut().flatten().for_each(|v| *v = libm::log1p(*v));
    assert!(agree(cdnow, &[Verdict::Continuum]) >= 4, "CDNOW");
    let numbers = [
        "studied_credits",
        "num_of_prev_attempts",
        "date_registration",
        "n_assessments",
        "mean_score",
        "mean_days_early",
        "weight_done",
        "weighted_points",
    ];
    let oulad = read("oulad/learners.csv", |h| numbers.contains(&h)).unwrap();
    assert_eq!(oulad[0].len(), 25_815);
    assert!(agree(oulad, &[Verdict::Continuum, Verdict::Weak]) >= 4, "OULAD");
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for table in [tables::blobs(2500, 5, 4, 4.0, 7), tables::one_hot(300, 9, 7)] {
        let (matrix, blocks) = table.scaled();
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| judge(&matrix, &blocks, &Options { seed: 3, ..Options::default() }))
        };
        let expected = with(1);
        assert_eq!(expected.rows, matrix.rows().min(segmenta::structure::ROWS));
        for threads in [2, 7] {
            assert_eq!(expected, with(threads), "{threads} threads");
        }
    }
}

#[test]
fn a_weight_is_a_number_of_copies() {
    let (matrix, _) = tables::blobs(150, 4, 3, 5.0, 1).scaled();
    let columns = |copies: &dyn Fn(usize) -> usize| -> Vec<Vec<f32>> {
        let rows: Vec<usize> = (0..150).flat_map(|i| vec![i; copies(i)]).collect();
        (0..4)
            .map(|j| rows.iter().map(|&i| matrix.to_user(f64::from(matrix.value(i, j))) as f32).collect())
            .collect()
    };
    let names = || (0..4).map(|j| format!("f{j}")).collect();
    let copies = |i: usize| 1 + i % 3;
    let repeated = Matrix::from_columns(names(), columns(&copies)).unwrap();
    let weights: Vec<f64> = (0..150).map(|i| copies(i) as f64).collect();
    let weighted = Matrix::from_columns(names(), columns(&|_| 1)).unwrap().weighted(weights).unwrap();
    for rows in [2000, 120] {
        let options = Options { rows, ..Options::default() };
        let expected = judge(&repeated, &[], &options);
        assert_eq!(expected.rows, rows.min(300));
        assert_eq!(expected, judge(&weighted, &[], &options));
    }
}

#[test]
fn fractional_weights_draw_fewer_rows() {
    let (matrix, _) = tables::gaussian(400, 3, 1).scaled();
    let equal = matrix.clone().weighted(vec![0.3; 400]).unwrap();
    assert_eq!(judge(&equal, &[], &Options::default()).rows, 400);
    // A hundred rows carry nearly all of the weight.
    let few = (0..400).map(|i| if i < 100 { 10.5 } else { 0.001 }).collect::<Vec<f64>>();
    assert_eq!(judge(&matrix.weighted(few).unwrap(), &[], &Options::default()).rows, 100);
}

#[test]
fn segments_of_one_hot_columns_restate_them() {
    // Three categories, and numbers that have nothing to do with them.
    let mut table = tables::one_hot(N, 3, 5);
    table.columns.extend(tables::gaussian(N, 1, 6).columns);
    let (matrix, mut blocks) = table.scaled();
    blocks[0].name = "country".into();
    let found = judge(&matrix, &blocks, &Options::default());
    assert_eq!(found.restates, ["country"]);
    assert!(found.meaning().contains("restate the categories of country"), "{}", found.meaning());
    let numbers = of(&tables::blobs(N, D, 3, 6.0, 1), 1);
    assert!(numbers.restates.is_empty() && !numbers.meaning().contains("restate"));
}

#[test]
fn reasons_have_their_figures() {
    let found = of(&tables::blobs(N, D, 3, 6.0, 1), 1);
    let figures = found.figures.as_ref().unwrap();
    assert!(found.why.contains(&format!("{:.2}, at k = 3", figures.silhouette)), "{}", found.why);
    assert!(figures.silhouette_excess.highest < figures.silhouette);
    assert_eq!(figures.compared.iter().map(|c| c.k).collect::<Vec<_>>(), [2, 3, 4, 5]);
    let fixed = Options { ks: vec![4, 1, 4], ..Options::default() };
    let (matrix, _) = tables::blobs(N, D, 3, 6.0, 1).scaled();
    let fixed = judge(&matrix, &[], &fixed);
    assert_eq!(fixed.figures.as_ref().unwrap().k, 4);
}

/// All figures, each of which must be a number.
fn numbers(found: &Structure) -> Vec<f64> {
    let Some(f) = &found.figures else { return Vec::new() };
    let mut out = vec![f.silhouette, f.explained, f.smallest, f.one_hot];
    for e in [f.silhouette_excess, f.explained_excess, f.dependence] {
        out.extend([e.difference, e.z, e.lowest, e.highest]);
    }
    out.extend(f.prediction_strength);
    out.extend(f.separated);
    f.compared.iter().for_each(|c| out.extend([c.silhouette, c.twin_silhouette]));
    out
}

#[test]
fn odd_tables_get_an_answer() {
    let matrix = |columns: Vec<Vec<f32>>| {
        Matrix::from_columns((0..columns.len()).map(|j| format!("f{j}")).collect(), columns).unwrap()
    };
    let all_k = Options { ks: (1..=10).collect(), ..Options::default() };
    let few = judge(&matrix(vec![vec![1.0; FEWEST_ROWS - 1]]), &[], &all_k);
    assert!(few.verdict == Verdict::None && few.figures.is_none() && few.why.contains("too few"));
    assert!(few.meaning().contains("cannot be judged"));
    let wide = judge(&matrix(vec![vec![0.0, 1.0]; MOST_FEATURES + 1]), &[], &all_k);
    assert!(wide.figures.is_none() && wide.why.contains("features"));
    let equal = judge(&matrix(vec![vec![1.0; 50], vec![-2.0; 50]]), &[], &all_k);
    assert!(equal.verdict == Verdict::None && equal.figures.is_none() && equal.why.contains("values"));

    let ramp: Vec<f32> = (0..60).map(|i| i as f32).collect();
    let two: Vec<f32> = (0..60).map(|i| (i % 2) as f32).collect();
    let lone: Vec<f32> = (0..60).map(|i| f32::from(u8::from(i == 7))).collect();
    let huge: Vec<f32> = (0..60).map(|i| if i == 3 { 1e30 } else { i as f32 }).collect();
    for columns in [
        vec![ramp.clone()],
        vec![two.clone()],
        vec![lone.clone()],
        vec![huge],
        vec![two.clone(), two.clone(), two.clone()],
        vec![ramp.clone(), vec![3.0; 60], two.clone()],
        vec![ramp.clone(), ramp.clone(), ramp.iter().map(|v| -v).collect()],
        (0..80).map(|j| (0..60).map(|i| ((i * i * (j + 3)) % 61) as f32).collect()).collect(),
    ] {
        let features = columns.len();
        let found = judge(&matrix(columns), &[], &all_k);
        assert!(found.figures.is_some() && !found.why.is_empty(), "{features} features");
        assert!(numbers(&found).iter().all(|v| v.is_finite()), "{found:?}");
    }
    // Blocks that are not one-hot, that are empty, or whose rows have no category.
    let not: Vec<Vec<f32>> = vec![two.clone(), two, ramp];
    for features in [0..2, 1..3, 2..2, 0..1] {
        let block = OneHotBlock { name: "b".into(), features };
        let found = judge(&matrix(not.clone()), &[block], &all_k);
        assert!(numbers(&found).iter().all(|v| v.is_finite()));
    }
    let rare = vec![lone.clone(), lone.iter().map(|v| 0.0 * v).collect()];
    let found = judge(&matrix(rare), &[OneHotBlock { name: "b".into(), features: 0..2 }], &all_k);
    assert!(numbers(&found).iter().all(|v| v.is_finite()));
}

#[test]
fn impossible_calls_are_refused() {
    let (matrix, _) = tables::gaussian(100, 2, 0).scaled();
    let call = |blocks: &[OneHotBlock], ks: Vec<usize>| {
        structure(&matrix, blocks, &Options { ks, ..Options::default() }, &Cpu::default(), Progress::none())
    };
    assert!(matches!(call(&[], vec![1]), Err(Error::Usage(_))));
    let outside = OneHotBlock { name: "b".into(), features: 1..3 };
    assert!(matches!(call(&[outside], vec![2]), Err(Error::Usage(_))));
    let stop = |update: segmenta::progress::ProgressUpdate<'_>| update.done == 0;
    let stopped = structure(&matrix, &[], &Options::default(), &Cpu::default(), Progress::new(&stop));
    assert!(matches!(stopped, Err(Error::Interrupted)));
}
