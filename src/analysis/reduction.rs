//! What a reduction of the recipe found, for writers of results.

use super::notice::{Observer, with_progress};
use super::{Outcome, Prepared};
use crate::embed::pca::Pca;
use crate::embed::umap::{self, Umap};
use crate::error::Result;
use crate::evidence::embedding::{EmbeddingQuality, Space, embedding_quality};
use crate::profile::ByColumn;
use crate::recipe::{FittedMethod, FittedReduction, Preparation};
use crate::table::Column;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The shares of the variance for which the number of components is told.
const SHARES: [f64; 3] = [0.8, 0.9, 0.95];

/// What a reduction found, by its method.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Reduction {
    /// Principal components.
    Pca(PcaFound),
    /// UMAP.
    Umap(UmapFound),
}

/// A layout by UMAP.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UmapFound {
    /// Its name in the recipe.
    pub name: String,
    /// `umap`.
    pub method: Cow<'static, str>,
    /// How many features were reduced.
    pub features: usize,
    /// The columns that hold the layout.
    pub components: Vec<String>,
    /// The parameters.
    pub parameters: umap::Params,
    /// How many distinct rows were laid out.
    pub rows: usize,
    /// How many neighbours of a row counted, the row itself among them: fewer than asked for where there were too few rows.
    pub n_neighbors: usize,
    /// How many parts the graph of neighbours has that no edge connects.
    pub parts: usize,
    /// How well the layout keeps neighbourhoods.
    pub quality: EmbeddingQuality,
}

/// A reduction to principal components.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PcaFound {
    /// Its name in the recipe.
    pub name: String,
    /// The names of the features that were reduced.
    pub features: Vec<String>,
    /// The variance along each component that was kept, in the scaled units of the features, with `ddof` 1.
    pub explained_variance: Vec<f64>,
    /// The share that each of them has of the variance of all features.
    pub explained_variance_ratio: Vec<f64>,
    /// The same for all principal components, as many as features.
    pub all_explained_variance_ratio: Vec<f64>,
    /// The components that were kept.
    pub components: Vec<Component>,
    /// How many components it takes to explain a share of the variance.
    pub for_share: Vec<ForShare>,
    /// How well the components keep neighbourhoods, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<EmbeddingQuality>,
}

/// A principal component.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Component {
    /// The column that holds it.
    pub name: String,
    /// The loading of each feature. Their squares add up to 1.
    pub loadings: ByColumn<f64>,
}

/// How many components it takes to explain a share of the variance.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ForShare {
    /// The share.
    pub share: f64,
    /// How many components.
    pub components: usize,
    /// How many it would take if no two features were correlated.
    pub if_uncorrelated: usize,
}

impl Reduction {
    /// The first principal components analysis; and all reductions, if there are others beside it.
    pub(super) fn all(preparation: &Preparation) -> (Option<PcaFound>, Vec<Reduction>) {
        let all: Vec<Reduction> = preparation.reductions.iter().map(Reduction::of).collect();
        let first = all.iter().find_map(|reduction| match reduction {
            Reduction::Pca(found) => Some(found.clone()),
            Reduction::Umap(_) => None,
        });
        let others = all.len() > usize::from(first.is_some());
        (first, if others { all } else { Vec::new() })
    }

    fn of(fitted: &FittedReduction) -> Reduction {
        match &fitted.method {
            FittedMethod::Pca(pca) => Reduction::Pca(PcaFound::of(fitted, pca)),
            FittedMethod::Umap(umap) => Reduction::Umap(UmapFound::of(fitted, umap)),
        }
    }
}

impl UmapFound {
    fn of(fitted: &FittedReduction, umap: &Umap) -> UmapFound {
        UmapFound {
            name: fitted.name.clone(),
            method: "umap".into(),
            features: fitted.encoder.feature_count(),
            components: fitted.names(),
            parameters: umap.params,
            rows: umap.rows,
            n_neighbors: umap.n_neighbors,
            parts: umap.parts,
            quality: umap.quality,
        }
    }
}

impl PcaFound {
    fn of(fitted: &FittedReduction, pca: &Pca) -> PcaFound {
        let features = fitted.encoder.feature_names();
        let ratios = pca.explained_variance_ratio();
        let kept = pca.components.len();
        let component = |(name, loadings): (String, &Vec<f64>)| Component {
            name,
            loadings: ByColumn(features.iter().cloned().zip(loadings.iter().copied()).collect()),
        };
        PcaFound {
            name: fitted.name.clone(),
            explained_variance: pca.explained_variance[..kept].to_vec(),
            explained_variance_ratio: ratios[..kept].to_vec(),
            all_explained_variance_ratio: ratios,
            components: fitted.names().into_iter().zip(&pca.components).map(component).collect(),
            for_share: SHARES.map(|share| for_share(pca, share)).to_vec(),
            quality: None,
            features,
        }
    }
}

/// How many neighbours of a row count where components are judged.
const NEIGHBORS: usize = 15;

impl Prepared {
    /// Judges how well the first principal components keep the neighbourhoods of the features, from which they must have been
    /// made. UMAP's layouts are judged when they are made.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn judge_components(&self, outcome: &mut Outcome, observer: &dyn Observer) -> Result<()> {
        let rows = self.matrix.rows();
        let neighbors = NEIGHBORS.min((rows.saturating_sub(1)) / 2);
        let Some(pca) = outcome.pca.as_mut().filter(|_| neighbors > 0) else { return Ok(()) };
        let names: Vec<&String> = pca.components.iter().map(|component| &component.name).collect();
        let components = self.all_components().into_iter().filter(|c| names.contains(&&c.name));
        let values = |column: &Column| {
            let value = |row| column.values.number(self.table_row(row)).unwrap_or(f64::NAN);
            (0..rows).map(value).collect::<Vec<f64>>()
        };
        let layout: Vec<Vec<f64>> = components.map(values).collect();
        let space = Space::Euclidean(&self.matrix);
        let judged =
            with_progress(observer, |p| embedding_quality(space, &layout, neighbors, outcome.seed, p))?;
        pca.quality = Some(judged);
        Ok(())
    }
}

fn for_share(pca: &Pca, share: f64) -> ForShare {
    ForShare {
        share,
        components: pca.components_for(share),
        if_uncorrelated: pca.components_for_if_uncorrelated(share),
    }
}
