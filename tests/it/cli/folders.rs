//! A folder of results is one run's, whole: two runs at once, files that come meanwhile, renames that fail, kills.

use super::{Desk, FILES, Said, learners};
use std::io::Write as _;
use std::process::{Child, Stdio};

/// The lock of a folder that a run writes into.
const LOCK: &str = ".segmenta-lock";

/// A fit into `out` that has opened its outputs and waits for its table on stdin.
fn waiting_fit(desk: &Desk, flags: &str) -> Child {
    let line = format!("fit - --format csv --device cpu -q --k 3 --out out {flags}");
    let mut command = desk.process(&line);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let opened = || {
        let names = if desk.path("out").is_dir() { desk.names("out") } else { Vec::new() };
        let unfinished = names.iter().filter(|name| name.ends_with(".tmp")).count();
        names.iter().any(|name| name == LOCK) && unfinished == FILES.len()
    };
    while !opened() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it opened its outputs");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child
}

/// Gives it the table, and waits for its end.
fn go_on(mut child: Child) -> Said {
    child.stdin.take().unwrap().write_all(learners().as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

/// A folder's files with their bytes.
fn bytes(desk: &Desk, folder: &str) -> Vec<(String, Vec<u8>)> {
    let read = |name: String| {
        let bytes = std::fs::read(desk.path(folder).join(&name)).unwrap();
        (name, bytes)
    };
    desk.names(folder).into_iter().map(read).collect()
}

#[test]
fn of_two_runs_into_one_folder_one_succeeds() {
    for flags in ["", "--force"] {
        let desk = Desk::with_model();
        let first = waiting_fit(&desk, flags);
        let before = desk.everything();
        for line in [
            format!("fit t.csv --device cpu -q --k 2 --out out {flags}"),
            format!("assign m.json t.csv --device cpu -q --out out {flags}"),
            format!("demo --device cpu -q --out out {flags}"),
        ] {
            let said = desk.run(&line);
            desk.one_clear_line(&line, &said, 2, &["another run", "out", "--out"]);
            assert!(before == desk.everything(), "{line}: it must leave the first one's files alone");
        }
        go_on(first).quietly();
        desk.fails("fit t.csv --device cpu -q --k 2 --out out", 2, &["out/", "--force"]);
    }
}

#[test]
fn a_file_that_comes_while_a_run_works_is_not_replaced() {
    for name in ["model.json", "assignments.csv", "assignments.parquet"] {
        let desk = Desk::new();
        let run = waiting_fit(&desk, "");
        let file = format!("out/{name}");
        desk.put(&file, "mine");
        let said = go_on(run);
        desk.one_clear_line(name, &said, 2, &[&file, "--force"]);
        assert_eq!(bytes(&desk, "out"), [(name.to_string(), b"mine".to_vec())]);
    }
    // The features lie elsewhere and are part of the run all the same.
    let desk = Desk::new();
    let run = waiting_fit(&desk, "--features-out f.csv");
    desk.put("f.csv", "mine");
    let said = go_on(run);
    desk.one_clear_line("features", &said, 2, &["f.csv", "--force"]);
    assert_eq!((desk.names("."), desk.read("f.csv")), (vec!["f.csv".to_string()], "mine".to_string()));
}

#[test]
fn a_rename_that_fails_leaves_the_old_files() {
    let desk = Desk::with_table();
    for blocked in FILES {
        desk.run("fit t.csv --device cpu -q --k 2 --out out --force").quietly();
        let run = waiting_fit(&desk, "--force");
        let path = desk.path("out").join(blocked);
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let others = |desk: &Desk| -> Vec<Vec<u8>> {
            let others = FILES.iter().filter(|name| **name != blocked);
            others.map(|name| std::fs::read(desk.path("out").join(name)).unwrap()).collect()
        };
        let old = others(&desk);
        let said = go_on(run);
        desk.one_clear_line(blocked, &said, 1, &[&format!("out/{blocked}")]);
        assert!(others(&desk) == old, "{blocked}: the others are as they were");
        assert_eq!(desk.names("out"), FILES);
        std::fs::remove_dir(&path).unwrap();
    }
}

#[test]
fn force_replaces_the_whole_set() {
    let desk = Desk::with_table();
    let fit = "fit t.csv --device cpu -q --out out --k";
    desk.run(&format!("{fit} 2")).quietly();
    let old = bytes(&desk, "out");
    if cfg!(feature = "parquet") {
        // Other assignments beside the new model would be of another run, whatever their format.
        desk.fails(&format!("{fit} 3 --assignments parquet"), 2, &["out/", "--force"]);
        std::fs::remove_file(desk.path("out/model.json")).unwrap();
        std::fs::remove_file(desk.path("out/metrics.json")).unwrap();
        std::fs::remove_file(desk.path("out/report.html")).unwrap();
        let words = ["out/assignments.csv", "--force"];
        desk.fails(&format!("{fit} 3 --assignments parquet"), 2, &words);
        assert_eq!(bytes(&desk, "out"), old[..1]);
        desk.run(&format!("{fit} 3 --assignments parquet --force")).quietly();
        assert_eq!(desk.names("out"), ["assignments.parquet", "metrics.json", "model.json", "report.html"]);
        desk.run(&format!("{fit} 3 --force")).quietly();
        assert_eq!(desk.names("out"), FILES);
    }
    // Assignments that go to stdout leave none of an earlier run beside their model.
    desk.run(&format!("{fit} 4 --labels - --force -q").replace("-q --out", "--out")).quietly();
    assert_eq!(desk.names("out"), ["metrics.json", "model.json", "report.html"]);
}

#[test]
fn assignments_go_beside_no_other_model() {
    let desk = Desk::with_model();
    desk.run("fit t.csv --device cpu -q --k 5 --out five").quietly();
    let words = ["five/model.json", "another fit", "--out"];
    desk.fails("assign m.json t.csv --device cpu -q --out five --force", 2, &words);
    // Beside its own they may; a name that a person gave a segment makes it no other.
    desk.run("assign five/model.json t.csv --device cpu -q --out five --force").quietly();
    let named =
        desk.read("five/model.json").replacen("\"segment\": 0,", "\"segment\": 0,\n\"name\": \"new\",", 1);
    desk.put("named.json", named);
    desk.run("assign named.json t.csv --device cpu -q --out five --force").quietly();
}

#[test]
fn the_files_of_a_run_say_that_they_belong_together() {
    let desk = Desk::with_table();
    let run_of = |file: &str| -> String {
        let found: serde_json::Value = serde_json::from_str(&desk.read(file)).unwrap();
        found["run"].as_str().unwrap().to_string()
    };
    let fit = "fit t.csv --device cpu -q --k";
    for (folder, flags) in [("a", "3"), ("b", "3"), ("c", "2"), ("d", "3 --seed 1")] {
        desk.run(&format!("{fit} {flags} --out {folder}")).quietly();
        let name = run_of(&format!("{folder}/model.json"));
        assert_eq!(run_of(&format!("{folder}/metrics.json")), name);
        assert!(name.len() == 16 && name.bytes().all(|b| b.is_ascii_hexdigit()), "{name}");
    }
    assert_eq!(run_of("a/model.json"), run_of("b/model.json"), "what is the same is called the same");
    assert!(run_of("a/model.json") != run_of("c/model.json"));
    assert!(run_of("a/model.json") != run_of("d/model.json"));

    // A text table has no room for it; the metrics hold its digest.
    let metrics: serde_json::Value = serde_json::from_str(&desk.read("a/metrics.json")).unwrap();
    assert_eq!(metrics["assignments"]["file"], "assignments.csv");
    let digest = metrics["assignments"]["sha256"].as_str().unwrap();
    use sha2::Digest as _;
    let expected = sha2::Sha256::digest(desk.read("a/assignments.csv"));
    assert_eq!(digest, expected.iter().map(|byte| format!("{byte:02x}")).collect::<String>());

    let assigned = desk.run("assign c/model.json t.csv --device cpu -q --json --out e").json().0;
    assert_eq!(assigned["run"], run_of("c/model.json"));
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_assignments_say_which_run_they_are_of() {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    let desk = Desk::with_table();
    desk.run("fit t.csv --device cpu -q --k 3 --assignments parquet --out a").quietly();
    desk.run("assign a/model.json t.csv --device cpu -q --assignments parquet --out b").quietly();
    let model: serde_json::Value = serde_json::from_str(&desk.read("a/model.json")).unwrap();
    for folder in ["a", "b"] {
        let file = std::fs::File::open(desk.path(folder).join("assignments.parquet")).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let metadata = reader.metadata().file_metadata().key_value_metadata().unwrap();
        let run = metadata.iter().find(|m| m.key == "segmenta.run").unwrap();
        assert_eq!(run.value.as_deref(), model["run"].as_str(), "{folder}");
    }
}

/// What a killed run leaves in `out` once it has decided to replace the old files: everything up to its `moved`-th
/// rename done, in the order of `files`.
fn killed_at(desk: &Desk, moved: usize) {
    let out = desk.path("out");
    let lines: Vec<serde_json::Value> = FILES
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let (temporary, old) = (format!(".segmenta-{i}.tmp"), format!(".segmenta-{i}.old"));
            std::fs::copy(desk.path("new").join(name), out.join(&temporary)).unwrap();
            if i < moved {
                std::fs::rename(out.join(name), out.join(&old)).unwrap();
                std::fs::rename(out.join(&temporary), out.join(name)).unwrap();
            } else if i == moved {
                std::fs::hard_link(out.join(name), out.join(&old)).unwrap();
            }
            serde_json::json!({ "temporary": temporary, "name": name, "old": old })
        })
        .collect();
    std::fs::write(out.join(".segmenta-commit"), serde_json::to_vec(&lines).unwrap()).unwrap();
    std::fs::write(out.join(LOCK), "").unwrap();
}

#[test]
fn what_a_kill_between_renames_left_is_finished() {
    let desk = Desk::with_table();
    desk.run("fit t.csv --device cpu -q --k 2 --out old").quietly();
    desk.run("fit t.csv --device cpu -q --k 3 --out new").quietly();
    let new = bytes(&desk, "new");
    // Whoever comes next: a reader of the model, or a writer.
    for line in [
        "assign out/model.json t.csv --device cpu -q --out elsewhere --force",
        "drift out/model.json t.csv --device cpu -q",
        "fit t.csv --init out/model.json --device cpu -q --out elsewhere --force",
        "fit t.csv --k 4 --device cpu -q --out out",
    ] {
        for moved in 0..=FILES.len() {
            let _ = std::fs::remove_dir_all(desk.path("out"));
            std::fs::create_dir(desk.path("out")).unwrap();
            for (name, bytes) in bytes(&desk, "old") {
                desk.put(&format!("out/{name}"), bytes);
            }
            killed_at(&desk, moved);
            let said = desk.run(line);
            let code = if line.ends_with("--out out") { 2 } else { 0 };
            assert_eq!(said.code, Some(code), "{line}, killed at {moved}: {}", said.err);
            assert!(bytes(&desk, "out") == new, "{line}, killed at {moved}: {:?}", desk.names("out"));
        }
    }
}

#[test]
fn a_journal_that_cannot_be_followed_puts_the_old_files_back() {
    let desk = Desk::with_table();
    desk.run("fit t.csv --device cpu -q --k 2 --out old").quietly();
    desk.run("fit t.csv --device cpu -q --k 3 --out new").quietly();
    std::fs::create_dir(desk.path("out")).unwrap();
    for (name, bytes) in bytes(&desk, "old") {
        desk.put(&format!("out/{name}"), bytes);
    }
    killed_at(&desk, 1);
    std::fs::remove_file(desk.path("out/model.json")).unwrap();
    std::fs::create_dir(desk.path("out/model.json")).unwrap();
    let said = desk.run("fit t.csv --k 4 --device cpu -q --out out --force");
    desk.one_clear_line("journal", &said, 1, &["out/model.json", "folder"]);
    for name in ["assignments.csv", "metrics.json"] {
        assert_eq!(desk.read(&format!("out/{name}")), desk.read(&format!("old/{name}")), "{name}");
    }
    assert_eq!(desk.names("out"), FILES);
    // A journal that is not ours moves nothing, and nothing outside of its folder.
    for text in ["no journal", r#"[{"temporary": "../t.csv", "name": "x", "old": "y"}]"#] {
        let table = desk.read("t.csv");
        desk.put("old/.segmenta-commit", text);
        let before = desk.read("old/model.json");
        desk.run("drift old/model.json t.csv --device cpu -q").code.unwrap();
        assert_eq!((desk.read("old/model.json"), desk.read("t.csv")), (before, table), "{text}");
        assert_eq!(desk.names("old"), FILES, "{text}");
    }
}
