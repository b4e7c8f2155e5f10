//! The flags of `segmenta reduce`.

use super::{Features, InputFlags, Run};
use clap::{Args, ValueEnum};
use segmenta::Error;
use segmenta::embed::pca::NComponents;
use segmenta::embed::umap::{self, UmapInit, UmapMetric};
use segmenta::recipe::{ReduceMethod, ReduceSpec};
use std::path::PathBuf;

const AFTER: &str = "\
pca finds the directions along which the rows vary most. It is fast and linear: a
component is a weighted sum of features.

umap lays the rows out so that near rows stay near (McInnes, Healy and Melville, 2018).
It shows groups that no straight direction shows; distances between far groups mean
little. Neighbours are exact, and the same seed makes the same layout, to the last bit,
on any device and with any number of threads. Rows that are equal share one place. It
compares rows by the Euclidean distance of scaled features, or, for tables of 0 and 1
such as answers of a survey, by Jaccard's distance: the share that two rows do not have
in common of what at least one of them has.

How well the components keep neighbourhoods is part of the result, each figure from 0
to 1: trustworthiness (whether neighbours in the layout are neighbours in the table),
continuity (whether neighbours in the table are neighbours in the layout), and the
share of neighbours that are the same.

A recipe can do the same with [[reduce]] and go on with the components: find segments
in them, split the rows at a gap, and label new rows. See RECIPES.md.

Examples:
  segmenta reduce users.csv --method pca --embedding-out pc.csv --id user_id
  segmenta reduce users.csv --method umap --embedding-out map.parquet --id user_id
  segmenta reduce answers.csv --method umap --metric jaccard --components 4 --min-dist 0 \\
      --embedding-out map.npy";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Reduce {
    #[command(flatten)]
    pub input: InputFlags,
    /// The method
    #[arg(long, value_enum, help_heading = "Reduction")]
    pub method: MethodName,
    /// How many components
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u16).range(1..),
          help_heading = "Reduction")]
    pub components: u16,
    /// How umap compares rows; jaccard needs features of 0 and 1, and does not scale them [default: euclidean]
    #[arg(long, value_enum, help_heading = "UMAP")]
    pub metric: Option<MetricName>,
    /// How many neighbours of a row umap looks at, the row itself among them: few show detail, many the whole [default: 15]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=umap::MOST_NEIGHBORS as i64),
          help_heading = "UMAP")]
    pub n_neighbors: Option<u16>,
    /// How close rows may come in the layout, 0 to 1; 0 packs groups tightly, for clustering [default: 0.1]
    #[arg(long, value_name = "DISTANCE", value_parser = unit, help_heading = "UMAP")]
    pub min_dist: Option<f64>,
    /// How many passes the layout takes [default: 500 up to 10,000 distinct rows, else 200]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "UMAP")]
    pub n_epochs: Option<u32>,
    /// Where the layout begins: at the eigenvectors of the neighbour graph, or at the principal components
    /// [default: spectral]
    #[arg(long, value_enum, help_heading = "UMAP")]
    pub init: Option<InitName>,
    #[command(flatten)]
    pub features: Features,
    /// Write the components to this file: .csv, .npy, .parquet or .feather, one line for each row of the table, with its id
    /// where there is one (not in .npy). A row that was left out for missing values has none
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub embedding_out: Option<PathBuf>,
    /// Replace the file if it already exists
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    #[command(flatten)]
    pub run: Run,
}

/// The methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MethodName {
    /// Principal components
    Pca,
    /// UMAP
    Umap,
}

/// The metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MetricName {
    Euclidean,
    Jaccard,
}

/// The starts of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InitName {
    Spectral,
    Pca,
}

impl Reduce {
    /// The reduction that the flags describe. Its components are called by its method.
    ///
    /// # Errors
    /// Flags of UMAP without UMAP.
    pub fn spec(&self) -> Result<ReduceSpec, Error> {
        let flags = [
            ("--metric", self.metric.is_some()),
            ("--n-neighbors", self.n_neighbors.is_some()),
            ("--min-dist", self.min_dist.is_some()),
            ("--n-epochs", self.n_epochs.is_some()),
            ("--init", self.init.is_some()),
        ];
        let components = usize::from(self.components);
        if self.method == MethodName::Umap && components > umap::MOST_COMPONENTS {
            let most = umap::MOST_COMPONENTS;
            return Err(Error::Usage(format!("--components: umap has at most {most}, found {components}")));
        }
        let (name, method) = match self.method {
            MethodName::Pca => {
                if let Some((flag, _)) = flags.iter().find(|(_, given)| *given) {
                    return Err(Error::Usage(format!("{flag} belongs to the method umap; leave it out")));
                }
                ("pc", ReduceMethod::Pca { components: NComponents::Count(components) })
            }
            MethodName::Umap => {
                let default = umap::Params::default();
                let params = umap::Params {
                    n_components: components,
                    n_neighbors: self.n_neighbors.map_or(default.n_neighbors, usize::from),
                    min_dist: self.min_dist.unwrap_or(default.min_dist),
                    metric: match self.metric {
                        Some(MetricName::Jaccard) => UmapMetric::Jaccard,
                        _ => UmapMetric::Euclidean,
                    },
                    n_epochs: self.n_epochs.map(|n| n as usize),
                    init: match self.init {
                        Some(InitName::Pca) => UmapInit::Pca,
                        _ => UmapInit::Spectral,
                    },
                    ..default
                };
                ("umap", ReduceMethod::Umap(params))
            }
        };
        Ok(ReduceSpec {
            line: 0,
            name: name.into(),
            method,
            columns: Vec::new(),
            scale: None,
            features_out: true,
        })
    }
}

fn unit(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(d) if (0.0..=1.0).contains(&d) => Ok(d),
        _ => Err("expected a number from 0 to 1".into()),
    }
}
