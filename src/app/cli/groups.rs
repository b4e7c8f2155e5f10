//! Flags of the analysis that several verbs share. Their defaults are the library's.

use super::one_of;
use clap::Args;
use segmenta::analysis::{ChooseK, Gates, Spec, Stability, word_of};
use segmenta::cluster::{Method, Params};
use segmenta::sweep::Rule;

/// How k is chosen.
#[derive(Debug, Clone, Args)]
pub struct Choosing {
    /// How the sweep chooses k: `silhouette` takes the k with the highest one; `elbow` the k from which on inertia falls
    /// clearly more slowly; `gap` the smallest k whose gap statistic is within one standard error of its first maximum;
    /// `stability` the largest k whose segments all reappear in bootstrap samples; `consensus` what most criteria choose
    #[arg(long, value_parser = one_of(Rule::WORDS), default_value = word_of(Rule::WORDS, &ChooseK::default().rule),
          help_heading = "Choosing k")]
    pub rule: Rule,
    /// The smallest k that the sweep may choose. A split in two often has the highest silhouette, but only because it
    /// separates a few outliers from everybody else; --min-k 2 allows it
    #[arg(long, default_value_t = ChooseK::default().min_k, value_name = "K", help_heading = "Choosing k")]
    pub min_k: usize,
    /// Compute silhouettes on this many randomly drawn rows, which is faster [default: all rows, exact]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..),
          help_heading = "Choosing k")]
    pub sample: Option<u32>,
    /// Do not say whether the table has structure at all, which takes a few seconds
    #[arg(long, help_heading = "Choosing k")]
    pub no_structure: bool,
    /// Compute the gap statistic: how much lower the inertia is than in tables without clusters. It fits 20 reference tables
    /// [default: with --rule gap or consensus, and for at most 20,000 rows]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true, help_heading = "Choosing k")]
    pub gap: Option<bool>,
    /// Compute how far the weakest segment of each k reappears in 20 bootstrap samples (of at most 20,000 rows)
    /// [default: with --rule stability or consensus, and for at most 20,000 rows]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true, help_heading = "Choosing k")]
    pub stability: Option<bool>,
}

/// Whether the segments hold.
#[derive(Debug, Clone, Default, Args)]
pub struct Holding {
    /// Fit N samples of all rows, drawn with replacement, and say how far each segment reappears in them; 100 is usual. (The
    /// sweep's --stability looks at every k, but at fewer samples of fewer rows)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Stability")]
    pub bootstrap: Option<u32>,
    /// A column of the table: fit the rows of each of its values, such as each week of sign-up, on their own, and say how far
    /// they agree with the fit of all rows
    #[arg(long, value_name = "COLUMN", help_heading = "Stability")]
    pub cohort: Option<String>,
}

impl Holding {
    /// The same as part of an analysis.
    pub fn spec(&self) -> Option<Stability> {
        let asked = self.bootstrap.is_some() || self.cohort.is_some();
        let (samples, cohort) = (self.bootstrap.unwrap_or(0), self.cohort.clone());
        asked.then(|| Stability { samples, cohort, ..Stability::default() })
    }
}

/// Gates for batch jobs.
#[derive(Debug, Clone, Default, Args)]
pub struct GateFlags {
    /// Exit with code 4 if the fit did not converge or a segment is smaller than --min-segment-pct
    #[arg(long, help_heading = "Gates")]
    pub strict: bool,
    /// The smallest share of the rows that a segment may have, in percent
    #[arg(long, default_value_t = Gates::default().min_segment_pct, value_name = "PCT", value_parser = per_cent, help_heading = "Gates")]
    pub min_segment_pct: f64,
}

impl Choosing {
    /// The same as part of an analysis.
    pub fn spec(&self) -> ChooseK {
        ChooseK {
            rule: self.rule,
            min_k: self.min_k,
            sample: self.sample,
            gap: self.gap,
            stability: self.stability,
        }
    }
}

impl GateFlags {
    /// The same as part of an analysis.
    pub fn spec(&self) -> Gates {
        Gates { min_segment_pct: self.min_segment_pct }
    }
}

/// How many restarts a fit has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restarts {
    /// As many as it takes until some agree.
    Auto,
    /// So many.
    Exactly(usize),
}

impl Restarts {
    /// Sets the restarts of an analysis.
    pub fn apply(self, spec: &mut Spec) {
        match (self, &mut spec.method) {
            (Restarts::Exactly(n_init), method) => method.set_n_init(n_init),
            (Restarts::Auto, Method::KMeans(params)) => {
                let Params { n_init, max_init, .. } = Params::auto();
                (params.n_init, params.max_init) = (n_init, max_init);
            }
            (Restarts::Auto, method) => method.set_n_init(1),
        }
    }
}

/// A number of restarts, or the word `auto`.
pub fn restarts(text: &str) -> Result<Restarts, String> {
    match text.parse::<u32>() {
        _ if text == "auto" => Ok(Restarts::Auto),
        Ok(n) if n > 0 => Ok(Restarts::Exactly(n as usize)),
        _ => Err("expected a number of restarts, at least 1, or the word auto".into()),
    }
}

fn per_cent(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(p) if (0.0..=100.0).contains(&p) => Ok(p),
        _ => Err("expected a percentage from 0 to 100".into()),
    }
}
