//! README.md and RECIPES.md are true: every command in them works, one after another, in an empty folder.
#![cfg(unix)]

use crate::cli::Desk;
use crate::devices::skip;
use std::path::Path;
use std::process::{Command, Stdio};

/// Rows of the tables that the recipes make: as published, they would take minutes.
const ROWS: [(&str, usize); 4] =
    [("learners.toml", 1500), ("first_day.toml", 1500), ("survey.toml", 400), ("enthusiasts.toml", 72)];

/// Words that begin a block of something else than commands.
const NO_COMMANDS: [&str; 2] = ["[dependencies]", "error:"];

/// Commands that are not run here, by how they begin, and why.
const NOT_HERE: [(&str, &str); 4] = [
    ("cargo install --path . --locked", "builds the program again"),
    (
        "cargo run --release --locked -- demo",
        "builds the program, and the demo is the recipe of the learners",
    ),
    ("cargo test --release", "this is one of its tests"),
    ("segmenta bench", "measures for most of a minute; the tests of the command line run it small"),
];

/// The blocks of a document that are indented by four blanks or fenced as shell, line by line.
fn blocks(text: &str) -> Vec<Vec<&str>> {
    let (mut blocks, mut fence, mut open) = (Vec::new(), None, false);
    for line in text.lines() {
        if let Some(language) = line.strip_prefix("```") {
            fence = if fence.is_some() { None } else { Some(language) };
            open = false;
            continue;
        }
        let command = match fence {
            None => line.strip_prefix("    "),
            Some("bash" | "sh" | "console") => Some(line),
            Some(_) => None,
        };
        match command.filter(|c| !c.trim().is_empty()) {
            // A blank line does not end an indented block.
            None if line.is_empty() => {}
            None => open = false,
            Some(command) => {
                if !open {
                    blocks.push(Vec::new());
                    open = true;
                }
                blocks.last_mut().unwrap().push(command);
            }
        }
    }
    blocks
}

/// A recipe of this repository for a smaller table.
fn smaller(name: &str, rows: usize) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let (head, tail) = text.split_once("synth = ").expect("a made table");
    format!("{head}rows = {rows}\nsynth = {tail}")
}

/// Runs all commands of a document; returns how many there were.
fn follow(name: &str) -> usize {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("recipes")).unwrap();
    for (recipe, rows) in ROWS {
        desk.put(&format!("recipes/{recipe}"), smaller(recipe, rows));
    }
    std::fs::create_dir(desk.path(".bin")).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_segmenta"));
    std::os::unix::fs::symlink(program, desk.path(".bin/segmenta")).unwrap();
    let path = format!("{}:{}", desk.path(".bin").display(), std::env::var("PATH").unwrap());
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = std::fs::read_to_string(document).unwrap();
    let no_gpu = desk.run("doctor -q --device gpu").code != Some(0);
    let mut run = 0;
    for block in blocks(&text) {
        if block[0].split_whitespace().next().is_some_and(|word| NO_COMMANDS.contains(&word)) {
            continue;
        }
        let mut no_b = false;
        for line in block {
            if let Some((_, why)) = NOT_HERE.iter().find(|(start, _)| line.starts_with(start)) {
                skip(&format!("{name}: {line}: {why}"));
                continue;
            }
            let on_gpu = line.contains("--device gpu");
            if no_gpu && (on_gpu || (no_b && line.starts_with("cmp "))) {
                skip(&format!("{name}: {line}: no GPU adapter"));
                no_b |= on_gpu;
                continue;
            }
            let known = line.starts_with("segmenta ") || line.starts_with("cmp ");
            assert!(known, "{name}: is this a command? {line}");
            let mut shell = Command::new("sh");
            shell.args(["-c", line]).current_dir(desk.path(".")).env("PATH", &path).stdin(Stdio::null());
            for variable in crate::cli::OURS {
                shell.env_remove(variable);
            }
            let said = shell.output().unwrap();
            let err = String::from_utf8_lossy(&said.stderr);
            assert!(said.status.success(), "{name}: {line}\n{:?}: {err}", said.status);
            run += 1;
        }
    }
    run
}

#[test]
fn the_readme() {
    assert!(follow("README.md") > 20);
}

#[test]
fn the_recipes() {
    assert!(follow("RECIPES.md") > 8);
}

#[test]
fn blocks_are_found() {
    let text = "Text.\n\n    segmenta a\n    segmenta b\n\n    segmenta c\n\nText.\n```bash\nsegmenta d\n```\n\
                ```toml\nx = 1\n```\n    segmenta e\n";
    let expected = [vec!["segmenta a", "segmenta b", "segmenta c"], vec!["segmenta d"], vec!["segmenta e"]];
    assert_eq!(blocks(text), expected);
}

#[test]
fn what_is_not_run_is_still_there() {
    let text = ["README.md", "RECIPES.md"]
        .map(|name| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap())
        .concat();
    for (start, _) in NOT_HERE {
        assert!(text.contains(&format!("\n    {start}")), "no document has {start} any more");
    }
}
