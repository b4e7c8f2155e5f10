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
