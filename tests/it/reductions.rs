//! `[[reduce]]` from end to end: what a run prints and writes, and what the model does with other rows.

use crate::cli::Desk;
use serde_json::Value;

const RECIPE: &str = r#"
[input]
synth = "first-day"
rows = 3000
id = "user_id"

[[drop]]
columns = ["exercises_submitted", "videos_started"]
above_quantile = 0.99

[[reduce]]
name = "pc"
method = "pca"
columns = ["exercises_submitted", "videos_*", "studyplans_configured"]
components = 0.8

[features]
columns = FEATURES

[analysis]
k = 4
n_init = 3
structure = false
"#;

fn recipe(features: &str) -> String {
    RECIPE.replace("FEATURES", features)
}

fn run(desk: &Desk, recipe: &str, more: &str) -> Value {
    desk.put("r.toml", recipe);
    desk.run(&format!("run r.toml --device cpu --json -q --force {more}")).json().0
}

/// The columns of a CSV by name.
fn columns(csv: &str) -> Vec<(String, Vec<f64>)> {
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let rows: Vec<Vec<&str>> = lines.collect();
    let column = |j: usize| rows.iter().map(|row| row[j].parse().unwrap()).collect();
    names.iter().enumerate().map(|(j, name)| (name.to_string(), column(j))).collect()
}

#[test]
fn components_are_in_the_metrics_the_text_and_the_features() {
    let desk = Desk::new();
    let found = run(&desk, &recipe("[\"videos_started\"]"), "--out o --features-out f.csv");
    let pca = &found["pca"];
    assert_eq!(pca["name"], "pc");
    let mut names: Vec<&str> =
        pca["features"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["exercises_submitted", "studyplans_configured", "videos_finished", "videos_started"]);
    let ratios: Vec<f64> =
        pca["explained_variance_ratio"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    assert!(ratios.iter().sum::<f64>() >= 0.8 && ratios.windows(2).all(|w| w[0] >= w[1]), "{ratios:?}");
    assert_eq!(pca["all_explained_variance_ratio"].as_array().unwrap().len(), 4);
    assert_eq!(pca["for_share"][0]["share"], 0.8);
    assert_eq!(pca["for_share"][0]["components"], ratios.len());
    assert!(found.get("reductions").is_none());
    // The file has the feature and the components, whose variances are those that the metrics tell.
    let file = columns(&desk.read("f.csv"));
    let heads: Vec<&str> = file.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(heads[..3], ["videos_started", "pc_1", "pc_2"]);
    for (i, (_, values)) in file[1..].iter().enumerate() {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0);
        let told = pca["explained_variance"][i].as_f64().unwrap();
        assert!((variance - told).abs() < 1e-5 * told, "{i}: {variance} {told}");
        let component = &pca["components"][i];
        assert_eq!(component["name"], format!("pc_{}", i + 1));
        let squares: f64 =
            names.iter().map(|name| component["loadings"][name].as_f64().unwrap().powi(2)).sum();
        assert!((squares - 1.0).abs() < 1e-9);
    }
    // Segments are described by the columns, and by components only where they are named.
    let described = |found: &Value| found["profile"]["overall"].as_object().unwrap().contains_key("pc_1");
    assert!(!described(&found));
    let named = recipe("[\"pc_*\"]") + "\n[profile]\ncolumns = [\"pc_*\", \"videos_started\"]\n";
    assert!(described(&run(&desk, &named, "--out o")));
    desk.put("r.toml", recipe("[\"videos_started\"]"));
    let said = desk.run("run r.toml --device cpu -q --force --out o").quietly();
    for words in [
        "principal components of 4 features",
        " pc_1 ",
        "2 of 4 components explain 80 %",
        "videos_finished +",
    ] {
        assert!(said.contains(words), "no {words:?} in\n{said}");
    }
}

#[test]
fn a_model_makes_the_components_of_other_rows() {
    let desk = Desk::new();
    let recipe = recipe("[\"pc_*\", \"studyplans_configured\"]");
    let found = run(&desk, &recipe, "--out o");
    assert_eq!(found["features"], serde_json::json!(["pc_1", "pc_2", "studyplans_configured"]));
    desk.run("synth first-day --rows 3000 --out t.csv").quietly();
    desk.run("assign o/model.json t.csv --device cpu --out again -q").quietly();
    assert_eq!(desk.read("again/assignments.csv"), desk.read("o/assignments.csv"));
    let described = desk.run("profile o/model.json t.csv --device cpu --json -q").json().0;
    let overall = described["profile"]["overall"].as_object().or(described["overall"].as_object()).unwrap();
    assert!(overall.contains_key("videos_started") && !overall.contains_key("pc_1"), "{overall:?}");
    desk.run("drift o/model.json t.csv --device cpu --json -q").json();
    // A refit keeps the axes, so that segments keep their numbers.
    run(&desk, &recipe, "--out refit --init o/model.json");
    let reductions = |folder: &str| {
        let model: Value = serde_json::from_str(&desk.read(&format!("{folder}/model.json"))).unwrap();
        crate::model::schema::check(&model.to_string());
        model["preparation"]["reductions"].clone()
    };
    assert_eq!(reductions("refit"), reductions("o"));
    desk.put("r.toml", recipe.replace("rows = 3000", "rows = 2500"));
    run(&desk, &recipe.replace("rows = 3000", "rows = 2500"), "--out later --init o/model.json");
    assert_eq!(reductions("later"), reductions("o"));
    // A column that only the reduction needs is needed.
    let lacking: String = desk
        .read("t.csv")
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{}\n", cells[..cells.len() - 2].join(","))
        })
        .collect();
    desk.put("lacking.csv", lacking);
    let said = desk.run("assign o/model.json lacking.csv --device cpu --out no -q");
    assert_eq!(said.code, Some(3), "{}", said.err);
    assert!(said.err.contains("videos_finished"), "{}", said.err);
}

#[test]
fn several_reductions_are_all_told() {
    let desk = Desk::new();
    let more = "[[reduce]]\nname = \"videos\"\nmethod = \"pca\"\ncolumns = [\"videos_*\"]\ncomponents = 1\n\n[features]";
    let found = run(&desk, &recipe("[\"pc_1\"]").replace("[features]", more), "--out o");
    let names: Vec<&Value> = found["reductions"].as_array().unwrap().iter().map(|r| &r["name"]).collect();
    assert_eq!(names, ["pc", "videos"]);
    assert_eq!(found["pca"], found["reductions"][0]);
}
