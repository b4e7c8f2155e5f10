//! The rules of the house that a machine can check.

mod imports;

use std::path::Path;

/// A shader names its twin in a line of its head: a file that computes the same on the CPU. Its host side is the file of the
/// same name below `src/backend/gpu`.
#[test]
fn every_shader_has_its_cpu_twin() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut hosts = Vec::new();
    each_file("src/backend/gpu", &["rs"], |name, _| hosts.push(name.to_string()));
    let mut shaders = 0;
    each_file("shaders", &["wgsl"], |name, text| {
        // Files without an entry point are there to be imported.
        if text.contains("@compute") {
            shaders += 1;
            let twin = text.split_once("Twin:").map_or("", |(_, rest)| rest);
            // It may be on the next line of the comment.
            let twin = twin.split_whitespace().find(|word| *word != "//").unwrap_or_default();
            let twin = twin.trim_end_matches('.');
            let of_the_cpu =
                ["src/backend/cpu/", "src/backend/host/"].iter().any(|dir| twin.starts_with(dir));
            assert!(of_the_cpu && root.join(twin).is_file(), "the twin of shaders/{name}: {twin:?}");
            let host = name.replace(".wgsl", ".rs");
            let there = hosts.iter().any(|path| path.rsplit('/').next() == Some(&host));
            assert!(there, "shaders/{name} has no {host} below src/backend/gpu");
        }
    });
    assert!(shaders > 3);
}

#[test]
fn only_the_program_prints_and_ends() {
    let mut read = 0;
    each_source(|name, text| {
        read += 1;
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let code = code.collect::<Vec<_>>().join("\n");
        if name != "main.rs" && name != "app.rs" && !name.starts_with("app/") {
            for word in ["println!", "print!(", "process::exit"] {
                assert!(!code.contains(word), "{name} has {word}, which belongs to the program");
            }
        }
    });
    assert!(read > 15);
}

/// A file of more lines does not fit a head.
const MOST_LINES: usize = 600;

#[test]
fn files_stay_small() {
    for folder in ["src", "tests", "benches", "fuzz/fuzz_targets", "shaders"] {
        each_file(folder, &["rs", "wgsl"], |name, text| {
            let lines = text.lines().count();
            assert!(
                lines <= MOST_LINES,
                "{folder}/{name} has {lines} lines, more than {MOST_LINES}: split it"
            );
        });
    }
}

#[test]
fn vectors_and_gpus_stay_in_the_backend() {
    each_source(|name, text| {
        let code = code(text);
        if name != "backend.rs" && !name.starts_with("backend/") {
            for word in ["pulp", "wgpu::", "std::arch"] {
                assert!(!code.contains(word), "{name} uses {word}, which belongs to src/backend");
            }
        }
        // Tests may compare the two.
        if name.starts_with("backend/gpu") && !name.ends_with("tests.rs") {
            for word in ["backend::cpu", "cpu::", "pulp"] {
                assert!(
                    !code.contains(word),
                    "{name} uses {word}: the GPU's host code does without the CPU's"
                );
            }
        }
        if name.starts_with("backend/cpu") || name.starts_with("backend/host") {
            assert!(!code.contains("gpu::"), "{name} uses the GPU's code");
        }
        if name.starts_with("backend/host") || name.starts_with("backend/simd") {
            assert!(!code.contains("cpu::"), "{name} uses the CPU backend's code");
        }
    });
}

/// The files that may have locks or lazy values, and why no thread of a parallel loop can wait there for another: nothing
/// is locked, and nothing lazy is initialised, across a call of rayon. A thread that waits in rayon may take up any other
/// task, so that it could come to wait for itself.
const LOCKS: [(&str, &str); 7] = [
    (
        "backend/cpu/distance_sums/pairs.rs",
        "a block's sums are locked while one task adds to them, in plain loops",
    ),
    (
        "backend/gpu.rs",
        "the table of kernels is locked to look one up; a kernel is made by the driver's compiler alone",
    ),
    (
        "backend/gpu/context.rs",
        "the list of adapters is made by the drivers alone; the failure is a text that is stored or read",
    ),
    (
        "backend/gpu/pool.rs",
        "the list of free buffers is locked to take one out or to put one in; buffers are made and freed outside",
    ),
    (
        "backend/gpu/timer.rs",
        "the sets of timestamps are locked to take a place in one, or to take them all; nothing waits meanwhile",
    ),
    ("app/console.rs", "the progress line is locked while it is drawn"),
    (
        "app/interrupt.rs",
        "the list of unfinished files is locked while a file is made or put in its place, which one thread does alone",
    ),
];

#[test]
fn locks_and_lazy_values_are_where_they_may_be() {
    let words =
        ["Mutex", "RwLock", "Condvar", "OnceLock", "LazyLock", "OnceCell", "LazyCell", "thread_local!"];
    let mut found = std::collections::BTreeSet::new();
    each_source(|name, text| {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let lines: Vec<&str> = code.filter(|line| words.iter().any(|word| line.contains(word))).collect();
        if !lines.is_empty() {
            let allowed = LOCKS.iter().any(|(file, _)| *file == name);
            assert!(
                allowed,
                "{name} has a lock or a lazy value that LOCKS does not explain:\n{}",
                lines.join("\n")
            );
            found.insert(name.to_string());
        }
    });
    for (file, _) in LOCKS {
        assert!(found.contains(file), "LOCKS names {file}, which has none");
    }
}

/// A source file without its comment lines.
fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Hands every source file of the library and the program to `look`: its path below `src`, and its text.
fn each_source(look: impl FnMut(&str, &str)) {
    each_file("src", &["rs"], look);
}

/// Hands every file below a folder with one of these endings to `look`: its path below the folder, and its text.
fn each_file(folder: &str, endings: &[&str], mut look: impl FnMut(&str, &str)) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut dirs = vec![root.clone()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|e| endings.iter().any(|ending| e == *ending)) {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
                look(&name, &std::fs::read_to_string(&path).unwrap());
            }
        }
    }
}
