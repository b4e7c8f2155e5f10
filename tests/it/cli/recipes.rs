//! Recipes from end to end: `run`, `inspect --print-recipe`, `fit --init model.json`, weights, features written out.

use super::{Desk, assignments, recipe};
use crate::prepared::prepare;

#[test]
fn every_recipe_runs_to_its_end() {
    for (name, rows, k) in [
        ("learners.toml", 1200, 0),
        ("first_day.toml", 1500, 0),
        ("survey.toml", 400, 10),
        ("enthusiasts.toml", 72, 4),
    ] {
        let desk = Desk::new();
        desk.put("r.toml", recipe(name, rows));
        let found = desk.run("run r.toml --device cpu --json -q --out out").json().0;
        assert_eq!(found["rows"], rows, "{name}");
        assert!(k == 0 || found["k"] == k, "{name}");
        let rows_of = assignments(&desk.read("out/assignments.csv"));
        assert_eq!(rows_of.len(), rows, "{name}");
        let kept = found["sizes"].as_array().unwrap().iter().map(|s| s.as_u64().unwrap()).sum::<u64>();
        assert_eq!(rows as u64 - kept, found["excluded"].as_u64().unwrap_or(0), "{name}");
        // New rows by last month's rules: those of the fit get their labels again.
        let synth = name.strip_suffix(".toml").unwrap().replace('_', "-");
        if synth != "survey" {
            let file = if synth == "enthusiasts" { "t.tsv" } else { "t.csv" };
            desk.run(&format!("synth {synth} --rows {rows} --out {file}")).quietly();
            // The model knows which column names the rows.
            desk.run(&format!("assign out/model.json {file} --device cpu --out again"));
            assert_eq!(desk.read("again/assignments.csv"), desk.read("out/assignments.csv"), "{name}");
        }
    }
}

/// What is written as features and read back, by column.
fn features(desk: &Desk, line: &str, file: &str) -> Vec<Vec<f64>> {
    desk.run(&format!("{line} --features-out {file} --force")).quietly();
    let table = segmenta::table::read(&desk.path(file), &segmenta::table::ReadOptions::default()).unwrap();
    table.columns.iter().map(|c| c.values.numbers().unwrap().into_owned()).collect()
}

#[test]
fn features_files_hold_the_values_of_the_table() {
    let desk = Desk::new();
    // Milliseconds since 1970, ages, prices: what f32 cannot hold, can hold, and can nearly hold.
    let times: Vec<f64> = (0..60).map(|i| 1.7e12 + f64::from(i % 10 + i / 30 * 5000)).collect();
    let ages: Vec<f64> = (0..60).map(|i| f64::from(20 + i * 7 % 41)).collect();
    let prices: Vec<f64> = (0..60).map(|i| f64::from(1999 + i * 137 % 4001) / 100.0).collect();
    let rows: String = (0..60).map(|i| format!("{},{},{}\n", times[i], ages[i], prices[i])).collect();
    desk.put("t.csv", format!("t,age,price\n{rows}"));
    let line = "fit t.csv --k 2 --scale none --device cpu -q --out out --features";
    let endings: &[&str] =
        if cfg!(feature = "parquet") { &["csv", "npy", "parquet"] } else { &["csv", "npy"] };
    for ending in endings {
        let file = format!("f.{ending}");
        let columns = features(&desk, &format!("{line} t,age,price"), &file);
        assert_eq!(columns, [times.clone(), ages.clone(), prices.clone()], "{ending}");
    }
    let kind = |desk: &Desk| {
        let bytes = std::fs::read(desk.path("f.npy")).unwrap();
        String::from_utf8_lossy(&bytes[..64]).contains("'<f8'")
    };
    assert!(kind(&desk), "f32 has no milliseconds since 1970");
    // Ages are the same in f32, and scaled features are f32 from the start.
    assert_eq!(features(&desk, &format!("{line} age"), "f.npy"), [ages]);
    assert!(!kind(&desk));
    features(&desk, &format!("{line} t,age,price").replace("--scale none", "--scale standard"), "f.npy");
    assert!(!kind(&desk));
}

#[test]
fn outliers_are_told_from_the_rest_and_never_lost() {
    let desk = Desk::new();
    desk.put("r.toml", recipe("first_day.toml", 2000));
    let said = desk.run("run r.toml --device cpu --out out");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("left out: "), "{}", said.err);
    let metrics: serde_json::Value = serde_json::from_str(&desk.read("out/metrics.json")).unwrap();
    let outliers = desk.read("out/assignments.csv").lines().filter(|l| l.contains(",-1,outlier,,,")).count();
    assert!(outliers > 0);
    assert_eq!(metrics["outliers"], outliers);
    assert_eq!(metrics["excluded"], outliers);
}

#[test]
fn the_learners_recipe_makes_the_features_that_plain_code_makes() {
    let desk = Desk::new();
    desk.put("r.toml", recipe("learners.toml", 3000));
    let said = desk.run("run r.toml --no-fit --features-out f.csv -q");
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let plain = prepare(&segmenta::synth::learners(3000, 0), 2026);
    let text = desk.read("f.csv");
    let mut lines = text.lines();
    assert_eq!(lines.next().unwrap().split(',').collect::<Vec<_>>(), plain.names);
    for (i, line) in lines.enumerate() {
        for (j, cell) in line.split(',').enumerate() {
            let (got, wanted) = (cell.parse::<f32>().unwrap(), plain.columns[j][i]);
            let largest = plain.columns[j].iter().fold(0f32, |m, v| m.max(v.abs()));
            let step = f64::from(largest) / f64::from(1u32 << 30);
            let ulp = f64::from(wanted.abs()) * f64::from(f32::EPSILON);
            let off = (f64::from(got) - f64::from(wanted)).abs();
            assert!(off <= step.max(ulp), "row {i}, {}: {got} for {wanted}", plain.names[j]);
        }
    }
    assert_eq!(desk.names("."), ["f.csv", "r.toml"]);
}

#[test]
fn a_parameter_has_another_value() {
    let desk = Desk::new();
    desk.put("r.toml", recipe("learners.toml", 500));
    let flags = |year: &str| {
        let line = format!("run r.toml --no-fit --features-out f.csv --force -q --set reference_year={year}");
        assert_eq!(desk.run(&line).code, Some(0));
        desk.read("f.csv")
    };
    assert_ne!(flags("2026"), flags("2021"));
    desk.fails("run r.toml --set year=3", 3, &["r.toml, line 3", "parameters", "year"]);
    assert_eq!(desk.run("run r.toml --set reference_year=x").code, Some(2));
}

#[test]
fn a_printed_recipe_does_what_a_run_without_one_does() {
    let desk = Desk::with_table();
    for flags in
        ["", "--id user_id", "--scale robust --drop age", "--missing drop --max-categories 3", "--null free"]
    {
        let text = desk.run(&format!("inspect t.csv {flags} --print-recipe -q")).quietly();
        desk.put("r.toml", &text);
        desk.run(&format!("fit t.csv {flags} --device cpu -q --out plain --force")).quietly();
        desk.run("run r.toml --device cpu -q --out recipe --force").quietly();
        for file in ["model.json", "assignments.csv"] {
            assert_eq!(
                desk.read(&format!("plain/{file}")),
                desk.read(&format!("recipe/{file}")),
                "{flags}: {text}"
            );
        }
    }
}

#[test]
fn a_refit_keeps_numbers_and_names() {
    let desk = Desk::new();
    desk.run("synth blobs --rows 600 --features 3 --centers 4 --seed 2 --out a.csv").quietly();
    desk.run("fit a.csv --drop label --k 4 --device cpu -q --out a").quietly();
    let mut model: serde_json::Value = serde_json::from_str(&desk.read("a/model.json")).unwrap();
    for centroid in model["centroids"].as_array_mut().unwrap() {
        centroid["name"] = format!("group {}", centroid["segment"]).into();
    }
    desk.put("old.json", model.to_string());

    // The same rows: nobody moves.
    let same = desk.run("fit a.csv --drop label --init old.json --device cpu -q --json --out b").json().0;
    assert_eq!((&same["migration"]["moved"], &same["k"]), (&0.into(), &4.into()));
    let rows = |name: &str| -> Vec<String> {
        desk.read(name).lines().map(|row| row.rsplit_once(',').unwrap().0.to_string()).collect()
    };
    assert!(rows("a/assignments.csv") == rows("b/assignments.csv"), "the names alone are new");

    // Last quarter's largest segment has lost most of its rows, and the units have changed scale: it is number 0 still.
    let text = desk.read("a.csv");
    let labels = desk.read("a/assignments.csv");
    let (header, rows) = text.split_once('\n').unwrap();
    let kept: Vec<&str> = rows
        .lines()
        .zip(labels.lines().skip(1))
        .enumerate()
        .filter(|(i, (_, label))| !label.contains(",0,assigned") || i % 5 == 0)
        .map(|(_, (row, _))| row)
        .collect();
    desk.put("b.csv", format!("{header}\n{}\n", kept.join("\n")));
    let found = desk.run("fit b.csv --drop label --init old.json --device cpu -q --json --out c").json().0;
    let sizes: Vec<u64> = found["sizes"].as_array().unwrap().iter().map(|s| s.as_u64().unwrap()).collect();
    assert!(sizes[0] < sizes[3], "{sizes:?}");
    assert_eq!(found["segments"][0]["name"], "group 0");
    let rows = found["migration"]["rows"].as_array().unwrap();
    let all: u64 = rows.iter().flat_map(|r| r.as_array().unwrap()).map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(all, kept.len() as u64);
    let text = desk.run("fit b.csv --drop label --init old.json --device cpu --out c --force");
    assert!(text.out.contains("group 0") && text.out.contains("old 0"), "{}", text.out);
    desk.fails("fit b.csv --drop label,f0 --k 3 --init old.json --out d", 2, &["k is 3", "4 centroids"]);
    desk.put("other.csv", "f0,f1,f2,f3\n1,2,3,4\n2,3,4,5\n3,4,5,7\n4,5,6,9\n5,6,9,1\n");
    desk.fails("fit other.csv --init old.json --out d -q", 3, &["old.json", "lacks", "f3"]);
}

#[test]
fn a_weight_is_so_many_rows() {
    let desk = Desk::new();
    desk.run("synth blobs --rows 90 --features 2 --centers 3 --out b.csv").quietly();
    let text = desk.read("b.csv");
    let (mut weighted, mut repeated) = (String::from("f0,f1,w\n"), String::from("f0,f1\n"));
    for (i, line) in text.lines().skip(1).enumerate() {
        let row = line.rsplit_once(',').unwrap().0;
        weighted.push_str(&format!("{row},{}\n", 1 + i % 3));
        (0..=i % 3).for_each(|_| repeated.push_str(&format!("{row}\n")));
    }
    desk.put("w.csv", &weighted);
    desk.put("r.csv", &repeated);
    desk.put("start.csv", "0,0\n10,0\n0,10\n");
    let fit = "--scale none --k 3 --init start.csv --device cpu --json -q --force --out out";
    let a = desk.run(&format!("fit w.csv --weight w {fit}")).json().0;
    let b = desk.run(&format!("fit r.csv {fit}")).json().0;
    assert_eq!(a["features"], serde_json::json!(["f0", "f1"]));
    let centroids = |v: &serde_json::Value| -> Vec<f64> {
        let mut all: Vec<Vec<f64>> = v["segments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["centroid"].as_array().unwrap().iter().map(|c| c.as_f64().unwrap()).collect())
            .collect();
        all.sort_by(|a, b| a[0].total_cmp(&b[0]));
        all.concat()
    };
    for (x, y) in centroids(&a).into_iter().zip(centroids(&b)) {
        assert!((x - y).abs() < 1e-5, "{x} {y}");
    }
    assert!((a["inertia"].as_f64().unwrap() / b["inertia"].as_f64().unwrap() - 1.0).abs() < 1e-5);
    let inspected = desk.run("inspect w.csv --weight w -q").quietly();
    assert!(inspected.contains("the weight column"), "{inspected}");
    desk.put("bad.csv", weighted.replacen(",1\n", ",-1\n", 1));
    desk.fails("fit bad.csv --weight w --k 3 -q", 3, &["bad.csv", "column w", "row 1", "-1"]);
    desk.fails("fit w.csv --weight nosuch --k 3 -q", 3, &["nosuch"]);
}

const SMALL: &str = r#"
[input]
path = "t.csv"
id = "user_id"

[[column]]
name = "log_spend"
from = "spend"
steps = ["log1p"]

[features]
columns = ["log_spend", "age"]

[analysis]
sweep = "2..4"
n_init = 7
"#;

#[test]
fn flags_overrule_the_recipe() {
    let desk = Desk::with_table();
    desk.put("r.toml", SMALL);
    let found = |flags: &str| {
        let found =
            desk.run(&format!("run r.toml --device cpu -q --json --force --out out {flags}")).json().0;
        let model: serde_json::Value = serde_json::from_str(&desk.read("out/model.json")).unwrap();
        (found["k"].clone(), found["sweep"].is_null(), model["n_init"].clone())
    };
    assert_eq!(found(""), (3.into(), false, 7.into()));
    assert_eq!(found("--k 5"), (5.into(), true, 7.into()));
    assert_eq!(found("--n-init 2"), (3.into(), false, 2.into()));
    desk.run("run r.toml --device cpu -q --k 4 --out old").quietly();
    assert_eq!(found("--init old/model.json"), (4.into(), true, 1.into()));
    assert_eq!(
        desk.read("out/assignments.csv"),
        desk.read("old/assignments.csv"),
        "the segments keep their numbers"
    );
    assert_eq!(found("--init old/model.json --k 4").0, 4);
    let words = ["k is 3", "4 centroids", "old/model.json"];
    desk.fails("run r.toml --device cpu -q --init old/model.json --k 3 --out no", 2, &words);
    // A k of the recipe gives way to the start that the call names.
    desk.put("k.toml", SMALL.replace("sweep = \"2..4\"", "k = 2"));
    let line = "run k.toml --device cpu -q --json --force --out out --init old/model.json";
    assert_eq!(desk.run(line).json().0["k"], 4);
    // Without the recipe nobody can make its columns.
    let words =
        ["old/model.json", "log_spend", "segmenta run RECIPE.toml --input t.csv --init old/model.json"];
    desk.fails("fit t.csv --init old/model.json --device cpu -q --out no", 2, &words);
}

#[test]
fn a_recipe_names_its_segments() {
    let desk = Desk::with_table();
    let names = "[names]\n0 = \"Beginners\"\n\"2\" = \"Senior specialists\"\n9 = \"Nobody\"\n";
    desk.put("r.toml", format!("{SMALL}k = 3\n{names}"));
    let said = desk.run("run r.toml --device cpu --out out");
    assert!(said.out.contains("Beginners") && said.out.contains("Senior specialists"), "{}", said.out);
    assert!(said.err.contains("segment 9 \"Nobody\"") && said.err.contains("0 to 2"), "{}", said.err);
    crate::model::schema::check(&desk.read("out/model.json"));
    let rows = desk.read("out/assignments.csv");
    for row in rows.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let name = ["Beginners", "", "Senior specialists"][cells[1].parse::<usize>().unwrap()];
        assert_eq!(cells[5], name, "{row}");
    }
    // They take the place of an earlier model's names.
    desk.run("name out/model.json 0=Other 1=Second -q").quietly();
    let line = "run r.toml --device cpu -q --json --init out/model.json --out next";
    let segments = desk.run(line).json().0["segments"].clone();
    let names: Vec<&str> = (0..3).map(|s| segments[s]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Beginners", "Second", "Senior specialists"]);
    for (line, words) in [
        ("one = \"x\"", ["\"one\"", "a segment number"]),
        ("00 = \"x\"", ["\"00\"", "a segment number"]),
        ("1 = \" \"", ["names.1", "expected a name"]),
        ("1 = \"a\\nb\"", ["names.1", "line break"]),
        ("1 = 2", ["names.1", "a text in quotes"]),
    ] {
        desk.put("bad.toml", format!("{SMALL}[names]\n{line}\n"));
        desk.fails("run bad.toml -q", 3, &words);
    }
}

#[test]
fn files_that_are_not_what_the_verb_takes() {
    let desk = Desk::with_model();
    desk.put("r.toml", SMALL);
    desk.put("plain.dat", super::learners());
    for (line, words) in [
        ("run t.csv", ["t.csv is a table, not a recipe", "segmenta fit t.csv"]),
        ("run plain.dat", ["plain.dat is a table, not a recipe", "segmenta fit plain.dat"]),
        ("run m.json", ["m.json is a saved model, not a recipe", "segmenta assign m.json"]),
        ("fit r.toml --k 2", ["r.toml is a recipe, not a table", "segmenta run r.toml"]),
        ("inspect r.toml", ["r.toml is a recipe, not a table", "segmenta run r.toml"]),
        ("sweep m.json", ["m.json is a saved model, not a table", "segmenta assign m.json"]),
        ("assign t.csv m.json", ["t.csv is a table", "segmenta assign model.json t.csv"]),
        ("drift t.csv m.json", ["t.csv is a table", "segmenta drift model.json t.csv"]),
        ("name r.toml 0=x", ["r.toml is a recipe, not a model", "segmenta run r.toml"]),
    ] {
        desk.fails(line, 2, &words);
    }
    // Of very many faults the first twenty are enough.
    let many: String = (0..50).fold(SMALL.to_string(), |text, i| format!("{text}wrong_{i} = 1\n"));
    desk.put("many.toml", many);
    let said = desk.run("run many.toml");
    assert_eq!((said.code, said.err.lines().count()), (Some(3), 21), "{}", said.err);
    assert!(said.err.ends_with("\nand 30 more mistakes\n"), "{}", said.err);
}
