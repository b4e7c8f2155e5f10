//! Tables of 0 and 1 on every backend: against an answer that looks at one feature after the other, and against scikit-learn's
//! (tests/peers/binary.py).

use crate::devices;
use segmenta::backend::{Backend, BinaryMetric, BinaryRows, Labeling, MOST_NEIGHBOURS, SelfMatches};
use segmenta::evidence::medoid::binary_medoids;
use segmenta::evidence::silhouette::{binary_silhouette_samples, binary_silhouette_scores};
use segmenta::matrix::BinaryMatrix;
use segmenta::progress::Progress;
use segmenta::random::{Draws, Purpose};
use serde::Deserialize;
use std::cmp::Ordering;

const METRICS: [BinaryMetric; 2] = [BinaryMetric::Jaccard, BinaryMetric::Hamming];

type Answers = Vec<Vec<bool>>;

fn packed(rows: &[Vec<bool>]) -> BinaryMatrix {
    let features = rows[0].len();
    let names: Vec<String> = (0..features).map(|j| format!("q{j}")).collect();
    let columns: Vec<Vec<f32>> =
        (0..features).map(|j| rows.iter().map(|row| f32::from(u8::from(row[j]))).collect()).collect();
    BinaryMatrix::from_columns(&names, &columns).unwrap()
}

/// Rows whose shares of ones differ from feature to feature.
fn random(rows: usize, features: usize, index: u64) -> Answers {
    let mut draws = Draws::new(16, Purpose::SynthTable).at(index);
    let shares: Vec<f64> = (0..features).map(|_| 0.05 + 0.45 * draws.uniform()).collect();
    (0..rows).map(|_| shares.iter().map(|share| draws.uniform() < *share).collect()).collect()
}

/// A distance as a fraction, feature by feature.
fn fraction(metric: BinaryMetric, a: &[bool], b: &[bool]) -> (u64, u64) {
    let count = |what: fn(bool, bool) -> bool| a.iter().zip(b).filter(|(a, b)| what(**a, **b)).count() as u64;
    let differ = count(|a, b| a != b);
    match metric {
        BinaryMetric::Jaccard => match count(|a, b| a || b) {
            0 => (0, 1),
            either => (differ, either),
        },
        BinaryMetric::Hamming => (differ, a.len() as u64),
    }
}

/// The nearest rows of every query, found by sorting all rows.
fn oracle_knn(
    table: &[Vec<bool>],
    queries: &[Vec<bool>],
    own: Option<&[u32]>,
    metric: BinaryMetric,
    k: usize,
) -> Vec<(u32, f64)> {
    let mut out = Vec::new();
    for (q, query) in queries.iter().enumerate() {
        let mut all: Vec<(u64, u64, u32)> = Vec::new();
        for (i, row) in table.iter().enumerate() {
            if own.is_none_or(|own| own[q] as usize != i) {
                let (above, below) = fraction(metric, query, row);
                all.push((above, below, i as u32));
            }
        }
        all.sort_by(|a, b| match (a.0 * b.1).cmp(&(b.0 * a.1)) {
            Ordering::Equal => a.2.cmp(&b.2),
            other => other,
        });
        out.extend(all[..k].iter().map(|&(above, below, row)| (row, above as f64 / below as f64)));
    }
    out
}

/// Every row's sums over the clusters of every labeling, of distances that are rounded to 32 fractional bits.
fn oracle_sums(table: &[Vec<bool>], metric: BinaryMetric, labelings: &[Labeling<'_>]) -> Vec<f64> {
    let width: usize = labelings.iter().map(|labeling| labeling.k).sum();
    let mut out = Vec::new();
    for row in table {
        let mut sums = vec![0u128; width];
        for (j, other) in table.iter().enumerate() {
            let (above, below) = fraction(metric, row, other);
            // The whole number of units that is nearest: 2 above 2^32 / (2 below), and a half more.
            let units = (2 * (u128::from(above) << 32) + u128::from(below)) / (2 * u128::from(below));
            let mut before = 0;
            for labeling in labelings {
                sums[before + labeling.labels[j] as usize] += units;
                before += labeling.k;
            }
        }
        out.extend(sums.iter().map(|&sum| sum as f64 / 4_294_967_296.0));
    }
    out
}

fn sums_of(
    rows: &dyn BinaryRows,
    count: usize,
    metric: BinaryMetric,
    labelings: &[Labeling<'_>],
) -> Vec<f64> {
    let width: usize = labelings.iter().map(|labeling| labeling.k).sum();
    let (mut out, mut next) = (Vec::new(), 0);
    rows.distance_sums(metric, labelings, Progress::none(), &mut |range, sums| {
        assert_eq!((range.start, sums.len()), (next, range.len() * width), "ranges come in order");
        next = range.end;
        out.extend_from_slice(sums);
        Ok(())
    })
    .unwrap();
    assert_eq!(next, count, "all rows come");
    out
}

/// Compares a table on every backend with the oracle: neighbours among all rows and of other rows, and sums.
fn check(name: &str, table: &Answers, ks: &[usize]) {
    let matrix = packed(table);
    let n = table.len();
    // Some of the rows are queries: software drivers take their time for each.
    let chosen: Vec<usize> = (0..n).rev().step_by((n / 40).max(2)).collect();
    let own: Vec<u32> = chosen.iter().map(|&row| row as u32).collect();
    let queries: Answers = chosen.iter().map(|&row| table[row].clone()).collect();
    let packed_queries = matrix.select(&chosen);
    assert_eq!(packed_queries, packed(&queries));
    let mut draws = Draws::new(17, Purpose::SynthTable).at(n as u64);
    let mut labels = |k: u64| -> Vec<u32> { (0..n).map(|_| draws.below(k) as u32).collect() };
    let parts: Vec<u32> = (0..n).map(|i| (3 * i / n) as u32).collect();
    // Few joint labels in long runs, and so many that most tiles have several.
    let (two, many, all) = (labels(2), labels(9), vec![0; n]);
    let few = [Labeling { k: 3, labels: &parts }, Labeling { k: 1, labels: &all }];
    let mixed = [few[0], Labeling { k: 2, labels: &two }, Labeling { k: 11, labels: &many }];
    for metric in METRICS {
        let expected: Vec<_> = ks
            .iter()
            .flat_map(|&k| {
                let all = (k <= n).then(|| (k, false, oracle_knn(table, &queries, None, metric, k)));
                let others = (k < n).then(|| (k, true, oracle_knn(table, &queries, Some(&own), metric, k)));
                [all, others].into_iter().flatten()
            })
            .collect();
        let sums = [&few[..], &mixed[..], &[]].map(|l| (l, oracle_sums(table, metric, l)));
        for setup in devices::all() {
            setup.run(|backend| {
                let rows = backend.load_binary(&matrix).unwrap();
                for (k, exclude, expected) in &expected {
                    let own = if *exclude { SelfMatches::Exclude(&own) } else { SelfMatches::Include };
                    let got = rows.knn(&packed_queries, own, metric, *k, Progress::none()).unwrap();
                    assert_eq!(got.k, *k);
                    let got: Vec<(u32, f64)> = got.rows.into_iter().zip(got.distances).collect();
                    assert!(
                        got == *expected,
                        "{name} on {}, {metric:?}, k = {k}, others only: {exclude}: {}",
                        setup.name,
                        first_difference(&got, expected)
                    );
                }
                for (labelings, expected) in &sums {
                    let got = sums_of(&*rows, n, metric, labelings);
                    assert!(
                        got == *expected,
                        "{name} on {}, {metric:?}, sums of {} labelings: {}",
                        setup.name,
                        labelings.len(),
                        first_difference(&got, expected)
                    );
                }
            });
        }
    }
}

fn first_difference<T: PartialEq + std::fmt::Debug>(got: &[T], expected: &[T]) -> String {
    let at = got.iter().zip(expected).position(|(a, b)| a != b);
    at.map_or_else(
        || format!("{} values for {}", got.len(), expected.len()),
        |at| format!("at {at}: {:?}, expected {:?}", got[at], expected[at]),
    )
}

#[test]
fn random_tables_of_any_width() {
    for (index, features) in [1, 31, 32, 33, 64, 65, 355].into_iter().enumerate() {
        check(&format!("{features} features"), &random(150, features, index as u64), &[1, 15, 64]);
    }
}

#[test]
fn tables_of_any_height() {
    for rows in [1, 2, 15, 16, 17, 65, 300] {
        check(&format!("{rows} rows"), &random(rows, 40, rows as u64), &[1, 2, 15, 64]);
    }
}

#[test]
fn more_rows_than_a_workgroup_has_room_for() {
    // Lists fill up and are sorted several times on a GPU. Rows come nearer and nearer to the last ones.
    let nearer: Answers = (0..1300).map(|i| (0..70).map(|j| j < 1 + i / 20).collect()).collect();
    check("rows that come nearer", &nearer, &[15]);
    check("many rows", &random(1300, 70, 70), &[1, 64]);
}

#[test]
fn equal_rows_and_rows_without_ones() {
    check("no ones", &vec![vec![false; 37]; 100], &[1, 15, 64]);
    check("all ones", &vec![vec![true; 64]; 100], &[1, 15, 64]);
    // Ties by the hundred: six different rows, one of them without ones.
    let few: Answers = (0..400).map(|i| (0..33).map(|j| (i * 7 % 6) * (j + 1) % 5 == 1).collect()).collect();
    assert!(few.iter().any(|row| !row.contains(&true)));
    check("ties", &few, &[1, 15, 64]);
    let mut with_empty = random(200, 90, 200);
    (0..200).step_by(3).for_each(|i| with_empty[i] = vec![false; 90]);
    check("some rows without ones", &with_empty, &[15, 64]);
}

#[test]
fn more_features_than_16_bits_count() {
    // Up to 46,340, up to 65,535, and beyond.
    for features in [46_400, 65_535, 65_536, 70_001] {
        check(&format!("{features} features"), &random(20, features, features as u64), &[1, 15]);
    }
}

#[test]
fn what_cannot_be_answered_is_an_error() {
    let (table, other) = (packed(&random(30, 20, 1)), packed(&random(3, 21, 2)));
    let own: Vec<u32> = (0..30).collect();
    let wrong: Vec<u32> = (1..31).collect();
    let few = [0, 1, 2];
    for setup in devices::all() {
        setup.run(|backend: &dyn Backend| {
            let rows = backend.load_binary(&table).unwrap();
            let knn = |queries: &BinaryMatrix, own, k| {
                rows.knn(queries, own, BinaryMetric::Jaccard, k, Progress::none())
            };
            assert!(knn(&table, SelfMatches::Include, 30).is_ok());
            assert!(knn(&table, SelfMatches::Exclude(&own), 29).is_ok());
            for (queries, own, k) in [
                (&other, SelfMatches::Include, 3),
                (&table, SelfMatches::Include, 0),
                (&table, SelfMatches::Include, 31),
                (&table, SelfMatches::Include, MOST_NEIGHBOURS + 1),
                (&table, SelfMatches::Exclude(&own), 30),
                (&table, SelfMatches::Exclude(&wrong), 3),
                (&table, SelfMatches::Exclude(&few), 3),
            ] {
                assert!(knn(queries, own, k).is_err(), "{own:?}, k = {k}");
            }
            for (k, labels) in [(2, &vec![2; 30]), (2, &vec![0; 29])] {
                let labeling = [Labeling { k, labels }];
                let done = rows.distance_sums(
                    BinaryMetric::Hamming,
                    &labeling,
                    Progress::none(),
                    &mut |_, _| Ok(()),
                );
                assert!(done.is_err());
            }
        });
    }
}

#[derive(Deserialize)]
struct Goldens {
    cases: Vec<Golden>,
}

#[derive(Deserialize)]
struct Golden {
    rows: Vec<String>,
    k: usize,
    labels: Vec<u32>,
    jaccard: Answer,
    hamming: Answer,
}

#[derive(Deserialize)]
struct Answer {
    distances: Vec<Vec<f64>>,
    silhouette: f64,
    silhouettes: Vec<f64>,
    medoid_sums: Vec<f64>,
}

#[test]
fn scikit_learn_finds_the_same() {
    let goldens: Goldens = serde_json::from_str(include_str!("../peers/binary.json")).unwrap();
    for golden in &goldens.cases {
        let answers: Answers =
            golden.rows.iter().map(|row| row.bytes().map(|b| b == b'1').collect()).collect();
        let matrix = packed(&answers);
        let own: Vec<u32> = (0..answers.len() as u32).collect();
        let labeling = Labeling { k: 3, labels: &golden.labels };
        for (metric, theirs) in METRICS.into_iter().zip([&golden.jaccard, &golden.hamming]) {
            for setup in devices::all() {
                setup.run(|backend| {
                    let rows = backend.load_binary(&matrix).unwrap();
                    let exclude = SelfMatches::Exclude(&own);
                    let found = rows.knn(&matrix, exclude, metric, golden.k, Progress::none()).unwrap();
                    for (q, theirs) in theirs.distances.iter().enumerate() {
                        for ((row, ours), theirs) in found.of(q).zip(theirs) {
                            assert!(
                                (ours - theirs).abs() <= 1e-12,
                                "{metric:?}, query {q}: {ours}, {theirs}"
                            );
                            assert_ne!(row as usize, q);
                        }
                    }
                    let samples =
                        binary_silhouette_samples(&*rows, metric, labeling, Progress::none()).unwrap();
                    assert_eq!(samples.len(), theirs.silhouettes.len());
                    for (ours, theirs) in samples.iter().zip(&theirs.silhouettes) {
                        assert!((ours - theirs).abs() < 1e-8, "{metric:?}: {ours}, {theirs}");
                    }
                    let both = [labeling, labeling];
                    for score in binary_silhouette_scores(&*rows, metric, &both, Progress::none()).unwrap() {
                        assert!((score - theirs.silhouette).abs() < 1e-8, "{score}, {}", theirs.silhouette);
                    }
                    check_medoids(&*rows, &answers, metric, labeling, &theirs.medoid_sums);
                });
            }
        }
    }
}

/// A medoid is the first row whose sum is the smallest of its cluster's, and scikit-learn's smallest sum is the same.
fn check_medoids(
    rows: &dyn BinaryRows,
    table: &Answers,
    metric: BinaryMetric,
    labeling: Labeling<'_>,
    theirs: &[f64],
) {
    let four = Labeling { k: 4, ..labeling };
    let medoids = binary_medoids(rows, metric, four, Progress::none()).unwrap();
    assert_eq!((medoids.len(), medoids[3]), (4, None));
    let sums = oracle_sums(table, metric, &[labeling]);
    for (cluster, (medoid, theirs)) in medoids.iter().zip(theirs).enumerate() {
        let members = (0..table.len()).filter(|&i| labeling.labels[i] as usize == cluster);
        let sum = |i: usize| sums[i * labeling.k + cluster];
        let expected = members.min_by(|&i, &j| sum(i).total_cmp(&sum(j)));
        assert_eq!(*medoid, expected, "{metric:?}, cluster {cluster}");
        assert!((sum(expected.unwrap()) - theirs).abs() < 1e-6, "{metric:?}, cluster {cluster}: {theirs}");
    }
}
