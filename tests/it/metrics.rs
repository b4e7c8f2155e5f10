//! Silhouettes, the choice of k, and Hopkins.

use crate::{cases, devices, goldens, oracle};
use proptest::prelude::*;
use segmenta::Dataset;
use segmenta::backend::cpu::Cpu;
use segmenta::backend::{Backend, Labeling};
use segmenta::cluster::{Params, Partition, Start, fit_many};
use segmenta::evidence::hopkins::{Hopkins, default_probes, hopkins};
use segmenta::evidence::psi::{Change, by_chance, psi};
use segmenta::evidence::silhouette::{silhouette_samples, silhouette_scores};
use segmenta::progress::Progress;
use segmenta::random::{Draws, Purpose};
use segmenta::sweep;
use segmenta::{Error, Matrix, Result};

fn samples(backend: &dyn Backend, matrix: &Matrix, k: usize, labels: &[u32]) -> Result<Vec<f64>> {
    silhouette_samples(&Dataset::load(backend, matrix)?, Labeling { k, labels }, Progress::none())
}

#[test]
fn silhouettes_are_those_of_the_oracle() {
    for case in cases::all().into_iter().filter(|c| c.matrix.rows() > 1) {
        let n = case.matrix.rows();
        let mut draws = Draws::new(3, Purpose::SynthTable).at(2);
        let mut labelings: Vec<(usize, Vec<u32>)> = [2usize, 5, 40]
            .into_iter()
            .map(|k| {
                (k, (0..n).map(|i| if i < 2 { i as u32 } else { draws.below(k as u64) as u32 }).collect())
            })
            .collect();
        // Clusters of one row each, but for the last; clusters without rows at both ends.
        labelings.push((9, (0..n as u32).map(|i| 1 + i.min(5)).collect()));
        let views: Vec<Labeling> = labelings.iter().map(|(k, l)| Labeling { k: *k, labels: l }).collect();
        let expected: Vec<Vec<f64>> =
            labelings.iter().map(|(k, l)| oracle::silhouettes(&case.matrix, *k, l)).collect();
        for setup in devices::all() {
            let (scores, rows) = setup.run(|backend| {
                let rows = Dataset::load(backend, &case.matrix).unwrap();
                let scores = silhouette_scores(&rows, &views, Progress::none()).unwrap();
                let each = |v: &Labeling| silhouette_samples(&rows, *v, Progress::none()).unwrap();
                (scores, views.iter().map(each).collect::<Vec<_>>())
            });
            for ((expected, got), score) in expected.iter().zip(&rows).zip(scores) {
                assert_eq!(got.len(), n);
                for (i, (e, g)) in expected.iter().zip(got).enumerate() {
                    assert!(
                        (e - g).abs() <= 1e-5,
                        "{} on {}: row {i} has {g}, expected {e}",
                        case.name,
                        setup.name
                    );
                }
                let mean = expected.iter().sum::<f64>() / n as f64;
                assert!((mean - score).abs() <= 1e-5, "{} on {}: {score}, not {mean}", case.name, setup.name);
            }
        }
    }
}

#[test]
fn silhouettes_are_those_of_scikit_learn() {
    let mut rows = 0;
    for golden in goldens::load().made {
        let (matrix, labels) = (golden.matrix(), golden.labels());
        let k = 1 + *labels.iter().max().unwrap() as usize;
        for setup in devices::all() {
            let got = setup.run(|backend| samples(backend, &matrix, k, &labels)).unwrap();
            let mean = got.iter().sum::<f64>() / got.len() as f64;
            oracle::close(golden.silhouette, mean, 0.0, 1e-5).unwrap();
            for (expected, got) in golden.silhouettes.iter().flatten().zip(&got) {
                oracle::close(*expected, *got, 0.0, 1e-5).unwrap();
                rows += 1;
            }
        }
    }
    assert_eq!(rows, devices::all().len() * (120 + 240 + 200 + 90));
}

#[test]
fn the_edges_of_silhouettes() {
    let matrix = Matrix::from_array(cases::normal(30, 3, 60).view()).unwrap();
    let equal = Matrix::from_array(ndarray::Array2::from_elem((30, 3), 2.5).view()).unwrap();
    let halves: Vec<u32> = (0..30).map(|i| i % 2).collect();
    let lone: Vec<u32> = (0..30).map(|i| u32::from(i == 7)).collect();
    let each: Vec<u32> = (0..30).collect();
    for setup in devices::all() {
        setup.run(|backend| {
            assert_eq!(samples(backend, &matrix, 2, &lone).unwrap()[7], 0.0, "{}", setup.name);
            assert_eq!(samples(backend, &matrix, 30, &each).unwrap(), [0.0; 30], "{}", setup.name);
            assert_eq!(samples(backend, &equal, 2, &halves).unwrap(), [0.0; 30], "{}", setup.name);
            let message = samples(backend, &matrix, 1, &[0; 30]).unwrap_err().to_string();
            assert!(message.contains("two clusters"), "{message}");
            assert!(samples(backend, &matrix, 3, &[2; 30]).is_err(), "rows in one of three clusters only");
            assert!(samples(backend, &matrix, 2, &halves[1..]).is_err(), "a label too few");
            assert!(samples(backend, &matrix, 2, &each).is_err(), "labels that are not below k");
            let rows = Dataset::load(backend, &matrix).unwrap();
            assert!(silhouette_scores(&rows, &[], Progress::none()).unwrap().is_empty());
            let labeling = Labeling { k: 2, labels: &halves };
            let stop = |_: segmenta::progress::ProgressUpdate<'_>| false;
            let out = silhouette_scores(&rows, &[labeling], Progress::new(&stop));
            assert!(matches!(out, Err(Error::Interrupted)));
        });
    }
}

#[test]
fn a_sweep_scores_every_k_above_one() {
    let matrix = Matrix::from_array(cases::normal(150, 3, 61).view()).unwrap();
    let cpu = Cpu::default();
    let rows = Dataset::load(&cpu, &matrix).unwrap();
    let params = Params { n_init: 2, ..Params::default() };
    let fits = fit_many(&rows, &[1, 2, 6], &params, &Start::KMeansPlusPlus, Progress::none()).unwrap();
    let scored =
        sweep::score(&rows, fits.iter().cloned().map(Partition::from).collect(), Progress::none()).unwrap();
    assert_eq!(scored[0].scores.silhouette, None);
    for (row, fit) in scored.iter().zip(&fits).skip(1) {
        let expected = oracle::silhouettes(&matrix, fit.k, &fit.labels).iter().sum::<f64>() / 150.0;
        oracle::close(expected, row.scores.silhouette.unwrap(), 0.0, 1e-5).unwrap();
        assert_eq!(row.partition, Partition::from(fit.clone()));
        let least = *fit.sizes.iter().min().unwrap() as f64;
        assert_eq!(row.partition.min_segment_pct(), 100.0 * least / 150.0);
    }
}

/// The upper tail of Beta(m, m) at `1 - rest` as a binomial one: fewer than m of 2m - 1 hits.
fn beta_tail(m: u32, rest: f64) -> f64 {
    let n = 2 * m - 1;
    let (hit, miss) = (libm::log1p(-rest), libm::log(rest));
    let mut log_term = f64::from(n) * miss;
    let mut tail = 0.0;
    for i in 0..m {
        tail += libm::exp(log_term);
        log_term += libm::log(f64::from(n - i) / f64::from(i + 1)) + hit - miss;
    }
    tail
}

#[test]
fn the_tail_of_the_test_is_that_of_scipy() {
    let goldens = goldens::load().beta;
    assert!(goldens.len() > 30);
    for g in goldens {
        oracle::close(g.p, beta_tail(g.m, 1.0 - g.h), 1e-9, 0.0)
            .unwrap_or_else(|why| panic!("{}, {}: {why}", g.m, g.h));
    }
}

fn run(matrix: &Matrix, probes: usize, seed: u64) -> Result<Hopkins> {
    let cpu = Cpu::default();
    hopkins(&Dataset::load(&cpu, matrix)?, probes, seed, Progress::none())
}

/// Distances of the uniform probes, then of the probed rows, by the definition and from the documented draws.
fn naive_distances(matrix: &Matrix, probes: usize, seed: u64) -> (Vec<u32>, Vec<f64>) {
    let rows = oracle::stored(matrix);
    let uniform = matrix.beside(probes, |i, j| {
        let column = rows.column(j);
        let low = column.iter().copied().fold(f64::INFINITY, f64::min);
        let high = column.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut stream = Draws::new(seed, Purpose::HopkinsUniform).at(i as u64);
        let draw = (0..=j).map(|_| stream.uniform()).last().unwrap();
        matrix.to_user(low + (high - low) * draw)
    });
    // Copies of a row are drawn one after another, at the place of the first, and each is its others' nearest row.
    let n = matrix.rows();
    let first: Vec<usize> = (0..n).map(|i| (0..n).find(|&j| rows.row(i) == rows.row(j)).unwrap()).collect();
    let copies = |i: usize| first.iter().filter(|f| **f == i).count();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&i| (first[i], i));
    let chosen = Draws::new(seed, Purpose::HopkinsRows).at(0).sample(probes, n);
    let chosen: Vec<usize> = chosen.into_iter().map(|i| first[order[i]]).collect();
    let own: Vec<u32> = chosen.iter().map(|&i| i as u32).collect();
    let near = oracle::nearest(matrix, &uniform, None);
    let mut next = oracle::nearest(matrix, &matrix.select(&chosen), Some(&own));
    for (next, &own) in next.iter_mut().zip(&own).filter(|(_, own)| copies(**own as usize) > 1) {
        *next = own;
    }
    let d = |a: &ndarray::Array2<f64>, q: usize, i: u32| {
        let squares = a.row(q).into_iter().zip(rows.row(i as usize)).map(|(x, y)| (x - y) * (x - y));
        matrix.to_user(squares.sum::<f64>().sqrt())
    };
    let points = oracle::stored(&uniform);
    let u = near.iter().enumerate().map(|(q, &i)| d(&points, q, i));
    let w = next.iter().zip(&chosen).map(|(&i, &q)| d(&rows, q, i));
    let distances = u.chain(w).collect();
    (near.into_iter().chain(next).collect(), distances)
}

#[test]
fn hopkins_is_its_formula() {
    let mut compared = 0;
    for case in cases::all().into_iter().filter(|c| c.matrix.rows() >= 40) {
        let matrix = &case.matrix;
        let probes = default_probes(matrix.rows());
        let (neighbours, distances) = naive_distances(matrix, probes, 5);
        let got = match run(matrix, probes, 5) {
            Err(e) => {
                assert_eq!((case.name.as_str(), distances.iter().sum()), ("all zero", 0.0), "{e}");
                continue;
            }
            Ok(got) => got,
        };
        assert_eq!((&got.neighbours, got.probes), (&neighbours, probes), "{}", case.name);
        for (exponent, h) in [(1, got.exponent_1), (matrix.features() as i32, got.exponent_d)] {
            let sum = |part: &[f64]| part.iter().map(|v| v.powi(exponent)).sum::<f64>();
            let (u, w) = (sum(&distances[..probes]), sum(&distances[probes..]));
            assert!((0.0..=1.0).contains(&h), "{}: {h}", case.name);
            if !(u + w).is_normal() {
                continue; // the direct sums leave the range of f64
            }
            let name = format!("{}, exponent {exponent}", case.name);
            oracle::close(u / (u + w), h, 1e-10, 1e-300).unwrap_or_else(|why| panic!("{name}: {why}"));
            let rest = w / (u + w);
            if exponent == matrix.features() as i32 && rest > 0.0 && rest < 1.0 {
                oracle::close(beta_tail(probes as u32, rest), got.p_value, 1e-7, 1e-300)
                    .unwrap_or_else(|why| panic!("{name}: p {why}"));
            }
            compared += 1;
        }
    }
    assert!(compared > 20, "{compared}");
}

fn uniform(n: usize, d: usize, seed: u64) -> ndarray::Array2<f32> {
    let mut draws = Draws::new(seed, Purpose::SynthTable).at(9);
    ndarray::Array2::from_shape_simple_fn((n, d), || draws.uniform() as f32)
}

#[test]
fn hopkins_tells_clusters_from_none() {
    let even = run(&Matrix::from_array(uniform(3000, 2, 1).view()).unwrap(), 300, 0).unwrap();
    assert!((even.exponent_d - 0.5).abs() < 0.08 && (even.exponent_1 - 0.5).abs() < 0.08, "{even:?}");
    assert!(even.p_value > 1e-3, "{}", even.p_value);
    oracle::close(beta_tail(300, 1.0 - even.exponent_d), even.p_value, 1e-9, 0.0).unwrap();

    let mut blobs = uniform(3000, 2, 2) * 1e-3;
    for (i, mut row) in blobs.rows_mut().into_iter().enumerate() {
        row += &ndarray::arr1(&[(i % 5) as f32, (i % 7) as f32]);
    }
    let tight = run(&Matrix::from_array(blobs.view()).unwrap(), 300, 0).unwrap();
    assert!(tight.exponent_1 > 0.95 && tight.exponent_d > 0.99 && tight.p_value < 1e-100, "{tight:?}");
    // As many points as rows on a regular lattice: the other side of one half.
    let lattice =
        ndarray::Array2::from_shape_fn((2500, 2), |(i, j)| if j == 0 { i / 50 } else { i % 50 } as f32);
    let regular = run(&Matrix::from_array(lattice.view()).unwrap(), 250, 0).unwrap();
    assert!(regular.exponent_d < 0.4 && regular.p_value > 0.99, "{regular:?}");
}

#[test]
fn powers_of_distances_may_leave_the_range_of_f64() {
    let plain = cases::normal(400, 40, 62);
    let expected = run(&Matrix::from_array(plain.view()).unwrap(), 40, 1).unwrap();
    for power in [-60, 60] {
        let scaled = plain.mapv(|v| v * 2f32.powi(power));
        let got = run(&Matrix::from_array(scaled.view()).unwrap(), 40, 1).unwrap();
        assert_eq!(got.neighbours, expected.neighbours);
        oracle::close(expected.exponent_d, got.exponent_d, 1e-10, 0.0).unwrap();
        oracle::close(expected.exponent_1, got.exponent_1, 1e-10, 0.0).unwrap();
        oracle::close(expected.p_value, got.p_value, 1e-7, 0.0).unwrap();
    }
}

#[test]
fn the_edges_of_hopkins() {
    let matrix = Matrix::from_array(cases::normal(105, 2, 63).view()).unwrap();
    for probes in [0, 11, 105, usize::MAX] {
        let message = run(&matrix, probes, 0).unwrap_err().to_string();
        assert!(message.contains(&format!("{probes} probes")) && message.contains("105 rows"), "{message}");
    }
    assert_eq!((default_probes(105), default_probes(19_999), default_probes(1 << 30)), (10, 1999, 2000));
    let equal = Matrix::from_array(ndarray::Array2::from_elem((50, 2), 3.0).view()).unwrap();
    assert!(run(&equal, 5, 0).unwrap_err().to_string().contains("all rows are equal"));
    // Every row twice: no probed row is alone, and the table could not be more clustered.
    let twice = ndarray::concatenate![ndarray::Axis(0), cases::normal(50, 2, 64), cases::normal(50, 2, 64)];
    let h = run(&Matrix::from_array(twice.view()).unwrap(), 10, 0).unwrap();
    assert_eq!((h.exponent_1, h.exponent_d, h.p_value), (1.0, 1.0, 0.0));

    assert_eq!(run(&matrix, 10, 8).unwrap(), run(&matrix, 10, 8).unwrap());
    assert_ne!(run(&matrix, 10, 8).unwrap().neighbours, run(&matrix, 10, 9).unwrap().neighbours);
    let stop = |_: segmenta::progress::ProgressUpdate<'_>| false;
    let cpu = Cpu::default();
    let out = hopkins(&Dataset::load(&cpu, &matrix).unwrap(), 10, 0, Progress::new(&stop));
    assert!(matches!(out, Err(Error::Interrupted)));
}

#[test]
fn psi_by_hand() {
    for (then, now, expected) in [
        (&[0.5, 0.5][..], &[0.6, 0.4][..], 0.040_546_510_810_816_44),
        (&[0.1, 0.2, 0.7], &[0.2, 0.2, 0.6], 0.084_729_786_038_720_36),
        // An empty bin counts as 0.0001.
        (&[0.5, 0.5], &[1.0, 0.0], 4.604_318_466_5),
        (&[0.5, 0.5], &[1.0], 4.604_318_466_5),
        (&[1.0, 0.0], &[0.999_95, 0.000_05], 2.500_031_25e-9),
        (&[], &[], 0.0),
    ] {
        oracle::close(expected, psi(then, now), 1e-4, 1e-9).unwrap();
    }
    oracle::close(0.1 * libm::log(1.5), psi(&[0.5, 0.5], &[0.6, 0.4]), 1e-14, 0.0).unwrap();
    assert_eq!(by_chance(10, 100, 100), 0.18);
    let words = [0.0, 0.099, 0.1, 0.25, 0.2501, f64::INFINITY].map(|v| Change::of(v).to_string());
    assert_eq!(words, ["stable", "stable", "moderate", "moderate", "major", "major"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    /// It is a distance of sorts: 0 for equal shares only, never below, the same both ways.
    #[test]
    fn psi_is_symmetric(counts in prop::collection::vec((0u32..1000, 0u32..1000), 1..20)) {
        let shares = |of: fn(&(u32, u32)) -> u32| {
            let total = counts.iter().map(of).sum::<u32>().max(1);
            counts.iter().map(|c| f64::from(of(c)) / f64::from(total)).collect::<Vec<f64>>()
        };
        let (then, now) = (shares(|c| c.0), shares(|c| c.1));
        prop_assert_eq!(psi(&then, &now), psi(&now, &then));
        prop_assert_eq!(psi(&then, &then), 0.0);
        prop_assert!(psi(&then, &now) >= 0.0);
        let moved = then.iter().zip(&now).any(|(a, b)| a.max(1e-4) != b.max(1e-4));
        prop_assert_eq!(psi(&then, &now) > 0.0, moved);
    }
}

/// Rows with whole weights, and the same rows written out.
fn weighted_and_written_out(index: u64) -> (Matrix, Matrix, Vec<usize>) {
    let rows = cases::normal(300, 3, index);
    let weights: Vec<u16> = (0..300).map(|i| 1 + (i * 7 % 4) as u16).collect();
    let copies: Vec<usize> = (0..300).flat_map(|i| vec![i; weights[i].into()]).collect();
    let written_out = Matrix::from_array(rows.select(ndarray::Axis(0), &copies).view()).unwrap();
    (Matrix::from_array(rows.view()).unwrap().weighted(weights).unwrap(), written_out, copies)
}

#[test]
fn silhouettes_and_hopkins_count_copies() {
    let (weighted, written_out, copies) = weighted_and_written_out(4100);
    for k in [2, 5, 40] {
        let mut draws = Draws::new(k as u64, Purpose::SynthTable).at(7);
        let labels: Vec<u32> = (0..300).map(|_| draws.below(k as u64) as u32).collect();
        let all: Vec<u32> = copies.iter().map(|&i| labels[i]).collect();
        let expected = oracle::silhouettes(&written_out, k, &all);
        let expected = expected.iter().sum::<f64>() / expected.len() as f64;
        for setup in devices::all() {
            for (matrix, labels) in [(&weighted, &labels), (&written_out, &all)] {
                let score = setup.run(|backend| {
                    let rows = Dataset::load(backend, matrix).unwrap();
                    silhouette_scores(&rows, &[Labeling { k, labels }], Progress::none()).unwrap()[0]
                });
                oracle::close(expected, score, 0.0, 1e-5)
                    .unwrap_or_else(|why| panic!("{}: {why}", setup.name));
            }
        }
    }
    let (a, b) = (run(&weighted, 60, 9).unwrap(), run(&written_out, 60, 9).unwrap());
    assert_eq!((a.exponent_1, a.exponent_d, a.p_value), (b.exponent_1, b.exponent_d, b.p_value));
    let firsts: Vec<u32> = b.neighbours.iter().map(|&row| copies[row as usize] as u32).collect();
    assert_eq!(a.neighbours, firsts);
}

#[test]
fn fractional_weights_are_scale_free() {
    let rows = cases::normal(200, 3, 4101);
    let given: Vec<f64> = (0..200).map(|i| 0.013 + f64::from(i * 13 % 17) * 0.37).collect();
    let labels: Vec<u32> = (0..200).map(|i| i % 3).collect();
    let of = |factor: f64| {
        let weights: Vec<f64> = given.iter().map(|w| w * factor).collect();
        let matrix = Matrix::from_array(rows.view()).unwrap().weighted(weights).unwrap();
        let cpu = Cpu::default();
        let rows = Dataset::load(&cpu, &matrix).unwrap();
        let labeling = Labeling { k: 3, labels: &labels };
        let score = silhouette_scores(&rows, &[labeling], Progress::none()).unwrap()[0];
        (score, run(&matrix, 20, 4).unwrap())
    };
    let (score, hopkins) = of(1.0);
    for factor in [0.001, 3.7, 1e9] {
        let (scaled, again) = of(factor);
        oracle::close(score, scaled, 1e-6, 1e-7).unwrap();
        assert_eq!(hopkins, again);
    }
}
