//! Merging and splitting the segments of a fit, as a recipe asks for it.

use super::notice::{Observer, with_progress};
use crate::canonical::Centroids;
use crate::cluster::kmeans::{Start, enough_rows};
use crate::cluster::{Labels, Method, Partition, Prototypes};
use crate::dataset::Dataset;
use crate::error::{Error, Fault, Result};
use crate::matrix::{Matrix, block_sums};
use crate::model::{
    Assignment, Becomes, ByColumn, ByValue, FitCentroid, Model, Regrouping, SubCentroid,
    points_in_user_units, regroup,
};
use crate::table::{Table, Values};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The most parts that a column may split a segment into.
pub const MOST_PARTS: usize = 50;

/// Which segments of a fit are merged and split. Segments are given by their numbers in the fit: 0 is the largest one
/// before merges and splits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Regroup {
    /// The segments to put together.
    pub merge: Vec<Merge>,
    /// The segments to split.
    pub split: Vec<Split>,
}

/// Segments that become one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merge {
    /// The line in the recipe file, counted from 1.
    pub line: u64,
    /// Their numbers.
    pub segments: Vec<u32>,
}

/// A segment that becomes several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// The line in the recipe file, counted from 1.
    pub line: u64,
    /// Its number.
    pub segment: u32,
    /// What splits it.
    pub by: SplitBy,
}

/// What splits a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitBy {
    /// Its rows are clustered again by the method of the fit, into so many parts.
    K(usize),
    /// The values of a column make the parts.
    Column(String),
}

/// What became of the segments of a fit: part of `metrics.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegroupedFound {
    /// How many segments the fit has.
    pub k: usize,
    /// How many rows each segment of the fit has, by its number there.
    pub sizes: Vec<u64>,
    /// The segments that were merged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<Merged>,
    /// The segments that were split.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub split: Vec<SplitFound>,
    /// The segments that are as they were, with their new numbers.
    pub kept: Vec<Renumbered>,
}

/// Segments that became one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Merged {
    /// Their numbers in the fit.
    pub from: Vec<u32>,
    /// The number of the segment that they make.
    pub to: u32,
}

/// A segment that became several.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SplitFound {
    /// Its number in the fit.
    pub from: u32,
    /// The column whose values split it; `None` if its rows were clustered again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The numbers of its parts.
    pub to: Vec<u32>,
    /// The value of each part, where a column split it; `None` is the part in which it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Option<String>>>,
}

/// A segment that only got another number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Renumbered {
    /// Its number in the fit.
    pub from: u32,
    /// Its number now.
    pub to: u32,
}

impl Regroup {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.merge.is_empty() && self.split.is_empty()
    }

    /// The columns that split segments, each with the line and the key that name it.
    pub(super) fn columns(&self) -> impl Iterator<Item = (u64, String, &str)> {
        self.split.iter().enumerate().filter_map(|(i, split)| match &split.by {
            SplitBy::Column(column) => Some((split.line, format!("analysis.split[{i}].by"), column.as_str())),
            SplitBy::K(_) => None,
        })
    }

    /// How many segments there are in the end if the fit has `k`; `None` if the values of a column decide.
    pub(super) fn segments_of(&self, k: usize) -> Option<usize> {
        let less: usize = self.merge.iter().map(|merge| merge.segments.len().saturating_sub(1)).sum();
        let more = self.split.iter().map(|split| match split.by {
            SplitBy::K(parts) => Some(parts.saturating_sub(1)),
            SplitBy::Column(_) => None,
        });
        Some((k + more.sum::<Option<usize>>()?).saturating_sub(less))
    }

    /// Checks that each segment occurs once at most: `fault(line, key, what)` is called for each mistake.
    pub(super) fn check_numbers(&self, mut fault: impl FnMut(u64, String, String)) {
        let mut merged: HashMap<u32, usize> = HashMap::new();
        for (i, Merge { line, segments }) in self.merge.iter().enumerate() {
            let key = format!("analysis.merge[{i}]");
            if segments.len() < 2 {
                fault(*line, key.clone(), "expected at least two segments to merge".into());
            }
            for segment in segments {
                match merged.insert(*segment, i) {
                    Some(first) if first == i => {
                        fault(*line, key.clone(), format!("segment {segment} stands there twice"));
                    }
                    Some(_) => fault(
                        *line,
                        key.clone(),
                        format!(
                            "segment {segment} is in two merges; put all segments that become one into one list"
                        ),
                    ),
                    None => {}
                }
            }
        }
        let mut split = HashSet::new();
        for (i, Split { line, segment, .. }) in self.split.iter().enumerate() {
            let key = format!("analysis.split[{i}].segment");
            if merged.contains_key(segment) {
                let what =
                    format!("segment {segment} is merged too; a segment can be merged or split, not both");
                fault(*line, key, what);
            } else if !split.insert(*segment) {
                fault(*line, key, format!("segment {segment} is split twice"));
            }
        }
    }

    /// Checks it against a fit with `k` segments.
    ///
    /// # Errors
    /// [`Error::Recipe`] for segments that the fit does not have, for one that stands in two places, and if one segment
    /// would be left.
    pub(super) fn check(&self, k: usize, source: &str) -> Result<()> {
        let mut faults = Vec::new();
        let mut fault = |line, key: String, what| faults.push(Fault::in_line(source, line, key, what));
        self.check_numbers(&mut fault);
        let mut exists = |line: u64, key: String, segment: u32| {
            if segment as usize >= k {
                let what =
                    format!("there is no segment {segment}: the fit's segments are numbered 0 to {}", k - 1);
                fault(line, key, what);
            }
        };
        for (i, Merge { line, segments }) in self.merge.iter().enumerate() {
            segments.iter().for_each(|&segment| exists(*line, format!("analysis.merge[{i}]"), segment));
        }
        for (i, Split { line, segment, .. }) in self.split.iter().enumerate() {
            exists(*line, format!("analysis.split[{i}].segment"), *segment);
        }
        if faults.is_empty()
            && let (Some(0 | 1), Some(merge)) = (self.segments_of(k), self.merge.first())
        {
            let what = format!("this merges all {k} segments into one; leave out at least one of them");
            faults.push(Fault::in_line(source, merge.line, "analysis.merge", what));
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::recipe(faults)) }
    }

    /// The merges and splits of a saved model.
    pub(super) fn of_model(model: &Model) -> Regroup {
        let mut regroup = Regroup::default();
        let mut merges: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for centroid in model.assigner.regrouped().into_iter().flat_map(|regrouped| &regrouped.centroids) {
            let by = match &centroid.becomes {
                Becomes::Segment(segment) => {
                    merges.entry(*segment).or_default().push(centroid.number);
                    continue;
                }
                Becomes::Nearest(parts) => SplitBy::K(parts.len()),
                Becomes::By(by) => SplitBy::Column(by.column.clone()),
            };
            regroup.split.push(Split { line: 0, segment: centroid.number, by });
        }
        regroup.split.sort_by_key(|split| split.segment);
        let merges = merges.into_values().filter(|segments| segments.len() > 1);
        regroup.merge = merges.map(|segments| Merge { line: 0, segments }).collect();
        regroup.merge.iter_mut().for_each(|merge| merge.segments.sort_unstable());
        regroup.merge.sort_by_key(|merge| merge.segments[0]);
        regroup
    }
}

/// The cells of a column that splits segments: their distinct values, and for each row the place of its own in them.
pub(super) struct SplitColumn {
    column: String,
    levels: Vec<String>,
    codes: Vec<Option<u32>>,
}

impl SplitColumn {
    /// The columns of a table that split segments.
    ///
    /// # Errors
    /// A column that the table does not have, or one of numbers with very many different values.
    pub(super) fn all(regroup: &Regroup, table: &Table, source: &str) -> Result<Vec<SplitColumn>> {
        let column = |(line, key, name): (u64, String, &str)| {
            let values = table.column(name).map(|c| &c.values);
            let fault = |what| Error::recipe(vec![Fault::in_line(source, line, key, what)]);
            let values = values.ok_or_else(|| format!("no column is called {name:?}"));
            let (levels, codes) = values.and_then(|values| cells(name, values)).map_err(fault)?;
            Ok(SplitColumn { column: name.into(), levels, codes })
        };
        regroup.columns().map(column).collect()
    }

    /// Whether it is the column of that name.
    pub(super) fn is(&self, name: &str) -> bool {
        self.column == name
    }

    /// For some rows (all, where `kept` is `None`) the segment of each.
    pub(super) fn segments(&self, by: &ByColumn, kept: Option<&[u32]>) -> Vec<u32> {
        let values = Values::Text { levels: self.levels.clone(), codes: self.codes.clone() };
        by.segments_of(&values, kept)
    }
}

/// The most different numbers of a column of which a list is made.
const MOST_NUMBERS: usize = 10_000;

/// The distinct values of a column as texts, and each row's place in them.
fn cells(name: &str, values: &Values) -> std::result::Result<(Vec<String>, Vec<Option<u32>>), String> {
    if let Values::Text { levels, codes } = values {
        return Ok((levels.clone(), codes.clone()));
    }
    let mut places: HashMap<String, u32> = HashMap::new();
    let mut codes = Vec::with_capacity(values.len());
    for row in 0..values.len() {
        let code = (!values.is_missing(row)).then(|| {
            let next = places.len() as u32;
            *places.entry(values.cell(row)).or_insert(next)
        });
        codes.push(code);
        if places.len() > MOST_NUMBERS {
            return Err(too_many(name, "more than 10,000"));
        }
    }
    let mut levels = vec![String::new(); places.len()];
    places.into_iter().for_each(|(level, place)| levels[place as usize] = level);
    Ok((levels, codes))
}

fn too_many(column: &str, found: &str) -> String {
    format!(
        "{column} has {found} values, and may split a segment into at most {MOST_PARTS} parts; make a column with fewer, \
         for numbers with the step cut, for texts with top"
    )
}

/// A fit whose segments were merged and split.
pub(super) struct Regrouped {
    /// The segments as a partition, whose centroids are the means of their rows.
    pub(super) partition: Partition,
    /// The centroids of the fit. They refer to segments by their place in the partition.
    pub(super) centroids: Vec<FitCentroid>,
    /// The segments of the matrix' rows, by their place in the partition.
    pub(super) rows: Vec<Assignment>,
    /// The sizes of the fit's segments, by their place in the fit's partition.
    pub(super) sizes: Vec<u64>,
}

/// What merges and splits need to know.
pub(super) struct Regrouper<'a> {
    pub(super) regroup: &'a Regroup,
    /// The number in the fit of each segment of the partition.
    pub(super) numbers: &'a [u32],
    /// The columns that split segments, in the order of the splits.
    pub(super) columns: &'a [SplitColumn],
    /// The table's rows that are in the matrix; `None`: all.
    pub(super) kept: Option<&'a [u32]>,
    /// The centroids that splits start from, by the number of the segment, in the scaled feature space.
    pub(super) starts: &'a BTreeMap<u32, Vec<Vec<f64>>>,
    /// The recipe's file, for messages.
    pub(super) source: &'a str,
    pub(super) observer: &'a dyn Observer,
}

impl Regrouper<'_> {
    /// Merges and splits the segments of a partition of the dataset's rows.
    ///
    /// # Errors
    /// A split into more parts than a segment can have; a device that failed; [`Error::Interrupted`].
    pub(super) fn regroup(
        &self,
        dataset: &Dataset<'_>,
        fit: &Partition,
        method: &Method,
    ) -> Result<Regrouped> {
        let matrix = dataset.matrix();
        let labels = fit
            .labels
            .complete()
            .ok_or_else(|| Error::data("every row needs a segment to merge and split"))?;
        let points = points_in_user_units(fit.prototypes.centroids(), matrix);
        let mut by_number: BTreeMap<u32, usize> = BTreeMap::new();
        by_number.extend(self.numbers.iter().enumerate().map(|(place, &number)| (number, place)));
        let mut becomes: Vec<Option<Becomes>> = vec![None; fit.k];
        let mut next = 0;
        let mut new = || {
            next += 1;
            next - 1
        };
        // In the order of the numbers, so that ties in size do not depend on the order of the centroids.
        for (&number, &place) in &by_number {
            if becomes[place].is_some() {
                continue;
            }
            let merge = self.regroup.merge.iter().find(|merge| merge.segments.contains(&number));
            let split = self.regroup.split.iter().position(|split| split.segment == number);
            becomes[place] = Some(match (merge, split) {
                (Some(merge), _) => {
                    let segment = new();
                    let others = merge.segments.iter().filter_map(|number| by_number.get(number));
                    others.for_each(|&other| becomes[other] = Some(Becomes::Segment(segment)));
                    Becomes::Segment(segment)
                }
                (None, Some(split)) => {
                    let rows: Vec<usize> =
                        (0..labels.len()).filter(|&i| labels[i] as usize == place).collect();
                    self.split(split, dataset, &rows, method, &mut new)?
                }
                (None, None) => Becomes::Segment(new()),
            });
        }
        let k = next as usize;
        let centroids: Vec<FitCentroid> = becomes
            .into_iter()
            .zip(points)
            .zip(self.numbers)
            .map(|((becomes, values), &number)| FitCentroid {
                number,
                becomes: becomes.unwrap_or(Becomes::Segment(0)),
                values,
            })
            .collect();
        let choices: Vec<Vec<u32>> = self.choices(&centroids, self.kept);
        let Regrouping { rows, .. } = regroup(dataset, &centroids, labels, &choices)?;
        let partition = partition(fit, k, &centroids, &rows, matrix);
        Ok(Regrouped { partition, centroids, rows, sizes: fit.sizes.clone() })
    }

    /// For each split by a column, in the order of the centroids, the segment of some of the table's rows.
    fn choices(&self, centroids: &[FitCentroid], kept: Option<&[u32]>) -> Vec<Vec<u32>> {
        let of_centroid = |c: &FitCentroid| match &c.becomes {
            Becomes::By(by) => {
                let column = self.columns.iter().find(|column| column.column == by.column)?;
                Some(column.segments(by, kept))
            }
            _ => None,
        };
        centroids.iter().filter_map(of_centroid).collect()
    }

    /// Splits a segment, which has these rows of the matrix.
    fn split(
        &self,
        place: usize,
        dataset: &Dataset<'_>,
        rows: &[usize],
        method: &Method,
        new: &mut impl FnMut() -> u32,
    ) -> Result<Becomes> {
        let Split { line, segment, by } = &self.regroup.split[place];
        let fault = |key: &str, what| {
            let key = format!("analysis.split[{place}].{key}");
            Error::recipe(vec![Fault::in_line(self.source, *line, key, what)])
        };
        match by {
            SplitBy::Column(name) => {
                let column = self.columns.iter().find(|column| column.column == *name);
                let column = column.ok_or_else(|| fault("by", format!("no column is called {name:?}")))?;
                self.split_by(column, rows, new)
                    .map_err(|what| fault("by", format!("segment {segment}: {what}")))
            }
            SplitBy::K(parts) => {
                let part = dataset.matrix().select(rows).with_repeats();
                if let Err(distinct) = part.distinct_rows(*parts) {
                    let what =
                        format!("segment {segment} has {distinct} distinct rows, too few for {parts} parts");
                    return Err(fault("k", what));
                }
                enough_rows(&part, &[*parts])?;
                let (mut method, mut start) = (method.clone(), Start::KMeansPlusPlus);
                if let Some(points) = self.starts.get(segment).filter(|points| points.len() == *parts) {
                    method.set_n_init(1);
                    start = Start::Given(super::running::start_centroids(points, &part));
                }
                let part = Dataset::load(dataset.backend(), &part)?;
                let found = with_progress(self.observer, |p| method.partitions(&part, &[*parts], &start, p))?;
                let found = found.into_iter().next();
                let found = found.ok_or_else(|| Error::Device("the method returned no partition".into()))?;
                let points = points_in_user_units(found.prototypes.centroids(), part.matrix());
                let segments = std::iter::repeat_with(new);
                let parts =
                    points.into_iter().zip(segments).map(|(values, segment)| SubCentroid { segment, values });
                Ok(Becomes::Nearest(parts.collect()))
            }
        }
    }

    /// Splits a segment by a column's values in its rows: the commonest first, ties in the order of the texts.
    fn split_by(
        &self,
        column: &SplitColumn,
        rows: &[usize],
        new: &mut impl FnMut() -> u32,
    ) -> std::result::Result<Becomes, String> {
        let mut counts: HashMap<Option<u32>, u64> = HashMap::new();
        for &i in rows {
            let row = self.kept.map_or(i, |kept| kept[i] as usize);
            *counts.entry(column.codes.get(row).copied().flatten()).or_default() += 1;
        }
        if counts.len() > MOST_PARTS {
            return Err(too_many(&column.column, &counts.len().to_string()));
        }
        let level = |code: Option<u32>| code.and_then(|code| column.levels.get(code as usize).cloned());
        let mut values: Vec<(u64, Option<String>)> =
            counts.into_iter().map(|(code, count)| (count, level(code))).collect();
        values.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        if let [(_, only)] = &values[..] {
            let only = only.as_ref().map_or("missing".into(), |value| format!("{value:?}"));
            return Err(format!("{} is {only} in all of its rows, so it does not split it", column.column));
        }
        let values: Vec<ByValue> =
            values.into_iter().map(|(_, value)| ByValue { value, segment: new() }).collect();
        let other = values.first().map_or(0, |value| value.segment);
        Ok(Becomes::By(ByColumn { column: column.column.clone(), values, other }))
    }
}

/// The rows of a matrix in their segments, as a partition.
fn partition(
    fit: &Partition,
    k: usize,
    centroids: &[FitCentroid],
    rows: &[Assignment],
    matrix: &Matrix,
) -> Partition {
    let d = matrix.features();
    let (mut sizes, mut weights) = (vec![0u64; k], vec![0u128; k]);
    for (i, row) in rows.iter().enumerate() {
        sizes[row.segment as usize] += 1;
        weights[row.segment as usize] += matrix.weights().map_or(1, |weights| u128::from(weights[i]));
    }
    let sums = block_sums(rows.len(), k * (d + 1), |i, sums| {
        let copies = matrix.copies(i);
        let sums = &mut sums[rows[i].segment as usize * (d + 1)..][..d + 1];
        sums[d] += copies;
        matrix.row(i).zip(sums).for_each(|(v, sum)| *sum += copies * f64::from(v));
    });
    let mut values = Vec::with_capacity(k * d);
    for segment in 0..k {
        // The centroid itself, where one centroid has the segment to itself: it is the mean already.
        let own: Vec<(&Vec<f64>, bool)> = centroids
            .iter()
            .flat_map(|c| match &c.becomes {
                Becomes::Nearest(parts) => {
                    parts.iter().map(|part| (part.segment, &part.values, true)).collect::<Vec<_>>()
                }
                Becomes::Segment(segment) => vec![(*segment, &c.values, true)],
                Becomes::By(by) => by.values.iter().map(|value| (value.segment, &c.values, false)).collect(),
            })
            .filter(|(own, _, _)| *own as usize == segment)
            .map(|(_, values, whole)| (values, whole))
            .collect();
        let sums = &sums[segment * (d + 1)..][..d + 1];
        match &own[..] {
            [(point, whole)] if *whole || sums[d] <= 0.0 => {
                values.extend(point.iter().map(|&v| matrix.to_stored(v)));
            }
            _ => values.extend(sums[..d].iter().map(|sum| (sum / sums[d]) as f32)),
        }
    }
    Partition {
        k,
        labels: Labels::new(rows.iter().map(|row| row.segment).collect()),
        sizes,
        weights,
        prototypes: Prototypes::Centroids(Centroids { values, features: d }),
        ..fit.clone()
    }
}

impl RegroupedFound {
    /// What became of the segments of a fit. `numbers` are the numbers of the segments by their place in the partition.
    pub(super) fn new(centroids: &[FitCentroid], sizes: &[u64], numbers: &[u32]) -> Self {
        let number = |place: &u32| numbers.get(*place as usize).copied().unwrap_or(*place);
        let mut order: Vec<(&FitCentroid, u64)> = centroids.iter().zip(sizes.iter().copied()).collect();
        order.sort_by_key(|(c, _)| c.number);
        let mut found = RegroupedFound {
            k: centroids.len(),
            sizes: order.iter().map(|(_, size)| *size).collect(),
            merged: Vec::new(),
            split: Vec::new(),
            kept: Vec::new(),
        };
        for (centroid, _) in &order {
            let from = centroid.number;
            let to: Vec<u32> = centroid.becomes.segments().iter().map(number).collect();
            match &centroid.becomes {
                Becomes::Segment(place) => {
                    let together = order.iter().filter(|(c, _)| c.becomes == centroid.becomes);
                    let together: Vec<u32> = together.map(|(c, _)| c.number).collect();
                    if together.len() == 1 {
                        found.kept.push(Renumbered { from, to: number(place) });
                    } else if together.first() == Some(&from) {
                        found.merged.push(Merged { from: together, to: number(place) });
                    }
                }
                Becomes::Nearest(_) => found.split.push(SplitFound { from, by: None, to, values: None }),
                Becomes::By(by) => {
                    let values = by.values.iter().map(|value| value.value.clone()).collect();
                    let by = Some(by.column.clone());
                    found.split.push(SplitFound { from, by, to, values: Some(values) });
                }
            }
        }
        found
    }
}
