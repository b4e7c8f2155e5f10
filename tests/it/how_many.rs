//! How many segments: the scores of a sweep beside other programs' (tests/peers/how_many.py), and the choice.

use crate::{cases, devices, oracle};
use segmenta::backend::{Backend, Labeling};
use segmenta::canonical::Centroids;
use segmenta::cluster::{Fit, Params, Restarts, Start, fit_many};
use segmenta::evidence::dispersion::Dispersion;
use segmenta::evidence::elbow::elbow;
use segmenta::progress::Progress;
use segmenta::sweep::gap::{Gap, GapParams, gaps};
use segmenta::sweep::stability::{StabilityParams, stability};
use segmenta::sweep::{Choice, Rule, Scores, SweepRow, choose};
use segmenta::{Dataset, Error, Matrix};
use serde::Deserialize;

#[derive(Deserialize)]
struct Goldens {
    scores: Vec<Score>,
    curves: Vec<Curve>,
    gaps: Vec<Gaps>,
}

#[derive(Deserialize)]
struct Score {
    #[serde(flatten)]
    shape: crate::goldens::Shape,
    labels: String,
    calinski_harabasz: f64,
    davies_bouldin: f64,
}

#[derive(Deserialize)]
struct Curve {
    x: Vec<f64>,
    y: Vec<f64>,
    elbow: Option<f64>,
}

#[derive(Deserialize)]
struct Gaps {
    #[serde(flatten)]
    shape: crate::goldens::Shape,
    gap: Vec<f64>,
    se: Vec<f64>,
}

fn goldens() -> Goldens {
    serde_json::from_str(include_str!("../peers/how_many.json")).unwrap()
}

#[test]
fn scores_of_labelings_are_those_of_scikit_learn() {
    let goldens = goldens().scores;
    assert_eq!(goldens.len(), 9);
    for golden in goldens {
        let matrix = golden.shape.matrix();
        let labels: Vec<u32> = golden.labels.chars().map(|c| c.to_digit(36).unwrap()).collect();
        let k = 1 + *labels.iter().max().unwrap() as usize;
        // A cluster without rows changes nothing.
        for k in [k, k + 1] {
            let dispersion = Dispersion::of(&matrix, Labeling { k, labels: &labels });
            let close =
                |expected: f64, got: Option<f64>| oracle::close(expected, got.unwrap(), 1e-9, 0.0).unwrap();
            close(golden.calinski_harabasz, dispersion.calinski_harabasz());
            close(golden.davies_bouldin, dispersion.davies_bouldin());
        }
    }
}

#[test]
fn a_weight_is_a_number_of_copies_in_scores() {
    let rows = cases::normal(60, 3, 71);
    let weights: Vec<u32> = (0..60).map(|i| i % 4).collect();
    let labels: Vec<u32> = (0..60).map(|i| i % 3).collect();
    let copies: Vec<usize> = (0..60).flat_map(|i| std::iter::repeat_n(i, weights[i] as usize)).collect();
    let of = |matrix: &Matrix, labels: &[u32]| {
        let dispersion = Dispersion::of(matrix, Labeling { k: 3, labels });
        [dispersion.calinski_harabasz().unwrap(), dispersion.davies_bouldin().unwrap(), dispersion.within()]
    };
    let matrix = Matrix::from_array(rows.view()).unwrap();
    let repeated: Vec<u32> = copies.iter().map(|&i| labels[i]).collect();
    let expected = of(&matrix.select(&copies), &repeated);
    let got = of(&matrix.weighted(weights).unwrap(), &labels);
    expected.iter().zip(got).for_each(|(e, g)| oracle::close(*e, g, 1e-12, 0.0).unwrap());
}

#[test]
fn scores_that_are_undefined_are_none() {
    let matrix = Matrix::from_columns(vec!["f".into()], vec![vec![1.0, 1.0, 2.0, 2.0]]).unwrap();
    let of = |k: usize, labels: [u32; 4]| {
        let dispersion = Dispersion::of(&matrix, Labeling { k, labels: &labels });
        (dispersion.calinski_harabasz(), dispersion.davies_bouldin())
    };
    assert_eq!(of(1, [0; 4]), (None, None));
    assert_eq!(of(4, [0, 1, 2, 3]).0, None, "as many clusters as rows");
    assert_eq!(of(2, [0, 0, 1, 1]), (Some(1.0), Some(0.0)), "clusters without extent, as in scikit-learn");
    // Two clusters with the same mean.
    assert!(of(2, [0, 1, 0, 1]).1.unwrap().is_finite());
}

#[test]
fn elbows_are_those_of_kneed() {
    let curves = goldens().curves;
    assert_eq!(curves.len(), 30);
    assert!(curves.iter().any(|curve| curve.elbow.is_none()));
    for Curve { x, y, elbow: expected } in curves {
        assert_eq!(elbow(&x, &y).map(|i| x[i]), expected, "{x:?} {y:?}");
    }
    assert_eq!(elbow(&[1.0, 2.0], &[3.0, 1.0]), None);
    assert_eq!(elbow(&[1.0, 2.0, 3.0], &[2.0; 3]), None, "a flat curve");
    assert_eq!(elbow(&[1.0, 2.0, 3.0], &[f64::NAN, 1.0, 0.0]), None);
}

fn gaps_of(matrix: &Matrix, backend: &dyn Backend, ks: &[usize], params: GapParams) -> Vec<Option<Gap>> {
    gaps(&Dataset::load(backend, matrix).unwrap(), ks, params, Progress::none()).unwrap()
}

/// Of two tables, one with three blobs and one without any, beside 200 reference tables of R.
#[test]
fn gaps_are_those_of_clusgap() {
    let cpu = segmenta::backend::cpu::Cpu::default();
    for golden in goldens().gaps {
        let params = GapParams { references: 100, n_init: 10, seed: 5 };
        let found = gaps_of(&golden.shape.matrix(), &cpu, &[1, 2, 3, 4, 5, 6], params);
        for (i, found) in found.into_iter().enumerate() {
            let (Gap { gap, se }, expected_se) = (found.unwrap(), golden.se[i]);
            // The mean of 100 tables less that of 200 has a standard deviation of 0.12 standard errors.
            assert!(
                (gap - golden.gap[i]).abs() < 0.45 * expected_se,
                "k = {}: {gap}, {}",
                i + 1,
                golden.gap[i]
            );
            assert!((se / expected_se - 1.0).abs() < 0.4, "k = {}: {se}, {expected_se}", i + 1);
        }
    }
}

fn stability_of(
    matrix: &Matrix,
    backend: &dyn Backend,
    ks: &[usize],
    params: StabilityParams,
) -> Vec<Vec<Option<f64>>> {
    let dataset = Dataset::load(backend, matrix).unwrap();
    let fits = fit_many(&dataset, ks, &Params::default(), &Start::KMeansPlusPlus, Progress::none()).unwrap();
    let labelings: Vec<(usize, &[u32])> = fits.iter().map(|fit| (fit.k, &fit.labels[..])).collect();
    stability(&dataset, &labelings, params, Progress::none()).unwrap()
}

#[test]
fn gaps_and_stability_are_the_same_on_every_device() {
    let matrix = Matrix::from_array(cases::normal(300, 3, 72).view()).unwrap();
    let weighted = matrix.clone().weighted((0..300).map(|i| i % 3).collect::<Vec<u32>>()).unwrap();
    let gap = GapParams { references: 4, n_init: 2, seed: 1 };
    let sampled = StabilityParams { samples: 4, rows: 200, n_init: 2, seed: 1 };
    for matrix in [matrix, weighted] {
        let mut first = None;
        for setup in devices::all() {
            let got = setup.run(|backend| {
                (gaps_of(&matrix, backend, &[1, 2, 4], gap), stability_of(&matrix, backend, &[2, 4], sampled))
            });
            assert!(got.0.iter().all(Option::is_some));
            assert_eq!(*first.get_or_insert(got.clone()), got, "{}", setup.name);
        }
    }
}

#[test]
fn segments_reappear_where_there_are_some() {
    let cpu = segmenta::backend::cpu::Cpu::default();
    let lowest = |matrix: &Matrix, k: usize| -> f64 {
        let found =
            stability_of(matrix, &cpu, &[k], StabilityParams { seed: 3, ..StabilityParams::default() });
        found[0].iter().flatten().copied().fold(1.0, f64::min)
    };
    let mut rows = cases::normal(400, 2, 73);
    let noise = Matrix::from_array(rows.view()).unwrap();
    rows.rows_mut()
        .into_iter()
        .enumerate()
        .for_each(|(i, mut row)| row[i % 2] += 12.0 * (1 + i % 4 / 2) as f32);
    let blobs = Matrix::from_array(rows.view()).unwrap();
    assert_eq!(lowest(&blobs, 4), 1.0);
    assert!(lowest(&noise, 7) < 0.75);
    assert!(lowest(&blobs, 6) < 0.75);
    // More segments than a bootstrap sample has different rows.
    let few = Matrix::from_columns(vec!["f".into()], vec![vec![0.0, 1.0, 2.0]]).unwrap();
    assert!(stability_of(&few, &cpu, &[3], StabilityParams::default())[0].len() == 3);
}

#[test]
fn a_callback_stops_gaps_and_stability() {
    let cpu = segmenta::backend::cpu::Cpu::default();
    let matrix = Matrix::from_array(cases::normal(50, 2, 74).view()).unwrap();
    let dataset = Dataset::load(&cpu, &matrix).unwrap();
    let stop = |_: segmenta::progress::ProgressUpdate<'_>| false;
    let stopped = gaps(&dataset, &[2], GapParams::default(), Progress::new(&stop));
    assert!(matches!(stopped, Err(Error::Interrupted)));
    let labels = vec![0; 50];
    let stopped = stability(&dataset, &[(1, &labels)], StabilityParams::default(), Progress::new(&stop));
    assert!(matches!(stopped, Err(Error::Interrupted)));
}

fn scored(k: usize, silhouette: Option<f64>) -> SweepRow {
    let fit = Fit {
        k,
        centroids: Centroids { values: vec![0.0; k], features: 1 },
        labels: Vec::new(),
        sizes: vec![1; k],
        weights: vec![1; k],
        inertia: 0.0,
        n_iter: 1,
        converged: true,
        restart: 0,
        restarts: Restarts { n: 1, reached_best: 1 },
        seeded_on_sample: false,
        f64_fallbacks: Vec::new(),
    };
    SweepRow { partition: fit.into(), scores: Scores { silhouette, ..Scores::default() } }
}

fn chosen(scores: &[(usize, f64)], min_k: usize) -> Option<usize> {
    let rows: Vec<SweepRow> = scores.iter().map(|&(k, s)| scored(k, Some(s))).collect();
    choose(&rows, Rule::Silhouette, min_k, 0.0).ok().map(|c| c.k)
}

#[test]
fn k_is_chosen_by_the_highest_silhouette() {
    let scores = [(2, 0.9), (3, 0.4), (4, 0.5), (5, 0.3)];
    assert_eq!((chosen(&scores, 2), chosen(&scores, 3), chosen(&scores, 5)), (Some(2), Some(4), Some(5)));
    assert_eq!((chosen(&scores, 6), chosen(&[], 2)), (None, None));
    // Of equal scores, and of those nearer than 2e-5, the smaller k; whatever the order.
    assert_eq!(chosen(&[(4, 0.5), (3, 0.5)], 2), Some(3));
    assert_eq!(chosen(&[(5, 0.5 + 1.9e-5), (3, 0.5)], 2), Some(3));
    assert_eq!(chosen(&[(3, 0.5), (5, 0.5 + 2.1e-5)], 2), Some(5));
    // Nearness counts from the best, not from neighbour to neighbour.
    assert_eq!(chosen(&[(3, 0.5), (4, 0.5 + 1.5e-5), (5, 0.5 + 3e-5)], 2), Some(4));
    assert_eq!(chosen(&[(3, -0.5), (4, -0.2)], 2), Some(4));
    let rows = [scored(1, None), scored(2, Some(0.1))];
    assert_eq!(choose(&rows, Rule::Silhouette, 1, 0.0).unwrap().k, 2);
    // A k that was too small to be chosen is named where it scores higher, by more than devices differ.
    let passed_over = |scores: &[(usize, f64)], min_k: usize| {
        let rows: Vec<SweepRow> = scores.iter().map(|&(k, s)| scored(k, Some(s))).collect();
        choose(&rows, Rule::Silhouette, min_k, 0.0).unwrap().passed_over
    };
    assert_eq!((passed_over(&scores, 3), passed_over(&scores, 2)), (Some(2), None));
    assert_eq!(passed_over(&[(2, 0.6), (3, 0.7), (4, 0.5)], 4), Some(3));
    assert_eq!(passed_over(&[(2, 0.4), (3, 0.5)], 3), None);
    assert_eq!(passed_over(&[(2, 0.5 + 1.9e-5), (3, 0.5)], 3), None);
    let message = choose(&rows[..1], Rule::Silhouette, 1, 0.0).unwrap_err().to_string();
    assert!(message.contains("at least 1"), "{message}");
}

/// Rows for k from 2 on, each with an inertia, a silhouette, a gap (standard error 0.1) and a stability.
fn sweep_of(lines: &[(f64, f64, f64, f64)]) -> Vec<SweepRow> {
    let row = |(i, &(inertia, silhouette, gap, index)): (usize, &(f64, f64, f64, f64))| {
        let mut row = scored(i + 2, Some(silhouette));
        row.partition.diagnostics.inertia = inertia;
        row.scores.gap = Some(Gap { gap, se: 0.1 });
        row.scores.stability = Some(index);
        row.scores.calinski_harabasz = Some(10.0 * silhouette);
        row.scores.davies_bouldin = Some(1.0 - silhouette);
        row
    };
    lines.iter().enumerate().map(row).collect()
}

#[test]
fn each_rule_chooses_by_its_own_score() {
    let rows = sweep_of(&[
        (100.0, 0.50, 0.10, 1.0),
        (40.0, 0.40, 0.45, 0.9),
        (30.0, 0.45, 0.50, 0.8),
        (25.0, 0.30, 0.40, 0.5),
        (21.0, 0.20, 0.90, 0.6),
    ]);
    let by = |rule: Rule| choose(&rows, rule, 2, 0.0).unwrap();
    let pair = |choice: &Choice| (choice.k, choice.runner_up.as_ref().unwrap().k);
    assert_eq!(pair(&by(Rule::Silhouette)), (2, 4));
    assert_eq!(by(Rule::Elbow).k, 3);
    // The first local maximum is k = 4; k = 3 is within one standard error of it.
    assert_eq!(by(Rule::Gap).k, 3);
    assert!(by(Rule::Gap).why.contains("k = 4"), "{}", by(Rule::Gap).why);
    assert_eq!(pair(&by(Rule::Stability)), (4, 3));
    // Silhouette, Calinski-Harabasz and Davies-Bouldin against elbow and gap.
    let consensus = by(Rule::Consensus);
    assert_eq!(consensus.k, 2);
    assert!(consensus.why.starts_with("3 of 6 criteria"), "{}", consensus.why);
    // From k = 3 on, the elbow and the gap agree, and silhouettes are for k = 4.
    assert_eq!(choose(&rows, Rule::Silhouette, 3, 0.0).unwrap().k, 4);
    assert_eq!(choose(&rows, Rule::Elbow, 4, 0.0).unwrap().k, 4, "an elbow that may not be chosen");
    assert_eq!(choose(&rows[3..], Rule::Stability, 2, 0.0).unwrap().k, 6, "none is stable");
    // BIC and AIC are figures of Gaussian mixtures alone.
    let of_mixtures = |rule: &Rule| matches!(rule, Rule::Bic | Rule::Aic);
    for rule in [Rule::Bic, Rule::Aic] {
        assert!(choose(&rows, rule, 2, 0.0).is_err());
    }
    let rules = Rule::WORDS.iter().map(|(word, rule)| (*rule, word));
    for (rule, word) in rules.filter(|(rule, _)| !of_mixtures(rule)) {
        let Choice { why, runner_up, .. } = by(rule);
        let runner_up = runner_up.unwrap().why;
        assert!(
            !why.is_empty() && !runner_up.is_empty() && !why.contains("NaN"),
            "{word}: {why} {runner_up}"
        );
    }
}

#[test]
fn a_k_whose_smallest_segment_is_too_small_is_not_chosen() {
    let mut rows = sweep_of(&[(9.0, 0.5, 0.1, 1.0), (5.0, 0.6, 0.2, 1.0), (4.0, 0.4, 0.3, 1.0)]);
    rows[1].partition.weights = vec![1, 99, 100];
    assert_eq!(choose(&rows, Rule::Silhouette, 2, 0.0).unwrap().k, 3);
    assert_eq!(choose(&rows, Rule::Silhouette, 2, 1.0).unwrap().k, 2);
    let message = choose(&rows[1..2], Rule::Silhouette, 2, 1.0).unwrap_err().to_string();
    assert!(message.contains("at least 1 % of the rows"), "{message}");
}

#[test]
fn scores_that_were_not_computed_are_an_error_or_no_vote() {
    let mut rows = sweep_of(&[(9.0, 0.5, 0.1, 1.0), (5.0, 0.6, 0.2, 1.0), (4.0, 0.4, 0.3, 1.0)]);
    rows.iter_mut().for_each(|row| (row.scores.gap, row.scores.stability) = (None, None));
    assert!(choose(&rows, Rule::Gap, 2, 0.0).is_err());
    assert!(choose(&rows, Rule::Stability, 2, 0.0).is_err());
    let why = choose(&rows, Rule::Consensus, 2, 0.0).unwrap().why;
    assert!(why.contains("of 4 criteria") || why.contains("of 3 criteria"), "{why}");
}
