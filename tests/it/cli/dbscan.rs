//! DBSCAN on the command line and in recipes: the grid, noise, the model, and what a damaged model leads to.

use super::{Desk, assignments};
use crate::model::schema;
use serde_json::Value;

/// Three tight groups of 40 rows, 10 rows far from everything, and one row between the groups.
fn table() -> String {
    let mut text = String::from("id,x,y\n");
    for i in 0..120 {
        let (group, step) = (i % 3, (i / 3) as u32);
        let (x, y) = ([0.0, 10.0, 20.0][group], [0.0, 15.0, 2.0][group]);
        text.push_str(&format!("r{i},{},{}\n", x + 0.1 * f64::from(step % 7), y + 0.1 * f64::from(step / 7)));
    }
    for i in 0..10 {
        text.push_str(&format!("far{i},{},{}\n", 100 + 37 * i, -200 + 61 * i));
    }
    text
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.put("t.csv", table());
    desk
}

const FIT: &str = "fit t.csv --device cpu --id id --features x,y --scale none --method dbscan";

#[test]
fn a_grid_is_printed_and_saved_with_its_model() {
    let desk = desk();
    let (found, _) =
        desk.run(&format!("{FIT} --eps 0.05,0.3,50 --min-samples 4,8 -q --json --out out")).json();
    assert_eq!((&found["method"], &found["k"], &found["noise"]), (&"dbscan".into(), &3.into(), &10.into()));
    assert_eq!(found["sizes"], serde_json::json!([40, 40, 40]));
    let grid = found["dbscan"]["grid"].as_array().unwrap();
    let pairs: Vec<(f64, u64, u64)> = grid
        .iter()
        .map(|p| {
            (p["eps"].as_f64().unwrap(), p["min_samples"].as_u64().unwrap(), p["clusters"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(pairs, [(0.05, 4, 0), (0.05, 8, 0), (0.3, 4, 3), (0.3, 8, 3), (50.0, 4, 1), (50.0, 8, 1)]);
    assert_eq!(grid[0]["noise_share"], 1.0);
    assert_eq!(grid[2]["noise_share"].as_f64().unwrap(), 10.0 / 130.0);
    assert_eq!(grid[2]["largest_share"].as_f64().unwrap(), 40.0 / 130.0);
    assert_eq!((&found["dbscan"]["eps"], &found["dbscan"]["min_samples"]), (&0.3.into(), &4.into()));
    assert!(found["dbscan"]["suggested_eps"].as_f64().unwrap() > 0.1, "{found}");
    assert_eq!(found["dbscan"]["k_distances"]["distances"].as_array().unwrap().len(), 130);
    let rows = assignments(&desk.read("out/assignments.csv"));
    assert!(rows[..120].iter().all(|row| row.2 == "assigned"));
    assert!(rows[120..].iter().all(|row| (row.1, row.2.as_str()) == (-1, "noise")), "{:?}", &rows[120..]);
    let text = desk.run(&format!("{FIT} --eps 0.05,0.3 -q --out text")).quietly();
    for words in ["DBSCAN", "min_samples", "this one", "100.0 %", "7.7 %", "Suggested eps", "core points"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn its_model_labels_new_rows_and_survives_its_file() {
    let desk = desk();
    desk.run(&format!("{FIT} --eps 0.3 --min-samples 4 -q --out out")).quietly();
    let model = desk.read("out/model.json");
    schema::check(&model);
    let value: Value = serde_json::from_str(&model).unwrap();
    assert_eq!(value["core_points"]["points"].as_array().unwrap().len(), 3);
    desk.run("assign out/model.json t.csv --id id --device cpu -q --out again").quietly();
    let (fit, again) = (desk.read("out/assignments.csv"), desk.read("again/assignments.csv"));
    let segments =
        |text: &str| assignments(text).into_iter().map(|row| (row.0, row.1, row.2)).collect::<Vec<_>>();
    assert_eq!(segments(&fit), segments(&again));
    // One row beside a group, and one between groups.
    desk.put("new.csv", "id,x,y\na,0.2,-0.29\nb,0.2,-0.31\nc,5,5\n");
    let (found, _) =
        desk.run("assign out/model.json new.csv --id id --device cpu -q --json --out new").json();
    assert_eq!((&found["noise"], &found["excluded"]), (&2.into(), &2.into()), "{found}");
    let rows = assignments(&desk.read("new/assignments.csv"));
    assert_eq!(rows.iter().map(|row| row.2.as_str()).collect::<Vec<_>>(), ["assigned", "noise", "noise"]);
}

#[test]
fn a_damaged_model_is_refused() {
    let desk = desk();
    desk.run(&format!("{FIT} --eps 0.3 --min-samples 4 -q --out out")).quietly();
    let model: Value = serde_json::from_str(&desk.read("out/model.json")).unwrap();
    type Damage<'a> = (&'a str, &'a dyn Fn(&mut Value));
    let damage: [Damage<'_>; 8] = [
        ("no base64", &|core| core["points"][0] = "not base64!".into()),
        ("half a number", &|core| core["points"][0] = "AAAA".into()),
        ("half a row", &|core| core["points"][1] = "AAAAAA==".into()),
        ("no points", &|core| core["points"][2] = "".into()),
        ("not a number", &|core| core["points"][0] = "AADAfwAAwH8=".into()),
        ("a list is missing", &|core| {
            core["points"].as_array_mut().unwrap().pop();
        }),
        ("eps 0", &|core| core["eps"] = 0.0.into()),
        ("negative eps", &|core| core["eps"] = (-1.0).into()),
    ];
    for (what, change) in damage {
        let mut damaged = model.clone();
        change(&mut damaged["core_points"]);
        desk.put("bad.json", damaged.to_string());
        let said = desk.run("assign bad.json t.csv --id id --device cpu -q --out bad");
        assert_eq!(said.code, Some(3), "{what}: {}", said.err);
        assert!(said.out.is_empty() && !said.err.is_empty(), "{what}: {}", said.err);
    }
    // An eps beyond all numbers in stored units makes every row near.
    let mut far = model;
    far["core_points"]["eps"] = 1e308.into();
    desk.put("far.json", far.to_string());
    let (found, _) = desk.run("assign far.json t.csv --id id --device cpu -q --json --out far").json();
    assert_eq!(found["noise"], 0);
}

#[test]
fn a_fit_without_clusters_says_what_to_change() {
    let desk = desk();
    let said = desk.run(&format!("{FIT} --eps 0.001 -q --out out"));
    assert_eq!(said.code, Some(3), "{}", said.err);
    for words in ["finds no cluster", "Raise --eps", "the knee", "lower --min-samples"] {
        assert!(said.err.contains(words), "{}", said.err);
    }
    for wrong in
        ["--eps 0", "--eps -1", "--eps nan", "--min-samples 0", "--eps 1,", "--k 3 --eps 1", "--max-iter 3"]
    {
        let said = desk.run(&format!("{FIT} {wrong} -q --out out"));
        assert_eq!(said.code, Some(2), "{wrong}: {}", said.err);
    }
    let said = desk.run("fit t.csv --id id --k 3 --eps 1 -q --out out");
    assert!(
        said.code == Some(2) && said.err.contains("--eps is not a flag of the method kmeans"),
        "{}",
        said.err
    );
}

#[test]
fn a_recipe_has_the_same_keys() {
    let desk = desk();
    let recipe = |keys: &str| {
        format!(
            "[input]\npath = \"t.csv\"\nid = \"id\"\n[features]\ncolumns = [\"x\", \"y\"]\nscale = \"none\"\n\
             [analysis]\nmethod = \"dbscan\"\n{keys}\n"
        )
    };
    desk.put("r.toml", recipe("eps = [0.05, 0.3]\nmin_samples = 4"));
    let (found, _) = desk.run("run r.toml --device cpu -q --json --out out").json();
    assert_eq!((&found["k"], &found["dbscan"]["eps"]), (&3.into(), &0.3.into()), "{found}");
    desk.put("wrong.toml", recipe("eps = [0.3, 0]\nmin_samples = 0"));
    let said = desk.run("run wrong.toml --device cpu -q --out wrong");
    assert_eq!(said.code, Some(3));
    for words in ["eps[1]: expected a positive number", "min_samples: expected a whole number from 1"] {
        assert!(said.err.contains(words), "{}", said.err);
    }
}
