//! Flags of the analysis that several verbs have. Their defaults are those of the library.

use super::one_of;
use clap::Args;
use segmenta::analysis::{ChooseK, Gates, Spec, word_of};
use segmenta::cluster::{Method, Params, Rule};

/// How KMeans runs.
#[derive(Debug, Clone, Args)]
pub struct KMeansFlags {
    /// k-means++ starts; the best by inertia is kept
    #[arg(long, default_value_t = Params::default().n_init as u32, value_name = "N", value_parser = clap::value_parser!(u32).range(1..),
          help_heading = "KMeans")]
    pub n_init: u32,
    /// Passes that a start may take
    #[arg(long, default_value_t = Params::default().max_iter as u32, value_name = "N", value_parser = clap::value_parser!(u32).range(1..),
          help_heading = "KMeans")]
    pub max_iter: u32,
    /// A start ends when the squared shift of its centroids is at most T times the mean variance; 0: when no
    /// centroid moves
    #[arg(long, default_value_t = Params::default().tol, value_name = "T", value_parser = super::tolerance, help_heading = "KMeans")]
    pub tol: f64,
}

/// How k is chosen.
#[derive(Debug, Clone, Args)]
pub struct Choosing {
    /// How k is chosen from a sweep: the highest silhouette
    #[arg(long, value_parser = one_of(Rule::WORDS), default_value = word_of(Rule::WORDS, &ChooseK::default().rule),
          help_heading = "Choosing k")]
    pub rule: Rule,
    /// The smallest k that may be chosen; 2 allows a split in two, which often has the highest silhouette because it
    /// says the least
    #[arg(long, default_value_t = ChooseK::default().min_k, value_name = "K", help_heading = "Choosing k")]
    pub min_k: usize,
    /// Compute silhouettes on this many rows, drawn at random [default: all rows, exact]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..),
          help_heading = "Choosing k")]
    pub sample: Option<u32>,
}

/// Gates for batch jobs.
#[derive(Debug, Clone, Default, Args)]
pub struct GateFlags {
    /// Exit with code 4 where the fit did not converge or a segment is under --min-segment-pct
    #[arg(long, help_heading = "Gates")]
    pub strict: bool,
    /// The smallest share of the rows that a segment may have, in per cent
    #[arg(long, default_value_t = Gates::default().min_segment_pct, value_name = "PCT", value_parser = per_cent, help_heading = "Gates")]
    pub min_segment_pct: f64,
}

impl KMeansFlags {
    /// Puts what the flags say into an analysis.
    pub fn apply(&self, spec: &mut Spec) {
        let (n_init, max_iter) = (self.n_init as usize, self.max_iter as usize);
        spec.method = Method::KMeans(Params { n_init, max_iter, tol: self.tol, ..Params::default() });
    }
}

impl Choosing {
    /// As an analysis has it.
    pub fn spec(&self) -> ChooseK {
        ChooseK { rule: self.rule, min_k: self.min_k, sample: self.sample }
    }
}

impl GateFlags {
    /// As an analysis has it.
    pub fn spec(&self) -> Gates {
        Gates { min_segment_pct: self.min_segment_pct }
    }
}

fn per_cent(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(p) if (0.0..=100.0).contains(&p) => Ok(p),
        _ => Err("expected a share in per cent, 0 to 100".into()),
    }
}
