//! Where a fit starts, if somebody says so: centroids in a file, or last quarter's model.

use super::console::Console;
use super::hints::read_model;
use super::memory;
use super::output::heal_before_reading;
use segmenta::Error;
use segmenta::backend::cpu::Cpu;
use segmenta::model::Model;
use segmenta::recipe::Encoder;
use segmenta::table::{KnownColumns, ReadOptions, Table};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// The start of a fit, as its file has it.
pub struct Init {
    path: PathBuf,
    from: From,
}

enum From {
    /// One centroid a row, in the scaled feature space and feature order.
    Rows(Vec<Vec<f64>>),
    /// A model: its centroids are carried through their original units into the new scaling.
    Model(Box<Model>),
}

/// What a model said of the rows of a new table.
pub struct Before {
    /// The model's file.
    pub path: PathBuf,
    /// Each row's old segment.
    pub labels: Vec<Option<u32>>,
    /// The old segments' names, by number.
    pub names: Vec<Option<String>>,
}

impl Before {
    /// The error where the model's rows are not those of the fit, which are the groups by a column or the table's own.
    pub fn other_rows(&self, by: Option<&str>) -> Error {
        let rows =
            by.map_or_else(|| "the rows of the table".to_string(), |by| format!("the groups by {by:?}"));
        let what = format!(
            "its segments are not of {rows}, as this fit's are; start from a model of a recipe with the same [group]"
        );
        Error::data(what).in_file(&self.path.display().to_string())
    }
}

impl Init {
    /// Reads `.csv`, `.npy` or a `model.json`.
    ///
    /// # Errors
    /// No such file, and what is wrong with it.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
        let from = if json {
            heal_before_reading(path)?;
            From::Model(Box::new(read_model(path, "assign")?))
        } else {
            From::Rows(read_rows(path)?)
        };
        Ok(Init { path: path.to_path_buf(), from })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether its features are made by a recipe, which a fit without one cannot follow.
    ///
    /// # Errors
    /// What to run instead.
    pub fn needs_no_recipe(&self, table: &Path) -> Result<(), Error> {
        let From::Model(model) = &self.from else { return Ok(()) };
        let preparation = &model.preparation;
        if preparation.columns.is_empty() && preparation.drops.is_empty() && preparation.group.is_none() {
            return Ok(());
        }
        let made: Vec<&str> = preparation.columns.iter().map(|c| c.name.as_str()).take(3).collect();
        let what = match preparation.group.is_some() {
            true => "brings rows together by groups".to_string(),
            false if made.is_empty() => "leaves rows out".to_string(),
            false => format!("makes columns such as {}", made.join(", ")),
        };
        let (model, table) = (self.path.display(), table.display());
        Err(Error::Usage(format!(
            "{model} was fitted by a recipe, which {what}; run that recipe again: segmenta run RECIPE.toml --input \
             {table} --init {model}"
        )))
    }

    /// How many centroids.
    pub fn k(&self) -> usize {
        match &self.from {
            From::Rows(rows) => rows.len(),
            From::Model(model) => model.centroids.len(),
        }
    }

    /// The columns that the model read as text and as numbers.
    pub fn known_columns(&self) -> KnownColumns {
        match &self.from {
            From::Rows(_) => KnownColumns::default(),
            From::Model(model) => model.known_columns(),
        }
    }

    /// What the model says of a table's rows.
    ///
    /// # Errors
    /// A table that the model cannot label.
    pub fn labels(&self, table: &Table) -> Result<Option<Before>, Error> {
        let From::Model(model) = &self.from else { return Ok(None) };
        let assigned = model.assign(table, &Cpu::default()).map_err(|e| e.in_file(&table.source))?;
        let labels = assigned.rows.iter().map(|row| row.as_ref().map(|row| row.segment)).collect();
        Ok(Some(Before { path: self.path.clone(), labels, names: model.names() }))
    }

    /// The start centroids in the encoder's scaled space.
    ///
    /// # Errors
    /// Rows of another length, a feature that the model has not, values out of range.
    pub fn start(&self, encoder: &Encoder, console: &Console) -> Result<Vec<Vec<f64>>, Error> {
        let start = match &self.from {
            From::Rows(rows) => of_rows(rows, encoder),
            From::Model(model) => of_model(model, encoder, console),
        };
        let start = start.map_err(|e| e.in_file(&self.path.display().to_string()))?;
        if start.iter().flatten().all(|v| (*v as f32).is_finite()) {
            return Ok(start);
        }
        Err(Error::data("a start centroid is out of range").in_file(&self.path.display().to_string()))
    }
}

fn of_rows(rows: &[Vec<f64>], encoder: &Encoder) -> Result<Vec<Vec<f64>>, Error> {
    let d = encoder.feature_count();
    if let Some(r) = rows.iter().position(|row| row.len() != d) {
        return Err(Error::data(format!(
            "start centroid {}: {} values for {d} features ({})",
            r + 1,
            rows[r].len(),
            encoder.feature_names().join(", ")
        )));
    }
    let encoders = encoder.by_feature();
    let scaled = |row: &Vec<f64>| {
        row.iter().zip(&encoders).map(|(&v, column)| column.from_user(encoder.scale, v)).collect()
    };
    Ok(rows.iter().map(scaled).collect())
}

fn of_model(model: &Model, encoder: &Encoder, console: &Console) -> Result<Vec<Vec<f64>>, Error> {
    let names = encoder.feature_names();
    let (own, fitted) = (encoder.by_feature(), model.encoder.by_feature());
    let old: HashMap<&str, usize> = model.features.iter().enumerate().map(|(j, f)| (f.as_str(), j)).collect();
    let places: Vec<Option<usize>> = names.iter().map(|name| old.get(name.as_str()).copied()).collect();
    let lacking = |j: &usize| places[*j].is_none() && !own[*j].is_level();
    let lacking: Vec<&str> = (0..names.len()).filter(lacking).map(|j| names[j].as_str()).collect();
    if !lacking.is_empty() {
        return Err(Error::data(format!(
            "the model lacks features that this fit has: {}; leave them out with --drop, or start without the model; \
             where a recipe made the model, run the recipe with --init",
            lacking.join(", ")
        )));
    }
    let there: HashSet<&String> = names.iter().collect();
    let gone: Vec<&str> = model.features.iter().filter(|f| !there.contains(f)).map(String::as_str).collect();
    if !gone.is_empty() {
        console.note(&format!("note: features of the model that this fit has not: {}", gone.join(", ")));
    }
    let carried = |values: &Vec<f64>| {
        let one = |(j, place): (usize, &Option<usize>)| {
            // A level that the model did not know was in none of its rows.
            let original = place.map_or(0.0, |old| fitted[old].to_original(values[old]));
            own[j].from_original(original)
        };
        places.iter().enumerate().map(one).collect()
    };
    Ok(model.centroids.iter().map(|c| carried(&c.values)).collect())
}

/// Reads start centroids, as the user wrote them.
///
/// # Errors
/// No such file, a cell that is no number, rows of different lengths.
fn read_rows(path: &Path) -> anyhow::Result<Vec<Vec<f64>>> {
    let name = path.display().to_string();
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy")) {
        let options = ReadOptions { max_memory: Some(memory::limit()), ..ReadOptions::default() };
        let table = segmenta::table::read(path, &options)?;
        let mut rows = vec![Vec::new(); table.rows];
        for column in &table.columns {
            match column.values.numbers() {
                Some(values) if values.iter().all(|v| v.is_finite()) => {
                    rows.iter_mut().zip(values.iter()).for_each(|(row, &v)| row.push(v));
                }
                _ => return Err(Error::data("start centroids must be numbers").in_file(&name).into()),
            }
        }
        return Ok(rows);
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|e| unreadable(path, e))?;
    let mut rows: Vec<Vec<f64>> = Vec::new();
    for (r, record) in reader.records().enumerate() {
        let record = record.map_err(|e| unreadable(path, e))?;
        let line = record.position().map_or(0, csv::Position::line);
        let row: Result<Vec<f64>, &str> =
            record.iter().map(|c| c.parse().ok().filter(|v: &f64| v.is_finite()).ok_or(c)).collect();
        match row {
            Ok(row) => rows.push(row),
            Err(_) if r == 0 && record.iter().all(|c| c.parse::<f64>().is_err()) => {} // a header
            Err(cell) => {
                let place = segmenta::error::Place::file(&name).line(line);
                return Err(Error::at(place, format!("expected a number, found {cell:?}")).into());
            }
        }
    }
    if rows.is_empty() {
        return Err(Error::data("no start centroids").in_file(&name).into());
    }
    Ok(rows)
}

fn unreadable(path: &Path, e: csv::Error) -> Error {
    let line = e.position().map(csv::Position::line);
    match e.into_kind() {
        csv::ErrorKind::Io(source) => Error::Read { path: path.to_path_buf(), source },
        kind => {
            let mut place = segmenta::error::Place::file(path.display().to_string());
            place.line = line;
            let what = match kind {
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    format!("expected {expected_len} values, found {len}")
                }
                _ => "not a table of numbers in UTF-8".into(),
            };
            Error::at(place, what)
        }
    }
}
