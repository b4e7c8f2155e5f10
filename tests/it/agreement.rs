//! Agreement of two labellings, against scikit-learn and SciPy (tests/peers/agreement.py) and against plain counting.

use segmenta::evidence::agreement::{Agreement, Contingency};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Goldens {
    classics: Vec<Classic>,
    random: Vec<Case>,
    assignments: Vec<Matched>,
}

#[derive(Deserialize)]
struct Scores {
    ari: f64,
    ami: f64,
    nmi: f64,
    homogeneity: f64,
    completeness: f64,
    v_measure: f64,
}

#[derive(Deserialize)]
struct Classic {
    name: String,
    a: String,
    b: String,
    scores: Scores,
}

#[derive(Deserialize)]
struct Case {
    seed: u64,
    rows: usize,
    k_a: u64,
    k_b: u64,
    agree: u64,
    skewed: bool,
    distinct_a: bool,
    distinct_b: bool,
    scores: Scores,
}

#[derive(Deserialize)]
struct Matched {
    seed: u64,
    k_a: usize,
    k_b: usize,
    total: u64,
    pairs: Vec<(u32, u32)>,
}

fn goldens() -> Goldens {
    serde_json::from_str(include_str!("../peers/agreement.json")).unwrap()
}

/// splitmix64, as the script has it.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

fn draw(hash: u64, k: u64, skewed: bool) -> u64 {
    let u = hash & 0xF_FFFF;
    if skewed { (k * u * u) >> 40 } else { (k * u) >> 20 }
}

type Labelling = Vec<Option<u32>>;

fn labelling(case: &Case) -> (Labelling, Labelling) {
    let row = |i: u64| {
        let (one, two) = (mix((case.seed << 32) + 2 * i), mix((case.seed << 32) + 2 * i + 1));
        let a = if case.distinct_a { i } else { draw(one, case.k_a, case.skewed) };
        let b = match () {
            () if case.distinct_b => i,
            () if (two >> 40) % 100 < case.agree => a * 7 % case.k_b,
            () => draw(two, case.k_b, case.skewed),
        };
        (Some(a as u32), Some(b as u32))
    };
    (0..case.rows as u64).map(row).unzip()
}

fn shape(a: &Labelling, b: &Labelling) -> (usize, usize) {
    let k = |of: &Labelling| of.iter().flatten().max().map_or(0, |&label| label as usize + 1);
    (k(a), k(b))
}

fn table(a: &Labelling, b: &Labelling) -> Contingency {
    Contingency::of(a, b, shape(a, b))
}

fn close(what: &str, found: &Agreement, expected: &Scores) {
    for (score, found, expected) in [
        ("ARI", found.ari, expected.ari),
        ("AMI", found.ami, expected.ami),
        ("NMI", found.nmi, expected.nmi),
        ("homogeneity", found.homogeneity, expected.homogeneity),
        ("completeness", found.completeness, expected.completeness),
        ("V-measure", found.v_measure, expected.v_measure),
    ] {
        assert!((found - expected).abs() < 1e-9, "{what}: {score} is {found}, not {expected}");
    }
}

#[test]
fn scores_are_those_of_scikit_learn() {
    let Goldens { classics, random, .. } = goldens();
    assert!(classics.len() == 4 && random.len() > 20);
    for case in classics {
        let labels = |text: &str| text.chars().map(|c| c.to_digit(10)).collect::<Labelling>();
        close(&case.name, &Agreement::of(&table(&labels(&case.a), &labels(&case.b))), &case.scores);
    }
    for case in random {
        let (a, b) = labelling(&case);
        let what = format!("random {}", case.seed);
        close(&what, &Agreement::of(&table(&a, &b)), &case.scores);
        // The same with the two exchanged.
        let swapped = Agreement::of(&table(&b, &a));
        let Scores { ari, ami, nmi, homogeneity, completeness, v_measure } = case.scores;
        let (homogeneity, completeness) = (completeness, homogeneity);
        close(&what, &swapped, &Scores { ari, ami, nmi, homogeneity, completeness, v_measure });
    }
}

#[test]
fn segments_correspond_as_in_scipy() {
    for case in goldens().assignments {
        let Matched { seed, k_a, k_b, total, pairs } = case;
        let count = |a: usize, b: usize| mix((seed << 32) + (a * k_b + b) as u64) % 100_000;
        let cells = k_a * k_b;
        let counted = Contingency::weighted((k_a, k_b), cells, |i| {
            Some(((i / k_b) as u32, (i % k_b) as u32, count(i / k_b, i % k_b)))
        });
        let counted = counted.unwrap();
        let a_of = counted.matched().unwrap();
        let found: Vec<(u32, u32)> = (0..).zip(&a_of).filter_map(|(b, a)| Some(((*a)?, b))).collect();
        assert_eq!(found, pairs, "{k_a} x {k_b}");
        assert_eq!(found.iter().map(|&(a, b)| counted.get(a, b)).sum::<u64>(), total);
    }
    // In a square table each label has a counterpart, even without a row in common.
    let apart = Contingency::of(&[Some(0), Some(0)], &[Some(1), Some(1)], (2, 2));
    assert_eq!(apart.matched().unwrap(), [Some(1), Some(0)]);
    assert_eq!(Contingency::of(&[], &[], (0, 3)).matched().unwrap(), [None; 3]);
}

/// Every pair of rows on its own: how often the two labellings agree that they are together or apart, against what is
/// expected of random labellings of the same sizes.
fn rand_by_pairs(a: &Labelling, b: &Labelling) -> f64 {
    let rows: Vec<(u32, u32)> = a.iter().zip(b).filter_map(|(a, b)| Some(((*a)?, (*b)?))).collect();
    let (mut both, mut in_a, mut in_b, mut all) = (0.0, 0.0, 0.0, 0.0);
    for (i, x) in rows.iter().enumerate() {
        for y in &rows[..i] {
            let (same_a, same_b) = (x.0 == y.0, x.1 == y.1);
            all += 1.0;
            in_a += f64::from(same_a);
            in_b += f64::from(same_b);
            both += f64::from(same_a && same_b);
        }
    }
    let expected = in_a * in_b / all;
    (both - expected) / ((in_a + in_b) / 2.0 - expected)
}

#[test]
fn rows_without_a_label_are_left_out() {
    let rows = 400u64;
    let label = |i: u64, k: u64| Some((mix(i) % (k + 1)) as u32).filter(|&label| u64::from(label) < k);
    let a: Labelling = (0..rows).map(|i| label(i, 5)).collect();
    let b: Labelling = (0..rows).map(|i| if i % 3 == 0 { label(i + 1000, 4) } else { label(i, 5) }).collect();
    assert!(a.contains(&None) && b.contains(&None));
    let found = Agreement::of(&table(&a, &b));
    assert!((found.ari - rand_by_pairs(&a, &b)).abs() < 1e-12);
    let both = |row: usize| a[row].is_some() && b[row].is_some();
    let [only_a, only_b] =
        [&a, &b].map(|of| (0..rows as usize).filter(|&row| both(row)).map(|row| of[row]).collect::<Vec<_>>());
    assert_eq!(found, Agreement::of(&table(&only_a, &only_b)));
}

#[test]
fn labellings_that_leave_nothing_to_tell() {
    let of = |a: &[u32], b: &[u32]| {
        let [a, b] = [a, b].map(|labels| labels.iter().copied().map(Some).collect::<Labelling>());
        let found = Agreement::of(&table(&a, &b));
        [found.ari, found.ami, found.nmi, found.homogeneity, found.completeness, found.v_measure]
    };
    assert_eq!(of(&[], &[]), [1.0; 6]);
    assert_eq!(of(&[0], &[0]), [1.0; 6]);
    assert_eq!(of(&[0, 0, 0], &[3, 3, 3]), [1.0; 6]);
    assert_eq!(of(&[0, 1, 2], &[2, 0, 1]), [1.0; 6]);
    assert_eq!(of(&[0, 0, 1, 1, 2], &[4, 4, 0, 0, 1]), [1.0; 6]);
    assert_eq!(of(&[0, 0, 0, 0], &[0, 1, 2, 3]), [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    // Two labels in every row are no agreement at all: worse than chance for the adjusted scores.
    let crossed = of(&[0, 0, 1, 1], &[0, 1, 0, 1]);
    assert!(crossed[0] < 0.0 && crossed[1] < 0.0 && crossed[2..] == [0.0; 4], "{crossed:?}");
}

/// A hundred million rows and more are within reach, because only the counts matter.
#[test]
fn scores_of_very_many_rows() {
    // Ten groups of ten million, of which a tenth is in the next group of the other labelling.
    let weighted = |scale: u64| {
        Contingency::weighted((10, 10), 20, |i| {
            let (a, next) = ((i / 2) as u32, i % 2 == 1);
            Some((a, if next { (a + 1) % 10 } else { a }, if next { scale } else { 9 * scale }))
        })
        .unwrap()
    };
    let found = Agreement::of(&weighted(1_000_000));
    // As for a few rows of the same shares, but for the correction, which is some 1e-7 here.
    let shared = libm::log(10.0) + 0.9 * libm::log(0.9) + 0.1 * libm::log(0.1);
    assert!((found.nmi - shared / libm::log(10.0)).abs() < 1e-12, "{}", found.nmi);
    let chance = 81.0 / (2.0 * 1e8);
    assert!((found.ami - (shared - chance) / (libm::log(10.0) - chance)).abs() < 1e-10, "{}", found.ami);
    // 82 % of the pairs in a group stay together, and a tenth would by chance.
    assert!((found.ari - (0.82 - 0.1) / 0.9).abs() < 1e-6, "{}", found.ari);
    // Beyond 2^32 rows.
    let more = Agreement::of(&weighted(1_000_000_000));
    assert!((more.ari - (0.82 - 0.1) / 0.9).abs() < 1e-8, "{}", more.ari);
    assert!(Contingency::weighted((1, 1), 3, |_| Some((0, 0, 1 << 52))).is_err());
}

#[test]
fn counts_do_not_depend_on_threads() {
    // Few pairs of labels, which are counted in a table for each thread, and many, which are sorted.
    for (k_a, k_b) in [(6, 5), (700, 900), (30_000, 30_000)] {
        let rows = 60_000;
        let of = |salt: u64, k: u64| -> Labelling {
            (0..rows).map(|i| Some((mix(i ^ salt) % (k + 2)) as u32).filter(|&l| u64::from(l) < k)).collect()
        };
        let (a, b) = (of(1 << 40, k_a), of(1 << 41, k_b));
        let mut naive: BTreeMap<(u32, u32), u64> = BTreeMap::new();
        for (a, b) in a.iter().zip(&b) {
            if let (Some(a), Some(b)) = (a, b) {
                *naive.entry((*a, *b)).or_insert(0) += 1;
            }
        }
        let mut scores: Vec<Agreement> = Vec::new();
        for threads in [1, 2, 3, 8, 16] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let (counted, found) = pool.install(|| {
                let counted = Contingency::of(&a, &b, (k_a as usize, k_b as usize));
                let found = Agreement::of(&counted);
                (counted, found)
            });
            let cells: Vec<((u32, u32), u64)> =
                counted.cells().iter().map(|cell| ((cell.a, cell.b), cell.count)).collect();
            assert_eq!(cells, naive.clone().into_iter().collect::<Vec<_>>(), "{threads} threads");
            assert_eq!(counted.total(), naive.values().sum::<u64>());
            scores.push(found);
        }
        let bits = |a: &Agreement| {
            [a.ari, a.ami, a.nmi, a.homogeneity, a.completeness, a.v_measure].map(f64::to_bits)
        };
        assert!(scores.iter().all(|score| bits(score) == bits(&scores[0])), "{scores:?}");
    }
}
