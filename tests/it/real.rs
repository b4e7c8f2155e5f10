//! The main job on a real table, through the binary: the same bytes from every device.

use crate::devices::skip;
use assert_cmd::Command;
use std::path::{Path, PathBuf};

fn oulad() -> Option<PathBuf> {
    let data = std::env::var_os("SEGMENTA_DATA").map(PathBuf::from);
    if data.is_none() {
        skip("SEGMENTA_DATA is not set: the main job is not run on a real table");
    }
    data.map(|d| d.join("oulad/learners.csv"))
}

fn fit(table: &Path, out: &Path, flags: &[&str]) -> (Vec<u8>, Vec<u8>) {
    let mut command = Command::cargo_bin("segmenta").unwrap();
    command.args(["fit", "--k", "5", "--seed", "1", "--quiet", "--out"]).arg(out).arg(table).args(flags);
    command.assert().success();
    let read = |name| std::fs::read(out.join(name)).unwrap();
    (read("assignments.csv"), read("model.json"))
}

/// `--device` of every GPU adapter.
fn adapters() -> Vec<String> {
    #[cfg(feature = "gpu")]
    let count = segmenta::backend::gpu::adapters().len();
    #[cfg(not(feature = "gpu"))]
    let count = 0;
    (0..count).map(|i| format!("gpu:{i}")).collect()
}

#[test]
fn a_real_table_gives_the_same_bytes_on_every_device() {
    let Some(table) = oulad() else { return };
    let dir = tempfile::tempdir().unwrap();
    let expected = fit(&table, &dir.path().join("one"), &["--device", "cpu", "--threads", "1"]);
    assert!(expected.0.len() > 1_000_000);
    let two = fit(&table, &dir.path().join("two"), &["--device", "cpu", "--threads", "2"]);
    assert!(expected == two, "1 and 2 threads differ");
    for device in adapters() {
        let got = fit(&table, &dir.path().join(device.replace(':', "-")), &["--device", &device]);
        assert!(expected == got, "cpu and {device} differ");
    }

    // And the model gives the labels of the fit back.
    let again = dir.path().join("again");
    let model = dir.path().join("one/model.json");
    let mut command = Command::cargo_bin("segmenta").unwrap();
    command.args(["assign", "--quiet", "--out"]).arg(&again).arg(model).arg(&table).assert().success();
    assert!(expected.0 == std::fs::read(again.join("assignments.csv")).unwrap(), "assign differs from fit");
}
