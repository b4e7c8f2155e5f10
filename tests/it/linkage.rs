//! Hierarchical methods: against SciPy's linkages (tests/peers/linkage.py), and against the definition, step by step.

use crate::{cases, oracle};
use ndarray::Array2;
use segmenta::backend::cpu::{Cpu, InstructionSet};
use segmenta::cluster::agglomerative::{Average, Complete};
use segmenta::cluster::{Algorithm, Details, Labels, Linkage, Method, Partition, Start, ward};
use segmenta::progress::Progress;
use segmenta::weights::Weights;
use segmenta::{Dataset, Error, Matrix};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Goldens {
    tables: Vec<Golden>,
}

#[derive(Deserialize)]
struct Golden {
    name: String,
    rows: usize,
    methods: Vec<GoldenTree>,
}

#[derive(Deserialize)]
struct GoldenTree {
    method: String,
    heights: Vec<f64>,
    labels: BTreeMap<usize, Vec<u32>>,
}

/// The table of that name in tests/peers/linkage.py.
fn table(name: &str) -> Array2<f32> {
    let made = |rows: usize, features: usize, seed: u64| {
        let mut state = seed;
        Array2::from_shape_simple_fn((rows, features), || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 46) as f32 / 4096.0
        })
    };
    match name {
        "120 x 3" => made(120, 3, 1),
        "300 x 8" => made(300, 8, 2),
        "2 x 2" => made(2, 2, 3),
        "3 x 1" => made(3, 1, 4),
        "constant columns" => {
            let two = made(60, 2, 5);
            Array2::from_shape_fn((60, 4), |(i, j)| match j {
                1 => 7.5,
                2 => -3.0,
                j => two[[i, j / 3]],
            })
        }
        "copies" => {
            let rows = made(60, 4, 6);
            let counts: Vec<usize> = (0..60).map(|i| i * i % 97 + 1).collect();
            let order: Vec<usize> =
                (0..97).flat_map(|turn| (0..60).filter(|&i| turn < counts[i]).collect::<Vec<_>>()).collect();
            rows.select(ndarray::Axis(0), &order)
        }
        other => panic!("{other}"),
    }
}

fn method(name: &str) -> Method {
    Method::named(name).unwrap()
}

fn partitions(method: &dyn Algorithm, matrix: &Matrix, ks: &[usize]) -> Result<Vec<Partition>, Error> {
    let cpu = Cpu::default();
    let dataset = Dataset::load(&cpu, matrix).unwrap();
    method.partitions(&dataset, ks, &Start::KMeansPlusPlus, Progress::none())
}

fn tree(partition: &Partition) -> &Linkage {
    match &partition.details {
        Details::Linkage(linkage) => linkage,
        other => panic!("{other:?}"),
    }
}

/// Whether two labellings are the same but for the numbers of the labels.
fn same_groups(a: &[u32], b: &[u32]) -> bool {
    let mut there = BTreeMap::new();
    let mut back = BTreeMap::new();
    a.iter().zip(b).all(|(a, b)| there.entry(a).or_insert(b) == &b && back.entry(b).or_insert(a) == &a)
}

fn plain(labels: &Labels) -> Vec<u32> {
    labels.iter().map(Option::unwrap).collect()
}

#[test]
fn linkages_are_those_of_scipy() {
    let goldens: Goldens = serde_json::from_str(include_str!("../peers/linkage.json")).unwrap();
    for golden in goldens.tables {
        let rows = table(&golden.name);
        assert_eq!(rows.nrows(), golden.rows);
        let matrix = Matrix::from_array(rows.view()).unwrap();
        for GoldenTree { method: name, heights, labels } in golden.methods {
            let ks: Vec<usize> = labels.keys().copied().collect();
            let found = partitions(&*method(&name), &matrix, &ks).unwrap();
            let linkage = tree(&found[0]);
            assert_eq!(linkage.leaves(), golden.rows);
            let (copies, others) = linkage.merges().split_at(golden.rows - 1 - heights.len());
            assert!(copies.iter().all(|merge| merge.height == 0.0), "{} {name}", golden.name);
            for (merge, expected) in others.iter().zip(&heights) {
                let off = (merge.height / expected - 1.0).abs();
                assert!(off < 1e-9, "{} {name}: {} and {expected}", golden.name, merge.height);
            }
            for (partition, (k, expected)) in found.iter().zip(&labels) {
                assert_eq!(partition.k, *k);
                let own = plain(&partition.labels);
                assert!(same_groups(&own[..expected.len()], expected), "{} {name} {k}", golden.name);
                let at = linkage.heights_around(*k);
                assert_eq!(linkage.clusters_at(at.0), *k);
                assert_eq!(linkage.clusters_at(at.1), k - 1);
            }
        }
    }
}

/// The costs of all pairs, updated from merge to merge by the formula of Lance and Williams. `costs` are squared distances
/// for Ward's method, of which a merge has twice the growth of the sum of squares.
fn replay(matrix: &Matrix, name: &str, linkage: &Linkage) {
    let rows = oracle::stored(matrix).mapv(|v| matrix.to_user(v));
    let n = rows.nrows();
    let mut costs = oracle::squared(&rows, &rows);
    if name != "ward" {
        costs.mapv_inplace(f64::sqrt);
    }
    let largest = costs.iter().copied().fold(0.0, f64::max);
    let mut sizes = vec![1.0; n];
    let mut alive: Vec<usize> = (0..n).collect();
    // For each cluster of the linkage the row of `costs` that it has.
    let mut place: Vec<usize> = (0..n).collect();
    let mut last = 0.0;
    for (step, merge) in linkage.merges().iter().enumerate() {
        assert!(merge.height >= last, "sorted by height");
        last = merge.height;
        let [a, b] = merge.clusters.map(|c| place[c as usize]);
        assert!(alive.contains(&a) && alive.contains(&b) && a != b, "step {step}");
        let mut least = f64::INFINITY;
        for (i, &x) in alive.iter().enumerate() {
            for &y in &alive[..i] {
                least = least.min(costs[[x, y]]);
            }
        }
        let height = if name == "ward" { merge.height.powi(2) } else { merge.height };
        let close = |v: f64| (v - height).abs() <= 1e-9 * height + 1e-10 * largest;
        assert!(close(costs[[a, b]]), "{name}, step {step}: {height}, not {}", costs[[a, b]]);
        assert!(close(least), "{name}, step {step}: {height}, but another pair costs {least}");
        let (na, nb) = (sizes[a], sizes[b]);
        for &c in alive.iter().filter(|&&c| c != a && c != b) {
            let (ca, cb, ab, nc) = (costs[[c, a]], costs[[c, b]], costs[[a, b]], sizes[c]);
            let new = match name {
                "ward" => ((na + nc) * ca + (nb + nc) * cb - nc * ab) / (na + nb + nc),
                "complete" => ca.max(cb),
                _ => (na * ca + nb * cb) / (na + nb),
            };
            costs[[c, a]] = new;
            costs[[a, c]] = new;
        }
        sizes[a] += nb;
        alive.retain(|&c| c != b);
        place.push(a);
    }
    assert_eq!(alive.len(), 1);
}

/// Every merge is that of a cheapest pair, ties and all, on every table of the primitives.
#[test]
fn every_merge_is_the_cheapest() {
    let mut seen = 0;
    for case in cases::all().into_iter().filter(|case| case.matrix.rows() <= 300) {
        let range = case.matrix.magnitudes().iter().fold(0f32, |m, v| m.max(*v));
        assert!(range.is_finite());
        for name in ["ward", "complete", "average"] {
            let found = partitions(&*method(name), &case.matrix, &[1]).unwrap();
            replay(&case.matrix, name, tree(&found[0]));
            seen += 1;
        }
    }
    assert!(seen > 50);
}

/// A thousand rows, so that the search has many groups to leave out; half of them in clumps far from each other, for which
/// dot products are too coarse.
#[test]
fn clumps_far_apart_are_exact_too() {
    let mut rows = cases::normal(1_000, 5, 71);
    for (i, mut row) in rows.rows_mut().into_iter().enumerate().filter(|(i, _)| i % 2 == 0) {
        row.mapv_inplace(|v| (v * 4096.0).round() / 4096.0 + (i % 3) as f32 * 1000.0);
    }
    let matrix = Matrix::from_array(rows.view()).unwrap();
    replay(&matrix, "ward", tree(&partitions(&*method("ward"), &matrix, &[1]).unwrap()[0]));
}

/// The same linkage with every instruction set and any number of threads, on a table with very many ties and on one without.
#[test]
fn linkages_are_the_same_everywhere() {
    for rows in [cases::normal(3_000, 6, 72), cases::binary(2_000, 14)] {
        let matrix = Matrix::from_array(rows.view()).unwrap();
        let repeats = matrix.repeats();
        let of = |set| ward::linkage(&matrix, &repeats, set, Progress::none()).unwrap();
        let expected = of(InstructionSet::detect());
        for set in InstructionSet::ALL.into_iter().filter(|set| set.available()) {
            for threads in [1, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                assert!(pool.install(|| of(set)) == expected, "{set}, {threads} threads");
            }
        }
    }
}

/// A weight is a number of copies.
#[test]
fn a_weight_is_a_number_of_copies() {
    let rows = cases::normal(150, 4, 73);
    let copies: Vec<f64> = (0..150).map(|i| f64::from(i * 7 % 5)).collect();
    let plain_rows = Matrix::from_array(rows.view()).unwrap();
    let weighted = plain_rows.clone().with_weights(Weights::new(&copies).unwrap()).unwrap();
    let order: Vec<usize> = (0..150).flat_map(|i| std::iter::repeat_n(i, copies[i] as usize)).collect();
    let repeated = plain_rows.select(&order);
    for name in ["ward", "complete", "average"] {
        let by_weight = &partitions(&*method(name), &weighted, &[6]).unwrap()[0];
        let by_copies = &partitions(&*method(name), &repeated, &[6]).unwrap()[0];
        let heights = |partition| -> Vec<f64> {
            let heights = tree(partition).merges().iter().map(|merge| merge.height);
            heights.filter(|height| *height > 0.0).collect()
        };
        assert_eq!(heights(by_weight), heights(by_copies), "{name}");
        for (place, &row) in order.iter().enumerate() {
            assert_eq!(by_copies.labels.get(place), by_weight.labels.get(row), "{name}");
        }
        for row in (0..150).filter(|&row| copies[row] == 0.0) {
            assert_eq!(by_weight.labels.get(row), None, "{name}: a row of weight 0 takes no part");
        }
        assert_eq!(by_weight.weights, by_copies.weights);
        assert_eq!(by_weight.prototypes, by_copies.prototypes);
    }
}

/// Thousands of copies of few rows, tables of one row, two and three.
#[test]
fn small_and_repeated_tables() {
    let distinct = cases::normal(5, 3, 74);
    let order: Vec<usize> = (0..4_000).map(|i| i * i % 5).collect();
    let matrix = Matrix::from_array(distinct.select(ndarray::Axis(0), &order).view()).unwrap();
    let found = partitions(&*method("ward"), &matrix, &[3]).unwrap();
    let linkage = tree(&found[0]);
    let distinct = matrix.repeats().len();
    assert_eq!((linkage.leaves(), linkage.merges().len()), (4_000, 3_999));
    assert_eq!(linkage.merges().iter().filter(|merge| merge.height > 0.0).count(), distinct - 1);
    assert_eq!(linkage.to_z().last().unwrap()[3], 4_000.0);
    for name in ["ward", "complete", "average"] {
        for n in 1..=3usize {
            let rows = Array2::from_shape_fn((n, 2), |(i, j)| (i * i + j) as f32);
            let matrix = Matrix::from_array(rows.view()).unwrap();
            let ks: Vec<usize> = (1..=n).collect();
            let found = partitions(&*method(name), &matrix, &ks).unwrap();
            assert_eq!(tree(&found[0]).merges().len(), n - 1);
            assert_eq!(plain(&found[n - 1].labels), (0..n as u32).collect::<Vec<_>>());
            let too_many = partitions(&*method(name), &matrix, &[n + 1]).unwrap_err().to_string();
            assert!(too_many.contains("distinct"), "{too_many}");
        }
        let equal = Matrix::from_array(Array2::from_elem((50, 2), 3.0).view()).unwrap();
        let found = partitions(&*method(name), &equal, &[1]).unwrap();
        assert_eq!((found[0].sizes[0], tree(&found[0]).merges().len()), (50, 49));
    }
}

#[test]
fn a_cut_at_a_height_finds_the_number_of_clusters() {
    let rows = Array2::from_shape_vec((6, 1), vec![0.0, 1.0, 10.0, 12.0, 100.0, 101.0]).unwrap();
    let matrix = Matrix::from_array(rows.view()).unwrap();
    let of = |cut_height| partitions(&Complete { cut_height: Some(cut_height) }, &matrix, &[]);
    // Complete linkage merges at 1, 1, 2, 12 and 101.
    for (height, labels) in [
        (0.0, vec![0, 1, 2, 3, 4, 5]),
        (0.999, vec![0, 1, 2, 3, 4, 5]),
        (1.0, vec![0, 0, 1, 2, 3, 3]),
        (2.0, vec![0, 0, 1, 1, 2, 2]),
        (50.0, vec![0, 0, 0, 0, 1, 1]),
        (1e9, vec![0; 6]),
    ] {
        let found = of(height).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(plain(&found[0].labels), labels, "{height}");
        assert_eq!(found[0].k as u32, labels[5] + 1);
    }
    for wrong in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(of(wrong), Err(Error::Usage(_))), "{wrong}");
    }
    assert!(Average { cut_height: Some(1.0) }.finds_k() && !Average::default().finds_k());
    // Of more clusters than a model can have, the message tells where to cut.
    let many = Array2::from_shape_fn((10_500, 1), |(i, _)| i as f32);
    let many = Matrix::from_array(many.view()).unwrap();
    let what = partitions(&ward::Params { cut_height: Some(0.5) }, &many, &[]).unwrap_err().to_string();
    assert!(what.contains("10500") && what.contains("cut at 1 or higher"), "{what}");
}

/// A refusal of a progress report stops the work.
#[test]
fn a_linkage_can_be_interrupted() {
    let matrix = Matrix::from_array(cases::normal(2_000, 3, 75).view()).unwrap();
    let cpu = Cpu::default();
    let dataset = Dataset::load(&cpu, &matrix).unwrap();
    for name in ["ward", "average"] {
        let stop = |_: segmenta::progress::ProgressUpdate<'_>| false;
        let found = method(name).partitions(&dataset, &[3], &Start::KMeansPlusPlus, Progress::new(&stop));
        assert!(matches!(found, Err(Error::Interrupted)), "{name}");
    }
}
