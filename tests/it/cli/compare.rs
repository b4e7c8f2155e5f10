//! `segmenta compare`, and the comparisons of a recipe.

use super::Desk;
use serde_json::{Value, json};

/// A file of assignments: each row's id and segment.
fn file(rows: &[(&str, &str)]) -> String {
    let lines: String = rows.iter().map(|(id, segment)| format!("{id},{segment},assigned\n")).collect();
    format!("user_id,segment,status\n{lines}")
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.put(
        "a.csv",
        file(&[("1", "0"), ("2", "0"), ("3", "0"), ("4", "1"), ("5", "1"), ("6", "2"), ("7", "-1")]),
    );
    desk.put(
        "b.csv",
        file(&[("4", "1"), ("2", "1"), ("1", "0"), ("3", "0"), ("7", "2"), ("6", "-1"), ("9", "2")]),
    );
    desk
}

#[test]
fn who_stayed_moved_came_and_left() {
    let desk = desk();
    let (found, keys) = desk.run("compare a.csv b.csv --json -q").json();
    for key in "ari ami nmi homogeneity completeness v_measure table stayed moved came left".split(' ') {
        assert!(keys.contains(key), "{key}: {keys:?}");
    }
    assert_eq!(found["matched_by"], json!({ "id": ["user_id", "user_id"] }));
    assert_eq!(found["table"]["a"], json!(["0", "1", "2"]));
    assert_eq!(found["table"]["counts"], json!([[2, 1, 0], [0, 1, 0], [0, 0, 0]]));
    assert_eq!(found["table"]["column_shares"], json!([[1.0, 0.5, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.0]]));
    assert_eq!(found["counted_by"], "label");
    assert_eq!(found["stayed"], json!({ "rows": 3, "share": 0.75 }));
    let moves = json!([{ "from": "0", "to": "1", "rows": 1, "share": 0.25 }]);
    assert_eq!(found["moved"], json!({ "rows": 1, "share": 0.25, "moves": moves }));
    assert_eq!(found["came"], json!({ "rows": 2, "share": 2.0 / 6.0, "without_segment_before": 1 }));
    assert_eq!(found["left"], json!({ "rows": 2, "share": 2.0 / 6.0, "without_segment_now": 1 }));
    let said = desk.run("compare a.csv b.csv").quietly();
    for words in ["matched by the id column user_id", "stayed     3  75.0 %", "moved", "came", "left", "ARI"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn rows_add_up() {
    let desk = desk();
    let found = desk.run("compare a.csv b.csv --json -q").json().0;
    let rows = |key: &str| found[key]["rows"].as_u64().unwrap();
    let labelled = |side: &str| found[side]["labelled"].as_u64().unwrap();
    assert_eq!(rows("stayed") + rows("moved") + rows("left"), labelled("a"));
    assert_eq!(rows("stayed") + rows("moved") + rows("came"), labelled("b"));
}

#[test]
fn other_numbers_for_the_same_segments() {
    let desk = Desk::new();
    desk.put("a.csv", file(&[("1", "0"), ("2", "0"), ("3", "1"), ("4", "1"), ("5", "1")]));
    desk.put("b.csv", file(&[("5", "0"), ("4", "0"), ("3", "0"), ("2", "1"), ("1", "1")]));
    let found = desk.run("compare a.csv b.csv --json -q").json().0;
    assert_eq!((&found["ari"], &found["ami"], &found["v_measure"]), (&json!(1.0), &json!(1.0), &json!(1.0)));
    // The labels are the same, so they are taken at their word; the user hears that this may be wrong.
    assert_eq!((&found["counted_by"], &found["stayed"]["rows"]), (&json!("label"), &json!(0)));
    assert!(desk.run("compare a.csv b.csv").err.contains("--same overlap"));
    let found = desk.run("compare a.csv b.csv --json -q --same overlap").json().0;
    assert_eq!((&found["counted_by"], &found["stayed"]["rows"]), (&json!("overlap"), &json!(5)));
    assert_eq!(found["correspondence"][0], json!({ "a": "1", "b": "0", "rows": 3, "jaccard": 1.0 }));
    // Other labels can only be matched by their rows.
    desk.put("c.csv", "user_id,tier\n1,low\n2,low\n3,high\n4,high\n5,low\n");
    let found = desk.run("compare a.csv c.csv --json -q").json().0;
    assert_eq!((&found["counted_by"], &found["stayed"]["rows"]), (&json!("overlap"), &json!(4)));
    let said = desk.run("compare a.csv a.csv --json").json().0;
    assert_eq!((&said["stayed"]["rows"], &said["moved"]["moves"]), (&json!(5), &json!([])));
}

#[test]
fn files_of_any_kind() {
    let desk = desk();
    desk.put("labels.csv", "0\n0\n0\n1\n1\n2\n2\n");
    desk.put("other.csv", "cluster\n5\n5\n5\n7\n7\n7\n7\n");
    desk.put("crm.csv", "email;uid;plan;city\nx;4;gold;A\ny;1;free;B\nz;77;free;B\n");
    let found = desk.run("compare other.csv other.csv --json -q").json().0;
    assert_eq!((&found["matched_by"], &found["ari"]), (&json!("position"), &json!(1.0)));
    assert_eq!(found.get("stayed"), None);
    let said = desk.run("compare a.csv other.csv");
    assert!(said.code == Some(0) && said.err.contains("other.csv has no id column"), "{}", said.err);
    desk.run("compare labels.csv labels.csv --no-header -q").quietly();
    let found = desk.run("compare a.csv crm.csv --label-b plan --id-b uid --json -q").json().0;
    assert_eq!((&found["rows"], &found["came"]["rows"]), (&json!(2), &json!(1)));
    assert_eq!(found["table"]["b"], json!(["free", "gold"]));
}

#[test]
fn what_cannot_be_compared() {
    let desk = desk();
    desk.put("twice.csv", file(&[("1", "0"), ("2", "1"), ("1", "1")]));
    desk.put("others.csv", file(&[("x", "0"), ("y", "1")]));
    desk.put("none.csv", file(&[("1", "-1"), ("2", "-1")]));
    desk.put("apart.csv", file(&[("7", "0"), ("1", "-1")]));
    desk.put("short.csv", "segment\n1\n2\n");
    desk.put("many.csv", "user_id,a,b\n1,2,3\n");
    desk.fails("compare a.csv twice.csv", 3, &["twice.csv", "user_id", "\"1\"", "rows 1 and 3"]);
    desk.fails(
        "compare a.csv others.csv",
        3,
        &["others.csv", "none of the ids", "\"1\"", "a.csv", "\"x\"", "--id-a"],
    );
    desk.fails("compare a.csv none.csv", 3, &["none.csv", "no row has a segment", "segment"]);
    desk.fails("compare a.csv apart.csv", 3, &["a.csv", "apart.csv", "nothing to compare"]);
    desk.fails("compare a.csv short.csv", 3, &["short.csv: this file has 2 rows and a.csv has 7"]);
    desk.fails("compare a.csv many.csv", 3, &["many.csv", "user_id, a, b", "--label-b"]);
    desk.fails("compare a.csv b.csv --id-b user", 3, &["b.csv", "user_id"]);
    assert_eq!(desk.run("compare a.csv b.csv --id user_id --id-a user_id").code, Some(2));
    desk.put("one.csv", file(&[("1", "0"), ("2", "0"), ("4", "0")]));
    let said = desk.run("compare a.csv one.csv");
    assert!(said.err.contains("single segment in one.csv"), "{}", said.err);
    assert!(desk.run("compare one.csv one.csv").err.contains("say nothing"));
}

const RECIPE: &str = r#"
[input]
path = "t.csv"
id = "id"

[[column]]
name = "pay_band"
from = "pay"
steps = [{ cut = { at = [20], labels = ["low", "top"] } }]

[[compare]]
name = "rules"
columns = ["pay_band", "senior"]

[features]
columns = ["pay", "visits"]

[analysis]
k = 2
structure = false

[output]
folder = "out"
"#;

/// Two groups that differ in pay, and a column that has nothing to do with it. The last row has no value there.
fn pay_table() -> String {
    let row = |i: u32| {
        let (pay, visits) = if i < 30 { (10 + i % 5, i % 3) } else { (50 + i % 5, 40 + i % 3) };
        let senior = if i == 49 { "" } else { ["yes", "no"][(i % 2) as usize] };
        format!("{i},{pay},{visits},{senior},{}\n", 1 + i % 2)
    };
    format!("id,pay,visits,senior,w\n{}", (0..50).map(row).collect::<String>())
}

#[test]
fn segments_are_compared_with_rules() {
    let desk = Desk::new();
    desk.put("t.csv", pay_table());
    desk.put("r.toml", RECIPE);
    let said = desk.run("run r.toml --device cpu");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("rules: rows by segment") && said.out.contains("low / no"), "{}", said.out);
    let metrics: Value = serde_json::from_str(&desk.read("out/metrics.json")).unwrap();
    let found = &metrics["comparisons"][0];
    assert_eq!((&found["name"], &found["columns"]), (&json!("rules"), &json!(["pay_band", "senior"])));
    assert_eq!(found["table"]["a"], json!(["0", "1"]));
    assert_eq!(
        found["table"]["b"],
        json!(["low / no", "low / yes", "top / no", "top / yes", "top / missing"])
    );
    assert_eq!(found["table"]["counts"], json!([[15, 15, 0, 0, 0], [0, 0, 9, 10, 1]]));
    assert_eq!(found["table"]["row_shares"][0], json!([0.5, 0.5, 0.0, 0.0, 0.0]));
    assert_eq!(found["table"]["column_shares"][1], json!([0.0, 0.0, 1.0, 1.0, 1.0]));
    assert_eq!((&found["rows"], &found["homogeneity"]), (&json!(50), &json!(1.0)));
    assert!(found["completeness"].as_f64().unwrap() < 1.0);
    // Whole weights are numbers of rows: rows of odd numbers count twice.
    desk.put(
        "w.toml",
        RECIPE.replace("id = \"id\"", "id = \"id\"\nweight = \"w\"").replace("\"out\"", "\"w\""),
    );
    desk.run("run w.toml --device cpu -q").quietly();
    let metrics: Value = serde_json::from_str(&desk.read("w/metrics.json")).unwrap();
    assert_eq!(metrics["comparisons"][0]["table"]["counts"], json!([[30, 15, 0, 0, 0], [0, 0, 18, 10, 2]]));
}

#[test]
fn mistakes_in_comparisons() {
    let desk = Desk::new();
    desk.put("t.csv", pay_table());
    let with = |old: &str, new: &str| {
        desk.put("r.toml", RECIPE.replace(old, new));
        "run r.toml --device cpu -q"
    };
    desk.fails(with("columns = [\"pay_band\", \"senior\"]", ""), 3, &["compare[0]", "columns", "line"]);
    desk.fails(with("name = \"rules\"", "nam = 1"), 3, &["compare[0]", "nam"]);
    desk.fails(with("[\"pay_band\", \"senior\"]", "[]"), 3, &["compare[0].columns", "at least one"]);
    desk.fails(with("[\"pay_band\", \"senior\"]", "[\"w\", \"w\"]"), 3, &["compare[0].columns", "twice"]);
    desk.fails(with("\"senior\"]", "\"senoir\"]"), 3, &["t.csv", "senoir", "senior"]);
    let many: String = (0..150).map(|i| format!("{i},{},{},x\n", i % 7, 100 * (i % 2))).collect();
    desk.put("t.csv", format!("id,pay,visits,senior\n{many}"));
    desk.fails(with("\"senior\"]", "\"id\"]"), 3, &["\"rules\"", "column id", "150", "100", "cut"]);
}
