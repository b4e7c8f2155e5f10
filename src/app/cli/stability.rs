//! The flags of `segmenta stability`.

use super::{InputFlags, Run};
use clap::Args;
use segmenta::analysis::Stability as Asked;
use std::path::PathBuf;

const AFTER_STABILITY: &str = "\
The rows are labelled with the model. Then rows are drawn with replacement, as
many as there are, and the model's method finds as many segments in them as the model
has. Each segment is compared with the most similar one of the new fit: Jaccard's index
is the number of rows that both have, as a share of the rows that either has. The table
shows its mean over all samples. From 0.85 on a segment is highly stable, from 0.75 on
stable; from 0.6 to 0.75 it shows a pattern, but which rows belong to it is doubtful;
below 0.6 it should not be trusted (Hennig, 2007). A stable segment need not be a real
group: an even cloud of rows may well be cut in the same places each time.

With --cohort, the rows of each value of a column are fitted on their own as well, and
the centroids matched with the model's. The agreement is the share of the rows that get
the same segment either way.

Examples:
  segmenta stability segmenta-out/model.json users.csv
  segmenta stability model.json users.csv --cohort signup_week
  segmenta stability model.json users.csv --samples 0 --cohort country
  segmenta stability model.json users.csv --json";

#[derive(Debug, Args)]
#[command(after_help = AFTER_STABILITY)]
pub struct Stability {
    /// The model.json that a fit wrote
    pub model: PathBuf,
    #[command(flatten)]
    pub input: InputFlags,
    /// How many samples are drawn and fitted; 0 for none
    #[arg(long, default_value_t = Asked::default().samples, value_name = "N",
          value_parser = clap::value_parser!(u32).range(..=100_000), help_heading = "Stability")]
    pub samples: u32,
    /// Number of k-means++ restarts for the fit of each sample
    #[arg(long, default_value_t = Asked::default().n_init, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Stability")]
    pub n_init: u32,
    /// A column of the table: the rows of each of its values, such as each week of sign-up, are fitted on their own too
    #[arg(long, value_name = "COLUMN", help_heading = "Stability")]
    pub cohort: Option<String>,
    #[command(flatten)]
    pub run: Run,
}
