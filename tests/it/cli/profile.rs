//! `segmenta profile`, and the profiles that a fit prints and writes.

use super::Desk;
use serde_json::Value;
use std::collections::BTreeSet;
use unicode_width::UnicodeWidthStr as _;

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn words(words: &str) -> BTreeSet<&str> {
    words.split_whitespace().collect()
}

#[test]
fn a_fit_says_what_its_segments_are() {
    let desk = Desk::with_table();
    let text = desk.run("fit t.csv --k 3 --device cpu --out out -q").quietly();
    assert!(text.lines().all(|line| line.width() <= 100), "{text}");
    let lines: Vec<&str> = text.lines().skip_while(|line| !line.contains("what sets it apart")).collect();
    assert!(lines[0].contains("segment") && lines[0].ends_with("what sets it apart"), "{text}");
    assert!(lines[1].contains("33.3 %  ████████████  "), "{text}");
    assert!(text.contains("always plan = team") && text.contains("variance between segments: "), "{text}");

    let metrics: Value = serde_json::from_str(&desk.read("out/metrics.json")).unwrap();
    let profile = &metrics["profile"];
    assert_eq!(keys(profile), words("segments overall separation comparisons left_out"));
    let segment = &profile["segments"][0];
    assert_eq!(keys(segment), words("segment size share description traits in_doubt rule numeric levels"));
    assert_eq!(
        keys(&segment["traits"][0]),
        words("column level measure value overall effect low high q_value")
    );
    assert_eq!(keys(&segment["numeric"]), words("age spend"));
    assert_eq!(keys(&segment["numeric"]["age"]), words("mean sd q1 median q3 low high missing"));
    assert_eq!(keys(&segment["levels"]), words("plan active"));
    assert_eq!(keys(&segment["levels"]["plan"][0]), words("level share overall lift low high"));
    assert_eq!(keys(&profile["separation"][0]), words("column share feature measure"));
    // The means of the features in the segments' own list are the same.
    for (own, other) in
        profile["segments"].as_array().unwrap().iter().zip(metrics["segments"].as_array().unwrap())
    {
        assert_eq!((&own["size"], &own["share"]), (&other["size"], &other["share"]));
        let place = metrics["features"].as_array().unwrap().iter().position(|f| f == "spend").unwrap();
        let (a, b) = (own["numeric"]["spend"]["mean"].as_f64(), other["centroid"][place].as_f64());
        assert!((a.unwrap() - b.unwrap()).abs() < 1e-6 * b.unwrap().abs(), "{a:?} {b:?}");
    }
}

#[test]
fn every_device_has_the_same_profile() {
    let desk = Desk::with_table();
    if desk.run("doctor -q --device gpu").code != Some(0) {
        crate::devices::skip("no GPU adapter: profiles are not compared");
        return;
    }
    let profile = |device: &str, threads: u32| {
        let out = format!("out-{device}-{threads}");
        let flags = format!("--id user_id --k 4 --device {device} --threads {threads} -q");
        desk.run(&format!("fit t.csv {flags} --out {out}")).quietly();
        let metrics: Value = serde_json::from_str(&desk.read(&format!("{out}/metrics.json"))).unwrap();
        (metrics["profile"].clone(), metrics["structure"].clone())
    };
    let expected = profile("cpu", 1);
    assert!(expected.0["segments"][0]["rule"].is_object(), "{}", expected.0);
    for (device, threads) in [("cpu", 2), ("cpu", 7), ("gpu", 2)] {
        assert_eq!(profile(device, threads), expected, "{device}, {threads} threads");
    }
}

/// Those with the smallest distances in the assignments, and those with the smallest margins.
#[test]
fn typical_rows_and_rows_in_doubt_are_those_of_the_assignments() {
    let desk = Desk::with_table();
    desk.run("fit t.csv --features age,spend --id user_id --k 7 --device cpu --out out -q --full-precision")
        .quietly();
    let rows: Vec<Vec<String>> = desk
        .read("out/assignments.csv")
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(String::from).collect())
        .collect();
    let number = |cell: &str| cell.parse::<f64>().unwrap();
    let found = desk.run("profile out/model.json t.csv --typical 2 --device cpu -q --json").json().0;
    for segment in found["profile"]["segments"].as_array().unwrap() {
        let name = segment["segment"].to_string();
        let own = rows.iter().filter(|row| row[1] == name);
        let mut own: Vec<(f64, f64, &str)> =
            own.map(|row| (number(&row[3]), number(&row[4]), row[0].as_str())).collect();
        let doubts = own.iter().filter(|(distance, margin, _)| margin / (distance + margin) < 0.1).count();
        assert_eq!(segment["in_doubt"], doubts, "{segment}");
        own.sort_by(|a, b| a.0.total_cmp(&b.0));
        let typical: Vec<&str> = own.iter().take(2).map(|(_, _, id)| *id).collect();
        assert_eq!(segment["typical"], serde_json::json!(typical), "{segment}");
    }
    let text = desk.run("profile out/model.json t.csv --typical 2 --device cpu -q").quietly();
    assert!(text.contains("typical of segment 0: ") && text.contains("in doubt, because"), "{text}");
    assert!(text.lines().all(|line| line.width() <= 100), "{text}");
    let metrics = desk.read("out/metrics.json");
    assert!(
        !metrics.contains("typical") && !metrics.contains("\"00001\""),
        "no ids unless they are asked for"
    );
}

#[test]
fn the_table_of_the_fit_has_the_profile_of_the_fit() {
    let desk = Desk::with_table();
    let weighted: String = desk
        .read("t.csv")
        .lines()
        .enumerate()
        .map(|(i, line)| if i == 0 { format!("{line},w\n") } else { format!("{line},{}\n", i % 3) })
        .collect();
    desk.put("w.csv", weighted);
    for (table, flags) in [("t.csv", "--id user_id"), ("w.csv", "--weight w")] {
        desk.run(&format!("fit {table} {flags} --k 3 --device cpu --out out --force -q")).quietly();
        desk.run("name out/model.json 1=Big -q").quietly();
        let metrics: Value = serde_json::from_str(&desk.read("out/metrics.json")).unwrap();
        let mut expected = metrics["profile"].clone();
        expected["segments"][1]["name"] = "Big".into();
        let said = desk.run(&format!("profile out/model.json {table} --device cpu -q --json"));
        let (found, top) = said.json();
        let all = "version command run rows excluded k profile warnings device seconds";
        assert_eq!(top, all.split_whitespace().map(String::from).collect());
        assert_eq!(found["profile"], expected, "{table}");
        let text = desk.run(&format!("profile out/model.json {table} --device cpu -q")).quietly();
        assert!(text.lines().all(|line| line.width() <= 100), "{text}");
        for word in
            ["Big", "95 % interval", "quartile 1", "of its variance lies between segments, a feature", "plan"]
        {
            assert!(text.contains(word), "no {word}: {text}");
        }
    }
}

#[test]
fn columns_are_named_by_flags() {
    let desk = Desk::with_model();
    let columns = |flags: &str| {
        let line = format!("profile m.json t.csv --device cpu -q --json {flags}");
        let (found, _) = desk.run(&line).json();
        let list = found["profile"]["separation"].as_array().unwrap().clone();
        let mut names: Vec<String> = list.iter().map(|s| s["column"].as_str().unwrap().into()).collect();
        names.sort_unstable();
        (names, found)
    };
    assert_eq!(columns("--columns ag*,plan").0, ["age", "plan"]);
    assert_eq!(columns("--columns spend --columns age").0, ["age", "spend"]);
    let found = columns("--columns plan --top 1").1;
    let levels = &found["profile"]["segments"][0]["levels"]["plan"];
    assert_eq!((levels.as_array().unwrap().len(), &levels[1]["level"]), (2, &"(other)".into()));
    desk.fails("profile m.json t.csv -q --columns agee", 3, &["t.csv", "agee", "age"]);
    desk.fails("profile m.json t.csv -q --columns user_id --id user_id", 3, &["user_id", "identifies"]);
    desk.fails("profile t.csv m.json -q", 2, &["t.csv", "the model comes first"]);
    let said = desk.run("profile m.json t.csv -q --top 0");
    assert!(said.code == Some(2) && said.err.contains("--top"), "{said:?}");
}

#[test]
fn columns_are_named_in_a_recipe() {
    let desk = Desk::with_table();
    let recipe = |profile: &str| {
        let text = "[input]\npath = \"t.csv\"\n[[column]]\nname = \"half\"\nfrom = \"spend\"\nsteps = [{ divide = 2 }]\n\
                    [features]\ncolumns = [\"age\", \"spend\"]\n[analysis]\nk = 3\n";
        desk.put("r.toml", format!("{text}{profile}"));
    };
    recipe("[profile]\ncolumns = [\"half\", \"plan\"]\ntop = 2\n");
    desk.run("run r.toml --device cpu --out out -q").quietly();
    let metrics: Value = serde_json::from_str(&desk.read("out/metrics.json")).unwrap();
    let segment = &metrics["profile"]["segments"][0];
    assert_eq!((keys(&segment["numeric"]), keys(&segment["levels"])), (words("half"), words("plan")));
    // Without names: also what is made, and of what says the same the feature.
    recipe("");
    desk.run("run r.toml --device cpu --out out --force -q").quietly();
    let metrics: Value = serde_json::from_str(&desk.read("out/metrics.json")).unwrap();
    let profile = &metrics["profile"];
    assert_eq!(keys(&profile["segments"][0]["numeric"]), words("age spend half"));
    let alike = profile["alike"].as_array().unwrap();
    let like = |column: &str| alike.iter().find(|a| a["column"] == column).map(|a| a["like"].clone());
    assert_eq!(like("half"), Some("spend".into()), "{alike:?}");

    recipe("[profile]\ncolumns = [\"nope\"]\n");
    desk.fails("run r.toml --device cpu --out out --force -q", 3, &["nope"]);
    recipe("[profile]\ncolumn = [\"plan\"]\n");
    desk.fails("run r.toml --device cpu --out out --force -q", 3, &["profile.column", "columns"]);
    recipe("[profile]\ntop = 0\n");
    desk.fails("run r.toml --device cpu --out out --force -q", 3, &["profile.top", "from 1"]);
}

#[test]
fn rows_that_are_left_out_are_not_described() {
    let desk = Desk::with_table();
    let text = "[input]\npath = \"t.csv\"\n[[drop]]\ncolumns = [\"spend\"]\nabove_quantile = 0.9\n[features]\n\
                columns = [\"age\", \"spend\"]\n[analysis]\nk = 2\n";
    desk.put("r.toml", text);
    desk.run("run r.toml --device cpu --out out -q").quietly();
    let metrics: Value = serde_json::from_str(&desk.read("out/metrics.json")).unwrap();
    let sizes: u64 =
        metrics["profile"]["segments"].as_array().unwrap().iter().map(|s| s["size"].as_u64().unwrap()).sum();
    assert_eq!(sizes + metrics["excluded"].as_u64().unwrap(), 60);
    assert!(metrics["excluded"].as_u64().unwrap() > 0);
}

#[test]
fn a_narrow_terminal_breaks_descriptions() {
    let desk = Desk::with_table();
    let Some(text) = desk.run_in_terminal("fit t.csv --k 3 --device cpu --out out -q", 60) else { return };
    assert!(text.lines().all(|line| line.trim_end().width() <= 60), "{text}");
    assert!(text.contains("█"), "{text}");
}

/// Hundreds of segments, as some methods find, would fill the terminal.
#[test]
fn of_many_segments_the_first_are_shown() {
    let desk = Desk::new();
    let rows: String = (0..80).map(|i| format!("{}\n", 100 * (i / 2) + i % 2)).collect();
    desk.put("many.csv", format!("score\n{rows}"));
    let text = desk.run("fit many.csv --k 40 --n-init 1 --device cpu --no-structure --out out -q").quietly();
    let first = |text: &str, segment: &str| {
        text.lines().filter(|line| line.split_whitespace().next() == Some(segment)).count()
    };
    assert!(first(&text, "29") > 0 && first(&text, "30") == 0, "{text}");
    assert!(text.contains("and 10 more segments with "), "{text}");
    let metrics: Value = serde_json::from_str(&desk.read("out/metrics.json")).unwrap();
    assert_eq!(metrics["profile"]["segments"].as_array().unwrap().len(), 40);
    let text = desk.run("assign out/model.json many.csv --device cpu --out again -q").quietly();
    assert!(text.contains("and 10 more segments with ") && first(&text, "30") == 0, "{text}");
}
