//! recipes/learners.toml against pandas and scikit-learn, and a model that another program follows.

use crate::cli::{Desk, assignments};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// What tests/peers/learners_features.py writes.
#[derive(Deserialize)]
struct Golden {
    rows: usize,
    seed: u64,
    features: Vec<Feature>,
}

#[derive(Deserialize)]
struct Feature {
    name: String,
    values: Column,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Column {
    Numbers(Vec<f64>),
    /// Zeros and ones.
    Digits(String),
}

impl Column {
    fn numbers(&self) -> Vec<f64> {
        match self {
            Column::Numbers(numbers) => numbers.clone(),
            Column::Digits(digits) => digits.bytes().map(|d| f64::from(d - b'0')).collect(),
        }
    }
}

/// A small table of learners, with more cells missing and wrong than it would have.
fn spoiled(rows: usize, seed: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    segmenta::synth::learners(rows, seed).write_csv(&mut bytes).unwrap();
    let mut table = csv::Reader::from_reader(bytes.as_slice());
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(table.headers().unwrap()).unwrap();
    for (i, record) in table.records().enumerate() {
        let record = record.unwrap();
        let mut cells: Vec<&str> = record.iter().collect();
        for (every, at, column, cell) in
            [(23, 4, 1, ""), (19, 2, 3, ""), (17, 5, 3, "20165"), (29, 7, 3, "1979")]
        {
            if i % every == at {
                cells[column] = cell;
            }
        }
        out.write_record(cells).unwrap();
    }
    out.into_inner().unwrap()
}

#[test]
fn the_26_features_are_those_of_scikit_learn() {
    let golden = std::fs::read_to_string(file("tests/peers/learners_features.json")).unwrap();
    let golden: Golden = serde_json::from_str(&golden).unwrap();
    assert_eq!(golden.features.len(), 26);
    let desk = Desk::new();
    desk.put("t.csv", spoiled(golden.rows, golden.seed));
    let recipe = file("recipes/learners.toml");
    desk.run(&format!("run {} --input t.csv --no-fit --features-out x.csv -q", recipe.display())).quietly();
    let text = desk.read("x.csv");
    let mut lines = csv::Reader::from_reader(text.as_bytes());
    let names: Vec<String> = lines.headers().unwrap().iter().map(String::from).collect();
    assert_eq!(names, golden.features.iter().map(|f| f.name.clone()).collect::<Vec<_>>());
    let rows: Vec<csv::StringRecord> = lines.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), golden.rows);
    for (j, feature) in golden.features.iter().enumerate() {
        let expected = feature.values.numbers();
        let found: Vec<f64> = rows.iter().map(|row| row[j].parse().unwrap()).collect();
        assert_eq!(found.len(), expected.len());
        let largest = found.iter().fold(0f64, |m, v| m.max(v.abs()));
        for (row, (found, expected)) in found.iter().zip(expected).enumerate() {
            // One unit in the last place of an f32, or the feature's grid.
            let rounded = expected as f32;
            let unit = f64::from(rounded.abs().next_up()) - f64::from(rounded.abs());
            let most = unit.max(largest / 2f64.powi(31));
            let off = (found - f64::from(rounded)).abs();
            assert!(off <= most, "{}, row {row}: {found}, expected {expected}", feature.name);
        }
    }
}

#[test]
fn the_golden_table_has_what_matters() {
    let golden = std::fs::read_to_string(file("tests/peers/learners_features.json")).unwrap();
    let golden: Golden = serde_json::from_str(&golden).unwrap();
    let column = |name: &str| {
        golden
            .features
            .iter()
            .find(|f| f.name == name)
            .unwrap_or_else(|| panic!("no {name}"))
            .values
            .numbers()
    };
    for name in ["job_position_grouped=Unknown_Role", "job_position_grouped=Other_Role", "tier_flag=Tier 2"] {
        let ones = column(name).iter().sum::<f64>();
        assert!(ones > 5.0 && ones < golden.rows as f64 / 2.0, "{name}: {ones}");
    }
    let distinct = |name: &str| column(name).iter().map(|v| v.to_bits()).collect::<BTreeSet<u64>>().len();
    assert_eq!(distinct("recent_ctc_update_flag"), 1);
    assert!(distinct("company_learner_count") > 2 && distinct("company_avg_ctc_lpa") > 50);
}

/// A hundred people: two groups, some cells missing, a rare plan.
fn people() -> Vec<String> {
    let person = |i: usize| {
        let group = i % 3 / 2;
        let pay = if i % 9 == 4 { String::new() } else { (10 + 700 * group + i * 17 % 60).to_string() };
        let age = if i % 14 == 3 { String::new() } else { (20 + 25 * group + i * 7 % 11).to_string() };
        let plan = match i % 10 {
            _ if i % 23 == 7 => "team",
            0 => "",
            n if n % 2 == 0 => "pro",
            _ => "free",
        };
        format!("{pay},{age},{plan},{}", i * 13 % 29)
    };
    (0..100).map(person).collect()
}

#[test]
fn the_model_alone_is_enough() {
    let desk = Desk::new();
    let people = people();
    for (name, half) in [("first.csv", &people[..50]), ("second.csv", &people[50..])] {
        desk.put(name, format!("pay,age,plan,visits\n{}\n", half.join("\n")));
    }
    desk.put(
        "r.toml",
        "[input]\npath = \"first.csv\"\n\
         [[column]]\nname = \"pay\"\nsteps = [{ impute = \"median\" }, { clip = { min = 20, max = 760 } }, \"log1p\"]\n\
         [[column]]\nname = \"young\"\nfrom = \"age\"\nsteps = [{ impute = \"mean\" }, { scale = \"robust\" }]\n\
         [[column]]\nname = \"plan\"\none_hot = { top = 1 }\n\
         [[column]]\nname = \"visits\"\nsteps = [{ clip = { max = 20 } }]\n\
         [features]\ncolumns = [\"pay\", \"young\", \"plan\", \"visits\"]\n[analysis]\nk = 4\n",
    );
    desk.run("run r.toml --device cpu --out out -q").quietly();
    let said = desk.run("assign out/model.json second.csv --device cpu --out labels -q");
    assert_eq!(said.code, Some(0), "{}", said.err);
    let ours: Vec<i64> = assignments(&desk.read("labels/assignments.csv"))
        .into_iter()
        .map(|(_, segment, _)| segment)
        .collect();
    assert_eq!(ours.iter().collect::<BTreeSet<_>>().len(), 4);

    let script = file("tests/peers/assign.py");
    assert!(std::fs::read_to_string(&script).unwrap().lines().count() <= 20, "short enough to read");
    let mut command = Command::new("python3");
    command.arg(&script).arg(desk.path("out/model.json")).arg(desk.path("second.csv"));
    let Ok(output) = command.output() else {
        eprintln!("SKIPPED: no python3, so nobody else labelled rows with model.json");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let theirs: Vec<i64> = text.lines().map(|line| line.trim().parse().unwrap()).collect();
    assert_eq!(theirs, ours);
}
