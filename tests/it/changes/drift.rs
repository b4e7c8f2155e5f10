//! Which way columns and segments went, and that chance is no change.

use super::noise;
use crate::cli::Desk;
use segmenta::evidence::shift;
use serde_json::json;

/// A table in which `ones` of `rows` are of the first of two kinds, apart from each other in every column.
fn halves(rows: usize, ones: usize) -> String {
    let mut text = String::from("x,text,flag\n");
    for i in 0..rows {
        let one = i < ones;
        let x = if one { 100 } else { 0 } + noise(i + rows) % 20;
        text.push_str(&format!("{x},{},{one}\n", if one { "in" } else { "out" }));
    }
    text
}

#[test]
fn a_share_that_grew_by_13_points_is_not_stable() {
    let desk = Desk::new();
    desk.put("fit.csv", halves(1000, 300));
    desk.run("fit fit.csv --features x --k 2 --device cpu --no-structure -q --out a").quietly();
    desk.run("fit fit.csv --features x,text,flag --k 2 --device cpu --no-structure -q --out all").quietly();
    desk.put("grown.csv", halves(1000, 430));
    let (found, _) = desk.run("drift all/model.json grown.csv --device cpu -q --json").json();
    assert_eq!((&found["segments_change"], &found["change"]), (&"major".into(), &"major".into()), "{found}");
    assert!(found["segments_psi"].as_f64().unwrap() < 0.1, "the index alone calls it stable");
    let verdict = found["verdict"].as_str().unwrap();
    assert!(verdict.contains("grew by 13.0 points (30.0 % -> 43.0 %)"), "{verdict}");
    let column = |name: &str| {
        let columns = found["columns"].as_array().unwrap();
        columns.iter().find(|c| c["column"] == name).unwrap().clone()
    };
    for name in ["x", "text", "flag"] {
        let points = column(name)["points"].as_f64().unwrap();
        assert!((points - 13.0).abs() < 1.5, "{name}: {points}");
        assert_eq!(column(name)["change"], "major", "{name}");
    }
    let text = column("text");
    assert_eq!(text["grew"], json!({ "level": "in", "share": 0.43, "fitted_share": 0.3 }));
    assert_eq!(text["shrank"], json!({ "level": "out", "share": 0.57, "fitted_share": 0.7 }));
    assert_eq!(
        (&column("flag")["true_share"], &column("flag")["fitted_true_share"]),
        (&0.43.into(), &0.3.into())
    );
    let median = |rows: usize, ones: usize| {
        let text = halves(rows, ones);
        let mut x: Vec<f64> =
            text.lines().skip(1).map(|l| l.split(',').next().unwrap().parse().unwrap()).collect();
        x.sort_by(f64::total_cmp);
        (x[rows / 2 - 1] + x[rows / 2]) / 2.0
    };
    // Nobody lies between 19 and 100.
    let at_most = &column("x")["at_most"];
    let edge = at_most["value"].as_f64().unwrap();
    for (key, ones) in [("fitted_share", 300), ("share", 430)] {
        let text = halves(1000, ones);
        let x = text.lines().skip(1).map(|l| l.split(',').next().unwrap().parse::<f64>().unwrap());
        let below = x.filter(|x| *x <= edge).count() as f64 / 1000.0;
        assert!((at_most[key].as_f64().unwrap() - below).abs() < 1e-12, "{at_most}, {below}");
    }
    assert_eq!(column("x")["fitted_median"].as_f64(), Some(median(1000, 300)));
    assert_eq!(column("x")["median"].as_f64(), Some(median(1000, 430)));
    let said = desk.run("drift all/model.json grown.csv --device cpu -q");
    for words in ["There is a major change.", "in 30.0 % -> 43.0 %", "true 30.0 % -> 43.0 %", "+13.0"] {
        assert!(said.out.contains(words), "no {words:?}: {}", said.out);
    }

    // The same 13 points in a few rows are chance, and 4 points in many are too few to matter.
    desk.put("few.csv", halves(30, 13));
    let (few, _) = desk.run("drift a/model.json few.csv --device cpu -q --json").json();
    assert_eq!((&few["change"], &few["segments_change"]), (&"chance".into(), &"chance".into()), "{few}");
    let said = desk.run("drift a/model.json few.csv --device cpu -q").out;
    assert!(said.contains("No change that counts") && said.contains("within chance"), "{said}");
    desk.put("little.csv", halves(1000, 340));
    assert_eq!(desk.run("drift a/model.json little.csv --device cpu -q --json").json().0["change"], "stable");

    // The gate counts points, beyond chance.
    let gate = |table: &str, most: &str| {
        let line =
            format!("drift all/model.json {table} --device cpu -q --strict --max-psi 99 --max-shift {most}");
        desk.run(&line)
    };
    let said = gate("grown.csv", "12.9");
    assert_eq!(said.code, Some(4), "{}", said.err);
    for words in ["moved by more than 12.9 points", "text by 13.0", "segment 1 by +13.0"] {
        assert!(said.err.contains(words), "{}", said.err);
    }
    assert_eq!(gate("grown.csv", "14.5").code, Some(0));
    assert_eq!(gate("few.csv", "1").code, Some(0), "so few rows say nothing");
    assert_eq!(gate("grown.csv", "-1").code, Some(2));
}

/// Tables drawn from one and the same distribution are hardly ever said to have changed.
#[test]
fn chance_is_not_a_change() {
    let rows = |salt: usize, n: usize| -> [f64; 5] {
        let mut bins = [0.0; 5];
        (0..n).for_each(|i| bins[noise(i * 13 + salt * 100_003) % 1000 * 5 / 1000] += 1.0 / n as f64);
        bins
    };
    let alarms = |n: usize, level: f64| {
        let p = |salt: usize| shift::p_value((&rows(salt, n), n as f64), (&rows(salt + 1, n), n as f64));
        (0..2000).step_by(2).filter(|&salt| p(salt) < level).count()
    };
    // Of a thousand pairs of tables about a tenth is below 0.1: within four standard errors.
    for n in [60, 300] {
        let found = alarms(n, 0.1);
        assert!((62..=138).contains(&found), "{n} rows: {found}");
    }
    // By hand: 30 of 100 and 43 of 100 give (30 - 36.5)^2 / 36.5 * 2 + (70 - 63.5)^2 / 63.5 * 2 = 3.646, which one degree
    // of freedom exceeds with the probability that a normal number exceeds 1.9094 either way.
    let p = shift::p_value((&[0.3, 0.7], 100.0), (&[0.43, 0.57], 100.0));
    assert!((p - 0.056_21).abs() < 2e-5, "{p}");
    assert_eq!(shift::p_value((&[0.3, 0.7], 100.0), (&[0.3, 0.7], 10.0)), 1.0);
    assert_eq!(shift::p_value((&[1.0], 5.0), (&[1.0], 5.0)), 1.0);
    assert_eq!(shift::ordered(&[0.25, 0.5, 0.25], &[0.25, 0.25, 0.5]), Some((1, -0.25)));
    assert_eq!(shift::ordered(&[], &[]), None);
    assert_eq!(shift::largest(&[0.5, 0.5], &[0.25, 0.5, 0.25]), Some((0, -0.25)));
    assert_eq!(shift::largest(&[], &[]), None);
}
