//! The saved model: all that is needed to label a new row, as JSON that a person can read and diff.
//!
//! It holds nothing that depends on the machine, the time or a path: the same table, options and seed give the same
//! bytes everywhere.

mod assigner;
mod drift;
mod names;
mod reference;

use crate::backend::Backend;
use crate::cluster::{Diagnostics, Method, Partition};
use crate::dataset::Dataset;
use crate::error::{Error, Place, Result};
use crate::matrix::{Grid, Matrix};
use crate::recipe::{AppliedRecipe, BinCounts, ColumnReference, Encoder, FittedRecipe, Preparation};
use crate::table::{KnownColumns, Table};
use crate::weights::Weights;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::path::Path;

pub use assigner::{Assigner, Assignment, Centroid, Segment, assignments, of_table};
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
    /// The clustering method and its parameters, one key each.
    #[serde(flatten)]
    pub method: Method,
    /// How many rows were fitted; rows of weight 0 are not among them.
    pub rows: usize,
    /// The column with the rows' weights, where they had any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_column: Option<String>,
    /// How the method went, one key a figure.
    #[serde(flatten)]
    pub diagnostics: Diagnostics,
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
    /// How new rows are labelled.
    #[serde(flatten)]
    pub assigner: Assigner,
    /// What the fit saw; older models do not hold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
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

impl Model {
    /// The model of a partition. `matrix` may be the table of the distinct rows; `method` made the partition.
    pub fn new(
        partition: &Partition,
        matrix: &Matrix,
        fitted: impl Into<FittedRecipe>,
        method: &Method,
    ) -> Self {
        let FittedRecipe { preparation, encoder } = fitted.into();
        Model {
            version: VERSION,
            run: None,
            method: method.clone(),
            rows: partition.sizes.iter().sum::<u64>() as usize,
            weight_column: None,
            diagnostics: partition.diagnostics.clone(),
            id: None,
            features: matrix.names().to_vec(),
            grid: matrix.grid().clone(),
            preparation,
            encoder,
            assigner: Assigner::new(partition, matrix),
            reference: None,
        }
    }

    /// How many segments it has.
    pub fn k(&self) -> usize {
        self.assigner.segments().len()
    }

    /// The segments, in the order of the fit.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = &Segment> {
        self.assigner.segments()
    }

    /// Gives the model the name that its contents come to; see [`Model::run`].
    pub fn identify(&mut self) {
        let mut bare = Model { run: None, ..self.clone() };
        bare.assigner.segments_mut().for_each(|s| s.name = None);
        let digest = Sha256::digest(bare.to_json());
        self.run = Some(digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect());
    }

    /// Gives the segments, in the order of the fit, other numbers, and their names by number.
    pub fn renumber(&mut self, segments: &[u32], names: &[Option<String>]) {
        for (segment, &number) in self.assigner.segments_mut().zip(segments) {
            segment.number = number;
            segment.name = names.get(number as usize).cloned().flatten();
        }
    }

    /// The names by segment number.
    pub fn names(&self) -> Vec<Option<String>> {
        let mut names = vec![None; self.k()];
        self.segments().for_each(|s| names[s.number as usize].clone_from(&s.name));
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
        let of = |s: &Segment| s.weight.unwrap_or(s.size as f64);
        let total: f64 = self.segments().map(of).sum();
        let mut shares = vec![0.0; self.k()];
        self.segments().for_each(|s| shares[s.number as usize] = of(s) / total);
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
        let d = self.features.len();
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
        self.assigner.check(d)?;
        let sizes = self.segments().try_fold(0u64, |sum, s| sum.checked_add(s.size));
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

    /// Labels rows whose features are made already, one column a feature. `kept` are the table's rows that
    /// these are, and how many rows the table has, where it has more.
    ///
    /// # Errors
    /// Values out of range, a device that failed.
    pub fn label_features(
        &self,
        columns: Vec<Vec<f32>>,
        kept: Option<(&[u32], usize)>,
        backend: &dyn Backend,
    ) -> Result<Vec<Option<Assignment>>> {
        let max_abs = self.assigner.max_abs();
        let matrix = Matrix::on_grid(self.features.clone(), columns, &self.grid, max_abs)?;
        let labelled = self.assigner.label(&Dataset::load(backend, &matrix)?)?;
        Ok(of_table(labelled, kept))
    }
}
