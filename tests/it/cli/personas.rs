//! `[[persona]]` and `[[alias]]` from the recipe to the results, and that a refit keeps them.

use super::Desk;
use crate::model::schema;
use segmenta::analysis::Spec;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A recipe for `t.csv` with three segments and these sections.
fn recipe(more: &str) -> String {
    format!("[input]\npath = \"t.csv\"\n\n[analysis]\nk = 3\n\n{more}")
}

const PERSONAS: &str = r##"
[names]
2 = "Old"

[[persona]]
segment = 0
name = "Young"
colour = "#2A9D8F"
summary = "Short experience, \"low\" pay."
actions = ["Offer a mentor.", "Suggest a course."]

[[persona]]
segment = 2
summary = "Long experience."
"##;

/// What the results say of each segment's persona.
fn personas(document: &Value) -> Vec<Value> {
    document["segments"].as_array().unwrap().iter().map(|s| s["persona"].clone()).collect()
}

#[test]
fn personas_are_in_the_results_and_survive_a_refit() {
    let desk = Desk::with_table();
    desk.put("r.toml", recipe(PERSONAS));
    desk.put("plain.toml", recipe(""));
    desk.run("run r.toml --device cpu -q --out out").quietly();
    desk.run("run plain.toml --device cpu -q --out plain").quietly();
    let metrics: Value = serde_json::from_str(&desk.read("out/metrics.json")).unwrap();
    let first = json!({
        "colour": "#2a9d8f",
        "summary": "Short experience, \"low\" pay.",
        "actions": ["Offer a mentor.", "Suggest a course."],
    });
    let last = json!({ "summary": "Long experience." });
    assert_eq!(personas(&metrics), [first.clone(), Value::Null, last.clone()]);
    assert_eq!(metrics["segments"][0]["name"], "Young");
    assert_eq!(metrics["segments"][2]["name"], "Old");
    schema::check(&desk.read("out/model.json"));
    // What people say changes nothing that is computed, and not the name of the run.
    let plain: Value = serde_json::from_str(&desk.read("plain/metrics.json")).unwrap();
    assert_eq!((&metrics["run"], &metrics["inertia"]), (&plain["run"], &plain["inertia"]));

    // A refit without the recipe keeps all; one with a recipe replaces what it mentions.
    let refit = desk.run("fit t.csv --init out/model.json --device cpu --json -q --out refit").json().0;
    assert_eq!(personas(&refit), [first.clone(), Value::Null, last]);
    assert_eq!(refit["segments"][0]["name"], "Young");
    desk.put("new.toml", "[input]\npath = \"t.csv\"\n\n[[persona]]\nsegment = 2\ncolour = \"#000000\"\n");
    let new = desk.run("run new.toml --init out/model.json --device cpu --json -q --out new").json().0;
    assert_eq!(personas(&new), [first, Value::Null, json!({ "colour": "#000000" })]);
    assert_eq!(new["segments"][2]["name"], "Old", "a persona without a name leaves the name");

    // Names are changed in the file, and personas stay.
    let before = desk.read("out/model.json");
    desk.run("name out/model.json 0=Fresh -q").quietly();
    assert_eq!(desk.read("out/model.json"), before.replace("\"Young\"", "\"Fresh\""));
}

#[test]
fn a_persona_of_a_segment_that_there_is_not_is_said() {
    let desk = Desk::with_table();
    let text = "[input]\npath = \"t.csv\"\n\n[[persona]]\nsegment = 7\ncolour = \"#000000\"\n";
    desk.put("r.toml", text);
    let said = desk.run("run r.toml --k 3 --device cpu --out out");
    assert!(said.code == Some(0) && said.err.contains("persona for segment 7"), "{}", said.err);
    assert!(said.err.contains("numbered 0 to 2"), "{}", said.err);
}

#[test]
fn faults_are_said_with_their_line() {
    let fault = |text: &str| match Spec::parse("r.toml", text, &BTreeMap::new()) {
        Err(e) => e.to_string(),
        Ok(spec) => panic!("{text}\n{:?}", spec.personas),
    };
    let one = |keys: &str| fault(&format!("[[persona]]\n{keys}\n"));
    for (keys, line, words) in [
        ("segment = 0\ncolour = \"teal\"", 3, "persona[0].colour: expected a colour such as \"#2a9d8f\""),
        ("segment = 0\ncolour = 7", 3, "expected a text in quotes, found 7"),
        ("segment = -1\nname = \"A\"", 2, "persona[0].segment: expected a whole number"),
        ("segment = 0", 1, "expected at least one of name, colour, summary, actions"),
        ("name = \"A\"", 1, "persona[0].segment: missing"),
        ("segment = 0\nname = \" \"", 3, "expected a name, found nothing"),
        ("segment = 0\nsummary = \"\"", 3, "expected a text, found nothing"),
        ("segment = 0\nsummary = \"a\\nb\"", 3, "expected one line of text"),
        ("segment = 0\nactions = [\"Do.\", \"\"]", 3, "persona[0].actions[1]: expected a text"),
        ("segment = 0\nactions = \"Do.\"", 3, "expected a list"),
        ("segment = 0\nname = \"A\"\ncolor = \"#000000\"", 4, "did you mean colour?"),
        (
            "segment = 0\nname = \"A\"\n[[persona]]\nsegment = 0\nname = \"B\"",
            5,
            "two personas, the first on line 1",
        ),
    ] {
        let said = one(keys);
        assert!(said.starts_with(&format!("r.toml, line {line}:")) && said.contains(words), "{keys}\n{said}");
    }
    let both = fault("[names]\n1 = \"A\"\n\n[[persona]]\nsegment = 1\nname = \"B\"\n");
    assert!(both.starts_with("r.toml, line 6:") && both.contains("under [names] too"), "{both}");
    let beyond = fault("[analysis]\nk = 3\n\n[[persona]]\nsegment = 3\nname = \"B\"\n");
    assert!(beyond.starts_with("r.toml, line 5:") && beyond.contains("numbered 0 to 2"), "{beyond}");
}

/// The hashes of companies are in the model, so that a company keeps its alias, and a refit from the model does so.
#[test]
fn aliases_are_kept_in_the_model() {
    let desk = Desk::new();
    let rows: String =
        (0..60).map(|i| format!("{},{}\n", i * i % 37, ["h1", "h2", "h2", "h3"][i % 4])).collect();
    desk.put("t.csv", format!("pay,company\n{rows}"));
    let alias =
        "[features]\ncolumns = [\"pay\"]\n\n[[alias]]\ncolumn = \"company\"\nnames = \"Company {A..B}\"\n";
    desk.put("r.toml", recipe(alias));
    desk.run("run r.toml --device cpu -q --out out").quietly();
    let text = desk.read("out/model.json");
    schema::check(&text);
    let aliases = |text: &str| serde_json::from_str::<Value>(text).unwrap()["aliases"].clone();
    let expected = json!([{
        "column": "company",
        "names": { "h1": "Company B", "h2": "Company A" },
        "other": "Company B+",
    }]);
    assert_eq!(aliases(&text), expected);
    // The next table has other companies in front.
    let rows: String =
        (0..60).map(|i| format!("{},{}\n", i * i % 37, ["h1", "h3", "h3", "h3"][i % 4])).collect();
    desk.put("t.csv", format!("pay,company\n{rows}"));
    desk.run("run r.toml --init out/model.json --device cpu -q --out next").quietly();
    assert_eq!(aliases(&desk.read("next/model.json")), expected);
    desk.run("fit t.csv --features pay --init out/model.json --device cpu -q --out fit").quietly();
    assert_eq!(aliases(&desk.read("fit/model.json")), expected);
    // A company that the recipe calls wrongly is a fault of the recipe, before anything is written.
    desk.put("wrong.toml", recipe(&alias.replace("\"company\"", "\"firm\"")));
    desk.fails("run wrong.toml --device cpu --out wrong", 3, &["wrong.toml", "alias[0].column", "\"firm\""]);
}
