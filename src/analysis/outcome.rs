//! The results of an analysis: everything that a writer of results needs.

use super::changes::SegmentChange;
use super::compare::Compared;
use super::compare_methods::MethodsCompared;
use super::drift_since::DriftSince;
use super::method_found::MethodFound;
use super::migration::{Followed, Migration, State};
use super::pictures::Pictures;
use super::reduction::{PcaFound, Reduction};
use super::regroup::RegroupedFound;
use super::responsibilities::Responsibilities;
use super::spec::Report;
use super::stability::StabilityFound;
use crate::backend::Description;
use crate::cluster::{Partition, Restarts};
use crate::describe::TableDescription;
use crate::evidence::hopkins::Hopkins;
use crate::matrix::Matrix;
use crate::model::{Assignment, LeftOut, Model, Persona};
use crate::profile::Profile;
use crate::questions::Answer;
use crate::recipe::Encoder;
use crate::structure::Structure;
use crate::sweep::{Rule, RunnerUp, SweepRow, elbow_of};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The results of an analysis. Serialised, they are the body of `metrics.json`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// Number of rows of the table, or of groups if the recipe groups rows.
    pub rows: usize,
    /// How many of the fit's rows are distinct, if equal rows were computed once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distinct_rows: Option<usize>,
    /// Number of rows of weight 0, which get a segment but do not influence the fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weightless: Option<usize>,
    /// Number of rows that were left out of the fit, including outliers and those outside the population.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excluded: Option<usize>,
    /// How many of these rows the recipe's `[[drop]]` left out, if it has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<usize>,
    /// Number of rows that were left out as outliers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outliers: Option<usize>,
    /// Number of rows outside the population that the segments are for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside: Option<usize>,
    /// The features' names.
    pub features: Vec<String>,
    /// What is in the prepared table, if it was asked for.
    #[serde(flatten)]
    pub description: Option<TableDescription>,
    /// The first principal components analysis, if the recipe has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pca: Option<PcaFound>,
    /// All reductions of the recipe, if it has others beside that one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reductions: Vec<Reduction>,
    /// Hopkins' statistic, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hopkins: Option<TendencyFound>,
    /// One line for each k of the sweep, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Vec<SweepLine>>,
    /// Whether the table has structure at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structure: Option<StructureFound>,
    /// The k that the sweep chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Chosen>,
    /// The clustering method of the fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Cow<'static, str>>,
    /// How many segments the fit has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<usize>,
    /// Sum of the squared distances of the rows to the means of their segments, in the scaled feature space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inertia: Option<f64>,
    /// How many restarts the fit had, and how many of them found the best solution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restarts: Option<Restarts>,
    /// How many passes the best restart took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_iter: Option<usize>,
    /// Whether the best restart converged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub converged: Option<bool>,
    /// The segments' sizes, by their numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sizes: Option<Vec<u64>>,
    /// How many rows of the fit belong to no segment; `None` for KMeans, which leaves out none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<u64>,
    /// What the method found beside its segments.
    #[serde(flatten)]
    pub found: MethodFound,
    /// The mean silhouette of the fit, if it was computed. Rows that belong to no segment do not take part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silhouette: Option<f64>,
    /// How many rows silhouettes were computed on, if not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silhouette_sample: Option<usize>,
    /// The mean silhouette of the final segments among the answers that a layout was made of, in Jaccard's distance, if the
    /// silhouette was computed and the segments were found in such a layout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silhouette_jaccard: Option<f64>,
    /// The segments, by their numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segments: Option<Vec<Segment>>,
    /// What the segments are, unless the specification or the memory does without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// The answers to the recipe's questions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Answer>,
    /// Whether the segments hold, if samples or cohorts were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stability: Option<StabilityFound>,
    /// The segments compared with labellings by rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comparisons: Vec<Compared>,
    /// Other clustering methods on the same rows, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare_methods: Option<MethodsCompared>,
    /// Which rows changed their segment since the model that the fit started from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration: Option<Migration>,
    /// Which segments were merged and split, if any were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regrouped: Option<RegroupedFound>,
    /// What the segments were like at the model that the fit started from, and what they are like now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<SegmentChange>,
    /// What a report draws besides, of a fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pictures: Option<Pictures>,
    /// How a new table differs from that of the model that the fit started from, if it started from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftSince>,
    /// The conditions that the result had to meet, and whether it does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<GateFound>,
    /// Where the rows come from and what was done with them, of a fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceFound>,
    /// What the report shows and what it must not show.
    #[serde(default, skip_serializing_if = "Report::is_usual")]
    pub report: Report,
    /// The seed of everything random.
    pub seed: u64,
    /// The device, if one was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceUsed>,
    /// For each pass of the sweep or the fit, how many labels f32 could not prove, so that f64 decided. Each restart
    /// counts on its own.
    #[serde(rename = "undecided", default, skip_serializing_if = "Vec::is_empty")]
    pub f64_fallbacks: Vec<u64>,
    /// How long each stage took.
    pub seconds: Seconds,
    /// A k that was too small to be chosen although it scores higher, if there is one.
    #[serde(skip)]
    pub passed_over: Option<PassedOver>,
    /// The model of the fit.
    #[serde(skip)]
    pub model: Option<Model>,
    /// The table's rows and their segments.
    #[serde(skip)]
    pub labelled: Option<Labelled>,
    /// How likely each row belongs to each segment, if that was asked for.
    #[serde(skip)]
    pub responsibilities: Option<Responsibilities>,
}

/// A condition that the result had to meet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateFound {
    /// The condition, as a sentence: `the smallest segment has at least 1 % of the rows`.
    pub condition: String,
    /// What was found, as a sentence: `the smallest segment has 12.345 % of the rows`.
    pub found: String,
    /// Whether the condition is met.
    pub met: bool,
}

/// Where an analysis took its rows from, and how it is run again.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SourceFound {
    /// The table's file name without its folder, or `synth learners` for a table that was made up.
    pub table: String,
    /// The file name of the recipe without its folder, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipe: Option<String>,
    /// The recipe as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipe_text: Option<String>,
    /// The command that runs the analysis again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
}

/// A table's rows and their segments.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// The id column's name and cells; `None`: rows are numbered.
    pub ids: Option<(String, Vec<String>)>,
    /// Each row's segment; `None` for rows that the fit left out.
    pub rows: Vec<Option<Assignment>>,
    /// Which rows have no segment, and why.
    pub left_out: LeftOut,
    /// The segments' names, by their numbers.
    pub names: Vec<Option<String>>,
    /// Where the rows were last time, if last time's assignments are at hand.
    pub followed: Option<Followed>,
}

impl Labelled {
    /// Where each row is.
    pub fn states(&self) -> Vec<State> {
        let state = |(row, found): (usize, &Option<Assignment>)| {
            State::of(row, found.map(|found| found.segment), &self.left_out)
        };
        self.rows.iter().enumerate().map(state).collect()
    }
}

/// The segments' numbers, and what they are called.
pub(super) struct Numbered {
    /// The segments' numbers in the order of the labels: either by size or as in an earlier model.
    pub(super) numbers: Vec<u32>,
    /// Their names, by number.
    pub(super) names: Vec<Option<String>>,
    /// What else people say about them, by number.
    pub(super) personas: Vec<Option<Persona>>,
    /// Which rows moved since the earlier model.
    pub(super) migration: Option<Migration>,
}

/// How many seconds each stage took, for the stages that were run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Seconds {
    /// Reading the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<f64>,
    /// Making the matrix of features from the columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prepare: Option<f64>,
    /// Hopkins' statistic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tendency: Option<f64>,
    /// Fitting, including the fits of a sweep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fit: Option<f64>,
    /// Silhouettes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silhouette: Option<f64>,
    /// The gap statistic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<f64>,
    /// Stability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stability: Option<f64>,
    /// Describing the segments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<f64>,
    /// Fitting the other methods that the fit is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare_methods: Option<f64>,
    /// Answering the recipe's questions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub questions: Option<f64>,
    /// The verdict on structure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structure: Option<f64>,
    /// Labelling all rows and writing files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write: Option<f64>,
    /// The whole run.
    pub total: f64,
}

/// The device, and why it was chosen.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeviceUsed {
    /// `cpu` or `gpu`.
    pub backend: Cow<'static, str>,
    /// Threads and instruction set, or the adapter and its driver.
    pub name: String,
    /// Why this device was chosen.
    pub reason: String,
}

impl DeviceUsed {
    /// From a backend's description.
    pub fn new(description: Description, reason: &str) -> Self {
        DeviceUsed { backend: description.backend.into(), name: description.name, reason: reason.into() }
    }
}

/// A segment of a fit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Segment {
    /// Its number: 0 is the largest segment, unless the fit kept the numbers of an earlier model.
    pub segment: u32,
    /// Its name, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What else a person says about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persona: Option<Persona>,
    /// How many rows.
    pub size: u64,
    /// The total weight of its rows, if rows have weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// Its share of the rows, or of their weight.
    pub share: f64,
    /// The mean of each feature, in the table's own units.
    pub centroid: Vec<f64>,
}

/// One k of a sweep.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SweepLine {
    /// The k.
    pub k: usize,
    /// The inertia of the best restart.
    pub inertia: f64,
    /// The mean silhouette; `None` for k = 1.
    pub silhouette: Option<f64>,
    /// The share of the smallest segment, in percent.
    pub min_segment_pct: f64,
    /// How many passes the best restart took, for methods that take any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_iter: Option<usize>,
    /// Whether this is the elbow of the inertia.
    pub elbow: bool,
    /// The score of Calinski and Harabasz; higher is better. `None` for k = 1.
    pub calinski_harabasz: Option<f64>,
    /// The score of Davies and Bouldin; lower is better. `None` for k = 1.
    pub davies_bouldin: Option<f64>,
    /// The gap statistic, if it was computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<f64>,
    /// Its standard error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap_se: Option<f64>,
    /// The mean Jaccard index of the segment that reappears least in bootstrap samples, if it was computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stability: Option<f64>,
    /// Schwarz' criterion of a Gaussian mixture; lower is better.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bic: Option<f64>,
    /// Akaike's criterion of a Gaussian mixture; lower is better.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aic: Option<f64>,
    /// The mean silhouette of tables with the same columns and correlations but no gaps, if the verdict on structure looked at
    /// this k. It looks at a sample of the rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub twin_silhouette: Option<f64>,
}

impl From<&SweepRow> for SweepLine {
    fn from(row: &SweepRow) -> Self {
        let partition = &row.partition;
        SweepLine {
            k: partition.k,
            inertia: partition.diagnostics.inertia,
            silhouette: row.scores.silhouette,
            min_segment_pct: partition.min_segment_pct(),
            n_iter: partition.diagnostics.n_iter,
            elbow: false,
            calinski_harabasz: row.scores.calinski_harabasz,
            davies_bouldin: row.scores.davies_bouldin,
            gap: row.scores.gap.map(|gap| gap.gap),
            gap_se: row.scores.gap.map(|gap| gap.se),
            stability: row.scores.stability,
            bic: row.scores.bic,
            aic: row.scores.aic,
            twin_silhouette: None,
        }
    }
}

/// Whether a table has structure at all.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StructureFound {
    /// `strong`, `weak`, `continuum`, `none` or `outliers`; `None` for a table that cannot be judged.
    pub verdict: Option<Cow<'static, str>>,
    /// What the verdict means, in sentences.
    pub meaning: String,
    /// What it rests on, in sentences.
    pub why: String,
    /// Whether it is close to a limit of the rule, so that another sample of the rows may be judged differently.
    pub borderline: bool,
    /// The columns whose categories the segments mainly restate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restates: Vec<String>,
    /// How many rows were looked at.
    pub rows: usize,
}

/// The chosen k.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Chosen {
    /// The k.
    pub k: usize,
    /// The rule.
    pub rule: Rule,
    /// The reason, as a sentence.
    pub why: String,
    /// The k that would be chosen if this one were not there.
    pub runner_up: Option<RunnerUp>,
}

/// A k below the smallest allowed one scores higher than the chosen k.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PassedOver {
    /// The k that was passed over, and its score.
    pub better: (usize, f64),
    /// The chosen k, and its score.
    pub chosen: (usize, f64),
}

/// Hopkins' statistic.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TendencyFound {
    /// With exponent 1, as notebooks usually compute it.
    pub exponent_1: f64,
    /// With exponent d, the number of features, as the literature defines it.
    pub exponent_d: f64,
    /// The probability that uniform noise has an `exponent_d` this high.
    pub p_value: f64,
    /// How many random rows were probed, and as many random points.
    pub probes: usize,
}

impl From<&Hopkins> for TendencyFound {
    fn from(h: &Hopkins) -> Self {
        TendencyFound {
            exponent_1: h.exponent_1,
            exponent_d: h.exponent_d,
            p_value: h.p_value,
            probes: h.probes,
        }
    }
}

impl Outcome {
    /// Adds the results of a sweep.
    pub(super) fn add_sweep(&mut self, rows: &[SweepRow]) {
        let elbow = elbow_of(rows);
        let line = |row| {
            let line = SweepLine::from(row);
            SweepLine { elbow: elbow == Some(line.k), ..line }
        };
        self.sweep = Some(rows.iter().map(line).collect());
        self.f64_fallbacks = rows.first().map_or_else(Vec::new, |r| r.partition.f64_fallbacks.clone());
    }

    /// Adds the verdict on structure, and to the sweep the silhouettes of the tables that it compared.
    pub(super) fn add_structure(&mut self, found: &Structure) {
        let compared = found.figures.iter().flat_map(|figures| &figures.compared);
        for one in compared {
            let line = self.sweep.iter_mut().flatten().find(|line| line.k == one.k);
            line.into_iter().for_each(|line| line.twin_silhouette = Some(one.twin_silhouette));
        }
        self.structure = Some(StructureFound {
            verdict: found.figures.as_ref().map(|_| found.verdict.word().into()),
            meaning: found.meaning(),
            why: found.why.clone(),
            borderline: found.borderline,
            restates: found.restates.clone(),
            rows: found.rows,
        });
    }

    /// Adds the final partition.
    pub(super) fn add_fit(
        &mut self,
        partition: &Partition,
        Numbered { numbers, names, personas, .. }: &Numbered,
        matrix: &Matrix,
        encoder: &Encoder,
    ) {
        let centroids = partition.prototypes.centroids();
        let encoders = encoder.by_feature();
        let total: u128 = partition.weights.iter().sum();
        let weights = matrix.sample_weights().filter(|w| !w.is_count());
        let mut segments: Vec<Segment> = numbers
            .iter()
            .copied()
            .zip(partition.sizes.iter().zip(&partition.weights))
            .zip(centroids.iter())
            .map(|((segment, (&size, &weight)), values)| Segment {
                segment,
                name: names.get(segment as usize).cloned().flatten(),
                persona: personas.get(segment as usize).cloned().flatten(),
                size,
                weight: weights.map(|w| w.as_given(weight)),
                share: weight as f64 / total as f64,
                centroid: values
                    .iter()
                    .zip(&encoders)
                    .map(|(&v, encoder)| encoder.to_original(matrix.to_user(f64::from(v))))
                    .collect(),
            })
            .collect();
        segments.sort_by_key(|s| s.segment);
        self.k = Some(partition.k);
        self.inertia = Some(partition.diagnostics.inertia);
        self.restarts = partition.diagnostics.n_iter.map(|_| partition.restarts);
        self.n_iter = partition.diagnostics.n_iter;
        self.converged = partition.diagnostics.converged;
        self.sizes = Some(segments.iter().map(|s| s.size).collect());
        self.segments = Some(segments);
        self.f64_fallbacks.clone_from(&partition.f64_fallbacks);
    }
}
