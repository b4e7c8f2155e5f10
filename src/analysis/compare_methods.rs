//! Other clustering methods beside the fit's, on the same rows: whether they find the same segments.

use super::Spec;
use super::method_found::MethodFound;
use super::prepare::Prepared;
use super::running::Running;
use crate::cluster::kmeans::{Start, enough_rows};
use crate::cluster::{Method, Partition};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::evidence::agreement::{Agreement, Contingency};
use crate::matrix::Matrix;
use crate::profile::Profile;
use crate::recipe::ColumnEncoder;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::time::Instant;

/// A clustering method to be compared with the fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherMethod {
    /// What people call it; no two have the same name.
    pub name: String,
    /// The method and its parameters.
    pub method: Method,
    /// How many segments it makes; `None`: as many as the fit has. Methods that find their number take no notice.
    pub k: Option<usize>,
    /// Whether it sees the features in the table's own units instead of the scaled ones.
    pub unscaled: bool,
    /// Whether its segments are described as those of the fit are.
    pub profile: bool,
}

/// Several clustering methods on the same rows, the fit's first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MethodsCompared {
    /// What each method found.
    pub methods: Vec<MethodResult>,
    /// The adjusted Rand index of each pair of methods, in their order; `None` where one of the two found nothing. Rows
    /// without a segment count as one more group, as in scikit-learn.
    pub ari: Vec<Vec<Option<f64>>>,
}

/// What a method found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MethodResult {
    /// What people call it.
    pub name: String,
    /// The method.
    pub method: Cow<'static, str>,
    /// How many segments it made.
    pub segments: usize,
    /// Their sizes, the largest first.
    pub sizes: Vec<u64>,
    /// How many rows belong to none of them.
    pub noise: u64,
    /// The mean silhouette of the rows in segments, by the scaled features; `None` with fewer than two segments.
    pub silhouette: Option<f64>,
    /// How many seconds the method took.
    pub seconds: f64,
    /// What else the method found. What the fit found stands outside this list.
    #[serde(flatten)]
    pub found: MethodFound,
    /// What its segments are, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Why there is no result, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Each row's segment: -1 for a row that belongs to none, `None` for a row that took no part.
    #[serde(skip)]
    pub rows: Vec<Option<i32>>,
}

/// The fit that other methods are compared with.
pub(super) struct OwnFit<'a> {
    pub(super) method: &'a Method,
    /// Its partition of the matrix' rows.
    pub(super) partition: &'a Partition,
    /// The numbers of its segments, in the order of the labels.
    pub(super) numbers: &'a [u32],
}

impl OtherMethod {
    /// Checks that a table has enough rows for it, where its number of segments is known.
    ///
    /// # Errors
    /// More segments than distinct rows.
    pub(super) fn check(&self, matrix: &Matrix, k: Option<usize>) -> Result<()> {
        match self.ks(k).first() {
            Some(&k) => enough_rows(matrix, &[k]),
            None => Ok(()),
        }
    }

    /// The k that it is fitted with, given that of the fit; none if it finds one.
    pub(super) fn ks(&self, k: Option<usize>) -> Vec<usize> {
        self.k.or(k).filter(|_| !self.method.finds_k()).into_iter().collect()
    }

    /// Runs it on the rows of a dataset. Mistakes in what it was asked for are an inner error, as a sentence.
    fn run(
        &self,
        running: &mut Running<'_>,
        k: usize,
        matrix: Option<&Matrix>,
    ) -> Result<std::result::Result<Partition, String>> {
        let mut method = self.method.clone();
        method.set_seed(running.spec.seed);
        let ks = self.ks(Some(k));
        let start = Start::KMeansPlusPlus;
        let found = match matrix {
            None => running.fit_method(&method, &ks, &start),
            Some(matrix) => running.on_device(|dataset, this| {
                let own = Dataset::load(dataset.backend(), matrix)?;
                super::notice::with_progress(this.observer, |p| method.partitions(&own, &ks, &start, p))
            }),
        };
        match found {
            Ok(found) => Ok(found.into_iter().next().ok_or_else(|| "it returned nothing".into())),
            Err(Error::Data { what, .. } | Error::Usage(what)) => Ok(Err(what)),
            Err(other) => Err(other),
        }
    }
}

impl Prepared {
    /// Fits the other methods of a specification, and compares them with the fit and with each other.
    ///
    /// # Errors
    /// A device that failed; [`Error::Interrupted`]. A method that cannot be fitted gets a note instead.
    pub(super) fn compare_methods(
        &self,
        running: &mut Running<'_>,
        own: &OwnFit<'_>,
        spec: &Spec,
        ids: Option<&(String, Vec<String>)>,
    ) -> Result<Option<MethodsCompared>> {
        if spec.compare_methods.is_empty() {
            return Ok(None);
        }
        let unscaled = match spec.compare_methods.iter().any(|other| other.unscaled) {
            true => Some(self.unscaled()?),
            false => None,
        };
        let seconds = running.outcome.seconds.fit.unwrap_or(0.0);
        let mut methods =
            vec![self.result(own.method.title(), own.method, own.partition, own.numbers, seconds)];
        let mut partitions = vec![own.partition.clone()];
        // For each partition the method that it belongs to.
        let mut places = vec![0];
        for other in &spec.compare_methods {
            let start = Instant::now();
            let matrix = unscaled.as_ref().filter(|_| other.unscaled);
            let found = other.run(running, own.partition.k, matrix)?;
            let seconds = start.elapsed().as_secs_f64();
            match found {
                Ok(partition) => {
                    let numbers = partition.segments();
                    let mut result = self.result(&other.name, &other.method, &partition, &numbers, seconds);
                    let own_ids = ids.map(|(_, ids)| &ids[..]);
                    let details = &self.of_all_rows(&partition).details;
                    result.found = MethodFound::new(details, &numbers, |row| self.table_row(row), own_ids);
                    if other.profile {
                        let segments: Vec<Option<u32>> =
                            result.rows.iter().map(|row| row.and_then(|n| u32::try_from(n).ok())).collect();
                        result.profile = self.profile_of(&segments, partition.k, spec, ids)?;
                    }
                    places.push(methods.len());
                    methods.push(result);
                    partitions.push(partition);
                }
                Err(why) => methods.push(MethodResult {
                    name: other.name.clone(),
                    method: other.method.name().into(),
                    segments: 0,
                    sizes: Vec::new(),
                    noise: 0,
                    silhouette: None,
                    seconds,
                    found: MethodFound::default(),
                    profile: None,
                    note: Some(why),
                    rows: vec![None; self.rows],
                }),
            }
        }
        let ari = self.pairs(methods.len(), &places, &partitions);
        let scores = running.silhouettes(partitions)?;
        places.into_iter().zip(scores).for_each(|(place, score)| methods[place].silhouette = score);
        Ok(Some(MethodsCompared { methods, ari }))
    }

    /// What a method found, without its silhouette.
    fn result(
        &self,
        name: &str,
        method: &Method,
        partition: &Partition,
        numbers: &[u32],
        seconds: f64,
    ) -> MethodResult {
        let number = |label: Option<u32>| Some(label.map_or(-1, |label| numbers[label as usize] as i32));
        let all_rows = self.of_all_rows(partition);
        let mut sizes = vec![0; partition.k];
        numbers.iter().zip(&all_rows.sizes).for_each(|(&number, &size)| sizes[number as usize] = size);
        MethodResult {
            name: name.into(),
            method: method.name().into(),
            segments: partition.k,
            noise: all_rows.labels.len() as u64 - all_rows.sizes.iter().sum::<u64>(),
            sizes,
            silhouette: None,
            seconds,
            found: MethodFound::default(),
            profile: None,
            note: None,
            rows: self.of_table(partition.labels.iter().map(number).collect()),
        }
    }

    /// The adjusted Rand index of each pair of methods.
    fn pairs(&self, methods: usize, places: &[usize], partitions: &[Partition]) -> Vec<Vec<Option<f64>>> {
        let mut ari = vec![vec![None; methods]; methods];
        let all_rows: Vec<_> = partitions.iter().map(|partition| self.of_all_rows(partition)).collect();
        for (i, a) in all_rows.iter().enumerate() {
            for (j, b) in all_rows.iter().enumerate().take(i + 1) {
                let group = |of: &Partition, row: usize| of.labels.get(row).unwrap_or(of.k as u32);
                let shape = (a.k + 1, b.k + 1);
                let rows = a.labels.len();
                let weights = self.weights.as_ref().map(|weights| weights.steps());
                let counted = Contingency::weighted(shape, rows, |row| {
                    Some((group(a, row), group(b, row), weights.map_or(1, |weights| weights[row])))
                });
                // Too many copies to be counted: each row counts once.
                let counted = counted.unwrap_or_else(|_| {
                    Contingency::count(shape, rows, |row| Some((group(a, row), group(b, row))))
                });
                let score = Some(Agreement::of(&counted).ari);
                (ari[places[i]][places[j]], ari[places[j]][places[i]]) = (score, score);
            }
        }
        ari
    }

    /// The rows of the matrix with the features in the table's own units.
    fn unscaled(&self) -> Result<Matrix> {
        let encoders = self.fitted.encoder.by_feature();
        let matrix = &self.matrix;
        let column = |(j, encoder): (usize, &&ColumnEncoder)| -> Vec<f32> {
            let value = |i| encoder.to_original(matrix.to_user(f64::from(matrix.value(i, j)))) as f32;
            (0..matrix.rows()).map(value).collect()
        };
        let columns = encoders.iter().enumerate().map(column).collect();
        let own = Matrix::from_columns(matrix.names().to_vec(), columns)?;
        match matrix.sample_weights() {
            None => Ok(own),
            Some(weights) => own.with_weights(weights.clone()),
        }
    }
}
