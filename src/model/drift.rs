//! Compares a table with the one that a model was fitted to.

use super::reference::distances;
use super::{LabelledTable, Model};
use crate::backend::Backend;
use crate::error::{Error, Place, Result};
use crate::evidence::psi::{MODERATE, by_chance, psi};
use crate::table::Table;

/// How a table differs from the one that a model was fitted to.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// Number of rows of the table, or of groups if the model groups rows.
    pub rows: usize,
    /// Number of rows that got a segment; only these are compared.
    pub labelled: usize,
    /// One for each column that features are made from; the one that changed most comes first.
    pub columns: Vec<ColumnDrift>,
    /// One for each segment, by its number.
    pub segments: Vec<SegmentDrift>,
    /// The population stability index of the segments' shares.
    pub segments_psi: f64,
    /// The quantiles 0, 0.05 and so on up to 1 of the rows' distances to their centroids.
    pub distances: Vec<f64>,
    /// What a person should know, such as categories that the fit did not see.
    pub warnings: Vec<String>,
}

/// A column, now and in the fit.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDrift {
    /// The column's name.
    pub column: String,
    /// The population stability index over the bins of the reference.
    pub psi: f64,
    /// The share of the rows that have no value.
    pub missing: f64,
    /// The same share in the fit.
    pub fitted_missing: f64,
}

/// A segment, now and in the fit.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentDrift {
    /// The segment's number.
    pub segment: u32,
    /// Its number of rows.
    pub size: u64,
    /// Its share of the rows, or of their weight if both the fit and this table have weights.
    pub share: f64,
    /// The same share in the fit.
    pub fitted_share: f64,
}

impl Model {
    /// Labels the rows of a table and compares them with the rows of the fit.
    ///
    /// # Errors
    /// As [`Model::assign`] and [`Model::reference`]; a table in which no row gets a segment.
    pub fn drift(&self, table: &Table, backend: &dyn Backend) -> Result<Drift> {
        let reference = self.reference()?;
        let LabelledTable { assignments: assigned, counted, weights, .. } = self.label(table, backend)?;
        let mut sizes = vec![0u64; self.k()];
        let mut copies = vec![0.0; self.k()];
        for (i, row) in assigned.rows.iter().flatten().enumerate() {
            sizes[row.segment as usize] += 1;
            copies[row.segment as usize] += weights.as_ref().map_or(1.0, |w| w.copies(i));
        }
        let all = copies.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let labelled = sizes.iter().sum::<u64>() as usize;
        if labelled == 0 {
            return Err(Error::at(
                Place::file(table.source.as_str()),
                "no row of this table gets a segment, so there is nothing to compare",
            ));
        }
        let mut columns: Vec<ColumnDrift> = reference
            .columns
            .iter()
            .zip(&counted)
            .map(|(then, now)| ColumnDrift {
                column: then.column().to_string(),
                psi: psi(&then.shares(), &now.shares()),
                missing: now.missing(),
                fitted_missing: then.missing(),
            })
            .collect();
        columns.sort_by(|a, b| b.psi.total_cmp(&a.psi));
        let fitted = self.shares();
        let mut segments: Vec<SegmentDrift> = self
            .segments()
            .map(|s| {
                let (segment, at) = (s.number, s.number as usize);
                SegmentDrift { segment, size: sizes[at], share: copies[at] / all, fitted_share: fitted[at] }
            })
            .collect();
        segments.sort_by_key(|s| s.segment);
        let shares = |of: fn(&SegmentDrift) -> f64| segments.iter().map(of).collect::<Vec<f64>>();
        let segments_psi = psi(&shares(|s| s.fitted_share), &shares(|s| s.share));
        let mut warnings = assigned.warnings;
        if let (Some(column), None) = (&self.weight_column, &weights) {
            warnings.push(format!(
                "the fit was weighted by column {column}, but this table has no usable weights there, so every row counts once"
            ));
        }
        let chance = by_chance(TENTHS, self.rows, labelled);
        if chance >= MODERATE / 2.0 {
            warnings
                .push(format!("there are so few rows that chance alone gives a PSI of about {chance:.2}"));
        }
        Ok(Drift {
            rows: assigned.rows.len(),
            labelled,
            columns,
            segments,
            segments_psi,
            distances: distances(&assigned.rows, weights.as_ref()),
            warnings,
        })
    }
}

/// How many bins a column of numbers has, unless many rows share a value.
const TENTHS: usize = 10;
