//! Finds the final segments of a fit's rows.

use super::columns::{SplitColumn, too_many};
use super::{MOST_PARTS, Regroup, Split, SplitBy};
use crate::analysis::notice::{Observer, with_progress};
use crate::analysis::running::start_centroids;
use crate::canonical::Centroids;
use crate::cluster::gmm::Mixture;
use crate::cluster::kmeans::Start;
use crate::cluster::{Labels, Method, Partition, Prototypes};
use crate::dataset::Dataset;
use crate::error::{Error, Fault, Result};
use crate::matrix::{Matrix, block_sums};
use crate::model::{
    Assignment, Becomes, ByColumn, ByValue, FitCentroid, FitSegments, Regrouping, SubCentroid, SubMixture,
    points_in_user_units, regroup,
};
use std::collections::{BTreeMap, HashMap};

/// A fit whose segments were merged and split.
pub(in crate::analysis) struct Regrouped {
    /// The segments as a partition, whose centroids are the means of their rows.
    pub(in crate::analysis) partition: Partition,
    /// The centroids of the fit. They refer to segments by their place in the partition.
    pub(in crate::analysis) centroids: Vec<FitCentroid>,
    /// The components, where the fit is a Gaussian mixture.
    pub(in crate::analysis) mixture: Option<Mixture>,
    /// The segments of the matrix' rows, by their place in the partition.
    pub(in crate::analysis) rows: Vec<Assignment>,
    /// The sizes of the fit's segments, by their place in the fit's partition.
    pub(in crate::analysis) sizes: Vec<u64>,
}

/// What merges and splits need to know.
pub(in crate::analysis) struct Regrouper<'a> {
    pub(in crate::analysis) regroup: &'a Regroup,
    /// The number in the fit of each segment of the partition.
    pub(in crate::analysis) numbers: &'a [u32],
    /// The columns that split segments, in the order of the splits.
    pub(in crate::analysis) columns: &'a [SplitColumn],
    /// The table's rows that are in the matrix; `None`: all.
    pub(in crate::analysis) kept: Option<&'a [u32]>,
    /// The centroids that splits start from, by the number of the segment, in the scaled feature space.
    pub(in crate::analysis) starts: &'a BTreeMap<u32, Vec<Vec<f64>>>,
    /// The recipe's file, for messages.
    pub(in crate::analysis) source: &'a str,
    pub(in crate::analysis) observer: &'a dyn Observer,
}

impl Regrouper<'_> {
    /// Merges and splits the segments of a partition of the dataset's rows.
    ///
    /// # Errors
    /// A split into more parts than a segment can have; a device that failed; [`Error::Interrupted`].
    pub(in crate::analysis) fn regroup(
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
        let mixture = match &fit.prototypes {
            Prototypes::Mixture(_, mixture) => Some(mixture.clone()),
            _ => None,
        };
        let segments = FitSegments { centroids: &centroids, mixture: mixture.as_ref() };
        let Regrouping { rows, .. } = regroup(dataset, segments, labels, &choices)?;
        let partition = partition(fit, k, &centroids, &rows, matrix);
        Ok(Regrouped { partition, centroids, mixture, rows, sizes: fit.sizes.clone() })
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
                let (mut method, mut start) = (method.clone(), Start::KMeansPlusPlus);
                if let Some(points) = self.starts.get(segment).filter(|points| points.len() == *parts) {
                    method.set_n_init(1);
                    start = Start::Given(start_centroids(points, &part));
                }
                let part = Dataset::load(dataset.backend(), &part)?;
                let found = with_progress(self.observer, |p| method.partitions(&part, &[*parts], &start, p))?;
                let found = found.into_iter().next();
                let found = found.ok_or_else(|| Error::Device("the method returned no partition".into()))?;
                let points = points_in_user_units(found.prototypes.centroids(), part.matrix());
                let segments = std::iter::repeat_with(new);
                let parts =
                    points.into_iter().zip(segments).map(|(values, segment)| SubCentroid { segment, values });
                let parts = parts.collect();
                Ok(match found.prototypes {
                    Prototypes::Mixture(_, components) => {
                        Becomes::Likeliest(SubMixture { parts, components })
                    }
                    _ => Becomes::Nearest(parts),
                })
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
                Becomes::Nearest(parts) | Becomes::Likeliest(SubMixture { parts, .. }) => {
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
