//! Recognises a file that is not what the verb expected, to say which verb would fit.

use segmenta::Error;
use segmenta::model::Model;
use segmenta::table::Format;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The kinds of files that segmenta uses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Table,
    Recipe,
    Model,
}

/// The kind of a file, judged by its name.
fn by_name(path: &Path) -> Option<Kind> {
    let name = path.to_string_lossy().to_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    let ends = |endings: &[&str]| endings.iter().any(|ending| plain.ends_with(ending));
    match () {
        () if ends(&[".csv", ".tsv", ".npy", ".parquet", ".arrow", ".feather", ".ipc"]) => Some(Kind::Table),
        () if ends(&[".toml"]) => Some(Kind::Recipe),
        () if ends(&[".json"]) => Some(Kind::Model),
        () => None,
    }
}

/// The kind of a file, judged by its first bytes.
fn by_content(path: &Path) -> Option<Kind> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(1 << 12).read_to_end(&mut head).ok()?;
    let magic: [&[u8]; 4] = [b"PAR1", b"ARROW1", b"\x93NUMPY", b"\x1f\x8b"];
    if magic.iter().any(|magic| head.starts_with(magic)) {
        return Some(Kind::Table);
    }
    let text = String::from_utf8_lossy(&head);
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let key = first.split_once('=').is_some_and(|(key, _)| {
        key.trim().chars().all(|c| c.is_alphanumeric() || "_-.\"'".contains(c)) && !key.trim().is_empty()
    });
    match first.chars().next()? {
        '{' => Some(Kind::Model),
        '[' => Some(Kind::Recipe),
        _ if key => Some(Kind::Recipe),
        _ if first.contains([',', ';', '\t', '|']) => Some(Kind::Table),
        _ => None,
    }
}

/// The error for a file that is not a recipe, if its kind can be recognised. `parsed` tells whether parsing it as a
/// recipe has already failed.
pub fn not_a_recipe(path: &Path, parsed: bool) -> Option<Error> {
    if !path.is_file() {
        return None;
    }
    let shown = path.display();
    let kind = by_name(path).filter(|kind| *kind != Kind::Recipe);
    let what = match kind.or_else(|| by_content(path).filter(|_| parsed))? {
        Kind::Table => format!("{shown} is a table, not a recipe; did you mean segmenta fit {shown}?"),
        Kind::Model => {
            format!("{shown} is a saved model, not a recipe; did you mean segmenta assign {shown} TABLE?")
        }
        Kind::Recipe => return None,
    };
    Some(Error::Usage(what))
}

/// Checks that a file can be a table: its name must not say that it is something else, unless `format` says what it is.
///
/// # Errors
/// The file is a recipe or a model; the message names the verb for it.
pub fn expect_table(path: &Path, format: Option<Format>) -> Result<(), Error> {
    if format.is_some() || !path.is_file() {
        return Ok(());
    }
    let shown = path.display();
    let what = match by_name(path) {
        Some(Kind::Recipe) => format!("{shown} is a recipe, not a table; did you mean segmenta run {shown}?"),
        Some(Kind::Model) => {
            format!("{shown} is a saved model, not a table; did you mean segmenta assign {shown} TABLE?")
        }
        Some(Kind::Table) | None => return Ok(()),
    };
    Err(Error::Usage(what))
}

/// Reads a model.
///
/// # Errors
/// As [`Model::read`]; the error for a file of another kind says what it is.
pub fn read_model(path: &Path, verb: &str) -> anyhow::Result<Model> {
    let shown = path.display();
    let what = match by_name(path).filter(|_| path.is_file()) {
        Some(Kind::Table) => {
            format!("{shown} is a table, but the model comes first: segmenta {verb} model.json {shown}")
        }
        Some(Kind::Recipe) => {
            format!("{shown} is a recipe, not a model; segmenta run {shown} makes its model.json")
        }
        _ => return Ok(Model::read(path)?),
    };
    Err(Error::Usage(what).into())
}
