//! UMAP: as good as umap-learn on real tables, and the same bits however rows are computed, repeated or projected.

mod real;

use crate::devices::{self, Setup};
use segmenta::backend::cpu::Cpu;
use segmenta::embed::umap::{Params, Umap, UmapInit, UmapMetric};
use segmenta::progress::{Progress, ProgressUpdate};
use segmenta::random::{Draws, Purpose};
use segmenta::{Error, Result};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

fn names(columns: &[Vec<f32>]) -> Vec<String> {
    (0..columns.len()).map(|j| format!("f{j}")).collect()
}

fn fit(columns: &[Vec<f32>], params: &Params) -> Result<Umap> {
    Umap::fit(&names(columns), columns, params, &Cpu::default(), Progress::none())
}

fn project(umap: &Umap, columns: &[Vec<f32>]) -> Vec<Vec<f64>> {
    umap.project(columns, &Cpu::default(), Progress::none()).unwrap()
}

/// The coordinates of the rows of the fit.
fn laid_out(columns: &[Vec<f32>], params: &Params) -> (Umap, Vec<Vec<f64>>) {
    let umap = fit(columns, params).unwrap();
    let places = project(&umap, columns);
    assert_eq!(places.len(), params.n_components);
    assert!(places.iter().flatten().all(|v| v.is_finite()));
    (umap, places)
}

/// The same rows in another order, or only some of them.
fn taken(columns: &[Vec<f32>], rows: &[usize]) -> Vec<Vec<f32>> {
    columns.iter().map(|column| rows.iter().map(|&i| column[i]).collect()).collect()
}

fn bits(places: &[Vec<f64>]) -> Vec<Vec<u64>> {
    places.iter().map(|component| component.iter().map(|v| v.to_bits()).collect()).collect()
}

/// Groups of normal rows, one after the other, whose centres are this far apart.
fn groups(groups: usize, each: usize, features: usize, apart: f64) -> Vec<Vec<f32>> {
    let draws = Draws::new(11, Purpose::SynthTable);
    let column = |j: usize| {
        let mut own = draws.at(j as u64);
        let centres: Vec<f64> = (0..groups).map(|g| apart * (g as f64 + own.uniform() / 4.0)).collect();
        centres
            .iter()
            .flat_map(|c| (0..each).map(|_| (c + own.normal()) as f32).collect::<Vec<_>>())
            .collect()
    };
    (0..features).map(column).collect()
}

/// Answers of 0 and 1 from three kinds of people.
fn answers(rows: usize, questions: usize) -> Vec<Vec<f32>> {
    let draws = Draws::new(5, Purpose::SynthTable);
    let column = |j: usize| {
        let mut own = draws.at(j as u64);
        let shares = [0; 3].map(|_| own.uniform() * own.uniform());
        (0..rows).map(|i| f32::from(u8::from(own.uniform() < shares[i % 3]))).collect()
    };
    (0..questions).map(column).collect()
}

fn quick(metric: UmapMetric) -> Params {
    Params { metric, n_epochs: Some(30), n_neighbors: 8, ..Params::default() }
}

#[test]
fn devices_and_threads_change_no_bit() {
    let blobs = groups(3, 100, 5, 4.0);
    let survey = answers(300, 70);
    for (columns, metric) in [(&blobs, UmapMetric::Euclidean), (&survey, UmapMetric::Jaccard)] {
        let new = taken(columns, &[3, 250, 17]).into_iter().map(|c| c.iter().map(|v| 1.0 - v).collect());
        let new: Vec<Vec<f32>> = new.collect();
        for init in [UmapInit::Spectral, UmapInit::Pca] {
            let params = Params { init, n_components: 3, ..quick(metric) };
            let on = |setup: &Setup| {
                setup.run(|backend| {
                    let umap =
                        Umap::fit(&names(columns), columns, &params, backend, Progress::none()).unwrap();
                    let placed = umap.project(&new, backend, Progress::none()).unwrap();
                    (umap, bits(&placed))
                })
            };
            let expected = on(&devices::all()[0]);
            for setup in &devices::all()[1..] {
                assert!(on(setup) == expected, "{metric:?}, {init:?}: {}", setup.name);
            }
        }
    }
}

/// More rows than one block of any sum.
#[test]
fn threads_change_no_bit_of_long_sums() {
    let columns = groups(4, 1_300, 3, 2.0);
    let params = Params { n_epochs: Some(8), n_neighbors: 5, ..Params::default() };
    for init in [UmapInit::Spectral, UmapInit::Pca] {
        let params = Params { init, ..params };
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| fit(&columns, &params).unwrap())
        };
        let expected = with(1);
        assert!([2, 7].into_iter().all(|threads| with(threads) == expected), "{init:?}");
    }
}

#[test]
fn copies_make_no_difference() {
    let blobs = groups(2, 60, 3, 3.0);
    let survey = answers(120, 40);
    for (columns, metric) in [(&blobs, UmapMetric::Euclidean), (&survey, UmapMetric::Jaccard)] {
        let params = quick(metric);
        let (umap, places) = laid_out(columns, &params);
        let order: Vec<usize> = (0..120).chain((0..120).map(|i| i * 77 % 120)).collect();
        let copied = taken(columns, &order);
        let (again, twice) = laid_out(&copied, &params);
        assert_eq!(again, umap);
        for (at, &i) in order.iter().enumerate() {
            assert!((0..2).all(|k| twice[k][at].to_bits() == places[k][i].to_bits()));
        }
    }
}

#[test]
fn both_zeros_are_one_value() {
    let mut columns = groups(1, 50, 2, 0.0);
    columns[0][..5].fill(0.0);
    columns[1][..5].fill(1.0);
    let (umap, places) = laid_out(&columns, &quick(UmapMetric::Euclidean));
    assert_eq!(umap.rows, 46);
    columns[0][..3].fill(-0.0);
    let (again, same) = laid_out(&columns, &quick(UmapMetric::Euclidean));
    assert_eq!((again, bits(&same)), (umap, bits(&places)));
}

#[test]
fn new_rows_are_placed_one_by_one() {
    let blobs = groups(3, 80, 4, 8.0);
    let survey = answers(240, 50);
    for (columns, metric) in [(&blobs, UmapMetric::Euclidean), (&survey, UmapMetric::Jaccard)] {
        let even: Vec<usize> = (0..240).step_by(2).collect();
        let (umap, places) = laid_out(&taken(columns, &even), &quick(metric));
        let all = project(&umap, columns);
        for (at, &i) in even.iter().enumerate() {
            assert!(
                (0..2).all(|k| all[k][i].to_bits() == places[k][at].to_bits()),
                "row {i} of the fit moved"
            );
        }
        let order: Vec<usize> = (0..240).map(|i| i * 89 % 240).chain([7, 7, 7]).collect();
        let other = project(&umap, &taken(columns, &order));
        for (at, &i) in order.iter().enumerate() {
            assert!((0..2).all(|k| all[k][i].to_bits() == other[k][at].to_bits()), "row {i}");
        }
        for i in [1, 101, 239] {
            let alone = project(&umap, &taken(columns, &[i]));
            assert!((0..2).all(|k| all[k][i].to_bits() == alone[k][0].to_bits()), "row {i}");
        }
        if metric == UmapMetric::Euclidean {
            // The nearest row of the fit in the layout is one of the new row's own group.
            for i in (1..240).step_by(2) {
                let distance = |&j: &usize| (all[0][i] - all[0][j]).powi(2) + (all[1][i] - all[1][j]).powi(2);
                let nearest = even.iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap();
                assert_eq!(nearest / 80, i / 80, "row {i}");
            }
        }
    }
}

#[test]
fn parts_of_the_graph_lie_apart() {
    // Two far groups of different sizes, a hundred of five rows each, and pairs.
    let two: Vec<usize> = (0..150).chain(200..240).collect();
    let cases = [
        (taken(&groups(2, 200, 3, 1e4), &two), 10, 2, vec![150, 40]),
        (groups(100, 5, 3, 1e3), 4, 100, vec![5; 100]),
        (groups(30, 2, 3, 1e3), 2, 30, vec![2; 30]),
        (groups(2, 60, 3, 1e6), 15, 2, vec![60, 60]),
    ];
    for (columns, n_neighbors, parts, sizes) in cases {
        for n_components in [2, 5] {
            let params = Params { n_neighbors, n_components, ..Params::default() };
            let (umap, places) = laid_out(&columns, &params);
            assert_eq!(umap.parts, parts);
            let of: Vec<usize> = sizes.iter().enumerate().flat_map(|(p, &size)| vec![p; size]).collect();
            let distance = |i: usize, j: usize| places.iter().map(|c| (c[i] - c[j]).powi(2)).sum::<f64>();
            let own_part_is_nearest = |&i: &usize| {
                let others = (0..of.len()).filter(|&j| j != i);
                let nearest = others.min_by(|&a, &b| distance(i, a).total_cmp(&distance(i, b))).unwrap();
                of[nearest] == of[i]
            };
            let right = (0..of.len()).filter(own_part_is_nearest).count();
            assert!(right as f64 >= 0.95 * of.len() as f64, "{parts} parts: {right} of {}", of.len());
        }
    }
}

#[test]
fn rows_that_share_no_answer_are_no_neighbours() {
    // Two kinds of people who answer different questions, and one who answers none.
    let mut columns = answers(90, 40);
    for (j, column) in columns.iter_mut().enumerate() {
        for (i, value) in column.iter_mut().enumerate() {
            let own = (i % 2 == 0) == (j < 20) && (*value == 1.0 || j % 20 == i / 2 % 20 || j % 20 == 0);
            *value = f32::from(u8::from(own && i != 44));
        }
    }
    let params = Params { metric: UmapMetric::Jaccard, ..Params::default() };
    let (umap, _) = laid_out(&columns, &params);
    assert_eq!(umap.parts, 3);
    // A new row that shares no answer with anybody comes to the middle.
    let wide: Vec<Vec<f32>> = columns.iter().cloned().chain([vec![0.0; 90]]).collect();
    let umap = fit(&wide, &params).unwrap();
    let new: Vec<Vec<f32>> = (0..41).map(|j| vec![f32::from(u8::from(j == 40))]).collect();
    let placed = project(&umap, &new);
    let distinct = project(&umap, &wide);
    let low = distinct[0].iter().fold(f64::INFINITY, |m, v| m.min(*v));
    let high = distinct[0].iter().fold(f64::NEG_INFINITY, |m, v| m.max(*v));
    assert!(placed[0][0] > low && placed[0][0] < high);
}

#[test]
fn small_and_strange_tables() {
    let params = Params { n_epochs: Some(20), ..Params::default() };
    // Too few distinct rows.
    for rows in [1, 2, 7] {
        for distinct in [1, 2] {
            let column: Vec<f32> = (0..rows).map(|i| (i % distinct) as f32).collect();
            let error = fit(&[column], &params).unwrap_err().to_string();
            let found = distinct.min(rows);
            assert!(
                error.contains(&format!("at least 3 distinct rows, found {found} among {rows}")),
                "{error}"
            );
        }
    }
    assert!(fit(&[], &params).is_err());
    assert!(fit(&[Vec::new()], &params).is_err());
    assert!(fit(&[vec![1.0, 2.0, 3.0], vec![1.0]], &params).is_err());
    // Fewer rows than neighbours, and more components than rows.
    for rows in 3..=20 {
        let columns = groups(1, rows, 2, 0.0);
        for n_components in [1, 2, 3, 4, 5, 6, 7, 8, 20, 64] {
            for init in [UmapInit::Spectral, UmapInit::Pca] {
                let (umap, _) = laid_out(&columns, &Params { n_components, init, ..params });
                assert_eq!(umap.n_neighbors, 15.min(rows - 1));
            }
        }
    }
    // Constant columns, and values of any size.
    let mut columns = groups(2, 40, 3, 5.0);
    columns[1].fill(7.5);
    for factor in [1.0, 1e-40, 1e35] {
        let scaled: Vec<Vec<f32>> = columns.iter().map(|c| c.iter().map(|v| v * factor).collect()).collect();
        let (umap, _) = laid_out(&scaled, &params);
        let far: Vec<Vec<f32>> = [f32::MAX, f32::MIN, 1e-45].iter().map(|v| vec![*v, -v, 0.0]).collect();
        assert!(project(&umap, &far).iter().flatten().all(|v| v.is_finite()));
    }
    columns[2][5] = f32::NAN;
    let error = fit(&columns, &params).unwrap_err().to_string();
    assert!(error.contains("f2") && error.contains("row 6"), "{error}");
    let error = fit(&columns, &Params { metric: UmapMetric::Jaccard, ..params }).unwrap_err().to_string();
    assert!(error.contains("0 or 1"), "{error}");
}

#[test]
fn parameters_out_of_their_ranges_are_named() {
    let columns = groups(1, 30, 2, 0.0);
    let default = Params::default();
    for (params, name) in [
        (Params { n_components: 0, ..default }, "n_components"),
        (Params { n_components: 65, ..default }, "n_components"),
        (Params { n_neighbors: 1, ..default }, "n_neighbors"),
        (Params { n_neighbors: 66, ..default }, "n_neighbors"),
        (Params { n_epochs: Some(0), ..default }, "n_epochs"),
        (Params { n_epochs: Some(usize::MAX), ..default }, "n_epochs"),
        (Params { min_dist: -0.1, ..default }, "min_dist"),
        (Params { min_dist: f64::NAN, ..default }, "min_dist"),
    ] {
        match fit(&columns, &params) {
            Err(Error::Usage(what)) => assert!(what.starts_with(name), "{what}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    // The largest that are allowed.
    let columns = groups(1, 150, 3, 0.0);
    let params = Params { n_components: 64, n_neighbors: 65, min_dist: 1.0, n_epochs: Some(3), ..default };
    let (umap, _) = laid_out(&columns, &params);
    assert_eq!(umap.n_neighbors, 65);
    assert!(project(&umap, &[vec![0.5], vec![0.5], vec![0.5]]).iter().flatten().all(|v| v.is_finite()));
}

#[test]
fn a_fit_can_be_stopped_anywhere() {
    let columns = groups(2, 50, 3, 3.0);
    let params = Params { n_epochs: Some(10), ..Params::default() };
    let steps = AtomicU64::new(0);
    let stopping = |at: u64| {
        steps.store(0, Relaxed);
        let stop = |_: ProgressUpdate<'_>| steps.fetch_add(1, Relaxed) < at;
        Umap::fit(&names(&columns), &columns, &params, &Cpu::default(), Progress::new(&stop))
    };
    assert!(stopping(u64::MAX).is_ok());
    let all = steps.load(Relaxed);
    assert!(all > 10);
    for at in 0..all {
        assert!(matches!(stopping(at), Err(Error::Interrupted)), "{at} of {all}");
    }
}

/// Units that differ by a power of two make no difference, to the last bit, however small or large they are.
#[test]
fn units_make_no_difference() {
    for (columns, parts) in [(groups(2, 50, 3, 1.0), 1), (groups(3, 40, 3, 1e3), 3)] {
        for init in [UmapInit::Spectral, UmapInit::Pca] {
            let params = Params { init, ..quick(UmapMetric::Euclidean) };
            let (umap, places) = laid_out(&columns, &params);
            assert_eq!(umap.parts, parts);
            for factor in [2f32.powi(-80), 2f32.powi(80)] {
                let scaled: Vec<Vec<f32>> =
                    columns.iter().map(|c| c.iter().map(|v| v * factor).collect()).collect();
                assert!(bits(&laid_out(&scaled, &params).1) == bits(&places), "{init:?}, {factor:e}");
            }
        }
    }
}

/// Each seed gives another layout, and the same one each time.
#[test]
fn seeds_differ() {
    let columns = groups(2, 50, 3, 3.0);
    let of = |seed: u64| fit(&columns, &Params { seed, ..quick(UmapMetric::Euclidean) }).unwrap();
    assert_eq!(of(1), of(1));
    assert!(project(&of(1), &columns) != project(&of(2), &columns));
}
