//! What must not be shown is not in the results that a page is made from.

mod few;

use super::{Withheld, withhold};
use crate::model::Model;
use crate::report::json::Document;
use serde_json::{Value, json};

/// A model with two segments of one feature.
fn model() -> Model {
    let table = crate::table::Table {
        rows: 20,
        columns: vec![crate::table::Column {
            name: "x".into(),
            values: crate::table::Values::Number((0..20).map(|i| f64::from(i + 100 * (i % 2))).collect()),
        }],
        ..crate::table::Table::default()
    };
    let spec = crate::analysis::Spec {
        fit: Some(crate::analysis::Fit { k: Some(2), ..crate::analysis::Fit::default() }),
        structure: false,
        ..crate::analysis::Spec::default()
    };
    let compute = crate::analysis::Compute::default();
    let source = crate::analysis::Source::Table(Box::new(table));
    crate::analysis::run(&spec, source, &compute, &crate::analysis::Silent).unwrap().model.unwrap()
}

fn level(level: &str, overall: f64) -> Value {
    json!({"level": level, "share": overall, "overall": overall, "lift": 0.0, "low": 0.0, "high": 1.0})
}

/// Results about 1,000 rows with everything in them that names somebody. `report` are the wishes of the recipe.
fn document(report: &Value) -> Document {
    read(&results(report))
}

fn read(results: &Value) -> Document {
    Document::from_json(&results.to_string()).unwrap()
}

fn results(report: &Value) -> Value {
    let one = |column: &str, level: &str, overall: f64| {
        json!({"column": column, "level": level, "measure": "share", "value": 0.5, "overall": overall, "effect": 1.0,
               "low": 0.4, "high": 0.6, "q_value": 0.0})
    };
    let rule = |text: &str| {
        json!({"text": format!("town = {text}"), "coverage": 0.9, "precision": 0.9, "quality": "good",
               "tested": {"segment": 100.0, "met": 100.0, "both": 90.0},
               "conditions": [{"column": "town", "is": text}]})
    };
    let segment = |number: u32, size: u64, rule: Value| {
        json!({"segment": number, "size": size, "share": size as f64 / 1000.0, "description": "lives in Rareville",
               "traits": [one("town", "Rareville", 0.004), one("town", "Bigtown", 0.5)],
               "typical": ["id-4711", "id-4712"], "rule": rule,
               "numeric": {"pay": {"mean": 77.25, "sd": 1.0, "q1": 77.25, "median": 77.25, "q3": 77.25, "low": 77.0,
                                   "high": 78.0, "missing": 0}},
               "levels": {"town": [level("Bigtown", 0.5), level("Rareville", 0.004), level("ada@example.org", 0.3)]}})
    };
    let list = json!({"columns": ["name"], "rows": [["Ada Lovelace"]]});
    let table =
        json!({"columns": ["town", "count"], "rows": [["Bigtown", 500], ["Rareville", 4], ["Midville", 5]]});
    json!({
        "version": "0.0.0", "command": "run", "rows": 1000, "features": ["x"], "seed": 0, "seconds": {"total": 1.0},
        "report": report,
        "profile": {"segments": [segment(0, 990, rule("Rareville")), segment(1, 4, rule("Fewtown")),
                                 segment(2, 6, rule("Bigtown"))],
                    "overall": {}, "separation": [], "comparisons": 4},
        "questions": [{"name": "Where?", "rows": 1000, "among": 1000, "share": 1.0, "figures": {"count": 1000}, "table": table, "list": list}],
        "migration": {"from": "/home/ada/old/model.json", "rows": [], "stayed": 0, "moved": 0, "share": 0.0, "moves": []},
    })
}

fn shown(report: &Value) -> (String, Withheld) {
    let (document, withheld) = withhold(document(report), &model());
    (serde_json::to_string(&document).unwrap(), withheld)
}

#[test]
fn nobody_is_named() {
    let (text, withheld) = shown(&json!({}));
    for secret in ["Rareville", "ada@example.org", "id-4711", "Ada Lovelace", "/home/ada"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    for kept in ["Bigtown", "Midville", "town = Bigtown"] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    assert_eq!(withheld.lists, 1);
    assert!(withheld.rare > 0 && withheld.ids == 1, "{withheld:?}");
}

#[test]
fn small_segments_have_no_figures() {
    let (document, _) = withhold(document(&json!({})), &model());
    let segments = document.outcome.profile.unwrap().segments;
    assert_eq!(segments[0].numeric.get("pay").unwrap().mean, Some(77.25));
    assert_eq!(segments[1].numeric.get("pay").unwrap().mean, None);
    assert!(segments[1].traits.is_empty() && segments[1].levels.0.is_empty() && segments[1].rule.is_none());
    assert_eq!(segments[2].numeric.get("pay").unwrap().mean, Some(77.25));
}

#[test]
fn shares_are_of_the_rows_that_have_a_value() {
    let mut results = results(&json!({}));
    // 0.006 of 1,000 rows are 6, and of the 500 that have a town 3.
    for segment in results["profile"]["segments"].as_array_mut().unwrap() {
        segment["levels"]["town"][1] = level("Thinville", 0.006);
        segment["traits"][0]["level"] = "Thinville".into();
        segment["traits"][0]["overall"] = 0.006.into();
    }
    let shown = |results: &Value| {
        let (document, _) = withhold(read(results), &model());
        serde_json::to_string(&document.outcome.profile).unwrap().contains("Thinville")
    };
    assert!(shown(&results));
    results["profile"]["segments"][0]["missing"] = json!({"town": 500});
    assert!(!shown(&results));
}

#[test]
fn columns_that_few_rows_of_a_segment_have_a_value_in_have_no_figures() {
    let mut results = results(&json!({}));
    results["profile"]["segments"][0]["numeric"]["pay"]["missing"] = 988.into();
    let mean = json!({"column": "pay", "measure": "mean", "value": 77.25, "overall": 50.0, "effect": 3.0, "q_value": 0.0});
    results["profile"]["segments"][0]["traits"].as_array_mut().unwrap().push(mean);
    let (document, _) = withhold(read(&results), &model());
    let segment = &document.outcome.profile.unwrap().segments[0];
    let pay = segment.numeric.get("pay").unwrap();
    assert_eq!((pay.mean, pay.missing), (None, 988));
    assert!(segment.traits.iter().all(|one| one.column != "pay"), "{:?}", segment.traits);
}

/// What is left of a question's table.
fn asked(question: Value) -> crate::questions::Answer {
    let mut results = results(&json!({}));
    results["questions"] = json!([question]);
    withhold(read(&results), &model()).0.outcome.questions.remove(0)
}

#[test]
fn groups_of_unknown_size_are_left_out() {
    let question = |condition: Value| {
        let mut question = json!({
            "name": "Pay by town?", "rows": 1000, "among": 1000, "share": 1.0, "figures": {"mean": 50.0},
            "table": {"columns": ["town", "mean"], "rows": [["Bigtown", 51.0], ["Rareville", 77.25], ["Nowhere", 12.5]]},
        });
        if !condition.is_null() {
            question["where"] = condition;
        }
        question
    };
    let all = asked(question(Value::Null)).table;
    assert_eq!((all.rows.len(), all.small, all.keys), (1, 2, 1));
    // How many rows of a town meet the condition is not known.
    assert_eq!(asked(question("age > 90".into())).table.rows.len(), 0);
}

#[test]
fn a_difference_does_not_tell_the_figures_of_a_small_group() {
    let question = |rows: u32| {
        json!({
            "name": "Pay?", "rows": 1000, "among": 1000, "share": 1.0, "figures": {"count": 1000, "mean": 50.0},
            "table": {"columns": ["group", "count", "mean"],
                      "rows": [["mail = \"ada@example.org\"", rows, 60.0], ["the others", 1000 - rows, 50.0]]},
            "difference": {"mean": 10.0},
        })
    };
    let large = asked(question(5));
    assert!(large.difference.is_some() && large.table.rows.len() == 2);
    let text = serde_json::to_string(&large).unwrap();
    assert!(text.contains("ada@example.org"), "the recipe's own words stay: {text}");
    assert!(asked(question(4)).difference.is_none());
}

#[test]
fn segments_in_which_nobody_meets_a_condition_stay() {
    let table = json!({"columns": ["segment", "count", "share", "rate"],
                       "rows": [[0, 996, 0.996, 1.0], [1, 4, 0.004, 1.0], [2, 0, 0.0, 0.0]]});
    let found = asked(
        json!({"name": "Who?", "rows": 1000, "among": 1000, "share": 1.0, "figures": {}, "table": table}),
    );
    let left: Vec<_> = found.table.rows.iter().map(|line| line[0].clone()).collect();
    assert_eq!(left, [crate::questions::Cell::Count(0), crate::questions::Cell::Count(2)]);
    assert_eq!(found.table.keys, 1);
}

#[test]
fn columns_of_codes_are_found_wherever_they_are() {
    let codes = [
        "vqxosrgmvr",
        "bxwqgogen",
        "wgszxkvzn",
        "vbvkgztr",
        "zgnvrxwvmrt",
        "ntwyzgrgsxto",
        "xzgrtojo",
        "hzxntvrny",
    ];
    let rows: Vec<Value> = codes.iter().map(|code| json!([code, 100])).collect();
    let found = asked(
        json!({"name": "Which?", "rows": 1000, "among": 1000, "share": 1.0, "figures": {"count": 1000},
                             "table": {"columns": ["company", "count"], "rows": rows}}),
    );
    let text = serde_json::to_string(&found).unwrap();
    assert!(codes.iter().all(|code| !text.contains(code)), "{text}");
    assert_eq!(found.table.rows.len(), codes.len());
}

#[test]
fn folders_are_not_named() {
    let mut results = results(&json!({}));
    results["source"] = json!({"table": "users.csv", "again": "segmenta fit /home/ada/users.csv --k 2"});
    let (document, _) = withhold(read(&results), &model());
    assert_eq!(document.outcome.source.unwrap().again.as_deref(), Some("segmenta fit users.csv --k 2"));
}

#[test]
fn shares_of_what_is_put_together_add_up() {
    let (document, _) = withhold(document(&json!({})), &model());
    let segments = document.outcome.profile.unwrap().segments;
    let levels = segments[0].levels.get("town").unwrap();
    let names: Vec<&str> = levels.iter().map(|level| level.level.as_str()).collect();
    assert_eq!(names, ["Bigtown", crate::profile::OTHER]);
    assert!((levels[1].overall - 0.304).abs() < 1e-12, "{levels:?}");
}

#[test]
fn a_recipe_may_show_all_of_it() {
    let (text, withheld) = shown(&json!({"min_rows": 1, "show": ["town"], "rows": true, "ids": true}));
    for kept in ["Rareville", "ada@example.org", "id-4711", "Ada Lovelace", "Bigtown"] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    assert_eq!(withheld, Withheld::default());
}
