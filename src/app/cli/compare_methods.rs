//! The flags of `segmenta compare-methods`.

use super::{Choosing, Features, InputFlags, MethodParameters, Run};
use clap::Args;
use clap::builder::PossibleValuesParser;
use segmenta::cluster::Method;

const AFTER: &str = "\
All methods see the same scaled features. For each the table shows how many segments it
makes, the shares of the largest and the smallest one and of rows that belong to none,
the mean silhouette and the time; below it, how far each two methods agree (adjusted
Rand index: 1 the same groups, 0 as by chance). A method that finds the number of its
segments itself takes no notice of --k. Without --k, a sweep with the first method
chooses it.

Agreement of methods that work differently is evidence that the segments are in the
data. The silhouette favours round segments, as KMeans makes them.

A flag of a method goes to each method in the list that has it.

Examples:
  segmenta compare-methods users.csv --methods kmeans,ward --k 5
  segmenta compare-methods users.csv --methods kmeans,ward --k 5 --json";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct CompareMethods {
    #[command(flatten)]
    pub input: InputFlags,
    /// The methods, separated by commas
    #[arg(long, value_name = "METHODS", value_delimiter = ',', required = true, num_args = 1..,
          value_parser = PossibleValuesParser::new(Method::NAMES), help_heading = "Method")]
    pub methods: Vec<String>,
    /// How many segments [default: chosen by a sweep over k = 2..10 with the first method]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub k: Option<u32>,
    #[command(flatten)]
    pub features: Features,
    #[command(flatten)]
    pub parameters: MethodParameters,
    #[command(flatten)]
    pub choosing: Choosing,
    #[command(flatten)]
    pub run: Run,
}
