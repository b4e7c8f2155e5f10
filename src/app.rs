//! A batch job: runs the chain from table to files, owns outputs, progress and exit codes.

mod analyse;
mod assign;
mod bench;
mod choosing;
mod cli;
mod console;
mod document;
mod drift;
mod estimate;
mod features;
mod figures;
mod hints;
mod init;
mod input;
mod interrupt;
mod memory;
mod name;
mod output;
mod run;
mod sheet;
mod tools;

pub use cli::Cli;
use cli::{Run, Verb};
use segmenta::Error;
use segmenta::backend::cpu::{Cpu, InstructionSet};
use std::io::ErrorKind;
use std::process::ExitCode;

/// A gate of `--strict` that was not met; everything was written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Gate(String);

/// Runs one command line.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    interrupt::listen();
    quiet_caught_panics();
    memory::set_limit(&cli);
    match cli.verb {
        Verb::Demo(args) => run::demo(&args),
        Verb::Run(args) => run::run(&args),
        Verb::Inspect(args) => tools::inspect(&args),
        Verb::Tendency(args) => analyse::tendency(&args),
        Verb::Sweep(args) => analyse::sweep(&args),
        Verb::Fit(args) => analyse::fit(&args),
        Verb::Assign(args) => assign::assign(&args),
        Verb::Drift(args) => drift::drift(&args),
        Verb::Name(args) => name::name(&args),
        Verb::Synth(args) => tools::synth(&args),
        Verb::Bench(args) => bench::bench(&args),
        Verb::Doctor(args) => tools::doctor(&args),
    }
}

/// Panics that a table's reader turns into errors say nothing of their own.
fn quiet_caught_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !segmenta::table::panics_are_caught() {
            usual(panic);
        }
    }));
}

/// Says what went wrong, in one line, and gives the exit code.
pub fn finish(outcome: anyhow::Result<()>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    let code = exit_code(&error);
    if code == 130 {
        interrupt::announce();
    } else if code != 0 {
        console::complain(&format!("error: {}", in_words(&error)));
    }
    ExitCode::from(code)
}

/// What went wrong; of many faults the first and how many there are.
fn in_words(error: &anyhow::Error) -> String {
    const SHOWN: usize = 20;
    match error.downcast_ref::<Error>() {
        Some(Error::Recipe(faults)) if faults.len() > SHOWN => {
            let shown: Vec<String> = faults[..SHOWN].iter().map(ToString::to_string).collect();
            let more = console::count(faults.len() - SHOWN, "more fault");
            format!("{}\nand {more}", shown.join("\n"))
        }
        _ => error.to_string(),
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<Gate>() {
        return 4;
    }
    if let Some(e) = error.downcast_ref::<std::io::Error>() {
        // Only results on stdout end here.
        return if e.kind() == ErrorKind::BrokenPipe { 0 } else { 1 };
    }
    match error.downcast_ref::<Error>() {
        Some(Error::Usage(_)) => 2,
        Some(Error::Data { .. } | Error::Recipe(_) | Error::Read { .. }) => 3,
        Some(Error::Device(_)) => 5,
        Some(Error::Interrupted) => 130,
        _ => 1,
    }
}

/// Sets the number of threads, and gives the CPU as `SEGMENTA_SIMD` allows it.
fn set_up(run: &Run) -> anyhow::Result<Cpu> {
    set_threads(run.threads)?;
    Ok(Cpu::with(instruction_set()?)?)
}

/// Sets the number of threads; none: one for each of the machine's.
fn set_threads(threads: Option<u16>) -> anyhow::Result<()> {
    let threads = threads.map_or(0, usize::from);
    Ok(rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?)
}

/// The instruction set that `SEGMENTA_SIMD` names, or the widest.
fn instruction_set() -> Result<InstructionSet, Error> {
    Ok(match std::env::var("SEGMENTA_SIMD").ok().as_deref() {
        None | Some("") => InstructionSet::detect(),
        Some("avx512") => InstructionSet::Avx512,
        Some("avx2") => InstructionSet::Avx2,
        Some("neon") => InstructionSet::Neon,
        Some("none") => InstructionSet::Portable,
        Some(other) => {
            let what = format!("SEGMENTA_SIMD={other}: expected avx512, avx2, neon or none");
            return Err(Error::Usage(what));
        }
    })
}
