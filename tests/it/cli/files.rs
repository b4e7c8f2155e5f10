//! The files of a run: whole or not at all, and never over older ones unasked.

use super::{Desk, FILES, learners};
use crate::devices::skip;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn results_that_are_there_stay_without_force() {
    let desk = Desk::with_model();
    std::fs::create_dir(desk.path("out")).unwrap();
    for name in FILES {
        let file = format!("out/{name}");
        desk.put(&file, "old");
        desk.fails("fit t.csv --device cpu -q --k 3 --out out", 2, &[&file, "--force"]);
        // Before any work: even the input is not looked at.
        desk.fails("fit nosuch.csv --device cpu -q --k 3 --out out", 2, &[&file, "--force"]);
        // With --force a failed run still leaves the old ones.
        desk.fails("fit t.csv --device cpu -q --k 90 --out out --force", 3, &["distinct"]);
        std::fs::remove_file(desk.path(&file)).unwrap();
    }
    desk.put("out/assignments.csv", "old");
    desk.fails("assign m.json t.csv -q --out out", 2, &["out/assignments.csv", "--force"]);
    desk.put("out/x.csv", "old");
    desk.fails("synth blobs --rows 5 --out out/x.csv", 2, &["out/x.csv", "--force"]);
    desk.fails("synth learners --rows 5 --out out/x.csv", 2, &["out/x.csv", "--force"]);
    desk.put("out/y-labels.npy", "old");
    desk.fails("synth blobs --rows 5 --out out/y.npy", 2, &["out/y-labels.npy", "--force"]);

    desk.put("out/notes.txt", "mine");
    desk.run("fit t.csv --device cpu -q --k 3 --out out --force").quietly();
    desk.run("synth blobs --rows 5 --out out/x.csv --force").quietly();
    let mut expected: Vec<&str> = FILES.to_vec();
    expected.extend(["notes.txt", "x.csv", "y-labels.npy"]);
    expected.sort_unstable();
    assert_eq!(desk.names("out"), expected, "no temporary file is left");
    assert_eq!(desk.read("out/notes.txt"), "mine");
    assert_eq!(desk.read("out/model.json"), desk.read("m.json"));
}

#[test]
fn folders_that_cannot_be_written() {
    let desk = Desk::with_table();
    desk.put("file", "");
    desk.fails("fit t.csv --device cpu -q --k 3 --out file", 2, &["file", "folder"]);
    desk.fails("fit t.csv --device cpu -q --k 3 --out t.csv/out", 1, &["t.csv/out"]);
    std::fs::create_dir_all(desk.path("out/model.json")).unwrap();
    desk.fails("fit t.csv --device cpu -q --k 3 --out out --force", 2, &["out/model.json", "folder"]);
    desk.fails("synth blobs --rows 5 --out nowhere/x.csv", 1, &["nowhere/x.csv"]);
}

#[test]
fn folders_are_made_and_unmade() {
    let desk = Desk::with_table();
    desk.fails("fit nosuch.csv --device cpu -q --k 3 --out a/b/c", 3, &["nosuch.csv"]);
    desk.run("fit t.csv --device cpu -q --k 3 --out a/b/c").quietly();
    assert_eq!(desk.names("a/b/c"), FILES);
    let said = desk.run("fit t.csv --device cpu -q --k 3");
    assert_eq!((said.code, desk.names("segmenta-out")), (Some(0), FILES.map(String::from).to_vec()));
}

#[test]
fn a_dry_run_writes_nothing() {
    let desk = Desk::with_table();
    let before = desk.everything();
    let said = desk.run("fit t.csv --device cpu --k 3 --out out --dry-run");
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{}", said.err);
    for word in ["60 rows", "spend", "model.json", "out"] {
        assert!(said.err.contains(word), "{}", said.err);
    }
    assert!(before == desk.everything());
    desk.fails("fit t.csv --dry-run -q --features spnd --out out", 3, &["spnd"]);
    std::fs::create_dir(desk.path("out")).unwrap();
    desk.put("out/model.json", "old");
    desk.fails("fit t.csv --dry-run -q --k 3 --out out", 2, &["out/model.json"]);
}

#[test]
fn files_hold_no_path_and_no_time() {
    let desk = Desk::with_table();
    let fit = "fit t.csv --device cpu -q --k 3 --id user_id --out";
    desk.run(&format!("{fit} here")).quietly();
    let elsewhere = Desk::new();
    elsewhere.put("other.csv", learners());
    elsewhere.run(&format!("{fit} there").replace("t.csv", "other.csv")).quietly();
    for name in ["model.json", "assignments.csv"] {
        let text = desk.read(&format!("here/{name}"));
        assert_eq!(text, elsewhere.read(&format!("there/{name}")), "{name}");
        for word in ["t.csv", "/", "seconds", "time", "date", "here"] {
            assert!(!text.contains(word), "{name} holds {word:?}");
        }
    }
    // The metrics name the table as the command line did, and hold no other path.
    let metrics: serde_json::Value = serde_json::from_str(&desk.read("here/metrics.json")).unwrap();
    let again = format!("segmenta {fit} here");
    assert_eq!(metrics["source"], serde_json::json!({ "table": "t.csv", "again": again }));
    assert!(!desk.read("here/metrics.json").contains(desk.path("").to_str().unwrap()));
}

/// A tmpfs of 64 KiB, gone when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir(at).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "none"]).arg(at).output();
        mount.is_ok_and(|m| m.status.success()).then(|| SmallDisk(at.to_path_buf()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let desk = Desk::with_model();
    let Some(_disk) = SmallDisk::mount(&desk.path("disk")) else {
        skip("no tmpfs can be mounted here: a full disk is not tested");
        return;
    };
    desk.run("synth blobs --rows 20000 --features 2 --centers 3 --out big.csv").quietly();
    desk.run("synth blobs --rows 20000 --features 2 --centers 3 --out big.npy").quietly();
    desk.run("fit big.csv --device cpu -q --features f0,f1 --k 3 --out wide").quietly();

    let full = ["No space left"];
    desk.fails("synth blobs --rows 20000 --out disk/x.csv", 1, &[&["disk/x.csv"][..], &full].concat());
    desk.fails("synth blobs --rows 20000 --out disk/x.npy", 1, &[&["disk/x.npy"][..], &full].concat());
    desk.fails("synth blobs --rows 20000 --out disk/x.csv.gz", 1, &[&["disk/x.csv.gz"][..], &full].concat());
    desk.fails("synth learners --rows 20000 --out disk/x.csv", 1, &[&["disk/x.csv"][..], &full].concat());
    let words = [&["disk/out/assignments.csv"][..], &full].concat();
    desk.fails("fit big.csv --device cpu -q --k 3 --out disk/out", 1, &words);
    desk.fails("assign wide/model.json big.csv --device cpu -q --out disk/out", 1, &words);

    // An older result of a smaller table stays whole where a larger one does not fit.
    desk.run("fit t.csv --device cpu -q --k 3 --out disk/old").quietly();
    let words = [&["disk/old/assignments.csv"][..], &full].concat();
    desk.fails("fit big.npy --device cpu -q --k 3 --out disk/old --force", 1, &words);
    assert_eq!(desk.names("disk/old"), FILES);
}
