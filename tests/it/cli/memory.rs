//! `--max-memory`: what does not fit is one line and exit code 3, and nothing aborts.

use super::{Desk, Said, gzip};
use std::fmt::Write as _;

/// Rows of a table that takes a few megabytes.
const ROWS: usize = 20_000;

/// Two plain groups, no row twice.
fn table() -> String {
    let mut text = String::from("age,spend\n");
    for row in 0..ROWS {
        writeln!(text, "{}.25,{}.5", row % 2 * 50_000 + row, row % 2 * 900 + row % 11).unwrap();
    }
    text
}

#[test]
fn what_does_not_fit_is_said_before_the_work() {
    let desk = Desk::new();
    desk.put("t.csv", table());
    desk.put("t.csv.gz", gzip(table().as_bytes()));
    desk.run("fit t.csv --device cpu -q --k 2 --n-init 1 --out m --max-memory 50M").quietly();
    for verb in [
        "inspect -q {}",
        "tendency -q --device cpu {}",
        "sweep -q --device cpu --k 2..3 {}",
        "fit -q --device cpu --k 2 --out o {}",
        "assign -q --device cpu --out o m/model.json {}",
        "drift -q --device cpu m/model.json {}",
    ] {
        for name in ["t.csv", "t.csv.gz"] {
            let line = format!("{} --max-memory 300kB", verb.replace("{}", name));
            let words = [name, "this table needs about ", "the limit is 300 kB", "--max-memory"];
            desk.fails(&line, 3, &words);
        }
    }
    // It fits while it is read, and then its features do not.
    assert_eq!(desk.run("inspect t.csv -q --max-memory 1.9M").code, Some(0));
    desk.fails("fit -q t.csv --device cpu --k 2 --out o --max-memory 1.9M", 3, &["t.csv", "1.9 MB"]);
    // Each start remembers the labels of its last pass.
    let many = "fit -q t.csv --device cpu --k 2 --n-init 100000 --out o --max-memory 50M";
    desk.fails(many, 3, &["t.csv", "needs about 2 GB", "50 MB"]);
    let piped = desk.run_with("inspect - --format csv -q --max-memory 100kB", table());
    desk.one_clear_line("inspect -", &piped, 3, &["stdin", "100 kB"]);
}

#[test]
fn the_limit_is_a_size() {
    let desk = Desk::with_table();
    for size in ["8G", "500M", "1.5GiB", "20 MB", "3000000", "2t"] {
        let mut command = desk.command("inspect t.csv -q");
        let said: Said = command.args(["--max-memory", size]).output().unwrap().into();
        desk.expect(said.code == Some(0), || format!("{size}: {said:?}"));
    }
    for size in ["0", "-1", "much", "8X", "8i", "1e3", "", "99999999T"] {
        let mut command = desk.command("inspect t.csv -q");
        let said: Said = command.arg(format!("--max-memory={size}")).output().unwrap().into();
        let right = said.code == Some(2) && said.err.contains("--max-memory");
        desk.expect(right, || format!("{size}: {said:?}"));
    }
    // A flag overrides the environment.
    let with =
        |line: &str| -> Said { desk.command(line).env("SEGMENTA_MAX_MEMORY", "1k").output().unwrap().into() };
    desk.one_clear_line("inspect", &with("inspect t.csv -q"), 3, &["t.csv", "the limit is 1 kB"]);
    assert_eq!(with("inspect t.csv -q --max-memory 1G").code, Some(0));
}

/// Two hundred megabytes in a few hundred kilobytes, where the system gives no more than half a gigabyte.
#[test]
#[cfg(target_os = "linux")]
fn a_small_file_that_unpacks_to_much_is_an_error() {
    let desk = Desk::new();
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut zip, b"a,b,c,d\n").unwrap();
    let rows = "1,2,3,45\n".repeat(1_000_000);
    for _ in 0..22 {
        std::io::Write::write_all(&mut zip, rows.as_bytes()).unwrap();
    }
    drop(rows);
    desk.put("t.csv.gz", zip.finish().unwrap());
    let limited = |line: &str| -> Said {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "ulimit -v 512000 && exec \"$@\"", "sh", env!("CARGO_BIN_EXE_segmenta")]);
        command.args(line.split_whitespace()).current_dir(desk.path("."));
        command.env("MALLOC_ARENA_MAX", "2").env("SEGMENTA_THREADS", "2").env("RAYON_NUM_THREADS", "2");
        command.env_remove("SEGMENTA_MAX_MEMORY").output().unwrap().into()
    };
    for line in ["inspect t.csv.gz -q", "fit t.csv.gz -q --k 2 --device cpu --out o"] {
        desk.one_clear_line(line, &limited(line), 3, &["t.csv.gz", "this table needs about "]);
    }
    assert_eq!(desk.names("."), ["t.csv.gz"]);
}

#[test]
fn the_memory_of_a_gpu_is_limited() {
    let desk = Desk::with_table();
    let fit = "fit t.csv -q --k 2 --out m --force --max-gpu-mem";
    // Without a real GPU the limit means nothing.
    desk.run_without_gpu(&format!("{fit} 1kB")).quietly();
    desk.run(&format!("{fit} 1kB --device cpu")).quietly();
    if desk.run("doctor --json").json().0["adapters"].as_array().unwrap().is_empty() {
        crate::devices::skip("no GPU adapter: the limit of its memory is not tested");
        return;
    }
    // Some drivers complain on stderr.
    assert_eq!(desk.run(&format!("{fit} 100MB --device gpu")).code, Some(0));
    let words = ["this table needs about 1.1 MB of the GPU's memory, and the limit is 1 kB", "--max-gpu-mem"];
    desk.fails("fit t.csv -q --k 2 --out n --max-gpu-mem 1kB --device gpu", 1, &words);
    let said = desk.command("tendency t.csv -q --device gpu").env("SEGMENTA_MAX_GPU_MEM", "1kB").output();
    assert_eq!(said.unwrap().status.code(), Some(1));
    assert_eq!(desk.run("fit t.csv --max-gpu-mem lots").code, Some(2));
}
