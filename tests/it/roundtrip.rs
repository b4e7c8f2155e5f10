//! `metrics.json` is read back into what it was written from, whatever was run.

use segmenta::analysis::{Compute, Outcome, Silent, Source, Spec, run};
use segmenta::report::json::Document;
use segmenta::table::{ReadOptions, Table, read_bytes};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

fn spec(text: &str) -> Spec {
    Spec::parse("r.toml", text, &BTreeMap::new()).unwrap_or_else(|e| panic!("{text}\n{e}"))
}

/// Reads the document of an outcome, writes it again, and compares the two.
fn comes_back(what: &str, outcome: &Outcome) {
    let written = Document::new("run", outcome, None).to_json();
    let read = Document::from_json(&written).unwrap_or_else(|e| panic!("{what}: {e}"));
    let again = serde_json::to_value(&read).unwrap();
    let value: Value = serde_json::from_str(&written).unwrap();
    for (key, one) in value.as_object().unwrap() {
        assert_eq!(Some(one), again.get(key), "{what}: {key}");
    }
    assert_eq!(value, again, "{what}");
}

fn outcome(what: &str, spec: &Spec, source: Source) -> Outcome {
    run(spec, source, &Compute::default(), &Silent).unwrap_or_else(|e| panic!("{what}: {e}"))
}

/// Three groups of users, with a category, a flag, texts that are missing, and a column that is the same everywhere.
fn users() -> Table {
    let mut text = String::from("user,x,y,kind,active,same,weight\n");
    for i in 0..90 {
        let group = i % 3;
        let (x, y) = (10 * group + i * 7 % 5, 30 - 10 * group + i * 11 % 4);
        let kind = ["a", "b", ""][(i / 3) % 3];
        text.push_str(&format!("u{i},{x}.5,{y},{kind},{},1,{}\n", i % 2 == 0, 1 + i % 2));
    }
    let options = ReadOptions { id: Some("user".into()), ..ReadOptions::default() };
    read_bytes("users.csv", text.into_bytes(), &options).unwrap()
}

const FEATURES: &str = "[input]\nid = \"user\"\n[features]\ncolumns = [\"x\", \"y\"]\n";

#[test]
fn every_method_comes_back() {
    let methods = [
        "method = \"kmeans\"\nk = 3\nsilhouette = true",
        "method = \"gmm\"\nk = 3",
        "method = \"ward\"\nk = 3",
        "method = \"complete\"\nk = 3",
        "method = \"average\"\nk = 3",
        "method = \"dbscan\"\neps = 0.6\nmin_samples = 4",
        "method = \"affinity\"",
        "sweep = \"2..5\"\ntendency = true",
        "method = \"gmm\"\nsweep = \"2..4\"",
        "method = \"kmeans\"\nk = 1",
    ];
    for method in methods {
        let text = format!("{FEATURES}[analysis]\n{method}\n");
        comes_back(method, &outcome(method, &spec(&text), users().into()));
    }
}

#[test]
fn everything_beside_the_fit_comes_back() {
    let parts = [
        "[stability]\nsamples = 4\n",
        "[describe]\n",
        "[[compare]]\nname = \"kinds\"\ncolumns = [\"kind\"]\n",
        "[[compare_method]]\nmethod = \"ward\"\nk = 3\n",
        "[profile]\ncolumns = [\"*\"]\ntypical = 3\nlifts = 4\n",
        "[report]\ntitle = \"Ours\"\nmin_rows = 9\nshow = [\"kind\"]\nids = true\n",
        "[[persona]]\nsegment = 0\nname = \"First\"\nsummary = \"Many.\"\nactions = [\"Ask them\"]\n",
        "[[reduce]]\nname = \"pc\"\ncolumns = [\"x\", \"y\"]\nmethod = \"pca\"\ncomponents = 2\n",
    ];
    for part in parts {
        let text = format!("{FEATURES}[analysis]\nk = 3\n{part}");
        let spec = Spec::parse("r.toml", &text, &BTreeMap::new()).unwrap_or_else(|e| panic!("{part}{e}"));
        comes_back(part, &outcome(part, &spec, users().into()));
    }
}

#[test]
fn a_refit_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = spec(&format!("{FEATURES}[analysis]\nk = 3\n"));
    let first = outcome("first", &spec, users().into());
    let path = folder.path().join("model.json");
    std::fs::write(&path, first.model.unwrap().to_json()).unwrap();
    let fit = spec.fit.as_mut().unwrap();
    (fit.k, fit.init) = (None, Some(path));
    let again = outcome("refit", &spec, users().into());
    assert!(again.migration.is_some(), "the refit says who moved");
    comes_back("refit", &again);
}

/// On fewer rows than published.
#[test]
fn the_recipes_come_back() {
    for (name, rows) in [("learners", 1_500), ("enthusiasts", 400), ("first_day", 1_500)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("recipes/{name}.toml"));
        let mut spec = Spec::read(&path, &BTreeMap::new()).unwrap_or_else(|e| panic!("{e}"));
        spec.input.rows = Some(rows);
        let found = outcome(name, &spec, Source::Spec);
        let source = found.source.as_ref().unwrap();
        assert_eq!(source.table, format!("synth {}", name.replace('_', "-")));
        assert_eq!(source.recipe, Some(format!("{name}.toml")));
        assert_eq!(source.recipe_text, Some(std::fs::read_to_string(&path).unwrap()));
        comes_back(name, &found);
    }
}
