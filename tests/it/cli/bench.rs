//! `segmenta bench`: what it says, never how long anything took.

use super::{Desk, Said};
use serde_json::Value;
use std::collections::BTreeSet;

/// Small enough for a software device.
const SMALL: &str = "bench --rows 200 --features 3 --k 4 --n-init 2 --repeats 2";

const STEPS: [&str; 6] = ["lloyd", "nearest", "distance_sums", "fit", "sweep", "hopkins"];

fn keys(words: &str) -> BTreeSet<String> {
    words.split_whitespace().map(String::from).collect()
}

fn keys_of(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

fn positive(value: &Value) -> f64 {
    let number = value.as_f64().unwrap();
    assert!(number.is_finite() && number > 0.0, "{value}");
    number
}

/// Checks what is there for every device, and gives the device's steps.
fn steps(device: &Value) -> &Vec<Value> {
    assert_eq!(keys_of(&device["ceilings"]), keys("read_gb_per_second gflops"));
    device["ceilings"].as_object().unwrap().values().for_each(|v| assert!(positive(v) > 0.0));
    let steps = device["steps"].as_array().unwrap();
    assert_eq!(steps.iter().map(|s| s["name"].as_str().unwrap()).collect::<Vec<_>>(), STEPS);
    for (i, step) in steps.iter().enumerate() {
        assert_eq!((&step["device"], &step["rows"]), (&device["device"], &device["rows"]));
        let mut repeats: Vec<f64> = step["repeats"].as_array().unwrap().iter().map(positive).collect();
        repeats.sort_by(f64::total_cmp);
        let [low, high] = repeats[..] else { panic!("two repeats: {step}") };
        assert!((positive(&step["seconds"]) - (low + high) / 2.0).abs() < 1e-12, "{step}");
        positive(&step["rows_per_second"]);
        if i < 3 {
            positive(&step["gflops"]);
            // At most 1.5 where every pair takes one multiply-add a feature; so few rows leave no pair out.
            let share = positive(&step["share_of_ceiling"]);
            assert!(share < 1.5, "{step}");
        } else {
            assert!(step.get("gflops").is_none(), "passes of a whole job are not counted: {step}");
        }
    }
    steps
}

#[test]
fn the_help_teaches() {
    let desk = Desk::new();
    let help = desk.run("bench --help").quietly();
    let flags = "--rows --features --k --n-init --steps --repeats --device --threads --seed --json --quiet --progress";
    for word in
        flags.split(' ').chain(STEPS).chain(["of ceiling", "GFLOP/s", "the exit code is 1", "Examples:"])
    {
        assert!(help.contains(word), "bench --help does not mention {word}");
    }
    assert!(desk.run("--help").quietly().contains("\n  bench "));
}

#[test]
fn the_cpu() {
    let desk = Desk::new();
    let (found, top) = desk.run(&format!("{SMALL} --device cpu --seed 3 -q --json")).json();
    assert_eq!(top, keys("version command rows features k n_init repeats seed devices"));
    for (key, value) in [("rows", 200), ("features", 3), ("k", 4), ("n_init", 2), ("repeats", 2), ("seed", 3)]
    {
        assert_eq!(found[key], value);
    }
    let [cpu] = found["devices"].as_array().unwrap().as_slice() else { panic!("{found}") };
    assert_eq!(keys_of(cpu), keys("device name software rows ceilings steps"));
    assert_eq!((&cpu["device"], &cpu["software"]), (&"cpu".into(), &false.into()));
    for (i, step) in steps(cpu).iter().enumerate() {
        let counted = if i < 3 { " gflops share_of_ceiling" } else { "" };
        assert_eq!(
            keys_of(step),
            keys(&format!("name device rows seconds repeats rows_per_second{counted}"))
        );
    }

    let said = desk.run(&format!("{SMALL} --device cpu --threads 1"));
    // A stage that took a second or more is told when it ends.
    let (first, rest) = said.err.split_once('\n').unwrap();
    assert_eq!(
        (said.code, first),
        (Some(0), "measuring cpu; run nothing else on this machine until it is done")
    );
    assert!(rest.lines().all(|line| line.starts_with("cpu: ")), "{rest}");
    assert!(said.out.contains("1 thread,") && said.out.contains("3 features, k = 4"), "{}", said.out);
    for step in STEPS {
        assert!(said.out.lines().any(|l| l.trim_start().starts_with(&format!("{step} "))), "{}", said.out);
    }
}

#[test]
fn every_adapter_agrees_and_a_software_one_is_called_that() {
    let desk = Desk::new();
    let doctor: Value = serde_json::from_str(&desk.run("doctor --json").out).unwrap();
    let adapters = doctor["adapters"].as_array().unwrap();
    if adapters.is_empty() {
        crate::devices::skip("no GPU adapter: bench is not tested on one");
        return;
    }
    let said = desk.run(&format!("{SMALL} -q --json"));
    let (found, _) = said.json();
    let devices = found["devices"].as_array().unwrap();
    assert_eq!(devices.len(), 1 + adapters.len());
    for (i, (device, adapter)) in devices[1..].iter().zip(adapters).enumerate() {
        assert_eq!(device["device"], format!("gpu:{i}"));
        assert_eq!(device["software"], adapter["software"]);
        positive(&device["load_seconds"]);
        for (i, step) in steps(device).iter().enumerate() {
            assert_eq!(step["agrees"], true, "{step}");
            let most = if ["distance_sums", "sweep"].contains(&STEPS[i]) { 1e-5 } else { 0.0 };
            assert!(step["largest_difference"].as_f64().unwrap() <= most, "{step}");
            if i < 3 {
                positive(&step["readback_seconds"]);
            }
            // Not every driver has timestamps.
            if let Some(share) = step.get("gpu_busy_share") {
                assert!(positive(share) <= 1.0, "{step}");
            }
        }
    }
    let Some(software) = adapters.iter().position(|a| a["software"] == true) else { return };
    // Some drivers complain on stderr.
    let line = format!("bench --features 2 --n-init 1 --repeats 1 -q --device gpu:{software}");
    let Said { code, out: text, .. } = desk.run(&line);
    assert_eq!(code, Some(0));
    let plain = format!("gpu:{software} is a software device, which computes on the CPU");
    assert!(
        text.contains(&plain) && text.contains("It was measured with 1000 rows instead of 30000"),
        "{text}"
    );
    assert!(text.contains("agrees with the CPU: the same bits in lloyd"), "{text}");
}

#[test]
fn chosen_steps_alone_are_measured() {
    let desk = Desk::new();
    let found = desk.run(&format!("{SMALL} --device cpu -q --json --steps hopkins,lloyd")).json().0;
    let steps = found["devices"][0]["steps"].as_array().unwrap();
    assert_eq!(steps.iter().map(|s| s["name"].as_str().unwrap()).collect::<Vec<_>>(), ["lloyd", "hopkins"]);
    let said = desk.run("bench --steps lloyd,loyd");
    assert!(said.code == Some(2) && said.err.contains("distance_sums"), "{said:?}");
}

#[test]
fn without_an_adapter() {
    let desk = Desk::new();
    let said = desk.run_without_gpu(SMALL);
    assert_eq!(said.code, Some(0));
    assert!(said.err.starts_with("note: ") && said.err.contains("only the CPU is measured"), "{}", said.err);
    for device in ["gpu", "gpu:0"] {
        let line = format!("{SMALL} -q --device {device}");
        let said = Said { out: String::new(), ..desk.run_without_gpu(&line) };
        desk.one_clear_line(&line, &said, 5, &["GPU"]);
    }
}

#[test]
fn what_makes_no_sense() {
    let desk = Desk::new();
    for (flags, word) in [
        ("--rows 99", "99"),
        ("--rows 1e6", "1e6"),
        ("--rows 3000000000", "3000000000"),
        ("--features 0", "0"),
        ("--features 65537", "65537"),
        ("--k 0", "0"),
        ("--n-init 0", "0"),
        ("--repeats 0", "0"),
        ("--threads 0", "0"),
        ("--seed -1", "-1"),
        ("--device auto", "all, cpu, gpu"),
        ("--device gpu:x", "all, cpu, gpu"),
        ("table.csv", "table.csv"),
    ] {
        let said = desk.run(&format!("bench {flags}"));
        let right = said.code == Some(2) && said.out.is_empty() && said.err.contains(word);
        desk.expect(right, || format!("bench {flags}: {said:?}"));
    }
    desk.fails("bench -q --device cpu --rows 200 --k 201", 2, &["--k 201", "200 rows"]);
    let huge = "bench -q --device cpu --rows 2000000000 --features 65536 --k 2000000 --n-init 10000";
    desk.fails(huge, 2, &["TB of memory", "--max-memory"]);
}

#[test]
#[cfg(unix)]
fn an_interrupt_ends_it() {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::process::{Command, Stdio};
    let desk = Desk::new();
    let line = "bench --device cpu --rows 300000 --repeats 1000";
    let mut child = desk.process(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    err.read_line(&mut first).unwrap();
    assert!(first.starts_with("measuring cpu"), "{first}");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let mut rest = String::new();
    err.read_to_string(&mut rest).unwrap();
    let said = child.wait_with_output().unwrap();
    assert_eq!((said.status.code(), rest.as_str()), (Some(130), "error: interrupted\n"));
    assert!(said.stdout.is_empty());
}
