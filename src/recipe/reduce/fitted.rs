//! A reduction that has learned from a table.

use serde::{Deserialize, Serialize};

use super::{Computing, ReduceMethod, ReduceSpec, component};
use crate::backend::cpu::Cpu;
use crate::embed::pca::{NComponents, Pca};
use crate::embed::umap::{self, Umap};
use crate::error::{Error, Result};
use crate::recipe::rows::kept_rows;
use crate::recipe::{Encoder, Missing};
use crate::table::{Column, Table, Values};

/// A reduction with everything that it learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedReduction {
    /// Its name. The components are columns called `name_1`, `name_2` and so on.
    pub name: String,
    /// Turns columns into the features that are reduced.
    pub encoder: Encoder,
    /// What the method learned from these features.
    #[serde(flatten)]
    pub method: FittedMethod,
}

/// What the method of a reduction learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "lowercase")]
pub enum FittedMethod {
    /// Principal components.
    Pca(Pca),
    /// UMAP.
    Umap(Umap),
}

impl FittedReduction {
    /// How many components it has.
    pub fn components(&self) -> usize {
        match &self.method {
            FittedMethod::Pca(pca) => pca.components.len(),
            FittedMethod::Umap(umap) => umap.params.n_components,
        }
    }

    /// The names of the components' columns.
    pub fn names(&self) -> Vec<String> {
        (0..self.components()).map(|i| component(&self.name, i)).collect()
    }

    /// The components of a table's rows, as columns. A row that lacks a value under [`Missing::Drop`] has none. `among`
    /// are the rows that are not left out; `None` means all. The others may have components or none.
    ///
    /// # Errors
    /// Those of [`Encoder::apply`]; under [`Missing::Error`], a missing value in one of the rows `among`; those of
    /// [`Umap::project`].
    pub(in crate::recipe) fn apply(
        &self,
        table: &Table,
        among: Option<Vec<u32>>,
        computing: Computing<'_>,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Column>> {
        let columns: Vec<&Column> =
            self.encoder.columns.iter().filter_map(|c| table.column(c.column())).collect();
        let mut rows = None;
        match &self.method {
            // It costs little to have the components of all rows.
            FittedMethod::Pca(_) if self.encoder.missing == Missing::Error => {
                kept_rows(table, &columns, Missing::Error, among)?;
            }
            FittedMethod::Pca(_) => {}
            FittedMethod::Umap(_) => rows = kept_rows(table, &columns, self.encoder.missing, among)?,
        }
        let missing = if self.encoder.missing == Missing::Impute { Missing::Impute } else { Missing::Drop };
        let encoder = Encoder { missing, ..self.encoder.clone() };
        let encoded = match &self.method {
            FittedMethod::Pca(_) => encoder.apply(table)?,
            FittedMethod::Umap(_) => encoder.apply_rows(table, rows)?,
        };
        notes.extend(encoded.warnings);
        let components = match &self.method {
            FittedMethod::Pca(pca) => pca.project(&encoded.columns),
            FittedMethod::Umap(umap) => on_device(computing, &self.name, notes, |computing| {
                umap.project(&encoded.columns, computing.backend, computing.progress)
            })?,
        };
        let column = |(name, values): (String, Vec<f64>)| {
            let values = match &encoded.kept {
                None => values,
                Some(kept) => {
                    let mut all = vec![f64::NAN; table.rows];
                    kept.iter().zip(values).for_each(|(&row, value)| all[row as usize] = value);
                    all
                }
            };
            let none = values.iter().all(|v| v.is_nan());
            Column { name, values: if none { Values::Empty(table.rows) } else { Values::Number(values) } }
        };
        Ok(self.names().into_iter().zip(components).map(column).collect())
    }

    /// Whether its numbers make sense. They come from a model file, which someone may have edited by hand.
    pub(in crate::recipe) fn is_sound(&self) -> bool {
        let features = self.encoder.feature_count();
        let sound = match &self.method {
            FittedMethod::Pca(pca) => pca.is_sound(features),
            FittedMethod::Umap(umap) => umap.is_sound(features),
        };
        self.encoder.is_sound() && sound
    }
}

/// Does work on the device, and again on the CPU if that is a GPU which fails; the result is the same.
pub(super) fn on_device<T>(
    computing: Computing<'_>,
    name: &str,
    notes: &mut Vec<String>,
    work: impl Fn(Computing<'_>) -> Result<T>,
) -> Result<T> {
    match work(computing) {
        Err(Error::Device(why)) if computing.backend.describe().is_gpu() => {
            notes.push(format!("{name}: the GPU failed ({why}), so the CPU computes it"));
            work(Computing { backend: &Cpu::default(), ..computing })
        }
        outcome => outcome,
    }
}

impl ReduceSpec {
    /// Whether a reduction that was fitted earlier does what this one says, with these columns. The seed does not matter.
    pub(super) fn is_done_by(&self, fitted: &FittedReduction, encoder: &Encoder) -> bool {
        let columns =
            |encoder: &Encoder| encoder.columns.iter().map(|c| c.column().to_string()).collect::<Vec<_>>();
        let same_method = match (&self.method, &fitted.method) {
            (ReduceMethod::Pca { components: NComponents::Count(n) }, FittedMethod::Pca(pca)) => {
                *n == pca.components.len()
            }
            (ReduceMethod::Pca { components: NComponents::Share(share) }, FittedMethod::Pca(pca)) => {
                pca.components_for(*share) == pca.components.len()
            }
            (ReduceMethod::Umap(params), FittedMethod::Umap(umap)) => {
                umap::Params { seed: umap.params.seed, ..*params } == umap.params
            }
            _ => false,
        };
        same_method
            && self.name == fitted.name
            && encoder.scale == fitted.encoder.scale
            && encoder.missing == fitted.encoder.missing
            && columns(encoder) == columns(&fitted.encoder)
    }
}
