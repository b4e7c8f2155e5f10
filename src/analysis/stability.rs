//! Whether the segments of a fit, or of a saved model, hold: fits of bootstrap samples, and of each cohort on its own.

mod cohort;

use super::notice::{Observer, with_progress};
use crate::backend::Backend;
use crate::canonical::Centroids;
use crate::cluster::{Labels, Method};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::model::{LabelledTable, Model};
use crate::progress::Progress;
use crate::recipe::{Computing, Encoder, FittedRecipe};
use crate::stability::cohorts::{Refit, Unmatched, Whole, cohorts};
use crate::stability::{N_INIT, SAMPLES, bootstrap, reading};
use crate::table::Table;
pub(super) use cohort::CohortColumn;
use cohort::{Part, parts};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What says whether the segments of a fit hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stability {
    /// How many bootstrap samples are fitted; 0: none.
    pub samples: u32,
    /// Number of restarts for the fit of each sample.
    pub n_init: u32,
    /// A column of the table: the rows of each of its values are fitted on their own.
    pub cohort: Option<String>,
}

impl Default for Stability {
    fn default() -> Self {
        Stability { samples: SAMPLES as u32, n_init: N_INIT as u32, cohort: None }
    }
}

/// Of a column with more values than this only the largest cohorts are fitted.
const MOST_COHORTS: usize = 50;

/// How many restarts the fit of a cohort has at least.
const COHORT_N_INIT: usize = 10;

/// How many of the features that moved most are named for each segment of a cohort.
const NAMED: usize = 3;

/// Whether the segments of a fit hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StabilityFound {
    /// Whether these are the segments of the fit before merges and splits, with the numbers that they had then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub before_regrouping: bool,
    /// How many bootstrap samples were fitted.
    pub samples: usize,
    /// How many restarts each of these fits had.
    pub n_init: usize,
    /// How far each segment reappears in the samples; empty without samples.
    pub segments: Vec<SegmentStability>,
    /// The column of the cohorts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cohort: Option<String>,
    /// Whether that column is among the features. What is made of it does not count in how far centroids moved.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cohort_is_feature: bool,
    /// The fit of each cohort beside that of all rows, in the order of the column's values.
    pub cohorts: Vec<CohortFound>,
    /// How many smaller cohorts were not fitted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cohorts_left_out: usize,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// How far a segment reappears in bootstrap samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentStability {
    /// The segment's number.
    pub segment: u32,
    /// Its name, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The mean Jaccard index with the most similar segment of each sample's fit; `None` for a segment that was in no sample.
    pub jaccard: Option<f64>,
    /// The share of the samples in which the index was at least 0.75.
    pub recovered: Option<f64>,
    /// The share of the samples in which the index was at most 0.5.
    pub dissolved: Option<f64>,
    /// What the mean index says, in a few words.
    pub reading: Option<Cow<'static, str>>,
}

/// The fit of one cohort.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CohortFound {
    /// The value of the column; `None` for the rows that have none.
    pub cohort: Option<String>,
    /// How many rows.
    pub rows: usize,
    /// The share of the rows, or of their weight, that the fit of the cohort puts into the same segment as that of all rows.
    pub agreement: Option<f64>,
    /// The adjusted Rand index of the two fits on the cohort's rows.
    pub ari: Option<f64>,
    /// The segments of the cohort's fit, by the numbers of those that they were matched with.
    pub segments: Vec<CohortSegment>,
    /// Why the cohort was not fitted, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A segment in the fit of a cohort.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CohortSegment {
    /// The number of the segment that it was matched with.
    pub segment: u32,
    /// Its share of the cohort, by the cohort's own fit.
    pub share: f64,
    /// How far its centroid is from the segment's, as a share of the distance from there to the nearest other segment's; `None`
    /// if there is no other.
    pub moved: Option<f64>,
    /// The features that moved most, the one that contributes most to the distance first.
    pub features: Vec<MovedFeature>,
}

/// How far a feature of a centroid moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MovedFeature {
    /// The feature.
    pub feature: String,
    /// Its mean over the segment, in the table's own units; the share of the rows for a category.
    pub whole: f64,
    /// The same in the fit of the cohort.
    pub cohort: f64,
}

/// The segments that are looked at: those of a fit or of a model.
pub(super) struct Subject<'a> {
    /// Each row's segment, in the rows of the matrix.
    segments: Labels,
    /// Their centroids by number, in stored units.
    centroids: Centroids,
    /// Their names, by number.
    names: &'a [Option<String>],
    encoder: &'a Encoder,
    /// The column of the cohorts, and the rows of each.
    cohorts: Option<(&'a str, Vec<Part>)>,
    /// The features that are not made from that column.
    counted: Vec<bool>,
}

impl<'a> Subject<'a> {
    /// From labels and centroids in the order of a fit; `numbers[label]` is the segment's number.
    pub(super) fn new(
        (labels, centroids): (&Labels, &Centroids),
        numbers: &[u32],
        names: &'a [Option<String>],
        encoder: &'a Encoder,
    ) -> Self {
        let segments = labels.iter().map(|label| label.map(|label| numbers[label as usize])).collect();
        let mut values = vec![0.0; centroids.values.len()];
        let d = centroids.features;
        for (centroid, &number) in centroids.iter().zip(numbers) {
            values[number as usize * d..(number as usize + 1) * d].copy_from_slice(centroid);
        }
        let centroids = Centroids { values, features: d };
        Subject { segments, centroids, names, encoder, cohorts: None, counted: vec![true; d] }
    }

    /// The same with cohorts. `rows` are all rows of the fit: the row of the table, the row of the matrix, and the weight in
    /// steps, 1 without weights.
    pub(super) fn with_cohorts(
        mut self,
        column: Option<&'a CohortColumn>,
        matrix: &Matrix,
        rows: impl Iterator<Item = (usize, usize, u64)>,
    ) -> Self {
        if let Some(column) = column {
            self.cohorts = Some((column.name.as_str(), parts(column, matrix, rows)));
            let encoders = self.encoder.by_feature();
            self.counted = encoders.iter().map(|encoder| encoder.column() != column.name).collect();
        }
        self
    }

    /// Fits the samples and the cohorts.
    ///
    /// # Errors
    /// As [`bootstrap`].
    pub(super) fn look(
        &self,
        dataset: &Dataset<'_>,
        options: &Stability,
        (method, seed): (&Method, u64),
        progress: Progress<'_>,
    ) -> Result<StabilityFound> {
        let (k, samples, n_init) =
            (self.centroids.k(), options.samples as usize, options.n_init.max(1) as usize);
        let mut found = StabilityFound {
            before_regrouping: false,
            samples,
            n_init,
            segments: Vec::new(),
            cohort: None,
            cohort_is_feature: false,
            cohorts: Vec::new(),
            cohorts_left_out: 0,
        };
        if samples > 0 {
            let segments =
                bootstrap(dataset, (k, &self.segments), method, (samples, n_init, seed), progress)?;
            found.segments = segments
                .iter()
                .enumerate()
                .map(|(segment, one)| {
                    let share = |n: usize| (one.samples > 0).then(|| n as f64 / one.samples as f64);
                    SegmentStability {
                        segment: segment as u32,
                        name: self.names.get(segment).cloned().flatten(),
                        jaccard: one.jaccard(),
                        recovered: share(one.recovered),
                        dissolved: share(one.dissolved),
                        reading: one.jaccard().map(|jaccard| reading(jaccard).into()),
                    }
                })
                .collect();
        }
        if let Some((column, all)) = &self.cohorts {
            let chosen = cohort::largest(all, MOST_COHORTS);
            let mut method = method.clone();
            let n_init = method.n_init().max(COHORT_N_INIT);
            method.set_n_init(n_init);
            method.set_seed(seed);
            let whole = Whole { labels: &self.segments, centroids: &self.centroids, counted: &self.counted };
            let rows: Vec<Vec<(u32, u64)>> = chosen.iter().map(|part| part.members.clone()).collect();
            let refits = cohorts(dataset, whole, &rows, &method, progress)?;
            found.cohort = Some((*column).to_string());
            found.cohorts_left_out = all.len() - chosen.len();
            found.cohort_is_feature = self.counted.contains(&false);
            let one = |(part, refit)| self.cohort(part, refit, dataset.matrix());
            found.cohorts = chosen.into_iter().zip(refits).map(one).collect();
        }
        Ok(found)
    }

    /// What came of one cohort.
    fn cohort(
        &self,
        part: &Part,
        refit: std::result::Result<Refit, Unmatched>,
        matrix: &Matrix,
    ) -> CohortFound {
        let mut found = CohortFound {
            cohort: part.value.clone(),
            rows: part.rows,
            agreement: None,
            ari: None,
            segments: Vec::new(),
            note: None,
        };
        match refit {
            Err(Unmatched::OtherNumber { segments }) => {
                let (k, word) = (self.centroids.k(), if segments == 1 { "segment" } else { "segments" });
                found.note = Some(format!("not compared: its own fit has {segments} {word}, not {k}"));
            }
            Err(Unmatched::TooFewRows { distinct }) => {
                let k = self.centroids.k();
                let rows = if distinct == 1 { "row" } else { "rows" };
                found.note =
                    Some(format!("not fitted: {distinct} distinct {rows}, fewer than the {k} segments"));
            }
            Ok(refit) => {
                found.agreement = Some(refit.agreement);
                found.ari = Some(refit.ari);
                found.segments = (0..self.centroids.k())
                    .map(|s| CohortSegment {
                        segment: s as u32,
                        share: refit.shares[s],
                        moved: refit.moved[s],
                        features: self.moved_features(s, &refit.centroids, matrix),
                    })
                    .collect();
            }
        }
        found
    }

    /// The features of a centroid that moved most in the scaled space.
    fn moved_features(&self, segment: usize, now: &Centroids, matrix: &Matrix) -> Vec<MovedFeature> {
        let (before, now) = (self.centroids.get(segment), now.get(segment));
        let distance = |j: usize| (f64::from(now[j]) - f64::from(before[j])).abs();
        let mut order: Vec<usize> =
            (0..before.len()).filter(|&j| self.counted[j] && distance(j) > 0.0).collect();
        order.sort_by(|&a, &b| distance(b).total_cmp(&distance(a)).then(a.cmp(&b)));
        let encoders = self.encoder.by_feature();
        let original = |j: usize, v: f32| {
            let scaled = matrix.to_user(f64::from(v));
            encoders.get(j).map_or(scaled, |encoder| encoder.to_original(scaled))
        };
        let moved = |&j: &usize| MovedFeature {
            feature: matrix.names()[j].clone(),
            whole: original(j, before[j]),
            cohort: original(j, now[j]),
        };
        order.iter().take(NAMED).map(moved).collect()
    }
}

/// Whether the segments of a saved model hold on a table.
#[derive(Debug, Clone)]
pub struct Held {
    /// Number of rows of the table, or of groups if the model groups rows.
    pub rows: usize,
    /// How many of these have no segment.
    pub excluded: usize,
    /// What the fits of samples and cohorts say.
    pub found: StabilityFound,
    /// What a person should know, such as categories that the fit did not see.
    pub warnings: Vec<String>,
}

/// Labels a table's rows with a model, and fits samples and cohorts of them by the model's method and with its number of
/// segments. On the table of the fit, and with its seed, this returns what the fit would.
///
/// # Errors
/// As [`Model::assign`]; a cohort column that the table does not have; fewer distinct rows than segments.
pub fn hold(
    model: &Model,
    table: &Table,
    options: &Stability,
    seed: u64,
    backend: &dyn Backend,
    observer: &dyn Observer,
) -> Result<Held> {
    if model.assigner.regrouped().is_some() {
        let what = "some segments of this model were merged or split, so fits of samples would not find them; put \
                    [stability] into the recipe, which then looks at the segments of the fit before that";
        return Err(Error::Usage(what.into()));
    }
    let in_table = |e: Error| e.in_file(&table.source);
    let LabelledTable { assignments, whole, weights, .. } = model.label(table, backend).map_err(in_table)?;
    let column = options.cohort.as_deref().map(|name| match whole.column(name) {
        Some(_) => CohortColumn::of(&whole, name),
        None => CohortColumn::of(table, name),
    });
    let column = column.transpose().map_err(in_table)?;
    if column.as_ref().is_some_and(|column| column.rows() != assignments.rows.len()) {
        let what = "the model groups rows, so cohorts need a column that its recipe makes for the groups";
        return Err(in_table(Error::data(what)));
    }
    let labelled: Vec<usize> =
        (0..assignments.rows.len()).filter(|&row| assignments.rows[row].is_some()).collect();
    let features = with_progress(observer, |progress| {
        let computing = Computing { backend, progress };
        FittedRecipe::features(&model.preparation, &model.encoder, table, computing).map_err(in_table)
    })?;
    let matrix = Matrix::from_columns(model.features.clone(), features.encoded.columns).map_err(in_table)?;
    let matrix = match &weights {
        Some(weights) => matrix.with_weights(weights.clone()).map_err(in_table)?,
        None => matrix,
    }
    .with_repeats();
    crate::cluster::kmeans::enough_rows(&matrix, &[model.k()]).map_err(in_table)?;
    let segments: Labels =
        labelled.iter().map(|&row| assignments.rows[row].map(|found| found.segment)).collect();
    let mut centroids: Vec<_> = model.assigner.centroids().iter().collect();
    centroids.sort_by_key(|centroid| centroid.segment.number);
    let values = centroids.iter().flat_map(|c| &c.values).map(|&v| matrix.to_stored(v)).collect();
    let centroids = Centroids { values, features: matrix.features() };
    let names = model.names();
    let numbers: Vec<u32> = (0..model.k() as u32).collect();
    let step = |i: usize| weights.as_ref().map_or(1, |weights| weights.steps()[i]);
    let rows = labelled.iter().enumerate().map(|(i, &row)| (row, i, step(i)));
    let subject = Subject::new((&segments, &centroids), &numbers, &names, &model.encoder).with_cohorts(
        column.as_ref(),
        &matrix,
        rows,
    );
    let dataset = Dataset::load(backend, &matrix)?;
    let found = with_progress(observer, |p| subject.look(&dataset, options, (&model.method, seed), p))?;
    let excluded = assignments.rows.len() - labelled.len();
    Ok(Held { rows: assignments.rows.len(), excluded, found, warnings: assignments.warnings })
}
