//! The command line: flags only, no work.

mod bench;
mod groups;
mod input;
mod name;
mod size;
mod synth;

pub use bench::{Bench, Measured};
pub use groups::{Choosing, GateFlags, KMeansFlags};
pub use input::{Features, InputFlags};
pub use name::Name;
pub use synth::{ExampleFlags, SynthBlobs, SynthVerb};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use segmenta::analysis::{DEFAULT_FOLDER, Ks};
use segmenta::backend::Device;
use segmenta::table::write::OutputFormat;
use std::path::PathBuf;

const AFTER: &str = "\
Examples:
  segmenta demo                             a made-up table of 205,843 learners, analysed whole
  segmenta inspect users.csv                what would become a feature, and why
  segmenta sweep users.csv --k 2..10        inertia and silhouette for each k, on all rows
  segmenta fit users.csv --k 6 --id user_id six segments, into segmenta-out/
  segmenta name segmenta-out/model.json 0=Beginners             a name for segment 0
  segmenta assign segmenta-out/model.json new.csv --out new     label new rows
  segmenta drift segmenta-out/model.json new.csv --strict       is it still the same kind of table?
  segmenta run recipe.toml                  all of it as a recipe says, from raw table to files

Exit codes:
  0 done               1 failed while running    2 wrong usage    3 bad data
  4 --strict not met   5 no such device        130 interrupted";

/// Segments a whole platform's users: exact on every row, the same answer on every device.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// The memory that the table and the work on it may take, such as 8G or 500M; what needs more is an error before
    /// the work [default: 80 % of what the machine or its container has left]
    #[arg(long, global = true, env = "SEGMENTA_MAX_MEMORY", value_name = "SIZE", value_parser = size::size,
          help_heading = "Running")]
    pub max_memory: Option<u64>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a table of 205,843 learners and run the whole analysis on it, in a fresh folder
    Demo(Demo),
    /// Follow a recipe: from the raw table to features, segments and files
    Run(RunRecipe),
    /// Show the columns: types, missing values, what would be a feature and why
    Inspect(Inspect),
    /// Ask whether the table clusters at all (Hopkins' statistic)
    Tendency(Tendency),
    /// Fit every k of a range and score each: inertia, silhouette, smallest segment
    Sweep(Sweep),
    /// Find segments; without --k, sweep 2..10 first and take the k with the highest silhouette
    Fit(Fit),
    /// Label the rows of a table with a saved model
    Assign(Assign),
    /// Tell whether a table is still like the one that a saved model was fitted to
    Drift(Drift),
    /// Give the segments of a saved model names, or list them
    Name(Name),
    /// Make a seeded table for trials and benchmarks
    #[command(subcommand)]
    Synth(SynthVerb),
    /// Measure this machine: what its devices can do at most, whether they agree, how fast each step is
    Bench(Bench),
    /// Show the devices of this machine, their limits, and which one `auto` takes
    Doctor(Doctor),
}

/// How a run talks and where it computes.
#[derive(Debug, Clone, Args)]
pub struct Run {
    /// Where to compute: auto, cpu, gpu, or gpu:N for adapter N of `segmenta doctor`
    #[arg(long, env = "SEGMENTA_DEVICE", default_value = "auto", help_heading = "Running")]
    pub device: Device,
    /// CPU threads [default: all]
    #[arg(long, env = "SEGMENTA_THREADS", value_parser = clap::value_parser!(u16).range(1..),
          help_heading = "Running")]
    pub threads: Option<u16>,
    /// Seed of all random draws; the same seed gives the same result [default: 0]
    #[arg(long, env = "SEGMENTA_SEED", help_heading = "Running")]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub talk: Talk,
}

impl Run {
    /// The seed, where nothing else says one.
    pub fn seed(&self) -> u64 {
        self.seed.unwrap_or(0)
    }
}

/// What is printed.
#[derive(Debug, Clone, Args)]
pub struct Talk {
    /// Print one JSON document on stdout instead of a table
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Say nothing on stderr but errors
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
    /// Say more on stderr
    #[arg(short, long, action = ArgAction::SetTrue, help_heading = "Output")]
    pub verbose: bool,
    /// Show a progress bar: auto (when stderr is a terminal) or never
    #[arg(long, value_enum, default_value_t = ProgressMode::Auto, help_heading = "Output")]
    pub progress: ProgressMode,
}

/// When a progress bar is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressMode {
    Auto,
    Never,
}

/// Where files go.
#[derive(Debug, Clone, Args)]
pub struct Out {
    /// Folder for the results
    #[arg(long, default_value = DEFAULT_FOLDER, value_name = "DIR", help_heading = "Output")]
    pub out: PathBuf,
    /// Replace results that are already there
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// What the assignments are written as: assignments.csv or assignments.parquet
    #[arg(long, value_parser = one_of(ASSIGNMENTS), default_value = ASSIGNMENTS[0].0, value_name = "FORMAT",
          help_heading = "Output")]
    pub assignments: OutputFormat,
    /// Write distances and margins with all of their digits, not with six
    #[arg(long, help_heading = "Output")]
    pub full_precision: bool,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Folder for the table and the results
    #[arg(long, default_value = "segmenta-demo", value_name = "DIR", help_heading = "Output")]
    pub out: PathBuf,
    /// Replace an earlier demo
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    #[command(flatten)]
    pub run: Run,
}

const AFTER_RUN: &str = "\
A recipe says in TOML where the table is, what becomes of its columns, which are
features, what is fitted and where it goes; RECIPES.md explains every key. What
it learns from the table (medians, levels, quantiles, figures by group) is kept
in model.json, and only applied by `segmenta assign`.

Examples:
  segmenta inspect users.csv --print-recipe > users.toml   a recipe to begin with
  segmenta run users.toml                                  follow it
  segmenta run users.toml --input june.csv --out june      the same for another table
  segmenta run users.toml --set reference_year=2027        another value of a parameter
  segmenta run users.toml --k 6                            six segments, without the sweep
  segmenta run users.toml --init old/model.json            the segments keep their numbers and names
  segmenta run users.toml --features-out x.npy --no-fit    only the features

Everything that is wrong with a recipe is said at once, with line and key, before
any work.";

#[derive(Debug, Args)]
#[command(after_help = AFTER_RUN)]
pub struct RunRecipe {
    /// The recipe: a TOML file
    pub recipe: PathBuf,
    /// How many segments, whatever the recipe says; its sweep is then left out
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub k: Option<u32>,
    /// k-means++ starts, of the fit and of each k of a sweep, whatever the recipe says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "KMeans")]
    pub n_init: Option<u32>,
    /// Where to start, whatever the recipe says: an earlier model.json of this recipe, whose segments keep their numbers
    /// and names, or centroids as for fit; the sweep is then left out
    #[arg(long, value_name = "FILE", help_heading = "KMeans")]
    pub init: Option<PathBuf>,
    /// The table, instead of the recipe's
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub input: Option<PathBuf>,
    /// Another value for one of the recipe's [parameters] (repeatable)
    #[arg(long, value_name = "NAME=NUMBER", value_parser = setting, help_heading = "Input")]
    pub set: Vec<(String, f64)>,
    /// Folder for the results [default: the recipe's, or segmenta-out]
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Replace results that are already there
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// What the assignments are written as: assignments.csv or assignments.parquet
    #[arg(long, value_parser = one_of(ASSIGNMENTS), default_value = ASSIGNMENTS[0].0, value_name = "FORMAT",
          help_heading = "Output")]
    pub assignments: OutputFormat,
    /// Write distances and margins with all of their digits, not with six
    #[arg(long, help_heading = "Output")]
    pub full_precision: bool,
    #[command(flatten)]
    pub features_out: FeaturesOut,
    /// Stop after the features
    #[arg(long, requires = "features_out", help_heading = "Output")]
    pub no_fit: bool,
    /// Check the recipe, the input, the features and the output folder, then stop
    #[arg(long, help_heading = "Output")]
    pub dry_run: bool,
    #[command(flatten)]
    pub gates: GateFlags,
    #[command(flatten)]
    pub run: Run,
}

/// Where the features go.
#[derive(Debug, Clone, Args)]
pub struct FeaturesOut {
    /// Write the features too: .csv, .npy (without names) or .parquet
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub features_out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Inspect {
    #[command(flatten)]
    pub input: InputFlags,
    #[command(flatten)]
    pub features: Features,
    /// Print a recipe that does what a run without one does, to edit and to run
    #[arg(long, conflicts_with = "json", help_heading = "Output")]
    pub print_recipe: bool,
    #[command(flatten)]
    pub talk: Talk,
}

#[derive(Debug, Args)]
pub struct Tendency {
    #[command(flatten)]
    pub input: InputFlags,
    #[command(flatten)]
    pub features: Features,
    /// Probes of each kind, at most a tenth of the rows [default: the smaller of 2,000 and a tenth of the rows]
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u32).range(1..))]
    pub probes: Option<u32>,
    #[command(flatten)]
    pub run: Run,
}

#[derive(Debug, Args)]
pub struct Sweep {
    #[command(flatten)]
    pub input: InputFlags,
    /// The k to fit: a range with both ends (2..10) or a list (2,4,8) [default: 2..10, or up to the number of distinct
    /// rows where that is smaller]
    #[arg(long, value_parser = str::parse::<Ks>)]
    pub k: Option<Ks>,
    #[command(flatten)]
    pub features: Features,
    #[command(flatten)]
    pub kmeans: KMeansFlags,
    #[command(flatten)]
    pub choosing: Choosing,
    #[command(flatten)]
    pub run: Run,
}

#[derive(Debug, Args)]
pub struct Fit {
    #[command(flatten)]
    pub input: InputFlags,
    /// How many segments [default: chosen by a sweep of 2..10]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub k: Option<u32>,
    #[command(flatten)]
    pub features: Features,
    #[command(flatten)]
    pub kmeans: KMeansFlags,
    /// Where to start, in place of the k-means++ starts: centroids, one a row, in the scaled feature space and feature
    /// order, as .csv (with or without a header) or .npy; or an earlier model.json, whose segments keep their numbers
    /// and names
    #[arg(long, value_name = "FILE", help_heading = "KMeans")]
    pub init: Option<PathBuf>,
    /// Score the segments by their silhouette too
    #[arg(long, help_heading = "Choosing k")]
    pub silhouette: bool,
    #[command(flatten)]
    pub choosing: Choosing,
    #[command(flatten)]
    pub out: Out,
    #[command(flatten)]
    pub features_out: FeaturesOut,
    /// `--labels -` sends the assignments to stdout instead of a file, for a pipe; nothing else is printed there
    #[arg(long, value_name = "FILE", value_parser = ["-"], hide_possible_values = true,
          conflicts_with_all = ["json", "assignments"], help_heading = "Output")]
    pub labels: Option<String>,
    /// Check the input, the features and the output folder, then stop
    #[arg(long, help_heading = "Output")]
    pub dry_run: bool,
    #[command(flatten)]
    pub gates: GateFlags,
    #[command(flatten)]
    pub run: Run,
}

#[derive(Debug, Args)]
pub struct Assign {
    /// The model.json of a fit
    pub model: PathBuf,
    #[command(flatten)]
    pub input: InputFlags,
    #[command(flatten)]
    pub out: Out,
    /// `--labels -` sends the assignments to stdout instead of a file, for a pipe; nothing else is printed there
    #[arg(long, value_name = "FILE", value_parser = ["-"], hide_possible_values = true,
          conflicts_with_all = ["json", "assignments"], help_heading = "Output")]
    pub labels: Option<String>,
    #[command(flatten)]
    pub run: Run,
}

const AFTER_DRIFT: &str = "\
The population stability index (PSI) of a column is the sum over its bins of
(now - then) * ln(now / then), with the share of the rows in a bin then and now:
0 where nothing moved, stable below 0.1, moderate up to 0.25, major beyond.

The bins: for numbers the deciles of the fit, the outermost without an end, and a
bin of its own for a value that several deciles share; for texts the levels, the
rarer ones together. Missing has a bin of its own, and so have texts that the fit
did not see. Shares below 0.0001 count as that. The segments' shares have a PSI
too. Where nothing changed, ten bins in tables of n and m rows still come to
about 9 * (1 / n + 1 / m).

Values are compared after a recipe's rules, and only in rows that get a segment.

Examples:
  segmenta drift segmenta-out/model.json june.csv
  segmenta drift model.json june.csv --strict --max-psi 0.2    for a batch job
  segmenta drift model.json june.csv --json";

#[derive(Debug, Args)]
#[command(after_help = AFTER_DRIFT)]
pub struct Drift {
    /// The model.json of a fit
    pub model: PathBuf,
    #[command(flatten)]
    pub input: InputFlags,
    /// Exit with code 4 where a PSI, of a column or of the segments' shares, is above --max-psi
    #[arg(long, help_heading = "Gates")]
    pub strict: bool,
    /// The largest PSI that passes
    #[arg(long, default_value_t = 0.25, value_name = "PSI", value_parser = tolerance, help_heading = "Gates")]
    pub max_psi: f64,
    #[command(flatten)]
    pub run: Run,
}

#[derive(Debug, Args)]
pub struct Doctor {
    #[command(flatten)]
    pub run: Run,
}

fn setting(text: &str) -> Result<(String, f64), String> {
    let number = |t: &str| t.trim().parse::<f64>().ok().filter(|v| v.is_finite());
    let (name, value) = text.split_once('=').ok_or("expected NAME=NUMBER")?;
    let value = number(value).ok_or_else(|| format!("expected a number for {name}, found {value:?}"))?;
    Ok((name.trim().to_string(), value))
}

fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(t) if t >= 0.0 && t.is_finite() => Ok(t),
        _ => Err("expected a number, 0 or more".into()),
    }
}

/// What assignments are written as, by the flag's words.
const ASSIGNMENTS: &[(&str, OutputFormat)] =
    &[("csv", OutputFormat::Csv), ("parquet", OutputFormat::Parquet)];

/// A parser of one of a few words, each of which stands for a value.
fn one_of<T: Copy + Send + Sync>(words: &'static [(&'static str, T)]) -> impl TypedValueParser<Value = T> {
    let names = words.iter().map(|(word, _)| *word);
    PossibleValuesParser::new(names).map(move |word: String| {
        let found = words.iter().find(|(name, _)| *name == word);
        found.unwrap_or(&words[0]).1
    })
}
