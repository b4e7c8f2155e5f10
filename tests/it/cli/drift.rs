//! `segmenta drift`, and what `assign` says of rows that are not like those of the fit.

use super::{Desk, Said, learners};
use crate::model::schema;
use serde_json::Value;
use std::collections::BTreeSet;

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The table with every spend three times as high.
fn moved() -> String {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let spend = cells[2].parse::<f64>().unwrap() * 3.0;
        format!("{},{},{spend},{},{}", cells[0], cells[1], cells[3], cells[4])
    };
    let table = learners();
    let (header, rows) = table.split_once('\n').unwrap();
    let rows: Vec<String> = rows.lines().map(row).collect();
    format!("{header}\n{}\n", rows.join("\n"))
}

#[test]
fn the_rows_of_the_fit_have_not_drifted() {
    let desk = Desk::with_model();
    let said = desk.run("drift m.json t.csv --device cpu --strict --max-psi 0");
    assert_eq!(said.code, Some(0), "{}", said.err);
    for word in ["column", "PSI", "spend", "stable", "segment", "points", "median", "95 %"] {
        assert!(said.out.contains(word), "no {word}: {}", said.out);
    }
    assert!(!said.out.contains("major") && said.out.contains("+0.0  stable\n"), "{}", said.out);
    assert!(said.err.contains("chance alone"), "sixty rows: {}", said.err);

    let (found, _) = desk.run("drift m.json t.csv --device cpu -q --json").json();
    let expected = "version command rows excluded k change verdict columns segments segments_psi segments_change distances warnings \
                    device seconds";
    assert_eq!(keys(&found), expected.split_whitespace().collect());
    assert_eq!((&found["command"], &found["rows"], &found["k"]), (&"drift".into(), &60.into(), &3.into()));
    let columns = found["columns"].as_array().unwrap();
    assert_eq!(columns.len(), 4);
    assert!(columns.iter().all(|c| c["psi"] == 0.0 && c["change"] == "stable"), "{columns:?}");
    let own = ["column", "psi", "change", "points", "p_value", "missing", "fitted_missing"];
    for column in columns {
        let direction: &[&str] = match column["column"].as_str().unwrap() {
            "plan" => &["grew", "shrank"],
            "active" => &["true_share", "fitted_true_share"],
            _ => &["median", "fitted_median", "at_most"],
        };
        assert_eq!(keys(column), own.iter().chain(direction).copied().collect());
    }
    assert_eq!(found["segments_psi"], 0.0);
    let segment = &found["segments"][0];
    assert_eq!(
        keys(segment),
        BTreeSet::from(["segment", "size", "share", "fitted_share", "difference", "p_value", "change"])
    );
    let d = &found["distances"];
    assert_eq!((&d["median"], &d["p95"]), (&d["fitted_median"], &d["fitted_p95"]));
    assert_eq!(desk.names("."), ["m.json", "t.csv"], "it writes nothing");
}

#[test]
fn a_moved_column_is_named() {
    let desk = Desk::with_model();
    desk.put("new.csv", moved().replace("team", "school"));
    let (found, _) = desk.run("drift m.json new.csv --device cpu -q --json --id user_id").json();
    let names: Vec<&str> = found["columns"].as_array().unwrap()[..2]
        .iter()
        .map(|c| {
            assert!(c["psi"].as_f64().unwrap() > 0.25 && c["change"] == "major", "{c}");
            c["column"].as_str().unwrap()
        })
        .collect();
    assert_eq!(names.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from(["plan", "spend"]));
    let quiet = |said: Said| {
        assert!(said.out.contains("major"), "{}", said.out);
        Said { out: String::new(), ..said }
    };
    let line = "drift m.json new.csv --device cpu -q --strict";
    let said = quiet(desk.run(line));
    desk.one_clear_line(line, &said, 4, &["spend", "plan", "PSI is above 0.25"]);
    assert!(!said.err.contains("age") && !said.err.contains("active"), "{}", said.err);
    assert_eq!(desk.run(&format!("{line} --max-psi 99")).code, Some(0));
    assert_eq!(desk.run("drift m.json new.csv --device cpu -q").code, Some(0), "without --strict");
    // All rows of one segment.
    let table = learners();
    let (header, rows) = table.split_once('\n').unwrap();
    let first = rows.lines().next().unwrap();
    desk.put("one.csv", format!("{header}\n{}", format!("{first}\n").repeat(60)));
    let line = "drift m.json one.csv --device cpu -q --strict";
    desk.one_clear_line(line, &quiet(desk.run(line)), 4, &["the segments' shares"]);

    let said = desk.run("assign m.json new.csv --device cpu --labels -");
    let largest = "above the fit's largest 209.5";
    assert!(said.err.contains("spend: ") && said.err.contains(largest), "{}", said.err);
    let (found, _) = desk.run("assign m.json new.csv --device cpu -q --json --out out").json();
    let warnings = found["warnings"].to_string();
    assert!(warnings.contains("\\\"school\\\"") && warnings.contains(largest), "{warnings}");
}

#[test]
fn what_cannot_be_compared() {
    let desk = Desk::with_model();
    let mut old: Value = serde_json::from_str(&desk.read("m.json")).unwrap();
    old.as_object_mut().unwrap().remove("reference").unwrap();
    desk.put("old.json", old.to_string());
    desk.fails("drift old.json t.csv --device cpu", 3, &["old.json", "fit again"]);
    desk.run("assign old.json t.csv --device cpu --labels -").quietly();
    desk.put("few.csv", "age,else\n1,2\n");
    for verb in ["drift", "assign"] {
        let line = format!("{verb} m.json few.csv --device cpu");
        desk.fails(&line, 3, &["few.csv", "\"spend\", \"plan\", \"active\"", "the columns are age, else"]);
    }
    desk.fails("drift m.json nosuch.csv --device cpu", 3, &["nosuch.csv"]);
    for odd in ["-1", "x", "nan"] {
        assert_eq!(desk.run(&format!("drift m.json t.csv --max-psi {odd}")).code, Some(2), "{odd}");
    }
}

#[test]
fn models_follow_the_schema() {
    let desk = Desk::with_model();
    schema::check(&desk.read("m.json"));
    let recipe = concat!(env!("CARGO_MANIFEST_DIR"), "/recipes/learners.toml");
    desk.run("synth learners --rows 500 --out l.csv").quietly();
    desk.run(&format!("run {recipe} --input l.csv --device cpu -q --out made")).quietly();
    schema::check(&desk.read("made/model.json"));
    let said = desk.run("drift made/model.json l.csv --device cpu --strict --max-psi 0");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("company_avg_exp"), "columns that were made: {}", said.out);
}

#[test]
fn the_id_column_of_the_fit_is_remembered() {
    let desk = Desk::with_table();
    desk.run("fit t.csv --k 3 --id user_id --device cpu -q --out made").quietly();
    let model: Value = serde_json::from_str(&desk.read("made/model.json")).unwrap();
    assert_eq!(model["id"], "user_id");
    schema::check(&desk.read("made/model.json"));
    let first = |name: &str| {
        let text = desk.read(name);
        let mut lines = text.lines().map(|line| line.split(',').next().unwrap().to_string());
        (lines.next().unwrap(), lines.next().unwrap())
    };
    let said = desk.run("assign made/model.json t.csv --device cpu --out by_id");
    assert!(said.code == Some(0) && !said.err.contains("no column"), "{}", said.err);
    assert_eq!(desk.read("by_id/assignments.csv"), desk.read("made/assignments.csv"));
    // The call overrules it.
    desk.run("assign made/model.json t.csv --id plan --device cpu -q --out by_plan").quietly();
    assert_eq!(first("by_plan/assignments.csv"), ("plan".into(), "free".into()));
    // A table without the column is labelled all the same, and the note says what stands in for it.
    desk.put("none.csv", learners().replace("user_id", "customer"));
    let said = desk.run("assign made/model.json none.csv --device cpu --out by_row");
    assert!(
        said.code == Some(0) && said.err.contains("note: this table has no column \"user_id\""),
        "{}",
        said.err
    );
    assert_eq!(first("by_row/assignments.csv"), ("row".into(), "1".into()));
    let said = desk.run("drift made/model.json none.csv --device cpu");
    assert!(said.code == Some(0) && said.err.contains("no column \"user_id\""), "{}", said.err);
    // One that the call names must be there.
    desk.fails("assign made/model.json none.csv --id user_id --device cpu -q", 3, &["none.csv", "user_id"]);
    // A fit without an id remembers none.
    assert!(!desk.read("t.csv").is_empty() && !Desk::with_model().read("m.json").contains("\"id\""));
}
