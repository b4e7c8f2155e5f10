//! How likely each row of a table belongs to each segment of a Gaussian mixture.

use super::prepare::Prepared;
use super::running::Running;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::model::{Assigner, Model};

/// For each row of a table how likely it belongs to each segment.
#[derive(Debug, Clone, PartialEq)]
pub struct Responsibilities {
    /// For each segment the place of its component.
    components: Vec<usize>,
    /// For each row of the table the place of its values; `None`: it was left out.
    places: Vec<Option<u32>>,
    /// The responsibilities of all components, place after place.
    values: Vec<f32>,
}

impl Responsibilities {
    /// How many segments.
    pub fn k(&self) -> usize {
        self.components.len()
    }

    /// How many rows the table has.
    pub fn rows(&self) -> usize {
        self.places.len()
    }

    /// How likely a row belongs to a segment, between 0 and 1; `None` for a row that was left out.
    pub fn get(&self, row: usize, segment: usize) -> Option<f32> {
        let place = self.places.get(row).copied().flatten()? as usize;
        self.values.get(place * self.k() + self.components.get(segment)?).copied()
    }
}

impl Prepared {
    /// The responsibilities of a fit's rows, if its segments are those of a mixture.
    ///
    /// # Errors
    /// A value that is out of range.
    pub(super) fn responsibilities(
        &self,
        running: &Running<'_>,
        model: &Model,
    ) -> Result<Option<Responsibilities>> {
        let mut components = vec![0; model.k()];
        for (component, segment) in model.assigner.segments().enumerate() {
            components[segment.number as usize] = component;
        }
        let rows = self.matrix.rows() as u32;
        let of_fit = match &self.kept {
            Some(kept) => kept.clone(),
            None => (0..self.rows as u32).collect(),
        };
        let Some(mut values) = self.of_rows(model, &running.dataset, &of_fit)? else { return Ok(None) };
        let mut places = self.of_table((0..rows).map(Some).collect());
        if let Some(weightless) = &self.weightless {
            let matrix = model.matrix_of(weightless.columns.clone())?;
            let dataset = Dataset::load(running.cpu, &matrix)?;
            values.extend(self.of_rows(model, &dataset, &weightless.rows)?.unwrap_or_default());
            weightless.rows.iter().zip(rows..).for_each(|(&row, place)| places[row as usize] = Some(place));
        }
        Ok(Some(Responsibilities { components, places, values }))
    }

    /// The responsibilities of a dataset's rows, in the order of the model's segments. Where a column splits segments, they are
    /// these rows of the table.
    fn of_rows(&self, model: &Model, dataset: &Dataset<'_>, rows: &[u32]) -> Result<Option<Vec<f32>>> {
        match &model.assigner {
            Assigner::Mixture(mixture) => mixture.components.responsibilities(dataset).map(Some),
            Assigner::Regrouped(regrouped) => {
                let choices = regrouped.by_columns().filter_map(|by| self.choices(by, rows));
                regrouped.responsibilities(dataset, &choices.collect::<Vec<_>>())
            }
            _ => Ok(None),
        }
    }
}
