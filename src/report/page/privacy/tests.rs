//! What must not be shown is not in the results that a page is made from.

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
    let compute = crate::analysis::Compute { device: crate::backend::Device::Cpu, ..Default::default() };
    let source = crate::analysis::Source::Table(Box::new(table));
    crate::analysis::run(&spec, source, &compute, &crate::analysis::Silent).unwrap().model.unwrap()
}

fn level(level: &str, overall: f64) -> Value {
    json!({"level": level, "share": overall, "overall": overall, "lift": 0.0, "low": 0.0, "high": 1.0})
}

/// Results about 1,000 rows with everything in them that names somebody. `report` are the wishes of the recipe.
fn document(report: &Value) -> Document {
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
    let text = json!({
        "version": "0.0.0", "command": "run", "rows": 1000, "features": ["x"], "seed": 0, "seconds": {"total": 1.0},
        "report": report,
        "profile": {"segments": [segment(0, 996, rule("Rareville")), segment(1, 4, rule("Bigtown"))],
                    "overall": {}, "separation": [], "comparisons": 4},
        "questions": [{"name": "Where?", "rows": 1000, "among": 1000, "share": 1.0, "figures": {}, "table": table, "list": list}],
        "migration": {"from": "/home/ada/old/model.json", "rows": [], "stayed": 0, "moved": 0, "share": 0.0, "moves": []},
    });
    Document::from_json(&text.to_string()).unwrap()
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
