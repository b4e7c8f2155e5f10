//! Each primitive on each backend against the oracle.

use crate::{cases, devices, oracle};
use segmenta::Dataset;
use segmenta::Matrix;
use segmenta::backend::{Labeling, Metric, SelfMatches};
use segmenta::progress::Progress;
use segmenta::random::{Draws, Purpose};

/// Runs `check` for every case on every backend, and says which one failed.
fn everywhere(check: impl Fn(&cases::Case, &dyn segmenta::backend::Backend) -> Result<(), String> + Sync) {
    for case in cases::all() {
        for setup in devices::all() {
            if let Err(why) = setup.run(|backend| check(&case, backend)) {
                panic!("{} on {}: {why}", case.name, setup.name);
            }
        }
    }
}

#[test]
fn lloyd_is_exact() {
    everywhere(|case, backend| {
        let got = Dataset::load(backend, &case.matrix).unwrap().lloyd(&case.sets, true).unwrap();
        for (s, (set, got)) in case.sets.iter().zip(&got).enumerate() {
            oracle::same_assigned(&oracle::lloyd(&case.matrix, set), got)
                .map_err(|why| format!("set {s} (k = {}): {why}", set.k()))?;
        }
        Ok(())
    });
}

#[test]
fn lloyd_with_weights_is_exact() {
    everywhere(|case, backend| {
        let mut draws = Draws::new(1, Purpose::SynthTable).at(1);
        let mut weights: Vec<u16> = (0..case.matrix.rows()).map(|_| draws.below(1 << 16) as u16).collect();
        weights[0] = u16::MAX;
        let matrix = case.matrix.clone().weighted(weights).unwrap();
        let got = Dataset::load(backend, &matrix).unwrap().lloyd(&case.sets[3..5], true).unwrap();
        for (set, got) in case.sets[3..5].iter().zip(&got) {
            oracle::same_assigned(&oracle::lloyd(&matrix, set), got)?;
        }
        Ok(())
    });
}

#[test]
fn nearest_is_exact() {
    everywhere(|case, backend| {
        let matrix = &case.matrix;
        let rows = Dataset::load(backend, matrix).unwrap();
        let beside = matrix.beside(37, |i, j| {
            let spread = matrix.to_user(f64::from(matrix.magnitudes()[j]));
            spread * Draws::new(3, Purpose::SynthTable).at((i * 1000 + j) as u64).normal() / 2.0
        });
        let got = rows.nearest(&beside, SelfMatches::Include, Metric::Euclidean).unwrap();
        oracle::same_neighbours(&oracle::nearest(matrix, &beside, None), &got, matrix, &beside)?;
        if matrix.rows() > 1 {
            let own: Vec<u32> = (0..matrix.rows() as u32).rev().step_by(3).collect();
            let chosen: Vec<usize> = own.iter().map(|&i| i as usize).collect();
            let queries = matrix.select(&chosen);
            let got = rows.nearest(&queries, SelfMatches::Exclude(&own), Metric::Euclidean).unwrap();
            oracle::same_neighbours(&oracle::nearest(matrix, &queries, Some(&own)), &got, matrix, &queries)?;
        }
        Ok(())
    });
}

#[test]
fn nearest_of_a_single_row_excluding_itself_is_an_error() {
    let matrix = Matrix::from_array(cases::normal(1, 2, 5).view()).unwrap();
    for setup in devices::all() {
        setup.run(|backend| {
            let rows = Dataset::load(backend, &matrix).unwrap();
            assert!(rows.nearest(&matrix, SelfMatches::Exclude(&[0]), Metric::Euclidean).is_err());
        });
    }
}

#[test]
fn distance_sums_of_many_joint_labels_are_close() {
    distance_sums_are_close(&[1, 2, 5, 40]);
}

#[test]
fn distance_sums_of_few_joint_labels_are_close() {
    distance_sums_are_close(&[2, 3]);
}

fn distance_sums_are_close(ks: &'static [usize]) {
    everywhere(|case, backend| {
        let n = case.matrix.rows();
        let mut draws = Draws::new(2, Purpose::SynthTable).at(1);
        let labelings: Vec<(usize, Vec<u32>)> =
            ks.iter().map(|&k| (k, (0..n).map(|_| draws.below(k as u64) as u32).collect())).collect();
        let views: Vec<Labeling> = labelings.iter().map(|(k, l)| Labeling { k: *k, labels: l }).collect();
        let expected = oracle::distance_sums(&case.matrix, &labelings);
        let width = expected.ncols();
        let mut next = 0;
        let mut wrong = Ok(());
        backend
            .load(&case.matrix)
            .unwrap()
            .distance_sums(&views, Progress::none(), &mut |range, sums| {
                assert_eq!(range.start, next, "ranges come in order");
                next = range.end;
                for (i, sums) in range.zip(sums.chunks_exact(width)) {
                    for (s, &got) in sums.iter().enumerate() {
                        let largest = expected.row(i).iter().copied().fold(0.0, f64::max);
                        let check = oracle::close(expected[[i, s]], got, 1e-5, 1e-9 * largest);
                        if let Err(why) = check {
                            wrong = Err(format!("row {i}, slot {s}: {why}"));
                        }
                    }
                }
                Ok(())
            })
            .unwrap();
        assert_eq!(next, n, "all rows come");
        wrong
    });
}

/// The sums of one call, row after row.
fn all_sums(backend: &dyn segmenta::backend::Backend, matrix: &Matrix, labelings: &[Labeling]) -> Vec<f64> {
    let mut all = Vec::new();
    let rows = backend.load(matrix).unwrap();
    rows.distance_sums(labelings, Progress::none(), &mut |range, sums| {
        let width: usize = labelings.iter().map(|l| l.k).sum();
        assert_eq!((range.start * width, range.len() * width), (all.len(), sums.len()));
        all.extend_from_slice(sums);
        Ok(())
    })
    .unwrap();
    all
}

/// Labels that change from row to row, and labels that do not.
fn mixed_labels(rows: usize) -> [(usize, Vec<u32>); 2] {
    let by_part = (0..rows).map(|i| (5 * i / rows) as u32).collect();
    [(3, (0..rows as u32).map(|i| i * 7 % 3).collect()), (5, by_part)]
}

#[test]
fn near_rows_among_others_have_exact_distances() {
    // Tables in which a device may use products, since few pairs are near: rows far from the origin, of which some are equal
    // to another, or 2^-6 to 2^-20 of their distance from the mean apart. An even number of tiles, and an odd one.
    for (rows, features) in [(1000, 26), (600, 70)] {
        let mut table = cases::normal(rows, features, 77);
        for i in 0..20 {
            let near: Vec<f32> = table.row(rows - 1 - i).to_vec();
            for (j, v) in near.into_iter().enumerate() {
                table[[i, j]] = v + if i < 5 { 0.0 } else { v * (0.5f32).powi(i as i32 + 1) };
            }
        }
        let matrix = Matrix::from_array(table.mapv(|v| v + 50.0).view()).unwrap();
        // A cluster for each near pair, so that its distance is a sum of its own.
        let alone = (0..rows).map(|i| if i >= rows - 20 { (rows - i) as u32 } else { 0 }).collect();
        let [parts, _] = mixed_labels(rows);
        let labelings = [(21, alone), parts];
        let views: Vec<Labeling> = labelings.iter().map(|(k, labels)| Labeling { k: *k, labels }).collect();
        let expected = oracle::distance_sums(&matrix, &labelings);
        for setup in devices::all() {
            let got = setup.run(|backend| all_sums(backend, &matrix, &views));
            for (&expected, got) in expected.iter().zip(got) {
                let check = oracle::close(expected, got, 1e-5, 1e-9);
                check.unwrap_or_else(|why| panic!("{rows} x {features} on {}: {why}", setup.name));
            }
        }
    }
}

#[test]
fn copies_count_in_distance_sums() {
    let table = cases::normal(400, 12, 78);
    let copies: Vec<u16> = (0..400).map(|i| (i * 5 % 4) as u16).collect();
    let repeated: Vec<usize> = (0..400).flat_map(|i| vec![i; usize::from(copies[i])]).collect();
    let whole = Matrix::from_array(table.select(ndarray::Axis(0), &repeated).view()).unwrap();
    let labels = mixed_labels(400);
    let of_repeated = labels.clone().map(|(k, l)| (k, repeated.iter().map(|&i| l[i]).collect::<Vec<u32>>()));
    let expected = oracle::distance_sums(&whole, &of_repeated);
    let matrix = Matrix::from_array(table.view()).unwrap().weighted(copies).unwrap();
    let views: Vec<Labeling> = labels.iter().map(|(k, labels)| Labeling { k: *k, labels }).collect();
    for setup in devices::all() {
        let got = setup.run(|backend| all_sums(backend, &matrix, &views));
        for (at, &row) in repeated.iter().enumerate() {
            for (expected, &got) in expected.row(at).iter().zip(&got[row * 8..][..8]) {
                let check = oracle::close(*expected, got, 1e-5, 0.0);
                check.unwrap_or_else(|why| panic!("row {row} on {}: {why}", setup.name));
            }
        }
    }
}

#[test]
fn distance_sums_repeat_to_the_bit() {
    let matrix = Matrix::from_array(cases::normal(1300, 20, 79).view()).unwrap();
    let labels = mixed_labels(1300);
    let views: Vec<Labeling> = labels.iter().map(|(k, labels)| Labeling { k: *k, labels }).collect();
    for setup in devices::all() {
        let [first, second] = [0, 1].map(|_| setup.run(|backend| all_sums(backend, &matrix, &views)));
        assert!(first.iter().map(|v| v.to_bits()).eq(second.iter().map(|v| v.to_bits())), "{}", setup.name);
    }
}

#[test]
fn the_lowest_of_many_equal_rows_is_the_nearest() {
    // More equal rows than a device lists, in tables on which f32 is exact and on others; and equal rows at a distance.
    let mut table = cases::normal(9000, 3, 80);
    for i in (100..9000).step_by(100) {
        let first = table.row(100).to_vec();
        table.row_mut(i).assign(&ndarray::aview1(&first));
    }
    let binary = Matrix::from_array(cases::binary(3000, 4).view()).unwrap();
    let normal = Matrix::from_array(table.view()).unwrap();
    for matrix in [&binary, &normal] {
        let own: Vec<u32> = (0..matrix.rows() as u32).step_by(100).collect();
        let queries = matrix.select(&own.iter().map(|&i| i as usize).collect::<Vec<_>>());
        let beside =
            matrix.beside(20, |i, j| matrix.to_user(f64::from(matrix.value(100, j))) + 0.01 * i as f64);
        let expected = oracle::nearest(matrix, &queries, Some(&own));
        let expected_beside = oracle::nearest(matrix, &beside, None);
        for setup in devices::all() {
            setup.run(|backend| {
                let rows = Dataset::load(backend, matrix).unwrap();
                let got = rows.nearest(&queries, SelfMatches::Exclude(&own), Metric::Euclidean).unwrap();
                let same = oracle::same_neighbours(&expected, &got, matrix, &queries);
                same.unwrap_or_else(|why| panic!("{}: {why}", setup.name));
                let got = rows.nearest(&beside, SelfMatches::Include, Metric::Euclidean).unwrap();
                let same = oracle::same_neighbours(&expected_beside, &got, matrix, &beside);
                same.unwrap_or_else(|why| panic!("{}: {why}", setup.name));
            });
        }
    }
}

#[test]
fn an_error_of_the_sink_ends_distance_sums() {
    let matrix = Matrix::from_array(cases::normal(100, 2, 5).view()).unwrap();
    let labels = vec![0; 100];
    for setup in devices::all() {
        setup.run(|backend| {
            let rows = Dataset::load(backend, &matrix).unwrap();
            let labeling = Labeling { k: 1, labels: &labels };
            let out = rows
                .distance_sums(&[labeling], Progress::none(), &mut |_, _| Err(segmenta::Error::Interrupted));
            assert!(matches!(out, Err(segmenta::Error::Interrupted)));
        });
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    use segmenta::canonical::Centroids;
    let matrix = Matrix::from_array(cases::normal(10, 3, 5).view()).unwrap();
    for setup in devices::all() {
        setup.run(|backend| {
            let rows = Dataset::load(backend, &matrix).unwrap();
            let bad = [vec![], vec![0.0; 4], vec![f32::NAN; 3], vec![1e30; 3]];
            for values in bad {
                assert!(rows.lloyd(&[Centroids { values, features: 3 }], false).is_err());
            }
            let labels = vec![2; 10];
            assert!(
                rows.distance_sums(&[Labeling { k: 2, labels: &labels }], Progress::none(), &mut |_, _| Ok(
                    ()
                ))
                .is_err()
            );
        });
    }
}

#[test]
fn many_features_and_many_rows_are_not_too_much_for_a_loop() {
    let matrix = Matrix::from_array(cases::normal(2100, 600, 9).view()).unwrap();
    let own: Vec<u32> = (0..8).map(|q| q * 250).collect();
    let queries = matrix.select(&own.iter().map(|&i| i as usize).collect::<Vec<_>>());
    let short = Matrix::from_array(cases::normal(200, 1500, 10).view()).unwrap();
    let labels: Vec<u32> = (0..200).collect();
    let mut expected = None;
    for setup in devices::all() {
        let found = setup.run(|backend| {
            let nearest = Dataset::load(backend, &matrix).unwrap();
            let nearest = nearest.nearest(&queries, SelfMatches::Exclude(&own), Metric::Euclidean).unwrap();
            let mut all = Vec::new();
            let labeling = Labeling { k: 200, labels: &labels };
            let rows = Dataset::load(backend, &short).unwrap();
            rows.distance_sums(&[labeling], Progress::none(), &mut |_, sums| {
                all.extend_from_slice(sums);
                Ok(())
            })
            .unwrap();
            (nearest, all)
        });
        let (nearest, sums) = expected.get_or_insert_with(|| found.clone());
        assert_eq!(&found.0, nearest, "{}", setup.name);
        for (&got, &sum) in found.1.iter().zip(sums.iter()) {
            assert!((got - sum).abs() <= 1e-4 * sum.abs(), "{}: {got} for {sum}", setup.name);
        }
    }
}

/// Whole numbers whose squared distances f32 cannot tell apart, in so many features that the values of a tile's rows lie far from
/// each other in memory. Only the canonical distance knows which row is the nearest.
#[test]
fn whole_numbers_too_large_for_f32_are_not_taken_for_exact() {
    let d = 32;
    let table = ndarray::Array2::from_shape_fn((40, d), |(i, j)| match j {
        // The second row is nearer than the first, by 1 in 31 million.
        0 => f32::from(u8::from(i != 1)) * (1 + i % 3) as f32,
        7 => 2800.0,
        _ => (i % 2) as f32 * f32::from(u8::from(j > 7 && i > 1)),
    });
    let matrix = Matrix::from_array(table.view()).unwrap();
    let query = matrix.beside(1, |_, j| if j == 7 { -2800.0 } else { 0.0 });
    let expected = oracle::nearest(&matrix, &query, None);
    for setup in devices::all() {
        setup.run(|backend| {
            let rows = Dataset::load(backend, &matrix).unwrap();
            let got = rows.nearest(&query, SelfMatches::Include, Metric::Euclidean).unwrap();
            assert_eq!(got[0].row, 1, "{}", setup.name);
            let same = oracle::same_neighbours(&expected, &got, &matrix, &query);
            same.unwrap_or_else(|why| panic!("{}: {why}", setup.name));
        });
    }
}
