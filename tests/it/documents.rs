//! README.md, RECIPES.md and PERFORMANCE.md are true: every command in them works, one after another, in an empty folder,
//! and prints what they show.
#![cfg(unix)]

use crate::cli::Desk;
use crate::devices::skip;
use std::path::Path;
use std::process::{Command, Stdio};

/// The documents whose commands are run.
const DOCUMENTS: [&str; 3] = ["README.md", "RECIPES.md", "PERFORMANCE.md"];

/// Rows of the tables that the recipes make: as published, they would take minutes.
const ROWS: [(&str, usize); 4] =
    [("learners.toml", 1500), ("first_day.toml", 1500), ("survey.toml", 400), ("enthusiasts.toml", 72)];

/// The word that begins a block of messages.
const MESSAGES: &str = "error:";

/// Commands that are not run here, by how they begin, and why.
const NOT_HERE: [(&str, &str); 10] = [
    ("cargo install --path . --locked", "builds the program again"),
    ("segmenta demo", "takes half a minute, and is the recipe of the learners"),
    ("cargo test --release", "this is one of its tests"),
    ("segmenta bench", "measures for most of a minute; the tests of the command line run it small"),
    ("cargo build --release", "builds the program again"),
    ("python benches/growth.py", "measures for minutes"),
    ("venv/bin/python benches/peers/compare.py", "measures for minutes, and needs the other libraries"),
    ("venv/bin/python benches/peers/methods.py", "measures for minutes, and needs the other libraries"),
    ("venv/bin/python benches/peers/neighbours.py", "measures for minutes, and needs the other libraries"),
    ("venv/bin/python benches/peers/umap.py", "measures for minutes, and needs the other libraries"),
];

/// A part of a document that means something here.
#[derive(Debug, PartialEq)]
enum Block<'a> {
    /// Commands: indented by four blanks, or fenced as shell.
    Commands(Vec<&'a str>),
    /// What the commands just before print: fenced as text, or as plain, which is for RECIPES.md, where a text is an
    /// example of the recipe before it.
    Printed(Vec<&'a str>),
    /// A recipe, fenced as TOML.
    Recipe(Vec<&'a str>),
}

/// The blocks of a document, in their order.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let (mut blocks, mut fence, mut open) = (Vec::new(), None, false);
    for line in text.lines() {
        if let Some(language) = line.strip_prefix("```") {
            fence = if fence.is_some() { None } else { Some(language) };
            open = false;
            match fence {
                Some("text" | "plain") => blocks.push(Block::Printed(Vec::new())),
                Some("toml") => blocks.push(Block::Recipe(Vec::new())),
                _ => {}
            }
            continue;
        }
        if let (Some("text" | "plain" | "toml"), Some(Block::Printed(lines) | Block::Recipe(lines))) =
            (fence, blocks.last_mut())
        {
            lines.push(line);
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
                    blocks.push(Block::Commands(Vec::new()));
                    open = true;
                }
                if let Some(Block::Commands(lines)) = blocks.last_mut() {
                    lines.push(command);
                }
            }
        }
    }
    blocks
}

/// A folder with what the commands need, the recipes for smaller tables among it, and the path that finds the program.
fn prepared() -> (Desk, String) {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("recipes")).unwrap();
    for (recipe, rows) in ROWS {
        desk.put(&format!("recipes/{recipe}"), crate::cli::recipe(recipe, rows));
    }
    std::fs::create_dir(desk.path(".bin")).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_segmenta"));
    std::os::unix::fs::symlink(program, desk.path(".bin/segmenta")).unwrap();
    let path = format!("{}:{}", desk.path(".bin").display(), std::env::var("PATH").unwrap());
    (desk, path)
}

/// Runs all commands of a document, and holds what it shows against what they print. Returns how many commands were
/// run, and how many such pictures there were.
fn follow(name: &str) -> (usize, usize) {
    let (desk, path) = prepared();
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = std::fs::read_to_string(document).unwrap();
    let no_gpu = desk.run("doctor -q --device gpu").code != Some(0);
    let (mut run, mut pictures) = (0, 0);
    // What the last block of commands printed, as long as nothing else has come since.
    let mut printed: Option<String> = None;
    for block in blocks(&text) {
        let commands = match block {
            Block::Commands(commands) => commands,
            Block::Printed(lines) => {
                if let Some(printed) = printed.take() {
                    let shown = lines.join("\n");
                    assert!(
                        printed.contains(&shown),
                        "{name} shows\n{shown}\nbut this is printed:\n{printed}"
                    );
                    pictures += 1;
                }
                continue;
            }
            Block::Recipe(lines) => {
                printed = None;
                // A recipe that begins with its name is for the commands after it.
                if let Some(file) = lines[0].strip_prefix("# ").filter(|file| file.ends_with(".toml")) {
                    desk.put(file, lines.join("\n"));
                }
                continue;
            }
        };
        printed = None;
        if commands[0].starts_with(MESSAGES) {
            continue;
        }
        let mut no_b = false;
        for line in commands {
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
            shell.env("XDG_CACHE_HOME", crate::cli::CACHE);
            let said = shell.output().unwrap();
            let err = String::from_utf8_lossy(&said.stderr);
            assert!(said.status.success(), "{name}: {line}\n{:?}: {err}", said.status);
            printed.get_or_insert_default().push_str(&String::from_utf8_lossy(&said.stdout));
            run += 1;
        }
    }
    (run, pictures)
}

#[test]
fn the_readme() {
    let (run, pictures) = follow("README.md");
    assert!(run > 20 && pictures >= 2, "{run}, {pictures}");
}

#[test]
fn the_recipes() {
    let (run, pictures) = follow("RECIPES.md");
    assert!(run > 14 && pictures >= 1, "{run}, {pictures}");
}

#[test]
fn the_figures() {
    follow("PERFORMANCE.md");
}

#[test]
fn blocks_are_found() {
    use Block::{Commands, Printed, Recipe};
    let text = "Text.\n\n    segmenta a\n    segmenta b\n\n    segmenta c\n\nText.\n```bash\nsegmenta d\n```\n\
                ```toml\nx = 1\n```\n    segmenta e\n\n```text\n k\n\n 2\n```\n```json\n{}\n```\n";
    let expected = [
        Commands(vec!["segmenta a", "segmenta b", "segmenta c"]),
        Commands(vec!["segmenta d"]),
        Recipe(vec!["x = 1"]),
        Commands(vec!["segmenta e"]),
        Printed(vec![" k", "", " 2"]),
    ];
    assert_eq!(blocks(text), expected);
}

#[test]
fn what_is_not_run_is_still_there() {
    let text = DOCUMENTS
        .map(|name| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap())
        .concat();
    for (start, _) in NOT_HERE {
        assert!(text.contains(&format!("\n    {start}")), "no document has {start} any more");
    }
}
