//! The same table, options and seed give the same bytes, and a model repeats the labels of its fit.

use super::{Desk, assignments, learners};
use crate::devices::skip;
use segmenta::backend::cpu::InstructionSet;

/// 400 points about nine centres, with the label that fits must drop.
fn blobs(desk: &Desk) {
    desk.run("synth blobs --rows 400 --features 3 --centers 9 --seed 5 --out b.csv").quietly();
}

const FIT: &str = "fit b.csv --drop label --device cpu -q --k";

/// Runs a fit in an environment, and gives its two files that have no clock in them.
fn fitted(desk: &Desk, line: &str, environment: &[(&str, &str)]) -> [String; 2] {
    let mut command = desk.command(&format!("{line} --out out --force"));
    command.envs(environment.iter().copied());
    super::Said::from(command.output().unwrap()).quietly();
    ["out/assignments.csv", "out/model.json"].map(|name| desk.read(name))
}

#[test]
fn two_runs_give_equal_bytes() {
    let desk = Desk::new();
    blobs(&desk);
    let line = format!("{FIT} 5");
    let first = fitted(&desk, &line, &[]);
    assert_eq!(fitted(&desk, &line, &[]), first);
    assert_eq!(fitted(&desk, &format!("{line} --seed 0"), &[]), first, "0 is the default");
    assert!(first[1].contains("\"seed\": 0"));
}

#[test]
fn threads_and_instruction_sets_change_nothing() {
    let desk = Desk::new();
    blobs(&desk);
    let line = format!("{FIT} 5");
    let expected = fitted(&desk, &line, &[]);
    for threads in 1..=3 {
        assert_eq!(fitted(&desk, &format!("{line} --threads {threads}"), &[]), expected, "{threads} threads");
    }
    assert_eq!(fitted(&desk, &line, &[("SEGMENTA_THREADS", "2")]), expected);
    let sets = [
        ("none", InstructionSet::Portable),
        ("avx2", InstructionSet::Avx2),
        ("avx512", InstructionSet::Avx512),
    ];
    for (name, set) in sets {
        if set.available() {
            assert_eq!(fitted(&desk, &line, &[("SEGMENTA_SIMD", name)]), expected, "{name}");
            let said = desk.command("doctor -q --device cpu").env("SEGMENTA_SIMD", name).output().unwrap();
            assert!(String::from_utf8(said.stdout).unwrap().contains(&format!("threads, {set}")), "{name}");
        } else {
            skip(&format!("this CPU has no {set}: its bytes are not compared"));
            let mut command = desk.command(&format!("{line} --out no"));
            let said = super::Said::from(command.env("SEGMENTA_SIMD", name).output().unwrap());
            desk.one_clear_line(name, &said, 5, &["no"]);
        }
    }
}

#[test]
fn a_seed_changes_and_repeats_a_result() {
    let desk = Desk::new();
    blobs(&desk);
    // More starts than there are good ones: seeds end in different optima.
    let line = format!("{FIT} 20 --n-init 1");
    let of = |seed: u64| fitted(&desk, &format!("{line} --seed {seed}"), &[]);
    let (one, two) = (of(1), of(2));
    assert!(one[0] != two[0], "the seed has no effect on the assignments");
    assert!(one[1].contains("\"seed\": 1") && two[1].contains("\"seed\": 2"));
    assert_eq!(of(1), one);
    assert_eq!(fitted(&desk, &line, &[("SEGMENTA_SEED", "1")]), one);
    let flag = format!("{line} --seed 1");
    assert_eq!(fitted(&desk, &flag, &[("SEGMENTA_SEED", "2")]), one, "a flag wins over the environment");
}

#[test]
fn a_sample_is_drawn_by_the_seed_and_said() {
    let desk = Desk::new();
    blobs(&desk);
    let sweep = |flags: &str| {
        let said = desk.run(&format!("sweep b.csv --drop label --device cpu --json -q --k 3..5 {flags}"));
        said.json().0
    };
    let scores = |found: &serde_json::Value| -> Vec<f64> {
        found["sweep"].as_array().unwrap().iter().map(|row| row["silhouette"].as_f64().unwrap()).collect()
    };
    let (all, some) = (sweep(""), sweep("--sample 100"));
    assert_eq!(some["silhouette_sample"], 100);
    assert!(all.get("silhouette_sample").is_none());
    assert!(scores(&all) != scores(&some));
    assert_eq!(scores(&some), scores(&sweep("--sample 100")));
    assert!(scores(&some) != scores(&sweep("--sample 100 --seed 1")));
    assert_eq!(scores(&all), scores(&sweep("--sample 400")), "a sample of all rows is no sample");
    let text = desk.run("sweep b.csv --drop label --device cpu -q --k 3..5 --sample 100").quietly();
    assert!(text.contains("sample of 100 rows"), "{text}");
}

#[test]
fn a_model_repeats_the_labels_of_its_fit() {
    let desk = Desk::new();
    // More segments than blobs: some rows lie between two centroids.
    let points = segmenta::synth::blobs(300, 3, 9, 7);
    let mut lines: Vec<String> = (0..300)
        .map(|i| {
            let values = points.columns.iter().map(|c| format!("{:.1}", c[i]));
            format!("r{i:03},{},{}", values.collect::<Vec<_>>().join(","), ["a", "b", "c"][i % 7 % 3])
        })
        .collect();
    let header = "key,x,y,z,kind\n";
    desk.put("t.csv", format!("{header}{}\n", lines.join("\n")));
    desk.run("fit t.csv --device cpu -q --id key --k 12 --out out").quietly();
    let fitted = desk.read("out/assignments.csv");
    let line = "assign out/model.json - --format csv --device cpu --id key --labels -";
    let again = desk.run("assign out/model.json t.csv --device cpu --id key --labels -").quietly();
    assert_eq!(again, fitted, "from the file");
    assert_eq!(desk.run_with(line, desk.read("t.csv")).quietly(), fitted, "from stdin");
    desk.run("assign out/model.json t.csv --device cpu -q --id key --out new").quietly();
    assert_eq!(desk.read("new/assignments.csv"), fitted, "in a folder");

    let mut one_by_one = String::from(fitted.lines().next().unwrap()) + "\n";
    for row in &lines[..12] {
        let said = desk.run_with(line, format!("{header}{row}\n")).quietly();
        one_by_one.push_str(said.lines().nth(1).unwrap());
        one_by_one.push('\n');
    }
    assert!(fitted.starts_with(&one_by_one), "one row at a time:\n{one_by_one}");

    lines.reverse();
    let reversed = desk.run_with(line, format!("{header}{}\n", lines.join("\n"))).quietly();
    let mut back = assignments(&reversed);
    back.reverse();
    assert_eq!(back, assignments(&fitted), "in another order");

    // Columns in another order and new ones beside them make no difference either.
    let moved: String = std::iter::once("kind,z,new,y,x,key".to_string())
        .chain(lines.iter().rev().map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{},{},9,{},{},{}", cells[4], cells[3], cells[2], cells[1], cells[0])
        }))
        .fold(String::new(), |text, line| text + &line + "\n");
    assert_eq!(desk.run_with(line, moved).quietly(), fitted, "columns in another order");
}

#[test]
fn distances_have_six_digits_or_all() {
    let desk = Desk::with_model();
    let floats = |text: &str| -> Vec<[String; 2]> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows = reader.records().map(|record| record.unwrap());
        rows.map(|row| [row[3].to_string(), row[4].to_string()]).collect()
    };
    let digits = |text: &str| text.trim_start_matches(['0', '.']).bytes().filter(u8::is_ascii_digit).count();
    desk.put("r.toml", "[input]\npath = \"t.csv\"\nid = \"user_id\"\n[analysis]\nk = 3\n");
    for line in [
        "assign m.json t.csv --id user_id --device cpu -q --out out --force",
        "fit t.csv --k 3 --id user_id --device cpu -q --out out --force",
        "run r.toml --device cpu -q --out out --force",
    ] {
        desk.run(line).quietly();
        let short = desk.read("out/assignments.csv");
        desk.run(&format!("{line} --full-precision")).quietly();
        let full = desk.read("out/assignments.csv");
        assert!(short.len() < full.len());
        if !line.starts_with("run") {
            assert_eq!(desk.run(&format!("{line} --labels -")).quietly(), short, "{line}");
            assert_eq!(desk.run(&format!("{line} --full-precision --labels -")).quietly(), full, "{line}");
        }
        let all = floats(&full);
        assert!(all.iter().flatten().any(|text| digits(text) > 12), "{line}: {all:?}");
        for (short, full) in floats(&short).iter().flatten().zip(all.iter().flatten()) {
            assert!(digits(short) <= 6, "{line}: {short}");
            let (short, full): (f64, f64) = (short.parse().unwrap(), full.parse().unwrap());
            assert!((short - full).abs() <= 5e-6 * full, "{line}: {short} for {full}");
        }
    }
}

#[test]
fn a_codes_column_stays_text_in_a_batch_of_digits() {
    let desk = Desk::new();
    let rows: String = (0..30).map(|i| format!("{},{}\n", ["12", "7", "x"][i % 3], i % 3 * 10)).collect();
    desk.put("t.csv", format!("code,spend\n{rows}"));
    desk.run("fit t.csv --device cpu -q --k 3 --out out").quietly();
    let line = "assign out/model.json - --format csv --device cpu --labels -";
    let digits = desk.run_with(line, "code,spend\n12,0\n7,10\n").quietly();
    let fitted = desk.read("out/assignments.csv");
    assert!(fitted.starts_with(&digits), "{digits}");
}

#[test]
fn duplicated_and_shuffled_tables_of_the_same_rows_give_the_same_segments() {
    let desk = Desk::with_table();
    let text = learners();
    let (header, rows) = text.split_once('\n').unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.rotate_left(17);
    desk.put("turned.csv", format!("{header}\n{}\n", rows.join("\n")));
    let of = |name: &str| {
        desk.run(&format!("fit {name} --device cpu -q --k 3 --id user_id --out out --force")).quietly();
        let mut found = assignments(&desk.read("out/assignments.csv"));
        found.sort();
        found
    };
    assert_eq!(of("t.csv"), of("turned.csv"), "three groups of equal size are told apart by their centroids");
}
