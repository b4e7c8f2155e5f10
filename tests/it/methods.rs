//! What clustering methods have in common.

use crate::cases;
use crate::model::schema;
use segmenta::Matrix;
use segmenta::analysis::{
    Compute, Cross, Fit, Merge, Silent, Source, Spec, Stability, Sweep, describe, hold, run,
};
use segmenta::backend::cpu::Cpu;
use segmenta::cluster::{Labels, Method, Params, Partition, Start, fit};
use segmenta::model::Model;
use segmenta::profile::Options;
use segmenta::progress::Progress;
use segmenta::recipe::Scale;
use segmenta::sweep::Rule;
use segmenta::table::{ReadOptions, Table, read_bytes};
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

/// Three groups of 50 users far apart, and one user far from all of them.
fn users() -> String {
    let table = cases::normal(150, 2, 41);
    let mut text = String::from("user,kind,x,y\n");
    for (i, row) in table.rows().into_iter().enumerate() {
        let (x, y) = [(0.0, 0.0), (30.0, 0.0), (0.0, 30.0)][i % 3];
        let kind = ["a", "b", "c"][i % 3];
        text.push_str(&format!("u{i},{kind},{},{}\n", x + row[0], y + row[1]));
    }
    text
}

fn read(text: &str) -> Table {
    let options = ReadOptions { id: Some("user".into()), ..ReadOptions::default() };
    read_bytes("users.csv", text.as_bytes().to_vec(), &options).unwrap()
}

/// A fit of three segments, or of as many as the method finds.
fn spec(method: Method) -> Spec {
    let mut spec = Spec { structure: false, ..Spec::default() };
    let k = (!method.finds_k()).then_some(3);
    spec.fit = Some(Fit { k, silhouette: true, ..Fit::default() });
    spec.recipe.features.options.features = vec!["x".into(), "y".into()];
    spec.recipe.features.options.scale = Scale::None;
    spec.input.read.id = Some("user".into());
    spec.stability = Some(Stability { samples: 4, n_init: 2, cohort: None });
    spec.comparisons = vec![Cross { name: "kinds".into(), columns: vec!["kind".into()] }];
    spec.method = method;
    spec
}

/// With parameters that suit the users.
fn suited(name: &str) -> Method {
    let mut method = Method::named(name).unwrap();
    if let Method::Dbscan(params) = &mut method {
        (params.eps, params.min_samples) = (vec![4.0], vec![4]);
    }
    method
}

/// Each method of the registry goes through everything that follows a fit.
#[test]
fn every_method_goes_all_the_way() {
    for name in Method::NAMES {
        let spec = spec(suited(name));
        let fit = || run(&spec, Source::from(read(&users())), &Compute::default(), &Silent).unwrap();
        let found = fit();
        let k = found.k.unwrap();
        assert_eq!((found.method.as_deref(), k), (Some(*name), 3), "{name}");
        let labelled = found.labelled.as_ref().unwrap();
        let segments: Vec<Option<u32>> = labelled.rows.iter().map(|row| row.map(|row| row.segment)).collect();
        for i in 0..150 {
            assert!(segments[i].is_some() && segments[i] == segments[i % 3], "{name}: the groups are found");
        }
        assert_eq!(found.sizes, Some(vec![50; 3]), "{name}");
        assert_eq!(found.noise, (*name != "kmeans").then_some(0), "{name}");
        assert!(found.silhouette.unwrap() > 0.9, "{name}");
        assert!(found.comparisons[0].agreement.ari > 0.999, "{name}");
        let stability = found.stability.as_ref().unwrap();
        assert!(stability.segments.iter().all(|s| s.jaccard.unwrap() > 0.99), "{name}");
        assert_eq!(found.profile.as_ref().unwrap().segments.len(), 3, "{name}");

        let model = found.model.as_ref().unwrap();
        let json = model.to_json();
        schema::check(&json);
        assert_eq!(Model::from_json(&json).unwrap(), *model, "{name}: a model survives its file");
        assert_eq!(fit().model.unwrap().to_json(), json, "{name}: the same again");
        let cpu = Cpu::default();
        let again = model.assign(&read(&users()), &cpu).unwrap();
        let labels: Vec<Option<u32>> = again.rows.iter().map(|row| row.map(|row| row.segment)).collect();
        assert_eq!(labels, segments, "{name}: the model labels the fit's rows");
        let drift = model.drift(&read(&users()), &cpu).unwrap();
        assert!(drift.segments_psi < 1e-9 && drift.labelled == 150, "{name}");
        let options = Stability { samples: 2, n_init: 1, cohort: Some("kind".into()) };
        let held = hold(model, &read(&users()), &options, 1, &cpu, &Silent).unwrap();
        assert_eq!((held.found.segments.len(), held.found.cohorts.len()), (3, 3), "{name}");
        let described = describe(model, &read(&users()), &Options::default(), &cpu).unwrap();
        assert_eq!(described.profile.segments.len(), 3, "{name}");
    }
}

/// Rows without a segment are none everywhere.
#[test]
fn scores_leave_out_noise() {
    let matrix = Matrix::from_array(cases::normal(200, 2, 9).view()).unwrap();
    let labels = striped(200, 3);
    let rows: Vec<usize> = (0..200).filter(|&row| labels.get(row).is_some()).collect();
    let own: Labels = rows.iter().map(|&row| labels.get(row)).collect();
    let some = matrix.select(&rows);
    let cpu = Cpu::default();
    let score = |matrix: &Matrix, labels: Labels| {
        let dataset = segmenta::Dataset::load(&cpu, matrix).unwrap();
        let partition = Partition::of_labels(matrix, 3, labels);
        segmenta::sweep::score(&dataset, vec![partition], Progress::none()).unwrap()[0].scores.silhouette
    };
    let with_noise = score(&matrix, labels);
    assert!(with_noise.is_some());
    assert_eq!(with_noise, score(&some, own));
}

/// What a method cannot do is said before any work.
#[test]
fn methods_refuse_what_they_cannot_do() {
    for name in Method::NAMES {
        let method = suited(name);
        let refused = |change: &dyn Fn(&mut Spec)| {
            let mut spec = Spec { method: method.clone(), ..Spec::default() };
            change(&mut spec);
            spec.check(None).err().map(|e| e.to_string())
        };
        let k = refused(&|spec| spec.fit = Some(Fit { k: Some(3), ..Fit::default() }));
        assert_eq!(k.is_some(), method.finds_k(), "{name}: {k:?}");
        let sweep = refused(&|spec| spec.sweep = Some(Sweep::default()));
        assert_eq!(sweep.is_some(), method.finds_k(), "{name}: {sweep:?}");
        let gap = refused(&|spec| spec.choose_k.rule = Rule::Gap);
        assert_eq!(gap.is_some(), *name != "kmeans", "{name}: {gap:?}");
        let merge = refused(&|spec| spec.regroup.merge = vec![Merge { line: 1, segments: vec![0, 1] }]);
        assert_eq!(merge.is_some(), !["kmeans", "gmm"].contains(name), "{name}: {merge:?}");
    }
}
