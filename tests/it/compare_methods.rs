//! Several clustering methods on the same rows.

use segmenta::analysis::{Compute, MethodsCompared, Outcome, Silent, Source, Spec, run};
use segmenta::cluster::Method;
use segmenta::report::methods;
use segmenta::table::{ReadOptions, Table, read_bytes};
use std::collections::BTreeMap;

/// 90 rows: three groups that lie in a line, the last one stretched so that its units matter.
fn table() -> Table {
    let mut text = String::from("user,x,y\n");
    for i in 0..90 {
        let group = i % 3;
        let x = 10 * group + i * 7 % 5;
        let y = 1000 * (i % 2) + i * 11 % 17;
        text.push_str(&format!("u{i},{x},{y}\n"));
    }
    let options = ReadOptions { id: Some("user".into()), ..ReadOptions::default() };
    read_bytes("t.csv", text.into_bytes(), &options).unwrap()
}

fn recipe(more: &str) -> Spec {
    let text =
        format!("[input]\npath = \"t.csv\"\nid = \"user\"\n[analysis]\nk = 3\nstructure = false\n{more}");
    Spec::parse("r.toml", &text, &BTreeMap::new()).unwrap_or_else(|e| panic!("{e}"))
}

fn outcome(spec: &Spec) -> Outcome {
    run(spec, Source::from(table()), &Compute::default(), &Silent).unwrap_or_else(|e| panic!("{e}"))
}

fn compared(more: &str) -> MethodsCompared {
    outcome(&recipe(more)).compare_methods.unwrap()
}

/// The adjusted Rand index by looking at every pair of rows.
fn ari(a: &[Option<i32>], b: &[Option<i32>]) -> f64 {
    let (mut both, mut in_a, mut in_b, mut all) = (0f64, 0f64, 0f64, 0f64);
    for i in 0..a.len() {
        for j in 0..i {
            all += 1.0;
            in_a += f64::from(u8::from(a[i] == a[j]));
            in_b += f64::from(u8::from(b[i] == b[j]));
            both += f64::from(u8::from(a[i] == a[j] && b[i] == b[j]));
        }
    }
    let expected = in_a * in_b / all;
    (both - expected) / ((in_a + in_b) / 2.0 - expected)
}

#[test]
fn methods_stand_side_by_side_with_the_fit_first() {
    let more = "[[compare_method]]\nmethod = \"kmeans\"\nk = 5\nname = \"five\"\nprofile = true\n\
                [[compare_method]]\nmethod = \"kmeans\"\nname = \"raw\"\nscale = \"none\"\n";
    let spec = recipe(more);
    let found = outcome(&spec);
    let own: Vec<Option<i32>> =
        found.labelled.as_ref().unwrap().rows.iter().map(|row| row.map(|row| row.segment as i32)).collect();
    let MethodsCompared { methods, ari: pairs } = found.compare_methods.as_ref().unwrap();
    assert_eq!(methods.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["KMeans", "five", "raw"]);
    assert_eq!(methods.iter().map(|m| m.segments).collect::<Vec<_>>(), [3, 5, 3]);
    assert_eq!(methods[0].rows, own);
    for (i, a) in methods.iter().enumerate() {
        assert_eq!(a.sizes.iter().sum::<u64>() + a.noise, 90);
        for (j, b) in methods.iter().enumerate() {
            let naive = if i == j { 1.0 } else { ari(&a.rows, &b.rows) };
            assert!((pairs[i][j].unwrap() - naive).abs() < 1e-9);
        }
    }
    assert_eq!(methods[1].profile.as_ref().unwrap().segments.len(), 5);
    assert!(methods[0].profile.is_none() && methods[2].profile.is_none());

    // Each is what a fit of its own would be.
    let alone = |k: usize, scale: &str| {
        let text = format!("[features]\ncolumns = [\"x\", \"y\"]\nscale = {scale:?}\n");
        let mut spec = recipe(&text);
        spec.fit.as_mut().unwrap().k = Some(k);
        spec.fit.as_mut().unwrap().silhouette = true;
        outcome(&spec)
    };
    let five = alone(5, "standard");
    let rows = |of: &Outcome| -> Vec<Option<i32>> {
        of.labelled.as_ref().unwrap().rows.iter().map(|row| row.map(|row| row.segment as i32)).collect()
    };
    assert_eq!(methods[1].rows, rows(&five));
    assert!((methods[1].silhouette.unwrap() - five.silhouette.unwrap()).abs() < 1e-9);
    assert_eq!(ari(&methods[2].rows, &rows(&alone(3, "none"))), 1.0);
    assert!(ari(&methods[2].rows, &methods[0].rows) < 0.9, "units matter here");

    let mut csv = Vec::new();
    let ids = found.labelled.as_ref().unwrap().ids.as_ref();
    methods::write(found.compare_methods.as_ref().unwrap(), ids, &mut csv).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("user,KMeans,five,raw"));
    let cell = |of: usize| methods[of].rows[0].unwrap();
    assert_eq!(lines.next().unwrap(), format!("u0,{},{},{}", cell(0), cell(1), cell(2)));
    assert_eq!(csv.lines().count(), 91);
}

#[test]
fn a_method_that_fails_gets_a_note_and_the_others_go_on() {
    let more = "[[compare_method]]\nmethod = \"kmeans\"\nname = \"other\"\n";
    let mut spec = recipe(more);
    spec.fit.as_mut().unwrap().k = None;
    // The sweep chooses a k, which the other method takes over.
    let found = compared(more);
    assert_eq!(found.methods[1].segments, found.methods[0].segments);
    assert!((found.ari[0][1].unwrap() - 1.0).abs() < 1e-12);
}

#[test]
fn mistakes_in_the_recipe_have_their_place() {
    let faults = |more: &str| {
        let text = format!("[input]\npath = \"t.csv\"\n{more}");
        Spec::parse("r.toml", &text, &BTreeMap::new()).unwrap_err().to_string()
    };
    let none = faults("[[compare_method]]\nk = 3\n");
    assert!(none.contains("line 3") && none.contains("compare_method[0].method"), "{none}");
    let twice = faults("[[compare_method]]\nmethod = \"kmeans\"\n[[compare_method]]\nmethod = \"kmeans\"\n");
    assert!(twice.contains("two methods are called \"kmeans\""), "{twice}");
    let unknown = faults("[[compare_method]]\nmethod = \"median\"\n");
    assert!(Method::NAMES.iter().all(|name| unknown.contains(name)), "{unknown}");
    let key = faults("[[compare_method]]\nmethod = \"kmeans\"\nkk = 3\n");
    assert!(key.contains("line 5") && key.contains("kk"), "{key}");
}
