//! What SciPy, statsmodels and NumPy answer (tests/peers/profile.py).

use super::{close, numbers, table};
use segmenta::profile::inference::{
    Sample, benjamini_hochberg, cohens_h, same_share, t_quantile, t_two_sided, welch, wilson,
};
use segmenta::profile::{Context, Members, Options, profile};
use segmenta::weights::Weights;
use serde::Deserialize;

#[derive(Deserialize)]
struct Goldens {
    wilson: Vec<Wilson>,
    t_quantiles: Vec<Quantile>,
    t_tails: Vec<Tail>,
    welch: Vec<Welch>,
    shares: Vec<Shares>,
    benjamini_hochberg: Vec<Corrected>,
    cohens_h: Vec<Effect>,
    means: Vec<Means>,
}

#[derive(Deserialize)]
struct Wilson {
    count: f64,
    n: f64,
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
struct Quantile {
    df: f64,
    t: f64,
}

#[derive(Deserialize)]
struct Tail {
    df: f64,
    t: f64,
    p: f64,
}

#[derive(Deserialize)]
struct Given {
    n: f64,
    mean: f64,
    variance: f64,
}

#[derive(Deserialize)]
struct Welch {
    a: Given,
    b: Given,
    p: f64,
}

#[derive(Deserialize)]
struct Shares {
    a: f64,
    n: f64,
    b: f64,
    m: f64,
    exact: bool,
    p: f64,
}

#[derive(Deserialize)]
struct Corrected {
    p: Vec<f64>,
    q: Vec<f64>,
}

#[derive(Deserialize)]
struct Effect {
    a: f64,
    b: f64,
    h: f64,
}

#[derive(Deserialize)]
struct Means {
    x: Vec<f64>,
    weights: Option<Vec<f64>>,
    mean: f64,
    sd: f64,
    low: f64,
    high: f64,
    q1: f64,
    median: f64,
    q3: f64,
}

fn goldens() -> Goldens {
    serde_json::from_str(include_str!("../../peers/profile.json")).unwrap()
}

/// Within a relative error, however small the value.
fn relative(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance * expected.abs(), "{what}: {found:e} {expected:e}");
}

#[test]
fn intervals() {
    let goldens = goldens();
    for w in &goldens.wilson {
        let (low, high) = wilson(w.count / w.n, w.n).unwrap();
        close(low, w.low, 1e-13, "low");
        close(high, w.high, 1e-13, "high");
    }
    assert_eq!(wilson(0.5, 0.0), None);
    for q in &goldens.t_quantiles {
        relative(t_quantile(q.df).unwrap(), q.t, 1e-10, &format!("t at {}", q.df));
    }
    assert_eq!(t_quantile(0.5), None);
}

#[test]
fn tests_of_means() {
    let goldens = goldens();
    assert!(goldens.t_tails.len() > 150 && goldens.welch.len() > 25);
    for t in &goldens.t_tails {
        relative(t_two_sided(t.t, t.df), t.p, 1e-8, &format!("t = {} at {}", t.t, t.df));
    }
    for w in &goldens.welch {
        let sample = |g: &Given| Sample { n: g.n, mean: g.mean, variance: g.variance };
        let p = welch(&sample(&w.a), &sample(&w.b)).unwrap();
        relative(p, w.p, 1e-8, &format!("{} and {} values", w.a.n, w.b.n));
    }
}

#[test]
fn tests_of_shares() {
    let goldens = goldens();
    assert!(goldens.shares.iter().any(|s| s.exact) && goldens.shares.iter().any(|s| !s.exact));
    for s in &goldens.shares {
        let what = format!("{} of {} and {} of {}", s.a, s.n, s.b, s.m);
        relative(same_share((s.a, s.n), (s.b, s.m)).unwrap(), s.p, 1e-8, &what);
        // Which side is which, and which answer is a hit, make no difference.
        relative(same_share((s.b, s.m), (s.a, s.n)).unwrap(), s.p, 1e-8, &what);
        relative(same_share((s.n - s.a, s.n), (s.m - s.b, s.m)).unwrap(), s.p, 1e-8, &what);
    }
    for h in &goldens.cohens_h {
        close(cohens_h(h.a, h.b), h.h, 1e-13, "h");
    }
}

#[test]
fn corrections_for_many_comparisons() {
    for list in goldens().benjamini_hochberg {
        for (found, q) in benjamini_hochberg(&list.p).iter().zip(&list.q) {
            close(*found, *q, 1e-14, "q");
        }
    }
}

#[test]
fn figures_of_numbers() {
    for m in goldens().means {
        let table = table(vec![numbers("x", m.x.clone())]);
        let weights = m.weights.map(|w| Weights::new(&w).unwrap());
        let members = Members::new(&vec![Some(0); m.x.len()], 1, weights.as_ref()).unwrap();
        // Running numbers are described only by name.
        let options = Options { columns: vec!["x".into()], ..Options::default() };
        let found = profile(&table, &members, &options, &Context::default()).unwrap();
        let figures = found.segments[0].numeric.get("x").unwrap();
        for (name, found, expected) in [
            ("mean", figures.mean, m.mean),
            ("sd", figures.sd, m.sd),
            ("low", figures.low, m.low),
            ("high", figures.high, m.high),
            ("q1", figures.q1, m.q1),
            ("median", figures.median, m.median),
            ("q3", figures.q3, m.q3),
        ] {
            relative(found.unwrap(), expected, 1e-9, &format!("{name} of {}", m.x.len()));
        }
    }
}
