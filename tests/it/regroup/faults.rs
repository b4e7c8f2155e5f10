//! Merges and splits that cannot be done, and models that somebody damaged.

use super::{model_of, on_cpu, outcome, recipe, spec, table, text};
use crate::model::schema;
use segmenta::Error;
use segmenta::analysis::{Silent, Source, Spec, run};
use segmenta::model::Model;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[test]
fn faults_have_their_line() {
    let at = |analysis: &str| match Spec::parse("r.toml", &recipe(analysis), &BTreeMap::new()) {
        Err(Error::Recipe(faults)) => faults,
        other => panic!("{analysis}: {other:?}"),
    };
    for (analysis, key, words) in [
        ("merge = [[1]]", "analysis.merge[0]", "at least two"),
        ("merge = [1, 2]", "analysis.merge", "lists of segments"),
        ("merge = [[1, 1]]", "analysis.merge[0]", "twice"),
        ("merge = [[1, 2], [2, 3]]", "analysis.merge[1]", "in two merges"),
        ("merge = [[1, 2]]\nsplit = { segment = 2, k = 2 }", "analysis.split", "merged too"),
        (
            "split = [{ segment = 1, k = 2 }, { segment = 1, by = \"tier\" }]",
            "analysis.split[1]",
            "split twice",
        ),
        ("split = { segment = 1 }", "analysis.split", "either k"),
        ("split = { segment = 1, k = 2, by = \"tier\" }", "analysis.split", "either k"),
        ("split = { segment = 1, k = 1 }", "analysis.split.k", "from 2"),
        ("split = { segment = 1, k = 2, into = 3 }", "analysis.split.into", "unknown key"),
        ("split = { k = 2 }", "analysis.split.segment", "missing"),
    ] {
        let faults = at(analysis);
        assert_eq!(faults.len(), 1, "{analysis}: {faults:?}");
        assert!(faults[0].what.contains(words), "{analysis}: {}", faults[0].what);
        assert_eq!(faults[0].key, key, "{analysis}");
        let line = if analysis.contains("\nsplit") { 13 } else { 12 };
        assert_eq!(faults[0].line, line, "{analysis}");
    }
}

#[test]
fn what_the_table_or_the_fit_cannot_do_is_said() {
    let rows = table(&text(300));
    let level = "[[column]]\nname = \"many\"\nfrom = \"x\"\n";
    for (analysis, words) in [
        ("merge = [[1, 7]]", "there is no segment 7: the fit's segments are numbered 0 to 6"),
        ("split = { segment = 9, k = 2 }", "there is no segment 9"),
        ("merge = [[0, 1, 2, 3, 4, 5, 6]]", "merges all 7 segments into one"),
        ("split = { segment = 0, k = 2000 }", "distinct rows, too few for 2000 parts"),
        ("split = { segment = 0, by = \"tiers\" }", "did you mean tier"),
        ("split = { segment = 0, by = \"many\" }", "at most 50 parts"),
    ] {
        let spec = spec(&format!("{}\n{level}", recipe(analysis)));
        let error = run(&spec, Source::from(rows.clone()), &on_cpu(), &Silent).map(|_| ()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(words) && text.contains("r.toml, line 12"), "{analysis}: {text}");
    }
    // A column that has one value in the segment.
    let lines: String = text(300)
        .lines()
        .map(|l| format!("{l},{}\n", if l.starts_with("who") { "c" } else { "same" }))
        .collect();
    let spec = spec(&recipe("split = { segment = 0, by = \"c\" }"));
    let error = run(&spec, Source::from(table(&lines)), &on_cpu(), &Silent).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("is \"same\" in all of its rows"), "{error}");
}

#[test]
fn a_damaged_model_is_refused() {
    let rows = table(&text(300));
    let spec =
        spec(&recipe("merge = [[2, 5]]\nsplit = [{ segment = 0, k = 2 }, { segment = 1, by = \"tier\" }]"));
    let good = model_of(&outcome(&spec, &rows));
    let place = |key: &str| {
        let centroids = good["regrouped"]["centroids"].as_array().unwrap();
        let place = centroids.iter().position(|c| c.get(key).is_some()).unwrap();
        format!("/regrouped/centroids/{place}")
    };
    let damages: [(String, Value); 7] = [
        (format!("{}/segment", place("segment")), json!(99)),
        (format!("{}/nearest", place("nearest")), json!([])),
        (format!("{}/nearest/0/values", place("nearest")), json!([0.5])),
        (format!("{}/by/other", place("by")), json!(99)),
        (format!("{}/number", place("by")), json!(50)),
        ("/regrouped/centroids".into(), json!([])),
        ("/regrouped/segments/0/segment".into(), json!(40)),
    ];
    for (pointer, value) in damages {
        let mut damaged = good.clone();
        *damaged.pointer_mut(&pointer).unwrap() = value;
        let error = Model::from_json(&damaged.to_string()).unwrap_err().to_string();
        assert!(error.contains("do not fit together"), "{pointer}: {error}");
    }
    schema::damage_value(&good);
}
