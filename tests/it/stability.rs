//! Whether segments hold: samples by a plain bootstrap, cohorts, and pairs of centroids beside SciPy's
//! (tests/peers/matching.py).

use crate::{cases, devices};
use segmenta::analysis::{Compute, Fit, Outcome, Silent, Source, Spec, Stability, StabilityFound, hold, run};
use segmenta::backend::Backend;
use segmenta::backend::cpu::Cpu;
use segmenta::cluster::{Labels, Method, Params, Start, fit};
use segmenta::evidence::matching::cheapest_pairs;
use segmenta::progress::Progress;
use segmenta::random::{Draws, Purpose};
use segmenta::stability::{DISSOLVED, RECOVERED, Recurrence, bootstrap, reading};
use segmenta::table::{Column, Table, Values};
use segmenta::{Dataset, Error, Matrix};
use serde::Deserialize;
use std::collections::HashSet;

#[derive(Deserialize)]
struct Goldens {
    cases: Vec<Pairs>,
}

#[derive(Deserialize)]
struct Pairs {
    costs: Vec<Vec<f64>>,
    columns: Vec<usize>,
    sum: f64,
}

#[test]
fn pairs_are_those_of_scipy() {
    let goldens: Goldens = serde_json::from_str(include_str!("../peers/matching.json")).unwrap();
    assert_eq!(goldens.cases.len(), 66);
    for golden in goldens.cases {
        let pairs = cheapest_pairs(&golden.costs);
        assert_eq!(pairs, golden.columns, "{:?}", golden.costs);
        let sum: f64 = pairs.iter().enumerate().map(|(r, &c)| golden.costs[r][c]).sum();
        assert!((sum - golden.sum).abs() <= 1e-9 * golden.sum, "{sum} {}", golden.sum);
    }
    assert!(cheapest_pairs(&[]).is_empty());
    assert!(cheapest_pairs(&[vec![1.0, 2.0]]).is_empty(), "not square");
    let mut same = cheapest_pairs(&vec![vec![0.0; 3]; 3]);
    same.sort_unstable();
    assert_eq!(same, [0, 1, 2], "all pairs cost nothing");
}

fn matrix(rows: &ndarray::Array2<f32>) -> Matrix {
    Matrix::from_array(rows.view()).unwrap()
}

/// Four groups far apart in two features, and their numbers.
fn blobs(rows: usize) -> (ndarray::Array2<f32>, Vec<u32>) {
    let mut table = cases::normal(rows, 2, 91);
    let place = |i: usize| ((i % 2) as f32, (i / 2 % 2) as f32);
    for (i, mut row) in table.rows_mut().into_iter().enumerate() {
        let (x, y) = place(i);
        row[0] += 40.0 * x;
        row[1] += 40.0 * y;
    }
    (table, (0..rows).map(|i| (i % 4) as u32).collect())
}

fn looked_at(
    matrix: &Matrix,
    backend: &dyn Backend,
    (k, labels): (usize, &[u32]),
    samples: usize,
) -> Vec<Recurrence> {
    let dataset = Dataset::load(backend, matrix).unwrap();
    let labels = Labels::new(labels.to_vec());
    bootstrap(&dataset, (k, &labels), &Method::default(), (samples, 3, 5), Progress::none()).unwrap()
}

fn labels_of(matrix: &Matrix, k: usize) -> Vec<u32> {
    let cpu = Cpu::default();
    let dataset = Dataset::load(&cpu, matrix).unwrap();
    fit(&dataset, k, &Params::default(), &Start::KMeansPlusPlus, Progress::none()).unwrap().labels
}

/// The definition in plain words: every draw is a row of its own, and segments are sets of draws.
fn plain_bootstrap(matrix: &Matrix, k: usize, labels: &[u32], samples: u64, seed: u64) -> Vec<Vec<f64>> {
    let (cpu, n) = (Cpu::default(), matrix.rows());
    let streams = Draws::new(seed, Purpose::Stability);
    let mut found = vec![Vec::new(); k];
    for sample in 1..=samples {
        let mut stream = streams.at(sample);
        let mut rows: Vec<usize> =
            (0..n).map(|_| ((u128::from(stream.bits()) * n as u128) >> 64) as usize).collect();
        rows.sort_unstable();
        let drawn = matrix.select(&rows);
        let dataset = Dataset::load(&cpu, &drawn).unwrap();
        let params = Params { n_init: 3, seed: streams.at(sample << 32).bits(), ..Params::default() };
        let after = fit(&dataset, k, &params, &Start::KMeansPlusPlus, Progress::none()).unwrap().labels;
        let draws_in = |label: u32, of: &dyn Fn(usize) -> u32| -> HashSet<usize> {
            (0..n).filter(|&draw| of(draw) == label).collect()
        };
        for (segment, found) in found.iter_mut().enumerate() {
            let before = draws_in(segment as u32, &|draw| labels[rows[draw]]);
            let indices = (0..k as u32).map(|cluster| {
                let after = draws_in(cluster, &|draw| after[draw]);
                before.intersection(&after).count() as f64 / before.union(&after).count() as f64
            });
            let best = indices.fold(0.0, f64::max);
            if !before.is_empty() {
                found.push(best);
            }
        }
    }
    found
}

#[test]
fn samples_are_those_of_a_plain_bootstrap() {
    let table = matrix(&cases::normal(240, 3, 92));
    let labels = labels_of(&table, 5);
    let found = looked_at(&table, &Cpu::default(), (5, &labels), 6);
    let expected = plain_bootstrap(&table, 5, &labels, 6, 5);
    for (found, expected) in found.iter().zip(&expected) {
        let mean = expected.iter().sum::<f64>() / expected.len() as f64;
        assert_eq!(found.jaccard(), Some(mean));
        assert_eq!(found.samples, expected.len());
        assert_eq!(found.dissolved, expected.iter().filter(|j| **j <= DISSOLVED).count());
        assert_eq!(found.recovered, expected.iter().filter(|j| **j >= RECOVERED).count());
    }
    assert!(found.iter().any(|s| s.jaccard() < Some(1.0)), "a sample changes something");
}

#[test]
fn groups_far_apart_always_reappear_and_slices_of_noise_do_not() {
    let (table, labels) = blobs(400);
    let (table, cpu) = (matrix(&table), Cpu::default());
    for segment in looked_at(&table, &cpu, (4, &labels), 10) {
        assert_eq!((segment.jaccard(), segment.recovered, segment.dissolved), (Some(1.0), 10, 0));
    }
    // One group is cut in two at random, and nothing in the rows tells the halves apart.
    let coin = Draws::new(1, Purpose::SynthRow);
    let cut: Vec<u32> = labels
        .iter()
        .enumerate()
        .map(|(i, &label)| if label == 3 && coin.at(i as u64).bits() & 1 == 1 { 4 } else { label })
        .collect();
    let found = looked_at(&table, &cpu, (5, &cut), 20);
    let jaccard: Vec<f64> = found.iter().filter_map(Recurrence::jaccard).collect();
    let half = jaccard[3..].iter().copied().fold(0.0, f64::max);
    let whole = jaccard[..3].iter().filter(|j| **j > 0.9).count();
    assert!(half < 0.6 && whole >= 2, "{jaccard:?}");
    let noise = matrix(&cases::normal(400, 2, 93));
    let labels = labels_of(&noise, 7);
    let found = looked_at(&noise, &cpu, (7, &labels), 20);
    assert!(found.iter().any(|s| s.jaccard() < Some(0.75)), "{found:?}");
}

#[test]
fn what_a_mean_says_is_what_hennig_says() {
    let words = [0.59, 0.6, 0.74, 0.75, 0.84, 0.85, 1.0].map(reading);
    let pattern = "a pattern, but its borders are doubtful";
    let expected =
        ["not to be trusted", pattern, pattern, "stable", "stable", "highly stable", "highly stable"];
    assert_eq!(words, expected);
}

#[test]
fn samples_are_the_same_on_every_device_and_for_weights_and_copies() {
    let rows = cases::normal(300, 3, 94);
    let one_each = matrix(&rows);
    let labels = labels_of(&one_each, 4);
    let weights: Vec<u32> = (0..300).map(|i| [1, 3, 1, 2, 0][i % 5]).collect();
    let weighted = one_each.clone().weighted(weights.clone()).unwrap();
    // The copies of a row lie apart: after all first ones.
    let firsts = (0..300).filter(|&i| weights[i] > 0);
    let copies: Vec<usize> =
        firsts.chain((0..300).flat_map(|i| std::iter::repeat_n(i, weights[i].max(1) as usize - 1))).collect();
    let copied = one_each.select(&copies);
    let copied_labels: Vec<u32> = copies.iter().map(|&i| labels[i]).collect();
    let mut first = None;
    for setup in devices::all() {
        let got = setup.run(|backend| {
            [
                looked_at(&one_each, backend, (4, &labels), 3),
                looked_at(&weighted, backend, (4, &labels), 3),
                looked_at(&copied, backend, (4, &copied_labels), 3),
            ]
        });
        assert_eq!(got[1], got[2], "{}: weights are copies", setup.name);
        assert_ne!(got[0], got[1], "{}: weights matter", setup.name);
        assert_eq!(*first.get_or_insert(got.clone()), got, "{}", setup.name);
    }
    for threads in [16, 64] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let got = pool.install(|| looked_at(&one_each, &Cpu::default(), (4, &labels), 3));
        assert_eq!(first.as_ref().unwrap()[0], got, "{threads} threads");
    }
}

#[test]
fn a_callback_stops_it_and_few_rows_are_no_error() {
    let cpu = Cpu::default();
    let three = Matrix::from_columns(vec!["f".into()], vec![vec![0.0, 1.0, 2.0]]).unwrap();
    let dataset = Dataset::load(&cpu, &three).unwrap();
    let labels = Labels::new(vec![0, 1, 2]);
    let method = Method::default();
    // Most samples have fewer distinct rows than segments.
    let found = bootstrap(&dataset, (3, &labels), &method, (50, 1, 0), Progress::none()).unwrap();
    assert!(found.iter().all(|s| s.samples < 30 && s.jaccard() == Some(1.0)), "{found:?}");
    let stop = |_: segmenta::progress::ProgressUpdate<'_>| false;
    let stopped = bootstrap(&dataset, (3, &labels), &method, (5, 1, 0), Progress::new(&stop));
    assert!(matches!(stopped, Err(Error::Interrupted)));
}

/// The four groups as a table with a column of cohorts.
fn table(rows: usize, cohort: impl Fn(usize) -> Option<String>) -> Table {
    let (features, _) = blobs(rows);
    let number = |j: usize| Values::Number(features.column(j).iter().map(|&v| f64::from(v)).collect());
    let texts: Vec<Option<String>> = (0..rows).map(cohort).collect();
    let mut levels: Vec<String> = Vec::new();
    let codes = texts
        .into_iter()
        .map(|text| {
            let text = text?;
            let known = levels.iter().position(|level| *level == text);
            Some(known.unwrap_or_else(|| {
                levels.push(text);
                levels.len() - 1
            }) as u32)
        })
        .collect();
    let column = |name: &str, values| Column { name: name.into(), values };
    let columns =
        vec![column("x", number(0)), column("y", number(1)), column("week", Values::Text { levels, codes })];
    Table { source: "t".into(), rows, columns, ..Table::default() }
}

fn spec(samples: u32, cohort: &str) -> Spec {
    let mut spec = Spec {
        fit: Some(Fit { k: Some(4), ..Fit::default() }),
        stability: Some(Stability { samples, n_init: 2, cohort: Some(cohort.into()) }),
        structure: false,
        profile: None,
        ..Spec::default()
    };
    spec.recipe.features.options.features = vec!["x".into(), "y".into()];
    spec
}

fn outcome(spec: &Spec, table: Table) -> Outcome {
    run(spec, Source::from(table), &Compute::default(), &Silent).unwrap()
}

fn found(spec: &Spec, table: Table) -> StabilityFound {
    outcome(spec, table).stability.unwrap()
}

#[test]
fn cohorts_that_are_alike_agree_and_small_ones_get_a_sentence() {
    let weeks = |i: usize| match i {
        0..3 => Some("9".into()),
        3..40 => None,
        _ => Some(["10", "2", "30"][i % 3].into()),
    };
    let found = found(&spec(4, "week"), table(400, weeks));
    assert_eq!(found.cohort.as_deref(), Some("week"));
    assert!(!found.cohort_is_feature);
    let names: Vec<Option<&str>> = found.cohorts.iter().map(|c| c.cohort.as_deref()).collect();
    assert_eq!(names, [Some("2"), Some("9"), Some("10"), Some("30"), None], "by size, missing last");
    assert_eq!(found.cohorts.iter().map(|c| c.rows).sum::<usize>(), 400);
    for cohort in &found.cohorts {
        if cohort.cohort.as_deref() == Some("9") {
            assert_eq!((cohort.rows, cohort.agreement, cohort.ari), (3, None, None));
            let note = cohort.note.as_deref().unwrap();
            assert!(note.contains("3 distinct rows") && note.contains("4 segments"), "{note}");
            assert!(cohort.segments.is_empty());
            continue;
        }
        assert_eq!((cohort.agreement, cohort.ari, &cohort.note), (Some(1.0), Some(1.0), &None));
        let share: f64 = cohort.segments.iter().map(|s| s.share).sum();
        assert!((share - 1.0).abs() < 1e-12);
        // Groups are 40 apart, and the mean of a hundred rows of a group is within a quarter or so.
        assert!(cohort.segments.iter().all(|s| s.moved.unwrap() < 0.03), "{cohort:?}");
    }
    assert!(
        found
            .segments
            .iter()
            .all(|s| s.jaccard == Some(1.0) && s.reading.as_deref() == Some("highly stable"))
    );
}

#[test]
fn a_cohort_that_moved_says_which_and_by_how_much() {
    // In the second half all groups are four fifths of x further up in y.
    let mut moved = table(400, |i| Some(if i < 200 { "a".into() } else { "b".into() }));
    let Values::Number(x) = moved.columns[0].values.clone() else { panic!() };
    if let Values::Number(y) = &mut moved.columns[1].values {
        (200..400).for_each(|i| y[i] += 0.2 * x[i]);
    }
    let found = found(&spec(0, "week"), moved);
    assert!(found.segments.is_empty() && found.samples == 0, "no samples were asked for");
    for cohort in &found.cohorts {
        assert_eq!(cohort.agreement, Some(1.0));
        // Groups at x = 40 lie 8 apart in the two halves, so 4 from their common mean, of 40 to the next group.
        let moves: Vec<f64> = cohort.segments.iter().map(|s| s.moved.unwrap()).collect();
        let far = moves.iter().filter(|m| (**m - 0.1).abs() < 0.02).count();
        assert_eq!((far, moves.iter().filter(|m| **m < 0.02).count()), (2, 2), "{moves:?}");
        let most = cohort.segments.iter().max_by(|a, b| a.moved.partial_cmp(&b.moved).unwrap()).unwrap();
        let first = &most.features[0];
        assert_eq!(first.feature, "y");
        assert!(((first.cohort - first.whole).abs() - 4.0).abs() < 0.5, "{first:?}");
    }
}

#[test]
fn one_cohort_is_all_rows_and_a_cohort_may_be_a_segment() {
    let all = found(&spec(0, "week"), table(200, |_| Some("only".into())));
    assert_eq!(all.cohorts.len(), 1);
    let only = &all.cohorts[0];
    assert_eq!((only.rows, only.agreement, only.ari), (200, Some(1.0), Some(1.0)));
    assert!(only.segments.iter().all(|s| s.moved == Some(0.0) && s.features.is_empty()), "{only:?}");
    // Fitted alone, a group falls into four slices, which no longer are the segments of all rows.
    let each = found(&spec(0, "week"), table(200, |i| Some(format!("group {}", i % 4))));
    assert_eq!(each.cohorts.len(), 4);
    for cohort in &each.cohorts {
        assert!(cohort.agreement.unwrap() < 0.6 && cohort.ari.unwrap().abs() < 1e-9, "{cohort:?}");
    }
    // Of many cohorts the largest are fitted.
    let value = |i: usize| i % 60 + i % 7;
    let many = found(&spec(0, "week"), table(700, |i| Some(value(i).to_string())));
    assert_eq!((many.cohorts.len(), many.cohorts_left_out), (50, 16));
    let mut sizes = [0; 66];
    (0..700).for_each(|i| sizes[value(i)] += 1);
    sizes.sort_unstable_by_key(|n| std::cmp::Reverse(*n));
    let kept: usize = many.cohorts.iter().map(|c| c.rows).sum();
    assert_eq!(kept, sizes[..50].iter().sum::<usize>());
}

#[test]
fn a_saved_model_gives_what_the_fit_gave() {
    let weeks = |i: usize| Some(["a", "b", "c"][i % 3].to_string());
    let spec = spec(5, "week");
    let own = table(300, weeks);
    let outcome = outcome(&spec, own.clone());
    let (model, options) = (outcome.model.unwrap(), spec.stability.unwrap());
    let cpu = Cpu::default();
    let held = hold(&model, &own, &options, 0, &cpu, &Silent).unwrap();
    assert_eq!(Some(held.found), outcome.stability);
    assert_eq!((held.rows, held.excluded), (300, 0));
    let none = Stability { cohort: Some("month".into()), ..options };
    let error = hold(&model, &own, &none, 0, &cpu, &Silent).unwrap_err().to_string();
    assert!(error.contains("there is no column \"month\" to take cohorts from"), "{error}");
}

#[test]
fn cohorts_count_weights_and_equal_rows_as_copies() {
    // Each row of weight 3 in one table is three rows in the other, and a quarter of the rows may be merged.
    let weeks = |i: usize| Some(["a", "b"][i / 4 % 2].to_string());
    let once = table(200, weeks);
    let weight = |i: usize| if i.is_multiple_of(2) { 3.0 } else { 1.0 };
    let mut weighted = once.clone();
    let column = Column { name: "w".into(), values: Values::Number((0..200).map(weight).collect()) };
    weighted.columns.push(column);
    let copies: Vec<usize> = (0..200).flat_map(|i| std::iter::repeat_n(i, weight(i) as usize)).collect();
    let mut copied = table(copies.len(), |i| weeks(copies[i]));
    for j in 0..2 {
        let Values::Number(v) = &once.columns[j].values else { panic!() };
        copied.columns[j].values = Values::Number(copies.iter().map(|&i| v[i]).collect());
    }
    let mut spec = spec(5, "week");
    let by_copies = found(&spec, copied);
    spec.recipe.features.options.weight = Some("w".into());
    let by_weights = found(&spec, weighted);
    assert_eq!(by_copies.segments, by_weights.segments);
    assert_eq!(by_copies.cohorts.len(), 2);
    for (a, b) in by_copies.cohorts.iter().zip(&by_weights.cohorts) {
        assert_eq!((a.agreement, a.ari), (b.agreement, b.ari));
        for (a, b) in a.segments.iter().zip(&b.segments) {
            assert_eq!((a.share, a.moved), (b.share, b.moved));
            // Only the scale of the columns is a sum of floats.
            for (a, b) in a.features.iter().zip(&b.features) {
                assert_eq!(a.feature, b.feature);
                assert!((a.whole - b.whole).abs() < 1e-9 && (a.cohort - b.cohort).abs() < 1e-9);
            }
        }
        assert!(a.rows > b.rows);
    }
}

#[test]
fn restarts_of_a_large_sample_find_what_all_its_rows_would() {
    let rows = 70_000;
    let (table, labels) = blobs(rows);
    let table = matrix(&table);
    let mut first = None;
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let found = pool.install(|| looked_at(&table, &Cpu::default(), (4, &labels), 2));
        assert!(found.iter().all(|s| s.jaccard() == Some(1.0)), "{found:?}");
        assert_eq!(*first.get_or_insert(found.clone()), found);
    }
}
