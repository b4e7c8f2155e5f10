//! The saved model `model.json`: everything needed to assign new rows to the segments of an earlier fit.
//!
//! It is JSON so that a person can read it and compare two models with a text diff. It contains nothing that depends on
//! the machine, the time or a path, so the same table, options and seed produce the same bytes everywhere.

mod assigner;
mod core_points;
mod drift;
mod figures;
mod left_out;
mod names;
mod persona;
mod reference;
mod regrouped;

use crate::backend::Backend;
use crate::cluster::gmm::Mixture;
use crate::cluster::{Diagnostics, Method, Partition};
use crate::dataset::Dataset;
use crate::error::{Error, Place, Result};
use crate::matrix::{Grid, Matrix};
use crate::progress::Progress;
use crate::recipe::{
    Aliases, AppliedRecipe, BinCounts, ColumnReference, Computing, Encoder, FittedRecipe, Preparation,
};
use crate::table::{KnownColumns, Table, missing_column};
use crate::weights::Weights;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::path::Path;

use assigner::Labelled;
pub use assigner::{Assigner, Assignment, Centroid, MixtureSegments, Segment, assignments, of_table};
pub use core_points::{CorePoints, Points};
pub use drift::{BelowDrift, CategoryDrift, ColumnDrift, Direction, Drift, SegmentDrift, segment_change};
pub use figures::{ColumnFigures, Middle};
pub use left_out::LeftOut;
pub use names::{check as check_names, with_names};
pub use persona::{Colour, Persona, check_line};
pub use reference::Reference;
pub use regrouped::{Becomes, ByColumn, ByValue, FitCentroid, Regrouped, SubCentroid, SubMixture};
pub(crate) use regrouped::{FitSegments, Regrouping, points_in_user_units, regroup};

/// The version of `model.json` that this crate writes. Older versions can be read; newer ones are rejected.
pub const VERSION: u32 = 3;

/// A fitted segmentation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The version of this format.
    pub version: u32,
    /// An identifier of the fit: 16 hexadecimal digits of a hash of the model's contents, without the segments' names,
    /// personas and figures, which do not depend on the fit alone.
    /// The fit's other output files carry it too, so that a reader can tell that they belong together. The same table,
    /// options and seed give the same identifier. Models written by older versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The clustering method and its parameters, each a top-level key of the JSON.
    #[serde(flatten)]
    pub method: Method,
    /// The number of rows that were fitted, not counting rows of weight 0.
    pub rows: usize,
    /// The name of the column that held the sample weights, if there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_column: Option<String>,
    /// Figures about the fit, such as the inertia, each a top-level key of the JSON.
    #[serde(flatten)]
    pub diagnostics: Diagnostics,
    /// The name of the id column at the fit. New tables are expected to have it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The names of the features, in the order of the encoder's output.
    pub features: Vec<String>,
    /// The grid of each feature's values: they are rounded to integer multiples of `2^exponent`, and this is the
    /// exponent.
    pub grid: Grid,
    /// The derived columns and row filters that are applied before the encoder.
    #[serde(default, skip_serializing_if = "Preparation::is_empty")]
    pub preparation: Preparation,
    /// Turns the columns of a table into features.
    pub encoder: Encoder,
    /// Other names for the texts of columns, in descriptions of the segments.
    #[serde(default, skip_serializing_if = "Aliases::is_empty")]
    pub aliases: Aliases,
    /// Assigns new rows to segments.
    #[serde(flatten)]
    pub assigner: Assigner,
    /// The distributions seen at the fit, which new data is compared with to detect drift. Models written by older
    /// versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// What each segment was like at the fit, column by column, which a later fit is compared with. Empty if the segments
    /// were not described, and in models of older versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<ColumnFigures>,
}

/// The result of assigning a table's rows to segments.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignments {
    /// One entry per row of the table, or per group if the model groups rows. `None` if the row was left out; see
    /// [`Encoder::apply`].
    pub rows: Vec<Option<Assignment>>,
    /// If the model groups rows: the name of the grouping column and the value of each group.
    pub groups: Option<(String, Vec<String>)>,
    /// Which rows have no segment, and why.
    pub left_out: LeftOut,
    /// Remarks that the user should see, for example about categories that the fit did not contain.
    pub warnings: Vec<String>,
}

/// The assignments of a table's rows, together with the counts from which drift is computed.
pub(crate) struct LabelledTable<'a> {
    pub(crate) assignments: Assignments,
    /// The columns that the features were made from.
    pub(crate) whole: Cow<'a, Table>,
    /// For each column of the reference, how many rows fall into each of its bins.
    counted: Vec<BinCounts>,
    /// The weights of the rows that were assigned to a segment.
    pub(crate) weights: Option<Weights>,
}

impl Model {
    /// Creates the model of `partition`. `method` is the method that made it. `matrix` is the matrix that was
    /// clustered; it may hold each distinct row only once.
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
            method: method.settled(&partition.details),
            rows: partition.sizes.iter().sum::<u64>() as usize,
            weight_column: None,
            diagnostics: partition.diagnostics.clone(),
            id: None,
            features: matrix.names().to_vec(),
            grid: matrix.grid().clone(),
            preparation,
            encoder,
            aliases: Aliases::default(),
            assigner: Assigner::new(partition, matrix),
            reference: None,
            figures: Vec::new(),
        }
    }

    /// The number of segments.
    pub fn k(&self) -> usize {
        self.assigner.segments().len()
    }

    /// The segments, in the order of the fit.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = &Segment> {
        self.assigner.segments()
    }

    /// Sets [`Model::run`] to the identifier computed from the model's contents.
    pub fn identify(&mut self) {
        let mut bare = Model { run: None, figures: Vec::new(), ..self.clone() };
        bare.assigner.segments_mut().for_each(|s| (s.name, s.persona) = (None, None));
        let digest = Sha256::digest(bare.to_json());
        self.run = Some(digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect());
    }

    /// Renumbers and names the segments. `segments[i]` is the new number of the i-th segment in the order of the fit;
    /// `names[n]` is the name of the segment with number `n`.
    pub fn renumber(&mut self, segments: &[u32], names: &[Option<String>]) {
        self.assigner.renumber(segments);
        for segment in self.assigner.segments_mut() {
            segment.name = names.get(segment.number as usize).cloned().flatten();
        }
    }

    /// Sets what people say about the segments: `personas[n]` is that of the segment with number `n`.
    pub fn describe(&mut self, personas: &[Option<Persona>]) {
        for segment in self.assigner.segments_mut() {
            segment.persona = personas.get(segment.number as usize).cloned().flatten();
        }
    }

    /// What people say about the segments, indexed by segment number.
    pub fn personas(&self) -> Vec<Option<Persona>> {
        let mut personas = vec![None; self.k()];
        self.segments().for_each(|s| personas[s.number as usize].clone_from(&s.persona));
        personas
    }

    /// The names of the segments, indexed by segment number; `None` for a segment without a name.
    pub fn names(&self) -> Vec<Option<String>> {
        let mut names = vec![None; self.k()];
        self.segments().for_each(|s| names[s.number as usize].clone_from(&s.name));
        names
    }

    /// Returns the model with a reference added: the distributions of the columns and of the distances at the fit.
    /// `rows` are the assignments of the fit's rows; `weights` are those of the rows that have a segment, in the same
    /// order.
    pub fn with_reference(
        self,
        columns: Vec<ColumnReference>,
        rows: &[Option<Assignment>],
        weights: Option<&Weights>,
    ) -> Self {
        Model { reference: Some(Reference::new(columns, rows, weights)), ..self }
    }

    /// Each segment's share of the fit's rows, indexed by segment number. If the rows have weights, it is the share of
    /// the total weight. The shares add up to 1.
    pub fn shares(&self) -> Vec<f64> {
        let of = |s: &Segment| s.weight.unwrap_or(s.size as f64);
        let total: f64 = self.segments().map(of).sum();
        let mut shares = vec![0.0; self.k()];
        self.segments().for_each(|s| shares[s.number as usize] = of(s) / total);
        shares
    }

    /// Returns the model with the name of its id column set.
    pub fn with_id(self, id: Option<String>) -> Self {
        Model { id, ..self }
    }

    /// Reads a model from a file.
    ///
    /// # Errors
    /// [`Error::Read`] if the file cannot be read; otherwise as for [`Model::from_json`], with the file's name.
    pub fn read(path: &Path) -> Result<Self> {
        let source = |e| Error::Read { path: path.to_path_buf(), source: e };
        Self::from_json(&std::fs::read_to_string(path).map_err(source)?)
            .map_err(|e| e.in_file(&path.display().to_string()))
    }

    /// Parses a model from the text of `model.json`.
    ///
    /// # Errors
    /// [`Error::Data`] if the text is not a model, if a newer version wrote it, or if its parts contradict each other.
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

    /// Checks that the parts of a model that was read are consistent. The error says what is wrong.
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
        if !self.assigner.suits(&self.method) {
            return Err(format!("its method {} labels rows in another way than it says", self.method.name()));
        }
        let sizes = self.segments().try_fold(0u64, |sum, s| sum.checked_add(s.size));
        if self.rows == 0 || sizes != Some(self.rows as u64) {
            return Err("its segments' sizes do not add up to its rows".into());
        }
        self.segments().filter_map(|s| s.persona.as_ref()).try_for_each(Persona::check)?;
        if !self.reference.as_ref().is_none_or(|r| r.is_sound(self)) {
            return Err("its reference does not fit its encoder, or has a share that is none".into());
        }
        if !self.figures.iter().all(|column| column.is_sound(self.k())) {
            return Err("its figures do not fit its segments, or have a number that is not finite".into());
        }
        Ok(())
    }

    /// The columns that must be read as text in new tables, for [`crate::table::ReadOptions::text`].
    pub fn text_columns(&self) -> Vec<String> {
        FittedRecipe::texts(&self.preparation, &self.encoder)
    }

    /// The columns whose types are known from the fit, so that new tables are read in the same way.
    pub fn known_columns(&self) -> KnownColumns {
        KnownColumns {
            text: self.text_columns(),
            numbers: FittedRecipe::numbers(&self.preparation, &self.encoder),
        }
    }

    /// The contents of `model.json`, ending in a newline.
    pub fn to_json(&self) -> String {
        // Serialising plain structs of numbers and strings to memory cannot fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Assigns the rows of a table to segments. On the table of the fit this returns the labels of the fit. The
    /// warnings mention categories and numbers that the fit did not contain.
    ///
    /// # Errors
    /// A column is missing or has another type, a value is out of range, or the device failed.
    pub fn assign(&self, table: &Table, backend: &dyn Backend) -> Result<Assignments> {
        Ok(self.label(table, backend)?.assignments)
    }

    /// Assigns the rows of a table to segments and counts them in the bins of the reference.
    pub(crate) fn label<'a>(&self, table: &'a Table, backend: &dyn Backend) -> Result<LabelledTable<'a>> {
        let computing = Computing { backend, progress: Progress::none() };
        let AppliedRecipe { encoded, outliers, outside, table: whole } =
            FittedRecipe::features(&self.preparation, &self.encoder, table, computing)?;
        let left_out = LeftOut { outliers, outside, noise: Vec::new() };
        let groups = whole.ids.clone().filter(|_| self.preparation.group.is_some());
        let mut warnings = encoded.warnings;
        if encoded.kept.as_ref().is_some_and(Vec::is_empty) {
            let rows = vec![None; whole.rows];
            let assignments = Assignments { rows, groups, left_out, warnings };
            return Ok(LabelledTable { assignments, whole, counted: Vec::new(), weights: None });
        }
        let references = self.reference.as_ref().map_or(&[][..], |r| &r.columns);
        let weights = self.weights_of(table, &whole, encoded.kept.as_deref());
        let copies = weights.as_ref().map(Weights::all_copies);
        let counted = self.encoder.count(references, &whole, encoded.kept.as_deref(), copies.as_deref());
        warnings.extend(references.iter().zip(&counted).filter_map(|(r, counted)| r.outside(counted)));
        let kept = encoded.kept.as_deref().map(|kept| (kept, whole.rows));
        let choices = self.choices(&whole, encoded.kept.as_deref())?;
        let (rows, unseen) = self.label_features(encoded.columns, &choices, kept, backend)?;
        warnings.extend(unseen);
        let left_out = left_out.with_noise(&rows, encoded.kept.as_deref());
        let assignments = Assignments { rows, groups, left_out, warnings };
        Ok(LabelledTable { assignments, whole, counted, weights })
    }

    /// The weights of the rows in `kept` (of all rows if it is `None`). `None` if the fit had no weights or this table
    /// has no valid ones.
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

    /// For each split by a column, in the order of the centroids, the segment of each row in `kept` (of all rows if it is
    /// `None`) by its value there.
    fn choices(&self, table: &Table, kept: Option<&[u32]>) -> Result<Vec<Vec<u32>>> {
        let splits = self.assigner.regrouped().into_iter().flat_map(Regrouped::by_columns);
        let choice = |by: &ByColumn| {
            let column = table.column(&by.column).ok_or_else(|| missing_column(table, &by.column))?;
            Ok(by.segments_of(&column.values, kept))
        };
        splits.map(choice).collect()
    }

    /// The matrix of rows whose features are already computed, with one vector per feature.
    ///
    /// # Errors
    /// A value is out of range.
    pub(crate) fn matrix_of(&self, columns: Vec<Vec<f32>>) -> Result<Matrix> {
        Matrix::on_grid(self.features.clone(), columns, &self.grid, self.assigner.max_abs())
    }

    /// Assigns rows to segments whose features are already computed, with one vector per feature. `choices` has, for each
    /// split by a column in the order of the centroids, each row's segment by its value there. If these are only some of
    /// the table's rows, `kept` holds their row numbers and the table's number of rows. The result has one entry per row of
    /// the table, and sentences about values that the fit did not see.
    ///
    /// # Errors
    /// A value is out of range, or the device failed.
    pub(crate) fn label_features(
        &self,
        columns: Vec<Vec<f32>>,
        choices: &[Vec<u32>],
        kept: Option<(&[u32], usize)>,
        backend: &dyn Backend,
    ) -> Result<(Vec<Option<Assignment>>, Vec<String>)> {
        let matrix = self.matrix_of(columns)?;
        let Labelled { rows, unseen } = self.assigner.label(&Dataset::load(backend, &matrix)?, choices)?;
        let splits = self.assigner.regrouped().into_iter().flat_map(Regrouped::by_columns);
        let sentence = |(by, rows): (&ByColumn, usize)| {
            let rows = if rows == 1 { "1 row has".into() } else { format!("{rows} rows have") };
            format!(
                "{}: {rows} a value that the fit did not see in the segment that it splits; counted with segment {}",
                by.column, by.other
            )
        };
        let sentences = splits.zip(unseen).filter(|(_, rows)| *rows > 0).map(sentence).collect();
        Ok((of_table(rows, kept), sentences))
    }

    /// Turns the model of the merged and split segments, which has a centroid for each of them, into one that labels new
    /// rows as the fit did. `centroids` are those of the fit; they refer to segments by their place among those of the
    /// model.
    pub(crate) fn regroup(&mut self, centroids: Vec<FitCentroid>, mixture: Option<Mixture>) {
        let mut segments = self.assigner.centroids().to_vec();
        segments.iter_mut().zip(0..).for_each(|(c, place)| c.segment.number = place);
        self.assigner = Assigner::Regrouped(Regrouped { segments, centroids, mixture });
    }

    /// The model without its merges and splits, which labels rows with the numbers of the fit; `None` if it has none. The
    /// sizes of its segments are unknown.
    pub(crate) fn before_regrouping(&self) -> Option<Model> {
        let bare = |c: &FitCentroid| Centroid {
            segment: Segment { number: c.number, name: None, persona: None, size: 0, weight: None },
            values: c.values.clone(),
        };
        let regrouped = self.assigner.regrouped()?;
        let segments = regrouped.centroids.iter().map(bare).collect();
        let assigner = match regrouped.mixture.clone() {
            None => Assigner::Centroids(segments),
            Some(components) => Assigner::Mixture(MixtureSegments { segments, components }),
        };
        Some(Model { assigner, ..self.clone() })
    }
}
