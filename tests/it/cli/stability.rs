//! `segmenta stability`, the flags of a fit that do the same, and `[stability]` in a recipe.

use super::Desk;
use segmenta::analysis::{Spec, Stability};
use segmenta::error::{Error, Fault};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn words(words: &str) -> BTreeSet<&str> {
    words.split_whitespace().collect()
}

#[test]
fn a_fit_and_a_saved_model_say_the_same() {
    let desk = Desk::with_table();
    let fit = "fit t.csv --k 3 --drop plan --device cpu --out out -q --bootstrap 6 --cohort plan";
    let text = desk.run(fit).quietly();
    for part in
        ["6 bootstrap samples of the rows", "10 restarts", "highly stable", "100.0 %", "each plan fitted"]
    {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let metrics: Value = serde_json::from_str(&desk.read("out/metrics.json")).unwrap();
    let found = &metrics["stability"];
    assert_eq!(keys(found), words("samples n_init segments cohort cohorts"));
    assert_eq!(keys(&found["segments"][0]), words("segment jaccard recovered dissolved reading"));
    assert_eq!(keys(&found["cohorts"][0]), words("cohort rows agreement ari segments"));
    assert_eq!(keys(&found["cohorts"][0]["segments"][0]), words("segment share moved features"));
    assert_eq!(
        keys(&found["cohorts"][0]["segments"][0]["features"][0]),
        words("feature whole cohort"),
        "in the table's own units"
    );
    assert!(metrics["seconds"]["stability"].is_f64());
    let names: Vec<&str> =
        found["cohorts"].as_array().unwrap().iter().map(|c| c["cohort"].as_str().unwrap()).collect();
    assert_eq!(names, ["free", "pro", "team"]);

    let verb = "stability out/model.json t.csv --device cpu --samples 6 --cohort plan";
    let (again, top) = desk.run(&format!("{verb} --json")).json();
    assert_eq!(again["stability"], *found, "the verb finds what the fit found");
    let expected = "version command run rows excluded k stability warnings device seconds";
    assert_eq!(top, words(expected).into_iter().map(String::from).collect());
    let told = desk.run(&format!("{verb} -q")).quietly();
    assert!(text.contains(&told), "{told}\nis not a part of\n{text}");
    let other = desk.run("stability out/model.json t.csv --device cpu --samples 6 --seed 9 --json").json().0;
    assert_eq!(keys(&other["stability"]), words("samples n_init segments cohorts"));
}

#[test]
fn a_cohort_column_that_is_a_feature_does_not_count_as_a_move() {
    let desk = Desk::with_table();
    let text = desk.run("fit t.csv --k 2 --device cpu --out out -q --cohort plan").quietly();
    assert!(text.contains("plan is a feature too"), "{text}");
    assert!(!text.contains("bootstrap samples"), "no samples were asked for\n{text}");
    let metrics: Value = serde_json::from_str(&desk.read("out/metrics.json")).unwrap();
    let found = &metrics["stability"];
    assert_eq!(found["cohort_is_feature"], true);
    let features =
        found["cohorts"].as_array().unwrap().iter().flat_map(|c| c["segments"].as_array().unwrap());
    let mut seen = 0;
    for feature in features.flat_map(|s| s["features"].as_array().unwrap()) {
        assert!(!feature["feature"].as_str().unwrap().starts_with("plan"), "{feature}");
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn mistakes_are_one_clear_line() {
    let desk = Desk::with_model();
    for (line, code, words) in [
        ("stability m.json t.csv --samples 0", 2, &["--samples 0", "--cohort"][..]),
        ("stability m.json t.csv --samples 2 --cohort week", 3, &["t.csv", "\"week\"", "cohorts"]),
        ("fit t.csv --k 3 --out o --device cpu --no-structure -q --cohort week", 3, &["t.csv", "\"week\""]),
    ] {
        desk.fails(line, code, words);
    }
    desk.fails(
        "fit t.csv --k 3 --id user_id --out o --device cpu --no-structure -q --cohort user_id",
        3,
        &["id column", "differs in each row"],
    );
}

fn parse(text: &str) -> Result<Spec, Vec<Fault>> {
    Spec::parse("r.toml", text, &BTreeMap::new()).map_err(|e| match e {
        Error::Recipe(faults) => faults,
        other => panic!("{other}"),
    })
}

#[test]
fn a_recipe_asks_for_it_too() {
    let asked = |text: &str| parse(text).unwrap().stability;
    assert_eq!(asked("[analysis]\nk = 3\n"), None);
    assert_eq!(asked("[stability]\n"), Some(Stability::default()));
    let all = "[stability]\nsamples = 0\nn_init = 5\ncohort = \"week\"\n";
    assert_eq!(asked(all), Some(Stability { samples: 0, n_init: 5, cohort: Some("week".into()) }));
    for (text, line, key, word) in [
        ("[stability]\nsample = 3\n", 2, "stability.sample", "samples"),
        ("[stability]\nsamples = -3\n", 2, "stability.samples", "0"),
        ("[stability]\nn_init = 0\n", 2, "stability.n_init", "1"),
        ("[stability]\ncohort = 3\n", 2, "stability.cohort", "text"),
        ("[stability]\nsamples = 0\n", 1, "stability", "cohort"),
    ] {
        let faults = parse(text).unwrap_err();
        assert_eq!(faults.len(), 1, "{text}{faults:?}");
        let fault = &faults[0];
        assert_eq!((fault.line, fault.key.as_str()), (line, key), "{fault}");
        assert!(fault.to_string().contains(word), "{fault}");
    }
}
