//! Merged and split segments, against labels that are made by hand from the centroids in `model.json`.

mod faults;
mod mixtures;

use crate::cli::Desk;
use crate::model::schema;
use segmenta::analysis::{Compute, Notice, Observer, Outcome, Silent, Source, Spec, load, run};
use segmenta::backend::{Device, cpu::Cpu};
use segmenta::model::Model;
use segmenta::table::{ReadOptions, Table, read_bytes};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Seven groups of different sizes on a plane, with a column that has nothing to do with them.
fn text(rows: usize) -> String {
    let centres = [(0, 0), (40, 3), (3, 50), (45, 45), (90, 10), (80, 70), (10, 95)];
    let group_of = [0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6];
    let mut text = String::from("who,x,y,tier,level\n");
    for i in 0..rows {
        let (x, y) = centres[group_of[i * 7 % 20]];
        let (dx, dy) = ((i * 37 % 101) as f64 / 9.0, (i * 53 % 97) as f64 / 8.0);
        let tier = ["gold", "", "silver", "gold", "bronze", "gold", "silver"][i * 5 % 7];
        let (x, y) = (f64::from(x) + dx, f64::from(y) + dy);
        text.push_str(&format!("u{i},{x:.3},{y:.3},{tier},{}\n", i % 3));
    }
    text
}

fn table(text: &str) -> Table {
    let options = ReadOptions { id: Some("who".into()), ..ReadOptions::default() };
    read_bytes("t.csv", text.as_bytes().to_vec(), &options).unwrap()
}

/// A recipe with seven segments and these lines under `[analysis]`.
fn recipe(analysis: &str) -> String {
    format!(
        "[input]\npath = \"t.csv\"\nid = \"who\"\n\n[features]\ncolumns = [\"x\", \"y\"]\n\n\
         [analysis]\nk = 7\nstructure = false\nn_init = 5\n{analysis}\n"
    )
}

fn spec(recipe: &str) -> Spec {
    Spec::parse("r.toml", recipe, &BTreeMap::new()).unwrap_or_else(|e| panic!("{e}"))
}

fn on_cpu() -> Compute {
    Compute { device: Device::Cpu, ..Compute::default() }
}

fn outcome(spec: &Spec, table: &Table) -> Outcome {
    run(spec, Source::from(table.clone()), &on_cpu(), &Silent).unwrap_or_else(|e| panic!("{e}"))
}

/// The scaled features, one list a row.
fn features(spec: &Spec, table: &Table) -> Vec<Vec<f64>> {
    let loaded = load(spec, Source::from(table.clone()), &on_cpu(), &Silent).unwrap();
    let prepared = loaded.prepare(spec, &on_cpu(), &Silent).unwrap();
    let matrix = &prepared.matrix;
    let row = |i: usize| matrix.row(prepared.matrix_row(i)).map(|v| matrix.to_user(f64::from(v))).collect();
    (0..prepared.fit_rows()).map(row).collect()
}

fn labels(outcome: &Outcome) -> Vec<u32> {
    outcome.labelled.as_ref().unwrap().rows.iter().map(|row| row.unwrap().segment).collect()
}

/// `model.json`, which follows the schema and is read back as the same model.
fn model_of(outcome: &Outcome) -> Value {
    let model = outcome.model.as_ref().unwrap();
    let text = model.to_json();
    schema::check(&text);
    assert_eq!(&Model::from_json(&text).unwrap(), model);
    serde_json::from_str(&text).unwrap()
}

fn numbers(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn distance(row: &[f64], point: &[f64]) -> f64 {
    row.iter().zip(point).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// The distances of a row to points, the nearest first, each with its place.
fn ranked(row: &[f64], points: &[Vec<f64>]) -> Vec<(f64, usize)> {
    let mut all: Vec<(f64, usize)> =
        points.iter().enumerate().map(|(place, point)| (distance(row, point), place)).collect();
    all.sort_by(|a, b| a.partial_cmp(b).unwrap());
    all
}

/// What a row's segment has to be, how far it is from the point that decided, and how much farther another segment is.
fn by_hand(model: &Value, row: &[f64], tier: Option<&str>) -> (u64, f64, f64) {
    let centroids = model["regrouped"]["centroids"].as_array().unwrap();
    let points: Vec<Vec<f64>> = centroids.iter().map(|c| numbers(&c["values"])).collect();
    let near = ranked(row, &points);
    let (own, place) = near[0];
    let centroid = &centroids[place];
    if let Some(segment) = centroid["segment"].as_u64() {
        let rival = near.iter().find(|(_, other)| centroids[*other]["segment"].as_u64() != Some(segment));
        return (segment, own, rival.unwrap().0 - own);
    }
    let margin = near[1].0 - own;
    if let Some(parts) = centroid["nearest"].as_array() {
        let points: Vec<Vec<f64>> = parts.iter().map(|part| numbers(&part["values"])).collect();
        let near = ranked(row, &points);
        return (parts[near[0].1]["segment"].as_u64().unwrap(), near[0].0, margin.min(near[1].0 - near[0].0));
    }
    let by = &centroid["by"];
    let value = by["values"].as_array().unwrap().iter().find(|v| v["value"].as_str() == tier);
    let segment = value.map_or(&by["other"], |v| &v["segment"]);
    (segment.as_u64().unwrap(), own, margin)
}

/// Holds the labelled rows of an outcome against the labels by hand.
fn check_rows(spec: &Spec, table: &Table, outcome: &Outcome) {
    let model = model_of(outcome);
    let tiers = &table.column("tier").unwrap().values;
    for (i, (row, found)) in
        features(spec, table).iter().zip(&outcome.labelled.as_ref().unwrap().rows).enumerate()
    {
        let tier = Some(tiers.cell(i)).filter(|cell| !cell.is_empty());
        let (segment, distance, margin) = by_hand(&model, row, tier.as_deref());
        let found = found.unwrap();
        assert_eq!(u64::from(found.segment), segment, "row {i}");
        assert!((found.distance - distance).abs() < 1e-9, "row {i}: {} and {distance}", found.distance);
        assert!((found.margin - margin).abs() < 1e-9, "row {i}: {} and {margin}", found.margin);
    }
    check_segments(table, outcome);
    // The model labels the table of the fit as the fit did.
    let assigned = outcome.model.as_ref().unwrap().assign(table, &Cpu::default()).unwrap();
    assert_eq!(assigned.rows, outcome.labelled.as_ref().unwrap().rows);
    assert!(assigned.warnings.is_empty(), "{:?}", assigned.warnings);
}

/// Sizes, shares, order and means of the segments, from the labels alone.
fn check_segments(table: &Table, outcome: &Outcome) {
    let labels = labels(outcome);
    let segments = outcome.segments.as_ref().unwrap();
    assert_eq!(outcome.k, Some(segments.len()));
    let mut before = u64::MAX;
    for (number, segment) in segments.iter().enumerate() {
        let rows: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] as usize == number).collect();
        assert_eq!((segment.segment as usize, segment.size), (number, rows.len() as u64));
        assert!(segment.size <= before, "segments are numbered by size");
        before = segment.size;
        assert!((segment.share - rows.len() as f64 / labels.len() as f64).abs() < 1e-12);
        for (column, found) in ["x", "y"].iter().zip(&segment.centroid) {
            let values = &table.column(column).unwrap().values;
            let sum: f64 = rows.iter().map(|&i| values.number(i).unwrap()).sum();
            let mean = sum / rows.len() as f64;
            assert!(
                (found - mean).abs() < 1e-4 * mean.abs().max(1.0),
                "{column} of {number}: {found}, {mean}"
            );
        }
    }
    let sizes: Vec<u64> = segments.iter().map(|s| s.size).collect();
    assert_eq!(outcome.sizes.as_ref(), Some(&sizes));
    let described = outcome.profile.as_ref().unwrap();
    assert_eq!(described.segments.iter().map(|s| s.size).collect::<Vec<_>>(), sizes);
}

/// The rows of the fit's segments, from a fit that neither merges nor splits.
fn plain_labels(table: &Table) -> Vec<u32> {
    labels(&outcome(&spec(&recipe("")), table))
}

#[test]
fn merged_segments_are_one() {
    let table = table(&text(600));
    let spec = spec(&recipe("merge = [[1, 4], [6, 0, 5]]"));
    let found = outcome(&spec, &table);
    check_rows(&spec, &table, &found);
    let plain = plain_labels(&table);
    let regrouped = serde_json::to_value(&found.regrouped).unwrap();
    assert_eq!(regrouped["k"], 7);
    let to = |from: u32| {
        let merged = regrouped["merged"].as_array().unwrap().iter();
        let merged = merged.filter(|m| m["from"].as_array().unwrap().contains(&json!(from)));
        let kept = regrouped["kept"].as_array().unwrap().iter().filter(|k| k["from"] == from);
        let all: Vec<u64> = merged.chain(kept).map(|m| m["to"].as_u64().unwrap()).collect();
        assert_eq!(all.len(), 1, "segment {from} of the fit: {regrouped}");
        all[0] as u32
    };
    assert_eq!(regrouped["merged"][0]["from"], json!([0, 5, 6]));
    assert_eq!((to(1), to(0), to(0)), (to(4), to(5), to(6)));
    assert_eq!(found.k, Some(4));
    for (row, (plain, now)) in plain.iter().zip(labels(&found)).enumerate() {
        assert_eq!(to(*plain), now, "row {row}");
    }
    let sizes: Vec<usize> = (0..7).map(|s| plain.iter().filter(|p| **p == s).count()).collect();
    assert_eq!(regrouped["sizes"], json!(sizes));
}

#[test]
fn a_segment_is_split_again_by_the_method() {
    let table = table(&text(600));
    let spec = spec(&recipe("split = { segment = 0, k = 3 }"));
    let found = outcome(&spec, &table);
    check_rows(&spec, &table, &found);
    let regrouped = serde_json::to_value(&found.regrouped).unwrap();
    assert_eq!((found.k, &regrouped["split"][0]["from"]), (Some(9), &json!(0)));
    let parts = regrouped["split"][0]["to"].as_array().unwrap().clone();
    assert_eq!(parts.len(), 3);
    let in_parts = |label: u32| parts.contains(&json!(label));
    for (plain, now) in plain_labels(&table).iter().zip(labels(&found)) {
        assert_eq!(*plain == 0, in_parts(now), "the parts have the rows of the segment, all of them");
    }
}

#[test]
fn a_segment_is_split_by_a_column() {
    let table = table(&text(600));
    let spec = spec(&recipe("split = [{ segment = 1, by = \"tier\" }, { segment = 0, k = 2 }]"));
    let found = outcome(&spec, &table);
    check_rows(&spec, &table, &found);
    let regrouped = serde_json::to_value(&found.regrouped).unwrap();
    let split = regrouped["split"].as_array().unwrap().iter().find(|s| s["from"] == 1).unwrap();
    assert_eq!((&split["by"], found.k), (&json!("tier"), Some(5 + 2 + 4)));
    let (plain, now) = (plain_labels(&table), labels(&found));
    let tiers = &table.column("tier").unwrap().values;
    for i in (0..table.rows).filter(|&i| plain[i] == 1) {
        let place = split["to"].as_array().unwrap().iter().position(|to| *to == json!(now[i])).unwrap();
        assert_eq!(split["values"][place].as_str().unwrap_or(""), tiers.cell(i), "row {i}");
    }

    // A value that nobody had goes to the largest part, and is said; a missing one has its own part.
    let old: Vec<String> = text(600).lines().map(String::from).collect();
    let rows: Vec<usize> = (0..600).filter(|&i| plain[i] == 1).take(3).collect();
    let cells = |i: usize, tier: &str| {
        let cells: Vec<&str> = old[i + 1].split(',').collect();
        format!("new{i},{},{},{tier},{}", cells[1], cells[2], cells[4])
    };
    let new = format!(
        "{}\n{}\n{}\n{}\n",
        old[0],
        cells(rows[0], "tin"),
        cells(rows[1], ""),
        cells(rows[2], "gold")
    );
    let assigned = found.model.as_ref().unwrap().assign(&self::table(&new), &Cpu::default()).unwrap();
    let sizes = found.sizes.as_ref().unwrap();
    let to: Vec<u32> = split["to"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect();
    let of = |value: Value| to[split["values"].as_array().unwrap().iter().position(|v| *v == value).unwrap()];
    let largest = *to.iter().max_by_key(|to| sizes[**to as usize]).unwrap();
    let segments: Vec<u32> = assigned.rows.iter().map(|row| row.unwrap().segment).collect();
    assert_eq!(segments, [largest, of(Value::Null), of(json!("gold"))]);
    assert_eq!(assigned.warnings.len(), 1, "{:?}", assigned.warnings);
    assert!(assigned.warnings[0].starts_with("tier: 1 row has a value"), "{}", assigned.warnings[0]);
}

/// Numbers and columns that the recipe makes split as well, also where many rows are equal.
#[test]
fn computed_columns_split_where_rows_are_equal() {
    let mut lines = String::from("who,x,y,tier,level\n");
    for i in 0..300 {
        let (x, y) = [(0, 0), (0, 1), (10, 10), (11, 10), (50, 0)][i % 5];
        lines.push_str(&format!("u{i},{x},{y},,{}\n", i % 3));
    }
    let table = table(&lines);
    let made = "[[column]]\nname = \"high\"\nfrom = \"level\"\nsteps = [{ cut = { at = [0], labels = [\"low\", \"high\"] } }]\n";
    for (by, parts) in [("level", 3), ("high", 2)] {
        let text = recipe(&format!("split = {{ segment = 0, by = \"{by}\" }}")).replace("k = 7", "k = 3");
        let spec = spec(&format!("{text}\n{made}"));
        let found = outcome(&spec, &table);
        assert_eq!(found.k, Some(2 + parts), "{by}");
        let plain = outcome(&self::spec(&recipe("").replace("k = 7", "k = 3")), &table);
        assert_eq!(plain.distinct_rows, Some(5), "equal rows are computed once without a split");
        let segments = serde_json::to_value(&found.regrouped).unwrap();
        let split = &segments["split"][0];
        for (i, (plain, now)) in labels(&plain).iter().zip(labels(&found)).enumerate() {
            let value = match by {
                "level" => (i % 3).to_string(),
                _ => ["low", "high", "high"][i % 3].to_string(),
            };
            let place = split["to"].as_array().unwrap().iter().position(|to| *to == json!(now));
            assert_eq!(*plain == 0, place.is_some(), "row {i}");
            if let Some(place) = place {
                assert_eq!(split["values"][place], value, "row {i}");
            }
        }
        let model = found.model.as_ref().unwrap();
        schema::check(&model.to_json());
        let assigned = model.assign(&table, &Cpu::default()).unwrap();
        assert_eq!(assigned.rows, found.labelled.as_ref().unwrap().rows, "{by}");
    }
}

#[test]
fn the_silhouette_is_that_of_the_final_segments() {
    let table = table(&text(240));
    let spec = spec(&recipe("silhouette = true\nmerge = [[2, 3]]\nsplit = { segment = 0, k = 2 }"));
    let found = outcome(&spec, &table);
    let (rows, labels) = (features(&spec, &table), labels(&found));
    let k = found.k.unwrap();
    let mut total = 0.0;
    for (i, row) in rows.iter().enumerate() {
        let mut means = vec![(0.0, 0usize); k];
        for (j, other) in rows.iter().enumerate().filter(|(j, _)| *j != i) {
            let mean = &mut means[labels[j] as usize];
            (mean.0, mean.1) = (mean.0 + distance(row, other), mean.1 + 1);
        }
        let own = means[labels[i] as usize];
        let others = (0..k).filter(|s| *s != labels[i] as usize).map(|s| means[s].0 / means[s].1 as f64);
        let (a, b) = (own.0 / own.1 as f64, others.fold(f64::INFINITY, f64::min));
        total += (b - a) / a.max(b);
    }
    let expected = total / rows.len() as f64;
    assert!((found.silhouette.unwrap() - expected).abs() < 1e-5, "{:?} and {expected}", found.silhouette);
}

#[test]
fn the_same_on_every_device_and_thread_count() {
    let table = table(&text(900));
    let merge_and_split =
        "merge = [[2, 5]]\nsplit = [{ segment = 0, k = 3 }, { segment = 1, by = \"tier\" }]";
    let spec = spec(&recipe(merge_and_split));
    let of = |compute: &Compute| {
        let found = run(&spec, Source::from(table.clone()), compute, &Silent).unwrap();
        (found.model.unwrap().to_json(), found.labelled.unwrap().rows)
    };
    let expected = of(&on_cpu());
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert!(pool.install(|| of(&on_cpu())) == expected, "{threads} threads");
    }
    let gpu = Compute { device: Device::Gpu(None), ..Compute::default() };
    match run(&spec, Source::from(table.clone()), &gpu, &Silent) {
        Ok(_) => assert!(of(&gpu) == expected, "a GPU"),
        Err(e) => {
            assert!(std::env::var_os("SEGMENTA_REQUIRE_GPU").is_none(), "{e}");
            crate::devices::skip(&format!("no GPU adapter for merges and splits: {e}"));
        }
    }
}

/// A row of weight 2 is the row twice.
#[test]
fn weights_are_copies() {
    let once = text(300);
    let (mut twice, mut weighted) = (String::new(), String::new());
    for (i, line) in once.lines().enumerate() {
        let copies = if i == 0 { 1 } else { 1 + i % 3 };
        let weight = if i == 0 { "w".to_string() } else { copies.to_string() };
        weighted.push_str(&format!("{line},{weight}\n"));
        (0..copies).for_each(|_| twice.push_str(&format!("{line}\n")));
    }
    let text = recipe("merge = [[2, 5]]\nsplit = [{ segment = 0, k = 2 }, { segment = 1, by = \"tier\" }]");
    let (a, b) = (table(&twice), table(&weighted));
    let copied = outcome(&spec(&text), &a);
    let weighted = outcome(&spec(&text.replace("[features]", "weight = \"w\"\n\n[features]")), &b);
    let (copied, weighted) = (copied.segments.unwrap(), weighted.segments.unwrap());
    assert_eq!(copied.len(), weighted.len());
    for (c, w) in copied.iter().zip(&weighted) {
        assert_eq!((c.size as f64, c.share), (w.weight.unwrap(), w.share), "segment {}", c.segment);
        for (x, y) in c.centroid.iter().zip(&w.centroid) {
            assert!((x - y).abs() < 1e-9 * x.abs().max(1.0), "{x} and {y}");
        }
    }
}

/// Notices, as they come.
#[derive(Default)]
struct Heard(Mutex<Vec<Notice>>);

impl Observer for Heard {
    fn notice(&self, notice: &Notice) {
        self.0.lock().unwrap().push(notice.clone());
    }
}

#[test]
fn a_refit_keeps_merges_splits_numbers_and_names() {
    let desk = Desk::new();
    desk.put("t.csv", text(600));
    // A quarter later most rows are still there, and some are new.
    let all = text(700);
    let later: Vec<&str> =
        all.lines().enumerate().filter(|(i, _)| *i == 0 || *i > 100).map(|(_, l)| l).collect();
    desk.put("later.csv", later.join("\n"));
    let analysis = "merge = [[2, 5]]\nsplit = [{ segment = 0, k = 2 }, { segment = 1, by = \"tier\" }]";
    desk.put("r.toml", recipe(analysis));
    desk.run("run r.toml --device cpu -q --out out").quietly();
    let metrics: Value = serde_json::from_str(&desk.read("out/metrics.json")).unwrap();
    let merged = metrics["regrouped"]["merged"][0]["to"].as_u64().unwrap();
    desk.run(&format!("name out/model.json {merged}=Together -q")).quietly();
    schema::check(&desk.read("out/model.json"));

    // Without the recipe's lines, and with them; on the same table, where nobody moves.
    desk.put("plain.toml", recipe(""));
    for (recipe, table, same) in
        [("plain.toml", "t.csv", true), ("r.toml", "t.csv", true), ("plain.toml", "later.csv", false)]
    {
        let line = format!(
            "run {recipe} --input {table} --init out/model.json --device cpu --json -q --out again --force"
        );
        let again = desk.run(&line).json().0;
        assert_eq!(again["segments"][merged as usize]["name"], "Together", "{line}");
        for key in ["k", "merged", "split", "kept"] {
            assert_eq!(again["regrouped"][key], metrics["regrouped"][key], "{line}: {key}");
        }
        let moved = again["migration"]["moved"].as_u64().unwrap();
        assert!(moved == 0 || (!same && moved < 30), "{line}: {moved} moved");
        if same {
            assert_eq!(again["sizes"], metrics["sizes"], "{line}");
        }
    }
    // A fit by flags knows no recipe, and keeps the merges and splits too.
    let fit = "fit t.csv --features x,y --id who --init out/model.json --device cpu --json -q --out flags";
    assert_eq!(desk.run(fit).json().0["sizes"], metrics["sizes"]);

    // The other verbs see the final segments.
    let assigned = desk.run("assign out/model.json t.csv --device cpu --json -q --out labels").json().0;
    let sizes: Vec<&Value> = assigned["segments"].as_array().unwrap().iter().map(|s| &s["size"]).collect();
    assert_eq!(json!(sizes), metrics["sizes"]);
    assert_eq!(desk.read("labels/assignments.csv").replace("Together", ""), desk.read("out/assignments.csv"));
    for verb in ["drift", "profile"] {
        let said = desk.run(&format!("{verb} out/model.json t.csv --device cpu --json -q")).json().0;
        let found = said["segments"].as_array().or_else(|| said["profile"]["segments"].as_array());
        assert_eq!(found.unwrap().len(), metrics["sizes"].as_array().unwrap().len(), "{verb}");
    }
}

#[test]
fn merges_after_a_look_at_the_segments() {
    let table = table(&text(600));
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("model.json");
    let first = outcome(&spec(&recipe("")), &table);
    std::fs::write(&path, first.model.as_ref().unwrap().to_json()).unwrap();
    let mut spec = spec(&recipe("merge = [[1, 4]]"));
    let fit = spec.fit.as_mut().unwrap();
    (fit.k, fit.init) = (None, Some(path));
    let heard = Heard::default();
    let found = run(&spec, Source::from(table.clone()), &on_cpu(), &heard).unwrap();
    let other = |notice: &Notice| matches!(notice, Notice::OtherSegments { before: 7, k: 6 });
    assert!(heard.0.lock().unwrap().iter().any(other), "that numbers are not kept is said");
    assert!(found.migration.is_none());
    let (plain, now) = (labels(&first), labels(&found));
    let together: Vec<u32> =
        (0..table.rows).filter(|&i| [1, 4].contains(&plain[i])).map(|i| now[i]).collect();
    assert!(together.windows(2).all(|pair| pair[0] == pair[1]), "the numbers are those of the model");
}
