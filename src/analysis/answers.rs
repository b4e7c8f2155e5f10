//! Segments that were found in a layout of answers, held against the answers themselves.

use super::notice::with_progress;
use super::prepare::Prepared;
use super::running::Running;
use crate::backend::{BinaryMetric, Labeling};
use crate::cluster::Partition;
use crate::embed::umap::UmapMetric;
use crate::error::Result;
use crate::evidence::silhouette::binary_silhouette_scores;
use crate::matrix::BinaryMatrix;
use crate::recipe::{FittedMethod, FittedReduction};

impl Prepared {
    /// The mean silhouette of the segments of a fit's rows in Jaccard's distance of the answers, where all features are
    /// components of one layout of answers. `None` for any other fit, for rows with weights, and where the table was not kept.
    ///
    /// # Errors
    /// A device that failed; [`crate::Error::Interrupted`].
    pub(super) fn silhouette_of_answers(
        &self,
        running: &Running<'_>,
        partition: &Partition,
    ) -> Result<Option<f64>> {
        let (Some(layout), Some(table), None) = (self.layout_of_answers(), &self.table, &self.weights) else {
            return Ok(None);
        };
        if partition.sizes.iter().filter(|size| **size > 0).count() < 2 {
            return Ok(None);
        }
        let Some(labels) = partition.labels.complete() else { return Ok(None) };
        let labels: Vec<u32> = (0..self.fit_rows()).map(|i| labels[self.matrix_row(i)]).collect();
        let columns = layout.encoder.apply_to(table, self.kept.as_deref())?.columns;
        let answers = BinaryMatrix::from_columns(&layout.encoder.feature_names(), &columns)?;
        drop(columns);
        let labelings = [Labeling { k: partition.k, labels: &labels }];
        let rows = running.dataset.backend().load_binary(&answers)?;
        let scores = with_progress(running.observer, |p| {
            binary_silhouette_scores(&*rows, BinaryMetric::Jaccard, &labelings, p)
        })?;
        Ok(scores.first().copied())
    }

    /// The layout of answers that all features are components of.
    fn layout_of_answers(&self) -> Option<&FittedReduction> {
        let features = &self.fitted.encoder.columns;
        self.fitted.preparation.reductions.iter().find(|reduction| {
            let names = reduction.names();
            let of_answers = match &reduction.method {
                FittedMethod::Umap(umap) => umap.params.metric == UmapMetric::Jaccard,
                FittedMethod::Pca(_) => false,
            };
            of_answers && features.iter().all(|feature| names.iter().any(|name| name == feature.column()))
        })
    }
}
