//! Whether a table is still like the one that was fitted.

use super::reference::distances;
use super::{LabelledTable, Model};
use crate::backend::Backend;
use crate::error::{Error, Place, Result};
use crate::evidence::psi::{MODERATE, by_chance, psi};
use crate::table::Table;

/// A table held against the fit of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// Rows of the table, or of its groups where the model brings rows together.
    pub rows: usize,
    /// Rows that got a segment; the comparison is of these.
    pub labelled: usize,
    /// One for each column of the encoder, the one that changed most first.
    pub columns: Vec<ColumnDrift>,
    /// One for each segment, by its number.
    pub segments: Vec<SegmentDrift>,
    /// The population stability index of the segments' shares.
    pub segments_psi: f64,
    /// The quantiles 0, 0.05 and so on up to 1 of the rows' distances to their centroids.
    pub distances: Vec<f64>,
    /// What a person should know: unseen categories and the like.
    pub warnings: Vec<String>,
}

/// A column then and now.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDrift {
    /// The column's name.
    pub column: String,
    /// The population stability index over the bins of the reference.
    pub psi: f64,
    /// The share of the rows without a value.
    pub missing: f64,
    /// The same at the fit.
    pub fitted_missing: f64,
}

/// A segment then and now.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentDrift {
    /// The segment's number.
    pub segment: u32,
    /// How many rows.
    pub size: u64,
    /// Their share; of the rows' weight, where the fit had weights and this table has them too.
    pub share: f64,
    /// The share at the fit.
    pub fitted_share: f64,
}

impl Model {
    /// Labels the rows of a table, and compares them with those of the fit.
    ///
    /// # Errors
    /// As [`Model::assign`] and [`Model::reference`]; a table of which no row gets a segment.
    pub fn drift(&self, table: &Table, backend: &dyn Backend) -> Result<Drift> {
        let reference = self.reference()?;
        let LabelledTable { assignments: assigned, counted, weights } = self.label(table, backend)?;
        let mut sizes = vec![0u64; self.centroids.len()];
        let mut copies = vec![0.0; self.centroids.len()];
        for (i, row) in assigned.rows.iter().flatten().enumerate() {
            sizes[row.segment as usize] += 1;
            copies[row.segment as usize] += weights.as_ref().map_or(1.0, |w| w.copies(i));
        }
        let all = copies.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let labelled = sizes.iter().sum::<u64>() as usize;
        if labelled == 0 {
            return Err(Error::at(Place::file(table.source.as_str()), "no row is left to compare"));
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
            .centroids
            .iter()
            .map(|c| {
                let size = sizes[c.segment as usize];
                let fitted_share = fitted[c.segment as usize];
                let share = copies[c.segment as usize] / all;
                SegmentDrift { segment: c.segment, size, share, fitted_share }
            })
            .collect();
        segments.sort_by_key(|s| s.segment);
        let shares = |of: fn(&SegmentDrift) -> f64| segments.iter().map(of).collect::<Vec<f64>>();
        let segments_psi = psi(&shares(|s| s.fitted_share), &shares(|s| s.share));
        let mut warnings = assigned.warnings;
        if let (Some(column), None) = (&self.weight_column, &weights) {
            warnings.push(format!(
                "no usable weights in a column {column}, as the fit had: every row counts once"
            ));
        }
        let chance = by_chance(TENTHS, self.rows, labelled);
        if chance >= MODERATE / 2.0 {
            warnings.push(format!("so few rows that a PSI of about {chance:.2} comes by chance"));
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

/// Bins of a column of numbers that are all different.
const TENTHS: usize = 10;
