//! Last time's assignments: finds the file beside a model, checks that it belongs to the model, and reads it.

use super::migration::State;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::table::{ReadOptions, Table, Values, read, run_of_parquet};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Last time's assignments.
#[derive(Debug, Clone, PartialEq)]
pub struct Previous {
    /// The file.
    pub path: PathBuf,
    /// Each row's id.
    pub ids: Vec<String>,
    /// Where each row was.
    pub states: Vec<State>,
    /// Whether these are the rows that the model was fitted to.
    pub of_the_fit: bool,
    /// Whether the user named the file.
    pub named: bool,
}

/// What a search for last time's assignments found.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// The assignments.
    Previous(Previous),
    /// Nothing that can be used, and why, as a sentence. It is a surprise if there is a file that looks as if it could.
    Nothing {
        /// The reason.
        why: String,
        /// Whether the user should hear of it even if nothing else is said about last time.
        surprise: bool,
    },
}

/// Where last time's assignments are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// The model's file.
    pub model: &'a Path,
    /// The file that the user names, if there is one.
    pub named: Option<&'a Path>,
    /// The id column of the new table.
    pub id: Option<&'a str>,
    /// The most memory that reading the file may take.
    pub max_memory: u64,
}

/// Looks for last time's assignments, and reads them if they belong to the model.
///
/// # Errors
/// A file that the user named cannot be read, or has no ids or segments. Beside the model, that is only a reason to go
/// without.
pub fn find(search: &Search<'_>, model: &Model) -> Result<Found> {
    let nothing = |why: String, surprise| Ok(Found::Nothing { why, surprise });
    let Some(id) = search.id else {
        return match search.named {
            Some(named) => Err(Error::Usage(format!(
                "rows cannot be found in {} without an id column; name the table's with --id",
                named.display()
            ))),
            None => nothing("the table has no id column; name one with --id".into(), false),
        };
    };
    let beside = || {
        let folder = search.model.parent().unwrap_or(Path::new(""));
        FILES.iter().map(|name| folder.join(name)).find(|path| path.is_file())
    };
    let Some(path) = search.named.map(Path::to_path_buf).or_else(beside) else {
        let model = search.model.display();
        let why = format!("there is no assignments file beside {model}; --previous FILE names one");
        return nothing(why, false);
    };
    let shown = path.display();
    let own = match belongs(&path, model) {
        Evidence::Another(why) => return nothing(format!("{shown} {why}"), true),
        own => own,
    };
    let named = search.named.is_some();
    let (ids, states) = match read_states(&path, model.k(), search.max_memory) {
        Ok((None, _)) => {
            let why = format!(
                "{shown} has no ids, because the rows of that table were only numbered; fit with --id to get some"
            );
            return match search.named {
                Some(_) => Err(Error::data(why)),
                None => nothing(why, false),
            };
        }
        Ok((Some((column, _)), _)) if search.named.is_none() && column != id_name(id) => {
            let why = format!(
                "the ids of {shown} come from column {column:?} and those of the table from {id:?}; if they are the same ids, name \
                 the file with --previous"
            );
            return nothing(why, true);
        }
        Ok((Some((_, ids)), states)) => (ids, states),
        Err(Wrong::Another(why)) => return nothing(format!("{shown} {why}"), true),
        Err(Wrong::File(e)) if search.named.is_some() => return Err(e),
        Err(Wrong::File(e)) => return nothing(e.to_string(), true),
    };
    let of_the_fit = matches!(own, Evidence::Own) || sizes_match(&states, model);
    if !of_the_fit && search.named.is_none() && matches!(own, Evidence::Unclear) {
        let why = format!(
            "{shown} has changed since the fit of the model beside it, or comes from another one; if it is last time's, name \
             it with --previous"
        );
        return nothing(why, true);
    }
    Ok(Found::Previous(Previous { path, ids, states, of_the_fit, named }))
}

/// The names of the assignments' file.
const FILES: [&str; 2] = ["assignments.parquet", "assignments.csv"];

/// What a file says about whether it belongs to a model.
enum Evidence {
    /// It is the file that the fit wrote.
    Own,
    /// It carries the fit's name, but later rows may have been labelled with the model.
    Labelled,
    /// It does not belong to it, and why.
    Another(String),
    /// It does not say.
    Unclear,
}

/// Whether a file of assignments belongs to a model: Parquet files carry the fit's name, and of a CSV file `metrics.json`
/// beside it has the digest.
fn belongs(path: &Path, model: &Model) -> Evidence {
    let Some(run) = &model.run else { return Evidence::Unclear };
    let another = || Evidence::Another("comes from another fit than the model".into());
    if let Some(own) = run_of_parquet(path) {
        return if own == *run { Evidence::Labelled } else { another() };
    }
    let metrics = path.with_file_name("metrics.json");
    let metrics = std::fs::read(metrics).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let metrics: serde_json::Value = metrics.unwrap_or_default();
    let name = path.file_name().and_then(|name| name.to_str());
    if name.is_none() || metrics["assignments"]["file"].as_str() != name {
        return Evidence::Unclear;
    }
    match (digest(path), metrics["assignments"]["sha256"].as_str(), metrics["run"].as_str()) {
        (Some(own), Some(written), Some(of)) if own == written => {
            if of == run {
                Evidence::Own
            } else {
                another()
            }
        }
        _ => Evidence::Unclear,
    }
}

/// The SHA-256 of a file, in hexadecimal digits.
fn digest(path: &Path) -> Option<String> {
    let (mut file, mut digest) = (File::open(path).ok()?, Sha256::new());
    let mut part = vec![0; 1 << 16];
    loop {
        match file.read(&mut part).ok()? {
            0 => break,
            bytes => digest.update(&part[..bytes]),
        }
    }
    Some(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether each segment has as many rows as at the fit.
fn sizes_match(states: &[State], model: &Model) -> bool {
    let mut sizes = vec![0u64; model.k()];
    for segment in states.iter().filter_map(|state| state.segment()) {
        sizes[segment as usize] += 1;
    }
    model.segments().all(|s| sizes.get(s.number as usize) == Some(&s.size))
}

/// Why a file of assignments cannot be used.
enum Wrong {
    /// It belongs to another model, and why.
    Another(String),
    /// The file itself.
    File(Error),
}

impl From<Error> for Wrong {
    fn from(e: Error) -> Self {
        Wrong::File(e)
    }
}

/// The id column and the states of a file of assignments.
type States = (Option<(String, Vec<String>)>, Vec<State>);

/// Reads the ids and states of a file of assignments, whose segments must be below `k`.
fn read_states(path: &Path, k: usize, max_memory: u64) -> std::result::Result<States, Wrong> {
    let options = ReadOptions {
        id_first: true,
        text: vec!["status".into(), "name".into()],
        max_memory: Some(max_memory),
        ..ReadOptions::default()
    };
    let mut table = read(path, &options)?;
    let segments = numbers(&table, path)?;
    let mut states = Vec::with_capacity(table.rows);
    let status = table.column("status").map(|column| &column.values);
    for (row, &segment) in segments.iter().enumerate() {
        states.push(match segment {
            s if s >= 0.0 && s < k as f64 && libm::floor(s) == s => State::Segment(s as u32),
            s if s >= 0.0 => {
                return Err(Wrong::Another(format!(
                    "has a segment {s}, but the model's are numbered 0 to {}, so it comes from another fit",
                    k.max(1) - 1
                )));
            }
            _ if is_status(status, row, "outlier") => State::Outlier,
            _ if is_status(status, row, "outside") => State::Outside,
            _ if is_status(status, row, "noise") => State::Noise,
            _ => State::Excluded,
        });
    }
    Ok((table.ids.take(), states))
}

fn is_status(status: Option<&Values>, row: usize, word: &str) -> bool {
    let Some(Values::Text { levels, codes }) = status else { return false };
    let level = codes.get(row).copied().flatten().and_then(|code| levels.get(code as usize));
    level.is_some_and(|level| level == word)
}

/// The numbers of the column `segment`.
fn numbers(table: &Table, path: &Path) -> Result<Vec<f64>> {
    let column = table.column("segment").and_then(|column| column.values.numbers());
    let column = column.ok_or_else(|| {
        Error::data("this is not a file of assignments: it has no column \"segment\" of numbers")
            .in_file(&path.display().to_string())
    })?;
    Ok(column.into_owned())
}

/// The columns of the assignments that are not the id.
pub const COLUMNS: [&str; 8] =
    ["segment", "status", "distance", "margin", "name", "probability", "previous", "previous_name"];

/// What the id column is called in the assignments: a name that they use themselves gets `id_` in front, whatever its case,
/// as many programs do not tell `Segment` from `segment`.
pub fn id_name(name: &str) -> std::borrow::Cow<'_, str> {
    let own = COLUMNS.iter().any(|own| own.eq_ignore_ascii_case(name));
    if own { format!("id_{name}").into() } else { name.into() }
}
