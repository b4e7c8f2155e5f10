//! Pipes and signals: stdin, stdout to a full disk or to nobody, an interrupt, a kill.

use super::{COLUMNS, Desk, FILES, Said, assignments, learners};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Everything that prints results.
const PRINTING: [&str; 10] = [
    "inspect t.csv -q",
    "tendency t.csv -q --device cpu --json",
    "sweep t.csv -q --device cpu --k 2..4",
    "fit t.csv -q --device cpu --k 3 --out fit",
    "fit t.csv -q --device cpu --k 3 --out labels --labels -",
    "assign m.json t.csv -q --device cpu --out assign",
    "assign m.json t.csv -q --device cpu --labels -",
    // More than the buffers hold, so that writing fails before the end.
    "assign m.json big.csv -q --device cpu --labels -",
    "synth blobs --rows 9000 --out -",
    "synth learners --rows 20000 --out -",
];

/// With `big.csv`, 9,000 rows for `m.json`.
fn with_big_table() -> Desk {
    let desk = Desk::with_model();
    let table = learners();
    let (header, rows) = table.split_once('\n').unwrap();
    desk.put("big.csv", format!("{header}\n{}", rows.repeat(150)));
    desk
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_stdout_is_a_failure() {
    let desk = with_big_table();
    for line in PRINTING {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let child = desk.process(line).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        let said = Said::from(child.wait_with_output().unwrap());
        desk.one_clear_line(line, &said, 1, &["stdout", "No space left"]);
    }
    assert_eq!(
        desk.names("labels"),
        ["metrics.json", "model.json", "report.html"],
        "the model outlives its reader"
    );
}

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    let desk = with_big_table();
    for line in PRINTING {
        // Closed before the first byte, so that there is no race.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = desk.process(line).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let said = Said::from(child.wait_with_output().unwrap());
        let quiet = (said.code, said.err.as_str()) == (Some(0), "");
        desk.expect(quiet, || format!("{line}: expected a quiet end, found {said:?}"));
    }
    assert_eq!(desk.names("fit"), FILES);
}

#[test]
fn a_reader_that_stops_early_is_no_error() {
    let desk = Desk::new();
    let mut child = desk
        .process("synth blobs --rows 20000 --out -")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::with_capacity(64, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("f0,f1,"));
    let said = Said::from(child.wait_with_output().unwrap());
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
}

#[test]
fn labels_alone_on_stdout() {
    let desk = Desk::with_model();
    let line = "fit t.csv --device cpu --k 3 --id user_id --out";
    let piped = desk.run(&format!("{line} piped --labels -"));
    assert_eq!(piped.code, Some(0));
    assert!(!piped.err.contains("segment,"), "{}", piped.err);
    desk.run(&format!("{line} filed -q")).quietly();
    assert_eq!(piped.out, desk.read("filed/assignments.csv"));
    assert_eq!(desk.names("piped"), ["metrics.json", "model.json", "report.html"]);
    assert_eq!(desk.read("piped/model.json"), desk.read("filed/model.json"));

    let before = desk.everything();
    let assigned = desk.run("assign m.json t.csv --device cpu --id user_id --labels -");
    assert_eq!(assigned.quietly(), piped.out);
    assert!(before == desk.everything(), "assign to a pipe writes no file");
    let swept = desk.run("fit t.csv --device cpu --out swept --labels -");
    assert_eq!(assignments(&swept.out).len(), 60);
    assert!(swept.out.starts_with(&format!("row,{}\n1,", COLUMNS.join(","))));
}

#[test]
fn tables_from_stdin() {
    let desk = Desk::with_model();
    let table = learners();
    let expected = desk.run("assign m.json t.csv --device cpu --labels -").quietly();
    let line = "assign m.json - --device cpu --labels - --format";
    assert_eq!(desk.run_with(&format!("{line} csv"), table.as_bytes()).quietly(), expected);
    assert_eq!(desk.run_with(&format!("{line} csv"), super::gzip(table.as_bytes())).quietly(), expected);
    assert_eq!(desk.run_with(&format!("{line} tsv"), table.replace(',', "\t")).quietly(), expected);
    let inspected = desk.run_with("inspect - --format csv -q", table.as_bytes()).quietly();
    assert_eq!(inspected, desk.run("inspect t.csv -q").quietly());
    let said = desk.run_with("fit - --format csv --k 2 -q --out out", "");
    desk.one_clear_line("empty stdin", &said, 3, &["stdin", "empty"]);
    let said = desk.run_with("inspect - --format csv -q", "a,b\n1,2\n3\n");
    desk.one_clear_line("ragged stdin", &said, 3, &["stdin", "line 3"]);
}

/// A fit that takes far longer than a test, running; its outputs are open.
#[cfg(unix)]
fn long_fit(desk: &Desk) -> Child {
    desk.run("synth blobs --rows 40000 --features 8 --out long.npy").quietly();
    let line = "fit long.npy --device cpu --k 300 --n-init 300 --tol 0 --max-iter 100000 --out out --force";
    let mut child = desk.process(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stderr = child.stderr.as_mut().unwrap();
    let (mut seen, mut byte) = (Vec::new(), [0]);
    // Byte by byte, so that the rest stays for the test.
    while !seen.ends_with(b"used: ") {
        assert_eq!(stderr.read(&mut byte).unwrap(), 1, "it ended: {}", String::from_utf8_lossy(&seen));
        seen.push(byte[0]);
    }
    child
}

#[cfg(unix)]
fn send(signal: &str, child: &Child) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn drivers_say_nothing() {
    let desk = Desk::with_model();
    for line in [
        "doctor",
        "doctor --json",
        "fit t.csv --k 3 -q --device gpu --out out",
        "assign m.json t.csv -q --device gpu --labels -",
    ] {
        // As in a cron job or a container, with whatever drivers this machine has.
        for directory in [None, Some("")] {
            let mut command = desk.process(line);
            command.env_remove("XDG_RUNTIME_DIR");
            directory.map(|directory| command.env("XDG_RUNTIME_DIR", directory));
            let said = Said::from(command.output().unwrap());
            let none = if cfg!(feature = "gpu") {
                "error: no GPU adapter was found\n"
            } else {
                "error: this program was built without GPU support\n"
            };
            let expected = if said.code == Some(5) { none } else { "" };
            assert!([Some(0), Some(5)].contains(&said.code), "{line}: {}", said.err);
            assert_eq!(said.err, expected, "{line}");
            let _ = std::fs::remove_dir_all(desk.path("out"));
        }
    }
}

/// How long a process may take to end. Far more than it needs on a busy machine: a limit against hanging.
#[cfg(unix)]
const LIMIT: Duration = Duration::from_secs(20);

/// Waits for the end, and fails instead of waiting for ever.
#[cfg(unix)]
fn ended(mut child: Child) -> Said {
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > LIMIT {
            child.kill().unwrap();
            panic!("it does not end: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap().into()
}

/// Waits until a run has opened its outputs: then it listens to signals, and is about to read its input.
#[cfg(unix)]
fn outputs_are_open(desk: &Desk, child: &mut Child, folder: &str) {
    let lock = desk.path(folder).join(".segmenta-lock");
    while !lock.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it opened its outputs");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A pipe with a name, which nobody writes to.
#[cfg(unix)]
fn fifo(desk: &Desk, name: &str) {
    assert!(Command::new("mkfifo").arg(desk.path(name)).status().unwrap().success());
}

#[test]
#[cfg(unix)]
fn an_interrupt_leaves_nothing() {
    for signal in ["-INT", "-TERM"] {
        let desk = Desk::new();
        let child = long_fit(&desk);
        send(signal, &child);
        let said = ended(child);
        assert_eq!((said.code, said.out.as_str()), (Some(130), ""), "{}", said.err);
        assert!(said.err.ends_with("\nerror: interrupted\n"), "{}", said.err);
        assert_eq!(desk.names("."), ["long-labels.npy", "long.npy"]);
    }
}

#[test]
#[cfg(unix)]
fn an_interrupt_ends_a_sweep() {
    let desk = Desk::new();
    desk.run("synth blobs --rows 60000 --features 24 --out long.npy").quietly();
    let line = "run r.toml --device cpu --out out";
    let analysis = "sweep = \"2..40\"\nn_init = 200\ntol = 0.0\nmax_iter = 100000";
    desk.put("r.toml", format!("[input]\npath = \"long.npy\"\n[analysis]\n{analysis}\n"));
    for signal in ["-INT", "-TERM"] {
        let mut child = desk.process(line).stderr(Stdio::piped()).spawn().unwrap();
        outputs_are_open(&desk, &mut child, "out");
        send(signal, &child);
        let said = ended(child);
        assert_eq!(
            (said.code, said.err.matches("error: interrupted").count()),
            (Some(130), 1),
            "{}",
            said.err
        );
        assert_eq!(desk.names("."), ["long-labels.npy", "long.npy", "r.toml"]);
    }
}

#[test]
#[cfg(unix)]
fn an_interrupt_ends_a_run_that_waits_for_its_input() {
    let desk = Desk::with_model();
    fifo(&desk, "never.csv");
    let before = desk.names(".");
    for signal in ["-INT", "-TERM"] {
        for line in [
            "fit - --format csv --k 3 --device cpu --out a/b --features-out f.csv",
            "fit never.csv --k 3 --device cpu --out a/b",
            "assign m.json never.csv --device cpu --out a/b",
            "assign m.json - --format csv --device cpu --out a/b",
        ] {
            // Some bytes, and then nothing: the pipe stays open.
            let mut command = desk.process(line);
            let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            stdin.write_all(b"user_id,age,spend,plan,active\n00001,").unwrap();
            outputs_are_open(&desk, &mut child, "a/b");
            send(signal, &child);
            let said = ended(child);
            assert_eq!((said.code, said.err.as_str()), (Some(130), "error: interrupted\n"), "{line}");
            assert_eq!(desk.names("."), before, "{line}");
        }
    }
}

#[test]
#[cfg(unix)]
fn an_interrupt_ends_a_run_that_parses() {
    let desk = Desk::new();
    desk.run("synth learners --rows 2000000 --out big.csv").quietly();
    for signal in ["-INT", "-TERM"] {
        let line = "fit big.csv --k 30 --n-init 50 --device cpu --out out";
        let mut child = desk.process(line).stderr(Stdio::piped()).spawn().unwrap();
        outputs_are_open(&desk, &mut child, "out");
        send(signal, &child);
        let said = ended(child);
        assert_eq!((said.code, said.err.as_str()), (Some(130), "error: interrupted\n"));
        assert_eq!(desk.names("."), ["big.csv"]);
    }
}

#[test]
#[cfg(unix)]
fn a_second_interrupt_ends_at_once_and_a_full_pipe_keeps_nothing_alive() {
    let desk = Desk::new();
    // Nobody reads what it prints: it is stuck in the middle of a line.
    let mut command = desk.process("synth learners --rows 300000 --out -");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 1];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    send("-INT", &child);
    send("-TERM", &child);
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < LIMIT, "it does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
#[cfg(unix)]
fn an_older_result_outlives_an_interrupt_and_a_kill() {
    let desk = Desk::with_table();
    desk.run("fit t.csv --device cpu -q --k 3 --out out").quietly();
    let old = FILES.map(|name| desk.read(&format!("out/{name}")));
    for signal in ["-INT", "-KILL"] {
        let child = long_fit(&desk);
        send(signal, &child);
        let said = ended(child);
        assert_eq!(said.code, if signal == "-INT" { Some(130) } else { None }, "{}", said.err);
        assert_eq!(FILES.map(|name| desk.read(&format!("out/{name}"))), old, "after {signal}");
        std::fs::remove_file(desk.path("long.npy")).unwrap();
        std::fs::remove_file(desk.path("long-labels.npy")).unwrap();
    }
    assert!(desk.names("out").len() > FILES.len(), "a kill leaves its temporary files and its lock");
    desk.run("fit t.csv --device cpu -q --k 2 --out out --force").quietly();
    assert!(desk.read("out/metrics.json").contains("\"k\": 2"), "what a kill left is in nobody's way");
    assert_eq!(desk.names("out"), FILES, "and the next run removes it");
}

#[test]
#[cfg(unix)]
fn an_interrupted_synth_leaves_nothing() {
    let desk = Desk::new();
    let mut child =
        desk.process("synth learners --rows 2000000 --out x.csv").stderr(Stdio::piped()).spawn().unwrap();
    let file_is_open = |child: &mut Child| {
        while desk.names(".").is_empty() {
            assert!(child.try_wait().unwrap().is_none(), "it ended before its file was open");
            std::thread::yield_now();
        }
    };
    file_is_open(&mut child);
    send("-TERM", &child);
    let said = ended(child);
    assert_eq!((said.code, desk.names(".")), (Some(130), Vec::new()), "{}", said.err);

    let mut child = desk.process("synth learners --rows 2000000 --out x.csv").spawn().unwrap();
    file_is_open(&mut child);
    send("-KILL", &child);
    assert_eq!(child.wait().unwrap().code(), None);
    assert_eq!(desk.names(".").len(), 1, "a kill leaves the temporary file");
    desk.run("synth learners --rows 5 --out x.csv").quietly();
    assert_eq!(desk.names("."), ["x.csv"], "which the next run removes");
}
