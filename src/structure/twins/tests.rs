#![allow(clippy::single_range_in_vec_init)]

use super::*;
use crate::random::Stream;

fn stream() -> Stream {
    Draws::new(5, Purpose::SynthTable).at(0)
}

/// Pearson's correlation.
fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let (ma, mb) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let covariance: f64 = a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)).sum();
    let square = |v: &[f64], m: f64| v.iter().map(|v| (v - m) * (v - m)).sum::<f64>();
    covariance / (square(a, ma) * square(b, mb)).sqrt()
}

/// The mean of some figure over ten twins.
fn mean(twins: &Twins<'_>, figure: impl Fn(&Columns) -> f64) -> f64 {
    (0..10).map(|t| figure(&twins.twin(t))).sum::<f64>() / 10.0
}

/// A normal column, a second that depends on it, an answer of 0 or 1, a count, and a one-hot block of three categories, all of
/// which depend on the first.
fn mixed(n: usize) -> Columns {
    let mut s = stream();
    let mut columns = vec![Vec::new(); 7];
    for _ in 0..n {
        let x = s.normal();
        columns[0].push(x);
        columns[1].push(0.6 * x + 0.8 * s.normal());
        columns[2].push(f64::from(u8::from(x + s.normal() > 0.8)));
        columns[3].push((2.0 + x + s.normal()).round().clamp(0.0, 6.0));
        let category = if x + 0.7 * s.normal() > 0.5 { 0 } else { 1 + usize::from(s.uniform() < 0.25) };
        (0..3).for_each(|c| columns[4 + c].push(f64::from(u8::from(c == category))));
    }
    columns
}

#[test]
fn twins_have_the_correlations_of_the_table() {
    let columns = mixed(1500);
    let twins = Twins::new(&columns, &[4..7], 1);
    for i in 0..7 {
        for j in 0..i {
            if i > 3 && j > 3 {
                continue;
            }
            let wanted = pearson(&columns[i], &columns[j]);
            let got = mean(&twins, |t| pearson(&t[i], &t[j]));
            assert!((got - wanted).abs() < 0.04, "columns {j} and {i}: {got:.3} instead of {wanted:.3}");
        }
    }
}

#[test]
fn discrete_columns_keep_their_values_and_blocks_stay_one_hot() {
    let columns = mixed(900);
    let twins = Twins::new(&columns, &[4..7], 1);
    let twin = twins.twin(3);
    for j in [2, 3] {
        let sorted = |column: &[f64]| {
            let mut out = column.to_vec();
            out.sort_unstable_by(f64::total_cmp);
            out
        };
        assert_eq!(sorted(&twin[j]), sorted(&columns[j]));
    }
    assert!((0..900).all(|i| twin[4][i] + twin[5][i] + twin[6][i] == 1.0));
    for j in 4..7 {
        let share = |column: &[f64]| column.iter().sum::<f64>() / 900.0;
        let got = mean(&twins, |t| share(&t[j]));
        assert!((got - share(&columns[j])).abs() < 0.02, "{got} instead of {}", share(&columns[j]));
    }
}

#[test]
fn a_row_may_have_no_category() {
    let mut columns = mixed(900);
    let last = columns.pop().unwrap();
    let twins = Twins::new(&columns, &[4..6], 1);
    let none = mean(&twins, |t| (0..900).filter(|&i| t[4][i] + t[5][i] == 0.0).count() as f64);
    assert!((none - last.iter().sum::<f64>()).abs() < 25.0, "{none}");
    assert!((0..900).all(|i| twins.twin(0)[4][i] + twins.twin(0)[5][i] <= 1.0));
}

#[test]
fn permuted_tables_have_the_same_rows_in_each_column_and_block() {
    let columns = mixed(400);
    let twins = Twins::new(&columns, &[4..7], 1);
    let permuted = twins.permuted(2);
    for j in 0..7 {
        let mut both = [columns[j].clone(), permuted[j].clone()];
        both.iter_mut().for_each(|c| c.sort_unstable_by(f64::total_cmp));
        assert!(both[0] == both[1] && columns[j] != permuted[j]);
    }
    assert!((0..400).all(|i| permuted[4][i] + permuted[5][i] + permuted[6][i] == 1.0));
    let r = (0..10).map(|t| twins.permuted(t)).map(|t| pearson(&t[0], &t[1])).sum::<f64>() / 10.0;
    assert!(r.abs() < 0.06, "{r}");
    assert_ne!(twins.permuted(0)[0], twins.permuted(1)[0]);
    assert_eq!(twins.permuted(1), twins.permuted(1));
}

#[test]
fn offsets_give_the_shares() {
    let shares = [0.5, 0.0, 0.3, 0.15, 0.05];
    let offsets = offsets(&shares);
    let mut s = stream();
    let mut wins = [0; 5];
    for _ in 0..40_000 {
        let drawn: Vec<f64> = offsets.iter().map(|o| o + s.normal()).collect();
        wins[(0..5).max_by(|&a, &b| drawn[a].total_cmp(&drawn[b])).unwrap()] += 1;
    }
    for (win, share) in wins.into_iter().zip(shares) {
        assert!((f64::from(win) / 40_000.0 - share).abs() < 0.01, "{wins:?}");
    }
}
