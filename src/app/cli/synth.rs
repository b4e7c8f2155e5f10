//! The flags of `segmenta synth`.

use super::Talk;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What to make.
#[derive(Debug, Subcommand)]
pub enum Synth {
    /// Learners of a tech-learning platform: company, pay, experience, position
    Learners(SynthLearners),
    /// What users of a learning site do on the day they sign up: exercises, videos, study plans
    FirstDay(SynthFirstDay),
    /// A survey of people who work with data: 355 columns, the questions in the first row
    Survey(SynthSurvey),
    /// Who signed up for a course, and when
    Enthusiasts(SynthEnthusiasts),
    /// Gaussian blobs of deviation 1, with their labels
    Blobs(SynthBlobs),
}

#[derive(Debug, Args)]
pub struct SynthLearners {
    /// How many rows
    #[arg(long, default_value_t = 205_843)]
    pub rows: usize,
    #[command(flatten)]
    pub made: Made,
}

#[derive(Debug, Args)]
pub struct SynthFirstDay {
    /// How many rows
    #[arg(long, default_value_t = 20_000)]
    pub rows: usize,
    #[command(flatten)]
    pub made: Made,
}

#[derive(Debug, Args)]
pub struct SynthSurvey {
    /// How many rows
    #[arg(long, default_value_t = 20_000)]
    pub rows: usize,
    #[command(flatten)]
    pub made: Made,
}

#[derive(Debug, Args)]
pub struct SynthEnthusiasts {
    /// How many rows
    #[arg(long, default_value_t = 72)]
    pub rows: usize,
    #[command(flatten)]
    pub made: Made,
}

/// Where a made table goes.
#[derive(Debug, Args)]
pub struct Made {
    /// Seed; the same seed gives the same bytes
    #[arg(long, env = "SEGMENTA_SEED", default_value_t = 0)]
    pub seed: u64,
    /// The file to write: .csv, .tsv (enthusiasts only), each also .gz, or - for stdout
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Replace a file that is already there
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
    /// Seed; the same seed gives the same bytes
    #[arg(long, env = "SEGMENTA_SEED", default_value_t = 0)]
    pub seed: u64,
    /// The file to write: .csv, .csv.gz, - for stdout (the label is the last column), or .npy (the labels go to
    /// NAME-labels.npy)
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Replace a file that is already there
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub talk: Talk,
}
