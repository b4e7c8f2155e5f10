//! Data flows one way through the rooms of the house, so a room imports only from those that come before it. The sources
//! are parsed, so that no spelling of an import goes unseen.

use super::each_source;
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};

/// The rooms below `src`, and the rooms that each may import from, besides itself.
const ROOMS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("random", &[]),
    ("memory", &["error"]),
    ("progress", &["error"]),
    ("linear", &["random"]),
    ("weights", &["error"]),
    ("matrix", &["error", "weights"]),
    ("canonical", &["matrix"]),
    ("backend", &["error", "random", "progress", "weights", "matrix", "canonical"]),
    ("dataset", &["error", "matrix", "backend"]),
    (
        "cluster",
        &["error", "random", "progress", "weights", "matrix", "canonical", "backend", "dataset", "evidence"],
    ),
    (
        "sweep",
        &[
            "error",
            "random",
            "progress",
            "linear",
            "matrix",
            "canonical",
            "backend",
            "dataset",
            "cluster",
            "evidence",
            "stability",
        ],
    ),
    (
        "stability",
        &["error", "random", "progress", "matrix", "canonical", "backend", "dataset", "cluster", "evidence"],
    ),
    ("evidence", &["error", "random", "progress", "weights", "matrix", "canonical", "backend", "dataset"]),
    (
        "structure",
        &[
            "error",
            "random",
            "progress",
            "linear",
            "weights",
            "matrix",
            "canonical",
            "backend",
            "dataset",
            "cluster",
            "evidence",
        ],
    ),
    ("table", &["error", "memory", "matrix"]),
    ("labels", &["error", "table"]),
    ("describe", &["error", "table"]),
    ("synth", &["random", "table"]),
    (
        "embed",
        &[
            "error",
            "random",
            "progress",
            "linear",
            "weights",
            "matrix",
            "canonical",
            "backend",
            "dataset",
            "evidence",
        ],
    ),
    ("recipe", &["error", "random", "memory", "progress", "weights", "matrix", "backend", "embed", "table"]),
    (
        "model",
        &[
            "error",
            "progress",
            "weights",
            "matrix",
            "canonical",
            "backend",
            "dataset",
            "cluster",
            "evidence",
            "embed",
            "table",
            "recipe",
        ],
    ),
    ("profile", &["error", "random", "progress", "weights", "table"]),
    ("questions", &["error", "weights", "table", "recipe"]),
    (
        "analysis",
        &[
            "error",
            "random",
            "memory",
            "progress",
            "weights",
            "matrix",
            "canonical",
            "backend",
            "dataset",
            "cluster",
            "embed",
            "evidence",
            "stability",
            "sweep",
            "structure",
            "table",
            "labels",
            "synth",
            "recipe",
            "model",
            "profile",
            "questions",
            "describe",
        ],
    ),
    (
        "report",
        &[
            "error",
            "embed",
            "cluster",
            "evidence",
            "stability",
            "sweep",
            "table",
            "labels",
            "recipe",
            "model",
            "profile",
            "questions",
            "describe",
            "analysis",
        ],
    ),
];

/// Crates that only some rooms may use, and these rooms. `app` is the program.
const CRATES: &[(&str, &[&str])] = &[
    ("wgpu", &["backend"]),
    ("pollster", &["backend"]),
    ("pulp", &["backend"]),
    ("clap", &["app"]),
    ("anyhow", &["app"]),
    ("indicatif", &["app"]),
    ("ctrlc", &["app"]),
    ("signal_hook", &["app"]),
    ("tempfile", &["app"]),
    ("comfy_table", &["report"]),
    ("minijinja", &["report"]),
    ("terminal_size", &["report"]),
    ("unicode_width", &["report"]),
];

/// The paths that a file names, each as the room or crate that it begins with, and whether it is one of this crate.
struct Paths {
    /// The modules from the crate's root to where the visit is.
    at: Vec<String>,
    found: BTreeSet<(bool, String)>,
}

impl Paths {
    fn of(name: &str, text: &str) -> BTreeSet<(bool, String)> {
        let file = syn::parse_file(text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let at = name.trim_end_matches(".rs").split('/').map(String::from).collect();
        let mut paths = Paths { at, found: BTreeSet::new() };
        paths.visit_file(&file);
        paths.found
    }

    /// Takes in a path by its first segments.
    fn note(&mut self, segments: &[String]) {
        let mut base = self.at.clone();
        let mut rest = segments;
        match rest.first().map(String::as_str) {
            Some("crate") => base.clear(),
            Some("self") => {}
            Some("super") => {
                while rest.first().is_some_and(|s| s == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
                base.extend(rest.first().cloned());
                self.found.extend(base.first().map(|room| (true, room.clone())));
                return;
            }
            Some("segmenta") => {
                self.found.extend(rest.get(1).map(|room| (true, room.clone())));
                return;
            }
            Some(first) => {
                self.found.insert((false, first.into()));
                return;
            }
            None => return,
        }
        base.extend(rest.get(1).cloned());
        self.found.extend(base.first().map(|room| (true, room.clone())));
    }

    fn note_tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.note_tree(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.note(&with(&name.ident)),
            syn::UseTree::Rename(name) => self.note(&with(&name.ident)),
            syn::UseTree::Glob(_) => self.note(before),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.note_tree(before, tree)),
        }
    }
}

impl<'a> Visit<'a> for Paths {
    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        self.at.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.at.pop();
    }

    fn visit_use_tree(&mut self, tree: &'a syn::UseTree) {
        self.note_tree(&[], tree);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        // A single name is a type or a value in scope; how it came there is an import.
        if path.segments.len() > 1 {
            let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
            self.note(&segments);
        }
        visit::visit_path(self, path);
    }
}

/// The room that a file below `src` is in.
fn room_of(name: &str) -> &str {
    name.split('/').next().unwrap_or(name).trim_end_matches(".rs")
}

#[test]
fn a_room_imports_only_from_rooms_before_it() {
    let rooms: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    each_source(|name, text| {
        let room = room_of(name);
        seen.insert(room.to_string());
        if ["lib", "main", "app"].contains(&room) {
            return;
        }
        let Some(allowed) = rooms.get(room) else {
            wrong.push(format!("src/{name}: {room} is a new room; say in ROOMS what it may import from"));
            return;
        };
        for (own, other) in Paths::of(name, text) {
            let known = other == "app" || rooms.contains_key(other.as_str());
            if own && known && other != room && !allowed.contains(&other.as_str()) {
                wrong.push(format!("src/{name} imports from {other}, which {room} may not"));
            }
        }
    });
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    for (room, _) in ROOMS {
        assert!(seen.contains(*room), "ROOMS names {room}, and there is no such room");
    }
}

#[test]
fn the_rooms_have_an_order() {
    let rooms: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let mut left: BTreeSet<&str> = rooms.keys().copied().collect();
    while !left.is_empty() {
        let next = left.iter().copied().find(|room| rooms[room].iter().all(|other| !left.contains(other)));
        let next = next.unwrap_or_else(|| panic!("these rooms import from each other in a circle: {left:?}"));
        left.remove(next);
    }
}

#[test]
fn devices_and_terminals_stay_in_their_rooms() {
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    each_source(|name, text| {
        let room = room_of(name);
        let room = if room == "main" { "app" } else { room };
        for (own, first) in Paths::of(name, text) {
            let Some((krate, allowed)) = CRATES.iter().find(|(krate, _)| !own && *krate == first) else {
                continue;
            };
            used.insert(*krate);
            if !allowed.contains(&room) {
                wrong.push(format!("src/{name} uses {krate}, which belongs to {}", allowed.join(", ")));
            }
        }
    });
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    for (krate, _) in CRATES {
        assert!(used.contains(krate), "CRATES names {krate}, which nothing uses");
    }
}

#[test]
fn imports_are_found_however_they_are_spelled() {
    let found =
        |name: &str, text: &str| Paths::of(name, text).into_iter().map(|(_, room)| room).collect::<Vec<_>>();
    assert_eq!(found("backend/cpu.rs", "use crate::{model::Model, table};"), ["model", "table"]);
    assert_eq!(
        found("backend/cpu/lloyd.rs", "fn f() -> super::super::super::model::Model { todo!() }"),
        ["model"]
    );
    assert_eq!(found("cluster.rs", "mod tests { use super::super::app::*; }"), ["app"]);
    assert_eq!(found("recipe/fit.rs", "use super::rows::kept;"), ["recipe"]);
    assert_eq!(found("error.rs", "/// See [`crate::model`].\nfn f() {}"), [] as [&str; 0]);
    assert_eq!(found("x.rs", "type A = wgpu::Buffer;"), ["wgpu"]);
}
