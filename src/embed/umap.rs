//! UMAP (McInnes, Healy and Melville, 2018): few columns in which near rows stay near.

use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::progress::Progress;
use serde::{Deserialize, Serialize};

/// How rows are compared before they are laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UmapMetric {
    /// `sqrt(sum (x - y)^2)`.
    #[default]
    Euclidean,
    /// For features of 0 and 1: the share that two rows do not have in common of the features that at least one of them has.
    Jaccard,
}

/// Where the layout begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UmapInit {
    /// At the eigenvectors of the neighbour graph.
    #[default]
    Spectral,
    /// At the principal components.
    Pca,
}

/// The parameters of UMAP, with umap-learn's names and defaults.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// How many columns come out.
    pub n_components: usize,
    /// How many neighbours of a row count, the row itself among them as in umap-learn.
    pub n_neighbors: usize,
    /// How close rows may come in the layout.
    pub min_dist: f64,
    /// How rows are compared.
    pub metric: UmapMetric,
    /// How many passes the layout takes; `None`: 500 up to 10,000 distinct rows, else 200.
    pub n_epochs: Option<usize>,
    /// Where the layout begins.
    pub init: UmapInit,
    /// The seed of its random draws.
    pub seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        Params {
            n_components: 2,
            n_neighbors: 15,
            min_dist: 0.1,
            metric: UmapMetric::Euclidean,
            n_epochs: None,
            init: UmapInit::Spectral,
            seed: 0,
        }
    }
}

/// A layout of the distinct rows of a table, and what it takes to add new rows to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Umap {
    /// The parameters of the fit.
    pub params: Params,
}

impl Umap {
    /// Lays out the distinct rows of a table. `columns` holds the features, each with one value a row, and `names` their names.
    /// How often a row occurs makes no difference.
    ///
    /// # Errors
    /// Values that the metric cannot compare; too few distinct rows; a device that failed; [`Error::Interrupted`].
    pub fn fit(
        names: &[String],
        columns: &[Vec<f32>],
        params: &Params,
        backend: &dyn Backend,
        progress: Progress<'_>,
    ) -> Result<Umap> {
        let _ = (names, columns, params, backend, progress);
        Err(Error::Usage("UMAP is not there yet".into()))
    }

    /// The coordinates of rows, one vector for each component. A row that equals one of the fit gets the coordinates that it has in the
    /// layout. Any other is placed among its nearest rows of the fit, without moving them, and its place depends on no other
    /// new row.
    ///
    /// # Errors
    /// As [`Umap::fit`].
    pub fn project(
        &self,
        columns: &[Vec<f32>],
        backend: &dyn Backend,
        progress: Progress<'_>,
    ) -> Result<Vec<Vec<f64>>> {
        let _ = (columns, backend, progress);
        Err(Error::Usage("UMAP is not there yet".into()))
    }

    /// Whether its numbers make sense for this number of features. They come from a model file, which someone may have
    /// edited by hand.
    pub(crate) fn is_sound(&self, features: usize) -> bool {
        features > 0
    }
}
