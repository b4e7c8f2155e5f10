//! Parse, run, exit code.

mod cli;
mod job;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    job::finish(job::run(cli::Cli::parse()))
}
