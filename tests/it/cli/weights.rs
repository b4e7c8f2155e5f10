//! Weights and rows that repeat, as a user meets them.

use super::{Desk, Said};
use serde_json::Value;

/// Two groups and a few rows between them; `weight(i)` is the weight of row i.
fn table(weight: impl Fn(usize) -> String) -> String {
    let mut text = String::from("id,x,y,w\n");
    for i in 0..90 {
        let (x, y) = (i * 7 % 13 + i % 2 * 40, i * 11 % 17 + i % 2 * 9);
        text.push_str(&format!("{i},{x},{y}.5,{}\n", weight(i)));
    }
    text
}

fn whole(i: usize) -> usize {
    i * 5 % 6
}

/// `table(whole)` with each row as often as its weight says.
fn written_out() -> String {
    let text = table(|_| "1".into());
    let mut lines = text.lines();
    let mut out = format!("{}\n", lines.next().unwrap());
    for (i, line) in lines.enumerate() {
        out.push_str(&format!("{line}\n").repeat(whole(i)));
    }
    out
}

fn fit(desk: &Desk, file: &str, out: &str, more: &str) -> Value {
    let line =
        format!("fit {file} --id id --features x,y --k 3 --n-init 5 --device cpu --json --out {out} {more}");
    desk.run(&line).json().0
}

/// The segment of each id.
fn segments(desk: &Desk, out: &str) -> std::collections::BTreeMap<String, String> {
    let text = desk.read(&format!("{out}/assignments.csv"));
    text.lines()
        .skip(1)
        .map(|l| l.split(',').collect::<Vec<_>>())
        .map(|c| (c[0].into(), c[1].into()))
        .collect()
}

#[test]
fn a_weight_is_a_number_of_copies_from_end_to_end() {
    let desk = Desk::new();
    desk.put("weighted.csv", table(|i| whole(i).to_string()));
    desk.put("copies.csv", written_out());
    for scale in ["standard", "robust", "minmax", "none"] {
        let more = format!("--scale {scale} --silhouette");
        let a = fit(&desk, "weighted.csv", &format!("a-{scale}"), &format!("--weight w {more}"));
        let b = fit(&desk, "copies.csv", &format!("b-{scale}"), &more);
        let close = |key: &str, within: f64| {
            let (a, b) = (a[key].as_f64().unwrap(), b[key].as_f64().unwrap());
            assert!((a - b).abs() <= within * b.abs(), "{scale}, {key}: {a} and {b}");
        };
        close("inertia", 1e-12);
        close("silhouette", 1e-4);
        let (one, all) = (segments(&desk, &format!("a-{scale}")), segments(&desk, &format!("b-{scale}")));
        assert_eq!(one.len(), 90, "rows of weight 0 are labelled too");
        assert!(all.iter().all(|(id, segment)| one[id] == *segment), "{scale}");
        for (a, b) in a["segments"].as_array().unwrap().iter().zip(b["segments"].as_array().unwrap()) {
            assert_eq!(a["weight"].as_f64(), b["size"].as_f64(), "{scale}");
            let (share, expected) = (a["share"].as_f64().unwrap(), b["share"].as_f64().unwrap());
            assert!((share - expected).abs() < 1e-12);
        }
    }
    assert_eq!(fit(&desk, "weighted.csv", "c", "--weight w")["weightless"], 15);
}

#[test]
fn a_constant_factor_changes_no_segment() {
    let desk = Desk::new();
    desk.put("1.csv", table(|i| whole(i).to_string()));
    desk.put("2.csv", table(|i| (whole(i) as f64 * 0.037).to_string()));
    let (a, b) = (fit(&desk, "1.csv", "a", "--weight w"), fit(&desk, "2.csv", "b", "--weight w"));
    assert_eq!(segments(&desk, "a"), segments(&desk, "b"));
    let (a, b) = (a["inertia"].as_f64().unwrap() * 0.037, b["inertia"].as_f64().unwrap());
    assert!((a - b).abs() < 1e-9 * a, "{a} {b}");
}

#[test]
fn a_row_of_weight_0_teaches_nothing() {
    let desk = Desk::new();
    let plain = table(|_| "2".into());
    desk.put("plain.csv", &plain);
    desk.put("far.csv", format!("{plain}far,1e9,-1e9,0\n"));
    fit(&desk, "plain.csv", "a", "--weight w");
    fit(&desk, "far.csv", "b", "--weight w");
    assert_eq!(desk.read("a/model.json"), desk.read("b/model.json"));
    let (a, mut b) = (segments(&desk, "a"), segments(&desk, "b"));
    assert!(b.remove("far").is_some_and(|segment| segment != "-1"));
    assert_eq!(a, b);
}

#[test]
fn the_table_of_a_weighted_fit_has_not_drifted() {
    let desk = Desk::new();
    desk.put("t.csv", table(|i| whole(i).to_string()));
    fit(&desk, "t.csv", "a", "--weight w");
    let (drift, _) = desk.run("drift a/model.json t.csv --json").json();
    assert_eq!(drift["segments_psi"].as_f64(), Some(0.0), "{drift}");
    assert!(
        drift["columns"].as_array().unwrap().iter().all(|c| c["psi"].as_f64().unwrap() < 1e-12),
        "{drift}"
    );
    desk.put("u.csv", table(|i| whole(i).to_string()).replace(",w\n", ",v\n"));
    let Said { err, .. } = desk.run("drift a/model.json u.csv");
    assert!(err.contains("weights") && err.contains("every row counts once"), "{err}");
}

#[test]
fn weights_that_cannot_be_used() {
    let desk = Desk::new();
    desk.put("negative.csv", table(|i| if i == 4 { "-1".into() } else { "1".into() }));
    desk.put("missing.csv", table(|i| if i == 4 { String::new() } else { "1".into() }));
    desk.put(
        "apart.csv",
        table(|i| format!("{}", if i == 4 { 1e9 + 0.1 } else { 1.37e-9 + 1e-15 * i as f64 })),
    );
    desk.put("zero.csv", table(|_| "0".into()));
    for (file, words) in [
        ("negative.csv", &["row 5", "column w", "-1"][..]),
        ("missing.csv", &["row 5", "column w", "found nothing"]),
        ("apart.csv", &["row 5", "column w", "7.", "e17", "row 1"]),
        ("zero.csv", &["column w", "all weights are zero"]),
    ] {
        desk.fails(&format!("fit {file} --id id --features x,y --weight w --k 2 --out out -q"), 3, words);
    }
}

#[test]
fn rows_that_repeat_give_what_they_give_one_by_one() {
    let desk = Desk::new();
    let once = table(|_| "1".into());
    let mut lines = once.lines();
    let header = lines.next().unwrap();
    let rows: Vec<&str> = lines.collect();
    // Scattered copies: the third of each row comes last.
    let copies: Vec<&str> = rows.iter().flat_map(|row| [*row; 2]).chain(rows.iter().copied()).collect();
    desk.put("all.csv", format!("{header}\n{}\n", copies.join("\n")));
    desk.put("w.csv", table(|_| "3".into()));
    let line = "--features x,y --k 4 --n-init 5 --silhouette --device cpu --json";
    let (all, _) = desk.run(&format!("fit all.csv {line} --out a")).json();
    let (one, _) = desk.run(&format!("fit w.csv --weight w {line} --out b")).json();
    assert_eq!((all["distinct_rows"].as_u64(), all["rows"].as_u64()), (Some(90), Some(270)));
    for (a, b) in all["segments"].as_array().unwrap().iter().zip(one["segments"].as_array().unwrap()) {
        assert_eq!(
            (&a["centroid"], &a["size"]),
            (&b["centroid"], &serde_json::json!(b["weight"].as_f64().unwrap() as u64))
        );
    }
    let close =
        |a: &Value, b: &Value| (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-9 * a.as_f64().unwrap();
    assert!(close(&all["inertia"], &one["inertia"]) && close(&all["silhouette"], &one["silhouette"]));
    let said = desk.run("fit all.csv --features x,y --k 4 --out c");
    assert!(said.err.contains("270 rows, but only 90 distinct rows"), "{}", said.err);
    assert_eq!(desk.read("c/assignments.csv").lines().count(), 271);
}
