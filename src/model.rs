//! The saved model: all that is needed to label a new row, as JSON that a person can read and diff.
//!
//! It holds nothing that depends on the machine, the time or a path: the same table, options and seed give the same
//! bytes everywhere.

mod drift;
mod names;
mod reference;

use crate::backend::Backend;
use crate::canonical::Centroids;
use crate::cluster::kmeans::{Fit, Params, distances_and_margins};
use crate::error::{Error, Place, Result};
use crate::matrix::{BLOCK, Grid, Matrix};
use crate::recipe::{AppliedRecipe, BinCounts, ColumnReference, Encoder, FittedRecipe, Preparation};
use crate::table::{KnownColumns, Table};
use crate::weights::Weights;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::path::Path;

pub use drift::{ColumnDrift, Drift, SegmentDrift};
pub use names::{check as check_names, with_names};
pub use reference::Reference;

/// The version of `model.json` that this crate writes. Newer ones are refused, older ones read.
pub const VERSION: u32 = 3;

/// A fitted segmentation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The version of this format.
    pub version: u32,
    /// The name of the fit, which its other files carry too, so that a reader can tell that they belong together: the
    /// start of a digest of everything else that the model holds but its segments' names. The same table, options and
    /// seed have the same one. Older models have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The algorithm, `kmeans`.
    pub method: String,
    /// The seed of all draws.
    pub seed: u64,
    /// k-means++ starts, of which the best was kept; 1 where start centroids were given.
    pub n_init: usize,
    /// Passes that a start could take.
    pub max_iter: usize,
    /// The tolerance of a start's end.
    pub tol: f64,
    /// How many rows were fitted; rows of weight 0 are not among them.
    pub rows: usize,
    /// The column with the rows' weights, where they had any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_column: Option<String>,
    /// How many rows seeding looked at, where not at all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeding_rows: Option<usize>,
    /// Sum of squared distances of the rows to their centroids, in the scaled feature space.
    pub inertia: f64,
    /// Passes of the best start.
    pub n_iter: usize,
    /// Whether the best start ended before `max_iter`.
    pub converged: bool,
    /// The column that named the rows of the fit; new tables are expected to have it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The features' names.
    pub features: Vec<String>,
    /// For each feature the exponent of its grid's step: values are whole multiples of `2^exponent`.
    pub grid: Grid,
    /// Columns made and rows left out, before the features.
    #[serde(default, skip_serializing_if = "Preparation::is_empty")]
    pub preparation: Preparation,
    /// From columns to features.
    pub encoder: Encoder,
    /// In the order of the fit, which decides ties: the first of equally near centroids wins.
    pub centroids: Vec<Centroid>,
    /// What the fit saw; older models do not hold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
}

/// A centroid and its segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Centroid {
    /// The segment's number: 0 is the largest.
    pub segment: u32,
    /// Its name, where a person gave it one; a refit that starts from this model keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many rows of the fit.
    pub size: u64,
    /// The weight of these rows, where rows have weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// A value for each feature, in the scaled feature space.
    pub values: Vec<f64>,
}

/// A labelled row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assignment {
    /// The segment's number.
    pub segment: u32,
    /// Euclidean distance to the segment's centroid, in the scaled feature space.
    pub distance: f64,
    /// How much farther the runner-up is; infinite where there is one segment only.
    pub margin: f64,
}

/// New rows, labelled.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignments {
    /// One a row of the table, or of its groups where the model brings rows together; none where the row was left out
    /// (see [`Encoder::apply`]).
    pub rows: Vec<Option<Assignment>>,
    /// The groups and the column that made them, where the model brings rows together.
    pub groups: Option<(String, Vec<String>)>,
    /// Those left out as outliers, ascending.
    pub outliers: Vec<u32>,
    /// What a person should know: unseen categories and the like.
    pub warnings: Vec<String>,
}

/// A table's rows with their segments, and what drift is told by.
struct LabelledTable {
    assignments: Assignments,
    /// The rows by the bins of the reference's columns.
    counted: Vec<BinCounts>,
    /// The weights of the rows that got a segment.
    weights: Option<Weights>,
}

/// The labelled rows: `segments` numbers the centroids; `kept` are the table's rows that the matrix has, and how many
/// the table has, where it has more.
pub fn assignments(
    matrix: &Matrix,
    centroids: &Centroids,
    labels: &[u32],
    segments: &[u32],
    kept: Option<(&[u32], usize)>,
) -> Vec<Option<Assignment>> {
    let mut measured = vec![None; labels.len()];
    measured.par_chunks_mut(BLOCK).zip(labels.par_chunks(BLOCK)).enumerate().for_each(
        |(b, (out, labels))| {
            let own = distances_and_margins(matrix, centroids, b * BLOCK, labels);
            for ((out, &label), (distance, margin)) in out.iter_mut().zip(labels).zip(own) {
                *out = Some(Assignment { segment: segments[label as usize], distance, margin });
            }
        },
    );
    let Some((kept, count)) = kept else { return measured };
    let mut rows = vec![None; count];
    for (&row, measured) in kept.iter().zip(measured) {
        rows[row as usize] = measured;
    }
    rows
}

impl Model {
    /// The model of a fit. `matrix` may be the table of the fit's distinct rows.
    pub fn new(fit: &Fit, matrix: &Matrix, fitted: impl Into<FittedRecipe>, params: &Params) -> Self {
        let FittedRecipe { preparation, encoder } = fitted.into();
        let centroids = fit
            .segments()
            .into_iter()
            .zip(&fit.sizes)
            .zip(&fit.weights)
            .zip(fit.centroids.iter())
            .map(|(((segment, &size), &weight), values)| Centroid {
                segment,
                name: None,
                size,
                weight: matrix.sample_weights().filter(|w| !w.is_count()).map(|w| w.as_given(weight)),
                values: values.iter().map(|&v| matrix.to_user(f64::from(v))).collect(),
            })
            .collect();
        Model {
            version: VERSION,
            run: None,
            method: "kmeans".into(),
            seed: params.seed,
            n_init: params.n_init,
            max_iter: params.max_iter,
            tol: params.tol,
            rows: fit.sizes.iter().sum::<u64>() as usize,
            weight_column: None,
            seeding_rows: fit.seeded_on_sample.then_some(crate::cluster::SEEDING_ROWS),
            inertia: fit.inertia,
            n_iter: fit.n_iter,
            converged: fit.converged,
            id: None,
            features: matrix.names().to_vec(),
            grid: matrix.grid().clone(),
            preparation,
            encoder,
            centroids,
            reference: None,
        }
    }

    /// Gives the model the name that its contents come to; see [`Model::run`].
    pub fn identify(&mut self) {
        let mut bare = Model { run: None, ..self.clone() };
        bare.centroids.iter_mut().for_each(|c| c.name = None);
        let digest = Sha256::digest(bare.to_json());
        self.run = Some(digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect());
    }

    /// Gives the centroids, in the order of the fit, other segment numbers, and the segments their names.
    pub fn renumber(&mut self, segments: &[u32], names: &[Option<String>]) {
        for (centroid, &segment) in self.centroids.iter_mut().zip(segments) {
            centroid.segment = segment;
            centroid.name = names.get(segment as usize).cloned().flatten();
        }
    }

    /// The names by segment number.
    pub fn names(&self) -> Vec<Option<String>> {
        let mut names = vec![None; self.centroids.len()];
        for centroid in &self.centroids {
            names[centroid.segment as usize].clone_from(&centroid.name);
        }
        names
    }

    /// The same model with what its fit saw: the columns, and the rows with their distances. `weights` are those of the
    /// rows that have a segment, in their order.
    pub fn with_reference(
        self,
        columns: Vec<ColumnReference>,
        rows: &[Option<Assignment>],
        weights: Option<&Weights>,
    ) -> Self {
        Model { reference: Some(Reference::new(columns, rows, weights)), ..self }
    }

    /// Each segment's share of the rows of the fit, by its number; of their weight, where rows have weights.
    pub fn shares(&self) -> Vec<f64> {
        let of = |c: &Centroid| c.weight.unwrap_or(c.size as f64);
        let total: f64 = self.centroids.iter().map(of).sum();
        let mut shares = vec![0.0; self.centroids.len()];
        self.centroids.iter().for_each(|c| shares[c.segment as usize] = of(c) / total);
        shares
    }

    /// The same model with the column that named the rows of the fit.
    pub fn with_id(self, id: Option<String>) -> Self {
        Model { id, ..self }
    }

    /// Reads a model.
    ///
    /// # Errors
    /// No such file, not a model, a newer version, parts that do not fit together.
    pub fn read(path: &Path) -> Result<Self> {
        let source = |e| Error::Read { path: path.to_path_buf(), source: e };
        Self::from_json(&std::fs::read_to_string(path).map_err(source)?)
            .map_err(|e| e.in_file(&path.display().to_string()))
    }

    /// Parses a model.
    ///
    /// # Errors
    /// As [`Model::read`].
    pub fn from_json(text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Header {
            version: u32,
        }
        let bad = |e: serde_json::Error| {
            Error::at(Place { line: Some(e.line() as u64), ..Place::default() }, format!("not a model: {e}"))
        };
        let header: Header = serde_json::from_str(text).map_err(bad)?;
        if header.version > VERSION {
            return Err(Error::data(format!(
                "this model has version {}, this program reads up to {VERSION}: a newer segmenta wrote it",
                header.version
            )));
        }
        let model: Model = serde_json::from_str(text).map_err(bad)?;
        model.check().map_err(|what| Error::data(format!("not a model: {what}")))?;
        Ok(model)
    }

    /// Whether the parts of a model that was read fit together.
    fn check(&self) -> std::result::Result<(), String> {
        let (d, k) = (self.features.len(), self.centroids.len());
        if self.method != "kmeans" {
            return Err(format!("its method is {:?}, this program knows kmeans", self.method));
        }
        if d == 0 || self.encoder.feature_names() != self.features || self.grid.features() != d {
            return Err("its features, grid and encoder do not fit together".into());
        }
        if !self.grid.is_sound() {
            return Err("its grid has a step that no table needs".into());
        }
        if !self.preparation.is_sound() {
            return Err("its preparation has a rule that cannot be computed".into());
        }
        if !self.encoder.is_sound() {
            return Err("its encoder has a scale of 0 or a number that is not finite".into());
        }
        let value = |v: &f64| v.abs() <= f64::from(f32::MAX);
        if k == 0 || !self.centroids.iter().all(|c| c.values.len() == d && c.values.iter().all(value)) {
            return Err(format!("its parts do not fit together: each centroid wants {d} finite values"));
        }
        let mut segments: Vec<u32> = self.centroids.iter().map(|c| c.segment).collect();
        segments.sort_unstable();
        if !segments.into_iter().eq(0..k as u32) {
            return Err(format!("its parts do not fit together: segments are numbered 0 to {}", k - 1));
        }
        let weighed = self.centroids.iter().filter_map(|c| c.weight);
        if weighed.clone().any(|w| !w.is_finite() || w < 0.0)
            || ![0, k].contains(&weighed.clone().count())
            || weighed.clone().count() > 0 && weighed.sum::<f64>() <= 0.0
        {
            return Err("its segments' weights are not all positive numbers".into());
        }
        let sizes = self.centroids.iter().try_fold(0u64, |sum, c| sum.checked_add(c.size));
        if self.rows == 0 || sizes != Some(self.rows as u64) {
            return Err("its segments' sizes do not add up to its rows".into());
        }
        if !self.reference.as_ref().is_none_or(|r| r.is_sound(self)) {
            return Err("its reference does not fit its encoder, or has a share that is none".into());
        }
        Ok(())
    }

    /// The columns that new tables must be read as text, for [`crate::table::ReadOptions::text`].
    pub fn text_columns(&self) -> Vec<String> {
        FittedRecipe::texts(&self.preparation, &self.encoder)
    }

    /// The columns that new tables must be read as text and as numbers, as at the fit.
    pub fn known_columns(&self) -> KnownColumns {
        KnownColumns {
            text: self.text_columns(),
            numbers: FittedRecipe::numbers(&self.preparation, &self.encoder),
        }
    }

    /// As it is written to `model.json`.
    pub fn to_json(&self) -> String {
        // Serialising plain structs of numbers and strings to memory cannot fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Labels the rows of a table: on the rows of the fit, the labels of the fit. The warnings tell of categories and
    /// numbers that the fit did not see.
    ///
    /// # Errors
    /// Missing columns or one of another type, values out of range, a device that failed.
    pub fn assign(&self, table: &Table, backend: &dyn Backend) -> Result<Assignments> {
        Ok(self.label(table, backend)?.assignments)
    }

    /// Labels the rows of a table, and counts them by the bins of the reference.
    fn label(&self, table: &Table, backend: &dyn Backend) -> Result<LabelledTable> {
        let AppliedRecipe { encoded, outliers, table: whole } =
            FittedRecipe::features(&self.preparation, &self.encoder, table)?;
        let groups = whole.ids.clone().filter(|_| self.preparation.group.is_some());
        let mut warnings = encoded.warnings;
        if encoded.kept.as_ref().is_some_and(Vec::is_empty) {
            let assignments = Assignments { rows: vec![None; whole.rows], groups, outliers, warnings };
            return Ok(LabelledTable { assignments, counted: Vec::new(), weights: None });
        }
        let references = self.reference.as_ref().map_or(&[][..], |r| &r.columns);
        let weights = self.weights_of(table, &whole, encoded.kept.as_deref());
        let copies = weights.as_ref().map(Weights::all_copies);
        let counted = self.encoder.count(references, &whole, encoded.kept.as_deref(), copies.as_deref());
        warnings.extend(references.iter().zip(&counted).filter_map(|(r, counted)| r.outside(counted)));
        let kept = encoded.kept.as_deref().map(|kept| (kept, whole.rows));
        let rows = self.label_features(encoded.columns, kept, backend)?;
        Ok(LabelledTable { assignments: Assignments { rows, groups, outliers, warnings }, counted, weights })
    }

    /// The weights of the rows kept, where the fit had weights and this table has them too.
    fn weights_of(&self, table: &Table, whole: &Table, kept: Option<&[u32]>) -> Option<Weights> {
        let name = self.weight_column.as_deref()?;
        let column = whole.column(name).or_else(|| table.column(name))?;
        let numbers = column.values.numbers().filter(|numbers| numbers.len() == whole.rows)?;
        let weights = Weights::new(&numbers).ok()?;
        Some(match kept {
            None => weights,
            Some(kept) => weights.select(kept.iter().map(|&row| row as usize)),
        })
    }

    /// Labels rows whose features are made already, one column a feature; `kept` as in [`assignments`].
    ///
    /// # Errors
    /// Values out of range, a device that failed.
    pub fn label_features(
        &self,
        columns: Vec<Vec<f32>>,
        kept: Option<(&[u32], usize)>,
        backend: &dyn Backend,
    ) -> Result<Vec<Option<Assignment>>> {
        let reach = self.centroids.iter().flat_map(|c| &c.values).fold(0f64, |m, v| m.max(v.abs()));
        let matrix = Matrix::on_grid(self.features.clone(), columns, &self.grid, reach as f32)?;
        let values = self.centroids.iter().flat_map(|c| &c.values).map(|&v| matrix.to_stored(v)).collect();
        let centroids = Centroids { values, features: self.features.len() };
        let labels = backend
            .load(&matrix)?
            .lloyd(std::slice::from_ref(&centroids), true)?
            .pop()
            .and_then(|p| p.labels)
            .ok_or_else(|| Error::Device("the device returned no labels".into()))?;
        let segments: Vec<u32> = self.centroids.iter().map(|c| c.segment).collect();
        Ok(assignments(&matrix, &centroids, &labels, &segments, kept))
    }
}
