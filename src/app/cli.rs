//! The flags of the command line. This module only parses; the verbs do the work.

mod bench;
mod compare;
mod compare_methods;
mod groups;
mod input;
mod methods;
mod name;
mod reduce;
mod report;
mod size;
mod stability;
mod synth;

pub use bench::{Bench, Measured, STEPS};
pub use compare::Compare;
pub use compare_methods::CompareMethods;
pub use groups::{Choosing, GateFlags, Holding, Restarts};
pub use input::{Features, InputFlags, names};
pub use methods::{MethodFlags, MethodParameters};
pub use name::Name;
pub use reduce::Reduce;
pub use report::{Report, ReportFlags};
pub use stability::Stability;
pub use synth::{ExampleFlags, SynthBlobs, SynthVerb};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use segmenta::analysis::{DEFAULT_FOLDER, Ks};
use segmenta::backend::Device;
use segmenta::profile::Options;
use segmenta::table::write::OutputFormat;
use std::path::PathBuf;

const AFTER: &str = "\
Examples:
  segmenta demo                              make a table of 205,843 learners and analyse it
  segmenta inspect users.csv                 show which columns would become features, and why
  segmenta inspect users.csv --full          also describe them: quantiles, skewness, correlations
  segmenta sweep users.csv --k 2..10         inertia and silhouette for each k, on all rows
  segmenta fit users.csv --k 6 --id user_id  find six segments and write them to segmenta-out/
  segmenta profile segmenta-out/model.json users.csv          describe the segments
  segmenta name segmenta-out/model.json 0=Beginners           give segment 0 a name
  segmenta assign segmenta-out/model.json new.csv --out new   label new rows with the saved model
  segmenta stability segmenta-out/model.json users.csv        check whether the segments hold
  segmenta drift segmenta-out/model.json new.csv --strict     check whether new rows still look the same
  segmenta compare june/assignments.csv july/assignments.csv  who stayed, moved, came and left
  segmenta compare-methods users.csv --methods kmeans,ward --k 5   whether methods agree
  segmenta reduce users.csv --method umap --embedding-out map.csv  lay the rows out in two dimensions
  segmenta report segmenta-out               make a page of the results that people can read and send on
  segmenta run recipe.toml                   follow a recipe, from the raw table to the result files

Exit codes:
  0 done               1 failed while running    2 wrong usage    3 bad data
  4 --strict not met   5 no such device         130 interrupted";

/// Clusters all users of a platform into segments: exact on every row, with the same result on every device.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// The most memory that a run may use, such as 8G or 500M; a run that needs more stops with an error before it
    /// starts [default: 80 % of the memory that is free on the machine or in its container]
    #[arg(long, global = true, env = "SEGMENTA_MAX_MEMORY", value_name = "SIZE", value_parser = size::size,
          help_heading = "Running")]
    pub max_memory: Option<u64>,
    /// The most memory that may be allocated on a GPU, such as 2G [default: as much as it has]. A table that needs more
    /// goes to the CPU with --device auto, and is an error with --device gpu
    #[arg(long, global = true, env = "SEGMENTA_MAX_GPU_MEM", value_name = "SIZE", value_parser = size::size,
          help_heading = "Running")]
    pub max_gpu_mem: Option<u64>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a table of 205,843 learners and run a whole analysis on it, in a new folder
    Demo(Demo),
    /// Follow a recipe, from the raw table to features, segments and result files
    Run(RunRecipe),
    /// Show each column's type and missing values, and whether it would become a feature and why
    Inspect(Inspect),
    /// Test whether the table has any clusters at all (Hopkins' statistic)
    Tendency(Tendency),
    /// Fit each k of a range and compare inertia, silhouette and the size of the smallest segment
    Sweep(Sweep),
    /// Find segments; without --k, sweep k = 2..10 first and use the k with the highest silhouette
    Fit(Box<Fit>),
    /// Label the rows of a table with a saved model
    Assign(Assign),
    /// Describe the segments of a saved model by the rows of a table: figures, shares, intervals and what sets each apart
    Profile(Profile),
    /// Check whether the segments of a saved model hold: fit samples of a table's rows anew, and each cohort on its own
    Stability(Stability),
    /// Compare two files of segments: whether they agree, which segment corresponds to which, who stayed and who moved
    Compare(Compare),
    /// Run several clustering methods on the same rows and compare what they find
    CompareMethods(CompareMethods),
    /// Turn many columns into a few: principal components, or a map by UMAP in which near rows stay near
    Reduce(Reduce),
    /// Make one page of the results of a run: a file that people open in a browser, and that needs no other
    Report(Report),
    /// Check whether a table still resembles the one that a saved model was fitted to
    Drift(Drift),
    /// List the segments of a saved model, or give them names
    Name(Name),
    /// Make up a table for trials and benchmarks; the same seed makes the same table
    #[command(subcommand)]
    Synth(SynthVerb),
    /// Measure this machine: the peak speed of each device, whether all agree, and how fast each step runs
    Bench(Bench),
    /// Show the devices of this machine, their limits, and which one `--device auto` would use
    Doctor(Doctor),
}

/// Where a run computes and what it prints.
#[derive(Debug, Clone, Args)]
pub struct Run {
    /// Where to compute: auto, cpu, gpu, or gpu:N for adapter N as listed by `segmenta doctor`
    #[arg(long, env = "SEGMENTA_DEVICE", default_value = "auto", help_heading = "Running")]
    pub device: Device,
    /// How many CPU threads to use [default: all]
    #[arg(long, env = "SEGMENTA_THREADS", value_parser = clap::value_parser!(u16).range(1..),
          help_heading = "Running")]
    pub threads: Option<u16>,
    /// Seed for everything random; the same seed gives the same result [default: 0]
    #[arg(long, env = "SEGMENTA_SEED", help_heading = "Running")]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub talk: Talk,
}

impl Run {
    /// The seed, for verbs where nothing but this flag can set it.
    pub fn seed(&self) -> u64 {
        self.seed.unwrap_or(0)
    }
}

/// What is printed.
#[derive(Debug, Clone, Args)]
pub struct Talk {
    /// Print the results to stdout as one JSON document instead of tables
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Print only errors to stderr
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
    /// Print more details to stderr
    #[arg(short, long, action = ArgAction::SetTrue, help_heading = "Output")]
    pub verbose: bool,
    /// Show a progress bar: auto (if stderr is a terminal) or never
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
    /// Replace files that already exist
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    #[command(flatten)]
    pub rows: RowsOut,
}

/// How the labelled rows are written.
#[derive(Debug, Clone, Args)]
pub struct RowsOut {
    /// Format of the assignments: csv writes assignments.csv, parquet writes assignments.parquet
    #[arg(long, value_parser = one_of(ASSIGNMENTS), default_value = ASSIGNMENTS[0].0, value_name = "FORMAT",
          help_heading = "Output")]
    pub assignments: OutputFormat,
    /// Write distances and margins with all their digits instead of six
    #[arg(long, help_heading = "Output")]
    pub full_precision: bool,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Folder for the table and the results
    #[arg(long, default_value = "segmenta-demo", value_name = "DIR", help_heading = "Output")]
    pub out: PathBuf,
    /// Replace the files of an earlier demo
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    #[command(flatten)]
    pub report: ReportFlags,
    #[command(flatten)]
    pub run: Run,
}

const AFTER_RUN: &str = "\
A recipe is a TOML file that says where the table is, how its columns are
prepared, which of them become features, what is fitted and where the results
go. RECIPES.md explains every key. Whatever the recipe learns from the table
(medians, categories, quantiles, figures per group) is saved in model.json;
`segmenta assign` applies it to new rows and learns nothing from them.

A run writes model.json, metrics.json, the assignments, and report.html: one page
for people to read, which opens in a browser and needs no network.

Examples:
  segmenta inspect users.csv --print-recipe > users.toml   write a recipe to start from
  segmenta run users.toml                                  follow it
  segmenta run users.toml --input june.csv --out june      the same for another table
  segmenta run users.toml --set reference_year=2027        set one of its [parameters]
  segmenta run users.toml --k 6                            six segments, without a sweep
  segmenta run users.toml --init old/model.json            refit; segments keep numbers and names
  segmenta run users.toml --features-out x.npy --no-fit    write the features and stop

Before any work, all mistakes in the recipe itself are listed together, each with
its line and key. Mistakes that only show against the table, such as the name of
a column that it does not have, are reported once the table has been read.";

#[derive(Debug, Args)]
#[command(after_help = AFTER_RUN)]
pub struct RunRecipe {
    /// The recipe: a TOML file
    pub recipe: PathBuf,
    /// How many segments; overrides the recipe and skips its sweep
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub k: Option<u32>,
    /// Number of k-means++ restarts, for the fit and for each k of the sweep, or auto; overrides the recipe
    #[arg(long, value_name = "N|auto", value_parser = groups::restarts, help_heading = "KMeans")]
    pub n_init: Option<Restarts>,
    /// Start KMeans from this file; overrides the recipe and skips its sweep. Either an earlier model.json of this
    /// recipe (matching segments keep their numbers and names) or a file of centroids, as for `segmenta fit`
    #[arg(long, value_name = "FILE", help_heading = "KMeans")]
    pub init: Option<PathBuf>,
    /// Last time's assignments, to say who moved, came and left [default: the assignments beside the
    /// model of --init]
    #[arg(long, value_name = "FILE", help_heading = "KMeans")]
    pub previous: Option<PathBuf>,
    /// The table to read instead of the recipe's
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub input: Option<PathBuf>,
    /// Set one of the recipe's [parameters] to another value (repeatable)
    #[arg(long, value_name = "NAME=NUMBER", value_parser = setting, help_heading = "Input")]
    pub set: Vec<(String, f64)>,
    /// Folder for the results [default: the recipe's folder, or segmenta-out]
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Replace files that already exist
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    #[command(flatten)]
    pub rows: RowsOut,
    #[command(flatten)]
    pub features_out: FeaturesOut,
    #[command(flatten)]
    pub report: ReportFlags,
    /// Write the features to the file of --features-out, then stop without fitting
    #[arg(long, requires = "features_out", help_heading = "Output")]
    pub no_fit: bool,
    /// Check the recipe, the input, the features and the output folder, then stop without fitting
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
    /// Also write the features to this file: .csv, .npy (without names), .parquet, or .arrow or .feather (Arrow IPC). The
    /// numbers are the scaled ones that KMeans clusters. May be given several times
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub features_out: Vec<PathBuf>,
    /// Also write how likely each row of the table belongs to each segment by a Gaussian mixture: .csv, .npy, .parquet,
    /// .arrow or .feather, a row a line and a column for each segment
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub responsibilities_out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Inspect {
    #[command(flatten)]
    pub input: InputFlags,
    #[command(flatten)]
    pub features: Features,
    /// Describe the table too: moments, quantiles and skewness of numbers, the commonest texts, rows and keys that repeat,
    /// and correlations. All rows are looked at, and each counts once. With --json, all correlations are printed
    #[arg(long, conflicts_with = "print_recipe", help_heading = "Output")]
    pub full: bool,
    /// Print a recipe that does the same as `segmenta fit` on this table, for you to edit and run
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
    /// How many random rows and how many random points to probe; at most a tenth of the rows [default: a tenth of the
    /// rows, but no more than 2,000]
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u32).range(1..))]
    pub probes: Option<u32>,
    #[command(flatten)]
    pub run: Run,
}

#[derive(Debug, Args)]
pub struct Sweep {
    #[command(flatten)]
    pub input: InputFlags,
    /// Which k to fit: a range that includes both ends (2..10) or a list (2,4,8) [default: 2..10, or fewer if the table
    /// has fewer distinct rows]
    #[arg(long, value_parser = str::parse::<Ks>)]
    pub k: Option<Ks>,
    #[command(flatten)]
    pub features: Features,
    #[command(flatten)]
    pub method: MethodFlags,
    #[command(flatten)]
    pub choosing: Choosing,
    #[command(flatten)]
    pub run: Run,
}

#[derive(Debug, Args)]
pub struct Fit {
    #[command(flatten)]
    pub input: InputFlags,
    /// How many segments [default: chosen by a sweep over k = 2..10, unless the method finds their number]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub k: Option<u32>,
    #[command(flatten)]
    pub features: Features,
    #[command(flatten)]
    pub method: MethodFlags,
    /// Start KMeans from this file instead of k-means++ restarts. Either an earlier model.json (matching segments keep
    /// their numbers and names), or a .csv (with or without a header) or .npy with one centroid per row, in the order
    /// and the scaled units of the features
    #[arg(long, value_name = "FILE", help_heading = "KMeans")]
    pub init: Option<PathBuf>,
    /// Last time's assignments, to say who moved, came and left [default: the assignments beside the
    /// model of --init]
    #[arg(long, value_name = "FILE", help_heading = "KMeans")]
    pub previous: Option<PathBuf>,
    /// Compute the silhouette of the segments too
    #[arg(long, help_heading = "Choosing k")]
    pub silhouette: bool,
    #[command(flatten)]
    pub choosing: Choosing,
    #[command(flatten)]
    pub holding: Holding,
    #[command(flatten)]
    pub out: Out,
    #[command(flatten)]
    pub features_out: FeaturesOut,
    #[command(flatten)]
    pub report: ReportFlags,
    /// `--labels -` writes the assignments to stdout as CSV, for a pipe, instead of to a file. model.json and
    /// metrics.json are still written; `-` is the only value
    #[arg(long, value_name = "-", value_parser = ["-"], hide_possible_values = true,
          conflicts_with_all = ["json", "assignments"], help_heading = "Output")]
    pub labels: Option<String>,
    /// Check the input, the features and the output folder, then stop without fitting
    #[arg(long, help_heading = "Output")]
    pub dry_run: bool,
    #[command(flatten)]
    pub gates: GateFlags,
    #[command(flatten)]
    pub run: Run,
}

#[derive(Debug, Args)]
pub struct Assign {
    /// The model.json that a fit wrote
    pub model: PathBuf,
    #[command(flatten)]
    pub input: InputFlags,
    /// Last time's assignments, to say who moved, came and left [default: the assignments beside the model]
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub previous: Option<PathBuf>,
    #[command(flatten)]
    pub out: Out,
    /// `--labels -` writes the assignments to stdout as CSV, for a pipe, instead of to a file; `-` is the only value
    #[arg(long, value_name = "-", value_parser = ["-"], hide_possible_values = true,
          conflicts_with_all = ["json", "assignments"], help_heading = "Output")]
    pub labels: Option<String>,
    #[command(flatten)]
    pub run: Run,
}

const AFTER_PROFILE: &str = "\
The rows are labelled with the model, and each segment is compared with the rest
of the rows in every column, whether or not the column was a feature. A trait is a
difference that is large enough to matter (Cohen's d or h of 0.2 and more) and too
large to be noise (q < 0.05 after Benjamini and Hochberg's correction for all
comparisons; Welch's t-test for means, chi-squared or Fisher's exact test for
shares). Segments were made to differ in their features, so there a small q does
not prove that the segments exist.

Intervals cover 95 %: Student's t for means, Wilson's for shares.

Examples:
  segmenta profile segmenta-out/model.json users.csv
  segmenta profile model.json users.csv --columns 'pay,city,spend_*'
  segmenta profile model.json users.csv --columns job_title --top 10
  segmenta profile model.json users.csv --json";

#[derive(Debug, Args)]
#[command(after_help = AFTER_PROFILE)]
pub struct Profile {
    /// The model.json that a fit wrote
    pub model: PathBuf,
    #[command(flatten)]
    pub input: InputFlags,
    /// Columns to describe: names or globs such as spend_*, separated by commas; put a name that contains a comma in
    /// quotes [default: all columns of numbers and of true and false, and texts of up to --top different values]
    #[arg(long, value_name = "A,B,C", help_heading = "Profile")]
    pub columns: Vec<String>,
    /// How many values of a text are told apart; the rarer ones of a text that --columns names are put together
    #[arg(long, default_value_t = Options::default().top as u32, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..), help_heading = "Profile")]
    pub top: u32,
    /// Name so many typical rows of each segment by their ids: those nearest to its centroid
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1000),
          help_heading = "Profile")]
    pub typical: u32,
    #[command(flatten)]
    pub run: Run,
}

const AFTER_DRIFT: &str = "\
The population stability index (PSI) measures how far the distribution of a column
has moved since the fit. It is the sum over bins of (now - then) * ln(now / then),
where now and then are the shares of the rows in a bin. PSI is 0 if no share has
moved; below 0.1 counts as stable, up to 0.25 as moderate, and above as major.

PSI alone calls a segment stable that grew from 30 to 43 % of the rows. So the
points that a share has moved count too: of a segment, a category, true, missing
values; of numbers the share of the rows below an edge between bins. From 5 points
(one row in twenty) a change is moderate, from 10 (one in ten) major. Either way it
counts only where chance alone would do as much less than once in a hundred tables
(chi-squared test, corrected for the number of comparisons); otherwise the table
says \"within chance\".

For numbers the bins are the deciles of the fit; the first and the last bin are
open-ended, and a value so common that it fills several deciles gets its own bin.
For text each category is a bin, with the rare ones put together. Missing values
are one more bin, and so are texts that the fit did not see. A share below 0.0001
is taken as 0.0001, so that an empty bin does not make the PSI infinite. The
shares of the segments have a PSI too. Chance alone gives a PSI of about
9 * (1 / n + 1 / m) for ten bins and tables of n and m rows.

Values are compared as the recipe, if there was one, has prepared them. Only rows
that get a segment are compared.

Examples:
  segmenta drift segmenta-out/model.json june.csv
  segmenta drift model.json june.csv --strict --max-psi 0.2    fail a batch job on drift
  segmenta drift model.json june.csv --strict --max-shift 10   or on shares that moved
  segmenta drift model.json june.csv --json";

#[derive(Debug, Args)]
#[command(after_help = AFTER_DRIFT)]
pub struct Drift {
    /// The model.json that a fit wrote
    pub model: PathBuf,
    #[command(flatten)]
    pub input: InputFlags,
    /// Exit with code 4 if the PSI of a column or of the segments' shares is above --max-psi, or a share has moved by more
    /// than --max-shift
    #[arg(long, help_heading = "Gates")]
    pub strict: bool,
    /// The largest PSI that --strict accepts
    #[arg(long, default_value_t = 0.25, value_name = "PSI", value_parser = tolerance, help_heading = "Gates")]
    pub max_psi: f64,
    /// The most percentage points that --strict lets a segment's share or a share of a column's rows move, beyond what
    /// chance explains [default: no limit]
    #[arg(long, value_name = "POINTS", value_parser = tolerance, help_heading = "Gates")]
    pub max_shift: Option<f64>,
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

/// The formats that assignments can be written in, by the words of the flag.
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
