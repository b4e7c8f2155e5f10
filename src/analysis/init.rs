//! What a fit starts from if the user names a file: centroids, or the model of an earlier fit.

use super::changes::Sizes;
use super::drift_since::DriftSince;
use super::notice::{Notice, Observer};
use super::prepare::Start;
use super::previous::{Found, Search, find};
use super::regroup::Regroup;
use crate::backend::Backend;
use crate::error::{Error, Place, Result};
use crate::model::{ColumnFigures, LabelledTable, Model, Persona};
use crate::recipe::{Aliases, Encoder, FittedReduction};
use crate::table::{KnownColumns, ReadOptions, Table};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// The contents of the file that a fit starts from.
pub struct Init {
    path: PathBuf,
    from: From,
}

enum From {
    /// One centroid per row, in the order and the scaled units of the features.
    Rows(Vec<Vec<f64>>),
    /// A model, whose centroids are converted to their original units and then to the new scaling.
    Model(Box<Model>),
}

/// The labels that an earlier model gives to the rows of a new table.
pub struct Before {
    /// The model's file.
    pub path: PathBuf,
    /// Each row's old segment.
    pub labels: Vec<Option<u32>>,
    /// How many segments the model has.
    pub k: usize,
    /// Each row's segment before the model's merges and splits, by the numbers of its fit; `None` if it has none.
    pub fit_labels: Option<Vec<Option<u32>>>,
    /// The old segments' names, by number.
    pub names: Vec<Option<String>>,
    /// What else people say about the old segments, by number.
    pub personas: Vec<Option<Persona>>,
    /// The sizes of the old segments at their fit.
    pub sizes: Sizes,
    /// What the old segments were like at their fit.
    pub figures: Vec<ColumnFigures>,
    /// How the new table's columns differ from those of the model's fit; `None` if the model does not know them.
    pub(super) drift: Option<DriftSince>,
    /// Last time's assignments, or why there are none.
    pub(super) found: Found,
}

impl Before {
    /// The error if the model's rows are not those of the fit, which are either the table's own rows or groups of them.
    pub(super) fn other_rows(&self, by: Option<&str>) -> Error {
        let rows =
            by.map_or_else(|| "the rows of the table".to_string(), |by| format!("the groups by {by:?}"));
        let what = format!(
            "this fit clusters {rows}, but the model does not; start from a model whose recipe has the same [group]"
        );
        Error::data(what).in_file(&self.path.display().to_string())
    }
}

impl Init {
    /// Reads `.csv`, `.npy` or a `model.json`.
    ///
    /// # Errors
    /// There is no such file, or its contents are wrong.
    pub(super) fn read(path: &Path, max_memory: u64) -> Result<Self> {
        let json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
        let from = match json {
            true => From::Model(Box::new(Model::read(path)?)),
            false => From::Rows(read_rows(path, max_memory)?),
        };
        Ok(Init { path: path.to_path_buf(), from })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the model was fitted by a recipe without which its features cannot be made; if so, what that recipe does.
    pub fn made_by_recipe(&self) -> Option<String> {
        let From::Model(model) = &self.from else { return None };
        let preparation = &model.preparation;
        if !preparation.has_work() {
            return None;
        }
        let components = preparation.components();
        let made = preparation.columns.iter().map(|c| c.name.as_str());
        let made: Vec<&str> = made.chain(components.iter().map(String::as_str)).take(3).collect();
        Some(match preparation.group.is_some() {
            true => "groups rows".to_string(),
            false if made.is_empty() => "leaves rows out".to_string(),
            false => format!("makes columns such as {}", made.join(", ")),
        })
    }

    /// How many centroids.
    pub fn k(&self) -> usize {
        match &self.from {
            From::Rows(rows) => rows.len(),
            From::Model(model) => model.assigner.fit_centroids().len(),
        }
    }

    /// The merges and splits of the model; none if the file has only centroids.
    pub(super) fn regroup(&self) -> Regroup {
        match &self.from {
            From::Rows(_) => Regroup::default(),
            From::Model(model) => Regroup::of_model(model),
        }
    }

    /// The model's aliases; none if the file has only centroids.
    pub(super) fn aliases(&self) -> &Aliases {
        const NONE: &Aliases = &Aliases(Vec::new());
        match &self.from {
            From::Rows(_) => NONE,
            From::Model(model) => &model.aliases,
        }
    }

    /// The model's reductions; none if the file has only centroids.
    pub(super) fn reductions(&self) -> &[FittedReduction] {
        match &self.from {
            From::Rows(_) => &[],
            From::Model(model) => &model.preparation.reductions,
        }
    }

    /// Which columns the model read as text and which as numbers.
    pub fn known_columns(&self) -> KnownColumns {
        match &self.from {
            From::Rows(_) => KnownColumns::default(),
            From::Model(model) => model.known_columns(),
        }
    }

    /// The model's labels for a table's rows; `None` if the file has only centroids.
    ///
    /// # Errors
    /// A table that the model cannot label.
    pub(super) fn labels(&self, table: &Table, backend: &dyn Backend) -> Result<Option<Before>> {
        let From::Model(model) = &self.from else { return Ok(None) };
        let label = |model: &Model| model.label(table, backend).map_err(|e| e.in_file(&table.source));
        let segments = |found: &LabelledTable<'_>| {
            found.assignments.rows.iter().map(|row| row.as_ref().map(|row| row.segment)).collect()
        };
        let labelled = label(model)?;
        let of_fit: Option<Result<Vec<Option<u32>>>> =
            model.before_regrouping().map(|model| Ok(segments(&label(&model)?)));
        Ok(Some(Before {
            path: self.path.clone(),
            labels: segments(&labelled),
            k: model.k(),
            fit_labels: of_fit.transpose()?,
            drift: DriftSince::of(model, &labelled),
            names: model.names(),
            personas: model.personas(),
            sizes: Sizes::of_fit(model),
            figures: model.figures.clone(),
            found: Found::Nothing { why: String::new(), surprise: false },
        }))
    }

    /// The id column of the model, if there is one.
    pub fn id(&self) -> Option<&str> {
        match &self.from {
            From::Rows(_) => None,
            From::Model(model) => model.id.as_deref().filter(|_| model.preparation.group.is_none()),
        }
    }

    /// Looks for last time's assignments. `named` is the file that the user names, and `id` the id column of the table.
    ///
    /// # Errors
    /// As [`find`]; a file that is named although the fit does not start from a model.
    pub(super) fn previous(&self, named: Option<&Path>, id: Option<&str>, max_memory: u64) -> Result<Found> {
        match &self.from {
            From::Model(model) => find(&Search { model: &self.path, named, id, max_memory }, model),
            From::Rows(_) if named.is_some() => Err(Error::Usage(format!(
                "last time's assignments need last time's model, and {} has only centroids",
                self.path.display()
            ))),
            From::Rows(_) => Ok(Found::Nothing { why: String::new(), surprise: false }),
        }
    }

    /// The start centroids in the encoder's scaled space, together with what the model says about the rows.
    ///
    /// # Errors
    /// Rows of the wrong length, a feature that the model does not have, values out of range.
    pub(super) fn start(
        &self,
        encoder: &Encoder,
        before: Option<Before>,
        observer: &dyn Observer,
    ) -> Result<Start> {
        let start = match &self.from {
            From::Rows(rows) => of_rows(rows, encoder).map(|rows| (rows, BTreeMap::new())),
            From::Model(model) => of_model(model, encoder, observer),
        };
        let (centroids, parts) = start.map_err(|e| e.in_file(&self.path.display().to_string()))?;
        let mut values = centroids.iter().chain(parts.values().flatten()).flatten();
        if values.all(|v| (*v as f32).is_finite()) {
            return Ok(Start { centroids, parts, before });
        }
        Err(Error::data("a start centroid has a value that is out of range")
            .in_file(&self.path.display().to_string()))
    }
}

fn of_rows(rows: &[Vec<f64>], encoder: &Encoder) -> Result<Vec<Vec<f64>>> {
    let d = encoder.feature_count();
    if let Some(r) = rows.iter().position(|row| row.len() != d) {
        return Err(Error::data(format!(
            "start centroid {} has {} values, but there are {d} features ({})",
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

/// The centroids of a model's fit, and those of the segments that it split, by the numbers of these in the fit.
type ModelStart = (Vec<Vec<f64>>, BTreeMap<u32, Vec<Vec<f64>>>);

fn of_model(model: &Model, encoder: &Encoder, observer: &dyn Observer) -> Result<ModelStart> {
    let names = encoder.feature_names();
    let (own, fitted) = (encoder.by_feature(), model.encoder.by_feature());
    let old: HashMap<&str, usize> = model.features.iter().enumerate().map(|(j, f)| (f.as_str(), j)).collect();
    let places: Vec<Option<usize>> = names.iter().map(|name| old.get(name.as_str()).copied()).collect();
    let lacking = |j: &usize| places[*j].is_none() && !own[*j].is_level();
    let lacking: Vec<&str> = (0..names.len()).filter(lacking).map(|j| names[j].as_str()).collect();
    if !lacking.is_empty() {
        return Err(Error::data(format!(
            "the model lacks these features of the fit: {}; leave them out, or start without the model (if a recipe \
             made the model, run that recipe again with --init)",
            lacking.join(", ")
        )));
    }
    let there: HashSet<&String> = names.iter().collect();
    let gone: Vec<String> = model.features.iter().filter(|f| !there.contains(f)).cloned().collect();
    if !gone.is_empty() {
        observer.notice(&Notice::FeaturesGone(gone));
    }
    let carried = |values: &[f64]| -> Vec<f64> {
        let one = |(j, place): (usize, &Option<usize>)| {
            // None of the model's rows had a category that it does not know.
            let original = place.map_or(0.0, |old| fitted[old].to_original(values[old]));
            own[j].from_original(original)
        };
        places.iter().enumerate().map(one).collect()
    };
    let centroids = model.assigner.fit_centroids().into_iter().map(carried).collect();
    let fitted_again = model.assigner.regrouped().into_iter().flat_map(|regrouped| &regrouped.centroids);
    let fitted_again = fitted_again.filter(|c| !c.becomes.parts().is_empty());
    let parts = fitted_again
        .map(|c| (c.number, c.becomes.parts().iter().map(|part| carried(&part.values)).collect()));
    Ok((centroids, parts.collect()))
}

/// Reads start centroids from a file.
///
/// # Errors
/// No such file, a cell that is no number, rows of different lengths.
fn read_rows(path: &Path, max_memory: u64) -> Result<Vec<Vec<f64>>> {
    let name = path.display().to_string();
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy")) {
        let options = ReadOptions { max_memory: Some(max_memory), ..ReadOptions::default() };
        let table = crate::table::read(path, &options)?;
        let mut rows = vec![Vec::new(); table.rows];
        for column in &table.columns {
            match column.values.numbers() {
                Some(values) if values.iter().all(|v| v.is_finite()) => {
                    rows.iter_mut().zip(values.iter()).for_each(|(row, &v)| row.push(v));
                }
                _ => return Err(Error::data("start centroids must be finite numbers").in_file(&name)),
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
        let row: std::result::Result<Vec<f64>, &str> =
            record.iter().map(|c| c.parse().ok().filter(|v: &f64| v.is_finite()).ok_or(c)).collect();
        match row {
            Ok(row) => rows.push(row),
            Err(_) if r == 0 && record.iter().all(|c| c.parse::<f64>().is_err()) => {} // a header
            Err(cell) => {
                let place = Place::file(&name).line(line);
                return Err(Error::at(place, format!("expected a number, found {cell:?}")));
            }
        }
    }
    if rows.is_empty() {
        return Err(Error::data("this file has no start centroids").in_file(&name));
    }
    Ok(rows)
}

fn unreadable(path: &Path, e: csv::Error) -> Error {
    let line = e.position().map(csv::Position::line);
    match e.into_kind() {
        csv::ErrorKind::Io(source) => Error::Read { path: path.to_path_buf(), source },
        kind => {
            let mut place = Place::file(path.display().to_string());
            place.line = line;
            let what = match kind {
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    format!("expected {expected_len} values, found {len}")
                }
                _ => "this is not a table of numbers in UTF-8".into(),
            };
            Error::at(place, what)
        }
    }
}
