//! The flags of `segmenta synth`.

use super::Talk;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What to make.
#[derive(Debug, Subcommand)]
pub enum SynthVerb {
    /// Learners of a tech-learning platform: company, pay, experience and position
    Learners(ExampleFlags),
    /// What users of a learning site do on the day they sign up: exercises, videos, study plans
    FirstDay(ExampleFlags),
    /// A survey of people who work with data: 355 columns, with the questions in the first row
    Survey(SynthSurvey),
    /// Who signed up for a course, and when; --out may also name a .tsv or .tsv.gz file
    Enthusiasts(ExampleFlags),
    /// Gaussian blobs of standard deviation 1, with their labels
    Blobs(SynthBlobs),
}

#[derive(Debug, Args)]
pub struct ExampleFlags {
    /// How many rows [default: 205,843 for learners, 20,000 for first-day and survey, 72 for enthusiasts, as in the
    /// published analyses]
    #[arg(long)]
    pub rows: Option<usize>,
    #[command(flatten)]
    pub made: Made,
}

#[derive(Debug, Args)]
pub struct SynthSurvey {
    #[command(flatten)]
    pub example: ExampleFlags,
    /// Add what an analysis should find: truth_population, who was asked about tools, and truth_segment, what each does
    #[arg(long)]
    pub truth: bool,
}

/// Where the table is written.
#[derive(Debug, Args)]
pub struct Made {
    /// Seed of the table; the same seed makes the same bytes
    #[arg(long, env = "SEGMENTA_SEED", default_value_t = 0)]
    pub seed: u64,
    /// The file to write: .csv or .csv.gz, or - for stdout
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Replace the file if it already exists
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub talk: Talk,
}

#[derive(Debug, Args)]
pub struct SynthBlobs {
    /// How many rows
    #[arg(long, default_value_t = 100_000)]
    pub rows: usize,
    /// How many features
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    pub features: u32,
    /// How many blobs
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    pub centers: u32,
    /// Seed of the table; the same seed makes the same bytes
    #[arg(long, env = "SEGMENTA_SEED", default_value_t = 0)]
    pub seed: u64,
    /// The file to write: .csv, .csv.gz or - for stdout, each with the labels as the last column, or .npy, with the
    /// labels in a second file NAME-labels.npy
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Replace the file if it already exists
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub talk: Talk,
}
